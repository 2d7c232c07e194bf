/* One resource as JSON text: what the server must know of it, and `meta` set in it. */
#ifndef SERVER_RESOURCE_H
#define SERVER_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instant.h"
#include "text.h"
#include "types.h"

/* A stretch of the text. */
struct span {
  size_t begin;
  size_t end;
};

struct resource {
  const char *json;
  size_t len;
  char type[TYPE_MAX + 1];
  char id[ID_MAX + 1];
  /* `meta.lastUpdated` is an instant. */
  bool has_updated;
  int64_t updated_us;
  /* Where the value of `id` ends. */
  size_t id_end;
  /* The inside of `meta`, without its braces; empty at 0 if there is none. */
  struct span meta;
  /* The members versionId and lastUpdated in it, name and value; empty at 0 if missing. */
  struct span version_member;
  struct span updated_member;
};

/*
 * Reads one resource. `json` is borrowed by `resource`. Returns NULL, or why it is not one, as a
 * static sentence.
 */
const char *resource_read(const char *json, size_t len, struct resource *resource);

/* Writes the resource with this `meta.versionId` (0: as it was) and `meta.lastUpdated`; every other
   byte stays. */
void resource_write(const struct resource *resource, int64_t version, int64_t updated_us,
                    struct text *out);

#endif
