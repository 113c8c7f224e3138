/* packed: a position and a stamp in 25 bytes, from which their text comes back byte for byte.
 *
 * A position stays text, packed to half its size; a stamp becomes a number beside which stands how
 * many decimals it was written with. It is not the grammar of a command: it reads the forms that
 * clients use and says no to the others (more than nine decimals, a stamp with a leading zero),
 * though they may be right; and it does not compare degrees with the globe's.
 *
 * Invariant: what packed_read takes, the two writers give back, every byte. */
#ifndef ZHERD_BUS_BASE_PACKED_H
#define ZHERD_BUS_BASE_PACKED_H

#include <stdint.h>

#include "bus/base/bytes.h"

/* "+999.999999999-999.999999999" and "9223372035.999999999" */
#define PACKED_POSITION_BYTES_MAX 28
#define PACKED_STAMP_BYTES_MAX    20
#define PACKED_BYTES              16
/* What packed_write_position may write to. */
#define PACKED_POSITION_ROOM_BYTES 32
/* Both texts, written one after the other. */
#define PACKED_TEXT_BYTES_MAX (PACKED_POSITION_ROOM_BYTES + PACKED_STAMP_BYTES_MAX)

/* Nanoseconds in a second, and billionths in one. */
#define NANO INT64_C(1000000000)

/* Where the parts of a position are: how many digits each coordinate has between its sign and its
 * point, and where the second one begins. */
struct packed_form {
    uint8_t latitude_digits, longitude_at, longitude_digits;
};

struct packed {
    int64_t stamp_ns;
    /* The low four bits of each character, of two characters in a byte, the first one lower: digits
     * are themselves, '+' is 11, '-' 13 and '.' 14. Zeros follow, and the last byte holds the
     * number of characters. */
    uint8_t position[PACKED_BYTES];
    uint8_t stamp_decimals;  /* digits after the point; 0: no point */
    struct packed_form form; /* of the position; of an empty one zeros */
};

/* False where one of the two is not of a form that can be kept. An empty position can. */
bool packed_read(struct span position, struct span stamp, struct packed *packed);

/* The same for the two on one line, with one blank between and nothing around: how many bytes the
 * position has, or 0 for no. Faster than finding their ends first. */
size_t packed_read_line(struct span text, struct packed *packed);

/* Return the byte after what they wrote; room for PACKED_POSITION_ROOM_BYTES and
 * PACKED_STAMP_BYTES_MAX must be there, and may be written to. */
char *packed_write_position(char *to, const struct packed *packed);
char *packed_write_stamp(char *to, const struct packed *packed);

/* The last `count` digits of `value`, with leading zeros; returns the byte after them. */
char *decimal_put(char *to, uint64_t value, unsigned count);

/* The nine digits of a number below 10^9, as after a point; returns the byte after them. */
char *decimal_put_nine(char *to, uint32_t value);

/* How many digits `value` has; 1 for 0. */
unsigned decimal_count(uint64_t value);

/* Reads a whole number that is the whole text: one digit or more and nothing else. False where it
 * is not, or is above `max`; then `value` is as it was. Leading zeros count for nothing. */
bool decimal_read_whole(struct span text, uint64_t max, uint64_t *value);

/* The same of a number with up to `decimals_max` (at most 9) decimals after a point, or none and no
 * point: `value` counts parts of which so many digits make one whole. `max` is of whole ones, and
 * so small that its parts can be counted. */
bool decimal_read_parts(struct span text, unsigned decimals_max, uint64_t max, uint64_t *value);

#endif
