/* Destinations that clients name: this is the one place that knows what they are. */
#include "protocol/client_destination.h"

#include <fhirexport/azure.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/encode.h"
#include "core/part.h"
#include "core/structs.h"
#include "destination/destination.h"
#include "request/request.h"

#define HOST_MAX 300

FHX__DEFINE_INIT(fhx_client_destinations)

/* --- the host's settings --- */

static int32_t copy_hosts(fhx__client_settings *settings, const fhx_client_destinations *given,
                          fhx_error **error) {
  if (given->allowed_host_count == 0 || given->allowed_hosts == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "client_destinations needs allowed_hosts: where may clients have their files "
                     "written?");
  }
  settings->hosts = fhx__alloc_zeroed((size_t)given->allowed_host_count, sizeof *settings->hosts);
  if (settings->hosts == NULL) return fhx__no_memory(error);
  for (uint64_t i = 0; i < given->allowed_host_count; i++) {
    const char *host = given->allowed_hosts[i];
    size_t len = host == NULL ? 0 : strnlen(host, HOST_MAX + 1);
    if (len == 0 || len > HOST_MAX) {
      return fhx__fail(error, FHX_ERR_ARGUMENT,
                       "an entry of allowed_hosts is NULL, empty or too long");
    }
    settings->hosts[settings->host_count] = fhx__copy_text(host);
    if (settings->hosts[settings->host_count++] == NULL) return fhx__no_memory(error);
  }
  return FHX_OK;
}

static int32_t copy_http(fhx__client_settings *settings, const fhx_http_options *given,
                         fhx_error **error) {
  fhx_http_options *http = &settings->http;
  FHX_INIT(http);
  int32_t status =
      given == NULL ? FHX_OK : fhx__struct_in(http, sizeof *http, given, "fhx_http_options", error);
  if (status != FHX_OK) return status;
  http->size = (uint32_t)sizeof *http;
  if (http->allowed_hosts != NULL || http->allowed_host_count != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "allowed_hosts of client_destinations stand there, not in its http");
  }
  /* Else every kick-off would tell its client that the storage cannot be reached. */
  if (http->ca_file != NULL && access(http->ca_file, R_OK) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "ca_file of client_destinations cannot be read");
  }
  if (http->ca_file != NULL) settings->ca_file = fhx__copy_text(http->ca_file);
  if (http->proxy != NULL) settings->proxy = fhx__copy_text(http->proxy);
  if ((http->ca_file != NULL && settings->ca_file == NULL) ||
      (http->proxy != NULL && settings->proxy == NULL)) {
    return fhx__no_memory(error);
  }
  http->ca_file = settings->ca_file;
  http->proxy = settings->proxy;
  http->allowed_hosts = (const char *const *)settings->hosts;
  http->allowed_host_count = settings->host_count;
  return FHX_OK;
}

/* What every kick-off would stumble over is told to the host at once: a build without Azure, a host
   that is none. */
static int32_t try_settings(const fhx__client_settings *settings, fhx_error **error) {
  for (uint64_t i = 0; i < settings->host_count; i++) {
    char text[HOST_MAX + 80];
    fhx_destination *destination = NULL;
    snprintf(text, sizeof text,
             "BlobEndpoint=https://%s/;SharedAccessSignature=sv=2020-10-02&sig=a",
             settings->hosts[i]);
    int32_t status = fhx__client_destination_open(settings, "container", text, &destination, error);
    if (status != FHX_OK) return status;
    fhx_destination_free(destination);
  }
  return FHX_OK;
}

int32_t fhx__client_settings_init(fhx__client_settings *settings,
                                  const fhx_client_destinations *given, fhx_error **error) {
  memset(settings, 0, sizeof *settings);
  int32_t status = copy_hosts(settings, given, error);
  if (status == FHX_OK) status = copy_http(settings, given->http, error);
  if (status == FHX_OK && given->container != NULL) {
    if (!fhx__is_container_name(given->container)) {
      return fhx__fail(error, FHX_ERR_ARGUMENT,
                       "container of client_destinations is not the name of a container");
    }
    settings->container = fhx__copy_text(given->container);
    if (settings->container == NULL) return fhx__no_memory(error);
  }
  return status == FHX_OK ? try_settings(settings, error) : status;
}

void fhx__client_settings_free(fhx__client_settings *settings) {
  for (uint64_t i = 0; i < settings->host_count; i++) fhx__free(settings->hosts[i]);
  fhx__free(settings->hosts);
  fhx__free(settings->ca_file);
  fhx__free(settings->proxy);
  fhx__free(settings->container);
  memset(settings, 0, sizeof *settings);
}

/* --- a destination --- */

int32_t fhx__client_destination_open(const fhx__client_settings *settings, const char *container,
                                     const char *connection_string, fhx_destination **destination,
                                     fhx_error **error) {
  fhx_azure_options options;
  FHX_INIT(&options);
  options.flags = FHX_AZURE_PLAIN_URLS;
  options.connection_string = connection_string;
  options.container = container;
  options.http = &settings->http;
  return fhx_azure_destination_new(&options, destination, error);
}

/* The URL of a part named "x" ends in that name, and begins as those of all parts do. */
int32_t fhx__client_destination_url(fhx_destination *destination, fhx__buffer *url,
                                    fhx_error **error) {
  static const char tail[] = "/x";
  fhx_part part;
  memset(&part, 0, sizeof part);
  part.name[0] = 'x';
  int32_t status = fhx__destination_url(destination, &part, 0, url, error);
  if (status != FHX_OK) return status;
  if (url->len < sizeof tail || memcmp(url->data + url->len - 2, tail, 2) != 0 ||
      memchr(url->data, '?', url->len) != NULL || memchr(url->data, '@', url->len) != NULL) {
    return fhx__fail(error, FHX_ERR_INTERNAL,
                     "the URLs of a client's destination are not plain ones");
  }
  url->len--;
  return fhx__buffer_terminate(url) == FHX_OK ? FHX_OK : fhx__no_memory(error);
}
