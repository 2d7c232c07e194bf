/*
 * The S3 destination from a command line, for tests against a real store.
 *
 *   s3_put [--OPTION VALUE]... [--FLAG]... VERB ARGUMENT...
 *
 *   write PREFIX BYTES PART_BYTES   resources through a writer; prints each part's name, stored
 *                                   length, SHA-256 and URL
 *   leave NAME BYTES                begins a part and ends without a commit or an abort
 *   abort NAME BYTES                begins a part and aborts it
 *   put NAME BYTES                  begins a part and commits it
 *   stat NAME BYTES, url NAME SECONDS, remove NAME, check
 *
 * A failure is printed as "STATUS message", with exit code 1. Credentials come from where the
 * library looks for them.
 */
#include <fhirexport/fhirexport.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/names.h"
#include "destination/destination.h"

typedef struct setting {
  fhx_s3_options s3;
  fhx_http_options http;
  uint32_t writer_flags;
} setting;

static int complain(int32_t status, fhx_error *error) {
  printf("%s %s\n", fhx_status_name(status), fhx_error_message(error));
  fhx_error_free(error);
  return 1;
}

/* --- the command line --- */

static bool take_flag(setting *with, const char *name) {
  static const struct {
    const char *name;
    uint32_t flag;
  } flags[] = {{"--virtual-host", FHX_S3_VIRTUAL_HOST},
               {"--unsigned", FHX_S3_UNSIGNED_PAYLOAD},
               {"--bucket-ends-uploads", FHX_S3_BUCKET_ENDS_UPLOADS},
               {"--replaces", FHX_S3_REPLACES}};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    if (strcmp(flags[i].name, name) == 0) {
      with->s3.flags |= flags[i].flag;
      return true;
    }
  }
  if (strcmp(name, "--no-thread") == 0) {
    with->http.flags = FHX_HTTP_NO_THREAD;
  } else if (strcmp(name, "--gzip") == 0) {
    with->writer_flags |= FHX_WRITER_GZIP;
  } else {
    return false;
  }
  return true;
}

static bool take_option(setting *with, const char *name, const char *value) {
  const struct {
    const char *name;
    const char **place;
  } texts[] = {{"--bucket", &with->s3.bucket},
               {"--prefix", &with->s3.prefix},
               {"--region", &with->s3.region},
               {"--endpoint", &with->s3.endpoint},
               {"--storage-class", &with->s3.storage_class},
               {"--tags", &with->s3.tags},
               {"--ca-file", &with->http.ca_file}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (strcmp(texts[i].name, name) == 0) {
      *texts[i].place = value;
      return true;
    }
  }
  if (strcmp(name, "--piece-bytes") == 0) {
    with->s3.piece_bytes = strtoull(value, NULL, 10);
  } else if (strcmp(name, "--pieces") == 0) {
    with->s3.pieces_in_flight = (uint32_t)strtoul(value, NULL, 10);
  } else if (strcmp(name, "--retry-us") == 0) {
    with->http.retry_us = strtoll(value, NULL, 10);
  } else {
    return false;
  }
  return true;
}

/* --- writing --- */

/* Letters that do not compress well, from a generator that always begins the same. */
static size_t make_resource(char *text, size_t capacity, uint64_t number, uint64_t *seed) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  int head =
      snprintf(text, capacity,
               "{\"resourceType\":\"Basic\",\"id\":\"b%" PRIu64 "\",\"language\":\"", number);
  size_t len = (size_t)head;
  while (len < capacity - 3) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    text[len++] = letters[*seed >> 58];
  }
  text[len++] = '"';
  text[len++] = '}';
  return len;
}

static int32_t print_part(fhx_destination *destination, const fhx_part *part, fhx_error **error) {
  fhx__buffer url = {NULL, 0, 0};
  char sum[65];
  fhx__hex(sum, fhx_part_sha256(part), 32);
  int32_t status = fhx__destination_url(destination, part, 0, &url, error);
  if (status == FHX_OK) {
    printf("%s %" PRIu64 " %s %.*s\n", fhx_part_name(part), fhx_part_stored_byte_count(part), sum,
           (int)url.len, url.data);
  }
  fhx__buffer_free(&url);
  return status;
}

static int32_t write_parts(const setting *with, fhx_destination *destination, char **argument,
                           fhx_error **error) {
  static char resource[8192];
  uint64_t wanted = strtoull(argument[1], NULL, 10), written = 0, seed = 1;
  fhx_writer *writer = NULL;
  fhx_writer_options options;
  FHX_INIT(&options);
  options.flags = FHX_WRITER_SHA256 | with->writer_flags;
  options.resource_type = "Basic";
  options.name_prefix = argument[0];
  options.part_bytes = strtoull(argument[2], NULL, 10);
  int32_t status = fhx_writer_new(&options, destination, &writer, error);
  for (uint64_t i = 0; status == FHX_OK && written < wanted; i++) {
    size_t room = wanted - written < sizeof resource ? (size_t)(wanted - written) : sizeof resource;
    size_t len = make_resource(resource, room < 128 ? 128 : room, i, &seed);
    status = fhx_writer_append(writer, resource, len, error);
    written += len + 1;
  }
  if (status == FHX_OK) status = fhx_writer_finish(writer, error);
  for (uint64_t i = 0; status == FHX_OK && i < fhx_writer_part_count(writer); i++) {
    status = print_part(destination, fhx_writer_part(writer, i), error);
  }
  fhx_writer_free(writer);
  return status;
}

typedef enum ending { ENDING_NONE, ENDING_ABORT, ENDING_COMMIT } ending;

static int32_t write_zeros(fhx_destination *destination, char **argument, ending how,
                           fhx_error **error) {
  static const char zeros[65536];
  fhx_part part;
  void *upload = NULL;
  uint64_t left = strtoull(argument[1], NULL, 10);
  memset(&part, 0, sizeof part);
  snprintf(part.name, sizeof part.name, "%s", argument[0]);
  part.byte_count = left;
  int32_t status = fhx__destination_open(destination, argument[0], &upload, error);
  while (status == FHX_OK && left > 0) {
    size_t len = left < sizeof zeros ? (size_t)left : sizeof zeros;
    status = fhx__destination_write(destination, upload, zeros, len, error);
    left -= len;
  }
  if (upload == NULL) return status;
  if (how == ENDING_ABORT || status != FHX_OK) fhx__destination_abort(destination, upload);
  if (how == ENDING_COMMIT && status == FHX_OK) {
    status = fhx__destination_commit(destination, upload, &part, error);
  }
  return status;
}

/* --- the other verbs --- */

static int32_t print_url(fhx_destination *destination, char **argument, fhx_error **error) {
  fhx_part part;
  fhx__buffer url = {NULL, 0, 0};
  memset(&part, 0, sizeof part);
  snprintf(part.name, sizeof part.name, "%s", argument[0]);
  int64_t until_us = fhx__clock_now_us() + strtoll(argument[1], NULL, 10) * 1000000;
  int32_t status = fhx__destination_url(destination, &part, until_us, &url, error);
  if (status == FHX_OK) printf("%.*s\n", (int)url.len, url.data);
  fhx__buffer_free(&url);
  return status;
}

static int32_t print_stat(fhx_destination *destination, char **argument, fhx_error **error) {
  fhx_part part;
  memset(&part, 0, sizeof part);
  snprintf(part.name, sizeof part.name, "%s", argument[0]);
  part.byte_count = strtoull(argument[1], NULL, 10);
  int32_t status = fhx__destination_stat(destination, &part, error);
  if (status == FHX_OK) printf("there\n");
  return status;
}

static int32_t act(const setting *with, fhx_destination *destination, char **verb, int count,
                   fhx_error **error) {
  char **argument = verb + 1;
  if (strcmp(verb[0], "write") == 0 && count == 4) {
    return write_parts(with, destination, argument, error);
  }
  if (strcmp(verb[0], "leave") == 0 && count == 3) {
    int32_t status = write_zeros(destination, argument, ENDING_NONE, error);
    fflush(stdout);
    /* As a process ends that is killed. */
    if (status == FHX_OK) _Exit(0);
    return status;
  }
  if (strcmp(verb[0], "abort") == 0 && count == 3) {
    return write_zeros(destination, argument, ENDING_ABORT, error);
  }
  if (strcmp(verb[0], "put") == 0 && count == 3) {
    return write_zeros(destination, argument, ENDING_COMMIT, error);
  }
  if (strcmp(verb[0], "url") == 0 && count == 3) return print_url(destination, argument, error);
  if (strcmp(verb[0], "stat") == 0 && count == 3) return print_stat(destination, argument, error);
  if (strcmp(verb[0], "remove") == 0 && count == 2) {
    return fhx__destination_remove(destination, argument[0], error);
  }
  if (strcmp(verb[0], "check") == 0) return fhx__destination_check(destination, 0, error);
  printf("ARGUMENT no such verb\n");
  return FHX_ERR_ARGUMENT;
}

int main(int argc, char **argv) {
  setting with;
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  int at = 1;
  memset(&with, 0, sizeof with);
  FHX_INIT(&with.s3);
  FHX_INIT(&with.http);
  for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
    if (take_flag(&with, argv[at])) continue;
    if (at + 1 == argc || !take_option(&with, argv[at], argv[at + 1])) {
      printf("ARGUMENT %s\n", argv[at]);
      return 2;
    }
    at++;
  }
  if (at == argc) return 2;
  with.s3.http = &with.http;
  int32_t status = fhx_s3_destination_new(&with.s3, &destination, &error);
  if (status == FHX_OK) status = act(&with, destination, argv + at, argc - at, &error);
  fhx_destination_free(destination);
  return status == FHX_OK ? 0 : complain(status, error);
}
