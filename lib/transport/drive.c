/* The turns of whoever drives a transport's transfers: its thread, or one who waits. */
#include "core/alloc.h"
#include "core/clock.h"
#include "transport/work.h"

#define STALL_CHECK_MIN_US INT64_C(10000)
#define STALL_CHECK_MAX_US INT64_C(1000000)
/* A pause between turns that is nobody's fault at the other end. */
#define AWAY_US INT64_C(1000000)

/* What a turn has to do, and when the next is due if nothing else happens. */
typedef struct turn {
  int64_t now_us;
  fhx__work *cancelled;
  fhx__work *due;
  int64_t next_us;
} turn;

static void add_to(fhx__work **chain, fhx__work *work) {
  while (*chain != NULL) chain = &(*chain)->in_turn;
  work->in_turn = NULL;
  *chain = work;
}

static void note_next(turn *of, int64_t time_us) {
  if (time_us < of->next_us) of->next_us = time_us;
}

/* Not more at a time than there may be connections: libcurl is never asked to let one wait. */
static void plan(fhx__transport *transport, turn *of) {
  uint32_t running = 0;
  pthread_mutex_lock(&transport->mutex);
  for (const fhx__work *at = transport->first; at != NULL; at = at->next) {
    if (at->is_running && !at->is_cancelled) running++;
  }
  for (fhx__work *at = transport->first; at != NULL; at = at->next) {
    bool has_time = !at->is_bounded || at->until_us > of->now_us;
    if (at->is_cancelled) {
      add_to(&of->cancelled, at);
    } else if (at->is_running) {
      continue;
    } else if (!has_time) {
      add_to(&of->due, at);
    } else if (at->due_us > of->now_us) {
      note_next(of, at->due_us);
    } else if (running < transport->options.connections_max) {
      add_to(&of->due, at);
      running++;
    } else if (at->is_bounded) {
      note_next(of, at->until_us);
    }
  }
  pthread_mutex_unlock(&transport->mutex);
}

/* It is over: its owner may forget it as soon as the mutex is free. */
static void finish(fhx__work *work) {
  fhx__transport *transport = work->transport;
  fhx__transfer *transfer = work->transfer;
  fhx__work_empty(work);
  pthread_mutex_lock(&transport->mutex);
  *(work->previous == NULL ? &transport->first : &work->previous->next) = work->next;
  *(work->next == NULL ? &transport->last : &work->next->previous) = work->previous;
  fhx__free(work);
  transfer->work = NULL;
  pthread_cond_broadcast(&transport->changed);
  pthread_mutex_unlock(&transport->mutex);
}

static void conclude(fhx__work *work, CURLcode code) {
  fhx__attempt_end(work);
  if (!fhx__outcome_is_retry(work, code)) finish(work);
}

static bool end_cancelled(const turn *of) {
  for (fhx__work *at = of->cancelled, *next = NULL; at != NULL; at = next) {
    next = at->in_turn;
    if (at->is_running) {
      fhx__attempt_end(at);
      if (at->sendings > 0) at->transfer->in_doubt = true;
    }
    fhx__transfer_settle(at->transfer, FHX_ERR_CANCELLED, true, "the request was given up");
    finish(at);
  }
  return of->cancelled != NULL;
}

static bool begin_due(const turn *of) {
  for (fhx__work *at = of->due, *next = NULL; at != NULL; at = next) {
    next = at->in_turn;
    if (at->is_bounded && at->until_us <= of->now_us) {
      fhx__transfer_settle(at->transfer, FHX_ERR_IO, true,
                           "there was no time left for the request");
      finish(at);
    } else if (fhx__attempt_begin(at) != FHX_OK) {
      finish(at);
    }
  }
  return of->due != NULL;
}

static bool end_done(fhx__transport *transport) {
  int left = 0;
  bool any = false;
  for (CURLMsg *message = NULL;
       (message = curl_multi_info_read(transport->multi, &left)) != NULL;) {
    fhx__work *work = NULL;
    CURLcode code = message->data.result;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&work);
    conclude(work, code);
    any = true;
  }
  return any;
}

/* Nobody but the driver adds to the list behind its end or takes anything from it, but the list
   itself is the mutex's: what stalls is chained first. */
static bool end_stalled(fhx__transport *transport, turn *of) {
  fhx__work *stalled = NULL;
  int64_t check_us = transport->options.stall_us / 4;
  if (check_us > STALL_CHECK_MAX_US) check_us = STALL_CHECK_MAX_US;
  if (check_us < STALL_CHECK_MIN_US) check_us = STALL_CHECK_MIN_US;
  int64_t now_us = fhx__clock_monotonic_us();
  pthread_mutex_lock(&transport->mutex);
  for (fhx__work *at = transport->first; at != NULL; at = at->next) {
    if (!at->is_running) continue;
    note_next(of, now_us + check_us);
    if (fhx__attempt_stalls(at, now_us)) add_to(&stalled, at);
  }
  pthread_mutex_unlock(&transport->mutex);
  for (fhx__work *at = stalled, *next = NULL; at != NULL; at = next) {
    next = at->in_turn;
    conclude(at, CURLE_OPERATION_TIMEDOUT);
  }
  return stalled != NULL;
}

/* While nobody drove, no byte could move. */
static void forgive_absence(fhx__transport *transport, int64_t now_us) {
  int64_t away_us = now_us - transport->turn_us;
  if (transport->turn_us == 0 || away_us < AWAY_US) return;
  pthread_mutex_lock(&transport->mutex);
  for (fhx__work *at = transport->first; at != NULL; at = at->next) at->moved_us += away_us;
  pthread_mutex_unlock(&transport->mutex);
}

static void wait_for_more(fhx__transport *transport, const turn *of, int64_t wait_us) {
  int64_t pause_us = of->next_us - fhx__clock_monotonic_us();
  if (pause_us > wait_us) pause_us = wait_us;
  if (pause_us <= 0) return;
  CURLMcode code = curl_multi_poll(transport->multi, NULL, 0, (int)((pause_us + 999) / 1000), NULL);
  /* Without memory for its list it returns at once. */
  if (code != CURLM_OK) fhx__clock_sleep_us(1000);
}

void fhx__drive(fhx__transport *transport, int64_t wait_us) {
  turn of = {fhx__clock_monotonic_us(), NULL, NULL, INT64_MAX};
  int running = 0;
  forgive_absence(transport, of.now_us);
  plan(transport, &of);
  bool any = end_cancelled(&of);
  if (begin_due(&of)) any = true;
  curl_multi_perform(transport->multi, &running);
  if (end_done(transport)) any = true;
  if (end_stalled(transport, &of)) any = true;
  if (!any && wait_us > 0) wait_for_more(transport, &of, wait_us);
  transport->turn_us = fhx__clock_monotonic_us();
}
