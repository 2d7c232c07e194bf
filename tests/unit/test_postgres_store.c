/* The PostgreSQL store: its options, its tables and their versions, other transactions, threads,
   and every allocation failing. What becomes of it when connections are lost is in
   test_postgres_loss.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/clock.h"
#include "postgres_place.h"
#include "store/handle.h"
#include "store/postgres_store.h"
#include "store_work.h"
#include "support/memory.h"
#include "support/require.h"

#define SECRET "hunter2secret"

/* --- options and connections --- */

static int32_t open_with(const char *conninfo, const char *schema, fhx_error **error) {
  fhx_postgres_store_options options;
  fhx_store *store = (fhx_store *)1;
  FHX_INIT(&options);
  options.conninfo = conninfo;
  options.schema = schema;
  const int32_t status = fhx_postgres_store_new(&options, &store, error);
  if (status != FHX_OK) assert_null(store);
  if (status == FHX_OK) fhx_store_free(store);
  return status;
}

static void assert_refused(const char *conninfo, const char *schema, int32_t status,
                           uint32_t retryable, const char *words) {
  fhx_error *error = NULL;
  assert_int_equal(open_with(conninfo, schema, &error), status);
  const char *message = fhx_error_message(error);
  if (strstr(message, words) == NULL) fail_msg("%s", message);
  assert_null(strstr(message, SECRET));
  assert_int_equal(fhx_error_retryable(error), retryable);
  fhx_error_free(error);
}

static void bad_options_are_refused(void **state) {
  place at;
  fhx_postgres_store_options options;
  fhx_store *store = NULL;
  char long_name[66];
  (void)state;
  place_new(&at);
  assert_refused(NULL, NULL, FHX_ERR_ARGUMENT, 0, "needs a conninfo");
  assert_refused("", NULL, FHX_ERR_ARGUMENT, 0, "needs a conninfo");
  assert_refused("password=" SECRET " nonsense", NULL, FHX_ERR_ARGUMENT, 0, "libpq can read");
  assert_refused("postgresql://u:" SECRET "@[::1/x", NULL, FHX_ERR_ARGUMENT, 0, "libpq can read");
  static const char *const names[] = {"", "1a", "a b", "a\"b", "a;b", "a.b", "\xC3\xA9"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    assert_refused(at.conninfo, names[i], FHX_ERR_ARGUMENT, 0, "schema");
  }
  memset(long_name, 'x', sizeof long_name);
  long_name[64] = '\0';
  assert_refused(at.conninfo, long_name, FHX_ERR_ARGUMENT, 0, "schema");
  FHX_INIT(&options);
  options.conninfo = at.conninfo;
  assert_int_equal(fhx_postgres_store_new(&options, NULL, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_postgres_store_new(NULL, &store, NULL), FHX_ERR_ARGUMENT);
  options.flags = 1;
  assert_int_equal(fhx_postgres_store_new(&options, &store, NULL), FHX_ERR_ARGUMENT);
  options.flags = 0;
  options.connections_max = 1001;
  assert_int_equal(fhx_postgres_store_new(&options, &store, NULL), FHX_ERR_ARGUMENT);
}

static void who_is_not_let_in_hears_why(void **state) {
  place at;
  char conninfo[300];
  (void)state;
  place_new(&at);
  place_sql(&at, "CREATE ROLE guarded LOGIN PASSWORD 'another'");
  test_postgres_let_in(place_server(), "local all guarded scram-sha-256");
  const char *folder = place_server()->folder;
  snprintf(conninfo, sizeof conninfo, "host=%s user=guarded dbname=postgres password=" SECRET,
           folder);
  /* The server reads the new rule in its own time. */
  for (int i = 0; i < 500 && open_with(conninfo, at.schema, NULL) == FHX_OK; i++) {
    fhx__clock_sleep_us(10000);
  }
  assert_refused(conninfo, at.schema, FHX_ERR_STORE, 0,
                 "the database does not let this user in (SQLSTATE 28P01)");
  snprintf(conninfo, sizeof conninfo, "host=%s user=fhx dbname=%s", folder, SECRET);
  assert_refused(conninfo, at.schema, FHX_ERR_STORE, 0, "no such database (SQLSTATE 3D000)");
  snprintf(conninfo, sizeof conninfo, "host=%s user=%s", folder, SECRET);
  assert_refused(conninfo, at.schema, FHX_ERR_STORE, 0, "(SQLSTATE 28000)");
  snprintf(conninfo, sizeof conninfo, "postgresql://fhx:%s@127.0.0.1:1/postgres", SECRET);
  assert_refused(conninfo, at.schema, FHX_ERR_STORE, 1, "the database cannot be reached");
  snprintf(conninfo, sizeof conninfo,
           "host=%s user=fhx dbname=postgres sslmode=require password=%s", "127.0.0.1 port=1",
           SECRET);
  assert_refused(conninfo, at.schema, FHX_ERR_STORE, 1, "the database cannot be reached");
  /* Who may log in, but not make tables. */
  place_sql(&at, "CREATE ROLE poor LOGIN");
  snprintf(conninfo, sizeof conninfo, "host=%s user=poor dbname=postgres", folder);
  assert_refused(conninfo, at.schema, FHX_ERR_STORE, 0, "lacks a privilege (SQLSTATE 42501)");
  place_sql(&at, "CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0");
  snprintf(conninfo, sizeof conninfo, "host=%s user=fhx dbname=narrow", folder);
  assert_refused(conninfo, at.schema, FHX_ERR_UNSUPPORTED, 0, "UTF8");
}

/* Whoever has the rows' privileges needs none on the schema once it is there. */
static void a_user_without_create_can_use_the_tables(void **state) {
  place at;
  char sql[600];
  (void)state;
  place_new(&at);
  fhx_store_free(place_open(&at));
  snprintf(sql, sizeof sql,
           "CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA \"%s\" TO clerk;"
           "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"%s\" TO clerk;",
           at.schema, at.schema);
  place_sql(&at, sql);
  place as_clerk = at;
  snprintf(as_clerk.conninfo, sizeof as_clerk.conninfo,
           "host=%s user=clerk dbname=postgres application_name=ward7", place_server()->folder);
  fhx_store *store = place_open(&as_clerk);
  work_begin(store, 1);
  assert_int_equal(
      place_sql(&at, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ward7'"), 1);
  fhx_store_free(store);
  place_drop(&at);
}

static void a_place_for_the_default_schema(void **state) {
  place at;
  (void)state;
  place_new(&at);
  assert_int_equal(open_with(at.conninfo, NULL, NULL), FHX_OK);
  snprintf(at.schema, sizeof at.schema, "fhirexport");
  assert_int_equal(place_sql(&at, "SELECT version FROM store_version"), FHX__PG_SCHEMA_VERSION);
  place_drop(&at);
}

/* --- versions of the tables --- */

static void a_newer_schema_is_refused(void **state) {
  place at;
  fhx_error *error = NULL;
  (void)state;
  place_new(&at);
  fhx_store *store = place_open(&at);
  assert_int_equal(work_create(store), FHX_OK);
  place_sql(&at, "UPDATE store_version SET version = 99");
  assert_refused(at.conninfo, at.schema, FHX_ERR_UNSUPPORTED, 0, "schema version 99");
  /* A process that runs meanwhile finds out when it connects. */
  place_sql(&at,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'fhirexport'");
  assert_int_equal(fhx__store_remove_job(store, WORK_JOB, &error), FHX_ERR_STORE);
  assert_int_equal(fhx_error_retryable(error), 0);
  assert_non_null(strstr(fhx_error_message(error), "schema version"));
  fhx_error_free(error);
  place_sql(&at, "UPDATE store_version SET version = 3");
  assert_int_equal(fhx__store_remove_job(store, WORK_JOB, NULL), FHX_OK);
  fhx_store_free(store);
  place_drop(&at);
}

static void another_programs_tables_are_refused(void **state) {
  place at;
  char sql[100];
  (void)state;
  place_new(&at);
  snprintf(sql, sizeof sql, "CREATE SCHEMA \"%s\"", at.schema);
  place_sql(&at, sql);
  place_sql(&at, "CREATE TABLE part (id text)");
  assert_refused(at.conninfo, at.schema, FHX_ERR_STORE, 0, "tables of another program");
  assert_int_equal(place_sql(&at,
                             "SELECT count(*) FROM pg_class JOIN pg_namespace n"
                             " ON n.oid = relnamespace WHERE nspname = current_schema()"),
                   1);
  place_drop(&at);
}

static const char *const upgrades[] = {
    NULL,
    NULL,
    NULL,
    "ALTER TABLE job ADD COLUMN colour text NOT NULL DEFAULT 'grey';"
    "UPDATE store_version SET version = 4",
    "INSERT INTO member SELECT job_key, 1, 'added' FROM job; UPDATE store_version SET version = 5",
    "ALTER TABLE job DROP COLUMN colour; SELECT 1 / 0",
};

/* A store that is not opened yet. */
static void make_closed(const place *at, fhx__postgres *store) {
  memset(store, 0, sizeof *store);
  snprintf(store->schema, sizeof store->schema, "%s", at->schema);
  assert_int_equal(fhx__libpq_pool_init(&store->pool, at->conninfo, 1), FHX_OK);
}

static void *upgrade(void *user_data) {
  fhx__postgres store;
  make_closed(user_data, &store);
  const int32_t status = fhx__pg_set_up(&store, upgrades, 5, NULL);
  fhx__libpq_pool_end(&store.pool);
  return status == FHX_OK ? user_data : NULL;
}

static void older_tables_are_brought_up_to_date_once(void **state) {
  place at;
  pthread_t threads[4];
  fhx__postgres closed;
  fhx_error *error = NULL;
  (void)state;
  place_new(&at);
  fhx_store *store = place_open(&at);
  assert_int_equal(work_create(store), FHX_OK);
  fhx_store_free(store);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, upgrade, &at), 0);
  }
  for (int i = 0; i < 4; i++) {
    void *done = NULL;
    assert_int_equal(pthread_join(threads[i], &done), 0);
    assert_non_null(done);
  }
  assert_int_equal(place_sql(&at, "SELECT version FROM store_version"), 5);
  assert_int_equal(place_sql(&at, "SELECT count(*) FROM member WHERE member = 'added'"), 1);
  assert_int_equal(place_sql(&at, "SELECT count(*) FROM job WHERE colour = 'grey'"), 1);
  /* One that fails leaves the tables as they were. */
  make_closed(&at, &closed);
  assert_int_equal(fhx__pg_set_up(&closed, upgrades, 6, &error), FHX_ERR_STORE);
  assert_non_null(strstr(fhx_error_message(error), "SQLSTATE 22012"));
  fhx_error_free(error);
  fhx__libpq_pool_end(&closed.pool);
  assert_int_equal(place_sql(&at, "SELECT version FROM store_version"), 5);
  assert_int_equal(place_sql(&at, "SELECT count(*) FROM job WHERE colour = 'grey'"), 1);
  place_drop(&at);
}

/* Jobs that run in tables of the first version have a turn each, in the order they came; those that
   are over have none. */
static void jobs_of_the_first_version_have_turns(void **state) {
  static const char insert[] =
      "INSERT INTO job (job_id, state, created_us, transaction_time_us, resolution_us, tenant,"
      " client, request, definition) SELECT repeat(%s, 32), %d, created_us, transaction_time_us,"
      " resolution_us, tenant, client, request, definition FROM job LIMIT 1";
  place at;
  char sql[400];
  fhx__task_entry task = {0};
  int64_t wait_us = 0;
  (void)state;
  place_new(&at);
  fhx_store *store = place_open(&at);
  assert_int_equal(work_create(store), FHX_OK);
  fhx_store_free(store);
  place_sql(&at,
            "DROP TABLE turn; DROP INDEX job_identical, job_listed, job_listed_of_tenant,"
            " job_listed_of_client; ALTER TABLE job DROP COLUMN identity, DROP COLUMN parameters;"
            "ALTER TABLE part DROP COLUMN error_count, DROP COLUMN warning_count;"
            "UPDATE store_version SET version = 1");
  snprintf(sql, sizeof sql, insert, "'a'", 1);
  place_sql(&at, sql);
  snprintf(sql, sizeof sql, insert, "'b'", 2);
  place_sql(&at, sql);
  place_sql(
      &at,
      "INSERT INTO task (job_key, task_index, phase, resource_type, shard_index,"
      " estimated_resources) SELECT job_key, 0, 0, '', 0, 0 FROM job WHERE job_id <> '" WORK_JOB
      "'");
  store = place_open(&at);
  assert_int_equal(fhx__store_claim_task(store, NULL, "1", 1000000, 9, &task, &wait_us, NULL), 0);
  assert_string_equal(task.record.job_id, WORK_JOB);
  assert_int_equal(fhx__store_claim_task(store, NULL, "2", 1000000, 9, &task, &wait_us, NULL), 0);
  assert_string_equal(task.record.job_id, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  assert_int_equal(fhx__store_claim_task(store, NULL, "3", 1000000, 9, &task, &wait_us, NULL),
                   FHX_WAIT);
  fhx__task_entry_free(&task);
  fhx_store_free(store);
  place_drop(&at);
}

#define OPENERS 8

static void *open_along(void *user_data) {
  fhx_store *store = NULL;
  return place_try_open(user_data, NULL, NULL, &store, NULL) == FHX_OK ? store : NULL;
}

static void a_new_schema_can_be_opened_by_all_at_once(void **state) {
  (void)state;
  for (int round = 0; round < 3; round++) {
    place at;
    pthread_t threads[OPENERS];
    void *stores[OPENERS];
    place_new(&at);
    for (int i = 0; i < OPENERS; i++) {
      assert_int_equal(pthread_create(&threads[i], NULL, open_along, &at), 0);
    }
    for (int i = 0; i < OPENERS; i++) assert_int_equal(pthread_join(threads[i], &stores[i]), 0);
    for (int i = 0; i < OPENERS; i++) assert_non_null(stores[i]);
    assert_int_equal(work_create(stores[0]), FHX_OK);
    for (int i = 1; i < OPENERS; i++) assert_int_equal(work_create(stores[i]), FHX_ERR_EXISTS);
    for (int i = 0; i < OPENERS; i++) fhx_store_free(stores[i]);
    place_drop(&at);
  }
}

/* --- the statements --- */

static void write_explain(char *sql, size_t size, const char *text) {
  int count = 0;
  for (const char *at = text; (at = strchr(at, '$')) != NULL; at++) {
    const int number = atoi(at + 1);
    if (number > count) count = number;
  }
  int len = snprintf(sql, size, "DEALLOCATE ALL; PREPARE tried AS %s; EXPLAIN EXECUTE tried", text);
  for (int i = 1; i <= count; i++) {
    len += snprintf(sql + len, size - (size_t)len, "%sNULL%s", i == 1 ? "(" : ", ",
                    i == count ? ")" : "");
  }
}

/* No step reads through a table: 10,000 jobs cost no more than one. Pages alone are sorted, each as
   long as it may be. */
static void statements_use_indexes(void **state) {
  place at;
  static char sql[8000];
  (void)state;
  place_new(&at);
  fhx_store_free(place_open(&at));
  fhx__postgres closed;
  fhx__pg_step step;
  make_closed(&at, &closed);
  fhx__pg_step_begin(&step, &closed, INT64_C(10000000));
  assert_true(fhx__pg_take_link(&step));
  assert_true(fhx__pg_execute(&step, "SET plan_cache_mode = force_generic_plan"));
  for (int i = 0; i < FHX__PG_COUNT; i++) {
    write_explain(sql, sizeof sql, fhx__pg_texts[i]);
    if (!fhx__pg_execute(&step, sql)) fail_msg("%s: %s", fhx__pg_texts[i], step.sqlstate);
    for (int row = 0; row < PQntuples(step.result); row++) {
      const char *line = PQgetvalue(step.result, row, 0);
      /* A "Sort Key" may be that of a merge, which reads what is sorted already. */
      const bool sorts = strstr(line, "Sort  (") != NULL && i != FHX__PG_PAGE_LIST;
      if (strstr(line, "Seq Scan") != NULL || sorts) fail_msg("%s: %s", fhx__pg_texts[i], line);
    }
  }
  fhx__pg_return_link(&step, true);
  fhx__pg_step_end(&step);
  fhx__libpq_pool_end(&closed.pool);
  place_drop(&at);
}

/* Whatever the database, the role or the connection string say. */
static void a_commit_is_durable(void **state) {
  place at;
  fhx__postgres closed;
  fhx__pg_step step;
  static const char *const asked[] = {"off", "local", "on", "remote_apply"};
  static const char *const got[] = {"on", "on", "on", "remote_apply"};
  (void)state;
  for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
    place_new(&at);
    snprintf(at.conninfo + strlen(at.conninfo), sizeof at.conninfo - strlen(at.conninfo),
             " options='-c synchronous_commit=%s -c default_transaction_read_only=on'", asked[i]);
    make_closed(&at, &closed);
    fhx__pg_step_begin(&step, &closed, INT64_C(10000000));
    assert_true(fhx__pg_take_link(&step));
    assert_true(fhx__pg_execute(&step, "SHOW synchronous_commit"));
    assert_string_equal(PQgetvalue(step.result, 0, 0), got[i]);
    fhx__pg_return_link(&step, true);
    fhx__pg_step_end(&step);
    fhx__libpq_pool_end(&closed.pool);
  }
  fhx_store *store = place_open(&at);
  assert_int_equal(work_create(store), FHX_OK);
  fhx_store_free(store);
}

static void a_step_that_breaks_changes_nothing(void **state) {
  place at;
  (void)state;
  place_new(&at);
  fhx_store *store = place_open(&at);
  work_begin(store, 1);
  /* Two parts of one number: the second one's row cannot be. */
  const fhx_part parts[2] = {work_part(1, 1, 1), work_part(1, 1, 1)};
  fhx_checkpoint checkpoint = {.job_id = WORK_JOB,
                               .task_index = 1,
                               .fence = 1,
                               .seq = 1,
                               .next_seq = 3,
                               .parts = parts,
                               .part_count = 2,
                               .done = 1};
  fhx_error *error = NULL;
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, &error), FHX_ERR_STORE);
  assert_int_equal(fhx_error_retryable(error), 0);
  assert_non_null(strstr(fhx_error_message(error), "SQLSTATE 23505"));
  fhx_error_free(error);
  assert_int_equal(work_assert_whole(store, 1), 1);
  /* More than a database integer holds, at once and added up. */
  checkpoint.part_count = 1;
  checkpoint.next_seq = 2;
  checkpoint.resource_count = UINT64_MAX;
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, NULL), FHX_ERR_STORE);
  assert_int_equal(work_assert_whole(store, 1), 1);
  assert_int_equal(work_advance(store, 1, 1, 1, 0, NULL), FHX_OK);
  checkpoint.seq = 2;
  checkpoint.next_seq = 3;
  checkpoint.part_count = 0;
  checkpoint.resource_count = INT64_MAX;
  assert_int_equal(fhx__store_record_checkpoint(store, &checkpoint, NULL), FHX_ERR_STORE);
  assert_int_equal(work_assert_whole(store, 1), 2);
  assert_int_equal(work_advance(store, 1, 1, 2, 1, NULL), FHX_OK);
  fhx_store_free(store);
  place_drop(&at);
}

static void damaged_records_are_not_passed_on(void **state) {
  place at;
  fhx__task_entry task = {0};
  (void)state;
  place_new(&at);
  fhx_store *store = place_open(&at);
  work_begin(store, 2);
  place_sql(&at, "UPDATE task SET resource_type = 'no type' WHERE task_index = 2");
  assert_int_equal(fhx__store_read_task(store, WORK_JOB, 2, &task, NULL), FHX_ERR_STORE);
  assert_int_equal(work_claim(store, "x", WORK_LEASE_US, &task), FHX_ERR_STORE);
  place_sql(&at, "UPDATE task SET resource_type = 'Group' WHERE task_index = 2");
  /* The claim that could not be answered was not taken. */
  assert_int_equal(work_claim(store, "y", WORK_LEASE_US, &task), FHX_OK);
  assert_int_equal(task.record.fence, 1);
  fhx__task_entry_free(&task);
  fhx_store_free(store);
  place_drop(&at);
}

static void the_databases_clock_is_the_default(void **state) {
  place at;
  fhx__job_entry job = {0};
  static const char now[] = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8";
  (void)state;
  place_new(&at);
  fhx_store *store = place_open(&at);
  const int64_t before_us = place_sql(&at, now);
  assert_int_equal(work_create(store), FHX_OK);
  assert_int_equal(fhx__store_read_job(store, WORK_JOB, &job, NULL), FHX_OK);
  assert_true(job.record.created_us >= before_us);
  assert_true(job.record.created_us <= place_sql(&at, now));
  fhx__job_entry_free(&job);
  fhx_store_free(store);
  place_drop(&at);
}

/* --- other transactions, other threads --- */

static PGconn *begin_elsewhere(const place *at, const char *sql) {
  char path[128];
  PGconn *raw = PQconnectdb(at->conninfo);
  snprintf(path, sizeof path, "SET search_path = \"%s\"; BEGIN", at->schema);
  PQclear(PQexec(raw, path));
  PGresult *result = PQexec(raw, sql);
  assert_true(PQresultStatus(result) == PGRES_TUPLES_OK);
  PQclear(result);
  return raw;
}

static void assert_told_to_come_again(int32_t status, fhx_error *error, const char *words) {
  assert_int_equal(status, FHX_ERR_STORE);
  assert_int_equal(fhx_error_retryable(error), 1);
  if (strstr(fhx_error_message(error), words) == NULL) fail_msg("%s", fhx_error_message(error));
  fhx_error_free(error);
}

static void who_is_in_the_way_is_waited_for_not_for_ever(void **state) {
  place at;
  fhx_store view;
  fhx_error *error = NULL;
  fhx__job_entry job = {0};
  fhx_postgres_store_options options;
  (void)state;
  place_new(&at);
  fhx_store *store = place_open(&at);
  work_begin(store, 1);
  PGconn *raw = begin_elsewhere(&at, "SELECT 1 FROM job FOR UPDATE");
  fhx__store_view(store, fhx__clock_monotonic_us() + 10000, &view);
  int32_t status = fhx__store_remove_job(&view, WORK_JOB, &error);
  assert_told_to_come_again(status, error, "another step took too long (SQLSTATE 55P03)");
  /* Readers go on meanwhile. */
  assert_int_equal(fhx__store_read_job(&view, WORK_JOB, &job, NULL), FHX_OK);
  assert_int_equal(job.record.state, FHX_JOB_RUNNING);
  fhx__job_entry_free(&job);
  PQfinish(raw);
  assert_int_equal(fhx__store_remove_job(store, WORK_JOB, NULL), FHX_OK);
  fhx_store_free(store);
  /* With one connection, which somebody else has. */
  FHX_INIT(&options);
  options.conninfo = at.conninfo;
  options.schema = at.schema;
  options.connections_max = 1;
  assert_int_equal(fhx_postgres_store_new(&options, &store, NULL), FHX_OK);
  fhx__pg_step taken;
  fhx__pg_step_begin(&taken, store->user_data, INT64_C(10000000));
  assert_true(fhx__pg_take_link(&taken));
  fhx__store_view(store, fhx__clock_monotonic_us() + 10000, &view);
  error = NULL;
  status = fhx__store_read_job(&view, WORK_JOB, &job, &error);
  assert_told_to_come_again(status, error, "no connection to the database came free");
  fhx__pg_return_link(&taken, true);
  fhx__pg_step_end(&taken);
  assert_int_equal(fhx__store_read_job(&view, WORK_JOB, &job, NULL), FHX_OK);
  fhx__job_entry_free(&job);
  fhx_store_free(store);
  place_drop(&at);
}

static void *renew_along(void *user_data) {
  const int32_t status =
      fhx__store_renew_task(user_data, WORK_JOB, 1, 1, 5, 0, WORK_LEASE_US, NULL);
  return status == FHX_OK ? user_data : NULL;
}

/* Somebody else's transaction takes its locks the other way round: the database ends one of the
   two, and the step is taken again. */
static void a_deadlock_is_gone_through(void **state) {
  place at;
  pthread_t thread;
  void *renewed = NULL;
  (void)state;
  place_new(&at);
  fhx_store *store = place_open(&at);
  work_begin(store, 1);
  PGconn *raw = begin_elsewhere(&at, "SELECT 1 FROM task WHERE task_index = 1 FOR UPDATE");
  assert_int_equal(pthread_create(&thread, NULL, renew_along, store), 0);
  while (place_sql(&at, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 0) {
    fhx__clock_sleep_us(5000);
  }
  PQclear(PQexec(raw, "UPDATE job SET cleanup_due = 0"));
  PQfinish(raw);
  assert_int_equal(pthread_join(thread, &renewed), 0);
  assert_ptr_equal(renewed, store);
  fhx_store_free(store);
  assert_int_equal(place_sql(&at, "SELECT last_seq FROM attempt WHERE task_index = 1"), 5);
  /* The database counts in its own time. */
  long long deadlocks = 0;
  for (int i = 0; i < 2000 && deadlocks == 0; i++) {
    fhx__clock_sleep_us(5000);
    deadlocks = place_sql(&at,
                          "SELECT deadlocks FROM pg_stat_database"
                          " WHERE datname = current_database()");
  }
  assert_true(deadlocks > 0);
  place_drop(&at);
}

static void racers_never_share_a_fence(void **state) {
  place at;
  fhx_store *stores[2];
  (void)state;
  place_new(&at);
  work_race *shared = work_race_new();
  for (int i = 0; i < 2; i++) {
    assert_int_equal(place_try_open(&at, work_race_clock, shared, &stores[i], NULL), FHX_OK);
  }
  work_race_run(shared, stores[0], stores[1], 8);
  fhx_store_free(stores[0]);
  fhx_store_free(stores[1]);
  place_drop(&at);
}

#define CLAIMERS 8
#define CLAIM_TASKS 16

typedef struct claimer {
  fhx_store *store;
  int number;
  pthread_t thread;
  atomic_int *given;
  int32_t status;
} claimer;

/* Of any job, until every task is somebody's. */
static void *claim_all(void *user_data) {
  claimer *self = user_data;
  for (int i = 0; self->status == FHX_OK; i++) {
    char claim_id[32];
    fhx__task_entry task = {0};
    int64_t wait_us = 0;
    snprintf(claim_id, sizeof claim_id, "%d-%d", self->number, i);
    self->status =
        fhx__store_claim_task(self->store, NULL, claim_id, WORK_LEASE_US, 3, &task, &wait_us, NULL);
    if (self->status == FHX_OK) atomic_fetch_add(&self->given[task.record.task_index], 1);
    fhx__task_entry_free(&task);
  }
  return NULL;
}

static void a_task_is_given_to_one_only(void **state) {
  place at;
  claimer claimers[CLAIMERS];
  atomic_int given[CLAIM_TASKS + 1];
  (void)state;
  place_new(&at);
  fhx_store *stores[2] = {place_open(&at), place_open(&at)};
  fhx__task_entry task = {0};
  for (int i = 0; i <= CLAIM_TASKS; i++) atomic_init(&given[i], 0);
  assert_int_equal(work_create(stores[0]), FHX_OK);
  assert_int_equal(work_claim(stores[1], "planner", WORK_LEASE_US, &task), FHX_OK);
  assert_int_equal(work_plan(stores[0], 1, CLAIM_TASKS), FHX_OK);
  fhx__task_entry_free(&task);
  for (int i = 0; i < CLAIMERS; i++) {
    claimers[i] = (claimer){.store = stores[i % 2], .number = i, .given = given};
    assert_int_equal(pthread_create(&claimers[i].thread, NULL, claim_all, &claimers[i]), 0);
  }
  for (int i = 0; i < CLAIMERS; i++) {
    assert_int_equal(pthread_join(claimers[i].thread, NULL), 0);
    assert_int_equal(claimers[i].status, FHX_WAIT);
  }
  /* Who found all that was left in others' hands has gone, so a few may still be free. */
  while (work_claim(stores[0], "last", WORK_LEASE_US, &task) == FHX_OK) {
    atomic_fetch_add(&given[task.record.task_index], 1);
    assert_int_equal(fhx__store_release_task(stores[0], WORK_JOB, task.record.task_index, 1,
                                             FHX_RELEASE_FAIL, 3, FHX_ERR_IO, "", NULL),
                     FHX_OK);
  }
  fhx__task_entry_free(&task);
  for (int i = 1; i <= CLAIM_TASKS; i++) assert_in_range(atomic_load(&given[i]), 0, 1);
  assert_int_equal(place_sql(&at, "SELECT count(*) FROM attempt WHERE fence > 1"), 0);
  assert_in_range(
      place_sql(&at, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fhirexport'"),
      2, 16);
  fhx_store_free(stores[0]);
  fhx_store_free(stores[1]);
  place_drop(&at);
}

/* --- out of memory --- */

static int32_t open_near(void *context, fhx_store **store) {
  return place_try_open(context, NULL, NULL, store, NULL);
}

static void every_allocation_may_fail(void **state) {
  place at;
  uint64_t number = 0;
  (void)state;
  place_new(&at);
  fhx_store_free(place_open(&at));
  do {
    /* Every one of the first; then in growing steps, since the same places come again. */
    number += 1 + number / (test_is_quick() ? 10 : 40);
    test_memory_begin(number);
    work_live(open_near, &at);
  } while (test_memory_end());
  assert_in_range(number, 40, 1000);
  place_drop(&at);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_options_are_refused),
      cmocka_unit_test(who_is_not_let_in_hears_why),
      cmocka_unit_test(a_user_without_create_can_use_the_tables),
      cmocka_unit_test(a_place_for_the_default_schema),
      cmocka_unit_test(a_newer_schema_is_refused),
      cmocka_unit_test(another_programs_tables_are_refused),
      cmocka_unit_test(older_tables_are_brought_up_to_date_once),
      cmocka_unit_test(jobs_of_the_first_version_have_turns),
      cmocka_unit_test(a_new_schema_can_be_opened_by_all_at_once),
      cmocka_unit_test(statements_use_indexes),
      cmocka_unit_test(a_commit_is_durable),
      cmocka_unit_test(a_step_that_breaks_changes_nothing),
      cmocka_unit_test(damaged_records_are_not_passed_on),
      cmocka_unit_test(the_databases_clock_is_the_default),
      cmocka_unit_test(who_is_in_the_way_is_waited_for_not_for_ever),
      cmocka_unit_test(a_deadlock_is_gone_through),
      cmocka_unit_test(racers_never_share_a_fence),
      cmocka_unit_test(a_task_is_given_to_one_only),
      cmocka_unit_test(every_allocation_may_fail),
  };
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const int failures = cmocka_run_group_tests_name("postgres store", tests, NULL, NULL);
  place_end();
  return failures;
}
