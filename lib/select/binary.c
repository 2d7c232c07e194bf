/* What a Binary says of itself, and whose it is. */
#include "select/binary.h"

#include <string.h>

static const fhx__raw_string absent = {NULL, 0, false};

static bool equals(fhx__raw_string key, const char *name) {
  return fhx__raw_equals(key, name, strlen(name));
}

/* Passes white space and these characters. */
static void pass(fhx__raw *raw, const char *characters) {
  while (raw->at < raw->end && *raw->at != '\0' &&
         (strchr(" \t\r\n", *raw->at) != NULL || strchr(characters, *raw->at) != NULL)) {
    raw->at++;
  }
}

/* Reads the next key of the object that `raw` is in, and moves to its value. False: its end. */
static bool next_member(fhx__raw *raw, fhx__raw_string *key) {
  pass(raw, "{,");
  if (!fhx__raw_read_string(raw, key)) return false;
  pass(raw, ":");
  return raw->at < raw->end;
}

/* The text of a value of any kind. It is passed by its quotes, which is fast: data may be long. */
static fhx__raw_string take_value(fhx__raw *raw) {
  const char *begin = raw->at;
  fhx__raw_skip_value(raw);
  return (fhx__raw_string){begin, (size_t)(raw->at - begin), false};
}

/* Only a string has a text between quotes. */
static fhx__raw_string take_string(fhx__raw *raw) {
  fhx__raw_string value = take_value(raw);
  if (value.len < 2 || *value.text != '"') return absent;
  value.text++;
  value.len -= 2;
  value.has_escape = memchr(value.text, '\\', value.len) != NULL;
  return value;
}

static void read_meta(fhx__raw_string value, fhx__binary *binary) {
  fhx__raw raw = {value.text, value.text + value.len};
  fhx__raw_string key;
  if (*value.text != '{') return;
  while (next_member(&raw, &key)) {
    if (equals(key, "lastUpdated")) {
      binary->last_updated = take_string(&raw);
    } else if (equals(key, "security")) {
      binary->security_labels = take_value(&raw);
    } else {
      fhx__raw_skip_value(&raw);
    }
  }
}

static void read_security(fhx__raw_string value, fhx__binary *binary) {
  fhx__raw raw = {value.text, value.text + value.len};
  fhx__raw_string key;
  if (*value.text != '{') return;
  while (next_member(&raw, &key)) {
    if (equals(key, "reference")) {
      binary->security_reference = take_string(&raw);
    } else {
      fhx__raw_skip_value(&raw);
    }
  }
}

void fhx__binary_read(const char *text, size_t len, fhx__binary *binary) {
  fhx__raw raw = {text, text + len};
  fhx__raw_string key;
  *binary = (fhx__binary){absent, absent, absent, absent, absent};
  while (next_member(&raw, &key)) {
    if (equals(key, "contentType")) {
      binary->content_type = take_string(&raw);
    } else if (equals(key, "data")) {
      binary->data = take_string(&raw);
    } else if (equals(key, "meta")) {
      read_meta(take_value(&raw), binary);
    } else if (equals(key, "securityContext")) {
      read_security(take_value(&raw), binary);
    } else {
      fhx__raw_skip_value(&raw);
    }
  }
}

bool fhx__binary_patient(const fhx__binary *binary, const char *base_url,
                         char id[FHX__ID_MAX + 1]) {
  size_t len = 0;
  return binary->security_reference.text != NULL &&
         fhx__reference_patient(binary->security_reference, base_url, id, &len);
}

bool fhx__is_patients_binary(const char *resource_type, const char *text, size_t len,
                             const char *base_url) {
  fhx__binary binary;
  char id[FHX__ID_MAX + 1];
  if (strcmp(resource_type, "Binary") != 0) return false;
  fhx__binary_read(text, len, &binary);
  return fhx__binary_patient(&binary, base_url, id);
}
