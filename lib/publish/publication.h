/*
 * A publication as its own room sees it. What is published is a list of generations, one for each
 * job: snapshots and the updates behind them. The list is a document of its own, and from it and
 * the pages all other documents follow: so it is stored first, and what follows can be done again.
 */
#ifndef FHX__PUBLISH_PUBLICATION_H
#define FHX__PUBLISH_PUBLICATION_H

#include <fhirexport/publish.h>
#include <stdbool.h>

#include "core/buffer.h"
#include "core/instant.h"
#include "core/json.h"
#include "core/names.h"

#define FHX__PUBLISHED_ROOT "$bulk-publish"
#define FHX__PUBLISHED_STATE "publication.json"
#define FHX__PUBLISHED_PAGES "pages/"
/* "pages/<job>-<number>.json" and the like. */
#define FHX__PUBLISHED_NAME_MAX (sizeof FHX__PUBLISHED_PAGES + FHX__JOB_ID_LEN + 24)
/* Of one generation: what removes them asks for each, so a damaged list must not name billions. */
#define FHX__PUBLISHED_PAGES_MAX 1000000

typedef struct fhx__generation {
  /* The job's. */
  char id[FHX__JOB_ID_LEN + 1];
  bool is_snapshot;
  /* Of a snapshot: a stub follows its pages. */
  bool has_chain;
  uint32_t page_count;
  /* The job's transactionTime. */
  int64_t time_us;
  int64_t resolution_us;
  /* When a snapshot took its place; 0: it is there still. */
  int64_t retired_us;
} fhx__generation;

struct fhx_publication {
  fhx_destination *destination;
  uint32_t flags;
  char *base_url;
  char *update_cadence;
  int64_t grace_us;
  fhx_clock clock;
  uint32_t page_parts;
  /* Of fhx__generation, in the order in which they were published. */
  fhx__buffer generations;
  /* The last generation may not be linked yet. */
  bool is_open;
  char time[FHX__INSTANT_TEXT_MAX];
};

size_t fhx__generation_count(const fhx_publication *publication);
fhx__generation *fhx__generation_at(const fhx_publication *publication, size_t position);
/* What the destination has under this name, as JSON. */
int32_t fhx__published_read(const fhx_publication *publication, const char *name,
                            fhx__json_node **root, fhx_error **error);
/* The last one, or NULL. */
fhx__generation *fhx__generation_last(const fhx_publication *publication);

/* The name of a page of a generation, from 1. The first of a snapshot is what the root is made of.
 */
void fhx__page_name(char name[FHX__PUBLISHED_NAME_MAX], const fhx__generation *of, uint32_t number);
/* Appends the URL at which what has this name is served. */
int32_t fhx__publication_url(const fhx_publication *publication, const char *name, fhx__buffer *url,
                             fhx_error **error);
/* The name of the stub that a snapshot's chain begins with. */
void fhx__stub_name(char name[FHX__PUBLISHED_NAME_MAX], const fhx__generation *of);
/* The name of the page that the next update follows; false: none does. */
bool fhx__tail_name(char name[FHX__PUBLISHED_NAME_MAX], const fhx__generation *of);

/* --- the list (state.c) --- */

/* Reads it; an empty one where nothing is published. */
int32_t fhx__publication_read(fhx_publication *publication, fhx_error **error);
int32_t fhx__publication_write(const fhx_publication *publication, fhx_error **error);

/* --- documents (settle.c) --- */

/* Puts a page; `is_final`: it will never change. */
int32_t fhx__publication_put(const fhx_publication *publication, const char *name,
                             const fhx__buffer *text, bool is_final, fhx_error **error);
/* The last generation is linked: it becomes the root, or the chain leads to it; and the list says
   so. */
int32_t fhx__publication_settle(fhx_publication *publication, fhx_error **error);

#endif
