/*
 * Publishing a job: its files are made sure of, its pages are put where nothing leads to them yet,
 * then the list is stored, which decides, and then what is seen follows (settle.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host_clock.h"
#include "destination/destination.h"
#include "job/job.h"
#include "manifest/manifest.h"
#include "publish/publication.h"

#define COPY_PIECE ((size_t)64 * 1024)
#define PARTS_AT_A_TIME 1000

/* --- may it be published? --- */

static int32_t check_job(const fhx_publication *publication, fhx_job *job, fhx_error **error) {
  const fhx__generation *last = fhx__generation_last(publication);
  int32_t status = fhx__manifest_check_job(job, 0, error);
  if (status != FHX_OK) return status;
  if (job->definition.by_patient) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the job is organised by patients, which is not published");
  }
  if (job->definition.filter->has_until) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "the job has _until: what is published goes up to its transactionTime");
  }
  if (last != NULL && job->record->transaction_time_us < last->time_us) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "the job is older than what is published");
  }
  return FHX_OK;
}

static int32_t check_snapshot(const fhx_publication *publication, fhx_job *job, uint32_t flags,
                              fhx_error **error) {
  if ((flags & ~FHX_SNAPSHOT_FINAL) != 0) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "flags holds a bit that is not FHX_SNAPSHOT_...");
  }
  int32_t status = check_job(publication, job, error);
  if (status != FHX_OK || !job->definition.filter->has_since) return status;
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "the job has _since: a snapshot holds everything, whatever its age");
}

static int32_t check_update(const fhx_publication *publication, fhx_job *job, fhx_error **error) {
  const fhx__generation *last = fhx__generation_last(publication);
  const fhx_filter *filter = job->definition.filter;
  if (fhx_publication_has_chain(publication) == 0) {
    return fhx__fail(error, FHX_ERR_MISUSE,
                     "an update needs a chain: publish a snapshot first that is not final");
  }
  int32_t status = check_job(publication, job, error);
  if (status != FHX_OK) return status;
  const fhx__instant from = {last->time_us, 0};
  if (filter->has_since && fhx__instant_compare(filter->since, from) <= 0) return FHX_OK;
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "an update begins where what is published ends: the job needs _since=%s, or "
                   "earlier",
                   publication->time);
}

/* --- its files --- */

/* From its first byte on, wherever the file's own position is. */
static int32_t write_all(fhx_destination *to, void *upload, int file, fhx_error **error) {
  char piece[COPY_PIECE];
  off_t at = 0;
  for (;;) {
    const ssize_t count = pread(file, piece, sizeof piece, at);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return FHX_OK;
    if (count < 0) return fhx__fail(error, FHX_ERR_IO, "a file of the job could not be read");
    int32_t status = fhx__destination_write(to, upload, piece, (size_t)count, error);
    if (status != FHX_OK) return status;
    at += count;
  }
}

/* What an earlier try has left of it goes first. */
static int32_t copy_open(fhx_destination *to, const fhx_part *part, int file, fhx_error **error) {
  void *upload = NULL;
  int32_t status = fhx__destination_remove(to, part->name, error);
  if (status == FHX_OK) status = fhx__destination_open(to, part->name, &upload, error);
  if (status != FHX_OK) return status;
  status = write_all(to, upload, file, error);
  if (status == FHX_OK) return fhx__destination_commit(to, upload, part, error);
  fhx__destination_abort(to, upload);
  return status;
}

static int32_t copy_part(fhx_destination *to, fhx_destination *from, const fhx_part *part,
                         fhx_error **error) {
  int file = -1;
  uint64_t byte_count = 0;
  int32_t status = fhx__destination_file(from, part->name, &file, &byte_count, error);
  if (status != FHX_OK) return status;
  if (byte_count != fhx_part_stored_byte_count(part)) {
    status = fhx__fail(error, FHX_ERR_DESTINATION, "a file of the job has changed its length");
  } else {
    status = copy_open(to, part, file, error);
  }
  close(file);
  return status;
}

/* The file is there, and whole, before anything leads to it (MAN-22). */
static int32_t secure_part(const fhx_publication *publication, fhx_job *job, const fhx_part *part,
                           fhx_error **error) {
  fhx_error *fault = NULL;
  fhx_destination *from = job->destination;
  int32_t status = fhx__destination_stat(publication->destination, part, &fault);
  if (status == FHX_ERR_NOT_FOUND && from != NULL && from != publication->destination &&
      fhx__destination_serves_files(from)) {
    fhx__clear_error(&fault);
    status = copy_part(publication->destination, from, part, &fault);
  }
  fhx__give_error(error, fault);
  return status;
}

static int32_t secure_parts(const fhx_publication *publication, fhx_job *job, fhx_error **error) {
  uint64_t after = 0;
  for (;;) {
    fhx_part_page *page = NULL;
    int32_t status = fhx_job_parts_new(job, &after, PARTS_AT_A_TIME, &page, error);
    if (status == FHX_END) return FHX_OK;
    if (status != FHX_OK) return status;
    for (uint32_t i = 0; status == FHX_OK && i < fhx_part_page_count(page); i++) {
      status = secure_part(publication, job, fhx_part_page_part(page, i), error);
    }
    fhx_part_page_free(page);
    if (status != FHX_OK) return status;
  }
}

/* --- its pages --- */

/* Appends the URL of a file. */
static int32_t link_part(void *context, const fhx_part *part, fhx__buffer *url, fhx_error **error) {
  return fhx__publication_url(context, fhx_part_name(part), url, error);
}

static int32_t write_page(const fhx_publication *publication, const fhx__generation *of,
                          const fhx_part_page *parts, bool is_stub, const char *next_url,
                          fhx__buffer *text, fhx_error **error) {
  fhx__published_page page;
  memset(&page, 0, sizeof page);
  page.transaction_time_us = of->time_us;
  page.resolution_us = of->resolution_us;
  page.update_cadence = publication->update_cadence;
  page.links.link = link_part;
  page.links.context = (void *)publication;
  page.links.requires_token = (publication->flags & FHX_PUBLICATION_REQUIRES_TOKEN) != 0;
  page.parts = parts;
  page.is_stub = is_stub;
  page.next_url = next_url;
  return fhx__manifest_publish(&page, text, error);
}

/* Puts one page. `next` is the name of the page behind it, "#pending", or NULL. */
static int32_t put_page(const fhx_publication *publication, const fhx__generation *of,
                        const char *name, const fhx_part_page *parts, const char *next,
                        fhx_error **error) {
  fhx__buffer text = {NULL, 0, 0}, url = {NULL, 0, 0};
  const bool waits = next != NULL && next[0] == '#';
  const bool is_stub = of->is_snapshot && waits;
  int32_t status = FHX_OK;
  if (next != NULL && !waits) status = fhx__publication_url(publication, next, &url, error);
  if (status == FHX_OK) {
    status = write_page(publication, of, parts, is_stub, waits ? next : url.data, &text, error);
  }
  if (status == FHX_OK) status = fhx__publication_put(publication, name, &text, !waits, error);
  fhx__buffer_free(&text);
  fhx__buffer_free(&url);
  return status;
}

/* What the last page of the generation leads to: its stub, "#pending", or nothing. */
static const char *behind_last(const fhx__generation *of, char name[FHX__PUBLISHED_NAME_MAX]) {
  if (!of->is_snapshot) return "#pending";
  if (!of->has_chain) return NULL;
  fhx__stub_name(name, of);
  return name;
}

static int32_t list_parts(const fhx_publication *publication, fhx_job *job, uint64_t *after,
                          fhx_part_page **parts, fhx_error **error) {
  *parts = NULL;
  int32_t status = fhx_job_parts_new(job, after, publication->page_parts, parts, error);
  return status == FHX_END ? FHX_OK : status;
}

/* All pages, one at least, the stub first: nothing leads to what is not there. */
static int32_t put_pages(const fhx_publication *publication, fhx__generation *of, fhx_job *job,
                         fhx_error **error) {
  char name[FHX__PUBLISHED_NAME_MAX], next_name[FHX__PUBLISHED_NAME_MAX];
  fhx_part_page *parts = NULL, *behind = NULL;
  uint64_t after = 0;
  int32_t status = FHX_OK;
  if (of->has_chain) {
    fhx__stub_name(name, of);
    status = put_page(publication, of, name, NULL, "#pending", error);
  }
  if (status == FHX_OK) status = list_parts(publication, job, &after, &parts, error);
  while (status == FHX_OK) {
    if (of->page_count == FHX__PUBLISHED_PAGES_MAX) {
      status = fhx__fail(error, FHX_ERR_LIMIT, "the job has more than %d pages of %u files each",
                         FHX__PUBLISHED_PAGES_MAX, publication->page_parts);
      break;
    }
    of->page_count++;
    fhx__page_name(name, of, of->page_count);
    status = list_parts(publication, job, &after, &behind, error);
    if (status != FHX_OK) break;
    fhx__page_name(next_name, of, of->page_count + 1);
    status = put_page(publication, of, name, parts,
                      behind == NULL ? behind_last(of, next_name) : next_name, error);
    fhx_part_page_free(parts);
    parts = behind;
    behind = NULL;
    if (parts == NULL) break;
  }
  fhx_part_page_free(parts);
  return status;
}

/* --- the list --- */

/* FHX_END: the job is published already. */
static int32_t look_for(const fhx_publication *publication, const fhx_job *job, bool is_snapshot,
                        fhx_error **error) {
  for (size_t i = 0; i < fhx__generation_count(publication); i++) {
    const fhx__generation *of = fhx__generation_at(publication, i);
    if (strcmp(of->id, fhx_job_id(job)) != 0) continue;
    if (of->is_snapshot == is_snapshot) return FHX_END;
    return fhx__fail(error, FHX_ERR_ARGUMENT, "the job is published already, as %s",
                     of->is_snapshot ? "a snapshot" : "an update");
  }
  return FHX_OK;
}

/* All that was there before has its time from now on. */
static void retire(fhx_publication *publication) {
  const int64_t now_us = fhx__host_now_us(&publication->clock);
  for (size_t i = 0; i < fhx__generation_count(publication); i++) {
    fhx__generation *of = fhx__generation_at(publication, i);
    if (of->retired_us == 0) of->retired_us = now_us > 0 ? now_us : 1;
  }
}

/* The list as it was, with the new generation; when it cannot be stored, `before` is put back. */
static int32_t add(fhx_publication *publication, const fhx__generation *of, fhx_error **error) {
  fhx__buffer before = {NULL, 0, 0};
  const fhx__buffer *list = &publication->generations;
  int32_t status = fhx__buffer_append(&before, list->data, list->len);
  if (status == FHX_OK) {
    if (of->is_snapshot) retire(publication);
    status = fhx__buffer_append(&publication->generations, of, sizeof *of);
  }
  if (status != FHX_OK) {
    fhx__no_memory(error);
  } else {
    publication->is_open = true;
    status = fhx__publication_write(publication, error);
  }
  if (status != FHX_OK) {
    fhx__buffer_free(&publication->generations);
    publication->generations = before;
    publication->is_open = false;
    return status;
  }
  fhx__buffer_free(&before);
  return FHX_OK;
}

static int32_t release(fhx_publication *publication, fhx_job *job, bool is_snapshot, bool has_chain,
                       fhx_error **error) {
  fhx__generation made;
  memset(&made, 0, sizeof made);
  snprintf(made.id, sizeof made.id, "%s", fhx_job_id(job));
  made.is_snapshot = is_snapshot;
  made.has_chain = has_chain;
  made.time_us = job->record->transaction_time_us;
  made.resolution_us = job->record->resolution_us;
  int32_t status = secure_parts(publication, job, error);
  if (status == FHX_OK) status = put_pages(publication, &made, job, error);
  if (status == FHX_OK) status = add(publication, &made, error);
  return status == FHX_OK ? fhx__publication_settle(publication, error) : status;
}

/* What was begun before comes first. */
static int32_t begin(fhx_publication *publication, fhx_job *job, bool is_snapshot,
                     fhx_error **error) {
  if (publication == NULL || job == NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "there is no publication, or no job to publish");
  }
  int32_t status = fhx__publication_settle(publication, error);
  return status == FHX_OK ? look_for(publication, job, is_snapshot, error) : status;
}

int32_t fhx_publication_snapshot(fhx_publication *publication, fhx_job *job, uint32_t flags,
                                 fhx_error **error) {
  int32_t status = begin(publication, job, true, error);
  if (status == FHX_END) return FHX_OK;
  if (status == FHX_OK) status = check_snapshot(publication, job, flags, error);
  if (status != FHX_OK) return status;
  return release(publication, job, true, (flags & FHX_SNAPSHOT_FINAL) == 0, error);
}

int32_t fhx_publication_update(fhx_publication *publication, fhx_job *job, fhx_error **error) {
  int32_t status = begin(publication, job, false, error);
  if (status == FHX_END) return FHX_OK;
  if (status == FHX_OK) status = check_update(publication, job, error);
  return status == FHX_OK ? release(publication, job, false, false, error) : status;
}
