#include "bus/base/degrees.h"

#define LATITUDE_DEG_MAX  90
#define LONGITUDE_DEG_MAX 180

#define FRACTION_KEPT 9

/* '-' in four bits */
#define MINUS 13

/* ---- from text ---- */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static struct span skip(struct span text, size_t count)
{
    return (struct span){text.data + count, text.len - count};
}

static bool take_byte(struct span *rest, char byte)
{
    if (rest->len == 0 || rest->data[0] != byte)
        return false;
    *rest = skip(*rest, 1);
    return true;
}

static size_t count_digits(struct span text)
{
    size_t digits = 0;
    while (digits < text.len && is_digit(text.data[digits]))
        digits++;
    return digits;
}

/* Nothing, or a point and one or more digits, in billionths. `*is_cut` is set when a digit after
 * the ninth is cut and is not zero. */
static bool take_fraction(struct span *rest, int64_t *billionths, bool *is_cut)
{
    *billionths = 0;
    *is_cut = false;
    if (!take_byte(rest, '.'))
        return true;
    size_t digits = count_digits(*rest);
    for (size_t i = 0; i < digits || i < FRACTION_KEPT; i++) {
        char digit = i < digits ? rest->data[i] : '0';
        if (i < FRACTION_KEPT)
            *billionths = *billionths * 10 + (digit - '0');
        else if (digit != '0')
            *is_cut = true;
    }
    *rest = skip(*rest, digits);
    return digits > 0;
}

static bool take_degrees(struct span *rest, int64_t max_deg, size_t digits_max, int64_t *nano)
{
    bool is_negative = take_byte(rest, '-');
    if (!is_negative && !take_byte(rest, '+'))
        return false;
    size_t digits = count_digits(*rest);
    if (digits == 0 || digits > digits_max)
        return false;
    int64_t whole = 0, billionths;
    for (size_t i = 0; i < digits; i++)
        whole = whole * 10 + (rest->data[i] - '0');
    *rest = skip(*rest, digits);
    bool is_cut;
    if (!take_fraction(rest, &billionths, &is_cut))
        return false;
    if (whole > max_deg || (whole == max_deg && (billionths > 0 || is_cut)))
        return false;
    int64_t size = whole * NANO + billionths;
    *nano = is_negative ? -size : size;
    return true;
}

bool degrees_read(struct span text, struct degrees *degrees)
{
    return take_degrees(&text, LATITUDE_DEG_MAX, DEGREES_LATITUDE_DIGITS_MAX,
                        &degrees->latitude_nano) &&
           take_degrees(&text, LONGITUDE_DEG_MAX, DEGREES_LONGITUDE_DIGITS_MAX,
                        &degrees->longitude_nano) &&
           text.len == 0;
}

/* ---- from packed digits ---- */

/* Of a coordinate that begins at the lowest four bits with its sign, which ends before `end`. */
static int64_t join(uint64_t characters, unsigned point, unsigned end)
{
    const uint64_t ones = UINT64_C(0x0f0f0f0f0f0f0f0f);
    /* Sixteen digits, of which the ninth after the point is the last: up to three come before. */
    unsigned whole_digits = point - 1, kept = 16 - FRACTION_KEPT;
    uint64_t whole = characters >> 4 & ((UINT64_C(1) << 4 * whole_digits) - 1);
    uint64_t digits = whole << 4 * (kept - whole_digits);
    if (end > point + 1) {
        uint64_t fraction = characters >> 4 * (point + 1);
        digits |= (fraction & ((UINT64_C(1) << 4 * (end - point - 1)) - 1)) << 4 * kept;
    }
    /* Neighbours are joined in four steps, as in bus/base/packed.c. */
    uint64_t pairs = (digits & ones) * 10 + (digits >> 4 & ones);
    uint64_t fours =
        (pairs & UINT64_C(0x00ff00ff00ff00ff)) * 100 + (pairs >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    uint64_t eights = (fours & UINT64_C(0x0000ffff0000ffff)) * 10000 +
                      (fours >> 16 & UINT64_C(0x0000ffff0000ffff));
    uint64_t size = (eights & UINT32_MAX) * 100000000 + (eights >> 32);
    return (characters & 15) == MINUS ? -(int64_t)size : (int64_t)size;
}

static bool is_within(int64_t value, int64_t max)
{
    return value >= -max && value <= max;
}

/* The lowest bit of each character that is a point, and of each that is a sign: 14, and 11 or 13.
 */
#define EACH_ONE UINT64_C(0x1111111111111111)

static uint64_t mark_points(uint64_t characters)
{
    return characters >> 3 & characters >> 2 & characters >> 1 & EACH_ONE;
}

static uint64_t mark_signs(uint64_t characters)
{
    return characters >> 3 & (characters >> 2 | characters >> 1) & characters & EACH_ONE;
}

static unsigned find_point(uint64_t characters, unsigned end)
{
    uint64_t points = mark_points(characters & ((UINT64_C(1) << 4 * end) - 1));
    return points == 0 ? end : (unsigned)__builtin_ctzll(points) / 4;
}

bool degrees_unpack(const uint8_t packed[PACKED_BYTES], unsigned characters,
                    struct degrees *degrees)
{
    if (characters == 0)
        return false;
    uint64_t latitude = degrees_load(packed, 0);
    unsigned middle = (unsigned)__builtin_ctzll(mark_signs(latitude) & ~(uint64_t)1) / 4;
    uint64_t longitude = degrees_load(packed, middle);
    unsigned end = characters - middle;
    unsigned point = find_point(latitude, middle), second_point = find_point(longitude, end);
    if (point > DEGREES_LATITUDE_DIGITS_MAX + 1 || second_point > DEGREES_LONGITUDE_DIGITS_MAX + 1)
        return false;
    degrees->latitude_nano = join(latitude, point, middle);
    degrees->longitude_nano = join(longitude, second_point, end);
    return is_within(degrees->latitude_nano, DEGREES_LATITUDE_NANO_MAX) &&
           is_within(degrees->longitude_nano, DEGREES_LONGITUDE_NANO_MAX);
}
