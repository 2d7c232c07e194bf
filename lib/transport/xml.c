/*
 * XML by expat. What is open is a path, not a stack: a level more is a name and a slash more, so
 * that the path's room bounds the depth too.
 */
#include "transport/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/error.h"

typedef struct reading {
  XML_Parser parser;
  fhx__xml_visit visit;
  void *context;
  /* FHX_OK while all is well. */
  int32_t status;
  char path[FHX__XML_PATH_MAX + 1];
  size_t path_len;
  /* The text of the innermost element, while it has no element in it. */
  fhx__buffer text;
  bool is_leaf;
} reading;

static void stop(reading *read, int32_t status) {
  read->status = status;
  XML_StopParser(read->parser, XML_FALSE);
}

static const char *local_name(const char *name) {
  const char *colon = strrchr(name, ':');
  return colon == NULL ? name : colon + 1;
}

static void XMLCALL begin_element(void *context, const XML_Char *qualified, const XML_Char **rest) {
  reading *read = context;
  const char *name = local_name(qualified);
  size_t len = strlen(name);
  (void)rest;
  if (read->status != FHX_OK) return;
  size_t slash = read->path_len == 0 ? 0 : 1;
  if (len == 0 || len > FHX__XML_PATH_MAX - slash ||
      read->path_len > FHX__XML_PATH_MAX - slash - len) {
    stop(read, FHX_ERR_ARGUMENT);
    return;
  }
  if (slash == 1) read->path[read->path_len++] = '/';
  memcpy(read->path + read->path_len, name, len + 1);
  read->path_len += len;
  read->text.len = 0;
  read->is_leaf = true;
}

static void XMLCALL add_text(void *context, const XML_Char *text, int len) {
  reading *read = context;
  if (read->status != FHX_OK || !read->is_leaf) return;
  if ((size_t)len > FHX__XML_TEXT_MAX - read->text.len) {
    stop(read, FHX_ERR_ARGUMENT);
  } else if (fhx__buffer_append(&read->text, text, (size_t)len) != FHX_OK) {
    stop(read, FHX_ERR_NO_MEMORY);
  }
}

static int32_t visit_ended(reading *read) {
  if (!read->is_leaf) return read->visit(read->context, read->path, "");
  int32_t status = fhx__buffer_terminate(&read->text);
  return status == FHX_OK ? read->visit(read->context, read->path, read->text.data) : status;
}

static void XMLCALL end_element(void *context, const XML_Char *qualified) {
  reading *read = context;
  (void)qualified;
  if (read->status != FHX_OK) return;
  int32_t status = visit_ended(read);
  if (status < FHX_OK) {
    stop(read, status);
    return;
  }
  const char *slash = strrchr(read->path, '/');
  read->path_len = slash == NULL ? 0 : (size_t)(slash - read->path);
  read->path[read->path_len] = '\0';
  read->is_leaf = false;
}

/* Stores do not send one, and everything that is dangerous in XML begins with it. */
static void XMLCALL refuse_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
                                   const XML_Char *public_id, int has_internal_subset) {
  (void)name;
  (void)system_id;
  (void)public_id;
  (void)has_internal_subset;
  stop(context, FHX_ERR_ARGUMENT);
}

static int32_t parse(reading *read, const void *data, size_t len) {
  XML_SetUserData(read->parser, read);
  XML_SetElementHandler(read->parser, begin_element, end_element);
  XML_SetCharacterDataHandler(read->parser, add_text);
  XML_SetStartDoctypeDeclHandler(read->parser, refuse_doctype);
  enum XML_Status outcome = XML_Parse(read->parser, data, (int)len, XML_TRUE);
  if (read->status != FHX_OK) return read->status;
  if (outcome == XML_STATUS_OK) return FHX_OK;
  bool no_memory = XML_GetErrorCode(read->parser) == XML_ERROR_NO_MEMORY;
  return no_memory ? FHX_ERR_NO_MEMORY : FHX_ERR_ARGUMENT;
}

int32_t fhx__xml_read(const void *data, size_t len, fhx__xml_visit visitor, void *context,
                      fhx_error **error) {
  static const XML_Memory_Handling_Suite memory = {fhx__alloc, fhx__realloc, fhx__free};
  if (len > INT_MAX) return fhx__fail(error, FHX_ERR_ARGUMENT, "an XML document is too long");
  reading read;
  memset(&read, 0, sizeof read);
  read.visit = visitor;
  read.context = context;
  read.parser = XML_ParserCreate_MM(NULL, &memory, NULL);
  if (read.parser == NULL) return fhx__no_memory(error);
  int32_t status = parse(&read, data, len);
  XML_ParserFree(read.parser);
  fhx__buffer_free(&read.text);
  if (status == FHX_OK) return FHX_OK;
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  return fhx__fail(error, status, "an XML document is not one that a store answers with");
}
