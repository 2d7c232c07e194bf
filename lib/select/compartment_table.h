/* Which elements put a resource into a patient's compartment: the form of the table. */
#ifndef FHX__SELECT_COMPARTMENT_TABLE_H
#define FHX__SELECT_COMPARTMENT_TABLE_H

#include <stddef.h>

#define FHX__COMPARTMENT_PATHS_MAX 4
#define FHX__COMPARTMENT_SEGMENTS_MAX 3

/* A type and the dotted paths, from the root, of its elements of type Reference; lists on the way
   are not named. NULL behind the last path if there are fewer than the most. */
typedef struct fhx__compartment_row {
  const char *resource_type;
  const char *paths[FHX__COMPARTMENT_PATHS_MAX];
} fhx__compartment_row;

/* FHIR R4, ordered by type. */
extern const fhx__compartment_row fhx__compartment_r4[];
extern const size_t fhx__compartment_r4_count;

#endif
