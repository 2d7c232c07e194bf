/* A catalogue that changes. */
#include "support/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/require.h"

#define TEXT_MAX 512

typedef struct cursor {
  test_catalogue *catalogue;
  bool of_deletions;
  bool is_ours;
  size_t next;
  char text[TEXT_MAX];
  int64_t changed_us;
} cursor;

void test_catalogue_begin(test_catalogue *catalogue) {
  memset(catalogue, 0, sizeof *catalogue);
  catalogue->now_us = TEST_CATALOGUE_NOW_US;
}

void test_catalogue_wait(test_catalogue *catalogue) {
  catalogue->now_us += TEST_HOUR_US;
}

void test_catalogue_write(test_catalogue *catalogue, size_t number) {
  test_entry *entry = &catalogue->entries[number];
  entry->version++;
  entry->is_deleted = false;
  entry->changed_us = catalogue->now_us;
}

void test_catalogue_delete(test_catalogue *catalogue, size_t number) {
  catalogue->entries[number].is_deleted = true;
  catalogue->entries[number].changed_us = catalogue->now_us;
}

void test_catalogue_state(const test_catalogue *catalogue, char state[TEST_CATALOGUE_MAX * 16]) {
  size_t len = 0;
  state[0] = '\0';
  for (size_t i = 0; i < TEST_CATALOGUE_MAX; i++) {
    const test_entry *entry = &catalogue->entries[i];
    if (entry->version == 0 || entry->is_deleted) continue;
    len += (size_t)sprintf(state + len, "%d:%u ", (int)i, entry->version);
  }
}

/* --- the source --- */

static void open_over(test_catalogue *catalogue, const fhx_query *query, bool of_deletions,
                      fhx_reply *reply) {
  cursor *at = calloc(1, sizeof *at);
  if (at == NULL) abort();
  at->catalogue = catalogue;
  at->of_deletions = of_deletions;
  at->is_ours = strcmp(fhx_query_resource_type(query), "Practitioner") == 0;
  fhx_reply_handle(reply, at, FHX_APPLIED_TYPE);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  open_over(user_data, query, false, reply);
}

static void open_deleted(void *user_data, const fhx_query *query, fhx_reply *reply) {
  open_over(user_data, query, true, reply);
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  cursor *at = handle;
  (void)user_data;
  (void)want_bytes;
  while (at->is_ours && at->next < TEST_CATALOGUE_MAX) {
    const test_entry *entry = &at->catalogue->entries[at->next++];
    if (entry->version == 0 || entry->is_deleted != at->of_deletions) continue;
    int len = snprintf(at->text, sizeof at->text,
                       "{\"resourceType\":\"Practitioner\",\"id\":\"n%d\","
                       "\"meta\":{\"versionId\":\"%u\"}}",
                       (int)at->next - 1, entry->version);
    at->changed_us = entry->changed_us;
    fhx_reply_rows(reply, at->text, (size_t)len, 1, NULL, &at->changed_us, NULL, 0);
    return;
  }
  fhx_reply_end(reply);
}

static void close_cursor(void *user_data, void *handle) {
  (void)user_data;
  free(handle);
}

static void read_clock(void *user_data, fhx_reply *reply) {
  const test_catalogue *catalogue = user_data;
  fhx_reply_time(reply, catalogue->now_us, 1000);
}

static fhx_source *make_source(test_catalogue *catalogue) {
  fhx_source_callbacks callbacks;
  fhx_source *source = NULL;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.read_clock = read_clock;
  callbacks.open_deleted = open_deleted;
  (void)fhx_source_new(&callbacks, catalogue, &source, NULL);
  return source;
}

static fhx_filter *make_filter(const char *since) {
  fhx_filter *filter = NULL;
  int32_t status = fhx_filter_new(&filter, NULL);
  if (status == FHX_OK) status = fhx_filter_add_type(filter, "Practitioner", NULL);
  if (status == FHX_OK && since[0] != '\0') status = fhx_filter_set_since(filter, since, NULL);
  if (status == FHX_OK) return filter;
  fhx_filter_free(filter);
  return NULL;
}

fhx_job *test_catalogue_export(test_catalogue *catalogue, fhx_destination *destination,
                               const char *since, uint64_t part_count) {
  fhx_job_options options;
  fhx_job *job = NULL;
  int32_t status = FHX_ERR_NO_MEMORY;
  fhx_filter *filter = make_filter(since);
  FHX_INIT(&options);
  options.source = make_source(catalogue);
  options.destination = destination;
  options.filter = filter;
  options.part_count = part_count;
  options.settle_us = -1;
  if (filter != NULL && options.source != NULL) status = fhx_job_start(&options, &job, NULL);
  if (status == FHX_OK) status = fhx_job_run(job, NULL);
  fhx_source_free(options.source);
  fhx_filter_free(filter);
  if (status == FHX_OK) return job;
  fhx_job_free(job);
  return NULL;
}
