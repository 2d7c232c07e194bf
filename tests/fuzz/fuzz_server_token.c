/*
 * A token request as the example server reads it. Lines: the scopes that a client is registered
 * for, those that it asks for, and the form. A second reading says what the form holds, by decoding
 * each pair into a place of its own; and what scopes give, by looking for each of the texts that
 * give it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#include "smart_form.h"
#include "smart_scopes.h"
#include "types.h"
/* clang-format on */

#define FIELD_COUNT 3
#define RIGHT_COUNT 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

/* --- forms --- */

/* How many hexadecimal digits stand at the beginning, of two. */
static int digits(const char *text, size_t len) {
  int count = 0;
  while (count < 2 && (size_t)count < len &&
         strchr("0123456789abcdefABCDEF", text[count]) != NULL && text[count] != '\0') {
    count++;
  }
  return count;
}

/* False: it is no text. */
static bool decode(const char *raw, size_t len, char *decoded) {
  size_t used = 0;
  for (size_t at = 0; at < len; at++, used++) {
    char byte[3] = {0, 0, 0};
    decoded[used] = raw[at] == '+' ? ' ' : raw[at];
    if (raw[at] == '%') {
      if (digits(raw + at + 1, len - at - 1) != 2) return false;
      memcpy(byte, raw + at + 1, 2);
      decoded[used] = (char)strtol(byte, NULL, 16);
      at += 2;
    }
    if ((unsigned char)decoded[used] < 0x20 || decoded[used] == 0x7f) return false;
  }
  decoded[used] = '\0';
  return is_utf8(decoded, used);
}

struct second {
  bool is_form;
  size_t count[FIELD_COUNT];
  char *first[FIELD_COUNT];
};

static void read_pair(const char *pair, size_t len, const struct smart_field *fields,
                      struct second *read) {
  const char *equals = memchr(pair, '=', len);
  size_t name_len = equals == NULL ? len : (size_t)(equals - pair);
  size_t value_len = equals == NULL ? 0 : len - name_len - 1;
  char *name = malloc(len + 1), *value = malloc(len + 1);
  must(name != NULL && value != NULL, "there is memory");
  if (!decode(pair, name_len, name) || !decode(pair + len - value_len, value_len, value)) {
    read->is_form = false;
    *name = '\0';
  }
  for (size_t i = 0; read->is_form && i < FIELD_COUNT; i++) {
    if (strcmp(name, fields[i].name) != 0 || *value == '\0') continue;
    if (read->count[i]++ == 0) read->first[i] = strdup(value);
  }
  free(name);
  free(value);
}

static void check_form(const char *text, size_t len) {
  struct smart_field fields[FIELD_COUNT] = {
      {"scope", NULL, false}, {"client_assertion", NULL, false}, {"grant_type", NULL, false}};
  struct second read = {.is_form = true};
  char *body = malloc(len + 1);
  must(body != NULL, "there is memory");
  memcpy(body, text, len);
  body[len] = '\0';
  for (size_t begin = 0; begin < len;) {
    size_t end = begin;
    while (end < len && text[end] != '&') end++;
    read_pair(text + begin, end - begin, fields, &read);
    begin = end + 1;
  }
  must(smart_form_read(body, len, fields, FIELD_COUNT) == read.is_form, "it is a form for both");
  for (size_t i = 0; i < FIELD_COUNT; i++) {
    if (read.is_form) {
      must((fields[i].value != NULL) == (read.count[i] > 0), "a field is there for both");
      must(fields[i].is_repeated == (read.count[i] > 1), "or there twice");
      must(read.count[i] == 0 || strcmp(fields[i].value, read.first[i]) == 0, "with one value");
    }
    free(read.first[i]);
  }
  free(body);
}

/* --- scopes --- */

/* Whether a text is one of those between spaces. */
static bool has(const char *text, const char *wanted) {
  size_t len = strlen(wanted);
  for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++) {
    if ((at == text || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) return true;
  }
  return false;
}

/* By every scope there is that has that letter. */
static bool gives(const char *text, const char *type, unsigned right) {
  static const char letters[] = "cruds";
  const bool is_read = 1u << right == SMART_READ || 1u << right == SMART_SEARCH;
  char scope[100];
  snprintf(scope, sizeof scope, "system/%s.%s", type, is_read ? "read" : "write");
  if (has(text, scope)) return true;
  snprintf(scope, sizeof scope, "system/%s.*", type);
  if (has(text, scope)) return true;
  for (unsigned set = 1; set < 1u << RIGHT_COUNT; set++) {
    if ((set & 1u << right) == 0) continue;
    int len = snprintf(scope, sizeof scope, "system/%s.", type);
    for (unsigned i = 0; i < RIGHT_COUNT; i++) {
      if ((set & 1u << i) != 0) scope[len++] = letters[i];
    }
    scope[len] = '\0';
    if (has(text, scope)) return true;
  }
  return false;
}

static const char *const types[] = {"Account", "Basic", "Observation", "Patient",
                                    "VisionPrescription"};
#define TYPE_COUNT (sizeof types / sizeof *types)

static void check_reading(const char *text, const struct smart_scopes *scopes) {
  must(!smart_scopes_allow(scopes, "Nonsense", SMART_READ) || (scopes->all & SMART_READ) != 0,
       "what is no type has what all have");
  for (unsigned right = 0; right < RIGHT_COUNT; right++) {
    bool for_all = gives(text, "*", right);
    must(smart_scopes_allow(scopes, "*", 1u << right) == for_all, "a right on all is for both");
    for (size_t i = 0; i < TYPE_COUNT; i++) {
      must(smart_scopes_allow(scopes, types[i], 1u << right) ==
               (for_all || gives(text, types[i], right)),
           "a right on a type is one for both readings");
    }
  }
}

static void check_list(const struct smart_scopes *scopes) {
  struct text list = {NULL, 0, 0, false};
  smart_scopes_list(scopes, SMART_EXPORT, &list);
  for (size_t i = 0; list.data != NULL && i < list.len; i++) {
    if (list.data[i] == ',') list.data[i] = ' ';
  }
  for (size_t i = 0; i < TYPE_COUNT; i++) {
    must((list.data != NULL && has(list.data, types[i])) ==
             smart_scopes_allow(scopes, types[i], SMART_EXPORT),
         "what can be exported is listed");
  }
  text_free(&list);
}

static void check_scopes(const char *registered, const char *asked) {
  struct smart_scopes has_scopes, asks, both, again;
  struct text written = {NULL, 0, 0, false};
  smart_scopes_read(registered, &has_scopes);
  smart_scopes_read(asked, &asks);
  check_reading(registered, &has_scopes);
  check_reading(asked, &asks);
  smart_scopes_meet(&asks, &has_scopes, &both);
  for (size_t i = 0; i <= TYPE_COUNT; i++) {
    const char *type = i < TYPE_COUNT ? types[i] : "*";
    for (unsigned right = 1; right <= SMART_ALL; right <<= 1) {
      must(smart_scopes_allow(&both, type, right) == (smart_scopes_allow(&asks, type, right) &&
                                                      smart_scopes_allow(&has_scopes, type, right)),
           "what is granted is asked for and registered");
    }
  }
  check_list(&both);
  smart_scopes_write(&both, &written);
  must((written.len == 0) == smart_scopes_are_none(&both), "nothing is written of nothing");
  smart_scopes_read(written.data == NULL ? "" : written.data, &again);
  for (size_t i = 0; i < resource_type_count; i++) {
    must((again.types[i] | again.all) == (both.types[i] | both.all), "it can be read again");
  }
  text_free(&written);
}

/* --- */

/* The next line, without its end; `*data` goes behind it. To be freed. */
static char *take_line(const uint8_t **data, size_t *size) {
  const uint8_t *feed = *size == 0 ? NULL : memchr(*data, '\n', *size);
  size_t len = feed == NULL ? *size : (size_t)(feed - *data);
  char *line = malloc(len + 1);
  must(line != NULL, "there is memory");
  if (len > 0) memcpy(line, *data, len);
  line[len] = '\0';
  *data += feed == NULL ? len : len + 1;
  *size -= feed == NULL ? len : len + 1;
  return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *registered = take_line(&data, &size);
  char *asked = take_line(&data, &size);
  check_scopes(registered, asked);
  check_form((const char *)data, size);
  free(asked);
  free(registered);
  return 0;
}
