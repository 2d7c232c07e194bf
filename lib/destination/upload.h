/*
 * One part on its way into a folder: written under the temporary name `.<name>.tmp`, made durable,
 * and only then given its own name.
 */
#ifndef FHX__DESTINATION_UPLOAD_H
#define FHX__DESTINATION_UPLOAD_H

#include <fhirexport/error.h>
#include <stdbool.h>

#include "core/names.h"

#define FHX__TEMPORARY_NAME_MAX 255

typedef struct fhx__upload fhx__upload;

/*
 * The temporary name of the part whose last segment is `leaf`. FHX_ERR_ARGUMENT when it is longer
 * than a file system takes.
 */
int32_t fhx__temporary_name(char temporary[FHX__TEMPORARY_NAME_MAX + 1], const char *leaf,
                            fhx_error **error);

/* Begins the part `name` below `base`; `readable`: for everybody on the machine. FHX_ERR_EXISTS
   when it, or an upload of it, exists. */
int32_t fhx__upload_begin(int base, const char *name, bool readable, fhx__upload **upload,
                          fhx_error **error);

/* Appends `len` bytes. After a failure only fhx__upload_abort makes sense. */
int32_t fhx__upload_write(fhx__upload *upload, const void *data, size_t len, fhx_error **error);

/*
 * Makes the part, which must be `byte_count` bytes long, durable and visible, and frees the upload.
 * FHX_ERR_UNKNOWN_OUTCOME: it may be there. Any other failure: it is not there, and never will be.
 */
int32_t fhx__upload_commit(int base, fhx__upload *upload, uint64_t byte_count, fhx_error **error);

/* Removes what was written and frees the upload. */
void fhx__upload_abort(int base, fhx__upload *upload);

#endif
