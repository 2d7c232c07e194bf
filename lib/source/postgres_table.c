/*
 * A PostgreSQL table of resources: its options, its names, and the types of its columns, which are
 * asked for once, when the source is made.
 */
#include "source/postgres_table.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

#define LINKS_MAX 1000
#define DEFAULT_RESOLUTION_US 1000
#define DEFAULT_PATIENCE_US INT64_C(300000000)
#define PATIENCE_MIN_US INT64_C(1000000)
/* PostgreSQL would cut a longer name off, and take another table for it. */
#define NAME_MAX_LEN 63

/* --- names --- */

/* Adds `"name"`, quotes in the name doubled. */
static int32_t add_quoted(fhx__buffer *text, const char *name) {
  int32_t status = fhx__buffer_append(text, "\"", 1);
  for (; status == FHX_OK && *name != '\0'; name++) {
    status = fhx__buffer_append(text, name, 1);
    if (status == FHX_OK && *name == '"') status = fhx__buffer_append(text, name, 1);
  }
  return status == FHX_OK ? fhx__buffer_append(text, "\"", 1) : status;
}

/* `"schema"."name"`; a NULL schema is left out, a NULL name gives NULL. */
static int32_t quote(const char *schema, const char *name, char **quoted, fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0};
  if (name == NULL) return FHX_OK;
  if (*name == '\0' || strlen(name) > NAME_MAX_LEN || !fhx__is_utf8(name, strlen(name))) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a name of a table or column has 1 to 63 bytes of UTF-8");
  }
  int32_t status = FHX_OK;
  if (schema != NULL) {
    status = add_quoted(&text, schema);
    if (status == FHX_OK) status = fhx__buffer_append(&text, ".", 1);
  }
  if (status == FHX_OK) status = add_quoted(&text, name);
  if (status == FHX_OK) status = fhx__buffer_terminate(&text);
  if (status == FHX_OK) {
    *quoted = text.data;
    return FHX_OK;
  }
  fhx__buffer_free(&text);
  return fhx__no_memory(error);
}

static int32_t name_column(fhx__postgres_column *column, const char *name, const char *fallback,
                           fhx_error **error) {
  return quote(NULL, name == NULL ? fallback : name, &column->name, error);
}

static int32_t copy_columns(fhx__postgres_table *table, const fhx_postgres_source_options *options,
                            fhx_error **error) {
  int32_t status = name_column(&table->type, options->type_column, "type", error);
  if (status == FHX_OK) status = name_column(&table->id, options->id_column, "id", error);
  if (status == FHX_OK) {
    status = name_column(&table->updated, options->updated_column, "last_updated", error);
  }
  if (status == FHX_OK) status = name_column(&table->json, options->json_column, "json", error);
  if (status == FHX_OK) {
    status = name_column(&table->valid_from, options->valid_from_column, NULL, error);
  }
  if (status == FHX_OK) {
    status = name_column(&table->valid_to, options->valid_to_column, NULL, error);
  }
  if (status == FHX_OK) status = name_column(&table->deleted, options->deleted_column, NULL, error);
  if (status == FHX_OK && options->patient_table != NULL) {
    status = name_column(&table->patient, options->patient_column, "patient", error);
  }
  return status;
}

static int32_t copy_names(fhx__postgres_table *table, const fhx_postgres_source_options *options,
                          fhx_error **error) {
  const char *resources = options->table == NULL ? "resource" : options->table;
  char *schema = NULL;
  int32_t status = quote(NULL, options->schema, &schema, error);
  fhx__free(schema);
  if (status == FHX_OK) status = quote(options->schema, resources, &table->resources, error);
  if (status == FHX_OK) {
    status = quote(options->schema, options->deleted_table, &table->deletions, error);
  }
  if (status == FHX_OK) {
    status = quote(options->schema, options->patient_table, &table->patients, error);
  }
  if (status == FHX_OK) status = copy_columns(table, options, error);
  if (status == FHX_OK && options->clock_sql != NULL) {
    table->clock_sql = fhx__copy_text(options->clock_sql);
    if (table->clock_sql == NULL) status = fhx__no_memory(error);
  }
  return status;
}

void fhx__postgres_table_free(fhx__postgres_table *table) {
  if (table == NULL) return;
  fhx__postgres_column *const columns[] = {&table->type,    &table->id,         &table->updated,
                                           &table->json,    &table->valid_from, &table->valid_to,
                                           &table->deleted, &table->patient};
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) fhx__free(columns[i]->name);
  fhx__free(table->resources);
  fhx__free(table->deletions);
  fhx__free(table->patients);
  fhx__free(table->clock_sql);
  if (table->has_pool) fhx__libpq_pool_end(&table->pool);
  fhx__kept_count_end(&table->kept);
  fhx__free(table);
}

/* --- the types of columns --- */

static bool is_among(uint32_t type, const uint32_t *types, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (types[i] == type) return true;
  }
  return false;
}

/* What a column may be, and the words for it. */
typedef struct kind {
  uint32_t types[4];
  const char *words;
} kind;

static const kind names_kind = {{FHX__OID_TEXT, FHX__OID_VARCHAR}, "text or varchar"};
static const kind stamp_kind = {
    {FHX__OID_INT8, FHX__OID_TIMESTAMPTZ, FHX__OID_TEXT, FHX__OID_VARCHAR},
    "bigint, timestamptz, text or varchar"};
static const kind json_kind = {{FHX__OID_TEXT, FHX__OID_VARCHAR, FHX__OID_JSON, FHX__OID_BYTEA},
                               "text, varchar, json or bytea; jsonb keeps no resource as it was"};
static const kind valid_kind = {{FHX__OID_INT8, FHX__OID_TIMESTAMPTZ}, "bigint or timestamptz"};
static const kind deleted_kind = {{FHX__OID_BOOL}, "boolean"};

/* A column that is looked at: those without a name are left out. */
typedef struct looked_at {
  const char *name;
  uint32_t *type;
  const kind *kind;
} looked_at;

static int32_t check_types(const PGresult *result, const looked_at *columns, size_t count,
                           fhx_error **error) {
  int place = 0;
  for (size_t i = 0; i < count; i++) {
    if (columns[i].name == NULL) continue;
    const uint32_t type = PQftype(result, place++);
    if (!is_among(type, columns[i].kind->types, 4)) {
      return fhx__fail(error, FHX_ERR_SOURCE, "the column %s must be %s", columns[i].name,
                       columns[i].kind->words);
    }
    *columns[i].type = type;
  }
  return FHX_OK;
}

/* Prepares what cursors will ask for, which fails when a name is wrong, and keeps the types. */
static int32_t look_at(fhx__postgres_table *table, const char *name, const looked_at *columns,
                       size_t count, fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  PGresult *result = NULL;
  const char *before = "SELECT r.";
  for (size_t i = 0; i < count; i++) {
    if (columns[i].name == NULL) continue;
    fhx__request_sql(&request, before, columns[i].name, NULL);
    before = ", r.";
  }
  fhx__request_sql(&request, " FROM ", name, " AS r LIMIT 0", NULL);
  int32_t status = fhx__postgres_ask(table, &request, &result, error);
  if (status == FHX_OK) status = check_types(result, columns, count, error);
  PQclear(result);
  fhx__request_free(&request);
  return status;
}

static int32_t look_at_resources(fhx__postgres_table *table, fhx_error **error) {
  const looked_at columns[] = {
      {table->type.name, &table->type.type, &names_kind},
      {table->id.name, &table->id.type, &names_kind},
      {table->updated.name, &table->updated.type, &stamp_kind},
      {table->json.name, &table->json.type, &json_kind},
      {table->valid_from.name, &table->valid_from.type, &valid_kind},
      {table->valid_to.name, &table->valid_to.type, &valid_kind},
      {table->deleted.name, &table->deleted.type, &deleted_kind},
  };
  return look_at(table, table->resources, columns, sizeof columns / sizeof *columns, error);
}

static int32_t look_at_deletions(fhx__postgres_table *table, fhx_error **error) {
  uint32_t ignored = 0;
  const looked_at columns[] = {
      {table->type.name, &ignored, &names_kind},
      {table->id.name, &ignored, &names_kind},
      {table->updated.name, &table->deletions_updated_type, &stamp_kind},
      {table->json.name, &ignored, &json_kind},
  };
  return look_at(table, table->deletions, columns, sizeof columns / sizeof *columns, error);
}

static int32_t look_at_patients(fhx__postgres_table *table, fhx_error **error) {
  uint32_t ignored = 0;
  const looked_at columns[] = {
      {table->type.name, &ignored, &names_kind},
      {table->id.name, &ignored, &names_kind},
      {table->patient.name, &table->patient.type, &names_kind},
  };
  return look_at(table, table->patients, columns, sizeof columns / sizeof *columns, error);
}

/* --- opening --- */

static int32_t check_server(fhx__postgres_table *table, fhx_error **error) {
  fhx__postgres_request request = {.failed = false};
  PGresult *result = NULL;
  fhx__request_sql(&request,
                   "SELECT 1 WHERE current_setting('server_encoding') = 'UTF8' AND"
                   " current_setting('server_version_num')::int >= 110000",
                   NULL);
  int32_t status = fhx__postgres_ask(table, &request, &result, error);
  if (status == FHX_OK && PQntuples(result) != 1) {
    status = fhx__fail(error, FHX_ERR_UNSUPPORTED,
                       "the source needs PostgreSQL 11 or newer, and a database whose encoding is "
                       "UTF8");
  }
  PQclear(result);
  fhx__request_free(&request);
  return status;
}

static int32_t check_options(const fhx_postgres_source_options *options, fhx_error **error) {
  const char *what = NULL;
  if (options->conninfo == NULL || *options->conninfo == '\0') {
    what = "a PostgreSQL source needs a conninfo";
  } else if (options->connections_max > LINKS_MAX) {
    what = "the source's connections_max is above 1000";
  } else if (options->stamp_resolution_us < 0) {
    what = "stamp_resolution_us is below 0";
  } else if (options->patience_us < 0) {
    what = "patience_us is below 0";
  } else if ((options->valid_from_column == NULL) != (options->valid_to_column == NULL)) {
    what = "valid_from_column and valid_to_column belong together";
  } else if (options->deleted_column != NULL && options->valid_from_column == NULL) {
    what = "deleted_column needs valid_from_column and valid_to_column";
  }
  if (what != NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "%s", what);
  return fhx__libpq_check(options->conninfo, "source", error);
}

static int32_t open_table(fhx__postgres_table *table, const fhx_postgres_source_options *options,
                          fhx_error **error) {
  const uint32_t links_max = options->connections_max;
  int32_t status = copy_names(table, options, error);
  if (status != FHX_OK) return status;
  status =
      fhx__libpq_pool_init(&table->pool, options->conninfo, links_max == 0 ? LINKS_MAX : links_max);
  if (status != FHX_OK) return fhx__no_memory(error);
  table->has_pool = true;
  status = check_server(table, error);
  if (status == FHX_OK) status = look_at_resources(table, error);
  if (status == FHX_OK && table->deletions != NULL) status = look_at_deletions(table, error);
  if (status == FHX_OK && table->patients != NULL) status = look_at_patients(table, error);
  return status;
}

int32_t fhx__postgres_table_new(const fhx_postgres_source_options *options,
                                fhx__postgres_table **table, fhx_error **error) {
  int32_t status = check_options(options, error);
  if (status != FHX_OK) return status;
  fhx__postgres_table *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  if (fhx__kept_count_init(&made->kept) != FHX_OK) {
    fhx__free(made);
    return fhx__no_memory(error);
  }
  made->rows_max = options->rows_max;
  made->resolution_us = options->stamp_resolution_us;
  if (made->resolution_us == 0) made->resolution_us = DEFAULT_RESOLUTION_US;
  made->patience_us = options->patience_us == 0 ? DEFAULT_PATIENCE_US : options->patience_us;
  if (made->patience_us < PATIENCE_MIN_US) made->patience_us = PATIENCE_MIN_US;
  status = open_table(made, options, error);
  if (status != FHX_OK) {
    fhx__postgres_table_free(made);
    return status;
  }
  *table = made;
  return FHX_OK;
}
