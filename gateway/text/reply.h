/* reply: what a client reads besides AT lines (bus/table/at_line.h), byte for byte
 * (gateway/PROTOCOL.md).
 *
 * Appends to a buffer; decides nothing but the form. What it is given must not lie in `out`. */
#ifndef ZHERD_GATEWAY_TEXT_REPLY_H
#define ZHERD_GATEWAY_TEXT_REPLY_H

#include "bus/base/bytes.h"

/* A JSON text, tidy as bus/base/json_text.h has it (no line is empty or blank) whoever it comes
 * from, without the newlines at its end, and then exactly two. A backslash and an n within a string
 * are two bytes like any others. */
void reply_places(struct buffer *out, struct span json);

/* The same for the answer that holds no places because none were wanted. */
void reply_no_places(struct buffer *out);

/* "? " and a copy of the command. */
void reply_invalid(struct buffer *out, struct span text);

/* The answer to HELP: a few lines that show each command by example. */
void reply_help(struct buffer *out);

/* Whoever speaks TELNET is a terminal, where LF alone goes down and not back to the first column
 * (RFC 854, "THE NVT PRINTER AND KEYBOARD"): every LF from `start` of the buffer on becomes CR LF.
 * Not for JSON, and nothing else is changed: no reply has an LF but at the end of a line. */
__attribute__((cold, noinline)) void reply_in_crlf(struct buffer *out, size_t start);

#endif
