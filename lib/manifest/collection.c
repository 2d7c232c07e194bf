/* Parts that a host hands in for a manifest: checked, copied, and put in the manifest's order. */
#include "manifest/collection.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/instant.h"
#include "core/structs.h"
#include "destination/destination.h"
#include "job/job.h"
#include "store/records.h"

#define RESOLUTION_DEFAULT_US 1000
#define RESOLUTION_MAX_US INT64_C(86400000000)

FHX__DEFINE_INIT(fhx_manifest_options)

static const uint32_t order_of_kinds[] = {FHX_PART_OUTPUT, FHX_PART_DELETED, FHX_PART_ERROR};

size_t fhx__collection_count(const fhx__collection *collection) {
  return collection->parts.len / sizeof(fhx_part);
}

const fhx_part *fhx__collection_part(const fhx__collection *collection, size_t position) {
  return (const fhx_part *)(const void *)collection->parts.data + position;
}

void fhx__collection_free(fhx__collection *collection) {
  if (collection == NULL) return;
  fhx__buffer_free(&collection->parts);
  fhx_destination_free(collection->destination);
  fhx__free(collection->request);
  fhx__free(collection);
}

static int32_t check_options(const fhx_manifest_options *options, fhx_error **error) {
  if (options->destination == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a manifest of parts needs their destination");
  }
  if ((options->flags & ~FHX_MANIFEST_DIGESTS) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "flags holds a bit that is not FHX_MANIFEST_...");
  }
  if (options->resolution_us < 0 || options->resolution_us > RESOLUTION_MAX_US) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "resolution_us is negative or longer than a day");
  }
  return fhx__check_ig_version(options->ig_version, error);
}

/* A writer's part has no fence and no number. */
static const char *record_fault(const fhx_part_record *given) {
  fhx_part_record record = *given;
  if (record.fence == 0 && record.seq == 0) record.fence = record.seq = 1;
  const char *fault = fhx__part_record_fault(&record);
  if (fault != NULL) return fault;
  if (record.flags != 0 || *record.resource_type == '\0') {
    return "the part is of an export that is organised by patients";
  }
  return NULL;
}

static int32_t add_part(fhx__collection *collection, const fhx_part_record *given, uint32_t kind,
                        fhx_error **error) {
  fhx_part_record record;
  fhx_part part;
  int32_t status = fhx__struct_in(&record, sizeof record, given, "fhx_part_record", error);
  if (status != FHX_OK) return status;
  const char *fault = record_fault(&record);
  if (fault != NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "%s", fault);
  if (record.kind != kind) return FHX_OK;
  fhx__part_of_record(&record, &part);
  status = fhx__buffer_append(&collection->parts, &part, sizeof part);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static int compare_names(const void *left, const void *right) {
  return strcmp((*(const fhx_part *const *)left)->name, (*(const fhx_part *const *)right)->name);
}

/* A part that is listed twice would be fetched twice, and its resources counted so. */
static int32_t check_names(const fhx__collection *collection, fhx_error **error) {
  size_t count = fhx__collection_count(collection);
  if (count < 2) return FHX_OK;
  const fhx_part **sorted = fhx__alloc_zeroed(count, sizeof *sorted);
  if (sorted == NULL) return fhx__no_memory(error);
  for (size_t i = 0; i < count; i++) sorted[i] = fhx__collection_part(collection, i);
  qsort(sorted, count, sizeof *sorted, compare_names);
  bool twice = false;
  for (size_t i = 1; i < count; i++) {
    twice = twice || strcmp(sorted[i - 1]->name, sorted[i]->name) == 0;
  }
  fhx__free(sorted);
  if (!twice) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT, "a part is there twice");
}

static int32_t fill(fhx__collection *collection, const fhx_manifest_options *options,
                    const fhx_part_record *const *records, uint64_t count, fhx_error **error) {
  collection->destination = fhx__destination_ref(options->destination);
  collection->flags = options->flags;
  collection->ig_version = options->ig_version;
  collection->resolution_us =
      options->resolution_us == 0 ? RESOLUTION_DEFAULT_US : options->resolution_us;
  collection->transaction_time_us =
      fhx__instant_floor(options->transaction_time_us, collection->resolution_us);
  collection->expires_us = options->expires_us;
  collection->request = fhx__copy_text(options->request == NULL ? "$export" : options->request);
  if (collection->request == NULL) return fhx__no_memory(error);
  for (size_t kind = 0; kind < sizeof order_of_kinds / sizeof *order_of_kinds; kind++) {
    for (uint64_t i = 0; i < count; i++) {
      int32_t status = add_part(collection, records[i], order_of_kinds[kind], error);
      if (status != FHX_OK) return status;
    }
  }
  return check_names(collection, error);
}

int32_t fhx__collection_new(const fhx_manifest_options *given,
                            const fhx_part_record *const *records, uint64_t count,
                            fhx__collection **made, fhx_error **error) {
  fhx_manifest_options options;
  int32_t status = fhx__struct_in(&options, sizeof options, given, "fhx_manifest_options", error);
  if (status == FHX_OK) status = check_options(&options, error);
  if (status != FHX_OK) return status;
  fhx__collection *collection = fhx__alloc_zeroed(1, sizeof *collection);
  if (collection == NULL) return fhx__no_memory(error);
  status = fill(collection, &options, records, count, error);
  if (status != FHX_OK) {
    fhx__collection_free(collection);
    return status;
  }
  *made = collection;
  return FHX_OK;
}
