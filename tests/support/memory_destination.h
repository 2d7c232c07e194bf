/*
 * A destination in memory, on the public callbacks, that checks what it sees against the contract
 * (open, write*, exactly one of commit and abort, names used once, one call at a time for an
 * upload, on the thread that opened it unless the flags say otherwise) and fails in every way a
 * host may. What the library does wrong is noted as a violation (require.h).
 */
#ifndef TEST_SUPPORT_MEMORY_DESTINATION_H
#define TEST_SUPPORT_MEMORY_DESTINATION_H

#include <fhirexport/job.h>
#include <fhirexport/writer.h>
#include <stdbool.h>

#include "support/objects.h"

typedef enum test_destination_call {
  TEST_DESTINATION_OPEN,
  TEST_DESTINATION_WRITE,
  TEST_DESTINATION_COMMIT,
  TEST_DESTINATION_ABORT,
  TEST_DESTINATION_STAT,
  TEST_DESTINATION_URL,
  TEST_DESTINATION_REMOVE,
  TEST_DESTINATION_CALLS
} test_destination_call;

/* What goes wrong, before the call has done anything, or (DONE) behind it. */
typedef enum test_destination_fault {
  TEST_DESTINATION_SOUND,
  TEST_DESTINATION_FAILS,
  TEST_DESTINATION_FAILS_RETRYABLE,
  TEST_DESTINATION_SILENT,
  TEST_DESTINATION_UNKNOWN,
  TEST_DESTINATION_WRONG_KIND,
  /* The status of a refused resource, which means something else to the library. */
  TEST_DESTINATION_RESOURCE,
  TEST_DESTINATION_NOT_FOUND,
  TEST_DESTINATION_DONE_FAILS,
  TEST_DESTINATION_DONE_FAILS_RETRYABLE,
  TEST_DESTINATION_DONE_SILENT,
  TEST_DESTINATION_DONE_UNKNOWN,
  TEST_DESTINATION_DONE_WRONG_KIND,
  TEST_DESTINATION_FAULTS
} test_destination_fault;

typedef struct test_destination_knobs {
  /* FHX_DESTINATION_... */
  uint32_t flags;
  bool without_stat;
  /* So many calls of part_stat fail, from the first. */
  uint64_t stat_fails;
  /* Calls number fault_at to fault_at + fault_times - 1 (0: all that follow) of this kind go
     wrong. Numbers run from 1. */
  test_destination_call fault_call;
  test_destination_fault fault;
  uint64_t fault_at;
  uint64_t fault_times;
  /* Calls the job or writer that is calling it from every callback but part_abort and part_url. */
  bool re_enters;
  /* Called at the beginning of every callback; optional. */
  void (*hook)(void *context, test_destination_call call, uint64_t number);
  void *hook_context;
} test_destination_knobs;

typedef struct test_destination test_destination;

/* *destination is the caller's reference. */
test_destination *test_destination_new(const test_destination_knobs *knobs,
                                       fhx_destination **destination);
/* Whom it calls when it re-enters. */
void test_destination_set_job(test_destination *destination, fhx_job *job);
void test_destination_set_writer(test_destination *destination, fhx_writer *writer);
/* No more faults from here on. */
void test_destination_heal(test_destination *destination);
uint64_t test_destination_calls(const test_destination *destination, test_destination_call call);
/* How many calls of part_write came on another thread than the upload's part_open. */
uint64_t test_destination_writes_elsewhere(const test_destination *destination);
/* The committed objects; valid until the next commit or removal. No upload may be open. */
test_objects test_destination_objects(test_destination *destination);
/* After the library has dropped it: checks that no upload is open, and frees it. */
void test_destination_end(test_destination *destination);

#endif
