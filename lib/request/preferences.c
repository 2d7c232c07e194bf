/* The headers of a kick-off: Accept (RFC 9110, section 12.5.1), Prefer (RFC 7240), Content-Type;
   and that of a download: Accept-Encoding (RFC 9110, section 12.5.3). */
#include <string.h>

#include "request/request.h"
#include "request/span.h"

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* Without case; `word` is in lower case. */
static bool is_word(fhx__span text, const char *word) {
  size_t i = 0;
  for (; i < text.len && word[i] != '\0' && lower(text.text[i]) == word[i]; i++) continue;
  return i == text.len && word[i] == '\0';
}

static fhx__span trimmed(fhx__span text) {
  while (text.len > 0 && is_blank(text.text[0])) text = (fhx__span){text.text + 1, text.len - 1};
  while (text.len > 0 && is_blank(text.text[text.len - 1])) text.len--;
  return text;
}

/*
 * Takes what is before the next separator, without the blanks around it; false when nothing is
 * left. A separator in a quoted string does not divide.
 */
static bool next_part(fhx__span *rest, char separator, fhx__span *part) {
  bool is_quoted = false;
  size_t i = 0;
  if (rest->text == NULL) return false;
  for (; i < rest->len; i++) {
    char c = rest->text[i];
    if (c == separator && !is_quoted) break;
    if (c == '"') is_quoted = !is_quoted;
    if (c == '\\' && is_quoted && i + 1 < rest->len) i++;
  }
  *part = trimmed((fhx__span){rest->text, i});
  *rest =
      i == rest->len ? (fhx__span){NULL, 0} : (fhx__span){rest->text + i + 1, rest->len - i - 1};
  return true;
}

/* Divides `name = value`; a value that is missing is empty. */
static void split_pair(fhx__span part, fhx__span *name, fhx__span *value) {
  fhx__span rest = part;
  *value = (fhx__span){"", 0};
  *name = *value;
  next_part(&rest, '=', name);
  if (rest.text != NULL) *value = trimmed(rest);
}

/* Whether a value, a token or a quoted string, says this word of lower-case letters or nothing. */
static bool says(fhx__span value, const char *word) {
  if (value.len == 0 || value.text[0] != '"') return is_word(value, word);
  size_t at = 1;
  for (; at < value.len && value.text[at] != '"'; at++) {
    if (value.text[at] == '\\') at++;
    if (at >= value.len || *word == '\0' || lower(value.text[at]) != *word++) return false;
  }
  return *word == '\0' && at + 1 == value.len;
}

/* --- Prefer --- */

/* One preference; of one that is given again only the first counts. */
static void read_preference(fhx__span part, fhx__preferences *preferences, bool *has_handling) {
  fhx__span rest = part, first = {NULL, 0}, name = {NULL, 0}, value = {NULL, 0};
  next_part(&rest, ';', &first);
  split_pair(first, &name, &value);
  if (is_word(name, "respond-async") && says(value, "")) preferences->respond_async = true;
  if (is_word(name, "separate-export-status") && says(value, "")) {
    preferences->separate_export_status = true;
  }
  if (is_word(name, "handling") && !*has_handling) {
    *has_handling = true;
    preferences->handling_lenient = says(value, "lenient");
  }
}

/* --- Accept --- */

/* What the ranges say of one media type: the most specific of those that match decide. */
typedef struct admission {
  const char *media_type;
  int specificity;
  bool is_admitted;
} admission;

/* Whether a quality is 0; what is not one, and `.5`, admit. */
static bool is_zero(fhx__span quality) {
  bool has_digit = false;
  for (size_t i = 0; i < quality.len; i++) {
    if (quality.text[i] != '0' && quality.text[i] != '.') return false;
    has_digit = has_digit || quality.text[i] == '0';
  }
  return has_digit;
}

/* 0: does not match. A bare star is what some clients send for all. */
static int specificity(fhx__span range, const char *media_type) {
  if (is_word(range, media_type)) return 3;
  if (is_word(range, "application/*")) return 2;
  return is_word(range, "*/*") || is_word(range, "*") ? 1 : 0;
}

/* One range with its parameters, of which only q counts. */
static void read_range(fhx__span part, admission admissions[2]) {
  fhx__span rest = part, range = {NULL, 0}, parameter = {NULL, 0}, name = {NULL, 0},
            value = {NULL, 0};
  bool is_excluded = false;
  next_part(&rest, ';', &range);
  while (next_part(&rest, ';', &parameter)) {
    split_pair(parameter, &name, &value);
    if (is_word(name, "q")) is_excluded = is_zero(value);
  }
  for (int i = 0; i < 2; i++) {
    int matched = specificity(range, admissions[i].media_type);
    if (matched == 0 || matched < admissions[i].specificity) continue;
    bool is_level = matched == admissions[i].specificity;
    admissions[i].is_admitted = !is_excluded || (is_level && admissions[i].is_admitted);
    admissions[i].specificity = matched;
  }
}

/* --- both --- */

static bool is_named(const char *header, const char *name) {
  size_t i = 0;
  if (header == NULL) return false;
  for (; name[i] != '\0' && lower(header[i]) == lower(name[i]); i++) continue;
  return name[i] == '\0' && header[i] == '\0';
}

int32_t fhx__preferences_read(const char *const *headers, size_t header_count,
                              fhx__preferences *preferences, fhx__problem *problem) {
  admission admissions[2] = {{"application/fhir+json", 0, false}, {"application/json", 0, false}};
  bool has_handling = false, has_range = false;
  *preferences = (fhx__preferences){false, false, false};
  for (size_t i = 0; i < header_count; i++) {
    const char *value = headers[2 * i + 1] == NULL ? "" : headers[2 * i + 1];
    bool is_accept = is_named(headers[2 * i], "Accept");
    fhx__span rest = {value, strlen(value)}, part = {NULL, 0};
    if (!is_accept && !is_named(headers[2 * i], "Prefer")) continue;
    while (next_part(&rest, ',', &part)) {
      if (part.len == 0) continue;
      if (is_accept) {
        has_range = true;
        read_range(part, admissions);
      } else {
        read_preference(part, preferences, &has_handling);
      }
    }
  }
  if (has_range && !admissions[0].is_admitted && !admissions[1].is_admitted) {
    return fhx__refuse(problem, 406, "not-supported",
                       "Accept: the answer is application/fhir+json; ask for that, for "
                       "application/json or */*, or leave the header out");
  }
  return FHX_OK;
}

/* Parameters other than the charset (fhirVersion, say) do not change how the body is read. */
static bool is_json_type(fhx__span value) {
  fhx__span rest = value, type = {NULL, 0}, parameter = {NULL, 0}, name = {NULL, 0}, is = {NULL, 0};
  next_part(&rest, ';', &type);
  if (!is_word(type, "application/fhir+json") && !is_word(type, "application/json")) return false;
  while (next_part(&rest, ';', &parameter)) {
    split_pair(parameter, &name, &is);
    if (is_word(name, "charset") && !says(is, "utf-8")) return false;
  }
  return true;
}

int32_t fhx__content_type_check(const char *const *headers, size_t header_count,
                                fhx__problem *problem) {
  bool is_json = false;
  for (size_t i = 0; i < header_count; i++) {
    if (!is_named(headers[2 * i], "Content-Type")) continue;
    const char *value = headers[2 * i + 1] == NULL ? "" : headers[2 * i + 1];
    is_json = is_json_type((fhx__span){value, strlen(value)});
    if (!is_json) break;
  }
  if (is_json) return FHX_OK;
  return fhx__refuse(problem, 415, "not-supported",
                     "Content-Type: the body is a Parameters resource in JSON and UTF-8; send it "
                     "as application/fhir+json or application/json");
}

/* --- Accept-Encoding --- */

#define QUALITY_MAX 1000
#define QUALITY_NOT_GIVEN (-1)

/* The qualities of gzip, identity and the star, in thousandths. */
typedef struct coding_qualities {
  int gzip;
  int identity;
  int star;
} coding_qualities;

/* What is not a quality admits. */
static int read_quality(fhx__span text) {
  int quality = 0, unit = QUALITY_MAX / 10;
  if (text.len == 0 || text.text[0] != '0') return QUALITY_MAX;
  if (text.len > 1 && text.text[1] != '.') return QUALITY_MAX;
  for (size_t i = 2; i < text.len; i++, unit /= 10) {
    char c = text.text[i];
    if (c < '0' || c > '9') return QUALITY_MAX;
    quality += (c - '0') * unit;
  }
  return quality;
}

static void read_coding(fhx__span part, coding_qualities *qualities) {
  fhx__span rest = part, coding = {NULL, 0}, parameter = {NULL, 0}, name = {NULL, 0},
            value = {NULL, 0};
  int quality = QUALITY_MAX;
  next_part(&rest, ';', &coding);
  while (next_part(&rest, ';', &parameter)) {
    split_pair(parameter, &name, &value);
    if (is_word(name, "q")) quality = read_quality(value);
  }
  /* x-gzip is its older name (RFC 9110, 8.4.1.3). */
  if (is_word(coding, "gzip") || is_word(coding, "x-gzip")) qualities->gzip = quality;
  if (is_word(coding, "identity")) qualities->identity = quality;
  if (is_word(coding, "*")) qualities->star = quality;
}

/* Identity is admitted unless it is excluded, but below what is named. */
static fhx__coding choose_coding(coding_qualities given) {
  int gzip = given.gzip != QUALITY_NOT_GIVEN ? given.gzip : given.star;
  int identity = given.identity != QUALITY_NOT_GIVEN ? given.identity : given.star;
  if (gzip > 0 && gzip >= identity) return FHX__CODING_GZIP;
  return identity != 0 ? FHX__CODING_IDENTITY : FHX__CODING_NONE;
}

fhx__coding fhx__coding_read(const char *const *headers, size_t header_count) {
  coding_qualities qualities = {QUALITY_NOT_GIVEN, QUALITY_NOT_GIVEN, QUALITY_NOT_GIVEN};
  for (size_t i = 0; i < header_count; i++) {
    const char *value = headers[2 * i + 1] == NULL ? "" : headers[2 * i + 1];
    fhx__span rest = {value, strlen(value)}, part = {NULL, 0};
    if (!is_named(headers[2 * i], "Accept-Encoding")) continue;
    while (next_part(&rest, ',', &part)) read_coding(part, &qualities);
  }
  return choose_coding(qualities);
}

const char *fhx__header(const char *const *headers, size_t header_count, const char *name) {
  for (size_t i = 0; i < header_count; i++) {
    if (is_named(headers[2 * i], name)) return headers[2 * i + 1];
  }
  return NULL;
}
