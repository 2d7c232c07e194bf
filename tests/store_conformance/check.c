/* Running the tests of a store, and what ends one. */
#include <cmocka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where a check that does not hold goes on; one run at a time. */
static jmp_buf *fails;

void fhx__check_say(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vprintf(format, values);
  va_end(values);
}

static void fail_at(const char *file, int line) {
  const char *name = strrchr(file, '/');
  printf("    at %s:%d\n", name == NULL ? file : name + 1, line);
  longjmp(*fails, 1);
}

void fhx__check(bool holds, const char *what, const char *file, int line) {
  if (holds) return;
  printf("    not true: %s\n", what);
  fail_at(file, line);
}

void fhx__check_equal(const char *what, int64_t one, int64_t other, const char *file, int line) {
  if (one == other) return;
  printf("    %s is %lld, not %lld\n", what, (long long)one, (long long)other);
  fail_at(file, line);
}

void fhx__check_range(const char *what, int64_t number, int64_t least, int64_t most,
                      const char *file, int line) {
  if (number >= least && number <= most) return;
  printf("    %s is %lld, not in %lld to %lld\n", what, (long long)number, (long long)least,
         (long long)most);
  fail_at(file, line);
}

void fhx__check_texts(bool equal, const char *one, const char *other, const char *file, int line) {
  fhx__check(one != NULL && other != NULL, "there are two texts", file, line);
  if ((strcmp(one, other) == 0) == equal) return;
  printf("    \"%s\" %s \"%s\"\n", one, equal ? "is not" : "is", other);
  fail_at(file, line);
}

void fhx__check_bytes(const void *one, const void *other, size_t len, const char *file, int line) {
  if (len == 0) return;
  fhx__check(one != NULL && other != NULL && memcmp(one, other, len) == 0, "the bytes are the same",
             file, line);
}

/* A step of a test; false: a check in it did not hold. */
static bool pass(void (*step)(void **state), void **state) {
  jmp_buf failed;
  fails = &failed;
  if (setjmp(failed) != 0) return false;
  step(state);
  return true;
}

static bool prepare(int (*step)(void **state), void **state) {
  jmp_buf failed;
  fails = &failed;
  if (setjmp(failed) != 0) return false;
  return step(state) == 0;
}

static bool run(const struct CMUnitTest *test) {
  void *state = test->initial_state;
  if (!prepare(test->setup_func, &state)) return false;
  bool passed = pass(test->test_func, &state);
  return prepare(test->teardown_func, &state) && passed;
}

int fhx__check_run(const char *group, const struct CMUnitTest *tests, size_t count) {
  int failures = 0;
  for (size_t i = 0; i < count; i++) {
    bool passed = run(&tests[i]);
    printf("%s %s: %s\n", passed ? "passed" : "FAILED", group, tests[i].name);
    fflush(stdout);
    if (!passed) failures++;
  }
  return failures;
}
