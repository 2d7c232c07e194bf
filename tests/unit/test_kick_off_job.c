/*
 * What a kick-off asks for as the job has it (KICK-12, KICK-13, PARAM-02, PARAM-17, PARAM-23,
 * PARAM-24), and what is refused because the source or the store cannot do it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/engine.h>

#include "job/job.h"
#include "store/handle.h"
#include "support/require.h"
#include "support/setup.h"

#define BASE "https://fhir.example/r4"
#define ORGANIZED "/Patient/$export?organizeOutputBy=Patient"
#define PARTIAL "/Patient/$export?allowPartialManifests=true"
#define INCLUDED "/Patient/$export?includeAssociatedData="
#define LATEST INCLUDED "LatestProvenanceResources"

/* --- a source of which nothing but the types is asked --- */

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)user_data;
  (void)query;
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "no kick-off reads rows");
}

static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  (void)cursor;
  (void)want_bytes;
  open_cursor(user_data, NULL, reply);
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data;
  (void)cursor;
}

static void list_types(void *user_data, fhx_reply *reply) {
  static const char *const types[] = {"Location", "Organization", "Patient", "Provenance"};
  (void)user_data;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    fhx_reply_item(reply, types[i], strlen(types[i]));
  }
  fhx_reply_done(reply);
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  (void)reference;
  open_cursor(user_data, query, reply);
}

static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  (void)patient_id;
  open_cursor(user_data, query, reply);
}

/* --- a store with or without pages --- */

static void add_page(void *user_data, const char *job_id, uint32_t page, uint32_t count_max,
                     fhx_reply *reply) {
  (void)user_data;
  (void)job_id;
  (void)page;
  (void)count_max;
  fhx_reply_fail(reply, FHX_ERR_STORE, 0, "no kick-off makes a page");
}

static void list_page(void *user_data, const char *job_id, uint32_t page, uint32_t after_task,
                      uint64_t after_seq, uint32_t limit, fhx_reply *reply) {
  (void)after_task;
  (void)after_seq;
  add_page(user_data, job_id, page, limit, reply);
}

/* --- an engine between them --- */

typedef struct rig {
  test_dataset *data;
  test_export of;
  fhx_source *source;
  fhx_store *store;
  fhx_engine *engine;
} rig;

typedef struct abilities {
  bool knows_patients;
  bool reads_resources;
  bool adds_pages;
  bool lists_pages;
} abilities;

static const abilities all_abilities = {true, true, true, true};

static void begin(rig *with, const abilities *can) {
  fhx_source_callbacks callbacks;
  fhx_sqlite_store_options memory;
  fhx_engine_options options;
  memset(with, 0, sizeof *with);
  with->data = test_dataset_new(1, 1, 0);
  test_setting setting = test_setting_usual(with->data);
  test_export_prepare(&with->of, &setting);
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.list_types = list_types;
  if (can->reads_resources) callbacks.read_resource = read_resource;
  if (can->knows_patients) callbacks.open_patient = open_patient;
  test_require_status(fhx_source_new(&callbacks, NULL, &with->source, NULL), FHX_OK);
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&memory, &with->store, NULL), FHX_OK);
  with->store->callbacks.add_page = can->adds_pages ? add_page : NULL;
  with->store->callbacks.list_page = can->lists_pages ? list_page : NULL;
  FHX_INIT(&options);
  options.source = with->source;
  options.destination = with->of.options.destination;
  options.store = with->store;
  options.base_url = BASE;
  options.associated_types = "Organization";
  options.associated_values = "_places=Location,Organization";
  test_require_status(fhx_engine_new(&options, &with->engine, NULL), FHX_OK);
}

static void end(rig *with) {
  fhx_engine_free(with->engine);
  fhx_source_free(with->source);
  fhx_store_free(with->store);
  test_export_end(&with->of);
  test_dataset_free(with->data);
}

static fhx_response *ask(const rig *with, const char *target, const char *prefer) {
  const char *headers[] = {"Prefer", prefer};
  fhx_request request;
  fhx_response *response = NULL;
  FHX_INIT(&request);
  request.method = "GET";
  request.target = target;
  request.headers = headers;
  request.header_count = 1;
  test_scenario("%s, %s", target, prefer);
  test_require_status(fhx_engine_handle(with->engine, &request, &response, NULL), FHX_OK);
  return response;
}

static void check_refused(const rig *with, const char *target, const char *words) {
  fhx_response *response = ask(with, target, "");
  char body[2000] = "";
  size_t len = 0;
  test_require(fhx_response_status(response) == 400);
  test_require_status(fhx_response_read(response, body, sizeof body - 1, &len, NULL), FHX_OK);
  test_require(strstr(body, "not-supported") != NULL && strstr(body, words) != NULL);
  fhx_response_free(response);
}

/* The definition of the job that comes of it. */
static fhx__definition accept_as(const rig *with, const char *target, const char *prefer) {
  static const char place[] = BASE "/$export/";
  fhx_response *response = ask(with, target, prefer);
  fhx__job_entry entry;
  fhx__definition definition;
  const char *url = NULL;
  memset(&entry, 0, sizeof entry);
  memset(&definition, 0, sizeof definition);
  test_require(fhx_response_status(response) == 202);
  for (uint32_t i = 0; fhx_response_header_name(response, i) != NULL; i++) {
    if (strcmp(fhx_response_header_name(response, i), "Content-Location") == 0) {
      url = fhx_response_header_value(response, i);
    }
  }
  test_require(url != NULL && strncmp(url, place, strlen(place)) == 0);
  test_require_status(fhx__store_read_job(with->store, url + strlen(place), &entry, NULL), FHX_OK);
  test_require_status(fhx__definition_read(entry.record.definition, &definition, NULL), FHX_OK);
  fhx__job_entry_free(&entry);
  fhx_response_free(response);
  return definition;
}

/* --- what is asked for --- */

static void what_the_job_has(void **state) {
  static const struct {
    const char *target;
    const char *prefer;
    uint32_t provenance;
    bool by_patient;
    bool has_pages;
    bool has_separate_status;
    const char *associated;
  } rows[] = {
      {"/Patient/$export", "respond-async", FHX_PROVENANCE_DEFAULT, false, false, false,
       "Organization"},
      {ORGANIZED, "", FHX_PROVENANCE_DEFAULT, true, false, false, ""},
      {PARTIAL, "", FHX_PROVENANCE_DEFAULT, false, true, false, "Organization"},
      {ORGANIZED "&allowPartialManifests=true", "respond-async,separate-export-status",
       FHX_PROVENANCE_DEFAULT, true, true, true, ""},
      {"/Patient/$export", "separate-export-status, respond-async", FHX_PROVENANCE_DEFAULT, false,
       false, true, "Organization"},
      {"/Patient/$export", "separate-export-status", FHX_PROVENANCE_DEFAULT, false, false, false,
       "Organization"},
      {LATEST, "", FHX_PROVENANCE_LATEST, false, false, false, "Organization"},
      {LATEST ",RelevantProvenanceResources", "", FHX_PROVENANCE_RELEVANT, false, false, false,
       "Organization"},
      {INCLUDED "_places", "", FHX_PROVENANCE_DEFAULT, false, false, false,
       "Location,Organization"},
  };
  rig with;
  (void)state;
  begin(&with, &all_abilities);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fhx__definition has = accept_as(&with, rows[i].target, rows[i].prefer);
    test_require(has.provenance == rows[i].provenance);
    test_require(has.by_patient == rows[i].by_patient);
    test_require(has.has_pages == rows[i].has_pages);
    test_require(has.has_separate_status == rows[i].has_separate_status);
    assert_string_equal(has.associated_types, rows[i].associated);
    test_require(has.notes.len == 0);
    fhx__definition_free(&has);
  }
  end(&with);
}

/* KICK-12, PARAM-02: what cannot be done is refused, or ignored and told, a sentence each. */
static void what_cannot_be_done(void **state) {
  static const struct {
    abilities can;
    const char *target;
    const char *words;
    size_t notes;
  } rows[] = {
      {{false, true, true, true}, ORGANIZED, "organizeOutputBy: this server cannot", 1},
      {{true, false, true, true}, LATEST, "includeAssociatedData: LatestProvenanceResources", 1},
      {{true, true, false, true}, PARTIAL, "allowPartialManifests: this server", 1},
      {{true, true, true, false}, PARTIAL, "allowPartialManifests: this server", 1},
      {{false, false, false, false},
       LATEST ",RelevantProvenanceResources,_none&allowPartialManifests=true&"
              "organizeOutputBy=Patient&typo",
       "LatestProvenanceResources is not supported",
       6},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig with;
    size_t notes = 0;
    begin(&with, &rows[i].can);
    check_refused(&with, rows[i].target, rows[i].words);
    fhx__definition has = accept_as(&with, rows[i].target, "handling=lenient");
    test_require(!has.by_patient && !has.has_pages && has.provenance == FHX_PROVENANCE_DEFAULT);
    test_require(strstr(has.notes.data, rows[i].words) != NULL);
    for (size_t at = 0; at < has.notes.len; at++) notes += has.notes.data[at] == '\0' ? 1 : 0;
    test_require(notes == rows[i].notes);
    fhx__definition_free(&has);
    end(&with);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_the_job_has),
      cmocka_unit_test(what_cannot_be_done),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
