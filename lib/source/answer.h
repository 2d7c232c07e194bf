/* How the built-in sources answer with an error of their own. */
#ifndef FHX__SOURCE_ANSWER_H
#define FHX__SOURCE_ANSWER_H

#include <fhirexport/reply.h>

#include "core/error.h"

/* Fails the reply as `error` says, and frees it. */
void fhx__answer_error(fhx_reply *reply, fhx_error *error);

#endif
