/* at_line: a location as people read it (gateway/PROTOCOL.md): "AT", the node that took it, the
 * difference of its clock, and the client's own three words.
 *
 * Whoever holds the location writes the same bytes: a node that answers, and an observer that shows
 * what it hears. It decides nothing but the form. */
#ifndef ZHERD_BUS_TABLE_AT_LINE_H
#define ZHERD_BUS_TABLE_AT_LINE_H

#include "bus/base/bytes.h"
#include "bus/table/location.h"

/* The position of a tombstone is written "-". Appends "AT Clark +0.263873386 kiwi.cs.ucla.edu
 * +34.068930-118.445127 1621464827.959498503\n". The location must not lie in `out`. */
void at_line_write(struct buffer *out, const struct location *location);

#endif
