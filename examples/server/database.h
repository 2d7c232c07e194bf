/*
 * The resources, in SQLite or PostgreSQL: each version of each resource with the time from which,
 * and until which, it was the current one. So the state at any past time can be read, while writes
 * go on.
 */
#ifndef SERVER_DATABASE_H
#define SERVER_DATABASE_H

#include <fhirexport/fhirexport.h>
#include <stdbool.h>
#include <stdint.h>

#include "text.h"
#include "types.h"

struct database;

/* What became of a call. */
enum result { DONE, NONE, FAILED };

/* Whether this is a URL of PostgreSQL and not the path of a file. A password may be in it. */
bool database_is_postgres(const char *place);

/* Opens the database, or makes it. After FAILED, `problem` says why; it has no secrets. */
enum result database_open(const char *place, struct database **database, struct text *problem);
void database_close(struct database *database);

/* --- reading; any thread --- */

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

/* Which Groups are looked for; NULL: any. */
struct group_query {
  /* Those behind this id; "" for all. */
  const char *after;
  const char *id;
  /* As the name begins, without regard to case. */
  const char *name;
  /* An identifier's value, and its system, "" for one without. */
  const char *value;
  const char *system;
  int count_max;
};

/* Takes a Group; false ends the search as FAILED. */
typedef bool (*found_group)(void *context, const char *id, const char *json, size_t len);

/* The current Groups in ascending order of id. */
enum result database_find_groups(struct database *database, const struct group_query *query,
                                 found_group found, void *context);

/* The source of exports. */
int32_t database_open_source(struct database *database, uint64_t rows_max, fhx_source **source,
                             fhx_error **error);

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

/* The time now: behind every stamp so far, before every stamp to come, in this process and in
   others that use the database, now and later; what was stamped before it can be read. It waits for
   transactions. FAILED: it could not be made sure of. */
enum result database_now(struct database *database, int64_t *now_us);

#endif
