/* See dynamodb_scan.h. */
#include "dynamodb_scan.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#define VERSION "DynamoDB_20120810"

/* --- keys --- */

bool item_key(yajl_val item, char key[KEY_SIZE]) {
  const char *id = item_text(item, "id", "S");
  const char *version = item_text(item, "vid", "N");
  if (id == NULL || version == NULL) return false;
  int len = snprintf(key, KEY_SIZE, "%s %s", version, id);
  return len > 0 && len < KEY_SIZE;
}

/* --- writing a request --- */

static void add_text(yajl_gen gen, const char *text, size_t len) {
  yajl_gen_string(gen, (const unsigned char *)text, len);
}

static void add_name(yajl_gen gen, const char *name) {
  add_text(gen, name, strlen(name));
}

static void add_pair(yajl_gen gen, const char *name, const char *text) {
  add_name(gen, name);
  add_name(gen, text);
}

/* "name": {"kind": "text"} */
static void add_value(yajl_gen gen, const char *name, const char *kind, const char *text,
                      size_t len) {
  add_name(gen, name);
  yajl_gen_map_open(gen);
  add_name(gen, kind);
  add_text(gen, text, len);
  yajl_gen_map_close(gen);
}

static void add_start(yajl_gen gen, const char *after) {
  const char *space = strchr(after, ' ');
  if (space == NULL) return;
  add_name(gen, "ExclusiveStartKey");
  yajl_gen_map_open(gen);
  add_value(gen, "id", "S", space + 1, strlen(space + 1));
  add_value(gen, "vid", "N", after, (size_t)(space - after));
  yajl_gen_map_close(gen);
}

/* Of this type, and not a version that is only prepared, or was replaced or deleted. */
static void add_filter(yajl_gen gen, const char *resource_type) {
  static const char *const readable[][2] = {
      {":available", "AVAILABLE"}, {":locked", "LOCKED"}, {":leaving", "PENDING_DELETE"}};
  add_pair(gen, "FilterExpression",
           "resourceType = :type AND documentStatus IN (:available, :locked, :leaving)");
  add_name(gen, "ExpressionAttributeValues");
  yajl_gen_map_open(gen);
  add_value(gen, ":type", "S", resource_type, strlen(resource_type));
  for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) {
    add_value(gen, readable[i][0], "S", readable[i][1], strlen(readable[i][1]));
  }
  yajl_gen_map_close(gen);
}

static void add_scan(yajl_gen gen, const struct scan *scan) {
  add_name(gen, "ConsistentRead"); /* what was written before T is there */
  yajl_gen_bool(gen, 1);
  add_name(gen, "Segment");
  yajl_gen_integer(gen, scan->segment);
  add_name(gen, "TotalSegments");
  yajl_gen_integer(gen, scan->segment_count);
  if (scan->table->page_items > 0) {
    add_name(gen, "Limit");
    yajl_gen_integer(gen, (long long)scan->table->page_items);
  }
  if (scan->resource_type != NULL) {
    add_filter(gen, scan->resource_type);
  } else {
    add_pair(gen, "ProjectionExpression", "resourceType");
  }
  add_start(gen, scan->after);
}

/* --- the request --- */

static size_t take(char *data, size_t size, size_t count, void *user_data) {
  return bytes_add(user_data, data, size * count) ? size * count : 0;
}

static struct curl_slist *make_headers(const struct table *table, const char *action) {
  char line[4096];
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/x-amz-json-1.0");
  snprintf(line, sizeof line, "X-Amz-Target: " VERSION ".%s", action);
  headers = curl_slist_append(headers, line);
  if (table->session_token != NULL) {
    snprintf(line, sizeof line, "X-Amz-Security-Token: %s", table->session_token);
    headers = curl_slist_append(headers, line);
  }
  return headers;
}

/* What an answer that is not 200 means. */
static enum outcome judge(CURL *curl, yajl_val answer) {
  const char *path[] = {"__type", NULL};
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return answer != NULL ? OUTCOME_DONE : OUTCOME_LOST;
  if (status >= 500) return OUTCOME_LOST;
  yajl_val type = yajl_tree_get(answer, path, yajl_t_string);
  const char *kind = YAJL_GET_STRING(type);
  if (kind != NULL && (strstr(kind, "Throttling") != NULL || strstr(kind, "Exceeded") != NULL)) {
    return OUTCOME_BUSY;
  }
  return OUTCOME_REFUSED;
}

static enum outcome post(CURL *curl, const struct table *table, const char *action, yajl_gen gen,
                         yajl_val *answer) {
  const unsigned char *body = NULL;
  size_t len = 0;
  struct bytes received = {NULL, 0, 0};
  char provider[128];
  enum outcome outcome = OUTCOME_LOST;
  snprintf(provider, sizeof provider, "aws:amz:%s:dynamodb", table->region);
  yajl_gen_get_buf(gen, &body, &len);
  struct curl_slist *headers = make_headers(table, action);
  curl_easy_reset(curl); /* the connection stays */
  curl_easy_setopt(curl, CURLOPT_URL, table->endpoint);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider);
  curl_easy_setopt(curl, CURLOPT_USERPWD, table->credentials);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)len);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
  if (curl_easy_perform(curl) == CURLE_OK) {
    *answer = received.data == NULL ? NULL : yajl_tree_parse(received.data, NULL, 0);
    outcome = judge(curl, *answer);
  }
  curl_slist_free_all(headers);
  bytes_free(&received);
  return outcome;
}

/* `scan` is NULL for a description of the table. */
static enum outcome ask(CURL *curl, const struct table *table, const struct scan *scan,
                        yajl_val *answer) {
  yajl_gen gen = yajl_gen_alloc(NULL);
  enum outcome outcome = OUTCOME_LOST;
  *answer = NULL;
  if (gen == NULL) return outcome;
  yajl_gen_map_open(gen);
  add_pair(gen, "TableName", table->name);
  if (scan != NULL) add_scan(gen, scan);
  yajl_gen_map_close(gen);
  if (curl != NULL) {
    outcome = post(curl, table, scan != NULL ? "Scan" : "DescribeTable", gen, answer);
  }
  yajl_gen_free(gen);
  return outcome;
}

enum outcome scan_next(struct scan *scan, yajl_val *answer) {
  const char *path[] = {"LastEvaluatedKey", NULL};
  enum outcome outcome = ask(scan->curl, scan->table, scan, answer);
  if (outcome != OUTCOME_DONE) return outcome;
  yajl_val last = yajl_tree_get(*answer, path, yajl_t_object);
  scan->after[0] = '\0';
  return last == NULL || item_key(last, scan->after) ? OUTCOME_DONE : OUTCOME_REFUSED;
}

enum outcome table_describe(const struct table *table, yajl_val *answer) {
  CURL *curl = curl_easy_init();
  enum outcome outcome = ask(curl, table, NULL, answer);
  curl_easy_cleanup(curl);
  return outcome;
}
