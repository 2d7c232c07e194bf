/* A connection to PostgreSQL by libpq, as the store and the source have it: how it is made, and how
   an answer is waited for. libpq's own texts never leave this room: they may quote secrets. */
#ifndef FHX__POSTGRES_CONNECTION_H
#define FHX__POSTGRES_CONNECTION_H

#include <fhirexport/status.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "core/error.h"
#include "postgres/sqlstate.h"

/* The oldest server that either talks to. */
#define FHX__LIBPQ_SERVER_MIN 110000

/* Whether libpq can read the connection string, and can be used at all: FHX_ERR_ARGUMENT,
   FHX_ERR_UNSUPPORTED, FHX_ERR_NO_MEMORY. `whose` is a word for the sentence: "store". */
int32_t fhx__libpq_check(const char *conninfo, const char *whose, fhx_error **error);

typedef enum fhx__libpq_made {
  FHX__LIBPQ_MADE,
  FHX__LIBPQ_NO_MEMORY,
  /* The SQLSTATE says why, if the database answered; else it is "". */
  FHX__LIBPQ_REFUSED,
} fhx__libpq_made;

/* Connects, by `until_us` of the monotonic clock at the latest. What is sent does not block. In any
 * case the caller ends *connection by PQfinish. */
fhx__libpq_made fhx__libpq_connect(const char *conninfo, int64_t until_us, PGconn **connection,
                                   char sqlstate[FHX__SQLSTATE_LEN + 1]);

/* Waits for the connection, `events` being those of poll; false when the time is over. */
bool fhx__libpq_wait(PGconn *connection, short events, int64_t until_us);
/* Sends what is to be sent yet; waits until there is an answer to take. False when the time is over
   or the connection lost. */
bool fhx__libpq_flush(PGconn *connection, int64_t until_us);
bool fhx__libpq_await(PGconn *connection, int64_t until_us);

#endif
