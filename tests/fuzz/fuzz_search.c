/*
 * Search queries on any resource. The input is a query, a NUL, and a resource. A query takes what
 * each of its conditions takes by itself, and what `:missing` says is there is what a tree has that
 * yajl has built.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "ndjson/scan.h"
#include "select/search.h"

#define QUERY_MAX 4096
#define BASE "https://h/fhir"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds) {
  if (!holds) abort();
}

typedef struct resource {
  fhx__facts facts;
  const char *line;
  size_t len;
} resource;

/* 1 or 0: what the query says of the resource; -1: it is refused. */
static int ask(const char *query, uint32_t version, const resource *about) {
  fhx__search *search = NULL;
  fhx__search_refusal refusal;
  bool matches = false;
  int32_t status = fhx__search_parse(query, version, &search, &refusal);
  require((status == FHX_OK) == (search != NULL));
  if (search == NULL) {
    require(status == FHX_ERR_ARGUMENT || status == FHX_ERR_UNSUPPORTED);
    require(refusal.text[0] != '\0' && strlen(refusal.text) < sizeof refusal.text);
    return -1;
  }
  require(strcmp(fhx__search_text(search), query) == 0);
  require(fhx__search_matches(search, &about->facts, about->line, about->len, BASE, &matches) ==
          FHX_OK);
  fhx__search_free(search);
  return matches ? 1 : 0;
}

static void check_query(const char *query, uint32_t version, const resource *about) {
  static char one[QUERY_MAX + 8];
  int whole = ask(query, version, about);
  size_t type_len = strcspn(query, "?");
  if (whole < 0 || query[type_len] == '\0') return;
  bool all = true;
  for (const char *at = query + type_len + 1; *at != '\0';) {
    size_t len = strcspn(at, "&");
    memcpy(one, query, type_len + 1);
    memcpy(one + type_len + 1, at, len);
    one[type_len + 1 + len] = '\0';
    int part = ask(one, version, about);
    require(part >= 0);
    all = all && part == 1;
    at += len + (at[len] == '&' ? 1 : 0);
  }
  /* Without a condition the type alone decides. */
  memcpy(one, query, type_len);
  one[type_len] = '\0';
  require(whole == (all && ask(one, version, about) == 1));
}

/* An element with nothing but an id and extensions has no value. */
static bool has_value(const fhx__json_node *node) {
  if (node->kind != FHX__JSON_OBJECT) return node->kind != FHX__JSON_NULL;
  for (const fhx__json_node *member = node->first; member != NULL; member = member->next) {
    if (strcmp(member->key, "id") != 0 && strcmp(member->key, "extension") != 0) return true;
  }
  return false;
}

/* Whether there is something at a member of the root: as a tree has it, if no key is doubled. */
static void check_presence(const resource *about) {
  static const char *const members[][2] = {{"gender", "Patient?gender:missing=false"},
                                           {"name", "Patient?name:missing=false"},
                                           {"birthDate", "Patient?birthdate:missing=false"}};
  fhx__json_node *root = NULL;
  if (strcmp(about->facts.resource_type, "Patient") != 0 ||
      fhx__json_parse(about->line, about->len, &root, NULL) != FHX_OK) {
    return;
  }
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    const fhx__json_node *found = NULL;
    size_t count = 0;
    for (const fhx__json_node *node = root->first; node != NULL; node = node->next) {
      if (strcmp(node->key, members[i][0]) != 0) continue;
      found = node;
      count++;
    }
    if (count > 1) continue;
    bool present = found != NULL && found->kind != FHX__JSON_ARRAY && has_value(found);
    if (found != NULL && found->kind == FHX__JSON_ARRAY) {
      for (const fhx__json_node *item = found->first; item != NULL; item = item->next) {
        present = present || has_value(item);
      }
    }
    require(ask(members[i][1], FHX_FHIR_R4, about) == (present ? 1 : 0));
  }
  fhx__json_free(root);
}

static int32_t count_queries(void *context, const char *text, size_t len) {
  size_t *total = context;
  (void)text;
  *total += len + 1;
  return FHX_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static const uint32_t versions[] = {FHX_FHIR_R4, FHX_FHIR_R4B, FHX_FHIR_R5};
  const uint8_t *nul = len == 0 ? NULL : memchr(data, 0, len);
  if (nul == NULL || nul - data > QUERY_MAX) return 0;
  char query[QUERY_MAX + 1];
  memcpy(query, data, (size_t)(nul - data) + 1);
  size_t total = 0;
  require(fhx__search_split(query, count_queries, &total) == FHX_OK && total == strlen(query) + 1);
  size_t in_len = len - (size_t)(nul - data) - 1;
  /* Exactly as long as the line, so that a sanitizer sees a read behind it. */
  char *room = malloc(in_len + 1);
  fhx__scan scan;
  require(room != NULL);
  fhx__scan_resource(nul + 1, in_len, room, FHX__DEPTH_DEFAULT, &scan);
  resource about = {scan.facts, room, scan.out_len};
  char *line = scan.fault == FHX__FAULT_NONE ? malloc(scan.out_len) : NULL;
  if (line != NULL) {
    memcpy(line, room, scan.out_len);
    about.line = line;
    check_presence(&about);
  } else {
    /* What is no resource is walked over all the same: broken text is never left. */
    about.len = in_len;
    memcpy(room, nul + 1, in_len);
    memcpy(about.facts.resource_type, "Observation", sizeof "Observation");
  }
  for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
    check_query(query, versions[i], &about);
  }
  free(line);
  free(room);
  return 0;
}
