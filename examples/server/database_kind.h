/* The kinds of databases: what each does for database.h. */
#ifndef SERVER_DATABASE_KIND_H
#define SERVER_DATABASE_KIND_H

#include "database.h"

struct database_kind {
  void (*close)(struct database *database);
  enum result (*read)(struct database *database, const char *type, const char *id,
                      struct stored *stored);
  enum result (*next_type)(struct database *database, char type[TYPE_MAX + 1]);
  enum result (*find_groups)(struct database *database, const struct group_query *query,
                             found_group found, void *context);
  enum result (*begin)(struct database *database, int64_t *stamp_us);
  enum result (*end)(struct database *database, bool keep);
  enum result (*look)(struct database *database, const char *type, const char *id,
                      struct stored *stored);
  enum result (*write)(struct database *database, const char *type, const char *id, int64_t version,
                       int64_t updated_us, const char *json, size_t len);
  int32_t (*open_source)(struct database *database, uint64_t rows_max, fhx_source **source,
                         fhx_error **error);
};

/* The first member of each. */
struct database {
  const struct database_kind *kind;
  /* Which elements put a resource into a patient's compartment. */
  fhx_filter *patient_rule;
};

#endif
