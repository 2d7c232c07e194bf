/* `_elements`: what a reduced line looks like (FILTER-15, FILTER-16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/filter.h>
#include <yajl/yajl_tree.h>

#include "ndjson/variant.h"
#include "select/reduce.h"
#include "support/dataset.h"
#include "support/memory.h"
#include "support/require.h"

#define COUNT_OF(list) (sizeof(list) / sizeof(list)[0])
#define LINE_MAX_LEN 20000

#define SYSTEM "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
#define TAG "{\"system\":\"" SYSTEM "\",\"code\":\"SUBSETTED\"}"
#define TAGGED "\"meta\":{\"tag\":[" TAG "]}"
#define HEAD "{\"resourceType\":\"Patient\",\"id\":\"a\""

static fhx__elements *read_elements(const char *names) {
  fhx__elements *elements = NULL;
  char text[1000];
  test_require_status(fhx__elements_new(FHX_FHIR_R4, &elements, NULL), FHX_OK);
  snprintf(text, sizeof text, "%s", names);
  for (char *name = strtok(text, " "); name != NULL; name = strtok(NULL, " ")) {
    test_require_status(fhx__elements_add(elements, name, NULL), FHX_OK);
  }
  return elements;
}

/* Reduces a line from a block of its own, with its keys and without, which must be the same. */
static void reduce(const fhx__kept *kept, const char *line, size_t len, fhx__buffer *out) {
  fhx__buffer other = {NULL, 0, 0};
  fhx__scan scan;
  fhx__keys keys;
  char *exact = malloc(len), *block = malloc(len);
  test_require(exact != NULL && block != NULL);
  memcpy(exact, line, len);
  test_require(fhx__scan_keys(exact, len, block, FHX__DEPTH_DEFAULT, &scan, &keys) ==
               FHX__FAULT_NONE);
  test_require(scan.out_len == len);
  test_require_status(fhx__reduce(kept, exact, len, &keys, out), FHX_OK);
  test_require_status(fhx__reduce(kept, exact, len, NULL, &other), FHX_OK);
  test_require(out->len == other.len && memcmp(out->data, other.data, out->len) == 0);
  test_require(fhx__scan_resource(out->data, out->len, NULL, FHX__DEPTH_DEFAULT, &scan) ==
               FHX__FAULT_NONE);
  test_require(scan.out_len == out->len);
  fhx__buffer_free(&other);
  free(block);
  free(exact);
}

static void check(const fhx__elements *elements, const char *type, const char *line,
                  const char *expected) {
  fhx__buffer out = {NULL, 0, 0};
  test_scenario("%s", line);
  reduce(fhx__elements_of(elements, type), line, strlen(line), &out);
  test_require_status(fhx__buffer_terminate(&out), FHX_OK);
  if (strcmp(out.data, expected) != 0) fail_msg("%s\nbecomes %s\nnot %s", line, out.data, expected);
  /* A tag that is there is not added again. */
  fhx__buffer again = {NULL, 0, 0};
  reduce(fhx__elements_of(elements, type), out.data, out.len, &again);
  test_require(again.len == out.len && memcmp(again.data, out.data, out.len) == 0);
  fhx__buffer_free(&again);
  fhx__buffer_free(&out);
}

typedef struct reduced {
  const char *line;
  const char *expected;
} reduced;

static void members(void **state) {
  static const reduced cases[] = {
      {HEAD "}", HEAD "," TAGGED "}"},
      {HEAD ",\"birthDate\":\"2000\"}", HEAD ",\"birthDate\":\"2000\"," TAGGED "}"},
      {HEAD ",\"gender\":\"x\"}", HEAD "," TAGGED "}"},
      {"{\"gender\":\"x\",\"id\":\"a\",\"name\":[],\"resourceType\":\"Patient\"}",
       "{\"id\":\"a\",\"resourceType\":\"Patient\"," TAGGED "}"},
      {"{\"id\":\"a\",\"name\":[1],\"birthDate\":\"1\",\"resourceType\":\"Patient\",\"b\":{}}",
       "{\"id\":\"a\",\"birthDate\":\"1\",\"resourceType\":\"Patient\"," TAGGED "}"},
      /* A primitive's id and extensions. */
      {HEAD ",\"_birthDate\":{\"id\":\"x\"},\"_gender\":{\"id\":\"y\"},\"birthDate\":null}",
       HEAD ",\"_birthDate\":{\"id\":\"x\"},\"birthDate\":null," TAGGED "}"},
      /* What may change the meaning of the rest. */
      {HEAD ",\"implicitRules\":\"http://x\",\"_implicitRules\":{},\"modifierExtension\":[{}],"
            "\"extension\":[{}],\"text\":{},\"language\":\"de\",\"contained\":[]}",
       HEAD
       ",\"implicitRules\":\"http://x\",\"_implicitRules\":{},\"modifierExtension\":[{}]," TAGGED
       "}"},
      /* Values are not touched. */
      {HEAD ",\"birthDate\":\"\\u00e9\\/\\\"}\",\"deceasedBoolean\":1.50E+01,\"gender\":0}",
       HEAD ",\"birthDate\":\"\\u00e9\\/\\\"}\",\"deceasedBoolean\":1.50E+01," TAGGED "}"},
      {HEAD ",\"deceasedDateTime\":{\"a\":[\"]\",\"}\",\"\\\\\"]},\"x\":[[],{}]}",
       HEAD ",\"deceasedDateTime\":{\"a\":[\"]\",\"}\",\"\\\\\"]}," TAGGED "}"},
      {HEAD ",\"gender\":\"\\\\\",\"birthDate\":\"\\\\\\\"\",\"name\":\"\\\\\\\\\"}",
       HEAD ",\"birthDate\":\"\\\\\\\"\"," TAGGED "}"},
      /* Keys with escapes, and the same key twice. */
      {HEAD ",\"birth\\u0044ate\":1,\"\\u0067ender\":2,\"\\u005fbirthDate\":3}",
       HEAD ",\"birth\\u0044ate\":1,\"\\u005fbirthDate\":3," TAGGED "}"},
      {HEAD ",\"birthDate\":1,\"gender\":2,\"birthDate\":3,\"gender\":4}",
       HEAD ",\"birthDate\":1,\"birthDate\":3," TAGGED "}"},
      {HEAD ",\"\":1,\"_\":2,\"__birthDate\":3,\"birthDate\\u0000\":4}", HEAD "," TAGGED "}"},
      /* Only root elements count. */
      {HEAD ",\"contact\":[{\"birthDate\":1,\"meta\":{\"tag\":[]}}]}", HEAD "," TAGGED "}"},
  };
  fhx__elements *elements = read_elements("birthDate Patient.deceased");
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    check(elements, "Patient", cases[i].line, cases[i].expected);
  }
  fhx__elements_free(elements);
}

/* FILTER-16: once, and other tags are kept. */
static void tags(void **state) {
  static const reduced cases[] = {
      {"{}", "{\"tag\":[" TAG "]}"},
      {"{\"versionId\":\"1\"}", "{\"versionId\":\"1\",\"tag\":[" TAG "]}"},
      {"{\"tag\":[]}", "{\"tag\":[" TAG "]}"},
      {"{\"tag\":[],\"versionId\":\"1\"}", "{\"tag\":[" TAG "],\"versionId\":\"1\"}"},
      {"{\"tag\":[{\"code\":\"x\"}]}", "{\"tag\":[{\"code\":\"x\"}," TAG "]}"},
      {"{\"tag\":[" TAG "]}", "{\"tag\":[" TAG "]}"},
      {"{\"tag\":[{\"code\":\"x\"}," TAG ",{}]}", "{\"tag\":[{\"code\":\"x\"}," TAG ",{}]}"},
      {"{\"tag\":[{\"code\":\"SUBSETTED\",\"display\":\"\",\"system\":\"" SYSTEM "\"}]}",
       "{\"tag\":[{\"code\":\"SUBSETTED\",\"display\":\"\",\"system\":\"" SYSTEM "\"}]}"},
      {"{\"tag\":[{\"c\\u006fde\":\"SUBSETTE\\u0044\",\"system\":\"http:\\/\\/terminology.hl7.org"
       "\\/CodeSystem\\/v3-ObservationValue\"}]}",
       "{\"tag\":[{\"c\\u006fde\":\"SUBSETTE\\u0044\",\"system\":\"http:\\/\\/terminology.hl7.org"
       "\\/CodeSystem\\/v3-ObservationValue\"}]}"},
      /* What is not quite the tag. */
      {"{\"tag\":[{\"code\":\"SUBSETTED\"}]}", "{\"tag\":[{\"code\":\"SUBSETTED\"}," TAG "]}"},
      {"{\"tag\":[{\"system\":\"" SYSTEM "\"}]}",
       "{\"tag\":[{\"system\":\"" SYSTEM "\"}," TAG "]}"},
      {"{\"tag\":[{\"system\":\"" SYSTEM "x\",\"code\":\"SUBSETTED\"}]}",
       "{\"tag\":[{\"system\":\"" SYSTEM "x\",\"code\":\"SUBSETTED\"}," TAG "]}"},
      {"{\"tag\":[{\"system\":\"" SYSTEM "\",\"code\":\"SUBSETTED2\"}]}",
       "{\"tag\":[{\"system\":\"" SYSTEM "\",\"code\":\"SUBSETTED2\"}," TAG "]}"},
      {"{\"tag\":[{\"system\":\"" SYSTEM "\"},{\"code\":\"SUBSETTED\"}]}",
       "{\"tag\":[{\"system\":\"" SYSTEM "\"},{\"code\":\"SUBSETTED\"}," TAG "]}"},
      {"{\"tag\":[[" TAG "],\"" SYSTEM "\",null,1,{\"a\":" TAG "}]}",
       "{\"tag\":[[" TAG "],\"" SYSTEM "\",null,1,{\"a\":" TAG "}," TAG "]}"},
      {"{\"security\":[" TAG "],\"tags\":[" TAG "]}",
       "{\"security\":[" TAG "],\"tags\":[" TAG "],\"tag\":[" TAG "]}"},
      /* Keys with escapes; twice: the last counts. */
      {"{\"t\\u0061g\":[]}", "{\"t\\u0061g\":[" TAG "]}"},
      {"{\"\\u0074ag\":[" TAG "]}", "{\"\\u0074ag\":[" TAG "]}"},
      {"{\"tag\":[" TAG "],\"tag\":[]}", "{\"tag\":[" TAG "],\"tag\":[" TAG "]}"},
      {"{\"tag\":[],\"tag\":[" TAG "]}", "{\"tag\":[],\"tag\":[" TAG "]}"},
      /* No tags of FHIR. */
      {"{\"tag\":null}", "{\"tag\":[" TAG "]}"},
      {"{\"tag\":" TAG ",\"a\":1}", "{\"tag\":[" TAG "],\"a\":1}"},
      {"{\"a\":1,\"tag\":\"[\"}", "{\"a\":1,\"tag\":[" TAG "]}"},
      {"{\"tag\":-1.5,\"a\":[]}", "{\"tag\":[" TAG "],\"a\":[]}"},
      {"null", "{\"tag\":[" TAG "]}"},
      {"[{\"tag\":[]}]", "{\"tag\":[" TAG "]}"},
      {"\"{\"", "{\"tag\":[" TAG "]}"},
      {"12", "{\"tag\":[" TAG "]}"},
  };
  static const char *const places[][2] = {
      {"{\"resourceType\":\"Patient\",\"meta\":", ",\"id\":\"a\"}"},
      {HEAD ",\"meta\":", "}"},
      {"{\"meta\":", ",\"resourceType\":\"Patient\",\"id\":\"a\"}"},
      {HEAD ",\"birthDate\":1,\"m\\u0065ta\":", ",\"birthDate\":2}"},
  };
  fhx__elements *elements = read_elements("birthDate");
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    for (size_t p = 0; p < COUNT_OF(places); p++) {
      char line[2000], expected[2000];
      snprintf(line, sizeof line, "%s%s%s", places[p][0], cases[i].line, places[p][1]);
      snprintf(expected, sizeof expected, "%s%s%s", places[p][0], cases[i].expected, places[p][1]);
      check(elements, "Patient", line, expected);
    }
  }
  fhx__elements_free(elements);
}

/* More members than the scanner notes. */
static void many_members(void **state) {
  fhx__elements *elements = read_elements("birthDate Patient.name");
  (void)state;
  for (size_t count = 55; count < 75; count++) {
    char line[LINE_MAX_LEN], expected[LINE_MAX_LEN];
    size_t len = (size_t)snprintf(line, sizeof line, HEAD);
    size_t expected_len = (size_t)snprintf(expected, sizeof expected, HEAD);
    for (size_t i = 0; i < count; i++) {
      len += (size_t)snprintf(line + len, sizeof line - len, ",\"x%zu\":[%zu]", i, i);
    }
    snprintf(line + len, sizeof line - len, ",\"name\":[],\"meta\":{\"tag\":[]},\"y\":1}");
    snprintf(expected + expected_len, sizeof expected - expected_len,
             ",\"name\":[],\"meta\":{\"tag\":[" TAG "]}}");
    check(elements, "Patient", line, expected);
  }
  fhx__elements_free(elements);
}

/* Lengths around those at which runs are copied in another way. */
static void lengths(void **state) {
  fhx__elements *elements = read_elements("birthDate");
  (void)state;
  for (size_t len = 0; len < 600; len++) {
    char text[700] = "", line[1500], expected[1500];
    memset(text, 'b', len);
    snprintf(line, sizeof line, HEAD ",\"birthDate\":\"%s\",\"gender\":\"%s\"}", text, text);
    snprintf(expected, sizeof expected, HEAD ",\"birthDate\":\"%s\"," TAGGED "}", text);
    check(elements, "Patient", line, expected);
    snprintf(line, sizeof line, HEAD ",\"gender\":1,\"birthDate\":\"%s\"}", text);
    check(elements, "Patient", line, expected);
  }
  fhx__elements_free(elements);
}

static void out_of_memory(void **state) {
  bool failed = true;
  (void)state;
  for (uint64_t count = 1; failed; count++) {
    fhx__elements *elements = read_elements("birthDate");
    fhx__elements_free(elements);
    test_memory_begin(0);
    elements = read_elements("birthDate");
    fhx__buffer out = {NULL, 0, 0};
    test_memory_fail_next(count);
    int32_t status =
        fhx__reduce(fhx__elements_of(elements, "Patient"), HEAD "}", sizeof HEAD, NULL, &out);
    failed = test_memory_has_failed();
    test_require_status(status, failed ? FHX_ERR_NO_MEMORY : FHX_OK);
    fhx__buffer_free(&out);
    fhx__elements_free(elements);
    test_memory_end();
  }
}

/* --- against a tree --- */

/* The kept keys of the wish below, apart from choices. */
static const char *const kept_keys[] = {
    "resourceType", "id",   "meta",    "implicitRules", "modifierExtension",
    "status",       "code", "subject", "note"};
static const char wish[] = "Observation.value subject Observation.note";

static bool tree_keeps(const char *key) {
  if (*key == '_') key++;
  for (size_t i = 0; i < COUNT_OF(kept_keys); i++) {
    if (strcmp(key, kept_keys[i]) == 0) return true;
  }
  return strcmp(key, "value") == 0 ||
         (strncmp(key, "value", 5) == 0 && key[5] >= 'A' && key[5] <= 'Z');
}

static void append(char *line, const char *text) {
  size_t len = strlen(line);
  snprintf(line + len, LINE_MAX_LEN - len, "%s", text);
}

static const char *one_of(test_random *random, const char *const *texts, size_t count) {
  return texts[test_random_below(random, count)];
}

static const char long_text[] =
    "\"a rather long text, so that runs of some length are copied in blocks, and not all alike\"";

static void add_value(test_random *random, char *line) {
  static const char *const values[] = {"1",
                                       "-1.50e3",
                                       "null",
                                       "true",
                                       "\"\"",
                                       "\"x\\\"]}\"",
                                       "\"\\u00e9\"",
                                       "\"\xC3\xA9\"",
                                       "[]",
                                       "{}",
                                       "[1,{\"meta\":{\"tag\":[]}},\"]\"]",
                                       "{\"id\":[[{}]],\"a\":\"}\"}",
                                       long_text};
  append(line, one_of(random, values, COUNT_OF(values)));
}

static void add_meta(test_random *random, char *line) {
  static const char *const keys[] = {"versionId", "tag", "t\\u0061g", "tags", "security", "tag"};
  static const char *const lists[] = {"[]",
                                      "[" TAG "]",
                                      "[{\"code\":\"SUBSETTED\"}]",
                                      "null",
                                      TAG,
                                      "[1," TAG "]",
                                      "[{\"code\":\"SUBSETTED\",\"system\":\"" SYSTEM "\"},{}]"};
  if (test_random_below(random, 8) == 0) {
    add_value(random, line);
    return;
  }
  append(line, "{");
  for (uint64_t i = test_random_below(random, 4); i > 0; i--) {
    append(line, "\"");
    append(line, one_of(random, keys, COUNT_OF(keys)));
    append(line, "\":");
    append(line, one_of(random, lists, COUNT_OF(lists)));
    if (i > 1) append(line, ",");
  }
  append(line, "}");
}

static void make_line(test_random *random, char *line) {
  static const char *const keys[] = {"status",
                                     "code",
                                     "subject",
                                     "note",
                                     "valueString",
                                     "_valueString",
                                     "value",
                                     "values",
                                     "performer",
                                     "_status",
                                     "category",
                                     "implicitRules",
                                     "st\\u0061tus",
                                     "\\u006eote",
                                     "performe\\u0072",
                                     "_no\\u0074e",
                                     "modifierExtension",
                                     "extension",
                                     "v\\u0061lueX",
                                     "valu",
                                     "",
                                     "_",
                                     "__note",
                                     "issued",
                                     "\xC3\xA9"};
  uint64_t count = test_random_below(random, test_random_below(random, 20) == 0 ? 90 : 14);
  uint64_t meta = test_random_below(random, 3 + count), id = test_random_below(random, 1 + count);
  strcpy(line, "{\"resourceType\":\"Observation\"");
  for (uint64_t i = 0; i <= count; i++) {
    if (i == id) append(line, ",\"id\":\"a\"");
    if (i == meta) {
      append(line, ",\"meta\":");
      add_meta(random, line);
    }
    if (i == count) break;
    append(line, ",\"");
    append(line, one_of(random, keys, COUNT_OF(keys)));
    append(line, "\":");
    add_value(random, line);
  }
  append(line, "}");
}

static bool is_same(yajl_val a, yajl_val b);

static bool are_same_items(yajl_val a, yajl_val b, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (a->type == yajl_t_object && (strcmp(a->u.object.keys[i], b->u.object.keys[i]) != 0 ||
                                     !is_same(a->u.object.values[i], b->u.object.values[i]))) {
      return false;
    }
    if (a->type == yajl_t_array && !is_same(a->u.array.values[i], b->u.array.values[i])) {
      return false;
    }
  }
  return true;
}

static bool is_same(yajl_val a, yajl_val b) {
  if (a->type != b->type) return false;
  switch (a->type) {
    case yajl_t_string:
      return strcmp(a->u.string, b->u.string) == 0;
    case yajl_t_number:
      return strcmp(a->u.number.r, b->u.number.r) == 0;
    case yajl_t_object:
      return a->u.object.len == b->u.object.len && are_same_items(a, b, a->u.object.len);
    case yajl_t_array:
      return a->u.array.len == b->u.array.len && are_same_items(a, b, a->u.array.len);
    default:
      return true;
  }
}

static yajl_val member_of(yajl_val object, const char *name) {
  yajl_val found = NULL;
  if (object == NULL || object->type != yajl_t_object) return NULL;
  for (size_t i = 0; i < object->u.object.len; i++) {
    if (strcmp(object->u.object.keys[i], name) == 0) found = object->u.object.values[i];
  }
  return found;
}

static bool is_tag(yajl_val coding) {
  yajl_val system = member_of(coding, "system"), code = member_of(coding, "code");
  return system != NULL && code != NULL && YAJL_IS_STRING(system) && YAJL_IS_STRING(code) &&
         strcmp(system->u.string, SYSTEM) == 0 && strcmp(code->u.string, "SUBSETTED") == 0;
}

static size_t count_tags(yajl_val list) {
  size_t count = 0;
  if (list == NULL || list->type != yajl_t_array) return 0;
  for (size_t i = 0; i < list->u.array.len; i++) count += is_tag(list->u.array.values[i]);
  return count;
}

/* The tags before are the first of those behind; other members are the same. */
static void check_meta(yajl_val before, yajl_val behind) {
  yajl_val old = member_of(before, "tag"), new = member_of(behind, "tag");
  test_require(new != NULL &&new->type == yajl_t_array);
  size_t had = count_tags(old), old_len = 0;
  test_require(count_tags(new) == (had == 0 ? 1 : had));
  if (old != NULL && old->type == yajl_t_array) old_len = old->u.array.len;
  test_require(new->u.array.len == old_len + (had == 0));
  for (size_t i = 0; i < old_len; i++) {
    test_require(is_same(old->u.array.values[i], new->u.array.values[i]));
  }
  if (had == 0) test_require(is_tag(new->u.array.values[old_len]));
  size_t count = before != NULL && before->type == yajl_t_object ? before->u.object.len : 0;
  test_require(behind->u.object.len == count + (old == NULL));
  for (size_t i = 0; i < count; i++) {
    test_require(strcmp(before->u.object.keys[i], behind->u.object.keys[i]) == 0);
    test_require(before->u.object.values[i] == old ||
                 is_same(before->u.object.values[i], behind->u.object.values[i]));
  }
}

static void check_tree(yajl_val before, yajl_val behind) {
  size_t at = 0;
  for (size_t i = 0; i < before->u.object.len; i++) {
    const char *key = before->u.object.keys[i];
    if (!tree_keeps(key)) continue;
    test_require(at < behind->u.object.len);
    test_require(strcmp(key, behind->u.object.keys[at]) == 0);
    if (strcmp(key, "meta") != 0) {
      test_require(is_same(before->u.object.values[i], behind->u.object.values[at]));
    }
    at++;
  }
  if (member_of(before, "meta") == NULL) {
    test_require(at + 1 == behind->u.object.len);
    test_require(strcmp(behind->u.object.keys[at], "meta") == 0);
  } else {
    test_require(at == behind->u.object.len);
  }
  check_meta(member_of(before, "meta"), member_of(behind, "meta"));
}

/* yajl's tree keeps the order of members, and keys that are there twice. */
static void as_a_tree(void **state) {
  const char *seed = getenv("FHX_SEED");
  test_random random = {seed != NULL ? strtoull(seed, NULL, 10) : 20261122};
  fhx__elements *elements = read_elements(wish);
  fhx__buffer out = {NULL, 0, 0};
  (void)state;
  for (size_t i = 0; i < (test_is_quick() ? 5000 : 40000); i++) {
    static char line[LINE_MAX_LEN];
    char message[200];
    make_line(&random, line);
    test_scenario("%s", line);
    reduce(fhx__elements_of(elements, "Observation"), line, strlen(line), &out);
    test_require_status(fhx__buffer_terminate(&out), FHX_OK);
    yajl_val before = yajl_tree_parse(line, message, sizeof message);
    yajl_val behind = yajl_tree_parse(out.data, message, sizeof message);
    test_require(before != NULL && behind != NULL);
    check_tree(before, behind);
    yajl_tree_free(before);
    yajl_tree_free(behind);
  }
  fhx__buffer_free(&out);
  fhx__elements_free(elements);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members), cmocka_unit_test(tags),          cmocka_unit_test(many_members),
      cmocka_unit_test(lengths), cmocka_unit_test(out_of_memory), cmocka_unit_test(as_a_tree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
