/* The metrics of an engine as samples, and as OpenMetrics 1.0 text. */
#include <fhirexport/metrics.h>
#include <fhirexport/version.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/error.h"
#include "observe/bounds.h"
#include "observe/watch.h"

#define TEXT_MAX 512
#define US UINT64_C(1000000)

const fhx__bound fhx__bounds[FHX__BUCKETS - 1] = {
    {1000, "0.001"},   {5000, "0.005"},   {10000, "0.01"},     {50000, "0.05"},
    {100000, "0.1"},   {500000, "0.5"},   {US, "1.0"},         {5 * US, "5.0"},
    {10 * US, "10.0"}, {60 * US, "60.0"}, {600 * US, "600.0"}, {3600 * US, "3600.0"},
};

/* --- the tables --- */

/* A metric that is one number. Those of a family stand together; only the first says what it is. */
typedef struct metric {
  const char *family;
  const char *labels;
  const char *unit;
  const char *help;
} metric;

/* In the order of fhx__count. docs/operations.md lists the families; a test compares. */
static const metric counters[FHX__COUNTS] = {
    {"fhirexport_jobs_created", "", "", "Exports that were started here."},
    {"fhirexport_jobs_ended", "state=\"complete\"", "", "Exports that this process has ended."},
    {"fhirexport_jobs_ended", "state=\"failed\"", "", ""},
    {"fhirexport_jobs_ended", "state=\"cancelled\"", "", ""},
    {"fhirexport_jobs_cleaned", "", "", "Exports whose files were removed here."},
    {"fhirexport_task_attempts", "", "", "Attempts at tasks that were begun here."},
    {"fhirexport_tasks_resumed", "", "", "Attempts that went on where an earlier one had stopped."},
    {"fhirexport_task_attempts_ended", "end=\"done\"", "", "Attempts at tasks that have ended."},
    {"fhirexport_task_attempts_ended", "end=\"parked\"", "", ""},
    {"fhirexport_task_attempts_ended", "end=\"lost\"", "", ""},
    {"fhirexport_task_attempts_ended", "end=\"store\"", "", ""},
    {"fhirexport_task_attempts_ended", "end=\"failed\"", "", ""},
    {"fhirexport_resources", "", "", "Resources in files that were recorded."},
    {"fhirexport_exported_bytes", "", "bytes", "Bytes of them, before any compression."},
    {"fhirexport_parts", "", "", "Files that were recorded."},
    {"fhirexport_resources_refused", "", "", "Resources that could not be exported."},
    {"fhirexport_throttled", "route=\"kick_off\"", "", "Requests that were answered 429."},
    {"fhirexport_throttled", "route=\"status\"", "", ""},
    {"fhirexport_downloaded_bytes", "", "bytes", "Bytes of files that were read for clients."},
    {"fhirexport_store_failures", "", "", "Times that the job store could not be reached."},
};

static const char *const class_names[FHX__CLASSES] = {"2xx", "4xx", "5xx"};

/* Histograms that are not of a route, from FHX__LATENCY_QUEUE on. */
static const metric histograms[FHX__LATENCIES - FHX__ROUTES] = {
    {"fhirexport_queue_seconds", "", "seconds", "From the start of an export to its first task."},
    {"fhirexport_checkpoint_seconds", "", "seconds", "Recording a checkpoint in the job store."},
    {"fhirexport_part_commit_seconds", "", "seconds", "Making a file visible where it goes."},
};

/* --- collecting --- */

typedef struct sample {
  /* Where the texts begin, in `names`. */
  size_t name_at;
  size_t labels_at;
  double value;
} sample;

struct fhx_metrics {
  fhx__buffer text;
  fhx__buffer names;
  fhx__buffer samples;
};

/* A failed allocation sticks. */
typedef struct collection {
  fhx_metrics *to;
  int32_t status;
} collection;

static void append(collection *of, fhx__buffer *buffer, const void *data, size_t len) {
  if (of->status == FHX_OK) of->status = fhx__buffer_append(buffer, data, len);
}

static void add_line(collection *of, const char *first, const char *second, const char *third) {
  char line[TEXT_MAX];
  int len = snprintf(line, sizeof line, "# %s %s %s\n", first, second, third);
  if (len > 0) append(of, &of->to->text, line, (size_t)len);
}

static void add_family(collection *of, const metric *family, const char *type) {
  add_line(of, "TYPE", family->family, type);
  if (*family->unit != '\0') add_line(of, "UNIT", family->family, family->unit);
  add_line(of, "HELP", family->family, family->help);
}

/* `value` is what the text says, `number` what it is. */
static void add_sample(collection *of, const char *family, const char *suffix, const char *labels,
                       const char *value, double number) {
  fhx_metrics *to = of->to;
  char name[TEXT_MAX / 2], line[TEXT_MAX];
  const bool has_labels = *labels != '\0';
  sample one = {to->names.len, 0, number};
  snprintf(name, sizeof name, "%s%s", family, suffix);
  int len = snprintf(line, sizeof line, "%s%s%s%s %s\n", name, has_labels ? "{" : "", labels,
                     has_labels ? "}" : "", value);
  if (len > 0) append(of, &to->text, line, (size_t)len);
  append(of, &to->names, name, strlen(name) + 1);
  one.labels_at = to->names.len;
  append(of, &to->names, labels, strlen(labels) + 1);
  append(of, &to->samples, &one, sizeof one);
}

static void add_count(collection *of, const char *family, const char *suffix, const char *labels,
                      uint64_t count) {
  char value[24];
  snprintf(value, sizeof value, "%llu", (unsigned long long)count);
  add_sample(of, family, suffix, labels, value, (double)count);
}

/* Without the locale's decimal point. */
static void add_seconds(collection *of, const char *family, const char *suffix, const char *labels,
                        uint64_t time_us) {
  char value[32];
  snprintf(value, sizeof value, "%llu.%06llu", (unsigned long long)(time_us / US),
           (unsigned long long)(time_us % US));
  add_sample(of, family, suffix, labels, value, (double)time_us / (double)US);
}

static uint64_t load(const atomic_uint_least64_t *count) {
  return atomic_load_explicit(count, memory_order_relaxed);
}

/* Buckets count what is in those before them too; the count is that of the last, so that both agree
   while others count. */
static void add_histogram(collection *of, const char *family, const char *label,
                          const fhx__histogram *histogram) {
  char labels[TEXT_MAX / 4];
  const char *comma = *label == '\0' ? "" : ",";
  uint64_t total = 0;
  for (size_t i = 0; i < FHX__BUCKETS; i++) {
    total += load(&histogram->buckets[i]);
    snprintf(labels, sizeof labels, "%s%sle=\"%s\"", label, comma,
             i < FHX__BUCKETS - 1 ? fhx__bounds[i].label : "+Inf");
    add_count(of, family, "_bucket", labels, total);
  }
  add_count(of, family, "_count", label, total);
  add_seconds(of, family, "_sum", label, load(&histogram->sum_us));
}

static void add_counters(collection *of, const fhx__watch *watch) {
  for (size_t i = 0; i < FHX__COUNTS; i++) {
    const metric *one = &counters[i];
    if (i == 0 || strcmp(one->family, counters[i - 1].family) != 0) add_family(of, one, "counter");
    add_count(of, one->family, "_total", one->labels, load(&watch->counts[i]));
  }
}

static void add_answers(collection *of, const fhx__watch *watch) {
  static const metric family = {"fhirexport_answers", "", "", "Answers to requests."};
  char labels[TEXT_MAX / 4];
  add_family(of, &family, "counter");
  for (size_t i = 0; i < FHX__ROUTES; i++) {
    for (size_t j = 0; j < FHX__CLASSES; j++) {
      snprintf(labels, sizeof labels, "route=\"%s\",class=\"%s\"", fhx__route_name((fhx__route)i),
               class_names[j]);
      add_count(of, family.family, "_total", labels, load(&watch->answers[i][j]));
    }
  }
}

static void add_latencies(collection *of, const fhx__watch *watch) {
  static const metric family = {"fhirexport_answer_seconds", "", "seconds",
                                "From a request to its answer, without its body."};
  char label[TEXT_MAX / 8];
  add_family(of, &family, "histogram");
  for (size_t i = 0; i < FHX__ROUTES; i++) {
    snprintf(label, sizeof label, "route=\"%s\"", fhx__route_name((fhx__route)i));
    add_histogram(of, family.family, label, &watch->latencies[i]);
  }
  for (size_t i = FHX__ROUTES; i < FHX__LATENCIES; i++) {
    const metric *one = &histograms[i - FHX__ROUTES];
    add_family(of, one, "histogram");
    add_histogram(of, one->family, "", &watch->latencies[i]);
  }
}

static void add_levels(collection *of, const fhx__watch *watch, const fhx__levels *levels) {
  static const metric running = {"fhirexport_tasks_running", "", "", "Tasks that run here now."};
  static const metric open = {"fhirexport_jobs_open", "", "",
                              "Exports that run and are worked on, polled or waiting here."};
  static const metric age = {"fhirexport_queue_age_seconds", "", "seconds",
                             "How long the oldest export known here waits for its first task."};
  static const metric lost = {"fhirexport_store_answers_lost", "", "",
                              "Steps of the job store that were asked for again."};
  add_family(of, &running, "gauge");
  add_count(of, running.family, "", "", load(&watch->tasks_running));
  add_family(of, &open, "gauge");
  add_count(of, open.family, "", "", levels->jobs_open);
  add_family(of, &age, "gauge");
  add_seconds(of, age.family, "", "",
              levels->queue_age_us < 0 ? 0 : (uint64_t)levels->queue_age_us);
  add_family(of, &lost, "counter");
  add_count(of, lost.family, "_total", "", levels->store_answers_lost);
}

static void add_version(collection *of) {
  static const metric family = {"fhirexport_library", "", "", "The version of libfhirexport."};
  char labels[TEXT_MAX / 4];
  snprintf(labels, sizeof labels, "version=\"%s\"", fhx_version());
  add_family(of, &family, "info");
  add_count(of, family.family, "_info", labels, 1);
}

int32_t fhx__metrics_new(const fhx__watch *watch, const fhx__levels *levels, fhx_metrics **made,
                         fhx_error **error) {
  static const char end[] = "# EOF\n";
  fhx_metrics *metrics = fhx__alloc_zeroed(1, sizeof *metrics);
  if (metrics == NULL) return fhx__no_memory(error);
  collection of = {metrics, FHX_OK};
  add_counters(&of, watch);
  add_answers(&of, watch);
  add_latencies(&of, watch);
  add_levels(&of, watch, levels);
  add_version(&of);
  append(&of, &metrics->text, end, sizeof end - 1);
  if (of.status == FHX_OK) of.status = fhx__buffer_terminate(&metrics->text);
  if (of.status != FHX_OK) {
    fhx_metrics_free(metrics);
    return fhx__no_memory(error);
  }
  *made = metrics;
  return FHX_OK;
}

/* --- what the host reads --- */

const char *fhx_metrics_text(const fhx_metrics *metrics, size_t *len) {
  if (len != NULL) *len = metrics == NULL ? 0 : metrics->text.len;
  return metrics == NULL ? "" : metrics->text.data;
}

const char *fhx_metrics_media_type(void) {
  return "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

uint32_t fhx_metrics_sample_count(const fhx_metrics *metrics) {
  return metrics == NULL ? 0 : (uint32_t)(metrics->samples.len / sizeof(sample));
}

static bool sample_at(const fhx_metrics *metrics, uint32_t position, sample *found) {
  if (position >= fhx_metrics_sample_count(metrics)) return false;
  memcpy(found, metrics->samples.data + position * sizeof *found, sizeof *found);
  return true;
}

const char *fhx_metrics_sample_name(const fhx_metrics *metrics, uint32_t position) {
  sample found;
  return sample_at(metrics, position, &found) ? metrics->names.data + found.name_at : NULL;
}

const char *fhx_metrics_sample_labels(const fhx_metrics *metrics, uint32_t position) {
  sample found;
  return sample_at(metrics, position, &found) ? metrics->names.data + found.labels_at : NULL;
}

double fhx_metrics_sample_value(const fhx_metrics *metrics, uint32_t position) {
  sample found;
  return sample_at(metrics, position, &found) ? found.value : 0.0;
}

void fhx_metrics_free(fhx_metrics *metrics) {
  if (metrics == NULL) return;
  fhx__buffer_free(&metrics->text);
  fhx__buffer_free(&metrics->names);
  fhx__buffer_free(&metrics->samples);
  fhx__free(metrics);
}
