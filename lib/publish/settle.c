/*
 * What follows from the list: the root is the first page of the last snapshot, and what a chain
 * leads to is said by the last page before. Each document is replaced whole, those that lead to
 * others behind them, and doing it again changes nothing.
 */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "destination/destination.h"
#include "publish/publication.h"

/* Of documents that may change soon, and of those that never do (PUB-04). */
#define SHORT_LIVED "max-age=10"
#define IMMUTABLE "max-age=31536000, immutable"

/* How every page ends that waits for another; see write_next_link in lib/manifest/manifest.c. */
static const char pending[] = "\"url\":\"#pending\"}]}";
static const char link_begin[] = "\"url\":\"";
static const char link_end[] = "\"}]}";

int32_t fhx__publication_put(const fhx_publication *publication, const char *name,
                             const fhx__buffer *text, bool is_final, fhx_error **error) {
  char cache_control[64];
  const bool is_private = (publication->flags & FHX_PUBLICATION_REQUIRES_TOKEN) != 0;
  snprintf(cache_control, sizeof cache_control, "%s, %s", is_private ? "private" : "public",
           is_final ? IMMUTABLE : SHORT_LIVED);
  return fhx__document_put(publication->destination, name, text->data, text->len,
                           "application/json", cache_control, error);
}

static bool ends_with(const fhx__buffer *text, const char *end, size_t len) {
  return text->len >= len && memcmp(text->data + text->len - len, end, len) == 0;
}

static int32_t append_end(fhx__buffer *end, const char *url) {
  int32_t status = fhx__buffer_append_text(end, link_begin);
  if (status == FHX_OK) status = fhx__buffer_append_text(end, url);
  return status == FHX_OK ? fhx__buffer_append_text(end, link_end) : status;
}

/* Puts `end` in the place of the link that waits; FHX_END: it is there already. */
static int32_t replace_end(fhx__buffer *text, const fhx__buffer *end, fhx_error **error) {
  if (ends_with(text, end->data, end->len)) return FHX_END;
  if (!ends_with(text, pending, sizeof pending - 1)) {
    return fhx__fail(error, FHX_ERR_DESTINATION,
                     "the last page of the chain is not as this library has left it");
  }
  text->len -= sizeof pending - 1;
  if (fhx__buffer_append(text, end->data, end->len) != FHX_OK) return fhx__no_memory(error);
  return FHX_OK;
}

/* The page does not wait any more: it leads to this URL. */
static int32_t set_link(const fhx_publication *publication, const char *name, const char *url,
                        fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0}, end = {NULL, 0, 0};
  int32_t status = append_end(&end, url);
  if (status != FHX_OK) fhx__no_memory(error);
  if (status == FHX_OK) status = fhx__document_get(publication->destination, name, &text, error);
  if (status == FHX_OK) status = replace_end(&text, &end, error);
  if (status == FHX_OK) status = fhx__publication_put(publication, name, &text, true, error);
  fhx__buffer_free(&text);
  fhx__buffer_free(&end);
  return status == FHX_END ? FHX_OK : status;
}

/* The chain before ends: its clients begin again at the root, which has to be there by now. */
static int32_t settle_snapshot(const fhx_publication *publication, const fhx__generation *last,
                               const fhx__generation *before, fhx_error **error) {
  char name[FHX__PUBLISHED_NAME_MAX];
  fhx__buffer text = {NULL, 0, 0};
  fhx__page_name(name, last, 1);
  int32_t status = fhx__document_get(publication->destination, name, &text, error);
  if (status == FHX_OK) {
    status = fhx__publication_put(publication, FHX__PUBLISHED_ROOT, &text, false, error);
  }
  fhx__buffer_free(&text);
  if (status != FHX_OK || before == NULL || !fhx__tail_name(name, before)) return status;
  return set_link(publication, name, "#closed", error);
}

static int32_t settle_update(const fhx_publication *publication, const fhx__generation *last,
                             const fhx__generation *before, fhx_error **error) {
  char tail[FHX__PUBLISHED_NAME_MAX], name[FHX__PUBLISHED_NAME_MAX];
  fhx__buffer url = {NULL, 0, 0};
  if (before == NULL || !fhx__tail_name(tail, before)) {
    return fhx__fail(error, FHX_ERR_DESTINATION, "the list of what is published has lost a page");
  }
  fhx__page_name(name, last, 1);
  int32_t status = fhx__publication_url(publication, name, &url, error);
  if (status == FHX_OK) status = set_link(publication, tail, url.data, error);
  fhx__buffer_free(&url);
  return status;
}

int32_t fhx__publication_settle(fhx_publication *publication, fhx_error **error) {
  const size_t count = fhx__generation_count(publication);
  const fhx__generation *last = fhx__generation_last(publication);
  int32_t status = FHX_OK;
  if (last == NULL) return FHX_OK;
  fhx__instant_format(publication->time, last->time_us, last->resolution_us);
  if (!publication->is_open) return FHX_OK;
  const fhx__generation *before = count < 2 ? NULL : last - 1;
  status = last->is_snapshot ? settle_snapshot(publication, last, before, error)
                             : settle_update(publication, last, before, error);
  if (status != FHX_OK) return status;
  publication->is_open = false;
  status = fhx__publication_write(publication, error);
  if (status != FHX_OK) publication->is_open = true;
  return status;
}
