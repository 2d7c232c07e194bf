/* What the built-in sources have in common in their answers. */
#ifndef FHX__SOURCE_ANSWER_H
#define FHX__SOURCE_ANSWER_H

#include <fhirexport/reply.h>

#include <stdbool.h>

#include "core/error.h"
#include "core/names.h"

/* Fails the reply as `error` says, and frees it. */
void fhx__answer_error(fhx_reply *reply, fhx_error *error);

/* Splits `Type/id`: *id points into it. Otherwise fails the reply and gives false. */
bool fhx__answer_reference(fhx_reply *reply, const char *reference, char type[FHX__TYPE_MAX + 1],
                           const char **id);

#endif
