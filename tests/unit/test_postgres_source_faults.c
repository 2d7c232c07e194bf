/* The PostgreSQL source when connections are cut, the server goes or does not answer, and when
   tokens and shards are made up. */
#include <stdio.h>

#include <unistd.h>

#include "core/error.h"
#include "support/cutting_proxy.h"
#include "support/require.h"
#include "unit/postgres_table.h"
#include "unit/source_walk.h"

/* --- a proxy between --- */

typedef struct far {
  char folder[TEST_PATH_MAX];
  char conninfo[TEST_PATH_MAX + 64];
  test_proxy *proxy;
} far;

static void far_new(far *at) {
  char path[TEST_PATH_MAX], server_path[128];
  test_folder_new(at->folder);
  test_path_join(path, at->folder, ".s.PGSQL.5432");
  snprintf(server_path, sizeof server_path, "%s/.s.PGSQL.5432", place_server()->folder);
  snprintf(at->conninfo, sizeof at->conninfo, "host=%s user=fhx dbname=postgres", at->folder);
  at->proxy = test_proxy_new(path, server_path);
}

static void far_free(far *at) {
  test_proxy_free(at->proxy);
  test_folder_remove(at->folder);
}

static fhx_source *far_open(const far *at, uint32_t connections_max) {
  fhx_postgres_source_options options = pg_options();
  options.conninfo = at->conninfo;
  options.connections_max = connections_max;
  options.patience_us = 1000000;
  return pg_open_with(&options);
}

/* The cursor's statement is lost, or its rows: retryable, and afterwards all is well. */
static void a_cut_cursor_is_retryable(void **state) {
  (void)state;
  static const test_cut cuts[] = {TEST_CUT_BEFORE, TEST_CUT_AFTER, TEST_CUT_SILENT};
  static walk seen;
  far at;
  far_new(&at);
  pg_make_patients(300);
  for (size_t i = 0; i < 3; i++) {
    fhx_error *error = NULL;
    fhx_source *source = far_open(&at, 0);
    test_proxy_cut(at.proxy, cuts[i], "ORDER BY r", 0);
    assert_int_equal(walk_run(&seen, source, &table_patients, 100, &error), FHX_ERR_SOURCE);
    assert_true(test_proxy_has_cut(at.proxy));
    assert_int_equal(fhx_error_retryable(error), 1);
    assert_non_null(strstr(fhx_error_message(error), cuts[i] == TEST_CUT_SILENT
                                                         ? "did not answer in time"
                                                         : "connection to the database was lost"));
    fhx_error_free(error);
    walk_clear(&seen);
    assert_int_equal(walk_run(&seen, source, &table_patients, 100, NULL), FHX_OK);
    assert_int_equal(seen.row_count, 300);
    walk_clear(&seen);
    fhx_source_free(source);
  }
  far_free(&at);
}

/* Between two calls the server was started anew: nobody notices. */
static void a_server_may_be_started_anew(void **state) {
  (void)state;
  static walk seen;
  fhx_reply reply;
  pg_make_patients(30);
  fhx_source *source = pg_open();
  for (int i = 0; i < 2; i++) {
    test_postgres_kill(place_server());
    test_postgres_start(place_server());
    if (i == 0) {
      assert_int_equal(walk_run(&seen, source, &table_patients, 100, NULL), FHX_OK);
      assert_int_equal(seen.row_count, 30);
      walk_clear(&seen);
    } else {
      assert_int_equal(fhx__source_list_types(source, &reply, NULL), FHX_OK);
      fhx__reply_end(&reply);
    }
  }
  fhx_source_free(source);
}

/* In the middle of a cursor: retryable; the next goes on behind the token. */
static void a_server_may_go_midway(void **state) {
  (void)state;
  static walk seen;
  fhx__cursor cursor;
  fhx__rows rows;
  fhx_error *error = NULL;
  int64_t wait_us = 0;
  uint64_t count = 0;
  char token[64];
  pg_make(
      TABLE
      "INSERT INTO resource SELECT 'Patient', 'p' || lpad(i::text, 5, '0'), 1, repeat('x', 5000)"
      " FROM generate_series(1, 4000) AS i");
  fhx_source *source = pg_open();
  fhx_query query = table_patients;
  assert_int_equal(fhx__source_open(source, &query, &cursor, NULL), FHX_OK);
  assert_int_equal(fhx__source_next(&cursor, 100000, &rows, &wait_us, NULL), FHX_OK);
  count = rows.row_count;
  query.token_len = rows.token_len;
  assert_in_range(rows.token_len, 1, sizeof token - 1);
  memcpy(token, rows.token, rows.token_len);
  query.token = token;
  test_postgres_kill(place_server());
  int32_t status = FHX_OK;
  while (status == FHX_OK) status = fhx__source_next(&cursor, 100000, &rows, &wait_us, &error);
  assert_int_equal(status, FHX_ERR_SOURCE);
  assert_int_equal(fhx_error_retryable(error), 1);
  fhx_error_free(error);
  fhx__source_close(&cursor);
  assert_int_equal(fhx__source_open(source, &query, &cursor, &error), FHX_ERR_SOURCE);
  assert_int_equal(fhx_error_retryable(error), 1);
  fhx_error_free(error);
  test_postgres_start(place_server());
  assert_int_equal(walk_run(&seen, source, &query, 1u << 20, NULL), FHX_OK);
  assert_int_equal(seen.row_count + count, 4000);
  walk_clear(&seen);
  fhx_source_free(source);
}

static int32_t estimate(fhx_source *source, fhx_error **error) {
  uint64_t count = 0, bytes = 0;
  return fhx__source_estimate(source, &table_patients, &count, &bytes, error);
}

/* A short statement has the server's limit; a locked table is not waited for longer. The owner's
   own limit does not end a cursor whose rows are taken slowly. */
static void time_is_limited(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx__rows rows;
  int64_t wait_us = 0;
  uint64_t count = 0;
  fhx_error *error = NULL;
  pg_make(
      "CREATE FUNCTION slow(n bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM"
      " pg_sleep(60); RETURN n; END $$;"
      "CREATE TABLE few(type text, id text, last_updated bigint, json text);"
      "INSERT INTO few SELECT 'Patient', 'p' || i, 1, repeat('x', 100000)"
      " FROM generate_series(100, 299) AS i;"
      "CREATE VIEW resource AS SELECT * FROM few WHERE slow(last_updated) = 1;");
  fhx_postgres_source_options options = pg_options();
  options.patience_us = 1;
  fhx_source *source = pg_open_with(&options);
  assert_int_equal(estimate(source, &error), FHX_ERR_SOURCE);
  assert_non_null(strstr(fhx_error_message(error), "took too long (SQLSTATE 57014)"));
  assert_int_equal(fhx_error_retryable(error), 1);
  fhx__clear_error(&error);
  fhx_source_free(source);
  pg_make(
      "DROP VIEW resource; ALTER TABLE few RENAME TO resource;"
      "ALTER ROLE fhx SET statement_timeout = '300ms'");
  source = pg_open_with(&options);
  assert_int_equal(fhx__source_open(source, &table_patients, &cursor, NULL), FHX_OK);
  for (int i = 0; fhx__source_next(&cursor, 1, &rows, &wait_us, &error) == FHX_OK; i++) {
    if (i < 4) usleep(400000);
    count += rows.row_count;
  }
  assert_null(error);
  assert_int_equal(count, 200);
  fhx__source_close(&cursor);
  fhx_source_free(source);
  pg_make("ALTER ROLE fhx RESET statement_timeout");
}

/* One connection, which a cursor has: who else asks waits as long as the patience, and no longer.
 */
static void a_crowd_is_told(void **state) {
  (void)state;
  fhx__cursor cursor;
  fhx_error *error = NULL;
  pg_make_patients(3);
  fhx_postgres_source_options options = pg_options();
  options.connections_max = 1;
  options.patience_us = 1;
  fhx_source *source = pg_open_with(&options);
  assert_int_equal(fhx__source_open(source, &table_patients, &cursor, NULL), FHX_OK);
  assert_int_equal(estimate(source, &error), FHX_ERR_SOURCE);
  assert_non_null(strstr(fhx_error_message(error), "no connection to the database came free"));
  assert_int_equal(fhx_error_retryable(error), 1);
  fhx_error_free(error);
  fhx__source_close(&cursor);
  assert_int_equal(estimate(source, NULL), FHX_OK);
  fhx_source_free(source);
}

static void a_table_may_go(void **state) {
  (void)state;
  static walk seen;
  fhx_error *error = NULL;
  pg_make_patients(10);
  fhx_source *source = pg_open();
  pg_make("DROP TABLE resource");
  assert_int_equal(walk_run(&seen, source, &table_patients, 1, &error), FHX_ERR_SOURCE);
  assert_non_null(strstr(fhx_error_message(error), "does not exist"));
  assert_int_equal(fhx_error_retryable(error), 0);
  fhx_error_free(error);
  fhx_source_free(source);
}

/* --- what was never given --- */

static void made_up_tokens_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *shard;
    const char *token;
    size_t token_len;
  } cases[] = {
      {NULL, "", 0},
      {NULL, "p\0q", 3},
      {NULL, "\xFF", 1},
      {"p002/p005", "p001", 4},
      {"p002/p005", "p005", 4},
      {"no slash", NULL, 0},
      {"\xC3/p005", NULL, 0},
      {"p002/\x80", NULL, 0},
  };
  pg_make_patients(10);
  fhx_source *source = pg_open();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fhx__cursor cursor;
    fhx_error *error = NULL;
    fhx_query query = table_patients;
    query.shard = cases[i].shard;
    query.shard_len = cases[i].shard == NULL ? 0 : strlen(cases[i].shard);
    query.token = cases[i].token;
    query.token_len = cases[i].token_len;
    assert_int_equal(fhx__source_open(source, &query, &cursor, &error), FHX_ERR_SOURCE);
    assert_int_equal(fhx_error_retryable(error), 0);
    assert_non_null(strstr(fhx_error_message(error), "of a PostgreSQL table"));
    fhx_error_free(error);
  }
  fhx_source_free(source);
}

/* Values are never SQL. */
static void tokens_are_no_sql(void **state) {
  (void)state;
  static walk seen;
  static const char token[] = "p005'; DROP TABLE resource; --";
  fhx_query query = table_patients;
  pg_make_patients(10);
  fhx_source *source = pg_open();
  query.token = token;
  query.token_len = strlen(token);
  assert_int_equal(walk_run(&seen, source, &query, 1, NULL), FHX_OK);
  assert_int_equal(seen.row_count, 4);
  walk_clear(&seen);
  assert_int_equal(place_sql(&pg_at, "SELECT count(*) FROM resource"), 12);
  fhx_source_free(source);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TABLE_TEST(a_cut_cursor_is_retryable),
      TABLE_TEST(a_server_may_be_started_anew),
      TABLE_TEST(a_server_may_go_midway),
      TABLE_TEST(time_is_limited),
      TABLE_TEST(a_crowd_is_told),
      TABLE_TEST(a_table_may_go),
      TABLE_TEST(made_up_tokens_are_refused),
      TABLE_TEST(tokens_are_no_sql),
  };
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const int failures =
      cmocka_run_group_tests_name("faults of the PostgreSQL source", tests, NULL, NULL);
  place_end();
  return failures;
}
