/* The credentials that are there, and when they are renewed. */
#include "s3/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/condition.h"
#include "core/encode.h"
#include "core/error.h"
#include "s3/host_credentials.h"
#include "s3/sources.h"

#define SERVICE "s3"
#define REGION_MAX 64
/* Renewed when less than so much is left. */
#define LEFT_MIN_US INT64_C(600000000)
/* And not sooner than this, unless they end by then. */
#define WAIT_MIN_US INT64_C(60000000)
/* After a renewal that failed, while those that are there are good. */
#define PAUSE_US INT64_C(10000000)
/* How long one waits for another's fetch before it looks at the time again. */
#define LOOK_US INT64_C(100000)
#define REASON_MAX 256

typedef enum origin { ORIGIN_FIXED, ORIGIN_HOST, ORIGIN_SOURCES } origin;

struct fhx__s3_credentials {
  origin from;
  fhx_s3_credentials_callback callback;
  void *user_data;
  fhx__s3_sources *sources;
  char region[REGION_MAX + 1];
  pthread_mutex_t mutex;
  pthread_cond_t fetched;
  /* All that follows is guarded. */
  bool fetching;
  pthread_t fetcher;
  /* None while it is 0. */
  uint64_t generation;
  bool refused;
  fhx__s3_identity identity;
  int64_t renew_us;
  /* By the monotonic clock. */
  int64_t pause_until_us;
  /* How many fetches have failed, and why the last one did. */
  uint64_t failures;
  int32_t status;
  uint32_t retryable;
  char reason[REASON_MAX];
  /* The signing key of a day; none while the day is empty. */
  char day[FHX__S3_DAY_LEN + 1];
  uint8_t key[FHX__SHA256_LEN];
};

/* An endpoint may go on giving what soon ends: it is not asked each time. */
static int64_t time_to_renew(int64_t now_us, int64_t expires_us) {
  if (expires_us == 0) return INT64_MAX;
  int64_t half_us = (expires_us - now_us) / 2;
  int64_t wait_us = expires_us - now_us - LEFT_MIN_US;
  if (wait_us < WAIT_MIN_US) wait_us = WAIT_MIN_US;
  return now_us + (half_us < wait_us ? half_us : wait_us);
}

/* Takes over what was fetched. */
static void install(fhx__s3_credentials *self, fhx__s3_identity *fetched) {
  fhx__s3_identity_end(&self->identity);
  self->identity = *fetched;
  memset(fetched, 0, sizeof *fetched);
  self->renew_us = time_to_renew(fhx__clock_now_us(), self->identity.expires_us);
  self->generation++;
  self->refused = false;
  self->pause_until_us = 0;
  self->day[0] = '\0';
  fhx__wipe(self->key, sizeof self->key);
}

static int32_t take_fixed(fhx__s3_credentials *self, const char *access_key_id,
                          const char *secret_access_key, const char *session_token,
                          fhx_error **error) {
  fhx__s3_identity identity = {NULL, NULL, NULL, 0};
  int32_t status = fhx__s3_identity_set(&identity, fhx__s3_span_of(access_key_id),
                                        fhx__s3_span_of(secret_access_key),
                                        fhx__s3_span_of(session_token), 0, error);
  if (status == FHX_OK) install(self, &identity);
  return status;
}

static bool is_given(const char *text) {
  return text != NULL && text[0] != '\0';
}

static int32_t choose_origin(fhx__s3_credentials *self, const fhx_s3_options *options,
                             fhx_error **error) {
  if (options->access_key_id != NULL || options->secret_access_key != NULL) {
    return take_fixed(self, options->access_key_id, options->secret_access_key,
                      options->session_token, error);
  }
  if (options->session_token != NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a session_token needs the keys it belongs to");
  }
  if (options->credentials != NULL) {
    self->from = ORIGIN_HOST;
    self->callback = options->credentials;
    self->user_data = options->user_data;
    return FHX_OK;
  }
  const char *access_key_id = getenv("AWS_ACCESS_KEY_ID");
  const char *secret_access_key = getenv("AWS_SECRET_ACCESS_KEY");
  if (is_given(access_key_id) && is_given(secret_access_key)) {
    return take_fixed(self, access_key_id, secret_access_key, getenv("AWS_SESSION_TOKEN"), error);
  }
  self->from = ORIGIN_SOURCES;
  return fhx__s3_sources_new(options, &self->sources, error);
}

int32_t fhx__s3_credentials_new(const fhx_s3_options *options, const char *region,
                                fhx__s3_credentials **credentials, fhx_error **error) {
  fhx__s3_credentials *self = fhx__alloc_zeroed(1, sizeof *self);
  if (self == NULL) return fhx__no_memory(error);
  snprintf(self->region, sizeof self->region, "%s", region);
  int code = pthread_mutex_init(&self->mutex, NULL);
  if (code == 0) {
    code = fhx__condition_init(&self->fetched);
    if (code != 0) pthread_mutex_destroy(&self->mutex);
  }
  if (code != 0) {
    fhx__free(self);
    return fhx__no_memory(error);
  }
  int32_t status = choose_origin(self, options, error);
  if (status != FHX_OK) {
    fhx__s3_credentials_free(self);
    return status;
  }
  *credentials = self;
  return FHX_OK;
}

void fhx__s3_credentials_free(fhx__s3_credentials *credentials) {
  if (credentials == NULL) return;
  pthread_cond_destroy(&credentials->fetched);
  pthread_mutex_destroy(&credentials->mutex);
  fhx__s3_identity_end(&credentials->identity);
  fhx__s3_sources_free(credentials->sources);
  fhx__wipe(credentials, sizeof *credentials);
  fhx__free(credentials);
}

static bool is_usable(const fhx__s3_credentials *self, int64_t now_us) {
  if (self->generation == 0 || self->refused) return false;
  return self->identity.expires_us == 0 || self->identity.expires_us > now_us;
}

static int32_t fetch(fhx__s3_credentials *self, int64_t until_us, fhx__s3_identity *fetched,
                     fhx_error **error) {
  int32_t status = self->from == ORIGIN_HOST
                       ? fhx__s3_ask_host(self->callback, self->user_data, until_us, fetched, error)
                       : fhx__s3_sources_fetch(self->sources, until_us, fetched, error);
  if (status == FHX_OK && fetched->expires_us != 0 && fetched->expires_us <= fhx__clock_now_us()) {
    fhx__s3_identity_end(fetched);
    status = fhx__fail_with(error, FHX_ERR_DENIED, 1, "the credentials that were given have ended");
  }
  return status;
}

/* Whatever a host or an endpoint says about it: a part is neither there nor absent by it. */
static int32_t keep_reason(fhx__s3_credentials *self, int32_t status, const fhx_error *error) {
  self->failures++;
  self->status = status == FHX_ERR_NO_MEMORY ? status : FHX_ERR_DENIED;
  self->retryable = fhx_error_retryable(error);
  snprintf(self->reason, sizeof self->reason, "%s", fhx_error_message(error));
  return self->status;
}

static int32_t fail_for_reason(const fhx__s3_credentials *self, fhx_error **error) {
  if (self->status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return fhx__fail_with(error, self->status, self->retryable,
                        "there are no credentials for the bucket: %s", self->reason);
}

/* With the mutex held, which is given up for the time of the fetch. */
static int32_t renew(fhx__s3_credentials *self, int64_t now_us, int64_t until_us,
                     fhx_error **error) {
  fhx__s3_identity fetched = {NULL, NULL, NULL, 0};
  fhx_error *failure = NULL;
  self->fetching = true;
  self->fetcher = pthread_self();
  pthread_mutex_unlock(&self->mutex);
  int32_t status = fetch(self, until_us, &fetched, &failure);
  pthread_mutex_lock(&self->mutex);
  self->fetching = false;
  if (status == FHX_OK) {
    install(self, &fetched);
  } else {
    keep_reason(self, status, failure);
    self->pause_until_us = fhx__clock_monotonic_us() + PAUSE_US;
    fhx_error_free(failure);
    status = is_usable(self, now_us) ? FHX_OK : fail_for_reason(self, error);
  }
  pthread_cond_broadcast(&self->fetched);
  return status;
}

/* With the mutex held: until another's fetch is over. FHX_WAIT: look again. */
static int32_t wait_for_other(fhx__s3_credentials *self, int64_t now_us, int64_t until_us,
                              fhx_error **error) {
  uint64_t failures = self->failures;
  if (pthread_equal(self->fetcher, pthread_self())) {
    return fhx__fail(error, FHX_ERR_REENTRANT,
                     "the callback for credentials uses the destination that asks for them");
  }
  while (self->fetching) {
    if (until_us != 0 && fhx__clock_monotonic_us() >= until_us) {
      return fhx__fail_with(error, FHX_ERR_DENIED, 1,
                            "there are no credentials for the bucket yet: they are being fetched");
    }
    fhx__condition_wait(&self->fetched, &self->mutex, LOOK_US);
  }
  if (self->failures != failures && !is_usable(self, now_us)) {
    return fail_for_reason(self, error);
  }
  return FHX_WAIT;
}

/* FHX_WAIT: look again. */
static int32_t make_ready(fhx__s3_credentials *self, int64_t now_us, bool may_call_host,
                          int64_t until_us, fhx_error **error) {
  bool usable = is_usable(self, now_us);
  if (usable && now_us < self->renew_us) return FHX_OK;
  if (usable && self->fetching) return FHX_OK;
  if (self->fetching) return wait_for_other(self, now_us, until_us, error);
  if (usable && fhx__clock_monotonic_us() < self->pause_until_us) return FHX_OK;
  if (self->from == ORIGIN_HOST && !may_call_host) {
    if (usable) return FHX_OK;
    return fhx__fail_with(error, FHX_ERR_DENIED, 1,
                          "the credentials for the bucket have ended in the middle of a part");
  }
  return renew(self, now_us, until_us, error);
}

int32_t fhx__s3_credentials_ready_at(fhx__s3_credentials *credentials, int64_t now_us,
                                     bool may_call_host, int64_t until_us, fhx_error **error) {
  if (credentials->from == ORIGIN_FIXED) return FHX_OK;
  pthread_mutex_lock(&credentials->mutex);
  int32_t status = FHX_WAIT;
  while (status == FHX_WAIT) {
    status = make_ready(credentials, now_us, may_call_host, until_us, error);
  }
  pthread_mutex_unlock(&credentials->mutex);
  return status;
}

int32_t fhx__s3_credentials_ready(fhx__s3_credentials *credentials, bool may_call_host,
                                  int64_t until_us, fhx_error **error) {
  return fhx__s3_credentials_ready_at(credentials, fhx__clock_now_us(), may_call_host, until_us,
                                      error);
}

bool fhx__s3_credentials_refuse(fhx__s3_credentials *credentials, uint64_t generation) {
  if (credentials->from == ORIGIN_FIXED) return false;
  pthread_mutex_lock(&credentials->mutex);
  if (credentials->generation == generation) credentials->refused = true;
  pthread_mutex_unlock(&credentials->mutex);
  return true;
}

int64_t fhx__s3_credentials_end_us(fhx__s3_credentials *credentials) {
  pthread_mutex_lock(&credentials->mutex);
  int64_t expires_us = credentials->identity.expires_us;
  pthread_mutex_unlock(&credentials->mutex);
  return expires_us == 0 ? INT64_MAX : expires_us;
}

/* --- what signatures are made with --- */

static int32_t copy_grant(fhx__s3_credentials *self, fhx__s3_grant *grant, fhx_error **error) {
  const fhx__s3_identity *identity = &self->identity;
  if (strncmp(self->day, grant->time, FHX__S3_DAY_LEN) != 0) {
    self->day[0] = '\0';
    int32_t status = fhx__s3_signing_key(self->key, identity->secret_access_key, grant->time,
                                         self->region, SERVICE, error);
    if (status != FHX_OK) return status;
    memcpy(self->day, grant->time, FHX__S3_DAY_LEN);
  }
  memcpy(grant->key, self->key, sizeof grant->key);
  grant->generation = self->generation;
  grant->access_key_id = fhx__copy_text(identity->access_key_id);
  if (identity->session_token != NULL) {
    grant->session_token = fhx__copy_text(identity->session_token);
  }
  if (grant->access_key_id == NULL ||
      (grant->session_token == NULL && identity->session_token != NULL)) {
    return fhx__no_memory(error);
  }
  return FHX_OK;
}

int32_t fhx__s3_credentials_grant(fhx__s3_credentials *credentials, int64_t now_us,
                                  fhx__s3_grant *grant, fhx_error **error) {
  memset(grant, 0, sizeof *grant);
  fhx__basic_time(grant->time, now_us);
  pthread_mutex_lock(&credentials->mutex);
  int32_t status =
      is_usable(credentials, now_us)
          ? copy_grant(credentials, grant, error)
          : fhx__fail_with(error, FHX_ERR_DENIED, 1, "the credentials for the bucket have ended");
  pthread_mutex_unlock(&credentials->mutex);
  return status;
}

void fhx__s3_grant_end(fhx__s3_grant *grant) {
  fhx__wipe_text(grant->access_key_id);
  fhx__wipe_text(grant->session_token);
  fhx__wipe(grant, sizeof *grant);
}
