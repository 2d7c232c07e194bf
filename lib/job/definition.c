/* What a job was asked for, as JSON in its record. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "job/job.h"

/* Raised when a reader of today could not understand a definition of tomorrow. One that did not
   know of destinations that clients name would export to the server's own. */
#define DEFINITION_VERSION 1
#define CLIENT_DESTINATION_VERSION 2

/* What most jobs do not have is not written. */
static void write_flag(fhx__json_writer *writer, const char *key, bool value) {
  if (!value) return;
  fhx__json_key(writer, key);
  fhx__json_boolean(writer, true);
}

static void write_number(fhx__json_writer *writer, const char *key, uint64_t value) {
  if (value != 0) fhx__json_member_integer(writer, key, value);
}

static void write_notes(const fhx__buffer *notes, fhx__json_writer *writer) {
  if (notes->len == 0) return;
  fhx__json_key(writer, "notes");
  fhx__json_open_array(writer);
  for (size_t at = 0; at < notes->len; at += strlen(notes->data + at) + 1) {
    fhx__json_text(writer, notes->data + at);
  }
  fhx__json_close_array(writer);
}

int32_t fhx__check_ig_version(uint32_t ig_version, fhx_error **error) {
  if (ig_version == 0 || ig_version == FHX_IG_STU3 || ig_version == FHX_IG_STU4_BALLOT) {
    return FHX_OK;
  }
  return fhx__fail(error, FHX_ERR_ARGUMENT, "ig_version is not one of FHX_IG_...");
}

int32_t fhx__definition_write(const fhx__definition *definition, fhx__buffer *json,
                              fhx_error **error) {
  fhx__json_writer writer;
  fhx__json_begin(&writer, json);
  fhx__json_open_object(&writer);
  fhx__json_member_integer(
      &writer, "version",
      definition->client_url == NULL ? DEFINITION_VERSION : CLIENT_DESTINATION_VERSION);
  fhx__json_member_integer(&writer, "flags", definition->flags);
  fhx__json_member_integer(&writer, "attemptsMax", definition->attempts_max);
  fhx__json_member_integer(&writer, "shardsMax", definition->shards_max);
  fhx__json_member_integer(&writer, "depthMax", definition->depth_max);
  fhx__json_member_integer(&writer, "partBytes", definition->part_bytes);
  fhx__json_member_integer(&writer, "partCount", definition->part_count);
  fhx__json_member_integer(&writer, "resourceBytesMax", definition->resource_bytes_max);
  fhx__json_member_integer(&writer, "groupDepthMax", definition->group_depth_max);
  fhx__json_member_integer(&writer, "groupMembersMax", definition->group_members_max);
  write_number(&writer, "partBytesMin", definition->part_bytes_min);
  write_number(&writer, "badRowsLimit", definition->bad_rows_limit);
  write_number(&writer, "badRowsPermilleLimit", definition->bad_rows_permille_limit);
  write_number(&writer, "provenance", definition->provenance);
  if (definition->ig_version > FHX_IG_STU3) {
    fhx__json_member_integer(&writer, "igVersion", definition->ig_version);
  }
  write_flag(&writer, "byPatient", definition->by_patient);
  write_flag(&writer, "resourceHook", definition->has_resource_hook);
  write_flag(&writer, "attachmentHook", definition->has_attachment_hook);
  write_flag(&writer, "pages", definition->has_pages);
  write_flag(&writer, "separateStatus", definition->has_separate_status);
  if (*definition->associated_types != '\0') {
    fhx__json_member_text(&writer, "associatedTypes", definition->associated_types);
  }
  if (definition->client_url != NULL) {
    fhx__json_member_text(&writer, "clientUrl", definition->client_url);
  }
  write_notes(&definition->notes, &writer);
  fhx__filter_write(definition->filter, &writer);
  fhx__json_close_object(&writer);
  int32_t status = fhx__json_end(&writer);
  if (status == FHX_OK) status = fhx__buffer_terminate(json);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status != FHX_OK) {
    return fhx__fail(error, status, "the job's definition could not be written as JSON");
  }
  if (json->len > FHX__JSON_INPUT_MAX) {
    return fhx__fail(error, FHX_ERR_LIMIT,
                     "the job's definition is longer than 16 MiB: it names too many patients");
  }
  return FHX_OK;
}

static uint32_t read_u32(const fhx__json_node *root, const char *key) {
  uint64_t value = fhx__json_member_number(root, key, 0);
  return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* Only true ones are written. */
static bool read_flag(const fhx__json_node *root, const char *key) {
  return fhx__json_member(root, key) != NULL;
}

static int32_t read_notes(const fhx__json_node *list, fhx__buffer *notes, fhx_error **error) {
  if (list == NULL) return FHX_OK;
  for (const fhx__json_node *note = list->first; note != NULL; note = note->next) {
    if (note->kind != FHX__JSON_STRING) {
      return fhx__fail(error, FHX_ERR_STORE, "the job's recorded notes are not texts");
    }
    if (fhx__buffer_append(notes, note->text, strlen(note->text) + 1) != FHX_OK) {
      return fhx__no_memory(error);
    }
  }
  return FHX_OK;
}

/* Of the second version the URL, of the first there is none. */
static int32_t read_version(const fhx__json_node *root, fhx__definition *definition,
                            fhx_error **error) {
  uint64_t version = fhx__json_member_number(root, "version", 0);
  const char *client_url = fhx__json_member_string(root, "clientUrl", NULL);
  if (version == DEFINITION_VERSION && client_url == NULL) return FHX_OK;
  if (version != CLIENT_DESTINATION_VERSION || client_url == NULL) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the job was recorded by another version of the library, in a form that this "
                     "one does not know");
  }
  definition->client_url = fhx__copy_text(client_url);
  return definition->client_url == NULL ? fhx__no_memory(error) : FHX_OK;
}

/* Only one that is not the first is written. */
static int32_t read_ig_version(const fhx__json_node *root, fhx__definition *definition,
                               fhx_error **error) {
  definition->ig_version = read_u32(root, "igVersion");
  if (definition->ig_version == 0) definition->ig_version = FHX_IG_STU3;
  if (fhx__check_ig_version(definition->ig_version, NULL) == FHX_OK) return FHX_OK;
  return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                   "the job goes by a version of the Bulk Data IG that this version of the library "
                   "does not know");
}

static int32_t read_members(const fhx__json_node *root, fhx__definition *definition,
                            fhx_error **error) {
  int32_t status = read_version(root, definition, error);
  if (status == FHX_OK) status = read_ig_version(root, definition, error);
  if (status != FHX_OK) return status;
  definition->flags = read_u32(root, "flags");
  definition->attempts_max = read_u32(root, "attemptsMax");
  definition->shards_max = read_u32(root, "shardsMax");
  definition->depth_max = read_u32(root, "depthMax");
  definition->part_bytes = fhx__json_member_number(root, "partBytes", 0);
  definition->part_count = fhx__json_member_number(root, "partCount", 0);
  definition->resource_bytes_max = fhx__json_member_number(root, "resourceBytesMax", 0);
  definition->group_depth_max = read_u32(root, "groupDepthMax");
  definition->group_members_max = fhx__json_member_number(root, "groupMembersMax", 0);
  if (definition->attempts_max == 0 || definition->shards_max == 0 || definition->depth_max == 0 ||
      definition->depth_max > FHX__DEPTH_MAX || definition->part_bytes == 0 ||
      definition->resource_bytes_max == 0 || definition->group_depth_max == 0 ||
      definition->group_members_max == 0) {
    return fhx__fail(error, FHX_ERR_STORE, "the job's recorded definition lacks a limit");
  }
  definition->part_bytes_min = fhx__json_member_number(root, "partBytesMin", 0);
  definition->bad_rows_limit = fhx__json_member_number(root, "badRowsLimit", 0);
  definition->bad_rows_permille_limit = read_u32(root, "badRowsPermilleLimit");
  definition->provenance = read_u32(root, "provenance");
  definition->by_patient = read_flag(root, "byPatient");
  definition->has_resource_hook = read_flag(root, "resourceHook");
  definition->has_attachment_hook = read_flag(root, "attachmentHook");
  definition->has_pages = read_flag(root, "pages");
  definition->has_separate_status = read_flag(root, "separateStatus");
  definition->associated_types =
      fhx__copy_text(fhx__json_member_string(root, "associatedTypes", ""));
  if (definition->associated_types == NULL) return fhx__no_memory(error);
  status = read_notes(fhx__json_member(root, "notes"), &definition->notes, error);
  return status == FHX_OK ? fhx__filter_read(root, &definition->filter, error) : status;
}

int32_t fhx__definition_read(const char *json, fhx__definition *definition, fhx_error **error) {
  fhx__json_node *root = NULL;
  memset(definition, 0, sizeof *definition);
  int32_t status = fhx__json_parse(json, strlen(json), &root, error);
  if (status != FHX_OK) return status;
  status = read_members(root, definition, error);
  fhx__json_free(root);
  return status;
}

void fhx__definition_free(fhx__definition *definition) {
  fhx_filter_free(definition->filter);
  definition->filter = NULL;
  fhx__free(definition->associated_types);
  definition->associated_types = NULL;
  fhx__free(definition->client_url);
  definition->client_url = NULL;
  fhx__buffer_free(&definition->notes);
}

void fhx__job_part_name(const fhx_job *job, const char *label, uint32_t shard_index, uint64_t fence,
                        uint64_t seq, char name[FHX__PART_NAME_MAX + 1]) {
  const char *tenant = job->record->tenant;
  const char *suffix = (job->definition.flags & FHX_JOB_GZIP) != 0 ? ".gz" : "";
  /* Numbers of parts count on through all attempts of a task, so that they differ all the same. */
  if (job->attempt != 0) fence = job->attempt;
  snprintf(name, FHX__PART_NAME_MAX + 1, "%s%s%s/%s-%u-%llu-%llu.ndjson%s", tenant,
           *tenant == '\0' ? "" : "/", job->record->job_id, label, job->piece + shard_index,
           (unsigned long long)fence, (unsigned long long)seq, suffix);
}

const char *fhx__job_label(const fhx_job *job, uint32_t phase, const char *resource_type) {
  switch (phase) {
    case FHX_PHASE_PLAN:
      return NULL;
    case FHX_PHASE_MAIN:
      return job->definition.by_patient ? FHX__PATIENTS_LABEL : resource_type;
    case FHX_PHASE_DELETED:
      return FHX__DELETED_LABEL;
    case FHX_PHASE_FINISH:
      return FHX__ERROR_LABEL;
    default:
      return resource_type;
  }
}
