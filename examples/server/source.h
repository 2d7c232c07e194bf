/* The database as a source of exports. */
#ifndef SERVER_SOURCE_H
#define SERVER_SOURCE_H

#include <fhirexport/fhirexport.h>

#include "database.h"

/* `database` must outlive the source. */
int32_t server_source_new(struct database *database, fhx_source **source, fhx_error **error);

#endif
