/*
 * The scanner against yajl as the judge: the same verdict, but for the differences listed below,
 * and the same content of what goes in and what comes out. On texts written by hand, on seeded
 * mutations of samples (FHX_SEED sets the seed), and on real data when the folder that
 * FHX_SHARED_DATA names exists.
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <dirent.h>
#include <yajl/yajl_parse.h>
#include <zlib.h>

#include "scan_check.h"

#define MUTATION_COUNT 250000
#define MUTANT_MAX 2048
#define DEPTH_MAX 20
#define DEFAULT_SEED 20261122

/* --- the judge --- */

enum { KEY_TYPE, KEY_ID, KEY_META, KEY_COUNT };

/* What yajl says of a text: all its events one behind the other, and the facts it gives. */
typedef struct judgement {
  bool is_json;
  char *events;
  size_t len;
  size_t capacity;
  uint32_t depth;
  uint32_t deepest;
  bool is_object;
  int counts[KEY_COUNT];
  /* The top-level key, or lastUpdated inside meta, whose value comes next. */
  int key;
  bool in_meta;
  bool is_stamp;
  fhx__facts facts;
} judgement;

static void add_event(judgement *judge, char kind, const void *data, size_t len) {
  size_t needed = judge->len + 1 + sizeof len + len;
  if (needed > judge->capacity) {
    judge->capacity = needed * 2;
    judge->events = realloc(judge->events, judge->capacity);
    assert_non_null(judge->events);
  }
  judge->events[judge->len] = kind;
  memcpy(judge->events + judge->len + 1, &len, sizeof len);
  if (len != 0) memcpy(judge->events + judge->len + 1 + sizeof len, data, len);
  judge->len = needed;
}

/* A value of the kind that is no string: what it means for a fact. */
static void end_fact(judgement *judge) {
  if (judge->is_stamp) judge->facts.has_updated = false;
  judge->key = KEY_COUNT;
  judge->is_stamp = false;
}

static int on_null(void *context) {
  add_event(context, 'n', NULL, 0);
  end_fact(context);
  return 1;
}

static int on_boolean(void *context, int value) {
  add_event(context, value ? 't' : 'f', NULL, 0);
  end_fact(context);
  return 1;
}

static int on_number(void *context, const char *text, size_t len) {
  add_event(context, '0', text, len);
  end_fact(context);
  return 1;
}

static int on_string(void *context, const unsigned char *text, size_t len) {
  judgement *judge = context;
  const char *chars = (const char *)text;
  add_event(judge, 's', text, len);
  if (judge->key == KEY_TYPE && fhx__is_type_name(chars, len)) {
    memcpy(judge->facts.resource_type, chars, len);
  }
  if (judge->key == KEY_ID && fhx__is_id(chars, len)) memcpy(judge->facts.id, chars, len);
  bool is_instant = judge->is_stamp && fhx__instant_parse(chars, len, &judge->facts.updated);
  end_fact(judge);
  if (is_instant) judge->facts.has_updated = true;
  return 1;
}

static int on_key(void *context, const unsigned char *text, size_t len) {
  static const char *const keys[] = {"resourceType", "id", "meta"};
  static const char stamp[] = "lastUpdated";
  judgement *judge = context;
  add_event(judge, 'k', text, len);
  judge->key = KEY_COUNT;
  for (int i = 0; i < KEY_COUNT && judge->depth == 1; i++) {
    if (len != strlen(keys[i]) || memcmp(text, keys[i], len) != 0) continue;
    judge->key = i;
    judge->counts[i]++;
  }
  judge->is_stamp = judge->in_meta && judge->depth == 2 && len == sizeof stamp - 1 &&
                    memcmp(text, stamp, len) == 0;
  return 1;
}

static void open_level(judgement *judge, char kind) {
  add_event(judge, kind, NULL, 0);
  if (judge->depth == 0) judge->is_object = kind == '{';
  if (judge->depth == 1) judge->in_meta = kind == '{' && judge->key == KEY_META;
  if (++judge->depth > judge->deepest) judge->deepest = judge->depth;
  end_fact(judge);
}

static int on_open_object(void *context) {
  open_level(context, '{');
  return 1;
}

static int on_open_array(void *context) {
  open_level(context, '[');
  return 1;
}

static int on_close_object(void *context) {
  add_event(context, '}', NULL, 0);
  ((judgement *)context)->depth--;
  return 1;
}

static int on_close_array(void *context) {
  add_event(context, ']', NULL, 0);
  ((judgement *)context)->depth--;
  return 1;
}

/* yajl as strict as it can be: no comments, no trailing text, one whole value, checked UTF-8. */
static void judge_text(judgement *judge, const void *text, size_t len) {
  static const yajl_callbacks callbacks = {on_null,         on_boolean,    NULL,           NULL,
                                           on_number,       on_string,     on_open_object, on_key,
                                           on_close_object, on_open_array, on_close_array};
  char *events = judge->events;
  size_t capacity = judge->capacity;
  memset(judge, 0, sizeof *judge);
  judge->events = events;
  judge->capacity = capacity;
  judge->key = KEY_COUNT;
  yajl_handle parser = yajl_alloc(&callbacks, NULL, judge);
  assert_non_null(parser);
  yajl_config(parser, yajl_allow_comments, 0);
  yajl_config(parser, yajl_dont_validate_strings, 0);
  yajl_config(parser, yajl_allow_trailing_garbage, 0);
  yajl_config(parser, yajl_allow_multiple_values, 0);
  yajl_config(parser, yajl_allow_partial_values, 0);
  judge->is_json = yajl_parse(parser, text, len) == yajl_status_ok &&
                   yajl_complete_parse(parser) == yajl_status_ok;
  yajl_free(parser);
}

/* --- deliberate differences: what the scanner refuses and yajl accepts --- */

typedef struct faulty {
  const unsigned char *text;
  size_t len;
  const fhx__scan *scan;
  const judgement *judge;
} faulty;

/* No sequence begins at the place of the fault, and all before it is well-formed. */
static bool is_bad_utf8(const faulty *given) {
  size_t offset = given->scan->offset;
  if (!fhx__is_utf8(given->text, offset)) return false;
  for (size_t len = 1; len <= 4 && offset + len <= given->len; len++) {
    if (fhx__is_utf8(given->text + offset, len)) return false;
  }
  return true;
}

static bool is_vt_or_ff(const faulty *given) {
  return given->scan->offset < given->len &&
         (given->text[given->scan->offset] == '\v' || given->text[given->scan->offset] == '\f');
}

/* What follows the object is a string that does not end. */
static bool is_open_string(const faulty *given) {
  size_t at = given->scan->offset;
  if (at == given->len || given->text[at] != '"') return false;
  for (at++; at < given->len && given->text[at] != '"'; at++) {
    if (given->text[at] == '\\') at++;
  }
  return at >= given->len;
}

static bool is_no_object(const faulty *given) {
  return !given->judge->is_object;
}

static bool is_too_deep(const faulty *given) {
  return given->judge->deepest > DEPTH_MAX;
}

static bool is_doubled(const faulty *given) {
  const int *counts = given->judge->counts;
  return counts[KEY_TYPE] > 1 || counts[KEY_ID] > 1 || counts[KEY_META] > 1;
}

static bool has_no_type(const faulty *given) {
  return given->judge->facts.resource_type[0] == '\0' || is_doubled(given);
}

static bool has_no_id(const faulty *given) {
  return given->judge->facts.id[0] == '\0' || is_doubled(given);
}

static struct difference {
  fhx__fault fault;
  bool (*holds)(const faulty *given);
  const char *reason;
  uint64_t count;
} differences[] = {
    {FHX__FAULT_UTF8, is_bad_utf8, "yajl passes overlong forms, surrogates, and beyond U+10FFFF",
     0},
    {FHX__FAULT_SYNTAX, is_vt_or_ff, "yajl takes VT and FF for white space", 0},
    {FHX__FAULT_TRAILING, is_vt_or_ff, "yajl takes VT and FF for white space behind the object", 0},
    {FHX__FAULT_TRAILING, is_open_string,
     "yajl overlooks the beginning of a string behind the object", 0},
    {FHX__FAULT_NOT_OBJECT, is_no_object, "a resource is an object, JSON may be anything", 0},
    {FHX__FAULT_DEPTH, is_too_deep, "yajl has no limit of depth", 0},
    {FHX__FAULT_DOUBLED_KEY, is_doubled, "yajl passes doubled keys", 0},
    {FHX__FAULT_RESOURCE_TYPE, has_no_type, "JSON needs no resourceType", 0},
    {FHX__FAULT_ID, has_no_id, "JSON needs no id", 0},
};

static void print_text(const unsigned char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (text[i] >= ' ' && text[i] < 0x7F && text[i] != '\\') {
      print_message("%c", text[i]);
    } else {
      print_message("\\x%02x", text[i]);
    }
  }
  print_message("\n");
}

/* Scans and judges one text; whether it was accepted. */
static bool compare(const void *text, size_t len) {
  static judgement of_input, of_line;
  static unsigned char *line;
  static size_t line_capacity;
  if (len + 1 > line_capacity) {
    line_capacity = len + 1;
    line = realloc(line, line_capacity);
    assert_non_null(line);
  }
  fhx__scan scan = checked_scan(text, len, DEPTH_MAX, line);
  judge_text(&of_input, text, len);
  if (scan.fault == FHX__FAULT_NONE) {
    if (!of_input.is_json) print_text(text, len);
    assert_true(of_input.is_json);
    judge_text(&of_line, line, scan.out_len);
    assert_true(of_line.is_json);
    assert_int_equal(of_line.len, of_input.len);
    assert_memory_equal(of_line.events, of_input.events, of_input.len);
    assert_same_facts(&scan.facts, &of_input.facts);
    return true;
  }
  if (!of_input.is_json) return false;
  const faulty given = {text, len, &scan, &of_input};
  for (size_t i = 0; i < COUNT(differences); i++) {
    if (differences[i].fault != scan.fault || !differences[i].holds(&given)) continue;
    differences[i].count++;
    return false;
  }
  print_text(text, len);
  fail_msg("yajl accepts this, the scanner says at %zu: %s", scan.offset,
           fhx__fault_text(scan.fault));
  return false;
}

/* --- texts --- */

static const char *const samples[] = {
    BEGIN "}",
    "{\"resourceType\":\"Observation\",\"id\":\"0-1.A\",\"meta\":{\"versionId\":\"1\","
    "\"lastUpdated\":"
    "\"2024-05-06T07:08:09.123Z\"},\"valueQuantity\":{\"value\":0.10,\"unit\":\"mg\"}}",
    "{ \"meta\" : { \"lastUpdated\" : \"2024-05-06T07:08:09+02:00\", \"tag\": [ { \"code\": \"x\" "
    "} ] }"
    ", \"id\" : \"b\" , \"resourceType\" : \"Group\", \"quantity\": 2 }",
    "{\n  \"resourceType\": \"Patient\",\n  \"id\": \"p1\",\n  \"active\": true,\n  \"name\": [\n  "
    "  "
    "{\n      \"family\": \"M\xC3\xBCller\",\n      \"given\": [ \"\xE6\x9D\x8E\", "
    "\"\xF0\x9F\x98\x80\" ]\n    }\n  ]\n}\n",
    "{\"\\u0069d\":\"\\u0061\",\"resource\\u0054ype\":\"Patient\",\"text\":{\"div\":\"<p "
    "class=\\\"a\\\">\\n\\t\\\\ \\/ \\ud83d\\ude00 \\ud800</p>\"}}",
    "{\"resourceType\":\"Bundle\",\"id\":\"x\",\"a\":[[],{},[{}],[[[1,-2.5e+3,0.0,1E9]]],null,"
    "false,"
    "true,\"\"],\"b\":{\"c\":{\"d\":{\"e\":{\"f\":\"g\"}}}}}",
    "{\"resourceType\":\"Basic\",\"id\":\"x\",\"meta\":{\"lastUpdated\":\"x\",\"lastUpdated\":"
    "\"2020-01-01T00:00:00Z\",\"a\":{\"lastUpdated\":1}},\"x\":{\"id\":1,\"id\":2,\"meta\":0}}",
    /* Just DEPTH_MAX levels. */
    "{\"resourceType\":\"Basic\",\"id\":\"x\",\"a\":[[[[[[[[{\"b\":[[[[[[[[[{\"c\":1}]]]]]]]]]}]]]]"
    "]]]]}",
    "\t{\"resourceType\":\"Basic\",\"id\":\"x\",\"\":{\"\":\"\xC2\xA0\xE2\x80\xA8\xEF\xBF\xBD\"},"
    "\"long\":\"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~:/"
    "?#@!$&'()*+,;=\"}",
};

/* Each difference at least once, and what both must refuse or accept. */
static const struct {
  const char *text;
  size_t len;
} by_hand[] = {
    {TEXT("")},
    {TEXT(" \n")},
    {TEXT("\0")},
    {TEXT("{}")},
    {TEXT("[]")},
    {TEXT("1")},
    {TEXT("\"a\"")},
    {TEXT("nul")},
    {TEXT("[1")},
    {TEXT("{\"id\":\"a\"}")},
    {TEXT(BEGIN)},
    {TEXT("{\"resourceType\":\"Patient\"}")},
    {TEXT("{\"resourceType\":\"x\",\"id\":\"a\"}")},
    {TEXT(BEGIN "}\v")},
    {TEXT("\f" BEGIN "}")},
    {TEXT(BEGIN ",\v\"x\":1}")},
    {TEXT(BEGIN ",\"x\":\"\v\"}")},
    {TEXT(BEGIN "}{}")},
    {TEXT(BEGIN "}}")},
    {TEXT(BEGIN "} \"a")},
    {TEXT(BEGIN "} //")},
    {TEXT(BEGIN "/**/}")},
    {TEXT(BEGIN ",\"x\":1,}")},
    {TEXT("\xEF\xBB\xBF" BEGIN "}")},
    {TEXT(BEGIN "}\0")},
    {TEXT(BEGIN ",\"x\":\"\0\"}")},
    {TEXT(BEGIN ",\"x\":\"\xC0\x80\"}")},
    {TEXT(BEGIN ",\"x\":\"\xE0\x80\x80\"}")},
    {TEXT(BEGIN ",\"x\":\"\xED\xA0\x80\"}")},
    {TEXT(BEGIN ",\"x\":\"\xF4\x90\x80\x80\"}")},
    {TEXT(BEGIN ",\"x\":\"\xF8\x88\x80\x80\x80\"}")},
    {TEXT(BEGIN ",\"x\":\"\x80\"}")},
    {TEXT(BEGIN ",\"x\":\"\xE2\x82\"}")},
    {TEXT(BEGIN ",\"x\":\"\xFF\"}")},
    {TEXT(BEGIN ",\"id\":\"b\"}")},
    {TEXT(BEGIN ",\"\\u0069\\u0064\":1}")},
    {TEXT(BEGIN ",\"x\":[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]}")},
    {TEXT(BEGIN ",\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}")},
    {TEXT(BEGIN ",\"x\":01}")},
    {TEXT(BEGIN ",\"x\":1.}")},
    {TEXT(BEGIN ",\"x\":-}")},
    {TEXT(BEGIN ",\"x\":.1}")},
    {TEXT(BEGIN ",\"x\":1e}")},
    {TEXT(BEGIN ",\"x\":+1}")},
    {TEXT(BEGIN ",\"x\":\"\\ud800\"}")},
    {TEXT(BEGIN ",\"x\":\"\\u12x4\"}")},
    {TEXT(BEGIN ",\"x\":\"\\a\"}")},
    {TEXT(BEGIN ",x:1}")},
    {TEXT(BEGIN ",'x':1}")},
    {TEXT(BEGIN ",\"x\":\"\x7F\"}")},
    {TEXT(BEGIN ",\"x\":\"\t\"}")},
    {TEXT(BEGIN ",\"x\":{1:2}}")},
    {TEXT(BEGIN ",\"x\":99999999999999999999999999999999999999.0e-99999}")},
};

static void texts_by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(samples); i++) compare(samples[i], strlen(samples[i]));
  for (size_t i = 0; i < COUNT(differences); i++) differences[i].count = 0;
  for (size_t i = 0; i < COUNT(by_hand); i++) compare(by_hand[i].text, by_hand[i].len);
  for (size_t i = 0; i < COUNT(differences); i++) {
    if (differences[i].count == 0) fail_msg("never seen: %s", differences[i].reason);
  }
}

/* --- mutations --- */

/* What gets into a mutant. */
static const struct {
  const char *text;
  size_t len;
} scraps[] = {
    {TEXT("{")},
    {TEXT("}")},
    {TEXT("[")},
    {TEXT("]")},
    {TEXT(":")},
    {TEXT(",")},
    {TEXT("\"")},
    {TEXT("\\")},
    {TEXT(" ")},
    {TEXT("\n")},
    {TEXT("\r\t")},
    {TEXT("                 ")},
    {TEXT("\v")},
    {TEXT("\f")},
    {TEXT("\0")},
    {TEXT("\x1F")},
    {TEXT("\x7F")},
    {TEXT("0")},
    {TEXT("-")},
    {TEXT(".5")},
    {TEXT("e1")},
    {TEXT("E+0")},
    {TEXT("-0.10")},
    {TEXT("true")},
    {TEXT("false")},
    {TEXT("null")},
    {TEXT("\"\"")},
    {TEXT("{}")},
    {TEXT("[]")},
    {TEXT("[[[[[[[[[[")},
    {TEXT("]]]]]]")},
    {TEXT(",\"a\":1")},
    {TEXT(",\"id\":\"b\"")},
    {TEXT("\"id\":\"b\",")},
    {TEXT("\"\\u0069d\":\"c\",")},
    {TEXT(",\"meta\":{}")},
    {TEXT("\"meta\":{\"lastUpdated\":\"2021-02-03T04:05:06Z\"},")},
    {TEXT("\"lastUpdated\":\"2022-02-03T04:05:06.7Z\",")},
    {TEXT("\"resourceType\":\"Group\",")},
    {TEXT("resourceType")},
    {TEXT("\\u0041")},
    {TEXT("\\ud83d\\ude00")},
    {TEXT("\\udc00")},
    {TEXT("\\u00e9")},
    {TEXT("\\n")},
    {TEXT("\\\"")},
    {TEXT("\\\\")},
    {TEXT("\\u12")},
    {TEXT("\\x")},
    {TEXT("\xC3\xA9")},
    {TEXT("\xE4\xB8\xAD")},
    {TEXT("\xF0\x9F\x98\x80")},
    {TEXT("\xC3")},
    {TEXT("\xE4\xB8")},
    {TEXT("\x80")},
    {TEXT("\xC0\xAF")},
    {TEXT("\xE0\x9F\xBF")},
    {TEXT("\xED\xA0\x80")},
    {TEXT("\xF4\x90\x80\x80")},
    {TEXT("\xF8")},
    {TEXT("\xEF\xBB\xBF")},
    {TEXT("/*a*/")},
    {TEXT("// a\n")},
    {TEXT("abcdefgh")},
};

typedef struct mutant {
  size_t len;
  char text[MUTANT_MAX];
} mutant;

/* Replaces `cut` bytes at `at`; does nothing where there is no room. */
static void splice(mutant *given, size_t at, size_t cut, const char *text, size_t len) {
  if (given->len - cut + len > MUTANT_MAX) return;
  memmove(given->text + at + len, given->text + at + cut, given->len - at - cut);
  memcpy(given->text + at, text, len);
  given->len = given->len - cut + len;
}

static void mutate(mutant *given, uint64_t *random) {
  size_t at = random_below(random, given->len + 1);
  size_t left = given->len - at;
  size_t span = left == 0 ? 0 : random_below(random, left < 12 ? left : 12) + 1;
  size_t scrap = random_below(random, COUNT(scraps));
  char some[12] = {0};
  memcpy(some, given->text + at, span);
  switch (random_below(random, 8)) {
    case 0:
      if (left != 0) given->text[at] = (char)random_below(random, 256);
      break;
    case 1:
      if (left != 0) given->text[at] = (char)(given->text[at] ^ 1 << random_below(random, 8));
      break;
    case 2:
      splice(given, at, span, "", 0);
      break;
    case 3:
      splice(given, at, 0, some, span);
      break;
    case 4:
      splice(given, random_below(random, given->len + 1), 0, some, span);
      break;
    case 5:
      splice(given, at, span, scraps[scrap].text, scraps[scrap].len);
      break;
    default:
      splice(given, at, 0, scraps[scrap].text, scraps[scrap].len);
      break;
  }
  if (random_below(random, 64) == 0) given->len = at;
}

/* Where a scrap is most often still JSON: behind a token. */
static void mutate_gently(mutant *given, uint64_t *random) {
  static const char *const gentle[] = {" ",  "\n\t",       "\r      ",     "\v",
                                       "\f", ",\"y\":[1]", ",\"id\":\"z\""};
  const char *text = gentle[random_below(random, COUNT(gentle))];
  size_t at = random_below(random, given->len + 1);
  while (at < given->len && strchr("}],:", given->text[at]) == NULL) at++;
  splice(given, at, 0, text, strlen(text));
}

static uint64_t seed(void) {
  const char *text = getenv("FHX_SEED");
  uint64_t value = text == NULL ? DEFAULT_SEED : strtoull(text, NULL, 10);
  print_message("FHX_SEED=%llu\n", (unsigned long long)value);
  return value == 0 ? 1 : value;
}

static void mutations(void **state) {
  static mutant current;
  uint64_t random = seed();
  int accepted = 0;
  (void)state;
  for (size_t i = 0; i < COUNT(differences); i++) differences[i].count = 0;
  for (int round = 0; round < MUTATION_COUNT; round++) {
    const char *sample = samples[random_below(&random, COUNT(samples))];
    size_t times = random_below(&random, 4);
    current.len = strlen(sample);
    memcpy(current.text, sample, current.len);
    if (random_below(&random, 2) == 0) mutate_gently(&current, &random);
    for (size_t i = 0; i < times; i++) mutate(&current, &random);
    if (compare(current.text, current.len)) accepted++;
  }
  print_message("%d mutants, %d accepted\n", MUTATION_COUNT, accepted);
  assert_in_range(accepted, MUTATION_COUNT / 10, MUTATION_COUNT / 10 * 9);
  for (size_t i = 0; i < COUNT(differences); i++) {
    print_message("%8llu x %s\n", (unsigned long long)differences[i].count, differences[i].reason);
  }
}

/* --- real data --- */

/* The whole file, unpacked; its length in *len. */
static char *read_packed(const char *path, size_t *len) {
  size_t capacity = 1 << 20;
  char *text = malloc(capacity);
  gzFile file = gzopen(path, "rb");
  assert_non_null(text);
  assert_non_null(file);
  *len = 0;
  for (;;) {
    int count = gzread(file, text + *len, (unsigned int)(capacity - *len));
    assert_true(count >= 0);
    if (count == 0) break;
    *len += (size_t)count;
    if (*len < capacity) continue;
    capacity *= 2;
    text = realloc(text, capacity);
    assert_non_null(text);
  }
  assert_int_equal(gzclose(file), Z_OK);
  return text;
}

/* Every line as it is: all of them are resources. Some of them cut off as well. */
static size_t compare_lines(const char *text, size_t len, uint64_t *random) {
  size_t count = 0;
  for (const char *line = text; line < text + len; count++) {
    const char *end = memchr(line, '\n', (size_t)(text + len - line));
    if (end == NULL) end = text + len;
    fhx__scan result = scan(line, (size_t)(end - line));
    assert_int_equal(result.fault, FHX__FAULT_NONE);
    compare(line, (size_t)(end - line));
    if (count % 16 == 0) compare(line, random_below(random, (size_t)(end - line)));
    line = end + 1;
  }
  return count;
}

static void real_data(void **state) {
  const char *folder = getenv("FHX_SHARED_DATA");
  DIR *directory = folder == NULL ? NULL : opendir(folder);
  uint64_t random = 1;
  size_t count = 0;
  (void)state;
  if (directory == NULL) {
    print_message("no real data: %zu samples\n", COUNT(samples));
    for (size_t i = 0; i < COUNT(samples); i++) compare(samples[i], strlen(samples[i]));
    return;
  }
  for (struct dirent *entry = NULL; (entry = readdir(directory)) != NULL;) {
    const char *suffix = strstr(entry->d_name, ".ndjson.gz");
    char path[TEXT_MAX];
    size_t len = 0;
    if (suffix == NULL || strcmp(suffix, ".ndjson.gz") != 0) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    char *text = read_packed(path, &len);
    count += compare_lines(text, len, &random);
    free(text);
  }
  closedir(directory);
  print_message("real data: %zu resources\n", count);
  assert_true(count > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(texts_by_hand),
      cmocka_unit_test(mutations),
      cmocka_unit_test(real_data),
  };
  return cmocka_run_group_tests_name("scan_yajl", tests, NULL, NULL);
}
