/* The resources in a Bundle, as stretches of its text. */
#ifndef SERVER_BUNDLE_H
#define SERVER_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

typedef void (*bundle_visit)(void *context, const char *json, size_t len);

/* Calls `visit` on each `entry.resource`, in order. False if the text is not valid JSON; what came
   before the fault was visited. `*is_bundle` says whether there was an `entry` list. */
bool bundle_walk(const char *json, size_t len, bundle_visit visit, void *context, bool *is_bundle);

#endif
