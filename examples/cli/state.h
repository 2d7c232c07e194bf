/*
 * A state file: an SQLite job store, and beside the job what it was asked for, so that the same
 * command goes on after an interruption, and another one does not.
 *
 * The file is one process's alone as long as it is open. Whoever opens it next therefore knows that
 * nobody works on the job any more, and need not wait until the leases of a process lapse that was
 * killed: the store's clock is put forward by as long as a lease lasts.
 */
#ifndef STATE_H
#define STATE_H

#include <fhirexport/fhirexport.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* One thing that the command was asked for; "--NAME" in what is said. */
struct state_option {
  const char *name;
  const void *value;
  size_t len;
};

struct state {
  const char *command;
  const char *path;
  fhx_store *store;
  sqlite3 *database;
  int lock;
  _Atomic int64_t ahead_us;
  /* The job to go on with; "": there is none. */
  char job_id[33];
};

/* The functions below return an exit code (command.h); other than EXIT_DONE, it was said on stderr
   what is wrong. In any case state_close. */
int state_open(struct state *state, const char *command, const char *path);
/* Finds the job of an earlier run, which has to have been asked for the same. */
int state_find(struct state *state, const struct state_option *options, size_t count);
int state_record(struct state *state, const char *job_id, const struct state_option *options,
                 size_t count);
/* The job is over and gone: the next run starts anew. */
int state_forget(struct state *state);
void state_close(struct state *state);

#endif
