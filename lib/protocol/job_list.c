/* Lists of jobs: what a store lists, as pages for an operator. */
#include "protocol/job_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/names.h"
#include "core/structs.h"
#include "job/run.h"
#include "job/steps.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
/* The place of a job: when it was created, in 16 digits, and its id. */
#define TIME_DIGITS 16
#define PLACE_LEN (TIME_DIGITS + FHX__JOB_ID_LEN)

struct fhx_job_summary {
  fhx__job_entry entry;
  int64_t expires_us;
};

struct fhx_job_page {
  fhx_job_summary *jobs;
  uint32_t count;
  char after[PLACE_LEN + 1];
};

FHX__DEFINE_INIT(fhx_job_list_options)

/* --- where a page begins --- */

typedef struct place {
  int64_t created_us;
  const char *job_id;
} place;

static int digit_of(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool read_place(const char *text, place *at) {
  uint64_t bits = 0;
  *at = (place){INT64_MIN, ""};
  if (text == NULL) return true;
  if (strnlen(text, PLACE_LEN + 1) != PLACE_LEN) return false;
  for (size_t i = 0; i < TIME_DIGITS; i++) {
    const int digit = digit_of(text[i]);
    if (digit < 0) return false;
    bits = bits << 4 | (uint64_t)digit;
  }
  memcpy(&at->created_us, &bits, sizeof bits);
  at->job_id = text + TIME_DIGITS;
  return fhx__is_job_id(at->job_id);
}

/* Just before the place of that job, so that it is the first behind. */
static void step_back(char job_id[FHX__JOB_ID_LEN + 1], int64_t *created_us) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = FHX__JOB_ID_LEN; i > 0; i--) {
    const int digit = digit_of(job_id[i - 1]);
    job_id[i - 1] = digits[(digit + 15) % 16];
    if (digit > 0) return;
  }
  --*created_us;
}

static void write_place(char text[PLACE_LEN + 1], const fhx_job_record *record) {
  uint64_t bits = 0;
  memcpy(&bits, &record->created_us, sizeof bits);
  snprintf(text, PLACE_LEN + 1, "%016" PRIx64 "%s", bits, record->job_id);
}

/* --- a page --- */

static int64_t expiry_of(const fhx__service *service, const fhx_job_record *record) {
  if (record->state != FHX_JOB_COMPLETE && record->state != FHX_JOB_FAILED) return 0;
  return fhx__service_files_end_us(service, record->ended_us);
}

/* Takes over the entries. FHX_END: there are none. */
static int32_t make_page(const fhx__service *service, fhx__buffer *entries, fhx_job_page **made,
                         fhx_error **error) {
  const size_t count = entries->len / sizeof(fhx__job_entry);
  if (count == 0) return FHX_END;
  fhx_job_page *page = fhx__alloc_zeroed(1, sizeof *page);
  if (page == NULL) return fhx__no_memory(error);
  page->jobs = fhx__alloc_zeroed(count, sizeof *page->jobs);
  if (page->jobs == NULL) {
    fhx__free(page);
    return fhx__no_memory(error);
  }
  for (size_t i = 0; i < count; i++) {
    fhx_job_summary *job = &page->jobs[i];
    memcpy(&job->entry, entries->data + i * sizeof job->entry, sizeof job->entry);
    job->expires_us = expiry_of(service, &job->entry.record);
  }
  page->count = (uint32_t)count;
  write_place(page->after, &page->jobs[count - 1].entry.record);
  entries->len = 0;
  *made = page;
  return FHX_OK;
}

static uint32_t or_default(uint32_t value, uint32_t fallback) {
  return value == 0 ? fallback : value;
}

/* The place where one job comes next, by what the store says of it. `id` has the job's, and then
   that of the place. FHX_END: there is none. */
static int32_t find_job(fhx__service *service, int64_t until_us, char id[FHX__JOB_ID_LEN + 1],
                        place *from, fhx_error **error) {
  fhx__job_entry entry;
  fhx_error *fault = NULL;
  memset(&entry, 0, sizeof entry);
  int32_t status = fhx__step_read_job(service->job_options.store, id, until_us, &entry, &fault);
  *from = (place){entry.record.created_us, id};
  fhx__job_entry_free(&entry);
  if (status == FHX_OK) step_back(id, &from->created_us);
  if (status == FHX_OK || status == FHX_ERR_NOT_FOUND) {
    fhx_error_free(fault);
    return status == FHX_OK ? FHX_OK : FHX_END;
  }
  fhx__give_error(error, fault);
  return status;
}

/* A list that may begin with another job. */
static void keep_only(fhx__buffer *entries, const char *job_id) {
  fhx__job_entry entry;
  if (entries->len == 0) return;
  memcpy(&entry, entries->data, sizeof entry);
  if (strcmp(entry.record.job_id, job_id) != 0) fhx__job_entries_cut(entries, 0);
}

static int32_t check_options(const fhx_job_list_options *options, place *from, fhx_error **error) {
  if (!read_place(options->after, from)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "after is not the end of a page of jobs");
  }
  if (options->limit > LIMIT_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "limit is over %d", LIMIT_MAX);
  }
  if (options->job_id != NULL &&
      (strnlen(options->job_id, FHX__JOB_ID_LEN + 1) != FHX__JOB_ID_LEN ||
       !fhx__is_job_id(options->job_id))) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "job_id is not the id of a job");
  }
  return FHX_OK;
}

int32_t fhx__service_jobs(fhx__service *service, const fhx_job_list_options *given,
                          fhx_job_page **page, fhx_error **error) {
  fhx_job_list_options options;
  place from;
  fhx__buffer entries = {NULL, 0, 0};
  char id[FHX__JOB_ID_LEN + 1] = "";
  const int64_t until_us = fhx__clock_monotonic_us() + FHX__PATIENCE_US;
  int32_t status = fhx__struct_in(&options, sizeof options, given, "fhx_job_list_options", error);
  if (status == FHX_OK) status = check_options(&options, &from, error);
  if (status == FHX_OK && options.job_id != NULL) {
    memcpy(id, options.job_id, sizeof id);
    options.limit = 1;
    status = find_job(service, until_us, id, &from, error);
  }
  if (status != FHX_OK) return status;
  const uint32_t states =
      or_default(options.states, FHX_JOBS_RUNNING | FHX_JOBS_COMPLETE | FHX_JOBS_FAILED);
  status = fhx__step_list_jobs(service->job_options.store, states, options.tenant, options.client,
                               from.created_us, from.job_id,
                               or_default(options.limit, LIMIT_DEFAULT), until_us, &entries, error);
  if (status == FHX_OK && options.job_id != NULL) keep_only(&entries, options.job_id);
  if (status == FHX_OK) status = make_page(service, &entries, page, error);
  fhx__job_entries_free(&entries);
  return status;
}

uint32_t fhx_job_page_count(const fhx_job_page *page) {
  return page == NULL ? 0 : page->count;
}

const char *fhx_job_page_after(const fhx_job_page *page) {
  return page == NULL ? "" : page->after;
}

const fhx_job_summary *fhx_job_page_job(const fhx_job_page *page, uint32_t position) {
  return position < fhx_job_page_count(page) ? &page->jobs[position] : NULL;
}

void fhx_job_page_free(fhx_job_page *page) {
  if (page == NULL) return;
  for (uint32_t i = 0; i < page->count; i++) fhx__job_entry_free(&page->jobs[i].entry);
  fhx__free(page->jobs);
  fhx__free(page);
}

/* --- a job --- */

#define RECORD_TEXT(member)                                              \
  const char *fhx_job_summary_##member(const fhx_job_summary *summary) { \
    return summary == NULL ? "" : summary->entry.record.member;          \
  }
#define RECORD_NUMBER(type, member)                               \
  type fhx_job_summary_##member(const fhx_job_summary *summary) { \
    return summary == NULL ? 0 : summary->entry.record.member;    \
  }

const char *fhx_job_summary_id(const fhx_job_summary *summary) {
  return summary == NULL ? "" : summary->entry.record.job_id;
}

RECORD_TEXT(tenant)
RECORD_TEXT(client)
RECORD_TEXT(parameters)
RECORD_TEXT(reason)
RECORD_NUMBER(uint32_t, state)
RECORD_NUMBER(uint32_t, is_waiting)
RECORD_NUMBER(int32_t, reason_status)
RECORD_NUMBER(int64_t, created_us)
RECORD_NUMBER(int64_t, ended_us)
RECORD_NUMBER(int64_t, transaction_time_us)
RECORD_NUMBER(uint64_t, task_count)
RECORD_NUMBER(uint64_t, task_done_count)
RECORD_NUMBER(uint64_t, attempt_count)
RECORD_NUMBER(uint64_t, retry_count)
RECORD_NUMBER(uint64_t, resource_mark)
RECORD_NUMBER(uint64_t, part_count)
RECORD_NUMBER(uint64_t, resource_count)
RECORD_NUMBER(uint64_t, byte_count)
RECORD_NUMBER(uint64_t, error_count)

int64_t fhx_job_summary_expires_us(const fhx_job_summary *summary) {
  return summary == NULL ? 0 : summary->expires_us;
}

double fhx_job_summary_share(const fhx_job_summary *summary) {
  return summary == NULL ? 0.0 : fhx__job_share(&summary->entry.record);
}
