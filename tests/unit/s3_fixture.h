/*
 * A bucket behind a scripted server, which keeps objects and uploads as a store does, and which
 * faults come in front of. The pieces of its uploads are short.
 */
#ifndef TEST_UNIT_S3_FIXTURE_H
#define TEST_UNIT_S3_FIXTURE_H

#include "s3/bucket.h"
#include "support/scripted_server.h"

#define TEST_BUCKET_PIECE 1000u

/* What a store says when it refuses. */
#define TEST_BUCKET_ERROR(code) "<?xml version=\"1.0\"?><Error><Code>" code "</Code></Error>"

typedef struct test_bucket_knobs {
  /* FHX_S3_... */
  uint32_t flags;
  bool without_thread;
  bool with_tls;
  /* The store does not give metadata back. */
  bool without_marks;
  /* The store does not look at If-None-Match. */
  bool replaces;
  /* 0: 20 s. */
  int64_t retry_us;
  /* The chain of places decides; else there are keys that do not end, or the callback. */
  bool from_environment;
  fhx_s3_credentials_callback credentials;
  void *user_data;
  const char *storage_class;
  const char *encryption;
  const char *kms_key_id;
  const char *tags;
} test_bucket_knobs;

typedef struct test_bucket {
  test_bucket_knobs with;
  test_server *server;
  fhx__s3_bucket *bucket;
  struct test_store *store;
} test_bucket;

/* `knobs` NULL: as usual. */
void test_bucket_begin(test_bucket *bucket, const test_bucket_knobs *knobs);
void test_bucket_end(test_bucket *bucket);

/* What comes before the sound store from here on. */
void test_bucket_faults(test_bucket *bucket, const test_server_step *steps, size_t count);
/* For a fault's `adapt`, with the test_bucket as its context: the store does what it is asked, and
   only the answer suffers. */
void test_bucket_take(void *context, const test_server_request *request, test_server_step *step);

/* Puts another's object there. */
void test_bucket_put(test_bucket *bucket, const char *name, const char *content);
/* The object's content, terminated, good until the bucket's end; NULL: there is none. */
const char *test_bucket_content(test_bucket *bucket, const char *name);
size_t test_bucket_object_count(test_bucket *bucket);
/* Unfinished uploads. */
size_t test_bucket_upload_count(test_bucket *bucket);

/* A text that fills so much, the NUL with it. */
void test_bucket_fill(char *text, size_t size);

/* How a call has ended. */
typedef struct test_bucket_outcome {
  int32_t status;
  uint32_t retryable;
  char message[400];
} test_bucket_outcome;

/* Frees the error, which must be that of the status. */
test_bucket_outcome test_bucket_outcome_of(int32_t status, fhx_error *error);
/* Begins a part, writes it and commits it, or aborts it when it cannot be written. */
test_bucket_outcome test_bucket_write(test_bucket *bucket, const char *name, const char *content);

#endif
