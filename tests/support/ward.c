/* Patients and what is theirs, as a host's source and as an SQLite table. */
#include "support/ward.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/dataset.h"
#include "support/require.h"

/* --- the data --- */

static test_ward_row *add_row(test_ward *ward, const char *type, const char *id) {
  ward->rows = realloc(ward->rows, (ward->count + 1) * sizeof *ward->rows);
  assert_non_null(ward->rows);
  test_ward_row *row = &ward->rows[ward->count++];
  memset(row, 0, sizeof *row);
  snprintf(row->type, sizeof row->type, "%s", type);
  snprintf(row->id, sizeof row->id, "%s", id);
  return row;
}

static int compare_rows(const void *left, const void *right) {
  const test_ward_row *a = left, *b = right;
  int order = strcmp(a->type, b->type);
  return order != 0 ? order : strcmp(a->id, b->id);
}

/* `elements` is what the resource has besides its id and meta. */
static void write_json(test_ward_row *row, const char *elements) {
  const char *updated =
      row->updated_us == TEST_WARD_US ? TEST_WARD_INSTANT : "2024-05-06T10:00:01Z";
  size_t size = strlen(elements) + 200;
  row->json = malloc(size);
  assert_non_null(row->json);
  snprintf(row->json, size,
           "{\"resourceType\":\"%s\",\"id\":\"%s\",\"meta\":{\"lastUpdated\":\"%s\"}%s}", row->type,
           row->id, updated, elements);
}

/* One row of a patient's; every fourth is another patient's as well. */
static void add_of_patient(test_ward *ward, test_random *random, uint32_t patient,
                           uint32_t number) {
  static const char *const types[] = {"Condition", "Encounter", "Observation"};
  static const char *const others[] = {"asserter", "", "performer"};
  char id[24], elements[1200], text[801];
  size_t kind = (size_t)test_random_below(random, 3), len = (size_t)test_random_below(random, 800);
  snprintf(id, sizeof id, "%04u-%u", patient, number);
  test_ward_row *row = add_row(ward, types[kind], id);
  snprintf(row->patients[0], sizeof row->patients[0], "p%04u", patient);
  row->updated_us = TEST_WARD_US + (test_random_below(random, 2) == 0 ? 0 : 1000000);
  memset(text, 'x', len);
  text[len] = '\0';
  int used = snprintf(elements, sizeof elements,
                      ",\"subject\":{\"reference\":\"Patient/%s\"},\"language\":\"%s\"",
                      row->patients[0], text);
  if (*others[kind] != '\0' && test_random_below(random, 4) == 0) {
    uint32_t other = (patient + 1) % ward->patient_count;
    bool is_list = kind == 2;
    if (other != patient) snprintf(row->patients[1], sizeof row->patients[1], "p%04u", other);
    snprintf(elements + used, sizeof elements - (size_t)used,
             ",\"%s\":%s{\"reference\":\"Patient/p%04u\"}%s", others[kind], is_list ? "[" : "",
             other, is_list ? "]" : "");
  }
  write_json(row, elements);
}

test_ward *test_ward_new(uint64_t seed, uint32_t patient_count, uint32_t rows_max) {
  test_ward *ward = calloc(1, sizeof *ward);
  test_random random = {seed};
  assert_non_null(ward);
  ward->patient_count = patient_count;
  for (uint32_t i = 0; i < patient_count; i++) {
    char id[24];
    snprintf(id, sizeof id, "p%04u", i);
    test_ward_row *row = add_row(ward, "Patient", id);
    snprintf(row->patients[0], sizeof row->patients[0], "%s", id);
    row->updated_us = TEST_WARD_US + (i % 3 == 0 ? 0 : 1000000);
    /* Who links to him is not his. */
    write_json(row, i % 5 == 0 ? ",\"link\":[{\"other\":{\"reference\":\"Patient/p0000\"}}]" : "");
    uint32_t count = (uint32_t)test_random_below(&random, rows_max + 1);
    if (i == patient_count / 2) count = rows_max * 10;
    for (uint32_t k = 0; k < count; k++) add_of_patient(ward, &random, i, k);
    snprintf(id, sizeof id, "g%04u", i);
    row = add_row(ward, "Organization", id);
    row->updated_us = TEST_WARD_US;
    write_json(row, "");
  }
  qsort(ward->rows, ward->count, sizeof *ward->rows, compare_rows);
  return ward;
}

void test_ward_add_bad(test_ward *ward, const char *type, const char *patient, const char *json) {
  char id[24];
  snprintf(id, sizeof id, "zz%zu", ward->count);
  test_ward_row *row = add_row(ward, type, id);
  snprintf(row->patients[0], sizeof row->patients[0], "%s", patient);
  row->json = calloc(1, strlen(json) + 1);
  assert_non_null(row->json);
  memcpy(row->json, json, strlen(json));
  row->updated_us = TEST_WARD_US + 1000000;
  row->bad = true;
  qsort(ward->rows, ward->count, sizeof *ward->rows, compare_rows);
}

void test_ward_add_group(test_ward *ward, const char *id, const char *const *patients,
                         const char *const *new_patients) {
  char elements[2000] =
      ",\"actual\":true,\"member\":[{\"entity\":{\"reference\":"
      "\"Organization/g0000\"}}";
  for (int is_new = 0; is_new < 2; is_new++) {
    for (const char *const *at = is_new == 0 ? patients : new_patients; *at != NULL; at++) {
      size_t len = strlen(elements);
      snprintf(elements + len, sizeof elements - len,
               ",{\"entity\":{\"reference\":\"Patient/%s\"},\"period\":{\"start\":\"%s\"}}", *at,
               is_new == 0 ? "2020" : "2024-05-06T10:30:00Z");
    }
  }
  size_t len = strlen(elements);
  snprintf(elements + len, sizeof elements - len, "]");
  test_ward_row *row = add_row(ward, "Group", id);
  row->updated_us = TEST_WARD_US;
  write_json(row, elements);
  qsort(ward->rows, ward->count, sizeof *ward->rows, compare_rows);
}

void test_ward_free(test_ward *ward) {
  if (ward == NULL) return;
  for (size_t i = 0; i < ward->count; i++) free(ward->rows[i].json);
  free(ward->rows);
  free(ward);
}

/* --- the host's source --- */

typedef struct cursor {
  test_ward *ward;
  const fhx_query *query;
  char type[65];
  /* Whose compartment; "": the rows of a type. */
  char patient[65];
  uint32_t applied;
  size_t position, end;
  /* The last reply's. */
  char *data;
  uint64_t *ends;
  int64_t *stamps;
  char token[32];
} cursor;

static bool is_hooked(test_ward *ward, bool opens, fhx_reply *reply) {
  uint64_t number = atomic_fetch_add(&ward->calls, 1) + 1;
  return ward->hook != NULL && ward->hook(ward->hook_context, opens, number, reply);
}

static void give_cursor(test_ward *ward, const fhx_query *query, const char *patient,
                        uint32_t applied, fhx_reply *reply) {
  cursor *at = calloc(1, sizeof *at);
  size_t len = 0, token_len = 0;
  if (at == NULL) abort();
  at->ward = ward;
  at->query = query;
  at->applied = applied;
  at->end = ward->count;
  snprintf(at->type, sizeof at->type, "%s", fhx_query_resource_type(query));
  snprintf(at->patient, sizeof at->patient, "%s", patient);
  const char *shard = fhx_query_shard(query, &len);
  const char *token = fhx_query_token(query, &token_len);
  if (shard != NULL) {
    char text[64] = "";
    memcpy(text, shard, len < sizeof text ? len : sizeof text - 1);
    if (sscanf(text, "%zu-%zu", &at->position, &at->end) != 2)
      test_violation("a shard has changed");
  }
  if (token != NULL) {
    char text[64] = "";
    memcpy(text, token, token_len < sizeof text ? token_len : sizeof text - 1);
    if (sscanf(text, "behind %zu", &at->position) != 1) test_violation("a token has changed");
  }
  bool expected = *patient == '\0' || (*at->type == '\0' && shard == NULL && token == NULL);
  test_violation_unless(expected, "the query of a patient has a type, a shard or a token");
  atomic_fetch_add(&ward->cursors, 1);
  if (fhx_reply_handle(reply, at, applied) != FHX_OK) {
    atomic_fetch_sub(&ward->cursors, 1);
    free(at);
  }
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  test_ward *ward = user_data;
  if (is_hooked(ward, true, reply)) return;
  test_violation_unless(fhx_query_since_us(query) == FHX_TIME_NONE ||
                            strcmp(fhx_query_resource_type(query), "Patient") != 0,
                        "a window for the Patients");
  give_cursor(ward, query, "", ward->applied, reply);
}

static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  test_ward *ward = user_data;
  uint32_t is_patient = 0;
  if (is_hooked(ward, true, reply)) return;
  fhx_query_is_patient(query, patient_id, &is_patient, NULL);
  test_violation_unless(is_patient == 1 && fhx_query_patient_count(query) == 1,
                        "the query of a patient is not his");
  give_cursor(ward, query, patient_id, ward->patient_applied, reply);
}

static bool is_of(const test_ward_row *row, const char *patient) {
  return strcmp(row->patients[0], patient) == 0 || strcmp(row->patients[1], patient) == 0;
}

static bool is_delivered(const cursor *at, const test_ward_row *row) {
  if (*at->patient != '\0') {
    if ((at->applied & FHX_APPLIED_PATIENTS) != 0 && !is_of(row, at->patient)) return false;
    int64_t since_us = fhx_query_since_us(at->query);
    return (at->applied & FHX_APPLIED_SINCE) == 0 || since_us == FHX_TIME_NONE ||
           row->updated_us > since_us;
  }
  if ((at->applied & FHX_APPLIED_TYPE) != 0 && strcmp(row->type, at->type) != 0) return false;
  if ((at->applied & FHX_APPLIED_PATIENTS) == 0 ||
      fhx_query_scope(at->query) != FHX_SCOPE_PATIENT_SET) {
    return true;
  }
  uint32_t is_patient = 0;
  fhx_query_is_patient(at->query, row->patients[0], &is_patient, NULL);
  return is_patient != 0;
}

static void drop_reply(cursor *at) {
  free(at->data);
  free(at->ends);
  free(at->stamps);
  at->data = NULL;
  at->ends = NULL;
  at->stamps = NULL;
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  test_ward *ward = user_data;
  cursor *at = handle;
  uint64_t count = 0, rows_max = ward->rows_max == 0 ? 7 : ward->rows_max;
  size_t len = 0;
  (void)want_bytes;
  drop_reply(at);
  if (is_hooked(ward, false, reply)) return;
  at->ends = malloc(rows_max * sizeof *at->ends);
  at->stamps = malloc(rows_max * sizeof *at->stamps);
  if (at->ends == NULL || at->stamps == NULL) abort();
  for (; at->position < at->end && count < rows_max; at->position++) {
    const test_ward_row *row = &ward->rows[at->position];
    if (!is_delivered(at, row)) continue;
    size_t row_len = strlen(row->json);
    at->data = realloc(at->data, len + row_len);
    if (at->data == NULL) abort();
    memcpy(at->data + len, row->json, row_len);
    len += row_len;
    at->stamps[count] = row->updated_us;
    at->ends[count++] = len;
  }
  if (count == 0) {
    fhx_reply_end(reply);
    return;
  }
  int token_len = snprintf(at->token, sizeof at->token, "behind %zu", at->position);
  bool has_token = !ward->without_tokens && *at->patient == '\0';
  fhx_reply_rows(reply, at->data, len, count, at->ends, at->stamps, has_token ? at->token : NULL,
                 has_token ? (size_t)token_len : 0);
}

static void close_cursor(void *user_data, void *handle) {
  test_ward *ward = user_data;
  drop_reply(handle);
  free(handle);
  atomic_fetch_sub(&ward->cursors, 1);
}

static void list_types(void *user_data, fhx_reply *reply) {
  static const char *const types[] = {"Condition", "Encounter", "Observation", "Organization",
                                      "Patient"};
  (void)user_data;
  for (size_t i = 0; i < 5; i++) fhx_reply_item(reply, types[i], strlen(types[i]));
  fhx_reply_done(reply);
}

static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  test_ward *ward = user_data;
  size_t first = 0, end = 0, from = 0;
  test_violation_unless(strcmp(fhx_query_resource_type(query), "Patient") == 0,
                        "another type than Patient is divided");
  while (first < ward->count && strcmp(ward->rows[first].type, "Patient") != 0) first++;
  for (end = first; end < ward->count && strcmp(ward->rows[end].type, "Patient") == 0;) end++;
  uint32_t count = ward->shards < count_max ? ward->shards : count_max;
  for (uint32_t i = 0; i < count; i++) {
    char text[64];
    size_t to = i + 1 == count ? ward->count : first + (end - first) * (i + 1) / count;
    int len = snprintf(text, sizeof text, "%zu-%zu", from, to);
    fhx_reply_item(reply, text, (size_t)len);
    from = to;
  }
  fhx_reply_done(reply);
}

static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  test_ward *ward = user_data;
  uint64_t count = 0, bytes = 0;
  for (size_t i = 0; i < ward->count; i++) {
    if (strcmp(ward->rows[i].type, fhx_query_resource_type(query)) != 0) continue;
    count++;
    bytes += strlen(ward->rows[i].json);
  }
  fhx_reply_estimate(reply, count, bytes);
}

static void read_clock(void *user_data, fhx_reply *reply) {
  (void)user_data;
  fhx_reply_time(reply, TEST_WARD_US + INT64_C(3600000000), 1000);
}

fhx_source *test_ward_source(test_ward *ward) {
  fhx_source_callbacks callbacks;
  fhx_source *source = NULL;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.open_patient = open_patient;
  callbacks.list_types = list_types;
  callbacks.read_clock = read_clock;
  if (ward->shards != 0) {
    callbacks.list_shards = list_shards;
    callbacks.count_estimate = count_estimate;
  }
  fhx_source_new(&callbacks, ward, &source, NULL);
  return source;
}

/* --- the SQLite table --- */

static void run_sql(sqlite3 *database, const char *sql) {
  if (sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK) return;
  fail_msg("%s: %s", sql, sqlite3_errmsg(database));
}

static void insert(sqlite3_stmt *statement, const char *const values[4], int64_t updated_us) {
  for (int i = 0; i < 4; i++) {
    if (values[i] != NULL) sqlite3_bind_text(statement, i + 1, values[i], -1, SQLITE_TRANSIENT);
  }
  if (values[3] != NULL) sqlite3_bind_int64(statement, 3, updated_us);
  assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
  sqlite3_reset(statement);
}

typedef struct indexing {
  sqlite3_stmt *statement;
  const test_ward_row *row;
} indexing;

static void index_patient(void *user_data, const char *patient_id) {
  const indexing *at = user_data;
  insert(at->statement, (const char *const[]){at->row->type, at->row->id, patient_id, NULL}, 0);
}

void test_ward_write(const test_ward *ward, const char *path) {
  sqlite3 *database = NULL;
  sqlite3_stmt *resource = NULL;
  indexing at = {NULL, NULL};
  fhx_filter *filter = NULL;
  assert_int_equal(fhx_filter_new(&filter, NULL), FHX_OK);
  assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
  run_sql(database,
          "CREATE TABLE resource(type TEXT, id TEXT, last_updated INTEGER, json TEXT,"
          "  PRIMARY KEY(type, id));"
          "CREATE TABLE compartment(type TEXT, id TEXT, patient TEXT);"
          "CREATE INDEX of_patient ON compartment(patient, type, id); BEGIN");
  sqlite3_prepare_v2(database, "INSERT INTO resource VALUES(?1, ?2, ?3, ?4)", -1, &resource, NULL);
  sqlite3_prepare_v2(database, "INSERT INTO compartment VALUES(?1, ?2, ?3)", -1, &at.statement,
                     NULL);
  for (size_t i = 0; i < ward->count; i++) {
    at.row = &ward->rows[i];
    insert(resource, (const char *const[]){at.row->type, at.row->id, NULL, at.row->json},
           at.row->updated_us);
    for (int twice = 0; twice < 2; twice++) {
      if (at.row->bad) {
        index_patient(&at, at.row->patients[0]);
      } else {
        fhx_filter_list_patients(filter, at.row->json, strlen(at.row->json), index_patient, &at,
                                 NULL);
      }
    }
  }
  run_sql(database, "COMMIT");
  sqlite3_finalize(resource);
  sqlite3_finalize(at.statement);
  assert_int_equal(sqlite3_close(database), SQLITE_OK);
  fhx_filter_free(filter);
}

fhx_source *test_ward_sqlite_source(const char *path) {
  fhx_sqlite_source_options options;
  fhx_source *source = NULL;
  FHX_INIT(&options);
  options.path = path;
  options.patient_table = "compartment";
  fhx_sqlite_source_new(&options, &source, NULL);
  return source;
}
