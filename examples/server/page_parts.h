/* What page.c has, for the files that answer its requests. */
#ifndef SERVER_PAGE_PARTS_H
#define SERVER_PAGE_PARTS_H

#include "page.h"
#include "page_admin.h"
#include "page_rates.h"
#include "server.h"

struct page {
  struct page_admin *admin;
  struct page_rates *rates;
};

/* Whose the jobs are that were started on the page. No client of --auth smart can have this id. */
#define PAGE_CLIENT "(operator)"

/* An engine's request by the operator: `target` is behind the base, and the headers are constant.
   False: the answer is a failure. */
bool page_ask(struct server *server, const fhx_request *asked, fhx_response **response,
              struct answer *answer);
/* The whole body, of at most `bytes_max`. False: it is longer, or could not be read. */
bool page_read(fhx_response *response, size_t bytes_max, struct text *body);
/* The engine's OperationOutcome is the answer. */
void page_pass_on(fhx_response *response, struct answer *answer);
void page_give_json(struct answer *answer, uint32_t status);

/* --- page_jobs.c --- */

/* GET jobs?states=&after=&limit= */
void page_jobs_list(struct server *server, const struct target *target, struct answer *answer);
/* GET jobs/ID */
void page_jobs_one(struct server *server, const char *job_id, struct answer *answer);
/* POST jobs: the form */
void page_jobs_start(struct server *server, const struct request *request, struct answer *answer);
/* DELETE jobs/ID */
void page_jobs_cancel(struct server *server, const char *job_id, struct answer *answer);

/* --- page_downloads.c --- */

/* GET jobs/ID/files */
void page_files_list(struct server *server, const char *job_id, struct answer *answer);
/* GET jobs/ID/files/NUMBER */
void page_files_give(struct server *server, const struct request *request, const char *job_id,
                     const char *number, struct answer *answer);

#endif
