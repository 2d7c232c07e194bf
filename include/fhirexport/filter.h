/*
 * fhirexport/filter.h: which resources an export takes.
 *
 * A filter is filled in by one thread, then only read, by any number of threads. The same filter
 * code serves every job; fhx_filter_test uses it on a single resource.
 */
#ifndef FHIREXPORT_FILTER_H
#define FHIREXPORT_FILTER_H

#include <fhirexport/error.h>

FHX_BEGIN_DECLS

typedef struct fhx_filter fhx_filter;

/* Makes a filter that takes everything. */
FHX_API int32_t fhx_filter_new(fhx_filter **filter, fhx_error **error);

/*
 * `_type`: takes resources of this type, and of those added before. The order of types is the
 * order of the manifest; a type named twice counts once. FHX_ERR_ARGUMENT for what is not the form
 * of a type's name.
 */
FHX_API int32_t fhx_filter_add_type(fhx_filter *filter, const char *resource_type,
                                    fhx_error **error);

/*
 * `_since`, a FHIR instant: takes resources last changed after it, not at it. A resource without a
 * valid `meta.lastUpdated` is taken. All digits of a fraction count.
 */
FHX_API int32_t fhx_filter_set_since(fhx_filter *filter, const char *instant, fhx_error **error);

/* `_until`, a FHIR instant: takes resources last changed before it, not at it. */
FHX_API int32_t fhx_filter_set_until(fhx_filter *filter, const char *instant, fhx_error **error);

/*
 * Takes only what is in the Patient compartment (FHIR R4) of this patient, or of one added before:
 * the Patient, and the resources that refer to it. `patient_id` is the bare id. A reference by an
 * absolute URL counts whatever its base, since the server's own is not known here.
 */
FHX_API int32_t fhx_filter_add_patient(fhx_filter *filter, const char *patient_id,
                                       fhx_error **error);

/*
 * Stores 1 in `*matches` if the filter takes this resource, else 0. FHX_ERR_RESOURCE if it is not
 * one valid resource.
 */
FHX_API int32_t fhx_filter_test(const fhx_filter *filter, const void *data, size_t len,
                                uint32_t *matches, fhx_error **error);

/* Frees a filter; jobs have copied it. NULL is harmless. */
FHX_API void fhx_filter_free(fhx_filter *filter);

FHX_END_DECLS

#endif
