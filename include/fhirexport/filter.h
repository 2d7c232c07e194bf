/*
 * fhirexport/filter.h: which resources an export takes.
 *
 * The same filter code serves every job; fhx_filter_test uses it on a single resource.
 *
 * Of all functions here: Threads: one fills a filter in; then any, several at once, read it.
 * Memory: what is given is copied; a filter that could not take it is as it was. Since 0.9.0.
 */
#ifndef FHIREXPORT_FILTER_H
#define FHIREXPORT_FILTER_H

#include <fhirexport/error.h>

FHX_BEGIN_DECLS

/* Versions of FHIR: R4 (4.0.1), R4B (4.3.0), R5 (5.0.0). */
#define FHX_FHIR_R4 40
#define FHX_FHIR_R4B 43
#define FHX_FHIR_R5 50

/* Which resources are taken. */
typedef struct fhx_filter fhx_filter;

/*
 * Makes a filter that takes everything.
 * Memory: `*filter` is the caller's.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for NULL; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_new(fhx_filter **filter, fhx_error **error);

/*
 * `_type`: takes resources of this type, and of those added before. The order of types is the
 * order of the manifest; a type named twice counts once.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for what is not the form of a type's name; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_add_type(fhx_filter *filter, const char *resource_type,
                                    fhx_error **error);

/*
 * `_since`, a FHIR instant: takes resources last changed after it, not at it. A resource without a
 * valid `meta.lastUpdated` is taken. All digits of a fraction count.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for what is no instant; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_set_since(fhx_filter *filter, const char *instant, fhx_error **error);

/*
 * `_until`, a FHIR instant: takes resources last changed before it, not at it.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for what is no instant; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_set_until(fhx_filter *filter, const char *instant, fhx_error **error);

/*
 * Takes only what is in the Patient compartment of this patient, or of one added before: the
 * Patient, and the resources that refer to it in an element of the compartment. `patient_id` is the
 * bare id. The three functions below say which elements these are and which references count. A
 * Patient is never taken for its `link` to another.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for what is no id; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_add_patient(fhx_filter *filter, const char *patient_id,
                                       fhx_error **error);

/*
 * Patient level (Bulk Data IG, `Patient/$export`): takes only what is in the Patient compartment of
 * some patient. With fhx_filter_add_patient: of one of those.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for NULL.
 */
FHX_API int32_t fhx_filter_set_all_patients(fhx_filter *filter, fhx_error **error);

/*
 * Group level (`Group/[id]/$export`): takes only what is in the Patient compartment of a member of
 * this Group, and members that are no patients themselves. The job resolves the Group as of its
 * transactionTime. With fhx_filter_add_patient: only of members that were added. `group_id` is the
 * bare id.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for what is no id; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_set_group(fhx_filter *filter, const char *group_id, fhx_error **error);

/* Called with a bare patient id that lives as long as the call; must not call the library. */
typedef void (*fhx_patient_callback)(void *user_data, const char *patient_id);

/*
 * Names each patient in whose compartment a resource is, by the filter's compartment table: for a
 * host that keeps an index of patients, by the very rule of the library. A patient may be named
 * more than once.
 * Memory: nothing is kept; `callback` is called on this thread, before it returns.
 * Returns: FHX_OK; FHX_ERR_RESOURCE if it is not one valid resource; FHX_ERR_ARGUMENT for NULL;
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_list_patients(const fhx_filter *filter, const void *data, size_t len,
                                         fhx_patient_callback callback, void *user_data,
                                         fhx_error **error);

/*
 * Which version's Patient compartment counts, one of FHX_FHIR_...; that of R4 unless set. It
 * changes nothing where no patient is added, and decides which elements there are.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for another number; FHX_ERR_UNSUPPORTED if the version lacks an
 * element that was added; FHX_ERR_MISUSE if there are queries already; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_set_fhir_version(fhx_filter *filter, uint32_t fhir_version,
                                            fhx_error **error);

/*
 * A compartment of the host's own: resources are in it whose element at this path, or at one added
 * before, refers to the patient. The first path replaces the version's table as a whole; types
 * without a path then give nothing, Patient apart, which counts by its id.
 *
 * A path is a type and one to three elements, such as "Observation.subject" or
 * "CarePlan.activity.detail.performer"; it ends at an element of type Reference, and its elements
 * are named as in JSON ("action.participant.actorReference"). At most 16 paths of a type and 1,024
 * in all; one added twice counts once.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for one that is malformed or too many; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_add_compartment_path(fhx_filter *filter, const char *path,
                                                fhx_error **error);

/*
 * The FHIR base of the server, an http or https URL without query and fragment; a slash at its end
 * does not matter. A reference by an absolute URL then counts only directly below it
 * (base/Patient/id), case and scheme included. NULL or "": whatever its base, as if never set.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for what is not such a URL; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_set_base_url(fhx_filter *filter, const char *base_url,
                                        fhx_error **error);

/*
 * `_elements`: only parts of the resources are exported. `element` names a root element that is
 * wanted, of one type ("Patient.birthDate") or of all types that have it ("subject"); a choice of
 * data types without one ("Observation.value" for valueQuantity and all others). One named twice
 * counts once.
 *
 * Of resources of a type for which an element was named, what is exported is those elements, what
 * FHIR says is mandatory, `resourceType`, `id`, `meta`, `implicitRules` and `modifierExtension`;
 * the key `_birthDate` goes with `birthDate`. They get the tag SUBSETTED in `meta.tag`, also where
 * nothing was left out. Other types are exported whole. The elements change nothing in which
 * resources are taken. Set the version first: fhx_filter_set_fhir_version fails if it does not have
 * an element that was added.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for what is no name of a root element, as is what names
 * something below one, and for more than 1,024; FHX_ERR_UNSUPPORTED for an element, or a type, that
 * the filter's version of FHIR does not have; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_add_element(fhx_filter *filter, const char *element, fhx_error **error);

/*
 * `_typeFilter`: `query` is a FHIR search of one type, "Observation?status=final&date=ge2024".
 * Resources of that type are taken only if they meet all conditions of this query, or of one that
 * was added before for the same type. Types without a query are not filtered, and no query adds a
 * type to the export. Names and values are encoded as in a URL, where `+` stays a plus.
 *
 * Queries say nothing about what is exported because exported resources refer to it or are its
 * targets: associated resources, and the Provenances of FHX_PROVENANCE_LATEST and _RELEVANT. A
 * DocumentReference made of a Binary has to meet those for DocumentReference. What was deleted
 * cannot be looked at: all of the type that the export could have had is told.
 *
 * At most 1,000 queries; one given twice counts once. Set the version first:
 * fhx_filter_set_fhir_version is FHX_ERR_MISUSE behind this.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for what is malformed, too many, not of one type, or a
 * parameter of results such as _sort; FHX_ERR_UNSUPPORTED for a type, a parameter or a modifier
 * that is not supported in the filter's version of FHIR (the message names it, but no value);
 * FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_add_query(fhx_filter *filter, const char *query, fhx_error **error);

/*
 * Stores 1 in `*matches` if the filter takes this resource, else 0.
 * Returns: FHX_OK; FHX_ERR_RESOURCE if it is not one valid resource; FHX_ERR_UNSUPPORTED for a
 * filter with a Group, which only a job resolves; FHX_ERR_ARGUMENT for NULL; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_filter_test(const fhx_filter *filter, const void *data, size_t len,
                                uint32_t *matches, fhx_error **error);

/* Frees a filter; jobs have copied it. NULL is harmless. */
FHX_API void fhx_filter_free(fhx_filter *filter);

FHX_END_DECLS

#endif
