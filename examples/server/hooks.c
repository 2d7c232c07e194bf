#include "hooks.h"

#include <string.h>

#include "text.h"
#include "types.h"

/* `Type/id`, perhaps with more behind it. */
static bool is_here(const char *url) {
  char type[TYPE_MAX + 1];
  size_t len = strcspn(url, "/");
  if (len > TYPE_MAX || url[len] != '/') return false;
  memcpy(type, url, len);
  type[len] = '\0';
  return is_resource_type(type);
}

void hook_attachment(void *user_data, const fhx_query *query, const char *reference,
                     const char *url, fhx_reply *reply) {
  const char *base_url = user_data;
  struct text absolute = {NULL, 0, 0, false};
  (void)query;
  (void)reference;
  if (!is_here(url)) {
    fhx_reply_done(reply);
    return;
  }
  text_add_format(&absolute, "%s/%s", base_url, url);
  if (absolute.failed) {
    fhx_reply_fail(reply, FHX_ERR_NO_MEMORY, 1, "there was no memory for a URL");
  } else {
    fhx_reply_item(reply, absolute.data, absolute.len);
    fhx_reply_done(reply);
  }
  text_free(&absolute);
}
