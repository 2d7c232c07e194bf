/*
 * Who is an operator: whoever has one of the tokens, by a header, or by a cookie that was given for
 * one. A cookie is signed and not kept, so that every server with the same file of tokens knows it,
 * also after a restart; it ends by itself, or for all when the file is changed and the server
 * started anew.
 */
#ifndef SERVER_PAGE_ADMIN_H
#define SERVER_PAGE_ADMIN_H

#include "answer.h"

struct page_admin;

enum page_verdict {
  PAGE_UNKNOWN,
  /* So many wrong tokens have come that none is looked at for a while. */
  PAGE_TOO_MANY,
  PAGE_BY_HEADER,
  PAGE_BY_COOKIE
};

/* NULL, with a message on stderr, if there are no tokens or one is no good. */
struct page_admin *page_admin_open(const char *token_file, bool is_secure);
void page_admin_close(struct page_admin *admin);

/* PAGE_BY_HEADER: it is one of the tokens. */
enum page_verdict page_admin_try(struct page_admin *admin, const char *token);
/* By what a request brings. */
enum page_verdict page_admin_know(struct page_admin *admin, const struct request *request);

/* The cookie, for an operator, and its end. False: no randomness, no memory. */
bool page_admin_begin(struct page_admin *admin, struct answer *answer);
void page_admin_end(struct page_admin *admin, struct answer *answer);

#endif
