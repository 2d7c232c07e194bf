/* What the tests of search queries share: a query against a line, and tables of both. */
#ifndef SEARCH_CHECK_H
#define SEARCH_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "ndjson/scan.h"
#include "select/search.h"

/* The server's base in all of them. */
#define SEARCH_BASE "https://own.example/fhir"

/* A row of a table of queries and lines. `expected` has a letter for each query, `x` where it
   matches and `.` where it does not; spaces are for the eye. */
typedef struct search_row {
  /* The members of the resource behind its type and id. */
  const char *members;
  const char *expected;
} search_row;

static inline fhx__search *read_search_in(const char *query, uint32_t version) {
  fhx__search *search = NULL;
  fhx__search_refusal refusal;
  int32_t status = fhx__search_parse(query, version, &search, &refusal);
  if (status != FHX_OK) fail_msg("%s: %s", query, refusal.text);
  assert_string_equal(fhx__search_text(search), query);
  return search;
}

static inline bool search_takes(const fhx__search *search, const char *resource) {
  fhx__scan scan;
  bool matches = false;
  size_t len = strlen(resource);
  /* A copy of just its length lets a sanitizer see what is read behind it. */
  char *line = malloc(len);
  assert_non_null(line);
  fhx__scan_resource(resource, len, line, FHX__DEPTH_DEFAULT, &scan);
  if (scan.fault != FHX__FAULT_NONE) fail_msg("no resource: %s", resource);
  line = realloc(line, scan.out_len);
  assert_non_null(line);
  assert_int_equal(
      fhx__search_matches(search, &scan.facts, line, scan.out_len, SEARCH_BASE, &matches), FHX_OK);
  free(line);
  return matches;
}

/* Whether a query of this type takes a resource with these members. */
static inline bool search_matches_in(uint32_t version, const char *query, const char *members) {
  char resource[8192];
  fhx__search *search = read_search_in(query, version);
  int len = snprintf(resource, sizeof resource, "{\"resourceType\":\"%s\",\"id\":\"x1\"%s%s}",
                     fhx__search_type(search), *members == '\0' ? "" : ",", members);
  assert_in_range(len, 1, sizeof resource - 1);
  bool matches = search_takes(search, resource);
  fhx__search_free(search);
  return matches;
}

static inline void check_search(uint32_t version, const char *query, const char *members,
                                bool expected) {
  if (search_matches_in(version, query, members) != expected) {
    fail_msg("%s %s {%s}", query, expected ? "leaves out" : "takes", members);
  }
}

/* Each query, with `begins` in front of it, against each row. Spaces stand between the queries. */
static inline void check_search_table(const char *begins, const char *queries,
                                      const search_row *rows, size_t row_count) {
  for (size_t r = 0; r < row_count; r++) {
    const char *mark = rows[r].expected;
    for (const char *at = queries; *at != '\0';) {
      char query[512];
      size_t len = strcspn(at, " ");
      snprintf(query, sizeof query, "%s%.*s", begins, (int)len, at);
      while (*mark == ' ') mark++;
      assert_true(*mark == 'x' || *mark == '.');
      check_search(FHX_FHIR_R4, query, rows[r].members, *mark++ == 'x');
      at += len + strspn(at + len, " ");
    }
    assert_int_equal(*mark, '\0');
  }
}

#define CHECK_TABLE(begins, queries, rows) \
  check_search_table(begins, queries, rows, sizeof rows / sizeof rows[0])

#endif
