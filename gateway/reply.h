/* reply: what a client reads besides AT lines (bus/at_line.h), byte for byte (gateway/PROTOCOL.md).
 *
 * Appends to a buffer; decides nothing but the form. What it is given must not lie in `out`. */
#ifndef ZHERD_GATEWAY_REPLY_H
#define ZHERD_GATEWAY_REPLY_H

#include "bus/bytes.h"

/* A JSON text, tidy as placesd/json_text.h has it (no line is empty or blank) whoever it comes
 * from, without the newlines at its end, and then exactly two. A backslash and an n within a string
 * are two bytes like any others. */
void reply_places(struct buffer *out, struct span json);

/* The same for the answer that holds no places because none were wanted. */
void reply_no_places(struct buffer *out);

/* "? " and a copy of the command. */
void reply_invalid(struct buffer *out, struct span text);

/* The answer to HELP: a few lines that show each command by example. */
void reply_help(struct buffer *out);

#endif
