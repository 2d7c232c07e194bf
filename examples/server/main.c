/*
 * fhirexport-server: a small FHIR server with $export, to be copied.
 *
 * What a server needs for $export is in three files: source.c (with cursor.c) reads the resources,
 * export.c hands requests to the engine, and here the engine is made and ended. The rest is a FHIR
 * server as anybody has one: http.c, routes.c, resources.c, database.c, load.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hooks.h"
#include "http.h"
#include "load.h"
#include "options.h"
#include "server.h"
#include "source.h"
#include "url_keys.h"

enum { EXIT_ENDED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define FILES_WANTED 65536
#define US INT64_C(1000000)
#define ROUNDS_A_SECOND 10

static void complain(const char *what, const char *problem) {
  fprintf(stderr, "fhirexport-server: %s: %s\n", what, problem);
}

/* --- signals --- */

/* Blocked here and in all threads to come; the main thread takes them one by one. */
static void block_signals(sigset_t *stops) {
  sigemptyset(stops);
  sigaddset(stops, SIGTERM);
  sigaddset(stops, SIGINT);
  pthread_sigmask(SIG_BLOCK, stops, NULL);
  signal(SIGPIPE, SIG_IGN);
}

/* Until a signal says to stop. */
static void serve(struct http *http, fhx_engine *engine, const sigset_t *stops) {
  const struct timespec pause = {0, 100000000};
  for (uint32_t round = 0; sigtimedwait(stops, NULL, &pause) < 0; round++) {
    http_tick(http);
    /* Leases are renewed by the engine's helpers; with --helpers 0, by this. */
    if (round % ROUNDS_A_SECOND == 0) fhx_engine_tick(engine, NULL);
  }
}

/* --- what the engine is made of --- */

static int32_t open_destination(const struct options *options, fhx_destination **destination,
                                fhx_error **error) {
  fhx_directory_options directory;
  (void)mkdir(options->destination, 0700); /* if this fails, the destination says why */
  FHX_INIT(&directory);
  directory.path = options->destination;
  return fhx_directory_destination_new(&directory, destination, error);
}

static int32_t open_store(const struct options *options, fhx_store **store, fhx_error **error) {
  fhx_sqlite_store_options settings;
  if (options->jobs == NULL) return FHX_OK;
  FHX_INIT(&settings);
  settings.path = options->jobs;
  return fhx_sqlite_store_new(&settings, store, error);
}

static void set_limits(const struct options *options, fhx_engine_options *engine) {
  engine->part_bytes = options->part_bytes;
  engine->part_count = options->part_count;
  engine->part_bytes_min = options->part_bytes_min;
  engine->bad_rows_limit = options->bad_rows_limit;
  engine->bad_rows_permille_limit = (uint32_t)options->bad_rows_permille_limit;
  engine->lease_us = (int64_t)options->lease_seconds * US;
  engine->keep_us = (int64_t)options->keep_seconds * US;
  engine->workers = (uint32_t)options->workers;
  engine->helpers = (uint32_t)options->helpers;
  engine->jobs_max = (uint32_t)options->jobs_max;
  engine->jobs_per_client_max = (uint32_t)options->jobs_per_client_max;
  engine->polls_max = (uint32_t)options->polls_max;
  engine->group_depth_max = (uint32_t)options->group_depth_max;
  engine->group_members_max = options->group_members_max;
  engine->associated_types = options->associated_types;
  engine->associated_values = options->associated_values;
  if (options->new_members) engine->job_flags |= FHX_JOB_NEW_MEMBERS;
  if (options->gzip) engine->job_flags |= FHX_JOB_GZIP;
  if (options->sha256) engine->job_flags |= FHX_JOB_SHA256;
  engine->target_bytes_max = options->target_bytes;
  engine->body_bytes_max = options->body_bytes;
  engine->flags = options->files_need_token ? FHX_ENGINE_FILES_NEED_TOKEN : 0;
}

static bool read_keys(const struct options *options, struct url_keys *keys,
                      fhx_engine_options *engine) {
  if (options->url_key_file == NULL) return true;
  if (!url_keys_read(options->url_key_file, keys)) return false;
  engine->url_keys = keys->keys;
  engine->url_key_lens = keys->lens;
  engine->url_key_count = keys->count;
  return true;
}

/* Makes the engine, which keeps references to its source, destination and store. */
static bool open_engine(const struct options *options, struct server *server) {
  fhx_engine_options engine;
  struct url_keys keys;
  fhx_error *error = NULL;
  const char *what = NULL;
  FHX_INIT(&engine);
  set_limits(options, &engine);
  engine.base_url = server->base_url;
  engine.attachment_hook = hook_attachment;
  engine.hook_data = server->base_url;
  bool has_keys = read_keys(options, &keys, &engine);
  if (has_keys) {
    if (server_source_new(server->database, options->part_count, &engine.source, &error) !=
        FHX_OK) {
      what = "the source";
    } else if (open_destination(options, &engine.destination, &error) != FHX_OK) {
      what = options->destination;
    } else if (open_store(options, &engine.store, &error) != FHX_OK) {
      what = options->jobs;
    } else if (fhx_engine_new(&engine, &server->engine, &error) != FHX_OK) {
      what = "the engine";
    }
  }
  if (what != NULL) complain(what, fhx_error_message(error));
  fhx_error_free(error);
  fhx_store_free(engine.store);
  fhx_destination_free(engine.destination);
  fhx_source_free(engine.source);
  url_keys_clear(&keys);
  return server->engine != NULL;
}

/* --- the server --- */

/* Connections, cursors and files take descriptors. */
static void allow_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_WANTED) return;
  limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_database(const struct options *options, struct server *server) {
  struct text problem = {NULL, 0, 0, false};
  struct load_counts counts = {0, 0, 0};
  bool done = database_open(options->database, &server->database, &problem) == DONE;
  if (!done) complain(options->database, problem.data == NULL ? "no memory" : problem.data);
  text_free(&problem);
  for (size_t i = 0; done && i < options->load_count; i++) {
    done = load_path(server->database, options->load[i], &counts);
  }
  if (done && options->load_count > 0) {
    fprintf(stderr, "fhirexport-server: loaded %llu resources, had %llu, left out %llu\n",
            (unsigned long long)counts.loaded, (unsigned long long)counts.known,
            (unsigned long long)counts.refused);
  }
  return done;
}

static bool open_listener(const struct options *options, struct listener *listener) {
  if (!listener_open(options->listen, listener)) return false;
  if (listener->loopback || options->allow_open) return true;
  complain(options->listen,
           "other machines could read and write everything (--auth none); --allow-open allows it");
  return false;
}

static struct http *open_http(const struct options *options, struct server *server,
                              struct listener *listener) {
  const struct http_limits limits = {options->target_bytes, options->header_bytes,
                                     options->body_bytes, (uint32_t)options->connections,
                                     (uint32_t)options->request_seconds};
  struct http *http = http_start(server, listener, &limits);
  if (http == NULL) complain(options->listen, "the HTTP server does not start");
  return http;
}

/* Everything between the command line and the exit code. Things end in an order that leaves nothing
   without what it uses: no new requests, jobs parked, answers given, then the rest. */
static int run(const struct options *options) {
  struct server server = {.base_url = options->base_url};
  struct listener listener = {.socket = -1};
  struct text base_url = {NULL, 0, 0, false};
  struct http *http = NULL;
  sigset_t stops;
  allow_files();
  bool done = open_listener(options, &listener) && open_database(options, &server);
  text_add_format(&base_url, "http://%s:%u%s", listener.host, (unsigned)listener.port, BASE_PATH);
  done = done && !base_url.failed;
  if (server.base_url == NULL) server.base_url = base_url.data;
  block_signals(&stops);
  if (done && database_now(server.database, &server.started_us) != DONE) {
    complain(options->database, "the database could not be written");
    done = false;
  }
  if (done && open_engine(options, &server)) http = open_http(options, &server, &listener);
  if (http != NULL) {
    printf("ready %s\n", base_url.data);
    fflush(stdout);
    serve(http, server.engine, &stops);
  }
  if (server.engine != NULL) fhx_engine_stop(server.engine);
  http_stop(http);
  fhx_engine_free(server.engine);
  database_close(server.database);
  if (listener.socket >= 0) close(listener.socket);
  text_free(&base_url);
  return http != NULL ? EXIT_ENDED : EXIT_FAILED;
}

int main(int argc, char **argv) {
  struct options options;
  int code = EXIT_USAGE;
  if (!options_read(&options, argc, argv)) {
    fputs("fhirexport-server --help lists all options.\n", stderr);
  } else if (options.help) {
    fputs(options_help, stdout);
    code = EXIT_ENDED;
  } else {
    code = run(&options);
  }
  options_free(&options);
  return code;
}
