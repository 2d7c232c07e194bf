/* Runs a job on threads, with somebody who watches its progress. */
#ifndef TEST_SUPPORT_RUNNER_H
#define TEST_SUPPORT_RUNNER_H

#include <fhirexport/job.h>
#include <stdbool.h>

#define TEST_MESSAGE_MAX 1100

/*
 * Calls fhx_job_run on so many threads (1: on the test's own). `watched`: another thread polls the
 * progress meanwhile, whose share must never go down. Returns the status, which must be the same on
 * all threads, and the message of one of them.
 */
int32_t test_run_job(fhx_job *job, uint32_t threads, bool watched, char message[TEST_MESSAGE_MAX]);

#endif
