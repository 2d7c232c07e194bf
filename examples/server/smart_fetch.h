/* A client's public keys from its URL. */
#ifndef SERVER_SMART_FETCH_H
#define SERVER_SMART_FETCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* How long keys are used whose server says nothing about it, and at most. */
#define SMART_FRESH_S 300
#define SMART_FRESH_MAX_S 86400

/* Whether keys may be fetched from there: by https, or by http from this machine. */
bool smart_fetch_takes(const char *url);

/*
 * Fetches a JWK Set: at most 256 KiB, in at most 4 seconds, without redirects. `ca_file`: whose
 * certificates are believed; NULL: the system's. `*fresh_s` says how long it may be used by its
 * Cache-Control: 0, for this once. NULL if it cannot be had.
 */
json_t *smart_fetch_keys(const char *url, const char *ca_file, int64_t *fresh_s);

/* For how long the value of a Cache-Control header allows use. */
int64_t smart_fetch_fresh_s(const char *cache_control);

#endif
