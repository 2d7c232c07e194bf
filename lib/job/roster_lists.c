/* Lists of members in the store: sorted runs into them, and walks through them. */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "job/roster_parts.h"

#define STEP_MAX 10000

/* --- runs --- */

int32_t fhx__member_run_add(fhx__member_run *run, const char *text, fhx_error **error) {
  if (fhx__buffer_append(&run->texts, text, strlen(text) + 1) != FHX_OK) {
    return fhx__no_memory(error);
  }
  run->count++;
  return FHX_OK;
}

size_t fhx__member_run_size(const fhx__member_run *run) {
  return run->texts.len + run->count * sizeof(char *);
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Fills `texts` with the run in order and without doubles; returns how many there are. */
static size_t sort_run(const fhx__member_run *run, const char **texts) {
  const char *text = run->texts.data;
  size_t kept = 0;
  for (size_t i = 0; i < run->count; i++, text += strlen(text) + 1) texts[i] = text;
  qsort(texts, run->count, sizeof *texts, compare_texts);
  for (size_t i = 0; i < run->count; i++) {
    if (kept == 0 || strcmp(texts[kept - 1], texts[i]) != 0) texts[kept++] = texts[i];
  }
  return kept;
}

static bool store_texts(const fhx__member_run *run, const char *const *texts, size_t count) {
  fhx__work *work = run->work;
  for (size_t at = 0; at < count; at += STEP_MAX) {
    fhx_error *error = NULL;
    size_t left = count - at;
    const fhx_members step = {work->task->job_id, work->task->task_index,
                              run->list,          work->task->fence,
                              texts + at,         (uint32_t)(left < STEP_MAX ? left : STEP_MAX)};
    int32_t status = fhx__step_add_members(work->job, &step, &error);
    if (!fhx__work_after_step(work, status, error)) return false;
    fhx__work_moved(work);
    if (!run->between_steps(work)) return false;
  }
  return true;
}

bool fhx__member_run_store(fhx__member_run *run) {
  if (run->count == 0) return true;
  const char **texts = fhx__alloc_zeroed(run->count, sizeof *texts);
  if (texts == NULL) return fhx__work_no_memory(run->work);
  size_t count = sort_run(run, texts);
  bool going = store_texts(run, texts, count);
  fhx__free(texts);
  run->texts.len = 0;
  run->count = 0;
  return going;
}

void fhx__member_run_free(fhx__member_run *run) {
  fhx__buffer_free(&run->texts);
}

/* --- walks --- */

static int32_t next_page(fhx__member_list *list, fhx_error **error) {
  if (list->has_page) fhx__reply_end(&list->page);
  list->has_page = true;
  list->position = 0;
  int32_t status =
      fhx__step_list_members(list->job, list->list, list->text, STEP_MAX, &list->page, error);
  if (list->work == NULL) return status;
  if (status != FHX_OK) {
    /* It is the store that fails here, whatever its status: not what is made of the list. */
    fhx__work_after_step(list->work, status, *error);
    *error = NULL;
    return FHX_WAIT;
  }
  fhx__work_moved(list->work);
  return fhx__work_go_on(list->work) ? FHX_OK : FHX_WAIT;
}

/* That texts are such, and in order, the store's plumbing has seen to. */
static int32_t take_text(fhx__member_list *list, const char *text, size_t len, fhx_error **error) {
  if (len > FHX__MEMBER_TEXT_MAX) {
    return fhx__fail(error, FHX_ERR_STORE, "the store lists a member that no job has stored");
  }
  memcpy(list->text, text, len);
  list->text[len] = '\0';
  list->len = len;
  return FHX_OK;
}

int32_t fhx__member_list_next(fhx__member_list *list, fhx_error **error) {
  if (!list->has_page || list->position == fhx__reply_item_count(&list->page)) {
    int32_t status = next_page(list, error);
    if (status != FHX_OK) return status;
    if (fhx__reply_item_count(&list->page) == 0) return FHX_END;
  }
  size_t len = 0;
  const char *text = fhx__reply_item_at(&list->page, list->position++, &len);
  return take_text(list, text, len, error);
}

void fhx__member_list_free(fhx__member_list *list) {
  if (list->has_page) fhx__reply_end(&list->page);
  list->has_page = false;
}
