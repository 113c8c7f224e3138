/* terminal: bytes of clients as a terminal may get them: no control byte of theirs reaches it. */
#ifndef ZHERD_TOPOLOGY_CLI_TERMINAL_H
#define ZHERD_TOPOLOGY_CLI_TERMINAL_H

#include "bus/base/bytes.h"

/* Appends the line, or lines, as in a node's log: \xNN, and \\ for the backslash. */
void terminal_append(struct buffer *out, struct span lines);

#endif
