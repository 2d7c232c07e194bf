/*
 * The resources of one type in the compartments of a patient set: patient after patient, each by
 * the index `patient_version`, so that what an export costs follows its members and not the
 * database.
 *
 * A resource that belongs to several patients of the set comes with the first of them alone. A
 * token is `m<place of the patient>/<last id>`.
 */
#include "member_cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 256
#define WANT_MAX (UINT64_C(64) * 1024 * 1024)
#define BATCH_ROWS_MAX 16384
#define TOKEN_MAX (ID_MAX + 24)
#define SAMPLE_MAX 64

/* The text of a resource that may come with an earlier patient is read only when it does not: it
   may be a Group of all the members. */
static const char by_patient[] =
    "SELECT v.id, CASE p.place WHEN 2 THEN NULL ELSE v.json END, p.version_row FROM "
    "patient_version p CROSS JOIN resource_version v"
    " ON v.rowid = p.version_row WHERE p.type = ?1 AND p.patient = ?2 AND p.id > ?3"
    " AND v.valid_from <= ?4 AND v.valid_to > ?4 AND v.updated_us >= ?5 AND v.updated_us < ?6"
    " ORDER BY p.id";

static const char earlier_patients[] =
    "SELECT patient FROM patient_version INDEXED BY patient_of_version"
    " WHERE version_row = ?1 AND patient < ?2 AND place > 0 ORDER BY patient";

static const char text_of_row[] = "SELECT json FROM resource_version WHERE rowid = ?1";

struct member_cursor {
  struct database *database;
  const fhx_query *query;
  sqlite3 *connection;
  sqlite3_stmt *statement;
  sqlite3_stmt *earlier;
  sqlite3_stmt *text;
  char type[TYPE_MAX + 1];
  uint64_t rows_max;
  /* The patient being read, the end, and a page of ids from `page_first` on. */
  uint64_t place;
  uint64_t last;
  uint64_t page_first;
  uint64_t page_count;
  char page[PAGE][ID_MAX + 1];
  /* The resource of this patient that was read last; "" for none. */
  char last_id[ID_MAX + 1];
  struct text data;
  uint64_t ends[BATCH_ROWS_MAX];
  uint64_t count;
  char token[TOKEN_MAX];
};

static bool prepare(const struct member_cursor *cursor, const char *query,
                    sqlite3_stmt **statement) {
  return sqlite3_prepare_v2(cursor->connection, query, -1, statement, NULL) == SQLITE_OK;
}

struct member_cursor *member_cursor_open(struct database *database, const fhx_query *query,
                                         uint64_t first, uint64_t last, uint64_t rows_max) {
  struct member_cursor *cursor = calloc(1, sizeof *cursor);
  if (cursor == NULL) return NULL;
  cursor->database = database;
  cursor->query = query;
  cursor->place = first;
  cursor->last = last;
  cursor->rows_max = rows_max == 0 || rows_max > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : rows_max;
  snprintf(cursor->type, sizeof cursor->type, "%s", fhx_query_resource_type(query));
  cursor->connection = database_borrow(database);
  if (cursor->connection != NULL && prepare(cursor, by_patient, &cursor->statement) &&
      prepare(cursor, earlier_patients, &cursor->earlier) &&
      prepare(cursor, text_of_row, &cursor->text)) {
    return cursor;
  }
  member_cursor_close(cursor);
  return NULL;
}

void member_cursor_close(struct member_cursor *cursor) {
  if (cursor == NULL) return;
  sqlite3_finalize(cursor->statement);
  sqlite3_finalize(cursor->earlier);
  sqlite3_finalize(cursor->text);
  database_give_back(cursor->database, cursor->connection);
  text_free(&cursor->data);
  free(cursor);
}

bool member_cursor_go_on(struct member_cursor *cursor, const void *token, size_t len) {
  char copy[TOKEN_MAX];
  char *behind = NULL;
  if (len < 2 || len >= sizeof copy) return false;
  memcpy(copy, token, len);
  copy[len] = '\0';
  if (copy[0] != 'm') return false;
  unsigned long long place = strtoull(copy + 1, &behind, 10);
  if (*behind != '/' || (behind[1] != '\0' && !is_id(behind + 1))) return false;
  cursor->place = place;
  snprintf(cursor->last_id, sizeof cursor->last_id, "%s", behind + 1);
  return true;
}

/* The id of the patient at `place`; NULL with NONE behind the last. */
static enum result find_patient(struct member_cursor *cursor, const char **patient) {
  const char *ids[PAGE];
  uint64_t at = cursor->place - cursor->page_first;
  *patient = NULL;
  if (cursor->place >= cursor->last) return NONE;
  if (cursor->place < cursor->page_first || at >= cursor->page_count) {
    uint64_t count = 0;
    if (fhx_query_patients(cursor->query, cursor->place, PAGE, ids, &count, NULL) != FHX_OK) {
      return FAILED;
    }
    for (uint64_t i = 0; i < count; i++) {
      snprintf(cursor->page[i], sizeof cursor->page[i], "%s", ids[i]);
    }
    cursor->page_first = cursor->place;
    cursor->page_count = count;
    at = 0;
  }
  if (at >= cursor->page_count) return NONE;
  *patient = cursor->page[at];
  return DONE;
}

/* Whether an earlier patient of the same version is in the set too. */
static enum result comes_earlier(struct member_cursor *cursor, int64_t row, const char *patient) {
  sqlite3_stmt *statement = cursor->earlier;
  enum result result = NONE;
  int code = SQLITE_OK;
  sqlite3_bind_int64(statement, 1, row);
  sqlite3_bind_text(statement, 2, patient, -1, SQLITE_STATIC);
  while (result == NONE && (code = sqlite3_step(statement)) == SQLITE_ROW) {
    const char *id = (const char *)sqlite3_column_text(statement, 0);
    uint32_t is_patient = 0;
    if (id == NULL || fhx_query_is_patient(cursor->query, id, &is_patient, NULL) != FHX_OK) {
      result = FAILED;
    } else if (is_patient != 0) {
      result = DONE;
    }
  }
  if (result == NONE && code != SQLITE_DONE) result = FAILED;
  sqlite3_reset(statement);
  return result;
}

static bool add_text(struct member_cursor *cursor, sqlite3_stmt *statement, int column) {
  const void *json = sqlite3_column_text(statement, column);
  if (json == NULL) return false;
  text_add(&cursor->data, json, (size_t)sqlite3_column_bytes(statement, column));
  cursor->ends[cursor->count++] = cursor->data.len;
  return !cursor->data.failed;
}

/* Adds a resource of several patients, unless it comes with an earlier one. */
static bool add_shared(struct member_cursor *cursor, int64_t row, const char *patient) {
  enum result earlier = comes_earlier(cursor, row, patient);
  if (earlier != NONE) return earlier == DONE;
  sqlite3_bind_int64(cursor->text, 1, row);
  bool done = sqlite3_step(cursor->text) == SQLITE_ROW && add_text(cursor, cursor->text, 0);
  sqlite3_reset(cursor->text);
  return done;
}

/* Adds the row that the statement stands on. */
static bool add_row(struct member_cursor *cursor, const char *patient) {
  sqlite3_stmt *statement = cursor->statement;
  const char *id = (const char *)sqlite3_column_text(statement, 0);
  if (id == NULL) return false;
  snprintf(cursor->last_id, sizeof cursor->last_id, "%s", id);
  if (sqlite3_column_type(statement, 1) != SQLITE_NULL) return add_text(cursor, statement, 1);
  return add_shared(cursor, sqlite3_column_int64(statement, 2), patient);
}

static bool bind(const struct member_cursor *cursor, const char *patient) {
  sqlite3_stmt *statement = cursor->statement;
  int64_t until_us = fhx_query_until_us(cursor->query);
  return sqlite3_bind_text(statement, 1, cursor->type, -1, SQLITE_STATIC) == SQLITE_OK &&
         sqlite3_bind_text(statement, 2, patient, -1, SQLITE_STATIC) == SQLITE_OK &&
         sqlite3_bind_text(statement, 3, cursor->last_id, -1, SQLITE_TRANSIENT) == SQLITE_OK &&
         sqlite3_bind_int64(statement, 4, fhx_query_as_of_us(cursor->query)) == SQLITE_OK &&
         /* No bound is the smallest number there is. */
         sqlite3_bind_int64(statement, 5, fhx_query_since_us(cursor->query)) == SQLITE_OK &&
         sqlite3_bind_int64(statement, 6, until_us == FHX_TIME_NONE ? INT64_MAX : until_us) ==
             SQLITE_OK;
}

static bool is_full(const struct member_cursor *cursor, uint64_t want) {
  return cursor->count == cursor->rows_max || (cursor->count != 0 && cursor->data.len >= want);
}

/* The rest of one patient, as far as there is room. DONE: there may be more of this patient. */
static enum result gather_patient(struct member_cursor *cursor, const char *patient,
                                  uint64_t want) {
  enum result result = DONE;
  if (!bind(cursor, patient)) return FAILED;
  while (result == DONE && !is_full(cursor, want)) {
    int code = sqlite3_step(cursor->statement);
    if (code == SQLITE_DONE) {
      result = NONE;
    } else if (code != SQLITE_ROW || !add_row(cursor, patient)) {
      result = FAILED;
    }
  }
  sqlite3_reset(cursor->statement);
  return result;
}

static enum result gather(struct member_cursor *cursor, uint64_t want) {
  while (!is_full(cursor, want)) {
    const char *patient = NULL;
    enum result result = find_patient(cursor, &patient);
    if (result == NONE) break;
    if (result == DONE) result = gather_patient(cursor, patient, want);
    if (result == FAILED) return FAILED;
    if (result == DONE) break;
    cursor->place++;
    cursor->last_id[0] = '\0';
  }
  return cursor->count == 0 ? NONE : DONE;
}

enum result member_cursor_next(struct member_cursor *cursor, uint64_t want,
                               struct cursor_rows *rows) {
  if (cursor->data.capacity > 2 * WANT_MAX) text_free(&cursor->data);
  cursor->data.len = 0;
  cursor->count = 0;
  enum result result = gather(cursor, want < WANT_MAX ? want : WANT_MAX);
  if (result != DONE) return result;
  int len = snprintf(cursor->token, sizeof cursor->token, "m%llu/%s",
                     (unsigned long long)cursor->place, cursor->last_id);
  *rows = (struct cursor_rows){.data = cursor->data.data,
                               .len = cursor->data.len,
                               .count = cursor->count,
                               .ends = cursor->ends,
                               .token = cursor->token,
                               .token_len = (size_t)len};
  return DONE;
}

/* The resources of the patient at `place`, counted. */
static enum result count_of(struct member_cursor *cursor, uint64_t place, uint64_t *count) {
  struct cursor_rows rows;
  enum result result = DONE;
  cursor->place = place;
  cursor->last = place + 1;
  cursor->last_id[0] = '\0';
  while ((result = member_cursor_next(cursor, WANT_MAX, &rows)) == DONE) *count += rows.count;
  return result;
}

enum result members_count(struct database *database, const fhx_query *query, uint64_t *count) {
  uint64_t members = fhx_query_patient_count(query);
  uint64_t step = members / SAMPLE_MAX + 1, sampled = 0, found = 0;
  enum result result = NONE;
  struct member_cursor *cursor = member_cursor_open(database, query, 0, 0, 0);
  if (cursor == NULL) return FAILED;
  for (uint64_t place = 0; result == NONE && place < members; place += step, sampled++) {
    result = count_of(cursor, place, &found);
  }
  member_cursor_close(cursor);
  if (result == FAILED) return FAILED;
  *count = sampled == 0 ? 0 : found * members / sampled;
  return DONE;
}
