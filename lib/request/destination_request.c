/* The parameters by which a client says where its files go: a container of its own (the contract of
   Microsoft's FHIR server). Values are never repeated: they are secrets, or lead to them. */
#include <string.h>

#include "core/encode.h"
#include "request/problem.h"
#include "request/reading.h"

#define AZURE "azure-block-blob"
/* Of a connection string, and of that in base64. */
#define SETTINGS_MAX 8192
#define SETTINGS_TEXT_MAX ((size_t)(SETTINGS_MAX + 2) / 3 * 4)
#define CONTAINER_MIN 3
#define CONTAINER_MAX 63

bool fhx__is_of_destination(const char *name) {
  return strcmp(name, FHX__DESTINATION_TYPE) == 0 || strcmp(name, FHX__DESTINATION_SETTINGS) == 0 ||
         strcmp(name, FHX__DESTINATION_CONTAINER) == 0;
}

bool fhx__is_container_name(const char *name) {
  size_t len = strnlen(name, CONTAINER_MAX + 1);
  if (len < CONTAINER_MIN || len > CONTAINER_MAX) return false;
  for (size_t i = 0; i < len; i++) {
    bool is_letter = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9');
    bool is_between = i > 0 && i + 1 < len && name[i - 1] != '-';
    if (!is_letter && !(name[i] == '-' && is_between)) return false;
  }
  return true;
}

/* Not even a lenient client has this left out: its files would go where it has not asked for. */
static int32_t check_taken(fhx__reading *of, const char *name) {
  if (of->rules->takes_destinations) return FHX_OK;
  return fhx__refuse(of->problem, 400, "not-supported",
                     "%s: this server writes files to its own storage only; leave it out", name);
}

int32_t fhx__reading_destination_type(fhx__reading *of, const fhx__parameter *parameter) {
  int32_t status = check_taken(of, parameter->name);
  if (status != FHX_OK) return status;
  if (strcmp(parameter->value, AZURE) != 0) {
    return fhx__refuse(of->problem, 400, "not-supported",
                       FHX__DESTINATION_TYPE ": this server writes to " AZURE " only");
  }
  of->request->destination.type = parameter->value;
  return FHX_OK;
}

int32_t fhx__reading_destination_settings(fhx__reading *of, const fhx__parameter *parameter) {
  int32_t status = check_taken(of, parameter->name);
  if (status != FHX_OK) return status;
  if (strlen(parameter->value) > SETTINGS_TEXT_MAX) {
    return fhx__refuse(of->problem, 400, "too-long",
                       FHX__DESTINATION_SETTINGS ": longer than the %d bytes that are taken",
                       SETTINGS_MAX);
  }
  of->request->destination.settings = parameter;
  return FHX_OK;
}

int32_t fhx__reading_container(fhx__reading *of, const fhx__parameter *parameter) {
  int32_t status = check_taken(of, parameter->name);
  if (status != FHX_OK) return status;
  if (!fhx__is_container_name(parameter->value)) {
    return fhx__refuse(of->problem, 400, "value",
                       FHX__DESTINATION_CONTAINER
                       ": not the name of a container; it has 3 to 63 small letters, digits and "
                       "single hyphens");
  }
  of->request->destination.container = parameter->value;
  return FHX_OK;
}

int32_t fhx__reading_settle_destination(fhx__reading *of) {
  const fhx__wanted_destination *wanted = &of->request->destination;
  const char *missing = NULL;
  if (wanted->type == NULL && wanted->settings != NULL) missing = FHX__DESTINATION_TYPE;
  if (wanted->type != NULL && wanted->settings == NULL) missing = FHX__DESTINATION_SETTINGS;
  if (missing != NULL) {
    return fhx__refuse(of->problem, 400, "required",
                       "%s: missing; send " FHX__DESTINATION_TYPE " and " FHX__DESTINATION_SETTINGS
                       " together",
                       missing);
  }
  if (wanted->type == NULL && wanted->container != NULL) {
    return fhx__refuse(of->problem, 400, "required",
                       FHX__DESTINATION_CONTAINER
                       ": a container is taken only together with " FHX__DESTINATION_TYPE
                       " and " FHX__DESTINATION_SETTINGS);
  }
  return FHX_OK;
}

static int32_t decode(const fhx__parameter *settings, fhx__buffer *text) {
  size_t len = strlen(settings->value);
  fhx__buffer base64 = {NULL, 0, 0};
  /* Room for all of it at once: a buffer that grows would leave copies behind. */
  int32_t status = fhx__buffer_reserve(&base64, len + 1);
  if (status == FHX_OK) status = fhx__buffer_reserve(text, len + 1);
  if (status == FHX_OK) status = fhx__buffer_append(&base64, settings->value, len);
  for (size_t i = 0; status == FHX_OK && i < len; i++) {
    if (settings->kind == FHX__VALUE_QUERY && base64.data[i] == ' ') base64.data[i] = '+';
  }
  if (status == FHX_OK) status = fhx__append_decoded_base64(text, base64.data, base64.len);
  if (status == FHX_OK) status = fhx__buffer_terminate(text);
  fhx__wipe_buffer(&base64);
  return status;
}

int32_t fhx__connection_string(const fhx__parameter *settings, fhx__buffer *text,
                               fhx__problem *problem) {
  int32_t status = decode(settings, text);
  if (status == FHX_ERR_NO_MEMORY) return status;
  if (status != FHX_OK || fhx__text_fault(text->data, text->len) != NULL) {
    return fhx__refuse(problem, 400, "value",
                       FHX__DESTINATION_SETTINGS
                       ": not a text in base64; send the connection string encoded so");
  }
  return FHX_OK;
}
