/* The list of what is published, as a document. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/json.h"
#include "destination/destination.h"
#include "publish/publication.h"

#define VERSION 1

/* --- writing --- */

static void write_generation(fhx__json_writer *writer, const fhx__generation *of) {
  fhx__json_open_object(writer);
  fhx__json_member_text(writer, "job", of->id);
  fhx__json_member_text(writer, "kind", of->is_snapshot ? "snapshot" : "update");
  fhx__json_key(writer, "chain");
  fhx__json_boolean(writer, of->has_chain);
  fhx__json_member_integer(writer, "pages", of->page_count);
  fhx__json_member_integer(writer, "timeUs", (uint64_t)of->time_us);
  fhx__json_member_integer(writer, "resolutionUs", (uint64_t)of->resolution_us);
  fhx__json_member_integer(writer, "retiredUs", (uint64_t)of->retired_us);
  fhx__json_close_object(writer);
}

static int32_t write_text(const fhx_publication *publication, fhx__buffer *text) {
  fhx__json_writer writer;
  fhx__json_begin(&writer, text);
  fhx__json_open_object(&writer);
  fhx__json_member_integer(&writer, "version", VERSION);
  fhx__json_member_text(&writer, "baseUrl", publication->base_url);
  fhx__json_key(&writer, "open");
  fhx__json_boolean(&writer, publication->is_open);
  fhx__json_key(&writer, "generations");
  fhx__json_open_array(&writer);
  for (size_t i = 0; i < fhx__generation_count(publication); i++) {
    write_generation(&writer, fhx__generation_at(publication, i));
  }
  fhx__json_close_array(&writer);
  fhx__json_close_object(&writer);
  return fhx__json_end(&writer);
}

int32_t fhx__publication_write(const fhx_publication *publication, fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0};
  int32_t status = write_text(publication, &text);
  if (status == FHX_ERR_NO_MEMORY) {
    fhx__no_memory(error);
  } else if (status != FHX_OK) {
    fhx__fail(error, status, "the list of what is published cannot be written as JSON");
  } else if (text.len > FHX__JSON_INPUT_MAX) {
    status = fhx__fail(error, FHX_ERR_LIMIT,
                       "the list of what is published is longer than 16 MiB: publish a snapshot, "
                       "and remove what is old");
  } else {
    status = fhx__document_put(publication->destination, FHX__PUBLISHED_STATE, text.data, text.len,
                               "application/json", "no-store", error);
  }
  fhx__buffer_free(&text);
  return status;
}

/* --- reading --- */

static int32_t damaged(fhx_error **error) {
  return fhx__fail(error, FHX_ERR_DESTINATION,
                   "%s at the destination is not the list that this library writes",
                   FHX__PUBLISHED_STATE);
}

int32_t fhx__published_read(const fhx_publication *publication, const char *name,
                            fhx__json_node **root, fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0};
  fhx_error *fault = NULL;
  int32_t status = fhx__document_get(publication->destination, name, &text, &fault);
  if (status == FHX_OK) {
    status = fhx__json_parse(text.data, text.len, root, &fault);
    if (status == FHX_ERR_ARGUMENT) {
      fhx__clear_error(&fault);
      status =
          fhx__fail(&fault, FHX_ERR_DESTINATION,
                    "%s at the destination is not JSON, so this library has not written it", name);
    }
  }
  fhx__buffer_free(&text);
  fhx__give_error(error, fault);
  return status;
}

static bool is_true(const fhx__json_node *object, const char *key) {
  const fhx__json_node *node = fhx__json_member(object, key);
  return node != NULL && node->kind == FHX__JSON_TRUE;
}

static bool read_time(const fhx__json_node *object, const char *key, int64_t *time_us) {
  const uint64_t value = fhx__json_member_number(object, key, UINT64_MAX);
  *time_us = value > INT64_MAX ? 0 : (int64_t)value;
  return value <= INT64_MAX;
}

static bool read_generation(const fhx__json_node *node, fhx__generation *of) {
  const char *id = fhx__json_member_string(node, "job", "");
  const char *kind = fhx__json_member_string(node, "kind", "");
  const uint64_t pages = fhx__json_member_number(node, "pages", 0);
  if (strlen(id) != FHX__JOB_ID_LEN || !fhx__is_job_id(id)) return false;
  memcpy(of->id, id, sizeof of->id);
  of->is_snapshot = strcmp(kind, "snapshot") == 0;
  of->has_chain = is_true(node, "chain");
  of->page_count = pages > FHX__PUBLISHED_PAGES_MAX ? 0 : (uint32_t)pages;
  return (of->is_snapshot || strcmp(kind, "update") == 0) && of->page_count > 0 &&
         read_time(node, "timeUs", &of->time_us) &&
         read_time(node, "resolutionUs", &of->resolution_us) && of->resolution_us > 0 &&
         read_time(node, "retiredUs", &of->retired_us);
}

static int32_t read_generations(fhx_publication *publication, const fhx__json_node *list,
                                fhx_error **error) {
  if (list == NULL || list->kind != FHX__JSON_ARRAY) return damaged(error);
  for (const fhx__json_node *node = list->first; node != NULL; node = node->next) {
    fhx__generation read;
    memset(&read, 0, sizeof read);
    if (!read_generation(node, &read)) return damaged(error);
    if (fhx__buffer_append(&publication->generations, &read, sizeof read) != FHX_OK) {
      return fhx__no_memory(error);
    }
  }
  return FHX_OK;
}

static int32_t read_list(fhx_publication *publication, const fhx__json_node *root,
                         fhx_error **error) {
  const char *base_url = fhx__json_member_string(root, "baseUrl", "");
  if (fhx__json_member_number(root, "version", 0) != VERSION) return damaged(error);
  if (strcmp(base_url, publication->base_url) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "what is published here was published under another base_url");
  }
  publication->is_open = is_true(root, "open");
  return read_generations(publication, fhx__json_member(root, "generations"), error);
}

int32_t fhx__publication_read(fhx_publication *publication, fhx_error **error) {
  fhx__json_node *root = NULL;
  fhx_error *fault = NULL;
  int32_t status = fhx__published_read(publication, FHX__PUBLISHED_STATE, &root, &fault);
  if (status == FHX_ERR_NOT_FOUND) {
    fhx__clear_error(&fault);
    return FHX_OK;
  }
  if (status == FHX_OK) status = read_list(publication, root, &fault);
  fhx__json_free(root);
  fhx__give_error(error, fault);
  return status;
}
