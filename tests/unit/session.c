/* session: one reply per command, in order, whatever waits and however it is split. */
#include "tests/unit/session_rig.h"

static void iamat_is_answered_and_flooded(void)
{
    struct rig rig = rig_of(false);
    say(&rig, SPAN(IAMAT("kiwi")));
    expect(&rig, AT("kiwi"));
    CHECK(flood_is_due(rig.node.flood, 0));
    struct location location;
    CHECK(flood_find(rig.node.flood, SPAN("kiwi"), &location));
    CHECK(location.difference_ns == 500000000);
    CHECK(location.order_ns == INT64_C(1621464827500000000));
    CHECK_BYTES(location.origin.data, location.origin.len, "Clark", 5);
    release(&rig);
}

static void stale_stamp_gets_its_own_line(void)
{
    struct rig rig = rig_of(false);
    say(&rig, SPAN(IAMAT("kiwi")));
    uint64_t digest = flood_digest(rig.node.flood);
    rig.got.len = 0;
    flood_coalesces(rig.node.flood, 0);
    say(&rig, SPAN("IAMAT kiwi +1-1 1621464827\n"));
    expect(&rig, "AT Clark +1.000000000 kiwi +1-1 1621464827\n");
    rig.node.realtime_ns++;
    say(&rig, SPAN(IAMAT("kiwi")));
    expect(&rig, "AT Clark +0.500000001 kiwi +34.068930-118.445127 1621464827.5\n");
    CHECK(!flood_is_due(rig.node.flood, 0));
    CHECK(flood_digest(rig.node.flood) == digest);
    release(&rig);
}

static void a_clock_ahead_loses_no_position(void)
{
    struct rig rig = rig_of(false);
    say(&rig, SPAN("IAMAT kiwi +1+1 9000000001\nIAMAT kiwi +2+2 9000000002\n"
                   "WHATSAT kiwi 1 0\n"));
    const char *newest = "AT Clark -7378535173.999999999 kiwi +2+2 9000000002\n";
    char *got = memmem(rig.got.data, rig.got.len, newest, strlen(newest));
    CHECK(got != NULL);
    size_t rest = got == NULL ? 0 : rig.got.len - (size_t)(got + 1 - rig.got.data);
    CHECK(got != NULL && memmem(got + 1, rest, newest, strlen(newest)) != NULL);
    release(&rig);
}

/* Its clock is an hour behind the herd's. */
static void a_slow_node_orders_by_the_herds_time(void)
{
    struct rig rig = rig_of(false);
    rig.node.accept_ns = WALL_NS + INT64_C(3600000000000);
    say(&rig, SPAN("IAMAT kiwi +1+1 1621468428\nIAMAT kiwi +2+2 1621468433\n"));
    expect(&rig, "AT Clark -3600.000000000 kiwi +1+1 1621468428\n"
                 "AT Clark -3605.000000000 kiwi +2+2 1621468433\n");
    struct location location;
    CHECK(flood_find(rig.node.flood, SPAN("kiwi"), &location));
    CHECK(location.order_ns == INT64_C(1621468433000000000));
    CHECK(rig.node.accept_ns - rig.node.realtime_ns == INT64_C(3600000000000));
    say(&rig, SPAN("IAMAT plum +3+3 1621468433.5\nIAMAT plum +4+4 1621468433.7\n"));
    CHECK(flood_find(rig.node.flood, SPAN("plum"), &location));
    CHECK(span_equals(location.position, SPAN("+4+4")));
    CHECK(location.order_ns == INT64_C(1621468433000000001));
    CHECK(rig.node.accept_ns - rig.node.realtime_ns == INT64_C(3600000000000));
    release(&rig);
}

static void extreme_stamps_have_exact_differences(void)
{
    struct rig rig = rig_of(false);
    say(&rig, SPAN("IAMAT a +1-1 0\nIAMAT c +1-1 1621464828.000000001\n"
                   "IAMAT b +1-1 9223372036.854775807\n"));
    expect(&rig, "AT Clark +1621464828.000000000 a +1-1 0\n"
                 "AT Clark -0.000000001 c +1-1 1621464828.000000001\n"
                 "AT Clark -7601907208.854775807 b +1-1 9223372036.854775807\n");
    struct location location;
    CHECK(flood_find(rig.node.flood, SPAN("b"), &location));
    CHECK(location.order_ns == WALL_NS + LOCATION_SKEW_NS_MAX);
    release(&rig);
}

static void invalid_commands_come_back(void)
{
    struct rig rig = rig_of(true);
    say(&rig, SPAN("FOO  bar \r\n\nWHATSAT nobody 10 5\nAT Clark +1 a +1-1 1\n"));
    expect(&rig, "? FOO  bar\n? \n? WHATSAT nobody 10 5\n? AT Clark +1 a +1-1 1\n");
    CHECK_INT(rig.node.count.commands, 4);
    CHECK_INT(rig.node.count.invalid, 4);
    CHECK_INT(requests_in_flight(rig.node.requests), 0);
    release(&rig);
}

static void full_table_refuses_new_clients_only(void)
{
    struct rig rig = make_rig(1, false);
    say(&rig, SPAN(IAMAT("kiwi") "IAMAT  nova +1-1 1\nIAMAT kiwi +1-1 1621464828\n"));
    expect(&rig, AT("kiwi") "? IAMAT  nova +1-1 1\nAT Clark +0.000000000 kiwi +1-1 1621464828\n");
    release(&rig);
}

static void without_places_the_json_says_so(void)
{
    struct rig rig = rig_of(false);
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 10 1\n"));
    const char *start = AT("kiwi") AT("kiwi") "{";
    CHECK(rig.got.len > strlen(start) && memcmp(rig.got.data, start, strlen(start)) == 0);
    CHECK(memmem(rig.got.data, rig.got.len, "no places service", 17) != NULL);
    CHECK(memcmp(rig.got.data + rig.got.len - 3, "}\n\n", 3) == 0);
    release(&rig);
}

/* With or without a places service, and without asking it. */
static void a_bound_of_0_is_answered_at_once(void)
{
    for (int places = 0; places < 2; places++) {
        struct rig rig = rig_of(places == 1);
        uint64_t id;
        say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 10 0\nX\n"));
        expect(&rig, AT("kiwi") AT("kiwi") "{\n   \"html_attributions\": [],\n   \"results\": [],\n"
                                           "   \"status\": \"OK\"\n}\n\n? X\n");
        CHECK_INT(places == 1 ? send_requests(&rig, &id, 1) : 0, 0);
        release(&rig);
    }
}

static void at_line_and_json_leave_together(void)
{
    struct rig rig = rig_of(true);
    uint64_t id;
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 10 5\n"));
    expect(&rig, AT("kiwi"));
    CHECK_INT(session_output(&rig.session).len, 0);
    CHECK(!session_is_over(&rig.session));
    CHECK_INT(send_requests(&rig, &id, 1), 1);
    answer(&rig, id, SPAN(JSON("Royce Hall") "\n\n\n"));
    const char *whole = AT("kiwi") JSON("Royce Hall") "\n\n";
    struct span output = session_output(&rig.session);
    CHECK_BYTES(output.data, output.len, whole, strlen(whole));
    take(&rig, SIZE_MAX);
    CHECK(session_wants_input(&rig.session));
    release(&rig);
}

static void request_carries_place_and_radius(void)
{
    struct rig rig = rig_of(true);
    char request[LOOKUP_REQUEST_BYTES_MAX];
    uint64_t id;
    uint32_t broker;
    struct lookup lookup;
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 50 20\n"));
    size_t bytes = requests_next(rig.node.requests, 0, &broker, &id, request);
    CHECK(lookup_read_request((struct span){request, bytes}, &lookup));
    CHECK(lookup.latitude_nanodeg == 34068930000);
    CHECK(lookup.longitude_nanodeg == -118445127000);
    CHECK_INT(lookup.radius_m, 50000);
    CHECK_INT(lookup.bound, 20);
    release(&rig);
}

static void answers_in_any_order_keep_the_order_of_commands(void)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const struct span json[3] = {SPAN(JSON("one")), SPAN(JSON("number two")), SPAN(JSON("3"))};
    for (int order = 0; order < 6; order++) {
        struct rig rig = rig_of(true);
        uint64_t ids[3];
        say(&rig, SPAN(IAMAT("a") IAMAT("b")));
        rig.got.len = 0;
        say(&rig, SPAN("X\nWHATSAT a 1 1\nWHATSAT b 1 1\nY\nWHATSAT a 2 2\nZ\n"));
        CHECK_INT(send_requests(&rig, ids, 3), 3);
        for (int i = 0; i < 3; i++) {
            answer(&rig, ids[orders[order][i]], json[orders[order][i]]);
            take(&rig, SIZE_MAX);
        }
        expect(&rig, "? X\n" AT("a") JSON("one") "\n\n" AT("b")
                         JSON("number two") "\n\n? Y\n" AT("a") JSON("3") "\n\n? Z\n");
        release(&rig);
    }
}

static void what_is_complete_leaves_at_once(void)
{
    struct rig rig = rig_of(true);
    uint64_t ids[2];
    say(&rig, SPAN(IAMAT("a") "WHATSAT a 1 1\nX\nWHATSAT a 2 2\nY\n"));
    expect(&rig, AT("a"));
    CHECK_INT(send_requests(&rig, ids, 2), 2);
    answer(&rig, ids[0], SPAN(JSON("one")));
    take(&rig, SIZE_MAX);
    expect(&rig, AT("a") JSON("one") "\n\n? X\n");
    answer(&rig, ids[1], SPAN(JSON("two")));
    take(&rig, SIZE_MAX);
    expect(&rig, AT("a") JSON("two") "\n\n? Y\n");
    release(&rig);
}

static void strange_answers_change_nothing(void)
{
    struct rig rig = rig_of(true);
    struct requests_answer strange = {.asker = 1700, .ticket = 12345, .body = SPAN("{}")};
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 1 1\n"));
    rig.got.len = 0;
    session_answer(&rig.session, &rig.node, &strange);
    CHECK_INT(session_output(&rig.session).len, 0);
    release(&rig);
}

static void telnet_is_answered_in_the_stream(void)
{
    struct rig rig = rig_of(false);
    say(&rig, SPAN("\xff\xfd\x06X\n"));
    expect(&rig, "\xff\xfc\x06? X\r\n");
    say(&rig, SPAN("\xff\xfd\x06\xff\xfd\x06\xff\xfb\x01\xff\xfb\x01\xff\xfc\x01\xff\xfe\x01"));
    expect(&rig, "\xff\xfc\x06\xff\xfc\x06\xff\xfe\x01\xff\xfe\x01");
    release(&rig);
}

#define AT_CRLF(name) "AT Clark +0.500000000 " name " +34.068930-118.445127 1621464827.5\r\n"
#define NOP           "\xff\xf1"
#define NO_PLACES                                                                                  \
    "{\n   \"html_attributions\": [],\n   \"results\": [],\n   \"status\": \"OK\"\n}\n\n"

/* HELP's lines, with the line end given. */
static void append_help(struct buffer *wanted, const char *line_end)
{
    struct rig rig = rig_of(false);
    say(&rig, SPAN("HELP\n"));
    for (size_t i = 0; i < rig.got.len; i++) {
        struct span byte = {rig.got.data + i, 1};
        buffer_append(wanted, *byte.data == '\n' ? span_of(line_end) : byte);
    }
    release(&rig);
}

/* What is said in one read, in two anywhere and byte by byte, each read while the client takes what
 * there is: the same replies. "<HELP>" in them are HELP's lines in CR LF. */
static void check_replies(struct span said, struct span replies, bool is_over)
{
    struct buffer wanted = {0};
    char *help = memmem(replies.data, replies.len, "<HELP>", 6);
    size_t before = help == NULL ? replies.len : (size_t)(help - replies.data);
    buffer_append(&wanted, (struct span){replies.data, before});
    if (help != NULL) {
        append_help(&wanted, "\r\n");
        buffer_append(&wanted, (struct span){help + 6, replies.len - before - 6});
    }
    for (size_t split = 0; split <= said.len + 1; split++) {
        struct rig rig = rig_of(true);
        size_t first = split <= said.len ? split : 0;
        if (first > 0)
            say(&rig, (struct span){said.data, first});
        for (size_t at = first, more; at < said.len; at += more) {
            more = split <= said.len ? said.len - at : 1;
            if (session_wants_input(&rig.session))
                say(&rig, (struct span){said.data + at, more});
        }
        CHECK_BYTES(rig.got.data, rig.got.len, wanted.data, wanted.len);
        CHECK(session_is_over(&rig.session) == is_over);
        CHECK(session_wants_input(&rig.session) == !is_over);
        release(&rig);
    }
    buffer_free(&wanted);
}

static void who_speaks_telnet_reads_crlf(void)
{
    const struct {
        struct span said, replies;
        bool is_over;
    } rows[] = {
        {SPAN(NOP IAMAT("kiwi")), SPAN(AT_CRLF("kiwi")), false},
        {SPAN(IAMAT("kiwi") NOP IAMAT("kiwi")), SPAN(AT("kiwi") AT_CRLF("kiwi")), false},
        {SPAN(IAMAT("kiwi") "X\r\n\r\nWHATSAT kiwi 1 0\r\n"),
         SPAN(AT("kiwi") "? X\n? \n" AT("kiwi") NO_PLACES), false},
        {SPAN(NOP IAMAT("kiwi") "WHATSAT kiwi 1 0\r\nX\r\n"),
         SPAN(AT_CRLF("kiwi") AT_CRLF("kiwi") NO_PLACES "? X\r\n"), false},
        {SPAN(NOP "HELP\r\0X\r\0"), SPAN("<HELP>? X\r\n"), false},
        {SPAN("\xff\xfd\x03HELP\r\0QUIT\r\0X\r\0"), SPAN("\xff\xfc\x03<HELP>"), true},
        /* An echo has the very bytes, but for TELNET and keys before its first word. */
        {SPAN(NOP " a\r\xff\xff\0\x04 b \r\n"), SPAN("? a\r\xff\0\x04 b\r\n"), false},
        {SPAN(NOP "\x04 \x04HELP me\r\n"), SPAN("? HELP me\r\n"), false},
        {SPAN("\x04HELP\n"), SPAN("? \x04HELP\n"), false},
        {SPAN("HELP\r\0QUIT\r\0\n"), SPAN("? HELP\r\0QUIT\r\0\n"), false},
        {SPAN(NOP "\x04\r\n"), SPAN("? \r\n"), false},
        {SPAN(NOP "WHATSAT nobody 1 1\r\n"), SPAN("? WHATSAT nobody 1 1\r\n"), false},
        {SPAN("\xff\xf8\x03HELP\r\n"), SPAN("<HELP>"), false},
        {SPAN(NOP "POST / HTTP/1.1\r\nX\r\n"), SPAN("? POST / HTTP/1.1\r\n"), true},
        /* The end of input */
        {SPAN("X\nY\xff\xecZ\nQUIT\n"), SPAN("? X\n? Y\r\n"), true},
        {SPAN(IAMAT("kiwi") "WHATSAT kiwi 1 0\xff\xec"), SPAN(AT("kiwi") AT_CRLF("kiwi") NO_PLACES),
         true},
        {SPAN("X\n\xff\xec"), SPAN("? X\n"), true},
        {SPAN("\xff\xec"), SPAN(""), true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int before = check_failures;
        check_replies(rows[i].said, rows[i].replies, rows[i].is_over);
        if (check_failures > before)
            printf("    row %zu\n", i);
    }
}

/* Also where the JSON comes later, and after it stands what was answered meanwhile. */
static void json_keeps_its_line_ends(void)
{
    struct rig rig = rig_of(true);
    uint64_t ids[2];
    say(&rig, SPAN(NOP IAMAT("kiwi") "WHATSAT kiwi 1 1\r\nX\r\nWHATSAT kiwi 2 2\r\nY\r\n"));
    expect(&rig, AT_CRLF("kiwi"));
    CHECK_INT(send_requests(&rig, ids, 2), 2);
    answer(&rig, ids[1], SPAN("{\n\"b\": 2\n}\n"));
    answer(&rig, ids[0], SPAN("{\r\n\"a\": 1}"));
    take(&rig, SIZE_MAX);
    expect(&rig, AT_CRLF("kiwi") "{\r\n\"a\": 1}\n\n? X\r\n" AT_CRLF("kiwi") "{\n\"b\": 2\n}\n\n"
                                                                             "? Y\r\n");
    release(&rig);
}

/* As after a half-close: look-ups in flight are waited for. */
static void eof_waits_for_all_replies(void)
{
    struct rig rig = rig_of(true);
    uint64_t id;
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 1 1\nthe end\xff\xec" IAMAT("late")));
    CHECK(!session_is_over(&rig.session));
    CHECK(!session_wants_input(&rig.session));
    CHECK_INT(send_requests(&rig, &id, 1), 1);
    answer(&rig, id, SPAN("{}"));
    CHECK(!session_is_over(&rig.session));
    take(&rig, SIZE_MAX);
    expect(&rig, AT("kiwi") AT("kiwi") "{}\n\n? the end\r\n");
    CHECK(session_is_over(&rig.session));
    /* The connection may end, too. */
    end_input(&rig);
    CHECK(session_is_over(&rig.session));
    CHECK_INT(flood_clients(rig.node.flood), 1);
    release(&rig);
}

static void commands_and_replies_are_noted(void)
{
    struct rig rig = rig_of(true);
    uint64_t id;
    rig.node.log = &rig.log;
    say(&rig, SPAN("X\n"));
    CHECK_INT(rig.log.lines.len, 0);
    rig.node.log_commands = true;
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 1 1\n\x1b\n"));
    CHECK_INT(send_requests(&rig, &id, 1), 1);
    answer(&rig, id, SPAN("{}"));
    say(&rig, SPAN(NOP "Y\r\nWHATSAT k\r\nHELP\r\n"));
#define TIME "2021-05-19T22:53:48.000000Z "
    const char *wanted = TIME "command 17 IAMAT kiwi +34.068930-118.445127 1621464827.5\n" TIME
                              "reply 17 AT Clark +0.500000000 kiwi +34.068930-118.445127 "
                              "1621464827.5\n" TIME "command 17 WHATSAT kiwi 1 1\n" TIME
                              "reply 17 AT Clark +0.500000000 kiwi +34.068930-118.445127 "
                              "1621464827.5\n" TIME "command 17 \\x1b\n" TIME;
    CHECK(rig.log.lines.len > strlen(wanted));
    CHECK_BYTES(rig.log.lines.data, strlen(wanted), wanted, strlen(wanted));
    const char *end =
        TIME "reply 17 ? \\x1b\n" TIME "places 17 ok, 4 bytes\n" TIME "command 17 Y\n" TIME
             "invalid 17 no such command (words are upper case, HELP shows them)\n" TIME
             "reply 17 ? Y\n" TIME "command 17 WHATSAT k\n" TIME
             "invalid 17 too few or too many fields: WHATSAT takes (client radius bound)\n" TIME
             "reply 17 ? WHATSAT k\n" TIME "command 17 HELP\n" TIME "reply 17 help\n";
    CHECK(rig.log.lines.len > strlen(end));
    CHECK_BYTES(rig.log.lines.data + rig.log.lines.len - strlen(end), strlen(end), end,
                strlen(end));
    release(&rig);
}

/* A read whose first line is about another client than its bytes make it seem. */
static void a_wrong_guess_changes_nothing(void)
{
#define LONG "a-client-whose-name-is-longer-than-what-is-looked-at-for-a-guess-of-it"
    const struct {
        struct span first, second; /* reads */
        const char *client;
    } rows[] = {
        {SPAN("IAMAT kiwi +1-1 1\n"), SPAN(""), "kiwi"},
        {SPAN("IAMAT " LONG " +1-1 1\n"), SPAN(""), LONG},
        {SPAN(" \t IAMAT kiwi +1-1 1\n"), SPAN(""), "kiwi"},
        {SPAN("\n\nIAMAT kiwi +1-1 1\n"), SPAN(""), "kiwi"},
        {SPAN("IAMAT ki"), SPAN("wi +1-1 1\n"), "kiwi"},
        {SPAN("IAMAT ab"), SPAN("cd +1-1 1\n"), "abcd"},        /* as long as its guess, +1-1 */
        {SPAN("IAMAT b\xff\xfb cd +1-1 1\n"), SPAN(""), "bcd"}, /* and as b\xff\xfb */
        {SPAN(NOP), SPAN("IAMAT b\xff\xfb cd +1-1 1\n"), "bcd"},
        {SPAN("IAMAT kiwi +1-1 1\nIAMAT b\xff\xfb cd +1-1 1\n"), SPAN(""), "bcd"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig rig = rig_of(false);
        struct location location;
        send_only(&rig, rows[i].first);
        if (rows[i].second.len > 0)
            send_only(&rig, rows[i].second);
        if (!flood_find(rig.node.flood, span_of(rows[i].client), &location))
            printf("    nobody is called %s\n", rows[i].client);
        CHECK(flood_find(rig.node.flood, span_of(rows[i].client), &location));
        release(&rig);
    }
}

/* However input is split, output is taken and answers come: the client reads the same bytes. */
static void any_timing_gives_the_same_bytes(void)
{
    static const char commands[] =
        IAMAT("a") "WHATSAT a 1 1\nX\n" IAMAT("b") "WHATSAT b 2 2\n\nWHATSAT a 3 3\nWHATSAT c 1 1\n"
                                                   "IAMAT c +1-1 0\nWHATSAT c 4 4\nthe end";
    static const char wanted[] = AT("a") AT("a") "{}\n\n? X\n" AT("b") AT("b") "{}\n\n? \n" AT(
        "a") "{}\n\n? WHATSAT c 1 1\nAT Clark +1621464828.000000000 c +1-1 0\n"
             "AT Clark +1621464828.000000000 c +1-1 0\n{}\n\n? the end\n";
    uint64_t state = 7;
    for (int round = 0; round < 3000; round++) {
        struct rig rig = rig_of(true);
        uint64_t ids[8];
        size_t sent = 0, asked = 0;
        for (int step = 0; !session_is_over(&rig.session) && step < 10000; step++) {
            uint64_t what = input_draw(&state) % 4, amount = input_draw(&state) % 40 + 1;
            size_t left = strlen(commands) - sent;
            if (what == 0 && left > 0) {
                char bytes[40];
                size_t count = amount < left ? amount : left;
                memcpy(bytes, commands + sent, count);
                session_attach_output(&rig.session, &rig.shared);
                session_read(&rig.session, bytes, count);
                work(&rig, NULL);
                session_detach_output(&rig.session, &rig.shared);
                sent += count;
            } else if (what == 1 && left == 0 && !rig.session.lines.ended) {
                end_input(&rig);
            } else if (what == 2) {
                take(&rig, amount);
            } else if (what == 3) {
                asked += send_requests(&rig, ids + asked, 8 - asked);
                if (asked > 0) {
                    size_t one = input_draw(&state) % asked;
                    answer(&rig, ids[one], SPAN("{}\n"));
                    ids[one] = ids[--asked];
                }
            }
        }
        CHECK(session_is_over(&rig.session));
        expect(&rig, wanted);
        release(&rig);
    }
}

static const struct check_case cases[] = {
    {"IAMAT gets its AT line and goes into the flood", iamat_is_answered_and_flooded},
    {"a stale or equal stamp gets its own AT line and changes nothing",
     stale_stamp_gets_its_own_line},
    {"two positions of a clock that is ahead, in one read, are both taken",
     a_clock_ahead_loses_no_position},
    {"a node whose clock is slow orders by the herd's time", a_slow_node_orders_by_the_herds_time},
    {"extreme stamps have exact differences", extreme_stamps_have_exact_differences},
    {"invalid commands come back after a question mark", invalid_commands_come_back},
    {"a full table refuses new clients only", full_table_refuses_new_clients_only},
    {"without a places service the JSON says so", without_places_the_json_says_so},
    {"a bound of 0 is answered at once", a_bound_of_0_is_answered_at_once},
    {"AT line and JSON leave together", at_line_and_json_leave_together},
    {"a request carries the place, metres and the bound", request_carries_place_and_radius},
    {"answers in any order keep the order of the commands",
     answers_in_any_order_keep_the_order_of_commands},
    {"what is complete leaves at once, though a later look-up waits",
     what_is_complete_leaves_at_once},
    {"a strange answer changes nothing", strange_answers_change_nothing},
    {"TELNET is answered in the stream", telnet_is_answered_in_the_stream},
    {"who speaks TELNET reads CR LF, however it is split", who_speaks_telnet_reads_crlf},
    {"a client that speaks TELNET gets JSON as it is", json_keeps_its_line_ends},
    {"IAC EOF gets all replies", eof_waits_for_all_replies},
    {"commands and replies are noted, escaped, where wanted", commands_and_replies_are_noted},
    {"a first line about another client than it seems is about that client",
     a_wrong_guess_changes_nothing},
    {"any timing of input, output and answers gives the same bytes",
     any_timing_gives_the_same_bytes},
};

CHECK_MAIN(cases)
