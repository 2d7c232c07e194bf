/*
 * fhirexport-folder: exports a folder of NDJSON, or an SQLite table, to a folder, S3 or Azure.
 *
 * Here: how a host runs a job. Worker threads are inside fhx_job_run (job_threads.c); the main
 * thread watches the progress, and parks the job when it is told to stop. The command line is in
 * export_options.c, the table and the manifest are in export_report.c.
 */
#include "export_folder.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop_wanted = 0;

static void want_stop(int signal_number) {
  (void)signal_number;
  stop_wanted = 1;
}

/* The first signal asks, a second one kills: the handler is gone after its first use. */
static void catch_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = want_stop;
  action.sa_flags = (int)SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static double now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* With a store the job waits there to be taken up; without one its files would be of no use. */
static void stop_job(const struct settings *settings, fhx_job *job) {
  if (settings->store != NULL) {
    fhx_job_park(job);
    return;
  }
  fhx_error *error = NULL;
  if (fhx_job_cancel(job, &error) != FHX_OK) complain("stopping", error);
  fhx_error_free(error);
}

/* What the main thread knows while it watches. */
struct watch {
  const struct settings *settings;
  fhx_job *job;
  double start;
  bool show;
  bool stopped;
};

static void look(void *user_data) {
  struct watch *watch = user_data;
  if (watch->show) progress_show(watch->job, now_seconds() - watch->start);
  if (stop_wanted != 0 && !watch->stopped) {
    stop_job(watch->settings, watch->job);
    watch->stopped = true;
  }
}

/* Runs the job on as many threads as are wanted. Returns what fhx_job_run says of the job. */
static int32_t run_job(const struct settings *settings, fhx_job *job, fhx_error **error) {
  struct watch watch = {.settings = settings, .job = job, .start = now_seconds()};
  watch.show = !settings->quiet && isatty(STDERR_FILENO) == 1;
  int32_t status = job_threads_run(job, settings->thread_count, look, &watch, error);
  if (watch.show) progress_clear();
  return status;
}

static int32_t open_source(const struct settings *settings, fhx_source **source,
                           fhx_error **error) {
  if (settings->sqlite != NULL) {
    fhx_sqlite_source_options options;
    FHX_INIT(&options);
    options.path = settings->sqlite;
    options.deleted_table = settings->deleted_table;
    options.patient_table = settings->patient_table;
    return fhx_sqlite_source_new(&options, source, error);
  }
  fhx_folder_options options;
  FHX_INIT(&options);
  options.path = settings->folder;
  return fhx_folder_source_new(&options, source, error);
}

static int32_t open_destination(const struct settings *settings, fhx_destination **destination,
                                fhx_error **error) {
  (void)mkdir(settings->out, 0700); /* if this fails, the destination says why, or the manifest */
  if (settings->to != NULL) {
    umask(0077); /* whoever reads the manifest can follow its signed links */
    return destination_url_open(&settings->destination, destination, error);
  }
  fhx_directory_options options;
  FHX_INIT(&options);
  options.path = settings->out;
  return fhx_directory_destination_new(&options, destination, error);
}

static int32_t open_store(const struct settings *settings, fhx_store **store, fhx_error **error) {
  if (settings->store == NULL) return FHX_OK;
  fhx_sqlite_store_options options;
  FHX_INIT(&options);
  options.path = settings->store;
  return fhx_sqlite_store_new(&options, store, error);
}

static int32_t open_job(const struct settings *settings, const fhx_job_options *options,
                        fhx_job **job, fhx_error **error) {
  if (settings->resume != NULL) return fhx_job_attach(options, settings->resume, job, error);
  return fhx_job_start(options, job, error);
}

static int tell_complete(const struct settings *settings, fhx_job *job, double seconds) {
  bool done = report_write_manifest(job, settings->out);
  if (done && !settings->quiet) {
    done = report_print(job, settings->resume == NULL ? seconds : -1);
    printf("\n%.2f s on %u threads\n", seconds, settings->thread_count);
    if (settings->to != NULL) {
      printf("files     %s\n", settings->to);
    } else {
      printf("files     %s/%s/\n", settings->out, fhx_job_id(job));
    }
    printf("manifest  %s/%s.manifest.json\n", settings->out, fhx_job_id(job));
  }
  return done ? EXIT_COMPLETE : EXIT_FAILED;
}

static void tell_how_to_resume(const struct settings *settings, fhx_job *job) {
  fprintf(stderr, "To go on:\n  fhirexport-folder --%s %s --out %s%s%s --store %s --resume %s\n",
          settings->sqlite != NULL ? "sqlite" : "folder",
          settings->sqlite != NULL ? settings->sqlite : settings->folder, settings->out,
          settings->to != NULL ? " --to " : "", settings->to != NULL ? settings->to : "",
          settings->store, fhx_job_id(job));
}

/* Tells how it ended, and returns the exit code. */
static int tell(const struct settings *settings, fhx_job *job, int32_t status,
                const fhx_error *error, double seconds) {
  switch (status) {
    case FHX_OK:
      return tell_complete(settings, job, seconds);
    case FHX_WAIT:
      fputs("Parked. What is done is kept.\n", stderr);
      tell_how_to_resume(settings, job);
      return EXIT_PARKED;
    case FHX_ERR_CANCELLED:
      fputs(
          "Stopped; the files of this job are removed. With --store FILE it could be taken up "
          "again.\n",
          stderr);
      return EXIT_FAILED;
    default:
      complain("the export failed", error);
      if (status != FHX_ERR_JOB_FAILED && settings->store != NULL) {
        tell_how_to_resume(settings, job);
      }
      return EXIT_FAILED;
  }
}

/* Everything between the command line and the exit code. */
static int export_all(const struct settings *settings) {
  fhx_job_options options;
  FHX_INIT(&options);
  fhx_job *job = NULL;
  fhx_error *error = NULL;
  int code = EXIT_FAILED;
  options.filter = settings->filter;
  options.part_bytes = settings->part_bytes;
  options.provenance = settings->provenance;
  if (settings->by_patient) options.organize_by = "Patient";
  if (settings->gzip) options.flags |= FHX_JOB_GZIP;
  if (settings->sha256) options.flags |= FHX_JOB_SHA256;
  /* Nobody writes to the files of a folder; a database may have writes in flight. */
  options.settle_us = settings->folder != NULL ? -1 : 0;
  if (open_source(settings, &options.source, &error) != FHX_OK) {
    complain("reading the resources", error);
  } else if (open_destination(settings, &options.destination, &error) != FHX_OK) {
    complain(settings->to != NULL ? settings->to : settings->out, error);
  } else if (open_store(settings, &options.store, &error) != FHX_OK) {
    complain(settings->store, error);
  } else if (open_job(settings, &options, &job, &error) != FHX_OK) {
    complain(settings->resume != NULL ? "taking up the job" : "starting the job", error);
  } else {
    double start = now_seconds();
    int32_t status = run_job(settings, job, &error);
    code = tell(settings, job, status, error, now_seconds() - start);
  }
  fhx_job_free(job);
  fhx_store_free(options.store);
  fhx_destination_free(options.destination);
  fhx_source_free(options.source);
  fhx_error_free(error);
  return code;
}

int main(int argc, char **argv) {
  struct settings settings;
  int code = EXIT_USAGE;
  if (!settings_read(&settings, argc, argv)) {
    fputs("fhirexport-folder --help lists all options.\n", stderr);
  } else if (settings.help) {
    fputs(settings_help, stdout);
    code = EXIT_COMPLETE;
  } else {
    catch_signals();
    code = export_all(&settings);
  }
  settings_free(&settings);
  return code;
}
