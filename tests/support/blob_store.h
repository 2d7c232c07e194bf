/*
 * A blob storage of Azure's kind over https, on the scripted server: it keeps the names of blobs
 * that were put, and fails as a test wants it. It checks no signature and knows only what the
 * library asks for; that real storages agree is what other tests are for.
 */
#ifndef TEST_SUPPORT_BLOB_STORE_H
#define TEST_SUPPORT_BLOB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The signature in its connection string, by which what leaks is found. */
#define TEST_BLOB_SECRET "7Rm9qZkYt0cW5xVbN2LpJd8sHfGaEu4o"

typedef struct test_blob_store test_blob_store;

/* With this container. */
test_blob_store *test_blob_store_start(const char *container);
/* NULL is harmless. */
void test_blob_store_end(test_blob_store *store);

/* "127.0.0.1:port"; the certificate; "BlobEndpoint=https://...;SharedAccessSignature=...". */
const char *test_blob_store_host(const test_blob_store *store);
const char *test_blob_store_ca_file(const test_blob_store *store);
const char *test_blob_store_connection(const test_blob_store *store);

/* Every request is answered with this HTTP status and error code from here on; 0: as it should. */
void test_blob_store_answer(test_blob_store *store, uint32_t status, const char *code);

/* How many requests and blobs there were, and how many blobs there are; and whether this is the URL
   of one. */
size_t test_blob_store_requests(test_blob_store *store);
size_t test_blob_store_puts(test_blob_store *store);
size_t test_blob_store_count(test_blob_store *store);
bool test_blob_store_has_url(test_blob_store *store, const char *url);

/* The n-th blob from the start is answered only after _go_on; waits until it is asked for. */
void test_blob_store_stop_at(test_blob_store *store, size_t n);
void test_blob_store_wait_stopped(test_blob_store *store);
void test_blob_store_go_on(test_blob_store *store);

#endif
