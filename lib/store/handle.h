/* What a store's handle holds; for store.c and the steps only. */
#ifndef FHX__STORE_HANDLE_H
#define FHX__STORE_HANDLE_H

#include <fhirexport/store.h>
#include <stdatomic.h>

struct fhx_store {
  atomic_size_t references;
  fhx_store_callbacks callbacks;
  void *user_data;
  /* Of a view: until when its steps wait for an answer, by the monotonic clock. 0: as long as it
     takes. */
  int64_t until_us;
  /* Of a view: the store that it is one of. Answers of that one that were lost, and the steps so
     asked for again. */
  fhx_store *origin;
  atomic_uint_least64_t answers_lost;
};

/* An answer was lost; `store` may be a view. */
void fhx__store_note_lost(fhx_store *store);

/* The same store with less patience. It is for calls of steps alone, and ends with its scope: the
   store must outlive it, and nobody may have a reference to it. */
void fhx__store_view(fhx_store *store, int64_t until_us, fhx_store *view);

#endif
