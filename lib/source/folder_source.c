/*
 * A source over the NDJSON files of a folder, on the public callbacks only.
 *
 * A cursor reads the files of its shard one after the other, each from its beginning to its end. A
 * shard is `<first file>/<last file>`, a token `<file>/<offset behind the last row>`; no file's
 * name has a slash. Both name files, so they keep their meaning when the folder is read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <fhirexport/source.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/answer.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/structs.h"
#include "ndjson/scan.h"
#include "source/asked.h"
#include "source/folder_files.h"
#include "source/folder_index.h"
#include "source/line_reader.h"

/* What a gzip file holds, when it is only asked about how much. */
#define GZIP_RATIO 8
#define STAMP_RESOLUTION_US 1000
#define WANT_MAX (64u * 1024 * 1024)
/* At once, where a single resource is looked for. */
#define READ_BYTES ((size_t)1 << 18)
/* Two names and a slash, or a name, a slash and 20 digits. */
#define SHARD_MAX (2 * NAME_MAX + 2)
#define TOKEN_MAX (NAME_MAX + 22)

FHX__DEFINE_INIT(fhx_folder_options)

typedef struct folder {
  int fd;
  fhx__folder_files list;
  fhx__folder_index *index;
} folder;

typedef struct cursor {
  const folder *owner;
  /* The files not yet read to their end; the first of them is open in `reader`, if any is. */
  fhx__file_range range;
  fhx__line_reader *reader;
  char token[TOKEN_MAX];
} cursor;

static void destroy_folder(void *user_data) {
  folder *owner = user_data;
  fhx__folder_index_free(owner->index);
  if (owner->fd >= 0) close(owner->fd);
  fhx__folder_files_free(&owner->list);
  fhx__free(owner);
}

/* The files of a query's shard, or of its whole type. */
static int32_t find_range(const folder *owner, const fhx_query *query, fhx__file_range *range,
                          fhx_error **error) {
  size_t len = 0;
  const char *shard = fhx_query_shard(query, &len);
  *range = fhx__folder_files_of_type(&owner->list, fhx_query_resource_type(query));
  if (shard == NULL) return FHX_OK;
  const char *slash = memchr(shard, '/', len);
  size_t first_len = slash == NULL ? len : (size_t)(slash - shard);
  size_t first = 0, last = 0;
  if (slash == NULL || !fhx__folder_files_find(&owner->list, *range, shard, first_len, &first) ||
      !fhx__folder_files_find(&owner->list, *range, slash + 1, len - first_len - 1, &last) ||
      last < first) {
    return fhx__fail(error, FHX_ERR_SOURCE, "a file of the shard is no longer in the folder");
  }
  *range = (fhx__file_range){first, last + 1};
  return FHX_OK;
}

static bool read_offset(const char *text, size_t len, uint64_t *offset) {
  *offset = 0;
  if (len == 0 || len > 18) return false;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    *offset = *offset * 10 + (uint64_t)(text[i] - '0');
  }
  return true;
}

static int32_t open_file(cursor *at, uint64_t offset, fhx_error **error) {
  const fhx__folder_file *file = &at->owner->list.files[at->range.begin];
  fhx__byte_stream *stream = NULL;
  int32_t status =
      fhx__byte_stream_open(at->owner->fd, file->name, file->gzip, offset, &stream, error);
  if (status != FHX_OK) return status;
  return fhx__line_reader_open(stream, offset, FHX__LINE_MAX, &at->reader, error);
}

/* Moves a new cursor to where the query's token says. */
static int32_t go_to_token(cursor *at, const fhx_query *query, fhx_error **error) {
  size_t len = 0;
  uint64_t offset = 0;
  const char *token = fhx_query_token(query, &len);
  if (token == NULL) return FHX_OK;
  const char *slash = memchr(token, '/', len);
  size_t name_len = slash == NULL ? len : (size_t)(slash - token);
  if (slash == NULL || !read_offset(slash + 1, len - name_len - 1, &offset)) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the token is not one of an NDJSON folder");
  }
  if (!fhx__folder_files_find(&at->owner->list, at->range, token, name_len, &at->range.begin)) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the file of the token is no longer in the folder");
  }
  return open_file(at, offset, error);
}

static void close_cursor(void *user_data, void *handle) {
  cursor *at = handle;
  (void)user_data;
  fhx__line_reader_close(at->reader);
  fhx__free(at);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  fhx_error *error = NULL;
  cursor *at = fhx__alloc_zeroed(1, sizeof *at);
  if (at == NULL) {
    fhx_reply_fail(reply, FHX_ERR_NO_MEMORY, 1, "out of memory");
    return;
  }
  at->owner = user_data;
  int32_t status = find_range(at->owner, query, &at->range, &error);
  if (status == FHX_OK) status = go_to_token(at, query, &error);
  if (status != FHX_OK) {
    close_cursor(user_data, at);
    fhx__answer_error(reply, error);
    return;
  }
  fhx_reply_handle(reply, at, FHX_APPLIED_TYPE);
}

/* The next lines, from the next file that has any. */
static int32_t read_lines(cursor *at, size_t want, fhx__lines *lines, fhx_error **error) {
  while (at->range.begin < at->range.end) {
    int32_t status = at->reader == NULL ? open_file(at, 0, error) : FHX_OK;
    if (status == FHX_OK) status = fhx__line_reader_next(at->reader, want, lines, error);
    if (status != FHX_END) return status;
    fhx__line_reader_close(at->reader);
    at->reader = NULL;
    at->range.begin++;
  }
  return FHX_END;
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  cursor *at = handle;
  fhx__lines lines;
  fhx_error *error = NULL;
  (void)user_data;
  int32_t status =
      read_lines(at, (size_t)(want_bytes < WANT_MAX ? want_bytes : WANT_MAX), &lines, &error);
  if (status == FHX_END) {
    fhx_reply_end(reply);
  } else if (status != FHX_OK) {
    fhx__answer_error(reply, error);
  } else {
    int len =
        snprintf(at->token, sizeof at->token, "%s/%llu",
                 at->owner->list.files[at->range.begin].name, (unsigned long long)lines.end_offset);
    fhx_reply_rows(reply, lines.data, lines.len, lines.count, lines.ends, NULL, at->token,
                   (size_t)len);
  }
}

static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  const folder *owner = user_data;
  fhx__file_range range = fhx__folder_files_of_type(&owner->list, fhx_query_resource_type(query));
  size_t file_count = range.end - range.begin;
  size_t shard_count = file_count < count_max ? file_count : count_max;
  for (size_t i = 0; shard_count > 1 && i < shard_count; i++) {
    char shard[SHARD_MAX];
    size_t first = range.begin + i * file_count / shard_count;
    size_t next = range.begin + (i + 1) * file_count / shard_count;
    int len = snprintf(shard, sizeof shard, "%s/%s", owner->list.files[first].name,
                       owner->list.files[next - 1].name);
    fhx_reply_item(reply, shard, (size_t)len);
  }
  fhx_reply_done(reply);
}

/* Gives the resource if it is among these lines. */
static bool give_line(const fhx__lines *lines, const char *type, const char *id, fhx_reply *reply) {
  size_t begin = 0;
  for (uint64_t i = 0; i < lines->count; i++) {
    size_t len = (size_t)lines->ends[i] - begin;
    if (fhx__folder_is_resource(lines->data + begin, len, type, id)) {
      fhx_reply_item(reply, lines->data + begin, len);
      return true;
    }
    begin += len;
  }
  return false;
}

/* Reads the files of the type up to the resource. */
static int32_t search_files(folder *owner, const char *type, const char *id, fhx_reply *reply,
                            fhx_error **error) {
  cursor at = {.owner = owner, .range = fhx__folder_files_of_type(&owner->list, type)};
  fhx__lines lines;
  int32_t status = FHX_OK;
  bool given = false;
  while (status == FHX_OK && !given) {
    status = read_lines(&at, READ_BYTES, &lines, error);
    if (status == FHX_OK) given = give_line(&lines, type, id, reply);
  }
  fhx__line_reader_close(at.reader);
  return status;
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  folder *owner = user_data;
  char type[FHX__TYPE_MAX + 1];
  const char *id = NULL;
  fhx__buffer line = {NULL, 0, 0};
  fhx_error *error = NULL;
  int32_t status = FHX_END;
  (void)query;
  if (!fhx__answer_reference(reply, reference, type, &id)) return;
  /* No resource has an id that is none; a line without one must not be taken for it. */
  if (fhx__is_id(id, strlen(id))) {
    status = fhx__folder_index_find(owner->index, type, id, &line);
    if (status == FHX_OK) fhx_reply_item(reply, line.data, line.len);
    if (status == FHX_ERR_UNSUPPORTED) status = search_files(owner, type, id, reply, &error);
  }
  fhx__buffer_free(&line);
  if (status == FHX_OK) {
    fhx_reply_done(reply);
  } else if (status == FHX_END) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "the folder has no such resource");
  } else {
    fhx__answer_error(reply, error);
  }
}

static void list_types(void *user_data, fhx_reply *reply) {
  const fhx__folder_files *list = &((const folder *)user_data)->list;
  const char *last = "";
  for (size_t i = 0; i < list->count; i++) {
    const char *resource_type = list->files[i].resource_type;
    if (strcmp(resource_type, last) != 0) {
      fhx_reply_item(reply, resource_type, strlen(resource_type));
    }
    last = resource_type;
  }
  fhx_reply_done(reply);
}

static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  const folder *owner = user_data;
  fhx__file_range range = {0, 0};
  fhx_error *error = NULL;
  uint64_t byte_count = 0;
  if (find_range(owner, query, &range, &error) != FHX_OK) {
    fhx__answer_error(reply, error);
    return;
  }
  for (size_t i = range.begin; i < range.end; i++) {
    const fhx__folder_file *file = &owner->list.files[i];
    byte_count += file->byte_count * (file->gzip ? GZIP_RATIO : 1);
  }
  fhx_reply_estimate(reply, 0, byte_count);
}

/* The files do not change while a job runs, so all that will be seen can be seen. */
static void snapshot_ready(void *user_data, int64_t as_of_us, fhx_reply *reply) {
  (void)user_data;
  (void)as_of_us;
  fhx_reply_done(reply);
}

static void read_clock(void *user_data, fhx_reply *reply) {
  (void)user_data;
  fhx_reply_time(reply, fhx__clock_now_us(), STAMP_RESOLUTION_US);
}

static int32_t open_folder(folder *owner, const char *path, fhx_error **error) {
  owner->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (owner->fd >= 0) {
    int32_t read = fhx__folder_files_read(&owner->list, owner->fd, error);
    if (read != FHX_OK) return read;
    return fhx__folder_index_new(owner->fd, &owner->list, &owner->index, error);
  }
  char text[128];
  int code = errno;
  int32_t status = fhx__errno_status(code);
  if (status != FHX_ERR_NOT_FOUND && status != FHX_ERR_DENIED) status = FHX_ERR_IO;
  return fhx__fail(error, status, "the folder \"%s\" cannot be opened: %s", path,
                   fhx__errno_text(code, text, sizeof text));
}

int32_t fhx_folder_source_new(const fhx_folder_options *options, fhx_source **source,
                              fhx_error **error) {
  fhx_folder_options copy;
  fhx_source_callbacks callbacks;
  int32_t status = fhx__struct_in(&copy, sizeof copy, options, "fhx_folder_options", error);
  if (status != FHX_OK) return status;
  if (copy.path == NULL || copy.path[0] == '\0') {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "an NDJSON folder needs a path");
  }
  folder *owner = fhx__alloc_zeroed(1, sizeof *owner);
  if (owner == NULL) return fhx__no_memory(error);
  status = open_folder(owner, copy.path, error);
  if (status != FHX_OK) {
    destroy_folder(owner);
    return status;
  }
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.list_shards = list_shards;
  callbacks.read_resource = read_resource;
  callbacks.list_types = list_types;
  callbacks.count_estimate = count_estimate;
  callbacks.snapshot_ready = snapshot_ready;
  callbacks.read_clock = read_clock;
  callbacks.destroy = destroy_folder;
  return fhx_source_new(&callbacks, owner, source, error);
}
