/* What there is, as a function of the seed. */
#include "plan.h"

#include <string.h>

#include "calendar.h"

const char *const type_names[TYPE_COUNT] = {"Claim",        "Condition",         "Encounter",
                                            "Group",        "MedicationRequest", "Observation",
                                            "Organization", "Patient",           "Practitioner"};

/* What random_for is asked for beside types, whose keys are below 256. */
#define KEY_OWNER 256
#define KEY_ID 512
#define KEY_PLAN 1024

static char *put_hex(char *at, uint64_t value, uint32_t digits) {
  static const char hex[] = "0123456789abcdef";
  for (uint32_t i = digits; i-- > 0;) {
    at[i] = hex[value & 15];
    value >>= 4;
  }
  return at + digits;
}

static uint64_t resource_key(uint32_t owner, uint32_t number) {
  return (uint64_t)owner << 32 | number;
}

random_state plan_random(uint64_t seed, resource_type type, uint32_t owner, uint32_t number) {
  return random_for(seed, type, resource_key(owner, number));
}

/* "-xxxx-4xxx-axxx-xxxxxxxxxxxx" behind eight digits gives a UUID. */
static char *put_uuid_rest(char *at, random_state *random, uint32_t number) {
  uint64_t bits = random_next(random);
  *at++ = '-';
  at = put_hex(at, number, 4);
  memcpy(at, "-4", 2);
  at = put_hex(at + 2, bits, 3);
  memcpy(at, "-a", 2);
  at = put_hex(at + 2, bits >> 12, 3);
  *at++ = '-';
  return put_hex(at, random_next(random), 12);
}

/* All other characters that FHIR allows in an id. */
static char *put_long_rest(char *at, random_state *random, uint32_t len) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ.abcdefghijklmnopqrstuvwxyz-0123456789";
  for (uint32_t i = 0; i < len; i++) *at++ = letters[random_below(random, sizeof letters - 1)];
  return at;
}

/*
 * The owner's number in eight digits, with gaps of random width, and then the resource's own in
 * four come first. So ids ascend whatever follows.
 */
void plan_id(char id[ID_TEXT_MAX], uint64_t seed, resource_type type, uint32_t owner,
             uint32_t number) {
  random_state owner_random = random_for(seed, KEY_OWNER, owner);
  char *at = put_hex(id, (uint64_t)owner << 8 | random_below(&owner_random, 256), 8);
  random_state random = random_for(seed, KEY_ID + (uint64_t)type, resource_key(owner, number));
  uint32_t form = random_below(&random, 8);
  if (form < 5) {
    at = put_uuid_rest(at, &random, number);
  } else if (form > 5 || number > 0) {
    *at++ = '-';
    at = put_hex(at, number, 4);
    if (form == 6) at = put_long_rest(at, &random, 1 + random_below(&random, 50));
    if (form == 7) at = put_long_rest(at, &random, 51);
  }
  *at = '\0';
}

static void plan_one_visit(struct plan *plan, random_state *random, plan_visit *visit) {
  static const uint32_t most[TYPE_COUNT] = {
      [TYPE_CONDITION] = 2, [TYPE_MEDICATION_REQUEST] = 2, [TYPE_OBSERVATION] = 9};
  visit->end_us = visit->start_us + random_between(random, 10, 90) * MINUTE_US;
  uint32_t practitioners = (plan->organization + 1) * PRACTITIONERS_PER_ORGANIZATION;
  visit->practitioner = random_below(random, practitioners);
  for (uint32_t type = 0; type < TYPE_COUNT; type++) {
    visit->count[type] = most[type] > 0 ? random_below(random, most[type] + 1) : 0;
  }
  visit->count[TYPE_ENCOUNTER] = 1;
  visit->count[TYPE_CLAIM] = 1;
}

void plan_patient(struct plan *plan, uint64_t seed, uint32_t patient) {
  random_state random = random_for(seed, KEY_PLAN, patient);
  int64_t first_day = year_start_us(2012);
  int64_t last_day = year_start_us(2025) - DAY_US;
  plan->seed = seed;
  plan->patient = patient;
  plan_id(plan->patient_id, seed, TYPE_PATIENT, patient, 0);
  plan->organization = random_below(&random, patient / PATIENTS_PER_ORGANIZATION + 1);
  plan->birth_us = random_between(&random, year_start_us(1925), first_day);
  plan->visit_count = random_below(&random, VISITS_MAX + 1);
  uint32_t next[TYPE_COUNT] = {0};
  int64_t start = first_day;
  for (uint32_t i = 0; i < plan->visit_count; i++) {
    plan_visit *visit = &plan->visits[i];
    plan_id(visit->id, seed, TYPE_ENCOUNTER, patient, i);
    /* Visits follow each other in time, and leave room for those to come. */
    int64_t room = (last_day - start) / (plan->visit_count - i);
    start += random_between(&random, room / 4, room);
    visit->start_us = start;
    plan_one_visit(plan, &random, visit);
    for (uint32_t type = 0; type < TYPE_COUNT; type++) {
      visit->first[type] = next[type];
      next[type] += visit->count[type];
    }
  }
}
