/* A store as a host may write one, in memory and on the public headers alone. */
#ifndef TOY_STORE_H
#define TOY_STORE_H

#include <fhirexport/store.h>

/* What the store keeps: it outlives the store, like a database. */
typedef struct toy_records toy_records;

/* No jobs; NULL when there is no memory. */
toy_records *toy_records_new(void);
void toy_records_free(toy_records *records);

/* A store on these records, with this clock; NULL when it cannot be made. One at a time. */
fhx_store *toy_store_new(toy_records *records, fhx_clock_callback clock, void *clock_user_data);

#endif
