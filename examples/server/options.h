/* The command line of fhirexport-server. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../destination_url.h"

/* Texts are those of argv. */
struct options {
  const char *listen;
  /* NULL: made of `listen`. */
  char *base_url;
  /* Where the rules of the STU4 ballot are served too; NULL: nowhere. */
  const char *base4b;
  const char *database;
  struct destination_url destination;
  /* As it was given; for messages. */
  const char *destination_text;
  /* NULL: jobs end with the server. */
  const char *jobs;
  const char *url_key_file;
  /* A folder whose content is published; NULL: none. */
  const char *publish;
  /* NULL: none. */
  const char *associated_types;
  const char *associated_values;
  /* NULL: clients cannot name destinations; of the second, the system's certificates. */
  const char *client_destinations;
  const char *client_destinations_ca;
  const char *client_destinations_container;
  /* What to load. */
  char **load;
  size_t load_count;
  /* --auth smart, and what it needs; of the last two, NULL: see options_help. */
  bool smart;
  const char *clients_file;
  const char *used_assertions;
  const char *jwks_ca_file;
  /* Both or none. */
  const char *tls_cert_file;
  const char *tls_key_file;
  /* NULL: no page for operators. */
  const char *admin_token_file;
  bool allow_open;
  bool files_need_token;
  bool new_members;
  bool gzip;
  bool sha256;
  bool disabled;
  bool join_identical;
  /* GET /metrics also where other machines can ask for it. */
  bool metrics;
  /* Events as JSON, those from this FHX_LOG_... on. */
  bool log_json;
  uint32_t log_level;
  bool help;
  uint64_t part_bytes;
  uint64_t part_count;
  uint64_t shards_max;
  uint64_t part_bytes_min;
  uint64_t maximum_file_size_min;
  uint64_t bad_rows_limit;
  uint64_t bad_rows_permille_limit;
  uint64_t keep_seconds;
  uint64_t link_seconds;
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
  uint64_t token_seconds;
};

extern const char options_help[];

/* Reads the command line; says on stderr what is wrong with it. options_free in either case. */
bool options_read(struct options *options, int argc, char **argv);
void options_free(struct options *options);

#endif
