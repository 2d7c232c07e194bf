/* The PostgreSQL store from inside: its pool of connections, the step that is under way on one of
   them, and the statements. It knows the public callbacks only, like any host's store.

   How steps of several processes keep out of each other's way: each is one transaction at READ
   COMMITTED that first locks its job, then its task. Who may change the job locks it for change;
   who works on one task of it locks it for sharing, so that workers do not wait for each other.
   No step locks a job after a task, or two jobs or two tasks that it would have to wait for. Turns
   are locked last, and never waited for. */
#ifndef FHX__STORE_POSTGRES_STORE_H
#define FHX__STORE_POSTGRES_STORE_H

#include <fhirexport/store.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "core/buffer.h"
#include "postgres/pool.h"

/* The statements; their texts are in postgres_sql.c. */
typedef enum fhx__pg_sql {
  FHX__PG_JOB_LOCK_CREATION,
  FHX__PG_JOB_INSERT,
  FHX__PG_JOB_IDENTICAL,
  FHX__PG_JOB_FIND,
  FHX__PG_JOB_SHARE,
  FHX__PG_JOB_CHANGE,
  FHX__PG_JOB_SHARE_KEY,
  FHX__PG_JOB_CHANGE_KEY,
  FHX__PG_JOB_SHARE_FREE,
  FHX__PG_JOB_CHANGE_FREE,
  FHX__PG_JOB_READ,
  FHX__PG_JOB_NEXT_FREE,
  FHX__PG_JOB_RUNNING,
  FHX__PG_JOB_FAIL,
  FHX__PG_JOB_COMPLETE,
  FHX__PG_JOB_REMOVE,
  FHX__PG_JOB_CLEANED,
  FHX__PG_JOB_HOLD,
  FHX__PG_JOB_DELETE,
  FHX__PG_JOB_LEASES,
  FHX__PG_JOB_LIMIT,
  FHX__PG_JOB_CLIENT_LIMIT,
  FHX__PG_JOB_EXPIRE,
  FHX__PG_JOB_NEXT_CLEANUP,
  FHX__PG_JOB_LIST,
  FHX__PG_JOB_LIST_OF_TENANT,
  FHX__PG_JOB_LIST_OF_CLIENT,
  FHX__PG_TURN_INSERT,
  FHX__PG_TURN_TAKE,
  FHX__PG_TURN_END,
  FHX__PG_TASK_INSERT_FIRST,
  FHX__PG_TASK_INSERT,
  FHX__PG_TASK_FIND,
  FHX__PG_TASK_READ,
  FHX__PG_TASK_LOCK_CLAIM,
  FHX__PG_TASK_HELD,
  FHX__PG_TASK_KEEP,
  FHX__PG_TASK_PHASE,
  FHX__PG_TASK_FREE,
  FHX__PG_TASK_LAPSE,
  FHX__PG_TASK_CLAIM,
  FHX__PG_TASK_EMPTY,
  FHX__PG_TASK_RENEW,
  FHX__PG_TASK_CHECKPOINT,
  FHX__PG_TASK_LINES,
  FHX__PG_TASK_END,
  FHX__PG_TASK_UNPAGED,
  FHX__PG_TASK_PAGED,
  FHX__PG_TASK_RELEASE,
  FHX__PG_TASK_DELETE_ALL,
  FHX__PG_ATTEMPT_INSERT,
  FHX__PG_ATTEMPT_ANNOUNCE,
  FHX__PG_ATTEMPT_FINISH,
  FHX__PG_ATTEMPT_LIST,
  FHX__PG_ATTEMPT_DELETE_ALL,
  FHX__PG_PART_INSERT,
  FHX__PG_PART_LIST,
  FHX__PG_PART_DELETE,
  FHX__PG_PART_DELETE_PIECE,
  FHX__PG_LINE_INSERT,
  FHX__PG_LINE_PLACE,
  FHX__PG_LINE_LIST,
  FHX__PG_LINE_DELETE,
  FHX__PG_LINE_DELETE_PIECE,
  FHX__PG_MEMBER_INSERT,
  FHX__PG_MEMBER_LIST,
  FHX__PG_MEMBER_DELETE_PIECE,
  FHX__PG_PAGE_COUNT,
  FHX__PG_PAGE_RANGE,
  FHX__PG_PAGE_INSERT,
  FHX__PG_PAGE_LIST,
  FHX__PG_PAGE_DELETE_ALL,
  FHX__PG_COUNT
} fhx__pg_sql;

extern const char *const fhx__pg_texts[FHX__PG_COUNT];

/* How much later than the server's own limit this side gives up. */
#define FHX__PG_GRACE_US 500000

/* The longest name of a schema: PostgreSQL cuts longer ones off. */
#define FHX__PG_SCHEMA_MAX 63

/* What went wrong first in a step; nothing is done after it. */
typedef enum fhx__pg_fault {
  FHX__PG_FAULT_NONE,
  FHX__PG_FAULT_MEMORY,
  /* A number or a list that no row can hold. */
  FHX__PG_FAULT_RANGE,
  /* What the database gave is not what the statement asked for. */
  FHX__PG_FAULT_RESULT,
  /* No connection came free in time. */
  FHX__PG_FAULT_CROWDED,
  /* No connection could be made: the SQLSTATE says why, if the database answered. */
  FHX__PG_FAULT_CONNECT,
  /* The connection is gone, or the answer came not in time; so is the transaction, unless COMMIT
     was on its way. */
  FHX__PG_FAULT_LOST,
  FHX__PG_FAULT_LOST_AT_COMMIT,
  /* Another transaction was in the way; the same step can be taken again at once. */
  FHX__PG_FAULT_CONFLICT,
  /* The database has a schema of another version. */
  FHX__PG_FAULT_VERSION,
  /* The database refused a statement: the SQLSTATE says why. */
  FHX__PG_FAULT_SQL,
} fhx__pg_fault;

/* A statement is prepared on a connection where it is first needed. */
_Static_assert(FHX__PG_COUNT <= FHX__LIBPQ_PREPARED_MAX, "all statements can be prepared");

typedef struct fhx__postgres {
  fhx__libpq_pool pool;
  char schema[FHX__PG_SCHEMA_MAX + 1];
  /* Of the tables that its connections must find; 0 while that is not known yet. */
  uint64_t version;
  fhx_clock_callback clock;
  void *clock_user_data;
} fhx__postgres;

#define FHX__PG_PARAMETERS_MAX 16

/* Its bytes are the caller's, valid until the statement has run, or in the step's buffer. */
typedef struct fhx__pg_parameter {
  const void *data;
  size_t len;
  size_t offset;
  bool is_null;
  bool is_own;
} fhx__pg_parameter;

typedef struct fhx__pg_step fhx__pg_step;

/* Gives rows of the step's result as an answer; a failure of its own stays in the reply. */
typedef int32_t (*fhx__pg_give)(fhx__pg_step *step, int row, fhx_reply *reply);

struct fhx__pg_step {
  fhx__postgres *store;
  fhx__libpq_link *link;
  /* Until when the caller waits for other steps, and until when for the server, which is longer
     where there is hardly any time; both by the monotonic clock. */
  int64_t patient_until_us;
  int64_t until_us;
  /* The store's clock, once at the beginning: before the locks, so that a lease that is given by it
     ends sooner rather than later, and one that is judged by it lapses later rather than sooner. */
  int64_t now_us;
  fhx__pg_fault fault;
  char sqlstate[FHX__SQLSTATE_LEN + 1];
  /* Why the step was refused, and how long to wait after FHX_WAIT. */
  const char *sentence;
  int64_t wait_us;
  /* A claim that has to change a job which it has locked for sharing begins again with this. */
  bool locks_for_change;
  /* The statement that is made ready. */
  fhx__pg_sql statement;
  int parameter_count;
  fhx__pg_parameter parameters[FHX__PG_PARAMETERS_MAX];
  fhx__buffer own;
  /* What the last statement answered. */
  PGresult *result;
  /* What is given when the transaction is over. */
  fhx__pg_give give;
};

/* --- postgres_exchange.c: one request and its answers on a connection --- */

/* Sends SQL without parameters, several statements in one; the last answer with rows is in the
   step's result, the first failure in its fault. */
bool fhx__pg_execute(fhx__pg_step *step, const char *sql);
/* Runs the statement that is ready. */
bool fhx__pg_run_statement(fhx__pg_step *step);
/* The same for a text that is not one of the statements, with its parameters as texts. */
bool fhx__pg_query(fhx__pg_step *step, const char *sql, int count, const char *const *texts);
void fhx__pg_note(fhx__pg_step *step, fhx__pg_fault fault);
void fhx__pg_clear(fhx__pg_step *step);

/* --- postgres_pool.c --- */

/* Gives the step a connection, an idle one or a new one. */
bool fhx__pg_take_link(fhx__pg_step *step);
/* Gives it back; one that was lost is closed, and so are the idle ones, which are as old. */
void fhx__pg_return_link(fhx__pg_step *step, bool is_usable);

/* --- postgres_schema.c --- */

#define FHX__PG_SCHEMA_VERSION 3
/* The SQL that makes each version out of the one before, the first out of nothing. */
extern const char *const fhx__pg_upgrades[];

/* Makes a new connection one of this store: its settings. */
bool fhx__pg_settle(fhx__pg_step *step);
/* Brings the tables to `version`, all of it in one transaction; one process at a time does. */
int32_t fhx__pg_set_up(fhx__postgres *store, const char *const *upgrades, uint64_t version,
                       fhx_error **error);

/* --- postgres_step.c, postgres_values.c --- */

typedef int32_t (*fhx__pg_body)(fhx__pg_step *step, const void *arguments);

/* The step as one transaction, which changes something or only reads one state: takes a connection,
   begins, lets `body` run its statements, commits if it returns 0 or more and rolls back if not,
   gives the connection back, and then answers. What was certainly not taken is taken again, a few
   times, where that can help: then `body` runs once more. */
void fhx__pg_run_step(void *user_data, bool changes, fhx__pg_body body, const void *arguments,
                      fhx_reply *reply);

/* A step outside such a run, with this patience. */
void fhx__pg_step_begin(fhx__pg_step *step, fhx__postgres *store, int64_t patience_us);
void fhx__pg_step_end(fhx__pg_step *step);
/* The sentence for the step's fault, in `text`, and whether the same may succeed later. */
const char *fhx__pg_explain(const fhx__pg_step *step, char *text, size_t size,
                            uint32_t *is_retryable);

/* Notes why the step's condition does not hold; returns `status`. */
int32_t fhx__pg_refuse(fhx__pg_step *step, int32_t status, const char *sentence);
/* FHX_OK, or FHX_ERR_STORE after a fault. */
int32_t fhx__pg_status(const fhx__pg_step *step);
/* The rows of the result are given when the step is done. */
void fhx__pg_answer_with(fhx__pg_step *step, fhx__pg_give give);

/* Makes a statement ready for its parameters, which follow in their order. All of this does nothing
   after a fault, so only the end of a row of calls needs to be checked. */
void fhx__pg_statement(fhx__pg_step *step, fhx__pg_sql id);
void fhx__pg_bind_integer(fhx__pg_step *step, int64_t value);
/* A fault beyond INT64_MAX. */
void fhx__pg_bind_count(fhx__pg_step *step, uint64_t value);
/* NULL counts as "". */
void fhx__pg_bind_text(fhx__pg_step *step, const char *text);
/* NULL stays NULL, also in the other direction, and is not the same as nothing of length 0. */
void fhx__pg_bind_bytes(fhx__pg_step *step, const void *data, size_t len);
/* An array, whose elements follow, each copied. */
typedef enum fhx__pg_type {
  FHX__PG_BYTES = 17,
  FHX__PG_INTEGER = 20,
  FHX__PG_TEXT = 25
} fhx__pg_type;
void fhx__pg_bind_array(fhx__pg_step *step, fhx__pg_type type, uint32_t count);
void fhx__pg_add_count(fhx__pg_step *step, uint64_t value);
void fhx__pg_add_bytes(fhx__pg_step *step, const void *data, size_t len);
void fhx__pg_add_text(fhx__pg_step *step, const char *text);

/* Runs the statement: FHX_OK, or FHX_ERR_STORE. */
int32_t fhx__pg_run(fhx__pg_step *step);
/* Runs it; whether it gave a row. */
bool fhx__pg_row(fhx__pg_step *step);
/* How many rows it gave, or changed. */
int fhx__pg_row_count(const fhx__pg_step *step);
uint64_t fhx__pg_changed_count(const fhx__pg_step *step);

/* Columns of the result; texts and bytes are valid until the next statement. */
bool fhx__pg_is_null(const fhx__pg_step *step, int row, int column);
int64_t fhx__pg_integer(fhx__pg_step *step, int row, int column);
uint64_t fhx__pg_count(fhx__pg_step *step, int row, int column);
uint32_t fhx__pg_small(fhx__pg_step *step, int row, int column);
const char *fhx__pg_text(fhx__pg_step *step, int row, int column);
const void *fhx__pg_bytes(fhx__pg_step *step, int row, int column, size_t *len);

/* --- postgres_find.c: what the conditions of steps are about --- */

typedef enum fhx__pg_lock { FHX__PG_READ, FHX__PG_SHARE, FHX__PG_CHANGE } fhx__pg_lock;

typedef struct fhx__pg_job {
  int64_t key;
  uint32_t state;
  uint32_t cleanup_due;
} fhx__pg_job;

typedef struct fhx__pg_task {
  fhx__pg_job job;
  uint32_t index;
  uint32_t state;
  uint64_t fence;
  uint64_t next_seq;
  uint32_t attempt_count;
} fhx__pg_task;

/* FHX_OK, FHX_ERR_NOT_FOUND, FHX_ERR_STORE. */
int32_t fhx__pg_find_job(fhx__pg_step *step, const char *job_id, fhx__pg_lock lock,
                         fhx__pg_job *job);
/* `lock` is the job's; the task is locked for change. */
int32_t fhx__pg_find_task(fhx__pg_step *step, const char *job_id, uint32_t task_index,
                          fhx__pg_lock lock, fhx__pg_task *task);
/* The task runs and `fence` is its current one: else FHX_ERR_REFUSED. */
int32_t fhx__pg_check_fence(fhx__pg_step *step, const fhx__pg_task *task, uint64_t fence);
/* The task's job runs: else FHX_ERR_REFUSED, or FHX_ERR_NOT_FOUND while it is being removed. */
int32_t fhx__pg_check_running(fhx__pg_step *step, const fhx__pg_task *task);
/* The job fails: its objects are to be cleaned up, its leases stay. */
int32_t fhx__pg_fail_job(fhx__pg_step *step, int64_t job_key, int32_t status, const char *reason);
/* Answers with a task's record. */
int32_t fhx__pg_reply_task(fhx__pg_step *step, int64_t job_key, uint32_t task_index);
/* The job has no turn any more, unless it runs. */
int32_t fhx__pg_end_turn(fhx__pg_step *step, int64_t job_key);
/* Runs a statement whose parameters are a job, or a job and a task of it. */
int32_t fhx__pg_run_for_job(fhx__pg_step *step, fhx__pg_sql id, int64_t job_key);
int32_t fhx__pg_run_for_task(fhx__pg_step *step, fhx__pg_sql id, int64_t job_key,
                             uint32_t task_index);
/* Runs a statement that deletes a piece: FHX_OK when nothing is left, FHX_WAIT when there was more
   than a step should take. */
int32_t fhx__pg_drop_piece(fhx__pg_step *step, fhx__pg_sql id, int64_t job_key);
/* The task waits again, with so many attempts behind it. */
int32_t fhx__pg_put_back(fhx__pg_step *step, int64_t job_key, uint32_t task_index,
                         uint32_t attempt_count);
/* When a lease that is given now lapses. */
int64_t fhx__pg_lease_end(const fhx__pg_step *step, int64_t lease_us);
/* Sets wait_us to the time until `lapse_us`, but not for long: a task may be given back sooner. */
int32_t fhx__pg_wait_until(fhx__pg_step *step, int64_t lapse_us);
/* How many pages the job has; 0 after a fault too. */
uint32_t fhx__pg_page_count(fhx__pg_step *step, int64_t job_key);

/* --- postgres_list.c: what lists share --- */

/* Gives a row of a list of parts, whose columns are those of FHX__PG_PART_LIST. */
int32_t fhx__pg_give_part(fhx__pg_step *step, int row, fhx_reply *reply);

/* --- postgres_job.c: what reading and listing jobs share --- */

/* Gives a row with a job's record, whose columns are those of FHX__PG_JOB_READ. */
int32_t fhx__pg_give_job(fhx__pg_step *step, int row, fhx_reply *reply);

/* --- the steps: postgres_job.c, postgres_claim.c, postgres_task.c, postgres_list.c,
   postgres_page.c --- */

void fhx__pg_create_job(void *user_data, const fhx_job_record *record, fhx_reply *reply);
void fhx__pg_read_job(void *user_data, const char *job_id, fhx_reply *reply);
void fhx__pg_hold_job(void *user_data, const char *job_id, int64_t hold_us, fhx_reply *reply);
void fhx__pg_remove_job(void *user_data, const char *job_id, fhx_reply *reply);
void fhx__pg_clean_job(void *user_data, const char *job_id, fhx_reply *reply);
void fhx__pg_next_cleanup(void *user_data, int64_t keep_us, const char *after_job_id,
                          fhx_reply *reply);
void fhx__pg_list_jobs(void *user_data, uint32_t states, const char *tenant, const char *client,
                       int64_t after_created_us, const char *after_job_id, uint32_t limit,
                       fhx_reply *reply);
void fhx__pg_claim_task(void *user_data, const char *job_id, const char *claim_id, int64_t lease_us,
                        uint32_t attempts_max, fhx_reply *reply);
void fhx__pg_renew_task(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                        uint64_t last_seq, uint64_t resource_count, int64_t lease_us,
                        fhx_reply *reply);
void fhx__pg_plan_tasks(void *user_data, const fhx_plan *plan, fhx_reply *reply);
void fhx__pg_record_checkpoint(void *user_data, const fhx_checkpoint *checkpoint, fhx_reply *reply);
void fhx__pg_release_task(void *user_data, const char *job_id, uint32_t task_index, uint64_t fence,
                          uint32_t how, uint32_t attempts_max, int32_t status, const char *reason,
                          fhx_reply *reply);
void fhx__pg_add_members(void *user_data, const fhx_members *members, fhx_reply *reply);
void fhx__pg_list_members(void *user_data, const char *job_id, uint32_t list, const char *after,
                          uint32_t limit, fhx_reply *reply);
void fhx__pg_read_task(void *user_data, const char *job_id, uint32_t task_index, fhx_reply *reply);
void fhx__pg_list_parts(void *user_data, const char *job_id, uint32_t after_task,
                        uint64_t after_seq, uint32_t limit, fhx_reply *reply);
void fhx__pg_list_lines(void *user_data, const char *job_id, uint64_t first, uint32_t limit,
                        fhx_reply *reply);
void fhx__pg_list_attempts(void *user_data, const char *job_id, uint32_t after_task,
                           uint64_t after_fence, uint32_t limit, fhx_reply *reply);
void fhx__pg_add_page(void *user_data, const char *job_id, uint32_t page, uint32_t count_max,
                      fhx_reply *reply);
void fhx__pg_list_page(void *user_data, const char *job_id, uint32_t page, uint32_t after_task,
                       uint64_t after_seq, uint32_t limit, fhx_reply *reply);

#endif
