/*
 * A FHIR search query, as in `_typeFilter`, evaluated on compact lines: one pass, no tree, no
 * allocation. What the library cannot evaluate exactly as FHIR says is refused by name, never left
 * out. lib/facts/README.md has the parameters, and the choices where FHIR leaves some.
 */
#ifndef FHX__SELECT_SEARCH_H
#define FHX__SELECT_SEARCH_H

#include <fhirexport/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ndjson/scan.h"

/* One query: a type, and conditions that all have to hold. Read-only once made: threads share it.
 */
typedef struct fhx__search fhx__search;

#define FHX__SEARCH_REFUSAL_MAX 256

/* Why a query is refused: a sentence without a full stop that names the type, the parameter or the
   modifier, never a value. */
typedef struct fhx__search_refusal {
  char text[FHX__SEARCH_REFUSAL_MAX];
} fhx__search_refusal;

/*
 * Reads `Type?name[:modifier]=value[,value]&...`, a value of `_typeFilter` whose own URL decoding
 * is done. Names and values are decoded once more, since the query in it is a URL's; there `+`
 * stays a plus, or time zones would be lost. `Type` and `Type?` have no conditions and take every
 * resource of the type. `fhir_version` is FHX_FHIR_R4, _R4B or _R5.
 *
 * FHX_OK, FHX_ERR_NO_MEMORY, or with `refusal` filled in:
 * FHX_ERR_ARGUMENT for what is no query here in any version: malformed, without a type or with a
 * path (PARAM-21), with a parameter of results such as _sort (PARAM-20);
 * FHX_ERR_UNSUPPORTED for a type, parameter or modifier that is not supported (PARAM-22).
 */
int32_t fhx__search_parse(const char *text, uint32_t fhir_version, fhx__search **search,
                          fhx__search_refusal *refusal);
/* NULL is harmless. */
void fhx__search_free(fhx__search *search);

/* The resource type. */
const char *fhx__search_type(const fhx__search *search);
/* The query as it was given to fhx__search_parse. */
const char *fhx__search_text(const fhx__search *search);

/*
 * Whether a resource meets all conditions. `line` is a compact line that the scanner accepted, and
 * `facts` what it found; of another type than the query's, nothing matches. `base_url` is the
 * server's own FHIR base, as in fhx__reference_read: "" or NULL lets every base count. An element
 * that is malformed does not match. FHX_OK; nothing can fail at present.
 */
int32_t fhx__search_matches(const fhx__search *search, const fhx__facts *facts, const char *line,
                            size_t len, const char *base_url, bool *matches);

/* Called with each query of a list, which has no NUL behind it; another answer than FHX_OK ends the
   walk. */
typedef int32_t (*fhx__search_query_callback)(void *context, const char *text, size_t len);

/*
 * The queries of a comma list (PARAM-18). Only a comma in front of `Type?` or `Type/...?` begins a
 * new one: all others are within values. Whether an item is a query is for fhx__search_parse to
 * say. FHX_OK, or what the callback answered.
 */
int32_t fhx__search_split(const char *list, fhx__search_query_callback callback, void *context);

/* Called with a parameter's name, which has no NUL behind it, and its type as FHIR has it. */
typedef void (*fhx__search_parameter_callback)(void *context, const char *name, size_t len,
                                               const char *type);

/* Names the parameters that queries of a resource type may have, those of all types first, each
   once; none for a type that the version does not have. */
void fhx__search_list(const char *resource_type, uint32_t fhir_version,
                      fhx__search_parameter_callback callback, void *context);

#endif
