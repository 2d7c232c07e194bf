/* A PostgreSQL table of resources: its names, connections to it, statements over it. */
#ifndef FHX__SOURCE_POSTGRES_TABLE_H
#define FHX__SOURCE_POSTGRES_TABLE_H

#include <fhirexport/source.h>

#include "core/buffer.h"
#include "postgres/pool.h"
#include "source/id_range.h"
#include "source/postgres_copy.h"

/* The types of columns that are told apart. */
#define FHX__OID_BOOL 16u
#define FHX__OID_BYTEA 17u
#define FHX__OID_INT8 20u
#define FHX__OID_TEXT 25u
#define FHX__OID_JSON 114u
#define FHX__OID_VARCHAR 1043u
#define FHX__OID_TIMESTAMPTZ 1184u
#define FHX__OID_TEXT_ARRAY 1009u

/* A column: its quoted name, NULL if there is none, and its type. */
typedef struct fhx__postgres_column {
  char *name;
  uint32_t type;
} fhx__postgres_column;

typedef struct fhx__postgres_table {
  fhx__libpq_pool pool;
  bool has_pool;
  /* Quoted, with the schema; NULL: there is none. */
  char *resources;
  char *deletions;
  char *patients;
  /* Of all three. */
  fhx__postgres_column type;
  fhx__postgres_column id;
  /* Of those of resources. */
  fhx__postgres_column updated;
  fhx__postgres_column json;
  fhx__postgres_column valid_from;
  fhx__postgres_column valid_to;
  fhx__postgres_column deleted;
  /* Of that of patients. */
  fhx__postgres_column patient;
  /* Of the deletions' own table, whose columns may be of other types. */
  uint32_t deletions_updated_type;
  char *clock_sql;
  int64_t resolution_us;
  int64_t patience_us;
  uint64_t rows_max;
  fhx__kept_count kept;
} fhx__postgres_table;

/* Copies the options, and checks that the tables and their columns can be read. */
int32_t fhx__postgres_table_new(const fhx_postgres_source_options *options,
                                fhx__postgres_table **table, fhx_error **error);
void fhx__postgres_table_free(fhx__postgres_table *table);

/* --- requests: a statement with its parameters --- */

#define FHX__REQUEST_PARAMETERS_MAX 12
#define FHX__REQUEST_NUMBERS_MAX 8

/* A zeroed one is empty. Texts are borrowed until it has run. */
typedef struct fhx__postgres_request {
  fhx__buffer sql;
  bool failed;
  /* It is one of COPY, which takes no parameters: values stand in the SQL, in digits alone. */
  bool is_copy;
  int count;
  uint32_t types[FHX__REQUEST_PARAMETERS_MAX];
  const char *values[FHX__REQUEST_PARAMETERS_MAX];
  int lengths[FHX__REQUEST_PARAMETERS_MAX];
  int number_count;
  unsigned char numbers[FHX__REQUEST_NUMBERS_MAX][8];
} fhx__postgres_request;

/* Add to the statement: SQL as it is, several texts up to NULL; parameters, `$1` and on,
   or their values. A failed allocation shows when the request is run. */
void fhx__request_sql(fhx__postgres_request *request, ...);
void fhx__request_text(fhx__postgres_request *request, const char *text, size_t len);
void fhx__request_number(fhx__postgres_request *request, int64_t number);
/* Bytes of a binary array of texts. */
void fhx__request_texts(fhx__postgres_request *request, const fhx__buffer *array);
void fhx__request_free(fhx__postgres_request *request);

/* Which rows of the table a statement is over; what it points to is borrowed. */
typedef struct fhx__postgres_rows {
  const char *resource_type;
  fhx__id_range ids;
  /* FHX_TIME_NONE: no bound, and all versions. */
  int64_t as_of_us;
  int64_t since_us;
  int64_t until_us;
  /* What was deleted. */
  bool of_deleted;
} fhx__postgres_rows;

/* Adds ` FROM table AS r WHERE <rows>`. */
void fhx__request_rows(fhx__postgres_request *request, const fhx__postgres_table *table,
                       const fhx__postgres_rows *rows);
/* Adds what follows of `rows` apart from type and ids: ` AND <conditions>`. */
void fhx__request_conditions(fhx__postgres_request *request, const fhx__postgres_table *table,
                             const fhx__postgres_rows *rows);

/* --- running them --- */

/* Runs the request on a connection of its own; *result is the caller's, to be given to PQclear.
   What a connection that was idle has lost is asked again on a new one. */
int32_t fhx__postgres_ask(fhx__postgres_table *table, fhx__postgres_request *request,
                          PGresult **result, fhx_error **error);

/* A statement whose rows are taken one by one. */
typedef struct fhx__postgres_stream {
  fhx__postgres_table *table;
  fhx__libpq_link *link;
  /* The row that was taken last, in its fields, and what has them: of COPY a message, otherwise a
     result. */
  fhx__postgres_fields fields;
  char *message;
  PGresult *row;
  fhx__copy_reader copy;
  bool is_copy;
  bool has_begun;
  /* Its connection holds as much memory as the largest row took. */
  size_t largest;
} fhx__postgres_stream;

/* How PostgreSQL is to go about it. */
typedef enum fhx__stream_plan {
  /* As it finds best. */
  FHX__PLAN_ANY,
  /* The rows are to be read in their order by an index where there is one, however many, and not be
     sorted first. */
  FHX__PLAN_IN_ORDER,
  /* Tables are to be joined row by row along their indexes: what it takes then follows the rows
     that come, whatever the tables hold besides, and however old the statistics are. */
  FHX__PLAN_BY_INDEX,
} fhx__stream_plan;

/* Sends the request; its rows are waited for by fhx__postgres_stream_next. */
int32_t fhx__postgres_stream_begin(fhx__postgres_stream *stream, fhx__postgres_table *table,
                                   fhx__postgres_request *request, fhx__stream_plan plan,
                                   fhx_error **error);
/* FHX_OK: stream->fields has a row, valid until the next call. FHX_END: it is over. */
int32_t fhx__postgres_stream_next(fhx__postgres_stream *stream, fhx_error **error);
/* Ends it wherever it is; a zeroed one is harmless. */
void fhx__postgres_stream_end(fhx__postgres_stream *stream);

/* A number or a time in binary form, in microseconds; false: no such value. */
bool fhx__postgres_decode_time(const char *data, size_t len, uint32_t type, int64_t *time_us);
/* The same in a result; false also of SQL's NULL. */
bool fhx__postgres_read_time(const PGresult *result, int row, int column, uint32_t type,
                             int64_t *time_us);

#endif
