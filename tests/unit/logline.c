/* logline: what a client sends cannot forge a line, and can be told from it again. */
#include "gateway/text/logline.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define WALL_NS INT64_C(1785328496123456789) /* 2026-07-29 12:34:56 UTC */
#define TIME    "2026-07-29T12:34:56.123456Z "

static void check_line(struct span text, const char *wanted)
{
    struct logline log = {0};
    logline_put(&log, WALL_NS, "command", 17, text);
    CHECK_BYTES(log.lines.data, log.lines.len, wanted, strlen(wanted));
    logline_free(&log);
}

static void has_a_fixed_order(void)
{
    check_line(SPAN("IAMAT kiwi +34-118 1"), TIME "command 17 IAMAT kiwi +34-118 1\n");
    check_line(SPAN(""), TIME "command 17\n");

    struct logline log = {0};
    logline_put(&log, WALL_NS, "stop", 0, SPAN("x"));
    logline_put(&log, WALL_NS, "stop", UINT64_MAX, SPAN("y"));
    logline_say(&log, WALL_NS, "link", 0, "%s up\n%d", "Ball", 7);
    const char *wanted =
        TIME "stop - x\n" TIME "stop 18446744073709551615 y\n" TIME "link - Ball up\\x0a7\n";
    CHECK_BYTES(log.lines.data, log.lines.len, wanted, strlen(wanted));
    logline_free(&log);
}

static void escapes_what_is_not_plain(void)
{
    check_line(SPAN("a\nb"), TIME "command 17 a\\x0ab\n");
    check_line(SPAN("\\x0a"), TIME "command 17 \\\\x0a\n");
    check_line(SPAN("\x1b[2J\x00\x7f\x80\xff ~"),
               TIME "command 17 \\x1b[2J\\x00\\x7f\\x80\\xff ~\n");
}

/* How a byte stands in a line. */
static void write_escaped(int byte, char form[8])
{
    if (byte == '\\')
        snprintf(form, 8, "\\\\");
    else if (byte < 0x20 || byte > 0x7e)
        snprintf(form, 8, "\\x%02x", (unsigned)byte);
    else
        snprintf(form, 8, "%c", byte);
}

/* Every byte at every place among plain ones, which are looked at sixteen at a time: also in texts
 * that are just too short for that, and just long enough for one time more. */
static void one_byte_among_plain_ones_is_escaped(void)
{
    static const size_t sizes[] = {1, 15, 16, 17, 31, 32, 33, 49};
    const char *plain = "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~";
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t at = 0; at < sizes[i]; at++)
            for (int byte = 0; byte < 256; byte++) {
                char text[49], wanted[192], form[8];
                memset(text, '~', sizeof text);
                text[at] = (char)byte;
                write_escaped(byte, form);
                snprintf(wanted, sizeof wanted, TIME "command 17 %.*s%s%.*s\n", (int)at, plain,
                         form, (int)(sizes[i] - at - 1), plain);
                check_line((struct span){text, sizes[i]}, wanted);
            }
}

static void lines_of_two_connections_keep_their_numbers(void)
{
    struct logline log = {0};
    static const uint64_t numbers[] = {0, 0, 7, 7, 1234567, 7, 0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        logline_put(&log, WALL_NS, "x", numbers[i], SPAN(""));
    const char *wanted = TIME "x -\n" TIME "x -\n" TIME "x 7\n" TIME "x 7\n" TIME "x 1234567\n" TIME
                              "x 7\n" TIME "x -\n";
    CHECK_BYTES(log.lines.data, log.lines.len, wanted, strlen(wanted));
    logline_free(&log);
}

static void moments_of_one_second_and_of_others_follow_in_any_order(void)
{
    struct logline log = {0};
    logline_put(&log, WALL_NS, "x", 0, SPAN(""));
    logline_put(&log, WALL_NS, "x", 0, SPAN(""));
    logline_put(&log, WALL_NS + 1000, "x", 0, SPAN(""));
    logline_put(&log, WALL_NS + 1000000000, "x", 0, SPAN(""));
    logline_put(&log, WALL_NS, "x", 0, SPAN(""));
    const char *wanted = TIME "x -\n" TIME "x -\n2026-07-29T12:34:56.123457Z x -\n"
                              "2026-07-29T12:34:57.123456Z x -\n" TIME "x -\n";
    CHECK_BYTES(log.lines.data, log.lines.len, wanted, strlen(wanted));
    logline_free(&log);
}

/* Undoes the escaping: the mapping is exact if this gives back every text. */
static size_t unescape(const char *at, size_t bytes, char *out)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != '\\') {
            out[count++] = at[i];
        } else if (at[i + 1] == '\\') {
            out[count++] = '\\';
            i++;
        } else {
            char digits[] = {at[i + 2], at[i + 3], '\0'};
            CHECK(at[i + 1] == 'x');
            out[count++] = (char)strtoul(digits, NULL, 16);
            i += 3;
        }
    }
    return count;
}

static void gives_back_any_bytes(void)
{
    const size_t before = strlen(TIME "command 17 ");
    uint64_t state = 1;
    for (int round = 0; round < 2000; round++) {
        char text[64], back[64 * 4];
        size_t bytes = input_draw(&state) % (sizeof text) + 1;
        for (size_t i = 0; i < bytes; i++)
            text[i] = round % 2 == 0 ? (char)input_draw(&state) : "\\x0a"[input_draw(&state) % 4];
        struct logline log = {0};
        logline_put(&log, WALL_NS, "command", 17,
                    (struct span){check_at_page_end(text, bytes), bytes});
        CHECK(memchr(log.lines.data, '\n', log.lines.len) == log.lines.data + log.lines.len - 1);
        size_t count = unescape(log.lines.data + before, log.lines.len - before - 1, back);
        CHECK_BYTES(back, count, text, bytes);
        logline_free(&log);
    }
}

static void cuts_a_long_text_so_that_it_shows(void)
{
    static char text[LOGLINE_TEXT_BYTES_MAX + 1];
    const size_t before = strlen(TIME "command 17 ");
    memset(text, '\\', sizeof text);
    struct logline log = {0};
    logline_put(&log, WALL_NS, "command", 17, (struct span){text, LOGLINE_TEXT_BYTES_MAX});
    CHECK_INT(log.lines.len, before + 2 * LOGLINE_TEXT_BYTES_MAX + 1);
    log.lines.len = 0;
    logline_put(&log, WALL_NS, "command", 17, (struct span){text, LOGLINE_TEXT_BYTES_MAX + 1});
    CHECK_INT(log.lines.len, before + 2 * LOGLINE_TEXT_BYTES_MAX + strlen("\\...\n"));
    CHECK(memcmp(log.lines.data + log.lines.len - 7, "\\\\\\...\n", 7) == 0);
    logline_free(&log);
}

static void knows_the_calendar(void)
{
    /* Seconds since 1970 from date(1), GNU coreutils. */
    static const struct {
        int64_t second;
        const char *text;
    } days[] = {
        {0, "1970-01-01T00:00:00"},          {951782399, "2000-02-28T23:59:59"},
        {951782400, "2000-02-29T00:00:00"},  {951868800, "2000-03-01T00:00:00"},
        {1709251199, "2024-02-29T23:59:59"}, {1709251200, "2024-03-01T00:00:00"},
        {1767225599, "2025-12-31T23:59:59"}, {1767225600, "2026-01-01T00:00:00"},
        {4107542399, "2100-02-28T23:59:59"}, {4107542400, "2100-03-01T00:00:00"},
        {9223372036, "2262-04-11T23:47:16"},
    };
    struct logline log = {0};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        log.lines.len = 0;
        logline_put(&log, days[i].second * 1000000000, "x", 0, SPAN(""));
        CHECK_BYTES(log.lines.data, 19, days[i].text, strlen(days[i].text));
    }
    logline_free(&log);
}

static const struct check_case cases[] = {
    {"a line is time, kind, connection and text, in this order", has_a_fixed_order},
    {"bytes that are not plain, and the backslash, are escaped", escapes_what_is_not_plain},
    {"one byte among plain ones is escaped", one_byte_among_plain_ones_is_escaped},
    {"lines of two connections keep their numbers", lines_of_two_connections_keep_their_numbers},
    {"moments of one second and of others follow in any order",
     moments_of_one_second_and_of_others_follow_in_any_order},
    {"any bytes stay within a line and can be read back", gives_back_any_bytes},
    {"a text past the limit is cut, and the line shows it", cuts_a_long_text_so_that_it_shows},
    {"times are dates of the Gregorian calendar, leap days and centuries included",
     knows_the_calendar},
};

CHECK_MAIN(cases)
