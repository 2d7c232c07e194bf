/*
 * Where the resources of a folder stand: made for a type whose resources are asked for one by one
 * again and again, as targets of Provenances are. Any thread.
 */
#ifndef FHX__SOURCE_FOLDER_INDEX_H
#define FHX__SOURCE_FOLDER_INDEX_H

#include "core/buffer.h"
#include "source/folder_files.h"

typedef struct fhx__folder_index fhx__folder_index;

/* Both are borrowed. FHX_ERR_NO_MEMORY. */
int32_t fhx__folder_index_new(int folder_fd, const fhx__folder_files *list,
                              fhx__folder_index **index, fhx_error **error);
/* NULL is harmless. */
void fhx__folder_index_free(fhx__folder_index *index);

/*
 * FHX_OK: `line` is the resource's, as it stands in the file. FHX_END: there is none.
 * FHX_ERR_UNSUPPORTED, without an error: it is not known here, the files have to be read.
 */
int32_t fhx__folder_index_find(fhx__folder_index *index, const char *resource_type, const char *id,
                               fhx__buffer *line);

/* Whether a line is this resource. One with a fault is it all the same if it says so; what is wrong
   with it is the caller's to see. */
bool fhx__folder_is_resource(const char *line, size_t len, const char *resource_type,
                             const char *id);

#endif
