/*
 * Files to a server, each with one PUT from memory over one connection: what any program does that
 * has libcurl and nothing else to do. Files are read before the clock starts.
 *
 *   bench_put [--header LINE]... FILE URL [FILE URL]...
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/stopwatch.h"

#define FILES_MAX 256

struct object {
  const char *url;
  char *data;
  size_t len;
  size_t sent;
};

static bool read_file(const char *path, struct object *object) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return false;
  fseek(file, 0, SEEK_END);
  long len = ftell(file);
  rewind(file);
  object->len = (size_t)len;
  object->data = malloc(object->len + 1);
  bool done =
      len >= 0 && object->data != NULL && fread(object->data, 1, object->len, file) == object->len;
  fclose(file);
  return done;
}

static uint64_t count_lines(const struct object *object) {
  uint64_t count = 0;
  for (size_t i = 0; i < object->len; i++) count += object->data[i] == '\n';
  return count;
}

static size_t give(char *buffer, size_t size, size_t count, void *user_data) {
  struct object *object = user_data;
  size_t len = object->len - object->sent;
  if (len > size * count) len = size * count;
  memcpy(buffer, object->data + object->sent, len);
  object->sent += len;
  return len;
}

static size_t ignore(char *data, size_t size, size_t count, void *user_data) {
  (void)data, (void)user_data;
  return size * count;
}

static bool put(CURL *curl, struct object *object) {
  long status = 0;
  curl_easy_setopt(curl, CURLOPT_URL, object->url);
  curl_easy_setopt(curl, CURLOPT_READDATA, object);
  curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)object->len);
  CURLcode result = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (result == CURLE_OK && status / 100 == 2) return true;
  fprintf(stderr, "bench_put: %s, status %ld\n", curl_easy_strerror(result), status);
  return false;
}

static bool put_all(struct object *objects, size_t count, struct curl_slist *headers) {
  CURL *curl = curl_easy_init();
  bool done = curl != NULL;
  if (done) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  }
  for (size_t i = 0; done && i < count; i++) done = put(curl, &objects[i]);
  curl_easy_cleanup(curl);
  return done;
}

int main(int argc, char **argv) {
  struct object objects[FILES_MAX] = {0};
  size_t count = 0;
  uint64_t lines = 0;
  uint64_t bytes = 0;
  /* No second round trip before the body. */
  struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
  int at = 1;
  for (; at + 1 < argc && strcmp(argv[at], "--header") == 0; at += 2) {
    headers = curl_slist_append(headers, argv[at + 1]);
  }
  bool done = (argc - at) % 2 == 0 && argc - at >= 2 && argc - at <= 2 * FILES_MAX;
  for (; done && at < argc; at += 2, count++) {
    objects[count].url = argv[at + 1];
    done = read_file(argv[at], &objects[count]);
    if (done) lines += count_lines(&objects[count]);
    bytes += objects[count].len;
  }
  if (!done) fputs("bench_put: files and URLs in turn, please\n", stderr);
  stopwatch start = stopwatch_start();
  done = done && put_all(objects, count, headers);
  if (done) stopwatch_print(&start, lines, bytes);
  for (size_t i = 0; i < count; i++) free(objects[i].data);
  curl_slist_free_all(headers);
  return done ? 0 : 1;
}
