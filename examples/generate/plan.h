/*
 * What there is: which patients, what happened to them, and what everything is called. All of it
 * follows from the seed and a patient's number, so nothing is remembered and any type can be
 * written in any order with the references still right.
 */
#ifndef GENERATE_PLAN_H
#define GENERATE_PLAN_H

#include <stdint.h>

#include "random.h"

/* In the order of their names, which is the order of a table sorted by type. */
typedef enum resource_type {
  TYPE_CLAIM,
  TYPE_CONDITION,
  TYPE_ENCOUNTER,
  TYPE_GROUP,
  TYPE_MEDICATION_REQUEST,
  TYPE_OBSERVATION,
  TYPE_ORGANIZATION,
  TYPE_PATIENT,
  TYPE_PRACTITIONER,
  TYPE_COUNT
} resource_type;

extern const char *const type_names[TYPE_COUNT];

/* Every so many patients there is one more organization, with its practitioners. */
#define PATIENTS_PER_ORGANIZATION 50
#define PRACTITIONERS_PER_ORGANIZATION 3

/* Numbers of patients are a part of ids, in eight hexadecimal digits. */
#define PATIENTS_MAX UINT32_C(16000000)

#define ID_TEXT_MAX 65
#define VISITS_MAX 12

typedef struct plan_visit {
  char id[ID_TEXT_MAX];
  int64_t start_us;
  int64_t end_us;
  uint32_t practitioner;
  /* How many resources of each type belong to this visit, and the number of the first. */
  uint32_t count[TYPE_COUNT];
  uint32_t first[TYPE_COUNT];
} plan_visit;

struct plan {
  uint64_t seed;
  uint32_t patient;
  char patient_id[ID_TEXT_MAX];
  int64_t birth_us;
  uint32_t organization;
  uint32_t visit_count;
  plan_visit visits[VISITS_MAX];
};

/* Plans the life of a patient. */
void plan_patient(struct plan *plan, uint64_t seed, uint32_t patient);

/*
 * Writes the id of a resource: the `number`-th of its type that belongs to `owner` (a patient, or
 * an organization or practitioner itself). Ids are FHIR ids of 8 to 64 characters, and ascend in
 * byte order with (owner, number).
 */
void plan_id(char id[ID_TEXT_MAX], uint64_t seed, resource_type type, uint32_t owner,
             uint32_t number);

/* The random numbers of that resource's content. */
random_state plan_random(uint64_t seed, resource_type type, uint32_t owner, uint32_t number);

#endif
