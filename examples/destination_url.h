/*
 * Where exported files go, as a text on a command line:
 *
 *   file:DIR
 *   s3://BUCKET[/PREFIX][?endpoint=URL][&region=R][&style=path|host][&ca=FILE]
 *   azure-blob://CONTAINER[/PREFIX][?ca=FILE]
 *
 * No secret is ever a part of it. Those of S3 are found as fhirexport/s3.h says; Azure's connection
 * string is in AZURE_STORAGE_CONNECTION_STRING, or the URL of the container with a SAS in
 * AZURE_STORAGE_SAS_URL, which then has to be of the same container.
 */
#ifndef DESTINATION_URL_H
#define DESTINATION_URL_H

#include <fhirexport/fhirexport.h>
#include <stdbool.h>

enum destination_kind { DESTINATION_FILE, DESTINATION_S3, DESTINATION_AZURE };

struct destination_url {
  enum destination_kind kind;
  /* The folder, the bucket or the container. */
  const char *place;
  /* NULL: not given. */
  const char *prefix;
  const char *endpoint;
  const char *region;
  const char *ca_file;
  bool host_style;
  /* Not in the text: `Cache-Control` of parts in a bucket or a container; NULL: none. */
  const char *cache_control;
  /* Likewise: files of a folder can be read by everybody on the machine. */
  bool readable;
  /* What the texts above are in. */
  char *text;
};

/* Takes the text apart. false: `*problem` is a phrase that says what is wrong. In either case
   destination_url_free. */
bool destination_url_read(struct destination_url *url, const char *text, const char **problem);
/* Makes the destination; the folder too, if it is missing. */
int32_t destination_url_open(const struct destination_url *url, fhx_destination **destination,
                             fhx_error **error);
void destination_url_free(struct destination_url *url);

#endif
