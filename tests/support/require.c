/* Checks that name their scenario. */
#include "support/require.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/status.h>

static char scenario[256] = "none";
static atomic_int violations;

void test_scenario(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(scenario, sizeof scenario, format, arguments);
  va_end(arguments);
  atomic_store(&violations, 0);
}

void test_require_at(bool holds, const char *condition, const char *file, int line) {
  if (holds) return;
  print_error("scenario: %s\nnot true: %s\n", scenario, condition);
  _fail(file, line);
}

void test_require_status_at(int32_t status, int32_t expected, const char *file, int line) {
  if (status == expected) return;
  print_error("scenario: %s\nstatus %s (%d), expected %s\n", scenario, fhx_status_name(status),
              status, fhx_status_name(expected));
  _fail(file, line);
}

void test_violation(const char *sentence) {
  if (atomic_fetch_add(&violations, 1) == 0) fprintf(stderr, "violation: %s\n", sentence);
}

void test_violation_unless(bool holds, const char *sentence) {
  if (!holds) test_violation(sentence);
}

void test_require_sound(void) {
  test_require(atomic_load(&violations) == 0);
}

bool test_is_quick(void) {
  const char *quick = getenv("FHX_QUICK");
  return quick != NULL && (strcmp(quick, "1") == 0 || strcmp(quick, "2") == 0);
}

uint64_t test_step(uint64_t quick_step) {
  const char *quick = getenv("FHX_QUICK");
  if (!test_is_quick()) return 1;
  return *quick == '2' ? quick_step * 4 : quick_step;
}
