/* Steps of the PostgreSQL store: transactions, and the answer at the end. Parameters and columns
   are in postgres_values.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "store/postgres_store.h"

/* A step that nothing is in the way of has this time at least, whoever waits: a server that is well
   needs less. */
#define PATIENCE_MIN_US INT64_C(1000000)
#define PATIENCE_MAX_US INT64_C(60000000)
/* How long it waits at most for another transaction, and how often it is taken again. */
#define LOCK_PATIENCE_MIN_US INT64_C(20000)
#define LOCK_PATIENCE_MAX_US INT64_C(5000000)
#define TURNS_MAX 6
#define PAUSE_US INT64_C(2000)

#define EXPLANATION_MAX 160

/* --- what a step says --- */

int32_t fhx__pg_refuse(fhx__pg_step *step, int32_t status, const char *sentence) {
  step->sentence = sentence;
  return status;
}

int32_t fhx__pg_status(const fhx__pg_step *step) {
  return step->fault == FHX__PG_FAULT_NONE ? FHX_OK : FHX_ERR_STORE;
}

void fhx__pg_answer_with(fhx__pg_step *step, fhx__pg_give give) {
  if (step->fault == FHX__PG_FAULT_NONE) step->give = give;
}

static const char *explain_sql(const char *sqlstate, uint32_t *is_retryable) {
  const char *why = fhx__sqlstate_of_statement(sqlstate, is_retryable);
  if (why != NULL) return why;
  *is_retryable = strcmp(sqlstate, "55P03") == 0;
  if (*is_retryable) return "another step took too long";
  if (strcmp(sqlstate, "42P07") == 0) return "the schema holds tables of another program";
  return "the database refused the step";
}

const char *fhx__pg_explain(const fhx__pg_step *step, char *text, size_t size,
                            uint32_t *is_retryable) {
  *is_retryable = 1;
  switch (step->fault) {
    case FHX__PG_FAULT_MEMORY:
      return "out of memory";
    case FHX__PG_FAULT_CROWDED:
      return "no connection to the database came free in time";
    case FHX__PG_FAULT_LOST:
      return "the connection to the database was lost";
    case FHX__PG_FAULT_LOST_AT_COMMIT:
      return "the connection to the database was lost while the step was recorded";
    case FHX__PG_FAULT_CONFLICT:
      return "other steps were in the way again and again";
    case FHX__PG_FAULT_CONNECT:
    case FHX__PG_FAULT_SQL: {
      const bool at_connect = step->fault == FHX__PG_FAULT_CONNECT;
      const char *why = at_connect ? fhx__sqlstate_at_connect(step->sqlstate, is_retryable)
                                   : explain_sql(step->sqlstate, is_retryable);
      if (*step->sqlstate == '\0') return why;
      snprintf(text, size, "%s (SQLSTATE %s)", why, step->sqlstate);
      return text;
    }
    case FHX__PG_FAULT_RANGE:
      *is_retryable = 0;
      return "a number or a list is larger than the database holds";
    case FHX__PG_FAULT_VERSION:
      *is_retryable = 0;
      return "the store's tables were brought to a schema version that this library does not know";
    default:
      *is_retryable = 0;
      return "the database's answer is not what was asked for";
  }
}

static void answer(const fhx__pg_step *step, int32_t status, fhx_reply *reply) {
  if (step->fault != FHX__PG_FAULT_NONE) {
    char text[EXPLANATION_MAX];
    uint32_t is_retryable = 0;
    const char *why = fhx__pg_explain(step, text, sizeof text, &is_retryable);
    const bool no_memory = step->fault == FHX__PG_FAULT_MEMORY;
    fhx_reply_fail(reply, no_memory ? FHX_ERR_NO_MEMORY : FHX_ERR_STORE, is_retryable, why);
  } else if (status == FHX_OK) {
    fhx_reply_done(reply);
  } else if (status == FHX_END) {
    fhx_reply_end(reply);
  } else if (status == FHX_WAIT) {
    fhx_reply_wait(reply, step->wait_us);
  } else {
    fhx_reply_fail(reply, status, 0, step->sentence);
  }
}

/* --- a transaction --- */

/* One round trip: the transaction, its limits of time, and the clock. The numbers are our own. */
static bool begin(fhx__pg_step *step, bool changes) {
  char sql[320];
  const int64_t now_us = fhx__clock_monotonic_us();
  int64_t lock_us = step->patient_until_us - now_us;
  if (lock_us > LOCK_PATIENCE_MAX_US) lock_us = LOCK_PATIENCE_MAX_US;
  if (lock_us < LOCK_PATIENCE_MIN_US) lock_us = LOCK_PATIENCE_MIN_US;
  int64_t left_us = step->until_us - now_us;
  if (left_us < PATIENCE_MIN_US) left_us = PATIENCE_MIN_US;
  snprintf(sql, sizeof sql,
           "BEGIN ISOLATION LEVEL %s; SET LOCAL lock_timeout = %" PRId64
           "; SET LOCAL statement_timeout = %" PRId64
           "; SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8",
           changes ? "READ COMMITTED, READ WRITE" : "REPEATABLE READ, READ ONLY", lock_us / 1000,
           left_us / 1000);
  if (!fhx__pg_execute(step, sql)) return false;
  const fhx__postgres *store = step->store;
  if (store->clock != NULL) {
    step->now_us = store->clock(store->clock_user_data);
  } else if (PQntuples(step->result) == 1) {
    step->now_us = strtoll(PQgetvalue(step->result, 0, 0), NULL, 10);
  } else {
    fhx__pg_note(step, FHX__PG_FAULT_RESULT);
  }
  return step->fault == FHX__PG_FAULT_NONE;
}

/* Whether the connection can be used again. What was only read is as good without the end. */
static bool commit(fhx__pg_step *step, bool changes) {
  const bool done =
      fhx__pg_execute(step, "COMMIT") && strcmp(PQcmdStatus(step->result), "COMMIT") == 0;
  if (done) return true;
  fhx__pg_note(step, FHX__PG_FAULT_RESULT);
  if (step->fault == FHX__PG_FAULT_LOST) step->fault = FHX__PG_FAULT_LOST_AT_COMMIT;
  if (!changes) step->fault = FHX__PG_FAULT_NONE;
  return false;
}

static bool roll_back(fhx__pg_step *step) {
  const fhx__pg_fault fault = step->fault;
  if (fault == FHX__PG_FAULT_LOST) return false;
  const PGTransactionStatusType state = PQtransactionStatus(step->link->connection);
  if (state == PQTRANS_IDLE) return true;
  if (state != PQTRANS_INTRANS && state != PQTRANS_INERROR) return false;
  step->fault = FHX__PG_FAULT_NONE;
  const bool done = fhx__pg_execute(step, "ROLLBACK");
  step->fault = fault;
  return done;
}

/* The rows that the body found, before the end: what cannot be given was not done. */
static int32_t give_rows(fhx__pg_step *step, fhx_reply *reply) {
  int32_t status = FHX_OK;
  const int count = fhx__pg_row_count(step);
  for (int row = 0; row < count && status == FHX_OK; row++) status = step->give(step, row, reply);
  return step->fault == FHX__PG_FAULT_NONE ? status : FHX_ERR_STORE;
}

typedef struct order {
  bool changes;
  fhx__pg_body body;
  const void *arguments;
  fhx_reply *reply;
} order;

static int32_t take_turn(fhx__pg_step *step, const order *ordered) {
  step->fault = FHX__PG_FAULT_NONE;
  *step->sqlstate = '\0';
  step->sentence = "the step is not possible";
  step->wait_us = 0;
  step->give = NULL;
  if (!fhx__pg_take_link(step)) return FHX_ERR_STORE;
  int32_t status = FHX_ERR_STORE;
  if (begin(step, ordered->changes)) status = ordered->body(step, ordered->arguments);
  if (step->fault == FHX__PG_FAULT_NONE && status == FHX_OK && step->give != NULL) {
    status = give_rows(step, ordered->reply);
  }
  bool is_usable = false;
  if (step->fault == FHX__PG_FAULT_NONE && status >= 0) {
    is_usable = commit(step, ordered->changes);
  } else {
    is_usable = roll_back(step);
  }
  fhx__pg_clear(step);
  fhx__pg_return_link(step, is_usable);
  return status;
}

/* Nothing was taken, nothing was given, and the next turn may do better. */
static bool is_worth_another(const fhx__pg_step *step) {
  if (step->give != NULL || fhx__clock_monotonic_us() >= step->patient_until_us) return false;
  return step->fault == FHX__PG_FAULT_CONFLICT || step->fault == FHX__PG_FAULT_LOST;
}

void fhx__pg_step_begin(fhx__pg_step *step, fhx__postgres *store, int64_t patience_us) {
  memset(step, 0, sizeof *step);
  step->store = store;
  step->patient_until_us = fhx__clock_monotonic_us() + patience_us;
  if (patience_us < PATIENCE_MIN_US) patience_us = PATIENCE_MIN_US;
  step->until_us = fhx__clock_monotonic_us() + patience_us;
}

void fhx__pg_step_end(fhx__pg_step *step) {
  fhx__pg_clear(step);
  fhx__buffer_free(&step->own);
}

void fhx__pg_run_step(void *user_data, bool changes, fhx__pg_body body, const void *arguments,
                      fhx_reply *reply) {
  const order ordered = {changes, body, arguments, reply};
  fhx__pg_step step;
  int64_t patience_us = fhx_reply_patience_us(reply);
  if (patience_us > PATIENCE_MAX_US) patience_us = PATIENCE_MAX_US;
  fhx__pg_step_begin(&step, user_data, patience_us);
  int32_t status = take_turn(&step, &ordered);
  for (int turn = 1; turn < TURNS_MAX && is_worth_another(&step); turn++) {
    if (step.fault == FHX__PG_FAULT_CONFLICT) fhx__clock_sleep_us(PAUSE_US * turn * turn);
    status = take_turn(&step, &ordered);
  }
  fhx__pg_step_end(&step);
  answer(&step, status, reply);
}
