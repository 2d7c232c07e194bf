/* `_typeFilter`: queries on content, each of one resource type (PARAM-18 to PARAM-22). */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/names.h"
#include "request/reading.h"
#include "request/types.h"
#include "select/filter.h"

/* As many as a filter holds. */
#define QUERIES_MAX 1000
#define SENTENCE_MAX 512

static const char name[] = "_typeFilter";

/* A query without its type would have to be of nothing, or of everything. */
static int32_t outside_types(fhx__reading *of, const char *type) {
  char why[FHX__TYPE_MAX + 80];
  snprintf(why, sizeof why, "a query is for %s, which _type does not have", type);
  if (of->kick_off->lenient) return fhx__reading_unsupported(of, name, why);
  return fhx__refuse(of->problem, 400, "invalid",
                     "%s: %s; add the type there, or leave the query out", name, why);
}

static int32_t forbidden(fhx__reading *of, const char *type) {
  return fhx__refuse(of->problem, 403, "forbidden",
                     "%s: this client may not read %s; ask only for types that it may read", name,
                     type);
}

/* What is malformed is so for every server: that is refused to a lenient client, too. The
   filter's sentence says what it is about and has no value. */
static int32_t unusable(fhx__reading *of, const fhx_error *error) {
  char sentence[SENTENCE_MAX];
  if (fhx_error_status(error) == FHX_ERR_ARGUMENT) {
    return fhx__refuse(of->problem, 400, "value",
                       "%s; send Type?parameter=value, with & between several, encoded once more "
                       "as the value of %s",
                       fhx_error_message(error), name);
  }
  if (!of->kick_off->lenient) {
    return fhx__refuse(of->problem, 400, "not-supported",
                       "%s; leave it out, or send Prefer: handling=lenient to have this query "
                       "ignored",
                       fhx_error_message(error));
  }
  snprintf(sentence, sizeof sentence, "%s; this query was ignored", fhx_error_message(error));
  return fhx__reading_skip(of, sentence);
}

/* Begins with the name of a resource type, which is stored. */
static bool has_type(const fhx__reading *of, const char *query, char type[FHX__TYPE_MAX + 1]) {
  size_t len = strcspn(query, "?");
  if (!fhx__is_type_name(query, len)) return false;
  memcpy(type, query, len);
  type[len] = '\0';
  return fhx__is_resource_type(of->rules->fhir_version, type);
}

static int32_t add_query(fhx__reading *of, const char *query) {
  char type[FHX__TYPE_MAX + 1];
  fhx_error *error = NULL;
  if (has_type(of, query, type)) {
    if (!fhx__reading_permits(of, type)) return forbidden(of, type);
    if (of->names_types && !fhx__filter_has_type(of->request->filter, type)) {
      return outside_types(of, type);
    }
  }
  int32_t status = fhx_filter_add_query(of->request->filter, query, &error);
  if (status == FHX_ERR_ARGUMENT || status == FHX_ERR_UNSUPPORTED) status = unusable(of, error);
  fhx_error_free(error);
  return status;
}

static int32_t take_query(void *context, const char *text, size_t len) {
  fhx__reading *of = context;
  if (of->query_count++ == QUERIES_MAX) {
    return fhx__refuse(of->problem, 400, "too-costly", "%s: more than %d queries; send fewer", name,
                       QUERIES_MAX);
  }
  char *query = fhx__alloc(len + 1);
  if (query == NULL) return FHX_ERR_NO_MEMORY;
  memcpy(query, text, len);
  query[len] = '\0';
  int32_t status = add_query(of, query);
  fhx__free(query);
  return status;
}

/* Whether a text begins in this form, in which a 0 stands for any digit. */
static bool begins_as(const char *text, const char *form) {
  for (; *form != '\0'; text++, form++) {
    bool fits = *form == '0' ? *text >= '0' && *text <= '9' : *text == *form;
    if (!fits) return false;
  }
  return true;
}

/* A space in front of a date's offset was, in a URL, a `+` that was not encoded. */
static void restore_offsets(char *list) {
  static const char form[] = "0000-00-00T00:00";
  static const ptrdiff_t time_at = 11;
  for (char *at = list; (at = strchr(at, ' ')) != NULL; at++) {
    char *time = at;
    while (time > list && strchr("0123456789:.", time[-1]) != NULL) time--;
    bool is_date = time - list >= time_at && begins_as(time - time_at, form);
    /* The offset is the end of the value. */
    if (is_date && begins_as(at + 1, "00:00") && strchr(",&", at[6]) != NULL) *at = '+';
  }
}

int32_t fhx__reading_type_filter(fhx__reading *of, const fhx__parameter *parameter) {
  char *list = fhx__copy_text(parameter->value);
  if (list == NULL) return FHX_ERR_NO_MEMORY;
  if (parameter->kind == FHX__VALUE_QUERY) restore_offsets(list);
  int32_t status = of->kick_off->by_ballot ? take_query(of, list, strlen(list))
                                           : fhx__search_split(list, take_query, of);
  fhx__free(list);
  return status;
}
