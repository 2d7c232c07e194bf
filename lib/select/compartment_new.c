/* Where compartments come from: the built-in tables, and a host's own paths. */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/names.h"
#include "select/compartment_table.h"

const fhx__compartment *fhx__compartment_builtin(uint32_t fhir_version) {
  switch (fhir_version) {
    case FHX_FHIR_R4:
      return &fhx__compartment_r4;
    case FHX_FHIR_R4B:
      return &fhx__compartment_r4b;
    case FHX_FHIR_R5:
      return &fhx__compartment_r5;
    default:
      return NULL;
  }
}

/* --- a host's own --- */

#define ELEMENT_MAX 64

/* The form of an element's name in FHIR: a small letter, then letters and digits. */
static bool is_element(const char *text, size_t len) {
  static const char small[] = "abcdefghijklmnopqrstuvwxyz";
  static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return len > 0 && len <= ELEMENT_MAX && strchr(small, text[0]) != NULL &&
         strspn(text, rest) >= len;
}

static bool is_path(const char *text) {
  size_t len = strcspn(text, "."), segments = 0;
  if (!fhx__is_type_name(text, len)) return false;
  for (text += len; *text != '\0'; text += len) {
    text++;
    len = strcspn(text, ".");
    if (!is_element(text, len) || ++segments > FHX__COMPARTMENT_SEGMENTS_MAX) return false;
  }
  return segments > 0;
}

static int32_t check_paths(const char *const *paths, size_t count, size_t *bytes,
                           fhx_error **error) {
  *bytes = 0;
  for (size_t i = 0; i < count; i++) {
    if (paths[i] == NULL || !is_path(paths[i])) {
      return fhx__fail(error, FHX_ERR_ARGUMENT,
                       "compartment path number %zu is not a type and one to %d elements with dots "
                       "between, such as Observation.subject",
                       i + 1, FHX__COMPARTMENT_SEGMENTS_MAX);
    }
    /* Each is at most 4 names long, so that this does not overflow. */
    *bytes += strlen(paths[i]) + 1;
  }
  return FHX_OK;
}

static int compare_paths(const void *a, const void *b) {
  const fhx__compartment_path *one = a, *other = b;
  int order = strcmp(one->resource_type, other->resource_type);
  return order != 0 ? order : strcmp(one->path, other->path);
}

/* Sorts the paths and drops doubles; how many are left. */
static size_t sort_paths(fhx__compartment_path *paths, size_t count) {
  size_t kept = 0;
  if (count > 1) qsort(paths, count, sizeof *paths, compare_paths);
  for (size_t i = 0; i < count; i++) {
    if (kept == 0 || compare_paths(&paths[kept - 1], &paths[i]) != 0) paths[kept++] = paths[i];
  }
  return kept;
}

/* The type that has more paths than the evaluation can follow, or NULL. */
static const char *find_crowded(const fhx__compartment_path *paths, size_t count) {
  for (size_t i = FHX__COMPARTMENT_PATHS_MAX; i < count; i++) {
    const char *type = paths[i].resource_type;
    if (strcmp(paths[i - FHX__COMPARTMENT_PATHS_MAX].resource_type, type) == 0) return type;
  }
  return NULL;
}

/* The compartment, its paths and their texts: one block, so that one release frees it. */
typedef struct own_compartment {
  fhx__compartment base;
  fhx__compartment_path paths[];
} own_compartment;

static own_compartment *allocate(size_t count, size_t bytes) {
  if (count > (SIZE_MAX - sizeof(own_compartment) - bytes) / sizeof(fhx__compartment_path)) {
    return NULL;
  }
  return fhx__alloc(sizeof(own_compartment) + count * sizeof(fhx__compartment_path) + bytes);
}

int32_t fhx__compartment_new(const char *const *paths, size_t count, fhx__compartment **made,
                             fhx_error **error) {
  size_t bytes = 0;
  *made = NULL;
  int32_t status = check_paths(paths, count, &bytes, error);
  if (status != FHX_OK) return status;
  own_compartment *own = allocate(count, bytes);
  if (own == NULL) return fhx__no_memory(error);
  char *text = (char *)(own->paths + count);
  for (size_t i = 0; i < count; i++) {
    size_t len = strlen(paths[i]) + 1;
    char *dot = memchr(memcpy(text, paths[i], len), '.', len);
    *dot = '\0';
    own->paths[i] = (fhx__compartment_path){text, dot + 1};
    text += len;
  }
  own->base = (fhx__compartment){own->paths, sort_paths(own->paths, count)};
  const char *crowded = find_crowded(own->base.paths, own->base.count);
  if (crowded != NULL) {
    status = fhx__fail(error, FHX_ERR_ARGUMENT, "%s has more than %d compartment paths", crowded,
                       FHX__COMPARTMENT_PATHS_MAX);
    fhx__free(own);
    return status;
  }
  *made = &own->base;
  return FHX_OK;
}

void fhx__compartment_free(fhx__compartment *compartment) {
  /* The first member's address is the block's. */
  fhx__free(compartment);
}
