/* Where credentials come from, when they are renewed, and what holds while that fails. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "core/clock.h"
#include "core/instant.h"
#include "s3/credentials.h"
#include "s3/endpoint.h"
#include "support/memory.h"
#include "support/require.h"
#include "support/scripted_server.h"

#define MINUTE_US INT64_C(60000000)
#define COUNT(of) (sizeof(of) / sizeof *(of))

/* --- the environment --- */

static const char *const settings[] = {"AWS_ACCESS_KEY_ID",
                                       "AWS_SECRET_ACCESS_KEY",
                                       "AWS_SESSION_TOKEN",
                                       "AWS_PROFILE",
                                       "AWS_SHARED_CREDENTIALS_FILE",
                                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                       "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                       "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                       "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                       "AWS_EC2_METADATA_DISABLED",
                                       "AWS_EC2_METADATA_SERVICE_ENDPOINT"};

/* Nothing of this machine's own, and no network unless a test says so. */
static int clean(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(settings); i++) unsetenv(settings[i]);
  setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
  setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
  return 0;
}

static fhx_s3_options options_of(void) {
  fhx_s3_options options;
  FHX_INIT(&options);
  return options;
}

static fhx__s3_credentials *open_credentials(const fhx_s3_options *options) {
  fhx__s3_credentials *credentials = NULL;
  assert_int_equal(fhx__s3_credentials_new(options, "us-east-1", &credentials, NULL), FHX_OK);
  return credentials;
}

/* A file of this content; the name is to be freed and unlinked. */
static char *make_file(const char *content) {
  char *path = strdup("/tmp/fhx-s3-XXXXXX");
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, content, strlen(content)), strlen(content));
  close(file);
  return path;
}

static void drop_file(char *path) {
  unlink(path);
  free(path);
}

/* Whose key a signature has now; "" for none. */
static void assert_key(fhx__s3_credentials *credentials, const char *id, const char *token) {
  fhx__s3_grant grant;
  int32_t status = fhx__s3_credentials_grant(credentials, fhx__clock_now_us(), &grant, NULL);
  assert_int_equal(status, id[0] == '\0' ? FHX_ERR_DENIED : FHX_OK);
  if (status == FHX_OK) {
    assert_string_equal(grant.access_key_id, id);
    if (token == NULL) {
      assert_null(grant.session_token);
    } else {
      assert_string_equal(grant.session_token, token);
    }
  }
  fhx__s3_grant_end(&grant);
}

static void assert_ready(fhx__s3_credentials *credentials) {
  fhx_error *error = NULL;
  test_require_status(fhx__s3_credentials_ready(credentials, true, 0, &error), FHX_OK);
}

static void assert_fails(fhx__s3_credentials *credentials, uint32_t retryable, const char *words) {
  fhx_error *error = NULL;
  assert_int_equal(fhx__s3_credentials_ready(credentials, true, 0, &error), FHX_ERR_DENIED);
  assert_non_null(strstr(fhx_error_message(error), "no credentials for the bucket"));
  if (strstr(fhx_error_message(error), words) == NULL) {
    print_message("said: %s\n", fhx_error_message(error));
    fail();
  }
  assert_int_equal(fhx_error_retryable(error), retryable);
  assert_null(strstr(fhx_error_message(error), "http:"));
  fhx_error_free(error);
}

/* --- the places, in their order --- */

#define PROFILES                                                                \
  "[default]\naws_access_key_id=FILE\naws_secret_access_key=s\n[other]\n"       \
  "aws_access_key_id=OTHER\naws_secret_access_key=s\naws_session_token=token\n" \
  "[empty]\n"

static void host_gives(void *user_data, fhx_reply *reply) {
  fhx_s3_credentials given;
  FHX_INIT(&given);
  given.access_key_id = user_data;
  given.secret_access_key = "s";
  fhx_reply_s3_credentials(reply, &given);
}

static void test_order(void **state) {
  (void)state;
  static char id[] = "HOST";
  char *file = make_file(PROFILES);
  fhx_s3_options options = options_of();
  setenv("AWS_SHARED_CREDENTIALS_FILE", file, 1);
  setenv("AWS_ACCESS_KEY_ID", "ENVIRONMENT", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
  setenv("AWS_SESSION_TOKEN", "t", 1);
  options.access_key_id = "OPTIONS";
  options.secret_access_key = "s";
  options.credentials = host_gives;
  options.user_data = id;
  static const struct {
    const char *id;
    const char *token;
  } rows[] = {{"OPTIONS", NULL}, {"HOST", NULL}, {"ENVIRONMENT", "t"}, {"FILE", NULL}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    fhx__s3_credentials *credentials = open_credentials(&options);
    assert_ready(credentials);
    assert_key(credentials, rows[i].id, rows[i].token);
    assert_true(fhx__s3_credentials_end_us(credentials) == INT64_MAX);
    fhx__s3_credentials_free(credentials);
    if (i == 0) options.access_key_id = options.secret_access_key = NULL;
    if (i == 1) options.credentials = NULL;
    if (i == 2) unsetenv("AWS_ACCESS_KEY_ID");
  }
  drop_file(file);
}

static void test_options_refused(void **state) {
  (void)state;
  fhx__s3_credentials *credentials = NULL;
  fhx_s3_options options = options_of();
  options.access_key_id = "ID";
  assert_int_equal(fhx__s3_credentials_new(&options, "r", &credentials, NULL), FHX_ERR_ARGUMENT);
  options.secret_access_key = "line\nbreak";
  assert_int_equal(fhx__s3_credentials_new(&options, "r", &credentials, NULL), FHX_ERR_ARGUMENT);
  options.access_key_id = options.secret_access_key = NULL;
  options.session_token = "t";
  assert_int_equal(fhx__s3_credentials_new(&options, "r", &credentials, NULL), FHX_ERR_ARGUMENT);
}

static void test_profile(void **state) {
  (void)state;
  char *file = make_file(PROFILES);
  fhx_s3_options options = options_of();
  setenv("AWS_SHARED_CREDENTIALS_FILE", file, 1);
  setenv("AWS_PROFILE", "other", 1);
  fhx__s3_credentials *credentials = open_credentials(&options);
  assert_ready(credentials);
  assert_key(credentials, "OTHER", "token");
  fhx__s3_credentials_free(credentials);
  options.profile = "default";
  credentials = open_credentials(&options);
  assert_ready(credentials);
  assert_key(credentials, "FILE", NULL);
  fhx__s3_credentials_free(credentials);
  static const char *const none[] = {"empty", "third"};
  for (size_t i = 0; i < COUNT(none); i++) {
    options.profile = none[i];
    credentials = open_credentials(&options);
    assert_fails(credentials, 0, "no keys under the profile's name");
    assert_key(credentials, "", NULL);
    fhx__s3_credentials_free(credentials);
  }
  drop_file(file);
}

static void test_home(void **state) {
  (void)state;
  char folder[] = "/tmp/fhx-home-XXXXXX", path[64], file[96];
  fhx_s3_options options = options_of();
  assert_non_null(mkdtemp(folder));
  const char *home = getenv("HOME");
  char *before = home == NULL ? NULL : strdup(home);
  setenv("HOME", folder, 1);
  unsetenv("AWS_SHARED_CREDENTIALS_FILE");
  snprintf(path, sizeof path, "%s/.aws", folder);
  snprintf(file, sizeof file, "%s/credentials", path);
  assert_int_equal(mkdir(path, 0700), 0);
  FILE *out = fopen(file, "w");
  assert_non_null(out);
  fputs(PROFILES, out);
  fclose(out);
  fhx__s3_credentials *credentials = open_credentials(&options);
  assert_ready(credentials);
  assert_key(credentials, "FILE", NULL);
  fhx__s3_credentials_free(credentials);
  unlink(file);
  rmdir(path);
  rmdir(folder);
  unsetenv("HOME");
  credentials = open_credentials(&options);
  assert_fails(credentials, 0, "neither the options, the environment nor the shared file");
  fhx__s3_credentials_free(credentials);
  if (before != NULL) setenv("HOME", before, 1);
  free(before);
}

/* --- endpoints --- */

/* Credentials in JSON that end in so many minutes; to be freed. */
static char *make_document(const char *id, int64_t minutes) {
  char end[FHX__INSTANT_TEXT_MAX];
  char *text = malloc(400);
  assert_non_null(text);
  fhx__instant_format(end, fhx__clock_now_us() + minutes * MINUTE_US, 1000000);
  snprintf(text, 400,
           "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s/+\","
           "\"Token\":\"token\",\"Expiration\":\"%s\"}",
           id, end);
  return text;
}

static void assert_end(fhx__s3_credentials *credentials, int64_t minutes) {
  int64_t left_us = fhx__s3_credentials_end_us(credentials) - fhx__clock_now_us();
  assert_true(left_us <= minutes * MINUTE_US && left_us > (minutes - 2) * MINUTE_US);
}

static void test_container(void **state) {
  (void)state;
  char *document = make_document("CONTAINER", 60), *token = make_file("secret-token\n");
  char url[100];
  const test_server_step step = {.method = "GET", .target = "/v2/role", .body = document};
  test_server *server = test_server_start(&step, 1);
  fhx_s3_options options = options_of();
  snprintf(url, sizeof url, "%s/v2/role?a=b", test_server_url(server));
  setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
  static const char *const wanted[] = {NULL, "in-environment", "secret-token"};
  for (size_t i = 0; i < COUNT(wanted); i++) {
    char value[100];
    if (i == 1) setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", wanted[i], 1);
    if (i == 2) setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token, 1);
    fhx__s3_credentials *credentials = open_credentials(&options);
    assert_ready(credentials);
    assert_key(credentials, "CONTAINER", "token");
    assert_end(credentials, 60);
    /* They are good for long: nobody is asked again. */
    assert_ready(credentials);
    assert_int_equal(test_server_count(server), i + 1);
    const test_server_request *request = test_server_request_at(server, i);
    assert_int_equal(test_server_header(request, "authorization", value, sizeof value),
                     wanted[i] != NULL);
    if (wanted[i] != NULL) assert_string_equal(value, wanted[i]);
    fhx__s3_credentials_free(credentials);
  }
  test_server_end(server);
  drop_file(token);
  free(document);
}

static void test_container_urls(void **state) {
  (void)state;
  static const char *const good[] = {"https://example.org/a",
                                     "http://127.0.0.1:80/a",
                                     "http://127.255.0.9",
                                     "http://localhost:1/",
                                     "http://[::1]:9/a",
                                     "http://169.254.170.2/v2",
                                     "http://169.254.170.23/v1/credentials",
                                     "http://[fd00:ec2::23]/v1/credentials",
                                     "HTTP://LOCALHOST/"};
  static const char *const bad[] = {"http://example.org/a",
                                    "http://127.0.0.1.example.org/",
                                    "http://127.example.org/",
                                    "http://localhost.example.org/",
                                    "http://127.0.0.1@example.org/",
                                    "http://example.org#@127.0.0.1/",
                                    "http://169.254.169.254/",
                                    "http://[::2]/",
                                    "http://[::1]example.org/",
                                    "http://[::1",
                                    "http://",
                                    "ftp://127.0.0.1/",
                                    "127.0.0.1",
                                    ""};
  for (size_t i = 0; i < COUNT(good); i++) {
    test_scenario("%s", good[i]);
    test_require(fhx__s3_is_container_url(good[i]));
  }
  for (size_t i = 0; i < COUNT(bad); i++) {
    test_scenario("%s", bad[i]);
    test_require(!fhx__s3_is_container_url(bad[i]));
  }
  fhx_s3_options options = options_of();
  setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.org/a", 1);
  fhx__s3_credentials *credentials = open_credentials(&options);
  assert_fails(credentials, 0, "neither https nor one of the addresses");
  fhx__s3_credentials_free(credentials);
}

static void test_container_refuses(void **state) {
  (void)state;
  static const struct {
    test_server_step step;
    uint32_t retryable;
    const char *words;
  } rows[] = {
      {{.status = 403, .body = "secret"}, 0, "answered 403"},
      {{.body = "not JSON"}, 0, "not JSON"},
      {{.body = "{}"}, 0, "need an access key id"},
      {{.body = "{\"Code\":\"Failed\"}"}, 1, "no credentials to give"},
      {{.body = "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Expiration\":\"soon\"}"},
       0,
       "cannot be read"},
      {{.body = "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\","
                "\"Expiration\":\"2001-01-01T00:00:00Z\"}"},
       1,
       "have ended"},
      {{.body = "[1"}, 0, "not JSON"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    test_scenario("%s", rows[i].words);
    test_server *server = test_server_start(&rows[i].step, 1);
    fhx_s3_options options = options_of();
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", test_server_url(server), 1);
    fhx__s3_credentials *credentials = open_credentials(&options);
    assert_fails(credentials, rows[i].retryable, rows[i].words);
    fhx__s3_credentials_free(credentials);
    test_server_end(server);
  }
}

#define ROLES "/latest/meta-data/iam/security-credentials/"

static void test_instance(void **state) {
  (void)state;
  char *document = make_document("INSTANCE", 360);
  const test_server_step steps[] = {
      {.method = "PUT",
       .target = "/latest/api/token",
       .header = "ttl-seconds: 21600",
       .body = "session=="},
      {.method = "GET", .target = ROLES "a%2Brole", .header = "token: session==", .body = document},
      {.method = "GET", .target = ROLES, .header = "token: session==", .body = "a+role\nmore"}};
  test_server *server = test_server_start(steps, COUNT(steps));
  char url[100];
  snprintf(url, sizeof url, "%s/", test_server_url(server));
  setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url, 1);
  unsetenv("AWS_EC2_METADATA_DISABLED");
  fhx_s3_options options = options_of();
  fhx__s3_credentials *credentials = open_credentials(&options);
  assert_ready(credentials);
  assert_key(credentials, "INSTANCE", "token");
  assert_end(credentials, 360);
  assert_int_equal(test_server_count(server), 3);
  fhx__s3_credentials_free(credentials);
  setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
  credentials = open_credentials(&options);
  assert_fails(credentials, 0, "neither the options");
  assert_int_equal(test_server_count(server), 3);
  fhx__s3_credentials_free(credentials);
  test_server_end(server);
  free(document);
}

static void test_instance_without_role(void **state) {
  (void)state;
  static const char *const roles[] = {"", "\n", "../secret", " a"};
  unsetenv("AWS_EC2_METADATA_DISABLED");
  for (size_t i = 0; i < COUNT(roles); i++) {
    const test_server_step steps[] = {{.method = "PUT", .body = "session"},
                                      {.method = "GET", .body = roles[i]}};
    test_server *server = test_server_start(steps, 2);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", test_server_url(server), 1);
    fhx_s3_options options = options_of();
    fhx__s3_credentials *credentials = open_credentials(&options);
    assert_fails(credentials, 0, "no role");
    fhx__s3_credentials_free(credentials);
    test_server_end(server);
  }
}

/* --- the host, and renewing --- */

typedef struct host {
  atomic_int calls;
  /* What is answered: the number of the call stands in the key. */
  int64_t minutes;
  bool fails;
  bool is_silent;
  bool re_enters;
  int64_t patience_us;
  fhx__s3_credentials *credentials;
  int32_t status;
} host;

static void ask(void *user_data, fhx_reply *reply) {
  host *self = user_data;
  char id[20];
  int call = atomic_fetch_add(&self->calls, 1) + 1;
  self->patience_us = fhx_reply_patience_us(reply);
  if (self->re_enters) {
    self->status = fhx__s3_credentials_ready(self->credentials, true, 0, NULL);
  }
  if (self->is_silent) return;
  if (self->fails) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 1, "the vault is closed");
    return;
  }
  fhx_s3_credentials given;
  FHX_INIT(&given);
  snprintf(id, sizeof id, "HOST%d", call);
  given.access_key_id = id;
  given.secret_access_key = "s";
  given.session_token = "t";
  given.expires_us = fhx__clock_now_us() + self->minutes * MINUTE_US;
  fhx_reply_s3_credentials(reply, &given);
}

static fhx__s3_credentials *open_host(host *self) {
  fhx_s3_options options = options_of();
  options.credentials = ask;
  options.user_data = self;
  self->credentials = open_credentials(&options);
  return self->credentials;
}

static void test_host(void **state) {
  (void)state;
  host self = {.minutes = 120};
  fhx__s3_credentials *credentials = open_host(&self);
  assert_int_equal(self.calls, 0);
  assert_key(credentials, "", NULL);
  assert_ready(credentials);
  assert_true(self.patience_us == INT64_MAX);
  assert_key(credentials, "HOST1", "t");
  assert_end(credentials, 120);
  assert_ready(credentials);
  assert_int_equal(self.calls, 1);
  fhx__s3_credentials_free(credentials);
}

static void test_host_patience(void **state) {
  (void)state;
  host self = {.minutes = 120};
  fhx__s3_credentials *credentials = open_host(&self);
  int64_t until_us = fhx__clock_monotonic_us() + 2 * MINUTE_US;
  assert_int_equal(fhx__s3_credentials_ready(credentials, true, until_us, NULL), FHX_OK);
  assert_true(self.patience_us > MINUTE_US && self.patience_us <= 2 * MINUTE_US);
  fhx__s3_credentials_free(credentials);
}

/* A part is written on any thread, where no host may be called. */
static void test_host_not_called(void **state) {
  (void)state;
  host self = {.minutes = 120};
  fhx__s3_credentials *credentials = open_host(&self);
  fhx_error *error = NULL;
  assert_int_equal(fhx__s3_credentials_ready(credentials, false, 0, &error), FHX_ERR_DENIED);
  assert_int_equal(fhx_error_retryable(error), 1);
  fhx_error_free(error);
  assert_int_equal(self.calls, 0);
  assert_ready(credentials);
  assert_int_equal(fhx__s3_credentials_ready(credentials, false, 0, NULL), FHX_OK);
  assert_true(fhx__s3_credentials_refuse(credentials, 1));
  assert_key(credentials, "", NULL);
  assert_int_equal(fhx__s3_credentials_ready(credentials, false, 0, NULL), FHX_ERR_DENIED);
  assert_int_equal(self.calls, 1);
  fhx__s3_credentials_free(credentials);
}

static void test_refused(void **state) {
  (void)state;
  host self = {.minutes = 120};
  fhx__s3_credentials *credentials = open_host(&self);
  assert_ready(credentials);
  assert_true(fhx__s3_credentials_refuse(credentials, 1));
  assert_ready(credentials);
  assert_key(credentials, "HOST2", "t");
  /* Those that were renewed meanwhile are not meant. */
  assert_true(fhx__s3_credentials_refuse(credentials, 1));
  assert_key(credentials, "HOST2", "t");
  self.fails = true;
  assert_true(fhx__s3_credentials_refuse(credentials, 2));
  assert_fails(credentials, 1, "the vault is closed");
  assert_key(credentials, "", NULL);
  fhx__s3_credentials_free(credentials);
  fhx_s3_options options = options_of();
  options.access_key_id = "FIXED";
  options.secret_access_key = "s";
  credentials = open_credentials(&options);
  assert_false(fhx__s3_credentials_refuse(credentials, 1));
  assert_key(credentials, "FIXED", NULL);
  fhx__s3_credentials_free(credentials);
}

static void test_host_fails(void **state) {
  (void)state;
  host self = {.fails = true};
  fhx__s3_credentials *credentials = open_host(&self);
  assert_fails(credentials, 1, "the vault is closed");
  self.fails = false;
  self.is_silent = true;
  assert_fails(credentials, 1, "without an answer");
  self.is_silent = false;
  self.minutes = -1;
  assert_fails(credentials, 1, "have ended");
  self.minutes = 60;
  assert_ready(credentials);
  fhx__s3_credentials_free(credentials);
}

static void test_host_re_enters(void **state) {
  (void)state;
  host self = {.minutes = 60, .re_enters = true};
  fhx__s3_credentials *credentials = open_host(&self);
  assert_ready(credentials);
  assert_int_equal(self.status, FHX_ERR_REENTRANT);
  fhx__s3_credentials_free(credentials);
}

static void give_nonsense(void *user_data, fhx_reply *reply) {
  fhx_s3_credentials given;
  (void)user_data;
  FHX_INIT(&given);
  given.access_key_id = "ID";
  assert_int_equal(fhx_reply_s3_credentials(reply, &given), FHX_ERR_ARGUMENT);
  /* The failure stays. */
  given.secret_access_key = "s";
  assert_int_equal(fhx_reply_s3_credentials(reply, &given), FHX_ERR_ARGUMENT);
}

static void give_another_kind(void *user_data, fhx_reply *reply) {
  (void)user_data;
  assert_int_equal(fhx_reply_done(reply), FHX_ERR_MISUSE);
}

static void test_host_nonsense(void **state) {
  (void)state;
  fhx_s3_options options = options_of();
  options.credentials = give_nonsense;
  fhx__s3_credentials *credentials = open_credentials(&options);
  assert_fails(credentials, 0, "need an access key id");
  assert_key(credentials, "", NULL);
  fhx__s3_credentials_free(credentials);
  options.credentials = give_another_kind;
  credentials = open_credentials(&options);
  assert_fails(credentials, 0, "does not fit");
  fhx__s3_credentials_free(credentials);
  assert_int_equal(fhx_reply_s3_credentials(NULL, NULL), FHX_ERR_ARGUMENT);
}

/* At what minute from now the host is asked again, for credentials that live so long. */
static void test_renewed_in_time(void **state) {
  (void)state;
  static const struct {
    int64_t lives;
    int64_t good_at;
    int64_t renewed_at;
  } rows[] = {
      /* Half of the time is over. */
      {360, 179, 181},
      {60, 29, 31},
      /* Less than ten minutes are left. */
      {16, 5, 7},
      {4, 0, 2},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    host self = {.minutes = rows[i].lives};
    fhx__s3_credentials *credentials = open_host(&self);
    int64_t now_us = fhx__clock_now_us();
    test_scenario("%d minutes", (int)rows[i].lives);
    assert_ready(credentials);
    test_require(fhx__s3_credentials_ready_at(credentials, now_us + rows[i].good_at * MINUTE_US,
                                              true, 0, NULL) == FHX_OK);
    test_require(self.calls == 1);
    test_require(fhx__s3_credentials_ready_at(credentials, now_us + rows[i].renewed_at * MINUTE_US,
                                              true, 0, NULL) == FHX_OK);
    test_require(self.calls == 2);
    assert_key(credentials, "HOST2", "t");
    fhx__s3_credentials_free(credentials);
  }
}

/* Those that are good stay while others cannot be had; and it is not tried each time. */
static void test_renewal_fails(void **state) {
  (void)state;
  host self = {.minutes = 60};
  fhx__s3_credentials *credentials = open_host(&self);
  int64_t now_us = fhx__clock_now_us();
  assert_ready(credentials);
  self.fails = true;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(
        fhx__s3_credentials_ready_at(credentials, now_us + 40 * MINUTE_US, true, 0, NULL), FHX_OK);
    assert_key(credentials, "HOST1", "t");
  }
  assert_int_equal(self.calls, 2);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(
        fhx__s3_credentials_ready_at(credentials, now_us + 61 * MINUTE_US, true, 0, NULL),
        FHX_ERR_DENIED);
  }
  assert_int_equal(self.calls, 4);
  fhx__s3_credentials_free(credentials);
}

/* Less than ten minutes are left, but they were given just now. */
static void test_short_lived(void **state) {
  (void)state;
  host self = {.minutes = 5};
  fhx__s3_credentials *credentials = open_host(&self);
  for (int i = 0; i < 3; i++) assert_ready(credentials);
  assert_int_equal(self.calls, 1);
  fhx__s3_credentials_free(credentials);
}

/* --- threads --- */

#define ASKERS 6

static atomic_bool is_asked, may_answer;

static void ask_slowly(void *user_data, fhx_reply *reply) {
  atomic_store(&is_asked, true);
  while (!atomic_load(&may_answer)) fhx__clock_sleep_us(1000);
  ask(user_data, reply);
}

static void *get_ready(void *context) {
  test_violation_unless(fhx__s3_credentials_ready(context, true, 0, NULL) == FHX_OK,
                        "there were no credentials");
  return NULL;
}

/* All wait for the one that asks. */
static void test_one_asks(void **state) {
  (void)state;
  host self = {.minutes = 60};
  pthread_t threads[ASKERS];
  fhx_s3_options options = options_of();
  options.credentials = ask_slowly;
  options.user_data = &self;
  atomic_store(&is_asked, false);
  atomic_store(&may_answer, false);
  test_scenario("one asks");
  fhx__s3_credentials *credentials = open_credentials(&options);
  for (int i = 0; i < ASKERS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, get_ready, credentials), 0);
  }
  while (!atomic_load(&is_asked)) fhx__clock_sleep_us(1000);
  fhx__clock_sleep_us(50000);
  int64_t now_us = fhx__clock_monotonic_us();
  fhx_error *error = NULL;
  assert_int_equal(fhx__s3_credentials_ready(credentials, true, now_us + 20000, &error),
                   FHX_ERR_DENIED);
  assert_int_equal(fhx_error_retryable(error), 1);
  fhx_error_free(error);
  atomic_store(&may_answer, true);
  for (int i = 0; i < ASKERS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(self.calls, 1);
  fhx__s3_credentials_free(credentials);
  test_require_sound();
}

/* --- memory --- */

static int32_t fetch_from(const fhx_s3_options *options) {
  fhx__s3_credentials *credentials = NULL;
  fhx__s3_grant grant;
  int32_t status = fhx__s3_credentials_new(options, "us-east-1", &credentials, NULL);
  if (status != FHX_OK) return status;
  status = fhx__s3_credentials_ready(credentials, true, 0, NULL);
  if (status == FHX_OK) {
    status = fhx__s3_credentials_grant(credentials, fhx__clock_now_us(), &grant, NULL);
    fhx__s3_grant_end(&grant);
  }
  fhx__s3_credentials_free(credentials);
  return status;
}

static void fail_each(const fhx_s3_options *options, uint64_t at_least) {
  for (uint64_t n = 1;; n++) {
    test_memory_begin(n);
    int32_t status = fetch_from(options);
    if (!test_memory_end()) {
      assert_int_equal(status, FHX_OK);
      assert_true(n > at_least);
      return;
    }
    assert_true(status == FHX_ERR_NO_MEMORY || status == FHX_OK || status == FHX_ERR_DENIED);
  }
}

static void test_out_of_memory(void **state) {
  (void)state;
  static char id[] = "HOST";
  char *file = make_file(PROFILES), *document = make_document("INSTANCE", 360);
  fhx_s3_options options = options_of();
  options.credentials = host_gives;
  options.user_data = id;
  fail_each(&options, 5);
  options.credentials = NULL;
  setenv("AWS_SHARED_CREDENTIALS_FILE", file, 1);
  fail_each(&options, 8);
  setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
  unsetenv("AWS_EC2_METADATA_DISABLED");
  const test_server_step steps[] = {{.method = "PUT", .body = "session"},
                                    {.target = ROLES "role", .body = document},
                                    {.target = ROLES, .body = "role"}};
  test_server *server = test_server_start(steps, COUNT(steps));
  setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", test_server_url(server), 1);
  fail_each(&options, 20);
  test_server_end(server);
  drop_file(file);
  free(document);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_order, clean),
                                     cmocka_unit_test_setup(test_options_refused, clean),
                                     cmocka_unit_test_setup(test_profile, clean),
                                     cmocka_unit_test_setup(test_home, clean),
                                     cmocka_unit_test_setup(test_container, clean),
                                     cmocka_unit_test_setup(test_container_urls, clean),
                                     cmocka_unit_test_setup(test_container_refuses, clean),
                                     cmocka_unit_test_setup(test_instance, clean),
                                     cmocka_unit_test_setup(test_instance_without_role, clean),
                                     cmocka_unit_test_setup(test_host, clean),
                                     cmocka_unit_test_setup(test_host_patience, clean),
                                     cmocka_unit_test_setup(test_host_not_called, clean),
                                     cmocka_unit_test_setup(test_refused, clean),
                                     cmocka_unit_test_setup(test_host_fails, clean),
                                     cmocka_unit_test_setup(test_host_re_enters, clean),
                                     cmocka_unit_test_setup(test_host_nonsense, clean),
                                     cmocka_unit_test_setup(test_renewed_in_time, clean),
                                     cmocka_unit_test_setup(test_renewal_fails, clean),
                                     cmocka_unit_test_setup(test_short_lived, clean),
                                     cmocka_unit_test_setup(test_one_asks, clean),
                                     cmocka_unit_test_setup(test_out_of_memory, clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
