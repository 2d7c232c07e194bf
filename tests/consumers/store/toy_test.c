/* A host's test of its own store: the suite that comes with the library, on one store for each test
   and with a restart before each step. */
#include <fhirexport/store_conformance.h>
#include <stddef.h>

#include "toy_store.h"

/* The records of the test that runs. */
typedef struct place {
  toy_records *records;
} place;

static fhx_store *make(void *context, fhx_clock_callback clock, void *clock_user_data) {
  place *at = context;
  at->records = toy_records_new();
  return at->records == NULL ? NULL : toy_store_new(at->records, clock, clock_user_data);
}

static fhx_store *remake(void *context, fhx_store *store, fhx_clock_callback clock,
                         void *clock_user_data) {
  place *at = context;
  fhx_store_free(store);
  return toy_store_new(at->records, clock, clock_user_data);
}

static void drop(void *context, fhx_store *store) {
  place *at = context;
  fhx_store_free(store);
  toy_records_free(at->records);
}

int main(void) {
  place at = {NULL};
  fhx_store_conformance subject;
  fhx_store_conformance_init(&subject, sizeof subject);
  subject.name = "toy store";
  subject.context = &at;
  subject.make = make;
  subject.drop = drop;
  int32_t failures = fhx_store_conformance_run(&subject);
  subject.name = "toy store across restarts";
  subject.remake = remake;
  failures += fhx_store_conformance_run(&subject);
  return failures == 0 ? 0 : 1;
}
