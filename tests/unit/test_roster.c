/* A sorted set of ids, in memory and on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "select/roster.h"
#include "support/memory.h"

/* How much memory each kind of set has: none, room for some blocks, for all. */
static const uint64_t memories[] = {0, 40000, FHX__ROSTER_MEMORY_MAX};
#define MEMORIES (sizeof memories / sizeof memories[0])

#define MANY 100000

/* Every third number is in the set; most ids have 36 bytes, as a UUID has. */
static size_t write_id(char id[FHX__ID_MAX + 1], uint64_t number) {
  return (size_t)snprintf(id, FHX__ID_MAX + 1, "7c0f8a52-91d4-4b6e-8f3a-%012llu",
                          (unsigned long long)number);
}

static fhx__roster *new_roster(uint64_t memory_max) {
  fhx__roster *roster = NULL;
  assert_int_equal(fhx__roster_new(memory_max, &roster, NULL), FHX_OK);
  return roster;
}

static fhx__roster *numbered(uint64_t memory_max, uint64_t count) {
  char id[FHX__ID_MAX + 1];
  fhx__roster *roster = new_roster(memory_max);
  for (uint64_t i = 0; i < count; i++) {
    size_t len = write_id(id, 3 * i);
    assert_int_equal(fhx__roster_add(roster, id, len, NULL), FHX_OK);
  }
  assert_int_equal(fhx__roster_seal(roster, NULL), FHX_OK);
  assert_int_equal(fhx__roster_count(roster), count);
  return roster;
}

static int32_t find(const fhx__roster *roster, const char *id, uint64_t *position) {
  return fhx__roster_find(roster, id, strlen(id), position, NULL);
}

static void assert_found(const fhx__roster *roster, const char *id, uint64_t expected) {
  uint64_t position = UINT64_MAX;
  assert_int_equal(find(roster, id, &position), FHX_OK);
  assert_int_equal(position, expected);
}

static void assert_absent(const fhx__roster *roster, const char *id) {
  uint64_t position = 0;
  assert_int_equal(find(roster, id, &position), FHX_END);
}

/* Reads the whole set with this capacity, and compares with what was put in. */
static void read_all(const fhx__roster *roster, uint64_t capacity, uint64_t count) {
  char id[FHX__ID_MAX + 1];
  const char *ids[1000];
  fhx__roster_page page = {{NULL, 0, 0}};
  uint64_t first = 0, got = 1;
  while (got != 0) {
    assert_int_equal(fhx__roster_read(roster, first, capacity, &page, ids, &got, NULL), FHX_OK);
    assert_true(got <= capacity);
    for (uint64_t i = 0; i < got; i++) {
      write_id(id, 3 * (first + i));
      assert_string_equal(ids[i], id);
    }
    first += got;
  }
  assert_int_equal(first, count);
  fhx__roster_page_free(&page);
}

/* --- what is in, and where --- */

/* FILTER-41. */
static void a_hundred_thousand(void **state) {
  char id[FHX__ID_MAX + 1];
  (void)state;
  for (size_t m = 0; m < MEMORIES; m++) {
    fhx__roster *roster = numbered(memories[m], MANY);
    for (uint64_t i = 0; i < MANY; i += 7) {
      write_id(id, 3 * i);
      assert_found(roster, id, i);
      write_id(id, 3 * i + 1);
      assert_absent(roster, id);
      write_id(id, 3 * i + 2);
      assert_absent(roster, id);
    }
    write_id(id, 3 * (MANY - 1));
    assert_found(roster, id, MANY - 1);
    write_id(id, 3 * (uint64_t)MANY);
    assert_absent(roster, id);
    assert_absent(roster, "0");
    assert_absent(roster, "z");
    read_all(roster, 1000, MANY);
    fhx__roster_free(roster);
  }
}

/* Where blocks end: one less than a block, a block, one more, and so on. */
static void every_small_size(void **state) {
  static const uint64_t counts[] = {0, 1, 2, 255, 256, 257, 511, 512, 513, 768};
  char id[FHX__ID_MAX + 1];
  (void)state;
  for (size_t m = 0; m < MEMORIES; m++) {
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
      fhx__roster *roster = numbered(memories[m], counts[c]);
      for (uint64_t i = 0; i < counts[c]; i++) {
        write_id(id, 3 * i);
        assert_found(roster, id, i);
        write_id(id, 3 * i + 1);
        assert_absent(roster, id);
      }
      assert_absent(roster, "");
      assert_absent(roster, "0");
      read_all(roster, 1, counts[c]);
      read_all(roster, 100, counts[c]);
      read_all(roster, 256, counts[c]);
      fhx__roster_free(roster);
    }
  }
}

/* Ids of 1 to 64 bytes, each the beginning of the next, in more than a block, and of all bytes. */
static void all_lengths(void **state) {
  static const char firsts[] = {'\x01', '-', '.', '0', '9', 'A', 'Z', 'a', 'z', '\x7F', '\xFF'};
  char id[FHX__ID_MAX + 2];
  uint64_t position = 0;
  (void)state;
  for (size_t m = 0; m < MEMORIES; m++) {
    fhx__roster *roster = new_roster(memories[m]);
    for (size_t f = 0; f < sizeof firsts; f++) {
      memset(id, firsts[f], sizeof id);
      for (size_t len = 1; len <= FHX__ID_MAX; len++) {
        assert_int_equal(fhx__roster_add(roster, id, len, NULL), FHX_OK);
      }
    }
    assert_int_equal(fhx__roster_seal(roster, NULL), FHX_OK);
    for (size_t f = 0; f < sizeof firsts; f++) {
      memset(id, firsts[f], sizeof id);
      for (size_t len = 1; len <= FHX__ID_MAX; len++) {
        assert_int_equal(fhx__roster_find(roster, id, len, &position, NULL), FHX_OK);
        assert_int_equal(position, f * FHX__ID_MAX + len - 1);
      }
      assert_int_equal(fhx__roster_find(roster, id, FHX__ID_MAX + 1, &position, NULL), FHX_END);
      assert_int_equal(fhx__roster_find(roster, id, 0, &position, NULL), FHX_END);
      id[1] = '~';
      assert_int_equal(fhx__roster_find(roster, id, 2, &position, NULL), FHX_END);
    }
    assert_int_equal(fhx__roster_find(roster, "A\0", 2, &position, NULL), FHX_END);
    fhx__roster_free(roster);
  }
}

/* FILTER-38: one that comes again counts once, also across the end of a block. */
static void doubles(void **state) {
  char id[FHX__ID_MAX + 1];
  (void)state;
  fhx__roster *roster = new_roster(0);
  for (uint64_t i = 0; i < 600; i++) {
    size_t len = write_id(id, 3 * i);
    for (int times = 0; times < 3; times++) {
      assert_int_equal(fhx__roster_add(roster, id, len, NULL), FHX_OK);
    }
  }
  assert_int_equal(fhx__roster_seal(roster, NULL), FHX_OK);
  assert_int_equal(fhx__roster_count(roster), 600);
  read_all(roster, 1000, 600);
  fhx__roster_free(roster);
}

static void refuse(fhx__roster *roster, const char *id, size_t len, const char *message) {
  fhx_error *error = NULL;
  assert_int_equal(fhx__roster_add(roster, id, len, &error), FHX_ERR_STORE);
  assert_string_equal(fhx_error_message(error), message);
  fhx_error_free(error);
}

/* What is out of order could never be found again. */
static void out_of_order(void **state) {
  static const char order[] = "the store does not list the patients in order";
  static const char no_id[] = "what the store lists as a patient is no id";
  char id[FHX__ID_MAX + 1];
  (void)state;
  fhx__roster *roster = new_roster(0);
  for (uint64_t i = 0; i < 256; i++) {
    size_t len = write_id(id, 3 * i);
    assert_int_equal(fhx__roster_add(roster, id, len, NULL), FHX_OK);
  }
  refuse(roster, id, 35, order);
  refuse(roster, "7", 1, order);
  assert_int_equal(fhx__roster_add(roster, "b", 1, NULL), FHX_OK);
  refuse(roster, "a", 1, order);
  refuse(roster, "B", 1, order);
  memset(id, 'c', sizeof id);
  refuse(roster, "", 0, no_id);
  refuse(roster, id, FHX__ID_MAX + 1, no_id);
  refuse(roster, "c\0d", 3, no_id);
  assert_int_equal(fhx__roster_add(roster, id, FHX__ID_MAX, NULL), FHX_OK);
  assert_int_equal(fhx__roster_seal(roster, NULL), FHX_OK);
  assert_int_equal(fhx__roster_count(roster), 258);
  assert_found(roster, "b", 256);
  fhx__roster_free(roster);
}

static void reading_nothing(void **state) {
  const char *ids[1] = {NULL};
  fhx__roster_page page = {{NULL, 0, 0}};
  uint64_t count = 9;
  (void)state;
  fhx__roster *roster = numbered(0, 3);
  assert_int_equal(fhx__roster_read(roster, 0, 0, &page, NULL, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  count = 9;
  assert_int_equal(fhx__roster_read(roster, 3, 1, &page, ids, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  count = 9;
  assert_int_equal(fhx__roster_read(roster, UINT64_MAX, UINT64_MAX, &page, ids, &count, NULL),
                   FHX_OK);
  assert_int_equal(count, 0);
  fhx__roster_page_free(&page);
  fhx__roster_free(roster);
  fhx__roster_free(NULL);
}

/* --- threads --- */

static void *find_often(void *context) {
  const fhx__roster *roster = context;
  char id[FHX__ID_MAX + 1];
  for (uint64_t i = 0; i < 5000; i++) {
    uint64_t number = i * 2654435761u % (3 * 5000), position = 0;
    size_t len = write_id(id, number);
    int32_t expected = number % 3 == 0 ? FHX_OK : FHX_END;
    if (fhx__roster_find(roster, id, len, &position, NULL) != expected) return context;
    if (expected == FHX_OK && position != number / 3) return context;
  }
  return NULL;
}

static void several_threads(void **state) {
  pthread_t threads[4];
  (void)state;
  fhx__roster *roster = numbered(40000, 5000);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, find_often, roster), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    void *fault = NULL;
    assert_int_equal(pthread_join(threads[i], &fault), 0);
    assert_null(fault);
  }
  fhx__roster_free(roster);
}

/* --- the file --- */

/* The descriptor that will be opened next. */
static int next_descriptor(void) {
  int next = dup(0);
  assert_true(next >= 0);
  close(next);
  return next;
}

static void assert_broken(int32_t status, fhx_error *error, const char *message) {
  assert_int_equal(status, FHX_ERR_IO);
  assert_int_equal(fhx_error_status(error), FHX_ERR_IO);
  assert_int_equal(fhx_error_retryable(error), 1);
  assert_string_equal(fhx_error_message(error), message);
  fhx_error_free(error);
}

/* A member and others alike: who cannot be looked up is neither in the set nor outside it. */
static void assert_unreadable(const fhx__roster *roster, const char *message) {
  const char *ids[4];
  char id[FHX__ID_MAX + 1];
  for (uint64_t number = 2700; number < 2703; number++) {
    fhx_error *error = NULL;
    uint64_t position = 0, count = 0;
    fhx__roster_page page = {{NULL, 0, 0}};
    size_t len = write_id(id, number);
    int32_t status = fhx__roster_find(roster, id, len, &position, &error);
    assert_broken(status, error, message);
    error = NULL;
    status = fhx__roster_read(roster, 900, 4, &page, ids, &count, &error);
    assert_broken(status, error, message);
    assert_int_equal(count, 0);
    fhx__roster_page_free(&page);
  }
  /* What is in memory is not concerned. */
  write_id(id, 0);
  assert_found(roster, id, 0);
}

static void file_is_cut(void **state) {
  struct stat facts;
  char id[FHX__ID_MAX + 1];
  (void)state;
  int file = next_descriptor();
  fhx__roster *roster = numbered(10000, 1000);
  assert_int_equal(fstat(file, &facts), 0);
  assert_int_equal(facts.st_size, (1000 - 256) * 37);
  assert_int_equal(facts.st_nlink, 0);
  write_id(id, 2700);
  assert_found(roster, id, 900);
  assert_int_equal(ftruncate(file, facts.st_size - 1), 0);
  assert_unreadable(roster, "the temporary file of patients cannot be read: Input/output error");
  /* As long as it was, but not what it was. */
  assert_int_equal(ftruncate(file, 0), 0);
  assert_int_equal(pwrite(file, "x", 1, facts.st_size - 1), 1);
  assert_unreadable(roster, "the temporary file of patients cannot be read: Input/output error");
  fhx__roster_free(roster);
}

static void file_is_closed(void **state) {
  (void)state;
  int file = next_descriptor();
  fhx__roster *roster = numbered(10000, 1000);
  int kept = dup(file);
  assert_int_equal(close(file), 0);
  assert_unreadable(roster, "the temporary file of patients cannot be read: Bad file descriptor");
  assert_int_equal(dup2(kept, file), file);
  close(kept);
  read_all(roster, 1000, 1000);
  fhx__roster_free(roster);
  /* Nothing is left open. */
  assert_int_equal(next_descriptor(), file);
}

/* Fills a set that has no room in memory until a block does not fit on disk either. */
static void fill_until_broken(const char *message) {
  char id[FHX__ID_MAX + 1];
  int32_t status = FHX_OK;
  fhx_error *error = NULL;
  fhx__roster *roster = new_roster(0);
  for (uint64_t i = 0; status == FHX_OK; i++) {
    assert_in_range(i, 0, 256 * 10);
    size_t len = write_id(id, 3 * i);
    status = fhx__roster_add(roster, id, len, &error);
  }
  assert_broken(status, error, message);
  assert_int_equal(fhx__roster_seal(roster, NULL), FHX_ERR_IO);
  fhx__roster_free(roster);
}

static void disk_is_full(void **state) {
  struct rlimit kept, small;
  (void)state;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
  small = kept;
  small.rlim_cur = 20000;
  assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  fill_until_broken("the temporary file of patients cannot be written: File too large");
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
  signal(SIGXFSZ, SIG_DFL);
}

static void no_descriptor_is_left(void **state) {
  struct rlimit kept, small;
  (void)state;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
  small = kept;
  small.rlim_cur = (rlim_t)next_descriptor();
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
  fill_until_broken("the temporary file of patients cannot be made: Too many open files");
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
}

/* --- memory --- */

/* Fills and reads a set; every step that fails is done again, and the set is whole in the end. */
static void scenario(uint64_t memory_max, bool all_well) {
  enum { COUNT = 5000 };
  char id[FHX__ID_MAX + 1];
  const char *ids[1];
  fhx__roster *roster = NULL;
  fhx__roster_page page = {{NULL, 0, 0}};
  fhx_error *error = NULL;
  uint64_t position = 0, count = 0;
  int failures = 0;
  if (fhx__roster_new(memory_max, &roster, &error) != FHX_OK) {
    assert_int_equal(fhx_error_status(error), FHX_ERR_NO_MEMORY);
    assert_null(roster);
    assert_false(all_well);
    return;
  }
  for (uint64_t i = 0; i < COUNT; i++) {
    size_t len = write_id(id, 3 * i);
    int32_t status = fhx__roster_add(roster, id, len, NULL);
    for (; status == FHX_ERR_NO_MEMORY; failures++) {
      status = fhx__roster_add(roster, id, len, NULL);
    }
    assert_int_equal(status, FHX_OK);
  }
  for (; fhx__roster_seal(roster, NULL) == FHX_ERR_NO_MEMORY; failures++) continue;
  assert_int_equal(fhx__roster_find(roster, id, strlen(id), &position, NULL), FHX_OK);
  assert_int_equal(position, COUNT - 1);
  for (; fhx__roster_read(roster, COUNT - 1, 1, &page, ids, &count, NULL) != FHX_OK; failures++) {
    assert_int_equal(count, 0);
  }
  assert_int_equal(count, 1);
  assert_string_equal(ids[0], id);
  assert_true(failures <= 1 && (failures == 0 || !all_well));
  fhx__roster_page_free(&page);
  fhx__roster_free(roster);
}

static void out_of_memory(void **state) {
  (void)state;
  for (size_t m = 0; m < MEMORIES; m++) {
    bool more = true;
    for (uint64_t fail_at = 0; more; fail_at++) {
      test_memory_begin(fail_at);
      scenario(memories[m], fail_at == 0);
      more = test_memory_end() || fail_at == 0;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_hundred_thousand),    cmocka_unit_test(every_small_size),
      cmocka_unit_test(all_lengths),           cmocka_unit_test(doubles),
      cmocka_unit_test(out_of_order),          cmocka_unit_test(reading_nothing),
      cmocka_unit_test(several_threads),       cmocka_unit_test(file_is_cut),
      cmocka_unit_test(file_is_closed),        cmocka_unit_test(disk_is_full),
      cmocka_unit_test(no_descriptor_is_left), cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
