/* The command line of fhirexport-server. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts are those of argv. */
struct options {
  const char *listen;
  /* NULL: made of `listen`. */
  char *base_url;
  const char *database;
  const char *destination;
  /* NULL: jobs end with the server. */
  const char *jobs;
  const char *url_key_file;
  /* NULL: none. */
  const char *associated_types;
  const char *associated_values;
  /* What to load. */
  char **load;
  size_t load_count;
  bool allow_open;
  bool files_need_token;
  bool new_members;
  bool gzip;
  bool sha256;
  bool help;
  uint64_t part_bytes;
  uint64_t part_count;
  uint64_t part_bytes_min;
  uint64_t bad_rows_limit;
  uint64_t bad_rows_permille_limit;
  uint64_t keep_seconds;
  uint64_t lease_seconds;
  uint64_t workers;
  uint64_t helpers;
  uint64_t jobs_max;
  uint64_t jobs_per_client_max;
  uint64_t polls_max;
  uint64_t group_depth_max;
  uint64_t group_members_max;
  uint64_t target_bytes;
  uint64_t header_bytes;
  uint64_t body_bytes;
  uint64_t connections;
  uint64_t request_seconds;
};

extern const char options_help[];

/* Reads the command line; says on stderr what is wrong with it. options_free in either case. */
bool options_read(struct options *options, int argc, char **argv);
void options_free(struct options *options);

#endif
