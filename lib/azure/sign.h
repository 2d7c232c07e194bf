/* Signatures of Azure Storage: Shared Key for requests, shared access signatures for URLs. No clock
   and no network: times come in. */
#ifndef FHX__AZURE_SIGN_H
#define FHX__AZURE_SIGN_H

#include "azure/settings.h"

/* The version of the interface that requests name and signatures are made for. */
#define FHX__AZURE_VERSION "2021-12-02"

/* A parameter of a query, as it is before it is encoded. */
typedef struct fhx__azure_parameter {
  const char *name;
  const char *value;
} fhx__azure_parameter;

/* What a signature of a request covers. */
typedef struct fhx__azure_signed {
  const char *method;
  size_t body_len;
  /* As it stands in the URL. */
  const char *path;
  /* Names in lower case, in ascending order. */
  const fhx__azure_parameter *query;
  size_t query_count;
  /* Each "name: value" and a NUL; no name twice. */
  const fhx__buffer *headers;
} fhx__azure_signed;

/* Appends what is signed by an account's key. FHX_ERR_LIMIT for more than 32 headers that begin
   with x-ms-. */
int32_t fhx__azure_string_to_sign(fhx__buffer *out, const char *account,
                                  const fhx__azure_signed *request, fhx_error **error);
/* Appends "SharedKey account:signature". */
int32_t fhx__azure_shared_key(fhx__buffer *out, const fhx__azure_settings *settings,
                              const fhx__azure_signed *request, fhx_error **error);

/* A user delegation key, as the service gave it; its texts go into signatures as they are. */
typedef struct fhx__azure_delegation {
  char object_id[65];
  char tenant_id[65];
  char start[33];
  char expiry[33];
  char service[5];
  char version[17];
  uint8_t value[128];
  size_t value_len;
  int64_t start_us;
  int64_t expiry_us;
} fhx__azure_delegation;

/*
 * Appends the query of a URL under which the blob of the settings' container can be read until
 * `expires_us`, rounded down to a second: signed by the account's key, or by `delegation` if it is
 * not NULL.
 */
int32_t fhx__azure_append_sas(fhx__buffer *out, const fhx__azure_settings *settings,
                              const fhx__azure_delegation *delegation, const char *blob,
                              int64_t expires_us, fhx_error **error);

#endif
