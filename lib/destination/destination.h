/* The plumbing of a destination: references, and one function for each callback. */
#ifndef FHX__DESTINATION_DESTINATION_H
#define FHX__DESTINATION_DESTINATION_H

#include <fhirexport/destination.h>

#include "core/buffer.h"
#include "core/part.h"
#include "core/reply.h"

/* Another reference; returns `destination`. */
fhx_destination *fhx__destination_ref(fhx_destination *destination);

/* FHX_DESTINATION_... */
uint32_t fhx__destination_flags(const fhx_destination *destination);

/* Errors of all functions: "the destination's part_open: <host's message>", with the host's status
   and retryable mark; FHX_ERR_NO_ANSWER, retryable, when there was no answer. */
int32_t fhx__destination_open(fhx_destination *destination, const char *name, void **upload,
                              fhx_error **error);
int32_t fhx__destination_write(fhx_destination *destination, void *upload, const void *data,
                               size_t len, fhx_error **error);
/* FHX_OK: committed. FHX_ERR_UNKNOWN_OUTCOME: it may be there. Any other: it is not there. */
int32_t fhx__destination_commit(fhx_destination *destination, void *upload, const fhx_part *part,
                                fhx_error **error);
void fhx__destination_abort(fhx_destination *destination, void *upload);
/* FHX_OK: an object with this part's size, and digest where both are known, is there.
   FHX_ERR_NOT_FOUND: definitely not. FHX_ERR_UNSUPPORTED: no such callback. Others: not known. An
   object of another size or digest is FHX_ERR_DESTINATION. */
int32_t fhx__destination_stat(fhx_destination *destination, const fhx_part *part,
                              fhx_error **error);
/* Appends the URL to *url, which stays as it was after a failure. */
int32_t fhx__destination_url(fhx_destination *destination, const fhx_part *part, int64_t expires_us,
                             fhx__buffer *url, fhx_error **error);
/* Whether a part could be written now; FHX_OK where the destination cannot tell. The answer is
   waited for until `until_us` by the monotonic clock; 0: as long as it takes. */
int32_t fhx__destination_check(fhx_destination *destination, int64_t until_us, fhx_error **error);
/* Until when URLs that are asked for now are good, if `expires_us` is asked for: *good_until_us is
   that or earlier. `until_us` as above. */
int32_t fhx__destination_urls_until(fhx_destination *destination, int64_t expires_us,
                                    int64_t until_us, int64_t *good_until_us, fhx_error **error);
/* Whether it has part_file, so that its parts can be read through the library. */
bool fhx__destination_serves_files(const fhx_destination *destination);
/* FHX_OK: *fd is the caller's, a regular file of *byte_count bytes. FHX_ERR_NOT_FOUND: there is
   definitely none. FHX_ERR_UNSUPPORTED: no such callback. */
int32_t fhx__destination_file(fhx_destination *destination, const char *name, int *fd,
                              uint64_t *byte_count, fhx_error **error);
/* Also of a document. */
int32_t fhx__destination_remove(fhx_destination *destination, const char *name, fhx_error **error);

/* Whether it has documents. */
bool fhx__destination_has_documents(const fhx_destination *destination);
int32_t fhx__document_put(fhx_destination *destination, const char *name, const void *data,
                          size_t len, const char *media_type, const char *cache_control,
                          fhx_error **error);
/* Appends the document to *text. FHX_ERR_NOT_FOUND: there is definitely none. */
int32_t fhx__document_get(fhx_destination *destination, const char *name, fhx__buffer *text,
                          fhx_error **error);

#endif
