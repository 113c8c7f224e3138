/* signals: what all programs do alike about the two signals of an operator: HUP, which says that
 * files changed, and USR1, which only says that a log was moved away. Neither ends a program.
 *
 * What a program reads on HUP, it decides itself. At both signals it reopens standard output and
 * standard error, where each is a file, by the name it had at the start: after a rotation the new
 * file is written. */
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

/* Opens standard output and standard error again where their files were moved or deleted. One that
 * cannot be opened stays what it was, and that is said. */
void signals_reopen(void);

#endif
