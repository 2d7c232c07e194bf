/* What a store must do for manifests that are read page by page (Bulk Data IG,
   `allowPartialManifests`): what is on a page is there to stay, once, and no page changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store_fixture.h"

static void assert_pages(fixture *f, const char *job_id, uint32_t expected) {
  assert_int_equal(step_read_job(f, job_id), FHX_OK);
  assert_int_equal(f->job.record.page_count, expected);
}

/* A page's parts as pairs of a task and a number, `count` of them. */
static void assert_page(fixture *f, uint32_t page, const uint64_t places[][2], uint32_t count) {
  assert_int_equal(step_list_page(f, JOB_A, page, 0, 0, 100), count);
  for (uint32_t i = 0; i < count; i++) {
    assert_int_equal(fixture_part_at(f, i)->task_index, places[i][0]);
    assert_int_equal(fixture_part_at(f, i)->seq, places[i][1]);
  }
}

/* The tasks 1 to 3 run with fence 1. */
static void begin_work(fixture *f) {
  fixture_planned_job(f, JOB_A);
  assert_int_equal(step_claim(f, JOB_A, "one"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "two"), FHX_OK);
  assert_int_equal(step_claim(f, JOB_A, "three"), FHX_OK);
}

static void pages_take_what_is_there_to_stay(void **state) {
  fixture *f = *state;
  static const uint64_t first[][2] = {{2, 1}, {2, 2}}, second[][2] = {{1, 1}, {1, 2}, {3, 1}},
                        third[][2] = {{2, 3}}, fourth[][2] = {{2, 4}};
  begin_work(f);
  assert_pages(f, JOB_A, 0);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_ERR_REFUSED);
  /* A task without a token may begin again. */
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, NULL, 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_ERR_REFUSED);
  assert_int_equal(step_advance(f, JOB_A, 2, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 2, 1, 2, "t", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_OK);
  assert_page(f, 1, first, 2);
  assert_pages(f, JOB_A, 1);
  /* A task that is done cannot, and an empty token is one. */
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 2, NULL, 1), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 3, 1, 1, "", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 2, 9), FHX_OK);
  assert_page(f, 2, second, 3);
  /* Without its token the task stays where it is, until it has one again. */
  assert_int_equal(step_advance(f, JOB_A, 2, 1, 3, NULL, 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 3, 9), FHX_ERR_REFUSED);
  assert_int_equal(step_advance(f, JOB_A, 2, 1, 4, "t", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 3, 1), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 4, 1), FHX_OK);
  assert_page(f, 3, third, 1);
  assert_page(f, 4, fourth, 1);
  assert_page(f, 1, first, 2);
  assert_page(f, 2, second, 3);
  assert_page(f, 5, NULL, 0);
  assert_page(f, 0, NULL, 0);
  assert_pages(f, JOB_A, 4);
}

static void pages_are_made_one_after_the_other(void **state) {
  fixture *f = *state;
  fhx__buffer before = {NULL, 0, 0}, after = {NULL, 0, 0};
  begin_work(f);
  fixture_planned_job(f, JOB_B);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 2, "t", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 1, 1), FHX_OK);
  fixture_photograph(f, JOB_A, &before);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_ERR_REFUSED);
  assert_int_equal(step_add_page(f, JOB_A, 3, 9), FHX_ERR_REFUSED);
  assert_int_equal(step_add_page(f, JOB_A, UINT32_MAX, 9), FHX_ERR_REFUSED);
  assert_int_equal(step_add_page(f, JOB_A, 0, 9), FHX_ERR_ARGUMENT);
  assert_int_equal(step_add_page(f, JOB_A, 2, 0), FHX_ERR_ARGUMENT);
  assert_int_equal(step_add_page(f, JOB_B, 1, 9), FHX_ERR_REFUSED);
  fixture_photograph(f, JOB_A, &after);
  assert_same_buffer(before, after);
  assert_int_equal(step_add_page(f, JOB_A, 2, UINT32_MAX), FHX_OK);
  assert_pages(f, JOB_A, 2);
  assert_pages(f, JOB_B, 0);
  fhx__buffer_free(&before);
  fhx__buffer_free(&after);
}

static void a_page_needs_a_job_that_is_not_over(void **state) {
  fixture *f = *state;
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_ERR_NOT_FOUND);
  begin_work(f);
  for (uint32_t i = 1; i <= 3; i++) {
    assert_int_equal(step_advance(f, JOB_A, i, 1, 1, NULL, 1), FHX_OK);
  }
  assert_int_equal(step_claim(f, JOB_A, "four"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 4, 1, 1, NULL, 1), FHX_OK);
  fixture_assert_state(f, JOB_A, FHX_JOB_COMPLETE);
  assert_int_equal(step_add_page(f, JOB_A, 1, 3), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 2, 3), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 3, 3), FHX_ERR_REFUSED);
  assert_int_equal(step_list_page(f, JOB_A, 2, 0, 0, 9), 1);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 3, 3), FHX_ERR_NOT_FOUND);
  fixture_planned_job(f, JOB_B);
  assert_int_equal(step_claim(f, JOB_B, "five"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_B, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_release(f, JOB_B, 1, 1, FHX_RELEASE_FAIL), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_B, 1, 3), FHX_ERR_REFUSED);
}

/* What a claim drops was never on a page; what was on one stays. */
static void claims_leave_pages_alone(void **state) {
  fixture *f = *state;
  static const uint64_t first[][2] = {{2, 1}}, second[][2] = {{1, 2}, {2, 2}};
  begin_work(f);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, NULL, 0), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 2, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_OK);
  f->now_us += 2 * LEASE_US;
  assert_int_equal(step_claim(f, JOB_A, "again"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 1);
  assert_int_equal(step_claim(f, JOB_A, "again two"), FHX_OK);
  assert_int_equal(f->task.record.task_index, 2);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 1);
  assert_page(f, 1, first, 1);
  assert_int_equal(step_add_page(f, JOB_A, 2, 9), FHX_ERR_REFUSED);
  assert_int_equal(step_advance(f, JOB_A, 1, 2, 2, "t", 0), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 2, 2, 2, "u", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 2, 9), FHX_OK);
  assert_page(f, 2, second, 2);
  assert_page(f, 1, first, 1);
}

/* It cannot go on, and to begin again would make anew what a client may have. */
static void a_task_with_a_page_cannot_begin_again(void **state) {
  fixture *f = *state;
  begin_work(f);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 2, NULL, 0), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_PARKED), FHX_OK);
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 2);
  assert_int_equal(step_claim(f, JOB_A, "again"), FHX_END);
  fixture_assert_state(f, JOB_A, FHX_JOB_FAILED);
  assert_int_equal(f->job.record.reason_status, FHX_ERR_LIMIT);
  assert_non_null(strstr(f->job.record.reason, "Patient"));
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, 9), 2);
}

static void a_page_is_listed_in_pieces(void **state) {
  fixture *f = *state;
  static const uint64_t all[][2] = {{1, 1}, {1, 2}, {1, 3}, {3, 1}, {3, 2}};
  begin_work(f);
  for (uint64_t seq = 1; seq <= 3; seq++) {
    assert_int_equal(step_advance(f, JOB_A, 1, 1, seq, "t", 0), FHX_OK);
  }
  for (uint64_t seq = 1; seq <= 3; seq++) {
    assert_int_equal(step_advance(f, JOB_A, 3, 1, seq, "t", 0), FHX_OK);
  }
  assert_int_equal(step_add_page(f, JOB_A, 1, 5), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 2, 5), FHX_OK);
  for (uint32_t limit = 1; limit <= 6; limit++) {
    uint64_t place[2] = {0, 0};
    uint32_t seen = 0, count = 0;
    while ((count = step_list_page(f, JOB_A, 1, (uint32_t)place[0], place[1], limit)) > 0) {
      assert_in_range(count, 1, limit);
      for (uint32_t i = 0; i < count; i++, seen++) {
        assert_in_range(seen, 0, 4);
        place[0] = fixture_part_at(f, i)->task_index;
        place[1] = fixture_part_at(f, i)->seq;
        assert_memory_equal(place, all[seen], sizeof place);
      }
    }
    assert_int_equal(seen, 5);
  }
  /* A part is there as list_parts gives it. */
  assert_int_equal(step_list_page(f, JOB_A, 2, 0, 0, 9), 1);
  const fhx_part paged = *fixture_part_at(f, 0);
  assert_int_equal(step_list_parts(f, JOB_A, 3, 2, 9), 1);
  assert_memory_equal(&paged, fixture_part_at(f, 0), sizeof paged);
}

static void parts_keep_their_flags(void **state) {
  fixture *f = *state;
  begin_work(f);
  fhx_part parts[2] = {fixture_part(JOB_A, 1, 1, 1), fixture_part(JOB_A, 1, 1, 2)};
  parts[0].flags = FHX_PART_CONTINUES;
  parts[1].kind = FHX_PART_DELETED;
  fhx_checkpoint checkpoint = fixture_checkpoint(JOB_A, 1, 1, 1, parts);
  checkpoint.part_count = 2;
  checkpoint.next_seq = 3;
  checkpoint.token = "t";
  checkpoint.token_len = 1;
  assert_int_equal(step_record(f, &checkpoint), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_OK);
  for (uint32_t page = 0; page < 2; page++) {
    uint32_t count =
        page == 0 ? step_list_parts(f, JOB_A, 0, 0, 9) : step_list_page(f, JOB_A, page, 0, 0, 9);
    assert_int_equal(count, 2);
    assert_int_equal(fhx_part_flags(fixture_part_at(f, 0)), FHX_PART_CONTINUES);
    assert_int_equal(fhx_part_flags(fixture_part_at(f, 1)), 0);
    assert_int_equal(fhx_part_kind(fixture_part_at(f, 1)), FHX_PART_DELETED);
  }
  parts[0] = fixture_part(JOB_A, 1, 1, 3);
  parts[0].flags = FHX_PART_CONTINUES << 1;
  checkpoint.seq = 3;
  checkpoint.next_seq = 4;
  checkpoint.part_count = 1;
  assert_int_equal(step_record(f, &checkpoint), FHX_ERR_ARGUMENT);
}

static void pages_go_with_the_job(void **state) {
  fixture *f = *state;
  begin_work(f);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_OK);
  assert_int_equal(step_release(f, JOB_A, 1, 1, FHX_RELEASE_FAIL), FHX_OK);
  assert_int_equal(step_list_page(f, JOB_A, 1, 0, 0, 9), 1);
  f->now_us += 2 * LEASE_US;
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_pages(f, JOB_A, 0);
  assert_int_equal(step_list_page(f, JOB_A, 1, 0, 0, 9), 0);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  begin_work(f);
  assert_pages(f, JOB_A, 0);
  assert_int_equal(step_list_page(f, JOB_A, 1, 0, 0, 9), 0);
  assert_int_equal(step_advance(f, JOB_A, 1, 1, 1, "t", 0), FHX_OK);
  assert_int_equal(step_add_page(f, JOB_A, 1, 9), FHX_OK);
  assert_int_equal(step_remove(f, JOB_A), FHX_OK);
  f->now_us += 2 * LEASE_US;
  assert_int_equal(step_clean(f, JOB_A), FHX_OK);
  assert_int_equal(step_read_job(f, JOB_A), FHX_ERR_NOT_FOUND);
}

/* --- any order of work and pages --- */

#define ROUNDS 300
#define TASKS 3
#define KEPT_PAGES 512

typedef struct mixture {
  uint32_t random;
  uint64_t next_seq[TASKS + 1];
  uint32_t page_count;
  /* Each page as it was when it was made. */
  fhx__buffer pages[KEPT_PAGES];
} mixture;

static uint32_t draw(mixture *m, uint32_t below) {
  m->random = m->random * 1664525u + 1013904223u;
  return (m->random >> 16) % below;
}

static bool try_page(fixture *f, mixture *m) {
  assert_in_range(m->page_count, 0, KEPT_PAGES - 1);
  const uint32_t count_max = 1 + draw(m, 4);
  int32_t status = step_add_page(f, JOB_A, m->page_count + 1, count_max);
  if (status == FHX_ERR_REFUSED) return false;
  assert_int_equal(status, FHX_OK);
  assert_in_range(step_list_page(f, JOB_A, m->page_count + 1, 0, 0, 100), 1, count_max);
  assert_int_equal(fhx__buffer_append(&m->pages[m->page_count++], f->list.data, f->list.len),
                   FHX_OK);
  return true;
}

/* No page has changed; together they have each part once. */
static void assert_pages_are_whole(fixture *f, const mixture *m) {
  uint64_t seen[TASKS + 2] = {0};
  size_t count = 0;
  for (uint32_t i = 0; i < m->page_count; i++) {
    count += step_list_page(f, JOB_A, i + 1, 0, 0, 100);
    assert_same_buffer(f->list, m->pages[i]);
    for (uint32_t k = 0; k < f->list.len / sizeof(fhx_part); k++) {
      const fhx_part *part = fixture_part_at(f, k);
      assert_int_equal(part->seq, ++seen[part->task_index]);
    }
  }
  assert_int_equal(step_list_parts(f, JOB_A, 0, 0, UINT32_MAX), count);
}

static void every_part_comes_on_one_page(void **state) {
  fixture *f = *state;
  static mixture m;
  memset(&m, 0, sizeof m);
  m.random = 7;
  begin_work(f);
  for (uint32_t i = 1; i <= TASKS; i++) m.next_seq[i] = 1;
  for (int round = 0; round < ROUNDS; round++) {
    const uint32_t task = 1 + draw(&m, TASKS);
    if (draw(&m, 3) == 0) {
      try_page(f, &m);
    } else {
      const char *token = draw(&m, 2) == 0 ? NULL : "t";
      assert_int_equal(step_advance(f, JOB_A, task, 1, m.next_seq[task]++, token, 0), FHX_OK);
    }
  }
  for (uint32_t i = 1; i <= TASKS; i++) {
    assert_int_equal(step_advance(f, JOB_A, i, 1, m.next_seq[i], NULL, 1), FHX_OK);
  }
  assert_int_equal(step_claim(f, JOB_A, "last"), FHX_OK);
  assert_int_equal(step_advance(f, JOB_A, TASKS + 1, 1, 1, NULL, 1), FHX_OK);
  while (try_page(f, &m)) continue;
  assert_pages_are_whole(f, &m);
  assert_pages(f, JOB_A, m.page_count);
  for (uint32_t i = 0; i < m.page_count; i++) fhx__buffer_free(&m.pages[i]);
}

int store_conformance_run_pages(const store_conformance *subject) {
  store_conformance initial = *subject;
  const struct CMUnitTest tests[] = {
      FIXTURE_TEST(pages_take_what_is_there_to_stay),
      FIXTURE_TEST(pages_are_made_one_after_the_other),
      FIXTURE_TEST(a_page_needs_a_job_that_is_not_over),
      FIXTURE_TEST(claims_leave_pages_alone),
      FIXTURE_TEST(a_task_with_a_page_cannot_begin_again),
      FIXTURE_TEST(a_page_is_listed_in_pieces),
      FIXTURE_TEST(parts_keep_their_flags),
      FIXTURE_TEST(pages_go_with_the_job),
      FIXTURE_TEST(every_part_comes_on_one_page),
  };
  return cmocka_run_group_tests_name(subject->name, tests, NULL, NULL);
}
