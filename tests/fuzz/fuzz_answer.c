/*
 * The head of a server's answer, line by line, and what is read from it. A header that is found was
 * in the head, and a pause that is asked for is within its bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "transport/work.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOW_US INT64_C(1714996800000000)
#define DAY_US INT64_C(86400000000)

static void require(bool holds) {
  if (!holds) abort();
}

static void check_lines(const fhx__transfer *transfer) {
  const fhx__buffer *lines = &transfer->answer_headers;
  require(lines->len <= 65536 && (lines->len == 0 || lines->data[lines->len - 1] == '\0'));
  for (size_t at = 0; at < lines->len; at += strlen(lines->data + at) + 1) {
    char name[64];
    const char *line = lines->data + at;
    size_t name_len = strcspn(line, ":");
    require(line[0] != '\0' && strncmp(line, "HTTP/", 5) != 0);
    if (line[name_len] == '\0' || name_len >= sizeof name) continue;
    memcpy(name, line, name_len);
    name[name_len] = '\0';
    const char *value = fhx__transfer_header(transfer, name);
    require(value != NULL && value > lines->data && value < lines->data + lines->len);
    require(value[0] != ' ' && value[0] != '\t');
  }
}

static void check_pause(const char *value) {
  int64_t pause_us = fhx__retry_after_us(value, NOW_US);
  require(pause_us == -1 || (pause_us >= 0 && pause_us <= DAY_US && pause_us % 1000000 == 0));
  require(pause_us == fhx__retry_after_us(value, NOW_US));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fhx__transfer transfer;
  bool has_head = false;
  size_t at = 0;
  memset(&transfer, 0, sizeof transfer);
  while (at < len) {
    const uint8_t *end = memchr(data + at, '\n', len - at);
    size_t line = end == NULL ? len - at : (size_t)(end - data) - at + 1;
    /* Exactly as long as the line, so that a sanitizer sees a read behind it. */
    char *copy = malloc(line);
    require(copy != NULL);
    memcpy(copy, data + at, line);
    int32_t status = fhx__answer_take_line(&transfer.answer_headers, copy, line, &has_head);
    free(copy);
    require(status == FHX_OK || status == FHX_ERR_LIMIT);
    at += line;
  }
  check_lines(&transfer);
  check_pause(fhx__transfer_header(&transfer, "Retry-After"));
  char *text = malloc(len + 1);
  require(text != NULL);
  if (len > 0) memcpy(text, data, len);
  text[len] = '\0';
  check_pause(text);
  free(text);
  fhx__transfer_clear(&transfer);
  return 0;
}
