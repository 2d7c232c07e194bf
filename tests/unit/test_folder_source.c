/*
 * The source over a folder of NDJSON files: names, lines, gzip, tokens, shards, damage.
 *
 * ctest labels: onethread
 */
#include "unit/source_walk.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/alloc.h"
#include "source/line_reader.h"
#include "support/folder.h"
#include "support/memory.h"

static const fhx_filter no_filter = {.sealed = true};
static const fhx_query patients = {.resource_type = "Patient", .selection = {.filter = &no_filter}};
static char folder[TEST_PATH_MAX];

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

static void write_bytes(const char *name, const void *data, size_t len) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text) {
  write_bytes(name, text, strlen(text));
}

static void append_gzip(const char *name, const char *text) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, name);
  gzFile file = gzopen(path, "ab");
  assert_non_null(file);
  if (*text != '\0') assert_true(gzputs(file, text) > 0);
  assert_int_equal(gzclose(file), Z_OK);
}

static size_t read_bytes(const char *name, char *data, size_t capacity) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, name);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t len = fread(data, 1, capacity, file);
  assert_true(len < capacity);
  fclose(file);
  return len;
}

static int32_t try_folder(const char *path, fhx_source **source, fhx_error **error) {
  fhx_folder_options options;
  FHX_INIT(&options);
  options.path = path;
  return fhx_folder_source_new(&options, source, error);
}

static fhx_source *open_folder(void) {
  fhx_source *source = NULL;
  assert_int_equal(try_folder(folder, &source, NULL), FHX_OK);
  return source;
}

/* The rows of all Patient files, in small and in large batches, are these; every token resumes. */
static void check_patients(const char *const *rows, size_t count) {
  static walk seen;
  fhx_source *source = open_folder();
  static const uint64_t wants[] = {0, 1, 30, 1u << 20, UINT64_MAX};
  for (size_t i = 0; i < sizeof wants / sizeof *wants; i++) {
    assert_int_equal(walk_run(&seen, source, &patients, wants[i], NULL), FHX_OK);
    assert_int_equal(seen.applied, FHX_APPLIED_TYPE);
    assert_int_equal(seen.row_count, count);
    for (size_t row = 0; row < count; row++) assert_string_equal(seen.rows[row], rows[row]);
    walk_check_tokens(&seen, source, patients);
    walk_clear(&seen);
  }
  fhx_source_free(source);
}

static void check_types(const char *const *types, size_t count) {
  fhx_source *source = open_folder();
  fhx_reply reply;
  assert_int_equal(fhx__source_list_types(source, &reply, NULL), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), count);
  for (size_t i = 0; i < count; i++) {
    size_t len = 0;
    const char *type = fhx__reply_item_at(&reply, i, &len);
    assert_int_equal(len, strlen(types[i]));
    assert_memory_equal(type, types[i], len);
  }
  fhx__reply_end(&reply);
  fhx_source_free(source);
}

/* --- names --- */

static void test_names(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}",
                                     "{\"n\":5}"};
  static const char *const types[] = {"Encounter", "Patient", "PatientX"};
  static const char *const others[] = {
      ".Patient.ndjson",    "patient.ndjson",  "Patient",           "Patient.json",
      "Patient_2.ndjson",   "Patient-.ndjson", "Patient..ndjson",   "Patient.ndjson.bz2",
      "Patient.ndjson.gz.", ".ndjson",         "-Patient-1.ndjson", "Patientndjson",
  };
  char path[TEST_PATH_MAX];
  write_text("Patient-1.ndjson", "{\"n\":1}\n");
  append_gzip("Patient-b.ndjson.gz", "{\"n\":2}\n");
  write_text("Patient.0.a.ndjson", "{\"n\":3}\n");
  write_text("Patient.ndjson", "{\"n\":4}\n");
  append_gzip("Patient.ndjson.gz", "{\"n\":5}\n");
  write_text("PatientX.ndjson", "{\"n\":6}\n");
  write_text("Encounter.ndjson", "");
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) write_text(others[i], "{\"n\":0}\n");
  test_path_join(path, folder, "Patient.folder.ndjson");
  assert_int_equal(mkdir(path, 0700), 0);
  test_path_join(path, folder, "Patient.pipe.ndjson");
  assert_int_equal(mkfifo(path, 0600), 0);
  check_patients(rows, 5);
  check_types(types, 3);
}

static void test_links(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"n\":1}"};
  char path[TEST_PATH_MAX];
  fhx_source *source = NULL;
  fhx_error *error = NULL;
  write_text("elsewhere", "{\"n\":1}\n");
  test_path_join(path, folder, "Patient.ndjson");
  assert_int_equal(symlink("elsewhere", path), 0);
  check_patients(rows, 1);
  test_path_join(path, folder, "elsewhere");
  assert_int_equal(unlink(path), 0);
  assert_int_equal(try_folder(folder, &source, &error), FHX_ERR_NOT_FOUND);
  walk_check_error(error, FHX_ERR_NOT_FOUND, 0,
                   "Patient.ndjson cannot be read: No such file or directory");
}

static void test_no_such_folder(void **state) {
  (void)state;
  char path[TEST_PATH_MAX];
  char message[TEST_PATH_MAX + 128];
  fhx_source *source = NULL;
  fhx_error *error = NULL;
  test_path_join(path, folder, "absent");
  snprintf(message, sizeof message, "the folder \"%s\" cannot be opened: No such file or directory",
           path);
  assert_int_equal(try_folder(path, &source, &error), FHX_ERR_NOT_FOUND);
  walk_check_error(error, FHX_ERR_NOT_FOUND, 0, message);
  error = NULL;
  write_text("absent", "now a file");
  assert_int_equal(try_folder(path, &source, &error), FHX_ERR_NOT_FOUND);
  fhx_error_free(error);
  error = NULL;
  assert_int_equal(try_folder("", &source, &error), FHX_ERR_ARGUMENT);
  walk_check_error(error, FHX_ERR_ARGUMENT, 0, "an NDJSON folder needs a path");
  assert_int_equal(try_folder(NULL, &source, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_folder_source_new(NULL, &source, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(try_folder(folder, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_null(source);
}

static void test_empty_folder(void **state) {
  (void)state;
  check_types(NULL, 0);
  check_patients(NULL, 0);
}

/* --- lines --- */

static void test_lines(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t count;
    const char *rows[3];
  } cases[] = {
      {"", 0, {NULL}},
      {"\n", 0, {NULL}},
      {" \t\r\n\n  ", 0, {NULL}},
      {"{\"a\":1}", 1, {"{\"a\":1}"}},
      {"{\"a\":1}\n{\"a\":2}\n", 2, {"{\"a\":1}", "{\"a\":2}"}},
      {"{\"a\":1}\r\n{\"a\":2}\r\n", 2, {"{\"a\":1}", "{\"a\":2}"}},
      {"\n\n{\"a\":1}\n\n \n{\"a\":2}\n\n", 2, {"{\"a\":1}", "{\"a\":2}"}},
      {"{\"a\":1}\n{\"a\":2}", 2, {"{\"a\":1}", "{\"a\":2}"}},
      {"{\"a\":1}\nnot JSON\n{\"a\":2}", 3, {"{\"a\":1}", "not JSON", "{\"a\":2}"}},
      {"\xEF\xBB\xBF{\"a\":1}\n", 1, {"{\"a\":1}"}},
      {"\xEF\xBB\xBF", 0, {NULL}},
      {"\xEF\xBB", 1, {"\xEF\xBB"}},
      {"{\"a\":1}\n\xEF\xBB\xBF{\"a\":2}\n", 2, {"{\"a\":1}", "\xEF\xBB\xBF{\"a\":2}"}},
  };
  char path[TEST_PATH_MAX];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_text("Patient.ndjson", cases[i].text);
    check_patients(cases[i].rows, cases[i].count);
    test_path_join(path, folder, "Patient.ndjson");
    assert_int_equal(unlink(path), 0);
    append_gzip("Patient.ndjson.gz", cases[i].text);
    check_patients(cases[i].rows, cases[i].count);
    test_path_join(path, folder, "Patient.ndjson.gz");
    assert_int_equal(unlink(path), 0);
  }
}

/* A mark counts at the beginning of each file, and the end of a file ends its last line. */
static void test_lines_of_several_files(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}", "{\"a\":4}"};
  write_text("Patient.1.ndjson", "\xEF\xBB\xBF{\"a\":1}\n{\"a\":2}");
  write_text("Patient.2.ndjson", "");
  write_text("Patient.3.ndjson", "\xEF\xBB\xBF{\"a\":3}");
  append_gzip("Patient.4.ndjson.gz", "{\"a\":4}\n");
  check_patients(rows, 4);
}

/* Long enough to need several reads of the window and of packed bytes. */
static void test_many_lines(void **state) {
  (void)state;
  static walk seen;
  const size_t count = 3000;
  char *text = malloc(count * 200);
  assert_non_null(text);
  size_t len = 0;
  for (size_t i = 0; i < count; i++) {
    unsigned mixed = (unsigned)(i * 2654435761u);
    len += (size_t)snprintf(text + len, 200, "{\"id\":\"%zu\",\"x\":\"%0*u\"}\n", i,
                            (int)(mixed % 97), mixed);
  }
  write_bytes("Patient.plain.ndjson", text, len);
  append_gzip("Encounter.ndjson.gz", text);
  fhx_source *source = open_folder();
  for (int i = 0; i < 2; i++) {
    fhx_query query = patients;
    if (i == 1) query.resource_type = "Encounter";
    static const uint64_t wants[] = {1000, 65536, 100000, 1u << 20};
    for (size_t want = 0; want < sizeof wants / sizeof *wants; want++) {
      const char *at = text;
      assert_int_equal(walk_run(&seen, source, &query, wants[want], NULL), FHX_OK);
      assert_int_equal(seen.row_count, count);
      for (size_t row = 0; row < count; row++) {
        size_t line_len = strcspn(at, "\n");
        assert_int_equal(strlen(seen.rows[row]), line_len);
        assert_memory_equal(seen.rows[row], at, line_len);
        at += line_len + 1;
      }
      if (want != 0) walk_check_tokens(&seen, source, query);
      walk_clear(&seen);
    }
  }
  fhx_source_free(source);
  free(text);
}

/* MS #3755, HAPI #8374: memory follows the batch size, whatever one resource weighed. */
static void test_huge_line(void **state) {
  (void)state;
  const size_t huge = 40u << 20, want = 1u << 20;
  char *text = malloc(huge + 2);
  assert_non_null(text);
  memset(text, 'x', huge);
  memcpy(text + huge, "\n", 2);
  write_bytes("Patient.1.ndjson", text, huge + 1);
  append_gzip("Patient.2.ndjson.gz", text);
  free(text);
  append_gzip("Patient.2.ndjson.gz", "{\"a\":1}\n");
  for (int i = 0; i < 2000; i++) append_gzip("Patient.2.ndjson.gz", "{\"a\":\"0123456789\"}\n");

  weigh_begin();
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  uint64_t row_count = 0, huge_count = 0;
  fhx_source *source = open_folder();
  assert_int_equal(fhx__source_open(source, &patients, &cursor, NULL), FHX_OK);
  while (fhx__source_next(&cursor, want, &rows, &wait_us, NULL) == FHX_OK) {
    row_count += rows.row_count;
    if (rows.row_ends[0] > huge) {
      huge_count++;
    } else {
      assert_in_range(weighed_live, 0, 3 * want);
    }
  }
  assert_int_equal(huge_count, 2);
  assert_int_equal(row_count, 2003);
  assert_in_range(weighed_peak, huge, 3 * huge);
  fhx__source_close(&cursor);
  fhx_source_free(source);
  weigh_end();
}

/* The window does not grow while lines are shorter than it. */
static void test_steady_memory(void **state) {
  (void)state;
  const size_t len = 16u << 20, want = 1u << 20, line_len = 1999;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  uint64_t byte_count = 0;
  char *text = malloc(len);
  assert_non_null(text);
  for (size_t i = 0; i < len; i++) text[i] = i % line_len == line_len - 1 ? '\n' : 'x';
  write_bytes("Patient.ndjson", text, len);
  free(text);
  weigh_begin();
  fhx_source *source = open_folder();
  assert_int_equal(fhx__source_open(source, &patients, &cursor, NULL), FHX_OK);
  while (fhx__source_next(&cursor, want, &rows, &wait_us, NULL) == FHX_OK) byte_count += rows.len;
  assert_int_equal(byte_count, len);
  assert_in_range(weighed_peak, want, want + want / 4);
  fhx__source_close(&cursor);
  fhx_source_free(source);
  weigh_end();
}

/* Blank lines take no memory, however many there are. */
static void test_only_blank_lines(void **state) {
  (void)state;
  static walk seen;
  const size_t len = 8u << 20;
  char *text = malloc(len);
  assert_non_null(text);
  memset(text, '\n', len);
  text[len - 1] = '7';
  write_bytes("Patient.ndjson", text, len);
  free(text);
  weigh_begin();
  fhx_source *source = open_folder();
  assert_int_equal(walk_run(&seen, source, &patients, 1000, NULL), FHX_OK);
  assert_int_equal(seen.row_count, 1);
  assert_string_equal(seen.rows[0], "7");
  assert_in_range(weighed_peak, 0, 1u << 20);
  walk_clear(&seen);
  fhx_source_free(source);
  weigh_end();
}

static int32_t read_with_limit(const char *name, bool gzip, uint64_t line_max, fhx_error **error) {
  fhx__byte_stream *stream = NULL;
  fhx__line_reader *reader = NULL;
  fhx__lines lines;
  DIR *place = opendir(folder);
  assert_non_null(place);
  assert_int_equal(fhx__byte_stream_open(dirfd(place), name, gzip, 0, &stream, NULL), FHX_OK);
  assert_int_equal(fhx__line_reader_open(stream, 0, line_max, &reader, NULL), FHX_OK);
  int32_t status = FHX_OK;
  while (status == FHX_OK) status = fhx__line_reader_next(reader, 1, &lines, error);
  fhx__line_reader_close(reader);
  closedir(place);
  return status;
}

static void test_line_limit(void **state) {
  (void)state;
  fhx_error *error = NULL;
  char text[200001];
  memset(text, 'x', sizeof text);
  text[100000] = '\n';
  text[200000] = '\n';
  write_bytes("Patient.ndjson", text, sizeof text);
  assert_int_equal(read_with_limit("Patient.ndjson", false, 100001, &error), FHX_END);
  assert_int_equal(read_with_limit("Patient.ndjson", false, 100000, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0, "Patient.ndjson has a line longer than 100000 bytes");
  /* Without a line feed it is noticed before all of it is read. */
  error = NULL;
  text[100000] = 'x';
  write_bytes("Patient.ndjson", text, sizeof text);
  assert_int_equal(read_with_limit("Patient.ndjson", false, 1000, &error), FHX_ERR_SOURCE);
  fhx_error_free(error);
}

/* --- gzip --- */

static void test_gzip_members(void **state) {
  (void)state;
  static const char *const rows[] = {"{\"a\":1}", "{\"a\":2}", "{\"a\":3}"};
  append_gzip("Patient.ndjson.gz", "{\"a\":1}\n{\"a\"");
  append_gzip("Patient.ndjson.gz", "");
  append_gzip("Patient.ndjson.gz", ":2}\n");
  append_gzip("Patient.ndjson.gz", "{\"a\":3}");
  check_patients(rows, 3);
}

static int32_t walk_patients(fhx_error **error) {
  static walk seen;
  fhx_source *source = open_folder();
  int32_t status = walk_run(&seen, source, &patients, 1u << 20, error);
  walk_clear(&seen);
  fhx_source_free(source);
  return status;
}

/* Lesson 7: what is missing is never an end. */
static void test_gzip_truncated(void **state) {
  (void)state;
  char packed[4096];
  append_gzip("Patient.ndjson.gz", "{\"a\":1}\n{\"a\":2}\n");
  size_t first_len = read_bytes("Patient.ndjson.gz", packed, sizeof packed);
  append_gzip("Patient.ndjson.gz", "{\"a\":3}\n{\"a\":4}\n");
  size_t len = read_bytes("Patient.ndjson.gz", packed, sizeof packed);
  for (size_t cut = 0; cut < len; cut++) {
    fhx_error *error = NULL;
    write_bytes("Patient.ndjson.gz", packed, cut);
    if (cut == first_len) {
      assert_int_equal(walk_patients(&error), FHX_OK);
      continue;
    }
    assert_int_equal(walk_patients(&error), FHX_ERR_SOURCE);
    walk_check_error(
        error, FHX_ERR_SOURCE, 0,
        "the source's next_rows: Patient.ndjson.gz ends in the middle of its gzip data");
  }
}

static void test_gzip_damaged(void **state) {
  (void)state;
  static const char message[] =
      "the source's next_rows: Patient.ndjson.gz is damaged: it is not valid gzip data";
  char packed[4096];
  fhx_error *error = NULL;
  append_gzip("Patient.ndjson.gz", "{\"a\":1}\n{\"a\":2}\n{\"b\":[1,2,3,4,5]}\n");
  size_t len = read_bytes("Patient.ndjson.gz", packed, sizeof packed - 16);
  /* The check sum, its first byte. */
  packed[len - 8] = (char)(packed[len - 8] ^ 1);
  write_bytes("Patient.ndjson.gz", packed, len);
  assert_int_equal(walk_patients(&error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0, message);
  /* Something that is no member behind the last one. */
  error = NULL;
  packed[len - 8] = (char)(packed[len - 8] ^ 1);
  memcpy(packed + len, "trailing", 8);
  write_bytes("Patient.ndjson.gz", packed, len + 8);
  assert_int_equal(walk_patients(&error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0, message);
  error = NULL;
  write_text("Patient.ndjson.gz", "{\"not\":\"packed\"}\n");
  assert_int_equal(walk_patients(&error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0, message);
}

/* Any one byte changed: an error, or the same rows (there are bytes and bits without a meaning). */
static void test_gzip_every_byte(void **state) {
  (void)state;
  static walk sound, seen;
  char packed[4096];
  size_t failures = 0;
  append_gzip("Patient.ndjson.gz", "{\"a\":1}\n{\"a\":2}\n{\"b\":[1,2,3,4,5]}\n");
  size_t len = read_bytes("Patient.ndjson.gz", packed, sizeof packed);
  fhx_source *source = open_folder();
  assert_int_equal(walk_run(&sound, source, &patients, 1u << 20, NULL), FHX_OK);
  for (size_t i = 0; i < len; i++) {
    packed[i] = (char)(packed[i] ^ 0x40);
    write_bytes("Patient.ndjson.gz", packed, len);
    packed[i] = (char)(packed[i] ^ 0x40);
    int32_t status = walk_run(&seen, source, &patients, 1u << 20, NULL);
    if (status == FHX_OK) {
      walk_check_same(&seen, &sound);
    } else {
      assert_int_equal(status, FHX_ERR_SOURCE);
      failures++;
    }
    walk_clear(&seen);
  }
  assert_in_range(failures, len - 10, len);
  walk_clear(&sound);
  fhx_source_free(source);
}

/* --- tokens and shards --- */

static void write_seven_files(void) {
  for (int i = 0; i < 7; i++) {
    char name[64], text[256];
    snprintf(name, sizeof name, "Patient.%d.ndjson%s", i, i % 2 == 0 ? "" : ".gz");
    snprintf(text, sizeof text, "{\"a\":%d}\n\n{\"b\":%d}\n{\"c\":%d}", i, i, i);
    if (i % 2 == 0) {
      write_text(name, text);
    } else {
      append_gzip(name, text);
    }
  }
}

static void test_shards(void **state) {
  (void)state;
  static walk whole, all;
  write_seven_files();
  write_text("Encounter.ndjson", "{}");
  fhx_source *lister = open_folder();
  fhx_source *reader = open_folder();
  assert_int_equal(walk_run(&whole, reader, &patients, 1, NULL), FHX_OK);
  assert_int_equal(whole.row_count, 21);
  for (uint32_t count_max = 1; count_max <= 9; count_max++) {
    size_t count = walk_shards(&all, lister, reader, patients, count_max);
    assert_int_equal(count, count_max == 1 ? 0 : count_max < 7 ? count_max : 7);
    walk_check_same(&all, &whole);
    walk_clear(&all);
  }
  fhx_query query = patients;
  query.resource_type = "Encounter";
  assert_int_equal(walk_shards(&all, lister, reader, query, 5), 0);
  assert_int_equal(all.row_count, 1);
  walk_clear(&all);
  query.resource_type = "Group";
  assert_int_equal(walk_shards(&all, lister, reader, query, 5), 0);
  assert_int_equal(all.row_count, 0);
  walk_clear(&whole);
  fhx_source_free(lister);
  fhx_source_free(reader);
}

static void check_open_fails(fhx_source *source, fhx_query query, const char *message) {
  fhx__cursor cursor;
  fhx_error *error = NULL;
  assert_int_equal(fhx__source_open(source, &query, &cursor, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 0, message);
}

static void test_bad_tokens(void **state) {
  (void)state;
  static const char *const foreign[] = {
      "",
      "x",
      "Patient.1.ndjson.gz",
      "Patient.0.ndjson/",
      "Patient.0.ndjson/x",
      "Patient.0.ndjson/-1",
      "Patient.0.ndjson/1 ",
      "Patient.0.ndjson/9999999999999999999",
  };
  write_seven_files();
  fhx_source *source = open_folder();
  fhx_query query = patients;
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    query.token = foreign[i];
    query.token_len = strlen(foreign[i]);
    check_open_fails(source, query,
                     "the source's open_cursor: the token is not one of an NDJSON folder");
  }
  query.token = "Patient.9.ndjson/3";
  query.token_len = strlen(query.token);
  check_open_fails(source, query,
                   "the source's open_cursor: the file of the token is no longer in the folder");
  query.token = "Patient.0.ndjson/25";
  query.token_len = strlen(query.token);
  check_open_fails(source, query,
                   "the source's open_cursor: Patient.0.ndjson is shorter than it was when it was "
                   "last read: files must not change");
  query.token = "Patient.1.ndjson.gz/25";
  query.token_len = strlen(query.token);
  check_open_fails(source, query,
                   "the source's open_cursor: Patient.1.ndjson.gz is shorter than it was when it "
                   "was last read: files must not change");
  fhx_source_free(source);
}

static void test_bad_shards(void **state) {
  (void)state;
  static const char *const shards[] = {
      "x",
      "/",
      "Patient.0.ndjson",
      "Patient.0.ndjson/",
      "Patient.0.ndjson/Patient.9.ndjson",
      "Patient.9.ndjson/Patient.0.ndjson",
      "Patient.2.ndjson/Patient.0.ndjson",
      "Patient.0.ndjson/Encounter.ndjson",
  };
  uint64_t count = 0, bytes = 0;
  write_seven_files();
  write_text("Encounter.ndjson", "{}");
  fhx_source *source = open_folder();
  fhx_query query = patients;
  for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) {
    query.shard = shards[i];
    query.shard_len = strlen(shards[i]);
    check_open_fails(source, query,
                     "the source's open_cursor: a file of the shard is no longer in the folder");
    assert_int_equal(fhx__source_estimate(source, &query, &count, &bytes, NULL), FHX_ERR_SOURCE);
  }
  /* A token of a file outside the shard. */
  query.shard = "Patient.0.ndjson/Patient.2.ndjson";
  query.shard_len = strlen(query.shard);
  query.token = "Patient.4.ndjson/8";
  query.token_len = strlen(query.token);
  check_open_fails(source, query,
                   "the source's open_cursor: the file of the token is no longer in the folder");
  fhx_source_free(source);
}

/* --- the rest --- */

static void test_file_goes_away(void **state) {
  (void)state;
  static walk seen;
  char path[TEST_PATH_MAX];
  fhx_error *error = NULL;
  write_text("Patient.ndjson", "{}\n");
  fhx_source *source = open_folder();
  test_path_join(path, folder, "Patient.ndjson");
  assert_int_equal(unlink(path), 0);
  assert_int_equal(walk_run(&seen, source, &patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(
      error, FHX_ERR_SOURCE, 0,
      "the source's next_rows: Patient.ndjson cannot be read: No such file or directory");
  fhx_source_free(source);
}

/* A read that fails may succeed at the next attempt. */
static void test_read_error(void **state) {
  (void)state;
  static walk seen;
  char path[TEST_PATH_MAX];
  fhx_error *error = NULL;
  write_text("Patient.ndjson", "{}\n");
  fhx_source *source = open_folder();
  test_path_join(path, folder, "Patient.ndjson");
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(walk_run(&seen, source, &patients, 1, &error), FHX_ERR_SOURCE);
  walk_check_error(error, FHX_ERR_SOURCE, 1,
                   "the source's next_rows: Patient.ndjson cannot be read: Is a directory");
  fhx_source_free(source);
}

static void test_estimate(void **state) {
  (void)state;
  struct stat facts;
  char path[TEST_PATH_MAX];
  uint64_t count = 1, bytes = 0;
  fhx_query query = patients;
  write_text("Patient.1.ndjson", "0123456789");
  append_gzip("Patient.2.ndjson.gz", "{}");
  test_path_join(path, folder, "Patient.2.ndjson.gz");
  assert_int_equal(stat(path, &facts), 0);
  fhx_source *source = open_folder();
  assert_int_equal(fhx__source_estimate(source, &query, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(count, 0);
  assert_int_equal(bytes, 10 + 8 * (uint64_t)facts.st_size);
  query.shard = "Patient.1.ndjson/Patient.1.ndjson";
  query.shard_len = strlen(query.shard);
  assert_int_equal(fhx__source_estimate(source, &query, &count, &bytes, NULL), FHX_OK);
  assert_int_equal(bytes, 10);
  fhx_source_free(source);
}

static void test_clock(void **state) {
  (void)state;
  int64_t now_us = 0, resolution_us = 0, wait_us = 0;
  fhx_source *source = open_folder();
  assert_int_equal(fhx__source_clock(source, &(fhx_clock){0}, &now_us, &resolution_us, NULL),
                   FHX_OK);
  assert_true(now_us > INT64_C(1700000000000000));
  assert_int_equal(resolution_us, 1000);
  assert_int_equal(fhx__source_snapshot_ready(source, now_us, &wait_us, NULL), FHX_OK);
  fhx_source_free(source);
}

/* The folder is the one that was opened, wherever the process goes. */
static void test_relative_path(void **state) {
  (void)state;
  static walk seen;
  char before[TEST_PATH_MAX];
  fhx_source *source = NULL;
  assert_non_null(getcwd(before, sizeof before));
  write_text("Patient.ndjson", "{}\n");
  assert_int_equal(chdir(folder), 0);
  assert_int_equal(try_folder(".", &source, NULL), FHX_OK);
  assert_int_equal(chdir(before), 0);
  assert_int_equal(walk_run(&seen, source, &patients, 1, NULL), FHX_OK);
  assert_int_equal(seen.row_count, 1);
  walk_clear(&seen);
  fhx_source_free(source);
}

/* A source used in every way, for running out of memory at each step. */
static int32_t use_source(void) {
  static walk seen;
  fhx_reply reply;
  fhx_source *source = NULL;
  fhx_query query = patients;
  int32_t status = try_folder(folder, &source, NULL);
  if (status != FHX_OK) return status;
  status = walk_run(&seen, source, &query, 1, NULL);
  assert_true(status != FHX_OK || seen.row_count == 24);
  walk_clear(&seen);
  query.token = "Patient.1.ndjson.gz/8";
  query.token_len = strlen(query.token);
  if (status == FHX_OK) status = walk_run(&seen, source, &query, 100000, NULL);
  walk_clear(&seen);
  if (status == FHX_OK) {
    status = fhx__source_list_shards(source, &patients, 3, &reply, NULL);
    fhx__reply_end(&reply);
  }
  if (status == FHX_OK) {
    status = fhx__source_list_types(source, &reply, NULL);
    fhx__reply_end(&reply);
  }
  if (status == FHX_OK) {
    status = fhx__source_read_resource(source, &patients, "Patient/absent", &reply, NULL);
    if (status == FHX_ERR_NOT_FOUND) status = FHX_OK;
    fhx__reply_end(&reply);
  }
  fhx_source_free(source);
  return status;
}

static void test_out_of_memory(void **state) {
  (void)state;
  char line[150001];
  memset(line, 'x', sizeof line);
  write_seven_files();
  write_bytes("Patient.long.ndjson", line, sizeof line);
  write_text("Patient.short.ndjson", "{}\n{}\n");
  for (uint64_t fail_at = 1;; fail_at++) {
    test_memory_begin(fail_at);
    int32_t status = use_source();
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      assert_true(fail_at > 30);
      break;
    }
    /* Only giving memory back may fail unnoticed. */
    assert_true(status == FHX_ERR_NO_MEMORY || status == FHX_OK);
  }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_names),           TEST(test_links),
      TEST(test_no_such_folder),  TEST(test_empty_folder),
      TEST(test_lines),           TEST(test_lines_of_several_files),
      TEST(test_many_lines),      TEST(test_huge_line),
      TEST(test_steady_memory),   TEST(test_only_blank_lines),
      TEST(test_line_limit),      TEST(test_gzip_members),
      TEST(test_gzip_truncated),  TEST(test_gzip_damaged),
      TEST(test_gzip_every_byte), TEST(test_shards),
      TEST(test_bad_tokens),      TEST(test_bad_shards),
      TEST(test_file_goes_away),  TEST(test_read_error),
      TEST(test_estimate),        TEST(test_clock),
      TEST(test_relative_path),   TEST(test_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
