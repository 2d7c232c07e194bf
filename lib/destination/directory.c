/* The destination in a folder of a local file system, on the callbacks that every host can use.
   Uploads and the walk through folders are in rooms of their own (upload.c, folder.c). */
#include <errno.h>
#include <fcntl.h>
#include <fhirexport/destination.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/answer.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/structs.h"
#include "destination/document.h"
#include "destination/folder.h"
#include "destination/upload.h"

typedef struct directory {
  int base;
  bool readable;
  /* What stands before a part's name in its URL, with its slash. */
  fhx__buffer url_prefix;
} directory;

FHX__DEFINE_INIT(fhx_directory_options)

static void answer_errno(fhx_reply *reply, int code, const char *sentence) {
  fhx_error *error = NULL;
  fhx__folder_fail(&error, code, sentence);
  fhx__answer_error(reply, error);
}

static void part_open(void *user_data, const char *name, fhx_reply *reply) {
  directory *self = user_data;
  fhx__upload *upload = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx__upload_begin(self->base, name, self->readable, &upload, &error);
  if (status == FHX_OK) {
    fhx_reply_handle(reply, upload, 0);
  } else {
    fhx__answer_error(reply, error);
  }
}

static void part_write(void *user_data, void *upload, const void *data, size_t len,
                       fhx_reply *reply) {
  (void)user_data;
  fhx_error *error = NULL;
  int32_t status = fhx__upload_write(upload, data, len, &error);
  fhx__answer_done(reply, status, error);
}

static void part_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  directory *self = user_data;
  fhx_error *error = NULL;
  int32_t status = fhx__upload_commit(self->base, upload, fhx_part_stored_byte_count(part), &error);
  fhx__answer_done(reply, status, error);
}

static void part_abort(void *user_data, void *upload) {
  directory *self = user_data;
  fhx__upload_abort(self->base, upload);
}

static void part_stat(void *user_data, const char *name, fhx_reply *reply) {
  directory *self = user_data;
  struct stat found = {0};
  int folder = fhx__folder_open(self->base, name, 0);
  int code = folder < 0 ? errno : 0;
  if (code == 0 && fstatat(folder, fhx__folder_leaf(name), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    code = errno;
  }
  /* "It is there" is asked after a commit with an unknown outcome, and must survive a crash. */
  if (code == 0) code = fhx__folder_sync(folder);
  if (folder >= 0) close(folder);
  if (code == ENOENT) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no part of this name");
  } else if (code != 0) {
    answer_errno(reply, code, "the part could not be looked up");
  } else if (!S_ISREG(found.st_mode)) {
    fhx_reply_fail(reply, FHX_ERR_DESTINATION, 0, "what has the part's name is not a file");
  } else {
    fhx_reply_object(reply, (uint64_t)found.st_size, NULL);
  }
}

/* Names hold only characters that stand for themselves in a URL. */
static void part_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  (void)expires_us;
  const directory *self = user_data;
  fhx__buffer url = {NULL, 0, 0};
  int32_t status = fhx__buffer_append(&url, self->url_prefix.data, self->url_prefix.len);
  if (status == FHX_OK) status = fhx__buffer_append_text(&url, fhx_part_name(part));
  if (status == FHX_OK) {
    fhx_reply_item(reply, url.data, url.len);
    fhx_reply_done(reply);
  } else {
    fhx_reply_fail(reply, status, 1, "out of memory");
  }
  fhx__buffer_free(&url);
}

/* 0 or an errno value; nothing there is fine. */
static int remove_file(int folder, const char *leaf) {
  return unlinkat(folder, leaf, 0) == 0 || errno == ENOENT ? 0 : errno;
}

static void part_remove(void *user_data, const char *name, fhx_reply *reply) {
  directory *self = user_data;
  const char *leaf = fhx__folder_leaf(name);
  char temporary[FHX__TEMPORARY_NAME_MAX + 1];
  fhx_error *error = NULL;
  int32_t status = fhx__temporary_name(temporary, leaf, &error);
  if (status != FHX_OK) {
    fhx__answer_error(reply, error);
    return;
  }
  int folder = fhx__folder_open(self->base, name, 0);
  int code = folder < 0 ? errno : 0;
  /* In this order: an upload that is still under way cannot get its name behind our back. */
  if (code == 0) code = remove_file(folder, temporary);
  if (code == 0) code = remove_file(folder, leaf);
  /* The record of the part goes when we say done: after a crash no file may come back. */
  if (code == 0) code = fhx__folder_sync(folder);
  if (folder >= 0) close(folder);
  if (code != 0 && code != ENOENT) {
    answer_errno(reply, code, "the part could not be removed");
    return;
  }
  fhx__folder_prune(self->base, name);
  fhx_reply_done(reply);
}

/* 0 or an errno value. Only what a commit can have made is a part: to a link, a folder or a pipe
   the answer is that there is none. A pipe that nobody writes to must not hold us up. */
static int open_part(int folder, const char *leaf, int *file) {
  *file = openat(folder, leaf, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (*file < 0) return errno == ELOOP || errno == ENXIO ? ENOENT : errno;
  struct stat found = {0};
  int code = fstat(*file, &found) == 0 ? 0 : errno;
  if (code == 0 && !S_ISREG(found.st_mode)) code = ENOENT;
  if (code != 0) close(*file);
  return code;
}

static void part_file(void *user_data, const char *name, fhx_reply *reply) {
  directory *self = user_data;
  int file = -1;
  int folder = fhx__folder_open(self->base, name, 0);
  int code = folder < 0 ? errno : 0;
  if (code == 0) code = open_part(folder, fhx__folder_leaf(name), &file);
  if (folder >= 0) close(folder);
  /* On the way: a link, or a file where a folder should be. */
  if (code == ENOENT || code == ENOTDIR || code == ELOOP) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no part of this name");
  } else if (code != 0) {
    answer_errno(reply, code, "the part could not be opened");
  } else {
    fhx_reply_file(reply, file);
  }
}

/* 0 or an errno value. A file that a killed process does not leave behind: one without a name, or,
   where none can be made, with a name that no part has, and that it loses at once. */
static int open_trial(int base, const char *leaf, int *file) {
#ifdef O_TMPFILE
  struct stat folder = {0};
  *file = openat(base, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  /* Some file systems make it in a folder that was removed, where no part can be. */
  if (*file >= 0) return fstat(base, &folder) == 0 && folder.st_nlink == 0 ? ENOENT : 0;
#endif
  *file = openat(base, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (*file < 0) return errno;
  unlinkat(base, leaf, 0);
  return 0;
}

/* A file of a block. */
static int write_trial(int base, const char *leaf) {
  static const char block[4096];
  int file = -1;
  int code = open_trial(base, leaf, &file);
  if (code == 0) {
    ssize_t written = write(file, block, sizeof block);
    code = written < 0 ? errno : written < (ssize_t)sizeof block ? ENOSPC : 0;
  }
  if (file >= 0) close(file);
  return code;
}

static void check_writable(void *user_data, fhx_reply *reply) {
  const directory *self = user_data;
  char id[FHX__JOB_ID_LEN + 1];
  char leaf[sizeof ".trial-" + FHX__JOB_ID_LEN];
  if (fhx__random_job_id(id, NULL) != FHX_OK) return;
  snprintf(leaf, sizeof leaf, ".trial-%s", id);
  int code = write_trial(self->base, leaf);
  if (code == 0) {
    fhx_reply_done(reply);
  } else {
    answer_errno(reply, code, "nothing can be written to the folder");
  }
}

static void document_put(void *user_data, const char *name, const void *data, size_t len,
                         const char *media_type, const char *cache_control, fhx_reply *reply) {
  const directory *self = user_data;
  fhx_error *error = NULL;
  (void)media_type;
  (void)cache_control;
  int32_t status = fhx__document_write(self->base, name, self->readable, data, len, &error);
  fhx__answer_done(reply, status, error);
}

static void document_get(void *user_data, const char *name, fhx_reply *reply) {
  const directory *self = user_data;
  fhx__buffer text = {NULL, 0, 0};
  fhx_error *error = NULL;
  int32_t status = fhx__document_read(self->base, name, &text, &error);
  fhx__answer_text(reply, status, &text, error);
  fhx__buffer_free(&text);
}

static void destroy(void *user_data) {
  directory *self = user_data;
  if (self->base >= 0) close(self->base);
  fhx__buffer_free(&self->url_prefix);
  fhx__free(self);
}

static int32_t take_base_url(directory *self, const char *base_url, fhx_error **error) {
  size_t len = strlen(base_url);
  for (size_t i = 0; i < len; i++) {
    if (base_url[i] <= ' ' || base_url[i] > '~') {
      return fhx__fail(error, FHX_ERR_ARGUMENT, "base_url is not made of visible ASCII");
    }
  }
  if (len > 0 && base_url[len - 1] == '/') len--;
  if (len == 0) return fhx__fail(error, FHX_ERR_ARGUMENT, "base_url is empty");
  int32_t status = fhx__buffer_append(&self->url_prefix, base_url, len);
  if (status == FHX_OK) status = fhx__buffer_append(&self->url_prefix, "/", 1);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static bool stands_for_itself(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr("-._~/", c) != NULL);
}

static int32_t append_encoded(fhx__buffer *url, char c) {
  static const char digits[] = "0123456789ABCDEF";
  if (stands_for_itself(c)) return fhx__buffer_append(url, &c, 1);
  unsigned char byte = (unsigned char)c;
  char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
  return fhx__buffer_append(url, escaped, sizeof escaped);
}

/* file:// and the folder's absolute path (RFC 8089), which a later chdir does not change. */
static int32_t take_file_url(directory *self, const char *path, fhx_error **error) {
  char absolute[PATH_MAX];
  if (realpath(path, absolute) == NULL) {
    return fhx__folder_fail(error, errno, "the folder's absolute path could not be found");
  }
  int32_t status = fhx__buffer_append_text(&self->url_prefix, "file://");
  for (const char *at = absolute; status == FHX_OK && *at != '\0'; at++) {
    status = append_encoded(&self->url_prefix, *at);
  }
  bool is_root = strcmp(absolute, "/") == 0;
  if (status == FHX_OK && !is_root) status = fhx__buffer_append(&self->url_prefix, "/", 1);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static int32_t open_base(directory *self, const fhx_directory_options *options, fhx_error **error) {
  self->base = open(options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->base < 0) {
    int code = errno;
    char reason[128];
    return fhx__fail_with(error, fhx__errno_status(code), fhx__folder_retryable(code),
                          "the destination's folder could not be opened (%s)",
                          fhx__errno_text(code, reason, sizeof reason));
  }
  return options->base_url != NULL ? take_base_url(self, options->base_url, error)
                                   : take_file_url(self, options->path, error);
}

int32_t fhx_directory_destination_new(const fhx_directory_options *options,
                                      fhx_destination **destination, fhx_error **error) {
  fhx_directory_options copy;
  int32_t status = fhx__struct_in(&copy, sizeof copy, options, "fhx_directory_options", error);
  if (status != FHX_OK) return status;
  if (copy.path == NULL || destination == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a directory destination needs a path and a place to store it in");
  }
  directory *self = fhx__alloc_zeroed(1, sizeof *self);
  if (self == NULL) return fhx__no_memory(error);
  status = open_base(self, &copy, error);
  if (status != FHX_OK) {
    destroy(self);
    return status;
  }
  fhx_destination_callbacks callbacks;
  FHX_INIT(&callbacks);
  self->readable = (copy.flags & FHX_DESTINATION_READABLE) != 0;
  callbacks.flags = (copy.flags & ~FHX_DESTINATION_READABLE) | FHX_DESTINATION_ANY_THREAD;
  callbacks.part_open = part_open;
  callbacks.part_write = part_write;
  callbacks.part_commit = part_commit;
  callbacks.part_abort = part_abort;
  callbacks.part_stat = part_stat;
  callbacks.part_url = part_url;
  callbacks.part_remove = part_remove;
  /* Where there is a base_url, somebody else serves the files. */
  if (copy.base_url == NULL) callbacks.part_file = part_file;
  callbacks.check_writable = check_writable;
  callbacks.document_put = document_put;
  callbacks.document_get = document_get;
  callbacks.destroy = destroy;
  return fhx_destination_new(&callbacks, self, destination, error);
}
