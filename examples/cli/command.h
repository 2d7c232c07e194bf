/*
 * What the commands of fhirexport share: a command is one file command_NAME.c, and a line in the
 * table of main.c.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <fhirexport/fhirexport.h>

/* Exit codes; those of `python -m fhirexport`, where it has them. */
enum {
  EXIT_DONE = 0,
  /* On this side: the source, the destination, the state. */
  EXIT_WRONG = 1,
  /* The command line. */
  EXIT_USAGE = 2,
  /* Refused, or the export failed. */
  EXIT_REFUSED = 3,
  /* Stopped with what is done kept: the same command goes on. */
  EXIT_GOES_ON = 5,
  /* Cancelled by a signal. */
  EXIT_INTERRUPTED = 130
};

/* Reads its command line from argv[1] on (argv[0] is its name), does it, and returns the exit
   code. */
typedef int (*command_function)(int argc, char **argv);

int command_export(int argc, char **argv);
int command_publish(int argc, char **argv);

/* Prints "fhirexport NAME: ..." on stderr as one line; characters that would steer a terminal are
   shown as "?". */
__attribute__((format(printf, 2, 3))) void complain(const char *command, const char *format, ...);
/* Its message; NULL is what there is of an error without memory. */
const char *message_of(const fhx_error *error);
/* The exit code for an error that is not the job's. */
int exit_code_of(int32_t status);

#endif
