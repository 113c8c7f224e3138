#include "placesd/landmarks/data/decimal.h"

#include <stdint.h>

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

bool decimal_read(struct span text, double *value)
{
    size_t at = 0;
    bool negative = at < text.len && text.data[at] == '-';
    if (at < text.len && (text.data[at] == '-' || text.data[at] == '+'))
        at++;

    int64_t digits = 0;
    size_t whole_begin = at;
    for (int counted = 0; at < text.len && is_digit(text.data[at]); at++) {
        digits = digits * 10 + (text.data[at] - '0');
        counted += digits > 0;
        if (counted > DECIMAL_WHOLE_DIGITS_MAX)
            return false;
    }
    if (at == whole_begin)
        return false;

    double scale = 1;
    if (at < text.len && text.data[at] == '.') {
        size_t fraction_begin = ++at;
        for (; at < text.len && is_digit(text.data[at]); at++) {
            if (at - fraction_begin < DECIMAL_FRACTION_DIGITS_MAX) {
                digits = digits * 10 + (text.data[at] - '0');
                scale *= 10;
            }
        }
        if (at == fraction_begin)
            return false;
    }
    if (at != text.len)
        return false;
    /* One division of two exact numbers is rounded once: the double nearest to the text. */
    *value = (double)(negative ? -digits : digits) / scale;
    return true;
}
