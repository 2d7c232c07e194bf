/* The plumbing of destinations: what each answer of a host becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "destination/destination.h"
#include "support/memory.h"

/* How the host below answers its next call. */
enum answer { RIGHT, SILENCE, WRONG_KIND, BOTH, FAILURE, FAILURE_NO_ANSWER, UNFINISHED, TWO_ITEMS };

typedef struct host {
  enum answer answer;
  int32_t status;
  uint32_t retryable;
  const char *url;
  uint64_t object_size;
  const uint8_t *object_sha256;
  /* What part_file answers with a copy of, and that copy. */
  int served;
  int given;
  int calls;
  int aborts;
  int commits;
  int destroyed;
  char name[300];
  void *upload;
  int64_t expires_us;
  size_t written;
} host;

static void give(host *self, fhx_reply *reply, void (*right)(host *, fhx_reply *)) {
  self->calls++;
  if (self->answer == RIGHT) right(self, reply);
  if (self->answer == WRONG_KIND || self->answer == BOTH) fhx_reply_time(reply, 1, 1);
  if (self->answer == BOTH) right(self, reply);
  if (self->answer == FAILURE) fhx_reply_fail(reply, self->status, self->retryable, "disk on fire");
  if (self->answer == FAILURE_NO_ANSWER) fhx_reply_fail(reply, FHX_ERR_NO_ANSWER, 0, "lost");
  if (self->answer == UNFINISHED || self->answer == TWO_ITEMS) {
    fhx_reply_item(reply, "https://a/", 10);
  }
  if (self->answer == TWO_ITEMS) {
    fhx_reply_item(reply, "https://b/", 10);
    fhx_reply_done(reply);
  }
}

static void give_done(host *self, fhx_reply *reply) {
  (void)self;
  fhx_reply_done(reply);
}

static void give_upload(host *self, fhx_reply *reply) {
  fhx_reply_handle(reply, self->upload, 0);
}

static void give_object(host *self, fhx_reply *reply) {
  fhx_reply_object(reply, self->object_size, self->object_sha256);
}

static void give_url(host *self, fhx_reply *reply) {
  if (self->url != NULL) fhx_reply_item(reply, self->url, strlen(self->url));
  fhx_reply_done(reply);
}

static void give_file(host *self, fhx_reply *reply) {
  self->given = fcntl(self->served, F_DUPFD_CLOEXEC, 100);
  fhx_reply_file(reply, self->given);
}

static void keep_name(host *self, const char *name) {
  assert_in_range(strlen(name), 1, sizeof self->name - 1);
  memcpy(self->name, name, strlen(name) + 1);
}

static void host_open(void *user_data, const char *name, fhx_reply *reply) {
  keep_name(user_data, name);
  give(user_data, reply, give_upload);
}

static void host_write(void *user_data, void *upload, const void *data, size_t len,
                       fhx_reply *reply) {
  host *self = user_data;
  assert_ptr_equal(upload, self->upload);
  assert_non_null(data);
  self->written += len;
  give(self, reply, give_done);
}

static void host_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  host *self = user_data;
  assert_ptr_equal(upload, self->upload);
  keep_name(self, fhx_part_name(part));
  self->commits++;
  give(self, reply, give_done);
}

static void host_abort(void *user_data, void *upload) {
  host *self = user_data;
  assert_ptr_equal(upload, self->upload);
  self->aborts++;
}

static void host_stat(void *user_data, const char *name, fhx_reply *reply) {
  keep_name(user_data, name);
  give(user_data, reply, give_object);
}

static void host_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  host *self = user_data;
  keep_name(self, fhx_part_name(part));
  self->expires_us = expires_us;
  give(self, reply, give_url);
}

static void host_remove(void *user_data, const char *name, fhx_reply *reply) {
  keep_name(user_data, name);
  give(user_data, reply, give_done);
}

static void host_file(void *user_data, const char *name, fhx_reply *reply) {
  keep_name(user_data, name);
  give(user_data, reply, give_file);
}

static void host_destroy(void *user_data) {
  host *self = user_data;
  self->destroyed++;
}

static fhx_destination_callbacks all_callbacks(void) {
  fhx_destination_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.part_open = host_open;
  callbacks.part_write = host_write;
  callbacks.part_commit = host_commit;
  callbacks.part_abort = host_abort;
  callbacks.part_stat = host_stat;
  callbacks.part_url = host_url;
  callbacks.part_remove = host_remove;
  callbacks.part_file = host_file;
  callbacks.destroy = host_destroy;
  return callbacks;
}

static fhx_destination *new_destination(host *self) {
  fhx_destination_callbacks callbacks = all_callbacks();
  fhx_destination *destination = NULL;
  assert_int_equal(fhx_destination_new(&callbacks, self, &destination, NULL), FHX_OK);
  return destination;
}

static fhx_part part_named(const char *name) {
  fhx_part part = {.byte_count = 7};
  assert_in_range(strlen(name), 0, sizeof part.name - 1);
  memcpy(part.name, name, strlen(name) + 1);
  return part;
}

/* The functions under test, as one: what the destination is asked for. */
enum request { OPEN, WRITE, COMMIT, STAT, URL, SERVE, REMOVE, REQUEST_COUNT };

static const char *const request_names[] = {"part_open", "part_write", "part_commit", "part_stat",
                                            "part_url",  "part_file",  "part_remove"};

static int32_t ask(fhx_destination *destination, host *self, enum request request, const char *name,
                   fhx_error **error) {
  fhx_part part = part_named(name);
  fhx__buffer url = {NULL, 0, 0};
  void *upload = NULL;
  int32_t status = FHX_OK;
  int file = 5;
  uint64_t byte_count = 5;
  switch (request) {
    case OPEN:
      status = fhx__destination_open(destination, name, &upload, error);
      if (status == FHX_OK) assert_ptr_equal(upload, self->upload);
      if (status != FHX_OK) assert_null(upload);
      return status;
    case WRITE:
      return fhx__destination_write(destination, self->upload, "abc", 3, error);
    case COMMIT:
      return fhx__destination_commit(destination, self->upload, &part, error);
    case STAT:
      return fhx__destination_stat(destination, &part, error);
    case URL:
      status = fhx__destination_url(destination, &part, 42, &url, error);
      if (status != FHX_OK) assert_int_equal(url.len, 0);
      fhx__buffer_free(&url);
      return status;
    case SERVE:
      status = fhx__destination_file(destination, name, &file, &byte_count, error);
      assert_int_equal(file, status == FHX_OK ? self->given : -1);
      assert_int_equal(byte_count, status == FHX_OK ? 7 : 0);
      if (status == FHX_OK) assert_int_equal(close(file), 0);
      return status;
    default:
      return fhx__destination_remove(destination, name, error);
  }
}

/* A regular file of seven bytes, open as long as the program runs. */
static int served_file(void) {
  static FILE *file;
  if (file != NULL) return fileno(file);
  file = tmpfile();
  assert_non_null(file);
  assert_true(fputs("{\"a\":1}", file) >= 0);
  assert_int_equal(fflush(file), 0);
  return fileno(file);
}

static host new_host(void) {
  static int upload;
  host self = {.answer = RIGHT,
               .url = "https://host/p",
               .object_size = 7,
               .served = served_file(),
               .given = -1,
               .upload = &upload};
  return self;
}

static void right_answers(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  for (int request = 0; request < REQUEST_COUNT; request++) {
    assert_int_equal(
        ask(destination, &self, (enum request)request, "t/j/Patient-0-1-1.ndjson", NULL), FHX_OK);
    assert_int_equal(self.calls, request + 1);
    assert_string_equal(self.name, "t/j/Patient-0-1-1.ndjson");
  }
  assert_int_equal(self.written, 3);
  assert_int_equal(self.expires_us, 42);
  assert_int_equal(fhx__destination_write(destination, self.upload, "", 0, NULL), FHX_OK);
  assert_int_equal(self.calls, REQUEST_COUNT);
  fhx__destination_abort(destination, self.upload);
  assert_int_equal(self.aborts, 1);
  fhx_destination_free(destination);
}

static void expect(fhx_destination *destination, host *self, enum request request, int32_t status,
                   uint32_t retryable, const char *message_part) {
  fhx_error *error = NULL;
  char beginning[64] = "the destination's ";
  strcat(beginning, request_names[request]);
  assert_int_equal(ask(destination, self, request, "j/p.ndjson", &error), status);
  assert_int_equal(fhx_error_status(error), status);
  assert_int_equal(fhx_error_retryable(error), retryable);
  assert_ptr_equal(strstr(fhx_error_message(error), beginning), fhx_error_message(error));
  assert_non_null(strstr(fhx_error_message(error), message_part));
  fhx_error_free(error);
  assert_int_equal(ask(destination, self, request, "j/p.ndjson", NULL), status);
}

/* Silence is failure; on commit, where the part may be there already, it is "not known". */
static void silence(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  self.answer = SILENCE;
  for (int request = 0; request < REQUEST_COUNT; request++) {
    int32_t status = request == COMMIT ? FHX_ERR_UNKNOWN_OUTCOME : FHX_ERR_NO_ANSWER;
    expect(destination, &self, (enum request)request, status, 1, "without an answer");
  }
  assert_int_equal(self.aborts, 0);
  fhx_destination_free(destination);
}

static void wrong_answers(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  static const enum answer wrong[] = {WRONG_KIND, BOTH};
  for (size_t i = 0; i < 2; i++) {
    self.answer = wrong[i];
    for (int request = 0; request < REQUEST_COUNT; request++) {
      int32_t status = request == COMMIT ? FHX_ERR_UNKNOWN_OUTCOME : FHX_ERR_MISUSE;
      expect(destination, &self, (enum request)request, status, 0, "does not fit");
    }
  }
  fhx_destination_free(destination);
}

static void failures(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  self.answer = FAILURE;
  for (int request = 0; request < REQUEST_COUNT; request++) {
    self.status = FHX_ERR_NO_SPACE;
    self.retryable = 0;
    expect(destination, &self, (enum request)request, FHX_ERR_NO_SPACE, 0, ": disk on fire");
    /* Before the commit there is no outcome that could be looked for. */
    self.status = FHX_ERR_UNKNOWN_OUTCOME;
    self.retryable = 1;
    expect(destination, &self, (enum request)request,
           request < COMMIT ? FHX_ERR_DESTINATION : FHX_ERR_UNKNOWN_OUTCOME, 1, "disk on fire");
    self.status = FHX_OK;
    expect(destination, &self, (enum request)request, FHX_ERR_INTERNAL, 1, "disk on fire");
  }
  /* A binding that passes on "no answer" as a failure knows no more than one that is silent. */
  self.answer = FAILURE_NO_ANSWER;
  expect(destination, &self, COMMIT, FHX_ERR_UNKNOWN_OUTCOME, 0, "lost");
  fhx_destination_free(destination);
}

static void names_are_checked(void **state) {
  (void)state;
  static const char *const bad[] = {"",        "/abs",    "../x",        "a/../b",
                                    "a//b",    ".hidden", "a/.hidden",   "a/",
                                    ".",       "..",      "a\\b",        "a b",
                                    "a\nb",    "a%2e%2e", "p\xC3\xA4rt", "a:b",
                                    "a/b\x7F", "~",       "a*",          "\xC0\xAE\xC0\xAE/x"};
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fhx_error *error = NULL;
    void *upload = NULL;
    assert_int_equal(fhx__destination_open(destination, bad[i], &upload, &error), FHX_ERR_ARGUMENT);
    assert_int_equal(fhx_error_status(error), FHX_ERR_ARGUMENT);
    fhx_error_free(error);
    for (int request = STAT; request < REQUEST_COUNT; request++) {
      assert_int_equal(ask(destination, &self, (enum request)request, bad[i], NULL),
                       FHX_ERR_ARGUMENT);
    }
    assert_int_equal(self.aborts, (int)i);
    assert_int_equal(ask(destination, &self, COMMIT, bad[i], NULL), FHX_ERR_ARGUMENT);
    assert_int_equal(self.aborts, (int)i + 1);
  }
  assert_int_equal(self.calls, 0);
  char name[258];
  memset(name, 'n', sizeof name);
  name[256] = '\0';
  assert_int_equal(fhx__destination_remove(destination, name, NULL), FHX_ERR_ARGUMENT);
  name[255] = '\0';
  assert_int_equal(fhx__destination_remove(destination, name, NULL), FHX_OK);
  assert_int_equal(self.calls, 1);
  fhx_destination_free(destination);
}

static void objects_are_compared(void **state) {
  (void)state;
  uint8_t sha256[32] = {1, 2, 3};
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  fhx_part part = part_named("j/p.ndjson");
  self.object_size = 8;
  assert_int_equal(fhx__destination_stat(destination, &part, NULL), FHX_ERR_DESTINATION);
  self.object_size = 7;
  self.object_sha256 = sha256;
  assert_int_equal(fhx__destination_stat(destination, &part, NULL), FHX_OK);
  part.has_sha256 = true;
  assert_int_equal(fhx__destination_stat(destination, &part, NULL), FHX_ERR_DESTINATION);
  memcpy(part.sha256, sha256, sizeof sha256);
  assert_int_equal(fhx__destination_stat(destination, &part, NULL), FHX_OK);
  self.object_sha256 = NULL;
  memset(part.sha256, 9, sizeof part.sha256);
  assert_int_equal(fhx__destination_stat(destination, &part, NULL), FHX_OK);
  self.answer = FAILURE;
  self.status = FHX_ERR_NOT_FOUND;
  assert_int_equal(fhx__destination_stat(destination, &part, NULL), FHX_ERR_NOT_FOUND);
  fhx_destination_free(destination);
}

static void without_stat(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination_callbacks callbacks = all_callbacks();
  fhx_destination *destination = NULL;
  fhx_part part = part_named("j/p.ndjson");
  fhx_error *error = NULL;
  callbacks.part_stat = NULL;
  callbacks.destroy = NULL;
  assert_int_equal(fhx_destination_new(&callbacks, &self, &destination, NULL), FHX_OK);
  assert_int_equal(fhx__destination_stat(destination, &part, &error), FHX_ERR_UNSUPPORTED);
  fhx_error_free(error);
  fhx_destination_free(destination);
}

static bool is_open(int file) {
  return fcntl(file, F_GETFD) >= 0;
}

static void expect_no_file(fhx_destination *destination, host *self, const char *message_part) {
  expect(destination, self, SERVE, FHX_ERR_DESTINATION, 0, message_part);
  assert_false(is_open(self->given));
}

/* Only a regular file has a length that can be told before it is sent. */
static void files_are_checked(void **state) {
  (void)state;
  int ends[2];
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  assert_true(fhx__destination_serves_files(destination));
  assert_int_equal(pipe(ends), 0);
  self.served = ends[0];
  expect_no_file(destination, &self, "not a regular file");
  close(ends[0]);
  close(ends[1]);
  self.served = open("/", O_RDONLY | O_CLOEXEC);
  expect_no_file(destination, &self, "not a regular file");
  close(self.served);
  self.served = served_file();
  /* What came with an answer that does not fit is closed too. */
  self.answer = BOTH;
  assert_int_equal(ask(destination, &self, SERVE, "j/p.ndjson", NULL), FHX_ERR_MISUSE);
  assert_false(is_open(self.given));
  self.answer = FAILURE;
  self.status = FHX_ERR_NOT_FOUND;
  expect(destination, &self, SERVE, FHX_ERR_NOT_FOUND, 0, "disk on fire");
  fhx_destination_free(destination);
}

/* A number that stands for nothing, which the host takes for a descriptor. */
static void serve_nothing(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data;
  (void)name;
  assert_int_equal(fhx_reply_file(reply, 1000000), FHX_OK);
}

static void files_that_are_not_open(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination_callbacks callbacks = all_callbacks();
  fhx_destination *destination = NULL;
  callbacks.part_file = serve_nothing;
  assert_int_equal(fhx_destination_new(&callbacks, &self, &destination, NULL), FHX_OK);
  expect(destination, &self, SERVE, FHX_ERR_DESTINATION, 0, "cannot be looked at");
  fhx_destination_free(destination);
}

static void without_files(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination_callbacks callbacks = all_callbacks();
  fhx_destination *destination = NULL;
  callbacks.part_file = NULL;
  assert_int_equal(fhx_destination_new(&callbacks, &self, &destination, NULL), FHX_OK);
  assert_false(fhx__destination_serves_files(destination));
  assert_int_equal(ask(destination, &self, SERVE, "j/p.ndjson", NULL), FHX_ERR_UNSUPPORTED);
  fhx_destination_free(destination);
}

/* MAN-09: what goes into the manifest is one URL. */
static void urls_are_checked(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  static const char *const bad[] = {
      NULL, "", "https://a b", "https://a/\n", "https://\xC3\xA4/", "https://a/\x7F"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    self.url = bad[i];
    expect(destination, &self, URL, FHX_ERR_DESTINATION, 0, "URL");
  }
  self.answer = TWO_ITEMS;
  expect(destination, &self, URL, FHX_ERR_DESTINATION, 0, "exactly one");
  self.answer = UNFINISHED;
  expect(destination, &self, URL, FHX_ERR_NO_ANSWER, 1, "did not finish");
  self.answer = RIGHT;
  self.url = "https://host/p?sig=%2F";
  fhx__buffer url = {NULL, 0, 0};
  fhx_part part = part_named("j/p.ndjson");
  assert_int_equal(fhx__buffer_append_text(&url, "before "), FHX_OK);
  assert_int_equal(fhx__destination_url(destination, &part, 0, &url, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&url), FHX_OK);
  assert_string_equal(url.data, "before https://host/p?sig=%2F");
  fhx__buffer_free(&url);
  fhx_destination_free(destination);
}

static void references(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination *destination = new_destination(&self);
  assert_ptr_equal(fhx__destination_ref(destination), destination);
  fhx_destination_free(destination);
  assert_int_equal(self.destroyed, 0);
  assert_int_equal(ask(destination, &self, REMOVE, "j/p.ndjson", NULL), FHX_OK);
  fhx_destination_free(destination);
  assert_int_equal(self.destroyed, 1);
  fhx_destination_free(NULL);
}

static void expect_refused(fhx_destination_callbacks *callbacks, fhx_destination **place,
                           const char *message_part) {
  host self = new_host();
  fhx_error *error = NULL;
  assert_int_equal(fhx_destination_new(callbacks, &self, place, &error), FHX_ERR_ARGUMENT);
  assert_non_null(strstr(fhx_error_message(error), message_part));
  assert_int_equal(self.destroyed, 1);
  fhx_error_free(error);
}

/* Whoever calls new has handed over user_data: destroy runs once also when it fails. */
static void new_that_fails(void **state) {
  (void)state;
  fhx_destination *destination = NULL;
  fhx_destination_callbacks callbacks = all_callbacks();
  expect_refused(&callbacks, NULL, "place");
  callbacks.flags = 4;
  expect_refused(&callbacks, &destination, "flag");
  callbacks = all_callbacks();
  callbacks.part_open = NULL;
  expect_refused(&callbacks, &destination, "part_open");
  callbacks = all_callbacks();
  callbacks.part_write = NULL;
  expect_refused(&callbacks, &destination, "part_write");
  callbacks = all_callbacks();
  callbacks.part_commit = NULL;
  expect_refused(&callbacks, &destination, "part_commit");
  callbacks = all_callbacks();
  callbacks.part_abort = NULL;
  expect_refused(&callbacks, &destination, "part_abort");
  callbacks = all_callbacks();
  callbacks.part_url = NULL;
  expect_refused(&callbacks, &destination, "part_url");
  callbacks = all_callbacks();
  callbacks.part_remove = NULL;
  expect_refused(&callbacks, &destination, "part_remove");
  assert_null(destination);
}

static void unreadable_structures(void **state) {
  (void)state;
  host self = new_host();
  fhx_destination *destination = NULL;
  fhx_destination_callbacks callbacks = all_callbacks();
  assert_int_equal(fhx_destination_new(NULL, &self, &destination, NULL), FHX_ERR_ARGUMENT);
  callbacks.size = 4;
  assert_int_equal(fhx_destination_new(&callbacks, &self, &destination, NULL), FHX_ERR_STRUCT_SIZE);
  struct {
    fhx_destination_callbacks known;
    uint64_t unknown;
  } newer = {all_callbacks(), 1};
  newer.known.size = (uint32_t)sizeof newer;
  assert_int_equal(fhx_destination_new(&newer.known, &self, &destination, NULL),
                   FHX_ERR_STRUCT_SIZE);
  assert_int_equal(self.destroyed, 0);
  newer.unknown = 0;
  newer.known.flags = FHX_DESTINATION_REQUIRES_TOKEN;
  assert_int_equal(fhx_destination_new(&newer.known, &self, &destination, NULL), FHX_OK);
  assert_int_equal(fhx__destination_flags(destination), FHX_DESTINATION_REQUIRES_TOKEN);
  fhx_destination_free(destination);
}

/* Every request with one failing allocation; false when it was not reached. */
static bool ask_with_little_memory(uint64_t fail_at) {
  host self = new_host();
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  fhx_destination_callbacks callbacks = all_callbacks();
  test_memory_begin(fail_at);
  int32_t status = fhx_destination_new(&callbacks, &self, &destination, &error);
  for (int request = 0; status == FHX_OK && request < REQUEST_COUNT; request++) {
    status = ask(destination, &self, (enum request)request, "j/p.ndjson", &error);
  }
  fhx_destination_free(destination);
  assert_int_equal(self.destroyed, 1);
  assert_int_equal(fhx_error_status(error), status);
  fhx_error_free(error);
  bool reached = test_memory_end();
  assert_int_equal(status, reached ? FHX_ERR_NO_MEMORY : FHX_OK);
  return reached;
}

static void out_of_memory(void **state) {
  (void)state;
  bool reached = true;
  for (uint64_t fail_at = 1; reached; fail_at++) reached = ask_with_little_memory(fail_at);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(right_answers),
      cmocka_unit_test(silence),
      cmocka_unit_test(wrong_answers),
      cmocka_unit_test(failures),
      cmocka_unit_test(names_are_checked),
      cmocka_unit_test(objects_are_compared),
      cmocka_unit_test(without_stat),
      cmocka_unit_test(files_are_checked),
      cmocka_unit_test(files_that_are_not_open),
      cmocka_unit_test(without_files),
      cmocka_unit_test(urls_are_checked),
      cmocka_unit_test(references),
      cmocka_unit_test(new_that_fails),
      cmocka_unit_test(unreadable_structures),
      cmocka_unit_test(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
