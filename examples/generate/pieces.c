/* What several types of resource have in common. */
#include "pieces.h"

#include <string.h>

#define KEY_PERSON 2048
#define HL7_TERMINOLOGY "http://terminology.hl7.org/CodeSystem/"

struct person person_of(uint64_t seed, resource_type type, uint32_t number) {
  random_state random = random_for(seed, KEY_PERSON + (uint64_t)type, number);
  struct person person = {.culture = &cultures[random_below(&random, CULTURE_COUNT)]};
  person.family = person.culture->families[random_below(&random, NAME_COUNT)];
  person.is_woman = random_chance(&random, 51);
  uint32_t given = random_below(&random, NAME_COUNT);
  person.given = person.is_woman ? person.culture->women[given] : person.culture->men[given];
  return person;
}

void begin_resource(struct resource *resource, resource_type type, const char *id,
                    random_state *random, int64_t event_us) {
  json_text *json = &resource->json;
  const instant_form *form = &instant_forms[0];
  if (random_chance(random, 40)) form = &instant_forms[random_below(random, INSTANT_FORM_COUNT)];
  resource->type = type;
  memcpy(resource->id, id, strlen(id) + 1);
  resource->updated_us = instant_floor(event_us + random_between(random, 0, 30 * DAY_US), form);
  json_begin(json, resource->layout);
  json->escape_unicode = random_chance(random, 8);
  json->escape_slash = random_chance(random, 5);
  json_open(json, NULL);
  json_string(json, "resourceType", type_names[type]);
  json_string(json, "id", id);
  json_open(json, "meta");
  json_string(json, "versionId", random_chance(random, 80) ? "1" : "2");
  add_instant(json, "lastUpdated", resource->updated_us, form);
  json_close(json);
}

void end_resource(struct resource *resource) {
  json_close(&resource->json);
}

static void add_reference_string(json_text *json, resource_type type, const char *id) {
  json_string_begin(json, "reference");
  json_string_add(json, type_names[type]);
  json_string_add(json, "/");
  json_string_add(json, id);
  json_string_end(json);
}

void add_reference(json_text *json, const char *key, resource_type type, const char *id) {
  json_open(json, key);
  add_reference_string(json, type, id);
  json_close(json);
}

void add_person_reference(json_text *json, const char *key, uint64_t seed, resource_type type,
                          const char *id, uint32_t number) {
  struct person person = person_of(seed, type, number);
  json_open(json, key);
  add_reference_string(json, type, id);
  json_string_begin(json, "display");
  json_string_add(json, person.given);
  json_string_add(json, " ");
  json_string_add(json, person.family);
  json_string_end(json);
  json_close(json);
}

void add_organization_reference(json_text *json, const char *key, uint64_t seed, uint32_t number) {
  char id[ID_TEXT_MAX];
  plan_id(id, seed, TYPE_ORGANIZATION, number, 0);
  add_reference(json, key, TYPE_ORGANIZATION, id);
}

void add_practitioner_reference(json_text *json, const char *key, uint64_t seed, uint32_t number) {
  char id[ID_TEXT_MAX];
  plan_id(id, seed, TYPE_PRACTITIONER, number, 0);
  add_person_reference(json, key, seed, TYPE_PRACTITIONER, id, number);
}

void add_concept(json_text *json, const char *key, const char *system, const struct code *code,
                 bool text) {
  json_open(json, key);
  json_open_array(json, "coding");
  json_open(json, NULL);
  json_string(json, "system", system);
  json_string(json, "code", code->code);
  json_string(json, "display", code->display);
  json_close(json);
  json_close_array(json);
  if (text) json_string(json, "text", code->display);
  json_close(json);
}

void add_status_concept(json_text *json, const char *key, const char *system_name,
                        const char *value) {
  json_open(json, key);
  json_open_array(json, "coding");
  json_open(json, NULL);
  json_string_begin(json, "system");
  json_string_add(json, HL7_TERMINOLOGY);
  json_string_add(json, system_name);
  json_string_end(json);
  json_string(json, "code", value);
  json_close(json);
  json_close_array(json);
  json_close(json);
}

void add_identifier(json_text *json, const char *system, const char *value) {
  json_open(json, NULL);
  json_string(json, "system", system);
  json_string(json, "value", value);
  json_close(json);
}

void add_human_name(json_text *json, const struct person *person, const char *prefix) {
  json_open(json, NULL);
  json_string(json, "use", "official");
  json_string(json, "family", person->family);
  json_open_array(json, "given");
  json_string(json, NULL, person->given);
  json_close_array(json);
  if (prefix != NULL) {
    json_open_array(json, "prefix");
    json_string(json, NULL, prefix);
    json_close_array(json);
  }
  json_close(json);
}

void add_instant(json_text *json, const char *key, int64_t time_us, const instant_form *form) {
  char text[INSTANT_TEXT_MAX];
  instant_text(text, time_us, form);
  json_string(json, key, text);
}

void add_date(json_text *json, const char *key, int64_t time_us) {
  char text[INSTANT_TEXT_MAX];
  date_text(text, time_us);
  json_string(json, key, text);
}

void add_period(json_text *json, const char *key, int64_t start_us, int64_t end_us) {
  static const instant_form form = {0, 60};
  json_open(json, key);
  add_instant(json, "start", start_us, &form);
  add_instant(json, "end", end_us, &form);
  json_close(json);
}

/* Writes the digits of `value`, at least `least` of them, and says how many. */
static size_t put_digits(char *at, uint64_t value, size_t least) {
  size_t count = 1;
  for (uint64_t rest = value; rest >= 10; rest /= 10) count++;
  if (count < least) count = least;
  for (size_t i = count; i-- > 0;) {
    at[i] = (char)('0' + value % 10);
    value /= 10;
  }
  return count;
}

/* Moves the last `behind` of `len` digits one place on and puts the point before them. */
static size_t put_point(char *at, size_t len, size_t behind) {
  memmove(at + len - behind + 1, at + len - behind, behind);
  at[len - behind] = '.';
  return len + 1;
}

void decimal_text(char text[DECIMAL_TEXT_MAX], int64_t scaled, int32_t digits) {
  size_t behind = (size_t)digits;
  size_t len = put_digits(text, (uint64_t)scaled, behind + 1);
  if (behind > 0) len = put_point(text, len, behind);
  text[len] = '\0';
}

void scientific_text(char text[DECIMAL_TEXT_MAX], int64_t scaled, int32_t digits) {
  size_t len = put_digits(text, (uint64_t)scaled, (size_t)digits + 1);
  size_t exponent = len - (size_t)digits - 1;
  if (len > 1) len = put_point(text, len, len - 1);
  text[len++] = 'e';
  len += put_digits(text + len, exponent, 1);
  text[len] = '\0';
}
