/*
 * A request as a stranger sends it. Lines: the target, the permitted types (`*`: all), a Range,
 * then headers (`Name: value`); behind a line "body:" what a POST has. What is read is whole and
 * safe, comes back when it is encoded again, and never is more than is permitted; what is refused
 * is a proper answer that repeats no value.
 */
#include <fhirexport/job.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "request/request.h"
#include "request/types.h"
#include "select/filter.h"

#define LINES_MAX 32
#define BYTES_MAX 65536
#define FILE_BYTES_MIN 100
#define FILE_BYTES_MAX 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* Blocks of exactly this size, so that the sanitizer sees what is read behind them. */
static char *copy_line(const char *text, size_t len) {
  char *copy = malloc(len + 1);
  must(copy != NULL, "there is memory");
  memcpy(copy, text, len);
  copy[len] = '\0';
  return copy;
}

/* --- refusals --- */

/* No sentence and no value that may be repeated has a tilde, so one that does has it from the
   request. */
static void check_text(const char *text, bool names_have_tilde) {
  size_t len = strlen(text);
  must(len > 0 && len < sizeof((fhx__problem *)NULL)->text, "a sentence is there and ends");
  for (size_t i = 0; i < len; i++) {
    must(text[i] >= ' ' && text[i] <= '~', "a sentence is visible ASCII");
  }
  must(names_have_tilde || strchr(text, '~') == NULL, "no value is repeated");
}

static void check_problem(const fhx__problem *problem, bool names_have_tilde) {
  static const char *const codes[] = {"invalid",  "value",     "not-supported", "forbidden",
                                      "too-long", "structure", "too-costly",    "extension"};
  bool is_code = false;
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    is_code = is_code || strcmp(problem->issue_code, codes[i]) == 0;
  }
  must(is_code, "the code is an issue type");
  must(problem->http_status >= 400 && problem->http_status < 500, "a refusal is 4xx");
  check_text(problem->text, names_have_tilde);
}

/* --- the target --- */

static void check_decoded(const char *text) {
  must(fhx__is_utf8(text, strlen(text)), "decoded text is UTF-8");
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    must(c >= 0x20 && c != 0x7F, "decoded text has no control characters");
    must(c != 0xC2 || (unsigned char)text[1] >= 0xA0, "nor those of Latin-1");
  }
}

/* Every byte encoded; returns the end. */
static char *encode(char *out, char separator, const char *text) {
  *out++ = separator;
  for (; *text != '\0'; text++) out += snprintf(out, 4, "%%%02x", (unsigned)(unsigned char)*text);
  *out = '\0';
  return out;
}

static void check_same(const fhx__target *a, const fhx__target *b) {
  must(a->segment_count == b->segment_count, "as many segments");
  must(a->parameter_count == b->parameter_count, "as many parameters");
  for (size_t i = 0; i < a->segment_count; i++) {
    must(strcmp(a->segments[i], b->segments[i]) == 0, "the same segment");
  }
  for (size_t i = 0; i < a->parameter_count; i++) {
    must(strcmp(a->parameters[i].name, b->parameters[i].name) == 0, "the same name");
    must(strcmp(a->parameters[i].value, b->parameters[i].value) == 0, "the same value");
  }
}

static void check_target(const fhx__target *target, size_t len) {
  /* Three for one, and a separator or two that were not there. */
  char *again = malloc(3 * len + 2 * target->parameter_count + 8);
  must(again != NULL, "there is memory");
  char *end = again;
  fhx__target second;
  fhx__problem problem;
  if (target->segment_count == 0) end = encode(end, '/', "");
  for (size_t i = 0; i < target->segment_count; i++) {
    const char *segment = target->segments[i];
    check_decoded(segment);
    must(segment[0] != '\0', "a segment is not empty");
    must(strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0, "a segment leads nowhere");
    end = encode(end, '/', segment);
  }
  for (size_t i = 0; i < target->parameter_count; i++) {
    check_decoded(target->parameters[i].name);
    check_decoded(target->parameters[i].value);
    end = encode(end, i == 0 ? '?' : '&', target->parameters[i].name);
    end = encode(end, '=', target->parameters[i].value);
  }
  must(fhx__target_read(again, UINT64_MAX, &second, &problem) == FHX_OK, "it can be sent again");
  check_same(target, &second);
  fhx__target_free(&second);
  free(again);
}

static bool names_have_tilde(const fhx__parameter *parameters, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strchr(parameters[i].name, '~') != NULL) return true;
  }
  return false;
}

/* --- the export request --- */

/* Whether `,list,` has `,name,`. */
static bool is_listed(const char *list, const char *name) {
  char *with_commas = malloc(strlen(list) + 3), wanted[FHX__TYPE_MAX + 3];
  must(with_commas != NULL, "there is memory");
  snprintf(with_commas, strlen(list) + 3, ",%s,", list);
  snprintf(wanted, sizeof wanted, ",%s,", name);
  bool is_found = strstr(with_commas, wanted) != NULL;
  free(with_commas);
  return is_found;
}

/* What goes along, and how it is arranged: only what the server can do and the client may read. */
static void check_output(const fhx__export_request *request, const fhx__export_rules *rules,
                         const fhx__kick_off *as) {
  const char *permitted = as->permitted_types;
  const fhx__buffer *associated = &request->associated_types;
  must(!request->by_patient || rules->knows_patients, "patients are known");
  must(!request->allows_partial_manifests || rules->has_pages, "there are pages");
  must(request->provenance <= FHX_PROVENANCE_LATEST, "the provenance is one of three");
  must(request->provenance == FHX_PROVENANCE_DEFAULT || rules->reads_resources, "it can be read");
  must(request->provenance == FHX_PROVENANCE_DEFAULT || permitted == NULL ||
           is_listed(permitted, "Provenance"),
       "and may be");
  must(strlen(associated->data) == associated->len, "the list ends where it ends");
  must(as->by_ballot || (request->file_bytes_min == 0 && request->file_bytes_max == 0),
       "lengths are the ballot's");
  must(request->file_bytes_min <= FILE_BYTES_MAX, "files may have that minimum");
  must(request->file_bytes_max == 0 || (request->file_bytes_max >= FILE_BYTES_MIN &&
                                        request->file_bytes_max > request->file_bytes_min),
       "files may have that maximum, and it is over the minimum");
  if (request->by_patient) {
    must(associated->len == 0 && request->provenance == FHX_PROVENANCE_DEFAULT, "all is patients'");
    return;
  }
  must(is_listed(associated->data, "Location"), "the server's own are there");
  static const char *const added[] = {"Practitioner", "Organization"};
  size_t len = strlen("Location");
  for (size_t i = 0; i < sizeof added / sizeof added[0]; i++) {
    if (!is_listed(associated->data, added[i])) continue;
    must(permitted == NULL || is_listed(permitted, added[i]), "what is added is permitted");
    len += strlen(added[i]) + 1;
  }
  must(associated->len == len, "nothing else is there, and nothing twice");
}

static void check_request(const fhx__export_request *request, const fhx__kick_off *as,
                          bool has_tilde) {
  const fhx_filter *filter = request->filter;
  const char *permitted = as->permitted_types;
  must(permitted == NULL || filter->type_count > 0, "all types are more than is permitted");
  for (size_t i = 0; i < filter->type_count; i++) {
    must(permitted != NULL || fhx__is_resource_type(FHX_FHIR_R4, filter->types[i]),
         "a type is one of R4");
    must(permitted == NULL || is_listed(permitted, filter->types[i]), "a type is permitted");
  }
  must(filter->all_patients == (as->level == FHX__LEVEL_PATIENT), "the level is the filter's");
  must((filter->group_id != NULL) == (as->level == FHX__LEVEL_GROUP), "and so is the Group");
  must(filter->patient_count == 0 || as->level != FHX__LEVEL_SYSTEM, "patients are of a level");
  for (size_t i = 0; i < filter->patient_count; i++) {
    must(fhx__is_id(filter->patients[i], strlen(filter->patients[i])), "a patient has an id");
  }
  for (size_t i = 0; i < filter->search_count; i++) {
    const char *type = fhx__search_type(filter->searches[i]);
    must(permitted == NULL || is_listed(permitted, type), "a query is of a permitted type");
  }
  const fhx__buffer *skipped = &request->skipped;
  must(skipped->len == 0 || skipped->data[skipped->len - 1] == '\0', "the last sentence ends");
  for (size_t at = 0; at < skipped->len; at += strlen(skipped->data + at) + 1) {
    check_text(skipped->data + at, has_tilde);
  }
}

static void try_request(const fhx__export_rules *rules, const fhx__kick_off *as) {
  bool has_tilde = names_have_tilde(as->parameters, as->parameter_count);
  fhx__export_request request;
  fhx__problem problem;
  int32_t status = fhx__export_request_read(rules, as, &request, &problem);
  if (status == FHX_OK) {
    check_request(&request, as, has_tilde);
    check_output(&request, rules, as);
    must(as->lenient || request.skipped.len == 0, "only lenient skips");
    fhx__export_request_free(&request);
    return;
  }
  must(status == FHX_ERR_ARGUMENT, "it is read or refused");
  must(request.filter == NULL && request.skipped.data == NULL, "nothing is left of it");
  must(request.associated_types.data == NULL, "and nothing of its types");
  check_problem(&problem, has_tilde);
}

/* At every level, strictly and leniently, by both versions' rules, of a server that can do much and
   of one that cannot. */
static void try_parameters(const fhx__parameter *parameters, size_t count, const char *permitted) {
  const fhx__export_settings settings = {
      .associated_types = "Location",
      .associated_values = "_people=Practitioner,Organization;_places=Location,Organization",
      .file_bytes_min = FILE_BYTES_MIN,
      .file_bytes_max = FILE_BYTES_MAX};
  fhx__export_rules rules;
  must(fhx__export_rules_init(&rules, &settings, NULL) == FHX_OK, "there are rules");
  for (int i = 0; i < 24; i++) {
    rules.knows_patients = rules.reads_resources = rules.has_pages = i % 12 < 6;
    fhx__kick_off as = {.level = (fhx__export_level)(i / 2 % 3),
                        .group_id = "1",
                        .parameters = parameters,
                        .parameter_count = count,
                        .base_url = "http://a.b",
                        .lenient = i % 2 != 0,
                        .by_ballot = i >= 12,
                        .permitted_types = permitted};
    try_request(&rules, &as);
  }
  fhx__export_rules_free(&rules);
}

static void try_body(const char *text, size_t len, const char *permitted) {
  fhx__body body;
  fhx__problem problem;
  /* Of exactly this size. */
  char *copy = malloc(len == 0 ? 1 : len);
  must(copy != NULL, "there is memory");
  memcpy(copy, text, len);
  int32_t status = fhx__body_read(copy, len, &body, &problem);
  free(copy);
  if (status != FHX_OK) {
    must(status == FHX_ERR_ARGUMENT, "it is read or refused");
    must(body.root == NULL && body.parameters == NULL, "nothing is left of it");
    /* Names are not known here. */
    check_problem(&problem, true);
    return;
  }
  for (size_t i = 0; i < body.parameter_count; i++) {
    check_decoded(body.parameters[i].name);
    check_decoded(body.parameters[i].value);
    must(body.parameters[i].kind != FHX__VALUE_QUERY, "a body is no query");
  }
  try_parameters(body.parameters, body.parameter_count, permitted);
  fhx__body_free(&body);
}

static void try_target(const char *text, const char *permitted) {
  fhx__target target;
  fhx__problem problem;
  const char *query = strchr(text, '?');
  int32_t status = fhx__target_read(text, BYTES_MAX, &target, &problem);
  if (status != FHX_OK) {
    must(status == FHX_ERR_ARGUMENT, "it is read or refused");
    must(target.segments == NULL, "nothing is left of it");
    /* Its names are not known here: encoded ones might have a tilde. */
    check_problem(&problem, query != NULL && strpbrk(query, "~%") != NULL);
    return;
  }
  must(strlen(text) <= BYTES_MAX && text[0] == '/', "it is no longer than is taken");
  check_target(&target, strlen(text));
  try_parameters(target.parameters, target.parameter_count, permitted);
  fhx__target_free(&target);
}

/* --- headers and ranges --- */

static void try_headers(char *const *lines, size_t count) {
  const char *headers[2 * LINES_MAX] = {NULL};
  fhx__preferences preferences;
  fhx__problem problem;
  for (size_t i = 0; i < count; i++) {
    char *colon = strchr(lines[i], ':');
    headers[2 * i] = lines[i];
    headers[2 * i + 1] = colon == NULL ? "" : colon + 1;
    if (colon != NULL) *colon = '\0';
  }
  int32_t status = fhx__content_type_check(headers, count, &problem);
  if (status != FHX_OK) {
    must(status == FHX_ERR_ARGUMENT && problem.http_status == 415, "it is JSON or refused");
    check_problem(&problem, false);
  }
  status = fhx__preferences_read(headers, count, &preferences, &problem);
  if (status == FHX_OK) {
    bool has_prefer = fhx__header(headers, count, "Prefer") != NULL;
    must(has_prefer || !preferences.respond_async, "what is preferred was said");
    return;
  }
  must(status == FHX_ERR_ARGUMENT && problem.http_status == 406, "only Accept is refused");
  must(fhx__header(headers, count, "Accept") != NULL, "and only if it is there");
  check_problem(&problem, false);
}

static void try_range(const char *value, uint64_t length) {
  uint64_t first = 0, count = 0, first_again = 0, count_again = 0;
  char again[64];
  int32_t status = fhx__range_read(value, length, &first, &count);
  if (status == FHX_END) must(first == 0 && count == length, "it is the whole");
  if (status != FHX_OK) return;
  must(count > 0 && first < length && count <= length - first, "it lies in the body");
  snprintf(again, sizeof again, "bytes=%llu-%llu", (unsigned long long)first,
           (unsigned long long)(first + count - 1));
  status = fhx__range_read(again, length, &first_again, &count_again);
  must(status == FHX_OK && first == first_again && count == count_again, "the range is the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *lines[LINES_MAX] = {NULL};
  const char *at = (const char *)data, *end = at + size, *body = NULL;
  size_t count = 0;
  while (count < LINES_MAX && at < end) {
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    if (line_end == NULL) line_end = end;
    if (line_end - at == 5 && memcmp(at, "body:", 5) == 0) {
      body = line_end == end ? end : line_end + 1;
      break;
    }
    lines[count++] = copy_line(at, (size_t)(line_end - at));
    at = line_end == end ? end : line_end + 1;
  }
  const char *permitted = count > 1 && strcmp(lines[1], "*") != 0 ? lines[1] : NULL;
  if (count > 0) try_target(lines[0], permitted);
  if (body != NULL) try_body(body, (size_t)(end - body), permitted);
  for (uint64_t length = 0; count > 2 && length < 1000; length = length * 3 + 1) {
    try_range(lines[2], length);
  }
  if (count > 2) try_range(lines[2], UINT64_MAX);
  if (count > 3) try_headers(lines + 3, count - 3);
  for (size_t i = 0; i < count; i++) free(lines[i]);
  return 0;
}
