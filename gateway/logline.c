#include "gateway/logline.h"

#include <stdarg.h>
#include <stdio.h>

#define NS_PER_SECOND      INT64_C(1000000000)
#define NS_PER_MICROSECOND INT64_C(1000)
#define SECONDS_PER_DAY    INT64_C(86400)
#define ESCAPE_BYTES       4 /* \xNN */

/* Exactly `count` digits, with leading zeros; returns where the next byte goes. */
static char *put_digits(char *at, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

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
    at = put_digits(at, year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    return put_digits(at, of_year - (153 * month_from_march + 2) / 5 + 1, 2);
}

static void remember_second(struct logline *log, int64_t second)
{
    int64_t of_day = second % SECONDS_PER_DAY;
    char *at = put_date(log->text, second / SECONDS_PER_DAY);
    *at++ = 'T';
    at = put_digits(at, of_day / 3600, 2);
    *at++ = ':';
    at = put_digits(at, of_day / 60 % 60, 2);
    *at++ = ':';
    put_digits(at, of_day % 60, 2);
    log->second = second;
}

static void append_time(struct logline *log, int64_t wall_ns)
{
    int64_t second = wall_ns / NS_PER_SECOND;
    if (second != log->second || second == 0)
        remember_second(log, second);
    char tail[] = ".000000Z ";
    put_digits(tail + 1, wall_ns % NS_PER_SECOND / NS_PER_MICROSECOND, 6);
    buffer_append(&log->lines, (struct span){log->text, sizeof log->text});
    buffer_append(&log->lines, span_of(tail));
}

static void append_connection(struct logline *log, uint64_t connection)
{
    char digits[20]; /* of the largest 64-bit number */
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + connection % 10);
        connection /= 10;
    } while (connection > 0);
    buffer_append(&log->lines, (struct span){digits + start, sizeof digits - start});
}

static void append_escaped(struct logline *log, struct span text)
{
    static const char hex[] = "0123456789abcdef";
    bool cut = text.bytes > LOGLINE_TEXT_BYTES_MAX;
    size_t count = cut ? LOGLINE_TEXT_BYTES_MAX : text.bytes;
    char *start = buffer_reserve(&log->lines, count * ESCAPE_BYTES);
    char *at = start;
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte >= 0x20 && byte <= 0x7e && byte != '\\') {
            *at++ = (char)byte;
        } else if (byte == '\\') {
            *at++ = '\\';
            *at++ = '\\';
        } else {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        }
    }
    log->lines.bytes += (size_t)(at - start);
    if (cut)
        buffer_append(&log->lines, span_of("\\..."));
}

void logline_put(struct logline *log, int64_t wall_ns, const char *kind, uint64_t connection,
                 struct span text)
{
    append_time(log, wall_ns);
    buffer_append(&log->lines, span_of(kind));
    buffer_append(&log->lines, span_of(" "));
    if (connection == 0)
        buffer_append(&log->lines, span_of("-"));
    else
        append_connection(log, connection);
    if (text.bytes > 0) {
        buffer_append(&log->lines, span_of(" "));
        append_escaped(log, text);
    }
    buffer_append(&log->lines, span_of("\n"));
}

void logline_say(struct logline *log, int64_t wall_ns, const char *kind, uint64_t connection,
                 const char *format, ...)
{
    char text[LOGLINE_SAY_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    logline_put(log, wall_ns, kind, connection, span_of(text));
}

void logline_free(struct logline *log)
{
    buffer_free(&log->lines);
}
