/* Options to settings. Every text is copied; what is secret stays in buffers that are wiped. */
#include "azure/settings.h"

#include <string.h>

#include "azure/connection.h"
#include "core/alloc.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/names.h"

#define SAS_MAX 4096

/* The account that the emulators have, known to all. */
#define DEVELOPMENT_ACCOUNT "devstoreaccount1"
#define DEVELOPMENT_KEY \
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define DEVELOPMENT_ENDPOINT "http://127.0.0.1:10000/" DEVELOPMENT_ACCOUNT

static int32_t copy_span(char **copy, fhx__azure_span span, fhx_error **error) {
  *copy = fhx__copy_bytes(span.text, span.len);
  return *copy == NULL ? fhx__no_memory(error) : FHX_OK;
}

/* --- the secrets --- */

static int32_t take_key(fhx__azure_settings *settings, fhx__azure_span key, fhx_error **error) {
  /* All at once, so that no smaller copy is left behind. */
  int32_t status = fhx__buffer_reserve(&settings->key, key.len + 1);
  if (status == FHX_OK) status = fhx__append_decoded_base64(&settings->key, key.text, key.len);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status == FHX_OK && settings->key.len > 0) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "connection_string has an AccountKey that is not base64");
}

/* The names of our own requests, which a signature must not say twice. */
static bool is_ours(fhx__azure_span name) {
  return fhx__azure_is(name, "comp") || fhx__azure_is(name, "restype") ||
         fhx__azure_is(name, "blockid") || fhx__azure_is(name, "blocklisttype");
}

static bool is_in_query(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr("-._~%=&:/+,", c) != NULL);
}

/* "name=value" with ampersands between, a version and a signature among them. */
static bool is_sas(fhx__azure_span sas) {
  bool has_signature = false, has_version = false;
  size_t begin = 0;
  if (sas.len == 0 || sas.len > SAS_MAX) return false;
  for (size_t i = 0; i < sas.len; i++) {
    if (!is_in_query(sas.text[i])) return false;
  }
  while (begin < sas.len) {
    fhx__azure_span rest = {sas.text + begin, sas.len - begin};
    const char *end = memchr(rest.text, '&', rest.len);
    if (end != NULL) rest.len = (size_t)(end - rest.text);
    const char *equals = memchr(rest.text, '=', rest.len);
    if (equals == NULL || equals + 1 == rest.text + rest.len) return false;
    fhx__azure_span name = {rest.text, (size_t)(equals - rest.text)};
    if (is_ours(name)) return false;
    if (fhx__azure_is(name, "sig") && has_signature) return false;
    if (fhx__azure_is(name, "sig")) has_signature = true;
    if (fhx__azure_is(name, "sv")) has_version = true;
    begin += rest.len + 1;
  }
  return has_signature && has_version && sas.text[sas.len - 1] != '&';
}

static int32_t take_sas(fhx__azure_settings *settings, fhx__azure_span sas, const char *what,
                        fhx_error **error) {
  if (sas.len > 0 && sas.text[0] == '?') {
    sas.text++;
    sas.len--;
  }
  if (!is_sas(sas)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "%s has no shared access signature of the form sv=...&sig=...", what);
  }
  int32_t status = fhx__buffer_reserve(&settings->sas, sas.len + 1);
  if (status == FHX_OK) status = fhx__buffer_append(&settings->sas, sas.text, sas.len);
  if (status == FHX_OK) status = fhx__buffer_terminate(&settings->sas);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* --- the endpoint --- */

static int32_t join(char **joined, const char *const *texts, size_t count, fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < count; i++) {
    status = fhx__buffer_append_text(&text, texts[i]);
  }
  if (status == FHX_OK) status = fhx__buffer_terminate(&text);
  if (status != FHX_OK) {
    fhx__buffer_free(&text);
    return fhx__no_memory(error);
  }
  *joined = text.data;
  return FHX_OK;
}

/* The account that an address names: "" where it has a host of its own and no path. */
static fhx__azure_span account_of(const fhx__azure_address *address, size_t segment_count) {
  if (segment_count == 1) return address->segments[0];
  if (!address->is_account_host) return (fhx__azure_span){"", 0};
  const char *dot = memchr(address->host.text, '.', address->host.len);
  return (fhx__azure_span){address->host.text, (size_t)(dot - address->host.text)};
}

/* The address without what stands behind its first `segment_count` segments; `account` is what is
   said elsewhere, if it has a text. */
static int32_t take_endpoint(fhx__azure_settings *settings, const fhx__azure_address *address,
                             size_t segment_count, fhx__azure_span account, const char *what,
                             fhx_error **error) {
  fhx__azure_span named = account_of(address, segment_count);
  if (segment_count > 1 || (segment_count == 1 && address->is_account_host)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "%s has a path that is none of an account", what);
  }
  if (named.len > 0 && !fhx__azure_is_account(named)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "%s has an account's name that is not 3 to 24 lower-case letters and digits",
                     what);
  }
  if (account.text == NULL) account = named;
  if (named.len > 0 &&
      (named.len != account.len || memcmp(named.text, account.text, named.len) != 0)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "%s is another account's than AccountName says",
                     what);
  }
  settings->is_https = address->is_https;
  char *origin = NULL;
  int32_t status = copy_span(&settings->account, account, error);
  if (status == FHX_OK) status = copy_span(&origin, address->origin, error);
  const char *const path[] = {segment_count == 1 ? "/" : "",
                              segment_count == 1 ? settings->account : ""};
  if (status == FHX_OK) status = join(&settings->path, path, 2, error);
  const char *const endpoint[] = {origin, settings->path};
  if (status == FHX_OK) status = join(&settings->endpoint, endpoint, 2, error);
  fhx__free(origin);
  return status;
}

static int32_t take_endpoint_text(fhx__azure_settings *settings, fhx__azure_span text,
                                  fhx__azure_span account, const char *what, fhx_error **error) {
  fhx__azure_address address;
  int32_t status = fhx__azure_address_read(&address, text, what, error);
  if (status != FHX_OK) return status;
  if (address.query.text != NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "%s has a query", what);
  }
  return take_endpoint(settings, &address, address.segment_count, account, what, error);
}

/* --- the three ways --- */

static int32_t take_named_account(fhx__azure_settings *settings,
                                  const fhx__azure_connection *connection, fhx_error **error) {
  static const char suffix_usual[] = "core.windows.net";
  fhx__azure_span suffix = connection->endpoint_suffix, protocol = connection->protocol;
  if (connection->account_name.text == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "connection_string has neither BlobEndpoint nor AccountName");
  }
  if (suffix.text == NULL) suffix = fhx__azure_span_of(suffix_usual);
  if (!fhx__azure_is_host(suffix)) {
    return fhx__fail(
        error, FHX_ERR_ARGUMENT,
        "connection_string has an EndpointSuffix that is not the end of a host's name");
  }
  bool is_http = fhx__azure_is(protocol, "http");
  if (protocol.text != NULL && !is_http && !fhx__azure_is(protocol, "https")) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "connection_string has a DefaultEndpointsProtocol that is not https or http");
  }
  char *host_end = NULL, *text = NULL, *account = NULL;
  int32_t status = copy_span(&host_end, suffix, error);
  if (status == FHX_OK) status = copy_span(&account, connection->account_name, error);
  const char *const texts[] = {is_http ? "http://" : "https://", account, ".blob.", host_end};
  if (status == FHX_OK) status = join(&text, texts, 4, error);
  if (status == FHX_OK) {
    status = take_endpoint_text(settings, fhx__azure_span_of(text), connection->account_name,
                                "connection_string", error);
  }
  fhx__free(account);
  fhx__free(host_end);
  fhx__free(text);
  return status;
}

static int32_t take_development(fhx__azure_settings *settings,
                                const fhx__azure_connection *connection, fhx_error **error) {
  if (!fhx__azure_is(connection->development, "true")) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "connection_string has a UseDevelopmentStorage that is not true");
  }
  if (connection->development_proxy.text != NULL || connection->account_key.text != NULL ||
      connection->account_name.text != NULL || connection->sas.text != NULL ||
      connection->blob_endpoint.text != NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "connection_string has UseDevelopmentStorage and something else: an emulator "
                     "elsewhere is named by BlobEndpoint, AccountName and AccountKey");
  }
  int32_t status = take_endpoint_text(settings, fhx__azure_span_of(DEVELOPMENT_ENDPOINT),
                                      (fhx__azure_span){NULL, 0}, "connection_string", error);
  if (status != FHX_OK) return status;
  return take_key(settings, fhx__azure_span_of(DEVELOPMENT_KEY), error);
}

static int32_t check_connection(const fhx__azure_connection *connection, fhx_error **error) {
  const char *fault = NULL;
  if (connection->account_key.text == NULL && connection->sas.text == NULL) {
    fault = "has neither AccountKey nor SharedAccessSignature";
  } else if (connection->account_key.text != NULL && connection->sas.text != NULL) {
    fault = "has both AccountKey and SharedAccessSignature";
  } else if (connection->account_key.text != NULL && connection->account_name.text == NULL) {
    fault = "has AccountKey without AccountName";
  } else if (connection->account_name.text != NULL &&
             !fhx__azure_is_account(connection->account_name)) {
    fault = "has an AccountName that is not 3 to 24 lower-case letters and digits";
  }
  if (fault == NULL) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT, "connection_string %s", fault);
}

static int32_t take_connection(fhx__azure_settings *settings, const char *text, fhx_error **error) {
  fhx__azure_connection connection;
  int32_t status = fhx__azure_connection_read(&connection, text, error);
  if (status != FHX_OK) return status;
  if (connection.development.text != NULL) return take_development(settings, &connection, error);
  status = check_connection(&connection, error);
  if (status != FHX_OK) return status;
  status = connection.blob_endpoint.text == NULL
               ? take_named_account(settings, &connection, error)
               : take_endpoint_text(settings, connection.blob_endpoint, connection.account_name,
                                    "connection_string's BlobEndpoint", error);
  if (status != FHX_OK) return status;
  return connection.sas.text != NULL
             ? take_sas(settings, connection.sas, "connection_string", error)
             : take_key(settings, connection.account_key, error);
}

/* The last segment is the container. */
static int32_t take_container_url(fhx__azure_settings *settings, const char *text,
                                  fhx_error **error) {
  static const char what[] = "container_url";
  fhx__azure_address address;
  int32_t status = fhx__azure_address_read(&address, fhx__azure_span_of(text), what, error);
  if (status != FHX_OK) return status;
  size_t before = address.segment_count - 1;
  if (address.segment_count == 0 || (address.is_account_host && before > 0)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "container_url does not end with the container's name: what stands behind it "
                     "in blobs' names is given as prefix");
  }
  status = take_endpoint(settings, &address, before, (fhx__azure_span){NULL, 0}, what, error);
  if (status == FHX_OK) {
    status = copy_span(&settings->container, address.segments[before], error);
  }
  return status == FHX_OK ? take_sas(settings, address.query, what, error) : status;
}

static int32_t take_account_url(fhx__azure_settings *settings, const fhx_azure_options *options,
                                fhx_error **error) {
  static const char what[] = "account_url";
  if (options->token == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "account_url needs the token callback");
  }
  int32_t status = take_endpoint_text(settings, fhx__azure_span_of(options->account_url),
                                      (fhx__azure_span){NULL, 0}, what, error);
  if (status != FHX_OK) return status;
  if (!settings->is_https) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "account_url is not https, and a token goes over nothing else");
  }
  if (settings->account[0] == '\0' && (options->flags & FHX_AZURE_PLAIN_URLS) == 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "account_url does not name its account, which signed URLs need: it is not of "
                     "the form https://account.blob...");
  }
  settings->has_token = true;
  return FHX_OK;
}

/* --- container and prefix --- */

static int32_t take_container(fhx__azure_settings *settings, const char *container,
                              fhx_error **error) {
  if (settings->container == NULL && container == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no container");
  }
  if (settings->container != NULL && container != NULL &&
      strcmp(settings->container, container) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "container is not the one that container_url names");
  }
  if (settings->container == NULL) {
    int32_t status = copy_span(&settings->container, fhx__azure_span_of(container), error);
    if (status != FHX_OK) return status;
  }
  if (fhx__azure_is_container(fhx__azure_span_of(settings->container))) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "the container's name is not 3 to 63 lower-case letters, digits and single "
                   "hyphens, with a letter or digit at both ends");
}

bool fhx__azure_is_blob_name(const char *name) {
  const char *end = name;
  if (!fhx__is_part_name(name)) return false;
  for (; *end != '\0'; end++) {
    if (*end == '.' && (end[1] == '/' || end[1] == '\0')) return false;
  }
  return true;
}

static int32_t take_prefix(fhx__azure_settings *settings, const char *prefix, fhx_error **error) {
  bool is_empty = prefix == NULL || prefix[0] == '\0';
  if (!is_empty && !fhx__azure_is_blob_name(prefix)) {
    return fhx__fail(
        error, FHX_ERR_ARGUMENT,
        "prefix is not made of segments of letters, digits, '.', '_' and '-' without a "
        "dot first or last, or is longer than %d bytes",
        FHX__PART_NAME_MAX);
  }
  const char *const texts[] = {is_empty ? "" : prefix, is_empty ? "" : "/"};
  return join(&settings->prefix, texts, 2, error);
}

int32_t fhx__azure_settings_read(fhx__azure_settings *settings, const fhx_azure_options *options,
                                 fhx_error **error) {
  *settings = (fhx__azure_settings){0};
  int given = (options->connection_string != NULL) + (options->container_url != NULL) +
              (options->account_url != NULL);
  if (given != 1) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "exactly one of connection_string, container_url and account_url is needed");
  }
  if (options->token != NULL && options->account_url == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "the token callback goes with account_url alone");
  }
  int32_t status = FHX_OK;
  if (options->connection_string != NULL) {
    status = take_connection(settings, options->connection_string, error);
  } else if (options->container_url != NULL) {
    status = take_container_url(settings, options->container_url, error);
  } else {
    status = take_account_url(settings, options, error);
  }
  if (status == FHX_OK) status = take_container(settings, options->container, error);
  return status == FHX_OK ? take_prefix(settings, options->prefix, error) : status;
}

void fhx__azure_settings_free(fhx__azure_settings *settings) {
  fhx__free(settings->endpoint);
  fhx__free(settings->path);
  fhx__free(settings->account);
  fhx__wipe_buffer(&settings->key);
  fhx__wipe_buffer(&settings->sas);
  fhx__free(settings->container);
  fhx__free(settings->prefix);
  *settings = (fhx__azure_settings){0};
}
