/* See dynamodb_item.h. */
#include "dynamodb_item.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

/* DynamoDB nests at most 32 levels. */
#define DEPTH_MAX 64

/* What FHIR Works keeps beside the resource. */
static const char *const own_names[] = {"vid", "documentStatus",     "lockEndTs", "_references",
                                        "_id", "_subscriptionStatus"};

bool bytes_add(struct bytes *bytes, const void *data, size_t len) {
  if (bytes->capacity - bytes->len <= len) {
    size_t capacity = (bytes->len + len + 1) * 2;
    char *grown = realloc(bytes->data, capacity);
    if (grown == NULL) return false;
    bytes->data = grown;
    bytes->capacity = capacity;
  }
  if (len > 0) memcpy(bytes->data + bytes->len, data, len);
  bytes->len += len;
  bytes->data[bytes->len] = '\0';
  return true;
}

void bytes_free(struct bytes *bytes) {
  free(bytes->data);
  memset(bytes, 0, sizeof *bytes);
}

const char *item_text(yajl_val item, const char *name, const char *kind) {
  const char *path[] = {name, kind, NULL};
  yajl_val text = yajl_tree_get(item, path, yajl_t_string);
  return YAJL_GET_STRING(text);
}

/* --- writing --- */

/* A map or list that is being written, and what of it is next. */
struct level {
  yajl_val node;
  size_t next;
};

struct writing {
  yajl_gen gen;
  struct level levels[DEPTH_MAX];
  size_t depth;
  const char *problem;
};

static bool is_own(const char *name) {
  for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++) {
    if (strcmp(name, own_names[i]) == 0) return true;
  }
  return false;
}

static void write_text(struct writing *writing, const char *text) {
  if (yajl_gen_string(writing->gen, (const unsigned char *)text, strlen(text)) != 0) {
    writing->problem = "a text cannot be written";
  }
}

static void write_number(struct writing *writing, const char *digits) {
  size_t len = strlen(digits);
  if (len == 0 || strspn(digits, "+-.0123456789Ee") != len) {
    writing->problem = "a number is none";
  } else {
    yajl_gen_number(writing->gen, digits, len);
  }
}

static void open_level(struct writing *writing, yajl_val node) {
  if (writing->depth == DEPTH_MAX) {
    writing->problem = "the item is nested too deep";
    return;
  }
  writing->levels[writing->depth++] = (struct level){node, 0};
  if (YAJL_IS_OBJECT(node)) {
    yajl_gen_map_open(writing->gen);
  } else {
    yajl_gen_array_open(writing->gen);
  }
}

/* {"S": "text"}, {"M": {...}} and so on; maps and lists are only begun. */
static void write_value(struct writing *writing, yajl_val value) {
  if (!YAJL_IS_OBJECT(value) || YAJL_GET_OBJECT(value)->len != 1) {
    writing->problem = "a value has not one kind";
    return;
  }
  const char *kind = YAJL_GET_OBJECT(value)->keys[0];
  yajl_val inner = YAJL_GET_OBJECT(value)->values[0];
  if (strcmp(kind, "S") == 0 && YAJL_IS_STRING(inner)) {
    write_text(writing, YAJL_GET_STRING(inner));
  } else if (strcmp(kind, "N") == 0 && YAJL_IS_STRING(inner)) {
    write_number(writing, YAJL_GET_STRING(inner));
  } else if (strcmp(kind, "BOOL") == 0) {
    yajl_gen_bool(writing->gen, YAJL_IS_TRUE(inner));
  } else if (strcmp(kind, "NULL") == 0) {
    yajl_gen_null(writing->gen);
  } else if ((strcmp(kind, "M") == 0 && YAJL_IS_OBJECT(inner)) ||
             (strcmp(kind, "L") == 0 && YAJL_IS_ARRAY(inner))) {
    open_level(writing, inner);
  } else {
    writing->problem = "a value is of a kind that JSON does not have";
  }
}

/* The next value of the innermost level, or its end. */
static void step(struct writing *writing) {
  struct level *level = &writing->levels[writing->depth - 1];
  bool map = YAJL_IS_OBJECT(level->node);
  size_t count = map ? YAJL_GET_OBJECT(level->node)->len : YAJL_GET_ARRAY(level->node)->len;
  size_t i = level->next++;
  if (i == count) {
    if (map) {
      yajl_gen_map_close(writing->gen);
    } else {
      yajl_gen_array_close(writing->gen);
    }
    writing->depth--;
  } else if (!map) {
    write_value(writing, YAJL_GET_ARRAY(level->node)->values[i]);
  } else if (writing->depth > 1 || !is_own(YAJL_GET_OBJECT(level->node)->keys[i])) {
    write_text(writing, YAJL_GET_OBJECT(level->node)->keys[i]);
    write_value(writing, YAJL_GET_OBJECT(level->node)->values[i]);
  }
}

const char *item_to_resource(yajl_val item, struct bytes *resource) {
  struct writing writing = {.gen = yajl_gen_alloc(NULL)};
  const unsigned char *text = NULL;
  size_t len = 0;
  resource->len = 0;
  if (writing.gen == NULL) return "there is no memory";
  if (!YAJL_IS_OBJECT(item)) {
    writing.problem = "an item is no map";
  } else if (item_text(item, "_tenantId", "S") != NULL) {
    writing.problem = "the table is of several tenants";
  } else {
    open_level(&writing, item);
  }
  while (writing.problem == NULL && writing.depth > 0) step(&writing);
  if (writing.problem == NULL &&
      (yajl_gen_get_buf(writing.gen, &text, &len) != yajl_gen_status_ok ||
       !bytes_add(resource, text, len))) {
    writing.problem = "there is no memory";
  }
  yajl_gen_free(writing.gen);
  return writing.problem;
}
