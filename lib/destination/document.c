/* Documents in a folder: written under a temporary name, made durable, and renamed over the old
   one. The temporary name is one for all, so that a killed process leaves no more than that one
   file; whoever writes it holds its lock. */
#include "destination/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "destination/folder.h"
#include "destination/upload.h"

#define FILE_FLAGS (O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
/* How often a file that somebody else has renamed meanwhile is opened again. */
#define TRIES_MAX 1000
#define PIECE ((size_t)64 * 1024)

/* Whether the name is still that of the open file. 0 or an errno value. */
static int check_name(int folder, const char *leaf, int file, bool *same) {
  struct stat named, opened;
  *same = false;
  if (fstat(file, &opened) != 0) return errno;
  if (fstatat(folder, leaf, &named, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
  *same = named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
  return 0;
}

/* The temporary file, locked. 0 or an errno value. */
static int open_locked(int folder, const char *temporary, int *file) {
  bool same = false;
  for (int tries = 0; tries < TRIES_MAX; tries++) {
    *file = openat(folder, temporary, FILE_FLAGS, FHX__FILE_OWN);
    if (*file < 0) return errno;
    int code = 0;
    while (flock(*file, LOCK_EX) != 0 && code == 0) code = errno == EINTR ? 0 : errno;
    if (code == 0) code = check_name(folder, temporary, *file, &same);
    if (code == 0 && same) return 0;
    close(*file);
    *file = -1;
    if (code != 0) return code;
  }
  return EBUSY;
}

/* 0 or an errno value. */
static int fill(int file, bool readable, const char *data, size_t len) {
  int code = fhx__set_permissions(file, readable ? FHX__FILE_READABLE : FHX__FILE_OWN);
  if (code == 0 && ftruncate(file, 0) != 0) code = errno;
  while (code == 0 && len > 0) {
    ssize_t taken = write(file, data, len);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) return taken < 0 ? errno : EIO;
    data += taken;
    len -= (size_t)taken;
  }
  return code == 0 ? fhx__sync(file) : code;
}

static int replace(int folder, const char *temporary, const char *leaf, bool readable,
                   const void *data, size_t len) {
  int file = -1;
  int code = open_locked(folder, temporary, &file);
  if (code == 0) code = fill(file, readable, data, len);
  if (code == 0 && renameat(folder, temporary, folder, leaf) != 0) code = errno;
  if (file >= 0) close(file);
  return code == 0 ? fhx__folder_sync(folder) : code;
}

int32_t fhx__document_write(int base, const char *name, bool readable, const void *data, size_t len,
                            fhx_error **error) {
  const char *leaf = fhx__folder_leaf(name);
  char temporary[FHX__TEMPORARY_NAME_MAX + 1];
  int32_t status = fhx__temporary_name(temporary, leaf, error);
  if (status != FHX_OK) return status;
  int folder = fhx__folder_open(base, name, readable ? FHX__FOLDER_READABLE : FHX__FOLDER_OWN);
  if (folder < 0) {
    return fhx__folder_fail(error, errno, "the document's folder could not be opened");
  }
  int code = replace(folder, temporary, leaf, readable, data, len);
  close(folder);
  return code == 0 ? FHX_OK : fhx__folder_fail(error, code, "the document could not be written");
}

/* 0 or an errno value. */
static int append_file(int file, fhx__buffer *text) {
  for (;;) {
    if (fhx__buffer_reserve(text, PIECE) != FHX_OK) return ENOMEM;
    ssize_t count = read(file, text->data + text->len, PIECE);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return 0;
    text->len += (size_t)count;
  }
}

/* The document, open for reading: only what a write can have made is one. 0 or an errno value. */
static int open_document(int base, const char *name, int *file) {
  struct stat found;
  int folder = fhx__folder_open(base, name, 0);
  if (folder < 0) return errno;
  *file = openat(folder, fhx__folder_leaf(name), READ_FLAGS);
  int code = *file < 0 ? errno : 0;
  close(folder);
  if (code == 0 && fstat(*file, &found) != 0) code = errno;
  return code == 0 && !S_ISREG(found.st_mode) ? ENOENT : code;
}

static bool is_absent(int code) {
  return code == ENOENT || code == ENOTDIR || code == ELOOP || code == ENXIO;
}

int32_t fhx__document_read(int base, const char *name, fhx__buffer *text, fhx_error **error) {
  int file = -1;
  int code = open_document(base, name, &file);
  if (code == 0) code = append_file(file, text);
  if (file >= 0) close(file);
  if (code == 0) return FHX_OK;
  if (code == ENOMEM) return fhx__no_memory(error);
  if (!is_absent(code)) return fhx__folder_fail(error, code, "the document could not be read");
  return fhx__fail(error, FHX_ERR_NOT_FOUND, "there is no document of this name");
}
