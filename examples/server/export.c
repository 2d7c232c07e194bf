/* The bridge to the engine: this, and a source, is all that `$export` takes. */
#include "server.h"

void export_handle(struct server *server, const struct request *request, const char *target,
                   struct answer *answer) {
  fhx_request asked;
  fhx_error *error = NULL;
  FHX_INIT(&asked);
  asked.method = request->method;
  asked.target = target;
  asked.headers = request->headers;
  asked.header_count = request->header_count;
  asked.body = request->body;
  asked.body_len = request->body_len;
  if (fhx_engine_handle(server->engine, &asked, &answer->exported, &error) != FHX_OK) {
    answer_fail(answer, fhx_error_message(error));
  }
  fhx_error_free(error);
}
