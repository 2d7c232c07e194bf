/* Notes what exported lines refer to, until the store has it. */
#include "job/wanted.h"

#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "job/roster_parts.h"
#include "select/references.h"

/* So much is kept back at most, the list of places with it. */
#define PENDING_BYTES_MAX ((size_t)1 << 20)
/* Lines of one encounter name the same few practitioners again and again: what was seen lately is
   looked for here, and forgotten when another text falls into its place. */
#define RECENT_COUNT 1024

struct fhx__wanted {
  const fhx_job *job;
  const char *base_url;
  fhx__member_run pending;
  char recent[RECENT_COUNT][FHX__MEMBER_TEXT_MAX + 1];
};

bool fhx__wanted_has_type(const fhx_job *job, const char *resource_type) {
  return fhx__list_has(job->definition.associated_types, resource_type);
}

int32_t fhx__wanted_new(const fhx_job *job, fhx__wanted **wanted, fhx_error **error) {
  const char *types = job->definition.associated_types;
  *wanted = NULL;
  if (types == NULL || *types == '\0') return FHX_OK;
  return fhx__wanted_new_for(job, FHX_MEMBERS_WANTED, wanted, error);
}

int32_t fhx__wanted_new_for(const fhx_job *job, uint32_t list, fhx__wanted **wanted,
                            fhx_error **error) {
  fhx__wanted *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  made->job = job;
  made->base_url = job->definition.filter->base_url;
  /* What a parked task has found is stored before its last checkpoint. */
  made->pending.between_steps = fhx__work_keep;
  made->pending.list = list;
  *wanted = made;
  return FHX_OK;
}

void fhx__wanted_free(fhx__wanted *wanted) {
  if (wanted == NULL) return;
  fhx__member_run_free(&wanted->pending);
  fhx__free(wanted);
}

bool fhx__wanted_store(fhx__wanted *wanted, fhx__work *work) {
  if (wanted == NULL) return true;
  wanted->pending.work = work;
  return fhx__member_run_store(&wanted->pending);
}

/* --- what a line refers to --- */

typedef struct noting {
  fhx__wanted *wanted;
  fhx__work *work;
} noting;

static bool add_pending(fhx__wanted *wanted, fhx__work *work, const char *text, size_t size) {
  size_t held = fhx__member_run_size(&wanted->pending);
  if (held + size + sizeof(const char *) > PENDING_BYTES_MAX && !fhx__wanted_store(wanted, work)) {
    return false;
  }
  fhx_error *error = NULL;
  return fhx__member_run_add(&wanted->pending, text, &error) == FHX_OK ||
         fhx__work_fail(work, error);
}

bool fhx__wanted_add(fhx__wanted *wanted, fhx__work *work, const char *text) {
  return add_pending(wanted, work, text, strlen(text) + 1);
}

/* Stores the text for `Type/id`; its length with the NUL. */
static size_t join(char text[FHX__MEMBER_TEXT_MAX + 1], const char *type, const char *id) {
  size_t type_len = strlen(type);
  size_t id_len = strlen(id);
  memcpy(text, type, type_len);
  text[type_len] = '/';
  memcpy(text + type_len + 1, id, id_len + 1);
  return type_len + id_len + 2;
}

/* Where a text is kept among the recent ones. */
static char *recent_place(fhx__wanted *wanted, const char *text) {
  uint32_t hash = fhx__text_hash(text);
  return wanted->recent[(hash ^ hash >> 16) % RECENT_COUNT];
}

static bool note_one(void *context, const char *type, const char *id) {
  const noting *at = context;
  char text[FHX__MEMBER_TEXT_MAX + 1];
  if (!fhx__wanted_has_type(at->wanted->job, type)) return true;
  size_t size = join(text, type, id);
  char *recent = recent_place(at->wanted, text);
  if (strcmp(recent, text) == 0) return true;
  if (!add_pending(at->wanted, at->work, text, size)) return false;
  memcpy(recent, text, size);
  return true;
}

bool fhx__wanted_note(fhx__wanted *wanted, fhx__work *work, const char *line, size_t len) {
  noting at = {wanted, work};
  return wanted == NULL || fhx__references_walk(line, len, wanted->base_url, note_one, &at);
}
