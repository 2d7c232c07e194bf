/*
 * The phase of associated resources: one task for each type, whose resources are exported because
 * what the main phase exported refers to them, or because a Group names them (FILTER-11, -37).
 *
 * One is exported if it exists, is in the window, is nobody else's, and was not exported by the
 * main phase, of which the job's own selection is asked again: nothing remembers the output. What
 * it refers to itself is not followed.
 *
 * They are read one by one, in the order of the store's list; or, where the source has no
 * read_resource or so many are wanted that it would be slower, all of the type is read by a cursor
 * and the wanted ones are taken. A task that has begun in one way goes on in it.
 */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "job/reading.h"
#include "select/binary.h"

/* How many texts of the list are asked for at once. */
#define PAGE 1000
/* Reading one resource takes a source about as long as a cursor takes for so many bytes. */
#define READ_COSTS_BYTES (UINT64_C(256) << 10)
#define TEXT_MAX (FHX__TYPE_MAX + FHX__ID_MAX + 2)

/* The first character of a place's head. */
#define WAY_READS 'r'
#define WAY_CURSOR 'c'

typedef struct associated {
  fhx__reading read;
  /* What a main task would take. */
  fhx__selection main;
  /* The job's filter without its patients, its window and its queries. Sources select by patients,
     and these resources are nobody's; and a source that left out what is older could not be told
     from one that does not have it. */
  fhx_filter open;
  /* `Type/`, with which every text of this task begins. */
  char prefix[FHX__TYPE_MAX + 2];
  size_t prefix_len;
  /* The last text of the list that was seen. */
  char after[TEXT_MAX];
  /* WAY_..., or 0 while it is not decided. */
  char way;
  /* Of reads: how many were missing. Of a cursor: how many were there. Part of the place. */
  uint64_t tally;
  /* Of a cursor: the ids that are wanted. */
  fhx__roster *wanted;
  /* How many texts a walk may still give before it ends. */
  uint64_t left;
  /* The walk is to end here. */
  bool over;
} associated;

static bool fail(associated *at, int32_t status, const char *message) {
  fhx_error *error = NULL;
  fhx__fail(&error, status, "%s", message);
  return fhx__work_fail(at->read.work, error);
}

/* --- the list --- */

/* Is given each wanted id; the text is in at->after. */
typedef bool (*take_id)(associated *at, const char *id);

static bool take_text(associated *at, const char *text, size_t len, take_id each) {
  if (len < at->prefix_len || memcmp(text, at->prefix, at->prefix_len) != 0) {
    at->over = true;
    return true;
  }
  const char *id = text + at->prefix_len;
  if (!fhx__is_id(id, len - at->prefix_len)) {
    return fail(at, FHX_ERR_STORE, "the store's list of wanted resources has what is no reference");
  }
  memcpy(at->after, text, len);
  at->after[len] = '\0';
  return each(at, at->after + at->prefix_len);
}

static bool take_page(associated *at, const fhx_reply *page, take_id each) {
  size_t count = fhx__reply_item_count(page);
  if (count == 0) at->over = true;
  for (size_t i = 0; i < count && !at->over; i++) {
    size_t len = 0;
    const char *text = fhx__reply_item_at(page, i, &len);
    if (!take_text(at, text, len, each)) return false;
  }
  return true;
}

/* Gives the wanted ids of the task's type behind `after`, until at->over. */
static bool walk(associated *at, take_id each) {
  fhx__work *work = at->read.work;
  at->over = false;
  while (!at->over) {
    fhx_reply page;
    fhx_error *error = NULL;
    if (!fhx__reading_go_on(&at->read)) return false;
    int32_t status =
        fhx__step_list_members(work->job, FHX_MEMBERS_WANTED, at->after, PAGE, &page, &error);
    bool going = fhx__work_after_step(work, status, error) && take_page(at, &page, each);
    fhx__reply_end(&page);
    if (!going) return false;
  }
  return true;
}

static void walk_from_begin(associated *at) {
  memcpy(at->after, at->prefix, at->prefix_len + 1);
}

/* --- which are exported --- */

/* What is in a patient's compartment is exported with him or not at all, whoever refers to it
   (FILTER-17, -30); but what the Group itself names is a member. A type that both mean counts as
   referred to. A Binary of a patient never goes as one (FILTER-12). */
static bool is_anothers(const associated *at, const fhx__row *row) {
  const fhx__work *work = at->read.work;
  if (fhx__is_patients_binary(row->facts->resource_type, row->text, row->len,
                              at->main.filter->base_url)) {
    return true;
  }
  return fhx__wanted_has_type(work->job, work->task->resource_type) &&
         fhx__selection_is_somebodys(&at->main, row->facts, row->text, row->len);
}

/* What exported resources refer to explains them, and goes along whatever the queries say; a member
   of the Group is exported for his own sake (FILTER-21). A type that both mean counts as the
   former. */
static int32_t meets_queries(const associated *at, const fhx__row *row, bool *meets,
                             fhx_error **error) {
  const fhx__work *work = at->read.work;
  *meets = true;
  if (fhx__wanted_has_type(work->job, work->task->resource_type)) return FHX_OK;
  return fhx__filter_meets_queries(at->main.filter, row->facts, row->text, row->len, meets, error);
}

/* A wanted resource that the source has. */
static bool judge(associated *at, const fhx__row *row, bool *takes) {
  fhx_error *error = NULL;
  bool exported = false, meets = false;
  *takes = false;
  if (!fhx__selection_in_window(&at->main, row->facts, row->updated_us)) return true;
  if (fhx__selection_takes(&at->main, 0, row->facts, row->updated_us, row->text, row->len,
                           &exported, &error) != FHX_OK ||
      meets_queries(at, row, &meets, &error) != FHX_OK) {
    return fhx__work_fail(at->read.work, error);
  }
  *takes = !exported && meets && !is_anothers(at, row);
  return true;
}

static void write_head(associated *at) {
  snprintf(at->read.token_head, sizeof at->read.token_head, "%c%llu ", at->way,
           (unsigned long long)at->tally);
}

static void count_one(associated *at) {
  at->tally++;
  write_head(at);
}

/* The reading is the first member of what the task knows. */
static associated *task_of(fhx__reading *read) {
  return (associated *)(void *)read;
}

/* --- missing ones --- */

/* Of those that were read, how many missing ones have a line of their own: members of the Group
   (FILTER-36). What exported resources refer to may be missing and is only counted; a type that
   both mean counts as such. */
static uint64_t told_of(const associated *at) {
  const fhx__work *work = at->read.work;
  if (fhx__wanted_has_type(work->job, work->task->resource_type)) return 0;
  return at->tally < FHX__ERROR_LINES_MAX ? at->tally : FHX__ERROR_LINES_MAX;
}

static bool note_missing(associated *at) {
  char text[TEXT_MAX + 128];
  uint64_t told = told_of(at);
  count_one(at);
  if (told_of(at) == told) return true;
  snprintf(
      text, sizeof text,
      "%s is a member of the Group and was not exported: it does not exist, or may not be read",
      at->after);
  return fhx__output_warn(&at->read.out, "not-found", text);
}

/* `missing` of the task's resources have no line of their own, `told` have. */
static bool warn_of_rest(associated *at, uint64_t missing, uint64_t told) {
  char text[FHX__TYPE_MAX + 256];
  if (missing == 0) return true;
  snprintf(text, sizeof text,
           "%llu %sresources of type %s that exported ones refer to, or that are members of the "
           "Group, were not exported: they do not exist, or may not be read",
           (unsigned long long)missing, told == 0 ? "" : "more ",
           at->read.work->task->resource_type);
  return fhx__output_warn(&at->read.out, "not-found", text);
}

/* --- one by one --- */

static bool take_read_row(fhx__reading *read, const fhx__row *row, bool *takes) {
  associated *at = task_of(read);
  if (strcmp(row->facts->id, read->asked_id) == 0) return judge(at, row, takes);
  *takes = false;
  return fhx__output_bad_row(&read->out, read->asked_id, "has another id", 0);
}

/* The source's answer as a reply of a cursor: one row, or none, and the place behind it. */
static bool take_answer(associated *at, const fhx_reply *answer, bool is_there) {
  fhx__rows rows;
  size_t len = 0;
  memset(&rows, 0, sizeof rows);
  if (is_there) {
    rows.data = (const unsigned char *)fhx__reply_item_at(answer, 0, &len);
    rows.len = len;
    rows.row_count = 1;
  }
  rows.token = at->after;
  rows.token_len = strlen(at->after);
  return fhx__reading_take(&at->read, &rows);
}

static bool read_answer(associated *at, int32_t status, const fhx_reply *answer, fhx_error *error) {
  bool is_missing = status == FHX_ERR_NOT_FOUND || status == FHX_ERR_DENIED;
  if (status == FHX_ERR_UNSUPPORTED && !at->read.out.has_token) {
    /* Nothing was read yet: there is another way. */
    fhx_error_free(error);
    at->way = WAY_CURSOR;
    at->over = true;
    return true;
  }
  if (status != FHX_OK && !is_missing) return fhx__work_fail(at->read.work, error);
  if (is_missing) {
    fhx_error_free(error);
    if (!note_missing(at)) return false;
  }
  return take_answer(at, answer, !is_missing);
}

static bool read_one(associated *at, const char *id) {
  fhx__reading *read = &at->read;
  fhx_reply answer;
  fhx_error *error = NULL;
  if (!fhx__reading_go_on(read)) return false;
  read->asked_id = id;
  int32_t status =
      fhx__source_read_resource(read->work->job->source, &read->query, at->after, &answer, &error);
  bool going = read_answer(at, status, &answer, error);
  fhx__reply_end(&answer);
  return going;
}

static bool read_each(associated *at) {
  at->read.take_row = take_read_row;
  at->read.has_one_type = true;
  write_head(at);
  if (!walk(at, read_one)) return false;
  if (at->way != WAY_READS) return true;
  uint64_t told = told_of(at);
  return warn_of_rest(at, at->tally - told, told) && fhx__reading_finish(&at->read);
}

/* --- by a cursor --- */

static bool is_wanted(associated *at, const char *id, bool *wanted) {
  uint64_t position = 0;
  fhx_error *error = NULL;
  int32_t status = fhx__roster_find(at->wanted, id, strlen(id), &position, &error);
  if (status < 0) return fhx__work_fail(at->read.work, error);
  *wanted = status == FHX_OK;
  if (*wanted) count_one(at);
  return true;
}

static bool take_cursor_row(fhx__reading *read, const fhx__row *row, bool *takes) {
  associated *at = task_of(read);
  if (!is_wanted(at, row->facts->id, takes)) return false;
  return !*takes || judge(at, row, takes);
}

static bool report_cursor_row(fhx__reading *read, const char *id, bool *reports) {
  return is_wanted(task_of(read), id, reports);
}

static bool add_wanted(associated *at, const char *id) {
  fhx_error *error = NULL;
  if (fhx__roster_add(at->wanted, id, strlen(id), &error) == FHX_OK) return true;
  return fhx__work_fail(at->read.work, error);
}

static bool load_wanted(associated *at) {
  fhx_error *error = NULL;
  if (fhx__roster_new(FHX__ROSTER_MEMORY_MAX, &at->wanted, &error) != FHX_OK) {
    return fhx__work_fail(at->read.work, error);
  }
  walk_from_begin(at);
  if (!walk(at, add_wanted)) return false;
  return fhx__roster_seal(at->wanted, &error) == FHX_OK || fhx__work_fail(at->read.work, error);
}

static bool read_by_cursor(associated *at) {
  if (!load_wanted(at)) return false;
  uint64_t count = fhx__roster_count(at->wanted);
  at->read.asked_id = "";
  at->read.take_row = take_cursor_row;
  at->read.report_row = report_cursor_row;
  write_head(at);
  if (!fhx__reading_open(&at->read, fhx__source_open) || !fhx__reading_cursor(&at->read))
    return false;
  uint64_t missing = at->tally < count ? count - at->tally : 0;
  return warn_of_rest(at, missing, 0) && fhx__reading_finish(&at->read);
}

/* --- which way --- */

static bool count_wanted(associated *at, const char *id) {
  (void)id;
  if (at->left == 0) {
    at->way = WAY_CURSOR;
    at->over = true;
  } else {
    at->left--;
  }
  return true;
}

/* A cursor where it would be faster, as far as the source can estimate. */
static bool choose_way(associated *at) {
  fhx_error *error = NULL;
  uint64_t resources = 0, bytes = 0;
  at->way = WAY_READS;
  if (fhx__source_estimate(at->read.work->job->source, &at->read.query, &resources, &bytes,
                           &error) != FHX_OK) {
    return fhx__work_fail(at->read.work, error);
  }
  if (bytes == 0) return true;
  at->left = bytes / READ_COSTS_BYTES + 1;
  if (!walk(at, count_wanted)) return false;
  walk_from_begin(at);
  return true;
}

/* Reads a place's head, its way, its tally and a space; the length, 0 for what is none. */
static size_t read_head(associated *at, const char *token, size_t len) {
  size_t head = 1;
  at->way = token[0];
  if (at->way != WAY_READS && at->way != WAY_CURSOR) return 0;
  while (head < len && token[head] >= '0' && token[head] <= '9') {
    at->tally = at->tally * 10 + (uint64_t)(token[head++] - '0');
  }
  return head > 1 && head < len && token[head] == ' ' ? head + 1 : 0;
}

/* Behind the head stands the source's own token, or the last reference that was read. */
static bool take_rest(associated *at, const char *rest, size_t len) {
  at->read.query.token = rest;
  at->read.query.token_len = len;
  if (at->way == WAY_CURSOR) return len > 0;
  if (len <= at->prefix_len || len >= sizeof at->after ||
      memcmp(rest, at->prefix, at->prefix_len) != 0) {
    return false;
  }
  memcpy(at->after, rest, len);
  at->after[len] = '\0';
  return true;
}

/* Goes on from the place of an earlier attempt. */
static bool take_place(associated *at) {
  const char *token = at->read.query.token;
  size_t len = at->read.query.token_len;
  if (len == 0) return choose_way(at);
  size_t head = read_head(at, token, len);
  if (head != 0 && take_rest(at, token + head, len - head)) return true;
  return fail(at, FHX_ERR_STORE, "the task's recorded place is not one of its phase");
}

static void set_up(associated *at) {
  fhx__reading *read = &at->read;
  at->main = read->query.selection;
  at->open = *at->main.filter;
  fhx__filter_drop_patients(&at->open);
  fhx__filter_drop_window(&at->open);
  fhx__filter_drop_queries(&at->open);
  read->query.selection = (fhx__selection){&at->open, NULL, NULL};
  read->takes_by_text = fhx__selection_reads_line(&at->main, read->work->task->resource_type, 0) ||
                        strcmp(read->work->task->resource_type, "Binary") == 0;
  at->prefix_len =
      (size_t)snprintf(at->prefix, sizeof at->prefix, "%s/", read->work->task->resource_type);
  walk_from_begin(at);
}

void fhx__work_associated(fhx__work *work) {
  associated at;
  memset(&at, 0, sizeof at);
  if (fhx__reading_begin(&at.read, work)) {
    set_up(&at);
    bool going = take_place(&at);
    if (going && at.way == WAY_READS) going = read_each(&at);
    if (going && at.way == WAY_CURSOR) read_by_cursor(&at);
  }
  fhx__roster_free(at.wanted);
  fhx__reading_end(&at.read);
}
