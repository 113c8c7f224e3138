#include "gateway/text/logline.h"

#include <stdarg.h>
#include <stdio.h>

#include "bus/base/packed.h"
#include "bus/base/simd16.h"

#define NS_PER_SECOND      INT64_C(1000000000)
#define NS_PER_MICROSECOND INT64_C(1000)
#define SECONDS_PER_DAY    INT64_C(86400)
#define ESCAPE_BYTES       4  /* \xNN */
#define SECOND_BYTES       19 /* "2026-07-29T12:34:56" */
/* The time, two blanks, a number of 64 bits, the end of a text that is cut, and LF. */
#define LINE_FRAME_BYTES_MAX (LOGLINE_TIME_BYTES + 2 + LOGLINE_NUMBER_BYTES + 4 + 1)

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

static void remember_second(char *at, int64_t second)
{
    int64_t of_day = second % SECONDS_PER_DAY;
    at = put_date(at, second / SECONDS_PER_DAY);
    *at++ = 'T';
    at = decimal_put(at, (uint64_t)(of_day / 3600), 2);
    *at++ = ':';
    at = decimal_put(at, (uint64_t)(of_day / 60 % 60), 2);
    *at++ = ':';
    decimal_put(at, (uint64_t)(of_day % 60), 2);
}

static void remember_time(struct logline *log, int64_t realtime_ns)
{
    int64_t second = realtime_ns / NS_PER_SECOND;
    if (log->realtime_ns == 0 || second != log->realtime_ns / NS_PER_SECOND)
        remember_second(log->time, second);
    char *at = log->time + SECOND_BYTES;
    *at++ = '.';
    at = decimal_put(at, (uint64_t)(realtime_ns % NS_PER_SECOND / NS_PER_MICROSECOND), 6);
    *at++ = 'Z';
    *at = ' ';
    log->realtime_ns = realtime_ns;
}

static char *put_span(char *at, struct span bytes)
{
    memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static void remember_connection(struct logline *log, uint64_t connection)
{
    char *end = connection == 0 ? log->number
                                : decimal_put(log->number, connection, decimal_count(connection));
    if (connection == 0)
        *end++ = '-';
    log->number_bytes = (uint8_t)(end - log->number);
    log->connection = connection;
}

static inline char *put_escaped_byte(char *at, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
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
    return at;
}

/* Copies sixteen bytes and marks those that are to be escaped. */
static inline void copy_16(char *to, const char *from, simd16 *marks)
{
    simd16 bytes = simd16_load(from);
    memcpy(to, &bytes, sizeof bytes);
    *marks |= (simd16)((bytes - 0x20) > 0x7e - 0x20) | (simd16)(bytes == '\\');
}

/* Copies a text of sixteen bytes or more; false if something in it is to be escaped. The last
 * sixteen are copied on their own, and so some of them twice. */
static bool copy_plain(char *to, struct span text)
{
    simd16 marks = {0};
    size_t last = text.len - sizeof marks;
    for (size_t i = 0; i < last; i += sizeof marks)
        copy_16(to + i, text.data + i, &marks);
    copy_16(to + last, text.data + last, &marks);
    return simd16_bits(marks) == 0;
}

/* There is nothing to be escaped in nearly all texts. */
static inline char *put_escaped(char *at, struct span text)
{
    if (text.len >= SIMD16_BYTES && copy_plain(at, text))
        return at + text.len;
    for (size_t i = 0; i < text.len; i++)
        at = put_escaped_byte(at, (unsigned char)text.data[i]);
    return at;
}

void logline_put(struct logline *log, int64_t realtime_ns, const char *kind, uint64_t connection,
                 struct span text)
{
    struct span word = span_of(kind);
    bool cut = text.len > LOGLINE_TEXT_BYTES_MAX;
    text.len = cut ? LOGLINE_TEXT_BYTES_MAX : text.len;
    char *start =
        buffer_reserve(&log->lines, word.len + LINE_FRAME_BYTES_MAX + text.len * ESCAPE_BYTES);
    if (realtime_ns != log->realtime_ns || realtime_ns == 0)
        remember_time(log, realtime_ns);
    if (connection != log->connection || log->number_bytes == 0)
        remember_connection(log, connection);
    char *at = put_span(start, (struct span){log->time, sizeof log->time});
    at = put_span(at, word);
    *at++ = ' ';
    memcpy(at, log->number, sizeof log->number);
    at += log->number_bytes;
    if (text.len > 0) {
        *at++ = ' ';
        at = put_escaped(at, text);
    }
    if (cut)
        at = put_span(at, span_of("\\..."));
    *at++ = '\n';
    log->lines.len += (size_t)(at - start);
}

void logline_say(struct logline *log, int64_t realtime_ns, const char *kind, uint64_t connection,
                 const char *format, ...)
{
    char text[LOGLINE_SAY_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    logline_put(log, realtime_ns, kind, connection, span_of(text));
}

void logline_free(struct logline *log)
{
    buffer_free(&log->lines);
}
