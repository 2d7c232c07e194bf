/* See progress.h. */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 30
#define BAR_EVERY 0.2
#define LINE_EVERY 10
#define JSON_EVERY 1

static double now_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- how far it is --- */

static uint64_t count_parts(fhx_job *job) {
  uint64_t after = 0, count = 0;
  int32_t status = FHX_OK;
  while (status == FHX_OK) {
    fhx_part_page *page = NULL;
    status = fhx_job_parts_new(job, &after, 1000, &page, NULL);
    uint32_t listed = status == FHX_OK ? fhx_part_page_count(page) : 0;
    for (uint32_t i = 0; i < listed; i++) {
      if (fhx_part_kind(fhx_part_page_part(page, i)) == FHX_PART_OUTPUT) count++;
    }
    fhx_part_page_free(page);
  }
  return count;
}

/* The parts are listed to be counted; of many, seldom. */
static void update_part_count(struct progress *progress, double now) {
  if (now < progress->next_count) return;
  progress->part_count = count_parts(progress->job);
  double took = now_seconds() - now;
  progress->next_count = now + (took * 50 > 1 ? took * 50 : 1);
}

static void read_now(struct progress *progress, struct progress_now *now) {
  fhx_progress *found = NULL;
  memset(now, 0, sizeof *now);
  now->seconds_left = -1;
  double time = now_seconds();
  now->seconds = time - progress->begun;
  update_part_count(progress, time);
  now->part_count = progress->part_count;
  if (fhx_job_progress_new(progress->job, &found, NULL) != FHX_OK) return;
  now->share = fhx_progress_share(found);
  now->resource_count = fhx_progress_resource_count(found);
  now->byte_count = fhx_progress_byte_count(found);
  now->error_count = fhx_progress_error_count(found);
  now->task_count = fhx_progress_task_count(found);
  now->task_done_count = fhx_progress_task_done_count(found);
  fhx_progress_free(found);
  double seconds = now->seconds > 0.001 ? now->seconds : 0.001;
  if (now->resource_count > progress->first_resources) {
    now->resources_a_second = (double)(now->resource_count - progress->first_resources) / seconds;
  }
  if (now->byte_count > progress->first_bytes) {
    now->bytes_a_second = (double)(now->byte_count - progress->first_bytes) / seconds;
  }
  double gained = now->share - progress->first_share;
  if (gained > 0.001) now->seconds_left = (1 - now->share) / gained * seconds;
}

/* --- telling it --- */

/* "1:05" or "2:01:05". */
static void write_time(char *text, size_t size, double seconds) {
  if (seconds < 0 || seconds > 99 * 3600.0) {
    snprintf(text, size, "-:--");
    return;
  }
  unsigned long all = (unsigned long)seconds;
  if (all >= 3600) {
    snprintf(text, size, "%lu:%02lu:%02lu", all / 3600, all / 60 % 60, all % 60);
  } else {
    snprintf(text, size, "%lu:%02lu", all / 60, all % 60);
  }
}

static void write_line(char *text, size_t size, const struct progress_now *now) {
  char left[32];
  write_time(left, sizeof left, now->seconds_left);
  snprintf(text, size, "%3d %%  ETA %s  %llu parts  %llu resources  %.1f MB  %.1f MB/s  %.0f/s",
           (int)(now->share * 100), left, (unsigned long long)now->part_count,
           (unsigned long long)now->resource_count, (double)now->byte_count / 1e6,
           now->bytes_a_second / 1e6, now->resources_a_second);
}

/* How wide the terminal is. */
static int find_width(void) {
  struct winsize window;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return 80;
  return window.ws_col;
}

/* A line that is written again and again, with as much of a bar as there is room for; never longer
   than the terminal is wide. */
static void tell_bar(struct progress *progress, const struct progress_now *now) {
  static const char bar[] = "##############################------------------------------";
  char line[256];
  write_line(line, sizeof line, now);
  int width = find_width() - 1;
  int room = width - (int)strlen(line) - 3;
  if (room > BAR_WIDTH) room = BAR_WIDTH;
  fputc('\r', stderr);
  if (room >= 5) {
    int full = (int)(now->share * room);
    fprintf(stderr, "[%.*s] ", room, bar + BAR_WIDTH - full);
  }
  fprintf(stderr, "%.*s\033[K", width, line);
  fflush(stderr);
  progress->bar_open = true;
}

static void tell_line(struct progress *progress, const struct progress_now *now) {
  char line[256];
  write_line(line, sizeof line, now);
  fprintf(stderr, "%s\n", line);
  progress->line_told = true;
}

void progress_json(const struct progress_now *now) {
  printf(
      "\"share\":%.4f,\"resources\":%llu,\"bytes\":%llu,\"errors\":%llu,\"parts\":%llu,"
      "\"tasks\":%llu,\"tasks_done\":%llu,\"seconds\":%.3f,\"resources_per_second\":%.1f,"
      "\"bytes_per_second\":%.1f,\"seconds_left\":",
      now->share, (unsigned long long)now->resource_count, (unsigned long long)now->byte_count,
      (unsigned long long)now->error_count, (unsigned long long)now->part_count,
      (unsigned long long)now->task_count, (unsigned long long)now->task_done_count, now->seconds,
      now->resources_a_second, now->bytes_a_second);
  if (now->seconds_left < 0) {
    fputs("null", stdout);
  } else {
    printf("%.1f", now->seconds_left);
  }
}

static void tell_json(struct progress *progress, const struct progress_now *now) {
  fputs("{\"event\":\"progress\",", stdout);
  progress_json(now);
  fputs("}\n", stdout);
  if (fflush(stdout) != 0) progress->broken = true;
}

void progress_begin(struct progress *progress, const struct progress_options *options,
                    fhx_job *job) {
  const char *terminal = getenv("TERM");
  struct progress_now now;
  memset(progress, 0, sizeof *progress);
  progress->options = options;
  progress->job = job;
  progress->is_terminal =
      isatty(STDERR_FILENO) == 1 && (terminal == NULL || strcmp(terminal, "dumb") != 0);
  progress->begun = now_seconds();
  read_now(progress, &now);
  progress->first_share = now.share;
  progress->first_resources = now.resource_count;
  progress->first_bytes = now.byte_count;
  progress->next_bar = progress->begun + (options->often ? 1 : LINE_EVERY);
  if (progress->is_terminal) progress->next_bar = progress->begun;
  progress->next_json = progress->begun + JSON_EVERY;
}

void progress_look(struct progress *progress) {
  const struct progress_options *options = progress->options;
  double time = now_seconds();
  bool bar = !options->quiet && time >= progress->next_bar;
  bool json = options->json && time >= progress->next_json && !progress->broken;
  struct progress_now now;
  if (!bar && !json) return;
  read_now(progress, &now);
  if (json) {
    tell_json(progress, &now);
    progress->next_json = time + JSON_EVERY;
  }
  if (!bar) return;
  if (progress->is_terminal) {
    tell_bar(progress, &now);
    progress->next_bar = time + BAR_EVERY;
  } else {
    tell_line(progress, &now);
    progress->next_bar = time + (options->often ? 1 : LINE_EVERY);
  }
}

void progress_break(struct progress *progress) {
  if (progress->bar_open) fputc('\n', stderr);
  progress->bar_open = false;
}

void progress_end(struct progress *progress, bool tell, struct progress_now *now) {
  const struct progress_options *options = progress->options;
  progress->next_count = 0;
  read_now(progress, now);
  if (tell && !options->quiet) {
    if (progress->is_terminal) {
      tell_bar(progress, now);
    } else if (progress->line_told || options->often) {
      tell_line(progress, now);
    }
  }
  progress_break(progress);
}
