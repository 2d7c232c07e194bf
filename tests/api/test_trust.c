/*
 * Rows that their source vouches for (FHX_WRITER_TRUST_SOURCE, FHX_JOB_TRUST_SOURCE): the same
 * bytes as without it where they are sound, what is still refused, and what is given up.
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/export_check.h"
#include "support/memory.h"
#include "support/memory_destination.h"
#include "support/require.h"
#include "support/setup.h"
#include "support/small_source.h"

#define PATIENT "{\"resourceType\":\"Patient\",\"id\":\"a\""

/* --- one writer --- */

typedef struct writing {
  test_destination *destination;
  fhx_destination *handle;
  fhx_writer *writer;
} writing;

static void begin(writing *of, const char *type, uint32_t flags) {
  const test_destination_knobs knobs = {.flags = 0};
  fhx_writer_options options;
  FHX_INIT(&options);
  options.resource_type = type;
  options.flags = flags;
  options.part_bytes = 9000;
  options.resource_bytes_max = 2000000;
  of->writer = NULL;
  of->destination = test_destination_new(&knobs, &of->handle);
  test_require_status(fhx_writer_new(&options, of->handle, &of->writer, NULL), FHX_OK);
}

static void end(writing *of) {
  fhx_writer_free(of->writer);
  fhx_destination_free(of->handle);
  test_destination_end(of->destination);
  test_require_sound();
}

/* --- sound lines --- */

static test_dataset *data;

/* The line that a writer makes of a resource when it checks it. */
static void make_line(test_resource *resource) {
  writing of;
  begin(&of, resource->type, 0);
  test_require_status(fhx_writer_append(of.writer, resource->json, resource->len, NULL), FHX_OK);
  test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
  test_objects objects = test_destination_objects(of.destination);
  test_require(objects.count == 1 && objects.items[0].len <= resource->len + 1);
  resource->len = objects.items[0].len - 1;
  free(resource->json);
  resource->json = malloc(resource->len);
  test_require(resource->json != NULL);
  memcpy(resource->json, objects.items[0].data, resource->len);
  end(&of);
}

static int make_data(void **state) {
  *state = data = test_dataset_new(51, 150, TEST_DATASET_HUGE);
  test_scenario("lines");
  for (size_t i = 0; i < data->count; i++) make_line(&data->items[i]);
  return 0;
}

static void append_all(fhx_writer *writer, const char *type, bool with_feed) {
  for (size_t i = 0; i < data->count; i++) {
    const test_resource *resource = &data->items[i];
    if (strcmp(resource->type, type) != 0) continue;
    char *row = malloc(resource->len + 1);
    test_require(row != NULL);
    memcpy(row, resource->json, resource->len);
    row[resource->len] = '\n';
    test_require_status(fhx_writer_append(writer, row, resource->len + (with_feed ? 1 : 0), NULL),
                        FHX_OK);
    free(row);
  }
  test_require_status(fhx_writer_finish(writer, NULL), FHX_OK);
}

static void check_same(const writing *checked, const writing *trusted) {
  test_objects left = test_destination_objects(checked->destination);
  test_objects right = test_destination_objects(trusted->destination);
  uint64_t count = fhx_writer_part_count(checked->writer);
  test_require(count > 0 && fhx_writer_part_count(trusted->writer) == count);
  for (uint64_t i = 0; i < count; i++) {
    const fhx_part *a = fhx_writer_part(checked->writer, i);
    const fhx_part *b = fhx_writer_part(trusted->writer, i);
    const test_object *x = test_objects_find(&left, fhx_part_name(a));
    const test_object *y = test_objects_find(&right, fhx_part_name(b));
    test_require(strcmp(fhx_part_name(a), fhx_part_name(b)) == 0);
    test_require(fhx_part_crc32c(a) == fhx_part_crc32c(b));
    test_require(fhx_part_byte_count(a) == fhx_part_byte_count(b));
    test_require(fhx_part_resource_count(a) == fhx_part_resource_count(b));
    test_require(memcmp(fhx_part_sha256(a), fhx_part_sha256(b), 32) == 0);
    test_require(x != NULL && y != NULL && x->len == y->len);
    test_require(memcmp(x->data, y->data, x->len) == 0);
  }
}

/* One of them is longer than the writer's buffer. */
static void a_writer_writes_the_same(void **state) {
  (void)state;
  for (const char *const *type = test_types; *type != NULL; type++) {
    for (int feeds = 0; feeds < 2; feeds++) {
      writing checked, trusted;
      test_scenario("%s, line feeds %d", *type, feeds);
      begin(&checked, *type, FHX_WRITER_SHA256);
      begin(&trusted, *type, FHX_WRITER_SHA256 | FHX_WRITER_TRUST_SOURCE);
      append_all(checked.writer, *type, feeds == 1);
      append_all(trusted.writer, *type, feeds == 1);
      check_same(&checked, &trusted);
      end(&checked);
      end(&trusted);
    }
  }
}

/* Whether the source or the job looks for the patients, and whatever else is asked. */
static void a_job_writes_the_same(void **state) {
  static const uint32_t applied[] = {
      0, FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS,
      FHX_APPLIED_TYPE | FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL | FHX_APPLIED_PATIENTS};
  static const char *const patients[] = {"p1", "p3", "p8", NULL};
  (void)state;
  for (int i = 0; i < 24; i++) {
    test_export of;
    test_setting with = test_setting_usual(data);
    with.source.applied = applied[i / 8];
    with.source.rows_max = (i & 1) != 0 ? 7 : 0;
    with.sha256 = true;
    with.expected.patients = (i & 2) != 0 ? patients : NULL;
    with.expected.has_since = (i & 4) != 0;
    with.expected.since_us = data->items[i].updated_us;
    test_scenario("job %d", i);
    test_export_prepare(&of, &with);
    of.options.flags |= FHX_JOB_TRUST_SOURCE;
    test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
    test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
    test_export_check_complete(&of);
    test_export_end(&of);
  }
}

/* --- what is refused, and what is not --- */

typedef struct refusal {
  const char *row;
  const char *reason;
} refusal;

static const refusal refusals[] = {
    {"{\n  \"resourceType\": \"Patient\",\n  \"id\": \"a\"\n}", "is not on one line, at byte 1"},
    {"{\n  \"resourceType\": \"Patient\",\n  \"id\": \"a\"\n}\n", "is not on one line, at byte 1"},
    {PATIENT ",\r\"x\":1}", "is not on one line, at byte 35"},
    {PATIENT "}\n\n", "is not on one line, at byte 35"},
    {PATIENT "}\r\n", "is not on one line, at byte 35"},
    {"\n" PATIENT "}", "is not on one line, at byte 0"},
    {PATIENT "} \n", "at byte 36"},
    {" " PATIENT "}", "at byte 0"},
    {PATIENT, "at byte 34"},
    {"", "at byte 0"},
    {"\n", "at byte 0"},
    {"[]", "at byte 0"},
    {"{\"resourceType\":\"Patient\"}", "has no valid id, at byte 25"},
    {"{\"resourceType\":\"Patient\",\"id\":\"SECRET SECRET\"}", "has no valid id, at byte 31"},
    {"{\"id\":\"SECRET\"}", "has no valid resourceType, at byte 14"},
    {"{\"resourceType\":\"Encounter\",\"id\":\"SECRET\"}", "is not of type Patient"},
};

/* A writer goes on behind them. */
static void a_writer_still_refuses(void **state) {
  (void)state;
  writing of;
  test_scenario("refusals");
  begin(&of, "Patient", FHX_WRITER_TRUST_SOURCE);
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    fhx_error *error = NULL;
    test_scenario("refusal %zu", i);
    test_require_status(
        fhx_writer_append(of.writer, refusals[i].row, strlen(refusals[i].row), &error),
        FHX_ERR_RESOURCE);
    if (strstr(fhx_error_message(error), refusals[i].reason) == NULL) {
      assert_string_equal(fhx_error_message(error), refusals[i].reason);
    }
    test_require(strstr(fhx_error_message(error), "SECRET") == NULL);
    fhx_error_free(error);
  }
  test_require_status(fhx_writer_append(of.writer, NULL, 0, NULL), FHX_ERR_RESOURCE);
  test_require_status(fhx_writer_append(of.writer, PATIENT "}", sizeof PATIENT, NULL), FHX_OK);
  test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
  test_require(fhx_part_byte_count(fhx_writer_part(of.writer, 0)) == sizeof PATIENT + 1);
  end(&of);
}

/* The length counts as given. */
static void a_writer_keeps_its_limit(void **state) {
  (void)state;
  static const char row[] = PATIENT "}\n";
  for (uint64_t slack = 0; slack < 2; slack++) {
    writing of;
    fhx_writer_options options;
    const test_destination_knobs knobs = {.flags = 0};
    FHX_INIT(&options);
    options.resource_type = "Patient";
    options.flags = FHX_WRITER_TRUST_SOURCE;
    options.resource_bytes_max = sizeof row - 1 - slack;
    test_scenario("slack %d", (int)slack);
    of.destination = test_destination_new(&knobs, &of.handle);
    test_require_status(fhx_writer_new(&options, of.handle, &of.writer, NULL), FHX_OK);
    test_require_status(fhx_writer_append(of.writer, row, sizeof row - 1, NULL),
                        slack == 0 ? FHX_OK : FHX_ERR_RESOURCE);
    end(&of);
  }
}

#define FACTS PATIENT ",\"meta\":{\"lastUpdated\":\"2024-01-01T00:00:00Z\"}"
#define OPEN "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
#define CLOSED "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"

static const char *const given_up[] = {
    PATIENT ", \"x\" : [ 1 ] }",
    PATIENT ",\"x\":nonsense,\"y\":\"\xC3\x28\xFF\\q\"}",
    PATIENT ",\"x\":" OPEN OPEN OPEN OPEN CLOSED CLOSED CLOSED CLOSED "}",
    FACTS ",\"id\":\"b\"}",
    FACTS ",\"x\":\"}",
    FACTS "} {}",
};

/* What the flag is said to give up: written as it is. */
static void a_writer_does_not_look(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof given_up / sizeof *given_up; i++) {
    const char *row = given_up[i];
    writing of;
    test_scenario("given up %zu", i);
    begin(&of, "Patient", FHX_WRITER_TRUST_SOURCE);
    test_require_status(fhx_writer_append(of.writer, row, strlen(row), NULL), FHX_OK);
    test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
    test_objects objects = test_destination_objects(of.destination);
    test_require(objects.count == 1 && objects.items[0].len == strlen(row) + 1);
    test_require(memcmp(objects.items[0].data, row, strlen(row)) == 0);
    test_require(objects.items[0].data[strlen(row)] == '\n');
    end(&of);
  }
}

/* --- jobs over rows that are not sound --- */

#define SUBJECT(id) "\"subject\": {\"reference\": \"Patient/" id "\"}"

static const test_small_row rows[] = {
    {"Patient", "a", "a", 0, PATIENT "}"},
    {"Patient", "b", "b", 0, "{\"resourceType\":\"Patient\",\"id\":\"b\", \"x\":01}\n"},
    {"Patient", "c", "c", 0, "{\n  \"resourceType\":\"Patient\",\"id\":\"c\"\n}"},
    {"Patient", "d", "d", 0, "{\"resourceType\":\"Patient\"}"},
    {"Observation", "k", "a", 0,
     "{\"resourceType\":\"Observation\",\"id\":\"k\", " SUBJECT(
         "a") ", \"performer\": "
              "[{\"reference\": \"Practitioner/p\"}]}"},
    {"Observation", "l", "b", 0,
     "{\"resourceType\":\"Observation\",\"id\":\"l\", " SUBJECT("b") "}"},
    {"Observation", "m", "a", 0,
     "{\"resourceType\":\"Observation\",\"id\":\"m\", " SUBJECT("a") ", \"x\": nonsense}"},
    {"Practitioner", "p", "", 0, "{\"resourceType\":\"Practitioner\",\"id\":\"p\"}"},
    {"Practitioner", "q", "", 0, "{\"resourceType\":\"Practitioner\",\"id\":\"q\"}"},
};

typedef struct outcome {
  uint32_t applied;
  bool of_patient;
  const char *associated;
  const char *output;
  size_t error_lines;
} outcome;

/* A row is checked where its text decides, and there alone. */
static const outcome outcomes[] = {
    {0, false, NULL,
     "Observation/k Observation/l Observation/m Patient/a Patient/b Practitioner/p Practitioner/q",
     2},
    {FHX_APPLIED_TYPE, true, NULL, "Observation/k Patient/a", 3},
    {FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS, true, NULL, "Observation/k Observation/m Patient/a",
     0},
    {FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS, true, "Practitioner",
     "Observation/k Patient/a Practitioner/p", 1},
};

static void run_small(test_small_job *of, test_small_source *small, const outcome *wanted) {
  fhx_filter *filter = NULL;
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  if (wanted->of_patient) {
    test_require_status(fhx_filter_add_patient(filter, "a", NULL), FHX_OK);
  }
  memset(small, 0, sizeof *small);
  small->rows = rows;
  small->row_count = sizeof rows / sizeof *rows;
  small->applied = wanted->applied;
  test_small_prepare(of, small);
  of->options.flags = FHX_JOB_TRUST_SOURCE;
  of->options.associated_types = wanted->associated;
  test_small_start(of, filter);
  test_small_run(of);
}

static void a_job_checks_what_decides(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
    test_small_source small;
    test_small_job of;
    bool found = false;
    test_scenario("outcome %zu", i);
    run_small(&of, &small, &outcomes[i]);
    test_small_check(&of, outcomes[i].output);
    test_require(test_small_lines(&of, "", &found) == outcomes[i].error_lines);
    test_small_end(&of);
  }
}

static void a_job_reports_bad_rows(void **state) {
  (void)state;
  test_small_source small;
  test_small_job of;
  bool found = false;
  test_scenario("bad rows");
  run_small(&of, &small, &outcomes[0]);
  test_small_lines(&of, "is not on one line, at byte 1 of the resource", &found);
  test_require(found);
  test_small_lines(&of, "has no valid id, at byte 25 of the resource", &found);
  test_require(found);
  test_small_end(&of);
}

/* --- memory --- */

static bool worked(int32_t status) {
  if (status >= 0) return true;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  test_memory_recover();
  return false;
}

static bool write_some(fhx_writer *writer) {
  for (size_t i = 0; i < data->count; i++) {
    const test_resource *resource = &data->items[i];
    if (strcmp(resource->type, "Observation") != 0) continue;
    if (!worked(fhx_writer_append(writer, resource->json, resource->len, NULL))) return false;
  }
  return worked(fhx_writer_finish(writer, NULL));
}

/* No block is left, and nothing at the destination that the writer does not know. */
static void use_writer(void) {
  const test_destination_knobs knobs = {.flags = 0};
  writing of = {NULL, NULL, NULL};
  fhx_writer_options options;
  FHX_INIT(&options);
  options.resource_type = "Observation";
  options.flags = FHX_WRITER_TRUST_SOURCE;
  options.part_count = 9;
  of.destination = test_destination_new(&knobs, &of.handle);
  if (of.handle == NULL) {
    test_memory_recover();
  } else if (worked(fhx_writer_new(&options, of.handle, &of.writer, NULL))) {
    bool whole = write_some(of.writer);
    size_t count = test_destination_objects(of.destination).count;
    test_require(count == fhx_writer_part_count(of.writer) && (!whole || count > 3));
  }
  end(&of);
}

static void a_writer_without_memory(void **state) {
  (void)state;
  for (int lasting = 0; lasting < 2; lasting++) {
    for (uint64_t number = 1;; number++) {
      test_scenario("allocation %d, lasting %d", (int)number, lasting);
      if (lasting == 1) test_memory_begin_lasting(number);
      if (lasting == 0) test_memory_begin(number);
      use_writer();
      if (!test_memory_end()) break;
    }
  }
}

/* A failure costs the job an attempt; it is complete and right, or it has failed for memory. */
static bool use_job(uint64_t number) {
  static const char *const patients[] = {"p1", "p2", NULL};
  test_setting with = test_setting_usual(data);
  test_export of;
  int32_t status = FHX_ERR_NO_MEMORY;
  with.source.applied = FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS;
  with.expected.patients = patients;
  test_memory_begin(number);
  test_export_prepare(&of, &with);
  of.options.flags = FHX_JOB_TRUST_SOURCE;
  if (of.options.source == NULL || of.options.destination == NULL || of.filter == NULL) {
    test_memory_recover();
  } else if (worked(fhx_job_start(&of.options, &of.job, NULL))) {
    do {
      status = fhx_job_run(of.job, NULL);
    } while (status == FHX_ERR_NO_MEMORY);
    test_memory_recover();
    if (status == FHX_OK) test_export_check_complete(&of);
    if (status != FHX_OK) test_require_status(status, FHX_ERR_JOB_FAILED);
    if (status != FHX_OK) test_export_check_nothing_left(&of);
  }
  test_export_end(&of);
  return test_memory_end();
}

static void a_job_without_memory(void **state) {
  (void)state;
  uint64_t number = 1;
  do {
    test_scenario("allocation %d", (int)number);
    number += test_is_quick() ? 17 : 3;
  } while (use_job(number));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_writer_writes_the_same), cmocka_unit_test(a_job_writes_the_same),
      cmocka_unit_test(a_writer_still_refuses),   cmocka_unit_test(a_writer_keeps_its_limit),
      cmocka_unit_test(a_writer_does_not_look),   cmocka_unit_test(a_job_checks_what_decides),
      cmocka_unit_test(a_job_reports_bad_rows),   cmocka_unit_test(a_writer_without_memory),
      cmocka_unit_test(a_job_without_memory),
  };
  return cmocka_run_group_tests_name("trusted sources", tests, make_data, test_dataset_end);
}
