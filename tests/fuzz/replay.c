/* Gives every file of a corpus to a fuzz target, so that what was found once is an ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Runs the target on a file, in a block of its very size, so that ASan sees a read behind it. */
static int replay(const char *path) {
  int done = 0;
  uint8_t *data = NULL;
  FILE *file = fopen(path, "rb");
  if (file == NULL) goto out;
  if (fseek(file, 0, SEEK_END) != 0) goto out;
  long len = ftell(file);
  if (len < 0 || fseek(file, 0, SEEK_SET) != 0) goto out;
  data = malloc(len == 0 ? 1 : (size_t)len);
  if (data == NULL || fread(data, 1, (size_t)len, file) != (size_t)len) goto out;
  LLVMFuzzerTestOneInput(data, (size_t)len);
  done = 1;
out:
  if (!done) perror(path);
  free(data);
  if (file != NULL) fclose(file);
  return done;
}

int main(int argc, char **argv) {
  int count = 0;
  DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
  if (folder == NULL) {
    fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
    return 2;
  }
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char path[4096];
    if (entry->d_name[0] == '.') continue;
    int len = snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
    if (len < 0 || (size_t)len >= sizeof path || !replay(path)) return 1;
    count++;
  }
  closedir(folder);
  printf("%d inputs of %s\n", count, argv[1]);
  return count > 0 ? 0 : 1;
}
