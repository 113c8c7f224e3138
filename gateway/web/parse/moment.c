#include "gateway/web/parse/moment.h"

#include <stdint.h>

#include "bus/base/packed.h"

#define SECONDS_PER_DAY    INT64_C(86400)
#define SECONDS_PER_HOUR   3600
#define SECONDS_PER_MINUTE 60
#define MILLISECOND_DIGITS 3
/* Of a second: those of the year 9999 are 12. */
#define SECOND_BYTES_MAX 20

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static struct span skip(struct span text, size_t count)
{
    return (struct span){text.data + count, text.len - count};
}

static size_t count_digits(struct span text)
{
    size_t digits = 0;
    while (digits < text.len && is_digit(text.data[digits]))
        digits++;
    return digits;
}

static bool take(struct span *rest, char byte)
{
    bool is_there = rest->len > 0 && rest->data[0] == byte;
    if (is_there)
        *rest = skip(*rest, 1);
    return is_there;
}

/* Appends nothing, or a point and digits. */
static void put_fraction(struct buffer *out, struct span digits)
{
    if (digits.len == 0)
        return;
    buffer_append(out, span_of("."));
    buffer_append(out, digits);
}

static void put_seconds(struct buffer *out, int64_t seconds)
{
    char text[SECOND_BYTES_MAX];
    char *end = decimal_put(text, (uint64_t)seconds, decimal_count((uint64_t)seconds));
    buffer_append(out, (struct span){text, (size_t)(end - text)});
}

/* ---- digits ---- */

static void put_milliseconds(struct buffer *out, struct span whole, struct span fraction)
{
    size_t seconds = whole.len - MILLISECOND_DIGITS;
    buffer_append(out, (struct span){whole.data, seconds});
    buffer_append(out, span_of("."));
    buffer_append(out, skip(whole, seconds));
    buffer_append(out, fraction);
}

static bool put_number(struct buffer *out, struct span text, enum moment_form form)
{
    size_t digits = count_digits(text);
    struct span whole = {text.data, digits}, fraction = skip(text, digits);
    if (digits == 0 || (take(&fraction, '.') && fraction.len == 0) ||
        count_digits(fraction) != fraction.len)
        return false;
    uint64_t seconds;
    bool counts_from_2001 = form == MOMENT_TST && digits <= MOMENT_SECONDS_DIGITS_MAX &&
                            decimal_read_whole(whole, MOMENT_TST_SINCE_2001_MAX_S - 1, &seconds);
    if (counts_from_2001)
        put_seconds(out, (int64_t)seconds + MOMENT_2001_S);
    else if (digits <= MOMENT_SECONDS_DIGITS_MAX || form == MOMENT_SECONDS)
        buffer_append(out, whole);
    else if (digits <= MOMENT_MILLISECONDS_DIGITS_MAX)
        put_milliseconds(out, whole, fraction);
    else
        return false;
    if (counts_from_2001 || digits <= MOMENT_SECONDS_DIGITS_MAX || form == MOMENT_SECONDS)
        put_fraction(out, fraction);
    return true;
}

/* ---- dates ---- */

/* A number of that many digits, from `least` to `most`. */
static bool take_number(struct span *rest, size_t digits, int64_t least, int64_t most,
                        int64_t *value)
{
    uint64_t number;
    if (rest->len < digits ||
        !decimal_read_whole((struct span){rest->data, digits}, (uint64_t)most, &number))
        return false;
    *rest = skip(*rest, digits);
    *value = (int64_t)number;
    return *value >= least;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}

/* Of the first day of a year from 1970: 365 a year, and one for each leap day before it. */
static int64_t days_before_year(int64_t year)
{
    int64_t years = year - 1;
    return 365 * (year - 1970) + (years / 4 - years / 100 + years / 400) - 477;
}

static bool take_date(struct span *rest, int64_t *days)
{
    int64_t year, month, day;
    if (!take_number(rest, 4, 1970, 9999, &year) || !take(rest, '-') ||
        !take_number(rest, 2, 1, 12, &month) || !take(rest, '-') ||
        !take_number(rest, 2, 1, days_of_month(year, month), &day))
        return false;
    *days = days_before_year(year) + day - 1;
    for (int64_t before = 1; before < month; before++)
        *days += days_of_month(year, before);
    return true;
}

static bool take_time(struct span *rest, int64_t *seconds, struct span *fraction)
{
    int64_t hour, minute, second;
    if (!take_number(rest, 2, 0, 23, &hour) || !take(rest, ':') ||
        !take_number(rest, 2, 0, 59, &minute) || !take(rest, ':') ||
        !take_number(rest, 2, 0, 59, &second))
        return false;
    *seconds = hour * SECONDS_PER_HOUR + minute * SECONDS_PER_MINUTE + second;
    if (!take(rest, '.'))
        return true;
    *fraction = (struct span){rest->data, count_digits(*rest)};
    *rest = skip(*rest, fraction->len);
    return fraction->len > 0;
}

/* How far its clocks are ahead of UTC. */
static bool take_zone(struct span *rest, int64_t *ahead)
{
    *ahead = 0;
    if (take(rest, 'Z') || take(rest, 'z'))
        return true;
    bool is_negative = take(rest, '-');
    int64_t hours, minutes = 0;
    if ((!is_negative && !take(rest, '+')) || !take_number(rest, 2, 0, 23, &hours))
        return false;
    if (take(rest, ':') || rest->len > 0) {
        if (!take_number(rest, 2, 0, 59, &minutes))
            return false;
    }
    *ahead = hours * SECONDS_PER_HOUR + minutes * SECONDS_PER_MINUTE;
    if (is_negative)
        *ahead = -*ahead;
    return true;
}

static bool put_date(struct buffer *out, struct span text)
{
    int64_t days, seconds, ahead;
    struct span fraction = {0};
    if (!take_date(&text, &days) || !(take(&text, 'T') || take(&text, 't')) ||
        !take_time(&text, &seconds, &fraction) || !take_zone(&text, &ahead) || text.len > 0)
        return false;
    int64_t since_1970 = days * SECONDS_PER_DAY + seconds - ahead;
    if (since_1970 < 0)
        return false;
    put_seconds(out, since_1970);
    put_fraction(out, fraction);
    return true;
}

bool moment_put(struct buffer *out, struct span text, enum moment_form form)
{
    if (text.len > MOMENT_BYTES_MAX)
        return false;
    return put_number(out, text, form) || (form != MOMENT_SECONDS && put_date(out, text));
}
