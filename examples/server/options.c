/* The command line of fhirexport-server. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char options_help[] =
    "Usage: fhirexport-server --db sqlite:FILE --destination file:DIR [options]\n"
    "\n"
    "A FHIR R4 server with $export: GET, PUT and DELETE of resources, GET Group and metadata.\n"
    "\n"
    "  --db sqlite:FILE         the resources; the file is made if it is missing\n"
    "  --load PATH...           loads .ndjson, .ndjson.gz, Bundles (.json), or a folder of these\n"
    "  --destination file:DIR   where exported files go; the folder is made if it is missing\n"
    "  --jobs FILE              keeps a record of the jobs, so that they survive the server; "
    "needs\n"
    "                           --url-key-file\n"
    "  --listen HOST:PORT       where to listen; port 0 is any; 127.0.0.1:8080 if not given\n"
    "  --base-url URL           the server as clients see it, if not http://HOST:PORT/fhir\n"
    "  --auth none              who may do what: everybody everything\n"
    "  --allow-open             allows --auth none when other machines can connect\n"
    "  --files signed|token     links to files need their signature only (if not given), or the\n"
    "                           access token of the client too\n"
    "  --url-key-file FILE      keys that sign links, one a line, at least 32 characters each; "
    "the\n"
    "                           first one signs, all are valid\n"
    "  --workers N              threads that run jobs; as many as there are processors\n"
    "  --helpers N              threads that keep jobs alive while workers are busy; 1; with any,\n"
    "                           each job that runs has another that writes its files\n"
    "  --lease SECONDS          after how long a job whose server died goes on; 120\n"
    "  --part-bytes N           how long a file may become; k, M and G may follow; 128 MiB\n"
    "  --part-count N           how many resources a file may have; no limit\n"
    "  --part-bytes-min N       how long a file is at least, the last of a type apart\n"
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
    "  --group-depth N          how deep Groups may be nested in an exported one; 10\n"
    "  --group-members N        how many members they may have; 50000000\n"
    "  --keep SECONDS           how long a job and its files are kept after its end; 86400\n"
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
  OPTION_DATABASE,
  OPTION_LOAD,
  OPTION_DESTINATION,
  OPTION_AUTH,
  OPTION_FILES,
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
    {"url-key-file", offsetof(struct options, url_key_file), true},
    {"associated", offsetof(struct options, associated_types), true},
    {"associated-values", offsetof(struct options, associated_values), true},
    {"allow-open", offsetof(struct options, allow_open), false},
    {"gzip", offsetof(struct options, gzip), false},
    {"sha256", offsetof(struct options, sha256), false},
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
    NUMBER("part-bytes-min", part_bytes_min, 0, UINT64_C(1) << 50, 0),
    NUMBER("bad-rows", bad_rows_limit, 1, UINT64_C(1) << 50, 0),
    NUMBER("bad-rows-permille", bad_rows_permille_limit, 1, 1000, 0),
    NUMBER("max-jobs", jobs_max, 1, 1000000, 200),
    NUMBER("max-jobs-per-client", jobs_per_client_max, 1, 1000000, 32),
    NUMBER("max-polls", polls_max, 1, 1000000, 100),
    NUMBER("group-depth", group_depth_max, 1, 1000, 10),
    NUMBER("group-members", group_members_max, 1, UINT64_C(1) << 50, 50000000),
    NUMBER("keep", keep_seconds, 1, UINT64_C(3155760000), 86400),
    NUMBER("target-bytes", target_bytes, 64, 512 * 1024, 16 * 1024),
    NUMBER("header-bytes", header_bytes, 256, 512 * 1024, 64 * 1024),
    NUMBER("body-bytes", body_bytes, 1, UINT64_C(1) << 30, 1024 * 1024),
    NUMBER("connections", connections, 16, 100000, 256),
    NUMBER("request-seconds", request_seconds, 1, 3600, 20),
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

/* The text behind a scheme; NULL, with a message, if it is another one. */
static const char *behind_scheme(const char *option, const char *scheme, const char *text) {
  size_t len = strlen(scheme);
  if (strncmp(text, scheme, len) == 0 && text[len] != '\0') return text + len;
  fprintf(stderr, "fhirexport-server: --%s takes %s and a path, not \"%s\"\n", option, scheme,
          text);
  return NULL;
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

static bool read_files(struct options *options, const char *text) {
  options->files_need_token = strcmp(text, "token") == 0;
  if (options->files_need_token || strcmp(text, "signed") == 0) return true;
  return mistake("--files takes signed or token");
}

static void set_plain(struct options *options, const struct plain_option *option) {
  void *member = (char *)options + option->offset;
  if (option->has_text) {
    *(const char **)member = optarg;
  } else {
    *(bool *)member = true;
  }
}

static bool read_option(struct options *options, int option) {
  switch (option) {
    case OPTION_BASE_URL:
      return read_base_url(options, optarg);
    case OPTION_DATABASE:
      options->database = behind_scheme("db", "sqlite:", optarg);
      return options->database != NULL;
    case OPTION_LOAD:
      options->load[options->load_count++] = optarg;
      return true;
    case OPTION_DESTINATION:
      options->destination = behind_scheme("destination", "file:", optarg);
      return options->destination != NULL;
    case OPTION_AUTH:
      return strcmp(optarg, "none") == 0 || mistake("--auth takes none");
    case OPTION_FILES:
      return read_files(options, optarg);
    default:
      return false; /* getopt_long has said what is wrong */
  }
}

/* Fills the table for getopt_long; `table` has room for all options and the end. */
static void make_table(struct option *table) {
  static const struct option texts[] = {
      {"base-url", required_argument, NULL, OPTION_BASE_URL},
      {"db", required_argument, NULL, OPTION_DATABASE},
      {"load", required_argument, NULL, OPTION_LOAD},
      {"destination", required_argument, NULL, OPTION_DESTINATION},
      {"auth", required_argument, NULL, OPTION_AUTH},
      {"files", required_argument, NULL, OPTION_FILES}};
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

static bool fit_together(const struct options *options) {
  if (options->database == NULL) return mistake("say where the resources are: --db sqlite:FILE");
  if (options->destination == NULL) {
    return mistake("say where exported files go: --destination file:DIR");
  }
  if (options->jobs != NULL && options->url_key_file == NULL) {
    return mistake("--jobs needs --url-key-file, so that links survive the server too");
  }
  return true;
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
}
