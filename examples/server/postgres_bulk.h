/* New resources on their way into PostgreSQL, many at once: one by one, each would cost a round
   trip, and loading several times as long. */
#ifndef SERVER_POSTGRES_BULK_H
#define SERVER_POSTGRES_BULK_H

#include "patients.h"
#include "postgres_connection.h"

/* A zeroed one is empty. */
struct pg_bulk {
  /* Rows of the two tables, as COPY takes them. */
  struct text versions;
  struct text patients;
  /* Each behind a line feed: Type/id. */
  struct text keys;
};

/* Adds the first version of a resource. False: there is no memory, or the database refused. */
bool pg_bulk_add(struct pg_bulk *bulk, PGconn *connection, const char *type, const char *id,
                 int64_t updated_us, int64_t stamp_us, const char *json, size_t len,
                 const struct patients *patients);
/* Whether this resource is among those that are not written yet. */
bool pg_bulk_has(const struct pg_bulk *bulk, const char *type, const char *id);
/* Writes them, inside the connection's transaction. */
bool pg_bulk_flush(struct pg_bulk *bulk, PGconn *connection);
/* Forgets them. */
void pg_bulk_clear(struct pg_bulk *bulk);
void pg_bulk_free(struct pg_bulk *bulk);

#endif
