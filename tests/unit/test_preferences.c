/* The Accept and Prefer headers of a kick-off (KICK-09 to KICK-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "request/request.h"
#include "support/require.h"

#define HEADERS_MAX 8

/* So many headers of this name, up to a NULL. */
static int32_t read_headers(const char *name, const char *const *values,
                            fhx__preferences *preferences, fhx__problem *problem) {
  const char *headers[2 * HEADERS_MAX] = {NULL};
  size_t count = 0;
  for (; values[count] != NULL; count++) {
    headers[2 * count] = name;
    headers[2 * count + 1] = values[count];
  }
  test_scenario("%s: %s", name, count > 0 ? values[0] : "(none)");
  return fhx__preferences_read(headers, count, preferences, problem);
}

/* KICK-09 */
static void admitted(void **state) {
  static const char *const cases[][3] = {
      {NULL},
      {""},
      {" , ,"},
      {"application/fhir+json"},
      {"APPLICATION/FHIR+JSON"},
      {"application/fhir+json;fhirVersion=4.0; charset=\"utf-8\""},
      {"application/json"},
      {"application/*"},
      {"*/*"},
      {"text/html, image/gif, *; q=.2, */*; q=.2"},
      {"*"},
      {"text/html,application/json;q=0.001"},
      {"text/html;q=1 , application/fhir+json ; Q=0.5"},
      {"application/xml", "application/json"},
      {"*/*;q=0, application/json"},
      {"application/json, */*;q=0"},
      {"application/fhir+json;q=0, */*"},
      {"application/*;q=0, application/fhir+json;q=1.000"},
      {"application/json;q=0, application/json;q=0.1"},
      {"application/json;q=0.1, application/json;q=0"},
      {"application/json;q="},
      {"application/json;q=."},
      {"text/plain;a=\"x, y\", application/json"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fhx__preferences preferences;
    fhx__problem problem;
    test_require_status(read_headers("aCCept", cases[i], &preferences, &problem), FHX_OK);
  }
}

static void not_admitted(void **state) {
  static const char *const cases[][3] = {
      {"application/fhir+ndjson"},
      {"text/html"},
      {"application/fhir+xml, text/*"},
      {"application/json;q=0"},
      {"application/json; q = 0.000"},
      {"*/*;q=0"},
      {"application/fhir+json;q=0, application/json;q=0, */*"},
      {"application/*;q=0, */*;q=1"},
      {"*/*, application/json;q=0, application/fhir+json;q=0"},
      {"application/jsonx"},
      {"application/jso"},
      {"application"},
      {"garbage"},
      {"text/plain;a=\"application/json, application/json"},
      {"text/plain;a=\"\\\", application/json, \""},
      {"text/html", "text/plain"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fhx__preferences preferences;
    fhx__problem problem;
    test_require_status(read_headers("Accept", cases[i], &preferences, &problem), FHX_ERR_ARGUMENT);
    test_require(problem.http_status == 406);
    test_require(strstr(problem.text, "Accept") == problem.text);
    test_require(strstr(problem.text, "html") == NULL);
  }
}

#define ASYNC 1
#define LENIENT 2
#define SEPARATE 4

/* KICK-10 to KICK-12. Of a preference that is given again only the first counts (RFC 7240, 2). */
static void preferred(void **state) {
  static const struct {
    const char *values[4];
    int wanted;
  } cases[] = {
      {{NULL}, 0},
      {{""}, 0},
      {{"respond-async"}, ASYNC},
      {{"Respond-ASYNC"}, ASYNC},
      {{"respond-async;wait=10"}, ASYNC},
      {{"respond-async=\"\""}, ASYNC},
      {{"respond-async=no"}, 0},
      {{"respond-asynchronously, espond-async"}, 0},
      {{" respond-async , handling=lenient "}, ASYNC | LENIENT},
      {{"respond-async,,handling=lenient"}, ASYNC | LENIENT},
      {{"respond-async", "handling=lenient"}, ASYNC | LENIENT},
      {{"handling = lenient"}, LENIENT},
      {{"HANDLING=LENIENT"}, LENIENT},
      {{"handling=\"lenient\""}, LENIENT},
      {{"handling=\"l\\enient\""}, LENIENT},
      {{"handling=lenient; because=\"a, b\", respond-async"}, ASYNC | LENIENT},
      {{"return=minimal; handling=lenient"}, 0},
      {{"handling=strict"}, 0},
      {{"handling"}, 0},
      {{"handling=lenient2"}, 0},
      {{"handling=len"}, 0},
      {{"handling=\"lenient"}, 0},
      {{"handling=\"lenient\"x"}, 0},
      {{"handling=\"lenien\\"}, 0},
      {{"handling=\"lenientt\""}, 0},
      {{"handling=strict, handling=lenient"}, 0},
      {{"handling=lenient", "handling=strict"}, LENIENT},
      {{"foo=\"handling=lenient, respond-async\""}, 0},
      {{"foo=\"\\\", respond-async, \""}, 0},
      {{"=x, ;, \"\", foo;bar, wait=100, respond-async"}, ASYNC},
      {{"respond-async, separate-export-status"}, ASYNC | SEPARATE},
      {{"separate-export-status;x=y"}, SEPARATE},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fhx__preferences read;
    fhx__problem problem;
    test_require_status(read_headers("prefer", cases[i].values, &read, &problem), FHX_OK);
    test_require(read.respond_async == ((cases[i].wanted & ASYNC) != 0));
    test_require(read.handling_lenient == ((cases[i].wanted & LENIENT) != 0));
    test_require(read.separate_export_status == ((cases[i].wanted & SEPARATE) != 0));
  }
}

/* Only headers of these names count, and what a host leaves out is nothing. */
static void other_headers(void **state) {
  static const char *const headers[] = {"X-Accept", "text/html", "Accep",  "text/html",
                                        NULL,       "text/html", "Prefer", NULL,
                                        "Accept",   NULL,        "Accept", "application/json"};
  fhx__preferences preferences;
  fhx__problem problem;
  (void)state;
  assert_int_equal(fhx__preferences_read(headers, 6, &preferences, &problem), FHX_OK);
  assert_int_equal(fhx__preferences_read(NULL, 0, &preferences, &problem), FHX_OK);
  assert_false(preferences.respond_async);
}

static void found(void **state) {
  static const char *const headers[] = {NULL, "x", "Ran", "1", "range", "2", "RANGE", "3"};
  (void)state;
  assert_string_equal(fhx__header(headers, 4, "Range"), "2");
  assert_null(fhx__header(headers, 2, "Range"));
  assert_null(fhx__header(headers, 4, "Rang"));
  assert_null(fhx__header(NULL, 0, "Range"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(admitted),      cmocka_unit_test(not_admitted), cmocka_unit_test(preferred),
      cmocka_unit_test(other_headers), cmocka_unit_test(found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
