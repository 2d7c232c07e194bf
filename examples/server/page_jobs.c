/* The jobs as JSON: a list, one, start, cancel. All of it is the engine's; see job_list.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "page_parts.h"
#include "smart_form.h"

#define LIMIT_MAX 1000
/* A number as it is in a URL. */
#define NUMBER_MAX 16

/* --- one job --- */

static const char *state_name(uint32_t state) {
  static const char *const names[] = {"running", "complete", "failed", "removing"};
  return state >= FHX_JOB_RUNNING && state <= FHX_JOB_REMOVING ? names[state - FHX_JOB_RUNNING]
                                                               : "";
}

static void add_text(struct text *body, const char *name, const char *value) {
  text_add_format(body, ",\"%s\":", name);
  text_add_json(body, value);
}

static void add_number(struct text *body, const char *name, int64_t value) {
  text_add_format(body, ",\"%s\":%lld", name, (long long)value);
}

static void add_count(struct text *body, const char *name, uint64_t value) {
  text_add_format(body, ",\"%s\":%llu", name, (unsigned long long)value);
}

static bool is_own(const fhx_job_summary *job) {
  return strcmp(fhx_job_summary_client(job), PAGE_CLIENT) == 0 &&
         *fhx_job_summary_tenant(job) == '\0';
}

static void add_job(struct text *body, const fhx_job_summary *job) {
  text_add_format(body, "{\"id\":\"%s\",\"state\":\"%s\",\"own\":%s,\"waiting\":%s,\"share\":%.4f",
                  fhx_job_summary_id(job), state_name(fhx_job_summary_state(job)),
                  is_own(job) ? "true" : "false",
                  fhx_job_summary_is_waiting(job) == 1 ? "true" : "false",
                  fhx_job_summary_share(job));
  add_text(body, "tenant", fhx_job_summary_tenant(job));
  add_text(body, "client", fhx_job_summary_client(job));
  add_text(body, "parameters", fhx_job_summary_parameters(job));
  add_text(body, "reason", fhx_job_summary_reason(job));
  add_number(body, "created_us", fhx_job_summary_created_us(job));
  add_number(body, "ended_us", fhx_job_summary_ended_us(job));
  add_number(body, "expires_us", fhx_job_summary_expires_us(job));
  add_count(body, "tasks", fhx_job_summary_task_count(job));
  add_count(body, "tasks_done", fhx_job_summary_task_done_count(job));
  add_count(body, "attempts", fhx_job_summary_attempt_count(job));
  add_count(body, "retries", fhx_job_summary_retry_count(job));
  add_count(body, "parts", fhx_job_summary_part_count(job));
  add_count(body, "resources", fhx_job_summary_resource_mark(job));
  add_count(body, "bytes", fhx_job_summary_byte_count(job));
  add_count(body, "errors", fhx_job_summary_error_count(job));
  text_add_string(body, "}");
}

/* --- lists --- */

/* False: no memory. */
static bool read_text(const struct target *target, const char *name, char *text, size_t capacity) {
  char *value = target_parameter(target, name);
  snprintf(text, capacity, "%s", value == NULL ? "" : value);
  const bool fits = value == NULL || strlen(value) < capacity;
  free(value);
  return fits;
}

/* 0: it names none. */
static uint32_t read_states(const char *text) {
  static const char *const names[] = {"running", "complete", "failed"};
  static const uint32_t states[] = {FHX_JOBS_RUNNING, FHX_JOBS_COMPLETE, FHX_JOBS_FAILED};
  uint32_t found = 0;
  for (size_t i = 0; i < 3; i++) {
    if (strcmp(text, names[i]) == 0) found = states[i];
  }
  return found;
}

static bool read_list(const struct target *target, fhx_job_list_options *options, char after[64]) {
  char states[NUMBER_MAX], limit[NUMBER_MAX];
  if (!read_text(target, "states", states, sizeof states) ||
      !read_text(target, "limit", limit, sizeof limit) || !read_text(target, "after", after, 64)) {
    return false;
  }
  options->states = read_states(states);
  options->limit = (uint32_t)strtoul(limit, NULL, 10);
  options->after = *after == '\0' ? NULL : after;
  return (*states == '\0' || options->states != 0) && options->limit <= LIMIT_MAX &&
         strspn(limit, "0123456789") == strlen(limit);
}

static void answer_error(int32_t status, const fhx_error *error, struct answer *answer) {
  if (status == FHX_ERR_ARGUMENT) {
    answer_refuse(answer, 400, "value", fhx_error_message(error));
  } else if (fhx_error_retryable(error) == 1) {
    answer_refuse(answer, 503, "transient", "the jobs cannot be read now; try again");
    answer_add_header(answer, "Retry-After", "1");
  } else {
    answer_fail(answer, fhx_error_message(error));
  }
}

static void add_page(struct text *body, const fhx_job_page *page) {
  text_add_format(body, "{\"now_us\":%lld,\"jobs\":[", (long long)instant_now_us());
  for (uint32_t i = 0; i < fhx_job_page_count(page); i++) {
    if (i > 0) text_add_string(body, ",");
    add_job(body, fhx_job_page_job(page, i));
  }
  text_add_format(body, "],\"after\":\"%s\"}", fhx_job_page_after(page));
}

void page_jobs_list(struct server *server, const struct target *target, struct answer *answer) {
  fhx_job_list_options options;
  fhx_job_page *page = NULL;
  fhx_error *error = NULL;
  char after[64];
  FHX_INIT(&options);
  if (!read_list(target, &options, after)) {
    answer_refuse(answer, 400, "value",
                  "states is one of running, complete and failed, limit a number up to 1000, after "
                  "what the page before has given");
    return;
  }
  const int32_t status = fhx_engine_jobs(server->engine, &options, &page, &error);
  if (status == FHX_OK || status == FHX_END) {
    page_give_json(answer, 200);
    add_page(&answer->body, page);
  } else {
    answer_error(status, error, answer);
  }
  fhx_job_page_free(page);
  fhx_error_free(error);
}

static void refuse_unknown(struct answer *answer) {
  answer_refuse(answer, 404, "not-found", "there is no such export");
}

void page_jobs_one(struct server *server, const char *job_id, struct answer *answer) {
  fhx_job_list_options options;
  fhx_job_page *page = NULL;
  fhx_error *error = NULL;
  FHX_INIT(&options);
  options.job_id = job_id;
  const int32_t status = fhx_engine_jobs(server->engine, &options, &page, &error);
  if (status == FHX_OK) {
    page_give_json(answer, 200);
    add_job(&answer->body, fhx_job_page_job(page, 0));
  } else if (status == FHX_END || status == FHX_ERR_ARGUMENT) {
    refuse_unknown(answer);
  } else {
    answer_error(status, error, answer);
  }
  fhx_job_page_free(page);
  fhx_error_free(error);
}

/* --- start and cancel --- */

static void add_escaped(struct text *target, const char *value) {
  for (const char *at = value; *at != '\0'; at++) {
    if (strchr("-._~,", *at) != NULL || (*at >= '0' && *at <= '9') ||
        ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z')) {
      text_add(target, at, 1);
    } else {
      text_add_format(target, "%%%02X", (unsigned)(unsigned char)*at);
    }
  }
}

enum { LEVEL, GROUP, TYPES, SINCE, FIELD_COUNT };

static bool add_level(struct text *target, const struct smart_field *fields) {
  const char *level = fields[LEVEL].value == NULL ? "" : fields[LEVEL].value;
  if (strcmp(level, "system") == 0) {
    text_add_string(target, "/$export");
  } else if (strcmp(level, "patient") == 0) {
    text_add_string(target, "/Patient/$export");
  } else if (strcmp(level, "group") == 0 && fields[GROUP].value != NULL) {
    text_add_string(target, "/Group/");
    add_escaped(target, fields[GROUP].value);
    text_add_string(target, "/$export");
  } else {
    return false;
  }
  return true;
}

/* The kick-off that a client would send. */
static bool make_target(const struct smart_field *fields, struct text *target) {
  const char *mark = "?";
  if (!add_level(target, fields)) return false;
  if (fields[TYPES].value != NULL) {
    text_add_string(target, "?_type=");
    add_escaped(target, fields[TYPES].value);
    mark = "&";
  }
  if (fields[SINCE].value != NULL) {
    text_add_format(target, "%s_since=", mark);
    add_escaped(target, fields[SINCE].value);
  }
  return true;
}

static const char *header_of(const fhx_response *response, const char *name) {
  for (uint32_t i = 0; i < fhx_response_header_count(response); i++) {
    if (strcmp(fhx_response_header_name(response, i), name) == 0) {
      return fhx_response_header_value(response, i);
    }
  }
  return "";
}

static void kick_off(struct server *server, const char *target, struct answer *answer) {
  static const char *const headers[] = {"Accept", "application/fhir+json", "Prefer",
                                        "respond-async"};
  fhx_request asked;
  fhx_response *response = NULL;
  FHX_INIT(&asked);
  asked.method = "GET";
  asked.target = target;
  asked.headers = headers;
  asked.header_count = 2;
  if (!page_ask(server, &asked, &response, answer)) return;
  const char *slash = strrchr(header_of(response, "Content-Location"), '/');
  if (fhx_response_status(response) == 202 && slash != NULL) {
    page_give_json(answer, 202);
    text_add_string(&answer->body, "{\"id\":");
    text_add_json(&answer->body, slash + 1);
    text_add_string(&answer->body, "}");
  } else {
    page_pass_on(response, answer);
  }
  fhx_response_free(response);
}

void page_jobs_start(struct server *server, const struct request *request, struct answer *answer) {
  struct smart_field fields[FIELD_COUNT] = {[LEVEL] = {"level", NULL, false},
                                            [GROUP] = {"group", NULL, false},
                                            [TYPES] = {"types", NULL, false},
                                            [SINCE] = {"since", NULL, false}};
  struct text target = {NULL, 0, 0, false};
  char *body = calloc(request->body_len + 1, 1);
  if (body != NULL) memcpy(body, request->body, request->body_len);
  const bool is_whole = body != NULL &&
                        smart_form_read(body, request->body_len, fields, FIELD_COUNT) &&
                        make_target(fields, &target);
  if (body == NULL || target.failed) {
    answer_fail(answer, "there is no memory");
  } else if (!is_whole) {
    answer_refuse(answer, 400, "value",
                  "an export takes a level, which is system, patient or group; that of a group "
                  "takes the group's id");
  } else {
    kick_off(server, target.data, answer);
  }
  text_free(&target);
  free(body);
}

void page_jobs_cancel(struct server *server, const char *job_id, struct answer *answer) {
  struct text target = {NULL, 0, 0, false};
  fhx_request asked;
  fhx_response *response = NULL;
  FHX_INIT(&asked);
  text_add_format(&target, "/$export/%s", job_id);
  asked.method = "DELETE";
  asked.target = target.data;
  asked.flags = FHX_REQUEST_OPERATOR;
  if (target.failed) {
    answer_fail(answer, "there is no memory");
  } else if (page_ask(server, &asked, &response, answer)) {
    page_pass_on(response, answer);
  }
  fhx_response_free(response);
  text_free(&target);
}
