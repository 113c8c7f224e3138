/* One link, message by message: windows, timers, incarnations and what a late message may do. */
#include "tests/unit/peer_end.h"

static void the_window_is_thirty_two_updates(void)
{
    struct end end;
    open_end(&end, 40);
    meet(&end);
    for (int i = 0; i < 32; i++) {
        CHECK_INT(next(&end), WIRE_UPDATE);
        CHECK_INT(out.after, i);
        CHECK_INT(out.upto, i + 1);
    }
    CHECK_INT(next(&end), 0);
    ack(&end, 3, false);
    for (int i = 0; i < 3; i++)
        CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(next(&end), 0);
    ack(&end, 35, false);
    CHECK_INT(end.peer.window.in_flight, 0);
    close_end(&end);
}

static void retransmission_is_patient_until_the_link_counts_as_dead(void)
{
    struct end end;
    open_end(&end, 3);
    meet(&end);
    for (int i = 0; i < 3; i++)
        CHECK_INT(next(&end), WIRE_UPDATE);
    static const int64_t pauses[] = {1000, 2000};
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        int64_t until = end.now_ms + pauses[i];
        while (end.now_ms < until - 1) {
            end.now_ms++;
            if (end.now_ms % 1000 == 0) { /* Bob lives, but has got nothing */
                in = (struct wire_message){
                    .type = WIRE_HEARTBEAT, .from_incarnation = 2, .to_incarnation = 1};
                receive(&end);
            }
            int type = next(&end);
            CHECK(type == 0 || type == WIRE_HEARTBEAT);
        }
        end.now_ms++;
        CHECK_INT(next(&end), WIRE_UPDATE);
        CHECK_INT(out.after, 0);
        CHECK(next(&end) != WIRE_UPDATE); /* probing: one on the way */
    }
    CHECK_INT(count.rewinds, 2);
    ack(&end, 1, false);
    CHECK_INT(end.peer.window.retransmit_ms, 1000);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(next(&end), WIRE_UPDATE);
    close_end(&end);
}

static void acknowledgements_wait_for_company_but_not_long(void)
{
    struct end end;
    open_end(&end, 0);
    meet(&end);
    CHECK(update(&end, 0, 1));
    end.now_ms += PEER_ACK_MS - 1;
    CHECK_INT(next(&end), 0);
    end.now_ms++;
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK(out.received == 1 && !out.gap);
    CHECK_INT(next(&end), 0);
    for (uint64_t i = 1; i < PEER_ACK_UPDATES; i++) {
        CHECK(update(&end, i, i + 1));
        CHECK_INT(next(&end), 0);
    }
    CHECK(update(&end, PEER_ACK_UPDATES, PEER_ACK_UPDATES + 1));
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK_INT(out.received, PEER_ACK_UPDATES + 1);
    CHECK(update(&end, 5, 6));
    add_clients(&end, 1);
    peer_change(&end.peer, 0);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(out.received, 6);
    end.now_ms += PEER_ACK_MS;
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void a_gap_is_reported_at_once_and_not_applied(void)
{
    struct end end;
    open_end(&end, 1);
    meet(&end);
    CHECK(update(&end, 0, 3));
    CHECK(!update(&end, 4, 5));
    CHECK_INT(next(&end), WIRE_UPDATE); /* has no way to say it */
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK(out.gap && out.received == 3);
    CHECK_INT(next(&end), 0);
    CHECK(update(&end, 1, 2)); /* old news: applied, and nothing goes back */
    CHECK_INT(end.peer.received, 3);
    CHECK(update(&end, 2, 6));
    CHECK_INT(end.peer.received, 6);
    close_end(&end);
}

static void after_a_rewind_the_next_update_follows_the_last_acknowledgement(void)
{
    struct end end;
    open_end(&end, 6);
    meet(&end);
    for (int i = 0; i < 4; i++)
        CHECK_INT(next(&end), WIRE_UPDATE);
    ack(&end, 2, true);
    CHECK_INT(end.peer.window.ring.sent, 4);
    CHECK_INT(next_of(&end, 3), WIRE_UPDATE);
    CHECK_INT(out.after, 2);
    CHECK_INT(out.upto, 5);
    ack(&end, 2, true); /* about an UPDATE from before: not again */
    CHECK_INT(end.peer.window.in_flight, 1);
    CHECK_INT(count.rewinds, 1);
    ack(&end, 3, false); /* late: of the first round */
    CHECK_INT(end.peer.window.acked, 3);
    ack(&end, 5, false);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    CHECK_INT(out.after, 5);
    CHECK_INT(out.upto, 6);
    close_end(&end);
}

static void a_slow_acknowledgement_ends_the_sending_again(void)
{
    struct end end;
    open_end(&end, 4);
    meet(&end);
    CHECK_INT(next_of(&end, 4), WIRE_UPDATE);
    end.now_ms += 1000;
    CHECK_INT(next_of(&end, 1), WIRE_UPDATE); /* sent again, one by one */
    CHECK(out.after == 0 && out.upto == 1);
    ack(&end, 4, false); /* of the first one sent */
    CHECK_INT(count.messages_strange, 0);
    CHECK_INT(end.peer.window.acked, 4);
    CHECK_INT(end.peer.window.in_flight, 0);
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void a_slow_acknowledgement_hides_no_change(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    CHECK_INT(next_of(&end, 2), WIRE_UPDATE);
    peer_change(&end.peer, 0); /* before it is sent again */
    end.now_ms += 1000;
    CHECK_INT(next_of(&end, 1), WIRE_UPDATE); /* 1 only: 0 has a new, later position */
    CHECK(out.after == 0 && out.upto == 2);
    peer_change(&end.peer, 1); /* after it was sent again */
    ack(&end, 2, false);
    CHECK_INT(end.peer.window.ring.head - end.peer.window.ring.sent, 2);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    CHECK(out.after == 2 && out.upto == 4);
    close_end(&end);
}

static void a_new_incarnation_is_sent_everything_from_zero(void)
{
    struct end end;
    open_end(&end, 3);
    meet(&end);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    ack(&end, 3, false);
    CHECK(update(&end, 0, 7));
    hello(&end, 22, 1, 0, 0);
    CHECK_INT(count.incarnation_changes, 1);
    CHECK_INT(end.peer.received, 0);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    CHECK_INT(out.to_incarnation, 22);
    CHECK_INT(out.after, 0);
    CHECK_INT(out.upto, 6); /* positions are never used twice */
    close_end(&end);
}

static void a_new_incarnation_that_sent_us_all_is_sent_its_position(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    CHECK_INT(next_of(&end, 2), WIRE_UPDATE);
    ack(&end, 2, false);
    hello(&end, 3, 1, 0, 0);
    end.peer.status_wanted = true;
    CHECK_INT(next(&end), WIRE_STATUS_ASK); /* and then comes what it has */
    peer_knows(&end.peer, 0);
    peer_knows(&end.peer, 1);
    CHECK_INT(count.locations_known, 2);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK(out.after == 0 && out.upto == 2);
    CHECK_INT(next(&end), 0);
    in = (struct wire_message){
        .type = WIRE_ACK, .from_incarnation = 3, .to_incarnation = 1, .received = 2};
    receive(&end);
    CHECK_INT(end.peer.window.acked, end.peer.window.ring.head);
    end.now_ms += 2000;
    CHECK_INT(next(&end), WIRE_HEARTBEAT);
    CHECK_INT(out.head, 2);
    close_end(&end);
}

static void start_counts_only_for_our_own_incarnation(void)
{
    struct end end;
    open_end(&end, 0);
    hello(&end, 2, 77, 50, 0); /* about a predecessor of ours */
    CHECK_INT(end.peer.received, 0);
    hello(&end, 2, 0, 50, 0);
    CHECK_INT(end.peer.received, 0);
    hello(&end, 2, 1, 50, 0);
    CHECK_INT(end.peer.received, 50);
    hello(&end, 2, 1, 40, 0);
    CHECK_INT(end.peer.received, 50);
    close_end(&end);
}

static void who_forgot_what_it_had_is_reminded(void)
{
    struct end end;
    open_end(&end, 3);
    meet(&end);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    ack(&end, 3, false);
    hello(&end, 2, 1, 0, 1);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(out.start, 3);
    CHECK_INT(next(&end), WIRE_ACK);
    ack(&end, 1, true);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(next(&end), 0);
    in = (struct wire_message){
        .type = WIRE_HEARTBEAT, .from_incarnation = 2, .to_incarnation = 1, .received = 1};
    receive(&end);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(out.start, 3);
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void a_digest_counts_only_where_nothing_waits(void)
{
    struct end end;
    open_end(&end, 1);
    meet(&end);
    CHECK_INT(next(&end), WIRE_UPDATE);
    end.now_ms += PEER_REST_MS;
    CHECK_INT(next(&end), WIRE_HEARTBEAT);
    CHECK(out.head == WIRE_HEAD_UNREST);
    ack(&end, 1, false);
    end.now_ms += PEER_REST_MS;
    CHECK_INT(next(&end), WIRE_HEARTBEAT);
    CHECK_INT(out.head, 1);
    close_end(&end);
}

static void nothing_waits_for_an_unknown_incarnation(void)
{
    struct end end;
    open_end(&end, 3);
    peer_change(&end.peer, 0);
    CHECK_INT(end.peer.window.ring.head, 0);
    hello(&end, 2, 0, 0, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(end.peer.window.ring.head, 0); /* nor for one that has not named ours */
    hello(&end, 2, 1, 0, 0);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(end.peer.window.ring.head, 3);
    peer_change(&end.peer, 1);
    CHECK_INT(end.peer.window.ring.head, 3);
    close_end(&end);
}

static void a_goodbye_waits_for_the_last_acknowledgement(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    end.common.leaving = true;
    CHECK(!peer_is_over(&end.peer));
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    CHECK_INT(next(&end), 0);
    ack(&end, 2, false);
    CHECK_INT(next(&end), WIRE_GOODBYE);
    CHECK_INT(next(&end), 0);
    CHECK(peer_is_over(&end.peer));
    CHECK(peer_deadline_ms(&end.peer) == INT64_MAX);
    close_end(&end);
}

static void heartbeats_come_at_the_moments_of_the_process(void)
{
    struct end end;
    open_end(&end, 0);
    end.lists.process = 1123;
    meet(&end);
    while (next(&end) != 0)
        continue;
    for (int i = 0; i < 3; i++) {
        end.now_ms = peer_deadline_ms(&end.peer);
        CHECK_INT(next(&end), WIRE_HEARTBEAT);
        CHECK_INT(end.peer.beat_at % 500, 123);
        CHECK(end.peer.beat_at > end.now_ms + PEER_HEARTBEAT_MS - 500);
        CHECK(end.peer.beat_at <= end.now_ms + PEER_HEARTBEAT_MS);
    }
    close_end(&end);
}

static void a_refused_goodbye_is_over_too(void)
{
    struct end end;
    open_end(&end, 0);
    meet(&end);
    end.common.leaving = true;
    CHECK_INT(next(&end), WIRE_GOODBYE);
    peer_refused(&end.peer, end.now_ms);
    CHECK(peer_is_over(&end.peer));
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void after_a_goodbye_the_incarnation_is_a_stranger(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    in = (struct wire_message){.type = WIRE_GOODBYE, .from_incarnation = 2, .to_incarnation = 1};
    receive(&end);
    CHECK(!peer_is_up(&end.peer) && end.peer.theirs == 0);
    CHECK(!update(&end, 0, 1)); /* a straggler */
    CHECK_INT(count.messages_strange, 1);
    close_end(&end);
}

static const struct check_case cases[] = {
    {"the window is thirty-two updates", the_window_is_thirty_two_updates},
    {"retransmission is patient, until the link counts as dead",
     retransmission_is_patient_until_the_link_counts_as_dead},
    {"acknowledgements wait for company but not long",
     acknowledgements_wait_for_company_but_not_long},
    {"a gap is reported at once and not applied", a_gap_is_reported_at_once_and_not_applied},
    {"after a rewind the next update follows the last acknowledgement",
     after_a_rewind_the_next_update_follows_the_last_acknowledgement},
    {"a slow acknowledgement ends the sending again",
     a_slow_acknowledgement_ends_the_sending_again},
    {"a slow acknowledgement hides no change", a_slow_acknowledgement_hides_no_change},
    {"a new incarnation is sent everything from zero",
     a_new_incarnation_is_sent_everything_from_zero},
    {"a new incarnation that sent us all is sent its position",
     a_new_incarnation_that_sent_us_all_is_sent_its_position},
    {"start counts only for our own incarnation", start_counts_only_for_our_own_incarnation},
    {"who forgot what it had is reminded", who_forgot_what_it_had_is_reminded},
    {"a digest counts only where nothing waits", a_digest_counts_only_where_nothing_waits},
    {"nothing waits for an incarnation before it has named ours",
     nothing_waits_for_an_unknown_incarnation},
    {"a goodbye waits for the last acknowledgement", a_goodbye_waits_for_the_last_acknowledgement},
    {"heartbeats come at the moments of the process",
     heartbeats_come_at_the_moments_of_the_process},
    {"a refused goodbye is over too", a_refused_goodbye_is_over_too},
    {"after a goodbye the incarnation is a stranger",
     after_a_goodbye_the_incarnation_is_a_stranger},
};

CHECK_MAIN(cases)
