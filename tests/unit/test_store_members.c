/* The plumbing of lists of members: what goes into a store, and what comes out of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "store/store.h"
#include "store_host.h"
#include "support/memory.h"

/* So many may be added at once. */
#define MEMBERS_MAX 10000

static void say_done(host *h, fhx_reply *reply) {
  (void)h;
  fhx_reply_done(reply);
}

/* --- what goes in --- */

static int32_t add(fhx_store *store, uint32_t list, const char *const *texts, uint32_t count) {
  const fhx_members members = {JOB_ID, 1, list, 2, texts, count};
  fhx_error *error = NULL;
  int32_t status = fhx__store_add_members(store, &members, &error);
  assert_int_equal(fhx_error_status(error), status);
  fhx_error_free(error);
  return status;
}

static void only_sorted_texts_are_added(void **state) {
  static const char *const bad[][3] = {{"a", "c", "b"},  {"b", "a", "c"},    {"", "a", "b"},
                                       {"a", NULL, "b"}, {"a", "\xC3", "b"}, {"a", "aa", "a"}};
  /* The order is that of the bytes as unsigned numbers. */
  static const char *const good[] = {"A", "a", "a", "aa", "b", "z", "\xC3\xA9", "\xF0\x9F\x98\x80"};
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_done;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(add(store, FHX_MEMBERS_PATIENT, bad[i], 3), FHX_ERR_ARGUMENT);
  }
  assert_int_equal(h.calls, 0);
  assert_int_equal(add(store, FHX_MEMBERS_PATIENT, good, sizeof good / sizeof good[0]), FHX_OK);
  assert_int_equal(add(store, FHX_MEMBERS_PATIENT, NULL, 0), FHX_OK);
  assert_int_equal(h.calls, 2);
  fhx_store_free(store);
}

static void one_step_adds_ten_thousand(void **state) {
  static const char *texts[MEMBERS_MAX + 1];
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_done;
  for (size_t i = 0; i <= MEMBERS_MAX; i++) texts[i] = "the same";
  assert_int_equal(add(store, FHX_MEMBERS_PATIENT, texts, MEMBERS_MAX + 1), FHX_ERR_ARGUMENT);
  assert_int_equal(h.calls, 0);
  assert_int_equal(add(store, FHX_MEMBERS_PATIENT, texts, MEMBERS_MAX), FHX_OK);
  assert_int_equal(h.calls, 1);
  fhx_store_free(store);
}

static void only_known_lists_are_asked_for(void **state) {
  static const char *const texts[] = {"a"};
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_done;
  for (uint32_t list = FHX_MEMBERS_PATIENT; list <= FHX_MEMBERS_TARGETS; list++) {
    assert_int_equal(add(store, list, texts, 1), FHX_OK);
  }
  assert_int_equal(h.calls, FHX_MEMBERS_TARGETS);
  static const uint32_t unknown[] = {0, FHX_MEMBERS_TARGETS + 1, UINT32_MAX};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    fhx_reply members;
    fhx_error *error = NULL;
    assert_int_equal(add(store, unknown[i], texts, 1), FHX_ERR_ARGUMENT);
    assert_int_equal(fhx__store_list_members(store, JOB_ID, unknown[i], "", 9, &members, &error),
                     FHX_ERR_ARGUMENT);
    assert_int_equal(fhx_error_status(error), FHX_ERR_ARGUMENT);
    fhx_error_free(error);
    fhx__reply_end(&members);
  }
  assert_int_equal(h.calls, FHX_MEMBERS_TARGETS);
  fhx_store_free(store);
}

static void read_members(host *h, fhx_reply *reply) {
  const fhx_members *members = h->given;
  assert_string_equal(fhx_members_job_id(members), JOB_ID);
  assert_int_equal(fhx_members_task_index(members), 3);
  assert_int_equal(fhx_members_fence(members), 4);
  assert_int_equal(fhx_members_list(members), FHX_MEMBERS_WANTED);
  assert_int_equal(fhx_members_count(members), 2);
  assert_string_equal(fhx_members_text(members, 0), "Location/a");
  assert_string_equal(fhx_members_text(members, 1), "Location/b");
  assert_null(fhx_members_text(members, 2));
  fhx_reply_done(reply);
}

static void members_can_be_read(void **state) {
  static const char *const texts[] = {"Location/a", "Location/b", "beyond"};
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = read_members;
  const fhx_members members = {JOB_ID, 3, FHX_MEMBERS_WANTED, 4, texts, 2};
  assert_int_equal(fhx__store_add_members(store, &members, NULL), FHX_OK);
  assert_int_equal(h.calls, 1);
  fhx_store_free(store);
  assert_string_equal(fhx_members_job_id(NULL), "");
  assert_int_equal(fhx_members_task_index(NULL), 0);
  assert_int_equal(fhx_members_fence(NULL), 0);
  assert_int_equal(fhx_members_list(NULL), 0);
  assert_int_equal(fhx_members_count(NULL), 0);
  assert_null(fhx_members_text(NULL, 0));
}

/* --- what comes out --- */

/* Answers with the items that the list step of store_host.c is to be given, behind "m". */
static const char *item_texts[3];
static size_t item_lens[3];
static size_t item_count;

static void say_items(host *h, fhx_reply *reply) {
  (void)h;
  for (size_t i = 0; i < item_count; i++) fhx_reply_item(reply, item_texts[i], item_lens[i]);
  fhx_reply_done(reply);
}

static void set_items(size_t count, const char *first, const char *second, const char *third) {
  const char *const given[3] = {first, second, third};
  item_count = count;
  for (size_t i = 0; i < count; i++) {
    item_texts[i] = given[i];
    item_lens[i] = strlen(given[i]);
  }
}

static void a_list_of_members_must_lead_on(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_items;
  set_items(2, "ma", "\xC3\xA9", NULL);
  assert_int_equal(host_run_quietly(store, STEP_LIST_MEMBERS), FHX_OK);
  set_items(0, NULL, NULL, NULL);
  assert_int_equal(host_run_quietly(store, STEP_LIST_MEMBERS), FHX_OK);
  set_items(3, "n", "o", "p");
  host_assert_failure(store, STEP_LIST_MEMBERS, FHX_ERR_STORE, 0, "more entries than were asked");
  set_items(1, "m", NULL, NULL);
  host_assert_failure(store, STEP_LIST_MEMBERS, FHX_ERR_STORE, 0, "not in ascending order");
  set_items(1, "", NULL, NULL);
  host_assert_failure(store, STEP_LIST_MEMBERS, FHX_ERR_STORE, 0, "not in ascending order");
  set_items(2, "n", "n", NULL);
  host_assert_failure(store, STEP_LIST_MEMBERS, FHX_ERR_STORE, 0, "not in ascending order");
  set_items(2, "na", "n", NULL);
  host_assert_failure(store, STEP_LIST_MEMBERS, FHX_ERR_STORE, 0, "not in ascending order");
  set_items(2, "\xC3\xA9", "z", NULL);
  host_assert_failure(store, STEP_LIST_MEMBERS, FHX_ERR_STORE, 0, "not in ascending order");
  fhx_store_free(store);
}

static void what_is_no_text_is_no_member(void **state) {
  host h;
  (void)state;
  fhx_store *store = host_store(&h);
  h.act = say_items;
  set_items(1, "n\xFF", NULL, NULL);
  host_assert_failure(store, STEP_LIST_MEMBERS, FHX_ERR_STORE, 0, "no text");
  set_items(1, "n", NULL, NULL);
  /* With its NUL. */
  item_lens[0] = 2;
  host_assert_failure(store, STEP_LIST_MEMBERS, FHX_ERR_STORE, 0, "no text");
  fhx_store_free(store);
}

static void a_store_needs_both_steps(void **state) {
  host h;
  fhx_store *store = NULL;
  (void)state;
  memset(&h, 0, sizeof h);
  fhx_store_callbacks callbacks = host_callbacks();
  callbacks.add_members = NULL;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, NULL), FHX_ERR_ARGUMENT);
  callbacks = host_callbacks();
  callbacks.list_members = NULL;
  assert_int_equal(fhx_store_new(&callbacks, &h, &store, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(h.destroyed, 2);
}

static void every_allocation_may_fail(void **state) {
  uint64_t number = 0;
  bool reached = true;
  (void)state;
  set_items(2, "n", "o", NULL);
  while (reached) {
    host h;
    test_memory_begin(++number);
    const fhx_store_callbacks callbacks = host_callbacks();
    fhx_store *store = NULL;
    memset(&h, 0, sizeof h);
    h.act = say_items;
    int32_t status = fhx_store_new(&callbacks, &h, &store, NULL);
    if (status == FHX_OK) status = host_run_quietly(store, STEP_LIST_MEMBERS);
    fhx_store_free(store);
    reached = test_memory_end();
    assert_int_equal(status, reached ? FHX_ERR_NO_MEMORY : FHX_OK);
  }
  assert_true(number > 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_sorted_texts_are_added),
      cmocka_unit_test(one_step_adds_ten_thousand),
      cmocka_unit_test(only_known_lists_are_asked_for),
      cmocka_unit_test(members_can_be_read),
      cmocka_unit_test(a_list_of_members_must_lead_on),
      cmocka_unit_test(what_is_no_text_is_no_member),
      cmocka_unit_test(a_store_needs_both_steps),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("lists of members", tests, NULL, NULL);
}
