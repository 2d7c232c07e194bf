/*
 * fhirexport: FHIR Bulk Data as a command. Here: which commands there are, and how all of them
 * complain.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct command {
  const char *name;
  const char *summary;
  command_function run;
} commands[] = {
    {"export", "export from NDJSON, SQLite or PostgreSQL to a folder, S3 or Azure", command_export},
    {"publish", "publish for $bulk-publish: a snapshot, then what has changed since",
     command_publish},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

void complain(const char *command, const char *format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (char *at = text; *at != '\0'; at++) {
    if ((unsigned char)*at < ' ' || *at == 0x7f) *at = '?';
  }
  fprintf(stderr, "fhirexport%s%s: %s\n", command[0] == '\0' ? "" : " ", command, text);
}

const char *message_of(const fhx_error *error) {
  return error == NULL ? "there is no memory" : fhx_error_message(error);
}

int exit_code_of(int32_t status) {
  return status == FHX_ERR_ARGUMENT ? EXIT_USAGE : EXIT_WRONG;
}

static int help(void) {
  fputs(
      "Usage: fhirexport COMMAND [options]\n"
      "\n"
      "FHIR Bulk Data as a command.\n"
      "\n",
      stdout);
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    printf("  %-10s %s\n", commands[i].name, commands[i].summary);
  }
  fputs(
      "\n"
      "  --help     this; fhirexport COMMAND --help lists the options of a command\n"
      "  --version  the version of the library\n",
      stdout);
  return EXIT_DONE;
}

int main(int argc, char **argv) {
  const char *name = argc < 2 ? "" : argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return help();
  if (strcmp(name, "--version") == 0) {
    printf("fhirexport %s\n", fhx_version());
    return EXIT_DONE;
  }
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
  }
  if (name[0] == '\0') {
    complain("", "say which command; fhirexport --help lists them");
  } else {
    complain("", "%.60s is no command; fhirexport --help lists them", name);
  }
  return EXIT_USAGE;
}
