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

static void an_id_of_the_longest_is_taken_and_one_more_byte_is_not(void)
{
    struct rig rig = rig_of(false);
    rig.node.id_bytes_max = 4;
    say(&rig, SPAN("IAMAT kiwi +34.068930-118.445127 1621464827.5\n"
                   "IAMAT kiwis +34.068930-118.445127 1621464827.5\n"
                   "WHATSAT kiwis 1 0\n"));
    expect(&rig, AT("kiwi") "? IAMAT kiwis +34.068930-118.445127 1621464827.5\n"
                            "? WHATSAT kiwis 1 0\n");
    CHECK_INT(rig.node.count.invalid, 2);
    CHECK_INT(flood_clients(rig.node.flood), 1);
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
    while (requests_ask(rig.node.requests, 1, NULL, &lookup, 0, &ticket))
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

static size_t held(const struct rig *rig)
{
    struct session_held held = session_holds(&rig->session);
    return held.line_bytes + held.reply_bytes;
}

static bool has_unfinished(const struct rig *rig)
{
    return session_holds(&rig->session).has_unfinished;
}

/* No client can end a line that the session does not read. */
static void half_a_line_is_not_its_clients_fault_while_nobody_reads(void)
{
    static char json[SESSION_OUTPUT_SOFT_BYTES / SESSION_LOOKUPS_MAX * 2], line[LINES_BYTES_MAX];
    struct rig rig = rig_of(true);
    uint64_t ids[SESSION_LOOKUPS_MAX];
    memset(json, 'x', sizeof json);
    say(&rig, SPAN(IAMAT("kiwi")));
    CHECK(!has_unfinished(&rig));
    for (int i = 1; i < SESSION_LOOKUPS_MAX; i++)
        say(&rig, SPAN("WHATSAT kiwi 1 1\n"));
    send_only(&rig, SPAN("half"));
    CHECK(has_unfinished(&rig));
    CHECK_INT(send_requests(&rig, ids, SESSION_LOOKUPS_MAX), SESSION_LOOKUPS_MAX - 1);
    for (int i = 1; i < SESSION_LOOKUPS_MAX; i++)
        answer(&rig, ids[i - 1], (struct span){json, sizeof json});
    CHECK(!session_wants_input(&rig.session));
    CHECK(!has_unfinished(&rig));
    take(&rig, SIZE_MAX);
    CHECK(has_unfinished(&rig));
    say(&rig, SPAN("\n"));
    CHECK(!has_unfinished(&rig));
    fill_output(&rig, SESSION_OUTPUT_SOFT_BYTES - 1);
    memset(line, 'x', sizeof line);
    send_only(&rig, (struct span){line, sizeof line});
    send_only(&rig, SPAN("xx")); /* now it is too long, and its reply fills the output */
    CHECK(!session_wants_input(&rig.session));
    CHECK(!has_unfinished(&rig));
    take(&rig, SIZE_MAX);
    CHECK(has_unfinished(&rig));
    release(&rig);
}

static void amplified_output_stays_bounded(void)
{
    struct rig rig = rig_of(false);
    static char text[64 * 1024];
    for (size_t i = 0; i + 5 <= sizeof text; i += 5)
        memcpy(text + i, "HELP\n", 5);
    send_only(&rig, (struct span){text, sizeof text / 5 * 5});
    CHECK(held(&rig) < 2 * SESSION_OUTPUT_SOFT_BYTES + 2 * sizeof text);
    size_t replies = 0;
    while (session_output(&rig.session).len > 0) {
        CHECK(rig.session.out.len < SESSION_OUTPUT_SOFT_BYTES + 1024);
        take(&rig, 100000);
    }
    for (size_t i = 0; i + 5 <= rig.got.len; i++)
        replies += memcmp(rig.got.data + i, "QUIT\n", 5) == 0;
    CHECK_INT(replies, sizeof text / 5);
    CHECK(session_wants_input(&rig.session));
    CHECK_INT(held(&rig), rig.session.out.capacity);
    release(&rig);
}

static void half_close_gets_all_replies(void)
{
    struct rig rig = rig_of(true);
    uint64_t id;
    say(&rig, SPAN(IAMAT("kiwi") "WHATSAT kiwi 1 1\nthe end"));
    end_input(&rig);
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
    end_input(&rig);
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

/* A client that nobody has heard of costs its address a token; one that is known costs none. */
static void a_new_client_costs_a_token(void)
{
    struct rig rig = make_rig(4, false);
    static const struct network_address address = {{1}};
    struct client_limits_options options = {
        .connections_max = 1,
        .shares = {.addresses_max = 1, .new_ids_per_s = 1, .new_ids_burst = 3}};
    rig.node.limits = client_limits_new(&options);
    client_limits_accept(rig.node.limits, &address, &rig.session.limits, 0);
    say(&rig, SPAN(IAMAT("a") IAMAT("b") IAMAT("a") IAMAT("c") IAMAT("a")));
    expect(&rig, AT("a") AT("b") AT("a") AT("c") AT("a"));
    say(&rig, SPAN("  " IAMAT("d") IAMAT("c") "WHATSAT d 1 0\n"));
    expect(&rig, "? " IAMAT("d") AT("c") "? WHATSAT d 1 0\n");
    CHECK_INT(address_shares_count(client_limits_shares(rig.node.limits))->new_ids_refused, 1);
    CHECK_INT(rig.node.count.invalid, 2);
    rig.node.now_ms = 1000;
    say(&rig, SPAN(IAMAT("d") IAMAT("e")));
    expect(&rig, AT("d") "? " IAMAT("e"));
    rig.node.now_ms = 2000;
    say(&rig, SPAN(IAMAT("e"))); /* as many as the table holds are known by now */
    expect(&rig, "? " IAMAT("e"));
    CHECK_INT(flood_count(rig.node.flood)->clients_refused, 1);
    client_limits_leave(rig.node.limits, &rig.session.limits);
    client_limits_destroy(&rig.node.limits);
    release(&rig);
}

/* An IAMAT whose position has so many digits that a few fill a table of a megabyte. */
static struct span long_iamat(const char *client, char text[LINES_BYTES_MAX])
{
    char *at = text + sprintf(text, "IAMAT %s +34.", client);
    memset(at, '1', 60000);
    strcpy(at + 60000, "-118.445127 1621464829.5\n");
    return span_of(text);
}

static void expect_refused(struct rig *rig, struct span line)
{
    CHECK_INT(rig->got.len, 2 + line.len);
    CHECK(memcmp(rig->got.data, "? ", 2) == 0 &&
          memcmp(rig->got.data + 2, line.data, line.len) == 0);
    rig->got.len = 0;
}

/* Its longer IAMAT has no room: it is refused like any other line, costs no token, and what was
 * known of it stays. A new client has no room either, after its token. */
static void a_known_client_without_room_is_refused(void)
{
    static char text[LINES_BYTES_MAX];
    static const struct network_address address = {{1}};
    struct client_limits_options limits = {
        .connections_max = 1,
        .shares = {.addresses_max = 1, .new_ids_per_s = 1, .new_ids_burst = 100}};
    struct flood_options options = {.herd = SPAN("fall2016"),
                                    .node = SPAN("Clark"),
                                    .incarnation = 1,
                                    .clients_max = 1000,
                                    .table_bytes_max = 1 << 20};
    struct rig rig = rig_of(false);
    flood_destroy(&rig.node.flood);
    rig.node.flood = flood_new(&options);
    rig.node.limits = client_limits_new(&limits);
    client_limits_accept(rig.node.limits, &address, &rig.session.limits, 0);
    const struct link_counters *count = flood_count(rig.node.flood);
    say(&rig, SPAN(IAMAT("kiwi")));
    expect(&rig, AT("kiwi"));
    int new_ids = 1;
    for (char client = 'a'; count->bytes_refused == 0; client++, new_ids++) {
        CHECK(client <= 'z');
        rig.got.len = 0;
        say(&rig, long_iamat((char[]){client, '\0'}, text));
    }
    expect_refused(&rig, span_of(text));
    uint64_t tokens = rig.session.limits.share->milli_tokens;
    CHECK_INT(tokens, 1000 * (100 - new_ids));
    struct span longer = long_iamat("kiwi", text);
    say(&rig, longer);
    expect_refused(&rig, longer);
    CHECK_INT(count->bytes_refused, 2);
    CHECK(rig.session.limits.share->milli_tokens == tokens);
    say(&rig, SPAN("WHATSAT kiwi 1 0\n"));
    CHECK(memmem(rig.got.data, rig.got.len, AT("kiwi"), strlen(AT("kiwi"))) == rig.got.data);
    client_limits_leave(rig.node.limits, &rig.session.limits);
    client_limits_destroy(&rig.node.limits);
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
    CHECK(held(&rig) > 0);
    session_attach_output(&rig.session, &rig.shared);
    take(&rig, SIZE_MAX);
    session_detach_output(&rig.session, &rig.shared);
    CHECK(held(&rig) > 0);
    session_attach_output(&rig.session, &rig.shared);
    say(&rig, SPAN(" a line\nWHATSAT kiwi 1 1\n"));
    session_detach_output(&rig.session, &rig.shared);
    CHECK(held(&rig) > 0);
    CHECK_INT(send_requests(&rig, &id, 1), 1);
    answer(&rig, id, SPAN("{}"));
    session_attach_output(&rig.session, &rig.shared);
    take(&rig, SIZE_MAX);
    session_detach_output(&rig.session, &rig.shared);
    expect(&rig, AT("kiwi") "? half a line\n" AT("kiwi") "{}\n\n");
    CHECK_INT(held(&rig), 0);
    CHECK(rig.shared.len == 0);
    release(&rig);
}

static const struct check_case cases[] = {
    {"a line one byte too long is answered once", too_long_line_is_answered_once},
    {"an id of the longest is taken, and one more byte is not",
     an_id_of_the_longest_is_taken_and_one_more_byte_is_not},
    {"one look-up past the limit waits unparsed", one_lookup_too_many_waits},
    {"too many look-ups of the node are refused at once",
     too_many_lookups_of_the_node_are_refused_at_once},
    {"at the limit of unread output the input waits", unread_output_stops_the_input},
    {"half a line counts as unfinished only while its client is read",
     half_a_line_is_not_its_clients_fault_while_nobody_reads},
    {"short commands with long replies stay within the limit", amplified_output_stays_bounded},
    {"after a half-close all replies come", half_close_gets_all_replies},
    {"after a half-close after a limit, too", half_close_behind_a_limit_gets_all_replies},
    {"after IAC EOF at a limit, too", eof_at_a_limit_gets_all_replies},
    {"QUIT ends it after the earlier replies", quit_ends_after_earlier_replies},
    {"a new client costs its address a token, a known one none", a_new_client_costs_a_token},
    {"a known client whose longer position has no room is refused, and keeps the other",
     a_known_client_without_room_is_refused},
    {"a browser gets its echo and nothing else is done", browser_is_sent_away},
    {"a session at rest owns no memory", resting_session_owns_nothing},
};

CHECK_MAIN(cases)
