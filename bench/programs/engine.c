/*
 * What requests cost the engine (P9), in process: kick-offs, polls of a job that runs and of one
 * that is complete with 100 parts, each with few and with many jobs in the store; and the manifest
 * of a job of very many parts.
 *
 *   bench_engine FOLDER JOBS PARTS
 *
 * Makes two stores in FOLDER, prints "<name> <CPU milliseconds of one>" for each of several batches
 * in turn, then the manifest's items a CPU second, and the memory before and while it was read. The
 * engines have no threads: a job that was kicked off stays where it is.
 */
#include <fhirexport/fhirexport.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memory.h"
#include "support/null_destination.h"
#include "support/stopwatch.h"

#define BATCHES 9
#define BATCH 50
#define POLLED_PARTS 100
#define PIECE ((size_t)64 * 1024)

static const char key[] = "a key for measuring, of thirty-six b";

/* One store with its jobs, and an engine on it. */
struct host {
  fhx_source *source;
  fhx_destination *destination;
  fhx_store *store;
  fhx_engine *engine;
  char complete[64];
  char running[64];
};

/* Every job exports this many resources, each a part of its own. */
static uint64_t row_count;

struct cursor {
  uint64_t next;
  char row[64];
  char token[32];
};

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)user_data;
  (void)query;
  struct cursor *cursor = calloc(1, sizeof *cursor);
  if (cursor != NULL) fhx_reply_handle(reply, cursor, FHX_APPLIED_TYPE);
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  (void)user_data;
  (void)want_bytes;
  struct cursor *cursor = handle;
  if (cursor->next == row_count) {
    fhx_reply_end(reply);
    return;
  }
  unsigned long long number = ++cursor->next;
  int len = snprintf(cursor->row, sizeof cursor->row,
                     "{\"resourceType\":\"Patient\",\"id\":\"p%08llu\"}", number);
  int token_len = snprintf(cursor->token, sizeof cursor->token, "%llu", number);
  fhx_reply_rows(reply, cursor->row, (size_t)len, 1, NULL, NULL, cursor->token, (size_t)token_len);
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data;
  free(cursor);
}

static void list_types(void *user_data, fhx_reply *reply) {
  (void)user_data;
  fhx_reply_item(reply, "Patient", strlen("Patient"));
  fhx_reply_done(reply);
}

static int32_t new_source(fhx_source **source, fhx_error **error) {
  fhx_source_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.list_types = list_types;
  return fhx_source_new(&callbacks, NULL, source, error);
}

static int32_t new_store(const char *folder, const char *name, fhx_store **store,
                         fhx_error **error) {
  char path[4096];
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = path;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return fhx_sqlite_store_new(&options, store, error);
}

static int32_t new_engine(struct host *host, fhx_error **error) {
  const void *keys[] = {key};
  const size_t key_lens[] = {sizeof key - 1};
  fhx_engine_options options;
  FHX_INIT(&options);
  options.source = host->source;
  options.destination = host->destination;
  options.store = host->store;
  options.polls_max = UINT32_MAX;
  options.base_url = "http://127.0.0.1:8080/fhir";
  options.url_keys = keys;
  options.url_key_lens = key_lens;
  options.url_key_count = 1;
  options.settle_us = -1;
  options.jobs_max = 1000000;
  options.jobs_per_client_max = 1000000;
  return fhx_engine_new(&options, &host->engine, error);
}

/* Runs a whole job of `parts` parts; its poll target goes to `target`. */
static int32_t run_job(struct host *host, uint64_t parts, char *target, size_t size,
                       fhx_error **error) {
  fhx_job *job = NULL;
  fhx_job_options options;
  FHX_INIT(&options);
  options.source = host->source;
  options.destination = host->destination;
  options.store = host->store;
  options.part_count = 1;
  options.settle_us = -1;
  row_count = parts;
  int32_t status = fhx_job_start(&options, &job, error);
  if (status == FHX_OK) status = fhx_job_run(job, error);
  if (status == FHX_OK) snprintf(target, size, "/$export/%s", fhx_job_id(job));
  fhx_job_free(job);
  return status;
}

/* What came of a request. */
struct answer {
  uint32_t status;
  uint64_t items;
  char location[64];
};

/* Manifest items are counted by a word that each has once, whole or cut in two by a piece. */
static void count_items(struct answer *answer, char *body, size_t *kept, size_t len) {
  static const char word[] = "\"url\"";
  const size_t overlap = sizeof word - 2;
  size_t end = *kept + len;
  body[end] = '\0';
  for (const char *at = body; (at = strstr(at, word)) != NULL; at++) answer->items++;
  *kept = end < overlap ? end : overlap;
  memmove(body, body + end - *kept, *kept);
}

static int32_t read_body(fhx_response *response, struct answer *answer, fhx_error **error) {
  static char body[PIECE + 16];
  size_t kept = 0;
  for (;;) {
    size_t len = 0;
    int32_t status = fhx_response_read(response, body + kept, PIECE, &len, error);
    if (status != FHX_OK) return status == FHX_END ? FHX_OK : status;
    count_items(answer, body, &kept, len);
  }
}

static int32_t get(struct host *host, const char *target, struct answer *answer,
                   fhx_error **error) {
  const char *headers[] = {"Accept", "application/fhir+json", "Prefer", "respond-async"};
  fhx_response *response = NULL;
  fhx_request request;
  FHX_INIT(&request);
  request.method = "GET";
  request.target = target;
  request.headers = headers;
  request.header_count = 2;
  *answer = (struct answer){0};
  int32_t status = fhx_engine_handle(host->engine, &request, &response, error);
  if (status != FHX_OK) return status;
  answer->status = fhx_response_status(response);
  for (uint32_t i = 0; i < fhx_response_header_count(response); i++) {
    if (strcmp(fhx_response_header_name(response, i), "Content-Location") != 0) continue;
    const char *path = strstr(fhx_response_header_value(response, i), "/$export/");
    snprintf(answer->location, sizeof answer->location, "%s", path != NULL ? path : "");
  }
  status = read_body(response, answer, error);
  fhx_response_free(response);
  return status;
}

/* The same request `times` times, each of which must be answered as expected. */
static int32_t repeat(struct host *host, const char *name, const char *target, uint32_t times,
                      uint32_t wanted, uint64_t items, fhx_error **error) {
  struct answer answer = {0};
  double begin = stopwatch_thread_cpu();
  for (uint32_t i = 0; i < times; i++) {
    int32_t status = get(host, target, &answer, error);
    if (status != FHX_OK) return status;
    if (answer.status == wanted && answer.items == items) continue;
    fprintf(stderr, "%s was answered %u with %llu items\n", target, answer.status,
            (unsigned long long)answer.items);
    return FHX_ERR_INTERNAL;
  }
  printf("%s %.6f\n", name, (stopwatch_thread_cpu() - begin) / times * 1e3);
  if (wanted == 202 && answer.location[0] != '\0') {
    snprintf(host->running, sizeof host->running, "%s", answer.location);
  }
  return FHX_OK;
}

static int32_t measure(struct host *host, const char *suffix, fhx_error **error) {
  char kick_off[32], running[32], complete[32];
  snprintf(kick_off, sizeof kick_off, "kick_off_%s", suffix);
  snprintf(running, sizeof running, "running_%s", suffix);
  snprintf(complete, sizeof complete, "complete_%s", suffix);
  int32_t status = repeat(host, kick_off, "/$export?_type=Patient", BATCH, 202, 0, error);
  if (status == FHX_OK) status = repeat(host, running, host->running, BATCH, 202, 0, error);
  if (status != FHX_OK) return status;
  return repeat(host, complete, host->complete, BATCH, 200, POLLED_PARTS, error);
}

static int32_t measure_both(struct host hosts[2], fhx_error **error) {
  int32_t status = FHX_OK;
  for (int i = 0; i < BATCHES && status == FHX_OK; i++) {
    status = measure(&hosts[0], "few", error);
    if (status == FHX_OK) status = measure(&hosts[1], "many", error);
  }
  return status;
}

static int32_t measure_manifest(struct host *host, uint64_t parts, fhx_error **error) {
  char target[64];
  struct answer answer = {0};
  int32_t status = run_job(host, parts, target, sizeof target, error);
  if (status != FHX_OK) return status;
  memory_forget_peak();
  unsigned long before_kib = memory_now_kib();
  for (int i = 0; i < BATCHES; i++) {
    double begin = stopwatch_thread_cpu();
    status = get(host, target, &answer, error);
    if (status != FHX_OK) return status;
    printf("items_a_second %.1f\n", (double)answer.items / (stopwatch_thread_cpu() - begin));
  }
  printf("items %llu\nbefore_kib %lu\npeak_kib %lu\n", (unsigned long long)answer.items, before_kib,
         memory_peak_kib());
  return FHX_OK;
}

static int32_t prepare(struct host *host, const char *folder, const char *name, unsigned long jobs,
                       fhx_error **error) {
  char target[64];
  int32_t status = new_source(&host->source, error);
  if (status == FHX_OK) status = null_destination_new(&host->destination, error);
  if (status == FHX_OK) status = new_store(folder, name, &host->store, error);
  for (unsigned long i = 1; i < jobs && status == FHX_OK; i++) {
    status = run_job(host, 1, target, sizeof target, error);
  }
  if (status != FHX_OK) return status;
  status = run_job(host, POLLED_PARTS, host->complete, sizeof host->complete, error);
  return status == FHX_OK ? new_engine(host, error) : status;
}

static void end(struct host *host) {
  fhx_engine_free(host->engine);
  fhx_store_free(host->store);
  fhx_destination_free(host->destination);
  fhx_source_free(host->source);
}

int main(int argc, char **argv) {
  struct host hosts[2] = {0};
  fhx_error *error = NULL;
  if (argc != 4) {
    fprintf(stderr, "Usage: %s FOLDER JOBS PARTS\n", argv[0]);
    return 2;
  }
  int32_t status = prepare(&hosts[0], argv[1], "few.db", 1, &error);
  if (status == FHX_OK) {
    status = prepare(&hosts[1], argv[1], "many.db", strtoul(argv[2], NULL, 10), &error);
  }
  if (status == FHX_OK) status = measure_both(hosts, &error);
  if (status == FHX_OK) status = measure_manifest(&hosts[1], strtoull(argv[3], NULL, 10), &error);
  if (error != NULL) fprintf(stderr, "bench_engine: %s\n", fhx_error_message(error));
  fhx_error_free(error);
  end(&hosts[0]);
  end(&hosts[1]);
  return status == FHX_OK ? 0 : 1;
}
