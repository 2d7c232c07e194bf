/*
 * The obvious program: yajl parses each resource, and its events go to a yajl generator, which
 * writes them again without white space. Numbers keep their text.
 *
 *   bench_yajl_reemit FILE [TIMES]
 */
#include <stdio.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "support/stopwatch.h"
#include "support/texts.h"

static int good(yajl_gen_status status) {
  return status == yajl_gen_status_ok;
}
static int put_null(void *gen) {
  return good(yajl_gen_null(gen));
}
static int put_boolean(void *gen, int value) {
  return good(yajl_gen_bool(gen, value));
}
static int put_number(void *gen, const char *text, size_t len) {
  return good(yajl_gen_number(gen, text, len));
}
static int put_string(void *gen, const unsigned char *text, size_t len) {
  return good(yajl_gen_string(gen, text, len));
}
static int open_map(void *gen) {
  return good(yajl_gen_map_open(gen));
}
static int close_map(void *gen) {
  return good(yajl_gen_map_close(gen));
}
static int open_array(void *gen) {
  return good(yajl_gen_array_open(gen));
}
static int close_array(void *gen) {
  return good(yajl_gen_array_close(gen));
}

static const yajl_callbacks callbacks = {.yajl_null = put_null,
                                         .yajl_boolean = put_boolean,
                                         .yajl_number = put_number,
                                         .yajl_string = put_string,
                                         .yajl_start_map = open_map,
                                         .yajl_map_key = put_string,
                                         .yajl_end_map = close_map,
                                         .yajl_start_array = open_array,
                                         .yajl_end_array = close_array};

/* One generator writes them all: its buffer stays. */
static bool reemit(yajl_gen gen, const char *text, size_t len, uint64_t *bytes) {
  yajl_handle parser = yajl_alloc(&callbacks, NULL, gen);
  if (parser == NULL) return false;
  const unsigned char *line = NULL;
  size_t line_len = 0;
  bool done = yajl_parse(parser, (const unsigned char *)text, len) == yajl_status_ok &&
              yajl_complete_parse(parser) == yajl_status_ok &&
              good(yajl_gen_get_buf(gen, &line, &line_len));
  *bytes += line_len;
  yajl_gen_clear(gen);
  yajl_gen_reset(gen, NULL);
  yajl_free(parser);
  return done;
}

static bool reemit_all(const texts *all, yajl_gen gen, uint64_t *bytes) {
  for (size_t i = 0; i < all->count; i++) {
    size_t len = all->begins[i + 1] - all->begins[i] - 1;
    if (!reemit(gen, all->data + all->begins[i], len, bytes)) {
      fprintf(stderr, "resource %zu was not taken by yajl\n", i);
      return false;
    }
  }
  return true;
}

int main(int argc, char **argv) {
  texts all;
  unsigned long times = 0;
  bool done = texts_arguments(argc, argv, &all, &times);
  yajl_gen gen = done ? yajl_gen_alloc(NULL) : NULL;
  uint64_t bytes = 0;
  stopwatch start = stopwatch_start();
  done = gen != NULL;
  for (unsigned long i = 0; i < times && done; i++) done = reemit_all(&all, gen, &bytes);
  if (done) stopwatch_print(&start, times * all.count, bytes);
  if (gen != NULL) yajl_gen_free(gen);
  texts_free(&all);
  return done ? 0 : 1;
}
