/* timestamp: a moment as logs write it, in UTC: "2026-07-29T12:34:56.123456Z"; and how far two
 * clocks are apart.
 *
 * It reads no clock, and is no client's stamp, which is a number (bus/base/packed.h).
 *
 * Invariant: texts of the same number of decimals have the same size and sort as their moments do,
 * from 1970 to 2262, as far as nanoseconds reach. */
#ifndef ZHERD_BUS_BASE_TIMESTAMP_H
#define ZHERD_BUS_BASE_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

/* "2026-07-29T12:34:56" */
#define TIMESTAMP_SECOND_BYTES 19
/* ".123456789Z" after it and the NUL */
#define TIMESTAMP_BYTES_MAX (TIMESTAMP_SECOND_BYTES + 12)

/* Writes TIMESTAMP_SECOND_BYTES for a second since 1970, without a NUL; returns the byte after
 * them. */
char *timestamp_put_second(char *at, int64_t second);

/* Writes what follows the second of a moment in nanoseconds since 1970: a point and the first
 * `decimals` of its nine decimals, or nothing for 0, and 'Z'. Returns the byte after it. */
char *timestamp_put_rest(char *at, int64_t realtime_ns, unsigned decimals);

/* Both, and a NUL. Returns how many bytes stand before it. */
size_t timestamp_write(char text[TIMESTAMP_BYTES_MAX], int64_t realtime_ns, unsigned decimals);

/* "9223372036.9" and a NUL. */
#define TIMESTAMP_APART_BYTES_MAX 13

/* Writes seconds with one decimal, rounded, without a sign: "3600.2". Returns `text`. */
const char *timestamp_write_apart(char text[TIMESTAMP_APART_BYTES_MAX], int64_t apart_ns);

#endif
