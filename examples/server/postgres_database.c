/*
 * The resources in PostgreSQL, for any number of servers. Writes go through one connection under
 * one mutex; reads have connections of their own.
 *
 * The clock is that of sqlite_database.c: who writes raises clock.last_us in its transaction, and
 * whoever asks for the time does too, so that both wait for transactions that have a stamp and are
 * not committed yet. A time that an export was given divides all writes for good.
 *
 * The source of exports is the library's own over a table: as of its time, each cursor reads the
 * versions that were valid then.
 */
#include "postgres_database.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database_kind.h"
#include "patients.h"
#include "postgres_bulk.h"
#include "postgres_connection.h"

#define IDLE_MAX 16
/* A number's digits. */
#define DIGITS_MAX 24

/* What is valid now is valid to the end of time. */
#define FOREVER "9223372036854775807"

/* One server at a time comes behind the lock; the others find the tables made. Rows stay whole up
   to 8 KB: most resources are read without a second look-up. */
static const char schema[] =
    "BEGIN;"
    "SELECT pg_advisory_xact_lock(1179146312);"
    "DO $$ BEGIN IF to_regclass('fhir.clock') IS NULL THEN"
    " CREATE SCHEMA IF NOT EXISTS fhir;"
    " CREATE TABLE fhir.resource_version("
    "  type text COLLATE \"C\" NOT NULL, id text COLLATE \"C\" NOT NULL, version bigint NOT NULL,"
    "  updated_us bigint NOT NULL, valid_from bigint NOT NULL, valid_to bigint NOT NULL,"
    "  deleted boolean NOT NULL, json text, PRIMARY KEY(type, id, version))"
    "  WITH (toast_tuple_target = 8160);"
    " CREATE INDEX version_by_update ON fhir.resource_version(type, updated_us);"
    " CREATE INDEX deleted_version ON fhir.resource_version(type, id) WHERE deleted;"
    " CREATE TABLE fhir.patient_resource("
    "  type text COLLATE \"C\" NOT NULL, id text COLLATE \"C\" NOT NULL,"
    "  patient text COLLATE \"C\" NOT NULL, PRIMARY KEY(patient, type, id));"
    " CREATE INDEX patient_of_resource ON fhir.patient_resource(type, id, patient);"
    " CREATE TABLE fhir.clock("
    "  one integer PRIMARY KEY CHECK(one = 1), last_us bigint NOT NULL);"
    " INSERT INTO fhir.clock VALUES(1, 0);"
    "END IF; END $$;"
    "COMMIT;";

static const char take_time[] =
    "UPDATE fhir.clock SET last_us ="
    " greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, last_us + 1)"
    " RETURNING last_us";

/* Of the writer; "write" is for what there is already: new resources go by COPY. */
struct statement {
  const char *name;
  const char *sql;
};

static const struct statement statements[] = {
    {"look",
     "SELECT version, updated_us, deleted FROM fhir.resource_version"
     " WHERE type = $1 AND id = $2 ORDER BY version DESC LIMIT 1"},
    {"write",
     "WITH closed AS (UPDATE fhir.resource_version SET valid_to = $5"
     "  WHERE type = $1 AND id = $2 AND version = $3::bigint - 1),"
     " added AS (INSERT INTO fhir.resource_version"
     "  VALUES ($1, $2, $3, $4, $5, " FOREVER ", $6::text IS NULL, $6))"
     " INSERT INTO fhir.patient_resource SELECT $1, $2, p FROM unnest($7::text[]) AS p"
     " ON CONFLICT DO NOTHING"},
};
#define STATEMENT_COUNT (sizeof statements / sizeof *statements)

struct postgres_database {
  struct database base;
  char *url;
  pthread_mutex_t idle_mutex;
  PGconn *idle[IDLE_MAX];
  size_t idle_count;
  /* The rest of this group is under it. NULL: the writer's connection was lost. */
  pthread_mutex_t write_mutex;
  PGconn *writer;
  int64_t stamp_us;
  struct pg_bulk bulk;
};

static struct postgres_database *postgres_of(struct database *database) {
  return (struct postgres_database *)database;
}

static struct pg_value value_of(const char *text) {
  return (struct pg_value){text, 0, false};
}

/* --- reading --- */

/* Runs a statement on a connection that is idle or, if that was lost meanwhile, on a new one. */
static PGresult *ask(struct postgres_database *database, const char *sql,
                     const struct pg_value *values, int count) {
  PGresult *result = NULL;
  bool is_lost = true;
  while (result == NULL && is_lost) {
    PGconn *connection = NULL;
    pthread_mutex_lock(&database->idle_mutex);
    if (database->idle_count > 0) connection = database->idle[--database->idle_count];
    pthread_mutex_unlock(&database->idle_mutex);
    const bool was_idle = connection != NULL;
    if (!was_idle) connection = pg_connect(database->url, NULL);
    if (connection == NULL) return NULL;
    result = pg_run(connection, sql, values, count);
    is_lost = was_idle && PQstatus(connection) != CONNECTION_OK;
    pthread_mutex_lock(&database->idle_mutex);
    if (PQstatus(connection) == CONNECTION_OK && database->idle_count < IDLE_MAX) {
      database->idle[database->idle_count++] = connection;
      connection = NULL;
    }
    pthread_mutex_unlock(&database->idle_mutex);
    PQfinish(connection);
  }
  return result;
}

static void read_facts(const PGresult *result, struct stored *stored) {
  stored->version = pg_number(result, 0);
  stored->updated_us = pg_number(result, 1);
  stored->deleted = *PQgetvalue(result, 0, 2) == 't';
}

static enum result postgres_read(struct database *database, const char *type, const char *id,
                                 struct stored *stored) {
  static const char sql[] =
      "SELECT version, updated_us, deleted, json FROM fhir.resource_version"
      " WHERE type = $1 AND id = $2 ORDER BY version DESC LIMIT 1";
  const struct pg_value values[] = {value_of(type), value_of(id)};
  PGresult *result = ask(postgres_of(database), sql, values, 2);
  if (result == NULL) return FAILED;
  const bool is_there = PQntuples(result) == 1;
  if (is_there) {
    read_facts(result, stored);
    text_add(&stored->json, PQgetvalue(result, 0, 3), (size_t)PQgetlength(result, 0, 3));
  }
  PQclear(result);
  if (stored->json.failed) return FAILED;
  return is_there ? DONE : NONE;
}

static enum result postgres_next_type(struct database *database, char type[TYPE_MAX + 1]) {
  static const char sql[] =
      "SELECT type FROM fhir.resource_version WHERE type > $1 ORDER BY type LIMIT 1";
  const struct pg_value values[] = {value_of(type)};
  PGresult *result = ask(postgres_of(database), sql, values, 1);
  if (result == NULL) return FAILED;
  const bool is_there = PQntuples(result) == 1;
  if (is_there) snprintf(type, TYPE_MAX + 1, "%s", PQgetvalue(result, 0, 0));
  PQclear(result);
  return is_there ? DONE : NONE;
}

static enum result postgres_find_groups(struct database *database, const struct group_query *query,
                                        found_group found, void *context) {
  static const char sql[] =
      "SELECT id, json FROM fhir.resource_version AS v"
      " WHERE type = 'Group' AND valid_to = " FOREVER
      " AND NOT deleted AND id > $1"
      " AND ($2::text IS NULL OR id = $2)"
      " AND ($3::text IS NULL OR starts_with(lower(json::jsonb->>'name'), lower($3)))"
      " AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM jsonb_array_elements("
      "  CASE jsonb_typeof(json::jsonb->'identifier') WHEN 'array' THEN json::jsonb->'identifier'"
      "  ELSE '[]' END) AS i WHERE i->>'value' = $4"
      "  AND ($5::text IS NULL OR coalesce(i->>'system', '') = $5)))"
      " ORDER BY id LIMIT $6::bigint";
  char count[DIGITS_MAX];
  bool done = true;
  snprintf(count, sizeof count, "%d", query->count_max);
  const struct pg_value values[] = {value_of(query->after),  value_of(query->id),
                                    value_of(query->name),   value_of(query->value),
                                    value_of(query->system), value_of(count)};
  PGresult *result = ask(postgres_of(database), sql, values, 6);
  if (result == NULL) return FAILED;
  for (int row = 0; done && row < PQntuples(result); row++) {
    done = found(context, PQgetvalue(result, row, 0), PQgetvalue(result, row, 1),
                 (size_t)PQgetlength(result, row, 1));
  }
  PQclear(result);
  return done ? DONE : FAILED;
}

/* --- writing --- */

static PGconn *open_writer(const char *url, struct text *problem) {
  PGconn *writer = pg_connect(url, problem);
  bool done = writer != NULL;
  for (size_t i = 0; done && i < STATEMENT_COUNT; i++) {
    PGresult *result = PQprepare(writer, statements[i].name, statements[i].sql, 0, NULL);
    done = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
  }
  if (done) return writer;
  PQfinish(writer);
  return NULL;
}

/* Begins on the writer's connection; on a new one if that was lost since. */
static bool begin_transaction(struct postgres_database *database) {
  if (database->writer != NULL && pg_execute(database->writer, "BEGIN")) return true;
  PQfinish(database->writer);
  database->writer = open_writer(database->url, NULL);
  return database->writer != NULL && pg_execute(database->writer, "BEGIN");
}

static enum result end(struct postgres_database *database, bool keep) {
  enum result result = DONE;
  if (keep && !pg_bulk_flush(&database->bulk, database->writer)) result = FAILED;
  pg_bulk_clear(&database->bulk);
  if (keep && result == DONE) {
    PGresult *answer = pg_run(database->writer, "COMMIT", NULL, 0);
    /* A transaction in which something failed is rolled back by COMMIT. */
    if (answer == NULL || strcmp(PQcmdStatus(answer), "COMMIT") != 0) result = FAILED;
    PQclear(answer);
  }
  if (PQtransactionStatus(database->writer) != PQTRANS_IDLE) {
    pg_execute(database->writer, "ROLLBACK");
  }
  pthread_mutex_unlock(&database->write_mutex);
  return result;
}

static enum result postgres_begin(struct database *base, int64_t *stamp_us) {
  struct postgres_database *database = postgres_of(base);
  pthread_mutex_lock(&database->write_mutex);
  if (!begin_transaction(database)) {
    pthread_mutex_unlock(&database->write_mutex);
    return FAILED;
  }
  PGresult *result = pg_run(database->writer, take_time, NULL, 0);
  const bool done = result != NULL && PQntuples(result) == 1;
  if (done) database->stamp_us = pg_number(result, 0);
  PQclear(result);
  if (!done) {
    end(database, false);
    return FAILED;
  }
  *stamp_us = database->stamp_us;
  return DONE;
}

static enum result postgres_end(struct database *database, bool keep) {
  return end(postgres_of(database), keep);
}

static enum result postgres_look(struct database *base, const char *type, const char *id,
                                 struct stored *stored) {
  struct postgres_database *database = postgres_of(base);
  const struct pg_value values[] = {value_of(type), value_of(id)};
  if (pg_bulk_has(&database->bulk, type, id) && !pg_bulk_flush(&database->bulk, database->writer)) {
    return FAILED;
  }
  PGresult *result = pg_run_prepared(database->writer, "look", values, 2);
  if (result == NULL) return FAILED;
  const bool is_there = PQntuples(result) == 1;
  if (is_there) read_facts(result, stored);
  PQclear(result);
  return is_there ? DONE : NONE;
}

/* The ids as an array of PostgreSQL's: they have no letters that would mean something in it. */
static void write_array(const struct patients *patients, struct text *array) {
  text_add_string(array, "{");
  for (size_t i = 0; i < patients->count; i++) {
    text_add_format(array, "%s\"%s\"", i == 0 ? "" : ",", patients->ids[i]);
  }
  text_add_string(array, "}");
}

static enum result write_version(struct postgres_database *database, const char *type,
                                 const char *id, int64_t version, int64_t updated_us,
                                 struct pg_value json, const char *patients) {
  char version_text[DIGITS_MAX], updated_text[DIGITS_MAX], stamp_text[DIGITS_MAX];
  snprintf(version_text, sizeof version_text, "%" PRId64, version);
  snprintf(updated_text, sizeof updated_text, "%" PRId64, updated_us);
  snprintf(stamp_text, sizeof stamp_text, "%" PRId64, database->stamp_us);
  const struct pg_value values[] = {
      value_of(type),       value_of(id), value_of(version_text), value_of(updated_text),
      value_of(stamp_text), json,         value_of(patients)};
  PGresult *result = pg_run_prepared(database->writer, "write", values, 7);
  PQclear(result);
  return result == NULL ? FAILED : DONE;
}

static enum result postgres_write(struct database *base, const char *type, const char *id,
                                  int64_t version, int64_t updated_us, const char *json,
                                  size_t len) {
  struct postgres_database *database = postgres_of(base);
  struct patients patients = {NULL, 0, 0, false};
  struct text array = {NULL, 0, 0, false};
  enum result result = FAILED;
  const bool is_known = json == NULL || patients_read(base->patient_rule, json, len, &patients);
  if (is_known && json != NULL && version == 1) {
    if (pg_bulk_add(&database->bulk, database->writer, type, id, updated_us, database->stamp_us,
                    json, len, &patients)) {
      result = DONE;
    }
  } else if (is_known) {
    write_array(&patients, &array);
    const struct pg_value text = {json, len, true};
    if (array.data != NULL && !array.failed) {
      result = write_version(database, type, id, version, updated_us, text, array.data);
    }
  }
  text_free(&array);
  patients_free(&patients);
  return result;
}

/* --- the source --- */

static int32_t postgres_open_source(struct database *database, uint64_t rows_max,
                                    fhx_source **source, fhx_error **error) {
  fhx_postgres_source_options options;
  FHX_INIT(&options);
  options.rows_max = rows_max;
  options.conninfo = postgres_of(database)->url;
  options.schema = "fhir";
  options.table = "resource_version";
  options.updated_column = "updated_us";
  options.valid_from_column = "valid_from";
  options.valid_to_column = "valid_to";
  options.deleted_column = "deleted";
  options.patient_table = "patient_resource";
  options.clock_sql = take_time;
  options.stamp_resolution_us = 1;
  return fhx_postgres_source_new(&options, source, error);
}

/* --- opening and closing --- */

static void postgres_close(struct database *base) {
  struct postgres_database *database = postgres_of(base);
  for (size_t i = 0; i < database->idle_count; i++) PQfinish(database->idle[i]);
  PQfinish(database->writer);
  pthread_mutex_destroy(&database->write_mutex);
  pthread_mutex_destroy(&database->idle_mutex);
  fhx_filter_free(database->base.patient_rule);
  pg_bulk_free(&database->bulk);
  free(database->url);
  free(database);
}

static const struct database_kind postgres_kind = {
    .close = postgres_close,
    .read = postgres_read,
    .next_type = postgres_next_type,
    .find_groups = postgres_find_groups,
    .begin = postgres_begin,
    .end = postgres_end,
    .look = postgres_look,
    .write = postgres_write,
    .open_source = postgres_open_source,
};

static bool make_tables(const char *url, struct text *problem) {
  PGconn *connection = pg_connect(url, problem);
  if (connection == NULL) return false;
  const bool done = pg_execute(connection, schema);
  if (!done) text_add_string(problem, "its tables cannot be made");
  PQfinish(connection);
  return done;
}

enum result postgres_database_open(const char *url, struct database **database,
                                   struct text *problem) {
  struct postgres_database *made = calloc(1, sizeof *made);
  if (made == NULL) return FAILED;
  made->base.kind = &postgres_kind;
  pthread_mutex_init(&made->idle_mutex, NULL);
  pthread_mutex_init(&made->write_mutex, NULL);
  made->url = strdup(url);
  if (made->url != NULL && fhx_filter_new(&made->base.patient_rule, NULL) == FHX_OK &&
      make_tables(url, problem)) {
    made->writer = open_writer(url, problem);
  }
  if (made->writer != NULL) {
    *database = &made->base;
    return DONE;
  }
  postgres_close(&made->base);
  return FAILED;
}
