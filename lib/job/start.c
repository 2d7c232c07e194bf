/* How a job object comes to be: started anew, or attached to a record. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/condition.h"
#include "core/error.h"
#include "core/host_clock.h"
#include "core/structs.h"
#include "job/identity.h"
#include "job/job.h"
#include "job/provenance.h"
#include "job/run.h"
#include "job/steps.h"
#include "select/filter.h"
#include "select/group.h"
#include "writer/part_writer.h"

#define LEASE_DEFAULT_US INT64_C(120000000)
#define SETTLE_DEFAULT_US INT64_C(1000000)
#define STALL_DEFAULT_US INT64_C(900000000)
#define STORE_PATIENCE_US INT64_C(350000)
#define TIME_MAX_US INT64_C(31536000000000)
#define ATTEMPTS_DEFAULT 5
#define SHARDS_DEFAULT 16
#define WORKER_BYTES_DEFAULT (UINT64_C(32) << 20)
#define WORKER_BYTES_MIN (UINT64_C(8) << 20)
#define HELPERS_MAX 1024
/* So that the tasks of all types are fewer than a page's cookie can tell apart. */
#define SHARDS_MAX 10000
#define CLIENT_MAX 1024
#define PERMILLE 1000
#define PIECE_MAX 1000000000u
#define GROUP_DEPTH_DEFAULT 10
#define GROUP_MEMBERS_DEFAULT UINT64_C(50000000)
#define FLAGS (FHX_JOB_SHA256 | FHX_JOB_NEW_MEMBERS | FHX_JOB_GZIP | FHX_JOB_TRUST_SOURCE)

FHX__DEFINE_INIT(fhx_job_options)

/* --- the object --- */

fhx_job *fhx__job_ref(fhx_job *job) {
  atomic_fetch_add(&job->references, 1);
  return job;
}

void fhx__job_unref(fhx_job *job) {
  if (atomic_fetch_sub(&job->references, 1) != 1) return;
  fhx__roster_free(job->members);
  fhx__roster_free(job->new_members);
  fhx__definition_free(&job->definition);
  fhx__job_entry_free(&job->entry);
  fhx_source_free(job->source);
  fhx_destination_free(job->destination);
  fhx_store_free(job->store);
  pthread_cond_destroy(&job->changed);
  pthread_mutex_destroy(&job->mutex);
  fhx__free(job);
}

static int32_t allocate(fhx_job **made, fhx_error **error) {
  fhx_job *job = fhx__alloc_zeroed(1, sizeof *job);
  if (job == NULL) return fhx__no_memory(error);
  if (pthread_mutex_init(&job->mutex, NULL) != 0) {
    fhx__free(job);
    return fhx__no_memory(error);
  }
  if (fhx__condition_init(&job->changed) != 0) {
    pthread_mutex_destroy(&job->mutex);
    fhx__free(job);
    return fhx__no_memory(error);
  }
  atomic_store(&job->references, 1);
  job->record = &job->entry.record;
  *made = job;
  return FHX_OK;
}

/* A piece of an export that another engine divides. */
static int32_t check_piece(const fhx_job_options *options, fhx_error **error) {
  if (options->export_id == NULL) {
    if (options->attempt == 0 && options->piece == 0) return FHX_OK;
    return fhx__fail(error, FHX_ERR_ARGUMENT, "attempt and piece are for jobs with an export_id");
  }
  if (strlen(options->export_id) != FHX__JOB_ID_LEN || !fhx__is_job_id(options->export_id)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "export_id is not 32 lower-case hexadecimal digits");
  }
  if (options->attempt == 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "an export_id needs the number of the attempt");
  }
  if (options->piece > PIECE_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "piece is over %u", PIECE_MAX);
  }
  if (options->store == NULL) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "a piece of an export has no store: the engine that divides it records it");
}

/* What is stored with the job for the host. */
static int32_t check_host_values(const fhx_job_options *options, fhx_error **error) {
  if (options->tenant != NULL && *options->tenant != '\0' && !fhx__is_tenant(options->tenant)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "tenant is not made of letters, digits, `-`, `_` and `.`, or is too long");
  }
  if (options->client != NULL && strlen(options->client) > CLIENT_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "client is longer than %d bytes", CLIENT_MAX);
  }
  if (options->host_context_len > FHX_OPAQUE_MAX ||
      (options->host_context == NULL && options->host_context_len != 0)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "host_context is NULL or longer than %d bytes",
                     FHX_OPAQUE_MAX);
  }
  return check_piece(options, error);
}

static int32_t check_associated_types(const char *types, fhx_error **error) {
  if (types == NULL || *types == '\0') return FHX_OK;
  for (const char *at = types;; at++) {
    size_t len = strcspn(at, ",");
    if (!fhx__is_type_name(at, len)) {
      return fhx__fail(error, FHX_ERR_ARGUMENT,
                       "associated_types is not a list of type names with commas between");
    }
    at += len;
    if (*at == '\0') return FHX_OK;
  }
}

static int32_t check_output(const fhx_job_options *options, fhx_error **error) {
  uint64_t part_bytes = options->part_bytes == 0 ? FHX__PART_BYTES_DEFAULT : options->part_bytes;
  if (options->part_bytes_min > part_bytes) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "part_bytes_min is over part_bytes");
  }
  if (options->bad_rows_permille_limit > PERMILLE) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "bad_rows_permille_limit is over %d", PERMILLE);
  }
  if (options->provenance > FHX_PROVENANCE_LATEST) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "provenance is not one of FHX_PROVENANCE_...");
  }
  if (options->organize_by != NULL && strcmp(options->organize_by, "Patient") != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "organize_by is neither NULL nor \"Patient\"");
  }
  if (options->organize_by != NULL && options->provenance != FHX_PROVENANCE_DEFAULT) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "organize_by does not go together with provenance: blocks have what is in a "
                     "compartment");
  }
  return fhx__check_ig_version(options->ig_version, error);
}

int32_t fhx__job_check_options(const fhx_job_options *options, fhx_error **error) {
  if (options->source == NULL || options->destination == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a job needs a source and a destination");
  }
  if ((options->flags & ~FLAGS) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "flags holds a bit that is not FHX_JOB_...");
  }
  if (options->lease_us < 0 || options->stall_us < 0 || options->settle_us < -1) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "lease_us and stall_us must not be negative, nor settle_us below -1");
  }
  if (options->lease_us > TIME_MAX_US || options->settle_us > TIME_MAX_US) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "lease_us or settle_us is longer than a year");
  }
  if (options->depth_max > FHX__DEPTH_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "depth_max is over %d", FHX__DEPTH_MAX);
  }
  if (options->shards_max > SHARDS_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "shards_max is over %d", SHARDS_MAX);
  }
  if (options->worker_bytes != 0 && options->worker_bytes < WORKER_BYTES_MIN) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "worker_bytes is under 8 MiB");
  }
  if (options->helpers > HELPERS_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "helpers is over %d", HELPERS_MAX);
  }
  int32_t status = check_output(options, error);
  if (status == FHX_OK) status = check_associated_types(options->associated_types, error);
  return status == FHX_OK ? check_host_values(options, error) : status;
}

static int32_t use_options(fhx_job *job, const fhx_job_options *options, fhx_error **error) {
  int32_t status = fhx__host_clock_read(&job->clock, options->clock, error);
  if (status != FHX_OK) return status;
  job->source = fhx__source_ref(options->source);
  job->destination = fhx__destination_ref(options->destination);
  job->lease_us = options->lease_us == 0 ? LEASE_DEFAULT_US : options->lease_us;
  job->stall_us = options->stall_us == 0 ? STALL_DEFAULT_US : options->stall_us;
  job->resource_hook = options->resource_hook;
  job->attachment_hook = options->attachment_hook;
  job->hook_data = options->hook_data;
  job->settle_us = options->settle_us == 0 ? SETTLE_DEFAULT_US : options->settle_us;
  job->worker_bytes = options->worker_bytes == 0 ? WORKER_BYTES_DEFAULT : options->worker_bytes;
  job->helpers = options->helpers;
  job->attempt = options->attempt;
  job->piece = options->piece;
  if (options->store != NULL) {
    job->store = fhx__store_ref(options->store);
    return FHX_OK;
  }
  fhx_sqlite_store_options memory;
  FHX_INIT(&memory);
  memory.path = ":memory:";
  memory.clock = job->clock.now;
  memory.clock_user_data = job->clock.user_data;
  return fhx_sqlite_store_new(&memory, &job->store, error);
}

/* --- which types --- */

static bool listed(const fhx_reply *reply, const char *type) {
  size_t wanted = strlen(type);
  for (size_t i = 0; i < fhx__reply_item_count(reply); i++) {
    size_t len = 0;
    const char *item = fhx__reply_item_at(reply, i, &len);
    if (len == wanted && memcmp(item, type, len) == 0) return true;
  }
  return false;
}

static int32_t add_listed_types(fhx_filter *filter, const fhx_reply *reply, fhx_error **error) {
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < fhx__reply_item_count(reply); i++) {
    char type[FHX__TYPE_MAX + 1];
    size_t len = 0;
    const char *item = fhx__reply_item_at(reply, i, &len);
    if (!fhx__is_type_name(item, len)) {
      return fhx__fail(error, FHX_ERR_SOURCE,
                       "the source's list_types gave what is not the name of a FHIR type");
    }
    memcpy(type, item, len);
    type[len] = '\0';
    status = fhx_filter_add_type(filter, type, error);
  }
  return status;
}

static int32_t note_absent(fhx__buffer *notes, const char *type, fhx_error **error) {
  static const char rest[] = " is not a resource type of this server; it was ignored";
  int32_t status = fhx__buffer_append_text(notes, type);
  if (status == FHX_OK) status = fhx__buffer_append(notes, rest, sizeof rest);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* The types of the filter must be among those of the source, or go. */
static int32_t match_types(fhx__definition *definition, const fhx_reply *reply,
                           fhx__absent_types absent, fhx_error **error) {
  fhx_filter *filter = definition->filter;
  size_t kept = 0;
  /* What would be left is a filter for all types. */
  for (size_t i = 0; i < filter->type_count; i++) kept += listed(reply, filter->types[i]) ? 1 : 0;
  if (kept == 0 && absent == FHX__ABSENT_NOTED) absent = FHX__ABSENT_REFUSED;
  kept = 0;
  for (size_t i = 0; i < filter->type_count; i++) {
    char *type = filter->types[i];
    if (listed(reply, type)) {
      /* Exchanged, so that the filter stays whole on every way out. */
      filter->types[i] = filter->types[kept];
      filter->types[kept++] = type;
    } else if (absent == FHX__ABSENT_REFUSED) {
      return fhx__fail(error, FHX_ERR_UNSUPPORTED, "_type: the source has no %s", type);
    } else if (absent == FHX__ABSENT_NOTED) {
      int32_t status = note_absent(&definition->notes, type, error);
      if (status != FHX_OK) return status;
    }
  }
  for (size_t i = kept; i < filter->type_count; i++) fhx__free(filter->types[i]);
  filter->type_count = kept;
  return FHX_OK;
}

/* Provenances that come with what is exported need not be named. But where the types are those that
   a client is permitted to have, they are a bound (FILTER-23). */
static int32_t add_provenance(fhx__definition *definition, fhx__absent_types absent,
                              fhx_error **error) {
  if (definition->provenance == FHX_PROVENANCE_DEFAULT || absent == FHX__ABSENT_DROPPED) {
    return FHX_OK;
  }
  return fhx_filter_add_type(definition->filter, FHX__PROVENANCE, error);
}

/* The source's types where none are named; else each named one must be among them. */
static int32_t settle_types(fhx_job *job, fhx__absent_types absent, fhx_error **error) {
  fhx_filter *filter = job->definition.filter;
  fhx_reply reply;
  int32_t status = fhx__source_list_types(job->source, &reply, error);
  if (status == FHX_ERR_UNSUPPORTED) {
    fhx__reply_end(&reply);
    fhx__clear_error(error);
    if (filter->type_count != 0) return add_provenance(&job->definition, absent, error);
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the export names no type and the source cannot list its types");
  }
  if (status == FHX_OK && filter->type_count == 0) {
    status = add_listed_types(filter, &reply, error);
  } else if (status == FHX_OK) {
    status = match_types(&job->definition, &reply, absent, error);
    if (status == FHX_OK && listed(&reply, FHX__PROVENANCE)) {
      status = add_provenance(&job->definition, absent, error);
    }
  }
  fhx__reply_end(&reply);
  return status;
}

static bool is_limited(const fhx_filter *filter) {
  return filter->group_id != NULL || filter->all_patients || filter->patient_count != 0;
}

/* Of the associated types those that the filter has; an export of everything has them anyway, and
   one that is organised by patients has no block for them. Provenances come by what they are about,
   never because something refers to them: nothing could tell which had come already. */
static int32_t settle_associated(const char *given, fhx__definition *definition,
                                 fhx_error **error) {
  const fhx_filter *filter = definition->filter;
  fhx__buffer list = {NULL, 0, 0};
  int32_t status = FHX_OK;
  bool any = given != NULL && is_limited(filter) && !definition->by_patient;
  for (size_t i = 0; any && status == FHX_OK && i < filter->type_count; i++) {
    if (!fhx__list_has(given, filter->types[i]) || strcmp(filter->types[i], FHX__PROVENANCE) == 0) {
      continue;
    }
    if (list.len != 0) status = fhx__buffer_append_text(&list, ",");
    if (status == FHX_OK) status = fhx__buffer_append_text(&list, filter->types[i]);
  }
  if (status == FHX_OK) status = fhx__buffer_terminate(&list);
  if (status != FHX_OK) {
    fhx__buffer_free(&list);
    return fhx__no_memory(error);
  }
  definition->associated_types = list.data;
  return FHX_OK;
}

/* Other members are exported as themselves (FILTER-37), but not with a list of patients. */
static bool may_be_member(const fhx_filter *filter, const char *type) {
  return filter->group_id != NULL && filter->patient_count == 0 &&
         fhx__group_may_have(filter->fhir_version, type);
}

/* Provenances that come with other resources only. */
static bool gives_nothing_itself(const fhx__definition *definition, const char *type) {
  return definition->provenance != FHX_PROVENANCE_DEFAULT && strcmp(type, FHX__PROVENANCE) == 0;
}

/* Types were named, and none of them has anything to give (PARAM-11). */
static int32_t check_level(const fhx__definition *definition, fhx_error **error) {
  const fhx_filter *filter = definition->filter;
  bool by_patient = definition->by_patient;
  if (!is_limited(filter) && !by_patient) return FHX_OK;
  if (*definition->associated_types != '\0') return FHX_OK;
  for (size_t i = 0; i < filter->type_count; i++) {
    const char *type = filter->types[i];
    if (gives_nothing_itself(definition, type)) continue;
    if (fhx__is_of_patients(filter, type)) return FHX_OK;
    if (!by_patient && may_be_member(filter, type)) return FHX_OK;
  }
  return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                   "_type: none of the types is in the Patient compartment");
}

static void set_limits(const fhx_job_options *options, fhx__definition *definition) {
  definition->flags = options->flags;
  definition->attempts_max = options->attempts_max == 0 ? ATTEMPTS_DEFAULT : options->attempts_max;
  definition->shards_max = options->shards_max == 0 ? SHARDS_DEFAULT : options->shards_max;
  definition->depth_max = options->depth_max == 0 ? FHX__DEPTH_DEFAULT : options->depth_max;
  definition->part_bytes = options->part_bytes == 0 ? FHX__PART_BYTES_DEFAULT : options->part_bytes;
  definition->part_count = options->part_count;
  definition->resource_bytes_max =
      options->resource_bytes_max == 0 ? FHX__RESOURCE_BYTES_DEFAULT : options->resource_bytes_max;
  definition->group_depth_max =
      options->group_depth_max == 0 ? GROUP_DEPTH_DEFAULT : options->group_depth_max;
  definition->group_members_max =
      options->group_members_max == 0 ? GROUP_MEMBERS_DEFAULT : options->group_members_max;
  definition->part_bytes_min = options->part_bytes_min;
  definition->bad_rows_limit = options->bad_rows_limit;
  definition->bad_rows_permille_limit = options->bad_rows_permille_limit;
  if (options->export_id == NULL) return;
  /* Who divides the export tries again, under names of that attempt. */
  definition->attempts_max = 1;
  definition->shards_max = 1;
}

/* Some of what can be asked for takes a source that can do more. */
static int32_t check_source(const fhx_job *job, fhx_error **error) {
  const fhx__definition *definition = &job->definition;
  if (definition->provenance != FHX_PROVENANCE_DEFAULT &&
      !fhx__source_reads_resources(job->source)) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "includeAssociatedData: Provenance by what it is about needs a source that "
                     "can read a single resource");
  }
  if (definition->by_patient && !fhx__source_knows_patients(job->source)) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "organizeOutputBy: the source has no open_patient");
  }
  return FHX_OK;
}

static int32_t define(fhx_job *job, const fhx_job_options *options, fhx__absent_types absent,
                      fhx_error **error) {
  fhx__definition *definition = &job->definition;
  bool named = options->filter != NULL && options->filter->type_count != 0;
  set_limits(options, definition);
  definition->provenance = options->provenance;
  definition->ig_version = options->ig_version == 0 ? FHX_IG_STU3 : options->ig_version;
  definition->by_patient = options->organize_by != NULL;
  definition->has_resource_hook = options->resource_hook != NULL;
  definition->has_attachment_hook = options->attachment_hook != NULL;
  int32_t status = check_source(job, error);
  if (status == FHX_OK) status = fhx__filter_copy(options->filter, &definition->filter, error);
  if (status == FHX_OK) status = settle_types(job, absent, error);
  if (status == FHX_OK) status = settle_associated(options->associated_types, definition, error);
  if (status != FHX_OK || !named || absent != FHX__ABSENT_REFUSED) return status;
  return check_level(definition, error);
}

/* --- starting and attaching --- */

static const char *text_or(const char *text, const char *fallback) {
  return text == NULL ? fallback : text;
}

/* Stores the job and reads it back. Nobody will know the id of a job whose start has failed: it
   must not stay in the store. FHX_END: another one was joined. */
static int32_t store_job(fhx_job *job, const fhx_job_record *record, int64_t until_us, char *joined,
                         fhx_error **error) {
  int32_t status = fhx__step_create(job->store, record, until_us, joined, error);
  if (status == FHX_OK && *joined != '\0') return FHX_END;
  bool is_there = status != FHX_ERR_LIMIT && (status == FHX_OK || !fhx__step_is_definite(status));
  if (status == FHX_OK) {
    status = fhx__step_read_job(job->store, record->job_id, until_us, &job->entry, error);
  }
  if (status != FHX_OK && is_there) fhx__step_forget(job->store, record->job_id, until_us);
  return status;
}

/* What the source has taken is not the store's fault: its patience has a least length. */
static int64_t store_until_us(const fhx__job_extras *extras) {
  int64_t least_us = fhx__clock_monotonic_us() + STORE_PATIENCE_US;
  if (extras->until_us == 0) return 0;
  return extras->until_us > least_us ? extras->until_us : least_us;
}

static int32_t create(fhx_job *job, const fhx_job_options *options, const fhx__job_extras *extras,
                      fhx_error **error) {
  char job_id[FHX__JOB_ID_LEN + 1], joined[FHX__JOB_ID_LEN + 1] = "";
  uint8_t identity[FHX__SHA256_LEN];
  fhx__buffer definition = {NULL, 0, 0};
  fhx_job_record record;
  FHX_INIT(&record);
  int64_t now_us = 0;
  int32_t status =
      fhx__source_clock(job->source, &job->clock, &now_us, &record.resolution_us, error);
  if (status == FHX_OK && extras->job_id == NULL) status = fhx__random_job_id(job_id, error);
  if (status == FHX_OK) status = fhx__definition_write(&job->definition, &definition, error);
  if (status == FHX_OK && extras->join_base_url != NULL) {
    status = fhx__job_identity(&job->definition, extras->join_base_url, options->host_context,
                               options->host_context_len, identity, error);
    record.identity = identity;
  }
  if (status == FHX_OK) {
    record.state = FHX_JOB_RUNNING;
    record.job_id = extras->job_id == NULL ? job_id : extras->job_id;
    if (options->export_id != NULL) record.job_id = options->export_id;
    record.tenant = text_or(options->tenant, "");
    record.client = text_or(options->client, "");
    record.request = text_or(options->request, "$export");
    record.definition = definition.data;
    record.host_context = options->host_context;
    record.host_context_len = options->host_context_len;
    record.reason = "";
    record.jobs_max = extras->jobs_max;
    record.jobs_per_client_max = extras->jobs_per_client_max;
    record.hold_us = extras->hold_us;
    record.parameters = text_or(extras->parameters, "");
    record.transaction_time_us = fhx__instant_floor(now_us, record.resolution_us);
    status = fhx__roster_check(job, &record, extras->until_us != 0, extras->refusal, error);
  }
  if (status == FHX_OK) {
    status = store_job(job, &record, store_until_us(extras), joined, error);
  }
  if (status == FHX_END) memcpy(extras->joined, joined, sizeof joined);
  fhx__buffer_free(&definition);
  return status;
}

static int32_t begin(const fhx_job_options *given, fhx_job_options *options, fhx_job **job,
                     fhx_error **error) {
  int32_t status = fhx__struct_in(options, sizeof *options, given, "fhx_job_options", error);
  if (status == FHX_OK) status = fhx__job_check_options(options, error);
  if (status == FHX_OK) status = allocate(job, error);
  if (status != FHX_OK) return status;
  status = use_options(*job, options, error);
  if (status != FHX_OK) fhx__job_unref(*job);
  return status;
}

int32_t fhx_job_start(const fhx_job_options *given, fhx_job **made, fhx_error **error) {
  const fhx__job_extras none = {.absent_types = FHX__ABSENT_REFUSED};
  if (made == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place for the job");
  return fhx__job_start(given, &none, made, error);
}

int32_t fhx__job_start(const fhx_job_options *given, const fhx__job_extras *extras, fhx_job **made,
                       fhx_error **error) {
  fhx_job_options options;
  fhx_job *job = NULL;
  int32_t status = begin(given, &options, &job, error);
  if (status != FHX_OK) return status;
  status = define(job, &options, extras->absent_types, error);
  job->definition.has_pages = extras->has_pages;
  job->definition.has_separate_status = extras->has_separate_status;
  if (status == FHX_OK && extras->client_url != NULL) {
    job->definition.client_url = fhx__copy_text(extras->client_url);
    if (job->definition.client_url == NULL) status = fhx__no_memory(error);
  }
  if (status == FHX_OK && extras->notes_len != 0 &&
      fhx__buffer_append(&job->definition.notes, extras->notes, extras->notes_len) != FHX_OK) {
    status = fhx__no_memory(error);
  }
  if (status == FHX_OK) status = create(job, &options, extras, error);
  if (status != FHX_OK) {
    fhx__job_unref(job);
    return status;
  }
  *made = job;
  return FHX_OK;
}

/* What was to be left out or changed must not go out as it is because a host forgot its hook. */
static int32_t check_hooks(const fhx_job *job, fhx_error **error) {
  if ((job->definition.has_resource_hook && job->resource_hook == NULL) ||
      (job->definition.has_attachment_hook && job->attachment_hook == NULL)) {
    return fhx__fail(error, FHX_ERR_MISUSE,
                     "this job was started with a hook on its resources: it needs one here too");
  }
  return FHX_OK;
}

static int32_t load(fhx_job *job, const char *job_id, int64_t until_us, fhx_error **error) {
  int32_t status = fhx__step_read_job(job->store, job_id, until_us, &job->entry, error);
  if (status != FHX_OK) return status;
  /* What is left to do for a cancelled job is to remove its files. */
  if (job->record->state == FHX_JOB_REMOVING) {
    /* By their names: a definition that nobody can read any more must not keep them here. */
    atomic_store(&job->cancelled, true);
    if (fhx__definition_read(job->record->definition, &job->definition, NULL) != FHX_OK) {
      fhx__definition_free(&job->definition);
      job->definition.flags = 0;
    }
    return FHX_OK;
  }
  int32_t read = fhx__definition_read(job->record->definition, &job->definition, error);
  return read == FHX_OK ? check_hooks(job, error) : read;
}

/* The server's own destination is none for what a client has named another for. */
static void leave_unequipped(fhx_job *job) {
  if (job->definition.client_url == NULL) return;
  fhx_destination_free(job->destination);
  job->destination = NULL;
}

void fhx__job_equip(fhx_job *job, fhx_destination *destination) {
  pthread_mutex_lock(&job->mutex);
  if (job->destination == NULL) job->destination = fhx__destination_ref(destination);
  pthread_mutex_unlock(&job->mutex);
}

bool fhx__job_was_complete(const fhx_job *job) {
  const fhx_job_record *record = job->record;
  return record->state == FHX_JOB_REMOVING && record->task_count != 0 &&
         record->task_done_count == record->task_count;
}

int32_t fhx_job_attach(const fhx_job_options *given, const char *job_id, fhx_job **made,
                       fhx_error **error) {
  fhx_job *job = NULL;
  if (made == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place for the job");
  int32_t status = fhx__job_attach(given, job_id, 0, &job, error);
  if (status != FHX_OK) return status;
  if (job->destination == NULL) {
    fhx__job_unref(job);
    return fhx__fail(error, FHX_ERR_MISUSE,
                     "the job goes to a destination that its client has named: only an engine can "
                     "go on with it");
  }
  *made = job;
  return FHX_OK;
}

int32_t fhx__job_attach(const fhx_job_options *given, const char *job_id, int64_t until_us,
                        fhx_job **made, fhx_error **error) {
  fhx_job_options options;
  fhx_job *job = NULL;
  if (made == NULL || job_id == NULL || strlen(job_id) != FHX__JOB_ID_LEN ||
      !fhx__is_job_id(job_id)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a job's id has 32 hexadecimal digits");
  }
  int32_t status = begin(given, &options, &job, error);
  if (status != FHX_OK) return status;
  status = options.store == NULL
               ? fhx__fail(error, FHX_ERR_ARGUMENT, "fhx_job_attach needs the job's store")
               : load(job, job_id, until_us, error);
  if (status != FHX_OK) {
    fhx__job_unref(job);
    return status;
  }
  leave_unequipped(job);
  *made = job;
  return FHX_OK;
}

const char *fhx_job_id(const fhx_job *job) {
  return job == NULL ? "" : job->record->job_id;
}

void fhx_job_free(fhx_job *job) {
  if (job == NULL) return;
  fhx_job_park(job);
  fhx__job_unref(job);
}
