/* What happens at a visit: encounter, conditions, observations, prescriptions, the claim. */
#include "pieces.h"

/* Clinical times have seconds and the offset of the place. */
static const instant_form clinic_form = {0, -300};

static void begin_clinical(struct resource *resource, const struct plan *plan,
                           const plan_visit *visit, resource_type type, uint32_t index,
                           random_state *random) {
  char id[ID_TEXT_MAX];
  uint32_t number = visit->first[type] + index;
  plan_id(id, plan->seed, type, plan->patient, number);
  *random = plan_random(plan->seed, type, plan->patient, number);
  begin_resource(resource, type, id, random, visit->end_us);
}

static void add_patient_reference(json_text *json, const char *key, const struct plan *plan) {
  add_person_reference(json, key, plan->seed, TYPE_PATIENT, plan->patient_id, plan->patient);
}

/* A reference to the first resource of that type in the same visit. */
static void add_sibling_reference(json_text *json, const char *key, const struct plan *plan,
                                  const plan_visit *visit, resource_type type) {
  char id[ID_TEXT_MAX];
  plan_id(id, plan->seed, type, plan->patient, visit->first[type]);
  add_reference(json, key, type, id);
}

static void add_note(json_text *json, random_state *random) {
  json_open_array(json, "note");
  json_open(json, NULL);
  json_string(json, "text", notes[random_below(random, NOTE_COUNT)]);
  json_close(json);
  json_close_array(json);
}

void write_encounter(struct resource *resource, const struct plan *plan, const plan_visit *visit) {
  json_text *json = &resource->json;
  random_state random;
  begin_clinical(resource, plan, visit, TYPE_ENCOUNTER, 0, &random);
  json_string(json, "status", "finished");
  json_open(json, "class");
  json_string(json, "system", "http://terminology.hl7.org/CodeSystem/v3-ActCode");
  json_string(json, "code", random_chance(&random, 85) ? "AMB" : "EMER");
  json_close(json);
  json_open_array(json, "type");
  add_concept(json, NULL, SYSTEM_SNOMED, &visit_codes[random_below(&random, VISIT_CODE_COUNT)],
              true);
  json_close_array(json);
  add_patient_reference(json, "subject", plan);
  json_open_array(json, "participant");
  json_open(json, NULL);
  add_practitioner_reference(json, "individual", plan->seed, visit->practitioner);
  json_close(json);
  json_close_array(json);
  add_period(json, "period", visit->start_us, visit->end_us);
  if (visit->count[TYPE_CONDITION] > 0) {
    json_open_array(json, "diagnosis");
    json_open(json, NULL);
    add_sibling_reference(json, "condition", plan, visit, TYPE_CONDITION);
    json_integer(json, "rank", 1);
    json_close(json);
    json_close_array(json);
  }
  add_organization_reference(json, "serviceProvider", plan->seed, plan->organization);
  end_resource(resource);
}

void write_condition(struct resource *resource, const struct plan *plan, const plan_visit *visit,
                     uint32_t index) {
  json_text *json = &resource->json;
  random_state random;
  begin_clinical(resource, plan, visit, TYPE_CONDITION, index, &random);
  bool resolved = random_chance(&random, 35);
  add_status_concept(json, "clinicalStatus", "condition-clinical",
                     resolved ? "resolved" : "active");
  add_status_concept(json, "verificationStatus", "condition-ver-status", "confirmed");
  json_open_array(json, "category");
  add_status_concept(json, NULL, "condition-category", "encounter-diagnosis");
  json_close_array(json);
  add_concept(json, "code", SYSTEM_SNOMED,
              &condition_codes[random_below(&random, CONDITION_CODE_COUNT)], true);
  add_patient_reference(json, "subject", plan);
  add_reference(json, "encounter", TYPE_ENCOUNTER, visit->id);
  add_instant(json, "onsetDateTime", visit->start_us, &clinic_form);
  if (resolved) {
    int64_t end = visit->end_us + random_between(&random, 7, 200) * DAY_US;
    add_date(json, "abatementDateTime", end);
  }
  add_date(json, "recordedDate", visit->end_us);
  if (random_chance(&random, 30)) add_note(json, &random);
  end_resource(resource);
}

/* The value as it might come from a device: plain, or now and then in scientific notation. */
static void add_quantity(json_text *json, const char *key, const struct measure *measure,
                         random_state *random) {
  char value[DECIMAL_TEXT_MAX];
  int64_t scaled = random_between(random, measure->low, measure->high);
  if (random_chance(random, 6)) {
    scientific_text(value, scaled, measure->digits);
  } else {
    decimal_text(value, scaled, measure->digits);
  }
  json_open(json, key);
  json_number(json, "value", value);
  json_string(json, "unit", measure->unit);
  json_string(json, "system", SYSTEM_UCUM);
  json_string(json, "code", measure->unit);
  json_close(json);
}

static void begin_observation(json_text *json, const struct plan *plan, const plan_visit *visit,
                              const char *category, const struct code *code) {
  json_string(json, "status", "final");
  json_open_array(json, "category");
  add_status_concept(json, NULL, "observation-category", category);
  json_close_array(json);
  add_concept(json, "code", SYSTEM_LOINC, code, true);
  add_patient_reference(json, "subject", plan);
  add_reference(json, "encounter", TYPE_ENCOUNTER, visit->id);
  add_instant(json, "effectiveDateTime", visit->start_us, &clinic_form);
  add_instant(json, "issued", visit->end_us, &instant_forms[0]);
  json_open_array(json, "performer");
  add_practitioner_reference(json, NULL, plan->seed, visit->practitioner);
  json_close_array(json);
}

static void add_blood_pressure(json_text *json, random_state *random) {
  static const struct measure halves[2] = {
      {{"8480-6", "Systolic Blood Pressure"}, "vital-signs", "mm[Hg]", 0, 95, 185},
      {{"8462-4", "Diastolic Blood Pressure"}, "vital-signs", "mm[Hg]", 0, 55, 110}};
  json_open_array(json, "component");
  for (uint32_t i = 0; i < 2; i++) {
    json_open(json, NULL);
    add_concept(json, "code", SYSTEM_LOINC, &halves[i].code, true);
    add_quantity(json, "valueQuantity", &halves[i], random);
    json_close(json);
  }
  json_close_array(json);
}

void write_observation(struct resource *resource, const struct plan *plan, const plan_visit *visit,
                       uint32_t index) {
  static const struct code blood_pressure = {"85354-9", "Blood pressure panel"};
  static const struct code smoking = {"72166-2", "Tobacco smoking status"};
  json_text *json = &resource->json;
  random_state random;
  begin_clinical(resource, plan, visit, TYPE_OBSERVATION, index, &random);
  uint32_t kind = random_below(&random, MEASURE_COUNT + 2);
  if (kind < MEASURE_COUNT) {
    begin_observation(json, plan, visit, measures[kind].category, &measures[kind].code);
    add_quantity(json, "valueQuantity", &measures[kind], &random);
  } else if (kind == MEASURE_COUNT) {
    begin_observation(json, plan, visit, "vital-signs", &blood_pressure);
    add_blood_pressure(json, &random);
  } else {
    begin_observation(json, plan, visit, "social-history", &smoking);
    add_concept(json, "valueCodeableConcept", SYSTEM_SNOMED,
                &smoking_codes[random_below(&random, SMOKING_CODE_COUNT)], true);
  }
  if (random_chance(&random, 10)) add_note(json, &random);
  end_resource(resource);
}

static void add_dosage(json_text *json, random_state *random) {
  json_open_array(json, "dosageInstruction");
  json_open(json, NULL);
  json_integer(json, "sequence", 1);
  json_boolean(json, "asNeededBoolean", random_chance(random, 25));
  json_open(json, "timing");
  json_open(json, "repeat");
  json_integer(json, "frequency", 1 + random_below(random, 3));
  json_number(json, "period", random_chance(random, 50) ? "1.0" : "1");
  json_string(json, "periodUnit", "d");
  json_close(json);
  json_close(json);
  json_close(json);
  json_close_array(json);
}

void write_medication_request(struct resource *resource, const struct plan *plan,
                              const plan_visit *visit, uint32_t index) {
  json_text *json = &resource->json;
  random_state random;
  begin_clinical(resource, plan, visit, TYPE_MEDICATION_REQUEST, index, &random);
  json_string(json, "status", random_chance(&random, 60) ? "stopped" : "active");
  json_string(json, "intent", "order");
  add_concept(json, "medicationCodeableConcept", SYSTEM_RXNORM,
              &medication_codes[random_below(&random, MEDICATION_CODE_COUNT)], true);
  add_patient_reference(json, "subject", plan);
  add_reference(json, "encounter", TYPE_ENCOUNTER, visit->id);
  add_instant(json, "authoredOn", visit->end_us, &clinic_form);
  add_practitioner_reference(json, "requester", plan->seed, visit->practitioner);
  if (visit->count[TYPE_CONDITION] > 0) {
    json_open_array(json, "reasonReference");
    add_sibling_reference(json, NULL, plan, visit, TYPE_CONDITION);
    json_close_array(json);
  }
  add_dosage(json, &random);
  end_resource(resource);
}

static void add_money(json_text *json, const char *key, int64_t cents) {
  char value[DECIMAL_TEXT_MAX];
  decimal_text(value, cents, 2);
  json_open(json, key);
  json_number(json, "value", value);
  json_string(json, "currency", "EUR");
  json_close(json);
}

/* Writes the items of a claim, the visit itself and what else was done, and says what they cost. */
static int64_t add_claim_items(json_text *json, const plan_visit *visit, random_state *random) {
  int64_t total = 0;
  uint32_t count = 1 + random_below(random, 4);
  json_open_array(json, "item");
  for (uint32_t i = 0; i < count; i++) {
    const struct code *service = &visit_codes[random_below(random, VISIT_CODE_COUNT)];
    int64_t cents = random_between(random, 50, 25000) * 5;
    total += cents;
    json_open(json, NULL);
    json_integer(json, "sequence", i + 1);
    add_concept(json, "productOrService", SYSTEM_SNOMED, service, i == 0);
    add_money(json, "net", cents);
    if (i == 0) {
      json_open_array(json, "encounter");
      add_reference(json, NULL, TYPE_ENCOUNTER, visit->id);
      json_close_array(json);
    }
    json_close(json);
  }
  json_close_array(json);
  return total;
}

static void add_claim_causes(json_text *json, const struct plan *plan, const plan_visit *visit) {
  if (visit->count[TYPE_MEDICATION_REQUEST] > 0) {
    add_sibling_reference(json, "prescription", plan, visit, TYPE_MEDICATION_REQUEST);
  }
  if (visit->count[TYPE_CONDITION] > 0) {
    json_open_array(json, "diagnosis");
    json_open(json, NULL);
    json_integer(json, "sequence", 1);
    add_sibling_reference(json, "diagnosisReference", plan, visit, TYPE_CONDITION);
    json_close(json);
    json_close_array(json);
  }
}

void write_claim(struct resource *resource, const struct plan *plan, const plan_visit *visit,
                 uint32_t index) {
  json_text *json = &resource->json;
  random_state random;
  begin_clinical(resource, plan, visit, TYPE_CLAIM, index, &random);
  json_string(json, "status", "active");
  add_status_concept(json, "type", "claim-type", "professional");
  json_string(json, "use", "claim");
  add_patient_reference(json, "patient", plan);
  add_period(json, "billablePeriod", visit->start_us, visit->end_us);
  add_instant(json, "created", visit->end_us, &clinic_form);
  add_organization_reference(json, "provider", plan->seed, plan->organization);
  add_status_concept(json, "priority", "processpriority", "normal");
  add_claim_causes(json, plan, visit);
  json_open_array(json, "insurance");
  json_open(json, NULL);
  json_integer(json, "sequence", 1);
  json_boolean(json, "focal", true);
  json_open(json, "coverage");
  json_string(json, "display", "Health plan № 1");
  json_close(json);
  json_close(json);
  json_close_array(json);
  int64_t total = add_claim_items(json, visit, &random);
  add_money(json, "total", total);
  end_resource(resource);
}
