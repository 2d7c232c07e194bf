/*
 * fhirexport/log.h: what an engine does and who asks for what, as events with fields.
 *
 * Operation events tell what becomes of jobs, tasks and the store; audit events tell who has
 * started, cancelled and downloaded what, and who was refused. docs/log.md has the list of both,
 * with their fields. No event holds content of resources, ids of patients, values of a
 * kick-off's parameters, its URL, tokens, keys or signatures.
 *
 * Of all functions here: Threads: any, until the callback returns. Memory: an event and its texts
 * are the engine's, and live until then. Since 0.9.0.
 */
#ifndef FHIREXPORT_LOG_H
#define FHIREXPORT_LOG_H

#include <fhirexport/api.h>

FHX_BEGIN_DECLS

/* How much an event matters. */
#define FHX_LOG_DEBUG 1
#define FHX_LOG_INFO 2
#define FHX_LOG_WARNING 3
#define FHX_LOG_ERROR 4

/* An event; it and all its texts live until the callback returns. */
typedef struct fhx_log_event fhx_log_event;

/*
 * Takes an event. Called by the functions of an engine, and by fhx_response_free, on whatever
 * thread they run, several at once, behind what the event tells of; with no lock held. It is
 * waited for, so it should only pass the event on. It may call fhx_engine_stop and the functions
 * of this header and of metrics.h; any other function of the engine may tell of an event itself,
 * and so never end. What it cannot keep is lost: nothing of the export depends on it.
 */
typedef void (*fhx_log_callback)(void *user_data, const fhx_log_event *event);

/* "job.completed" and the like: it stays as it is from version to version. */
FHX_API const char *fhx_log_event_name(const fhx_log_event *event);
/* FHX_LOG_... */
FHX_API uint32_t fhx_log_event_level(const fhx_log_event *event);
/* 1 for an event that says who has asked for what, and whether it was given; else 0. */
FHX_API uint32_t fhx_log_event_is_audit(const fhx_log_event *event);
/* When it was told, in microseconds since 1970 UTC. */
FHX_API int64_t fhx_log_event_time_us(const fhx_log_event *event);
/* A sentence for people, the same for every event of that name. */
FHX_API const char *fhx_log_event_message(const fhx_log_event *event);

/*
 * The fields, by position. A field is a text (UTF-8) or a number; fhx_log_event_field_text is NULL
 * for a number and beyond the last. Numbers that are times or durations are in microseconds, and
 * their names end in `_us`.
 */
FHX_API uint32_t fhx_log_event_field_count(const fhx_log_event *event);
FHX_API const char *fhx_log_event_field_name(const fhx_log_event *event, uint32_t position);
FHX_API const char *fhx_log_event_field_text(const fhx_log_event *event, uint32_t position);
FHX_API int64_t fhx_log_event_field_number(const fhx_log_event *event, uint32_t position);

/* A field by its name: NULL, or `fallback`, where the event has no such text, or number. */
FHX_API const char *fhx_log_event_text(const fhx_log_event *event, const char *name);
FHX_API int64_t fhx_log_event_number(const fhx_log_event *event, const char *name,
                                     int64_t fallback);

FHX_END_DECLS

#endif
