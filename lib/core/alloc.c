/* The allocator hook. The count of live blocks guards against a change while objects live. */
#include "core/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/structs.h"

static void *default_allocate(void *user_data, size_t byte_count) {
  (void)user_data;
  return malloc(byte_count);
}

static void *default_reallocate(void *user_data, void *block, size_t byte_count) {
  (void)user_data;
  return realloc(block, byte_count);
}

static void default_release(void *user_data, void *block) {
  (void)user_data;
  free(block);
}

static const fhx_allocator default_allocator = {
    sizeof(fhx_allocator), 0, NULL, default_allocate, default_reallocate, default_release,
};

static fhx_allocator allocator = {
    sizeof(fhx_allocator), 0, NULL, default_allocate, default_reallocate, default_release,
};
static atomic_size_t live_blocks;

void *fhx__alloc(size_t byte_count) {
  void *block = allocator.allocate(allocator.user_data, byte_count == 0 ? 1 : byte_count);
  if (block != NULL) atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
  return block;
}

void *fhx__alloc_zeroed(size_t count, size_t byte_count) {
  if (byte_count != 0 && count > SIZE_MAX / byte_count) return NULL;
  void *block = fhx__alloc(count * byte_count);
  if (block != NULL) memset(block, 0, count * byte_count);
  return block;
}

void *fhx__realloc(void *block, size_t byte_count) {
  if (block == NULL) return fhx__alloc(byte_count);
  return allocator.reallocate(allocator.user_data, block, byte_count == 0 ? 1 : byte_count);
}

void fhx__free(void *block) {
  if (block == NULL) return;
  allocator.release(allocator.user_data, block);
  atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
}

char *fhx__copy_bytes(const void *data, size_t len) {
  if (len == SIZE_MAX) return NULL;
  char *copy = fhx__alloc(len + 1);
  if (copy == NULL) return NULL;
  if (len != 0) memcpy(copy, data, len);
  copy[len] = '\0';
  return copy;
}

char *fhx__copy_text(const char *text) {
  return fhx__copy_bytes(text, text == NULL ? 0 : strlen(text));
}

int32_t fhx_set_allocator(const fhx_allocator *wanted, fhx_error **error) {
  fhx_allocator copy = default_allocator;
  if (wanted != NULL) {
    int32_t status = fhx__struct_in(&copy, sizeof copy, wanted, "fhx_allocator", error);
    if (status != FHX_OK) return status;
    if (copy.allocate == NULL || copy.reallocate == NULL || copy.release == NULL) {
      return fhx__fail(error, FHX_ERR_ARGUMENT,
                       "an allocator needs allocate, reallocate and release");
    }
  }
  if (atomic_load_explicit(&live_blocks, memory_order_relaxed) != 0) {
    return fhx__fail(error, FHX_ERR_MISUSE,
                     "the allocator cannot change while objects of the library live");
  }
  allocator = copy;
  return FHX_OK;
}
