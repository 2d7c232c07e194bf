/* A call that must be refused. */
#ifndef TEST_SUPPORT_REFUSED_H
#define TEST_SUPPORT_REFUSED_H

#include <fhirexport/error.h>
#include <string.h>

#include "support/require.h"

/* `call` names the place of its error `&error`, which must say what the status is and why. */
#define refused(call, expected)                                          \
  do {                                                                   \
    fhx_error *error = NULL;                                             \
    test_require_status((call), (expected));                             \
    test_require(fhx_error_status(error) == (expected));                 \
    test_require(*fhx_error_message(error) != '\0');                     \
    test_require(strstr(fhx_error_outcome(error), "\"issue\"") != NULL); \
    fhx_error_free(error);                                               \
  } while (0)

#endif
