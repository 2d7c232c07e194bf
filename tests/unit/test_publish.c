/*
 * Publishing: snapshots, updates, pages, what is refused, what is removed and when (PUB-02, -05 to
 * -08); and that whoever reads while the publisher is killed at any point sees the old state or the
 * new one, whole.
 *
 * ctest labels: onethread
 */
#include <sys/wait.h>

#include "support/memory.h"
#include "unit/publish_place.h"

#define HOUR_US TEST_HOUR_US
#define STATE_MAX (TEST_CATALOGUE_MAX * 16)

static int64_t host_now_us(void *user_data) {
  return ((const test_catalogue *)user_data)->now_us;
}

static fhx_publication_options options_of(place *self, fhx_clock *clock) {
  fhx_publication_options options;
  FHX_INIT(clock);
  clock->now = host_now_us;
  clock->user_data = &self->catalogue;
  FHX_INIT(&options);
  options.destination = self->destination;
  options.base_url = BASE_URL;
  options.update_cadence = "PT1H";
  options.grace_us = 3 * HOUR_US;
  options.clock = clock;
  options.page_parts = 2;
  return options;
}

static fhx_publication *open_publication(place *self) {
  fhx_clock clock;
  fhx_publication *publication = NULL;
  fhx_publication_options options = options_of(self, &clock);
  test_require_status(fhx_publication_open(&options, &publication, NULL), FHX_OK);
  return publication;
}

static fhx_job *export_since(place *self, const char *since) {
  fhx_job *job = test_catalogue_export(&self->catalogue, self->destination, since, 2);
  test_require(job != NULL);
  return job;
}

static void publish_snapshot(place *self, fhx_publication *publication, uint32_t flags) {
  fhx_job *job = export_since(self, "");
  test_require_status(fhx_publication_snapshot(publication, job, flags, NULL), FHX_OK);
  fhx_job_free(job);
}

static void publish_update(place *self, fhx_publication *publication) {
  fhx_job *job = export_since(self, fhx_publication_time(publication));
  test_require_status(fhx_publication_update(publication, job, NULL), FHX_OK);
  fhx_job_free(job);
}

/* A client that begins at the root has what the catalogue has. */
static void check_state(const place *self, const char *end) {
  char wanted[STATE_MAX], got[STATE_MAX];
  view seen;
  read_all(self, &seen);
  state_of(&seen, got);
  test_catalogue_state(&self->catalogue, wanted);
  assert_string_equal(got, wanted);
  assert_string_equal(seen.end, end);
}

/* Some are written, some go, some come again. */
static void change(place *self, size_t round) {
  test_catalogue_wait(&self->catalogue);
  for (size_t i = 0; i < 3; i++) test_catalogue_write(&self->catalogue, (round * 7 + i * 5) % 16);
  if (round > 0) test_catalogue_delete(&self->catalogue, (round * 3) % 16);
  test_catalogue_wait(&self->catalogue);
}

/* --- the life of a publication --- */

static void whole_life(void **state) {
  place self;
  (void)state;
  place_begin(&self);
  fhx_publication *publication = open_publication(&self);
  assert_string_equal(fhx_publication_time(publication), "");
  assert_int_equal(fhx_publication_has_chain(publication), 0);
  change(&self, 0);
  publish_snapshot(&self, publication, 0);
  check_state(&self, "#pending");
  assert_int_equal(fhx_publication_has_chain(publication), 1);
  for (size_t round = 1; round <= 6; round++) {
    change(&self, round);
    publish_update(&self, publication);
    check_state(&self, "#pending");
    assert_int_equal(fhx_publication_update_count(publication), round);
    if (round % 2 == 0) {
      /* Another process goes on. */
      fhx_publication_free(publication);
      publication = open_publication(&self);
    }
  }
  change(&self, 7);
  publish_snapshot(&self, publication, FHX_SNAPSHOT_FINAL);
  check_state(&self, "-");
  assert_int_equal(fhx_publication_has_chain(publication), 0);
  assert_int_equal(fhx_publication_update_count(publication), 0);
  fhx_publication_free(publication);
  place_end(&self);
}

static void count_text(const place *self, const char *url, const char *text, size_t wanted) {
  fhx__buffer document = {NULL, 0, 0};
  size_t found = 0;
  read_file_at(self, url, &document);
  for (const char *at = document.data; (at = strstr(at, text)) != NULL; at++) found++;
  if (found != wanted) fail_msg("%s has \"%s\" %zu times: %s", url, text, found, document.data);
  fhx__buffer_free(&document);
}

/* PUB-02, PUB-05, PUB-08: what root, stub and update say. */
static void documents(void **state) {
  static const char root[] = BASE_URL "/$bulk-publish";
  static const char type[] =
      "\"manifestType\":\"http://hl7.org/fhir/uv/bulkdata/StructureDefinition/"
      "BulkPublishManifest\"";
  place self;
  view seen;
  (void)state;
  place_begin(&self);
  fhx_publication *publication = open_publication(&self);
  change(&self, 0);
  publish_snapshot(&self, publication, 0);
  count_text(&self, root, type, 1);
  count_text(&self, root, "\"transactionTime\":\"2024-05-06T14:00:00.000Z\"", 1);
  count_text(&self, root, "\"updateCadence\":\"PT1H\"", 1);
  count_text(&self, root, "\"requiresAccessToken\":false", 1);
  count_text(&self, root, "\"outputFormat\":\"application/fhir+ndjson\"", 1);
  count_text(&self, root, "\"request\"", 0);
  count_text(&self, root, "\"error\"", 0);
  count_text(&self, root, "#pending", 0);
  read_all(&self, &seen);
  count_text(&self, seen.last, type, 1);
  count_text(&self, seen.last, "\"transactionTime\":\"2024-05-06T14:00:00.000Z\"", 1);
  count_text(&self, seen.last, "\"output\"", 0);
  count_text(&self, seen.last, "\"deleted\"", 0);
  count_text(&self, seen.last, "\"link\":[{\"relation\":\"next\",\"url\":\"#pending\"}]}", 1);
  /* An update without changes says that there were none. */
  test_catalogue_wait(&self.catalogue);
  publish_update(&self, publication);
  count_text(&self, seen.last, "#pending", 0);
  read_all(&self, &seen);
  count_text(&self, seen.last, "\"transactionTime\":\"2024-05-06T15:00:00.000Z\"", 1);
  count_text(&self, seen.last, "ndjson\"", 1); /* outputFormat alone */
  check_state(&self, "#pending");
  fhx_publication_free(publication);
  place_end(&self);
}

/* PUB-07: as many pages as there are files for. */
static void pages(void **state) {
  place self;
  view seen;
  (void)state;
  place_begin(&self);
  fhx_publication *publication = open_publication(&self);
  for (size_t i = 0; i < 9; i++) test_catalogue_write(&self.catalogue, i);
  test_catalogue_wait(&self.catalogue);
  publish_snapshot(&self, publication, 0);
  read_all(&self, &seen);
  assert_int_equal(seen.file_count, 5);
  assert_int_equal(seen.page_count, 4); /* root, two more, stub */
  test_catalogue_wait(&self.catalogue);
  for (size_t i = 0; i < 5; i++) test_catalogue_write(&self.catalogue, 2 * i);
  test_catalogue_delete(&self.catalogue, 1);
  test_catalogue_wait(&self.catalogue);
  publish_update(&self, publication);
  read_all(&self, &seen);
  assert_int_equal(seen.file_count, 9);
  assert_int_equal(seen.page_count, 6);
  check_state(&self, "#pending");
  fhx_publication_free(publication);
  place_end(&self);
}

/* A snapshot and the update behind it. */
static fhx_publication *begin_with_update(place *self) {
  place_begin(self);
  fhx_publication *publication = open_publication(self);
  change(self, 0);
  publish_snapshot(self, publication, 0);
  change(self, 1);
  publish_update(self, publication);
  return publication;
}

/* PUB-08: who has followed the chain is told that it is closed, and finds the rest at the root. */
static void reconsolidation(void **state) {
  char wanted[STATE_MAX], got[STATE_MAX];
  place self;
  view follower;
  (void)state;
  fhx_publication *publication = begin_with_update(&self);
  read_all(&self, &follower);
  test_catalogue_state(&self.catalogue, wanted);
  change(&self, 2);
  publish_snapshot(&self, publication, 0);
  /* What it had stays good, and is all that the old chain will ever say. */
  read_from(&self, &follower, follower.last);
  state_of(&follower, got);
  assert_string_equal(got, wanted);
  assert_string_equal(follower.end, "#closed");
  check_state(&self, "#pending");
  change(&self, 3);
  publish_update(&self, publication);
  check_state(&self, "#pending");
  read_from(&self, &follower, follower.last);
  assert_string_equal(follower.end, "#closed");
  fhx_publication_free(publication);
  place_end(&self);
}

/* PUB-06: what a snapshot has taken the place of stays for a grace period, then goes; what counts
   stays. */
static void grace_period(void **state) {
  place self;
  view before;
  uint64_t count = 0;
  (void)state;
  fhx_publication *publication = begin_with_update(&self);
  read_all(&self, &before);
  assert_int_equal(fhx_publication_remove_old(publication, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  test_catalogue_wait(&self.catalogue);
  publish_snapshot(&self, publication, 0);
  const size_t kept = test_folder_count(self.folder);
  self.catalogue.now_us += 3 * HOUR_US - 1;
  assert_int_equal(fhx_publication_remove_old(publication, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  assert_int_equal(test_folder_count(self.folder), kept);
  self.catalogue.now_us++;
  assert_int_equal(fhx_publication_remove_old(publication, &count, NULL), FHX_OK);
  assert_int_equal(count, before.file_count);
  /* With the files two pages, the stub, and the folders of two jobs. */
  assert_int_equal(test_folder_count(self.folder), kept - before.file_count - 3 - 2);
  check_state(&self, "#pending");
  assert_int_equal(fhx_publication_remove_old(publication, &count, NULL), FHX_OK);
  assert_int_equal(count, 0);
  change(&self, 2);
  publish_update(&self, publication);
  check_state(&self, "#pending");
  fhx_publication_free(publication);
  place_end(&self);
}

/* A job is published once, however often it is asked for. */
static void repeated(void **state) {
  place self;
  (void)state;
  place_begin(&self);
  fhx_publication *publication = open_publication(&self);
  change(&self, 0);
  fhx_job *snapshot = export_since(&self, "");
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fhx_publication_snapshot(publication, snapshot, 0, NULL), FHX_OK);
  }
  change(&self, 1);
  fhx_job *update = export_since(&self, fhx_publication_time(publication));
  assert_int_equal(fhx_publication_update(publication, update, NULL), FHX_OK);
  const size_t count = test_folder_count(self.folder);
  assert_int_equal(fhx_publication_snapshot(publication, snapshot, 0, NULL), FHX_OK);
  assert_int_equal(fhx_publication_update(publication, update, NULL), FHX_OK);
  assert_int_equal(fhx_publication_snapshot(publication, update, 0, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_publication_update_count(publication), 1);
  assert_int_equal(test_folder_count(self.folder), count);
  check_state(&self, "#pending");
  fhx_job_free(snapshot);
  fhx_job_free(update);
  fhx_publication_free(publication);
  place_end(&self);
}

/* --- what is refused --- */

/* `error` is what the call that gave `status` has stored; it is freed. */
static void refuse(int32_t status, fhx_error **error, int32_t wanted, const char *words) {
  test_require_status(status, wanted);
  if (strstr(fhx_error_message(*error), words) == NULL) {
    fail_msg("\"%s\" does not say \"%s\"", fhx_error_message(*error), words);
  }
  fhx_error_free(*error);
  *error = NULL;
}

static void refused_jobs(void **state) {
  place self;
  fhx_error *error = NULL;
  (void)state;
  place_begin(&self);
  fhx_publication *publication = open_publication(&self);
  change(&self, 0);
  fhx_job *older = export_since(&self, "");
  fhx_job *part = export_since(&self, "2024-05-06T13:30:00Z");
  refuse(fhx_publication_update(publication, part, &error), &error, FHX_ERR_MISUSE,
         "snapshot first");
  refuse(fhx_publication_snapshot(publication, part, 0, &error), &error, FHX_ERR_ARGUMENT,
         "_since");
  refuse(fhx_publication_snapshot(publication, older, 2, &error), &error, FHX_ERR_ARGUMENT,
         "flags");
  error = NULL;
  test_catalogue_wait(&self.catalogue);
  publish_snapshot(&self, publication, 0);
  refuse(fhx_publication_snapshot(publication, older, 0, &error), &error, FHX_ERR_ARGUMENT,
         "older");
  refuse(fhx_publication_update(publication, part, &error), &error, FHX_ERR_ARGUMENT, "older");
  test_catalogue_wait(&self.catalogue);
  fhx_job *gap = export_since(&self, "2024-05-06T15:00:00.001Z");
  fhx_job *all = export_since(&self, "");
  refuse(fhx_publication_update(publication, gap, &error), &error, FHX_ERR_ARGUMENT,
         "_since=2024-05-06T15:00:00.000Z");
  refuse(fhx_publication_update(publication, all, &error), &error, FHX_ERR_ARGUMENT, "_since=");
  refuse(fhx_publication_snapshot(NULL, all, 0, &error), &error, FHX_ERR_ARGUMENT,
         "no publication");
  fhx_job_free(gap);
  /* Earlier is no gap. */
  gap = export_since(&self, "2024-05-06T14:30:00Z");
  assert_int_equal(fhx_publication_update(publication, gap, NULL), FHX_OK);
  assert_int_equal(fhx_publication_snapshot(publication, all, FHX_SNAPSHOT_FINAL, NULL), FHX_OK);
  fhx_job_free(gap);
  gap = export_since(&self, "2024-05-06T14:30:00Z");
  refuse(fhx_publication_update(publication, gap, &error), &error, FHX_ERR_MISUSE, "not final");
  fhx_job_free(gap);
  fhx_job_free(all);
  fhx_job_free(part);
  fhx_job_free(older);
  fhx_publication_free(publication);
  place_end(&self);
}

static void refused_options(void **state) {
  static const char *const urls[] = {NULL,
                                     "",
                                     "example.org",
                                     "https://example.org/",
                                     "https://example.org/a?b",
                                     "https://example.org/a\"b",
                                     "file:///tmp"};
  static const char *const cadences[] = {"",    "P",   "1D",     "PT",    "P1",  "P1DT", "PT1D",
                                         "P0D", "P1H", "PT1H1H", "P1M1Y", "p1d", "P1D ", "PT1M1H"};
  static const char *const good[] = {"P1D", "PT1H", "P7D", "P1Y2M3DT4H5M6S", "P2W", "PT90M"};
  fhx_clock clock;
  fhx_publication *publication = NULL;
  place self;
  (void)state;
  place_begin(&self);
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    fhx_publication_options options = options_of(&self, &clock);
    options.base_url = urls[i];
    assert_int_equal(fhx_publication_open(&options, &publication, NULL), FHX_ERR_ARGUMENT);
  }
  for (size_t i = 0; i < sizeof cadences / sizeof *cadences; i++) {
    fhx_publication_options options = options_of(&self, &clock);
    options.update_cadence = cadences[i];
    assert_int_equal(fhx_publication_open(&options, &publication, NULL), FHX_ERR_ARGUMENT);
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    fhx_publication_options options = options_of(&self, &clock);
    options.update_cadence = good[i];
    assert_int_equal(fhx_publication_open(&options, &publication, NULL), FHX_OK);
    fhx_publication_free(publication);
  }
  fhx_publication_options options = options_of(&self, &clock);
  options.page_parts = 1001;
  assert_int_equal(fhx_publication_open(&options, &publication, NULL), FHX_ERR_ARGUMENT);
  options = options_of(&self, &clock);
  options.flags = 2;
  assert_int_equal(fhx_publication_open(&options, &publication, NULL), FHX_ERR_ARGUMENT);
  options = options_of(&self, &clock);
  options.grace_us = -1;
  assert_int_equal(fhx_publication_open(&options, &publication, NULL), FHX_ERR_ARGUMENT);
  assert_int_equal(fhx_publication_open(&options, NULL, NULL), FHX_ERR_ARGUMENT);
  fhx_publication_free(NULL);
  place_end(&self);
}

/* What lies there is somebody else's, or damaged: it is left as it is. */
static void damaged_state(void **state) {
  static const char *const texts[] = {"",
                                      "x",
                                      "[]",
                                      "{}",
                                      "{\"version\":2}",
                                      "{\"version\":1,\"baseUrl\":\"" BASE_URL "\"}",
                                      "{\"version\":1,\"baseUrl\":\"" BASE_URL
                                      "\",\"open\":true,\"generations\":[{\"job\":\"1\"}]}",
                                      LIST_OF_PAGES("1000001", "0"),
                                      LIST_OF_PAGES("1000000", "0")};
  fhx_clock clock;
  fhx_publication *publication = NULL;
  place self;
  (void)state;
  place_begin(&self);
  fhx_publication_options options = options_of(&self, &clock);
  for (size_t i = 0, count = sizeof texts / sizeof *texts; i < count; i++) {
    assert_int_equal(fhx__document_put(self.destination, "publication.json", texts[i],
                                       strlen(texts[i]), "application/json", "no-store", NULL),
                     FHX_OK);
    assert_int_equal(fhx_publication_open(&options, &publication, NULL),
                     i + 1 < count ? FHX_ERR_DESTINATION : FHX_OK);
  }
  fhx_publication_free(publication);
  assert_int_equal(fhx_destination_remove(self.destination, "publication.json", NULL), FHX_OK);
  publication = open_publication(&self);
  change(&self, 0);
  publish_snapshot(&self, publication, 0);
  fhx_publication_free(publication);
  fhx_error *error = NULL;
  options.base_url = "https://example.org/elsewhere";
  refuse(fhx_publication_open(&options, &publication, &error), &error, FHX_ERR_ARGUMENT,
         "another base_url");
  place_end(&self);
}

/* --- killed --- */

/* The destination of a process that dies at a call of it, before or behind what the call does. */
typedef struct mortal {
  fhx_destination *inner;
  uint64_t calls;
  uint64_t dies_at;
  bool dies_behind;
} mortal;

static void before(mortal *self) {
  if (++self->calls == self->dies_at && !self->dies_behind) _exit(9);
}

static void behind(const mortal *self) {
  if (self->calls == self->dies_at) _exit(9);
}

static void answer(const mortal *self, fhx_reply *reply, int32_t status, fhx_error *error) {
  behind(self);
  if (status == FHX_OK) {
    fhx_reply_done(reply);
  } else {
    fhx_reply_fail(reply, status, 0, fhx_error_message(error));
  }
  fhx_error_free(error);
}

static void mortal_open(void *user_data, const char *name, fhx_reply *reply) {
  mortal *self = user_data;
  void *upload = NULL;
  before(self);
  int32_t status = fhx__destination_open(self->inner, name, &upload, NULL);
  behind(self);
  if (status == FHX_OK) fhx_reply_handle(reply, upload, 0);
}

static void mortal_write(void *user_data, void *upload, const void *data, size_t len,
                         fhx_reply *reply) {
  mortal *self = user_data;
  fhx_error *error = NULL;
  before(self);
  int32_t status = fhx__destination_write(self->inner, upload, data, len, &error);
  answer(self, reply, status, error);
}

static void mortal_commit(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  mortal *self = user_data;
  fhx_error *error = NULL;
  before(self);
  int32_t status = fhx__destination_commit(self->inner, upload, part, &error);
  answer(self, reply, status, error);
}

static void mortal_abort(void *user_data, void *upload) {
  fhx__destination_abort(((mortal *)user_data)->inner, upload);
}

static void mortal_stat(void *user_data, const char *name, fhx_reply *reply) {
  mortal *self = user_data;
  uint64_t byte_count = 0;
  before(self);
  int32_t status = fhx_destination_stat(self->inner, name, &byte_count, NULL);
  if (status == FHX_OK) fhx_reply_object(reply, byte_count, NULL);
  if (status == FHX_ERR_NOT_FOUND) fhx_reply_fail(reply, status, 0, "not there");
}

static void mortal_url(void *user_data, const fhx_part *part, int64_t expires_us,
                       fhx_reply *reply) {
  (void)user_data;
  (void)part;
  (void)expires_us;
  fhx_reply_fail(reply, FHX_ERR_INTERNAL, 0, "a published file has a URL of its own");
}

static void mortal_remove(void *user_data, const char *name, fhx_reply *reply) {
  mortal *self = user_data;
  fhx_error *error = NULL;
  before(self);
  int32_t status = fhx_destination_remove(self->inner, name, &error);
  answer(self, reply, status, error);
}

static void mortal_put(void *user_data, const char *name, const void *data, size_t len,
                       const char *media_type, const char *cache_control, fhx_reply *reply) {
  mortal *self = user_data;
  fhx_error *error = NULL;
  before(self);
  int32_t status =
      fhx__document_put(self->inner, name, data, len, media_type, cache_control, &error);
  answer(self, reply, status, error);
}

static void mortal_get(void *user_data, const char *name, fhx_reply *reply) {
  mortal *self = user_data;
  fhx__buffer text = {NULL, 0, 0};
  fhx_error *error = NULL;
  before(self);
  int32_t status = fhx__document_get(self->inner, name, &text, &error);
  if (status == FHX_OK) fhx_reply_item(reply, text.data, text.len);
  fhx__buffer_free(&text);
  answer(self, reply, status, error);
}

/* Descriptors come with their position where the host has left it. */
static void mortal_file(void *user_data, const char *name, fhx_reply *reply) {
  mortal *self = user_data;
  uint64_t byte_count = 0;
  int file = -1;
  before(self);
  if (fhx__destination_file(self->inner, name, &file, &byte_count, NULL) != FHX_OK) {
    fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no part of this name");
  } else if (lseek(file, 0, SEEK_END) > 0) {
    fhx_reply_file(reply, file);
  }
}

static fhx_destination *make_mortal(mortal *self) {
  fhx_destination_callbacks callbacks;
  fhx_destination *destination = NULL;
  FHX_INIT(&callbacks);
  callbacks.part_open = mortal_open;
  callbacks.part_write = mortal_write;
  callbacks.part_commit = mortal_commit;
  callbacks.part_abort = mortal_abort;
  callbacks.part_stat = mortal_stat;
  callbacks.part_url = mortal_url;
  callbacks.part_remove = mortal_remove;
  callbacks.part_file = mortal_file;
  callbacks.document_put = mortal_put;
  callbacks.document_get = mortal_get;
  test_require_status(fhx_destination_new(&callbacks, self, &destination, NULL), FHX_OK);
  return destination;
}

/* Files that a job has written elsewhere are copied; without them nothing is published. */
static void files_elsewhere(void **state) {
  place self;
  view seen;
  (void)state;
  place_begin(&self);
  fhx_publication *publication = open_publication(&self);
  mortal lasting = {open_folder(self.aside), 0, 0, false};
  fhx_destination *aside = make_mortal(&lasting);
  change(&self, 0);
  fhx_job *job = test_catalogue_export(&self.catalogue, aside, "", 1);
  assert_non_null(job);
  assert_int_equal(fhx_publication_snapshot(publication, job, 0, NULL), FHX_OK);
  read_all(&self, &seen);
  assert_int_equal(seen.file_count, 3);
  fhx_job_free(job);
  change(&self, 1);
  job = test_catalogue_export(&self.catalogue, aside, fhx_publication_time(publication), 1);
  assert_non_null(job);
  test_folder_remove(self.aside);
  fhx_error *error = NULL;
  assert_int_equal(fhx_publication_update(publication, job, &error), FHX_ERR_NOT_FOUND);
  assert_non_null(strstr(fhx_error_message(error), "there is no part of this name"));
  fhx_error_free(error);
  assert_int_equal(fhx_publication_update_count(publication), 0);
  fhx_job_free(job);
  publish_update(&self, publication);
  check_state(&self, "#pending");
  assert_int_equal(mkdir(self.aside, 0700), 0);
  fhx_destination_free(aside);
  fhx_destination_free(lasting.inner);
  fhx_publication_free(publication);
  place_end(&self);
}

typedef enum deed { DEED_SNAPSHOT, DEED_UPDATE, DEED_AGAIN, DEED_REMOVE, DEED_COUNT } deed;

static int32_t do_deed(fhx_publication *publication, fhx_job *job, deed what) {
  if (what == DEED_REMOVE) return fhx_publication_remove_old(publication, NULL, NULL);
  if (what == DEED_UPDATE) return fhx_publication_update(publication, job, NULL);
  return fhx_publication_snapshot(publication, job, 0, NULL);
}

/* In a process of its own, which dies at the n-th call. Whether it came to its end. */
static bool do_and_die(place *self, fhx_job *job, deed what, uint64_t dies_at, bool dies_behind) {
  int code = 0;
  pid_t child = fork();
  test_require(child >= 0);
  if (child == 0) {
    fhx_clock clock;
    fhx_publication *publication = NULL;
    mortal dying = {self->destination, 0, dies_at, dies_behind};
    fhx_publication_options options = options_of(self, &clock);
    options.destination = make_mortal(&dying);
    int32_t status = fhx_publication_open(&options, &publication, NULL);
    if (status == FHX_OK) status = do_deed(publication, job, what);
    _exit(status == FHX_OK ? 0 : 1);
  }
  test_require(waitpid(child, &code, 0) == child);
  test_require(WIFEXITED(code) && WEXITSTATUS(code) != 1);
  return WEXITSTATUS(code) == 0;
}

/* A publication to which the deed is to be done, and what it is done with. */
static fhx_job *prepare(place *self, deed what, bool aside) {
  fhx_publication *publication = open_publication(self);
  fhx_destination *to = aside ? open_folder(self->aside) : self->destination;
  const char *since = "";
  if (what != DEED_SNAPSHOT) {
    change(self, 0);
    publish_snapshot(self, publication, 0);
    change(self, 1);
    publish_update(self, publication);
    change(self, 2);
  }
  if (what == DEED_REMOVE) {
    publish_snapshot(self, publication, 0);
    self->catalogue.now_us += 3 * HOUR_US;
  }
  if (what == DEED_UPDATE) since = fhx_publication_time(publication);
  fhx_job *job = NULL;
  if (what != DEED_REMOVE) {
    job = test_catalogue_export(&self->catalogue, to, since, 1);
    test_require(job != NULL);
  }
  if (aside) fhx_destination_free(to);
  fhx_publication_free(publication);
  return job;
}

static bool has_root(const place *self) {
  char path[2 * TEST_PATH_MAX];
  snprintf(path, sizeof path, "%s/$bulk-publish", self->folder);
  return access(path, F_OK) == 0;
}

/* What a client sees now is what was there before, or what is to be. A follower of the chain before
   is told that it is closed no sooner than the new root is there. */
static void check_old_or_new(const place *self, const char *old, const view *follower) {
  char now[STATE_MAX], wanted[STATE_MAX];
  view seen, further = *follower;
  test_catalogue_state(&self->catalogue, wanted);
  if (!has_root(self)) {
    assert_string_equal(old, "none");
    return;
  }
  read_all(self, &seen);
  state_of(&seen, now);
  if (strcmp(now, old) != 0) assert_string_equal(now, wanted);
  assert_string_equal(seen.end, "#pending");
  if (follower->last[0] == '\0') return;
  read_from(self, &further, follower->last);
  if (strcmp(further.end, "#closed") == 0) {
    assert_string_equal(now, wanted);
  } else {
    state_of(&further, now);
    if (strcmp(now, old) != 0) assert_string_equal(now, wanted);
  }
}

static void see(const place *self, view *follower, char state[STATE_MAX]) {
  memset(follower, 0, sizeof *follower);
  strcpy(state, "none");
  if (!has_root(self)) return;
  read_all(self, follower);
  state_of(follower, state);
}

/* Killed at the n-th call; whoever comes next, to do the same or just to look after it, ends it. */
static bool kill_once(deed what, bool aside, uint64_t dies_at, bool dies_behind) {
  char old[STATE_MAX];
  place self;
  view follower;
  place_begin(&self);
  fhx_job *job = prepare(&self, what, aside);
  see(&self, &follower, old);
  bool ended = do_and_die(&self, job, what, dies_at, dies_behind);
  check_old_or_new(&self, old, &follower);
  fhx_publication *publication = open_publication(&self);
  check_old_or_new(&self, old, &follower);
  test_require_status(do_deed(publication, job, what), FHX_OK);
  check_state(&self, "#pending");
  if (what == DEED_AGAIN) {
    read_from(&self, &follower, follower.last);
    assert_string_equal(follower.end, "#closed");
  }
  /* Once, and it goes on. */
  assert_int_equal(fhx_publication_update_count(publication), what == DEED_UPDATE ? 2 : 0);
  change(&self, 5);
  publish_update(&self, publication);
  check_state(&self, "#pending");
  fhx_publication_free(publication);
  fhx_job_free(job);
  place_end(&self);
  return ended;
}

/* PUB-06, MAN-22 */
static void killed_anywhere(void **state) {
  static const char *const names[] = {"a snapshot", "an update", "a snapshot over a chain",
                                      "removing"};
  uint64_t kills = 0;
  (void)state;
  for (deed what = DEED_SNAPSHOT; what < DEED_COUNT; what++) {
    for (int way = 0; way < 4; way++) {
      const bool aside = way >= 2, dies_behind = way % 2 == 1;
      if (aside && (what == DEED_REMOVE || dies_behind)) continue;
      for (uint64_t number = 1;; number += test_step(3)) {
        test_scenario("%s, call %d, %s%s", names[what], (int)number,
                      dies_behind ? "behind it" : "before it", aside ? ", copied" : "");
        if (kill_once(what, aside, number, dies_behind)) break;
        kills++;
      }
    }
  }
  test_require(kills > 100 || test_is_quick());
}

/* --- memory --- */

/* Whether it worked; else there was no memory, and now there is. */
static bool worked(int32_t status) {
  if (status == FHX_OK) return true;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  test_memory_recover();
  return false;
}

static void publish_in_need(place *self, deed what, fhx_job *job) {
  fhx_clock clock;
  fhx_publication *publication = NULL;
  fhx_publication_options options = options_of(self, &clock);
  if (worked(fhx_publication_open(&options, &publication, NULL))) {
    (void)worked(do_deed(publication, job, what));
  }
  fhx_publication_free(publication);
}

/* Without memory for one allocation nothing is half done, and the same again ends it: for each of
   the first ones, then for one of several, since pages and parts ask for theirs alike. */
static void without_memory(void **state) {
  char old[STATE_MAX];
  (void)state;
  for (deed what = DEED_SNAPSHOT; what < DEED_COUNT; what++) {
    bool failed = true;
    for (uint64_t number = 1; failed; number += test_step(7) + number / 20) {
      place self;
      view follower;
      test_scenario("deed %d, allocation %d", (int)what, (int)number);
      test_memory_begin(0);
      place_begin(&self);
      fhx_job *job = prepare(&self, what, false);
      see(&self, &follower, old);
      test_memory_fail_next(number);
      publish_in_need(&self, what, job);
      failed = test_memory_has_failed();
      test_memory_recover();
      check_old_or_new(&self, old, &follower);
      publish_in_need(&self, what, job);
      check_state(&self, "#pending");
      fhx_job_free(job);
      place_end(&self);
      (void)test_memory_end();
    }
  }
}

int main(void) {
  /* Processes die here, machines do not: what is synced need not reach a disk. */
  if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_life),      cmocka_unit_test(documents),
      cmocka_unit_test(pages),           cmocka_unit_test(reconsolidation),
      cmocka_unit_test(grace_period),    cmocka_unit_test(repeated),
      cmocka_unit_test(files_elsewhere), cmocka_unit_test(refused_jobs),
      cmocka_unit_test(refused_options), cmocka_unit_test(damaged_state),
      cmocka_unit_test(killed_anywhere), cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
