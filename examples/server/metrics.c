/* GET /metrics: what the engine has counted, for a monitoring system. */
#include <string.h>

#include "server.h"

void metrics_answer(struct server *server, const struct request *request, struct answer *answer) {
  fhx_metrics *metrics = NULL;
  fhx_error *error = NULL;
  size_t len = 0;
  if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
    answer_refuse_method(answer, "GET, HEAD");
  } else if (fhx_engine_metrics_new(server->engine, &metrics, &error) != FHX_OK) {
    answer_fail(answer, fhx_error_message(error));
  } else {
    const char *text = fhx_metrics_text(metrics, &len);
    answer->status = 200;
    answer_set_type(answer, fhx_metrics_media_type());
    text_add(&answer->body, text, len);
  }
  fhx_metrics_free(metrics);
  fhx_error_free(error);
}
