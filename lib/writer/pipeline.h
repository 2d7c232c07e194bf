/*
 * A queue of buffers between the thread that fills them (the worker) and a helper thread that packs
 * and digests them, and writes them where the destination may be called on any thread; elsewhere
 * the worker writes what the helper has made ready. Bytes keep their order.
 *
 * The helper is started when there is a first buffer for it, and works on the sink only as long as
 * the queue holds something: between drain or discard and the next pass the sink is the worker's.
 * Without a helper, since none was asked for or none can be had, everything is done in pass.
 */
#ifndef FHX__WRITER_PIPELINE_H
#define FHX__WRITER_PIPELINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "writer/sink.h"

/* With the one that is being filled. More would only hide longer pauses of the destination. */
#define FHX__PIPELINE_BUFFERS_MAX 8

typedef struct fhx__pipeline {
  /* Borrowed. */
  fhx__sink *sink;
  /* 0: no helper. Those there are: the worker's, those in the queue, and spare ones. */
  uint32_t buffers_max;
  uint32_t buffer_count;
  uint32_t spare_count;
  /* Buffers of the queue that the worker has back, counted on. */
  uint64_t collected;
  unsigned char *spare[FHX__PIPELINE_BUFFERS_MAX];
  /* The helper also writes. */
  bool writes;
  atomic_bool runs;
  pthread_t thread;
  pthread_mutex_t mutex;
  /* Signalled when a buffer was passed or the helper is to end; when one was treated. */
  pthread_cond_t passed_one;
  pthread_cond_t treated_one;
  /* Under the mutex. Buffer number n is in place n % FHX__PIPELINE_BUFFERS_MAX; it is the helper's
     until it is treated, then the worker's. */
  fhx__stretch queue[FHX__PIPELINE_BUFFERS_MAX];
  uint64_t passed;
  uint64_t treated;
  bool discards;
  bool ends;
  /* The helper's first failure; what comes behind it is not treated. */
  int32_t status;
  fhx_error *error;
} fhx__pipeline;

/* Nothing is started yet. `buffers_max`: 0, or 2 to FHX__PIPELINE_BUFFERS_MAX. */
void fhx__pipeline_init(fhx__pipeline *pipeline, fhx__sink *sink, uint32_t buffers_max);
/* Ends the helper. Harmless on a zeroed one. */
void fhx__pipeline_free(fhx__pipeline *pipeline);

/*
 * Passes on the first `len` bytes (1 to FHX__STRETCH_MAX) of a buffer, and stores another to go on
 * with, which may be the same. Waits while the queue is full. An error may be of an earlier buffer;
 * after one only fhx__pipeline_discard makes sense. The same for what follows.
 */
int32_t fhx__pipeline_pass(fhx__pipeline *pipeline, unsigned char **buffer, size_t len,
                           fhx_error **error);

/* Waits until everything that was passed is written. */
int32_t fhx__pipeline_drain(fhx__pipeline *pipeline, fhx_error **error);

/* Forgets what is not written yet, and a failure; waits for a write that is under way. */
void fhx__pipeline_discard(fhx__pipeline *pipeline);

/* Whether this thread is the helper. Any thread. */
bool fhx__pipeline_is_helped_by(const fhx__pipeline *pipeline, pthread_t thread);

#endif
