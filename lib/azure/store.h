/* What a destination of Azure Blob is: its settings, its connections, and what it has fetched. */
#ifndef FHX__AZURE_STORE_H
#define FHX__AZURE_STORE_H

#include "azure/delegation.h"
#include "azure/settings.h"
#include "azure/token.h"
#include "transport/transport.h"

typedef struct fhx__azure {
  fhx__azure_settings settings;
  fhx__transport *transport;
  bool has_tokens;
  bool has_delegations;
  fhx__azure_tokens tokens;
  fhx__azure_delegations delegations;
  /* URLs are not signed. */
  bool has_plain_urls;
  /* Of parts; NULL: none. */
  char *cache_control;
  size_t piece_bytes;
  uint32_t pieces_in_flight;
  /* The host's. */
  void (*destroy)(void *user_data);
  void *user_data;
} fhx__azure;

#endif
