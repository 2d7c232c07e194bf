/* The handle of a store: its references, and the structures that come in. What the callbacks answer
   is in records.c, the steps that call them are in steps.c. */
#include "store/store.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/structs.h"
#include "store/handle.h"

FHX__DEFINE_INIT(fhx_job_record)
FHX__DEFINE_INIT(fhx_task_record)
FHX__DEFINE_INIT(fhx_part_record)
FHX__DEFINE_INIT(fhx_attempt_record)
FHX__DEFINE_INIT(fhx_store_callbacks)
FHX__DEFINE_INIT(fhx_sqlite_store_options)
FHX__DEFINE_INIT(fhx_postgres_store_options)

static bool has_all_callbacks(const fhx_store_callbacks *callbacks) {
  return callbacks->create_job != NULL && callbacks->read_job != NULL &&
         callbacks->claim_task != NULL && callbacks->renew_task != NULL &&
         callbacks->plan_tasks != NULL && callbacks->record_checkpoint != NULL &&
         callbacks->release_task != NULL && callbacks->read_task != NULL &&
         callbacks->remove_job != NULL && callbacks->list_parts != NULL &&
         callbacks->list_lines != NULL && callbacks->list_attempts != NULL &&
         callbacks->clean_job != NULL && callbacks->next_cleanup != NULL &&
         callbacks->add_members != NULL && callbacks->list_members != NULL;
}

/* The host's destroy, also out of a structure that is refused, as long as it is long enough. */
static fhx_store_destroy_callback destroy_of(const fhx_store_callbacks *given) {
  fhx_store_destroy_callback destroy = NULL;
  const size_t end = offsetof(fhx_store_callbacks, destroy) + sizeof destroy;
  if (given != NULL && given->size >= end) destroy = given->destroy;
  return destroy;
}

static int32_t make_store(const fhx_store_callbacks *given, void *user_data, fhx_store **store,
                          fhx_error **error) {
  fhx_store_callbacks callbacks;
  int32_t status =
      fhx__struct_in(&callbacks, sizeof callbacks, given, "fhx_store_callbacks", error);
  if (status != FHX_OK) return status;
  if (store == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "store is NULL");
  if (!has_all_callbacks(&callbacks)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a store needs every callback that is not optional");
  }
  if ((callbacks.add_page == NULL) != (callbacks.list_page == NULL)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a store has both add_page and list_page, or neither");
  }
  fhx_store *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  atomic_init(&made->references, 1);
  made->callbacks = callbacks;
  made->user_data = user_data;
  *store = made;
  return FHX_OK;
}

int32_t fhx_store_new(const fhx_store_callbacks *callbacks, void *user_data, fhx_store **store,
                      fhx_error **error) {
  if (store != NULL) *store = NULL;
  int32_t status = make_store(callbacks, user_data, store, error);
  fhx_store_destroy_callback destroy = destroy_of(callbacks);
  if (status != FHX_OK && destroy != NULL) destroy(user_data);
  return status;
}

fhx_store *fhx__store_ref(fhx_store *store) {
  atomic_fetch_add_explicit(&store->references, 1, memory_order_relaxed);
  return store;
}

void fhx__store_view(fhx_store *store, int64_t until_us, fhx_store *view) {
  memset(view, 0, sizeof *view);
  view->callbacks = store->callbacks;
  view->user_data = store->user_data;
  view->until_us = until_us;
  view->origin = store;
}

void fhx__store_note_lost(fhx_store *store) {
  fhx_store *noted = store->origin == NULL ? store : store->origin;
  atomic_fetch_add_explicit(&noted->answers_lost, 1, memory_order_relaxed);
}

uint64_t fhx__store_answers_lost(const fhx_store *store) {
  return atomic_load_explicit(&store->answers_lost, memory_order_relaxed);
}

bool fhx__store_has_pages(const fhx_store *store) {
  return store->callbacks.add_page != NULL && store->callbacks.list_page != NULL;
}

bool fhx__store_has_holds(const fhx_store *store) {
  return store->callbacks.hold_job != NULL;
}

bool fhx__store_has_job_lists(const fhx_store *store) {
  return store->callbacks.list_jobs != NULL;
}

void fhx_store_free(fhx_store *store) {
  if (store == NULL) return;
  /* Whoever drops the last reference must see everything that the others did before. */
  if (atomic_fetch_sub_explicit(&store->references, 1, memory_order_acq_rel) != 1) return;
  if (store->callbacks.destroy != NULL) store->callbacks.destroy(store->user_data);
  fhx__free(store);
}
