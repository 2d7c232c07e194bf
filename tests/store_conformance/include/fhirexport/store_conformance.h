/*
 * fhirexport/store_conformance.h: the tests that every store has to pass, for hosts that bring
 * their own (store.h). The built-in stores pass the same ones.
 *
 * They are a static library of their own, for a test program of the host's: link it with
 * fhirexport_store_conformance and the static libfhirexport (CMake:
 * fhirexport::fhirexport_store_conformance; pkg-config --static: libfhirexport-store-conformance).
 */
#ifndef FHIREXPORT_STORE_CONFORMANCE_H
#define FHIREXPORT_STORE_CONFORMANCE_H

#include <fhirexport/store.h>

FHX_BEGIN_DECLS

/* claim_task without a job gives to jobs and clients in turn. */
#define FHX_CONFORMANCE_TURNS 1u
/* create_job knows identities. */
#define FHX_CONFORMANCE_JOINS 2u

/* The store under test, as the host makes it. The callbacks are called on the thread that runs the
   tests; they get `context`. */
typedef struct fhx_store_conformance {
  uint32_t size;
  /* A sum of FHX_CONFORMANCE_...: what the store does beyond what it must. */
  uint32_t flags;
  /* For the names of the tests. */
  const char *name;
  void *context;
  /* Gives a store without jobs, by fhx_store_new, whose leases run on this clock; NULL: it cannot
     be made, and the test fails. The tests drive the clock; it is good until `drop`. */
  fhx_store *(*make)(void *context, fhx_clock_callback clock, void *clock_user_data);
  /* Frees the store and gives another on the same records, as behind a restart of the process; it
     is called before each step. NULL: each test runs on one store. */
  fhx_store *(*remake)(void *context, fhx_store *store, fhx_clock_callback clock,
                       void *clock_user_data);
  /* Frees the store, and its records. */
  void (*drop)(void *context, fhx_store *store);
} fhx_store_conformance;

/* fhx_init for this structure. */
void fhx_store_conformance_init(fhx_store_conformance *subject, uint32_t size);

/*
 * Runs all tests, one after another, each on a store of its own, and writes to the standard output
 * which passed and why others did not. Optional steps (pages, holds, lists of jobs) that the store
 * does not have are left out, and that is said too. One run at a time in a process. The number of
 * tests that failed; 0: the store does what jobs and engines rely on, as far as one thread can
 * tell.
 */
int32_t fhx_store_conformance_run(const fhx_store_conformance *subject);

FHX_END_DECLS

#endif
