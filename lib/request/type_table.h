/* Which version of FHIR has which resource types: the form of the table. */
#ifndef FHX__REQUEST_TYPE_TABLE_H
#define FHX__REQUEST_TYPE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define FHX__IN_R4 1u
#define FHX__IN_R4B 2u
#define FHX__IN_R5 4u

typedef struct fhx__type_row {
  const char *name;
  /* A sum of FHX__IN_... */
  uint32_t versions;
} fhx__type_row;

/* In ascending order of bytes: names are found by halving. */
extern const fhx__type_row fhx__type_table[];
extern const size_t fhx__type_count;

#endif
