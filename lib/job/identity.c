/* A definition in a form of its own, whatever the order in which a client has named things. */
#include "job/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/names.h"

#define INSTANT_MAX 48

/* What the form points to beyond the definition itself. */
typedef struct form {
  fhx__definition definition;
  fhx_filter filter;
  char since[INSTANT_MAX];
  char until[INSTANT_MAX];
  char **types;
  char **elements;
  fhx__search **searches;
  const char **notes;
  fhx__buffer associated_types;
  fhx__buffer note_texts;
} form;

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_searches(const void *a, const void *b) {
  return strcmp(fhx__search_text(*(const fhx__search *const *)a),
                fhx__search_text(*(const fhx__search *const *)b));
}

/* A sorted copy without doubles of `count` pointers; NULL for none at all, and without memory. */
static void *sort_pointers(const void *given, size_t *count,
                           int (*compare)(const void *, const void *)) {
  const size_t size = sizeof(void *);
  if (*count == 0) return NULL;
  char *copy = fhx__alloc(*count * size);
  if (copy == NULL) return NULL;
  memcpy(copy, given, *count * size);
  qsort(copy, *count, size, compare);
  size_t kept = 1;
  for (size_t i = 1; i < *count; i++) {
    if (compare(copy + i * size, copy + (kept - 1) * size) == 0) continue;
    memmove(copy + kept++ * size, copy + i * size, size);
  }
  *count = kept;
  return copy;
}

/* With all its digits, in no time zone. */
static void write_instant(char text[INSTANT_MAX], fhx__instant instant) {
  snprintf(text, INSTANT_MAX, "%" PRId64 " %" PRIu64, instant.us, instant.finer);
}

static bool form_filter(form *of, const fhx_filter *given) {
  fhx_filter *filter = &of->filter;
  *filter = *given;
  of->types = sort_pointers(given->types, &filter->type_count, compare_texts);
  of->elements = sort_pointers(given->elements, &filter->element_count, compare_texts);
  of->searches = sort_pointers(given->searches, &filter->search_count, compare_searches);
  filter->types = of->types;
  filter->elements = of->elements;
  filter->searches = of->searches;
  if (given->has_since) write_instant(of->since, given->since);
  if (given->has_until) write_instant(of->until, given->until);
  filter->since_text = of->since;
  filter->until_text = of->until;
  return (of->types != NULL || given->type_count == 0) &&
         (of->elements != NULL || given->element_count == 0) &&
         (of->searches != NULL || given->search_count == 0);
}

/* They are among the types, and come in their order. */
static int32_t form_associated(form *of, const char *given) {
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < of->filter.type_count; i++) {
    if (!fhx__list_has(given, of->types[i])) continue;
    status = fhx__buffer_append_text(&of->associated_types, of->types[i]);
    if (status == FHX_OK) status = fhx__buffer_append_text(&of->associated_types, ",");
  }
  if (status == FHX_OK) status = fhx__buffer_terminate(&of->associated_types);
  of->definition.associated_types = of->associated_types.data;
  return status;
}

/* What was asked for and skipped is told in the error file. */
static int32_t form_notes(form *of, const fhx__buffer *given) {
  size_t count = 0;
  int32_t status = FHX_OK;
  of->definition.notes = (fhx__buffer){NULL, 0, 0};
  for (size_t at = 0; at < given->len; at += strlen(given->data + at) + 1) count++;
  if (count == 0) return FHX_OK;
  of->notes = fhx__alloc(count * sizeof *of->notes);
  if (of->notes == NULL) return FHX_ERR_NO_MEMORY;
  count = 0;
  for (size_t at = 0; at < given->len; at += strlen(given->data + at) + 1) {
    of->notes[count++] = given->data + at;
  }
  qsort(of->notes, count, sizeof *of->notes, compare_texts);
  for (size_t i = 0; status == FHX_OK && i < count; i++) {
    status = fhx__buffer_append(&of->note_texts, of->notes[i], strlen(of->notes[i]) + 1);
  }
  of->definition.notes = of->note_texts;
  return status;
}

static void free_form(form *of) {
  fhx__free(of->types);
  fhx__free(of->elements);
  fhx__free(of->searches);
  fhx__free(of->notes);
  fhx__buffer_free(&of->associated_types);
  fhx__buffer_free(&of->note_texts);
}

static int32_t write_form(const fhx__definition *definition, fhx__buffer *json, fhx_error **error) {
  form of;
  memset(&of, 0, sizeof of);
  of.definition = *definition;
  of.definition.filter = &of.filter;
  int32_t status = form_filter(&of, definition->filter) ? FHX_OK : FHX_ERR_NO_MEMORY;
  if (status == FHX_OK) status = form_associated(&of, definition->associated_types);
  if (status == FHX_OK) status = form_notes(&of, &definition->notes);
  status =
      status == FHX_OK ? fhx__definition_write(&of.definition, json, error) : fhx__no_memory(error);
  free_form(&of);
  return status;
}

int32_t fhx__job_identity(const fhx__definition *definition, const char *base_url,
                          const void *host_context, size_t host_context_len,
                          uint8_t identity[FHX__SHA256_LEN], fhx_error **error) {
  fhx__buffer json = {NULL, 0, 0};
  fhx__sha256 digest = {NULL};
  int32_t status = write_form(definition, &json, error);
  if (status == FHX_OK) status = fhx__sha256_begin(&digest, error);
  /* Neither of the first two has a NUL, with which each of them ends. */
  if (status == FHX_OK) status = fhx__sha256_update(&digest, json.data, json.len + 1, error);
  if (status == FHX_OK) {
    status = fhx__sha256_update(&digest, base_url, strlen(base_url) + 1, error);
  }
  if (status == FHX_OK && host_context_len != 0) {
    status = fhx__sha256_update(&digest, host_context, host_context_len, error);
  }
  if (status == FHX_OK) status = fhx__sha256_end(&digest, identity, error);
  fhx__sha256_free(&digest);
  fhx__buffer_free(&json);
  return status;
}
