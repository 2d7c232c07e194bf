/* A job's parts, a page at a time: all of them, and those of a page of the manifest. */
#include "job/pages.h"

#include "core/alloc.h"
#include "core/error.h"
#include "job/run.h"
#include "job/steps.h"

struct fhx_part_page {
  fhx__buffer parts;
};

/* A cookie is the place of the last part of a page: 24 bits of task, 40 of seq. */
#define SEQ_BITS 40
#define PAGE_MAX 1000

static uint64_t cookie_behind(const fhx_part *part) {
  return (uint64_t)part->task_index << SEQ_BITS | part->seq;
}

int32_t fhx_job_parts_new(fhx_job *job, uint64_t *after, uint32_t limit, fhx_part_page **made,
                          fhx_error **error) {
  if (job == NULL || after == NULL || made == NULL || limit == 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "a page of parts needs a job, a place to go on from, a limit and a place");
  }
  return fhx__job_parts(job, after, limit, 0, made, error);
}

/* Gives out what a step has listed, or frees it; FHX_END when that is nothing. */
static int32_t give_out(fhx_part_page *listed, int32_t status, fhx_part_page **made) {
  if (status == FHX_OK && fhx_part_page_count(listed) == 0) status = FHX_END;
  if (status == FHX_OK) {
    *made = listed;
  } else {
    fhx_part_page_free(listed);
  }
  return status;
}

static const fhx_part *last_part(const fhx_part_page *listed) {
  return fhx_part_page_part(listed, fhx_part_page_count(listed) - 1);
}

int32_t fhx__job_parts(fhx_job *job, uint64_t *after, uint32_t limit, int64_t until_us,
                       fhx_part_page **made, fhx_error **error) {
  fhx_part_page *listed = fhx__alloc_zeroed(1, sizeof *listed);
  if (listed == NULL) return fhx__no_memory(error);
  uint32_t after_task = (uint32_t)(*after >> SEQ_BITS);
  uint64_t after_seq = *after & ((UINT64_C(1) << SEQ_BITS) - 1);
  int32_t status =
      fhx__step_list_parts(job, after_task, after_seq, limit > PAGE_MAX ? PAGE_MAX : limit,
                           until_us, &listed->parts, error);
  status = give_out(listed, status, made);
  if (status == FHX_OK) *after = cookie_behind(last_part(*made));
  return status;
}

int32_t fhx__job_add_page(fhx_job *job, uint32_t page, uint32_t count_max, int64_t until_us,
                          fhx_error **error) {
  return fhx__step_add_page(job, page, count_max, until_us, error);
}

int32_t fhx__job_page_parts(fhx_job *job, uint32_t page, uint32_t *after_task, uint64_t *after_seq,
                            uint32_t limit, int64_t until_us, fhx_part_page **page_of_parts,
                            fhx_error **error) {
  fhx_part_page *listed = fhx__alloc_zeroed(1, sizeof *listed);
  if (listed == NULL) return fhx__no_memory(error);
  int32_t status =
      fhx__step_list_page(job, page, *after_task, *after_seq, limit > PAGE_MAX ? PAGE_MAX : limit,
                          until_us, &listed->parts, error);
  status = give_out(listed, status, page_of_parts);
  if (status != FHX_OK) return status;
  const fhx_part *last = last_part(*page_of_parts);
  *after_task = last->task_index;
  *after_seq = last->seq;
  return FHX_OK;
}

uint32_t fhx_part_page_count(const fhx_part_page *page) {
  return page == NULL ? 0 : (uint32_t)(page->parts.len / sizeof(fhx_part));
}

const fhx_part *fhx_part_page_part(const fhx_part_page *page, uint32_t position) {
  if (position >= fhx_part_page_count(page)) return NULL;
  return (const fhx_part *)(const void *)page->parts.data + position;
}

void fhx_part_page_free(fhx_part_page *page) {
  if (page == NULL) return;
  fhx__buffer_free(&page->parts);
  fhx__free(page);
}
