/* Opening a publication: its options, names, and what is known of it. */
#include "publish/publication.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "core/host_clock.h"
#include "core/structs.h"
#include "destination/destination.h"
#include "protocol/service.h"
#include "publish/cadence.h"

#define PAGE_PARTS 1000
#define GRACE_US (INT64_C(7) * 86400 * 1000000)

FHX__DEFINE_INIT(fhx_publication_options)

/* --- generations --- */

size_t fhx__generation_count(const fhx_publication *publication) {
  return publication->generations.len / sizeof(fhx__generation);
}

fhx__generation *fhx__generation_at(const fhx_publication *publication, size_t position) {
  return (fhx__generation *)(void *)publication->generations.data + position;
}

fhx__generation *fhx__generation_last(const fhx_publication *publication) {
  const size_t count = fhx__generation_count(publication);
  return count == 0 ? NULL : fhx__generation_at(publication, count - 1);
}

void fhx__page_name(char name[FHX__PUBLISHED_NAME_MAX], const fhx__generation *of,
                    uint32_t number) {
  snprintf(name, FHX__PUBLISHED_NAME_MAX, "%s%s-%u.json", FHX__PUBLISHED_PAGES, of->id, number);
}

void fhx__stub_name(char name[FHX__PUBLISHED_NAME_MAX], const fhx__generation *of) {
  snprintf(name, FHX__PUBLISHED_NAME_MAX, "%s%s-updates.json", FHX__PUBLISHED_PAGES, of->id);
}

bool fhx__tail_name(char name[FHX__PUBLISHED_NAME_MAX], const fhx__generation *of) {
  if (!of->is_snapshot) {
    fhx__page_name(name, of, of->page_count);
  } else if (of->has_chain) {
    fhx__stub_name(name, of);
  } else {
    return false;
  }
  return true;
}

int32_t fhx__publication_url(const fhx_publication *publication, const char *name, fhx__buffer *url,
                             fhx_error **error) {
  int32_t status = fhx__buffer_append_text(url, publication->base_url);
  if (status == FHX_OK) status = fhx__buffer_append_text(url, "/");
  if (status == FHX_OK) status = fhx__buffer_append_text(url, name);
  if (status == FHX_OK) status = fhx__buffer_terminate(url);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

/* --- opening --- */

static bool is_plain(const char *url) {
  return strpbrk(url, "\"\\<>^`{|}") == NULL;
}

static int32_t check_options(const fhx_publication_options *options, fhx_error **error) {
  if (options->destination == NULL || options->base_url == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a publication needs a destination and a base_url");
  }
  if ((options->flags & ~FHX_PUBLICATION_REQUIRES_TOKEN) != 0 || options->reserved != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the options have a flag that this version of the library does not know");
  }
  if (!fhx__is_base_url(options->base_url) || !is_plain(options->base_url)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "base_url is not an absolute http or https URL without a slash at its end");
  }
  if (options->update_cadence != NULL && !fhx__is_duration(options->update_cadence)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "update_cadence is not an ISO 8601 duration such as P1D or PT1H");
  }
  if (options->grace_us < 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "grace_us is below 0");
  }
  if (options->page_parts > PAGE_PARTS) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "page_parts is above %d", PAGE_PARTS);
  }
  if (!fhx__destination_has_documents(options->destination)) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the destination has no documents, so nothing can be published on it");
  }
  return FHX_OK;
}

static int32_t fill(fhx_publication *publication, const fhx_publication_options *options,
                    fhx_error **error) {
  publication->destination = fhx__destination_ref(options->destination);
  publication->flags = options->flags;
  publication->grace_us = options->grace_us == 0 ? GRACE_US : options->grace_us;
  publication->page_parts = options->page_parts == 0 ? PAGE_PARTS : options->page_parts;
  publication->base_url = fhx__copy_text(options->base_url);
  if (publication->base_url == NULL) return fhx__no_memory(error);
  if (options->update_cadence != NULL) {
    publication->update_cadence = fhx__copy_text(options->update_cadence);
    if (publication->update_cadence == NULL) return fhx__no_memory(error);
  }
  int32_t status = fhx__host_clock_read(&publication->clock, options->clock, error);
  if (status == FHX_OK) status = fhx__publication_read(publication, error);
  return status == FHX_OK ? fhx__publication_settle(publication, error) : status;
}

int32_t fhx_publication_open(const fhx_publication_options *given, fhx_publication **made,
                             fhx_error **error) {
  fhx_publication_options options;
  int32_t status =
      fhx__struct_in(&options, sizeof options, given, "fhx_publication_options", error);
  if (status != FHX_OK) return status;
  if (made == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no place to store the publication in");
  }
  status = check_options(&options, error);
  if (status != FHX_OK) return status;
  fhx_publication *publication = fhx__alloc_zeroed(1, sizeof *publication);
  if (publication == NULL) return fhx__no_memory(error);
  status = fill(publication, &options, error);
  if (status != FHX_OK) {
    fhx_publication_free(publication);
    return status;
  }
  *made = publication;
  return FHX_OK;
}

void fhx_publication_free(fhx_publication *publication) {
  if (publication == NULL) return;
  fhx_destination_free(publication->destination);
  fhx__buffer_free(&publication->generations);
  fhx__free(publication->base_url);
  fhx__free(publication->update_cadence);
  fhx__free(publication);
}

/* --- what is known --- */

const char *fhx_publication_time(const fhx_publication *publication) {
  return publication == NULL ? "" : publication->time;
}

uint64_t fhx_publication_update_count(const fhx_publication *publication) {
  uint64_t count = 0;
  if (publication == NULL) return 0;
  for (size_t i = fhx__generation_count(publication); i > 0; i--) {
    if (fhx__generation_at(publication, i - 1)->is_snapshot) break;
    count++;
  }
  return count;
}

uint32_t fhx_publication_has_chain(const fhx_publication *publication) {
  char name[FHX__PUBLISHED_NAME_MAX];
  const fhx__generation *last = publication == NULL ? NULL : fhx__generation_last(publication);
  return last != NULL && fhx__tail_name(name, last) ? 1 : 0;
}
