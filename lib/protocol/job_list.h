/* Lists of jobs, for operators. */
#ifndef FHX__PROTOCOL_JOB_LIST_H
#define FHX__PROTOCOL_JOB_LIST_H

#include "protocol/service.h"

/* As fhx_engine_jobs. */
int32_t fhx__service_jobs(fhx__service *service, const fhx_job_list_options *given,
                          fhx_job_page **page, fhx_error **error);

#endif
