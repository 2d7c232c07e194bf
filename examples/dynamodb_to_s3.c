/*
 * dynamodb_to_s3: exports the resources of a FHIR Works on AWS from its DynamoDB table to S3, as
 * its Glue job does, without Spark: each thread scans a segment of the table and writes NDJSON.
 *
 * The table has an item for each version of a resource: `id` and `vid` are its key, the resource's
 * elements are attributes, and `documentStatus` says which version is in force. Credentials come
 * from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. DynamoDB reads the whole
 * table for each type, and once more to find out which types there are if none is named.
 */
#include <fhirexport/fhirexport.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "destination_url.h"
#include "dynamodb_scan.h"

#define THREADS_MAX 256
#define TYPES_MAX 256
#define BUSY_US 1000000

static const char help[] =
    "Usage: dynamodb_to_s3 --table NAME --to s3://BUCKET/PREFIX [options]\n"
    "\n"
    "  --to URL         where files go; endpoint=, region=, style= and ca= behind ?\n"
    "  --type T         only this type; may be repeated; without, all there are\n"
    "  --since INSTANT  only what was changed after it\n"
    "  --region R       the table's; AWS_REGION or us-east-1 if not given\n"
    "  --endpoint URL   DynamoDB's, if it is not Amazon's\n"
    "  --segments N     how many parts the table is scanned in; 16\n"
    "  --threads N      how many of them at a time; 4\n"
    "  --part-bytes N   how long a file may become; 128 MiB\n"
    "  --page-items N   how many items are looked at in one request; as many as fit in 1 MiB\n"
    "\n"
    "The manifest, with presigned URLs, goes to stdout.\n";

struct settings {
  struct table table;
  struct destination_url to;
  uint64_t segments;
  uint64_t threads;
  uint64_t part_bytes;
  fhx_filter *filter;
  bool has_types;
};

/* --- the source --- */

struct cursor {
  struct scan scan;
  /* What is handed over: resources one behind the other, and where each ends. */
  struct bytes rows;
  struct bytes ends;
  /* The newest version seen of the resource that the scan is at: versions of a resource follow each
     other, and the next page may bring a newer one that was written meanwhile. */
  char held_id[KEY_SIZE];
  struct bytes held;
  /* All up to this key has been handed over. */
  char decided[KEY_SIZE];
  /* The last item that was looked at. */
  char seen[KEY_SIZE];
  bool at_end;
};

static void fail(fhx_reply *reply, enum outcome outcome) {
  if (outcome == OUTCOME_REFUSED) {
    fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, "DynamoDB refuses the request, or has another table");
  } else {
    fhx_reply_fail(reply, FHX_ERR_SOURCE, 1, "DynamoDB does not answer at present");
  }
}

static void close_cursor(void *user_data, void *handle) {
  struct cursor *cursor = handle;
  (void)user_data;
  curl_easy_cleanup(cursor->scan.curl);
  bytes_free(&cursor->rows);
  bytes_free(&cursor->ends);
  bytes_free(&cursor->held);
  free(cursor);
}

static struct cursor *make_cursor(const struct table *table) {
  struct cursor *cursor = calloc(1, sizeof *cursor);
  if (cursor == NULL) return NULL;
  cursor->scan.table = table;
  cursor->scan.segment_count = 1;
  cursor->scan.curl = curl_easy_init();
  if (cursor->scan.curl != NULL) return cursor;
  free(cursor);
  return NULL;
}

/* A shard is "SEGMENT COUNT", a token the key of an item: both as they were given. */
static void open_cursor(void *user_data, const fhx_query *query, fhx_reply *reply) {
  const struct settings *settings = user_data;
  size_t len = 0;
  struct cursor *cursor = make_cursor(&settings->table);
  if (cursor == NULL) return; /* a callback without an answer has failed */
  cursor->scan.resource_type = fhx_query_resource_type(query);
  const void *shard = fhx_query_shard(query, &len);
  if (shard != NULL) {
    char text[64] = "";
    memcpy(text, shard, len < sizeof text ? len : sizeof text - 1);
    char *count = NULL;
    cursor->scan.segment = (uint32_t)strtoul(text, &count, 10);
    cursor->scan.segment_count = (uint32_t)strtoul(count, NULL, 10);
  }
  const void *token = fhx_query_token(query, &len);
  if (token != NULL && len < KEY_SIZE) {
    memcpy(cursor->scan.after, token, len);
    memcpy(cursor->decided, token, len);
  }
  fhx_reply_handle(reply, cursor, FHX_APPLIED_TYPE);
}

/* The resource that was held back is the newest of its id: it is handed over. */
static bool hand_over(struct cursor *cursor) {
  if (cursor->held_id[0] == '\0') return true;
  cursor->held_id[0] = '\0';
  memcpy(cursor->decided, cursor->seen, sizeof cursor->seen);
  if (!bytes_add(&cursor->rows, cursor->held.data, cursor->held.len)) return false;
  uint64_t end = cursor->rows.len;
  return bytes_add(&cursor->ends, &end, sizeof end);
}

static const char *take_item(struct cursor *cursor, yajl_val item) {
  const char *id = item_text(item, "id", "S");
  char key[KEY_SIZE];
  if (id == NULL || !item_key(item, key)) return "the table's key is not id and vid";
  if (strcmp(id, cursor->held_id) != 0 && !hand_over(cursor)) return "there is no memory";
  memcpy(cursor->held_id, id, strlen(id) + 1);
  memcpy(cursor->seen, key, sizeof key);
  return item_to_resource(item, &cursor->held);
}

static const char *take_page(struct cursor *cursor, yajl_val answer) {
  const char *path[] = {"Items", NULL};
  yajl_val items = yajl_tree_get(answer, path, yajl_t_array);
  const char *problem = items == NULL ? "DynamoDB gives no items" : NULL;
  for (size_t i = 0; problem == NULL && i < YAJL_GET_ARRAY(items)->len; i++) {
    problem = take_item(cursor, YAJL_GET_ARRAY(items)->values[i]);
  }
  if (problem != NULL) return problem;
  cursor->at_end = cursor->scan.after[0] == '\0';
  if (cursor->at_end) return hand_over(cursor) ? NULL : "there is no memory";
  if (cursor->held_id[0] == '\0') {
    memcpy(cursor->decided, cursor->scan.after, sizeof cursor->decided);
  }
  return NULL;
}

static void give_rows(struct cursor *cursor, fhx_reply *reply) {
  size_t count = cursor->ends.len / sizeof(uint64_t);
  size_t len = strlen(cursor->decided);
  fhx_reply_rows(reply, cursor->rows.data, cursor->rows.len, count,
                 count > 0 ? (const uint64_t *)(const void *)cursor->ends.data : NULL, NULL,
                 len > 0 ? cursor->decided : NULL, len);
}

/* One page, or more while nothing is decided. */
static void next_rows(void *user_data, void *handle, uint64_t want_bytes, fhx_reply *reply) {
  struct cursor *cursor = handle;
  (void)user_data, (void)want_bytes;
  cursor->rows.len = cursor->ends.len = 0;
  while (!cursor->at_end) {
    yajl_val answer = NULL;
    enum outcome outcome = scan_next(&cursor->scan, &answer);
    const char *problem = outcome == OUTCOME_DONE ? take_page(cursor, answer) : NULL;
    yajl_tree_free(answer);
    if (problem != NULL) {
      fhx_reply_fail(reply, FHX_ERR_SOURCE, 0, problem);
    } else if (outcome == OUTCOME_BUSY) {
      fhx_reply_wait(reply, BUSY_US);
    } else if (outcome != OUTCOME_DONE) {
      fail(reply, outcome);
    } else if (cursor->decided[0] != '\0') {
      give_rows(cursor, reply);
    } else {
      continue;
    }
    return;
  }
  fhx_reply_end(reply);
}

static void list_shards(void *user_data, const fhx_query *query, uint32_t count_max,
                        fhx_reply *reply) {
  const struct settings *settings = user_data;
  uint32_t count = settings->segments < count_max ? (uint32_t)settings->segments : count_max;
  (void)query;
  for (uint32_t i = 0; i < count && count > 1; i++) {
    char shard[64];
    int len = snprintf(shard, sizeof shard, "%u %u", i, count);
    fhx_reply_item(reply, shard, (size_t)len);
  }
  fhx_reply_done(reply);
}

/* Of the whole table, since it is not known by type. */
static void count_estimate(void *user_data, const fhx_query *query, fhx_reply *reply) {
  const struct settings *settings = user_data;
  const char *count_path[] = {"Table", "ItemCount", NULL};
  const char *bytes_path[] = {"Table", "TableSizeBytes", NULL};
  yajl_val answer = NULL;
  (void)query;
  enum outcome outcome = table_describe(&settings->table, &answer);
  if (outcome == OUTCOME_DONE) {
    yajl_val count = yajl_tree_get(answer, count_path, yajl_t_number);
    yajl_val bytes = yajl_tree_get(answer, bytes_path, yajl_t_number);
    fhx_reply_estimate(reply, YAJL_IS_INTEGER(count) ? (uint64_t)YAJL_GET_INTEGER(count) : 0,
                       YAJL_IS_INTEGER(bytes) ? (uint64_t)YAJL_GET_INTEGER(bytes) : 0);
  } else {
    fail(reply, outcome);
  }
  yajl_tree_free(answer);
}

/* Adds the types of a page to those that are known. */
static void take_types(yajl_val answer, char types[TYPES_MAX][64], size_t *count) {
  const char *path[] = {"Items", NULL};
  yajl_val items = yajl_tree_get(answer, path, yajl_t_array);
  for (size_t i = 0; items != NULL && i < YAJL_GET_ARRAY(items)->len; i++) {
    const char *type = item_text(YAJL_GET_ARRAY(items)->values[i], "resourceType", "S");
    size_t known = 0;
    if (type == NULL || strlen(type) >= sizeof types[0]) continue;
    while (known < *count && strcmp(types[known], type) != 0) known++;
    if (known == *count && known < TYPES_MAX) memcpy(types[(*count)++], type, strlen(type) + 1);
  }
}

static void list_types(void *user_data, fhx_reply *reply) {
  const struct settings *settings = user_data;
  char types[TYPES_MAX][64];
  size_t count = 0;
  struct cursor *cursor = make_cursor(&settings->table);
  if (cursor == NULL) return;
  enum outcome outcome = OUTCOME_DONE;
  do {
    yajl_val answer = NULL;
    outcome = scan_next(&cursor->scan, &answer);
    if (outcome == OUTCOME_DONE) take_types(answer, types, &count);
    yajl_tree_free(answer);
  } while (outcome == OUTCOME_DONE && cursor->scan.after[0] != '\0');
  close_cursor(NULL, cursor);
  if (outcome != OUTCOME_DONE) {
    fail(reply, outcome);
    return;
  }
  for (size_t i = 0; i < count; i++) fhx_reply_item(reply, types[i], strlen(types[i]));
  fhx_reply_done(reply);
}

/* --- the job --- */

static void *work(void *job) {
  fhx_error *error = NULL;
  /* What it says, every later call says again. */
  fhx_job_run(job, &error);
  fhx_error_free(error);
  return NULL;
}

static int32_t run_job(fhx_job *job, uint64_t threads, fhx_error **error) {
  pthread_t others[THREADS_MAX];
  size_t started = 0;
  while (started + 1 < threads && pthread_create(&others[started], NULL, work, job) == 0) started++;
  int32_t status = fhx_job_run(job, error);
  for (size_t i = 0; i < started; i++) pthread_join(others[i], NULL);
  return status;
}

static int32_t print_manifest(fhx_job *job, fhx_error **error) {
  fhx_manifest *manifest = NULL;
  char text[4096];
  int32_t status = fhx_manifest_new(job, &manifest, error);
  for (size_t len = 0; !status;) {
    status = fhx_manifest_read(manifest, text, sizeof text, &len, error);
    if (!status) fwrite(text, 1, len, stdout);
  }
  fhx_manifest_free(manifest);
  return status;
}

static int export_all(struct settings *settings) {
  fhx_source_callbacks source = {.size = sizeof source,
                                 .open_cursor = open_cursor,
                                 .next_rows = next_rows,
                                 .close_cursor = close_cursor,
                                 .list_shards = list_shards,
                                 .list_types = settings->has_types ? NULL : list_types,
                                 .count_estimate = count_estimate};
  fhx_job_options options = {.size = sizeof options,
                             .filter = settings->filter,
                             .part_bytes = settings->part_bytes,
                             .shards_max = (uint32_t)settings->segments};
  fhx_job *job = NULL;
  fhx_error *error = NULL;
  int32_t status = fhx_source_new(&source, settings, &options.source, &error);
  if (!status) status = destination_url_open(&settings->to, &options.destination, &error);
  if (!status) status = fhx_job_start(&options, &job, &error);
  if (!status) status = run_job(job, settings->threads, &error);
  if (!status) status = print_manifest(job, &error);
  if (status == FHX_END) puts("");
  if (status < 0) fprintf(stderr, "dynamodb_to_s3: %s\n", fhx_error_message(error));
  fhx_job_free(job);
  fhx_destination_free(options.destination);
  fhx_source_free(options.source);
  fhx_error_free(error);
  return status < 0 ? 1 : 0;
}

/* --- the command line --- */

static bool mistake(const char *what, const char *problem) {
  fprintf(stderr, "dynamodb_to_s3: %s %s\n", what, problem);
  return false;
}

static bool read_number(const char *name, uint64_t max, uint64_t *number) {
  char *end = NULL;
  *number = strtoull(optarg, &end, 10);
  if (optarg[0] >= '0' && optarg[0] <= '9' && *end == '\0' && *number > 0 && *number <= max) {
    return true;
  }
  return mistake(name, "takes a whole number that is not too great");
}

static bool add_to_filter(struct settings *settings, int option) {
  fhx_error *error = NULL;
  int32_t status = option == 'y' ? fhx_filter_add_type(settings->filter, optarg, &error)
                                 : fhx_filter_set_since(settings->filter, optarg, &error);
  if (option == 'y') settings->has_types = true;
  if (status != FHX_OK) mistake(optarg, fhx_error_message(error));
  fhx_error_free(error);
  return status == FHX_OK;
}

static bool read_option(struct settings *settings, int option) {
  const char *problem = NULL;
  switch (option) {
    case 't':
      settings->table.name = optarg;
      return true;
    case 'o':
      return destination_url_read(&settings->to, optarg, &problem) || mistake("--to", problem);
    case 'y':
    case 'i':
      return add_to_filter(settings, option);
    case 'r':
      settings->table.region = optarg;
      return true;
    case 'e':
      settings->table.endpoint = optarg;
      return true;
    case 's':
      return read_number("--segments", 10000, &settings->segments);
    case 'n':
      return read_number("--threads", THREADS_MAX, &settings->threads);
    case 'b':
      return read_number("--part-bytes", UINT64_C(1) << 50, &settings->part_bytes);
    case 'p':
      return read_number("--page-items", 1000000, &settings->table.page_items);
    default:
      return false; /* getopt_long has said what is wrong */
  }
}

static bool read_command(struct settings *settings, int argc, char **argv) {
  static const struct option options[] = {{"table", required_argument, NULL, 't'},
                                          {"to", required_argument, NULL, 'o'},
                                          {"type", required_argument, NULL, 'y'},
                                          {"since", required_argument, NULL, 'i'},
                                          {"region", required_argument, NULL, 'r'},
                                          {"endpoint", required_argument, NULL, 'e'},
                                          {"segments", required_argument, NULL, 's'},
                                          {"threads", required_argument, NULL, 'n'},
                                          {"part-bytes", required_argument, NULL, 'b'},
                                          {"page-items", required_argument, NULL, 'p'},
                                          {NULL, 0, NULL, 0}};
  int option = 0;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (!read_option(settings, option)) return false;
  }
  if (optind < argc) return mistake(argv[optind], "is not an option");
  if (settings->table.name == NULL || settings->to.text == NULL) {
    return mistake("--table and --to", "are needed");
  }
  return true;
}

/* What is not on the command line: region, endpoint and credentials. */
static bool complete(struct table *table, char *endpoint, char *credentials, size_t size) {
  const char *key = getenv("AWS_ACCESS_KEY_ID");
  const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
  if (key == NULL || secret == NULL) {
    return mistake("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "are needed");
  }
  if (table->region == NULL) table->region = getenv("AWS_REGION");
  if (table->region == NULL) table->region = "us-east-1";
  table->session_token = getenv("AWS_SESSION_TOKEN");
  int len = snprintf(credentials, size, "%s:%s", key, secret);
  table->credentials = credentials;
  if (table->endpoint == NULL) {
    snprintf(endpoint, size, "https://dynamodb.%s.amazonaws.com/", table->region);
    table->endpoint = endpoint;
  }
  return (len > 0 && (size_t)len < size) || mistake("AWS_SECRET_ACCESS_KEY", "is too long");
}

int main(int argc, char **argv) {
  struct settings settings = {.segments = 16, .threads = 4};
  char endpoint[512];
  char credentials[512];
  int code = 2;
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    fputs(help, stdout);
    return 0;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  fhx_error *error = NULL;
  if (fhx_filter_new(&settings.filter, &error) == FHX_OK && read_command(&settings, argc, argv) &&
      complete(&settings.table, endpoint, credentials, sizeof credentials)) {
    code = export_all(&settings);
  } else {
    fputs(help, stderr);
  }
  fhx_error_free(error);
  fhx_filter_free(settings.filter);
  destination_url_free(&settings.to);
  curl_global_cleanup();
  return code;
}
