/*
 * The CapabilityStatement of `/metadata` (CAP-01 to CAP-06, CAP-10), for hosts that have none of
 * their own. It claims what the engine serves and nothing else, so no interaction of REST; the
 * search parameters are those of `_typeFilter`. Which parameters there are it does not know by
 * heart: it asks what reads kick-offs, and queries.
 */
#include <fhirexport/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/instant.h"
#include "core/json.h"
#include "protocol/response.h"
#include "protocol/service.h"
#include "request/span.h"
#include "request/types.h"
#include "select/search.h"
#include "writer/part_writer.h"

#define BULK_DATA "http://hl7.org/fhir/uv/bulkdata/"
#define RETRY_SECONDS 5
#define SECOND_US INT64_C(1000000)
#define LINE_MAX 600
#define CANONICAL_MAX 160

/* --- the types --- */

typedef struct type_name {
  char text[FHX__TYPE_MAX + 1];
} type_name;

/* Sorted, without doubles. */
typedef struct type_list {
  type_name *names;
  size_t count;
} type_list;

static int compare_names(const void *a, const void *b) {
  return strcmp(((const type_name *)a)->text, ((const type_name *)b)->text);
}

static void sort_types(type_list *types) {
  size_t kept = 1;
  qsort(types->names, types->count, sizeof *types->names, compare_names);
  for (size_t i = 1; i < types->count; i++) {
    if (compare_names(&types->names[i], &types->names[kept - 1]) != 0) {
      types->names[kept++] = types->names[i];
    }
  }
  types->count = kept;
}

/* What FHIR's version does not have must not stand in a statement of that version: its readers
   would refuse it as a whole. */
static int32_t take_types(const fhx__call *call, const fhx_reply *reply, type_list *types,
                          fhx_error **error) {
  const size_t listed = fhx__reply_item_count(reply);
  types->names = fhx__alloc_zeroed(listed + 2, sizeof *types->names);
  if (types->names == NULL) return fhx__no_memory(error);
  for (size_t i = 0; i < listed; i++) {
    type_name *name = &types->names[types->count];
    size_t len = 0;
    const char *item = fhx__reply_item_at(reply, i, &len);
    if (!fhx__is_type_name(item, len)) {
      return fhx__fail(error, FHX_ERR_SOURCE,
                       "the source's list_types gave what is not the name of a FHIR type");
    }
    memcpy(name->text, item, len);
    name->text[len] = '\0';
    if (fhx__is_resource_type(call->service->rules.fhir_version, name->text)) types->count++;
  }
  /* The two that have operations, whether the source lists them or not. */
  memcpy(types->names[types->count++].text, "Group", sizeof "Group");
  memcpy(types->names[types->count++].text, "Patient", sizeof "Patient");
  sort_types(types);
  return FHX_OK;
}

static int32_t list_types(const fhx__call *call, type_list *types, fhx_error **error) {
  fhx_reply reply;
  int32_t status = fhx__source_list_types(call->service->job_options.source, &reply, error);
  if (status == FHX_ERR_UNSUPPORTED) {
    fhx__clear_error(error);
    status = FHX_OK;
  }
  if (status == FHX_OK) status = take_types(call, &reply, types, error);
  fhx__reply_end(&reply);
  return status;
}

/* --- the documentation --- */

/* A text that grows; the first failure stays. */
typedef struct prose {
  const fhx__call *call;
  fhx__buffer text;
  int32_t status;
} prose;

static void say_part(prose *to, const char *text, size_t len) {
  if (to->status == FHX_OK) to->status = fhx__buffer_append(&to->text, text, len);
}

static void say(prose *to, const char *sentence) {
  say_part(to, sentence, strlen(sentence));
}

static void say_number(prose *to, const char *before, uint64_t number, const char *behind) {
  char line[LINE_MAX];
  snprintf(line, sizeof line, "%s%llu%s", before, (unsigned long long)number, behind);
  say(to, line);
}

/* A parameter, with a value that is good if there is such a parameter, and what it does; by the
   ballot of STU4, where that differs: there a value comes alone. */
typedef struct parameter_text {
  fhx__export_level level;
  fhx__parameter parameter;
  const char *text;
  const char *ballot_text;
} parameter_text;

static const parameter_text parameters[] = {
    {FHX__LEVEL_SYSTEM,
     {"_outputFormat", "application/fhir+ndjson", FHX__VALUE_STRING},
     "application/fhir+ndjson, application/ndjson or ndjson.",
     NULL},
    {FHX__LEVEL_SYSTEM,
     {"_since", "2020-01-01T00:00:00Z", FHX__VALUE_STRING},
     "resources that were changed after this instant.",
     NULL},
    {FHX__LEVEL_SYSTEM,
     {"_until", "2020-01-01T00:00:00Z", FHX__VALUE_STRING},
     "resources that were changed before this instant.",
     NULL},
    {FHX__LEVEL_SYSTEM,
     {"_type", "Patient", FHX__VALUE_STRING},
     "types, with commas between or repeated; without it all types are exported.",
     "a type, repeated for several; without it all types are exported."},
    {FHX__LEVEL_SYSTEM,
     {"_elements", "id", FHX__VALUE_STRING},
     "root elements, as Type.element or element, with commas between or repeated: of the types "
     "that have them only these, those that are mandatory, id and meta, with the tag SUBSETTED.",
     "a root element, as Type.element or element, repeated for several: of the types that have "
     "them "
     "only these, those that are mandatory, id and meta, with the tag SUBSETTED."},
    {FHX__LEVEL_SYSTEM,
     {"_typeFilter", "Patient?", FHX__VALUE_STRING},
     "a query, as Type?parameter=value&..., repeated or with commas between, of the parameters "
     "that "
     "`searchParam` lists: of its type only what meets it, or another of that type.",
     "a query, as Type?parameter=value&..., repeated for several, of the parameters that "
     "`searchParam` lists: of its type only what meets it, or another of that type."},
    {FHX__LEVEL_PATIENT,
     {"patient", "Patient/1", FHX__VALUE_REFERENCE},
     "by POST, for Patient and Group exports: references to the patients that are meant.",
     NULL},
    {FHX__LEVEL_PATIENT,
     {"includeAssociatedData", "LatestProvenanceResources", FHX__VALUE_STRING},
     "LatestProvenanceResources, the newest Provenance of each resource that is exported.",
     NULL},
    {FHX__LEVEL_PATIENT,
     {"includeAssociatedData", "LatestProvenanceResources", FHX__VALUE_CODING},
     "as a Coding, LatestProvenanceResources, the newest Provenance of each resource that is "
     "exported.",
     NULL},
    {FHX__LEVEL_PATIENT,
     {"includeAssociatedData", "RelevantProvenanceResources", FHX__VALUE_STRING},
     "RelevantProvenanceResources, every Provenance of a resource that is exported.",
     NULL},
    {FHX__LEVEL_PATIENT,
     {"includeAssociatedData", "RelevantProvenanceResources", FHX__VALUE_CODING},
     "as a Coding, RelevantProvenanceResources, every Provenance of a resource that is exported.",
     NULL},
    {FHX__LEVEL_SYSTEM,
     {"_minimumFileSize", "1", FHX__VALUE_NUMBER},
     "how many bytes a file has at least, the last of a type apart; not more than the server's own "
     "limit.",
     NULL},
    {FHX__LEVEL_SYSTEM,
     {"_maximumFileSize", "18446744073709551615", FHX__VALUE_NUMBER},
     "how many bytes a file has at most, unless a single resource is longer; the server's own "
     "limit "
     "may be less.",
     NULL},
    {FHX__LEVEL_PATIENT,
     {"organizeOutputBy", "Patient", FHX__VALUE_STRING},
     "Patient: files hold blocks, each with a patient and what is in his compartment; what is in "
     "nobody's is left out.",
     NULL},
    {FHX__LEVEL_SYSTEM,
     {"allowPartialManifests", "true", FHX__VALUE_QUERY},
     "true: the manifest comes in pages, also while the export runs.",
     NULL},
};

static bool is_by_ballot(const fhx__call *call) {
  return call->ig_version == FHX_IG_STU4_BALLOT;
}

/* Whether a kick-off with this parameter would be taken. */
static bool is_taken(prose *to, const parameter_text *of) {
  fhx__problem problem;
  fhx__export_request request;
  const fhx__kick_off kick_off = {.level = of->level,
                                  .parameters = &of->parameter,
                                  .parameter_count = 1,
                                  .base_url = to->call->base_url,
                                  .by_ballot = is_by_ballot(to->call)};
  memset(&request, 0, sizeof request);
  int32_t status =
      fhx__export_request_read(&to->call->service->rules, &kick_off, &request, &problem);
  fhx__export_request_free(&request);
  if (status == FHX_ERR_NO_MEMORY && to->status == FHX_OK) to->status = status;
  return status == FHX_OK;
}

/* The values of the host's own, which are parted as associated_values.h has it. */
static void say_values(prose *to) {
  fhx__span rest = {to->call->service->rules.associated_values, 0}, value = {NULL, 0};
  rest.len = strlen(rest.text);
  if (rest.len == 0) return;
  while (fhx__span_next(&rest, ';', &value)) {
    const char *equals = memchr(value.text, '=', value.len);
    if (equals == NULL) continue;
    say(to, "- `includeAssociatedData`: ");
    say_part(to, value.text, (size_t)(equals - value.text));
    say(to, ", resources of these types that exported ones refer to: ");
    say_part(to, equals + 1, (size_t)(value.text + value.len - equals - 1));
    say(to, ".\n");
  }
}

static const char *outcome_key(const fhx__call *call) {
  return is_by_ballot(call) ? "outcome" : "error";
}

static void say_parameters(prose *to) {
  say(to, "Parameters:\n\n");
  for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
    const parameter_text *of = &parameters[i];
    if (!is_taken(to, of)) continue;
    say(to, "- `");
    say(to, of->parameter.name);
    say(to, "`: ");
    say(to, is_by_ballot(to->call) && of->ballot_text != NULL ? of->ballot_text : of->text);
    say(to, "\n");
  }
  say_values(to);
  if (to->call->service->clients != NULL) {
    say(to,
        "- `_destinationType` with `_destinationConnectionSettings`, and `_container`: "
        "azure-block-blob, the connection string of a storage account in base64 (by POST, so that "
        "it is in no URL), and a container there: the files go to that, and their URLs need a "
        "right of the client's own.\n");
  }
  say(to,
      "\nAny other parameter is refused; with `Prefer: handling=lenient` it is left out, which a "
      "file of the manifest's `");
  say(to, outcome_key(to->call));
  say(to, "` tells. `Prefer: respond-async` is assumed.\n\n");
}

static void say_files(prose *to) {
  const fhx__service *service = to->call->service;
  const fhx_job_options *job = &service->job_options;
  say(to, "Files are NDJSON (application/fhir+ndjson)");
  if ((job->flags & FHX_JOB_GZIP) != 0) {
    say(to,
        service->serves_files ? ", sent in gzip to clients that accept it" : ", stored in gzip");
  }
  say_number(to, ", of one type each unless they are organized by patients, and of at most ",
             job->part_bytes == 0 ? FHX__PART_BYTES_DEFAULT : job->part_bytes,
             " bytes each, not compressed, unless a single resource is longer");
  if (job->part_count != 0) say_number(to, ", or ", job->part_count, " resources");
  say(to, ". Resources that are not valid are left out and told in a file of `");
  say(to, outcome_key(to->call));
  say(to, "`.\n\n");
}

/* What a client of patients' data is told to look for here. */
static void say_patients(prose *to) {
  const fhx__service *service = to->call->service;
  say(to, "Patient and Group exports have the patients and what is in their Patient compartment");
  if (*service->rules.associated_types != '\0') {
    say(to, ", and resources of these types that those refer to: ");
    say(to, service->rules.associated_types);
  }
  say(to, (service->job_options.flags & FHX_JOB_NEW_MEMBERS) != 0
              ? ". With `_since`, members who joined the Group later come with their older data."
              : ". `_since` counts for members who joined the Group later, too.");
  say(to, fhx__source_tells_deleted(service->job_options.source)
              ? " With `_since`, what was deleted is told in the manifest's `deleted`.\n\n"
              : " Deletions are not told.\n\n");
}

static void say_limits(prose *to) {
  const fhx__service *service = to->call->service;
  say_number(to, "Limits: ", service->jobs_max, " unfinished exports, ");
  say_number(to, "", service->jobs_per_client_max, " of one client, ");
  say_number(to, "and ", service->polls_max,
             " polls of one export ahead of its Retry-After; beyond, the answer is 429. ");
  say_number(to, "A finished export and its files are kept for ",
             (uint64_t)(service->keep_us / SECOND_US), " seconds; ");
  say_number(to, "a file's link is good for ", (uint64_t)(service->link_us / SECOND_US),
             " seconds, and each poll gives fresh ones.");
}

static void say_all(prose *to) {
  if (to->call->service->is_disabled) {
    say(to, "Bulk Data export is switched off: no export can be started.");
    if (to->status == FHX_OK) to->status = fhx__buffer_terminate(&to->text);
    return;
  }
  say(to,
      "Bulk Data export of the whole system (`$export`), of all patients (`Patient/$export`) and "
      "of the members of a Group (`Group/[id]/$export`), asynchronous, ");
  say(to, is_by_ballot(to->call)
              ? "by POST with a Parameters resource, as the ballot of STU4 (4.0.0) has it.\n\n"
              : "by GET, or by POST with a Parameters resource.\n\n");
  say_parameters(to);
  say_files(to);
  say_patients(to);
  say_limits(to);
  if (to->status == FHX_OK) to->status = fhx__buffer_terminate(&to->text);
}

/* --- the statement --- */

static const char *version_number(uint32_t fhir_version) {
  if (fhir_version == FHX_FHIR_R5) return "5.0.0";
  return fhir_version == FHX_FHIR_R4B ? "4.3.0" : "4.0.1";
}

/* Which version of the IG the definitions are of, where there may be several (CAP-08). */
static const char *pinned_version(const fhx__call *call) {
  if (is_by_ballot(call)) return "|4.0.0";
  return call->is_of_version ? "|3.0.0" : "";
}

static void write_operation(fhx__json_writer *writer, const fhx__call *call, const char *name) {
  char definition[CANONICAL_MAX];
  snprintf(definition, sizeof definition, BULK_DATA "OperationDefinition/%s%s", name,
           pinned_version(call));
  fhx__json_key(writer, "operation");
  fhx__json_open_array(writer);
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "name", "export");
  fhx__json_member_text(writer, "definition", definition);
  fhx__json_close_object(writer);
  fhx__json_close_array(writer);
}

static void write_parameter(void *context, const char *name, size_t len, const char *type) {
  fhx__json_writer *writer = context;
  char text[FHX__TYPE_MAX + 1];
  snprintf(text, sizeof text, "%.*s", (int)len, name);
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "name", text);
  fhx__json_member_text(writer, "type", type);
  fhx__json_close_object(writer);
}

/* What an export may ask for of this type. */
static void write_export(fhx__json_writer *writer, const char *name, const fhx__call *call) {
  fhx__json_key(writer, "searchParam");
  fhx__json_open_array(writer);
  fhx__search_list(name, call->service->rules.fhir_version, write_parameter, writer);
  fhx__json_close_array(writer);
  if (strcmp(name, "Group") == 0) {
    write_operation(writer, call, "group-export");
  } else if (strcmp(name, "Patient") == 0) {
    write_operation(writer, call, "patient-export");
  }
}

static void write_type(fhx__json_writer *writer, const char *name, const fhx__call *call) {
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "type", name);
  if (!call->service->is_disabled) write_export(writer, name, call);
  fhx__json_close_object(writer);
}

static void write_rest(fhx__json_writer *writer, const type_list *types, const fhx__call *call,
                       const char *prose_text) {
  fhx__json_key(writer, "rest");
  fhx__json_open_array(writer);
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "mode", "server");
  fhx__json_member_text(writer, "documentation", prose_text);
  fhx__json_key(writer, "resource");
  fhx__json_open_array(writer);
  for (size_t i = 0; i < types->count; i++) write_type(writer, types->names[i].text, call);
  fhx__json_close_array(writer);
  if (!call->service->is_disabled) write_operation(writer, call, "export");
  fhx__json_close_object(writer);
  fhx__json_close_array(writer);
}

static void write_texts(fhx__json_writer *writer, const char *key, const char *const *texts,
                        size_t count) {
  fhx__json_key(writer, key);
  fhx__json_open_array(writer);
  for (size_t i = 0; i < count; i++) fhx__json_text(writer, texts[i]);
  fhx__json_close_array(writer);
}

static void write_head(fhx__json_writer *writer, const fhx__call *call) {
  char canonical[CANONICAL_MAX];
  const char *const instantiated[] = {canonical};
  static const char *const formats[] = {"application/fhir+json", "json", "application/fhir+ndjson"};
  char date[FHX__INSTANT_TEXT_MAX];
  fhx__instant_format(date, call->service->started_us, SECOND_US);
  snprintf(canonical, sizeof canonical, BULK_DATA "CapabilityStatement/bulk-data%s",
           pinned_version(call));
  fhx__json_member_text(writer, "resourceType", "CapabilityStatement");
  fhx__json_member_text(writer, "status", "active");
  fhx__json_member_text(writer, "date", date);
  fhx__json_member_text(writer, "kind", "instance");
  if (!call->service->is_disabled) write_texts(writer, "instantiates", instantiated, 1);
  fhx__json_key(writer, "software");
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "name", "libfhirexport");
  fhx__json_member_text(writer, "version", fhx_version());
  fhx__json_close_object(writer);
  fhx__json_key(writer, "implementation");
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "description", "Bulk Data export");
  fhx__json_member_text(writer, "url", call->base_url);
  fhx__json_close_object(writer);
  fhx__json_member_text(writer, "fhirVersion", version_number(call->service->rules.fhir_version));
  write_texts(writer, "format", formats, sizeof formats / sizeof formats[0]);
}

static int32_t write_statement(const fhx__call *call, const type_list *types, fhx__buffer *out) {
  fhx__json_writer writer;
  prose said = {call, {NULL, 0, 0}, FHX_OK};
  say_all(&said);
  int32_t status = said.status;
  if (status == FHX_OK) {
    fhx__json_begin(&writer, out);
    fhx__json_open_object(&writer);
    write_head(&writer, call);
    write_rest(&writer, types, call, said.text.data);
    fhx__json_close_object(&writer);
    status = fhx__json_end(&writer);
  }
  fhx__buffer_free(&said.text);
  return status;
}

/* --- the answer --- */

static int32_t answer_statement(const fhx__call *call, const type_list *types,
                                fhx_response **response, fhx_error **error) {
  fhx_response *made = NULL;
  int32_t status = fhx__response_new(200, &made, error);
  if (status != FHX_OK) return status;
  /* Nothing but memory can be wanting: all texts are the library's own, or were checked. */
  if (write_statement(call, types, &made->text) != FHX_OK) status = fhx__no_memory(error);
  if (status == FHX_OK) {
    status = fhx__response_add(made, error, "Content-Type", "application/fhir+json");
  }
  if (status == FHX_OK) {
    status = fhx__response_add(made, error, "Content-Length", "%zu", made->text.len);
  }
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  *response = made;
  return FHX_OK;
}

int32_t fhx__answer_metadata(fhx__call *call, fhx_response **response, fhx_error **error) {
  type_list types = {NULL, 0};
  fhx_error *fault = NULL;
  int32_t status = list_types(call, &types, &fault);
  if (status == FHX_OK) {
    status = answer_statement(call, &types, response, error);
  } else if (status == FHX_ERR_NO_MEMORY) {
    status = fhx__no_memory(error);
  } else {
    status = fhx__response_later(503, "transient",
                                 "the server's types cannot be told at present; try again",
                                 RETRY_SECONDS, response, error);
  }
  fhx_error_free(fault);
  fhx__free(types.names);
  return status;
}
