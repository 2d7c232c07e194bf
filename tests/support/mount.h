/* File systems of a test's own, small ones that get full or are made read-only. Where none can be
   mounted a test fails, unless FHX_WITHOUT names "mount". */
#ifndef TEST_SUPPORT_MOUNT_H
#define TEST_SUPPORT_MOUNT_H

#include <stdbool.h>

/* Gives the process mounts of its own, as root or as the root of a user namespace. At the beginning
   of main: there may be no other thread. */
void test_mount_prepare(void);
/* Mounts a tmpfs over the folder; the test skips itself where it is told to do without. */
void test_mount_new(const char *folder, const char *options);
/* Fails where a file is open for writing; on any thread. */
bool test_mount_set_read_only(const char *folder, bool is_read_only);
/* Nothing is there is fine. */
void test_mount_end(const char *folder);

#endif
