/* Arrays of texts for PostgreSQL. */
#include "source/text_array.h"

#define OID_TEXT 25
/* Where the number of elements stands. */
#define COUNT_AT 12

static int32_t put_number(fhx__buffer *array, uint32_t number) {
  unsigned char bytes[4];
  for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(number >> (24 - 8 * i));
  return fhx__buffer_append(array, bytes, sizeof bytes);
}

int32_t fhx__text_array_begin(fhx__buffer *array) {
  static const uint32_t head[] = {1, 0, OID_TEXT, 0, 1};
  int32_t status = FHX_OK;
  for (size_t i = 0; i < sizeof head / sizeof *head && status == FHX_OK; i++) {
    status = put_number(array, head[i]);
  }
  return status;
}

int32_t fhx__text_array_add(fhx__buffer *array, const void *text, size_t len) {
  int32_t status = put_number(array, (uint32_t)len);
  if (status == FHX_OK) status = fhx__buffer_append(array, text, len);
  if (status != FHX_OK) return status;
  unsigned char *count = (unsigned char *)array->data + COUNT_AT;
  for (int i = 3; i >= 0 && ++count[i] == 0; i--) continue;
  return FHX_OK;
}
