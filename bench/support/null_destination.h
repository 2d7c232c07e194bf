/* A destination that takes everything and keeps nothing, on the public callbacks. */
#ifndef BENCH_NULL_DESTINATION_H
#define BENCH_NULL_DESTINATION_H

#include <fhirexport/destination.h>

/* Its parts look like files that an engine serves, so that it signs their links. */
int32_t null_destination_new(fhx_destination **destination, fhx_error **error);

#endif
