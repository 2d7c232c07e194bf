/* A filter in a job's definition, written and read back. */
#include <string.h>

#include "core/error.h"
#include "select/filter.h"

#define LEVEL_PATIENT "patient"

static void write_texts(fhx__json_writer *writer, const char *key, char *const *texts,
                        size_t count) {
  if (count == 0) return;
  fhx__json_key(writer, key);
  fhx__json_open_array(writer);
  for (size_t i = 0; i < count; i++) fhx__json_text(writer, texts[i]);
  fhx__json_close_array(writer);
}

static void write_queries(fhx__json_writer *writer, const fhx_filter *filter) {
  if (filter->search_count == 0) return;
  fhx__json_key(writer, "queries");
  fhx__json_open_array(writer);
  for (size_t i = 0; i < filter->search_count; i++) {
    fhx__json_text(writer, fhx__search_text(filter->searches[i]));
  }
  fhx__json_close_array(writer);
}

void fhx__filter_write(const fhx_filter *filter, fhx__json_writer *writer) {
  write_texts(writer, "types", filter->types, filter->type_count);
  if (filter->has_since) fhx__json_member_text(writer, "since", filter->since_text);
  if (filter->has_until) fhx__json_member_text(writer, "until", filter->until_text);
  write_texts(writer, "patients", filter->patients, filter->patient_count);
  if (filter->all_patients) fhx__json_member_text(writer, "level", LEVEL_PATIENT);
  if (filter->group_id != NULL) fhx__json_member_text(writer, "group", filter->group_id);
  if (filter->fhir_version != FHX_FHIR_R4) {
    fhx__json_member_integer(writer, "fhirVersion", filter->fhir_version);
  }
  write_texts(writer, "compartment", filter->paths, filter->path_count);
  if (filter->base_url != NULL) fhx__json_member_text(writer, "baseUrl", filter->base_url);
  write_texts(writer, "elements", filter->elements, filter->element_count);
  write_queries(writer, filter);
}

/* One of the functions that fill in a filter. */
typedef int32_t (*setter)(fhx_filter *filter, const char *text, fhx_error **error);

static int32_t broken(const char *key, fhx_error **error) {
  return fhx__fail(error, FHX_ERR_STORE, "the recorded filter's \"%s\" is not readable", key);
}

static int32_t read_text(const fhx__json_node *node, const char *key, setter set,
                         fhx_filter *filter, fhx_error **error) {
  if (node->kind != FHX__JSON_STRING || strlen(node->text) != node->text_len) {
    return broken(key, error);
  }
  int32_t status = set(filter, node->text, NULL);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return status == FHX_OK ? FHX_OK : broken(key, error);
}

static int32_t read_texts(const fhx__json_node *object, const char *key, setter set,
                          fhx_filter *filter, fhx_error **error) {
  const fhx__json_node *list = fhx__json_member(object, key);
  if (list == NULL) return FHX_OK;
  /* An empty list would mean "nothing" and be read as "everything"; it is never written. */
  if (list->kind != FHX__JSON_ARRAY || list->first == NULL) return broken(key, error);
  for (const fhx__json_node *node = list->first; node != NULL; node = node->next) {
    int32_t status = read_text(node, key, set, filter, error);
    if (status != FHX_OK) return status;
  }
  return FHX_OK;
}

static int32_t read_optional(const fhx__json_node *object, const char *key, setter set,
                             fhx_filter *filter, fhx_error **error) {
  const fhx__json_node *node = fhx__json_member(object, key);
  return node == NULL ? FHX_OK : read_text(node, key, set, filter, error);
}

/* A level that is not known may mean less than what is read without it. */
static int32_t set_level(fhx_filter *filter, const char *level, fhx_error **error) {
  if (strcmp(level, LEVEL_PATIENT) != 0) return FHX_ERR_ARGUMENT;
  return fhx_filter_set_all_patients(filter, error);
}

static int32_t read_version(const fhx__json_node *object, fhx_filter *filter, fhx_error **error) {
  static const char key[] = "fhirVersion";
  if (fhx__json_member(object, key) == NULL) return FHX_OK;
  uint64_t version = fhx__json_member_number(object, key, 0);
  if (version > UINT32_MAX ||
      fhx_filter_set_fhir_version(filter, (uint32_t)version, NULL) != FHX_OK) {
    return broken(key, error);
  }
  return FHX_OK;
}

/* An empty base is never written; read as one, it would let every base count. */
static int32_t set_base_url(fhx_filter *filter, const char *text, fhx_error **error) {
  return *text == '\0' ? FHX_ERR_ARGUMENT : fhx_filter_set_base_url(filter, text, error);
}

static int32_t read_compartment(const fhx__json_node *object, fhx_filter *filter,
                                fhx_error **error) {
  int32_t status = read_version(object, filter, error);
  if (status == FHX_OK) {
    status = read_texts(object, "compartment", fhx_filter_add_compartment_path, filter, error);
  }
  return status == FHX_OK ? read_optional(object, "baseUrl", set_base_url, filter, error) : status;
}

/* What the version was read for. */
static int32_t read_content(const fhx__json_node *object, fhx_filter *filter, fhx_error **error) {
  int32_t status = read_texts(object, "elements", fhx_filter_add_element, filter, error);
  if (status != FHX_OK) return status;
  return read_texts(object, "queries", fhx_filter_add_query, filter, error);
}

int32_t fhx__filter_read(const fhx__json_node *object, fhx_filter **filter, fhx_error **error) {
  fhx_filter *made = NULL;
  *filter = NULL;
  if (object == NULL || object->kind != FHX__JSON_OBJECT) {
    return fhx__fail(error, FHX_ERR_STORE, "the recorded filter is not an object");
  }
  int32_t status = fhx_filter_new(&made, error);
  if (status == FHX_OK) status = read_texts(object, "types", fhx_filter_add_type, made, error);
  if (status == FHX_OK) status = read_optional(object, "since", fhx_filter_set_since, made, error);
  if (status == FHX_OK) status = read_optional(object, "until", fhx_filter_set_until, made, error);
  if (status == FHX_OK) {
    status = read_texts(object, "patients", fhx_filter_add_patient, made, error);
  }
  if (status == FHX_OK) status = read_optional(object, "level", set_level, made, error);
  if (status == FHX_OK) status = read_optional(object, "group", fhx_filter_set_group, made, error);
  if (status == FHX_OK) status = read_compartment(object, made, error);
  if (status == FHX_OK) status = read_content(object, made, error);
  if (status != FHX_OK) {
    fhx_filter_free(made);
    return status;
  }
  fhx__filter_seal(made);
  *filter = made;
  return FHX_OK;
}
