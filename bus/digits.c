#include "bus/digits.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define NANO      UINT64_C(1000000000)

#define DECIMALS_MAX         9
#define DEGREES_DIGITS_MAX   3
#define SECONDS_DIGITS_MAX   10
#define SECONDS_MAX          ((uint64_t)INT64_MAX / NANO - 1)
#define COORDINATE_DECIMALS  UINT64_C(0x0f)
#define COORDINATE_WHOLE_BIT 4

static const uint64_t power_of_10[] = {1,      10,      100,      1000,      10000,
                                       100000, 1000000, 10000000, 100000000, 1000000000};

struct cursor {
    struct span text;
    size_t at; /* read so far */
};

static inline bool is_at_end(const struct cursor *from)
{
    return from->at == from->text.bytes;
}

/* How many of eight bytes, the first one lowest, are digits before the first that is none. A digit
 * less '0' is below 10, so adding 118 leaves its highest bit clear. */
static inline unsigned count_digits(uint64_t eight)
{
    uint64_t values = eight ^ '0' * EACH_BYTE;
    uint64_t others = (values | (values + 118 * EACH_BYTE)) & 0x80 * EACH_BYTE;
    return others == 0 ? 8 : (unsigned)__builtin_ctzll(others) / 8;
}

/* The number that the first `count` of eight bytes spell. They are moved to the back, zeros take
 * the places before them, and neighbours are joined in three steps: digits to pairs, pairs to
 * fours, fours to eight. Each product adds the left neighbour's share in one go. */
static inline uint64_t join_digits(uint64_t eight, unsigned count)
{
    if (count == 0)
        return 0;
    eight = (eight ^ '0' * EACH_BYTE) << (64 - 8 * count);
    eight = (eight * (10 * 256 + 1)) >> 8 & UINT64_C(0x00ff00ff00ff00ff);
    eight = (eight * (100 * 65536 + 1)) >> 16 & UINT64_C(0x0000ffff0000ffff);
    return (eight * (10000 * (UINT64_C(1) << 32) + 1)) >> 32;
}

/* A run of digits one by one, joined to what `value` holds: for short ones. Returns how many; a
 * run of more than `count_max` is cut behind one more, which its reader refuses. */
static inline unsigned take_few(struct cursor *from, unsigned count_max, uint64_t *value)
{
    unsigned count = 0;
    for (; count <= count_max && !is_at_end(from); count++, from->at++) {
        unsigned digit = (unsigned char)from->text.at[from->at] - (unsigned)'0';
        if (digit > 9)
            break;
        *value = *value * 10 + digit;
    }
    return count;
}

/* The same for longer ones: the first eight digits at once. */
static inline unsigned take_many(struct cursor *from, unsigned count_max, uint64_t *value)
{
    if (is_at_end(from))
        return 0;
    uint64_t eight = span_eight(from->text, from->at);
    unsigned count = count_digits(eight);
    *value = join_digits(eight, count);
    from->at += count;
    return count < 8 ? count : count + take_few(from, count_max - 8, value);
}

static inline bool take_byte(struct cursor *from, char byte)
{
    if (is_at_end(from) || from->text.at[from->at] != byte)
        return false;
    from->at++;
    return true;
}

/* Digits, and perhaps a point and more digits, as billionths. */
static inline bool take_number(struct cursor *from, unsigned whole_max, uint64_t *billionths,
                               unsigned *whole, unsigned *decimals)
{
    uint64_t units = 0, fraction = 0;
    *decimals = 0;
    *whole = whole_max < 8 ? take_few(from, whole_max, &units) : take_many(from, whole_max, &units);
    if (*whole == 0 || *whole > whole_max)
        return false;
    if (take_byte(from, '.')) {
        *decimals = take_many(from, DECIMALS_MAX, &fraction);
        if (*decimals == 0 || *decimals > DECIMALS_MAX)
            return false;
    }
    *billionths = units * NANO + fraction * power_of_10[DECIMALS_MAX - *decimals];
    return true;
}

__attribute__((always_inline)) static inline bool take_coordinate(struct cursor *from,
                                                                  uint64_t *coordinate)
{
    uint64_t size;
    unsigned whole, decimals;
    uint64_t sign = take_byte(from, '-') ? DIGITS_NEGATIVE_BIT : 0;
    if (sign == 0 && !take_byte(from, '+'))
        return false;
    if (!take_number(from, DEGREES_DIGITS_MAX, &size, &whole, &decimals))
        return false;
    *coordinate = size << DIGITS_SHIFT | sign | whole << COORDINATE_WHOLE_BIT | decimals;
    return true;
}

__attribute__((always_inline)) static inline bool take_position(struct cursor *from,
                                                                struct digits *digits)
{
    return take_coordinate(from, &digits->latitude) && take_coordinate(from, &digits->longitude);
}

/* All that is left. */
__attribute__((always_inline)) static inline bool take_stamp(struct cursor *from,
                                                             struct digits *digits)
{
    uint64_t size;
    unsigned whole, decimals;
    size_t start = from->at;
    if (!take_number(from, SECONDS_DIGITS_MAX, &size, &whole, &decimals) || !is_at_end(from))
        return false;
    if (size > SECONDS_MAX * NANO + NANO - 1 || (whole > 1 && from->text.at[start] == '0'))
        return false;
    digits->stamp_ns = (int64_t)size;
    digits->stamp_decimals = (uint8_t)decimals;
    return true;
}

bool digits_read(struct span position, struct span stamp, struct digits *digits)
{
    struct cursor from = {position, 0};
    if (!take_position(&from, digits) || !is_at_end(&from))
        return false;
    from = (struct cursor){stamp, 0};
    return take_stamp(&from, digits);
}

bool digits_read_line(struct span text, struct digits *digits, struct span *position,
                      struct span *stamp)
{
    struct cursor from = {text, 0};
    if (!take_position(&from, digits))
        return false;
    *position = (struct span){text.at, from.at};
    if (!take_byte(&from, ' '))
        return false;
    *stamp = (struct span){text.at + from.at, text.bytes - from.at};
    return take_stamp(&from, digits);
}

/* Two digits at a time: half the divisions, each of which waits for the one before. */
char *digits_put(char *to, uint64_t value, unsigned count)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char *end = to + count, *at = end;
    for (; count >= 2; count -= 2, value /= 100)
        memcpy(at -= 2, pairs + 2 * (value % 100), 2);
    if (count == 1)
        *--at = (char)('0' + value % 10);
    return end;
}

unsigned digits_count(uint64_t value)
{
    unsigned count = 1;
    for (; value >= 10; value /= 10)
        count++;
    return count;
}

static char *put_number(char *to, uint64_t billionths, unsigned whole, unsigned decimals)
{
    to = digits_put(to, billionths / NANO, whole);
    if (decimals == 0)
        return to;
    *to++ = '.';
    return digits_put(to, billionths % NANO / power_of_10[DECIMALS_MAX - decimals], decimals);
}

static char *put_coordinate(char *to, uint64_t coordinate)
{
    *to++ = (coordinate & DIGITS_NEGATIVE_BIT) != 0 ? '-' : '+';
    return put_number(to, coordinate >> DIGITS_SHIFT, digits_whole(coordinate),
                      coordinate & COORDINATE_DECIMALS);
}

char *digits_write_position(char *to, const struct digits *digits)
{
    return put_coordinate(put_coordinate(to, digits->latitude), digits->longitude);
}

char *digits_write_stamp(char *to, const struct digits *digits)
{
    uint64_t size = (uint64_t)digits->stamp_ns;
    return put_number(to, size, digits_count(size / NANO), digits->stamp_decimals);
}
