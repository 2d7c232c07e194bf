/*
 * "SQLite -> copy -> file": reads a table from front to back and writes each row and a line feed to
 * a file of its type. Checks nothing, strips nothing. With --sha256 it also hashes each file. Files
 * are synced, and the folder.
 *
 *   bench_sqlite_copy [--sha256] DATABASE FOLDER
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file_writer.h"
#include "support/stopwatch.h"

struct copy {
  const char *folder;
  bool hashes;
  bool open;
  char type[65];
  file_writer file;
  EVP_MD_CTX *digest;
  uint64_t count;
  uint64_t bytes;
};

static bool end_file(struct copy *copy) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  if (!copy->open) return true;
  copy->open = false;
  copy->bytes += copy->file.bytes;
  if (copy->hashes && EVP_DigestFinal_ex(copy->digest, sum, NULL) != 1) return false;
  return file_writer_close(&copy->file);
}

static bool begin_file(struct copy *copy, const char *type) {
  char path[4096];
  if (!end_file(copy)) return false;
  snprintf(copy->type, sizeof copy->type, "%s", type);
  snprintf(path, sizeof path, "%s/%s.ndjson", copy->folder, type);
  copy->open = true;
  if (copy->hashes && EVP_DigestInit_ex(copy->digest, EVP_sha256(), NULL) != 1) return false;
  return file_writer_open(&copy->file, path);
}

static bool put(struct copy *copy, const void *data, size_t len) {
  if (copy->hashes && EVP_DigestUpdate(copy->digest, data, len) != 1) return false;
  return file_writer_put(&copy->file, data, len);
}

static bool put_row(struct copy *copy, sqlite3_stmt *row) {
  const char *type = (const char *)sqlite3_column_text(row, 0);
  const void *json = sqlite3_column_blob(row, 1);
  if (type == NULL || json == NULL) return false;
  if (strcmp(type, copy->type) != 0 && !begin_file(copy, type)) return false;
  copy->count++;
  return put(copy, json, (size_t)sqlite3_column_bytes(row, 1)) && put(copy, "\n", 1);
}

static bool copy_rows(struct copy *copy, sqlite3 *database) {
  sqlite3_stmt *rows = NULL;
  int code = sqlite3_prepare_v2(database, "SELECT type, json FROM resource", -1, &rows, NULL);
  while (code == SQLITE_OK || code == SQLITE_ROW) {
    code = sqlite3_step(rows);
    if (code == SQLITE_ROW && !put_row(copy, rows)) break;
  }
  sqlite3_finalize(rows);
  bool ended = end_file(copy);
  return code == SQLITE_DONE && ended;
}

static bool sync_folder(const char *path) {
  int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool done = descriptor >= 0 && fsync(descriptor) == 0;
  if (descriptor >= 0) close(descriptor);
  return done;
}

static bool copy_all(struct copy *copy, const char *path) {
  sqlite3 *database = NULL;
  copy->digest = EVP_MD_CTX_new();
  bool done = copy->digest != NULL && (mkdir(copy->folder, 0700) == 0 || errno == EEXIST) &&
              sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
              copy_rows(copy, database) && sync_folder(copy->folder);
  sqlite3_close(database);
  EVP_MD_CTX_free(copy->digest);
  return done;
}

int main(int argc, char **argv) {
  struct copy copy = {.hashes = argc == 4 && strcmp(argv[1], "--sha256") == 0};
  if (argc != (copy.hashes ? 4 : 3)) {
    fprintf(stderr, "Usage: %s [--sha256] DATABASE FOLDER\n", argv[0]);
    return 2;
  }
  copy.folder = argv[argc - 1];
  stopwatch start = stopwatch_start();
  if (!copy_all(&copy, argv[argc - 2])) {
    fprintf(stderr, "%s: the copy failed\n", argv[argc - 2]);
    return 1;
  }
  stopwatch_print(&start, copy.count, copy.bytes);
  return 0;
}
