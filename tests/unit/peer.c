/* One link, message by message: windows, timers, sessions and what a late message may do. The
 * two ends are peers without floods around them: a table of empty meaning and slots as values. */
#include "bus/peer.h"

#include "bus/greet.h"
#include "tests/check.h"

static struct flood_counters count;
static struct events events;
static struct wire_message out, in;
static const uint8_t key[16];

/* The link under test, and a table with `clients` slots behind it. */
struct end {
    struct table *table;
    struct peer_common common;
    struct peer peer;
    int64_t now_ms;
};

static void add_clients(struct end *end, int clients)
{
    for (int i = 0; i < clients; i++) {
        char client[16];
        snprintf(client, sizeof client, "c%u", table_count(end->table));
        struct location location = {
            span_of(client), span_of("+1-1"), span_of("1"), span_of("Ada"), 0, 1, NULL};
        uint32_t slot;
        CHECK_INT(table_put(end->table, &location, table_hash(end->table, location.client), &slot),
                  TABLE_NEW);
    }
}

static void open_end(struct end *end, int clients)
{
    memset(end, 0, sizeof *end);
    memset(&count, 0, sizeof count);
    events_free(&events);
    end->table = table_new(key);
    end->common =
        (struct peer_common){span_of("test"), span_of("Ada"), 1, end->table, &events, &count};
    peer_init(&end->peer, &end->common, 0, span_of("Bob"));
    end->now_ms = 1000000;
    add_clients(end, clients);
}

static void close_end(struct end *end)
{
    CHECK(peer_is_sound(&end->peer));
    peer_free(&end->peer);
    table_destroy(&end->table);
    events_free(&events);
}

/* The next message, or 0. An UPDATE carries at most `slots_max` slots. */
static int next_of(struct end *end, int slots_max)
{
    if (!peer_next(&end->peer, &out, end->now_ms))
        return 0;
    if (out.type == WIRE_UPDATE) {
        uint32_t slot;
        for (int i = 0; i < slots_max && ring_peek(&end->peer.ring, &slot); i++)
            ring_take(&end->peer.ring);
        peer_announce(&end->peer, &out, end->now_ms);
    }
    CHECK(peer_is_sound(&end->peer));
    return (int)out.type;
}

static int next(struct end *end)
{
    return next_of(end, 1);
}

static bool receive(struct end *end)
{
    bool apply = peer_receive(&end->peer, &in, end->now_ms);
    CHECK(peer_is_sound(&end->peer));
    return apply;
}

/* Bob is session 2 and speaks to session 1 unless a case says otherwise. */
static void hello(struct end *end, uint64_t from, uint64_t to, uint64_t start, uint64_t have)
{
    in = (struct wire_message){.type = WIRE_HELLO,
                               .from_session = from,
                               .to_session = to,
                               .herd = span_of("test"),
                               .node = span_of("Bob"),
                               .version = 1,
                               .version_min = 1,
                               .start = start,
                               .have = have};
    receive(end);
}

static void ack(struct end *end, uint64_t have, bool hole)
{
    in = (struct wire_message){
        .type = WIRE_ACK, .from_session = 2, .to_session = 1, .have = have, .hole = hole};
    CHECK(!receive(end));
}

static bool update(struct end *end, uint64_t after, uint64_t upto)
{
    in = (struct wire_message){
        .type = WIRE_UPDATE, .from_session = 2, .to_session = 1, .after = after, .upto = upto};
    return receive(end);
}

/* Up, and quiet but for the answer to HELLO. */
static void meet(struct end *end)
{
    hello(end, 2, 1, 0, 0);
    CHECK(end->peer.up);
    while (end->peer.ack_at <= end->now_ms && end->peer.ring.told == end->peer.ring.head)
        CHECK_INT(next(end), WIRE_ACK);
}

static void a_hello_that_does_not_know_us_is_answered_by_hello(void)
{
    struct end end;
    open_end(&end, 0);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK(out.to_session == 0 && out.from_session == 1);
    CHECK_INT(next(&end), 0);
    hello(&end, 2, 0, 0, 0);
    CHECK(!end.peer.up);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(out.to_session, 2);
    CHECK_INT(next(&end), 0);
    hello(&end, 2, 1, 0, 0);
    CHECK(end.peer.up);
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void the_window_is_eight_updates(void)
{
    struct end end;
    open_end(&end, 20);
    meet(&end);
    for (int i = 0; i < PEER_WINDOW; i++) {
        CHECK_INT(next(&end), WIRE_UPDATE);
        CHECK_INT(out.after, i);
        CHECK_INT(out.upto, i + 1);
    }
    CHECK_INT(next(&end), 0);
    ack(&end, 3, false);
    for (int i = 0; i < 3; i++)
        CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(next(&end), 0);
    ack(&end, 11, false);
    CHECK_INT(end.peer.in_flight, 0);
    close_end(&end);
}

static void retransmission_is_patient_up_to_eight_seconds(void)
{
    struct end end;
    open_end(&end, 3);
    meet(&end);
    for (int i = 0; i < 3; i++)
        CHECK_INT(next(&end), WIRE_UPDATE);
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 8000};
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        int64_t until = end.now_ms + pauses[i];
        while (end.now_ms < until - 1) {
            end.now_ms++;
            if (end.now_ms % 1000 == 0) { /* Bob lives, but has got nothing */
                in = (struct wire_message){
                    .type = WIRE_HEARTBEAT, .from_session = 2, .to_session = 1};
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
    CHECK_INT(count.rewinds, 5);
    ack(&end, 1, false);
    CHECK_INT(end.peer.retransmit_ms, 1000);
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
    CHECK(out.have == 1 && !out.hole);
    CHECK_INT(next(&end), 0);
    for (uint64_t i = 1; i < PEER_ACK_UPDATES; i++) {
        CHECK(update(&end, i, i + 1));
        CHECK_INT(next(&end), 0);
    }
    CHECK(update(&end, PEER_ACK_UPDATES, PEER_ACK_UPDATES + 1));
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK_INT(out.have, PEER_ACK_UPDATES + 1);
    CHECK(update(&end, 5, 6));
    add_clients(&end, 1);
    peer_change(&end.peer, 0);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK_INT(out.have, 6);
    end.now_ms += PEER_ACK_MS;
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void a_hole_is_told_at_once_and_not_applied(void)
{
    struct end end;
    open_end(&end, 1);
    meet(&end);
    CHECK(update(&end, 0, 3));
    CHECK(!update(&end, 4, 5));
    CHECK_INT(next(&end), WIRE_UPDATE); /* has no way to say it */
    CHECK_INT(next(&end), WIRE_ACK);
    CHECK(out.hole && out.have == 3);
    CHECK_INT(next(&end), 0);
    CHECK(update(&end, 1, 2)); /* old news: applied, and nothing goes back */
    CHECK_INT(end.peer.have, 3);
    CHECK(update(&end, 2, 6));
    CHECK_INT(end.peer.have, 6);
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
    CHECK_INT(end.peer.ring.told, 4);
    CHECK_INT(next_of(&end, 3), WIRE_UPDATE);
    CHECK_INT(out.after, 2);
    CHECK_INT(out.upto, 5);
    ack(&end, 2, true); /* about an UPDATE from before: not again */
    CHECK_INT(end.peer.in_flight, 1);
    CHECK_INT(count.rewinds, 1);
    ack(&end, 3, false); /* late: of the first round */
    CHECK_INT(end.peer.acked, 3);
    ack(&end, 5, false);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    CHECK_INT(out.after, 5);
    CHECK_INT(out.upto, 6);
    close_end(&end);
}

static void a_slow_acknowledgement_ends_the_telling_again(void)
{
    struct end end;
    open_end(&end, 4);
    meet(&end);
    CHECK_INT(next_of(&end, 4), WIRE_UPDATE);
    end.now_ms += 1000;
    CHECK_INT(next_of(&end, 1), WIRE_UPDATE); /* told again, one by one */
    CHECK(out.after == 0 && out.upto == 1);
    ack(&end, 4, false); /* of the first telling */
    CHECK_INT(count.messages_strange, 0);
    CHECK_INT(end.peer.acked, 4);
    CHECK_INT(end.peer.in_flight, 0);
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void a_slow_acknowledgement_hides_no_change(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    CHECK_INT(next_of(&end, 2), WIRE_UPDATE);
    peer_change(&end.peer, 0); /* before it is told again */
    end.now_ms += 1000;
    CHECK_INT(next_of(&end, 1), WIRE_UPDATE); /* 1 only: 0 has a new position, behind */
    CHECK(out.after == 0 && out.upto == 2);
    peer_change(&end.peer, 1); /* after it was told again */
    ack(&end, 2, false);
    CHECK_INT(end.peer.ring.head - end.peer.ring.told, 2);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    CHECK(out.after == 2 && out.upto == 4);
    close_end(&end);
}

static void a_new_session_is_told_everything_from_zero(void)
{
    struct end end;
    open_end(&end, 3);
    meet(&end);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    ack(&end, 3, false);
    CHECK(update(&end, 0, 7));
    hello(&end, 22, 1, 0, 0);
    CHECK_INT(count.session_changes, 1);
    CHECK_INT(end.peer.have, 0);
    CHECK_INT(next_of(&end, 9), WIRE_UPDATE);
    CHECK_INT(out.to_session, 22);
    CHECK_INT(out.after, 0);
    CHECK_INT(out.upto, 6); /* positions are never used twice */
    close_end(&end);
}

static void a_new_session_that_told_us_all_is_told_where_it_stands(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    CHECK_INT(next_of(&end, 2), WIRE_UPDATE);
    ack(&end, 2, false);
    hello(&end, 3, 1, 0, 0);
    peer_knows(&end.peer, 0);
    peer_knows(&end.peer, 1);
    CHECK_INT(count.locations_known, 2);
    CHECK_INT(next(&end), WIRE_UPDATE);
    CHECK(out.after == 0 && out.upto == 2);
    CHECK_INT(next(&end), 0);
    in = (struct wire_message){.type = WIRE_ACK, .from_session = 3, .to_session = 1, .have = 2};
    receive(&end);
    CHECK_INT(end.peer.acked, end.peer.ring.head);
    end.now_ms += 2000;
    CHECK_INT(next(&end), WIRE_HEARTBEAT);
    CHECK_INT(out.head, 2);
    close_end(&end);
}

static void start_counts_only_for_our_own_session(void)
{
    struct end end;
    open_end(&end, 0);
    hello(&end, 2, 77, 50, 0); /* about a predecessor of ours */
    CHECK_INT(end.peer.have, 0);
    hello(&end, 2, 0, 50, 0);
    CHECK_INT(end.peer.have, 0);
    hello(&end, 2, 1, 50, 0);
    CHECK_INT(end.peer.have, 50);
    hello(&end, 2, 1, 40, 0);
    CHECK_INT(end.peer.have, 50);
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
        .type = WIRE_HEARTBEAT, .from_session = 2, .to_session = 1, .have = 1};
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

static void refusal_by(struct end *end, uint64_t from)
{
    in = (struct wire_message){.type = WIRE_REFUSED,
                               .from_session = from,
                               .to_session = 1,
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
    CHECK(end.peer.up);
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
    CHECK_INT(out.to_session, 2);
    hello(&end, 22, 1, 0, 0);
    CHECK_INT(end.peer.theirs, 22);
    CHECK(end.peer.up);
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

static int count_events(enum flood_event_kind kind, char reason[FLOOD_REASON_BYTES_MAX])
{
    struct flood_event event;
    int told = 0;
    while (events_pop(&events, &event))
        if (event.kind == kind) {
            told++;
            memcpy(reason, event.reason, sizeof event.reason);
        }
    return told;
}

static void a_second_process_of_a_living_one_s_name_is_refused_and_changes_nothing(void)
{
    struct end end;
    char reason[FLOOD_REASON_BYTES_MAX];
    open_end(&end, 0);
    meet(&end);
    a_second_of_that_name(&end, 1001, true);
    CHECK_INT(count_events(FLOOD_LINK_REFUSED, reason), 0);
    hello(&end, 22, 0, 0, 0);
    CHECK_INT(next(&end), WIRE_REFUSED);
    CHECK_INT(out.to_session, 22);
    CHECK_INT(out.code, WIRE_REFUSED_IN_USE);
    CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(count_events(FLOOD_LINK_REFUSED, reason), 1);
    CHECK(strcmp(reason, "two running processes have the name Bob") == 0);
    a_second_of_that_name(&end, 25000, true);
    CHECK_INT(count_events(FLOOD_LINK_REFUSED, reason), 0); /* once is enough for a while */
    CHECK_INT(end.peer.theirs, 2);
    CHECK(end.peer.up);
    close_end(&end);
}

/* What the ended one said before may still come for a while. */
static void late_words_of_a_process_that_ended_refuse_nobody(void)
{
    struct end end;
    char reason[FLOOD_REASON_BYTES_MAX];
    open_end(&end, 0);
    meet(&end);
    a_second_of_that_name(&end, 1000, true);
    a_second_of_that_name(&end, 4000, false);
    CHECK_INT(count_events(FLOOD_LINK_REFUSED, reason), 0);
    end.now_ms += PEER_SILENCE_MS;
    next(&end);
    CHECK(!end.peer.up);
    hello(&end, 22, 0, 0, 0);
    CHECK_INT(end.peer.theirs, 22);
    close_end(&end);
}

static void refusal_of(struct end *end, uint64_t from, uint64_t to)
{
    in = (struct wire_message){.type = WIRE_REFUSED,
                               .from_session = from,
                               .to_session = to,
                               .code = WIRE_REFUSED_IN_USE,
                               .text = span_of("twice")};
    receive(end);
}

static void both_of_one_name_are_told_and_go_on(void)
{
    struct end end;
    char reason[FLOOD_REASON_BYTES_MAX];
    open_end(&end, 0);
    meet(&end);
    refusal_of(&end, 2, 44); /* of the other one */
    CHECK_INT(count_events(FLOOD_LINK_REFUSED, reason), 1);
    CHECK(strcmp(reason, "it refuses another: twice") == 0);
    refusal_of(&end, 2, 1);
    CHECK_INT(count_events(FLOOD_LINK_REFUSED, reason), 1);
    CHECK(strcmp(reason, "it refuses us: twice") == 0);
    CHECK(end.peer.up);
    refusal_of(&end, 3, 44); /* of a stranger */
    CHECK_INT(count_events(FLOOD_LINK_REFUSED, reason), 0);
    close_end(&end);
}

static void who_takes_twenty_hellos_and_answers_none_is_told_of_once(void)
{
    struct end end;
    char reason[FLOOD_REASON_BYTES_MAX];
    open_end(&end, 0);
    for (int i = 1; i < PEER_HELLOS_UNANSWERED_MAX; i++, end.now_ms += PEER_HELLO_SLOW_MS)
        CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(count_events(FLOOD_LINK_UNANSWERED, reason), 0);
    for (int i = 0; i < 10; i++, end.now_ms += PEER_HELLO_SLOW_MS)
        CHECK_INT(next(&end), WIRE_HELLO);
    CHECK_INT(count_events(FLOOD_LINK_UNANSWERED, reason), 1);
    close_end(&end);
}

static void who_is_not_there_is_not_called_silent(void)
{
    struct end end;
    char reason[FLOOD_REASON_BYTES_MAX];
    open_end(&end, 0);
    for (int i = 0; i < 3 * PEER_HELLOS_UNANSWERED_MAX; i++, end.now_ms += PEER_HELLO_SLOW_MS) {
        CHECK_INT(next(&end), WIRE_HELLO);
        peer_refused(&end.peer, end.now_ms);
    }
    CHECK_INT(count_events(FLOOD_LINK_UNANSWERED, reason), 0);
    close_end(&end);
}

static void nothing_waits_for_an_unknown_session(void)
{
    struct end end;
    open_end(&end, 3);
    peer_change(&end.peer, 0);
    CHECK_INT(end.peer.ring.head, 0);
    hello(&end, 2, 0, 0, 0);
    CHECK_INT(end.peer.ring.head, 3);
    peer_change(&end.peer, 0);
    CHECK_INT(end.peer.ring.head, 3);
    close_end(&end);
}

static void a_goodbye_waits_for_the_last_acknowledgement(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    peer_leave(&end.peer);
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

static void a_refused_goodbye_is_over_too(void)
{
    struct end end;
    open_end(&end, 0);
    meet(&end);
    peer_leave(&end.peer);
    CHECK_INT(next(&end), WIRE_GOODBYE);
    peer_refused(&end.peer, end.now_ms);
    CHECK(peer_is_over(&end.peer));
    CHECK_INT(next(&end), 0);
    close_end(&end);
}

static void after_a_goodbye_the_session_is_a_stranger(void)
{
    struct end end;
    open_end(&end, 2);
    meet(&end);
    in = (struct wire_message){.type = WIRE_GOODBYE, .from_session = 2, .to_session = 1};
    receive(&end);
    CHECK(!end.peer.up && end.peer.theirs == 0);
    CHECK(!update(&end, 0, 1)); /* a straggler */
    CHECK_INT(count.messages_strange, 1);
    close_end(&end);
}

static void disagreement_must_be_seen_twice_and_heals_with_pauses(void)
{
    struct agree agree;
    agree_init(&agree);
    CHECK_INT(agree_judge(&agree, 1, 1, 0), AGREE_EQUAL);
    CHECK_INT(agree_judge(&agree, 1, 1, 1), AGREE_NOTHING);
    CHECK_INT(agree_judge(&agree, 1, 2, 2), AGREE_NOTHING);
    CHECK_INT(agree_judge(&agree, 1, 3, 3), AGREE_NOTHING);
    agree_forget(&agree);
    CHECK_INT(agree_judge(&agree, 1, 3, 4), AGREE_NOTHING);
    CHECK_INT(agree_judge(&agree, 1, 3, 5), AGREE_FAULT);
    int64_t now_ms = 5, pause_ms = AGREE_PAUSE_MS;
    for (int i = 0; i < 8; i++) {
        CHECK_INT(agree_judge(&agree, 1, 3, now_ms + pause_ms - 2), AGREE_NOTHING);
        CHECK_INT(agree_judge(&agree, 1, 3, now_ms + pause_ms - 1), AGREE_NOTHING);
        CHECK_INT(agree_judge(&agree, 1, 3, now_ms + pause_ms), AGREE_FAULT);
        now_ms += pause_ms;
        pause_ms = 2 * pause_ms < AGREE_PAUSE_MS_MAX ? 2 * pause_ms : AGREE_PAUSE_MS_MAX;
    }
    CHECK_INT(pause_ms, AGREE_PAUSE_MS_MAX);
    CHECK_INT(agree_judge(&agree, 3, 3, now_ms), AGREE_EQUAL);
    CHECK_INT(agree.pause_ms, AGREE_PAUSE_MS);
    CHECK_INT(agree_judge(&agree, 1, 1, now_ms), AGREE_EQUAL);
}

static void versions_meet_where_their_ranges_touch(void)
{
    static const struct {
        uint64_t low, high;
        bool refused;
    } rows[] = {{1, 1, false}, {1, 9, false}, {0, 1, false}, {0, 0, true}, {2, 9, true}};
    struct greet_link link = {span_of("test"), span_of("Bob"), 1};
    char text[WIRE_TEXT_BYTES_MAX + 1];
    enum wire_refusal code;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        in = (struct wire_message){.from_session = 2,
                                   .herd = span_of("test"),
                                   .node = span_of("Bob"),
                                   .version_min = rows[i].low,
                                   .version = rows[i].high};
        CHECK(greet_refuses(&link, &in, &code, text) == rows[i].refused);
        if (rows[i].refused)
            CHECK_INT(code, WIRE_REFUSED_VERSION);
    }
}

static const struct check_case cases[] = {
    {"a hello that does not know us is answered by hello",
     a_hello_that_does_not_know_us_is_answered_by_hello},
    {"the window is eight updates", the_window_is_eight_updates},
    {"retransmission is patient up to eight seconds",
     retransmission_is_patient_up_to_eight_seconds},
    {"acknowledgements wait for company but not long",
     acknowledgements_wait_for_company_but_not_long},
    {"a hole is told at once and not applied", a_hole_is_told_at_once_and_not_applied},
    {"after a rewind the next update follows the last acknowledgement",
     after_a_rewind_the_next_update_follows_the_last_acknowledgement},
    {"a slow acknowledgement ends the telling again",
     a_slow_acknowledgement_ends_the_telling_again},
    {"a slow acknowledgement hides no change", a_slow_acknowledgement_hides_no_change},
    {"a new session is told everything from zero", a_new_session_is_told_everything_from_zero},
    {"a new session that told us all is told where it stands",
     a_new_session_that_told_us_all_is_told_where_it_stands},
    {"start counts only for our own session", start_counts_only_for_our_own_session},
    {"who forgot what it had is reminded", who_forgot_what_it_had_is_reminded},
    {"a digest counts only where nothing waits", a_digest_counts_only_where_nothing_waits},
    {"a late refusal does not silence us towards a successor",
     a_late_refusal_does_not_silence_us_towards_a_successor},
    {"a restarted process is met as soon as it names us",
     a_restarted_process_is_met_as_soon_as_it_names_us},
    {"a second process of a living one's name is refused and changes nothing",
     a_second_process_of_a_living_one_s_name_is_refused_and_changes_nothing},
    {"late words of a process that ended refuse nobody",
     late_words_of_a_process_that_ended_refuse_nobody},
    {"both of one name are told and go on", both_of_one_name_are_told_and_go_on},
    {"who takes twenty hellos and answers none is told of once",
     who_takes_twenty_hellos_and_answers_none_is_told_of_once},
    {"who is not there is not called silent", who_is_not_there_is_not_called_silent},
    {"nothing waits for an unknown session", nothing_waits_for_an_unknown_session},
    {"a goodbye waits for the last acknowledgement", a_goodbye_waits_for_the_last_acknowledgement},
    {"a refused goodbye is over too", a_refused_goodbye_is_over_too},
    {"after a goodbye the session is a stranger", after_a_goodbye_the_session_is_a_stranger},
    {"disagreement must be seen twice and heals with pauses",
     disagreement_must_be_seen_twice_and_heals_with_pauses},
    {"versions meet where their ranges touch", versions_meet_where_their_ranges_touch},
};

CHECK_MAIN(cases)
