/* Opens and closes the SQLite store. */
#include "store/sqlite_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/structs.h"

/* How long the opening waits for another process's transaction; a step waits in begin. */
#define OPEN_PATIENCE_MS 5000

static void close_store(void *user_data) {
  fhx__sqlite *db = user_data;
  for (int i = 0; i < FHX__SQL_COUNT; i++) sqlite3_finalize(db->statements[i]);
  sqlite3_close(db->connection);
  pthread_mutex_destroy(&db->lock);
  fhx__free(db);
}

static const fhx_store_callbacks sqlite_callbacks = {
    .size = sizeof(fhx_store_callbacks),
    .create_job = fhx__sqlite_create_job,
    .read_job = fhx__sqlite_read_job,
    .claim_task = fhx__sqlite_claim_task,
    .renew_task = fhx__sqlite_renew_task,
    .plan_tasks = fhx__sqlite_plan_tasks,
    .record_checkpoint = fhx__sqlite_record_checkpoint,
    .release_task = fhx__sqlite_release_task,
    .read_task = fhx__sqlite_read_task,
    .remove_job = fhx__sqlite_remove_job,
    .list_parts = fhx__sqlite_list_parts,
    .list_lines = fhx__sqlite_list_lines,
    .list_attempts = fhx__sqlite_list_attempts,
    .clean_job = fhx__sqlite_clean_job,
    .next_cleanup = fhx__sqlite_next_cleanup,
    .add_members = fhx__sqlite_add_members,
    .list_members = fhx__sqlite_list_members,
    .add_page = fhx__sqlite_add_page,
    .list_page = fhx__sqlite_list_page,
    .destroy = close_store,
    .hold_job = fhx__sqlite_hold_job,
    .list_jobs = fhx__sqlite_list_jobs,
};

/* Sees to a file of that name; a new one is empty and for its owner alone. It gets its name when
   its descriptor is closed already: to close one drops all locks of this process on the file, and
   another connection might have some by then. */
static int32_t make_file(const char *path, fhx_error **error) {
  static const char suffix[] = ".new-XXXXXX";
  if (access(path, F_OK) == 0) return FHX_OK;
  const size_t size = strlen(path) + sizeof suffix;
  char *draft = fhx__alloc(size);
  if (draft == NULL) return fhx__no_memory(error);
  snprintf(draft, size, "%s%s", path, suffix);
  int code = 0;
  int descriptor = mkstemp(draft);
  if (descriptor < 0) {
    code = errno;
  } else {
    close(descriptor);
    if (link(draft, path) != 0 && errno != EEXIST) code = errno;
    unlink(draft);
  }
  fhx__free(draft);
  if (code == 0) return FHX_OK;
  char text[128];
  return fhx__fail(error, FHX_ERR_STORE, "the store's file cannot be made: %s",
                   fhx__errno_text(code, text, sizeof text));
}

static int32_t open_file(fhx__sqlite *db, const char *path, fhx_error **error) {
  const bool in_memory = strcmp(path, ":memory:") == 0;
  int32_t status = in_memory ? FHX_OK : make_file(path, error);
  if (status != FHX_OK) return status;
  /* One step at a time has the connection, so SQLite needs no lock of its own on it. */
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  int code = sqlite3_open_v2(path, &db->connection, flags, NULL);
  if (code == SQLITE_NOMEM) return fhx__no_memory(error);
  if (code != SQLITE_OK) {
    return fhx__fail(error, FHX_ERR_STORE, "the store's file cannot be opened: %s",
                     sqlite3_errstr(code));
  }
  sqlite3_busy_timeout(db->connection, OPEN_PATIENCE_MS);
  status = fhx__sqlite_set_up(db->connection, in_memory, error);
  if (status != FHX_OK) return status;
  /* It must be at hand when there is no memory for anything: a transaction that stays open would
     lock the others out. */
  if (fhx__sqlite_statement(db, FHX__SQL_ROLLBACK) == NULL) return fhx__no_memory(error);
  sqlite3_busy_timeout(db->connection, 0);
  return FHX_OK;
}

/* The store's own memory, closed by close_store from here on. */
static int32_t make_store(const fhx_sqlite_store_options *options, fhx__sqlite **made,
                          fhx_error **error) {
  fhx__sqlite *db = fhx__alloc_zeroed(1, sizeof *db);
  if (db == NULL) return fhx__no_memory(error);
  if (pthread_mutex_init(&db->lock, NULL) != 0) {
    fhx__free(db);
    return fhx__fail(error, FHX_ERR_STORE, "the store's lock cannot be made");
  }
  db->clock = options->clock;
  db->clock_user_data = options->clock_user_data;
  *made = db;
  return FHX_OK;
}

int32_t fhx_sqlite_store_new(const fhx_sqlite_store_options *given, fhx_store **store,
                             fhx_error **error) {
  fhx_sqlite_store_options options;
  if (store == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "store is NULL");
  *store = NULL;
  int32_t status =
      fhx__struct_in(&options, sizeof options, given, "fhx_sqlite_store_options", error);
  if (status != FHX_OK) return status;
  if (options.path == NULL || *options.path == '\0') {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a SQLite store needs a path");
  }
  if (sqlite3_threadsafe() == 0) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED, "this SQLite was built without threads");
  }
  fhx__sqlite *db = NULL;
  status = make_store(&options, &db, error);
  if (status != FHX_OK) return status;
  status = open_file(db, options.path, error);
  if (status != FHX_OK) {
    close_store(db);
    return status;
  }
  return fhx_store_new(&sqlite_callbacks, db, store, error);
}
