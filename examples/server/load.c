/*
 * Filling the database. A resource keeps its meta.lastUpdated, and gets the time of loading if it
 * has none. One that the database has already is replaced only by a newer one, so a server can be
 * started with the same files again.
 */
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "bundle.h"
#include "instant.h"
#include "log.h"
#include "resource.h"

#define CHUNK (1u << 20)
#define TRANSACTION_MAX 20000
#define COMPLAINTS_MAX 20
#define NOTE_EVERY_US INT64_C(5000000)

struct loading {
  struct database *database;
  struct load_counts *counts;
  const char *path;
  uint64_t line;
  /* The open transaction. */
  bool open;
  uint64_t written;
  int64_t stamp_us;
  bool failed;
};

static void refuse(struct loading *loading, const char *problem) {
  if (loading->counts->refused++ < COMPLAINTS_MAX) {
    struct text what = {NULL, 0, 0, false};
    text_add_format(&what, "%s:%llu: left out", loading->path, (unsigned long long)loading->line);
    log_problem(what.failed ? loading->path : what.data, problem);
    text_free(&what);
  }
}

/* --- the transaction --- */

static void fail(struct loading *loading) {
  if (!loading->failed) log_problem(loading->path, "the database could not be written");
  loading->failed = true;
}

static void end_transaction(struct loading *loading) {
  if (!loading->open) return;
  loading->open = false;
  if (database_end(loading->database, !loading->failed) != DONE) fail(loading);
}

static bool begin_transaction(struct loading *loading) {
  if (loading->open && loading->written >= TRANSACTION_MAX) end_transaction(loading);
  if (loading->failed) return false;
  if (loading->open) return true;
  loading->written = 0;
  loading->open = database_begin(loading->database, &loading->stamp_us) == DONE;
  if (!loading->open) fail(loading);
  return loading->open;
}

/* --- one resource --- */

/* Now and then, so that somebody who waits knows how long. */
static void tell_progress(struct loading *loading) {
  struct load_counts *counts = loading->counts;
  struct text note = {NULL, 0, 0, false};
  if (counts->loaded % 1000 != 0) return;
  const int64_t now_us = instant_now_us();
  if (now_us < counts->told_us + NOTE_EVERY_US) return;
  counts->told_us = now_us;
  text_add_format(&note, "%s: line %llu; loaded %llu resources, ", loading->path,
                  (unsigned long long)loading->line, (unsigned long long)counts->loaded);
  load_add_rate(counts, &note);
  if (!note.failed) log_note(note.data);
  text_free(&note);
}

static void write_resource(struct loading *loading, const struct resource *resource,
                           int64_t version) {
  struct text stamped = {NULL, 0, 0, false};
  const char *json = resource->json;
  size_t len = resource->len;
  int64_t updated_us = resource->has_updated ? resource->updated_us : loading->stamp_us;
  if (!resource->has_updated) {
    resource_write(resource, 0, updated_us, &stamped);
    json = stamped.data;
    len = stamped.len;
  }
  if (stamped.failed || database_write(loading->database, resource->type, resource->id, version,
                                       updated_us, json, len) != DONE) {
    fail(loading);
  } else {
    loading->counts->loaded++;
    loading->written++;
    tell_progress(loading);
  }
  text_free(&stamped);
}

static void load_resource(void *context, const char *json, size_t len) {
  struct loading *loading = context;
  struct resource resource;
  struct stored newest;
  const char *problem = resource_read(json, len, &resource);
  if (problem != NULL) {
    refuse(loading, problem);
    return;
  }
  if (!begin_transaction(loading)) return;
  enum result found = database_look(loading->database, resource.type, resource.id, &newest);
  if (found == FAILED) {
    fail(loading);
  } else if (found == DONE && (!resource.has_updated || resource.updated_us <= newest.updated_us)) {
    loading->counts->known++;
  } else {
    write_resource(loading, &resource, newest.version + 1);
  }
}

/* --- files --- */

static bool is_blank(const char *line, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (strchr(" \t\r\n", line[i]) == NULL) return false;
  }
  return true;
}

static void load_line(struct loading *loading, const char *line, size_t len) {
  loading->line++;
  if (!is_blank(line, len)) load_resource(loading, line, len);
}

/* Loads the whole lines of `text` and keeps the rest in it. */
static void load_lines(struct loading *loading, struct text *text) {
  size_t begin = 0;
  while (begin < text->len && !loading->failed) {
    const char *feed = memchr(text->data + begin, '\n', text->len - begin);
    if (feed == NULL) break;
    size_t end = (size_t)(feed - text->data);
    load_line(loading, text->data + begin, end - begin);
    begin = end + 1;
  }
  text->len -= begin;
  if (begin > 0 && text->len > 0) memmove(text->data, text->data + begin, text->len);
}

/* zlib reads what is not compressed as it is. */
static bool read_file(struct loading *loading, gzFile file, bool by_lines, struct text *text) {
  char *chunk = malloc(CHUNK);
  int count = 0;
  while (chunk != NULL && !loading->failed && !text->failed &&
         (count = gzread(file, chunk, CHUNK)) > 0) {
    text_add(text, chunk, (size_t)count);
    if (by_lines) load_lines(loading, text);
  }
  free(chunk);
  if (count < 0 || chunk == NULL || text->failed) {
    log_problem(loading->path, "it could not be read");
    loading->failed = true;
  }
  return !loading->failed;
}

static void load_document(struct loading *loading, const struct text *text) {
  bool is_bundle = false;
  loading->line = 1;
  if (!bundle_walk(text->data, text->len, load_resource, loading, &is_bundle)) {
    refuse(loading, "it is not valid JSON in UTF-8");
  } else if (!is_bundle) {
    load_resource(loading, text->data, text->len);
  }
}

static bool ends_with(const char *path, const char *ending) {
  size_t len = strlen(path);
  size_t ending_len = strlen(ending);
  return len > ending_len && strcmp(path + len - ending_len, ending) == 0;
}

static bool is_document(const char *path) {
  return ends_with(path, ".json") || ends_with(path, ".json.gz");
}

static bool is_lines(const char *path) {
  return ends_with(path, ".ndjson") || ends_with(path, ".ndjson.gz");
}

static bool load_file(struct database *database, const char *path, struct load_counts *counts) {
  struct loading loading = {.database = database, .counts = counts, .path = path};
  struct text text = {NULL, 0, 0, false};
  bool by_lines = !is_document(path);
  gzFile file = gzopen(path, "rb");
  if (file == NULL) {
    log_problem(path, errno != 0 ? strerror(errno) : "there is no memory");
    return false;
  }
  if (read_file(&loading, file, by_lines, &text) && text.len > 0) {
    if (by_lines) {
      load_line(&loading, text.data, text.len);
    } else {
      load_document(&loading, &text);
    }
  }
  end_transaction(&loading);
  gzclose(file);
  text_free(&text);
  return !loading.failed;
}

static bool load_folder(struct database *database, const char *path, struct load_counts *counts) {
  struct dirent **entries = NULL;
  int count = scandir(path, &entries, NULL, alphasort);
  bool done = count >= 0;
  if (!done) log_problem(path, strerror(errno));
  for (int i = 0; i < count; i++) {
    struct text file = {NULL, 0, 0, false};
    const char *name = entries[i]->d_name;
    if (done && name[0] != '.' && (is_lines(name) || is_document(name))) {
      text_add_format(&file, "%s/%s", path, name);
      done = !file.failed && load_file(database, file.data, counts);
    }
    text_free(&file);
    free(entries[i]);
  }
  free(entries);
  return done;
}

void load_add_rate(const struct load_counts *counts, struct text *note) {
  const int64_t took_us = instant_now_us() - counts->begun_us;
  const double seconds = took_us > 0 ? (double)took_us / 1e6 : 1e-6;
  text_add_format(note, "%.0f a second", (double)counts->loaded / seconds);
}

bool load_path(struct database *database, const char *path, struct load_counts *counts) {
  struct stat status;
  if (stat(path, &status) != 0) {
    log_problem(path, strerror(errno));
    return false;
  }
  if (S_ISDIR(status.st_mode)) return load_folder(database, path, counts);
  if (is_lines(path) || is_document(path)) return load_file(database, path, counts);
  log_problem(path, "its name does not end in .ndjson, .ndjson.gz, .json or .json.gz");
  return false;
}
