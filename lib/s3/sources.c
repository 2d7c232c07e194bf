/* The chain of places that have credentials, as other tools for S3 go through it. */
#include "s3/sources.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/encode.h"
#include "core/error.h"
#include "s3/endpoint.h"

#define FILE_MAX (1024u * 1024)
#define TOKEN_FILE_MAX 65536u
#define ROLE_MAX 128

typedef enum place { PLACE_UNKNOWN, PLACE_FILE, PLACE_CONTAINER, PLACE_INSTANCE } place;

struct fhx__s3_sources {
  place chosen;
  char *file;
  char *profile;
  /* The options name the profile: it has to be there. */
  bool profile_is_wanted;
  /* NULL where the environment names none. */
  char *container_url;
  char *container_token;
  char *container_token_file;
  /* NULL where it is switched off. */
  char *instance_url;
  fhx__s3_endpoint *endpoint;
};

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Copies `begin` and `end`, one behind the other; without a `begin` it stays NULL. */
static int32_t keep(char **kept, const char *begin, const char *end) {
  if (begin == NULL) return FHX_OK;
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = fhx__buffer_append_text(&text, begin);
  if (status == FHX_OK) status = fhx__buffer_append_text(&text, end);
  if (status == FHX_OK) *kept = fhx__copy_bytes(text.data, text.len);
  fhx__buffer_free(&text);
  return *kept == NULL ? FHX_ERR_NO_MEMORY : FHX_OK;
}

static int32_t keep_container(fhx__s3_sources *self) {
  const char *relative = setting("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  int32_t status = relative != NULL ? keep(&self->container_url, "http://169.254.170.2", relative)
                                    : keep(&self->container_url,
                                           setting("AWS_CONTAINER_CREDENTIALS_FULL_URI"), "");
  if (status == FHX_OK) {
    status = keep(&self->container_token, setting("AWS_CONTAINER_AUTHORIZATION_TOKEN"), "");
  }
  if (status == FHX_OK) {
    status =
        keep(&self->container_token_file, setting("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), "");
  }
  return status;
}

static int32_t keep_instance(fhx__s3_sources *self) {
  const char *disabled = setting("AWS_EC2_METADATA_DISABLED");
  if (disabled != NULL && strcasecmp(disabled, "true") == 0) return FHX_OK;
  const char *endpoint = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  int32_t status =
      keep(&self->instance_url, endpoint != NULL ? endpoint : "http://169.254.169.254", "");
  if (status != FHX_OK) return status;
  size_t len = strlen(self->instance_url);
  if (self->instance_url[len - 1] == '/') self->instance_url[len - 1] = '\0';
  return FHX_OK;
}

static int32_t keep_file(fhx__s3_sources *self, const char *profile) {
  const char *home = setting("HOME");
  const char *file = setting("AWS_SHARED_CREDENTIALS_FILE");
  self->profile_is_wanted = profile != NULL;
  if (profile == NULL) profile = setting("AWS_PROFILE");
  int32_t status = keep(&self->profile, profile != NULL ? profile : "default", "");
  if (status != FHX_OK) return status;
  return file != NULL ? keep(&self->file, file, "") : keep(&self->file, home, "/.aws/credentials");
}

int32_t fhx__s3_sources_new(const fhx_s3_options *options, fhx__s3_sources **sources,
                            fhx_error **error) {
  fhx__s3_sources *self = fhx__alloc_zeroed(1, sizeof *self);
  if (self == NULL) return fhx__no_memory(error);
  int32_t status = keep_file(self, options->profile);
  if (status == FHX_OK) status = keep_container(self);
  if (status == FHX_OK) status = keep_instance(self);
  if (status == FHX_OK) {
    status = fhx__s3_endpoint_new(options->http, &self->endpoint, error);
  } else {
    fhx__no_memory(error);
  }
  if (status != FHX_OK) {
    fhx__s3_sources_free(self);
    return status;
  }
  *sources = self;
  return FHX_OK;
}

void fhx__s3_sources_free(fhx__s3_sources *sources) {
  if (sources == NULL) return;
  fhx__s3_endpoint_free(sources->endpoint);
  fhx__free(sources->file);
  fhx__free(sources->profile);
  fhx__free(sources->container_url);
  fhx__wipe_text(sources->container_token);
  fhx__free(sources->container_token_file);
  fhx__free(sources->instance_url);
  fhx__free(sources);
}

/* --- files --- */

/* The whole file, in one piece of memory. FHX_ERR_NOT_FOUND when there is none that can be read. */
static int32_t read_file(const char *path, size_t max, fhx__buffer *text, fhx_error **error) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return FHX_ERR_NOT_FOUND;
  int32_t status = fhx__buffer_reserve(text, max + 1);
  ssize_t got = 1;
  while (status == FHX_OK && got > 0 && text->len <= max) {
    got = read(file, text->data + text->len, max + 1 - text->len);
    if (got > 0) text->len += (size_t)got;
  }
  close(file);
  if (status != FHX_OK) return fhx__no_memory(error);
  if (text->len > max) {
    return fhx__fail(error, FHX_ERR_DENIED, "a file with credentials is longer than it may be");
  }
  return got < 0 ? FHX_ERR_NOT_FOUND : FHX_OK;
}

/* FHX_ERR_NOT_FOUND, without an error: the next place may have some. */
static int32_t fetch_from_file(fhx__s3_sources *self, fhx__s3_identity *identity,
                               fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0};
  fhx__s3_profile profile = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
  int32_t status =
      self->file == NULL ? FHX_ERR_NOT_FOUND : read_file(self->file, FILE_MAX, &text, error);
  if (status == FHX_OK) {
    fhx__s3_profile_find(text.data, text.len, self->profile, &profile);
    bool has_keys = profile.access_key_id.len > 0 && profile.secret_access_key.len > 0;
    status = has_keys
                 ? fhx__s3_identity_set(identity, profile.access_key_id, profile.secret_access_key,
                                        profile.session_token, 0, error)
                 : FHX_ERR_NOT_FOUND;
  }
  fhx__wipe_buffer(&text);
  if (status != FHX_ERR_NOT_FOUND) return status;
  if (!self->profile_is_wanted && self->chosen != PLACE_FILE) return FHX_ERR_NOT_FOUND;
  return fhx__fail(error, FHX_ERR_DENIED,
                   "the shared credentials file has no keys under the profile's name");
}

/* --- endpoints --- */

/* The token for the container's endpoint, which may be renewed in its file at any time. */
static int32_t read_token(const fhx__s3_sources *self, fhx__buffer *token, fhx_error **error) {
  int32_t status = FHX_OK;
  if (self->container_token_file != NULL) {
    status = read_file(self->container_token_file, TOKEN_FILE_MAX, token, error);
    if (status == FHX_ERR_NOT_FOUND) {
      status = fhx__fail_with(error, FHX_ERR_DENIED, 1,
                              "the file with the token for the container's credentials cannot be "
                              "read");
    }
    while (status == FHX_OK && token->len > 0 && strchr("\r\n", token->data[token->len - 1])) {
      token->len--;
    }
  } else if (self->container_token != NULL) {
    status = fhx__buffer_append_text(token, self->container_token);
    if (status != FHX_OK) fhx__no_memory(error);
  }
  if (status == FHX_OK && fhx__buffer_terminate(token) != FHX_OK) return fhx__no_memory(error);
  return status;
}

static int32_t fetch_from_container(fhx__s3_sources *self, int64_t until_us,
                                    fhx__s3_identity *identity, fhx_error **error) {
  fhx__buffer token = {NULL, 0, 0};
  if (!fhx__s3_is_container_url(self->container_url)) {
    return fhx__fail(error, FHX_ERR_DENIED,
                     "the URL for the container's credentials is neither https nor one of the "
                     "addresses that such credentials come from");
  }
  int32_t status = read_token(self, &token, error);
  if (status == FHX_OK) {
    const fhx__s3_ask ask = {"GET", self->container_url, "Authorization",
                             token.len > 0 ? token.data : NULL, "the container's endpoint"};
    status = fhx__s3_endpoint_identity(self->endpoint, &ask, until_us, identity, error);
  }
  fhx__wipe_buffer(&token);
  return status;
}

/* A role's name as IAM has them: the first line. */
static bool read_role(const fhx__buffer *answer, fhx__buffer *url) {
  size_t len = 0;
  while (len < answer->len && answer->data[len] > ' ' && answer->data[len] <= '~') len++;
  if (len == 0 || len > ROLE_MAX || memchr(answer->data, '/', len) != NULL) return false;
  return fhx__append_percent(url, answer->data, len, false) == FHX_OK;
}

#define ROLES "/latest/meta-data/iam/security-credentials/"

/* The role, then its credentials, with the session's token. */
static int32_t fetch_role(fhx__s3_sources *self, const char *token, int64_t until_us,
                          fhx__s3_identity *identity, fhx_error **error) {
  fhx__buffer url = {NULL, 0, 0}, role = {NULL, 0, 0};
  fhx__s3_ask ask = {"GET", NULL, "X-aws-ec2-metadata-token", token, "the instance's metadata"};
  int32_t status = fhx__buffer_append_text(&url, self->instance_url);
  if (status == FHX_OK) status = fhx__buffer_append_text(&url, ROLES);
  if (status == FHX_OK) status = fhx__buffer_terminate(&url);
  if (status != FHX_OK) status = fhx__no_memory(error);
  ask.url = url.data;
  if (status == FHX_OK) {
    status = fhx__s3_endpoint_text(self->endpoint, &ask, until_us, &role, error);
  }
  if (status == FHX_OK && (!read_role(&role, &url) || fhx__buffer_terminate(&url) != FHX_OK)) {
    status = fhx__fail(error, FHX_ERR_DENIED, "the instance has no role with credentials");
  }
  ask.url = url.data;
  if (status == FHX_OK) {
    status = fhx__s3_endpoint_identity(self->endpoint, &ask, until_us, identity, error);
  }
  fhx__buffer_free(&url);
  fhx__buffer_free(&role);
  return status;
}

static int32_t fetch_from_instance(fhx__s3_sources *self, int64_t until_us,
                                   fhx__s3_identity *identity, fhx_error **error) {
  fhx__buffer url = {NULL, 0, 0}, token = {NULL, 0, 0};
  fhx__s3_ask ask = {"PUT", NULL, "X-aws-ec2-metadata-token-ttl-seconds", "21600",
                     "the instance's metadata"};
  int32_t status = fhx__buffer_append_text(&url, self->instance_url);
  if (status == FHX_OK) status = fhx__buffer_append_text(&url, "/latest/api/token");
  if (status == FHX_OK) status = fhx__buffer_terminate(&url);
  if (status != FHX_OK) status = fhx__no_memory(error);
  ask.url = url.data;
  if (status == FHX_OK) {
    status = fhx__s3_endpoint_text(self->endpoint, &ask, until_us, &token, error);
  }
  if (status == FHX_OK) status = fetch_role(self, token.data, until_us, identity, error);
  fhx__buffer_free(&url);
  fhx__wipe_buffer(&token);
  return status;
}

/* --- the chain --- */

static int32_t fetch_from(fhx__s3_sources *self, place from, int64_t until_us,
                          fhx__s3_identity *identity, fhx_error **error) {
  switch (from) {
    case PLACE_FILE:
      return fetch_from_file(self, identity, error);
    case PLACE_CONTAINER:
      return fetch_from_container(self, until_us, identity, error);
    default:
      return fetch_from_instance(self, until_us, identity, error);
  }
}

int32_t fhx__s3_sources_fetch(fhx__s3_sources *sources, int64_t until_us,
                              fhx__s3_identity *identity, fhx_error **error) {
  place from = sources->chosen != PLACE_UNKNOWN ? sources->chosen : PLACE_FILE;
  int32_t status = fetch_from(sources, from, until_us, identity, error);
  if (from == PLACE_FILE && status == FHX_ERR_NOT_FOUND) {
    from = sources->container_url != NULL ? PLACE_CONTAINER : PLACE_INSTANCE;
    if (from == PLACE_INSTANCE && sources->instance_url == NULL) {
      return fhx__fail(error, FHX_ERR_DENIED,
                       "neither the options, the environment nor the shared file has any");
    }
    status = fetch_from(sources, from, until_us, identity, error);
  }
  if (status == FHX_OK) sources->chosen = from;
  return status;
}
