/*
 * `_elements` on any resource: its first line is a list of elements, the rest a resource. A reduced
 * line is a resource of the same type and id, the same with the keys that the scanner noted and
 * without, has the tag, does not change when it is reduced again, and has no key that is not kept.
 * The list is also given to a filter, and to its definition and back.
 */
#include <fhirexport/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "select/filter.h"
#include "select/reduce.h"

#define NAME_MAX_LEN 200
#define TAG                                              \
  "{\"system\":\"http://terminology.hl7.org/CodeSystem/" \
  "v3-ObservationValue\",\"code\":\"SUBSETTED\"}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* A block of exactly this size, so that the sanitizer sees what is read behind it. */
static char *exact_copy(const void *data, size_t size) {
  char *block = malloc(size == 0 ? 1 : size);
  must(block != NULL, "there is memory");
  if (size != 0) memcpy(block, data, size);
  return block;
}

/* --- the wish --- */

static void add(fhx_filter *filter, const char *name) {
  fhx_error *error = NULL;
  size_t before = filter->element_count;
  int32_t status = fhx_filter_add_element(filter, name, &error);
  must(status == FHX_OK || status == FHX_ERR_ARGUMENT || status == FHX_ERR_UNSUPPORTED,
       "an element is taken or refused");
  must((status == FHX_OK) == (error == NULL), "a refusal has a sentence");
  must(status == FHX_OK || filter->element_count == before, "what is refused changes nothing");
  fhx_error_free(error);
}

static fhx_filter *read_list(const uint8_t *list, size_t len) {
  static const uint32_t versions[] = {FHX_FHIR_R4, FHX_FHIR_R4B, FHX_FHIR_R5};
  fhx_filter *filter = NULL;
  must(fhx_filter_new(&filter, NULL) == FHX_OK, "there is memory");
  must(fhx_filter_set_fhir_version(filter, versions[len % 3], NULL) == FHX_OK,
       "the version is known");
  for (size_t at = 0; at < len;) {
    char name[NAME_MAX_LEN + 1] = "";
    const uint8_t *comma = memchr(list + at, ',', len - at);
    size_t entry = comma == NULL ? len - at : (size_t)(comma - (list + at));
    memcpy(name, list + at, entry < NAME_MAX_LEN ? entry : NAME_MAX_LEN);
    add(filter, name);
    at += entry + 1;
  }
  return filter;
}

static void there_and_back(const fhx_filter *filter) {
  fhx__buffer text = {NULL, 0, 0};
  fhx__json_writer writer;
  fhx__json_node *root = NULL;
  fhx_filter *read = NULL;
  fhx__json_begin(&writer, &text);
  fhx__json_open_object(&writer);
  fhx__filter_write(filter, &writer);
  fhx__json_close_object(&writer);
  must(fhx__json_end(&writer) == FHX_OK, "a filter is written");
  must(fhx__json_parse(text.data, text.len, &root, NULL) == FHX_OK, "as JSON");
  must(fhx__filter_read(root, &read, NULL) == FHX_OK, "a filter is read back");
  must(read->element_count == filter->element_count, "with its elements");
  fhx_filter_free(read);
  fhx__json_free(root);
  fhx__buffer_free(&text);
}

/* --- the line --- */

static fhx__buffer reduce(const fhx__kept *kept, const char *line, size_t len,
                          const fhx__keys *keys) {
  fhx__buffer out = {NULL, 0, 0};
  must(fhx__reduce(kept, line, len, keys, &out) == FHX_OK, "there is memory");
  return out;
}

static bool has(const char *text, size_t len, const char *part) {
  size_t part_len = strlen(part);
  for (size_t i = 0; i + part_len <= len; i++) {
    if (memcmp(text + i, part, part_len) == 0) return true;
  }
  return false;
}

/* The tag may be spelt in another way where it was there before. */
static void check_reduced(const fhx__kept *kept, const char *line, size_t len,
                          const fhx__facts *facts, const fhx__buffer *out) {
  fhx__scan scan;
  fhx__keys keys;
  char *exact = exact_copy(out->data, out->len);
  fhx__scan_keys(exact, out->len, NULL, FHX__DEPTH_MAX, &scan, &keys);
  must(scan.fault == FHX__FAULT_NONE && scan.out_len == out->len, "what comes out is a line");
  must(strcmp(scan.facts.resource_type, facts->resource_type) == 0 &&
           strcmp(scan.facts.id, facts->id) == 0 && scan.facts.has_updated == facts->has_updated,
       "its facts are the same");
  must(out->len <= len + 200, "it is hardly longer");
  for (size_t i = 0; i < keys.count && i < FHX__KEYS_MAX; i++) {
    must(keys.at[i].depth != 1 || fhx__kept_fate(kept, exact + keys.at[i].begin + 1,
                                                 keys.at[i].len) != FHX__FATE_DROPPED,
         "all that is there is kept");
  }
  fhx__buffer again = reduce(kept, exact, out->len, &keys);
  must(again.len == out->len && memcmp(again.data, exact, again.len) == 0,
       "what was reduced stays as it is");
  must(has(exact, out->len, TAG) || has(line, len, "SUBSETTED") || has(line, len, "\\"),
       "the tag is there");
  fhx__buffer_free(&again);
  free(exact);
}

static void check_line(const fhx_filter *filter, const uint8_t *data, size_t size) {
  fhx__scan scan;
  fhx__keys keys;
  char *block = exact_copy(data, size);
  fhx__scan_keys(data, size, block, FHX__DEPTH_DEFAULT, &scan, &keys);
  const fhx__kept *kept = NULL;
  if (scan.fault == FHX__FAULT_NONE && filter->wish != NULL) {
    kept = fhx__elements_of(filter->wish, scan.facts.resource_type);
  }
  if (kept != NULL) {
    char *line = exact_copy(block, scan.out_len);
    fhx__buffer out = reduce(kept, line, scan.out_len, &keys);
    fhx__buffer found = reduce(kept, line, scan.out_len, NULL);
    must(out.len == found.len && memcmp(out.data, found.data, out.len) == 0,
         "keys make no difference");
    check_reduced(kept, line, scan.out_len, &scan.facts, &out);
    fhx__buffer_free(&found);
    fhx__buffer_free(&out);
    free(line);
  }
  free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *feed = size == 0 ? NULL : memchr(data, '\n', size);
  size_t list = feed == NULL ? size : (size_t)(feed - data);
  fhx_filter *filter = read_list(data, list);
  there_and_back(filter);
  if (feed != NULL) check_line(filter, feed + 1, size - list - 1);
  fhx_filter_free(filter);
  return 0;
}
