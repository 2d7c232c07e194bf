/* One scan with everything that must hold of every scan; for the tests of the scanner. */
#ifndef TEST_UNIT_SCAN_CHECK_H
#define TEST_UNIT_SCAN_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ndjson/variant.h"

/* A text that may hold NULs, and its length. */
#define TEXT(literal) (literal), sizeof(literal) - 1
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TEXT_MAX 4096

#define GUARD 32
#define GUARD_BYTE 0xA5

/* What is behind a resource that is complete without it. */
#define BEGIN "{\"resourceType\":\"Patient\",\"id\":\"a\""

/* A heap block of exactly `len` bytes, so that a sanitizer sees a read behind them. */
static inline unsigned char *exact_copy(const void *in, size_t len) {
  unsigned char *copy = malloc(len == 0 ? 1 : len);
  assert_non_null(copy);
  if (len != 0) memcpy(copy, in, len);
  return copy;
}

/* Strips white space byte by byte; what the scanner's line must be. */
static inline size_t strip_slowly(const unsigned char *in, size_t len, unsigned char *out) {
  size_t written = 0;
  bool in_string = false;
  bool escaped = false;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = in[i];
    if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    if (c == '"' && !escaped) in_string = !in_string;
    escaped = in_string && c == '\\' && !escaped;
    out[written++] = c;
  }
  return written;
}

static inline void assert_same_facts(const fhx__facts *a, const fhx__facts *b) {
  assert_string_equal(a->resource_type, b->resource_type);
  assert_string_equal(a->id, b->id);
  assert_int_equal(a->has_updated, b->has_updated);
  if (a->has_updated) assert_int_equal(fhx__instant_compare(a->updated, b->updated), 0);
}

static inline void assert_same_scan(const fhx__scan *a, const fhx__scan *b) {
  assert_int_equal(a->fault, b->fault);
  assert_int_equal(a->offset, b->offset);
  assert_int_equal(a->out_len, b->out_len);
  assert_same_facts(&a->facts, &b->facts);
}

/* What must hold of an accepted line: it is what slow stripping gives, and is its own line. */
static inline void check_line(const unsigned char *in, size_t len, const unsigned char *line,
                              const fhx__scan *scan, uint32_t depth_max) {
  unsigned char *expected = malloc(len);
  assert_non_null(expected);
  size_t expected_len = strip_slowly(in, len, expected);
  assert_int_equal(scan->out_len, expected_len);
  assert_memory_equal(line, expected, expected_len);
  unsigned char *exact = exact_copy(line, scan->out_len);
  fhx__scan again;
  fhx__scan_resource(exact, scan->out_len, expected, depth_max, &again);
  assert_same_scan(scan, &again);
  assert_memory_equal(expected, line, scan->out_len);
  fhx__strip strip = {0};
  assert_int_equal(fhx__strip_piece(&strip, in, len, expected), scan->out_len);
  assert_memory_equal(expected, line, scan->out_len);
  free(exact);
  free(expected);
}

/* Every variant says the same as the plain one and writes the same bytes, and none behind them. */
static inline void check_variants(const unsigned char *in, size_t len, uint32_t depth_max) {
  unsigned char *line = exact_copy(in, len);
  unsigned char *out = exact_copy(in, len);
  fhx__scan plain, other;
  fhx__scan_by(FHX__VARIANT_PLAIN, in, len, line, depth_max, &plain, NULL);
  for (fhx__variant i = FHX__VARIANT_PLAIN + 1; i < FHX__VARIANT_COUNT; i++) {
    if (!fhx__variant_works(i)) continue;
    assert_int_equal(fhx__scan_by(i, in, len, out, depth_max, &other, NULL), plain.fault);
    assert_same_scan(&plain, &other);
    if (plain.fault == FHX__FAULT_NONE) assert_memory_equal(out, line, plain.out_len);
    fhx__scan_by(i, in, len, NULL, depth_max, &other, NULL);
    assert_same_scan(&plain, &other);
    /* What it accepts by itself is faultless. */
    if (!fhx__scan_faultless(i, in, len, out, depth_max, &other, NULL)) continue;
    assert_same_scan(&plain, &other);
  }
  free(out);
  free(line);
}

/*
 * Scans with and without output, from and to blocks of exactly `len` bytes. The line goes to
 * `line`, which has room for `len` bytes, unless that is NULL.
 */
static inline fhx__scan checked_scan(const void *text, size_t len, uint32_t depth_max, void *line) {
  unsigned char *in = exact_copy(text, len);
  unsigned char *out = malloc(len + GUARD);
  unsigned char *exact_out = malloc(len == 0 ? 1 : len);
  fhx__scan scan, checked, guarded;
  assert_non_null(out);
  assert_non_null(exact_out);
  fhx__fault fault = fhx__scan_resource(in, len, exact_out, depth_max, &scan);
  assert_int_equal(fault, scan.fault);
  fhx__scan_resource(in, len, NULL, depth_max, &checked);
  assert_same_scan(&scan, &checked);
  check_variants(in, len, depth_max);
  memset(out, GUARD_BYTE, len + GUARD);
  fhx__scan_resource(in, len, out, depth_max, &guarded);
  assert_same_scan(&scan, &guarded);
  for (size_t i = 0; i < GUARD; i++) assert_int_equal(out[len + i], GUARD_BYTE);
  assert_true(scan.offset <= len);
  if (scan.fault == FHX__FAULT_NONE) {
    assert_memory_equal(out, exact_out, scan.out_len);
    check_line(in, len, out, &scan, depth_max);
    if (line != NULL) memcpy(line, out, scan.out_len);
  }
  free(exact_out);
  free(out);
  free(in);
  return scan;
}

static inline fhx__scan scan(const void *text, size_t len) {
  return checked_scan(text, len, FHX__DEPTH_DEFAULT, NULL);
}

typedef struct fault_case {
  /* The text: two parts, between which the fault is seen. */
  const char *good;
  size_t good_len;
  const char *bad;
  size_t bad_len;
  fhx__fault fault;
} fault_case;

static inline void check_faults(const fault_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char text[TEXT_MAX];
    size_t len = cases[i].good_len + cases[i].bad_len;
    memcpy(text, cases[i].good, cases[i].good_len);
    memcpy(text + cases[i].good_len, cases[i].bad, cases[i].bad_len);
    fhx__scan result = scan(text, len);
    if (result.fault != cases[i].fault || result.offset != cases[i].good_len) {
      fail_msg("%.*s: %s at %zu, should be: %s at %zu", (int)len, text,
               fhx__fault_text(result.fault), result.offset, fhx__fault_text(cases[i].fault),
               cases[i].good_len);
    }
  }
}

/* A small generator of random numbers (xorshift); the state is never 0. */
static inline uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static inline size_t random_below(uint64_t *state, size_t limit) {
  return (size_t)((next_random(state) >> 16) % limit);
}

#endif
