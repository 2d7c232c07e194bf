/* Resources for tests, the same for the same seed, with what the tests must know about each. */
#ifndef TEST_SUPPORT_DATASET_H
#define TEST_SUPPORT_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A generator of numbers that repeats itself for the same seed (splitmix64). */
typedef struct test_random {
  uint64_t state;
} test_random;
uint64_t test_random_next(test_random *random);
/* 0 to limit - 1. */
uint64_t test_random_below(test_random *random, uint64_t limit);

typedef struct test_resource {
  /* The type that a source keeps it under. */
  const char *type;
  char id[40];
  /* The patient whose compartment it is in; "" for none. */
  char patient[40];
  /* Without: its text has no meta.lastUpdated. */
  bool has_updated;
  int64_t updated_us;
  /* Not a valid resource: a line of the error file. */
  bool bad;
  char *json;
  size_t len;
} test_resource;

/* In ascending order of id; the ids of one type differ. */
typedef struct test_dataset {
  test_resource *items;
  size_t count;
  size_t bad_count;
} test_dataset;

/* The types there are, in the order in which the memory source lists them; then NULL. */
extern const char *const test_types[];

#define TEST_DATASET_PRETTY 1u
/* Every resource has meta.lastUpdated. */
#define TEST_DATASET_STAMPED 2u
/* A bad row of every kind, kept under Patient. */
#define TEST_DATASET_BAD 4u
/* A resource that is longer than the writer's buffer. */
#define TEST_DATASET_HUGE 8u
/* Every resource is so long that a handful of them fill the writer's buffer. */
#define TEST_DATASET_LONG 16u

test_dataset *test_dataset_new(uint64_t seed, size_t count, uint32_t flags);
void test_dataset_free(test_dataset *data);
/* cmocka's teardown of a group whose set-up put its dataset in *state. */
int test_dataset_end(void **state);

/* The instant of FHIR for a time, with milliseconds. */
#define TEST_INSTANT_MAX 40
void test_instant(char text[TEST_INSTANT_MAX], int64_t time_us);

#endif
