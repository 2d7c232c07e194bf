/* Stands in for the SQLite store where the library is built without it. A job or an engine that is
   given no store asks for this one. */
#include <fhirexport/store.h>

#include "core/error.h"

int32_t fhx_sqlite_store_new(const fhx_sqlite_store_options *options, fhx_store **store,
                             fhx_error **error) {
  (void)options;
  if (store != NULL) *store = NULL;
  return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                   "this library was built without the SQLite store, in memory or in a file");
}
