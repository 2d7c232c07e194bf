/* A search query taken apart: what its reader makes and its evaluation uses. */
#ifndef FHX__SELECT_SEARCH_PARTS_H
#define FHX__SELECT_SEARCH_PARTS_H

#include "select/raw_json.h"
#include "select/search.h"
#include "select/search_table.h"

/* A set of conditions is a word of bits. */
#define FHX__SEARCH_CONDITIONS_MAX 64
/* So is a set of members of the root. */
#define FHX__SEARCH_ROOTS_MAX 64

typedef enum fhx__search_kind {
  FHX__SEARCH_TOKEN,
  FHX__SEARCH_DATE,
  FHX__SEARCH_REFERENCE,
  FHX__SEARCH_STRING,
  FHX__SEARCH_URI,
  FHX__SEARCH_NUMBER,
  FHX__SEARCH_QUANTITY,
  FHX__SEARCH_CANONICAL, /* _profile */
  FHX__SEARCH_NOT_FALSE, /* deceased: there is something other than false */
  FHX__SEARCH_ANYTHING,  /* always holds */
  FHX__SEARCH_ID,        /* _id and _lastUpdated are answered by the facts */
  FHX__SEARCH_UPDATED
} fhx__search_kind;

typedef enum fhx__search_modifier {
  FHX__SEARCH_PLAIN,
  FHX__SEARCH_MISSING,
  FHX__SEARCH_NOT,
  FHX__SEARCH_EXACT,
  FHX__SEARCH_CONTAINS,
  FHX__SEARCH_BELOW,
  FHX__SEARCH_ABOVE,
  FHX__SEARCH_OF_TYPE, /* :Patient; the type is in each value */
  FHX__SEARCH_IDENTIFIER
} fhx__search_modifier;

typedef enum fhx__search_prefix {
  FHX__SEARCH_EQ,
  FHX__SEARCH_NE,
  FHX__SEARCH_GT,
  FHX__SEARCH_LT,
  FHX__SEARCH_GE,
  FHX__SEARCH_LE,
  FHX__SEARCH_SA,
  FHX__SEARCH_EB,
  FHX__SEARCH_AP
} fhx__search_prefix;

/* Bytes, UTF-8, without a NUL. */
typedef struct fhx__search_text_part {
  const char *text;
  size_t len;
} fhx__search_text_part;

/* From `low` up to but without `high`, except where they are one: then just this instant. */
typedef struct fhx__search_span {
  fhx__instant low;
  fhx__instant high;
} fhx__search_span;

/*
 * A decimal number of any length, read in place: its sign, its digits from the first that is not 0
 * (a point among them is passed over), and the power of ten of the first. Zero has no digits.
 */
typedef struct fhx__search_number {
  bool negative;
  const char *digits;
  const char *end;
  int64_t magnitude;
} fhx__search_number;

/* What a reference, or the value of a reference parameter, means. */
typedef struct fhx__search_target {
  /* Without `/_history/version`. */
  fhx__search_text_part text;
  fhx__search_text_part version;
  /* Empty where the text does not end in a type and an id; an id alone has no type. */
  fhx__search_text_part type;
  fhx__search_text_part id;
  /* The FHIR base in front of them, without the slash; empty for a relative reference. */
  fhx__search_text_part base;
} fhx__search_target;

/* One of the values of a condition; which members count is a matter of its kind. */
typedef struct fhx__search_value {
  fhx__search_prefix prefix;
  /* Behind the last `|`, or all: the code, the unit, the URI, the text as it was given. */
  fhx__search_text_part text;
  /* A `|` was there, and before it this. */
  bool has_system;
  fhx__search_text_part system;
  fhx__search_span span;
  /* The number itself and, for eq, ne and ap, the bounds of what counts as it. */
  fhx__search_number number;
  fhx__search_number low;
  fhx__search_number high;
  fhx__search_target target;
  /* The folded text's code points, and for each how far a failed match may fall back. */
  const uint32_t *letters;
  const size_t *falls;
  size_t letter_count;
} fhx__search_value;

typedef struct fhx__search_condition {
  fhx__search_kind kind;
  fhx__search_modifier modifier;
  /* It holds when nothing matches. */
  bool negated;
  fhx__search_value *values;
  size_t value_count;
  /* The members of the root that its paths begin with. */
  uint64_t roots;
} fhx__search_condition;

/* A place where a condition's values are looked for. */
typedef struct fhx__search_use {
  size_t condition;
  /* "" or the type that a reference must be to, the system that a contact point must have. */
  fhx__search_text_part only_type;
  fhx__search_text_part only_system;
  const struct fhx__search_use *next;
} fhx__search_use;

/* A member that lies on a path: the paths are a tree. */
typedef struct fhx__search_node {
  fhx__search_text_part name;
  struct fhx__search_node *first;
  struct fhx__search_node *next;
  const fhx__search_use *uses;
  /* The conditions here and below. */
  uint64_t conditions;
  /* The bit of a member of the root; 0 further below. */
  uint64_t root;
} fhx__search_node;

struct fhx__search {
  char *text;
  const char *resource_type;
  fhx__search_condition *conditions;
  size_t condition_count;
  /* The conditions that the walk has to settle; the facts settle the others. */
  uint64_t walked;
  fhx__search_node root;
  size_t root_count;
  /* All memory that the query has, each piece pointing to the one before. */
  void *kept;
};

/* Memory that goes with the query, zeroed; NULL when there is none. */
void *fhx__search_keep(fhx__search *search, size_t count, size_t byte_count);

/* --- a condition's values (search_value.c) --- */

/* Reads the values behind the `=`, whose URL decoding is done. FHX_OK, FHX_ERR_NO_MEMORY, or
   FHX_ERR_ARGUMENT with *why saying what is wrong: "has a value that is no date". `only` is the
   type of FHX__SEARCH_OF_TYPE, else "". */
int32_t fhx__search_read_values(fhx__search *search, fhx__search_condition *condition, char *values,
                                const char *only, const char **why);

/* --- JSON (search_json.c) --- */

/* Enters the object that stands here; false: none does. */
bool fhx__search_enter(fhx__raw *raw);
/* Moves to the value of the next member; false at the end. The caller passes the value. */
bool fhx__search_next_member(fhx__raw *raw, fhx__raw_string *key);
/* The first item of the list here, or the value itself; then the next one. False: no more. */
typedef struct fhx__search_items {
  fhx__raw raw;
  bool in_list;
} fhx__search_items;
bool fhx__search_first_item(fhx__raw value, fhx__search_items *items);
bool fhx__search_next_item(fhx__search_items *items);
/* Whether a key is this one, a literal. */
#define FHX__SEARCH_IS(key, literal) fhx__raw_equals(key, literal, sizeof(literal) - 1)
/* The string that stands here. */
bool fhx__search_string(fhx__raw value, fhx__raw_string *string);
/* The next code point of a JSON string, its escapes undone; -1 at the end. Half of a surrogate
   pair, and a byte that is not UTF-8, comes back as it is. */
int32_t fhx__search_next_letter(fhx__raw *inside);
/* The same of plain UTF-8. */
int32_t fhx__search_next_plain(fhx__raw *inside);
/* Whether a JSON string spells this text. */
bool fhx__search_spells(fhx__raw_string string, fhx__search_text_part text);
/* The text that a JSON string spells: itself, or `room` if it has escapes; false: it does not fit.
 */
bool fhx__search_spelt(fhx__raw_string string, char *room, size_t room_len,
                       fhx__search_text_part *text);

/* --- what stands at a path against a condition; a list is taken item by item before --- */

bool fhx__search_token(const fhx__search_condition *condition, const fhx__search_use *use,
                       fhx__raw value);
/* Whether any of the values takes this; absent texts have no bytes at all (NULL). The system of a
   plain code is implied. */
bool fhx__search_takes_code(const fhx__search_condition *condition, fhx__raw_string system,
                            fhx__raw_string code, bool is_plain);
bool fhx__search_date(const fhx__search_condition *condition, fhx__raw value);
bool fhx__search_reference(const fhx__search_condition *condition, const fhx__search_use *use,
                           fhx__raw value, const char *base_url);
/* Whether there is a reference that the use keeps. */
bool fhx__search_has_reference(const fhx__search_use *use, fhx__raw value);
bool fhx__search_canonical(const fhx__search_condition *condition, fhx__raw value);
bool fhx__search_words(const fhx__search_condition *condition, fhx__raw value);
bool fhx__search_uri(const fhx__search_condition *condition, fhx__raw value);
bool fhx__search_quantity(const fhx__search_condition *condition, fhx__raw value);

/* --- dates (search_date.c) --- */

/* Reads a date or dateTime of any precision, without a zone in UTC; false: it is none. */
bool fhx__search_read_date(const char *text, size_t len, fhx__search_span *span);
/* Whether this span, on either end of which an instant may be open, is what the value asks for. */
bool fhx__search_span_meets(const fhx__search_value *value, fhx__search_span span);

/* --- numbers (search_number.c) --- */

/* Reads a number as in JSON from the beginning of the text; *end is where it ends. */
bool fhx__search_read_number(const char *text, size_t len, fhx__search_number *number,
                             const char **end);
int fhx__search_compare_numbers(fhx__search_number a, fhx__search_number b);
/* Reads the number of a value, with what counts as it. False, with *why set or without memory. */
bool fhx__search_read_bounds(fhx__search *search, fhx__search_value *value,
                             fhx__search_text_part text, const char **why);

/* --- references (search_reference.c) --- */

fhx__search_target fhx__search_read_target(fhx__search_text_part text);

/* --- letters (search_letters.c) --- */

/* What a letter is without case and accents: up to FHX__FOLDED_MAX code points; how many. */
#define FHX__FOLDED_MAX 2
size_t fhx__fold(int32_t letter, uint32_t folded[FHX__FOLDED_MAX]);

#endif
