/* Is an export exactly what was asked for? */
#include "support/export_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "support/checksum.h"
#include "support/require.h"
#include "support/unpack.h"

/* --- what is expected --- */

static bool is_listed(const char *const *list, const char *text) {
  if (list == NULL) return true;
  while (*list != NULL && strcmp(*list, text) != 0) list++;
  return *list != NULL;
}

bool test_is_expected(const test_expectation *expected, const test_resource *resource) {
  if (resource->bad || !is_listed(expected->types, resource->type)) return false;
  if (expected->patients != NULL &&
      (*resource->patient == '\0' || !is_listed(expected->patients, resource->patient))) {
    return false;
  }
  if (!resource->has_updated) return true;
  if (expected->has_since && resource->updated_us <= expected->since_us) return false;
  return !expected->has_until || resource->updated_us < expected->until_us;
}

fhx_filter *test_filter_new(const test_expectation *expected) {
  fhx_filter *filter = NULL;
  char instant[TEST_INSTANT_MAX];
  int32_t status = fhx_filter_new(&filter, NULL);
  for (const char *const *at = expected->types; status == FHX_OK && at != NULL && *at; at++) {
    status = fhx_filter_add_type(filter, *at, NULL);
  }
  for (const char *const *at = expected->patients; status == FHX_OK && at != NULL && *at; at++) {
    status = fhx_filter_add_patient(filter, *at, NULL);
  }
  if (status == FHX_OK && expected->has_since) {
    test_instant(instant, expected->since_us);
    status = fhx_filter_set_since(filter, instant, NULL);
  }
  if (status == FHX_OK && expected->has_until) {
    test_instant(instant, expected->until_us);
    status = fhx_filter_set_until(filter, instant, NULL);
  }
  if (status == FHX_OK) return filter;
  test_require_status(status, FHX_ERR_NO_MEMORY);
  fhx_filter_free(filter);
  return NULL;
}

/* Lines that can be sorted; of the expected ones, the texts are owned. */
typedef struct lines {
  struct line {
    char *text;
    size_t len;
  } * items;
  size_t count;
} lines;

static struct line *add_line(lines *to) {
  to->items = realloc(to->items, (to->count + 1) * sizeof *to->items);
  assert_non_null(to->items);
  return &to->items[to->count++];
}

static int compare_lines(const void *left, const void *right) {
  const struct line *a = left;
  const struct line *b = right;
  int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
  return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* Valid JSON without its white space, and the line feed. */
static void compact(struct line *line, const char *json, size_t len) {
  bool in_string = false;
  line->text = malloc(len + 1);
  line->len = 0;
  assert_non_null(line->text);
  for (size_t i = 0; i < len; i++) {
    char c = json[i];
    if (in_string && c == '\\') line->text[line->len++] = json[i++];
    if (c == '"') in_string = !in_string;
    if (in_string || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) {
      line->text[line->len++] = json[i];
    }
  }
  line->text[line->len++] = '\n';
}

static lines expected_lines(const test_expectation *expected) {
  lines all = {NULL, 0};
  for (size_t i = 0; i < expected->data->count; i++) {
    const test_resource *resource = &expected->data->items[i];
    if (test_is_expected(expected, resource)) {
      compact(add_line(&all), resource->json, resource->len);
    }
  }
  return all;
}

/* --- parts --- */

static size_t add_lines_of(lines *all, const test_object *object) {
  size_t count = 0;
  char *at = (char *)object->data;
  char *end = at + object->len;
  while (at < end) {
    char *feed = memchr(at, '\n', (size_t)(end - at));
    test_require(feed != NULL);
    *add_line(all) = (struct line){at, (size_t)(feed + 1 - at)};
    at = feed + 1;
    count++;
  }
  return count;
}

/* What a part holds, unpacked if it is in gzip; to be freed. */
static test_object read_part(const fhx_part *part, const test_object *stored,
                             const test_expectation *expected) {
  test_object read = *stored;
  const char *name = fhx_part_name(part);
  bool says_gz = strcmp(name + strlen(name) - 3, ".gz") == 0;
  test_require(fhx_part_stored_byte_count(part) == stored->len);
  test_require(says_gz == expected->gzip);
  test_require(fhx_part_encoding(part) == (expected->gzip ? FHX_ENCODING_GZIP : FHX_ENCODING_NONE));
  if (expected->gzip) {
    read.data = test_unpack(stored->data, stored->len, &read.len);
  } else {
    read.data = malloc(stored->len);
    if (read.data != NULL) memcpy(read.data, stored->data, stored->len);
  }
  test_require(read.data != NULL);
  return read;
}

/* The counts are of the lines, the digests of what is stored. */
static void check_part(const fhx_part *part, const test_object *object, size_t len,
                       const test_expectation *expected, size_t line_count) {
  uint8_t digest[32];
  test_require(line_count > 0);
  test_require(fhx_part_resource_count(part) == line_count);
  test_require(fhx_part_byte_count(part) == len);
  test_require(fhx_part_crc32c(part) == test_crc32c(object->data, object->len));
  test_require((fhx_part_sha256(part) != NULL) == expected->sha256);
  if (expected->sha256) {
    test_sha256(digest, object->data, object->len);
    test_require(memcmp(digest, fhx_part_sha256(part), sizeof digest) == 0);
  }
  if (fhx_part_kind(part) != FHX_PART_OUTPUT) return;
  test_require(expected->part_count == 0 || line_count <= expected->part_count);
  test_require(expected->part_bytes == 0 || line_count == 1 || len <= expected->part_bytes);
}

/* Each line is a resource of the part's type. */
static void check_types(const fhx_part *part, const lines *all, size_t first) {
  char member[100];
  int len =
      snprintf(member, sizeof member, "\"resourceType\":\"%s\"", fhx_part_resource_type(part));
  for (size_t i = first; i < all->count; i++) {
    test_require(memmem(all->items[i].text, all->items[i].len, member, (size_t)len) != NULL);
  }
}

/* What is recorded of severities is what the lines say. */
static void check_severities(const fhx_part *part, const lines *all, size_t first) {
  static const char member[] = "\"severity\":\"error\"";
  uint64_t errors = 0;
  if (fhx_part_kind(part) != FHX_PART_ERROR) {
    test_require(fhx_part_error_count(part) == 0 && fhx_part_warning_count(part) == 0);
    return;
  }
  for (size_t i = first; i < all->count; i++) {
    const struct line *line = &all->items[i];
    if (memmem(line->text, line->len, member, strlen(member)) != NULL) errors++;
  }
  test_require(fhx_part_error_count(part) == errors);
  test_require(fhx_part_warning_count(part) == all->count - first - errors);
}

static void check_lines(lines *found, const test_expectation *expected) {
  lines wanted = expected_lines(expected);
  if (found->count > 1) qsort(found->items, found->count, sizeof *found->items, compare_lines);
  if (wanted.count > 1) qsort(wanted.items, wanted.count, sizeof *wanted.items, compare_lines);
  test_require(found->count == wanted.count);
  for (size_t i = 0; i < wanted.count; i++) {
    test_require(compare_lines(&found->items[i], &wanted.items[i]) == 0);
    free(wanted.items[i].text);
  }
  free(wanted.items);
}

void test_check_parts(const fhx_part *const *parts, size_t count, const test_objects *objects,
                      const test_expectation *expected) {
  lines output = {NULL, 0}, errors = {NULL, 0};
  test_object *read = calloc(count + 1, sizeof *read);
  assert_non_null(read);
  for (size_t i = 0; i < count; i++) {
    lines *to = fhx_part_kind(parts[i]) == FHX_PART_OUTPUT ? &output : &errors;
    const test_object *object = test_objects_find(objects, fhx_part_name(parts[i]));
    test_require(object != NULL);
    for (size_t j = 0; j < i; j++) {
      test_require(strcmp(fhx_part_name(parts[j]), fhx_part_name(parts[i])) != 0);
    }
    size_t first = to->count;
    read[i] = read_part(parts[i], object, expected);
    check_part(parts[i], object, read[i].len, expected, add_lines_of(to, &read[i]));
    check_types(parts[i], to, first);
    check_severities(parts[i], to, first);
  }
  test_require(objects->count == count);
  test_require(errors.count == expected->error_count);
  check_lines(&output, expected);
  for (size_t i = 0; i < count; i++) free(read[i].data);
  free(read);
  free(output.items);
  free(errors.items);
}

/* --- the manifest --- */

char *test_read_manifest(fhx_job *job, size_t piece) {
  fhx_manifest *manifest = NULL;
  char *text = NULL;
  size_t len = 0, got = 0;
  int32_t status = fhx_manifest_new(job, &manifest, NULL);
  test_require_status(status, FHX_OK);
  do {
    text = realloc(text, len + piece + 1);
    assert_non_null(text);
    status = fhx_manifest_read(manifest, text + len, piece, &got, NULL);
    test_require(status == FHX_END ? got == 0 : got >= 1 && got <= piece);
    len += got;
  } while (status == FHX_OK);
  test_require_status(status, FHX_END);
  test_require_status(fhx_manifest_read(manifest, text + len, piece, &got, NULL), FHX_END);
  fhx_manifest_free(manifest);
  text[len] = '\0';
  return text;
}

static yajl_val member(yajl_val object, const char *key, yajl_type type) {
  const char *path[] = {key, NULL};
  yajl_val value = yajl_tree_get(object, path, type);
  test_require(value != NULL);
  return value;
}

static const char *member_text(yajl_val object, const char *key) {
  return member(object, key, yajl_t_string)->u.string;
}

/* MAN-17: a digest of what is fetched, so not of a part that is stored otherwise. */
static void check_extension(yajl_val extension, const fhx_part *part) {
  char digits[65] = "";
  const uint8_t *sha256 = fhx_part_sha256(part);
  bool is_plain = fhx_part_encoding(part) == FHX_ENCODING_NONE;
  test_require(extension->u.object.len == (is_plain ? 2 : 1));
  test_require((uint64_t)YAJL_GET_INTEGER(member(extension, "byteCount", yajl_t_number)) ==
               fhx_part_byte_count(part));
  if (!is_plain) return;
  for (size_t i = 0; i < 32; i++) snprintf(digits + 2 * i, 3, "%02x", sha256[i]);
  test_require(strcmp(member_text(extension, "sha256"), digits) == 0);
}

static void check_item(yajl_val item, const fhx_part *part, const test_expectation *expected) {
  char url[400];
  snprintf(url, sizeof url, "%s%s", expected->url_prefix, fhx_part_name(part));
  test_require(YAJL_IS_OBJECT(item) && item->u.object.len == (expected->sha256 ? 4 : 3));
  if (expected->sha256) check_extension(member(item, "extension", yajl_t_object), part);
  test_require(strcmp(member_text(item, "url"), url) == 0);
  test_require(strcmp(member_text(item, "type"), fhx_part_resource_type(part)) == 0);
  test_require((uint64_t)YAJL_GET_INTEGER(member(item, "count", yajl_t_number)) ==
               fhx_part_resource_count(part));
}

/* Each part stands in its list, in the order of the parts (FHX lesson 3: nothing else does). */
static void check_manifest(fhx_job *job, const fhx_part *const *parts, size_t count,
                           const test_expectation *expected) {
  char message[256];
  char *text = test_read_manifest(job, 77);
  yajl_val root = yajl_tree_parse(text, message, sizeof message);
  test_require(root != NULL);
  yajl_val output = member(root, "output", yajl_t_array);
  yajl_val errors = member(root, "error", yajl_t_array);
  size_t outputs = 0, failures = 0;
  for (size_t i = 0; i < count; i++) {
    bool is_output = fhx_part_kind(parts[i]) == FHX_PART_OUTPUT;
    yajl_val list = is_output ? output : errors;
    size_t position = is_output ? outputs++ : failures++;
    test_require(position < list->u.array.len);
    check_item(list->u.array.values[position], parts[i], expected);
  }
  test_require(output->u.array.len == outputs && errors->u.array.len == failures);
  test_require(member(root, "requiresAccessToken",
                      expected->requires_token ? yajl_t_true : yajl_t_false) != NULL);
  test_require(strcmp(member_text(root, "request"), "$export") == 0);
  const char *time = member_text(root, "transactionTime");
  test_require(strlen(time) == strlen("2024-03-01T00:00:00.000Z") && time[23] == 'Z');
  yajl_tree_free(root);
  free(text);
}

/* --- a job --- */

typedef struct pages {
  fhx_part_page **items;
  size_t count;
  const fhx_part **parts;
  size_t part_count;
} pages;

static pages read_pages(fhx_job *job) {
  pages all = {NULL, 0, NULL, 0};
  uint64_t after = 0;
  for (;;) {
    fhx_part_page *page = NULL;
    int32_t status = fhx_job_parts_new(job, &after, 3, &page, NULL);
    if (status == FHX_END) break;
    test_require_status(status, FHX_OK);
    uint32_t count = fhx_part_page_count(page);
    test_require(count >= 1 && count <= 3 && fhx_part_page_part(page, count) == NULL);
    all.items = realloc(all.items, (all.count + 1) * sizeof *all.items);
    all.parts = realloc(all.parts, (all.part_count + count) * sizeof *all.parts);
    assert_non_null(all.items);
    assert_non_null(all.parts);
    all.items[all.count++] = page;
    for (uint32_t i = 0; i < count; i++) {
      all.parts[all.part_count++] = fhx_part_page_part(page, i);
    }
  }
  return all;
}

/* The types of the parts come in the order that was asked for; error files are the last. */
static void check_order(const pages *all, const test_expectation *expected) {
  const char *const *type = expected->types == NULL ? test_types : expected->types;
  for (size_t i = 0; i < all->part_count; i++) {
    if (fhx_part_kind(all->parts[i]) == FHX_PART_ERROR) {
      for (; i < all->part_count; i++) {
        test_require(fhx_part_kind(all->parts[i]) == FHX_PART_ERROR);
      }
      return;
    }
    while (*type != NULL && strcmp(*type, fhx_part_resource_type(all->parts[i])) != 0) type++;
    test_require(*type != NULL);
  }
}

/* The sums that the store keeps are those of the parts (FHX lessons 15 and 19). */
static void check_sums(fhx_job *job, const pages *all, const test_expectation *expected) {
  fhx_progress *progress = NULL;
  uint64_t resources = 0, bytes = 0;
  for (size_t i = 0; i < all->part_count; i++) {
    if (fhx_part_kind(all->parts[i]) == FHX_PART_ERROR) continue;
    resources += fhx_part_resource_count(all->parts[i]);
    bytes += fhx_part_byte_count(all->parts[i]);
  }
  test_require_status(fhx_job_progress_new(job, &progress, NULL), FHX_OK);
  test_require(fhx_progress_state(progress) == FHX_JOB_COMPLETE);
  test_require(fhx_progress_share(progress) >= 1.0);
  test_require(fhx_progress_resource_count(progress) == resources);
  test_require(fhx_progress_byte_count(progress) == bytes);
  test_require(fhx_progress_error_count(progress) == expected->error_count);
  test_require(fhx_progress_task_done_count(progress) == fhx_progress_task_count(progress));
  fhx_progress_free(progress);
}

void test_check_export(fhx_job *job, const test_objects *objects,
                       const test_expectation *expected) {
  pages all = read_pages(job);
  test_check_parts(all.parts, all.part_count, objects, expected);
  check_order(&all, expected);
  check_sums(job, &all, expected);
  check_manifest(job, all.parts, all.part_count, expected);
  for (size_t i = 0; i < all.count; i++) fhx_part_page_free(all.items[i]);
  free(all.items);
  free(all.parts);
}
