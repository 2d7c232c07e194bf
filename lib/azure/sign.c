/* What is signed is put together here, line by line; the order is the service's. */
#include "azure/sign.h"

#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/instant.h"

#define STORE_HEADERS_MAX 32
#define US_PER_SECOND INT64_C(1000000)

/* --- Shared Key --- */

static int32_t append_line(fhx__buffer *out, const char *text) {
  int32_t status = fhx__buffer_append_text(out, text);
  return status == FHX_OK ? fhx__buffer_append(out, "\n", 1) : status;
}

/* The header that begins at `at`: its name, and its value behind the blanks. */
static fhx__azure_span name_of(const char *header) {
  const char *colon = strchr(header, ':');
  return (fhx__azure_span){header, colon == NULL ? strlen(header) : (size_t)(colon - header)};
}

static const char *value_of(const char *header) {
  const char *value = strchr(header, ':');
  if (value == NULL) return "";
  value++;
  while (*value == ' ') value++;
  return value;
}

static const char *next_header(const fhx__buffer *headers, const char *header) {
  const char *end = headers->data + headers->len;
  const char *next = header == NULL ? headers->data : header + strlen(header) + 1;
  return headers->len == 0 || next >= end ? NULL : next;
}

static const char *header_value(const fhx__buffer *headers, const char *name) {
  for (const char *at = next_header(headers, NULL); at != NULL; at = next_header(headers, at)) {
    if (fhx__azure_is(name_of(at), name)) return value_of(at);
  }
  return "";
}

static int32_t append_standard(fhx__buffer *out, const fhx__azure_signed *request) {
  static const char *const names[] = {
      "Content-Encoding",
      "Content-Language",
      NULL /* the length */,
      "Content-MD5",
      "Content-Type",
      "Date",
      "If-Modified-Since",
      "If-Match",
      "If-None-Match",
      "If-Unmodified-Since",
      "Range",
  };
  char length[24] = "";
  if (request->body_len > 0) snprintf(length, sizeof length, "%zu", request->body_len);
  int32_t status = append_line(out, request->method);
  for (size_t i = 0; status == FHX_OK && i < sizeof names / sizeof *names; i++) {
    status = append_line(out, names[i] == NULL ? length : header_value(request->headers, names[i]));
  }
  return status;
}

static bool is_stores(const char *header) {
  return fhx__azure_is((fhx__azure_span){header, strnlen(header, 5)}, "x-ms-");
}

static bool comes_before(const char *a, const char *b) {
  fhx__azure_span left = name_of(a), right = name_of(b);
  size_t len = left.len < right.len ? left.len : right.len;
  int order = memcmp(a, b, len);
  return order < 0 || (order == 0 && left.len < right.len);
}

/* The service's own headers in the order of their names, which are in lower case already. */
static int32_t append_stores(fhx__buffer *out, const fhx__buffer *headers, fhx_error **error) {
  const char *sorted[STORE_HEADERS_MAX];
  size_t count = 0;
  for (const char *at = next_header(headers, NULL); at != NULL; at = next_header(headers, at)) {
    if (!is_stores(at)) continue;
    if (count == STORE_HEADERS_MAX) {
      return fhx__fail(error, FHX_ERR_LIMIT, "a request has too many headers to sign");
    }
    size_t place = count++;
    for (; place > 0 && comes_before(at, sorted[place - 1]); place--) {
      sorted[place] = sorted[place - 1];
    }
    sorted[place] = at;
  }
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < count; i++) {
    fhx__azure_span name = name_of(sorted[i]);
    status = fhx__buffer_append(out, name.text, name.len);
    if (status == FHX_OK) status = fhx__buffer_append(out, ":", 1);
    if (status == FHX_OK) status = append_line(out, value_of(sorted[i]));
  }
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* The account once more before the path: where the path has it too, it stands there twice. */
static int32_t append_resource(fhx__buffer *out, const char *account,
                               const fhx__azure_signed *request) {
  int32_t status = fhx__buffer_append(out, "/", 1);
  if (status == FHX_OK) status = fhx__buffer_append_text(out, account);
  if (status == FHX_OK) status = fhx__buffer_append_text(out, request->path);
  for (size_t i = 0; status == FHX_OK && i < request->query_count; i++) {
    status = fhx__buffer_append(out, "\n", 1);
    if (status == FHX_OK) status = fhx__buffer_append_text(out, request->query[i].name);
    if (status == FHX_OK) status = fhx__buffer_append(out, ":", 1);
    if (status == FHX_OK) status = fhx__buffer_append_text(out, request->query[i].value);
  }
  return status;
}

int32_t fhx__azure_string_to_sign(fhx__buffer *out, const char *account,
                                  const fhx__azure_signed *request, fhx_error **error) {
  if (append_standard(out, request) != FHX_OK) return fhx__no_memory(error);
  int32_t status = append_stores(out, request->headers, error);
  if (status != FHX_OK) return status;
  return append_resource(out, account, request) == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static int32_t append_signature(fhx__buffer *out, const void *key, size_t key_len,
                                const fhx__buffer *text, fhx_error **error) {
  uint8_t sum[FHX__SHA256_LEN];
  int32_t status = fhx__hmac_sha256(key, key_len, text->data, text->len, sum, error);
  if (status != FHX_OK) return status;
  return fhx__append_base64(out, sum, sizeof sum) == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

int32_t fhx__azure_shared_key(fhx__buffer *out, const fhx__azure_settings *settings,
                              const fhx__azure_signed *request, fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = fhx__azure_string_to_sign(&text, settings->account, request, error);
  if (status == FHX_OK && (fhx__buffer_append_text(out, "SharedKey ") != FHX_OK ||
                           fhx__buffer_append_text(out, settings->account) != FHX_OK ||
                           fhx__buffer_append(out, ":", 1) != FHX_OK)) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK) {
    status = append_signature(out, settings->key.data, settings->key.len, &text, error);
  }
  fhx__buffer_free(&text);
  return status;
}

/* --- shared access signatures --- */

/* A signature's parameters: what both kinds are made of. */
typedef struct grant {
  const char *blob;
  char expiry[FHX__INSTANT_TEXT_MAX];
  const char *protocol;
} grant;

static int32_t append_lines(fhx__buffer *out, const char *const *lines, size_t count) {
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < count; i++) status = append_line(out, lines[i]);
  return status;
}

static int32_t append_blob_line(fhx__buffer *out, const fhx__azure_settings *settings,
                                const char *blob) {
  const char *const texts[] = {"/blob/", settings->account, "/", settings->container, "/", blob,
                               "\n"};
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < sizeof texts / sizeof *texts; i++) {
    status = fhx__buffer_append_text(out, texts[i]);
  }
  return status;
}

/* Permissions, start, end, blob; then what differs; then address, protocol, version, kind,
   snapshot, scope of encryption, and five headers that an answer would be given. */
static int32_t append_grant(fhx__buffer *out, const fhx__azure_settings *settings,
                            const fhx__azure_delegation *delegation, const grant *given) {
  const char *const begin[] = {"r", "", given->expiry};
  const char *const end[] = {"", given->protocol, FHX__AZURE_VERSION, "b", "", "", "", "", "", "",
                             ""};
  int32_t status = append_lines(out, begin, sizeof begin / sizeof *begin);
  if (status == FHX_OK) status = append_blob_line(out, settings, given->blob);
  if (status == FHX_OK && delegation == NULL) {
    status = append_line(out, ""); /* the stored policy */
  } else if (status == FHX_OK) {
    const char *const key[] = {delegation->object_id,
                               delegation->tenant_id,
                               delegation->start,
                               delegation->expiry,
                               delegation->service,
                               delegation->version,
                               "",
                               "",
                               "" /* agents and correlation */};
    status = append_lines(out, key, sizeof key / sizeof *key);
  }
  /* The last header has no line feed behind it. */
  return status == FHX_OK ? append_lines(out, end, sizeof end / sizeof *end) : status;
}

static int32_t append_pair(fhx__buffer *out, const char *name, const char *value) {
  int32_t status = fhx__buffer_append_text(out, name);
  if (status == FHX_OK) status = fhx__buffer_append(out, "=", 1);
  return status == FHX_OK ? fhx__append_percent(out, value, strlen(value), false) : status;
}

static int32_t append_query(fhx__buffer *out, const fhx__azure_delegation *delegation,
                            const grant *given) {
  int32_t status = append_pair(out, "sv", FHX__AZURE_VERSION);
  if (status == FHX_OK) status = append_pair(out, "&spr", given->protocol);
  if (status == FHX_OK) status = append_pair(out, "&se", given->expiry);
  if (status == FHX_OK && delegation != NULL) {
    const fhx__azure_parameter key[] = {
        {"&skoid", delegation->object_id}, {"&sktid", delegation->tenant_id},
        {"&skt", delegation->start},       {"&ske", delegation->expiry},
        {"&sks", delegation->service},     {"&skv", delegation->version},
    };
    for (size_t i = 0; status == FHX_OK && i < sizeof key / sizeof *key; i++) {
      status = append_pair(out, key[i].name, key[i].value);
    }
  }
  if (status == FHX_OK) status = append_pair(out, "&sr", "b");
  if (status == FHX_OK) status = append_pair(out, "&sp", "r");
  return status == FHX_OK ? fhx__buffer_append_text(out, "&sig=") : status;
}

int32_t fhx__azure_append_sas(fhx__buffer *out, const fhx__azure_settings *settings,
                              const fhx__azure_delegation *delegation, const char *blob,
                              int64_t expires_us, fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0}, signature = {NULL, 0, 0};
  grant given = {blob, "", settings->is_https ? "https" : "https,http"};
  fhx__instant_format(given.expiry, fhx__instant_floor(expires_us, US_PER_SECOND), US_PER_SECOND);
  const void *key = delegation == NULL ? (const void *)settings->key.data : delegation->value;
  size_t key_len = delegation == NULL ? settings->key.len : delegation->value_len;
  int32_t status = FHX_OK;
  if (append_grant(&text, settings, delegation, &given) != FHX_OK ||
      append_query(out, delegation, &given) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  /* No line feed behind the last line. */
  if (status == FHX_OK) {
    text.len--;
    status = append_signature(&signature, key, key_len, &text, error);
  }
  if (status == FHX_OK &&
      fhx__append_percent(out, signature.data, signature.len, false) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  fhx__buffer_free(&signature);
  fhx__buffer_free(&text);
  return status;
}
