/*
 * The compartment and the window on any resource. The first byte picks a type of a version's table,
 * the rest is a resource; what the one-pass walk finds is compared with a search in a tree that
 * yajl has built. The same rest is read as an instant, and walked through as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "select/compartment.h"
#include "select/compartment_table.h"
#include "select/group.h"
#include "select/references.h"
#include "select/selection.h"

#define SEGMENTS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds) {
  if (!holds) abort();
}

typedef struct segment {
  const char *text;
  size_t len;
} segment;

static bool is_segment(segment one, const char *text) {
  return one.len == strlen(text) && memcmp(one.text, text, one.len) == 0;
}

static size_t split(const char *text, size_t len, segment *segments) {
  size_t count = 0, begin = 0;
  for (size_t i = 0; i <= len; i++) {
    if (i < len && text[i] != '/') continue;
    if (count == SEGMENTS_MAX) return 0;
    segments[count++] = (segment){text + begin, i - begin};
    begin = i + 1;
  }
  return count;
}

/* Whether decoded text refers to a patient: from the front, segment by segment. */
static bool refers(const char *text, size_t len) {
  static segment segments[SEGMENTS_MAX];
  size_t needed = 2;
  if (memchr(text, '?', len) != NULL || memchr(text, '#', len) != NULL) return false;
  for (const char *const *scheme = (const char *const[]){"http://", "https://", NULL};
       *scheme != NULL; scheme++) {
    size_t scheme_len = strlen(*scheme);
    if (len < scheme_len || memcmp(text, *scheme, scheme_len) != 0) continue;
    text += scheme_len;
    len -= scheme_len;
    needed = 3;
    if (len == 0 || *text == '/') return false;
    break;
  }
  size_t count = split(text, len, segments);
  if (count >= needed + 2 && is_segment(segments[count - 2], "_history")) {
    if (!fhx__is_id(segments[count - 1].text, segments[count - 1].len)) return false;
    count -= 2;
  }
  return (needed == 2 ? count == 2 : count >= 3) && is_segment(segments[count - 2], "Patient") &&
         fhx__is_id(segments[count - 1].text, segments[count - 1].len);
}

/* The next node of a walk through everything under `root`. */
static const fhx__json_node *next_node(const fhx__json_node *root, const fhx__json_node *node) {
  if (node->first != NULL) return node->first;
  while (node != root && node->next == NULL) node = node->parent;
  return node == root ? NULL : node->next;
}

/* Whether the members above this one, lists left out, are exactly the path. */
static bool lies_on(const fhx__json_node *node, const char *path) {
  const char *end = path + strlen(path);
  for (; node->parent != NULL; node = node->parent) {
    if (node->key == NULL) continue;
    size_t len = strlen(node->key);
    if (strchr(node->key, '.') != NULL || (size_t)(end - path) < len) return false;
    if (memcmp(end - len, node->key, len) != 0) return false;
    end -= len;
    if (end == path) {
      /* Nothing but lists may be left above. */
      for (node = node->parent; node != NULL; node = node->parent) {
        if (node->key != NULL) return false;
      }
      return true;
    }
    if (*--end != '.') return false;
  }
  return false;
}

static bool slow_has(const fhx__compartment *compartment, const char *type,
                     const fhx__json_node *root) {
  for (const fhx__json_node *node = root; node != NULL; node = next_node(root, node)) {
    if (node->kind != FHX__JSON_STRING || node->key == NULL) continue;
    if (strcmp(node->key, "reference") != 0 || !refers(node->text, node->text_len)) continue;
    for (size_t i = 0; i < compartment->count; i++) {
      const fhx__compartment_path *path = &compartment->paths[i];
      if (strcmp(path->resource_type, type) == 0 && lies_on(node->parent, path->path)) return true;
    }
  }
  return false;
}

/* yajl makes '?' of an escaped half of a surrogate pair, and a key with a NUL looks shorter. */
static bool is_comparable(const char *line, size_t len) {
  for (size_t i = 0; i + 4 <= len; i++) {
    if (line[i] != '\\' || line[i + 1] != 'u') continue;
    if ((line[i + 2] | 0x20) == 'd' || memcmp(line + i + 2, "00", 2) == 0) return false;
  }
  return true;
}

static bool is_any(const void *context, const char *id, size_t len) {
  (void)context;
  require(fhx__is_id(id, len) && id[len] == '\0');
  return true;
}

static const fhx__patient_test any_patient = {is_any, NULL, NULL};

static void check_compartment(const fhx__compartment *compartment, const char *type,
                              const char *line, size_t len) {
  fhx__json_node *root = NULL;
  bool fast = fhx__compartment_has(compartment, type, "x", line, len, &any_patient);
  if (!is_comparable(line, len)) return;
  if (fhx__json_parse(line, len, &root, NULL) != FHX_OK) return; /* too deep for yajl's reader */
  require(fast == slow_has(compartment, type, root));
  fhx__json_free(root);
}

static bool takes(const fhx_filter *filter, const fhx__roster *members,
                  const fhx__roster *new_members, uint32_t applied, const fhx__facts *facts,
                  const int64_t *stamp, const char *line, size_t len) {
  const fhx__selection selection = {filter, members, new_members};
  bool answer = false;
  require(fhx__selection_takes(&selection, applied, facts, stamp, line, len, &answer, NULL) ==
          FHX_OK);
  return answer;
}

/* The patients as filled in, sorted, and as the members of a Group: always the same answer. New
   members only add to it. */
static void check_selection(const fhx_filter *filter, const fhx_filter *sealed,
                            const fhx__roster *members, const fhx__facts *facts, const char *line,
                            size_t len) {
  static const int64_t stamp = INT64_C(1704067200000000);
  for (uint32_t applied = 0; applied < 16; applied++) {
    bool taken = takes(filter, NULL, NULL, applied, facts, NULL, line, len);
    require(taken == takes(sealed, NULL, NULL, applied, facts, NULL, line, len));
    require(taken == takes(sealed, members, NULL, applied, facts, NULL, line, len));
    /* Being told of SINCE is what new members take away. */
    bool more = takes(sealed, members, members, applied, facts, NULL, line, len);
    require(more || !taken || (applied & FHX_APPLIED_SINCE) != 0);
    takes(sealed, NULL, NULL, applied, facts, &stamp, line, len);
    takes(sealed, members, members, applied, facts, &stamp, line, len);
  }
  require(takes(sealed, NULL, NULL, UINT32_MAX, facts, NULL, line, len));
}

static void check_filter(const fhx__facts *facts, const char *line, size_t len) {
  fhx_filter *filter = NULL, *sealed = NULL;
  fhx__roster *members = NULL;
  if (fhx_filter_new(&filter, NULL) != FHX_OK) return;
  fhx_filter_set_since(filter, "2024-01-01T00:00:00.0000001Z", NULL);
  fhx_filter_set_until(filter, "2025-01-01T00:00:00Z", NULL);
  fhx_filter_add_patient(filter, "p2", NULL);
  fhx_filter_add_patient(filter, "p1", NULL);
  require(fhx__roster_new(FHX__ROSTER_MEMORY_MAX, &members, NULL) == FHX_OK);
  require(fhx__roster_add(members, "p1", 2, NULL) == FHX_OK);
  require(fhx__roster_add(members, "p2", 2, NULL) == FHX_OK);
  require(fhx__roster_seal(members, NULL) == FHX_OK);
  require(fhx__filter_copy(filter, &sealed, NULL) == FHX_OK);
  check_selection(filter, sealed, members, facts, line, len);
  fhx__roster_free(members);
  fhx_filter_free(sealed);
  fhx_filter_free(filter);
}

static void check_instant(const char *text, size_t len) {
  fhx__instant read = {0, 0}, again = {0, 0};
  char written[FHX__INSTANT_TEXT_MAX];
  if (!fhx__instant_parse(text, len, &read)) return;
  require(fhx__instant_compare(read, read) == 0);
  fhx__instant_format(written, read.us, 1);
  if (strlen(written) != strlen("2024-01-01T00:00:00.000000Z")) return;
  if (!fhx__instant_parse(written, strlen(written), &again)) {
    /* An offset can lead out of the years 1 to 9999. */
    require(memcmp(written, "0000", 4) == 0);
    return;
  }
  require(again.us == read.us && again.finer == 0);
  require(fhx__instant_compare(again, read) == (read.finer == 0 ? 0 : -1));
}

static bool is_any_member(void *context, const fhx__member *member) {
  (void)context;
  (void)member;
  return true;
}

static bool is_any_reference(void *context, const char *type, const char *id) {
  (void)context;
  require(fhx__is_type_name(type, strlen(type)) && fhx__is_id(id, strlen(id)));
  return true;
}

/* Whatever the text: every walk ends, and none reads outside it, which the block shows. */
static void check_any_text(const fhx__compartment *compartment, const char *type, const char *text,
                           size_t len) {
  fhx__group_head head;
  char *block = malloc(len == 0 ? 1 : len);
  if (block == NULL) return;
  memcpy(block, text, len);
  fhx__compartment_has(compartment, type, "x", block, len, &any_patient);
  fhx__references_walk(block, len, "https://example.org/fhir", is_any_reference, NULL);
  fhx__group_read_head(block, len, &head);
  fhx__group_walk(block, len, 0, NULL, is_any_member, NULL);
  for (size_t at = 0; at < len; at++) {
    fhx__raw raw = {block + at, block + len};
    fhx__raw_string string = {NULL, 0, false};
    if (fhx__raw_read_string(&raw, &string)) fhx__raw_equals(string, "reference", 9);
    raw.at = block + at;
    fhx__raw_skip_value(&raw);
    require(raw.at > block + at && raw.at <= raw.end);
    if (len > 256) break;
  }
  free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fhx__scan scan = {0};
  if (len == 0) return 0;
  const fhx__compartment *compartment =
      fhx__compartment_builtin(*data < 128 ? FHX_FHIR_R4 : FHX_FHIR_R5);
  const char *type = compartment->paths[*data % compartment->count].resource_type;
  const char *text = (const char *)data + 1;
  char *line = malloc(len);
  if (line == NULL) return 0;
  check_instant(text, len - 1);
  if (fhx__scan_resource(text, len - 1, line, FHX__DEPTH_MAX, &scan) == FHX__FAULT_NONE) {
    check_compartment(compartment, type, line, scan.out_len);
    check_filter(&scan.facts, line, scan.out_len);
  }
  check_any_text(compartment, type, text, len - 1);
  free(line);
  return 0;
}
