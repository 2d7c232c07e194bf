/* Output to NDJSON files, plain or gzipped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "output.h"

#define BUFFER_BYTES (256 * 1024)

typedef struct file_output {
  struct output base;
  const char *folder;
  bool gzip;
  char path[4096];
  FILE *plain[TYPE_COUNT];
  gzFile zipped[TYPE_COUNT];
} file_output;

void output_complain(const char *what, const char *why) {
  fprintf(stderr, "fhirexport-generate: %s: %s\n", what, why);
}

static const char *reason(void) {
  if (errno == EEXIST) return "exists already; choose another folder, or remove it first";
  return errno != 0 ? strerror(errno) : "writing failed";
}

static bool set_path(file_output *files, resource_type type) {
  int len = snprintf(files->path, sizeof files->path, "%s/%s.ndjson%s", files->folder,
                     type_names[type], files->gzip ? ".gz" : "");
  if (len > 0 && (size_t)len < sizeof files->path) return true;
  output_complain(files->folder, "the name is too long");
  return false;
}

static bool open_type(file_output *files, resource_type type) {
  if (files->plain[type] != NULL || files->zipped[type] != NULL) return true;
  if (!set_path(files, type)) return false;
  errno = 0;
  if (files->gzip) {
    files->zipped[type] = gzopen(files->path, "wbx");
    if (files->zipped[type] != NULL) (void)gzbuffer(files->zipped[type], BUFFER_BYTES);
  } else {
    files->plain[type] = fopen(files->path, "wbx");
    if (files->plain[type] != NULL) (void)setvbuf(files->plain[type], NULL, _IOFBF, BUFFER_BYTES);
  }
  if (files->plain[type] != NULL || files->zipped[type] != NULL) return true;
  output_complain(files->path, reason());
  return false;
}

static bool put_line(struct output *base, const struct resource *resource) {
  file_output *files = (file_output *)base;
  const json_text *json = &resource->json;
  resource_type type = resource->type;
  if (!open_type(files, type)) return false;
  bool written = false;
  errno = 0;
  if (files->gzip) {
    written = gzwrite(files->zipped[type], json->data, (unsigned)json->len) == (int)json->len &&
              gzputc(files->zipped[type], '\n') == '\n';
  } else {
    written = fwrite(json->data, 1, json->len, files->plain[type]) == json->len &&
              putc('\n', files->plain[type]) == '\n';
  }
  if (!written && set_path(files, type)) output_complain(files->path, reason());
  return written;
}

static bool close_files(struct output *base) {
  file_output *files = (file_output *)base;
  bool closed = true;
  for (uint32_t type = 0; type < TYPE_COUNT; type++) {
    errno = 0;
    bool failed = (files->plain[type] != NULL && fclose(files->plain[type]) != 0) ||
                  (files->zipped[type] != NULL && gzclose(files->zipped[type]) != Z_OK);
    if (failed && set_path(files, type)) output_complain(files->path, reason());
    if (failed) closed = false;
  }
  free(files);
  return closed;
}

struct output *output_open_files(const char *folder, bool gzip) {
  file_output *files = calloc(1, sizeof *files);
  if (files == NULL) {
    output_complain(folder, "out of memory");
    return NULL;
  }
  files->base.put = put_line;
  files->base.close = close_files;
  files->folder = folder;
  files->gzip = gzip;
  return &files->base;
}
