/* The body of a POST kick-off: a Parameters resource becomes the same list that a query is. */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/json.h"
#include "core/names.h"
#include "request/problem.h"
#include "request/request.h"

static int32_t refuse(fhx__problem *problem, const char *code, const char *sentence) {
  return fhx__refuse(problem, 400, code, "the body: %s", sentence);
}

/* --- keys that come again --- */

static int compare_keys(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By sorting, so that an object of a hundred thousand keys is no burden either. */
static int32_t check_keys(const fhx__json_node *object, fhx__buffer *room, bool *is_repeated) {
  room->len = 0;
  for (const fhx__json_node *at = object->first; at != NULL; at = at->next) {
    if (fhx__buffer_append(room, &at->key, sizeof at->key) != FHX_OK) return FHX_ERR_NO_MEMORY;
  }
  size_t count = room->len / sizeof(char *);
  char **keys = (char **)(void *)room->data;
  if (count < 2) return FHX_OK;
  qsort(keys, count, sizeof *keys, compare_keys);
  for (size_t i = 1; i < count; i++) {
    if (strcmp(keys[i - 1], keys[i]) == 0) *is_repeated = true;
  }
  return FHX_OK;
}

/* The node behind this one in the order of the text; NULL behind the last. */
static const fhx__json_node *next_node(const fhx__json_node *node) {
  if (node->first != NULL) return node->first;
  while (node != NULL && node->next == NULL) node = node->parent;
  return node == NULL ? NULL : node->next;
}

static int32_t check_all_keys(const fhx__json_node *root, fhx__problem *problem) {
  fhx__buffer room = {NULL, 0, 0};
  bool is_repeated = false;
  int32_t status = FHX_OK;
  for (const fhx__json_node *at = root; status == FHX_OK && at != NULL; at = next_node(at)) {
    if (at->kind == FHX__JSON_OBJECT) status = check_keys(at, &room, &is_repeated);
  }
  fhx__buffer_free(&room);
  if (status != FHX_OK || !is_repeated) return status;
  return refuse(problem, "structure", "an object has the same key twice; send each key once");
}

/* --- one parameter --- */

/* A value[x], `resource` or `part`. */
static bool is_content(const fhx__json_node *member) {
  static const char value[] = "value";
  size_t len = strlen(value);
  if (strncmp(member->key, value, len) == 0) return member->key[len] != '\0';
  return strcmp(member->key, "resource") == 0 || strcmp(member->key, "part") == 0;
}

static void read_boolean(const fhx__json_node *content, fhx__parameter *parameter) {
  bool is_true = content->kind == FHX__JSON_TRUE, is_false = content->kind == FHX__JSON_FALSE;
  parameter->kind = is_true || is_false ? FHX__VALUE_BOOLEAN : FHX__VALUE_OTHER;
  parameter->value = is_true ? "true" : is_false ? "false" : "";
}

/* A code alone is taken for one of the system that the parameter's values come from. */
static uint32_t kind_of_coding(const fhx__json_node *coding) {
  static const char ours[] = "http://hl7.org/fhir/uv/bulkdata/CodeSystem/include-associated-data";
  const fhx__json_node *system = fhx__json_member(coding, "system");
  bool is_ours = system == NULL || strcmp(fhx__json_member_string(coding, "system", ""), ours) == 0;
  return is_ours ? FHX__VALUE_CODING : FHX__VALUE_FOREIGN_CODING;
}

static void read_value(const fhx__json_node *content, fhx__parameter *parameter) {
  static const struct {
    const char *key;
    uint32_t kind;
  } kinds[] = {
      {"valueString", FHX__VALUE_STRING},   {"valueCode", FHX__VALUE_CODE},
      {"valueUri", FHX__VALUE_CODE},        {"valueInstant", FHX__VALUE_TIME},
      {"valueDateTime", FHX__VALUE_TIME},   {"valueReference", FHX__VALUE_REFERENCE},
      {"valueBoolean", FHX__VALUE_BOOLEAN}, {"valueBase64Binary", FHX__VALUE_BASE64},
      {"valueCoding", FHX__VALUE_CODING},   {"valuePositiveInt", FHX__VALUE_NUMBER},
      {"valueInteger", FHX__VALUE_NUMBER},  {"valueUnsignedInt", FHX__VALUE_NUMBER},
  };
  const fhx__json_node *text = content;
  uint32_t kind = FHX__VALUE_OTHER;
  for (size_t i = 0; content != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(content->key, kinds[i].key) == 0) kind = kinds[i].kind;
  }
  if (kind == FHX__VALUE_BOOLEAN) {
    read_boolean(content, parameter);
    return;
  }
  if (kind == FHX__VALUE_REFERENCE) text = fhx__json_member(content, "reference");
  if (kind == FHX__VALUE_CODING) {
    text = fhx__json_member(content, "code");
    kind = kind_of_coding(content);
  }
  fhx__json_kind wanted = kind == FHX__VALUE_NUMBER ? FHX__JSON_NUMBER : FHX__JSON_STRING;
  bool is_text = kind != FHX__VALUE_OTHER && text != NULL && text->kind == wanted;
  parameter->kind = is_text ? kind : FHX__VALUE_OTHER;
  parameter->value = is_text ? text->text : "";
}

/* A NUL would hide what is behind it. */
static const char *find_fault(const fhx__json_node *text) {
  return text == NULL || text->kind != FHX__JSON_STRING
             ? NULL
             : fhx__text_fault(text->text, text->text_len);
}

static int32_t read_parameter(const fhx__json_node *entry, fhx__parameter *parameter,
                              fhx__problem *problem) {
  const fhx__json_node *name = fhx__json_member(entry, "name"), *content = NULL;
  if (name == NULL || name->kind != FHX__JSON_STRING || name->text_len == 0) {
    return refuse(problem, "structure", "each parameter is an object with a name");
  }
  const char *fault = find_fault(name);
  if (fault != NULL) {
    return fhx__refuse(problem, 400, "invalid", "the name of a parameter: %s", fault);
  }
  parameter->name = name->text;
  for (const fhx__json_node *at = entry->first; at != NULL; at = at->next) {
    if (!is_content(at)) continue;
    if (content != NULL) {
      return fhx__refuse(problem, 400, "structure", "%s: more than one value; send one",
                         fhx__parameter_label(parameter->name));
    }
    content = at;
  }
  if (fhx__json_member(entry, "modifierExtension") != NULL) {
    return fhx__refuse(problem, 400, "extension",
                       "%s: this server knows no modifierExtension; leave it out",
                       fhx__parameter_label(parameter->name));
  }
  fault = find_fault(content);
  if (fault == NULL) fault = find_fault(fhx__json_member(content, "reference"));
  if (fault == NULL) fault = find_fault(fhx__json_member(content, "code"));
  if (fault != NULL) {
    return fhx__refuse(problem, 400, "invalid", "%s: %s", fhx__parameter_label(parameter->name),
                       fault);
  }
  read_value(content, parameter);
  return FHX_OK;
}

/* --- the resource --- */

static int32_t read_list(const fhx__json_node *list, fhx__body *body, fhx__problem *problem) {
  size_t count = 0;
  if (list == NULL) return FHX_OK;
  if (list->kind != FHX__JSON_ARRAY) {
    return refuse(problem, "structure", "parameter is not an array");
  }
  for (const fhx__json_node *at = list->first; at != NULL; at = at->next) count++;
  body->parameters = fhx__alloc_zeroed(count, sizeof *body->parameters);
  if (body->parameters == NULL) return FHX_ERR_NO_MEMORY;
  int32_t status = FHX_OK;
  for (const fhx__json_node *at = list->first; status == FHX_OK && at != NULL; at = at->next) {
    status = read_parameter(at, &body->parameters[body->parameter_count++], problem);
  }
  return status;
}

static int32_t read_resource(fhx__body *body, fhx__problem *problem) {
  int32_t status = check_all_keys(body->root, problem);
  if (status != FHX_OK) return status;
  if (strcmp(fhx__json_member_string(body->root, "resourceType", ""), "Parameters") != 0) {
    return refuse(problem, "structure",
                  "this is not a Parameters resource; send one, or nothing at all");
  }
  return read_list(fhx__json_member(body->root, "parameter"), body, problem);
}

int32_t fhx__body_read(const void *data, size_t len, fhx__body *body, fhx__problem *problem) {
  *body = (fhx__body){NULL, 0, NULL};
  if (len == 0) return FHX_OK;
  int32_t status = fhx__json_parse(data, len, &body->root, NULL);
  if (status == FHX_ERR_NO_MEMORY) return status;
  if (status == FHX_ERR_LIMIT) {
    return refuse(problem, "too-costly", "it is too long, or nested too deeply");
  }
  if (status != FHX_OK) {
    return refuse(problem, "structure", "this is not JSON; send a Parameters resource");
  }
  status = read_resource(body, problem);
  if (status != FHX_OK) fhx__body_free(body);
  return status;
}

void fhx__body_free(fhx__body *body) {
  fhx__free(body->parameters);
  fhx__json_free(body->root);
  *body = (fhx__body){NULL, 0, NULL};
}
