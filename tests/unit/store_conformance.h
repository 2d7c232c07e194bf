/* What every store must do, as tests over any fhx_store: the built-in ones and a host's own. They
   see the store through the library's plumbing, and drive its clock. */
#ifndef TEST_UNIT_STORE_CONFORMANCE_H
#define TEST_UNIT_STORE_CONFORMANCE_H

#include <fhirexport/store.h>

#include "store_conformance_names.h"

typedef struct store_conformance {
  /* For the names of the tests. */
  const char *name;
  void *context;
  /* Makes a store without jobs whose leases run on this clock. */
  fhx_store *(*make)(void *context, fhx_clock_callback clock, void *clock_user_data);
  /* Frees the store and gives another on the same records, like a restart; it is called before each
     step. NULL: the whole test runs on one store. */
  fhx_store *(*remake)(void *context, fhx_store *store, fhx_clock_callback clock,
                       void *clock_user_data);
  /* Frees the store and what belongs to it. */
  void (*drop)(void *context, fhx_store *store);
} store_conformance;

/* Runs all tests; the number of failures. */
int store_conformance_run(const store_conformance *subject);

/* Each runs its share of them. */
int store_conformance_run_jobs(const store_conformance *subject);
int store_conformance_run_work(const store_conformance *subject);
int store_conformance_run_upkeep(const store_conformance *subject);
int store_conformance_run_members(const store_conformance *subject);
int store_conformance_run_pages(const store_conformance *subject);
int store_conformance_run_holds(const store_conformance *subject);
int store_conformance_run_turns(const store_conformance *subject);
int store_conformance_run_waiting(const store_conformance *subject);
int store_conformance_run_joins(const store_conformance *subject);
int store_conformance_run_job_lists(const store_conformance *subject);
int store_conformance_run_transitions(const store_conformance *subject);

#endif
