/* An Azure destination on a scripted server, and answers as the service gives them. */
#ifndef TEST_UNIT_AZURE_FIXTURE_H
#define TEST_UNIT_AZURE_FIXTURE_H

#include <fhirexport/azure.h>

#include "core/part.h"
#include "destination/destination.h"
#include "support/scripted_server.h"

/* Base64 of "0123456789abcdef". */
#define TEST_AZURE_KEY "MDEyMzQ1Njc4OWFiY2RlZg=="
#define TEST_AZURE_CODE(code) "x-ms-error-code: " code "\r\n"

/* What HEAD says of the blob that a PUT has made. */
typedef struct test_azure_blob {
  uint64_t byte_count;
  /* The mark of the last PUT; or what is shown in its place. */
  char mark[64];
  const char *other_mark;
  char headers[256];
} test_azure_blob;

/* For a step's `adapt`, with a test_azure_blob as its context. */
void test_azure_take(void *context, const test_server_request *request, test_server_step *step);
void test_azure_show(void *context, const test_server_request *request, test_server_step *step);

/* Options with an account's key for this server; `http` keeps pauses short. */
typedef struct test_azure_options {
  fhx_azure_options azure;
  fhx_http_options http;
  char text[512];
} test_azure_options;
void test_azure_options_fill(test_azure_options *options, const test_server *server);
fhx_destination *test_azure_destination(const test_azure_options *options);

/* Writes and commits a part of so many bytes. */
int32_t test_azure_put(fhx_destination *destination, const char *name, size_t byte_count,
                       fhx_error **error);
fhx_part test_azure_part(const char *name, uint64_t byte_count);

#endif
