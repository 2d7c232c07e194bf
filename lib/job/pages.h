/*
 * Pages of a job's parts for a manifest that is read while the job runs. What is on a page is there
 * to stay, and a page never changes. Pages are counted from 1 and made one after the other.
 */
#ifndef FHX__JOB_PAGES_H
#define FHX__JOB_PAGES_H

#include "job/job.h"

/* FHX_OK: the page is there now, whoever has made it; a new one has up to `count_max` parts.
   FHX_END: there is nothing for it at present, or another page has to come before it.
   FHX_ERR_REFUSED: the job has failed. FHX_ERR_UNSUPPORTED: the store makes no pages. */
int32_t fhx__job_add_page(fhx_job *job, uint32_t page, uint32_t count_max, int64_t until_us,
                          fhx_error **error);

/* The parts of a page behind a place, as fhx__job_parts lists those of the job; 0 and 0 is before
   all, and FHX_END is behind all. A page that is not there has none. */
int32_t fhx__job_page_parts(fhx_job *job, uint32_t page, uint32_t *after_task, uint64_t *after_seq,
                            uint32_t limit, int64_t until_us, fhx_part_page **page_of_parts,
                            fhx_error **error);

#endif
