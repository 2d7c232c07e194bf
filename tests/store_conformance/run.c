/* The tests of a store, as hosts run them: those of what the store has. */
#include <fhirexport/store_conformance.h>
#include <stdio.h>
#include <string.h>

#include "core/structs.h"
#include "store/store.h"
#include "store_conformance.h"

FHX__DEFINE_INIT(fhx_store_conformance)

/* What of the optional steps there is. */
typedef struct abilities {
  bool pages;
  bool holds;
  bool job_lists;
} abilities;

static int64_t still(void *user_data) {
  (void)user_data;
  return 1;
}

static bool look(const fhx_store_conformance *subject, abilities *has) {
  fhx_store *store = subject->make(subject->context, still, NULL);
  if (store == NULL) return false;
  has->pages = fhx__store_has_pages(store);
  has->holds = fhx__store_has_holds(store);
  has->job_lists = fhx__store_has_job_lists(store);
  subject->drop(subject->context, store);
  return true;
}

static int run_or_skip(const store_conformance *tests, bool has, const char *what,
                       int (*run)(const store_conformance *tests)) {
  if (has) return run(tests);
  printf("left out %s: %s\n", tests->name, what);
  return 0;
}

static int run_all(const store_conformance *tests, uint32_t flags, const abilities *has) {
  const bool takes_turns = (flags & FHX_CONFORMANCE_TURNS) != 0;
  const bool joins = (flags & FHX_CONFORMANCE_JOINS) != 0;
  return store_conformance_run_jobs(tests) + store_conformance_run_work(tests) +
         store_conformance_run_upkeep(tests) + store_conformance_run_members(tests) +
         run_or_skip(tests, has->pages, "the store has no add_page and list_page",
                     store_conformance_run_pages) +
         run_or_skip(tests, has->holds, "the store has no hold_job", store_conformance_run_holds) +
         run_or_skip(tests, has->pages && has->holds, "every step in every state needs all steps",
                     store_conformance_run_transitions) +
         store_conformance_run_waiting(tests) +
         run_or_skip(tests, takes_turns, "its jobs take no turns", store_conformance_run_turns) +
         run_or_skip(tests, joins, "it knows no identities", store_conformance_run_joins) +
         run_or_skip(tests, has->job_lists, "the store has no list_jobs",
                     store_conformance_run_job_lists);
}

int32_t fhx_store_conformance_run(const fhx_store_conformance *given) {
  fhx_store_conformance subject;
  abilities has = {false, false, false};
  if (fhx__struct_in(&subject, sizeof subject, given, "fhx_store_conformance", NULL) != FHX_OK ||
      subject.make == NULL || subject.drop == NULL) {
    printf("FAILED: the structure has another size, or make or drop is NULL\n");
    return 1;
  }
  const store_conformance tests = {subject.name == NULL ? "store" : subject.name, subject.context,
                                   subject.make, subject.remake, subject.drop};
  if (!look(&subject, &has)) {
    printf("FAILED %s: the store cannot be made\n", tests.name);
    return 1;
  }
  return run_all(&tests, subject.flags, &has);
}
