/* usage: what every program says when its arguments are wrong.
 *
 * One line on standard error, which names the fault and the way to help, and an exit status of its
 * own: a script can distinguish wrong words (2) from a start that failed (1). It reads no options,
 * which getopt_long(3) does, and knows none. */
#ifndef ZHERD_TOPOLOGY_USAGE_H
#define ZHERD_TOPOLOGY_USAGE_H

#include <stdbool.h>

#include "topology/format/faults.h"
#include "topology/format/settings.h"

struct option;

/* Of getopt_long(3): an option that is a setting has this and an enum setting; others are less, and
 * ':' and '?' too. */
#define USAGE_SETTINGS 256
#define USAGE_SETTING(name, setting)                                                               \
    {                                                                                              \
        (name), required_argument, NULL, USAGE_SETTINGS + (setting)                                \
    }
/* Of each program that has a log. */
#define USAGE_LOG_SETTINGS                                                                         \
    USAGE_SETTING("log-level", SETTING_LOG_LEVEL), USAGE_SETTING("log-file", SETTING_LOG_FILE),    \
        USAGE_SETTING("log-max-bytes", SETTING_LOG_MAX_BYTES),                                     \
        USAGE_SETTING("log-format", SETTING_LOG_FORMAT)

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

/* Takes the value of an option of USAGE_SETTINGS or more, one of `options`: 0, or the exit status
 * where it may not be that, which was said. */
int usage_read_setting(const char *program, const struct option *options, int option,
                       const char *value, struct settings *said);

/* The end of a sentence about a word that is unknown: " (did you mean BEST?)", or "" where nothing
 * is near. Written to `text`, which is returned. */
const char *usage_meant(const struct topology_nearest *nearest, char text[USAGE_MEANT_BYTES_MAX]);

/* Whether any word is --help or -h, wherever it stands before a "--", because help excludes
 * everything else; or the first is `help`, or the second and last is: of a subcommand. */
bool usage_asks_for_help(int count, char *const *words);

#endif
