/* Temporary folders, and what the machine lacks. */
#ifndef TEST_SUPPORT_FOLDER_H
#define TEST_SUPPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#define TEST_PATH_MAX 1024

/* Makes a folder under TMPDIR or /tmp; its absolute path, free of links, is stored in `path`. */
void test_folder_new(char path[TEST_PATH_MAX]);
/* Removes it with everything below, following no link. */
void test_folder_remove(const char *path);
/* How many files, folders and links there are below it, at any depth. */
size_t test_folder_count(const char *path);

/* Joins two segments with a slash. */
void test_path_join(char path[TEST_PATH_MAX], const char *folder, const char *name);

/*
 * Whether the environment's FHX_WITHOUT, a list with spaces (tests/run.sh --without), names the
 * facility. A test that lacks a facility skips itself only then; else it fails.
 */
bool test_is_without(const char *facility);

#endif
