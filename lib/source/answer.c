/* How the built-in sources answer with an error of their own. */
#include "source/answer.h"

void fhx__answer_error(fhx_reply *reply, fhx_error *error) {
  fhx_reply_fail(reply, fhx_error_status(error), fhx_error_retryable(error),
                 fhx_error_message(error));
  fhx_error_free(error);
}
