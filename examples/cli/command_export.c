/*
 * `fhirexport export`: from resources that are at hand to parts at a destination. Here: a job from
 * its start, or from where an earlier run left it, to its end. The command line is in
 * export_settings.c, what is told meanwhile in progress.c, what outlives the process in state.c.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "export_settings.h"
#include "job_threads.h"
#include "json_line.h"
#include "stop.h"

#define NAME "export"

struct export_run {
  const struct export_settings *settings;
  fhx_job_options options;
  struct state state;
  fhx_job *job;
  struct progress progress;
  struct progress_now end;
  /* The job was asked to stop, and why: a signal, or SIGPIPE when nobody reads stdout any more. */
  int stopped_by;
};

/* Tells why it did not end well, on stderr and with --json on stdout, and returns `code`. */
__attribute__((format(printf, 3, 4))) static int fail(const struct export_run *run, int code,
                                                      const char *format, ...) {
  const char *event = code == EXIT_GOES_ON       ? "parked"
                      : code == EXIT_INTERRUPTED ? "cancelled"
                                                 : "failed";
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  complain(NAME, "%s", text);
  if (!run->settings->progress.json) return code;
  printf("{\"event\":\"%s\",\"code\":%d,\"message\":", event, code);
  json_string(stdout, text);
  fputs("}\n", stdout);
  (void)fflush(stdout);
  return code;
}

static int fail_by(const struct export_run *run, const char *what, int32_t status,
                   fhx_error *error) {
  int code = fail(run, exit_code_of(status), "%s%s", what, message_of(error));
  fhx_error_free(error);
  return code;
}

static bool keeps_state(const struct export_run *run) {
  return run->settings->state != NULL;
}

/* --- starting --- */

static int open_ends(struct export_run *run) {
  const struct export_settings *settings = run->settings;
  fhx_error *error = NULL;
  int32_t status = source_url_open(&settings->source, &run->options.source, &error);
  if (status != FHX_OK) return fail_by(run, "the source: ", status, error);
  status = destination_url_open(&settings->destination, &run->options.destination, &error);
  if (status != FHX_OK) return fail_by(run, "the destination: ", status, error);
  run->options.filter = settings->filter;
  run->options.associated_types = settings->associated_types;
  run->options.part_bytes = settings->part_bytes;
  if (settings->gzip) run->options.flags |= FHX_JOB_GZIP;
  if (settings->sha256) run->options.flags |= FHX_JOB_SHA256;
  /* Nobody writes to the files of a folder; a database may have writes in flight. */
  run->options.settle_us = settings->source.kind == SOURCE_NDJSON ? -1 : 0;
  return EXIT_DONE;
}

static void tell_start(const struct export_run *run, bool resumed) {
  if (!run->settings->progress.json) return;
  fputs("{\"event\":\"start\",\"job\":", stdout);
  json_string(stdout, fhx_job_id(run->job));
  printf(",\"resumed\":%s}\n", resumed ? "true" : "false");
  (void)fflush(stdout);
}

static int start_job(struct export_run *run) {
  const struct export_settings *settings = run->settings;
  fhx_error *error = NULL;
  int32_t status = fhx_job_start(&run->options, &run->job, &error);
  if (status != FHX_OK) return fail_by(run, "", status, error);
  if (!keeps_state(run)) return EXIT_DONE;
  return state_record(&run->state, fhx_job_id(run->job), settings->fixed, settings->fixed_count);
}

/* The job of the state file, if it has one that is not being removed. */
static int attach_job(struct export_run *run, bool *is_there) {
  fhx_error *error = NULL;
  *is_there = false;
  if (!keeps_state(run) || run->state.job_id[0] == '\0') return EXIT_DONE;
  int32_t status = fhx_job_attach(&run->options, run->state.job_id, &run->job, &error);
  if (status == FHX_ERR_NOT_FOUND) {
    fhx_error_free(error);
    return state_forget(&run->state);
  }
  if (status != FHX_OK) return fail_by(run, "going on with the export: ", status, error);
  *is_there = true;
  return EXIT_DONE;
}

/* --- running --- */

/* Ctrl-C cancels; what else asks to end keeps what is done, if it can be gone on with. */
static void stop_job(struct export_run *run, int reason) {
  fhx_error *error = NULL;
  run->stopped_by = reason;
  progress_break(&run->progress);
  if (reason != SIGINT && keeps_state(run)) {
    fhx_job_park(run->job);
    return;
  }
  if (!run->settings->progress.quiet) {
    complain(NAME, "removes what was written; one more signal ends it at once");
  }
  if (fhx_job_cancel(run->job, &error) != FHX_OK) {
    complain(NAME, "cancelling: %s", message_of(error));
  }
  fhx_error_free(error);
}

static void look(void *user_data) {
  struct export_run *run = user_data;
  if (run->stopped_by != 0) return;
  if (stop_signal() != 0) {
    stop_job(run, stop_signal());
  } else if (run->progress.broken) {
    stop_job(run, SIGPIPE);
  } else {
    progress_look(&run->progress);
  }
}

static int32_t run_job(struct export_run *run, fhx_error **error) {
  progress_begin(&run->progress, &run->settings->progress, run->job);
  run->progress.broken = ferror(stdout) != 0;
  int32_t status = job_threads_run(run->job, run->settings->worker_count, look, run, error);
  progress_end(&run->progress, status == FHX_OK || status == FHX_WAIT, &run->end);
  return status;
}

/* --- ending --- */

static int tell_done(struct export_run *run) {
  fhx_error *error = NULL;
  bool json = run->settings->progress.json;
  if (json) {
    fputs("{\"event\":\"complete\",\"job\":", stdout);
    json_string(stdout, fhx_job_id(run->job));
    fputc(',', stdout);
    progress_json(&run->end);
    fputs(",\"manifest\":", stdout);
  }
  bool done = json_manifest(stdout, run->job, json, &error);
  if (json) fputs("}\n", stdout); /* else the manifest has ended its line */
  done = fflush(stdout) == 0 && done;
  if (error != NULL) return fail_by(run, "the manifest: ", FHX_ERR_STORE, error);
  if (!done) {
    complain(NAME, "the manifest cannot be written to stdout: %s", strerror(errno));
    return EXIT_WRONG;
  }
  if (run->end.error_count > 0) {
    complain(NAME, "some resources were refused: see the manifest's error");
  }
  return EXIT_DONE;
}

/* The job cannot go on in this process, nor be taken up by another: its files are of no use. */
static void remove_job(struct export_run *run) {
  if (fhx_job_cancel(run->job, NULL) == FHX_OK) (void)fhx_job_run(run->job, NULL);
}

/* The exit code for how the job ended. */
static int tell_end(struct export_run *run, int32_t status, const fhx_error *error) {
  bool is_over = status == FHX_ERR_JOB_FAILED || status == FHX_ERR_CANCELLED;
  if (is_over && keeps_state(run)) (void)state_forget(&run->state);
  switch (status) {
    case FHX_OK:
      return tell_done(run);
    case FHX_WAIT:
      return fail(run, run->stopped_by == SIGPIPE ? EXIT_WRONG : EXIT_GOES_ON,
                  "stopped; what is done is kept, and the same command goes on");
    case FHX_ERR_CANCELLED:
      return fail(run, run->stopped_by == SIGPIPE ? EXIT_WRONG : EXIT_INTERRUPTED,
                  "%s; nothing is left of the export",
                  run->stopped_by == SIGPIPE ? "nobody reads what is printed" : "interrupted");
    case FHX_ERR_JOB_FAILED:
      return fail(run, EXIT_REFUSED, "%s", message_of(error));
    default:
      if (!keeps_state(run)) remove_job(run);
      return fail(run, EXIT_WRONG, "%s%s", message_of(error),
                  keeps_state(run) ? "; the same command goes on" : "");
  }
}

/* A job that is over is not run again: its manifest is told once more. */
static void tell_if_over(const struct export_run *run) {
  fhx_progress *progress = NULL;
  if (run->settings->progress.quiet) return;
  if (fhx_job_progress_new(run->job, &progress, NULL) != FHX_OK) return;
  if (fhx_progress_state(progress) == FHX_JOB_COMPLETE) {
    complain(NAME, "--state %s has this export, complete; for a new one take another file",
             run->settings->state);
  }
  fhx_progress_free(progress);
}

/* Runs the job that there is, or a new one; `*again`: that was the rest of a cancelled one. */
static int run_once(struct export_run *run, bool *again) {
  bool resumed = false;
  fhx_error *error = NULL;
  int code = attach_job(run, &resumed);
  if (code == EXIT_DONE && !resumed) code = start_job(run);
  if (code != EXIT_DONE) return code;
  if (resumed) tell_if_over(run);
  tell_start(run, resumed);
  int32_t status = run_job(run, &error);
  *again = status == FHX_ERR_CANCELLED && resumed && run->stopped_by == 0;
  if (*again) {
    code = state_forget(&run->state);
  } else {
    code = tell_end(run, status, error);
  }
  fhx_error_free(error);
  fhx_job_free(run->job);
  run->job = NULL;
  return code;
}

static int open_state(struct export_run *run) {
  const struct export_settings *settings = run->settings;
  if (!keeps_state(run)) return EXIT_DONE;
  int code = state_open(&run->state, NAME, settings->state);
  if (code == EXIT_DONE) code = state_find(&run->state, settings->fixed, settings->fixed_count);
  run->options.store = run->state.store;
  return code;
}

static int export_all(const struct export_settings *settings) {
  struct export_run run = {.settings = settings, .state = {.lock = -1}};
  FHX_INIT(&run.options);
  int code = open_state(&run);
  if (code == EXIT_DONE) code = open_ends(&run);
  bool again = true;
  stop_catch();
  while (code == EXIT_DONE && again) {
    again = false;
    code = run_once(&run, &again);
  }
  fhx_job_free(run.job);
  fhx_source_free(run.options.source);
  fhx_destination_free(run.options.destination);
  state_close(&run.state);
  return code;
}

int command_export(int argc, char **argv) {
  struct export_settings settings;
  int code = export_settings_read(&settings, argc, argv);
  if (code == EXIT_USAGE) {
    fputs("fhirexport export --help lists all options.\n", stderr);
  } else if (code == EXIT_DONE && settings.help) {
    fputs(export_help, stdout);
  } else if (code == EXIT_DONE && !export_settings_state(&settings)) {
    complain(NAME, "there is no memory");
    code = EXIT_WRONG;
  } else if (code == EXIT_DONE) {
    signal(SIGPIPE, SIG_IGN); /* told by what is written */
    code = export_all(&settings);
  }
  export_settings_free(&settings);
  return code;
}
