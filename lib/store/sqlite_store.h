/* The SQLite store from inside: one connection, its prepared statements, and the step that is
   under way. It knows the public callbacks only, like any host's store. */
#ifndef FHX__STORE_SQLITE_STORE_H
#define FHX__STORE_SQLITE_STORE_H

#include <fhirexport/store.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

/* The statements; their texts are in sqlite_schema.c. */
typedef enum fhx__sql {
  FHX__SQL_BEGIN,
  FHX__SQL_BEGIN_READING,
  FHX__SQL_BEGIN_SNAPSHOT,
  FHX__SQL_COMMIT,
  FHX__SQL_ROLLBACK,
  FHX__SQL_JOB_INSERT,
  FHX__SQL_JOB_IDENTICAL,
  FHX__SQL_JOB_FIND,
  FHX__SQL_JOB_READ,
  FHX__SQL_JOB_SUMS,
  FHX__SQL_JOB_PARTS,
  FHX__SQL_JOB_NEXT_TURN,
  FHX__SQL_JOB_FAIL,
  FHX__SQL_JOB_COMPLETE,
  FHX__SQL_JOB_REMOVE,
  FHX__SQL_JOB_CLEANED,
  FHX__SQL_JOB_HOLD,
  FHX__SQL_JOB_DELETE,
  FHX__SQL_JOB_LEASES,
  FHX__SQL_JOB_LIMIT,
  FHX__SQL_JOB_CLIENT_LIMIT,
  FHX__SQL_JOB_EXPIRE,
  FHX__SQL_JOB_NEXT_CLEANUP,
  FHX__SQL_JOB_LIST,
  FHX__SQL_JOB_LIST_OF_TENANT,
  FHX__SQL_JOB_LIST_OF_CLIENT,
  FHX__SQL_TURN_INSERT,
  FHX__SQL_TURN_TAKE,
  FHX__SQL_TURN_END,
  FHX__SQL_TASK_INSERT,
  FHX__SQL_TASK_FIND,
  FHX__SQL_TASK_READ,
  FHX__SQL_TASK_HELD,
  FHX__SQL_TASK_PHASE,
  FHX__SQL_TASK_FREE,
  FHX__SQL_TASK_LAPSE,
  FHX__SQL_TASK_CLAIM,
  FHX__SQL_TASK_EMPTY,
  FHX__SQL_TASK_RENEW,
  FHX__SQL_TASK_CHECKPOINT,
  FHX__SQL_TASK_LINES,
  FHX__SQL_TASK_END,
  FHX__SQL_TASK_UNPAGED,
  FHX__SQL_TASK_PAGED,
  FHX__SQL_TASK_RELEASE,
  FHX__SQL_TASK_DELETE_ALL,
  FHX__SQL_ATTEMPT_INSERT,
  FHX__SQL_ATTEMPT_ANNOUNCE,
  FHX__SQL_ATTEMPT_FINISH,
  FHX__SQL_ATTEMPT_LIST,
  FHX__SQL_ATTEMPT_DELETE_ALL,
  FHX__SQL_PART_INSERT,
  FHX__SQL_PART_LIST,
  FHX__SQL_PART_DELETE,
  FHX__SQL_PART_DELETE_ALL,
  FHX__SQL_LINE_INSERT,
  FHX__SQL_LINE_COUNTS,
  FHX__SQL_LINE_LIST,
  FHX__SQL_LINE_DELETE,
  FHX__SQL_LINE_DELETE_ALL,
  FHX__SQL_MEMBER_INSERT,
  FHX__SQL_MEMBER_LIST,
  FHX__SQL_MEMBER_PIECE,
  FHX__SQL_MEMBER_DELETE_PIECE,
  FHX__SQL_MEMBER_DELETE_ALL,
  FHX__SQL_PAGE_COUNT,
  FHX__SQL_PAGE_RANGE,
  FHX__SQL_PAGE_INSERT,
  FHX__SQL_PAGE_LIST,
  FHX__SQL_PAGE_DELETE_ALL,
  FHX__SQL_COUNT
} fhx__sql;

typedef struct fhx__sqlite {
  sqlite3 *connection;
  fhx_clock_callback clock;
  void *clock_user_data;
  /* Held during a step; what follows belongs to the step. */
  pthread_mutex_t lock;
  sqlite3_stmt *statements[FHX__SQL_COUNT];
  int64_t now_us;
  /* SQLite's first failure in this step. */
  int code;
  /* Why the step was refused, and how long to wait after FHX_WAIT. */
  const char *sentence;
  int64_t wait_us;
} fhx__sqlite;

/* --- sqlite_schema.c --- */

extern const char *const fhx__sql_texts[FHX__SQL_COUNT];

/* Checks that the file is a store of this schema, or makes it one if it is empty. */
int32_t fhx__sqlite_set_up(sqlite3 *connection, bool in_memory, fhx_error **error);

/* --- sqlite_step.c --- */

/*
 * A step: begin, statements, end. Begin takes the lock and opens a transaction, which holds the
 * file's write lock if the step `changes` something; end gives both back whatever begin said.
 * Begin waits for another process's transaction as long as the reply's caller does, but not for
 * ever, and without the lock: what waits for the file holds no other step up. Behind it nothing has
 * to wait for the file any more.
 * A status of 0 or above commits, one below rolls back; then the reply is answered accordingly.
 */
int32_t fhx__sqlite_begin(fhx__sqlite *db, bool changes, const fhx_reply *reply);
void fhx__sqlite_end(fhx__sqlite *db, int32_t status, fhx_reply *reply);

/* Notes why the step's condition does not hold; returns `status`. */
int32_t fhx__sqlite_refuse(fhx__sqlite *db, int32_t status, const char *sentence);

/* FHX_OK, or FHX_ERR_STORE after a failure of SQLite in this step. */
int32_t fhx__sqlite_status(const fhx__sqlite *db);

/* A statement that is ready for its parameters; NULL after a failure. All that follows does nothing
   with NULL or after a failure, so only the end of a row of calls needs to be checked. */
sqlite3_stmt *fhx__sqlite_statement(fhx__sqlite *db, fhx__sql id);
void fhx__sqlite_bind_integer(fhx__sqlite *db, sqlite3_stmt *statement, int position,
                              int64_t value);
/* A failure beyond INT64_MAX. */
void fhx__sqlite_bind_count(fhx__sqlite *db, sqlite3_stmt *statement, int position, uint64_t value);
/* NULL counts as "". */
void fhx__sqlite_bind_text(fhx__sqlite *db, sqlite3_stmt *statement, int position,
                           const char *text);
/* NULL stays NULL, also in the other direction, and is not the same as nothing of length 0. */
void fhx__sqlite_bind_bytes(fhx__sqlite *db, sqlite3_stmt *statement, int position,
                            const void *data, size_t len);

/* Whether there is another row. */
bool fhx__sqlite_row(fhx__sqlite *db, sqlite3_stmt *statement);
/* Runs a statement without rows. */
int32_t fhx__sqlite_run(fhx__sqlite *db, sqlite3_stmt *statement);

/* Columns of the row; texts and bytes are valid until the statement goes on. */
uint32_t fhx__sqlite_small(sqlite3_stmt *statement, int column);
uint64_t fhx__sqlite_count(sqlite3_stmt *statement, int column);
const char *fhx__sqlite_text(fhx__sqlite *db, sqlite3_stmt *statement, int column);
const void *fhx__sqlite_bytes(fhx__sqlite *db, sqlite3_stmt *statement, int column, size_t *len);

/* --- sqlite_find.c: what the conditions of steps are about --- */

typedef struct fhx__sqlite_job {
  int64_t key;
  uint32_t state;
  uint32_t cleanup_due;
} fhx__sqlite_job;

typedef struct fhx__sqlite_task {
  fhx__sqlite_job job;
  uint32_t index;
  uint32_t state;
  uint64_t fence;
  uint64_t next_seq;
  uint32_t attempt_count;
} fhx__sqlite_task;

/* FHX_OK, FHX_ERR_NOT_FOUND, FHX_ERR_STORE. */
int32_t fhx__sqlite_find_job(fhx__sqlite *db, const char *job_id, fhx__sqlite_job *job);
int32_t fhx__sqlite_find_task(fhx__sqlite *db, const char *job_id, uint32_t task_index,
                              fhx__sqlite_task *task);
/* The task runs and `fence` is its current one: else FHX_ERR_REFUSED. */
int32_t fhx__sqlite_check_fence(fhx__sqlite *db, const fhx__sqlite_task *task, uint64_t fence);
/* The task's job runs: else FHX_ERR_REFUSED, or FHX_ERR_NOT_FOUND while it is being removed. */
int32_t fhx__sqlite_check_running(fhx__sqlite *db, const fhx__sqlite_task *task);
/* The job fails: its objects are to be cleaned up, its leases stay. */
int32_t fhx__sqlite_fail_job(fhx__sqlite *db, int64_t job_key, int32_t status, const char *reason);
/* Answers with a task's record. */
int32_t fhx__sqlite_reply_task(fhx__sqlite *db, int64_t job_key, uint32_t task_index,
                               fhx_reply *reply);
/* The job has no turn any more, unless it runs. */
int32_t fhx__sqlite_end_turn(fhx__sqlite *db, int64_t job_key);
/* Runs a statement whose parameters are a job and, where it has a second one, a task of it. */
int32_t fhx__sqlite_run_for(fhx__sqlite *db, fhx__sql id, int64_t job_key, uint32_t task_index);
/* Drops members of the job: FHX_OK when none is left, FHX_WAIT when there were more than others can
   be made to wait for; then the next step goes on. */
int32_t fhx__sqlite_drop_members(fhx__sqlite *db, int64_t job_key);
/* The task waits again, with so many attempts behind it. */
int32_t fhx__sqlite_put_back(fhx__sqlite *db, int64_t job_key, uint32_t task_index,
                             uint32_t attempt_count);
/* When a lease that is given now lapses. */
int64_t fhx__sqlite_lease_end(const fhx__sqlite *db, int64_t lease_us);
/* Sets wait_us to the time until `lapse_us`, but not for long: a task may be given back sooner. */
int32_t fhx__sqlite_wait_until(fhx__sqlite *db, int64_t lapse_us);

/* How many pages the job has; 0 after a failure too. */
uint32_t fhx__sqlite_page_count(fhx__sqlite *db, int64_t job_key);

/* --- sqlite_list.c: what lists share --- */

/* Gives every row of a list of parts, whose columns are those of FHX__SQL_PART_LIST. */
int32_t fhx__sqlite_reply_parts(fhx__sqlite *db, sqlite3_stmt *list, fhx_reply *reply);

/* --- sqlite_job.c: what reading and listing jobs share --- */

/* A job's record as it is read; without its long texts and bytes if it `is_listed`. FHX_OK, and the
   record is valid until the next statement; or FHX_ERR_STORE. */
int32_t fhx__sqlite_job_record(fhx__sqlite *db, int64_t job_key, bool is_listed,
                               fhx_job_record *record);

/* --- the steps: sqlite_job.c, sqlite_claim.c, sqlite_task.c, sqlite_list.c, sqlite_page.c --- */

void fhx__sqlite_create_job(void *user_data, const fhx_job_record *record, fhx_reply *reply);
void fhx__sqlite_read_job(void *user_data, const char *job_id, fhx_reply *reply);
void fhx__sqlite_remove_job(void *user_data, const char *job_id, fhx_reply *reply);
void fhx__sqlite_clean_job(void *user_data, const char *job_id, fhx_reply *reply);
void fhx__sqlite_next_cleanup(void *user_data, int64_t keep_us, const char *after_job_id,
                              fhx_reply *reply);
void fhx__sqlite_hold_job(void *user_data, const char *job_id, int64_t hold_us, fhx_reply *reply);
void fhx__sqlite_list_jobs(void *user_data, uint32_t states, const char *tenant, const char *client,
                           int64_t after_created_us, const char *after_job_id, uint32_t limit,
                           fhx_reply *reply);
void fhx__sqlite_claim_task(void *user_data, const char *job_id, const char *claim_id,
                            int64_t lease_us, uint32_t attempts_max, fhx_reply *reply);
void fhx__sqlite_renew_task(void *user_data, const char *job_id, uint32_t task_index,
                            uint64_t fence, uint64_t last_seq, uint64_t resource_count,
                            int64_t lease_us, fhx_reply *reply);
void fhx__sqlite_plan_tasks(void *user_data, const fhx_plan *plan, fhx_reply *reply);
void fhx__sqlite_record_checkpoint(void *user_data, const fhx_checkpoint *checkpoint,
                                   fhx_reply *reply);
void fhx__sqlite_release_task(void *user_data, const char *job_id, uint32_t task_index,
                              uint64_t fence, uint32_t how, uint32_t attempts_max, int32_t status,
                              const char *reason, fhx_reply *reply);
void fhx__sqlite_add_members(void *user_data, const fhx_members *members, fhx_reply *reply);
void fhx__sqlite_list_members(void *user_data, const char *job_id, uint32_t list, const char *after,
                              uint32_t limit, fhx_reply *reply);
void fhx__sqlite_read_task(void *user_data, const char *job_id, uint32_t task_index,
                           fhx_reply *reply);
void fhx__sqlite_list_parts(void *user_data, const char *job_id, uint32_t after_task,
                            uint64_t after_seq, uint32_t limit, fhx_reply *reply);
void fhx__sqlite_list_lines(void *user_data, const char *job_id, uint64_t first, uint32_t limit,
                            fhx_reply *reply);
void fhx__sqlite_list_attempts(void *user_data, const char *job_id, uint32_t after_task,
                               uint64_t after_fence, uint32_t limit, fhx_reply *reply);
void fhx__sqlite_add_page(void *user_data, const char *job_id, uint32_t page, uint32_t count_max,
                          fhx_reply *reply);
void fhx__sqlite_list_page(void *user_data, const char *job_id, uint32_t page, uint32_t after_task,
                           uint64_t after_seq, uint32_t limit, fhx_reply *reply);

#endif
