/* What an export with deletions has brought to its destination, as texts to compare. */
#ifndef TEST_SUPPORT_OUTCOME_H
#define TEST_SUPPORT_OUTCOME_H

#include <fhirexport/job.h>

#include "support/memory_destination.h"

#define TEST_OUTCOME_MAX 20000

/* `Type/id`, sorted, with a space between; and the lines of the error file one behind the other. */
typedef struct test_outcome {
  char output[TEST_OUTCOME_MAX];
  char deleted[TEST_OUTCOME_MAX];
  char errors[TEST_OUTCOME_MAX];
  uint32_t bundle_count;
  uint32_t most_entries;
  uint32_t part_count;
} test_outcome;

/* Reads all parts of a job that is complete: they are what is at the destination, nothing else is,
   and a line of deletions is a Bundle of DELETE requests (MAN-14). Output has to begin with its
   type and id. */
void test_outcome_read(fhx_job *job, test_destination *destination, test_outcome *got);

#endif
