/*
 * An attempt that reads resources and writes them to parts: what the main phase and the phase of
 * associated resources have in common. They differ in which rows they take.
 */
#ifndef FHX__JOB_READING_H
#define FHX__JOB_READING_H

#include "job/output.h"
#include "job/roster.h"

typedef struct fhx__reading fhx__reading;

/* A row of the query's type that the scanner has accepted. */
typedef struct fhx__row {
  const fhx__facts *facts;
  /* The source's own stamp, or NULL. */
  const int64_t *updated_us;
  /* The compact line; of one that is trusted or longer than the writer's buffer, only if the
     reading or a hook asks for it. */
  const char *text;
  size_t len;
} fhx__row;

/* Stores whether a row is exported, or a bad row of this id ("": not known) reported. */
typedef bool (*fhx__take_row)(fhx__reading *read, const fhx__row *row, bool *takes);
typedef bool (*fhx__report_row)(fhx__reading *read, const char *id, bool *reports);

/* What becomes of a row that is taken; and what is to be done behind a reply's last row. */
typedef bool (*fhx__put_row)(fhx__reading *read, const fhx__line *line, const fhx__row *row);
typedef bool (*fhx__end_rows)(fhx__reading *read);

/* Whether rows of a type are this reading's. */
typedef bool (*fhx__takes_type)(fhx__reading *read, const char *type);

#define FHX__TOKEN_HEAD_MAX 32

/* Lines that stand together behind a header: where they go on in another part, it says so and the
   header comes again (FILE-17). */
typedef struct fhx__block {
  char header[256];
  size_t header_len;
  /* The open part has lines of it. */
  bool begun;
  /* The type of the present row, "" if it is not known: what the output calls its rows. */
  char row_type[FHX__TYPE_MAX + 1];
} fhx__block;

struct fhx__reading {
  fhx__work *work;
  fhx__output out;
  fhx_query query;
  fhx__roster_page page;
  fhx__cursor cursor;
  /* The task's: */
  fhx__take_row take_row;
  /* `take_row` looks at the text: as a compact line, or as it came. */
  bool takes_by_text;
  bool takes_by_raw_text;
  /* NULL: every bad row of the task's type is reported. */
  fhx__report_row report_row;
  /* NULL: it is written as it is. */
  fhx__put_row put_row;
  fhx__end_rows end_rows;
  /* NULL: the query's type alone. */
  fhx__takes_type takes_type;
  /* The block that lines are written to; NULL: they have none. */
  fhx__block *block;
  /* The present row as it came. */
  const unsigned char *raw;
  size_t raw_len;
  /* Bad rows whose type nobody can tell are reported here. */
  bool reports_unknown;
  /* Nothing says whose a row may be: ids of bad ones are not told. */
  bool hides_ids;
  /* The id that was asked for, where a single resource was; else "". */
  const char *asked_id;
  /* What a place must say besides the source's own token: recorded in front of it. */
  char token_head[FHX__TOKEN_HEAD_MAX];
  /* Every row is promised to be of the task's type. */
  bool has_one_type;
  bool ascending;
  uint64_t want_bytes;
  /* The root elements that the job exports; NULL: all. Of the type that was asked for last, "" for
     none, it is known what is kept. */
  const fhx__elements *wish;
  char kept_type[FHX__TYPE_MAX + 1];
  const fhx__kept *kept;
  /* The line that was reduced last. */
  fhx__buffer reduced;
  /* The id of the last row, for a source that promises ascending ids. */
  char last_id[FHX__ID_MAX + 1];
};

/* Loads what the job exports, and asks for all of the task's type that it means. The other members
   are the task's to set. */
bool fhx__reading_begin(fhx__reading *read, fhx__work *work);
/* Also after a begin that has failed. */
void fhx__reading_end(fhx__reading *read);

/* Opens the query's cursor, where the task's last attempt stopped; then reads it to its end. */
typedef int32_t (*fhx__cursor_opener)(fhx_source *source, const fhx_query *query,
                                      fhx__cursor *cursor, fhx_error **error);
bool fhx__reading_open(fhx__reading *read, fhx__cursor_opener open);
bool fhx__reading_cursor(fhx__reading *read);

/* Every resource that is exported comes through here, on whatever way. Calls the host's hooks for
   the line, which the output's writer has scanned last, and writes what becomes of it to the open
   part, or to a new one where it would make that too long; reduced, if only elements are wanted. */
bool fhx__reading_write(fhx__reading *read, const fhx__line *line);

/* Takes one reply's rows, and moves the place behind them. */
bool fhx__reading_take(fhx__reading *read, const fhx__rows *rows);
/* The rows alone. */
bool fhx__reading_rows(fhx__reading *read, const fhx__rows *rows);

/* Whether the open part has so many fourths of what it may have, and what it must have. */
bool fhx__reading_is_full_to(const fhx__reading *read, uint64_t fourths);

/* Between replies: stops for a parked job, with what can be kept, and for a cancelled one. */
bool fhx__reading_go_on(fhx__reading *read);

/* Records the last checkpoint: the task is done. */
bool fhx__reading_finish(fhx__reading *read);

#endif
