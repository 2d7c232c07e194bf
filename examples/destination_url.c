/* See destination_url.h. */
#include "destination_url.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- reading --- */

struct scheme {
  const char *text;
  enum destination_kind kind;
  /* The names it takes behind `?`. */
  const char *names;
};

static const struct scheme schemes[] = {
    {"file:", DESTINATION_FILE, ""},
    {"s3://", DESTINATION_S3, "endpoint region style ca"},
    {"azure-blob://", DESTINATION_AZURE, "ca"},
};

static int hex_value(char digit) {
  static const char digits[] = "0123456789abcdefABCDEF";
  const char *found = digit == '\0' ? NULL : strchr(digits, digit);
  if (found == NULL) return -1;
  return (int)(found - digits) - (found - digits > 15 ? 6 : 0);
}

/* Percent-decodes in place. */
static bool decode(char *text) {
  char *out = text;
  for (; *text != '\0'; text++) {
    if (*text != '%') {
      *out++ = *text;
      continue;
    }
    int high = hex_value(text[1]);
    int low = high < 0 ? -1 : hex_value(text[2]);
    if (low < 0 || high + low == 0) return false;
    *out++ = (char)(high * 16 + low);
    text += 2;
  }
  *out = '\0';
  return true;
}

/* Whether `name` is one of `names`, which have spaces between. */
static bool is_one_of(const char *names, const char *name) {
  size_t len = strlen(name);
  for (const char *at = names; *at != '\0'; at += strspn(at, " ")) {
    size_t word = strcspn(at, " ");
    if (word == len && memcmp(at, name, len) == 0) return true;
    at += word;
  }
  return false;
}

static const char *set(struct destination_url *url, const char *names, const char *name,
                       char *value) {
  if (!is_one_of(names, name)) return "has a parameter that this kind of destination does not know";
  if (!decode(value)) return "has a percent sign without two digits behind it";
  if (value[0] == '\0') return "has a parameter without a value";
  const char **member = NULL;
  if (strcmp(name, "endpoint") == 0) member = &url->endpoint;
  if (strcmp(name, "region") == 0) member = &url->region;
  if (strcmp(name, "ca") == 0) member = &url->ca_file;
  if (member != NULL) {
    if (*member != NULL) return "has a parameter twice";
    *member = value;
    return NULL;
  }
  url->host_style = strcmp(value, "host") == 0;
  if (url->host_style || strcmp(value, "path") == 0) return NULL;
  return "has a style that is neither path nor host";
}

/* The pairs behind `?`. */
static const char *read_query(struct destination_url *url, const char *names, char *query) {
  const char *problem = NULL;
  while (problem == NULL && query != NULL) {
    char *pair = query;
    query = strchr(pair, '&');
    if (query != NULL) *query++ = '\0';
    char *value = strchr(pair, '=');
    if (value == NULL) return "has a parameter without a value";
    *value++ = '\0';
    problem = set(url, names, pair, value);
  }
  return problem;
}

/* What stands behind "s3://" or "azure-blob://". */
static const char *read_bucket(struct destination_url *url, const char *names, char *rest) {
  char *query = strchr(rest, '?');
  if (query != NULL) *query++ = '\0';
  char *prefix = strchr(rest, '/');
  if (prefix != NULL) *prefix++ = '\0';
  if (rest[0] == '\0') return "names no bucket or container";
  url->place = rest;
  if (prefix != NULL && prefix[0] != '\0') {
    size_t len = strlen(prefix);
    if (prefix[len - 1] == '/') prefix[len - 1] = '\0';
    url->prefix = prefix;
  }
  return query == NULL || query[0] == '\0' ? NULL : read_query(url, names, query);
}

/* What is in the environment, and whether it fits. */
static const char *check_azure(const struct destination_url *url) {
  const char *sas = getenv("AZURE_STORAGE_SAS_URL");
  if (getenv("AZURE_STORAGE_CONNECTION_STRING") != NULL) return NULL;
  if (sas == NULL) {
    return "needs AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_SAS_URL in the environment";
  }
  const char *end = sas + strcspn(sas, "?");
  size_t len = strlen(url->place);
  bool same = (size_t)(end - sas) > len && end[-(ptrdiff_t)len - 1] == '/' &&
              memcmp(end - len, url->place, len) == 0;
  return same ? NULL : "names another container than AZURE_STORAGE_SAS_URL does";
}

bool destination_url_read(struct destination_url *url, const char *text, const char **problem) {
  const struct scheme *scheme = NULL;
  memset(url, 0, sizeof *url);
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    if (strncmp(text, schemes[i].text, strlen(schemes[i].text)) == 0) scheme = &schemes[i];
  }
  *problem = "begins neither with file:, s3:// nor azure-blob://";
  if (scheme == NULL) return false;
  *problem = "is too long for this computer's memory";
  url->text = strdup(text);
  if (url->text == NULL) return false;
  url->kind = scheme->kind;
  char *rest = url->text + strlen(scheme->text);
  if (url->kind == DESTINATION_FILE) {
    url->place = rest;
    *problem = rest[0] == '\0' ? "names no folder" : NULL;
  } else {
    *problem = read_bucket(url, scheme->names, rest);
    if (*problem == NULL && url->kind == DESTINATION_AZURE) *problem = check_azure(url);
  }
  return *problem == NULL;
}

void destination_url_free(struct destination_url *url) {
  free(url->text);
  memset(url, 0, sizeof *url);
}

/* --- opening --- */

static int32_t open_folder(const struct destination_url *url, fhx_destination **destination,
                           fhx_error **error) {
  fhx_directory_options options;
  (void)mkdir(url->place, 0700); /* if this fails, the destination says why */
  FHX_INIT(&options);
  options.path = url->place;
  if (url->readable) options.flags = FHX_DESTINATION_READABLE;
  return fhx_directory_destination_new(&options, destination, error);
}

static int32_t open_s3(const struct destination_url *url, const fhx_http_options *http,
                       fhx_destination **destination, fhx_error **error) {
  fhx_s3_options options;
  FHX_INIT(&options);
  options.bucket = url->place;
  options.prefix = url->prefix;
  options.endpoint = url->endpoint;
  options.region = url->region;
  options.http = http;
  options.cache_control = url->cache_control;
  if (url->host_style) options.flags |= FHX_S3_VIRTUAL_HOST;
  return fhx_s3_destination_new(&options, destination, error);
}

static int32_t open_azure(const struct destination_url *url, const fhx_http_options *http,
                          fhx_destination **destination, fhx_error **error) {
  fhx_azure_options options;
  FHX_INIT(&options);
  options.connection_string = getenv("AZURE_STORAGE_CONNECTION_STRING");
  if (options.connection_string == NULL) {
    options.container_url = getenv("AZURE_STORAGE_SAS_URL"); /* which names the container */
  } else {
    options.container = url->place;
  }
  options.prefix = url->prefix;
  options.http = http;
  options.cache_control = url->cache_control;
  return fhx_azure_destination_new(&options, destination, error);
}

int32_t destination_url_open(const struct destination_url *url, fhx_destination **destination,
                             fhx_error **error) {
  fhx_http_options http;
  FHX_INIT(&http);
  http.ca_file = url->ca_file;
  switch (url->kind) {
    case DESTINATION_S3:
      return open_s3(url, &http, destination, error);
    case DESTINATION_AZURE:
      return open_azure(url, &http, destination, error);
    default:
      return open_folder(url, destination, error);
  }
}
