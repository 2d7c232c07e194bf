/* The events that an engine has told. */
#include "support/event_log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"

#define FIELDS_MAX 16
#define NAME_MAX 40
#define WAITS_MAX 60000

typedef struct kept_field {
  char name[NAME_MAX];
  char text[TEST_EVENT_TEXT_MAX];
} kept_field;

typedef struct kept_event {
  char name[NAME_MAX];
  uint32_t field_count;
  kept_field *fields;
} kept_event;

struct test_event_log {
  pthread_mutex_t mutex;
  kept_event *events;
  size_t count;
  size_t capacity;
};

test_event_log *test_event_log_new(void) {
  test_event_log *log = calloc(1, sizeof *log);
  assert_non_null(log);
  assert_int_equal(pthread_mutex_init(&log->mutex, NULL), 0);
  return log;
}

void test_event_log_free(test_event_log *log) {
  for (size_t i = 0; i < log->count; i++) free(log->events[i].fields);
  free(log->events);
  pthread_mutex_destroy(&log->mutex);
  free(log);
}

static void copy(char *to, size_t capacity, const char *text) {
  test_violation_unless(strlen(text) < capacity, "an event has a text longer than the test keeps");
  snprintf(to, capacity, "%s", text);
}

/* What must hold of every event. */
static void check(const fhx_log_event *event) {
  const char *name = fhx_log_event_name(event);
  const bool is_audit = strncmp(name, "audit.", 6) == 0;
  const uint32_t level = fhx_log_event_level(event);
  test_violation_unless(fhx_log_event_is_audit(event) == (is_audit ? 1u : 0u),
                        "an event is of another class than its name says");
  test_violation_unless(level >= FHX_LOG_DEBUG && level <= FHX_LOG_ERROR,
                        "an event has no level that there is");
  test_violation_unless(*fhx_log_event_message(event) != '\0', "an event has no message");
  test_violation_unless(fhx_log_event_time_us(event) > 0, "an event has no time");
  test_violation_unless(fhx_log_event_field_name(event, fhx_log_event_field_count(event)) == NULL,
                        "an event has a field beyond its last");
}

static void keep_field(const fhx_log_event *event, uint32_t position, kept_field *field) {
  const char *name = fhx_log_event_field_name(event, position);
  const char *text = fhx_log_event_field_text(event, position);
  const int64_t number = fhx_log_event_field_number(event, position);
  copy(field->name, sizeof field->name, name);
  if (text != NULL) {
    copy(field->text, sizeof field->text, text);
    test_violation_unless(fhx_log_event_text(event, name) == text,
                          "an event has two fields of one name");
  } else {
    snprintf(field->text, sizeof field->text, "%lld", (long long)number);
    test_violation_unless(fhx_log_event_number(event, name, number - 1) == number,
                          "a number of an event is not found by its name");
  }
}

void test_event_log_take(void *user_data, const fhx_log_event *event) {
  test_event_log *log = user_data;
  kept_event kept = {"", fhx_log_event_field_count(event), NULL};
  check(event);
  copy(kept.name, sizeof kept.name, fhx_log_event_name(event));
  kept.fields = calloc(FIELDS_MAX, sizeof *kept.fields);
  if (kept.fields == NULL || kept.field_count > FIELDS_MAX) abort();
  for (uint32_t i = 0; i < kept.field_count; i++) keep_field(event, i, &kept.fields[i]);
  pthread_mutex_lock(&log->mutex);
  if (log->count == log->capacity) {
    log->capacity = log->capacity == 0 ? 64 : 2 * log->capacity;
    log->events = realloc(log->events, log->capacity * sizeof *log->events);
    if (log->events == NULL) abort();
  }
  log->events[log->count++] = kept;
  pthread_mutex_unlock(&log->mutex);
}

/* --- looking --- */

static const char *field_of(const kept_event *event, const char *name) {
  for (uint32_t i = 0; i < event->field_count; i++) {
    if (strcmp(event->fields[i].name, name) == 0) return event->fields[i].text;
  }
  return NULL;
}

/* `field` NULL: whatever its fields. */
static bool is_such(const kept_event *event, const char *name, const char *field,
                    const char *text) {
  if (strcmp(event->name, name) != 0) return false;
  if (field == NULL) return true;
  const char *has = field_of(event, field);
  return has != NULL && strcmp(has, text) == 0;
}

size_t test_event_count_with(test_event_log *log, const char *name, const char *field,
                             const char *text) {
  size_t count = 0;
  pthread_mutex_lock(&log->mutex);
  for (size_t i = 0; i < log->count; i++) {
    count += is_such(&log->events[i], name, field, text) ? 1 : 0;
  }
  pthread_mutex_unlock(&log->mutex);
  return count;
}

size_t test_event_count(test_event_log *log, const char *name) {
  return test_event_count_with(log, name, NULL, NULL);
}

void test_event_await(test_event_log *log, const char *name, size_t count) {
  for (int i = 0; i < WAITS_MAX && test_event_count(log, name) < count; i++) {
    nanosleep(&(struct timespec){0, 2000000}, NULL);
  }
  if (test_event_count(log, name) != count) {
    print_error("%zu of %s\n", test_event_count(log, name), name);
  }
  test_require(test_event_count(log, name) == count);
}

bool test_event_field(test_event_log *log, const char *name, size_t position, const char *field,
                      char text[TEST_EVENT_TEXT_MAX]) {
  const char *found = NULL;
  pthread_mutex_lock(&log->mutex);
  for (size_t i = 0; i < log->count; i++) {
    if (strcmp(log->events[i].name, name) != 0 || position-- != 0) continue;
    found = field_of(&log->events[i], field);
    if (found != NULL) snprintf(text, TEST_EVENT_TEXT_MAX, "%s", found);
    break;
  }
  pthread_mutex_unlock(&log->mutex);
  return found != NULL;
}

int64_t test_event_number(test_event_log *log, const char *name, size_t position,
                          const char *field) {
  char text[TEST_EVENT_TEXT_MAX] = "";
  test_require(test_event_field(log, name, position, field, text));
  return strtoll(text, NULL, 10);
}

int64_t test_event_sum(test_event_log *log, const char *name, const char *field) {
  const size_t count = test_event_count(log, name);
  int64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += test_event_number(log, name, i, field);
  return sum;
}

bool test_event_log_has(test_event_log *log, const char *text) {
  bool found = false;
  pthread_mutex_lock(&log->mutex);
  for (size_t i = 0; i < log->count; i++) {
    for (uint32_t j = 0; j < log->events[i].field_count; j++) {
      found = found || strstr(log->events[i].fields[j].text, text) != NULL;
    }
  }
  pthread_mutex_unlock(&log->mutex);
  return found;
}
