/* The forms of names, and the resource types of FHIR R4. */
#ifndef SERVER_TYPES_H
#define SERVER_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#define TYPE_MAX 64
#define ID_MAX 64

/* Those of FHIR R4, in ascending order. */
extern const char *const resource_types[];
extern const size_t resource_type_count;

bool is_resource_type(const char *name);
/* 1 to 64 of A-Z a-z 0-9 - . */
bool is_id(const char *text);
bool is_utf8(const char *text, size_t len);

#endif
