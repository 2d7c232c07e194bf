/* A program that reads one file and writes another: what its main has in common with others. */
#ifndef BENCH_PIPE_H
#define BENCH_PIPE_H

#include <stdio.h>

#include "support/file_writer.h"

/* Takes the next bytes of the file to `out`; `last` with the end of it, which may be empty. */
typedef bool (*pipe_step)(void *context, const char *data, size_t len, bool last, file_writer *out);

/* For main: "PROGRAM IN OUT". Reads IN in large pieces, passes each to `step`, and prints the time
   and the lines of IN. Returns the exit code. */
int pipe_run(int argc, char **argv, pipe_step step, void *context);

#endif
