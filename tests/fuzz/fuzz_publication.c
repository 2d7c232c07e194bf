/*
 * publication.json, as a destination gives it back: any bytes. What is behind the first line feed
 * is the page that a chain waits in. A publication is refused, or opened, which ends what was
 * begun; then it is opened once more, has the same in it, and has nothing left to end.
 */
#include <fhirexport/publish.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct document {
  char data[DOCUMENT_MAX];
  size_t len;
} document;

/* The list, and whatever else there is. */
static document list, page;
static uint64_t put_count;

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

static document *find(const char *name) {
  return strcmp(name, "publication.json") == 0 ? &list : &page;
}

static void put(void *user_data, const char *name, const void *data, size_t len,
                const char *media_type, const char *cache_control, fhx_reply *reply) {
  document *of = find(name);
  (void)user_data;
  (void)media_type;
  (void)cache_control;
  must(len <= DOCUMENT_MAX, "documents that are written again are about as long");
  if (len > 0) memcpy(of->data, data, len);
  of->len = len;
  put_count++;
  fhx_reply_done(reply);
}

static void get(void *user_data, const char *name, fhx_reply *reply) {
  const document *of = find(name);
  (void)user_data;
  fhx_reply_item(reply, of->data, of->len);
  fhx_reply_done(reply);
}

/* Opening a publication asks for no part. */
static void part_write(void *user_data, void *upload, const void *data, size_t len,
                       fhx_reply *reply) {
  (void)user_data;
  (void)upload;
  (void)data;
  (void)len;
  (void)reply;
}

static void part_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)user_data;
  (void)upload;
  (void)part;
  (void)reply;
}

static void part_abort(void *user_data, void *upload) {
  (void)user_data;
  (void)upload;
}

static void part_named(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data;
  (void)name;
  (void)reply;
}

static void part_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  (void)user_data;
  (void)part;
  (void)expires_us;
  (void)reply;
}

static fhx_destination *make_destination(void) {
  fhx_destination_callbacks callbacks;
  fhx_destination *destination = NULL;
  FHX_INIT(&callbacks);
  callbacks.part_open = part_named;
  callbacks.part_write = part_write;
  callbacks.part_commit = part_commit;
  callbacks.part_abort = part_abort;
  callbacks.part_stat = part_named;
  callbacks.part_url = part_url;
  callbacks.part_remove = part_named;
  callbacks.document_put = put;
  callbacks.document_get = get;
  must(fhx_destination_new(&callbacks, NULL, &destination, NULL) == FHX_OK, "there is memory");
  return destination;
}

static fhx_publication *open_publication(fhx_destination *destination) {
  fhx_publication_options options;
  fhx_publication *publication = NULL;
  fhx_error *error = NULL;
  FHX_INIT(&options);
  options.destination = destination;
  options.base_url = "http://h";
  if (fhx_publication_open(&options, &publication, &error) == FHX_OK) return publication;
  must(publication == NULL, "what is refused gives nothing");
  must(error != NULL && fhx_error_message(error)[0] != '\0', "what is refused is said");
  fhx_error_free(error);
  return NULL;
}

/* The bytes up to the first line feed, and those behind it. */
static void read_input(const uint8_t *data, size_t size) {
  const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
  list.len = end == NULL ? size : (size_t)(end - data);
  page.len = end == NULL ? 0 : size - list.len - 1;
  if (list.len > 0) memcpy(list.data, data, list.len);
  if (page.len > 0) memcpy(page.data, end + 1, page.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* Ends and links are longer when they are written than when they were read. */
  if (size > DOCUMENT_MAX / 16) return 0;
  read_input(data, size);
  fhx_destination *destination = make_destination();
  fhx_publication *first = open_publication(destination);
  if (first != NULL) {
    const uint64_t count = put_count;
    fhx_publication *second = open_publication(destination);
    must(second != NULL, "what was opened can be opened again");
    must(put_count == count, "nothing is left to be ended");
    must(strcmp(fhx_publication_time(first), fhx_publication_time(second)) == 0, "the same time");
    must(fhx_publication_update_count(first) == fhx_publication_update_count(second),
         "as many updates");
    must(fhx_publication_has_chain(first) == fhx_publication_has_chain(second), "the same chain");
    fhx_publication_free(second);
  }
  fhx_publication_free(first);
  fhx_destination_free(destination);
  return 0;
}
