/* One part on its way into a container: a single Put Blob, or blocks that go out beside each other
   while the next is filled, and then their list. It is one caller's at a time. */
#ifndef FHX__AZURE_UPLOAD_H
#define FHX__AZURE_UPLOAD_H

#include "azure/store.h"

typedef struct fhx__azure_upload fhx__azure_upload;

/* Nothing is asked of the store; the host is for a token. */
int32_t fhx__azure_upload_begin(fhx__azure *azure, const char *name, fhx__azure_upload **upload,
                                fhx_error **error);
/* Takes over all bytes; waits where every block is under way. On any thread, and never calls the
   host. After a failure only fhx__azure_upload_abort makes sense. */
int32_t fhx__azure_upload_write(fhx__azure_upload *upload, const void *data, size_t len,
                                fhx_error **error);
/* Makes the blob of `byte_count` bytes. FHX_ERR_UNKNOWN_OUTCOME: it may be there; any other
   failure: it is not there and never will be. The upload is gone afterwards. */
int32_t fhx__azure_upload_commit(fhx__azure_upload *upload, uint64_t byte_count, fhx_error **error);
/* Forgets it all, in bounded time. The upload is gone afterwards. */
void fhx__azure_upload_abort(fhx__azure_upload *upload);

#endif
