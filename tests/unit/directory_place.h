/*
 * A folder with a directory destination in it, driven as the writer drives one. For the unit tests
 * of that destination; everything is static.
 */
#ifndef TEST_UNIT_DIRECTORY_PLACE_H
#define TEST_UNIT_DIRECTORY_PLACE_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "destination/destination.h"
#include "support/folder.h"

typedef struct place {
  char root[TEST_PATH_MAX];
  /* The destination's folder, and another one beside it that nothing may be written to. */
  char base[TEST_PATH_MAX];
  char outside[TEST_PATH_MAX];
  fhx_destination *destination;
} place;

static inline fhx_destination *open_destination(const char *path, const char *base_url) {
  fhx_directory_options options;
  fhx_destination *destination = NULL;
  FHX_INIT(&options);
  options.path = path;
  options.base_url = base_url;
  assert_int_equal(fhx_directory_destination_new(&options, &destination, NULL), FHX_OK);
  return destination;
}

static inline int set_up(void **state) {
  static place self;
  test_folder_new(self.root);
  test_path_join(self.base, self.root, "base");
  test_path_join(self.outside, self.root, "outside");
  assert_int_equal(mkdir(self.base, 0700), 0);
  assert_int_equal(mkdir(self.outside, 0700), 0);
  self.destination = open_destination(self.base, NULL);
  *state = &self;
  return 0;
}

static inline int tear_down(void **state) {
  place *self = *state;
  fhx_destination_free(self->destination);
  test_folder_remove(self->root);
  return 0;
}

static inline fhx_part part_of(const char *name, uint64_t byte_count) {
  fhx_part part = {.byte_count = byte_count};
  assert_in_range(strlen(name), 1, sizeof part.name - 1);
  memcpy(part.name, name, strlen(name) + 1);
  return part;
}

/* Checks a failure, and that nothing of the machine's layout is in its message. */
static inline void check_error(const place *self, fhx_error *error, int32_t status,
                               const char *message_part) {
  assert_int_equal(fhx_error_status(error), status);
  assert_null(strstr(fhx_error_message(error), self->root));
  if (strstr(fhx_error_message(error), message_part) == NULL) {
    fail_msg("\"%s\" does not contain \"%s\"", fhx_error_message(error), message_part);
  }
  fhx_error_free(error);
}

static inline void *begin(const place *self, const char *name) {
  void *upload = NULL;
  assert_int_equal(fhx__destination_open(self->destination, name, &upload, NULL), FHX_OK);
  assert_non_null(upload);
  return upload;
}

static inline void refuse_open(const place *self, const char *name, int32_t status,
                               const char *message_part) {
  void *upload = NULL;
  fhx_error *error = NULL;
  assert_int_equal(fhx__destination_open(self->destination, name, &upload, &error), status);
  assert_null(upload);
  check_error(self, error, status, message_part);
}

static inline void add(const place *self, void *upload, const char *text) {
  assert_int_equal(fhx__destination_write(self->destination, upload, text, strlen(text), NULL),
                   FHX_OK);
}

/* open, write, commit, and abort where the contract asks for it. */
static inline int32_t try_put(const place *self, const char *name, const char *text,
                              fhx_error **error) {
  void *upload = NULL;
  fhx_part part = part_of(name, strlen(text));
  int32_t status = fhx__destination_open(self->destination, name, &upload, error);
  if (status != FHX_OK) return status;
  status = fhx__destination_write(self->destination, upload, text, strlen(text), error);
  if (status == FHX_OK) {
    return fhx__destination_commit(self->destination, upload, &part, error);
  }
  fhx__destination_abort(self->destination, upload);
  return status;
}

static inline void put(const place *self, const char *name, const char *text) {
  assert_int_equal(try_put(self, name, text, NULL), FHX_OK);
}

static inline void write_file(const char *folder, const char *name, const char *text) {
  char path[TEST_PATH_MAX];
  test_path_join(path, folder, name);
  FILE *file = fopen(path, "wx");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static inline void check_content(const char *folder, const char *name, const char *text) {
  char path[TEST_PATH_MAX];
  char found[4096];
  test_path_join(path, folder, name);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t len = fread(found, 1, sizeof found, file);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(found, text, len);
}

static inline mode_t mode_of(const char *folder, const char *name) {
  char path[TEST_PATH_MAX];
  struct stat found;
  test_path_join(path, folder, name);
  assert_int_equal(lstat(path, &found), 0);
  return found.st_mode;
}

static inline bool is_there(const char *folder, const char *name) {
  char path[TEST_PATH_MAX];
  struct stat found;
  test_path_join(path, folder, name);
  return lstat(path, &found) == 0;
}

static inline int32_t stat_part(const place *self, const char *name, uint64_t byte_count) {
  fhx_part part = part_of(name, byte_count);
  return fhx__destination_stat(self->destination, &part, NULL);
}

/* Descriptors that are open, as a sum that changes when one is opened or closed. */
static inline uint64_t open_descriptors(void) {
  uint64_t sum = 0;
  for (int i = 0; i < 256; i++) {
    if (fcntl(i, F_GETFD) >= 0) sum += (uint64_t)i + 1000;
  }
  return sum;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
