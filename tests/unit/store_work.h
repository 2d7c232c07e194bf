/* A job that tests of one store work on, alone and in a race. */
#ifndef TEST_UNIT_STORE_WORK_H
#define TEST_UNIT_STORE_WORK_H

#include "store/store.h"

#define WORK_JOB "0123456789abcdef0123456789abcdef"
#define WORK_LEASE_US 60000000

int32_t work_create(fhx_store *store);
int32_t work_claim(fhx_store *store, const char *claim_id, int64_t lease_us, fhx__task_entry *task);
/* Tasks of one phase. */
int32_t work_plan(fhx_store *store, uint64_t fence, uint32_t task_count);
fhx_part work_part(uint32_t task_index, uint64_t fence, uint64_t seq);
/* Records a checkpoint: one part of `seq` resources, one error line, a token. */
int32_t work_advance(fhx_store *store, uint32_t task_index, uint64_t fence, uint64_t seq,
                     uint32_t done, fhx_error **error);
/* Makes a job whose task 1 is held by "w" with fence 1. */
void work_begin(fhx_store *store, uint32_t task_count);

/* What is recorded of a task must agree with its parts: their numbers run from 1 without a gap. The
   next number of a part. */
uint64_t work_assert_whole(fhx_store *store, uint32_t task_index);
uint32_t work_count_lines(fhx_store *store);

/* Racers on a clock by which time flies, so that leases lapse under their holders again and again:
   no fence may be given out twice, no part recorded twice, and all must be done in the end. */
typedef struct work_race work_race;
work_race *work_race_new(void);
/* The clock of both stores; its user data is the race. */
int64_t work_race_clock(void *user_data);
/* Half of them work on one store, half on the other, both without jobs. Frees the race. */
void work_race_run(work_race *shared, fhx_store *one, fhx_store *other, int racer_count);

/* A job's life, from a new store to a removed record, in which one allocation may fail: then the
   step is tried once more. `open` makes the store. */
typedef int32_t (*work_open)(void *context, fhx_store **store);
void work_live(work_open open, void *context);

#endif
