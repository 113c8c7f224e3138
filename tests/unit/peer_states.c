/* One link: the table of its states, a row for each step that can happen in each of them. */
#include "tests/unit/peer_end.h"

/* ---- how a state comes about ---- */

static void stranger(struct end *end)
{
    CHECK_INT(next(end), WIRE_HELLO);
}

static void met(struct end *end)
{
    stranger(end);
    hello(end, 2, 0, 0, 0);
    CHECK_INT(next(end), WIRE_HELLO);
}

static void not_taken(struct end *end)
{
    peer_refused(&end->peer, end->now_ms);
}

static void stranger_away(struct end *end)
{
    stranger(end);
    not_taken(end);
}

static void met_away(struct end *end)
{
    met(end);
    not_taken(end);
}

static void up(struct end *end)
{
    met(end);
    meet(end);
}

static void left(struct end *end)
{
    up(end);
    end->common.leaving = true;
    CHECK_INT(next(end), WIRE_GOODBYE);
}

static void named(struct end *end)
{
    ack(end, 0, false);
}

static void goodbye(struct end *end)
{
    in = (struct wire_message){.type = WIRE_GOODBYE, .from_incarnation = 2, .to_incarnation = 1};
    receive(end);
}

static void gone(struct end *end)
{
    left(end);
    goodbye(end);
}

static void gone_but_known(struct end *end)
{
    left(end);
    not_taken(end);
}

/* ---- what happens then ---- */

static void another(struct end *end)
{
    hello(end, 22, 0, 0, 0);
}

static void another_names_us(struct end *end)
{
    hello(end, 22, 1, 0, 0);
}

static void refuses(struct end *end)
{
    in = (struct wire_message){.type = WIRE_REFUSED,
                               .from_incarnation = 2,
                               .to_incarnation = 1,
                               .code = WIRE_REFUSED_HERD,
                               .text = span_of("no")};
    receive(end);
}

static void greet(struct end *end)
{
    end->now_ms += PEER_HELLO_SLOW_MS;
    CHECK_INT(next(end), WIRE_HELLO);
}

/* It has forgotten what it had, so it is greeted although the link is up. */
static void greet_when_up(struct end *end)
{
    add_clients(end, 1);
    peer_change(&end->peer, 0);
    CHECK_INT(next(end), WIRE_UPDATE);
    ack(end, 1, false);
    hello(end, 2, 1, 0, 0);
    CHECK_INT(next(end), WIRE_HELLO);
}

static void silence(struct end *end)
{
    end->now_ms += PEER_SILENCE_MS;
    CHECK_INT(next(end), WIRE_HELLO);
}

static void no_acknowledgement(struct end *end)
{
    add_clients(end, 1);
    peer_change(&end->peer, 0);
    CHECK_INT(next(end), WIRE_UPDATE);
    end->now_ms += LINK_ANSWER_MS;
    CHECK_INT(next(end), WIRE_HELLO);
}

static void our_goodbye(struct end *end)
{
    end->common.leaving = true;
    CHECK_INT(next(end), WIRE_GOODBYE);
}

static const struct row {
    const char *sentence;
    void (*begin)(struct end *end);
    enum peer_state before;
    void (*happen)(struct end *end);
    enum peer_state after;
    const char *reason; /* why the link is down, NULL where there is no LINK_DOWN */
    int ups;            /* how often there is LINK_UP */
} rows[] = {
    {"a stranger is met", stranger, PEER_STRANGER, another, PEER_MET, NULL, 0},
    {"a stranger that names us is up", stranger, PEER_STRANGER, another_names_us, PEER_UP, NULL, 1},
    {"a stranger is greeted again", stranger, PEER_STRANGER, greet, PEER_STRANGER, NULL, 0},
    {"a stranger is away", stranger, PEER_STRANGER, not_taken, PEER_AWAY, NULL, 0},
    {"a stranger refuses us", stranger, PEER_STRANGER, refuses, PEER_STRANGER, NULL, 0},

    {"another takes its place", met, PEER_MET, another, PEER_MET, NULL, 0},
    {"who was met names us", met, PEER_MET, named, PEER_UP, NULL, 1},
    {"who was met is greeted again", met, PEER_MET, greet, PEER_MET, NULL, 0},
    {"who was met is away", met, PEER_MET, not_taken, PEER_AWAY, NULL, 0},
    {"who was met refuses us", met, PEER_MET, refuses, PEER_MET, NULL, 0},
    {"who was met ends", met, PEER_MET, goodbye, PEER_STRANGER, NULL, 0},

    {"a stranger comes while away", stranger_away, PEER_AWAY, another, PEER_AWAY, NULL, 0},
    {"another comes while away", met_away, PEER_AWAY, another, PEER_AWAY, NULL, 0},
    {"who is away names us", met_away, PEER_AWAY, named, PEER_AWAY, NULL, 0},
    {"a stranger can be greeted", stranger_away, PEER_AWAY, greet, PEER_STRANGER, NULL, 0},
    {"who was met can be greeted", met_away, PEER_AWAY, greet, PEER_MET, NULL, 0},
    {"away for good", met_away, PEER_AWAY, not_taken, PEER_AWAY, NULL, 0},
    {"who is away refuses us", met_away, PEER_AWAY, refuses, PEER_AWAY, NULL, 0},
    {"who is away ends", met_away, PEER_AWAY, goodbye, PEER_AWAY, NULL, 0},

    {"it was restarted", up, PEER_UP, another_names_us, PEER_UP, "restarted", 1},
    {"it says more", up, PEER_UP, named, PEER_UP, NULL, 0},
    {"it is reminded", up, PEER_UP, greet_when_up, PEER_UP, NULL, 0},
    {"nothing is taken any more", up, PEER_UP, not_taken, PEER_AWAY, "no connection", 0},
    {"it is silent", up, PEER_UP, silence, PEER_MET, "silence", 0},
    {"it acknowledges nothing", up, PEER_UP, no_acknowledgement, PEER_MET, "no acknowledgement", 0},
    {"it refuses us", up, PEER_UP, refuses, PEER_MET, "refused", 0},
    {"it ends", up, PEER_UP, goodbye, PEER_STRANGER, "goodbye", 0},
    {"we end", up, PEER_UP, our_goodbye, PEER_LEFT, NULL, 0},

    {"restarted after our goodbye", left, PEER_LEFT, another_names_us, PEER_GONE, "restarted", 0},
    {"more after our goodbye", left, PEER_LEFT, named, PEER_LEFT, NULL, 0},
    {"our goodbye is not taken", left, PEER_LEFT, not_taken, PEER_GONE, "no connection", 0},
    {"it refuses our goodbye", left, PEER_LEFT, refuses, PEER_GONE, "refused", 0},
    {"both end", left, PEER_LEFT, goodbye, PEER_GONE, "goodbye", 0},

    {"another comes too late", gone, PEER_GONE, another_names_us, PEER_GONE, NULL, 0},
    {"its last words come too late", gone_but_known, PEER_GONE, named, PEER_GONE, NULL, 0},
    {"it refuses us too late", gone_but_known, PEER_GONE, refuses, PEER_GONE, NULL, 0},
    {"its goodbye comes too late", gone_but_known, PEER_GONE, goodbye, PEER_GONE, NULL, 0},
};

static void expect_news(const struct row *row)
{
    struct link_event event;
    int ups = 0, downs = 0;
    while (events_pop(&events, &event)) {
        ups += event.kind == LINK_UP;
        if (event.kind != LINK_DOWN)
            continue;
        downs++;
        CHECK(row->reason != NULL && strcmp(event.reason, row->reason) == 0);
    }
    CHECK_INT(ups, row->ups);
    CHECK_INT(downs, row->reason != NULL);
}

static void each_step_has_its_state(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct end end;
        char reason[LINK_REASON_BYTES_MAX];
        int before = check_failures;
        open_end(&end, 0);
        rows[i].begin(&end);
        CHECK_INT(end.peer.state, rows[i].before);
        count_events(LINK_UP, reason);
        rows[i].happen(&end);
        CHECK_INT(end.peer.state, rows[i].after);
        CHECK(peer_is_up(&end.peer) == (rows[i].after == PEER_UP || rows[i].after == PEER_LEFT));
        expect_news(&rows[i]);
        close_end(&end);
        if (check_failures > before)
            printf("    %s\n", rows[i].sentence);
    }
}

/* A link that was away counts as up only after a HELLO of ours could be sent. */
static void who_is_away_is_up_after_a_greeting(void)
{
    struct end end;
    open_end(&end, 0);
    met_away(&end);
    named(&end);
    greet(&end);
    CHECK_INT(end.peer.state, PEER_MET);
    named(&end);
    CHECK_INT(end.peer.state, PEER_UP);
    close_end(&end);
}

static void nothing_is_sent_after_our_goodbye(void)
{
    static void (*const begins[])(struct end * end) = {left, gone, gone_but_known};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        struct end end;
        open_end(&end, 0);
        begins[i](&end);
        add_clients(&end, 1);
        peer_change(&end.peer, 0);
        update(&end, 0, 1); /* still counts while the link is up */
        CHECK_INT(end.peer.received, end.peer.theirs == 2);
        in = (struct wire_message){
            .type = WIRE_HELLO, .from_incarnation = 3, .herd = span_of("other")};
        receive(&end); /* would be refused */
        CHECK(peer_is_over(&end.peer));
        CHECK(peer_deadline_ms(&end.peer) == INT64_MAX);
        for (int second = 0; second < 10; second++, end.now_ms += 1000)
            CHECK_INT(next(&end), 0);
        close_end(&end);
    }
}

static const struct check_case cases[] = {
    {"each step has its state", each_step_has_its_state},
    {"who is away is up after a greeting", who_is_away_is_up_after_a_greeting},
    {"nothing is sent after our goodbye", nothing_is_sent_after_our_goodbye},
};

CHECK_MAIN(cases)
