/* Resources for tests. */
#include "support/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

/* 2024-03-01T00:00:00Z */
#define FIRST_US (INT64_C(1709251200) * 1000000)
#define PATIENTS 12
#define HUGE_BYTES ((size_t)1300000)
#define LONG_BYTES 200000

const char *const test_types[] = {"Patient", "Observation", "Encounter", "Organization", NULL};

uint64_t test_random_next(test_random *random) {
  uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

uint64_t test_random_below(test_random *random, uint64_t limit) {
  return limit == 0 ? 0 : test_random_next(random) % limit;
}

void test_instant(char text[TEST_INSTANT_MAX], int64_t time_us) {
  int64_t ms = (time_us - FIRST_US) / 1000;
  int64_t s = ms / 1000;
  assert_in_range(s, 0, 86399);
  snprintf(text, TEST_INSTANT_MAX, "2024-03-01T%02d:%02d:%02d.%03dZ", (int)(s / 3600),
           (int)(s / 60 % 60), (int)(s % 60), (int)(ms % 1000));
}

/* --- texts --- */

typedef struct text {
  char *data;
  size_t len;
  size_t capacity;
  test_random *random;
  bool pretty;
} text;

static void add_bytes(text *out, const void *data, size_t len) {
  if (out->len + len > out->capacity) {
    out->capacity = (out->len + len) * 2;
    out->data = realloc(out->data, out->capacity);
    assert_non_null(out->data);
  }
  memcpy(out->data + out->len, data, len);
  out->len += len;
}

/* A token of JSON, with white space behind it in a pretty text. */
static void add(text *out, const char *token) {
  static const char *const gaps[] = {"", " ", "\n", "\r\n\t", "   ", "\t"};
  add_bytes(out, token, strlen(token));
  if (!out->pretty) return;
  const char *gap = gaps[test_random_below(out->random, sizeof gaps / sizeof *gaps)];
  add_bytes(out, gap, strlen(gap));
}

static void add_string(text *out, const char *value) {
  char quoted[128];
  snprintf(quoted, sizeof quoted, "\"%s\"", value);
  add(out, quoted);
}

static void add_member(text *out, const char *key, const char *value) {
  add(out, ",");
  add_string(out, key);
  add(out, ":");
  add_string(out, value);
}

static void add_meta(text *out, const test_resource *resource) {
  char updated[TEST_INSTANT_MAX];
  test_instant(updated, resource->updated_us);
  add(out, ",");
  add(out, "\"meta\"");
  add(out, ":");
  add(out, "{");
  add(out, "\"versionId\"");
  add(out, ":");
  add(out, "\"7\"");
  if (resource->has_updated) add_member(out, "lastUpdated", updated);
  add(out, "}");
}

static void add_subject(text *out, const test_resource *resource) {
  char reference[64];
  snprintf(reference, sizeof reference, "Patient/%s", resource->patient);
  add(out, ",");
  add(out, "\"subject\"");
  add(out, ":");
  add(out, "{");
  add(out, "\"display\" : \"a } name\"");
  add_member(out, "reference", reference);
  add(out, "}");
}

/* What compaction must leave alone: white space in strings, escapes, numbers, other languages. */
static void add_rest(text *out, size_t padding) {
  static const char rest[] =
      ",\"text\":{\"div\":\"<p> a  b\\n\\t\\\" \\\\\"},\"value\":[1.50e-3,0,-12,true,null,{}],"
      "\"name\":\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\xA9\xBA \\u00e9\",\"pad\":\"";
  add_bytes(out, rest, sizeof rest - 1);
  for (size_t i = 0; i < padding; i++) {
    add_bytes(out, i % 7 == 3 ? " " : "x", 1);
  }
  add(out, "\"");
}

static void write_resource(test_resource *resource, test_random *random, uint32_t flags,
                           size_t padding) {
  text out = {NULL, 0, 0, random, (flags & TEST_DATASET_PRETTY) != 0};
  add(&out, "{");
  bool id_first = test_random_below(random, 2) == 0;
  add_string(&out, id_first ? "id" : "resourceType");
  add(&out, ":");
  add_string(&out, id_first ? resource->id : resource->type);
  add_member(&out, id_first ? "resourceType" : "id", id_first ? resource->type : resource->id);
  add_meta(&out, resource);
  if (*resource->patient != '\0' && strcmp(resource->type, "Patient") != 0) {
    add_subject(&out, resource);
  }
  add_rest(&out, padding);
  add(&out, "}");
  /* Exactly as long as it is, so that a sanitizer sees whoever reads behind it. */
  resource->json = realloc(out.data, out.len);
  resource->len = out.len;
  assert_non_null(resource->json);
}

/* --- the set --- */

static void make_resource(test_resource *resource, size_t number, test_random *random,
                          uint32_t flags) {
  size_t patient = test_random_below(random, PATIENTS);
  memset(resource, 0, sizeof *resource);
  resource->type = test_types[number < PATIENTS ? 0 : 1 + test_random_below(random, 3)];
  resource->updated_us = FIRST_US + (int64_t)test_random_below(random, 80000000) * 1000;
  resource->has_updated = (flags & TEST_DATASET_STAMPED) != 0 || test_random_below(random, 17) != 0;
  if (number < PATIENTS) {
    snprintf(resource->id, sizeof resource->id, "p%zu", number);
    snprintf(resource->patient, sizeof resource->patient, "p%zu", number);
  } else {
    snprintf(resource->id, sizeof resource->id, "%c.%05zu-%zu",
             (int)('A' + test_random_below(random, 58)), test_random_below(random, 99999), number);
    /* Ids have no brackets and the like. */
    if (resource->id[0] > 'Z' && resource->id[0] < 'a') resource->id[0] = '-';
    if (strcmp(resource->type, "Organization") != 0) {
      snprintf(resource->patient, sizeof resource->patient, "p%zu", patient);
    }
  }
  size_t padding = (flags & TEST_DATASET_LONG) != 0 ? LONG_BYTES : 0;
  write_resource(resource, random, flags, padding + test_random_below(random, 400));
}

static void make_bad(test_dataset *data, const char *text_of_it, size_t len) {
  test_resource *resource = &data->items[data->count++];
  memset(resource, 0, sizeof *resource);
  resource->type = "Patient";
  snprintf(resource->id, sizeof resource->id, "m-bad-%zu", data->bad_count++);
  resource->bad = true;
  resource->json = malloc(len == 0 ? 1 : len);
  assert_non_null(resource->json);
  if (len != 0) memcpy(resource->json, text_of_it, len);
  resource->len = len;
}

#define BAD_KINDS 14

static void make_bad_rows(test_dataset *data) {
  static const char *const rows[BAD_KINDS - 1] = {
      "",
      " \n ",
      "[]",
      "not JSON",
      "{\"resourceType\":\"Patient\",\"id\":\"cut",
      "{\"resourceType\":\"Patient\",\"id\":\"t\"} {}",
      "{\"resourceType\":\"Patient\",\"id\":\"u\",\"name\":\"\xC3\x28\"}",
      "{\"resourceType\":\"Patient\",\"id\":\"k\",\"id\":\"k\"}",
      "{\"resourceType\":\"Patient\"}",
      "{\"resourceType\":\"Patient\",\"id\":\"not an id\"}",
      "{\"id\":\"x\"}",
      "{\"resourceType\":7,\"id\":\"x\"}",
      "{\"resourceType\":\"Patient\",\"id\":\"n\",\"value\":01}",
  };
  for (size_t i = 0; i < BAD_KINDS - 1; i++) make_bad(data, rows[i], strlen(rows[i]));
  char deep[400] = "{\"resourceType\":\"Patient\",\"id\":\"d\",\"deep\":";
  size_t len = strlen(deep);
  memset(deep + len, '[', 150);
  memset(deep + len + 150, ']', 150);
  deep[len + 300] = '}';
  make_bad(data, deep, len + 301);
}

static int by_id(const void *left, const void *right) {
  const test_resource *a = left;
  const test_resource *b = right;
  int order = strcmp(a->id, b->id);
  return order != 0 ? order : strcmp(a->type, b->type);
}

test_dataset *test_dataset_new(uint64_t seed, size_t count, uint32_t flags) {
  test_random random = {seed};
  test_dataset *data = calloc(1, sizeof *data);
  assert_non_null(data);
  data->items = calloc(count + BAD_KINDS + 1, sizeof *data->items);
  assert_non_null(data->items);
  for (size_t i = 0; i < count; i++) make_resource(&data->items[i], i, &random, flags);
  data->count = count;
  if ((flags & TEST_DATASET_BAD) != 0) make_bad_rows(data);
  if ((flags & TEST_DATASET_HUGE) != 0) {
    test_resource *huge = &data->items[data->count++];
    make_resource(huge, PATIENTS, &random, flags);
    free(huge->json);
    huge->type = "Observation";
    snprintf(huge->id, sizeof huge->id, "huge");
    snprintf(huge->patient, sizeof huge->patient, "p1");
    write_resource(huge, &random, flags, HUGE_BYTES);
  }
  qsort(data->items, data->count, sizeof *data->items, by_id);
  return data;
}

void test_dataset_free(test_dataset *data) {
  if (data == NULL) return;
  for (size_t i = 0; i < data->count; i++) free(data->items[i].json);
  free(data->items);
  free(data);
}

int test_dataset_end(void **state) {
  test_dataset_free(*state);
  return 0;
}
