/*
 * JSON through yajl. yajl crashes when an allocation fails, so it works in memory that was taken
 * before: a block in the writer, and an arena of eight times the input for the parser.
 */
#include "core/json.h"

#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "core/alloc.h"
#include "core/encode.h"
#include "core/error.h"

/* --- an arena that yajl allocates from; every block carries its size for realloc --- */

#define BLOCK_ALIGN 16

typedef struct arena {
  unsigned char *data;
  size_t size;
  size_t used;
} arena;

static void *arena_allocate(void *context, size_t wanted) {
  arena *from = context;
  if (wanted > SIZE_MAX - 2 * BLOCK_ALIGN) return NULL;
  size_t needed = BLOCK_ALIGN + (wanted + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
  if (needed > from->size - from->used) return NULL;
  unsigned char *block = from->data + from->used;
  memcpy(block, &wanted, sizeof wanted);
  from->used += needed;
  return block + BLOCK_ALIGN;
}

static void *arena_reallocate(void *context, void *block, size_t wanted) {
  if (block == NULL) return arena_allocate(context, wanted);
  size_t old = 0;
  memcpy(&old, (unsigned char *)block - BLOCK_ALIGN, sizeof old);
  if (wanted <= old) return block;
  void *grown = arena_allocate(context, wanted);
  if (grown != NULL) memcpy(grown, block, old);
  return grown;
}

static void arena_release(void *context, void *block) {
  (void)context;
  (void)block;
}

/* --- writing --- */

static void *writer_allocate(void *context, size_t wanted) {
  fhx__json_writer *writer = context;
  arena view = {writer->arena, sizeof writer->arena, writer->arena_used};
  void *block = arena_allocate(&view, wanted);
  writer->arena_used = view.used;
  return block;
}

static void *writer_reallocate(void *context, void *block, size_t wanted) {
  fhx__json_writer *writer = context;
  arena view = {writer->arena, sizeof writer->arena, writer->arena_used};
  void *grown = arena_reallocate(&view, block, wanted);
  writer->arena_used = view.used;
  return grown;
}

static void writer_print(void *context, const char *text, size_t len) {
  fhx__json_writer *writer = context;
  if (writer->status == FHX_OK) writer->status = fhx__buffer_append(writer->out, text, len);
}

void fhx__json_begin(fhx__json_writer *writer, fhx__buffer *out) {
  writer->out = out;
  writer->status = FHX_OK;
  writer->arena_used = 0;
  yajl_alloc_funcs functions = {writer_allocate, writer_reallocate, arena_release, writer};
  yajl_gen generator = yajl_gen_alloc(&functions);
  writer->generator = generator;
  if (generator == NULL) {
    writer->status = FHX_ERR_NO_MEMORY;
    return;
  }
  yajl_gen_config(generator, yajl_gen_validate_utf8, 1);
  yajl_gen_config(generator, yajl_gen_print_callback, writer_print, writer);
}

static void note(fhx__json_writer *writer, yajl_gen_status outcome) {
  /* "Complete" comes for a call behind the end, or for closing what is not open. */
  bool fine = outcome == yajl_gen_status_ok;
  if (writer->status == FHX_OK && !fine) writer->status = FHX_ERR_INTERNAL;
}

void fhx__json_open_object(fhx__json_writer *writer) {
  if (writer->status == FHX_OK) note(writer, yajl_gen_map_open(writer->generator));
}

void fhx__json_close_object(fhx__json_writer *writer) {
  if (writer->status == FHX_OK) note(writer, yajl_gen_map_close(writer->generator));
}

void fhx__json_open_array(fhx__json_writer *writer) {
  if (writer->status == FHX_OK) note(writer, yajl_gen_array_open(writer->generator));
}

void fhx__json_close_array(fhx__json_writer *writer) {
  if (writer->status == FHX_OK) note(writer, yajl_gen_array_close(writer->generator));
}

void fhx__json_text(fhx__json_writer *writer, const char *text) {
  if (writer->status != FHX_OK) return;
  note(writer, yajl_gen_string(writer->generator, (const unsigned char *)text, strlen(text)));
}

void fhx__json_key(fhx__json_writer *writer, const char *key) {
  fhx__json_text(writer, key);
}

void fhx__json_integer(fhx__json_writer *writer, uint64_t value) {
  char digits[24];
  char *at = digits + sizeof digits;
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  if (writer->status != FHX_OK) return;
  note(writer, yajl_gen_number(writer->generator, at, (size_t)(digits + sizeof digits - at)));
}

void fhx__json_boolean(fhx__json_writer *writer, bool value) {
  if (writer->status == FHX_OK) note(writer, yajl_gen_bool(writer->generator, value));
}

void fhx__json_member_text(fhx__json_writer *writer, const char *key, const char *text) {
  fhx__json_key(writer, key);
  fhx__json_text(writer, text);
}

void fhx__json_member_integer(fhx__json_writer *writer, const char *key, uint64_t value) {
  fhx__json_key(writer, key);
  fhx__json_integer(writer, value);
}

int32_t fhx__json_end(fhx__json_writer *writer) {
  if (writer->generator != NULL) yajl_gen_free(writer->generator);
  writer->generator = NULL;
  return writer->status;
}

/* --- reading --- */

typedef struct reader {
  fhx__json_node *root;
  fhx__json_node *open;
  char *key;
  unsigned depth;
  int32_t status;
} reader;

static int reader_stop(reader *read, int32_t status) {
  read->status = status;
  return 0;
}

static fhx__json_node *add_node(reader *read, fhx__json_kind kind) {
  fhx__json_node *node = fhx__alloc_zeroed(1, sizeof *node);
  if (node == NULL) return NULL;
  node->kind = kind;
  node->key = read->key;
  read->key = NULL;
  node->parent = read->open;
  if (read->open == NULL) {
    read->root = node;
  } else if (read->open->last == NULL) {
    read->open->first = node;
    read->open->last = node;
  } else {
    read->open->last->next = node;
    read->open->last = node;
  }
  return node;
}

static int add_text(reader *read, fhx__json_kind kind, const void *text, size_t len) {
  fhx__json_node *node = add_node(read, kind);
  if (node == NULL) return reader_stop(read, FHX_ERR_NO_MEMORY);
  node->text = fhx__copy_bytes(text, len);
  node->text_len = len;
  return node->text != NULL ? 1 : reader_stop(read, FHX_ERR_NO_MEMORY);
}

static int on_null(void *context) {
  reader *read = context;
  return add_node(read, FHX__JSON_NULL) != NULL ? 1 : reader_stop(read, FHX_ERR_NO_MEMORY);
}

static int on_boolean(void *context, int value) {
  reader *read = context;
  fhx__json_node *node = add_node(read, value ? FHX__JSON_TRUE : FHX__JSON_FALSE);
  return node != NULL ? 1 : reader_stop(read, FHX_ERR_NO_MEMORY);
}

static int on_number(void *context, const char *text, size_t len) {
  return add_text(context, FHX__JSON_NUMBER, text, len);
}

static int on_string(void *context, const unsigned char *text, size_t len) {
  return add_text(context, FHX__JSON_STRING, text, len);
}

static int on_key(void *context, const unsigned char *text, size_t len) {
  reader *read = context;
  if (memchr(text, '\0', len) != NULL) return reader_stop(read, FHX_ERR_ARGUMENT);
  read->key = fhx__copy_bytes(text, len);
  return read->key != NULL ? 1 : reader_stop(read, FHX_ERR_NO_MEMORY);
}

static int open_container(reader *read, fhx__json_kind kind) {
  if (++read->depth > FHX__JSON_DEPTH_MAX) return reader_stop(read, FHX_ERR_LIMIT);
  fhx__json_node *node = add_node(read, kind);
  if (node == NULL) return reader_stop(read, FHX_ERR_NO_MEMORY);
  read->open = node;
  return 1;
}

static int on_open_object(void *context) {
  return open_container(context, FHX__JSON_OBJECT);
}

static int on_open_array(void *context) {
  return open_container(context, FHX__JSON_ARRAY);
}

static int on_close(void *context) {
  reader *read = context;
  read->depth--;
  read->open = read->open->parent;
  return 1;
}

static const yajl_callbacks reader_callbacks = {
    on_null,        on_boolean, NULL,     NULL,          on_number, on_string,
    on_open_object, on_key,     on_close, on_open_array, on_close,
};

static int32_t run_parser(reader *read, arena *memory, const void *data, size_t len) {
  yajl_alloc_funcs functions = {arena_allocate, arena_reallocate, arena_release, memory};
  yajl_handle parser = yajl_alloc(&reader_callbacks, &functions, read);
  if (parser == NULL) return FHX_ERR_NO_MEMORY;
  yajl_status outcome = yajl_parse(parser, data, len);
  if (outcome == yajl_status_ok) outcome = yajl_complete_parse(parser);
  yajl_free(parser);
  if (read->status != FHX_OK) return read->status;
  return outcome == yajl_status_ok && read->root != NULL ? FHX_OK : FHX_ERR_ARGUMENT;
}

int32_t fhx__json_parse(const void *data, size_t len, fhx__json_node **root, fhx_error **error) {
  *root = NULL;
  if (len > FHX__JSON_INPUT_MAX) {
    return fhx__fail(error, FHX_ERR_LIMIT, "the JSON document is longer than 16 MiB");
  }
  size_t arena_size = 8 * len + 64 * 1024;
  arena memory = {fhx__alloc(arena_size), arena_size, 0};
  if (memory.data == NULL) return fhx__no_memory(error);
  reader read = {NULL, NULL, NULL, 0, FHX_OK};
  int32_t status = run_parser(&read, &memory, data, len);
  fhx__wipe(memory.data, memory.used);
  fhx__free(memory.data);
  fhx__free(read.key);
  if (status == FHX_OK) {
    *root = read.root;
    return FHX_OK;
  }
  fhx__json_free(read.root);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status == FHX_ERR_LIMIT) {
    return fhx__fail(error, status, "the JSON document is nested more than %d levels deep",
                     FHX__JSON_DEPTH_MAX);
  }
  return fhx__fail(error, status, "the document is not JSON");
}

void fhx__json_free(fhx__json_node *root) {
  fhx__json_node *node = root;
  while (node != NULL) {
    if (node->first != NULL) {
      fhx__json_node *child = node->first;
      node->first = child->next;
      node = child;
      continue;
    }
    fhx__json_node *parent = node == root ? NULL : node->parent;
    fhx__free(node->key);
    if (node->text != NULL) fhx__wipe(node->text, node->text_len);
    fhx__free(node->text);
    fhx__free(node);
    node = parent;
  }
}

const fhx__json_node *fhx__json_member(const fhx__json_node *object, const char *key) {
  if (object == NULL || object->kind != FHX__JSON_OBJECT) return NULL;
  for (const fhx__json_node *node = object->first; node != NULL; node = node->next) {
    if (strcmp(node->key, key) == 0) return node;
  }
  return NULL;
}

const char *fhx__json_member_string(const fhx__json_node *object, const char *key,
                                    const char *fallback) {
  const fhx__json_node *node = fhx__json_member(object, key);
  return node != NULL && node->kind == FHX__JSON_STRING ? node->text : fallback;
}

uint64_t fhx__json_member_number(const fhx__json_node *object, const char *key, uint64_t fallback) {
  const fhx__json_node *node = fhx__json_member(object, key);
  if (node == NULL || node->kind != FHX__JSON_NUMBER) return fallback;
  uint64_t value = 0;
  for (const char *at = node->text; *at != '\0'; at++) {
    if (*at < '0' || *at > '9') return fallback;
    uint64_t digit = (uint64_t)(*at - '0');
    if (value > (UINT64_MAX - digit) / 10) return fallback;
    value = value * 10 + digit;
  }
  return value;
}
