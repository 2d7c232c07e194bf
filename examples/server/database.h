/*
 * The resources, in SQLite: each version of each resource with the time from which, and until
 * which, it was the current one. So the state at any past time can be read, while writes go on.
 */
#ifndef SERVER_DATABASE_H
#define SERVER_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "text.h"
#include "types.h"

struct database;

/* What became of a call. */
enum result { DONE, NONE, FAILED };

/* Opens the file, or makes it. After FAILED, `problem` says why; it has no secrets. */
enum result database_open(const char *path, struct database **database, struct text *problem);
void database_close(struct database *database);

/* --- reading; any thread --- */

/* A connection for reading, to be given back with no statement open; NULL if none can be had. */
sqlite3 *database_borrow(struct database *database);
void database_give_back(struct database *database, sqlite3 *connection);

struct stored {
  int64_t version;
  int64_t updated_us;
  bool deleted;
  struct text json;
};

/* The newest version; NONE if there never was one. */
enum result database_read(struct database *database, const char *type, const char *id,
                          struct stored *stored);
void stored_free(struct stored *stored);

/* Moves `type` on to the next type that there is or was; "" is before the first. NONE behind the
   last. */
enum result database_next_type(struct database *database, char type[TYPE_MAX + 1]);

/* What `place` in the table patient_version says of a patient of a version. */
enum place { ONLY_PATIENT = 0, FIRST_PATIENT = 1, LATER_PATIENT = 2 };

/* --- writing; one thread at a time, the others wait --- */

/* Begins a transaction; everything in it gets the same stamp, later than all stamps and all
   database_now before it. DONE must be followed by database_end. */
enum result database_begin(struct database *database, int64_t *stamp_us);
/* Commits if `keep`. FAILED: nothing was written. */
enum result database_end(struct database *database, bool keep);

/* Inside a transaction: the newest version without its text; NONE if there never was one. */
enum result database_look(struct database *database, const char *type, const char *id,
                          struct stored *stored);

/* Inside a transaction: `version` becomes the current one, from the transaction's stamp on. NULL
   json: the resource is deleted. `updated_us` is its meta.lastUpdated. */
enum result database_write(struct database *database, const char *type, const char *id,
                           int64_t version, int64_t updated_us, const char *json, size_t len);

/* --- the clock that stamps --- */

/* The time now: at or after every stamp so far, before every stamp to come, in this run and in
   later ones. It may wait for a transaction. FAILED: it could not be made sure of. */
enum result database_now(struct database *database, int64_t *now_us);
/* Whether everything stamped at or before `time_us` can be read. */
bool database_settled(struct database *database, int64_t time_us);

#endif
