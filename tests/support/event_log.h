/* The events that an engine has told, kept to be looked at; any thread. */
#ifndef TEST_SUPPORT_EVENT_LOG_H
#define TEST_SUPPORT_EVENT_LOG_H

#include <fhirexport/log.h>
#include <stdbool.h>

#define TEST_EVENT_TEXT_MAX 1200

typedef struct test_event_log test_event_log;

test_event_log *test_event_log_new(void);
/* Nobody may tell of events any more. */
void test_event_log_free(test_event_log *log);

/* fhx_log_callback; `user_data` is the log. Notes events that break the rules as violations. */
void test_event_log_take(void *user_data, const fhx_log_event *event);

/* How many events of that name there are, in all or with that text in `field`. */
size_t test_event_count(test_event_log *log, const char *name);
size_t test_event_count_with(test_event_log *log, const char *name, const char *field,
                             const char *text);
/* Waits for so many, as long as a test may take; then there are not more either. */
void test_event_await(test_event_log *log, const char *name, size_t count);

/* A field of the position-th event of that name, numbers in digits; false if it has none. */
bool test_event_field(test_event_log *log, const char *name, size_t position, const char *field,
                      char text[TEST_EVENT_TEXT_MAX]);
/* The same of a number, which must be there; and the sum over all events of that name. */
int64_t test_event_number(test_event_log *log, const char *name, size_t position,
                          const char *field);
int64_t test_event_sum(test_event_log *log, const char *name, const char *field);
/* Whether the text is anywhere in what was told. */
bool test_event_log_has(test_event_log *log, const char *text);

#endif
