/*
 * One call to an Azure destination, for azure_destination.py. The options come from the
 * environment; standard input is what is written. Prints "OK", or a status and its message, or what
 * was asked for.
 *
 *   azure_tool put | abort | leave NAME     write the part; and commit it, abort it, or just end
 *   azure_tool stat NAME BYTES | remove NAME | check
 *   azure_tool url NAME EXPIRES_US | until EXPIRES_US | flags
 */
#include <fhirexport/azure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/part.h"
#include "destination/destination.h"

#define STROKE 60000

static void give_token(void *user_data, fhx_reply *reply) {
  (void)user_data;
  fhx_reply_token(reply, getenv("TOKEN"), strtoll(getenv("TOKEN_EXPIRES_US"), NULL, 10));
}

static uint64_t number(const char *name) {
  const char *text = getenv(name);
  return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static int32_t make(fhx_destination **destination, fhx_error **error) {
  fhx_http_options http;
  fhx_azure_options options;
  FHX_INIT(&http);
  FHX_INIT(&options);
  http.ca_file = getenv("CA_FILE");
  http.flags = (uint32_t)number("HTTP_FLAGS");
  http.retry_us = (int64_t)number("RETRY_US");
  http.proxy = "";
  options.http = &http;
  options.flags = (uint32_t)number("FLAGS");
  options.connection_string = getenv("CONNECTION_STRING");
  options.container_url = getenv("CONTAINER_URL");
  options.account_url = getenv("ACCOUNT_URL");
  if (options.account_url != NULL) options.token = give_token;
  options.container = getenv("CONTAINER");
  options.prefix = getenv("PREFIX");
  options.piece_bytes = number("PIECE_BYTES");
  options.pieces_in_flight = (uint32_t)number("PIECES_IN_FLIGHT");
  return fhx_azure_destination_new(&options, destination, error);
}

static fhx_part part_of(const char *name, uint64_t byte_count) {
  fhx_part part;
  memset(&part, 0, sizeof part);
  snprintf(part.name, sizeof part.name, "%s", name);
  part.byte_count = byte_count;
  return part;
}

static int32_t write_part(fhx_destination *destination, const char *how, const char *name,
                          fhx_error **error) {
  static char stroke[STROKE];
  void *upload = NULL;
  uint64_t written = 0;
  int32_t status = fhx__destination_open(destination, name, &upload, error);
  if (status != FHX_OK) return status;
  for (size_t len = 1; status == FHX_OK && len > 0; written += len) {
    len = fread(stroke, 1, sizeof stroke, stdin);
    status = fhx__destination_write(destination, upload, stroke, len, error);
  }
  if (status == FHX_OK && strcmp(how, "leave") == 0) {
    puts("OK");
    fflush(stdout);
    _Exit(0);
  }
  if (status != FHX_OK || strcmp(how, "abort") == 0) {
    fhx__destination_abort(destination, upload);
    return status;
  }
  const fhx_part part = part_of(name, written);
  return fhx__destination_commit(destination, upload, &part, error);
}

static int32_t print_url(fhx_destination *destination, const char *name, int64_t expires_us,
                         fhx_error **error) {
  fhx__buffer url = {NULL, 0, 0};
  const fhx_part part = part_of(name, 1);
  int32_t status = fhx__destination_url(destination, &part, expires_us, &url, error);
  if (status == FHX_OK) printf("%.*s\n", (int)url.len, url.data);
  fhx__buffer_free(&url);
  return status;
}

static int32_t run(fhx_destination *destination, int count, char **arguments, fhx_error **error) {
  const char *command = arguments[1];
  const char *name = count > 2 ? arguments[2] : "";
  long long value = count > 3 ? strtoll(arguments[3], NULL, 10) : 0;
  if (strcmp(command, "remove") == 0) return fhx__destination_remove(destination, name, error);
  if (strcmp(command, "check") == 0) return fhx__destination_check(destination, 0, error);
  if (strcmp(command, "url") == 0) return print_url(destination, name, value, error);
  if (strcmp(command, "stat") == 0) {
    const fhx_part part = part_of(name, (uint64_t)value);
    return fhx__destination_stat(destination, &part, error);
  }
  if (strcmp(command, "flags") == 0) {
    printf("%u\n", fhx__destination_flags(destination));
    return FHX_OK;
  }
  return write_part(destination, command, name, error);
}

int main(int count, char **arguments) {
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  if (count < 2) return 2;
  int32_t status = make(&destination, &error);
  if (status == FHX_OK) status = run(destination, count, arguments, &error);
  fhx_destination_free(destination);
  if (status == FHX_OK) {
    puts("OK");
  } else {
    printf("%s%s: %s\n", fhx_status_name(status), fhx_error_retryable(error) ? " (retryable)" : "",
           fhx_error_message(error));
  }
  fhx_error_free(error);
  return 0;
}
