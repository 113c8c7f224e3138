/* program_log: the log of a program that is no node: a line for each thing that happened, on
 * standard error, on standard output or in a file that rotates (topology/log.h).
 *
 * As JSON and logfmt a line is that of topology/format/logline.h. As text it is the time, in
 * milliseconds, and what happened, without its kind. It is not for what is done for each request.
 *
 * One for a process; from program_log_open to program_log_close any thread may write, and none
 * waits for a disk or for whoever reads. In a program that does not open it, a line is one of
 * topology/say.h. Invariant: one call is at most one line, whatever bytes it
 * is made of. */
#ifndef ZHERD_TOPOLOGY_PROGRAM_LOG_H
#define ZHERD_TOPOLOGY_PROGRAM_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/fault.h"
#include "topology/format/settings.h"

/* Goes by what is said of log_level, log_file, log_max_bytes and log_format; where no file is said
 * lines go to standard error (topology/say.h). False and one clear sentence in `fault` where the
 * file cannot be had. */
bool program_log_open(const struct settings *said, struct fault *fault);

/* One line, unless its level is too low: that of `kind`, one plain word, is a warning for `fault`
 * and `insecure`, and else information. */
void program_log_put(const char *kind, const char *text);

/* Whether it is standard output, where nothing else may stand then. */
bool program_log_is_output(void);

/* Opens the file again under its name. */
void program_log_reopen(void);

/* Writes what waits, `wait_ms` at most. Does nothing where it was not opened. */
void program_log_close(int64_t wait_ms);

#endif
