/* Asks again when there is memory. */
#include "support/insist.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/memory.h"
#include "support/require.h"

/* NULL: there was no memory, and there is again. */
static fhx_response *ask(fhx_engine *engine, const char *method, const char *target) {
  fhx_request request = test_request(method, target);
  fhx_response *response = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx_engine_handle(engine, &request, &response, &error);
  test_require((status == FHX_OK) == (response != NULL));
  if (status == FHX_OK) return response;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  test_require(fhx_error_status(error) == FHX_ERR_NO_MEMORY);
  fhx_error_free(error);
  test_memory_recover();
  return NULL;
}

uint32_t test_insist(fhx_engine *engine, const char *method, const char *target, const char *header,
                     char value[TEST_URL_MAX], char *body, size_t capacity) {
  for (;;) {
    size_t len = 0, got = 0;
    int32_t status = FHX_OK;
    fhx_response *response = ask(engine, method, target);
    if (response == NULL) continue;
    uint32_t answered = fhx_response_status(response);
    for (uint32_t i = 0; header != NULL && i < fhx_response_header_count(response); i++) {
      if (strcmp(fhx_response_header_name(response, i), header) != 0) continue;
      snprintf(value, TEST_URL_MAX, "%s", fhx_response_header_value(response, i));
    }
    while ((status = fhx_response_read(response, body + len, capacity - len - 1, &got, NULL)) ==
           FHX_OK) {
      len += got;
    }
    body[len] = '\0';
    fhx_response_free(response);
    if (status == FHX_END) return answered;
    test_require_status(status, FHX_ERR_NO_MEMORY);
    test_memory_recover();
  }
}

bool test_has_ended(uint32_t status) {
  return status != 202;
}

typedef struct watch {
  fhx_engine *engine;
  const char *target;
  test_is_over is_over;
} watch;

static void *stop_when_over(void *context) {
  const watch *self = context;
  for (;;) {
    fhx_request request = test_request("GET", self->target);
    fhx_response *response = NULL;
    int32_t status = fhx_engine_handle(self->engine, &request, &response, NULL);
    bool over = status == FHX_OK && self->is_over(fhx_response_status(response));
    fhx_response_free(response);
    if (over) break;
    if (status != FHX_OK) test_memory_recover();
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  fhx_engine_stop(self->engine);
  return NULL;
}

void test_run_to_the_end(fhx_engine *engine, const char *target, test_is_over is_over) {
  watch watcher = {engine, target, is_over};
  pthread_t thread;
  int32_t status = FHX_OK;
  assert_int_equal(pthread_create(&thread, NULL, stop_when_over, &watcher), 0);
  while ((status = fhx_engine_run(engine, NULL)) != FHX_WAIT) {
    test_require_status(status, FHX_ERR_NO_MEMORY);
    test_memory_recover();
  }
  pthread_join(thread, NULL);
}
