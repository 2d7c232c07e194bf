/*
 * The scanner on any bytes: with and without output, and by every variant, it says the same; a line
 * is its own line; stripping in pieces gives the same bytes; what is accepted is UTF-8 and has no
 * line break.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ndjson/variant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* Blocks of exactly this size, so that the sanitizer sees what is read or written behind them. */
static unsigned char *new_block(size_t size) {
  unsigned char *block = malloc(size == 0 ? 1 : size);
  must(block != NULL, "there is memory");
  return block;
}

static bool are_same_facts(const fhx__facts *a, const fhx__facts *b) {
  return strcmp(a->resource_type, b->resource_type) == 0 && strcmp(a->id, b->id) == 0 &&
         a->has_updated == b->has_updated &&
         (!a->has_updated || fhx__instant_compare(a->updated, b->updated) == 0);
}

static bool are_same(const fhx__scan *a, const fhx__scan *b) {
  return a->fault == b->fault && a->offset == b->offset && a->out_len == b->out_len &&
         are_same_facts(&a->facts, &b->facts);
}

static void check_facts(const fhx__scan *scan, size_t size) {
  const fhx__facts *facts = &scan->facts;
  size_t type_len = strlen(facts->resource_type), id_len = strlen(facts->id);
  must(type_len == 0 || fhx__is_type_name(facts->resource_type, type_len), "the type is a name");
  must(id_len == 0 || fhx__is_id(facts->id, id_len), "the id is an id");
  must(scan->offset <= size, "the offset is in the input");
  if (scan->fault == FHX__FAULT_NONE) must(type_len != 0 && id_len != 0, "type and id are known");
}

static void check_strip(const uint8_t *data, size_t size, const unsigned char *line, size_t len) {
  unsigned char *stripped = new_block(size);
  for (size_t piece = 1; piece < 64; piece = piece * 2 + 1) {
    fhx__strip strip = {false, false};
    size_t written = 0;
    for (size_t at = 0; at < size; at += piece) {
      size_t left = size - at;
      written +=
          fhx__strip_piece(&strip, data + at, left < piece ? left : piece, stripped + written);
    }
    must(written == len && memcmp(stripped, line, len) == 0, "stripping gives the line");
  }
  free(stripped);
}

static void check_line(const uint8_t *data, size_t size, const unsigned char *line,
                       const fhx__scan *scan) {
  size_t len = scan->out_len;
  unsigned char *in = new_block(len);
  unsigned char *out = new_block(len);
  fhx__scan again;
  memcpy(in, line, len);
  fhx__scan_resource(in, len, out, FHX__DEPTH_DEFAULT, &again);
  must(are_same(scan, &again) && memcmp(in, out, len) == 0, "a line is its own line");
  must(fhx__is_utf8(line, len), "a line is UTF-8");
  for (size_t i = 0; i < len; i++) must(line[i] >= ' ', "a line has no control characters");
  check_strip(data, size, line, len);
  free(out);
  free(in);
}

/* The variants say what the plain one says, and write the same. */
static void check_variants(const uint8_t *data, size_t size, uint32_t depth_max) {
  unsigned char *line = new_block(size);
  unsigned char *out = new_block(size);
  fhx__scan plain, other;
  fhx__scan_by(FHX__VARIANT_PLAIN, data, size, line, depth_max, &plain, NULL);
  for (fhx__variant i = FHX__VARIANT_PLAIN + 1; i < FHX__VARIANT_COUNT; i++) {
    if (!fhx__variant_works(i)) continue;
    fhx__scan_by(i, data, size, out, depth_max, &other, NULL);
    must(are_same(&plain, &other), "a variant says the same");
    must(plain.fault != FHX__FAULT_NONE || memcmp(line, out, plain.out_len) == 0,
         "a variant writes the same");
    fhx__scan_by(i, data, size, NULL, depth_max, &other, NULL);
    must(are_same(&plain, &other), "a variant says the same without output");
  }
  free(out);
  free(line);
}

/* What is one line and passes the check is also trusted, with the same facts but for a fault behind
   the last of them. */
static void check_trusted(const uint8_t *data, size_t size, const fhx__scan *scan) {
  fhx__scan trusted;
  fhx__scan_trusted(data, size, &trusted);
  must(trusted.fault != FHX__FAULT_NONE || trusted.out_len == size, "a trusted row is the line");
  if (scan->fault != FHX__FAULT_NONE || scan->out_len != size) return;
  must(trusted.fault == FHX__FAULT_NONE, "a line can be trusted");
  must(strcmp(trusted.facts.resource_type, scan->facts.resource_type) == 0, "the same type");
  must(strcmp(trusted.facts.id, scan->facts.id) == 0, "the same id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char *out = new_block(size);
  fhx__scan scan, checked;
  fhx__fault fault = fhx__scan_resource(data, size, out, FHX__DEPTH_DEFAULT, &scan);
  fhx__scan_resource(data, size, NULL, FHX__DEPTH_DEFAULT, &checked);
  must(fault == scan.fault, "the answer is the fault");
  must(are_same(&scan, &checked), "without output it is the same");
  must(fhx__fault_text(fault)[0] != '\0', "a fault has a text");
  check_facts(&scan, size);
  check_variants(data, size, FHX__DEPTH_DEFAULT);
  check_variants(data, size, 3);
  check_trusted(data, size, &scan);
  if (fault == FHX__FAULT_NONE) check_line(data, size, out, &scan);
  free(out);
  return 0;
}
