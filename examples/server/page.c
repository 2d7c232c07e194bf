/* /exports: from its paths to what answers them, and what every answer has. */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "page_files.h"
#include "page_parts.h"
#include "smart_form.h"

#define TOKEN_BODY_MAX 4096

static const char main_file[] = "exports.html";
static const char login_file[] = "login.html";
static const char login_mark[] = "<!-- message -->";

/* --- life --- */

struct page *page_open(const char *token_file, bool is_secure) {
  struct page *page = calloc(1, sizeof *page);
  if (page == NULL) return NULL;
  page->admin = page_admin_open(token_file, is_secure);
  if (page->admin != NULL) page->rates = page_rates_new();
  if (page->rates != NULL) return page;
  page_close(page);
  return NULL;
}

void page_close(struct page *page) {
  if (page == NULL) return;
  page_admin_close(page->admin);
  page_rates_free(page->rates);
  free(page);
}

void page_tick(struct page *page, fhx_engine *engine) {
  page_rates_tick(page->rates, engine);
}

bool page_has(const char *path) {
  const size_t len = strlen(PAGE_PATH);
  return strncmp(path, PAGE_PATH, len) == 0 &&
         (path[len] == '\0' || path[len] == '/' || path[len] == '?');
}

/* --- the engine, asked by the operator --- */

bool page_ask(struct server *server, const fhx_request *asked, fhx_response **response,
              struct answer *answer) {
  fhx_request request = *asked;
  fhx_error *error = NULL;
  request.client = PAGE_CLIENT;
  const bool done = fhx_engine_handle(server->engine, &request, response, &error) == FHX_OK;
  if (!done) answer_fail(answer, fhx_error_message(error));
  fhx_error_free(error);
  return done;
}

bool page_read(fhx_response *response, size_t bytes_max, struct text *body) {
  char piece[16384];
  size_t len = 0;
  int32_t status = FHX_OK;
  while ((status = fhx_response_read(response, piece, sizeof piece, &len, NULL)) == FHX_OK) {
    if (body->len + len > bytes_max) return false;
    text_add(body, piece, len);
  }
  return status == FHX_END && !body->failed && body->data != NULL;
}

void page_pass_on(fhx_response *response, struct answer *answer) {
  answer->status = fhx_response_status(response);
  for (uint32_t i = 0; i < fhx_response_header_count(response); i++) {
    const char *name = fhx_response_header_name(response, i);
    if (strcmp(name, "Retry-After") == 0) {
      answer_add_header(answer, "Retry-After", "%s", fhx_response_header_value(response, i));
    }
  }
  answer_set_type(answer, "application/fhir+json");
  if (!page_read(response, TOKEN_BODY_MAX, &answer->body)) {
    answer_fail(answer, "an answer of the engine could not be read");
  }
}

void page_give_json(struct answer *answer, uint32_t status) {
  answer->status = status;
  answer_set_type(answer, "application/json");
}

/* --- files of the page --- */

static const struct page_file *find_file(const char *name) {
  for (size_t i = 0; i < page_file_count; i++) {
    if (strcmp(page_files[i].name, name) == 0) return &page_files[i];
  }
  return NULL;
}

static const char *media_type(const char *name) {
  const char *dot = strrchr(name, '.');
  if (strcmp(dot, ".css") == 0) return "text/css; charset=utf-8";
  if (strcmp(dot, ".js") == 0) return "text/javascript; charset=utf-8";
  if (strcmp(dot, ".svg") == 0) return "image/svg+xml";
  return "text/html; charset=utf-8";
}

static void give_file(const struct page_file *file, uint32_t status, struct answer *answer) {
  answer->status = status;
  answer_set_type(answer, media_type(file->name));
  text_add(&answer->body, file->data, file->len);
}

/* What the pages are drawn with is the same for everybody. */
static bool is_public(const char *name) {
  return find_file(name) != NULL && strstr(name, ".html") == NULL;
}

/* --- who asks --- */

static void refuse_too_many(struct answer *answer) {
  answer_refuse(answer, 429, "throttled", "too many wrong tokens have come; try again in a minute");
  answer_add_header(answer, "Retry-After", "60");
}

/* The login, with a sentence of ours in it. */
static void ask_for_token(uint32_t status, const char *message, struct answer *answer) {
  const struct page_file *file = find_file(login_file);
  const char *text = (const char *)file->data;
  size_t at = 0;
  while (at + sizeof login_mark <= file->len &&
         memcmp(text + at, login_mark, sizeof login_mark - 1) != 0) {
    at++;
  }
  answer->status = status;
  answer_set_type(answer, media_type(login_file));
  text_add(&answer->body, text, at);
  text_add_string(&answer->body, message);
  text_add(&answer->body, text + at, file->len - at);
  if (status == 401) answer_add_header(answer, "WWW-Authenticate", "Bearer realm=\"exports\"");
  if (status == 429) answer_add_header(answer, "Retry-After", "60");
}

/* Other sites may send a browser here, but not to change something. Browsers that do not say where
   a request comes from have the cookie's SameSite, and the header below. */
static bool is_from_elsewhere(const struct request *request) {
  const char *site = request_header(request, "Sec-Fetch-Site");
  return site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

static void log_in(struct page *page, const struct request *request, struct answer *answer) {
  struct smart_field token = {"token", NULL, false};
  char body[TOKEN_BODY_MAX + 1];
  if (is_from_elsewhere(request) || request->body_len > TOKEN_BODY_MAX) {
    answer_refuse(answer, 403, "forbidden", "log in on the page itself");
    return;
  }
  memcpy(body, request->body, request->body_len);
  body[request->body_len] = '\0';
  enum page_verdict verdict = PAGE_UNKNOWN;
  if (smart_form_read(body, request->body_len, &token, 1) && token.value != NULL) {
    verdict = page_admin_try(page->admin, token.value);
  }
  explicit_bzero(body, sizeof body);
  if (verdict == PAGE_TOO_MANY) {
    ask_for_token(429, "Too many wrong tokens have come. Try again in a minute.", answer);
  } else if (verdict != PAGE_BY_HEADER) {
    ask_for_token(401, "This is not a token of this server.", answer);
  } else if (page_admin_begin(page->admin, answer)) {
    answer->status = 303;
    answer_add_header(answer, "Location", PAGE_PATH);
    log_note("an operator has logged in");
  } else {
    answer_fail(answer, "a session could not be made");
  }
}

static bool is_method(const struct request *request, const char *method) {
  return strcmp(request->method, method) == 0;
}

static bool is_read(const struct request *request) {
  return is_method(request, "GET") || is_method(request, "HEAD");
}

/* What changes something comes from the page's script: no other site can send this header. */
static bool may_change(const struct request *request, enum page_verdict verdict) {
  return verdict == PAGE_BY_HEADER ||
         (request_header(request, "X-Exports") != NULL && !is_from_elsewhere(request));
}

static void refuse_nobody(const struct target *target, enum page_verdict verdict,
                          struct answer *answer) {
  if (verdict == PAGE_TOO_MANY) {
    refuse_too_many(answer);
  } else if (target->segment_count == 1) {
    ask_for_token(401, "", answer);
  } else {
    answer_refuse(answer, 401, "login", "this is for operators, who have a token");
    answer_add_header(answer, "WWW-Authenticate", "Bearer realm=\"exports\"");
  }
}

/* --- routes --- */

static void log_out(struct page *page, struct answer *answer) {
  page_give_json(answer, 200);
  text_add_string(&answer->body, "{}");
  page_admin_end(page->admin, answer);
}

static void refuse_path(struct answer *answer) {
  answer_refuse(answer, 404, "not-found", "there is nothing at this URL");
}

static bool is_job_id(const char *text) {
  return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static void route_change(struct server *server, const struct request *request,
                         const struct target *target, struct answer *answer) {
  char *const *segments = target->segments;
  const bool is_jobs = target->segment_count >= 2 && strcmp(segments[1], "jobs") == 0;
  if (is_jobs && target->segment_count == 2 && is_method(request, "POST")) {
    page_jobs_start(server, request, answer);
  } else if (is_jobs && target->segment_count == 3 && is_method(request, "DELETE") &&
             is_job_id(segments[2])) {
    page_jobs_cancel(server, segments[2], answer);
  } else if (target->segment_count == 2 && strcmp(segments[1], "logout") == 0 &&
             is_method(request, "POST")) {
    log_out(server->page, answer);
  } else {
    answer_refuse(answer, 404, "not-found", "there is nothing at this URL that can be changed so");
  }
}

static void route_job(struct server *server, const struct request *request,
                      const struct target *target, struct answer *answer) {
  char *const *segments = target->segments;
  const bool is_files = target->segment_count > 3 && strcmp(segments[3], "files") == 0;
  if (target->segment_count == 2) {
    page_jobs_list(server, target, answer);
  } else if (!is_job_id(segments[2])) {
    answer_refuse(answer, 404, "not-found", "there is no such export");
  } else if (target->segment_count == 3) {
    page_jobs_one(server, segments[2], answer);
  } else if (is_files && target->segment_count == 4) {
    page_files_list(server, segments[2], answer);
  } else if (is_files && target->segment_count == 5) {
    page_files_give(server, request, segments[2], segments[4], answer);
  } else {
    refuse_path(answer);
  }
}

static void route_read(struct server *server, const struct request *request,
                       const struct target *target, struct answer *answer) {
  char *const *segments = target->segments;
  if (target->segment_count == 1) {
    give_file(find_file(main_file), 200, answer);
  } else if (strcmp(segments[1], "jobs") == 0) {
    route_job(server, request, target, answer);
  } else if (target->segment_count == 2 && strcmp(segments[1], "throughput") == 0) {
    page_give_json(answer, 200);
    page_rates_write(server->page->rates, &answer->body);
  } else {
    refuse_path(answer);
  }
}

static void route(struct server *server, const struct request *request, const struct target *target,
                  struct answer *answer) {
  const char *second = target->segment_count == 2 ? target->segments[1] : "";
  if (is_read(request) && is_public(second)) {
    give_file(find_file(second), 200, answer);
    return;
  }
  if (is_method(request, "POST") && strcmp(second, "login") == 0) {
    log_in(server->page, request, answer);
    return;
  }
  const enum page_verdict verdict = page_admin_know(server->page->admin, request);
  if (verdict != PAGE_BY_HEADER && verdict != PAGE_BY_COOKIE) {
    refuse_nobody(target, verdict, answer);
  } else if (is_read(request)) {
    route_read(server, request, target, answer);
  } else if (may_change(request, verdict)) {
    route_change(server, request, target, answer);
  } else {
    answer_refuse(answer, 403, "forbidden", "a change takes the header X-Exports, from this page");
  }
}

/* Nothing but this server's own files is shown, nowhere else, and nothing is kept. */
static void add_protection(struct answer *answer) {
  answer_add_header(answer, "Content-Security-Policy",
                    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
                    "frame-ancestors 'none'");
  answer_add_header(answer, "X-Content-Type-Options", "nosniff");
  answer_add_header(answer, "Referrer-Policy", "no-referrer");
  answer_add_header(answer, "Cross-Origin-Opener-Policy", "same-origin");
  answer_add_header(answer, "Cross-Origin-Resource-Policy", "same-origin");
  /* The engine says it itself. */
  if (answer->exported == NULL) answer_add_header(answer, "Cache-Control", "no-store");
}

void page_answer(struct server *server, const struct request *request, const char *path,
                 struct answer *answer) {
  struct target target;
  if (target_read(path, &target)) {
    route(server, request, &target, answer);
  } else {
    answer_refuse(answer, 400, "invalid",
                  "the URL is malformed: a percent-encoding, a character or a segment");
  }
  target_free(&target);
  add_protection(answer);
}
