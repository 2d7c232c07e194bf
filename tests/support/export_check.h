/*
 * Is an export exactly what was asked for? Everything is computed here again, by other code than
 * the library's: which resources belong to it, their compact text, checksums, counts, the manifest.
 */
#ifndef TEST_SUPPORT_EXPORT_CHECK_H
#define TEST_SUPPORT_EXPORT_CHECK_H

#include <fhirexport/manifest.h>

#include "support/dataset.h"
#include "support/objects.h"

typedef struct test_expectation {
  const test_dataset *data;
  /* NULL: all; ends with NULL. The order is the manifest's. */
  const char *const *types;
  bool has_since;
  bool has_until;
  int64_t since_us;
  int64_t until_us;
  /* NULL: not limited; ends with NULL. */
  const char *const *patients;
  /* Lines of the error file. */
  uint64_t error_count;
  /* 0: not limited. */
  uint64_t part_bytes;
  uint64_t part_count;
  bool sha256;
  bool gzip;
  bool requires_token;
  /* What a URL begins with, before the part's name. */
  const char *url_prefix;
} test_expectation;

/* A filter that asks for it; NULL when memory runs out. */
fhx_filter *test_filter_new(const test_expectation *expected);

bool test_is_expected(const test_expectation *expected, const test_resource *resource);

/* Checks a complete job: its parts, its manifest, and that nothing else is at the destination. */
void test_check_export(fhx_job *job, const test_objects *objects, const test_expectation *expected);

/* Checks that these parts (in order) hold the expected resources of one type, and nothing else. */
void test_check_parts(const fhx_part *const *parts, size_t count, const test_objects *objects,
                      const test_expectation *expected);

/* Reads a manifest to its end in pieces of this size; free the text. */
char *test_read_manifest(fhx_job *job, size_t piece);

#endif
