/* What several types of resource have in common: beginnings, references, codes, people, numbers. */
#ifndef GENERATE_PIECES_H
#define GENERATE_PIECES_H

#include "calendar.h"
#include "resources.h"
#include "tables.h"

/* A name and where it is from. */
struct person {
  const struct culture *culture;
  const char *family;
  const char *given;
  bool is_woman;
};

struct person person_of(uint64_t seed, resource_type type, uint32_t number);

/*
 * Begins a resource: type, id, meta, and how its strings are escaped. It was changed some time
 * within the thirty days after `event_us`.
 */
void begin_resource(struct resource *resource, resource_type type, const char *id,
                    random_state *random, int64_t event_us);
void end_resource(struct resource *resource);

/* {"reference": "Type/id"} */
void add_reference(json_text *json, const char *key, resource_type type, const char *id);
/* The same with the person's name as display. */
void add_person_reference(json_text *json, const char *key, uint64_t seed, resource_type type,
                          const char *id, uint32_t number);
void add_organization_reference(json_text *json, const char *key, uint64_t seed, uint32_t number);
void add_practitioner_reference(json_text *json, const char *key, uint64_t seed, uint32_t number);

/* {"coding": [{system, code, display}], "text": display}; `text` is false for the short form. */
void add_concept(json_text *json, const char *key, const char *system, const struct code *code,
                 bool text);
/* A CodeableConcept of one of HL7's own code systems. */
void add_status_concept(json_text *json, const char *key, const char *system_name,
                        const char *value);
void add_identifier(json_text *json, const char *system, const char *value);
void add_human_name(json_text *json, const struct person *person, const char *prefix);
void add_period(json_text *json, const char *key, int64_t start_us, int64_t end_us);
void add_instant(json_text *json, const char *key, int64_t time_us, const instant_form *form);
void add_date(json_text *json, const char *key, int64_t time_us);

#define DECIMAL_TEXT_MAX 32

/* Writes `scaled` / 10^digits with all its digits: 110 and 2 give "1.10". */
void decimal_text(char text[DECIMAL_TEXT_MAX], int64_t scaled, int32_t digits);
/* The same in scientific notation: 1000 and 1 give "1.000e2". */
void scientific_text(char text[DECIMAL_TEXT_MAX], int64_t scaled, int32_t digits);

#endif
