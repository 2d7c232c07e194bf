/* What all built-in callbacks have in common in their answers. */
#ifndef FHX__CORE_ANSWER_H
#define FHX__CORE_ANSWER_H

#include <fhirexport/reply.h>

#include "core/buffer.h"
#include "core/error.h"

/* Fails the reply as `error` says, and frees it. */
void fhx__answer_error(fhx_reply *reply, fhx_error *error);

/* Done; or with another status than FHX_OK, what fhx__answer_error does. */
void fhx__answer_done(fhx_reply *reply, int32_t status, fhx_error *error);

/* Done with this one item; or with another status than FHX_OK, what fhx__answer_error does. */
void fhx__answer_text(fhx_reply *reply, int32_t status, const fhx__buffer *text, fhx_error *error);

/* Until when an answer is waited for, by the monotonic clock; 0: as long as it takes. */
int64_t fhx__answer_until_us(const fhx_reply *reply);

#endif
