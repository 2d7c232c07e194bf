/* Which content coding an Accept-Encoding asks for (FILE-06; RFC 9110, 12.5.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "request/request.h"
#include "support/require.h"

typedef struct coding_case {
  const char *value;
  fhx__coding coding;
} coding_case;

static fhx__coding read_one(const char *value) {
  const char *headers[] = {"Accept", "gzip", "accept-ENCODING", value};
  return fhx__coding_read(headers, 2);
}

static void check(const coding_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    test_scenario("%s", cases[i].value);
    test_require(read_one(cases[i].value) == cases[i].coding);
  }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof *(cases))

static void gzip(void **state) {
  static const coding_case cases[] = {
      {"gzip", FHX__CODING_GZIP},
      {"x-gzip", FHX__CODING_GZIP},
      {"GZip", FHX__CODING_GZIP},
      {"deflate, gzip, br", FHX__CODING_GZIP},
      {"br;q=1.0, gzip;q=0.8, *;q=0.1", FHX__CODING_GZIP},
      {"*", FHX__CODING_GZIP},
      {"br, *;q=0.001", FHX__CODING_GZIP},
      {"gzip;q=0.5", FHX__CODING_GZIP},
      {"gzip ; q=0.5 ; x=y", FHX__CODING_GZIP},
      {"gzip;q=1.000, identity;q=1", FHX__CODING_GZIP},
      {"gzip;q=0.2, identity;q=0.1", FHX__CODING_GZIP},
      {"gzip, identity;q=0", FHX__CODING_GZIP},
      {"gzip, *;q=0", FHX__CODING_GZIP},
      {"identity;q=0, *;q=0.5", FHX__CODING_GZIP},
      {"gzip;q=.5", FHX__CODING_GZIP},
      {"gzip;q=", FHX__CODING_GZIP},
      {",, gzip ,", FHX__CODING_GZIP},
  };
  (void)state;
  CHECK(cases);
}

static void identity(void **state) {
  static const coding_case cases[] = {
      {"", FHX__CODING_IDENTITY},
      {"identity", FHX__CODING_IDENTITY},
      {"br", FHX__CODING_IDENTITY},
      {"gzip;q=0", FHX__CODING_IDENTITY},
      {"gzip;q=0.000", FHX__CODING_IDENTITY},
      {"gzip;Q=0, *", FHX__CODING_IDENTITY},
      {"*, gzip;q=0", FHX__CODING_IDENTITY},
      {"identity, gzip;q=0.9", FHX__CODING_IDENTITY},
      {"gzip;q=0.5, *;q=0.6", FHX__CODING_IDENTITY},
      {"identity;q=0.3, gzip;q=0.29", FHX__CODING_IDENTITY},
      {"identity;q=0.5, *;q=0", FHX__CODING_IDENTITY},
      {"identity;q=0.001, gzip;q=0", FHX__CODING_IDENTITY},
      {"gzipped", FHX__CODING_IDENTITY},
      {"gzi", FHX__CODING_IDENTITY},
      {"\"gzip\"", FHX__CODING_IDENTITY},
      {"gzip/1", FHX__CODING_IDENTITY},
  };
  (void)state;
  CHECK(cases);
  assert_int_equal(fhx__coding_read(NULL, 0), FHX__CODING_IDENTITY);
  const char *other[] = {"TE", "gzip", "Accept-Encoding", NULL};
  assert_int_equal(fhx__coding_read(other, 2), FHX__CODING_IDENTITY);
}

static void none(void **state) {
  static const coding_case cases[] = {
      {"identity;q=0", FHX__CODING_NONE},    {"*;q=0", FHX__CODING_NONE},
      {"br, *;q=0", FHX__CODING_NONE},       {"gzip;q=0, identity;q=0", FHX__CODING_NONE},
      {"gzip;q=0, *;q=0", FHX__CODING_NONE}, {"identity;q=0.0, br", FHX__CODING_NONE},
  };
  (void)state;
  CHECK(cases);
}

/* Several fields are one list (RFC 9110, 5.3). */
static void several_fields(void **state) {
  const char *headers[] = {"Accept-Encoding", "br", "Accept-Encoding", "gzip;q=0.5"};
  const char *against[] = {"Accept-Encoding", "gzip", "Accept-Encoding", "identity;q=0, gzip;q=0"};
  (void)state;
  assert_int_equal(fhx__coding_read(headers, 2), FHX__CODING_GZIP);
  assert_int_equal(fhx__coding_read(against, 2), FHX__CODING_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gzip),
      cmocka_unit_test(identity),
      cmocka_unit_test(none),
      cmocka_unit_test(several_fields),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
