/* Walks over a table of resources, the same for every database that a built-in source reads. */
#ifndef TEST_UNIT_TABLE_WALKS_H
#define TEST_UNIT_TABLE_WALKS_H

#include "source/source.h"

/* The stamp of the first of the patients. */
#define US_2026 INT64_C(1767225600000000)

/* All of type Patient, with a filter that takes everything. */
extern const fhx_query table_patients;

/* A database, and its words for the same tables. */
typedef struct table_kind {
  /* What a table of it is called in errors. */
  const char *name;
  /* Runs SQL, which must succeed. */
  void (*make)(const char *sql);
  /* A new table with `count` rows of Patient: ids p000, p001, ..., written in another order; JSON
     that says its number; stamps from US_2026 on. It also has one Encounter and one Patienta. */
  void (*make_patients)(int count);
  /* The source over it. */
  int32_t (*try_open)(fhx_source **source, fhx_error **error);
  /* SQL: a new table; 41 rows with "a/000", "b001", "c 002" and so on for ids and their number for
     JSON; a row of 40 MiB among 2,000 of 2,000 bytes; 50,000 without JSON. */
  const char *schema;
  const char *odd_ids;
  const char *huge_row;
  const char *empty_rows;
  /* Of so many windows the tokens of one are tried. */
  size_t token_step;
} table_kind;

/* All Patient rows, in small and in large batches; every token resumes. */
void table_check_patients(fhx_source *source, const char *const *rows, size_t count);
void table_check(const table_kind *kind, const char *const *rows, size_t count);
void table_check_walk_fails(const table_kind *kind, const char *message);
/* FILTER-01, -07: the table has the rows "9" to "12" with these stamps, and those of `always` (up
   to NULL) with none that can be compared. */
void table_check_windows(const table_kind *kind, const char *const *always);

/* What read_resource answers for a reference, and for all that can be wrong with one: there are
   some patients, and one "null" without JSON. */
void table_check_resource(fhx_source *source, const char *reference, int32_t status,
                          const char *json);
void table_check_resources(fhx_source *source);
/* Reads the patients, FHX_END at their end. On any thread. */
int32_t table_read_all(fhx_source *source, uint64_t *row_count);
/* Reads the patients by cursors of four threads, of which the last destroys the source. */
void table_check_threads(fhx_source *source, uint64_t row_count);

/* cmocka's tests; *state is the kind. */
void table_test_whole_set(void **state);
void table_test_empty_table(void **state);
void table_test_shards(void **state);
void table_test_shards_of_later_rows(void **state);
void table_test_shards_after_estimate(void **state);
void table_test_shards_of_odd_ids(void **state);
void table_test_bad_shard(void **state);
void table_test_huge_row(void **state);
void table_test_empty_rows(void **state);
void table_test_out_of_memory(void **state);

#endif
