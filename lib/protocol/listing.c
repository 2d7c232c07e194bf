/* The manifest as an answer: links to the files, and to the next page. */
#include "protocol/listing.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/host_clock.h"
#include "core/instant.h"
#include "manifest/manifest.h"
#include "protocol/response.h"

#define SECOND_US INT64_C(1000000)
#define PAGE_URL_MAX 2200

/* What a link is made of, for the life of a manifest. */
typedef struct links {
  fhx__service *service;
  fhx__buffer prefix;
  char *tenant;
  char job_id[FHX__JOB_ID_LEN + 1];
  uint64_t expires;
} links;

static void release_links(void *context) {
  links *of = context;
  fhx__buffer_free(&of->prefix);
  fhx__free(of->tenant);
  fhx__free(of);
}

static int32_t append_link(void *context, const fhx_part *part, fhx__buffer *url,
                           fhx_error **error) {
  const links *of = context;
  const char *slash = strrchr(fhx_part_name(part), '/');
  const char *named = slash == NULL ? fhx_part_name(part) : slash + 1;
  /* The same file for every client, however it is sent. */
  char file[FHX__PART_NAME_MAX + 1];
  size_t len = strlen(named) - (fhx_part_encoding(part) == FHX_ENCODING_GZIP ? strlen(".gz") : 0);
  memcpy(file, named, len);
  file[len] = '\0';
  fhx__link link = {of->tenant, of->job_id, file, of->expires};
  if (fhx__buffer_append(url, of->prefix.data, of->prefix.len) != FHX_OK) {
    return fhx__no_memory(error);
  }
  return fhx__link_append(&of->service->keys, &link, url, error);
}

static links *make_links(const fhx__call *call, const fhx_job *job, int64_t expires_us) {
  links *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return NULL;
  made->service = call->service;
  made->tenant = fhx__copy_text(job->record->tenant);
  made->expires = (uint64_t)(expires_us / SECOND_US);
  memcpy(made->job_id, fhx_job_id(job), sizeof made->job_id);
  int32_t status = fhx__buffer_append_text(&made->prefix, call->base_url);
  if (status == FHX_OK) status = fhx__buffer_append_text(&made->prefix, "/$export/");
  if (status == FHX_OK) status = fhx__buffer_append_text(&made->prefix, made->job_id);
  if (status == FHX_OK) status = fhx__buffer_append_text(&made->prefix, "/");
  if (status == FHX_OK && made->tenant != NULL) return made;
  release_links(made);
  return NULL;
}

/* The blobs' own URLs, whose reader has a right of his own: no secret is needed to write them. */
static int32_t append_client_url(void *context, const fhx_part *part, fhx__buffer *url,
                                 fhx_error **error) {
  const char *begin = context, *name = fhx_part_name(part);
  int32_t status = fhx__buffer_append_text(url, begin);
  if (status == FHX_OK) status = fhx__append_percent(url, name, strlen(name), true);
  return status == FHX_OK ? FHX_OK : fhx__no_memory(error);
}

static int32_t open_manifest(const fhx__call *call, fhx_job *job, const fhx__manifest_page *page,
                             int64_t expires_us, fhx_manifest **manifest, fhx_error **error) {
  if (job->definition.client_url != NULL) {
    /* The manifest keeps the job, and the job the URL. */
    fhx__manifest_links theirs = {
        append_client_url, job->definition.client_url, NULL, true, expires_us, FHX__PATIENCE_US};
    return fhx__manifest_open(job, &theirs, page, manifest, error);
  }
  if (!call->service->serves_files) {
    uint32_t flags = fhx__destination_flags(job->destination);
    fhx__manifest_links own = {NULL,       NULL,
                               NULL,       (flags & FHX_DESTINATION_REQUIRES_TOKEN) != 0,
                               expires_us, FHX__PATIENCE_US};
    return fhx__manifest_open(job, &own, page, manifest, error);
  }
  links *made = make_links(call, job, expires_us);
  if (made == NULL) return fhx__no_memory(error);
  fhx__manifest_links with = {append_link,   made,
                              release_links, call->service->files_need_token,
                              expires_us,    FHX__PATIENCE_US};
  return fhx__manifest_open(job, &with, page, manifest, error);
}

static int32_t open_listing(const fhx__call *call, const fhx__listing *listing, int64_t expires_us,
                            fhx_manifest **manifest, fhx_error **error) {
  char next[PAGE_URL_MAX];
  fhx__manifest_page page = {listing->page, NULL};
  if (listing->has_next) {
    int len = snprintf(next, sizeof next, "%s/$export/%s/pages/%llu", call->base_url,
                       fhx_job_id(listing->job), (unsigned long long)listing->page + 1);
    if (len < 0 || (size_t)len >= sizeof next) {
      return fhx__fail(error, FHX_ERR_INTERNAL, "the link to the next page does not fit");
    }
    page.next_url = next;
  }
  return open_manifest(call, listing->job, listing->page == 0 ? NULL : &page, expires_us, manifest,
                       error);
}

/* The earlier of the links' end and the files' (STAT-08). */
static int64_t expiry(const fhx__service *service, int64_t ended_us) {
  int64_t links_us = fhx__host_now_us(&service->clock) + service->link_us;
  int64_t files_us = fhx__service_files_end_us(service, ended_us);
  return ended_us == 0 || links_us < files_us ? links_us : files_us;
}

/* Where URLs are the destination's own it may have to end them sooner. Whatever keeps it from
   telling, the job is there, and the client is to come again. */
static int32_t find_expiry(const fhx__call *call, const fhx__listing *listing, int64_t *expires_us,
                           fhx_error **error) {
  *expires_us = expiry(call->service, listing->ended_us);
  if (call->service->serves_files || listing->job->definition.client_url != NULL) return FHX_OK;
  int32_t status = fhx__destination_urls_until(listing->job->destination, *expires_us,
                                               call->until_us, expires_us, error);
  if (status == FHX_OK || status == FHX_ERR_NO_MEMORY) return status;
  fhx__clear_error(error);
  return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                        "the destination cannot say how long its URLs are good");
}

int32_t fhx__response_listing(const fhx__call *call, const fhx__listing *listing, uint32_t http,
                              fhx_response **response, fhx_error **error) {
  fhx_response *made = NULL;
  char date[FHX__HTTP_DATE_MAX];
  int64_t expires_us = 0;
  int32_t status = find_expiry(call, listing, &expires_us, error);
  if (status == FHX_OK) status = fhx__response_new(http, &made, error);
  if (status != FHX_OK) return status;
  fhx__http_date(date, expires_us);
  status = open_listing(call, listing, expires_us, &made->manifest, error);
  if (status == FHX_OK) {
    status = fhx__response_add(made, error, "Content-Type", "application/json");
  }
  if (status == FHX_OK) status = fhx__response_add(made, error, "Expires", "%s", date);
  if (status == FHX_OK) status = fhx__response_add(made, error, "Cache-Control", "no-store");
  if (status != FHX_OK) {
    fhx_response_free(made);
    return status;
  }
  *response = made;
  return FHX_OK;
}
