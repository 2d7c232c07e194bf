/* Threads of the library's own. */
#ifndef FHX__CORE_THREAD_H
#define FHX__CORE_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* Starts one that takes no signals of the host's. 0 or an errno value. */
int fhx__thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

/* Keeps SIGPIPE from a host's thread while it is in a library that may cause one. */
typedef struct fhx__pipe_shield {
  sigset_t before;
  bool is_up;
} fhx__pipe_shield;

void fhx__pipe_shield_raise(fhx__pipe_shield *shield);
/* A signal that has come meanwhile is gone; one that waited before stays. */
void fhx__pipe_shield_lower(fhx__pipe_shield *shield);

#endif
