/* Opens and closes the PostgreSQL store. */
#include "store/postgres_store.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/structs.h"

#define LINKS_DEFAULT 8
#define LINKS_MAX 1000
/* Tables of so plain names have a schema of their own. */
#define SCHEMA_DEFAULT "fhirexport"

static void close_store(void *user_data) {
  fhx__postgres *store = user_data;
  fhx__libpq_pool_end(&store->pool);
  fhx__free(store);
}

static const fhx_store_callbacks postgres_callbacks = {
    .size = sizeof(fhx_store_callbacks),
    .create_job = fhx__pg_create_job,
    .read_job = fhx__pg_read_job,
    .claim_task = fhx__pg_claim_task,
    .renew_task = fhx__pg_renew_task,
    .plan_tasks = fhx__pg_plan_tasks,
    .record_checkpoint = fhx__pg_record_checkpoint,
    .release_task = fhx__pg_release_task,
    .read_task = fhx__pg_read_task,
    .remove_job = fhx__pg_remove_job,
    .list_parts = fhx__pg_list_parts,
    .list_lines = fhx__pg_list_lines,
    .list_attempts = fhx__pg_list_attempts,
    .clean_job = fhx__pg_clean_job,
    .next_cleanup = fhx__pg_next_cleanup,
    .add_members = fhx__pg_add_members,
    .list_members = fhx__pg_list_members,
    .add_page = fhx__pg_add_page,
    .list_page = fhx__pg_list_page,
    .destroy = close_store,
    .hold_job = fhx__pg_hold_job,
    .list_jobs = fhx__pg_list_jobs,
};

/* It stands between quotes in SQL, so it must have none; what libpq or the server would cut off is
   refused. */
static bool is_schema(const char *name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  const size_t len = strspn(name, more);
  return len != 0 && len <= FHX__PG_SCHEMA_MAX && name[len] == '\0' &&
         strchr(letters, *name) != NULL;
}

static int32_t check_options(const fhx_postgres_store_options *options, fhx_error **error) {
  if (options->flags != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "the store's flags are not 0");
  }
  if (options->conninfo == NULL || *options->conninfo == '\0') {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a PostgreSQL store needs a conninfo");
  }
  if (options->schema != NULL && !is_schema(options->schema)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the store's schema is no name of 1 to 63 letters, digits and '_'");
  }
  if (options->connections_max > LINKS_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "the store's connections_max is above 1000");
  }
  return fhx__libpq_check(options->conninfo, "store", error);
}

/* The store's own memory, closed by close_store from here on. */
static int32_t make_store(const fhx_postgres_store_options *options, fhx__postgres **made,
                          fhx_error **error) {
  fhx__postgres *store = fhx__alloc_zeroed(1, sizeof *store);
  if (store == NULL) return fhx__no_memory(error);
  const char *schema = options->schema == NULL ? SCHEMA_DEFAULT : options->schema;
  memcpy(store->schema, schema, strlen(schema) + 1);
  store->clock = options->clock;
  store->clock_user_data = options->clock_user_data;
  const uint32_t links_max = options->connections_max;
  int32_t status = fhx__libpq_pool_init(&store->pool, options->conninfo,
                                        links_max == 0 ? LINKS_DEFAULT : links_max);
  if (status == FHX_OK) {
    *made = store;
    return FHX_OK;
  }
  fhx__free(store);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return fhx__fail(error, FHX_ERR_STORE, "the store's lock cannot be made");
}

int32_t fhx_postgres_store_new(const fhx_postgres_store_options *given, fhx_store **store,
                               fhx_error **error) {
  fhx_postgres_store_options options;
  if (store == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "store is NULL");
  *store = NULL;
  int32_t status =
      fhx__struct_in(&options, sizeof options, given, "fhx_postgres_store_options", error);
  if (status == FHX_OK) status = check_options(&options, error);
  if (status != FHX_OK) return status;
  fhx__postgres *made = NULL;
  status = make_store(&options, &made, error);
  if (status != FHX_OK) return status;
  status = fhx__pg_set_up(made, fhx__pg_upgrades, FHX__PG_SCHEMA_VERSION, error);
  if (status != FHX_OK) {
    close_store(made);
    return status;
  }
  return fhx_store_new(&postgres_callbacks, made, store, error);
}
