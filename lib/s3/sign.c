/* AWS Signature Version 4 (signing a request, query parameters), with S3's single encoding of
   paths. */
#include "s3/sign.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TERMINATION "aws4_request"

/* Parameters in their order: where each encoded text begins. */
typedef struct encoded_pair {
  size_t name;
  size_t value;
} encoded_pair;

int32_t fhx__s3_pairs_add(fhx__s3_pairs *pairs, const char *name, const char *value,
                          fhx_error **error) {
  if (pairs->count == FHX__S3_PAIRS_MAX) {
    return fhx__fail(error, FHX_ERR_INTERNAL, "a request has more headers than are provided for");
  }
  pairs->at[pairs->count++] = (fhx__s3_pair){name, value};
  return FHX_OK;
}

static int32_t hmac_text(uint8_t key[FHX__SHA256_LEN], const char *text, size_t len,
                         fhx_error **error) {
  uint8_t sum[FHX__SHA256_LEN];
  int32_t status = fhx__hmac_sha256(key, FHX__SHA256_LEN, text, len, sum, error);
  if (status == FHX_OK) memcpy(key, sum, sizeof sum);
  fhx__wipe(sum, sizeof sum);
  return status;
}

int32_t fhx__s3_signing_key(uint8_t key[FHX__SHA256_LEN], const char *secret, const char *time,
                            const char *region, const char *service, fhx_error **error) {
  fhx__buffer first = {NULL, 0, 0};
  size_t secret_len = strlen(secret);
  /* In one piece: a buffer that grows would leave a copy of the secret behind. */
  int32_t status = fhx__buffer_reserve(&first, 4 + secret_len);
  if (status == FHX_OK) status = fhx__buffer_append(&first, "AWS4", 4);
  if (status == FHX_OK) status = fhx__buffer_append(&first, secret, secret_len);
  if (status != FHX_OK) return fhx__no_memory(error);
  status = fhx__hmac_sha256(first.data, first.len, time, FHX__S3_DAY_LEN, key, error);
  fhx__wipe_buffer(&first);
  if (status == FHX_OK) status = hmac_text(key, region, strlen(region), error);
  if (status == FHX_OK) status = hmac_text(key, service, strlen(service), error);
  if (status == FHX_OK) status = hmac_text(key, TERMINATION, strlen(TERMINATION), error);
  return status;
}

/* The encoded texts, each with its NUL. */
static int32_t encode_pairs(fhx__buffer *texts, encoded_pair places[FHX__S3_PAIRS_MAX],
                            const fhx__s3_pairs *pairs) {
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < pairs->count; i++) {
    const char *name = pairs->at[i].name, *value = pairs->at[i].value;
    places[i].name = texts->len;
    status = fhx__append_percent(texts, name, strlen(name), false);
    if (status == FHX_OK) status = fhx__buffer_append(texts, "", 1);
    places[i].value = texts->len;
    if (status == FHX_OK) status = fhx__append_percent(texts, value, strlen(value), false);
    if (status == FHX_OK) status = fhx__buffer_append(texts, "", 1);
  }
  return status;
}

static bool comes_before(const char *texts, encoded_pair a, encoded_pair b) {
  int order = strcmp(texts + a.name, texts + b.name);
  if (order == 0) order = strcmp(texts + a.value, texts + b.value);
  return order < 0;
}

static void sort_places(encoded_pair places[FHX__S3_PAIRS_MAX], size_t count, const char *texts) {
  for (size_t i = 1; i < count; i++) {
    encoded_pair moved = places[i];
    size_t at = i;
    for (; at > 0 && comes_before(texts, moved, places[at - 1]); at--) places[at] = places[at - 1];
    places[at] = moved;
  }
}

int32_t fhx__s3_append_query(fhx__buffer *out, const fhx__s3_pairs *query, fhx_error **error) {
  fhx__buffer texts = {NULL, 0, 0};
  encoded_pair places[FHX__S3_PAIRS_MAX];
  int32_t status = encode_pairs(&texts, places, query);
  if (status == FHX_OK) sort_places(places, query->count, texts.data);
  for (size_t i = 0; status == FHX_OK && i < query->count; i++) {
    if (i > 0) status = fhx__buffer_append(out, "&", 1);
    if (status == FHX_OK) status = fhx__buffer_append_text(out, texts.data + places[i].name);
    if (status == FHX_OK) status = fhx__buffer_append(out, "=", 1);
    if (status == FHX_OK) status = fhx__buffer_append_text(out, texts.data + places[i].value);
  }
  /* A session token may be among them. */
  fhx__wipe_buffer(&texts);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* Without spaces at the ends, and with one where there are several. */
static int32_t append_value(fhx__buffer *out, const char *value) {
  int32_t status = FHX_OK;
  bool is_first = true;
  while (status == FHX_OK) {
    value += strspn(value, " ");
    size_t len = strcspn(value, " ");
    if (len == 0) return FHX_OK;
    if (!is_first) status = fhx__buffer_append(out, " ", 1);
    if (status == FHX_OK) status = fhx__buffer_append(out, value, len);
    is_first = false;
    value += len;
  }
  return status;
}

static fhx__s3_pairs sorted_headers(const fhx__s3_pairs *headers) {
  fhx__s3_pairs sorted = *headers;
  for (size_t i = 1; i < sorted.count; i++) {
    fhx__s3_pair moved = sorted.at[i];
    size_t at = i;
    for (; at > 0 && strcmp(moved.name, sorted.at[at - 1].name) < 0; at--) {
      sorted.at[at] = sorted.at[at - 1];
    }
    sorted.at[at] = moved;
  }
  return sorted;
}

/* The names, with semicolons between; a name that is there twice stands once. */
static int32_t append_names(fhx__buffer *out, const fhx__s3_pairs *sorted) {
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < sorted->count; i++) {
    if (i > 0 && strcmp(sorted->at[i].name, sorted->at[i - 1].name) == 0) continue;
    if (i > 0) status = fhx__buffer_append(out, ";", 1);
    if (status == FHX_OK) status = fhx__buffer_append_text(out, sorted->at[i].name);
  }
  return status;
}

/* A line for each name; the values of one that is there twice have a comma between. */
static int32_t append_headers(fhx__buffer *out, const fhx__s3_pairs *sorted) {
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < sorted->count; i++) {
    bool is_again = i > 0 && strcmp(sorted->at[i].name, sorted->at[i - 1].name) == 0;
    if (i > 0) status = fhx__buffer_append(out, is_again ? "," : "\n", 1);
    if (status == FHX_OK && !is_again) {
      status = fhx__buffer_append_text(out, sorted->at[i].name);
      if (status == FHX_OK) status = fhx__buffer_append(out, ":", 1);
    }
    if (status == FHX_OK) status = append_value(out, sorted->at[i].value);
  }
  if (status == FHX_OK) status = fhx__buffer_append(out, "\n", 1);
  return status;
}

static int32_t append_line(fhx__buffer *out, const char *text) {
  int32_t status = fhx__buffer_append_text(out, text);
  return status == FHX_OK ? fhx__buffer_append(out, "\n", 1) : status;
}

/* "Create a canonical request". */
static int32_t append_request(fhx__buffer *out, const fhx__s3_subject *subject,
                              const fhx__s3_pairs *sorted, fhx_error **error) {
  int32_t status = append_line(out, subject->method);
  if (status == FHX_OK) status = append_line(out, subject->path);
  if (status != FHX_OK) return fhx__no_memory(error);
  status = fhx__s3_append_query(out, subject->query, error);
  if (status != FHX_OK) return status;
  status = fhx__buffer_append(out, "\n", 1);
  if (status == FHX_OK) status = append_headers(out, sorted);
  if (status == FHX_OK) status = fhx__buffer_append(out, "\n", 1);
  if (status == FHX_OK) status = append_names(out, sorted);
  if (status == FHX_OK) status = fhx__buffer_append(out, "\n", 1);
  if (status == FHX_OK) status = fhx__buffer_append_text(out, subject->payload);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static int32_t append_scope(fhx__buffer *out, const fhx__s3_signer *signer) {
  int32_t status = fhx__buffer_append(out, signer->time, FHX__S3_DAY_LEN);
  if (status == FHX_OK) status = fhx__buffer_append(out, "/", 1);
  if (status == FHX_OK) status = fhx__buffer_append_text(out, signer->region);
  if (status == FHX_OK) status = fhx__buffer_append(out, "/", 1);
  if (status == FHX_OK) status = fhx__buffer_append_text(out, signer->service);
  if (status == FHX_OK) status = fhx__buffer_append_text(out, "/" TERMINATION);
  return status;
}

static int32_t hash(const void *data, size_t len, uint8_t sum[FHX__SHA256_LEN], fhx_error **error) {
  fhx__sha256 digest = {NULL};
  int32_t status = fhx__sha256_begin(&digest, error);
  if (status == FHX_OK) status = fhx__sha256_update(&digest, data, len, error);
  if (status == FHX_OK) status = fhx__sha256_end(&digest, sum, error);
  fhx__sha256_free(&digest);
  return status;
}

/* "Create a string to sign": of the canonical request, which it replaces in `text`. */
static int32_t make_string(fhx__buffer *text, const fhx__s3_signer *signer, fhx_error **error) {
  uint8_t sum[FHX__SHA256_LEN];
  int32_t status = hash(text->data, text->len, sum, error);
  if (status != FHX_OK) return status;
  fhx__wipe(text->data, text->len);
  text->len = 0;
  status = append_line(text, ALGORITHM);
  if (status == FHX_OK) status = append_line(text, signer->time);
  if (status == FHX_OK) status = append_scope(text, signer);
  if (status == FHX_OK) status = fhx__buffer_append(text, "\n", 1);
  if (status == FHX_OK) status = fhx__append_hex(text, sum, sizeof sum);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* Appends the signature in hexadecimal digits. */
static int32_t append_signature(fhx__buffer *out, const fhx__s3_signer *signer,
                                const fhx__s3_subject *subject, const fhx__s3_pairs *sorted,
                                fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0};
  uint8_t sum[FHX__SHA256_LEN];
  int32_t status = append_request(&text, subject, sorted, error);
  if (status == FHX_OK) status = make_string(&text, signer, error);
  if (status == FHX_OK) {
    status = fhx__hmac_sha256(signer->key, FHX__SHA256_LEN, text.data, text.len, sum, error);
  }
  if (status == FHX_OK && fhx__append_hex(out, sum, sizeof sum) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  fhx__wipe_buffer(&text);
  return status;
}

int32_t fhx__s3_sign(fhx__buffer *out, const fhx__s3_signer *signer, const fhx__s3_subject *subject,
                     fhx_error **error) {
  const fhx__s3_pairs sorted = sorted_headers(subject->headers);
  int32_t status = fhx__buffer_append_text(out, ALGORITHM " Credential=");
  if (status == FHX_OK) status = fhx__buffer_append_text(out, signer->access_key_id);
  if (status == FHX_OK) status = fhx__buffer_append(out, "/", 1);
  if (status == FHX_OK) status = append_scope(out, signer);
  if (status == FHX_OK) status = fhx__buffer_append_text(out, ", SignedHeaders=");
  if (status == FHX_OK) status = append_names(out, &sorted);
  if (status == FHX_OK) status = fhx__buffer_append_text(out, ", Signature=");
  if (status != FHX_OK) return fhx__no_memory(error);
  return append_signature(out, signer, subject, &sorted, error);
}

/* The parameters that a presigned URL has before its signature. */
static int32_t add_parameters(fhx__s3_pairs *query, const fhx__s3_signer *signer,
                              const char *credential, const char *seconds, fhx_error **error) {
  int32_t status = fhx__s3_pairs_add(query, "X-Amz-Algorithm", ALGORITHM, error);
  if (status == FHX_OK) status = fhx__s3_pairs_add(query, "X-Amz-Credential", credential, error);
  if (status == FHX_OK) status = fhx__s3_pairs_add(query, "X-Amz-Date", signer->time, error);
  if (status == FHX_OK) status = fhx__s3_pairs_add(query, "X-Amz-Expires", seconds, error);
  if (status == FHX_OK) status = fhx__s3_pairs_add(query, "X-Amz-SignedHeaders", "host", error);
  if (status == FHX_OK && signer->session_token != NULL) {
    status = fhx__s3_pairs_add(query, "X-Amz-Security-Token", signer->session_token, error);
  }
  return status;
}

int32_t fhx__s3_presign(fhx__buffer *out, const fhx__s3_signer *signer, const char *host,
                        const fhx__s3_subject *subject, uint32_t seconds, fhx_error **error) {
  fhx__buffer credential = {NULL, 0, 0};
  char seconds_text[16];
  fhx__s3_pairs query = *subject->query;
  const fhx__s3_pairs headers = {1, {{"host", host}}};
  const fhx__s3_subject signed_one = {subject->method, subject->path, &query, &headers,
                                      FHX__S3_UNSIGNED};
  snprintf(seconds_text, sizeof seconds_text, "%u", seconds);
  int32_t status = fhx__buffer_append_text(&credential, signer->access_key_id);
  if (status == FHX_OK) status = fhx__buffer_append(&credential, "/", 1);
  if (status == FHX_OK) status = append_scope(&credential, signer);
  if (status == FHX_OK) status = fhx__buffer_terminate(&credential);
  if (status != FHX_OK) status = fhx__no_memory(error);
  if (status == FHX_OK)
    status = add_parameters(&query, signer, credential.data, seconds_text, error);
  if (status == FHX_OK) status = fhx__s3_append_query(out, &query, error);
  if (status == FHX_OK && fhx__buffer_append_text(out, "&X-Amz-Signature=") != FHX_OK) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK) status = append_signature(out, signer, &signed_one, &headers, error);
  fhx__buffer_free(&credential);
  return status;
}
