/* Folders below a base folder. */
#include "destination/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/names.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* close that leaves errno as it was. */
static void close_quietly(int descriptor) {
  int code = errno;
  close(descriptor);
  errno = code;
}

int fhx__sync(int descriptor) {
  while (fsync(descriptor) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int fhx__folder_sync(int folder) {
  int code = fhx__sync(folder);
  /* EINVAL: this file system has no such operation on a folder, so there is nothing to wait for. */
  return code == EINVAL ? 0 : code;
}

int fhx__set_permissions(int descriptor, uint32_t permissions) {
  struct stat found;
  if (fstat(descriptor, &found) != 0) return errno;
  if ((found.st_mode & 0777) == permissions) return 0;
  /* A set-group-ID bit that the folder inherited stays. */
  return fchmod(descriptor, (found.st_mode & 07000) | permissions) == 0 ? 0 : errno;
}

/* The child folder, made if it is missing. ENOENT when the parent itself has been removed. */
static int make_child(int parent, const char *segment, uint32_t permissions) {
  int child = openat(parent, segment, FOLDER_FLAGS);
  if (child >= 0 || errno != ENOENT) return child;
  bool made = mkdirat(parent, segment, permissions) == 0;
  if (!made && errno != EEXIST) return -1;
  child = openat(parent, segment, FOLDER_FLAGS);
  if (child < 0 || !made) return child;
  int code = fhx__set_permissions(child, permissions);
  if (code == 0) return child;
  close(child);
  errno = code;
  return -1;
}

static int open_child(int parent, const char *segment, uint32_t make) {
  if (make == 0) return openat(parent, segment, FOLDER_FLAGS);
  int child = make_child(parent, segment, make);
  if (child < 0) return -1;
  /* Also when the child was there already: another worker may have made it a moment ago and not
     have come to this line, and our part must not be lost with its folder. */
  int code = fhx__folder_sync(parent);
  if (code == 0) return child;
  close(child);
  errno = code;
  return -1;
}

int fhx__folder_open(int base, const char *name, uint32_t make) {
  int folder = fcntl(base, F_DUPFD_CLOEXEC, 0);
  const char *slash = strchr(name, '/');
  while (folder >= 0 && slash != NULL) {
    char segment[FHX__PART_NAME_MAX + 1];
    size_t len = (size_t)(slash - name);
    memcpy(segment, name, len);
    segment[len] = '\0';
    int child = open_child(folder, segment, make);
    close_quietly(folder);
    folder = child;
    name = slash + 1;
    slash = strchr(name, '/');
  }
  return folder;
}

const char *fhx__folder_leaf(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash == NULL ? name : slash + 1;
}

static bool remove_folder(int base, const char *name) {
  int parent = fhx__folder_open(base, name, 0);
  if (parent < 0) return errno == ENOENT;
  bool gone = unlinkat(parent, fhx__folder_leaf(name), AT_REMOVEDIR) == 0 || errno == ENOENT;
  close(parent);
  return gone;
}

void fhx__folder_prune(int base, const char *name) {
  char folder[FHX__PART_NAME_MAX + 1];
  snprintf(folder, sizeof folder, "%s", name);
  for (char *slash = strrchr(folder, '/'); slash != NULL; slash = strrchr(folder, '/')) {
    *slash = '\0';
    if (!remove_folder(base, folder)) return;
  }
}

uint32_t fhx__folder_retryable(int code) {
  switch (code) {
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case EIO: /* a part is written anew when it is tried again, so a passing fault does not stay */
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ESTALE:
    case ETIMEDOUT:
      return 1;
    default:
      return 0;
  }
}

int32_t fhx__folder_fail(fhx_error **error, int code, const char *sentence) {
  char reason[128];
  int32_t status = fhx__errno_status(code);
  /* NOT_FOUND is a word about the part, and what was not found here is something else. */
  if (status == FHX_ERR_NOT_FOUND) status = FHX_ERR_IO;
  if (code == ENAMETOOLONG) status = FHX_ERR_ARGUMENT;
  return fhx__fail_with(error, status, fhx__folder_retryable(code), "%s (%s)", sentence,
                        fhx__errno_text(code, reason, sizeof reason));
}
