/* In whose Patient compartments a resource is. */
#include "patients.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_patient(void *user_data, const char *patient_id) {
  struct patients *patients = user_data;
  if (patients->count == patients->capacity) {
    size_t wanted = patients->capacity == 0 ? 4 : 2 * patients->capacity;
    void *grown = realloc(patients->ids, wanted * sizeof *patients->ids);
    if (grown == NULL) {
      patients->failed = true;
      return;
    }
    patients->ids = grown;
    patients->capacity = wanted;
  }
  snprintf(patients->ids[patients->count++], sizeof *patients->ids, "%s", patient_id);
}

static int compare_ids(const void *a, const void *b) {
  return strcmp(a, b);
}

static void drop_doubles(struct patients *patients) {
  size_t kept = 0;
  for (size_t i = 0; i < patients->count; i++) {
    if (kept > 0 && strcmp(patients->ids[kept - 1], patients->ids[i]) == 0) continue;
    if (kept != i) memcpy(patients->ids[kept], patients->ids[i], sizeof *patients->ids);
    kept++;
  }
  patients->count = kept;
}

bool patients_read(const fhx_filter *rule, const char *json, size_t len,
                   struct patients *patients) {
  int32_t status = fhx_filter_list_patients(rule, json, len, add_patient, patients, NULL);
  /* What is no valid resource is in no compartment: the export will say what is wrong with it. */
  if (status == FHX_ERR_RESOURCE) patients->count = 0;
  if (patients->failed || (status != FHX_OK && status != FHX_ERR_RESOURCE)) return false;
  if (patients->count > 1) {
    qsort(patients->ids, patients->count, sizeof *patients->ids, compare_ids);
    drop_doubles(patients);
  }
  return true;
}

void patients_free(struct patients *patients) {
  free(patients->ids);
}
