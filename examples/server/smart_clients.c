/*
 * The file of clients:
 *
 *   {"clients": [{"client_id": "", "jwks": {"keys": []}, "jwks_uri": "", "scope": "",
 *                 "tenant": "", "groups": []}]}
 *
 * An entry needs `client_id`, `scope`, and `jwks` or `jwks_uri` or both. A member of another name
 * is a mistake in writing, and refused: "group" for "groups" would give everything away.
 */
#include "smart_clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "smart_fetch.h"
#include "types.h"

#define CLIENT_ID_MAX 128

static bool complain(const char *path, const char *problem) {
  log_problem_at("--clients", path, problem);
  return false;
}

/* Letters that need no escape anywhere. */
static bool is_client_id(const char *text) {
  size_t len = strlen(text);
  return len > 0 && len <= CLIENT_ID_MAX &&
         strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/@+") ==
             len;
}

static bool is_known(const char *name) {
  static const char *const names[] = {"client_id", "jwks", "jwks_uri", "scope", "tenant", "groups"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i]) == 0) return true;
  }
  return false;
}

/* A member that is not there is NULL, and so is an empty text. */
static const char *filled(const json_t *entry, const char *name) {
  const char *text = smart_json_text(entry, name);
  return text == NULL || *text == '\0' ? NULL : text;
}

static bool is_text_or_none(const json_t *entry, const char *name) {
  const json_t *member = json_object_get(entry, name);
  return member == NULL || json_is_string(member);
}

static const char *groups_problem(const json_t *groups) {
  if (groups == NULL) return NULL;
  if (!json_is_array(groups)) return "its groups are no list";
  for (size_t i = 0; i < json_array_size(groups); i++) {
    const char *id = json_string_value(json_array_get(groups, i));
    if (id == NULL || !is_id(id)) return "one of its groups is not the id of a Group";
  }
  return NULL;
}

static const char *access_problem(const json_t *entry) {
  struct smart_scopes scopes;
  const char *scope = filled(entry, "scope");
  const char *tenant = filled(entry, "tenant");
  if (!is_text_or_none(entry, "tenant") || (tenant != NULL && !is_id(tenant))) {
    return "its tenant is not 1 to 64 of letters, digits, - and .";
  }
  if (scope == NULL) return "it has no scope";
  smart_scopes_read(scope, &scopes);
  if (smart_scopes_are_none(&scopes)) return "its scope has nothing that a system client can have";
  return groups_problem(json_object_get(entry, "groups"));
}

const char *smart_client_problem(const json_t *entry) {
  const json_t *set = json_object_get(entry, "jwks");
  const char *id = smart_json_text(entry, "client_id");
  const char *url = filled(entry, "jwks_uri");
  const char *name = NULL;
  json_t *value = NULL;
  json_object_foreach((json_t *)(uintptr_t)entry, name, value) {
    if (!is_known(name))
      return "it has a member that is none of client_id, jwks, jwks_uri, "
             "scope, tenant, groups";
  }
  if (id == NULL || !is_client_id(id)) {
    return "its client_id is not 1 to 128 of letters, digits and -._~:/@+";
  }
  if (!is_text_or_none(entry, "jwks_uri") || (url != NULL && !smart_fetch_takes(url))) {
    return "its jwks_uri is not an https URL (http only to this machine)";
  }
  if (set == NULL && url == NULL) return "it has neither jwks nor jwks_uri";
  const char *problem = set == NULL ? NULL : smart_keys_problem(set);
  return problem != NULL ? problem : access_problem(entry);
}

/* False: no memory. */
static bool take(const json_t *entry, const char *ca_file, struct smart_client *client) {
  const char *tenant = filled(entry, "tenant");
  client->id = smart_json_text(entry, "client_id");
  client->tenant = tenant == NULL ? "" : tenant;
  client->jwks_uri = filled(entry, "jwks_uri");
  client->groups = json_object_get(entry, "groups");
  smart_scopes_read(smart_json_text(entry, "scope"), &client->scopes);
  client->keys = smart_keys_new(json_object_get(entry, "jwks"), client->jwks_uri, ca_file);
  return client->keys != NULL;
}

static bool read_entries(const char *path, const char *ca_file, struct smart_clients *clients) {
  const json_t *list = json_object_get(clients->file, "clients");
  size_t count = json_array_size(list);
  char problem[240];
  if (!json_is_array(list) || json_object_size(clients->file) != 1) {
    return complain(path, "it is not an object with a list \"clients\", and nothing else");
  }
  clients->list = calloc(count + 1, sizeof *clients->list);
  for (size_t i = 0; i < count; i++) {
    const json_t *entry = json_array_get(list, i);
    const char *wrong = json_is_object(entry) ? smart_client_problem(entry) : "it is no object";
    if (wrong == NULL && smart_clients_find(clients, smart_json_text(entry, "client_id")) != NULL) {
      wrong = "its client_id is there already";
    }
    if (wrong != NULL) {
      snprintf(problem, sizeof problem, "client number %zu: %s", i + 1, wrong);
      return complain(path, problem);
    }
    clients->count++;
    if (clients->list == NULL || !take(entry, ca_file, &clients->list[i])) {
      return complain(path, "there is no memory");
    }
  }
  return true;
}

bool smart_clients_read(const char *path, const char *ca_file, struct smart_clients *clients) {
  json_error_t error;
  char problem[120];
  memset(clients, 0, sizeof *clients);
  clients->file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (clients->file == NULL) {
    /* The parser's own words would repeat what it found, which may be a key. */
    snprintf(
        problem, sizeof problem,
        error.line < 1 ? "it cannot be read" : "it is not JSON, or has a name twice, at line %d",
        error.line);
    return complain(path, problem);
  }
  return read_entries(path, ca_file, clients);
}

void smart_clients_free(struct smart_clients *clients) {
  for (size_t i = 0; clients->list != NULL && i < clients->count; i++) {
    smart_keys_free(clients->list[i].keys);
  }
  free(clients->list);
  json_decref(clients->file);
  memset(clients, 0, sizeof *clients);
}

struct smart_client *smart_clients_find(const struct smart_clients *clients, const char *id) {
  for (size_t i = 0; clients->list != NULL && id != NULL && i < clients->count; i++) {
    if (clients->list[i].id != NULL && strcmp(clients->list[i].id, id) == 0) {
      return &clients->list[i];
    }
  }
  return NULL;
}

bool smart_client_is_bound(const struct smart_client *client) {
  return json_array_size(client->groups) > 0;
}

bool smart_client_has_group(const struct smart_client *client, const char *group_id) {
  if (!smart_client_is_bound(client)) return true;
  for (size_t i = 0; i < json_array_size(client->groups); i++) {
    if (strcmp(json_string_value(json_array_get(client->groups, i)), group_id) == 0) return true;
  }
  return false;
}
