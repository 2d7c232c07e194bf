/* Level 1: the public writer. */
#include <fhirexport/writer.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/structs.h"
#include "writer/part_writer.h"

struct fhx_writer {
  fhx_destination *destination;
  fhx__part_writer out;
  char *prefix;
  char resource_type[FHX__TYPE_MAX + 1];
  /* What names end in. */
  const char *suffix;
  uint64_t part_bytes;
  uint64_t part_count;
  uint64_t next_number;
  /* The committed parts, each allocated by itself: pointers to them stay valid. */
  fhx_part **parts;
  uint64_t committed;
  uint64_t capacity;
  bool finished;
  bool broken;
  /* BUSY_INSIDE while a call is inside; BUSY_DOOMED asks it to free the writer at its end. */
  atomic_uint busy;
};

/* The prefix is checked with the longest number that a name can get. */
#define LONGEST_NUMBER "18446744073709551615"

#define FLAGS (FHX_WRITER_SHA256 | FHX_WRITER_GZIP | FHX_WRITER_TRUST_SOURCE)

#define BUSY_INSIDE 1u
#define BUSY_DOOMED 2u

FHX__DEFINE_INIT(fhx_writer_options)

static void destroy(fhx_writer *writer) {
  fhx__part_writer_free(&writer->out);
  for (uint64_t i = 0; i < writer->committed; i++) fhx__free(writer->parts[i]);
  fhx__free(writer->parts);
  fhx__free(writer->prefix);
  fhx_destination_free(writer->destination);
  fhx__free(writer);
}

static const char *suffix_of(const fhx_writer_options *options) {
  return (options->flags & FHX_WRITER_GZIP) != 0 ? ".ndjson.gz" : ".ndjson";
}

static int32_t check_options(const fhx_writer_options *options, fhx_error **error) {
  const char *type = options->resource_type;
  if (type == NULL || !fhx__is_type_name(type, strlen(type))) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "resource_type is not the name of a FHIR type");
  }
  if ((options->flags & ~FLAGS) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "flags holds a bit that is not FHX_WRITER_...");
  }
  if (options->depth_max > FHX__DEPTH_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "depth_max is over %d", FHX__DEPTH_MAX);
  }
  char name[FHX__PART_NAME_MAX + 2];
  int len = snprintf(name, sizeof name, "%s%s-%s%s",
                     options->name_prefix == NULL ? "" : options->name_prefix, type, LONGEST_NUMBER,
                     suffix_of(options));
  if (len < 0 || (size_t)len >= sizeof name || !fhx__is_part_name(name)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "name_prefix does not begin part names of letters, digits, `-`, `_`, `.` and "
                     "folders, or is too long");
  }
  return FHX_OK;
}

int32_t fhx_writer_new(const fhx_writer_options *given, fhx_destination *destination,
                       fhx_writer **made, fhx_error **error) {
  fhx_writer_options options;
  int32_t status = fhx__struct_in(&options, sizeof options, given, "fhx_writer_options", error);
  if (status == FHX_OK) status = check_options(&options, error);
  if (status != FHX_OK) return status;
  if (destination == NULL || made == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a writer needs a destination and a place to store it");
  }
  fhx_writer *writer = fhx__alloc_zeroed(1, sizeof *writer);
  if (writer == NULL) return fhx__no_memory(error);
  writer->destination = fhx__destination_ref(destination);
  writer->prefix = fhx__copy_text(options.name_prefix);
  memcpy(writer->resource_type, options.resource_type, strlen(options.resource_type) + 1);
  writer->part_bytes = options.part_bytes == 0 ? FHX__PART_BYTES_DEFAULT : options.part_bytes;
  writer->part_count = options.part_count;
  writer->suffix = suffix_of(&options);
  writer->next_number = 1;
  status = fhx__part_writer_init(&writer->out, destination, error);
  if (status == FHX_OK && writer->prefix == NULL) status = fhx__no_memory(error);
  if (status == FHX_OK && (options.flags & FHX_WRITER_GZIP) != 0) {
    status = fhx__part_writer_use_gzip(&writer->out, false, error);
  }
  if (status != FHX_OK) {
    destroy(writer);
    return status;
  }
  writer->out.sink.sha256_wanted = (options.flags & FHX_WRITER_SHA256) != 0;
  writer->out.trusts_source = (options.flags & FHX_WRITER_TRUST_SOURCE) != 0;
  if (options.depth_max != 0) writer->out.depth_max = options.depth_max;
  if (options.resource_bytes_max != 0) writer->out.resource_bytes_max = options.resource_bytes_max;
  *made = writer;
  return FHX_OK;
}

static int32_t enter(fhx_writer *writer, fhx_error **error) {
  if (writer == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "the writer is NULL");
  if ((atomic_fetch_or(&writer->busy, BUSY_INSIDE) & BUSY_INSIDE) != 0) {
    return fhx__fail(error, FHX_ERR_REENTRANT,
                     "the writer is in the middle of another call; a callback may not call it");
  }
  return FHX_OK;
}

/* A writer that is being destroyed stays busy, so that its last callbacks cannot call it. */
static int32_t leave(fhx_writer *writer, int32_t status) {
  unsigned inside = BUSY_INSIDE;
  if (!atomic_compare_exchange_strong(&writer->busy, &inside, 0)) destroy(writer);
  return status;
}

/* Room for one more committed part, made before the commit so that nothing can fail after it. */
static int32_t reserve_part(fhx_writer *writer, fhx_part **place, fhx_error **error) {
  if (writer->committed == writer->capacity) {
    uint64_t capacity = writer->capacity == 0 ? 8 : writer->capacity * 2;
    fhx_part **grown = fhx__realloc(writer->parts, (size_t)capacity * sizeof *grown);
    if (grown == NULL) return fhx__no_memory(error);
    writer->parts = grown;
    writer->capacity = capacity;
  }
  *place = fhx__alloc(sizeof **place);
  return *place == NULL ? fhx__no_memory(error) : FHX_OK;
}

static int32_t commit_part(fhx_writer *writer, fhx_error **error) {
  fhx_part *part = NULL;
  int32_t status = reserve_part(writer, &part, error);
  if (status != FHX_OK) return status;
  fhx_error *lost = NULL;
  status = fhx__part_writer_commit(&writer->out, part, &lost);
  if (status == FHX_ERR_UNKNOWN_OUTCOME && fhx__part_writer_settle(&writer->out, part) == FHX_OK) {
    fhx_error_free(lost);
    lost = NULL;
    status = FHX_OK;
  }
  if (status == FHX_OK) {
    writer->parts[writer->committed++] = part;
  } else {
    fhx__free(part);
    if (error != NULL) *error = lost;
    if (error == NULL) fhx_error_free(lost);
  }
  return status;
}

static void begin_part(fhx_writer *writer) {
  fhx_part identity;
  memset(&identity, 0, sizeof identity);
  snprintf(identity.name, sizeof identity.name, "%s%s-%llu%s", writer->prefix,
           writer->resource_type, (unsigned long long)writer->next_number++, writer->suffix);
  memcpy(identity.resource_type, writer->resource_type, sizeof identity.resource_type);
  fhx__part_writer_begin(&writer->out, &identity);
}

static int32_t check_line(const fhx_writer *writer, const fhx__line *line, fhx_error **error) {
  if (line->too_long) {
    return fhx__fail(error, FHX_ERR_RESOURCE, "the resource is longer than resource_bytes_max");
  }
  if (line->scan.fault != FHX__FAULT_NONE) {
    return fhx__fail(error, FHX_ERR_RESOURCE, "the resource %s, at byte %zu",
                     fhx__fault_text(line->scan.fault), line->scan.offset);
  }
  if (strcmp(line->scan.facts.resource_type, writer->resource_type) != 0) {
    return fhx__fail(error, FHX_ERR_RESOURCE, "the resource is not of type %s, at byte 0",
                     writer->resource_type);
  }
  return FHX_OK;
}

static int32_t take_line(fhx_writer *writer, const fhx__line *line, fhx_error **error) {
  const fhx_part *open = &writer->out.part;
  if (writer->out.named && open->byte_count + line->scan.out_len + 1 > writer->part_bytes) {
    int32_t status = commit_part(writer, error);
    if (status != FHX_OK) return status;
  }
  if (!writer->out.named) begin_part(writer);
  int32_t status = fhx__part_writer_take(&writer->out, line, error);
  if (status == FHX_OK && writer->part_count != 0 && open->resource_count >= writer->part_count) {
    status = commit_part(writer, error);
  }
  return status;
}

/* Between enter and leave. */
static int32_t append(fhx_writer *writer, const void *data, size_t len, fhx_error **error) {
  if (writer->broken || writer->finished) {
    return fhx__fail(error, FHX_ERR_MISUSE, "the writer has %s: nothing can be appended",
                     writer->broken ? "failed" : "finished");
  }
  if (data == NULL && len != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "the resource has a length but no data");
  }
  fhx__line line;
  int32_t status = fhx__part_writer_scan(&writer->out, data, len, &line, error);
  if (status == FHX_OK) {
    status = check_line(writer, &line, error);
    if (status != FHX_OK) return status;
    status = take_line(writer, &line, error);
  }
  if (status != FHX_OK) {
    writer->broken = true;
    fhx__part_writer_abort(&writer->out);
  }
  return status;
}

int32_t fhx_writer_append(fhx_writer *writer, const void *data, size_t len, fhx_error **error) {
  int32_t status = enter(writer, error);
  return status != FHX_OK ? status : leave(writer, append(writer, data, len, error));
}

static int32_t finish(fhx_writer *writer, fhx_error **error) {
  if (writer->broken || writer->finished) {
    return fhx__fail(error, FHX_ERR_MISUSE, "the writer has %s already",
                     writer->broken ? "failed" : "finished");
  }
  writer->finished = true;
  if (!writer->out.named) return FHX_OK;
  int32_t status = commit_part(writer, error);
  writer->broken = status != FHX_OK;
  if (writer->broken) fhx__part_writer_abort(&writer->out);
  return status;
}

int32_t fhx_writer_finish(fhx_writer *writer, fhx_error **error) {
  int32_t status = enter(writer, error);
  return status != FHX_OK ? status : leave(writer, finish(writer, error));
}

uint64_t fhx_writer_part_count(const fhx_writer *writer) {
  return writer == NULL ? 0 : writer->committed;
}

const fhx_part *fhx_writer_part(const fhx_writer *writer, uint64_t index) {
  return writer == NULL || index >= writer->committed ? NULL : writer->parts[index];
}

void fhx_writer_free(fhx_writer *writer) {
  if (writer == NULL) return;
  unsigned before = atomic_fetch_or(&writer->busy, BUSY_INSIDE | BUSY_DOOMED);
  if ((before & BUSY_INSIDE) == 0) destroy(writer);
}
