/*
 * fhirexport/fhirexport.h: the whole of libfhirexport, a Bulk Data `$export` engine for FHIR
 * servers.
 *
 *   1. A source:       fhx_source_new, three callbacks over your data (or a built-in one).
 *   2. A destination:  fhx_directory_destination_new, or callbacks of your own.
 *   3. A filter:       fhx_filter_new, fhx_filter_add_type, fhx_filter_set_since ...
 *   4. A job:          fhx_job_start, then fhx_job_run on as many threads as you like.
 *   5. The manifest:   fhx_manifest_new, fhx_manifest_read.
 *
 * A store (fhx_sqlite_store_new) lets jobs survive the process; fhx_job_attach takes one up again.
 * Who only has resources and wants NDJSON files uses fhx_writer_new. Each level works without the
 * ones above it. The callbacks' contracts stand in source.h, destination.h and store.h.
 */
#ifndef FHIREXPORT_FHIREXPORT_H
#define FHIREXPORT_FHIREXPORT_H

#include <fhirexport/api.h>
#include <fhirexport/azure.h>
#include <fhirexport/client_destination.h>
#include <fhirexport/clock.h>
#include <fhirexport/destination.h>
#include <fhirexport/engine.h>
#include <fhirexport/error.h>
#include <fhirexport/filter.h>
#include <fhirexport/hooks.h>
#include <fhirexport/http.h>
#include <fhirexport/job.h>
#include <fhirexport/job_list.h>
#include <fhirexport/log.h>
#include <fhirexport/manifest.h>
#include <fhirexport/memory.h>
#include <fhirexport/metrics.h>
#include <fhirexport/part.h>
#include <fhirexport/publish.h>
#include <fhirexport/reply.h>
#include <fhirexport/s3.h>
#include <fhirexport/source.h>
#include <fhirexport/status.h>
#include <fhirexport/store.h>
#include <fhirexport/version.h>
#include <fhirexport/writer.h>

#endif
