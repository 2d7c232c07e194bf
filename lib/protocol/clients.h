/*
 * Exports to destinations that clients have named: which of them this process can run, and how they
 * are kept from those that cannot. Any thread.
 */
#ifndef FHX__PROTOCOL_CLIENTS_H
#define FHX__PROTOCOL_CLIENTS_H

#include <stdbool.h>

#include "core/names.h"
#include "protocol/client_destination.h"
#include "store/store.h"

typedef struct fhx__clients fhx__clients;

/*
 * Copies what the host has given, and takes over its user_data: destroy is called also when this
 * fails, unless the structure could not be read. NULL gives NULL.
 */
int32_t fhx__clients_new(const fhx_client_destinations *given, fhx__clients **clients,
                         fhx_error **error);
/* Jobs are held in this store, for so long at a time by this clock, which is copied; before
   anything else. FHX_ERR_ARGUMENT when it cannot hold jobs and there is no other place for secrets.
 */
int32_t fhx__clients_use_store(fhx__clients *clients, fhx_store *store, int64_t hold_us,
                               const fhx_clock *clock, fhx_error **error);
/* Gives up all holds. NULL is harmless. */
void fhx__clients_free(fhx__clients *clients);

const fhx__client_settings *fhx__clients_settings(const fhx__clients *clients);

/* How long a new job is to be held; 0: not, since the host keeps secrets for all. */
int64_t fhx__clients_hold_us(const fhx__clients *clients);

/*
 * A job that is about to be stored: this process has its destination, and the host its secret
 * (until `until_us`, as for a store). After a failure there is nothing to take back.
 */
int32_t fhx__clients_add(fhx__clients *clients, const char *job_id, const char *container,
                         const char *connection_string, fhx_destination *destination,
                         int64_t until_us, fhx_error **error);

/* The job is stored: before, nobody looks whether it is over. */
void fhx__clients_set_stored(fhx__clients *clients, const char *job_id);

/* The job is over, or was never stored: forgets the destination, the hold and the secret. */
void fhx__clients_remove(fhx__clients *clients, const char *job_id);

/*
 * The job's destination, for the caller to free. FHX_ERR_DENIED: its credentials are gone, and what
 * needs them cannot be done any more. Any other error may pass. `clients` may be NULL.
 */
int32_t fhx__clients_find(fhx__clients *clients, const char *job_id, fhx_destination **destination,
                          fhx_error **error);

/* Renews the holds when it is time for that, and forgets jobs that are over. */
void fhx__clients_renew(fhx__clients *clients);

/*
 * The next job that is held here and may have a task to give, one after the other and over and
 * over, also for several threads; false when there is none. And one that has none to give before so
 * long; 0: it may have one now.
 */
bool fhx__clients_next_held(fhx__clients *clients, char job_id[FHX__JOB_ID_LEN + 1]);
void fhx__clients_rest(fhx__clients *clients, const char *job_id, int64_t wait_us);

#endif
