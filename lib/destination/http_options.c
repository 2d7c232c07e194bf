/* The options of destinations across a network. They are here, and not with the transport, because
   a library that was built without it has them too. */
#include <fhirexport/http.h>

#include "core/structs.h"

FHX__DEFINE_INIT(fhx_http_options)
