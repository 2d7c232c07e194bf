/* What the files of the roster share: lists of members in the store, and lines about members. */
#ifndef FHX__JOB_ROSTER_PARTS_H
#define FHX__JOB_ROSTER_PARTS_H

#include "job/roster.h"

#define FHX__MEMBER_TEXT_MAX (FHX__TYPE_MAX + 1 + FHX__ID_MAX)

/* Texts on their way into one of the store's lists (FHX_MEMBERS_...); in any order, with doubles.
   Zeroed but for its first members. */
typedef struct fhx__member_run {
  fhx__work *work;
  /* Keeps the lease between two steps of the store: fhx__work_keep or fhx__work_go_on. */
  bool (*between_steps)(fhx__work *work);
  uint32_t list;
  /* With NULs, one behind the other. */
  fhx__buffer texts;
  size_t count;
} fhx__member_run;

/* FHX_ERR_NO_MEMORY. */
int32_t fhx__member_run_add(fhx__member_run *run, const char *text, fhx_error **error);
/* The memory that it takes, also to be sorted. */
size_t fhx__member_run_size(const fhx__member_run *run);
/* Stores what was added and forgets it; keeps the lease. False: the attempt is over. */
bool fhx__member_run_store(fhx__member_run *run);
void fhx__member_run_free(fhx__member_run *run);
/* A job keeps so many bytes of them before it stores them. */
#define FHX__MEMBER_RUNS_MAX ((size_t)16 << 20)

/* A walk through one of the store's lists. Zeroed but for its first members. */
typedef struct fhx__member_list {
  fhx_job *job;
  /* The attempt, whose lease is kept; or NULL. */
  fhx__work *work;
  uint32_t list;
  bool has_page;
  fhx_reply page;
  size_t position;
  /* The text at which it stands. */
  char text[FHX__MEMBER_TEXT_MAX + 1];
  size_t len;
} fhx__member_list;

/* FHX_OK: list->text is the next one. FHX_END: there is none. FHX_WAIT: the attempt is over, also
   because the store has failed, and list->work says how; `error` is needed then. */
int32_t fhx__member_list_next(fhx__member_list *list, fhx_error **error);
void fhx__member_list_free(fhx__member_list *list);

/* Adds a line, or counts it only. */
int32_t fhx__roster_warn(fhx__roster_lines *lines, const char *code, const char *text,
                         fhx_error **error);

/* The stored patients, whether they exist or not. FHX_WAIT when the attempt is over, as below. */
int32_t fhx__roster_candidates(fhx_job *job, fhx__work *work, fhx__roster **roster,
                               fhx_error **error);

/* Stores which of the stored patients do not exist, with a line for each. */
bool fhx__roster_verify(fhx__work *work, fhx__roster_lines *lines);

/*
 * Makes rosters of what is stored: the members that exist, and those of them that are new, or NULL
 * where there are none. `work` is NULL where no lease is to be kept.
 */
int32_t fhx__roster_recall(fhx_job *job, fhx__work *work, fhx__roster **members,
                           fhx__roster **new_members, fhx_error **error);

/* Makes them the job's, unless it has some; both are the job's then, or freed. */
void fhx__roster_keep(fhx_job *job, fhx__roster *members, fhx__roster *new_members);

#endif
