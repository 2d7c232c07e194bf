/* The scanner's entry: what comes before and behind the object. */
#include "ndjson/scan.h"

#include <string.h>

#include "ndjson/scanner.h"
#include "ndjson/space.h"
#include "ndjson/variant.h"

const unsigned char *fhx__stop(fhx__scanner *scanner, fhx__fault fault, const unsigned char *at) {
  scanner->fault = fault;
  scanner->stopped_at = at;
  return NULL;
}

const unsigned char *fhx__pass_space(fhx__scanner *scanner, const unsigned char *at) {
  const unsigned char *next = fhx__skip_space(at, scanner->end);
  if (next != at) fhx__copy_run(scanner, at, next);
  return next == scanner->end ? fhx__stop(scanner, FHX__FAULT_TRUNCATED, next) : next;
}

static void scan_all(fhx__scanner *scanner, const unsigned char *at) {
  const unsigned char *end = scanner->end;
  at = fhx__skip_space(at, end);
  if (at == end) {
    fhx__stop(scanner, FHX__FAULT_EMPTY, at);
    return;
  }
  if (*at != '{') {
    fhx__stop(scanner, fhx__begins_value(*at) ? FHX__FAULT_NOT_OBJECT : FHX__FAULT_SYNTAX, at);
    return;
  }
  scanner->run = at;
  fhx__walk_plain(scanner, at);
  if (scanner->fault != FHX__FAULT_NONE) return;
  fhx__copy_run(scanner, scanner->stopped_at, scanner->stopped_at);
  at = fhx__skip_space(scanner->stopped_at, end);
  if (at != end) fhx__stop(scanner, FHX__FAULT_TRAILING, at);
}

static fhx__fault scan_plainly(const void *in, size_t len, void *out, uint32_t depth_max,
                               fhx__scan *scan, fhx__keys *keys) {
  memset(scan, 0, sizeof *scan);
  if (keys != NULL) keys->count = 0;
  if (len == 0) return scan->fault = FHX__FAULT_EMPTY;
  const unsigned char *begin = in;
  fhx__scanner scanner = {
      .end = begin + len,
      .words_end = len < FHX__WORD_LEN ? begin : begin + (len - FHX__WORD_LEN + 1),
      .out = out,
      .depth_max = depth_max < FHX__DEPTH_MAX ? depth_max : FHX__DEPTH_MAX,
      .watched_depth = 1,
      .facts = &scan->facts,
      .keys = keys,
  };
  scan_all(&scanner, begin);
  scan->fault = scanner.fault;
  scan->offset = scanner.fault == FHX__FAULT_NONE ? 0 : (size_t)(scanner.stopped_at - begin);
  scan->out_len = scanner.fault == FHX__FAULT_NONE ? scanner.written : 0;
  return scan->fault;
}

fhx__fault fhx__scan_by(fhx__variant variant, const void *in, size_t len, void *out,
                        uint32_t depth_max, fhx__scan *scan, fhx__keys *keys) {
  if (variant != FHX__VARIANT_PLAIN &&
      fhx__scan_faultless(variant, in, len, out, depth_max, scan, keys)) {
    return FHX__FAULT_NONE;
  }
  return scan_plainly(in, len, out, depth_max, scan, keys);
}

fhx__fault fhx__scan_keys(const void *in, size_t len, void *out, uint32_t depth_max,
                          fhx__scan *scan, fhx__keys *keys) {
  return fhx__scan_by(fhx__variant_used(), in, len, out, depth_max, scan, keys);
}

fhx__fault fhx__scan_resource(const void *in, size_t len, void *out, uint32_t depth_max,
                              fhx__scan *scan) {
  return fhx__scan_keys(in, len, out, depth_max, scan, NULL);
}

const char *fhx__fault_text(fhx__fault fault) {
  switch (fault) {
    case FHX__FAULT_NONE:
      return "is well-formed";
    case FHX__FAULT_EMPTY:
      return "is empty";
    case FHX__FAULT_NOT_OBJECT:
      return "is not a JSON object";
    case FHX__FAULT_SYNTAX:
      return "is not valid JSON";
    case FHX__FAULT_TRUNCATED:
      return "ends inside its JSON object";
    case FHX__FAULT_TRAILING:
      return "has something behind its JSON object";
    case FHX__FAULT_UTF8:
      return "is not valid UTF-8";
    case FHX__FAULT_DEPTH:
      return "is nested too deeply";
    case FHX__FAULT_DOUBLED_KEY:
      return "has resourceType, id or meta twice";
    case FHX__FAULT_RESOURCE_TYPE:
      return "has no valid resourceType";
    case FHX__FAULT_ID:
      return "has no valid id";
    case FHX__FAULT_LINE:
      return "is not on one line";
  }
  return "has an unknown fault";
}
