/* How callbacks answer: silence is failure, and what does not fit fails for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fcntl.h>

#include "core/reply.h"
#include "support/memory.h"

/* Begins a reply; fhx__reply_end at the end of the test. */
static fhx_reply begin(uint32_t accepts) {
  fhx_reply reply;
  fhx__reply_begin(&reply, accepts, "next_rows");
  return reply;
}

/* What the library sees; the message in `message` if it is an error. */
static int32_t seen(const fhx_reply *reply, char message[1024]) {
  fhx_error *error = NULL;
  int32_t status = fhx__reply_status(reply, "the source", &error);
  assert_int_equal(fhx_error_status(error), status < 0 ? status : FHX_OK);
  strncpy(message, fhx_error_message(error), 1023);
  message[1023] = '\0';
  fhx_error_free(error);
  return status;
}

static void silence_is_failure(void **state) {
  char message[1024];
  (void)state;
  fhx_reply reply = begin(FHX__ACCEPT_DONE | FHX__ACCEPT_ROWS);
  assert_int_equal(seen(&reply, message), FHX_ERR_NO_ANSWER);
  assert_string_equal(message, "the source: next_rows returned without an answer");
  fhx__reply_end(&reply);
}

static void plain_answers(void **state) {
  char message[1024];
  int cursor = 0;
  (void)state;
  fhx_reply reply = begin(FHX__ACCEPT_DONE | FHX__ACCEPT_END | FHX__ACCEPT_WAIT |
                          FHX__ACCEPT_HANDLE | FHX__ACCEPT_TIME | FHX__ACCEPT_ESTIMATE);
  assert_int_equal(fhx_reply_done(&reply), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_OK);
  assert_int_equal(fhx_reply_end(&reply), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_END);
  assert_int_equal(fhx_reply_wait(&reply, 0), FHX_OK);
  assert_int_equal(fhx_reply_wait(&reply, 250), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_WAIT);
  assert_int_equal(reply.wait_us, 250);
  assert_int_equal(fhx_reply_handle(&reply, &cursor, 9), FHX_OK);
  assert_ptr_equal(reply.handle, &cursor);
  assert_int_equal(reply.applied, 9);
  assert_int_equal(fhx_reply_time(&reply, 5, 1000), FHX_OK);
  assert_int_equal(reply.now_us, 5);
  assert_int_equal(reply.resolution_us, 1000);
  assert_int_equal(fhx_reply_estimate(&reply, 3, 4), FHX_OK);
  assert_int_equal(reply.resource_count, 3);
  assert_int_equal(reply.byte_count, 4);
  assert_int_equal(seen(&reply, message), FHX_OK);
  fhx__reply_end(&reply);
}

static void object(void **state) {
  unsigned char sum[32];
  (void)state;
  memset(sum, 0xA5, sizeof sum);
  fhx_reply reply = begin(FHX__ACCEPT_OBJECT);
  assert_int_equal(fhx_reply_object(&reply, 12, sum), FHX_OK);
  assert_true(reply.has_sha256);
  assert_memory_equal(reply.sha256, sum, sizeof sum);
  assert_int_equal(fhx_reply_object(&reply, 13, NULL), FHX_OK);
  assert_false(reply.has_sha256);
  assert_int_equal(reply.byte_count, 13);
  fhx__reply_end(&reply);
}

static void no_reply_at_all(void **state) {
  (void)state;
  assert_int_equal(fhx_reply_done(NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_end(NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_wait(NULL, 0), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_fail(NULL, FHX_ERR_IO, 0, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_handle(NULL, NULL, 0), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_rows(NULL, NULL, 0, 0, NULL, NULL, NULL, 0), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_item(NULL, NULL, 0), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_time(NULL, 0, 1), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_estimate(NULL, 0, 0), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_object(NULL, 0, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_file(NULL, -1), FHX_ERR_ARGUMENT);
}

/* Each answer where only another fits. */
static int32_t answer(fhx_reply *reply, uint32_t kind) {
  switch (kind) {
    case FHX__ACCEPT_DONE:
      return fhx_reply_done(reply);
    case FHX__ACCEPT_END:
      return fhx_reply_end(reply);
    case FHX__ACCEPT_WAIT:
      return fhx_reply_wait(reply, 0);
    case FHX__ACCEPT_HANDLE:
      return fhx_reply_handle(reply, NULL, 0);
    case FHX__ACCEPT_ROWS:
      return fhx_reply_rows(reply, "{}", 2, 1, NULL, NULL, NULL, 0);
    case FHX__ACCEPT_ITEMS:
      return fhx_reply_item(reply, "x", 1);
    case FHX__ACCEPT_TIME:
      return fhx_reply_time(reply, 0, 1);
    case FHX__ACCEPT_ESTIMATE:
      return fhx_reply_estimate(reply, 0, 0);
    default:
      return fhx_reply_object(reply, 0, NULL);
  }
}

static void wrong_kind_breaks_for_good(void **state) {
  char message[1024];
  (void)state;
  for (uint32_t kind = FHX__ACCEPT_DONE; kind <= FHX__ACCEPT_OBJECT; kind *= 2) {
    fhx_reply reply = begin(~kind);
    assert_int_equal(answer(&reply, kind), FHX_ERR_MISUSE);
    /* Neither a fitting answer nor a failure of the host's own heals or hides it. */
    for (uint32_t other = FHX__ACCEPT_DONE; other <= FHX__ACCEPT_OBJECT; other *= 2) {
      if (other != kind && other != FHX__ACCEPT_ITEMS) {
        assert_int_equal(answer(&reply, other), FHX_ERR_MISUSE);
      }
    }
    assert_int_equal(fhx_reply_fail(&reply, FHX_ERR_IO, 1, "disk"), FHX_ERR_MISUSE);
    assert_int_equal(seen(&reply, message), FHX_ERR_MISUSE);
    assert_string_equal(message, "the source: the callback gave an answer that does not fit it");
    assert_int_equal(reply.retryable, 0);
    fhx__reply_end(&reply);
  }
}

static void out_of_range_breaks(void **state) {
  (void)state;
  fhx_reply reply = begin(FHX__ACCEPT_WAIT);
  assert_int_equal(fhx_reply_wait(&reply, -1), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_wait(&reply, 1), FHX_ERR_ARGUMENT);
  fhx__reply_end(&reply);
  static const int64_t times[][2] = {
      {0, 0},
      {0, -1},
      {INT64_C(-62135596800000001), 1},
      {INT64_C(253402300800000000), 1},
      {INT64_MIN, 1000},
      {INT64_MAX, 1000},
  };
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    reply = begin(FHX__ACCEPT_TIME);
    assert_int_equal(fhx_reply_time(&reply, times[i][0], times[i][1]), FHX_ERR_ARGUMENT);
    fhx__reply_end(&reply);
  }
  reply = begin(FHX__ACCEPT_TIME);
  assert_int_equal(fhx_reply_time(&reply, INT64_C(253402300799999999), 1), FHX_OK);
  assert_int_equal(fhx_reply_time(&reply, INT64_C(-62135596800000000), 1), FHX_OK);
  fhx__reply_end(&reply);
}

static void rows(void **state) {
  static const uint64_t ends[] = {3, 3, 5};
  static const int64_t updated[] = {1, 2, 3};
  (void)state;
  fhx_reply reply = begin(FHX__ACCEPT_ROWS);
  assert_int_equal(fhx_reply_rows(&reply, "abcde", 5, 3, ends, updated, "t", 1), FHX_OK);
  assert_int_equal(reply.rows.row_count, 3);
  assert_ptr_equal(reply.rows.row_ends, ends);
  assert_ptr_equal(reply.rows.row_updated_us, updated);
  assert_int_equal(reply.rows.token_len, 1);
  /* No rows this time, with and without a token. */
  assert_int_equal(fhx_reply_rows(&reply, NULL, 0, 0, NULL, NULL, "t", 1), FHX_OK);
  assert_int_equal(fhx_reply_rows(&reply, NULL, 0, 0, NULL, NULL, NULL, 0), FHX_OK);
  assert_null(reply.rows.token);
  fhx__reply_end(&reply);
}

static void assert_rows_refused(const void *data, size_t len, uint64_t row_count,
                                const uint64_t *row_ends, const void *token, size_t token_len,
                                const char *why) {
  char message[1024];
  fhx_reply reply = begin(FHX__ACCEPT_ROWS);
  assert_int_equal(fhx_reply_rows(&reply, data, len, row_count, row_ends, NULL, token, token_len),
                   FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_rows(&reply, "{}", 2, 1, NULL, NULL, NULL, 0), FHX_ERR_ARGUMENT);
  assert_int_equal(seen(&reply, message), FHX_ERR_ARGUMENT);
  assert_non_null(strstr(message, why));
  fhx__reply_end(&reply);
}

static void wrong_rows(void **state) {
  static const uint64_t backwards[] = {4, 3}, beyond[] = {3, 6}, huge[] = {UINT64_MAX};
  static const char token[FHX_TOKEN_MAX + 1];
  (void)state;
  assert_rows_refused("abcde", 5, 2, backwards, NULL, 0, "backwards");
  assert_rows_refused("abcde", 5, 2, beyond, NULL, 0, "beyond");
  assert_rows_refused("abcde", 5, 1, huge, NULL, 0, "beyond");
  assert_rows_refused("abcde", 5, 2, NULL, NULL, 0, "no row_ends");
  assert_rows_refused(NULL, 5, 1, NULL, NULL, 0, "no data");
  assert_rows_refused("a", 1, 1, NULL, NULL, 1, "no data");
  assert_rows_refused("a", 1, 1, NULL, token, sizeof token, "FHX_TOKEN_MAX");
  fhx_reply reply = begin(FHX__ACCEPT_ROWS);
  assert_int_equal(fhx_reply_rows(&reply, "a", 1, 1, NULL, NULL, token, FHX_TOKEN_MAX), FHX_OK);
  fhx__reply_end(&reply);
}

static void items(void **state) {
  char message[1024];
  size_t len = 99;
  (void)state;
  fhx_reply reply = begin(FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE);
  assert_int_equal(fhx__reply_item_count(&reply), 0);
  assert_int_equal(fhx_reply_item(&reply, NULL, 0), FHX_OK);
  assert_string_equal(fhx__reply_item_at(&reply, 0, &len), "");
  assert_int_equal(len, 0);
  assert_int_equal(fhx_reply_item(&reply, "Patient", 7), FHX_OK);
  assert_int_equal(fhx_reply_item(&reply, "a\0b", 3), FHX_OK);
  /* A list that was not finished is a failure. */
  assert_int_equal(seen(&reply, message), FHX_ERR_NO_ANSWER);
  assert_string_equal(message, "the source: the callback did not finish its list");
  assert_int_equal(fhx_reply_done(&reply), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_OK);
  assert_int_equal(fhx__reply_item_count(&reply), 3);
  assert_memory_equal(fhx__reply_item_at(&reply, 1, &len), "Patient", 7);
  assert_int_equal(len, 7);
  assert_memory_equal(fhx__reply_item_at(&reply, 2, &len), "a\0b", 3);
  assert_int_equal(len, 3);
  /* One more opens the list again. */
  assert_int_equal(fhx_reply_item(&reply, "x", 1), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_ERR_NO_ANSWER);
  assert_int_equal(fhx_reply_item(&reply, NULL, 1), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_done(&reply), FHX_ERR_ARGUMENT);
  fhx__reply_end(&reply);
}

static void last_answer_counts(void **state) {
  char message[1024];
  (void)state;
  fhx_reply reply = begin(FHX__ACCEPT_DONE | FHX__ACCEPT_END);
  assert_int_equal(fhx_reply_fail(&reply, FHX_ERR_DENIED, 1, "no"), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_ERR_DENIED);
  assert_int_equal(fhx_reply_end(&reply), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_END);
  assert_int_equal(fhx_reply_fail(&reply, FHX_ERR_IO, 7, "disk"), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_ERR_IO);
  assert_string_equal(message, "the source: disk");
  assert_int_equal(reply.retryable, 1);
  fhx__reply_end(&reply);
}

static void failures(void **state) {
  char message[1024];
  (void)state;
  fhx_reply reply = begin(0);
  /* What is no error becomes one. */
  assert_int_equal(fhx_reply_fail(&reply, FHX_OK, 0, NULL), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_ERR_INTERNAL);
  assert_string_equal(message, "the source: no reason was given");
  fhx_reply_fail(&reply, FHX_WAIT, 0, "");
  assert_int_equal(seen(&reply, message), FHX_ERR_INTERNAL);
  assert_string_equal(message, "the source: no reason was given");
  fhx_error *error = NULL;
  fhx_reply_fail(&reply, FHX_ERR_IO, 1, "busy");
  fhx__reply_status(&reply, "the source", &error);
  assert_int_equal(fhx_error_retryable(error), 1);
  fhx_error_free(error);
  fhx__reply_end(&reply);
}

/* A host's text may be anything (ERR-02, ERR-03): one line of UTF-8 comes out. */
static void messages_are_cleaned(void **state) {
  char message[1024], long_text[2000];
  (void)state;
  fhx_reply reply = begin(0);
  fhx_reply_fail(&reply, FHX_ERR_IO, 0, "two\nlines\t and \x1B[31m red \x7F");
  seen(&reply, message);
  assert_string_equal(message, "the source: two lines  and  [31m red  ");
  fhx_reply_fail(&reply, FHX_ERR_IO, 0, "caf\xC3\xA9");
  seen(&reply, message);
  assert_string_equal(message, "the source: caf\xC3\xA9");
  /* Not UTF-8: what stands before it is kept. */
  fhx_reply_fail(&reply, FHX_ERR_IO, 0, "caf\xE9 is closed");
  seen(&reply, message);
  assert_string_equal(message, "the source: caf");
  fhx_reply_fail(&reply, FHX_ERR_IO, 0, "\xE9");
  seen(&reply, message);
  assert_string_equal(message, "the source: no reason was given");
  /* A character is not cut in two at the 500th byte. */
  memset(long_text, 'a', sizeof long_text);
  memcpy(long_text + 499, "\xC3\xA9", 2);
  long_text[sizeof long_text - 1] = '\0';
  fhx_reply_fail(&reply, FHX_ERR_IO, 0, long_text);
  seen(&reply, message);
  assert_int_equal(strlen(message), strlen("the source: ") + 499);
  fhx__reply_end(&reply);
}

static int open_file(void) {
  int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  assert_true(file >= 0);
  return file;
}

static bool is_open(int file) {
  return fcntl(file, F_GETFD) >= 0;
}

static void files(void **state) {
  char message[1024];
  (void)state;
  fhx_reply reply = begin(FHX__ACCEPT_FILE);
  assert_int_equal(fhx__reply_take_file(&reply), -1);
  const int first = open_file(), second = open_file();
  assert_int_equal(fhx_reply_file(&reply, first), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_OK);
  assert_int_equal(fhx_reply_file(&reply, second), FHX_OK);
  assert_false(is_open(first));
  /* The same one again is no other. */
  assert_int_equal(fhx_reply_file(&reply, second), FHX_OK);
  assert_true(is_open(second));
  assert_int_equal(fhx__reply_take_file(&reply), second);
  assert_int_equal(fhx__reply_take_file(&reply), -1);
  fhx__reply_end(&reply);
  assert_true(is_open(second));
  /* One that nobody takes goes with the reply, also when the callback has failed after all. */
  reply = begin(FHX__ACCEPT_FILE);
  assert_int_equal(fhx_reply_file(&reply, second), FHX_OK);
  assert_int_equal(fhx_reply_fail(&reply, FHX_ERR_NOT_FOUND, 0, "gone"), FHX_OK);
  assert_int_equal(seen(&reply, message), FHX_ERR_NOT_FOUND);
  assert_true(is_open(second));
  fhx__reply_end(&reply);
  assert_false(is_open(second));
}

/* Whoever hands over a descriptor has none to close, whatever becomes of the answer. */
static void files_that_do_not_fit_are_closed(void **state) {
  char message[1024];
  (void)state;
  int file = open_file();
  assert_int_equal(fhx_reply_file(NULL, file), FHX_ERR_ARGUMENT);
  assert_false(is_open(file));
  fhx_reply reply = begin(~FHX__ACCEPT_FILE);
  file = open_file();
  assert_int_equal(fhx_reply_file(&reply, file), FHX_ERR_MISUSE);
  assert_false(is_open(file));
  assert_int_equal(seen(&reply, message), FHX_ERR_MISUSE);
  fhx__reply_end(&reply);
  /* What is no descriptor breaks the reply; what came before it and what comes after are closed. */
  const int before = open_file(), after = open_file();
  reply = begin(FHX__ACCEPT_FILE);
  assert_int_equal(fhx_reply_file(&reply, before), FHX_OK);
  assert_int_equal(fhx_reply_file(&reply, -1), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_reply_file(&reply, after), FHX_ERR_ARGUMENT);
  assert_false(is_open(after));
  assert_int_equal(fhx_reply_file(&reply, before), FHX_ERR_ARGUMENT);
  assert_int_equal(seen(&reply, message), FHX_ERR_ARGUMENT);
  assert_string_equal(message, "the source: the file is not open");
  fhx__reply_end(&reply);
  assert_false(is_open(before));
}

static void give_items(bool all_well) {
  char message[1024];
  fhx_reply reply = begin(FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE);
  for (int i = 0; i < 200; i++) fhx_reply_item(&reply, "Observation", 11);
  /* The callback may ignore what the calls returned. */
  int32_t status = fhx_reply_done(&reply);
  assert_int_equal(seen(&reply, message), status);
  assert_true(status == FHX_OK || (status == FHX_ERR_NO_MEMORY && !all_well));
  if (status == FHX_OK) assert_int_equal(fhx__reply_item_count(&reply), 200);
  if (status != FHX_OK) assert_int_equal(reply.retryable, 1);
  fhx__reply_end(&reply);
}

static void out_of_memory(void **state) {
  (void)state;
  bool more = true;
  for (uint64_t fail_at = 0; more; fail_at++) {
    test_memory_begin(fail_at);
    give_items(fail_at == 0);
    more = test_memory_end() || fail_at == 0;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(silence_is_failure),
      cmocka_unit_test(plain_answers),
      cmocka_unit_test(object),
      cmocka_unit_test(no_reply_at_all),
      cmocka_unit_test(wrong_kind_breaks_for_good),
      cmocka_unit_test(out_of_range_breaks),
      cmocka_unit_test(rows),
      cmocka_unit_test(wrong_rows),
      cmocka_unit_test(items),
      cmocka_unit_test(files),
      cmocka_unit_test(files_that_do_not_fit_are_closed),
      cmocka_unit_test(last_answer_counts),
      cmocka_unit_test(failures),
      cmocka_unit_test(messages_are_cleaned),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
