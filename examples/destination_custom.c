/*
 * A destination of one's own: parts go to an HTTP server that takes PUT, HEAD and DELETE (a WebDAV
 * folder, an artifact store). A folder of NDJSON is exported there, the manifest goes to stdout.
 *
 *   destination_custom FOLDER URL
 *
 * What matters more than how bytes travel is what a callback answers. "Failed" says: this part does
 * not exist and never will. Where that is not certain, as when the connection breaks behind the
 * last byte, the answer is FHX_ERR_UNKNOWN_OUTCOME; the library then asks part_stat.
 */
#include <curl/curl.h>
#include <fhirexport/fhirexport.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_MS 1000
#define URL_MAX_LEN 2048

/* --- requests --- */

struct answer {
  CURLcode result;
  long status; /* 0: none came */
  curl_off_t length;
};

static bool is_success(const struct answer *answer) {
  return answer->result == CURLE_OK && answer->status >= 200 && answer->status < 300;
}

/* The form is libcurl's.
   NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t ignore(char *data, size_t size, size_t count, void *user_data) {
  (void)data, (void)user_data;
  return size * count;
}

/* One request; `body` is sent from its beginning, unless it is NULL. */
static struct answer request(const char *base, const char *name, const char *method, FILE *body,
                             curl_off_t length, long timeout_ms) {
  struct answer answer = {CURLE_OUT_OF_MEMORY, 0, -1};
  char url[URL_MAX_LEN];
  /* Names of parts need no escaping in a URL. */
  if (snprintf(url, sizeof url, "%s/%s", base, name) >= (int)sizeof url) return answer;
  CURL *curl = curl_easy_init();
  /* An object that exists is not replaced. */
  struct curl_slist *headers = curl_slist_append(NULL, "If-None-Match: *");
  if (curl != NULL && headers != NULL) {
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    if (body != NULL) {
      rewind(body);
      curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(curl, CURLOPT_READDATA, body);
      curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, length);
      curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    } else {
      curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
      curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    }
    answer.result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &answer.length);
  }
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return answer;
}

/* --- the callbacks: user_data is the base URL --- */

/* A part on its way. It waits in a temporary file, since its length has to be known in advance. */
struct upload {
  FILE *spool;
  curl_off_t length;
  char name[];
};

static void drop(struct upload *upload) {
  fclose(upload->spool);
  free(upload);
}

static void part_open(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data;
  struct upload *upload = malloc(sizeof *upload + strlen(name) + 1);
  if (upload == NULL) return; /* a callback without an answer has failed */
  upload->spool = tmpfile();
  if (upload->spool == NULL) {
    free(upload);
    fhx_reply_fail(reply, FHX_ERR_IO, 1, "a temporary file cannot be made");
    return;
  }
  upload->length = 0;
  memcpy(upload->name, name, strlen(name) + 1);
  fhx_reply_handle(reply, upload, 0);
}

static void part_write(void *user_data, void *handle, const void *data, size_t len,
                       fhx_reply *reply) {
  (void)user_data;
  struct upload *upload = handle;
  upload->length += (curl_off_t)len;
  if (fwrite(data, 1, len, upload->spool) == len) {
    fhx_reply_done(reply);
  } else {
    fhx_reply_fail(reply, FHX_ERR_NO_SPACE, 1, "the temporary file cannot be written");
  }
}

static void part_commit(void *user_data, void *handle, const fhx_part *part, fhx_reply *reply) {
  (void)part;
  struct upload *upload = handle;
  struct answer answer =
      request(user_data, upload->name, "PUT", upload->spool, upload->length, 10L * 60 * 1000);
  if (is_success(&answer)) {
    fhx_reply_done(reply);
  } else if (answer.status == 412) {
    fhx_reply_fail(reply, FHX_ERR_EXISTS, 0, "the server has an object of that name");
  } else if (answer.result == CURLE_COULDNT_CONNECT || answer.status == 429) {
    fhx_reply_fail(reply, FHX_ERR_DESTINATION, 1, "the server cannot be reached at present");
  } else if (answer.status >= 300 && answer.status < 500) {
    fhx_reply_fail(reply, FHX_ERR_DESTINATION, 0, "the server refuses the part");
  } else {
    fhx_reply_fail(reply, FHX_ERR_UNKNOWN_OUTCOME, 1, "the server may have taken the part");
  }
  drop(upload);
}

static void part_abort(void *user_data, void *handle) {
  (void)user_data;
  drop(handle); /* nothing has been sent yet */
}

static void part_stat(void *user_data, const char *name, fhx_reply *reply) {
  struct answer answer = request(user_data, name, "HEAD", NULL, 0, 30L * 1000);
  if (is_success(&answer) && answer.length >= 0) {
    fhx_reply_object(reply, (uint64_t)answer.length, NULL);
  } else if (answer.status == 404) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no such object");
  } else {
    fhx_reply_fail(reply, FHX_ERR_DESTINATION, 1, "the server does not say whether it has it");
  }
}

/* The server knows its clients: URLs are not signed (FHX_DESTINATION_REQUIRES_TOKEN). */
static void part_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  (void)expires_us;
  char url[URL_MAX_LEN];
  int len = snprintf(url, sizeof url, "%s/%s", (const char *)user_data, fhx_part_name(part));
  if (len <= 0 || len >= (int)sizeof url) return;
  fhx_reply_item(reply, url, (size_t)len);
  fhx_reply_done(reply);
}

static void part_remove(void *user_data, const char *name, fhx_reply *reply) {
  struct answer answer = request(user_data, name, "DELETE", NULL, 0, 30L * 1000);
  if (is_success(&answer) || answer.status == 404) {
    fhx_reply_done(reply);
  } else {
    fhx_reply_fail(reply, FHX_ERR_DESTINATION, 1, "the server does not remove an object");
  }
}

/* For an engine, which answers a kick-off with 503 if this fails: so no longer than a client waits.
 */
static void check_writable(void *user_data, fhx_reply *reply) {
  int64_t patience_ms = fhx_reply_patience_us(reply) / US_PER_MS;
  struct answer answer =
      request(user_data, "", "HEAD", NULL, 0, patience_ms < 5000 ? (long)patience_ms + 1 : 5000);
  if (answer.result == CURLE_OK && answer.status < 500) {
    fhx_reply_done(reply);
  } else {
    fhx_reply_fail(reply, FHX_ERR_DESTINATION, 1, "the server cannot be reached at present");
  }
}

static const fhx_destination_callbacks callbacks = {
    .size = sizeof callbacks,
    /* part_write touches nothing but its upload, so a thread of the library may call it. */
    .flags = FHX_DESTINATION_REQUIRES_TOKEN | FHX_DESTINATION_ANY_THREAD,
    .part_open = part_open,
    .part_write = part_write,
    .part_commit = part_commit,
    .part_abort = part_abort,
    .part_stat = part_stat,
    .part_url = part_url,
    .part_remove = part_remove,
    .check_writable = check_writable};

/* --- an export to it --- */

static int32_t print_manifest(fhx_job *job, fhx_error **error) {
  fhx_manifest *manifest = NULL;
  char text[4096];
  int32_t status = fhx_manifest_new(job, &manifest, error);
  for (size_t len = 0; !status;) {
    status = fhx_manifest_read(manifest, text, sizeof text, &len, error);
    if (!status) fwrite(text, 1, len, stdout);
  }
  fhx_manifest_free(manifest);
  return status;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: destination_custom FOLDER URL\n", stderr);
    return 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  fhx_folder_options folder = {.size = sizeof folder, .path = argv[1]};
  fhx_job_options options = {.size = sizeof options, .settle_us = -1, .part_bytes = 1 << 20};
  fhx_job *job = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx_folder_source_new(&folder, &options.source, &error);
  if (!status) status = fhx_destination_new(&callbacks, argv[2], &options.destination, &error);
  if (!status) status = fhx_job_start(&options, &job, &error);
  if (!status) status = fhx_job_run(job, &error);
  if (!status) status = print_manifest(job, &error);
  if (status < 0) fprintf(stderr, "destination_custom: %s\n", fhx_error_message(error));
  fhx_job_free(job);
  fhx_destination_free(options.destination);
  fhx_source_free(options.source);
  fhx_error_free(error);
  curl_global_cleanup();
  return status < 0 ? 1 : 0;
}
