/*
 * Says of many filters which resources they take.
 *
 *   evaluate R4|R4B|R5 BASE ROWS FILTERS
 *
 * A line of ROWS is a type, a tab and a resource; one of FILTERS has search queries, as
 * fhx_filter_add_query takes them, with tabs between. For each filter a line is printed: a 1 or a 0
 * for each resource of a type that the filter is about, in the order of ROWS; or "refused" and the
 * name of the status.
 */
#include <fhirexport/fhirexport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct row {
  const char *type;
  const char *text;
  size_t len;
} row;

typedef struct rows {
  row *rows;
  size_t count;
} rows;

static void check(int32_t status, fhx_error *error) {
  if (status == FHX_OK) return;
  fprintf(stderr, "evaluate: %s\n", error == NULL ? "no memory" : fhx_error_message(error));
  exit(1);
}

static void *must(void *block) {
  if (block != NULL) return block;
  fprintf(stderr, "evaluate: no memory\n");
  exit(1);
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(1);
  long size = ftell(file);
  rewind(file);
  char *text = must(malloc((size_t)size + 1));
  if (fread(text, 1, (size_t)size, file) != (size_t)size) exit(1);
  fclose(file);
  text[size] = '\0';
  return text;
}

/* Ends the line that begins at *text, which moves behind it; NULL: there is none. */
static char *next_line(char **text) {
  char *line = *text;
  char *feed = strchr(line, '\n');
  if (feed == NULL) return NULL;
  *feed = '\0';
  *text = feed + 1;
  return line;
}

static size_t count_lines(const char *text) {
  size_t count = 0;
  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) count++;
  return count;
}

static rows read_rows(char *text) {
  rows all = {must(calloc(count_lines(text) + 1, sizeof(row))), 0};
  for (char *line = NULL; (line = next_line(&text)) != NULL;) {
    row *one = &all.rows[all.count++];
    char *tab = must(strchr(line, '\t'));
    *tab = '\0';
    one->type = line;
    one->text = tab + 1;
    one->len = strlen(one->text);
  }
  return all;
}

static uint32_t version_of(const char *name) {
  if (strcmp(name, "R5") == 0) return FHX_FHIR_R5;
  return strcmp(name, "R4B") == 0 ? FHX_FHIR_R4B : FHX_FHIR_R4;
}

static fhx_filter *new_filter(const char *version, const char *base) {
  fhx_filter *filter = NULL;
  fhx_error *error = NULL;
  check(fhx_filter_new(&filter, &error), error);
  check(fhx_filter_set_fhir_version(filter, version_of(version), &error), error);
  check(fhx_filter_set_base_url(filter, base, &error), error);
  return filter;
}

/* Whether one of the queries, each behind a NUL or the beginning, is for the type. */
static int is_about(const char *queries, size_t len, const char *type) {
  size_t type_len = strlen(type);
  for (const char *at = queries; at < queries + len; at += strlen(at) + 1) {
    if (strncmp(at, type, type_len) == 0 && (at[type_len] == '?' || at[type_len] == '\0')) return 1;
  }
  return 0;
}

static void print_answers(const fhx_filter *filter, const char *queries, size_t len,
                          const rows *all) {
  fhx_error *error = NULL;
  for (size_t i = 0; i < all->count; i++) {
    const row *one = &all->rows[i];
    uint32_t matches = 0;
    if (!is_about(queries, len, one->type)) continue;
    check(fhx_filter_test(filter, one->text, one->len, &matches, &error), error);
    putchar(matches != 0 ? '1' : '0');
  }
  putchar('\n');
}

static void answer(char *queries, const char *version, const char *base, const rows *all) {
  fhx_filter *filter = new_filter(version, base);
  size_t len = strlen(queries);
  int32_t status = FHX_OK;
  for (size_t i = 0; i < len; i++) {
    if (queries[i] == '\t') queries[i] = '\0';
  }
  for (char *at = queries; at < queries + len && status == FHX_OK; at += strlen(at) + 1) {
    fhx_error *error = NULL;
    status = fhx_filter_add_query(filter, at, &error);
    fhx_error_free(error);
  }
  if (status == FHX_OK) {
    print_answers(filter, queries, len, all);
  } else {
    printf("refused %s\n", fhx_status_name(status));
  }
  fhx_filter_free(filter);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: evaluate R4|R4B|R5 BASE ROWS FILTERS\n");
    return 2;
  }
  char *resources = read_file(argv[3]);
  char *filters = read_file(argv[4]);
  rows all = read_rows(resources);
  char *rest = filters;
  for (char *line = NULL; (line = next_line(&rest)) != NULL;) answer(line, argv[1], argv[2], &all);
  free(all.rows);
  free(filters);
  free(resources);
  return 0;
}
