#include "bus/base/packed.h"

#include <assert.h>

#include "bus/base/simd16.h"

#define EACH_ZERO ('0' * BYTES_EACH)
#define EIGHT     8u
#define POWER_8   UINT64_C(100000000)

#define DEGREES_DIGITS_MAX 3
#define DECIMALS_MAX       9
#define SECONDS_DIGITS_MAX 10
#define SECONDS_MAX        (uint64_t)(INT64_MAX / NANO - 1)

/* A position is looked at in two pieces. */
#define VIEW_BYTES (2 * SIMD16_BYTES)

static_assert(PACKED_BYTES == SIMD16_BYTES && PACKED_POSITION_ROOM_BYTES == VIEW_BYTES,
              "two pieces are packed into one, which becomes two");
static_assert(PACKED_POSITION_BYTES_MAX <= 2 * (PACKED_BYTES - 1), "a byte is left for the count");

static const uint64_t power_of_10[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* Calls cost more than what these do. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* Eight bytes less '0' each: 0 where all are digits. Their values are below 10, so adding 118
 * leaves every highest bit clear. */
static inline uint64_t mark_eight(uint64_t values)
{
    return (values | (values + 118 * BYTES_EACH)) & 0x80 * BYTES_EACH;
}

/* The number that eight digits spell. Neighbours are joined in three steps: digits to pairs, pairs
 * to fours, fours to eight: the left one's share is added to its right neighbour. */
static inline uint64_t join_eight(uint64_t values)
{
    values = (values * 10 + (values >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    values = (values * (100 * 65536 + 1)) >> 16 & UINT64_C(0x0000ffff0000ffff);
    return (values * (10000 * (UINT64_C(1) << 32) + 1)) >> 32;
}

/* ---- positions ---- */

/* A bit for each byte of a view that is no digit, and one after them. */
ALWAYS_INLINE uint64_t find_others(const char view[VIEW_BYTES])
{
    /* A digit's value is below 10. Less 128 it is so as a signed number, too, for which there is an
     * instruction everywhere. */
    const uint8_t least = '0' + 128;
    const simd16_signed ten = (simd16_signed){0} + (10 - 128);
    simd16 low = simd16_load(view) - least, high = simd16_load(view + SIMD16_BYTES) - least;
    uint32_t low_digits = simd16_bits((simd16)((simd16_signed)low < ten));
    uint32_t high_digits = simd16_bits((simd16)((simd16_signed)high < ten));
    return ~(uint64_t)(low_digits | high_digits << SIMD16_BYTES);
}

/* Sign, packed, and perhaps a point and digits, from `*at` on. The lowest bit of `*others` is the
 * sign's; where true, it is afterwards the one of what follows, and `*at` says where that is. A
 * view's end is no part of a coordinate: it would have to be too long before. */
ALWAYS_INLINE bool pass_coordinate(const char *view, uint64_t *others, unsigned *at,
                                   unsigned *whole)
{
    unsigned sign = *at;
    if (view[sign] != '+' && view[sign] != '-')
        return false;
    *others &= *others - 1;
    *at = (unsigned)__builtin_ctzll(*others);
    *whole = *at - sign - 1;
    if (*whole == 0 || *whole > DEGREES_DIGITS_MAX)
        return false;
    if (view[*at] != '.')
        return true;
    unsigned point = *at;
    *others &= *others - 1;
    *at = (unsigned)__builtin_ctzll(*others);
    unsigned decimals = *at - point - 1;
    return decimals > 0 && decimals <= DECIMALS_MAX;
}

/* How many bytes the position has that a view begins with; 0 for none. */
ALWAYS_INLINE unsigned find_form(const char *view, struct packed_form *form)
{
    uint64_t others = find_others(view);
    unsigned at = 0, latitude_digits, longitude_digits;
    if (!pass_coordinate(view, &others, &at, &latitude_digits))
        return 0;
    form->latitude_digits = (uint8_t)latitude_digits;
    form->longitude_at = (uint8_t)at;
    if (!pass_coordinate(view, &others, &at, &longitude_digits))
        return 0;
    form->longitude_digits = (uint8_t)longitude_digits;
    return at;
}

/* The bytes after the position in its view become zeros. */
ALWAYS_INLINE void pack_position(const char *view, size_t bytes, uint8_t *packed)
{
    static const uint8_t keep[2 * VIEW_BYTES] = {
        15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
        15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    };
    const uint8_t *kept = keep + VIEW_BYTES - bytes;
    simd16 low = simd16_load(view) & simd16_load(kept);
    simd16 high = simd16_load(view + SIMD16_BYTES) & simd16_load(kept + SIMD16_BYTES);
    simd16 firsts = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22,
                                            24, 26, 28, 30);
    simd16 seconds = __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23,
                                             25, 27, 29, 31);
    simd16 pairs = firsts | (simd16)((simd16_eights)seconds << 4);
    pairs |= (simd16)(simd16_eights){0, htole64((uint64_t)bytes << 56)};
    memcpy(packed, &pairs, sizeof pairs);
}

/* '0' plus the value, less sixteen for '+', '-' and '.', whose values are 11, 13 and 14. */
ALWAYS_INLINE void store_text(char *to, simd16 values)
{
    simd16 text = values + '0' - ((simd16)(values > 9) & 16);
    memcpy(to, &text, sizeof text);
}

/* The count in the last packed byte becomes characters, too, after the position's last one. */
char *packed_write_position(char *to, const struct packed *packed)
{
    simd16 pairs = simd16_load(packed->position), firsts = pairs & 15, seconds = pairs >> 4;
    store_text(to, __builtin_shufflevector(firsts, seconds, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5,
                                           21, 6, 22, 7, 23));
    store_text(to + SIMD16_BYTES, __builtin_shufflevector(firsts, seconds, 8, 24, 9, 25, 10, 26, 11,
                                                          27, 12, 28, 13, 29, 14, 30, 15, 31));
    return to + packed->position[SIMD16_BYTES - 1];
}

/* ---- stamps ---- */

/* Nearly every stamp: ten digits, a point and nine digits, read all at once. False also where it is
 * another stamp. */
ALWAYS_INLINE bool read_usual_stamp(struct span text, struct packed *packed)
{
    if (text.len != PACKED_STAMP_BYTES_MAX)
        return false;
    uint64_t first = bytes_load_8(text.data) ^ EACH_ZERO;
    uint64_t last = bytes_load_8(text.data + 12) ^ EACH_ZERO;
    /* Two digits, the point, which is 0 here, and a digit. */
    uint64_t middle = (bytes_load_8(text.data + 8) & UINT32_MAX) ^ UINT64_C(0x302e3030);
    uint64_t seconds = join_eight(first) * 100 + ((middle * 10 + (middle >> 8)) & 0xff);
    uint64_t tenths = middle >> 24;
    bool has_others = (mark_eight(first) | mark_eight(last) | mark_eight(middle)) != 0;
    bool has_point = (middle & 0x00ff0000) == 0, has_leading_zero = (first & 0xff) == 0;
    if (has_others || !has_point || has_leading_zero || seconds > SECONDS_MAX)
        return false;
    packed->stamp_ns = (int64_t)(seconds * (uint64_t)NANO + tenths * POWER_8 + join_eight(last));
    packed->stamp_decimals = 9;
    return true;
}

/* Up to `max` digits; says how many there were. */
static unsigned take_number(struct span *rest, unsigned max, uint64_t *value)
{
    unsigned count = 0;
    *value = 0;
    for (; count < max && count < rest->len; count++) {
        unsigned digit = (unsigned char)rest->data[count] - (unsigned)'0';
        if (digit > 9)
            break;
        *value = *value * 10 + digit;
    }
    *rest = (struct span){rest->data + count, rest->len - count};
    return count;
}

__attribute__((noinline)) static bool read_any_stamp(struct span text, struct packed *packed)
{
    if (text.len == 0)
        return false;
    struct span rest = text;
    uint64_t seconds, billionths = 0;
    unsigned whole = take_number(&rest, SECONDS_DIGITS_MAX, &seconds), decimals = 0;
    bool has_leading_zero = whole > 1 && text.data[0] == '0';
    if (whole == 0 || seconds > SECONDS_MAX || has_leading_zero)
        return false;
    if (rest.len > 0 && rest.data[0] == '.') {
        rest = (struct span){rest.data + 1, rest.len - 1};
        decimals = take_number(&rest, DECIMALS_MAX, &billionths);
        if (decimals == 0)
            return false;
    }
    packed->stamp_ns =
        (int64_t)(seconds * (uint64_t)NANO + billionths * power_of_10[DECIMALS_MAX - decimals]);
    packed->stamp_decimals = (uint8_t)decimals;
    return rest.len == 0;
}

ALWAYS_INLINE bool read_stamp(struct span text, struct packed *packed)
{
    return read_usual_stamp(text, packed) || read_any_stamp(text, packed);
}

/* ---- both ---- */

bool packed_read(struct span position, struct span stamp, struct packed *packed)
{
    char view[VIEW_BYTES] = {0};
    if (position.len > PACKED_POSITION_BYTES_MAX)
        return false;
    if (position.len == 0) {
        memset(packed->position, 0, sizeof packed->position);
        packed->form = (struct packed_form){0};
        return read_stamp(stamp, packed);
    }
    memcpy(view, position.data, position.len);
    if (find_form(view, &packed->form) != position.len)
        return false;
    pack_position(view, position.len, packed->position);
    return read_stamp(stamp, packed);
}

/* A view is where the line is, or a copy of it. */
ALWAYS_INLINE size_t read_line(const char *view, struct span text, struct packed *packed)
{
    unsigned bytes = find_form(view, &packed->form);
    if (bytes == 0 || view[bytes] != ' ')
        return 0;
    pack_position(view, bytes, packed->position);
    struct span stamp = {text.data + bytes + 1, text.len - bytes - 1};
    return read_stamp(stamp, packed) ? bytes : 0;
}

/* A view would look beyond its end. */
__attribute__((noinline)) static size_t read_short_line(struct span text, struct packed *packed)
{
    char view[VIEW_BYTES] = {0};
    if (text.len > 0)
        memcpy(view, text.data, text.len);
    return read_line(view, text, packed);
}

size_t packed_read_line(struct span text, struct packed *packed)
{
    return text.len >= VIEW_BYTES ? read_line(text.data, text, packed)
                                  : read_short_line(text, packed);
}

/* ---- digits of numbers ---- */

/* The digits of numbers below 10^4 as bytes, the first one lowest: halved twice, all parts of a
 * step side by side, and side by side for each number in 32 bits of `parts`. 10486 / 2^20 is a
 * hundredth and 103 / 2^10 a tenth, near enough for numbers of four and of two digits. Each step
 * puts the quotient before its remainder. */
ALWAYS_INLINE uint64_t spell_fours(uint64_t parts)
{
    uint64_t hundreds = parts * 10486 >> 20 & UINT64_C(0x0000007f0000007f);
    parts = (parts << 16) - hundreds * ((100 << 16) - 1);
    uint64_t tens = parts * 103 >> 10 & UINT64_C(0x000f000f000f000f);
    parts = (parts << 8) - tens * ((10 << 8) - 1);
    return parts | EACH_ZERO;
}

static inline uint32_t spell_four(uint32_t value)
{
    return (uint32_t)spell_fours(value);
}

/* Of a number below 10^8. */
static inline uint64_t spell_eight(uint32_t value)
{
    return spell_fours(value / 10000 | (uint64_t)(value % 10000) << 32);
}

static inline void store_eight(char *to, uint64_t text)
{
    text = htole64(text);
    memcpy(to, &text, sizeof text);
}

char *decimal_put(char *to, uint64_t value, unsigned count)
{
    char *end = to + count;
    for (; count > EIGHT; count -= EIGHT, value /= POWER_8)
        store_eight(to + count - EIGHT, spell_eight((uint32_t)(value % POWER_8)));
    for (; count > 0; count--, value /= 10)
        to[count - 1] = (char)('0' + value % 10);
    return end;
}

static inline char *put_nine(char *to, uint32_t value)
{
    *to = (char)('0' + value / POWER_8);
    store_eight(to + 1, spell_eight(value % POWER_8));
    return to + 9;
}

char *decimal_put_nine(char *to, uint32_t value)
{
    return put_nine(to, value);
}

/* A number's bits times the logarithm of 2 are its digits, or one more than those. */
unsigned decimal_count(uint64_t value)
{
    value |= 1; /* 0 has a digit, too */
    unsigned bits = 64 - (unsigned)__builtin_clzll(value);
    unsigned count = bits * 1233 >> 12;
    return count + (value >= power_of_10[count]);
}

/* The last `count` digits, up to four. Writes up to three bytes too many, which what follows
 * replaces. */
static inline char *put_few(char *to, uint32_t value, unsigned count)
{
    uint32_t text = htole32(spell_four(value) >> 8 * (4 - count));
    memcpy(to, &text, sizeof text);
    return to + count;
}

/* Always writes nine decimals; those after the last one are then dropped. */
static inline char *put_decimals(char *to, uint64_t billionths, unsigned decimals)
{
    if (decimals == 0)
        return to;
    *to = '.';
    put_nine(to + 1, (uint32_t)billionths);
    return to + 1 + decimals;
}

char *packed_write_stamp(char *to, const struct packed *packed)
{
    uint64_t size = (uint64_t)packed->stamp_ns, seconds = size / (uint64_t)NANO;
    if (seconds >= 10 * POWER_8) {
        to = put_few(to, (uint32_t)(seconds / POWER_8), 2);
        store_eight(to, spell_eight((uint32_t)(seconds % POWER_8)));
        to += EIGHT;
    } else {
        to = decimal_put(to, seconds, decimal_count(seconds));
    }
    return put_decimals(to, size % (uint64_t)NANO, packed->stamp_decimals);
}

bool decimal_read_whole(struct span text, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (unsigned char)text.data[i] - (uint64_t)'0';
        if (digit > 9 || digit > max || sum > (max - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    if (text.len > 0)
        *value = sum;
    return text.len > 0;
}

bool decimal_read_parts(struct span text, unsigned decimals_max, uint64_t max, uint64_t *value)
{
    const char *point = text.len == 0 ? NULL : memchr(text.data, '.', text.len);
    size_t whole_bytes = point == NULL ? text.len : (size_t)(point - text.data);
    size_t decimals = point == NULL ? 0 : text.len - whole_bytes - 1;
    uint64_t whole, parts = 0, unit = 1;
    if (!decimal_read_whole((struct span){text.data, whole_bytes}, max, &whole) ||
        decimals > decimals_max ||
        (point != NULL &&
         !decimal_read_whole((struct span){point + 1, decimals}, UINT32_MAX, &parts)))
        return false;
    for (unsigned i = 0; i < decimals_max; i++) {
        unit *= 10;
        parts *= i < decimals ? 1 : 10;
    }
    if (whole == max && parts > 0)
        return false;
    *value = whole * unit + parts;
    return true;
}
