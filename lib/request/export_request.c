/* The parameters of a kick-off: what may be asked for, and by whom. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/names.h"
#include "request/problem.h"
#include "request/reading.h"
#include "request/span.h"
#include "request/types.h"
#include "select/group.h"

/* So many sentences at most are kept of what was skipped: a short parameter makes a long one. */
#define SKIPPED_MAX 100
#define SENTENCE_MAX 512

static const char *version_name(const fhx__reading *of) {
  return fhx__fhir_name(of->rules->fhir_version);
}

/* Whether this export can have resources of that type at all: of patients those of the compartment,
   those that go along with them, and, of a Group, members that are no patients themselves. */
static bool is_in_reach(const fhx__reading *of, const char *name) {
  fhx__export_level level = of->kick_off->level;
  const fhx__export_request *request = of->request;
  if (level == FHX__LEVEL_SYSTEM && !request->by_patient) return true;
  if (fhx__export_rules_in_compartment(of->rules, name)) return true;
  if (request->by_patient) return false;
  return fhx__list_has(request->associated_types.data, name) ||
         (level == FHX__LEVEL_GROUP && fhx__group_may_have(of->rules->fhir_version, name));
}

bool fhx__reading_permits(const fhx__reading *of, const char *type) {
  const char *permitted = of->kick_off->permitted_types;
  return permitted == NULL || fhx__list_has(permitted, type);
}

/* --- what lenient skips --- */

int32_t fhx__reading_skip(fhx__reading *of, const char *sentence) {
  if (of->skipped_count > SKIPPED_MAX) return FHX_OK;
  if (of->skipped_count++ == SKIPPED_MAX) sentence = "more was ignored than is told here";
  return fhx__buffer_append(&of->request->skipped, sentence, strlen(sentence) + 1);
}

int32_t fhx__reading_unsupported(fhx__reading *of, const char *what, const char *why) {
  char sentence[SENTENCE_MAX];
  if (!of->kick_off->lenient) {
    return fhx__refuse(of->problem, 400, "not-supported",
                       "%s: %s; leave it out, or send Prefer: handling=lenient to have it ignored",
                       what, why);
  }
  snprintf(sentence, sizeof sentence, "%s: %s; it was ignored", what, why);
  return fhx__reading_skip(of, sentence);
}

static int32_t unknown_parameter(fhx__reading *of, const char *name) {
  return fhx__reading_unsupported(of, fhx__parameter_label(name), "not a parameter of this server");
}

/* How several values of a parameter are sent. */
static const char *several_values(const fhx__reading *of) {
  return of->kick_off->by_ballot ? "each as a parameter of its own" : "with only commas between";
}

static int32_t unknown_type(fhx__reading *of, fhx__span name) {
  char sentence[SENTENCE_MAX] = "one of the names";
  if (fhx__is_type_name(name.text, name.len)) {
    snprintf(sentence, sizeof sentence, "%.*s", (int)name.len, name.text);
  }
  if (!of->kick_off->lenient) {
    return fhx__refuse(of->problem, 400, "value",
                       "_type: %s is not a resource type of FHIR %s; give types' names, in their "
                       "own capital and small letters, %s",
                       sentence, version_name(of), several_values(of));
  }
  size_t len = strlen(sentence);
  snprintf(sentence + len, sizeof sentence - len,
           " is not a resource type of FHIR %s; it was ignored", version_name(of));
  return fhx__reading_skip(of, sentence);
}

/* PARAM-11: strictly, that is the job's to say, since other types may make up for it. */
static int32_t type_without_patients(fhx__reading *of, const char *name) {
  char sentence[SENTENCE_MAX];
  snprintf(sentence, sizeof sentence,
           "%s is not in the Patient compartment, so that this export has none; it was ignored",
           name);
  return fhx__reading_skip(of, sentence);
}

/* --- several values --- */

bool fhx__reading_next(const fhx__reading *of, fhx__span *rest, fhx__span *entry) {
  if (!of->kick_off->by_ballot) return fhx__span_next(rest, ',', entry);
  *entry = *rest;
  *rest = (fhx__span){NULL, 0};
  return entry->text != NULL;
}

/* --- types --- */

static int32_t add_type(fhx__reading *of, const char *name) {
  int32_t status = fhx_filter_add_type(of->request->filter, name, NULL);
  if (status != FHX_OK) return status;
  of->has_type = true;
  if (is_in_reach(of, name)) of->has_reach = true;
  return FHX_OK;
}

static int32_t read_type(fhx__reading *of, fhx__span entry) {
  char name[FHX__TYPE_MAX + 1] = "";
  if (!fhx__is_type_name(entry.text, entry.len)) return unknown_type(of, entry);
  memcpy(name, entry.text, entry.len);
  if (!fhx__is_resource_type(of->rules->fhir_version, name)) return unknown_type(of, entry);
  if (!fhx__reading_permits(of, name)) {
    return fhx__refuse(of->problem, 403, "forbidden",
                       "_type: this client may not read %s; ask only for types that it may read",
                       name);
  }
  if (of->kick_off->lenient && !is_in_reach(of, name)) return type_without_patients(of, name);
  return add_type(of, name);
}

static int32_t read_types(fhx__reading *of, const fhx__parameter *parameter) {
  const char *value = parameter->value;
  fhx__span rest = {value, strlen(value)}, entry = {NULL, 0};
  of->names_types = true;
  while (fhx__reading_next(of, &rest, &entry)) {
    int32_t status = read_type(of, entry);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

/* The types that a client may read, where it named none. What is no name in the host's list is of
   no type. */
static int32_t add_permitted(fhx__reading *of) {
  fhx__span rest = {of->kick_off->permitted_types, strlen(of->kick_off->permitted_types)},
            entry = {NULL, 0};
  while (fhx__span_next(&rest, ',', &entry)) {
    char name[FHX__TYPE_MAX + 1] = "";
    if (!fhx__is_type_name(entry.text, entry.len)) continue;
    memcpy(name, entry.text, entry.len);
    int32_t status = is_in_reach(of, name) ? add_type(of, name) : FHX_OK;
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

/* Types were named, and no patient has any of them (PARAM-11). Without organizeOutputBy the job
   says so, which knows more. */
static int32_t nothing_to_organize(fhx__reading *of) {
  return fhx__refuse(of->problem, 400, "not-supported",
                     "_type: none of the types is in the Patient compartment, by which "
                     "organizeOutputBy arranges the output; name one that is");
}

/* A filter without types takes all of them: that must be what was asked for, and permitted. */
static int32_t finish_types(fhx__reading *of) {
  if (of->has_type) {
    return of->request->by_patient && !of->has_reach ? nothing_to_organize(of) : FHX_OK;
  }
  if (of->names_types) {
    return fhx__refuse(of->problem, 400, "value",
                       "_type: none of the names is a resource type of FHIR %s that this export "
                       "can have; name at least one, or leave the parameter out for all types",
                       version_name(of));
  }
  if (of->kick_off->permitted_types == NULL) return FHX_OK;
  of->request->takes_permitted = true;
  int32_t status = add_permitted(of);
  if (status != FHX_OK || of->has_type) return status;
  return fhx__refuse(of->problem, 403, "forbidden",
                     "this client may not read any type that this export can have; ask for the "
                     "right to read some");
}

/* --- the other parameters --- */

/* In a query that was not encoded, the sign in the type's name has become a space. */
static int32_t read_output_format(fhx__reading *of, const fhx__parameter *parameter) {
  static const char *const spellings[] = {"application/fhir+ndjson", "application/ndjson",
                                          "ndjson"};
  for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
    if (strcmp(parameter->value, spellings[i]) == 0) return FHX_OK;
  }
  if (parameter->kind == FHX__VALUE_QUERY &&
      strcmp(parameter->value, "application/fhir ndjson") == 0) {
    return FHX_OK;
  }
  return fhx__refuse(of->problem, 400, "value",
                     "_outputFormat: not supported; send application/fhir+ndjson, "
                     "application/ndjson or ndjson, or leave it out");
}

typedef int32_t bound_setter(fhx_filter *filter, const char *instant, fhx_error **error);

/* An instant. A space in front of its offset was, in a query, a `+` that was not encoded. */
static int32_t read_bound(fhx__reading *of, const fhx__parameter *parameter, bound_setter *set) {
  static const char offset[] = " 00:00";
  size_t len = strlen(parameter->value);
  char *instant = fhx__copy_text(parameter->value);
  if (instant == NULL) return FHX_ERR_NO_MEMORY;
  if (parameter->kind == FHX__VALUE_QUERY && len >= strlen(offset)) {
    char *sign = instant + len - strlen(offset);
    if (*sign == ' ') *sign = '+';
  }
  int32_t status = set(of->request->filter, instant, NULL);
  fhx__free(instant);
  if (status != FHX_ERR_ARGUMENT) return status;
  return fhx__refuse(of->problem, 400, "value",
                     "%s: not a FHIR instant; send a real date, T, a time with seconds, and Z or "
                     "an offset such as +01:00 (its + encoded as %%2B in a URL)",
                     parameter->name);
}

static int32_t read_since(fhx__reading *of, const fhx__parameter *parameter) {
  return read_bound(of, parameter, fhx_filter_set_since);
}

static int32_t read_until(fhx__reading *of, const fhx__parameter *parameter) {
  return read_bound(of, parameter, fhx_filter_set_until);
}

/* `Patient/id`, or the same below the server's base; NULL: it is neither. */
static const char *patient_id(const char *reference, const char *base_url) {
  static const char start[] = "Patient/";
  size_t len = strlen(base_url);
  if (strncmp(reference, base_url, len) == 0 && reference[len] == '/') reference += len + 1;
  if (strncmp(reference, start, strlen(start)) != 0) return NULL;
  const char *id = reference + strlen(start);
  return fhx__is_id(id, strlen(id)) ? id : NULL;
}

static int32_t read_patient(fhx__reading *of, const fhx__parameter *parameter) {
  if (of->kick_off->level == FHX__LEVEL_SYSTEM) {
    return fhx__refuse(of->problem, 400, "not-supported",
                       "patient: not for an export of the whole system; use Patient/$export, or "
                       "$export of a Group");
  }
  const char *id = patient_id(parameter->value, of->kick_off->base_url);
  if (id == NULL) {
    return fhx__refuse(of->problem, 400, "value",
                       "patient: not a reference to a Patient of this server; send Patient/ and "
                       "its id, alone or below the server's own base URL");
  }
  return fhx_filter_add_patient(of->request->filter, id, NULL);
}

/* --- elements --- */

#define ELEMENT_MAX (FHX__TYPE_MAX + 64 + 1)
/* Each costs a look into the whole table. */
#define ELEMENTS_MAX 1024

/* The filter's sentence says which element it is, if that has the form of one. */
static int32_t unusable_element(fhx__reading *of, fhx_error *error) {
  char sentence[SENTENCE_MAX];
  /* There was none for the sentence. */
  if (fhx_error_status(error) == FHX_ERR_NO_MEMORY) return FHX_ERR_NO_MEMORY;
  if (!of->kick_off->lenient) {
    return fhx__refuse(of->problem, 400, "value",
                       "%s; name root elements of FHIR %s, alone or behind a type and a dot, %s",
                       fhx_error_message(error), version_name(of), several_values(of));
  }
  snprintf(sentence, sizeof sentence, "%s; it was ignored", fhx_error_message(error));
  return fhx__reading_skip(of, sentence);
}

static int32_t read_element(fhx__reading *of, fhx__span entry) {
  char element[ELEMENT_MAX + 1] = "";
  fhx_error *error = NULL;
  /* One that is too long is none, as is what is left of it. */
  if (entry.len <= ELEMENT_MAX) memcpy(element, entry.text, entry.len);
  int32_t status = fhx_filter_add_element(of->request->filter, element, &error);
  if (status == FHX_ERR_ARGUMENT || status == FHX_ERR_UNSUPPORTED) {
    status = unusable_element(of, error);
  }
  fhx_error_free(error);
  return status;
}

static int32_t read_elements(fhx__reading *of, const fhx__parameter *parameter) {
  fhx__span rest = {parameter->value, strlen(parameter->value)}, entry = {NULL, 0};
  while (fhx__reading_next(of, &rest, &entry)) {
    if (of->element_count++ == ELEMENTS_MAX) {
      return fhx__refuse(of->problem, 400, "too-costly",
                         "_elements: more than %d are named; name "
                         "fewer",
                         ELEMENTS_MAX);
    }
    int32_t status = read_element(of, entry);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

/* --- all parameters --- */

#define TEXTS (FHX__VALUE_QUERY | FHX__VALUE_STRING)

/* By whose rules there is such a parameter. */
#define STU3 1u
#define BALLOT 2u
#define BOTH (STU3 | BALLOT)

/* In which order they are read, wherever they stand: those that say which types are in reach, _type
   among others, and those that depend on the types. */
typedef enum turn { TURN_REACH, TURN_TYPES, TURN_CONTENT } turn;

typedef struct known_parameter {
  const char *name;
  /* As what its value may come, in bits and in words. */
  uint32_t kinds;
  const char *value;
  bool may_repeat;
  uint32_t rules;
  turn turn;
  int32_t (*read)(fhx__reading *of, const fhx__parameter *parameter);
} known_parameter;

/* In ascending order of their names. */
static const known_parameter known[] = {
    {FHX__DESTINATION_CONTAINER, TEXTS | FHX__VALUE_CODE, "a valueString", false, BOTH, TURN_REACH,
     fhx__reading_container},
    {FHX__DESTINATION_SETTINGS, TEXTS | FHX__VALUE_BASE64, "a valueString", false, BOTH, TURN_REACH,
     fhx__reading_destination_settings},
    {FHX__DESTINATION_TYPE, TEXTS | FHX__VALUE_CODE, "a valueString", false, BOTH, TURN_REACH,
     fhx__reading_destination_type},
    {"_elements", TEXTS | FHX__VALUE_CODE, "a valueString", true, BOTH, TURN_TYPES, read_elements},
    {"_maximumFileSize", FHX__VALUE_NUMBER, "a valuePositiveInt", false, BALLOT, TURN_TYPES,
     fhx__reading_maximum_file_size},
    {"_minimumFileSize", FHX__VALUE_NUMBER, "a valuePositiveInt", false, BALLOT, TURN_TYPES,
     fhx__reading_minimum_file_size},
    {"_outputFormat", TEXTS | FHX__VALUE_CODE, "a valueString", false, BOTH, TURN_TYPES,
     read_output_format},
    {"_since", TEXTS | FHX__VALUE_TIME, "a valueInstant", false, BOTH, TURN_TYPES, read_since},
    {"_type", TEXTS | FHX__VALUE_CODE, "a valueString", true, BOTH, TURN_TYPES, read_types},
    {"_typeFilter", TEXTS, "a valueString", true, BOTH, TURN_CONTENT, fhx__reading_type_filter},
    {"_until", TEXTS | FHX__VALUE_TIME, "a valueInstant", false, BOTH, TURN_TYPES, read_until},
    {"allowPartialManifests", FHX__VALUE_QUERY | FHX__VALUE_BOOLEAN, "a valueBoolean", false, BOTH,
     TURN_TYPES, fhx__reading_partial_manifests},
    {"includeAssociatedData", TEXTS | FHX__VALUE_CODE, "a valueCode", true, STU3, TURN_REACH,
     fhx__reading_associated_data},
    {"includeAssociatedData", FHX__VALUE_CODING | FHX__VALUE_FOREIGN_CODING,
     "a valueCoding with a code", true, BALLOT, TURN_REACH, fhx__reading_associated_data},
    {"organizeOutputBy", TEXTS | FHX__VALUE_CODE, "a valueString", false, BOTH, TURN_REACH,
     fhx__reading_organize},
    {"patient", FHX__VALUE_REFERENCE,
     "a valueReference with a reference, in a Parameters resource that is sent by POST", true, BOTH,
     TURN_TYPES, read_patient},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

static int32_t read_known(fhx__reading *of, const known_parameter *as,
                          const fhx__parameter *parameter, bool *is_given) {
  if ((parameter->kind & as->kinds) == 0) {
    return fhx__refuse(of->problem, 400, "value", "%s: give it as %s", as->name, as->value);
  }
  /* An empty list of patients would be everybody. */
  if (parameter->value[0] == '\0' && parameter->kind != FHX__VALUE_REFERENCE) return FHX_OK;
  if (*is_given && !as->may_repeat) {
    return fhx__refuse(of->problem, 400, "invalid", "%s: given twice; send it once", as->name);
  }
  *is_given = true;
  return as->read(of, parameter);
}

/* KNOWN_COUNT: it is not known by these rules. */
static size_t find_known(const char *name, uint32_t rules) {
  size_t at = 0;
  while (at < KNOWN_COUNT &&
         ((known[at].rules & rules) == 0 || strcmp(known[at].name, name) != 0)) {
    at++;
  }
  return at;
}

static int32_t read_parameters(fhx__reading *of, turn now) {
  bool is_given[KNOWN_COUNT] = {false};
  for (size_t i = 0; i < of->kick_off->parameter_count; i++) {
    const fhx__parameter *parameter = &of->kick_off->parameters[i];
    size_t at = find_known(parameter->name, of->kick_off->by_ballot ? BALLOT : STU3);
    if ((at < KNOWN_COUNT ? known[at].turn : TURN_TYPES) != now) continue;
    int32_t status = at == KNOWN_COUNT ? unknown_parameter(of, parameter->name)
                                       : read_known(of, &known[at], parameter, &is_given[at]);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

/* Whose resources, before which of them. */
static int32_t read_level(fhx__reading *of) {
  fhx_filter *filter = of->request->filter;
  switch (of->kick_off->level) {
    case FHX__LEVEL_PATIENT:
      return fhx_filter_set_all_patients(filter, NULL);
    case FHX__LEVEL_GROUP:
      if (!fhx__reading_permits(of, "Group")) {
        return fhx__refuse(of->problem, 403, "forbidden",
                           "this client may not read Groups; export without one");
      }
      return fhx_filter_set_group(filter, of->kick_off->group_id, NULL);
    default:
      return FHX_OK;
  }
}

int32_t fhx__export_request_read(const fhx__export_rules *rules, const fhx__kick_off *kick_off,
                                 fhx__export_request *request, fhx__problem *problem) {
  fhx__reading of = {.rules = rules, .kick_off = kick_off, .request = request, .problem = problem};
  memset(request, 0, sizeof *request);
  int32_t status = fhx__export_rules_filter(rules, kick_off->base_url, &request->filter, NULL);
  if (status == FHX_OK) status = read_level(&of);
  if (status == FHX_OK) status = fhx__reading_begin_output(&of);
  if (status == FHX_OK) status = read_parameters(&of, TURN_REACH);
  if (status == FHX_OK) status = fhx__reading_settle_output(&of);
  if (status == FHX_OK) status = fhx__reading_settle_destination(&of);
  if (status == FHX_OK) status = read_parameters(&of, TURN_TYPES);
  if (status == FHX_OK) status = fhx__reading_settle_file_size(&of);
  if (status == FHX_OK) status = finish_types(&of);
  if (status == FHX_OK) status = read_parameters(&of, TURN_CONTENT);
  if (status != FHX_OK) fhx__export_request_free(request);
  return status;
}

/* Room enough for all of them. */
static void add_name(char *names, const char *name) {
  size_t len = strlen(names);
  if (fhx__list_has(names, name)) return;
  snprintf(names + len, FHX__PARAMETER_NAMES_MAX - len, "%s%s", len == 0 ? "" : ",", name);
}

void fhx__export_parameter_names(const fhx__kick_off *kick_off,
                                 char names[FHX__PARAMETER_NAMES_MAX]) {
  names[0] = '\0';
  for (size_t i = 0; i < kick_off->parameter_count; i++) {
    const size_t at = find_known(kick_off->parameters[i].name, BOTH);
    add_name(names, at < KNOWN_COUNT ? known[at].name : "(unknown)");
  }
}

void fhx__export_request_free(fhx__export_request *request) {
  fhx_filter_free(request->filter);
  fhx__buffer_free(&request->skipped);
  fhx__buffer_free(&request->associated_types);
  request->filter = NULL;
}
