/* signals: what all programs do alike about the two signals of an operator: HUP, which says that
 * files changed, and USR1, which only says that a log was moved away. Neither ends a program.
 *
 * What HUP makes a program read is its own affair. Standard output and standard error are opened
 * anew at both, where each is a file: by the name it had at the start, so that whoever moves it
 * away gets a new one. */
#ifndef ZHERD_TOPOLOGY_SIGNALS_H
#define ZHERD_TOPOLOGY_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* The first thing a program does: both signals wait until it is ready for them, also where they
 * were ignored at its start (nohup(1)), in this thread and in those that it starts. Remembers where
 * standard output and standard error lead. Returns whether HUP was ignored. */
bool signals_hold(void);

/* Lets them come to this thread; for a program that has handlers, not for one that waits for them
 * with sigwait(3). */
void signals_release(void);

/* Both signals, as sigwait(3) takes them. */
sigset_t signals_both(void);

/* Opens standard output and standard error anew where somebody moved or deleted their files. One
 * that cannot be opened stays what it was, and that is said. */
void signals_reopen(void);

#endif
