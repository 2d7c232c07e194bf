/* Temporary folders, and what the machine lacks. */
#include "support/folder.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define OPEN_FOLDERS_MAX 16

static size_t counted;

void test_path_join(char path[TEST_PATH_MAX], const char *folder, const char *name) {
  int len = snprintf(path, TEST_PATH_MAX, "%s/%s", folder, name);
  assert_in_range(len, 1, TEST_PATH_MAX - 1);
}

void test_folder_new(char path[TEST_PATH_MAX]) {
  const char *parent = getenv("TMPDIR");
  char made[TEST_PATH_MAX];
  char absolute[PATH_MAX];
  test_path_join(made, parent == NULL || *parent == '\0' ? "/tmp" : parent, "fhx-test-XXXXXX");
  assert_non_null(mkdtemp(made));
  assert_non_null(realpath(made, absolute));
  assert_in_range(strlen(absolute), 1, TEST_PATH_MAX - 1);
  memcpy(path, absolute, strlen(absolute) + 1);
}

static int remove_entry(const char *path, const struct stat *found, int kind, struct FTW *where) {
  (void)found;
  (void)kind;
  (void)where;
  return remove(path);
}

void test_folder_remove(const char *path) {
  assert_int_equal(nftw(path, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS), 0);
}

static int count_entry(const char *path, const struct stat *found, int kind, struct FTW *where) {
  (void)path;
  (void)found;
  (void)kind;
  if (where->level > 0) counted++;
  return 0;
}

size_t test_folder_count(const char *path) {
  counted = 0;
  assert_int_equal(nftw(path, count_entry, OPEN_FOLDERS_MAX, FTW_PHYS), 0);
  return counted;
}

bool test_is_without(const char *facility) {
  const char *list = getenv("FHX_WITHOUT");
  size_t len = strlen(facility);
  while (list != NULL && *list != '\0') {
    size_t item = strcspn(list, " ");
    if (item == len && memcmp(list, facility, len) == 0) return true;
    list += item;
    if (*list == ' ') list++;
  }
  return false;
}
