/* Reads search queries: the type, the parameters and the modifiers. */
#include "select/search.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/names.h"
#include "select/search_parts.h"

/* Of a parameter or modifier that a sentence repeats. */
#define NAME_MAX_SHOWN 64

/* --- memory --- */

typedef union kept {
  void *before;
  max_align_t aligned;
} kept;

void *fhx__search_keep(fhx__search *search, size_t count, size_t byte_count) {
  if (byte_count != 0 && count > (SIZE_MAX - sizeof(kept)) / byte_count) return NULL;
  kept *piece = fhx__alloc_zeroed(1, sizeof(kept) + count * byte_count);
  if (piece == NULL) return NULL;
  piece->before = search->kept;
  search->kept = piece;
  return piece + 1;
}

static char *keep_text(fhx__search *search, const char *text, size_t len) {
  char *copy = fhx__search_keep(search, len + 1, 1);
  if (copy != NULL) memcpy(copy, text, len);
  return copy;
}

void fhx__search_free(fhx__search *search) {
  if (search == NULL) return;
  for (kept *piece = search->kept; piece != NULL;) {
    kept *before = piece->before;
    fhx__free(piece);
    piece = before;
  }
  fhx__free(search);
}

const char *fhx__search_type(const fhx__search *search) {
  return search->resource_type;
}

const char *fhx__search_text(const fhx__search *search) {
  return search->text;
}

/* --- refusals --- */

typedef struct reader {
  fhx__search *search;
  const fhx__search_row *row;
  uint32_t version;
  fhx__search_refusal *refusal;
} reader;

/* What can be shown of a name from outside. */
static const char *shown(const char *name) {
  static const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-";
  size_t len = strlen(name);
  return len > 0 && len <= NAME_MAX_SHOWN && strspn(name, letters) == len ? name
                                                                          : "of no known form";
}

static int32_t refuse(const reader *in, int32_t status, const char *text) {
  snprintf(in->refusal->text, sizeof in->refusal->text, "%s", text);
  return status;
}

/* "The search parameter NAME of TYPE ..." */
static int32_t refuse_parameter(const reader *in, int32_t status, const char *name,
                                const char *what) {
  snprintf(in->refusal->text, sizeof in->refusal->text, "the search parameter %s of %s %s",
           shown(name), in->row->resource_type, what);
  return status;
}

static int32_t no_memory(const reader *in) {
  return refuse(in, FHX_ERR_NO_MEMORY, "out of memory");
}

/* --- the type --- */

static const fhx__search_row *find_row(const char *type, uint32_t version) {
  size_t low = 0, high = fhx__search_table_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(fhx__search_table[middle].resource_type, type);
    if (order == 0) {
      return (fhx__search_table[middle].versions & version) != 0 ? &fhx__search_table[middle]
                                                                 : NULL;
    }
    if (order < 0) low = middle + 1;
    if (order > 0) high = middle;
  }
  return NULL;
}

static int32_t read_type(reader *in) {
  char type[FHX__TYPE_MAX + 1];
  const char *text = in->search->text;
  size_t len = strcspn(text, "?");
  if (!fhx__is_type_name(text, len)) {
    if (memchr(text, '/', len) != NULL) {
      return refuse(in, FHX_ERR_ARGUMENT,
                    "a query must begin with a resource type, not with a path");
    }
    return refuse(in, FHX_ERR_ARGUMENT, "a query must begin with a resource type");
  }
  memcpy(type, text, len);
  type[len] = '\0';
  in->row = find_row(type, in->version);
  if (in->row != NULL) {
    in->search->resource_type = in->row->resource_type;
    return FHX_OK;
  }
  snprintf(in->refusal->text, sizeof in->refusal->text, "the resource type %s is not known", type);
  return FHX_ERR_UNSUPPORTED;
}

/* --- parameters --- */

/* A parameter as the table, or the list of those that all types have, has it. */
typedef struct parameter {
  fhx__search_kind kind;
  const char *paths;
  size_t paths_len;
} parameter;

static const struct {
  const char *name;
  fhx__search_kind kind;
  const char *path;
} common[] = {
    {"_id", FHX__SEARCH_ID, ""},
    {"_lastUpdated", FHX__SEARCH_UPDATED, ""},
    {"_profile", FHX__SEARCH_CANONICAL, "meta.profile"},
    {"_security", FHX__SEARCH_TOKEN, "meta.security"},
    {"_source", FHX__SEARCH_URI, "meta.source"},
    {"_tag", FHX__SEARCH_TOKEN, "meta.tag"},
};

/* Of results, not of resources (PARAM-20). */
static const char *const of_results[] = {
    "_contained",  "_containedType", "_count", "_elements", "_graph",   "_include",
    "_maxresults", "_revinclude",    "_score", "_sort",     "_summary", "_total",
};

static bool is_of_results(const char *name) {
  for (size_t i = 0; i < sizeof of_results / sizeof of_results[0]; i++) {
    if (strcmp(name, of_results[i]) == 0) return true;
  }
  return false;
}

static bool kind_of(char letter, fhx__search_kind *kind) {
  static const char letters[] = "tdrsunq";
  static const fhx__search_kind kinds[] = {
      FHX__SEARCH_TOKEN, FHX__SEARCH_DATE,   FHX__SEARCH_REFERENCE, FHX__SEARCH_STRING,
      FHX__SEARCH_URI,   FHX__SEARCH_NUMBER, FHX__SEARCH_QUANTITY};
  const char *at = strchr(letters, letter);
  if (at == NULL) return false;
  *kind = kinds[at - letters];
  return true;
}

/* Looks a name up; *is_known: FHIR has it, whether or not it is supported. */
static bool find_parameter(const reader *in, const char *name, parameter *found, bool *is_known) {
  *is_known = false;
  for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
    if (strcmp(common[i].name, name) != 0) continue;
    *found = (parameter){common[i].kind, common[i].path, strlen(common[i].path)};
    return true;
  }
  size_t name_len = strlen(name);
  const char *at = in->row->parameters;
  for (size_t len = 0; *at != '\0'; at += len + 1) {
    len = strcspn(at, " ");
    if (name_len == 0 || strncmp(at, name, name_len) != 0 || at[name_len] != '=') continue;
    const char *entry = at + name_len + 1;
    if (((uint32_t)(entry[1] - '0') & in->version) == 0) continue;
    *is_known = true;
    found->paths = entry + 2;
    found->paths_len = (size_t)(at + len - found->paths);
    if (!kind_of(*entry, &found->kind)) return false;
    if (found->paths[found->paths_len - 1] == '!') found->kind = FHX__SEARCH_NOT_FALSE;
    return true;
  }
  return false;
}

/* --- modifiers --- */

#define KIND(kind) (1u << FHX__SEARCH_##kind)

static const struct {
  const char *name;
  fhx__search_modifier modifier;
  /* The kinds that have it. */
  unsigned kinds;
} modifiers[] = {
    {"missing", FHX__SEARCH_MISSING, ~KIND(NOT_FALSE)},
    {"not", FHX__SEARCH_NOT, KIND(TOKEN) | KIND(ID)},
    {"exact", FHX__SEARCH_EXACT, KIND(STRING)},
    {"contains", FHX__SEARCH_CONTAINS, KIND(STRING)},
    {"below", FHX__SEARCH_BELOW, KIND(URI)},
    {"above", FHX__SEARCH_ABOVE, KIND(URI)},
    {"identifier", FHX__SEARCH_IDENTIFIER, KIND(REFERENCE)},
};

/* Reads a modifier; *only is the type that it names, or "". */
static bool read_modifier(const reader *in, const char *name, fhx__search_condition *condition,
                          const char **only) {
  if (name == NULL) return true;
  for (size_t i = 0; i < sizeof modifiers / sizeof modifiers[0]; i++) {
    if (strcmp(modifiers[i].name, name) != 0) continue;
    condition->modifier = modifiers[i].modifier;
    condition->negated = condition->modifier == FHX__SEARCH_NOT;
    return (modifiers[i].kinds >> condition->kind & 1) != 0;
  }
  const fhx__search_row *row = find_row(name, in->version);
  if (row == NULL || condition->kind != FHX__SEARCH_REFERENCE) return false;
  condition->modifier = FHX__SEARCH_OF_TYPE;
  *only = row->resource_type;
  return true;
}

/* --- the tree of paths --- */

/* The member of that name; made if it is new. NULL: no memory, or too many below the root. */
static fhx__search_node *step(reader *in, fhx__search_node *node, fhx__search_text_part name) {
  fhx__search_node **end = &node->first;
  for (; *end != NULL; end = &(*end)->next) {
    if ((*end)->name.len == name.len && memcmp((*end)->name.text, name.text, name.len) == 0) {
      return *end;
    }
  }
  bool below_root = node == &in->search->root;
  if (below_root && in->search->root_count == FHX__SEARCH_ROOTS_MAX) return NULL;
  fhx__search_node *made = fhx__search_keep(in->search, 1, sizeof *made);
  if (made == NULL) return NULL;
  made->name = name;
  if (below_root) made->root = UINT64_C(1) << in->search->root_count++;
  *end = made;
  return made;
}

static bool add_path(reader *in, const char *path, size_t len, size_t number) {
  fhx__search_condition *condition = &in->search->conditions[number];
  fhx__search_use *use = fhx__search_keep(in->search, 1, sizeof *use);
  fhx__search_node *node = &in->search->root;
  const char *end = path + len;
  if (use == NULL) return false;
  use->condition = number;
  while (path < end && *path != '@' && *path != '#' && *path != '!') {
    size_t name_len = strcspn(path, ".@#!| ");
    if (name_len > (size_t)(end - path)) name_len = (size_t)(end - path);
    node = step(in, node, (fhx__search_text_part){path, name_len});
    if (node == NULL) return false;
    node->conditions |= UINT64_C(1) << number;
    condition->roots |= node->root;
    path += name_len;
    if (path < end && *path == '.') path++;
  }
  fhx__search_text_part only = {path + 1, path < end ? (size_t)(end - path) - 1 : 0};
  if (path < end && *path == '@') use->only_type = only;
  if (path < end && *path == '#') use->only_system = only;
  use->next = node->uses;
  node->uses = use;
  return true;
}

/* Without memory, or with too many members of the root. */
static int32_t add_paths(reader *in, const parameter *from, size_t number) {
  const char *at = from->paths;
  const char *end = at + from->paths_len;
  while (at < end) {
    const char *bar = memchr(at, '|', (size_t)(end - at));
    if (bar == NULL) bar = end;
    if (!add_path(in, at, (size_t)(bar - at), number)) {
      if (in->search->root_count < FHX__SEARCH_ROOTS_MAX) return no_memory(in);
      return refuse(in, FHX_ERR_ARGUMENT, "a query has too many parameters");
    }
    at = bar < end ? bar + 1 : end;
  }
  in->search->walked |= UINT64_C(1) << number;
  return FHX_OK;
}

/* --- a condition --- */

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Undoes the URL's encoding in place; false: it is broken, or gives no UTF-8, or a NUL. */
static bool undo_percents(char *text) {
  char *to = text;
  for (const char *at = text; *at != '\0'; at++) {
    if (*at != '%') {
      *to++ = *at;
      continue;
    }
    int high = hex_value(at[1]);
    int low = high < 0 ? -1 : hex_value(at[2]);
    if (low < 0 || high * 16 + low == 0) return false;
    *to++ = (char)(high * 16 + low);
    at += 2;
  }
  *to = '\0';
  return fhx__is_utf8(text, (size_t)(to - text));
}

/* What a parameter that is not in the tables is refused with. */
static int32_t refuse_name(const reader *in, const char *name, const char *modifier,
                           bool is_known) {
  if (is_of_results(name)) {
    return refuse_parameter(in, FHX_ERR_ARGUMENT, name,
                            "is one of results and cannot be in a query");
  }
  if (strcmp(name, "_has") == 0 || strchr(name, '.') != NULL ||
      (modifier != NULL && strchr(modifier, '.') != NULL)) {
    return refuse_parameter(in, FHX_ERR_UNSUPPORTED, name,
                            "leads to other resources, which is not supported");
  }
  return refuse_parameter(in, FHX_ERR_UNSUPPORTED, name,
                          is_known ? "is not supported" : "is not known");
}

static int32_t refuse_modifier(const reader *in, const char *name, const char *modifier) {
  snprintf(in->refusal->text, sizeof in->refusal->text,
           "the modifier %s of the search parameter %s of %s is not supported", shown(modifier),
           shown(name), in->row->resource_type);
  return FHX_ERR_UNSUPPORTED;
}

/* Reads `name[:modifier]` and its values into the next condition. */
static int32_t read_condition(reader *in, char *name, char *values) {
  size_t number = in->search->condition_count;
  fhx__search_condition *condition = &in->search->conditions[number];
  parameter found = {FHX__SEARCH_TOKEN, "", 0};
  const char *only = "";
  const char *why = NULL;
  bool is_known = false;
  char *modifier = strchr(name, ':');
  if (modifier != NULL) *modifier++ = '\0';
  bool is_chain = modifier != NULL && strchr(modifier, '.') != NULL;
  if (is_chain || !find_parameter(in, name, &found, &is_known)) {
    return refuse_name(in, name, modifier, is_known);
  }
  if (number == FHX__SEARCH_CONDITIONS_MAX) {
    return refuse(in, FHX_ERR_ARGUMENT, "a query has too many parameters");
  }
  condition->kind = found.kind;
  if (!read_modifier(in, modifier, condition, &only)) return refuse_modifier(in, name, modifier);
  int32_t status = fhx__search_read_values(in->search, condition, values, only, &why);
  if (status == FHX_ERR_NO_MEMORY) return no_memory(in);
  if (status != FHX_OK) return refuse_parameter(in, status, name, why);
  if (condition->kind == FHX__SEARCH_ANYTHING) {
    /* It is none, and the next one has its place. */
    *condition = (fhx__search_condition){0};
    return FHX_OK;
  }
  in->search->condition_count++;
  bool by_facts = condition->kind == FHX__SEARCH_ID || condition->kind == FHX__SEARCH_UPDATED;
  return by_facts ? FHX_OK : add_paths(in, &found, number);
}

/* One piece between ampersands. */
static int32_t read_piece(reader *in, char *piece) {
  char *values = strchr(piece, '=');
  if (values != NULL) *values++ = '\0';
  if (!undo_percents(piece)) {
    return refuse(in, FHX_ERR_ARGUMENT, "a query has a parameter whose name is not encoded well");
  }
  if (values == NULL) return refuse_parameter(in, FHX_ERR_ARGUMENT, piece, "has no value");
  if (!undo_percents(values)) {
    return refuse_parameter(in, FHX_ERR_ARGUMENT, piece, "has a value that is not encoded well");
  }
  return read_condition(in, piece, values);
}

static int32_t read_query(reader *in) {
  int32_t status = read_type(in);
  const char *mark = strchr(in->search->text, '?');
  if (status != FHX_OK || mark == NULL) return status;
  char *query = keep_text(in->search, mark + 1, strlen(mark + 1));
  in->search->conditions =
      fhx__search_keep(in->search, FHX__SEARCH_CONDITIONS_MAX, sizeof(fhx__search_condition));
  if (query == NULL || in->search->conditions == NULL) return no_memory(in);
  while (status == FHX_OK && *query != '\0') {
    size_t len = strcspn(query, "&");
    char *next = query + len + (query[len] == '&' ? 1 : 0);
    query[len] = '\0';
    /* Nothing between two ampersands is no parameter. */
    if (len > 0) status = read_piece(in, query);
    query = next;
  }
  return status;
}

static uint32_t version_bit(uint32_t fhir_version) {
  switch (fhir_version) {
    case FHX_FHIR_R4:
      return FHX__SEARCH_R4;
    case FHX_FHIR_R4B:
      return FHX__SEARCH_R4B;
    case FHX_FHIR_R5:
      return FHX__SEARCH_R5;
    default:
      return 0;
  }
}

int32_t fhx__search_parse(const char *text, uint32_t fhir_version, fhx__search **search,
                          fhx__search_refusal *refusal) {
  reader in = {NULL, NULL, version_bit(fhir_version), refusal};
  *search = NULL;
  refusal->text[0] = '\0';
  if (in.version == 0) return refuse(&in, FHX_ERR_ARGUMENT, "the FHIR version is not known");
  in.search = fhx__alloc_zeroed(1, sizeof *in.search);
  if (in.search == NULL) return no_memory(&in);
  in.search->text = keep_text(in.search, text, strlen(text));
  int32_t status = in.search->text == NULL ? no_memory(&in) : read_query(&in);
  if (status != FHX_OK) {
    fhx__search_free(in.search);
    return status;
  }
  *search = in.search;
  return FHX_OK;
}

/* --- what there is --- */

static const char *kind_name(fhx__search_kind kind, uint32_t version) {
  switch (kind) {
    case FHX__SEARCH_DATE:
    case FHX__SEARCH_UPDATED:
      return "date";
    case FHX__SEARCH_REFERENCE:
      return "reference";
    case FHX__SEARCH_STRING:
      return "string";
    case FHX__SEARCH_URI:
      return "uri";
    case FHX__SEARCH_NUMBER:
      return "number";
    case FHX__SEARCH_QUANTITY:
      return "quantity";
    case FHX__SEARCH_CANONICAL:
      return version == FHX__SEARCH_R5 ? "reference" : "uri";
    default:
      return "token";
  }
}

void fhx__search_list(const char *resource_type, uint32_t fhir_version,
                      fhx__search_parameter_callback callback, void *context) {
  const uint32_t version = version_bit(fhir_version);
  const fhx__search_row *row = find_row(resource_type, version);
  if (row == NULL) return;
  for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
    callback(context, common[i].name, strlen(common[i].name), kind_name(common[i].kind, version));
  }
  const char *at = row->parameters;
  for (size_t len = 0; *at != '\0'; at += len + 1) {
    fhx__search_kind kind = FHX__SEARCH_TOKEN;
    size_t name_len = strcspn(at, "=");
    len = strcspn(at, " ");
    if (((uint32_t)(at[name_len + 2] - '0') & version) == 0) continue;
    if (kind_of(at[name_len + 1], &kind)) callback(context, at, name_len, kind_name(kind, version));
  }
}

/* --- lists --- */

/* Whether a query begins here: `Type?`, or a path up to a question mark, which the reader refuses.
 */
static bool begins_query(const char *text) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static const char of_path[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/$";
  size_t len = strspn(text, letters);
  if (!fhx__is_type_name(text, len)) return false;
  if (text[len] == '/') len += strspn(text + len, of_path);
  return text[len] == '?';
}

int32_t fhx__search_split(const char *list, fhx__search_query_callback callback, void *context) {
  const char *begin = list;
  for (const char *at = list;; at++) {
    if (*at == '\\' && at[1] != '\0') {
      at++;
      continue;
    }
    bool ends = *at == '\0' || (*at == ',' && begins_query(at + 1));
    if (!ends) continue;
    int32_t status = callback(context, begin, (size_t)(at - begin));
    if (status != FHX_OK || *at == '\0') return status;
    begin = at + 1;
  }
}
