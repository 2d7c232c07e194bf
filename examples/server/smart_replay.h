/* Which assertions were used: each is good once, for all servers that share the record of it. */
#ifndef SERVER_SMART_REPLAY_H
#define SERVER_SMART_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

struct smart_replay;

/* Opens an SQLite file, or makes it; or a table in PostgreSQL, of a URL. NULL, with a message on
   stderr, if it cannot. */
struct smart_replay *smart_replay_open(const char *place);
void smart_replay_close(struct smart_replay *replay);

enum smart_use { SMART_FIRST_USE, SMART_USED_BEFORE, SMART_NOT_KNOWN };

/* Takes the id of an assertion (`jti`) of an issuer, who can then not use it again before `until_s`
   (seconds since 1970). SMART_NOT_KNOWN: it could not be recorded. Any thread. */
enum smart_use smart_replay_use(struct smart_replay *replay, const char *issuer, const char *id,
                                int64_t now_s, int64_t until_s);

#endif
