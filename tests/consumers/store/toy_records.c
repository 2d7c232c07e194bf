/* The toy store's lists, and what goes with a job. */
#include "toy_records.h"

#include <stdlib.h>
#include <string.h>

/* --- memory --- */

void *toy_take(size_t size) {
  void *made = calloc(1, size == 0 ? 1 : size);
  if (made == NULL) exit(70);
  return made;
}

void *toy_copy(const void *data, size_t len) {
  if (data == NULL) return NULL;
  void *made = toy_take(len);
  if (len > 0) memcpy(made, data, len);
  return made;
}

char *toy_copy_text(const char *text) {
  if (text == NULL) text = "";
  return toy_copy(text, strlen(text) + 1);
}

void *toy_at(const toy_list *of, size_t position) {
  return of->items + position * of->item_size;
}

/* A zeroed item at that place. */
void *toy_insert(toy_list *into, size_t position) {
  if (into->count == into->room) {
    size_t room = into->room == 0 ? 8 : 2 * into->room;
    char *grown = toy_take(room * into->item_size);
    if (into->count > 0) memcpy(grown, into->items, into->count * into->item_size);
    free(into->items);
    into->items = grown;
    into->room = room;
  }
  char *made = toy_at(into, position);
  memmove(made + into->item_size, made, (into->count - position) * into->item_size);
  into->count++;
  return memset(made, 0, into->item_size);
}

void *toy_append(toy_list *to) {
  return toy_insert(to, to->count);
}

void toy_drop(toy_list *from, size_t position) {
  char *gone = toy_at(from, position);
  from->count--;
  memmove(gone, gone + from->item_size, (from->count - position) * from->item_size);
}

void toy_empty(toy_list *which) {
  free(which->items);
  which->items = NULL;
  which->count = which->room = 0;
}

/* --- what goes --- */

static void free_part(toy_part *part) {
  free((char *)part->record.name);
  free((char *)part->record.resource_type);
}

void toy_drop_parts(toy_job *job) {
  for (size_t i = 0; i < job->parts.count; i++) free_part(toy_at(&job->parts, i));
  toy_empty(&job->parts);
}

void toy_drop_lines(toy_job *job) {
  for (size_t i = 0; i < job->lines.count; i++)
    free(((toy_line *)toy_at(&job->lines, i))->text.data);
  toy_empty(&job->lines);
}

void toy_drop_members(toy_job *job) {
  for (size_t i = 0; i < job->members.count; i++)
    free(((toy_member *)toy_at(&job->members, i))->text);
  toy_empty(&job->members);
}

static void drop_tasks(toy_job *job) {
  for (size_t i = 0; i < job->tasks.count; i++) {
    toy_task *task = toy_at(&job->tasks, i);
    free((char *)task->record.resource_type);
    free((char *)task->record.last_id);
    free((void *)task->record.shard);
    free((void *)task->record.token);
    free(task->claim_id);
  }
  toy_empty(&job->tasks);
}

/* The parts and lines of one task. */
void toy_drop_of_task(toy_job *job, uint32_t task_index) {
  for (size_t i = job->parts.count; i-- > 0;) {
    toy_part *part = toy_at(&job->parts, i);
    if (part->record.task_index != task_index) continue;
    free_part(part);
    toy_drop(&job->parts, i);
  }
  for (size_t i = job->lines.count; i-- > 0;) {
    toy_line *line = toy_at(&job->lines, i);
    if (line->task_index != task_index) continue;
    free(line->text.data);
    toy_drop(&job->lines, i);
  }
}

void toy_free_job(toy_job *job) {
  toy_drop_parts(job);
  toy_drop_lines(job);
  toy_drop_members(job);
  drop_tasks(job);
  toy_empty(&job->attempts);
  free((char *)job->record.job_id);
  free((char *)job->record.tenant);
  free((char *)job->record.client);
  free((char *)job->record.request);
  free((char *)job->record.definition);
  free((char *)job->record.parameters);
  free((char *)job->record.reason);
  free((void *)job->record.host_context);
}
