/* The resources in PostgreSQL. */
#ifndef SERVER_POSTGRES_DATABASE_H
#define SERVER_POSTGRES_DATABASE_H

#include "database.h"

/* As database_open; makes the tables in the schema "fhir" if they are missing. */
enum result postgres_database_open(const char *url, struct database **database,
                                   struct text *problem);

#endif
