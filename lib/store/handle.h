/* What a store's handle holds; for store.c and steps.c only. */
#ifndef FHX__STORE_HANDLE_H
#define FHX__STORE_HANDLE_H

#include <fhirexport/store.h>
#include <stdatomic.h>

struct fhx_store {
  atomic_size_t references;
  fhx_store_callbacks callbacks;
  void *user_data;
};

#endif
