/* say: a process's messages to the person who runs it, a line at a time on standard error, with its
 * name and, where it has one, its node's in front: several of them may share a terminal, a file or
 * a journal.
 *
 * It is not a log: what belongs to a node's history goes to its log. A process that serves must not
 * wait for whoever reads standard error: from say_open on a thread of its own writes the lines
 * (topology/writer), any thread may say something, and what finds no room in the queue is lost; a
 * line says how many bytes. Invariant: one call is one line, whatever bytes it is made of. */
#ifndef ZHERD_TOPOLOGY_SAY_H
#define ZHERD_TOPOLOGY_SAY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* A path, and a sentence about it. Longer lines are cut. */
#define SAY_LINE_BYTES_MAX  (PATH_MAX + 2048)
#define SAY_WHERE_BYTES_MAX (PATH_MAX + 32)
/* Of each half of the queue: hours of lines. */
#define SAY_QUEUE_BYTES_MAX (256 * 1024)

/* What a process that serves says at its start where its user is root. */
#define SAY_IS_ROOT "runs as root, which nothing here needs: give it a user of its own"

/* From now on lines begin with "PROGRAM NODE: ", or "PROGRAM: " where `node` is NULL; before the
 * first call they begin with nothing. In front of that stands the priority of a warning where
 * standard error leads to the journal. Copies. Before there are other threads. */
void say_as(const char *program, const char *node);

/* Starts the thread, which goes on until the process ends. Where there is none to be had, lines are
 * written as they come. */
void say_open(void);

/* Waits until what was said is written, `wait_ms` at most; false where that did not suffice. */
bool say_settle(int64_t wait_ms);

/* Writes the line. Control bytes become '?'. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes lines that are whole: printable, with whatever stands in front, and their newlines. */
void say_lines(struct span lines);
/* Whether standard error leads to the journal, so that lines have priorities. */
bool say_has_priorities(void);

/* As say, for why something failed: returns false, for a caller that returns that itself. */
bool say_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* " (looked for in FOLDER)" for a path that counts from the working directory, "" for an absolute
 * one, written to `text`, which is returned: the end of a sentence about a file that is not there.
 */
const char *say_where(const char *path, char text[SAY_WHERE_BYTES_MAX]);

#endif
