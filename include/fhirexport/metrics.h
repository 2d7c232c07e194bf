/*
 * fhirexport/metrics.h: what an engine has counted since it was made, to be looked at or to be
 * given to a monitoring system. docs/operations.md says what each metric means.
 *
 * Each engine counts what it has done itself; where several processes share a store, the sum over
 * them is what was done in all. Values hold no names of jobs, tenants or clients.
 *
 * Of all functions here: Threads: any, several at once. Memory: texts live until the metrics are
 * freed. Since 0.9.0.
 */
#ifndef FHIREXPORT_METRICS_H
#define FHIREXPORT_METRICS_H

#include <fhirexport/engine.h>

FHX_BEGIN_DECLS

/* The values at one time. */
typedef struct fhx_metrics fhx_metrics;

/*
 * Reads all values; neither the store nor the host is asked.
 * Memory: `*metrics` is the caller's, and does not need the engine any more.
 * Returns: FHX_OK; FHX_ERR_ARGUMENT for NULL; FHX_ERR_NO_MEMORY.
 */
FHX_API int32_t fhx_engine_metrics_new(fhx_engine *engine, fhx_metrics **metrics,
                                       fhx_error **error);

/* All of them as OpenMetrics 1.0 text, from the first `# TYPE` to `# EOF`; `*len`, unless NULL, is
   its length without the NUL at its end. */
FHX_API const char *fhx_metrics_text(const fhx_metrics *metrics, size_t *len);

/* The media type of that text, for a Content-Type. Static. */
FHX_API const char *fhx_metrics_media_type(void);

/*
 * The same one by one: a name such as "fhirexport_jobs_ended_total", its labels such as
 * `state="failed"`, "" for none, and its value. Names and labels are NULL, values 0, beyond the
 * last.
 */
FHX_API uint32_t fhx_metrics_sample_count(const fhx_metrics *metrics);
FHX_API const char *fhx_metrics_sample_name(const fhx_metrics *metrics, uint32_t position);
FHX_API const char *fhx_metrics_sample_labels(const fhx_metrics *metrics, uint32_t position);
FHX_API double fhx_metrics_sample_value(const fhx_metrics *metrics, uint32_t position);

/* Frees the metrics. NULL is harmless. */
FHX_API void fhx_metrics_free(fhx_metrics *metrics);

FHX_END_DECLS

#endif
