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
#include <time.h>
#include <unistd.h>

#include "auth.h"
#include "client_add.h"
#include "client_destinations.h"
#include "hooks.h"
#include "http.h"
#include "instant.h"
#include "load.h"
#include "log.h"
#include "options.h"
#include "server.h"
#include "url_keys.h"

enum { EXIT_ENDED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define FILES_WANTED 65536
#define US INT64_C(1000000)
#define ROUNDS_A_SECOND 10

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
static void serve(struct http *http, const struct server *server, const sigset_t *stops) {
  const struct timespec pause = {0, 100000000};
  for (uint32_t round = 0; sigtimedwait(stops, NULL, &pause) < 0; round++) {
    http_tick(http);
    /* Leases are renewed by the engine's helpers; with --helpers 0, by this. */
    if (round % ROUNDS_A_SECOND != 0) continue;
    fhx_engine_tick(server->engine, NULL);
    if (server->page != NULL) page_tick(server->page, server->engine);
  }
}

/* --- what the engine is made of --- */

/* A URL may have a password in it. */
static const char *store_name(const char *jobs) {
  return database_is_postgres(jobs) ? "the jobs in PostgreSQL" : jobs;
}

static int32_t open_postgres_store(const struct options *options, fhx_store **store,
                                   fhx_error **error) {
  fhx_postgres_store_options settings;
  FHX_INIT(&settings);
  settings.conninfo = options->jobs;
  /* One for each thread that may be in a step. */
  settings.connections_max = (uint32_t)(options->workers + options->helpers + 2);
  if (settings.connections_max > 50) settings.connections_max = 50;
  return fhx_postgres_store_new(&settings, store, error);
}

static int32_t open_store(const struct options *options, fhx_store **store, fhx_error **error) {
  fhx_sqlite_store_options settings;
  if (options->jobs == NULL) return FHX_OK;
  if (database_is_postgres(options->jobs)) return open_postgres_store(options, store, error);
  FHX_INIT(&settings);
  settings.path = options->jobs;
  return fhx_sqlite_store_new(&settings, store, error);
}

static void set_limits(const struct options *options, fhx_engine_options *engine) {
  engine->part_bytes = options->part_bytes;
  engine->part_count = options->part_count;
  engine->shards_max = (uint32_t)options->shards_max;
  engine->part_bytes_min = options->part_bytes_min;
  engine->maximum_file_size_min = options->maximum_file_size_min;
  engine->bad_rows_limit = options->bad_rows_limit;
  engine->bad_rows_permille_limit = (uint32_t)options->bad_rows_permille_limit;
  engine->lease_us = (int64_t)options->lease_seconds * US;
  engine->keep_us = (int64_t)options->keep_seconds * US;
  engine->link_us = (int64_t)options->link_seconds * US;
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
  if (options->disabled) engine->flags |= FHX_ENGINE_DISABLED;
  if (options->join_identical) engine->flags |= FHX_ENGINE_JOIN_IDENTICAL;
}

static bool read_keys(const struct options *options, struct url_keys *keys,
                      fhx_engine_options *engine) {
  if (options->url_key_file == NULL) return true;
  if (!url_keys_read("--url-key-file", options->url_key_file, keys)) return false;
  engine->url_keys = keys->keys;
  engine->url_key_lens = keys->lens;
  engine->url_key_count = keys->count;
  return true;
}

/* Makes the engine, which keeps references to its source, destination and store. */
static bool open_engine(const struct options *options, struct server *server) {
  fhx_engine_options engine;
  struct url_keys keys;
  struct client_destinations clients;
  fhx_error *error = NULL;
  const char *what = NULL;
  FHX_INIT(&engine);
  set_limits(options, &engine);
  engine.base_url = server->base_url;
  engine.attachment_hook = hook_attachment;
  engine.hook_data = server->base_url;
  if (log_is_json()) engine.log = log_event;
  bool has_keys = read_keys(options, &keys, &engine);
  if (has_keys && client_destinations_use(options, &clients, &engine)) {
    if (database_open_source(server->database, options->part_count, &engine.source, &error) !=
        FHX_OK) {
      what = "the source";
    } else if (destination_url_open(&options->destination, &engine.destination, &error) != FHX_OK) {
      what = options->destination_text;
    } else if (open_store(options, &engine.store, &error) != FHX_OK) {
      what = store_name(options->jobs);
    } else if (fhx_engine_new(&engine, &server->engine, &error) != FHX_OK) {
      what = "the engine";
    }
  }
  if (what != NULL) log_problem(what, fhx_error_message(error));
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

static const char *database_name(const struct options *options) {
  const bool is_url = database_is_postgres(options->database);
  return is_url ? "the resources in PostgreSQL" : options->database;
}

static bool open_database(const struct options *options, struct server *server) {
  struct text problem = {NULL, 0, 0, false};
  const int64_t now_us = instant_now_us();
  struct load_counts counts = {.begun_us = now_us, .told_us = now_us};
  struct text note = {NULL, 0, 0, false};
  bool done = database_open(options->database, &server->database, &problem) == DONE;
  if (!done) log_problem(database_name(options), problem.data == NULL ? "no memory" : problem.data);
  text_free(&problem);
  for (size_t i = 0; done && i < options->load_count; i++) {
    done = load_path(server->database, options->load[i], &counts);
  }
  if (done && options->load_count > 0) {
    text_add_format(&note, "loaded %llu resources, had %llu, left out %llu; ",
                    (unsigned long long)counts.loaded, (unsigned long long)counts.known,
                    (unsigned long long)counts.refused);
    load_add_rate(&counts, &note);
    if (!note.failed) log_note(note.data);
    text_free(&note);
  }
  return done;
}

static bool open_published(const struct options *options, struct server *server) {
  fhx_error *error = NULL;
  const bool done = publish_open(server, options->publish, &error);
  if (!done) log_problem(options->publish, fhx_error_message(error));
  fhx_error_free(error);
  return done;
}

static bool is_https(const char *url) {
  return url != NULL && strncmp(url, "https://", 8) == 0;
}

/* Whether what clients send comes to them by https, if only as far as a proxy. */
static bool is_secret(const struct options *options) {
  return options->tls_cert_file != NULL || is_https(options->base_url);
}

static bool open_listener(const struct options *options, struct listener *listener) {
  if (!listener_open(options->listen, listener)) return false;
  if (listener->loopback) return true;
  if (options->smart || options->admin_token_file != NULL) {
    if (!is_secret(options)) {
      log_problem(options->listen,
                  "tokens would come here without encryption; give --tls-cert and --tls-key, or "
                  "--base-url https://... of the proxy that does it");
      return false;
    }
    if (options->smart) return true;
  }
  if (options->allow_open) return true;
  log_problem(
      options->listen,
      "other machines could read and write everything (--auth none); --allow-open allows it");
  return false;
}

static struct http *open_http(const struct options *options, struct server *server,
                              const struct tls *tls, struct listener *listener) {
  const struct http_limits limits = {options->target_bytes, options->header_bytes,
                                     options->body_bytes, (uint32_t)options->connections,
                                     (uint32_t)options->request_seconds};
  struct http *http = http_start(server, listener, tls, &limits);
  if (http == NULL) {
    log_problem(options->listen, tls->key == NULL ? "the HTTP server does not start"
                                                  : "the HTTP server does not start; look whether "
                                                    "--tls-cert and --tls-key belong together");
  }
  return http;
}

/* If there is to be one. */
static bool open_page(const struct options *options, struct server *server) {
  if (options->admin_token_file == NULL) return true;
  server->page = page_open(options->admin_token_file, is_secret(options));
  return server->page != NULL;
}

/* Beside the other base: behind its host, and behind what a proxy has in front of BASE_PATH. */
static void write_ballot_url(const struct server *server, struct text *url) {
  const size_t len = strlen(server->base_url), path_len = strlen(BASE_PATH);
  const char *host = strstr(server->base_url, "//") + 2;
  size_t kept = (size_t)(host - server->base_url) + strcspn(host, "/");
  if (len >= kept + path_len && strcmp(server->base_url + len - path_len, BASE_PATH) == 0) {
    kept = len - path_len;
  }
  text_add(url, server->base_url, kept);
  text_add_string(url, server->ballot_path);
}

/* Where requests come in, unless the options say how clients see it. */
static bool write_urls(const struct options *options, const struct listener *listener, bool has_tls,
                       struct server *server, struct text *base_url, struct text *ballot_url) {
  text_add_format(base_url, "%s://%s:%u%s", has_tls ? "https" : "http", listener->host,
                  (unsigned)listener->port, BASE_PATH);
  if (base_url->failed) return false;
  if (server->base_url == NULL) server->base_url = base_url->data;
  if (options->base4b != NULL) write_ballot_url(server, ballot_url);
  server->ballot_url = ballot_url->data;
  return !ballot_url->failed;
}

/* What the engine needs. It may begin threads. */
static bool open_parts(const struct options *options, struct server *server) {
  if (database_now(server->database, &server->started_us) != DONE) {
    log_problem(database_name(options), "the database could not be written");
    return false;
  }
  return auth_open(options, server) && open_page(options, server) &&
         open_published(options, server) && open_engine(options, server);
}

/* Everything between the command line and the exit code. Things end in an order that leaves nothing
   without what it uses: no new requests, jobs parked, answers given, then the rest. */
static int run(const struct options *options) {
  struct server server = {
      .base_url = options->base_url, .ballot_path = options->base4b, .disabled = options->disabled};
  struct listener listener = {.socket = -1};
  struct text base_url = {NULL, 0, 0, false}, ballot_url = {NULL, 0, 0, false};
  struct tls tls;
  struct http *http = NULL;
  sigset_t stops;
  allow_files();
  if (options->log_json) log_use_json(options->log_level);
  bool done = tls_read(options->tls_cert_file, options->tls_key_file, &tls) &&
              open_listener(options, &listener) && open_database(options, &server);
  /* Whoever asks from another machine is not known (--auth none). */
  server.has_metrics = listener.loopback || options->metrics;
  done = done && write_urls(options, &listener, tls.key != NULL, &server, &base_url, &ballot_url);
  block_signals(&stops);
  if (done && open_parts(options, &server)) http = open_http(options, &server, &tls, &listener);
  if (http != NULL) {
    printf("ready %s\n", base_url.data);
    fflush(stdout);
    serve(http, &server, &stops);
  }
  if (server.engine != NULL) fhx_engine_stop(server.engine);
  http_stop(http);
  fhx_engine_free(server.engine);
  auth_close(&server);
  page_close(server.page);
  fhx_destination_free(server.published);
  database_close(server.database);
  if (listener.socket >= 0) close(listener.socket);
  text_free(&base_url);
  text_free(&ballot_url);
  tls_free(&tls);
  return http != NULL ? EXIT_ENDED : EXIT_FAILED;
}

int main(int argc, char **argv) {
  struct options options;
  int code = EXIT_USAGE;
  if (argc > 2 && strcmp(argv[1], "client") == 0 && strcmp(argv[2], "add") == 0) {
    return client_add(argc - 3, argv + 3);
  }
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
