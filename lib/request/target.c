/* The path and query of a request: divided first, then decoded, once (ERR-07). */
#include <string.h>

#include "core/alloc.h"
#include "core/encode.h"
#include "core/names.h"
#include "request/problem.h"
#include "request/request.h"
#include "request/span.h"

/*
 * The decoded text of all pieces lies behind the two arrays, in one block. A piece gets no longer
 * by decoding, and the separator in front of it makes room for its NUL.
 */
typedef struct reading {
  fhx__target *target;
  fhx__problem *problem;
  char *room;
} reading;

static size_t count_of(fhx__span in, char c) {
  size_t count = 0;
  for (size_t i = 0; i < in.len; i++) count += in.text[i] == c ? 1 : 0;
  return count;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Decodes to the room. What is wrong with the piece, or NULL. */
static const char *decode(reading *of, fhx__span piece, bool plus_is_space, char **decoded) {
  char *out = of->room;
  size_t len = 0;
  for (size_t i = 0; i < piece.len; i++) {
    char c = piece.text[i];
    if (c == '%') {
      bool is_whole = piece.len - i > 2;
      int high = is_whole ? hex_digit(piece.text[i + 1]) : -1;
      int low = is_whole ? hex_digit(piece.text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return "a % is not followed by two hexadecimal digits; send the sign itself as %25";
      }
      c = (char)(unsigned char)(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out[len++] = c;
  }
  const char *fault = fhx__text_fault(out, len);
  if (fault != NULL) return fault;
  out[len] = '\0';
  of->room = out + len + 1;
  *decoded = out;
  return NULL;
}

static int32_t read_segment(reading *of, fhx__span piece) {
  char *segment = NULL;
  const char *fault = decode(of, piece, false, &segment);
  if (fault == NULL) {
    if (segment[0] == '\0') fault = "a segment is empty; send one slash between segments";
    if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0) {
      fault = "the segments . and .. are not resolved; send the path without them";
    }
  }
  if (fault != NULL) return fhx__refuse(of->problem, 400, "invalid", "the path: %s", fault);
  of->target->segments[of->target->segment_count++] = segment;
  return FHX_OK;
}

/* `path` begins with a slash; a single one at its end is nothing. */
static int32_t read_path(reading *of, fhx__span path) {
  fhx__span rest = {path.text + 1, path.len - 1}, piece = {NULL, 0};
  if (rest.len == 0) return FHX_OK;
  if (rest.text[rest.len - 1] == '/') rest.len--;
  while (fhx__span_next(&rest, '/', &piece)) {
    int32_t status = read_segment(of, piece);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

static int32_t read_parameter(reading *of, fhx__span piece) {
  char *name = NULL, *value = NULL;
  fhx__span rest = piece, label = {NULL, 0};
  fhx__span_next(&rest, '=', &label);
  const char *fault = decode(of, label, true, &name);
  if (fault != NULL) {
    return fhx__refuse(of->problem, 400, "invalid", "the name of a parameter: %s", fault);
  }
  if (rest.text != NULL) fault = decode(of, rest, true, &value);
  if (fault != NULL) {
    return fhx__refuse(of->problem, 400, "invalid", "%s: %s", fhx__parameter_label(name), fault);
  }
  of->target->parameters[of->target->parameter_count++] =
      (fhx__parameter){name, value == NULL ? "" : value, FHX__VALUE_QUERY};
  return FHX_OK;
}

static int32_t read_query(reading *of, fhx__span query) {
  fhx__span rest = query, piece = {NULL, 0};
  while (fhx__span_next(&rest, '&', &piece)) {
    int32_t status = piece.len == 0 ? FHX_OK : read_parameter(of, piece);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

/* One block: the segments, the parameters, the text. */
static int32_t make_room(reading *of, size_t segments, size_t parameters, size_t len) {
  fhx__target *target = of->target;
  if (len > SIZE_MAX / 64) return FHX_ERR_NO_MEMORY;
  size_t arrays = segments * sizeof *target->segments + parameters * sizeof *target->parameters;
  target->segments = fhx__alloc(arrays + len + 1);
  if (target->segments == NULL) return FHX_ERR_NO_MEMORY;
  target->byte_count = arrays + len + 1;
  target->parameters = (fhx__parameter *)(target->segments + segments);
  of->room = (char *)(target->parameters + parameters);
  return FHX_OK;
}

int32_t fhx__target_read(const char *target, uint64_t bytes_max, fhx__target *read,
                         fhx__problem *problem) {
  reading of = {read, problem, NULL};
  fhx__span rest = {target, strlen(target)}, path = {NULL, 0};
  memset(read, 0, sizeof *read);
  if (rest.len > bytes_max) {
    return fhx__refuse(problem, 414, "too-long",
                       "the path and query are longer than the %llu bytes that are taken; ask with "
                       "fewer or shorter parameters",
                       (unsigned long long)bytes_max);
  }
  if (target[0] != '/') {
    return fhx__refuse(problem, 400, "invalid", "the path does not begin with a slash");
  }
  size_t len = rest.len;
  fhx__span_next(&rest, '?', &path);
  int32_t status = make_room(&of, count_of(path, '/'), count_of(rest, '&') + 1, len);
  if (status == FHX_OK) status = read_path(&of, path);
  if (status == FHX_OK) status = read_query(&of, rest);
  /* It is kept with the job as it came; pieces that decode to UTF-8 do not make it so. */
  if (status == FHX_OK && !fhx__is_utf8(target, len)) {
    status = fhx__refuse(problem, 400, "invalid",
                         "the path and query are not UTF-8; encode every byte that is not ASCII");
  }
  if (status != FHX_OK) fhx__target_free(read);
  return status;
}

void fhx__target_free(fhx__target *target) {
  if (target->segments != NULL) fhx__wipe(target->segments, target->byte_count);
  fhx__free(target->segments);
  memset(target, 0, sizeof *target);
}
