/*
 * /exports: a page for the operators of this server, and the JSON that it is made of. It is there
 * only with --admin-token-file.
 *
 * What is on it: that a job exists, whose it is, how far it is, the names of its parameters. What
 * is not: values of parameters, which may be health data, URLs of kick-offs, resources. An operator
 * may cancel every job, and fetch the files of those that were started here and of no others.
 */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include "answer.h"

#define PAGE_PATH "/exports"

struct server;
struct page;

/* Tokens of operators, one a line. `is_secure`: browsers come by https. NULL, with a message on
   stderr, if it cannot be. */
struct page *page_open(const char *token_file, bool is_secure);
/* NULL is harmless. */
void page_close(struct page *page);

/* Looks at what the engine has counted, from time to time. Call it every second. */
void page_tick(struct page *page, fhx_engine *engine);

/* Whether a path is PAGE_PATH or below. */
bool page_has(const char *path);
/* A request for such a path. */
void page_answer(struct server *server, const struct request *request, const char *path,
                 struct answer *answer);

#endif
