/*
 * Where resources come from, as a text on a command line:
 *
 *   ndjson:DIR           files TYPE.ndjson, TYPE.ndjson.gz, TYPE.2.ndjson, ...
 *   sqlite:FILE          a table with the columns type, id, last_updated, json
 *   postgresql:CONNINFO  the same in PostgreSQL: postgresql:dbname=fhir, or postgresql://HOST/DB
 *
 * and other names of tables and columns as NAME=VALUE, such as "table=things": the members of
 * fhx_sqlite_source_options and fhx_postgres_source_options (fhirexport/source.h).
 *
 * No secret is ever a part of it: a password is in PGPASSWORD or ~/.pgpass.
 */
#ifndef SOURCE_URL_H
#define SOURCE_URL_H

#include <fhirexport/fhirexport.h>
#include <stdbool.h>

enum source_kind { SOURCE_NDJSON, SOURCE_SQLITE, SOURCE_POSTGRES };

/* Texts are those that were given. */
struct source_url {
  enum source_kind kind;
  /* The folder, the file, or what libpq connects with. */
  const char *place;
  /* What libraries ask for; the one of the kind is used, without its place. */
  fhx_sqlite_source_options sqlite;
  fhx_postgres_source_options postgres;
};

/* Takes the text apart; it lives as long as `url`. false: `*problem` is a phrase that says what is
   wrong, and repeats nothing of the text. */
bool source_url_read(struct source_url *url, const char *text, const char **problem);
/* Takes a NAME=VALUE of the source into `url`; `pair` is changed, and lives as long. */
bool source_url_set(struct source_url *url, char *pair, const char **problem);
/* Makes the source. */
int32_t source_url_open(const struct source_url *url, fhx_source **source, fhx_error **error);

#endif
