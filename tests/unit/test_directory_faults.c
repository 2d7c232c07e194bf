/*
 * The directory destination on a file system that fails. The functions of the file system that the
 * library calls are defined here, so that each of their calls can be made to fail, or to take
 * effect and lose its answer.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/memory.h"
#include "unit/directory_place.h"

typedef struct fault {
  const char *call; /* NULL: every call */
  int from, to;     /* which of the calls that match fail, from 1; to 0: all later ones */
  int code;
  bool done_first; /* the call takes effect, and the answer is lost */
  int seen;
} fault;

/* The faults that are set; `seen` counts on in them. */
static fault faults[2];
static size_t fault_count;
/* Every write takes at most three bytes, and a signal comes before each. */
static bool slow_writes;
static bool signal_next;

/* The fault that strikes this call, or NULL. */
static const fault *strike(const char *call) {
  const fault *found = NULL;
  for (size_t i = 0; i < fault_count; i++) {
    if (faults[i].call != NULL && strcmp(faults[i].call, call) != 0) continue;
    faults[i].seen++;
    bool in_range =
        faults[i].seen >= faults[i].from && (faults[i].to == 0 || faults[i].seen <= faults[i].to);
    if (in_range && found == NULL) found = &faults[i];
  }
  return found;
}

/* The result of system call `result` under a fault. */
static long struck(const fault *hit, long result) {
  if (hit == NULL) return result;
  errno = hit->code;
  return -1;
}

static bool is_prevented(const fault *hit) {
  return hit != NULL && !hit->done_first;
}

int openat(int folder, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  const fault *hit = strike("openat");
  return (int)struck(hit, is_prevented(hit) ? -1 : syscall(SYS_openat, folder, path, flags, mode));
}

int mkdirat(int folder, const char *path, mode_t mode) {
  const fault *hit = strike("mkdirat");
  return (int)struck(hit, is_prevented(hit) ? -1 : syscall(SYS_mkdirat, folder, path, mode));
}

ssize_t write(int file, const void *data, size_t len) {
  const fault *hit = strike("write");
  if (is_prevented(hit)) return struck(hit, -1);
  if (slow_writes) {
    signal_next = !signal_next;
    errno = EINTR;
    if (signal_next) return -1;
    if (len > 3) len = 3;
  }
  return struck(hit, syscall(SYS_write, file, data, len));
}

int fsync(int file) {
  const fault *hit = strike("fsync");
  return (int)struck(hit, is_prevented(hit) ? -1 : syscall(SYS_fsync, file));
}

/* As Linux does it: the descriptor is gone also when close fails. */
int close(int file) {
  const fault *hit = strike("close");
  return (int)struck(hit, syscall(SYS_close, file));
}

int renameat2(int from, const char *old, int to, const char *new, unsigned int flags) {
  const fault *hit = strike("renameat2");
  return (int)struck(hit,
                     is_prevented(hit) ? -1 : syscall(SYS_renameat2, from, old, to, new, flags));
}

int unlinkat(int folder, const char *path, int flags) {
  const fault *hit = strike("unlinkat");
  return (int)struck(hit, is_prevented(hit) ? -1 : syscall(SYS_unlinkat, folder, path, flags));
}

int linkat(int from, const char *old, int to, const char *new, int flags) {
  const fault *hit = strike("linkat");
  return (int)struck(hit, is_prevented(hit) ? -1 : syscall(SYS_linkat, from, old, to, new, flags));
}

int fstatat(int folder, const char *restrict path, struct stat *restrict found, int flags) {
  const fault *hit = strike("fstatat");
  return (int)struck(hit,
                     is_prevented(hit) ? -1 : syscall(SYS_newfstatat, folder, path, found, flags));
}

static void set_faults(const fault *wanted, size_t count) {
  assert_in_range(count, 1, sizeof faults / sizeof faults[0]);
  memcpy(faults, wanted, count * sizeof *wanted);
  fault_count = count;
}

#define SET_FAULTS(wanted) set_faults((wanted), sizeof(wanted) / sizeof((wanted)[0]))

static void clear_faults(void) {
  fault_count = 0;
}

static int tear_down_faults(void **state) {
  clear_faults();
  slow_writes = false;
  return tear_down(state);
}

#define FAULT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down_faults)

/* --- Failures -----------------------------------------------------------------------------------
 */

static void short_writes(void **state) {
  place *self = *state;
  slow_writes = true;
  put(self, "j/p", "a line that takes many writes\n");
  slow_writes = false;
  check_content(self->base, "j/p", "a line that takes many writes\n");
}

/* What must hold after an attempt to write "text" as t/j/p. */
static void check_attempt(const place *self, int32_t status) {
  assert_false(is_there(self->base, "t/j/.p.tmp"));
  if (status == FHX_OK) check_content(self->base, "t/j/p", "text");
  if (status != FHX_OK && status != FHX_ERR_UNKNOWN_OUTCOME) {
    assert_int_equal(test_folder_count(self->base), 0);
    assert_int_equal(stat_part(self, "t/j/p", 4), FHX_ERR_NOT_FOUND);
  }
}

/* Every call of the file system fails in turn, with each of `codes`. */
static void each_call_fails(void **state) {
  place *self = *state;
  static const int codes[] = {EIO, ENOSPC, EDQUOT, EACCES, EROFS, EMFILE, EINTR, ENOENT, ENOMEM};
  uint64_t before = open_descriptors();
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    bool reached = true;
    int unknown = 0, failed = 0;
    for (int at = 1; reached; at++) {
      const fault one[] = {{.from = at, .to = at, .code = codes[i]}};
      fhx_error *error = NULL;
      SET_FAULTS(one);
      int32_t status = try_put(self, "t/j/p", "text", &error);
      clear_faults();
      reached = faults[0].seen >= at;
      if (status != FHX_OK) check_error(self, error, status, "the destination's part_");
      check_attempt(self, status);
      unknown += status == FHX_ERR_UNKNOWN_OUTCOME;
      failed += status != FHX_OK;
      assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
      assert_int_equal(test_folder_count(self->base), 0);
      assert_int_equal(open_descriptors(), before);
    }
    /* The one unknown outcome is that of the folder's fsync; EINTR there is tried again. */
    assert_int_equal(unknown, codes[i] == EINTR ? 0 : 1);
    assert_in_range(failed, 4, 20);
  }
}

static void expect_status(const place *self, const char *call, int number, int code, int32_t status,
                          uint32_t retryable) {
  const fault one[] = {{.call = call, .from = number, .to = 0, .code = code}};
  fhx_error *error = NULL;
  SET_FAULTS(one);
  assert_int_equal(try_put(self, "t/j/p", "text", &error), status);
  clear_faults();
  assert_int_equal(fhx_error_retryable(error), retryable);
  check_error(self, error, status, "(");
  check_attempt(self, status);
}

static void statuses(void **state) {
  place *self = *state;
  expect_status(self, "write", 1, ENOSPC, FHX_ERR_NO_SPACE, 0);
  expect_status(self, "write", 1, EDQUOT, FHX_ERR_NO_SPACE, 0);
  expect_status(self, "write", 1, EIO, FHX_ERR_IO, 1);
  expect_status(self, "write", 1, EFBIG, FHX_ERR_IO, 0);
  expect_status(self, "mkdirat", 1, ENOSPC, FHX_ERR_NO_SPACE, 0);
  expect_status(self, "mkdirat", 1, EACCES, FHX_ERR_DENIED, 0);
  expect_status(self, "mkdirat", 2, EROFS, FHX_ERR_DENIED, 0);
  expect_status(self, "mkdirat", 1, EPERM, FHX_ERR_DENIED, 0);
  expect_status(self, "openat", 1, EMFILE, FHX_ERR_IO, 1);
  expect_status(self, "openat", 1, ENFILE, FHX_ERR_IO, 1);
  expect_status(self, "openat", 1, ENOMEM, FHX_ERR_NO_MEMORY, 1);
  expect_status(self, "openat", 1, ENOENT, FHX_ERR_IO, 0);
  expect_status(self, "openat", 1, ENAMETOOLONG, FHX_ERR_ARGUMENT, 0);
  expect_status(self, "renameat2", 1, EDQUOT, FHX_ERR_NO_SPACE, 0);
  expect_status(self, "renameat2", 1, EIO, FHX_ERR_IO, 1);
  /* The folders' two, then the file's. */
  expect_status(self, "fsync", 3, ENOSPC, FHX_ERR_NO_SPACE, 0);
  expect_status(self, "fsync", 3, EIO, FHX_ERR_IO, 1);
  expect_status(self, "fsync", 4, EIO, FHX_ERR_UNKNOWN_OUTCOME, 1);
  assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
  /* The folders' two, then the file's, which Linux closes whatever it answers. */
  expect_status(self, "close", 3, EIO, FHX_ERR_IO, 1);
  const fault interrupted[] = {{.call = "close", .from = 3, .to = 3, .code = EINTR}};
  SET_FAULTS(interrupted);
  put(self, "t/j/p", "text");
}

static void unknown_outcome(void **state) {
  place *self = *state;
  const fault folder[] = {{.call = "fsync", .from = 4, .to = 5, .code = EIO}};
  SET_FAULTS(folder);
  assert_int_equal(try_put(self, "t/j/p", "text", NULL), FHX_ERR_UNKNOWN_OUTCOME);
  /* While the folder cannot be synced nobody knows; then it is there. */
  assert_int_equal(stat_part(self, "t/j/p", 4), FHX_ERR_IO);
  assert_int_equal(stat_part(self, "t/j/p", 4), FHX_OK);
  check_content(self->base, "t/j/p", "text");
  assert_int_equal(test_folder_count(self->base), 3);

  const fault name[] = {{.call = "renameat2", .from = 1, .to = 0, .code = EIO, .done_first = true},
                        {.call = "fstatat", .from = 4, .to = 0, .code = EIO}};
  SET_FAULTS(name);
  fhx_error *error = NULL;
  assert_int_equal(try_put(self, "t/j/q", "text", &error), FHX_ERR_UNKNOWN_OUTCOME);
  clear_faults();
  check_error(self, error, FHX_ERR_UNKNOWN_OUTCOME, "may or may not");
  assert_int_equal(stat_part(self, "t/j/q", 4), FHX_OK);
}

/* The rename was done, and the answer was lost: what the name says counts. */
static void lost_answers(void **state) {
  place *self = *state;
  const fault renamed[] = {
      {.call = "renameat2", .from = 1, .to = 0, .code = EIO, .done_first = true}};
  SET_FAULTS(renamed);
  put(self, "t/j/p", "text");
  check_attempt(self, FHX_OK);
  /* NFS says so of a link whose first answer was lost. */
  const fault linked[] = {
      {.call = "renameat2", .from = 1, .to = 0, .code = EINVAL},
      {.call = "linkat", .from = 1, .to = 0, .code = EEXIST, .done_first = true}};
  SET_FAULTS(linked);
  put(self, "t/j/q", "text");
  clear_faults();
  check_content(self->base, "t/j/q", "text");
  assert_int_equal(test_folder_count(self->base), 4);
}

/* File systems without RENAME_NOREPLACE: a link never replaces either. */
static void without_renameat2(void **state) {
  place *self = *state;
  static const int codes[] = {EINVAL, ENOSYS};
  for (size_t i = 0; i < 2; i++) {
    const fault none[] = {{.call = "renameat2", .from = 1, .to = 0, .code = codes[i]},
                          {.call = "linkat", .from = 3, .to = 0, .code = EACCES}};
    SET_FAULTS(none);
    put(self, "t/j/p", "text");
    check_attempt(self, FHX_OK);
    void *upload = begin(self, "t/j/q");
    add(self, upload, "ours");
    write_file(self->base, "t/j/q", "theirs");
    fhx_part part = part_of("t/j/q", 4);
    assert_int_equal(fhx__destination_commit(self->destination, upload, &part, NULL),
                     FHX_ERR_EXISTS);
    check_content(self->base, "t/j/q", "theirs");
    assert_int_equal(test_folder_count(self->base), 4);
    assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
    assert_int_equal(fhx__destination_remove(self->destination, "t/j/q", NULL), FHX_OK);
    assert_int_equal(try_put(self, "t/j/p", "text", NULL), FHX_ERR_DENIED);
    check_attempt(self, FHX_ERR_DENIED);
    assert_int_equal(faults[1].seen, 3);
  }
}

/* What cannot be cleaned up does not change the answer, and part_remove gets it later. */
static void without_unlink(void **state) {
  place *self = *state;
  const fault linked[] = {{.call = "renameat2", .from = 1, .to = 0, .code = EINVAL},
                          {.call = "unlinkat", .from = 1, .to = 0, .code = EIO}};
  SET_FAULTS(linked);
  put(self, "t/j/p", "text");
  check_content(self->base, "t/j/p", "text");
  assert_int_equal(test_folder_count(self->base), 4);
  assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_ERR_IO);
  clear_faults();
  assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
  assert_int_equal(test_folder_count(self->base), 0);

  const fault failed[] = {{.call = "renameat2", .from = 1, .to = 0, .code = ENOSPC},
                          {.call = "unlinkat", .from = 1, .to = 0, .code = EIO}};
  SET_FAULTS(failed);
  assert_int_equal(try_put(self, "t/j/p", "text", NULL), FHX_ERR_NO_SPACE);
  clear_faults();
  assert_int_equal(stat_part(self, "t/j/p", 4), FHX_ERR_NOT_FOUND);
  assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
  assert_int_equal(test_folder_count(self->base), 0);
  /* An empty folder that cannot be removed is no reason to try for ever. */
  put(self, "t/j/p", "text");
  const fault folder[] = {{.call = "unlinkat", .from = 3, .to = 0, .code = EACCES}};
  SET_FAULTS(folder);
  assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
  assert_int_equal(test_folder_count(self->base), 2);
}

/* Some file systems know no fsync of a folder; a file's must work. */
static void without_folder_sync(void **state) {
  place *self = *state;
  const fault folders[] = {{.call = "fsync", .from = 1, .to = 2, .code = EINVAL},
                           {.call = "fsync", .from = 4, .to = 4, .code = EINVAL}};
  SET_FAULTS(folders);
  put(self, "t/j/p", "text");
  assert_int_equal(faults[1].seen, 4);
  const fault file[] = {{.call = "fsync", .from = 2, .to = 2, .code = EINVAL}};
  SET_FAULTS(file);
  assert_int_equal(try_put(self, "j/p", "text", NULL), FHX_ERR_IO);
}

/* A file that cannot be opened is not one that is not there: the client should come again. */
static void serving_fails(void **state) {
  place *self = *state;
  put(self, "t/j/p", "text");
  uint64_t before = open_descriptors();
  bool reached = true;
  int failed = 0;
  for (int at = 1; reached; at++) {
    const fault one[] = {{.from = at, .to = at, .code = EMFILE}};
    fhx_error *error = NULL;
    int file = -1;
    uint64_t byte_count = 0;
    SET_FAULTS(one);
    int32_t status = fhx__destination_file(self->destination, "t/j/p", &file, &byte_count, &error);
    clear_faults();
    reached = faults[0].seen >= at;
    if (status == FHX_OK) {
      assert_int_equal(byte_count, 4);
      close(file);
    } else {
      assert_int_equal(file, -1);
      assert_int_equal(fhx_error_retryable(error), 1);
      check_error(self, error, FHX_ERR_IO, "the part could not be opened");
      failed++;
    }
    assert_int_equal(open_descriptors(), before);
  }
  /* Two folders and the file; that a descriptor could not be closed is nobody's failure. */
  assert_int_equal(failed, 3);
}

static void no_descriptors(void **state) {
  place *self = *state;
  struct rlimit before, none = {3, 3};
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none.rlim_max = before.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  fhx_error *error = NULL;
  void *upload = NULL;
  int32_t status = fhx__destination_open(self->destination, "j/p", &upload, &error);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(status, FHX_ERR_IO);
  assert_int_equal(fhx_error_retryable(error), 1);
  check_error(self, error, FHX_ERR_IO, "Too many open files");
  assert_int_equal(test_folder_count(self->base), 0);
}

static void file_size_limit(void **state) {
  place *self = *state;
  struct rlimit before, small = {4096, 4096};
  static char data[8192];
  void *upload = begin(self, "j/p");
  fhx_error *error = NULL;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small.rlim_max = before.rlim_max;
  void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  int32_t status = fhx__destination_write(self->destination, upload, data, sizeof data, &error);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old);
  assert_int_equal(status, FHX_ERR_IO);
  check_error(self, error, FHX_ERR_IO, "File too large");
  fhx__destination_abort(self->destination, upload);
  assert_int_equal(test_folder_count(self->base), 0);
}

/* An object that has been said to be gone must not come back with the next power failure. */
static void remove_is_durable(void **state) {
  place *self = *state;
  put(self, "j/p", "x");
  const fault lost[] = {{.call = "fsync", .from = 1, .to = 1, .code = EIO}};
  SET_FAULTS(lost);
  fhx_error *error = NULL;
  assert_int_equal(fhx__destination_remove(self->destination, "j/p", &error), FHX_ERR_IO);
  assert_int_equal(fhx_error_retryable(error), 1);
  check_error(self, error, FHX_ERR_IO, "removed");
  assert_int_equal(fhx__destination_remove(self->destination, "j/p", NULL), FHX_OK);
  assert_int_equal(faults[0].seen, 2);
  assert_int_equal(test_folder_count(self->base), 0);
}

/* Nor must one that has been said to be there vanish with it. */
static void stat_is_durable(void **state) {
  place *self = *state;
  put(self, "j/p", "1234567");
  const fault lost[] = {{.call = "fsync", .from = 1, .to = 1, .code = EIO}};
  SET_FAULTS(lost);
  assert_int_equal(stat_part(self, "j/p", 7), FHX_ERR_IO);
  assert_int_equal(stat_part(self, "j/p", 7), FHX_OK);
  assert_int_equal(faults[0].seen, 2);
}

/* The folder goes between two steps of part_open, which then begins again. */
static void folder_removed_in_between(void **state) {
  place *self = *state;
  static const char *const calls[] = {"openat", "mkdirat"};
  for (size_t i = 0; i < 2; i++) {
    for (int at = 1; at <= 8; at++) {
      const fault gone[] = {{.call = calls[i], .from = at, .to = at + 2, .code = ENOENT}};
      SET_FAULTS(gone);
      put(self, "t/j/p", "text");
      clear_faults();
      check_content(self->base, "t/j/p", "text");
      assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
    }
  }
  /* It does not go on for ever when the base itself is gone. */
  assert_int_equal(rmdir(self->base), 0);
  refuse_open(self, "t/j/p", FHX_ERR_IO, "folder");
  refuse_open(self, "p", FHX_ERR_IO, "made");
  assert_int_equal(mkdir(self->base, 0700), 0);
}

/* --- Memory -------------------------------------------------------------------------------------
 */

static char memory_path[TEST_PATH_MAX];

static int32_t use_everything(fhx_destination *destination, fhx_error **error) {
  fhx_part part = part_of("t/j/p", 4);
  fhx__buffer url = {NULL, 0, 0};
  void *upload = NULL;
  int file = -1;
  uint64_t byte_count = 0;
  int32_t status = fhx__destination_open(destination, part.name, &upload, error);
  if (status != FHX_OK) return status;
  status = fhx__destination_write(destination, upload, "text", 4, error);
  if (status == FHX_OK) status = fhx__destination_commit(destination, upload, &part, error);
  if (status == FHX_OK) status = fhx__destination_stat(destination, &part, error);
  if (status == FHX_OK) status = fhx__destination_url(destination, &part, 0, &url, error);
  fhx__buffer_free(&url);
  if (status == FHX_OK) {
    status = fhx__destination_file(destination, part.name, &file, &byte_count, error);
  }
  if (status == FHX_OK) close(file);
  if (status != FHX_OK) return status;
  status = fhx__destination_open(destination, part.name, &upload, error);
  if (status != FHX_ERR_EXISTS) return status;
  if (error != NULL) {
    fhx_error_free(*error);
    *error = NULL;
  }
  return fhx__destination_remove(destination, part.name, error);
}

/* The whole life of a destination with one failing allocation; false when it was not reached. */
static bool use_with_little_memory(uint64_t fail_at) {
  fhx_directory_options wanted;
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  uint64_t before = open_descriptors();
  FHX_INIT(&wanted);
  wanted.path = memory_path;
  test_memory_begin(fail_at);
  int32_t status = fhx_directory_destination_new(&wanted, &destination, &error);
  if (status == FHX_OK) status = use_everything(destination, &error);
  fhx_error_free(error);
  /* A part that was committed before memory ran out stays; nothing unfinished does. */
  if (destination != NULL) {
    assert_int_equal(fhx__destination_remove(destination, "t/j/p", NULL), FHX_OK);
  }
  assert_int_equal(test_folder_count(memory_path), 0);
  fhx_destination_free(destination);
  assert_int_equal(open_descriptors(), before);
  bool reached = test_memory_end();
  /* A failure may also hit the message of the refusal, which is expected here and goes on. */
  if (!reached || status != FHX_ERR_NO_MEMORY) assert_int_equal(status, FHX_OK);
  return reached;
}

static void out_of_memory(void **state) {
  place *self = *state;
  fhx_destination_free(self->destination);
  memcpy(memory_path, self->base, sizeof memory_path);
  bool reached = true;
  use_with_little_memory(0);
  for (uint64_t fail_at = 1; reached; fail_at++) reached = use_with_little_memory(fail_at);
  self->destination = open_destination(self->base, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      FAULT_TEST(short_writes),
      FAULT_TEST(each_call_fails),
      TEST(statuses),
      FAULT_TEST(unknown_outcome),
      TEST(lost_answers),
      TEST(without_renameat2),
      FAULT_TEST(without_unlink),
      FAULT_TEST(without_folder_sync),
      FAULT_TEST(serving_fails),
      TEST(no_descriptors),
      TEST(file_size_limit),
      FAULT_TEST(remove_is_durable),
      TEST(stat_is_durable),
      TEST(folder_removed_in_between),
      FAULT_TEST(out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
