/* Sized input structures, and the two functions of api.h and version.h that have no other home. */
#include "core/structs.h"

#include <fhirexport/memory.h>
#include <fhirexport/version.h>
#include <string.h>

#include "core/error.h"

#define STRUCT_SIZE_MAX 65536u

void fhx_init(void *structure, uint32_t size) {
  if (structure == NULL || size < sizeof size) return;
  memset(structure, 0, size);
  memcpy(structure, &size, sizeof size);
}

FHX__DEFINE_INIT(fhx_allocator)

const char *fhx_version(void) {
  return FHX_VERSION;
}

uint32_t fhx_version_number(void) {
  return FHX_VERSION_NUMBER;
}

int32_t fhx__struct_in(void *local, size_t known, const void *given, const char *name,
                       fhx_error **error) {
  uint32_t size = 0;
  memset(local, 0, known);
  if (given == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "%s is NULL", name);
  memcpy(&size, given, sizeof size);
  if (size < 2 * sizeof size || size > STRUCT_SIZE_MAX) {
    return fhx__fail(error, FHX_ERR_STRUCT_SIZE,
                     "%s has size %u: call %s_init with the size of the structure first", name,
                     size, name);
  }
  const unsigned char *bytes = given;
  for (size_t i = known; i < size; i++) {
    if (bytes[i] != 0) {
      return fhx__fail(error, FHX_ERR_STRUCT_SIZE,
                       "%s uses a member that this version of the library does not know", name);
    }
  }
  memcpy(local, given, size < known ? size : known);
  uint32_t full = (uint32_t)known;
  memcpy(local, &full, sizeof full);
  return FHX_OK;
}
