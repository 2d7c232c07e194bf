/* Replays the files of a folder through a fuzz target, each from a block of exactly its length. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_CAPACITY 4096
#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path) {
  static unsigned char bytes[INPUT_MAX];
  FILE *file = fopen(path, "rb");
  size_t len = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
  int is_bad = file == NULL || ferror(file) != 0 || len == sizeof bytes;
  if (file != NULL) fclose(file);
  uint8_t *data = malloc(len == 0 ? 1 : len);
  if (is_bad || data == NULL) {
    fprintf(stderr, "%s cannot be read\n", path);
    free(data);
    return 1;
  }
  for (size_t i = 0; i < len; i++) data[i] = bytes[i];
  LLVMFuzzerTestOneInput(data, len);
  free(data);
  return 0;
}

int main(int argument_count, char **arguments) {
  DIR *folder = argument_count == 2 ? opendir(arguments[1]) : NULL;
  int count = 0, failures = 0;
  if (folder == NULL) {
    fprintf(stderr, "usage: %s FOLDER\n", arguments[0]);
    return 2;
  }
  for (struct dirent *entry = NULL; (entry = readdir(folder)) != NULL;) {
    char path[PATH_CAPACITY];
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", arguments[1], entry->d_name);
    failures += replay(path);
    count++;
  }
  closedir(folder);
  printf("%d inputs\n", count);
  return failures != 0 || count == 0;
}
