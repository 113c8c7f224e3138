/* usage: what every program says when its arguments are wrong.
 *
 * One line on standard error, which names the fault and the way to help, and an exit status of its
 * own: a script can distinguish wrong words (2) from a start that failed (1). It reads no options,
 * which getopt_long(3) does, and knows none. */
#ifndef ZHERD_TOPOLOGY_USAGE_H
#define ZHERD_TOPOLOGY_USAGE_H

#include <stdbool.h>

#include "topology/format/faults.h"

struct option;

/* " (did you mean ...?)" with the name of anything in a herd. */
#define USAGE_MEANT_BYTES_MAX 96

/* "PROGRAM: FAULT; --help shows how". Returns the exit status. */
int usage_refuse(const char *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a word that getopt_long refused: `option` is what it returned, its string of short
 * options began with ':' (after a '+'), so that it said nothing itself, and `options` are the long
 * ones that it knew. */
int usage_refuse_option(const char *program, int option, char *const *words,
                        const struct option *options);

/* The end of a sentence about a word that is unknown: " (did you mean BEST?)", or "" where nothing
 * is near. Written to `text`, which is returned. */
const char *usage_meant(const struct topology_nearest *nearest, char text[USAGE_MEANT_BYTES_MAX]);

/* Whether any word is --help or -h, wherever it stands before a "--", because help excludes
 * everything else; or the first is `help`, or the second and last is: of a subcommand. */
bool usage_asks_for_help(int count, char *const *words);

#endif
