/*
 * The token of a checkpoint, as a store gives it back: any bytes. The first byte says which source
 * gets it, with or without a shard, and how much is asked for at a time; the rest is the token. A
 * source refuses it, or gives exactly the rows of its shard behind the place that it names; and
 * every token that is given on the way leads to the rest.
 */
#include <fhirexport/source.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "source/source.h"

#define PATH_CAPACITY 512
#define TEXT_CAPACITY 4096
#define TOKENS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* --- what the sources are made of --- */

/* In the order of a cursor. No line has white space inside, so that rows can be compared as one
   text; the last one of the second file has no line feed. */
static const struct {
  const char *name;
  const char *text;
  bool is_gzip;
} files[] = {
    {"Patient-1.ndjson", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n\n{\"id\":\"c\"}\n", false},
    {"Patient-2.ndjson", "{\"id\":\"d\"}\r\n{\"id\":\"e\"}", false},
    {"Patient-3.ndjson.gz", "{\"id\":\"f\"}\n{\"id\":\"g\"}\n", true},
};
#define FILE_COUNT (sizeof files / sizeof *files)

static const char *const ids[] = {"-", "0", "A", "Z", "a", "a.b", "aa", "b"};
#define ID_COUNT (sizeof ids / sizeof *ids)

static char folder[PATH_CAPACITY];
static fhx_source *sources[2];

static void path_of(char path[PATH_CAPACITY], const char *name) {
  must(snprintf(path, PATH_CAPACITY, "%s/%s", folder, name) < PATH_CAPACITY, "paths are short");
}

static void remove_folder(void) {
  char path[PATH_CAPACITY];
  fhx_source_free(sources[0]);
  fhx_source_free(sources[1]);
  for (size_t i = 0; i < FILE_COUNT; i++) {
    path_of(path, files[i].name);
    unlink(path);
  }
  path_of(path, "table.db");
  unlink(path);
  rmdir(folder);
}

static void write_file(const char *name, const char *text, bool is_gzip) {
  char path[PATH_CAPACITY];
  path_of(path, name);
  /* "T": as it is. */
  gzFile file = gzopen(path, is_gzip ? "wb" : "wbT");
  must(file != NULL && gzputs(file, text) == (int)strlen(text), "the file is written");
  must(gzclose(file) == Z_OK, "and closed");
}

static void make_table(const char *path) {
  sqlite3 *made = NULL;
  must(sqlite3_open(path, &made) == SQLITE_OK, "there is a database");
  must(sqlite3_exec(made,
                    "CREATE TABLE resource(type TEXT, id TEXT, last_updated, json TEXT,"
                    " PRIMARY KEY(type, id))",
                    NULL, NULL, NULL) == SQLITE_OK,
       "with a table");
  for (size_t i = 0; i < ID_COUNT; i++) {
    char *sql = sqlite3_mprintf(
        "INSERT INTO resource VALUES('Patient', %Q, 1, '{\"id\":\"%s\"}'), "
        "('Encounter', 'x%s', 1, '{}')",
        ids[i], ids[i], ids[i]);
    must(sqlite3_exec(made, sql, NULL, NULL, NULL) == SQLITE_OK, "and rows");
    sqlite3_free(sql);
  }
  must(sqlite3_close(made) == SQLITE_OK, "it is closed");
}

static void prepare(void) {
  const char *under = getenv("TMPDIR");
  char path[PATH_CAPACITY];
  snprintf(folder, sizeof folder, "%s/fuzz_resume_XXXXXX", under == NULL ? "/tmp" : under);
  must(mkdtemp(folder) != NULL, "there is a folder");
  for (size_t i = 0; i < FILE_COUNT; i++) {
    write_file(files[i].name, files[i].text, files[i].is_gzip);
  }
  path_of(path, "table.db");
  make_table(path);
  fhx_folder_options folder_options;
  FHX_INIT(&folder_options);
  folder_options.path = folder;
  fhx_sqlite_source_options table_options;
  FHX_INIT(&table_options);
  table_options.path = path;
  must(fhx_folder_source_new(&folder_options, &sources[0], NULL) == FHX_OK, "the folder is read");
  must(fhx_sqlite_source_new(&table_options, &sources[1], NULL) == FHX_OK, "the table is read");
  atexit(remove_folder);
}

/* --- what a token stands for --- */

typedef struct text {
  char data[TEXT_CAPACITY];
  size_t len;
} text;

/* Without the white space around rows. */
static void add_text(text *to, const char *data, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (strchr(" \t\r\n", data[i]) != NULL && data[i] != '\0') continue;
    must(to->len < sizeof to->data, "the rows are few");
    to->data[to->len++] = data[i];
  }
}

/* False: it is none of the folder's. The files `first` to `last` are the shard's. */
static bool expect_files(const char *token, size_t len, size_t first, size_t last, text *rows) {
  const char *slash = token == NULL ? NULL : memchr(token, '/', len);
  size_t begin = first, offset = 0;
  if (token != NULL) {
    if (slash == NULL) return false;
    for (; begin <= last; begin++) {
      size_t name_len = strlen(files[begin].name);
      if (name_len == (size_t)(slash - token) && memcmp(files[begin].name, token, name_len) == 0) {
        break;
      }
    }
    const char *at = slash + 1, *end = token + len;
    if (begin > last || at == end || end - at > 18) return false;
    for (; at < end; at++) {
      if (strchr("0123456789", *at) == NULL || *at == '\0') return false;
      offset = offset * 10 + (size_t)(*at - '0');
    }
    if (offset > strlen(files[begin].text)) return false;
  }
  for (size_t i = begin; i <= last; i++, offset = 0) {
    add_text(rows, files[i].text + offset, strlen(files[i].text) - offset);
  }
  return true;
}

/* Below 0, 0, above 0: byte by byte, the shorter one first. */
static int order_of(const char *a, size_t a_len, const char *b, size_t b_len) {
  int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
  return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static bool expect_table(const char *token, size_t len, const char *from, const char *to,
                         text *rows) {
  if (token != NULL && len == 0) return false;
  if (token != NULL && order_of(token, len, from, strlen(from)) < 0) return false;
  if (token != NULL && *to != '\0' && order_of(token, len, to, strlen(to)) >= 0) return false;
  for (size_t i = 0; i < ID_COUNT; i++) {
    char row[64];
    if (token == NULL && strcmp(ids[i], from) < 0) continue;
    if (*to != '\0' && strcmp(ids[i], to) >= 0) continue;
    if (token != NULL && order_of(ids[i], strlen(ids[i]), token, len) <= 0) continue;
    int row_len = snprintf(row, sizeof row, "{\"id\":\"%s\"}", ids[i]);
    add_text(rows, row, (size_t)row_len);
  }
  return true;
}

typedef struct question {
  bool is_table;
  bool has_shard;
  uint64_t want;
} question;

static bool expect(const question *asked, const char *token, size_t len, text *rows) {
  rows->len = 0;
  if (asked->is_table) {
    return expect_table(token, len, asked->has_shard ? "A" : "", asked->has_shard ? "aa" : "",
                        rows);
  }
  return expect_files(token, len, asked->has_shard ? 1 : 0, FILE_COUNT - 1, rows);
}

/* --- both --- */

typedef struct given_token {
  char data[256];
  size_t len;
  /* Of the rows' text when it was given. */
  size_t place;
} given_token;

typedef struct walk {
  text rows;
  given_token tokens[TOKENS_MAX];
  size_t token_count;
} walk;

static void keep_batch(walk *seen, const fhx__rows *rows) {
  const size_t len = rows->row_count == 0 ? 0 : rows->row_ends[rows->row_count - 1];
  add_text(&seen->rows, (const char *)rows->data, len);
  must(rows->token != NULL && seen->token_count < TOKENS_MAX, "every batch has a token");
  given_token *token = &seen->tokens[seen->token_count++];
  must(rows->token_len <= sizeof token->data, "that is short");
  memcpy(token->data, rows->token, rows->token_len);
  token->len = rows->token_len;
  token->place = seen->rows.len;
}

static int32_t run(const question *asked, const char *token, size_t len, walk *seen) {
  static const fhx_filter everything = {.sealed = true};
  const fhx_query query = {.resource_type = "Patient",
                           .selection = {.filter = &everything},
                           .shard = !asked->has_shard ? NULL
                                    : asked->is_table ? "A/aa"
                                                      : "Patient-2.ndjson/Patient-3.ndjson.gz",
                           .shard_len = !asked->has_shard ? 0
                                        : asked->is_table ? 4
                                                          : 36,
                           .token = token,
                           .token_len = len};
  fhx__cursor cursor = {NULL, NULL, 0};
  fhx_error *error = NULL;
  seen->rows.len = seen->token_count = 0;
  int32_t status = fhx__source_open(sources[asked->is_table], &query, &cursor, &error);
  while (status == FHX_OK) {
    fhx__rows rows;
    int64_t wait_us = 0;
    status = fhx__source_next(&cursor, asked->want, &rows, &wait_us, &error);
    if (status == FHX_OK) keep_batch(seen, &rows);
  }
  fhx__source_close(&cursor);
  must((status == FHX_END) == (error == NULL), "an end has no error");
  fhx_error_free(error);
  return status;
}

static bool is_same(const text *rows, const char *data, size_t len) {
  return rows->len == len && (len == 0 || memcmp(rows->data, data, len) == 0);
}

static void check(const question *asked, const char *token, size_t len) {
  static walk seen, rest;
  static text expected;
  bool is_taken = expect(asked, token, len, &expected);
  int32_t status = run(asked, token, len, &seen);
  if (!is_taken) {
    must(status == FHX_ERR_SOURCE && seen.rows.len == 0, "what is no token is refused");
    return;
  }
  must(status == FHX_END && is_same(&seen.rows, expected.data, expected.len),
       "the rows behind the token come, and no others");
  for (size_t i = 0; i < seen.token_count; i++) {
    const given_token *next = &seen.tokens[i];
    must(run(asked, next->data, next->len, &rest) == FHX_END, "a token that was given is taken");
    must(is_same(&rest.rows, seen.rows.data + next->place, seen.rows.len - next->place),
         "and leads to the rest");
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool is_ready;
  if (!is_ready) prepare();
  is_ready = true;
  if (size == 0) return 0;
  const question asked = {(data[0] & 1) != 0, (data[0] & 2) != 0, (data[0] & 4) != 0 ? 1 : 1 << 20};
  /* Of exactly this size. */
  char *token = malloc(size == 1 ? 1 : size - 1);
  must(token != NULL, "there is memory");
  memcpy(token, data + 1, size - 1);
  check(&asked, (data[0] & 8) != 0 ? NULL : token, (data[0] & 8) != 0 ? 0 : size - 1);
  free(token);
  return 0;
}
