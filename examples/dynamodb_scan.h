/* Requests to DynamoDB over libcurl, signed with AWS Signature Version 4. */
#ifndef DYNAMODB_SCAN_H
#define DYNAMODB_SCAN_H

#include <curl/curl.h>
#include <stdint.h>

#include "dynamodb_item.h"

/* Where the table is. Texts live as long as this. */
struct table {
  const char *name;
  const char *endpoint;
  const char *region;
  /* "ACCESS-KEY:SECRET" */
  const char *credentials;
  /* NULL: none. */
  const char *session_token;
  /* How many items an answer is made of; 0: as many as fit in 1 MiB. */
  uint64_t page_items;
};

/* The key of an item, as the text "VERSION ID"; "" for none. */
#define KEY_SIZE 1024

/* One segment of a parallel scan. */
struct scan {
  const struct table *table;
  /* NULL: the kinds of resources alone, of all types. */
  const char *resource_type;
  uint32_t segment;
  uint32_t segment_count;
  /* The scan goes on behind it. */
  char after[KEY_SIZE];
  CURL *curl;
};

/* How a request ended. BUSY: DynamoDB asks for patience. */
enum outcome { OUTCOME_DONE, OUTCOME_BUSY, OUTCOME_LOST, OUTCOME_REFUSED };

/* One page: `*answer`, to be freed with yajl_tree_free, and NULL if there is none. `after` moves
   on; it is "" behind the last page. */
enum outcome scan_next(struct scan *scan, yajl_val *answer);
/* What DynamoDB says about the table. */
enum outcome table_describe(const struct table *table, yajl_val *answer);

/* Writes an item's key; false: it is none. */
bool item_key(yajl_val item, char key[KEY_SIZE]);

#endif
