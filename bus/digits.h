/* digits: a position and a stamp as integers, from which their text comes back byte for byte.
 *
 * Beside each number stands how many digits it was written with, so "+34.0" and "+34.00" stay
 * two texts. It is not the grammar of a command: it reads the forms that clients use and says no
 * to the others (more than nine decimals, a stamp with a leading zero), though they may be right.
 *
 * Invariant: what digits_read takes, the two writers give back, every byte. */
#ifndef ZHERD_BUS_DIGITS_H
#define ZHERD_BUS_DIGITS_H

#include <stdint.h>

#include "bus/bytes.h"

/* "+999.999999999-999.999999999" and "9223372035.999999999" */
#define DIGITS_POSITION_BYTES_MAX 28
#define DIGITS_STAMP_BYTES_MAX    20

struct digits {
    int64_t stamp_ns;
    uint64_t latitude, longitude; /* billionths of a degree and form, see digits_nanodeg */
    uint8_t stamp_decimals;       /* digits behind the point; 0: no point */
};

/* A coordinate: its size from bit 8 on, below it a sign bit, three bits that count the
 * digits before the point and four that count those behind it. */
#define DIGITS_SHIFT        8
#define DIGITS_SIGN_SHIFT   6 /* a sign is 0 or 2 */
#define DIGITS_NEGATIVE_BIT UINT64_C(0x80)
static inline int64_t digits_size(uint64_t coordinate)
{
    return (int64_t)(coordinate >> DIGITS_SHIFT);
}
static inline int64_t digits_nanodeg(uint64_t coordinate)
{
    int64_t size = digits_size(coordinate);
    return (coordinate & DIGITS_NEGATIVE_BIT) != 0 ? -size : size;
}
static inline unsigned digits_whole(uint64_t coordinate)
{
    return coordinate >> 4 & 7;
}

/* False where one of the two is not of a form that can be kept. Degrees are not compared with the
 * globe's. */
bool digits_read(struct span position, struct span stamp, struct digits *digits);

/* The same for the two on one line, with one blank between and nothing around: how many bytes the
 * position has, or 0 for no. Faster than finding their ends first. */
size_t digits_read_line(struct span text, struct digits *digits);

/* Return the byte behind what they wrote; room for as many bytes as above must be there, and may be
 * written to. */
char *digits_write_position(char *to, const struct digits *digits);
char *digits_write_stamp(char *to, const struct digits *digits);

/* The last `count` digits of `value`, with leading zeros; returns the byte behind them. */
char *digits_put(char *to, uint64_t value, unsigned count);

/* The nine digits of a number below 10^9, as behind a point; returns the byte behind them. */
char *digits_put_nine(char *to, uint32_t value);

/* How many digits `value` has; 1 for 0. */
unsigned digits_count(uint64_t value);

#endif
