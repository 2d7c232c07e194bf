/* A source over a dataset that does whatever a host might do. */
#include "support/memory_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"

#define TOKEN_MARK UINT64_C(0x70C3)

struct test_source {
  test_source_knobs knobs;
  atomic_uint_least64_t calls[TEST_SOURCE_CALLS];
  atomic_bool healed;
  atomic_int cursors;
  atomic_int destroyed;
  _Atomic(fhx_job *) job;
};

typedef struct cursor {
  test_source *source;
  test_random random;
  char type[65];
  size_t position;
  size_t end;
  size_t started;
  /* What of the query this cursor applies. */
  bool by_type, by_since, by_until, by_patients;
  int64_t since_us, until_us;
  const fhx_query *query;
  /* The last reply's buffers. */
  unsigned char *data;
  size_t data_len;
  uint64_t *ends;
  int64_t *stamps;
  unsigned char *token;
  size_t token_len;
  size_t row_count;
  atomic_flag busy;
} cursor;

/* --- faults --- */

/* What the call that begins now is to do. */
static test_source_fault begin_call(test_source *source, test_source_call call) {
  const test_source_knobs *knobs = &source->knobs;
  uint64_t number = atomic_fetch_add(&source->calls[call], 1) + 1;
  void (*hook)(void *, uint64_t) = call == TEST_SOURCE_NEXT   ? knobs->hook
                                   : call == TEST_SOURCE_OPEN ? knobs->open_hook
                                                              : NULL;
  if (hook != NULL) hook(knobs->hook_context, number);
  if (knobs->fault == TEST_SOURCE_SOUND || call != knobs->fault_call ||
      atomic_load(&source->healed) || number < knobs->fault_at) {
    return TEST_SOURCE_SOUND;
  }
  bool over = knobs->fault_times != 0 && number >= knobs->fault_at + knobs->fault_times;
  return over ? TEST_SOURCE_SOUND : knobs->fault;
}

/* Whether the call has been answered (or not) by a fault that every callback can have. */
static bool is_faulty(test_source_fault fault, fhx_reply *reply) {
  switch (fault) {
    case TEST_SOURCE_FAILS:
      fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "the source has \xC3 a fault\nfor good");
      return true;
    case TEST_SOURCE_FAILS_RETRYABLE:
      fhx_reply_fail(reply, FHX_ERR_IO, 1, "the source has a fault that passes");
      return true;
    case TEST_SOURCE_SILENT:
      return true;
    case TEST_SOURCE_DENIES:
      fhx_reply_fail(reply, FHX_ERR_DENIED, 0, "not for this client");
      return true;
    case TEST_SOURCE_DECLINES:
      fhx_reply_fail(reply, FHX_ERR_UNSUPPORTED, 0, "not this one");
      return true;
    case TEST_SOURCE_WRONG_KIND:
      if (fhx_reply_object(reply, 7, NULL) != FHX_ERR_MISUSE) {
        test_violation("an answer that does not fit was taken");
      }
      return false;
    default:
      return false;
  }
}

/* --- cursors --- */

static void *fresh(size_t len) {
  void *block = malloc(len == 0 ? 1 : len);
  if (block == NULL) abort();
  return block;
}

static void poison_and_free(void *block, size_t len) {
  if (block != NULL) memset(block, 0xA5, len);
  free(block);
}

static void drop_reply(cursor *at) {
  poison_and_free(at->data, at->data_len);
  poison_and_free(at->ends, at->row_count * sizeof *at->ends);
  poison_and_free(at->stamps, at->row_count * sizeof *at->stamps);
  poison_and_free(at->token, at->token_len);
  at->data = at->token = NULL;
  at->ends = NULL;
  at->stamps = NULL;
  at->data_len = at->token_len = at->row_count = 0;
}

static void place_cursor(cursor *at, const fhx_query *query) {
  size_t len = 0, first = 0, end = at->source->knobs.data->count;
  const char *shard = fhx_query_shard(query, &len);
  if (shard != NULL) {
    char text[64];
    if (len >= sizeof text) abort();
    memcpy(text, shard, len);
    text[len] = '\0';
    if (sscanf(text, "%zu-%zu", &first, &end) != 2) test_violation("a shard was changed");
  }
  at->end = end;
  at->position = first;
  const void *token = fhx_query_token(query, &len);
  if (token == NULL) return;
  uint64_t words[2] = {0, 0};
  if (len != sizeof words) test_violation("a token has another length");
  if (len == sizeof words) memcpy(words, token, len);
  if (words[0] != TOKEN_MARK || words[1] < first || words[1] > end) {
    test_violation("a token was changed, or given to another task");
    return;
  }
  at->position = (size_t)words[1];
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  test_source *source = user_data;
  const test_source_knobs *knobs = &source->knobs;
  if (is_faulty(begin_call(source, TEST_SOURCE_OPEN), reply)) return;
  cursor *at = fresh(sizeof *at);
  memset(at, 0, sizeof *at);
  atomic_flag_clear(&at->busy);
  at->source = source;
  at->random.state = knobs->seed + atomic_load(&source->calls[TEST_SOURCE_OPEN]);
  snprintf(at->type, sizeof at->type, "%s", fhx_query_resource_type(query));
  at->query = query;
  at->since_us = fhx_query_since_us(query);
  at->until_us = fhx_query_until_us(query);
  at->by_type = (knobs->applied & FHX_APPLIED_TYPE) != 0;
  at->by_since = (knobs->applied & FHX_APPLIED_SINCE) != 0 && at->since_us != FHX_TIME_NONE;
  at->by_until = (knobs->applied & FHX_APPLIED_UNTIL) != 0 && at->until_us != FHX_TIME_NONE;
  at->by_patients =
      (knobs->applied & FHX_APPLIED_PATIENTS) != 0 && fhx_query_scope(query) != FHX_SCOPE_ALL;
  if (fhx_query_window_exact(query) != 1) test_violation("the window is in whole milliseconds");
  place_cursor(at, query);
  at->started = at->position;
  atomic_fetch_add(&source->cursors, 1);
  /* The answer did not fit, so nothing was opened and nothing will be closed. */
  if (fhx_reply_handle(reply, at, knobs->applied) != FHX_OK) {
    atomic_fetch_sub(&source->cursors, 1);
    free(at);
  }
}

static void close_cursor(void *user_data, void *handle) {
  test_source *source = user_data;
  cursor *at = handle;
  if (at->source != source) test_violation("a cursor of another source was closed");
  drop_reply(at);
  memset(at, 0xA5, sizeof *at);
  free(at);
  atomic_fetch_sub(&source->cursors, 1);
}

/* --- rows --- */

/* Whether a resource of this patient ("": of none) is within the query's scope. */
static bool in_scope(const fhx_query *query, const char *patient) {
  uint32_t is_patient = 0;
  if (*patient == '\0') return false;
  if (fhx_query_scope(query) == FHX_SCOPE_PATIENTS) return true;
  if (fhx_query_is_patient(query, patient, &is_patient, NULL) != FHX_OK) {
    test_violation("a patient could not be asked for");
  }
  return is_patient == 1;
}

/* Whether the cursor delivers this resource. What is bad obeys no filter. */
static bool delivers(const cursor *at, const test_resource *resource) {
  if (at->by_type && strcmp(resource->type, at->type) != 0) return false;
  if (resource->bad) return true;
  if (resource->has_updated && at->by_since && resource->updated_us <= at->since_us) return false;
  if (resource->has_updated && at->by_until && resource->updated_us >= at->until_us) return false;
  return !at->by_patients || in_scope(at->query, resource->patient);
}

static const test_resource *next_resource(cursor *at) {
  const test_dataset *data = at->source->knobs.data;
  while (at->position < at->end) {
    const test_resource *resource = &data->items[at->position++];
    if (delivers(at, resource)) return resource;
  }
  return NULL;
}

/* The first resource that the cursor delivers, or one that it must not deliver. */
static const test_resource *misplaced(cursor *at, test_source_fault fault) {
  const test_dataset *data = at->source->knobs.data;
  for (size_t i = at->started; i < data->count; i++) {
    const test_resource *resource = &data->items[i];
    bool own = strcmp(resource->type, at->type) == 0;
    if (!resource->bad && own == (fault == TEST_SOURCE_OUT_OF_ORDER)) return resource;
  }
  return NULL;
}

static void add_row(cursor *at, const test_resource *resource) {
  unsigned char *grown = fresh(at->data_len + resource->len);
  if (at->data_len != 0) memcpy(grown, at->data, at->data_len);
  if (resource->len != 0) memcpy(grown + at->data_len, resource->json, resource->len);
  free(at->data);
  at->data = grown;
  at->data_len += resource->len;
  at->ends[at->row_count] = at->data_len;
  at->stamps[at->row_count++] = resource->updated_us;
}

static void set_token(cursor *at, test_source_fault fault) {
  const uint64_t words[2] = {TOKEN_MARK, at->position};
  const test_source_knobs *knobs = &at->source->knobs;
  bool gives = knobs->tokens && test_random_below(&at->random, 100) >= knobs->tokenless_percent;
  if (knobs->tokenless_from != 0 &&
      atomic_load(&at->source->calls[TEST_SOURCE_NEXT]) >= knobs->tokenless_from) {
    gives = false;
  }
  if (!gives && fault != TEST_SOURCE_LONG_TOKEN) return;
  at->token_len = fault == TEST_SOURCE_LONG_TOKEN ? FHX_TOKEN_MAX + 1 : sizeof words;
  at->token = fresh(at->token_len);
  memset(at->token, 0, at->token_len);
  memcpy(at->token, words, sizeof words);
}

static void collect_rows(cursor *at, size_t count, test_source_fault fault) {
  at->ends = fresh((count + 1) * sizeof *at->ends);
  at->stamps = fresh((count + 1) * sizeof *at->stamps);
  if (fault == TEST_SOURCE_WRONG_TYPE || fault == TEST_SOURCE_OUT_OF_ORDER) {
    const test_resource *resource = misplaced(at, fault);
    if (resource != NULL) add_row(at, resource);
  }
  while (at->row_count < count) {
    const test_resource *resource = next_resource(at);
    if (resource == NULL) break;
    add_row(at, resource);
  }
}

static void give_rows(cursor *at, test_source_fault fault, fhx_reply *reply) {
  const test_source_knobs *knobs = &at->source->knobs;
  bool single = knobs->rows_max == 0;
  bool empty = test_random_below(&at->random, 100) < knobs->empty_percent;
  size_t count = single ? 1 : (size_t)test_random_below(&at->random, knobs->rows_max) + 1;
  collect_rows(at, empty ? 0 : count, fault);
  if (at->row_count == 0 && at->position >= at->end) {
    fhx_reply_end(reply);
    return;
  }
  set_token(at, fault);
  if (fault == TEST_SOURCE_BAD_ENDS && at->row_count > 0) at->ends[0] = at->data_len + 1;
  const uint64_t *ends = single && fault == TEST_SOURCE_SOUND ? NULL : at->ends;
  fhx_reply_rows(reply, at->data, at->data_len, at->row_count, ends,
                 knobs->stamps ? at->stamps : NULL, at->token, at->token_len);
}

static void re_enter(test_source *source) {
  fhx_job *job = atomic_load(&source->job);
  if (!source->knobs.re_enters || job == NULL) return;
  if (fhx_job_run_task(job, NULL) != FHX_ERR_REENTRANT ||
      fhx_job_run(job, NULL) != FHX_ERR_REENTRANT) {
    test_violation("the job ran itself from its own callback");
  }
  fhx_progress *progress = NULL;
  int32_t status = fhx_job_progress_new(job, &progress, NULL);
  if (status != FHX_OK && status != FHX_ERR_NOT_FOUND) test_violation("no progress in a callback");
  fhx_progress_free(progress);
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  test_source *source = user_data;
  cursor *at = handle;
  if (want_bytes == 0) test_violation("no bytes were wanted");
  if (atomic_flag_test_and_set(&at->busy)) test_violation("two threads use one cursor");
  drop_reply(at);
  test_source_fault fault = begin_call(source, TEST_SOURCE_NEXT);
  re_enter(source);
  if (!is_faulty(fault, reply)) {
    if (fault == TEST_SOURCE_WAITS ||
        test_random_below(&at->random, 100) < source->knobs.wait_percent) {
      int64_t short_us = (int64_t)test_random_below(&at->random, 300);
      fhx_reply_wait(reply, source->knobs.wait_us == 0 ? short_us : source->knobs.wait_us);
    } else {
      give_rows(at, fault, reply);
    }
  }
  atomic_flag_clear(&at->busy);
}

/* --- the optional callbacks --- */

static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  test_source *source = user_data;
  size_t count = source->knobs.data->count;
  (void)query;
  if (is_faulty(begin_call(source, TEST_SOURCE_SHARDS), reply)) return;
  for (uint32_t i = 0; i < count_max; i++) {
    char text[64];
    int len =
        snprintf(text, sizeof text, "%zu-%zu", count * i / count_max, count * (i + 1) / count_max);
    fhx_reply_item(reply, text, (size_t)len);
  }
  fhx_reply_done(reply);
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  test_source *source = user_data;
  const test_dataset *data = source->knobs.data;
  size_t type_len = strcspn(reference, "/");
  (void)query;
  const struct timespec pause = {source->knobs.read_ms / 1000,
                                 (long)(source->knobs.read_ms % 1000) * 1000000};
  if (source->knobs.read_ms != 0) nanosleep(&pause, NULL);
  if (is_faulty(begin_call(source, TEST_SOURCE_READ), reply)) return;
  for (size_t i = 0; reference[type_len] == '/' && i < data->count; i++) {
    const test_resource *resource = &data->items[i];
    if (resource->bad || strlen(resource->type) != type_len ||
        memcmp(resource->type, reference, type_len) != 0 ||
        strcmp(resource->id, reference + type_len + 1) != 0) {
      continue;
    }
    fhx_reply_item(reply, resource->json, resource->len);
    fhx_reply_done(reply);
    return;
  }
  fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no such resource");
}

static void group_members(void *user_data, const fhx_query *query, const char *group_id,
                          const char *after, fhx_reply *reply) {
  test_source *source = user_data;
  const test_source_knobs *knobs = &source->knobs;
  size_t given = 0;
  (void)query;
  if (is_faulty(begin_call(source, TEST_SOURCE_GROUP), reply)) return;
  if (strcmp(group_id, knobs->group_id) != 0) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no such Group");
    return;
  }
  for (size_t i = 0; i < knobs->group_member_count; i++) {
    const char *member = knobs->group_members[i];
    if (strcmp(member, after) <= 0) continue;
    if (knobs->group_page != 0 && given++ == knobs->group_page) break;
    fhx_reply_item(reply, member, strlen(member));
  }
  fhx_reply_done(reply);
}

static void list_types(void *user_data, fhx_reply *reply) {
  test_source *source = user_data;
  if (is_faulty(begin_call(source, TEST_SOURCE_TYPES), reply)) return;
  for (const char *const *type = test_types; *type != NULL; type++) {
    fhx_reply_item(reply, *type, strlen(*type));
  }
  fhx_reply_done(reply);
}

static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  test_source *source = user_data;
  uint64_t count = 0, bytes = 0;
  if (is_faulty(begin_call(source, TEST_SOURCE_ESTIMATE), reply)) return;
  for (size_t i = 0; i < source->knobs.data->count; i++) {
    const test_resource *resource = &source->knobs.data->items[i];
    if (strcmp(resource->type, fhx_query_resource_type(query)) != 0) continue;
    count++;
    bytes += resource->len;
  }
  /* Estimates are too low on purpose: progress must bear it. */
  fhx_reply_estimate(reply, count / 2, bytes);
}

static void snapshot_ready(void *user_data, int64_t as_of_us, fhx_reply *reply) {
  test_source *source = user_data;
  if (as_of_us % 1000 != 0) test_violation("the as-of time is not floored");
  if (is_faulty(begin_call(source, TEST_SOURCE_SNAPSHOT), reply)) return;
  if (atomic_load(&source->calls[TEST_SOURCE_SNAPSHOT]) < 3) {
    fhx_reply_wait(reply, 500);
  } else {
    fhx_reply_done(reply);
  }
}

static void read_clock(void *user_data, fhx_reply *reply) {
  const test_source_knobs *knobs = &((test_source *)user_data)->knobs;
  struct timespec now;
  if (is_faulty(begin_call(user_data, TEST_SOURCE_CLOCK), reply)) return;
  if (knobs->clock != NULL) {
    fhx_reply_time(reply, knobs->clock(knobs->clock_context), 1000);
    return;
  }
  clock_gettime(CLOCK_REALTIME, &now);
  fhx_reply_time(reply, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, 1000);
}

static void destroy(void *user_data) {
  test_source *source = user_data;
  atomic_fetch_add(&source->destroyed, 1);
}

/* --- the object --- */

test_source *test_source_new(const test_source_knobs *knobs, fhx_source **made) {
  test_source *source = calloc(1, sizeof *source);
  assert_non_null(source);
  source->knobs = *knobs;
  fhx_source_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  if (knobs->shards) {
    callbacks.list_shards = list_shards;
    callbacks.count_estimate = count_estimate;
  }
  if (knobs->reads_resources) callbacks.read_resource = read_resource;
  if (knobs->group_id != NULL) callbacks.group_members = group_members;
  if (knobs->lists_types) callbacks.list_types = list_types;
  if (knobs->snapshot) callbacks.snapshot_ready = snapshot_ready;
  callbacks.read_clock = read_clock;
  callbacks.destroy = destroy;
  /* In tests of memory that runs out there may be none for the handle. */
  fhx_source_new(&callbacks, source, made, NULL);
  return source;
}

void test_source_set_job(test_source *source, fhx_job *job) {
  atomic_store(&source->job, job);
}

void test_source_heal(test_source *source) {
  atomic_store(&source->healed, true);
}

uint64_t test_source_calls(const test_source *source, test_source_call call) {
  return atomic_load(&source->calls[call]);
}

void test_source_end(test_source *source) {
  test_require(atomic_load(&source->cursors) == 0);
  test_require(atomic_load(&source->destroyed) == 1);
  free(source);
}
