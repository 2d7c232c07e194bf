/* What the server says on stderr: sentences for people, or with --log json an object a line. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <fhirexport/log.h>
#include <stdbool.h>

/* Before there are threads. `level`: the least FHX_LOG_... of operation events that are logged. */
void log_use_json(uint32_t level);
bool log_is_json(void);
/* "warning" and the like, as --log-level takes them. */
bool log_read_level(const char *name, uint32_t *level);

/* fhx_log_callback: the engine's events, of which only --log json has lines. Audit events are
   logged whatever their level. */
void log_event(void *user_data, const fhx_log_event *event);

/* Something is wrong: `what` it is about, and in which way. Nothing of a request may be in it. */
void log_problem(const char *what, const char *problem);
/* The same of an option and what it was given, or the like. */
void log_problem_at(const char *option, const char *place, const char *problem);
/* Something is worth to know. */
void log_note(const char *note);

#endif
