/* Secrets in a file: the keys that sign links to files, the tokens of operators. */
#ifndef SERVER_URL_KEYS_H
#define SERVER_URL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URL_KEYS_MAX 16
#define URL_KEY_FILE_MAX 8192

struct url_keys {
  unsigned char bytes[URL_KEY_FILE_MAX];
  const void *keys[URL_KEYS_MAX];
  size_t lens[URL_KEYS_MAX];
  uint64_t count;
};

/* Reads the file that an option names, with one key a line; one that is not text is a single key.
   False, with a message on stderr, if it cannot be read or has no key. */
bool url_keys_read(const char *option, const char *path, struct url_keys *keys);
/* Wipes them. */
void url_keys_clear(struct url_keys *keys);

#endif
