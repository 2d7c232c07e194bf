/* The resources in a Bundle: yajl finds where each begins and ends. */
#include "bundle.h"

#include <string.h>
#include <yajl/yajl_parse.h>

/* How deep things stand: {"entry": [{"resource": {...}}]} */
enum { IN_BUNDLE = 1, IN_LIST, IN_ENTRY, IN_RESOURCE };

struct walk {
  yajl_handle parser;
  const char *json;
  bundle_visit visit;
  void *context;
  size_t depth;
  bool in_list;
  /* The value that comes next is the entry list, or an entry's resource. */
  bool at_list;
  bool at_resource;
  bool in_resource;
  size_t begin;
  bool is_bundle;
};

static bool is_name(const unsigned char *key, size_t len, const char *name) {
  return len == strlen(name) && memcmp(key, name, len) == 0;
}

static int on_key(void *context, const unsigned char *key, size_t len) {
  struct walk *walk = context;
  walk->at_list = walk->depth == IN_BUNDLE && is_name(key, len, "entry");
  walk->at_resource = walk->in_list && walk->depth == IN_ENTRY && is_name(key, len, "resource");
  return 1;
}

static int on_object(void *context) {
  struct walk *walk = context;
  walk->depth++;
  if (walk->at_resource && walk->depth == IN_RESOURCE) {
    walk->in_resource = true;
    walk->begin = yajl_get_bytes_consumed(walk->parser) - 1;
  }
  walk->at_list = false;
  walk->at_resource = false;
  return 1;
}

static int on_object_end(void *context) {
  struct walk *walk = context;
  if (walk->in_resource && walk->depth == IN_RESOURCE) {
    size_t end = yajl_get_bytes_consumed(walk->parser);
    walk->in_resource = false;
    walk->visit(walk->context, walk->json + walk->begin, end - walk->begin);
  }
  walk->depth--;
  return 1;
}

static int on_array(void *context) {
  struct walk *walk = context;
  walk->depth++;
  if (walk->at_list && walk->depth == IN_LIST) {
    walk->in_list = true;
    walk->is_bundle = true;
  }
  walk->at_list = false;
  walk->at_resource = false;
  return 1;
}

static int on_array_end(void *context) {
  struct walk *walk = context;
  if (walk->depth == IN_LIST) walk->in_list = false;
  walk->depth--;
  return 1;
}

bool bundle_walk(const char *json, size_t len, bundle_visit visit, void *context, bool *is_bundle) {
  static const yajl_callbacks callbacks = {
      .yajl_start_map = on_object,
      .yajl_map_key = on_key,
      .yajl_end_map = on_object_end,
      .yajl_start_array = on_array,
      .yajl_end_array = on_array_end,
  };
  struct walk walk = {.json = json, .visit = visit, .context = context};
  walk.parser = yajl_alloc(&callbacks, NULL, &walk);
  if (walk.parser == NULL) return false;
  yajl_status status = yajl_parse(walk.parser, (const unsigned char *)json, len);
  if (status == yajl_status_ok) status = yajl_complete_parse(walk.parser);
  yajl_free(walk.parser);
  *is_bundle = walk.is_bundle;
  return status == yajl_status_ok;
}
