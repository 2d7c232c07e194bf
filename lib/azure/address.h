/* The URLs that options name: of an account, of a container with its signature. */
#ifndef FHX__AZURE_ADDRESS_H
#define FHX__AZURE_ADDRESS_H

#include <fhirexport/error.h>
#include <stdbool.h>

/* A stretch of somebody else's text. */
typedef struct fhx__azure_span {
  const char *text;
  size_t len;
} fhx__azure_span;

typedef struct fhx__azure_address {
  bool is_https;
  /* "https://host:port", and the host alone. */
  fhx__azure_span origin;
  fhx__azure_span host;
  /* "account.blob.core.windows.net": the host's first label is the account. Else the account is the
     path's first segment, as with an emulator, or the host is a name of the account's own. */
  bool is_account_host;
  /* At most two segments; the second only behind the first. */
  fhx__azure_span segments[2];
  size_t segment_count;
  /* Behind the question mark. */
  fhx__azure_span query;
} fhx__azure_address;

/* Points into `text`. FHX_ERR_ARGUMENT with a sentence that begins with `what` and repeats nothing.
 */
int32_t fhx__azure_address_read(fhx__azure_address *address, fhx__azure_span text, const char *what,
                                fhx_error **error);

/* Letters, digits, dots and hyphens: a name in the DNS, an IPv4 address. */
bool fhx__azure_is_host(fhx__azure_span host);
/* 3 to 24 lower-case letters and digits. */
bool fhx__azure_is_account(fhx__azure_span name);
/* 3 to 63 lower-case letters, digits and hyphens, none of these first, last or doubled. */
bool fhx__azure_is_container(fhx__azure_span name);

/* Whether the span is `text`, letters without case. */
bool fhx__azure_is(fhx__azure_span span, const char *text);
fhx__azure_span fhx__azure_span_of(const char *text);

#endif
