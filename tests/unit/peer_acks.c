/* When what came is acknowledged: soon, and on a calm link seldom. */
#include "tests/unit/peer_end.h"

/* Bob's table is ours, and he says so. */
static void compare(struct end *end)
{
    in = (struct wire_message){.type = WIRE_HEARTBEAT,
                               .from_incarnation = 2,
                               .to_incarnation = 1,
                               .received = end->peer.window.ring.sent,
                               .head = WIRE_HEAD_UNREST,
                               .digest = table_digest(end->table),
                               .has_checks = true,
                               .cut = {.position = end->peer.received,
                                       .met = 1,
                                       .horizon_ns = INT64_MIN,
                                       .ceiling_ns = INT64_MAX}};
    receive(end);
}

static void say_all(struct end *end)
{
    while (next(end) != 0)
        continue;
}

/* Up for long enough, settled, and long after the last acknowledgement. */
static void become_calm(struct end *end)
{
    open_end(end, 0);
    hello_of(2, 1);
    in.version = 2;
    receive(end);
    compare(end);
    for (int64_t left_ms = PEER_CALM_AFTER_MS; left_ms > 0; left_ms -= 100) {
        say_all(end);
        end->now_ms += 100;
    }
    say_all(end);
    /* What is said in turns says `have`, too. */
    end->peer.beat_at = end->peer.heartbeat_at = end->now_ms + PEER_HEARTBEAT_MS;
    end->peer.checks.check_at = end->now_ms + RANGE_CHECK_MS;
}

/* The next `positions`; and how long it takes until they are acknowledged. */
static void come(struct end *end, uint64_t positions)
{
    uint64_t after = end->peer.received;
    CHECK(update(end, after, after + positions));
}

static int64_t wait_for_ack(struct end *end)
{
    for (int64_t waited_ms = 0; waited_ms <= WINDOW_CALM_MS; waited_ms++, end->now_ms++)
        for (int type = next(end); type != 0; type = next(end))
            if (type == WIRE_ACK) {
                CHECK_INT(out.received, end->peer.received);
                return waited_ms;
            }
    return -1;
}

static void on_a_calm_link_one_goes_alone_in_so_long(void)
{
    struct end end;
    become_calm(&end);
    come(&end, 1);
    CHECK_INT(wait_for_ack(&end), PEER_ACK_MS);
    int64_t said_ms = end.now_ms;
    end.now_ms += 10;
    for (int i = 0; i < 3; i++, end.now_ms += 30) {
        come(&end, 1);
        CHECK_INT(next(&end), 0);
    }
    CHECK(wait_for_ack(&end) > 0);
    CHECK_INT(end.now_ms - said_ms, WINDOW_CALM_MS);
    end.now_ms += WINDOW_CALM_MS - PEER_ACK_MS;
    come(&end, 1);
    CHECK_INT(wait_for_ack(&end), PEER_ACK_MS);
    close_end(&end);
}

/* After one that went alone a moment ago. */
static void begin_row(struct end *end)
{
    become_calm(end);
    come(end, 1);
    CHECK_INT(wait_for_ack(end), PEER_ACK_MS);
}

static void nothing(struct end *end)
{
    (void)end;
}

static void it_is_young(struct end *end)
{
    end->peer.calm_at = end->now_ms + 1;
}

static void ours_is_on_the_way(struct end *end)
{
    add_clients(end, 1);
    peer_change(&end->peer, 0);
    CHECK_INT(next(end), WIRE_UPDATE);
}

static void a_range_is_not_settled(struct end *end)
{
    range_check_unsettle(&end->peer.checks, 7);
}

static void nothing_was_compared(struct end *end)
{
    end->peer.checks.compared_ms = -1;
}

static void ranges_are_to_be_shown(struct end *end)
{
    end->peer.checks.run_count = 1;
    end->peer.checks.runs[0] = (struct range_run){0, 1};
}

static void tables_are_compared(struct end *end)
{
    end->peer.checks.resync.is_active = true;
}

static void a_range_is_to_be_listed(struct end *end)
{
    CHECK(range_repair_prepare(&end->peer.checks));
    end->peer.checks.repair->due_count = 1;
}

static void it_waits_only_where_nothing_is_under_way(void)
{
    static const struct {
        const char *what;
        void (*make)(struct end *end);
        uint64_t positions;
        bool is_late;
    } rows[] = {
        {"nothing else", nothing, WINDOW_CALM_POSITIONS, true},
        {"one position more", nothing, WINDOW_CALM_POSITIONS + 1, false},
        {"a link that has just come up", it_is_young, 1, false},
        {"an UPDATE of ours", ours_is_on_the_way, 1, false},
        {"a range that may differ", a_range_is_not_settled, 1, false},
        {"no comparison yet", nothing_was_compared, 1, false},
        {"ranges to be shown", ranges_are_to_be_shown, 1, false},
        {"a range to be listed", a_range_is_to_be_listed, 1, false},
        {"tables that are compared", tables_are_compared, 1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct end end;
        begin_row(&end);
        rows[i].make(&end);
        come(&end, rows[i].positions);
        int64_t wait_ms = end.peer.ack_at - end.now_ms;
        if (wait_ms != (rows[i].is_late ? WINDOW_CALM_MS : PEER_ACK_MS))
            fprintf(stderr, "beside %s\n", rows[i].what);
        CHECK_INT(wait_ms, rows[i].is_late ? WINDOW_CALM_MS : PEER_ACK_MS);
        end.peer.checks.resync.is_active = false;
        close_end(&end);
    }
}

/* More positions than are few came one at a time: those before waited for it. */
static void many_small_ones_wait_no_longer_than_a_large_one(void)
{
    struct end end;
    begin_row(&end);
    come(&end, WINDOW_CALM_POSITIONS);
    CHECK_INT(end.peer.ack_at - end.now_ms, WINDOW_CALM_MS);
    come(&end, 1);
    CHECK_INT(end.peer.ack_at - end.now_ms, PEER_ACK_MS);
    close_end(&end);
}

static void half_a_window_waits_and_not_one_more(void)
{
    struct end end;
    begin_row(&end);
    for (int i = 1; i < PEER_ACK_CALM_UPDATES; i++, end.now_ms += 10) {
        come(&end, 1);
        CHECK(end.peer.ack_at > end.now_ms);
    }
    come(&end, 1);
    CHECK_INT(next(&end), WIRE_ACK);
    close_end(&end);
}

static void those_that_come_at_once_are_not_calm(void)
{
    struct end end;
    begin_row(&end);
    for (int i = 1; i < PEER_ACK_UPDATES; i++)
        come(&end, 1);
    CHECK(end.peer.ack_at > end.now_ms);
    end.now_ms += PEER_ACK_MS - 1;
    come(&end, 1);
    CHECK_INT(next(&end), WIRE_ACK);
    close_end(&end);
}

static void who_asks_is_answered_at_once(void)
{
    struct end end;
    begin_row(&end);
    come(&end, 1);
    in.after = end.peer.received;
    in.upto = in.after + 1;
    in.ack_now = true;
    CHECK(receive(&end));
    CHECK_INT(next(&end), WIRE_ACK);
    close_end(&end);
}

static void a_gap_is_said_at_once(void)
{
    struct end end;
    begin_row(&end);
    come(&end, 1);
    CHECK(!update(&end, end.peer.received + 1, end.peer.received + 2));
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK(out.gap);
    close_end(&end);
}

/* What waits goes out with anything that says it, and a CHECK does not go before it. */
static void what_waits_rides_on_what_goes(void)
{
    struct end end;
    begin_row(&end);
    come(&end, 1);
    add_clients(&end, 1);
    peer_change(&end.peer, 0);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(out.received, end.peer.received);
    CHECK_INT(end.peer.ack_at, INT64_MAX);
    close_end(&end);
}

static void a_far_neighbour_is_asked_now_and_then(void)
{
    struct end end;
    open_end(&end, 4);
    meet(&end);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(next(&end), WIRE_UPDATE);
        CHECK(!out.ack_now);
    }
    end.now_ms += WINDOW_FAR_MS;
    ack(&end, 4, false);
    add_clients(&end, 8);
    for (uint32_t i = 1; i <= 8; i++) {
        peer_change(&end.peer, 3 + i);
        out.ack_now = false;
        CHECK_INT(next(&end), WIRE_UPDATE);
        CHECK(out.ack_now == (i % WINDOW_FAR_ASKS == 0));
    }
    close_end(&end);
}

static const struct check_case cases[] = {
    {"on a calm link one goes alone in 200 ms", on_a_calm_link_one_goes_alone_in_so_long},
    {"it waits only where nothing else is under way", it_waits_only_where_nothing_is_under_way},
    {"many small ones wait no longer than a large one",
     many_small_ones_wait_no_longer_than_a_large_one},
    {"half a window waits, and not one more", half_a_window_waits_and_not_one_more},
    {"those that come at once are not calm", those_that_come_at_once_are_not_calm},
    {"who asks is answered at once", who_asks_is_answered_at_once},
    {"a gap is said at once", a_gap_is_said_at_once},
    {"what waits rides on what goes", what_waits_rides_on_what_goes},
    {"a far neighbour is asked now and then", a_far_neighbour_is_asked_now_and_then},
};

CHECK_MAIN(cases)
