/* Who may connect, whose connection is closed and when, and who may look something up. */
#include "gateway/text/client_limits.h"

#include "tests/check.h"

#define CONNECTIONS 200
#define BYTES_MAX   8000 /* lines 3000, replies 4000, look-ups 1000 */

static struct client_limits *limits;
static struct client_limits_connection all[CONNECTIONS];
static bool is_there[CONNECTIONS];

static void leave(int i)
{
    client_limits_leave(limits, &all[i]);
    is_there[i] = false;
}

static void fresh_with(struct client_limits_options options)
{
    struct fault fault;
    for (int i = 0; i < CONNECTIONS; i++)
        if (is_there[i])
            leave(i);
    client_limits_destroy(&limits);
    options.shares.addresses_max = 16;
    CHECK(networks_parse(span_of("203.0.113.0/24"), &options.shares.trusted, &fault));
    limits = client_limits_new(&options);
}

static void fresh(size_t connections_max)
{
    fresh_with((struct client_limits_options){
        .connections_max = connections_max, .bytes_max = BYTES_MAX, .lookups_max = 4096});
}

static enum client_limits_verdict come_at(int i, const char *text, int64_t now_ms)
{
    struct network_address address;
    CHECK(network_address_parse(span_of(text), &address));
    enum client_limits_verdict verdict = client_limits_accept(limits, &address, &all[i], now_ms);
    is_there[i] = verdict == CLIENT_LIMITS_ACCEPTED;
    return verdict;
}

static enum client_limits_verdict come(int i, const char *text)
{
    return come_at(i, text, 0);
}

/* The number of the next one to be closed, -1 for none; `closed_for` says why. */
static enum client_limits_reason closed_for;

static int next(int64_t now_ms)
{
    struct client_limits_connection *found = client_limits_next(limits, now_ms, &closed_for);
    return found == NULL ? -1 : (int)(found - all);
}

static int closed[CLIENT_LIMITS_REASONS];

static void cut(int i, enum client_limits_reason reason)
{
    closed[reason]++;
    leave(i);
}

static bool update(int i, struct client_limits_state state, int64_t now_ms)
{
    return client_limits_update(limits, &all[i], &state, now_ms);
}

static bool hold_line(int i, size_t bytes)
{
    return update(i, (struct client_limits_state){.line_bytes = bytes, .has_unfinished = true}, 0);
}

static bool hold_reply(int i, size_t bytes)
{
    return update(i, (struct client_limits_state){.reply_bytes = bytes, .has_output = true}, 0);
}

/* ---- who may connect ---- */

static void an_address_has_a_share_of_all(void)
{
    static const struct {
        const char *address;
        size_t connections_max, share;
    } rows[] = {
        {"192.0.2.1", 100, 50}, {"2001:db8::1", 100, 50},  {"127.0.0.1", 100, 90},
        {"::1", 100, 90},       {"203.0.113.1", 100, 100}, {"192.0.2.1", 1, 1},
        {"192.0.2.1", 5, 2},    {"127.0.0.1", 199, 179},
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        fresh(rows[row].connections_max);
        for (size_t i = 0; i < rows[row].share; i++)
            CHECK_INT(come((int)i, rows[row].address), CLIENT_LIMITS_ACCEPTED);
        CHECK(come(CONNECTIONS - 1, rows[row].address) != CLIENT_LIMITS_ACCEPTED);
        bool is_all = rows[row].share == rows[row].connections_max;
        CHECK_INT(come(CONNECTIONS - 1, "198.51.100.7") == CLIENT_LIMITS_ACCEPTED, !is_all);
        leave(0);
        CHECK_INT(come(0, rows[row].address), CLIENT_LIMITS_ACCEPTED);
    }
}

static void a_full_node_refuses_and_counts(void)
{
    const struct address_share *most;
    fresh(4);
    CHECK_INT(come(0, "192.0.2.1"), CLIENT_LIMITS_ACCEPTED);
    CHECK_INT(come(1, "192.0.2.1"), CLIENT_LIMITS_ACCEPTED);
    CHECK_INT(come(2, "192.0.2.1"), CLIENT_LIMITS_ADDRESS_FULL);
    CHECK_INT(come(2, "192.0.2.2"), CLIENT_LIMITS_ACCEPTED);
    CHECK_INT(come(3, "192.0.2.3"), CLIENT_LIMITS_ACCEPTED);
    CHECK_INT(come(4, "192.0.2.4"), CLIENT_LIMITS_FULL);
    CHECK_INT(come(4, "192.0.2.1"), CLIENT_LIMITS_ADDRESS_FULL);
    const struct client_limits_counters *count = client_limits_count(limits);
    CHECK_INT(count->accepted, 4);
    CHECK_INT(count->full, 1);
    CHECK_INT(count->address_full, 2);
    CHECK_INT(
        address_shares_refused(client_limits_shares(limits), ADDRESS_REFUSED_CONNECTIONS, &most),
        3);
    CHECK(most == all[0].share);
}

/* ---- silence ---- */

static void another_number_costs_nobody_who_is_there(void)
{
    fresh(4);
    come(0, "192.0.2.1");
    come(1, "192.0.2.2");
    come(2, "192.0.2.3");
    client_limits_change(limits, &(struct client_limits_options){
                                     .connections_max = 2, .bytes_max = 8 << 20, .lookups_max = 4});
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_CONNECTIONS).used, 3);
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_CONNECTIONS).max, 2);
    CHECK_INT(come(3, "192.0.2.4"), CLIENT_LIMITS_FULL);
    leave(0);
    CHECK_INT(come(3, "192.0.2.4"), CLIENT_LIMITS_FULL);
    leave(1);
    CHECK_INT(come(3, "192.0.2.4"), CLIENT_LIMITS_ACCEPTED);
}

static void finish_command(int i, int64_t now_ms)
{
    update(i, (struct client_limits_state){.has_finished = true}, now_ms);
}

static void come_and_be_heard(int i, const char *text, int64_t now_ms)
{
    come_at(i, text, now_ms);
    finish_command(i, now_ms);
}

static void the_silent_go_when_most_are_taken(void)
{
    fresh(10);
    for (int i = 0; i < 8; i++)
        come_and_be_heard(i, "203.0.113.1", i);
    CHECK_INT(next(1000000), -1); /* 80 % */
    come_and_be_heard(8, "203.0.113.1", 8);
    CHECK_INT(next(CROWD_SILENT_MS - 1), -1);
    CHECK_INT(next(CROWD_SILENT_MS), 0);
    CHECK_INT(closed_for, CLIENT_LIMITS_SILENT);
    leave(0);
    CHECK_INT(next(1000000), -1);
    come_and_be_heard(0, "203.0.113.1", 20000);
    CHECK_INT(next(20000), 1);
    client_limits_active(limits, &all[1], 20000);
    CHECK_INT(next(20000), 2);
    client_limits_active(limits, &all[2], 2 + CROWD_ACTIVITY_MS - 1); /* no finer */
    CHECK_INT(next(20000), 2);
    client_limits_active(limits, &all[2], 2 + CROWD_ACTIVITY_MS);
    CHECK_INT(next(20000), 3);
}

/* Who has finished no command is silent sooner, and goes before all others. */
static void who_never_finished_a_command_goes_first(void)
{
    fresh(10);
    come_and_be_heard(0, "203.0.113.1", 0);
    for (int i = 1; i < 8; i++)
        come_at(i, "203.0.113.1", 20000 + i);
    CHECK_INT(next(1000000), -1); /* 80 % */
    come_at(8, "203.0.113.1", 20000 + 8);
    CHECK_INT(next(20001 + CROWD_UNHEARD_MS), 1);
    CHECK_INT(closed_for, CLIENT_LIMITS_SILENT);
    CHECK_INT(next(20001 + CROWD_UNHEARD_MS - 1), 0); /* then those silent for longer */
    client_limits_active(limits, &all[0], 22000);
    update(1, (struct client_limits_state){.has_unfinished = true}, 22000);
    CHECK_INT(next(20001 + CROWD_UNHEARD_MS), 1); /* part of a command is none */
    client_limits_active(limits, &all[1], 22000); /* but no silence either */
    CHECK_INT(next(20001 + CROWD_UNHEARD_MS), -1);
    finish_command(2, 22999);
    CHECK_INT(next(20003 + CROWD_UNHEARD_MS), 3);
    for (int i = 3; i < 9; i++)
        finish_command(i, 23000);
    CHECK_INT(next(22000 + CROWD_UNHEARD_MS), 1);
    leave(1);
    come_and_be_heard(1, "203.0.113.1", 23000);
    CHECK_INT(next(22000 + CROWD_SILENT_MS - 1), -1);
    CHECK_INT(next(22000 + CROWD_SILENT_MS), 0);
}

/* Who waits to be told something says nothing, and may be told nothing for long. */
static void who_has_watches_is_not_silent(void)
{
    const struct client_limits_state watches = {.has_finished = true, .has_watches = true};
    fresh(10);
    for (int i = 0; i < 9; i++)
        come_at(i, "203.0.113.1", i);
    for (int i = 0; i < 8; i++)
        update(i, watches, i);
    CHECK_INT(next(1000000), 8);
    update(8, watches, 8);
    CHECK_INT(next(1000000), -1);
    client_limits_active(limits, &all[3], 5000); /* something was written to it */
    update(3, watches, 5000);
    CHECK_INT(next(1000000), -1);
    finish_command(4, 6000); /* UNWATCH: silent from now on */
    CHECK_INT(next(6000 + CROWD_SILENT_MS - 1), -1);
    CHECK_INT(next(6000 + CROWD_SILENT_MS), 4);
    leave(4);
    leave(5);
    update(3, (struct client_limits_state){.has_output = true, .has_watches = true}, 7000);
    CHECK_INT(next(7000 + CLIENT_LIMITS_STUCK_MS), 3); /* other limits are as ever */
    CHECK_INT(closed_for, CLIENT_LIMITS_STUCK);
}

static int yield_to(const char *text)
{
    struct network_address address;
    CHECK(network_address_parse(span_of(text), &address));
    struct client_limits_connection *found = client_limits_yield(limits, &address, 0);
    return found == NULL ? -1 : (int)(found - all);
}

static void the_silent_of_an_address_with_many_make_room(void)
{
    fresh(10);
    for (int i = 0; i < 5; i++)
        come(i, "192.0.2.1");
    for (int i = 5; i < 9; i++)
        come(i, "192.0.2.2");
    CHECK_INT(yield_to("192.0.2.3"), -1); /* one is free */
    come_and_be_heard(9, "192.0.2.3", 0);
    CHECK_INT(yield_to("192.0.2.4"), 0);
    CHECK_INT(yield_to("192.0.2.3"), 0);  /* one beside five */
    CHECK_INT(yield_to("192.0.2.2"), -1); /* four beside five: the silent do not push each other */
    finish_command(0, 0);
    CHECK_INT(yield_to("192.0.2.4"), 1);
    leave(1);
    come(1, "192.0.2.3"); /* two */
    CHECK_INT(yield_to("192.0.2.3"), -1);
    CHECK_INT(yield_to("192.0.2.4"), 2);
    for (int i = 1; i < 9; i++)
        finish_command(i, 0);
    CHECK_INT(yield_to("192.0.2.4"), -1); /* all have said something */
}

/* ---- time ---- */

static void a_line_has_a_minute(void)
{
    const struct client_limits_state unfinished = {.has_unfinished = true},
                                     another = {.has_unfinished = true, .has_finished = true},
                                     none = {.has_finished = true};
    fresh(10);
    come(0, "192.0.2.1");
    come(1, "192.0.2.1");
    update(0, unfinished, 0);
    update(1, unfinished, 500);
    update(0, unfinished, 59000); /* some more of the same line */
    CHECK_INT(next(CLIENT_LIMITS_LINE_MS - 1), -1);
    CHECK_INT(next(CLIENT_LIMITS_LINE_MS), 0);
    CHECK_INT(closed_for, CLIENT_LIMITS_LINE_LATE);
    update(0, another, 59999);
    CHECK_INT(next(CLIENT_LIMITS_LINE_MS), -1);
    CHECK_INT(next(500 + CLIENT_LIMITS_LINE_MS), 1);
    update(1, none, 60000);
    CHECK_INT(next(59999 + CLIENT_LIMITS_LINE_MS - 1), -1);
    CHECK_INT(next(59999 + CLIENT_LIMITS_LINE_MS), 0);
    leave(0);
    CHECK_INT(next(INT64_MAX), -1);
}

static void who_reads_nothing_has_ten_seconds(void)
{
    const struct client_limits_state waits = {.has_output = true},
                                     some = {.has_output = true, .has_taken = true},
                                     none = {.has_taken = true};
    fresh(10);
    come(0, "192.0.2.1");
    come(1, "192.0.2.1");
    update(0, waits, 100);
    update(1, waits, 200);
    update(0, waits, 9000); /* more replies: nothing was taken */
    CHECK_INT(next(100 + CLIENT_LIMITS_STUCK_MS - 1), -1);
    CHECK_INT(next(100 + CLIENT_LIMITS_STUCK_MS), 0);
    CHECK_INT(closed_for, CLIENT_LIMITS_STUCK);
    update(0, some, 10000);
    CHECK_INT(next(200 + CLIENT_LIMITS_STUCK_MS), 1);
    update(1, none, 10000);
    CHECK_INT(next(10000 + CLIENT_LIMITS_STUCK_MS - 1), -1);
    CHECK_INT(next(10000 + CLIENT_LIMITS_STUCK_MS), 0);
    update(0, some, 10000 + CLIENT_LIMITS_STUCK_MS); /* it reads after all, and stays */
    CHECK_INT(next(10000 + 2 * CLIENT_LIMITS_STUCK_MS - 1), -1);
    CHECK_INT(next(10000 + 2 * CLIENT_LIMITS_STUCK_MS), 0);
    cut(0, CLIENT_LIMITS_STUCK);
}

static void who_lingers_has_a_second(void)
{
    fresh(10);
    come(0, "192.0.2.1");
    hold_line(0, 100);
    hold_reply(0, 100);
    client_limits_linger(limits, &all[0], 500);
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_LINES).used, 0);
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_REPLIES).used, 0);
    CHECK_INT(next(500 + CLIENT_LIMITS_LINGER_MS - 1), -1);
    CHECK_INT(next(500 + CLIENT_LIMITS_LINGER_MS), 0);
    CHECK_INT(closed_for, CLIENT_LIMITS_LINGERED);
    leave(0);
    CHECK_INT(next(INT64_MAX), -1);
}

/* ---- bytes ---- */

static void one_number_is_divided(void)
{
    static const size_t rows[] = {0, 1, 7, 8, 9, BYTES_MAX, 256 << 20, SIZE_MAX};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client_limits_bytes parts = client_limits_divide_bytes(rows[i]);
        CHECK(parts.lines + parts.replies + parts.lookups == rows[i]);
    }
    struct client_limits_bytes parts = client_limits_divide_bytes(BYTES_MAX);
    CHECK(parts.lines == 3000 && parts.replies == 4000 && parts.lookups == 1000);
}

static void too_many_lines_cost_the_youngest_of_the_most(void)
{
    fresh(100);
    come(0, "192.0.2.1");
    come(1, "192.0.2.2");
    come(2, "192.0.2.2");
    CHECK(!hold_line(0, 1300));
    CHECK(!hold_line(2, 900));
    CHECK(!hold_line(1, 800));
    CHECK_INT(next(0), -1); /* 3,000: all there is */
    CHECK(hold_line(2, 901));
    CHECK_INT(next(0), 1);
    CHECK_INT(closed_for, CLIENT_LIMITS_LINES_FULL);
    leave(1);
    CHECK_INT(next(0), -1);
    CHECK(hold_line(2, 2000));
    CHECK_INT(next(0), 2);
    leave(2);
    CHECK(!hold_line(0, 3000));
}

static void too_many_replies_cost_who_reads_least_of_the_most(void)
{
    const struct client_limits_state reads = {
        .reply_bytes = 1000, .has_output = true, .has_taken = true};
    fresh(100);
    come(0, "192.0.2.1");
    for (int i = 1; i < 4; i++)
        come(i, "192.0.2.2");
    for (int i = 0; i < 4; i++)
        CHECK(!hold_reply(i, 1000));
    CHECK_INT(next(0), -1);
    update(1, reads, 5);
    CHECK(hold_reply(0, 1001));
    CHECK_INT(next(5), 2); /* not who holds most, nor who came first */
    CHECK_INT(closed_for, CLIENT_LIMITS_REPLIES_FULL);
    leave(2);
    CHECK_INT(next(5), -1);
    CHECK(hold_reply(3, 2001));
    CHECK_INT(next(5), 3);
}

/* What was seen: thousands of half lines made the one who was owed most the first to be cut. */
static void half_lines_never_cost_a_reader(void)
{
    fresh(150);
    come(0, "192.0.2.1");
    CHECK(!hold_reply(0, 4000));
    int cut = 0;
    for (int i = 1; i < 100; i++) {
        CHECK_INT(come(i, i % 2 == 0 ? "192.0.2.8" : "192.0.2.9"), CLIENT_LIMITS_ACCEPTED);
        hold_line(i, 170);
        for (int victim; (victim = next(0)) >= 0; cut++) {
            CHECK(victim > 0 && closed_for == CLIENT_LIMITS_LINES_FULL);
            leave(victim);
        }
    }
    CHECK_INT(cut, 99 - 3000 / 170);
    CHECK(is_there[0] && is_there[1]);
}

static void the_trusted_are_cut_last(void)
{
    fresh(100);
    come(0, "203.0.113.1");
    come(1, "192.0.2.1");
    come(2, "203.0.113.2");
    hold_reply(0, 2001);
    CHECK(!hold_reply(1, 1999));
    CHECK(hold_reply(2, 1));
    CHECK_INT(next(0), 1); /* 1,001 each */
    CHECK(hold_reply(0, 4000));
    CHECK_INT(next(0), 0);
}

static void four_fifths_are_near(void)
{
    fresh(10);
    come(0, "203.0.113.1");
    hold_line(0, 2399);
    CHECK(!client_limits_usage(limits, CLIENT_LIMITS_LINES).is_near);
    hold_line(0, 2400);
    CHECK(client_limits_usage(limits, CLIENT_LIMITS_LINES).is_near);
    CHECK(!client_limits_usage(limits, CLIENT_LIMITS_REPLIES).is_near);
    hold_reply(0, 3200);
    CHECK(client_limits_usage(limits, CLIENT_LIMITS_REPLIES).is_near);
    for (int i = 1; i < 8; i++) {
        CHECK(!client_limits_usage(limits, CLIENT_LIMITS_CONNECTIONS).is_near);
        come(i, "203.0.113.1");
    }
    CHECK(client_limits_usage(limits, CLIENT_LIMITS_CONNECTIONS).is_near);
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_CONNECTIONS).used, 8);
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_CONNECTIONS).max, 10);
}

/* ---- look-ups ---- */

/* As many as are granted to these connections, one each in turn. */
static int look_up_all(int from, int to)
{
    int granted = 0, before;
    do {
        before = granted;
        for (int i = from; i < to; i++)
            granted += client_limits_look_up(limits, &all[i]);
    } while (granted > before);
    return granted;
}

static void fresh_for_lookups(size_t lookups_max)
{
    fresh_with((struct client_limits_options){
        .connections_max = CONNECTIONS, .bytes_max = 1 << 24, .lookups_max = lookups_max});
}

static void something_is_left_for_who_has_no_look_up(void)
{
    fresh_for_lookups(1024);
    for (int i = 0; i < 99; i++)
        come(i, "192.0.2.1");
    come(99, "192.0.2.1");
    come(100, "192.0.2.2");
    int greedy = look_up_all(0, 99);
    CHECK(greedy >= 400 && greedy <= 512);
    int same = look_up_all(99, 100), other = look_up_all(100, 101);
    CHECK(same >= 2);
    CHECK(other >= 100);
    CHECK(client_limits_count(limits)->lookups_refused > 0);
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_LOOKUPS).used, greedy + same + other);
}

/* The first ones take what they can before the others have any. */
static void one_is_kept_for_each_connection_of_the_address(void)
{
    fresh_for_lookups(1024);
    for (int i = 0; i < 100; i++)
        come(i, "192.0.2.1");
    CHECK_INT(look_up_all(0, 1) + look_up_all(1, 2), 512 - 98);
    for (int i = 2; i < 100; i++)
        CHECK(client_limits_look_up(limits, &all[i]));
    CHECK_INT(all[0].share->lookups, 512);
    CHECK(!client_limits_look_up(limits, &all[0]));
    leave(99);
    CHECK_INT(all[0].share->askers, 99);
    client_limits_answer(limits, all[2].share, &all[2]);
    CHECK_INT(all[0].share->askers, 98);
    CHECK(!client_limits_look_up(limits, &all[3])); /* what is free is kept for that one */
    CHECK(client_limits_look_up(limits, &all[2]));
}

static void the_trusted_may_have_all(void)
{
    fresh_for_lookups(10);
    come(0, "203.0.113.1");
    come(1, "192.0.2.1");
    CHECK_INT(look_up_all(0, 1), 5);
    CHECK_INT(look_up_all(1, 2), 2);
    struct address_share *share = all[1].share;
    client_limits_answer(limits, share, &all[1]);
    CHECK_INT(all[1].lookups, 1);
    leave(1);
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_LOOKUPS).used, 6);
    CHECK_INT(share->lookups, 1);
    client_limits_answer(limits, share, NULL);
    CHECK_INT(share->lookups, 0);
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_LOOKUPS).used, 5);
}

static void look_ups_have_a_count_and_bytes(void)
{
    fresh_for_lookups(1);
    come(0, "192.0.2.1");
    come(1, "192.0.2.2");
    CHECK(client_limits_look_up(limits, &all[0]));
    CHECK(!client_limits_look_up(limits, &all[1]));
    /* More are on their way than a limit that came later allows. */
    fresh_for_lookups(3);
    come(0, "192.0.2.1");
    come(1, "192.0.2.2");
    CHECK(client_limits_look_up(limits, &all[0]));
    CHECK(client_limits_look_up(limits, &all[1]));
    client_limits_change(
        limits, &(struct client_limits_options){.connections_max = CONNECTIONS,
                                                .bytes_max = 8 * CLIENT_LIMITS_LOOKUP_BYTES,
                                                .lookups_max = 1});
    CHECK(!client_limits_look_up(limits, &all[0]));
    fresh_with((struct client_limits_options){.connections_max = CONNECTIONS,
                                              .bytes_max = 8 * 3 * CLIENT_LIMITS_LOOKUP_BYTES - 8,
                                              .lookups_max = 4096});
    CHECK_INT(client_limits_usage(limits, CLIENT_LIMITS_LOOKUPS).max, 2);
}

/* ---- against a model that searches ---- */

static uint32_t draw(uint32_t below)
{
    static uint64_t state = 11;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33) % below;
}

static struct known {
    int address;
    bool lingers, waits, in_line, is_heard;
    int64_t active_ms, waits_ms, line_ms;
    uint64_t line_step, reply_step; /* when it began to hold a line, and took a reply last */
    size_t line, reply;
} known[CONNECTIONS];

static uint64_t held_by(int address, bool replies)
{
    uint64_t bytes = 0;
    for (int i = 0; i < CONNECTIONS; i++)
        if (is_there[i] && (address < 0 || known[i].address == address))
            bytes += replies ? known[i].reply : known[i].line;
    return bytes;
}

/* True if the one cut holds some of it, and is the one of its address whose turn it is. */
static bool is_right_cut(int cut, bool replies)
{
    uint64_t own = held_by(known[cut].address, replies);
    for (int i = 0; i < CONNECTIONS; i++) {
        if (!is_there[i] || (replies ? known[i].reply : known[i].line) == 0)
            continue;
        uint64_t other = held_by(known[i].address, replies);
        bool is_own = known[i].address == known[cut].address;
        if (other > own + own / 8 + 1 ||
            (is_own && replies && known[i].reply_step < known[cut].reply_step) ||
            (is_own && !replies && known[i].line_step > known[cut].line_step))
            return false;
    }
    return (replies ? known[cut].reply : known[cut].line) > 0;
}

static int unheard_closed;

static void check_silent(int found, int wanted)
{
    CHECK_INT(known[found].active_ms, known[wanted].active_ms);
    CHECK_INT(known[found].is_heard, known[wanted].is_heard);
    unheard_closed += !known[found].is_heard;
}

/* The first reason that holds for anybody, and whether it holds for the one that is closed. */
static void check_next(int64_t now_ms, int found)
{
    bool due[CLIENT_LIMITS_REASONS][CONNECTIONS] = {{false}}, any[CLIENT_LIMITS_REASONS] = {false};
    int count = 0, silent_longest[2] = {-1, -1}; /* of those that are heard, and of the others */
    for (int i = 0; i < CONNECTIONS; i++) {
        const struct known *one = &known[i];
        if (!is_there[i])
            continue;
        count++;
        int *longest = &silent_longest[!one->is_heard];
        if (*longest < 0 || one->active_ms < known[*longest].active_ms)
            *longest = i;
        due[CLIENT_LIMITS_LINGERED][i] = one->lingers && now_ms - one->waits_ms >= 1000;
        due[CLIENT_LIMITS_STUCK][i] = one->waits && now_ms - one->waits_ms >= 10000;
        due[CLIENT_LIMITS_LINE_LATE][i] = one->in_line && now_ms - one->line_ms >= 60000;
        for (int reason = 0; reason < CLIENT_LIMITS_LINES_FULL; reason++)
            any[reason] = any[reason] || due[reason][i];
    }
    any[CLIENT_LIMITS_LINES_FULL] = held_by(-1, false) > 3000;
    any[CLIENT_LIMITS_REPLIES_FULL] = held_by(-1, true) > 4000;
    bool is_crowded = count > CONNECTIONS * 8 / 10;
    bool has_unheard =
        is_crowded && silent_longest[1] >= 0 && now_ms - known[silent_longest[1]].active_ms >= 3000;
    any[CLIENT_LIMITS_SILENT] =
        has_unheard || (is_crowded && silent_longest[0] >= 0 &&
                        now_ms - known[silent_longest[0]].active_ms >= 10000);
    int wanted = 0;
    while (wanted < CLIENT_LIMITS_REASONS && !any[wanted])
        wanted++;
    if (found < 0) {
        CHECK_INT(wanted, CLIENT_LIMITS_REASONS);
        return;
    }
    CHECK_INT(closed_for, wanted);
    if (closed_for < CLIENT_LIMITS_LINES_FULL)
        CHECK(due[closed_for][found]);
    else if (closed_for == CLIENT_LIMITS_SILENT)
        check_silent(found, silent_longest[has_unheard]);
    else
        CHECK(is_right_cut(found, closed_for == CLIENT_LIMITS_REPLIES_FULL));
}

static void act(int i, int64_t now_ms, uint64_t step)
{
    struct known *one = &known[i];
    struct client_limits_state state = {.has_finished = draw(2) == 0, .has_taken = draw(2) == 0};
    if (one->lingers)
        return;
    if (draw(40) == 0) {
        client_limits_linger(limits, &all[i], now_ms);
        *one = (struct known){.address = one->address,
                              .active_ms = one->active_ms,
                              .is_heard = one->is_heard,
                              .lingers = true,
                              .waits_ms = now_ms};
        return;
    }
    bool holds_nothing = step / 4000 % 2 == 1; /* for a while, so that nobody is cut for that */
    state.line_bytes = !holds_nothing && draw(3) == 0 ? 1 + draw(200) : 0;
    state.has_unfinished = state.line_bytes > 0 || draw(10) == 0;
    state.reply_bytes = !holds_nothing && draw(3) == 0 ? 1 + draw(300) : 0;
    state.has_output = state.reply_bytes > 0;
    client_limits_active(limits, &all[i], now_ms);
    if (now_ms - one->active_ms >= 1000 || (state.has_finished && !one->is_heard))
        one->active_ms = now_ms;
    one->is_heard = one->is_heard || state.has_finished;
    if (state.line_bytes > 0 && one->line == 0)
        one->line_step = step;
    if (state.reply_bytes > 0 && (one->reply == 0 || state.has_taken))
        one->reply_step = step;
    if (state.has_unfinished && (!one->in_line || state.has_finished))
        one->line_ms = now_ms;
    if (state.has_output && (!one->waits || state.has_taken))
        one->waits_ms = now_ms;
    one->in_line = state.has_unfinished;
    one->waits = state.has_output;
    one->line = state.line_bytes;
    one->reply = state.reply_bytes;
    CHECK_INT(update(i, state, now_ms), held_by(-1, false) > 3000 || held_by(-1, true) > 4000);
}

/* It leaves, but for some of those that seemed to read nothing. */
static void obey(int found, int64_t now_ms, uint64_t step)
{
    struct known *one = &known[found];
    if (closed_for != CLIENT_LIMITS_STUCK || draw(4) == 0) {
        cut(found, closed_for);
        return;
    }
    struct client_limits_state state = {one->line, one->reply, one->in_line, false,
                                        true,      true,       false};
    update(found, state, now_ms);
    one->reply_step = step;
    one->waits_ms = now_ms;
}

static void any_story_is_that_of_the_model(void)
{
    int64_t now_ms = 0;
    fresh(CONNECTIONS);
    for (uint64_t step = 1; step < 40000; step++) {
        int i = (int)draw(CONNECTIONS);
        now_ms += draw(step / 2000 % 2 == 0 ? 20 : 200);
        if (!is_there[i]) {
            char text[32];
            int address = (int)draw(7);
            snprintf(text, sizeof text, "192.0.2.%d", address);
            if (come_at(i, text, now_ms) == CLIENT_LIMITS_ACCEPTED)
                known[i] = (struct known){.address = address, .active_ms = now_ms};
            if (is_there[i] && draw(4) > 0) /* most begin with something */
                act(i, now_ms, step);
        } else if (draw(50) == 0) {
            leave(i);
        } else {
            act(i, now_ms, step);
        }
        int found;
        do {
            found = next(now_ms);
            check_next(now_ms, found);
            if (found >= 0)
                obey(found, now_ms, step);
        } while (found >= 0);
    }
    for (int reason = 0; reason < CLIENT_LIMITS_REASONS; reason++) {
        CHECK(closed[reason] > 5);
        CHECK(client_limits_say((enum client_limits_reason)reason)[0] != '\0');
    }
    CHECK(unheard_closed > 5);
    CHECK(closed[CLIENT_LIMITS_SILENT] > unheard_closed + 5);
    fresh(1);
    client_limits_destroy(&limits);
    client_limits_destroy(&limits);
}

static const struct check_case cases[] = {
    {"another number of connections costs nobody who is there",
     another_number_costs_nobody_who_is_there},
    {"an address may have half of all, loopback 90 %, the trusted all",
     an_address_has_a_share_of_all},
    {"a full node and a full share refuse, and it is counted whose",
     a_full_node_refuses_and_counts},
    {"when more than 80 % are taken who was silent for longest goes",
     the_silent_go_when_most_are_taken},
    {"who has watches is not silent", who_has_watches_is_not_silent},
    {"who never finished a command goes first, and sooner",
     who_never_finished_a_command_goes_first},
    {"where all are taken, silent ones of an address with many make room",
     the_silent_of_an_address_with_many_make_room},
    {"a line has 60 s from its first byte", a_line_has_a_minute},
    {"who reads nothing of its replies has 10 s", who_reads_nothing_has_ten_seconds},
    {"who lingers has 1 s and holds nothing", who_lingers_has_a_second},
    {"one number of bytes is divided", one_number_is_divided},
    {"too many bytes of lines cost the youngest of the address with most",
     too_many_lines_cost_the_youngest_of_the_most},
    {"too many bytes of replies cost who read nothing for longest of the address with most",
     too_many_replies_cost_who_reads_least_of_the_most},
    {"half lines never cost a slow reader", half_lines_never_cost_a_reader},
    {"the trusted are cut where each of them holds most", the_trusted_are_cut_last},
    {"80 % of a limit are near", four_fifths_are_near},
    {"however many are greedy, look-ups are left for who has none",
     something_is_left_for_who_has_no_look_up},
    {"one look-up is kept for each connection of an address that has none",
     one_is_kept_for_each_connection_of_the_address},
    {"the trusted may have all look-ups that are left", the_trusted_may_have_all},
    {"look-ups in flight have a limit by count and by bytes", look_ups_have_a_count_and_bytes},
    {"in any story it is whom a model that searches would close", any_story_is_that_of_the_model},
};

CHECK_MAIN(cases)
