/* A transport's life, and how its transfers are begun, waited for and given up. */
#include "transport/transport.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/condition.h"
#include "core/encode.h"
#include "core/structs.h"
#include "core/thread.h"
#include "transport/work.h"

#define SECOND_US INT64_C(1000000)
/* A turn is not longer without a reason: what is new wakes it. */
#define TURN_US (60 * SECOND_US)
/* Times that are added to others; nobody waits longer. */
#define LONGEST_US (1000000 * SECOND_US)

/* libcurl is made ready once, and for good: a host may use it too, and know nothing of us. */
static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_code;

static void begin_globally(void) {
  global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* --- its life --- */

static int64_t or_default(int64_t value, int64_t otherwise) {
  return value == 0 ? otherwise : value;
}

static int64_t time_or_default(int64_t time_us, int64_t seconds) {
  int64_t wanted_us = or_default(time_us, seconds * SECOND_US);
  return wanted_us < LONGEST_US ? wanted_us : LONGEST_US;
}

static int32_t read_options(fhx__transport *transport, const fhx_http_options *given,
                            fhx_error **error) {
  fhx_http_options *options = &transport->options;
  if (given != NULL) {
    int32_t status = fhx__struct_in(options, sizeof *options, given, "fhx_http_options", error);
    if (status != FHX_OK) return status;
  }
  if ((options->flags & ~FHX_HTTP_NO_THREAD) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "the flags of fhx_http_options are not known");
  }
  if (options->connect_us < 0 || options->stall_us < 0 || options->request_us < 0 ||
      options->retry_us < 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a time of fhx_http_options is below 0");
  }
  options->connect_us = time_or_default(options->connect_us, 10);
  options->stall_us = time_or_default(options->stall_us, 30);
  options->request_us = time_or_default(options->request_us, 600);
  options->retry_us = time_or_default(options->retry_us, 300);
  options->retries_max = (uint32_t)or_default(options->retries_max, 500);
  options->connections_max = (uint32_t)or_default(options->connections_max, 64);
  return FHX_OK;
}

/* The texts, and nothing of the caller's memory any more. */
static int32_t copy_texts(fhx__transport *transport, fhx_error **error) {
  fhx_http_options *options = &transport->options;
  if (options->ca_file != NULL) transport->ca_file = fhx__copy_text(options->ca_file);
  if (options->proxy != NULL) transport->proxy = fhx__copy_text(options->proxy);
  bool copied = (transport->ca_file != NULL) == (options->ca_file != NULL) &&
                (transport->proxy != NULL) == (options->proxy != NULL);
  int32_t status = copied ? fhx__guard_init(&transport->guard, options->allowed_hosts,
                                            options->allowed_host_count, error)
                          : fhx__no_memory(error);
  options->ca_file = NULL;
  options->proxy = NULL;
  options->allowed_hosts = NULL;
  return status;
}

static int32_t open_multi(fhx__transport *transport, fhx_error **error) {
  long most = transport->options.connections_max > INT32_MAX
                  ? INT32_MAX
                  : (long)transport->options.connections_max;
  pthread_once(&global_once, begin_globally);
  if (global_code != CURLE_OK) {
    return fhx__fail(error, FHX_ERR_INTERNAL, "libcurl cannot be made ready");
  }
  transport->multi = curl_multi_init();
  if (transport->multi == NULL) return fhx__no_memory(error);
  curl_multi_setopt(transport->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
  curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, most);
  curl_multi_setopt(transport->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
  return FHX_OK;
}

static void release(fhx__transport *transport) {
  fhx__pipe_shield shield;
  fhx__pipe_shield_raise(&shield);
  if (transport->multi != NULL) curl_multi_cleanup(transport->multi);
  fhx__pipe_shield_lower(&shield);
  fhx__guard_free(&transport->guard);
  fhx__wipe_text(transport->proxy);
  fhx__free(transport->ca_file);
  fhx__free(transport);
}

int32_t fhx__transport_new(const fhx_http_options *options, fhx__transport **transport,
                           fhx_error **error) {
  fhx__transport *made = fhx__alloc_zeroed(1, sizeof *made);
  *transport = NULL;
  if (made == NULL) return fhx__no_memory(error);
  int32_t status = read_options(made, options, error);
  if (status == FHX_OK) status = copy_texts(made, error);
  if (status == FHX_OK) status = open_multi(made, error);
  if (status == FHX_OK && pthread_mutex_init(&made->mutex, NULL) != 0) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK && fhx__condition_init(&made->changed) != 0) {
    pthread_mutex_destroy(&made->mutex);
    status = fhx__no_memory(error);
  }
  if (status != FHX_OK) {
    release(made);
    return status;
  }
  *transport = made;
  return FHX_OK;
}

void fhx__transport_free(fhx__transport *transport) {
  if (transport == NULL) return;
  pthread_mutex_lock(&transport->mutex);
  transport->ends = true;
  pthread_cond_broadcast(&transport->changed);
  pthread_mutex_unlock(&transport->mutex);
  if (transport->has_thread) pthread_join(transport->thread, NULL);
  pthread_cond_destroy(&transport->changed);
  pthread_mutex_destroy(&transport->mutex);
  release(transport);
}

int32_t fhx__transport_check_url(const fhx__transport *transport, const char *url,
                                 fhx_error **error) {
  return fhx__guard_check_url(&transport->guard, url, error);
}

/* --- who drives --- */

static void *run(void *context) {
  fhx__transport *transport = context;
  pthread_mutex_lock(&transport->mutex);
  while (!transport->ends) {
    if (transport->first == NULL) {
      pthread_cond_wait(&transport->changed, &transport->mutex);
      continue;
    }
    pthread_mutex_unlock(&transport->mutex);
    fhx__drive(transport, TURN_US);
    pthread_mutex_lock(&transport->mutex);
  }
  pthread_mutex_unlock(&transport->mutex);
  return NULL;
}

/* With the mutex. Drives until the transfer is over, or once without waiting. */
static void drive_for(fhx__transport *transport, const fhx__transfer *transfer, bool waits) {
  fhx__pipe_shield shield;
  fhx__pipe_shield_raise(&shield);
  transport->is_driven = true;
  do {
    pthread_mutex_unlock(&transport->mutex);
    fhx__drive(transport, waits ? TURN_US : 0);
    pthread_mutex_lock(&transport->mutex);
  } while (waits && transfer->work != NULL);
  transport->is_driven = false;
  pthread_cond_broadcast(&transport->changed);
  fhx__pipe_shield_lower(&shield);
}

static void wait_until_over(fhx__transport *transport, const fhx__transfer *transfer) {
  pthread_mutex_lock(&transport->mutex);
  while (transfer->work != NULL) {
    if (transport->has_thread || transport->is_driven) {
      pthread_cond_wait(&transport->changed, &transport->mutex);
    } else {
      drive_for(transport, transfer, true);
    }
  }
  pthread_mutex_unlock(&transport->mutex);
}

/* With the mutex. */
static bool has_driver(fhx__transport *transport) {
  if ((transport->options.flags & FHX_HTTP_NO_THREAD) != 0 || transport->has_thread) return true;
  transport->has_thread = fhx__thread_start(&transport->thread, run, transport) == 0;
  return transport->has_thread;
}

/* --- transfers --- */

static void forget_answer(fhx__transfer *transfer) {
  transfer->status = FHX_OK;
  transfer->http_status = 0;
  transfer->attempts = 0;
  transfer->retryable = false;
  transfer->in_doubt = false;
  transfer->reason[0] = '\0';
  transfer->answer_headers.len = 0;
  transfer->answer.len = 0;
}

static fhx__work *make_work(fhx__transport *transport, fhx__transfer *transfer) {
  fhx__work *work = fhx__alloc_zeroed(1, sizeof *work);
  if (work == NULL) return NULL;
  work->transport = transport;
  work->transfer = transfer;
  work->due_us = fhx__clock_monotonic_us();
  work->is_bounded = transfer->until_us != 0;
  work->until_us =
      work->is_bounded ? transfer->until_us : work->due_us + transport->options.retry_us;
  work->retries_left = transport->options.retries_max;
  return work;
}

int32_t fhx__transfer_start(fhx__transport *transport, fhx__transfer *transfer, fhx_error **error) {
  fhx__work *work = make_work(transport, transfer);
  if (work == NULL) return fhx__no_memory(error);
  forget_answer(transfer);
  pthread_mutex_lock(&transport->mutex);
  bool driven = has_driver(transport);
  if (driven) {
    work->previous = transport->last;
    *(transport->last == NULL ? &transport->first : &transport->last->next) = work;
    transport->last = work;
    transfer->work = work;
    pthread_cond_broadcast(&transport->changed);
  }
  pthread_mutex_unlock(&transport->mutex);
  if (!driven) {
    fhx__free(work);
    return fhx__fail_with(error, FHX_ERR_LIMIT, 1, "a thread for the network cannot be had");
  }
  curl_multi_wakeup(transport->multi);
  return FHX_OK;
}

bool fhx__transfer_is_over(fhx__transport *transport, fhx__transfer *transfer) {
  pthread_mutex_lock(&transport->mutex);
  if (transfer->work != NULL && !transport->has_thread && !transport->is_driven) {
    drive_for(transport, transfer, false);
  }
  bool is_over = transfer->work == NULL;
  pthread_mutex_unlock(&transport->mutex);
  return is_over;
}

int32_t fhx__transfer_wait(fhx__transport *transport, fhx__transfer *transfer, fhx_error **error) {
  wait_until_over(transport, transfer);
  if (transfer->status >= FHX_OK) return transfer->status;
  if (transfer->status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return fhx__fail_with(error, transfer->status, transfer->retryable, "%s", transfer->reason);
}

void fhx__transfer_cancel(fhx__transport *transport, fhx__transfer *transfer) {
  pthread_mutex_lock(&transport->mutex);
  fhx__work *work = transfer->work;
  if (work != NULL) work->is_cancelled = true;
  pthread_mutex_unlock(&transport->mutex);
  if (work == NULL) return;
  curl_multi_wakeup(transport->multi);
  wait_until_over(transport, transfer);
}
