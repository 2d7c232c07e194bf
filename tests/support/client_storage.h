/*
 * An engine whose clients may name where their exports go, with a storage of such a client on the
 * scripted server, a host that keeps secrets for all its processes, and a store's clock that a test
 * sets: what tests of clients' destinations share.
 */
#ifndef TEST_SUPPORT_CLIENT_STORAGE_H
#define TEST_SUPPORT_CLIENT_STORAGE_H

#include <fhirexport/fhirexport.h>
#include <pthread.h>
#include <stdatomic.h>

#include "support/blob_store.h"
#include "support/engine.h"

#define TEST_CLIENT_CONTAINER "of-client"
/* The beginning of a query, before the settings in base64. */
#define TEST_CLIENT_SETTINGS "_destinationType=azure-block-blob&_destinationConnectionSettings="
/* A request with such settings. */
#define TEST_CLIENT_REQUEST_MAX 4000
/* How long an engine holds a job without renewing. */
#define TEST_CLIENT_HOLD_US INT64_C(30000000)

/* What a host keeps for all its processes: the secret of one job. */
typedef struct test_vault {
  pthread_mutex_t mutex;
  /* Under the mutex. */
  char job_id[33];
  char data[600];
  atomic_size_t len;
  /* A status with which it fails from here on, and whether that is worth another attempt. */
  _Atomic int32_t fails;
  atomic_uint retryable;
  atomic_uint puts, gets, deletes, destroyed;
} test_vault;

typedef struct test_client_storage {
  test_dataset *data;
  test_engine of;
  test_blob_store *blobs;
  /* What the engine's options point to; they allow the storage's host. */
  fhx_client_destinations clients;
  fhx_http_options http;
  const char *hosts[1];
  test_vault vault;
  /* The clock of its store. */
  _Atomic int64_t clock_us;
  /* The settings. Made once for each test, since every thread reads them. */
  char encoded[1000];
} test_client_storage;

/* Everything but the engine (test_engine_start). */
void test_client_storage_begin(test_client_storage *at);
/* Frees everything, and checks that nothing was violated. */
void test_client_storage_end(test_client_storage *at);

/* What _begin does with `at->of`, for a test that has ended it to begin anew. */
void test_client_storage_prepare(test_client_storage *at, const test_source_knobs *knobs);
/* The clock of `at`, which is the user data. */
int64_t test_client_storage_clock(void *user_data);

/* Engines that are made from here on use the vault; and it is as new. */
void test_client_storage_use_vault(test_client_storage *at);
void test_client_storage_forget(test_client_storage *at);

/* Standard base64 with padding. */
void test_client_encode(const char *text, char *out);

/* A kick-off by GET, whose `+` and `/` are not encoded, as with a careless client; valid until the
   next one. */
const char *test_client_target(const test_client_storage *at, const char *begin_of_query,
                               const char *end_of_query);
/* Sends one by POST. */
test_answer test_client_post(const test_client_storage *at, const char *value_of_settings,
                             const char *more);
/* The answer is 202; takes the target of its status URL and frees it. */
void test_client_take(test_answer answer, char target[TEST_URL_MAX]);
/* Kicks off into the storage's container, which must be accepted. */
void test_client_kick_off(const test_client_storage *at, char target[TEST_URL_MAX]);

/* Polls until the job is complete; or has failed because of its credentials (STAT-07). */
void test_client_expect_complete(fhx_engine *engine, const char *target);
void test_client_expect_lost(fhx_engine *engine, const char *target);

/* What fhx_job_attach says of the job. */
int32_t test_client_attach(const test_client_storage *at, const char *target);
/* Waits until the record is gone. */
void test_client_expect_gone(const test_client_storage *at, const char *target);

/* Every URL is a plain one of a blob that is there; how many there are. */
size_t test_client_check_manifest(const test_client_storage *at, const char *manifest,
                                  const char *request);

#endif
