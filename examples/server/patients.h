/* In whose Patient compartments a resource is, by the library's own rule. */
#ifndef SERVER_PATIENTS_H
#define SERVER_PATIENTS_H

#include <fhirexport/fhirexport.h>

#include "types.h"

/* Sorted ids, each once. */
struct patients {
  char (*ids)[ID_MAX + 1];
  size_t count;
  size_t capacity;
  bool failed;
};

/* Fills a zeroed list; false if the memory is not enough. */
bool patients_read(const fhx_filter *rule, const char *json, size_t len, struct patients *patients);
void patients_free(struct patients *patients);

#endif
