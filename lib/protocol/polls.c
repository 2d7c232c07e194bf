/* How fast jobs are polled. */
#include "protocol/polls.h"

#include <pthread.h>
#include <string.h>

#include "core/alloc.h"
#include "core/names.h"

/* A job has its place in one row; the rows are searched one by one, so they are short. */
#define ROWS 256
#define PLACES 8
#define SECOND_US INT64_C(1000000)

typedef struct place {
  /* "" until it is used. */
  char job_id[FHX__JOB_ID_LEN + 1];
  uint32_t count;
  /* When counting begins anew, and when a client may come that does as it was told last. */
  int64_t window_end_us;
  int64_t told_us;
} place;

struct fhx__polls {
  pthread_mutex_t mutex;
  place rows[ROWS][PLACES];
};

fhx__polls *fhx__polls_new(void) {
  fhx__polls *polls = fhx__alloc_zeroed(1, sizeof *polls);
  if (polls == NULL) return NULL;
  if (pthread_mutex_init(&polls->mutex, NULL) == 0) return polls;
  fhx__free(polls);
  return NULL;
}

void fhx__polls_free(fhx__polls *polls) {
  if (polls == NULL) return;
  pthread_mutex_destroy(&polls->mutex);
  fhx__free(polls);
}

/* The job's place; if it has none, one that is free, or was left alone for longest. */
static place *find_place(fhx__polls *polls, const char *job_id) {
  place *row = polls->rows[fhx__text_hash(job_id) % ROWS], *oldest = row;
  for (size_t i = 0; i < PLACES; i++) {
    if (strcmp(row[i].job_id, job_id) == 0) return &row[i];
    if (row[i].told_us < oldest->told_us) oldest = &row[i];
  }
  /* A told_us of 0 is before every poll: the first one begins a window. */
  memset(oldest, 0, sizeof *oldest);
  memcpy(oldest->job_id, job_id, strlen(job_id));
  return oldest;
}

bool fhx__polls_admit(fhx__polls *polls, const char *job_id, uint32_t polls_max, int64_t now_us,
                      uint32_t *retry_seconds) {
  pthread_mutex_lock(&polls->mutex);
  place *at = find_place(polls, job_id);
  if (now_us >= at->window_end_us || now_us >= at->told_us) {
    at->count = 0;
    at->window_end_us = now_us + *retry_seconds * SECOND_US;
  }
  bool is_admitted = at->count < polls_max;
  if (is_admitted) {
    at->count++;
  } else {
    *retry_seconds = (uint32_t)((at->window_end_us - now_us + SECOND_US - 1) / SECOND_US);
  }
  at->told_us = now_us + *retry_seconds * SECOND_US;
  pthread_mutex_unlock(&polls->mutex);
  return is_admitted;
}
