/* The list of a folder's NDJSON files. */
#ifndef FHX__SOURCE_FOLDER_FILES_H
#define FHX__SOURCE_FOLDER_FILES_H

#include <fhirexport/error.h>
#include <stdbool.h>

#include "core/names.h"

typedef struct fhx__folder_file {
  char *name;
  char resource_type[FHX__TYPE_MAX + 1];
  bool gzip;
  uint64_t byte_count;
} fhx__folder_file;

/* A zeroed one is empty. */
typedef struct fhx__folder_files {
  /* In ascending byte order of name, which keeps the files of a type together. */
  fhx__folder_file *files;
  size_t count;
  size_t capacity;
} fhx__folder_files;

/* Some of the files: from `begin`, before `end`. */
typedef struct fhx__file_range {
  size_t begin;
  size_t end;
} fhx__file_range;

/* Reads the folder behind `folder_fd`. FHX_ERR_NOT_FOUND, FHX_ERR_DENIED, FHX_ERR_IO or
   FHX_ERR_NO_MEMORY. */
int32_t fhx__folder_files_read(fhx__folder_files *list, int folder_fd, fhx_error **error);
void fhx__folder_files_free(fhx__folder_files *list);

/* The files of a type, none if there are none. */
fhx__file_range fhx__folder_files_of_type(const fhx__folder_files *list, const char *resource_type);

/* The position within `range` of the file of this name. */
bool fhx__folder_files_find(const fhx__folder_files *list, fhx__file_range range, const char *name,
                            size_t name_len, size_t *position);

#endif
