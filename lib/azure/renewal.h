/* Something with an end that is fetched anew in time: by one thread, while the others go on with
   what is still good, or wait. */
#ifndef FHX__AZURE_RENEWAL_H
#define FHX__AZURE_RENEWAL_H

#include <fhirexport/error.h>
#include <pthread.h>
#include <stdbool.h>

typedef struct fhx__azure_renewal {
  /* Guards what is fetched, too. */
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool busy;
  /* By the system's clock: from when on it is fetched anew, and until when it is good; 0: there is
     none. */
  int64_t renew_us;
  int64_t good_until_us;
} fhx__azure_renewal;

/* False without memory. */
bool fhx__azure_renewal_init(fhx__azure_renewal *renewal);
void fhx__azure_renewal_free(fhx__azure_renewal *renewal);

/*
 * FHX_OK: what there is can be used; and with *mine the caller has to fetch it first, without the
 * mutex, and then to call _end. Waits for another thread until `until_us` by the monotonic clock
 * (0: as long as it takes): FHX_ERR_DESTINATION, retryable.
 */
int32_t fhx__azure_renewal_begin(fhx__azure_renewal *renewal, bool *mine, int64_t until_us,
                                 fhx_error **error);
/* With the mutex: what was fetched has been stored and is good until then; 0: it could not be
   fetched. Whether there is something good. */
bool fhx__azure_renewal_end(fhx__azure_renewal *renewal, int64_t renew_us, int64_t good_until_us);

#endif
