/*
 * Patients and what is theirs, some of it two patients', for exports that are organised by
 * patients: as a host's source, as an SQLite table with its index of patients, and as a check of
 * what came of a job, which finds out by itself what must be where.
 */
#ifndef TEST_SUPPORT_WARD_H
#define TEST_SUPPORT_WARD_H

#include <fhirexport/job.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "support/objects.h"

typedef struct test_ward_row {
  char type[16];
  char id[24];
  /* Whose it is, "" for nobody. */
  char patients[2][24];
  int64_t updated_us;
  char *json;
  /* It stands where a resource of the type should, and is none. */
  bool bad;
  /* By the check: in the block of each of its patients. */
  bool seen[2];
} test_ward_row;

/* In ascending order of (type, id). */
typedef struct test_ward {
  test_ward_row *rows;
  size_t count;
  uint32_t patient_count;
  /* Of the host's source: what its cursors push down, over Patients and over one patient's. */
  uint32_t applied;
  uint32_t patient_applied;
  /* At most so many rows in a reply, 0: 7; estimates, and so many shards of Patients at most. */
  uint32_t rows_max;
  uint32_t shards;
  bool without_tokens;
  /* Called at the beginning of every call, with its number from 1; true: it has answered. */
  bool (*hook)(void *context, bool opens, uint64_t number, fhx_reply *reply);
  void *hook_context;
  atomic_uint_least64_t calls;
  atomic_int cursors;
} test_ward;

/* Every changed row was changed at this time or a second later, so that a window can divide them.
 */
#define TEST_WARD_US INT64_C(1714989600000000)
#define TEST_WARD_INSTANT "2024-05-06T10:00:00Z"

/* Patients p0000, ...; each with up to `rows_max` Observations, Conditions and Encounters, and one
   with ten times as many; Organizations are nobody's. */
test_ward *test_ward_new(uint64_t seed, uint32_t patient_count, uint32_t rows_max);
/* Adds a row that is no resource, which a source keeps under this type and as this patient's. */
void test_ward_add_bad(test_ward *ward, const char *type, const char *patient, const char *json);
/* Adds the Group of this id, of the given patients, who have joined in 2020 but for the new ones,
   and of an Organization. Both lists end with NULL. */
void test_ward_add_group(test_ward *ward, const char *id, const char *const *patients,
                         const char *const *new_patients);
void test_ward_free(test_ward *ward);

/* Every callback that an export by patients may use. Every row is given in fresh memory. */
fhx_source *test_ward_source(test_ward *ward);
/* The tables "resource" and "compartment", which has each row twice. */
void test_ward_write(const test_ward *ward, const char *path);
fhx_source *test_ward_sqlite_source(const char *path);

typedef struct test_ward_ask {
  /* Each ends with NULL; NULL: all. */
  const char *const *types;
  const char *const *patients;
  /* The Group whose members these are; NULL: they are asked for themselves. */
  const char *group;
  /* Only what was changed after TEST_WARD_US, but for what is also a new member's (NULL: none). */
  bool lately;
  const char *const *new_patients;
  /* As in fhx_job_options. */
  uint64_t part_bytes;
  uint64_t part_count;
  size_t error_lines;
} test_ward_ask;

/* NULL when memory runs out. */
fhx_filter *test_ward_filter(const test_ward_ask *ask);
bool test_ward_wants(const test_ward_ask *ask, const test_ward_row *row, const char *patient);

typedef struct test_ward_found {
  size_t part_count;
  size_t continuing_count;
  size_t block_count;
} test_ward_found;

/* The job is complete; every patient's block is there once, whole or properly continued, and holds
   exactly what it must; nothing else is among the objects. */
test_ward_found test_ward_check(test_ward *ward, fhx_job *job, const test_objects *objects,
                                const test_ward_ask *ask);

#endif
