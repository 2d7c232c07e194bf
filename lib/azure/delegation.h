/* The user delegation key, by which URLs are signed where there are tokens: kept, and fetched anew
   when half of its time is over. */
#ifndef FHX__AZURE_DELEGATION_H
#define FHX__AZURE_DELEGATION_H

#include "azure/renewal.h"
#include "azure/sign.h"

struct fhx__azure;

typedef struct fhx__azure_delegations {
  fhx__azure_renewal renewal;
  fhx__azure_delegation present;
} fhx__azure_delegations;

/* False without memory. */
bool fhx__azure_delegations_init(fhx__azure_delegations *delegations);
void fhx__azure_delegations_free(fhx__azure_delegations *delegations);

/* A copy of a good one, to be wiped; asks for it first if need be, on a thread of the host's.
   `until_us` as with the renewal. */
int32_t fhx__azure_delegation_get(struct fhx__azure *azure, int64_t until_us,
                                  fhx__azure_delegation *delegation, fhx_error **error);

/* Reads the service's answer. FHX_ERR_DESTINATION when it is not whole. */
int32_t fhx__azure_delegation_read(fhx__azure_delegation *delegation, const void *data, size_t len,
                                   fhx_error **error);

#endif
