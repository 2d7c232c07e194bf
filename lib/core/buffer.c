/* A growing run of bytes. */
#include "core/buffer.h"

#include <string.h>

#include "core/alloc.h"

#define CAPACITY_MIN 256

int32_t fhx__buffer_reserve(fhx__buffer *buffer, size_t more) {
  if (more <= buffer->capacity - buffer->len) return FHX_OK;
  if (more > SIZE_MAX / 2 - buffer->len) return FHX_ERR_NO_MEMORY;
  size_t wanted = buffer->len + more;
  size_t capacity = buffer->capacity + buffer->capacity / 2;
  if (capacity < wanted) capacity = wanted;
  if (capacity < CAPACITY_MIN) capacity = CAPACITY_MIN;
  char *grown = fhx__realloc(buffer->data, capacity);
  if (grown == NULL) return FHX_ERR_NO_MEMORY;
  buffer->data = grown;
  buffer->capacity = capacity;
  return FHX_OK;
}

int32_t fhx__buffer_append(fhx__buffer *buffer, const void *data, size_t len) {
  int32_t status = fhx__buffer_reserve(buffer, len);
  if (status != FHX_OK) return status;
  if (len != 0) memcpy(buffer->data + buffer->len, data, len);
  buffer->len += len;
  return FHX_OK;
}

int32_t fhx__buffer_append_text(fhx__buffer *buffer, const char *text) {
  return fhx__buffer_append(buffer, text, strlen(text));
}

int32_t fhx__buffer_terminate(fhx__buffer *buffer) {
  int32_t status = fhx__buffer_reserve(buffer, 1);
  if (status != FHX_OK) return status;
  buffer->data[buffer->len] = '\0';
  return FHX_OK;
}

void fhx__buffer_free(fhx__buffer *buffer) {
  fhx__free(buffer->data);
  *buffer = (fhx__buffer){NULL, 0, 0};
}
