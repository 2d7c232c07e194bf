/*
 * The members of the exported Group and of the Groups nested in it, breadth first, each Group once:
 * from the source's group_members, or from the Groups' resources. Used at the start, where nothing
 * is waited for and no type is read, and in the plan phase.
 */
#ifndef FHX__JOB_MEMBER_WALK_H
#define FHX__JOB_MEMBER_WALK_H

#include "job/work.h"
#include "select/group.h"

typedef struct fhx__member_walk fhx__member_walk;

/*
 * Called with each member of a Group, `position` being its place there from 0; and without a member
 * for a nested Group that does not exist. Nested Groups are followed by the walk itself. FHX_OK
 * goes on; FHX_END ends the walk; or an error.
 */
typedef int32_t (*fhx__member_take)(void *context, const char *group_id, size_t position,
                                    const fhx__member *member, fhx_error **error);

struct fhx__member_walk {
  const fhx_job *job;
  /* Of the job, whose own may not be there yet. */
  const fhx_job_record *record;
  /* The attempt, whose lease is kept; NULL at the start. */
  fhx__work *work;
  fhx__member_take take;
  void *context;
  /* Only whether the exported Group is there and can be resolved. */
  bool head_only;
  /* Out: a Group could not be asked for without reading a whole type. */
  bool is_blind;
  /* Zero at first: members seen, doubles counted; Groups met, in order, and a table of them. */
  uint64_t member_count;
  fhx__buffer groups;
  fhx__buffer slots;
};

/*
 * FHX_OK: all members were given. FHX_END: the callback ended it, or the attempt is over, and
 * walk->work says how. FHX_ERR_NOT_FOUND: there is no such Group. FHX_ERR_UNSUPPORTED: a Group
 * whose members cannot be known. FHX_ERR_LIMIT: too deep, or too many. FHX_ERR_SOURCE; or the
 * source's.
 */
int32_t fhx__member_walk_run(fhx__member_walk *walk, fhx_error **error);
void fhx__member_walk_free(fhx__member_walk *walk);

/* A query for one type without a window and for everybody. */
void fhx__plain_query(const fhx_job_record *record, const char *resource_type, fhx_query *query);

#endif
