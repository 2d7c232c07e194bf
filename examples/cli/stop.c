/* See stop.h. */
#include "stop.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t caught = 0;

static void catch_one(int number) {
  if (caught != 0) {
    /* It comes when this function returns. */
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  caught = number;
}

void stop_catch(void) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = catch_one;
  sigemptyset(&action.sa_mask);
  action.sa_flags = (int)SA_RESTART;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction before;
    if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(numbers[i], &action, NULL);
  }
}

int stop_signal(void) {
  return caught;
}
