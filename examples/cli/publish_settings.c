/* The command line of `fhirexport publish`. */
#include "publish_settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "job_threads.h"

#define NAME "publish"
/* Files that are published never change. */
#define CACHE_CONTROL "max-age=31536000,immutable"

enum {
  OPTION_SOURCE,
  OPTION_SOURCE_OPTION,
  OPTION_TO,
  OPTION_BASE_URL,
  OPTION_TYPE,
  OPTION_CADENCE,
  OPTION_SNAPSHOT,
  OPTION_SNAPSHOT_EVERY,
  OPTION_FINAL,
  OPTION_GRACE,
  OPTION_TOKEN,
  OPTION_PAGE_FILES,
  OPTION_PART_BYTES,
  OPTION_SETTLE,
  OPTION_WORKERS,
  OPTION_QUIET,
  OPTION_HELP,
  OPTION_COUNT
};

static const struct argument_option options[OPTION_COUNT] = {
    [OPTION_SOURCE] = {"source", true},
    [OPTION_SOURCE_OPTION] = {"source-option", true},
    [OPTION_TO] = {"to", true},
    [OPTION_BASE_URL] = {"base-url", true},
    [OPTION_TYPE] = {"type", true},
    [OPTION_CADENCE] = {"cadence", true},
    [OPTION_SNAPSHOT] = {"snapshot", false},
    [OPTION_SNAPSHOT_EVERY] = {"snapshot-every", true},
    [OPTION_FINAL] = {"final", false},
    [OPTION_GRACE] = {"grace", true},
    [OPTION_TOKEN] = {"token", false},
    [OPTION_PAGE_FILES] = {"page-files", true},
    [OPTION_PART_BYTES] = {"part-bytes", true},
    [OPTION_SETTLE] = {"settle", true},
    [OPTION_WORKERS] = {"workers", true},
    [OPTION_QUIET] = {"quiet", false},
    [OPTION_HELP] = {"help", false},
};

/* What was given, until all of it is there. */
struct given {
  const char *source;
  const char *to;
  uint64_t settle_ms;
  bool has_settle;
};

static int32_t add_type(void *user_data, const char *word) {
  return fhx_filter_add_type(user_data, word, NULL);
}

static bool take_types(struct publish_settings *settings, const char *value) {
  if (arguments_words(value, add_type, settings->filter) == FHX_OK) return true;
  complain(NAME, "--type takes names of resource types, with commas between");
  return false;
}

static bool take_pair(struct publish_settings *settings, const char *value) {
  char *pair = strdup(value);
  if (pair == NULL) {
    complain(NAME, "there is no memory");
    return false;
  }
  settings->pairs[settings->pair_count++] = pair;
  return true;
}

/* --- numbers --- */

static bool take_number(struct publish_settings *settings, struct given *given,
                        const struct arguments *arguments, int option, const char *value) {
  const char *name = options[option].name;
  uint64_t number = 0;
  bool valid = true;
  switch (option) {
    case OPTION_SNAPSHOT_EVERY:
      return arguments_number(arguments, name, value, false, 1, UINT32_MAX, &settings->updates_max);
    case OPTION_PART_BYTES:
      return arguments_number(arguments, name, value, true, 1, UINT64_C(1) << 50,
                              &settings->part_bytes);
    case OPTION_SETTLE:
      given->has_settle = true;
      return arguments_number(arguments, name, value, false, 0, 86400000, &given->settle_ms);
    case OPTION_GRACE:
      valid = arguments_number(arguments, name, value, false, 1, UINT32_MAX, &number);
      settings->publication.grace_us = (int64_t)number * 1000000;
      return valid;
    case OPTION_PAGE_FILES:
      valid = arguments_number(arguments, name, value, false, 1, 1000, &number);
      settings->publication.page_parts = (uint32_t)number;
      return valid;
    default:
      valid = arguments_number(arguments, name, value, false, 1, JOB_THREADS_MAX, &number);
      settings->worker_count = (uint32_t)number;
      return valid;
  }
}

/* --- all of them --- */

static bool take(struct publish_settings *settings, struct given *given,
                 const struct arguments *arguments, int option, const char *value) {
  switch (option) {
    case OPTION_SOURCE:
      given->source = value;
      return true;
    case OPTION_TO:
      given->to = value;
      return true;
    case OPTION_SOURCE_OPTION:
      return take_pair(settings, value);
    case OPTION_TYPE:
      return take_types(settings, value);
    case OPTION_BASE_URL:
      settings->publication.base_url = value;
      return true;
    case OPTION_CADENCE:
      settings->publication.update_cadence = value;
      return true;
    case OPTION_FINAL:
      return settings->final = settings->snapshot = true;
    case OPTION_SNAPSHOT:
      return settings->snapshot = true;
    case OPTION_TOKEN:
      settings->publication.flags |= FHX_PUBLICATION_REQUIRES_TOKEN;
      return true;
    case OPTION_QUIET:
      return settings->quiet = true;
    case OPTION_HELP:
      return settings->help = true;
    default:
      return take_number(settings, given, arguments, option, value);
  }
}

static int read_ends(struct publish_settings *settings, const struct given *given) {
  const char *problem = NULL;
  if (given->source == NULL || given->to == NULL || settings->publication.base_url == NULL) {
    complain(NAME, "it needs --source, --to and --base-url");
    return EXIT_USAGE;
  }
  if (!source_url_read(&settings->source, given->source, &problem)) {
    complain(NAME, "--source %s", problem);
    return EXIT_USAGE;
  }
  for (size_t i = 0; i < settings->pair_count; i++) {
    if (source_url_set(&settings->source, settings->pairs[i], &problem)) continue;
    complain(NAME, "--source-option %s", problem);
    return EXIT_USAGE;
  }
  if (!destination_url_read(&settings->destination, given->to, &problem)) {
    complain(NAME, "--to %s", problem);
    return EXIT_USAGE;
  }
  settings->destination.cache_control = CACHE_CONTROL;
  /* Who has to show a token must not find a way around it on the machine. */
  settings->destination.readable =
      (settings->publication.flags & FHX_PUBLICATION_REQUIRES_TOKEN) == 0;
  const bool is_still =
      given->has_settle ? given->settle_ms == 0 : settings->source.kind == SOURCE_NDJSON;
  settings->settle_us = is_still ? -1 : (int64_t)given->settle_ms * 1000;
  return EXIT_DONE;
}

static uint32_t processor_count(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  if (count < 1) return 1;
  return count > JOB_THREADS_MAX ? JOB_THREADS_MAX : (uint32_t)count;
}

int publish_settings_read(struct publish_settings *settings, int argc, char **argv) {
  struct arguments arguments = {NAME, argc, argv, 1, options, OPTION_COUNT};
  struct given given = {NULL, NULL, 0, false};
  const char *value = NULL;
  int option = 0;
  memset(settings, 0, sizeof *settings);
  FHX_INIT(&settings->publication);
  settings->worker_count = processor_count();
  settings->pairs = calloc((size_t)argc, sizeof *settings->pairs);
  if (settings->pairs == NULL || fhx_filter_new(&settings->filter, NULL) != FHX_OK) {
    complain(NAME, "there is no memory");
    return EXIT_WRONG;
  }
  while ((option = arguments_next(&arguments, &value)) >= 0) {
    if (!take(settings, &given, &arguments, option, value)) return EXIT_USAGE;
  }
  if (option == ARGUMENTS_WRONG) return EXIT_USAGE;
  return settings->help ? EXIT_DONE : read_ends(settings, &given);
}

void publish_settings_free(struct publish_settings *settings) {
  for (size_t i = 0; i < settings->pair_count; i++) free(settings->pairs[i]);
  free(settings->pairs);
  fhx_filter_free(settings->filter);
  destination_url_free(&settings->destination);
}
