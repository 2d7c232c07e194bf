/*
 * fhirexport-folder: exports a folder of NDJSON, or an SQLite table, to a folder.
 *
 * Here: how a host runs a job. Worker threads are inside fhx_job_run; the main thread watches the
 * progress, and parks the job when it is told to stop. The command line is in export_options.c,
 * the table and the manifest are in export_report.c.
 */
#include "export_folder.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_US 100000

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

static volatile sig_atomic_t stop_wanted = 0;

static void want_stop(int signal_number) {
  (void)signal_number;
  stop_wanted = 1;
}

/* The first signal asks, a second one kills: the handler is gone after its first use. */
static void catch_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = want_stop;
  action.sa_flags = (int)SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static double now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

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

/* Starts the threads. Signals are for the main thread: a worker's I/O is not to be interrupted. */
static uint32_t start_threads(struct run *run, pthread_t *threads, uint32_t count) {
  sigset_t stops;
  sigset_t before;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
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
  until.tv_nsec += LOOK_EVERY_US * 1000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  pthread_mutex_lock(&run->mutex);
  if (run->running > 0) pthread_cond_timedwait(&run->ended, &run->mutex, &until);
  bool running = run->running > 0;
  pthread_mutex_unlock(&run->mutex);
  return running;
}

/* With a store the job waits there to be taken up; without one its files would be of no use. */
static void stop_job(const struct settings *settings, fhx_job *job) {
  if (settings->store != NULL) {
    fhx_job_park(job);
    return;
  }
  fhx_error *error = NULL;
  if (fhx_job_cancel(job, &error) != FHX_OK) complain("stopping", error);
  fhx_error_free(error);
}

static void watch(const struct settings *settings, struct run *run) {
  bool show = !settings->quiet && isatty(STDERR_FILENO) == 1;
  bool stopped = false;
  double start = now_seconds();
  while (wait_a_while(run)) {
    if (show) progress_show(run->job, now_seconds() - start);
    if (stop_wanted != 0 && !stopped) {
      stop_job(settings, run->job);
      stopped = true;
    }
  }
  if (show) progress_clear();
}

/* Runs the job on as many threads as are wanted. Returns what fhx_job_run says of the job. */
static int32_t run_job(const struct settings *settings, fhx_job *job, fhx_error **error) {
  struct run run = {.job = job, .status = FHX_ERR_NO_MEMORY};
  pthread_t threads[THREADS_MAX];
  pthread_mutex_init(&run.mutex, NULL);
  pthread_cond_init(&run.ended, NULL);
  uint32_t started = start_threads(&run, threads, settings->thread_count);
  if (started > 0) {
    watch(settings, &run);
  } else {
    run.status = fhx_job_run(job, &run.error);
  }
  for (uint32_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
  pthread_cond_destroy(&run.ended);
  pthread_mutex_destroy(&run.mutex);
  *error = run.error;
  return run.status;
}

static int32_t open_source(const struct settings *settings, fhx_source **source,
                           fhx_error **error) {
  if (settings->sqlite != NULL) {
    fhx_sqlite_source_options options;
    FHX_INIT(&options);
    options.path = settings->sqlite;
    options.deleted_table = settings->deleted_table;
    options.patient_table = settings->patient_table;
    return fhx_sqlite_source_new(&options, source, error);
  }
  fhx_folder_options options;
  FHX_INIT(&options);
  options.path = settings->folder;
  return fhx_folder_source_new(&options, source, error);
}

static int32_t open_destination(const struct settings *settings, fhx_destination **destination,
                                fhx_error **error) {
  (void)mkdir(settings->out, 0700); /* if this fails, the destination says why */
  fhx_directory_options options;
  FHX_INIT(&options);
  options.path = settings->out;
  return fhx_directory_destination_new(&options, destination, error);
}

static int32_t open_store(const struct settings *settings, fhx_store **store, fhx_error **error) {
  if (settings->store == NULL) return FHX_OK;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = settings->store;
  return fhx_sqlite_store_new(&options, store, error);
}

static int32_t open_job(const struct settings *settings, const fhx_job_options *options,
                        fhx_job **job, fhx_error **error) {
  if (settings->resume != NULL) return fhx_job_attach(options, settings->resume, job, error);
  return fhx_job_start(options, job, error);
}

static int tell_complete(const struct settings *settings, fhx_job *job, double seconds) {
  bool done = report_write_manifest(job, settings->out);
  if (done && !settings->quiet) {
    done = report_print(job, settings->resume == NULL ? seconds : -1);
    printf("\n%.2f s on %u threads\nfiles     %s/%s/\nmanifest  %s/%s.manifest.json\n", seconds,
           settings->thread_count, settings->out, fhx_job_id(job), settings->out, fhx_job_id(job));
  }
  return done ? EXIT_COMPLETE : EXIT_FAILED;
}

static void tell_how_to_resume(const struct settings *settings, fhx_job *job) {
  fprintf(stderr, "To go on:\n  fhirexport-folder --%s %s --out %s --store %s --resume %s\n",
          settings->sqlite != NULL ? "sqlite" : "folder",
          settings->sqlite != NULL ? settings->sqlite : settings->folder, settings->out,
          settings->store, fhx_job_id(job));
}

/* Tells how it ended, and returns the exit code. */
static int tell(const struct settings *settings, fhx_job *job, int32_t status,
                const fhx_error *error, double seconds) {
  switch (status) {
    case FHX_OK:
      return tell_complete(settings, job, seconds);
    case FHX_WAIT:
      fputs("Parked. What is done is kept.\n", stderr);
      tell_how_to_resume(settings, job);
      return EXIT_PARKED;
    case FHX_ERR_CANCELLED:
      fputs(
          "Stopped; the files of this job are removed. With --store FILE it could be taken up "
          "again.\n",
          stderr);
      return EXIT_FAILED;
    default:
      complain("the export failed", error);
      if (status != FHX_ERR_JOB_FAILED && settings->store != NULL) {
        tell_how_to_resume(settings, job);
      }
      return EXIT_FAILED;
  }
}

/* Everything between the command line and the exit code. */
static int export_all(const struct settings *settings) {
  fhx_job_options options;
  FHX_INIT(&options);
  fhx_job *job = NULL;
  fhx_error *error = NULL;
  int code = EXIT_FAILED;
  options.filter = settings->filter;
  options.part_bytes = settings->part_bytes;
  options.provenance = settings->provenance;
  if (settings->by_patient) options.organize_by = "Patient";
  if (settings->gzip) options.flags |= FHX_JOB_GZIP;
  if (settings->sha256) options.flags |= FHX_JOB_SHA256;
  /* Nobody writes to the files of a folder; a database may have writes in flight. */
  options.settle_us = settings->folder != NULL ? -1 : 0;
  if (open_source(settings, &options.source, &error) != FHX_OK) {
    complain("reading the resources", error);
  } else if (open_destination(settings, &options.destination, &error) != FHX_OK) {
    complain(settings->out, error);
  } else if (open_store(settings, &options.store, &error) != FHX_OK) {
    complain(settings->store, error);
  } else if (open_job(settings, &options, &job, &error) != FHX_OK) {
    complain(settings->resume != NULL ? "taking up the job" : "starting the job", error);
  } else {
    double start = now_seconds();
    int32_t status = run_job(settings, job, &error);
    code = tell(settings, job, status, error, now_seconds() - start);
  }
  fhx_job_free(job);
  fhx_store_free(options.store);
  fhx_destination_free(options.destination);
  fhx_source_free(options.source);
  fhx_error_free(error);
  return code;
}

int main(int argc, char **argv) {
  struct settings settings;
  int code = EXIT_USAGE;
  if (!settings_read(&settings, argc, argv)) {
    fputs("fhirexport-folder --help lists all options.\n", stderr);
  } else if (settings.help) {
    fputs(settings_help, stdout);
    code = EXIT_COMPLETE;
  } else {
    catch_signals();
    code = export_all(&settings);
  }
  settings_free(&settings);
  return code;
}
