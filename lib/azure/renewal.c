/* Who fetches, and who waits. */
#include "azure/renewal.h"

#include "core/clock.h"
#include "core/condition.h"
#include "core/error.h"

#define LOOK_US INT64_C(1000000)
/* After a failure the next attempt comes not before. */
#define PAUSE_US INT64_C(30000000)

bool fhx__azure_renewal_init(fhx__azure_renewal *renewal) {
  *renewal = (fhx__azure_renewal){.busy = false};
  if (pthread_mutex_init(&renewal->mutex, NULL) != 0) return false;
  if (fhx__condition_init(&renewal->changed) == 0) return true;
  pthread_mutex_destroy(&renewal->mutex);
  return false;
}

void fhx__azure_renewal_free(fhx__azure_renewal *renewal) {
  pthread_cond_destroy(&renewal->changed);
  pthread_mutex_destroy(&renewal->mutex);
}

/* Waits for the thread that fetches; false when the time is over. */
static bool wait_for_it(fhx__azure_renewal *renewal, int64_t until_us) {
  int64_t left_us = until_us == 0 ? LOOK_US : until_us - fhx__clock_monotonic_us();
  if (left_us <= 0) return false;
  fhx__condition_wait(&renewal->changed, &renewal->mutex, left_us < LOOK_US ? left_us : LOOK_US);
  return true;
}

int32_t fhx__azure_renewal_begin(fhx__azure_renewal *renewal, bool *mine, int64_t until_us,
                                 fhx_error **error) {
  bool in_time = true;
  *mine = false;
  pthread_mutex_lock(&renewal->mutex);
  while (in_time) {
    int64_t now_us = fhx__clock_now_us();
    bool is_good = now_us < renewal->good_until_us;
    if (is_good && (now_us < renewal->renew_us || renewal->busy)) break;
    if (!renewal->busy) {
      *mine = renewal->busy = true;
      break;
    }
    in_time = wait_for_it(renewal, until_us);
  }
  pthread_mutex_unlock(&renewal->mutex);
  if (in_time) return FHX_OK;
  return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                        "the credentials for the store were not there in time");
}

bool fhx__azure_renewal_end(fhx__azure_renewal *renewal, int64_t renew_us, int64_t good_until_us) {
  int64_t now_us = fhx__clock_now_us();
  if (good_until_us > 0) {
    renewal->renew_us = renew_us;
    renewal->good_until_us = good_until_us;
  } else {
    renewal->renew_us = now_us + PAUSE_US;
  }
  renewal->busy = false;
  pthread_cond_broadcast(&renewal->changed);
  return now_us < renewal->good_until_us;
}
