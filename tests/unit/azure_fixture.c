/* An Azure destination on a scripted server. */
#include "azure_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "support/require.h"

#define STROKE 1000

void test_azure_take(void *context, const test_server_request *request, test_server_step *step) {
  test_azure_blob *blob = context;
  (void)step;
  if (!test_server_header(request, "x-ms-meta-fhirexport", blob->mark, sizeof blob->mark)) {
    test_violation("a PUT has no mark");
  }
}

void test_azure_show(void *context, const test_server_request *request, test_server_step *step) {
  test_azure_blob *blob = context;
  (void)request;
  snprintf(blob->headers, sizeof blob->headers,
           "Content-Length: %llu\r\nx-ms-meta-fhirexport: %s\r\n",
           (unsigned long long)blob->byte_count,
           blob->other_mark != NULL ? blob->other_mark : blob->mark);
  step->status = 200;
  step->headers = blob->headers;
}

void test_azure_options_fill(test_azure_options *options, const test_server *server) {
  FHX_INIT(&options->azure);
  FHX_INIT(&options->http);
  snprintf(options->text, sizeof options->text,
           "AccountName=fhxaccount;AccountKey=" TEST_AZURE_KEY ";BlobEndpoint=%s/fhxaccount",
           test_server_url(server));
  options->http.proxy = "";
  options->http.stall_us = 2000000;
  options->azure.connection_string = options->text;
  options->azure.container = "fhir";
  options->azure.piece_bytes = 4096;
  options->azure.http = &options->http;
}

fhx_destination *test_azure_destination(const test_azure_options *options) {
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx_azure_destination_new(&options->azure, &destination, &error);
  test_require_status(status, FHX_OK);
  return destination;
}

fhx_part test_azure_part(const char *name, uint64_t byte_count) {
  fhx_part part;
  memset(&part, 0, sizeof part);
  snprintf(part.name, sizeof part.name, "%s", name);
  part.byte_count = byte_count;
  return part;
}

int32_t test_azure_put(fhx_destination *destination, const char *name, size_t byte_count,
                       fhx_error **error) {
  char stroke[STROKE];
  void *upload = NULL;
  memset(stroke, 'a', sizeof stroke);
  int32_t status = fhx__destination_open(destination, name, &upload, error);
  if (status != FHX_OK) return status;
  for (size_t at = 0; status == FHX_OK && at < byte_count; at += STROKE) {
    size_t len = byte_count - at < STROKE ? byte_count - at : STROKE;
    status = fhx__destination_write(destination, upload, stroke, len, error);
  }
  if (status != FHX_OK) {
    fhx__destination_abort(destination, upload);
    return status;
  }
  const fhx_part part = test_azure_part(name, byte_count);
  return fhx__destination_commit(destination, upload, &part, error);
}
