/*
 * The bytes of one file of a folder. A gzip file may have several members one behind the other
 * (RFC 1952, 2.2); what is cut off or damaged is an error, never an early end.
 */
#include "source/byte_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/alloc.h"
#include "core/error.h"

#define PACKED_LEN 65536
/* What one read call asks for at most; zlib counts in unsigned int. */
#define READ_MAX (1u << 30)
/* zlib: the largest window, and gzip's header and trailer only. */
#define GZIP_WINDOW_BITS (15 + 16)

struct fhx__byte_stream {
  const char *name;
  int fd;
  bool gzip;
  /* Only for gzip. `in_member`: the trailer of the present member is still to come. */
  bool inflating;
  bool in_member;
  bool input_ended;
  z_stream inflater;
  unsigned char packed[PACKED_LEN];
};

/* A file that is not there or not permitted will be so at the next attempt. */
static int32_t fail_errno(const char *name, int code, fhx_error **error) {
  char text[128];
  int32_t kind = fhx__errno_status(code);
  uint32_t retryable = kind != FHX_ERR_NOT_FOUND && kind != FHX_ERR_DENIED;
  return fhx__fail_with(error, FHX_ERR_SOURCE, retryable, "%s cannot be read: %s", name,
                        fhx__errno_text(code, text, sizeof text));
}

static int32_t fail_short(const char *name, fhx_error **error) {
  return fhx__fail(error, FHX_ERR_SOURCE,
                   "%s is shorter than it was when it was last read: files must not change", name);
}

static int32_t read_file(fhx__byte_stream *stream, void *data, size_t room, size_t *count,
                         fhx_error **error) {
  ssize_t got = 0;
  do {
    got = read(stream->fd, data, room < READ_MAX ? room : READ_MAX);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno(stream->name, errno, error);
  *count = (size_t)got;
  return got == 0 ? FHX_END : FHX_OK;
}

/* More packed bytes, if all that were read are used up. */
static int32_t feed(fhx__byte_stream *stream, fhx_error **error) {
  size_t count = 0;
  if (stream->inflater.avail_in != 0 || stream->input_ended) return FHX_OK;
  int32_t status = read_file(stream, stream->packed, PACKED_LEN, &count, error);
  if (status < 0) return status;
  stream->input_ended = status == FHX_END;
  stream->inflater.next_in = stream->packed;
  stream->inflater.avail_in = (uInt)count;
  return FHX_OK;
}

/* What inflate answered: FHX_OK, or an error that ends the reading. */
static int32_t judge_inflate(fhx__byte_stream *stream, int code, fhx_error **error) {
  switch (code) {
    case Z_STREAM_END:
      stream->in_member = false;
      return FHX_OK;
    case Z_OK:
      return FHX_OK;
    case Z_MEM_ERROR:
      return fhx__no_memory(error);
    case Z_BUF_ERROR:
      /* No progress: with no input left, there will never be any. */
      if (!stream->input_ended) return FHX_OK;
      return fhx__fail(error, FHX_ERR_SOURCE, "%s ends in the middle of its gzip data",
                       stream->name);
    default:
      return fhx__fail(error, FHX_ERR_SOURCE, "%s is damaged: it is not valid gzip data",
                       stream->name);
  }
}

static int32_t read_gzip(fhx__byte_stream *stream, void *data, size_t room, size_t *count,
                         fhx_error **error) {
  z_stream *inflater = &stream->inflater;
  uInt wanted = (uInt)(room < READ_MAX ? room : READ_MAX);
  inflater->next_out = data;
  inflater->avail_out = wanted;
  while (inflater->avail_out == wanted) {
    int32_t status = feed(stream, error);
    if (status != FHX_OK) return status;
    if (!stream->in_member) {
      if (inflater->avail_in == 0) return FHX_END;
      inflateReset(inflater);
      stream->in_member = true;
    }
    status = judge_inflate(stream, inflate(inflater, Z_NO_FLUSH), error);
    if (status != FHX_OK) return status;
  }
  *count = wanted - inflater->avail_out;
  return FHX_OK;
}

int32_t fhx__byte_stream_read(fhx__byte_stream *stream, void *data, size_t room, size_t *count,
                              fhx_error **error) {
  if (stream->gzip) return read_gzip(stream, data, room, count, error);
  return read_file(stream, data, room, count, error);
}

const char *fhx__byte_stream_name(const fhx__byte_stream *stream) {
  return stream->name;
}

static int32_t begin_gzip(fhx__byte_stream *stream, fhx_error **error) {
  if (inflateInit2(&stream->inflater, GZIP_WINDOW_BITS) != Z_OK) return fhx__no_memory(error);
  stream->inflating = true;
  stream->in_member = true;
  return FHX_OK;
}

/* A gzip file has no index: what comes before the offset is unpacked and dropped. */
static int32_t skip_unpacked(fhx__byte_stream *stream, uint64_t offset, fhx_error **error) {
  int32_t status = FHX_OK;
  unsigned char *dropped = fhx__alloc(PACKED_LEN);
  if (dropped == NULL) return fhx__no_memory(error);
  while (status == FHX_OK && offset > 0) {
    size_t count = 0;
    size_t room = offset < PACKED_LEN ? (size_t)offset : PACKED_LEN;
    status = fhx__byte_stream_read(stream, dropped, room, &count, error);
    offset -= count;
  }
  fhx__free(dropped);
  return status == FHX_END ? fail_short(stream->name, error) : status;
}

static int32_t skip_plain(fhx__byte_stream *stream, uint64_t offset, fhx_error **error) {
  struct stat facts;
  if (fstat(stream->fd, &facts) != 0) return fail_errno(stream->name, errno, error);
  if (offset > (uint64_t)facts.st_size) return fail_short(stream->name, error);
  if (lseek(stream->fd, (off_t)offset, SEEK_SET) < 0) {
    return fail_errno(stream->name, errno, error);
  }
  return FHX_OK;
}

static int32_t begin(fhx__byte_stream *stream, int folder_fd, uint64_t offset, fhx_error **error) {
  stream->fd = openat(folder_fd, stream->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (stream->fd < 0) return fail_errno(stream->name, errno, error);
  if (!stream->gzip) return offset == 0 ? FHX_OK : skip_plain(stream, offset, error);
  int32_t status = begin_gzip(stream, error);
  if (status != FHX_OK || offset == 0) return status;
  return skip_unpacked(stream, offset, error);
}

int32_t fhx__byte_stream_open(int folder_fd, const char *name, bool gzip, uint64_t offset,
                              fhx__byte_stream **stream, fhx_error **error) {
  fhx__byte_stream *opened = fhx__alloc_zeroed(1, sizeof *opened);
  if (opened == NULL) return fhx__no_memory(error);
  opened->name = name;
  opened->fd = -1;
  opened->gzip = gzip;
  int32_t status = begin(opened, folder_fd, offset, error);
  if (status != FHX_OK) {
    fhx__byte_stream_close(opened);
    return status;
  }
  *stream = opened;
  return FHX_OK;
}

void fhx__byte_stream_close(fhx__byte_stream *stream) {
  if (stream == NULL) return;
  if (stream->inflating) inflateEnd(&stream->inflater);
  if (stream->fd >= 0) close(stream->fd);
  fhx__free(stream);
}
