/*
 * Used assertions, wherever they are kept. Kept is a digest: ids are as long as clients like, and
 * nobody reads them there.
 */
#include "smart_replay.h"

#include <openssl/evp.h>
#include <string.h>

#include "log.h"
#include "smart_replay_kind.h"

static bool is_postgres(const char *place) {
  return strncmp(place, "postgresql://", 13) == 0 || strncmp(place, "postgres://", 11) == 0;
}

struct smart_replay *smart_replay_open(const char *place) {
  if (!is_postgres(place)) return sqlite_replay_open(place);
#ifdef SERVER_WITH_POSTGRES
  return postgres_replay_open(place);
#else
  log_problem("--used-assertions", "this server was built without PostgreSQL");
  return NULL;
#endif
}

void smart_replay_close(struct smart_replay *replay) {
  if (replay != NULL) replay->kind->close(replay);
}

static bool digest(const char *issuer, const char *id, unsigned char value[SMART_DIGEST_BYTES]) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  /* The NUL of the issuer divides the two. */
  bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(context, issuer, strlen(issuer) + 1) == 1 &&
              EVP_DigestUpdate(context, id, strlen(id)) == 1 &&
              EVP_DigestFinal_ex(context, value, NULL) == 1;
  EVP_MD_CTX_free(context);
  return done;
}

enum smart_use smart_replay_use(struct smart_replay *replay, const char *issuer, const char *id,
                                int64_t now_s, int64_t until_s) {
  unsigned char value[SMART_DIGEST_BYTES];
  if (!digest(issuer, id, value)) return SMART_NOT_KNOWN;
  return replay->kind->use(replay, value, now_s, until_s);
}
