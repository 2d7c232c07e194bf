/* The resources themselves, each a function of its place in the plan. */
#ifndef GENERATE_RESOURCES_H
#define GENERATE_RESOURCES_H

#include "json.h"
#include "plan.h"

struct resource {
  resource_type type;
  char id[ID_TEXT_MAX];
  int64_t updated_us;
  /* Before a resource is written: its layout. Afterwards: its text. */
  json_layout layout;
  json_text json;
};

void write_patient(struct resource *resource, const struct plan *plan);
void write_encounter(struct resource *resource, const struct plan *plan, const plan_visit *visit);

/* The `index`-th of a visit. */
void write_condition(struct resource *resource, const struct plan *plan, const plan_visit *visit,
                     uint32_t index);
void write_observation(struct resource *resource, const struct plan *plan, const plan_visit *visit,
                       uint32_t index);
void write_medication_request(struct resource *resource, const struct plan *plan,
                              const plan_visit *visit, uint32_t index);
void write_claim(struct resource *resource, const struct plan *plan, const plan_visit *visit,
                 uint32_t index);

void write_organization(struct resource *resource, uint64_t seed, uint32_t organization);
void write_practitioner(struct resource *resource, uint64_t seed, uint32_t practitioner);

/*
 * The groups: everybody up to GROUP_MEMBERS_MAX, nobody, some who have left, some for a time, and
 * one that has two of the others as members. They need to know how many patients there are.
 */
#define GROUP_COUNT 5
#define GROUP_MEMBERS_MAX 10000
void write_group(struct resource *resource, uint64_t seed, uint32_t patient_count, uint32_t group);

#endif
