/* Stands in for the SQLite source where the library is built without it. */
#include <fhirexport/source.h>

#include "core/error.h"

int32_t fhx_sqlite_source_new(const fhx_sqlite_source_options *options, fhx_source **source,
                              fhx_error **error) {
  (void)options;
  if (source != NULL) *source = NULL;
  return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                   "this library was built without the SQLite source");
}
