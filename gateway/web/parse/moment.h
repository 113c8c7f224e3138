/* moment: the time of a position as phones write it, as the stamp of an IAMAT.
 *
 * Seconds or milliseconds since 1970, told apart by how many digits there are, or a date with a
 * zone (ISO 8601, RFC 3339). It reads no clock, and no time is too early or too late for it: that
 * is the herd's to say.
 *
 * Invariant: what is appended has one digit or more, and perhaps a point with one digit or more
 * after it, as IAMAT wants it (gateway/PROTOCOL.md). Digits of seconds and of their fraction are
 * those that were sent. */
#ifndef ZHERD_GATEWAY_WEB_PARSE_MOMENT_H
#define ZHERD_GATEWAY_WEB_PARSE_MOMENT_H

#include <stdbool.h>

#include "bus/base/bytes.h"

/* Of one time as it was sent. */
#define MOMENT_BYTES_MAX 1000

/* Digits before the point: up to the first they are seconds (until the year 5138), up to the second
 * milliseconds. With more they are refused. A limit at 2147483647 instead, as others have it, takes
 * seconds for milliseconds. */
#define MOMENT_SECONDS_DIGITS_MAX      11
#define MOMENT_MILLISECONDS_DIGITS_MAX 14

/* OwnTracks' `tst` below the first counts from 2001-01-01, as Apple does, which is the second: this
 * is what Overland sends in the form of OwnTracks. */
#define MOMENT_TST_SINCE_2001_MAX_S 1262304000
#define MOMENT_2001_S               978307200

enum moment_form {
    MOMENT_STAMP,   /* seconds, milliseconds, or a date */
    MOMENT_TST,     /* the same, but that a small number counts from 2001 */
    MOMENT_SECONDS, /* an IAMAT's stamp, however many digits it has */
};

/* Appends the stamp. False, and nothing is appended, for what is no time of that form. A date is
 * "2026-11-29T10:00:05.120Z", in either case, with any number of decimals or none; the zone is Z,
 * +02:00, +0200 or +02, and must be there; the second 60 is refused, and so is what lies before
 * 1970. */
bool moment_put(struct buffer *out, struct span text, enum moment_form form);

#endif
