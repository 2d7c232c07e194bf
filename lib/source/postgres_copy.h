/* Rows of COPY's binary form: a header before the first, then for each row the number of its fields
   and each field with its length, and -1 behind the last. */
#ifndef FHX__SOURCE_POSTGRES_COPY_H
#define FHX__SOURCE_POSTGRES_COPY_H

#include <stdbool.h>
#include <stddef.h>

/* How many fields a row has at the most. */
#define FHX__FIELDS_MAX 4

/* The fields of a row, borrowed. */
typedef struct fhx__postgres_fields {
  int count;
  /* NULL: SQL's NULL. */
  const char *data[FHX__FIELDS_MAX];
  size_t len[FHX__FIELDS_MAX];
} fhx__postgres_fields;

/* A zeroed one stands before the header. */
typedef struct fhx__copy_reader {
  bool has_header;
  bool has_ended;
} fhx__copy_reader;

/* Reads one message, of which the server sends one a row. `reader->has_ended` then: it says that
   there are no more rows, and *fields has none. False: it is not in this form. */
bool fhx__copy_read(fhx__copy_reader *reader, const char *message, size_t len,
                    fhx__postgres_fields *fields);

#endif
