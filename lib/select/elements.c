/* `_elements`: reading what is wanted, and telling what is kept by its key. */
#include "select/elements.h"

#include <fhirexport/filter.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/names.h"
#include "select/element_table.h"
#include "select/raw_json.h"

#define ELEMENT_MAX 64
/* Longer ones are not repeated in messages. */
#define SHOWN_MAX 64
/* Kept names are found by a hash of how they begin. */
#define SLOTS_LOG 8
#define SLOTS (1 << SLOTS_LOG)

/* Elements that no table has, since all types have them, and those that Bundle, Binary and
   Parameters have not. */
static const char *const shared[] = {"id", "implicitRules", "language", "meta"};
static const char *const domain_shared[] = {"contained", "extension", "modifierExtension", "text"};
static const char *const always[] = {"id", "implicitRules", "meta", "modifierExtension",
                                     "resourceType"};
#define COUNT_OF(list) (sizeof(list) / sizeof(list)[0])

/* Points into a table. */
typedef struct element {
  const char *name;
  size_t len;
  bool is_choice;
} element;

struct fhx__kept {
  const fhx__element_row *row;
  /* Whether anything was wanted of this type; if not, all is kept. */
  bool is_bound;
  /* What is being added, while it may still fail; without a name: nothing. */
  element added;
  /* By their slots: those of slot i are from from[i] on, up to from[i + 1]. NULL until the type is
     to be bound; there is room for all that it can have. */
  uint8_t from[SLOTS + 1];
  element *elements;
};

struct fhx__elements {
  /* As the table has it. */
  char version;
  /* One for each type of the version, in ascending order. */
  size_t type_count;
  fhx__kept types[];
};

/* --- the table --- */

static char version_digit(uint32_t fhir_version) {
  return fhir_version == FHX_FHIR_R5    ? FHX__ELEMENTS_R5
         : fhir_version == FHX_FHIR_R4B ? FHX__ELEMENTS_R4B
                                        : FHX__ELEMENTS_R4;
}

static bool is_of_version(const fhx__element_row *row, char version) {
  return strchr(row->versions, version) != NULL;
}

/* Reads the element at *at, which moves behind it. Whether it is the version's. */
static bool read_element(const char **at, char version, element *read, bool *is_mandatory) {
  const char *name = *at;
  size_t len = strcspn(name, "!*/ ");
  const char *marks = name + len;
  *is_mandatory = *marks == '!';
  if (*marks == '!') marks++;
  *read = (element){name, len, *marks == '*'};
  if (*marks == '*') marks++;
  size_t versions = strcspn(marks, " ");
  *at = marks + versions + 1;
  return versions == 0 || memchr(marks, version, versions) != NULL;
}

/* Reads the next element of the version; false at the end. */
static bool next_element(const char **at, char version, element *next, bool *is_mandatory) {
  while (**at != '\0') {
    if (read_element(at, version, next, is_mandatory)) return true;
  }
  return false;
}

static bool has_name(const element *one, const char *name, size_t len) {
  return one->len == len && memcmp(one->name, name, len) == 0;
}

static bool find_in(const char *const *names, size_t count, const char *name, element *found) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(names[i], name) != 0) continue;
    *found = (element){names[i], strlen(name), false};
    return true;
  }
  return false;
}

static bool is_domain_resource(const char *type) {
  return strcmp(type, "Bundle") != 0 && strcmp(type, "Binary") != 0 &&
         strcmp(type, "Parameters") != 0;
}

/* Finds an element of the row by its name. Entries begin behind a space; most of what the search
   stops at is one. */
static bool find_entry(const fhx__element_row *row, char version, const char *name,
                       element *found) {
  size_t len = strlen(name);
  bool is_mandatory = false;
  for (const char *at = strstr(row->elements, name); at != NULL; at = strstr(at + 1, name)) {
    if (at != row->elements && at[-1] != ' ') continue;
    const char *entry = at;
    if (read_element(&entry, version, found, &is_mandatory) && found->len == len) return true;
  }
  return false;
}

/* Finds an element that a client can name. */
static bool find_element(const fhx__element_row *row, char version, const char *name,
                         element *found) {
  return find_entry(row, version, name, found) || find_in(shared, COUNT_OF(shared), name, found) ||
         (is_domain_resource(row->resource_type) &&
          find_in(domain_shared, COUNT_OF(domain_shared), name, found));
}

/* --- making --- */

int32_t fhx__elements_new(uint32_t fhir_version, fhx__elements **elements, fhx_error **error) {
  char version = version_digit(fhir_version);
  size_t count = 0;
  for (size_t i = 0; i < fhx__element_count; i++) {
    count += is_of_version(&fhx__element_table[i], version) ? 1 : 0;
  }
  fhx__elements *made = fhx__alloc_zeroed(1, sizeof *made + count * sizeof *made->types);
  *elements = made;
  if (made == NULL) return fhx__no_memory(error);
  made->version = version;
  for (size_t i = 0; i < fhx__element_count; i++) {
    const fhx__element_row *row = &fhx__element_table[i];
    if (is_of_version(row, version)) made->types[made->type_count++].row = row;
  }
  return FHX_OK;
}

void fhx__elements_free(fhx__elements *elements) {
  if (elements == NULL) return;
  for (size_t i = 0; i < elements->type_count; i++) fhx__free(elements->types[i].elements);
  fhx__free(elements);
}

/* --- what is kept of a type --- */

/* The slot of a key, by its first bytes. Its closing quote and colon may be among them; the
   shortest name, "id", goes by two, as do names whose third letter begins a choice's type. */
static inline size_t slot_of(const char *key) {
  uint32_t head = (uint32_t)(unsigned char)key[0] << 8 | (unsigned char)key[1];
  if (key[2] >= 'a' && key[2] <= 'z') head |= (uint32_t)(unsigned char)key[2] << 16;
  return head * UINT32_C(0x9E3779B1) >> (32 - SLOTS_LOG);
}

/* There is room. */
static void keep(fhx__kept *kept, const element *one) {
  size_t slot = slot_of(one->name), at = kept->from[slot + 1];
  for (size_t i = kept->from[slot]; i < at; i++) {
    if (has_name(&kept->elements[i], one->name, one->len)) return;
  }
  size_t behind = kept->from[SLOTS] - at;
  memmove(&kept->elements[at + 1], &kept->elements[at], behind * sizeof *one);
  kept->elements[at] = *one;
  while (++slot <= SLOTS) kept->from[slot]++;
}

/* Makes room, and keeps what is always kept. The type is not bound by that. */
static int32_t prepare(fhx__kept *kept, char version) {
  size_t count = COUNT_OF(always) + COUNT_OF(shared) + COUNT_OF(domain_shared);
  const char *at = kept->row->elements;
  bool is_mandatory = false;
  element one = {NULL, 0, false};
  if (kept->elements != NULL) return FHX_OK;
  while (next_element(&at, version, &one, &is_mandatory)) count++;
  kept->elements = fhx__alloc_zeroed(count, sizeof *kept->elements);
  if (kept->elements == NULL) return FHX_ERR_NO_MEMORY;
  for (size_t i = 0; i < COUNT_OF(always); i++) {
    one = (element){always[i], strlen(always[i]), false};
    keep(kept, &one);
  }
  for (at = kept->row->elements; next_element(&at, version, &one, &is_mandatory);) {
    if (is_mandatory) keep(kept, &one);
  }
  return FHX_OK;
}

/* --- reading a wish --- */

/* `Type.element`, or `element` with a type of no length. */
typedef struct wish {
  const char *text;
  size_t type_len;
  const char *name;
} wish;

static bool is_element_name(const char *text, size_t len) {
  if (len == 0 || len > ELEMENT_MAX || *text < 'a' || *text > 'z') return false;
  for (size_t i = 1; i < len; i++) {
    char c = text[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_letter) return false;
  }
  return true;
}

static bool read_wish(const char *text, wish *read) {
  const char *dot = strchr(text, '.');
  const char *name = dot == NULL ? text : dot + 1;
  *read = (wish){text, dot == NULL ? 0 : (size_t)(dot - text), name};
  return is_element_name(name, strlen(name)) &&
         (dot == NULL || fhx__is_type_name(text, read->type_len));
}

static bool is_meant(const wish *of, const fhx__kept *type) {
  const char *name = type->row->resource_type;
  return of->type_len == 0 ||
         (strncmp(name, of->text, of->type_len) == 0 && name[of->type_len] == '\0');
}

static int32_t refuse_unknown(const char *text, fhx_error **error) {
  bool is_short = strlen(text) <= SHOWN_MAX;
  return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                   "_elements: %s is not a root element of a resource type in this version of FHIR",
                   is_short ? text : "what was named");
}

int32_t fhx__elements_add(fhx__elements *elements, const char *element_text, fhx_error **error) {
  wish of = {NULL, 0, NULL};
  element found = {NULL, 0, false};
  char version = elements->version;
  bool is_known = false;
  if (!read_wish(element_text, &of)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "_elements: not a root element such as Patient.birthDate or birthDate; what "
                     "is below one cannot be named");
  }
  for (size_t i = 0; i < elements->type_count; i++) {
    fhx__kept *type = &elements->types[i];
    type->added.name = NULL;
    if (!is_meant(&of, type) || !find_element(type->row, version, of.name, &found)) continue;
    if (prepare(type, version) != FHX_OK) return fhx__no_memory(error);
    type->added = found;
    is_known = true;
  }
  if (!is_known) return refuse_unknown(element_text, error);
  for (size_t i = 0; i < elements->type_count; i++) {
    fhx__kept *type = &elements->types[i];
    if (type->added.name == NULL) continue;
    keep(type, &type->added);
    type->is_bound = true;
  }
  return FHX_OK;
}

/* --- asking --- */

static int compare_type(const void *name, const void *kept) {
  return strcmp(name, ((const fhx__kept *)kept)->row->resource_type);
}

const fhx__kept *fhx__elements_of(const fhx__elements *elements, const char *resource_type) {
  const fhx__kept *kept = bsearch(resource_type, elements->types, elements->type_count,
                                  sizeof elements->types[0], compare_type);
  return kept != NULL && kept->is_bound ? kept : NULL;
}

/* A choice's key goes on with the data type. */
static bool is_key_of(const element *one, const char *key, size_t len) {
  if (len < one->len || memcmp(key, one->name, one->len) != 0) return false;
  return len == one->len || (one->is_choice && key[one->len] >= 'A' && key[one->len] <= 'Z');
}

/* A key with escapes is longer than what it spells; one that spells no name is not kept. */
static size_t spell(const char *key, size_t len, char name[ELEMENT_MAX]) {
  fhx__raw inside = {key, key + len};
  size_t used = 0;
  for (int c = fhx__raw_next_byte(&inside); c >= 0; c = fhx__raw_next_byte(&inside)) {
    if (used == ELEMENT_MAX) return 0;
    name[used++] = (char)c;
  }
  return used;
}

static inline fhx__fate fate_of(const fhx__kept *kept, const char *key, size_t len) {
  size_t sibling = *key == '_' ? 1 : 0;
  size_t slot = slot_of(key + sibling);
  for (size_t i = kept->from[slot]; i < kept->from[slot + 1]; i++) {
    if (!is_key_of(&kept->elements[i], key + sibling, len - sibling)) continue;
    return len == 4 && memcmp(key, "meta", 4) == 0 ? FHX__FATE_META : FHX__FATE_KEPT;
  }
  return FHX__FATE_DROPPED;
}

/* Most keys that are not kept are told at once: they begin as no kept one does. */
static inline bool may_have_escape(const fhx__kept *kept, const char *key, size_t len) {
  const char *name = key + (*key == '_' ? 1 : 0);
  size_t slot = slot_of(name);
  bool is_free = kept->from[slot] == kept->from[slot + 1];
  if (is_free && name[0] != '\\' && name[1] != '\\' && name[2] != '\\') return false;
  return memchr(key, '\\', len) != NULL;
}

fhx__fate fhx__kept_fate(const fhx__kept *kept, const char *key, size_t len) {
  /* What is spelt ends with something that no key holds, as a key in a line does. */
  char spelt[ELEMENT_MAX + 3] = "";
  fhx__fate fate = fate_of(kept, key, len);
  if (fate != FHX__FATE_DROPPED || !may_have_escape(kept, key, len)) return fate;
  size_t spelt_len = spell(key, len, spelt);
  return spelt_len == 0 ? fate : fate_of(kept, spelt, spelt_len);
}
