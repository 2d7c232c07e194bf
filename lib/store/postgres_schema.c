/* The PostgreSQL store's tables, their versions, and what a connection of the store is set to. A
   row of `job` holds no sums, so that a checkpoint does not rewrite a long definition; they are
   added up over the job's tasks when it is read. Rows refer to their job by its key; steps see to
   it that none is left without, which costs nothing where foreign keys would be looked up for every
   member. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"
#include "store/postgres_store.h"

/* How long an opener waits for the database, and for another one that brings the tables up to
   date. */
#define OPEN_PATIENCE_US INT64_C(30000000)
#define UPGRADE_PATIENCE_US INT64_C(600000000)

static const char version_1[] =
    "CREATE TABLE store_version (version bigint NOT NULL);"
    "INSERT INTO store_version VALUES (1);"
    "CREATE TABLE job ("
    "  job_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    "  job_id text COLLATE \"C\" NOT NULL UNIQUE,"
    "  state bigint NOT NULL CHECK (state BETWEEN 1 AND 4),"
    "  cleanup_due bigint NOT NULL DEFAULT 0 CHECK (cleanup_due BETWEEN 0 AND 1),"
    "  created_us bigint NOT NULL,"
    "  ended_us bigint NOT NULL DEFAULT 0,"
    "  transaction_time_us bigint NOT NULL,"
    "  resolution_us bigint NOT NULL,"
    /* Until then its tasks are given only to who names it. */
    "  held_until_us bigint NOT NULL DEFAULT 0,"
    "  reason_status bigint NOT NULL DEFAULT 0,"
    "  reason text NOT NULL DEFAULT '',"
    "  tenant text COLLATE \"C\" NOT NULL,"
    "  client text COLLATE \"C\" NOT NULL,"
    "  request text NOT NULL,"
    "  host_context bytea,"
    "  definition text NOT NULL"
    ");"
    "CREATE INDEX job_running ON job (job_key) WHERE state = 1;"
    "CREATE INDEX job_of_client ON job (tenant, client) WHERE state = 1;"
    "CREATE INDEX job_ended ON job (ended_us) WHERE state IN (2, 3);"
    "CREATE INDEX job_cleanup ON job (cleanup_due, job_id);"
    /* fence, next_seq and resource_mark only rise; claim_id and lease_until_us mean something while
       it runs; part_seq is its last recorded part's, paged_seq the last that is on a page. */
    "CREATE TABLE task ("
    "  job_key bigint NOT NULL,"
    "  task_index bigint NOT NULL,"
    "  phase bigint NOT NULL CHECK (phase BETWEEN 0 AND 5),"
    "  state bigint NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 3),"
    "  shard_index bigint NOT NULL,"
    "  attempt_count bigint NOT NULL DEFAULT 0,"
    "  fence bigint NOT NULL DEFAULT 0,"
    "  next_seq bigint NOT NULL DEFAULT 1 CHECK (next_seq > 0),"
    "  first_seq bigint NOT NULL DEFAULT 1 CHECK (first_seq > 0),"
    "  lease_until_us bigint NOT NULL DEFAULT 0,"
    "  resource_count bigint NOT NULL DEFAULT 0 CHECK (resource_count >= 0),"
    "  byte_count bigint NOT NULL DEFAULT 0 CHECK (byte_count >= 0),"
    "  error_count bigint NOT NULL DEFAULT 0 CHECK (error_count >= 0),"
    "  line_count bigint NOT NULL DEFAULT 0,"
    "  estimated_resources bigint NOT NULL,"
    "  resource_mark bigint NOT NULL DEFAULT 0,"
    "  part_seq bigint NOT NULL DEFAULT 0,"
    "  paged_seq bigint NOT NULL DEFAULT 0,"
    "  resource_type text NOT NULL,"
    "  claim_id text COLLATE \"C\","
    "  last_id text NOT NULL DEFAULT '',"
    "  shard bytea,"
    "  token bytea,"
    "  PRIMARY KEY (job_key, task_index)"
    ") WITH (fillfactor = 70);"
    "CREATE INDEX task_open ON task (job_key, phase, task_index) WHERE state < 3;"
    "CREATE INDEX task_claim ON task (claim_id) WHERE state = 2;"
    /* Those with parts that are there to stay and on no page yet. */
    "CREATE INDEX task_unpaged ON task (job_key, task_index)"
    "  WHERE part_seq > paged_seq AND (state = 3 OR token IS NOT NULL);"
    "CREATE TABLE attempt ("
    "  job_key bigint NOT NULL,"
    "  task_index bigint NOT NULL,"
    "  fence bigint NOT NULL,"
    "  first_seq bigint NOT NULL,"
    "  last_seq bigint NOT NULL,"
    "  finished bigint NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (job_key, task_index, fence)"
    ");"
    "CREATE TABLE part ("
    "  job_key bigint NOT NULL,"
    "  task_index bigint NOT NULL,"
    "  seq bigint NOT NULL,"
    "  fence bigint NOT NULL,"
    "  kind bigint NOT NULL,"
    "  resource_count bigint NOT NULL,"
    "  byte_count bigint NOT NULL,"
    "  stored_byte_count bigint NOT NULL,"
    "  encoding bigint NOT NULL,"
    "  flags bigint NOT NULL,"
    "  crc32c bigint NOT NULL,"
    "  name text NOT NULL,"
    "  resource_type text NOT NULL,"
    "  sha256 bytea CHECK (sha256 IS NULL OR length(sha256) = 32),"
    "  PRIMARY KEY (job_key, task_index, seq)"
    ");"
    /* position counts from 0 within the task, without gaps. */
    "CREATE TABLE error_line ("
    "  job_key bigint NOT NULL,"
    "  task_index bigint NOT NULL,"
    "  position bigint NOT NULL,"
    "  line bytea NOT NULL,"
    "  PRIMARY KEY (job_key, task_index, position)"
    ");"
    "CREATE TABLE member ("
    "  job_key bigint NOT NULL,"
    "  list bigint NOT NULL CHECK (list BETWEEN 1 AND 5),"
    "  member text COLLATE \"C\" NOT NULL,"
    "  PRIMARY KEY (job_key, list, member)"
    ");"
    /* A page has, of each task, the parts from one number to another: pages take them in order, and
       what a task records later has higher numbers. */
    "CREATE TABLE page ("
    "  job_key bigint NOT NULL,"
    "  page bigint NOT NULL CHECK (page > 0),"
    "  task_index bigint NOT NULL,"
    "  first_seq bigint NOT NULL,"
    "  last_seq bigint NOT NULL,"
    "  PRIMARY KEY (job_key, page, task_index)"
    ");";

/* A job's turn is in a table of its own, since it changes with every claim and a job's row may be
   long. Of the jobs that run, the one with the lowest `turn` is next; `served` is the turn that it
   had last, 0 for none. Turns of a client's jobs are one behind the other, and none begins before
   what was served last: so each client has one turn of the same height as any other's. */
static const char version_2[] =
    "ALTER TABLE job ADD COLUMN parameters text NOT NULL DEFAULT '';"
    "ALTER TABLE job ADD COLUMN identity bytea"
    "  CHECK (identity IS NULL OR length(identity) = 32);"
    "CREATE TABLE turn ("
    "  job_key bigint PRIMARY KEY,"
    "  turn bigint NOT NULL,"
    "  served bigint NOT NULL,"
    "  tenant text COLLATE \"C\" NOT NULL,"
    "  client text COLLATE \"C\" NOT NULL"
    ") WITH (fillfactor = 50);"
    "CREATE INDEX turn_next ON turn (turn, job_key);"
    "CREATE INDEX turn_served ON turn (served);"
    "CREATE INDEX turn_of_client ON turn (tenant, client, turn);"
    "CREATE INDEX job_identical ON job (tenant, client, identity)"
    "  WHERE state = 1 AND identity IS NOT NULL;"
    "CREATE INDEX job_listed ON job (state, created_us, job_id);"
    "CREATE INDEX job_listed_of_tenant ON job (tenant, state, created_us, job_id);"
    "CREATE INDEX job_listed_of_client ON job (tenant, client, state, created_us, job_id);"
    "INSERT INTO turn (job_key, turn, served, tenant, client)"
    "  SELECT job_key, 1, 0, tenant, client FROM job WHERE state = 1;"
    "UPDATE store_version SET version = 2";

/* Of OperationOutcomes, by severity. */
static const char version_3[] =
    "ALTER TABLE part ADD COLUMN error_count bigint NOT NULL DEFAULT 0,"
    "  ADD COLUMN warning_count bigint NOT NULL DEFAULT 0;"
    "UPDATE store_version SET version = 3";

/* The SQL that makes version N + 1 of version N, and says so in store_version. */
const char *const fhx__pg_upgrades[FHX__PG_SCHEMA_VERSION] = {version_1, version_2, version_3};

/* --- a connection --- */

/* COMMIT answers when the transaction is on the disk, or on another server's too if that was asked
   for. Every statement has an index to go by, in whose order it reads, and shall go by it however
   small the tables were when its plan was made. A process that is frozen or cut off inside a
   transaction keeps what it has locked from everybody: no step of ours is idle for so long, and who
   is thrown out takes it again. */
static const char settings[] =
    "SELECT set_config('search_path', $1, false),"
    " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    " set_config('idle_in_transaction_session_timeout', '10s', false),"
    " set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),"
    " set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false),"
    " set_config('enable_sort', 'off', false),"
    " set_config('jit', 'off', false)";

bool fhx__pg_settle(fhx__pg_step *step) {
  char path[FHX__PG_SCHEMA_MAX + 16];
  const fhx__postgres *store = step->store;
  snprintf(path, sizeof path, "\"%s\", pg_temp", store->schema);
  const char *const texts[] = {path};
  if (!fhx__pg_query(step, settings, 1, texts)) return false;
  if (store->version == 0) return true;
  if (!fhx__pg_query(step, "SELECT version FROM store_version", 0, NULL)) return false;
  if (fhx__pg_row_count(step) != 1 || fhx__pg_count(step, 0, 0) != store->version) {
    fhx__pg_note(step, FHX__PG_FAULT_VERSION);
  }
  return step->fault == FHX__PG_FAULT_NONE;
}

/* --- opening --- */

static bool has_row(fhx__pg_step *step, const char *sql) {
  const char *const texts[] = {step->store->schema};
  return fhx__pg_query(step, sql, 1, texts) && fhx__pg_row_count(step) > 0;
}

/* The version of the tables, 0 for none. */
static bool read_version(fhx__pg_step *step, uint64_t *version) {
  *version = 0;
  if (has_row(step,
              "SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
              " WHERE nspname = $1 AND relname = 'store_version'") &&
      fhx__pg_query(step, "SELECT version FROM store_version", 0, NULL)) {
    if (fhx__pg_row_count(step) == 1) *version = fhx__pg_count(step, 0, 0);
    if (*version == 0) fhx__pg_note(step, FHX__PG_FAULT_RESULT);
  }
  return step->fault == FHX__PG_FAULT_NONE;
}

/* Only one process at a time comes behind this; the others find its work done. */
static void begin_upgrade(fhx__pg_step *step) {
  const char *const texts[] = {step->store->schema};
  char sql[FHX__PG_SCHEMA_MAX + 32];
  fhx__pg_execute(step,
                  "BEGIN READ WRITE; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0");
  fhx__pg_query(step, "SELECT pg_advisory_xact_lock(1179146309, hashtext($1))", 1, texts);
  /* IF NOT EXISTS would ask for a privilege that is not needed when it exists. */
  if (!has_row(step, "SELECT 1 FROM pg_namespace WHERE nspname = $1")) {
    snprintf(sql, sizeof sql, "CREATE SCHEMA \"%s\"", step->store->schema);
    fhx__pg_execute(step, sql);
  }
}

static void upgrade(fhx__pg_step *step, const char *const *upgrades, uint64_t version,
                    uint64_t *found) {
  step->until_us = fhx__clock_monotonic_us() + UPGRADE_PATIENCE_US;
  begin_upgrade(step);
  if (!read_version(step, found)) return;
  for (; *found < version; ++*found) {
    if (!fhx__pg_execute(step, upgrades[*found])) return;
  }
  fhx__pg_execute(step, "COMMIT");
}

static int32_t check(fhx__pg_step *step, const char *const *upgrades, uint64_t version,
                     fhx_error **error) {
  uint64_t found = 0;
  if (PQserverVersion(step->link->connection) < FHX__LIBPQ_SERVER_MIN) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "the store needs PostgreSQL 11 or newer");
  }
  if (!has_row(step, "SELECT 1 WHERE current_setting('server_encoding') = 'UTF8' AND $1 <> ''") &&
      step->fault == FHX__PG_FAULT_NONE) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the store needs a database whose encoding is UTF8");
  }
  if (read_version(step, &found) && found < version) upgrade(step, upgrades, version, &found);
  if (step->fault == FHX__PG_FAULT_NONE && found > version) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the store has schema version %" PRIu64
                     ", and this library knows versions up to %" PRIu64,
                     found, version);
  }
  return fhx__pg_status(step);
}

int32_t fhx__pg_set_up(fhx__postgres *store, const char *const *upgrades, uint64_t version,
                       fhx_error **error) {
  fhx__pg_step step;
  int32_t status = FHX_ERR_STORE;
  fhx__pg_step_begin(&step, store, OPEN_PATIENCE_US);
  if (fhx__pg_take_link(&step)) {
    status = check(&step, upgrades, version, error);
    /* What is not committed ends with the connection. */
    const bool is_idle = PQtransactionStatus(step.link->connection) == PQTRANS_IDLE;
    fhx__pg_return_link(&step, status == FHX_OK && is_idle);
  }
  if (step.fault == FHX__PG_FAULT_MEMORY) {
    status = fhx__no_memory(error);
  } else if (step.fault != FHX__PG_FAULT_NONE) {
    char text[160];
    uint32_t is_retryable = 0;
    const char *why = fhx__pg_explain(&step, text, sizeof text, &is_retryable);
    status = fhx__fail_with(error, FHX_ERR_STORE, is_retryable,
                            "the PostgreSQL store cannot be opened: %s", why);
  }
  fhx__pg_step_end(&step);
  if (status == FHX_OK) store->version = version;
  return status;
}
