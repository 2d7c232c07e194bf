/* The words that resources are made of: names and places in many scripts, and clinical codes. */
#ifndef GENERATE_TABLES_H
#define GENERATE_TABLES_H

#include <stdint.h>

#define SYSTEM_LOINC "http://loinc.org"
#define SYSTEM_SNOMED "http://snomed.info/sct"
#define SYSTEM_RXNORM "http://www.nlm.nih.gov/research/umls/rxnorm"
#define SYSTEM_UCUM "http://unitsofmeasure.org"

#define NAME_COUNT 6

/* People of one place: names, and where they live. */
struct culture {
  const char *language;
  const char *language_name;
  const char *families[NAME_COUNT];
  const char *women[NAME_COUNT];
  const char *men[NAME_COUNT];
  const char *street;
  const char *city;
  const char *country;
  const char *latitude;
  const char *longitude;
};

#define CULTURE_COUNT 16
extern const struct culture cultures[CULTURE_COUNT];

struct code {
  const char *code;
  const char *display;
};

#define CONDITION_CODE_COUNT 14
extern const struct code condition_codes[CONDITION_CODE_COUNT];

#define MEDICATION_CODE_COUNT 12
extern const struct code medication_codes[MEDICATION_CODE_COUNT];

#define VISIT_CODE_COUNT 8
extern const struct code visit_codes[VISIT_CODE_COUNT];

#define SMOKING_CODE_COUNT 4
extern const struct code smoking_codes[SMOKING_CODE_COUNT];

/* Something that is measured: from `low` to `high`, in units of the last of its `digits`. */
struct measure {
  struct code code;
  const char *category;
  const char *unit;
  int32_t digits;
  int32_t low;
  int32_t high;
};

#define MEASURE_COUNT 14
extern const struct measure measures[MEASURE_COUNT];

#define NICKNAME_COUNT 6
extern const char *const nicknames[NICKNAME_COUNT];

#define NOTE_COUNT 10
extern const char *const notes[NOTE_COUNT];

#define ORGANIZATION_KIND_COUNT 4
extern const char *const organization_kinds[ORGANIZATION_KIND_COUNT];

#endif
