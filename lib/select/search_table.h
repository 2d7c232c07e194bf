/* The search parameters of FHIR: the form of the table. */
#ifndef FHX__SELECT_SEARCH_TABLE_H
#define FHX__SELECT_SEARCH_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Bits of `versions`. */
#define FHX__SEARCH_R4 1u
#define FHX__SEARCH_R4B 2u
#define FHX__SEARCH_R5 4u

/* Of one parameter at most. */
#define FHX__SEARCH_SEGMENTS_MAX 6

typedef struct fhx__search_row {
  const char *resource_type;
  uint32_t versions;
  /*
   * Each parameter as `name=KVpaths `: K is the letter of its kind (t token, d date, r reference,
   * s string, u uri, n number, q quantity, x known but not supported), V the digit of the versions
   * that have it so. Paths are as in JSON, lists on the way are not named, `|` stands between.
   * Behind a path `@Type` keeps references to that type only, `#system` contact points of that
   * system, and `!` asks whether there is something other than false.
   */
  const char *parameters;
} fhx__search_row;

/* In ascending order of the types' bytes. */
extern const fhx__search_row fhx__search_table[];
extern const size_t fhx__search_table_count;

#endif
