/* Creating a job that no other is joined to: what most tests of a store begin with. */
#ifndef TEST_UNIT_STORE_CREATE_H
#define TEST_UNIT_STORE_CREATE_H

#include "store/store.h"

static inline int32_t store_create_job(fhx_store *store, const fhx_job_record *given,
                                       fhx_error **error) {
  char joined[FHX__JOB_ID_LEN + 1];
  fhx_job_record record = *given;
  record.identity = NULL;
  return fhx__store_join_job(store, &record, joined, error);
}

#endif
