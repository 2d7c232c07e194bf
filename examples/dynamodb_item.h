/* Items of DynamoDB, in its JSON ({"id": {"S": "p1"}, ...}), as FHIR resources. */
#ifndef DYNAMODB_ITEM_H
#define DYNAMODB_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <yajl/yajl_tree.h>

/* Memory that grows. */
struct bytes {
  char *data;
  size_t len;
  size_t capacity;
};

/* false: there is no memory. There is always room for a NUL behind. */
bool bytes_add(struct bytes *bytes, const void *data, size_t len);
void bytes_free(struct bytes *bytes);

/* The text of an attribute of this kind ("S", "N"); NULL: it has none. */
const char *item_text(yajl_val item, const char *name, const char *kind);

/*
 * Writes the resource that an item holds, as JSON, without the attributes that are FHIR Works' own.
 * Numbers keep their text. NULL, or what is wrong with the item.
 */
const char *item_to_resource(yajl_val item, struct bytes *resource);

#endif
