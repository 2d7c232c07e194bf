/*
 * One whole export by the public interface (P2, P3, P4, P6): from the start of the job, its source
 * opened, until it is complete.
 *
 *   bench_export (--sqlite FILE | --folder DIR | --postgres CONNINFO)
 *                (--out DIR | --to URL | --null) [--threads N]
 *                [--shards N] [--part-bytes N] [--sha256] [--gzip] [--helpers N] [--trust]
 *                [--elements LIST] [--type-filter QUERY]...
 *
 * Status 4: the library does not have what an option asks for. The data do not change, so the job
 * does not wait for writes in flight. Prints what stopwatch.h says, and then the resident memory
 * before the export and the most there was.
 */
#include <fhirexport/fhirexport.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../examples/destination_url.h"
#include "support/memory.h"
#include "support/null_destination.h"
#include "support/stopwatch.h"

#define THREADS_MAX 64

struct settings {
  const char *sqlite;
  const char *folder;
  const char *postgres;
  const char *out;
  struct destination_url to;
  bool null;
  unsigned long threads;
  fhx_filter *filter;
  fhx_job_options job;
};

struct worker {
  pthread_t thread;
  fhx_job *job;
  fhx_error *error;
  int32_t status;
};

static int32_t open_source(const struct settings *settings, fhx_source **source,
                           fhx_error **error) {
  if (settings->sqlite != NULL) {
    fhx_sqlite_source_options options;
    FHX_INIT(&options);
    options.path = settings->sqlite;
    return fhx_sqlite_source_new(&options, source, error);
  }
  if (settings->postgres != NULL) {
    fhx_postgres_source_options options;
    FHX_INIT(&options);
    options.conninfo = settings->postgres;
    return fhx_postgres_source_new(&options, source, error);
  }
  fhx_folder_options options;
  FHX_INIT(&options);
  options.path = settings->folder;
  return fhx_folder_source_new(&options, source, error);
}

static int32_t open_destination(const struct settings *settings, fhx_destination **destination,
                                fhx_error **error) {
  if (settings->null) return null_destination_new(destination, error);
  if (settings->to.text != NULL) return destination_url_open(&settings->to, destination, error);
  (void)mkdir(settings->out, 0700); /* if this fails, the destination says why */
  fhx_directory_options options;
  FHX_INIT(&options);
  options.path = settings->out;
  return fhx_directory_destination_new(&options, destination, error);
}

static void *work(void *argument) {
  struct worker *worker = argument;
  worker->status = fhx_job_run(worker->job, &worker->error);
  return NULL;
}

/* The calling thread is one of the workers. */
static int32_t run_job(fhx_job *job, unsigned long threads, fhx_error **error) {
  struct worker workers[THREADS_MAX] = {0};
  unsigned long started = 1;
  for (unsigned long i = 0; i < threads; i++) workers[i].job = job;
  while (started < threads &&
         pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0) {
    started++;
  }
  work(&workers[0]);
  int32_t status = started == threads ? FHX_OK : FHX_ERR_NO_MEMORY;
  for (unsigned long i = 0; i < started; i++) {
    if (i > 0) pthread_join(workers[i].thread, NULL);
    if (workers[i].status == FHX_OK || status != FHX_OK) {
      fhx_error_free(workers[i].error);
    } else {
      status = workers[i].status;
      *error = workers[i].error;
    }
  }
  return status;
}

/* Nothing may have been refused: then the other side of a pair did other work. */
static int32_t print_result(fhx_job *job, const stopwatch *start, unsigned long before_kib,
                            fhx_error **error) {
  fhx_progress *progress = NULL;
  int32_t status = fhx_job_progress_new(job, &progress, error);
  if (status != FHX_OK) return status;
  if (fhx_progress_error_count(progress) == 0) {
    stopwatch_print(start, fhx_progress_resource_count(progress),
                    fhx_progress_byte_count(progress));
    printf("before_kib %lu peak_kib %lu\n", before_kib, memory_peak_kib());
  } else {
    fputs("resources were refused\n", stderr);
    status = FHX_ERR_RESOURCE;
  }
  fhx_progress_free(progress);
  return status;
}

static int export_all(struct settings *settings) {
  fhx_error *error = NULL;
  fhx_job *job = NULL;
  unsigned long before_kib = memory_now_kib();
  stopwatch start = stopwatch_start();
  int32_t status = open_source(settings, &settings->job.source, &error);
  if (status == FHX_OK) status = open_destination(settings, &settings->job.destination, &error);
  if (status == FHX_OK) status = fhx_job_start(&settings->job, &job, &error);
  if (status == FHX_OK) status = run_job(job, settings->threads, &error);
  if (status == FHX_OK) status = print_result(job, &start, before_kib, &error);
  if (error != NULL) fprintf(stderr, "bench_export: %s\n", fhx_error_message(error));
  fhx_error_free(error);
  fhx_job_free(job);
  fhx_destination_free(settings->job.destination);
  fhx_source_free(settings->job.source);
  fhx_filter_free(settings->filter);
  destination_url_free(&settings->to);
  return status == FHX_OK ? 0 : 1;
}

static int make_filter(struct settings *settings) {
  if (settings->filter == NULL && fhx_filter_new(&settings->filter, NULL) != FHX_OK) return 1;
  settings->job.filter = settings->filter;
  return 0;
}

static int set_query(struct settings *settings, const char *query) {
  if (make_filter(settings) != 0) return 1;
  return fhx_filter_add_query(settings->filter, query, NULL) == FHX_OK ? 0 : 2;
}

/* Elements with commas between. */
static int set_elements(struct settings *settings, char *list) {
  if (make_filter(settings) != 0) return 1;
  for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ",")) {
    if (fhx_filter_add_element(settings->filter, name, NULL) != FHX_OK) return 2;
  }
  return 0;
}

static int set_destination(struct settings *settings) {
  const char *problem = NULL;
  destination_url_free(&settings->to);
  if (destination_url_read(&settings->to, optarg, &problem)) return 0;
  fprintf(stderr, "bench_export: --to %s\n", problem);
  return 2;
}

static const struct option options[] = {{"sqlite", required_argument, NULL, 's'},
                                        {"folder", required_argument, NULL, 'f'},
                                        {"postgres", required_argument, NULL, 'b'},
                                        {"out", required_argument, NULL, 'o'},
                                        {"to", required_argument, NULL, 'u'},
                                        {"null", no_argument, NULL, 'n'},
                                        {"threads", required_argument, NULL, 't'},
                                        {"shards", required_argument, NULL, 'd'},
                                        {"part-bytes", required_argument, NULL, 'p'},
                                        {"sha256", no_argument, NULL, 'h'},
                                        {"gzip", no_argument, NULL, 'g'},
                                        {"helpers", required_argument, NULL, 'w'},
                                        {"trust", no_argument, NULL, 'v'},
                                        {"elements", required_argument, NULL, 'e'},
                                        {"type-filter", required_argument, NULL, 'q'},
                                        {NULL, 0, NULL, 0}};

/* 0, or the exit code. */
static int set_option(struct settings *settings, int option) {
  switch (option) {
    case 's':
      settings->sqlite = optarg;
      return 0;
    case 'f':
      settings->folder = optarg;
      return 0;
    case 'b':
      settings->postgres = optarg;
      return 0;
    case 'o':
      settings->out = optarg;
      return 0;
    case 'u':
      return set_destination(settings);
    case 'n':
      settings->null = true;
      return 0;
    case 't':
      settings->threads = strtoul(optarg, NULL, 10);
      return settings->threads >= 1 && settings->threads <= THREADS_MAX ? 0 : 2;
    case 'd':
      settings->job.shards_max = (uint32_t)strtoul(optarg, NULL, 10);
      return 0;
    case 'p':
      settings->job.part_bytes = strtoull(optarg, NULL, 10);
      return 0;
    case 'h':
      settings->job.flags |= FHX_JOB_SHA256;
      return 0;
    case 'g':
      settings->job.flags |= FHX_JOB_GZIP;
      return 0;
    case 'w':
      settings->job.helpers = (uint32_t)strtoul(optarg, NULL, 10);
      return 0;
    case 'v':
      settings->job.flags |= FHX_JOB_TRUST_SOURCE;
      return 0;
    case 'e':
      return set_elements(settings, optarg);
    case 'q':
      return set_query(settings, optarg);
    default:
      return 2;
  }
}

int main(int argc, char **argv) {
  struct settings settings = {.threads = 1};
  int code = 0;
  int option = 0;
  FHX_INIT(&settings.job);
  settings.job.settle_us = -1;
  while (code == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    code = set_option(&settings, option);
  }
  if (code != 0) return code;
  if ((settings.sqlite != NULL) + (settings.folder != NULL) + (settings.postgres != NULL) != 1 ||
      (settings.out != NULL) + settings.null + (settings.to.text != NULL) != 1) {
    fputs("bench_export: one source and one destination, please\n", stderr);
    return 2;
  }
  return export_all(&settings);
}
