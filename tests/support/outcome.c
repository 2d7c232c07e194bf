/* What an export with deletions has brought to its destination. */
#include "support/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/require.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

typedef struct names {
  char *texts[TEST_OUTCOME_MAX / 4];
  size_t count;
} names;

static void add_name(names *list, const char *text, size_t len) {
  char *copy = calloc(1, len + 1);
  test_require(copy != NULL && list->count < COUNT(list->texts));
  memcpy(copy, text, len);
  list->texts[list->count++] = copy;
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Frees the list. */
static void join(names *list, char text[TEST_OUTCOME_MAX]) {
  size_t len = 0;
  text[0] = '\0';
  qsort(list->texts, list->count, sizeof list->texts[0], compare_texts);
  for (size_t i = 0; i < list->count; i++) {
    len += (size_t)snprintf(text + len, TEST_OUTCOME_MAX - len, "%s%s", i == 0 ? "" : " ",
                            list->texts[i]);
    test_require(len < TEST_OUTCOME_MAX);
    free(list->texts[i]);
  }
}

static const char *behind(const char *at, const char *text) {
  test_require(strncmp(at, text, strlen(text)) == 0);
  return at + strlen(text);
}

/* MAN-14: a transaction of DELETE requests and nothing else. */
static void read_bundle(const char *line, names *list, test_outcome *got) {
  const char *at =
      behind(line, "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[");
  uint32_t entries = 0;
  for (;; at++) {
    at = behind(at, "{\"request\":{\"method\":\"DELETE\",\"url\":\"");
    size_t len = strcspn(at, "\"");
    add_name(list, at, len);
    at = behind(at + len, "\"}}");
    entries++;
    if (*at != ',') break;
  }
  at = behind(at, "]}");
  test_require(*at == '\0');
  got->bundle_count++;
  if (entries > got->most_entries) got->most_entries = entries;
}

static void read_resource_line(const char *line, names *list) {
  char name[200];
  const char *type = behind(line, "{\"resourceType\":\"");
  const char *id = behind(type + strcspn(type, "\""), "\",\"id\":\"");
  snprintf(name, sizeof name, "%.*s/%.*s", (int)strcspn(type, "\""), type, (int)strcspn(id, "\""),
           id);
  add_name(list, name, strlen(name));
}

typedef struct reading {
  names output;
  names deleted;
  test_outcome *got;
} reading;

static void read_part(const fhx_part *part, const test_object *object, reading *of) {
  char *text = calloc(1, object->len + 1), *line = text;
  uint64_t lines = 0;
  test_require(text != NULL && object->len == fhx_part_byte_count(part));
  memcpy(text, object->data, object->len);
  while (*line != '\0') {
    char *line_end = strchr(line, '\n');
    test_require(line_end != NULL);
    *line_end = '\0';
    lines++;
    if (fhx_part_kind(part) == FHX_PART_DELETED) {
      read_bundle(line, &of->deleted, of->got);
    } else if (fhx_part_kind(part) == FHX_PART_OUTPUT) {
      read_resource_line(line, &of->output);
    } else {
      strncat(of->got->errors, line, TEST_OUTCOME_MAX - strlen(of->got->errors) - 1);
    }
    line = line_end + 1;
  }
  test_require(lines == fhx_part_resource_count(part));
  free(text);
}

void test_outcome_read(fhx_job *job, test_destination *destination, test_outcome *got) {
  static reading at;
  uint64_t after = 0;
  fhx_part_page *page = NULL;
  memset(got, 0, sizeof *got);
  memset(&at, 0, sizeof at);
  at.got = got;
  test_objects objects = test_destination_objects(destination);
  while (fhx_job_parts_new(job, &after, 7, &page, NULL) == FHX_OK) {
    for (uint32_t i = 0; i < fhx_part_page_count(page); i++) {
      const fhx_part *part = fhx_part_page_part(page, i);
      const test_object *object = test_objects_find(&objects, fhx_part_name(part));
      bool is_deleted = fhx_part_kind(part) == FHX_PART_DELETED;
      test_require(object != NULL);
      test_require(is_deleted == (strstr(fhx_part_name(part), "/deleted-") != NULL));
      test_require(!is_deleted || strcmp(fhx_part_resource_type(part), "Bundle") == 0);
      read_part(part, object, &at);
      got->part_count++;
    }
    fhx_part_page_free(page);
  }
  test_require(got->part_count == objects.count);
  join(&at.output, got->output);
  join(&at.deleted, got->deleted);
}
