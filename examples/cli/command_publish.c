/*
 * `fhirexport publish`: one export, and what comes of it is published. The export writes its files
 * where they are published, so nothing is copied; what nobody publishes is removed.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "job_threads.h"
#include "json_line.h"
#include "publish_settings.h"
#include "stop.h"

#define NAME "publish"

struct publish_run {
  struct publish_settings *settings;
  fhx_job_options options;
  fhx_publication *publication;
  fhx_job *job;
  bool is_snapshot;
  uint64_t removed;
};

static int fail(const char *what, int code, fhx_error *error) {
  complain(NAME, "%s%s", what, message_of(error));
  fhx_error_free(error);
  return code;
}

static int fail_by(const char *what, int32_t status, fhx_error *error) {
  return fail(what, exit_code_of(status), error);
}

static int open_all(struct publish_run *run) {
  struct publish_settings *settings = run->settings;
  fhx_error *error = NULL;
  int32_t status = source_url_open(&settings->source, &run->options.source, &error);
  if (status != FHX_OK) return fail_by("the source: ", status, error);
  status = destination_url_open(&settings->destination, &run->options.destination, &error);
  if (status != FHX_OK) return fail_by("the destination: ", status, error);
  settings->publication.destination = run->options.destination;
  status = fhx_publication_open(&settings->publication, &run->publication, &error);
  return status == FHX_OK ? EXIT_DONE : fail_by("", status, error);
}

/* Without a chain that could go on, or when it is long enough, everything is published anew. */
static int choose(struct publish_run *run) {
  const struct publish_settings *settings = run->settings;
  fhx_error *error = NULL;
  const uint64_t updates = fhx_publication_update_count(run->publication);
  run->is_snapshot = settings->snapshot || fhx_publication_has_chain(run->publication) == 0 ||
                     (settings->updates_max != 0 && updates >= settings->updates_max);
  if (run->is_snapshot) return EXIT_DONE;
  const char *since = fhx_publication_time(run->publication);
  int32_t status = fhx_filter_set_since(settings->filter, since, &error);
  return status == FHX_OK ? EXIT_DONE : fail_by("", status, error);
}

static void look(void *user_data) {
  struct publish_run *run = user_data;
  if (stop_signal() != 0) (void)fhx_job_cancel(run->job, NULL);
}

/* What was exported and is not published goes. */
static void remove_job(struct publish_run *run) {
  if (run->job != NULL && fhx_job_cancel(run->job, NULL) == FHX_OK) {
    (void)fhx_job_run(run->job, NULL);
  }
}

static int export_all(struct publish_run *run) {
  const struct publish_settings *settings = run->settings;
  fhx_error *error = NULL;
  run->options.filter = settings->filter;
  run->options.part_bytes = settings->part_bytes;
  run->options.settle_us = settings->settle_us;
  int32_t status = fhx_job_start(&run->options, &run->job, &error);
  if (status != FHX_OK) return fail_by("", status, error);
  status = job_threads_run(run->job, settings->worker_count, look, run, &error);
  if (status == FHX_OK) {
    fhx_error_free(error);
    return EXIT_DONE;
  }
  if (status == FHX_ERR_CANCELLED) return fail("", EXIT_INTERRUPTED, error);
  if (status == FHX_ERR_JOB_FAILED) return fail("", EXIT_REFUSED, error);
  remove_job(run);
  return fail_by("", status, error);
}

/* After an error it may be published all the same, so nothing is removed. */
static int publish(struct publish_run *run) {
  const uint32_t flags = run->settings->final ? FHX_SNAPSHOT_FINAL : 0;
  fhx_error *error = NULL;
  int32_t status = run->is_snapshot
                       ? fhx_publication_snapshot(run->publication, run->job, flags, &error)
                       : fhx_publication_update(run->publication, run->job, &error);
  if (status != FHX_OK) return fail_by("", status, error);
  status = fhx_publication_remove_old(run->publication, &run->removed, &error);
  return status == FHX_OK ? EXIT_DONE : fail_by("removing what is old: ", status, error);
}

static int tell(const struct publish_run *run) {
  if (run->settings->quiet) return EXIT_DONE;
  printf(
      "{\"event\":\"published\",\"kind\":\"%s\",\"transactionTime\":\"%s\",\"updates\":%llu,"
      "\"removed\":%llu,\"url\":",
      run->is_snapshot ? "snapshot" : "update", fhx_publication_time(run->publication),
      (unsigned long long)fhx_publication_update_count(run->publication),
      (unsigned long long)run->removed);
  char url[4096];
  snprintf(url, sizeof url, "%s/$bulk-publish", run->settings->publication.base_url);
  json_string(stdout, url);
  fputs("}\n", stdout);
  return fflush(stdout) == 0 ? EXIT_DONE : EXIT_WRONG;
}

static int publish_all(struct publish_settings *settings) {
  struct publish_run run = {.settings = settings};
  FHX_INIT(&run.options);
  stop_catch();
  int code = open_all(&run);
  if (code == EXIT_DONE) code = choose(&run);
  if (code == EXIT_DONE) code = export_all(&run);
  if (code == EXIT_DONE) code = publish(&run);
  if (code == EXIT_DONE) code = tell(&run);
  fhx_job_free(run.job);
  fhx_publication_free(run.publication);
  fhx_source_free(run.options.source);
  fhx_destination_free(run.options.destination);
  return code;
}

int command_publish(int argc, char **argv) {
  struct publish_settings settings;
  int code = publish_settings_read(&settings, argc, argv);
  if (code == EXIT_USAGE) {
    fputs("fhirexport publish --help lists all options.\n", stderr);
  } else if (code == EXIT_DONE && settings.help) {
    fputs(publish_help, stdout);
  } else if (code == EXIT_DONE) {
    signal(SIGPIPE, SIG_IGN); /* told by what is written */
    code = publish_all(&settings);
  }
  publish_settings_free(&settings);
  return code;
}
