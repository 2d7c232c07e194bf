/*
 * A cursor over the rows of a PostgreSQL table of resources: one statement, whose rows come one by
 * one while the export goes on; the server waits where it is faster. So both sides work at once,
 * and memory does not depend on how much there is. It is COPY in binary form, which costs both
 * sides less than rows of results.
 *
 * The cursor over a patient does the same in the index of patients, for those of its types that are
 * wanted.
 */
#include "source/postgres_cursor.h"

#include <string.h>

#include "core/alloc.h"
#include "core/names.h"
#include "source/postgres_members.h"
#include "source/text_array.h"

struct fhx__postgres_cursor {
  fhx__postgres_table *table;
  fhx__postgres_stream stream;
  fhx__row_batch batch;
  /* For a deletion without JSON; "" for a patient's cursor. */
  char resource_type[FHX__TYPE_MAX + 1];
  uint32_t updated_type;
  bool of_deleted;
  bool of_patient;
  /* Of a patient: the type of the row that was added last. */
  fhx__buffer last_type;
  /* Of a patient set. */
  bool of_members;
  fhx__members members;
  /* The stream's row did not fit into the batch before. */
  bool has_row;
  bool ended;
};

/* --- opening --- */

static void write_select(fhx__postgres_request *request, const fhx__postgres_table *table,
                         const fhx__postgres_rows *rows) {
  const char *type = table->type.name, *id = table->id.name;
  fhx__request_sql(request, "COPY (SELECT r.", id, ", r.", table->updated.name, ", ", NULL);
  if (rows->of_deleted && table->deletions == NULL) {
    /* The last version before the one that says that it is deleted. */
    const char *from = table->valid_from.name;
    fhx__request_sql(request, "(SELECT v.", table->json.name, " FROM ", table->resources,
                     " AS v WHERE v.", type, " = r.", type, " AND v.", id, " = r.", id, " AND v.",
                     from, " < r.", from, " AND v.", table->deleted.name,
                     " IS NOT TRUE ORDER BY v.", from, " DESC LIMIT 1)", NULL);
  } else {
    fhx__request_sql(request, "r.", table->json.name, NULL);
  }
  fhx__request_rows(request, table, rows);
  fhx__request_sql(request, " ORDER BY r.", id, " COLLATE \"C\") TO STDOUT (FORMAT binary)", NULL);
}

static int32_t make(fhx__postgres_table *table, fhx__postgres_cursor **cursor, fhx_error **error) {
  fhx__postgres_cursor *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  made->table = table;
  made->batch.rows_max = table->rows_max;
  made->updated_type = table->updated.type;
  *cursor = made;
  return FHX_OK;
}

/* Sends the request, which is freed; a cursor without its stream is closed. */
static int32_t begin(fhx__postgres_cursor *made, fhx__postgres_request *request,
                     fhx__stream_plan plan, fhx__postgres_cursor **cursor, fhx_error **error) {
  int32_t status = fhx__postgres_stream_begin(&made->stream, made->table, request, plan, error);
  fhx__request_free(request);
  if (status == FHX_OK) {
    *cursor = made;
  } else {
    fhx__postgres_cursor_close(made);
  }
  return status;
}

int32_t fhx__postgres_cursor_open(fhx__postgres_table *table, const fhx__postgres_rows *rows,
                                  fhx__postgres_cursor **cursor, fhx_error **error) {
  fhx__postgres_request request = {.is_copy = true};
  fhx__postgres_cursor *made = NULL;
  int32_t status = make(table, &made, error);
  if (status != FHX_OK) return status;
  made->of_deleted = rows->of_deleted;
  if (rows->of_deleted && table->deletions != NULL) {
    made->updated_type = table->deletions_updated_type;
  }
  const size_t len = strlen(rows->resource_type);
  memcpy(made->resource_type, rows->resource_type, len < FHX__TYPE_MAX ? len : FHX__TYPE_MAX);
  /* With a lower bound of time, which may leave few rows, PostgreSQL finds the better way itself.
   */
  const fhx__stream_plan plan =
      rows->since_us == FHX_TIME_NONE ? FHX__PLAN_IN_ORDER : FHX__PLAN_ANY;
  write_select(&request, table, rows);
  return begin(made, &request, plan, cursor, error);
}

void fhx__postgres_cursor_close(fhx__postgres_cursor *cursor) {
  if (cursor == NULL) return;
  fhx__postgres_stream_end(&cursor->stream);
  fhx__row_batch_free(&cursor->batch);
  fhx__buffer_free(&cursor->last_type);
  fhx__members_free(&cursor->members);
  fhx__free(cursor);
}

/* --- a patient --- */

/* Adds those of the patient's types that the query wants. */
static int32_t add_wanted(const PGresult *types, const fhx_query *query, fhx__buffer *array,
                          uint32_t *count) {
  int32_t status = fhx__text_array_begin(array);
  for (int row = 0; row < PQntuples(types) && status == FHX_OK; row++) {
    const char *type = PQgetvalue(types, row, 0);
    const size_t len = (size_t)PQgetlength(types, row, 0);
    if (!fhx__is_type_name(type, len) || fhx_query_wants_type(query, type) == 0) continue;
    status = fhx__text_array_add(array, type, len);
    ++*count;
  }
  return status;
}

/* The types that the index has for the patient: a step in it for each. */
static int32_t ask_types(fhx__postgres_table *table, const char *patient, PGresult **types,
                         fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  const char *type = table->type.name, *who = table->patient.name;
  const size_t len = strlen(patient);
  fhx__request_sql(&request, "WITH RECURSIVE t(x) AS ((SELECT p.", type, " FROM ", table->patients,
                   " AS p WHERE p.", who, " = ", NULL);
  fhx__request_text(&request, patient, len);
  fhx__request_sql(&request, " ORDER BY p.", type, " LIMIT 1) UNION ALL SELECT (SELECT p.", type,
                   " FROM ", table->patients, " AS p WHERE p.", who, " = ", NULL);
  fhx__request_text(&request, patient, len);
  fhx__request_sql(&request, " AND p.", type, " > t.x ORDER BY p.", type,
                   " LIMIT 1) FROM t WHERE t.x IS NOT NULL) SELECT x FROM t WHERE x IS NOT NULL",
                   NULL);
  int32_t status = fhx__postgres_ask(table, &request, types, error);
  fhx__request_free(&request);
  return status;
}

static void write_patient_select(fhx__postgres_request *request, const fhx__postgres_table *table,
                                 const fhx_query *query, const char *patient,
                                 const fhx__buffer *types) {
  const fhx__postgres_rows rows = {.resource_type = "",
                                   .as_of_us = fhx_query_as_of_us(query),
                                   .since_us = fhx_query_since_us(query),
                                   .until_us = fhx_query_until_us(query)};
  const char *type = table->type.name, *id = table->id.name;
  fhx__request_sql(request, "SELECT p.", id, ", r.", table->updated.name, ", p.", type, ", r.",
                   table->json.name, " FROM ", table->patients, " AS p JOIN ", table->resources,
                   " AS r ON r.", type, " = p.", type, " AND r.", id, " = p.", id, " WHERE p.",
                   table->patient.name, " = ", NULL);
  fhx__request_text(request, patient, strlen(patient));
  fhx__request_sql(request, " AND p.", type, " = ANY(", NULL);
  fhx__request_texts(request, types);
  fhx__request_sql(request, ")", NULL);
  fhx__request_conditions(request, table, &rows);
  fhx__request_sql(request, " ORDER BY p.", type, " COLLATE \"C\", p.", id, " COLLATE \"C\"", NULL);
}

/* The types are asked for first: who wants few of them wants no text of the others. */
static int32_t begin_patient(fhx__postgres_cursor *made, const fhx_query *query,
                             const char *patient, fhx__buffer *array, fhx__postgres_cursor **cursor,
                             fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  PGresult *types = NULL;
  uint32_t count = 0;
  int32_t status = ask_types(made->table, patient, &types, error);
  if (status == FHX_OK && add_wanted(types, query, array, &count) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  PQclear(types);
  if (status != FHX_OK) {
    fhx__postgres_cursor_close(made);
    return status;
  }
  made->ended = count == 0;
  if (made->ended) {
    *cursor = made;
    return FHX_OK;
  }
  write_patient_select(&request, made->table, query, patient, array);
  return begin(made, &request, FHX__PLAN_BY_INDEX, cursor, error);
}

int32_t fhx__postgres_cursor_open_patient(fhx__postgres_table *table, const fhx_query *query,
                                          const char *patient, fhx__postgres_cursor **cursor,
                                          fhx_error **error) {
  fhx__buffer array = {NULL, 0, 0};
  fhx__postgres_cursor *made = NULL;
  int32_t status = make(table, &made, error);
  if (status != FHX_OK) return status;
  made->of_patient = true;
  status = begin_patient(made, query, patient, &array, cursor, error);
  fhx__buffer_free(&array);
  return status;
}

/* --- a patient set --- */

int32_t fhx__postgres_cursor_open_members(fhx__postgres_table *table, const fhx_query *query,
                                          fhx__postgres_cursor **cursor, fhx_error **error) {
  fhx__postgres_cursor *made = NULL;
  int32_t status = make(table, &made, error);
  if (status != FHX_OK) return status;
  made->of_members = true;
  status = fhx__members_begin(&made->members, table, query, error);
  if (status != FHX_OK) {
    fhx__postgres_cursor_close(made);
    return status;
  }
  *cursor = made;
  return FHX_OK;
}

/* --- rows --- */

static void read_stamp(const fhx__postgres_cursor *cursor, fhx__table_row *row) {
  const fhx__postgres_fields *fields = &cursor->stream.fields;
  const uint32_t type = cursor->updated_type;
  row->stamped = false;
  if (fields->data[1] == NULL) return;
  if (type == FHX__OID_INT8 || type == FHX__OID_TIMESTAMPTZ) {
    row->stamped =
        fhx__postgres_decode_time(fields->data[1], fields->len[1], type, &row->updated_us);
  } else {
    fhx__table_row_read_instant(row, fields->data[1], fields->len[1]);
  }
}

/* The row that the stream stands on. */
static int32_t read_row(fhx__postgres_cursor *cursor, fhx__table_row *row, fhx_error **error) {
  const fhx__postgres_fields *fields = &cursor->stream.fields;
  const int last = fields->count - 1;
  row->id = fields->data[0];
  row->id_len = fields->len[0];
  read_stamp(cursor, row);
  const bool has_json = fields->data[last] != NULL;
  row->json = has_json ? fields->data[last] : "";
  row->json_len = fields->len[last];
  int32_t status = fhx__table_row_check(row, error);
  if (status != FHX_OK || has_json || !cursor->of_deleted) return status;
  return fhx__row_batch_write_bare(&cursor->batch, cursor->resource_type, row, error);
}

/* Whether the stream's row is the one before it once more. */
static bool is_same(const fhx__postgres_cursor *cursor, const fhx__table_row *row) {
  const fhx__postgres_fields *fields = &cursor->stream.fields;
  const fhx__buffer *last_id = &cursor->batch.last_id, *last_type = &cursor->last_type;
  if (row->id_len != last_id->len || memcmp(row->id, last_id->data, row->id_len) != 0) return false;
  if (!cursor->of_patient) return true;
  return fields->len[2] == last_type->len &&
         memcmp(fields->data[2], last_type->data, last_type->len) == 0;
}

static int32_t keep_type(fhx__postgres_cursor *cursor, fhx_error **error) {
  const fhx__postgres_fields *fields = &cursor->stream.fields;
  cursor->last_type.len = 0;
  if (!cursor->of_patient) return FHX_OK;
  int32_t status = fhx__buffer_append(&cursor->last_type, fields->data[2], fields->len[2]);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* Adds a row, unless there is no room: then it is kept for the next batch. */
static int32_t add_row(fhx__postgres_cursor *cursor, const fhx__table_row *row, size_t want,
                       bool *full, fhx_error **error) {
  *full = !fhx__row_batch_fits(&cursor->batch, row, want);
  cursor->has_row = *full;
  if (*full) return FHX_OK;
  int32_t status = keep_type(cursor, error);
  return status == FHX_OK ? fhx__row_batch_add(&cursor->batch, row, error) : status;
}

/* The same of a patient set's row, unless it comes with an earlier patient. */
static int32_t add_member_row(fhx__postgres_cursor *cursor, fhx__table_row *row, size_t want,
                              bool *full, fhx_error **error) {
  PGresult *json = NULL;
  bool is_earlier = false;
  int32_t status =
      fhx__members_comes_earlier(&cursor->members, cursor->stream.row, &is_earlier, &json, error);
  if (json != NULL && !is_earlier && status == FHX_OK) {
    row->json = PQgetvalue(json, 0, 1);
    row->json_len = (size_t)PQgetlength(json, 0, 1);
  }
  if (status == FHX_OK && !is_earlier) status = add_row(cursor, row, want, full, error);
  PQclear(json);
  return status;
}

/* Takes the stream's row. */
static int32_t take_row(fhx__postgres_cursor *cursor, size_t want, bool *full, fhx_error **error) {
  fhx__table_row row = {NULL, 0, NULL, 0, false, 0};
  int32_t status = read_row(cursor, &row, error);
  if (status != FHX_OK) return status;
  if (is_same(cursor, &row)) {
    /* An index may have a resource once for each way in which it is the patient's. */
    if (cursor->of_patient) return FHX_OK;
    return fhx__fail(error, FHX_ERR_SOURCE,
                     "the table has two rows of one type and id: it must hold one for each%s",
                     cursor->table->valid_from.name == NULL ? "" : " at any time");
  }
  if (cursor->of_members) return add_member_row(cursor, &row, want, full, error);
  return add_row(cursor, &row, want, full, error);
}

/* The next row of the stream, or of the stream of the next page. */
static int32_t next_row(fhx__postgres_cursor *cursor, fhx_error **error) {
  int32_t status = fhx__postgres_stream_next(&cursor->stream, error);
  while (status == FHX_END && cursor->of_members) {
    /* A token tells one page. */
    if (cursor->batch.count != 0) return FHX_END;
    cursor->batch.last_id.len = 0;
    status = fhx__members_next_page(&cursor->members, &cursor->stream, error);
    if (status == FHX_END) {
      cursor->ended = true;
      return FHX_END;
    }
    if (status == FHX_OK) status = fhx__postgres_stream_next(&cursor->stream, error);
  }
  return status;
}

static int32_t gather(fhx__postgres_cursor *cursor, size_t want, fhx_error **error) {
  bool full = false;
  while (!full) {
    int32_t status = FHX_OK;
    if (!cursor->has_row) status = next_row(cursor, error);
    cursor->has_row = false;
    if (status == FHX_END) {
      if (!cursor->of_members) cursor->ended = true;
      return FHX_OK;
    }
    if (status == FHX_OK) status = take_row(cursor, want, &full, error);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

int32_t fhx__postgres_cursor_next(fhx__postgres_cursor *cursor, size_t want,
                                  const fhx__row_batch **batch, fhx_error **error) {
  if (cursor->ended) return FHX_END;
  fhx__row_batch_begin(&cursor->batch, want);
  int32_t status = gather(cursor, want, error);
  if (status != FHX_OK) return status;
  if (cursor->batch.count == 0) return FHX_END;
  if (cursor->of_members) {
    const fhx__buffer *last_id = &cursor->batch.last_id;
    status = fhx__members_write_token(&cursor->members, last_id->data, last_id->len, error);
  }
  *batch = &cursor->batch;
  return status;
}

const fhx__buffer *fhx__postgres_cursor_token(const fhx__postgres_cursor *cursor) {
  if (cursor->of_patient) return NULL;
  return cursor->of_members ? &cursor->members.token : &cursor->batch.last_id;
}
