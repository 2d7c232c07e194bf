/* The CapabilityStatement. It says what this server does, and no more. */
#include <string.h>

#include "instant.h"
#include "server.h"

#define BULK_DATA "http://hl7.org/fhir/uv/bulkdata/"

/* What a client of $export should know (Bulk Data IG, "Server documentation"). */
static const char documentation[] =
    "Bulk Data exports of everything, of all patients and of a Group, by GET or POST, as "
    "application/fhir+ndjson. Parameters: _outputFormat, _since, _until, _type, _typeFilter, "
    "_elements, patient, includeAssociatedData (LatestProvenanceResources, "
    "RelevantProvenanceResources), "
    "organizeOutputBy (Patient), allowPartialManifests; others are refused, or ignored with "
    "Prefer: handling=lenient. Files hold one type each and are divided by size; organised by "
    "Patient, a file has blocks of a header, a Patient and what is in its compartment. With _since "
    "the manifest also lists deletions, and a Group export has of members who joined later what "
    "changed since, unless the operator has chosen otherwise. Files and their links expire: see "
    "Expires. Too many exports at a time, or too many polls, are answered 429 with Retry-After.";

/* The same below --base4b. */
static const char ballot_documentation[] =
    "Bulk Data exports of everything, of all patients and of a Group, by POST of Parameters, as "
    "the "
    "ballot of STU4 (4.0.0) has it. Parameters: _outputFormat, _since, _until, _type, _typeFilter, "
    "_elements, patient, includeAssociatedData (as a Coding, LatestProvenanceResources, "
    "RelevantProvenanceResources), organizeOutputBy (Patient), allowPartialManifests, "
    "_minimumFileSize, _maximumFileSize; each value as a parameter of its own; others are refused, "
    "or ignored with Prefer: handling=lenient. Files hold one type each and are divided by size; "
    "organised by Patient, a file has blocks of a header, a Patient and what is in its "
    "compartment. "
    "With _since the manifest also lists deletions. Files and their links expire: see Expires. Too "
    "many exports at a time, or too many polls, are answered 429 with Retry-After.";

/* What the operations of this base are of, where there are two. */
static const char *version_of(const struct server *server, const struct request *request) {
  if (server->ballot_path == NULL) return "";
  return request->by_ballot ? "|4.0.0" : "|3.0.0";
}

static void add_operation(struct text *body, const char *definition, const char *version) {
  text_add_format(body,
                  ",\"operation\":[{\"name\":\"export\",\"definition\":\"" BULK_DATA
                  "OperationDefinition/%s%s\"}]",
                  definition, version);
}

static void add_head(const struct server *server, const struct request *request,
                     struct text *body) {
  char date[INSTANT_MAX];
  instant_write(server->started_us, date);
  text_add_format(body,
                  "{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\",\"date\":"
                  "\"%s\",\"kind\":\"instance\"",
                  date);
  if (!server->disabled) {
    text_add_format(body, ",\"instantiates\":[\"" BULK_DATA "CapabilityStatement/bulk-data%s\"]",
                    version_of(server, request));
  }
  text_add_format(body,
                  ",\"software\":{\"name\":\"fhirexport-server\",\"version\":\"%s\"},"
                  "\"implementation\":{\"description\":\"The example server of libfhirexport\","
                  "\"url\":",
                  fhx_version());
  text_add_json(body, server_base_url(server, request));
}

/* A type with what REST can do with it; a Group can be searched too, and two of them exported. */
static void add_type(const struct server *server, struct text *body, const char *type,
                     const char *version, bool is_first) {
  text_add_format(body,
                  "%s{\"type\":\"%s\",\"interaction\":[{\"code\":\"read\"},{\"code\":\"update\"},"
                  "{\"code\":\"delete\"}%s],\"versioning\":\"versioned\",\"updateCreate\":true",
                  is_first ? "" : ",", type,
                  strcmp(type, "Group") == 0 ? ",{\"code\":\"search-type\"}" : "");
  if (strcmp(type, "Group") == 0) {
    text_add_string(body,
                    ",\"searchParam\":[{\"name\":\"_id\",\"type\":\"token\"},"
                    "{\"name\":\"identifier\",\"type\":\"token\"},"
                    "{\"name\":\"name\",\"type\":\"string\"}]");
    if (!server->disabled) add_operation(body, "group-export", version);
  }
  if (strcmp(type, "Patient") == 0 && !server->disabled) {
    add_operation(body, "patient-export", version);
  }
  text_add_string(body, "}");
}

/* The types that there are, in order, and Group and Patient in any case. */
static enum result add_types(struct server *server, struct text *body, const char *version) {
  static const char *const always[] = {"Group", "Patient"};
  char type[TYPE_MAX + 1] = "";
  size_t next = 0;
  bool is_first = true;
  enum result result = DONE;
  while ((result = database_next_type(server->database, type)) == DONE) {
    for (; next < 2 && strcmp(always[next], type) <= 0; next++) {
      if (strcmp(always[next], type) == 0) continue;
      add_type(server, body, always[next], version, is_first);
      is_first = false;
    }
    add_type(server, body, type, version, is_first);
    is_first = false;
  }
  for (; next < 2; next++) {
    add_type(server, body, always[next], version, is_first);
    is_first = false;
  }
  return result == NONE ? DONE : FAILED;
}

void metadata_answer(struct server *server, const struct request *request, struct answer *answer) {
  struct text *body = &answer->body;
  const char *version = version_of(server, request);
  const char *enabled = request->by_ballot ? ballot_documentation : documentation;
  add_head(server, request, body);
  text_add_string(body,
                  "},\"fhirVersion\":\"4.0.1\",\"format\":[\"application/fhir+json\",\"json\"],"
                  "\"rest\":[{\"mode\":\"server\",\"documentation\":");
  text_add_json(body, server->disabled ? "$export is switched off." : enabled);
  if (server->smart != NULL) {
    text_add_string(body, ",");
    smart_add_security(server->smart, body);
  }
  text_add_string(body, ",\"resource\":[");
  if (add_types(server, body, version) != DONE) {
    answer_fail(answer, "the database could not be read");
    return;
  }
  text_add_string(body, "]");
  if (!server->disabled) add_operation(body, "export", version);
  text_add_string(body, "}]}");
  answer->status = 200;
  answer_set_type(answer, "application/fhir+json");
  answer_add_header(answer, "Cache-Control", "no-store");
}
