/* One try of a request: how libcurl is told, and what it calls. */
#include <fhirexport/version.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/encode.h"
#include "transport/work.h"

#define ANSWER_MAX ((size_t)1 << 20)
/* How much of a long body is sent at a time; libcurl's own is 64 KiB. */
#define SEND_BYTES ((size_t)512 * 1024)

/* --- what libcurl calls --- */

/* Fewer bytes than there are. */
static size_t stop(fhx__work *work, int32_t status) {
  work->stopped = status;
  return 0;
}

static size_t take_body(char *data, size_t one, size_t len, void *context) {
  fhx__work *work = context;
  fhx__transfer *transfer = work->transfer;
  size_t most = transfer->answer_max == 0 ? ANSWER_MAX : transfer->answer_max;
  (void)one;
  if (len > most - transfer->answer.len) return stop(work, FHX_ERR_LIMIT);
  if (fhx__buffer_append(&transfer->answer, data, len) != FHX_OK) {
    return stop(work, FHX_ERR_NO_MEMORY);
  }
  return len;
}

static size_t take_header(char *data, size_t one, size_t len, void *context) {
  fhx__work *work = context;
  (void)one;
  int32_t status =
      fhx__answer_take_line(&work->transfer->answer_headers, data, len, &work->has_head);
  if (work->has_head) fhx__sockets_acknowledge(work->transport);
  return status == FHX_OK ? len : stop(work, status);
}

/* libcurl sends a request again by itself when a connection that was open for long turns out to be
   closed: this is how that is seen. The form is libcurl's.
   NOLINTNEXTLINE(readability-non-const-parameter) */
static int note_sending(void *context, char *server, char *self, int server_port, int self_port) {
  fhx__work *work = context;
  (void)server;
  (void)self;
  (void)server_port;
  (void)self_port;
  if (work->sendings++ > 0) work->transfer->in_doubt = true;
  work->moved_us = fhx__clock_monotonic_us();
  return CURL_PREREQFUNC_OK;
}

/* --- how it is told --- */

/* The first failure of a row of calls. */
typedef struct setting {
  CURL *easy;
  CURLcode code;
} setting;

static void set_number(setting *of, CURLoption option, long value) {
  if (of->code == CURLE_OK) of->code = curl_easy_setopt(of->easy, option, value);
}

static void set_text(setting *of, CURLoption option, const char *text) {
  if (of->code == CURLE_OK) of->code = curl_easy_setopt(of->easy, option, text);
}

/* At least 1: 0 would be libcurl's own. */
static long milliseconds(int64_t us) {
  if (us < 1000) return 1;
  return us / 1000 > INT32_MAX ? INT32_MAX : (long)(us / 1000);
}

static void set_callbacks(fhx__work *work) {
  CURL *easy = work->easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)work);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, (void *)work);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, (void *)work);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, note_sending);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, (void *)work);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, fhx__socket_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, (void *)work);
  /* Connections outlive the request that opened them. */
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, fhx__socket_close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, (void *)work->transport);
}

static void set_server(setting *of, const fhx__transport *transport, const char *url) {
  bool guarded = fhx__guard_is_on(&transport->guard);
  set_text(of, CURLOPT_URL, url);
  set_text(of, CURLOPT_PROTOCOLS_STR, guarded ? "https" : "http,https");
  set_number(of, CURLOPT_DISALLOW_USERNAME_IN_URL, guarded ? 1 : 0);
  set_number(of, CURLOPT_PATH_AS_IS, 1);
  set_number(of, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (transport->ca_file != NULL) {
    /* Instead of the system's, which stand in a file or in a folder. */
    set_text(of, CURLOPT_CAINFO, transport->ca_file);
    set_text(of, CURLOPT_CAPATH, NULL);
    set_text(of, CURLOPT_PROXY_CAINFO, transport->ca_file);
    set_text(of, CURLOPT_PROXY_CAPATH, NULL);
  }
  if (guarded) {
    set_text(of, CURLOPT_PROXY, "");
    set_text(of, CURLOPT_NOPROXY, "*");
  } else if (transport->proxy != NULL) {
    set_text(of, CURLOPT_PROXY, transport->proxy);
  }
}

static void set_limits(setting *of, const fhx__work *work, int64_t now_us) {
  const fhx_http_options *options = &work->transport->options;
  int64_t longest = options->request_us;
  if (work->is_bounded && work->until_us - now_us < longest) longest = work->until_us - now_us;
  set_number(of, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(options->connect_us));
  set_number(of, CURLOPT_TIMEOUT_MS, milliseconds(longest));
  set_number(of, CURLOPT_NOSIGNAL, 1);
  set_number(of, CURLOPT_TCP_KEEPALIVE, 1);
  set_number(of, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  set_number(of, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
  /* A request that ends does not wait for a resolver that hangs: all others would wait too. */
  set_number(of, CURLOPT_QUICK_EXIT, 1);
  set_text(of, CURLOPT_USERAGENT, "libfhirexport/" FHX_VERSION);
}

/* A body is read from where it lies, at any time anew. */
static void set_method(setting *of, const fhx__transfer *transfer) {
  bool is_get = strcmp(transfer->method, "GET") == 0;
  bool has_body = transfer->body_len > 0 || strcmp(transfer->method, "PUT") == 0 ||
                  strcmp(transfer->method, "POST") == 0;
  if (strcmp(transfer->method, "HEAD") == 0) {
    set_number(of, CURLOPT_NOBODY, 1);
  } else if (has_body) {
    curl_easy_setopt(of->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_len);
    curl_easy_setopt(of->easy, CURLOPT_POSTFIELDS, transfer->body_len > 0 ? transfer->body : "");
    if (transfer->body_len >= SEND_BYTES)
      set_number(of, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BYTES);
    set_text(of, CURLOPT_CUSTOMREQUEST, transfer->method);
  } else if (!is_get) {
    set_text(of, CURLOPT_CUSTOMREQUEST, transfer->method);
  }
}

/* --- headers --- */

static void drop_headers(fhx__work *work) {
  for (struct curl_slist *at = work->headers; at != NULL; at = at->next) {
    fhx__wipe(at->data, strlen(at->data));
  }
  curl_slist_free_all(work->headers);
  work->headers = NULL;
}

static bool add_line(fhx__work *work, const char *line) {
  struct curl_slist *longer = curl_slist_append(work->headers, line);
  if (longer != NULL) work->headers = longer;
  return longer != NULL;
}

/* An empty value is written to libcurl with a semicolon. */
static bool add_header(fhx__work *work, const char *header) {
  size_t len = strlen(header);
  const char *colon = strchr(header, ':');
  if (colon == NULL || strspn(colon + 1, " ") != strlen(colon + 1)) return add_line(work, header);
  char *line = fhx__copy_bytes(header, len);
  if (line == NULL) return false;
  line[colon - header] = ';';
  line[colon - header + 1] = '\0';
  bool added = add_line(work, line);
  fhx__free(line);
  return added;
}

/* What the owner has signed, and nothing that libcurl would add to a body by itself. */
static bool add_headers(fhx__work *work) {
  const fhx__buffer *lines = &work->transfer->headers;
  bool has_type = false;
  if (!add_line(work, "Expect:")) return false;
  for (size_t at = 0; at < lines->len; at += strlen(lines->data + at) + 1) {
    has_type = has_type || curl_strnequal(lines->data + at, "Content-Type:", 13);
    if (!add_header(work, lines->data + at)) return false;
  }
  return has_type || add_line(work, "Content-Type:");
}

/* --- begin and end --- */

/* Empty, and what was in it is not left in memory. */
static void wipe_buffer(fhx__buffer *buffer) {
  fhx__wipe(buffer->data, buffer->len);
  buffer->len = 0;
}

static void forget_attempt(fhx__work *work) {
  fhx__transfer *transfer = work->transfer;
  wipe_buffer(&transfer->url);
  wipe_buffer(&transfer->headers);
  transfer->answer_headers.len = 0;
  transfer->answer.len = 0;
  transfer->http_status = 0;
  work->sendings = 0;
  work->has_head = false;
  work->moved = 0;
  work->refused_addresses = 0;
  work->opened_sockets = 0;
  work->stopped = FHX_OK;
}

static int32_t no_memory(fhx__work *work) {
  fhx__transfer_settle(work->transfer, FHX_ERR_NO_MEMORY, true, "out of memory");
  return FHX_ERR_NO_MEMORY;
}

static int32_t refuse(fhx__work *work, int32_t status, fhx_error *error) {
  fhx__transfer_settle(work->transfer, status, fhx_error_retryable(error) != 0,
                       fhx_error_message(error));
  fhx_error_free(error);
  return status;
}

/* The URL and the headers of the owner. */
static int32_t prepare(fhx__work *work) {
  fhx__transfer *transfer = work->transfer;
  fhx_error *error = NULL;
  int32_t status = transfer->sign(transfer->context, transfer, &error);
  if (status != FHX_OK) return refuse(work, status, error);
  if (fhx__buffer_terminate(&transfer->url) != FHX_OK) return no_memory(work);
  status = fhx__guard_check_url(&work->transport->guard, transfer->url.data, &error);
  return status == FHX_OK ? FHX_OK : refuse(work, status, error);
}

static CURLcode tell(fhx__work *work) {
  int64_t now_us = fhx__clock_monotonic_us();
  if (work->easy == NULL) work->easy = curl_easy_init();
  if (work->easy == NULL) return CURLE_OUT_OF_MEMORY;
  curl_easy_reset(work->easy);
  setting of = {work->easy, CURLE_OK};
  set_callbacks(work);
  set_server(&of, work->transport, work->transfer->url.data);
  set_limits(&of, work, now_us);
  set_method(&of, work->transfer);
  if (!add_headers(work)) return CURLE_OUT_OF_MEMORY;
  curl_easy_setopt(work->easy, CURLOPT_HTTPHEADER, work->headers);
  return of.code;
}

int32_t fhx__attempt_begin(fhx__work *work) {
  forget_attempt(work);
  work->transfer->attempts++;
  int32_t status = prepare(work);
  if (status != FHX_OK) return status;
  CURLcode code = tell(work);
  if (code == CURLE_OK && curl_multi_add_handle(work->transport->multi, work->easy) == CURLM_OK) {
    work->is_running = true;
    return FHX_OK;
  }
  drop_headers(work);
  if (code == CURLE_OK || code == CURLE_OUT_OF_MEMORY) return no_memory(work);
  fhx__transfer_settle(work->transfer, FHX_ERR_UNSUPPORTED, false,
                       "libcurl lacks something that is needed here");
  return FHX_ERR_UNSUPPORTED;
}

void fhx__attempt_end(fhx__work *work) {
  curl_multi_remove_handle(work->transport->multi, work->easy);
  work->is_running = false;
  curl_easy_setopt(work->easy, CURLOPT_HTTPHEADER, NULL);
  drop_headers(work);
}

/* While the connection is made, connect_us is the limit. */
bool fhx__attempt_stalls(fhx__work *work, int64_t now_us) {
  curl_off_t up = 0, down = 0;
  long head_down = 0, head_up = 0;
  if (work->sendings == 0) return false;
  curl_easy_getinfo(work->easy, CURLINFO_SIZE_UPLOAD_T, &up);
  curl_easy_getinfo(work->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
  curl_easy_getinfo(work->easy, CURLINFO_HEADER_SIZE, &head_down);
  curl_easy_getinfo(work->easy, CURLINFO_REQUEST_SIZE, &head_up);
  int64_t moved = (int64_t)up + (int64_t)down + head_down + head_up;
  if (moved != work->moved) {
    work->moved = moved;
    work->moved_us = now_us;
  }
  return now_us - work->moved_us > work->transport->options.stall_us;
}

void fhx__work_empty(fhx__work *work) {
  drop_headers(work);
  if (work->easy != NULL) curl_easy_cleanup(work->easy);
  work->easy = NULL;
}
