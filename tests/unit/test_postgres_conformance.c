/*
 * The PostgreSQL store does what every store must.
 *
 * ctest labels: slow
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "postgres_place.h"
#include "store_conformance.h"
#include "support/require.h"

static fhx_store *make(void *context, fhx_clock_callback clock, void *clock_user_data) {
  fhx_store *store = NULL;
  fhx_error *error = NULL;
  place_new(context);
  if (place_try_open(context, clock, clock_user_data, &store, &error) != FHX_OK) {
    fail_msg("%s", fhx_error_message(error));
  }
  return store;
}

static fhx_store *remake(void *context, fhx_store *store, fhx_clock_callback clock,
                         void *clock_user_data) {
  fhx_store *again = NULL;
  fhx_store_free(store);
  assert_int_equal(place_try_open(context, clock, clock_user_data, &again, NULL), FHX_OK);
  return again;
}

static void drop(void *context, fhx_store *store) {
  fhx_store_free(store);
  place_drop(context);
}

int main(void) {
  static place at;
  const store_conformance subjects[] = {
      {"postgres store", &at, make, NULL, drop},
      {"postgres store across restarts", &at, make, remake, drop},
  };
  int failures = 0;
  if (test_is_without("postgres")) {
    puts("skipped: run without postgres");
    return 77;
  }
  const size_t count = test_is_quick() ? 1 : sizeof subjects / sizeof subjects[0];
  for (size_t i = 0; i < count; i++) {
    failures += store_conformance_run(&subjects[i]);
  }
  place_end();
  return failures;
}
