/* The list of a folder's NDJSON files: which names count, and in what order. */
#include "source/folder_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/error.h"

#define CAPACITY_MIN 32

static bool cut_ending(const char *name, size_t *len, const char *ending) {
  size_t ending_len = strlen(ending);
  if (*len < ending_len || memcmp(name + *len - ending_len, ending, ending_len) != 0) return false;
  *len -= ending_len;
  return true;
}

/* Whether a name is `<Type>[.-]<more>.ndjson[.gz]`, the middle part optional. */
static bool read_name(const char *name, fhx__folder_file *file) {
  size_t len = strlen(name);
  file->gzip = cut_ending(name, &len, ".gz");
  if (!cut_ending(name, &len, ".ndjson")) return false;
  size_t type_len = strcspn(name, ".-");
  if (type_len > len) type_len = len;
  if (!fhx__is_type_name(name, type_len) || type_len + 1 == len) return false;
  memcpy(file->resource_type, name, type_len);
  file->resource_type[type_len] = '\0';
  return true;
}

static int32_t fail_errno(const char *what, int code, fhx_error **error) {
  char text[128];
  int32_t status = fhx__errno_status(code);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status != FHX_ERR_NOT_FOUND && status != FHX_ERR_DENIED) status = FHX_ERR_IO;
  return fhx__fail(error, status, "%s cannot be read: %s", what,
                   fhx__errno_text(code, text, sizeof text));
}

static int32_t add_file(fhx__folder_files *list, const fhx__folder_file *file, const char *name,
                        fhx_error **error) {
  if (list->count == list->capacity) {
    size_t capacity = list->capacity == 0 ? CAPACITY_MIN : list->capacity * 2;
    fhx__folder_file *grown = fhx__realloc(list->files, capacity * sizeof *grown);
    if (grown == NULL) return fhx__no_memory(error);
    list->files = grown;
    list->capacity = capacity;
  }
  fhx__folder_file *added = &list->files[list->count];
  *added = *file;
  added->name = fhx__copy_text(name);
  if (added->name == NULL) return fhx__no_memory(error);
  list->count++;
  return FHX_OK;
}

/* A link that leads nowhere is an error: left out, its resources would be missing silently. */
static int32_t look_at(fhx__folder_files *list, int folder_fd, const char *name,
                       fhx_error **error) {
  struct stat facts;
  fhx__folder_file file = {NULL, "", false, 0};
  if (name[0] == '.' || !read_name(name, &file)) return FHX_OK;
  if (fstatat(folder_fd, name, &facts, 0) != 0) return fail_errno(name, errno, error);
  if (!S_ISREG(facts.st_mode)) return FHX_OK;
  file.byte_count = (uint64_t)facts.st_size;
  return add_file(list, &file, name, error);
}

static int32_t look_at_all(fhx__folder_files *list, DIR *folder, fhx_error **error) {
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(folder);
    if (entry == NULL && errno != 0) return fail_errno("the folder", errno, error);
    if (entry == NULL) return FHX_OK;
    int32_t status = look_at(list, dirfd(folder), entry->d_name, error);
    if (status != FHX_OK) return status;
  }
}

/* Letters come behind `-` and `.` in byte order, so no other type's file falls between the files of
   one type. */
static int compare_names(const void *a, const void *b) {
  const fhx__folder_file *left = a;
  const fhx__folder_file *right = b;
  return strcmp(left->name, right->name);
}

int32_t fhx__folder_files_read(fhx__folder_files *list, int folder_fd, fhx_error **error) {
  int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail_errno("the folder", errno, error);
  DIR *folder = fdopendir(fd);
  if (folder == NULL) {
    int32_t failed = fail_errno("the folder", errno, error);
    close(fd);
    return failed;
  }
  int32_t status = look_at_all(list, folder, error);
  closedir(folder);
  if (status == FHX_OK && list->count != 0) {
    qsort(list->files, list->count, sizeof *list->files, compare_names);
  }
  return status;
}

void fhx__folder_files_free(fhx__folder_files *list) {
  for (size_t i = 0; i < list->count; i++) fhx__free(list->files[i].name);
  fhx__free(list->files);
  *list = (fhx__folder_files){NULL, 0, 0};
}

fhx__file_range fhx__folder_files_of_type(const fhx__folder_files *list,
                                          const char *resource_type) {
  fhx__file_range range = {0, 0};
  while (range.begin < list->count &&
         strcmp(list->files[range.begin].resource_type, resource_type) != 0) {
    range.begin++;
  }
  range.end = range.begin;
  while (range.end < list->count &&
         strcmp(list->files[range.end].resource_type, resource_type) == 0) {
    range.end++;
  }
  return range;
}

bool fhx__folder_files_find(const fhx__folder_files *list, fhx__file_range range, const char *name,
                            size_t name_len, size_t *position) {
  for (size_t i = range.begin; i < range.end; i++) {
    const char *present = list->files[i].name;
    if (strlen(present) != name_len || memcmp(present, name, name_len) != 0) continue;
    *position = i;
    return true;
  }
  return false;
}
