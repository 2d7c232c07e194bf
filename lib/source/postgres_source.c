/*
 * A source over a PostgreSQL table, on the public callbacks only. Tokens and shards are those of
 * id_range.h.
 *
 * The time window is applied where stamps are numbers or times, and not claimed: the library looks
 * at the rows again, because those without a stamp are delivered whatever their age.
 */
#include <fhirexport/source.h>
#include <string.h>

#include "core/answer.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/names.h"
#include "core/structs.h"
#include "source/asked.h"
#include "source/postgres_cursor.h"
#include "source/postgres_members.h"
#include "source/postgres_table.h"

/* Rows are taken in small batches: while one is scanned and written the server goes on until the
   socket's memory is full, about 200 KB, and a larger batch would leave it waiting. */
#define WANT_MAX (32u * 1024)
/* How many rows are weighed for an estimate. */
#define SAMPLE_COUNT "64"

static const char whose[] = "a PostgreSQL table";

static void destroy_source(void *user_data) {
  fhx__postgres_table_free(user_data);
}

/* The rows of the query's type, in all versions. */
static fhx__postgres_rows whole_type(const fhx_query *query) {
  return (fhx__postgres_rows){.resource_type = fhx_query_resource_type(query),
                              .as_of_us = FHX_TIME_NONE,
                              .since_us = FHX_TIME_NONE,
                              .until_us = FHX_TIME_NONE};
}

/* Those of its shard. */
static int32_t find_rows(const fhx_query *query, fhx__postgres_rows *rows, fhx_error **error) {
  *rows = whole_type(query);
  return fhx__id_range_of_shard(query, whose, &rows->ids, error);
}

/* What is no text of PostgreSQL's was never one of its ids. */
static bool is_text(const char *text, size_t len) {
  return fhx__is_utf8(text, len) && memchr(text, '\0', len) == NULL;
}

static int32_t check_ids(const fhx__id_range *ids, fhx_error **error) {
  const bool is_sound = (ids->from == NULL || is_text(ids->from, ids->from_len)) &&
                        (ids->to == NULL || is_text(ids->to, ids->to_len));
  if (is_sound) return FHX_OK;
  return fhx__fail(error, FHX_ERR_SOURCE, "the shard or token is not one of %s", whose);
}

/* --- cursors --- */

static void open_table(fhx__postgres_table *table, const fhx_query *query, bool of_deleted,
                       fhx_reply *reply) {
  fhx__postgres_rows rows;
  fhx__postgres_cursor *cursor = NULL;
  fhx_error *error = NULL;
  uint32_t applied = FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS;
  int32_t status = find_rows(query, &rows, &error);
  if (status == FHX_OK) status = fhx__id_range_go_on(query, whose, &rows.ids, &error);
  if (status == FHX_OK) status = check_ids(&rows.ids, &error);
  rows.as_of_us = fhx_query_as_of_us(query);
  rows.since_us = fhx_query_since_us(query);
  rows.until_us = fhx_query_until_us(query);
  rows.of_deleted = of_deleted;
  if (status == FHX_OK) status = fhx__postgres_cursor_open(table, &rows, &cursor, &error);
  if (status != FHX_OK) {
    fhx__answer_error(reply, error);
    return;
  }
  if (table->valid_from.name != NULL) applied |= FHX_APPLIED_AS_OF;
  fhx_reply_handle(reply, cursor, applied);
}

/* With versions, the index may have what was a patient's and is no more; and without, the library
   looks too, so that nothing depends on the index but what is missing from it. */
static void open_members(fhx__postgres_table *table, const fhx_query *query, fhx_reply *reply) {
  fhx__postgres_cursor *cursor = NULL;
  fhx_error *error = NULL;
  uint32_t applied = FHX_APPLIED_TYPE;
  if (fhx__postgres_cursor_open_members(table, query, &cursor, &error) != FHX_OK) {
    fhx__answer_error(reply, error);
    return;
  }
  if (table->valid_from.name != NULL) applied |= FHX_APPLIED_AS_OF;
  fhx_reply_handle(reply, cursor, applied);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  if (fhx__members_fit(user_data, query)) {
    open_members(user_data, query, reply);
    return;
  }
  open_table(user_data, query, false, reply);
}

static void open_deleted(void *user_data, const fhx_query *query, fhx_reply *reply) {
  open_table(user_data, query, true, reply);
}

/* Whose a resource is, the host's index says; with versions, whose it was at any time. */
static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  const fhx__postgres_table *table = user_data;
  fhx__postgres_cursor *cursor = NULL;
  fhx_error *error = NULL;
  const bool has_versions = table->valid_from.name != NULL;
  if (fhx__postgres_cursor_open_patient(user_data, query, patient_id, &cursor, &error) != FHX_OK) {
    fhx__answer_error(reply, error);
    return;
  }
  fhx_reply_handle(reply, cursor, has_versions ? FHX_APPLIED_AS_OF : FHX_APPLIED_PATIENTS);
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  const fhx__row_batch *batch = NULL;
  fhx_error *error = NULL;
  (void)user_data;
  int32_t status = fhx__postgres_cursor_next(
      handle, (size_t)(want_bytes < WANT_MAX ? want_bytes : WANT_MAX), &batch, &error);
  if (status == FHX_END) {
    fhx_reply_end(reply);
  } else if (status != FHX_OK) {
    fhx__answer_error(reply, error);
  } else {
    fhx__row_batch_answer(batch, fhx__postgres_cursor_token(handle), reply);
  }
}

static void close_cursor(void *user_data, void *handle) {
  (void)user_data;
  fhx__postgres_cursor_close(handle);
}

/* --- estimates --- */

/* The number in the first row, 0 for NULL. */
static int32_t ask_number(fhx__postgres_table *table, fhx__postgres_request *request,
                          uint64_t *number, fhx_error **error) {
  PGresult *result = NULL;
  int64_t found = 0;
  int32_t status = fhx__postgres_ask(table, request, &result, error);
  if (status == FHX_OK && PQntuples(result) == 1 &&
      fhx__postgres_read_time(result, 0, 0, FHX__OID_INT8, &found) && found > 0) {
    *number = (uint64_t)found;
  }
  PQclear(result);
  fhx__request_free(request);
  return status;
}

/* How many rows there are; with an index over (type, id), from that alone. */
static int32_t count_rows(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                          uint64_t *count, fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  fhx__request_sql(&request, "SELECT count(*)", NULL);
  fhx__request_rows(&request, table, rows);
  return ask_number(table, &request, count, error);
}

/* The mean length of the JSON of some rows. */
static int32_t weigh_sample(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                            uint64_t *mean_len, fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  const char *cast = table->json.type == FHX__OID_JSON ? "::text" : "";
  fhx__request_sql(&request, "SELECT avg(coalesce(s.len, 0))::bigint FROM (SELECT octet_length(r.",
                   table->json.name, cast, ") AS len", NULL);
  fhx__request_rows(&request, table, rows);
  fhx__request_sql(&request, " LIMIT " SAMPLE_COUNT ") AS s", NULL);
  return ask_number(table, &request, mean_len, error);
}

/* Of the whole shard, in all versions: how much the time window leaves of it is not looked at. */
static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  fhx__postgres_table *table = user_data;
  fhx__postgres_rows rows;
  fhx_error *error = NULL;
  uint64_t count = 0, mean_len = 0;
  const bool of_members = fhx__members_fit(table, query);
  int32_t status = of_members ? FHX_OK : find_rows(query, &rows, &error);
  if (of_members) rows = whole_type(query);
  if (status == FHX_OK) status = check_ids(&rows.ids, &error);
  if (status == FHX_OK) {
    status = of_members ? fhx__members_count(table, query, &count, &error)
                        : count_rows(table, &rows, &count, &error);
  }
  if (status == FHX_OK && !of_members && fhx__id_range_is_whole(&rows.ids)) {
    fhx__kept_count_keep(&table->kept, rows.resource_type, count);
  }
  if (status == FHX_OK) status = weigh_sample(table, &rows, &mean_len, &error);
  if (status == FHX_OK) {
    fhx_reply_estimate(reply, count, count * mean_len);
  } else {
    fhx__answer_error(reply, error);
  }
}

/* --- shards --- */

/* The ids of the rows that begin a shard: where the row's number, in the order of ids, times the
   number of shards passes a multiple of the number of rows. */
static int32_t ask_bounds(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                          uint64_t row_count, uint64_t shard_count, PGresult **result,
                          fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  const char *id = table->id.name;
  fhx__request_sql(&request, "SELECT s.id FROM (SELECT r.", id,
                   " AS id, row_number() OVER (ORDER"
                   " BY r.",
                   id, " COLLATE \"C\") AS n", NULL);
  fhx__request_rows(&request, table, rows);
  fhx__request_sql(&request, ") AS s WHERE s.n > 1 AND (s.n - 1) * ", NULL);
  fhx__request_number(&request, (int64_t)shard_count);
  fhx__request_sql(&request, " / ", NULL);
  fhx__request_number(&request, (int64_t)row_count);
  fhx__request_sql(&request, " > (s.n - 2) * ", NULL);
  fhx__request_number(&request, (int64_t)shard_count);
  fhx__request_sql(&request, " / ", NULL);
  fhx__request_number(&request, (int64_t)row_count);
  fhx__request_sql(&request, " ORDER BY s.n LIMIT ", NULL);
  fhx__request_number(&request, (int64_t)shard_count - 1);
  int32_t status = fhx__postgres_ask(table, &request, result, error);
  fhx__request_free(&request);
  return status;
}

/* The first id behind this one that can be a bound; no row: there is none. */
static int32_t ask_next_bound(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                              const char *id, size_t len, PGresult **result, fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  fhx__postgres_rows behind = *rows;
  behind.ids.from_bound = FHX__BOUND_BEHIND;
  behind.ids.from = id;
  behind.ids.from_len = len;
  fhx__request_sql(&request, "SELECT r.", table->id.name, NULL);
  fhx__request_rows(&request, table, &behind);
  fhx__request_sql(&request, " AND r.", table->id.name,
                   " COLLATE \"C\" ~ '^[A-Za-z0-9.-]{1,64}$' ORDER BY r.", table->id.name,
                   " COLLATE \"C\" LIMIT 1", NULL);
  int32_t status = fhx__postgres_ask(table, &request, result, error);
  fhx__request_free(&request);
  return status;
}

/* Ends the present shard before the id in a result, or before the next one that can be a bound. */
static int32_t end_shard(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                         const PGresult *result, int row, fhx__division *found, fhx_error **error) {
  const char *id = PQgetvalue(result, row, 0);
  const size_t len = (size_t)PQgetlength(result, row, 0);
  if (fhx__is_id(id, len)) {
    fhx__division_end_before(found, id, len);
    return FHX_OK;
  }
  PGresult *next = NULL;
  int32_t status = ask_next_bound(table, rows, id, len, &next, error);
  if (status == FHX_OK && PQntuples(next) == 1) {
    fhx__division_end_before(found, PQgetvalue(next, 0, 0), (size_t)PQgetlength(next, 0, 0));
  }
  PQclear(next);
  return status;
}

/* Ids may be spread in any way, so bounds are not guessed: PostgreSQL passes over the ids in order,
   which an index over (type, id) does without reading the table. */
static int32_t divide(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                      uint64_t row_count, uint64_t shard_count, fhx__division *found,
                      fhx_error **error) {
  PGresult *bounds = NULL;
  if (shard_count < 2) return FHX_OK;
  int32_t status = ask_bounds(table, rows, row_count, shard_count, &bounds, error);
  for (int row = 0; status == FHX_OK && row < PQntuples(bounds); row++) {
    status = end_shard(table, rows, bounds, row, found, error);
  }
  PQclear(bounds);
  if (status == FHX_OK) fhx__division_end(found);
  return status;
}

static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  fhx__postgres_table *table = user_data;
  fhx__division found = {reply, "", 1};
  fhx__postgres_rows rows;
  fhx_error *error = NULL;
  uint64_t row_count = 0;
  if (fhx__members_fit(table, query)) {
    fhx__members_list_shards(query, count_max, reply);
    return;
  }
  int32_t status = find_rows(query, &rows, &error);
  if (status == FHX_OK) status = check_ids(&rows.ids, &error);
  const bool is_counted = status == FHX_OK && fhx__id_range_is_whole(&rows.ids) &&
                          fhx__kept_count_take(&table->kept, rows.resource_type, &row_count);
  if (status == FHX_OK && !is_counted) status = count_rows(table, &rows, &row_count, &error);
  if (status == FHX_OK) {
    status = divide(table, &rows, row_count, row_count < count_max ? row_count : count_max, &found,
                    &error);
  }
  fhx__answer_done(reply, status, error);
}

/* --- types --- */

/* Adds a walk through the types of a table: a step in its index for each. */
static void add_types(fhx__postgres_request *request, const char *name, const char *table,
                      const char *type) {
  fhx__request_sql(request, name, "(x) AS ((SELECT r.", type, " FROM ", table, " AS r ORDER BY r.",
                   type, " LIMIT 1) UNION ALL SELECT (SELECT r.", type, " FROM ", table,
                   " AS r WHERE r.", type, " > ", name, ".x ORDER BY r.", type, " LIMIT 1) FROM ",
                   name, " WHERE ", name, ".x IS NOT NULL)", NULL);
}

/* What has not the form of a type's name cannot be asked for, and is left out. */
static void list_types(void *user_data, fhx_reply *reply) {
  fhx__postgres_table *table = user_data;
  fhx__postgres_request request = {.failed = false};
  PGresult *result = NULL;
  fhx_error *error = NULL;
  fhx__request_sql(&request, "WITH RECURSIVE ", NULL);
  add_types(&request, "t", table->resources, table->type.name);
  if (table->deletions != NULL) {
    fhx__request_sql(&request, ", ", NULL);
    add_types(&request, "d", table->deletions, table->type.name);
  }
  fhx__request_sql(&request, " SELECT x FROM (SELECT x::text AS x FROM t",
                   table->deletions == NULL ? "" : " UNION SELECT x::text FROM d",
                   ") AS s WHERE x IS NOT NULL ORDER BY x COLLATE \"C\"", NULL);
  int32_t status = fhx__postgres_ask(table, &request, &result, &error);
  for (int row = 0; status == FHX_OK && row < PQntuples(result); row++) {
    const char *type = PQgetvalue(result, row, 0);
    const size_t len = (size_t)PQgetlength(result, row, 0);
    if (fhx__is_type_name(type, len)) fhx_reply_item(reply, type, len);
  }
  PQclear(result);
  fhx__request_free(&request);
  fhx__answer_done(reply, status, error);
}

/* --- one resource --- */

static int32_t give_resource(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                             fhx_reply *reply, fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  PGresult *result = NULL;
  fhx__request_sql(&request, "SELECT r.", table->json.name, NULL);
  fhx__request_rows(&request, table, rows);
  fhx__request_sql(&request, " LIMIT 1", NULL);
  int32_t status = fhx__postgres_ask(table, &request, &result, error);
  if (status == FHX_OK && PQntuples(result) == 0) {
    status = fhx__fail(error, FHX_ERR_NOT_FOUND, "the table has no such resource");
  }
  if (status == FHX_OK) {
    fhx_reply_item(reply, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
  }
  PQclear(result);
  fhx__request_free(&request);
  return status;
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  char type[FHX__TYPE_MAX + 1];
  const char *id = NULL;
  fhx_error *error = NULL;
  if (!fhx__answer_reference(reply, reference, type, &id)) return;
  const fhx__postgres_rows rows = {
      .resource_type = type,
      .ids = {.from_bound = FHX__BOUND_ONLY, .from = id, .from_len = strlen(id)},
      .as_of_us = fhx_query_as_of_us(query),
      .since_us = FHX_TIME_NONE,
      .until_us = FHX_TIME_NONE};
  int32_t status = is_text(id, strlen(id))
                       ? give_resource(user_data, &rows, reply, &error)
                       : fhx__fail(&error, FHX_ERR_NOT_FOUND, "the table has no such resource");
  fhx__answer_done(reply, status, error);
}

/* --- time --- */

static void read_clock(void *user_data, fhx_reply *reply) {
  fhx__postgres_table *table = user_data;
  fhx__postgres_request request = {.failed = false};
  PGresult *result = NULL;
  fhx_error *error = NULL;
  int64_t now_us = 0;
  fhx__request_sql(&request,
                   table->clock_sql == NULL
                       ? "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
                       : table->clock_sql,
                   NULL);
  int32_t status = fhx__postgres_ask(table, &request, &result, &error);
  if (status == FHX_OK && (PQntuples(result) != 1 || PQftype(result, 0) != FHX__OID_INT8 ||
                           !fhx__postgres_read_time(result, 0, 0, FHX__OID_INT8, &now_us))) {
    status = fhx__fail(&error, FHX_ERR_SOURCE, "clock_sql did not answer with one bigint");
  }
  PQclear(result);
  fhx__request_free(&request);
  if (status == FHX_OK) {
    fhx_reply_time(reply, now_us, table->resolution_us);
  } else {
    fhx__answer_error(reply, error);
  }
}

/* That is what clock_sql promises. */
static void snapshot_ready(void *user_data, int64_t as_of_us, fhx_reply *reply) {
  (void)user_data;
  (void)as_of_us;
  fhx_reply_done(reply);
}

int32_t fhx_postgres_source_new(const fhx_postgres_source_options *options, fhx_source **source,
                                fhx_error **error) {
  fhx_postgres_source_options copy;
  fhx_source_callbacks callbacks;
  fhx__postgres_table *table = NULL;
  int32_t status =
      fhx__struct_in(&copy, sizeof copy, options, "fhx_postgres_source_options", error);
  if (status == FHX_OK) status = fhx__postgres_table_new(&copy, &table, error);
  if (status != FHX_OK) return status;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.list_shards = list_shards;
  callbacks.read_resource = read_resource;
  callbacks.list_types = list_types;
  callbacks.count_estimate = count_estimate;
  callbacks.read_clock = read_clock;
  if (table->clock_sql != NULL) callbacks.snapshot_ready = snapshot_ready;
  if (table->deletions != NULL || table->deleted.name != NULL) {
    callbacks.open_deleted = open_deleted;
  }
  if (table->patients != NULL) callbacks.open_patient = open_patient;
  callbacks.destroy = destroy_source;
  return fhx_source_new(&callbacks, table, source, error);
}
