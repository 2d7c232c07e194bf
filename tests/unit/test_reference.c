/* What a reference means, and below which base it counts (FILTER-34). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "select/reference.h"

/* Whether the text between a string's quotes means the patient "p1" of the server at this base. */
static bool refers_to(const char *base_url, const char *reference) {
  fhx__raw_string string = {reference, strlen(reference), strchr(reference, '\\') != NULL};
  char id[FHX__ID_MAX + 1];
  size_t len = 0;
  bool found = fhx__reference_patient(string, base_url, id, &len);
  if (found) assert_int_equal(len, strlen(id));
  return found && strcmp(id, "p1") == 0;
}

static bool refers(const char *reference) {
  bool found = refers_to(NULL, reference);
  assert_true(found == refers_to("", reference));
  return found;
}

static void references_that_count(void **state) {
  static const char *const references[] = {
      "Patient/p1",
      "Patient/p1/_history/1",
      "http://example.org/fhir/Patient/p1",
      "https://example.org/fhir/Patient/p1",
      "https://example.org/Patient/p1/_history/v-2.0",
      "http://localhost:8080/a/b/c/Patient/p1",
      "https://example.org/fhir//Patient/p1",
      "https://example.org/Patient/Patient/p1",
      "https://Patient/Patient/p1",
      /* Escapes count as what they spell. */
      "Patient\\/p1",
      "\\u0050atient\\u002fp\\u0031",
      "https:\\/\\/example.org\\/fhir\\/Patient\\/p1\\/_history\\/1",
  };
  (void)state;
  for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
    if (!refers(references[i])) fail_msg("%s", references[i]);
  }
}

static void references_that_do_not(void **state) {
  static const char *const references[] = {
      "",
      "p1",
      "/",
      "Patient",
      "Patient/",
      "/Patient/p1",
      "Patient//p1",
      "Patient/p1/",
      "Patient/p11",
      "Patient/P1",
      "patient/p1",
      "Patients/p1",
      "xPatient/p1",
      "fhir/Patient/p1",
      "example.org/Patient/p1",
      "#p1",
      "#Patient/p1",
      "Patient/#p1",
      "Patient/p1#name",
      "Patient/p1?_format=json",
      "Patient?identifier=p1",
      "https://example.org/fhir?of=/Patient/p1",
      "https://example.org/fhir#/Patient/p1",
      "urn:uuid:p1",
      "urn:oid:1.2.3",
      "urn:Patient/p1",
      "ftp://example.org/Patient/p1",
      "file:///Patient/p1",
      "http:/Patient/p1",
      "http://Patient/p1",
      "http:///Patient/p1",
      "http:////Patient/p1",
      "https:///fhir/Patient/p1",
      "https://Patient/p1/_history/1",
      "Observation/p1",
      "Observation/Patient/p1",
      "Patient/p1/Observation/p1",
      "Patient/p1/_history",
      "Patient/p1/_history/",
      "Patient/p1/_history/a b",
      "Patient/p1/_history/1/2",
      "Patient/p1/_history/1/_history/2",
      "_history/p1",
      "Patient/_history/p1",
      " Patient/p1",
      "Patient/p1 ",
      "Patient/p1\\u0000",
      "Patient/\\u0170p1",
      "Patient/p\\u0131",
      "P\\u00e1tient/p1",
      "Patient\\\\/p1",
      "Patient/p1\\n",
      "Patient/p\xC4\xB1",
  };
  (void)state;
  for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
    if (refers(references[i])) fail_msg("%s", references[i]);
  }
}

/* A base of any length, plain and written with escapes. */
static void long_bases(void **state) {
  static const char ending[] = "/Patient/p1/_history/1";
  char reference[3000];
  (void)state;
  for (size_t len = 9; len + sizeof ending <= sizeof reference; len += 7) {
    memset(reference, 'a', len);
    memcpy(reference, "https://", 8);
    memcpy(reference + len, ending, sizeof ending);
    assert_true(refers(reference));
    memcpy(reference + len, "\\/Patient\\/p1", sizeof "\\/Patient\\/p1");
    assert_true(refers(reference));
    reference[4] = 'x';
    assert_false(refers(reference));
    memcpy(reference, "https://", 8);
    reference[8] = '?';
    assert_false(refers(reference));
  }
}

static void longest_ids(void **state) {
  char reference[300], id[65];
  (void)state;
  memset(id, 'a', 64);
  id[64] = '\0';
  snprintf(reference, sizeof reference, "Patient/p1/_history/%s", id);
  assert_true(refers(reference));
  snprintf(reference, sizeof reference, "Patient/p1/_history/%sa", id);
  assert_false(refers(reference));
  snprintf(reference, sizeof reference, "Patient/%sa", id);
  assert_false(refers(reference));
}

/* --- the server's own base --- */

#define BASE "https://example.org/fhir"

static void below_the_base(void **state) {
  static const char *const references[] = {
      "Patient/p1",
      "Patient/p1/_history/1",
      BASE "/Patient/p1",
      BASE "/Patient/p1/_history/1",
      "https:\\/\\/example.org\\/fhir\\/Patient\\/p1",
      "\\u0068ttps://example.org/fhir/Patient/p1/_history/2",
  };
  (void)state;
  for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
    if (!refers_to(BASE, references[i])) fail_msg("%s", references[i]);
    if (!refers_to(BASE "/", references[i])) fail_msg("%s", references[i]);
  }
}

static void not_below_the_base(void **state) {
  static const char *const references[] = {
      "http://example.org/fhir/Patient/p1",
      "https://example.org/Patient/p1",
      "https://example.org/fhir2/Patient/p1",
      "https://example.org/fhi/Patient/p1",
      "https://example.org/FHIR/Patient/p1",
      "https://EXAMPLE.org/fhir/Patient/p1",
      "HTTPS://example.org/fhir/Patient/p1",
      "https://example.org:443/fhir/Patient/p1",
      "https://example.orgx/fhir/Patient/p1",
      "https://other.example/fhir/Patient/p1",
      "https://other.example/https://example.org/fhir/Patient/p1",
      BASE "//Patient/p1",
      BASE "/tenant/Patient/p1",
      BASE "/Patient/p1/Patient/p1",
      BASE "/Patient/p1?x",
      BASE "/Patient/p1/",
      BASE "/Patient/p2",
      BASE "/Group/p1",
      BASE "Patient/p1",
      BASE,
      BASE "/",
      "\\u0068ttps://example.org/fhi/Patient/p1",
      "https:\\/\\/example.org\\/fhir\\/a\\/Patient\\/p1",
      "https:\\/\\/example.org\\/fhi\\u0072\\u0072\\/Patient\\/p1",
  };
  (void)state;
  for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
    if (refers_to(BASE, references[i])) fail_msg("%s", references[i]);
    if (refers_to(BASE "/", references[i])) fail_msg("%s", references[i]);
  }
}

/* A base longer than what is kept of a text with escapes. */
static void a_long_base(void **state) {
  static const char ending[] = "/Patient/p1";
  char base[2000], reference[2100];
  (void)state;
  for (size_t len = 9; len < sizeof base; len += 13) {
    memset(base, 'a', len);
    memcpy(base, "https://", 8);
    base[len] = '\0';
    memcpy(reference, base, len);
    memcpy(reference + len, ending, sizeof ending);
    assert_true(refers_to(base, reference));
    memcpy(reference + len, "\\/Patient\\/p1", sizeof "\\/Patient\\/p1");
    assert_true(refers_to(base, reference));
    reference[len - 1] = 'b';
    assert_false(refers_to(base, reference));
    memcpy(reference + len, ending, sizeof ending);
    assert_false(refers_to(base, reference));
    base[len - 1] = '\0';
    assert_false(refers_to(base, reference));
  }
}

/* --- any type --- */

static void any_type(void **state) {
  static const struct {
    const char *reference;
    const char *type;
    const char *id;
  } cases[] = {
      {"Group/g-1", "Group", "g-1"},
      {"Patient/p1", "Patient", "p1"},
      {"Observation/o.1/_history/7", "Observation", "o.1"},
      {BASE "/Device/d", "Device", "d"},
      {"https:\\/\\/example.org\\/fhir\\/Device\\/d\\/_history\\/1", "Device", "d"},
  };
  static const char *const bad[] = {
      "#g",        "urn:uuid:1", "group/g",     "Group/",
      "Group/a b", "Gr0up/g",    "Group?_id=g", "https://o.example/Group/g"};
  char type[FHX__TYPE_MAX + 1], id[FHX__ID_MAX + 1], longest[300], name[65];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *text = cases[i].reference;
    fhx__raw_string string = {text, strlen(text), strchr(text, '\\') != NULL};
    if (!fhx__reference_read(string, BASE, type, id)) fail_msg("%s", text);
    assert_string_equal(type, cases[i].type);
    assert_string_equal(id, cases[i].id);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fhx__raw_string string = {bad[i], strlen(bad[i]), false};
    if (fhx__reference_read(string, BASE, type, id)) fail_msg("%s", bad[i]);
  }
  /* Type, id and version as long as they may be, behind a base that is not kept as a whole. */
  memset(name, 'A', 64);
  name[64] = '\0';
  memset(longest, 0, sizeof longest);
  snprintf(longest, sizeof longest, "\\u0068ttps://example.org/fhir/%s/%s/_history/%s", name, name,
           name);
  fhx__raw_string string = {longest, strlen(longest), true};
  assert_true(fhx__reference_read(string, BASE, type, id));
  assert_string_equal(type, name);
  assert_string_equal(id, name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(references_that_count),
      cmocka_unit_test(references_that_do_not),
      cmocka_unit_test(long_bases),
      cmocka_unit_test(longest_ids),
      cmocka_unit_test(below_the_base),
      cmocka_unit_test(not_below_the_base),
      cmocka_unit_test(a_long_base),
      cmocka_unit_test(any_type),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
