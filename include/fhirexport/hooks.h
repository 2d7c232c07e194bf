/*
 * fhirexport/hooks.h: what a host may change in a resource on its way out.
 *
 * A hook sees every resource that an export is about to write, whichever way it came: by type, by
 * patient, as an associated resource or as a Provenance. It is called on a thread inside
 * fhx_job_run or fhx_job_run_task, from several of them at once; no lock of the library is held. It
 * must not call the job: fhx_job_run and fhx_job_run_task answer FHX_ERR_REENTRANT. The query
 * (source.h) tells the job's tenant and host context. A task that is repeated after a failure calls
 * its hooks again.
 *
 * A hook that fails, does not answer, or gives what cannot be exported costs that resource alone:
 * it is not exported, and a line of the error file says so, with the resource's id and the hook's
 * message, which must hold no patient data. Such a resource counts as refused (bad_rows_limit).
 */
#ifndef FHIREXPORT_HOOKS_H
#define FHIREXPORT_HOOKS_H

#include <fhirexport/source.h>

FHX_BEGIN_DECLS

/*
 * For consent and de-identification. `reference` is `Type/id`; `data` is the resource as one line
 * of `len` bytes, with FHX_JOB_TRUST_SOURCE as the source gave it; all are valid during the call.
 * Answers: fhx_reply_done: as it is; fhx_reply_end: it is left out, without a word;
 * fhx_reply_item, then fhx_reply_done: this resource instead, which is checked strictly whoever
 * vouches for the source, and must be of the same type; its id may be another. fhx_reply_fail.
 * What is written is what counts: associated resources are those that the new text refers to. What
 * was refused before it came to a hook has its own id in the error file.
 */
typedef void (*fhx_resource_hook_callback)(void *user_data, const fhx_query *query,
                                           const char *reference, const void *data, size_t len,
                                           fhx_reply *reply);

/*
 * The `url` of an Attachment anywhere in a resource, so that clients can fetch it (Bulk Data IG,
 * "Attachments"). Called for each, after the resource hook; `reference` is the one that the
 * resource came with. `url` is the text without JSON's escapes; all are valid during the call. A
 * job with this hook checks every resource, FHX_JOB_TRUST_SOURCE or not.
 * Answers: fhx_reply_done: as it is; fhx_reply_item, then fhx_reply_done: this URL instead, which
 * is not empty, is UTF-8 and has no control characters; fhx_reply_fail. All else of the resource
 * stays byte for byte.
 */
typedef void (*fhx_attachment_hook_callback)(void *user_data, const fhx_query *query,
                                             const char *reference, const char *url,
                                             fhx_reply *reply);

FHX_END_DECLS

#endif
