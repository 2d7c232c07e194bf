/* Base64, hexadecimal digits, percent-encoding, the times in signatures; and how secrets are wiped.
 */
#include "core/encode.h"

#include <openssl/crypto.h>
#include <string.h>

#include "core/alloc.h"
#include "core/instant.h"
#include "core/names.h"

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int32_t fhx__append_base64(fhx__buffer *out, const void *data, size_t len) {
  const uint8_t *bytes = data;
  if (len > SIZE_MAX / 2) return FHX_ERR_NO_MEMORY;
  int32_t status = fhx__buffer_reserve(out, (len + 2) / 3 * 4);
  if (status != FHX_OK) return status;
  char *to = out->data + out->len;
  for (size_t at = 0; at < len; at += 3, to += 4) {
    size_t left = len - at;
    uint32_t three = (uint32_t)bytes[at] << 16;
    if (left > 1) three |= (uint32_t)bytes[at + 1] << 8;
    if (left > 2) three |= bytes[at + 2];
    to[0] = base64_letters[three >> 18];
    to[1] = base64_letters[three >> 12 & 63];
    to[2] = left > 1 ? base64_letters[three >> 6 & 63] : '=';
    to[3] = left > 2 ? base64_letters[three & 63] : '=';
  }
  out->len += (len + 2) / 3 * 4;
  return FHX_OK;
}

/* 0 to 63; 64: none. */
static uint32_t base64_value(char letter) {
  if (letter >= 'A' && letter <= 'Z') return (uint32_t)(letter - 'A');
  if (letter >= 'a' && letter <= 'z') return (uint32_t)(letter - 'a') + 26;
  if (letter >= '0' && letter <= '9') return (uint32_t)(letter - '0') + 52;
  if (letter == '+') return 62;
  return letter == '/' ? 63 : 64;
}

/* Four letters, of which the last `padding` are `=`, to 3 - padding bytes. */
static bool decode_four(const char *letters, size_t padding, uint8_t *to) {
  uint32_t three = 0;
  for (size_t i = 0; i < 4; i++) {
    uint32_t value = i < 4 - padding ? base64_value(letters[i]) : 0;
    if (value > 63) return false;
    three = three << 6 | value;
  }
  /* Bits that no byte has are 0, so that there is one text for the same bytes. */
  if ((padding == 1 && (three & 0xFF) != 0) || (padding == 2 && (three & 0xFFFF) != 0)) {
    return false;
  }
  for (size_t i = 0; i < 3 - padding; i++) to[i] = (uint8_t)(three >> (16 - 8 * i));
  return true;
}

int32_t fhx__append_decoded_base64(fhx__buffer *out, const char *text, size_t len) {
  if (len % 4 != 0) return FHX_ERR_ARGUMENT;
  int32_t status = fhx__buffer_reserve(out, len / 4 * 3);
  if (status != FHX_OK || len == 0) return status;
  size_t padding = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
  uint8_t *begin = (uint8_t *)out->data + out->len;
  uint8_t *to = begin;
  bool good = true;
  for (size_t at = 0; good && at < len; at += 4, to += 3) {
    good = decode_four(text + at, at + 4 == len ? padding : 0, to);
  }
  if (!good) {
    fhx__wipe(begin, len / 4 * 3);
    return FHX_ERR_ARGUMENT;
  }
  out->len += len / 4 * 3 - padding;
  return FHX_OK;
}

int32_t fhx__append_hex(fhx__buffer *out, const void *data, size_t len) {
  if (len > SIZE_MAX / 4) return FHX_ERR_NO_MEMORY;
  int32_t status = fhx__buffer_reserve(out, 2 * len + 1);
  if (status != FHX_OK) return status;
  fhx__hex(out->data + out->len, data, len);
  out->len += 2 * len;
  return FHX_OK;
}

static bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int32_t fhx__append_percent(fhx__buffer *out, const char *text, size_t len, bool keeps_slash) {
  static const char digits[] = "0123456789ABCDEF";
  if (len > SIZE_MAX / 4) return FHX_ERR_NO_MEMORY;
  int32_t status = fhx__buffer_reserve(out, 3 * len);
  if (status != FHX_OK) return status;
  for (size_t i = 0; i < len; i++) {
    if (is_unreserved(text[i]) || (keeps_slash && text[i] == '/')) {
      out->data[out->len++] = text[i];
    } else {
      out->data[out->len++] = '%';
      out->data[out->len++] = digits[(uint8_t)text[i] >> 4];
      out->data[out->len++] = digits[(uint8_t)text[i] & 15];
    }
  }
  return FHX_OK;
}

void fhx__basic_time(char text[FHX__BASIC_TIME_MAX], int64_t time_us) {
  char extended[FHX__INSTANT_TEXT_MAX];
  size_t len = 0;
  fhx__instant_format(extended, time_us, 1000000);
  for (const char *at = extended; *at != '\0' && len + 1 < FHX__BASIC_TIME_MAX; at++) {
    if (*at != '-' && *at != ':') text[len++] = *at;
  }
  text[len] = '\0';
}

void fhx__wipe(void *data, size_t len) {
  if (data != NULL) OPENSSL_cleanse(data, len);
}

void fhx__wipe_buffer(fhx__buffer *buffer) {
  fhx__wipe(buffer->data, buffer->capacity);
  fhx__buffer_free(buffer);
}

void fhx__wipe_text(char *text) {
  if (text != NULL) fhx__wipe(text, strlen(text));
  fhx__free(text);
}
