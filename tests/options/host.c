/*
 * A host of a library that was built without some of its parts (run.sh): what is left out says so,
 * what is there does not, and an export runs with a store of the host's own, in gzip.
 *
 *   host FOLDER [s3] [azure] [sqlite] [postgres]      the parts that are left out
 */
#include <fhirexport/fhirexport.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "toy_store.h"

static const char *const patients[] = {"{\"resourceType\":\"Patient\",\"id\":\"a\"}",
                                       "{\"resourceType\":\"Patient\",\"id\":\"b\"}"};

static int64_t now(void *user_data) {
  (void)user_data;
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

/* --- what is left out --- */

static int faults;

/* An empty structure is refused for what it lacks, unless there is nothing that could take it. */
static void look(const char *name, bool is_absent, int32_t status, fhx_error *error) {
  const char *message = fhx_error_message(error);
  bool says_so = strstr(message, "this library was built without") != NULL;
  bool is_right = is_absent ? status == FHX_ERR_UNSUPPORTED && says_so
                            : status == FHX_ERR_ARGUMENT && !says_so;
  if (!is_right) {
    fprintf(stderr, "host: %s, %s: status %d, %s\n", name, is_absent ? "absent" : "there",
            (int)status, message);
    faults++;
  }
  fhx_error_free(error);
}

static bool among(const char *name, char **words) {
  while (*words != NULL && strcmp(*words, name) != 0) words++;
  return *words != NULL;
}

static void look_at_parts(char **absent) {
  fhx_error *error = NULL;
  fhx_destination *destination = NULL;
  fhx_source *source = NULL;
  fhx_store *store = NULL;
  fhx_s3_options s3;
  fhx_azure_options azure;
  fhx_sqlite_source_options sqlite_source;
  fhx_sqlite_store_options sqlite_store;
  fhx_postgres_source_options postgres_source;
  fhx_postgres_store_options postgres_store;
  FHX_INIT(&s3);
  FHX_INIT(&azure);
  FHX_INIT(&sqlite_source);
  FHX_INIT(&sqlite_store);
  FHX_INIT(&postgres_source);
  FHX_INIT(&postgres_store);
#define LOOK(part, call)                               \
  do {                                                 \
    int32_t status = (call);                           \
    look(#part, among(#part, absent), status, error);  \
    error = NULL;                                      \
  } while (0)
  LOOK(s3, fhx_s3_destination_new(&s3, &destination, &error));
  LOOK(azure, fhx_azure_destination_new(&azure, &destination, &error));
  LOOK(sqlite, fhx_sqlite_source_new(&sqlite_source, &source, &error));
  LOOK(sqlite, fhx_sqlite_store_new(&sqlite_store, &store, &error));
  LOOK(postgres, fhx_postgres_source_new(&postgres_source, &source, &error));
  LOOK(postgres, fhx_postgres_store_new(&postgres_store, &store, &error));
}

/* --- an export --- */

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)user_data, (void)query;
  size_t *position = calloc(1, sizeof *position);
  if (position != NULL) fhx_reply_handle(reply, position, 0);
}

static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  (void)user_data, (void)want_bytes;
  size_t *position = cursor;
  if (*position == sizeof patients / sizeof *patients) {
    fhx_reply_end(reply);
    return;
  }
  const char *patient = patients[(*position)++];
  fhx_reply_rows(reply, patient, strlen(patient), 1, NULL, NULL, NULL, 0);
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data;
  free(cursor);
}

static int32_t print_manifest(fhx_job *job, fhx_error **error) {
  fhx_manifest *manifest = NULL;
  char text[4096];
  int32_t status = fhx_manifest_new(job, &manifest, error);
  for (size_t len = 0; status == FHX_OK;) {
    status = fhx_manifest_read(manifest, text, sizeof text, &len, error);
    if (status == FHX_OK) fwrite(text, 1, len, stdout);
  }
  fhx_manifest_free(manifest);
  return status == FHX_END ? FHX_OK : status;
}

/* A job with this store; NULL: one in memory, which is SQLite's. */
static int32_t export(const char *folder, fhx_store *store, fhx_error **error) {
  fhx_source_callbacks source;
  fhx_directory_options directory;
  fhx_job_options options;
  fhx_filter *filter = NULL;
  fhx_job *job = NULL;
  FHX_INIT(&source);
  FHX_INIT(&directory);
  FHX_INIT(&options);
  source.open_cursor = open_cursor;
  source.next_rows = next_rows;
  source.close_cursor = close_cursor;
  directory.path = folder;
  options.flags = FHX_JOB_GZIP;
  options.settle_us = -1;
  options.store = store;
  int32_t status = fhx_source_new(&source, NULL, &options.source, error);
  if (!status) status = fhx_directory_destination_new(&directory, &options.destination, error);
  if (!status) status = fhx_filter_new(&filter, error);
  if (!status) status = fhx_filter_add_type(filter, "Patient", error);
  options.filter = filter;
  if (!status) status = fhx_job_start(&options, &job, error);
  if (!status) status = fhx_job_run(job, error);
  if (!status) status = print_manifest(job, error);
  fhx_job_free(job);
  fhx_filter_free(filter);
  fhx_destination_free(options.destination);
  fhx_source_free(options.source);
  return status;
}

/* With a store in memory where there is one; else that is what the job's start says. */
static void export_in_memory(const char *folder, bool is_absent) {
  fhx_error *error = NULL;
  int32_t status = export(folder, NULL, &error);
  bool is_right = is_absent ? status == FHX_ERR_UNSUPPORTED &&
                                  strstr(fhx_error_message(error), "SQLite") != NULL
                            : status == FHX_OK;
  if (!is_right) {
    fprintf(stderr, "host: a job without a store: %d, %s\n", (int)status,
            fhx_error_message(error));
    faults++;
  }
  fhx_error_free(error);
}

static void export_with_toy(const char *folder) {
  fhx_error *error = NULL;
  toy_records *records = toy_records_new();
  fhx_store *store = records == NULL ? NULL : toy_store_new(records, now, NULL);
  if (store == NULL || export(folder, store, &error) != FHX_OK) {
    fprintf(stderr, "host: the export failed: %s\n", fhx_error_message(error));
    faults++;
  }
  fhx_error_free(error);
  fhx_store_free(store);
  toy_records_free(records);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  look_at_parts(argv + 2);
  export_in_memory(argv[1], among("sqlite", argv + 2));
  export_with_toy(argv[1]);
  return faults == 0 ? 0 : 1;
}
