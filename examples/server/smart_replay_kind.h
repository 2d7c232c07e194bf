/* What a place for used assertions has to do, and the places there are. */
#ifndef SERVER_SMART_REPLAY_KIND_H
#define SERVER_SMART_REPLAY_KIND_H

#include "smart_replay.h"

#define SMART_DIGEST_BYTES 32

struct smart_replay_kind {
  void (*close)(struct smart_replay *replay);
  /* As smart_replay_use, of the digest of issuer and id. */
  enum smart_use (*use)(struct smart_replay *replay, const unsigned char digest[SMART_DIGEST_BYTES],
                        int64_t now_s, int64_t until_s);
};

/* The beginning of each kind's own structure. */
struct smart_replay {
  const struct smart_replay_kind *kind;
};

/* smart_replay_sqlite.c; NULL, with a message on stderr, if it cannot be opened. */
struct smart_replay *sqlite_replay_open(const char *path);
/* postgres_replay.c */
struct smart_replay *postgres_replay_open(const char *url);

#endif
