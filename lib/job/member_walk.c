/* The members of a Group and of those nested in it. How one resource is read is in select/group.c.
 */
#include "job/member_walk.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"
#include "ndjson/scan.h"

/* So many Groups are kept in mind; each of them is a call of the source at least. */
#define GROUPS_MAX 100000
#define SLOTS_MIN 64
/* The lease is looked at after so many members of one page or resource. */
#define MEMBERS_PER_LOOK 4096
#define REFERENCE_MAX (FHX__TYPE_MAX + 1 + FHX__ID_MAX)
#define WANT_BYTES (UINT64_C(1) << 20)

static const fhx_filter everything = {.sealed = true};

void fhx__plain_query(const fhx_job_record *record, const char *resource_type, fhx_query *query) {
  memset(query, 0, sizeof *query);
  query->resource_type = resource_type;
  query->as_of_us = record->transaction_time_us;
  query->selection.filter = &everything;
  query->tenant = record->tenant;
  query->host_context = record->host_context;
  query->host_context_len = record->host_context_len;
}

/* --- the Groups that were met --- */

typedef struct group_place {
  uint32_t depth;
  char id[FHX__ID_MAX + 1];
} group_place;

static group_place *places_of(const fhx__member_walk *walk) {
  return (group_place *)(void *)walk->groups.data;
}

static size_t place_count(const fhx__member_walk *walk) {
  return walk->groups.len / sizeof(group_place);
}

/* Who chooses ids that collide makes only his own export slower, within GROUPS_MAX. The slot that
 * holds the place of this Group, plus one, or the empty one where it belongs. */
static uint32_t *find_slot(const fhx__member_walk *walk, const fhx__buffer *slots, const char *id) {
  uint32_t *table = (uint32_t *)(void *)slots->data;
  size_t count = slots->len / sizeof *table;
  size_t at = fhx__text_hash(id) & (count - 1);
  while (table[at] != 0 && strcmp(places_of(walk)[table[at] - 1].id, id) != 0) {
    at = (at + 1) & (count - 1);
  }
  return &table[at];
}

/* At least half of the slots stay empty. */
static int32_t reserve_slot(fhx__member_walk *walk) {
  size_t count = walk->slots.len / sizeof(uint32_t);
  size_t groups = place_count(walk);
  if (2 * (groups + 1) <= count) return FHX_OK;
  fhx__buffer grown = {NULL, 0, 0};
  size_t wanted = count == 0 ? SLOTS_MIN : 2 * count;
  if (fhx__buffer_reserve(&grown, wanted * sizeof(uint32_t)) != FHX_OK) return FHX_ERR_NO_MEMORY;
  grown.len = wanted * sizeof(uint32_t);
  memset(grown.data, 0, grown.len);
  for (size_t i = 0; i < groups; i++) {
    *find_slot(walk, &grown, places_of(walk)[i].id) = (uint32_t)i + 1;
  }
  fhx__buffer_free(&walk->slots);
  walk->slots = grown;
  return FHX_OK;
}

/* Puts a Group behind those that are to be read, unless it was met before (FILTER-33). */
static int32_t meet(fhx__member_walk *walk, const char *id, uint32_t depth, fhx_error **error) {
  group_place place;
  if (reserve_slot(walk) != FHX_OK) return fhx__no_memory(error);
  uint32_t *slot = find_slot(walk, &walk->slots, id);
  if (*slot != 0) return FHX_OK;
  if (depth > walk->job->definition.group_depth_max) {
    return fhx__fail(error, FHX_ERR_LIMIT,
                     "Groups are nested in the exported Group more than %u deep",
                     walk->job->definition.group_depth_max);
  }
  if (place_count(walk) == GROUPS_MAX) {
    return fhx__fail(error, FHX_ERR_LIMIT, "more than %d Groups are nested in the exported Group",
                     GROUPS_MAX);
  }
  memset(&place, 0, sizeof place);
  place.depth = depth;
  memcpy(place.id, id, strlen(id) + 1);
  if (fhx__buffer_append(&walk->groups, &place, sizeof place) != FHX_OK) {
    return fhx__no_memory(error);
  }
  *slot = (uint32_t)place_count(walk);
  return FHX_OK;
}

/* --- members --- */

static int32_t go_on(fhx__member_walk *walk) {
  return walk->work == NULL || fhx__work_go_on(walk->work) ? FHX_OK : FHX_END;
}

static int32_t give(fhx__member_walk *walk, const group_place *group, size_t position,
                    const fhx__member *member, fhx_error **error) {
  uint64_t members_max = walk->job->definition.group_members_max;
  if (++walk->member_count > members_max) {
    return fhx__fail(error, FHX_ERR_LIMIT,
                     "the Group, with those nested in it, has more than %llu members",
                     (unsigned long long)members_max);
  }
  if (walk->member_count % MEMBERS_PER_LOOK == 0 && go_on(walk) != FHX_OK) return FHX_END;
  int32_t status = walk->take(walk->context, group->id, position, member, error);
  bool is_group = member->kind == FHX__MEMBER_REFERENCE && strcmp(member->type, "Group") == 0;
  if (status != FHX_OK || !is_group) return status;
  return meet(walk, member->id, group->depth + 1, error);
}

/* --- from group_members --- */

/* `Type/id`: the source's plumbing has seen to the form, and to the order. */
static void read_item(const char *item, size_t len, fhx__member *member) {
  size_t type_len = (size_t)((const char *)memchr(item, '/', len) - item);
  memset(member, 0, sizeof *member);
  member->kind = FHX__MEMBER_REFERENCE;
  member->joined_us = FHX_TIME_NONE;
  memcpy(member->type, item, type_len);
  memcpy(member->id, item + type_len + 1, len - type_len - 1);
}

/* Gives one page; `after` becomes its last member. */
static int32_t give_page(fhx__member_walk *walk, const group_place *group, const fhx_reply *page,
                         size_t first, char after[REFERENCE_MAX + 1], fhx_error **error) {
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < fhx__reply_item_count(page); i++) {
    fhx__member member;
    size_t len = 0;
    const char *item = fhx__reply_item_at(page, i, &len);
    read_item(item, len, &member);
    memcpy(after, item, len);
    after[len] = '\0';
    status = give(walk, group, first + i, &member, error);
  }
  return status;
}

/* FHX_ERR_UNSUPPORTED: the Group's resource is to be read. */
static int32_t walk_listed(fhx__member_walk *walk, const group_place *group, fhx_error **error) {
  char after[REFERENCE_MAX + 1] = "";
  fhx_query query;
  fhx__plain_query(walk->record, "Group", &query);
  for (size_t position = 0;;) {
    fhx_reply page;
    int32_t status =
        fhx__source_group_members(walk->job->source, &query, group->id, after, &page, error);
    if (status == FHX_ERR_UNSUPPORTED && position != 0) {
      fhx__clear_error(error);
      status = fhx__fail(error, FHX_ERR_SOURCE,
                         "the source's group_members stopped in the middle of a Group");
    }
    size_t count = status == FHX_OK ? fhx__reply_item_count(&page) : 0;
    bool more = count != 0 && !walk->head_only;
    if (more) status = give_page(walk, group, &page, position, after, error);
    fhx__reply_end(&page);
    if (status != FHX_OK || !more) return status;
    position += count;
    if (walk->work != NULL) fhx__work_moved(walk->work);
    if (go_on(walk) != FHX_OK) return FHX_END;
  }
}

/* --- from the resource --- */

static int32_t check_head(const fhx__group_head *head, fhx_error **error) {
  if (head->has_unknown_modifier) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the Group, or one that is nested in it, has a modifier extension that is not "
                     "known here and may change who its members are");
  }
  if (head->has_member_filter) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the Group, or one that is nested in it, has criteria for its members "
                     "(member-filter), which this server does not evaluate");
  }
  if (!head->lists_members) {
    return fhx__fail(error, FHX_ERR_UNSUPPORTED,
                     "the Group, or one that is nested in it, does not list its members: it only "
                     "describes them (`actual` or `membership`)");
  }
  return FHX_OK;
}

typedef struct line_walk {
  fhx__member_walk *walk;
  const group_place *group;
  size_t position;
  int32_t status;
  fhx_error **error;
} line_walk;

static bool take_from_line(void *context, const fhx__member *member) {
  line_walk *at = context;
  at->status = give(at->walk, at->group, at->position++, member, at->error);
  return at->status == FHX_OK;
}

static int32_t walk_line(fhx__member_walk *walk, const group_place *group, const char *line,
                         size_t len, fhx_error **error) {
  fhx__group_head head;
  line_walk at = {walk, group, 0, FHX_OK, error};
  if (!fhx__group_read_head(line, len, &head)) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the source gave another resource for a Group");
  }
  int32_t status = check_head(&head, error);
  if (status != FHX_OK || walk->head_only) return status;
  fhx__group_walk(line, len, walk->record->transaction_time_us,
                  walk->job->definition.filter->base_url, take_from_line, &at);
  return at.status;
}

/* A Group of any size costs its own text, and a copy only if it has white space to be stripped:
   the scanner cannot strip in place. */
static int32_t walk_resource(fhx__member_walk *walk, const group_place *group, const void *data,
                             size_t len, fhx_error **error) {
  const fhx__definition *definition = &walk->job->definition;
  fhx__scan scan;
  if (len > definition->resource_bytes_max) {
    return fhx__fail(error, FHX_ERR_LIMIT, "a Group is longer than resource_bytes_max");
  }
  if (fhx__scan_resource(data, len, NULL, definition->depth_max, &scan) != FHX__FAULT_NONE) {
    return fhx__fail(error, FHX_ERR_SOURCE, "a Group's resource %s, at byte %zu",
                     fhx__fault_text(scan.fault), scan.offset);
  }
  /* Whose members it lists matters as much as that it lists any. */
  if (strcmp(scan.facts.id, group->id) != 0) {
    return fhx__fail(error, FHX_ERR_SOURCE, "the source gave another resource for a Group");
  }
  if (scan.out_len == len) return walk_line(walk, group, data, len, error);
  fhx__strip strip = {false, false};
  char *line = fhx__alloc(len);
  if (line == NULL) return fhx__no_memory(error);
  size_t line_len = fhx__strip_piece(&strip, data, len, line);
  int32_t status = walk_line(walk, group, line, line_len, error);
  fhx__free(line);
  return status;
}

/* FHX_ERR_UNSUPPORTED: the source cannot read a single resource. *is_read: the answer is not from
   there, but about the Group. */
static int32_t walk_read(fhx__member_walk *walk, const group_place *group, bool *is_read,
                         fhx_error **error) {
  char reference[REFERENCE_MAX + 1];
  fhx_query query;
  fhx_reply reply;
  size_t len = 0;
  fhx__plain_query(walk->record, "Group", &query);
  snprintf(reference, sizeof reference, "Group/%s", group->id);
  int32_t status = fhx__source_read_resource(walk->job->source, &query, reference, &reply, error);
  *is_read = status == FHX_OK;
  if (status == FHX_OK) {
    const char *data = fhx__reply_item_at(&reply, 0, &len);
    status = walk_resource(walk, group, data, len, error);
  }
  fhx__reply_end(&reply);
  return status;
}

/* --- from a cursor over all Groups --- */

static bool is_wanted(const fhx__member_walk *walk, const group_place *group, const void *data,
                      size_t len) {
  fhx__scan scan;
  fhx__scan_resource(data, len, NULL, walk->job->definition.depth_max, &scan);
  return strcmp(scan.facts.resource_type, "Group") == 0 && strcmp(scan.facts.id, group->id) == 0;
}

/* Looks for the Group among some rows. FHX_ERR_NOT_FOUND, without an error: it is not there. */
static int32_t walk_rows(fhx__member_walk *walk, const group_place *group, const fhx__rows *rows,
                         fhx_error **error) {
  size_t begin = 0;
  for (uint64_t i = 0; i < rows->row_count; i++) {
    size_t end = rows->row_ends == NULL ? rows->len : (size_t)rows->row_ends[i];
    if (is_wanted(walk, group, rows->data + begin, end - begin)) {
      return walk_resource(walk, group, rows->data + begin, end - begin, error);
    }
    begin = end;
  }
  return FHX_ERR_NOT_FOUND;
}

static int32_t search_cursor(fhx__member_walk *walk, const group_place *group, fhx__cursor *cursor,
                             fhx_error **error) {
  for (;;) {
    fhx__rows rows;
    int64_t wait_us = 0;
    if (go_on(walk) != FHX_OK) return FHX_END;
    int32_t status = fhx__source_next(cursor, WANT_BYTES, &rows, &wait_us, error);
    if (status == FHX_END) {
      return fhx__fail(error, FHX_ERR_NOT_FOUND, "the source has no such Group");
    }
    if (status == FHX_WAIT) {
      if (!fhx__work_wait(walk->work, wait_us, "the source had no rows to give")) return FHX_END;
      continue;
    }
    if (status != FHX_OK) return status;
    fhx__work_moved(walk->work);
    status = walk_rows(walk, group, &rows, error);
    if (status != FHX_ERR_NOT_FOUND) return status;
  }
}

static int32_t walk_searched(fhx__member_walk *walk, const group_place *group, fhx_error **error) {
  fhx_query query;
  fhx__cursor cursor;
  fhx__plain_query(walk->record, "Group", &query);
  int32_t status = fhx__source_open(walk->job->source, &query, &cursor, error);
  if (status != FHX_OK) return status;
  status = search_cursor(walk, group, &cursor, error);
  fhx__source_close(&cursor);
  return status;
}

/* --- all of them --- */

static int32_t walk_one(fhx__member_walk *walk, const group_place *group, fhx_error **error) {
  bool is_read = false;
  int32_t status = walk_listed(walk, group, error);
  if (status != FHX_ERR_UNSUPPORTED) return status;
  fhx__clear_error(error);
  status = walk_read(walk, group, &is_read, error);
  if (status != FHX_ERR_UNSUPPORTED || is_read) return status;
  fhx__clear_error(error);
  if (walk->work != NULL) return walk_searched(walk, group, error);
  walk->is_blind = true;
  return FHX_OK;
}

/* A Group that is nested and not there is like a patient who is not (FILTER-36). */
static int32_t pass_absent(fhx__member_walk *walk, const group_place *group, fhx_error **error) {
  fhx__clear_error(error);
  if (group->depth == 0) {
    return fhx__fail(error, FHX_ERR_NOT_FOUND, "the Group of the export does not exist");
  }
  return walk->take(walk->context, group->id, 0, NULL, error);
}

int32_t fhx__member_walk_run(fhx__member_walk *walk, fhx_error **error) {
  fhx_error *own = NULL;
  fhx_error **at = error == NULL ? &own : error;
  int32_t status = meet(walk, walk->job->definition.filter->group_id, 0, at);
  for (size_t i = 0; status == FHX_OK && i < place_count(walk); i++) {
    /* The list may move while it grows. */
    const group_place group = places_of(walk)[i];
    status = go_on(walk);
    if (status == FHX_OK) status = walk_one(walk, &group, at);
    if (status == FHX_ERR_NOT_FOUND) status = pass_absent(walk, &group, at);
  }
  fhx_error_free(own);
  return status;
}

void fhx__member_walk_free(fhx__member_walk *walk) {
  fhx__buffer_free(&walk->groups);
  fhx__buffer_free(&walk->slots);
}
