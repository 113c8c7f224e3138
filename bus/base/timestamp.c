#include "bus/base/timestamp.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "bus/base/packed.h"

#define SECONDS_PER_DAY INT64_C(86400)

/* The date of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in March
 * here, so that the leap day is the last one of a year and months follow one formula
 * (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static char *put_date(char *at, int64_t day)
{
    const int64_t days_per_era = 146097; /* 400 years */
    int64_t since_0000 = day + 719468;   /* from 0000-03-01 */
    int64_t era = since_0000 / days_per_era;
    int64_t of_era = since_0000 % days_per_era;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int64_t year = era * 400 + year_of_era + (month <= 2);
    at = decimal_put(at, (uint64_t)(year), 4);
    *at++ = '-';
    at = decimal_put(at, (uint64_t)(month), 2);
    *at++ = '-';
    return decimal_put(at, (uint64_t)(of_year - (153 * month_from_march + 2) / 5 + 1), 2);
}

char *timestamp_put_second(char *at, int64_t second)
{
    int64_t of_day = second % SECONDS_PER_DAY;
    at = put_date(at, second / SECONDS_PER_DAY);
    *at++ = 'T';
    at = decimal_put(at, (uint64_t)(of_day / 3600), 2);
    *at++ = ':';
    at = decimal_put(at, (uint64_t)(of_day / 60 % 60), 2);
    *at++ = ':';
    return decimal_put(at, (uint64_t)(of_day % 60), 2);
}

char *timestamp_put_rest(char *at, int64_t realtime_ns, unsigned decimals)
{
    uint64_t fraction = (uint64_t)(realtime_ns % NANO);
    assert(decimals <= 9);
    for (unsigned i = decimals; i < 9; i++)
        fraction /= 10;
    if (decimals > 0) {
        *at++ = '.';
        at = decimal_put(at, fraction, decimals);
    }
    *at++ = 'Z';
    return at;
}

const char *timestamp_write_apart(char text[TIMESTAMP_APART_BYTES_MAX], int64_t apart_ns)
{
    uint64_t size_ns = apart_ns < 0 ? 0 - (uint64_t)apart_ns : (uint64_t)apart_ns;
    uint64_t tenths = (size_ns + NANO / 20) / (NANO / 10);
    snprintf(text, TIMESTAMP_APART_BYTES_MAX, "%" PRIu64 ".%u", tenths / 10,
             (unsigned)(tenths % 10));
    return text;
}

size_t timestamp_write(char text[TIMESTAMP_BYTES_MAX], int64_t realtime_ns, unsigned decimals)
{
    char *end = timestamp_put_second(text, realtime_ns / NANO);
    end = timestamp_put_rest(end, realtime_ns, decimals);
    *end = '\0';
    return (size_t)(end - text);
}
