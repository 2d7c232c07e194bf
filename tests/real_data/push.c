/*
 * Exports the rows of a text file through a host's own source, which pushes nothing of the query
 * down, or all of it. What a pushed-down query selects is decided by columns that real_data.py has
 * worked out, not by the library.
 *
 *   push none|all ROWS OUT [_since=INSTANT] [_until=INSTANT] [_type=TYPE]... [patient=ID]...
 *        [_level=patient] [_group=ID] [_organize=Patient] [_provenance=1|2]
 *
 * A row of the file: type, id, time of change in microseconds, the ids of the patients whose
 * compartment it is in (commas behind each), the JSON; tabs between. Rows are in the order of ids.
 * ROWS.deleted has such rows of what was deleted, with the time of the deletion.
 */
#include <fhirexport/fhirexport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64

typedef struct row {
  const char *type;
  const char *id;
  int64_t updated_us;
  const char *patients;
  const char *json;
} row;

typedef struct table {
  int push;
  row *rows;
  size_t count;
  struct table *deleted;
} table;

typedef struct cursor {
  const table *all;
  const fhx_query *query;
  /* "": whoever the query means. */
  char patient[65];
  size_t next;
  char *data;
  uint64_t ends[BATCH];
  int64_t updated_us[BATCH];
  char token[32];
} cursor;

static void check(int32_t status, fhx_error *const *error) {
  if (status >= 0) return;
  fprintf(stderr, "push: %s: %s\n", fhx_status_name(status), fhx_error_message(*error));
  exit(1);
}

static int is_wanted_patient(const fhx_query *query, const char *patients) {
  char id[65];
  if (fhx_query_scope(query) == FHX_SCOPE_ALL) return 1;
  if (fhx_query_scope(query) == FHX_SCOPE_PATIENTS) return *patients != '\0';
  for (const char *comma = NULL; (comma = strchr(patients, ',')) != NULL; patients = comma + 1) {
    snprintf(id, sizeof id, "%.*s", (int)(comma - patients), patients);
    fhx_error *error = NULL;
    uint32_t is_patient = 0;
    check(fhx_query_is_patient(query, id, &is_patient, &error), &error);
    if (is_patient != 0) return 1;
  }
  return 0;
}

static int has_patient(const char *patients, const char *id) {
  size_t len = strlen(id);
  for (const char *comma = NULL; (comma = strchr(patients, ',')) != NULL; patients = comma + 1) {
    if ((size_t)(comma - patients) == len && memcmp(patients, id, len) == 0) return 1;
  }
  return 0;
}

static int is_wanted(const cursor *of, const row *at) {
  const fhx_query *query = of->query;
  if (*of->patient != '\0') {
    return fhx_query_wants_type(query, at->type) != 0 && has_patient(at->patients, of->patient);
  }
  int64_t since_us = fhx_query_since_us(query), until_us = fhx_query_until_us(query);
  if (strcmp(at->type, fhx_query_resource_type(query)) != 0) return 0;
  if (since_us != FHX_TIME_NONE && at->updated_us <= since_us) return 0;
  if (until_us != FHX_TIME_NONE && at->updated_us >= until_us) return 0;
  return is_wanted_patient(query, at->patients);
}

static void open_over(const table *all, const fhx_query *query, const char *patient,
                      uint32_t applied, fhx_reply *reply) {
  size_t len = 0;
  const char *token = fhx_query_token(query, &len);
  cursor *at = calloc(1, sizeof *at);
  at->all = all;
  at->query = query;
  snprintf(at->patient, sizeof at->patient, "%s", patient);
  if (token != NULL) at->next = strtoull(token, NULL, 10);
  fhx_reply_handle(reply, at, all->push ? applied : 0);
}

static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  open_over(user_data, query, "",
            FHX_APPLIED_TYPE | FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL | FHX_APPLIED_PATIENTS |
                FHX_APPLIED_AS_OF | FHX_PROMISE_ASCENDING_IDS,
            reply);
}

static void open_deleted(void *user_data, const fhx_query *query, fhx_reply *reply) {
  open_over(((const table *)user_data)->deleted, query, "",
            FHX_APPLIED_TYPE | FHX_APPLIED_SINCE | FHX_APPLIED_UNTIL | FHX_APPLIED_PATIENTS, reply);
}

static void open_patient(void *user_data, const fhx_query *query, const char *patient_id,
                         fhx_reply *reply) {
  open_over(user_data, query, patient_id, FHX_APPLIED_PATIENTS | FHX_APPLIED_AS_OF, reply);
}

static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  cursor *at = handle;
  const table *all = at->all;
  size_t len = 0, count = 0;
  (void)user_data;
  free(at->data);
  at->data = malloc(want_bytes + 1);
  for (; at->next < all->count && count < BATCH; at->next++) {
    const row *one = &all->rows[at->next];
    size_t one_len = strlen(one->json);
    if (all->push && !is_wanted(at, one)) continue;
    if (count != 0 && len + one_len > want_bytes) break;
    if (one_len > want_bytes) at->data = realloc(at->data, one_len + 1);
    memcpy(at->data + len, one->json, one_len);
    len += one_len;
    at->updated_us[count] = one->updated_us;
    at->ends[count++] = len;
  }
  if (count == 0 && at->next == all->count) {
    fhx_reply_end(reply);
    return;
  }
  /* The terminating NUL makes the token's text readable by strtoull. */
  size_t token_len = (size_t)snprintf(at->token, sizeof at->token, "%zu", at->next) + 1;
  int has_stamps = all->push || all->deleted == NULL;
  fhx_reply_rows(reply, at->data, len, count, at->ends, has_stamps ? at->updated_us : NULL,
                 at->token, token_len);
}

static void close_cursor(void *user_data, void *handle) {
  cursor *at = handle;
  (void)user_data;
  free(at->data);
  free(at);
}

static void list_types(void *user_data, fhx_reply *reply) {
  const table *all = user_data;
  for (size_t i = 0; i < all->count; i++) {
    fhx_reply_item(reply, all->rows[i].type, strlen(all->rows[i].type));
  }
  fhx_reply_done(reply);
}

static void read_resource(void *user_data, const fhx_query *query, const char *reference,
                          fhx_reply *reply) {
  const table *all = user_data;
  const char *id = strchr(reference, '/') + 1;
  size_t type_len = (size_t)(id - reference) - 1;
  (void)query;
  for (size_t i = 0; i < all->count; i++) {
    const row *one = &all->rows[i];
    if (strcmp(one->id, id) != 0 || strlen(one->type) != type_len) continue;
    if (strncmp(one->type, reference, type_len) != 0) continue;
    fhx_reply_item(reply, one->json, strlen(one->json));
    fhx_reply_done(reply);
    return;
  }
  fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "there is no such resource");
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) exit(2);
  size_t len = (size_t)ftell(file);
  char *text = malloc(len + 1);
  rewind(file);
  if (fread(text, 1, len, file) != len) exit(2);
  text[len] = '\0';
  fclose(file);
  return text;
}

static void split_rows(table *all, char *text) {
  size_t capacity = 0;
  for (char *line = text; *line != '\0';) {
    char *end = strchr(line, '\n');
    *end = '\0';
    if (all->count == capacity) {
      capacity = capacity * 2 + 1024;
      all->rows = realloc(all->rows, capacity * sizeof *all->rows);
    }
    row *one = &all->rows[all->count++];
    one->type = strsep(&line, "\t");
    one->id = strsep(&line, "\t");
    one->updated_us = strtoll(strsep(&line, "\t"), NULL, 10);
    one->patients = strsep(&line, "\t");
    one->json = line;
    line = end + 1;
  }
}

static void read_filter(fhx_filter *filter, fhx_job_options *options, char **arguments) {
  fhx_error *error = NULL;
  for (; *arguments != NULL; arguments++) {
    const char *value = strchr(*arguments, '=') + 1;
    switch ((*arguments)[1]) {
      case 's':
        check(fhx_filter_set_since(filter, value, &error), &error);
        break;
      case 'u':
        check(fhx_filter_set_until(filter, value, &error), &error);
        break;
      case 't':
        check(fhx_filter_add_type(filter, value, &error), &error);
        break;
      case 'l':
        check(fhx_filter_set_all_patients(filter, &error), &error);
        break;
      case 'g':
        check(fhx_filter_set_group(filter, value, &error), &error);
        break;
      case 'o':
        options->organize_by = value;
        break;
      case 'p':
        options->provenance = (uint32_t)strtoul(value, NULL, 10);
        break;
      default:
        check(fhx_filter_add_patient(filter, value, &error), &error);
        break;
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  table deleted = {strcmp(argv[1], "all") == 0, NULL, 0, NULL};
  table all = {deleted.push, NULL, 0, &deleted};
  char deleted_path[4096];
  snprintf(deleted_path, sizeof deleted_path, "%s.deleted", argv[2]);
  char *text = read_file(argv[2]), *deleted_text = read_file(deleted_path);
  split_rows(&all, text);
  split_rows(&deleted, deleted_text);
  fhx_error *error = NULL;
  fhx_source_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.open_cursor = open_cursor;
  callbacks.next_rows = next_rows;
  callbacks.close_cursor = close_cursor;
  callbacks.list_types = list_types;
  callbacks.open_deleted = open_deleted;
  callbacks.open_patient = open_patient;
  /* Without it the library finds a Group by reading all of them. */
  if (all.push) callbacks.read_resource = read_resource;
  fhx_job_options options;
  FHX_INIT(&options);
  options.settle_us = -1;
  options.part_bytes = 1u << 20;
  check(fhx_source_new(&callbacks, &all, &options.source, &error), &error);
  fhx_directory_options directory;
  FHX_INIT(&directory);
  directory.path = argv[3];
  check(fhx_directory_destination_new(&directory, &options.destination, &error), &error);
  fhx_filter *filter = NULL;
  check(fhx_filter_new(&filter, &error), &error);
  read_filter(filter, &options, argv + 4);
  options.filter = filter;
  fhx_job *job = NULL;
  check(fhx_job_start(&options, &job, &error), &error);
  check(fhx_job_run(job, &error), &error);
  fhx_job_free(job);
  fhx_filter_free(filter);
  fhx_source_free(options.source);
  fhx_destination_free(options.destination);
  free(all.rows);
  free(text);
  free(deleted.rows);
  free(deleted_text);
  return 0;
}
