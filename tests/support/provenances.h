/*
 * Small worlds of patients, what was observed of them and Provenances of all that, made at random;
 * and which of it an export has, found here by other code than the library's.
 */
#ifndef TEST_SUPPORT_PROVENANCES_H
#define TEST_SUPPORT_PROVENANCES_H

#include "support/dataset.h"
#include "support/small_source.h"

#define TEST_WORLD_ROWS 64

/* What an export is asked for. */
typedef enum test_world_scope {
  TEST_WORLD_ALL,
  TEST_WORLD_PATIENTS,
  /* Patients p0 and p2, by name and as members of Group/g. */
  TEST_WORLD_SET,
  TEST_WORLD_GROUP,
  TEST_WORLD_SCOPES
} test_world_scope;

typedef struct test_world_ask {
  /* FHX_PROVENANCE_... */
  uint32_t provenance;
  test_world_scope scope;
  /* Ends with NULL; NULL: all. */
  const char *const *types;
  bool since;
  bool until;
} test_world_ask;

typedef struct test_world test_world;

test_world *test_world_new(uint64_t seed);
void test_world_free(test_world *world);

/* A source over it, which applies this much and reads single resources or not. */
void test_world_source(const test_world *world, test_small_source *small, uint32_t applied,
                       bool reads);

/* Starts a job that is prepared; of->status says whether it worked. */
void test_world_start(test_small_job *of, const test_world_ask *ask);

/* What must come out, as test_small_check wants it. */
void test_world_expect(const test_world *world, const test_small_source *small,
                       const test_world_ask *ask, char *output, size_t size);

#endif
