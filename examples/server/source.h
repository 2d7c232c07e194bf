/* The database as a source of exports. */
#ifndef SERVER_SOURCE_H
#define SERVER_SOURCE_H

#include <fhirexport/fhirexport.h>

#include "database.h"

/* A reply has at most `rows_max` resources (0: no limit): files are closed between replies, so a
   limit of resources in a file is one of replies too. `database` must outlive the source. */
int32_t server_source_new(struct database *database, uint64_t rows_max, fhx_source **source,
                          fhx_error **error);

#endif
