/* say: what a process tells whoever runs it, a line at a time on standard error, with its name and,
 * where it has one, its node's in front: several of them may share a terminal, a file or a journal.
 *
 * It is not a log: what belongs to a node's history goes to its log. Invariant: one call is one
 * line in one write, whatever bytes it is made of. */
#ifndef ZHERD_TOPOLOGY_SAY_H
#define ZHERD_TOPOLOGY_SAY_H

#include <limits.h>
#include <stddef.h>

/* A path, and a sentence about it. Longer lines are cut. */
#define SAY_LINE_BYTES_MAX  (PATH_MAX + 2048)
#define SAY_WHERE_BYTES_MAX (PATH_MAX + 32)

/* From now on lines begin with "PROGRAM NODE: ", or "PROGRAM: " where `node` is NULL; before the
 * first call they begin with nothing. Copies. Before there are other threads. */
void say_as(const char *program, const char *node);

/* Writes the line. Control bytes become '?'. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* " (looked for in FOLDER)" for a path that counts from the working directory, "" for an absolute
 * one, written to `text`, which is returned: the end of a sentence about a file that is not there.
 */
const char *say_where(const char *path, char text[SAY_WHERE_BYTES_MAX]);

#endif
