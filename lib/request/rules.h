/* What a server exports, whoever asks: its FHIR version, its Patient compartment, and what goes
   along with patients' data. */
#ifndef FHX__REQUEST_RULES_H
#define FHX__REQUEST_RULES_H

#include <fhirexport/filter.h>
#include <stdbool.h>

#include "core/error.h"

/* Made once, then only read. */
typedef struct fhx__export_rules {
  /* FHX_FHIR_... */
  uint32_t fhir_version;
  /* With commas between; "": none. */
  char *associated_types;
  /* Of that version and compartment; takes everything. */
  fhx_filter *filter;
} fhx__export_rules;

/*
 * Copies the options of an engine (fhir_version 0: R4). FHX_ERR_ARGUMENT says which one is wrong.
 * To be freed also when this has failed.
 */
int32_t fhx__export_rules_init(fhx__export_rules *rules, uint32_t fhir_version,
                               const char *associated_types, const char *const *paths,
                               uint64_t path_count, fhx_error **error);
void fhx__export_rules_free(fhx__export_rules *rules);

/* A filter of this server that takes everything, to be filled in. */
int32_t fhx__export_rules_filter(const fhx__export_rules *rules, const char *base_url,
                                 fhx_filter **filter, fhx_error **error);

/* Whether an export of patients can have resources of this type: those of the compartment, those
   that go along with them, and, of a Group, members that are no patients themselves. */
bool fhx__export_rules_has(const fhx__export_rules *rules, bool is_group, const char *name);

#endif
