/*
 * The head of a request as the example server reads it. Lines: the URL, the version, then headers;
 * the URL may hold a NUL, as libmicrohttpd leaves it. Which heads are taken, a second reading says
 * by RFC 9110 and 9112; targets and instants, of which the library has readers of its own, must be
 * the same for both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* clang-format off */
#include "answer.h"
#include "instant.h"
#include "request_head.h"
#include "target.h"
#include "types.h"
/* clang-format on */
#include "core/instant.h"
#include "core/names.h"
#include "request/request.h"

#define LINES_MAX 24
#define TARGET_MAX 300
#define HEADERS_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* --- the second reading of a head --- */

typedef struct facts {
  size_t hosts;
  size_t lengths;
  size_t codings;
  size_t bytes;
  const char *coding;
  bool has_bad_field;
} facts;

static bool is_token_letter(unsigned char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static facts gather(const struct request *request) {
  facts all = {0, 0, 0, 0, NULL, false};
  for (size_t i = 0; i < request->header_count; i++) {
    const char *name = request->headers[2 * i], *value = request->headers[2 * i + 1];
    all.bytes += strlen(name) + strlen(value) + 4;
    if (strcasecmp(name, "Host") == 0) all.hosts++;
    if (strcasecmp(name, "Content-Length") == 0) all.lengths++;
    if (strcasecmp(name, "Transfer-Encoding") == 0 && all.codings++ == 0) all.coding = value;
    if (*name == '\0') all.has_bad_field = true;
    for (const char *at = name; *at != '\0'; at++) {
      if (!is_token_letter((unsigned char)*at)) all.has_bad_field = true;
    }
    for (const char *at = value; *at != '\0'; at++) {
      unsigned char c = (unsigned char)*at;
      if (c == 0x7F || (c < 0x20 && c != '\t')) all.has_bad_field = true;
    }
  }
  return all;
}

static bool is_sound(const struct request *request, bool has_nul, bool is_http_1_0) {
  const facts all = gather(request);
  if (has_nul || strlen(request->target) > TARGET_MAX || all.bytes > HEADERS_MAX) return false;
  if (all.has_bad_field || all.hosts > 1 || (all.hosts == 0 && !is_http_1_0)) return false;
  if (all.lengths > 1 || all.codings > 1 || all.lengths + all.codings > 1) return false;
  return all.codings == 0 || (!is_http_1_0 && strcasecmp(all.coding, "chunked") == 0);
}

static void check_head(const struct request *request, const char *url, size_t url_len,
                       const char *version) {
  const struct request_head head = {request, url, version};
  struct answer answer = {0};
  const bool is_taken = request_head_check(&head, TARGET_MAX, HEADERS_MAX, &answer);
  const bool has_nul = strlen(url) != url_len;
  must(is_taken == is_sound(request, has_nul, strcmp(version, "HTTP/1.0") == 0),
       "a head is taken if it can be read in one way only");
  if (is_taken) must(answer.status == 0 && answer.body.data == NULL, "then nothing is answered");
  if (!is_taken) {
    must(answer.status == 400 || answer.status == 414 || answer.status == 431, "else it is 4xx");
    must(strstr(answer.body.data, "OperationOutcome") != NULL, "that says why");
    /* No sentence of the server has a tilde. */
    must(strchr(answer.body.data, '~') == NULL, "and repeats nothing");
  }
  answer_free(&answer);
}

/* --- targets, by both --- */

/* The value of the first parameter of that name. */
static const char *first_value(const fhx__target *target, const char *name) {
  for (size_t i = 0; i < target->parameter_count; i++) {
    if (strcmp(target->parameters[i].name, name) == 0) return target->parameters[i].value;
  }
  return NULL;
}

static void check_parameters(const struct target *ours, const fhx__target *theirs) {
  for (size_t i = 0; i < theirs->parameter_count; i++) {
    const char *name = theirs->parameters[i].name;
    /* Nobody asks for the one without a name. */
    if (*name == '\0') continue;
    char *found = target_parameter(ours, name);
    must(found != NULL && strcmp(found, first_value(theirs, name)) == 0,
         "a parameter has the same value for both");
    free(found);
  }
}

static void check_target(const char *raw) {
  struct target ours;
  fhx__target theirs;
  fhx__problem problem;
  const bool is_ours = target_read(raw, &ours);
  const bool is_theirs = fhx__target_read(raw, UINT64_MAX, &theirs, &problem) == FHX_OK;
  for (size_t i = 0; is_ours && i < ours.segment_count && i < TARGET_SEGMENTS_MAX; i++) {
    const char *segment = ours.segments[i];
    must(*segment != '\0' && strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0,
         "a segment leads nowhere else");
    must(fhx__is_utf8(segment, strlen(segment)), "and is text");
    /* Looked for are short ones, and each byte may be sent as three. */
    must(3 * strlen(segment) >= 64 || target_has_segment(raw, segment), "it is found by its name");
  }
  if (is_ours && is_theirs && *raw != '\0') {
    must(ours.segment_count == theirs.segment_count, "both see as many segments");
    for (size_t i = 0; i < ours.segment_count && i < TARGET_SEGMENTS_MAX; i++) {
      must(strcmp(ours.segments[i], theirs.segments[i]) == 0, "the same ones");
    }
    check_parameters(&ours, &theirs);
  }
  if (is_theirs) fhx__target_free(&theirs);
  target_free(&ours);
}

/* --- instants and text, by both --- */

/* The example server takes 14:01 to 14:59 as a zone, where FHIR's pattern ends at 14:00. */
static void check_instant(const char *text) {
  int64_t ours_us = 0;
  fhx__instant theirs = {0, 0};
  const size_t len = strlen(text);
  const bool is_ours = instant_read(text, &ours_us);
  if (fhx__instant_parse(text, len, &theirs)) {
    must(is_ours && ours_us == theirs.us, "an instant is the same for both");
  } else {
    must(!is_ours || (len > 5 && strncmp(text + len - 5, "14:", 3) == 0), "and so is what is none");
  }
  must(is_utf8(text, len) == fhx__is_utf8(text, len), "text is text for both");
  must(is_id(text) == fhx__is_id(text, len), "and an id an id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *lines[LINES_MAX] = {NULL};
  size_t lens[LINES_MAX] = {0}, count = 0;
  const char *headers[2 * LINES_MAX] = {NULL};
  struct request request = {.method = "GET", .headers = headers};
  const char *at = (const char *)data, *end = at + size;
  while (count < LINES_MAX && at < end) {
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    if (feed == NULL) feed = end;
    lens[count] = (size_t)(feed - at);
    lines[count] = malloc(lens[count] + 1);
    must(lines[count] != NULL, "there is memory");
    memcpy(lines[count], at, lens[count]);
    lines[count][lens[count]] = '\0';
    check_instant(lines[count++]);
    at = feed == end ? end : feed + 1;
  }
  for (size_t i = 2; i < count; i++) {
    char *colon = strchr(lines[i], ':');
    if (colon != NULL) *colon = '\0';
    headers[2 * request.header_count] = lines[i];
    headers[2 * request.header_count++ + 1] = colon == NULL ? "" : colon + 1;
  }
  if (count >= 2) {
    /* The request line, divided in its place. */
    const size_t version_len = strlen(lines[1]);
    char *line = malloc(lens[0] + version_len + 2);
    must(line != NULL, "there is memory");
    memcpy(line, lines[0], lens[0] + 1);
    memcpy(line + lens[0] + 1, lines[1], version_len + 1);
    request.target = line;
    check_head(&request, line, lens[0], line + lens[0] + 1);
    check_target(line);
    free(line);
  }
  for (size_t i = 0; i < count; i++) free(lines[i]);
  return 0;
}
