/* usage: what every program says when the words behind its name are wrong.
 *
 * One line on standard error, which names the fault and the way to help, and an exit status of its
 * own: a script can tell wrong words (2) from a start that failed (1). It reads no options, which
 * getopt_long(3) does, and knows none. */
#ifndef ZHERD_TOPOLOGY_USAGE_H
#define ZHERD_TOPOLOGY_USAGE_H

#include <stdbool.h>

#define USAGE_EXIT_STATUS 2

/* "PROGRAM: FAULT; --help shows how". Returns the exit status. */
int usage_refuse(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a word that getopt_long refused: `option` is what it returned, and its string of
 * short options began with ':' (after a '+'), so that it said nothing itself. */
int usage_refuse_option(const char *program, int option, char *const *words);

/* For programs with subcommands: whether any word is --help, wherever it stands, because whoever
 * asks for help wants nothing else. */
bool usage_asks_for_help(int count, char *const *words);

#endif
