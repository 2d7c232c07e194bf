/* The plumbing of stores: lists of jobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store/store.h"
#include "store_host.h"

static void say_listed(host *h, fhx_reply *reply) {
  fhx_reply_job(reply, &h->job);
  fhx_reply_done(reply);
}

/* The same job again, or more than were asked for, would keep the reader going for ever. */
static void say_listed_three_times(host *h, fhx_reply *reply) {
  fhx_reply_job(reply, &h->job);
  h->job.created_us++;
  fhx_reply_job(reply, &h->job);
  h->job.created_us++;
  fhx_reply_job(reply, &h->job);
  fhx_reply_done(reply);
}

static void a_list_of_jobs_leads_on(void **state) {
  host h;
  results r;
  (void)state;
  memset(&r, 0, sizeof r);
  fhx_store *store = host_store(&h);
  h.job.tenant = "t";
  h.job.client = "c";
  h.job.job_id = OTHER_ID;
  h.job.created_us = 7;
  h.act = say_listed;
  assert_int_equal(host_run(store, STEP_LIST_JOBS, &r, NULL), FHX_OK);
  assert_int_equal(r.jobs.len, sizeof(fhx__job_entry));
  host_results_end(&r);
  h.job.job_id = JOB_ID;
  host_assert_failure(store, STEP_LIST_JOBS, FHX_ERR_STORE, 0, "not in ascending order");
  h.job.created_us = 6;
  h.job.job_id = OTHER_ID;
  host_assert_failure(store, STEP_LIST_JOBS, FHX_ERR_STORE, 0, "not in ascending order");
  h.job.created_us = 8;
  h.job.client = "d";
  host_assert_failure(store, STEP_LIST_JOBS, FHX_ERR_STORE, 0, "was not asked for");
  h.job.client = "c";
  h.job.tenant = "";
  host_assert_failure(store, STEP_LIST_JOBS, FHX_ERR_STORE, 0, "was not asked for");
  h.job.tenant = "t";
  h.job.state = FHX_JOB_REMOVING;
  host_assert_failure(store, STEP_LIST_JOBS, FHX_ERR_STORE, 0, "was not asked for");
  h.job.state = FHX_JOB_FAILED;
  h.job.is_waiting = 2;
  host_assert_failure(store, STEP_LIST_JOBS, FHX_ERR_STORE, 0, "is_waiting");
  h.job.is_waiting = 0;
  h.act = say_listed_three_times;
  host_assert_failure(store, STEP_LIST_JOBS, FHX_ERR_STORE, 0, "more entries");
  fhx_store_free(store);
}

static void a_list_of_jobs_is_of_something(void **state) {
  host h;
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  fhx__buffer jobs = {NULL, 0, 0};
  (void)state;
  fhx_store_callbacks callbacks = host_callbacks();
  memset(&h, 0, sizeof h);
  callbacks.list_jobs = NULL;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, NULL), FHX_OK);
  int32_t status = fhx__store_list_jobs(store, 1, NULL, NULL, 0, "", 9, &jobs, &error);
  assert_int_equal(status, FHX_ERR_UNSUPPORTED);
  fhx_error_free(error);
  fhx_store_free(store);
  store = host_store(&h);
  assert_int_equal(fhx__store_list_jobs(store, 0, NULL, NULL, 0, "", 9, &jobs, NULL),
                   FHX_ERR_ARGUMENT);
  assert_int_equal(fhx__store_list_jobs(store, 16, NULL, NULL, 0, "", 9, &jobs, NULL),
                   FHX_ERR_ARGUMENT);
  assert_int_equal(fhx__store_list_jobs(store, 1, NULL, "c", 0, "", 9, &jobs, NULL),
                   FHX_ERR_ARGUMENT);
  assert_int_equal(h.calls, 0);
  fhx_store_free(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_of_jobs_leads_on),
      cmocka_unit_test(a_list_of_jobs_is_of_something),
  };
  return cmocka_run_group_tests_name("store_jobs", tests, NULL, NULL);
}
