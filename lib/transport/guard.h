/* Which servers may be reached when somebody else has named them. */
#ifndef FHX__TRANSPORT_GUARD_H
#define FHX__TRANSPORT_GUARD_H

#include <fhirexport/error.h>
#include <netinet/in.h>
#include <stdbool.h>

typedef struct fhx__guard_entry {
  /* As libcurl has it: lower case is not promised, an IPv6 address is in brackets. */
  char *host;
  char *port;
  /* When the host is an address: it, with its port. */
  bool is_address;
  struct sockaddr_storage address;
} fhx__guard_entry;

/* A zeroed one lets everything through. */
typedef struct fhx__guard {
  fhx__guard_entry *entries;
  uint64_t count;
} fhx__guard;

/* FHX_ERR_ARGUMENT for an entry that is no host with a port; FHX_ERR_NO_MEMORY. Free it either way.
 */
int32_t fhx__guard_init(fhx__guard *guard, const char *const *hosts, uint64_t count,
                        fhx_error **error);
void fhx__guard_free(fhx__guard *guard);

bool fhx__guard_is_on(const fhx__guard *guard);
/* See fhx__transport_check_url. */
int32_t fhx__guard_check_url(const fhx__guard *guard, const char *url, fhx_error **error);
/* Whether a connection may be made to this address. */
bool fhx__guard_lets_connect(const fhx__guard *guard, const struct sockaddr *address);

/* Whether an address is one of the public Internet, of a single host. */
bool fhx__address_is_public(const struct sockaddr *address);

#endif
