/*
 * The program that crash.py kills, stops and starts again: one export from an SQLite table to a
 * folder, with its job in a store file. It starts the job whose id is in JOB_FILE, or a new one.
 *
 *   victim SQLITE STORE OUT JOB_FILE THREADS LEASE_MS PART_BYTES [TYPE...]
 *
 * FHX_VICTIM_GZIP in the environment: in gzip.
 *
 * Exit codes: 0 the job is complete, 1 it is not.
 */
#include <fhirexport/fhirexport.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 16

static void check(int32_t status, fhx_error *const *error) {
  if (status >= 0) return;
  fprintf(stderr, "victim: %s: %s\n", fhx_status_name(status), fhx_error_message(*error));
  exit(1);
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

static void *run(void *job) {
  fhx_error *error = NULL;
  check(fhx_job_run(job, &error), &error);
  return NULL;
}

static void open_parts(char **arguments, fhx_job_options *options) {
  fhx_error *error = NULL;
  fhx_sqlite_source_options source;
  FHX_INIT(&source);
  source.path = arguments[1];
  check(fhx_sqlite_source_new(&source, &options->source, &error), &error);
  fhx_sqlite_store_options store;
  FHX_INIT(&store);
  store.path = arguments[2];
  check(fhx_sqlite_store_new(&store, &options->store, &error), &error);
  fhx_directory_options destination;
  FHX_INIT(&destination);
  destination.path = arguments[3];
  check(fhx_directory_destination_new(&destination, &options->destination, &error), &error);
}

static fhx_job *open_job(const fhx_job_options *options, const char *id_path, char **types) {
  char job_id[33];
  fhx_error *error = NULL;
  fhx_job *job = NULL;
  if (read_job_id(id_path, job_id)) {
    check(fhx_job_attach(options, job_id, &job, &error), &error);
    return job;
  }
  fhx_job_options started = *options;
  fhx_filter *filter = NULL;
  check(fhx_filter_new(&filter, &error), &error);
  for (; *types != NULL; types++) check(fhx_filter_add_type(filter, *types, &error), &error);
  started.filter = filter;
  check(fhx_job_start(&started, &job, &error), &error);
  fhx_filter_free(filter);
  keep_job_id(id_path, fhx_job_id(job));
  return job;
}

int main(int argc, char **argv) {
  if (argc < 8) return 2;
  int threads = atoi(argv[5]);
  fhx_job_options options;
  FHX_INIT(&options);
  open_parts(argv, &options);
  options.lease_us = strtoll(argv[6], NULL, 10) * 1000;
  options.part_bytes = strtoull(argv[7], NULL, 10);
  options.settle_us = -1;
  /* Two shards of each type, long enough for ten checkpoints each. */
  options.shards_max = 2;
  /* Being killed is no fault of the task. */
  options.attempts_max = 1000;
  options.flags = FHX_JOB_SHA256;
  if (getenv("FHX_VICTIM_GZIP") != NULL) options.flags |= FHX_JOB_GZIP;
  fhx_job *job = open_job(&options, argv[4], argv + 8);
  pthread_t others[THREADS_MAX];
  if (threads > THREADS_MAX) threads = THREADS_MAX;
  for (int i = 1; i < threads; i++) pthread_create(&others[i], NULL, run, job);
  run(job);
  for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
  fhx_job_free(job);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  fhx_store_free(options.store);
  return 0;
}
