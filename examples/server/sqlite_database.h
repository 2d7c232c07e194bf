/* The resources in SQLite: what the cursors of source.c read with. */
#ifndef SERVER_SQLITE_DATABASE_H
#define SERVER_SQLITE_DATABASE_H

#include <sqlite3.h>

#include "database.h"

/* Opens the file, or makes it; as database_open. */
enum result sqlite_database_open(const char *path, struct database **database,
                                 struct text *problem);

/* A connection for reading, to be given back with no statement open; NULL if none can be had. The
   database is one of SQLite, in whichever thread. */
sqlite3 *database_borrow(struct database *database);
void database_give_back(struct database *database, sqlite3 *connection);

/* What `place` in the table patient_version says of a patient of a version. */
enum place { ONLY_PATIENT = 0, FIRST_PATIENT = 1, LATER_PATIENT = 2 };

#endif
