/* Addresses of accounts and containers. What is not understood whole is refused: a URL that is half
   right would send a signature to the wrong place. */
#include "azure/address.h"

#include <string.h>

#include "core/error.h"

#define ADDRESS_MAX 8192
#define HOST_MAX 253

fhx__azure_span fhx__azure_span_of(const char *text) {
  return (fhx__azure_span){text, strlen(text)};
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_small(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c);
}

bool fhx__azure_is(fhx__azure_span span, const char *text) {
  if (span.len != strlen(text)) return false;
  for (size_t i = 0; i < span.len; i++) {
    if (lower(span.text[i]) != lower(text[i])) return false;
  }
  return true;
}

static bool begins_with(fhx__azure_span span, const char *text) {
  size_t len = strlen(text);
  return span.len >= len && fhx__azure_is((fhx__azure_span){span.text, len}, text);
}

/* Labels that are not empty. */
bool fhx__azure_is_host(fhx__azure_span host) {
  if (host.len == 0 || host.len > HOST_MAX) return false;
  char before = '.';
  for (size_t i = 0; i < host.len; i++) {
    char c = host.text[i];
    if (!is_small(lower(c)) && c != '-' && c != '.') return false;
    if (c == '.' && before == '.') return false;
    before = c;
  }
  return before != '.';
}

bool fhx__azure_is_account(fhx__azure_span name) {
  if (name.len < 3 || name.len > 24) return false;
  for (size_t i = 0; i < name.len; i++) {
    if (!is_small(name.text[i])) return false;
  }
  return true;
}

bool fhx__azure_is_container(fhx__azure_span name) {
  if (name.len < 3 || name.len > 63) return false;
  char before = '-';
  for (size_t i = 0; i < name.len; i++) {
    char c = name.text[i];
    if (!is_small(c) && c != '-') return false;
    if (c == '-' && before == '-') return false;
    before = c;
  }
  return before != '-';
}

/* An IPv6 address in brackets; only its letters are looked at. */
static bool is_literal(fhx__azure_span host) {
  if (host.len < 4 || host.text[0] != '[' || host.text[host.len - 1] != ']') return false;
  for (size_t i = 1; i + 1 < host.len; i++) {
    char c = lower(host.text[i]);
    if (!is_digit(c) && !(c >= 'a' && c <= 'f') && c != ':' && c != '.') return false;
  }
  return true;
}

static bool is_port(fhx__azure_span port) {
  uint32_t value = 0;
  if (port.len == 0 || port.len > 5) return false;
  for (size_t i = 0; i < port.len; i++) {
    if (!is_digit(port.text[i])) return false;
    value = value * 10 + (uint32_t)(port.text[i] - '0');
  }
  return value > 0 && value <= 65535;
}

/* Host and port. */
static bool take_authority(fhx__azure_address *address, fhx__azure_span authority) {
  size_t end = authority.len;
  while (end > 0 && is_digit(authority.text[end - 1])) end--;
  bool has_port = end > 0 && authority.text[end - 1] == ':';
  address->host = authority;
  if (has_port) {
    if (!is_port((fhx__azure_span){authority.text + end, authority.len - end})) return false;
    address->host.len = end - 1;
  }
  return fhx__azure_is_host(address->host) || is_literal(address->host);
}

static bool has_blob_label(fhx__azure_span host) {
  static const char label[] = ".blob.";
  for (size_t i = 1; i + sizeof label - 1 < host.len; i++) {
    if (begins_with((fhx__azure_span){host.text + i, host.len - i}, label)) return true;
  }
  return false;
}

/* A slash at the end is nobody's segment. */
static bool take_path(fhx__azure_address *address, fhx__azure_span path) {
  size_t at = 0;
  while (at < path.len) {
    if (path.text[at] != '/') return false;
    size_t begin = ++at;
    while (at < path.len && path.text[at] != '/') at++;
    if (at == begin) return at == path.len;
    if (address->segment_count == 2) return false;
    fhx__azure_span segment = {path.text + begin, at - begin};
    address->segments[address->segment_count++] = segment;
  }
  return true;
}

static size_t length_until(fhx__azure_span text, size_t begin, const char *ends) {
  size_t at = begin;
  while (at < text.len && strchr(ends, text.text[at]) == NULL) at++;
  return at - begin;
}

static bool is_visible(fhx__azure_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.text[i] <= ' ' || text.text[i] > '~') return false;
  }
  return true;
}

int32_t fhx__azure_address_read(fhx__azure_address *address, fhx__azure_span text, const char *what,
                                fhx_error **error) {
  *address = (fhx__azure_address){0};
  if (text.len > ADDRESS_MAX || !is_visible(text)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "%s is longer than %d bytes or not made of visible ASCII", what, ADDRESS_MAX);
  }
  address->is_https = begins_with(text, "https://");
  if (!address->is_https && !begins_with(text, "http://")) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "%s does not begin with https:// or http://", what);
  }
  size_t at = address->is_https ? strlen("https://") : strlen("http://");
  fhx__azure_span authority = {text.text + at, length_until(text, at, "/?#")};
  at += authority.len;
  if (!take_authority(address, authority)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "%s has no host and port, or has a user name before them", what);
  }
  address->origin = (fhx__azure_span){text.text, at};
  address->is_account_host = has_blob_label(address->host);
  fhx__azure_span path = {text.text + at, length_until(text, at, "?#")};
  at += path.len;
  if (!take_path(address, path)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "%s has a path that is too long or has empty segments", what);
  }
  if (at < text.len && text.text[at] == '?') {
    address->query = (fhx__azure_span){text.text + at + 1, length_until(text, at + 1, "#")};
    at += 1 + address->query.len;
  }
  if (at == text.len) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT, "%s has a fragment (#)", what);
}
