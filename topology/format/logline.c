#include "topology/format/logline.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bus/base/packed.h"
#include "bus/base/simd16.h"
#include "bus/base/timestamp.h"

/* \xNN, and where that is quoted, \\xNN. */
#define ESCAPE_BYTES 5
/* The time, two blanks, a number of 64 bits, the end of a text that is cut, and LF; and the
 * punctuation of the other forms, with all of their keys. */
#define LINE_FRAME_BYTES_MAX (LOGLINE_TIME_BYTES + LOGLINE_NUMBER_BYTES + 128)
/* LINE_FRAME_BYTES_MAX has this for a cut text. */
static const char cut_mark[] = "\\...";

static void remember_time(struct logline *log, int64_t realtime_ns)
{
    int64_t second = realtime_ns / NANO;
    if (log->realtime_ns == 0 || second != log->realtime_ns / NANO)
        timestamp_put_second(log->time, second);
    *timestamp_put_rest(log->time + TIMESTAMP_SECOND_BYTES, realtime_ns, 6) = ' ';
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

/* A quotation has a backslash before each quote and each backslash: JSON's, and logfmt's. */
static inline char *put_backslash(char *at, bool is_quoted)
{
    *at++ = '\\';
    if (is_quoted)
        *at++ = '\\';
    return at;
}

static inline char *put_escaped_byte(char *at, unsigned char byte, bool is_quoted)
{
    static const char hex[] = "0123456789abcdef";
    if (byte == '"' && is_quoted) {
        *at++ = '\\';
        *at++ = '"';
    } else if (byte >= 0x20 && byte <= 0x7e && byte != '\\') {
        *at++ = (char)byte;
    } else if (byte == '\\') {
        at = put_backslash(at, is_quoted);
        at = put_backslash(at, is_quoted);
    } else {
        at = put_backslash(at, is_quoted);
        *at++ = 'x';
        *at++ = hex[byte >> 4];
        *at++ = hex[byte & 15];
    }
    return at;
}

/* Copies sixteen bytes and marks those that are to be escaped. */
static inline void copy_16(char *to, const char *from, bool is_quoted, simd16 *marks)
{
    simd16 bytes = simd16_load(from);
    memcpy(to, &bytes, sizeof bytes);
    *marks |= (simd16)((bytes - 0x20) > 0x7e - 0x20) | (simd16)(bytes == '\\');
    if (is_quoted)
        *marks |= (simd16)(bytes == '"');
}

/* Copies a text of sixteen bytes or more; false if something in it is to be escaped. The last
 * sixteen are copied on their own, and so some of them twice. */
static inline bool copy_plain(char *to, struct span text, bool is_quoted)
{
    simd16 marks = {0};
    size_t last = text.len - sizeof marks;
    for (size_t i = 0; i < last; i += sizeof marks)
        copy_16(to + i, text.data + i, is_quoted, &marks);
    copy_16(to + last, text.data + last, is_quoted, &marks);
    return simd16_bits(marks) == 0;
}

/* There is nothing to be escaped in nearly all texts. */
static inline char *put_escaped(char *at, struct span text, bool is_quoted)
{
    if (text.len >= SIMD16_BYTES && copy_plain(at, text, is_quoted))
        return at + text.len;
    for (size_t i = 0; i < text.len; i++)
        at = put_escaped_byte(at, (unsigned char)text.data[i], is_quoted);
    return at;
}

static bool is_refused(struct logline *log)
{
    bool refused = log->rate_lines >= log->rate;
    log->rate_lines += !refused;
    log->rate_refused += refused;
    log->refused_all += refused;
    return refused;
}

static struct span cut(struct span text)
{
    return (struct span){text.data,
                         text.len > LOGLINE_TEXT_BYTES_MAX ? LOGLINE_TEXT_BYTES_MAX : text.len};
}

static inline char *put_word(char *at, const char *word)
{
    return put_span(at, span_of(word));
}

/* ---- the forms ---- */

/* The greatest room that a line with this text takes, without its words. */
static size_t room_of(struct span text)
{
    return LINE_FRAME_BYTES_MAX + cut(text).len * ESCAPE_BYTES;
}

/* Priorities of sd-daemon(3): "<7>". */
#define PRIORITY_BYTES_MAX 3

static char *put_priority(char *at, const struct logline *log, enum logline_level level)
{
    static const char *const priorities[] = {[LOGLINE_DEBUG] = "<7>",
                                             [LOGLINE_INFO] = "<6>",
                                             [LOGLINE_WARNING] = "<4>",
                                             [LOGLINE_ERROR] = "<3>"};
    return log->has_priorities ? put_word(at, priorities[level]) : at;
}

static inline char *put_text_line(char *at, const struct logline *log, const char *kind,
                                  struct span text)
{
    struct span shown = cut(text);
    at = put_span(at, (struct span){log->time, sizeof log->time});
    at = put_word(at, kind);
    *at++ = ' ';
    memcpy(at, log->number, sizeof log->number);
    at += log->number_bytes;
    if (shown.len > 0) {
        *at++ = ' ';
        at = put_escaped(at, shown, false);
    }
    if (shown.len < text.len)
        at = put_word(at, cut_mark);
    *at++ = '\n';
    return at;
}

/* What one key of a line looks like in each of the two forms: what stands before its value. */
struct key {
    const char *json, *logfmt;
};

static char *put_key(char *at, const struct logline *log, const struct key *key)
{
    return put_word(at, log->format == LOGLINE_JSON ? key->json : key->logfmt);
}

static char *put_quoted(char *at, const struct logline *log, const struct key *key,
                        struct span text)
{
    struct span shown = cut(text);
    at = put_key(at, log, key);
    *at++ = '"';
    at = put_escaped(at, shown, true);
    if (shown.len < text.len) {
        *at++ = '\\';
        at = put_word(at, cut_mark);
    }
    *at++ = '"';
    return at;
}

/* A word needs quotes in JSON alone. */
static char *put_plain(char *at, const struct logline *log, const struct key *key, const char *word)
{
    at = put_key(at, log, key);
    if (log->format == LOGLINE_JSON)
        *at++ = '"';
    at = put_word(at, word);
    if (log->format == LOGLINE_JSON)
        *at++ = '"';
    return at;
}

static char *put_number(char *at, const struct logline *log)
{
    static const struct key key = {",\"connection\":", " connection="};
    at = put_key(at, log, &key);
    if (log->connection == 0 && log->format == LOGLINE_JSON)
        return put_word(at, "null");
    memcpy(at, log->number, sizeof log->number);
    return at + log->number_bytes;
}

/* All keys up to `text`, which every line has. */
static char *begin_keys(char *at, const struct logline *log, enum logline_level level,
                        const char *kind, struct span text)
{
    static const struct key time = {"{\"time\":\"", "time="},
                            level_key = {"\",\"level\":", "level="},
                            kind_key = {",\"kind\":", " kind="},
                            text_key = {",\"text\":", " text="};
    static const char *const levels[] = {[LOGLINE_DEBUG] = "debug",
                                         [LOGLINE_INFO] = "info",
                                         [LOGLINE_WARNING] = "warning",
                                         [LOGLINE_ERROR] = "error"};
    at = put_key(at, log, &time);
    at = put_span(at, (struct span){log->time, sizeof log->time});
    if (log->format == LOGLINE_JSON)
        at--; /* its blank */
    at = put_plain(at, log, &level_key, levels[level]);
    at = put_plain(at, log, &kind_key, kind);
    at = put_number(at, log);
    return put_quoted(at, log, &text_key, text);
}

static char *end_keys(char *at, const struct logline *log)
{
    if (log->format == LOGLINE_JSON)
        *at++ = '}';
    *at++ = '\n';
    return at;
}

static const struct key reason_key = {",\"reason\":", " reason="};

static char *put_keys_line(char *at, const struct logline *log, const struct logline_event *event,
                           struct span text)
{
    at = begin_keys(at, log, event->level, event->kind, text);
    if (event->reason != NULL)
        at = put_plain(at, log, &reason_key, event->reason);
    return end_keys(at, log);
}

static char *put_keys_exchange(char *at, const struct logline *log,
                               const struct logline_exchange *exchange)
{
    static const struct key reply_key = {",\"reply\":", " reply="},
                            why_key = {",\"why\":", " why="};
    at = begin_keys(at, log, LOGLINE_INFO, "command", exchange->command);
    if (exchange->reason != NULL) {
        at = put_plain(at, log, &reason_key, exchange->reason);
        at = put_quoted(at, log, &why_key, span_of(exchange->why));
    }
    if (exchange->reply.data != NULL)
        at = put_quoted(at, log, &reply_key, exchange->reply);
    return end_keys(at, log);
}

/* ---- from outside ---- */

static inline void remember(struct logline *log, int64_t realtime_ns, uint64_t connection)
{
    if (realtime_ns != log->realtime_ns || realtime_ns == 0)
        remember_time(log, realtime_ns);
    if (connection != log->connection || log->number_bytes == 0)
        remember_connection(log, connection);
}

void logline_note(struct logline *log, int64_t realtime_ns, const struct logline_event *event,
                  struct span text)
{
    if (event->level < log->level_min)
        return;
    if (log->rate != 0 && event->connection != 0 && is_refused(log))
        return;
    size_t words = strlen(event->kind) + (event->reason == NULL ? 0 : strlen(event->reason));
    char *start = buffer_reserve(&log->lines, words + room_of(text));
    remember(log, realtime_ns, event->connection);
    char *at = put_priority(start, log, event->level);
    at = log->format == LOGLINE_TEXT ? put_text_line(at, log, event->kind, text)
                                     : put_keys_line(at, log, event, text);
    log->lines.len += (size_t)(at - start);
}

void logline_priority(struct logline *log, enum logline_level level)
{
    char priority[PRIORITY_BYTES_MAX];
    char *end = put_priority(priority, log, level);
    buffer_append(&log->lines, (struct span){priority, (size_t)(end - priority)});
}

enum logline_level logline_level_of(const char *kind)
{
    return strcmp(kind, "fault") == 0 || strcmp(kind, "insecure") == 0 ? LOGLINE_WARNING
                                                                       : LOGLINE_INFO;
}

void logline_put(struct logline *log, int64_t realtime_ns, const char *kind, uint64_t connection,
                 struct span text)
{
    const struct logline_event event = {logline_level_of(kind), kind, connection, NULL};
    logline_note(log, realtime_ns, &event, text);
}

static void say_all(struct logline *log, int64_t realtime_ns, const struct logline_event *event,
                    const char *format, va_list arguments) __attribute__((format(printf, 4, 0)));

static void say_all(struct logline *log, int64_t realtime_ns, const struct logline_event *event,
                    const char *format, va_list arguments)
{
    char text[LOGLINE_SAY_BYTES_MAX];
    vsnprintf(text, sizeof text, format, arguments);
    logline_note(log, realtime_ns, event, span_of(text));
}

void logline_say(struct logline *log, int64_t realtime_ns, const char *kind, uint64_t connection,
                 const char *format, ...)
{
    const struct logline_event event = {logline_level_of(kind), kind, connection, NULL};
    va_list arguments;
    va_start(arguments, format);
    say_all(log, realtime_ns, &event, format, arguments);
    va_end(arguments);
}

void logline_note_as(struct logline *log, int64_t realtime_ns, const struct logline_event *event,
                     const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_all(log, realtime_ns, event, format, arguments);
    va_end(arguments);
}

void logline_fail(struct logline *log, int64_t realtime_ns, const char *format, ...)
{
    const struct logline_event event = {.level = LOGLINE_ERROR, .kind = "fault"};
    va_list arguments;
    va_start(arguments, format);
    say_all(log, realtime_ns, &event, format, arguments);
    va_end(arguments);
}

/* Each line counts. */
static inline void put_one(struct logline *log, const char *kind, struct span text)
{
    if (log->rate != 0 && is_refused(log))
        return;
    char *start = buffer_reserve(&log->lines, room_of(text));
    char *at = put_text_line(put_priority(start, log, LOGLINE_INFO), log, kind, text);
    log->lines.len += (size_t)(at - start);
}

static void put_text_exchange(struct logline *log, const struct logline_exchange *exchange)
{
    put_one(log, "command", exchange->command);
    if (exchange->reason != NULL)
        put_one(log, "invalid", span_of(exchange->why));
    if (exchange->reply.data != NULL)
        put_one(log, "reply", exchange->reply);
}

void logline_exchange(struct logline *log, int64_t realtime_ns,
                      const struct logline_exchange *exchange)
{
    remember(log, realtime_ns, exchange->connection);
    if (log->format == LOGLINE_TEXT) {
        put_text_exchange(log, exchange);
        return;
    }
    if (log->rate != 0 && is_refused(log))
        return;
    size_t words = exchange->reason == NULL ? 0 : strlen(exchange->reason);
    struct span why = exchange->reason == NULL ? (struct span){0} : span_of(exchange->why);
    char *start = buffer_reserve(&log->lines, words + room_of(exchange->command) +
                                                  room_of(exchange->reply) + room_of(why));
    char *at = put_priority(start, log, LOGLINE_INFO);
    at = put_keys_exchange(at, log, exchange);
    log->lines.len += (size_t)(at - start);
}

void logline_second(struct logline *log, int64_t realtime_ns)
{
    if (log->rate_refused > 0)
        logline_say(log, realtime_ns, "fault", 0, "%" PRIu64 " lines not written",
                    log->rate_refused);
    log->rate_lines = 0;
    log->rate_refused = 0;
}

void logline_free(struct logline *log)
{
    buffer_free(&log->lines);
}
