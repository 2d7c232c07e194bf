/*
 * XML of a store's answer. Whatever it is, it is read or refused; paths grow and shrink by one
 * name, elements end in an order that a tree has, and the same document is read the same way again.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "transport/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds) {
  if (!holds) abort();
}

typedef struct walk {
  size_t visits;
  /* The visit that fails; 0: none. */
  size_t stop_at;
  char last[FHX__XML_PATH_MAX + 1];
  uint64_t hash;
} walk;

static void mix(walk *of, const char *text) {
  for (; *text != '\0'; text++) of->hash = (of->hash ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
}

static int32_t visit(void *context, const char *path, const char *text) {
  walk *of = context;
  size_t len = strlen(path);
  require(len > 0 && len <= FHX__XML_PATH_MAX && strlen(text) <= FHX__XML_TEXT_MAX);
  require(path[0] != '/' && path[len - 1] != '/');
  /* The last to end is the root. */
  require(of->visits == 0 || strchr(of->last, '/') != NULL);
  require(of->stop_at == 0 || of->visits < of->stop_at);
  memcpy(of->last, path, len + 1);
  mix(of, path);
  mix(of, text);
  return ++of->visits == of->stop_at ? FHX_ERR_LIMIT : FHX_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  walk first = {.hash = 1}, second = {.hash = 1}, stopped = {.hash = 1};
  int32_t status = fhx__xml_read(data, len, visit, &first, NULL);
  require(status == FHX_OK || status == FHX_ERR_ARGUMENT);
  require(status != FHX_OK || (first.visits > 0 && strchr(first.last, '/') == NULL));
  require(fhx__xml_read(data, len, visit, &second, NULL) == status);
  require(first.visits == second.visits && first.hash == second.hash);
  if (first.visits == 0) return 0;
  stopped.stop_at = (first.visits + 1) / 2;
  require(fhx__xml_read(data, len, visit, &stopped, NULL) == FHX_ERR_LIMIT);
  require(stopped.visits == stopped.stop_at);
  return 0;
}
