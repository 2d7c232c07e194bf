/* What a server exports, whoever asks: its FHIR version, its Patient compartment, and what goes
   along with patients' data. */
#ifndef FHX__REQUEST_RULES_H
#define FHX__REQUEST_RULES_H

#include <fhirexport/filter.h>
#include <stdbool.h>

#include "core/error.h"

/* What the host has set; see fhx_engine_options. Borrowed; NULL and 0 are what they are there. */
typedef struct fhx__export_settings {
  uint32_t fhir_version;
  const char *associated_types;
  const char *associated_values;
  const char *const *compartment_paths;
  uint64_t compartment_path_count;
  uint64_t file_bytes_min;
  uint64_t file_bytes_max;
} fhx__export_settings;

/* Made once, then only read. */
typedef struct fhx__export_rules {
  /* FHX_FHIR_... */
  uint32_t fhir_version;
  /* With commas between; "": none. */
  char *associated_types;
  /* See associated_values.h; "": none. */
  char *associated_values;
  /* What the source and the store can do, which their owner says when the rules are made: give a
     patient's compartment, read a single resource, keep pages of manifests. */
  bool knows_patients;
  bool reads_resources;
  bool has_pages;
  /* The least of the longest, and the most of the shortest that a client may want files to be. */
  uint64_t file_bytes_min;
  uint64_t file_bytes_max;
  /* Clients may name destinations of their own. */
  bool takes_destinations;
  /* Of that version and compartment; takes everything. */
  fhx_filter *filter;
} fhx__export_rules;

/*
 * Copies the settings (fhir_version 0: R4). FHX_ERR_ARGUMENT says which one is wrong. To be freed
 * also when this has failed.
 */
int32_t fhx__export_rules_init(fhx__export_rules *rules, const fhx__export_settings *settings,
                               fhx_error **error);
void fhx__export_rules_free(fhx__export_rules *rules);

/* A filter of this server that takes everything, to be filled in. */
int32_t fhx__export_rules_filter(const fhx__export_rules *rules, const char *base_url,
                                 fhx_filter **filter, fhx_error **error);

/* Whether the Patient compartment has resources of this type. */
bool fhx__export_rules_in_compartment(const fhx__export_rules *rules, const char *name);

#endif
