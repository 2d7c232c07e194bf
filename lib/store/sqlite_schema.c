/* The SQLite store's schema and the texts of its statements. A row of `job` holds no sums, so that
   a checkpoint does not rewrite a long definition; they are added up over the job's tasks when it
   is read. States and phases are those of fhirexport/store.h. */
#include "core/clock.h"
#include "core/error.h"
#include "store/sqlite_store.h"

/* "FHXE" */
#define APPLICATION_ID 1179146309
#define SCHEMA_VERSION 4
#define TEXT_OF(number) #number
#define NUMBER_TEXT(number) TEXT_OF(number)

#define SETUP_PATIENCE_US (5 * 1000000)
#define SETUP_PAUSE_US (10 * 1000)

/* What the third version has added. A job's turn is in a table of its own, since it changes with
   every claim and a job's row may be long. Of the jobs that run, the one with the lowest `turn` is
   next; `served` is the turn that it had last, 0 for none. Turns of a client's jobs are one behind
   the other, and none begins before what was served last: so each client has one turn of the same
   height as any other's. */
#define QUEUE_SCHEMA                                                              \
  "CREATE TABLE turn ("                                                           \
  "  job_key INTEGER PRIMARY KEY REFERENCES job,"                                 \
  "  turn INTEGER NOT NULL,"                                                      \
  "  served INTEGER NOT NULL,"                                                    \
  "  tenant TEXT NOT NULL,"                                                       \
  "  client TEXT NOT NULL"                                                        \
  ") STRICT;"                                                                     \
  "CREATE INDEX turn_next ON turn (turn, job_key);"                               \
  "CREATE INDEX turn_served ON turn (served);"                                    \
  "CREATE INDEX turn_of_client ON turn (tenant, client, turn);"                   \
  "CREATE INDEX job_identical ON job (tenant, client, identity)"                  \
  "  WHERE state = 1 AND identity IS NOT NULL;"                                   \
  "CREATE INDEX job_listed ON job (state, created_us, job_id);"                   \
  "CREATE INDEX job_listed_of_tenant ON job (tenant, state, created_us, job_id);" \
  "CREATE INDEX job_listed_of_client ON job (tenant, client, state, created_us, job_id);"

static const char schema[] =
    "CREATE TABLE job ("
    "  job_key INTEGER PRIMARY KEY,"
    "  job_id TEXT NOT NULL UNIQUE,"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),"
    "  cleanup_due INTEGER NOT NULL DEFAULT 0,"
    "  created_us INTEGER NOT NULL,"
    "  ended_us INTEGER NOT NULL DEFAULT 0,"
    "  transaction_time_us INTEGER NOT NULL,"
    "  resolution_us INTEGER NOT NULL,"
    "  reason_status INTEGER NOT NULL DEFAULT 0,"
    "  reason TEXT NOT NULL DEFAULT '',"
    "  tenant TEXT NOT NULL,"
    "  client TEXT NOT NULL,"
    "  request TEXT NOT NULL,"
    "  host_context BLOB,"
    "  definition TEXT NOT NULL,"
    /* Until then its tasks are given only to who names it. */
    "  held_until_us INTEGER NOT NULL DEFAULT 0,"
    "  parameters TEXT NOT NULL DEFAULT '',"
    "  identity BLOB CHECK (identity IS NULL OR length(identity) = 32)"
    ") STRICT;"
    "CREATE INDEX job_running ON job (job_key) WHERE state = 1;"
    "CREATE INDEX job_of_client ON job (tenant, client) WHERE state = 1;"
    "CREATE INDEX job_ended ON job (ended_us) WHERE state IN (2, 3);"
    "CREATE INDEX job_cleanup ON job (job_id) WHERE cleanup_due = 1;"
    /* fence, next_seq and resource_mark only rise; claim_id and lease_until_us mean something while
       it runs; part_seq is its last recorded part's, paged_seq the last that is on a page. */
    "CREATE TABLE task ("
    "  job_key INTEGER NOT NULL REFERENCES job,"
    "  task_index INTEGER NOT NULL,"
    "  phase INTEGER NOT NULL CHECK (phase BETWEEN 0 AND 5),"
    "  state INTEGER NOT NULL DEFAULT 1 CHECK (state BETWEEN 1 AND 3),"
    "  resource_type TEXT NOT NULL,"
    "  shard_index INTEGER NOT NULL,"
    "  attempt_count INTEGER NOT NULL DEFAULT 0,"
    "  fence INTEGER NOT NULL DEFAULT 0,"
    "  next_seq INTEGER NOT NULL DEFAULT 1 CHECK (next_seq > 0),"
    "  first_seq INTEGER NOT NULL DEFAULT 1 CHECK (first_seq > 0),"
    "  lease_until_us INTEGER NOT NULL DEFAULT 0,"
    "  claim_id TEXT,"
    "  resource_count INTEGER NOT NULL DEFAULT 0 CHECK (resource_count >= 0),"
    "  byte_count INTEGER NOT NULL DEFAULT 0 CHECK (byte_count >= 0),"
    "  error_count INTEGER NOT NULL DEFAULT 0 CHECK (error_count >= 0),"
    "  line_count INTEGER NOT NULL DEFAULT 0,"
    "  estimated_resources INTEGER NOT NULL,"
    "  resource_mark INTEGER NOT NULL DEFAULT 0,"
    "  part_seq INTEGER NOT NULL DEFAULT 0,"
    "  paged_seq INTEGER NOT NULL DEFAULT 0,"
    "  last_id TEXT NOT NULL DEFAULT '',"
    "  shard BLOB,"
    "  token BLOB,"
    "  PRIMARY KEY (job_key, task_index)"
    ") STRICT;"
    "CREATE INDEX task_open ON task (job_key, phase, task_index) WHERE state < 3;"
    "CREATE INDEX task_claim ON task (claim_id) WHERE state = 2;"
    /* Those with parts that are there to stay and on no page yet. */
    "CREATE INDEX task_unpaged ON task (job_key, task_index)"
    "  WHERE part_seq > paged_seq AND (state = 3 OR token IS NOT NULL);"
    "CREATE TABLE attempt ("
    "  job_key INTEGER NOT NULL REFERENCES job,"
    "  task_index INTEGER NOT NULL,"
    "  fence INTEGER NOT NULL,"
    "  first_seq INTEGER NOT NULL,"
    "  last_seq INTEGER NOT NULL,"
    "  finished INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (job_key, task_index, fence)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE part ("
    "  job_key INTEGER NOT NULL REFERENCES job,"
    "  task_index INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  fence INTEGER NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  resource_type TEXT NOT NULL,"
    "  resource_count INTEGER NOT NULL,"
    "  byte_count INTEGER NOT NULL,"
    "  stored_byte_count INTEGER NOT NULL,"
    "  encoding INTEGER NOT NULL,"
    "  flags INTEGER NOT NULL,"
    "  crc32c INTEGER NOT NULL,"
    "  sha256 BLOB CHECK (sha256 IS NULL OR length(sha256) = 32),"
    /* Of OperationOutcomes, by severity. */
    "  error_count INTEGER NOT NULL DEFAULT 0,"
    "  warning_count INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (job_key, task_index, seq)"
    ") STRICT, WITHOUT ROWID;"
    /* position counts from 0 within the task, without gaps. */
    "CREATE TABLE error_line ("
    "  job_key INTEGER NOT NULL REFERENCES job,"
    "  task_index INTEGER NOT NULL,"
    "  position INTEGER NOT NULL,"
    "  line BLOB NOT NULL,"
    "  PRIMARY KEY (job_key, task_index, position)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE member ("
    "  job_key INTEGER NOT NULL REFERENCES job,"
    "  list INTEGER NOT NULL CHECK (list BETWEEN 1 AND 5),"
    "  member TEXT NOT NULL COLLATE BINARY,"
    "  PRIMARY KEY (job_key, list, member)"
    ") STRICT, WITHOUT ROWID;"
    /* A page has, of each task, the parts from one number to another: pages take them in order, and
       what a task records later has higher numbers. */
    "CREATE TABLE page ("
    "  job_key INTEGER NOT NULL REFERENCES job,"
    "  page INTEGER NOT NULL CHECK (page > 0),"
    "  task_index INTEGER NOT NULL,"
    "  first_seq INTEGER NOT NULL,"
    "  last_seq INTEGER NOT NULL,"
    "  PRIMARY KEY (job_key, page, task_index)"
    ") STRICT, WITHOUT ROWID;"
    QUEUE_SCHEMA
    /* clang-format off */
    "PRAGMA application_id = " NUMBER_TEXT(APPLICATION_ID) ";"
    "PRAGMA user_version = " NUMBER_TEXT(SCHEMA_VERSION) ";";
/* clang-format on */

/* clang-format off */
/* What a store lacks that has the version before. */
static const char *const upgrades[SCHEMA_VERSION] = {
    [1] = "ALTER TABLE job ADD COLUMN held_until_us INTEGER NOT NULL DEFAULT 0;"
          "PRAGMA user_version = 2;",
    [2] = "ALTER TABLE job ADD COLUMN parameters TEXT NOT NULL DEFAULT '';"
          "ALTER TABLE job ADD COLUMN identity BLOB"
          "  CHECK (identity IS NULL OR length(identity) = 32);"
          QUEUE_SCHEMA
          "INSERT INTO turn (job_key, turn, served, tenant, client)"
          "  SELECT job_key, 1, 0, tenant, client FROM job WHERE state = 1;"
          "PRAGMA user_version = 3;",
    [3] = "ALTER TABLE part ADD COLUMN error_count INTEGER NOT NULL DEFAULT 0;"
          "ALTER TABLE part ADD COLUMN warning_count INTEGER NOT NULL DEFAULT 0;"
          "PRAGMA user_version = 4;",
};
/* clang-format on */

/* Up to ?4 jobs of a state, if its bit is among ?1, behind the place (?2, ?3). */
#define LISTED(state, bit, whose)                                                     \
  "SELECT job_key, created_us, job_id FROM job WHERE state = " state " AND ?1 & " bit \
  " <> 0 AND (created_us, job_id) > (?2, ?3)" whose
#define LIST(whose)                                           \
  LISTED("1", "1", whose)                                     \
  " UNION ALL " LISTED("2", "2", whose) " UNION ALL " LISTED( \
      "3", "4", whose) " UNION ALL " LISTED("4", "8", whose) " ORDER BY 2, 3 LIMIT ?4"

/* The turn that was served last, and the last turn of a client. */
#define SERVED "coalesce((SELECT max(served) FROM turn), 0)"
#define LAST_OF(tenant_is, client_is)                                                \
  "coalesce((SELECT max(mine.turn) FROM turn AS mine WHERE mine.tenant = " tenant_is \
  " AND mine.client = " client_is "), 0)"

const char *const fhx__sql_texts[FHX__SQL_COUNT] = {
    [FHX__SQL_BEGIN] = "BEGIN IMMEDIATE",
    [FHX__SQL_BEGIN_READING] = "BEGIN",
    /* The first read of a transaction is what can find the file locked. */
    [FHX__SQL_BEGIN_SNAPSHOT] = "SELECT 1 FROM job LIMIT 1",
    [FHX__SQL_COMMIT] = "COMMIT",
    [FHX__SQL_ROLLBACK] = "ROLLBACK",
    [FHX__SQL_JOB_INSERT] =
        "INSERT INTO job (job_id, state, created_us, transaction_time_us, resolution_us, tenant,"
        " client, request, host_context, definition, held_until_us, parameters, identity)"
        " VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [FHX__SQL_JOB_IDENTICAL] =
        "SELECT job_id FROM job WHERE state = 1 AND tenant = ?1 AND client = ?2 AND identity = ?3"
        " LIMIT 1",
    [FHX__SQL_JOB_FIND] = "SELECT job_key, state, cleanup_due FROM job WHERE job_id = ?1",
    [FHX__SQL_JOB_READ] =
        "SELECT state, job_id, tenant, client, request, definition, host_context,"
        " transaction_time_us, resolution_us, reason, reason_status, cleanup_due, created_us,"
        " ended_us, held_until_us, parameters FROM job WHERE job_key = ?1",
    [FHX__SQL_JOB_SUMS] =
        "SELECT count(*), coalesce(sum(state = 3), 0), coalesce(sum(resource_count), 0),"
        " coalesce(sum(byte_count), 0), coalesce(sum(error_count), 0),"
        " coalesce(sum(estimated_resources), 0), coalesce(sum(resource_mark), 0),"
        " coalesce(sum(fence), 0), coalesce(sum(state = 2 AND lease_until_us > ?2), 0),"
        " coalesce(sum(max(fence - 1, 0)), 0) FROM task WHERE job_key = ?1",
    [FHX__SQL_JOB_PARTS] = "SELECT count(*) FROM part WHERE job_key = ?1",
    /* The job whose turn comes behind turn ?1 of job ?2. */
    [FHX__SQL_JOB_NEXT_TURN] =
        "SELECT turn.job_key, job.held_until_us, turn.turn FROM turn CROSS JOIN job"
        " ON job.job_key = turn.job_key WHERE (turn.turn, turn.job_key) > (?1, ?2)"
        " AND job.state = 1 ORDER BY turn.turn, turn.job_key LIMIT 1",
    [FHX__SQL_JOB_FAIL] =
        "UPDATE job SET state = 3, cleanup_due = 1, ended_us = ?2, reason_status = ?3, reason = ?4"
        " WHERE job_key = ?1",
    [FHX__SQL_JOB_COMPLETE] =
        "UPDATE job SET state = 2, ended_us = ?2 WHERE job_key = ?1"
        " AND NOT EXISTS (SELECT 1 FROM task WHERE job_key = ?1 AND state < 3)",
    [FHX__SQL_JOB_REMOVE] =
        "UPDATE job SET state = 4, cleanup_due = 1,"
        " ended_us = CASE WHEN state = 1 THEN ?2 ELSE ended_us END WHERE job_key = ?1",
    [FHX__SQL_JOB_CLEANED] = "UPDATE job SET cleanup_due = 0 WHERE job_key = ?1",
    [FHX__SQL_JOB_HOLD] = "UPDATE job SET held_until_us = ?2 WHERE job_key = ?1",
    [FHX__SQL_JOB_DELETE] = "DELETE FROM job WHERE job_key = ?1",
    [FHX__SQL_JOB_LEASES] =
        "SELECT min(lease_until_us) FROM task"
        " WHERE job_key = ?1 AND state < 3 AND state = 2 AND lease_until_us > ?2",
    /* A row if more than ?1 jobs run: what is not counted need not be read. */
    [FHX__SQL_JOB_LIMIT] = "SELECT 1 FROM job INDEXED BY job_running WHERE state = 1 AND job_key > 0"
        " LIMIT 1 OFFSET ?1",
    [FHX__SQL_JOB_CLIENT_LIMIT] =
        "SELECT 1 FROM job INDEXED BY job_of_client"
        " WHERE state = 1 AND tenant = ?2 AND client = ?3 LIMIT 1 OFFSET ?1",
    [FHX__SQL_JOB_EXPIRE] =
        "UPDATE job SET state = 4, cleanup_due = 1 WHERE job_key IN"
        " (SELECT job_key FROM job INDEXED BY job_ended WHERE state IN (2, 3) AND ended_us < ?1"
        " ORDER BY ended_us LIMIT ?2)",
    /* The index is named, since the one of all ids would do too, and lead past every job. */
    [FHX__SQL_JOB_NEXT_CLEANUP] =
        "SELECT job_id FROM job INDEXED BY job_cleanup"
        " WHERE cleanup_due = 1 AND job_id > ?1 ORDER BY job_id LIMIT 1",
    [FHX__SQL_JOB_LIST] = LIST(""),
    [FHX__SQL_JOB_LIST_OF_TENANT] = LIST(" AND tenant = ?5"),
    [FHX__SQL_JOB_LIST_OF_CLIENT] = LIST(" AND tenant = ?5 AND client = ?6"),
    [FHX__SQL_TURN_INSERT] = "INSERT INTO turn (job_key, turn, served, tenant, client)"
                             " VALUES (?1, 1 + max(" SERVED ", " LAST_OF("?2", "?3") "), 0, ?2, ?3)",
    [FHX__SQL_TURN_TAKE] =
        "UPDATE turn SET served = max(turn, " SERVED "),"
        " turn = 1 + max(" SERVED ", " LAST_OF("turn.tenant", "turn.client") ")"
        " WHERE job_key = ?1",
    [FHX__SQL_TURN_END] =
        "DELETE FROM turn WHERE job_key = ?1"
        " AND NOT EXISTS (SELECT 1 FROM job WHERE job.job_key = ?1 AND job.state = 1)",
    [FHX__SQL_TASK_INSERT] =
        "INSERT INTO task (job_key, task_index, phase, resource_type, shard_index, shard,"
        " estimated_resources) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [FHX__SQL_TASK_FIND] =
        "SELECT job.job_key, job.state, job.cleanup_due, task.task_index, task.state, task.fence,"
        " task.next_seq, task.attempt_count FROM job LEFT JOIN task"
        " ON task.job_key = job.job_key AND task.task_index = ?2 WHERE job.job_id = ?1",
    [FHX__SQL_TASK_READ] =
        "SELECT task.state, job.job_id, task.task_index, task.phase, task.resource_type,"
        " task.shard, task.shard_index, task.attempt_count, task.fence, task.next_seq,"
        " task.first_seq, task.token, task.last_id, task.resource_count, task.byte_count,"
        " task.error_count, task.estimated_resources"
        " FROM task JOIN job ON job.job_key = task.job_key"
        " WHERE task.job_key = ?1 AND task.task_index = ?2",
    [FHX__SQL_TASK_HELD] =
        "SELECT task.job_key, task.task_index FROM task JOIN job ON job.job_key = task.job_key"
        " WHERE task.claim_id = ?1 AND task.state = 2 AND job.state = 1"
        " AND (?2 = 0 OR task.job_key = ?2) LIMIT 1",
    [FHX__SQL_TASK_PHASE] =
        "SELECT phase FROM task WHERE job_key = ?1 AND state < 3 ORDER BY phase LIMIT 1",
    [FHX__SQL_TASK_FREE] =
        "SELECT task_index, attempt_count, resource_type, paged_seq, token IS NULL FROM task"
        " WHERE job_key = ?1 AND phase = ?2 AND state < 3 AND (state = 1 OR lease_until_us <= ?3)"
        " ORDER BY task_index LIMIT 1",
    [FHX__SQL_TASK_LAPSE] =
        "SELECT min(lease_until_us) FROM task"
        " WHERE job_key = ?1 AND phase = ?2 AND state < 3 AND state = 2",
    [FHX__SQL_TASK_CLAIM] =
        "UPDATE task SET state = 2, fence = fence + 1, attempt_count = attempt_count + 1,"
        " first_seq = next_seq, claim_id = ?3, lease_until_us = ?4"
        " WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_TASK_EMPTY] =
        "UPDATE task SET resource_count = 0, byte_count = 0, error_count = 0, line_count = 0,"
        " part_seq = 0, last_id = '' WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_TASK_RENEW] =
        "UPDATE task SET lease_until_us = ?3, resource_mark = max(resource_mark, ?4)"
        " WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_TASK_CHECKPOINT] =
        "UPDATE task SET next_seq = ?3, token = ?4, last_id = ?5,"
        " attempt_count = CASE WHEN ?4 IS NULL THEN attempt_count ELSE 0 END,"
        " resource_count = resource_count + ?6, byte_count = byte_count + ?7,"
        " resource_mark = max(resource_mark, resource_count + ?6),"
        " error_count = error_count + ?8, line_count = line_count + ?9,"
        " part_seq = max(part_seq, ?10)"
        " WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_TASK_LINES] =
        "UPDATE task SET line_count = line_count + ?3 WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_TASK_END] =
        "UPDATE task SET state = 3, claim_id = NULL, lease_until_us = 0"
        " WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_TASK_RELEASE] =
        "UPDATE task SET state = 1, claim_id = NULL, lease_until_us = 0, attempt_count = ?3"
        " WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_TASK_DELETE_ALL] = "DELETE FROM task WHERE job_key = ?1",
    [FHX__SQL_ATTEMPT_INSERT] =
        "INSERT INTO attempt (job_key, task_index, fence, first_seq, last_seq)"
        " SELECT job_key, task_index, fence, first_seq, first_seq - 1 FROM task"
        " WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_ATTEMPT_ANNOUNCE] =
        "UPDATE attempt SET last_seq = max(last_seq, ?4)"
        " WHERE job_key = ?1 AND task_index = ?2 AND fence = ?3",
    [FHX__SQL_ATTEMPT_FINISH] =
        "UPDATE attempt SET finished = 1 WHERE job_key = ?1 AND task_index = ?2 AND fence = ?3",
    [FHX__SQL_ATTEMPT_LIST] =
        "SELECT attempt.task_index, attempt.fence, attempt.first_seq, attempt.last_seq,"
        " attempt.finished, task.phase, task.shard_index, task.resource_type,"
        " task.state = 2 AND task.fence = attempt.fence AND task.lease_until_us > ?5"
        " FROM attempt JOIN task"
        " ON task.job_key = attempt.job_key AND task.task_index = attempt.task_index"
        " WHERE attempt.job_key = ?1 AND (attempt.task_index, attempt.fence) > (?2, ?3)"
        " ORDER BY attempt.task_index, attempt.fence LIMIT ?4",
    [FHX__SQL_ATTEMPT_DELETE_ALL] = "DELETE FROM attempt WHERE job_key = ?1",
    [FHX__SQL_PART_INSERT] =
        "INSERT INTO part (job_key, task_index, seq, fence, kind, name, resource_type,"
        " resource_count, byte_count, crc32c, sha256, stored_byte_count, encoding, flags,"
        " error_count, warning_count)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    [FHX__SQL_PART_LIST] =
        "SELECT task_index, seq, fence, kind, name, resource_type, resource_count, byte_count,"
        " crc32c, sha256, stored_byte_count, encoding, flags, error_count, warning_count"
        " FROM part WHERE job_key = ?1 AND (task_index, seq) > (?2, ?3)"
        " ORDER BY task_index, seq LIMIT ?4",
    [FHX__SQL_PART_DELETE] = "DELETE FROM part WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_PART_DELETE_ALL] = "DELETE FROM part WHERE job_key = ?1",
    [FHX__SQL_LINE_INSERT] =
        "INSERT INTO error_line (job_key, task_index, position, line)"
        " SELECT job_key, task_index, line_count + ?3, ?4 FROM task"
        " WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_LINE_COUNTS] =
        "SELECT task_index, line_count FROM task WHERE job_key = ?1 AND line_count > 0"
        " ORDER BY task_index",
    [FHX__SQL_LINE_LIST] =
        "SELECT line FROM error_line WHERE job_key = ?1 AND (task_index, position) >= (?2, ?3)"
        " ORDER BY task_index, position LIMIT ?4",
    [FHX__SQL_LINE_DELETE] = "DELETE FROM error_line WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_LINE_DELETE_ALL] = "DELETE FROM error_line WHERE job_key = ?1",
    [FHX__SQL_MEMBER_INSERT] =
        "INSERT INTO member (job_key, list, member) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    [FHX__SQL_MEMBER_LIST] =
        "SELECT member FROM member WHERE job_key = ?1 AND list = ?2 AND member > ?3"
        " ORDER BY member LIMIT ?4",
    /* The first member behind a piece of ?2 members. */
    [FHX__SQL_MEMBER_PIECE] =
        "SELECT list, member FROM member WHERE job_key = ?1"
        " ORDER BY list, member LIMIT 1 OFFSET ?2",
    [FHX__SQL_MEMBER_DELETE_PIECE] =
        "DELETE FROM member WHERE job_key = ?1 AND (list, member) < (?2, ?3)",
    [FHX__SQL_MEMBER_DELETE_ALL] = "DELETE FROM member WHERE job_key = ?1",
    /* The first task behind ?2 that has something for a page. The index is named, since that of all
       tasks would do too, and lead past those whose parts are on pages. */
    [FHX__SQL_TASK_UNPAGED] =
        "SELECT task_index, paged_seq FROM task INDEXED BY task_unpaged"
        " WHERE job_key = ?1 AND task_index > ?2"
        " AND part_seq > paged_seq AND (state = 3 OR token IS NOT NULL)"
        " ORDER BY task_index LIMIT 1",
    [FHX__SQL_TASK_PAGED] = "UPDATE task SET paged_seq = ?3 WHERE job_key = ?1 AND task_index = ?2",
    [FHX__SQL_PAGE_COUNT] = "SELECT coalesce(max(page), 0) FROM page WHERE job_key = ?1",
    /* The next ?4 parts of a task behind number ?3. */
    [FHX__SQL_PAGE_RANGE] =
        "SELECT seq FROM part WHERE job_key = ?1 AND task_index = ?2 AND seq > ?3"
        " ORDER BY seq LIMIT ?4",
    [FHX__SQL_PAGE_INSERT] =
        "INSERT INTO page (job_key, page, task_index, first_seq, last_seq)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [FHX__SQL_PAGE_LIST] =
        "SELECT part.task_index, part.seq, fence, kind, name, resource_type, resource_count,"
        " byte_count, crc32c, sha256, stored_byte_count, encoding, flags, error_count,"
        " warning_count"
        " FROM page CROSS JOIN part ON part.job_key = page.job_key"
        " AND part.task_index = page.task_index AND part.seq >= CASE page.task_index"
        " WHEN ?3 THEN max(page.first_seq, ?4 + 1) ELSE page.first_seq END"
        " AND part.seq <= page.last_seq"
        " WHERE page.job_key = ?1 AND page.page = ?2 AND page.task_index >= ?3"
        " ORDER BY page.task_index, part.seq LIMIT ?5",
    [FHX__SQL_PAGE_DELETE_ALL] = "DELETE FROM page WHERE job_key = ?1",
};

static int32_t fail(sqlite3 *connection, fhx_error **error, const char *what) {
  int code = sqlite3_errcode(connection);
  if (code == SQLITE_NOMEM) return fhx__no_memory(error);
  if (code == SQLITE_NOTADB) {
    return fhx__fail(error, FHX_ERR_STORE, "the file is not a SQLite database");
  }
  uint32_t retryable = code == SQLITE_BUSY || code == SQLITE_LOCKED;
  return fhx__fail_with(error, FHX_ERR_STORE, retryable, "%s: %s", what, sqlite3_errstr(code));
}

static int32_t execute(sqlite3 *connection, const char *sql, const char *what, fhx_error **error) {
  if (sqlite3_exec(connection, sql, NULL, NULL, NULL) == SQLITE_OK) return FHX_OK;
  return fail(connection, error, what);
}

/* The one number that `sql` answers with. */
static int32_t read_number(sqlite3 *connection, const char *sql, int64_t *number,
                           fhx_error **error) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(connection, sql, -1, &statement, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code == SQLITE_ROW) *number = sqlite3_column_int64(statement, 0);
  int32_t status =
      code == SQLITE_ROW ? FHX_OK : fail(connection, error, "the store's file cannot be read");
  sqlite3_finalize(statement);
  return status;
}

/* Inside a transaction, so that two processes cannot both make the schema. */
static int32_t check_or_create(sqlite3 *connection, fhx_error **error) {
  int64_t application = 0, version = 0, object_count = 0;
  int32_t status = read_number(connection, "PRAGMA application_id", &application, error);
  if (status == FHX_OK) status = read_number(connection, "PRAGMA user_version", &version, error);
  if (status == FHX_OK) {
    status = read_number(connection, "SELECT count(*) FROM sqlite_schema", &object_count, error);
  }
  if (status != FHX_OK) return status;
  if (application == 0 && version == 0 && object_count == 0) {
    return execute(connection, schema, "the store's tables cannot be made", error);
  }
  if (application != APPLICATION_ID) {
    return fhx__fail(error, FHX_ERR_STORE, "the file is a database of another program");
  }
  if (version < 1 || version > SCHEMA_VERSION) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the store has schema version %lld, and this library knows versions up to %d",
                     (long long)version, SCHEMA_VERSION);
  }
  for (int64_t at = version; status == FHX_OK && at < SCHEMA_VERSION; at++) {
    status =
        execute(connection, upgrades[at], "the store's tables cannot be brought up to date", error);
  }
  return status;
}

/* Whether the journal is a write-ahead log now. The switch needs the file for itself, and SQLite
   does not wait for that on all of its ways. */
static bool use_write_ahead_log(sqlite3 *connection) {
  const int64_t until = fhx__clock_monotonic_us() + SETUP_PATIENCE_US;
  for (;;) {
    sqlite3_stmt *statement = NULL;
    bool is_set = false;
    if (sqlite3_prepare_v2(connection, "PRAGMA journal_mode = WAL", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
      const unsigned char *mode = sqlite3_column_text(statement, 0);
      is_set = mode != NULL && sqlite3_stricmp((const char *)mode, "wal") == 0;
    }
    int code = sqlite3_finalize(statement);
    if (is_set || code != SQLITE_BUSY || fhx__clock_monotonic_us() > until) return is_set;
    fhx__clock_sleep_us(SETUP_PAUSE_US);
  }
}

int32_t fhx__sqlite_set_up(sqlite3 *connection, bool in_memory, fhx_error **error) {
  /* FULL: a commit is on the disk when it answers. secure_delete: what a removed job asked for does
     not stay behind in free pages. */
  int32_t status = execute(connection,
                           "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                           "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;"
                           "BEGIN IMMEDIATE",
                           "the store's file cannot be opened", error);
  if (status != FHX_OK) return status;
  status = check_or_create(connection, error);
  if (status != FHX_OK) {
    sqlite3_exec(connection, "ROLLBACK", NULL, NULL, NULL);
    return status;
  }
  status = execute(connection, "COMMIT", "the store's tables cannot be made", error);
  if (status != FHX_OK || in_memory) return status;
  if (!use_write_ahead_log(connection)) {
    return fhx__fail_with(error, FHX_ERR_STORE, 1,
                          "the store's file cannot have a write-ahead log");
  }
  return FHX_OK;
}
