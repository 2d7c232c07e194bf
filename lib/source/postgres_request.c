/*
 * Statements over a PostgreSQL table of resources. Values are parameters, binary, of the column's
 * type: nothing of them is SQL, and nothing is rounded. COPY takes no parameters: there a text is
 * the hexadecimal digits of its bytes, which can mean nothing else, and a number or a time is
 * written from a number; PostgreSQL makes constants of them. Ids are compared by their bytes,
 * whatever collation the table has; types and patients only for being equal, which every collation
 * of PostgreSQL's own tells by bytes.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/instant.h"
#include "source/postgres_table.h"

/* PostgreSQL's times begin with the year 2000. */
#define EPOCH_2000_US INT64_C(946684800000000)
#define YEAR_1_US INT64_C(-62135596800000000)
#define YEAR_10000_US INT64_C(253402300800000000)

static void append(fhx__postgres_request *request, const char *text) {
  if (fhx__buffer_append_text(&request->sql, text) != FHX_OK) request->failed = true;
}

void fhx__request_sql(fhx__postgres_request *request, ...) {
  va_list texts;
  va_start(texts, request);
  for (const char *text = va_arg(texts, const char *); text != NULL;
       text = va_arg(texts, const char *)) {
    append(request, text);
  }
  va_end(texts);
}

static void add_parameter(fhx__postgres_request *request, uint32_t type, const void *value,
                          size_t len) {
  char place[16];
  if (request->count == FHX__REQUEST_PARAMETERS_MAX || len > INT32_MAX) {
    request->failed = true;
    return;
  }
  request->types[request->count] = type;
  request->values[request->count] = value;
  request->lengths[request->count] = (int)len;
  snprintf(place, sizeof place, "$%d", ++request->count);
  append(request, place);
}

/* A byte is `\xHH`, as the database has it: its encoding is UTF8. */
static void write_text(fhx__postgres_request *request, const char *text, size_t len) {
  append(request, "E'");
  for (size_t i = 0; i < len; i++) {
    char byte[8];
    snprintf(byte, sizeof byte, "\\x%02x", (unsigned)(unsigned char)text[i]);
    append(request, byte);
  }
  append(request, "'::text");
}

void fhx__request_text(fhx__postgres_request *request, const char *text, size_t len) {
  if (request->is_copy) {
    write_text(request, text, len);
    return;
  }
  add_parameter(request, FHX__OID_TEXT, text, len);
}

/* The quotes are for the sign: `-` and digits without them are no number but a sum. */
static void write_number(fhx__postgres_request *request, int64_t number) {
  char text[40];
  snprintf(text, sizeof text, "'%" PRId64 "'::bigint", number);
  append(request, text);
}

/* Years of four digits; what is outside of them has no rows between it and the end of time. */
static void write_time(fhx__postgres_request *request, int64_t time_us) {
  char text[FHX__INSTANT_TEXT_MAX] = "infinity";
  if (time_us < YEAR_1_US) {
    snprintf(text, sizeof text, "-infinity");
  } else if (time_us < YEAR_10000_US) {
    fhx__instant_format(text, time_us, 1);
  }
  fhx__request_sql(request, "'", text, "'::timestamptz", NULL);
}

static void add_number(fhx__postgres_request *request, uint32_t type, int64_t number) {
  if (request->number_count == FHX__REQUEST_NUMBERS_MAX) {
    request->failed = true;
    return;
  }
  unsigned char *bytes = request->numbers[request->number_count++];
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)number >> (56 - 8 * i));
  add_parameter(request, type, bytes, 8);
}

void fhx__request_number(fhx__postgres_request *request, int64_t number) {
  if (request->is_copy) {
    write_number(request, number);
    return;
  }
  add_number(request, FHX__OID_INT8, number);
}

/* A time, as the column's type has it: bigint or timestamptz. */
static void add_time(fhx__postgres_request *request, uint32_t type, int64_t time_us) {
  if (request->is_copy && type == FHX__OID_TIMESTAMPTZ) {
    write_time(request, time_us);
    return;
  }
  if (request->is_copy) {
    write_number(request, time_us);
    return;
  }
  if (type == FHX__OID_TIMESTAMPTZ) time_us -= EPOCH_2000_US;
  add_number(request, type, time_us);
}

void fhx__request_texts(fhx__postgres_request *request, const fhx__buffer *array) {
  add_parameter(request, FHX__OID_TEXT_ARRAY, array->data, array->len);
}

void fhx__request_free(fhx__postgres_request *request) {
  fhx__buffer_free(&request->sql);
}

bool fhx__postgres_decode_time(const char *data, size_t len, uint32_t type, int64_t *time_us) {
  const unsigned char *bytes = (const unsigned char *)data;
  if (len != 8) return false;
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | bytes[i];
  *time_us = (int64_t)value;
  if (type != FHX__OID_TIMESTAMPTZ) return true;
  /* The ends of all time stand for no time. */
  if (*time_us == INT64_MIN || *time_us > INT64_MAX - EPOCH_2000_US) return false;
  *time_us += EPOCH_2000_US;
  return true;
}

bool fhx__postgres_read_time(const PGresult *result, int row, int column, uint32_t type,
                             int64_t *time_us) {
  if (PQgetisnull(result, row, column) != 0) return false;
  return fhx__postgres_decode_time(PQgetvalue(result, row, column),
                                   (size_t)PQgetlength(result, row, column), type, time_us);
}

/* --- conditions --- */

static void add_ids(fhx__postgres_request *request, const fhx__postgres_table *table,
                    const fhx__id_range *ids) {
  static const char *const comparisons[] = {[FHX__BOUND_AT] = " COLLATE \"C\" >= ",
                                            [FHX__BOUND_BEHIND] = " COLLATE \"C\" > ",
                                            [FHX__BOUND_ONLY] = " = "};
  if (ids->from_bound != FHX__BOUND_OPEN) {
    fhx__request_sql(request, " AND r.", table->id.name, comparisons[ids->from_bound], NULL);
    fhx__request_text(request, ids->from, ids->from_len);
  }
  if (ids->to == NULL) return;
  fhx__request_sql(request, " AND r.", table->id.name, " COLLATE \"C\" < ", NULL);
  fhx__request_text(request, ids->to, ids->to_len);
}

/* A bound only drops rows whose stamp is known. `>=`: a stamp may be floored, and what it stands
   for be later than an equal bound. */
static void add_window(fhx__postgres_request *request, const fhx__postgres_table *table,
                       const char *comparison, uint32_t type, int64_t bound_us) {
  if (bound_us == FHX_TIME_NONE || (type != FHX__OID_INT8 && type != FHX__OID_TIMESTAMPTZ)) return;
  fhx__request_sql(request, " AND (r.", table->updated.name, " IS NULL OR r.", table->updated.name,
                   comparison, NULL);
  add_time(request, type, bound_us);
  append(request, ")");
}

/* The versions that were current then, but those of deletions, or these alone. */
static void add_versions(fhx__postgres_request *request, const fhx__postgres_table *table,
                         const fhx__postgres_rows *rows) {
  if (table->valid_from.name == NULL || rows->as_of_us == FHX_TIME_NONE) return;
  fhx__request_sql(request, " AND r.", table->valid_from.name, " <= ", NULL);
  add_time(request, table->valid_from.type, rows->as_of_us);
  fhx__request_sql(request, " AND (r.", table->valid_to.name, " IS NULL OR r.",
                   table->valid_to.name, " > ", NULL);
  add_time(request, table->valid_to.type, rows->as_of_us);
  append(request, ")");
  if (table->deleted.name == NULL) return;
  fhx__request_sql(request, " AND r.", table->deleted.name,
                   rows->of_deleted ? " IS TRUE" : " IS NOT TRUE", NULL);
}

void fhx__request_conditions(fhx__postgres_request *request, const fhx__postgres_table *table,
                             const fhx__postgres_rows *rows) {
  const bool is_apart = rows->of_deleted && table->deletions != NULL;
  const uint32_t type = is_apart ? table->deletions_updated_type : table->updated.type;
  if (!is_apart) add_versions(request, table, rows);
  add_window(request, table, " >= ", type, rows->since_us);
  add_window(request, table, " < ", type, rows->until_us);
}

void fhx__request_rows(fhx__postgres_request *request, const fhx__postgres_table *table,
                       const fhx__postgres_rows *rows) {
  const bool is_apart = rows->of_deleted && table->deletions != NULL;
  fhx__request_sql(request, " FROM ", is_apart ? table->deletions : table->resources,
                   " AS r WHERE r.", table->type.name, " = ", NULL);
  fhx__request_text(request, rows->resource_type, strlen(rows->resource_type));
  add_ids(request, table, &rows->ids);
  fhx__request_conditions(request, table, rows);
}
