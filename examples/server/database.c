/* The database, whichever kind it is of. */
#include "database.h"

#include <stdlib.h>
#include <string.h>

#include "database_kind.h"
#include "postgres_database.h"
#include "sqlite_database.h"

bool database_is_postgres(const char *place) {
  return strncmp(place, "postgresql://", 13) == 0 || strncmp(place, "postgres://", 11) == 0;
}

enum result database_open(const char *place, struct database **database, struct text *problem) {
  if (!database_is_postgres(place)) return sqlite_database_open(place, database, problem);
#ifdef SERVER_WITH_POSTGRES
  return postgres_database_open(place, database, problem);
#else
  text_add_string(problem, "this server was built without PostgreSQL");
  return FAILED;
#endif
}

void database_close(struct database *database) {
  if (database != NULL) database->kind->close(database);
}

enum result database_read(struct database *database, const char *type, const char *id,
                          struct stored *stored) {
  memset(stored, 0, sizeof *stored);
  return database->kind->read(database, type, id, stored);
}

void stored_free(struct stored *stored) {
  text_free(&stored->json);
}

enum result database_next_type(struct database *database, char type[TYPE_MAX + 1]) {
  return database->kind->next_type(database, type);
}

enum result database_find_groups(struct database *database, const struct group_query *query,
                                 found_group found, void *context) {
  return database->kind->find_groups(database, query, found, context);
}

enum result database_begin(struct database *database, int64_t *stamp_us) {
  return database->kind->begin(database, stamp_us);
}

enum result database_end(struct database *database, bool keep) {
  return database->kind->end(database, keep);
}

enum result database_look(struct database *database, const char *type, const char *id,
                          struct stored *stored) {
  memset(stored, 0, sizeof *stored);
  return database->kind->look(database, type, id, stored);
}

enum result database_write(struct database *database, const char *type, const char *id,
                           int64_t version, int64_t updated_us, const char *json, size_t len) {
  return database->kind->write(database, type, id, version, updated_us, json, len);
}

enum result database_now(struct database *database, int64_t *now_us) {
  if (database_begin(database, now_us) != DONE) return FAILED;
  return database_end(database, true);
}

int32_t database_open_source(struct database *database, uint64_t rows_max, fhx_source **source,
                             fhx_error **error) {
  return database->kind->open_source(database, rows_max, source, error);
}
