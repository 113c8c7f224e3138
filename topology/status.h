/* status: the lines by which a process of the herd reports its state to the process that started
 * it.
 *
 * One line each on standard output, short enough to be read by people and exact enough to be
 * read by `zherd up`. It does no I/O. */
#ifndef ZHERD_TOPOLOGY_STATUS_H
#define ZHERD_TOPOLOGY_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/base/bytes.h"

#define STATUS_NAME_BYTES_MAX 63
#define STATUS_LINE_BYTES_MAX 128

/* Its exit status for wrong arguments; any other failure is 1. */
#define STATUS_EXIT_USAGE 2

enum status_kind {
    STATUS_READY,     /* "ready": takes requests */
    STATUS_LINK_UP,   /* "link Hamilton up" */
    STATUS_LINK_DOWN, /* "link Hamilton down" */
};

struct status {
    enum status_kind kind;
    char peer[STATUS_NAME_BYTES_MAX + 1]; /* links only */
};

/* The line with its LF and a closing NUL; its length. */
size_t status_write(const struct status *status, char line[STATUS_LINE_BYTES_MAX]);

/* False for a line (without LF) that is no status. */
bool status_read(const char *line, struct status *status);

/* A process's output, which comes in any pieces. All zero is a new one. */
struct status_stream {
    char line[STATUS_LINE_BYTES_MAX]; /* what has come of the line that is not complete */
    size_t bytes;
    bool is_too_long; /* that line can be no status: the rest of it is thrown away */
};

/* Takes bytes off the front of `input` up to the end of the next status: true. False once all
 * bytes are taken; lines that are no status are dropped. */
bool status_next(struct status_stream *stream, struct span *input, struct status *status);

#endif
