/* log: the log file of a node, DIR/NAME.log. Appends, never rewrites; knows no lines.
 *
 * A full disk or a vanished folder never stops a node: what could not be written is counted and
 * said once on standard error, and again only after writing has worked in between. */
#ifndef ZHERD_GATEWAY_LOG_H
#define ZHERD_GATEWAY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/bytes.h"

/* Lines collected in one turn of the loop from which on they are written before it ends. */
#define LOG_WAITING_BYTES_MAX (256 * 1024)
#define LOG_ERROR_BYTES_MAX   1400

struct log;

/* Makes `folder` where it is missing and opens `folder`/`name`.log. NULL and one clear sentence in
 * `error` where that cannot be done. */
struct log *log_open(const char *folder, const char *name, char error[LOG_ERROR_BYTES_MAX]);

/* Accepts NULL, sets the caller's pointer to NULL. */
void log_close(struct log **log);

/* Writes the lines in one go and empties the buffer, whatever happens. */
void log_write(struct log *log, struct buffer *lines);

/* Opens the file anew under its name: somebody moved the old one away. */
void log_reopen(struct log *log);

/* Bytes that could not be written. */
uint64_t log_bytes_lost(const struct log *log);

#endif
