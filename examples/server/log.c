/* Lines on stderr. Each is written by one call, so that those of several threads stay apart. */
#include "log.h"

#include <stdio.h>
#include <string.h>

#include "instant.h"
#include "text.h"

/* Set before there are threads, then only read. */
static bool is_json;
static uint32_t least_level;

void log_use_json(uint32_t level) {
  is_json = true;
  least_level = level;
}

bool log_is_json(void) {
  return is_json;
}

static const struct {
  uint32_t level;
  const char *name;
} levels[] = {{FHX_LOG_DEBUG, "debug"},
              {FHX_LOG_INFO, "info"},
              {FHX_LOG_WARNING, "warning"},
              {FHX_LOG_ERROR, "error"}};
#define LEVEL_COUNT (sizeof levels / sizeof *levels)

static const char *level_name(uint32_t level) {
  size_t at = 0;
  while (at < LEVEL_COUNT - 1 && levels[at].level != level) at++;
  return levels[at].name;
}

bool log_read_level(const char *name, uint32_t *level) {
  for (size_t i = 0; i < LEVEL_COUNT; i++) {
    if (strcmp(name, levels[i].name) != 0) continue;
    *level = levels[i].level;
    return true;
  }
  return false;
}

static void add_text(struct text *line, const char *name, const char *value) {
  text_add_format(line, ",\"%s\":", name);
  text_add_json(line, value);
}

static void begin(struct text *line, int64_t time_us, uint32_t level, const char *event) {
  char time[INSTANT_MAX];
  instant_write(time_us, time);
  text_add_format(line, "{\"time\":\"%s\"", time);
  add_text(line, "level", level_name(level));
  add_text(line, "event", event);
}

static void end(struct text *line) {
  static const char lost[] = "{\"level\":\"error\",\"event\":\"log.lost\"}\n";
  text_add_string(line, "}\n");
  if (line->failed) {
    fwrite(lost, 1, sizeof lost - 1, stderr);
  } else {
    fwrite(line->data, 1, line->len, stderr);
  }
  text_free(line);
}

void log_event(void *user_data, const fhx_log_event *event) {
  struct text line = {NULL, 0, 0, false};
  const bool is_audit = fhx_log_event_is_audit(event) != 0;
  (void)user_data;
  if (!is_json || (!is_audit && fhx_log_event_level(event) < least_level)) return;
  begin(&line, fhx_log_event_time_us(event), fhx_log_event_level(event), fhx_log_event_name(event));
  if (is_audit) text_add_string(&line, ",\"audit\":true");
  add_text(&line, "message", fhx_log_event_message(event));
  for (uint32_t i = 0; i < fhx_log_event_field_count(event); i++) {
    const char *name = fhx_log_event_field_name(event, i);
    const char *text = fhx_log_event_field_text(event, i);
    if (text != NULL) {
      add_text(&line, name, text);
    } else {
      text_add_format(&line, ",\"%s\":%lld", name, (long long)fhx_log_event_field_number(event, i));
    }
  }
  end(&line);
}

void log_problem(const char *what, const char *problem) {
  struct text line = {NULL, 0, 0, false};
  if (!is_json) {
    fprintf(stderr, "fhirexport-server: %s: %s\n", what, problem);
    return;
  }
  begin(&line, instant_now_us(), FHX_LOG_ERROR, "server.problem");
  add_text(&line, "about", what);
  add_text(&line, "message", problem);
  end(&line);
}

void log_problem_at(const char *option, const char *place, const char *problem) {
  struct text what = {NULL, 0, 0, false};
  text_add_format(&what, "%s %s", option, place);
  log_problem(what.failed ? option : what.data, problem);
  text_free(&what);
}

void log_note(const char *note) {
  struct text line = {NULL, 0, 0, false};
  if (!is_json) {
    fprintf(stderr, "fhirexport-server: %s\n", note);
    return;
  }
  begin(&line, instant_now_us(), FHX_LOG_INFO, "server.note");
  add_text(&line, "message", note);
  end(&line);
}
