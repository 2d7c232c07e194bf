/* The options of a command line: --NAME, --NAME VALUE or --NAME=VALUE, names in full. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct argument_option {
  const char *name;
  bool has_value;
};

struct arguments {
  const char *command;
  int argc;
  char **argv;
  /* The next to be read. */
  int at;
  const struct argument_option *options;
  size_t option_count;
};

#define ARGUMENTS_END (-1)
#define ARGUMENTS_WRONG (-2)

/* The place of the next option in `options`, and its value, NULL if it has none; ARGUMENTS_END
   behind the last; ARGUMENTS_WRONG: it was said on stderr what is wrong. */
int arguments_next(struct arguments *arguments, const char **value);

/* Reads a whole number from `min` to `max`, with k, M or G behind it if `units`; else says on
   stderr what `option` takes. */
bool arguments_number(const struct arguments *arguments, const char *option, const char *text,
                      bool units, uint64_t min, uint64_t max, uint64_t *number);

/* Calls `take` with each word of a list with commas, of which empty ones are left out, until it
   returns other than 0, which is returned. -1: there is no memory. */
int32_t arguments_words(const char *list, int32_t (*take)(void *user_data, const char *word),
                        void *user_data);

#endif
