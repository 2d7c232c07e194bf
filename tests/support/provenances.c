/* Small worlds with Provenances, and what an export has of them. */
#include "support/provenances.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"

#define TARGETS_MAX 4
#define HOUR_US INT64_C(3600000000)
#define UNKNOWN (-1)

/* Everything changed at whole hours of the day; the window is between these, exclusive. */
#define SINCE_HOUR 3
#define UNTIL_HOUR 8

typedef struct thing {
  char type[16];
  char id[16];
  char name[32];
  char patient[16];
  /* The hour of the last change, or UNKNOWN. */
  int hour;
  /* It is only referred to. */
  bool gone;
  /* Of a Provenance: what it is about, and how its `recorded` compares with that of others. */
  size_t targets[TARGETS_MAX];
  size_t target_count;
  int recorded;
  char json[1200];
} thing;

struct test_world {
  thing things[TEST_WORLD_ROWS];
  size_t count;
  test_small_row rows[TEST_WORLD_ROWS];
  size_t row_count;
  char denied[32];
};

/* Later ones have higher ranks; the same time may be written in different ways. */
static const struct {
  int rank;
  const char *member;
} recorded_texts[] = {
    {UNKNOWN, ""},
    {UNKNOWN, ",\"recorded\":\"lately\""},
    {UNKNOWN, ",\"recorded\":[\"2030-01-01T00:00:00Z\"]"},
    {0, ",\"recorded\":\"1969-12-31T23:59:59Z\""},
    {1, ",\"recorded\":\"2024-05-01T00:00:00Z\""},
    {1, ",\"recorded\":\"2024-05-01T02:00:00.000+02:00\""},
    {2, ",\"recorded\":\"2024-05-01T00:00:00.0000001Z\""},
    {3, ",\"recorded\":\"2024-05-01T00:00:00.0000002Z\""},
    {4, ",\"recorded\":\"2024-05-02T00:00:00\\u005a\""},
    {4, ",\"recorded\":\"2030-01-01T00:00:00Z\",\"recorded\":\"2024-05-02T00:00:00Z\""},
};

/* --- making one --- */

static thing *add_thing(test_world *world, test_random *random, const char *type, char letter,
                        size_t number) {
  test_require(world->count < TEST_WORLD_ROWS);
  thing *made = &world->things[world->count++];
  snprintf(made->type, sizeof made->type, "%s", type);
  snprintf(made->id, sizeof made->id, "%c%zu", letter, number);
  snprintf(made->name, sizeof made->name, "%s/%c%zu", type, letter, number);
  made->hour = (int)test_random_below(random, 11);
  if (made->hour == 10) made->hour = UNKNOWN;
  return made;
}

static size_t write_head(thing *of) {
  size_t len = (size_t)snprintf(of->json, sizeof of->json, "{\"resourceType\":\"%s\",\"id\":\"%s\"",
                                of->type, of->id);
  if (of->hour == UNKNOWN) return len;
  return len + (size_t)snprintf(of->json + len, sizeof of->json - len,
                                ",\"meta\":{\"lastUpdated\":\"2024-05-06T%02d:00:00Z\"}", of->hour);
}

static void add_text(thing *of, size_t *len, const char *text) {
  int written = snprintf(of->json + *len, sizeof of->json - *len, "%s", text);
  *len += (size_t)written;
  test_require(*len < sizeof of->json);
}

static void write_plain(thing *of) {
  size_t len = write_head(of);
  bool has_subject = *of->patient != '\0' && strcmp(of->type, "Patient") != 0;
  add_text(of, &len, has_subject ? ",\"subject\":{\"reference\":\"Patient/" : "");
  add_text(of, &len, has_subject ? of->patient : "");
  add_text(of, &len, has_subject ? "\"}}" : "}");
}

static void write_reference(thing *of, size_t *len, const thing *target, test_random *random) {
  static const char *const forms[][2] = {
      {"", ""},
      {"", "/_history/3"},
      {"https://example.org/fhir/", ""},
  };
  size_t form = test_random_below(random, 3);
  add_text(of, len, "{\"display\":\"{\\\"reference\\\":\",\"reference\":\"");
  add_text(of, len, forms[form][0]);
  add_text(of, len, target->name);
  add_text(of, len, forms[form][1]);
  add_text(of, len, "\"}");
}

/* Only `target` and `recorded` at the top count. */
static void write_provenance(test_world *world, thing *of, test_random *random) {
  size_t age = test_random_below(random, sizeof recorded_texts / sizeof *recorded_texts);
  size_t len = write_head(of);
  of->recorded = recorded_texts[age].rank;
  add_text(of, &len,
           ",\"contained\":[{\"resourceType\":\"Provenance\",\"id\":\"c\","
           "\"recorded\":\"2040-01-01T00:00:00Z\",\"target\":[{\"reference\":\"Patient/p0\"}]}]");
  add_text(of, &len, ",\"agent\":[{\"who\":{\"reference\":\"Patient/p0\"}}],\"target\":[");
  for (size_t i = 0; i < of->target_count; i++) {
    add_text(of, &len, i == 0 ? "" : ",");
    write_reference(of, &len, &world->things[of->targets[i]], random);
  }
  add_text(of, &len, "]");
  add_text(of, &len, recorded_texts[age].member);
  add_text(of, &len, ",\"entity\":[{\"what\":{\"reference\":\"Patient/p0\"}}]}");
}

/* What this source takes for a Provenance's patient: the first that it is about. */
static void choose_targets(test_world *world, thing *of, size_t choice, test_random *random) {
  of->target_count = test_random_below(random, TARGETS_MAX + 1);
  for (size_t i = 0; i < of->target_count; i++) {
    of->targets[i] = test_random_below(random, choice);
    const thing *target = &world->things[of->targets[i]];
    if (*of->patient == '\0' && strcmp(target->type, "Patient") == 0) {
      memcpy(of->patient, target->id, sizeof of->patient);
    }
  }
}

/* At most ten of a kind, so that the ids of a type ascend. */
static void fill(test_world *world, test_random *random) {
  static const char *const types[] = {"Observation", "Encounter", "Practitioner"};
  for (size_t i = 0; i < 4; i++) {
    thing *patient = add_thing(world, random, "Patient", 'p', i);
    memcpy(patient->patient, patient->id, sizeof patient->patient);
    /* Those that are asked for are there. */
    patient->gone = i == 3 || (i == 1 && test_random_below(random, 4) == 0);
  }
  size_t things = 3 + test_random_below(random, 8);
  for (size_t i = 0; i < things; i++) {
    size_t kind = test_random_below(random, 3);
    thing *made = add_thing(world, random, types[kind], types[kind][0] == 'O' ? 'o' : 'e', i);
    if (kind < 2) {
      snprintf(made->patient, sizeof made->patient, "p%d", (int)test_random_below(random, 4));
    }
    made->gone = test_random_below(random, 5) == 0;
  }
  size_t provenances = test_random_below(random, 11), first = world->count;
  for (size_t i = 0; i < provenances; i++) add_thing(world, random, "Provenance", 'v', i);
  for (size_t i = first; i < world->count; i++) {
    choose_targets(world, &world->things[i], world->count, random);
    write_provenance(world, &world->things[i], random);
  }
  for (size_t i = 0; i < first; i++) write_plain(&world->things[i]);
  const thing *denied = &world->things[4 + test_random_below(random, world->count - 4)];
  if (test_random_below(random, 2) == 0) {
    memcpy(world->denied, denied->name, sizeof world->denied);
  }
}

test_world *test_world_new(uint64_t seed) {
  test_random random = {seed};
  test_world *world = calloc(1, sizeof *world);
  assert_non_null(world);
  fill(world, &random);
  for (size_t i = 0; i < world->count; i++) {
    const thing *of = &world->things[i];
    int64_t updated_us = of->hour == UNKNOWN ? 0 : TEST_SMALL_NOW_US - (12 - of->hour) * HOUR_US;
    if (of->gone) continue;
    world->rows[world->row_count++] =
        (test_small_row){of->type, of->id, of->patient, updated_us, of->json};
  }
  return world;
}

void test_world_free(test_world *world) {
  free(world);
}

/* --- the export --- */

void test_world_source(const test_world *world, test_small_source *small, uint32_t applied,
                       bool reads) {
  static const char *const types[] = {"Patient",      "Observation", "Encounter",
                                      "Practitioner", "Provenance",  NULL};
  static const char *const members[] = {"Patient/p0", "Patient/p2"};
  static const test_small_group group = {"g", members, 2};
  memset(small, 0, sizeof *small);
  small->rows = world->rows;
  small->row_count = world->row_count;
  small->applied = applied;
  small->reads = reads;
  small->types = types;
  small->denied = *world->denied == '\0' ? NULL : world->denied;
  small->lists_members = true;
  small->groups = &group;
  small->group_count = 1;
}

static int32_t limit(fhx_filter *filter, test_world_scope scope) {
  if (scope == TEST_WORLD_PATIENTS) return fhx_filter_set_all_patients(filter, NULL);
  if (scope == TEST_WORLD_GROUP) return fhx_filter_set_group(filter, "g", NULL);
  if (scope != TEST_WORLD_SET) return FHX_OK;
  int32_t status = fhx_filter_add_patient(filter, "p0", NULL);
  return status == FHX_OK ? fhx_filter_add_patient(filter, "p2", NULL) : status;
}

static fhx_filter *make_filter(const test_world_ask *ask) {
  fhx_filter *filter = NULL;
  char text[32];
  int32_t status = fhx_filter_new(&filter, NULL);
  if (status == FHX_OK) status = limit(filter, ask->scope);
  for (size_t i = 0; status == FHX_OK && ask->types != NULL && ask->types[i] != NULL; i++) {
    status = fhx_filter_add_type(filter, ask->types[i], NULL);
  }
  if (status == FHX_OK && ask->since) {
    snprintf(text, sizeof text, "2024-05-06T%02d:00:00Z", SINCE_HOUR);
    status = fhx_filter_set_since(filter, text, NULL);
  }
  if (status == FHX_OK && ask->until) {
    snprintf(text, sizeof text, "2024-05-06T%02d:00:00Z", UNTIL_HOUR);
    status = fhx_filter_set_until(filter, text, NULL);
  }
  if (status == FHX_OK) return filter;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  fhx_filter_free(filter);
  return NULL;
}

void test_world_start(test_small_job *of, const test_world_ask *ask) {
  fhx_filter *filter = make_filter(ask);
  of->options.provenance = ask->provenance;
  of->status = FHX_ERR_NO_MEMORY;
  if (filter != NULL) test_small_start(of, filter);
}

/* --- what must come out --- */

typedef struct judge {
  const test_world *world;
  const test_small_source *small;
  const test_world_ask *ask;
} judge;

static bool is(const thing *of, const char *type) {
  return strcmp(of->type, type) == 0;
}

static bool is_scoped(const judge *by, const char *patient) {
  if (by->ask->scope == TEST_WORLD_ALL) return true;
  if (*patient == '\0') return false;
  return by->ask->scope == TEST_WORLD_PATIENTS || strcmp(patient, "p0") == 0 ||
         strcmp(patient, "p2") == 0;
}

static bool is_in_window(const judge *by, const thing *of) {
  if (of->hour == UNKNOWN) return true;
  return !(by->ask->since && of->hour <= SINCE_HOUR) && !(by->ask->until && of->hour >= UNTIL_HOUR);
}

static bool is_of_types(const judge *by, const thing *of) {
  if (by->ask->types == NULL) return true;
  for (const char *const *type = by->ask->types; *type != NULL; type++) {
    if (is(of, *type)) return true;
  }
  return false;
}

static bool is_readable(const judge *by, const thing *of) {
  return !of->gone && !(by->small->denied != NULL && strcmp(by->small->denied, of->name) == 0);
}

static bool is_exported(const judge *by, const thing *of) {
  return is_of_types(by, of) && is_in_window(by, of) && is_scoped(by, of->patient);
}

static const thing *target_of(const judge *by, const thing *of, size_t i) {
  return &by->world->things[of->targets[i]];
}

static bool is_about_scoped_patient(const judge *by, const thing *of) {
  for (size_t i = 0; i < of->target_count; i++) {
    const thing *target = target_of(by, of, i);
    if (is(target, "Patient") && is_scoped(by, target->id)) return true;
  }
  return false;
}

static bool is_in_compartment(const judge *by, const thing *of) {
  if (!is_readable(by, of)) return false;
  return is(of, "Provenance") ? is_about_scoped_patient(by, of) : is_scoped(by, of->patient);
}

/* FILTER-20. */
static bool is_taken_by_default(const judge *by, const thing *of) {
  if (by->ask->scope == TEST_WORLD_ALL) return is_exported(by, of);
  if (!is_of_types(by, of) || !is_in_window(by, of)) return false;
  if (!by->small->reads && (by->small->applied & FHX_APPLIED_PATIENTS) != 0) {
    return is_scoped(by, of->patient);
  }
  if (is_about_scoped_patient(by, of)) return true;
  for (size_t i = 0; by->small->reads && i < of->target_count; i++) {
    if (is_in_compartment(by, target_of(by, of, i))) return true;
  }
  return false;
}

static bool counts(const judge *by, const thing *target) {
  return !is(target, "Provenance") && is_readable(by, target) && is_exported(by, target);
}

/* FILTER-19. */
static bool is_relevant(const judge *by, const thing *of) {
  for (size_t i = 0; i < of->target_count; i++) {
    if (counts(by, target_of(by, of, i))) return true;
  }
  return false;
}

static bool is_newer(const thing *a, const thing *b) {
  if (a->recorded != b->recorded) return a->recorded > b->recorded;
  if (a->hour != b->hour) return a->hour > b->hour;
  return strcmp(a->id, b->id) < 0;
}

static bool is_newest_of(const judge *by, const thing *of, size_t target) {
  for (size_t i = 0; i < by->world->count; i++) {
    const thing *other = &by->world->things[i];
    if (!is(other, "Provenance") || other == of || !is_newer(other, of)) continue;
    for (size_t k = 0; k < other->target_count; k++) {
      if (other->targets[k] == target) return false;
    }
  }
  return true;
}

/* FILTER-18. */
static bool is_latest(const judge *by, const thing *of) {
  for (size_t i = 0; i < of->target_count; i++) {
    if (counts(by, target_of(by, of, i)) && is_newest_of(by, of, of->targets[i])) return true;
  }
  return false;
}

static bool is_taken(const judge *by, const thing *of) {
  if (of->gone) return false;
  if (!is(of, "Provenance")) return is_exported(by, of);
  if (by->ask->provenance == FHX_PROVENANCE_RELEVANT) return is_relevant(by, of);
  if (by->ask->provenance == FHX_PROVENANCE_LATEST) return is_latest(by, of);
  return is_taken_by_default(by, of);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void test_world_expect(const test_world *world, const test_small_source *small,
                       const test_world_ask *ask, char *output, size_t size) {
  const judge by = {world, small, ask};
  const char *names[TEST_WORLD_ROWS];
  size_t count = 0, len = 0;
  for (size_t i = 0; i < world->count; i++) {
    if (is_taken(&by, &world->things[i])) names[count++] = world->things[i].name;
  }
  if (count > 1) qsort(names, count, sizeof *names, compare_names);
  *output = '\0';
  for (size_t i = 0; i < count; i++) {
    len += (size_t)snprintf(output + len, size - len, "%s%s", i == 0 ? "" : " ", names[i]);
    test_require(len < size);
  }
}
