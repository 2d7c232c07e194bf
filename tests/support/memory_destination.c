/* A destination in memory that checks its contract and fails in every way a host may. */
#include "support/memory_destination.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"

typedef struct upload {
  char name[256];
  uint8_t *data;
  size_t len;
  bool failed;
  pthread_t opener;
  atomic_flag busy;
} upload;

struct test_destination {
  test_destination_knobs knobs;
  atomic_uint_least64_t calls[TEST_DESTINATION_CALLS];
  atomic_bool healed;
  atomic_int uploads;
  atomic_uint_least64_t writes_elsewhere;
  atomic_int destroyed;
  _Atomic(fhx_job *) job;
  _Atomic(fhx_writer *) writer;
  /* Guards the objects. */
  pthread_mutex_t mutex;
  test_objects objects;
};

/* --- faults --- */

static void re_enter(test_destination *destination) {
  fhx_job *job = atomic_load(&destination->job);
  fhx_writer *writer = atomic_load(&destination->writer);
  if (!destination->knobs.re_enters) return;
  if (writer != NULL && (fhx_writer_append(writer, "{}", 2, NULL) != FHX_ERR_REENTRANT ||
                         fhx_writer_finish(writer, NULL) != FHX_ERR_REENTRANT)) {
    test_violation("the writer was called from its own callback");
  }
  if (job == NULL) return;
  if (fhx_job_run_task(job, NULL) != FHX_ERR_REENTRANT) {
    test_violation("the job ran itself from its own callback");
  }
  fhx_progress *progress = NULL;
  int32_t status = fhx_job_progress_new(job, &progress, NULL);
  if (status != FHX_OK && status != FHX_ERR_NOT_FOUND) test_violation("no progress in a callback");
  fhx_progress_free(progress);
}

/* What the call that begins now is to do. */
static test_destination_fault begin_call(test_destination *destination,
                                         test_destination_call call) {
  const test_destination_knobs *knobs = &destination->knobs;
  uint64_t number = atomic_fetch_add(&destination->calls[call], 1) + 1;
  if (knobs->hook != NULL) knobs->hook(knobs->hook_context, call, number);
  if (call != TEST_DESTINATION_ABORT && call != TEST_DESTINATION_URL) re_enter(destination);
  if (atomic_load(&destination->healed)) return TEST_DESTINATION_SOUND;
  if (call == TEST_DESTINATION_STAT && number <= knobs->stat_fails) {
    return TEST_DESTINATION_FAILS_RETRYABLE;
  }
  if (call != knobs->fault_call || number < knobs->fault_at) return TEST_DESTINATION_SOUND;
  bool over = knobs->fault_times != 0 && number >= knobs->fault_at + knobs->fault_times;
  return over ? TEST_DESTINATION_SOUND : knobs->fault;
}

static bool is_done_first(test_destination_fault fault) {
  return fault == TEST_DESTINATION_SOUND || fault >= TEST_DESTINATION_DONE_FAILS;
}

/* Whether a fault has answered the call, or answers with silence. */
static bool is_answered(test_destination_fault fault, fhx_reply *reply) {
  switch (fault) {
    case TEST_DESTINATION_SOUND:
      return false;
    case TEST_DESTINATION_FAILS:
    case TEST_DESTINATION_DONE_FAILS:
      fhx_reply_fail(reply, FHX_ERR_DENIED, 0, "the destination says no");
      return true;
    case TEST_DESTINATION_FAILS_RETRYABLE:
    case TEST_DESTINATION_DONE_FAILS_RETRYABLE:
      fhx_reply_fail(reply, FHX_ERR_IO, 1, "the destination says later");
      return true;
    case TEST_DESTINATION_UNKNOWN:
    case TEST_DESTINATION_DONE_UNKNOWN:
      fhx_reply_fail(reply, FHX_ERR_UNKNOWN_OUTCOME, 1, "the destination lost an answer");
      return true;
    case TEST_DESTINATION_WRONG_KIND:
    case TEST_DESTINATION_DONE_WRONG_KIND:
      if (fhx_reply_end(reply) != FHX_ERR_MISUSE) test_violation("a misfit was taken");
      fhx_reply_done(reply);
      return true;
    case TEST_DESTINATION_RESOURCE:
      fhx_reply_fail(reply, FHX_ERR_RESOURCE, 0, "the destination means something else");
      return true;
    case TEST_DESTINATION_NOT_FOUND:
      fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "the destination does not find it");
      return true;
    default:
      return true;
  }
}

/* --- objects --- */

static test_object *find(test_destination *destination, const char *name) {
  for (size_t i = 0; i < destination->objects.count; i++) {
    if (strcmp(destination->objects.items[i].name, name) == 0)
      return &destination->objects.items[i];
  }
  return NULL;
}

static bool exists(test_destination *destination, const char *name) {
  pthread_mutex_lock(&destination->mutex);
  bool there = find(destination, name) != NULL;
  pthread_mutex_unlock(&destination->mutex);
  return there;
}

static void publish(test_destination *destination, upload *of) {
  pthread_mutex_lock(&destination->mutex);
  if (find(destination, of->name) != NULL) test_violation("a name was committed twice");
  test_objects *objects = &destination->objects;
  test_object *grown = realloc(objects->items, (objects->count + 1) * sizeof *grown);
  if (grown == NULL) abort();
  objects->items = grown;
  test_object *object = &objects->items[objects->count++];
  memcpy(object->name, of->name, sizeof object->name);
  object->data = of->data;
  object->len = of->len;
  of->data = NULL;
  pthread_mutex_unlock(&destination->mutex);
}

/* Whether there was one. */
static bool take_away(test_destination *destination, const char *name) {
  pthread_mutex_lock(&destination->mutex);
  test_object *object = find(destination, name);
  bool there = object != NULL;
  if (object != NULL) {
    free(object->data);
    *object = destination->objects.items[--destination->objects.count];
  }
  pthread_mutex_unlock(&destination->mutex);
  return there;
}

/* --- callbacks --- */

static void enter_upload(upload *of) {
  if (atomic_flag_test_and_set(&of->busy)) test_violation("two calls at a time for one upload");
}

static bool is_elsewhere(const upload *of) {
  return pthread_equal(of->opener, pthread_self()) == 0;
}

static void begin_end(upload *of) {
  enter_upload(of);
  if (is_elsewhere(of)) test_violation("an upload ends on another thread than it began");
}

static void part_open(void *user_data, const char *name, fhx_reply *reply) {
  test_destination *destination = user_data;
  if (is_answered(begin_call(destination, TEST_DESTINATION_OPEN), reply)) return;
  if (exists(destination, name)) test_violation("a name was opened that exists");
  upload *made = calloc(1, sizeof *made);
  if (made == NULL || strlen(name) >= sizeof made->name) abort();
  snprintf(made->name, sizeof made->name, "%s", name);
  made->opener = pthread_self();
  atomic_fetch_add(&destination->uploads, 1);
  fhx_reply_handle(reply, made, 0);
}

static void part_write(void *user_data, void *handle, const void *data, size_t len,
                       fhx_reply *reply) {
  test_destination *destination = user_data;
  upload *to = handle;
  enter_upload(to);
  if (is_elsewhere(to)) {
    atomic_fetch_add(&destination->writes_elsewhere, 1);
    if ((destination->knobs.flags & FHX_DESTINATION_ANY_THREAD) == 0) {
      test_violation("a write on another thread");
    }
  }
  if (len == 0) test_violation("nothing was written");
  if (to->failed) test_violation("an upload that had failed was written to");
  test_destination_fault fault = begin_call(user_data, TEST_DESTINATION_WRITE);
  to->failed = fault != TEST_DESTINATION_SOUND;
  if (is_answered(fault, reply)) {
    atomic_flag_clear(&to->busy);
    return;
  }
  uint8_t *grown = realloc(to->data, to->len + len);
  if (grown == NULL) abort();
  memcpy(grown + to->len, data, len);
  to->data = grown;
  to->len += len;
  atomic_flag_clear(&to->busy);
  fhx_reply_done(reply);
}

static void forget(test_destination *destination, upload *gone) {
  free(gone->data);
  memset(gone, 0xA5, sizeof *gone);
  free(gone);
  atomic_fetch_sub(&destination->uploads, 1);
}

static void part_commit(void *user_data, void *handle, const fhx_part *part, fhx_reply *reply) {
  test_destination *destination = user_data;
  upload *done = handle;
  begin_end(done);
  test_destination_fault fault = begin_call(destination, TEST_DESTINATION_COMMIT);
  if (done->failed) test_violation("an upload that had failed was committed");
  if (strcmp(fhx_part_name(part), done->name) != 0 ||
      fhx_part_stored_byte_count(part) != done->len || fhx_part_resource_count(part) == 0) {
    test_violation("the part is not what was written");
  }
  if (is_done_first(fault)) publish(destination, done);
  forget(destination, done);
  if (!is_answered(fault, reply)) fhx_reply_done(reply);
}

static void part_abort(void *user_data, void *handle) {
  begin_end(handle);
  begin_call(user_data, TEST_DESTINATION_ABORT);
  forget(user_data, handle);
}

static void part_stat(void *user_data, const char *name, fhx_reply *reply) {
  test_destination *destination = user_data;
  if (is_answered(begin_call(destination, TEST_DESTINATION_STAT), reply)) return;
  pthread_mutex_lock(&destination->mutex);
  const test_object *object = find(destination, name);
  if (object != NULL) fhx_reply_object(reply, object->len, NULL);
  if (object == NULL) fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is none");
  pthread_mutex_unlock(&destination->mutex);
}

static void part_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  char url[300];
  if (is_answered(begin_call(user_data, TEST_DESTINATION_URL), reply)) return;
  if (expires_us != 0) test_violation("an expiry that nobody asked for");
  int len = snprintf(url, sizeof url, "memory:%s", fhx_part_name(part));
  fhx_reply_item(reply, url, (size_t)len);
  fhx_reply_done(reply);
}

static void part_remove(void *user_data, const char *name, fhx_reply *reply) {
  test_destination *destination = user_data;
  test_destination_fault fault = begin_call(destination, TEST_DESTINATION_REMOVE);
  bool was_there = false;
  /* Many hosts say NOT_FOUND where "done" is meant. */
  if (is_done_first(fault) || fault == TEST_DESTINATION_NOT_FOUND) {
    was_there = take_away(destination, name);
  }
  if (fault == TEST_DESTINATION_NOT_FOUND && was_there) fault = TEST_DESTINATION_SOUND;
  if (!is_answered(fault, reply)) fhx_reply_done(reply);
}

static void destroy(void *user_data) {
  test_destination *destination = user_data;
  atomic_fetch_add(&destination->destroyed, 1);
}

/* --- the object --- */

test_destination *test_destination_new(const test_destination_knobs *knobs,
                                       fhx_destination **made) {
  test_destination *destination = calloc(1, sizeof *destination);
  assert_non_null(destination);
  destination->knobs = *knobs;
  assert_int_equal(pthread_mutex_init(&destination->mutex, NULL), 0);
  fhx_destination_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.flags = knobs->flags;
  callbacks.part_open = part_open;
  callbacks.part_write = part_write;
  callbacks.part_commit = part_commit;
  callbacks.part_abort = part_abort;
  if (!knobs->without_stat) callbacks.part_stat = part_stat;
  callbacks.part_url = part_url;
  callbacks.part_remove = part_remove;
  callbacks.destroy = destroy;
  /* In tests of memory that runs out there may be none for the handle. */
  fhx_destination_new(&callbacks, destination, made, NULL);
  return destination;
}

void test_destination_set_job(test_destination *destination, fhx_job *job) {
  atomic_store(&destination->job, job);
}

void test_destination_set_writer(test_destination *destination, fhx_writer *writer) {
  atomic_store(&destination->writer, writer);
}

void test_destination_heal(test_destination *destination) {
  atomic_store(&destination->healed, true);
}

uint64_t test_destination_calls(const test_destination *destination, test_destination_call call) {
  return atomic_load(&destination->calls[call]);
}

uint64_t test_destination_writes_elsewhere(const test_destination *destination) {
  return atomic_load(&destination->writes_elsewhere);
}

test_objects test_destination_objects(test_destination *destination) {
  test_require(atomic_load(&destination->uploads) == 0);
  return destination->objects;
}

void test_destination_end(test_destination *destination) {
  test_require(atomic_load(&destination->uploads) == 0);
  test_require(atomic_load(&destination->destroyed) == 1);
  test_objects_free(&destination->objects);
  pthread_mutex_destroy(&destination->mutex);
  free(destination);
}
