/* What PostgreSQL's SQLSTATEs mean. */
#include "postgres/sqlstate.h"

#include <stddef.h>
#include <string.h>

static bool is_of_class(const char *sqlstate, const char *class) {
  return strncmp(sqlstate, class, 2) == 0;
}

const char *fhx__sqlstate_at_connect(const char *sqlstate, uint32_t *is_retryable) {
  *is_retryable = 0;
  if (is_of_class(sqlstate, "28")) return "the database does not let this user in";
  if (is_of_class(sqlstate, "3D")) return "there is no such database";
  *is_retryable = 1;
  if (is_of_class(sqlstate, "53")) return "the database has no room for another connection";
  return "the database cannot be reached";
}

const char *fhx__sqlstate_of_statement(const char *sqlstate, uint32_t *is_retryable) {
  *is_retryable = 1;
  if (strcmp(sqlstate, "57014") == 0) return "the database took too long";
  if (is_of_class(sqlstate, "53")) return "the database is short of space, memory or connections";
  if (is_of_class(sqlstate, "58")) return "the database's system has failed";
  *is_retryable = 0;
  if (strcmp(sqlstate, "42501") == 0) return "the database's user lacks a privilege";
  return NULL;
}

bool fhx__sqlstate_is_conflict(const char *sqlstate) {
  return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0;
}

bool fhx__sqlstate_ends_connection(const char *sqlstate) {
  static const char *const codes[] = {"57P01", "57P02", "57P03", "57P05", "25P03",
                                      "25P04", "25006", "26000", "0A000"};
  if (is_of_class(sqlstate, "08")) return true;
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    if (strcmp(sqlstate, codes[i]) == 0) return true;
  }
  return false;
}
