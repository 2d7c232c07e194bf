/* What PostgreSQL's SQLSTATEs mean, to the store and the source alike. */
#ifndef FHX__POSTGRES_SQLSTATE_H
#define FHX__POSTGRES_SQLSTATE_H

#include <stdbool.h>
#include <stdint.h>

#define FHX__SQLSTATE_LEN 5

/* Why the database did not let us in ("": it did not answer), and whether it may do so later. */
const char *fhx__sqlstate_at_connect(const char *sqlstate, uint32_t *is_retryable);
/* Why it refused a statement, and whether the same may succeed later; NULL: nothing that would be
   said of every statement, and nothing that passes. */
const char *fhx__sqlstate_of_statement(const char *sqlstate, uint32_t *is_retryable);
/* Another transaction was in the way; the same can be done again at once. */
bool fhx__sqlstate_is_conflict(const char *sqlstate);
/* The connection is of no use any more: it ends, it leads to a server that takes no changes, or it
   has forgotten its statements. */
bool fhx__sqlstate_ends_connection(const char *sqlstate);

#endif
