/*
 * The host's hooks: what they are told, what becomes of each answer, and what they cost when they
 * are hostile (hooks.h; FILE-19, FILE-20, FILE-22).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/memory.h"
#include "support/require.h"
#include "support/runner.h"
#include "support/setup.h"
#include "support/small_source.h"

#define OF(type, id) "{\"resourceType\":\"" type "\",\"id\":\"" id "\""

/* How a hook answers for one reference, or for every URL of it. */
typedef enum answer_kind {
  SAME,
  LEAVE_OUT,
  INSTEAD,
  FAIL,
  SILENT,
  UNFINISHED,
  TWICE,
  INSTEAD_AND_OUT,
  WRONG_KIND
} answer_kind;

typedef struct answer {
  const char *reference;
  answer_kind kind;
  const char *text;
} answer;

typedef struct host {
  const answer *answers;
  size_t answer_count;
  /* For URLs. */
  const answer *url_answers;
  size_t url_answer_count;
  atomic_int calls;
  atomic_int url_calls;
  char last_data[2000];
  char urls[1000];
} host;

static const answer *find(const answer *answers, size_t count, const char *reference) {
  static const answer same = {"", SAME, NULL};
  for (size_t i = 0; i < count; i++) {
    if (strcmp(answers[i].reference, reference) == 0) return &answers[i];
  }
  return &same;
}

static void give(const answer *with, fhx_reply *reply) {
  size_t len = with->text == NULL ? 0 : strlen(with->text);
  switch (with->kind) {
    case SAME:
      fhx_reply_done(reply);
      break;
    case LEAVE_OUT:
      fhx_reply_end(reply);
      break;
    case FAIL:
      fhx_reply_fail(reply, FHX_ERR_DENIED, 1, with->text);
      break;
    case SILENT:
      break;
    case WRONG_KIND:
      fhx_reply_wait(reply, 5);
      fhx_reply_done(reply);
      break;
    default:
      fhx_reply_item(reply, with->text, len);
      if (with->kind == TWICE) fhx_reply_item(reply, with->text, len);
      if (with->kind == INSTEAD_AND_OUT) fhx_reply_end(reply);
      if (with->kind == INSTEAD || with->kind == TWICE) fhx_reply_done(reply);
      break;
  }
}

static void check_query(const fhx_query *query) {
  size_t len = 0;
  const void *context = fhx_query_host_context(query, &len);
  test_violation_unless(strcmp(fhx_query_tenant(query), "north") == 0, "another tenant");
  test_violation_unless(len == 3 && memcmp(context, "ctx", 3) == 0, "another host context");
}

static void resource_hook(void *user_data, const fhx_query *query, const char *reference,
                          const void *data, size_t len, fhx_reply *reply) {
  host *at = user_data;
  check_query(query);
  atomic_fetch_add(&at->calls, 1);
  size_t kept = len < sizeof at->last_data ? len : sizeof at->last_data - 1;
  memcpy(at->last_data, data, kept);
  at->last_data[kept] = '\0';
  give(find(at->answers, at->answer_count, reference), reply);
}

static void attachment_hook(void *user_data, const fhx_query *query, const char *reference,
                            const char *url, fhx_reply *reply) {
  host *at = user_data;
  check_query(query);
  atomic_fetch_add(&at->url_calls, 1);
  size_t used = strlen(at->urls);
  snprintf(at->urls + used, sizeof at->urls - used, "%s=%s ", reference, url);
  give(find(at->url_answers, at->url_answer_count, reference), reply);
}

/* --- jobs over a few rows --- */

typedef struct scene {
  test_small_source small;
  test_small_job job;
  host host;
} scene;

static void begin(scene *of, const test_small_row *rows, size_t count, const answer *answers,
                  size_t answer_count) {
  memset(of, 0, sizeof *of);
  of->small.rows = rows;
  of->small.row_count = count;
  of->small.applied = FHX_APPLIED_TYPE;
  of->host.answers = answers;
  of->host.answer_count = answer_count;
  test_small_prepare(&of->job, &of->small);
  of->job.options.tenant = "north";
  of->job.options.host_context = "ctx";
  of->job.options.host_context_len = 3;
  of->job.options.hook_data = &of->host;
  of->job.options.resource_hook = resource_hook;
}

static fhx_filter *of_type(const char *type) {
  fhx_filter *filter = NULL;
  test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
  test_require_status(fhx_filter_add_type(filter, type, NULL), FHX_OK);
  return filter;
}

static void run(scene *of, fhx_filter *filter) {
  test_small_start(&of->job, filter);
  if (of->job.job == NULL) test_scenario("%s", of->job.message);
  test_require_status(of->job.status, FHX_OK);
  test_small_run(&of->job);
}

/* The one output object is this text. */
static void check_text(scene *of, const char *text, size_t len) {
  test_require_status(of->job.status, FHX_OK);
  test_objects objects = test_destination_objects(of->job.destination);
  const test_object *output = NULL;
  for (size_t i = 0; i < objects.count; i++) {
    if (strstr(objects.items[i].name, "/error-") == NULL) output = &objects.items[i];
  }
  test_require(output != NULL && output->len == len);
  test_require(memcmp(output->data, text, len) == 0);
}

static void check_line(scene *of, const char *text) {
  bool found = false;
  test_small_lines(&of->job, text, &found);
  if (!found) test_scenario("no error line: %s", text);
  test_require(found);
}

static size_t line_count(scene *of) {
  bool found = false;
  return test_small_lines(&of->job, "", &found);
}

/* --- every answer --- */

static const test_small_row patients[] = {
    {"Patient", "a", "a", 0, OF("Patient", "a") "}"},
    {"Patient", "b", "b", 0, OF("Patient", "b") "}"},
    {"Patient", "c", "c", 0, OF("Patient", "c") "}"},
    {"Patient", "d", "d", 0, OF("Patient", "d") "}"},
    {"Patient", "e", "e", 0, OF("Patient", "e") "}"},
    {"Patient", "f", "f", 0, OF("Patient", "f") "}"},
    {"Patient", "g", "g", 0, OF("Patient", "g") "}"},
    {"Patient", "h", "h", 0, OF("Patient", "h") "}"},
    {"Patient", "i", "i", 0, OF("Patient", "i") "}"},
    {"Patient", "j", "j", 0, OF("Patient", "j") "}"},
    {"Patient", "k", "k", 0, OF("Patient", "k") "}"},
    {"Patient", "l", "l", 0, OF("Patient", "l") "}"},
};

static const answer patient_answers[] = {
    {"Patient/b", LEAVE_OUT, NULL},
    {"Patient/c", INSTEAD, "\n{ \"resourceType\" : \"Patient\", \"id\" : \"other\", \"n\": 1.10 }"},
    {"Patient/d", FAIL, "consent cannot\nbe read"},
    {"Patient/e", SILENT, NULL},
    {"Patient/f", INSTEAD, OF("Group", "f") "}"},
    {"Patient/g", INSTEAD, OF("Patient", "SECRET") ",\"x\":\"\xFF\"}"},
    {"Patient/h", INSTEAD, ""},
    {"Patient/i", TWICE, OF("Patient", "i") "}"},
    {"Patient/j", INSTEAD_AND_OUT, OF("Patient", "j") "}"},
    {"Patient/k", UNFINISHED, OF("Patient", "k") "}"},
    {"Patient/l", WRONG_KIND, NULL},
};

static void each_answer_costs_its_resource_alone(void **state) {
  (void)state;
  for (uint32_t trusted = 0; trusted < 2; trusted++) {
    scene of;
    test_scenario("every answer, trusted %u", (unsigned)trusted);
    begin(&of, patients, sizeof patients / sizeof patients[0], patient_answers,
          sizeof patient_answers / sizeof patient_answers[0]);
    of.job.options.flags = trusted != 0 ? FHX_JOB_TRUST_SOURCE : 0;
    run(&of, NULL);
    static const char text[] = OF("Patient", "a") "}\n" OF("Patient", "other") ",\"n\":1.10}\n";
    check_text(&of, text, sizeof text - 1);
    assert_int_equal(of.host.calls, 12);
    assert_int_equal(line_count(&of), 9);
    check_line(&of, "Patient/d was not exported: the host's hook: consent cannot be read\"");
    check_line(&of, "Patient/e was not exported: the host's hook: the callback returned without");
    check_line(&of, "Patient/f was not exported: what the host's hook made of it is of another");
    check_line(&of, "Patient/g was not exported: what the host's hook made of it is not valid UTF");
    check_line(&of, "Patient/h was not exported: what the host's hook made of it is empty");
    check_line(&of, "Patient/i was not exported: the host's hook: the callback gave more than one");
    check_line(&of,
               "Patient/j was not exported: the host's hook: the callback gave a resource and");
    check_line(&of, "Patient/k was not exported: the host's hook: the callback did not finish");
    check_line(&of, "Patient/l was not exported: the host's hook: the callback gave an answer");
    bool found = false;
    test_small_lines(&of.job, "SECRET", &found);
    test_require(!found);
    fhx_progress *progress = NULL;
    test_require_status(fhx_job_progress_new(of.job.job, &progress, NULL), FHX_OK);
    assert_int_equal(fhx_progress_error_count(progress), 9);
    assert_int_equal(fhx_progress_resource_count(progress), 2);
    fhx_progress_free(progress);
    test_small_end(&of.job);
  }
}

/* A job that was started with a hook is not run without it. */
static void a_hook_is_not_forgotten(void **state) {
  (void)state;
  fhx_store *store = NULL;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&options, &store, NULL), FHX_OK);
  scene of;
  fhx_job *again = NULL;
  begin(&of, patients, 2, NULL, 0);
  of.job.options.store = store;
  test_small_start(&of.job, NULL);
  test_require_status(of.job.status, FHX_OK);
  of.job.options.resource_hook = NULL;
  test_require_status(fhx_job_attach(&of.job.options, fhx_job_id(of.job.job), &again, NULL),
                      FHX_ERR_MISUSE);
  test_small_end(&of.job);
  fhx_store_free(store);
}

/* --- long resources --- */

#define LONG_BYTES ((size_t)1500000)

/* A resource longer than the writer's buffer: these texts around so many letters. */
static char *make_long(const char *head, const char *tail, size_t *len) {
  size_t head_len = strlen(head), tail_len = strlen(tail);
  *len = head_len + LONG_BYTES + tail_len;
  char *text = malloc(*len + 1);
  test_require(text != NULL);
  memcpy(text, head, head_len);
  memset(text + head_len, 'x', LONG_BYTES);
  memcpy(text + head_len + LONG_BYTES, tail, tail_len + 1);
  return text;
}

static void check_long(const char *row_head, const char *row_tail, const char *answer_head,
                       uint32_t flags, bool rewrites, bool has_urls) {
  size_t len = 0, row_len = 0;
  static const char tail[] = "\",\"photo\":[{\"url\":\"u\"}]}";
  char *row = make_long(row_head, row_tail, &row_len);
  char *expected = make_long(OF("Patient", "a") ",\"s\":\"", tail, &len);
  char *instead = make_long(answer_head, tail, &row_len);
  const test_small_row rows[] = {{"Patient", "a", "a", 0, row}};
  const answer answers[] = {{"Patient/a", rewrites ? INSTEAD : SAME, instead}};
  const answer urls[] = {{"Patient/a", INSTEAD, "v"}};
  scene of;
  begin(&of, rows, 1, answers, 1);
  of.job.options.flags = flags;
  if (has_urls) of.job.options.attachment_hook = attachment_hook;
  of.host.url_answers = urls;
  of.host.url_answer_count = 1;
  run(&of, NULL);
  expected[len - 5] = has_urls ? 'v' : 'u';
  expected[len] = '\n';
  check_text(&of, expected, len + 1);
  /* What the hook saw is the line. */
  test_require(memcmp(of.host.last_data, OF("Patient", "a") ",\"s\":\"x", 40) == 0);
  assert_int_equal(line_count(&of), 0);
  test_small_end(&of.job);
  free(row);
  free(expected);
  free(instead);
}

static void long_resources(void **state) {
  static const char compact[] = OF("Patient", "a") ",\"s\":\"";
  static const char pretty[] = "{ \"resourceType\" : \"Patient\", \"id\":\"a\",\n\"s\": \"";
  (void)state;
  for (int i = 0; i < 32; i++) {
    const bool is_pretty = (i & 1) != 0, is_trusted = (i & 16) != 0;
    test_scenario("long %d", i);
    if (is_pretty && is_trusted) continue;
    check_long(
        is_pretty ? pretty : compact,
        is_pretty ? "\" , \"photo\" : [ {\"url\" :\"u\"} ]}\n" : "\",\"photo\":[{\"url\":\"u\"}]}",
        (i & 8) != 0 ? pretty : compact, is_trusted ? FHX_JOB_TRUST_SOURCE : 0, (i & 2) != 0,
        (i & 4) != 0);
  }
}

static void what_a_hook_makes_has_the_limit(void **state) {
  (void)state;
  static const char big[] = OF("Patient", "a") ",\"x\":\"0123456789\"}";
  static const answer answers[] = {{"Patient/a", INSTEAD, big}};
  scene of;
  begin(&of, patients, 2, answers, 1);
  of.job.options.resource_bytes_max = sizeof big - 2;
  run(&of, NULL);
  test_small_check(&of.job, "Patient/b");
  check_line(&of, "Patient/a was not exported: what the host's hook made of it is longer than");
  test_small_end(&of.job);
}

/* --- what is written is what refers --- */

#define OBSERVATION(id, performer)         \
  OF("Observation", id)                    \
  ",\"subject\":{\"reference\":\"Patient/" \
  "a\"},\"performer\":[{\"reference\":\"Practitioner/" performer "\"}]}"

static const test_small_row referring[] = {
    {"Patient", "a", "a", 0, OF("Patient", "a") "}"},
    {"Observation", "k", "a", 0, OBSERVATION("k", "p")},
    {"Observation", "l", "a", 0, OBSERVATION("l", "q")},
    {"Observation", "m", "a", 0, OBSERVATION("m", "r")},
    {"Observation", "n", "a", 0, OBSERVATION("n", "t")},
    {"Practitioner", "p", "", 0, OF("Practitioner", "p") "}"},
    {"Practitioner", "q", "", 0, OF("Practitioner", "q") "}"},
    {"Practitioner", "r", "", 0, OF("Practitioner", "r") "}"},
    {"Practitioner", "s", "", 0, OF("Practitioner", "s") "}"},
    {"Practitioner", "t", "", 0, OF("Practitioner", "t") "}"},
};

static const answer referring_answers[] = {
    {"Observation/l", LEAVE_OUT, NULL},
    {"Observation/m", INSTEAD, OBSERVATION("m", "s")},
    {"Observation/n", FAIL, "no"},
    {"Practitioner/s", INSTEAD, OF("Practitioner", "s") ",\"hidden\":true}"},
};

/* What is left out pulls nothing in, what is changed what it says now; read one by one, and by a
   cursor; associated resources come through the hook as well. */
static void associated_resources(void **state) {
  (void)state;
  for (int reads = 0; reads < 2; reads++) {
    scene of;
    fhx_filter *filter = NULL;
    test_scenario("associated, reads %d", reads);
    test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
    test_require_status(fhx_filter_set_all_patients(filter, NULL), FHX_OK);
    begin(&of, referring, sizeof referring / sizeof referring[0], referring_answers,
          sizeof referring_answers / sizeof referring_answers[0]);
    of.small.reads = reads != 0;
    of.job.options.associated_types = "Practitioner";
    run(&of, filter);
    test_small_check(&of.job,
                     "Observation/k Observation/m Patient/a Practitioner/p Practitioner/s");
    assert_int_equal(of.host.calls, 7);
    test_require(line_count(&of) == 1);
    test_small_end(&of.job);
  }
}

/* --- Attachments --- */

#define PHOTO_HEAD OF("Patient", "a") ",\"n\":1.10,\"contained\":[{\"photo\":{\"url\":\""
#define PHOTO_MIDDLE                        \
  "\"}}],\"extension\":[{\"url\":\"http://" \
  "e\",\"valueAttachment\":{\"title\":\"\\u00e4\",\"url\":\""
#define PHOTO_TAIL "\",\"size\":5}}],\"z\":\"\\/\"}"

static void urls_are_replaced(void **state) {
  (void)state;
  static const test_small_row rows[] = {
      {"Patient", "a", "a", 0, PHOTO_HEAD "Binary\\/x\\u00e4" PHOTO_MIDDLE "Binary/2" PHOTO_TAIL},
      {"Patient", "b", "b", 0, OF("Patient", "b") ",\"photo\":[{\"url\":\"Binary/3\"}]}"},
  };
  static const answer urls[] = {{"Patient/a", INSTEAD, "https://x/\"\\\xC3\xA4?sig=1"}};
  static const char text[] = PHOTO_HEAD
      "https://x/\\\"\\\\\xC3\xA4?sig=1" PHOTO_MIDDLE "https://x/\\\"\\\\\xC3\xA4?sig=1" PHOTO_TAIL
      "\n" OF("Patient", "b") ",\"photo\":[{\"url\":\"Binary/3\"}]}\n";
  for (uint32_t flags = 0; flags <= FHX_JOB_TRUST_SOURCE; flags += FHX_JOB_TRUST_SOURCE) {
    scene of;
    test_scenario("URLs, flags %u", (unsigned)flags);
    begin(&of, rows, 2, NULL, 0);
    of.job.options.resource_hook = NULL;
    of.job.options.attachment_hook = attachment_hook;
    of.job.options.flags = flags;
    of.host.url_answers = urls;
    of.host.url_answer_count = 1;
    run(&of, NULL);
    check_text(&of, text, sizeof text - 1);
    assert_string_equal(of.host.urls,
                        "Patient/a=Binary/x\xC3\xA4 Patient/a=Binary/2 Patient/b=Binary/3 ");
    test_small_end(&of.job);
  }
}

/* The hook behind sees what the hook before has made, under the name that came. */
static void both_hooks(void **state) {
  (void)state;
  static const answer answers[] = {
      {"Patient/a", INSTEAD, OF("Patient", "z") ",\"photo\":[{\"url\":\"from the hook\"}]}"},
      {"Patient/b", INSTEAD, OF("Patient", "y") ",\"photo\":[{\"url\":\"1\"},{\"url\":\"2\"}]}"},
      {"Patient/c", LEAVE_OUT, NULL},
  };
  static const answer urls[] = {{"Patient/a", INSTEAD, "new"}, {"Patient/b", FAIL, "not there"}};
  static const char text[] = OF("Patient", "z") ",\"photo\":[{\"url\":\"new\"}]}\n";
  scene of;
  begin(&of, patients, 3, answers, 3);
  of.job.options.attachment_hook = attachment_hook;
  of.host.url_answers = urls;
  of.host.url_answer_count = 2;
  run(&of, NULL);
  check_text(&of, text, sizeof text - 1);
  assert_string_equal(of.host.urls, "Patient/a=from the hook Patient/b=1 ");
  assert_int_equal(line_count(&of), 1);
  check_line(&of, "Patient/y was not exported: the host's hook: not there\"");
  test_small_end(&of.job);
}

static const answer bad_urls[] = {
    {"Patient/a", INSTEAD, ""},          {"Patient/a", INSTEAD, "a\nb"},
    {"Patient/a", INSTEAD, "a\x7F"},     {"Patient/a", INSTEAD, "\xC3("},
    {"Patient/a", TWICE, "a"},           {"Patient/a", UNFINISHED, "a"},
    {"Patient/a", SILENT, NULL},         {"Patient/a", LEAVE_OUT, NULL},
    {"Patient/a", WRONG_KIND, NULL},     {"Patient/a", FAIL, "no"},
    {"Patient/a", INSTEAD_AND_OUT, "a"},
};

static void urls_that_cannot_be_used(void **state) {
  (void)state;
  static const test_small_row rows[] = {
      {"Patient", "a", "a", 0,
       OF("Patient", "a") ",\"photo\":[{\"url\":\"Binary/1\"},{\"url\":\"Binary/2\"}]}"},
      {"Patient", "b", "b", 0, OF("Patient", "b") "}"},
  };
  for (size_t i = 0; i < sizeof bad_urls / sizeof bad_urls[0]; i++) {
    scene of;
    test_scenario("URL %zu", i);
    begin(&of, rows, 2, NULL, 0);
    of.job.options.resource_hook = NULL;
    of.job.options.attachment_hook = attachment_hook;
    of.host.url_answers = &bad_urls[i];
    of.host.url_answer_count = 1;
    run(&of, NULL);
    test_small_check(&of.job, "Patient/b");
    assert_int_equal(of.host.url_calls, 1);
    assert_int_equal(line_count(&of), 1);
    check_line(&of, "Patient/a was not exported: the host's hook: ");
    test_small_end(&of.job);
  }
}

/* --- a resource hook sees trusted rows as they are --- */

static void trusted_rows(void **state) {
  (void)state;
  static const test_small_row rows[] = {
      {"Patient", "a", "a", 0, OF("Patient", "a") ", \"x\" : nonsense}\n"},
  };
  scene of;
  begin(&of, rows, 1, NULL, 0);
  of.job.options.flags = FHX_JOB_TRUST_SOURCE;
  run(&of, of_type("Patient"));
  assert_string_equal(of.host.last_data, OF("Patient", "a") ", \"x\" : nonsense}");
  test_small_check(&of.job, "Patient/a");
  test_small_end(&of.job);
  /* What is walked through must have been checked. */
  begin(&of, rows, 1, NULL, 0);
  of.job.options.flags = FHX_JOB_TRUST_SOURCE;
  of.job.options.attachment_hook = attachment_hook;
  run(&of, of_type("Patient"));
  test_small_check(&of.job, "");
  assert_int_equal(of.host.calls, 0);
  test_small_end(&of.job);
}

/* --- threads --- */

typedef struct crowd {
  fhx_job *job;
  atomic_int calls;
  atomic_int dropped;
} crowd;

/* Calls the job, drops a third, changes a third. */
static void crowd_hook(void *user_data, const fhx_query *query, const char *reference,
                       const void *data, size_t len, fhx_reply *reply) {
  crowd *at = user_data;
  (void)query;
  int number = atomic_fetch_add(&at->calls, 1);
  test_violation_unless(strchr(reference, '/') != NULL && len > 0, "no resource");
  if (number % 16 == 0) {
    fhx_progress *progress = NULL;
    test_violation_unless(fhx_job_run(at->job, NULL) == FHX_ERR_REENTRANT, "the job ran itself");
    test_violation_unless(fhx_job_run_task(at->job, NULL) == FHX_ERR_REENTRANT, "it ran a task");
    test_violation_unless(fhx_job_progress_new(at->job, &progress, NULL) == FHX_OK, "no progress");
    fhx_progress_free(progress);
  }
  if (reference[strlen(reference) - 1] % 3 == 0) {
    atomic_fetch_add(&at->dropped, 1);
    fhx_reply_end(reply);
    return;
  }
  if (reference[strlen(reference) - 1] % 3 == 1) fhx_reply_item(reply, data, len);
  fhx_reply_done(reply);
}

static void several_threads(void **state) {
  (void)state;
  test_dataset *data = test_dataset_new(77, 300, 0);
  test_setting with = test_setting_usual(data);
  char message[TEST_MESSAGE_MAX];
  crowd hosts = {.job = NULL};
  test_export of;
  test_scenario("threads");
  with.source.shards = true;
  with.source.applied = FHX_APPLIED_TYPE;
  test_export_prepare(&of, &with);
  of.options.resource_hook = crowd_hook;
  of.options.hook_data = &hosts;
  test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
  hosts.job = of.job;
  test_require_status(test_run_job(of.job, 4, true, message), FHX_OK);
  assert_int_equal(hosts.calls, 300);
  test_require(hosts.dropped > 0);
  fhx_progress *progress = NULL;
  test_require_status(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
  assert_int_equal(fhx_progress_resource_count(progress), 300 - hosts.dropped);
  assert_int_equal(fhx_progress_error_count(progress), 0);
  fhx_progress_free(progress);
  test_export_end(&of);
  test_dataset_free(data);
}

/* --- cancel --- */

static void cancel_hook(void *user_data, const fhx_query *query, const char *reference,
                        const void *data, size_t len, fhx_reply *reply) {
  crowd *at = user_data;
  (void)query;
  (void)reference;
  (void)data;
  (void)len;
  if (atomic_fetch_add(&at->calls, 1) == 2) {
    test_violation_unless(fhx_job_cancel(at->job, NULL) == FHX_OK, "no cancel");
  }
  fhx_reply_done(reply);
}

/* A cancel is heard of behind the call, not at the reply's end. */
static void a_hook_may_see_a_cancel(void **state) {
  (void)state;
  test_dataset *data = test_dataset_new(78, 100, 0);
  test_setting with = test_setting_usual(data);
  crowd hosts = {.job = NULL};
  test_export of;
  with.source.applied = FHX_APPLIED_TYPE;
  with.source.rows_max = 100;
  test_export_prepare(&of, &with);
  of.options.resource_hook = cancel_hook;
  of.options.hook_data = &hosts;
  test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
  hosts.job = of.job;
  test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_CANCELLED);
  assert_int_equal(hosts.calls, 3);
  test_export_check_nothing_left(&of);
  test_export_end(&of);
  test_dataset_free(data);
}

/* --- memory runs out --- */

static char *long_row;

static void memory_scenario(void) {
  static const answer answers[] = {
      {"Patient/b", INSTEAD, OF("Patient", "b") ", \"photo\":[{\"url\":\"\\u0041\"}]}"},
      {"Patient/c", FAIL, "no"},
  };
  static const answer urls[] = {{"Patient/b", INSTEAD, "v"}, {"Patient/l", INSTEAD, "w"}};
  const test_small_row rows[] = {
      {"Patient", "a", "a", 0, OF("Patient", "a") "}"},
      {"Patient", "b", "b", 0, OF("Patient", "b") "}"},
      {"Patient", "c", "c", 0, OF("Patient", "c") "}"},
      {"Patient", "l", "l", 0, long_row},
  };
  scene of;
  bool found = false;
  begin(&of, rows, 4, answers, 2);
  of.job.options.attachment_hook = attachment_hook;
  of.host.url_answers = urls;
  of.host.url_answer_count = 2;
  if (of.job.options.source == NULL || of.job.options.destination == NULL) {
    test_memory_recover();
  } else {
    test_small_start(&of.job, NULL);
    for (int i = 0; of.job.job != NULL && i < 9; i++) {
      test_small_run(&of.job);
      if (of.job.status == FHX_OK || of.job.status == FHX_ERR_JOB_FAILED) break;
    }
    test_memory_recover();
    test_require(strstr(of.job.message, "memory") != NULL || of.job.status == FHX_OK);
    if (of.job.status == FHX_OK) {
      test_small_check(&of.job, "Patient/a Patient/b Patient/l");
      test_require(test_small_lines(&of.job, "Patient/c was not", &found) == 1 && found);
    }
  }
  test_small_end(&of.job);
}

static void memory_runs_out(void **state) {
  (void)state;
  size_t len = 0;
  long_row = make_long("{ \"resourceType\":\"Patient\",\"id\":\"l\",\"s\":\"",
                       "\",\"photo\":[{\"url\":\"u\"}]}", &len);
  for (uint64_t number = 1;; number += test_is_quick() ? 7 : 1) {
    test_scenario("allocation %d", (int)number);
    test_memory_begin(number);
    memory_scenario();
    if (!test_memory_end()) break;
  }
  free(long_row);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_answer_costs_its_resource_alone),
      cmocka_unit_test(a_hook_is_not_forgotten),
      cmocka_unit_test(long_resources),
      cmocka_unit_test(what_a_hook_makes_has_the_limit),
      cmocka_unit_test(associated_resources),
      cmocka_unit_test(urls_are_replaced),
      cmocka_unit_test(both_hooks),
      cmocka_unit_test(urls_that_cannot_be_used),
      cmocka_unit_test(trusted_rows),
      cmocka_unit_test(several_threads),
      cmocka_unit_test(a_hook_may_see_a_cancel),
      cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
