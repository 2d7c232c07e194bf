/*
 * The engine: ties the protocol to the jobs, and runs these on the host's threads and its own.
 */
#include <fhirexport/engine.h>
#include <fhirexport/metrics.h>
#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/condition.h"
#include "core/error.h"
#include "core/host_clock.h"
#include "core/structs.h"
#include "job/report.h"
#include "job/run.h"
#include "job/steps.h"
#include "job/work.h"
#include "protocol/job_list.h"
#include "protocol/service.h"
#include "writer/part_writer.h"

#define JOBS_DEFAULT 200
#define JOBS_PER_CLIENT_DEFAULT 32
#define POLLS_DEFAULT 100
#define ATTEMPTS_DEFAULT 5
#define TARGET_BYTES_DEFAULT (UINT64_C(16) << 10)
#define BODY_BYTES_DEFAULT (UINT64_C(1) << 20)
#define KEEP_DEFAULT_US INT64_C(86400000000)
#define KEEP_MAX_US INT64_C(3153600000000000)
#define LINK_DEFAULT_US INT64_C(3600000000)
#define LEASE_DEFAULT_US INT64_C(120000000)
#define THREADS_MAX 1024
/* What a client may want a file to have at most, at the least. */
#define FILE_BYTES_DEFAULT (UINT64_C(64) << 10)

/* A thread without work looks for some at least so often, and one of them cleans up. */
#define IDLE_US INT64_C(250000)
#define CLEAN_EVERY_US INT64_C(1000000)
#define STORE_PAUSE_US INT64_C(1000000)
#define COMPLAIN_US INT64_C(60000000)

struct fhx_engine {
  fhx__service service;
  uint32_t attempts_max;
  int64_t lease_us;
  pthread_t *threads;
  uint32_t thread_count;
  pthread_mutex_t mutex;
  /* Signalled by kick-off, cancel and stop. */
  pthread_cond_t changed;
  /* Under the mutex. */
  bool stopped;
  bool cleaning;
  int64_t cleaned_us;
  /* Whose files are being removed; and when it was last told that some cannot be. */
  fhx_job *cleaned;
  int64_t complained_us;
  /* Threads inside fhx_engine_run; and whose turn it is to be asked for a task. */
  atomic_uint runners;
  atomic_uint turn;
  /* It was told that the store cannot be reached. */
  atomic_bool store_is_lost;
};

FHX__DEFINE_INIT(fhx_engine_options)
FHX__DEFINE_INIT(fhx_request)

/* --- waiting --- */

static bool is_stopped(fhx_engine *engine) {
  pthread_mutex_lock(&engine->mutex);
  bool stopped = engine->stopped;
  pthread_mutex_unlock(&engine->mutex);
  return stopped;
}

static void wake(fhx_engine *engine) {
  pthread_mutex_lock(&engine->mutex);
  pthread_cond_broadcast(&engine->changed);
  pthread_mutex_unlock(&engine->mutex);
}

/* Until something has changed, or the time is over. */
static void idle(fhx_engine *engine, int64_t duration_us) {
  pthread_mutex_lock(&engine->mutex);
  if (!engine->stopped) {
    fhx__host_wait_us(&engine->service.clock, &engine->changed, &engine->mutex, duration_us);
  }
  pthread_mutex_unlock(&engine->mutex);
}

/* --- running --- */

/* Another process may have ended the job. */
static void look_for_end(fhx_job *job, void *context) {
  fhx_engine *engine = context;
  fhx_progress *progress = NULL;
  int32_t status = fhx_job_progress_new(job, &progress, NULL);
  fhx__service_settle_client(&engine->service, job, status, progress);
  fhx__service_settle(&engine->service, job, status, progress);
  fhx_progress_free(progress);
}

/*
 * A job object could not be had for a task that was claimed. A record that is there but cannot be
 * understood is the job's own fault, and must not stop the jobs behind it: the job fails. One that
 * another version has written is left to that: it may be there too, and has the task when our lease
 * is over.
 */
static int32_t give_up(fhx_engine *engine, const fhx_task_record *task, fhx_error *fault,
                       fhx_error **error) {
  fhx_store *store = engine->service.job_options.store;
  fhx__job_entry entry;
  memset(&entry, 0, sizeof entry);
  int32_t status = fhx_error_status(fault);
  if (status == FHX_ERR_NO_MEMORY || fhx_error_retryable(fault) != 0 ||
      fhx__step_read_job(store, task->job_id, 0, &entry, NULL) != FHX_OK) {
    fhx__job_entry_free(&entry);
    if (status != FHX_ERR_NOT_FOUND && error != NULL) {
      *error = fault;
      return status;
    }
    fhx_error_free(fault);
    return status == FHX_ERR_NOT_FOUND ? FHX_OK : status;
  }
  fhx__job_entry_free(&entry);
  fhx_error_free(fault);
  if (status == FHX_ERR_UNSUPPORTED) return FHX_OK;
  status = fhx__store_release_task(store, task->job_id, task->task_index, task->fence,
                                   FHX_RELEASE_FAIL, engine->attempts_max, FHX_ERR_STORE,
                                   "the job's record cannot be read", error);
  return status;
}

/* Runs a task that was claimed from the store, whichever job it is of. */
static int32_t run_claimed(fhx_engine *engine, const fhx_task_record *task, fhx_error **error) {
  fhx_job *job = NULL;
  fhx_error *fault = NULL;
  int32_t status = fhx__service_job(&engine->service, task->job_id, 0, &job, &fault);
  if (status != FHX_OK) return give_up(engine, task, fault, error);
  /* A stop that came between the claim and here has not seen this job. */
  if (is_stopped(engine)) fhx_job_park(job);
  status = fhx__service_equip(&engine->service, job, &fault);
  status = status == FHX_OK ? fhx__job_run_claimed(job, task, error)
                            : fhx__job_fail_claimed(job, task, fault, error);
  /* What is done now may have opened the next phase. */
  fhx__clients_rest(engine->service.clients, task->job_id, 0);
  look_for_end(job, engine);
  fhx__job_unref(job);
  return status;
}

/* A task of any job, or of this one. FHX_OK, FHX_WAIT, FHX_END when there is none. */
static int32_t claim(fhx_engine *engine, const char *job_id, fhx__task_entry *entry,
                     int64_t *wait_us, fhx_error **error) {
  int64_t asked_us = *wait_us;
  int32_t status = fhx__step_claim(engine->service.job_options.store, job_id, engine->lease_us,
                                   engine->attempts_max, entry, &asked_us, error);
  if (status == FHX_WAIT && asked_us < *wait_us) *wait_us = asked_us;
  if (status != FHX_ERR_NOT_FOUND) return status;
  fhx__clear_error(error);
  return FHX_END;
}

/* A task of a job that is held here: those the store gives to nobody who does not name them. */
static int32_t claim_held(fhx_engine *engine, fhx__task_entry *entry, int64_t *wait_us,
                          fhx_error **error) {
  fhx__clients *clients = engine->service.clients;
  char job_id[FHX__JOB_ID_LEN + 1];
  int32_t status = FHX_END;
  while (status > FHX_OK && fhx__clients_next_held(clients, job_id)) {
    status = claim(engine, job_id, entry, wait_us, error);
    /* Others need not ask the same within that time. */
    if (status > FHX_OK) fhx__clients_rest(clients, job_id, IDLE_US);
  }
  return status;
}

/* Held jobs and all others take turns, so that neither waits for the other's end. */
static int32_t claim_next(fhx_engine *engine, fhx__task_entry *entry, int64_t *wait_us,
                          fhx_error **error) {
  bool held_first = atomic_fetch_add(&engine->turn, 1) % 2 == 0;
  int32_t status = held_first ? claim_held(engine, entry, wait_us, error) : FHX_END;
  if (status > FHX_OK) status = claim(engine, NULL, entry, wait_us, error);
  if (status > FHX_OK && !held_first) status = claim_held(engine, entry, wait_us, error);
  return status;
}

/* FHX_OK: a task was run. FHX_WAIT: there is none, look again in *wait_us. */
static int32_t run_one(fhx_engine *engine, int64_t *wait_us, fhx_error **error) {
  fhx__task_entry entry;
  memset(&entry, 0, sizeof entry);
  *wait_us = IDLE_US;
  int32_t status = claim_next(engine, &entry, wait_us, error);
  if (status == FHX_OK) status = run_claimed(engine, &entry.record, error);
  fhx__task_entry_free(&entry);
  return status == FHX_END ? FHX_WAIT : status;
}

/* --- cleaning up --- */

/* For fhx_engine_stop to find; NULL: none. */
static void set_cleaned(fhx_engine *engine, fhx_job *job) {
  pthread_mutex_lock(&engine->mutex);
  engine->cleaned = job;
  if (job != NULL && engine->stopped) fhx_job_park(job);
  pthread_mutex_unlock(&engine->mutex);
}

/* What cannot be removed is looked at every second, and told of once a minute. */
static bool may_complain(fhx_engine *engine, int32_t status) {
  const int64_t now_us = fhx__clock_monotonic_us();
  if (status >= FHX_OK) return false;
  pthread_mutex_lock(&engine->mutex);
  const bool may = engine->complained_us == 0 || now_us - engine->complained_us > COMPLAIN_US;
  if (may) engine->complained_us = now_us;
  pthread_mutex_unlock(&engine->mutex);
  return may;
}

/* What cannot be removed now is tried again at the next round. */
static void clean_job(fhx_engine *engine, const char *job_id) {
  fhx_job *job = NULL;
  fhx_error *fault = NULL;
  int64_t wait_us = 0;
  fhx__service *service = &engine->service;
  fhx__service_forget(service, job_id);
  if (fhx__job_attach(&service->job_options, job_id, 0, &job, NULL) != FHX_OK) return;
  const int64_t began_us = fhx__clock_monotonic_us();
  job->watch = service->watch;
  if (fhx__service_equip_to_clean(service, job)) {
    set_cleaned(engine, job);
    int32_t status = fhx__job_clean_round(job, &wait_us, &fault);
    set_cleaned(engine, NULL);
    fhx__service_end_clean(service, job, status, fault);
    fhx__report_clean(job, status, fault, began_us, may_complain(engine, status));
    fhx_error_free(fault);
  }
  fhx__job_unref(job);
}

static void clean_jobs(fhx_engine *engine) {
  char job_id[FHX__JOB_ID_LEN + 1] = "";
  fhx__service *service = &engine->service;
  while (!is_stopped(engine) &&
         fhx__store_next_cleanup(service->job_options.store, service->keep_us,
                                 *job_id == '\0' ? NULL : job_id, job_id, NULL) == FHX_OK) {
    clean_job(engine, job_id);
  }
}

/* One thread at a time, every now and then. */
static void clean_if_due(fhx_engine *engine) {
  int64_t now_us = fhx__host_monotonic_us(&engine->service.clock);
  pthread_mutex_lock(&engine->mutex);
  bool due = !engine->cleaning && now_us - engine->cleaned_us >= CLEAN_EVERY_US;
  if (due) engine->cleaning = true;
  pthread_mutex_unlock(&engine->mutex);
  if (!due) return;
  /* Nobody here may ever run or poll again what another process has ended. */
  fhx__service_visit(&engine->service, look_for_end, engine, NULL);
  clean_jobs(engine);
  now_us = fhx__host_monotonic_us(&engine->service.clock);
  pthread_mutex_lock(&engine->mutex);
  engine->cleaning = false;
  engine->cleaned_us = now_us;
  pthread_mutex_unlock(&engine->mutex);
}

/* --- the store, as workers find it --- */

static void report_lost(fhx_engine *engine, const fhx_error *fault) {
  fhx_log_event event;
  fhx__watch *watch = engine->service.watch;
  fhx__watch_add(watch, FHX__COUNT_STORE_LOST, 1);
  if (atomic_exchange(&engine->store_is_lost, true)) return;
  fhx__event_begin(&event, watch, FHX__EVENT_STORE_LOST);
  fhx__event_error(&event, fault);
  fhx__event_tell(&event);
}

static void report_back(fhx_engine *engine) {
  fhx_log_event event;
  if (!atomic_load_explicit(&engine->store_is_lost, memory_order_relaxed) ||
      !atomic_exchange(&engine->store_is_lost, false)) {
    return;
  }
  fhx__event_begin(&event, engine->service.watch, FHX__EVENT_STORE_BACK);
  fhx__event_tell(&event);
}

/* What ends fhx_engine_run. Lack of memory says nothing of the store. */
static int32_t give_error(fhx_engine *engine, int32_t status, fhx_error *fault, fhx_error **error) {
  if (status != FHX_ERR_NO_MEMORY) report_lost(engine, fault);
  fhx__give_error(error, fault);
  return status;
}

static int32_t run(fhx_engine *engine, fhx_error **error) {
  while (!is_stopped(engine)) {
    int64_t wait_us = 0;
    fhx_error *fault = NULL;
    fhx__clients_renew(engine->service.clients);
    int32_t status = run_one(engine, &wait_us, &fault);
    if (status < 0) return give_error(engine, status, fault, error);
    report_back(engine);
    clean_if_due(engine);
    if (status == FHX_WAIT) idle(engine, wait_us < IDLE_US ? wait_us : IDLE_US);
  }
  return FHX_WAIT;
}

int32_t fhx_engine_run(fhx_engine *engine, fhx_error **error) {
  if (engine == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "the engine is NULL");
  atomic_fetch_add(&engine->runners, 1);
  int32_t status = run(engine, error);
  atomic_fetch_sub(&engine->runners, 1);
  return status;
}

static void renew_leases(fhx_job *job, void *context) {
  (void)context;
  fhx__job_renew_leases(job);
}

int32_t fhx_engine_tick(fhx_engine *engine, fhx_error **error) {
  if (engine == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "the engine is NULL");
  /* Who runs no jobs holds none. */
  if (atomic_load(&engine->runners) > 0) fhx__clients_renew(engine->service.clients);
  return fhx__service_visit(&engine->service, renew_leases, NULL, error);
}

/* --- threads of the engine --- */

/* A store that cannot be reached is asked again until the engine is stopped. */
static void *work(void *context) {
  fhx_engine *engine = context;
  while (fhx_engine_run(engine, NULL) != FHX_WAIT) idle(engine, STORE_PAUSE_US);
  return NULL;
}

static void *help(void *context) {
  fhx_engine *engine = context;
  while (!is_stopped(engine)) {
    fhx_engine_tick(engine, NULL);
    idle(engine, engine->lease_us / 4);
  }
  return NULL;
}

static int32_t start_threads(fhx_engine *engine, const fhx_engine_options *options,
                             fhx_error **error) {
  uint32_t wanted = options->workers + options->helpers;
  engine->threads = fhx__alloc_zeroed(wanted == 0 ? 1 : wanted, sizeof *engine->threads);
  if (engine->threads == NULL) return fhx__no_memory(error);
  for (uint32_t i = 0; i < wanted; i++) {
    void *(*body)(void *) = i < options->workers ? work : help;
    if (pthread_create(&engine->threads[i], NULL, body, engine) != 0) {
      return fhx__fail(error, FHX_ERR_LIMIT, "a thread of the engine could not be started");
    }
    engine->thread_count++;
  }
  return FHX_OK;
}

/* --- making and freeing --- */

static int32_t check_options(const fhx_engine_options *options, bool serves_files,
                             fhx_error **error) {
  if ((options->flags &
       ~(FHX_ENGINE_FILES_NEED_TOKEN | FHX_ENGINE_DISABLED | FHX_ENGINE_JOIN_IDENTICAL)) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "flags holds a bit that is not FHX_ENGINE_...");
  }
  if (options->base_url == NULL || !fhx__is_base_url(options->base_url)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "base_url is not an absolute URL without a slash at its end");
  }
  if (options->url_key_count != 0 && (options->url_keys == NULL || options->url_key_lens == NULL)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "url_keys or url_key_lens is NULL");
  }
  if (serves_files && options->store != NULL && options->url_key_count == 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "url_keys are needed: links to files outlive the process as the store does");
  }
  if (options->keep_us < 0 || options->link_us < 0 || options->keep_us > KEEP_MAX_US ||
      options->link_us > KEEP_MAX_US) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "keep_us or link_us is negative or longer than 100 years");
  }
  if (options->workers > THREADS_MAX || options->helpers > THREADS_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "workers or helpers is over %d", THREADS_MAX);
  }
  return fhx__check_ig_version(options->ig_version, error);
}

static void use_job_options(fhx_job_options *job, const fhx_engine_options *options) {
  FHX_INIT(job);
  job->flags = options->job_flags;
  job->part_bytes = options->part_bytes;
  job->part_count = options->part_count;
  job->resource_bytes_max = options->resource_bytes_max;
  job->lease_us = options->lease_us;
  job->settle_us = options->settle_us;
  job->stall_us = options->stall_us;
  job->attempts_max = options->attempts_max;
  job->shards_max = options->shards_max;
  job->depth_max = options->depth_max;
  job->group_depth_max = options->group_depth_max;
  job->group_members_max = options->group_members_max;
  job->part_bytes_min = options->part_bytes_min;
  job->bad_rows_limit = options->bad_rows_limit;
  job->bad_rows_permille_limit = options->bad_rows_permille_limit;
  job->resource_hook = options->resource_hook;
  job->attachment_hook = options->attachment_hook;
  job->hook_data = options->hook_data;
  job->helpers = options->helpers == 0 ? 0 : 1;
  job->worker_bytes = options->worker_bytes;
}

static uint64_t or_default(uint64_t value, uint64_t fallback) {
  return value == 0 ? fallback : value;
}

static void use_limits(fhx_engine *engine, const fhx_engine_options *options) {
  fhx__service *service = &engine->service;
  service->started_us = fhx__host_now_us(&service->clock);
  service->keep_us = options->keep_us == 0 ? KEEP_DEFAULT_US : options->keep_us;
  service->link_us = options->link_us == 0 ? LINK_DEFAULT_US : options->link_us;
  service->target_bytes_max = or_default(options->target_bytes_max, TARGET_BYTES_DEFAULT);
  service->body_bytes_max = or_default(options->body_bytes_max, BODY_BYTES_DEFAULT);
  service->jobs_max = (uint32_t)or_default(options->jobs_max, JOBS_DEFAULT);
  service->jobs_per_client_max =
      (uint32_t)or_default(options->jobs_per_client_max, JOBS_PER_CLIENT_DEFAULT);
  service->polls_max = (uint32_t)or_default(options->polls_max, POLLS_DEFAULT);
  engine->attempts_max = (uint32_t)or_default(options->attempts_max, ATTEMPTS_DEFAULT);
  engine->lease_us = options->lease_us == 0 ? LEASE_DEFAULT_US : options->lease_us;
}

/* What kick-offs are read by. */
static int32_t use_rules(fhx__service *service, const fhx_engine_options *options,
                         fhx_error **error) {
  const fhx__export_settings settings = {
      .fhir_version = options->fhir_version,
      .associated_types = options->associated_types,
      .associated_values = options->associated_values,
      .compartment_paths = options->compartment_paths,
      .compartment_path_count = options->compartment_path_count,
      .file_bytes_min = or_default(options->maximum_file_size_min, FILE_BYTES_DEFAULT),
      .file_bytes_max = or_default(options->part_bytes, FHX__PART_BYTES_DEFAULT)};
  int32_t status = fhx__export_rules_init(&service->rules, &settings, error);
  if (status != FHX_OK) return status;
  service->polls = fhx__polls_new();
  return service->polls == NULL ? fhx__no_memory(error) : FHX_OK;
}

static int32_t open_store(fhx_engine *engine, const fhx_engine_options *options,
                          fhx_error **error) {
  fhx_job_options *job = &engine->service.job_options;
  if (options->store != NULL) {
    job->store = fhx__store_ref(options->store);
    return FHX_OK;
  }
  fhx_sqlite_store_options memory;
  FHX_INIT(&memory);
  memory.path = ":memory:";
  memory.clock = engine->service.clock.now;
  memory.clock_user_data = engine->service.clock.user_data;
  return fhx_sqlite_store_new(&memory, &job->store, error);
}

/* What a kick-off may ask for, as far as that is for the host's source and store to say. */
static void use_abilities(fhx__service *service) {
  const fhx_job_options *job = &service->job_options;
  service->rules.knows_patients = fhx__source_knows_patients(job->source);
  service->rules.reads_resources = fhx__source_reads_resources(job->source);
  service->rules.has_pages = fhx__store_has_pages(job->store);
  service->rules.takes_destinations = service->clients != NULL;
}

/* What can fail; all that was made is in the engine. */
static int32_t fill(fhx_engine *engine, const fhx_engine_options *options, fhx_error **error) {
  fhx__service *service = &engine->service;
  if (options->source == NULL || options->destination == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "an engine needs a source and a destination");
  }
  service->serves_files = fhx__destination_serves_files(options->destination);
  service->files_need_token = (options->flags & FHX_ENGINE_FILES_NEED_TOKEN) != 0;
  service->ig_version = options->ig_version == 0 ? FHX_IG_STU3 : options->ig_version;
  service->is_disabled = (options->flags & FHX_ENGINE_DISABLED) != 0;
  service->joins_identical = (options->flags & FHX_ENGINE_JOIN_IDENTICAL) != 0;
  service->watch->log = options->log;
  service->watch->log_user_data = options->log_user_data;
  int32_t status = check_options(options, service->serves_files, error);
  if (status != FHX_OK) return status;
  status = fhx__host_clock_read(&service->clock, options->clock, error);
  if (status != FHX_OK) return status;
  use_job_options(&service->job_options, options);
  service->job_options.clock = &service->clock;
  service->watch->clock = service->clock;
  status = use_rules(service, options, error);
  if (status != FHX_OK) return status;
  service->job_options.source = fhx__source_ref(options->source);
  service->job_options.destination = fhx__destination_ref(options->destination);
  status = fhx__job_check_options(&service->job_options, error);
  if (status != FHX_OK) return status;
  use_limits(engine, options);
  service->base_url = fhx__copy_text(options->base_url);
  if (service->base_url == NULL) return fhx__no_memory(error);
  status = open_store(engine, options, error);
  if (status == FHX_OK && service->clients != NULL) {
    status = fhx__clients_use_store(service->clients, service->job_options.store, engine->lease_us,
                                    &service->clock, error);
  }
  if (status != FHX_OK) return status;
  use_abilities(service);
  status = fhx__link_keys_init(&service->keys, options->url_keys, options->url_key_lens,
                               options->url_key_count, error);
  return status == FHX_OK ? start_threads(engine, options, error) : status;
}

static int32_t allocate(fhx_engine **made, fhx_error **error) {
  fhx_engine *engine = fhx__alloc_zeroed(1, sizeof *engine);
  if (engine == NULL) return fhx__no_memory(error);
  engine->service.watch = fhx__watch_new();
  if (engine->service.watch == NULL) {
    fhx__free(engine);
    return fhx__no_memory(error);
  }
  if (pthread_mutex_init(&engine->mutex, NULL) == 0) {
    if (pthread_mutex_init(&engine->service.mutex, NULL) == 0) {
      if (fhx__condition_init(&engine->changed) == 0) {
        *made = engine;
        return FHX_OK;
      }
      pthread_mutex_destroy(&engine->service.mutex);
    }
    pthread_mutex_destroy(&engine->mutex);
  }
  fhx__watch_unref(engine->service.watch);
  fhx__free(engine);
  return fhx__no_memory(error);
}

int32_t fhx_engine_new(const fhx_engine_options *given, fhx_engine **made, fhx_error **error) {
  fhx_engine_options options;
  fhx_engine *engine = NULL;
  fhx__clients *clients = NULL;
  int32_t status = fhx__struct_in(&options, sizeof options, given, "fhx_engine_options", error);
  if (status == FHX_OK && made == NULL) {
    status = fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place for the engine");
  }
  if (status == FHX_OK) status = fhx__clients_new(options.client_destinations, &clients, error);
  if (status != FHX_OK) return status;
  status = allocate(&engine, error);
  if (status != FHX_OK) {
    fhx__clients_free(clients);
    return status;
  }
  engine->service.clients = clients;
  status = fill(engine, &options, error);
  if (status != FHX_OK) {
    fhx_engine_free(engine);
    return status;
  }
  *made = engine;
  return FHX_OK;
}

int32_t fhx_engine_handle(fhx_engine *engine, const fhx_request *request, fhx_response **response,
                          fhx_error **error) {
  if (engine == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "the engine is NULL");
  int32_t status = fhx__answer(&engine->service, request, response, error);
  /* A kick-off has made work, a cancel something to clean up. */
  if (status == FHX_OK && fhx_response_status(*response) == 202) wake(engine);
  return status;
}

int32_t fhx_engine_jobs(fhx_engine *engine, const fhx_job_list_options *options,
                        fhx_job_page **page, fhx_error **error) {
  if (engine == NULL || page == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a page of jobs needs an engine and a place");
  }
  return fhx__service_jobs(&engine->service, options, page, error);
}

/* What is known here of jobs that run: how many, and since when the oldest waits for its turn. */
typedef struct open_jobs {
  uint64_t count;
  int64_t oldest_us;
} open_jobs;

static void look_at(fhx_job *job, void *context) {
  open_jobs *of = context;
  const int64_t created_us = job->record->created_us;
  of->count++;
  if (atomic_load_explicit(&job->begun, memory_order_relaxed)) return;
  if (of->oldest_us == 0 || created_us < of->oldest_us) of->oldest_us = created_us;
}

int32_t fhx_engine_metrics_new(fhx_engine *engine, fhx_metrics **metrics, fhx_error **error) {
  open_jobs open = {0, 0};
  if (engine == NULL || metrics == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no engine, or no place for its metrics");
  }
  fhx__service *service = &engine->service;
  int32_t status = fhx__service_visit(service, look_at, &open, error);
  if (status != FHX_OK) return status;
  const fhx__levels levels = {
      open.count, open.oldest_us == 0 ? 0 : fhx__host_now_us(&service->clock) - open.oldest_us,
      fhx__store_answers_lost(service->job_options.store)};
  return fhx__metrics_new(service->watch, &levels, metrics, error);
}

void fhx_engine_stop(fhx_engine *engine) {
  if (engine == NULL) return;
  pthread_mutex_lock(&engine->mutex);
  engine->stopped = true;
  fhx_job_park(engine->cleaned);
  pthread_cond_broadcast(&engine->changed);
  pthread_mutex_unlock(&engine->mutex);
  fhx__service_each(&engine->service, fhx_job_park);
}

void fhx_engine_free(fhx_engine *engine) {
  if (engine == NULL) return;
  fhx_engine_stop(engine);
  for (uint32_t i = 0; i < engine->thread_count; i++) pthread_join(engine->threads[i], NULL);
  fhx__service_close(&engine->service);
  /* A response that is freed too late finds no log any more. */
  engine->service.watch->log = NULL;
  fhx__watch_unref(engine->service.watch);
  fhx__free(engine->threads);
  pthread_cond_destroy(&engine->changed);
  pthread_mutex_destroy(&engine->service.mutex);
  pthread_mutex_destroy(&engine->mutex);
  fhx__free(engine);
}
