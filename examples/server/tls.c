/* The files of https. What is in them is for libmicrohttpd, and so for GnuTLS, to judge. */
#include "tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define FILE_MAX ((size_t)1024 * 1024)

static bool complain(const char *option, const char *path, const char *problem) {
  log_problem_at(option, path, problem);
  return false;
}

static bool read_file(const char *option, const char *path, char **text) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return complain(option, path, strerror(errno));
  /* Unbuffered: the key is to be nowhere else. */
  setvbuf(file, NULL, _IONBF, 0);
  *text = calloc(FILE_MAX, 1);
  size_t len = *text == NULL ? 0 : fread(*text, 1, FILE_MAX, file);
  bool failed = *text == NULL || ferror(file) != 0;
  fclose(file);
  if (failed) return complain(option, path, "it cannot be read");
  if (len == FILE_MAX) return complain(option, path, "it is too long");
  return strstr(*text, "-----BEGIN ") != NULL || complain(option, path, "it is not PEM");
}

bool tls_read(const char *certificate_file, const char *key_file, struct tls *tls) {
  memset(tls, 0, sizeof *tls);
  if (certificate_file == NULL) return true;
  return read_file("--tls-cert", certificate_file, &tls->certificates) &&
         read_file("--tls-key", key_file, &tls->key);
}

void tls_free(struct tls *tls) {
  if (tls->key != NULL) explicit_bzero(tls->key, FILE_MAX);
  free(tls->key);
  free(tls->certificates);
  memset(tls, 0, sizeof *tls);
}
