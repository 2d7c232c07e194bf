#include "support/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool complain(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return false;
}

bool file_writer_open(file_writer *file, const char *path) {
  *file = (file_writer){.descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file->descriptor < 0) return complain(path);
  file->piece = malloc(FILE_WRITER_PIECE);
  return file->piece != NULL || complain("malloc");
}

static bool flush(file_writer *file) {
  for (size_t done = 0; done < file->used;) {
    ssize_t written = write(file->descriptor, file->piece + done, file->used - done);
    if (written < 0) return complain("write");
    done += (size_t)written;
  }
  file->used = 0;
  return true;
}

bool file_writer_put(file_writer *file, const void *data, size_t len) {
  const char *from = data;
  file->bytes += len;
  while (len > 0) {
    size_t room = FILE_WRITER_PIECE - file->used;
    size_t now = len < room ? len : room;
    memcpy(file->piece + file->used, from, now);
    file->used += now;
    from += now;
    len -= now;
    if (file->used == FILE_WRITER_PIECE && !flush(file)) return false;
  }
  return true;
}

bool file_writer_close(file_writer *file) {
  bool done =
      file->piece != NULL && flush(file) && (fsync(file->descriptor) == 0 || complain("fsync"));
  free(file->piece);
  if (file->descriptor >= 0) close(file->descriptor);
  return done;
}
