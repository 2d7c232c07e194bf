/* A plain host's source: batches of rows by id, each with a token. */
#include "plain_source.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ROWS 40
#define ID_MAX 64
#define TYPE_MAX 64

typedef struct cursor {
  sqlite3 *database;
  sqlite3_stmt *rows;
  char type[TYPE_MAX + 1];
  char last_id[ID_MAX + 1];
  char *data;
  size_t len;
  uint64_t ends[BATCH_ROWS];
} cursor;

static void fail(fhx_reply *reply) {
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the table cannot be read");
}

/* NULL when it cannot be had. */
static sqlite3_stmt *prepare(const char *path, const char *sql, sqlite3 **database) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_open_v2(path, database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) return NULL;
  sqlite3_prepare_v2(*database, sql, -1, &statement, NULL);
  return statement;
}

static void close_cursor(void *user_data, void *handle) {
  cursor *at = handle;
  (void)user_data;
  sqlite3_finalize(at->rows);
  sqlite3_close(at->database);
  free(at->data);
  free(at);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  size_t len = 0;
  const void *token = fhx_query_token(query, &len);
  cursor *at = calloc(1, sizeof *at);
  if (at == NULL) abort();
  snprintf(at->type, sizeof at->type, "%s", fhx_query_resource_type(query));
  if (len > ID_MAX) abort();
  if (len != 0) memcpy(at->last_id, token, len);
  at->rows = prepare(user_data,
                     "SELECT id, json FROM resource WHERE type = ?1 AND id > ?2"
                     " ORDER BY id LIMIT ?3",
                     &at->database);
  if (at->rows == NULL) {
    close_cursor(user_data, at);
    fail(reply);
  } else if (fhx_reply_handle(reply, at, FHX_APPLIED_TYPE) != FHX_OK) {
    close_cursor(user_data, at);
  }
}

static void take_row(cursor *at) {
  size_t len = (size_t)sqlite3_column_bytes(at->rows, 1);
  char *grown = realloc(at->data, at->len + len + 1);
  if (grown == NULL) abort();
  at->data = grown;
  memcpy(at->data + at->len, sqlite3_column_text(at->rows, 1), len);
  at->len += len;
  snprintf(at->last_id, sizeof at->last_id, "%s", (const char *)sqlite3_column_text(at->rows, 0));
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  cursor *at = handle;
  uint64_t count = 0;
  int code = SQLITE_OK;
  (void)user_data;
  (void)want_bytes;
  at->len = 0;
  sqlite3_bind_text(at->rows, 1, at->type, -1, SQLITE_TRANSIENT);
  sqlite3_bind_text(at->rows, 2, at->last_id, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int(at->rows, 3, BATCH_ROWS);
  while ((code = sqlite3_step(at->rows)) == SQLITE_ROW) {
    take_row(at);
    at->ends[count++] = at->len;
  }
  sqlite3_reset(at->rows);
  if (code != SQLITE_DONE) {
    fail(reply);
  } else if (count == 0) {
    fhx_reply_end(reply);
  } else {
    fhx_reply_rows(reply, at->data, at->len, count, at->ends, NULL, at->last_id,
                   strlen(at->last_id));
  }
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  sqlite3 *database = NULL;
  const char *slash = strchr(reference, '/');
  sqlite3_stmt *row =
      prepare(user_data, "SELECT json FROM resource WHERE type = ?1 AND id = ?2", &database);
  (void)query;
  if (slash == NULL) abort();
  sqlite3_bind_text(row, 1, reference, (int)(slash - reference), SQLITE_TRANSIENT);
  sqlite3_bind_text(row, 2, slash + 1, -1, SQLITE_TRANSIENT);
  int code = row == NULL ? SQLITE_ERROR : sqlite3_step(row);
  if (code == SQLITE_ROW) {
    fhx_reply_item(reply, sqlite3_column_text(row, 0), (size_t)sqlite3_column_bytes(row, 0));
    fhx_reply_done(reply);
  } else if (code == SQLITE_DONE) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "the table has no such resource");
  } else {
    fail(reply);
  }
  sqlite3_finalize(row);
  sqlite3_close(database);
}

int32_t plain_source_new(const char *path, bool reads, fhx_source **source, fhx_error **error) {
  fhx_source_callbacks callbacks;
  size_t size = strlen(path) + 1;
  char *copy = malloc(size);
  if (copy == NULL) abort();
  memcpy(copy, path, size);
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  if (reads) callbacks.read_resource = read_resource;
  callbacks.destroy = free;
  return fhx_source_new(&callbacks, copy, source, error);
}
