/* Which resources one job takes: its filter, and the patients that a Group stands for. */
#ifndef FHX__SELECT_SELECTION_H
#define FHX__SELECT_SELECTION_H

#include "select/filter.h"
#include "select/roster.h"

typedef struct fhx__selection {
  /* Sealed. */
  const fhx_filter *filter;
  /* The Group's members; NULL: the filter's own patients, or none are named. */
  const fhx__roster *members;
  /* Those whose data is taken whatever its age; NULL: none. */
  const fhx__roster *new_members;
} fhx__selection;

/* FHX_SCOPE_... */
uint32_t fhx__selection_scope(const fhx__selection *selection);

/* The window's bounds as a source may apply them: with new members there is none below. */
bool fhx__selection_has_since(const fhx__selection *selection);

/*
 * What is asked of a Group whose members are not loaded has no answer: FHX_ERR_MISUSE, from all
 * that follow and have a status. Its scope is a set of patients all the same.
 */

/* Stores whether the patient set has this id. FHX_ERR_IO. */
int32_t fhx__selection_has_patient(const fhx__selection *selection, const char *id, size_t len,
                                   bool *has, fhx_error **error);

/* The size of the patient set, and its ids by position, as fhx__roster_read gives them. */
uint64_t fhx__selection_patient_count(const fhx__selection *selection);
int32_t fhx__selection_patients(const fhx__selection *selection, uint64_t first, uint64_t capacity,
                                fhx__roster_page *page, const char **ids, uint64_t *count,
                                fhx_error **error);

/*
 * Whether the selection takes a resource. `applied` (FHX_APPLIED_...) is what the source has
 * applied already. `row_updated_us` is the source's own stamp or NULL; where it is NULL the text's
 * meta.lastUpdated decides, and where it equals a bound, the finer digits of that, if the two agree
 * to the microsecond. A resource whose side of a bound is not known is taken. `line` is the compact
 * line that `facts` describe. The type is the caller's to check. FHX_ERR_IO, FHX_ERR_NO_MEMORY.
 */
int32_t fhx__selection_takes(const fhx__selection *selection, uint32_t applied,
                             const fhx__facts *facts, const int64_t *row_updated_us,
                             const char *line, size_t len, bool *takes, fhx_error **error);

/* Whether `line` is looked at by fhx__selection_takes for resources of this type; NULL: for those
   of any. */
bool fhx__selection_reads_line(const fhx__selection *selection, const char *resource_type,
                               uint32_t applied);

/* Whether the resource is in the compartment of any patient at all, whoever is selected. */
bool fhx__selection_is_somebodys(const fhx__selection *selection, const fhx__facts *facts,
                                 const char *line, size_t len);

/* The window alone: for resources that are exported because others refer to them. */
bool fhx__selection_in_window(const fhx__selection *selection, const fhx__facts *facts,
                              const int64_t *row_updated_us);

#endif
