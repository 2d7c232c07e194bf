/* Signals that ask the program to end: the first one of any asks, the next one ends it at once. */
#ifndef STOP_H
#define STOP_H

/* Begins to catch SIGINT, SIGTERM and SIGHUP, those that are not ignored already. */
void stop_catch(void);
/* The signal that came first; 0: none. */
int stop_signal(void);

#endif
