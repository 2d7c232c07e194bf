/* Is an export that is organised by patients exactly what it must be? */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/require.h"
#include "support/ward.h"

#define HEADER                                                                               \
  "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"header\",\"valueReference\":" \
  "{\"reference\":\"Patient/"

static bool is_listed(const char *const *list, const char *text) {
  if (list == NULL) return true;
  while (*list != NULL && strcmp(*list, text) != 0) list++;
  return *list != NULL;
}

static bool is_new(const test_ward_ask *ask, const char *patient) {
  return ask->new_patients != NULL && is_listed(ask->new_patients, patient);
}

bool test_ward_wants(const test_ward_ask *ask, const test_ward_row *row, const char *patient) {
  if (row->bad || *patient == '\0' || !is_listed(ask->types, row->type)) return false;
  if (!is_listed(ask->patients, patient) && !is_new(ask, patient)) return false;
  return !ask->lately || row->updated_us > TEST_WARD_US || is_new(ask, row->patients[0]) ||
         is_new(ask, row->patients[1]);
}

fhx_filter *test_ward_filter(const test_ward_ask *ask) {
  fhx_filter *filter = NULL;
  int32_t status = fhx_filter_new(&filter, NULL);
  for (const char *const *at = ask->types; status == FHX_OK && at != NULL && *at; at++) {
    status = fhx_filter_add_type(filter, *at, NULL);
  }
  for (const char *const *at = ask->group != NULL ? NULL : ask->patients;
       status == FHX_OK && at != NULL && *at; at++) {
    status = fhx_filter_add_patient(filter, *at, NULL);
  }
  if (status == FHX_OK && ask->group != NULL) {
    status = fhx_filter_set_group(filter, ask->group, NULL);
  }
  if (status == FHX_OK && ask->lately)
    status = fhx_filter_set_since(filter, TEST_WARD_INSTANT, NULL);
  if (status == FHX_OK) return filter;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  fhx_filter_free(filter);
  return NULL;
}

/* What has been read so far. */
typedef struct reader {
  test_ward *ward;
  const test_ward_ask *ask;
  test_ward_found found;
  /* The block that is being read, and who had one. */
  char patient[64];
  bool *had;
  size_t lines;
  /* Of the last part: it continues. */
  bool continues;
  uint32_t task_index;
} reader;

static test_ward_row *find_row(const reader *at, const char *line, size_t len) {
  static const char head[] = "{\"resourceType\":\"", middle[] = "\",\"id\":\"";
  test_require(len > sizeof head && memcmp(line, head, sizeof head - 1) == 0);
  const char *type = line + sizeof head - 1;
  size_t type_len = strcspn(type, "\"");
  const char *id = type + type_len + sizeof middle - 1;
  size_t id_len = strcspn(id, "\"");
  size_t low = 0, high = at->ward->count;
  while (low < high) {
    size_t half = (low + high) / 2;
    test_ward_row *row = &at->ward->rows[half];
    int order = strncmp(row->type, type, type_len);
    if (order == 0 && strlen(row->type) > type_len) order = 1;
    if (order == 0) order = strncmp(row->id, id, id_len);
    if (order == 0 && strlen(row->id) > id_len) order = 1;
    if (order == 0) return row;
    if (order < 0) low = half + 1;
    if (order > 0) high = half;
  }
  return NULL;
}

static void take_header(reader *at, const char *line, size_t len, bool first) {
  char patient[64] = "", whole[256];
  size_t id_len = strcspn(line + sizeof HEADER - 1, "\"");
  test_require(id_len < sizeof patient);
  memcpy(patient, line + sizeof HEADER - 1, id_len);
  snprintf(whole, sizeof whole, HEADER "%s\"}}]}", patient);
  test_require(strlen(whole) == len && memcmp(whole, line, len) == 0);
  /* A header without anything behind it is none. */
  if (*at->patient != '\0') test_require(at->lines > 0);
  at->lines = 0;
  if (first && at->continues) {
    test_require(strcmp(patient, at->patient) == 0);
    return;
  }
  unsigned long number = strtoul(patient + 1, NULL, 10);
  test_require(*patient == 'p' && number < at->ward->patient_count);
  test_require(!at->had[number]);
  at->had[number] = true;
  snprintf(at->patient, sizeof at->patient, "%s", patient);
  at->found.block_count++;
}

static void take_row(reader *at, const char *line, size_t len, bool begins) {
  test_ward_row *row = find_row(at, line, len);
  test_require(row != NULL && strlen(row->json) == len && memcmp(row->json, line, len) == 0);
  int which = -1;
  for (int i = 0; i < 2; i++) {
    if (strcmp(row->patients[i], at->patient) == 0) which = i;
  }
  test_require(which >= 0);
  test_require(test_ward_wants(at->ask, row, at->patient));
  test_require(!row->seen[which]);
  row->seen[which] = true;
  if (strcmp(row->type, "Patient") == 0) test_require(begins);
  at->lines++;
}

static void take_part(reader *at, const fhx_part *part, const test_object *object) {
  const char *line = (const char *)object->data, *end = line + object->len;
  uint64_t count = 0;
  bool begins = false;
  test_require(fhx_part_kind(part) == FHX_PART_OUTPUT && *fhx_part_resource_type(part) == '\0');
  test_require(strstr(fhx_part_name(part), "/patients-") != NULL);
  test_require(fhx_part_byte_count(part) == object->len);
  if (at->continues) test_require(fhx_part_task_index(part) == at->task_index);
  for (; line < end; count++) {
    const char *line_end = memchr(line, '\n', (size_t)(end - line));
    test_require(line_end != NULL);
    size_t len = (size_t)(line_end - line);
    bool is_header = len > sizeof HEADER && memcmp(line, HEADER, sizeof HEADER - 1) == 0;
    test_require(is_header || count != 0);
    if (is_header) {
      take_header(at, line, len, count == 0);
      begins = count != 0 || !at->continues;
    } else {
      take_row(at, line, len, begins);
      begins = false;
    }
    line = line_end + 1;
  }
  test_require(count == fhx_part_resource_count(part) && count >= 2);
  test_require(count == 2 || object->len <= at->ask->part_bytes);
  test_require(count == 2 || at->ask->part_count == 0 || count <= at->ask->part_count);
  at->continues = (fhx_part_flags(part) & FHX_PART_CONTINUES) != 0;
  at->task_index = fhx_part_task_index(part);
  at->found.part_count++;
  at->found.continuing_count += at->continues ? 1 : 0;
}

static void check_errors(const reader *at, const fhx_part *part, const test_object *object) {
  size_t lines = 0;
  for (size_t i = 0; i < object->len; i++) lines += object->data[i] == '\n' ? 1 : 0;
  if (lines != at->ask->error_lines) print_error("%.*s", (int)object->len, (char *)object->data);
  test_require(lines == at->ask->error_lines && fhx_part_flags(part) == 0);
}

static void check_all_seen(const reader *at) {
  for (size_t i = 0; i < at->ward->count; i++) {
    const test_ward_row *row = &at->ward->rows[i];
    for (int which = 0; which < 2; which++) {
      test_require(row->seen[which] == test_ward_wants(at->ask, row, row->patients[which]));
    }
  }
}

test_ward_found test_ward_check(test_ward *ward, fhx_job *job, const test_objects *objects,
                                const test_ward_ask *ask) {
  reader at = {.ward = ward, .ask = ask};
  uint64_t after = 0;
  size_t part_count = 0;
  fhx_part_page *page = NULL;
  at.had = calloc(ward->patient_count, sizeof *at.had);
  test_require(at.had != NULL);
  for (size_t i = 0; i < ward->count; i++) ward->rows[i].seen[0] = ward->rows[i].seen[1] = false;
  while (fhx_job_parts_new(job, &after, 3, &page, NULL) == FHX_OK) {
    for (uint32_t i = 0; i < fhx_part_page_count(page); i++, part_count++) {
      const fhx_part *part = fhx_part_page_part(page, i);
      const test_object *object = test_objects_find(objects, fhx_part_name(part));
      test_require(object != NULL);
      if (fhx_part_kind(part) == FHX_PART_ERROR) {
        check_errors(&at, part, object);
      } else {
        take_part(&at, part, object);
      }
    }
    fhx_part_page_free(page);
  }
  test_require(!at.continues && (*at.patient == '\0' || at.lines > 0));
  test_require(part_count == at.found.part_count + (ask->error_lines == 0 ? 0 : 1));
  test_require(objects->count == part_count);
  check_all_seen(&at);
  free(at.had);
  return at.found;
}
