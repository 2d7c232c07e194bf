/*
 * Which resources one job takes. The checks that are cheap come first: the window is in the facts,
 * a query is a walk through the line, so is the compartment, and a set of patients may be on disk.
 */
#include "select/selection.h"

#include "core/error.h"

/* --- the patients --- */

/* A Group that nobody has resolved has no known members; it must never stand for everybody. */
static bool is_unresolved(const fhx__selection *selection) {
  return selection->filter->group_id != NULL && selection->members == NULL;
}

static int32_t fail_unresolved(fhx_error **error) {
  return fhx__fail(error, FHX_ERR_MISUSE, "the members of the Group are not known yet");
}

uint32_t fhx__selection_scope(const fhx__selection *selection) {
  const fhx_filter *filter = selection->filter;
  if (selection->members != NULL || filter->group_id != NULL || filter->patient_count != 0) {
    return FHX_SCOPE_PATIENT_SET;
  }
  return filter->all_patients ? FHX_SCOPE_PATIENTS : FHX_SCOPE_ALL;
}

/* Whether a roster has this id; FHX_ERR_IO. */
static int32_t look_up(const fhx__roster *roster, const char *id, size_t len, bool *has,
                       fhx_error **error) {
  uint64_t position = 0;
  int32_t status = fhx__roster_find(roster, id, len, &position, error);
  *has = status == FHX_OK;
  return status == FHX_END ? FHX_OK : status;
}

int32_t fhx__selection_has_patient(const fhx__selection *selection, const char *id, size_t len,
                                   bool *has, fhx_error **error) {
  *has = false;
  if (is_unresolved(selection)) return fail_unresolved(error);
  if (selection->members != NULL) return look_up(selection->members, id, len, has, error);
  *has = fhx__filter_has_patient(selection->filter, id, len);
  return FHX_OK;
}

uint64_t fhx__selection_patient_count(const fhx__selection *selection) {
  if (selection->members != NULL) return fhx__roster_count(selection->members);
  return is_unresolved(selection) ? 0 : selection->filter->patient_count;
}

int32_t fhx__selection_patients(const fhx__selection *selection, uint64_t first, uint64_t capacity,
                                fhx__roster_page *page, const char **ids, uint64_t *count,
                                fhx_error **error) {
  const fhx_filter *filter = selection->filter;
  *count = 0;
  if (is_unresolved(selection)) return fail_unresolved(error);
  if (selection->members != NULL) {
    return fhx__roster_read(selection->members, first, capacity, page, ids, count, error);
  }
  uint64_t left = first < filter->patient_count ? filter->patient_count - first : 0;
  *count = capacity < left ? capacity : left;
  for (uint64_t i = 0; i < *count; i++) ids[i] = filter->patients[first + i];
  return FHX_OK;
}

/* --- the compartment --- */

/* What went wrong while a compartment was walked through. */
typedef struct trouble {
  int32_t status;
  fhx_error **error;
} trouble;

/* Whose compartment is asked for: anybody's, those of a roster, or those of the selection. */
typedef struct wanted_patients {
  const fhx__selection *selection;
  const fhx__roster *roster;
  trouble *met;
} wanted_patients;

static bool is_anybody(const void *context, const char *id, size_t len) {
  (void)context;
  (void)id;
  (void)len;
  return true;
}

/* True also when it is not known: that ends the walk, and what it found does not count. */
static bool is_wanted(const void *context, const char *id, size_t len) {
  const wanted_patients *wanted = context;
  bool has = false;
  int32_t status =
      wanted->roster != NULL
          ? look_up(wanted->roster, id, len, &has, wanted->met->error)
          : fhx__selection_has_patient(wanted->selection, id, len, &has, wanted->met->error);
  if (status == FHX_OK) return has;
  wanted->met->status = status;
  return true;
}

/* Whether the resource is in the compartment of a patient of the roster; without one, of a patient
   that the selection's scope means. */
static int32_t in_compartment(const fhx__selection *selection, const fhx__roster *roster,
                              const fhx__facts *facts, const char *line, size_t len, bool *found,
                              fhx_error **error) {
  trouble met = {FHX_OK, error};
  const wanted_patients wanted = {selection, roster, &met};
  bool anybody = roster == NULL && fhx__selection_scope(selection) == FHX_SCOPE_PATIENTS;
  const fhx__patient_test test = {anybody ? is_anybody : is_wanted, &wanted,
                                  selection->filter->base_url};
  bool has = fhx__compartment_has(fhx__filter_compartment(selection->filter), facts->resource_type,
                                  facts->id, line, len, &test);
  *found = met.status == FHX_OK && has;
  return met.status;
}

bool fhx__selection_is_somebodys(const fhx__selection *selection, const fhx__facts *facts,
                                 const char *line, size_t len) {
  const fhx__patient_test test = {is_anybody, NULL, selection->filter->base_url};
  return fhx__compartment_has(fhx__filter_compartment(selection->filter), facts->resource_type,
                              facts->id, line, len, &test);
}

/* --- the window --- */

typedef enum side { SIDE_BEFORE, SIDE_AT, SIDE_AFTER, SIDE_UNKNOWN } side;

static side side_of(fhx__instant time, fhx__instant bound) {
  int order = fhx__instant_compare(time, bound);
  return order < 0 ? SIDE_BEFORE : order > 0 ? SIDE_AFTER : SIDE_AT;
}

/*
 * On which side of a bound a resource was last changed. The source's stamp is floored: where it
 * falls into the bound's microsecond, finer digits decide, and those are in the text if anywhere.
 */
static side side_of_change(const fhx__facts *facts, const int64_t *row_updated_us,
                           fhx__instant bound) {
  if (row_updated_us == NULL) {
    return facts->has_updated ? side_of(facts->updated, bound) : SIDE_UNKNOWN;
  }
  if (*row_updated_us != bound.us) {
    return *row_updated_us < bound.us ? SIDE_BEFORE : SIDE_AFTER;
  }
  if (facts->has_updated && facts->updated.us == *row_updated_us) {
    return side_of(facts->updated, bound);
  }
  return bound.finer == 0 ? SIDE_AT : SIDE_UNKNOWN;
}

/* Both: a side that is not known never leaves a resource out. */
static bool is_too_old(const fhx_filter *filter, const fhx__facts *facts,
                       const int64_t *row_updated_us) {
  if (!filter->has_since) return false;
  side where = side_of_change(facts, row_updated_us, filter->since);
  return where == SIDE_BEFORE || where == SIDE_AT;
}

static bool is_too_new(const fhx_filter *filter, const fhx__facts *facts,
                       const int64_t *row_updated_us) {
  if (!filter->has_until) return false;
  side where = side_of_change(facts, row_updated_us, filter->until);
  return where == SIDE_AFTER || where == SIDE_AT;
}

bool fhx__selection_in_window(const fhx__selection *selection, const fhx__facts *facts,
                              const int64_t *row_updated_us) {
  return !is_too_old(selection->filter, facts, row_updated_us) &&
         !is_too_new(selection->filter, facts, row_updated_us);
}

bool fhx__selection_has_since(const fhx__selection *selection) {
  return selection->filter->has_since && selection->new_members == NULL;
}

/* --- all --- */

/* Whose a resource is: in the compartment of a new member, if `by_age`, and in that of a patient
   whom the scope means, where the source has not seen to that. */
static int32_t takes_patients(const fhx__selection *selection, uint32_t applied, bool by_age,
                              const fhx__facts *facts, const char *line, size_t len, bool *takes,
                              fhx_error **error) {
  int32_t status = FHX_OK;
  *takes = true;
  if (by_age) {
    status = in_compartment(selection, selection->new_members, facts, line, len, takes, error);
  }
  if (status == FHX_OK && *takes && fhx__selection_scope(selection) != FHX_SCOPE_ALL &&
      (applied & FHX_APPLIED_PATIENTS) == 0) {
    status = in_compartment(selection, NULL, facts, line, len, takes, error);
  }
  return status;
}

static bool asks_content(const fhx_filter *filter, const char *resource_type) {
  size_t count = filter->search_count;
  if (count != 0 && resource_type != NULL) fhx__filter_searches(filter, resource_type, &count);
  return count != 0;
}

bool fhx__selection_reads_line(const fhx__selection *selection, const char *resource_type,
                               uint32_t applied) {
  bool asks_patients =
      fhx__selection_scope(selection) != FHX_SCOPE_ALL && (applied & FHX_APPLIED_PATIENTS) == 0;
  bool asks_age = selection->filter->has_since && selection->new_members != NULL;
  return asks_patients || asks_age ||
         ((applied & FHX_APPLIED_SEARCH) == 0 && asks_content(selection->filter, resource_type));
}

int32_t fhx__selection_takes(const fhx__selection *selection, uint32_t applied,
                             const fhx__facts *facts, const int64_t *row_updated_us,
                             const char *line, size_t len, bool *takes, fhx_error **error) {
  const fhx_filter *filter = selection->filter;
  /* A source that says so with new members was not told of the bound. */
  bool since_applied = (applied & FHX_APPLIED_SINCE) != 0 && fhx__selection_has_since(selection);
  bool until_applied = (applied & FHX_APPLIED_UNTIL) != 0;
  bool found = true;
  *takes = false;
  if (is_unresolved(selection)) return fail_unresolved(error);
  if (!until_applied && is_too_new(filter, facts, row_updated_us)) return FHX_OK;
  bool too_old = !since_applied && is_too_old(filter, facts, row_updated_us);
  /* Only a new member's data is taken whatever its age. */
  if (too_old && selection->new_members == NULL) return FHX_OK;
  int32_t status = FHX_OK;
  if ((applied & FHX_APPLIED_SEARCH) == 0) {
    status = fhx__filter_meets_queries(filter, facts, line, len, &found, error);
  }
  if (status == FHX_OK && found) {
    status = takes_patients(selection, applied, too_old, facts, line, len, &found, error);
  }
  *takes = status == FHX_OK && found;
  return status;
}
