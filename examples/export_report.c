/* What fhirexport-folder tells: the progress, the table at the end, the manifest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export_folder.h"

#define BAR_WIDTH 24

void progress_show(fhx_job *job, double seconds) {
  static const char bar[] = "########################------------------------";
  fhx_progress *progress = NULL;
  if (fhx_job_progress_new(job, &progress, NULL) != FHX_OK) return;
  double share = fhx_progress_share(progress);
  int full = (int)(share * BAR_WIDTH);
  uint64_t count = fhx_progress_resource_count(progress);
  fprintf(stderr, "\r[%.*s] %3d %%  %llu resources  %.1f MB  %llu of %llu tasks  %.0f s\033[K",
          BAR_WIDTH, bar + BAR_WIDTH - full, (int)(share * 100), (unsigned long long)count,
          (double)fhx_progress_byte_count(progress) / 1e6,
          (unsigned long long)fhx_progress_task_done_count(progress),
          (unsigned long long)fhx_progress_task_count(progress), seconds);
  fhx_progress_free(progress);
}

void progress_clear(void) {
  fputs("\r\033[K", stderr);
}

struct row {
  uint32_t kind;
  char resource_type[65];
  uint64_t part_count;
  uint64_t resource_count;
  uint64_t byte_count;
};

struct table {
  struct row *rows;
  size_t count;
  struct row total;
};

static void add_to_row(struct row *row, const fhx_part *part) {
  row->part_count++;
  row->resource_count += fhx_part_resource_count(part);
  row->byte_count += fhx_part_byte_count(part);
}

/* The row of a part's type, made if it is the first of its type; NULL without memory. */
static struct row *find_row(struct table *table, const fhx_part *part) {
  for (size_t i = 0; i < table->count; i++) {
    struct row *row = &table->rows[i];
    bool same_type = strcmp(row->resource_type, fhx_part_resource_type(part)) == 0;
    if (same_type && row->kind == fhx_part_kind(part)) return row;
  }
  struct row *rows = realloc(table->rows, (table->count + 1) * sizeof *rows);
  if (rows == NULL) return NULL;
  table->rows = rows;
  struct row *row = &rows[table->count++];
  memset(row, 0, sizeof *row);
  row->kind = fhx_part_kind(part);
  snprintf(row->resource_type, sizeof row->resource_type, "%s", fhx_part_resource_type(part));
  return row;
}

static int32_t add_page(struct table *table, const fhx_part_page *page) {
  for (uint32_t i = 0; i < fhx_part_page_count(page); i++) {
    const fhx_part *part = fhx_part_page_part(page, i);
    struct row *row = find_row(table, part);
    if (row == NULL) return FHX_ERR_NO_MEMORY;
    add_to_row(row, part);
    if (row->kind == FHX_PART_OUTPUT) add_to_row(&table->total, part);
  }
  return FHX_OK;
}

/* Reads all parts of the job, a page at a time. */
static int32_t read_table(fhx_job *job, struct table *table, fhx_error **error) {
  uint64_t after = 0;
  int32_t status = FHX_OK;
  while (status == FHX_OK) {
    fhx_part_page *page = NULL;
    status = fhx_job_parts_new(job, &after, 1000, &page, error);
    if (status == FHX_OK) status = add_page(table, page);
    fhx_part_page_free(page);
  }
  return status == FHX_END ? FHX_OK : status;
}

static void print_row(const char *name, const struct row *row, double seconds) {
  printf("%-24s %7llu %12llu %16llu", name, (unsigned long long)row->part_count,
         (unsigned long long)row->resource_count, (unsigned long long)row->byte_count);
  if (seconds > 0) {
    printf(" %14.0f\n", (double)row->resource_count / seconds);
  } else {
    printf(" %14s\n", "-");
  }
}

static void print_table(const struct table *table, double seconds) {
  printf("%-24s %7s %12s %16s %14s\n", "type", "parts", "resources", "bytes", "resources/s");
  for (size_t i = 0; i < table->count; i++) {
    const struct row *row = &table->rows[i];
    if (row->kind == FHX_PART_OUTPUT) print_row(row->resource_type, row, seconds);
  }
  print_row("total", &table->total, seconds);
  for (size_t i = 0; i < table->count; i++) {
    if (table->rows[i].kind == FHX_PART_ERROR) print_row("error file", &table->rows[i], -1);
  }
}

bool report_print(fhx_job *job, double seconds) {
  struct table table = {0};
  fhx_error *error = NULL;
  int32_t status = read_table(job, &table, &error);
  if (status == FHX_OK) {
    print_table(&table, seconds);
  } else {
    complain("listing the exported files", error);
  }
  fhx_error_free(error);
  free(table.rows);
  return status == FHX_OK;
}

/* Copies the manifest to an open file. */
static int32_t copy_manifest(fhx_job *job, FILE *file, fhx_error **error) {
  fhx_manifest *manifest = NULL;
  char text[16 * 1024];
  int32_t status = fhx_manifest_new(job, &manifest, error);
  while (status == FHX_OK) {
    size_t len = 0;
    status = fhx_manifest_read(manifest, text, sizeof text, &len, error);
    if (len > 0 && fwrite(text, 1, len, file) != len) status = FHX_ERR_IO;
  }
  fhx_manifest_free(manifest);
  return status == FHX_END ? FHX_OK : status;
}

/* The manifest appears under its name when it is whole: a reader may be waiting for it. */
static bool write_whole(fhx_job *job, const char *path, const char *temporary) {
  fhx_error *error = NULL;
  FILE *file = fopen(temporary, "w");
  if (file == NULL) {
    perror(temporary);
    return false;
  }
  int32_t status = copy_manifest(job, file, &error);
  bool closed = fclose(file) == 0;
  bool done = status == FHX_OK && closed && rename(temporary, path) == 0;
  if (error != NULL) {
    complain("writing the manifest", error);
  } else if (!done) {
    perror(path);
  }
  if (!done) (void)remove(temporary);
  fhx_error_free(error);
  return done;
}

bool report_write_manifest(fhx_job *job, const char *out) {
  size_t size = strlen(out) + strlen(fhx_job_id(job)) + 32;
  char *path = malloc(size);
  char *temporary = malloc(size);
  bool done = false;
  if (path != NULL && temporary != NULL) {
    snprintf(path, size, "%s/%s.manifest.json", out, fhx_job_id(job));
    snprintf(temporary, size, "%s/.%s.manifest.tmp", out, fhx_job_id(job));
    done = write_whole(job, path, temporary);
  }
  free(temporary);
  free(path);
  return done;
}
