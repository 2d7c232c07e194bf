/* SMART scopes: `system/` and a type or `*`, a dot, and rights. */
#include "smart_scopes.h"

#include <stdlib.h>
#include <string.h>

#include "types.h"

static const char letters[] = "cruds";
static const char prefix[] = "system/";
/* The place of "*", and of what is no type. */
#define EVERY_TYPE SMART_TYPES_MAX
#define NO_TYPE (SMART_TYPES_MAX + 1)

static const struct {
  const char *name;
  uint8_t rights;
} v1_rights[] = {{"read", SMART_READ | SMART_SEARCH},
                 {"write", SMART_CREATE | SMART_UPDATE | SMART_DELETE},
                 {"*", SMART_ALL}};
#define V1_COUNT (sizeof v1_rights / sizeof *v1_rights)

/* --- reading --- */

static int compare_names(const void *name, const void *entry) {
  return strcmp(name, *(const char *const *)entry);
}

static size_t find_type(const char *name) {
  if (strcmp(name, "*") == 0) return EVERY_TYPE;
  const char *const *found =
      bsearch(name, resource_types, resource_type_count, sizeof *resource_types, compare_names);
  size_t at = found == NULL ? NO_TYPE : (size_t)(found - resource_types);
  return at < SMART_TYPES_MAX ? at : NO_TYPE;
}

/* The letters of version 2 are in order, each at most once. */
static uint8_t read_letters(const char *text) {
  unsigned rights = 0;
  const char *from = letters;
  for (; *text != '\0'; text++) {
    const char *found = strchr(from, *text);
    if (found == NULL) return 0;
    rights |= 1u << (found - letters);
    from = found + 1;
  }
  return (uint8_t)rights;
}

static uint8_t read_rights(const char *text, bool *is_v1) {
  for (size_t i = 0; i < V1_COUNT; i++) {
    if (strcmp(text, v1_rights[i].name) == 0) return v1_rights[i].rights;
  }
  *is_v1 = false;
  return read_letters(text);
}

static void read_one(const char *text, size_t len, struct smart_scopes *scopes) {
  char scope[sizeof prefix + TYPE_MAX + 8];
  if (len >= sizeof scope || strncmp(text, prefix, sizeof prefix - 1) != 0) return;
  memcpy(scope, text, len);
  scope[len] = '\0';
  char *type = scope + sizeof prefix - 1;
  char *dot = len < sizeof prefix ? NULL : strchr(type, '.');
  if (dot == NULL) return;
  *dot = '\0';
  bool is_v1 = true;
  size_t at = find_type(type);
  uint8_t rights = read_rights(dot + 1, &is_v1);
  if (at == NO_TYPE || rights == 0) return;
  scopes->is_v1 = scopes->is_v1 && is_v1;
  if (at == EVERY_TYPE) {
    scopes->all |= rights;
  } else {
    scopes->types[at] |= rights;
  }
}

void smart_scopes_read(const char *text, struct smart_scopes *scopes) {
  memset(scopes, 0, sizeof *scopes);
  scopes->is_v1 = true;
  while (*text != '\0') {
    size_t len = strcspn(text, " ");
    read_one(text, len, scopes);
    text += len;
    if (*text == ' ') text++;
  }
}

/* --- comparing --- */

void smart_scopes_meet(const struct smart_scopes *asked, const struct smart_scopes *allowed,
                       struct smart_scopes *both) {
  struct smart_scopes met = {.is_v1 = asked->is_v1, .all = asked->all & allowed->all};
  for (size_t i = 0; i < SMART_TYPES_MAX; i++) {
    met.types[i] =
        (uint8_t)((asked->all | asked->types[i]) & (allowed->all | allowed->types[i]) & SMART_ALL);
  }
  *both = met;
}

bool smart_scopes_are_none(const struct smart_scopes *scopes) {
  unsigned rights = scopes->all;
  for (size_t i = 0; i < resource_type_count && i < SMART_TYPES_MAX; i++) {
    rights |= scopes->types[i];
  }
  return rights == 0;
}

bool smart_scopes_allow(const struct smart_scopes *scopes, const char *type, unsigned rights) {
  size_t at = find_type(type);
  unsigned given = scopes->all;
  if (at < SMART_TYPES_MAX) given |= scopes->types[at];
  return (given & rights) == rights;
}

/* --- writing --- */

static void write_one(const char *type, unsigned rights, bool is_v1, struct text *text) {
  text_add_format(text, "%s%s%s.", text->len == 0 ? "" : " ", prefix, type);
  for (size_t i = 0; is_v1 && i < V1_COUNT; i++) {
    if (v1_rights[i].rights != rights) continue;
    text_add_string(text, v1_rights[i].name);
    return;
  }
  for (unsigned i = 0; letters[i] != '\0'; i++) {
    if ((rights & 1u << i) != 0) text_add(text, letters + i, 1);
  }
}

void smart_scopes_write(const struct smart_scopes *scopes, struct text *text) {
  if (scopes->all != 0) write_one("*", scopes->all, scopes->is_v1, text);
  for (size_t i = 0; i < resource_type_count && i < SMART_TYPES_MAX; i++) {
    unsigned more = scopes->types[i] & ~(unsigned)scopes->all;
    if (more != 0) write_one(resource_types[i], more, scopes->is_v1, text);
  }
}

void smart_scopes_list(const struct smart_scopes *scopes, unsigned rights, struct text *text) {
  for (size_t i = 0; i < resource_type_count && i < SMART_TYPES_MAX; i++) {
    if (((scopes->all | scopes->types[i]) & rights) != rights) continue;
    text_add_format(text, "%s%s", text->len == 0 ? "" : ",", resource_types[i]);
  }
}
