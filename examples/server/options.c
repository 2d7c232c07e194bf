/* The command line of fhirexport-server. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "database.h"
#include "log.h"

const char options_help[] =
    "Usage: fhirexport-server --db sqlite:FILE|URL --destination URL [options]\n"
    "       fhirexport-server client add NAME --clients FILE [--scope SCOPES] [--tenant NAME]\n"
    "                         [--group ID]... [--key FILE]\n"
    "\n"
    "A FHIR R4 server with $export: GET, PUT and DELETE of resources, GET Group and metadata.\n"
    "\n"
    "  --db sqlite:FILE|URL     the resources; the file is made if it is missing. "
    "postgresql://...\n"
    "                           is a database that several servers share\n"
    "  --load PATH...           loads .ndjson, .ndjson.gz, Bundles (.json), or a folder of these\n"
    "  --destination URL        where exported files go: file:DIR (made if it is missing),\n"
    "                           s3://BUCKET/PREFIX?endpoint=URL&region=R&style=path|host&ca=FILE\n"
    "                           (only the bucket is needed; credentials as AWS tools find them),\n"
    "                           azure-blob://CONTAINER/PREFIX?ca=FILE, with\n"
    "                           AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_SAS_URL set\n"
    "  --jobs FILE|URL          keeps a record of the jobs, so that they survive the server; "
    "needs\n"
    "                           --url-key-file. postgresql://... is a database that several\n"
    "                           servers share\n"
    "  --listen HOST:PORT       where to listen; port 0 is any; 127.0.0.1:8080 if not given\n"
    "  --base-url URL           the server as clients see it, if not http://HOST:PORT/fhir\n"
    "  --base4b PATH            the same resources and exports below this path, such as /fhir4b, "
    "by\n"
    "                           the rules of the ballot of Bulk Data STU4\n"
    "  --auth none|smart        who may do what: everybody everything (if not given), or clients\n"
    "                           what they are registered for (SMART Backend Services)\n"
    "  --clients FILE           the clients, for --auth smart; \"client add\" makes an entry\n"
    "  --used-assertions PLACE  where it is kept what clients have used already, an SQLite file\n"
    "                           or postgresql://...; --jobs if that is a URL, else the file of\n"
    "                           the clients with .used behind\n"
    "  --jwks-ca FILE           whose certificates are believed where clients have their keys, if\n"
    "                           not the system's\n"
    "  --token-seconds N        how long an access token is good; 300, which is the most\n"
    "  --tls-cert FILE          answers by https, with this certificate and those that it needs\n"
    "                           behind it, as PEM; needs --tls-key\n"
    "  --tls-key FILE           the certificate's key, as PEM\n"
    "  --allow-open             allows --auth none when other machines can connect\n"
    "  --publish DIR            answers $bulk-publish with what fhirexport publish has put there;\n"
    "                           its --base-url is that of this server and /$bulk-publish\n"
    "  --files signed|token     links to files need their signature only (if not given), or the\n"
    "                           access token of the client too\n"
    "  --url-key-file FILE      keys that sign links, one a line, at least 32 characters each; "
    "the\n"
    "                           first one signs, all are valid\n"
    "  --admin-token-file FILE  /exports, a page for operators: whoever has a line of this file, "
    "of at\n"
    "                           least 32 characters, sees all jobs, starts and cancels them\n"
    "  --workers N              threads that run jobs; as many as there are processors\n"
    "  --helpers N              threads that keep jobs alive while workers are busy; 1; with any,\n"
    "                           each job that runs has another that writes its files\n"
    "  --lease SECONDS          after how long a job whose server died goes on; 120\n"
    "  --part-bytes N           how long a file may become; k, M and G may follow; 128 MiB\n"
    "  --part-count N           how many resources a file may have; no limit\n"
    "  --shards N               into how many tasks a large type is divided at most; 16\n"
    "  --part-bytes-min N       how long a file is at least, the last of a type apart\n"
    "  --maximum-file-size-min N\n"
    "                           the least _maximumFileSize that clients may ask for below "
    "--base4b;\n"
    "                           1000\n"
    "  --gzip                   keeps files in gzip, and sends them so to clients that take it\n"
    "  --sha256                 manifests tell how long each file is, and its SHA-256\n"
    "  --bad-rows N             an export fails when so many resources could not be exported\n"
    "  --bad-rows-permille N    the same, of a thousand\n"
    "  --max-jobs N             unfinished jobs before a kick-off is answered 429; 200\n"
    "  --max-jobs-per-client N  the same for one client; 32\n"
    "  --max-polls N            polls of a job within one Retry-After before the next gets 429; "
    "100\n"
    "  --associated TYPES       Patient and Group exports have the resources of these types too,\n"
    "                           commas between, that the exported ones refer to\n"
    "  --associated-values TEXT values of includeAssociatedData, and the types that each adds:\n"
    "                           \"_participants=Practitioner,Organization;_places=Location\"\n"
    "  --new-members            Group exports with _since have the older data of members who have\n"
    "                           joined since\n"
    "  --client-destinations HOST[:PORT],...\n"
    "                           clients may have files written to Azure Blob Storage of their own "
    "on\n"
    "                           these hosts, and no others\n"
    "  --client-destinations-ca FILE\n"
    "                           whose certificates are believed there, if not the system's\n"
    "  --client-destinations-container NAME\n"
    "                           the container of those that name none; if not given, they are "
    "refused\n"
    "  --disabled               starts no exports; what is there can still be fetched\n"
    "  --join-identical         who asks for what a running export of theirs is made for shares "
    "it\n"
    "  --group-depth N          how deep Groups may be nested in an exported one; 10\n"
    "  --group-members N        how many members they may have; 50000000\n"
    "  --log text|json          what it says on stderr: sentences (if not given), or events of\n"
    "                           jobs and requests too, a JSON object a line\n"
    "  --log-level LEVEL        of which events on: debug, info (if not given), warning, error;\n"
    "                           who asked for what is always logged\n"
    "  --metrics                GET /metrics also where other machines can connect; without, only\n"
    "                           where they cannot\n"
    "  --keep SECONDS           how long a job and its files are kept after its end; 86400\n"
    "  --link-seconds N         how long a link to a file is good from the poll that gave it; "
    "3600\n"
    "  --target-bytes N         the longest URL taken; 16384\n"
    "  --header-bytes N         the longest header fields taken, together; 65536\n"
    "  --body-bytes N           the longest body taken; 1048576\n"
    "  --connections N          connections at a time; 256\n"
    "  --request-seconds N      how long a request may take to come; 20\n"
    "\n"
    "Prints \"ready URL\" when it answers. SIGTERM and SIGINT end it: jobs are parked, and go on\n"
    "after the next start with the same --jobs. Exit codes: 0 ended, 1 failed, 2 mistake in the\n"
    "command.\n";

/* Above all characters, which getopt_long returns for what it does not know. */
enum {
  OPTION_FIRST = 256,
  OPTION_BASE_URL = OPTION_FIRST,
  OPTION_BASE_4B,
  OPTION_DATABASE,
  OPTION_LOAD,
  OPTION_DESTINATION,
  OPTION_AUTH,
  OPTION_FILES,
  OPTION_LOG,
  OPTION_LOG_LEVEL,
  /* In the order of `plain_options`; the rest in that of `number_options`. */
  OPTION_PLAIN
};

/* An option whose text is taken as it is, or that has none and is said or not. */
struct plain_option {
  const char *name;
  size_t offset;
  bool has_text;
};

static const struct plain_option plain_options[] = {
    {"listen", offsetof(struct options, listen), true},
    {"jobs", offsetof(struct options, jobs), true},
    {"admin-token-file", offsetof(struct options, admin_token_file), true},
    {"url-key-file", offsetof(struct options, url_key_file), true},
    {"publish", offsetof(struct options, publish), true},
    {"associated", offsetof(struct options, associated_types), true},
    {"associated-values", offsetof(struct options, associated_values), true},
    {"client-destinations", offsetof(struct options, client_destinations), true},
    {"client-destinations-ca", offsetof(struct options, client_destinations_ca), true},
    {"client-destinations-container", offsetof(struct options, client_destinations_container),
     true},
    {"clients", offsetof(struct options, clients_file), true},
    {"used-assertions", offsetof(struct options, used_assertions), true},
    {"jwks-ca", offsetof(struct options, jwks_ca_file), true},
    {"tls-cert", offsetof(struct options, tls_cert_file), true},
    {"tls-key", offsetof(struct options, tls_key_file), true},
    {"allow-open", offsetof(struct options, allow_open), false},
    {"gzip", offsetof(struct options, gzip), false},
    {"sha256", offsetof(struct options, sha256), false},
    {"disabled", offsetof(struct options, disabled), false},
    {"join-identical", offsetof(struct options, join_identical), false},
    {"metrics", offsetof(struct options, metrics), false},
    {"new-members", offsetof(struct options, new_members), false},
    {"help", offsetof(struct options, help), false},
};

#define PLAIN_COUNT (sizeof plain_options / sizeof *plain_options)
#define OPTION_NUMBERS (OPTION_PLAIN + (int)PLAIN_COUNT)

/* What an option's number may be, and what it is if not given. */
struct number_option {
  const char *name;
  size_t offset;
  uint64_t min;
  uint64_t max;
  uint64_t preset;
};

#define NUMBER(name, member, min, max, preset) \
  { name, offsetof(struct options, member), min, max, preset }

static const struct number_option number_options[] = {
    NUMBER("workers", workers, 1, 1024, 0),
    NUMBER("helpers", helpers, 0, 64, 1),
    NUMBER("lease", lease_seconds, 1, 86400, 120),
    NUMBER("part-bytes", part_bytes, 1, UINT64_C(1) << 50, 0),
    NUMBER("part-count", part_count, 1, UINT64_C(1) << 50, 0),
    NUMBER("shards", shards_max, 1, 10000, 0),
    NUMBER("maximum-file-size-min", maximum_file_size_min, 1, UINT64_C(1) << 50, 1000),
    NUMBER("part-bytes-min", part_bytes_min, 0, UINT64_C(1) << 50, 0),
    NUMBER("bad-rows", bad_rows_limit, 1, UINT64_C(1) << 50, 0),
    NUMBER("bad-rows-permille", bad_rows_permille_limit, 1, 1000, 0),
    NUMBER("max-jobs", jobs_max, 1, 1000000, 200),
    NUMBER("max-jobs-per-client", jobs_per_client_max, 1, 1000000, 32),
    NUMBER("max-polls", polls_max, 1, 1000000, 100),
    NUMBER("group-depth", group_depth_max, 1, 1000, 10),
    NUMBER("group-members", group_members_max, 1, UINT64_C(1) << 50, 50000000),
    NUMBER("keep", keep_seconds, 1, UINT64_C(3155760000), 86400),
    NUMBER("link-seconds", link_seconds, 1, UINT64_C(3155760000), 3600),
    NUMBER("target-bytes", target_bytes, 64, 512 * 1024, 16 * 1024),
    NUMBER("header-bytes", header_bytes, 256, 512 * 1024, 64 * 1024),
    NUMBER("body-bytes", body_bytes, 1, UINT64_C(1) << 30, 1024 * 1024),
    NUMBER("connections", connections, 16, 100000, 256),
    NUMBER("request-seconds", request_seconds, 1, 3600, 20),
    NUMBER("token-seconds", token_seconds, 1, 300, 300),
};

#define NUMBER_COUNT (sizeof number_options / sizeof *number_options)

static bool mistake(const char *sentence) {
  fprintf(stderr, "fhirexport-server: %s\n", sentence);
  return false;
}

/* Reads a whole number, with k, M or G behind it. */
static bool read_number(const struct number_option *option, const char *text, uint64_t *number) {
  static const char units[] = "kMG";
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  bool valid = text[0] >= '0' && text[0] <= '9' && errno == 0;
  const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
  for (const char *step = units; unit != NULL && step <= unit; step++) {
    valid = valid && value <= option->max / 1000;
    value *= 1000;
  }
  if (unit != NULL) end++;
  if (valid && *end == '\0' && value >= option->min && value <= option->max) {
    *number = value;
    return true;
  }
  fprintf(stderr, "fhirexport-server: --%s takes a whole number from %llu to %llu, not \"%s\"\n",
          option->name, (unsigned long long)option->min, (unsigned long long)option->max, text);
  return false;
}

static uint64_t *number_of(struct options *options, const struct number_option *option) {
  return (uint64_t *)(void *)((char *)options + option->offset);
}

static bool read_base_url(struct options *options, char *text) {
  size_t len = strlen(text);
  while (len > 0 && text[len - 1] == '/') text[--len] = '\0';
  bool absolute = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
  const char *host = strstr(text, "//");
  if (!absolute || host[2] == '\0' || strpbrk(text, "?#\"\\ <>") != NULL) {
    return mistake("--base-url takes an absolute http or https URL without a query");
  }
  options->base_url = text;
  return true;
}

/* Letters, digits and what else needs no encoding, in segments; nothing that is below the other
   paths, or above them. */
static bool read_base4b(struct options *options, const char *text) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_/";
  size_t len = strlen(text);
  bool is_path = len > 1 && text[0] == '/' && text[len - 1] != '/' &&
                 strspn(text, letters) == len && strstr(text, "//") == NULL;
  if (!is_path || strncmp(text, "/fhir/", 6) == 0 || strcmp(text, "/fhir") == 0 ||
      strcmp(text, "/metrics") == 0) {
    return mistake("--base4b takes a path such as /fhir4b, and none of the server's others");
  }
  options->base4b = text;
  return true;
}

static bool read_files(struct options *options, const char *text) {
  options->files_need_token = strcmp(text, "token") == 0;
  if (options->files_need_token || strcmp(text, "signed") == 0) return true;
  return mistake("--files takes signed or token");
}

static bool read_destination(struct options *options, const char *text) {
  const char *problem = NULL;
  destination_url_free(&options->destination);
  options->destination_text = text;
  if (destination_url_read(&options->destination, text, &problem)) return true;
  fprintf(stderr, "fhirexport-server: --destination %s %s\n", text, problem);
  return false;
}

static void set_plain(struct options *options, const struct plain_option *option) {
  void *member = (char *)options + option->offset;
  if (option->has_text) {
    *(const char **)member = optarg;
  } else {
    *(bool *)member = true;
  }
}

/* A URL may have a password in it, and is told to nobody. */
static bool read_database(struct options *options, const char *text) {
  static const char scheme[] = "sqlite:";
  const size_t len = sizeof scheme - 1;
  if (strncmp(text, scheme, len) == 0 && text[len] != '\0') {
    options->database = text + len;
  } else if (database_is_postgres(text)) {
    options->database = text;
  } else {
    return mistake("--db takes sqlite: and a path, or postgresql:// and a database");
  }
  return true;
}

static bool read_option(struct options *options, int option) {
  switch (option) {
    case OPTION_BASE_URL:
      return read_base_url(options, optarg);
    case OPTION_BASE_4B:
      return read_base4b(options, optarg);
    case OPTION_DATABASE:
      return read_database(options, optarg);
    case OPTION_LOAD:
      options->load[options->load_count++] = optarg;
      return true;
    case OPTION_DESTINATION:
      return read_destination(options, optarg);
    case OPTION_AUTH:
      options->smart = strcmp(optarg, "smart") == 0;
      return options->smart || strcmp(optarg, "none") == 0 || mistake("--auth takes none or smart");
    case OPTION_FILES:
      return read_files(options, optarg);
    case OPTION_LOG:
      options->log_json = strcmp(optarg, "json") == 0;
      return options->log_json || strcmp(optarg, "text") == 0 ||
             mistake("--log takes text or json");
    case OPTION_LOG_LEVEL:
      return log_read_level(optarg, &options->log_level) ||
             mistake("--log-level takes debug, info, warning or error");
    default:
      return false; /* getopt_long has said what is wrong */
  }
}

/* Fills the table for getopt_long; `table` has room for all options and the end. */
static void make_table(struct option *table) {
  static const struct option texts[] = {
      {"base-url", required_argument, NULL, OPTION_BASE_URL},
      {"base4b", required_argument, NULL, OPTION_BASE_4B},
      {"db", required_argument, NULL, OPTION_DATABASE},
      {"load", required_argument, NULL, OPTION_LOAD},
      {"destination", required_argument, NULL, OPTION_DESTINATION},
      {"auth", required_argument, NULL, OPTION_AUTH},
      {"files", required_argument, NULL, OPTION_FILES},
      {"log", required_argument, NULL, OPTION_LOG},
      {"log-level", required_argument, NULL, OPTION_LOG_LEVEL}};
  memcpy(table, texts, sizeof texts);
  table += sizeof texts / sizeof *texts;
  for (size_t i = 0; i < PLAIN_COUNT; i++) {
    int text = plain_options[i].has_text ? required_argument : no_argument;
    *table++ = (struct option){plain_options[i].name, text, NULL, OPTION_PLAIN + (int)i};
  }
  for (size_t i = 0; i < NUMBER_COUNT; i++) {
    *table++ =
        (struct option){number_options[i].name, required_argument, NULL, OPTION_NUMBERS + (int)i};
  }
  *table = (struct option){NULL, 0, NULL, 0};
}

static void preset(struct options *options, int argc) {
  memset(options, 0, sizeof *options);
  options->listen = "127.0.0.1:8080";
  options->log_level = FHX_LOG_INFO;
  for (size_t i = 0; i < NUMBER_COUNT; i++) {
    *number_of(options, &number_options[i]) = number_options[i].preset;
  }
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  options->workers = processors < 1 ? 1 : (uint64_t)processors;
  options->load = calloc((size_t)argc + 1, sizeof *options->load);
}

/* Several paths may follow one --load: getopt_long leaves all but the first to us. */
static bool take_rest(struct options *options, int argc, char **argv) {
  if (optind < argc && options->load_count == 0) {
    fprintf(stderr, "fhirexport-server: \"%s\" is not an option\n", argv[optind]);
    return false;
  }
  while (optind < argc) options->load[options->load_count++] = argv[optind++];
  return true;
}

static bool security_fits(const struct options *options) {
  const bool has_clients = options->clients_file != NULL;
  if (options->smart && !has_clients) return mistake("--auth smart needs --clients FILE");
  if (!options->smart &&
      (has_clients || options->used_assertions != NULL || options->jwks_ca_file != NULL)) {
    return mistake("--clients, --used-assertions and --jwks-ca are for --auth smart");
  }
  if ((options->tls_cert_file == NULL) != (options->tls_key_file == NULL)) {
    return mistake("--tls-cert and --tls-key need each other");
  }
  return true;
}

static bool fit_together(const struct options *options) {
  if (options->database == NULL)
    return mistake("say where the resources are: --db sqlite:FILE or postgresql://...");
  if (options->destination_text == NULL) {
    return mistake("say where exported files go: --destination URL");
  }
  if (options->client_destinations == NULL && options->client_destinations_ca != NULL) {
    return mistake("--client-destinations-ca needs --client-destinations");
  }
  if (options->client_destinations == NULL && options->client_destinations_container != NULL) {
    return mistake("--client-destinations-container needs --client-destinations");
  }
  if (options->jobs != NULL && options->url_key_file == NULL) {
    return mistake("--jobs needs --url-key-file, so that links survive the server too");
  }
  return security_fits(options);
}

bool options_read(struct options *options, int argc, char **argv) {
  struct option table[OPTION_PLAIN - OPTION_FIRST + PLAIN_COUNT + NUMBER_COUNT + 1];
  int option = 0;
  preset(options, argc);
  if (options->load == NULL) return mistake("there is no memory");
  make_table(table);
  while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
    if (option >= OPTION_NUMBERS) {
      const struct number_option *number = &number_options[option - OPTION_NUMBERS];
      if (!read_number(number, optarg, number_of(options, number))) return false;
    } else if (option >= OPTION_PLAIN) {
      set_plain(options, &plain_options[option - OPTION_PLAIN]);
    } else if (!read_option(options, option)) {
      return false;
    }
  }
  if (options->help) return true;
  return take_rest(options, argc, argv) && fit_together(options);
}

void options_free(struct options *options) {
  free(options->load);
  destination_url_free(&options->destination);
}
