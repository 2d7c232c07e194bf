/*
 * The host's hooks. What a hook gives instead goes through the strict scanner, as if it came from
 * the source, and so always has the writer's own copy: nothing is written that nobody has checked.
 */
#include "job/hooks.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "select/attachments.h"

/* The host's message, and what stands around it. */
#define REASON_MAX (FHX__REPLY_MESSAGE_MAX + 64)

bool fhx__hooks_are_there(const fhx_job *job) {
  return job->resource_hook != NULL || job->attachment_hook != NULL;
}

void fhx__hooks_end(fhx__hooking *at) {
  fhx__reply_end(&at->reply);
  fhx__buffer_free(&at->made);
}

/* --- answers --- */

static bool refuse(fhx__hooking *at, const char *reason) {
  at->is_dropped = true;
  /* Unlike a bad row, it is known to be one that is exported: its id may be told. */
  return fhx__output_refuse(at->out, at->line.scan.facts.resource_type, at->line.scan.facts.id,
                            reason);
}

static bool refuse_answer(fhx__hooking *at, const char *what) {
  char reason[REASON_MAX];
  snprintf(reason, sizeof reason, "the host's hook: %s", what);
  return refuse(at, reason);
}

/* A hook may take its time: the attempt lives on meanwhile, and hears of a cancel behind it. */
static bool after_call(fhx__hooking *at) {
  fhx__work *work = at->out->work;
  fhx__work_moved(work);
  return fhx__work_keep(work);
}

/* Stores the one item of an answer, NULL for none. An answer that does not fit refuses the line.
   Only lack of our own memory is no answer at all: the attempt is repeated. */
static bool judge(fhx__hooking *at, const fhx_reply *reply, const char **item, size_t *len) {
  size_t count = fhx__reply_item_count(reply);
  *item = NULL;
  *len = 0;
  if (reply->broken && reply->status == FHX_ERR_NO_MEMORY) {
    return fhx__work_no_memory(at->out->work);
  }
  if (reply->status < 0) return refuse_answer(at, reply->message);
  if (count > 1) return refuse_answer(at, "the callback gave more than one item");
  if (count == 1 && reply->status == FHX_END) {
    return refuse_answer(at, "the callback gave a resource and left it out");
  }
  at->is_dropped = reply->status == FHX_END;
  if (count == 1) *item = fhx__reply_item_at(reply, 0, len);
  return true;
}

/* --- what a hook made --- */

static bool refuse_made(fhx__hooking *at, const char *what, size_t offset) {
  char reason[REASON_MAX];
  snprintf(reason, sizeof reason, "what the host's hook made of it %s, at byte %zu", what, offset);
  return refuse(at, reason);
}

/* A long one is not in the writer's buffer; the hook behind, and the notes of what it refers to,
   need it as a line. */
static bool make_compact(fhx__hooking *at) {
  fhx__strip strip = {false, false};
  fhx__buffer compact = {NULL, 0, 0};
  if (at->line.len == at->line.scan.out_len) return true;
  if (fhx__buffer_reserve(&compact, at->line.len) != FHX_OK) {
    return fhx__work_no_memory(at->out->work);
  }
  compact.len = fhx__strip_piece(&strip, at->line.text, at->line.len, compact.data);
  fhx__buffer_free(&at->made);
  at->made = compact;
  at->line.text = compact.data;
  at->line.len = compact.len;
  return true;
}

/* Takes a text instead of the line; it lives until fhx__hooks_end. */
static bool take_made(fhx__hooking *at, const char *text, size_t len) {
  fhx__part_writer *writer = &at->out->writer;
  fhx__line made;
  fhx_error *error = NULL;
  writer->trusts_source = false;
  if (fhx__part_writer_scan(writer, text, len, &made, &error) != FHX_OK) {
    return fhx__work_fail(at->out->work, error);
  }
  if (made.too_long) return refuse_made(at, "is longer than resource_bytes_max", 0);
  if (made.scan.fault != FHX__FAULT_NONE) {
    return refuse_made(at, fhx__fault_text(made.scan.fault), made.scan.offset);
  }
  if (strcmp(made.scan.facts.resource_type, at->line.scan.facts.resource_type) != 0) {
    return refuse_made(at, "is of another type", 0);
  }
  at->line = made;
  return make_compact(at);
}

/* --- the resource hook --- */

static bool call_resource_hook(fhx__hooking *at) {
  const fhx_job *job = at->out->work->job;
  const char *item = NULL;
  size_t len = 0;
  fhx__reply_begin(&at->reply, FHX__ACCEPT_DONE | FHX__ACCEPT_END | FHX__ACCEPT_ITEMS,
                   "the callback");
  job->resource_hook(job->hook_data, at->query, at->reference, at->line.text, at->line.len,
                     &at->reply);
  if (!after_call(at) || !judge(at, &at->reply, &item, &len)) return false;
  return at->is_dropped || item == NULL || take_made(at, item, len);
}

/* --- the attachment hook --- */

typedef struct splicing {
  fhx__hooking *at;
  /* The new line so far, and up to where it has taken the old one. */
  fhx__buffer line;
  const char *taken;
  fhx__buffer url;
  bool going;
} splicing;

/* Appends a text as the inside of a JSON string. */
static int32_t append_escaped(fhx__buffer *line, const char *text, size_t len) {
  int32_t status = fhx__buffer_reserve(line, 2 * len);
  for (size_t i = 0; status == FHX_OK && i < len; i++) {
    if (text[i] == '"' || text[i] == '\\') line->data[line->len++] = '\\';
    line->data[line->len++] = text[i];
  }
  return status;
}

static bool is_clean(const char *url, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if ((unsigned char)url[i] < 0x20 || url[i] == 0x7F) return false;
  }
  return len > 0 && fhx__is_utf8(url, len);
}

/* Up to the old URL, then the new one. */
static bool splice(splicing *of, fhx__raw_string old, const char *url, size_t len) {
  if (!is_clean(url, len)) {
    return refuse_answer(of->at, "the URL it gave is empty, not UTF-8 or has control characters");
  }
  int32_t status = fhx__buffer_append(&of->line, of->taken, (size_t)(old.text - of->taken));
  if (status == FHX_OK) status = append_escaped(&of->line, url, len);
  of->taken = old.text + old.len;
  return status == FHX_OK || fhx__work_no_memory(of->at->out->work);
}

static bool spell_url(splicing *of, fhx__raw_string url) {
  of->url.len = 0;
  return (fhx__raw_spell(url, &of->url) == FHX_OK && fhx__buffer_terminate(&of->url) == FHX_OK) ||
         fhx__work_no_memory(of->at->out->work);
}

static bool ask_for_url(splicing *of, fhx__raw_string old) {
  fhx__hooking *at = of->at;
  const fhx_job *job = at->out->work->job;
  const char *item = NULL;
  size_t len = 0;
  fhx_reply reply;
  if (!spell_url(of, old)) return false;
  fhx__reply_begin(&reply, FHX__ACCEPT_DONE | FHX__ACCEPT_ITEMS, "the callback");
  job->attachment_hook(job->hook_data, at->query, at->reference, of->url.data, &reply);
  bool going = after_call(at) && judge(at, &reply, &item, &len);
  if (going && item != NULL) going = splice(of, old, item, len);
  fhx__reply_end(&reply);
  return going;
}

/* The first URL that cannot be used ends the walk: the resource is refused once. */
static bool take_url(void *context, fhx__raw_string url) {
  splicing *of = context;
  of->going = ask_for_url(of, url);
  return of->going && !of->at->is_dropped;
}

/* The line with its new URLs. */
static bool finish_splicing(splicing *of) {
  fhx__hooking *at = of->at;
  const char *end = at->line.text + at->line.len;
  if (!of->going || at->is_dropped || of->line.len == 0) return of->going;
  if (fhx__buffer_append(&of->line, of->taken, (size_t)(end - of->taken)) != FHX_OK) {
    return fhx__work_no_memory(at->out->work);
  }
  /* What the resource hook gave is in it. */
  fhx__buffer_free(&at->made);
  at->made = of->line;
  of->line = (fhx__buffer){NULL, 0, 0};
  return take_made(at, at->made.data, at->made.len);
}

static bool call_attachment_hook(fhx__hooking *at) {
  splicing of = {.at = at, .taken = at->line.text, .going = true};
  fhx__attachments_walk(at->line.text, at->line.len, take_url, &of);
  bool going = finish_splicing(&of);
  fhx__buffer_free(&of.line);
  fhx__buffer_free(&of.url);
  return going;
}

/* --- both --- */

bool fhx__hooks_call(fhx__hooking *at, fhx__output *out, const fhx_query *query,
                     const fhx__line *line) {
  const fhx_job *job = out->work->job;
  const fhx__facts *facts = &line->scan.facts;
  memset(at, 0, sizeof *at);
  at->out = out;
  at->query = query;
  at->line = *line;
  snprintf(at->reference, sizeof at->reference, "%s/%s", facts->resource_type, facts->id);
  if (job->resource_hook != NULL && !call_resource_hook(at)) return false;
  if (at->is_dropped || job->attachment_hook == NULL) return true;
  return call_attachment_hook(at);
}
