/* Sized input structures: how they come in. */
#ifndef FHX__CORE_STRUCTS_H
#define FHX__CORE_STRUCTS_H

#include <fhirexport/error.h>

/*
 * Copies the sized structure at `given` into the local one at `local` (`known` bytes, which this
 * library was built with). What a shorter, older structure lacks stays zero; a longer, newer one
 * must be zero behind what is known. FHX_ERR_ARGUMENT for NULL, FHX_ERR_STRUCT_SIZE, or FHX_OK.
 */
int32_t fhx__struct_in(void *local, size_t known, const void *given, const char *name,
                       fhx_error **error);

/* fhx_init under the name of one structure. A type cannot be in parentheses.
   NOLINTBEGIN(bugprone-macro-parentheses) */
#define FHX__DEFINE_INIT(structure)                        \
  void structure##_init(structure *given, uint32_t size) { \
    fhx_init(given, size);                                 \
  }
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
