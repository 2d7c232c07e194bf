/* The root elements of the resource types: the form of the table. */
#ifndef FHX__SELECT_ELEMENT_TABLE_H
#define FHX__SELECT_ELEMENT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define FHX__ELEMENTS_R4 1u
#define FHX__ELEMENTS_R4B 2u
#define FHX__ELEMENTS_R5 4u

/*
 * A type in the versions where it has these elements. Each name has a space behind it, and before
 * that `!` when the element is mandatory and `*` when it is a choice of data types, which its keys
 * in JSON name behind it (`value*`: valueQuantity). No other element's name begins as such a key
 * does, and none has a single letter. What all resources share is not among them.
 */
typedef struct fhx__element_row {
  const char *resource_type;
  /* A sum of FHX__ELEMENTS_... */
  uint32_t versions;
  const char *elements;
} fhx__element_row;

/* In ascending order of types, the types' bytes compared. */
extern const fhx__element_row fhx__element_table[];
extern const size_t fhx__element_count;

#endif
