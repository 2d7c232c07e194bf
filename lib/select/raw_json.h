/*
 * Walking over JSON text that the scanner has accepted, without building anything.
 *
 * The text is compact and well-formed; on any other text these functions give a wrong answer, but
 * never read outside it.
 */
#ifndef FHX__SELECT_RAW_JSON_H
#define FHX__SELECT_RAW_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buffer.h"

/* A place in the text and the end of the text. */
typedef struct fhx__raw {
  const char *at;
  const char *end;
} fhx__raw;

/* What stands between the quotes of a string, escapes as they are. */
typedef struct fhx__raw_string {
  const char *text;
  size_t len;
  bool has_escape;
} fhx__raw_string;

/* Reads the string whose opening quote is next and moves behind it. False: none stands here. */
bool fhx__raw_read_string(fhx__raw *raw, fhx__raw_string *string);

/* Moves behind the value that begins here, however deep it is. */
void fhx__raw_skip_value(fhx__raw *raw);

/*
 * Enters an object, or moves behind the comma, to the value of its next member. False: there is
 * none, and *raw is behind the object. On broken text a walk by these ends all the same.
 */
bool fhx__raw_next_member(fhx__raw *raw, fhx__raw_string *key);
/* The same for the elements of an array. */
bool fhx__raw_next_element(fhx__raw *raw);

/* Stands for every character beyond ASCII that was written as an escape. */
#define FHX__RAW_NOT_ASCII 0xFF

/* The next byte of a string with its escapes undone, -1 at the end. */
int fhx__raw_next_byte(fhx__raw *inside);

/* Appends what a string spells, in UTF-8. What is no character of a text (half of a surrogate pair,
   NUL) becomes U+FFFD. FHX_OK or FHX_ERR_NO_MEMORY. */
int32_t fhx__raw_spell(fhx__raw_string string, fhx__buffer *text);

/* Whether a string spells this text, which is ASCII. */
bool fhx__raw_equals(fhx__raw_string string, const char *text, size_t len);

#endif
