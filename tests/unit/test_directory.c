/*
 * The directory destination: what it writes, where it refuses to write, permissions, full and
 * read-only disks, several workers. Lacking a facility fails a test unless FHX_WITHOUT names it:
 * mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/mount.h"
#include "unit/directory_place.h"

static void content(void **state) {
  place *self = *state;
  uint64_t before = open_descriptors();
  void *upload = begin(self, "tenant/job/Patient-0-1-1.ndjson");
  assert_true(is_there(self->base, "tenant/job/.Patient-0-1-1.ndjson.tmp"));
  assert_false(is_there(self->base, "tenant/job/Patient-0-1-1.ndjson"));
  add(self, upload, "{\"a\":1}\n");
  add(self, upload, "{\"b\":2}\n");
  fhx_part part = part_of("tenant/job/Patient-0-1-1.ndjson", 16);
  assert_int_equal(fhx__destination_commit(self->destination, upload, &part, NULL), FHX_OK);
  check_content(self->base, part.name, "{\"a\":1}\n{\"b\":2}\n");
  assert_int_equal(test_folder_count(self->base), 3);
  put(self, "single.ndjson", "{}\n");
  check_content(self->base, "single.ndjson", "{}\n");
  put(self, "tenant/job/Patient-0-1-2.ndjson", "x");
  put(self, "tenant/other/Patient-0-1-1.ndjson", "y");
  put(self, "a/b/c/d/e", "deep");
  check_content(self->base, "a/b/c/d/e", "deep");
  assert_int_equal(test_folder_count(self->base), 12);
  assert_int_equal(test_folder_count(self->outside), 0);
  assert_int_equal(open_descriptors(), before);
}

/* Whatever umask a host has: 0600 and 0700, and the umask is not touched. */
static void modes(void **state) {
  place *self = *state;
  static const mode_t masks[] = {0, 022, 027, 077, 0177, 0377};
  for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
    mode_t before = umask(masks[i]);
    void *upload = begin(self, "tenant/job/part");
    mode_t temporary = mode_of(self->base, "tenant/job/.part.tmp");
    fhx__destination_abort(self->destination, upload);
    put(self, "tenant/job/part", "x");
    assert_int_equal(umask(before), masks[i]);
    assert_int_equal(temporary, S_IFREG | 0600);
    assert_int_equal(mode_of(self->base, "tenant/job/part"), S_IFREG | 0600);
    assert_int_equal(mode_of(self->base, "tenant/job"), S_IFDIR | 0700);
    assert_int_equal(mode_of(self->base, "tenant"), S_IFDIR | 0700);
    assert_int_equal(fhx__destination_remove(self->destination, "tenant/job/part", NULL), FHX_OK);
  }
  char tenant[TEST_PATH_MAX];
  test_path_join(tenant, self->base, "made-by-others");
  assert_int_equal(mkdir(tenant, 0700), 0);
  assert_int_equal(chmod(tenant, 02750), 0);
  mode_t before = umask(0177);
  put(self, "made-by-others/job/part", "x");
  umask(before);
  assert_int_equal(mode_of(self->base, "made-by-others"), S_IFDIR | 02750);
  assert_int_equal(mode_of(self->base, "made-by-others/job"), S_IFDIR | 02700);
}

/* FHX_DESTINATION_READABLE: 0644 and 0755, whatever the umask. */
static void readable_modes(void **state) {
  place *self = *state;
  fhx_directory_options options;
  fhx_destination *own = self->destination;
  FHX_INIT(&options);
  options.path = self->base;
  options.flags = FHX_DESTINATION_READABLE;
  assert_int_equal(fhx_directory_destination_new(&options, &self->destination, NULL), FHX_OK);
  mode_t before = umask(077);
  put(self, "tenant/job/part", "x");
  assert_int_equal(fhx__document_put(self->destination, "pages/$x", "{}", 2, "", "", NULL), FHX_OK);
  umask(before);
  assert_int_equal(mode_of(self->base, "tenant/job/part"), S_IFREG | 0644);
  assert_int_equal(mode_of(self->base, "tenant/job"), S_IFDIR | 0755);
  assert_int_equal(mode_of(self->base, "pages/$x"), S_IFREG | 0644);
  assert_int_equal(mode_of(self->base, "pages"), S_IFDIR | 0755);
  fhx_destination_free(self->destination);
  self->destination = own;
  assert_int_equal(fhx__document_put(own, "own", "{}", 2, "", "", NULL), FHX_OK);
  assert_int_equal(mode_of(self->base, "own"), S_IFREG | 0600);
}

/* How many descriptors are open below the place's base, all of which must close on exec. */
static int check_close_on_exec(const place *self) {
  int found = 0;
  for (int i = 3; i < 256; i++) {
    char link[64], target[TEST_PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", i);
    ssize_t len = readlink(link, target, sizeof target);
    if (len <= 0 || strncmp(target, self->base, strlen(self->base)) != 0) continue;
    assert_int_equal(fcntl(i, F_GETFD), FD_CLOEXEC);
    found++;
  }
  return found;
}

/* A program that the host starts inherits no file of ours. */
static void descriptors_close_on_exec(void **state) {
  place *self = *state;
  static const char *const names[] = {"t/j/p", "p"};
  for (size_t i = 0; i < 2; i++) {
    void *upload = begin(self, names[i]);
    assert_int_equal(check_close_on_exec(self), 3);
    fhx__destination_abort(self->destination, upload);
    assert_int_equal(check_close_on_exec(self), 1);
  }
}

/* FILE-15 */
static void names_that_leave(void **state) {
  place *self = *state;
  static const char *const bad[] = {"../outside/x", "a/../../outside/x",
                                    "/abs",         "a//b",
                                    ".hidden",      "a/.hidden",
                                    "a/",           "..",
                                    "./a",          "a/./b",
                                    "a\\..",        "",
                                    "a b",          "\xC0\xAE."};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    refuse_open(self, bad[i], FHX_ERR_ARGUMENT, "the part's name");
    assert_int_equal(fhx__destination_remove(self->destination, bad[i], NULL), FHX_ERR_ARGUMENT);
  }
  assert_int_equal(test_folder_count(self->root), 2);
}

static void long_names(void **state) {
  place *self = *state;
  char name[300];
  memset(name, 'n', sizeof name);
  name[256] = '\0';
  refuse_open(self, name, FHX_ERR_ARGUMENT, "longer than 255");
  static const size_t too_long[] = {255, 251};
  for (size_t i = 0; i < 2; i++) {
    name[too_long[i]] = '\0';
    refuse_open(self, name, FHX_ERR_ARGUMENT, "last segment");
    assert_int_equal(test_folder_count(self->base), 0);
  }
  name[250] = '\0';
  put(self, name, "long");
  check_content(self->base, name, "long");
  assert_int_equal(fhx__destination_remove(self->destination, name, NULL), FHX_OK);
  for (size_t i = 1; i < 255; i += 2) name[i] = '/';
  name[250] = 'n';
  name[255] = '\0';
  put(self, name, "deep");
  check_content(self->base, name, "deep");
  assert_int_equal(fhx__destination_remove(self->destination, name, NULL), FHX_OK);
  assert_int_equal(test_folder_count(self->base), 0);
}

static void link_to_outside(const place *self, const char *name) {
  char path[TEST_PATH_MAX];
  test_path_join(path, self->base, name);
  assert_int_equal(symlink(self->outside, path), 0);
}

/* No link below the base is followed, wherever it leads. */
static void links(void **state) {
  place *self = *state;
  write_file(self->outside, "part", "theirs");
  link_to_outside(self, "job");
  refuse_open(self, "job/new", FHX_ERR_IO, "not a folder");
  refuse_open(self, "job/deeper/new", FHX_ERR_IO, "not a folder");
  assert_int_equal(stat_part(self, "job/part", 6), FHX_ERR_IO);
  assert_int_equal(fhx__destination_remove(self->destination, "job/part", NULL), FHX_ERR_IO);
  assert_true(is_there(self->base, "job"));

  char path[TEST_PATH_MAX], target[TEST_PATH_MAX];
  test_path_join(target, self->outside, "part");
  test_path_join(path, self->base, "final");
  assert_int_equal(symlink(target, path), 0);
  refuse_open(self, "final", FHX_ERR_EXISTS, "is not replaced");
  assert_int_equal(stat_part(self, "final", 6), FHX_ERR_DESTINATION);
  assert_int_equal(stat_part(self, "final", strlen(target)), FHX_ERR_DESTINATION);
  test_path_join(path, self->base, ".stale.tmp");
  assert_int_equal(symlink(target, path), 0);
  refuse_open(self, "stale", FHX_ERR_EXISTS, "part_remove");
  assert_int_equal(fhx__destination_remove(self->destination, "stale", NULL), FHX_OK);
  assert_int_equal(fhx__destination_remove(self->destination, "final", NULL), FHX_OK);

  check_content(self->outside, "part", "theirs");
  assert_int_equal(test_folder_count(self->outside), 1);
  assert_int_equal(test_folder_count(self->base), 1);
}

/* A link put in the folder's place while an upload is open leads nobody astray. */
static void link_under_an_upload(void **state) {
  place *self = *state;
  char job[TEST_PATH_MAX], moved[TEST_PATH_MAX];
  void *upload = begin(self, "job/part");
  test_path_join(job, self->base, "job");
  test_path_join(moved, self->base, "moved");
  assert_int_equal(rename(job, moved), 0);
  link_to_outside(self, "job");
  add(self, upload, "x");
  fhx_part part = part_of("job/part", 1);
  assert_int_equal(fhx__destination_commit(self->destination, upload, &part, NULL), FHX_OK);
  check_content(self->base, "moved/part", "x");
  assert_int_equal(test_folder_count(self->outside), 0);
}

static void file_as_folder(void **state) {
  place *self = *state;
  put(self, "job", "a file");
  refuse_open(self, "job/part", FHX_ERR_IO, "not a folder");
  assert_int_equal(fhx__destination_remove(self->destination, "job/part", NULL), FHX_ERR_IO);
  check_content(self->base, "job", "a file");
}

static void existing_names(void **state) {
  place *self = *state;
  put(self, "j/p", "first");
  refuse_open(self, "j/p", FHX_ERR_EXISTS, "is not replaced");
  void *upload = begin(self, "j/q");
  add(self, upload, "ours");
  write_file(self->base, "j/q", "theirs");
  fhx_part part = part_of("j/q", 4);
  fhx_error *error = NULL;
  assert_int_equal(fhx__destination_commit(self->destination, upload, &part, &error),
                   FHX_ERR_EXISTS);
  check_error(self, error, FHX_ERR_EXISTS, "is not replaced");
  check_content(self->base, "j/p", "first");
  check_content(self->base, "j/q", "theirs");
  assert_int_equal(test_folder_count(self->base), 3);
}

static void stale_uploads(void **state) {
  place *self = *state;
  write_file(self->base, ".run-1.ndjson.tmp", "half a li");
  refuse_open(self, "run-1.ndjson", FHX_ERR_EXISTS, "unfinished upload of this name");
  refuse_open(self, "run-1.ndjson", FHX_ERR_EXISTS, "part_remove");
  assert_int_equal(fhx__destination_remove(self->destination, "run-1.ndjson", NULL), FHX_OK);
  assert_int_equal(test_folder_count(self->base), 0);
  put(self, "run-1.ndjson", "whole\n");
  check_content(self->base, "run-1.ndjson", "whole\n");
}

static void abort_leaves_nothing(void **state) {
  place *self = *state;
  uint64_t before = open_descriptors();
  void *upload = begin(self, "t/j/p");
  add(self, upload, "text");
  fhx__destination_abort(self->destination, upload);
  assert_int_equal(test_folder_count(self->base), 0);
  void *one = begin(self, "t/j/p");
  void *two = begin(self, "t/j/q");
  fhx__destination_abort(self->destination, one);
  assert_int_equal(test_folder_count(self->base), 3);
  fhx__destination_abort(self->destination, two);
  assert_int_equal(test_folder_count(self->base), 0);
  assert_int_equal(open_descriptors(), before);
}

static void remove_is_idempotent(void **state) {
  place *self = *state;
  assert_int_equal(fhx__destination_remove(self->destination, "no/such/part", NULL), FHX_OK);
  put(self, "t/j/p", "x");
  put(self, "t/j/q", "y");
  for (int i = 0; i < 2; i++) {
    assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
    assert_int_equal(test_folder_count(self->base), 3);
  }
  for (int i = 0; i < 2; i++) {
    assert_int_equal(fhx__destination_remove(self->destination, "t/j/q", NULL), FHX_OK);
    assert_int_equal(test_folder_count(self->base), 0);
  }
  assert_true(is_there(self->root, "base"));
  char path[TEST_PATH_MAX];
  test_path_join(path, self->base, "folder");
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(fhx__destination_remove(self->destination, "folder", NULL), FHX_ERR_IO);
  assert_true(is_there(self->base, "folder"));
}

/* Clean-up of a worker that is not dead after all: it cannot publish any more. */
static void remove_under_an_upload(void **state) {
  place *self = *state;
  void *upload = begin(self, "j/p");
  add(self, upload, "old");
  assert_int_equal(fhx__destination_remove(self->destination, "j/p", NULL), FHX_OK);
  assert_int_equal(test_folder_count(self->base), 0);
  fhx_part part = part_of("j/p", 3);
  fhx_error *error = NULL;
  assert_int_equal(fhx__destination_commit(self->destination, upload, &part, &error), FHX_ERR_IO);
  check_error(self, error, FHX_ERR_IO, "removed by somebody else");
  assert_int_equal(test_folder_count(self->base), 0);
}

/* ... and it harms no upload that was begun under the same name since. */
static void two_uploads_of_one_name(void **state) {
  place *self = *state;
  fhx_part part = part_of("j/p", 3);
  for (int i = 0; i < 2; i++) {
    void *old = begin(self, "j/p");
    add(self, old, "old");
    assert_int_equal(fhx__destination_remove(self->destination, "j/p", NULL), FHX_OK);
    void *new = begin(self, "j/p");
    add(self, new, "new");
    if (i == 0) fhx__destination_abort(self->destination, old);
    if (i == 1) {
      assert_int_equal(fhx__destination_commit(self->destination, old, &part, NULL), FHX_ERR_IO);
    }
    assert_int_equal(fhx__destination_commit(self->destination, new, &part, NULL), FHX_OK);
    check_content(self->base, "j/p", "new");
    assert_int_equal(fhx__destination_remove(self->destination, "j/p", NULL), FHX_OK);
  }
}

static void another_size(void **state) {
  place *self = *state;
  void *upload = begin(self, "j/p");
  add(self, upload, "text");
  fhx_part part = part_of("j/p", 5);
  fhx_error *error = NULL;
  assert_int_equal(fhx__destination_commit(self->destination, upload, &part, &error), FHX_ERR_IO);
  check_error(self, error, FHX_ERR_IO, "as long as");
  assert_int_equal(test_folder_count(self->base), 0);
}

static void stat_answers(void **state) {
  place *self = *state;
  put(self, "j/p", "1234567");
  assert_int_equal(stat_part(self, "j/p", 7), FHX_OK);
  assert_int_equal(stat_part(self, "j/p", 8), FHX_ERR_DESTINATION);
  assert_int_equal(stat_part(self, "j/q", 7), FHX_ERR_NOT_FOUND);
  assert_int_equal(stat_part(self, "other/p", 7), FHX_ERR_NOT_FOUND);
  assert_int_equal(stat_part(self, "j", 7), FHX_ERR_DESTINATION);
  /* An unfinished upload is no part. */
  void *upload = begin(self, "j/q");
  assert_int_equal(stat_part(self, "j/q", 0), FHX_ERR_NOT_FOUND);
  fhx__destination_abort(self->destination, upload);
}

static int32_t serve(const place *self, const char *name, int *file, uint64_t *byte_count) {
  fhx_error *error = NULL;
  int32_t status = fhx__destination_file(self->destination, name, file, byte_count, &error);
  assert_int_equal(fhx_error_status(error), status);
  assert_null(strstr(fhx_error_message(error), self->root));
  fhx_error_free(error);
  return status;
}

/* FILE-11: a download that has begun comes to its end although the job was deleted meanwhile. */
static void files(void **state) {
  place *self = *state;
  char text[16] = "";
  int file = -1;
  uint64_t byte_count = 0, before = open_descriptors();
  assert_true(fhx__destination_serves_files(self->destination));
  void *upload = begin(self, "t/j/p");
  add(self, upload, "12345");
  assert_int_equal(serve(self, "t/j/p", &file, &byte_count), FHX_ERR_NOT_FOUND);
  add(self, upload, "67");
  fhx_part part = part_of("t/j/p", 7);
  assert_int_equal(fhx__destination_commit(self->destination, upload, &part, NULL), FHX_OK);
  assert_int_equal(serve(self, "t/j/p", &file, &byte_count), FHX_OK);
  assert_int_equal(byte_count, 7);
  assert_int_equal(fcntl(file, F_GETFD), FD_CLOEXEC);
  assert_int_equal(fcntl(file, F_GETFL) & O_ACCMODE, O_RDONLY);
  assert_int_equal(pread(file, text, 2, 0), 2);
  assert_int_equal(fhx__destination_remove(self->destination, "t/j/p", NULL), FHX_OK);
  assert_int_equal(test_folder_count(self->base), 0);
  assert_int_equal(pread(file, text + 2, sizeof text - 2, 2), 5);
  assert_string_equal(text, "1234567");
  assert_int_equal(close(file), 0);
  assert_int_equal(serve(self, "t/j/p", &file, &byte_count), FHX_ERR_NOT_FOUND);
  put(self, "p", "x");
  assert_int_equal(serve(self, "p", &file, &byte_count), FHX_OK);
  assert_int_equal(close(file), 0);
  assert_int_equal(open_descriptors(), before);
}

/* FILE-15: whatever is no part of ours is not there, and no link is followed to find out. */
static void files_that_are_no_parts(void **state) {
  place *self = *state;
  char path[TEST_PATH_MAX], target[TEST_PATH_MAX];
  static const char *const none[] = {"missing", "missing/p", "job",     "final",
                                     "within",  "linked/p",  "job/p/q", "job/pipe"};
  int file = -1;
  uint64_t byte_count = 0, before = open_descriptors();
  write_file(self->outside, "p", "theirs");
  put(self, "job/p", "ours");
  link_to_outside(self, "linked");
  test_path_join(target, self->outside, "p");
  test_path_join(path, self->base, "final");
  assert_int_equal(symlink(target, path), 0);
  test_path_join(path, self->base, "within");
  assert_int_equal(symlink("job/p", path), 0);
  test_path_join(path, self->base, "job/pipe");
  assert_int_equal(mkfifo(path, 0600), 0);
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    assert_int_equal(serve(self, none[i], &file, &byte_count), FHX_ERR_NOT_FOUND);
    assert_int_equal(file, -1);
  }
  write_file(self->base, ".p.tmp", "unfinished");
  static const char *const bad[] = {".p.tmp", "../outside/p", "job/../../outside/p", "/etc/passwd"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(serve(self, bad[i], &file, &byte_count), FHX_ERR_ARGUMENT);
  }
  assert_int_equal(open_descriptors(), before);
}

static void refuse_trial(const place *self, int32_t status, const char *message_part) {
  fhx_error *error = NULL;
  assert_int_equal(fhx__destination_check(self->destination, 0, &error), status);
  check_error(self, error, status, message_part);
}

/* Whether the file system has files without a name. */
static bool has_nameless(const char *folder) {
  int file = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
  return file >= 0;
}

/* A process that is killed meanwhile leaves nothing behind: nothing ever has a name. */
static void trials(void **state) {
  place *self = *state;
  char events[4096];
  uint64_t before = open_descriptors();
  int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  assert_true(watch >= 0 && inotify_add_watch(watch, self->base, IN_CREATE) >= 0);
  assert_int_equal(fhx__destination_check(self->destination, 0, NULL), FHX_OK);
  assert_int_equal(test_folder_count(self->base), 0);
  assert_int_equal(read(watch, events, sizeof events) < 0, has_nameless(self->base));
  close(watch);
  assert_int_equal(open_descriptors(), before);
  assert_int_equal(rmdir(self->base), 0);
  refuse_trial(self, FHX_ERR_IO, "No such file");
  assert_int_equal(open_descriptors(), before);
}

/* Who gives a base_url serves the files; nobody else should be able to. */
static void files_of_another_server(void **state) {
  place *self = *state;
  int file = -1;
  uint64_t byte_count = 0;
  put(self, "j/p", "text");
  fhx_destination *destination = open_destination(self->base, "https://host/files");
  assert_false(fhx__destination_serves_files(destination));
  assert_int_equal(fhx__destination_file(destination, "j/p", &file, &byte_count, NULL),
                   FHX_ERR_UNSUPPORTED);
  fhx_destination_free(destination);
}

static void check_url(fhx_destination *destination, const char *name, const char *wanted) {
  fhx__buffer url = {NULL, 0, 0};
  fhx_part part = part_of(name, 1);
  assert_int_equal(fhx__destination_url(destination, &part, 0, &url, NULL), FHX_OK);
  assert_int_equal(fhx__buffer_terminate(&url), FHX_OK);
  assert_string_equal(url.data, wanted);
  fhx__buffer_free(&url);
  fhx_destination_free(destination);
}

static void urls(void **state) {
  place *self = *state;
  char wanted[2 * TEST_PATH_MAX], path[TEST_PATH_MAX];
  check_url(open_destination(self->base, "https://host/files"), "t/j/p.ndjson",
            "https://host/files/t/j/p.ndjson");
  check_url(open_destination(self->base, "https://host/files/"), "p", "https://host/files/p");
  check_url(open_destination("/", NULL), "j/p", "file:///j/p");
  snprintf(wanted, sizeof wanted, "file://%s/j/p", self->base);
  check_url(open_destination(self->base, NULL), "j/p", wanted);
  test_path_join(path, self->base, "a b%#?\xC3\xBC~");
  assert_int_equal(mkdir(path, 0700), 0);
  snprintf(wanted, sizeof wanted, "file://%s/a%%20b%%25%%23%%3F%%C3%%BC~/j/p", self->base);
  check_url(open_destination(path, NULL), "j/p", wanted);
  /* A relative path, and a link to the base, which is the host's own choice. */
  char before[PATH_MAX];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(self->root), 0);
  assert_int_equal(symlink("base", "link"), 0);
  fhx_destination *destination = open_destination("link", NULL);
  assert_int_equal(chdir(before), 0);
  snprintf(wanted, sizeof wanted, "file://%s/j/p", self->base);
  check_url(destination, "j/p", wanted);
}

static void refuse_new(const place *self, const fhx_directory_options *options, int32_t status,
                       const char *message_part) {
  uint64_t before = open_descriptors();
  fhx_destination *destination = NULL;
  fhx_error *error = NULL;
  assert_int_equal(fhx_directory_destination_new(options, &destination, &error), status);
  assert_null(destination);
  check_error(self, error, status, message_part);
  assert_int_equal(open_descriptors(), before);
}

static void options(void **state) {
  place *self = *state;
  char path[TEST_PATH_MAX];
  fhx_directory_options options;
  FHX_INIT(&options);
  refuse_new(self, NULL, FHX_ERR_ARGUMENT, "NULL");
  refuse_new(self, &options, FHX_ERR_ARGUMENT, "path");
  test_path_join(path, self->base, "missing");
  options.path = path;
  refuse_new(self, &options, FHX_ERR_NOT_FOUND, "No such file");
  write_file(self->base, "file", "");
  test_path_join(path, self->base, "file");
  refuse_new(self, &options, FHX_ERR_NOT_FOUND, "Not a directory");
  test_path_join(path, self->base, "loop");
  assert_int_equal(symlink("loop", path), 0);
  refuse_new(self, &options, FHX_ERR_IO, "opened");
  options.path = self->base;
  options.base_url = "";
  refuse_new(self, &options, FHX_ERR_ARGUMENT, "base_url");
  options.base_url = "https://host/a b";
  refuse_new(self, &options, FHX_ERR_ARGUMENT, "base_url");
  options.base_url = "https://h\xC3\xBC/";
  refuse_new(self, &options, FHX_ERR_ARGUMENT, "base_url");
  options.base_url = NULL;
  options.flags = 8;
  refuse_new(self, &options, FHX_ERR_ARGUMENT, "flag");
  options.flags = 0;
  options.size = 4;
  refuse_new(self, &options, FHX_ERR_STRUCT_SIZE, "size");
  fhx_directory_options_init(&options, sizeof options);
  options.path = self->base;
  assert_int_equal(fhx_directory_destination_new(&options, NULL, NULL), FHX_ERR_ARGUMENT);
  options.flags = FHX_DESTINATION_REQUIRES_TOKEN;
  fhx_destination *destination = NULL;
  assert_int_equal(fhx_directory_destination_new(&options, &destination, NULL), FHX_OK);
  assert_int_equal(fhx__destination_flags(destination),
                   FHX_DESTINATION_REQUIRES_TOKEN | FHX_DESTINATION_ANY_THREAD);
  fhx_destination_free(destination);
  assert_int_equal(fhx__destination_flags(self->destination), FHX_DESTINATION_ANY_THREAD);
}

/* --- Permissions: root obeys them once it has laid down the capabilities that override them ------
 */

static struct __user_cap_data_struct capabilities[_LINUX_CAPABILITY_U32S_3];

static void lay_down_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct lower[_LINUX_CAPABILITY_U32S_3];
  assert_int_equal(syscall(SYS_capget, &header, capabilities), 0);
  memcpy(lower, capabilities, sizeof lower);
  lower[0].effective = 0;
  lower[1].effective = 0;
  assert_int_equal(syscall(SYS_capset, &header, lower), 0);
}

static void take_up_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  assert_int_equal(syscall(SYS_capset, &header, capabilities), 0);
}

static void permission_denied(void **state) {
  place *self = *state;
  char path[TEST_PATH_MAX];
  put(self, "readable/part", "x");
  test_path_join(path, self->base, "readable");
  assert_int_equal(chmod(path, 0500), 0);
  assert_int_equal(chmod(self->base, 0500), 0);
  fhx_directory_options wanted;
  FHX_INIT(&wanted);
  wanted.path = path;
  fhx_error *errors[4] = {NULL, NULL, NULL, NULL};
  int32_t found[5] = {0, 0, 0, 0, 0};
  void *upload = NULL;
  fhx_destination *destination = NULL;
  lay_down_capabilities();
  found[0] = fhx__destination_open(self->destination, "part", &upload, &errors[0]);
  found[1] = fhx__destination_open(self->destination, "job/part", &upload, &errors[1]);
  found[2] = fhx__destination_remove(self->destination, "readable/part", &errors[2]);
  found[3] = stat_part(self, "readable/part", 1);
  int closed = chmod(path, 0);
  found[4] = fhx_directory_destination_new(&wanted, &destination, &errors[3]);
  take_up_capabilities();
  assert_int_equal(closed, 0);
  assert_int_equal(chmod(path, 0700), 0);
  assert_int_equal(chmod(self->base, 0700), 0);
  static const int32_t expected[] = {FHX_ERR_DENIED, FHX_ERR_DENIED, FHX_ERR_DENIED, FHX_OK,
                                     FHX_ERR_DENIED};
  for (size_t i = 0; i < 5; i++) assert_int_equal(found[i], expected[i]);
  for (size_t i = 0; i < 4; i++) check_error(self, errors[i], FHX_ERR_DENIED, "Permission denied");
  print_message("permission_denied: as uid %u without capabilities\n", (unsigned)geteuid());
  check_content(self->base, "readable/part", "x");
  assert_int_equal(test_folder_count(self->base), 2);
}

/* --- Mounts: a full disk and a read-only one ----------------------------------------------------
 */

/* Mounts a tmpfs over the place's base. */
static void mount_base(place *self, const char *options) {
  test_mount_new(self->base, options);
  fhx_destination_free(self->destination);
  self->destination = open_destination(self->base, NULL);
}

static int tear_down_mount(void **state) {
  place *self = *state;
  test_mount_end(self->base);
  return tear_down(state);
}

static void full_disk(void **state) {
  place *self = *state;
  static char data[8192];
  mount_base(self, "size=64k,mode=700");
  void *upload = begin(self, "t/j/p");
  fhx_error *error = NULL;
  int32_t status = FHX_OK;
  for (int i = 0; i < 9 && status == FHX_OK; i++) {
    status = fhx__destination_write(self->destination, upload, data, sizeof data, &error);
  }
  assert_int_equal(status, FHX_ERR_NO_SPACE);
  assert_int_equal(fhx_error_retryable(error), 0);
  check_error(self, error, FHX_ERR_NO_SPACE, "No space left");
  refuse_trial(self, FHX_ERR_NO_SPACE, "No space left");
  fhx__destination_abort(self->destination, upload);
  assert_int_equal(test_folder_count(self->base), 0);
  assert_int_equal(fhx__destination_check(self->destination, 0, NULL), FHX_OK);
  put(self, "t/j/small", "fits");
  check_content(self->base, "t/j/small", "fits");
}

/* Room for the root and two more: a folder and a file, or two folders. */
static void no_inodes(void **state) {
  place *self = *state;
  mount_base(self, "nr_inodes=3,mode=700");
  refuse_open(self, "t/j/p", FHX_ERR_NO_SPACE, "No space left");
  assert_int_equal(test_folder_count(self->base), 0);
  refuse_open(self, "a/b/c/p", FHX_ERR_NO_SPACE, "No space left");
  assert_int_equal(test_folder_count(self->base), 0);
  put(self, "j/p", "x");
}

static void read_only(void **state) {
  place *self = *state;
  mount_base(self, "size=64k,mode=700");
  put(self, "j/p", "text");
  assert_true(test_mount_set_read_only(self->base, true));
  refuse_open(self, "j/q", FHX_ERR_DENIED, "Read-only");
  refuse_open(self, "new/q", FHX_ERR_DENIED, "Read-only");
  refuse_open(self, "q", FHX_ERR_DENIED, "Read-only");
  refuse_trial(self, FHX_ERR_DENIED, "Read-only");
  assert_int_equal(fhx__destination_remove(self->destination, "j/p", NULL), FHX_ERR_DENIED);
  assert_int_equal(stat_part(self, "j/p", 4), FHX_OK);
  check_content(self->base, "j/p", "text");
  assert_int_equal(test_folder_count(self->base), 2);
}

/* --- Several workers in one folder --------------------------------------------------------------
 */

#define WORKERS 3
#define ROUNDS 150

typedef struct worker {
  const place *self;
  int number;
  int failures;
  pthread_t thread;
} worker;

/* Each round removes the folder if the others happen to have nothing in it. */
static void *put_and_remove(void *user_data) {
  worker *me = user_data;
  char name[64];
  for (int i = 0; i < ROUNDS; i++) {
    snprintf(name, sizeof name, "tenant/job/p-%d-%d", me->number, i);
    if (try_put(me->self, name, "text", NULL) != FHX_OK) me->failures++;
    if (fhx__destination_remove(me->self->destination, name, NULL) != FHX_OK) me->failures++;
  }
  return NULL;
}

static void workers_that_clean_up(void **state) {
  place *self = *state;
  worker workers[WORKERS];
  for (int i = 0; i < WORKERS; i++) {
    workers[i] = (worker){.self = self, .number = i};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, put_and_remove, &workers[i]), 0);
  }
  for (int i = 0; i < WORKERS; i++) assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
  for (int i = 0; i < WORKERS; i++) assert_int_equal(workers[i].failures, 0);
  assert_int_equal(test_folder_count(self->base), 0);
}

#define MOUNT_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down_mount)

int main(void) {
  test_mount_prepare();
  const struct CMUnitTest tests[] = {
      TEST(content),
      TEST(modes),
      TEST(readable_modes),
      TEST(descriptors_close_on_exec),
      TEST(names_that_leave),
      TEST(long_names),
      TEST(links),
      TEST(link_under_an_upload),
      TEST(file_as_folder),
      TEST(existing_names),
      TEST(stale_uploads),
      TEST(abort_leaves_nothing),
      TEST(remove_is_idempotent),
      TEST(remove_under_an_upload),
      TEST(two_uploads_of_one_name),
      TEST(another_size),
      TEST(stat_answers),
      TEST(files),
      TEST(files_that_are_no_parts),
      TEST(trials),
      TEST(files_of_another_server),
      TEST(urls),
      TEST(options),
      TEST(permission_denied),
      MOUNT_TEST(full_disk),
      MOUNT_TEST(no_inodes),
      MOUNT_TEST(read_only),
      TEST(workers_that_clean_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
