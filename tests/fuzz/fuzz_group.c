/*
 * A Group's members on any resource: what the one pass finds is compared with what a tree says that
 * yajl has built. The same bytes are read as a partial date.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "ndjson/scan.h"
#include "select/group.h"

#define AS_OF_US INT64_C(1715000000000000)
#define BASE "https://h/fhir"
/* A time that is longer, and spelt with escapes, is malformed to the one pass alone. */
#define TIME_TEXT_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds) {
  if (!holds) abort();
}

/* --- the tree --- */

static const fhx__json_node *last_member(const fhx__json_node *object, const char *key) {
  const fhx__json_node *found = NULL;
  if (object == NULL || object->kind != FHX__JSON_OBJECT) return NULL;
  for (const fhx__json_node *node = object->first; node != NULL; node = node->next) {
    if (strcmp(node->key, key) == 0) found = node;
  }
  return found;
}

static bool is_unsure(const fhx__json_node *bound) {
  return bound != NULL && bound->kind == FHX__JSON_STRING && bound->text_len > TIME_TEXT_MAX;
}

static bool slow_bound(const fhx__json_node *bound, int64_t *first_us, int64_t *last_us) {
  return bound->kind == FHX__JSON_STRING &&
         fhx__partial_date_read(bound->text, bound->text_len, first_us, last_us);
}

/* False: it is outside; *bad: it cannot be read. */
static bool slow_period(const fhx__json_node *period, bool *bad) {
  int64_t first_us = INT64_MIN, last_us = INT64_MAX, other_us = 0;
  const fhx__json_node *start = last_member(period, "start"), *end = last_member(period, "end");
  *bad = false;
  if (period == NULL) return true;
  *bad = period->kind != FHX__JSON_OBJECT ||
         (start != NULL && !slow_bound(start, &first_us, &other_us)) ||
         (end != NULL && !slow_bound(end, &other_us, &last_us));
  return *bad || (first_us <= AS_OF_US && AS_OF_US <= last_us);
}

static fhx__member_kind slow_kind(const fhx__json_node *node, fhx__member *member) {
  const fhx__json_node *inactive = last_member(node, "inactive");
  const fhx__json_node *reference = last_member(last_member(node, "entity"), "reference");
  bool inside = slow_period(last_member(node, "period"), &member->has_bad_period);
  if (!inside || (inactive != NULL && inactive->kind == FHX__JSON_TRUE)) return FHX__MEMBER_OVER;
  if (reference == NULL || reference->kind == FHX__JSON_NULL) return FHX__MEMBER_UNRESOLVED;
  if (reference->kind != FHX__JSON_STRING) return FHX__MEMBER_ELSEWHERE;
  const fhx__raw_string text = {reference->text, reference->text_len, false};
  bool read = fhx__reference_read(text, BASE, member->type, member->id);
  return read ? FHX__MEMBER_REFERENCE : FHX__MEMBER_ELSEWHERE;
}

/* --- both --- */

typedef struct comparison {
  /* The root's member and, in a list of members, the element that is next. */
  const fhx__json_node *list;
  const fhx__json_node *next;
} comparison;

static bool is_list(const fhx__json_node *node) {
  return strcmp(node->key, "member") == 0 &&
         (node->kind == FHX__JSON_OBJECT || (node->kind == FHX__JSON_ARRAY && node->first != NULL));
}

/* Moves to the next list of members that is not empty. */
static void next_list(comparison *at, const fhx__json_node *from) {
  while (from != NULL && !is_list(from)) from = from->next;
  at->list = from;
  at->next = from != NULL && from->kind == FHX__JSON_ARRAY ? from->first : from;
}

static bool compare(void *context, const fhx__member *member) {
  comparison *at = context;
  fhx__member slow;
  memset(&slow, 0, sizeof slow);
  require(at->list != NULL);
  const fhx__json_node *node = at->next;
  const fhx__json_node *period = last_member(node, "period");
  bool unsure = is_unsure(last_member(period, "start")) || is_unsure(last_member(period, "end"));
  slow.kind = slow_kind(node, &slow);
  if (!unsure) {
    require(member->kind == slow.kind && member->has_bad_period == slow.has_bad_period);
    if (slow.kind == FHX__MEMBER_REFERENCE) {
      require(strcmp(member->type, slow.type) == 0 && strcmp(member->id, slow.id) == 0);
    }
  }
  at->next = node == at->list ? NULL : node->next;
  if (at->next == NULL) next_list(at, at->list->next);
  return true;
}

/* yajl makes '?' of an escaped half of a surrogate pair, and a key with a NUL looks shorter. */
static bool is_comparable(const char *line, size_t len) {
  for (size_t i = 0; i + 4 <= len; i++) {
    if (line[i] != '\\' || line[i + 1] != 'u') continue;
    if ((line[i + 2] | 0x20) == 'd' || memcmp(line + i + 2, "00", 2) == 0) return false;
  }
  return true;
}

static void check_line(const char *line, size_t len) {
  fhx__json_node *root = NULL;
  comparison at = {NULL, NULL};
  if (!is_comparable(line, len)) return;
  if (fhx__json_parse(line, len, &root, NULL) != FHX_OK) return; /* too deep for yajl's reader */
  next_list(&at, root->first);
  require(fhx__group_walk(line, len, AS_OF_US, BASE, compare, &at));
  require(at.list == NULL);
  fhx__group_head head;
  const fhx__json_node *actual = last_member(root, "actual");
  require(fhx__group_read_head(line, len, &head) ==
          (strcmp(fhx__json_member_string(root, "resourceType", ""), "Group") == 0));
  if (actual != NULL && actual->kind == FHX__JSON_TRUE) require(head.lists_members);
  fhx__json_free(root);
}

static bool pass(void *context, const fhx__member *member) {
  (void)context;
  bool found = member->kind == FHX__MEMBER_REFERENCE;
  require(fhx__is_id(member->id, strlen(member->id)) == found);
  require(fhx__is_type_name(member->type, strlen(member->type)) == found);
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  const char *text = (const char *)data;
  fhx__scan scan = {0};
  fhx__group_head head;
  int64_t first_us = 0, last_us = 0;
  if (fhx__partial_date_read(text, len, &first_us, &last_us)) require(first_us <= last_us);
  char *line = malloc(len + 1);
  if (line == NULL) return 0;
  if (fhx__scan_resource(data, len, line, FHX__DEPTH_MAX, &scan) == FHX__FAULT_NONE) {
    check_line(line, scan.out_len);
  }
  /* Whatever the text: nothing outside it is read. */
  fhx__group_read_head(text, len, &head);
  fhx__group_walk(text, len, AS_OF_US, "", pass, NULL);
  free(line);
  return 0;
}
