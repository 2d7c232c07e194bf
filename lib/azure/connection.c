/* Connection strings: pairs with semicolons between. A value may have equals signs in it. */
#include "azure/connection.h"

#include <string.h>

#include "core/error.h"

#define CONNECTION_MAX 16384

static fhx__azure_span trimmed(fhx__azure_span span) {
  while (span.len > 0 && span.text[0] == ' ') {
    span.text++;
    span.len--;
  }
  while (span.len > 0 && span.text[span.len - 1] == ' ') span.len--;
  return span;
}

/* Where the value of a key goes, and the key as it is usually written; NULL for one that says
   nothing about blobs. */
static fhx__azure_span *place_of(fhx__azure_connection *connection, fhx__azure_span key,
                                 const char **name) {
  const struct {
    const char *name;
    fhx__azure_span *place;
  } known[] = {
      {"AccountName", &connection->account_name},
      {"AccountKey", &connection->account_key},
      {"BlobEndpoint", &connection->blob_endpoint},
      {"DefaultEndpointsProtocol", &connection->protocol},
      {"EndpointSuffix", &connection->endpoint_suffix},
      {"SharedAccessSignature", &connection->sas},
      {"UseDevelopmentStorage", &connection->development},
      {"DevelopmentStorageProxyUri", &connection->development_proxy},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    *name = known[i].name;
    if (fhx__azure_is(key, known[i].name)) return known[i].place;
  }
  return NULL;
}

static int32_t take_pair(fhx__azure_connection *connection, fhx__azure_span pair,
                         fhx_error **error) {
  pair = trimmed(pair);
  if (pair.len == 0) return FHX_OK;
  const char *equals = memchr(pair.text, '=', pair.len);
  if (equals == NULL || equals == pair.text) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "connection_string is not made of key=value with semicolons between");
  }
  size_t key_len = (size_t)(equals - pair.text);
  const char *name = NULL;
  fhx__azure_span *place =
      place_of(connection, trimmed((fhx__azure_span){pair.text, key_len}), &name);
  if (place == NULL) return FHX_OK;
  if (place->text != NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "connection_string has %s twice", name);
  }
  *place = trimmed((fhx__azure_span){equals + 1, pair.len - key_len - 1});
  if (place->len > 0) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT, "connection_string has %s without a value", name);
}

int32_t fhx__azure_connection_read(fhx__azure_connection *connection, const char *text,
                                   fhx_error **error) {
  *connection = (fhx__azure_connection){0};
  size_t len = strnlen(text, CONNECTION_MAX + 1);
  if (len > CONNECTION_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "connection_string is longer than %d bytes",
                     CONNECTION_MAX);
  }
  for (size_t i = 0; i < len; i++) {
    if (text[i] < ' ' || text[i] > '~') {
      return fhx__fail(error, FHX_ERR_ARGUMENT, "connection_string is not made of printable ASCII");
    }
  }
  int32_t status = FHX_OK;
  size_t begin = 0;
  while (status == FHX_OK && begin < len) {
    const char *semicolon = memchr(text + begin, ';', len - begin);
    size_t end = semicolon == NULL ? len : (size_t)(semicolon - text);
    status = take_pair(connection, (fhx__azure_span){text + begin, end - begin}, error);
    begin = end + 1;
  }
  return status;
}
