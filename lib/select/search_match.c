/*
 * A search query evaluated on a compact line: one pass, no tree, no allocation.
 *
 * The paths of all conditions are one tree, and only members that lie on it are entered. Behind a
 * member of the root the conditions that had all their paths there are settled, and the walk ends
 * as soon as the answer is known: of a resource that does not match, most is not read.
 */
#include <string.h>

#include "select/search_parts.h"

/* The root, and an object for each segment. */
#define FRAMES_MAX (FHX__SEARCH_SEGMENTS_MAX + 1)

typedef struct frame {
  const fhx__search_node *node;
  /* The member being read; its list is open in `arrays` levels. */
  const fhx__search_node *member;
  size_t arrays;
} frame;

typedef struct walk {
  fhx__raw raw;
  const fhx__search *search;
  const char *base_url;
  frame frames[FRAMES_MAX];
  size_t depth;
  /* Conditions that are not settled, and members of the root that were passed. */
  uint64_t open;
  uint64_t passed;
  /* A condition does not hold. */
  bool failed;
} walk;

/* An element with nothing but an id and extensions has no value. */
static bool has_value(fhx__raw value) {
  fhx__raw_string key = {NULL, 0, false};
  if (!fhx__search_enter(&value)) return *value.at != 'n';
  while (fhx__search_next_member(&value, &key)) {
    if (!FHX__SEARCH_IS(key, "extension") && !FHX__SEARCH_IS(key, "id")) return true;
    fhx__raw_skip_value(&value);
  }
  return false;
}

/* Whether something is there, as :missing and what is not false have it. */
static bool is_present(const fhx__search_condition *condition, const fhx__search_use *use,
                       fhx__raw value) {
  fhx__raw_string key = {NULL, 0, false}, system = {NULL, 0, false};
  if (!has_value(value)) return false;
  if (condition->kind == FHX__SEARCH_NOT_FALSE) return *value.at != 'f';
  if (use->only_system.len > 0 && fhx__search_enter(&value)) {
    while (fhx__search_next_member(&value, &key)) {
      if (FHX__SEARCH_IS(key, "system")) fhx__search_string(value, &system);
      fhx__raw_skip_value(&value);
    }
    return system.text != NULL && fhx__search_spells(system, use->only_system);
  }
  return fhx__search_has_reference(use, value);
}

static bool meets(const walk *on, const fhx__search_condition *condition,
                  const fhx__search_use *use, fhx__raw value) {
  if (condition->modifier == FHX__SEARCH_MISSING) return is_present(condition, use, value);
  switch (condition->kind) {
    case FHX__SEARCH_TOKEN:
      return fhx__search_token(condition, use, value);
    case FHX__SEARCH_DATE:
      return fhx__search_date(condition, value);
    case FHX__SEARCH_REFERENCE:
      return fhx__search_reference(condition, use, value, on->base_url);
    case FHX__SEARCH_STRING:
      return fhx__search_words(condition, value);
    case FHX__SEARCH_URI:
      return fhx__search_uri(condition, value);
    case FHX__SEARCH_NUMBER:
    case FHX__SEARCH_QUANTITY:
      return fhx__search_quantity(condition, value);
    case FHX__SEARCH_CANONICAL:
      return fhx__search_canonical(condition, value);
    case FHX__SEARCH_NOT_FALSE:
      return is_present(condition, use, value);
    default:
      return false;
  }
}

/* Settles a condition, of which something matches or nothing can any more. */
static void settle(walk *on, size_t number, bool found) {
  on->open &= ~(UINT64_C(1) << number);
  if (found == on->search->conditions[number].negated) on->failed = true;
}

/* Looks at the value that stands here, which is a member's at the end of a path. */
static void look(walk *on, const fhx__search_node *member) {
  fhx__search_items items;
  for (const fhx__search_use *use = member->uses; use != NULL; use = use->next) {
    const fhx__search_condition *condition = &on->search->conditions[use->condition];
    bool more = fhx__search_first_item(on->raw, &items);
    for (; more && (on->open >> use->condition & 1) != 0; more = fhx__search_next_item(&items)) {
      if (meets(on, condition, use, items.raw)) settle(on, use->condition, true);
    }
  }
}

/* A member of the root is behind us: conditions with nothing more to come are settled. */
static void pass_root(walk *on) {
  const fhx__search_node *member = on->frames[0].member;
  if (member == NULL) return;
  on->frames[0].member = NULL;
  on->passed |= member->root;
  uint64_t left = member->conditions & on->open;
  for (size_t i = 0; left != 0; i++, left >>= 1) {
    if ((left & 1) != 0 && (on->search->conditions[i].roots & ~on->passed) == 0) {
      settle(on, i, false);
    }
  }
}

static const fhx__search_node *find_member(const fhx__search_node *object, fhx__raw_string key) {
  const fhx__search_node *node = object->first;
  while (node != NULL && !fhx__search_equals(key, node->name.text, node->name.len))
    node = node->next;
  return node;
}

/* Reads a member as far as the value's beginning where that is entered, else behind it. */
static void read_member(walk *on) {
  frame *object = &on->frames[on->depth];
  fhx__raw_string key = {NULL, 0, false};
  if (on->depth == 0) pass_root(on);
  if (!fhx__search_next_member(&on->raw, &key)) {
    on->raw.at = on->raw.end;
    return;
  }
  const fhx__search_node *member = find_member(object->node, key);
  if (member != NULL && (member->conditions & on->open) == 0) member = NULL;
  object->member = member;
  if (member != NULL) look(on, member);
  bool enters = member != NULL && member->first != NULL && on->depth + 1 < FRAMES_MAX &&
                (*on->raw.at == '{' || *on->raw.at == '[');
  if (!enters) {
    fhx__raw_skip_value(&on->raw);
  } else if (*on->raw.at++ == '[') {
    object->arrays = 1;
  } else {
    on->frames[++on->depth] = (frame){member, NULL, 0};
  }
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
      on->frames[++on->depth] = (frame){object->member, NULL, 0};
      on->raw.at++;
      break;
    default:
      fhx__raw_skip_value(&on->raw);
  }
}

static void walk_resource(walk *on) {
  while (on->raw.at < on->raw.end && on->open != 0 && !on->failed) {
    if (on->frames[on->depth].arrays > 0) {
      read_in_list(on);
    } else if (*on->raw.at == '}') {
      on->raw.at++;
      if (on->depth == 0) return;
      on->depth--;
    } else {
      read_member(on);
    }
  }
}

/* What the facts say of a condition on _id or _lastUpdated. */
static bool facts_meet(const fhx__search_condition *condition, const fhx__facts *facts) {
  bool is_id = condition->kind == FHX__SEARCH_ID;
  bool has = is_id ? facts->id[0] != '\0' : facts->has_updated;
  bool found = has && condition->modifier == FHX__SEARCH_MISSING;
  size_t id_len = strlen(facts->id);
  fhx__search_span instant = {facts->updated, facts->updated};
  for (size_t i = 0; has && !found && i < condition->value_count; i++) {
    const fhx__search_value *value = &condition->values[i];
    found = is_id ? value->text.len == id_len && memcmp(value->text.text, facts->id, id_len) == 0
                  : fhx__search_span_meets(value, instant);
  }
  return found != condition->negated;
}

int32_t fhx__search_matches(const fhx__search *search, const fhx__facts *facts, const char *line,
                            size_t len, const char *base_url, bool *matches) {
  *matches = false;
  if (strcmp(search->resource_type, facts->resource_type) != 0) return FHX_OK;
  for (size_t i = 0; i < search->condition_count; i++) {
    const fhx__search_condition *condition = &search->conditions[i];
    bool by_facts = condition->kind == FHX__SEARCH_ID || condition->kind == FHX__SEARCH_UPDATED;
    if (by_facts && !facts_meet(condition, facts)) return FHX_OK;
  }
  walk on = {0};
  on.raw = (fhx__raw){line, line + len};
  on.search = search;
  on.base_url = base_url;
  on.frames[0].node = &search->root;
  on.open = search->walked;
  if (on.open != 0 && fhx__search_enter(&on.raw)) walk_resource(&on);
  /* Of what is still open nothing was found. */
  for (size_t i = 0; on.open != 0 && i < search->condition_count; i++) {
    if ((on.open >> i & 1) != 0) settle(&on, i, false);
  }
  *matches = !on.failed;
  return FHX_OK;
}
