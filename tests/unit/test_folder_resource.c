/* Single resources of a folder, which are looked for line by line at first, then by an index: every
   test is run in both ways. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <unistd.h>
#include <zlib.h>

#include "source/source.h"
#include "support/folder.h"
#include "support/memory.h"
#include "support/require.h"

static char folder[TEST_PATH_MAX];
/* So many are asked for before the others that there is an index. */
static bool indexed;

static int set_up(void **state) {
  (void)state;
  test_folder_new(folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  test_folder_remove(folder);
  return 0;
}

static void write_text(const char *name, const char *text) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
}

static void write_gzip(const char *name, const char *text) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, name);
  gzFile file = gzopen(path, "wb");
  assert_non_null(file);
  assert_true(gzputs(file, text) > 0);
  assert_int_equal(gzclose(file), Z_OK);
}

static void ask_often(fhx_source *source) {
  static const char *const references[] = {"Patient/none", "Observation/none", "Group/none"};
  static const fhx_query query = {.resource_type = "Patient"};
  for (int i = 0; i < 60; i++) {
    fhx_reply reply;
    assert_int_equal(fhx__source_read_resource(source, &query, references[i % 3], &reply, NULL),
                     FHX_ERR_NOT_FOUND);
    fhx__reply_end(&reply);
  }
}

static fhx_source *open_folder(void) {
  fhx_folder_options options;
  fhx_source *source = NULL;
  FHX_INIT(&options);
  options.path = folder;
  assert_int_equal(fhx_folder_source_new(&options, &source, NULL), FHX_OK);
  if (indexed) ask_often(source);
  return source;
}

/* `text`: what stands in the answer, white space around it cut off; NULL: there is none. */
static void check(fhx_source *source, const char *reference, int32_t status, const char *text) {
  static const fhx_query query = {.resource_type = "Patient"};
  fhx_reply reply;
  size_t len = 0;
  int32_t answer = fhx__source_read_resource(source, &query, reference, &reply, NULL);
  if (answer != status) fail_msg("%s: %d", reference, answer);
  if (text != NULL) {
    const char *item = fhx__reply_item_at(&reply, 0, &len);
    while (len != 0 && strchr(" \t\r\n", *item) != NULL) item++, len--;
    while (len != 0 && strchr(" \t\r\n", item[len - 1]) != NULL) len--;
    assert_int_equal(len, strlen(text));
    assert_memory_equal(item, text, len);
  }
  fhx__reply_end(&reply);
}

#define PATIENT(id, more) "{\"resourceType\":\"Patient\",\"id\":\"" id "\"" more "}"

static void found(void **state) {
  (void)state;
  write_text("Patient.1.ndjson", "\n \n" PATIENT("a", "") "\r\n" PATIENT("b", ",\"n\":1") "\n");
  write_gzip("Patient.2.ndjson.gz", PATIENT("c", "") "\n" PATIENT("p\\u0031", "") "\n");
  write_text("Patient.3.ndjson",
             "{\"link\":[{\"other\":{\"reference\":\"Patient/d\"}}],\"id\":\"e\","
             "\"resourceType\":\"Patient\"}\n"
             "{ \"id\" : \"d\" , \"resourceType\" : \"Patient\" }\n" PATIENT("last", ""));
  write_text("Group.ndjson", "{\"resourceType\":\"Group\",\"id\":\"b\"}\n");
  fhx_source *source = open_folder();
  check(source, "Patient/a", FHX_OK, PATIENT("a", ""));
  check(source, "Patient/b", FHX_OK, PATIENT("b", ",\"n\":1"));
  check(source, "Patient/c", FHX_OK, PATIENT("c", ""));
  /* Spelt with an escape. */
  check(source, "Patient/p1", FHX_OK, PATIENT("p\\u0031", ""));
  /* Not the one that refers to it. */
  check(source, "Patient/d", FHX_OK, "{ \"id\" : \"d\" , \"resourceType\" : \"Patient\" }");
  check(source, "Patient/last", FHX_OK, PATIENT("last", ""));
  check(source, "Group/b", FHX_OK, "{\"resourceType\":\"Group\",\"id\":\"b\"}");
  fhx_source_free(source);
}

static void not_found(void **state) {
  (void)state;
  write_text("Patient.ndjson", PATIENT("a", "") "\nnot JSON\n{\"resourceType\":\"Patient\"}\n"
                               "{\"resourceType\":\"Group\",\"id\":\"g\"}\n");
  write_text("Observation.ndjson", "");
  fhx_source *source = open_folder();
  check(source, "Patient/aa", FHX_ERR_NOT_FOUND, NULL);
  check(source, "Patient/A", FHX_ERR_NOT_FOUND, NULL);
  check(source, "Patient/Patient", FHX_ERR_NOT_FOUND, NULL);
  check(source, "Patient/", FHX_ERR_NOT_FOUND, NULL);
  check(source, "Patient/a/_history/1", FHX_ERR_NOT_FOUND, NULL);
  check(source, "Observation/a", FHX_ERR_NOT_FOUND, NULL);
  check(source, "Encounter/a", FHX_ERR_NOT_FOUND, NULL);
  /* A row of another type is a bad row there, and no Group here. */
  check(source, "Patient/g", FHX_ERR_NOT_FOUND, NULL);
  check(source, "Group/g", FHX_ERR_NOT_FOUND, NULL);
  check(source, "Patient", FHX_ERR_ARGUMENT, NULL);
  check(source, "", FHX_ERR_ARGUMENT, NULL);
  check(source, "/a", FHX_ERR_ARGUMENT, NULL);
  fhx_source_free(source);
}

/* It is there, whatever is wrong with it; whoever reads it sees that. */
static void bad_line(void **state) {
  (void)state;
  write_text("Patient.ndjson", PATIENT("a", ",\"n\":01") "\n" PATIENT("b", "") "\n");
  fhx_source *source = open_folder();
  check(source, "Patient/a", FHX_OK, PATIENT("a", ",\"n\":01"));
  fhx_source_free(source);
}

/* Many more lines than are read at once, and one that is longer than that. */
static void far_behind(void **state) {
  enum { COUNT = 30000, LONG = 600000 };
  (void)state;
  size_t len = 0;
  char *text = malloc((size_t)COUNT * 64 + LONG + 200);
  assert_non_null(text);
  for (int i = 0; i < COUNT; i++) {
    len += (size_t)sprintf(text + len, "{\"resourceType\":\"Patient\",\"id\":\"p%05d\"}\n", i);
  }
  len += (size_t)sprintf(text + len, "{\"resourceType\":\"Patient\",\"id\":\"long\",\"text\":\"");
  memset(text + len, 'x', LONG);
  sprintf(text + len + LONG, "\"}\n" PATIENT("behind", "") "\n");
  write_text("Patient.ndjson", text);
  free(text);
  fhx_source *source = open_folder();
  check(source, "Patient/p00000", FHX_OK, "{\"resourceType\":\"Patient\",\"id\":\"p00000\"}");
  check(source, "Patient/p29999", FHX_OK, "{\"resourceType\":\"Patient\",\"id\":\"p29999\"}");
  check(source, "Patient/behind", FHX_OK, PATIENT("behind", ""));
  check(source, "Patient/long", FHX_OK, NULL);
  check(source, "Patient/p30000", FHX_ERR_NOT_FOUND, NULL);
  fhx_source_free(source);
}

/* "It does not exist" would be wrong. */
static void file_goes_away(void **state) {
  (void)state;
  char path[TEST_PATH_MAX];
  write_text("Patient.1.ndjson", PATIENT("a", "") "\n");
  write_text("Patient.2.ndjson", PATIENT("b", "") "\n");
  fhx_source *source = open_folder();
  test_path_join(path, folder, "Patient.2.ndjson");
  assert_int_equal(unlink(path), 0);
  check(source, "Patient/a", FHX_OK, PATIENT("a", ""));
  check(source, "Patient/b", FHX_ERR_SOURCE, NULL);
  check(source, "Patient/c", FHX_ERR_SOURCE, NULL);
  fhx_source_free(source);
}

/* Between two jobs files may change. */
static void files_change(void **state) {
  (void)state;
  write_text("Patient.1.ndjson", PATIENT("a", "") "\n" PATIENT("b", "") "\n");
  write_gzip("Patient.2.ndjson.gz", PATIENT("c", "") "\n");
  fhx_source *source = open_folder();
  check(source, "Patient/b", FHX_OK, PATIENT("b", ""));
  write_text("Patient.1.ndjson", PATIENT("a", ",\"n\":1") "\n" PATIENT("d", "") "\n");
  write_gzip("Patient.2.ndjson.gz", PATIENT("e", "") "\n" PATIENT("f", "") "\n");
  for (int i = 0; i < 5; i++) {
    check(source, "Patient/a", FHX_OK, PATIENT("a", ",\"n\":1"));
    check(source, "Patient/b", FHX_ERR_NOT_FOUND, NULL);
    check(source, "Patient/c", FHX_ERR_NOT_FOUND, NULL);
    check(source, "Patient/d", FHX_OK, PATIENT("d", ""));
    check(source, "Patient/f", FHX_OK, PATIENT("f", ""));
  }
  fhx_source_free(source);
}

/* Of two with one id the first counts, as it did before there was an index. */
static void the_first_counts(void **state) {
  (void)state;
  write_gzip("Patient.1.ndjson.gz", PATIENT("b", "") "\n" PATIENT("a", ",\"n\":1") "\n");
  write_text("Patient.2.ndjson", PATIENT("a", ",\"n\":2") "\n" PATIENT("a", ",\"n\":3") "\n");
  fhx_source *source = open_folder();
  check(source, "Patient/a", FHX_OK, PATIENT("a", ",\"n\":1"));
  fhx_source_free(source);
}

typedef struct asker {
  pthread_t thread;
  fhx_source *source;
} asker;

/* cmocka's assertions are not for other threads. */
static void *ask_all(void *context) {
  const asker *self = context;
  static const fhx_query query = {.resource_type = "Patient"};
  for (int i = 0; i < 400; i++) {
    char reference[40];
    fhx_reply reply;
    snprintf(reference, sizeof reference, "Patient/p%d", i % 50);
    int32_t status = fhx__source_read_resource(self->source, &query, reference, &reply, NULL);
    if (status != FHX_OK) test_violation("a resource was not found");
    fhx__reply_end(&reply);
  }
  return NULL;
}

static void many_threads(void **state) {
  asker askers[4];
  char text[50 * 64];
  size_t len = 0;
  (void)state;
  for (int i = 0; i < 50; i++) {
    len += (size_t)snprintf(text + len, sizeof text - len,
                            "{\"resourceType\":\"Patient\",\"id\":\"p%d\"}\n", i);
  }
  write_gzip("Patient.ndjson.gz", text);
  fhx_source *source = open_folder();
  for (size_t i = 0; i < 4; i++) {
    askers[i].source = source;
    assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_all, &askers[i]), 0);
  }
  for (size_t i = 0; i < 4; i++) pthread_join(askers[i].thread, NULL);
  test_require_sound();
  fhx_source_free(source);
}

/* Without memory for an index, or for a line of it, the files are read. */
static void memory_runs_out(void **state) {
  (void)state;
  write_text("Patient.1.ndjson", PATIENT("a", "") "\n");
  write_gzip("Patient.2.ndjson.gz", PATIENT("b", "") "\n");
  for (uint64_t number = 1;; number++) {
    fhx_folder_options options;
    fhx_source *source = NULL;
    FHX_INIT(&options);
    options.path = folder;
    test_scenario("allocation %d", (int)number);
    test_memory_begin(number);
    int32_t status = fhx_folder_source_new(&options, &source, NULL);
    if (status != FHX_OK) test_require_status(status, FHX_ERR_NO_MEMORY);
    for (int i = 0; status == FHX_OK && i < 24; i++) {
      static const fhx_query query = {.resource_type = "Patient"};
      fhx_reply reply;
      int32_t read = fhx__source_read_resource(source, &query, "Patient/b", &reply, NULL);
      if (read != FHX_OK) test_require_status(read, FHX_ERR_NO_MEMORY);
      fhx__reply_end(&reply);
    }
    fhx_source_free(source);
    if (!test_memory_end()) break;
  }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(found),           TEST(not_found),    TEST(bad_line),         TEST(far_behind),
      TEST(file_goes_away),  TEST(files_change), TEST(the_first_counts), TEST(many_threads),
      TEST(memory_runs_out),
  };
  int failed = cmocka_run_group_tests_name("read line by line", tests, NULL, NULL);
  indexed = true;
  return failed + cmocka_run_group_tests_name("by an index", tests, NULL, NULL);
}
