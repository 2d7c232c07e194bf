/*
 * The connections, watched so that slow and half-open ones cannot shut others out: a request must
 * have come within a time, and when connections run short those that wait longest go.
 */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include <stdint.h>

struct guard;
struct guarded;

/* `count_max`: from this many connections on, the oldest makes room for a new one. `request_us`:
   how long a request may take to come, and a connection may be idle. NULL: no memory. */
struct guard *guard_new(uint32_t count_max, int64_t request_us);
/* No connection may be left. NULL is harmless. */
void guard_free(struct guard *guard);

/* A connection was accepted. NULL (no memory) is harmless below; it is then not watched. */
struct guarded *guard_add(struct guard *guard, int socket);
/* It is about to be closed: its socket is still its own. */
void guard_remove(struct guard *guard, struct guarded *connection);

/* It waits for a request, or has begun to receive one. */
void guard_wait(struct guard *guard, struct guarded *connection);
/* It has a whole request, which is being answered. */
void guard_answer(struct guard *guard, struct guarded *connection);

/* Ends connections that have waited too long, and makes room. Call it ten times a second. */
void guard_sweep(struct guard *guard);
/* How many are being answered. */
uint32_t guard_answering(struct guard *guard);

#endif
