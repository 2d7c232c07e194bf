/* Ranges of ids: the shards of a table of resources, and where its cursors go on.
   A shard is `<from>/<to>`: the ids from `from` on and before `to`, an empty text being no bound. A
   token is the last id that was delivered. */
#ifndef FHX__SOURCE_ID_RANGE_H
#define FHX__SOURCE_ID_RANGE_H

#include <fhirexport/source.h>
#include <pthread.h>
#include <stdbool.h>

#include "core/names.h"

/* An end of a range of ids. */
typedef enum fhx__bound {
  FHX__BOUND_OPEN,
  FHX__BOUND_AT,
  FHX__BOUND_BEHIND,
  /* No range: this id alone. */
  FHX__BOUND_ONLY
} fhx__bound;

/* What it points to is borrowed. */
typedef struct fhx__id_range {
  /* Where ids begin, as `from_bound` says. */
  fhx__bound from_bound;
  const char *from;
  size_t from_len;
  /* Ids before `to`; NULL: no bound. */
  const char *to;
  size_t to_len;
} fhx__id_range;

/* The query's shard. FHX_ERR_SOURCE: it is not one of `whose`, "an SQLite table". */
int32_t fhx__id_range_of_shard(const fhx_query *query, const char *whose, fhx__id_range *range,
                               fhx_error **error);
/* Begins the range behind the id of the query's token, if it has one. One that no cursor over these
   rows has given would leave rows out, or give those of another shard once more: FHX_ERR_SOURCE. */
int32_t fhx__id_range_go_on(const fhx_query *query, const char *whose, fhx__id_range *range,
                            fhx_error **error);
bool fhx__id_range_is_whole(const fhx__id_range *range);

/* What list_shards has found so far: where the present shard begins, "" for no bound, and its
   number from 1. */
typedef struct fhx__division {
  fhx_reply *reply;
  char from[FHX__ID_MAX + 1];
  uint64_t present;
} fhx__division;

/* Ends the present shard before this id, if that has the form of one and lies behind `from`. */
bool fhx__division_end_before(fhx__division *found, const char *id, size_t len);
/* Gives the last shard, unless it is the only one. */
void fhx__division_end(fhx__division *found);

/* Counting walks through an index, and who estimates a type divides it next: the count is kept for
   that, and given once, since it grows old. */
typedef struct fhx__kept_count {
  pthread_mutex_t mutex;
  /* "": none. */
  char type[FHX__TYPE_MAX + 1];
  uint64_t rows;
} fhx__kept_count;

/* FHX_OK or FHX_ERR_NO_MEMORY. */
int32_t fhx__kept_count_init(fhx__kept_count *kept);
void fhx__kept_count_end(fhx__kept_count *kept);
void fhx__kept_count_keep(fhx__kept_count *kept, const char *resource_type, uint64_t rows);
/* False: there is none of this type. */
bool fhx__kept_count_take(fhx__kept_count *kept, const char *resource_type, uint64_t *rows);

#endif
