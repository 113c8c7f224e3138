#include "gateway/web/parse/number.h"

/* A number's parts, as they stand in its text. */
struct parts {
    bool is_negative, has_exponent;
    struct span whole, fraction;
    int exponent; /* how many digits the point moves to the right */
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool take(struct span *rest, char byte)
{
    bool is_there = rest->len > 0 && rest->data[0] == byte;
    if (is_there)
        *rest = (struct span){rest->data + 1, rest->len - 1};
    return is_there;
}

/* One digit or more. */
static bool take_digits(struct span *rest, struct span *digits)
{
    size_t count = 0;
    while (count < rest->len && is_digit(rest->data[count]))
        count++;
    *digits = (struct span){rest->data, count};
    *rest = (struct span){rest->data + count, rest->len - count};
    return count > 0;
}

static bool take_sign(struct span *rest)
{
    bool is_negative = take(rest, '-');
    if (!is_negative)
        take(rest, '+');
    return is_negative;
}

static bool take_exponent(struct span *rest, int *exponent)
{
    bool is_negative = take_sign(rest);
    struct span digits;
    if (!take_digits(rest, &digits) || digits.len > NUMBER_EXPONENT_DIGITS_MAX)
        return false;
    *exponent = 0;
    for (size_t i = 0; i < digits.len; i++)
        *exponent = *exponent * 10 + (digits.data[i] - '0');
    if (is_negative)
        *exponent = -*exponent;
    return true;
}

static bool split(struct span text, struct parts *parts)
{
    *parts = (struct parts){0};
    if (text.len > NUMBER_BYTES_MAX)
        return false;
    parts->is_negative = take_sign(&text);
    if (!take_digits(&text, &parts->whole))
        return false;
    if (take(&text, '.') && !take_digits(&text, &parts->fraction))
        return false;
    parts->has_exponent = take(&text, 'e') || take(&text, 'E');
    return (!parts->has_exponent || take_exponent(&text, &parts->exponent)) && text.len == 0;
}

/* The digit at a place counted from the first one of the whole part; zeros stand on both sides. */
static char digit_at(const struct parts *parts, int place)
{
    if (place < 0)
        return '0';
    size_t at = (size_t)place;
    if (at < parts->whole.len)
        return parts->whole.data[at];
    at -= parts->whole.len;
    return at < parts->fraction.len ? parts->fraction.data[at] : '0';
}

/* The digits in their order, with the point where the exponent puts it. Before it, zeros that say
 * nothing go. */
static char *expand(char *to, const struct parts *parts)
{
    int digits = (int)(parts->whole.len + parts->fraction.len);
    int point = (int)parts->whole.len + parts->exponent;
    int place = point < 1 ? point - 1 : 0;
    while (place < point - 1 && digit_at(parts, place) == '0')
        place++;
    for (; place < point; place++)
        *to++ = digit_at(parts, place);
    if (place < digits)
        *to++ = '.';
    for (; place < digits; place++)
        *to++ = digit_at(parts, place);
    return to;
}

bool number_put(struct buffer *out, struct span text)
{
    struct parts parts;
    if (!split(text, &parts))
        return false;
    char *to = buffer_reserve(out, NUMBER_EXPANDED_BYTES_MAX);
    *to++ = parts.is_negative ? '-' : '+';
    if (parts.has_exponent) {
        to = expand(to, &parts);
    } else {
        memcpy(to, parts.whole.data, parts.whole.len);
        to += parts.whole.len;
        if (parts.fraction.len > 0) {
            *to++ = '.';
            memcpy(to, parts.fraction.data, parts.fraction.len);
            to += parts.fraction.len;
        }
    }
    out->len = (size_t)(to - out->data);
    return true;
}

bool number_is_zero(struct span text)
{
    struct parts parts;
    if (!split(text, &parts))
        return false;
    for (int i = 0; i < (int)(parts.whole.len + parts.fraction.len); i++)
        if (digit_at(&parts, i) != '0')
            return false;
    return true;
}
