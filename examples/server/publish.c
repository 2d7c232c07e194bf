/* What `fhirexport publish` has put into a folder, as `$bulk-publish` of this server: the library
   answers, and the server need not know what is in it, nor be there when it changes. */
#include "server.h"

bool publish_open(struct server *server, const char *folder, fhx_error **error) {
  fhx_directory_options options;
  if (folder == NULL) return true;
  FHX_INIT(&options);
  options.path = folder;
  return fhx_directory_destination_new(&options, &server->published, error) == FHX_OK;
}

void publish_handle(struct server *server, const struct request *request, const char *target,
                    struct answer *answer) {
  fhx_request asked;
  fhx_error *error = NULL;
  FHX_INIT(&asked);
  asked.method = request->method;
  asked.target = target;
  asked.headers = request->headers;
  asked.header_count = request->header_count;
  if (fhx_published_handle(server->published, &asked, &answer->exported, &error) != FHX_OK) {
    answer_fail(answer, fhx_error_message(error));
  }
  fhx_error_free(error);
}
