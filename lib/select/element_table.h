/* The root elements of the resource types: the form of the table. */
#ifndef FHX__SELECT_ELEMENT_TABLE_H
#define FHX__SELECT_ELEMENT_TABLE_H

#include <stddef.h>

/* What stands for a version of FHIR. */
#define FHX__ELEMENTS_R4 '4'
#define FHX__ELEMENTS_R4B '3'
#define FHX__ELEMENTS_R5 '5'

/*
 * A type, the versions that have it, and its elements, each with a space behind it. An element is a
 * name, then `!` if it is mandatory, then `*` if it is a choice of data types, which its keys in
 * JSON name behind it (`value*`: valueQuantity), then `/` and the versions where it is so, if these
 * are not all that have the type.
 *
 * No other element's name begins as a choice's key does, and none has a single letter. What all
 * resources share is not among them.
 */
typedef struct fhx__element_row {
  const char *resource_type;
  const char *versions;
  const char *elements;
} fhx__element_row;

/* In ascending order of types, the types' bytes compared. */
extern const fhx__element_row fhx__element_table[];
extern const size_t fhx__element_count;

#endif
