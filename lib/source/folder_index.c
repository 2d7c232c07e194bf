/*
 * Where the resources of a folder stand: of each the hash of its id and its place, 16 bytes,
 * sorted. What is packed in gzip has no place that could be gone to, so it is unpacked into a
 * temporary file that has no name. Whatever stands in the way of an index is no error: without one
 * the files are read.
 */
#include "source/folder_index.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/error.h"
#include "ndjson/scan.h"
#include "source/line_reader.h"

/* An index costs about as much as reading so many resources. */
#define READS_BEFORE 8
/* All indexes of a folder take no more: 4 million resources. */
#define PLACES_BYTES_MAX ((size_t)64 << 20)
#define READ_BYTES ((size_t)1 << 18)
/* A file's number and an offset in one number: a million files of 16 TiB. */
#define OFFSET_BITS 44

typedef struct place {
  uint32_t hash;
  uint32_t len;
  /* The number of the file in its range, and the offset there; of a packed one in `unpacked`. */
  uint64_t at;
} place;

typedef struct made_index {
  fhx__buffer places;
  FILE *unpacked;
  uint64_t unpacked_len;
  /* What told the files from others when they were read. */
  uint64_t stamp;
} made_index;

typedef enum index_state { COUNTING, BEING_MADE, MADE, GIVEN_UP } index_state;

typedef struct type_index {
  fhx__file_range range;
  index_state state;
  uint32_t reads;
  made_index made;
} type_index;

struct fhx__folder_index {
  int folder_fd;
  const fhx__folder_files *list;
  /* Not held while a type is read. */
  pthread_mutex_t mutex;
  type_index *types;
  size_t type_count;
  size_t places_bytes;
};

static void drop_made(made_index *made) {
  fhx__buffer_free(&made->places);
  if (made->unpacked != NULL) fclose(made->unpacked);
  memset(made, 0, sizeof *made);
}

/* --- the object --- */

int32_t fhx__folder_index_new(int folder_fd, const fhx__folder_files *list,
                              fhx__folder_index **index, fhx_error **error) {
  fhx__folder_index *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  made->folder_fd = folder_fd;
  made->list = list;
  made->types = fhx__alloc_zeroed(list->count, sizeof *made->types);
  if (made->types == NULL || pthread_mutex_init(&made->mutex, NULL) != 0) {
    fhx__free(made->types);
    fhx__free(made);
    return fhx__no_memory(error);
  }
  for (size_t i = 0; i < list->count; i = made->types[made->type_count++].range.end) {
    made->types[made->type_count].range =
        fhx__folder_files_of_type(list, list->files[i].resource_type);
  }
  *index = made;
  return FHX_OK;
}

void fhx__folder_index_free(fhx__folder_index *index) {
  if (index == NULL) return;
  for (size_t i = 0; i < index->type_count; i++) drop_made(&index->types[i].made);
  pthread_mutex_destroy(&index->mutex);
  fhx__free(index->types);
  fhx__free(index);
}

/* --- which files --- */

/* The files may change between two jobs. 0: they cannot be looked at. */
static uint64_t stamp_of(const fhx__folder_index *index, fhx__file_range range) {
  uint64_t stamp = 1;
  for (size_t i = range.begin; i < range.end; i++) {
    struct stat facts;
    if (fstatat(index->folder_fd, index->list->files[i].name, &facts, 0) != 0) return 0;
    const uint64_t parts[] = {(uint64_t)facts.st_ino, (uint64_t)facts.st_size,
                              (uint64_t)facts.st_mtim.tv_sec, (uint64_t)facts.st_mtim.tv_nsec};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
      stamp = (stamp ^ parts[k]) * UINT64_C(0x9E3779B97F4A7C15);
      stamp ^= stamp >> 29;
    }
  }
  return stamp == 0 ? 1 : stamp;
}

/* --- making one --- */

static bool add_place(made_index *made, const char *id, size_t file, uint64_t offset, size_t len) {
  const place added = {fhx__text_hash(id), (uint32_t)len, (uint64_t)file << OFFSET_BITS | offset};
  if (made->places.len + sizeof added > PLACES_BYTES_MAX || offset >> OFFSET_BITS != 0)
    return false;
  return fhx__buffer_append(&made->places, &added, sizeof added) == FHX_OK;
}

static bool keep_unpacked(made_index *made, const fhx__lines *lines) {
  if (made->unpacked == NULL) made->unpacked = tmpfile();
  if (made->unpacked == NULL) return false;
  made->unpacked_len += lines->len;
  return fwrite(lines->data, 1, lines->len, made->unpacked) == lines->len;
}

/* Adds the lines that say who they are, from the `offset` on. */
static bool add_lines(made_index *made, const fhx__folder_file *file, size_t number,
                      const fhx__lines *lines, uint64_t offset) {
  size_t begin = 0;
  for (uint64_t i = 0; i < lines->count; i++) {
    fhx__scan scan;
    size_t len = (size_t)lines->ends[i] - begin;
    fhx__scan_resource(lines->data + begin, len, NULL, FHX__DEPTH_MAX, &scan);
    if (*scan.facts.id != '\0' && strcmp(scan.facts.resource_type, file->resource_type) == 0 &&
        !add_place(made, scan.facts.id, number, offset + begin, len)) {
      return false;
    }
    begin += len;
  }
  return true;
}

static bool add_file(const fhx__folder_index *index, const fhx__folder_file *file, size_t number,
                     made_index *made) {
  fhx__byte_stream *stream = NULL;
  fhx__line_reader *reader = NULL;
  fhx__lines lines;
  int32_t status =
      fhx__byte_stream_open(index->folder_fd, file->name, file->gzip, 0, &stream, NULL);
  if (status == FHX_OK) status = fhx__line_reader_open(stream, 0, FHX__LINE_MAX, &reader, NULL);
  bool going = status == FHX_OK;
  while (going && (status = fhx__line_reader_next(reader, READ_BYTES, &lines, NULL)) == FHX_OK) {
    uint64_t offset = file->gzip ? made->unpacked_len : lines.end_offset - lines.len;
    going = (!file->gzip || keep_unpacked(made, &lines)) &&
            add_lines(made, file, number, &lines, offset);
  }
  fhx__line_reader_close(reader);
  return going && status == FHX_END;
}

static int compare_places(const void *left, const void *right) {
  const place *a = left;
  const place *b = right;
  if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
  return (a->at > b->at) - (a->at < b->at);
}

static bool make_index(const fhx__folder_index *index, fhx__file_range range, made_index *made) {
  made->stamp = stamp_of(index, range);
  bool going = made->stamp != 0;
  for (size_t i = range.begin; going && i < range.end; i++) {
    going = add_file(index, &index->list->files[i], i - range.begin, made);
  }
  if (going && made->unpacked != NULL) going = fflush(made->unpacked) == 0;
  size_t count = made->places.len / sizeof(place);
  if (going && count > 1) qsort(made->places.data, count, sizeof(place), compare_places);
  return going;
}

/* Called and left with the lock. */
static void begin_index(fhx__folder_index *index, type_index *type) {
  made_index made;
  memset(&made, 0, sizeof made);
  type->state = BEING_MADE;
  pthread_mutex_unlock(&index->mutex);
  bool is_whole = make_index(index, type->range, &made);
  pthread_mutex_lock(&index->mutex);
  if (is_whole && made.places.len <= PLACES_BYTES_MAX - index->places_bytes) {
    index->places_bytes += made.places.len;
    type->made = made;
    type->state = MADE;
  } else {
    drop_made(&made);
    type->state = GIVEN_UP;
  }
}

/* --- finding --- */

bool fhx__folder_is_resource(const char *line, size_t len, const char *resource_type,
                             const char *id) {
  fhx__scan scan;
  /* The id's bytes, or escapes that could spell them, are looked for first: a scan costs more. */
  if (memmem(line, len, id, strlen(id)) == NULL && memmem(line, len, "\\u", 2) == NULL) {
    return false;
  }
  fhx__scan_resource(line, len, NULL, FHX__DEPTH_MAX, &scan);
  return strcmp(scan.facts.id, id) == 0 && strcmp(scan.facts.resource_type, resource_type) == 0;
}

static bool read_at(int fd, uint64_t offset, size_t len, fhx__buffer *line) {
  line->len = 0;
  if (fhx__buffer_reserve(line, len) != FHX_OK) return false;
  while (line->len < len) {
    ssize_t got = pread(fd, line->data + line->len, len - line->len, (off_t)(offset + line->len));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    line->len += (size_t)got;
  }
  return true;
}

static bool read_place(const fhx__folder_index *index, const type_index *type, const place *from,
                       fhx__buffer *line) {
  const fhx__folder_file *file =
      &index->list->files[type->range.begin + (size_t)(from->at >> OFFSET_BITS)];
  uint64_t offset = from->at & ((UINT64_C(1) << OFFSET_BITS) - 1);
  if (file->gzip) return read_at(fileno(type->made.unpacked), offset, from->len, line);
  int fd = openat(index->folder_fd, file->name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool whole = read_at(fd, offset, from->len, line);
  close(fd);
  return whole;
}

static int32_t look_up(const fhx__folder_index *index, const type_index *type, const char *id,
                       fhx__buffer *line) {
  const place *places = (const place *)(const void *)type->made.places.data;
  const char *resource_type = index->list->files[type->range.begin].resource_type;
  size_t count = type->made.places.len / sizeof *places, low = 0, high = count;
  uint32_t hash = fhx__text_hash(id);
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (places[middle].hash < hash) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; low < count && places[low].hash == hash; low++) {
    if (!read_place(index, type, &places[low], line)) return FHX_ERR_UNSUPPORTED;
    if (fhx__folder_is_resource(line->data, line->len, resource_type, id)) return FHX_OK;
  }
  return FHX_END;
}

/* Of files that have changed another index is made in time. */
static int32_t find(fhx__folder_index *index, type_index *type, const char *id, fhx__buffer *line) {
  if (type->state == MADE && stamp_of(index, type->range) != type->made.stamp) {
    index->places_bytes -= type->made.places.len;
    drop_made(&type->made);
    type->state = COUNTING;
    type->reads = 0;
  }
  if (type->state == COUNTING && type->reads++ == READS_BEFORE) begin_index(index, type);
  return type->state == MADE ? look_up(index, type, id, line) : FHX_ERR_UNSUPPORTED;
}

int32_t fhx__folder_index_find(fhx__folder_index *index, const char *resource_type, const char *id,
                               fhx__buffer *line) {
  int32_t status = FHX_END;
  pthread_mutex_lock(&index->mutex);
  for (size_t i = 0; i < index->type_count; i++) {
    type_index *type = &index->types[i];
    if (strcmp(index->list->files[type->range.begin].resource_type, resource_type) != 0) continue;
    status = find(index, type, id, line);
    break;
  }
  pthread_mutex_unlock(&index->mutex);
  return status;
}
