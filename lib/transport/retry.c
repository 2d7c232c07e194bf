/* When a request is sent again, and how often. */
#include "transport/retry.h"

#include <curl/curl.h>
#include <openssl/rand.h>
#include <string.h>

#include "core/alloc.h"
#include "transport/work.h"

#define BACKOFF_FIRST_US INT64_C(100000)
#define BACKOFF_MAX_US INT64_C(10000000)
#define RETRY_AFTER_MAX_S INT64_C(86400)

bool fhx__retry_helps(uint32_t http_status) {
  return http_status == 408 || http_status == 429 ||
         (http_status >= 500 && http_status <= 599 && http_status != 501 && http_status != 505);
}

/* -1: these are not digits alone. */
static int64_t read_seconds(const char *value) {
  int64_t seconds = 0;
  if (*value == '\0') return -1;
  for (; *value != '\0'; value++) {
    if (*value < '0' || *value > '9') return -1;
    if (seconds <= RETRY_AFTER_MAX_S) seconds = seconds * 10 + (*value - '0');
  }
  return seconds;
}

int64_t fhx__retry_after_us(const char *value, int64_t now_us) {
  if (value == NULL) return -1;
  int64_t seconds = read_seconds(value);
  if (seconds < 0) {
    int64_t date = (int64_t)curl_getdate(value, NULL);
    if (date < 0) return -1;
    seconds = date - now_us / 1000000;
    if (seconds < 0) seconds = 0;
  }
  return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000000;
}

int64_t fhx__backoff_us(uint32_t attempts) {
  int64_t longest = BACKOFF_MAX_US;
  uint32_t doublings = attempts > 0 ? attempts - 1 : 0;
  if (doublings < 7) longest = BACKOFF_FIRST_US << doublings;
  uint64_t random = 0;
  if (longest > BACKOFF_MAX_US) longest = BACKOFF_MAX_US;
  /* Without a random number the pause is the longest one. */
  if (RAND_bytes((unsigned char *)&random, (int)sizeof random) != 1) return longest;
  return (int64_t)(random % (uint64_t)(longest + 1));
}

/* --- the counts --- */

static fhx__retries *find(fhx__transport *transport, const char *key, size_t len) {
  fhx__retries *at = transport->retries;
  while (at != NULL && (at->key_len != len || memcmp(at->key, key, len) != 0)) at = at->next;
  return at;
}

fhx__retries *fhx__retries_get(fhx__transport *transport, const char *key, size_t len) {
  if (len > SIZE_MAX / 2) return NULL;
  pthread_mutex_lock(&transport->mutex);
  fhx__retries *found = find(transport, key, len);
  if (found == NULL) {
    found = fhx__alloc(sizeof *found + len);
    if (found != NULL) {
      *found = (fhx__retries){transport->retries, 0, transport->options.retries_max, len};
      if (len > 0) memcpy(found->key, key, len);
      transport->retries = found;
    }
  }
  if (found != NULL) found->holders++;
  pthread_mutex_unlock(&transport->mutex);
  return found;
}

void fhx__retries_put(fhx__transport *transport, fhx__retries *retries) {
  if (retries == NULL) return;
  pthread_mutex_lock(&transport->mutex);
  if (--retries->holders == 0) {
    fhx__retries **at = &transport->retries;
    while (*at != retries) at = &(*at)->next;
    *at = retries->next;
    fhx__free(retries);
  }
  pthread_mutex_unlock(&transport->mutex);
}

bool fhx__work_takes_retry(fhx__work *work) {
  fhx__transport *transport = work->transport;
  fhx__retries *shared = work->transfer->retries;
  pthread_mutex_lock(&transport->mutex);
  uint32_t *left = shared == NULL ? &work->retries_left : &shared->left;
  bool takes = *left > 0;
  if (takes) --*left;
  pthread_mutex_unlock(&transport->mutex);
  return takes;
}

void fhx__work_gives_retry_back(fhx__work *work) {
  fhx__transport *transport = work->transport;
  fhx__retries *shared = work->transfer->retries;
  if (shared == NULL) return;
  pthread_mutex_lock(&transport->mutex);
  if (shared->left < transport->options.retries_max) shared->left++;
  pthread_mutex_unlock(&transport->mutex);
}
