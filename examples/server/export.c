/* The bridge to the engine: this, and a source, is all that `$export` takes. */
#include "server.h"

void export_handle(struct server *server, const struct request *request, const char *target,
                   const struct smart_caller *caller, struct answer *answer) {
  struct text types = {NULL, 0, 0, false};
  fhx_request asked;
  fhx_error *error = NULL;
  FHX_INIT(&asked);
  asked.method = request->method;
  asked.target = target;
  asked.headers = request->headers;
  asked.header_count = request->header_count;
  asked.body = request->body;
  asked.body_len = request->body_len;
  if (server->ballot_path != NULL) {
    asked.base_url = server_base_url(server, request);
    asked.ig_version = request->by_ballot ? FHX_IG_STU4_BALLOT : FHX_IG_STU3;
  }
  if (caller->client != NULL) {
    asked.tenant = caller->client->tenant;
    asked.client = caller->client->id;
    if (!smart_scopes_allow(&caller->scopes, "*", SMART_EXPORT)) {
      smart_scopes_list(&caller->scopes, SMART_EXPORT, &types);
      asked.permitted_types = types.data == NULL ? "" : types.data;
    }
  }
  if (types.failed) {
    answer_fail(answer, "there is no memory");
  } else if (fhx_engine_handle(server->engine, &asked, &answer->exported, &error) != FHX_OK) {
    answer_fail(answer, fhx_error_message(error));
  }
  fhx_error_free(error);
  text_free(&types);
}
