/* reply: what a client reads besides AT lines (bus/table/at_line.h), byte for byte
 * (gateway/PROTOCOL.md).
 *
 * Appends to a buffer; decides nothing but the form. What it is given must not lie in `out`. */
#ifndef ZHERD_GATEWAY_TEXT_REPLY_H
#define ZHERD_GATEWAY_TEXT_REPLY_H

#include "bus/base/bytes.h"

/* A JSON text without the newlines at its end, and then exactly two. Each provider's text is tidy
 * as bus/base/json_text.h defines it (no line is empty or blank). A backslash and an n within a
 * string are two bytes like any others. */
void reply_places(struct buffer *out, struct span json);
/* What that takes at most. */
size_t reply_places_bytes_max(struct span json);

/* The same for the answer that holds no places because none were wanted. */
void reply_no_places(struct buffer *out);

/* "? " and a copy of the command. */
void reply_invalid(struct buffer *out, struct span text);

/* "UNWATCH 3", how many watches ended. */
void reply_unwatch(struct buffer *out, uint32_t ended);

/* For a TELNET client: a terminal, on which LF alone moves down and not back to the first column
 * (RFC 854, "THE NVT PRINTER AND KEYBOARD"). Every LF from offset `start` of the buffer on becomes
 * CR LF, and nothing else changes. Not for JSON; in every other reply an LF stands only at the end
 * of a line. */
__attribute__((cold, noinline)) void reply_in_crlf(struct buffer *out, size_t start);

#endif
