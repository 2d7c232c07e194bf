/*
 * The check of UTF-8 by three tables, as Keiser and Lemire describe it in "Validating UTF-8 in less
 * than one instruction per byte" (2021).
 *
 * What is wrong with two neighbours shows in both nibbles of the first and the upper one of the
 * second. Each kind of fault is a bit; it is there when all three tables have it. One bit is no
 * fault by itself: two continuations are right exactly behind the first byte of three or four.
 */
#ifndef FHX__NDJSON_UTF8_TABLES_H
#define FHX__NDJSON_UTF8_TABLES_H

#include <stdbool.h>
#include <string.h>

/* A first byte (C0 to FF) without a continuation (80 to BF). */
#define FHX__UTF8_SHORT 0x01
/* ASCII with a continuation. */
#define FHX__UTF8_LONG 0x02
/* E0 and less than A0; ED and more than 9F; C0 or C1 and any continuation. */
#define FHX__UTF8_OVERLONG_3 0x04
#define FHX__UTF8_SURROGATE 0x08
#define FHX__UTF8_OVERLONG_2 0x10
/* F0 and less than 90, or F5 to FF and the same; F4 to FF and more than 8F. */
#define FHX__UTF8_PLANE_LOW 0x20
#define FHX__UTF8_PLANE_HIGH 0x40
#define FHX__UTF8_CONTINUES 0x80

/* By the upper nibble of the first byte. */
static const unsigned char fhx__utf8_high[16] = {
    FHX__UTF8_LONG,
    FHX__UTF8_LONG,
    FHX__UTF8_LONG,
    FHX__UTF8_LONG,
    FHX__UTF8_LONG,
    FHX__UTF8_LONG,
    FHX__UTF8_LONG,
    FHX__UTF8_LONG,
    FHX__UTF8_CONTINUES,
    FHX__UTF8_CONTINUES,
    FHX__UTF8_CONTINUES,
    FHX__UTF8_CONTINUES,
    FHX__UTF8_SHORT | FHX__UTF8_OVERLONG_2,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT | FHX__UTF8_OVERLONG_3 | FHX__UTF8_SURROGATE,
    FHX__UTF8_SHORT | FHX__UTF8_PLANE_LOW | FHX__UTF8_PLANE_HIGH,
};

/* The faults that do not ask for the first byte's lower nibble. */
#define FHX__UTF8_ANY (FHX__UTF8_SHORT | FHX__UTF8_LONG | FHX__UTF8_CONTINUES)
#define FHX__UTF8_PLANE (FHX__UTF8_PLANE_LOW | FHX__UTF8_PLANE_HIGH)

/* By the lower nibble of the first byte. */
static const unsigned char fhx__utf8_low[16] = {
    FHX__UTF8_ANY | FHX__UTF8_OVERLONG_2 | FHX__UTF8_OVERLONG_3 | FHX__UTF8_PLANE_LOW,
    FHX__UTF8_ANY | FHX__UTF8_OVERLONG_2,
    FHX__UTF8_ANY,
    FHX__UTF8_ANY,
    FHX__UTF8_ANY | FHX__UTF8_PLANE_HIGH,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE | FHX__UTF8_SURROGATE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
    FHX__UTF8_ANY | FHX__UTF8_PLANE,
};

#define FHX__UTF8_CONTINUED (FHX__UTF8_LONG | FHX__UTF8_OVERLONG_2 | FHX__UTF8_CONTINUES)

/* By the upper nibble of the second byte. */
static const unsigned char fhx__utf8_next[16] = {
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_CONTINUED | FHX__UTF8_OVERLONG_3 | FHX__UTF8_PLANE_LOW,
    FHX__UTF8_CONTINUED | FHX__UTF8_OVERLONG_3 | FHX__UTF8_PLANE_HIGH,
    FHX__UTF8_CONTINUED | FHX__UTF8_SURROGATE | FHX__UTF8_PLANE_HIGH,
    FHX__UTF8_CONTINUED | FHX__UTF8_SURROGATE | FHX__UTF8_PLANE_HIGH,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
    FHX__UTF8_SHORT,
};

/* The next block of a text; less than a block is filled up with white space in `room`. */
static inline const unsigned char *fhx__utf8_block(const unsigned char *text, size_t left,
                                                   unsigned char *room, size_t block_len) {
  if (left >= block_len) return text;
  memset(room, ' ', block_len);
  memcpy(room, text, left);
  return room;
}

/* Whether a sequence is not over before `end`, as far as its last three bytes tell. */
static inline bool fhx__is_utf8_open(const unsigned char *end) {
  return end[-1] >= 0xC0 || end[-2] >= 0xE0 || end[-3] >= 0xF0;
}

#endif
