/* A job that is cancelled while nobody runs it, and left so: its files are still to be removed. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka needs those above. */
#include <cmocka.h>

#include "job/run.h"
#include "job/steps.h"
#include "support/folder.h"
#include "support/require.h"
#include "support/setup.h"

static void attach(test_export *of, const char *job_id) {
  test_require_status(fhx_job_attach(&of->options, job_id, &of->job, NULL), FHX_OK);
}

/* As another version of the library may have left it. */
static void spoil_definition(const char *path) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(
      sqlite3_exec(db, "UPDATE job SET definition = '{\"version\":99}'", NULL, NULL, NULL),
      SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* lessons.md 13, 25: the names of what is to be removed outlive the process. */
static void remove_later(bool gzip, bool is_readable) {
  test_export of;
  char job_id[33], folder[TEST_PATH_MAX], path[TEST_PATH_MAX];
  fhx_sqlite_store_options memory;
  fhx_progress *progress = NULL;
  fhx_manifest *manifest = NULL;
  test_dataset *data = test_dataset_new(1, 40, 0);
  test_setting with = test_setting_usual(data);
  with.gzip = gzip;
  test_export_prepare(&of, &with);
  FHX_INIT(&memory);
  test_folder_new(folder);
  test_path_join(path, folder, "jobs.sqlite");
  memory.path = path;
  test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
  test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
  memcpy(job_id, fhx_job_id(of.job), sizeof job_id);
  test_require_status(fhx_job_run(of.job, NULL), FHX_OK);
  assert_true(test_destination_objects(of.destination).count > 0);
  test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
  fhx_job_free(of.job);
  if (!is_readable) spoil_definition(path);

  attach(&of, job_id);
  test_require_status(fhx_job_progress_new(of.job, &progress, NULL), FHX_OK);
  assert_int_equal(fhx_progress_state(progress), FHX_JOB_REMOVING);
  fhx_progress_free(progress);
  test_require_status(fhx_manifest_new(of.job, &manifest, NULL), FHX_ERR_NOT_FOUND);
  test_require_status(fhx_job_run(of.job, NULL), FHX_ERR_CANCELLED);
  test_export_check_nothing_left(&of);
  fhx_job_free(of.job);
  of.job = NULL;
  test_require_status(fhx_job_attach(&of.options, job_id, &of.job, NULL), FHX_ERR_NOT_FOUND);
  fhx_store_free(of.options.store);
  test_export_end(&of);
  test_dataset_free(data);
  test_folder_remove(folder);
}

/* In gzip they have other names; where nobody can read which, both are removed. */
static void test_files_are_removed_later(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    test_scenario("gzip %d, readable %d", i % 2, i / 2);
    remove_later(i % 2 == 1, i / 2 == 1);
  }
}

/* A worker claims a task, the job is cancelled, and only then the worker attaches to it. */
static void test_cancelled_since_the_claim(void **state) {
  (void)state;
  test_export of;
  fhx_sqlite_store_options memory;
  fhx__task_entry task;
  int64_t wait_us = 0;
  fhx_job *late = NULL;
  memset(&task, 0, sizeof task);
  test_dataset *data = test_dataset_new(1, 40, 0);
  test_setting with = test_setting_usual(data);
  test_export_prepare(&of, &with);
  FHX_INIT(&memory);
  memory.path = ":memory:";
  test_require_status(fhx_sqlite_store_new(&memory, &of.options.store, NULL), FHX_OK);
  test_require_status(fhx_job_start(&of.options, &of.job, NULL), FHX_OK);
  test_require_status(fhx_job_run_task(of.job, NULL), FHX_OK);
  test_require_status(fhx__step_claim(of.options.store, NULL, 60000000, 5, &task, &wait_us, NULL),
                      FHX_OK);
  assert_int_equal(task.record.phase, FHX_PHASE_MAIN);
  test_require_status(fhx_job_cancel(of.job, NULL), FHX_OK);
  test_require_status(fhx_job_attach(&of.options, fhx_job_id(of.job), &late, NULL), FHX_OK);
  test_require_status(fhx__job_run_claimed(late, &task.record, NULL), FHX_OK);
  /* It was given back, so the clean-up need not wait for the lease. */
  test_require_status(fhx_job_run(late, NULL), FHX_ERR_CANCELLED);
  test_export_check_nothing_left(&of);
  fhx__task_entry_free(&task);
  fhx_job_free(late);
  fhx_job_free(of.job);
  of.job = NULL;
  fhx_store_free(of.options.store);
  test_export_end(&of);
  test_dataset_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_files_are_removed_later),
                                     cmocka_unit_test(test_cancelled_since_the_claim)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
