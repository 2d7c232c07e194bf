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

/* `system` is a part of `identifier`. */
enum { AFTER, ID, NAME, IDENTIFIER, SYSTEM, VALUE_COUNT };

struct search {
  /* What links begin with. */
  const char *base_url;
  char *values[VALUE_COUNT];
  int count;
};

static void search_free(struct search *search) {
  for (int i = 0; i < VALUE_COUNT; i++) free(search->values[i]);
}

static void search_read(const struct target *target, const char *base_url, struct search *search) {
  static const char *const names[SYSTEM] = {"_after", "_id", "name", "identifier"};
  memset(search, 0, sizeof *search);
  search->base_url = base_url;
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

static void add_link(const struct search *search, const char *relation, const char *after,
                     struct text *body) {
  struct text url = {NULL, 0, 0, false};
  struct text identifier = {NULL, 0, 0, false};
  text_add_format(&url, "%s/Group", search->base_url);
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

/* A page that is being written. */
struct page {
  const struct search *search;
  struct text *body;
  int count;
  bool has_more;
  char last_id[ID_MAX + 1];
};

static bool add_entry(void *context, const char *id, const char *json, size_t len) {
  struct page *page = context;
  struct text url = {NULL, 0, 0, false};
  page->has_more = page->count == page->search->count;
  if (page->has_more) return true;
  snprintf(page->last_id, sizeof page->last_id, "%s", id);
  text_add_string(page->body, page->count == 0 ? ",\"entry\":[{\"fullUrl\":" : ",{\"fullUrl\":");
  text_add_format(&url, "%s/Group/%s", page->search->base_url, id);
  text_add_json(page->body, url.failed ? "" : url.data);
  text_free(&url);
  text_add_string(page->body, ",\"search\":{\"mode\":\"match\"},\"resource\":");
  text_add(page->body, json, len);
  text_add_string(page->body, "}");
  page->count++;
  return true;
}

/* The Bundle's entries first, since they tell whether it has a next link. */
static bool search_run(const struct server *server, const struct search *search,
                       struct text *body) {
  struct page page = {.search = search, .body = body};
  const struct group_query query = {
      .after = search->values[AFTER] == NULL ? "" : search->values[AFTER],
      .id = search->values[ID],
      .name = search->values[NAME],
      .value = search->values[IDENTIFIER],
      .system = search->values[SYSTEM],
      /* One more tells whether there is a next page. */
      .count_max = search->count + 1};
  text_add_string(body, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"");
  if (database_find_groups(server->database, &query, add_entry, &page) != DONE) return false;
  text_add_string(body, page.count != 0 ? "],\"link\":[" : ",\"link\":[");
  add_link(search, "self", search->values[AFTER], body);
  if (page.has_more) {
    text_add_string(body, ",");
    add_link(search, "next", page.last_id, body);
  }
  text_add_string(body, "]}");
  return true;
}

void group_search_answer(struct server *server, const struct request *request,
                         const struct target *target, struct answer *answer) {
  struct search search;
  search_read(target, server_base_url(server, request), &search);
  bool done = search_run(server, &search, &answer->body);
  search_free(&search);
  if (!done) {
    answer_fail(answer, "the database could not be read");
    return;
  }
  answer->status = 200;
  answer_set_type(answer, "application/fhir+json");
}
