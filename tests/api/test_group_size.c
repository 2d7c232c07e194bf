/*
 * FILTER-41: a Group of any size, of whose members some do not exist.
 *
 * ctest labels: onethread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <fhirexport/fhirexport.h>

#include "support/require.h"
#include "support/small_source.h"

#define NEW_US INT64_C(1709251200000000) /* 2024-03 */

#define MANY 100000
/* For a run that is to be short. */
#define FEWER 11000

typedef struct crowd {
  test_small_row *rows;
  char (*ids)[24];
  char (*texts)[80];
  char *group;
  size_t count;
} crowd;

/* The first `there` of the members are there. */
static void gather(crowd *all, size_t there) {
  size_t len = 0, many = all->count, capacity = many * 50 + 200;
  all->rows = calloc(many + 1, sizeof *all->rows);
  all->ids = calloc(many, sizeof *all->ids);
  all->texts = calloc(many, sizeof *all->texts);
  all->group = malloc(capacity);
  test_require(all->rows != NULL && all->ids != NULL && all->texts != NULL && all->group != NULL);
  len = (size_t)snprintf(all->group, capacity, "%s",
                         "{\"resourceType\":\"Group\",\"id\":\"g\",\"actual\":true,\"member\":[");
  for (size_t i = 0; i < many; i++) {
    snprintf(all->ids[i], sizeof all->ids[i], "p%zu", i);
    snprintf(all->texts[i], sizeof all->texts[i], "{\"resourceType\":\"Patient\",\"id\":\"p%zu\"}",
             i);
    if (i < there) {
      all->rows[i] = (test_small_row){"Patient", all->ids[i], all->ids[i], NEW_US, all->texts[i]};
    }
    len += (size_t)snprintf(all->group + len, capacity - len,
                            "%s{\"entity\":{\"reference\":\"Patient/p%zu\"}}", i == 0 ? "" : " ,\n",
                            i);
  }
  snprintf(all->group + len, capacity - len, "]}");
  all->rows[there] = (test_small_row){"Group", "g", "", NEW_US, all->group};
}

static void disperse(crowd *all) {
  free(all->rows);
  free(all->ids);
  free(all->texts);
  free(all->group);
}

static void filter_41_a_hundred_thousand_members(void **state) {
  (void)state;
  for (size_t way = 0; way < 2; way++) {
    crowd all = {.count = test_is_quick() ? FEWER : MANY};
    size_t there = way == 0 ? all.count : all.count - 5000;
    bool found = false;
    gather(&all, there);
    test_small_source small;
    memset(&small, 0, sizeof small);
    small.rows = all.rows;
    small.row_count = there + 1;
    small.reads = true;
    small.applied = way == 0 ? 0 : FHX_APPLIED_TYPE | FHX_APPLIED_PATIENTS;
    test_small_job of;
    test_small_prepare(&of, &small);
    fhx_filter *filter = NULL;
    test_require_status(fhx_filter_new(&filter, NULL), FHX_OK);
    test_require_status(fhx_filter_set_group(filter, "g", NULL), FHX_OK);
    test_require_status(fhx_filter_add_type(filter, "Patient", NULL), FHX_OK);
    test_small_start(&of, filter);
    test_small_run(&of);
    test_require_status(of.status, FHX_OK);
    fhx_progress *progress = NULL;
    test_require_status(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
    test_require(fhx_progress_resource_count(progress) == there);
    fhx_progress_free(progress);
    /* The first 1,000 by name, the others by number. */
    size_t lines = test_small_lines(&of, "4000 more warnings", &found);
    test_require(lines == (way == 0 ? 0 : 1001) && found == (way != 0));
    /* Once to see who exists, once to export. */
    test_require(atomic_load(&small.patient_cursors) == 2);
    test_small_end(&of);
    disperse(&all);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(filter_41_a_hundred_thousand_members)};
  return cmocka_run_group_tests_name("large Groups", tests, NULL, NULL);
}
