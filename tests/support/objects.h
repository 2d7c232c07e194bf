/* What a test finds at a destination. */
#ifndef TEST_SUPPORT_OBJECTS_H
#define TEST_SUPPORT_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct test_object {
  char name[256];
  uint8_t *data;
  size_t len;
} test_object;

typedef struct test_objects {
  test_object *items;
  size_t count;
} test_objects;

const test_object *test_objects_find(const test_objects *objects, const char *name);

/* Every file below a folder, named by its path in it. */
test_objects test_objects_of_folder(const char *path);
void test_objects_free(test_objects *objects);

#endif
