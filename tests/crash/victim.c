/*
 * The program that crash.py kills, stops and starts again: one export from an SQLite table to a
 * folder, with its job in a store file. It starts the job whose id is in JOB_FILE, or a new one.
 *
 *   victim [-g GROUP] [-a ASSOCIATED_TYPES] [-s SOURCE] [-r]
 *          SQLITE STORE OUT JOB_FILE THREADS LEASE_MS PART_BYTES [TYPE...]
 *
 * SOURCE is `plain`, three callbacks and no more, or `reads`, which has read_resource too; else it
 * is the library's own. SIGTERM parks the job; -r removes it. FHX_VICTIM_GZIP in the environment:
 * in gzip.
 *
 * Exit codes: 0 the job is complete, or gone with -r; 1 it is not; 3 it was parked.
 */
#include <fhirexport/fhirexport.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plain_source.h"

#define THREADS_MAX 16

static void check(int32_t status, fhx_error *const *error) {
  if (status >= 0) return;
  fprintf(stderr, "victim: %s: %s\n", fhx_status_name(status), fhx_error_message(*error));
  /* The other threads go on to the last: what libraries free at exit they may be using. */
  _exit(1);
}

/* The id is written beside and renamed, so that it is there whole or not at all. */
static void keep_job_id(const char *path, const char *job_id) {
  char beside[4096];
  snprintf(beside, sizeof beside, "%s.new", path);
  FILE *file = fopen(beside, "w");
  if (file == NULL || fprintf(file, "%s", job_id) < 0 || fflush(file) != 0 ||
      fsync(fileno(file)) != 0 || fclose(file) != 0 || rename(beside, path) != 0) {
    perror("victim: job id");
    exit(1);
  }
}

static int read_job_id(const char *path, char job_id[33]) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  size_t len = fread(job_id, 1, 32, file);
  fclose(file);
  job_id[len] = '\0';
  return len == 32;
}

static int32_t run_job(fhx_job *job, bool removing) {
  fhx_error *error = NULL;
  int32_t status = fhx_job_run(job, &error);
  if (removing && status == FHX_ERR_CANCELLED) status = FHX_OK;
  check(status, &error);
  fhx_error_free(error);
  return status;
}

static void *run(void *job) {
  run_job(job, false);
  return NULL;
}

/* --- parking --- */

typedef struct parker {
  pthread_t thread;
  sigset_t signals;
  fhx_job *job;
} parker;

/* SIGUSR1 says that there is nothing left to park. */
static void *park(void *context) {
  const parker *by = context;
  int number = 0;
  while (sigwait(&by->signals, &number) == 0 && number == SIGTERM) fhx_job_park(by->job);
  return NULL;
}

/* The threads that are made behind it inherit the mask. */
static void begin_parking(parker *by, fhx_job *job) {
  by->job = job;
  sigemptyset(&by->signals);
  sigaddset(&by->signals, SIGTERM);
  sigaddset(&by->signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &by->signals, NULL);
  pthread_create(&by->thread, NULL, park, by);
}

static void end_parking(parker *by) {
  pthread_kill(by->thread, SIGUSR1);
  pthread_join(by->thread, NULL);
}

/* --- the job --- */

typedef struct request {
  const char *group;
  const char *associated_types;
  const char *source;
  bool removing;
} request;

static void open_source(const char *path, const char *kind, fhx_source **source) {
  fhx_error *error = NULL;
  if (kind != NULL) {
    check(plain_source_new(path, strcmp(kind, "reads") == 0, source, &error), &error);
    return;
  }
  fhx_sqlite_source_options options;
  FHX_INIT(&options);
  options.path = path;
  check(fhx_sqlite_source_new(&options, source, &error), &error);
}

static void open_parts(char **arguments, fhx_job_options *options) {
  fhx_error *error = NULL;
  fhx_sqlite_store_options store;
  FHX_INIT(&store);
  store.path = arguments[1];
  check(fhx_sqlite_store_new(&store, &options->store, &error), &error);
  fhx_directory_options destination;
  FHX_INIT(&destination);
  destination.path = arguments[2];
  check(fhx_directory_destination_new(&destination, &options->destination, &error), &error);
}

/* NULL: there is nothing to be removed any more. */
static fhx_job *attach_job(const fhx_job_options *options, const char *job_id, bool removing) {
  fhx_error *error = NULL;
  fhx_job *job = NULL;
  int32_t status = fhx_job_attach(options, job_id, &job, &error);
  if (removing && status == FHX_ERR_NOT_FOUND) {
    fhx_error_free(error);
    return NULL;
  }
  check(status, &error);
  return job;
}

static fhx_job *open_job(const fhx_job_options *options, const request *wanted, const char *id_path,
                         char **types) {
  char job_id[33];
  fhx_error *error = NULL;
  fhx_job *job = NULL;
  if (read_job_id(id_path, job_id)) return attach_job(options, job_id, wanted->removing);
  fhx_job_options started = *options;
  fhx_filter *filter = NULL;
  check(fhx_filter_new(&filter, &error), &error);
  if (wanted->group != NULL) check(fhx_filter_set_group(filter, wanted->group, &error), &error);
  for (; *types != NULL; types++) check(fhx_filter_add_type(filter, *types, &error), &error);
  started.filter = filter;
  started.associated_types = wanted->associated_types;
  check(fhx_job_start(&started, &job, &error), &error);
  fhx_filter_free(filter);
  keep_job_id(id_path, fhx_job_id(job));
  return job;
}

/* Runs the job on so many threads; the exit code. */
static int work(fhx_job *job, int threads) {
  pthread_t others[THREADS_MAX];
  parker by;
  begin_parking(&by, job);
  for (int i = 1; i < threads; i++) pthread_create(&others[i], NULL, run, job);
  int32_t status = run_job(job, false);
  for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
  end_parking(&by);
  return status == FHX_WAIT ? 3 : 0;
}

static int remove_job(fhx_job *job) {
  fhx_error *error = NULL;
  int32_t status = fhx_job_cancel(job, &error);
  /* An earlier process has begun with it. */
  if (status != FHX_ERR_NOT_FOUND) check(status, &error);
  fhx_error_free(error);
  run_job(job, true);
  return 0;
}

static void read_request(int argc, char **argv, request *wanted) {
  int option = 0;
  memset(wanted, 0, sizeof *wanted);
  while ((option = getopt(argc, argv, "g:a:s:r")) != -1) {
    if (option == 'g') wanted->group = optarg;
    if (option == 'a') wanted->associated_types = optarg;
    if (option == 's') wanted->source = optarg;
    if (option == 'r') wanted->removing = true;
  }
}

int main(int argc, char **argv) {
  request wanted;
  read_request(argc, argv, &wanted);
  if (argc - optind < 7) return 2;
  argv += optind;
  int threads = atoi(argv[4]);
  if (threads > THREADS_MAX) threads = THREADS_MAX;
  fhx_job_options options;
  FHX_INIT(&options);
  open_source(argv[0], wanted.source, &options.source);
  open_parts(argv, &options);
  options.lease_us = strtoll(argv[5], NULL, 10) * 1000;
  options.part_bytes = strtoull(argv[6], NULL, 10);
  options.settle_us = -1;
  /* Two shards of each type, long enough for ten checkpoints each. */
  options.shards_max = 2;
  /* Being killed is no fault of the task. */
  options.attempts_max = 1000;
  options.flags = FHX_JOB_SHA256;
  if (getenv("FHX_VICTIM_GZIP") != NULL) options.flags |= FHX_JOB_GZIP;
  fhx_job *job = open_job(&options, &wanted, argv[3], argv + 7);
  int code = 0;
  if (job != NULL) code = wanted.removing ? remove_job(job) : work(job, threads);
  fhx_job_free(job);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  fhx_store_free(options.store);
  return code;
}
