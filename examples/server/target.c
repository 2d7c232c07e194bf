/*
 * Request targets. Each segment is decoded by itself, after the path was divided at its slashes, so
 * an encoded slash never makes a segment.
 */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "types.h"

static int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/*
 * Decodes `len` bytes into `decoded`, which has room for them and a NUL. False for what is no text:
 * broken encodings, control characters, invalid UTF-8.
 */
static bool decode(const char *raw, size_t len, bool plus_is_space, char *decoded) {
  size_t used = 0;
  for (size_t at = 0; at < len; at++) {
    int byte = (unsigned char)raw[at];
    if (byte == '+' && plus_is_space) byte = ' ';
    if (raw[at] == '%') {
      if (len - at < 3) return false;
      int high = hex_digit(raw[at + 1]);
      int low = hex_digit(raw[at + 2]);
      if (high < 0 || low < 0) return false;
      byte = high * 16 + low;
      at += 2;
    }
    if (byte < ' ' || byte == 0x7f) return false;
    decoded[used++] = (char)byte;
  }
  decoded[used] = '\0';
  return is_utf8(decoded, used);
}

/* Decodes the next segment of the path into `*room`, which moves behind it. */
static bool read_segment(struct target *target, const char *segment, size_t len, char **room) {
  if (!decode(segment, len, false, *room)) return false;
  if (**room == '\0' || strcmp(*room, ".") == 0 || strcmp(*room, "..") == 0) return false;
  if (target->segment_count < TARGET_SEGMENTS_MAX) {
    target->segments[target->segment_count] = *room;
    *room += strlen(*room) + 1;
  }
  target->segment_count++;
  return true;
}

bool target_read(const char *raw, struct target *target) {
  size_t path_len = strcspn(raw, "?");
  memset(target, 0, sizeof *target);
  target->query = raw[path_len] == '?' ? raw + path_len + 1 : "";
  /* What is decoded is never longer; each kept segment takes its slash's place for its NUL. */
  target->memory = malloc(strlen(raw) + 2);
  if (target->memory == NULL) return false;
  char *room = target->memory;
  if (!decode(target->query, strlen(target->query), true, room)) return false;
  for (const char *at = raw; at < raw + path_len;) {
    if (*at++ != '/') return false;
    size_t len = strcspn(at, "/?");
    bool is_last = at + len == raw + path_len;
    if (len == 0 && is_last) return true;
    if (!read_segment(target, at, len, &room)) return false;
    at += len;
  }
  return true;
}

void target_free(struct target *target) {
  free(target->memory);
  target->memory = NULL;
}

bool target_has_segment(const char *raw, const char *segment) {
  char decoded[64];
  const char *end = raw + strcspn(raw, "?");
  for (const char *at = raw; at < end;) {
    size_t len = strcspn(at, "/?");
    if (len < sizeof decoded && decode(at, len, false, decoded) && strcmp(decoded, segment) == 0) {
      return true;
    }
    at += len + 1;
  }
  return false;
}

char *target_parameter(const struct target *target, const char *name) {
  for (const char *at = target->query; *at != '\0';) {
    size_t len = strcspn(at, "&");
    size_t name_len = strcspn(at, "=&");
    char *decoded = malloc(len + 1);
    if (decoded == NULL) return NULL;
    if (decode(at, name_len, true, decoded) && strcmp(decoded, name) == 0) {
      size_t value_at = name_len < len ? name_len + 1 : len;
      if (decode(at + value_at, len - value_at, true, decoded)) return decoded;
    }
    free(decoded);
    at += len;
    if (*at == '&') at++;
  }
  return NULL;
}
