/*
 * A Group's resource as a list of members (FILTER-31, -32, -34, -35, -42, -43).
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/source.h>

#include "core/instant.h"
#include "select/group.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)

static int64_t at(const char *text) {
  fhx__instant instant;
  assert_true(fhx__instant_parse(text, strlen(text), &instant));
  return instant.us;
}

/* --- the head (FILTER-42, -43) --- */

static fhx__group_head head_of(const char *line) {
  fhx__group_head head;
  assert_true(fhx__group_read_head(line, strlen(line), &head));
  return head;
}

#define GROUP "{\"resourceType\":\"Group\",\"id\":\"g\""
#define FILTER_URL "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter"

static void only_a_group_has_a_head(void **state) {
  (void)state;
  static const char *const others[] = {"{}",
                                       "[]",
                                       "",
                                       "{\"resourceType\":\"Patient\"}",
                                       "{\"resourceType\":7}",
                                       "{\"a\":{\"resourceType\":\"Group\"}}"};
  fhx__group_head head;
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    assert_false(fhx__group_read_head(others[i], strlen(others[i]), &head));
  }
  assert_true(fhx__group_read_head("{\"\\u0072esourceType\":\"\\u0047roup\"}", 37, &head));
}

/* FILTER-43: `actual` of R4, `membership` of R5, or neither. */
static void members_are_listed_or_only_described(void **state) {
  (void)state;
  assert_true(head_of(GROUP ",\"actual\":true}").lists_members);
  assert_false(head_of(GROUP ",\"actual\":false}").lists_members);
  assert_false(head_of(GROUP ",\"actual\":false,\"member\":[{}]}").lists_members);
  assert_false(head_of(GROUP ",\"actual\":\"true\"}").lists_members);
  assert_true(head_of(GROUP ",\"membership\":\"enumerated\"}").lists_members);
  assert_false(head_of(GROUP ",\"membership\":\"definitional\",\"member\":[{}]}").lists_members);
  assert_true(head_of(GROUP ",\"member\":[{}]}").lists_members);
  assert_false(head_of(GROUP ",\"member\":[]}").lists_members);
  assert_false(head_of(GROUP "}").lists_members);
  assert_true(head_of(GROUP ",\"actual\":false,\"actual\":true}").lists_members);
  assert_false(head_of(GROUP ",\"x\":{\"actual\":true}}").lists_members);
}

/* FILTER-42: what is not known is never passed over. */
static void modifiers_are_known_or_not(void **state) {
  (void)state;
  fhx__group_head head =
      head_of(GROUP ",\"actual\":true,\"modifierExtension\":[{\"url\":\"" FILTER_URL
                    "\",\"valueExpression\":{\"url\":\"x\"}}]}");
  assert_true(head.has_member_filter);
  assert_false(head.has_unknown_modifier);
  head = head_of(GROUP ",\"modifierExtension\":[{\"url\":\"http://x\"},{\"url\":\"" FILTER_URL
                       "\"}],\"actual\":true}");
  assert_true(head.has_member_filter);
  assert_true(head.has_unknown_modifier);
  static const char *const unknown[] = {
      ",\"modifierExtension\":[{}]}",
      ",\"modifierExtension\":{\"url\":\"x\"}}",
      ",\"modifierExtension\":\"x\"}",
      ",\"modifierExtension\":[[]]}",
      ",\"modifierExtension\":[{\"url\":7}]}",
      ",\"member\":[{\"inactive\":true,\"modifierExtension\":[{\"url\":\"x\"}]}]}",
      ",\"member\":[{},{\"modifierExtension\":[{\"url\":\"" FILTER_URL "\"}]}]}",
      ",\"modifierExtension\":[{\"url\":\"x\"}],\"modifierExtension\":[]}",
  };
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    char line[500];
    snprintf(line, sizeof line, "%s%s", GROUP, unknown[i]);
    head = head_of(line);
    assert_true(head.has_unknown_modifier);
    assert_false(head.has_member_filter);
  }
  static const char *const none[] = {
      ",\"modifierExtension\":[]}",
      ",\"modifierExtension\":null}",
      ",\"extension\":[{\"url\":\"" FILTER_URL "\"}]}",
      ",\"contained\":[{\"modifierExtension\":[{\"url\":\"x\"}]}]}",
      ",\"characteristic\":[{\"modifierExtension\":[{\"url\":\"x\"}]}]}",
  };
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    char line[500];
    snprintf(line, sizeof line, "%s%s", GROUP, none[i]);
    head = head_of(line);
    assert_false(head.has_unknown_modifier);
    assert_false(head.has_member_filter);
  }
}

/* --- members --- */

#define MEMBERS_MAX 20
#define T "2024-05-06T12:00:00Z"

typedef struct found {
  fhx__member members[MEMBERS_MAX];
  size_t count;
  size_t stop_at;
} found;

static bool keep(void *context, const fhx__member *member) {
  found *all = context;
  assert_true(all->count < MEMBERS_MAX);
  all->members[all->count++] = *member;
  return all->count != all->stop_at;
}

static found walk_line(const char *line, const char *base_url) {
  found all;
  memset(&all, 0, sizeof all);
  assert_true(fhx__group_walk(line, strlen(line), at(T), base_url, keep, &all));
  return all;
}

static fhx__member only(const char *member) {
  char line[2000];
  snprintf(line, sizeof line, "%s,\"member\":[%s]}", GROUP, member);
  found all = walk_line(line, "https://h/fhir");
  assert_int_equal(all.count, 1);
  return all.members[0];
}

static void check_reference(const char *reference, const char *type, const char *id) {
  char member[1000];
  snprintf(member, sizeof member, "{\"entity\":{\"reference\":\"%s\"}}", reference);
  fhx__member one = only(member);
  assert_int_equal(one.kind, type == NULL ? FHX__MEMBER_ELSEWHERE : FHX__MEMBER_REFERENCE);
  assert_string_equal(one.type, type == NULL ? "" : type);
  assert_string_equal(one.id, type == NULL ? "" : id);
  assert_false(one.has_bad_period);
  assert_true(one.joined_us == FHX_TIME_NONE);
}

/* FILTER-34. */
static void references_of_every_form(void **state) {
  (void)state;
  check_reference("Patient/p1", "Patient", "p1");
  check_reference("Patient/p1/_history/3", "Patient", "p1");
  check_reference("https://h/fhir/Patient/p1", "Patient", "p1");
  check_reference("https://h/fhir/Patient/p1/_history/3", "Patient", "p1");
  check_reference("https:\\/\\/h\\/fhir\\/Patient\\/p\\u0031", "Patient", "p1");
  check_reference("Group/g2", "Group", "g2");
  check_reference("Practitioner/d", "Practitioner", "d");
  check_reference("https://other/fhir/Patient/p1", NULL, NULL);
  check_reference("urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", NULL, NULL);
  check_reference("#p1", NULL, NULL);
  check_reference("Patient?identifier=7", NULL, NULL);
  check_reference("Patient/", NULL, NULL);
  check_reference("p1", NULL, NULL);
  check_reference("", NULL, NULL);
  assert_int_equal(only("{\"entity\":{\"reference\":7}}").kind, FHX__MEMBER_ELSEWHERE);
}

/* FILTER-35. */
static void members_without_a_reference(void **state) {
  (void)state;
  static const char *const members[] = {
      "{}",
      "{\"entity\":{}}",
      "{\"entity\":{\"display\":\"x\"}}",
      "{\"entity\":{\"identifier\":{\"value\":\"x\",\"assigner\":{\"reference\":\"Patient/p1\"}}}}",
      "{\"entity\":{\"reference\":null}}",
      "{\"entity\":null}",
      "{\"entity\":\"Patient/p1\"}",
      "{\"entity\":[{\"reference\":\"Patient/p1\"}]}",
      "null",
      "7",
      "\"Patient/p1\"",
      "[{\"entity\":{\"reference\":\"Patient/p1\"}}]",
      "{\"x\":{\"entity\":{\"reference\":\"Patient/p1\"}}}",
      "{\"entity\":{\"reference\":\"Patient/p1\"},\"entity\":{}}",
  };
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    assert_int_equal(only(members[i]).kind, FHX__MEMBER_UNRESOLVED);
  }
}

/* FILTER-31. */
static void inactive_is_no_member(void **state) {
  (void)state;
  assert_int_equal(only("{\"inactive\":true,\"entity\":{\"reference\":\"Patient/p\"}}").kind,
                   FHX__MEMBER_OVER);
  assert_int_equal(only("{\"entity\":{\"reference\":\"#x\"},\"inactive\":true}").kind,
                   FHX__MEMBER_OVER);
  assert_int_equal(only("{\"inactive\":true,\"period\":7}").kind, FHX__MEMBER_OVER);
  assert_int_equal(only("{\"inactive\":false,\"entity\":{\"reference\":\"Patient/p\"}}").kind,
                   FHX__MEMBER_REFERENCE);
  assert_int_equal(only("{\"inactive\":true,\"entity\":{\"reference\":\"Patient/p\"},"
                        "\"inactive\":false}")
                       .kind,
                   FHX__MEMBER_REFERENCE);
}

static fhx__member with_period(const char *period) {
  char member[1000];
  snprintf(member, sizeof member, "{\"period\":%s,\"entity\":{\"reference\":\"Patient/p\"}}",
           period);
  return only(member);
}

static void check_period(const char *period, bool is_member) {
  fhx__member one = with_period(period);
  assert_int_equal(one.kind, is_member ? FHX__MEMBER_REFERENCE : FHX__MEMBER_OVER);
  assert_false(one.has_bad_period);
}

/* FILTER-32, as of 2024-05-06 noon. */
static void periods_cover_their_last_unit(void **state) {
  (void)state;
  check_period("{}", true);
  check_period("{\"start\":\"2024\"}", true);
  check_period("{\"start\":\"2025\"}", false);
  check_period("{\"end\":\"2024\"}", true);
  check_period("{\"end\":\"2023\"}", false);
  check_period("{\"start\":\"2024-05\",\"end\":\"2024-05\"}", true);
  check_period("{\"start\":\"2024-06\"}", false);
  check_period("{\"end\":\"2024-04\"}", false);
  check_period("{\"start\":\"2024-05-06\",\"end\":\"2024-05-06\"}", true);
  check_period("{\"start\":\"2024-05-08\"}", false);
  check_period("{\"end\":\"2024-05-04\"}", false);
  check_period("{\"end\":\"2024-05-06T12:00:00Z\"}", true);
  check_period("{\"start\":\"2024-05-06T12:00:00Z\"}", true);
  check_period("{\"start\":\"2024-05-06T12:00:00.001Z\"}", false);
  check_period("{\"start\":\"2024-05-06T12:00:01Z\"}", false);
  check_period("{\"end\":\"2024-05-06T11:59:59Z\"}", false);
  check_period("{\"end\":\"2024-05-06T13:59:59+02:00\"}", false);
  check_period("{\"end\":\"2024-05-06T14:00:00+02:00\"}", true);
  check_period("{\"start\":\"2020\",\"end\":\"2021\"}", false);
  check_period("{\"start\":\"2025\",\"end\":\"2023\"}", false);
  check_period("{\"\\u0065nd\":\"202\\u0033\"}", false);
  check_period("{\"end\":\"2023\",\"end\":\"2030\"}", true);
  check_period("{\"x\":{\"end\":\"2023\"}}", true);
}

static void bad_periods_count_as_absent(void **state) {
  (void)state;
  static const char *const periods[] = {
      "null",
      "7",
      "\"2023\"",
      "[{\"end\":\"2023\"}]",
      "{\"end\":null}",
      "{\"end\":2023}",
      "{\"end\":\"\"}",
      "{\"end\":\"2023-13\"}",
      "{\"end\":\"2023-02-30\"}",
      "{\"end\":\"0000\"}",
      "{\"end\":\"23\"}",
      "{\"end\":\"2023-1\"}",
      "{\"end\":\"2023-01-\"}",
      "{\"end\":\"2023-01-01T10:00\"}",
      "{\"end\":\"2023-01-01T10:00:00\"}",
      "{\"end\":\" 2023\"}",
      "{\"end\":\"yesterday\"}",
      "{\"start\":\"2030\",\"end\":\"soon\"}",
      "{\"start\":\"soon\",\"end\":\"2023\"}",
      "{\"end\":\"\\u0032023-01-01T00:00:00.00000000000000000000000000000000000000000000000000Z\"}",
  };
  for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
    fhx__member one = with_period(periods[i]);
    assert_int_equal(one.kind, FHX__MEMBER_REFERENCE);
    assert_true(one.has_bad_period);
    assert_true(one.joined_us == FHX_TIME_NONE);
  }
}

/* Of a coarse date the last moment: who may be new counts as new (FILTER-05). */
static void joined_at_the_latest(void **state) {
  (void)state;
  assert_true(with_period("{\"start\":\"2024-05-06T10:00:00.5Z\"}").joined_us ==
              at("2024-05-06T10:00:00.5Z"));
  assert_true(with_period("{\"start\":\"2024-05-06T10:00:00Z\"}").joined_us ==
              at("2024-05-06T10:00:01Z") - 1);
  assert_true(with_period("{\"start\":\"2023\"}").joined_us == at("2024-01-01T14:00:00Z") - 1);
  assert_true(with_period("{\"end\":\"2030\"}").joined_us == FHX_TIME_NONE);
}

static void check_date(const char *text, const char *first, const char *behind, int64_t zone) {
  int64_t first_us = 0, last_us = 0;
  assert_true(fhx__partial_date_read(text, strlen(text), &first_us, &last_us));
  assert_true(first_us == at(first) - zone);
  assert_true(last_us == at(behind) - 1 + zone);
}

static void partial_dates_cover_their_unit(void **state) {
  (void)state;
  check_date("2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", 14 * HOUR);
  check_date("2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z", 14 * HOUR);
  check_date("2023-02", "2023-02-01T00:00:00Z", "2023-03-01T00:00:00Z", 14 * HOUR);
  check_date("2023-04", "2023-04-01T00:00:00Z", "2023-05-01T00:00:00Z", 14 * HOUR);
  check_date("2023-12", "2023-12-01T00:00:00Z", "2024-01-01T00:00:00Z", 14 * HOUR);
  check_date("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z", 14 * HOUR);
  check_date("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z", "2024-05-06T07:08:10Z", 0);
  check_date("2024-05-06T07:08:09+02:00", "2024-05-06T05:08:09Z", "2024-05-06T05:08:10Z", 0);
  check_date("2024-05-06T07:08:09.25Z", "2024-05-06T07:08:09.25Z", "2024-05-06T07:08:09.250001Z",
             0);
  int64_t first_us = 0, last_us = 0;
  assert_true(fhx__partial_date_read("9999", 4, &first_us, &last_us));
  assert_true(last_us == at("9999-12-31T23:59:59Z") + SECOND - 1 + 14 * HOUR);
  assert_false(fhx__partial_date_read("", 0, &first_us, &last_us));
}

/* --- the walk --- */

static void members_come_in_order_and_from_every_list(void **state) {
  (void)state;
  found all = walk_line(
      "{\"member\":[{\"entity\":{\"reference\":\"Patient/b\"}},{},"
      "{\"inactive\":true}],\"x\":[{\"member\":[{}]}],\"resourceType\":\"Group\","
      "\"member\":{\"entity\":{\"reference\":\"Patient/a\"}}}",
      "");
  assert_int_equal(all.count, 4);
  assert_string_equal(all.members[0].id, "b");
  assert_int_equal(all.members[1].kind, FHX__MEMBER_UNRESOLVED);
  assert_int_equal(all.members[2].kind, FHX__MEMBER_OVER);
  assert_string_equal(all.members[3].id, "a");
  assert_int_equal(walk_line(GROUP ",\"member\":[]}", "").count, 0);
  assert_int_equal(walk_line(GROUP ",\"member\":null}", "").count, 0);
  assert_int_equal(walk_line("{}", "").count, 0);
}

static void the_callback_ends_the_walk(void **state) {
  (void)state;
  static const char line[] = GROUP ",\"member\":[{},{},{}]}";
  found all;
  memset(&all, 0, sizeof all);
  all.stop_at = 2;
  assert_false(fhx__group_walk(line, sizeof line - 1, 0, "", keep, &all));
  assert_int_equal(all.count, 2);
}

/* Cut anywhere, in a block of just that length, so that a sanitizer sees what is read. */
static void broken_text_is_read_within_its_bounds(void **state) {
  (void)state;
  static const char line[] = GROUP
      ",\"actual\":true,\"modifierExtension\":[{\"url\":\"x\\\"\"}],\"member\":[{\"entity\":"
      "{\"reference\":\"Patient\\/p\"},\"period\":{\"start\":\"20\\u0032\",\"end\":7},"
      "\"inactive\":false},[],null]}";
  for (size_t len = 0; len < sizeof line; len++) {
    char *cut = malloc(len + 1);
    assert_non_null(cut);
    memcpy(cut + 1, line, len);
    found all;
    memset(&all, 0, sizeof all);
    fhx__group_head head;
    fhx__group_read_head(cut + 1, len, &head);
    assert_true(fhx__group_walk(cut + 1, len, 0, "", keep, &all));
    free(cut);
  }
}

static bool count_one(void *context, const fhx__member *member) {
  assert_int_equal(member->kind, FHX__MEMBER_REFERENCE);
  ++*(size_t *)context;
  return true;
}

/* FILTER-41: one pass and nothing kept, whatever the size. */
static void a_million_members(void **state) {
  (void)state;
  static const char member[] = "{\"entity\":{\"reference\":\"Patient/p1234567\"}},";
  const size_t count = 1000000, len = sizeof member - 1, head_len = strlen(GROUP ",\"member\":[");
  char *line = malloc(head_len + count * len + 2);
  assert_non_null(line);
  memcpy(line, GROUP ",\"member\":[", head_len);
  for (size_t i = 0; i < count; i++) memcpy(line + head_len + i * len, member, len);
  memcpy(line + head_len + count * len - 1, "]}", 2);
  size_t seen = 0;
  assert_true(fhx__group_walk(line, head_len + count * len + 1, at(T), "", count_one, &seen));
  assert_int_equal(seen, count);
  fhx__group_head head;
  assert_true(fhx__group_read_head(line, head_len + count * len + 1, &head));
  assert_true(head.lists_members);
  free(line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_a_group_has_a_head),
      cmocka_unit_test(members_are_listed_or_only_described),
      cmocka_unit_test(modifiers_are_known_or_not),
      cmocka_unit_test(references_of_every_form),
      cmocka_unit_test(members_without_a_reference),
      cmocka_unit_test(inactive_is_no_member),
      cmocka_unit_test(periods_cover_their_last_unit),
      cmocka_unit_test(bad_periods_count_as_absent),
      cmocka_unit_test(joined_at_the_latest),
      cmocka_unit_test(partial_dates_cover_their_unit),
      cmocka_unit_test(members_come_in_order_and_from_every_list),
      cmocka_unit_test(the_callback_ends_the_walk),
      cmocka_unit_test(broken_text_is_read_within_its_bounds),
      cmocka_unit_test(a_million_members),
  };
  return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
