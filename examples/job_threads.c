/* See job_threads.h. */
#include "job_threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

/* What the threads share. All but the job, which has a lock of its own, is under the mutex. */
struct run {
  fhx_job *job;
  pthread_mutex_t mutex;
  pthread_cond_t ended;
  uint32_t running;
  /* The answer that says most of those the threads got, and its error. */
  int32_t status;
  fhx_error *error;
};

/* How much an answer of fhx_job_run says about the job, rather than about one thread. */
static int weight(int32_t status) {
  if (status == FHX_OK || status == FHX_ERR_JOB_FAILED || status == FHX_ERR_CANCELLED) return 3;
  return status == FHX_WAIT ? 2 : 1;
}

static void *work(void *argument) {
  struct run *run = argument;
  fhx_error *error = NULL;
  int32_t status = fhx_job_run(run->job, &error);
  pthread_mutex_lock(&run->mutex);
  if (weight(status) > weight(run->status) || (run->error == NULL && weight(status) == 1)) {
    fhx_error *other = run->error;
    run->status = status;
    run->error = error;
    error = other;
  }
  run->running--;
  pthread_cond_signal(&run->ended);
  pthread_mutex_unlock(&run->mutex);
  fhx_error_free(error);
  return NULL;
}

static uint32_t start_threads(struct run *run, pthread_t *threads, uint32_t count) {
  sigset_t stops;
  sigset_t before;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &stops, &before);
  uint32_t started = 0;
  pthread_mutex_lock(&run->mutex);
  while (started < count && pthread_create(&threads[started], NULL, work, run) == 0) started++;
  run->running = started;
  pthread_mutex_unlock(&run->mutex);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

/* Waits until the threads have ended, or for the time between two looks. */
static bool wait_a_while(struct run *run) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += JOB_THREADS_LOOK_US * 1000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  pthread_mutex_lock(&run->mutex);
  if (run->running > 0) pthread_cond_timedwait(&run->ended, &run->mutex, &until);
  bool running = run->running > 0;
  pthread_mutex_unlock(&run->mutex);
  return running;
}

int32_t job_threads_run(fhx_job *job, uint32_t count, void (*look)(void *user_data),
                        void *user_data, fhx_error **error) {
  struct run run = {.job = job, .status = FHX_ERR_NO_MEMORY};
  pthread_t threads[JOB_THREADS_MAX];
  pthread_mutex_init(&run.mutex, NULL);
  pthread_cond_init(&run.ended, NULL);
  uint32_t started = start_threads(&run, threads, count);
  while (started > 0 && wait_a_while(&run)) look(user_data);
  if (started == 0) run.status = fhx_job_run(job, &run.error);
  for (uint32_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
  pthread_cond_destroy(&run.ended);
  pthread_mutex_destroy(&run.mutex);
  *error = run.error;
  return run.status;
}
