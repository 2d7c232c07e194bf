/* One part on its way into a folder. */
#include "destination/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/error.h"
#include "destination/folder.h"

#define FILE_FLAGS (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

/* How often a worker that finds its folder removed under its hands makes it again. */
#define TRIES_MAX 16

struct fhx__upload {
  bool readable;
  /* -1 when closed. */
  int folder;
  int file;
  /* The file itself, whatever its names have become. */
  dev_t device;
  ino_t inode;
  char name[FHX__PART_NAME_MAX + 1];
  char temporary[FHX__TEMPORARY_NAME_MAX + 1];
};

int32_t fhx__temporary_name(char temporary[FHX__TEMPORARY_NAME_MAX + 1], const char *leaf,
                            fhx_error **error) {
  int len = snprintf(temporary, FHX__TEMPORARY_NAME_MAX + 1, ".%s.tmp", leaf);
  if (len >= 0 && len <= FHX__TEMPORARY_NAME_MAX) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "the last segment of the part's name is longer than a file's name may be");
}

static void close_folder(fhx__upload *upload) {
  if (upload->folder >= 0) close(upload->folder);
  upload->folder = -1;
}

static void release(fhx__upload *upload) {
  if (upload->file >= 0) close(upload->file);
  close_folder(upload);
  fhx__free(upload);
}

/* 0 when nothing has that name in the folder; EEXIST, or why it is not known. */
static int check_absent(int folder, const char *leaf) {
  struct stat found;
  if (fstatat(folder, leaf, &found, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
  return errno == ENOENT ? 0 : errno;
}

/* Whether `leaf` is a name of this upload's file. 0, or why it is not known. */
static int check_ours(const fhx__upload *upload, const char *leaf, bool *ours) {
  struct stat found;
  *ours = false;
  if (fstatat(upload->folder, leaf, &found, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? 0 : errno;
  }
  *ours = found.st_dev == upload->device && found.st_ino == upload->inode;
  return 0;
}

/* Whoever removed this upload may have begun another one under the same name, which must stay. */
static void remove_temporary(const fhx__upload *upload) {
  bool ours = false;
  if (check_ours(upload, upload->temporary, &ours) == 0 && ours) {
    unlinkat(upload->folder, upload->temporary, 0);
  }
}

/* Makes the file. 0 or an errno value, with *step saying at what. */
static int create_file(fhx__upload *upload, const char **step) {
  *step =
      "an unfinished upload of this name exists, left behind or still being written: remove the "
      "part (part_remove also clears such an upload), or use another name";
  upload->file = openat(upload->folder, upload->temporary, FILE_FLAGS, FHX__FILE_OWN);
  if (upload->file < 0) {
    if (errno != EEXIST) *step = "the part's file could not be made";
    return errno;
  }
  *step = "the part's file could not be prepared";
  struct stat made;
  int code = fstat(upload->file, &made) == 0 ? 0 : errno;
  if (code == 0)
    code =
        fhx__set_permissions(upload->file, upload->readable ? FHX__FILE_READABLE : FHX__FILE_OWN);
  if (code != 0) {
    unlinkat(upload->folder, upload->temporary, 0);
    return code;
  }
  upload->device = made.st_dev;
  upload->inode = made.st_ino;
  return 0;
}

static int begin_once(int base, fhx__upload *upload, const char **step) {
  *step = "the part's folder could not be opened, or is not a folder";
  upload->folder = fhx__folder_open(base, upload->name,
                                    upload->readable ? FHX__FOLDER_READABLE : FHX__FOLDER_OWN);
  if (upload->folder < 0) return errno;
  *step = "a part of this name exists and is not replaced";
  int code = check_absent(upload->folder, fhx__folder_leaf(upload->name));
  if (code == 0) return create_file(upload, step);
  if (code != EEXIST) *step = "the part's name could not be looked up";
  return code;
}

int32_t fhx__upload_begin(int base, const char *name, bool readable, fhx__upload **upload,
                          fhx_error **error) {
  fhx__upload *begun = fhx__alloc_zeroed(1, sizeof *begun);
  if (begun == NULL) return fhx__no_memory(error);
  begun->readable = readable;
  begun->folder = -1;
  begun->file = -1;
  snprintf(begun->name, sizeof begun->name, "%s", name);
  int32_t status = fhx__temporary_name(begun->temporary, fhx__folder_leaf(name), error);
  if (status != FHX_OK) {
    release(begun);
    return status;
  }
  /* ENOENT: another worker removed its last part, and with it the folder, since we opened it. */
  const char *step = "";
  int code = begin_once(base, begun, &step);
  for (int tries = 1; code == ENOENT && tries < TRIES_MAX; tries++) {
    close_folder(begun);
    code = begin_once(base, begun, &step);
  }
  if (code != 0) {
    fhx__folder_prune(base, name);
    release(begun);
    return fhx__folder_fail(error, code, step);
  }
  *upload = begun;
  return FHX_OK;
}

int32_t fhx__upload_write(fhx__upload *upload, const void *data, size_t len, fhx_error **error) {
  const char *at = data;
  while (len > 0) {
    ssize_t taken = write(upload->file, at, len);
    if (taken < 0 && errno == EINTR) continue;
    /* Nothing taken and no reason given: POSIX leaves it open, and we must not go round for ever.
     */
    if (taken <= 0) {
      return fhx__folder_fail(error, taken < 0 ? errno : EIO, "the part could not be written");
    }
    at += taken;
    len -= (size_t)taken;
  }
  return FHX_OK;
}

/* The file as it is becomes durable. What goes wrong here has published nothing. */
static int32_t finish_file(fhx__upload *upload, uint64_t byte_count, fhx_error **error) {
  struct stat found;
  if (fstat(upload->file, &found) != 0) {
    return fhx__folder_fail(error, errno, "the part's file could not be examined");
  }
  if ((uint64_t)found.st_size != byte_count) {
    return fhx__fail(error, FHX_ERR_IO, "the part's file is not as long as what was written to it");
  }
  int code = fhx__sync(upload->file);
  if (code != 0) return fhx__folder_fail(error, code, "the part could not be synced");
  /* Linux has closed the file also after EINTR, and fsync has told of every lost byte. */
  code = close(upload->file) == 0 || errno == EINTR ? 0 : errno;
  upload->file = -1;
  if (code != 0) return fhx__folder_fail(error, code, "the part's file could not be closed");
  return FHX_OK;
}

/* Gives the file its name unless the name exists. 0 or an errno value. */
static int give_name(const fhx__upload *upload, const char *leaf) {
  int folder = upload->folder;
  if (renameat2(folder, upload->temporary, folder, leaf, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  /* The file system (NFS, for one) cannot rename without replacing, but a link never replaces. */
  if (linkat(folder, upload->temporary, folder, leaf, 0) != 0) return errno;
  /* Should the second name stay, part_remove takes it along with the part. */
  unlinkat(folder, upload->temporary, 0);
  return 0;
}

static int32_t publish(const fhx__upload *upload, fhx_error **error) {
  const char *leaf = fhx__folder_leaf(upload->name);
  bool ours = false;
  int code = check_ours(upload, upload->temporary, &ours);
  if (code != 0) return fhx__folder_fail(error, code, "the part's file could not be looked up");
  if (!ours) {
    return fhx__fail(error, FHX_ERR_IO, "the unfinished upload was removed by somebody else");
  }
  code = give_name(upload, leaf);
  if (code == 0) return FHX_OK;
  /* A network file system may have done it and lost the answer. Without the temporary name it
     cannot be done later any more, so what the name says after that is final. */
  remove_temporary(upload);
  int doubt = check_ours(upload, leaf, &ours);
  if (doubt != 0) {
    char reason[128];
    return fhx__fail_with(error, FHX_ERR_UNKNOWN_OUTCOME, fhx__folder_retryable(doubt),
                          "the part may or may not have got its name (%s)",
                          fhx__errno_text(doubt, reason, sizeof reason));
  }
  if (ours) return FHX_OK;
  return fhx__folder_fail(error, code,
                          code == EEXIST ? "a part of this name exists and is not replaced"
                                         : "the part could not be given its name");
}

/* The name exists from here on: a crash may keep it or lose it until the folder is synced. */
static int32_t settle(const fhx__upload *upload, fhx_error **error) {
  int code = fhx__folder_sync(upload->folder);
  if (code == 0) return FHX_OK;
  char reason[128];
  return fhx__fail_with(error, FHX_ERR_UNKNOWN_OUTCOME, fhx__folder_retryable(code),
                        "the part is there, but its folder could not be synced (%s)",
                        fhx__errno_text(code, reason, sizeof reason));
}

int32_t fhx__upload_commit(int base, fhx__upload *upload, uint64_t byte_count, fhx_error **error) {
  int32_t status = finish_file(upload, byte_count, error);
  if (status == FHX_OK) status = publish(upload, error);
  if (status == FHX_OK) status = settle(upload, error);
  if (status != FHX_OK && status != FHX_ERR_UNKNOWN_OUTCOME) {
    fhx__upload_abort(base, upload);
  } else {
    release(upload);
  }
  return status;
}

void fhx__upload_abort(int base, fhx__upload *upload) {
  remove_temporary(upload);
  fhx__folder_prune(base, upload->name);
  release(upload);
}
