/* Base64, hexadecimal digits, percent-encoding, the times in signatures; how secrets are wiped. */
#ifndef FHX__CORE_ENCODE_H
#define FHX__CORE_ENCODE_H

#include <fhirexport/status.h>
#include <stdbool.h>

#include "core/buffer.h"

/* All append to `out`: FHX_OK or FHX_ERR_NO_MEMORY. */
int32_t fhx__append_base64(fhx__buffer *out, const void *data, size_t len);
/* Lower case. */
int32_t fhx__append_hex(fhx__buffer *out, const void *data, size_t len);
/* RFC 3986: all but letters, digits and - . _ ~ becomes %XX, upper case; and `/` where it is to be
   kept. */
int32_t fhx__append_percent(fhx__buffer *out, const char *text, size_t len, bool keeps_slash);

/* Strict base64 with padding, no white space. FHX_ERR_ARGUMENT when it is none. */
int32_t fhx__append_decoded_base64(fhx__buffer *out, const char *text, size_t len);

/* "20130524T000000Z" of a time in microseconds, terminated. */
#define FHX__BASIC_TIME_MAX 20
void fhx__basic_time(char text[FHX__BASIC_TIME_MAX], int64_t time_us);

/* Overwrites memory that held a secret, and is not optimised away. */
void fhx__wipe(void *data, size_t len);
/* The same for all the memory of a buffer, which is empty and valid afterwards; and for a text with
   a NUL (or no text: NULL), which is freed. */
void fhx__wipe_buffer(fhx__buffer *buffer);
void fhx__wipe_text(char *text);

#endif
