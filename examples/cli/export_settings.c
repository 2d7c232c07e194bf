/* The command line of `fhirexport export`. */
#include "export_settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "job_threads.h"

#define NAME "export"

enum {
  OPTION_SOURCE,
  OPTION_TO,
  OPTION_SOURCE_OPTION,
  OPTION_LEVEL,
  OPTION_TYPE,
  OPTION_SINCE,
  OPTION_UNTIL,
  OPTION_TYPE_FILTER,
  OPTION_ELEMENTS,
  OPTION_PATIENT,
  OPTION_ASSOCIATED,
  OPTION_GZIP,
  OPTION_SHA256,
  OPTION_PART_BYTES,
  /* What decides what is exported ends here. */
  OPTION_FIXED_COUNT,
  OPTION_WORKERS = OPTION_FIXED_COUNT,
  OPTION_THREADS,
  OPTION_STATE,
  OPTION_JSON,
  OPTION_PROGRESS,
  OPTION_QUIET,
  OPTION_HELP,
  OPTION_COUNT
};

static const struct argument_option options[OPTION_COUNT] = {
    [OPTION_SOURCE] = {"source", true},
    [OPTION_TO] = {"to", true},
    [OPTION_SOURCE_OPTION] = {"source-option", true},
    [OPTION_LEVEL] = {"level", true},
    [OPTION_TYPE] = {"type", true},
    [OPTION_SINCE] = {"since", true},
    [OPTION_UNTIL] = {"until", true},
    [OPTION_TYPE_FILTER] = {"type-filter", true},
    [OPTION_ELEMENTS] = {"elements", true},
    [OPTION_PATIENT] = {"patient", true},
    [OPTION_ASSOCIATED] = {"associated", true},
    [OPTION_GZIP] = {"gzip", false},
    [OPTION_SHA256] = {"sha256", false},
    [OPTION_PART_BYTES] = {"part-bytes", true},
    [OPTION_WORKERS] = {"workers", true},
    [OPTION_THREADS] = {"threads", true},
    [OPTION_STATE] = {"state", true},
    [OPTION_JSON] = {"json", false},
    [OPTION_PROGRESS] = {"progress", false},
    [OPTION_QUIET] = {"quiet", false},
    [OPTION_HELP] = {"help", false},
};

static int no_memory(void) {
  complain(NAME, "there is no memory");
  return EXIT_WRONG;
}

/* --- the filter --- */

/* What an option adds to. */
struct addition {
  fhx_filter *filter;
  int option;
  fhx_error *error;
};

static int32_t add_word(void *user_data, const char *word) {
  struct addition *one = user_data;
  switch (one->option) {
    case OPTION_TYPE:
      return fhx_filter_add_type(one->filter, word, &one->error);
    case OPTION_ELEMENTS:
      return fhx_filter_add_element(one->filter, word, &one->error);
    default:
      if (strncmp(word, "Patient/", 8) == 0) word += 8;
      return fhx_filter_add_patient(one->filter, word, &one->error);
  }
}

static int32_t set_level(struct addition *one, const char *level) {
  if (strcmp(level, "system") == 0) return FHX_OK;
  if (strcmp(level, "patient") == 0) return fhx_filter_set_all_patients(one->filter, &one->error);
  if (strncmp(level, "group/", 6) != 0) return FHX_ERR_ARGUMENT;
  return fhx_filter_set_group(one->filter, level + 6, &one->error);
}

/* FHX_OK too for options that are none of the filter. */
static int32_t add_to_filter(struct addition *one, const char *value) {
  switch (one->option) {
    case OPTION_TYPE:
    case OPTION_ELEMENTS:
    case OPTION_PATIENT:
      return arguments_words(value, add_word, one);
    case OPTION_SINCE:
      return fhx_filter_set_since(one->filter, value, &one->error);
    case OPTION_UNTIL:
      return fhx_filter_set_until(one->filter, value, &one->error);
    case OPTION_TYPE_FILTER:
      return fhx_filter_add_query(one->filter, value, &one->error);
    case OPTION_LEVEL:
      return set_level(one, value);
    default:
      return FHX_OK;
  }
}

/* Values are not repeated in what is said: they may be confidential. */
static int make_filter(struct export_settings *settings) {
  struct addition one = {0};
  int32_t status = fhx_filter_new(&settings->filter, &one.error);
  one.filter = settings->filter;
  for (size_t i = 0; status == FHX_OK && i < settings->given_count; i++) {
    one.option = settings->given[i].option;
    status = add_to_filter(&one, settings->given[i].value);
  }
  if (status == FHX_OK) return EXIT_DONE;
  if (one.option == OPTION_LEVEL && one.error == NULL) {
    complain(NAME, "--level is system, patient or group/ID");
  } else {
    complain(NAME, "--%s: %s", options[one.option].name, message_of(one.error));
  }
  fhx_error_free(one.error);
  return exit_code_of(status);
}

static int32_t append_word(void *user_data, const char *word) {
  char *text = user_data;
  if (text[0] != '\0') strcat(text, ",");
  strcat(text, word);
  return 0;
}

/* All of --associated in one text. */
static int join_associated(struct export_settings *settings) {
  size_t size = 0;
  for (size_t i = 0; i < settings->given_count; i++) {
    const struct given *one = &settings->given[i];
    if (one->option == OPTION_ASSOCIATED) size += strlen(one->value) + 1;
  }
  if (size == 0) return EXIT_DONE;
  settings->associated_types = calloc(1, size + 1);
  if (settings->associated_types == NULL) return no_memory();
  for (size_t i = 0; i < settings->given_count; i++) {
    const struct given *one = &settings->given[i];
    if (one->option != OPTION_ASSOCIATED) continue;
    if (arguments_words(one->value, append_word, settings->associated_types) != 0) {
      return no_memory();
    }
  }
  return EXIT_DONE;
}

/* --- where from and where to --- */

/* What was said last; NULL: nothing. */
static const char *last(const struct export_settings *settings, int option) {
  const char *value = NULL;
  for (size_t i = 0; i < settings->given_count; i++) {
    if (settings->given[i].option == option) value = settings->given[i].value;
  }
  return value;
}

static int read_source(struct export_settings *settings) {
  const char *text = last(settings, OPTION_SOURCE), *problem = NULL;
  if (text == NULL) {
    complain(NAME,
             "say where the resources are: --source ndjson:DIR, sqlite:FILE or "
             "postgresql:CONNINFO");
    return EXIT_USAGE;
  }
  if (!source_url_read(&settings->source, text, &problem)) {
    complain(NAME, "--source %s", problem);
    return EXIT_USAGE;
  }
  for (size_t i = 0; i < settings->given_count; i++) {
    if (settings->given[i].option != OPTION_SOURCE_OPTION) continue;
    char *pair = strdup(settings->given[i].value);
    if (pair == NULL) return no_memory();
    settings->pairs[settings->pair_count++] = pair;
    if (source_url_set(&settings->source, pair, &problem)) continue;
    complain(NAME, "--source-option %s", problem);
    return EXIT_USAGE;
  }
  return EXIT_DONE;
}

static int read_destination(struct export_settings *settings) {
  const char *text = last(settings, OPTION_TO), *problem = NULL;
  if (text == NULL) {
    complain(NAME,
             "say where to write: --to file:DIR, s3://BUCKET/PREFIX or "
             "azure-blob://CONTAINER/PREFIX");
    return EXIT_USAGE;
  }
  if (destination_url_read(&settings->destination, text, &problem)) return EXIT_DONE;
  complain(NAME, "--to %s", problem);
  return EXIT_USAGE;
}

/* --- the options --- */

static uint32_t processor_count(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  if (count < 1) return 1;
  return count > JOB_THREADS_MAX ? JOB_THREADS_MAX : (uint32_t)count;
}

/* What is read at once: all but source, destination and filter, which need all that was given. */
static bool read_one(struct export_settings *settings, const struct arguments *arguments,
                     int option, const char *value) {
  uint64_t number = 0;
  switch (option) {
    case OPTION_GZIP:
      return settings->gzip = true;
    case OPTION_SHA256:
      return settings->sha256 = true;
    case OPTION_JSON:
      return settings->progress.json = true;
    case OPTION_PROGRESS:
      return settings->progress.often = true;
    case OPTION_QUIET:
      return settings->progress.quiet = true;
    case OPTION_HELP:
      return settings->help = true;
    case OPTION_STATE:
      settings->state = value;
      return true;
    case OPTION_PART_BYTES:
      return arguments_number(arguments, "part-bytes", value, true, 1, UINT64_C(1) << 50,
                              &settings->part_bytes);
    case OPTION_WORKERS:
    case OPTION_THREADS:
      if (!arguments_number(arguments, options[option].name, value, false, 1, JOB_THREADS_MAX,
                            &number)) {
        return false;
      }
      settings->worker_count = (uint32_t)number;
      return true;
    default:
      return true;
  }
}

int export_settings_read(struct export_settings *settings, int argc, char **argv) {
  struct arguments arguments = {NAME, argc, argv, 1, options, OPTION_COUNT};
  const char *value = NULL;
  int option = 0;
  memset(settings, 0, sizeof *settings);
  settings->worker_count = processor_count();
  settings->given = calloc((size_t)argc, sizeof *settings->given);
  settings->pairs = calloc((size_t)argc, sizeof *settings->pairs);
  if (settings->given == NULL || settings->pairs == NULL) return no_memory();
  while ((option = arguments_next(&arguments, &value)) >= 0) {
    settings->given[settings->given_count].option = option;
    settings->given[settings->given_count++].value = value == NULL ? "" : value;
    if (!read_one(settings, &arguments, option, value)) return EXIT_USAGE;
  }
  if (option == ARGUMENTS_WRONG) return EXIT_USAGE;
  if (settings->help) return EXIT_DONE;
  int code = read_source(settings);
  if (code == EXIT_DONE) code = read_destination(settings);
  if (code == EXIT_DONE) code = make_filter(settings);
  if (code == EXIT_DONE) code = join_associated(settings);
  return code;
}

/* --- what is compared with an earlier run --- */

/* Behind which prefix a path stands; 0: it is no path. */
static size_t path_at(const char *value) {
  static const char *const prefixes[] = {"ndjson:", "sqlite:", "file:"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    if (strncmp(value, prefixes[i], strlen(prefixes[i])) == 0) return strlen(prefixes[i]);
  }
  return 0;
}

/* Values of an option that stand behind each other, and a zero behind each. */
struct bytes {
  char *data;
  size_t len;
};

static bool append(struct bytes *bytes, const char *data, size_t len) {
  if (len == 0) return true;
  char *grown = realloc(bytes->data, bytes->len + len);
  if (grown == NULL) return false;
  memcpy(grown + bytes->len, data, len);
  bytes->data = grown;
  bytes->len += len;
  return true;
}

static bool append_value(struct bytes *bytes, int option, const char *value) {
  bool is_place = option == OPTION_SOURCE || option == OPTION_TO;
  size_t start = is_place ? path_at(value) : 0;
  if (start != 0 && value[start] != '/') {
    char *folder = getcwd(NULL, 0);
    bool done = folder != NULL && append(bytes, value, start) &&
                append(bytes, folder, strlen(folder)) && append(bytes, "/", 1);
    free(folder);
    if (!done) return false;
    value += start;
  }
  return append(bytes, value, strlen(value) + 1);
}

bool export_settings_state(struct export_settings *settings) {
  settings->fixed = calloc(OPTION_FIXED_COUNT, sizeof *settings->fixed);
  if (settings->fixed == NULL) return false;
  settings->fixed_count = OPTION_FIXED_COUNT;
  for (int option = 0; option < OPTION_FIXED_COUNT; option++) {
    struct bytes bytes = {0};
    bool done = true;
    for (size_t i = 0; done && i < settings->given_count; i++) {
      const struct given *one = &settings->given[i];
      if (one->option == option) done = append_value(&bytes, option, one->value);
    }
    settings->fixed[option].name = options[option].name;
    settings->fixed[option].value = bytes.data;
    settings->fixed[option].len = bytes.len;
    if (!done) return false;
  }
  return true;
}

void export_settings_free(struct export_settings *settings) {
  for (size_t i = 0; i < settings->fixed_count; i++) free((void *)settings->fixed[i].value);
  for (size_t i = 0; i < settings->pair_count; i++) free(settings->pairs[i]);
  free(settings->fixed);
  free(settings->pairs);
  free(settings->given);
  free(settings->associated_types);
  fhx_filter_free(settings->filter);
  destination_url_free(&settings->destination);
}
