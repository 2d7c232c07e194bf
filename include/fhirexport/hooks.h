/*
 * fhirexport/hooks.h: what a host may change in a resource on its way out.
 *
 * A hook sees every resource that an export is about to write, whichever way it came: by type, by
 * patient, as an associated resource or as a Provenance. It is called on a thread inside
 * fhx_job_run or fhx_job_run_task, from several of them at once; no lock of the library is held. It
 * must not call the job. The query (source.h) tells the job's tenant and host context.
 *
 * A hook that fails, or does not answer, costs that resource alone: it is not exported, and a line
 * of the error file says so with the hook's message, which must hold no patient data.
 */
#ifndef FHIREXPORT_HOOKS_H
#define FHIREXPORT_HOOKS_H

#include <fhirexport/source.h>

FHX_BEGIN_DECLS

/*
 * For consent and de-identification. `reference` is `Type/id`; `data` is the resource as one line
 * of `len` bytes; all are valid during the call.
 * Answers: fhx_reply_done: as it is; fhx_reply_end: it is left out, without a word;
 * fhx_reply_item, then fhx_reply_done: this resource instead, which is checked like any other and
 * must be of the same type; fhx_reply_fail.
 */
typedef void (*fhx_resource_hook_callback)(void *user_data, const fhx_query *query,
                                           const char *reference, const void *data, size_t len,
                                           fhx_reply *reply);

/*
 * The `url` of an Attachment anywhere in a resource, so that clients can fetch it (Bulk Data IG,
 * "Attachments"). Called for each, after the resource hook. `url` is the text without JSON's
 * escapes.
 * Answers: fhx_reply_done: as it is; fhx_reply_item, then fhx_reply_done: this URL instead;
 * fhx_reply_fail.
 */
typedef void (*fhx_attachment_hook_callback)(void *user_data, const fhx_query *query,
                                             const char *reference, const char *url,
                                             fhx_reply *reply);

FHX_END_DECLS

#endif
