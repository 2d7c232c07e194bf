/* The events for the host's log: their names, and what the host reads of them. */
#include "observe/event.h"

#include <string.h>

#include "core/host_clock.h"
#include "core/names.h"

typedef struct event_kind {
  const char *name;
  uint32_t level;
  uint32_t is_audit;
  const char *message;
} event_kind;

/* docs/log.md lists them with their fields; a test compares. */
static const event_kind kinds[] = {
    {"job.created", FHX_LOG_INFO, 0, "an export was started"},
    {"job.planned", FHX_LOG_INFO, 0, "an export was planned"},
    {"job.completed", FHX_LOG_INFO, 0, "an export is complete"},
    {"job.failed", FHX_LOG_ERROR, 0, "an export has failed"},
    {"job.cancelled", FHX_LOG_INFO, 0, "an export was cancelled"},
    {"job.cleaned", FHX_LOG_INFO, 0, "the files of an export were removed"},
    {"job.clean_failed", FHX_LOG_WARNING, 0,
     "files of an export could not be removed; it is tried again"},
    {"task.claimed", FHX_LOG_DEBUG, 0, "a task was begun or gone on with"},
    {"task.done", FHX_LOG_DEBUG, 0, "a task is done"},
    {"task.parked", FHX_LOG_INFO, 0, "a task was given back unharmed, since the engine stops"},
    {"task.lost", FHX_LOG_INFO, 0, "a task is another's by now, or its export has ended"},
    {"task.failed", FHX_LOG_WARNING, 0, "an attempt at a task has failed"},
    {"checkpoint.recorded", FHX_LOG_DEBUG, 0, "what a task has made was recorded"},
    {"store.lost", FHX_LOG_ERROR, 0, "the job store cannot be reached; it is asked again"},
    {"store.back", FHX_LOG_INFO, 0, "the job store can be reached again"},
    {"request.failed", FHX_LOG_ERROR, 0, "a request could not be answered"},
    {"audit.kick_off", FHX_LOG_INFO, 1, "a client has asked for an export"},
    {"audit.cancel", FHX_LOG_INFO, 1, "a client has asked to cancel an export"},
    {"audit.manifest", FHX_LOG_INFO, 1, "a client has asked for the manifest of an export"},
    {"audit.file", FHX_LOG_INFO, 1, "a client has asked for a file"},
    {"audit.file_sent", FHX_LOG_INFO, 1, "the answer with a file has ended"},
};

void fhx__event_begin(fhx_log_event *event, const fhx__watch *watch, fhx__event_kind kind) {
  event->watch = watch == NULL || watch->log == NULL ? NULL : watch;
  event->kind = kind;
  event->level = kinds[kind].level;
  event->field_count = 0;
  event->time_us = event->watch == NULL ? 0 : fhx__host_now_us(&event->watch->clock);
}

static void add(fhx_log_event *event, const char *name, const char *text, int64_t number) {
  if (event->watch == NULL || event->field_count == FHX__EVENT_FIELDS_MAX) return;
  event->fields[event->field_count++] = (fhx__event_field){name, text, number};
}

void fhx__event_text(fhx_log_event *event, const char *name, const char *text) {
  if (event->watch == NULL) return;
  add(event, name, fhx__is_utf8(text, strlen(text)) ? text : "(not UTF-8)", 0);
}

void fhx__event_number(fhx_log_event *event, const char *name, int64_t number) {
  add(event, name, NULL, number);
}

void fhx__event_count(fhx_log_event *event, const char *name, uint64_t count) {
  add(event, name, NULL, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

void fhx__event_error(fhx_log_event *event, const fhx_error *error) {
  fhx__event_text(event, "status", fhx_status_name(fhx_error_status(error)));
  fhx__event_text(event, "reason", fhx_error_message(error));
}

void fhx__event_tell(fhx_log_event *event) {
  if (event->watch != NULL) event->watch->log(event->watch->log_user_data, event);
}

/* --- what the host reads --- */

const char *fhx_log_event_name(const fhx_log_event *event) {
  return event == NULL ? "" : kinds[event->kind].name;
}

uint32_t fhx_log_event_level(const fhx_log_event *event) {
  return event == NULL ? 0 : event->level;
}

uint32_t fhx_log_event_is_audit(const fhx_log_event *event) {
  return event == NULL ? 0 : kinds[event->kind].is_audit;
}

int64_t fhx_log_event_time_us(const fhx_log_event *event) {
  return event == NULL ? 0 : event->time_us;
}

const char *fhx_log_event_message(const fhx_log_event *event) {
  return event == NULL ? "" : kinds[event->kind].message;
}

uint32_t fhx_log_event_field_count(const fhx_log_event *event) {
  return event == NULL ? 0 : event->field_count;
}

static const fhx__event_field *field_at(const fhx_log_event *event, uint32_t position) {
  return position < fhx_log_event_field_count(event) ? &event->fields[position] : NULL;
}

const char *fhx_log_event_field_name(const fhx_log_event *event, uint32_t position) {
  const fhx__event_field *field = field_at(event, position);
  return field == NULL ? NULL : field->name;
}

const char *fhx_log_event_field_text(const fhx_log_event *event, uint32_t position) {
  const fhx__event_field *field = field_at(event, position);
  return field == NULL ? NULL : field->text;
}

int64_t fhx_log_event_field_number(const fhx_log_event *event, uint32_t position) {
  const fhx__event_field *field = field_at(event, position);
  return field == NULL ? 0 : field->number;
}

static const fhx__event_field *field_named(const fhx_log_event *event, const char *name) {
  for (uint32_t i = 0; name != NULL && i < fhx_log_event_field_count(event); i++) {
    if (strcmp(event->fields[i].name, name) == 0) return &event->fields[i];
  }
  return NULL;
}

const char *fhx_log_event_text(const fhx_log_event *event, const char *name) {
  const fhx__event_field *field = field_named(event, name);
  return field == NULL ? NULL : field->text;
}

int64_t fhx_log_event_number(const fhx_log_event *event, const char *name, int64_t fallback) {
  const fhx__event_field *field = field_named(event, name);
  return field == NULL || field->text != NULL ? fallback : field->number;
}
