/*
 * Which resources an export takes: the public filter, and its use on a scanned line.
 */
#ifndef FHX__SELECT_FILTER_H
#define FHX__SELECT_FILTER_H

#include <fhirexport/filter.h>
#include <fhirexport/source.h>

#include "core/instant.h"
#include "core/json.h"
#include "ndjson/scan.h"
#include "select/compartment.h"
#include "select/elements.h"
#include "select/search.h"

struct fhx_filter {
  /* Types in the order they were added. */
  char **types;
  size_t type_count;
  size_t type_capacity;
  bool has_since;
  bool has_until;
  fhx__instant since;
  fhx__instant until;
  /* Their texts as given, for the definition; NULL for none. */
  char *since_text;
  char *until_text;
  /* Patient ids, sorted and without doubles once `sealed`. */
  char **patients;
  size_t patient_count;
  size_t patient_capacity;
  bool sealed;
  /* Patient level, or the Group whose members are meant; NULL for none. */
  bool all_patients;
  char *group_id;
  /* FHX_FHIR_... */
  uint32_t fhir_version;
  /* The host's own compartment, always made of all the paths; NULL where there are none. */
  char **paths;
  size_t path_count;
  size_t path_capacity;
  fhx__compartment *own_compartment;
  /* NULL for none. */
  char *base_url;
  /* The root elements that are wanted, as given, always made into the wish of them all; NULL where
     there are none. */
  char **elements;
  size_t element_count;
  size_t element_capacity;
  fhx__elements *wish;
  /* Queries in ascending order of their types' bytes, those of one type as they were added. */
  fhx__search **searches;
  size_t search_count;
  size_t search_capacity;
};

/* A sealed copy (NULL: of a filter that takes everything), so that later reading needs no lock. */
int32_t fhx__filter_copy(const fhx_filter *filter, fhx_filter **copy, fhx_error **error);

/* Sorts the patients and drops doubles; from then on the filter is only read. */
void fhx__filter_seal(fhx_filter *filter);

/* Whether the filter names this type. */
bool fhx__filter_has_type(const fhx_filter *filter, const char *resource_type);

/* Whether this id is in the filter's patient set: by halving if sealed, else one by one. */
bool fhx__filter_has_patient(const fhx_filter *filter, const char *id, size_t len);

/* The compartment that counts: the host's own, or that of the version. Never NULL. */
const fhx__compartment *fhx__filter_compartment(const fhx_filter *filter);

/* The queries of a type, one after the other; NULL and 0: its resources are not filtered. */
fhx__search *const *fhx__filter_searches(const fhx_filter *filter, const char *resource_type,
                                         size_t *count);

/* Whether a resource meets one of its type's queries, or its type has none (FILTER-21). `line` is
   the compact line that `facts` describe. */
int32_t fhx__filter_meets_queries(const fhx_filter *filter, const fhx__facts *facts,
                                  const char *line, size_t len, bool *meets, fhx_error **error);

/* Parts of copying and of freeing a filter. */
int32_t fhx__filter_copy_queries(const fhx_filter *filter, fhx_filter *copy, fhx_error **error);
void fhx__filter_free_queries(fhx_filter *filter);

/*
 * A view is a filter that is a copy of another's members, which keeps what they point to. These
 * take from it what shall not be asked of a source or of a resource: whose it is, when it was
 * changed, and what it contains.
 */
void fhx__filter_drop_patients(fhx_filter *view);
void fhx__filter_drop_window(fhx_filter *view);
void fhx__filter_drop_queries(fhx_filter *view);

/* Writes the filter as members ("types", "since", "until", "patients", "level", "group",
   "fhirVersion", "compartment", "baseUrl", "elements", "queries") of the open object, those that
   say nothing left out; reads them back into a sealed filter. */
void fhx__filter_write(const fhx_filter *filter, fhx__json_writer *writer);
int32_t fhx__filter_read(const fhx__json_node *object, fhx_filter **filter, fhx_error **error);

#endif
