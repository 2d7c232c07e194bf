/* A small clinic for Patient and Group exports. */
#include "support/clinic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"

/* 2024-03-01T01:00:00Z, and twelve hours later. */
#define OLD_US (INT64_C(1709254800) * 1000000)
#define NEW_US (OLD_US + INT64_C(43200000000))
#define SINCE_US (OLD_US + INT64_C(3600000000))

static const char *const group_members[] = {"Device/dev", "Device/gone", "Patient/p0",
                                            "Patient/p1", "Patient/p2",  "Practitioner/member"};
#define GROUP_MEMBERS (sizeof group_members / sizeof *group_members)

void test_clinic_add_group(test_setting *with) {
  with->source.group_id = TEST_CLINIC_GROUP;
  with->source.group_members = group_members;
  with->source.group_member_count = GROUP_MEMBERS;
  with->source.group_page = 4;
}

/* --- resources --- */

/* `rest` is what the resource has besides, beginning with a comma. */
static void add(test_dataset *data, const char *type, const char *id, const char *patient, bool old,
                const char *rest) {
  char instant[TEST_INSTANT_MAX];
  char json[1000];
  test_resource *resource = &data->items[data->count++];
  memset(resource, 0, sizeof *resource);
  resource->type = type;
  snprintf(resource->id, sizeof resource->id, "%s", id);
  snprintf(resource->patient, sizeof resource->patient, "%s", patient);
  resource->has_updated = true;
  resource->updated_us = old ? OLD_US : NEW_US;
  test_instant(instant, resource->updated_us);
  int len = snprintf(json, sizeof json,
                     "{\"resourceType\": \"%s\",\"id\":\"%s\",\"meta\":{\"lastUpdated\":\"%s\"}%s}",
                     type, id, instant, rest);
  assert_in_range(len, 1, (int)sizeof json - 1);
  /* Exactly as long as it is, so that a sanitizer sees whoever reads behind it. */
  resource->len = (size_t)len;
  resource->json = malloc(resource->len);
  assert_non_null(resource->json);
  memcpy(resource->json, json, resource->len);
}

static void add_observation(test_dataset *data, size_t number) {
  static const char *const performers[] = {"a", "b", "a", "other"};
  /* What but a few refer to: one that does not exist, one that has not changed lately, what has the
     form of no local reference, an encounter of another patient. */
  static const char *const others[] = {
      ",{\"reference\":\"Practitioner/none\"},{\"reference\":\"Practitioner/old\"}",
      ",{\"reference\":\"Organization/paid\"},{\"reference\":\"Practitioner?identifier=x|1\"}",
      ",{\"reference\":\"Encounter/e0\"},{\"reference\":\"Encounter/e3\"},{\"reference\":\"#a\"}",
      ",{\"reference\":\"Organization/unseen\"}"};
  char id[40], patient[40], rest[700];
  size_t of = number % 4;
  snprintf(id, sizeof id, "obs-%05zu", number);
  snprintf(patient, sizeof patient, "p%zu", of);
  snprintf(rest, sizeof rest,
           ",\"subject\":{\"reference\":\"Patient/%s\"},\"performer\":[{\"display\": \"x\","
           "\"reference\":\"Practitioner/%s\"}%s]",
           patient, performers[of], number < 4 ? others[number] : "");
  add(data, "Observation", id, patient, false, rest);
}

static int by_id(const void *left, const void *right) {
  const test_resource *a = left;
  const test_resource *b = right;
  int order = strcmp(a->id, b->id);
  return order != 0 ? order : strcmp(a->type, b->type);
}

test_dataset *test_clinic_new(size_t observation_count) {
  test_dataset *data = calloc(1, sizeof *data);
  assert_non_null(data);
  data->items = calloc(observation_count + 20, sizeof *data->items);
  assert_non_null(data->items);
  add(data, "Patient", "p0", "p0", false, "");
  add(data, "Patient", "p1", "p1", false,
      ",\"generalPractitioner\":[{\"reference\":\"Practitioner/general\"}]");
  add(data, "Patient", "p2", "p2", true, "");
  add(data, "Patient", "p3", "p3", false, "");
  add(data, "Encounter", "e0", "p0", false, ",\"subject\":{\"reference\":\"Patient/p0\"}");
  add(data, "Encounter", "e3", "p3", false, ",\"subject\":{\"reference\":\"Patient/p3\"}");
  add(data, "Practitioner", "a", "", false,
      ",\"qualification\":[{\"issuer\":{\"reference\":\"Organization/issuer\"}}]");
  add(data, "Practitioner", "b", "", false, "");
  add(data, "Practitioner", "general", "", false, "");
  add(data, "Practitioner", "idle", "", false, "");
  add(data, "Practitioner", "member", "", false, "");
  add(data, "Practitioner", "old", "", true, "");
  add(data, "Practitioner", "other", "", false, "");
  add(data, "Organization", "issuer", "", false, "");
  add(data, "Organization", "paid", "", false, "");
  add(data, "Organization", "unseen", "", false, "");
  add(data, "Device", "dev", "", false, "");
  add(data, "Device", "idle", "", false, "");
  for (size_t i = 0; i < observation_count; i++) add_observation(data, i);
  qsort(data->items, data->count, sizeof *data->items, by_id);
  return data;
}

/* --- what must come out --- */

static bool is_listed(const char *const *list, const char *text) {
  while (*list != NULL && strcmp(*list, text) != 0) list++;
  return *list != NULL;
}

static bool is_member(const char *reference) {
  for (size_t i = 0; i < GROUP_MEMBERS; i++) {
    if (strcmp(group_members[i], reference) == 0) return true;
  }
  return false;
}

static bool is_in_scope(const test_clinic_ask *ask, const test_resource *resource) {
  return is_listed(ask->types, resource->type) && (!ask->lately || resource->updated_us > SINCE_US);
}

/* By its patient's compartment. */
static bool is_main(const test_clinic_ask *ask, const test_resource *resource) {
  char patient[60];
  snprintf(patient, sizeof patient, "Patient/%s", resource->patient);
  return *resource->patient != '\0' && is_in_scope(ask, resource) &&
         (!ask->by_group || is_member(patient));
}

static bool is_referred_to(const test_clinic_ask *ask, const test_dataset *data,
                           const char *reference) {
  char text[200];
  int len = snprintf(text, sizeof text, "\"reference\":\"%s\"", reference);
  for (size_t i = 0; i < data->count; i++) {
    const test_resource *from = &data->items[i];
    if (is_main(ask, from) && memmem(from->json, from->len, text, (size_t)len) != NULL) return true;
  }
  return false;
}

static bool is_associated_type(const test_clinic_ask *ask, const char *type) {
  const char *at = ask->associated_types == NULL ? NULL : strstr(ask->associated_types, type);
  return at != NULL && (at[strlen(type)] == ',' || at[strlen(type)] == '\0');
}

static bool is_wanted(const test_clinic_ask *ask, const test_dataset *data,
                      const test_resource *resource) {
  char reference[100];
  if (!is_in_scope(ask, resource)) return false;
  snprintf(reference, sizeof reference, "%s/%s", resource->type, resource->id);
  if (is_main(ask, resource) ||
      (ask->by_group && *resource->patient == '\0' && is_member(reference))) {
    return true;
  }
  /* What is somebody's is exported with him or not at all. */
  return *resource->patient == '\0' && is_associated_type(ask, resource->type) &&
         is_referred_to(ask, data, reference);
}

/* --- what came out --- */

void test_clinic_prepare(test_export *of, const test_setting *with, const test_clinic_ask *ask) {
  test_setting asked = *with;
  asked.expected.types = ask->types;
  asked.expected.has_since = ask->lately;
  asked.expected.since_us = SINCE_US;
  test_export_prepare(of, &asked);
  of->options.associated_types = ask->associated_types;
  if (of->filter == NULL) return;
  int32_t status = ask->by_group ? fhx_filter_set_group(of->filter, TEST_CLINIC_GROUP, NULL)
                                 : fhx_filter_set_all_patients(of->filter, NULL);
  if (status == FHX_OK) return;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  fhx_filter_free(of->filter);
  of->filter = NULL;
}

void test_clinic_start(test_export *of, const test_setting *with, const test_clinic_ask *ask) {
  test_clinic_prepare(of, with, ask);
  test_require_status(fhx_job_start(&of->options, &of->job, NULL), FHX_OK);
  test_source_set_job(of->source, of->job);
  test_destination_set_job(of->destination, of->job);
}

typedef struct outcome {
  const test_dataset *data;
  /* How often each of the dataset came out. */
  unsigned *times;
  char *errors;
  size_t errors_len;
  size_t error_lines;
} outcome;

static void take_line(outcome *got, const fhx_part *part, const char *line, size_t len) {
  char head[200];
  for (size_t i = 0; i < got->data->count; i++) {
    const test_resource *resource = &got->data->items[i];
    if (strcmp(resource->type, fhx_part_resource_type(part)) != 0) continue;
    int head_len = snprintf(head, sizeof head, "{\"resourceType\":\"%s\",\"id\":\"%s\",",
                            resource->type, resource->id);
    if (len > (size_t)head_len && memcmp(line, head, (size_t)head_len) == 0) {
      got->times[i]++;
      return;
    }
  }
  test_violation("a line is of no resource of its part's type");
}

static void take_part(outcome *got, const fhx_part *part, const test_objects *objects) {
  const test_object *object = test_objects_find(objects, fhx_part_name(part));
  test_require(object != NULL);
  if (fhx_part_kind(part) == FHX_PART_ERROR) {
    got->errors = realloc(got->errors, got->errors_len + object->len + 1);
    assert_non_null(got->errors);
    memcpy(got->errors + got->errors_len, object->data, object->len);
    got->errors_len += object->len;
    got->error_lines += fhx_part_resource_count(part);
    return;
  }
  uint64_t lines = 0;
  for (const char *at = (const char *)object->data, *end = at + object->len; at < end; lines++) {
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    test_require(feed != NULL);
    take_line(got, part, at, (size_t)(feed - at));
    at = feed + 1;
  }
  test_require(lines > 0 && lines == fhx_part_resource_count(part));
}

static uint64_t take_parts(outcome *got, test_export *of) {
  test_objects objects = test_destination_objects(of->destination);
  uint64_t after = 0, resources = 0;
  size_t count = 0;
  fhx_part_page *page = NULL;
  while (fhx_job_parts_new(of->job, &after, 7, &page, NULL) == FHX_OK) {
    for (uint32_t i = 0; i < fhx_part_page_count(page); i++, count++) {
      const fhx_part *part = fhx_part_page_part(page, i);
      take_part(got, part, &objects);
      if (fhx_part_kind(part) == FHX_PART_OUTPUT) resources += fhx_part_resource_count(part);
    }
    fhx_part_page_free(page);
  }
  /* Nothing else is at the destination. */
  test_require(objects.count == count);
  return resources;
}

static void check_progress(fhx_job *job, uint64_t resources) {
  fhx_progress *progress = NULL;
  test_require_status(fhx_job_progress_new(job, &progress, NULL), FHX_OK);
  test_require(fhx_progress_state(progress) == FHX_JOB_COMPLETE);
  test_require(fhx_progress_resource_count(progress) == resources);
  fhx_progress_free(progress);
}

char *test_clinic_check(test_export *of, const test_clinic_ask *ask, size_t error_lines) {
  const test_dataset *data = of->with.source.data;
  outcome got = {.data = data, .times = calloc(data->count, sizeof *got.times)};
  got.errors = malloc(1);
  assert_non_null(got.times);
  assert_non_null(got.errors);
  check_progress(of->job, take_parts(&got, of));
  got.errors[got.errors_len] = '\0';
  for (size_t i = 0; i < data->count; i++) {
    unsigned wanted = is_wanted(ask, data, &data->items[i]) ? 1 : 0;
    if (got.times[i] == wanted) continue;
    print_error("%s/%s came out %u times\n", data->items[i].type, data->items[i].id, got.times[i]);
    test_require(got.times[i] == wanted);
  }
  if (got.error_lines != error_lines) print_error("%s", got.errors);
  test_require(got.error_lines == error_lines);
  free(got.times);
  return got.errors;
}
