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
#define LETTERS 26
/* Bits of a kept type's sieve. */
#define SIEVE_LOG 8

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
  /* A bit for each kept name, by how it begins: most keys that are not kept are told by it. */
  uint64_t sieve[(1 << SIEVE_LOG) / 64];
  /* By the first letter of their names: those of letter i are from from[i] on, up to from[i + 1].
     NULL until the type is to be bound; there is room for all that it can have. */
  uint8_t from[LETTERS + 1];
  element *elements;
};

struct fhx__elements {
  /* One for each type of the version, in ascending order. */
  size_t type_count;
  fhx__kept types[];
};

/* --- the table --- */

static bool is_of_version(const fhx__element_row *row, uint32_t fhir_version) {
  uint32_t bit = fhir_version == FHX_FHIR_R5    ? FHX__ELEMENTS_R5
                 : fhir_version == FHX_FHIR_R4B ? FHX__ELEMENTS_R4B
                                                : FHX__ELEMENTS_R4;
  return (row->versions & bit) != 0;
}

/* Reads the element at *at, which moves behind it; false at the end. */
static bool next_element(const char **at, element *next, bool *is_mandatory) {
  const char *name = *at;
  size_t len = strcspn(name, "!* ");
  const char *marks = name + len;
  if (len == 0) return false;
  *is_mandatory = *marks == '!';
  if (*marks == '!') marks++;
  *next = (element){name, len, *marks == '*'};
  *at = marks + (*marks == '*') + 1;
  return true;
}

static bool has_name(const element *one, const char *name, size_t len) {
  return one->len == len && memcmp(one->name, name, len) == 0;
}

static bool find_in(const char *const *names, size_t count, const char *name, size_t len,
                    element *found) {
  for (size_t i = 0; i < count; i++) {
    *found = (element){names[i], strlen(names[i]), false};
    if (has_name(found, name, len)) return true;
  }
  return false;
}

static bool is_domain_resource(const char *type) {
  return strcmp(type, "Bundle") != 0 && strcmp(type, "Binary") != 0 &&
         strcmp(type, "Parameters") != 0;
}

/* Finds an element that a client can name. */
static bool find_element(const fhx__element_row *row, const char *name, size_t len,
                         element *found) {
  const char *at = row->elements;
  bool is_mandatory = false;
  while (next_element(&at, found, &is_mandatory)) {
    if (has_name(found, name, len)) return true;
  }
  return find_in(shared, COUNT_OF(shared), name, len, found) ||
         (is_domain_resource(row->resource_type) &&
          find_in(domain_shared, COUNT_OF(domain_shared), name, len, found));
}

/* --- making --- */

int32_t fhx__elements_new(uint32_t fhir_version, fhx__elements **elements, fhx_error **error) {
  size_t count = 0;
  for (size_t i = 0; i < fhx__element_count; i++) {
    count += is_of_version(&fhx__element_table[i], fhir_version);
  }
  fhx__elements *made = fhx__alloc_zeroed(1, sizeof *made + count * sizeof *made->types);
  *elements = made;
  if (made == NULL) return fhx__no_memory(error);
  for (size_t i = 0; i < fhx__element_count; i++) {
    const fhx__element_row *row = &fhx__element_table[i];
    if (is_of_version(row, fhir_version)) made->types[made->type_count++].row = row;
  }
  return FHX_OK;
}

void fhx__elements_free(fhx__elements *elements) {
  if (elements == NULL) return;
  for (size_t i = 0; i < elements->type_count; i++) fhx__free(elements->types[i].elements);
  fhx__free(elements);
}

/* --- what is kept of a type --- */

/* The bit of a key, by its first bytes. A key's closing quote and colon may be among them; the
   shortest name, "id", goes by two. */
static inline uint32_t sieve_bit(const char *key) {
  uint32_t head = (uint32_t)(unsigned char)key[0] << 8 | (unsigned char)key[1];
  if (key[2] >= 'a' && key[2] <= 'z') head |= (uint32_t)(unsigned char)key[2] << 16;
  return head * UINT32_C(0x9E3779B1) >> (32 - SIEVE_LOG);
}

/* There is room. */
static void keep(fhx__kept *kept, const element *one) {
  size_t letter = (size_t)(*one->name - 'a');
  size_t at = kept->from[letter + 1];
  for (size_t i = kept->from[letter]; i < at; i++) {
    if (has_name(&kept->elements[i], one->name, one->len)) return;
  }
  size_t behind = kept->from[LETTERS] - at;
  memmove(&kept->elements[at + 1], &kept->elements[at], behind * sizeof *one);
  kept->elements[at] = *one;
  while (++letter <= LETTERS) kept->from[letter]++;
  uint32_t bit = sieve_bit(one->name);
  kept->sieve[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* Makes room, and keeps what is always kept. The type is not bound by that. */
static int32_t prepare(fhx__kept *kept) {
  size_t count = COUNT_OF(always) + COUNT_OF(shared) + COUNT_OF(domain_shared);
  const char *at = kept->row->elements;
  bool is_mandatory = false;
  element one = {NULL, 0, false};
  if (kept->elements != NULL) return FHX_OK;
  while (next_element(&at, &one, &is_mandatory)) count++;
  kept->elements = fhx__alloc_zeroed(count, sizeof *kept->elements);
  if (kept->elements == NULL) return FHX_ERR_NO_MEMORY;
  for (size_t i = 0; i < COUNT_OF(always); i++) {
    one = (element){always[i], strlen(always[i]), false};
    keep(kept, &one);
  }
  for (at = kept->row->elements; next_element(&at, &one, &is_mandatory);) {
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
  size_t name_len;
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
  *read = (wish){text, dot == NULL ? 0 : (size_t)(dot - text), name, strlen(name)};
  return is_element_name(name, read->name_len) &&
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
  wish of = {NULL, 0, NULL, 0};
  element found = {NULL, 0, false};
  bool is_known = false;
  if (!read_wish(element_text, &of)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "_elements: not a root element such as Patient.birthDate or birthDate; what "
                     "is below one cannot be named");
  }
  for (size_t i = 0; i < elements->type_count; i++) {
    fhx__kept *type = &elements->types[i];
    if (!is_meant(&of, type) || !find_element(type->row, of.name, of.name_len, &found)) continue;
    if (prepare(type) != FHX_OK) return fhx__no_memory(error);
    is_known = true;
  }
  if (!is_known) return refuse_unknown(element_text, error);
  for (size_t i = 0; i < elements->type_count; i++) {
    fhx__kept *type = &elements->types[i];
    if (!is_meant(&of, type) || !find_element(type->row, of.name, of.name_len, &found)) continue;
    keep(type, &found);
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

static bool is_kept(const fhx__kept *kept, const char *key, size_t len) {
  if (len == 0 || *key < 'a' || *key > 'z') return false;
  size_t letter = (size_t)(*key - 'a');
  for (size_t i = kept->from[letter]; i < kept->from[letter + 1]; i++) {
    if (is_key_of(&kept->elements[i], key, len)) return true;
  }
  return false;
}

static fhx__fate fate_of(const fhx__kept *kept, const char *key, size_t len) {
  size_t sibling = len > 0 && *key == '_';
  if (!is_kept(kept, key + sibling, len - sibling)) return FHX__FATE_DROPPED;
  return len == 4 && memcmp(key, "meta", 4) == 0 ? FHX__FATE_META : FHX__FATE_KEPT;
}

/* Whether the sieve knows nothing of a key. */
static inline bool begins_oddly(const char *key) {
  return key[0] == '_' || key[0] == '\\' || key[1] == '\\' || key[2] == '\\';
}

fhx__fate fhx__kept_fate(const fhx__kept *kept, const char *key, size_t len) {
  char name[ELEMENT_MAX];
  uint32_t bit = sieve_bit(key);
  if ((kept->sieve[bit / 64] >> bit % 64 & 1) == 0 && !begins_oddly(key)) {
    return FHX__FATE_DROPPED;
  }
  fhx__fate fate = fate_of(kept, key, len);
  if (fate != FHX__FATE_DROPPED || memchr(key, '\\', len) == NULL) return fate;
  return fate_of(kept, name, spell(key, len, name));
}
