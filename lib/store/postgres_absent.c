/* Stands in for the PostgreSQL store where the library is built without it. */
#include <fhirexport/store.h>

#include "core/error.h"

int32_t fhx_postgres_store_new(const fhx_postgres_store_options *options, fhx_store **store,
                               fhx_error **error) {
  (void)options;
  if (store != NULL) *store = NULL;
  return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                   "this library was built without the PostgreSQL store");
}
