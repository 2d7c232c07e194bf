/* A cursor over the versions of one type that were current at one time, or over those resources
   that were deleted at that time. */
#ifndef SERVER_CURSOR_H
#define SERVER_CURSOR_H

#include "sqlite_database.h"
#include "types.h"

struct cursor;

struct cursor_place {
  /* Copied by cursor_open. */
  const char *type;
  int64_t as_of_us;
  /* The bounds of meta.lastUpdated; INT64_MIN: none. */
  int64_t since_us;
  int64_t until_us;
  /* Only what is in some patient's compartment. */
  bool of_patients;
  /* What was deleted since since_us, as it was before. */
  bool of_deleted;
  /* Ids from `from` on and before `to`; "": no bound. */
  char from[ID_MAX + 1];
  char to[ID_MAX + 1];
  /* The most rows of one batch; 0: no limit. */
  uint64_t rows_max;
};

/* What one call read, valid until the next. */
struct cursor_rows {
  const char *data;
  size_t len;
  uint64_t count;
  const uint64_t *ends;
  /* When each was deleted; NULL of resources that are not. */
  const int64_t *updated_us;
  const char *token;
  size_t token_len;
};

/* NULL if the database cannot be read. */
struct cursor *cursor_open(struct database *database, const struct cursor_place *place);
/* Goes on behind the rows that came with this token; false if it is not a cursor's. */
bool cursor_go_on(struct cursor *cursor, const void *token, size_t len);
/* Whether rows come in ascending order of id. */
bool cursor_ascends(const struct cursor *cursor);
/* About `want` bytes of rows, at least one. DONE, NONE at the end, FAILED. */
enum result cursor_next(struct cursor *cursor, uint64_t want, struct cursor_rows *rows);
void cursor_close(struct cursor *cursor);

#endif
