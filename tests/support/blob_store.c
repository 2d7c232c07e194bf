/* A blob storage on the scripted server. */
#include "support/blob_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/require.h"
#include "support/scripted_server.h"

#define ACCOUNT "fhxaccount"
#define NAME_MAX_LEN 400
#define MARK "x-ms-meta-fhirexport"

typedef struct stored {
  char name[NAME_MAX_LEN];
  uint64_t len;
  char mark[80];
} stored;

/* A header that lives as long as the server. */
typedef struct line {
  struct line *next;
  char text[300];
} line;

struct test_blob_store {
  test_server *server;
  char host[40];
  char connection[300];
  /* "/fhxaccount/<container>/" */
  char folder[120];
  pthread_mutex_t mutex;
  /* Under the mutex. */
  stored *blobs;
  size_t count, puts, stop_at;
  line *lines;
  uint32_t status;
  char code[60];
  atomic_bool is_stopped;
};

/* --- answers; the server calls one at a time, and under the mutex of the store --- */

static void say(test_blob_store *store, test_server_step *step, uint32_t status,
                const char *headers) {
  line *made = calloc(1, sizeof *made);
  test_violation_unless(made != NULL, "there is no memory for a header");
  if (made == NULL) return;
  snprintf(made->text, sizeof made->text, "%s", headers);
  made->next = store->lines;
  store->lines = made;
  step->status = status;
  step->headers = made->text;
}

static void fail(test_blob_store *store, test_server_step *step, uint32_t status,
                 const char *code) {
  char headers[120];
  snprintf(headers, sizeof headers, "x-ms-error-code: %s\r\n", code);
  say(store, step, status, headers);
}

static stored *find(test_blob_store *store, const char *name) {
  for (size_t i = 0; i < store->count; i++) {
    if (strcmp(store->blobs[i].name, name) == 0) return &store->blobs[i];
  }
  return NULL;
}

static void put(test_blob_store *store, const char *name, const test_server_request *request,
                test_server_step *step) {
  if (find(store, name) != NULL) {
    fail(store, step, 409, "BlobAlreadyExists");
    return;
  }
  store->blobs = realloc(store->blobs, (store->count + 1) * sizeof *store->blobs);
  test_violation_unless(store->blobs != NULL, "there is no memory for a blob");
  if (store->blobs == NULL) return;
  stored *made = &store->blobs[store->count++];
  memset(made, 0, sizeof *made);
  snprintf(made->name, sizeof made->name, "%s", name);
  made->len = request->body_len;
  test_server_header(request, MARK, made->mark, sizeof made->mark);
  say(store, step, 201, "");
  if (++store->puts != store->stop_at) return;
  step->held = true;
  atomic_store(&store->is_stopped, true);
}

static void look(test_blob_store *store, const char *name, test_server_step *step) {
  char headers[200];
  const stored *found = find(store, name);
  if (found == NULL) {
    fail(store, step, 404, "BlobNotFound");
    return;
  }
  snprintf(headers, sizeof headers, "Content-Length: %llu\r\nx-ms-blob-type: BlockBlob\r\n%s%s%s",
           (unsigned long long)found->len, *found->mark == '\0' ? "" : MARK ": ", found->mark,
           *found->mark == '\0' ? "" : "\r\n");
  say(store, step, 200, headers);
}

static void drop(test_blob_store *store, const char *name, test_server_step *step) {
  stored *found = find(store, name);
  if (found == NULL) {
    fail(store, step, 404, "BlobNotFound");
    return;
  }
  *found = store->blobs[--store->count];
  say(store, step, 202, "");
}

static void answer(void *context, const test_server_request *request, test_server_step *step) {
  test_blob_store *store = context;
  char name[NAME_MAX_LEN] = "";
  const char *query = strchr(request->target, '?');
  size_t len = query == NULL ? strlen(request->target) : (size_t)(query - request->target);
  size_t folder_len = strlen(store->folder);
  pthread_mutex_lock(&store->mutex);
  bool is_ours = len > folder_len && len - folder_len < sizeof name &&
                 strncmp(request->target, store->folder, folder_len) == 0;
  if (is_ours) memcpy(name, request->target + folder_len, len - folder_len);
  bool is_of_blocks = query != NULL && strstr(query, "comp=block") != NULL;
  if (store->status != 0) {
    fail(store, step, store->status, store->code);
  } else if (!is_ours) {
    fail(store, step, 404, "ContainerNotFound");
  } else if (strcmp(request->method, "PUT") == 0 && strncmp(name, ".trial-", 7) == 0) {
    fail(store, step, 412, "ConditionNotMet");
  } else if (strcmp(request->method, "PUT") == 0) {
    test_violation_unless(!is_of_blocks, "so short a part is not put in blocks");
    put(store, name, request, step);
  } else if (strcmp(request->method, "HEAD") == 0) {
    look(store, name, step);
  } else if (strcmp(request->method, "DELETE") == 0) {
    drop(store, name, step);
  } else {
    fail(store, step, 404, "BlobNotFound");
  }
  pthread_mutex_unlock(&store->mutex);
}

/* --- the store --- */

test_blob_store *test_blob_store_start(const char *container) {
  test_blob_store *store = calloc(1, sizeof *store);
  test_require(store != NULL && pthread_mutex_init(&store->mutex, NULL) == 0);
  const test_server_step step = {.adapt = answer, .context = store};
  snprintf(store->folder, sizeof store->folder, "/" ACCOUNT "/%s/", container);
  store->server = test_server_start_tls(&step, 1, "127.0.0.1");
  snprintf(store->host, sizeof store->host, "127.0.0.1:%u",
           (unsigned)test_server_port(store->server));
  snprintf(store->connection, sizeof store->connection,
           "BlobEndpoint=https://%s/" ACCOUNT
           ";SharedAccessSignature=sv=2020-10-02&ss=b&srt=o&sp=rwd&sig=" TEST_BLOB_SECRET "%%3D",
           store->host);
  return store;
}

void test_blob_store_end(test_blob_store *store) {
  if (store == NULL) return;
  test_server_end(store->server);
  while (store->lines != NULL) {
    line *at = store->lines;
    store->lines = at->next;
    free(at);
  }
  free(store->blobs);
  pthread_mutex_destroy(&store->mutex);
  free(store);
}

const char *test_blob_store_host(const test_blob_store *store) {
  return store->host;
}

const char *test_blob_store_ca_file(const test_blob_store *store) {
  return test_server_certificate(store->server);
}

const char *test_blob_store_connection(const test_blob_store *store) {
  return store->connection;
}

void test_blob_store_answer(test_blob_store *store, uint32_t status, const char *code) {
  pthread_mutex_lock(&store->mutex);
  store->status = status;
  snprintf(store->code, sizeof store->code, "%s", code == NULL ? "" : code);
  pthread_mutex_unlock(&store->mutex);
}

size_t test_blob_store_requests(test_blob_store *store) {
  return test_server_count(store->server);
}

size_t test_blob_store_puts(test_blob_store *store) {
  pthread_mutex_lock(&store->mutex);
  size_t puts = store->puts;
  pthread_mutex_unlock(&store->mutex);
  return puts;
}

size_t test_blob_store_count(test_blob_store *store) {
  pthread_mutex_lock(&store->mutex);
  size_t count = store->count;
  pthread_mutex_unlock(&store->mutex);
  return count;
}

bool test_blob_store_has_url(test_blob_store *store, const char *url) {
  char begin[200];
  int len = snprintf(begin, sizeof begin, "https://%s%s", store->host, store->folder);
  if (strncmp(url, begin, (size_t)len) != 0) return false;
  pthread_mutex_lock(&store->mutex);
  bool found = find(store, url + len) != NULL;
  pthread_mutex_unlock(&store->mutex);
  return found;
}

void test_blob_store_stop_at(test_blob_store *store, size_t n) {
  pthread_mutex_lock(&store->mutex);
  store->stop_at = n;
  pthread_mutex_unlock(&store->mutex);
}

void test_blob_store_wait_stopped(test_blob_store *store) {
  while (!atomic_load(&store->is_stopped)) nanosleep(&(struct timespec){0, 1000000}, NULL);
}

void test_blob_store_go_on(test_blob_store *store) {
  test_server_release(store->server);
}
