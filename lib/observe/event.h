/*
 * Events of an engine for the host's log: filled on the stack and told at once. With no log, and
 * outside an engine, every function does nothing.
 */
#ifndef FHX__OBSERVE_EVENT_H
#define FHX__OBSERVE_EVENT_H

#include <fhirexport/log.h>
#include <stddef.h>

#include "observe/watch.h"

/* In the order of the table in event.c. */
typedef enum fhx__event_kind {
  FHX__EVENT_JOB_CREATED,
  FHX__EVENT_JOB_PLANNED,
  FHX__EVENT_JOB_COMPLETED,
  FHX__EVENT_JOB_FAILED,
  FHX__EVENT_JOB_CANCELLED,
  FHX__EVENT_JOB_CLEANED,
  FHX__EVENT_JOB_CLEAN_FAILED,
  FHX__EVENT_TASK_CLAIMED,
  FHX__EVENT_TASK_DONE,
  FHX__EVENT_TASK_PARKED,
  FHX__EVENT_TASK_LOST,
  FHX__EVENT_TASK_FAILED,
  FHX__EVENT_CHECKPOINT_RECORDED,
  FHX__EVENT_STORE_LOST,
  FHX__EVENT_STORE_BACK,
  FHX__EVENT_REQUEST_FAILED,
  FHX__EVENT_AUDIT_KICK_OFF,
  FHX__EVENT_AUDIT_CANCEL,
  FHX__EVENT_AUDIT_MANIFEST,
  FHX__EVENT_AUDIT_FILE,
  FHX__EVENT_AUDIT_FILE_SENT
} fhx__event_kind;

#define FHX__EVENT_FIELDS_MAX 16

typedef struct fhx__event_field {
  const char *name;
  /* NULL: a number. */
  const char *text;
  int64_t number;
} fhx__event_field;

struct fhx_log_event {
  /* NULL: nobody listens. */
  const fhx__watch *watch;
  fhx__event_kind kind;
  /* That of the table, unless it was changed. */
  uint32_t level;
  int64_t time_us;
  uint32_t field_count;
  fhx__event_field fields[FHX__EVENT_FIELDS_MAX];
};

/* `watch` may be NULL, for a job that no engine has. */
void fhx__event_begin(fhx_log_event *event, const fhx__watch *watch, fhx__event_kind kind);
/* Names are constants; texts must live until the event is told. One that is not UTF-8 is told to be
   so and not shown. */
void fhx__event_text(fhx_log_event *event, const char *name, const char *text);
void fhx__event_number(fhx_log_event *event, const char *name, int64_t number);
/* The same of a count. */
void fhx__event_count(fhx_log_event *event, const char *name, uint64_t count);
/* The fields `status` and `reason` of an error. */
void fhx__event_error(fhx_log_event *event, const fhx_error *error);
/* Calls the host: no lock may be held. */
void fhx__event_tell(fhx_log_event *event);

#endif
