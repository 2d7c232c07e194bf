/*
 * The Patient compartment, evaluated on a compact line: one pass, no tree, no allocation.
 *
 * Only objects that lie on one of the type's paths are entered; every other value is skipped as a
 * whole, which leaves out `contained` and extensions by itself. Of an entered object is known, for
 * each path, what of it is still to come.
 */
#include "select/compartment.h"

#include <string.h>

#include "select/compartment_table.h"
#include "select/raw_json.h"
#include "select/reference.h"

/* The root, and an object for each segment. */
#define FRAMES_MAX (FHX__COMPARTMENT_SEGMENTS_MAX + 1)

typedef struct frame {
  /* What is left of each path behind this object; "" for a Reference that was looked for, NULL for
     a path that does not lead here. */
  const char *rest[FHX__COMPARTMENT_PATHS_MAX];
  /* Arrays that are open in the member being read; lists do not count as steps of a path. */
  size_t arrays;
} frame;

typedef struct walk {
  fhx__raw raw;
  frame frames[FRAMES_MAX];
  size_t depth;
  size_t path_count;
  const fhx__patient_test *test;
} walk;

/* The first path of a type, or of those behind it. */
static size_t find_type(const fhx__compartment *compartment, const char *resource_type) {
  size_t low = 0, high = compartment->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(compartment->paths[middle].resource_type, resource_type) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* Stores a type's paths; how many there are. */
static size_t take_paths(const fhx__compartment *compartment, const char *resource_type,
                         const char *paths[FHX__COMPARTMENT_PATHS_MAX]) {
  size_t count = 0;
  for (size_t i = find_type(compartment, resource_type); i < compartment->count; i++) {
    if (strcmp(compartment->paths[i].resource_type, resource_type) != 0) break;
    paths[count++] = compartment->paths[i].path;
  }
  return count;
}

bool fhx__compartment_knows(const fhx__compartment *compartment, const char *resource_type) {
  if (strcmp(resource_type, "Patient") == 0) return true;
  size_t at = find_type(compartment, resource_type);
  return at < compartment->count &&
         strcmp(compartment->paths[at].resource_type, resource_type) == 0;
}

/* Follows the paths of `from` through the member `key`; whether one of them goes on there. */
static bool follow(const frame *from, size_t path_count, fhx__raw_string key, frame *to) {
  bool any = false;
  for (size_t i = 0; i < path_count; i++) {
    const char *rest = from->rest[i];
    to->rest[i] = NULL;
    if (rest == NULL || *rest == '\0') continue;
    size_t len = strcspn(rest, ".");
    if (!fhx__raw_equals(key, rest, len)) continue;
    to->rest[i] = rest + len + (rest[len] == '.' ? 1 : 0);
    any = true;
  }
  return any;
}

static bool is_reference(const frame *object, size_t path_count) {
  for (size_t i = 0; i < path_count; i++) {
    if (object->rest[i] != NULL && *object->rest[i] == '\0') return true;
  }
  return false;
}

/* Reads the string of a `reference`; whether it means a wanted patient. */
static bool read_reference(walk *on) {
  fhx__raw_string text = {NULL, 0, false};
  char id[FHX__ID_MAX + 1];
  size_t len = 0;
  return fhx__raw_read_string(&on->raw, &text) &&
         fhx__reference_patient(text, on->test->base_url, id, &len) &&
         on->test->wanted(on->test->context, id, len);
}

/* Reads a member as far as the value, or, off the paths, behind it. Whether a wanted patient was
   found. */
static bool read_member(walk *on) {
  static const char reference[] = "reference";
  frame *object = &on->frames[on->depth];
  fhx__raw_string key = {NULL, 0, false};
  if (!fhx__raw_read_string(&on->raw, &key)) return false;
  if (on->raw.at < on->raw.end) on->raw.at++; /* the colon */
  char begins = on->raw.at < on->raw.end ? *on->raw.at : '\0';
  /* What is no string may be that of a CodeableReference, to which a path leads. */
  if (begins == '"' && is_reference(object, on->path_count) &&
      fhx__raw_equals(key, reference, sizeof reference - 1)) {
    return read_reference(on);
  }
  frame next = {{NULL}, 0};
  bool goes_on = on->depth + 1 < FRAMES_MAX && follow(object, on->path_count, key, &next);
  bool container = begins == '{' || begins == '[';
  if (!goes_on || !container) {
    fhx__raw_skip_value(&on->raw);
    return false;
  }
  on->frames[on->depth + 1] = next;
  if (*on->raw.at++ == '[') {
    object->arrays = 1;
  } else {
    on->depth++;
  }
  return false;
}

/* Reads one step inside the list of a member that is on a path. */
static void read_in_list(walk *on) {
  frame *object = &on->frames[on->depth];
  switch (*on->raw.at) {
    case '[':
      object->arrays++;
      on->raw.at++;
      break;
    case ']':
      object->arrays--;
      on->raw.at++;
      break;
    case ',':
      on->raw.at++;
      break;
    case '{':
      /* The next frame still holds what `follow` found for the whole list. */
      on->depth++;
      on->raw.at++;
      break;
    default:
      fhx__raw_skip_value(&on->raw);
  }
}

static bool walk_object(walk *on) {
  while (on->raw.at < on->raw.end) {
    if (on->frames[on->depth].arrays > 0) {
      read_in_list(on);
    } else if (*on->raw.at == '"') {
      if (read_member(on)) return true;
    } else if (*on->raw.at++ == '}') {
      if (on->depth == 0) return false;
      on->depth--;
    }
  }
  return false;
}

bool fhx__compartment_has(const fhx__compartment *compartment, const char *resource_type,
                          const char *id, const char *line, size_t len,
                          const fhx__patient_test *test) {
  if (strcmp(resource_type, "Patient") == 0 && test->wanted(test->context, id, strlen(id))) {
    return true;
  }
  if (len == 0 || *line != '{') return false;
  walk on = {{line + 1, line + len}, {{{NULL}, 0}}, 0, 0, test};
  on.path_count = take_paths(compartment, resource_type, on.frames[0].rest);
  return on.path_count > 0 && walk_object(&on);
}
