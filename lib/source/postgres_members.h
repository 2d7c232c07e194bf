/* The resources of one type in the compartments of a query's patient set, by the host's index of
   patients: what a Group export costs follows its members, and not the table. */
#ifndef FHX__SOURCE_POSTGRES_MEMBERS_H
#define FHX__SOURCE_POSTGRES_MEMBERS_H

#include "source/postgres_table.h"

/* Shards are ranges of patients by their place in the set, `@<first>-<last>`; tokens are the page
   of patients that is read, and the last id of it: `m<place>/<id>`. */
typedef struct fhx__members {
  fhx__postgres_table *table;
  /* Outlives the cursor. */
  const fhx_query *query;
  /* Of the present page, of those of this shard, and the end of these. */
  uint64_t place;
  uint64_t end;
  uint64_t next_place;
  /* The first patient of the page, and all as an array of PostgreSQL's. */
  char first[FHX__ID_MAX + 1];
  fhx__buffer page;
  /* Behind which the first page goes on; empty: from its beginning. */
  fhx__buffer from_id;
  fhx__buffer token;
} fhx__members;

/* Whether the query is one for this. */
bool fhx__members_fit(const fhx__postgres_table *table, const fhx_query *query);
/* Reads the query's shard and token. FHX_ERR_SOURCE: they are not of this source. */
int32_t fhx__members_begin(fhx__members *members, fhx__postgres_table *table,
                           const fhx_query *query, fhx_error **error);
void fhx__members_free(fhx__members *members);

/* Sends the request for the next page: its rows have id, stamp, earlier patients, JSON. FHX_END. */
int32_t fhx__members_next_page(fhx__members *members, fhx__postgres_stream *stream,
                               fhx_error **error);
/* Whether the row comes with an earlier patient of the set, in another page. Otherwise *json, which
   the caller gives to PQclear, has the row's text if the row itself has not. */
int32_t fhx__members_comes_earlier(const fhx__members *members, const PGresult *row,
                                   bool *is_earlier, PGresult **json, fhx_error **error);
/* The token behind this id of the present page. */
int32_t fhx__members_write_token(fhx__members *members, const char *id, size_t len,
                                 fhx_error **error);

/* As the source's callbacks. */
void fhx__members_list_shards(const fhx_query *query, uint32_t count_max, fhx_reply *reply);
int32_t fhx__members_count(fhx__postgres_table *table, const fhx_query *query, uint64_t *count,
                           fhx_error **error);

#endif
