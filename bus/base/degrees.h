/* degrees: a position as two whole numbers of billionths of a degree.
 *
 * The grammar is that of an IAMAT (gateway/PROTOCOL.md). Positions that nodes tell one another may
 * be any text, so whoever needs the place asks here, also of those.
 *
 * Invariant: what is read is on the globe, limits included. */
#ifndef ZHERD_BUS_BASE_DEGREES_H
#define ZHERD_BUS_BASE_DEGREES_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bus/base/bytes.h"
#include "bus/base/packed.h"

#define DEGREES_LATITUDE_NANO_MAX  (90 * NANO)
#define DEGREES_LONGITUDE_NANO_MAX (180 * NANO)

/* More digits before the point than a degree can have are degrees and minutes in one number (DDMM),
 * which must not pass for degrees. */
#define DEGREES_LATITUDE_DIGITS_MAX  2
#define DEGREES_LONGITUDE_DIGITS_MAX 3

struct degrees {
    int64_t latitude_nano, longitude_nano;
};

/* "+34.068930-118.445127"; digits beyond the ninth are cut. False unless it is a position of the
 * grammar and on the globe: signs always, at most two and three digits before the points, and one
 * digit or more after a point. */
bool degrees_read(struct span text, struct degrees *degrees);

/* ---- Of packed positions (bus/base/packed.h), of which all but the last two bytes count ---- */

/* The same of one of `characters` characters, without a look at any digit by itself. */
bool degrees_unpack(const uint8_t packed[PACKED_BYTES], unsigned characters,
                    struct degrees *degrees);

/* Four bits a character, the first one lowest, from a character of the first half on. */
static inline uint64_t degrees_load(const uint8_t packed[PACKED_BYTES], unsigned character)
{
    uint64_t eight;
    memcpy(&eight, packed + character / 2, sizeof eight);
    return le64toh(eight) >> 4 * (character & 1);
}

/* Of two whose difference (XOR) this is. */
static inline bool degrees_begin_alike(uint64_t difference, unsigned characters)
{
    return difference << (64 - 4 * characters) == 0;
}

/* The characters of a coordinate after its sign, as degrees_load has them. */
#define DEGREES_POLE         0x09u  /* 90 */
#define DEGREES_ANTIMERIDIAN 0x081u /* 180 */

/* Whether both coordinates of `before` begin with the same characters as those of `after`, in the
 * same places, up to the second decimal, or as far as `after` has any. Where true, they have the
 * same sign, degrees and hundredths, and are both on the globe or both not; false says nothing.
 * Without a point the zeros after a longitude would pass for digits of another one, and of the
 * last degree only further decimals tell whether it is on the globe. */
static inline bool degrees_share_hundredths(const uint8_t before[PACKED_BYTES],
                                            const struct packed *after)
{
    const struct packed_form *form = &after->form;
    unsigned at = form->longitude_at, characters = after->position[PACKED_BYTES - 1];
    uint64_t latitude = degrees_load(after->position, 0);
    uint64_t longitude = degrees_load(after->position, at);
    bool has_point = characters > at + form->longitude_digits + 1u;
    bool is_at_edge =
        (latitude >> 4 & 0xff) == DEGREES_POLE || (longitude >> 4 & 0xfff) == DEGREES_ANTIMERIDIAN;
    /* Sign, point and two decimals. */
    return degrees_begin_alike(degrees_load(before, 0) ^ latitude, form->latitude_digits + 4u) &&
           degrees_begin_alike(degrees_load(before, at) ^ longitude, form->longitude_digits + 4u) &&
           has_point && !is_at_edge;
}

#endif
