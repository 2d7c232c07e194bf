/* The parameters of a kick-off: what may be asked for, and by whom. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/names.h"
#include "request/problem.h"
#include "request/request.h"
#include "request/span.h"
#include "request/types.h"

/* So many sentences at most are kept of what was skipped: a short parameter makes a long one. */
#define SKIPPED_MAX 100
#define SENTENCE_MAX 512

typedef struct reading {
  fhx__export_request *request;
  fhx__problem *problem;
  const char *permitted_types;
  /* Whose resource types there are: FHX_FHIR_... */
  uint32_t fhir_version;
  bool lenient;
  size_t skipped_count;
  /* Whether _type had a name, and whether one of them is in the filter. */
  bool names_types;
  bool has_type;
} reading;

/* --- what lenient skips --- */

static int32_t note_skipped(reading *of, const char *sentence) {
  if (of->skipped_count > SKIPPED_MAX) return FHX_OK;
  if (of->skipped_count++ == SKIPPED_MAX) sentence = "more was ignored than is told here";
  return fhx__buffer_append(&of->request->skipped, sentence, strlen(sentence) + 1);
}

static int32_t unknown_parameter(reading *of, const char *name) {
  char sentence[SENTENCE_MAX];
  const char *label = fhx__parameter_label(name);
  if (!of->lenient) {
    return fhx__refuse(of->problem, 400, "not-supported",
                       "%s: not a parameter of this server; leave it out, or send Prefer: "
                       "handling=lenient to have it ignored",
                       label);
  }
  snprintf(sentence, sizeof sentence, "%s: not a parameter of this server; it was ignored", label);
  return note_skipped(of, sentence);
}

static int32_t unknown_type(reading *of, fhx__span name) {
  char sentence[SENTENCE_MAX] = "one of the names";
  if (fhx__is_type_name(name.text, name.len)) {
    snprintf(sentence, sizeof sentence, "%.*s", (int)name.len, name.text);
  }
  if (!of->lenient) {
    return fhx__refuse(of->problem, 400, "value",
                       "_type: %s is not a resource type of FHIR %s; give types' names, in their "
                       "own capital and small letters, with only commas between",
                       sentence, fhx__fhir_name(of->fhir_version));
  }
  size_t len = strlen(sentence);
  snprintf(sentence + len, sizeof sentence - len,
           " is not a resource type of FHIR %s; it was ignored", fhx__fhir_name(of->fhir_version));
  return note_skipped(of, sentence);
}

/* --- types --- */

/* Whether a list with commas has this entry; NULL has all. */
static bool is_permitted(const char *list, const char *name) {
  if (list == NULL) return true;
  fhx__span rest = {list, strlen(list)}, entry = {NULL, 0};
  size_t len = strlen(name);
  while (fhx__span_next(&rest, ',', &entry)) {
    if (entry.len == len && memcmp(entry.text, name, len) == 0) return true;
  }
  return false;
}

static int32_t add_type(reading *of, const char *name) {
  int32_t status = fhx_filter_add_type(of->request->filter, name, NULL);
  if (status == FHX_OK) of->has_type = true;
  return status;
}

static int32_t read_type(reading *of, fhx__span entry) {
  char name[FHX__TYPE_MAX + 1] = "";
  if (!fhx__is_type_name(entry.text, entry.len)) return unknown_type(of, entry);
  memcpy(name, entry.text, entry.len);
  if (!fhx__is_resource_type(of->fhir_version, name)) return unknown_type(of, entry);
  if (!is_permitted(of->permitted_types, name)) {
    return fhx__refuse(of->problem, 403, "forbidden",
                       "_type: this client may not read %s; ask only for types that it may read",
                       name);
  }
  return add_type(of, name);
}

static int32_t read_types(reading *of, const char *value) {
  fhx__span rest = {value, strlen(value)}, entry = {NULL, 0};
  of->names_types = true;
  while (fhx__span_next(&rest, ',', &entry)) {
    int32_t status = read_type(of, entry);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

/* The types that a client may read, where it named none. What is no name in the host's list is of
   no type. */
static int32_t add_permitted(reading *of) {
  fhx__span rest = {of->permitted_types, strlen(of->permitted_types)}, entry = {NULL, 0};
  while (fhx__span_next(&rest, ',', &entry)) {
    char name[FHX__TYPE_MAX + 1] = "";
    if (!fhx__is_type_name(entry.text, entry.len)) continue;
    memcpy(name, entry.text, entry.len);
    int32_t status = add_type(of, name);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

/* A filter without types takes all of them: that must be what was asked for, and permitted. */
static int32_t finish_types(reading *of) {
  if (of->has_type) return FHX_OK;
  if (of->names_types) {
    return fhx__refuse(of->problem, 400, "value",
                       "_type: none of the names is a resource type of FHIR %s; name at least one, "
                       "or leave the parameter out for all types",
                       fhx__fhir_name(of->fhir_version));
  }
  if (of->permitted_types == NULL) return FHX_OK;
  of->request->takes_permitted = true;
  int32_t status = add_permitted(of);
  if (status != FHX_OK || of->has_type) return status;
  return fhx__refuse(of->problem, 403, "forbidden",
                     "this client may not read any type; ask for the right to read some");
}

/* --- the other parameters --- */

/* In a query that was not encoded, the sign in the type's name has become a space. */
static int32_t read_output_format(reading *of, const char *value) {
  static const char *const spellings[] = {"application/fhir+ndjson", "application/fhir ndjson",
                                          "application/ndjson", "ndjson"};
  for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
    if (strcmp(value, spellings[i]) == 0) return FHX_OK;
  }
  return fhx__refuse(of->problem, 400, "value",
                     "_outputFormat: not supported; send application/fhir+ndjson, "
                     "application/ndjson or ndjson, or leave it out");
}

typedef int32_t bound_setter(fhx_filter *filter, const char *instant, fhx_error **error);

/* An instant. Where its offset has a space in front, a `+` was sent that was not encoded. */
static int32_t read_bound(reading *of, const char *name, const char *value, bound_setter *set) {
  static const char offset[] = " 00:00";
  size_t len = strlen(value);
  char *instant = fhx__copy_text(value);
  if (instant == NULL) return FHX_ERR_NO_MEMORY;
  if (len >= strlen(offset)) {
    char *sign = instant + len - strlen(offset);
    if (*sign == ' ') *sign = '+';
  }
  int32_t status = set(of->request->filter, instant, NULL);
  fhx__free(instant);
  if (status != FHX_ERR_ARGUMENT) return status;
  return fhx__refuse(of->problem, 400, "value",
                     "%s: not a FHIR instant; send a real date, T, a time with seconds, and Z or "
                     "an offset such as +01:00 (its + encoded as %%2B)",
                     name);
}

static int32_t read_since(reading *of, const char *value) {
  return read_bound(of, "_since", value, fhx_filter_set_since);
}

static int32_t read_until(reading *of, const char *value) {
  return read_bound(of, "_until", value, fhx_filter_set_until);
}

typedef struct known_parameter {
  const char *name;
  bool may_repeat;
  int32_t (*read)(reading *of, const char *value);
} known_parameter;

static const known_parameter known[] = {
    {"_outputFormat", false, read_output_format},
    {"_since", false, read_since},
    {"_type", true, read_types},
    {"_until", false, read_until},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

static int32_t read_parameters(reading *of, const fhx__target *target) {
  bool is_given[KNOWN_COUNT] = {false};
  for (size_t i = 0; i < target->parameter_count; i++) {
    const fhx__parameter *parameter = &target->parameters[i];
    size_t at = 0;
    int32_t status = FHX_OK;
    while (at < KNOWN_COUNT && strcmp(known[at].name, parameter->name) != 0) at++;
    if (at == KNOWN_COUNT) {
      status = unknown_parameter(of, parameter->name);
    } else if (parameter->value[0] != '\0') {
      if (is_given[at] && !known[at].may_repeat) {
        return fhx__refuse(of->problem, 400, "invalid", "%s: given twice; send it once",
                           known[at].name);
      }
      is_given[at] = true;
      status = known[at].read(of, parameter->value);
    }
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

int32_t fhx__export_request_read(const fhx__target *target, bool lenient,
                                 const char *permitted_types, fhx__export_request *request,
                                 fhx__problem *problem) {
  reading of = {request, problem, permitted_types, FHX_FHIR_R4, lenient, 0, false, false};
  *request = (fhx__export_request){NULL, {NULL, 0, 0}, false};
  int32_t status = fhx_filter_new(&request->filter, NULL);
  if (status == FHX_OK) status = read_parameters(&of, target);
  if (status == FHX_OK) status = finish_types(&of);
  if (status != FHX_OK) fhx__export_request_free(request);
  return status;
}

void fhx__export_request_free(fhx__export_request *request) {
  fhx_filter_free(request->filter);
  fhx__buffer_free(&request->skipped);
  request->filter = NULL;
}
