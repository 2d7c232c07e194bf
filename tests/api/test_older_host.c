/*
 * Hosts that were built with another version of the library: each structure that a host fills in,
 * in every shorter and in a longer layout. A shorter one means what the whole one means with zeros
 * for what is missing, and nothing behind its end is read: it ends where the memory does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/folder.h"
#include "support/mute.h"
#include "support/require.h"
#include "support/setup.h"

static test_dataset *data;
static test_export around;
static char folder[TEST_PATH_MAX];
static fhx_destination *place;

/* A page, and behind it one that must not be touched. */
static unsigned char *memory_end;

static int prepare(void **state) {
  (void)state;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char *pages =
      mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0) return -1;
  memory_end = pages + page;
  data = test_dataset_new(51, 40, 0);
  test_setting with = test_setting_usual(data);
  test_export_prepare(&around, &with);
  test_folder_new(folder);
  fhx_directory_options options = {.size = sizeof options, .path = folder};
  return fhx_directory_destination_new(&options, &place, NULL);
}

static int clean_up(void **state) {
  (void)state;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  fhx_destination_free(place);
  test_export_end(&around);
  test_dataset_free(data);
  test_folder_remove(folder);
  return munmap(memory_end - page, 2 * page);
}

/* --- how each structure is filled in, and what is made of it --- */

static void destroy_any(void *user_data) {
  (void)user_data;
}

static void fill_source(void *structure) {
  fhx_source_callbacks *callbacks = structure;
  test_mute_source(callbacks);
  callbacks->destroy = destroy_any;
}

static int32_t make_source(const void *structure, fhx_error **error) {
  fhx_source *source = NULL;
  int32_t status = fhx_source_new(structure, NULL, &source, error);
  fhx_source_free(source);
  return status;
}

static void fill_destination(void *structure) {
  fhx_destination_callbacks *callbacks = structure;
  callbacks->flags = FHX_DESTINATION_ANY_THREAD;
  test_mute_destination(callbacks);
  callbacks->destroy = destroy_any;
}

static int32_t make_destination(const void *structure, fhx_error **error) {
  fhx_destination *destination = NULL;
  int32_t status = fhx_destination_new(structure, NULL, &destination, error);
  fhx_destination_free(destination);
  return status;
}

static void fill_directory(void *structure) {
  fhx_directory_options *options = structure;
  options->path = folder;
  options->base_url = "https://example.org/files";
}

static int32_t make_directory(const void *structure, fhx_error **error) {
  fhx_destination *destination = NULL;
  int32_t status = fhx_directory_destination_new(structure, &destination, error);
  fhx_destination_free(destination);
  return status;
}

static void fill_folder(void *structure) {
  fhx_folder_options *options = structure;
  options->path = folder;
}

static int32_t make_folder(const void *structure, fhx_error **error) {
  fhx_source *source = NULL;
  int32_t status = fhx_folder_source_new(structure, &source, error);
  fhx_source_free(source);
  return status;
}

static int64_t now_any(void *user_data) {
  (void)user_data;
  return 1700000000000000;
}

static void fill_store(void *structure) {
  fhx_sqlite_store_options *options = structure;
  options->path = ":memory:";
  options->clock = now_any;
}

static int32_t make_store(const void *structure, fhx_error **error) {
  fhx_store *store = NULL;
  int32_t status = fhx_sqlite_store_new(structure, &store, error);
  fhx_store_free(store);
  return status;
}

static void fill_writer(void *structure) {
  fhx_writer_options *options = structure;
  options->resource_type = "Patient";
  options->name_prefix = "a/";
  options->part_bytes = 1000;
  options->part_count = 3;
  options->resource_bytes_max = 500;
  options->depth_max = 20;
}

static int32_t make_writer(const void *structure, fhx_error **error) {
  fhx_writer *writer = NULL;
  int32_t status = fhx_writer_new(structure, around.options.destination, &writer, error);
  fhx_writer_free(writer);
  return status;
}

static void fill_job(void *structure) {
  fhx_job_options *options = structure;
  options->flags = FHX_JOB_SHA256;
  options->source = around.options.source;
  options->destination = around.options.destination;
  options->tenant = "a";
  options->client = "b";
  options->part_bytes = 100000;
  options->part_count = 7;
  options->settle_us = -1;
  options->bad_rows_limit = 5;
  options->ig_version = FHX_IG_STU4_BALLOT;
}

static int32_t make_job(const void *structure, fhx_error **error) {
  fhx_job *job = NULL;
  int32_t status = fhx_job_start(structure, &job, error);
  fhx_job_free(job);
  return status;
}

static void fill_engine(void *structure) {
  fhx_engine_options *options = structure;
  options->source = around.options.source;
  options->destination = around.options.destination;
  options->base_url = "https://example.org/fhir";
  options->part_count = 7;
  options->workers = 0;
  options->jobs_max = 3;
  options->fhir_version = FHX_FHIR_R5;
  options->maximum_file_size_min = 100000;
}

static int32_t make_engine(const void *structure, fhx_error **error) {
  fhx_engine *engine = NULL;
  int32_t status = fhx_engine_new(structure, &engine, error);
  fhx_engine_free(engine);
  return status;
}

static int32_t new_engine(fhx_engine **engine, const fhx_clock *clock, fhx_error **error) {
  fhx_engine_options options;
  FHX_INIT(&options);
  fill_engine(&options);
  options.clock = clock;
  return fhx_engine_new(&options, engine, error);
}

static void fill_clock(void *structure) {
  fhx_clock *clock = structure;
  clock->now = now_any;
  clock->monotonic = now_any;
}

static int32_t make_clock(const void *structure, fhx_error **error) {
  fhx_engine *engine = NULL;
  int32_t status = new_engine(&engine, structure, error);
  fhx_engine_free(engine);
  return status;
}

static void fill_request(void *structure) {
  fhx_request *request = structure;
  request->method = "GET";
  request->target = "/metadata";
  request->base_url = "https://example.org/other";
  request->tenant = "a";
}

static int32_t make_request(const void *structure, fhx_error **error) {
  fhx_engine *engine = NULL;
  fhx_response *response = NULL;
  int32_t status = new_engine(&engine, NULL, error);
  if (status == FHX_OK) status = fhx_engine_handle(engine, structure, &response, error);
  if (status == FHX_OK && fhx_response_status(response) != 200) status = FHX_ERR_INTERNAL;
  fhx_response_free(response);
  fhx_engine_free(engine);
  return status;
}

static void fill_job_list(void *structure) {
  fhx_job_list_options *options = structure;
  options->states = FHX_JOBS_RUNNING;
  options->tenant = "a";
  options->client = "b";
  options->limit = 5;
}

static int32_t make_job_list(const void *structure, fhx_error **error) {
  fhx_engine *engine = NULL;
  fhx_job_page *page = NULL;
  int32_t status = new_engine(&engine, NULL, error);
  if (status == FHX_OK) status = fhx_engine_jobs(engine, structure, &page, error);
  if (status == FHX_END) status = FHX_OK;
  fhx_job_page_free(page);
  fhx_engine_free(engine);
  return status;
}

static void fill_publication(void *structure) {
  fhx_publication_options *options = structure;
  options->destination = place;
  options->base_url = "https://example.org/fhir/$bulk-publish";
  options->update_cadence = "P1D";
  options->page_parts = 10;
}

static int32_t make_publication(const void *structure, fhx_error **error) {
  fhx_publication *publication = NULL;
  int32_t status = fhx_publication_open(structure, &publication, error);
  fhx_publication_free(publication);
  return status;
}

static void fill_s3(void *structure) {
  fhx_s3_options *options = structure;
  options->bucket = "a-bucket";
  options->endpoint = "http://127.0.0.1:9";
  options->access_key_id = "AKIDEXAMPLE";
  options->secret_access_key = "hidden";
  options->destroy = destroy_any;
  options->piece_bytes = 8 << 20;
}

static int32_t make_s3(const void *structure, fhx_error **error) {
  fhx_destination *destination = NULL;
  int32_t status = fhx_s3_destination_new(structure, &destination, error);
  fhx_destination_free(destination);
  return status;
}

static void fill_azure(void *structure) {
  fhx_azure_options *options = structure;
  options->container_url = "http://127.0.0.1:9/account/container?sv=2020-12-06&sig=hidden";
  options->destroy = destroy_any;
}

static int32_t make_azure(const void *structure, fhx_error **error) {
  fhx_destination *destination = NULL;
  int32_t status = fhx_azure_destination_new(structure, &destination, error);
  fhx_destination_free(destination);
  return status;
}

#ifdef FHX_TEST_WITH_AZURE
static void fill_clients(void *structure) {
  static const char *const hosts[] = {"account.blob.core.windows.net"};
  fhx_client_destinations *clients = structure;
  clients->allowed_hosts = hosts;
  clients->allowed_host_count = 1;
  clients->container = "exports";
  clients->destroy = destroy_any;
}

static int32_t make_clients(const void *structure, fhx_error **error) {
  fhx_engine_options options;
  fhx_engine *engine = NULL;
  FHX_INIT(&options);
  fill_engine(&options);
  options.client_destinations = structure;
  int32_t status = fhx_engine_new(&options, &engine, error);
  fhx_engine_free(engine);
  return status;
}
#endif

#ifdef FHX_TEST_WITH_S3
static void fill_http(void *structure) {
  fhx_http_options *options = structure;
  options->flags = FHX_HTTP_NO_THREAD;
  options->connect_us = 1000000;
  options->connections_max = 2;
}

static int32_t make_http(const void *structure, fhx_error **error) {
  fhx_s3_options options;
  FHX_INIT(&options);
  fill_s3(&options);
  options.http = structure;
  return make_s3(&options, error);
}
#endif

/* None of these is called: it is enough that they are there. */
static void fill_store_callbacks(void *structure) {
  void (*any)(void *) = destroy_any;
  const size_t begin = offsetof(fhx_store_callbacks, create_job);
  const size_t end = offsetof(fhx_store_callbacks, add_page);
  for (size_t at = begin; at < end; at += sizeof any) {
    memcpy((unsigned char *)structure + at, &any, sizeof any);
  }
}

static int32_t make_store_callbacks(const void *structure, fhx_error **error) {
  fhx_store *store = NULL;
  int32_t status = fhx_store_new(structure, NULL, &store, error);
  fhx_store_free(store);
  return status;
}

/* --- every layout --- */

#ifdef FHX_TEST_WITH_S3
#define WITH_S3 FHX_OK
#else
#define WITH_S3 FHX_ERR_UNSUPPORTED
#endif
#ifdef FHX_TEST_WITH_AZURE
#define WITH_AZURE FHX_OK
#else
#define WITH_AZURE FHX_ERR_UNSUPPORTED
#endif

#define BEHIND(structure, member) \
  (uint32_t)(offsetof(structure, member) + sizeof(((structure *)0)->member))

/* A structure, the first layout of it that a host could work with, and what is made of that. */
static const struct {
  const char *name;
  uint32_t size;
  uint32_t size_min;
  int32_t status;
  void (*fill)(void *structure);
  int32_t (*make)(const void *structure, fhx_error **error);
} cases[] = {
#define CASE(structure, last, status, what) \
  { #structure, sizeof(structure), BEHIND(structure, last), status, fill_##what, make_##what }
    CASE(fhx_source_callbacks, close_cursor, FHX_OK, source),
    CASE(fhx_destination_callbacks, part_remove, FHX_OK, destination),
    CASE(fhx_directory_options, path, FHX_OK, directory),
    CASE(fhx_folder_options, path, FHX_OK, folder),
    CASE(fhx_sqlite_store_options, path, FHX_OK, store),
    CASE(fhx_store_callbacks, list_members, FHX_OK, store_callbacks),
    CASE(fhx_writer_options, resource_type, FHX_OK, writer),
    CASE(fhx_job_options, destination, FHX_OK, job),
    CASE(fhx_engine_options, base_url, FHX_OK, engine),
    CASE(fhx_clock, now, FHX_OK, clock),
    CASE(fhx_request, target, FHX_OK, request),
    CASE(fhx_job_list_options, states, FHX_OK, job_list),
    CASE(fhx_publication_options, base_url, FHX_OK, publication),
    CASE(fhx_s3_options, secret_access_key, WITH_S3, s3),
    CASE(fhx_azure_options, container_url, WITH_AZURE, azure),
/* These are read by what may be left out of a build. */
#ifdef FHX_TEST_WITH_S3
    CASE(fhx_http_options, flags, FHX_OK, http),
#endif
#ifdef FHX_TEST_WITH_AZURE
    CASE(fhx_client_destinations, allowed_host_count, FHX_OK, clients),
#endif
};

/* `told` is what the structure says of its size. */
static void check_told(size_t which, const void *whole, uint32_t size, uint32_t told,
                       int32_t expected) {
  fhx_error *error = NULL;
  unsigned char *given = memory_end - size;
  memcpy(given, whole, size);
  memcpy(given, &told, sizeof told);
  test_scenario("%s of %u bytes", cases[which].name, (unsigned)told);
  int32_t status = cases[which].make(given, &error);
  if (status != expected) print_message("%s\n", fhx_error_message(error));
  fhx_error_free(error);
  test_require_status(status, expected);
}

static void check(size_t which, const void *whole, uint32_t size, int32_t expected) {
  check_told(which, whole, size, size, expected);
}

static void test_layouts(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    union {
      max_align_t align;
      unsigned char bytes[1024];
    } whole;
    const uint32_t size = cases[i].size;
    const int32_t no_structure = cases[i].status == FHX_OK ? FHX_ERR_STRUCT_SIZE : cases[i].status;
    memset(&whole, 0, sizeof whole);
    cases[i].fill(&whole);
    /* Members are of four or eight bytes, and the latter lie at multiples of these. */
    for (uint32_t shorter = cases[i].size_min; shorter <= size; shorter += 8 - shorter % 8) {
      check(i, &whole, shorter, cases[i].status);
    }
    check(i, &whole, size + 8, cases[i].status);
    check(i, &whole, sizeof whole, cases[i].status);
    static const uint32_t none[] = {0, 1, 4, 7, 65537, UINT32_MAX};
    for (size_t j = 0; j < sizeof none / sizeof *none; j++) {
      check_told(i, &whole, sizeof whole, none[j], no_structure);
    }
    whole.bytes[size] = 1;
    check(i, &whole, size, cases[i].status);
    check(i, &whole, size + 8, FHX_ERR_STRUCT_SIZE);
    check(i, &whole, sizeof whole, FHX_ERR_STRUCT_SIZE);
  }
}

/* A size and no more, or no structure at all: what each constructor needs is missing. */
static void test_nothing_there(void **state) {
  (void)state;
  static const uint64_t empty = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fhx_error *error = NULL;
    if (strcmp(cases[i].name, "fhx_clock") == 0) break; /* the rest is not what makes an object */
    check_told(i, &empty, sizeof empty, sizeof empty, FHX_ERR_ARGUMENT);
    test_require_status(cases[i].make(NULL, &error), FHX_ERR_ARGUMENT);
    test_require(*fhx_error_message(error) != '\0');
    fhx_error_free(error);
  }
}

/* --- what is missing is as before --- */

static uint32_t part_count_of(const fhx_job_options *options) {
  uint64_t after = 0;
  fhx_job *job = NULL;
  fhx_part_page *page = NULL;
  test_require_status(fhx_job_start(options, &job, NULL), FHX_OK);
  test_require_status(fhx_job_run(job, NULL), FHX_OK);
  test_require_status(fhx_job_parts_new(job, &after, 1000, &page, NULL), FHX_OK);
  uint32_t count = fhx_part_page_count(page);
  fhx_part_page_free(page);
  fhx_job_free(job);
  return count;
}

static void test_defaults(void **state) {
  (void)state;
  fhx_job_options options = {.size = sizeof options,
                             .source = around.options.source,
                             .destination = around.options.destination,
                             .settle_us = -1};
  test_scenario("defaults");
  const uint32_t plain = part_count_of(&options);
  options.part_count = 1;
  const uint32_t rolled = part_count_of(&options);
  test_require(rolled > plain);
  /* A host that knows the member before and not this one: what lies there is not its structure. */
  options.size = offsetof(fhx_job_options, part_count);
  test_require(part_count_of(&options) == plain);
  options.size = BEHIND(fhx_job_options, part_count);
  test_require(part_count_of(&options) == rolled);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layouts),
      cmocka_unit_test(test_nothing_there),
      cmocka_unit_test(test_defaults),
  };
  return cmocka_run_group_tests(tests, prepare, clean_up);
}
