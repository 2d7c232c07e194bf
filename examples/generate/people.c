/* Patients, and those who look after them: practitioners, organizations, groups. */
#include "pieces.h"

#define MRN_SYSTEM "https://hospital.example.org/mrn"
#define NPI_SYSTEM "http://hl7.org/fhir/sid/us-npi"
#define GEOLOCATION "http://hl7.org/fhir/StructureDefinition/geolocation"

static void add_narrative(json_text *json, const struct person *person) {
  json_open(json, "text");
  json_string(json, "status", "generated");
  json_string_begin(json, "div");
  json_string_add(json, "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>");
  json_string_add(json, person->family);
  json_string_add(json, "</b>, ");
  json_string_add(json, person->given);
  json_string_add(json, "</p>\n<p>");
  json_string_add(json, person->culture->city);
  json_string_add(json, "</p></div>");
  json_string_end(json);
  json_close(json);
}

static void add_coordinate(json_text *json, const char *which, const char *value) {
  json_open(json, NULL);
  json_string(json, "url", which);
  json_number(json, "valueDecimal", value);
  json_close(json);
}

static void add_address(json_text *json, const struct culture *place, random_state *random) {
  char number[DECIMAL_TEXT_MAX];
  decimal_text(number, random_between(random, 1, 240), 0);
  json_open_array(json, "address");
  json_open(json, NULL);
  json_open_array(json, "extension");
  json_open(json, NULL);
  json_string(json, "url", GEOLOCATION);
  json_open_array(json, "extension");
  add_coordinate(json, "latitude", place->latitude);
  add_coordinate(json, "longitude", place->longitude);
  json_close_array(json);
  json_close(json);
  json_close_array(json);
  json_open_array(json, "line");
  json_string_begin(json, NULL);
  json_string_add(json, place->street);
  json_string_add(json, " ");
  json_string_add(json, number);
  json_string_end(json);
  json_close_array(json);
  json_string(json, "city", place->city);
  json_string(json, "country", place->country);
  json_close(json);
  json_close_array(json);
}

static void add_telecom(json_text *json, random_state *random) {
  char number[DECIMAL_TEXT_MAX];
  decimal_text(number, random_between(random, 1000000, 9999999), 0);
  json_open_array(json, "telecom");
  json_open(json, NULL);
  json_string(json, "system", "phone");
  json_string_begin(json, "value");
  json_string_add(json, "+999 ");
  json_string_add(json, number);
  json_string_end(json);
  json_string(json, "use", random_chance(random, 60) ? "mobile" : "home");
  json_close(json);
  json_close_array(json);
}

static void add_patient_names(json_text *json, const struct person *person, random_state *random) {
  json_open_array(json, "name");
  add_human_name(json, person, NULL);
  if (random_chance(random, 10)) {
    json_open(json, NULL);
    json_string(json, "use", "nickname");
    json_string(json, "text", nicknames[random_below(random, NICKNAME_COUNT)]);
    json_close(json);
  }
  json_close_array(json);
}

static void add_language(json_text *json, const struct culture *culture) {
  struct code language = {culture->language, culture->language_name};
  json_open_array(json, "communication");
  json_open(json, NULL);
  add_concept(json, "language", "urn:ietf:bcp:47", &language, true);
  json_boolean(json, "preferred", true);
  json_close(json);
  json_close_array(json);
}

/* When a patient's record was last touched by life: the last visit, if any. */
static int64_t last_event(const struct plan *plan) {
  if (plan->visit_count == 0) return year_start_us(2012);
  return plan->visits[plan->visit_count - 1].end_us;
}

void write_patient(struct resource *resource, const struct plan *plan) {
  json_text *json = &resource->json;
  random_state random = plan_random(plan->seed, TYPE_PATIENT, plan->patient, 0);
  struct person person = person_of(plan->seed, TYPE_PATIENT, plan->patient);
  char number[DECIMAL_TEXT_MAX];
  begin_resource(resource, TYPE_PATIENT, plan->patient_id, &random, last_event(plan));
  add_narrative(json, &person);
  json_open_array(json, "identifier");
  decimal_text(number, INT64_C(100000000) + plan->patient, 0);
  add_identifier(json, MRN_SYSTEM, number);
  json_close_array(json);
  json_boolean(json, "active", random_chance(&random, 97));
  add_patient_names(json, &person, &random);
  add_telecom(json, &random);
  json_string(json, "gender", person.is_woman ? "female" : "male");
  add_date(json, "birthDate", plan->birth_us);
  add_address(json, person.culture, &random);
  add_status_concept(json, "maritalStatus", "v3-MaritalStatus",
                     random_chance(&random, 50) ? "M" : "S");
  json_boolean(json, "multipleBirthBoolean", random_chance(&random, 3));
  add_language(json, person.culture);
  json_open_array(json, "generalPractitioner");
  add_practitioner_reference(json, NULL, plan->seed,
                             plan->organization * PRACTITIONERS_PER_ORGANIZATION);
  json_close_array(json);
  add_organization_reference(json, "managingOrganization", plan->seed, plan->organization);
  end_resource(resource);
}

void write_practitioner(struct resource *resource, uint64_t seed, uint32_t practitioner) {
  json_text *json = &resource->json;
  random_state random = plan_random(seed, TYPE_PRACTITIONER, practitioner, 0);
  struct person person = person_of(seed, TYPE_PRACTITIONER, practitioner);
  char id[ID_TEXT_MAX];
  char number[DECIMAL_TEXT_MAX];
  plan_id(id, seed, TYPE_PRACTITIONER, practitioner, 0);
  begin_resource(resource, TYPE_PRACTITIONER, id, &random,
                 random_between(&random, year_start_us(2010), year_start_us(2020)));
  json_open_array(json, "identifier");
  decimal_text(number, INT64_C(9990000000) + practitioner, 0);
  add_identifier(json, NPI_SYSTEM, number);
  json_close_array(json);
  json_boolean(json, "active", true);
  json_open_array(json, "name");
  add_human_name(json, &person, "Dr.");
  json_close_array(json);
  json_string(json, "gender", person.is_woman ? "female" : "male");
  add_address(json, person.culture, &random);
  end_resource(resource);
}

void write_organization(struct resource *resource, uint64_t seed, uint32_t organization) {
  json_text *json = &resource->json;
  random_state random = plan_random(seed, TYPE_ORGANIZATION, organization, 0);
  const struct culture *place = &cultures[random_below(&random, CULTURE_COUNT)];
  char id[ID_TEXT_MAX];
  plan_id(id, seed, TYPE_ORGANIZATION, organization, 0);
  begin_resource(resource, TYPE_ORGANIZATION, id, &random,
                 random_between(&random, year_start_us(2008), year_start_us(2018)));
  json_boolean(json, "active", true);
  json_open_array(json, "type");
  add_status_concept(json, NULL, "organization-type", "prov");
  json_close_array(json);
  json_string_begin(json, "name");
  json_string_add(json, place->city);
  json_string_add(json, " ");
  json_string_add(json, organization_kinds[random_below(&random, ORGANIZATION_KIND_COUNT)]);
  json_string_end(json);
  add_telecom(json, &random);
  add_address(json, place, &random);
  end_resource(resource);
}

/* Groups are few and known by their names, so that a person can ask for one. */
enum { GROUP_ALL, GROUP_EMPTY, GROUP_INACTIVE, GROUP_NESTED, GROUP_PERIODS };

static const char *const group_ids[GROUP_COUNT] = {"cohort-all", "cohort-empty", "cohort-inactive",
                                                   "cohort-nested", "cohort-periods"};
static const char *const group_titles[GROUP_COUNT] = {
    "Everybody", "Nobody yet", "Members who may have left", "Members of other groups",
    "Members for a time"};

static void begin_member(json_text *json, resource_type type, const char *id) {
  json_open(json, NULL);
  add_reference(json, "entity", type, id);
}

static void add_patient_member(json_text *json, uint64_t seed, uint32_t group, uint32_t patient,
                               random_state *random) {
  char id[ID_TEXT_MAX];
  plan_id(id, seed, TYPE_PATIENT, patient, 0);
  begin_member(json, TYPE_PATIENT, id);
  if (group == GROUP_PERIODS) {
    int64_t start = random_between(random, year_start_us(2015), year_start_us(2020));
    json_open(json, "period");
    add_date(json, "start", start);
    /* Some are over, some end far ahead, some have no end. */
    uint32_t kind = random_below(random, 3);
    if (kind == 0) add_date(json, "end", start + 2 * YEAR_US);
    if (kind == 1) add_date(json, "end", year_start_us(2090));
    json_close(json);
  }
  if (group == GROUP_INACTIVE) json_boolean(json, "inactive", random_chance(random, 40));
  json_close(json);
}

/* "cohort-all" has everybody it can, the others every third, every fourth ... patient. */
static uint32_t member_count(uint32_t group, uint32_t patient_count) {
  if (group == GROUP_EMPTY) return 0;
  uint32_t count = group == GROUP_ALL ? patient_count : (patient_count + group) / (group + 1);
  return count < GROUP_MEMBERS_MAX ? count : GROUP_MEMBERS_MAX;
}

void write_group(struct resource *resource, uint64_t seed, uint32_t patient_count, uint32_t group) {
  json_text *json = &resource->json;
  random_state random = plan_random(seed, TYPE_GROUP, group, 0);
  uint32_t patients = member_count(group, patient_count);
  uint32_t nested = group == GROUP_NESTED ? 2 : 0;
  begin_resource(resource, TYPE_GROUP, group_ids[group], &random, year_start_us(2024));
  json_boolean(json, "active", true);
  json_string(json, "type", "person");
  json_boolean(json, "actual", true);
  json_string(json, "name", group_titles[group]);
  json_integer(json, "quantity", patients + nested);
  if (patients + nested > 0) json_open_array(json, "member");
  for (uint32_t i = 0; i < patients; i++) {
    uint32_t step = group == GROUP_ALL ? 1 : group + 1;
    add_patient_member(json, seed, group, i * step, &random);
  }
  for (uint32_t i = 0; i < nested; i++) {
    begin_member(json, TYPE_GROUP, group_ids[i == 0 ? GROUP_INACTIVE : GROUP_PERIODS]);
    json_close(json);
  }
  if (patients + nested > 0) json_close_array(json);
  end_resource(resource);
}
