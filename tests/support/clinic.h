/*
 * A small clinic for Patient and Group exports: patients, what was observed of them, and the
 * practitioners and organizations that this refers to. What must come out is found here again, by
 * other code than the library's.
 */
#ifndef TEST_SUPPORT_CLINIC_H
#define TEST_SUPPORT_CLINIC_H

#include "support/setup.h"

typedef struct test_clinic_ask {
  /* Ends with NULL. */
  const char *const *types;
  const char *associated_types;
  /* The Group's members; else all patients. */
  bool by_group;
  /* Only what has changed lately. */
  bool lately;
} test_clinic_ask;

/* The patients p0 to p3, of whom the Group has the first three, with so many observations. The
   Group has the Device `dev` and the Practitioner `member` too, and a Device that does not exist.
 */
test_dataset *test_clinic_new(size_t observation_count);

/* The Group as members that the source lists. */
#define TEST_CLINIC_GROUP "ward"
void test_clinic_add_group(test_setting *with);

/* A job that is asked for this, not started (members are NULL where memory ran out); and started.
 */
void test_clinic_prepare(test_export *of, const test_setting *with, const test_clinic_ask *ask);
void test_clinic_start(test_export *of, const test_setting *with, const test_clinic_ask *ask);

/* The job is complete: each resource that must come out is in a part of its type, once, and nothing
   else is; the error file has so many lines. Returns its text; free it. */
char *test_clinic_check(test_export *of, const test_clinic_ask *ask, size_t error_lines);

#endif
