/*
 * Which Provenances an export has (FILTER-18 to -20): a Provenance is chosen by its targets, unless
 * everything is exported anyway.
 */
#ifndef FHX__JOB_PROVENANCE_H
#define FHX__JOB_PROVENANCE_H

#include "job/work.h"
#include "select/provenance.h"

/* Whether resources of this type can be exported by the main phase of an export that is limited to
   patients: those in the compartment, and what is known of them. */
bool fhx__is_of_patients(const fhx_filter *filter, const char *resource_type);

/* Whether the type's tasks are run by fhx__work_provenance. */
bool fhx__provenance_judges(const fhx_job *job, const char *resource_type);

/* Whether one task must see all of the type: the newest of all is looked for. */
bool fhx__provenance_is_whole(const fhx_job *job, const char *resource_type);

/*
 * Makes of the job's query what is asked of the source. Where the library looks at targets itself,
 * these are everybody's Provenances: a source that knows the patients' own would leave out what is
 * about their Observations; and of any age, where that of the target counts. `open` is the caller's
 * and lives as long as the query. Other types' queries, and others' Provenances, stay as they are.
 */
void fhx__provenance_ask(const fhx_job *job, fhx_query *query, fhx_filter *open);

/* A main task of Provenance. `reports_unknown`: as in fhx__reading. */
void fhx__work_provenance(fhx__work *work, bool reports_unknown);

#endif
