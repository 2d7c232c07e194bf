/* SMART scopes of system clients, version 1 ("system/Patient.read") and 2 ("system/Patient.rs"). */
#ifndef SERVER_SMART_SCOPES_H
#define SERVER_SMART_SCOPES_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* The letters of version 2. ".read" of version 1 is r and s, ".write" is c, u and d. */
#define SMART_CREATE 1u
#define SMART_READ 2u
#define SMART_UPDATE 4u
#define SMART_DELETE 8u
#define SMART_SEARCH 16u
#define SMART_ALL 31u
/* What an export of a type takes: all resources of it are found, and read. */
#define SMART_EXPORT (SMART_READ | SMART_SEARCH)

#define SMART_TYPES_MAX 256

/* Rights on all types, and on each: a sum of the above. */
struct smart_scopes {
  /* Every scope that was read is of version 1; so are those that are written then. */
  bool is_v1;
  uint8_t all;
  uint8_t types[SMART_TYPES_MAX];
};

/* Reads scopes with spaces between. What is no scope of a system client, or of no type of FHIR R4,
   or restricted by a query, gives nothing. */
void smart_scopes_read(const char *text, struct smart_scopes *scopes);
/* What both have; in the version of `asked`. */
void smart_scopes_meet(const struct smart_scopes *asked, const struct smart_scopes *allowed,
                       struct smart_scopes *both);
bool smart_scopes_are_none(const struct smart_scopes *scopes);
/* Whether they give all these rights on a type; "*": on every type. */
bool smart_scopes_allow(const struct smart_scopes *scopes, const char *type, unsigned rights);
/* As they stand in an answer, with spaces between. */
void smart_scopes_write(const struct smart_scopes *scopes, struct text *text);
/* The types with all these rights, commas between. */
void smart_scopes_list(const struct smart_scopes *scopes, unsigned rights, struct text *text);

#endif
