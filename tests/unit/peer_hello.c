/* Who is at the other end of a link: greetings, refusals, and names that two processes have. */
#include "tests/unit/peer_end.h"

static void a_hello_that_does_not_know_us_is_answered_by_hello(void)
{
    struct end end;
    open_end(&end, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK(out.to_incarnation == 0 && out.from_incarnation == 1);
    CHECK_INT(next(&end), 0);
    hello(&end, 2, 0, 0, 0);
    CHECK(!peer_is_up(&end.peer));
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(out.to_incarnation, 2);
    CHECK_INT(next(&end), 0);
    hello(&end, 2, 1, 0, 0);
    CHECK(peer_is_up(&end.peer));
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void refusal_by(struct end *end, uint64_t from)
{
    in = (struct wire_message){.type = WIRE_REFUSED,
                               .from_incarnation = from,
                               .to_incarnation = 1,
                               .code = WIRE_REFUSED_HERD,
                               .text = span_of("no")};
    receive(end);
}

static void a_late_refusal_does_not_silence_us_towards_a_successor(void)
{
    struct end end;
    open_end(&end, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    hello(&end, 2, 0, 0, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    peer_refused(&end.peer, end.now_ms); /* no connection just now */
    refusal_by(&end, 77);                /* of another herd's node that was there before */
    end.now_ms += PEER_HELLO_SLOW_MS;
    CHECK_INT(next(&end), 0);
    hello(&end, 77, 0, 0, 0); /* who refused us may say HELLO for as long as it likes */
    CHECK_INT(next(&end), 0);
    hello(&end, 2, 1, 0, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    hello(&end, 2, 1, 0, 0);
    CHECK(peer_is_up(&end.peer));
    close_end(&end);
}

static void a_pause_after_a_refusal_holds_no_hello_while_the_link_is_up(void)
{
    struct end end;
    open_end(&end, 0);
    meet(&end);
    refusal_by(&end, 77); /* late, of another herd's node that was there before */
    CHECK(!peer_is_up(&end.peer));
    in = (struct wire_message){
        .type = WIRE_HEARTBEAT, .from_incarnation = 2, .to_incarnation = 1, .head = 0};
    receive(&end);
    CHECK(peer_is_up(&end.peer));
    hello(&end, 22, 0, 0, 0);
    CHECK_INT(next(&end), WIRE_HELLO); /* in the same moment */
    CHECK_INT(out.to_incarnation, 2);
    close_end(&end);
}

static void a_restarted_process_is_met_as_soon_as_it_names_us(void)
{
    struct end end;
    open_end(&end, 0);
    meet(&end);
    hello(&end, 22, 0, 0, 0);
    CHECK_INT(end.peer.theirs, 2);
    CHECK_INT(next(&end), WIRE_HELLO); /* in the same moment */
    CHECK_INT(out.to_incarnation, 2);
    hello(&end, 22, 1, 0, 0);
    CHECK_INT(end.peer.theirs, 22);
    CHECK(peer_is_up(&end.peer));
    CHECK_INT(count.refusals, 0);
    close_end(&end);
}

/* It greets twice a second; the one we know answers our own greeting, or has ended. */
static void a_second_of_that_name(struct end *end, int64_t for_ms, bool first_lives)
{
    for (int64_t until = end->now_ms + for_ms; end->now_ms < until; end->now_ms += 500) {
        hello(end, 22, 0, 0, 0);
        while (next(end) != 0)
            ;
        if (first_lives)
            ack(end, 0, false);
    }
}

static void a_second_process_of_a_living_one_s_name_is_refused_and_changes_nothing(void)
{
    struct end end;
    char reason[LINK_REASON_BYTES_MAX];
    open_end(&end, 0);
    meet(&end);
    a_second_of_that_name(&end, 1001, true);
    CHECK_INT(count_events(LINK_REFUSED, reason), 0);
    hello(&end, 22, 0, 0, 0);
    CHECK_INT(next(&end), WIRE_REFUSED);
    CHECK_INT(out.to_incarnation, 22);
    CHECK_INT(out.code, WIRE_REFUSED_IN_USE);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(count_events(LINK_REFUSED, reason), 1);
    CHECK(strcmp(reason, "two running processes have the name Bob") == 0);
    a_second_of_that_name(&end, 25000, true);
    CHECK_INT(count_events(LINK_REFUSED, reason), 0); /* once is enough for a while */
    CHECK_INT(end.peer.theirs, 2);
    CHECK(peer_is_up(&end.peer));
    close_end(&end);
}

/* What the ended one said before may still come for a while. */
static void late_words_of_a_process_that_ended_cause_no_refusal(void)
{
    struct end end;
    char reason[LINK_REASON_BYTES_MAX];
    open_end(&end, 0);
    meet(&end);
    a_second_of_that_name(&end, 1000, true);
    a_second_of_that_name(&end, 4000, false);
    CHECK_INT(count_events(LINK_REFUSED, reason), 0);
    end.now_ms += PEER_SILENCE_MS;
    next(&end);
    CHECK(!peer_is_up(&end.peer));
    hello(&end, 22, 0, 0, 0);
    CHECK_INT(end.peer.theirs, 22);
    close_end(&end);
}

static void refusal_of(struct end *end, uint64_t from, uint64_t to)
{
    in = (struct wire_message){.type = WIRE_REFUSED,
                               .from_incarnation = from,
                               .to_incarnation = to,
                               .code = WIRE_REFUSED_IN_USE,
                               .text = span_of("twice")};
    receive(end);
}

static void refusals_for_a_name_in_use_leave_the_link_up(void)
{
    struct end end;
    char reason[LINK_REASON_BYTES_MAX];
    open_end(&end, 0);
    meet(&end);
    refusal_of(&end, 2, 44); /* of the other one */
    CHECK_INT(count_events(LINK_REFUSED, reason), 1);
    CHECK(strcmp(reason, "it refuses another: twice") == 0);
    refusal_of(&end, 2, 1);
    CHECK_INT(count_events(LINK_REFUSED, reason), 1);
    CHECK(strcmp(reason, "it refuses us: twice") == 0);
    CHECK(peer_is_up(&end.peer));
    refusal_of(&end, 3, 44); /* of a stranger */
    CHECK_INT(count_events(LINK_REFUSED, reason), 0);
    close_end(&end);
}

/* However often they say it, and by whatever incarnation: a line or two, and one fall, in a while.
 */
static void refusals_are_heard_once_in_a_while(void)
{
    struct end end;
    char reason[LINK_REASON_BYTES_MAX];
    open_end(&end, 0);
    meet(&end);
    for (int i = 0; i < 1000; i++) {
        refusal_by(&end, 2 + (uint64_t)i);
        refusal_of(&end, 2, 44);
        refusal_of(&end, 2, 1);
        ack(&end, 0, false);
        end.now_ms += 20;
        while (next(&end) != 0)
            ;
    }
    CHECK_INT(count.refusals, 3000);
    CHECK(peer_is_up(&end.peer));
    CHECK_INT(count_events(LINK_REFUSED, reason), 3);
    end.now_ms += HANDSHAKE_PAUSE_MS;
    refusal_by(&end, 2);
    CHECK_INT(count_events(LINK_DOWN, reason), 1);
    close_end(&end);
}

static void a_peer_that_takes_twenty_hellos_and_answers_none_is_reported_once(void)
{
    struct end end;
    char reason[LINK_REASON_BYTES_MAX];
    open_end(&end, 0);
    for (int i = 1; i < PEER_HELLOS_UNANSWERED_MAX; i++, end.now_ms += PEER_HELLO_SLOW_MS)
        CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(count_events(LINK_UNANSWERED, reason), 0);
    for (int i = 0; i < 10; i++, end.now_ms += PEER_HELLO_SLOW_MS)
        CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(count_events(LINK_UNANSWERED, reason), 1);
    close_end(&end);
}

static void who_is_not_there_is_not_called_silent(void)
{
    struct end end;
    char reason[LINK_REASON_BYTES_MAX];
    open_end(&end, 0);
    for (int i = 0; i < 3 * PEER_HELLOS_UNANSWERED_MAX; i++, end.now_ms += PEER_HELLO_SLOW_MS) {
        CHECK_INT(next(&end), WIRE_HELLO);
        peer_refused(&end.peer, end.now_ms);
    }
    CHECK_INT(count_events(LINK_UNANSWERED, reason), 0);
    close_end(&end);
}

static void a_link_speaks_the_smaller_version_of_both(void)
{
    static const uint64_t theirs[] = {1, 2, 3};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
        struct end end;
        open_end(&end, 0);
        CHECK_INT(next(&end), WIRE_HELLO);
        CHECK(out.version == WIRE_VERSION && out.version_min == WIRE_VERSION_MIN);
        CHECK(out.has_checks && out.cut.ceiling_ns == INT64_MAX && out.clock_count == 0);
        hello_of(2, 1);
        in.version = theirs[i];
        receive(&end);
        CHECK(peer_is_up(&end.peer));
        CHECK_INT(end.peer.version, theirs[i] < WIRE_VERSION ? theirs[i] : WIRE_VERSION);
        close_end(&end);
    }
}

static void incarnations_are_counted_as_they_are_met(void)
{
    struct end end;
    open_end(&end, 0);
    for (uint64_t from = 2; from < 5; from++)
        for (int times = 0; times < 2; times++) {
            hello(&end, from, 1, 0, 0);
            CHECK_INT(end.peer.met, from - 1);
        }
    close_end(&end);
}

static const struct check_case cases[] = {
    {"a hello that does not know us is answered by hello",
     a_hello_that_does_not_know_us_is_answered_by_hello},
    {"a pause after a refusal holds no HELLO while the link is up",
     a_pause_after_a_refusal_holds_no_hello_while_the_link_is_up},
    {"a late refusal does not silence us towards a successor",
     a_late_refusal_does_not_silence_us_towards_a_successor},
    {"a restarted process is met as soon as it names us",
     a_restarted_process_is_met_as_soon_as_it_names_us},
    {"a second process of a living one's name is refused and changes nothing",
     a_second_process_of_a_living_one_s_name_is_refused_and_changes_nothing},
    {"late words of a process that ended cause no refusal",
     late_words_of_a_process_that_ended_cause_no_refusal},
    {"refusals for a name in use are reported, and the link stays up",
     refusals_for_a_name_in_use_leave_the_link_up},
    {"refusals are heard once in a while", refusals_are_heard_once_in_a_while},
    {"a peer that takes twenty hellos and answers none is reported once",
     a_peer_that_takes_twenty_hellos_and_answers_none_is_reported_once},
    {"who is not there is not called silent", who_is_not_there_is_not_called_silent},
    {"a link speaks the smaller version of both", a_link_speaks_the_smaller_version_of_both},
    {"incarnations are counted as they are met", incarnations_are_counted_as_they_are_met},
};

CHECK_MAIN(cases)
