/* logline: what a client sends cannot forge a line, and can be read back from it exactly. */
#include "topology/format/logline.h"
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

/* One event in the three forms, with a priority or without. */
static void has_its_form(void)
{
    static const struct {
        enum logline_format format;
        bool has_priorities;
        struct logline_event event;
        const char *text, *wanted;
    } rows[] = {
        {LOGLINE_TEXT,
         false,
         {LOGLINE_WARNING, "link", 0, "silence"},
         "Ball down: silence",
         TIME "link - Ball down: silence\n"},
        {LOGLINE_TEXT,
         true,
         {LOGLINE_WARNING, "link", 0, "silence"},
         "Ball down: silence",
         "<4>" TIME "link - Ball down: silence\n"},
        {LOGLINE_TEXT, true, {LOGLINE_ERROR, "fault", 0, NULL}, "", "<3>" TIME "fault -\n"},
        {LOGLINE_TEXT,
         true,
         {LOGLINE_DEBUG, "invalid", 7, "late"},
         "a",
         "<7>" TIME "invalid 7 a\n"},
        {LOGLINE_JSON,
         false,
         {LOGLINE_WARNING, "link", 0, "silence"},
         "Ball down: silence",
         "{\"time\":\"2026-07-29T12:34:56.123456Z\",\"level\":\"warning\",\"kind\":\"link\","
         "\"connection\":null,\"text\":\"Ball down: silence\",\"reason\":\"silence\"}\n"},
        {LOGLINE_JSON,
         true,
         {LOGLINE_INFO, "connect", UINT64_MAX, NULL},
         "",
         "<6>{\"time\":\"2026-07-29T12:34:56.123456Z\",\"level\":\"info\",\"kind\":\"connect\","
         "\"connection\":18446744073709551615,\"text\":\"\"}\n"},
        {LOGLINE_JSON,
         false,
         {LOGLINE_ERROR, "fault", 1, NULL},
         "a \"b\" \\c\n\xff",
         "{\"time\":\"2026-07-29T12:34:56.123456Z\",\"level\":\"error\",\"kind\":\"fault\","
         "\"connection\":1,\"text\":\"a \\\"b\\\" \\\\\\\\c\\\\x0a\\\\xff\"}\n"},
        {LOGLINE_JSON,
         false,
         {LOGLINE_INFO, "x", 1, NULL},
         "a quote \" among more than sixteen bytes",
         "{\"time\":\"2026-07-29T12:34:56.123456Z\",\"level\":\"info\",\"kind\":\"x\","
         "\"connection\":1,\"text\":\"a quote \\\" among more than sixteen bytes\"}\n"},
        {LOGLINE_LOGFMT,
         false,
         {LOGLINE_DEBUG, "invalid", 17, "malformed"},
         "a \"b\" \\c\n",
         "time=2026-07-29T12:34:56.123456Z level=debug kind=invalid connection=17 "
         "text=\"a \\\"b\\\" \\\\\\\\c\\\\x0a\" reason=malformed\n"},
        {LOGLINE_LOGFMT,
         true,
         {LOGLINE_INFO, "link", 0, NULL},
         "Ball up",
         "<6>time=2026-07-29T12:34:56.123456Z level=info kind=link connection=- "
         "text=\"Ball up\"\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct logline log = {.format = rows[i].format, .has_priorities = rows[i].has_priorities};
        logline_note(&log, WALL_NS, &rows[i].event, span_of(rows[i].text));
        CHECK_BYTES(log.lines.data, log.lines.len, rows[i].wanted, strlen(rows[i].wanted));
        logline_free(&log);
    }
}

/* Which of the four events a log of this level has. */
static void leaves_out_lesser_events(void)
{
    static const char *const wanted[] = {
        [LOGLINE_DEBUG] = "debug info warning error ",
        [LOGLINE_INFO] = "info warning error ",
        [LOGLINE_WARNING] = "warning error ",
        [LOGLINE_ERROR] = "error ",
    };
    static const char *const names[] = {"debug", "info", "warning", "error"};
    for (int level = LOGLINE_DEBUG; level <= LOGLINE_ERROR; level++) {
        struct logline log = {.level_min = (enum logline_level)level};
        char got[64] = "";
        for (int of = LOGLINE_DEBUG; of <= LOGLINE_ERROR; of++) {
            const struct logline_event event = {(enum logline_level)of, "x", 0, NULL};
            log.lines.len = 0;
            logline_note_as(&log, WALL_NS, &event, "%s", names[of]);
            if (log.lines.len > 0)
                strcat(strcat(got, names[of]), " ");
        }
        CHECK_BYTES(got, strlen(got), wanted[level], strlen(wanted[level]));
        logline_free(&log);
    }
}

static void a_kind_has_its_level(void)
{
    struct logline log = {.level_min = LOGLINE_WARNING};
    logline_put(&log, WALL_NS, "connect", 1, SPAN("a"));
    logline_say(&log, WALL_NS, "link", 0, "b");
    CHECK_INT(log.lines.len, 0);
    logline_say(&log, WALL_NS, "fault", 0, "c");
    logline_put(&log, WALL_NS, "insecure", 0, SPAN("d"));
    log.level_min = LOGLINE_ERROR;
    logline_say(&log, WALL_NS, "fault", 0, "e");
    logline_fail(&log, WALL_NS, "f%d", 1);
    const char *wanted = TIME "fault - c\n" TIME "insecure - d\n" TIME "fault - f1\n";
    CHECK_BYTES(log.lines.data, log.lines.len, wanted, strlen(wanted));
    logline_free(&log);
}

static void a_command_and_its_reply_stand_together(void)
{
    const struct {
        enum logline_format format;
        struct logline_exchange exchange;
        const char *wanted;
    } rows[] = {
        {LOGLINE_TEXT,
         {17, SPAN("HELP"), SPAN("help"), NULL, NULL},
         TIME "command 17 HELP\n" TIME "reply 17 help\n"},
        {LOGLINE_TEXT, {17, SPAN("QUIT"), {0}, NULL, NULL}, TIME "command 17 QUIT\n"},
        {LOGLINE_TEXT,
         {17, SPAN("x"), SPAN("? x"), "malformed", "no such command"},
         TIME "command 17 x\n" TIME "invalid 17 no such command\n" TIME "reply 17 ? x\n"},
        {LOGLINE_JSON,
         {17, SPAN("\"\n"), SPAN("? \"\n"), "malformed", "why \"not\""},
         "{\"time\":\"2026-07-29T12:34:56.123456Z\",\"level\":\"info\",\"kind\":\"command\","
         "\"connection\":17,\"text\":\"\\\"\\\\x0a\",\"reason\":\"malformed\",\"why\":\"why "
         "\\\"not\\\"\",\"reply\":\"? \\\"\\\\x0a\"}\n"},
        {LOGLINE_LOGFMT,
         {17, SPAN("HELP"), SPAN("help"), NULL, NULL},
         "time=2026-07-29T12:34:56.123456Z level=info kind=command connection=17 text=\"HELP\" "
         "reply=\"help\"\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* No level keeps commands out, a rate does. */
        struct logline log = {.format = rows[i].format, .level_min = LOGLINE_ERROR};
        logline_exchange(&log, WALL_NS, &rows[i].exchange);
        CHECK_BYTES(log.lines.data, log.lines.len, rows[i].wanted, strlen(rows[i].wanted));
        log.lines.len = 0;
        log.rate = 1;
        log.rate_lines = 1;
        logline_exchange(&log, WALL_NS, &rows[i].exchange);
        CHECK_INT(log.lines.len, 0);
        CHECK(log.rate_refused > 0);
        logline_free(&log);
    }
}

/* The longest line there can be, of bytes that all need the most room, in a buffer without more. */
static void the_longest_lines_have_room(void)
{
    static char text[LOGLINE_TEXT_BYTES_MAX + 1];
    for (int form = LOGLINE_TEXT; form <= LOGLINE_LOGFMT; form++) {
        struct logline log = {.format = (enum logline_format)form, .has_priorities = true};
        const struct span all = {text, sizeof text};
        const struct logline_exchange exchange = {UINT64_MAX, all, all, "malformed", "why"};
        logline_exchange(&log, WALL_NS, &exchange);
        CHECK(log.lines.len > 2 * LOGLINE_TEXT_BYTES_MAX * 4);
        const char *mark = form == LOGLINE_TEXT ? "\\x00\\...\n" : "\\x00\\\\...\"";
        CHECK(memmem(log.lines.data, log.lines.len, mark, strlen(mark)) != NULL);
        logline_free(&log);
    }
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

/* Seconds, how many lines come about a connection in each, and how many are in the log. */
static void writes_so_many_a_second(void)
{
    static const struct {
        uint32_t rate;
        unsigned given, written;
        const char *said;
    } seconds[] = {
        {0, 50, 50, ""},
        {3, 2, 2, ""},
        {3, 3, 3, ""},
        {3, 4, 3, TIME "fault - 1 lines not written\n"},
        {3, 5, 3, TIME "fault - 2 lines not written\n"},
        {3, 3, 3, ""},
        {1, 9, 1, TIME "fault - 8 lines not written\n"},
    };
    struct logline log = {0};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        log.lines.len = 0;
        log.rate = seconds[i].rate;
        for (unsigned line = 0; line < seconds[i].given; line++)
            logline_put(&log, WALL_NS, "connect", 17, SPAN(""));
        CHECK_INT(log.lines.len, seconds[i].written * strlen(TIME "connect 17\n"));
        log.lines.len = 0;
        logline_second(&log, WALL_NS);
        CHECK_BYTES(log.lines.data, log.lines.len, seconds[i].said, strlen(seconds[i].said));
    }
    logline_free(&log);
}

static void writes_all_about_the_node(void)
{
    struct logline log = {.rate = 1};
    logline_put(&log, WALL_NS, "connect", 17, SPAN(""));
    logline_put(&log, WALL_NS, "connect", 18, SPAN(""));
    logline_put(&log, WALL_NS, "link", 0, SPAN("Ball up"));
    logline_say(&log, WALL_NS, "link", 0, "Ball down");
    const char *wanted = TIME "connect 17\n" TIME "link - Ball up\n" TIME "link - Ball down\n";
    CHECK_BYTES(log.lines.data, log.lines.len, wanted, strlen(wanted));
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
    {"a second has a limited number of lines about connections; the rest is counted",
     writes_so_many_a_second},
    {"an event has its form, and its priority where there are some", has_its_form},
    {"events below the level are left out", leaves_out_lesser_events},
    {"a kind has its level", a_kind_has_its_level},
    {"a command, why it is refused and its reply stand together",
     a_command_and_its_reply_stand_together},
    {"the longest lines have room", the_longest_lines_have_room},
    {"lines about the node have no limit", writes_all_about_the_node},
};

CHECK_MAIN(cases)
