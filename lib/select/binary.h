/* What a Binary says of itself, and whose it is. */
#ifndef FHX__SELECT_BINARY_H
#define FHX__SELECT_BINARY_H

#include "select/reference.h"

/* Raw text; text NULL: it is not there. Of a member that stands there twice the last
   counts. */
typedef struct fhx__binary {
  fhx__raw_string content_type;
  fhx__raw_string data;
  fhx__raw_string last_updated;
  fhx__raw_string security_reference;
  /* The value of meta.security, brackets included. */
  fhx__raw_string security_labels;
} fhx__binary;

/* Reads a Binary that the scanner has accepted. Its text need not be compact: it may be long. */
void fhx__binary_read(const char *text, size_t len, fhx__binary *binary);

/* Whether its security context is a Patient: then its content is his (FILTER-12). Stores his id. */
bool fhx__binary_patient(const fhx__binary *binary, const char *base_url, char id[FHX__ID_MAX + 1]);

/* The same of a resource of any type; false for all types but Binary. */
bool fhx__is_patients_binary(const char *resource_type, const char *text, size_t len,
                             const char *base_url);

#endif
