/* Where the answers of a store's callback are collected, and what a record must be like. */
#ifndef FHX__STORE_RECORDS_H
#define FHX__STORE_RECORDS_H

#include "store/store.h"

/* One callback's answer. Only the place that belongs to the callback is set. */
typedef struct fhx__store_answer {
  /* The job that was asked for; NULL: any. */
  const char *job_id;
  fhx__job_entry *job;
  fhx__task_entry *task;
  /* Of fhx__job_entry, in a list of those with these states, tenant and client. */
  fhx__buffer *jobs;
  uint32_t states;
  const char *tenant;
  const char *client;
  fhx__buffer *parts;
  fhx__buffer *attempts;
  /* Whether a job or a task was given. */
  bool given;
  /* How many more entries of a list may come, and the place that they must lie behind: else a store
     that repeats itself would keep its reader going for ever. */
  uint32_t room;
  uint32_t after_task;
  uint64_t after_number;
  int64_t after_created_us;
  const char *after_job_id;
} fhx__store_answer;

/* Puts "" where a text is NULL, and the least that resource_mark can be. */
void fhx__job_record_fill(fhx_job_record *record);
void fhx__task_record_fill(fhx_task_record *record);

/* NULL, or what is senseless about a record without NULL texts. What comes in is held against the
   same rules as what comes out: a store must never hold what cannot be read back. */
const char *fhx__job_record_fault(const fhx_job_record *record);
const char *fhx__task_record_fault(const fhx_task_record *record);
const char *fhx__part_record_fault(const fhx_part_record *record);

/* What a record without a fault says. */
void fhx__part_of_record(const fhx_part_record *record, fhx_part *part);

#endif
