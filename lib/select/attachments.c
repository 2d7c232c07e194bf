/*
 * The URLs of the Attachments in a resource.
 *
 * No object says of which type it is; the key that holds it, or holds the array it is in, does. In
 * R4, R4B and R5 the elements of type Attachment are those of `names` below and those whose key
 * ends in "Attachment": every choice of types (valueAttachment, contentAttachment,
 * sourceAttachment ...), legallyBindingAttachment and sequenceAttachment.
 *
 * The same keys also hold other things: `form` a CodeableConcept, `content` a BackboneElement or a
 * Reference, `document` a BackboneElement or a Reference. None of those has a `url` of its own.
 * What is meant to be seen so:
 * - only a string counts that stands directly in the Attachment, so not the `url` of an extension
 *   in it, nor `_url`;
 * - if `url` stands there twice, both are given;
 * - an extension is no Attachment, but its valueAttachment is;
 * - elements of resources that FHIR does not define count by the same keys.
 */
#include "select/attachments.h"

#include <string.h>

#include "ndjson/scan.h"

/* What a level is; 0 for an object that is none. */
#define LEVEL_ARRAY 1
/* An Attachment, or an array of them. */
#define LEVEL_ATTACHMENT 2

typedef struct walk {
  fhx__raw raw;
  size_t depth;
  unsigned char levels[FHX__DEPTH_MAX + 1];
  fhx__attachment_callback callback;
  void *context;
} walk;

static bool equals(fhx__raw_string key, const char *name) {
  return fhx__raw_equals(key, name, strlen(name));
}

/* Of a key that is spelt with escapes the last bytes are kept. */
static bool ends_in_suffix(fhx__raw_string key) {
  static const char suffix[] = "Attachment";
  char last[sizeof suffix - 1] = {0};
  fhx__raw inside = {key.text, key.text + key.len};
  size_t len = 0;
  if (!key.has_escape) {
    return key.len > sizeof last &&
           memcmp(key.text + key.len - sizeof last, suffix, sizeof last) == 0;
  }
  for (int byte = fhx__raw_next_byte(&inside); byte >= 0; byte = fhx__raw_next_byte(&inside)) {
    memmove(last, last + 1, sizeof last - 1);
    last[sizeof last - 1] = (char)byte;
    len++;
  }
  return len > sizeof last && memcmp(last, suffix, sizeof last) == 0;
}

static bool holds_attachment(fhx__raw_string key) {
  static const char *const names[] = {
      "attachment",    /* DocumentReference.content, SubstancePolymer, SubstanceSpecification */
      "content",       /* Media, Library */
      "document",      /* RelatedArtifact, Citation */
      "form",          /* ClaimResponse, ExplanationOfBenefit */
      "formatted",     /* MolecularSequence */
      "image",         /* BodyStructure, ProdCharacteristic */
      "photo",         /* Patient, Person, Practitioner, RelatedPerson, HealthcareService */
      "presentedForm", /* DiagnosticReport */
  };
  if (ends_in_suffix(key)) return true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (equals(key, names[i])) return true;
  }
  return false;
}

static bool enter(walk *at, unsigned char level) {
  /* No text that the scanner has accepted is deeper. */
  if (at->depth == FHX__DEPTH_MAX) return false;
  at->levels[++at->depth] = level;
  at->raw.at++;
  return true;
}

/* Enters the object or array that begins here, or passes the value. False: the walk is over. */
static bool take_value(walk *at, unsigned char attachment) {
  if (*at->raw.at == '{') return enter(at, attachment);
  if (*at->raw.at == '[') return enter(at, attachment | LEVEL_ARRAY);
  fhx__raw_skip_value(&at->raw);
  return true;
}

static bool take_member(walk *at, bool *going) {
  fhx__raw_string key, url;
  if (!fhx__raw_read_string(&at->raw, &key)) return false;
  if (at->raw.at == at->raw.end || *at->raw.at != ':' || ++at->raw.at == at->raw.end) return false;
  if (*at->raw.at == '"') {
    if ((at->levels[at->depth] & LEVEL_ATTACHMENT) == 0 || !equals(key, "url")) {
      fhx__raw_skip_value(&at->raw);
      return true;
    }
    *going = fhx__raw_read_string(&at->raw, &url) && at->callback(at->context, url);
    return *going;
  }
  return take_value(at, holds_attachment(key) ? LEVEL_ATTACHMENT : 0);
}

/* Whether there can be one: its key stands there, or is spelt with escapes. Most resources have
   none, and end here. */
static bool may_have_url(const char *line, size_t len) {
  static const char key[] = "\"url\":\"", escape[] = "\\u";
  return memmem(line, len, key, sizeof key - 1) != NULL ||
         memmem(line, len, escape, sizeof escape - 1) != NULL;
}

bool fhx__attachments_walk(const char *line, size_t len, fhx__attachment_callback callback,
                           void *context) {
  if (!may_have_url(line, len)) return true;
  walk at = {.raw = {line, line + len}, .callback = callback, .context = context};
  bool going = true, inside = true;
  while (inside && at.raw.at < at.raw.end) {
    unsigned char level = at.levels[at.depth];
    char c = *at.raw.at;
    if (c == ',') {
      at.raw.at++;
    } else if (c == '}' || c == ']') {
      inside = at.depth > 0;
      if (inside) at.depth--;
      at.raw.at++;
    } else if (at.depth == 0 || (level & LEVEL_ARRAY) != 0) {
      inside = take_value(&at, level & LEVEL_ATTACHMENT);
    } else {
      inside = take_member(&at, &going);
    }
  }
  return going;
}
