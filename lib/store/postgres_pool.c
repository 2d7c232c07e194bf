/* The store's connections: taken for a step, and made ready for this store where they are new. */
#include "store/postgres_store.h"

/* A connection that is lost before it is settled was never had. */
static bool settle_new(fhx__pg_step *step) {
  if (fhx__pg_settle(step)) return true;
  if (step->fault == FHX__PG_FAULT_LOST) step->fault = FHX__PG_FAULT_CONNECT;
  fhx__pg_clear(step);
  fhx__libpq_pool_return(&step->store->pool, step->link, false);
  step->link = NULL;
  return false;
}

bool fhx__pg_take_link(fhx__pg_step *step) {
  switch (fhx__libpq_pool_take(&step->store->pool, step->patient_until_us,
                               step->until_us + FHX__PG_GRACE_US, &step->link, step->sqlstate)) {
    case FHX__LIBPQ_IDLE:
      return true;
    case FHX__LIBPQ_NEW:
      return settle_new(step);
    case FHX__LIBPQ_OUT_OF_MEMORY:
      fhx__pg_note(step, FHX__PG_FAULT_MEMORY);
      return false;
    case FHX__LIBPQ_CROWDED:
      fhx__pg_note(step, FHX__PG_FAULT_CROWDED);
      return false;
    default:
      fhx__pg_note(step, FHX__PG_FAULT_CONNECT);
      return false;
  }
}

void fhx__pg_return_link(fhx__pg_step *step, bool is_usable) {
  fhx__libpq_pool_return(&step->store->pool, step->link, is_usable);
  step->link = NULL;
  if (!is_usable) fhx__libpq_pool_close_idle(&step->store->pool);
}
