/* Request targets: the path's segments and the query's parameters, decoded once. */
#ifndef SERVER_TARGET_H
#define SERVER_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/* No URL of this server's own has more. */
#define TARGET_SEGMENTS_MAX 5

struct target {
  /* As many as there are, though only the first ones are kept. */
  size_t segment_count;
  char *segments[TARGET_SEGMENTS_MAX];
  /* As sent, checked, behind its question mark; "" for none. */
  const char *query;
  char *memory;
};

/*
 * Reads "/Type/id?query". False for broken encodings, control characters, invalid UTF-8, and empty
 * or dotted segments, but for one slash at the end; and when there is no memory. target_free in
 * either case.
 */
bool target_read(const char *raw, struct target *target);
void target_free(struct target *target);

/* Whether a segment of the path, decoded, is that text, whatever the others are. */
bool target_has_segment(const char *raw, const char *segment);

/* The decoded value of the first parameter of that name, to be freed; NULL if there is none. */
char *target_parameter(const struct target *target, const char *name);

#endif
