/* Notes what exported lines refer to, until the store has it. */
#include "job/wanted.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "select/references.h"

/* So much is kept back at most, the list of places with it. */
#define PENDING_BYTES_MAX ((size_t)1 << 20)
/* The most that one step of the store takes. */
#define STEP_MAX 10000
/* "Type/id" and its NUL. */
#define TEXT_MAX (FHX__TYPE_MAX + FHX__ID_MAX + 2)
/* Lines of one encounter name the same few practitioners again and again: what was seen lately is
   looked for here, and forgotten when another text falls into its place. */
#define RECENT_COUNT 1024

struct fhx__wanted {
  const fhx_job *job;
  const char *base_url;
  /* Texts not yet stored, one behind the other, each with its NUL. */
  fhx__buffer pending;
  size_t count;
  char recent[RECENT_COUNT][TEXT_MAX];
};

bool fhx__wanted_has_type(const fhx_job *job, const char *resource_type) {
  size_t wanted = strlen(resource_type);
  for (const char *at = job->definition.associated_types; at != NULL && *at != '\0';) {
    size_t len = strcspn(at, ",");
    if (len == wanted && memcmp(at, resource_type, len) == 0) return true;
    at += at[len] == ',' ? len + 1 : len;
  }
  return false;
}

int32_t fhx__wanted_new(const fhx_job *job, fhx__wanted **wanted, fhx_error **error) {
  const char *types = job->definition.associated_types;
  *wanted = NULL;
  if (types == NULL || *types == '\0') return FHX_OK;
  fhx__wanted *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  made->job = job;
  made->base_url = job->definition.filter->base_url;
  *wanted = made;
  return FHX_OK;
}

void fhx__wanted_free(fhx__wanted *wanted) {
  if (wanted == NULL) return;
  fhx__buffer_free(&wanted->pending);
  fhx__free(wanted);
}

/* --- what was noted, to the store --- */

static int compare_texts(const void *left, const void *right) {
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The places of the pending texts, sorted and without doubles; NULL when out of memory. */
static const char **sort_pending(fhx__wanted *wanted) {
  const char **texts = fhx__alloc(wanted->count * sizeof *texts);
  if (texts == NULL) return NULL;
  const char *at = wanted->pending.data;
  for (size_t i = 0; i < wanted->count; i++) {
    texts[i] = at;
    at += strlen(at) + 1;
  }
  qsort(texts, wanted->count, sizeof *texts, compare_texts);
  size_t kept = 1;
  for (size_t i = 1; i < wanted->count; i++) {
    if (strcmp(texts[i], texts[kept - 1]) != 0) texts[kept++] = texts[i];
  }
  wanted->count = kept;
  return texts;
}

bool fhx__wanted_store(fhx__wanted *wanted, fhx__work *work) {
  if (wanted == NULL || wanted->count == 0) return true;
  const char **texts = sort_pending(wanted);
  if (texts == NULL) return fhx__work_no_memory(work);
  bool going = true;
  for (size_t first = 0; going && first < wanted->count; first += STEP_MAX) {
    size_t left = wanted->count - first;
    fhx_error *error = NULL;
    fhx_members step = {work->task->job_id, work->task->task_index,
                        FHX_MEMBERS_WANTED, work->task->fence,
                        texts + first,      (uint32_t)(left < STEP_MAX ? left : STEP_MAX)};
    int32_t status = fhx__step_add_members(work->job, &step, &error);
    going = fhx__work_after_step(work, status, error) && fhx__work_keep(work);
  }
  fhx__free(texts);
  wanted->pending.len = 0;
  wanted->count = 0;
  return going;
}

/* --- what a line refers to --- */

typedef struct noting {
  fhx__wanted *wanted;
  fhx__work *work;
} noting;

static bool add_pending(fhx__wanted *wanted, fhx__work *work, const char *text, size_t size) {
  size_t held = wanted->pending.len + wanted->count * sizeof(const char *);
  if (held + size + sizeof(const char *) > PENDING_BYTES_MAX && !fhx__wanted_store(wanted, work)) {
    return false;
  }
  if (fhx__buffer_append(&wanted->pending, text, size) != FHX_OK) return fhx__work_no_memory(work);
  wanted->count++;
  return true;
}

/* Stores the text for `Type/id`; its length with the NUL. */
static size_t join(char text[TEXT_MAX], const char *type, const char *id) {
  size_t type_len = strlen(type);
  size_t id_len = strlen(id);
  memcpy(text, type, type_len);
  text[type_len] = '/';
  memcpy(text + type_len + 1, id, id_len + 1);
  return type_len + id_len + 2;
}

/* Where a text is kept among the recent ones (FNV-1a). */
static char *recent_place(fhx__wanted *wanted, const char *text) {
  uint32_t hash = UINT32_C(2166136261);
  for (; *text != '\0'; text++) hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
  return wanted->recent[(hash ^ hash >> 16) % RECENT_COUNT];
}

static bool note_one(void *context, const char *type, const char *id) {
  const noting *at = context;
  char text[TEXT_MAX];
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
