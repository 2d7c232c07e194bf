/* Runs a job on threads, with somebody who watches its progress. */
#include "support/runner.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "support/require.h"

#define THREADS_MAX 8

typedef struct runner {
  pthread_t thread;
  fhx_job *job;
  int32_t status;
  char message[TEST_MESSAGE_MAX];
} runner;

typedef struct watcher {
  pthread_t thread;
  fhx_job *job;
  atomic_bool over;
} watcher;

static void *run(void *context) {
  runner *at = context;
  fhx_error *error = NULL;
  at->status = fhx_job_run(at->job, &error);
  snprintf(at->message, sizeof at->message, "%s", fhx_error_message(error));
  if (at->status >= 0 && error != NULL) test_violation("an error without a failure");
  if (at->status < 0 && fhx_error_status(error) != at->status) {
    test_violation("the error has another status than the function returned");
  }
  fhx_error_free(error);
  return NULL;
}

static void check_progress(const fhx_progress *progress, double *share) {
  double now = fhx_progress_share(progress);
  if (now < *share || now > 1.0) test_violation("the share of progress went down");
  *share = now;
  if (fhx_progress_task_done_count(progress) > fhx_progress_task_count(progress)) {
    test_violation("more tasks are done than there are");
  }
  bool failed = fhx_progress_state(progress) == FHX_JOB_FAILED;
  if (failed != (*fhx_progress_reason(progress) != '\0')) {
    test_violation("a reason without a failure, or a failure without a reason");
  }
}

static void *watch(void *context) {
  watcher *at = context;
  double share = 0.0;
  while (!atomic_load(&at->over)) {
    fhx_progress *progress = NULL;
    int32_t status = fhx_job_progress_new(at->job, &progress, NULL);
    if (status == FHX_OK) {
      check_progress(progress, &share);
    } else if (status != FHX_ERR_NOT_FOUND) {
      test_violation("the progress of a job cannot be read");
    }
    fhx_progress_free(progress);
    nanosleep(&(struct timespec){0, 300000}, NULL);
  }
  return NULL;
}

int32_t test_run_job(fhx_job *job, uint32_t threads, bool watched, char message[TEST_MESSAGE_MAX]) {
  runner runners[THREADS_MAX];
  watcher eye = {.job = job};
  atomic_init(&eye.over, false);
  test_require(threads >= 1 && threads <= THREADS_MAX);
  if (watched) test_require(pthread_create(&eye.thread, NULL, watch, &eye) == 0);
  for (uint32_t i = 0; i < threads; i++) {
    runners[i].job = job;
    if (i > 0) test_require(pthread_create(&runners[i].thread, NULL, run, &runners[i]) == 0);
  }
  run(&runners[0]);
  for (uint32_t i = 1; i < threads; i++) pthread_join(runners[i].thread, NULL);
  atomic_store(&eye.over, true);
  if (watched) pthread_join(eye.thread, NULL);
  for (uint32_t i = 1; i < threads; i++) {
    test_require_status(runners[i].status, runners[0].status);
  }
  snprintf(message, TEST_MESSAGE_MAX, "%s", runners[0].message);
  return runners[0].status;
}
