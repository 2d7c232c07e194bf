/* Which elements put a resource into a patient's compartment: the form of the tables. */
#ifndef FHX__SELECT_COMPARTMENT_TABLE_H
#define FHX__SELECT_COMPARTMENT_TABLE_H

#include <stddef.h>

#include "select/compartment.h"

/* Of one type at most. */
#define FHX__COMPARTMENT_PATHS_MAX 16
#define FHX__COMPARTMENT_SEGMENTS_MAX 3

/* A type, and the dotted path, from the root, of one of its elements of type Reference; lists on
   the way are not named. */
typedef struct fhx__compartment_path {
  const char *resource_type;
  const char *path;
} fhx__compartment_path;

/* The paths stand in ascending order of types, the types' bytes compared. Patient needs none. */
struct fhx__compartment {
  const fhx__compartment_path *paths;
  size_t count;
};

extern const fhx__compartment fhx__compartment_r4;
extern const fhx__compartment fhx__compartment_r4b;
extern const fhx__compartment fhx__compartment_r5;

#endif
