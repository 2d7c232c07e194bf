/* The certificate and the key of https. */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <stdbool.h>

/* PEM; both NULL for plain http. */
struct tls {
  char *certificates;
  char *key;
};

/* What GnuTLS is told: TLS 1.2 and 1.3, and nothing older. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* Reads the two files, if they are given. False, with a message on stderr, if they cannot be read.
   tls_free in either case. */
bool tls_read(const char *certificate_file, const char *key_file, struct tls *tls);
/* Wipes the key. */
void tls_free(struct tls *tls);

#endif
