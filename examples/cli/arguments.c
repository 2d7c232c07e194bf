/* See arguments.h. */
#include "arguments.h"

#include <errno.h>
#include <fhirexport/fhirexport.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

/* Names only are repeated in what is said: values may be confidential. */
static int find(const struct arguments *arguments, const char *name, size_t len) {
  for (size_t i = 0; i < arguments->option_count; i++) {
    const char *one = arguments->options[i].name;
    if (strlen(one) == len && memcmp(one, name, len) == 0) return (int)i;
  }
  complain(arguments->command, "there is no option --%.*s; --help lists all",
           (int)(len > 40 ? 40 : len), name);
  return ARGUMENTS_WRONG;
}

int arguments_next(struct arguments *arguments, const char **value) {
  *value = NULL;
  if (arguments->at >= arguments->argc) return ARGUMENTS_END;
  const char *text = arguments->argv[arguments->at++];
  if (strcmp(text, "-h") == 0) text = "--help";
  if (strncmp(text, "--", 2) != 0) {
    complain(arguments->command, "argument %d is no option: all of them begin with --",
             arguments->at - 1);
    return ARGUMENTS_WRONG;
  }
  const char *name = text + 2;
  size_t len = strcspn(name, "=");
  int found = find(arguments, name, len);
  if (found < 0) return found;
  const bool wanted = arguments->options[found].has_value;
  if (name[len] == '=') *value = name + len + 1;
  if (!wanted && *value != NULL) {
    complain(arguments->command, "--%.*s takes no value", (int)len, name);
    return ARGUMENTS_WRONG;
  }
  if (!wanted || *value != NULL) return found;
  const bool is_there = arguments->at < arguments->argc;
  if (!is_there || strncmp(arguments->argv[arguments->at], "--", 2) == 0) {
    complain(arguments->command, "--%s needs a value%s", name,
             is_there ? "; write --NAME=VALUE if it begins with --" : "");
    return ARGUMENTS_WRONG;
  }
  *value = arguments->argv[arguments->at++];
  return found;
}

bool arguments_number(const struct arguments *arguments, const char *option, const char *text,
                      bool units, uint64_t min, uint64_t max, uint64_t *number) {
  static const char steps[] = "kMG";
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  bool valid = text[0] >= '0' && text[0] <= '9' && errno == 0;
  const char *unit = units && *end != '\0' ? strchr(steps, *end) : NULL;
  for (const char *step = steps; unit != NULL && step <= unit; step++) {
    valid = valid && value <= max / 1000;
    value *= 1000;
  }
  if (unit != NULL) end++;
  if (valid && *end == '\0' && value >= min && value <= max) {
    *number = value;
    return true;
  }
  complain(arguments->command, "--%s takes a whole number from %llu to %llu%s", option,
           (unsigned long long)min, (unsigned long long)max,
           units ? ", with k, M or G behind it if you like" : "");
  return false;
}

int32_t arguments_words(const char *list, int32_t (*take)(void *user_data, const char *word),
                        void *user_data) {
  char *words = strdup(list), *rest = words;
  int32_t status = words == NULL ? -1 : 0;
  for (char *word; status == 0 && (word = strsep(&rest, ",")) != NULL;) {
    if (word[0] != '\0') status = take(user_data, word);
  }
  free(words);
  return status;
}
