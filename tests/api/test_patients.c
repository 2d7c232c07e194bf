/* Exports that are organised by patients (FILE-17, -18, FILTER-14, MAN-18). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/dataset.h"
#include "support/folder.h"
#include "support/memory.h"
#include "support/memory_destination.h"
#include "support/require.h"
#include "support/runner.h"
#include "support/ward.h"

#define SMALL_PART (UINT64_C(64) << 10)

static const test_ward_ask everything = {.part_bytes = SMALL_PART};

/* A job over a ward, into memory. */
typedef struct stay {
  test_ward *ward;
  test_ward_ask ask;
  test_destination *destination;
  fhx_job_options options;
  fhx_job *job;
  int32_t status;
  char message[TEST_MESSAGE_MAX];
} stay;

static void use_options(stay *of) {
  FHX_INIT(&of->options);
  of->options.settle_us = -1;
  of->options.organize_by = "Patient";
  of->options.part_bytes = of->ask.part_bytes;
  of->options.part_count = of->ask.part_count;
}

/* Everything but the job; with a path, over the SQLite table there. */
static void prepare(stay *of, test_ward *ward, const test_ward_ask *ask, const char *path,
                    const test_destination_knobs *knobs) {
  memset(of, 0, sizeof *of);
  of->ward = ward;
  of->ask = *ask;
  use_options(of);
  of->options.source = path == NULL ? test_ward_source(ward) : test_ward_sqlite_source(path);
  of->destination = test_destination_new(knobs, &of->options.destination);
}

static void start(stay *of) {
  fhx_filter *filter = test_ward_filter(&of->ask);
  of->options.filter = filter;
  of->status = fhx_job_start(&of->options, &of->job, NULL);
  of->options.filter = NULL;
  fhx_filter_free(filter);
}

static void end(stay *of) {
  fhx_job_free(of->job);
  fhx_source_free(of->options.source);
  fhx_destination_free(of->options.destination);
  test_destination_end(of->destination);
  test_require(atomic_load(&of->ward->cursors) == 0);
  test_require_sound();
}

static test_ward_found check(stay *of) {
  test_objects objects = test_destination_objects(of->destination);
  if (of->status != FHX_OK) test_scenario("%s", of->message);
  test_require_status(of->status, FHX_OK);
  return test_ward_check(of->ward, of->job, &objects, &of->ask);
}

static test_ward_found run(test_ward *ward, const test_ward_ask *ask, const char *path,
                           uint32_t threads) {
  const test_destination_knobs knobs = {.flags = 0};
  stay of;
  prepare(&of, ward, ask, path, &knobs);
  start(&of);
  test_require_status(of.status, FHX_OK);
  of.status = test_run_job(of.job, threads, threads > 1, of.message);
  test_ward_found found = check(&of);
  end(&of);
  return found;
}

/* --- what comes out --- */

static char folder[TEST_PATH_MAX];
static char table[TEST_PATH_MAX];

static void make_table(const test_ward *ward) {
  test_folder_new(folder);
  test_path_join(table, folder, "ward.db");
  test_ward_write(ward, table);
}

/* Two thousand patients, of whom some have more than a part holds. */
static void many_patients(void **state) {
  const uint64_t count = 2000 / test_step(1);
  (void)state;
  test_ward *ward = test_ward_new(1, (uint32_t)count, 12);
  make_table(ward);
  for (uint32_t threads = test_is_quick() ? 4 : 1; threads <= 4; threads += 3) {
    test_scenario("SQLite, %u threads", threads);
    test_ward_found found = run(ward, &everything, table, threads);
    test_require(found.block_count == count && found.part_count > count / 40);
    test_require(found.continuing_count > 0);
    test_scenario("a host's source, %u threads", threads);
    ward->applied = FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS;
    ward->patient_applied = FHX_APPLIED_PATIENTS;
    ward->shards = 5;
    found = run(ward, &everything, NULL, threads);
    test_require(found.block_count == count);
  }
  test_folder_remove(folder);
  test_ward_free(ward);
}

/* What a host's source may push down, and what is asked for, changes nothing else. */
static void every_kind_of_source_and_filter(void **state) {
  static const char *const with_patient[] = {"Observation", "Patient", NULL};
  static const char *const without_patient[] = {"Encounter", "Observation", NULL};
  static const char *const some[] = {"p0003", "p0010", "p0011", NULL};
  static const uint32_t applied[] = {
      0, FHX_APPLIED_TYPE, FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS | FHX_PROMISE_ASCENDING_IDS};
  static const uint32_t patient_applied[] = {0, FHX_APPLIED_PATIENTS,
                                             FHX_APPLIED_PATIENTS | FHX_APPLIED_SINCE,
                                             FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS};
  (void)state;
  test_ward *ward = test_ward_new(2, 20, 8);
  make_table(ward);
  for (int n = 0; n < 2 * 3 * 2 * 3; n += (int)test_step(5)) {
    test_ward_ask ask = {.lately = n % 2 == 1, .part_bytes = 9000};
    ask.types = n / 2 % 3 == 0 ? NULL : n / 2 % 3 == 1 ? with_patient : without_patient;
    ask.patients = n / 6 % 2 == 0 ? NULL : some;
    ask.part_count = n / 12 == 0 ? 0 : n / 12 == 1 ? 9 : 1;
    for (size_t k = 0; k < 13; k++) {
      ward->applied = applied[k % 3];
      ward->patient_applied = patient_applied[k / 3 % 4];
      ward->shards = (uint32_t)n % 4;
      ward->without_tokens = k == 5;
      ward->rows_max = k == 7 ? 100 : k == 8 ? 1 : 0;
      test_scenario("ask %d, source %d", n, (int)k);
      run(ward, &ask, k == 12 ? table : NULL, 1);
    }
  }
  test_folder_remove(folder);
  test_ward_free(ward);
}

/* A Group's members; a new one brings what is his whatever its age, into every block where it
   stands. */
static void groups(void **state) {
  static const char *const old[] = {"p0003", "p0007", "p0008", NULL};
  static const char *const joined[] = {"p0004", NULL};
  static const char *const types[] = {"Condition", "Observation", "Patient", NULL};
  const test_destination_knobs knobs = {.flags = 0};
  (void)state;
  test_ward *ward = test_ward_new(13, 12, 20);
  test_ward_add_group(ward, "g", old, joined);
  make_table(ward);
  for (int n = 0; n < 16; n++) {
    stay of;
    test_ward_ask ask = {.group = "g", .types = types, .patients = old, .part_bytes = 9000};
    ask.lately = n % 4 == 1;
    /* Where age does not count, a new member is one more patient. */
    ask.new_patients = joined;
    if (n % 4 == 3) ask.types = types + 2;
    ward->patient_applied = n / 4 == 1 ? FHX_APPLIED_PATIENTS : 0;
    ward->applied = n / 4 == 1 ? FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS : FHX_APPLIED_TYPE;
    test_scenario("Group, %d", n);
    prepare(&of, ward, &ask, n / 4 == 2 ? table : NULL, &knobs);
    of.options.flags = n % 4 == 1 ? FHX_JOB_NEW_MEMBERS : 0;
    start(&of);
    test_require_status(of.status, FHX_OK);
    of.status = test_run_job(of.job, 1, false, of.message);
    test_require(check(&of).block_count == 4);
    end(&of);
  }
  test_folder_remove(folder);
  test_ward_free(ward);
}

/* A part is not closed before a block as long as it has not the least length, and else with half of
   it left. */
static void parts_have_a_least_length(void **state) {
  const test_destination_knobs knobs = {.flags = 0};
  (void)state;
  test_ward *ward = test_ward_new(3, 200, 4);
  for (uint64_t least = 0; least <= 20000; least += 20000) {
    stay of;
    const test_ward_ask ask = {.part_bytes = 20000};
    prepare(&of, ward, &ask, NULL, &knobs);
    of.options.part_bytes_min = least;
    ward->patient_applied = FHX_APPLIED_PATIENTS;
    ward->applied = FHX_APPLIED_TYPE | FHX_PROMISE_ASCENDING_IDS;
    ward->rows_max = 1;
    start(&of);
    of.status = test_run_job(of.job, 1, false, of.message);
    test_ward_found found = check(&of);
    /* The one with ten times as many is split in any case. */
    test_require(least == 0 ? found.continuing_count < 3 : found.continuing_count > 10);
    end(&of);
  }
  test_ward_free(ward);
}

/* FILTER-37: other members have no block, and neither has what exported resources refer to. */
static void only_patients_have_blocks(void **state) {
  static const char *const types[] = {"Organization", NULL};
  const test_destination_knobs knobs = {.flags = 0};
  const test_ward_ask ask = {.types = types, .part_bytes = SMALL_PART};
  (void)state;
  test_ward *ward = test_ward_new(4, 3, 3);
  stay of;
  fhx_error *error = NULL;
  prepare(&of, ward, &ask, NULL, &knobs);
  fhx_filter *filter = test_ward_filter(&ask);
  of.options.filter = filter;
  of.options.associated_types = "Organization";
  test_require_status(fhx_job_start(&of.options, &of.job, &error), FHX_ERR_UNSUPPORTED);
  test_require(strstr(fhx_error_message(error), "compartment") != NULL);
  fhx_error_free(error);
  fhx_filter_free(filter);
  end(&of);
  test_ward_free(ward);
}

/* Conditions are left out, Observations replaced by themselves: headers stand before what is left.
 */
static void hook(void *user_data, const fhx_query *query, const char *reference, const void *line,
                 size_t len, fhx_reply *reply) {
  (void)user_data;
  (void)query;
  if (strncmp(reference, "Condition/", 10) == 0) {
    fhx_reply_end(reply);
    return;
  }
  if (strncmp(reference, "Observation/", 12) == 0) fhx_reply_item(reply, line, len);
  fhx_reply_done(reply);
}

static void hooks_see_every_row(void **state) {
  static const char *const left[] = {"Encounter", "Observation", "Patient", NULL};
  const test_destination_knobs knobs = {.flags = 0};
  (void)state;
  test_ward *ward = test_ward_new(14, 30, 8);
  for (int trusts = 0; trusts < 2; trusts++) {
    stay of;
    test_scenario("hooks, trusts %d", trusts);
    prepare(&of, ward, &(test_ward_ask){.part_bytes = 6000}, NULL, &knobs);
    of.options.resource_hook = hook;
    of.options.flags = trusts == 1 ? FHX_JOB_TRUST_SOURCE : 0;
    ward->patient_applied = FHX_APPLIED_PATIENTS;
    start(&of);
    of.status = test_run_job(of.job, 1, false, of.message);
    of.ask.types = left;
    test_require(check(&of).continuing_count > 0);
    end(&of);
  }
  test_ward_free(ward);
}

/* PARAM-23. */
static void without_open_patient(void **state) {
  (void)state;
  test_ward *ward = test_ward_new(5, 3, 3);
  fhx_job_options options;
  fhx_sqlite_source_options table_options;
  fhx_destination *none = NULL;
  const test_destination_knobs knobs = {.flags = 0};
  fhx_job *job = NULL;
  fhx_error *error = NULL;
  make_table(ward);
  FHX_INIT(&options);
  FHX_INIT(&table_options);
  table_options.path = table;
  test_require_status(fhx_sqlite_source_new(&table_options, &options.source, NULL), FHX_OK);
  test_destination *destination = test_destination_new(&knobs, &none);
  options.destination = none;
  options.organize_by = "Patient";
  test_require_status(fhx_job_start(&options, &job, &error), FHX_ERR_UNSUPPORTED);
  test_require(strstr(fhx_error_message(error), "organizeOutputBy") != NULL);
  fhx_error_free(error);
  options.organize_by = "Group";
  test_require_status(fhx_job_start(&options, &job, NULL), FHX_ERR_ARGUMENT);
  fhx_source_free(options.source);
  fhx_destination_free(none);
  test_destination_end(destination);
  test_folder_remove(folder);
  test_ward_free(ward);
}

/* --- rows that are refused --- */

static void bad_rows(void **state) {
  (void)state;
  test_ward *ward = test_ward_new(6, 12, 5);
  test_ward_add_bad(ward, "Observation", "p0002",
                    "{\"resourceType\":\"Observation\",\"id\":\"b1\",\"x\":}");
  test_ward_add_bad(ward, "Observation", "p0003", "no JSON at all");
  test_ward_add_bad(ward, "Patient", "p0004", "{\"resourceType\":\"Patient\",\"id\":\"b2\",");
  /* Of a type that is not asked for: nobody's business. */
  test_ward_add_bad(ward, "Organization", "p0004",
                    "{\"resourceType\":\"Organization\",\"id\":\"b3\",,}");
  static const char *const types[] = {"Observation", "Patient", NULL};
  make_table(ward);
  for (int k = 0; k < 5; k++) {
    const test_ward_ask ask = {.types = types, .part_bytes = 9000, .error_lines = 3};
    ward->applied = k == 1 ? FHX_APPLIED_TYPE : 0;
    ward->patient_applied = k >= 2 ? FHX_APPLIED_PATIENTS : 0;
    test_scenario("refused, source %d", k);
    run(ward, &ask, k == 4 ? table : NULL, 1);
  }
  test_folder_remove(folder);
  test_ward_free(ward);
}

/* What the lines say, and that an id is told only of whom the export may tell (FILTER-17, -30). */
static void bad_rows_are_told(void **state) {
  static const char *const some[] = {"p0002", NULL};
  const test_destination_knobs knobs = {.flags = 0};
  (void)state;
  test_ward *ward = test_ward_new(7, 4, 3);
  test_ward_add_bad(ward, "Observation", "p0002",
                    "{\"resourceType\":\"Observation\",\"id\":\"b1\",\"x\":}");
  test_ward_add_bad(ward, "Patient", "p0002", "{\"resourceType\":\"Patient\",\"id\":\"p0002\",,}");
  for (int open = 0; open < 2; open++) {
    stay of;
    const test_ward_ask ask = {.patients = some, .part_bytes = SMALL_PART, .error_lines = 2};
    ward->patient_applied = open == 1 ? FHX_APPLIED_PATIENTS : 0;
    prepare(&of, ward, &ask, NULL, &knobs);
    start(&of);
    of.status = test_run_job(of.job, 1, false, of.message);
    check(&of);
    test_objects objects = test_destination_objects(of.destination);
    for (size_t i = 0; i < objects.count; i++) {
      if (strstr(objects.items[i].name, "/error-") == NULL) continue;
      char *text = calloc(1, objects.items[i].len + 1);
      test_require(text != NULL);
      memcpy(text, objects.items[i].data, objects.items[i].len);
      test_require((strstr(text, "Observation/b1 was not exported") != NULL) == (open == 1));
      test_require((strstr(text, "a resource of type Observation was") != NULL) == (open == 0));
      test_require(
          strstr(text, "Patient/p0002, with what is in its compartment, was not exported") != NULL);
      free(text);
    }
    end(&of);
  }
  test_ward_free(ward);
}

/* --- failures, at every point --- */

typedef struct fault {
  uint64_t at;
  /* 0: the call fails and is tried again; 1: the job is parked; 2: it waits, if it may. */
  int how;
  stay *of;
  bool reached;
} fault;

static bool fail_call(void *context, bool opens, uint64_t number, fhx_reply *reply) {
  fault *given = context;
  if (number != given->at) return false;
  given->reached = true;
  switch (given->how) {
    case 0:
      fhx_reply_fail(reply, FHX_ERR_IO, 1, "it passes");
      return true;
    case 1:
      fhx_job_park(given->of->job);
      return false;
    default:
      return !opens && fhx_reply_wait(reply, 1) == FHX_OK;
  }
}

/* Runs a parked job on in a new object. */
static void run_on(stay *of) {
  char id[33];
  fhx_error *error = NULL;
  while ((of->status = fhx_job_run(of->job, &error)) == FHX_WAIT) {
    snprintf(id, sizeof id, "%s", fhx_job_id(of->job));
    fhx_job_free(of->job);
    test_require_status(fhx_job_attach(&of->options, id, &of->job, NULL), FHX_OK);
  }
  snprintf(of->message, sizeof of->message, "%s", fhx_error_message(error));
  fhx_error_free(error);
}

/* A source's call that fails, a job that is parked: nothing is lost, nothing comes twice, and what
   continues stands before its continuation. */
static void the_source_fails_everywhere(void **state) {
  const test_destination_knobs knobs = {.flags = 0};
  const test_ward_ask ask = {.part_bytes = 4000};
  (void)state;
  test_ward *ward = test_ward_new(8, 9, 6);
  ward->patient_applied = FHX_APPLIED_PATIENTS;
  ward->applied = FHX_APPLIED_TYPE;
  for (int how = 0; how < 6; how++) {
    fault given = {.how = how % 3, .reached = true};
    ward->rows_max = how < 3 ? 2 : 50;
    for (given.at = 1; given.reached; given.at += test_step(7)) {
      stay of;
      fhx_store *store = NULL;
      fhx_sqlite_store_options store_options;
      FHX_INIT(&store_options);
      store_options.path = ":memory:";
      test_scenario("how %d, call %d", how, (int)given.at);
      test_require_status(fhx_sqlite_store_new(&store_options, &store, NULL), FHX_OK);
      prepare(&of, ward, &ask, NULL, &knobs);
      of.options.store = store;
      given.of = &of;
      given.reached = false;
      /* Not while it starts. */
      start(&of);
      test_require_status(of.status, FHX_OK);
      ward->hook = fail_call;
      ward->hook_context = &given;
      atomic_store(&ward->calls, 0);
      run_on(&of);
      ward->hook = NULL;
      check(&of);
      end(&of);
      fhx_store_free(store);
    }
  }
  test_ward_free(ward);
}

static void the_destination_fails_everywhere(void **state) {
  static const test_destination_fault faults[] = {
      TEST_DESTINATION_FAILS_RETRYABLE, TEST_DESTINATION_UNKNOWN, TEST_DESTINATION_DONE_UNKNOWN};
  static const test_destination_call calls[] = {TEST_DESTINATION_OPEN, TEST_DESTINATION_WRITE,
                                                TEST_DESTINATION_COMMIT};
  const test_ward_ask ask = {.part_bytes = 4000};
  (void)state;
  test_ward *ward = test_ward_new(9, 9, 6);
  ward->patient_applied = FHX_APPLIED_PATIENTS;
  ward->applied = FHX_APPLIED_TYPE;
  ward->rows_max = 3;
  for (size_t n = 0; n < 9; n++) {
    for (uint64_t at = 1;; at += test_step(5)) {
      const test_destination_knobs knobs = {
          .fault_call = calls[n / 3], .fault = faults[n % 3], .fault_at = at, .fault_times = 1};
      stay of;
      test_scenario("call %d, fault %d, number %d", (int)(n / 3), (int)(n % 3), (int)at);
      prepare(&of, ward, &ask, NULL, &knobs);
      start(&of);
      of.status = test_run_job(of.job, 1, false, of.message);
      check(&of);
      bool reached = test_destination_calls(of.destination, calls[n / 3]) >= at;
      end(&of);
      if (!reached) break;
    }
  }
  test_ward_free(ward);
}

/* --- memory --- */

static void run_out_of_memory(test_ward *ward, const char *path) {
  const test_destination_knobs knobs = {.flags = 0};
  stay of;
  prepare(&of, ward, &(test_ward_ask){.part_bytes = 4000, .error_lines = 1}, path, &knobs);
  of.options.lease_us = 40000;
  if (of.options.source == NULL || of.options.destination == NULL) {
    test_memory_recover();
  } else {
    start(&of);
    if (of.status != FHX_OK) test_memory_recover();
  }
  for (int i = 0; of.job != NULL && i < 3; i++) {
    of.status = fhx_job_run(of.job, NULL);
    test_memory_recover();
    if (of.status == FHX_OK) break;
    test_require(of.status == FHX_ERR_NO_MEMORY || of.status == FHX_ERR_JOB_FAILED);
    if (of.status == FHX_ERR_JOB_FAILED) {
      test_require(test_destination_objects(of.destination).count == 0);
      break;
    }
  }
  if (of.job != NULL && of.status == FHX_OK) check(&of);
  end(&of);
}

static void memory_runs_out(void **state) {
  (void)state;
  test_ward *ward = test_ward_new(10, 3, 3);
  ward->applied = FHX_APPLIED_TYPE;
  test_ward_add_bad(ward, "Observation", "p0002", "no JSON");
  make_table(ward);
  for (int n = 0; n < 4; n++) {
    for (uint64_t number = 1;; number += test_step(31)) {
      test_scenario("variant %d, allocation %d", n, (int)number);
      if (n % 2 == 0) {
        test_memory_begin(number);
      } else {
        test_memory_begin_lasting(number);
      }
      run_out_of_memory(ward, n / 2 == 0 ? NULL : table);
      if (!test_memory_end()) break;
    }
  }
  test_folder_remove(folder);
  test_ward_free(ward);
}

/* --- a process that dies --- */

static uint64_t calls_left;

static void die_if_due(void) {
  if (calls_left != 0 && --calls_left == 0) raise(SIGKILL);
}

static void *mortal_allocate(void *user_data, size_t byte_count) {
  (void)user_data;
  die_if_due();
  return malloc(byte_count);
}

static void *mortal_reallocate(void *user_data, void *block, size_t byte_count) {
  (void)user_data;
  die_if_due();
  return realloc(block, byte_count);
}

static void mortal_release(void *user_data, void *block) {
  (void)user_data;
  die_if_due();
  free(block);
}

static void open_mortal(stay *of, const char *place) {
  char path[TEST_PATH_MAX];
  fhx_sqlite_store_options store;
  fhx_directory_options directory;
  use_options(of);
  FHX_INIT(&store);
  FHX_INIT(&directory);
  test_path_join(path, place, "jobs.db");
  store.path = path;
  test_require_status(fhx_sqlite_store_new(&store, &of->options.store, NULL), FHX_OK);
  test_path_join(path, place, "out");
  directory.path = path;
  test_require_status(fhx_directory_destination_new(&directory, &of->options.destination, NULL),
                      FHX_OK);
  of->options.source = test_ward_sqlite_source(table);
  of->options.attempts_max = 1000;
  of->options.lease_us = 40000;
}

static void close_mortal(stay *of) {
  fhx_job_free(of->job);
  fhx_source_free(of->options.source);
  fhx_destination_free(of->options.destination);
  fhx_store_free(of->options.store);
}

/* In a process of its own: runs the job until it is complete, or death. Either way it ends by a
   signal, of which no leak checker has anything to say. */
static void live_on(stay *of, const char *place, const char *job_id, uint64_t calls) {
  fhx_allocator allocator;
  FHX_INIT(&allocator);
  allocator.allocate = mortal_allocate;
  allocator.reallocate = mortal_reallocate;
  allocator.release = mortal_release;
  calls_left = calls;
  fhx_set_allocator(&allocator, NULL);
  open_mortal(of, place);
  bool complete = fhx_job_attach(&of->options, job_id, &of->job, NULL) == FHX_OK &&
                  fhx_job_run(of->job, NULL) == FHX_OK;
  raise(complete ? SIGTERM : SIGABRT);
}

/* The library's calls for memory are everywhere: between a commit and a checkpoint, in a block. */
static void killed_anywhere(void **state) {
  (void)state;
  test_ward *ward = test_ward_new(11, 40, 8);
  test_random random = {12};
  make_table(ward);
  for (int round = 0; round < (test_is_quick() ? 1 : 6); round++) {
    char place[TEST_PATH_MAX], out[TEST_PATH_MAX], job_id[33];
    stay of = {.ward = ward, .ask = {.part_bytes = 6000}};
    int deaths = 0, result = 0;
    bool complete = false;
    test_scenario("round %d", round);
    test_folder_new(place);
    test_path_join(out, place, "out");
    test_require(mkdir(out, 0700) == 0);
    open_mortal(&of, place);
    start(&of);
    test_require_status(of.status, FHX_OK);
    snprintf(job_id, sizeof job_id, "%s", fhx_job_id(of.job));
    close_mortal(&of);
    while (!complete) {
      pid_t child = fork();
      /* Later and later, so that it comes to an end. */
      uint64_t calls = 100 + test_random_below(&random, 200 + 50 * (uint64_t)deaths);
      test_require(child >= 0);
      if (child == 0) live_on(&of, place, job_id, calls);
      test_require(waitpid(child, &result, 0) == child);
      complete = WIFSIGNALED(result) && WTERMSIG(result) == SIGTERM;
      test_require(complete || (WIFSIGNALED(result) && WTERMSIG(result) == SIGKILL));
      test_require(deaths++ < 500);
    }
    test_require(deaths > 5);
    open_mortal(&of, place);
    test_require_status(fhx_job_attach(&of.options, job_id, &of.job, NULL), FHX_OK);
    test_objects objects = test_objects_of_folder(out);
    test_ward_found found = test_ward_check(ward, of.job, &objects, &of.ask);
    test_require(found.continuing_count > 0 && found.block_count == 40);
    test_objects_free(&objects);
    close_mortal(&of);
    test_folder_remove(place);
  }
  test_folder_remove(folder);
  test_ward_free(ward);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_patients),
      cmocka_unit_test(every_kind_of_source_and_filter),
      cmocka_unit_test(groups),
      cmocka_unit_test(parts_have_a_least_length),
      cmocka_unit_test(only_patients_have_blocks),
      cmocka_unit_test(hooks_see_every_row),
      cmocka_unit_test(without_open_patient),
      cmocka_unit_test(bad_rows),
      cmocka_unit_test(bad_rows_are_told),
      cmocka_unit_test(the_source_fails_everywhere),
      cmocka_unit_test(the_destination_fails_everywhere),
      cmocka_unit_test(memory_runs_out),
      cmocka_unit_test(killed_anywhere),
  };
  return cmocka_run_group_tests_name("exports by patients", tests, NULL, NULL);
}
