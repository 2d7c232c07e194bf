/*
 * Resources that are exported because one that was exported refers to them, or because a Group
 * names them: noted while the main phase runs, exported by the phase FHX_PHASE_ASSOCIATED.
 */
#ifndef FHX__JOB_WANTED_H
#define FHX__JOB_WANTED_H

#include "job/work.h"

/* What one attempt has found and not yet stored; bounded memory. */
typedef struct fhx__wanted fhx__wanted;

/* *wanted is NULL when the job has no associated types. */
int32_t fhx__wanted_new(const fhx_job *job, fhx__wanted **wanted, fhx_error **error);

/* For texts of another of the store's lists (FHX_MEMBERS_...), which are added one by one. */
int32_t fhx__wanted_new_for(const fhx_job *job, uint32_t list, fhx__wanted **wanted,
                            fhx_error **error);
bool fhx__wanted_add(fhx__wanted *wanted, fhx__work *work, const char *text);

/* Notes what a line that is exported refers to. NULL is harmless. */
bool fhx__wanted_note(fhx__wanted *wanted, fhx__work *work, const char *line, size_t len);

/* Stores what was noted: before every checkpoint, so that none is lost. NULL is harmless. */
bool fhx__wanted_store(fhx__wanted *wanted, fhx__work *work);

void fhx__wanted_free(fhx__wanted *wanted);

/* Whether the job's definition names this type as associated. */
bool fhx__wanted_has_type(const fhx_job *job, const char *resource_type);

#endif
