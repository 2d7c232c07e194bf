/*
 * Binaries of patients, which are exported as DocumentReferences (FILTER-12).
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/checksum.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/small_source.h"

#define OF(type, id) "{\"resourceType\":\"" type "\",\"id\":\"" id "\""
#define CONTEXT(reference) ",\"securityContext\":{\"reference\":\"" reference "\"}"
#define UPDATED(day) ",\"meta\":{\"lastUpdated\":\"2024-05-0" day "T00:00:00Z\"}"
#define LONG_ID "x123456789y123456789z123456789a123456789b123456789c123456"
#define TOO_LONG_ID LONG_ID "8"

static const char *const types[] = {"Patient", "Binary", "DocumentReference", "Observation", NULL};

static const test_small_row rows[] = {
    {"Patient", "p", "p", 0, OF("Patient", "p") "}"},
    {"Patient", "q", "q", 0, OF("Patient", "q") "}"},
    {"DocumentReference", "d", "p", 0,
     OF("DocumentReference", "d") ",\"subject\":{\"reference\":\"Patient/p\"}}"},
    {"Observation", "o", "p", 0,
     OF("Observation", "o") ",\"subject\":{\"reference\":\"Patient/p\"},\"derivedFrom\":"
                            "[{\"reference\":\"Binary/c\"},{\"reference\":\"Binary/a\"}]}"},
    {"Binary", "a", "", 0,
     "{\"resourceType\":\"Binary\",\"id\":\"a\",\"meta\":{\"security\":[{\"code\":\"R\"}],"
     "\"lastUpdated\":\"2024-05-02T00:00:00Z\"},\"contentType\":\"text\\/plain\"" CONTEXT(
         "Patient/p") ",\"data\":\"YQ==\"}"},
    {"Binary", "b", "", 0,
     " { \"resourceType\" : \"Binary\", \"id\" : \"b\" " CONTEXT("Patient/q/_history/3") " }"},
    {"Binary", "c", "", 0, OF("Binary", "c") CONTEXT("Practitioner/x") ",\"data\":\"\"}"},
    {"Binary", "e", "", 0, OF("Binary", "e") "}"},
};

#define DOCUMENT(id, meta, patient, attachment)                                \
  OF("DocumentReference", id)                                                  \
  meta ",\"status\":\"current\",\"subject\":{\"reference\":\"Patient/" patient \
       "\"},\"content\":[{\"attachment\":" attachment "}]}"
#define DOCUMENT_A                                                                                 \
  DOCUMENT("binary-a",                                                                             \
           ",\"meta\":{\"lastUpdated\":\"2024-05-02T00:00:00Z\",\"security\":[{\"code\":\"R\"}]}", \
           "p", "{\"contentType\":\"text\\/plain\",\"data\":\"YQ==\"}")
#define DOCUMENT_B DOCUMENT("binary-b", "", "q", "{\"contentType\":\"application/octet-stream\"}")

static void begin_reading(test_small_job *of, test_small_source *small, const test_small_row *first,
                          size_t count, bool reads) {
  memset(small, 0, sizeof *small);
  small->reads = reads;
  small->rows = first;
  small->row_count = count;
  small->types = types;
  small->applied = FHX_APPLIED_TYPE;
  test_small_prepare(of, small);
}

static void begin(test_small_job *of, test_small_source *small, const test_small_row *first,
                  size_t count) {
  begin_reading(of, small, first, count, false);
}

static fhx_filter *filter_of(const char *const *named, bool all_patients, const char *patient) {
  fhx_filter *filter = NULL;
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  for (; named != NULL && *named != NULL; named++) {
    test_require_status(fhx_filter_add_type(filter, *named, NULL), FHX_OK);
  }
  if (all_patients) test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
  if (patient != NULL) test_require_status(fhx_filter_add_patient(filter, patient, NULL), FHX_OK);
  return filter;
}

static void run(test_small_job *of, fhx_filter *filter) {
  test_small_start(of, filter);
  if (of->job == NULL) test_scenario("%s", of->message);
  test_require_status(of->status, FHX_OK);
  test_small_run(of);
}

/* Whether one object whose name has this in it holds exactly this text. */
static void expect_object(test_small_job *of, const char *name, const char *text, size_t len) {
  test_objects objects = test_destination_objects(of->destination);
  for (size_t i = 0; i < objects.count; i++) {
    const test_object *object = &objects.items[i];
    if (strstr(object->name, name) == NULL) continue;
    test_require(object->len == len && memcmp(object->data, text, len) == 0);
    return;
  }
  test_scenario("there is no object %s", name);
  test_require(false);
}

/* --- who is exported, and as what --- */

typedef struct outcome {
  const char *const *named;
  bool all_patients;
  const char *patient;
  const char *output;
} outcome;

static const outcome outcomes[] = {
    {NULL, false, NULL,
     "Binary/c Binary/e DocumentReference/binary-a DocumentReference/binary-b DocumentReference/d "
     "Observation/o Patient/p Patient/q"},
    {NULL, true, NULL,
     "DocumentReference/binary-a DocumentReference/binary-b DocumentReference/d Observation/o "
     "Patient/p Patient/q"},
    {NULL, false, "p", "DocumentReference/binary-a DocumentReference/d Observation/o Patient/p"},
    {(const char *const[]){"DocumentReference", NULL}, false, "q", "DocumentReference/binary-b"},
    {(const char *const[]){"DocumentReference", NULL}, false, NULL,
     "DocumentReference/binary-a DocumentReference/binary-b DocumentReference/d"},
    {(const char *const[]){"Binary", NULL}, false, NULL, "Binary/c Binary/e"},
    {(const char *const[]){"Binary", "Patient", NULL}, true, NULL, "Patient/p Patient/q"},
    {(const char *const[]){"Binary", "Patient", NULL}, false, "nobody", ""},
};

static void whose_they_are(void **state) {
  (void)state;
  for (size_t i = 0; i < 3 * sizeof outcomes / sizeof outcomes[0]; i++) {
    const outcome *wanted = &outcomes[i / 3];
    test_small_source small;
    test_small_job of;
    test_scenario("outcome %zu", i);
    begin(&of, &small, rows, sizeof rows / sizeof rows[0]);
    /* A source that selects patients must not be asked to do so among Binaries. */
    static const uint32_t applied[] = {0, FHX_APPLIED_TYPE,
                                       FHX_APPLIED_TYPE | FHX_APPLIED_SINCE | FHX_APPLIED_PATIENTS};
    small.applied = applied[i % 3];
    run(&of, filter_of(wanted->named, wanted->all_patients, wanted->patient));
    test_small_check(&of, wanted->output);
    test_small_end(&of);
  }
}

static void the_document(void **state) {
  (void)state;
  static const char text[] = DOCUMENT_A "\n" DOCUMENT_B "\n";
  test_small_source small;
  test_small_job of;
  begin(&of, &small, rows, sizeof rows / sizeof rows[0]);
  run(&of, NULL);
  /* Behind the type's own task, which has the number 0. */
  test_require_status(of.status, FHX_OK);
  expect_object(&of, "/DocumentReference-1-", text, sizeof text - 1);
  fhx_part_page *page = NULL;
  uint64_t after = 0, count = 0;
  test_require_status(fhx_job_parts_new(of.job, &after, 100, &page, NULL), FHX_OK);
  for (uint32_t i = 0; i < fhx_part_page_count(page); i++) {
    const fhx_part *part = fhx_part_page_part(page, i);
    if (strcmp(fhx_part_resource_type(part), "DocumentReference") == 0) {
      count += fhx_part_resource_count(part);
    }
  }
  assert_int_equal(count, 3);
  fhx_part_page_free(page);
  test_small_end(&of);
}

/* A source that does not say what it has is asked for Binaries only when the client names them. */
static void sources_without_types(void **state) {
  (void)state;
  for (int both = 0; both < 2; both++) {
    const char *const named[] = {"DocumentReference", both != 0 ? "Binary" : NULL, NULL};
    test_small_source small;
    test_small_job of;
    test_scenario("both %d", both);
    memset(&small, 0, sizeof small);
    small.rows = rows;
    small.row_count = sizeof rows / sizeof rows[0];
    small.hides_types = true;
    test_small_prepare(&of, &small);
    run(&of, filter_of(named, true, NULL));
    test_small_check(&of, both != 0 ? "DocumentReference/binary-a DocumentReference/binary-b "
                                      "DocumentReference/d"
                                    : "DocumentReference/d");
    test_small_end(&of);
  }
}

/* Nor does one come as a Binary because something refers to it. */
static void associated_binaries(void **state) {
  (void)state;
  for (int reads = 0; reads < 2; reads++) {
    test_small_source small;
    test_small_job of;
    test_scenario("associated, reads %d", reads);
    begin_reading(&of, &small, rows, sizeof rows / sizeof rows[0], reads != 0);
    of.options.associated_types = "Binary";
    run(&of, filter_of(NULL, false, "p"));
    test_small_check(&of,
                     "Binary/c DocumentReference/binary-a DocumentReference/d Observation/o "
                     "Patient/p");
    test_small_end(&of);
  }
}

/* --- the window, and Groups --- */

static const char *const members[] = {"Patient/p", "Patient/q"};
static const test_small_group group = {"g", members, 2};

static const test_small_row dated[] = {
    {"Patient", "p", "p", 0, OF("Patient", "p") UPDATED("1") "}"},
    {"Patient", "q", "q", 0, OF("Patient", "q") UPDATED("1") "}"},
    {"Patient", "r", "r", 0, OF("Patient", "r") UPDATED("1") "}"},
    {"Binary", "1", "", 0, OF("Binary", "1") UPDATED("1") CONTEXT("Patient/p") "}"},
    {"Binary", "2", "", 0, OF("Binary", "2") UPDATED("3") CONTEXT("Patient/p") "}"},
    {"Binary", "3", "", 0, OF("Binary", "3") CONTEXT("Patient/q") "}"},
    {"Binary", "4", "", 0, OF("Binary", "4") UPDATED("3") CONTEXT("Patient/r") "}"},
    {"Binary", "5", "", INT64_C(1714608000000000),
     OF("Binary", "5") UPDATED("3") CONTEXT("Patient/p") "}"},
};

static void in_the_window_and_the_group(void **state) {
  (void)state;
  for (uint32_t applied = 0; applied < 2; applied++) {
    test_small_source small;
    test_small_job of;
    fhx_filter *filter = filter_of(NULL, false, NULL);
    test_scenario("window, applied %u", (unsigned)applied);
    test_require_status(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
    test_require_status(fhx_filter_set_since(filter, "2024-05-02T00:00:00Z", NULL), FHX_OK);
    memset(&small, 0, sizeof small);
    small.rows = dated;
    small.row_count = sizeof dated / sizeof dated[0];
    small.types = types;
    small.lists_members = true;
    small.groups = &group;
    small.group_count = 1;
    small.applied = applied == 0 ? 0 : FHX_APPLIED_TYPE;
    test_small_prepare(&of, &small);
    run(&of, filter);
    test_small_check(&of, "DocumentReference/binary-2 DocumentReference/binary-3");
    test_small_end(&of);
  }
}

#define DAY_1_US INT64_C(1714521600000000)
#define DAY_3_US INT64_C(1714694400000000)

static const test_small_row joined[] = {
    {"Patient", "p", "p", 0, OF("Patient", "p") UPDATED("1") "}"},
    {"Patient", "q", "q", 0, OF("Patient", "q") UPDATED("1") "}"},
    {"Group", "g", "", 0,
     OF("Group", "g") ",\"type\":\"person\",\"actual\":true,\"member\":[{\"entity\":{\"reference\":"
                      "\"Patient/p\"}},{\"entity\":{\"reference\":\"Patient/q\"},\"period\":"
                      "{\"start\":\"2024-05-04\"}}]}"},
    {"Binary", "1", "", DAY_1_US, OF("Binary", "1") UPDATED("1") CONTEXT("Patient/p") "}"},
    {"Binary", "2", "", DAY_1_US, OF("Binary", "2") UPDATED("1") CONTEXT("Patient/q") "}"},
    {"Binary", "3", "", DAY_3_US, OF("Binary", "3") UPDATED("3") CONTEXT("Patient/p") "}"},
};

static void new_members(void **state) {
  (void)state;
  for (uint32_t is_new = 0; is_new < 2; is_new++) {
    test_small_source small;
    test_small_job of;
    fhx_filter *filter = filter_of((const char *const[]){"DocumentReference", NULL}, false, NULL);
    test_scenario("new members %u", (unsigned)is_new);
    test_require_status(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
    test_require_status(fhx_filter_set_since(filter, "2024-05-02T00:00:00Z", NULL), FHX_OK);
    begin(&of, &small, joined, sizeof joined / sizeof joined[0]);
    small.applied = FHX_APPLIED_TYPE | FHX_APPLIED_SINCE;
    of.options.flags = is_new != 0 ? FHX_JOB_NEW_MEMBERS : 0;
    run(&of, filter);
    test_small_check(&of, is_new != 0 ? "DocumentReference/binary-2 DocumentReference/binary-3"
                                      : "DocumentReference/binary-3");
    test_small_end(&of);
  }
}

/* --- ids --- */

static void long_ids(void **state) {
  (void)state;
  static const test_small_row some[] = {
      {"Binary", LONG_ID, "", 0, OF("Binary", LONG_ID) CONTEXT("Patient/p") "}"},
      {"Binary", TOO_LONG_ID, "", 0, OF("Binary", TOO_LONG_ID) CONTEXT("Patient/p") "}"},
  };
  static const char whole[] = "binary-" TOO_LONG_ID;
  uint8_t sum[32];
  char output[400];
  test_small_source small;
  test_small_job of;
  /* Which is to be 64 characters long, and so much too long. */
  assert_int_equal(sizeof "binary-" LONG_ID - 1, 64);
  int len = snprintf(output, sizeof output, "DocumentReference/");
  test_sha256(sum, whole, sizeof whole - 1);
  for (size_t i = 0; i < sizeof sum; i++) {
    len += snprintf(output + len, sizeof output - (size_t)len, "%02x", sum[i]);
  }
  snprintf(output + len, sizeof output - (size_t)len, " DocumentReference/binary-" LONG_ID);
  begin(&of, &small, some, 2);
  run(&of, NULL);
  test_small_check(&of, output);
  test_small_end(&of);
}

/* --- bad Binaries --- */

static void bad_ones(void **state) {
  (void)state;
  static const test_small_row some[] = {
      {"Patient", "p", "p", 0, OF("Patient", "p") "}"},
      {"Binary", "SECRET", "", 0, OF("Binary", "SECRET") CONTEXT("Patient/p") ",\"data\":}"},
  };
  static const char *const document[] = {"DocumentReference", NULL};
  for (int i = 0; i < 4; i++) {
    test_small_source small;
    test_small_job of;
    bool found = false;
    test_scenario("bad %d", i);
    begin(&of, &small, some, 2);
    run(&of, filter_of((i & 1) != 0 ? document : NULL, false, (i & 2) != 0 ? "p" : NULL));
    /* Once, and at system level by its name. */
    assert_int_equal(test_small_lines(&of, "SECRET", &found), 1);
    assert_int_equal(found, (i & 2) == 0);
    test_small_lines(&of, (i & 2) == 0 ? "Binary/SECRET was not" : "of type Binary was not",
                     &found);
    test_require(found);
    test_small_end(&of);
  }
}

/* --- long ones, hooks --- */

#define LONG_BYTES ((size_t)3000000)

static char *long_binary(const char *gap, size_t *len) {
  char head[300];
  int head_len =
      snprintf(head, sizeof head,
               "{%s\"resourceType\":\"Binary\",%s\"id\":\"l\",%s\"meta\":{\"security\":[%s{}]},"
               "\"securityContext\":"
               "{\"reference\":\"Patient/p\"},\"data\":\"",
               gap, gap, gap, gap);
  char *text = malloc((size_t)head_len + LONG_BYTES + 3);
  test_require(text != NULL);
  memcpy(text, head, (size_t)head_len);
  memset(text + head_len, 'A', LONG_BYTES);
  memcpy(text + head_len + LONG_BYTES, "\"}", 3);
  *len = (size_t)head_len + LONG_BYTES + 2;
  return text;
}

typedef struct seen {
  char reference[100];
  size_t len;
  bool drops;
} seen;

static void resource_hook(void *user_data, const fhx_query *query, const char *reference,
                          const void *data, size_t len, fhx_reply *reply) {
  seen *at = user_data;
  (void)query;
  if (memcmp(data, OF("DocumentReference", "binary-l"), 45) != 0) test_violation("another text");
  snprintf(at->reference, sizeof at->reference, "%s", reference);
  at->len = len;
  if (at->drops) {
    fhx_reply_fail(reply, FHX_ERR_DENIED, 0, "no consent");
  } else {
    fhx_reply_done(reply);
  }
}

/* Nothing but what it has to be, whatever white space the Binary had. */
static void check_long_document(test_small_job *of) {
  static const char head[] = OF("DocumentReference", "binary-l") ",\"meta\":{\"security\":[{}]},"
      "\"status\":\"current\",\"subject\":{\"reference\":\"Patient/p\"},\"content\":[{\"attachment\":"
      "{\"contentType\":\"application/octet-stream\",\"data\":\"";
  static const char tail[] = "\"}}]}\n";
  const size_t len = sizeof head - 1 + LONG_BYTES + sizeof tail - 1;
  char *text = malloc(len);
  test_require(text != NULL);
  memcpy(text, head, sizeof head - 1);
  memset(text + sizeof head - 1, 'A', LONG_BYTES);
  memcpy(text + sizeof head - 1 + LONG_BYTES, tail, sizeof tail - 1);
  expect_object(of, "/DocumentReference-", text, len);
  free(text);
}

static void long_ones_and_hooks(void **state) {
  (void)state;
  for (int i = 0; i < 8; i++) {
    size_t len = 0;
    char *text = long_binary((i & 1) != 0 ? "\n " : "", &len);
    const test_small_row one = {"Binary", "l", "", 0, text};
    test_small_source small;
    test_small_job of;
    seen saw = {.drops = (i & 4) != 0};
    bool found = false;
    test_scenario("long %d", i);
    begin(&of, &small, &one, 1);
    if ((i & 6) != 0) of.options.resource_hook = resource_hook;
    of.options.hook_data = &saw;
    run(&of, NULL);
    test_small_check(&of, saw.drops ? "" : "DocumentReference/binary-l");
    if ((i & 6) != 0) assert_string_equal(saw.reference, "DocumentReference/binary-l");
    if ((i & 6) != 0) test_require(saw.len > LONG_BYTES);
    if (!saw.drops) check_long_document(&of);
    test_small_lines(&of, "DocumentReference/binary-l was not exported: the host's hook: no",
                     &found);
    assert_int_equal(found, saw.drops);
    test_small_end(&of);
    free(text);
  }
}

/* What is added may be too much. */
static void longer_than_allowed(void **state) {
  (void)state;
  test_small_source small;
  test_small_job of;
  bool found = false;
  begin(&of, &small, &rows[4], 1);
  of.options.resource_bytes_max = strlen(rows[4].json);
  run(&of, NULL);
  test_small_check(&of, "");
  test_small_lines(&of, "Binary/a was not exported: as a DocumentReference it is longer", &found);
  test_require(found);
  test_small_end(&of);
}

/* --- resume, and memory that runs out --- */

typedef struct failing {
  uint64_t at;
  bool failed;
} failing;

static bool fail_once(void *context, test_small_call call, uint64_t number, fhx_reply *reply) {
  failing *with = context;
  if (call != TEST_SMALL_NEXT || number != with->at) return false;
  with->failed = true;
  fhx_reply_fail(reply, FHX_ERR_IO, 1, "for a moment");
  return true;
}

static void resumes(void **state) {
  (void)state;
  failing with = {.failed = true};
  for (with.at = 1; with.failed; with.at++) {
    test_small_source small;
    test_small_job of;
    test_scenario("failure at %d", (int)with.at);
    begin(&of, &small, rows, sizeof rows / sizeof rows[0]);
    small.tokens = with.at % 2 == 0;
    small.hook = fail_once;
    small.hook_context = &with;
    of.options.part_count = 1;
    with.failed = false;
    run(&of, NULL);
    test_small_check(&of, outcomes[0].output);
    test_small_end(&of);
  }
  test_require(with.at > 17);
}

static void memory_runs_out(void **state) {
  (void)state;
  size_t len = 0;
  char *text = long_binary(" ", &len);
  const test_small_row some[] = {rows[0], rows[4], {"Binary", "l", "", 0, text}};
  for (uint64_t number = 1;; number += test_step(7)) {
    test_small_source small;
    test_small_job of;
    test_scenario("allocation %d", (int)number);
    test_memory_begin(number);
    begin(&of, &small, some, 3);
    if (of.options.source == NULL || of.options.destination == NULL) {
      test_memory_recover();
    } else {
      test_small_start(&of, NULL);
      for (int i = 0; of.job != NULL && i < 9; i++) {
        test_small_run(&of);
        if (of.status == FHX_OK || of.status == FHX_ERR_JOB_FAILED) break;
      }
      test_memory_recover();
      test_require(strstr(of.message, "memory") != NULL || of.status == FHX_OK);
      if (of.status == FHX_OK) {
        test_small_check(&of, "DocumentReference/binary-a DocumentReference/binary-l Patient/p");
      }
    }
    test_small_end(&of);
    if (!test_memory_end()) break;
  }
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whose_they_are),
      cmocka_unit_test(the_document),
      cmocka_unit_test(sources_without_types),
      cmocka_unit_test(associated_binaries),
      cmocka_unit_test(in_the_window_and_the_group),
      cmocka_unit_test(new_members),
      cmocka_unit_test(long_ids),
      cmocka_unit_test(bad_ones),
      cmocka_unit_test(long_ones_and_hooks),
      cmocka_unit_test(longer_than_allowed),
      cmocka_unit_test(resumes),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}
