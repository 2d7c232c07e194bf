/* What this server has exported, by the engine's own metrics. */
#include "page_rates.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"

#define SAMPLES 300
#define EVERY_US INT64_C(2000000)

struct sample {
  int64_t time_us;
  double bytes;
  double resources;
};

struct page_rates {
  pthread_mutex_t mutex;
  /* A ring: sample `i` is at i % SAMPLES. */
  struct sample samples[SAMPLES];
  size_t count;
};

struct page_rates *page_rates_new(void) {
  struct page_rates *rates = calloc(1, sizeof *rates);
  if (rates != NULL) pthread_mutex_init(&rates->mutex, NULL);
  return rates;
}

void page_rates_free(struct page_rates *rates) {
  if (rates == NULL) return;
  pthread_mutex_destroy(&rates->mutex);
  free(rates);
}

static double value_of(const fhx_metrics *metrics, const char *name) {
  for (uint32_t i = 0; i < fhx_metrics_sample_count(metrics); i++) {
    if (strcmp(fhx_metrics_sample_name(metrics, i), name) == 0) {
      return fhx_metrics_sample_value(metrics, i);
    }
  }
  return 0;
}

void page_rates_tick(struct page_rates *rates, fhx_engine *engine) {
  struct sample now = {instant_now_us(), 0, 0};
  fhx_metrics *metrics = NULL;
  /* Only this thread adds to them. */
  if (rates->count > 0) {
    const int64_t since_us = now.time_us - rates->samples[(rates->count - 1) % SAMPLES].time_us;
    if (since_us >= 0 && since_us < EVERY_US) return;
  }
  if (fhx_engine_metrics_new(engine, &metrics, NULL) != FHX_OK) return;
  now.bytes = value_of(metrics, "fhirexport_exported_bytes_total");
  now.resources = value_of(metrics, "fhirexport_resources_total");
  fhx_metrics_free(metrics);
  pthread_mutex_lock(&rates->mutex);
  rates->samples[rates->count % SAMPLES] = now;
  rates->count++;
  pthread_mutex_unlock(&rates->mutex);
}

void page_rates_write(struct page_rates *rates, struct text *body) {
  text_add_format(body, "{\"now_us\":%lld,\"samples\":[", (long long)instant_now_us());
  pthread_mutex_lock(&rates->mutex);
  const size_t first = rates->count > SAMPLES ? rates->count - SAMPLES : 0;
  for (size_t i = first; i < rates->count; i++) {
    const struct sample *at = &rates->samples[i % SAMPLES];
    text_add_format(body, "%s[%lld,%.0f,%.0f]", i == first ? "" : ",", (long long)at->time_us,
                    at->bytes, at->resources);
  }
  pthread_mutex_unlock(&rates->mutex);
  text_add_string(body, "]}");
}
