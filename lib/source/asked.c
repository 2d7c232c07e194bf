/* What the built-in sources have in common in what they are asked. */
#include "source/asked.h"

#include <string.h>

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
