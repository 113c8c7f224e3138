/* number: decimal numbers as phones write them, which stay text.
 *
 * Java writes 4.0E-4 where a degree is small. That is expanded by moving the point, so that the
 * digits are those that were sent: no number here ever becomes binary. Which range a number must be
 * in is for others to say (bus/base/degrees.h).
 *
 * Invariant: what is appended has a sign, one digit or more, and perhaps a point with one digit or
 * more after it, as IAMAT wants it (gateway/PROTOCOL.md). */
#ifndef ZHERD_GATEWAY_WEB_PARSE_NUMBER_H
#define ZHERD_GATEWAY_WEB_PARSE_NUMBER_H

#include <stdbool.h>

#include "bus/base/bytes.h"

/* Of one number as it was sent. */
#define NUMBER_BYTES_MAX 1000
/* In an exponent, without its sign: the smallest double is 4.9E-324. */
#define NUMBER_EXPONENT_DIGITS_MAX 3
/* Of one number expanded. */
#define NUMBER_EXPANDED_BYTES_MAX (NUMBER_BYTES_MAX + 1000)

/* Appends the number with its sign and without its exponent. False, and nothing is appended, for
 * what is no number: sign (optional), digits, perhaps a point and digits, perhaps an exponent;
 * nothing around them, no comma, no hexadecimal digits, no NaN, and no more than
 * NUMBER_BYTES_MAX. */
bool number_put(struct buffer *out, struct span text);

/* Whether it is a number and 0, of either sign. */
bool number_is_zero(struct span text);

#endif
