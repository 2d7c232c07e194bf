/* What the built-in sources have in common in their answers. */
#include "source/answer.h"

#include <string.h>

void fhx__answer_error(fhx_reply *reply, fhx_error *error) {
  fhx_reply_fail(reply, fhx_error_status(error), fhx_error_retryable(error),
                 fhx_error_message(error));
  fhx_error_free(error);
}

bool fhx__answer_reference(fhx_reply *reply, const char *reference, char type[FHX__TYPE_MAX + 1],
                           const char **id) {
  size_t len = strcspn(reference, "/");
  if (!fhx__is_type_name(reference, len) || reference[len] != '/') {
    fhx_reply_fail(reply, FHX_ERR_ARGUMENT, 0, "the reference is not of the form Type/id");
    return false;
  }
  memcpy(type, reference, len);
  type[len] = '\0';
  *id = reference + len + 1;
  return true;
}
