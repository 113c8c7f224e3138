/* One link: whether what is sent arrives, as far as the other end shows it, and what follows where
 * it does not. */
#include "tests/unit/peer_end.h"

static char reason[LINK_REASON_BYTES_MAX];

static void heartbeat(struct end *end)
{
    in = (struct wire_message){.type = WIRE_HEARTBEAT, .from_incarnation = 2, .to_incarnation = 1};
    receive(end);
}

/* Lets time pass, second by second, while Bob lives but has got nothing. */
static void wait_until(struct end *end, int64_t until_ms)
{
    while (end->now_ms < until_ms) {
        end->now_ms += end->now_ms + 1000 < until_ms ? 1000 : until_ms - end->now_ms;
        heartbeat(end);
        while (end->now_ms < until_ms && next(end) != 0)
            ;
    }
}

static void a_link_that_is_up_and_acknowledges_nothing_is_given_up(void)
{
    struct end end;
    open_end(&end, 40);
    meet(&end);
    while (next(&end) == WIRE_UPDATE)
        ;
    int64_t start_ms = end.now_ms;
    wait_until(&end, start_ms + LINK_ANSWER_MS - 1);
    CHECK_INT(count_events(LINK_STUCK, reason), 0);
    CHECK(peer_is_up(&end.peer));
    CHECK(peer_deadline_ms(&end.peer) <= start_ms + LINK_ANSWER_MS);
    wait_until(&end, start_ms + LINK_ANSWER_MS);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK(!peer_is_up(&end.peer));
    CHECK_INT(count_events(LINK_STUCK, reason), 1);
    CHECK(strcmp(reason, "39 due, 1 messages on the way, nothing acknowledged for 5 s") == 0);
    close_end(&end);
}

static void it_says_why_it_went_down_and_comes_up_again(void)
{
    struct end end;
    open_end(&end, 1);
    meet(&end);
    CHECK_INT(next(&end), WIRE_UPDATE);
    wait_until(&end, end.now_ms + LINK_ANSWER_MS);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(count_events(LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "no acknowledgement") == 0);
    hello(&end, 2, 1, 0, 0);
    CHECK(peer_is_up(&end.peer));
    CHECK_INT(next(&end), WIRE_UPDATE);
    end.now_ms += LINK_ANSWER_MS - 1; /* the time before does not count */
    heartbeat(&end);
    next(&end);
    CHECK(peer_is_up(&end.peer));
    close_end(&end);
}

static void every_acknowledgement_gives_more_time(void)
{
    struct end end;
    open_end(&end, 4);
    meet(&end);
    CHECK_INT(next(&end), WIRE_UPDATE);
    for (uint64_t received = 1; received < 4; received++) {
        wait_until(&end, end.now_ms + LINK_ANSWER_MS - 1);
        CHECK(peer_is_up(&end.peer));
        ack(&end, received, false);
    }
    ack(&end, 4, false);
    wait_until(&end, end.now_ms + 10 * LINK_ANSWER_MS); /* nothing is due any more */
    CHECK(peer_is_up(&end.peer));
    add_clients(&end, 1);
    peer_change(&end.peer, 4);
    wait_until(&end, end.now_ms + LINK_ANSWER_MS - 1);
    CHECK(peer_is_up(&end.peer));
    CHECK_INT(count_events(LINK_STUCK, reason), 0);
    close_end(&end);
}

static void a_hello_wants_any_answer_but_a_hello(void)
{
    struct end end;
    open_end(&end, 0);
    CHECK(!peer_awaits(&end.peer));
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK(peer_awaits(&end.peer));
    hello(&end, 2, 0, 0, 0); /* he lives, and may not hear us */
    CHECK(peer_awaits(&end.peer));
    hello(&end, 2, 1, 0, 0); /* he has heard us once */
    CHECK(peer_is_up(&end.peer) && peer_awaits(&end.peer));
    CHECK_INT(end.peer.answers, 0);
    heartbeat(&end);
    CHECK(!peer_awaits(&end.peer));
    CHECK_INT(end.peer.answers, 1);
    close_end(&end);
}

static void a_hello_of_who_should_be_up_says_that_he_does_not_hear_us(void)
{
    struct end end;
    open_end(&end, 0);
    meet(&end);
    heartbeat(&end);
    CHECK(!peer_awaits(&end.peer));
    hello(&end, 2, 1, 0, 0);
    CHECK(peer_is_up(&end.peer) && peer_awaits(&end.peer));
    uint64_t before = end.peer.answers;
    heartbeat(&end);
    CHECK(!peer_awaits(&end.peer));
    CHECK(end.peer.answers > before);
    close_end(&end);
}

static void an_update_wants_its_acknowledgement(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    heartbeat(&end);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK(peer_awaits(&end.peer));
    uint64_t before = end.peer.answers;
    heartbeat(&end); /* of what was on the way before, it says nothing */
    CHECK(peer_awaits(&end.peer));
    CHECK_INT(end.peer.answers, before);
    ack(&end, 1, false);
    CHECK(peer_awaits(&end.peer));
    CHECK_INT(end.peer.answers, before + 1);
    ack(&end, 2, false);
    CHECK(!peer_awaits(&end.peer));
    CHECK_INT(end.peer.answers, before + 2);
    close_end(&end);
}

static void a_refusal_is_an_answer(void)
{
    struct end end;
    open_end(&end, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    in = (struct wire_message){.type = WIRE_REFUSED,
                               .from_incarnation = 2,
                               .to_incarnation = 1,
                               .code = WIRE_REFUSED_HERD,
                               .text = span_of("no")};
    receive(&end);
    CHECK(!peer_awaits(&end.peer));
    close_end(&end);

    open_end(&end, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    in = (struct wire_message){.type = WIRE_HELLO,
                               .from_incarnation = 2,
                               .herd = span_of("other"),
                               .node = span_of("Bob"),
                               .version = 1,
                               .version_min = 1};
    receive(&end); /* refused by us */
    CHECK(!peer_awaits(&end.peer));
    close_end(&end);
}

static void a_new_connection_is_used_at_once(void)
{
    struct end end;
    open_end(&end, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(next(&end), 0);
    peer_connected(&end.peer, end.now_ms);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(next(&end), 0);
    meet(&end);
    CHECK_INT(next(&end), 0);
    peer_connected(&end.peer, end.now_ms);
    CHECK(peer_deadline_ms(&end.peer) <= end.now_ms);
    CHECK_INT(next(&end), WIRE_HEARTBEAT);
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void what_was_on_the_way_goes_over_the_new_connection(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK(next(&end) != WIRE_UPDATE);
    peer_connected(&end.peer, end.now_ms);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(out.after, 0);
    close_end(&end);
}

static void a_new_connection_ends_no_pause(void)
{
    struct end end;
    open_end(&end, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    in = (struct wire_message){.type = WIRE_REFUSED,
                               .from_incarnation = 2,
                               .to_incarnation = 1,
                               .code = WIRE_REFUSED_HERD,
                               .text = span_of("no")};
    receive(&end);
    peer_connected(&end.peer, end.now_ms);
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

/* ---- who never comes up ---- */

static void nothing_happens(struct end *end)
{
    (void)end;
}

static void it_hears_nothing(struct end *end)
{
    hello(end, 2, 0, 0, 0);
}

static void it_is_up(struct end *end)
{
    hello(end, 2, 1, 0, 0);
    CHECK(next(end) != 0);
}

static void it_was_up(struct end *end)
{
    it_is_up(end);
    peer_refused(&end->peer, end->now_ms);
}

static void it_is_of_another_herd(struct end *end)
{
    in = (struct wire_message){.type = WIRE_HELLO,
                               .from_incarnation = 2,
                               .herd = span_of("other"),
                               .node = span_of("Bob"),
                               .version = 1,
                               .version_min = 1};
    receive(end);
}

static void say_all(struct end *end, bool is_there)
{
    while (next(end) != 0)
        if (!is_there)
            peer_refused(&end->peer, end->now_ms);
}

static void a_peer_that_never_comes_up_is_reported_once(void)
{
    static const struct {
        void (*begin)(struct end *end);
        bool is_there;      /* the transport takes what is sent */
        const char *reason; /* NULL: none */
    } rows[] = {
        {nothing_happens, false,
         "no answer from Bob since the start: not running, or the keys differ"},
        {nothing_happens, true, "no answer from Bob since the start: it takes our messages"},
        {it_hears_nothing, true,
         "no answer from Bob since the start: it speaks, but does not hear us"},
        {it_is_up, true, NULL},
        {it_was_up, true, NULL},
        {it_is_of_another_herd, true, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct end end;
        open_end(&end, 0);
        say_all(&end, rows[i].is_there);
        rows[i].begin(&end);
        end.now_ms += PEER_UNMET_MS - 1;
        say_all(&end, rows[i].is_there);
        CHECK_INT(count_events(LINK_UNMET, reason), 0);
        for (int again = 0; again < 5; again++, end.now_ms += PEER_UNMET_MS)
            say_all(&end, rows[i].is_there);
        CHECK_INT(count_events(LINK_UNMET, reason), rows[i].reason != NULL);
        if (rows[i].reason != NULL)
            CHECK(strcmp(reason, rows[i].reason) == 0);
        close_end(&end);
    }
}

/* What a neighbour needs to compare its table with ours, and how much of what it sent was not
 * kept. */
static void a_heartbeat_says_to_which_cut_its_digest_belongs(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    end.peer.refused = 7;
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK(out.has_checks && out.refused_here == 7);
    end.now_ms += PEER_REST_MS;
    CHECK_INT(next(&end), WIRE_UPDATE);
    end.now_ms += PEER_REST_MS;
    CHECK_INT(next(&end), WIRE_HEARTBEAT);
    CHECK(out.refused_here == 7 && out.clock_count == 0);
    CHECK(out.cut.position == 2 && out.cut.met == 1 && out.slots == 2);
    CHECK(out.cut.horizon_ns == INT64_MIN && out.cut.ceiling_ns == INT64_MAX);
    CHECK(out.whole == wire_fold(table_digest(end.table)));
    ack(&end, 0, true); /* both are sent again, one by one: the other waits */
    CHECK_INT(next(&end), WIRE_UPDATE);
    end.now_ms += PEER_REST_MS;
    CHECK_INT(next(&end), WIRE_HEARTBEAT);
    CHECK(out.cut.position == 1 && out.slots == 2 && out.whole == 0);
    CHECK(update(&end, 0, 1));
    end.now_ms += PEER_ACK_MS;
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK(out.has_checks && out.refused_here == 7);
    hello(&end, 3, 1, 0, 0); /* another pair: nothing of it was refused yet */
    CHECK_INT(end.peer.refused, 0);
    close_end(&end);
}

/* A CHECK says `have`, and not what of it was refused: an ACK does. */
static void an_acknowledgement_that_is_owed_goes_before_a_check(void)
{
    struct end end;
    open_end(&end, 0);
    in = (struct wire_message){.type = WIRE_HELLO,
                               .from_incarnation = 2,
                               .to_incarnation = 1,
                               .herd = span_of("test"),
                               .node = span_of("Bob"),
                               .version = 2,
                               .version_min = 1};
    receive(&end);
    while (next(&end) != 0)
        ;
    for (int i = 0; i < 2; i++) {
        end.now_ms = end.peer.checks.check_at;
        if (i == 1)
            CHECK(update(&end, 0, 1));
        CHECK_INT(next(&end), i == 1 ? WIRE_ACK : WIRE_HEARTBEAT);
        CHECK_INT(next(&end), WIRE_CHECK);
        while (next(&end) != 0)
            ;
    }
    close_end(&end);
}

static const struct check_case cases[] = {
    {"an acknowledgement that is owed goes before a check",
     an_acknowledgement_that_is_owed_goes_before_a_check},
    {"a link that is up and acknowledges nothing for five seconds is given up",
     a_link_that_is_up_and_acknowledges_nothing_is_given_up},
    {"it says why it went down, and comes up again", it_says_why_it_went_down_and_comes_up_again},
    {"every acknowledgement gives more time", every_acknowledgement_gives_more_time},
    {"a hello wants any answer but a hello", a_hello_wants_any_answer_but_a_hello},
    {"a hello of who should be up says that he does not hear us",
     a_hello_of_who_should_be_up_says_that_he_does_not_hear_us},
    {"an update wants its acknowledgement", an_update_wants_its_acknowledgement},
    {"a refusal is an answer", a_refusal_is_an_answer},
    {"a new connection is used at once", a_new_connection_is_used_at_once},
    {"a heartbeat says to which cut its digest belongs",
     a_heartbeat_says_to_which_cut_its_digest_belongs},
    {"what was on the way goes over the new connection",
     what_was_on_the_way_goes_over_the_new_connection},
    {"a new connection ends no pause after a refusal", a_new_connection_ends_no_pause},
    {"a peer that never comes up is reported once, and with what is known",
     a_peer_that_never_comes_up_is_reported_once},
};

CHECK_MAIN(cases)
