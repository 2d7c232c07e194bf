/* JWK Sets by libcurl. What comes back is bounded, and is the client's word about itself alone. */
#include "smart_fetch.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

#define BODY_MAX ((size_t)256 * 1024)
#define CONNECT_MS 2000L
#define FETCH_MS 4000L

struct fetched {
  struct text body;
  /* Below 0: no Cache-Control came. */
  int64_t fresh_s;
  int64_t age_s;
};

bool smart_fetch_takes(const char *url) {
  static const char *const near[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
  if (strncmp(url, "https://", 8) == 0) return url[8] != '\0';
  for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
    size_t len = strlen(near[i]);
    if (strncmp(url, near[i], len) == 0 && strchr("/:", url[len]) != NULL) return true;
  }
  return false;
}

/* --- headers --- */

/* Seconds; what is no number counts as none. */
static int64_t read_seconds(const char *text) {
  char *end = NULL;
  if (*text == '"') text++;
  if (*text < '0' || *text > '9') return 0;
  unsigned long long seconds = strtoull(text, &end, 10);
  return seconds > SMART_FRESH_MAX_S ? SMART_FRESH_MAX_S : (int64_t)seconds;
}

int64_t smart_fetch_fresh_s(const char *cache_control) {
  int64_t fresh_s = SMART_FRESH_S;
  for (const char *at = cache_control; *at != '\0';) {
    at += strspn(at, " \t,");
    if (strncasecmp(at, "no-store", 8) == 0 || strncasecmp(at, "no-cache", 8) == 0) return 0;
    if (strncasecmp(at, "max-age=", 8) == 0) fresh_s = read_seconds(at + 8);
    at += strcspn(at, ",");
  }
  return fresh_s;
}

/* The value of a line "Name: value"; NULL if it is another one. */
static const char *value_of(const char *line, const char *name) {
  size_t len = strlen(name);
  if (strncasecmp(line, name, len) != 0 || line[len] != ':') return NULL;
  return line + len + 1 + strspn(line + len + 1, " \t");
}

static size_t take_header(char *data, size_t size, size_t count, void *context) {
  struct fetched *fetched = context;
  char line[512];
  size_t len = size * count;
  if (len >= sizeof line) {
    /* One of that length could forbid what we would do. */
    if (strncasecmp(data, "Cache-Control:", 14) == 0) fetched->fresh_s = 0;
    return len;
  }
  memcpy(line, data, len);
  line[len] = '\0';
  line[strcspn(line, "\r\n")] = '\0';
  const char *control = value_of(line, "Cache-Control");
  const char *age = value_of(line, "Age");
  if (control != NULL) {
    int64_t fresh_s = smart_fetch_fresh_s(control);
    if (fetched->fresh_s < 0 || fresh_s < fetched->fresh_s) fetched->fresh_s = fresh_s;
  }
  if (age != NULL) fetched->age_s = read_seconds(age);
  return len;
}

static size_t take_body(char *data, size_t size, size_t count, void *context) {
  struct fetched *fetched = context;
  size_t len = size * count;
  if (fetched->body.len + len > BODY_MAX) return 0;
  text_add(&fetched->body, data, len);
  return fetched->body.failed ? 0 : len;
}

/* --- fetching --- */

static bool set_up(CURL *curl, const char *url, const char *ca_file, struct fetched *fetched) {
  bool done = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, FETCH_MS) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_HEADERDATA, fetched) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetched) == CURLE_OK;
  if (done && ca_file != NULL) done = curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file) == CURLE_OK;
  return done;
}

json_t *smart_fetch_keys(const char *url, const char *ca_file, int64_t *fresh_s) {
  struct fetched fetched = {{NULL, 0, 0, false}, -1, 0};
  json_t *set = NULL;
  long status = 0;
  CURL *curl = curl_easy_init();
  if (curl == NULL) return NULL;
  if (set_up(curl, url, ca_file, &fetched) && curl_easy_perform(curl) == CURLE_OK &&
      curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 200 &&
      fetched.body.data != NULL) {
    set = json_loadb(fetched.body.data, fetched.body.len, JSON_REJECT_DUPLICATES, NULL);
  }
  curl_easy_cleanup(curl);
  text_free(&fetched.body);
  if (fetched.fresh_s < 0) fetched.fresh_s = SMART_FRESH_S;
  *fresh_s = fetched.fresh_s > fetched.age_s ? fetched.fresh_s - fetched.age_s : 0;
  if (json_is_array(json_object_get(set, "keys"))) return set;
  json_decref(set);
  return NULL;
}
