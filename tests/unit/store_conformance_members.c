/* What a store must do with the lists of members, and with the error lines of a plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store_fixture.h"

#define CHUNK 10000
#define CHUNKS 10
#define TEXT_SIZE 16

/* Adds texts that have a blank between them. */
static int32_t add(fixture *f, const char *job_id, uint32_t task_index, uint64_t fence,
                   uint32_t list, const char *words) {
  char copy[200];
  const char *texts[20];
  uint32_t count = 0;
  assert_in_range(snprintf(copy, sizeof copy, "%s", words), 0, sizeof copy - 1);
  for (char *at = copy; *at != '\0'; count++) {
    const size_t len = strcspn(at, " ");
    const size_t gap = strspn(at + len, " ");
    assert_in_range(count, 0, 19);
    texts[count] = at;
    memset(at + len, '\0', gap);
    at += len + gap;
  }
  const fhx_members members = {job_id, task_index, list, fence, texts, count};
  return step_add_members(f, &members);
}

/* `expected` has a '|' behind each member. */
static void assert_listed(fixture *f, const char *job_id, uint32_t list, const char *after,
                          uint32_t limit, const char *expected) {
  step_list_members(f, job_id, list, after, limit);
  assert_int_equal(fhx__buffer_append(&f->list, "", 1), FHX_OK);
  assert_string_equal(f->list.data, expected);
}

static void assert_all(fixture *f, const char *job_id, uint32_t list, const char *expected) {
  assert_listed(f, job_id, list, "", 1000, expected);
}

/* A job whose task 0 is held by "planner" with fence 1. */
static void begin_plan(fixture *f, const char *job_id) {
  assert_int_equal(step_create(f, job_id), FHX_OK);
  assert_int_equal(step_claim(f, job_id, job_id), FHX_OK);
}

/* --- add_members, list_members --- */

static void members_are_listed_once_and_in_order(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "");
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, "b d d f"), FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, "a d g"), FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, ""), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "a|b|d|f|g|");
}

/* An add_members whose answer was lost is repeated. */
static void the_same_members_again_do_no_harm(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  begin_plan(f, JOB_A);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "a b c"), FHX_OK);
  fixture_photograph(f, JOB_A, &before);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "a b c"), FHX_OK);
  }
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

/* Neither by a language's rules nor by signed bytes. */
static void the_order_is_that_of_the_bytes(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_WANTED, "\xEF\xBF\xBD \xF0\x9F\x98\x80"),
                   FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_WANTED, "- 10 9 A Z a ab z \xC3\xA9"), FHX_OK);
  static const char all[] = "-|10|9|A|Z|a|ab|z|\xC3\xA9|\xEF\xBF\xBD|\xF0\x9F\x98\x80|";
  assert_all(f, JOB_A, FHX_MEMBERS_WANTED, all);
  assert_listed(f, JOB_A, FHX_MEMBERS_WANTED, "\xC3\xA9", 9, "\xEF\xBF\xBD|\xF0\x9F\x98\x80|");
  assert_listed(f, JOB_A, FHX_MEMBERS_WANTED, "\x7F", 1, "\xC3\xA9|");
  assert_listed(f, JOB_A, FHX_MEMBERS_WANTED, "Z", 2, "a|ab|");
  /* Numbers and letters of another case are other members. */
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_MISSING, "01 1 B b"), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_MISSING, "01|1|B|b|");
}

static void members_come_in_pages(void **state) {
  fixture *f = *state;
  static const char all[] = "a|b|c|d|e|f|g|";
  begin_plan(f, JOB_A);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, "a b c d e f g"), FHX_OK);
  for (uint32_t first = 0; first <= 7; first++) {
    const char after[2] = {(char)(first == 0 ? '\0' : 'a' + (char)first - 1), '\0'};
    for (uint32_t limit = 0; limit <= 8; limit++) {
      const uint32_t left = 7 - first;
      const uint32_t expected = left < limit ? left : limit;
      assert_int_equal(step_list_members(f, JOB_A, FHX_MEMBERS_PATIENT, after, limit), expected);
      assert_int_equal(f->list.len, 2 * expected);
      if (expected != 0) assert_memory_equal(f->list.data, all + 2 * first, 2 * expected);
    }
  }
  /* Behind a text that is not there. */
  assert_listed(f, JOB_A, FHX_MEMBERS_PATIENT, "ee", 1, "f|");
  assert_listed(f, JOB_A, FHX_MEMBERS_PATIENT, "x", UINT32_MAX, "");
}

static void lists_and_jobs_are_separate(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  begin_plan(f, JOB_B);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, "a b"), FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_MISSING, "b"), FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "a"), FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_WANTED, "Location/x"), FHX_OK);
  assert_int_equal(add(f, JOB_B, 0, 1, FHX_MEMBERS_NEW, "other"), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "a|b|");
  assert_all(f, JOB_A, FHX_MEMBERS_MISSING, "b|");
  assert_all(f, JOB_A, FHX_MEMBERS_NEW, "a|");
  assert_all(f, JOB_A, FHX_MEMBERS_WANTED, "Location/x|");
  assert_all(f, JOB_B, FHX_MEMBERS_PATIENT, "");
  assert_all(f, JOB_B, FHX_MEMBERS_NEW, "other|");
}

/* --- its conditions --- */

static void only_the_tasks_holder_adds_members(void **state) {
  fixture *f = *state;
  fhx__buffer before = {0}, after = {0};
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "x"), FHX_ERR_NOT_FOUND);
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  fixture_photograph(f, JOB_A, &before);
  assert_int_equal(add(f, JOB_A, 0, 0, FHX_MEMBERS_NEW, "x"), FHX_ERR_REFUSED);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "a"), FHX_OK);
  fixture_photograph(f, JOB_A, &before);
  assert_int_equal(add(f, JOB_A, 0, 0, FHX_MEMBERS_NEW, "x"), FHX_ERR_REFUSED);
  assert_int_equal(add(f, JOB_A, 0, 2, FHX_MEMBERS_NEW, "x"), FHX_ERR_REFUSED);
  assert_int_equal(add(f, JOB_A, 0, 2, FHX_MEMBERS_NEW, ""), FHX_ERR_REFUSED);
  assert_int_equal(add(f, JOB_A, 9, 1, FHX_MEMBERS_NEW, "x"), FHX_ERR_NOT_FOUND);
  assert_int_equal(add(f, JOB_B, 0, 1, FHX_MEMBERS_NEW, "x"), FHX_ERR_NOT_FOUND);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  /* Lapsed, but taken by nobody; then it is taken. */
  f->now_us += LEASE_US;
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "b"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "x"), FHX_ERR_REFUSED);
  assert_int_equal(add(f, JOB_A, 0, 2, FHX_MEMBERS_NEW, "c"), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 0, 2, FHX_RELEASE_PARKED), FHX_OK);
  assert_int_equal(add(f, JOB_A, 0, 2, FHX_MEMBERS_NEW, "x"), FHX_ERR_REFUSED);
  assert_all(f, JOB_A, FHX_MEMBERS_NEW, "c|");
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void only_a_running_job_gets_members(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  begin_plan(f, JOB_B);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "a"), FHX_OK);
  assert_int_equal(add(f, JOB_B, 0, 1, FHX_MEMBERS_NEW, "b"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, PLANNED), FHX_OK);
  /* Task 0 is done. */
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_NEW, "x"), FHX_ERR_REFUSED);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(add(f, JOB_A, 2, 1, FHX_MEMBERS_WANTED, "Location/x"), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_OK);
  /* Task 2 still has its holder, but the job has failed. */
  assert_int_equal(add(f, JOB_A, 2, 1, FHX_MEMBERS_WANTED, "Location/y"), FHX_ERR_REFUSED);
  assert_int_equal(step_remove(f, JOB_B), FHX_OK);
  assert_int_equal(add(f, JOB_B, 0, 1, FHX_MEMBERS_NEW, "x"), FHX_ERR_NOT_FOUND);
  /* What is there can be read until it is forgotten. */
  assert_all(f, JOB_A, FHX_MEMBERS_NEW, "a|");
  assert_all(f, JOB_A, FHX_MEMBERS_WANTED, "Location/x|");
  assert_all(f, JOB_B, FHX_MEMBERS_NEW, "b|");
}

/* --- claim_task --- */

static void a_new_plan_begins_without_members(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  begin_plan(f, JOB_B);
  for (uint32_t list = FHX_MEMBERS_PATIENT; list <= FHX_MEMBERS_WANTED; list++) {
    assert_int_equal(add(f, JOB_A, 0, 1, list, "a b"), FHX_OK);
  }
  assert_int_equal(add(f, JOB_B, 0, 1, FHX_MEMBERS_NEW, "other"), FHX_OK);
  /* The same claim again is no new attempt. */
  assert_int_equal(step_claim(f, JOB_A, JOB_A), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_NEW, "a|b|");
  f->now_us += LEASE_US;
  assert_all(f, JOB_A, FHX_MEMBERS_NEW, "a|b|");
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(f->task.record.fence, 2);
  for (uint32_t list = FHX_MEMBERS_PATIENT; list <= FHX_MEMBERS_WANTED; list++) {
    assert_all(f, JOB_A, list, "");
  }
  assert_all(f, JOB_B, FHX_MEMBERS_NEW, "other|");
  /* After a failed attempt as well as after one that is never heard of again. */
  assert_int_equal(add(f, JOB_A, 0, 2, FHX_MEMBERS_NEW, "c"), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 0, 2, FHX_RELEASE_RETRY), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "three"), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_NEW, "");
  assert_int_equal(add(f, JOB_A, 0, 3, FHX_MEMBERS_NEW, "d"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 3, PLANNED), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_NEW, "d|");
}

static void other_tasks_keep_the_members(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, "a"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, PLANNED), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(add(f, JOB_A, 1, 1, FHX_MEMBERS_WANTED, "Location/x"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, NULL, 0), FHX_OK);
  f->now_us += LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 0);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "a|");
  assert_all(f, JOB_A, FHX_MEMBERS_WANTED, "Location/x|");
  /* Its second attempt finds them again. */
  assert_int_equal(add(f, JOB_A, 1, 2, FHX_MEMBERS_WANTED, "Location/x Location/y"), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_WANTED, "Location/x|Location/y|");
}

static void a_complete_job_keeps_its_members(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, "a"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 1, 0), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, "b"), FHX_ERR_REFUSED);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "a|");
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "a|");
}

/* --- many members --- */

typedef struct chunk {
  char texts[CHUNK][TEXT_SIZE];
  const char *pointers[CHUNK];
} chunk;

/* Adds the members number `from` to `from` + CHUNK - 1 of all. */
static void add_chunk(fixture *f, chunk *with, uint64_t fence, uint32_t list, uint32_t from) {
  for (uint32_t i = 0; i < CHUNK; i++) {
    snprintf(with->texts[i], TEXT_SIZE, "m%09u", from + i);
    with->pointers[i] = with->texts[i];
  }
  const fhx_members members = {JOB_A, 0, list, fence, with->pointers, CHUNK};
  assert_int_equal(step_add_members(f, &members), FHX_OK);
}

/* A job whose task 0 is held with fence 1 and has added CHUNK * CHUNKS members, in two lists. */
static void begin_large_plan(fixture *f) {
  chunk *with = malloc(sizeof *with);
  assert_non_null(with);
  begin_plan(f, JOB_A);
  for (uint32_t i = 0; i < CHUNKS; i++) {
    add_chunk(f, with, 1, i % 2 == 0 ? FHX_MEMBERS_PATIENT : FHX_MEMBERS_WANTED, i * CHUNK);
  }
  free(with);
}

static void many_members_are_all_listed(void **state) {
  fixture *f = *state;
  char last[TEXT_SIZE] = "";
  uint32_t count = 0, page = 0;
  begin_large_plan(f);
  while ((page = step_list_members(f, JOB_A, FHX_MEMBERS_WANTED, last, 7777)) != 0) {
    char expected[TEXT_SIZE];
    const char *entries = f->list.data;
    for (uint32_t i = 0; i < page; i++, count++) {
      snprintf(expected, sizeof expected, "m%09u|",
               (2 * (count / CHUNK) + 1) * CHUNK + count % CHUNK);
      assert_memory_equal(entries + 11 * i, expected, 11);
    }
    memcpy(last, entries + 11 * (page - 1), 10);
  }
  assert_int_equal(count, CHUNK * CHUNKS / 2);
}

/* Cleans, but no more than so many times; true when all is clean. */
static bool clean_in_pieces(fixture *f, int pieces) {
  int32_t status = FHX_WAIT;
  for (int i = 0; i < pieces && status == FHX_WAIT; i++) {
    status = step_clean(f, JOB_A);
    if (status != FHX_WAIT) break;
    /* Not until a lease lapses: there is none. */
    assert_in_range(f->wait_us, 0, 100000);
    assert_int_equal(step_read_job(f, JOB_A), FHX_OK);
    assert_int_equal(f->job.record.cleanup_due, 1);
  }
  assert_true(status == FHX_OK || status == FHX_WAIT);
  return status == FHX_OK;
}

static void a_removed_job_forgets_many_members(void **state) {
  fixture *f = *state;
  begin_large_plan(f);
  begin_plan(f, JOB_B);
  assert_int_equal(add(f, JOB_B, 0, 1, FHX_MEMBERS_PATIENT, "m000000001"), FHX_OK);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(step_clean(f, JOB_A), FHX_WAIT);
  assert_int_equal(step_list_members(f, JOB_A, FHX_MEMBERS_PATIENT, "", 1), 1);
  f->now_us += LEASE_US;
  assert_true(clean_in_pieces(f, CHUNK * CHUNKS));
  assert_int_equal(step_read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
  assert_all(f, JOB_B, FHX_MEMBERS_PATIENT, "m000000001|");
  /* A job of the same id has nothing of it. */
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "");
  assert_all(f, JOB_A, FHX_MEMBERS_WANTED, "");
}

/* It may be removed, or its cleaner may die, between two pieces; the next one goes on. */
static void a_failed_job_forgets_many_members(void **state) {
  fixture *f = *state;
  fhx_error *error = NULL;
  char next[FHX__JOB_ID_LEN + 1] = "";
  begin_large_plan(f);
  assert_int_equal(step_release(f, JOB_A, 0, 1, FHX_RELEASE_FAIL), FHX_OK);
  if (!clean_in_pieces(f, 1)) {
    int32_t status = fhx__store_next_cleanup(fixture_store(f), -1, NULL, next, &error);
    assert_int_equal(fixture_seen(status, &error), FHX_OK);
    assert_string_equal(next, JOB_A);
    assert_true(clean_in_pieces(f, CHUNK * CHUNKS));
  }
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.cleanup_due, 0);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "");
  assert_all(f, JOB_A, FHX_MEMBERS_WANTED, "");
  assert_int_equal(step_clean(f, JOB_A), FHX_ERR_REFUSED);
}

/* The attempt that added them is out at once, so that no new members mix with the old ones; the
   next one begins when all are gone. */
static void a_new_plan_waits_until_many_members_are_gone(void **state) {
  fixture *f = *state;
  begin_large_plan(f);
  f->now_us += LEASE_US;
  int32_t status = step_claim(f, JOB_A, "two");
  assert_int_equal(add(f, JOB_A, 0, 1, FHX_MEMBERS_PATIENT, "x"), FHX_ERR_REFUSED);
  assert_int_equal(step_plan(f, JOB_A, 1, PLANNED), FHX_ERR_REFUSED);
  for (int i = 0; i < CHUNK * CHUNKS && status == FHX_WAIT; i++) {
    assert_in_range(f->wait_us, 0, 100000);
    assert_int_equal(step_read_task(f, JOB_A, 0), FHX_OK);
    assert_int_equal(f->task.record.state, FHX_TASK_WAITING);
    assert_int_equal(f->task.record.attempt_count, 1);
    status = step_claim(f, i % 2 == 0 ? JOB_A : NULL, i % 3 == 0 ? "two" : "three");
  }
  assert_int_equal(status, FHX_OK);
  assert_int_equal(f->task.record.fence, 2);
  assert_int_equal(f->task.record.attempt_count, 2);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "");
  assert_all(f, JOB_A, FHX_MEMBERS_WANTED, "");
  assert_int_equal(add(f, JOB_A, 0, 2, FHX_MEMBERS_PATIENT, "x"), FHX_OK);
  assert_int_equal(step_plan(f, JOB_A, 2, PLANNED), FHX_OK);
  assert_all(f, JOB_A, FHX_MEMBERS_PATIENT, "x|");
}

/* --- a plan's error lines, and the phases that it may have --- */

/* A task of each phase behind the plan. */
#define LATER 5
static const uint32_t later_phases[LATER] = {
    FHX_PHASE_MAIN, FHX_PHASE_ASSOCIATED, FHX_PHASE_DOCUMENTS, FHX_PHASE_DELETED, FHX_PHASE_FINISH};

/* Plans with the lines "p", "" and "qr". */
static int32_t plan_with_lines(fixture *f, uint64_t fence) {
  static const uint64_t ends[] = {1, 1, 3};
  fhx_error *error = NULL;
  fhx_task_record tasks[LATER];
  for (uint32_t i = 0; i < LATER; i++) {
    FHX_INIT(&tasks[i]);
    tasks[i].task_index = i + 1;
    tasks[i].phase = later_phases[i];
    tasks[i].resource_type = i == LATER - 1 ? "" : "Patient";
  }
  const fhx_plan planned = {JOB_A, fence, tasks, LATER, 3, "pqr", ends};
  return fixture_seen(fhx__store_plan_tasks(fixture_store(f), &planned, &error), &error);
}

static void the_lines_of_the_plan_come_first(void **state) {
  fixture *f = *state;
  static const char all[] = "p||qr|first\0line|\nsecond|";
  begin_plan(f, JOB_A);
  assert_int_equal(plan_with_lines(f, 7), FHX_ERR_REFUSED);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 0);
  assert_int_equal(plan_with_lines(f, 1), FHX_OK);
  assert_int_equal(plan_with_lines(f, 1), FHX_ERR_REFUSED);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 3);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 1), FHX_OK);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 5);
  assert_int_equal(f->list.len, sizeof all - 1);
  assert_memory_equal(f->list.data, all, sizeof all - 1);
  assert_int_equal(step_list_lines(f, JOB_A, 2, 2), 2);
  assert_memory_equal(f->list.data, "qr|first\0line|", 14);
  assert_int_equal(step_list_lines(f, JOB_A, 3, 1), 1);
  assert_memory_equal(f->list.data, "first\0line|", 11);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_int_equal(step_create(f, JOB_A), FHX_OK);
  assert_int_equal(step_list_lines(f, JOB_A, 0, 9), 0);
}

static void every_phase_has_its_turn(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  assert_int_equal(plan_with_lines(f, 1), FHX_OK);
  for (uint32_t i = 0; i < LATER; i++) {
    assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
    assert_int_equal(f->task.record.task_index, i + 1);
    assert_int_equal(f->task.record.phase, later_phases[i]);
    assert_int_equal(step_claim(f, JOB_A, "two"), FHX_WAIT);
    assert_int_equal(step_advance(f, JOB_A, i + 1, 1, 1, NULL, 1), FHX_OK);
  }
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(step_list_attempts(f, JOB_A, 0, 0, 9), 1 + LATER);
  assert_int_equal(fixture_attempt_at(f, 2)->phase, FHX_PHASE_ASSOCIATED);
}

/* The deletions of a type are another task than its export. */
static void the_reason_names_the_deletions(void **state) {
  fixture *f = *state;
  begin_plan(f, JOB_A);
  assert_int_equal(plan_with_lines(f, 1), FHX_OK);
  for (uint32_t i = 1; i <= 3; i++) {
    assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
    assert_int_equal(step_advance(f, JOB_A, i, 1, 1, NULL, 1), FHX_OK);
  }
  for (int i = 0; i < ATTEMPTS_MAX; i++) {
    char claim_id[] = {'a', (char)('0' + i), '\0'};
    assert_int_equal(step_claim(f, JOB_A, claim_id), FHX_OK);
    assert_int_equal(f->task.record.phase, FHX_PHASE_DELETED);
    f->now_us += 2 * LEASE_US;
  }
  assert_int_equal(step_claim(f, JOB_A, "once more"), FHX_END);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.reason_status, FHX_ERR_LIMIT);
  assert_non_null(strstr(f->job.record.reason, "the deletions of Patient"));
}

int store_conformance_run_members(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(members_are_listed_once_and_in_order),
      FIXTURE_TEST(the_same_members_again_do_no_harm),
      FIXTURE_TEST(the_order_is_that_of_the_bytes),
      FIXTURE_TEST(members_come_in_pages),
      FIXTURE_TEST(lists_and_jobs_are_separate),
      FIXTURE_TEST(only_the_tasks_holder_adds_members),
      FIXTURE_TEST(only_a_running_job_gets_members),
      FIXTURE_TEST(a_new_plan_begins_without_members),
      FIXTURE_TEST(other_tasks_keep_the_members),
      FIXTURE_TEST(a_complete_job_keeps_its_members),
      FIXTURE_TEST(many_members_are_all_listed),
      FIXTURE_TEST(a_removed_job_forgets_many_members),
      FIXTURE_TEST(a_failed_job_forgets_many_members),
      FIXTURE_TEST(a_new_plan_waits_until_many_members_are_gone),
      FIXTURE_TEST(the_lines_of_the_plan_come_first),
      FIXTURE_TEST(every_phase_has_its_turn),
      FIXTURE_TEST(the_reason_names_the_deletions),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}
