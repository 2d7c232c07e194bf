/* A cursor over the resources of one type in the compartments of a query's patient set. */
#ifndef SERVER_MEMBER_CURSOR_H
#define SERVER_MEMBER_CURSOR_H

#include <fhirexport/fhirexport.h>

#include "cursor.h"

struct member_cursor;

/* Of the patients at the places from `first` on and before `last` of the query's set, which must
   outlive the cursor. NULL if the database cannot be read. */
struct member_cursor *member_cursor_open(struct database *database, const fhx_query *query,
                                         uint64_t first, uint64_t last, uint64_t rows_max);
/* As those of cursor.h. */
bool member_cursor_go_on(struct member_cursor *cursor, const void *token, size_t len);
enum result member_cursor_next(struct member_cursor *cursor, uint64_t want,
                               struct cursor_rows *rows);
void member_cursor_close(struct member_cursor *cursor);

/* About how many resources there are for the whole set: those of a few of its patients, scaled. */
enum result members_count(struct database *database, const fhx_query *query, uint64_t *count);

#endif
