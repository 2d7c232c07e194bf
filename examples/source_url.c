/* See source_url.h. */
#include "source_url.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- reading --- */

#define NOWHERE SIZE_MAX
#define BOTH(member) \
  offsetof(fhx_sqlite_source_options, member), offsetof(fhx_postgres_source_options, member)
#define POSTGRES(member) NOWHERE, offsetof(fhx_postgres_source_options, member)

enum value_kind { VALUE_TEXT, VALUE_COUNT, VALUE_TIME };

/* A member of the options, and where it is in those of either kind. */
static const struct source_name {
  const char *name;
  enum value_kind kind;
  size_t in_sqlite;
  size_t in_postgres;
} names[] = {
    {"table", VALUE_TEXT, BOTH(table)},
    {"type_column", VALUE_TEXT, BOTH(type_column)},
    {"id_column", VALUE_TEXT, BOTH(id_column)},
    {"updated_column", VALUE_TEXT, BOTH(updated_column)},
    {"json_column", VALUE_TEXT, BOTH(json_column)},
    {"deleted_table", VALUE_TEXT, BOTH(deleted_table)},
    {"patient_table", VALUE_TEXT, BOTH(patient_table)},
    {"patient_column", VALUE_TEXT, BOTH(patient_column)},
    {"stamp_resolution_us", VALUE_TIME, BOTH(stamp_resolution_us)},
    {"schema", VALUE_TEXT, POSTGRES(schema)},
    {"valid_from_column", VALUE_TEXT, POSTGRES(valid_from_column)},
    {"valid_to_column", VALUE_TEXT, POSTGRES(valid_to_column)},
    {"deleted_column", VALUE_TEXT, POSTGRES(deleted_column)},
    {"clock_sql", VALUE_TEXT, POSTGRES(clock_sql)},
    {"patience_us", VALUE_TIME, POSTGRES(patience_us)},
    {"connections_max", VALUE_COUNT, POSTGRES(connections_max)},
};

/* What stands behind `prefix`, or NULL. */
static const char *behind(const char *text, const char *prefix) {
  size_t len = strlen(prefix);
  return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* Whether a password is in what libpq would connect with: NAME:PASSWORD@ in a URL, or the keyword,
   which is a parameter of a URL as well. */
static bool has_password(const char *conninfo) {
  const char *user = strstr(conninfo, "://");
  if (user != NULL) {
    const char *end = user + 3 + strcspn(user + 3, "@/");
    if (*end == '@' && memchr(user + 3, ':', (size_t)(end - user - 3)) != NULL) return true;
  }
  for (const char *at = conninfo; *at != '\0'; at++) {
    if (strncasecmp(at, "password", 8) != 0) continue;
    if (at[8 + strspn(at + 8, " \t\r\n")] == '=') return true;
  }
  return false;
}

bool source_url_read(struct source_url *url, const char *text, const char **problem) {
  memset(url, 0, sizeof *url);
  FHX_INIT(&url->sqlite);
  FHX_INIT(&url->postgres);
  *problem = NULL;
  if ((url->place = behind(text, "ndjson:")) != NULL) {
    url->kind = SOURCE_NDJSON;
  } else if ((url->place = behind(text, "sqlite:")) != NULL) {
    url->kind = SOURCE_SQLITE;
  } else if ((url->place = behind(text, "postgresql:")) != NULL ||
             (url->place = behind(text, "postgres:")) != NULL) {
    url->kind = SOURCE_POSTGRES;
    if (has_password(text)) {
      *problem =
          "has a password, which others on this machine can see: it belongs in PGPASSWORD "
          "or in ~/.pgpass";
    }
    if (strncmp(url->place, "//", 2) == 0) url->place = text;
  } else {
    *problem = "begins neither with ndjson:, sqlite: nor postgresql:";
    return false;
  }
  if (*problem == NULL && url->place[0] == '\0') {
    *problem = url->kind == SOURCE_POSTGRES ? "names no database" : "names no folder or file";
  }
  return *problem == NULL;
}

static bool set_number(void *member, enum value_kind kind, const char *text) {
  char *end = NULL;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  bool valid = text[0] >= '0' && text[0] <= '9' && errno == 0 && *end == '\0';
  if (kind == VALUE_COUNT) {
    if (!valid || number > (long long)UINT32_MAX) return false;
    *(uint32_t *)member = (uint32_t)number;
  } else {
    if (!valid) return false;
    *(int64_t *)member = (int64_t)number;
  }
  return true;
}

bool source_url_set(struct source_url *url, char *pair, const char **problem) {
  char *value = strchr(pair, '=');
  *problem = "is not NAME=VALUE";
  if (value == NULL || value == pair) return false;
  *problem = url->kind == SOURCE_NDJSON ? "is given, but a folder of NDJSON has none"
                                        : "has a name that this kind of source does not know";
  if (url->kind == SOURCE_NDJSON) return false;
  const bool in_sqlite = url->kind == SOURCE_SQLITE;
  char *options = in_sqlite ? (char *)&url->sqlite : (char *)&url->postgres;
  *value++ = '\0';
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const struct source_name *one = &names[i];
    size_t offset = in_sqlite ? one->in_sqlite : one->in_postgres;
    if (offset == NOWHERE || strcmp(one->name, pair) != 0) continue;
    *problem = "has a value that is no whole number";
    if (one->kind != VALUE_TEXT) return set_number(options + offset, one->kind, value);
    memcpy(options + offset, &value, sizeof value);
    return true;
  }
  return false;
}

/* --- opening --- */

int32_t source_url_open(const struct source_url *url, fhx_source **source, fhx_error **error) {
  if (url->kind == SOURCE_SQLITE) {
    fhx_sqlite_source_options options = url->sqlite;
    options.path = url->place;
    return fhx_sqlite_source_new(&options, source, error);
  }
  if (url->kind == SOURCE_POSTGRES) {
    fhx_postgres_source_options options = url->postgres;
    options.conninfo = url->place;
    return fhx_postgres_source_new(&options, source, error);
  }
  fhx_folder_options options;
  FHX_INIT(&options);
  options.path = url->place;
  return fhx_folder_source_new(&options, source, error);
}
