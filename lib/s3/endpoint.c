/* Requests to endpoints that hand out credentials, and what they answer. */
#include "s3/endpoint.h"

#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/instant.h"
#include "core/json.h"
#include "core/structs.h"
#include "transport/transport.h"

#define ANSWER_MAX 65536
/* Such an endpoint is near, or it is not there. */
#define CONNECT_US INT64_C(1000000)
#define STALL_US INT64_C(5000000)
#define ALL_US INT64_C(10000000)

struct fhx__s3_endpoint {
  char *ca_file;
  /* Made with the first request. */
  fhx__transport *transport;
};

int32_t fhx__s3_endpoint_new(const fhx_http_options *http, fhx__s3_endpoint **endpoint,
                             fhx_error **error) {
  fhx__s3_endpoint *self = fhx__alloc_zeroed(1, sizeof *self);
  if (self == NULL) return fhx__no_memory(error);
  fhx_http_options copy;
  int32_t status = FHX_OK;
  FHX_INIT(&copy);
  if (http != NULL) {
    status = fhx__struct_in(&copy, sizeof copy, http, "fhx_http_options", error);
  }
  if (status == FHX_OK && copy.ca_file != NULL) {
    self->ca_file = fhx__copy_text(copy.ca_file);
    if (self->ca_file == NULL) status = fhx__no_memory(error);
  }
  if (status != FHX_OK) {
    fhx__free(self);
    return status;
  }
  *endpoint = self;
  return FHX_OK;
}

void fhx__s3_endpoint_free(fhx__s3_endpoint *endpoint) {
  if (endpoint == NULL) return;
  fhx__transport_free(endpoint->transport);
  fhx__free(endpoint->ca_file);
  fhx__free(endpoint);
}

/* --- where --- */

static bool is_loopback(const char *host, size_t len) {
  if (len < 4 || strncmp(host, "127.", 4) != 0) return false;
  for (size_t i = 0; i < len; i++) {
    if (host[i] != '.' && (host[i] < '0' || host[i] > '9')) return false;
  }
  return true;
}

bool fhx__s3_is_container_url(const char *url) {
  static const char *const hosts[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                      "[fd00:ec2::23]"};
  if (strncasecmp(url, "https://", 8) == 0) return true;
  if (strncasecmp(url, "http://", 7) != 0) return false;
  const char *host = url + 7;
  size_t len = strcspn(host, "/?#");
  if (memchr(host, '@', len) != NULL || memchr(host, '\\', len) != NULL) return false;
  if (host[0] == '[') {
    const char *end = memchr(host, ']', len);
    if (end == NULL) return false;
    if (end + 1 < host + len && end[1] != ':') return false;
    len = (size_t)(end + 1 - host);
  } else {
    const char *colon = memchr(host, ':', len);
    if (colon != NULL) len = (size_t)(colon - host);
  }
  if (is_loopback(host, len)) return true;
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    if (strlen(hosts[i]) == len && strncasecmp(host, hosts[i], len) == 0) return true;
  }
  return false;
}

/* --- asking --- */

static int32_t write_request(void *context, fhx__transfer *transfer, fhx_error **error) {
  const fhx__s3_ask *ask = context;
  int32_t status = fhx__buffer_append_text(&transfer->url, ask->url);
  if (status == FHX_OK) status = fhx__buffer_terminate(&transfer->url);
  if (status != FHX_OK) return fhx__no_memory(error);
  if (ask->value == NULL) return FHX_OK;
  status = fhx__transfer_add_header(transfer, ask->header, ask->value);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status == FHX_OK) return FHX_OK;
  return fhx__fail(error, FHX_ERR_DENIED, "a token for credentials has a line break in it");
}

static int32_t need_transport(fhx__s3_endpoint *self, fhx_error **error) {
  if (self->transport != NULL) return FHX_OK;
  fhx_http_options http;
  FHX_INIT(&http);
  http.flags = FHX_HTTP_NO_THREAD;
  http.ca_file = self->ca_file;
  http.proxy = "";
  http.connect_us = CONNECT_US;
  http.stall_us = STALL_US;
  http.request_us = ALL_US;
  http.retry_us = ALL_US;
  return fhx__transport_new(&http, &self->transport, error);
}

static int32_t check_answer(const fhx__transfer *transfer, const char *who, fhx_error **error) {
  if (transfer->status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (transfer->status != FHX_OK) {
    return fhx__fail_with(error, FHX_ERR_DENIED, 1, "%s gave none: %s", who, transfer->reason);
  }
  if (transfer->http_status < 200 || transfer->http_status > 299) {
    bool again = transfer->http_status >= 500 || transfer->http_status == 429;
    return fhx__fail_with(error, FHX_ERR_DENIED, again, "%s gave none, but answered %u", who,
                          transfer->http_status);
  }
  return FHX_OK;
}

int32_t fhx__s3_endpoint_text(fhx__s3_endpoint *endpoint, const fhx__s3_ask *ask, int64_t until_us,
                              fhx__buffer *text, fhx_error **error) {
  int32_t status = need_transport(endpoint, error);
  if (status != FHX_OK) return status;
  fhx__s3_ask asked = *ask;
  fhx__transfer transfer;
  fhx_error *failure = NULL;
  memset(&transfer, 0, sizeof transfer);
  transfer.method = asked.method;
  transfer.sign = write_request;
  transfer.context = &asked;
  transfer.answer_max = ANSWER_MAX;
  int64_t end_us = fhx__clock_monotonic_us() + ALL_US;
  transfer.until_us = until_us != 0 && until_us < end_us ? until_us : end_us;
  status = fhx__transfer_run(endpoint->transport, &transfer, &failure);
  /* One that was never begun has no reason of its own. */
  if (status != FHX_OK && transfer.status == FHX_OK) {
    status = fhx__fail_with(error, status == FHX_ERR_NO_MEMORY ? status : FHX_ERR_DENIED, 1,
                            "%s could not be asked: %s", asked.who, fhx_error_message(failure));
  } else {
    status = check_answer(&transfer, asked.who, error);
  }
  fhx_error_free(failure);
  if (status == FHX_OK) {
    status = fhx__buffer_append(text, transfer.answer.data, transfer.answer.len);
    if (status == FHX_OK) status = fhx__buffer_terminate(text);
    if (status != FHX_OK) fhx__no_memory(error);
  }
  fhx__transfer_clear(&transfer);
  return status;
}

/* --- credentials in JSON --- */

static int32_t take_identity(const fhx__json_node *root, fhx__s3_identity *identity,
                             fhx_error **error) {
  const char *code = fhx__json_member_string(root, "Code", "Success");
  const char *end = fhx__json_member_string(root, "Expiration", NULL);
  fhx__instant expires = {0, 0};
  if (strcmp(code, "Success") != 0) {
    return fhx__fail_with(error, FHX_ERR_DENIED, 1, "the endpoint has no credentials to give");
  }
  if (end != NULL && !fhx__instant_parse(end, strlen(end), &expires)) {
    return fhx__fail(error, FHX_ERR_DENIED, "when the credentials end cannot be read");
  }
  return fhx__s3_identity_set(
      identity, fhx__s3_span_of(fhx__json_member_string(root, "AccessKeyId", NULL)),
      fhx__s3_span_of(fhx__json_member_string(root, "SecretAccessKey", NULL)),
      fhx__s3_span_of(fhx__json_member_string(root, "Token", NULL)), expires.us, error);
}

int32_t fhx__s3_read_identity(const char *text, size_t len, fhx__s3_identity *identity,
                              fhx_error **error) {
  fhx__json_node *root = NULL;
  int32_t status = fhx__json_parse(text, len, &root, NULL);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status != FHX_OK) {
    return fhx__fail(error, FHX_ERR_DENIED, "the credentials that came are not JSON");
  }
  status = take_identity(root, identity, error);
  fhx__json_free(root);
  return status;
}

int32_t fhx__s3_endpoint_identity(fhx__s3_endpoint *endpoint, const fhx__s3_ask *ask,
                                  int64_t until_us, fhx__s3_identity *identity, fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = fhx__s3_endpoint_text(endpoint, ask, until_us, &text, error);
  if (status == FHX_OK) status = fhx__s3_read_identity(text.data, text.len, identity, error);
  fhx__wipe_buffer(&text);
  return status;
}
