/* Removing what a snapshot has taken the place of, when its grace period is over (PUB-06). What is
   to be removed stands in the pages, so these go behind their files. */
#include <string.h>

#include "core/error.h"
#include "core/host_clock.h"
#include "core/json.h"
#include "destination/destination.h"
#include "publish/publication.h"

static const char *const lists[] = {"output", "deleted", "outcome"};

/* The name of the file at this URL; NULL unless it is one of this generation's. */
static const char *file_name(const fhx_publication *publication, const fhx__generation *of,
                             const char *url) {
  const size_t len = strlen(publication->base_url);
  if (strncmp(url, publication->base_url, len) != 0 || url[len] != '/') return NULL;
  const char *name = url + len + 1;
  return fhx__is_part_name(name) && strstr(name, of->id) != NULL ? name : NULL;
}

static int32_t remove_files(const fhx_publication *publication, const fhx__generation *of,
                            const fhx__json_node *page, uint64_t *count, fhx_error **error) {
  int32_t status = FHX_OK;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    const fhx__json_node *list = fhx__json_member(page, lists[i]);
    for (const fhx__json_node *item = list == NULL ? NULL : list->first;
         status == FHX_OK && item != NULL; item = item->next) {
      const char *name = file_name(publication, of, fhx__json_member_string(item, "url", ""));
      if (name == NULL) continue;
      status = fhx__destination_remove(publication->destination, name, error);
      if (status == FHX_OK) ++*count;
    }
  }
  return status;
}

static int32_t remove_page(const fhx_publication *publication, const fhx__generation *of,
                           const char *name, uint64_t *count, fhx_error **error) {
  fhx__json_node *page = NULL;
  fhx_error *fault = NULL;
  int32_t status = fhx__published_read(publication, name, &page, &fault);
  if (status == FHX_OK) status = remove_files(publication, of, page, count, &fault);
  fhx__json_free(page);
  /* The page is gone: so are its files, which went first. */
  if (status == FHX_ERR_NOT_FOUND) {
    fhx__clear_error(&fault);
    return FHX_OK;
  }
  if (status == FHX_OK) status = fhx__destination_remove(publication->destination, name, &fault);
  fhx__give_error(error, fault);
  return status;
}

static int32_t remove_generation(const fhx_publication *publication, const fhx__generation *of,
                                 uint64_t *count, fhx_error **error) {
  char name[FHX__PUBLISHED_NAME_MAX];
  int32_t status = FHX_OK;
  for (uint32_t i = 1; status == FHX_OK && i <= of->page_count; i++) {
    fhx__page_name(name, of, i);
    status = remove_page(publication, of, name, count, error);
  }
  if (status != FHX_OK || !of->has_chain) return status;
  fhx__stub_name(name, of);
  return fhx__destination_remove(publication->destination, name, error);
}

static bool is_over(const fhx_publication *publication, const fhx__generation *of, int64_t now_us) {
  return of->retired_us != 0 && now_us - of->retired_us >= publication->grace_us;
}

/* Removes what is over and keeps the rest of the list, also behind one that cannot be removed. */
static int32_t sweep(fhx_publication *publication, uint64_t *count, bool *changed,
                     fhx_error **error) {
  const int64_t now_us = fhx__host_now_us(&publication->clock);
  const size_t all = fhx__generation_count(publication);
  size_t kept = 0;
  int32_t status = FHX_OK;
  for (size_t i = 0; i < all; i++) {
    const fhx__generation *of = fhx__generation_at(publication, i);
    if (status == FHX_OK && is_over(publication, of, now_us)) {
      status = remove_generation(publication, of, count, error);
      if (status == FHX_OK) continue;
    }
    memmove(fhx__generation_at(publication, kept++), of, sizeof *of);
  }
  *changed = kept != all;
  publication->generations.len = kept * sizeof(fhx__generation);
  return status;
}

int32_t fhx_publication_remove_old(fhx_publication *publication, uint64_t *count,
                                   fhx_error **error) {
  uint64_t removed = 0;
  bool changed = false;
  if (publication == NULL) return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no publication");
  /* What is not linked yet may still have to close the chain before it. */
  int32_t status = fhx__publication_settle(publication, error);
  if (status == FHX_OK) {
    status = sweep(publication, &removed, &changed, error);
    /* Where the list cannot be stored, the next time finds nothing of what it names. */
    if (changed) {
      int32_t stored = fhx__publication_write(publication, status == FHX_OK ? error : NULL);
      if (status == FHX_OK) status = stored;
    }
  }
  if (count != NULL) *count = removed;
  return status;
}
