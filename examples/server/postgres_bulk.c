/* New resources, written by COPY. */
#include "postgres_bulk.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BULK_BYTES (512u * 1024)
#define FOREVER "9223372036854775807"

/* A value of COPY's text: what would end it is escaped. */
static void add_escaped(struct text *text, const char *value, size_t len) {
  size_t begin = 0;
  for (size_t i = 0; i < len; i++) {
    const char *escaped = NULL;
    if (value[i] == '\\') escaped = "\\\\";
    if (value[i] == '\n') escaped = "\\n";
    if (value[i] == '\r') escaped = "\\r";
    if (value[i] == '\t') escaped = "\\t";
    if (escaped == NULL) continue;
    text_add(text, value + begin, i - begin);
    text_add(text, escaped, 2);
    begin = i + 1;
  }
  text_add(text, value + begin, len - begin);
}

/* "\nType/id\n", by which a key is found. */
static void write_key(char *key, size_t size, const char *type, const char *id) {
  snprintf(key, size, "\n%s/%s\n", type, id);
}

bool pg_bulk_add(struct pg_bulk *bulk, PGconn *connection, const char *type, const char *id,
                 int64_t updated_us, int64_t stamp_us, const char *json, size_t len,
                 const struct patients *patients) {
  text_add_format(&bulk->versions, "%s\t%s\t1\t%" PRId64 "\t%" PRId64 "\t" FOREVER "\tf\t", type,
                  id, updated_us, stamp_us);
  add_escaped(&bulk->versions, json, len);
  text_add_string(&bulk->versions, "\n");
  for (size_t i = 0; i < patients->count; i++) {
    text_add_format(&bulk->patients, "%s\t%s\t%s\n", type, id, patients->ids[i]);
  }
  text_add_format(&bulk->keys, "%s%s/%s\n", bulk->keys.len == 0 ? "\n" : "", type, id);
  if (bulk->versions.failed || bulk->patients.failed || bulk->keys.failed) return false;
  return bulk->versions.len < BULK_BYTES || pg_bulk_flush(bulk, connection);
}

bool pg_bulk_has(const struct pg_bulk *bulk, const char *type, const char *id) {
  char key[2 * 64 + 8];
  write_key(key, sizeof key, type, id);
  return bulk->keys.len != 0 && strstr(bulk->keys.data, key) != NULL;
}

/* One COPY of rows; true for none. */
static bool copy(PGconn *connection, const char *sql, const struct text *rows) {
  if (rows->len == 0) return true;
  if (rows->len > INT_MAX) return false;
  PGresult *result = PQexec(connection, sql);
  bool done = PQresultStatus(result) == PGRES_COPY_IN;
  PQclear(result);
  if (!done) return false;
  done = PQputCopyData(connection, rows->data, (int)rows->len) == 1 &&
         PQputCopyEnd(connection, NULL) == 1;
  while ((result = PQgetResult(connection)) != NULL) {
    done = done && PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    if (PQstatus(connection) != CONNECTION_OK) break;
  }
  return done;
}

bool pg_bulk_flush(struct pg_bulk *bulk, PGconn *connection) {
  const bool done = copy(connection, "COPY fhir.resource_version FROM STDIN", &bulk->versions) &&
                    copy(connection, "COPY fhir.patient_resource FROM STDIN", &bulk->patients);
  pg_bulk_clear(bulk);
  return done;
}

void pg_bulk_clear(struct pg_bulk *bulk) {
  struct text *const texts[] = {&bulk->versions, &bulk->patients, &bulk->keys};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (texts[i]->failed || texts[i]->capacity > 4 * BULK_BYTES) text_free(texts[i]);
    texts[i]->len = 0;
    if (texts[i]->data != NULL) *texts[i]->data = '\0';
  }
}

void pg_bulk_free(struct pg_bulk *bulk) {
  text_free(&bulk->versions);
  text_free(&bulk->patients);
  text_free(&bulk->keys);
}
