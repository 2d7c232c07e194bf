/*
 * The head of a request (RFC 9112). Whatever could be read in two ways, by this server and by a
 * proxy before it, is refused: two lengths, a length and chunks, strange header names, two hosts.
 */
#include "request_head.h"

#include <string.h>
#include <strings.h>

static bool refuse(struct answer *answer, uint32_t status, const char *code,
                   const char *diagnostics) {
  answer_refuse(answer, status, code, diagnostics);
  return false;
}

static size_t count(const struct request *request, const char *name) {
  size_t found = 0;
  for (size_t i = 0; i < request->header_count; i++) {
    if (strcasecmp(request->headers[2 * i], name) == 0) found++;
  }
  return found;
}

/*
 * A target ends at its first NUL here. libmicrohttpd divides the request line in its place, so the
 * version stands one byte behind the target's true end: if it does not, there was a NUL in it.
 */
static bool has_nul(const struct request_head *head) {
  uintptr_t begin = (uintptr_t)head->url;
  uintptr_t end = (uintptr_t)head->version;
  return end - begin != strlen(head->request->target) + 1;
}

static bool is_token(const char *name) {
  size_t len = strspn(name,
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_"
                      "`|~");
  return len > 0 && name[len] == '\0';
}

static bool is_field_value(const char *value) {
  for (const char *at = value; *at != '\0'; at++) {
    if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) return false;
  }
  return true;
}

static bool check_fields(const struct request *request, size_t bytes_max, struct answer *answer) {
  size_t bytes = 0;
  for (size_t i = 0; i < request->header_count; i++) {
    const char *name = request->headers[2 * i];
    const char *value = request->headers[2 * i + 1];
    /* A colon, a space and a line's end. */
    bytes += strlen(name) + strlen(value) + 4;
    if (!is_token(name) || !is_field_value(value)) {
      return refuse(answer, 400, "invalid", "a header field is malformed");
    }
  }
  if (bytes <= bytes_max) return true;
  return refuse(answer, 431, "too-long", "the header fields are longer than this server takes");
}

static bool check_length(const struct request *request, bool is_http_1_0, struct answer *answer) {
  size_t lengths = count(request, "Content-Length");
  size_t codings = count(request, "Transfer-Encoding");
  if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0)) {
    return refuse(answer, 400, "invalid",
                  "the length of the body is given more than once; send Content-Length or "
                  "Transfer-Encoding, once");
  }
  if (codings == 0) return true;
  if (!is_http_1_0 && strcasecmp(request_header(request, "Transfer-Encoding"), "chunked") == 0) {
    return true;
  }
  return refuse(answer, 400, "not-supported", "the only Transfer-Encoding taken is chunked");
}

bool request_head_check(const struct request_head *head, size_t target_bytes_max,
                        size_t header_bytes_max, struct answer *answer) {
  const struct request *request = head->request;
  bool is_http_1_0 = strcmp(head->version, "HTTP/1.0") == 0;
  size_t hosts = count(request, "Host");
  if (has_nul(head)) {
    return refuse(answer, 400, "invalid", "the URL has a NUL");
  }
  if (strlen(request->target) > target_bytes_max) {
    return refuse(answer, 414, "too-long", "the URL is longer than this server takes");
  }
  if (hosts > 1 || (hosts == 0 && !is_http_1_0)) {
    return refuse(answer, 400, "invalid", "a request needs one Host");
  }
  return check_fields(request, header_bytes_max, answer) &&
         check_length(request, is_http_1_0, answer);
}
