/*
 * The host's hooks: what becomes of a line between "it is exported" and "it is written".
 */
#ifndef FHX__JOB_HOOKS_H
#define FHX__JOB_HOOKS_H

#include "job/output.h"
#include "source/source.h"

/* A line and what the hooks make of it. */
typedef struct fhx__hooking {
  fhx__output *out;
  const fhx_query *query;
  /* As it came: what hooks are told, and what error lines call it while it has this id. */
  char reference[FHX__TYPE_MAX + FHX__ID_MAX + 2];
  /* The line to be written, compact, the last one that the output's writer has scanned. */
  fhx__line line;
  /* It is not written: left out, or refused with an error line. */
  bool is_dropped;
  /* The resource that the hook gave, and what the line points into when it is longer than the
     writer's buffer. */
  fhx_reply reply;
  fhx__buffer made;
} fhx__hooking;

/* Whether the job has a hook of any kind; if not, none of the following is called. */
bool fhx__hooks_are_there(const fhx_job *job);

/*
 * Calls the job's hooks for a compact line that was scanned last. Whatever they answer, it costs
 * that line alone. False: the attempt is over. Ended by fhx__hooks_end, whatever was returned.
 */
bool fhx__hooks_call(fhx__hooking *at, fhx__output *out, const fhx_query *query,
                     const fhx__line *line);
void fhx__hooks_end(fhx__hooking *at);

#endif
