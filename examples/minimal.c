/*
 * The smallest export: the Patients of an array go to a folder ("export", or the one named), the
 * manifest to stdout. A host writes three callbacks: open, next, close. What is asked of them they
 * may ignore, as these do with the type: the library leaves out what does not belong in the export.
 */
#include <fhirexport/fhirexport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const resources[] = {
    "{\"resourceType\": \"Patient\", \"id\": \"p1\", \"name\": [{\"family\": \"Müller\"}]}",
    "{\"resourceType\": \"Patient\", \"id\": \"p2\", \"birthDate\": \"1974-12-25\"}",
    "{\"resourceType\": \"Observation\", \"id\": \"o1\",\n  \"valueQuantity\": {\"value\": 1.10}}"};

/* A cursor is a position in the array. Several may be open at once, in different threads. */
static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)user_data, (void)query;
  size_t *position = calloc(1, sizeof *position);
  if (position == NULL) return;         /* a callback without an answer has failed */
  fhx_reply_handle(reply, position, 0); /* 0: nothing of the query is applied here */
}

/* One resource at a time; a database would give as many as fit in `want_bytes`. */
static void next_rows(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  (void)user_data, (void)want_bytes;
  size_t *position = cursor;
  if (*position == sizeof resources / sizeof *resources) {
    fhx_reply_end(reply);
    return;
  }
  const char *resource = resources[(*position)++];
  fhx_reply_rows(reply, resource, strlen(resource), 1, NULL, NULL, NULL, 0);
}

static void close_cursor(void *user_data, void *cursor) {
  (void)user_data;
  free(cursor);
}

int main(int argc, char **argv) {
  fhx_source_callbacks source = {.size = sizeof source,
                                 .open_cursor = open_cursor,
                                 .next_rows = next_rows,
                                 .close_cursor = close_cursor};
  fhx_directory_options folder = {.size = sizeof folder, .path = argc > 1 ? argv[1] : "export"};
  (void)mkdir(folder.path, 0700); /* if this fails, the destination says why */

  /* Each step returns FHX_OK, or else something negative and an error that says why. */
  fhx_error *error = NULL;
  fhx_filter *filter = NULL;
  fhx_job *job = NULL;
  fhx_manifest *manifest = NULL;
  fhx_job_options options = {.size = sizeof options, .settle_us = -1}; /* the array stays as is */
  int32_t status = fhx_source_new(&source, NULL, &options.source, &error);
  if (!status) status = fhx_directory_destination_new(&folder, &options.destination, &error);
  if (!status) status = fhx_filter_new(&filter, &error);
  if (!status) status = fhx_filter_add_type(filter, "Patient", &error);
  options.filter = filter;
  if (!status) status = fhx_job_start(&options, &job, &error);
  if (!status) status = fhx_job_run(job, &error);
  if (!status) status = fhx_manifest_new(job, &manifest, &error);
  char text[4096];
  for (size_t len = 0; !status;) {
    status = fhx_manifest_read(manifest, text, sizeof text, &len, &error);
    if (!status) fwrite(text, 1, len, stdout);
  }
  if (status == FHX_END) puts(""); /* the end of the manifest */
  if (status < 0) fprintf(stderr, "minimal: %s\n", fhx_error_message(error));

  fhx_manifest_free(manifest); /* in any order; NULL is harmless */
  fhx_job_free(job);
  fhx_filter_free(filter);
  fhx_destination_free(options.destination);
  fhx_source_free(options.source);
  fhx_error_free(error);
  return status < 0 ? 1 : 0;
}
