/*
 * What was deleted since `_since` (MAN-12 to -14, FILTER-24): each deletion once, in the export of
 * whose compartment it was in, never beside the resource itself, whatever the source can do and
 * whatever happens meanwhile.
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
#include <fhirexport/job.h>

#include "support/deleting_source.h"
#include "support/memory.h"
#include "support/memory_destination.h"
#include "support/outcome.h"
#include "support/require.h"
#include "support/runner.h"

#define SINCE "2024-05-06T11:00:00Z"
#define SINCE_US INT64_C(1714993200000000)
#define UNTIL "2024-05-06T11:30:00Z"
#define UNTIL_US INT64_C(1714995000000000)
#define T_US TEST_DELETING_NOW_US
#define MINUTE_US INT64_C(60000000)
#define COUNT(list) (sizeof(list) / sizeof *(list))

/* --- the data: last versions are older than `_since`, which must not matter --- */

#define OLD ",\"meta\":{\"lastUpdated\":\"2020-01-01T00:00:00Z\"}"
#define NEW ",\"meta\":{\"lastUpdated\":\"2024-05-06T11:10:00Z\"}"
#define PATIENT(id, meta) "{\"resourceType\":\"Patient\",\"id\":\"" id "\"" meta "}"
#define OBSERVATION(id, patient, meta)                       \
  "{\"resourceType\":\"Observation\",\"id\":\"" id "\"" meta \
  ",\"subject\":{\"reference\":\"Patient/" patient "\"}, \"note\":[{\"text\":\"x\"}]}"
#define BARE(type, id) "{\"resourceType\":\"" type "\",\"id\":\"" id "\"}"

/* p1 and p3 have joined lately. */
#define GROUP                                                                                    \
  "{\"resourceType\":\"Group\",\"id\":\"g\",\"type\":\"person\",\"actual\":true,\"member\":["    \
  "{\"entity\":{\"reference\":\"Patient/p1\"},\"period\":{\"start\":\"2024-05-06T11:20:00Z\"}}," \
  "{\"entity\":{\"reference\":\"Patient/p3\"},\"period\":{\"start\":\"2024-05-06T11:20:00Z\"}}]}"

static const test_deletion live[] = {
    {"Patient", "p1", "p1", SINCE_US + MINUTE_US, PATIENT("p1", NEW)},
    {"Patient", "p2", "p2", SINCE_US + MINUTE_US, PATIENT("p2", NEW)},
    {"Observation", "again", "p1", SINCE_US + MINUTE_US, OBSERVATION("again", "p1", NEW)},
    {"Group", "g", "", SINCE_US - MINUTE_US, GROUP},
};

static const test_deletion deleted[] = {
    {"Observation", "after", "p1", SINCE_US + 1, OBSERVATION("after", "p1", OLD)},
    {"Observation", "again", "p1", SINCE_US + MINUTE_US, OBSERVATION("again", "p1", OLD)},
    {"Observation", "at-since", "p1", SINCE_US, OBSERVATION("at-since", "p1", NEW)},
    {"Observation", "at-t", "p1", T_US, OBSERVATION("at-t", "p1", OLD)},
    {"Observation", "bare", "p1", SINCE_US + MINUTE_US, BARE("Observation", "bare")},
    {"Observation", "before", "p1", SINCE_US - 1, OBSERVATION("before", "p1", NEW)},
    {"Observation", "behind-t", "p1", T_US + 1, OBSERVATION("behind-t", "p1", OLD)},
    {"Practitioner", "c", "", SINCE_US + MINUTE_US, BARE("Practitioner", "c")},
    {"Device", "d", "", SINCE_US + MINUTE_US, BARE("Device", "d")},
    {"Observation", "late", "p2", UNTIL_US + MINUTE_US, OBSERVATION("late", "p2", OLD)},
    {"Observation", "of-p3", "p3", SINCE_US + MINUTE_US, OBSERVATION("of-p3", "p3", OLD)},
    {"Patient", "p3", "p3", SINCE_US + MINUTE_US, BARE("Patient", "p3")},
};

/* --- an export --- */

typedef struct exported {
  test_deleting_source source;
  test_destination *destination;
  fhx_job_options options;
  fhx_job *job;
  int32_t status;
  char message[TEST_MESSAGE_MAX];
} exported;

static const test_deleting_source usual = {.live = live,
                                           .live_count = COUNT(live),
                                           .deleted = deleted,
                                           .deleted_count = COUNT(deleted),
                                           .tells_deleted = true,
                                           .reads = true,
                                           .tokens = true};

static fhx_filter *make_filter(bool has_since) {
  static const char *const types[] = {"Patient", "Observation", "Practitioner"};
  fhx_filter *filter = NULL;
  int32_t status = fhx_filter_new(&filter, NULL);
  for (size_t i = 0; status == FHX_OK && i < COUNT(types); i++) {
    status = fhx_filter_add_type(filter, types[i], NULL);
  }
  if (status == FHX_OK && has_since) status = fhx_filter_set_since(filter, SINCE, NULL);
  if (status == FHX_OK) return filter;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  fhx_filter_free(filter);
  return NULL;
}

static void prepare(exported *of, const test_deleting_source *source) {
  const test_destination_knobs knobs = {.flags = 0};
  memset(of, 0, sizeof *of);
  memcpy(&of->source, source, sizeof *source);
  FHX_INIT(&of->options);
  of->options.source = test_deleting_source_new(&of->source);
  of->destination = test_destination_new(&knobs, &of->options.destination);
  of->options.settle_us = -1;
  of->options.attempts_max = 3;
}

/* Frees the filter. */
static void start(exported *of, fhx_filter *filter) {
  fhx_error *error = NULL;
  of->options.filter = filter;
  of->status = fhx_job_start(&of->options, &of->job, &error);
  of->options.filter = NULL;
  snprintf(of->message, sizeof of->message, "%s", fhx_error_message(error));
  fhx_error_free(error);
  fhx_filter_free(filter);
}

static void run(exported *of, uint32_t threads) {
  test_require_status(of->status, FHX_OK);
  of->status = test_run_job(of->job, threads, threads > 1, of->message);
}

static void end(exported *of) {
  fhx_job_free(of->job);
  fhx_source_free(of->options.source);
  fhx_destination_free(of->options.destination);
  test_destination_end(of->destination);
  test_require_sound();
}

/* --- what came of it --- */

/* The job is complete. */
static test_outcome *collect(exported *of) {
  static test_outcome got;
  if (of->status != FHX_OK) test_scenario("%s", of->message);
  test_require_status(of->status, FHX_OK);
  test_outcome_read(of->job, of->destination, &got);
  return &got;
}

static void expect(exported *of, const char *expected) {
  test_outcome *got = collect(of);
  bool is_same = strcmp(got->deleted, expected) == 0;
  if (!is_same) print_message("told: %s\n", got->deleted);
  test_require(is_same);
}

/* --- whose deletions --- */

typedef struct level {
  const char *name;
  const char *patient;
  bool all_patients;
  bool by_group;
  /* Sources without read_resource tell what is there again. */
  const char *expected;
  const char *expected_with_reads;
} level;

static const level levels[] = {
    {"everything", NULL, false, false,
     "Observation/after Observation/again Observation/at-t Observation/bare Observation/late "
     "Observation/of-p3 Patient/p3 Practitioner/c",
     "Observation/after Observation/at-t Observation/bare Observation/late Observation/of-p3 "
     "Patient/p3 Practitioner/c"},
    {"patients", NULL, true, false,
     "Observation/after Observation/again Observation/at-t Observation/late Observation/of-p3 "
     "Patient/p3",
     "Observation/after Observation/at-t Observation/late Observation/of-p3 Patient/p3"},
    {"one patient", "p1", false, false, "Observation/after Observation/again Observation/at-t",
     "Observation/after Observation/at-t"},
    {"group", NULL, false, true,
     "Observation/after Observation/again Observation/at-t Observation/of-p3 Patient/p3",
     "Observation/after Observation/at-t Observation/of-p3 Patient/p3"},
};

static fhx_filter *filter_of(const level *of) {
  fhx_filter *filter = make_filter(true);
  if (of->all_patients) assert_int_equal(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  if (of->by_group) assert_int_equal(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
  if (of->patient != NULL) assert_int_equal(fhx_filter_add_patient(filter, of->patient, NULL), 0);
  return filter;
}

/* However it delivers, and whatever it applies itself (MAN-13). */
static void every_source_tells_the_same(void **state) {
  static const uint32_t applied[] = {0, FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS,
                                     FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL};
  static const size_t rows_max[] = {1, 3, 0};
  (void)state;
  for (size_t i = 0; i < COUNT(levels) * COUNT(applied) * COUNT(rows_max) * 4; i++) {
    const level *at = &levels[i % COUNT(levels)];
    size_t rest = i / COUNT(levels);
    exported of;
    test_deleting_source source = usual;
    source.applied = applied[rest % COUNT(applied)];
    rest /= COUNT(applied);
    source.rows_max = rows_max[rest % COUNT(rows_max)];
    rest /= COUNT(rows_max);
    source.reads = (rest & 1) != 0;
    source.tokens = (rest & 2) != 0;
    test_scenario("%s, applied %u, %u rows, reads %d, tokens %d", at->name, source.applied,
                  (unsigned)source.rows_max, source.reads, source.tokens);
    prepare(&of, &source);
    start(&of, filter_of(at));
    run(&of, i % 5 == 0 ? 3 : 1);
    expect(&of, source.reads ? at->expected_with_reads : at->expected);
    end(&of);
  }
}

/* What is gone cannot be looked at: a query of its type leaves out none (FILTER-21). */
static void queries_leave_out_no_deletion(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(levels); i++) {
    exported of;
    fhx_filter *filter = filter_of(&levels[i]);
    test_scenario("%s, with queries", levels[i].name);
    test_require_status(fhx_filter_add_query(filter, "Observation?status=unknown", NULL), FHX_OK);
    test_require_status(fhx_filter_add_query(filter, "Patient?_id=p2", NULL), FHX_OK);
    prepare(&of, &usual);
    start(&of, filter);
    run(&of, 1);
    expect(&of, levels[i].expected_with_reads);
    test_require(strstr(collect(&of)->output, "Observation") == NULL);
    test_require(strstr(collect(&of)->output, "Patient/p1") == NULL);
    end(&of);
  }
}

/* All that is left of it are deletions. */
static void a_group_may_be_gone_whole(void **state) {
  static const test_deletion group[] = {
      {"Group", "g", "", SINCE_US - MINUTE_US,
       "{\"resourceType\":\"Group\",\"id\":\"g\",\"type\":\"person\",\"actual\":true,\"member\":["
       "{\"entity\":{\"reference\":\"Patient/p3\"}}]}"}};
  exported of;
  test_deleting_source source = usual;
  (void)state;
  test_scenario("nobody is left");
  source.live = group;
  source.live_count = 1;
  prepare(&of, &source);
  start(&of, filter_of(&levels[3]));
  run(&of, 1);
  expect(&of, "Observation/of-p3 Patient/p3");
  assert_string_equal(collect(&of)->output, "");
  end(&of);
}

/* Who has joined lately is exported whatever the age of his data; but what was deleted before
   `_since` no client has had from here. */
static void new_members_have_no_older_deletions(void **state) {
  exported of;
  (void)state;
  test_scenario("new members");
  prepare(&of, &usual);
  of.options.flags = FHX_JOB_NEW_MEMBERS;
  start(&of, filter_of(&levels[3]));
  run(&of, 1);
  expect(&of, levels[3].expected_with_reads);
  end(&of);
}

/* Of a row of type and id alone only the source can know whose it was. */
static void a_source_may_know_whose_it_was(void **state) {
  exported of;
  test_deleting_source source = usual;
  fhx_filter *filter = make_filter(true);
  (void)state;
  test_scenario("applied patients");
  source.applied = FHX_APPLIED_PATIENTS;
  assert_int_equal(fhx_filter_add_patient(filter, "p1", NULL), FHX_OK);
  prepare(&of, &source);
  start(&of, filter);
  run(&of, 1);
  expect(&of, "Observation/after Observation/at-t Observation/bare");
  end(&of);
}

/* MAN-13: without it nothing was deleted that the client could have. */
static void without_since_there_are_none(void **state) {
  exported of;
  (void)state;
  test_scenario("no _since");
  prepare(&of, &usual);
  start(&of, make_filter(false));
  run(&of, 1);
  expect(&of, "");
  assert_int_equal(of.source.opened, 0);
  end(&of);
}

static void a_source_need_not_tell(void **state) {
  exported of;
  test_deleting_source source = usual;
  (void)state;
  test_scenario("no open_deleted");
  source.tells_deleted = false;
  prepare(&of, &source);
  start(&of, make_filter(true));
  run(&of, 1);
  expect(&of, "");
  end(&of);
}

static void until_is_a_bound_too(void **state) {
  (void)state;
  for (uint32_t applied = 0; applied < 2; applied++) {
    exported of;
    test_deleting_source source = usual;
    fhx_filter *filter = make_filter(true);
    test_scenario("_until, applied %u", applied);
    source.applied = applied == 0 ? 0 : FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL;
    assert_int_equal(fhx_filter_set_until(filter, UNTIL, NULL), FHX_OK);
    prepare(&of, &source);
    start(&of, filter);
    run(&of, 1);
    expect(&of, "Observation/after Observation/bare Observation/of-p3 Patient/p3 Practitioner/c");
    end(&of);
  }
}

/* FILTER-24: what is there again is in the output and only there; so is what may be there and is
   not this client's to know. */
static void output_and_deletions_are_disjoint(void **state) {
  exported of;
  (void)state;
  test_scenario("disjoint");
  prepare(&of, &usual);
  start(&of, make_filter(true));
  run(&of, 1);
  test_outcome *got = collect(&of);
  assert_string_equal(got->output, "Observation/again Patient/p1 Patient/p2");
  assert_null(strstr(got->deleted, "again"));
  fhx_progress *progress = NULL;
  assert_int_equal(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
  /* Deletions are no resources. */
  assert_int_equal(fhx_progress_resource_count(progress), 3);
  fhx_progress_free(progress);
  end(&of);
}

static bool deny_one(void *context, const char *reference, fhx_reply *reply) {
  (void)context;
  if (strcmp(reference, "Observation/after") != 0) return false;
  fhx_reply_fail(reply, FHX_ERR_DENIED, 0, "not for this client");
  return true;
}

static void what_may_not_be_read_is_not_told(void **state) {
  exported of;
  test_deleting_source source = usual;
  (void)state;
  test_scenario("denied");
  source.on_read = deny_one;
  prepare(&of, &source);
  start(&of, make_filter(true));
  run(&of, 1);
  assert_null(strstr(collect(&of)->deleted, "Observation/after"));
  end(&of);
}

/* --- many --- */

#define MANY 250

static char many_ids[MANY][16];
static char many_texts[MANY][64];
static test_deletion many[MANY];

static int make_many(void **state) {
  (void)state;
  for (int i = 0; i < MANY; i++) {
    snprintf(many_ids[i], sizeof many_ids[i], "o%03d", i);
    snprintf(many_texts[i], sizeof many_texts[i], BARE("Observation", "%s"), many_ids[i]);
    many[i] = (test_deletion){"Observation", many_ids[i], "", SINCE_US + 1, many_texts[i]};
  }
  return 0;
}

static test_deleting_source of_many(void) {
  test_deleting_source source = usual;
  source.deleted = many;
  source.deleted_count = MANY;
  return source;
}

static void expect_many(exported *of) {
  static char expected[TEST_OUTCOME_MAX];
  size_t len = 0;
  for (int i = 0; i < MANY; i++) {
    len += (size_t)snprintf(expected + len, TEST_OUTCOME_MAX - len, "%sObservation/%s",
                            i == 0 ? "" : " ", many_ids[i]);
  }
  expect(of, expected);
}

static void bundles_have_a_hundred_entries(void **state) {
  exported of;
  test_deleting_source source = of_many();
  (void)state;
  test_scenario("bundles");
  prepare(&of, &source);
  start(&of, make_filter(true));
  run(&of, 1);
  expect_many(&of);
  test_outcome *got = collect(&of);
  assert_int_equal(got->bundle_count, 3);
  assert_int_equal(got->most_entries, 100);
  end(&of);
}

/* By their bytes, and by their lines. */
static void parts_of_deletions_have_limits(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    exported of;
    test_deleting_source source = of_many();
    test_scenario("limit %d", i);
    source.rows_max = 10;
    prepare(&of, &source);
    of.options.part_bytes = i == 0 ? 2000 : 0;
    of.options.part_count = i == 0 ? 0 : 2;
    start(&of, make_filter(true));
    run(&of, 1);
    expect_many(&of);
    test_outcome *got = collect(&of);
    assert_int_equal(got->bundle_count, MANY / 10);
    assert_in_range(got->part_count, MANY / 10 / 3, MANY / 10 + 2);
    end(&of);
  }
}

/* --- what goes wrong --- */

typedef struct trouble {
  exported *of;
  uint64_t at;
} trouble;

static bool fail_once(void *context, uint64_t number, fhx_reply *reply) {
  const trouble *met = context;
  if (number != met->at) return false;
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 1, "the database is away");
  return true;
}

/* With tokens a task goes on where it was, without it begins again: each is told once. */
static void an_attempt_that_fails_is_made_up_for(void **state) {
  (void)state;
  for (uint64_t at = 1; at <= 14; at += 3) {
    for (int tokens = 0; tokens < 2; tokens++) {
      exported of;
      trouble met = {&of, at};
      test_deleting_source source = of_many();
      test_scenario("fails at %d, tokens %d", (int)at, tokens);
      source.tokens = tokens == 1;
      source.rows_max = 20;
      source.on_next = fail_once;
      source.context = &met;
      prepare(&of, &source);
      of.options.part_bytes = 3000;
      start(&of, make_filter(true));
      run(&of, 1);
      expect_many(&of);
      end(&of);
    }
  }
}

static bool park_once(void *context, uint64_t number, fhx_reply *reply) {
  const trouble *met = context;
  (void)reply;
  if (number == met->at) fhx_job_park(met->of->job);
  return false;
}

/* As after a restart: another object of the job goes on by the token. */
static void a_parked_job_goes_on(void **state) {
  (void)state;
  for (uint64_t at = 2; at <= 14; at += 4) {
    exported of;
    trouble met = {&of, at};
    test_deleting_source source = of_many();
    fhx_sqlite_store_options memory;
    fhx_job *resumed = NULL;
    test_scenario("parked at %d", (int)at);
    FHX_INIT(&memory);
    memory.path = ":memory:";
    source.applied = FHX_APPLIED_TYPE;
    source.rows_max = 20;
    source.on_next = park_once;
    source.context = &met;
    prepare(&of, &source);
    assert_int_equal(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
    start(&of, make_filter(true));
    assert_int_equal(fhx_job_run(of.job, NULL), FHX_WAIT);
    uint64_t replies = of.source.replies;
    assert_int_equal(fhx_job_attach(&of.options, fhx_job_id(of.job), &resumed, NULL), FHX_OK);
    fhx_job_free(of.job);
    of.job = resumed;
    run(&of, 1);
    expect_many(&of);
    /* 250 rows, 20 at a time, and the ends of three cursors: none was read again. */
    assert_in_range(of.source.replies, replies, 13 + 3);
    fhx_store_free(of.options.store);
    end(&of);
  }
}

static const test_deletion hostile[] = {
    {"Observation", "bad", "", SINCE_US + 1, "{\"resourceType\":\"Observation\",\"id\":\"bad\",]"},
    {"Observation", "good", "", SINCE_US + 1, BARE("Observation", "good")},
    {"Observation", "i d", "", SINCE_US + 1, BARE("Observation", "i\\\"},{ d")},
    {"", "none", "", SINCE_US + 1, "null"},
    {"Observation", "undated", "", TEST_UNSTAMPED, OBSERVATION("undated", "p1", NEW)},
};

/* One without a time may have been deleted before: it is told as an error, not as a deletion. */
static void bad_rows_are_error_lines(void **state) {
  exported of;
  test_deleting_source source = usual;
  (void)state;
  test_scenario("hostile");
  source.deleted = hostile;
  source.deleted_count = COUNT(hostile);
  prepare(&of, &source);
  start(&of, make_filter(true));
  run(&of, 1);
  expect(&of, "Observation/good");
  const char *errors = collect(&of)->errors;
  assert_non_null(strstr(errors, "the deletion of Observation/bad was not exported"));
  assert_non_null(strstr(errors,
                         "the deletion of Observation/undated was not exported: it has no "
                         "time of its deletion"));
  /* Nobody can tell the type of this one: it is told once, not by each task. */
  const char *first = strstr(errors, "does not begin as a JSON object");
  if (first == NULL) first = strstr(errors, "the deletion of a resource of type Patient");
  assert_non_null(first);
  assert_null(strstr(first + 1, "the deletion of a resource of type Patient"));
  fhx_progress *progress = NULL;
  assert_int_equal(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
  assert_int_equal(fhx_progress_error_count(progress), 4);
  fhx_progress_free(progress);
  end(&of);
}

static void a_source_may_vouch_for_the_time(void **state) {
  static const test_deletion undated[] = {
      {"Observation", "o", "", TEST_UNSTAMPED, OBSERVATION("o", "p1", OLD)}};
  exported of;
  test_deleting_source source = usual;
  (void)state;
  test_scenario("undated, since applied");
  source.deleted = undated;
  source.deleted_count = 1;
  source.applied = FHX_APPLIED_SINCE;
  prepare(&of, &source);
  start(&of, make_filter(true));
  run(&of, 1);
  expect(&of, "Observation/o");
  end(&of);
}

static void broken_promises_fail_the_job(void **state) {
  static const test_deletion unordered[] = {
      {"Observation", "b", "", SINCE_US + 1, BARE("Observation", "b")},
      {"Observation", "a", "", SINCE_US + 1, BARE("Observation", "a")}};
  exported of;
  test_deleting_source source = usual;
  (void)state;
  test_scenario("out of order");
  source.deleted = unordered;
  source.deleted_count = 2;
  source.applied = FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS;
  prepare(&of, &source);
  start(&of, make_filter(true));
  run(&of, 1);
  test_require_status(of.status, FHX_ERR_JOB_FAILED);
  assert_non_null(strstr(of.message, "out of order"));
  assert_int_equal(test_destination_objects(of.destination).count, 0);
  end(&of);
}

static bool stay_silent(void *context, fhx_reply *reply) {
  (void)context;
  (void)reply;
  return true;
}

static bool fail_reads(void *context, const char *reference, fhx_reply *reply) {
  (void)context;
  (void)reference;
  fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the disk is gone");
  return true;
}

/* A deletion that may or may not be one must not be told. */
static void a_source_that_fails_fails_the_job(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    exported of;
    test_deleting_source source = usual;
    test_scenario("fails for good %d", i);
    if (i == 0) source.on_open = stay_silent;
    if (i == 1) source.on_read = fail_reads;
    prepare(&of, &source);
    start(&of, make_filter(true));
    run(&of, 1);
    test_require_status(of.status, FHX_ERR_JOB_FAILED);
    assert_non_null(strstr(of.message, i == 0 ? "open_deleted" : "the disk is gone"));
    assert_int_equal(test_destination_objects(of.destination).count, 0);
    end(&of);
  }
}

/* --- memory --- */

static void memory_runs_out(void **state) {
  (void)state;
  for (uint64_t number = 1;; number += test_step(11)) {
    exported of;
    test_scenario("memory, allocation %d", (int)number);
    test_memory_begin(number);
    prepare(&of, &usual);
    of.options.lease_us = 20000;
    of.options.attempts_max = 100;
    fhx_filter *filter = make_filter(true);
    if (of.options.source != NULL && of.options.destination != NULL && filter != NULL) {
      start(&of, filter);
      filter = NULL;
    }
    if (of.job != NULL) {
      of.status = fhx_job_run(of.job, NULL);
      if (of.status == FHX_ERR_NO_MEMORY) {
        test_memory_recover();
        of.status = fhx_job_run(of.job, NULL);
      }
      test_memory_recover();
      expect(&of, levels[0].expected_with_reads);
    }
    test_memory_recover();
    fhx_filter_free(filter);
    end(&of);
    if (!test_memory_end()) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_source_tells_the_same),
      cmocka_unit_test(queries_leave_out_no_deletion),
      cmocka_unit_test(a_group_may_be_gone_whole),
      cmocka_unit_test(new_members_have_no_older_deletions),
      cmocka_unit_test(a_source_may_know_whose_it_was),
      cmocka_unit_test(without_since_there_are_none),
      cmocka_unit_test(a_source_need_not_tell),
      cmocka_unit_test(until_is_a_bound_too),
      cmocka_unit_test(output_and_deletions_are_disjoint),
      cmocka_unit_test(what_may_not_be_read_is_not_told),
      cmocka_unit_test(bundles_have_a_hundred_entries),
      cmocka_unit_test(parts_of_deletions_have_limits),
      cmocka_unit_test(an_attempt_that_fails_is_made_up_for),
      cmocka_unit_test(a_parked_job_goes_on),
      cmocka_unit_test(bad_rows_are_error_lines),
      cmocka_unit_test(a_source_may_vouch_for_the_time),
      cmocka_unit_test(broken_promises_fail_the_job),
      cmocka_unit_test(a_source_that_fails_fails_the_job),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests_name("deletions", tests, make_many, NULL);
}
