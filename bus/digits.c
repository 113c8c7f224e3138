#include "bus/digits.h"

#define EACH_ZERO ('0' * BYTES_EACH)
#define NANO      UINT64_C(1000000000)
#define EIGHT     8u
#define POWER_8   UINT64_C(100000000)

#define DEGREES_DIGITS_MAX   3
#define SECONDS_DIGITS_MAX   10
#define SECONDS_MAX          ((uint64_t)INT64_MAX / NANO - 1)
#define COORDINATE_DECIMALS  UINT64_C(0x0f)
#define COORDINATE_WHOLE_BIT 4

/* Calls cost more than what these do. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* Eight bytes less '0' each, the first one lowest: sets the highest bit of the first that is no
 * digit; what it does to those behind it means nothing. A digit's value is below 10, so adding 118
 * leaves its highest bit clear. */
static inline uint64_t mark_others(uint64_t values)
{
    return (values | (values + 118 * BYTES_EACH)) & 0x80 * BYTES_EACH;
}

/* How many bits, eight for each digit, come before the first mark. */
static inline unsigned bits_before(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks) & 0x38;
}

/* The number that eight digits spell. Neighbours are joined in three steps: digits to pairs, pairs
 * to fours, fours to eight: the left one's share is added to its right neighbour. */
static inline uint64_t join_eight(uint64_t values)
{
    values = (values * 10 + (values >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    values = (values * (100 * 65536 + 1)) >> 16 & UINT64_C(0x0000ffff0000ffff);
    return (values * (10000 * (UINT64_C(1) << 32) + 1)) >> 32;
}

/* The same for the last four; those before them are not looked at. */
static inline uint64_t join_last_four(uint64_t values)
{
    values = (values * 10 + (values >> 8)) & UINT64_C(0x00ff00ff00000000);
    return (values * (100 * 65536 + 1)) >> 48;
}

/* What is left to read. It is roomy if it began with DIGITS_POSITION_BYTES_MAX bytes or more: eight
 * of them can then be loaded from wherever a number of the position begins, without a look at the
 * end. That is known when this is compiled, so there are two of each reader of positions, one that
 * looks and one that does not. */
struct cursor {
    const char *at, *end;
    bool roomy;
};

static inline uint64_t peek_eight(const struct cursor *from)
{
    if (from->roomy)
        return bytes_load_8(from->at);
    return span_eight((struct span){from->at, (size_t)(from->end - from->at)}, 0);
}

static inline bool is_at_end(const struct cursor *from)
{
    return from->at == from->end;
}

/* Puts the next byte behind the digits in `value`, if it is one. */
static inline bool take_digit(struct cursor *from, uint64_t *value)
{
    if (!from->roomy && is_at_end(from))
        return false;
    unsigned digit = (unsigned char)*from->at - (unsigned)'0';
    if (digit > 9)
        return false;
    *value = *value * 10 + digit;
    from->at++;
    return true;
}

/* The digits behind a point, up to nine, as billionths; how many there are, 0 where there is none.
 * Zeros take the place of what is no digit, and so the number comes out in units of the eighth. */
ALWAYS_INLINE unsigned take_decimals(struct cursor *from, uint64_t *billionths)
{
    uint64_t values = peek_eight(from) ^ EACH_ZERO;
    uint64_t others = mark_others(values);
    if (others == 0) {
        *billionths = join_eight(values);
        from->at += EIGHT;
        if (take_digit(from, billionths))
            return EIGHT + 1;
        *billionths *= 10;
        return EIGHT;
    }
    unsigned count = bits_before(others) / 8;
    uint64_t before_first = (others ^ (others - 1)) >> 8;
    *billionths = join_eight(values & before_first) * 10;
    from->at += count;
    return count;
}

/* Sign, digits and point stand within eight bytes. */
ALWAYS_INLINE bool take_coordinate(struct cursor *from, uint64_t *coordinate)
{
    uint64_t eight = peek_eight(from);
    uint64_t sign = (eight & 0xff) - '+'; /* '-' is 2 more than '+' */
    if ((sign & ~UINT64_C(2)) != 0)
        return false;
    uint64_t values = eight >> 8 ^ EACH_ZERO; /* the eighth is no digit now */
    unsigned bits = bits_before(mark_others(values)), whole = bits / 8, decimals = 0;
    if (whole == 0 || whole > DEGREES_DIGITS_MAX)
        return false;
    uint64_t size = join_last_four(values << (64 - bits)) * NANO;
    from->at += 1 + whole;
    if ((values >> bits & 0xff) == ('.' ^ '0')) {
        uint64_t billionths;
        from->at++;
        decimals = take_decimals(from, &billionths);
        if (decimals == 0)
            return false;
        size += billionths;
    }
    *coordinate =
        size << DIGITS_SHIFT | sign << DIGITS_SIGN_SHIFT | whole << COORDINATE_WHOLE_BIT | decimals;
    return true;
}

ALWAYS_INLINE bool take_position(struct cursor *from, struct digits *digits)
{
    return take_coordinate(from, &digits->latitude) && take_coordinate(from, &digits->longitude);
}

/* Nearly every stamp: ten digits, a point and nine digits, read all at once. False also where it is
 * another stamp. */
ALWAYS_INLINE bool read_usual_stamp(struct span text, struct digits *digits)
{
    if (text.bytes != DIGITS_STAMP_BYTES_MAX)
        return false;
    uint64_t first = bytes_load_8(text.at) ^ EACH_ZERO;
    uint64_t last = bytes_load_8(text.at + 12) ^ EACH_ZERO;
    /* Two digits, the point, which is 0 here, and a digit. */
    uint64_t middle = (bytes_load_8(text.at + 8) & UINT32_MAX) ^ UINT64_C(0x302e3030);
    uint64_t seconds = join_eight(first) * 100 + ((middle * 10 + (middle >> 8)) & 0xff);
    uint64_t tenths = middle >> 24;
    bool has_others = (mark_others(first) | mark_others(last) | mark_others(middle)) != 0;
    bool has_point = (middle & 0x00ff0000) == 0, has_leading_zero = (first & 0xff) == 0;
    if (has_others || !has_point || has_leading_zero || seconds > SECONDS_MAX)
        return false;
    digits->stamp_ns = (int64_t)(seconds * NANO + tenths * POWER_8 + join_eight(last));
    digits->stamp_decimals = 9;
    return true;
}

__attribute__((noinline)) static bool read_any_stamp(struct span text, struct digits *digits)
{
    struct cursor from = {text.at, text.at + text.bytes, false};
    uint64_t seconds = 0, billionths = 0;
    unsigned whole = 0, decimals = 0;
    while (whole < SECONDS_DIGITS_MAX && take_digit(&from, &seconds))
        whole++;
    bool has_leading_zero = whole > 1 && text.at[0] == '0';
    if (whole == 0 || seconds > SECONDS_MAX || has_leading_zero)
        return false;
    if (!is_at_end(&from)) {
        if (*from.at++ != '.')
            return false;
        decimals = take_decimals(&from, &billionths);
        if (decimals == 0)
            return false;
    }
    digits->stamp_ns = (int64_t)(seconds * NANO + billionths);
    digits->stamp_decimals = (uint8_t)decimals;
    return is_at_end(&from);
}

ALWAYS_INLINE bool read_stamp(struct span text, struct digits *digits)
{
    return read_usual_stamp(text, digits) || read_any_stamp(text, digits);
}

bool digits_read(struct span position, struct span stamp, struct digits *digits)
{
    struct cursor from = {position.at, position.at + position.bytes, false};
    return take_position(&from, digits) && is_at_end(&from) && read_stamp(stamp, digits);
}

ALWAYS_INLINE size_t read_line(struct span text, bool roomy, struct digits *digits)
{
    struct cursor from = {text.at, text.at + text.bytes, roomy};
    if (!take_position(&from, digits) || is_at_end(&from) || *from.at != ' ')
        return 0;
    struct span stamp = {from.at + 1, (size_t)(from.end - from.at - 1)};
    return read_stamp(stamp, digits) ? (size_t)(from.at - text.at) : 0;
}

size_t digits_read_line(struct span text, struct digits *digits)
{
    return text.bytes >= DIGITS_POSITION_BYTES_MAX ? read_line(text, true, digits)
                                                   : read_line(text, false, digits);
}

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

char *digits_put(char *to, uint64_t value, unsigned count)
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

char *digits_put_nine(char *to, uint32_t value)
{
    return put_nine(to, value);
}

/* A number's bits times the logarithm of 2 are its digits, or one more than those. */
unsigned digits_count(uint64_t value)
{
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

/* Nine decimals in any case, of which those behind the last are not kept. */
static inline char *put_decimals(char *to, uint64_t billionths, unsigned decimals)
{
    if (decimals == 0)
        return to;
    *to = '.';
    put_nine(to + 1, (uint32_t)billionths);
    return to + 1 + decimals;
}

static inline char *put_coordinate(char *to, uint64_t coordinate)
{
    uint64_t size = coordinate >> DIGITS_SHIFT;
    *to = (coordinate & DIGITS_NEGATIVE_BIT) != 0 ? '-' : '+';
    to = put_few(to + 1, (uint32_t)(size / NANO), digits_whole(coordinate));
    return put_decimals(to, size % NANO, coordinate & COORDINATE_DECIMALS);
}

char *digits_write_position(char *to, const struct digits *digits)
{
    return put_coordinate(put_coordinate(to, digits->latitude), digits->longitude);
}

char *digits_write_stamp(char *to, const struct digits *digits)
{
    uint64_t size = (uint64_t)digits->stamp_ns, seconds = size / NANO;
    if (seconds >= 10 * POWER_8) {
        to = put_few(to, (uint32_t)(seconds / POWER_8), 2);
        store_eight(to, spell_eight((uint32_t)(seconds % POWER_8)));
        to += EIGHT;
    } else {
        to = digits_put(to, seconds, digits_count(seconds));
    }
    return put_decimals(to, size % NANO, digits->stamp_decimals);
}
