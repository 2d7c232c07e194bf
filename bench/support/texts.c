#include "support/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool read_all(texts *all, FILE *file) {
  struct stat found;
  if (fstat(fileno(file), &found) != 0 || found.st_size <= 0) return false;
  all->len = (size_t)found.st_size;
  all->data = calloc(1, all->len + TEXTS_PADDING);
  return all->data != NULL && fread(all->data, 1, all->len, file) == all->len &&
         all->data[all->len - 1] == '\0';
}

static bool find_bounds(texts *all) {
  for (size_t i = 0; i < all->len; i++) all->count += all->data[i] == '\0';
  all->begins = calloc(all->count + 1, sizeof *all->begins);
  if (all->begins == NULL) return false;
  for (size_t i = 0; i < all->count; i++) {
    size_t len = strlen(all->data + all->begins[i]);
    all->begins[i + 1] = all->begins[i] + len + 1;
    if (len > all->longest) all->longest = len;
  }
  return true;
}

bool texts_read(texts *all, const char *path) {
  *all = (texts){0};
  FILE *file = fopen(path, "rb");
  bool done = file != NULL && read_all(all, file) && find_bounds(all);
  if (file != NULL) fclose(file);
  if (!done) fprintf(stderr, "%s: cannot be read as resources that end with NUL\n", path);
  return done;
}

void texts_free(texts *all) {
  free(all->begins);
  free(all->data);
}

bool texts_arguments(int argc, char **argv, texts *all, unsigned long *times) {
  *all = (texts){0};
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "Usage: %s FILE [TIMES]\n", argv[0]);
    return false;
  }
  *times = argc == 3 ? strtoul(argv[2], NULL, 10) : 1;
  return texts_read(all, argv[1]);
}
