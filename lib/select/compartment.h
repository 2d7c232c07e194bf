/* The Patient compartment, of a FHIR version or of the host's own making, and its evaluation on a
   compact line. */
#ifndef FHX__SELECT_COMPARTMENT_H
#define FHX__SELECT_COMPARTMENT_H

#include <fhirexport/filter.h>
#include <stdbool.h>

/* Which elements of which types refer to the patient. Read-only once made. */
typedef struct fhx__compartment fhx__compartment;

/* The compartment of FHX_FHIR_R4, _R4B or _R5; NULL for another number. Static, never freed. */
const fhx__compartment *fhx__compartment_builtin(uint32_t fhir_version);

/*
 * A host's own, of texts "Type.element" to "Type.element.element.element", at most 16 of a type;
 * one given twice counts once. An element is named as in JSON ("actorReference"). FHX_ERR_ARGUMENT
 * with the number of the text that is malformed, the first being 1.
 */
int32_t fhx__compartment_new(const char *const *paths, size_t count, fhx__compartment **made,
                             fhx_error **error);
/* NULL is harmless. */
void fhx__compartment_free(fhx__compartment *compartment);

/* Whether resources of this type can be in a Patient compartment at all; a Patient always can. */
bool fhx__compartment_knows(const fhx__compartment *compartment, const char *resource_type);

/* Which patients are wanted, and which absolute URLs are the server's own. */
typedef struct fhx__patient_test {
  /* Whether this bare id is. */
  bool (*wanted)(const void *context, const char *id, size_t len);
  const void *context;
  /* The FHIR base of the server: an absolute reference counts only directly below it. "" or NULL:
     whatever its base. */
  const char *base_url;
} fhx__patient_test;

/*
 * Whether a resource is in the Patient compartment of a patient that is wanted: it is that Patient,
 * or one of its compartment elements refers to it (see fhx__reference_patient). `line` is a compact
 * line that the scanner accepted.
 */
bool fhx__compartment_has(const fhx__compartment *compartment, const char *resource_type,
                          const char *id, const char *line, size_t len,
                          const fhx__patient_test *test);

#endif
