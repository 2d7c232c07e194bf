/* Secrets in a file: the keys that sign links to files, the tokens of operators. */
#include "url_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static bool complain(const char *option, const char *path, const char *problem) {
  log_problem_at(option, path, problem);
  return false;
}

static bool is_text(const unsigned char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if ((bytes[i] < ' ' && strchr("\t\r\n", bytes[i]) == NULL) || bytes[i] > '~') return false;
  }
  return true;
}

static bool add(struct url_keys *keys, size_t begin, size_t end) {
  if (keys->count == URL_KEYS_MAX) return false;
  keys->keys[keys->count] = keys->bytes + begin;
  keys->lens[keys->count++] = end - begin;
  return true;
}

static bool add_lines(struct url_keys *keys, size_t len) {
  for (size_t begin = 0; begin < len;) {
    const unsigned char *feed = memchr(keys->bytes + begin, '\n', len - begin);
    size_t next = feed == NULL ? len : (size_t)(feed - keys->bytes) + 1;
    size_t end = feed == NULL ? len : next - 1;
    while (end > begin && strchr("\t\r ", keys->bytes[end - 1]) != NULL) end--;
    if (end > begin && !add(keys, begin, end)) return false;
    begin = next;
  }
  return true;
}

bool url_keys_read(const char *option, const char *path, struct url_keys *keys) {
  memset(keys, 0, sizeof *keys);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return complain(option, path, strerror(errno));
  size_t len = fread(keys->bytes, 1, sizeof keys->bytes, file);
  bool failed = ferror(file) != 0;
  fclose(file);
  if (failed) return complain(option, path, "it cannot be read");
  if (len == sizeof keys->bytes) return complain(option, path, "it is too long");
  bool done = is_text(keys->bytes, len) ? add_lines(keys, len) : add(keys, 0, len);
  if (!done) return complain(option, path, "it has too many keys");
  return keys->count > 0 || complain(option, path, "it has no key");
}

void url_keys_clear(struct url_keys *keys) {
  explicit_bzero(keys, sizeof *keys);
}
