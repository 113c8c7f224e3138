/* log: the log of a process, DIR/NAME.log, another file, or standard output. Appends, never
 * rewrites; of lines it knows only where they end.
 *
 * A file that has its limit is rotated: it becomes NAME.log.1, which becomes NAME.log.2, up to
 * LOG_FILES_KEPT of them with the one that is written. Where that cannot be done, nothing more is
 * written until it can: a log fills no disk. Pipes and standard output have no limit.
 *
 * A thread of its own writes (topology/writer), so that neither a stalled disk nor a pipe that
 * nobody reads stops its process: what finds no room in its queue is lost like what a full disk
 * refuses. The file may be a link or a pipe that the operator made: both are followed, and a pipe
 * without a reader keeps what it has room for. Whoever may write in the folder decides where the
 * log goes.
 *
 * A full disk or a vanished folder never stops a process. It is said on standard error, once until
 * writing works again; what could not be written is counted; and the file says how much is missing
 * at the place where it is missing: "... fault - 203095 bytes were lost here".
 *
 * Invariant: what was given to log_write is in the file, or in the queue, or in log_bytes_lost. */
#ifndef ZHERD_TOPOLOGY_LOG_H
#define ZHERD_TOPOLOGY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"
#include "bus/base/fault.h"
#include "topology/format/logline.h"

/* Lines collected in one turn of the loop from which on they are written before it ends. */
#define LOG_WAITING_BYTES_MAX (256 * 1024)
/* Of each half of the queue: a second of one busy connection's commands and replies; a hostile one
 * fills it within 20 ms. */
#define LOG_QUEUE_BYTES_MAX (8 * 1024 * 1024)
/* Of one half, from which on it is nearly full. */
#define LOG_NEAR_PERCENT 80

/* With the one that is written. */
#define LOG_FILES_KEPT 4
/* Of each file, unless it is said: a day of a node that logs events, 20 s of commands at the speed
 * of one processor. */
#define LOG_BYTES_MAX_DEFAULT (UINT64_C(256) << 20)

struct log;

/* All is copied. */
struct log_options {
    const char *folder, *name;  /* `folder`/`name`.log, */
    const char *file;           /* unless this is not NULL; "-" is standard output */
    uint64_t bytes_max;         /* of one file; 0: any number */
    enum logline_format format; /* of the lines that it makes itself */
};

/* Makes the folder where it is missing and opens the file. NULL and one clear sentence in `fault`
 * where that cannot be done. */
struct log *log_open(const struct log_options *options, struct fault *fault);

/* Whether it is standard output, and whether lines have priorities there (topology/journald.h). */
bool log_is_output(const struct log *log);
bool log_has_priorities(const struct log *log);

/* Writes what is in the queue; where that takes more than `wait_ms`, says so on standard error and
 * leaves the log to its thread until the process ends. Accepts NULL, sets the caller's pointer to
 * NULL. */
void log_close(struct log **log, int64_t wait_ms);

/* Waits until what was given so far is written or counted; false after `wait_ms`. */
bool log_settle(struct log *log, int64_t wait_ms);

/* Queues the lines, which are written in one go, and empties the buffer, whatever happens. Never
 * waits for the file. Each line is whole, with its newline. */
void log_write(struct log *log, struct buffer *lines);

/* After what was given so far, opens the file again under its name, in a folder that is made where
 * it is missing: somebody moved the old one away. Where that cannot be done, the old one goes on if
 * it still is anywhere. */
void log_reopen(struct log *log);

/* Opens the file that `options` lead to, for log_change, where that is another one than now. False
 * and one clear sentence in `fault` where that cannot be done. */
bool log_read(struct log *log, const struct log_options *options, struct fault *fault);
/* It is not taken: all stays as it is. */
void log_leave(struct log *log);

/* As log_reopen, and from there on everything is as `options` say, which were given to log_read
 * before, and lead neither from standard output nor to it. */
void log_change(struct log *log, const struct log_options *options);

/* To be called every second or so; the same way: opens the file again where it is not under its
 * name any more, and tries to say what is missing. What was written to a deleted file since the
 * last call counts as lost. */
void log_look(struct log *log);

/* Bytes that found no room in the queue, could not be written, or were written to a file that was
 * deleted by then. */
uint64_t log_bytes_lost(const struct log *log);

/* Whether the queue was nearly full since the last call; true once until it was not. */
bool log_take_near(struct log *log);

#endif
