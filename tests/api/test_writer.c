/*
 * Level 1: resources in, NDJSON parts out, to destinations that work and to those that do not.
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
#include "support/folder.h"
#include "support/memory_destination.h"
#include "support/require.h"
#include "support/unpack.h"

#define MIB ((size_t)1024 * 1024)
#define PARTS_MAX 400

static test_dataset *data;

static int make_data(void **state) {
  *state = data =
      test_dataset_new(31, 200, TEST_DATASET_BAD | TEST_DATASET_PRETTY | TEST_DATASET_HUGE);
  return 0;
}

typedef struct writing {
  test_destination *destination;
  fhx_destination *handle;
  fhx_writer *writer;
} writing;

static fhx_writer_options options_for(const char *type) {
  fhx_writer_options options;
  FHX_INIT(&options);
  options.resource_type = type;
  return options;
}

static void begin(writing *of, const test_destination_knobs *knobs,
                  const fhx_writer_options *options) {
  of->writer = NULL;
  of->destination = test_destination_new(knobs, &of->handle);
  test_require_status(fhx_writer_new(options, of->handle, &of->writer, NULL), FHX_OK);
  test_destination_set_writer(of->destination, of->writer);
}

static void end(writing *of) {
  fhx_writer_free(of->writer);
  fhx_destination_free(of->handle);
  test_destination_end(of->destination);
  test_require_sound();
}

/* Appends every resource of the type; the bad ones are refused. The first other failure. */
static int32_t append_all(fhx_writer *writer, const char *type) {
  for (size_t i = 0; i < data->count; i++) {
    const test_resource *resource = &data->items[i];
    if (strcmp(resource->type, type) != 0) continue;
    int32_t status = fhx_writer_append(writer, resource->json, resource->len, NULL);
    if (resource->bad && status == FHX_ERR_RESOURCE) continue;
    if (status != FHX_OK) return status;
    test_require(!resource->bad);
  }
  return FHX_OK;
}

static size_t list_parts(const fhx_writer *writer, const fhx_part *parts[PARTS_MAX]) {
  size_t count = (size_t)fhx_writer_part_count(writer);
  test_require(count <= PARTS_MAX);
  for (size_t i = 0; i < count; i++) parts[i] = fhx_writer_part(writer, i);
  test_require(fhx_writer_part(writer, count) == NULL);
  return count;
}

static void check_complete(writing *of, const char *type, const fhx_writer_options *options) {
  const char *const types[] = {type, NULL};
  const fhx_part *parts[PARTS_MAX];
  test_expectation expected;
  memset(&expected, 0, sizeof expected);
  expected.data = data;
  expected.types = types;
  expected.part_bytes = options->part_bytes;
  expected.part_count = options->part_count;
  expected.sha256 = (options->flags & FHX_WRITER_SHA256) != 0;
  expected.gzip = (options->flags & FHX_WRITER_GZIP) != 0;
  size_t count = list_parts(of->writer, parts);
  test_objects objects = test_destination_objects(of->destination);
  test_check_parts(parts, count, &objects, &expected);
}

/* --- what works --- */

static void test_all_types_and_sizes(void **state) {
  (void)state;
  static const uint64_t sizes[][2] = {{0, 0}, {1, 0}, {700, 0}, {9000, 0},
                                      {0, 1}, {0, 7}, {2000, 2}};
  const size_t size_count = sizeof sizes / sizeof *sizes;
  const test_destination_knobs knobs = {.re_enters = true};
  for (const char *const *type = test_types; *type != NULL; type++) {
    for (size_t at = 0; at < 2 * size_count; at++) {
      size_t i = at % size_count;
      writing of;
      fhx_writer_options options = options_for(*type);
      options.flags = i % 2 == 0 ? FHX_WRITER_SHA256 : 0;
      if (at >= size_count) options.flags |= FHX_WRITER_GZIP;
      options.part_bytes = sizes[i][0];
      options.part_count = sizes[i][1];
      options.name_prefix = i % 3 == 0 ? NULL : "run-7/by.type/x_";
      test_scenario("%s, size %zu", *type, at);
      begin(&of, &knobs, &options);
      test_require_status(append_all(of.writer, *type), FHX_OK);
      test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
      check_complete(&of, *type, &options);
      end(&of);
    }
  }
}

/* A line that just fits stays; one byte more rolls. */
static void test_exact_part_size(void **state) {
  (void)state;
  static const char resource[] = "{\"resourceType\":\"Basic\",\"id\":\"1\"}";
  const size_t line = sizeof resource;
  const test_destination_knobs knobs = {.flags = 0};
  for (uint64_t slack = 0; slack < 2; slack++) {
    writing of;
    fhx_writer_options options = options_for("Basic");
    options.part_bytes = 3 * line - slack;
    test_scenario("slack %d", (int)slack);
    begin(&of, &knobs, &options);
    for (int i = 0; i < 6; i++) {
      test_require_status(fhx_writer_append(of.writer, resource, line - 1, NULL), FHX_OK);
    }
    test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
    test_require(fhx_writer_part_count(of.writer) == (slack == 0 ? 2 : 3));
    end(&of);
  }
}

/* Names begin with the prefix and count from 1; other members are those of a writer's part. */
static void test_names(void **state) {
  (void)state;
  writing of;
  const test_destination_knobs knobs = {.flags = 0};
  fhx_writer_options options = options_for("Patient");
  options.name_prefix = "run7/";
  options.part_count = 5;
  test_scenario("names");
  begin(&of, &knobs, &options);
  test_require_status(append_all(of.writer, "Patient"), FHX_OK);
  test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
  test_require(fhx_writer_part_count(of.writer) == 3);
  for (uint64_t i = 0; i < 3; i++) {
    char name[64];
    const fhx_part *part = fhx_writer_part(of.writer, i);
    snprintf(name, sizeof name, "run7/Patient-%d.ndjson", (int)i + 1);
    test_require(strcmp(fhx_part_name(part), name) == 0);
    test_require(fhx_part_kind(part) == FHX_PART_OUTPUT && fhx_part_task_index(part) == 0);
    test_require(fhx_part_fence(part) == 0 && fhx_part_seq(part) == 0);
  }
  end(&of);
}

/* Nothing appended: nothing at the destination. */
static void test_nothing(void **state) {
  (void)state;
  writing of;
  const test_destination_knobs knobs = {.flags = 0};
  fhx_writer_options options = options_for("Patient");
  test_scenario("nothing");
  begin(&of, &knobs, &options);
  test_require_status(fhx_writer_append(of.writer, "{}", 2, NULL), FHX_ERR_RESOURCE);
  test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
  test_require(fhx_writer_part_count(of.writer) == 0);
  test_require(test_destination_calls(of.destination, TEST_DESTINATION_OPEN) == 0);
  end(&of);
}

/* A writer that is freed before its end leaves what it has committed, and nothing else. */
static void test_freed_early(void **state) {
  (void)state;
  writing of;
  const test_destination_knobs knobs = {.flags = 0};
  fhx_writer_options options = options_for("Observation");
  options.part_count = 4;
  test_scenario("freed early");
  begin(&of, &knobs, &options);
  test_require_status(append_all(of.writer, "Observation"), FHX_OK);
  uint64_t count = fhx_writer_part_count(of.writer);
  fhx_writer_free(of.writer);
  of.writer = NULL;
  test_require(test_destination_objects(of.destination).count == count);
  end(&of);
}

static void test_to_directory(void **state) {
  (void)state;
  char path[TEST_PATH_MAX];
  const char *const types[] = {"Encounter", NULL};
  const fhx_part *parts[PARTS_MAX];
  fhx_destination *destination = NULL;
  fhx_writer *writer = NULL;
  fhx_directory_options directory;
  fhx_writer_options options = options_for("Encounter");
  test_scenario("to a directory");
  test_folder_new(path);
  FHX_INIT(&directory);
  directory.path = path;
  options.part_bytes = 4000;
  options.name_prefix = "a/b/";
  test_require_status(fhx_directory_destination_new(&directory, &destination, NULL), FHX_OK);
  test_require_status(fhx_writer_new(&options, destination, &writer, NULL), FHX_OK);
  fhx_destination_free(destination);
  test_require_status(append_all(writer, "Encounter"), FHX_OK);
  test_require_status(fhx_writer_finish(writer, NULL), FHX_OK);
  test_expectation expected;
  memset(&expected, 0, sizeof expected);
  expected.data = data;
  expected.types = types;
  expected.part_bytes = options.part_bytes;
  test_objects objects = test_objects_of_folder(path);
  test_check_parts(parts, list_parts(writer, parts), &objects, &expected);
  test_objects_free(&objects);
  fhx_writer_free(writer);
  test_folder_remove(path);
}

/* --- long resources --- */

/* A resource of exactly so many bytes, and `gap` bytes of white space in them. */
static char *resource_of(size_t len, size_t gap) {
  static const char head[] = "{\"resourceType\":\"Binary\",\"id\":\"1\",\"data\":";
  char *text = malloc(len);
  assert_non_null(text);
  memset(text, 'A', len);
  memcpy(text, head, sizeof head - 1);
  memset(text + sizeof head - 1, ' ', gap);
  text[sizeof head - 1 + gap] = '"';
  text[len - 2] = '"';
  text[len - 1] = '}';
  return text;
}

/* What an object holds; free the result. */
static uint8_t *hold(const test_object *object, uint32_t flags, size_t *len) {
  if ((flags & FHX_WRITER_GZIP) != 0) return test_unpack(object->data, object->len, len);
  uint8_t *copy = malloc(object->len);
  assert_non_null(copy);
  *len = object->len;
  return memcpy(copy, object->data, object->len);
}

/* Around the size of the writer's buffer, behind lines that have begun to fill it. */
static void write_long_resources(uint32_t flags) {
  static const char first[] = "{\"resourceType\":\"Binary\",\"id\":\"0\"}";
  const test_destination_knobs knobs = {.flags = 0};
  for (size_t len = MIB - 70; len <= MIB + 3; len++) {
    if (len == MIB - 30) len = MIB - 3;
    for (size_t gap = 0; gap < 3; gap += 2) {
      writing of;
      fhx_writer_options options = options_for("Binary");
      options.flags = flags;
      char *text = resource_of(len, gap);
      test_scenario("%zu bytes, gap %zu", len, gap);
      begin(&of, &knobs, &options);
      test_require_status(fhx_writer_append(of.writer, first, sizeof first - 1, NULL), FHX_OK);
      test_require_status(fhx_writer_append(of.writer, text, len, NULL), FHX_OK);
      test_require_status(fhx_writer_append(of.writer, first, sizeof first - 1, NULL), FHX_OK);
      test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
      test_objects objects = test_destination_objects(of.destination);
      test_require(objects.count == 1);
      size_t held_len = 0;
      uint8_t *held = hold(&objects.items[0], flags, &held_len);
      test_require(held_len == 2 * sizeof first + len - gap + 1);
      test_require(fhx_part_byte_count(fhx_writer_part(of.writer, 0)) == held_len);
      const uint8_t *line = held + sizeof first;
      size_t same = strlen("{\"resourceType\":\"Binary\",\"id\":\"1\",\"data\":");
      test_require(memcmp(line, text, same) == 0);
      test_require(memcmp(line + same, text + same + gap, len - gap - same) == 0);
      test_require(line[len - gap] == '\n' && memcmp(line + len - gap + 1, first, 5) == 0);
      free(held);
      free(text);
      end(&of);
    }
  }
}

static void test_long_resources(void **state) {
  (void)state;
  write_long_resources(0);
  write_long_resources(FHX_WRITER_GZIP);
}

/* --- gzip --- */

/* The same resources give the same bytes, and those one member: no client of HTTP misses any. */
static void test_same_bytes(void **state) {
  (void)state;
  const test_destination_knobs knobs = {.flags = 0};
  test_object made[2];
  writing of[2];
  fhx_writer_options options = options_for("Binary");
  options.flags = FHX_WRITER_GZIP | FHX_WRITER_SHA256;
  test_scenario("same bytes");
  for (int i = 0; i < 2; i++) {
    begin(&of[i], &knobs, &options);
    for (size_t len = 1000; len < 5 * MIB; len = len * 3 + 1) {
      char *text = resource_of(len, 0);
      test_require_status(fhx_writer_append(of[i].writer, text, len, NULL), FHX_OK);
      free(text);
    }
    test_require_status(fhx_writer_finish(of[i].writer, NULL), FHX_OK);
    made[i] = test_destination_objects(of[i].destination).items[0];
  }
  test_require(strcmp(made[0].name, "Binary-1.ndjson.gz") == 0);
  test_require(made[0].len == made[1].len);
  test_require(memcmp(made[0].data, made[1].data, made[0].len) == 0);
  test_require(test_member_count(made[0].data, made[0].len) == 1);
  for (int i = 0; i < 2; i++) end(&of[i]);
}

static void test_limits(void **state) {
  (void)state;
  writing of;
  const test_destination_knobs knobs = {.flags = 0};
  fhx_writer_options options = options_for("Basic");
  static const char deep[] = "{\"resourceType\":\"Basic\",\"id\":\"1\",\"a\":[[1]]}";
  static const char flat[] = "{\"resourceType\":\"Basic\",\"id\":\"1\",\"a\":[\"\"]}";
  options.resource_bytes_max = sizeof deep - 1;
  options.depth_max = 2;
  test_scenario("limits");
  begin(&of, &knobs, &options);
  fhx_error *error = NULL;
  test_require_status(fhx_writer_append(of.writer, deep, sizeof deep - 1, &error),
                      FHX_ERR_RESOURCE);
  test_require(strstr(fhx_error_message(error), "byte 38") != NULL);
  fhx_error_free(error);
  error = NULL;
  test_require_status(fhx_writer_append(of.writer, deep, sizeof deep, &error), FHX_ERR_RESOURCE);
  test_require(strstr(fhx_error_message(error), "resource_bytes_max") != NULL);
  fhx_error_free(error);
  test_require_status(fhx_writer_append(of.writer, flat, sizeof flat - 1, NULL), FHX_OK);
  test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
  test_require(fhx_part_resource_count(fhx_writer_part(of.writer, 0)) == 1);
  end(&of);
}

/* --- what is refused --- */

/* The message says why and where, and nothing of what the resource holds. */
static void test_refusals(void **state) {
  (void)state;
  static const char *const rows[] = {
      "{\"resourceType\":\"Patient\",\"id\":\"SECRET\",}",
      "{\"resourceType\":\"Patient\",\"id\":\"SECRET SECRET\"}",
      "{\"resourceType\":\"SECRET\",\"id\":\"SECRET\"}",
      "{\"resourceType\":\"Encounter\",\"id\":\"SECRET\"}",
      "{\"resourceType\":\"Patient\",\"id\":\"SECRET\"} {}",
      "",
  };
  writing of;
  const test_destination_knobs knobs = {.flags = 0};
  fhx_writer_options options = options_for("Patient");
  test_scenario("refusals");
  begin(&of, &knobs, &options);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fhx_error *error = NULL;
    test_require_status(fhx_writer_append(of.writer, rows[i], strlen(rows[i]), &error),
                        FHX_ERR_RESOURCE);
    test_require(strstr(fhx_error_message(error), "byte") != NULL);
    test_require(strstr(fhx_error_message(error), "SECRET") == NULL);
    test_require(strstr(fhx_error_outcome(error), "SECRET") == NULL);
    test_require(fhx_error_retryable(error) == 0);
    fhx_error_free(error);
  }
  test_require_status(append_all(of.writer, "Patient"), FHX_OK);
  test_require_status(fhx_writer_finish(of.writer, NULL), FHX_OK);
  check_complete(&of, "Patient", &options);
  end(&of);
}

/* --- destinations that fail --- */

typedef struct failure {
  test_destination_call call;
  test_destination_fault fault;
  bool without_stat;
  uint64_t stat_fails;
  /* FHX_OK: the writer finds out that all is well. */
  int32_t status;
  /* Whether the part of the failed commit is there. */
  bool orphan;
} failure;

static const failure failures[] = {
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_FAILS, false, 0, FHX_ERR_DENIED, false},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_SILENT, false, 0, FHX_ERR_NO_ANSWER, false},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_UNKNOWN, false, 0, FHX_ERR_DESTINATION, false},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_WRONG_KIND, false, 0, FHX_ERR_MISUSE, false},
    {TEST_DESTINATION_OPEN, TEST_DESTINATION_RESOURCE, false, 0, FHX_ERR_INTERNAL, false},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_FAILS_RETRYABLE, false, 0, FHX_ERR_IO, false},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_SILENT, false, 0, FHX_ERR_NO_ANSWER, false},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_UNKNOWN, false, 0, FHX_ERR_DESTINATION, false},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_WRONG_KIND, false, 0, FHX_ERR_MISUSE, false},
    {TEST_DESTINATION_WRITE, TEST_DESTINATION_RESOURCE, false, 0, FHX_ERR_INTERNAL, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_FAILS, false, 0, FHX_ERR_DENIED, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_RESOURCE, false, 0, FHX_ERR_INTERNAL, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_SILENT, false, 0, FHX_ERR_UNKNOWN_OUTCOME, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_UNKNOWN, true, 0, FHX_ERR_UNKNOWN_OUTCOME, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_SILENT, false, 0, FHX_OK, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_UNKNOWN, false, 0, FHX_OK, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_WRONG_KIND, false, 0, FHX_OK, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_UNKNOWN, false, 2, FHX_OK, false},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_UNKNOWN, false, 99, FHX_ERR_UNKNOWN_OUTCOME,
     true},
    {TEST_DESTINATION_COMMIT, TEST_DESTINATION_DONE_UNKNOWN, true, 0, FHX_ERR_UNKNOWN_OUTCOME,
     true},
};

static int32_t write_all(fhx_writer *writer, const char *type) {
  int32_t status = append_all(writer, type);
  return status == FHX_OK ? fhx_writer_finish(writer, NULL) : status;
}

/* A failure is final, the open part is aborted, and what was committed before stays known. */
static void check_failed(writing *of, const failure *how) {
  const fhx_part *parts[PARTS_MAX];
  size_t count = list_parts(of->writer, parts);
  test_objects objects = test_destination_objects(of->destination);
  test_require(objects.count == count + (how->orphan ? 1 : 0));
  for (size_t i = 0; i < count; i++) {
    test_require(test_objects_find(&objects, fhx_part_name(parts[i])) != NULL);
  }
  test_require_status(fhx_writer_append(of->writer, "{}", 2, NULL), FHX_ERR_MISUSE);
  test_require_status(fhx_writer_finish(of->writer, NULL), FHX_ERR_MISUSE);
  test_require(test_destination_calls(of->destination, TEST_DESTINATION_REMOVE) == 0);
}

static void test_failing_destinations(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
    for (uint64_t at = 1; at < 9; at += 3) {
      for (uint64_t rolls = 0; rolls < 2; rolls++) {
        writing of;
        const failure *how = &failures[i];
        test_destination_knobs knobs = {.fault_call = how->call, .fault = how->fault};
        knobs.without_stat = how->without_stat;
        knobs.stat_fails = how->stat_fails;
        knobs.fault_at = at;
        knobs.fault_times = 1;
        knobs.re_enters = true;
        fhx_writer_options options = options_for("Encounter");
        options.part_bytes = rolls == 0 ? 3000 : 0;
        options.part_count = rolls == 0 ? 0 : 2;
        test_scenario("failure %zu at %d, rolls %d", i, (int)at, (int)rolls);
        begin(&of, &knobs, &options);
        test_require_status(write_all(of.writer, "Encounter"), how->status);
        if (how->status == FHX_OK) check_complete(&of, "Encounter", &options);
        if (how->status != FHX_OK) check_failed(&of, how);
        end(&of);
      }
    }
  }
}

/* --- freed by its own callbacks --- */

typedef struct ender {
  fhx_writer *writer;
  test_destination_call call;
  uint64_t number;
  bool done;
} ender;

static void free_writer(void *context, test_destination_call call, uint64_t number) {
  ender *by = context;
  if (call != by->call || number != by->number || by->done) return;
  by->done = true;
  fhx_writer_free(by->writer);
  /* It still lives until the call that it is inside of returns, and harmlessly so. */
  fhx_writer_free(by->writer);
}

static void test_freed_by_callbacks(void **state) {
  (void)state;
  static const test_destination_call calls[] = {TEST_DESTINATION_OPEN, TEST_DESTINATION_WRITE,
                                                TEST_DESTINATION_COMMIT};
  for (size_t i = 0; i < 3; i++) {
    for (uint64_t number = 1; number < 4; number++) {
      writing of;
      ender by = {NULL, calls[i], number, false};
      const test_destination_knobs knobs = {.hook = free_writer, .hook_context = &by};
      fhx_writer_options options = options_for("Observation");
      options.part_count = 3;
      test_scenario("freed by callback %zu, call %d", i, (int)number);
      begin(&of, &knobs, &options);
      by.writer = of.writer;
      for (size_t at = 0; at < data->count && !by.done; at++) {
        const test_resource *resource = &data->items[at];
        if (strcmp(resource->type, "Observation") != 0) continue;
        test_require_status(fhx_writer_append(of.writer, resource->json, resource->len, NULL),
                            FHX_OK);
      }
      test_require(by.done);
      of.writer = NULL;
      end(&of);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_types_and_sizes),
      cmocka_unit_test(test_exact_part_size),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_freed_early),
      cmocka_unit_test(test_to_directory),
      cmocka_unit_test(test_long_resources),
      cmocka_unit_test(test_same_bytes),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_failing_destinations),
      cmocka_unit_test(test_freed_by_callbacks),
  };
  return cmocka_run_group_tests(tests, make_data, test_dataset_end);
}
