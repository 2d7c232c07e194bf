/*
 * A part writer with a helper thread makes the same parts as without, whatever the destination, the
 * memory and the threads do.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/dataset.h"
#include "support/memory.h"
#include "support/memory_destination.h"
#include "support/require.h"
#include "support/unpack.h"
#include "writer/part_writer.h"

#define ROW_LEN 50000
#define ROWS 125 /* six full buffers */

static char rows[ROWS][ROW_LEN];

/* Rows that do not shrink to nothing, each another. */
static int make_rows(void **state) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
  test_random random = {5};
  (void)state;
  for (size_t i = 0; i < ROWS; i++) {
    int len =
        snprintf(rows[i], ROW_LEN, "{\"resourceType\":\"Basic\",\"id\":\"%zu\",\"data\":\"", i);
    for (size_t at = (size_t)len; at < ROW_LEN - 2; at++) {
      rows[i][at] = letters[test_random_next(&random) % 64];
    }
    rows[i][ROW_LEN - 2] = '"';
    rows[i][ROW_LEN - 1] = '}';
  }
  return 0;
}

/* --- a writer --- */

typedef struct knobs {
  test_destination_knobs to;
  bool gzip;
  bool sha256;
  /* Rows are scanned, which takes longer than what is tested here. */
  bool scans;
  uint32_t buffers;
} knobs;

typedef struct fixture {
  test_destination *destination;
  fhx_destination *handle;
  fhx__part_writer writer;
} fixture;

static int32_t begin(fixture *f, const knobs *with) {
  f->handle = NULL;
  f->destination = test_destination_new(&with->to, &f->handle);
  memset(&f->writer, 0, sizeof f->writer);
  if (f->handle == NULL) return FHX_ERR_NO_MEMORY;
  int32_t status = fhx__part_writer_init(&f->writer, f->handle, NULL);
  if (status == FHX_OK && with->gzip) {
    status = fhx__part_writer_use_gzip(&f->writer, false, NULL);
  }
  if (with->buffers != 0) fhx__part_writer_use_helper(&f->writer, with->buffers);
  f->writer.sink.sha256_wanted = with->sha256;
  f->writer.trusts_source = !with->scans;
  return status;
}

static void end(fixture *f) {
  fhx__part_writer_free(&f->writer);
  fhx_destination_free(f->handle);
  test_destination_end(f->destination);
  test_require_sound();
}

static void begin_part(fixture *f, const char *name) {
  fhx_part identity;
  memset(&identity, 0, sizeof identity);
  snprintf(identity.name, sizeof identity.name, "%s", name);
  fhx__part_writer_begin(&f->writer, &identity);
}

static int32_t add_rows(fixture *f, size_t count, fhx_error **error) {
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < count; i++) {
    fhx__line line;
    status = fhx__part_writer_scan(&f->writer, rows[i], ROW_LEN, &line, error);
    if (status == FHX_OK) status = fhx__part_writer_take(&f->writer, &line, error);
  }
  return status;
}

static int32_t write_part(fixture *f, const char *name, size_t count, fhx_part *part,
                          fhx_error **error) {
  begin_part(f, name);
  int32_t status = add_rows(f, count, error);
  if (status == FHX_OK) return fhx__part_writer_commit(&f->writer, part, error);
  fhx__part_writer_abort(&f->writer);
  return status;
}

/* The lines in the object are the first rows, and the part says what is stored. */
static void check_part(fixture *f, const fhx_part *part, size_t count) {
  test_objects objects = test_destination_objects(f->destination);
  const test_object *object = test_objects_find(&objects, part->name);
  test_require(object != NULL && part->stored_byte_count == object->len);
  test_require(part->crc32c == fhx__crc32c(0, object->data, object->len));
  if (part->has_sha256) {
    fhx__sha256 digest = {NULL};
    uint8_t sum[FHX__SHA256_LEN];
    test_require_status(fhx__sha256_begin(&digest, NULL), FHX_OK);
    test_require_status(fhx__sha256_update(&digest, object->data, object->len, NULL), FHX_OK);
    test_require_status(fhx__sha256_end(&digest, sum, NULL), FHX_OK);
    test_require(memcmp(sum, part->sha256, sizeof sum) == 0);
    fhx__sha256_free(&digest);
  }
  size_t len = object->len;
  uint8_t *unpacked =
      part->encoding == FHX_ENCODING_GZIP ? test_unpack(object->data, object->len, &len) : NULL;
  const uint8_t *text = unpacked == NULL ? object->data : unpacked;
  test_require(len == count * (ROW_LEN + 1) && part->byte_count == len);
  for (size_t i = 0; i < count; i++) {
    test_require(memcmp(text + i * (ROW_LEN + 1), rows[i], ROW_LEN) == 0);
    test_require(text[i * (ROW_LEN + 1) + ROW_LEN] == '\n');
  }
  free(unpacked);
}

#define WAYS 8

static knobs way(size_t number, uint32_t buffers) {
  knobs with;
  memset(&with, 0, sizeof with);
  with.to.flags = (number & 1) != 0 ? FHX_DESTINATION_ANY_THREAD : 0;
  with.gzip = (number & 2) != 0;
  with.sha256 = (number & 4) != 0;
  with.buffers = buffers;
  return with;
}

/* --- the same parts --- */

static void the_same_parts(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    for (uint32_t buffers = 0; buffers <= FHX__PIPELINE_BUFFERS_MAX; buffers += 2) {
      fixture f;
      fhx_part part;
      knobs with = way(number, buffers);
      with.scans = true;
      test_scenario("way %zu, %u buffers", number, buffers);
      test_require_status(begin(&f, &with), FHX_OK);
      test_require_status(write_part(&f, "a", ROWS, &part, NULL), FHX_OK);
      check_part(&f, &part, ROWS);
      test_require_status(write_part(&f, "b", 1, &part, NULL), FHX_OK);
      check_part(&f, &part, 1);
      test_require_status(write_part(&f, "c", 60, &part, NULL), FHX_OK);
      check_part(&f, &part, 60);
      bool elsewhere = test_destination_writes_elsewhere(f.destination) != 0;
      test_require(elsewhere == (buffers != 0 && (number & 1) != 0));
      end(&f);
    }
  }
}

/* A line that was scanned stays where it is while its predecessors' part is committed. */
static void a_commit_between_scan_and_take(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    fixture f;
    fhx_part part;
    fhx__line line;
    knobs with = way(number, 3);
    with.scans = true;
    test_scenario("commit between scan and take, way %zu", number);
    test_require_status(begin(&f, &with), FHX_OK);
    begin_part(&f, "a");
    test_require_status(add_rows(&f, 50, NULL), FHX_OK);
    test_require_status(fhx__part_writer_scan(&f.writer, rows[0], ROW_LEN, &line, NULL), FHX_OK);
    test_require_status(fhx__part_writer_commit(&f.writer, &part, NULL), FHX_OK);
    check_part(&f, &part, 50);
    begin_part(&f, "b");
    test_require_status(fhx__part_writer_take(&f.writer, &line, NULL), FHX_OK);
    test_require_status(fhx__part_writer_commit(&f.writer, &part, NULL), FHX_OK);
    check_part(&f, &part, 1);
    end(&f);
  }
}

/* A part that fits into the buffer is not worth a thread. */
static void small_parts_start_no_helper(void **state) {
  (void)state;
  fixture f;
  fhx_part part;
  const knobs with = way(7, 4);
  test_scenario("small parts");
  test_require_status(begin(&f, &with), FHX_OK);
  for (char name[2] = "a"; name[0] < 'k'; name[0]++) {
    test_require_status(write_part(&f, name, 9, &part, NULL), FHX_OK);
    check_part(&f, &part, 9);
  }
  test_require(!atomic_load(&f.writer.pipeline.runs));
  end(&f);
}

/* --- threads --- */

static pthread_t our_thread;

static void look_at_signals(void *context, test_destination_call call, uint64_t number) {
  atomic_int *blocked = context;
  sigset_t mask;
  (void)number;
  if (call != TEST_DESTINATION_WRITE || pthread_equal(our_thread, pthread_self()) != 0) return;
  if (pthread_sigmask(SIG_BLOCK, NULL, &mask) != 0) return;
  static const int host_signals[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1};
  for (size_t i = 0; i < sizeof host_signals / sizeof *host_signals; i++) {
    if (sigismember(&mask, host_signals[i]) != 1) test_violation("a signal may come to the helper");
  }
  if (sigismember(&mask, SIGSEGV) != 0) test_violation("a fault's signal is blocked");
  atomic_fetch_add(blocked, 1);
}

/* And the thread that starts it keeps its own. */
static void no_signal_comes_to_the_helper(void **state) {
  (void)state;
  fixture f;
  fhx_part part;
  atomic_int looked_at = 0;
  sigset_t before, after;
  knobs with = way(1, 4);
  with.to.hook = look_at_signals;
  with.to.hook_context = &looked_at;
  our_thread = pthread_self();
  test_scenario("signals");
  test_require(pthread_sigmask(SIG_BLOCK, NULL, &before) == 0);
  test_require_status(begin(&f, &with), FHX_OK);
  test_require_status(write_part(&f, "a", ROWS, &part, NULL), FHX_OK);
  test_require(atomic_load(&looked_at) >= 5);
  test_require(pthread_sigmask(SIG_BLOCK, NULL, &after) == 0);
  for (int i = 1; i < 32; i++) test_require(sigismember(&before, i) == sigismember(&after, i));
  end(&f);
}

/* No room for a thread: the work is done without. */
static void without_a_thread(void **state) {
  (void)state;
  pthread_attr_t usual, endless;
  test_require(pthread_getattr_default_np(&usual) == 0);
  test_require(pthread_getattr_default_np(&endless) == 0);
  test_require(pthread_attr_setstacksize(&endless, (size_t)1 << 56) == 0);
  for (size_t number = 0; number < WAYS; number++) {
    fixture f;
    fhx_part part;
    const knobs with = way(number, 4);
    test_scenario("no thread, way %zu", number);
    test_require_status(begin(&f, &with), FHX_OK);
    test_require(pthread_setattr_default_np(&endless) == 0);
    int32_t status = write_part(&f, "a", ROWS, &part, NULL);
    test_require(pthread_setattr_default_np(&usual) == 0);
    test_require_status(status, FHX_OK);
    test_require(!atomic_load(&f.writer.pipeline.runs));
    check_part(&f, &part, ROWS);
    end(&f);
  }
  pthread_attr_destroy(&usual);
  pthread_attr_destroy(&endless);
}

/* --- slow and failing destinations --- */

static void dawdle(void *context, test_destination_call call, uint64_t number) {
  (void)context;
  (void)number;
  if (call == TEST_DESTINATION_WRITE) nanosleep(&(struct timespec){0, 10000000}, NULL);
}

/* The queue is bounded: who fills buffers waits. */
static void slow_destination(void **state) {
  (void)state;
  for (uint32_t buffers = 2; buffers <= FHX__PIPELINE_BUFFERS_MAX; buffers += 3) {
    fixture f;
    fhx_part part;
    knobs with = way(1, buffers);
    with.to.hook = dawdle;
    test_scenario("slow, %u buffers", buffers);
    test_require_status(begin(&f, &with), FHX_OK);
    test_require_status(write_part(&f, "a", ROWS, &part, NULL), FHX_OK);
    check_part(&f, &part, ROWS);
    test_require(f.writer.pipeline.buffer_count >= 2);
    test_require(f.writer.pipeline.buffer_count <= buffers);
    end(&f);
  }
}

/* What is in the queue of a part that is given up is not in the next one. */
static void aborted_parts(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    fixture f;
    fhx_part part;
    knobs with = way(number, 6);
    with.to.hook = dawdle;
    test_scenario("aborted, way %zu", number);
    test_require_status(begin(&f, &with), FHX_OK);
    begin_part(&f, "a");
    test_require_status(add_rows(&f, 100, NULL), FHX_OK);
    fhx__part_writer_abort(&f.writer);
    test_require(test_destination_objects(f.destination).count == 0);
    test_require_status(write_part(&f, "b", 80, &part, NULL), FHX_OK);
    check_part(&f, &part, 80);
    /* And one that is still open at the end goes with the writer. */
    begin_part(&f, "c");
    test_require_status(add_rows(&f, 100, NULL), FHX_OK);
    end(&f);
  }
}

/* The first failure comes back, the part is gone, and the next one is whole. */
static void failing_writes(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    for (uint64_t at = 1; at <= 6; at++) {
      fixture f;
      fhx_part part;
      fhx_error *error = NULL;
      knobs with = way(number, 2 + (uint32_t)at % 4);
      with.to.fault_call = TEST_DESTINATION_WRITE;
      with.to.fault = at % 2 == 0 ? TEST_DESTINATION_FAILS : TEST_DESTINATION_SILENT;
      with.to.fault_at = at;
      with.to.fault_times = 1;
      test_scenario("failing write %d, way %zu", (int)at, number);
      test_require_status(begin(&f, &with), FHX_OK);
      int32_t status = write_part(&f, "a", ROWS, &part, at == 5 ? NULL : &error);
      test_require_status(status, at % 2 == 0 ? FHX_ERR_DENIED : FHX_ERR_NO_ANSWER);
      test_require(at == 5 || fhx_error_status(error) == status);
      test_require(at == 5 || strstr(fhx_error_message(error), "part_write") != NULL);
      fhx_error_free(error);
      test_require(test_destination_objects(f.destination).count == 0);
      test_require_status(write_part(&f, "b", ROWS, &part, NULL), FHX_OK);
      check_part(&f, &part, ROWS);
      end(&f);
    }
  }
}

/* --- memory --- */

/* Without memory for more buffers the part is written with those there are. */
static void out_of_memory(void **state) {
  (void)state;
  for (size_t number = 0; number < WAYS; number++) {
    bool reached = true;
    for (uint64_t at = 1; reached; at++) {
      fixture f;
      fhx_part part;
      fhx_error *error = NULL;
      const knobs with = way(number, 5);
      test_scenario("out of memory at %d, way %zu", (int)at, number);
      if (at % 2 == 0) test_memory_begin_lasting(at);
      if (at % 2 != 0) test_memory_begin(at);
      int32_t status = begin(&f, &with);
      if (status == FHX_OK) status = write_part(&f, "a", 50, &part, &error);
      test_require(status == FHX_OK || fhx_error_status(error) == status || error == NULL);
      if (status == FHX_OK) check_part(&f, &part, 50);
      if (status != FHX_OK) test_require_status(status, FHX_ERR_NO_MEMORY);
      fhx_error_free(error);
      end(&f);
      reached = test_memory_end();
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_parts),
      cmocka_unit_test(a_commit_between_scan_and_take),
      cmocka_unit_test(small_parts_start_no_helper),
      cmocka_unit_test(no_signal_comes_to_the_helper),
      cmocka_unit_test(without_a_thread),
      cmocka_unit_test(slow_destination),
      cmocka_unit_test(aborted_parts),
      cmocka_unit_test(failing_writes),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests_name("a helper beside the writer", tests, make_rows, NULL);
}
