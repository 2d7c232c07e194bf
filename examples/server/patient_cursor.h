/* A cursor over all resources in the compartment of one patient, whatever their type. */
#ifndef SERVER_PATIENT_CURSOR_H
#define SERVER_PATIENT_CURSOR_H

#include <fhirexport/fhirexport.h>

#include "cursor.h"

struct patient_cursor;

/* Of the types that the query wants, as of its time; it must outlive the cursor. `patient` is
   copied. NULL if the database cannot be read. */
struct patient_cursor *patient_cursor_open(struct database *database, const fhx_query *query,
                                           const char *patient, uint64_t rows_max);
/* As that of cursor.h; there are no tokens, since such a cursor is never gone on with. */
enum result patient_cursor_next(struct patient_cursor *cursor, uint64_t want,
                                struct cursor_rows *rows);
void patient_cursor_close(struct patient_cursor *cursor);

#endif
