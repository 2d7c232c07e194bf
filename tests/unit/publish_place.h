/*
 * A folder in which a catalogue is published, and a client that reads it as the IG says: the root,
 * then what each page leads to. For the unit tests of publishing; everything is static.
 */
#ifndef TEST_UNIT_PUBLISH_PLACE_H
#define TEST_UNIT_PUBLISH_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/publish.h>

#include "core/json.h"
#include "destination/destination.h"
#include "support/catalogue.h"
#include "support/folder.h"
#include "support/require.h"

#define BASE_URL "https://example.org/fhir/directory"

#define SOME_JOB "0123456789abcdef0123456789abcdef"
/* publication.json with one snapshot of so many pages, and when another took its place. */
#define LIST_OF_PAGES(count, retired_us)                     \
  "{\"version\":1,\"baseUrl\":\"" BASE_URL                   \
  "\",\"open\":false,\"generations\":[{\"job\":\"" SOME_JOB  \
  "\",\"kind\":\"snapshot\",\"chain\":true,\"pages\":" count \
  ",\"timeUs\":1,\"resolutionUs\":1000,"                     \
  "\"retiredUs\":" retired_us "}]}"

typedef struct place {
  char folder[TEST_PATH_MAX];
  /* Where jobs write that are not at the publication's destination. */
  char aside[TEST_PATH_MAX];
  fhx_destination *destination;
  test_catalogue catalogue;
} place;

/* What a client has after it has read everything. */
typedef struct view {
  /* The number of each entry's version; 0: it has none. */
  uint32_t versions[TEST_CATALOGUE_MAX];
  size_t page_count;
  size_t file_count;
  /* What the last page leads to: "", "#pending" or "#closed"; and its URL. */
  char end[16];
  char last[512];
} view;

static inline fhx_destination *open_folder(const char *path) {
  fhx_directory_options options;
  fhx_destination *destination = NULL;
  FHX_INIT(&options);
  options.path = path;
  (void)fhx_directory_destination_new(&options, &destination, NULL);
  return destination;
}

static inline void place_begin(place *self) {
  test_folder_new(self->folder);
  test_folder_new(self->aside);
  self->destination = open_folder(self->folder);
  test_require(self->destination != NULL);
  test_catalogue_begin(&self->catalogue);
}

static inline void place_end(place *self) {
  fhx_destination_free(self->destination);
  test_folder_remove(self->folder);
  test_folder_remove(self->aside);
}

static inline void read_file_at(const place *self, const char *url, fhx__buffer *text) {
  char path[2 * TEST_PATH_MAX];
  test_require(strncmp(url, BASE_URL "/", sizeof BASE_URL) == 0);
  snprintf(path, sizeof path, "%s/%s", self->folder, url + sizeof BASE_URL);
  FILE *file = fopen(path, "re");
  if (file == NULL) fail_msg("%s is not there", url);
  test_require(fhx__buffer_reserve(text, 1 << 20) == FHX_OK);
  text->len = fread(text->data, 1, (1 << 20) - 1, file);
  text->data[text->len] = '\0';
  fclose(file);
}

static inline void take_line(view *seen, const char *line, bool is_deleted) {
  const char *id = strstr(line, is_deleted ? "Practitioner/n" : "\"id\":\"n");
  const char *version = strstr(line, "\"versionId\":\"");
  while (id != NULL) {
    const char *digits = id + (is_deleted ? strlen("Practitioner/n") : strlen("\"id\":\"n"));
    const size_t at = (size_t)strtoul(digits, NULL, 10);
    test_require(at < TEST_CATALOGUE_MAX);
    if (is_deleted) {
      seen->versions[at] = 0;
      id = strstr(digits, "Practitioner/n");
    } else {
      test_require(version != NULL);
      seen->versions[at] = (uint32_t)strtoul(version + strlen("\"versionId\":\""), NULL, 10);
      id = NULL;
    }
  }
}

static inline void take_files(const place *self, view *seen, const fhx__json_node *page,
                              const char *key) {
  const fhx__json_node *list = fhx__json_member(page, key);
  for (const fhx__json_node *item = list == NULL ? NULL : list->first; item != NULL;
       item = item->next) {
    fhx__buffer text = {NULL, 0, 0};
    read_file_at(self, fhx__json_member_string(item, "url", ""), &text);
    uint64_t lines = 0;
    for (char *line = text.data; *line != '\0'; lines++) {
      char *end = strchr(line, '\n');
      test_require(end != NULL);
      *end = '\0';
      take_line(seen, line, strcmp(key, "deleted") == 0);
      line = end + 1;
    }
    test_require(fhx__json_member_number(item, "count", 0) == lines);
    test_require(fhx__json_member_number(item, "fileSize", 0) == text.len);
    test_require((fhx__json_member(item, "type") != NULL) == (strcmp(key, "output") == 0));
    seen->file_count++;
    fhx__buffer_free(&text);
  }
}

/* Reads the page and what it leads to, until there is nothing more. PUB-07, PUB-08 */
static inline void read_from(const place *self, view *seen, const char *url) {
  if (url != seen->last) snprintf(seen->last, sizeof seen->last, "%s", url);
  seen->end[0] = '\0';
  while (seen->end[0] == '\0') {
    fhx__buffer text = {NULL, 0, 0};
    fhx__json_node *page = NULL;
    read_file_at(self, seen->last, &text);
    test_require_status(fhx__json_parse(text.data, text.len, &page, NULL), FHX_OK);
    take_files(self, seen, page, "output");
    take_files(self, seen, page, "deleted");
    seen->page_count++;
    const fhx__json_node *link = fhx__json_member(page, "link");
    const char *next = link == NULL ? "-" : fhx__json_member_string(link->first, "url", "");
    test_require(link == NULL || (link->first != NULL && link->first->next == NULL));
    if (next[0] == '#' || next[0] == '-') {
      test_require(next[0] == '-' || strcmp(seen->last, BASE_URL "/$bulk-publish") != 0);
      snprintf(seen->end, sizeof seen->end, "%s", next);
    } else {
      snprintf(seen->last, sizeof seen->last, "%s", next);
    }
    fhx__json_free(page);
    fhx__buffer_free(&text);
  }
}

static inline void read_all(const place *self, view *seen) {
  memset(seen, 0, sizeof *seen);
  read_from(self, seen, BASE_URL "/$bulk-publish");
}

/* What the client has, as test_catalogue_state tells it. */
static inline void state_of(const view *seen, char state[TEST_CATALOGUE_MAX * 16]) {
  size_t len = 0;
  state[0] = '\0';
  for (size_t i = 0; i < TEST_CATALOGUE_MAX; i++) {
    if (seen->versions[i] == 0) continue;
    len += (size_t)sprintf(state + len, "%d:%u ", (int)i, seen->versions[i]);
  }
}

#endif
