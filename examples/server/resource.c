/*
 * One resource as JSON text. yajl checks the text and tells the members; `meta` is set by cutting
 * and splicing the text itself, so that numbers, escapes and spaces stay as they came.
 */
#include "resource.h"

#include <string.h>
#include <yajl/yajl_parse.h>

/* As deep as an export goes. */
#define DEPTH_MAX 100
/* Room for a value that is kept: an id, a type or an instant. */
#define VALUE_MAX 128

/* Members that matter, by where they stand. */
enum member { OTHER, RESOURCE_TYPE, ID, META, VERSION_ID, LAST_UPDATED, MEMBER_COUNT };

struct reading {
  yajl_handle parser;
  struct resource *resource;
  size_t depth;
  /* At depth 1 or in `meta`: the member whose value comes next, and where it begins. */
  enum member member;
  size_t member_begin;
  bool in_meta;
  bool seen[MEMBER_COUNT];
  /* Where the last token ended. */
  size_t last_end;
  const char *problem;
};

static size_t here(const struct reading *reading) {
  return yajl_get_bytes_consumed(reading->parser);
}

/* Answers a callback of yajl: 0 ends the parse. */
static int go_on(struct reading *reading) {
  reading->last_end = here(reading);
  return reading->problem == NULL;
}

static bool is_name(const unsigned char *key, size_t len, const char *name) {
  return len == strlen(name) && memcmp(key, name, len) == 0;
}

static enum member find_member(const struct reading *reading, const unsigned char *key,
                               size_t len) {
  if (reading->depth == 1) {
    if (is_name(key, len, "resourceType")) return RESOURCE_TYPE;
    if (is_name(key, len, "id")) return ID;
    if (is_name(key, len, "meta")) return META;
  }
  if (reading->depth == 2 && reading->in_meta) {
    if (is_name(key, len, "versionId")) return VERSION_ID;
    if (is_name(key, len, "lastUpdated")) return LAST_UPDATED;
  }
  return OTHER;
}

static int on_key(void *context, const unsigned char *key, size_t len) {
  struct reading *reading = context;
  reading->member = find_member(reading, key, len);
  /* Between the last token and this one are only spaces and a comma. */
  reading->member_begin =
      reading->last_end + strspn(reading->resource->json + reading->last_end, ", \t\r\n");
  if (reading->member != OTHER && reading->seen[reading->member]) {
    reading->problem = "resourceType, id, meta, or a member of meta is there twice";
  }
  reading->seen[reading->member] = true;
  return go_on(reading);
}

/* The value of a member has ended here. */
static void end_member(struct reading *reading, bool is_string) {
  struct resource *resource = reading->resource;
  const struct span member = {reading->member_begin, here(reading)};
  switch (reading->member) {
    case RESOURCE_TYPE:
      if (!is_string) reading->problem = "resourceType is not a string";
      break;
    case ID:
      if (!is_string) reading->problem = "id is not a string";
      resource->id_end = member.end;
      break;
    case META:
      reading->problem = "meta is not an object";
      break;
    case VERSION_ID:
      resource->version_member = member;
      break;
    case LAST_UPDATED:
      resource->updated_member = member;
      break;
    default:
      break;
  }
  reading->member = OTHER;
}

static int on_string(void *context, const unsigned char *value, size_t len) {
  struct reading *reading = context;
  struct resource *resource = reading->resource;
  char copy[VALUE_MAX] = "";
  bool fits = len < sizeof copy && memchr(value, '\0', len) == NULL;
  if (fits) memcpy(copy, value, len);
  if (reading->member == RESOURCE_TYPE) {
    if (!is_resource_type(copy)) {
      reading->problem = "resourceType is not one of FHIR R4";
    } else {
      memcpy(resource->type, copy, len + 1);
    }
  } else if (reading->member == ID) {
    if (!is_id(copy)) {
      reading->problem = "id is not 1 to 64 of A-Z a-z 0-9 - .";
    } else {
      memcpy(resource->id, copy, len + 1);
    }
  } else if (reading->member == LAST_UPDATED) {
    resource->has_updated = instant_read(copy, &resource->updated_us);
  }
  end_member(reading, true);
  return go_on(reading);
}

static int on_null(void *context) {
  end_member(context, false);
  return go_on(context);
}

static int on_boolean(void *context, int value) {
  (void)value;
  return on_null(context);
}

static int on_number(void *context, const char *value, size_t len) {
  (void)value;
  (void)len;
  return on_null(context);
}

/* What stands where the whole text or a member's value begins. */
static int begin_container(struct reading *reading, bool is_object) {
  if (reading->depth == 0 && !is_object) reading->problem = "it is not a JSON object";
  if (reading->member == META && is_object) {
    reading->in_meta = true;
    reading->resource->meta.begin = here(reading);
    reading->member = OTHER;
  } else if (reading->member != OTHER) {
    end_member(reading, false);
    reading->problem = "resourceType, id, meta, versionId or lastUpdated has a wrong type";
  }
  if (++reading->depth > DEPTH_MAX) reading->problem = "it is nested too deeply";
  return go_on(reading);
}

static int end_container(struct reading *reading) {
  reading->depth--;
  if (reading->depth == 1 && reading->in_meta) {
    reading->in_meta = false;
    reading->resource->meta.end = here(reading) - 1;
  }
  return go_on(reading);
}

static int on_object(void *context) {
  return begin_container(context, true);
}

static int on_array(void *context) {
  return begin_container(context, false);
}

static int on_end(void *context) {
  return end_container(context);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

const char *resource_read(const char *json, size_t len, struct resource *resource) {
  struct reading reading = {.resource = resource};
  memset(resource, 0, sizeof *resource);
  resource->json = json;
  resource->len = len;
  reading.parser = yajl_alloc(&callbacks, NULL, &reading);
  if (reading.parser == NULL) return "there is no memory";
  yajl_status status = yajl_parse(reading.parser, (const unsigned char *)json, len);
  if (status == yajl_status_ok) status = yajl_complete_parse(reading.parser);
  yajl_free(reading.parser);
  if (reading.problem != NULL) return reading.problem;
  if (status != yajl_status_ok) return "it is not valid JSON in UTF-8";
  if (resource->type[0] == '\0') return "it has no resourceType";
  if (resource->id[0] == '\0') return "it has no id";
  return NULL;
}

/* Adds the members between two places of `meta`, if there are any, behind a comma. */
static void add_members(const struct resource *resource, size_t begin, size_t end,
                        struct text *out) {
  static const char filler[] = ", \t\r\n";
  while (begin < end && strchr(filler, resource->json[begin]) != NULL) begin++;
  while (begin < end && strchr(filler, resource->json[end - 1]) != NULL) end--;
  if (begin == end) return;
  text_add(out, ",", 1);
  text_add(out, resource->json + begin, end - begin);
}

/* Adds the inside of `meta`: ours first, then what stays of it. */
static void write_meta(const struct resource *resource, int64_t version, int64_t updated_us,
                       struct text *out) {
  char instant[INSTANT_MAX];
  const struct span none = {resource->meta.end, resource->meta.end};
  struct span first = version != 0 ? resource->version_member : none;
  struct span second = resource->updated_member;
  if (first.end == 0) first = none;
  if (second.end == 0) second = none;
  if (second.begin < first.begin) {
    const struct span later = first;
    first = second;
    second = later;
  }
  instant_write(updated_us, instant);
  if (version != 0) text_add_format(out, "\"versionId\":\"%lld\",", (long long)version);
  text_add_format(out, "\"lastUpdated\":\"%s\"", instant);
  add_members(resource, resource->meta.begin, first.begin, out);
  add_members(resource, first.end, second.begin, out);
  add_members(resource, second.end, resource->meta.end, out);
}

void resource_write(const struct resource *resource, int64_t version, int64_t updated_us,
                    struct text *out) {
  bool has_meta = resource->meta.begin != 0;
  size_t before = has_meta ? resource->meta.begin : resource->id_end;
  size_t behind = has_meta ? resource->meta.end : resource->id_end;
  text_add(out, resource->json, before);
  if (!has_meta) text_add_string(out, ",\"meta\":{");
  write_meta(resource, version, updated_us, out);
  if (!has_meta) text_add(out, "}", 1);
  text_add(out, resource->json + behind, resource->len - behind);
}
