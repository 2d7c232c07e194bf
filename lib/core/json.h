/* JSON documents of our own (definitions, manifests, outcomes), read and written by yajl. Resources
   never pass through here. */
#ifndef FHX__CORE_JSON_H
#define FHX__CORE_JSON_H

#include <fhirexport/error.h>
#include <stdbool.h>

#include "core/buffer.h"

/* --- writing --- */

#define FHX__JSON_ARENA 8192

/* Writes to `out`. The first failure sticks in `status`; later calls then do nothing. */
typedef struct fhx__json_writer {
  fhx__buffer *out;
  void *generator;
  int32_t status;
  size_t arena_used;
  _Alignas(16) unsigned char arena[FHX__JSON_ARENA];
} fhx__json_writer;

void fhx__json_begin(fhx__json_writer *writer, fhx__buffer *out);
void fhx__json_open_object(fhx__json_writer *writer);
void fhx__json_close_object(fhx__json_writer *writer);
void fhx__json_open_array(fhx__json_writer *writer);
void fhx__json_close_array(fhx__json_writer *writer);
void fhx__json_key(fhx__json_writer *writer, const char *key);
void fhx__json_text(fhx__json_writer *writer, const char *text);
void fhx__json_integer(fhx__json_writer *writer, uint64_t value);
void fhx__json_boolean(fhx__json_writer *writer, bool value);
/* A key and its value. */
void fhx__json_member_text(fhx__json_writer *writer, const char *key, const char *text);
void fhx__json_member_integer(fhx__json_writer *writer, const char *key, uint64_t value);
/* Ends the document: FHX_OK, FHX_ERR_NO_MEMORY, or FHX_ERR_INTERNAL for a call out of order or
   text that is not UTF-8. */
int32_t fhx__json_end(fhx__json_writer *writer);

/* --- reading --- */

#define FHX__JSON_INPUT_MAX (16u * 1024 * 1024)
#define FHX__JSON_DEPTH_MAX 64

typedef enum fhx__json_kind {
  FHX__JSON_NULL,
  FHX__JSON_FALSE,
  FHX__JSON_TRUE,
  FHX__JSON_NUMBER,
  FHX__JSON_STRING,
  FHX__JSON_ARRAY,
  FHX__JSON_OBJECT
} fhx__json_kind;

/* A value. `text` is that of a number or string, terminated; `key` that of a member, else NULL. */
typedef struct fhx__json_node {
  fhx__json_kind kind;
  char *key;
  char *text;
  size_t text_len;
  struct fhx__json_node *parent;
  struct fhx__json_node *first;
  struct fhx__json_node *last;
  struct fhx__json_node *next;
} fhx__json_node;

/* Reads one document of at most 16 MiB and 64 levels; a key with a NUL makes it none.
   FHX_ERR_ARGUMENT, FHX_ERR_LIMIT or FHX_ERR_NO_MEMORY. Free the root with fhx__json_free, which
   overwrites all texts: they may hold secrets. */
int32_t fhx__json_parse(const void *data, size_t len, fhx__json_node **root, fhx_error **error);
void fhx__json_free(fhx__json_node *root);

/* The member of that name; NULL if there is none or `object` is no object (NULL included). */
const fhx__json_node *fhx__json_member(const fhx__json_node *object, const char *key);
/* A member's string, or `fallback`. */
const char *fhx__json_member_string(const fhx__json_node *object, const char *key,
                                    const char *fallback);
/* A member's number as an unsigned integer, or `fallback`. */
uint64_t fhx__json_member_number(const fhx__json_node *object, const char *key, uint64_t fallback);

#endif
