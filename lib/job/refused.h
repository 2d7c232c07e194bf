/* How many refused resources a job bears. */
#ifndef FHX__JOB_REFUSED_H
#define FHX__JOB_REFUSED_H

#include "job/work.h"

/* All answer "go on"; else the job is to fail with FHX_ERR_LIMIT. Without a limit they do nothing.
 */

/* A task has refused so many. */
bool fhx__refused_judge(fhx__work *work, uint64_t refused);

/* The job's tasks have recorded some, and this one is about to record `more`; 0: does nothing. */
bool fhx__refused_judge_recorded(fhx__work *work, uint64_t more);

/* All tasks that read are done. */
bool fhx__refused_judge_all(fhx__work *work);

#endif
