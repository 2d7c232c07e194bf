/* The forms of FHIR and library names, and small text helpers. */
#ifndef FHX__CORE_NAMES_H
#define FHX__CORE_NAMES_H

#include <fhirexport/error.h>
#include <stdbool.h>

#define FHX__ID_MAX 64
#define FHX__TYPE_MAX 64
#define FHX__PART_NAME_MAX 255
#define FHX__JOB_ID_LEN 32

/* A FHIR id: A-Z a-z 0-9 - . , 1 to 64 of them. */
bool fhx__is_id(const char *text, size_t len);
/* The form of a resource type's name: a capital letter, then letters, at most 64. */
bool fhx__is_type_name(const char *text, size_t len);
/* 32 lower-case hexadecimal digits. */
bool fhx__is_job_id(const char *text);
/* A tenant: letters, digits, `-`, `_`, `.` but not first, 1 to 64. */
bool fhx__is_tenant(const char *text);
/* A part's name: segments of letters, digits, `.`, `_`, `-`, not empty, no dot first. */
bool fhx__is_part_name(const char *text);
/* A document's name: as a part's, but a segment may begin with `$`. */
bool fhx__is_document_name(const char *text);
/* Well-formed UTF-8 (no surrogates, nothing overlong). */
bool fhx__is_utf8(const void *data, size_t len);

/* Whether a list with commas has this entry; NULL has none. */
bool fhx__list_has(const char *list, const char *name);

/* A hash of the text for tables (FNV-1a). Texts that collide are easily found: no table may suffer
   more by them than in speed. */
uint32_t fhx__text_hash(const char *text);

/* What the letter behind a backslash stands for in a JSON string: n is a line feed. A letter that
   stands for itself, and the u of a code point, come back as they are. */
char fhx__escape_spells(char letter);

/* Writes 2 * len hexadecimal digits and a NUL. */
void fhx__hex(char *text, const uint8_t *data, size_t len);

/* A fresh random job id with its NUL, from the system's generator. FHX_ERR_IO if that fails. */
int32_t fhx__random_job_id(char id[FHX__JOB_ID_LEN + 1], fhx_error **error);

#endif
