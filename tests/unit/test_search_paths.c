/* Where search queries look: random resources, walked in one pass and as a tree that yajl has built
   (FILTER-21). */
#include "core/json.h"
#include "search_check.h"
#include "select/search_table.h"

#define LINE_MAX_LEN 65536
#define ROUNDS 6000
#define CONDITIONS_MAX 4

static uint32_t seed = 20261122;

static uint32_t draw(uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

/* --- the resource --- */

typedef struct text {
  char *at;
  char *end;
} text;

static void put(text *to, const char *what) {
  size_t len = strlen(what);
  assert_true((size_t)(to->end - to->at) > len);
  memcpy(to->at, what, len + 1);
  to->at += len;
}

/* A name on one of the type's paths, at that depth; or another one. */
static void draw_name(const char *parameters, uint32_t depth, char name[64]) {
  size_t len = strlen(parameters);
  snprintf(name, 64, "other%u", draw(1000));
  if (len == 0 || draw(4) == 0) return;
  const char *at = parameters + draw((uint32_t)len);
  while (at > parameters && at[-1] != ' ') at--;
  at = strchr(at, '=') + 3;
  for (uint32_t i = 0; i < depth; i++) {
    at += strcspn(at, ".| ");
    if (*at != '.') return;
    at++;
  }
  size_t name_len = strcspn(at, ".|@#! ");
  if (name_len > 0 && name_len < 64) snprintf(name, 64, "%.*s", (int)name_len, at);
}

static void put_value(text *to, const char *parameters, uint32_t depth);

static void put_members(text *to, const char *parameters, uint32_t depth) {
  char names[8][64];
  uint32_t count = draw(6), put_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    bool is_new = true;
    draw_name(parameters, depth, names[put_count]);
    for (uint32_t j = 0; j < put_count; j++)
      is_new = is_new && strcmp(names[j], names[put_count]) != 0;
    if (!is_new) continue;
    if (depth == 0 || put_count > 0) put(to, ",");
    put(to, "\"");
    put(to, names[put_count++]);
    put(to, "\":");
    put_value(to, parameters, depth + 1);
  }
}

static void put_value(text *to, const char *parameters, uint32_t depth) {
  static const char *const scalars[] = {"null",          "true", "-1.5e3", "\"a}]\"",
                                        "\"\\\\\\\"{\"", "\"\"", "[]",     "{}"};
  uint32_t kind = draw(depth > 6 ? 4 : 10);
  if (kind < 4) {
    put(to, scalars[draw(8)]);
  } else if (kind < 7) {
    put(to, "{");
    put_members(to, parameters, depth);
    put(to, "}");
  } else {
    put(to, "[");
    uint32_t count = draw(4);
    for (uint32_t i = 0; i < count; i++) {
      if (i > 0) put(to, ",");
      put_value(to, parameters, depth);
    }
    put(to, "]");
  }
}

/* --- the tree --- */

/* An element with nothing but an id and extensions has no value. */
static bool has_value(const fhx__json_node *node) {
  if (node->kind != FHX__JSON_OBJECT) return node->kind != FHX__JSON_NULL;
  for (const fhx__json_node *member = node->first; member != NULL; member = member->next) {
    if (strcmp(member->key, "id") != 0 && strcmp(member->key, "extension") != 0) return true;
  }
  return false;
}

/* Whether something stands at the end of a path; lists on the way are looked into. */
static bool tree_has(const fhx__json_node *node, const char *path, const char *end) {
  if (node == NULL) return false;
  if (node->kind == FHX__JSON_ARRAY && path < end) {
    bool any = false;
    for (const fhx__json_node *item = node->first; item != NULL; item = item->next) {
      any = any || tree_has(item, path, end);
    }
    return any;
  }
  if (path == end) {
    if (node->kind != FHX__JSON_ARRAY) return has_value(node);
    bool any = false;
    for (const fhx__json_node *item = node->first; item != NULL; item = item->next) {
      any = any || has_value(item);
    }
    return any;
  }
  char name[64];
  size_t len = 0;
  while (path + len < end && path[len] != '.') len++;
  snprintf(name, sizeof name, "%.*s", (int)len, path);
  path += len;
  return tree_has(fhx__json_member(node, name), path < end ? path + 1 : end, end);
}

static bool tree_has_any(const fhx__json_node *root, const char *paths, size_t len) {
  const char *end = paths + len;
  for (const char *at = paths; at < end;) {
    const char *bar = memchr(at, '|', (size_t)(end - at));
    if (bar == NULL) bar = end;
    if (tree_has(root, at, bar)) return true;
    at = bar < end ? bar + 1 : end;
  }
  return false;
}

/* --- both --- */

/* Appends `name:missing=` for a random parameter of R4; whether the tree says that it holds. */
static bool draw_condition(const char *parameters, const fhx__json_node *root, char *query,
                           size_t room) {
  const char *at = parameters + draw((uint32_t)strlen(parameters));
  while (at > parameters && at[-1] != ' ') at--;
  size_t len = strcspn(at, " "), name_len = strcspn(at, "=");
  const char *paths = at + name_len + 3;
  bool plain = (at[name_len + 2] - '0') % 2 == 1 && at[name_len + 1] != 'x' &&
               strcspn(paths, "@#! ") == (size_t)(at + len - paths);
  if (!plain) return true;
  bool missing = draw(2) == 0;
  size_t used = strlen(query);
  snprintf(query + used, room - used, "&%.*s:missing=%s", (int)name_len, at,
           missing ? "true" : "false");
  return tree_has_any(root, paths, (size_t)(at + len - paths)) != missing;
}

static void one_pass_finds_what_a_tree_has(void **state) {
  static char line[LINE_MAX_LEN];
  size_t taken = 0;
  (void)state;
  for (size_t round = 0; round < ROUNDS; round++) {
    const fhx__search_row *row = &fhx__search_table[draw((uint32_t)fhx__search_table_count)];
    if (row->parameters[0] == '\0' || (row->versions & FHX__SEARCH_R4) == 0) continue;
    text to = {line, line + sizeof line};
    put(&to, "{\"resourceType\":\"");
    put(&to, row->resource_type);
    put(&to, "\",\"id\":\"x\"");
    put_members(&to, row->parameters, 0);
    put(&to, "}");
    fhx__json_node *root = NULL;
    assert_int_equal(fhx__json_parse(line, strlen(line), &root, NULL), FHX_OK);
    char query[1024];
    bool expected = true;
    snprintf(query, sizeof query, "%s?", row->resource_type);
    for (uint32_t i = draw(CONDITIONS_MAX) + 1; i > 0; i--) {
      bool holds = draw_condition(row->parameters, root, query, sizeof query);
      expected = expected && holds;
    }
    fhx__json_free(root);
    fhx__search *search = read_search_in(query, FHX_FHIR_R4);
    if (search_takes(search, line) != expected) fail_msg("%s on %s", query, line);
    fhx__search_free(search);
    taken += expected;
  }
  assert_in_range(taken, ROUNDS / 20, ROUNDS - ROUNDS / 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_pass_finds_what_a_tree_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
