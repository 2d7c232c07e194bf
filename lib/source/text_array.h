/* An array of texts as PostgreSQL's binary form has it: one dimension, no NULL, from 1 on. */
#ifndef FHX__SOURCE_TEXT_ARRAY_H
#define FHX__SOURCE_TEXT_ARRAY_H

#include "core/buffer.h"

/* An array without elements, in an empty buffer; then each element. FHX_OK or FHX_ERR_NO_MEMORY. */
int32_t fhx__text_array_begin(fhx__buffer *array);
int32_t fhx__text_array_add(fhx__buffer *array, const void *text, size_t len);

#endif
