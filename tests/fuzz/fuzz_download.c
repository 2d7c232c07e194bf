/*
 * A download as a stranger asks for it: the link, Range, If-Range and Accept-Encoding. Lines: `p`
 * (the job's files are plain) or `g` (in gzip) and the method; the target; then headers. In a
 * target
 * `~j` stands for the job, `~f` for its file, `~e` and `~o` for a time to come and one that is
 * over,
 * `~s` and `~p` for what the server has signed with each. Bytes of a file are given for a signed
 * link that still holds, and for nothing else; which bytes, a second reading of the headers says.
 */
#include <fhirexport/engine.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <zlib.h>

#include "core/names.h"
#include "protocol/link.h"
#include "request/request.h"

#define PATH_CAPACITY 512
#define TARGET_CAPACITY 4096
#define BODY_CAPACITY 65536
#define LINES_MAX 16
#define TENANT "north"
#define BASE_URL "https://fhir.example.org"
/* Far enough away for any test. */
#define TO_COME UINT64_C(99999999999)
#define IS_OVER UINT64_C(1000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* --- two servers, each with a job that is complete --- */

typedef struct bytes {
  char data[BODY_CAPACITY];
  size_t len;
} bytes;

typedef struct server {
  fhx_engine *engine;
  char job_id[FHX__JOB_ID_LEN + 1];
  char file[128];
  char signature[65];
  char old_signature[65];
  /* What the file holds, and what is sent of it in gzip. */
  bytes plain;
  bytes packed;
} server;

static char folder[PATH_CAPACITY];
static server servers[2];
static fhx_source *source;
static fhx_destination *destination;
static const char key[] = "thirty-two bytes, and a few more";

static int remove_entry(const char *path, const struct stat *found, int kind, struct FTW *where) {
  (void)found;
  (void)kind;
  (void)where;
  return remove(path);
}

static void end(void) {
  for (size_t i = 0; i < 2; i++) fhx_engine_free(servers[i].engine);
  fhx_source_free(source);
  fhx_destination_free(destination);
  nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static fhx_request make_request(const char *method, const char *target, const char *const *headers,
                                size_t header_count) {
  fhx_request request;
  FHX_INIT(&request);
  request.method = method;
  request.target = target;
  request.headers = headers;
  request.header_count = header_count;
  request.tenant = TENANT;
  request.client = "app";
  return request;
}

static void read_body(fhx_response *response, bytes *body) {
  int32_t status = FHX_OK;
  body->len = 0;
  while (status == FHX_OK) {
    size_t got = 0;
    must(body->len < sizeof body->data, "a body is short");
    status = fhx_response_read(response, body->data + body->len, sizeof body->data - body->len,
                               &got, NULL);
    body->len += got;
  }
  must(status == FHX_END, "a body can be read to its end");
}

static const char *header_of(const fhx_response *response, const char *name) {
  for (uint32_t i = 0; i < fhx_response_header_count(response); i++) {
    if (strcasecmp(fhx_response_header_name(response, i), name) == 0) {
      return fhx_response_header_value(response, i);
    }
  }
  return NULL;
}

static uint32_t ask(server *of, const char *target, const char *accept_encoding, bytes *body,
                    char location[256]) {
  const char *const headers[] = {"Prefer", "respond-async", "Accept-Encoding", accept_encoding};
  const fhx_request request = make_request("GET", target, headers, 2);
  fhx_response *response = NULL;
  must(fhx_engine_handle(of->engine, &request, &response, NULL) == FHX_OK, "it is answered");
  read_body(response, body);
  const char *found = header_of(response, "Content-Location");
  snprintf(location, 256, "%s", found == NULL ? "" : found);
  uint32_t status = fhx_response_status(response);
  fhx_response_free(response);
  return status;
}

static void sign(server *of, uint64_t expires, char signature[65]) {
  const void *const given = key;
  const size_t len = sizeof key - 1;
  fhx__link_keys keys;
  fhx__buffer url = {NULL, 0, 0};
  const fhx__link link = {TENANT, of->job_id, of->file, expires};
  must(fhx__link_keys_init(&keys, &given, &len, 1, NULL) == FHX_OK, "there are keys");
  must(fhx__link_append(&keys, &link, &url, NULL) == FHX_OK, "and a link");
  must(fhx__buffer_terminate(&url) == FHX_OK, "that ends");
  snprintf(signature, 65, "%s", strstr(url.data, "signature=") + strlen("signature="));
  fhx__buffer_free(&url);
  fhx__link_keys_free(&keys);
}

/* Runs an export, and fetches its one file in both ways. */
static void run_job(server *of) {
  static bytes body;
  char location[256], other[256], target[TARGET_CAPACITY];
  must(ask(of, "/$export", "", &body, location) == 202, "the job begins");
  const char *status_target = location + strlen(BASE_URL);
  while (ask(of, status_target, "", &body, other) == 202) {
    nanosleep(&(struct timespec){0, 5000000}, NULL);
  }
  body.data[body.len] = '\0';
  const char *job_id = status_target + strlen("/$export/");
  must(strlen(job_id) == FHX__JOB_ID_LEN, "the status URL ends with the job");
  memcpy(of->job_id, job_id, sizeof of->job_id);
  const char *file = strstr(body.data, of->job_id);
  must(file != NULL, "the manifest has a file");
  file += strlen(of->job_id) + 1;
  snprintf(of->file, sizeof of->file, "%.*s", (int)strcspn(file, "?"), file);
  sign(of, TO_COME, of->signature);
  sign(of, IS_OVER, of->old_signature);
  snprintf(target, sizeof target, "/$export/%s/%s?expires=%llu&signature=%s", of->job_id, of->file,
           (unsigned long long)TO_COME, of->signature);
  must(ask(of, target, "identity", &of->plain, other) == 200, "the file is there");
  must(ask(of, target, "gzip", &of->packed, other) == 200, "in both ways");
  fhx_engine_stop(of->engine);
}

static void check_packed(server *of) {
  static char unpacked[BODY_CAPACITY];
  z_stream stream = {0};
  stream.next_in = (Bytef *)(void *)of->packed.data;
  stream.avail_in = (uInt)of->packed.len;
  stream.next_out = (Bytef *)(void *)unpacked;
  stream.avail_out = sizeof unpacked;
  must(inflateInit2(&stream, 31) == Z_OK, "there is memory");
  must(inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0, "it is gzip, whole");
  must(stream.total_out == of->plain.len && memcmp(unpacked, of->plain.data, of->plain.len) == 0,
       "of what the file holds");
  inflateEnd(&stream);
}

static void write_resources(void) {
  char path[PATH_CAPACITY + 32];
  snprintf(path, sizeof path, "%s/Patient.ndjson", folder);
  FILE *file = fopen(path, "w");
  must(file != NULL, "the folder can be written to");
  for (int i = 0; i < 20; i++) {
    fprintf(file,
            "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"meta\":{\"lastUpdated\":"
            "\"2020-01-01T00:00:00Z\"}}\n",
            i);
  }
  must(fclose(file) == 0, "and is");
}

static void prepare(void) {
  const char *under = getenv("TMPDIR");
  const void *const given = key;
  const size_t len = sizeof key - 1;
  snprintf(folder, sizeof folder, "%s/fuzz_download_XXXXXX", under == NULL ? "/tmp" : under);
  must(mkdtemp(folder) != NULL, "there is a folder");
  write_resources();
  fhx_folder_options from;
  FHX_INIT(&from);
  from.path = folder;
  fhx_directory_options to;
  FHX_INIT(&to);
  to.path = folder;
  must(fhx_folder_source_new(&from, &source, NULL) == FHX_OK, "there is a source");
  must(fhx_directory_destination_new(&to, &destination, NULL) == FHX_OK, "and a destination");
  atexit(end);
  for (size_t i = 0; i < 2; i++) {
    fhx_engine_options options;
    FHX_INIT(&options);
    options.source = source;
    options.destination = destination;
    options.base_url = BASE_URL;
    options.url_keys = &given;
    options.url_key_lens = &len;
    options.url_key_count = 1;
    options.settle_us = -1;
    options.workers = 1;
    options.polls_max = UINT32_MAX;
    options.job_flags = i == 0 ? 0 : FHX_JOB_GZIP;
    must(fhx_engine_new(&options, &servers[i].engine, NULL) == FHX_OK, "and an engine");
    run_job(&servers[i]);
  }
  check_packed(&servers[1]);
  must(servers[0].plain.len == servers[1].plain.len &&
           memcmp(servers[0].plain.data, servers[1].plain.data, servers[0].plain.len) == 0,
       "both have the same resources");
}

/* --- the second reading --- */

static const char *first_header(const char *const *headers, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcasecmp(headers[2 * i], name) == 0) return headers[2 * i + 1];
  }
  return NULL;
}

/* The first parameter of that name; NULL: there is none. */
static const char *parameter(const fhx__target *target, const char *name) {
  for (size_t i = 0; i < target->parameter_count; i++) {
    if (strcmp(target->parameters[i].name, name) == 0) return target->parameters[i].value;
  }
  return NULL;
}

/* 200 for a link that holds; 404, 403, 410. */
static uint32_t judge_link(const server *of, const fhx__target *target) {
  const char *expires = parameter(target, "expires"), *signature = parameter(target, "signature");
  char signed_with[65];
  if (strcmp(target->segments[1], of->job_id) != 0) return 404;
  if (!fhx__is_part_name(target->segments[2]) || strchr(target->segments[2], '/') != NULL) {
    return 404;
  }
  if (expires == NULL || *expires == '\0' || strlen(expires) > 12 ||
      strspn(expires, "0123456789") != strlen(expires) || signature == NULL) {
    return 403;
  }
  server named = *of;
  const uint64_t seconds = strtoull(expires, NULL, 10);
  if (strlen(target->segments[2]) >= sizeof named.file) return 403;
  snprintf(named.file, sizeof named.file, "%s", target->segments[2]);
  sign(&named, seconds, signed_with);
  if (strcmp(signature, signed_with) != 0) return 403;
  if (seconds <= (uint64_t)time(NULL)) return 410;
  return strcmp(named.file, of->file) == 0 ? 200 : 404;
}

/* A number of any length; those that no file reaches are all the same. */
static uint64_t digits_value(const char *text, size_t len) {
  uint64_t value = 0;
  while (len > 1 && *text == '0') text++, len--;
  if (len > 15) return UINT64_C(1) << 60;
  for (size_t i = 0; i < len; i++) value = value * 10 + (uint64_t)(text[i] - '0');
  return value;
}

/* What RFC 9110 says of a range of a body that is not empty: 200, 206 or 416. */
static uint32_t judge_range(const char *value, uint64_t length, uint64_t *first, uint64_t *count) {
  *first = 0;
  *count = length;
  if (value == NULL || strncasecmp(value, "bytes=", 6) != 0) return 200;
  const char *begin = value + 6;
  size_t begin_len = strspn(begin, "0123456789");
  if (begin[begin_len] != '-') return 200;
  const char *last = begin + begin_len + 1;
  size_t last_len = strspn(last, "0123456789");
  if (last[last_len] != '\0' || begin_len + last_len == 0) return 200;
  uint64_t from = digits_value(begin, begin_len), to = digits_value(last, last_len);
  if (begin_len == 0) {
    if (to == 0) return 416;
    *count = to < length ? to : length;
    *first = length - *count;
    return 206;
  }
  if (last_len != 0 && to < from) {
    /* Of numbers that are both too long to tell apart here. */
    return 200;
  }
  if (from >= length) return 416;
  *first = from;
  *count = last_len == 0 || to >= length ? length - from : to - from + 1;
  return 206;
}

/* Whether both numbers of a range are longer than digits_value tells apart. */
static bool is_beyond(const char *value) {
  size_t digits = 0;
  for (; value != NULL && *value != '\0'; value++) {
    digits = *value >= '0' && *value <= '9' ? digits + 1 : 0;
    if (digits > 15) return true;
  }
  return false;
}

/* --- both --- */

static void check_content(const server *of, bool is_gzip_job, const fhx_response *response,
                          const bytes *body, bool is_head, const char *const *headers,
                          size_t count) {
  char etag[160];
  uint64_t first = 0, len = 0;
  const char *coding = header_of(response, "Content-Encoding");
  bool is_packed = coding != NULL;
  must(!is_packed || (is_gzip_job && strcmp(coding, "gzip") == 0), "only gzip is a coding");
  /* Which coding is chosen has tests of its own; that nobody gets what they did not name is here.
   */
  const char *accepted = first_header(headers, count, "Accept-Encoding");
  must(!is_packed || accepted != NULL, "a coding was asked for");
  must(is_gzip_job == (header_of(response, "Vary") != NULL), "what varies says so");
  snprintf(etag, sizeof etag, "\"%s%s\"", of->file, is_packed ? ".gz" : "");
  must(strcmp(header_of(response, "ETag"), etag) == 0, "the validator is that of these bytes");
  const bytes *whole = is_packed ? &of->packed : &of->plain;
  const char *range = first_header(headers, count, "Range");
  const char *condition = first_header(headers, count, "If-Range");
  if (is_head || (condition != NULL && strcmp(condition, etag) != 0)) range = NULL;
  uint32_t expected = judge_range(range, whole->len, &first, &len);
  must(is_beyond(range) || fhx_response_status(response) == expected, "the status is right");
  if (expected == 416 || is_beyond(range)) return;
  char text[96];
  snprintf(text, sizeof text, "%llu", (unsigned long long)len);
  must(strcmp(header_of(response, "Content-Length"), text) == 0, "the length is right");
  const char *content_range = header_of(response, "Content-Range");
  must((content_range != NULL) == (expected == 206), "a part says which");
  snprintf(text, sizeof text, "bytes %llu-%llu/%zu", (unsigned long long)first,
           (unsigned long long)(first + len - 1), whole->len);
  must(content_range == NULL || strcmp(content_range, text) == 0, "the right one");
  must(body->len == (is_head ? 0 : len), "as many bytes come");
  must(is_head || memcmp(body->data, whole->data + first, len) == 0, "and these");
}

static void check_refusal(const fhx_response *response, const bytes *body, bool is_head) {
  const char *type = header_of(response, "Content-Type");
  must(type != NULL && strcmp(type, "application/fhir+json") == 0, "a refusal says why");
  must(is_head || strncmp(body->data, "{\"resourceType\":\"OperationOutcome\"", 34) == 0,
       "as an OperationOutcome");
}

static void check_answer(const server *of, bool is_gzip_job, const fhx_request *request,
                         const fhx__target *target, fhx_response *response) {
  static bytes body;
  bool is_head = strcmp(request->method, "HEAD") == 0;
  bool is_get = strcmp(request->method, "GET") == 0;
  const uint32_t status = fhx_response_status(response);
  read_body(response, &body);
  bool is_file = (is_get || is_head) && target->segment_count == 3 &&
                 strcmp(target->segments[0], "$export") == 0 &&
                 strcmp(target->segments[2], "pages") != 0 &&
                 strcmp(target->segments[1], "pages") != 0;
  if (status >= 400) check_refusal(response, &body, is_head);
  if (!is_file) {
    must(header_of(response, "ETag") == NULL, "only files have a validator");
    return;
  }
  uint32_t expected = judge_link(of, target);
  if (expected != 200) {
    must(status == expected, "a link that does not hold is refused");
    return;
  }
  must(status == 200 || status == 206 || status == 416 || (status == 406 && is_gzip_job),
       "one that holds is served");
  if (status == 406) {
    must(first_header(request->headers, request->header_count, "Accept-Encoding") != NULL,
         "only who refuses codings gets none");
  } else if (status != 416) {
    check_content(of, is_gzip_job, response, &body, is_head, request->headers,
                  request->header_count);
  } else {
    const char *range = first_header(request->headers, request->header_count, "Range");
    uint64_t first = 0, len = 0;
    must(range != NULL && !is_head, "a range was asked for");
    must(judge_range(range, 1, &first, &len) == 416 || !is_gzip_job || is_beyond(range) ||
             judge_range(range, of->packed.len, &first, &len) == 416 ||
             judge_range(range, of->plain.len, &first, &len) == 416,
         "that lies behind the file");
  }
}

/* --- the input --- */

/* Puts in what the marks stand for. False: it is too long. */
static bool expand(const server *of, const char *raw, char target[TARGET_CAPACITY]) {
  size_t len = 0;
  for (; *raw != '\0'; raw++) {
    char one[32] = {*raw, '\0'};
    const char *piece = one;
    if (*raw == '~' && raw[1] != '\0') {
      switch (*++raw) {
        case 'j':
          piece = of->job_id;
          break;
        case 'f':
          piece = of->file;
          break;
        case 's':
          piece = of->signature;
          break;
        case 'p':
          piece = of->old_signature;
          break;
        case 'e':
          snprintf(one, sizeof one, "%llu", (unsigned long long)TO_COME);
          break;
        case 'o':
          snprintf(one, sizeof one, "%llu", (unsigned long long)IS_OVER);
          break;
        default:
          raw--;
          break;
      }
    }
    if (len + strlen(piece) >= TARGET_CAPACITY) return false;
    memcpy(target + len, piece, strlen(piece));
    len += strlen(piece);
  }
  target[len] = '\0';
  return true;
}

static void try_request(char *const *lines, size_t count) {
  char text[TARGET_CAPACITY];
  const bool is_gzip_job = lines[0][0] == 'g';
  server *of = &servers[is_gzip_job ? 1 : 0];
  const char *method = lines[0][0] == '\0' ? "GET" : lines[0] + 1;
  const char *headers[2 * LINES_MAX] = {NULL};
  size_t header_count = 0;
  fhx__target target;
  fhx__problem problem;
  for (size_t i = 2; i < count; i++) {
    char *colon = strchr(lines[i], ':');
    if (colon == NULL) continue;
    *colon = '\0';
    headers[2 * header_count] = lines[i];
    headers[2 * header_count++ + 1] = colon[1] == ' ' ? colon + 2 : colon + 1;
  }
  /* No request may begin or remove jobs: the next one is to find the same. */
  if (strcmp(method, "DELETE") == 0 || !expand(of, lines[1], text)) return;
  if (fhx__target_read(text, 16384, &target, &problem) != FHX_OK) return;
  if (target.segment_count >= 2 && strcmp(target.segments[target.segment_count - 1], "$export")) {
    const fhx_request request = make_request(method, text, headers, header_count);
    fhx_response *response = NULL;
    must(fhx_engine_handle(of->engine, &request, &response, NULL) == FHX_OK, "it is answered");
    check_answer(of, is_gzip_job, &request, &target, response);
    fhx_response_free(response);
  }
  fhx__target_free(&target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool is_ready;
  char *lines[LINES_MAX] = {NULL};
  size_t count = 0;
  if (!is_ready) prepare();
  is_ready = true;
  const char *at = (const char *)data, *stop = at + size;
  while (count < LINES_MAX && at < stop) {
    const char *feed = memchr(at, '\n', (size_t)(stop - at));
    if (feed == NULL) feed = stop;
    lines[count] = strndup(at, (size_t)(feed - at));
    must(lines[count++] != NULL, "there is memory");
    at = feed == stop ? stop : feed + 1;
  }
  if (count >= 2) try_request(lines, count);
  for (size_t i = 0; i < count; i++) free(lines[i]);
  return 0;
}
