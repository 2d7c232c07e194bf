/* Buffers on their way to a helper thread and back. */
#include "writer/pipeline.h"

#include <string.h>

#include "core/alloc.h"
#include "core/thread.h"

void fhx__pipeline_init(fhx__pipeline *pipeline, fhx__sink *sink, uint32_t buffers_max) {
  memset(pipeline, 0, sizeof *pipeline);
  pipeline->sink = sink;
  pipeline->buffers_max = buffers_max;
  pipeline->buffer_count = 1;
}

/* --- the helper --- */

/* The bytes as the destination gets them: written, or in the queue for the worker to write. */
static int32_t treat(fhx__pipeline *pipeline, fhx__stretch *bytes, fhx_error **error) {
  fhx__sink *sink = pipeline->sink;
  fhx__stretch ready;
  int32_t status = fhx__sink_prepare(sink, bytes, &ready, error);
  if (status != FHX_OK) return status;
  if (pipeline->writes) return fhx__sink_write(sink, &ready, error);
  /* The packer is needed for the next buffer: it gets this one's memory for its own. */
  if (ready.data != bytes->data) sink->packer.out = bytes->data;
  *bytes = ready;
  return FHX_OK;
}

static void *help(void *context) {
  fhx__pipeline *pipeline = context;
  pthread_mutex_lock(&pipeline->mutex);
  for (;;) {
    while (pipeline->treated == pipeline->passed && !pipeline->ends) {
      pthread_cond_wait(&pipeline->passed_one, &pipeline->mutex);
    }
    if (pipeline->treated == pipeline->passed) break;
    fhx__stretch *next = &pipeline->queue[pipeline->treated % FHX__PIPELINE_BUFFERS_MAX];
    bool skips = pipeline->discards || pipeline->status != FHX_OK;
    pthread_mutex_unlock(&pipeline->mutex);
    fhx_error *error = NULL;
    int32_t status = skips ? FHX_OK : treat(pipeline, next, &error);
    pthread_mutex_lock(&pipeline->mutex);
    if (status != FHX_OK) {
      pipeline->status = status;
      pipeline->error = error;
    }
    pipeline->treated++;
    pthread_cond_signal(&pipeline->treated_one);
  }
  pthread_mutex_unlock(&pipeline->mutex);
  return NULL;
}

static bool start_helper(fhx__pipeline *pipeline) {
  if (pthread_mutex_init(&pipeline->mutex, NULL) != 0) return false;
  if (pthread_cond_init(&pipeline->passed_one, NULL) == 0) {
    if (pthread_cond_init(&pipeline->treated_one, NULL) == 0) {
      if (fhx__thread_start(&pipeline->thread, help, pipeline) == 0) return true;
      pthread_cond_destroy(&pipeline->treated_one);
    }
    pthread_cond_destroy(&pipeline->passed_one);
  }
  pthread_mutex_destroy(&pipeline->mutex);
  return false;
}

/* Whether there is a helper; the first time one is started. */
static bool has_helper(fhx__pipeline *pipeline) {
  const fhx__sink *sink = pipeline->sink;
  if (pipeline->buffers_max == 0) return false;
  if (atomic_load_explicit(&pipeline->runs, memory_order_relaxed)) return true;
  pipeline->writes = (fhx__destination_flags(sink->destination) & FHX_DESTINATION_ANY_THREAD) != 0;
  /* A CRC alone is not worth handing a buffer to another processor. */
  bool has_work = pipeline->writes || sink->sha256_wanted || fhx__sink_packs(sink);
  if (!has_work || !start_helper(pipeline)) {
    pipeline->buffers_max = 0;
    return false;
  }
  atomic_store(&pipeline->runs, true);
  return true;
}

bool fhx__pipeline_is_helped_by(const fhx__pipeline *pipeline, pthread_t thread) {
  return atomic_load(&pipeline->runs) && pthread_equal(pipeline->thread, thread) != 0;
}

/* --- the worker --- */

/* Takes back what is treated, once `least` buffers are, and writes it if the helper does not. */
static int32_t collect(fhx__pipeline *pipeline, uint64_t least, fhx_error **error) {
  pthread_mutex_lock(&pipeline->mutex);
  while (pipeline->treated < least) {
    pthread_cond_wait(&pipeline->treated_one, &pipeline->mutex);
  }
  uint64_t treated = pipeline->treated;
  bool discards = pipeline->discards;
  int32_t status = pipeline->status;
  fhx_error *failure = pipeline->error;
  pipeline->error = NULL;
  pthread_mutex_unlock(&pipeline->mutex);
  if (status != FHX_OK && error != NULL) {
    *error = failure;
  } else {
    fhx_error_free(failure);
  }
  for (; pipeline->collected < treated; pipeline->collected++) {
    const fhx__stretch *ready = &pipeline->queue[pipeline->collected % FHX__PIPELINE_BUFFERS_MAX];
    if (status == FHX_OK && !pipeline->writes && !discards) {
      status = fhx__sink_write(pipeline->sink, ready, error);
    }
    pipeline->spare[pipeline->spare_count++] = ready->data;
  }
  return status;
}

/* A buffer more, while there may be. Who gets none goes on with what there is. */
static void add_spare(fhx__pipeline *pipeline) {
  if (pipeline->buffer_count >= pipeline->buffers_max) return;
  unsigned char *added = fhx__alloc(FHX__STRETCH_ROOM);
  if (added == NULL) {
    pipeline->buffers_max = pipeline->buffer_count;
    return;
  }
  pipeline->buffer_count++;
  pipeline->spare[pipeline->spare_count++] = added;
}

/* After success there is a spare buffer, or nothing is in the queue. */
static int32_t find_spare(fhx__pipeline *pipeline, fhx_error **error) {
  int32_t status = collect(pipeline, 0, error);
  if (status != FHX_OK) return status;
  if (pipeline->spare_count == 0) add_spare(pipeline);
  if (pipeline->spare_count == 0 && pipeline->collected != pipeline->passed) {
    status = collect(pipeline, pipeline->collected + 1, error);
  }
  return status;
}

int32_t fhx__pipeline_pass(fhx__pipeline *pipeline, unsigned char **buffer, size_t len,
                           fhx_error **error) {
  const fhx__stretch bytes = {*buffer, len};
  if (!has_helper(pipeline)) return fhx__sink_put(pipeline->sink, &bytes, error);
  int32_t status = find_spare(pipeline, error);
  if (status != FHX_OK) return status;
  if (pipeline->spare_count == 0) return fhx__sink_put(pipeline->sink, &bytes, error);
  pthread_mutex_lock(&pipeline->mutex);
  pipeline->queue[pipeline->passed % FHX__PIPELINE_BUFFERS_MAX] = bytes;
  pipeline->passed++;
  pthread_cond_signal(&pipeline->passed_one);
  pthread_mutex_unlock(&pipeline->mutex);
  *buffer = pipeline->spare[--pipeline->spare_count];
  return FHX_OK;
}

int32_t fhx__pipeline_drain(fhx__pipeline *pipeline, fhx_error **error) {
  if (!atomic_load_explicit(&pipeline->runs, memory_order_relaxed)) return FHX_OK;
  return collect(pipeline, pipeline->passed, error);
}

void fhx__pipeline_discard(fhx__pipeline *pipeline) {
  if (!atomic_load_explicit(&pipeline->runs, memory_order_relaxed)) return;
  pthread_mutex_lock(&pipeline->mutex);
  pipeline->discards = true;
  pthread_mutex_unlock(&pipeline->mutex);
  collect(pipeline, pipeline->passed, NULL);
  pthread_mutex_lock(&pipeline->mutex);
  pipeline->discards = false;
  pipeline->status = FHX_OK;
  pthread_mutex_unlock(&pipeline->mutex);
}

void fhx__pipeline_free(fhx__pipeline *pipeline) {
  fhx__pipeline_discard(pipeline);
  /* The helper calls nobody any more, and its number may soon be another thread's. */
  if (atomic_exchange(&pipeline->runs, false)) {
    pthread_mutex_lock(&pipeline->mutex);
    pipeline->ends = true;
    pthread_cond_signal(&pipeline->passed_one);
    pthread_mutex_unlock(&pipeline->mutex);
    pthread_join(pipeline->thread, NULL);
    pthread_cond_destroy(&pipeline->treated_one);
    pthread_cond_destroy(&pipeline->passed_one);
    pthread_mutex_destroy(&pipeline->mutex);
  }
  while (pipeline->spare_count > 0) fhx__free(pipeline->spare[--pipeline->spare_count]);
}
