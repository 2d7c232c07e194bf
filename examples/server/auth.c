/*
 * What a request needs under --auth smart: nothing for the CapabilityStatement; a signed link for a
 * file (unless --files token); else an access token with rights for the type and what is done to
 * it. A client that is bound to Groups has these Groups and their exports, and nothing else.
 *
 * Which types an export has, and whose jobs are whose, is the engine's part: export.c tells it who
 * asks and which types these may read.
 */
#include "auth.h"

#include <string.h>

#include "types.h"
#include "url_keys.h"

static const char export_segment[] = "$export";

/* Servers that share their jobs in a database refuse what another of them has seen. */
static const char *used_place(const struct options *options) {
  if (options->used_assertions != NULL) return options->used_assertions;
  const bool share = options->jobs != NULL && database_is_postgres(options->jobs);
  return share ? options->jobs : NULL;
}

/* --- opening --- */

bool auth_open(const struct options *options, struct server *server) {
  struct url_keys keys;
  struct smart_options smart = {.clients_file = options->clients_file,
                                .used_place = used_place(options),
                                .jwks_ca_file = options->jwks_ca_file,
                                .base_url = server->base_url,
                                .token_seconds = (uint32_t)options->token_seconds};
  server->files_need_token = options->files_need_token;
  if (!options->smart) return true;
  memset(&keys, 0, sizeof keys);
  /* Servers that share jobs share these keys, and so know each other's tokens. */
  if (options->url_key_file != NULL &&
      !url_keys_read("--url-key-file", options->url_key_file, &keys)) {
    return false;
  }
  smart.secrets = keys.keys;
  smart.secret_lens = keys.lens;
  smart.secret_count = (size_t)keys.count;
  server->smart = smart_open(&smart);
  url_keys_clear(&keys);
  return server->smart != NULL;
}

void auth_close(struct server *server) {
  smart_close(server->smart);
  server->smart = NULL;
}

/* --- what needs no token --- */

static bool is_path(const char *path, const char *wanted) {
  size_t len = strlen(wanted);
  return strncmp(path, wanted, len) == 0 && (path[len] == '\0' || path[len] == '?');
}

bool auth_answer(struct server *server, const struct request *request, const char *path,
                 const char *behind_base, struct answer *answer) {
  if (server->smart == NULL) return false;
  if (is_path(path, SMART_DISCOVERY_PATH) ||
      (behind_base != NULL && is_path(behind_base, SMART_DISCOVERY_PATH))) {
    smart_discovery_answer(server->smart, request, answer);
    return true;
  }
  if (behind_base == NULL || !is_path(behind_base, SMART_TOKEN_PATH)) return false;
  smart_token_answer(server->smart, request, answer);
  return true;
}

/* What is published is for all, unless files take a token. */
static bool is_published(const struct server *server, const struct target *target) {
  return server->published != NULL && target->segment_count > 0 &&
         strcmp(target->segments[0], PUBLISH_SEGMENT) == 0;
}

static bool is_for_all(const struct server *server, const struct target *target) {
  char *const *segments = target->segments;
  if (is_published(server, target)) return !server->files_need_token;
  if (target->segment_count == 1) return strcmp(segments[0], "metadata") == 0;
  /* A file: its link is signed, and the engine checks that. */
  return target->segment_count == 3 && !server->files_need_token &&
         strcmp(segments[0], export_segment) == 0;
}

/* --- rights --- */

static bool forbid(struct answer *answer, const char *why) {
  smart_forbid(answer, why);
  return false;
}

/* Status, files and cancel are of the client's own jobs; a kick-off is of one Group. */
static bool is_of_its_groups(const struct smart_client *client, const struct target *target) {
  char *const *segments = target->segments;
  if (target->segment_count >= 2 && strcmp(segments[0], export_segment) == 0) return true;
  return target->segment_count == 3 && strcmp(segments[0], "Group") == 0 &&
         strcmp(segments[2], export_segment) == 0 && smart_client_has_group(client, segments[1]);
}

static bool admit_export(const struct smart_caller *caller, const struct target *target,
                         struct answer *answer) {
  struct text types = {NULL, 0, 0, false};
  smart_scopes_list(&caller->scopes, SMART_EXPORT, &types);
  bool has_types = types.len > 0;
  text_free(&types);
  if (!has_types) {
    return forbid(answer,
                  "an export takes a scope to read and search a type, such as system/Patient.rs");
  }
  if (smart_client_is_bound(caller->client) && !is_of_its_groups(caller->client, target)) {
    return forbid(answer, "this client may only export the Groups that it is registered for");
  }
  return true;
}

static unsigned rights_for(const char *method) {
  if (strcmp(method, "PUT") == 0) return SMART_CREATE | SMART_UPDATE;
  return strcmp(method, "DELETE") == 0 ? SMART_DELETE : SMART_READ;
}

static bool admit_resource(const struct smart_caller *caller, const struct request *request,
                           const struct target *target, struct answer *answer) {
  char *const *segments = target->segments;
  unsigned rights = target->segment_count == 1 ? SMART_SEARCH : rights_for(request->method);
  if (!smart_scopes_allow(&caller->scopes, segments[0], rights)) {
    return forbid(answer, "the token has no scope that allows this with this type");
  }
  if (!smart_client_is_bound(caller->client) ||
      (target->segment_count == 2 && rights == SMART_READ && strcmp(segments[0], "Group") == 0 &&
       smart_client_has_group(caller->client, segments[1]))) {
    return true;
  }
  return forbid(answer, "this client may only have the Groups that it is registered for");
}

bool auth_admit(struct server *server, const struct request *request, const char *target,
                struct smart_caller *caller, struct answer *answer) {
  struct target read;
  memset(caller, 0, sizeof *caller);
  if (server->smart == NULL) return true;
  bool is_read = target_read(target, &read);
  bool done = is_read && is_for_all(server, &read);
  if (!done && smart_admit(server->smart, request, caller, answer)) {
    if (target_has_segment(target, export_segment) || (is_read && is_published(server, &read))) {
      /* What could not be read has no segments, and the engine refuses it. */
      if (!is_read) read.segment_count = 0;
      done = admit_export(caller, &read, answer);
    } else {
      done = !is_read || read.segment_count == 0 || read.segment_count > 2 ||
             admit_resource(caller, request, &read, answer);
    }
  }
  target_free(&read);
  return done;
}
