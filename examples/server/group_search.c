/*
 * GET /Group: clients look for the group whose data they want. Parameters: _id, name (as it
 * begins, without regard to case), identifier (value, or system|value), _count; others are ignored,
 * and the self link does not have them. A page is continued by `_after`, the last id of the one
 * before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define PAGE_COUNT 100
#define PAGE_COUNT_MAX 1000

static const char query_text[] =
    "SELECT id, json FROM resource_version"
    " WHERE type = 'Group' AND valid_to = 9223372036854775807 AND deleted = 0 AND id > ?1"
    " AND (?2 IS NULL OR id = ?2)"
    " AND (?3 IS NULL OR substr(lower(json_extract(json, '$.name')), 1, length(?3)) = lower(?3))"
    " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(resource_version.json, '$.identifier')"
    "  WHERE json_extract(value, '$.value') = ?4"
    "  AND (?5 IS NULL OR coalesce(json_extract(value, '$.system'), '') = ?5)))"
    " ORDER BY id LIMIT ?6";

/* Parameters in the order of the query's values; `system` is a part of `identifier`. */
enum { AFTER, ID, NAME, IDENTIFIER, SYSTEM, VALUE_COUNT };

struct search {
  char *values[VALUE_COUNT];
  int count;
};

static void search_free(struct search *search) {
  for (int i = 0; i < VALUE_COUNT; i++) free(search->values[i]);
}

static void search_read(const struct target *target, struct search *search) {
  static const char *const names[SYSTEM] = {"_after", "_id", "name", "identifier"};
  memset(search, 0, sizeof *search);
  for (int i = 0; i < SYSTEM; i++) {
    search->values[i] = target_parameter(target, names[i]);
    /* An empty value is none. */
    if (search->values[i] != NULL && *search->values[i] == '\0') {
      free(search->values[i]);
      search->values[i] = NULL;
    }
  }
  char *bar = search->values[IDENTIFIER] == NULL ? NULL : strchr(search->values[IDENTIFIER], '|');
  if (bar != NULL) {
    search->values[SYSTEM] = search->values[IDENTIFIER];
    search->values[IDENTIFIER] = strdup(bar + 1);
    *bar = '\0';
  }
  char *count = target_parameter(target, "_count");
  long wanted = count == NULL ? PAGE_COUNT : strtol(count, NULL, 10);
  free(count);
  if (wanted < 1) wanted = PAGE_COUNT;
  search->count = wanted > PAGE_COUNT_MAX ? PAGE_COUNT_MAX : (int)wanted;
}

/* Adds a parameter of a link, percent-encoded. */
static void add_parameter(struct text *url, const char *name, const char *value) {
  text_add_format(url, "%s%s=", strchr(url->data == NULL ? "" : url->data, '?') ? "&" : "?", name);
  for (const unsigned char *at = (const unsigned char *)value; *at != '\0'; at++) {
    if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *at)) {
      text_add(url, at, 1);
    } else {
      text_add_format(url, "%%%02X", (unsigned)*at);
    }
  }
}

static void add_link(const struct server *server, const struct search *search, const char *relation,
                     const char *after, struct text *body) {
  struct text url = {NULL, 0, 0, false};
  struct text identifier = {NULL, 0, 0, false};
  text_add_format(&url, "%s/Group", server->base_url);
  if (search->values[ID] != NULL) add_parameter(&url, "_id", search->values[ID]);
  if (search->values[NAME] != NULL) add_parameter(&url, "name", search->values[NAME]);
  if (search->values[IDENTIFIER] != NULL) {
    if (search->values[SYSTEM] != NULL) text_add_format(&identifier, "%s|", search->values[SYSTEM]);
    text_add_string(&identifier, search->values[IDENTIFIER]);
    if (!identifier.failed) add_parameter(&url, "identifier", identifier.data);
  }
  text_add_format(&url, "%s_count=%d", strchr(url.data == NULL ? "" : url.data, '?') ? "&" : "?",
                  search->count);
  if (after != NULL) add_parameter(&url, "_after", after);
  text_add_format(body, "{\"relation\":\"%s\",\"url\":", relation);
  if (!url.failed) text_add_json(body, url.data);
  text_add_string(body, "}");
  body->failed = body->failed || url.failed || identifier.failed;
  text_free(&identifier);
  text_free(&url);
}

static bool bind(sqlite3_stmt *statement, const struct search *search) {
  for (int i = 0; i < VALUE_COUNT; i++) {
    const char *value = search->values[i];
    if (value == NULL && i == AFTER) value = "";
    if (value != NULL &&
        sqlite3_bind_text(statement, i + 1, value, -1, SQLITE_STATIC) != SQLITE_OK) {
      return false;
    }
  }
  /* One more tells whether there is a next page. */
  return sqlite3_bind_int(statement, VALUE_COUNT + 1, search->count + 1) == SQLITE_OK;
}

static bool add_entries(const struct server *server, sqlite3_stmt *statement,
                        const struct search *search, struct text *body, bool *has_more,
                        char last_id[ID_MAX + 1]) {
  int code = SQLITE_DONE;
  for (int i = 0; (code = sqlite3_step(statement)) == SQLITE_ROW; i++) {
    const char *id = (const char *)sqlite3_column_text(statement, 0);
    const char *json = (const char *)sqlite3_column_text(statement, 1);
    *has_more = i == search->count;
    if (*has_more) return true;
    if (id == NULL || json == NULL) return false;
    snprintf(last_id, ID_MAX + 1, "%s", id);
    text_add_string(body, i == 0 ? ",\"entry\":[{\"fullUrl\":" : ",{\"fullUrl\":");
    struct text url = {NULL, 0, 0, false};
    text_add_format(&url, "%s/Group/%s", server->base_url, id);
    text_add_json(body, url.failed ? "" : url.data);
    text_free(&url);
    text_add_format(body, ",\"search\":{\"mode\":\"match\"},\"resource\":");
    text_add(body, json, (size_t)sqlite3_column_bytes(statement, 1));
    text_add_string(body, "}");
  }
  return code == SQLITE_DONE;
}

/* The Bundle's entries first, since they tell whether it has a next link. */
static bool search_run(const struct server *server, sqlite3_stmt *statement,
                       const struct search *search, struct text *body) {
  char last_id[ID_MAX + 1] = "";
  bool has_more = false;
  text_add_string(body, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"");
  if (!bind(statement, search) ||
      !add_entries(server, statement, search, body, &has_more, last_id)) {
    return false;
  }
  text_add_string(body, *last_id != '\0' ? "],\"link\":[" : ",\"link\":[");
  add_link(server, search, "self", search->values[AFTER], body);
  if (has_more) {
    text_add_string(body, ",");
    add_link(server, search, "next", last_id, body);
  }
  text_add_string(body, "]}");
  return true;
}

void group_search_answer(struct server *server, const struct target *target,
                         struct answer *answer) {
  struct search search;
  sqlite3_stmt *statement = NULL;
  search_read(target, &search);
  sqlite3 *connection = database_borrow(server->database);
  bool done = connection != NULL &&
              sqlite3_prepare_v2(connection, query_text, sizeof query_text, &statement, NULL) ==
                  SQLITE_OK &&
              search_run(server, statement, &search, &answer->body);
  sqlite3_finalize(statement);
  database_give_back(server->database, connection);
  search_free(&search);
  if (!done) {
    answer_fail(answer, "the database could not be read");
    return;
  }
  answer->status = 200;
  answer_set_type(answer, "application/fhir+json");
}
