/*
 * fhirexport/version.h: which library this is.
 *
 * Of all functions here: Threads: any. Memory: texts are static. Since 0.9.0.
 */
#ifndef FHIREXPORT_VERSION_H
#define FHIREXPORT_VERSION_H

#include <fhirexport/api.h>

/* The version of these headers. */
#define FHX_VERSION_MAJOR 0
#define FHX_VERSION_MINOR 9
#define FHX_VERSION_PATCH 0
#define FHX_VERSION "0.9.0"
/* MAJOR * 1,000,000 + MINOR * 1,000 + PATCH. */
#define FHX_VERSION_NUMBER 9000

FHX_BEGIN_DECLS

/* The version of the library that is loaded, as text. */
FHX_API const char *fhx_version(void);

/* The same as a number that can be compared; see FHX_VERSION_NUMBER. */
FHX_API uint32_t fhx_version_number(void);

FHX_END_DECLS

#endif
