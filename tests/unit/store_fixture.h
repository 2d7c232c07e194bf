/* A store under test with a clock, and one function for each step: it gives the step's status, and
   keeps what was read in the fixture. */
#ifndef TEST_UNIT_STORE_FIXTURE_H
#define TEST_UNIT_STORE_FIXTURE_H

#include "core/buffer.h"
#include "store/store.h"
#include "store_conformance.h"

#define JOB_A "0123456789abcdef0123456789abcdef"
#define JOB_B "fedcba9876543210fedcba9876543210"
#define LEASE_US 60000000
#define ATTEMPTS_MAX 3
#define BEGINNING_US INT64_C(1700000000000000)
/* The tasks of a whole plan: two shards of Patient, Observation, and one of the finish phase. */
#define PLANNED 4

typedef struct fixture {
  const store_conformance *subject;
  fhx_store *held;
  /* The store's clock; it stands still unless a test moves it. */
  int64_t now_us;
  int64_t wait_us;
  fhx__job_entry job;
  fhx__task_entry task;
  fhx__buffer list;
} fixture;

/* cmocka's: the state is a store_conformance before, a fixture after. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* The store, after a restart where the subject has them. */
fhx_store *fixture_store(fixture *f);
/* A step's status, once its error agrees with it. */
int32_t fixture_seen(int32_t status, fhx_error **error);

fhx_job_record fixture_job_record(const char *job_id);
/* A part's facts follow from its place: 10 * seq resources, 1,000 * seq bytes. */
fhx_part fixture_part(const char *job_id, uint32_t task_index, uint64_t fence, uint64_t seq);
/* A checkpoint with that part, two error lines and no token. */
fhx_checkpoint fixture_checkpoint(const char *job_id, uint32_t task_index, uint64_t fence,
                                  uint64_t seq, const fhx_part *part);

int32_t step_create(fixture *f, const char *job_id);
int32_t step_read_job(fixture *f, const char *job_id);
int32_t step_claim(fixture *f, const char *job_id, const char *claim_id);
int32_t step_renew(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                   uint64_t last_seq);
/* Renews with a number of resources. */
int32_t step_tell(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                  uint64_t resource_count);
/* With FHX_ERR_SOURCE and "the source is gone". */
int32_t step_release(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                     uint32_t how);
int32_t step_read_task(fixture *f, const char *job_id, uint32_t task_index);
int32_t step_remove(fixture *f, const char *job_id);
int32_t step_clean(fixture *f, const char *job_id);
/* The first `task_count` of the whole plan. */
int32_t step_plan(fixture *f, const char *job_id, uint64_t fence, uint32_t task_count);
int32_t step_add_members(fixture *f, const fhx_members *members);
int32_t step_add_page(fixture *f, const char *job_id, uint32_t page, uint32_t count_max);
int32_t step_record(fixture *f, const fhx_checkpoint *checkpoint);
/* Records fixture_checkpoint with its part; `token` NULL: none. */
int32_t step_advance(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                     uint64_t seq, const char *token, uint32_t done);

/* The lists must succeed; they give the number of entries, and the list in the fixture has these
   instead of those before. Each line or member is followed by a '|'. */
uint32_t step_list_parts(fixture *f, const char *job_id, uint32_t after_task, uint64_t after_seq,
                         uint32_t limit);
uint32_t step_list_attempts(fixture *f, const char *job_id, uint32_t after_task,
                            uint64_t after_fence, uint32_t limit);
uint32_t step_list_lines(fixture *f, const char *job_id, uint64_t first, uint32_t limit);
uint32_t step_list_members(fixture *f, const char *job_id, uint32_t list, const char *after,
                           uint32_t limit);
uint32_t step_list_page(fixture *f, const char *job_id, uint32_t page, uint32_t after_task,
                        uint64_t after_seq, uint32_t limit);
const fhx_part *fixture_part_at(const fixture *f, uint32_t position);
const fhx__attempt *fixture_attempt_at(const fixture *f, uint32_t position);

/* Everything that can be read about a job, to see that nothing has changed. */
void fixture_photograph(fixture *f, const char *job_id, fhx__buffer *out);
/* Creates a job with the whole plan. */
void fixture_planned_job(fixture *f, const char *job_id);
void fixture_assert_state(fixture *f, const char *job_id, uint32_t state);
void fixture_assert_sums(fixture *f, const char *job_id, uint64_t resources, uint64_t bytes,
                         uint64_t errors);

/* Of buffers that are not empty. */
#define assert_same_buffer(a, b)                      \
  do {                                                \
    assert_int_equal((a).len, (b).len);               \
    assert_memory_equal((a).data, (b).data, (a).len); \
  } while (0)

/* One of cmocka's tests, where `initial` is a store_conformance. */
#define FIXTURE_TEST(name) \
  { #name, name, fixture_setup, fixture_teardown, &initial }

#endif
