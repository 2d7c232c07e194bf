/*
 * fhirexport-generate: writes FHIR R4 resources of invented people, as many as wanted, in fixed
 * memory. A seed gives the same resources on every machine and in every format.
 *
 * Here: the command line, and the two orders of writing. Files take one patient after another; the
 * table of SQLite takes one type after another, each by ascending id.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "output.h"

typedef enum file_format { FORMAT_NDJSON, FORMAT_NDJSON_GZIP, FORMAT_SQLITE } file_format;

struct options {
  const char *folder;
  uint64_t seed;
  /* Of these two exactly one is not 0. */
  uint64_t patients;
  uint64_t bytes;
  file_format format;
  uint32_t pretty_percent;
};

struct generation {
  const struct options *options;
  /* NULL: only count. */
  struct output *output;
  random_state layouts;
  struct resource resource;
  uint64_t counts[TYPE_COUNT];
  uint64_t bytes[TYPE_COUNT];
  uint64_t total_bytes;
};

static const char usage[] =
    "Usage: fhirexport-generate --out DIR (--patients N | --bytes N) [--seed S]\n"
    "                           [--format ndjson|ndjson.gz|sqlite] [--pretty PERCENT]\n"
    "\n"
    "  --out DIR         the folder to write to; it is made if it is missing\n"
    "  --patients N      so many patients, each with about 50 resources\n"
    "  --bytes N         patients until there are about N bytes of JSON; k, M and G may follow\n"
    "  --seed S          another number gives other data; 1 if not given\n"
    "  --format ndjson   DIR/<Type>.ndjson, a file for each type (this is the default)\n"
    "  --format ndjson.gz\n"
    "  --format sqlite   DIR/fhir.sqlite, a table resource(type, id, last_updated, json)\n"
    "  --pretty PERCENT  so many resources of 100 with blanks in them, and line breaks in the\n"
    "                    table; 10 for sqlite and 0 for files if not given\n";

#define KEY_LAYOUT 4096

static void choose_layout(struct generation *generation) {
  const struct options *options = generation->options;
  json_layout layout = options->format == FORMAT_SQLITE ? JSON_INDENTED : JSON_SPACED;
  bool pretty = random_chance(&generation->layouts, options->pretty_percent);
  generation->resource.layout = pretty ? layout : JSON_COMPACT;
}

/* Counts a resource in its compact form, so a layout does not change what there is. */
static bool put_resource(struct generation *generation) {
  const struct resource *resource = &generation->resource;
  uint64_t bytes = resource->json.len - resource->json.padding + 1;
  generation->counts[resource->type]++;
  generation->bytes[resource->type] += bytes;
  generation->total_bytes += bytes;
  struct output *output = generation->output;
  return output == NULL || output->put(output, resource);
}

/* Everything of one type that a patient's visits have. */
static bool put_visits(struct generation *generation, const struct plan *plan, resource_type type) {
  for (uint32_t i = 0; i < plan->visit_count; i++) {
    const plan_visit *visit = &plan->visits[i];
    for (uint32_t index = 0; index < visit->count[type]; index++) {
      struct resource *resource = &generation->resource;
      choose_layout(generation);
      if (type == TYPE_CLAIM) write_claim(resource, plan, visit, index);
      if (type == TYPE_CONDITION) write_condition(resource, plan, visit, index);
      if (type == TYPE_ENCOUNTER) write_encounter(resource, plan, visit);
      if (type == TYPE_MEDICATION_REQUEST) write_medication_request(resource, plan, visit, index);
      if (type == TYPE_OBSERVATION) write_observation(resource, plan, visit, index);
      if (!put_resource(generation)) return false;
    }
  }
  return true;
}

/* A new organization or its practitioners, with the first of their patients. */
static bool put_providers(struct generation *generation, const struct plan *plan,
                          resource_type type) {
  if (plan->patient % PATIENTS_PER_ORGANIZATION != 0) return true;
  uint32_t organization = plan->patient / PATIENTS_PER_ORGANIZATION;
  if (type == TYPE_ORGANIZATION) {
    choose_layout(generation);
    write_organization(&generation->resource, plan->seed, organization);
    return put_resource(generation);
  }
  for (uint32_t i = 0; i < PRACTITIONERS_PER_ORGANIZATION; i++) {
    choose_layout(generation);
    write_practitioner(&generation->resource, plan->seed,
                       organization * PRACTITIONERS_PER_ORGANIZATION + i);
    if (!put_resource(generation)) return false;
  }
  return true;
}

/* All resources of one type that come with a patient. Groups come with none. */
static bool put_type(struct generation *generation, const struct plan *plan, resource_type type) {
  switch (type) {
    case TYPE_GROUP:
      return true;
    case TYPE_ORGANIZATION:
    case TYPE_PRACTITIONER:
      return put_providers(generation, plan, type);
    case TYPE_PATIENT:
      choose_layout(generation);
      write_patient(&generation->resource, plan);
      return put_resource(generation);
    default:
      return put_visits(generation, plan, type);
  }
}

static bool put_groups(struct generation *generation, uint32_t patient_count) {
  for (uint32_t group = 0; group < GROUP_COUNT; group++) {
    choose_layout(generation);
    write_group(&generation->resource, generation->options->seed, patient_count, group);
    if (!put_resource(generation)) return false;
  }
  return true;
}

static bool is_enough(const struct generation *generation, uint32_t patients) {
  const struct options *options = generation->options;
  if (patients == PATIENTS_MAX) return true;
  if (options->patients > 0) return patients >= options->patients;
  return generation->total_bytes >= options->bytes;
}

/* One patient after another, as many as wanted; says how many these were. */
static bool put_patients(struct generation *generation, uint32_t *patient_count) {
  uint32_t patient = 0;
  struct plan plan;
  for (; !is_enough(generation, patient); patient++) {
    plan_patient(&plan, generation->options->seed, patient);
    for (uint32_t type = 0; type < TYPE_COUNT; type++) {
      if (!put_type(generation, &plan, (resource_type)type)) return false;
    }
  }
  *patient_count = patient;
  return true;
}

/* One type after another. */
static bool put_types(struct generation *generation, uint32_t patient_count) {
  struct plan plan;
  for (uint32_t type = 0; type < TYPE_COUNT; type++) {
    if (type == TYPE_GROUP && !put_groups(generation, patient_count)) return false;
    for (uint32_t patient = 0; patient < patient_count && type != TYPE_GROUP; patient++) {
      plan_patient(&plan, generation->options->seed, patient);
      if (!put_type(generation, &plan, (resource_type)type)) return false;
    }
  }
  return true;
}

/* How many patients there will be, found by making them once without writing them. */
static bool count_patients(struct generation *generation, uint32_t *patient_count) {
  *patient_count = (uint32_t)generation->options->patients;
  if (*patient_count > 0) return true;
  struct output *output = generation->output;
  generation->output = NULL;
  bool counted = put_patients(generation, patient_count);
  generation->output = output;
  generation->total_bytes = 0;
  memset(generation->counts, 0, sizeof generation->counts);
  memset(generation->bytes, 0, sizeof generation->bytes);
  return counted;
}

static bool generate(struct generation *generation) {
  const struct options *options = generation->options;
  uint32_t patient_count = 0;
  bool to_sqlite = options->format == FORMAT_SQLITE;
  generation->layouts = random_for(options->seed, KEY_LAYOUT, 0);
  generation->output =
      to_sqlite ? output_open_sqlite(options->folder)
                : output_open_files(options->folder, options->format == FORMAT_NDJSON_GZIP);
  if (generation->output == NULL) return false;
  bool done = false;
  if (to_sqlite) {
    done = count_patients(generation, &patient_count) && put_types(generation, patient_count);
  } else {
    done = put_patients(generation, &patient_count) && put_groups(generation, patient_count);
  }
  bool closed = generation->output->close(generation->output);
  json_free(&generation->resource.json);
  return done && closed;
}

static void print_table(const struct generation *generation) {
  uint64_t count = 0;
  printf("%-18s %12s %16s\n", "type", "resources", "bytes of JSON");
  for (uint32_t type = 0; type < TYPE_COUNT; type++) {
    printf("%-18s %12llu %16llu\n", type_names[type], (unsigned long long)generation->counts[type],
           (unsigned long long)generation->bytes[type]);
    count += generation->counts[type];
  }
  printf("%-18s %12llu %16llu\n", "total", (unsigned long long)count,
         (unsigned long long)generation->total_bytes);
}

/* Reads a whole number, with k, M or G behind it if these are allowed. */
static bool read_number(const char *option, const char *text, bool suffix, uint64_t max,
                        uint64_t *number) {
  static const char suffixes[] = "kMG";
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  bool valid = text[0] >= '0' && text[0] <= '9' && errno == 0;
  const char *unit = suffix && *end != '\0' ? strchr(suffixes, *end) : NULL;
  if (unit != NULL) {
    for (const char *step = suffixes; step <= unit; step++) {
      valid = valid && value <= max / 1000;
      value *= 1000;
    }
    end++;
  }
  if (valid && *end == '\0' && value <= max) {
    *number = value;
    return true;
  }
  fprintf(stderr, "fhirexport-generate: %s takes a whole number up to %llu, not \"%s\"\n", option,
          (unsigned long long)max, text);
  return false;
}

static bool read_format(const char *text, file_format *format) {
  static const char *const names[] = {"ndjson", "ndjson.gz", "sqlite"};
  for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(text, names[i]) != 0) continue;
    *format = (file_format)i;
    return true;
  }
  fprintf(stderr, "fhirexport-generate: --format takes ndjson, ndjson.gz or sqlite, not \"%s\"\n",
          text);
  return false;
}

enum { OPTION_OUT = 1, OPTION_PATIENTS, OPTION_BYTES, OPTION_SEED, OPTION_FORMAT, OPTION_PRETTY };

static bool read_option(int option, struct options *options, uint64_t *pretty) {
  switch (option) {
    case OPTION_OUT:
      options->folder = optarg;
      return true;
    case OPTION_PATIENTS:
      return read_number("--patients", optarg, false, PATIENTS_MAX, &options->patients);
    case OPTION_BYTES:
      return read_number("--bytes", optarg, true, UINT64_C(1) << 62, &options->bytes);
    case OPTION_SEED:
      return read_number("--seed", optarg, false, UINT64_MAX, &options->seed);
    case OPTION_FORMAT:
      return read_format(optarg, &options->format);
    case OPTION_PRETTY:
      return read_number("--pretty", optarg, false, 100, pretty);
    default:
      return false;
  }
}

static bool read_options(int argc, char **argv, struct options *options) {
  static const struct option longs[] = {{"out", required_argument, NULL, OPTION_OUT},
                                        {"patients", required_argument, NULL, OPTION_PATIENTS},
                                        {"bytes", required_argument, NULL, OPTION_BYTES},
                                        {"seed", required_argument, NULL, OPTION_SEED},
                                        {"format", required_argument, NULL, OPTION_FORMAT},
                                        {"pretty", required_argument, NULL, OPTION_PRETTY},
                                        {NULL, 0, NULL, 0}};
  uint64_t pretty = UINT64_MAX;
  int option = 0;
  while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
    if (!read_option(option, options, &pretty)) return false;
  }
  if (optind < argc) {
    fprintf(stderr, "fhirexport-generate: what is \"%s\"?\n", argv[optind]);
    return false;
  }
  if (options->folder == NULL || (options->patients > 0) == (options->bytes > 0)) {
    fputs("fhirexport-generate: give --out, and either --patients or --bytes, at least 1\n",
          stderr);
    return false;
  }
  if (pretty == UINT64_MAX) pretty = options->format == FORMAT_SQLITE ? 10 : 0;
  options->pretty_percent = (uint32_t)pretty;
  return true;
}

int main(int argc, char **argv) {
  struct options options = {.seed = 1};
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    fputs(usage, stdout);
    return 0;
  }
  if (!read_options(argc, argv, &options)) {
    fprintf(stderr, "\n%s", usage);
    return 2;
  }
  if (mkdir(options.folder, 0777) != 0 && errno != EEXIST) {
    output_complain(options.folder, strerror(errno));
    return 1;
  }
  struct generation generation = {.options = &options};
  if (!generate(&generation)) return 1;
  print_table(&generation);
  return 0;
}
