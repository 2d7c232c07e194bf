/* Who is an operator. */
#include "page_admin.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "instant.h"
#include "log.h"
#include "page.h"
#include "url_keys.h"

#define TOKEN_CHARACTERS_MIN 32
#define DIGEST_BYTES 32
#define SESSION_SECONDS 28800
#define COOKIE "fhirexport_operator"
/* "<expiry>.<nonce>.<signature>" */
#define NONCE_BYTES 16
#define SESSION_MAX 160
/* Wrong tokens: so many at once, and then one in this time. */
#define FAILURES_MAX 10
#define FAILURE_US INT64_C(6000000)

static const char option[] = "--admin-token-file";
static const char purpose[] = "sessions at the page of fhirexport-server";

struct page_admin {
  bool is_secure;
  size_t count;
  unsigned char tokens[URL_KEYS_MAX][DIGEST_BYTES];
  /* The first signs. */
  unsigned char session_keys[URL_KEYS_MAX][DIGEST_BYTES];
  pthread_mutex_t mutex;
  /* Under the mutex: when the wrong tokens that have come are forgotten. */
  int64_t forgotten_us;
};

/* --- tokens --- */

static bool digest(const void *key, size_t key_len, const void *data, size_t len,
                   unsigned char made[DIGEST_BYTES]) {
  unsigned made_len = 0;
  return HMAC(EVP_sha256(), key, (int)key_len, data, len, made, &made_len) != NULL;
}

/* Of whatever length, so that the time that a comparison takes tells nothing. */
static bool digest_token(const char *token, size_t len, unsigned char made[DIGEST_BYTES]) {
  return digest(purpose, sizeof purpose - 1, token, len, made);
}

static bool is_visible(const unsigned char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] <= ' ' || bytes[i] > '~') return false;
  }
  return true;
}

static bool take_tokens(struct page_admin *admin, const struct url_keys *keys) {
  for (uint64_t i = 0; i < keys->count; i++) {
    if (keys->lens[i] < TOKEN_CHARACTERS_MIN || !is_visible(keys->keys[i], keys->lens[i])) {
      return false;
    }
    if (!digest_token(keys->keys[i], keys->lens[i], admin->tokens[i]) ||
        !digest(keys->keys[i], keys->lens[i], purpose, sizeof purpose - 1,
                admin->session_keys[i])) {
      return false;
    }
    admin->count++;
  }
  return true;
}

struct page_admin *page_admin_open(const char *token_file, bool is_secure) {
  struct url_keys keys;
  struct page_admin *admin = NULL;
  if (!url_keys_read(option, token_file, &keys)) return NULL;
  admin = calloc(1, sizeof *admin);
  if (admin != NULL) {
    admin->is_secure = is_secure;
    pthread_mutex_init(&admin->mutex, NULL);
    if (!take_tokens(admin, &keys)) {
      log_problem_at(option, token_file,
                     "each line is a token of at least 32 visible characters of ASCII");
      page_admin_close(admin);
      admin = NULL;
    }
  }
  url_keys_clear(&keys);
  return admin;
}

void page_admin_close(struct page_admin *admin) {
  if (admin == NULL) return;
  pthread_mutex_destroy(&admin->mutex);
  explicit_bzero(admin, sizeof *admin);
  free(admin);
}

/* --- wrong ones --- */

static int64_t monotonic_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool may_try(struct page_admin *admin) {
  pthread_mutex_lock(&admin->mutex);
  const bool may = admin->forgotten_us - monotonic_us() <= (FAILURES_MAX - 1) * FAILURE_US;
  pthread_mutex_unlock(&admin->mutex);
  return may;
}

static void remember_failure(struct page_admin *admin) {
  const int64_t now_us = monotonic_us();
  pthread_mutex_lock(&admin->mutex);
  if (admin->forgotten_us < now_us) admin->forgotten_us = now_us;
  admin->forgotten_us += FAILURE_US;
  pthread_mutex_unlock(&admin->mutex);
  log_problem("a request to the page", "its token is wrong");
}

enum page_verdict page_admin_try(struct page_admin *admin, const char *token) {
  unsigned char given[DIGEST_BYTES];
  int is_one = 0;
  if (!may_try(admin)) return PAGE_TOO_MANY;
  if (!digest_token(token, strlen(token), given)) return PAGE_UNKNOWN;
  /* All of them, whichever it is. */
  for (size_t i = 0; i < admin->count; i++) {
    is_one |= CRYPTO_memcmp(given, admin->tokens[i], DIGEST_BYTES) == 0;
  }
  if (is_one) return PAGE_BY_HEADER;
  remember_failure(admin);
  return PAGE_UNKNOWN;
}

/* --- sessions --- */

static void write_hex(const unsigned char *bytes, size_t len, char *text) {
  for (size_t i = 0; i < len; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static bool sign(const unsigned char key[DIGEST_BYTES], const char *text, size_t len,
                 char signature[2 * DIGEST_BYTES + 1]) {
  unsigned char made[DIGEST_BYTES];
  if (!digest(key, DIGEST_BYTES, text, len, made)) return false;
  write_hex(made, sizeof made, signature);
  return true;
}

static bool is_session(const struct page_admin *admin, const char *text, size_t len) {
  char signature[2 * DIGEST_BYTES + 1];
  int is_signed = 0;
  if (len >= SESSION_MAX || len <= 2 * DIGEST_BYTES + 1) return false;
  const size_t signed_len = len - 2 * DIGEST_BYTES - 1;
  if (text[signed_len] != '.') return false;
  for (size_t i = 0; i < admin->count; i++) {
    if (!sign(admin->session_keys[i], text, signed_len, signature)) return false;
    is_signed |= CRYPTO_memcmp(signature, text + signed_len + 1, 2 * DIGEST_BYTES) == 0;
  }
  /* What is signed is ours, and begins with a number. */
  return is_signed && strtoll(text, NULL, 10) * 1000000 > instant_now_us();
}

static bool has_session(const struct page_admin *admin, const char *cookies) {
  const size_t name_len = sizeof COOKIE - 1;
  for (const char *at = cookies; at != NULL && *at != '\0';) {
    at += strspn(at, "; ");
    const size_t len = strcspn(at, ";");
    if (len > name_len && strncmp(at, COOKIE "=", name_len + 1) == 0 &&
        is_session(admin, at + name_len + 1, len - name_len - 1)) {
      return true;
    }
    at += len;
  }
  return false;
}

enum page_verdict page_admin_know(struct page_admin *admin, const struct request *request) {
  static const char scheme[] = "Bearer ";
  const char *authorization = request_header(request, "Authorization");
  if (authorization != NULL && strncasecmp(authorization, scheme, sizeof scheme - 1) == 0) {
    return page_admin_try(admin, authorization + sizeof scheme - 1);
  }
  return has_session(admin, request_header(request, "Cookie")) ? PAGE_BY_COOKIE : PAGE_UNKNOWN;
}

static void set_cookie(const struct page_admin *admin, const char *value, int seconds,
                       struct answer *answer) {
  answer_add_header(answer, "Set-Cookie",
                    COOKIE "=%s; Path=" PAGE_PATH "; Max-Age=%d; HttpOnly; SameSite=Strict%s",
                    value, seconds, admin->is_secure ? "; Secure" : "");
}

bool page_admin_begin(struct page_admin *admin, struct answer *answer) {
  unsigned char nonce[NONCE_BYTES];
  char nonce_text[2 * NONCE_BYTES + 1], signature[2 * DIGEST_BYTES + 1], text[SESSION_MAX];
  if (RAND_bytes(nonce, sizeof nonce) != 1) return false;
  write_hex(nonce, sizeof nonce, nonce_text);
  const long long expiry_s = (long long)instant_now_us() / 1000000 + SESSION_SECONDS;
  const int len = snprintf(text, sizeof text, "%lld.%s", expiry_s, nonce_text);
  if (!sign(admin->session_keys[0], text, (size_t)len, signature)) return false;
  snprintf(text + len, sizeof text - (size_t)len, ".%s", signature);
  set_cookie(admin, text, SESSION_SECONDS, answer);
  return true;
}

void page_admin_end(struct page_admin *admin, struct answer *answer) {
  set_cookie(admin, "", 0, answer);
}
