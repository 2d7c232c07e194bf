/* The options of a bucket: what may stand in them, and where requests go. */
#include "s3/bucket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/names.h"
#include "core/structs.h"

#define FLAGS_KNOWN \
  (FHX_S3_VIRTUAL_HOST | FHX_S3_UNSIGNED_PAYLOAD | FHX_S3_BUCKET_ENDS_UPLOADS | FHX_S3_REPLACES)
#define BUCKET_MIN 3
#define BUCKET_MAX 255
#define LABEL_MAX 63
#define HOST_MAX 512
/* Names of objects have at most 1,024 bytes. */
#define PREFIX_MAX (1024 - FHX__PART_NAME_MAX - 1)
#define HEADER_MAX 2048
#define PIECE_MAX (UINT64_C(256) * 1024 * 1024)
#define IN_FLIGHT_DEFAULT 3
#define LOOK_MAX_US INT64_C(60000000)
#define IN_FLIGHT_MAX 64

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* --- names --- */

static bool is_bucket_name(const char *name) {
  size_t len = strlen(name);
  if (len < BUCKET_MIN || len > BUCKET_MAX || strstr(name, "..") != NULL) return false;
  for (size_t i = 0; i < len; i++) {
    bool is_upper = name[i] >= 'A' && name[i] <= 'Z';
    bool is_inner = i > 0 && i + 1 < len && strchr("-._", name[i]) != NULL;
    if (!is_lower_or_digit(name[i]) && !is_upper && !is_inner) return false;
  }
  return true;
}

/* What can stand in a host's name: Amazon's rules for buckets. */
static bool is_host_label(const char *name) {
  for (const char *at = name; *at != '\0'; at++) {
    if (!is_lower_or_digit(*at) && *at != '-' && *at != '.') return false;
  }
  return strlen(name) <= LABEL_MAX;
}

static int32_t check_bucket(const fhx_s3_options *options, fhx_error **error) {
  if (options->bucket == NULL || !is_bucket_name(options->bucket)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the bucket needs a name of 3 to 255 letters, digits, '.', '-' and '_'");
  }
  if ((options->flags & FHX_S3_VIRTUAL_HOST) != 0 && !is_host_label(options->bucket)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a bucket in the host's name has at most 63 small letters, digits, '.' and "
                     "'-'");
  }
  if (options->prefix != NULL && options->prefix[0] != '\0' &&
      (strlen(options->prefix) > PREFIX_MAX || !fhx__is_part_name(options->prefix))) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the prefix is not made of segments of letters, digits, '.', '_' and '-' "
                     "without a dot first, or is too long");
  }
  return FHX_OK;
}

static int32_t check_header(const char *text, const char *name, fhx_error **error) {
  if (text == NULL) return FHX_OK;
  size_t len = strlen(text);
  bool fits = len > 0 && len <= HEADER_MAX;
  for (size_t i = 0; fits && i < len; i++) fits = text[i] > ' ' && text[i] <= '~';
  if (fits) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT, "%s is empty, too long or not of visible ASCII", name);
}

static int32_t check_options(const fhx_s3_options *options, fhx_error **error) {
  if ((options->flags & ~FLAGS_KNOWN) != 0 || options->reserved != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "fhx_s3_options has a flag that this version of the library does not know");
  }
  if (options->piece_bytes != 0 &&
      (options->piece_bytes < FHX__S3_PIECE_MIN || options->piece_bytes > PIECE_MAX)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "piece_bytes is neither 0 nor from 5 to 256 MiB");
  }
  if (options->pieces_in_flight > IN_FLIGHT_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "pieces_in_flight is above 64");
  }
  if (options->kms_key_id != NULL &&
      (options->encryption == NULL || strncmp(options->encryption, "aws:kms", 7) != 0)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a kms_key_id needs the encryption aws:kms");
  }
  int32_t status = check_bucket(options, error);
  if (status == FHX_OK) status = check_header(options->storage_class, "storage_class", error);
  if (status == FHX_OK) status = check_header(options->encryption, "encryption", error);
  if (status == FHX_OK) status = check_header(options->kms_key_id, "kms_key_id", error);
  if (status == FHX_OK) status = check_header(options->tags, "tags", error);
  if (status == FHX_OK) status = check_header(options->cache_control, "cache_control", error);
  return status;
}

static int32_t take_region(fhx__s3_bucket *self, const fhx_s3_options *options, fhx_error **error) {
  const char *region = options->region;
  if (region == NULL) region = setting("AWS_REGION");
  if (region == NULL) region = setting("AWS_DEFAULT_REGION");
  if (region == NULL) region = "us-east-1";
  size_t len = strlen(region);
  bool fits = len > 0 && len <= FHX__S3_REGION_MAX;
  for (size_t i = 0; fits && i < len; i++) {
    bool is_upper = region[i] >= 'A' && region[i] <= 'Z';
    fits = is_lower_or_digit(region[i]) || is_upper || region[i] == '-' || region[i] == '_';
  }
  if (!fits) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the region is not of 1 to 64 letters, digits, '-' and '_'");
  }
  memcpy(self->region, region, len + 1);
  return FHX_OK;
}

/* --- where --- */

static bool is_port(const char *text, size_t len) {
  unsigned int port = 0;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    port = port * 10 + (unsigned int)(text[i] - '0');
    if (port > 65535) return false;
  }
  return port > 0;
}

/* The length of the host at the beginning of "host[:port]", 0 if it is none. */
static size_t host_length(const char *text, size_t len) {
  size_t host = 0;
  if (text[0] == '[') {
    while (host < len && text[host] != ']') host++;
    if (host == len || strspn(text + 1, "0123456789abcdefABCDEF:.") != host - 1) return 0;
    return host + 1;
  }
  while (host < len && text[host] != ':') {
    char c = text[host];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_letter && (c < '0' || c > '9') && strchr("-._", c) == NULL) return 0;
    host++;
  }
  return host;
}

static bool is_address(const char *host, size_t len) {
  if (host[0] == '[') return true;
  for (size_t i = 0; i < len; i++) {
    if (host[i] != '.' && (host[i] < '0' || host[i] > '9')) return false;
  }
  return true;
}

/* An endpoint taken apart. */
typedef struct place {
  const char *scheme;
  const char *host;
  size_t host_len;
  /* With its colon; empty for the scheme's own. */
  const char *port;
  size_t port_len;
} place;

static bool read_endpoint(const char *endpoint, place *at) {
  bool is_tls = strncasecmp(endpoint, "https://", 8) == 0;
  if (!is_tls && strncasecmp(endpoint, "http://", 7) != 0) return false;
  at->scheme = is_tls ? "https://" : "http://";
  at->host = endpoint + strlen(at->scheme);
  size_t len = strcspn(at->host, "/");
  const char *rest = at->host + len;
  if (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0) return false;
  at->host_len = host_length(at->host, len);
  at->port = at->host + at->host_len;
  at->port_len = len - at->host_len;
  if (at->host_len == 0 || at->host_len > HOST_MAX) return false;
  if (at->port_len == 0) return true;
  if (at->port[0] != ':' || !is_port(at->port + 1, at->port_len - 1)) return false;
  /* As HTTP clients write the Host header, which is signed. */
  const char *own = is_tls ? ":443" : ":80";
  if (at->port_len == strlen(own) && memcmp(at->port, own, at->port_len) == 0) at->port_len = 0;
  return true;
}

static int32_t append_host(fhx__buffer *host, const fhx_s3_options *options, const place *at) {
  int32_t status = FHX_OK;
  if ((options->flags & FHX_S3_VIRTUAL_HOST) != 0) {
    status = fhx__buffer_append_text(host, options->bucket);
    if (status == FHX_OK) status = fhx__buffer_append(host, ".", 1);
  }
  for (size_t i = 0; status == FHX_OK && i < at->host_len; i++) {
    char c = at->host[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    status = fhx__buffer_append(host, &c, 1);
  }
  if (status == FHX_OK) status = fhx__buffer_append(host, at->port, at->port_len);
  return status;
}

static int32_t check_place(const fhx_s3_options *options, const place *at, fhx_error **error) {
  if ((options->flags & FHX_S3_VIRTUAL_HOST) != 0 && is_address(at->host, at->host_len)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the endpoint is an address, so the bucket cannot stand in the host's name");
  }
  if ((options->flags & FHX_S3_UNSIGNED_PAYLOAD) != 0 && strcmp(at->scheme, "https://") != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "FHX_S3_UNSIGNED_PAYLOAD needs an https: endpoint");
  }
  return FHX_OK;
}

static int32_t keep_place(fhx__s3_bucket *self, const fhx_s3_options *options, const place *at,
                          fhx_error **error) {
  fhx__buffer host = {NULL, 0, 0}, path = {NULL, 0, 0};
  self->scheme = at->scheme;
  int32_t status = append_host(&host, options, at);
  if (status == FHX_OK && (options->flags & FHX_S3_VIRTUAL_HOST) == 0) {
    status = fhx__buffer_append(&path, "/", 1);
    if (status == FHX_OK) status = fhx__buffer_append_text(&path, options->bucket);
  }
  if (status == FHX_OK) self->host = fhx__copy_bytes(host.data, host.len);
  if (status == FHX_OK) self->path = fhx__copy_bytes(path.data, path.len);
  fhx__buffer_free(&host);
  fhx__buffer_free(&path);
  return self->host == NULL || self->path == NULL ? fhx__no_memory(error) : FHX_OK;
}

static int32_t take_endpoint(fhx__s3_bucket *self, const fhx_s3_options *options,
                             fhx_error **error) {
  char amazon[FHX__S3_REGION_MAX + 48];
  place at = {NULL, NULL, 0, NULL, 0};
  const char *endpoint = options->endpoint;
  if (endpoint == NULL) endpoint = setting("AWS_ENDPOINT_URL_S3");
  if (endpoint == NULL) endpoint = setting("AWS_ENDPOINT_URL");
  if (endpoint == NULL) {
    bool is_china = strncmp(self->region, "cn-", 3) == 0;
    snprintf(amazon, sizeof amazon, "https://s3.%s.amazonaws.com%s", self->region,
             is_china ? ".cn" : "");
    endpoint = amazon;
  }
  if (!read_endpoint(endpoint, &at)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the endpoint is not of the form https://host[:port] or http://host[:port]");
  }
  int32_t status = check_place(options, &at, error);
  return status == FHX_OK ? keep_place(self, options, &at, error) : status;
}

/* --- making --- */

static int32_t keep_text(char **place_of, const char *text, fhx_error **error) {
  if (text == NULL) return FHX_OK;
  *place_of = fhx__copy_text(text);
  return *place_of == NULL ? fhx__no_memory(error) : FHX_OK;
}

static int32_t keep_prefix(fhx__s3_bucket *self, const char *prefix, fhx_error **error) {
  char text[PREFIX_MAX + 2];
  bool is_given = prefix != NULL && prefix[0] != '\0';
  snprintf(text, sizeof text, "%s%s", is_given ? prefix : "", is_given ? "/" : "");
  return keep_text(&self->prefix, text, error);
}

static int32_t keep_texts(fhx__s3_bucket *self, const fhx_s3_options *options, fhx_error **error) {
  int32_t status = keep_prefix(self, options->prefix, error);
  if (status == FHX_OK) status = keep_text(&self->storage_class, options->storage_class, error);
  if (status == FHX_OK) status = keep_text(&self->encryption, options->encryption, error);
  if (status == FHX_OK) status = keep_text(&self->kms_key_id, options->kms_key_id, error);
  if (status == FHX_OK) status = keep_text(&self->tags, options->tags, error);
  if (status == FHX_OK) status = keep_text(&self->cache_control, options->cache_control, error);
  return status;
}

static int32_t check_url(const fhx__s3_bucket *self, fhx_error **error) {
  char url[HOST_MAX + BUCKET_MAX + 64];
  snprintf(url, sizeof url, "%s%s/", self->scheme, self->host);
  return fhx__transport_check_url(self->transport, url, error);
}

/* At most a minute, and not longer than requests are repeated. */
static int32_t take_times(fhx__s3_bucket *self, const fhx_http_options *http, fhx_error **error) {
  fhx_http_options copy;
  self->look_us = self->again_us = LOOK_MAX_US;
  if (http == NULL) return FHX_OK;
  int32_t status = fhx__struct_in(&copy, sizeof copy, http, "fhx_http_options", error);
  if (status != FHX_OK) return status;
  if (copy.retry_us > 0 && copy.retry_us < LOOK_MAX_US) self->look_us = copy.retry_us;
  self->again_us = self->look_us;
  return FHX_OK;
}

static int32_t fill(fhx__s3_bucket *self, const fhx_s3_options *options, fhx_error **error) {
  self->flags = options->flags;
  self->piece_bytes = options->piece_bytes != 0 ? options->piece_bytes : FHX__S3_PIECE_MIN;
  self->pieces_in_flight =
      options->pieces_in_flight != 0 ? options->pieces_in_flight : IN_FLIGHT_DEFAULT;
  int32_t status = take_times(self, options->http, error);
  if (status == FHX_OK) status = take_region(self, options, error);
  if (status == FHX_OK) status = take_endpoint(self, options, error);
  if (status == FHX_OK) status = keep_texts(self, options, error);
  if (status == FHX_OK) {
    status = fhx__s3_credentials_new(options, self->region, &self->credentials, error);
  }
  if (status == FHX_OK) status = fhx__transport_new(options->http, &self->transport, error);
  if (status == FHX_OK) status = check_url(self, error);
  return status;
}

int32_t fhx__s3_bucket_new(const fhx_s3_options *options, fhx__s3_bucket **bucket,
                           fhx_error **error) {
  int32_t status = check_options(options, error);
  if (status != FHX_OK) return status;
  fhx__s3_bucket *self = fhx__alloc_zeroed(1, sizeof *self);
  if (self == NULL) return fhx__no_memory(error);
  status = fill(self, options, error);
  if (status != FHX_OK) {
    fhx__s3_bucket_free(self);
    return status;
  }
  *bucket = self;
  return FHX_OK;
}

void fhx__s3_bucket_free(fhx__s3_bucket *bucket) {
  if (bucket == NULL) return;
  fhx__transport_free(bucket->transport);
  fhx__s3_credentials_free(bucket->credentials);
  fhx__free(bucket->host);
  fhx__free(bucket->path);
  fhx__free(bucket->prefix);
  fhx__free(bucket->storage_class);
  fhx__free(bucket->encryption);
  fhx__free(bucket->kms_key_id);
  fhx__free(bucket->tags);
  fhx__free(bucket->cache_control);
  fhx__free(bucket);
}
