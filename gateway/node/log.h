/* log: the log file of a node, DIR/NAME.log. Appends, never rewrites; of lines it knows only where
 * they end.
 *
 * A full disk or a vanished folder never stops a node. It is said on standard error, once until
 * writing works again; what could not be written is counted; and the file says how much is missing
 * at the place where it is missing: "... fault - 203095 bytes were lost here".
 *
 * Invariant: what was given to log_write is either in the file or in log_bytes_lost. */
#ifndef ZHERD_GATEWAY_NODE_LOG_H
#define ZHERD_GATEWAY_NODE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/bytes.h"

/* Lines collected in one turn of the loop from which on they are written before it ends. */
#define LOG_WAITING_BYTES_MAX (256 * 1024)
#define LOG_ERROR_BYTES_MAX   1400

struct log;

/* Makes `folder` where it is missing and opens `folder`/`name`.log. NULL and one clear sentence in
 * `error` where that cannot be done. */
struct log *log_open(const char *folder, const char *name, char error[LOG_ERROR_BYTES_MAX]);

/* Accepts NULL, sets the caller's pointer to NULL. */
void log_close(struct log **log);

/* Writes the lines in one go and empties the buffer, whatever happens. Each line is whole, with its
 * newline. */
void log_write(struct log *log, struct buffer *lines);

/* Opens the file anew under its name, in a folder that is made where it is missing: somebody moved
 * the old one away. Where that cannot be done, the old one goes on if it still is anywhere. */
void log_reopen(struct log *log);

/* To be called every second or so: opens the file anew where it is not under its name any more, and
 * tries to say what is missing. What was written to a deleted file since the last call counts as
 * lost. */
void log_look(struct log *log);

/* Bytes that could not be written, or were written to a file that was deleted by then. */
uint64_t log_bytes_lost(const struct log *log);

#endif
