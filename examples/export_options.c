/* The command line of fhirexport-folder. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export_folder.h"

const char settings_help[] =
    "Usage: fhirexport-folder (--folder DIR | --sqlite FILE) --out DIR [--to URL] [options]\n"
    "\n"
    "Exports FHIR resources to NDJSON files in DIR/<job>/, with a manifest beside that folder.\n"
    "\n"
    "  --folder DIR      reads <Type>.ndjson and <Type>.ndjson.gz in DIR\n"
    "  --sqlite FILE     reads the table resource(type, id, last_updated, json) in FILE,\n"
    "                    after a second in which writes in flight can end\n"
    "  --deleted-table T  a table of FILE with the same columns: what is deleted; told with "
    "--since\n"
    "  --patient-table T  a table of FILE (patient, type, id): whose each resource is\n"
    "  --out DIR         where to write; it is made if it is missing\n"
    "  --to URL          files go there, and only the manifest to DIR:\n"
    "                    s3://BUCKET/PREFIX?endpoint=URL&region=R&style=path|host&ca=FILE (only "
    "the\n"
    "                    bucket is needed; credentials as AWS tools find them) or\n"
    "                    azure-blob://CONTAINER/PREFIX?ca=FILE, with\n"
    "                    AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_SAS_URL set\n"
    "  --type T          only this type; may be repeated\n"
    "  --since INSTANT   only what was changed after it, for example 2024-01-01T00:00:00Z\n"
    "  --until INSTANT   only what was changed before it\n"
    "  --patient ID      only what belongs to this patient; may be repeated\n"
    "  --all-patients    only what belongs to some patient\n"
    "  --group ID        only what belongs to the members of this Group\n"
    "  --type-filter Q   of a type only what meets a search, for example\n"
    "                    'Observation?status=final'; may be repeated: one of them has to be met\n"
    "  --elements LIST   only these elements, for example Patient.birthDate,subject\n"
    "  --by-patient      files in blocks, patient after patient; needs --patient-table\n"
    "  --provenance WHICH  of Provenances those of exported resources: relevant, all of them, or\n"
    "                    latest, the newest of each\n"
    "  --threads N       so many threads; as many as there are processors if not given\n"
    "  --part-bytes N    how long a file may become; k, M and G may follow; 128 MiB if not given\n"
    "  --gzip            files in gzip, <name>.ndjson.gz\n"
    "  --sha256          also compute a SHA-256 of every file\n"
    "  --store FILE      keeps a record of the job, so that it can be taken up after Ctrl-C\n"
    "  --resume JOB      goes on with this job of the store\n"
    "  --quiet           prints nothing but errors\n"
    "\n"
    "Exit codes: 0 complete, 1 failed, 2 mistake in the command, 3 parked (see --store).\n";

enum {
  OPTION_SQLITE = 1,
  OPTION_FOLDER,
  OPTION_OUT,
  OPTION_TO,
  OPTION_TYPE,
  OPTION_SINCE,
  OPTION_UNTIL,
  OPTION_PATIENT,
  OPTION_ALL_PATIENTS,
  OPTION_GROUP,
  OPTION_TYPE_FILTER,
  OPTION_ELEMENTS,
  OPTION_THREADS,
  OPTION_PART_BYTES,
  OPTION_STORE,
  OPTION_RESUME,
  OPTION_GZIP,
  OPTION_SHA256,
  OPTION_DELETED_TABLE,
  OPTION_PATIENT_TABLE,
  OPTION_BY_PATIENT,
  OPTION_PROVENANCE,
  OPTION_QUIET,
  OPTION_HELP,
  OPTION_COUNT
};

static const struct option long_options[] = {
    {"sqlite", required_argument, NULL, OPTION_SQLITE},
    {"folder", required_argument, NULL, OPTION_FOLDER},
    {"out", required_argument, NULL, OPTION_OUT},
    {"to", required_argument, NULL, OPTION_TO},
    {"type", required_argument, NULL, OPTION_TYPE},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"patient", required_argument, NULL, OPTION_PATIENT},
    {"all-patients", no_argument, NULL, OPTION_ALL_PATIENTS},
    {"group", required_argument, NULL, OPTION_GROUP},
    {"type-filter", required_argument, NULL, OPTION_TYPE_FILTER},
    {"elements", required_argument, NULL, OPTION_ELEMENTS},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"part-bytes", required_argument, NULL, OPTION_PART_BYTES},
    {"store", required_argument, NULL, OPTION_STORE},
    {"resume", required_argument, NULL, OPTION_RESUME},
    {"gzip", no_argument, NULL, OPTION_GZIP},
    {"sha256", no_argument, NULL, OPTION_SHA256},
    {"deleted-table", required_argument, NULL, OPTION_DELETED_TABLE},
    {"patient-table", required_argument, NULL, OPTION_PATIENT_TABLE},
    {"by-patient", no_argument, NULL, OPTION_BY_PATIENT},
    {"provenance", required_argument, NULL, OPTION_PROVENANCE},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0}};

void complain(const char *what, const fhx_error *error) {
  const char *message = error != NULL ? fhx_error_message(error) : "there is no memory";
  fprintf(stderr, "fhirexport-folder: %s: %s\n", what, message);
}

static bool mistake(const char *sentence) {
  fprintf(stderr, "fhirexport-folder: %s\n", sentence);
  return false;
}

/* Reads a whole number from 1 to `max`, with k, M or G behind it if `units` allows them. */
static bool read_number(const char *option, const char *text, const char *units, uint64_t max,
                        uint64_t *number) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  bool valid = text[0] >= '0' && text[0] <= '9' && errno == 0;
  const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
  for (const char *step = units; unit != NULL && step <= unit; step++) {
    valid = valid && value <= max / 1000;
    value *= 1000;
  }
  if (unit != NULL) end++;
  if (valid && *end == '\0' && value >= 1 && value <= max) {
    *number = value;
    return true;
  }
  fprintf(stderr, "fhirexport-folder: %s takes a whole number from 1 to %llu, not \"%s\"\n", option,
          (unsigned long long)max, text);
  return false;
}

/* Each of a list with commas. */
static int32_t add_elements(fhx_filter *filter, const char *list, fhx_error **error) {
  int32_t status = FHX_OK;
  char *names = strdup(list), *rest = names;
  if (names == NULL) return FHX_ERR_NO_MEMORY;
  for (char *name; status == FHX_OK && (name = strsep(&rest, ",")) != NULL;) {
    status = fhx_filter_add_element(filter, name, error);
  }
  free(names);
  return status;
}

/* The options that fill in the filter. */
static bool add_to_filter(fhx_filter *filter, int option, const char *text) {
  fhx_error *error = NULL;
  int32_t status = FHX_OK;
  switch (option) {
    case OPTION_TYPE:
      status = fhx_filter_add_type(filter, text, &error);
      break;
    case OPTION_SINCE:
      status = fhx_filter_set_since(filter, text, &error);
      break;
    case OPTION_UNTIL:
      status = fhx_filter_set_until(filter, text, &error);
      break;
    case OPTION_ALL_PATIENTS:
      status = fhx_filter_set_all_patients(filter, &error);
      break;
    case OPTION_GROUP:
      status = fhx_filter_set_group(filter, text, &error);
      break;
    case OPTION_TYPE_FILTER:
      status = fhx_filter_add_query(filter, text, &error);
      break;
    case OPTION_ELEMENTS:
      status = add_elements(filter, text, &error);
      break;
    default:
      status = fhx_filter_add_patient(filter, text, &error);
  }
  if (status != FHX_OK) {
    fprintf(stderr, "fhirexport-folder: --%s %s: %s\n", long_options[option - 1].name,
            text == NULL ? "" : text,
            error == NULL ? "there is no memory" : fhx_error_message(error));
  }
  fhx_error_free(error);
  return status == FHX_OK;
}

/* Where an option's text goes as it is; NULL for the other options. */
static const char **text_of(struct settings *settings, int option) {
  switch (option) {
    case OPTION_SQLITE:
      return &settings->sqlite;
    case OPTION_FOLDER:
      return &settings->folder;
    case OPTION_OUT:
      return &settings->out;
    case OPTION_STORE:
      return &settings->store;
    case OPTION_RESUME:
      return &settings->resume;
    case OPTION_DELETED_TABLE:
      return &settings->deleted_table;
    case OPTION_PATIENT_TABLE:
      return &settings->patient_table;
    default:
      return NULL;
  }
}

static bool read_threads(struct settings *settings) {
  uint64_t count = 0;
  if (!read_number("--threads", optarg, "", THREADS_MAX, &count)) return false;
  settings->thread_count = (uint32_t)count;
  return true;
}

/* What is said without more; NULL for the other options. */
static bool *flag_of(struct settings *settings, int option) {
  switch (option) {
    case OPTION_BY_PATIENT:
      return &settings->by_patient;
    case OPTION_GZIP:
      return &settings->gzip;
    case OPTION_SHA256:
      return &settings->sha256;
    case OPTION_QUIET:
      return &settings->quiet;
    case OPTION_HELP:
      return &settings->help;
    default:
      return NULL;
  }
}

static bool read_provenance(struct settings *settings) {
  settings->provenance =
      strcmp(optarg, "latest") == 0 ? FHX_PROVENANCE_LATEST : FHX_PROVENANCE_RELEVANT;
  if (strcmp(optarg, "latest") == 0 || strcmp(optarg, "relevant") == 0) return true;
  return mistake("--provenance takes relevant or latest");
}

static bool read_destination(struct settings *settings) {
  const char *problem = NULL;
  destination_url_free(&settings->destination);
  settings->to = optarg;
  if (destination_url_read(&settings->destination, optarg, &problem)) return true;
  fprintf(stderr, "fhirexport-folder: --to %s %s\n", optarg, problem);
  return false;
}

static bool read_option(struct settings *settings, int option) {
  const char **text = text_of(settings, option);
  bool *flag = flag_of(settings, option);
  if (text != NULL) *text = optarg;
  if (flag != NULL) *flag = true;
  if (text != NULL || flag != NULL) return true;
  switch (option) {
    case OPTION_TYPE:
    case OPTION_SINCE:
    case OPTION_UNTIL:
    case OPTION_PATIENT:
    case OPTION_ALL_PATIENTS:
    case OPTION_GROUP:
    case OPTION_TYPE_FILTER:
    case OPTION_ELEMENTS:
      return add_to_filter(settings->filter, option, optarg);
    case OPTION_THREADS:
      return read_threads(settings);
    case OPTION_PART_BYTES:
      return read_number("--part-bytes", optarg, "kMG", UINT64_C(1) << 50, &settings->part_bytes);
    case OPTION_PROVENANCE:
      return read_provenance(settings);
    case OPTION_TO:
      return read_destination(settings);
    default:
      return false; /* getopt_long has said what is wrong */
  }
}

/* Do the options fit together? `given` counts each. */
static bool fit_together(const struct settings *settings, const uint32_t given[OPTION_COUNT]) {
  if ((settings->sqlite != NULL) == (settings->folder != NULL)) {
    return mistake("say where the resources are: either --folder DIR or --sqlite FILE");
  }
  if ((settings->deleted_table != NULL || settings->patient_table != NULL) &&
      settings->sqlite == NULL) {
    return mistake("--deleted-table and --patient-table are tables of the --sqlite FILE");
  }
  if (settings->out == NULL) return mistake("say where to write: --out DIR");
  if (settings->resume == NULL) return true;
  if (settings->store == NULL) return mistake("--resume needs the --store FILE that has the job");
  static const int fixed[] = {
      OPTION_TYPE,   OPTION_SINCE,       OPTION_UNTIL,     OPTION_PATIENT,    OPTION_ALL_PATIENTS,
      OPTION_GROUP,  OPTION_TYPE_FILTER, OPTION_ELEMENTS,  OPTION_PART_BYTES, OPTION_GZIP,
      OPTION_SHA256, OPTION_BY_PATIENT,  OPTION_PROVENANCE};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
    if (given[fixed[i]] == 0) continue;
    fprintf(stderr,
            "fhirexport-folder: --%s was settled when the job started; leave it out with "
            "--resume\n",
            long_options[fixed[i] - 1].name);
    return false;
  }
  return true;
}

bool settings_read(struct settings *settings, int argc, char **argv) {
  uint32_t given[OPTION_COUNT] = {0};
  fhx_error *error = NULL;
  int option = 0;
  memset(settings, 0, sizeof *settings);
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  settings->thread_count = processors < 1 ? 1 : (uint32_t)processors;
  if (settings->thread_count > THREADS_MAX) settings->thread_count = THREADS_MAX;
  if (fhx_filter_new(&settings->filter, &error) != FHX_OK) {
    complain("starting", error);
    fhx_error_free(error);
    return false;
  }
  while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
    if (!read_option(settings, option)) return false;
    given[option]++;
  }
  if (settings->help) return true;
  if (optind < argc) {
    fprintf(stderr, "fhirexport-folder: \"%s\" is not an option\n", argv[optind]);
    return false;
  }
  return fit_together(settings, given);
}

void settings_free(struct settings *settings) {
  destination_url_free(&settings->destination);
  fhx_filter_free(settings->filter);
}
