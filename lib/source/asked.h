/* What the built-in sources have in common in what they are asked. */
#ifndef FHX__SOURCE_ASKED_H
#define FHX__SOURCE_ASKED_H

#include <fhirexport/reply.h>
#include <stdbool.h>

#include "core/names.h"

/* Splits `Type/id`: *id points into it. Otherwise fails the reply and gives false. */
bool fhx__answer_reference(fhx_reply *reply, const char *reference, char type[FHX__TYPE_MAX + 1],
                           const char **id);

#endif
