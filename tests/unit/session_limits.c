/* session: what is too much of anything, and how a client ends. */
#include "tests/unit/session_rig.h"

static void too_long_line_is_answered_once(void)
{
    struct rig rig = rig_of(false);
    static char line[LINES_BYTES_MAX + 2 + sizeof "HELLO\n"];
    memset(line, 'x', LINES_BYTES_MAX + 1);
    memcpy(line + LINES_BYTES_MAX + 1, "\nHELLO\n", 7);
    say(&rig, (struct span){line, LINES_BYTES_MAX + 8});
    CHECK_INT(rig.got.len, 2 + LINES_BYTES_MAX + 1 + strlen("? HELLO\n"));
    CHECK(memcmp(rig.got.data, "? xxx", 5) == 0);
    CHECK(memcmp(rig.got.data + LINES_BYTES_MAX, "xx\n? HELLO\n", 11) == 0);
    release(&rig);
}

static void one_lookup_too_many_waits(void)
{
    struct rig rig = rig_of(true);
    uint64_t ids[SESSION_LOOKUPS_MAX + 1];
    say(&rig, SPAN(IAMAT("kiwi")));
    rig.got.len = 0;
    for (int i = 0; i < SESSION_LOOKUPS_MAX; i++) {
        CHECK(session_wants_input(&rig.session));
        say(&rig, i < SESSION_LOOKUPS_MAX - 1 ? SPAN("WHATSAT kiwi 1 1\n")
                                              : SPAN("WHATSAT kiwi 1 1\nWHATSAT kiwi 1 1\nX\n"));
    }
    CHECK(!session_wants_input(&rig.session));
    CHECK_INT(send_requests(&rig, ids, SESSION_LOOKUPS_MAX), SESSION_LOOKUPS_MAX);
    answer(&rig, ids[3], SPAN("{}"));
    CHECK(!session_wants_input(&rig.session));
    CHECK_INT(send_requests(&rig, ids + SESSION_LOOKUPS_MAX, 1), 1);
    for (int i = 0; i <= SESSION_LOOKUPS_MAX; i++) {
        if (i != 3)
            answer(&rig, ids[i], SPAN("{}"));
    }
    CHECK(session_wants_input(&rig.session));
    take(&rig, SIZE_MAX);
    CHECK_INT(rig.got.len, (SESSION_LOOKUPS_MAX + 1) * strlen(AT("kiwi") "{}\n\n") + 4);
    release(&rig);
}

static void too_many_lookups_of_the_node_are_refused_at_once(void)
{
    struct rig rig = rig_of(true);
    struct lookup lookup = {.radius_m = 1};
    uint64_t ticket;
    while (requests_ask(rig.node.requests, 1, &lookup, 0, &ticket))
        continue;
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 1 1\n"));
    CHECK(memmem(rig.got.data, rig.got.len, "OVER_QUERY_LIMIT", 16) != NULL);
    CHECK(session_wants_input(&rig.session));
    release(&rig);
}

/* Fills the output to exactly `bytes` with "? xxx" lines. */
static void fill_output(struct rig *rig, size_t bytes)
{
    static char line[1024];
    memset(line, 'x', sizeof line);
    while (rig->session.out.len < bytes) {
        size_t left = bytes - rig->session.out.len;
        size_t reply = left > 2 * sizeof line ? sizeof line : left > sizeof line ? left / 2 : left;
        line[reply - 3] = '\n';
        send_only(rig, (struct span){line, reply - 2});
        line[reply - 3] = 'x';
    }
    CHECK_INT(rig->session.out.len, bytes);
}

static void unread_output_stops_the_input(void)
{
    struct rig rig = rig_of(false);
    fill_output(&rig, SESSION_OUTPUT_SOFT_BYTES - 1);
    CHECK(session_wants_input(&rig.session));
    send_only(&rig, SPAN("a\nb\nc"));
    CHECK_INT(rig.session.out.len, SESSION_OUTPUT_SOFT_BYTES - 1 + 4);
    CHECK(!session_wants_input(&rig.session));
    take(&rig, 4);
    CHECK_INT(rig.session.out.len, SESSION_OUTPUT_SOFT_BYTES - 1 + 4);
    take(&rig, 3);
    CHECK_INT(rig.session.out.len, SESSION_OUTPUT_SOFT_BYTES);
    CHECK(!session_wants_input(&rig.session));
    take(&rig, 1);
    CHECK(session_wants_input(&rig.session));
    send_only(&rig, SPAN("c\n"));
    take(&rig, SIZE_MAX);
    CHECK(memcmp(rig.got.data + rig.got.len - 13, "? a\n? b\n? cc\n", 13) == 0);
    release(&rig);
}

static void amplified_output_stays_bounded(void)
{
    struct rig rig = rig_of(false);
    static char text[64 * 1024];
    for (size_t i = 0; i + 5 <= sizeof text; i += 5)
        memcpy(text + i, "HELP\n", 5);
    send_only(&rig, (struct span){text, sizeof text / 5 * 5});
    CHECK(session_holds(&rig.session) < 2 * SESSION_OUTPUT_SOFT_BYTES + 2 * sizeof text);
    size_t replies = 0;
    while (session_output(&rig.session).len > 0) {
        CHECK(rig.session.out.len < SESSION_OUTPUT_SOFT_BYTES + 1024);
        take(&rig, 100000);
    }
    for (size_t i = 0; i + 5 <= rig.got.len; i++)
        replies += memcmp(rig.got.data + i, "QUIT\n", 5) == 0;
    CHECK_INT(replies, sizeof text / 5);
    CHECK(session_wants_input(&rig.session));
    CHECK_INT(session_holds(&rig.session), rig.session.out.capacity);
    release(&rig);
}

static void half_close_gets_all_replies(void)
{
    struct rig rig = rig_of(true);
    uint64_t id;
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 1 1\nthe end"));
    session_end_input(&rig.session, &rig.node);
    CHECK(!session_is_over(&rig.session));
    CHECK(!session_wants_input(&rig.session));
    CHECK_INT(send_requests(&rig, &id, 1), 1);
    answer(&rig, id, SPAN("{}"));
    CHECK(!session_is_over(&rig.session));
    take(&rig, SIZE_MAX);
    expect(&rig, AT("kiwi") AT("kiwi") "{}\n\n? the end\n");
    CHECK(session_is_over(&rig.session));
    release(&rig);
}

static void half_close_behind_a_limit_gets_all_replies(void)
{
    struct rig rig = rig_of(false);
    fill_output(&rig, SESSION_OUTPUT_SOFT_BYTES - 1);
    send_only(&rig, SPAN("a\nb\nc"));
    session_end_input(&rig.session, &rig.node);
    take(&rig, SESSION_OUTPUT_SOFT_BYTES);
    CHECK(!session_is_over(&rig.session));
    take(&rig, SIZE_MAX);
    CHECK(memcmp(rig.got.data + rig.got.len - 12, "? a\n? b\n? c\n", 12) == 0);
    CHECK(session_is_over(&rig.session));
    release(&rig);
}

/* IAC EOF where a limit says wait; lines from before the first IAC are plain to the end. */
static void eof_at_a_limit_gets_all_replies(void)
{
    struct rig rig = rig_of(false);
    fill_output(&rig, SESSION_OUTPUT_SOFT_BYTES - 1);
    send_only(&rig, SPAN("a\nb\nc\xff\xf1\nd\r\0e\xff\xec"));
    CHECK(!session_wants_input(&rig.session));
    take(&rig, SESSION_OUTPUT_SOFT_BYTES);
    CHECK(!session_is_over(&rig.session));
    take(&rig, SIZE_MAX);
    static const char wanted[] = "? a\n? b\n? c\r\n? d\r\n? e\r\n";
    size_t bytes = strlen(wanted);
    CHECK(memcmp(rig.got.data + rig.got.len - bytes, wanted, bytes) == 0);
    CHECK(session_is_over(&rig.session));
    release(&rig);
}

static void quit_ends_after_earlier_replies(void)
{
    struct rig rig = rig_of(true);
    uint64_t id;
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 1 1\nX\nquit\n" IAMAT("late")));
    CHECK(!session_wants_input(&rig.session));
    CHECK(!session_is_over(&rig.session));
    CHECK_INT(send_requests(&rig, &id, 1), 1);
    answer(&rig, id, SPAN("{}"));
    take(&rig, SIZE_MAX);
    expect(&rig, AT("kiwi") AT("kiwi") "{}\n\n? X\n");
    CHECK(session_is_over(&rig.session));
    CHECK_INT(flood_clients(rig.node.flood), 1);
    release(&rig);
}

static void browser_is_sent_away(void)
{
    const struct {
        struct span said;
        const char *replies;
    } rows[] = {
        {SPAN("POST / HTTP/1.1\r\nHost: x\r\n\r\n" IAMAT("evil")), "? POST / HTTP/1.1\n"},
        {SPAN("PUT / HTTP/1.1\r\nHost: x\r\n\r\n" IAMAT("evil")), "? PUT / HTTP/1.1\n"},
        {SPAN("PATCH / HTTP/1.1\r\n" IAMAT("evil")), "? PATCH / HTTP/1.1\n"},
        {SPAN("DELETE /\n" IAMAT("evil")), "? DELETE /\n"},
        {SPAN("GET / HTTP/1.1\r\nhost: x\r\n" IAMAT("evil")), "? GET / HTTP/1.1\n? host: x\n"},
        {SPAN("OPTIONS / HTTP/1.1\r\nHOST: x\r\n" IAMAT("evil")),
         "? OPTIONS / HTTP/1.1\n? HOST: x\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig = rig_of(false);
        say(&rig, rows[i].said);
        expect(&rig, rows[i].replies);
        CHECK(session_is_over(&rig.session));
        CHECK_INT(flood_clients(rig.node.flood), 0);
        release(&rig);
    }
    struct rig rig = rig_of(false);
    say(&rig, SPAN("GET / HTTP/1.1\r\n"));
    expect(&rig, "? GET / HTTP/1.1\n");
    CHECK(session_wants_input(&rig.session));
    release(&rig);
}

static void resting_session_owns_nothing(void)
{
    struct rig rig = rig_of(true);
    uint64_t id;
    send_only(&rig, SPAN(IAMAT("kiwi") "half"));
    CHECK(session_holds(&rig.session) > 0);
    session_attach_output(&rig.session, &rig.shared);
    take(&rig, SIZE_MAX);
    session_detach_output(&rig.session, &rig.shared);
    CHECK(session_holds(&rig.session) > 0);
    session_attach_output(&rig.session, &rig.shared);
    say(&rig, SPAN(" a line\nWHATSAT kiwi 1 1\n"));
    session_detach_output(&rig.session, &rig.shared);
    CHECK(session_holds(&rig.session) > 0);
    CHECK_INT(send_requests(&rig, &id, 1), 1);
    answer(&rig, id, SPAN("{}"));
    session_attach_output(&rig.session, &rig.shared);
    take(&rig, SIZE_MAX);
    session_detach_output(&rig.session, &rig.shared);
    expect(&rig, AT("kiwi") "? half a line\n" AT("kiwi") "{}\n\n");
    CHECK_INT(session_holds(&rig.session), 0);
    CHECK(rig.shared.len == 0);
    release(&rig);
}

static const struct check_case cases[] = {
    {"a line one byte too long is answered once", too_long_line_is_answered_once},
    {"one look-up past the limit waits unparsed", one_lookup_too_many_waits},
    {"too many look-ups of the node are refused at once",
     too_many_lookups_of_the_node_are_refused_at_once},
    {"at the limit of unread output the input waits", unread_output_stops_the_input},
    {"short commands with long replies stay within the limit", amplified_output_stays_bounded},
    {"after a half-close all replies come", half_close_gets_all_replies},
    {"after a half-close behind a limit, too", half_close_behind_a_limit_gets_all_replies},
    {"after IAC EOF at a limit, too", eof_at_a_limit_gets_all_replies},
    {"QUIT ends it after the earlier replies", quit_ends_after_earlier_replies},
    {"a browser gets its echo and nothing else is done", browser_is_sent_away},
    {"a session at rest owns no memory", resting_session_owns_nothing},
};

CHECK_MAIN(cases)
