/* Filling the database at the start. */
#ifndef SERVER_LOAD_H
#define SERVER_LOAD_H

#include "database.h"

struct load_counts {
  /* Written; known already in this version or a newer one; not resources. */
  uint64_t loaded;
  uint64_t known;
  uint64_t refused;
  /* When it began, and when somebody was last told how far it is. */
  int64_t begun_us;
  int64_t told_us;
};

/*
 * Loads a .ndjson or .ndjson.gz file, a .json file with a Bundle or one resource, or all such files
 * of a folder. What is not a resource is named on stderr and left out. False, with a message on
 * stderr, if a file cannot be read or the database not be written.
 */
bool load_path(struct database *database, const char *path, struct load_counts *counts);

/* Adds how many are loaded in a second. */
void load_add_rate(const struct load_counts *counts, struct text *note);

#endif
