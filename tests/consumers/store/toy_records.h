/* What the toy store keeps, and the lists that it is made of. */
#ifndef TOY_RECORDS_H
#define TOY_RECORDS_H

#include <pthread.h>

#include "toy_store.h"

/* A list of items of one size. */
typedef struct toy_list {
  char *items;
  size_t count;
  size_t room;
  size_t item_size;
} toy_list;

/* Bytes of the store's own, or none. */
typedef struct toy_blob {
  void *data;
  size_t len;
} toy_blob;

typedef struct toy_part {
  fhx_part_record record;
  uint8_t sha256[32];
} toy_part;

typedef struct toy_member {
  uint32_t list;
  char *text;
} toy_member;

typedef struct toy_line {
  uint32_t task_index;
  toy_blob text;
} toy_line;

typedef struct toy_task {
  fhx_task_record record;
  char *claim_id;
  int64_t lease_end_us;
  uint64_t resource_mark;
} toy_task;

typedef struct toy_job {
  fhx_job_record record;
  /* toy_task, fhx_attempt_record, toy_part, toy_line, toy_member. */
  toy_list tasks;
  toy_list attempts;
  toy_list parts;
  toy_list lines;
  toy_list members;
} toy_job;

struct toy_records {
  pthread_mutex_t lock;
  /* toy_job, the oldest first. */
  toy_list jobs;
  fhx_clock_callback clock;
  void *clock_user_data;
};

/* Memory that is there, of zeros; a copy, NULL of NULL; a copy of a text, "" of NULL. */
void *toy_take(size_t size);
void *toy_copy(const void *data, size_t len);
char *toy_copy_text(const char *text);

/* Where an item lies until the list changes; a zeroed one at that place, or behind all. */
void *toy_at(const toy_list *of, size_t position);
void *toy_insert(toy_list *into, size_t position);
void *toy_append(toy_list *to);
void toy_drop(toy_list *from, size_t position);
void toy_empty(toy_list *which);

/* What goes: a kind of records of a job, those of one task, and the job with all. */
void toy_drop_parts(toy_job *job);
void toy_drop_lines(toy_job *job);
void toy_drop_members(toy_job *job);
void toy_drop_of_task(toy_job *job, uint32_t task_index);
void toy_free_job(toy_job *job);

#endif
