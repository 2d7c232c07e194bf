/* `_elements`: a resource made shorter by copying what is kept of it. */
#include "select/reduce.h"

#include <fhirexport/status.h>
#include <string.h>

#include "select/raw_json.h"

#define TAG_SYSTEM "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
#define TAG_CODE "SUBSETTED"
#define TAG "{\"system\":\"" TAG_SYSTEM "\",\"code\":\"" TAG_CODE "\"}"
#define TAG_LIST "[" TAG "]"
#define TAG_MEMBER "\"tag\":" TAG_LIST
#define META "{" TAG_MEMBER "}"
#define META_MEMBER "\"meta\":" META

/* Short runs are copied in blocks, which may pass their end. */
#define BLOCK 32
#define SHORT_RUN 256

/* What is written beyond what is read: the longest addition, the braces and a comma, and a block.
 */
#define ROOM (sizeof META_MEMBER + 3 + BLOCK)

typedef struct reducing {
  const fhx__kept *kept;
  const char *end;
  /* The next byte goes here; there is room. */
  char *to;
  /* What is kept and not yet copied; NULL: nothing. */
  const char *run;
  const char *run_end;
  bool has_members;
  bool has_meta;
} reducing;

/* --- copying --- */

static void copy(reducing *of, const char *run, const char *upto) {
  size_t len = (size_t)(upto - run);
  char *to = of->to;
  of->to += len;
  if (len > SHORT_RUN || (size_t)(of->end - run) < len + BLOCK) {
    memcpy(to, run, len);
    return;
  }
  for (size_t done = 0; done < len; done += BLOCK) memcpy(to + done, run + done, BLOCK);
}

static void end_run(reducing *of) {
  if (of->run != NULL) copy(of, of->run, of->run_end);
  of->run = NULL;
}

static void begin_member(reducing *of) {
  if (of->has_members) *of->to++ = ',';
  of->has_members = true;
}

static void put(reducing *of, const char *text, size_t len) {
  memcpy(of->to, text, len);
  of->to += len;
}

/* Puts a text into the run, instead of what is from `at` to `behind`. */
static void splice(reducing *of, const char *at, const char *text, const char *behind) {
  copy(of, of->run, at);
  put(of, text, strlen(text));
  of->run = behind;
}

/* --- the tag --- */

/* From an opener, or from behind an item, to the next item. False: there is none, and a closer
   stands here. */
static bool next_item(fhx__raw *raw) {
  if (raw->at < raw->end && *raw->at != ']' && *raw->at != '}') raw->at++;
  return raw->at < raw->end && *raw->at != ']' && *raw->at != '}';
}

static bool read_key(fhx__raw *raw, fhx__raw_string *key) {
  if (!fhx__raw_read_string(raw, key) || raw->at == raw->end) return false;
  raw->at++;
  return true;
}

static bool is_text(fhx__raw raw, const char *text, size_t len) {
  fhx__raw_string string = {NULL, 0, false};
  return fhx__raw_read_string(&raw, &string) && fhx__raw_equals(string, text, len);
}

/* Passes a Coding. Whether it is the tag. */
static bool pass_coding(fhx__raw *raw) {
  fhx__raw inside = *raw;
  fhx__raw_string key = {NULL, 0, false};
  bool has_system = false, has_code = false;
  fhx__raw_skip_value(raw);
  if (*inside.at != '{') return false;
  for (; next_item(&inside) && read_key(&inside, &key); fhx__raw_skip_value(&inside)) {
    if (fhx__raw_equals(key, "system", 6)) {
      has_system = is_text(inside, TAG_SYSTEM, sizeof TAG_SYSTEM - 1);
    } else if (fhx__raw_equals(key, "code", 4)) {
      has_code = is_text(inside, TAG_CODE, sizeof TAG_CODE - 1);
    }
  }
  return has_system && has_code;
}

/* Adds the tag to the list of tags that begins here, unless it is there. */
static void tag_list(reducing *of, const char *list, const char *end) {
  fhx__raw raw = {list, end};
  if (*list != '[') {
    fhx__raw_skip_value(&raw);
    splice(of, list, TAG_LIST, raw.at);
    return;
  }
  bool is_empty = true;
  for (; next_item(&raw); is_empty = false) {
    if (pass_coding(&raw)) return;
  }
  splice(of, raw.at, is_empty ? TAG : "," TAG, raw.at);
}

/* Adds the tag to the meta whose value stands here; its list of tags is at `list`, if any. */
static void tag_meta(reducing *of, const char *value, const char *end, const char *list) {
  of->has_meta = true;
  if (*value != '{') {
    splice(of, value, META, end);
  } else if (list != NULL) {
    tag_list(of, list, end);
  } else {
    splice(of, end - 1, end - 1 == value + 1 ? TAG_MEMBER : "," TAG_MEMBER, end - 1);
  }
}

static bool is_tag_key(const char *key, size_t len) {
  const fhx__raw_string string = {key, len, true};
  return (*key == 't' || *key == '\\') && fhx__raw_equals(string, "tag", 3);
}

/* --- members --- */

/* Takes the member from its opening quote, at `begin`, to `end`. */
static fhx__fate take_member(reducing *of, const char *begin, size_t key_len, const char *end) {
  fhx__fate fate = fhx__kept_fate(of->kept, begin + 1, key_len);
  if (fate == FHX__FATE_DROPPED) {
    end_run(of);
    return fate;
  }
  if (of->run == NULL) {
    begin_member(of);
    of->run = begin;
  }
  of->run_end = end;
  return fate;
}

static const char *value_of(const char *line, const fhx__key *key) {
  return line + key->begin + key->len + 3;
}

/* Of several lists of tags the last counts, as most readers have it. */
static void take_noted(reducing *of, const char *line, size_t len, const fhx__keys *keys) {
  for (size_t i = 0, next = 0; i < keys->count; i = next) {
    const fhx__key *key = &keys->at[i];
    const char *list = NULL;
    for (next = i + 1; next < keys->count && keys->at[next].depth != 1; next++) {
      const fhx__key *inner = &keys->at[next];
      if (is_tag_key(line + inner->begin + 1, inner->len)) list = value_of(line, inner);
    }
    const char *end = line + (next < keys->count ? keys->at[next].begin : len) - 1;
    if (take_member(of, line + key->begin, key->len, end) == FHX__FATE_META) {
      tag_meta(of, value_of(line, key), end, list);
    }
  }
}

static const char *find_list(const char *meta, const char *end) {
  fhx__raw raw = {meta, end};
  fhx__raw_string key = {NULL, 0, false};
  const char *list = NULL;
  if (*meta != '{') return NULL;
  for (; next_item(&raw) && read_key(&raw, &key); fhx__raw_skip_value(&raw)) {
    if (fhx__raw_equals(key, "tag", 3)) list = raw.at;
  }
  return list;
}

static void take_all(reducing *of, const char *line, size_t len) {
  fhx__raw raw = {line, line + len};
  fhx__raw_string key = {NULL, 0, false};
  while (next_item(&raw) && read_key(&raw, &key)) {
    const char *value = raw.at;
    fhx__raw_skip_value(&raw);
    if (take_member(of, key.text - 1, key.len, raw.at) == FHX__FATE_META) {
      tag_meta(of, value, raw.at, find_list(value, raw.at));
    }
  }
}

int32_t fhx__reduce(const fhx__kept *kept, const char *line, size_t len, const fhx__keys *keys,
                    fhx__buffer *out) {
  reducing of = {.kept = kept, .end = line + len};
  out->len = 0;
  if (fhx__buffer_reserve(out, len + ROOM) != FHX_OK) return FHX_ERR_NO_MEMORY;
  of.to = out->data;
  *of.to++ = '{';
  if (keys != NULL && keys->count <= FHX__KEYS_MAX) {
    take_noted(&of, line, len, keys);
  } else {
    take_all(&of, line, len);
  }
  end_run(&of);
  if (!of.has_meta) {
    begin_member(&of);
    put(&of, META_MEMBER, sizeof META_MEMBER - 1);
  }
  *of.to++ = '}';
  out->len = (size_t)(of.to - out->data);
  return FHX_OK;
}
