/* What a test finds at a destination. */
#include "support/objects.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define OPEN_FOLDERS_MAX 16

/* nftw has no place for a context. */
static test_objects found;
static size_t prefix_len;

const test_object *test_objects_find(const test_objects *objects, const char *name) {
  for (size_t i = 0; i < objects->count; i++) {
    if (strcmp(objects->items[i].name, name) == 0) return &objects->items[i];
  }
  return NULL;
}

static int add_file(const char *path, const struct stat *entry, int kind, struct FTW *where) {
  (void)where;
  if (kind != FTW_F) return 0;
  found.items = realloc(found.items, (found.count + 1) * sizeof *found.items);
  assert_non_null(found.items);
  test_object *object = &found.items[found.count++];
  snprintf(object->name, sizeof object->name, "%s", path + prefix_len);
  object->len = (size_t)entry->st_size;
  object->data = malloc(object->len + 1);
  FILE *file = fopen(path, "rb");
  assert_non_null(object->data);
  assert_non_null(file);
  assert_int_equal(fread(object->data, 1, object->len, file), object->len);
  fclose(file);
  return 0;
}

test_objects test_objects_of_folder(const char *path) {
  found = (test_objects){NULL, 0};
  prefix_len = strlen(path) + 1;
  assert_int_equal(nftw(path, add_file, OPEN_FOLDERS_MAX, FTW_PHYS), 0);
  return found;
}

void test_objects_free(test_objects *objects) {
  for (size_t i = 0; i < objects->count; i++) free(objects->items[i].data);
  free(objects->items);
  *objects = (test_objects){NULL, 0};
}
