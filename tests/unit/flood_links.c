/* Floods whose messages are lost, late, doubled or refused, and links that come and go. */
#include "tests/unit/rig.h"

/* ---- Losses ----------------------------------------------------------------------------- */

static void a_hole_is_mended_without_waiting(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.lose[0][1][WIRE_UPDATE] = 1;
    tell_at(&rig, 0, "lost", 1, "+1-1");
    settle(&rig);
    CHECK(!knows(&rig, 1, "lost", "+1-1"));
    tell_at(&rig, 0, "next", 1, "+2-2");
    settle(&rig);
    CHECK_INT(count_of(&rig, 1)->gaps, 1);
    CHECK_INT(count_of(&rig, 0)->rewinds, 1);
    CHECK(knows(&rig, 1, "lost", "+1-1") && knows(&rig, 1, "next", "+2-2"));
    pass(&rig, 3000);
    CHECK_INT(count_of(&rig, 0)->rewinds, 1);
    CHECK_INT(link_of(&rig, 0, 1).acked, link_of(&rig, 0, 1).head);
    rig_close(&rig);
}

static void many_complaints_about_one_hole_rewind_once(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.lose[0][1][WIRE_UPDATE] = 1;
    for (int i = 0; i < 8; i++) { /* each change in an UPDATE of its own */
        char client[8];
        snprintf(client, sizeof client, "c%d", i);
        tell_at(&rig, 0, client, 1, "+1-1");
        collect(&rig, 0, 1);
    }
    settle(&rig);
    pass(&rig, 100);
    CHECK_INT(count_of(&rig, 1)->gaps, 7);
    CHECK_INT(count_of(&rig, 0)->rewinds, 1);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

/* New clients, numbered from `first` on. */
static void tell_of(struct rig *rig, int first, int count)
{
    for (int i = first; i < first + count; i++) {
        char client[16];
        snprintf(client, sizeof client, "new-%d", i);
        CHECK_INT(tell_at(rig, 0, client, 1, "+1-1"), FLOOD_STORED);
    }
}

static void news_is_gathered_while_it_comes(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    struct flood *ada = rig.node[0];
    CHECK(!flood_coalesces(ada, rig.now_ms)); /* nothing is due */
    tell_of(&rig, 0, 1);
    CHECK(flood_coalesces(ada, rig.now_ms));
    tell_of(&rig, 1, 1);
    CHECK(flood_coalesces(ada, rig.now_ms));
    CHECK(!flood_coalesces(ada, rig.now_ms)); /* nothing more came */
    tell_of(&rig, 2, 1);
    CHECK(flood_coalesces(ada, rig.now_ms + 1));
    tell_of(&rig, 3, 1);
    CHECK(!flood_coalesces(ada, rig.now_ms + 2)); /* a millisecond is over */
    flood_receive(ada, 0, span_of("no message"), rig.now_ms + 3);
    CHECK(flood_coalesces(ada, rig.now_ms + 3)); /* a peer's message is input, too */
    tell_of(&rig, 4, 251);
    CHECK(flood_coalesces(ada, rig.now_ms + 3));
    tell_of(&rig, 255, 1);
    CHECK(!flood_coalesces(ada, rig.now_ms + 3)); /* an UPDATE is full */
    CHECK(!flood_has_much(ada, 0));
    tell_of(&rig, 256, 1);
    CHECK(flood_has_much(ada, 0)); /* one more than it can hold */
    settle(&rig);
    cut_link(&rig, 0, 1, true);
    pass(&rig, 10000);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    CHECK(!flood_coalesces(ada, rig.now_ms)); /* no link is up to send it to */
    rig_close(&rig);
}

/* The ring is filled while its first message is made: before, the bus cannot know. */
static void for_a_new_neighbour_much_is_found(void)
{
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    struct flood *ada = rig.node[0];
    tell_of(&rig, 0, 1000);
    start(&rig, 1);
    enum wire_type type = WIRE_HELLO;
    bool had_much = true;
    for (int turn = 0; turn < 8 && type != WIRE_UPDATE; turn++) {
        collect(&rig, 1, 0);
        while (deliver_one(&rig))
            ;
        had_much = flood_has_much(ada, 0);
        size_t count = flood_next(ada, 0, rig.now_ms, bytes);
        if (count == 0)
            continue;
        type = type_of(bytes, count);
        post(&rig, 0, 1, bytes, count);
    }
    CHECK_INT(type, WIRE_UPDATE);
    CHECK(!had_much && flood_has_much(ada, 0));
    settle(&rig);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void a_closed_window_gathers_nothing(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.keep[0][1] = true;
    for (int i = 0; i < 40; i++) {
        tell_at(&rig, 0, "busy", 1 + i, "+1-1");
        settle(&rig);
    }
    tell_at(&rig, 0, "busy", 41, "+1-1");
    CHECK(!flood_coalesces(rig.node[0], rig.now_ms));
    rig_close(&rig);
}

/* At rest until the next deadline, which is not now. */
static void rest(struct rig *rig)
{
    settle(rig);
    for (int i = 0; i < rig->count; i++)
        CHECK(!flood_is_due(rig->node[i], rig->now_ms));
}

static void a_flood_knows_when_it_is_worth_asking(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    struct flood *ada = rig.node[0];
    CHECK(flood_is_due(ada, rig.now_ms)); /* HELLO */
    rest(&rig);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 2, "+1-1"), FLOOD_STORED);
    CHECK(flood_is_due(ada, rig.now_ms));
    rest(&rig);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 1, "+1-1"), FLOOD_STALE);
    CHECK(!flood_is_due(ada, rig.now_ms));
    flood_receive(ada, 0, span_of("no message"), rig.now_ms);
    CHECK(flood_is_due(ada, rig.now_ms));
    rest(&rig);
    int64_t deadline_ms = flood_deadline_ms(ada);
    CHECK(!flood_is_due(ada, deadline_ms - 1));
    CHECK(flood_is_due(ada, deadline_ms));
    pass(&rig, 100); /* acknowledged */
    rest(&rig);
    flood_say_goodbye(ada);
    CHECK(flood_is_due(ada, rig.now_ms));
    rest(&rig);
    rig_close(&rig);
}

static void a_lost_last_update_is_sent_again_after_a_second(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.lose[0][1][WIRE_UPDATE] = 2;
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 999);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 1);
    pass(&rig, 1);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 2);
    pass(&rig, 1999);
    CHECK(!knows(&rig, 1, "kiwi", "+1-1"));
    pass(&rig, 1);
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    rig_close(&rig);
}

static void lost_acknowledgements_lose_no_change(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 100);
    pass(&rig, 1000);
    rig.cut[1][0] = true;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 20; i++) {
            char client[32];
            snprintf(client, sizeof client, "client-%d", (round + i * 3) % 100);
            tell_at(&rig, 0, client, 100000 + round, "+5-5");
        }
        pass(&rig, 100); /* four seconds in all: below the limit of silence */
    }
    rig.cut[1][0] = false;
    pass(&rig, 10000);
    CHECK(all_equal(&rig));
    CHECK(count_of(&rig, 0)->rewinds > 0);
    CHECK_INT(link_of(&rig, 0, 1).acked, link_of(&rig, 0, 1).head);
    rig_close(&rig);
}

static void a_late_acknowledgement_hides_no_newer_change(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.keep[1][0] = true;
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 100); /* sent, stored over there, acknowledged, but the ACK is held back */
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    rig.cut[0][1] = true;
    pass(&rig, 1000); /* sent again, which is lost */
    tell_at(&rig, 0, "kiwi", 2, "+2-2");
    rig.keep[1][0] = false;
    release(&rig); /* the acknowledgement of the first one sent */
    settle(&rig);
    rig.cut[0][1] = false;
    pass(&rig, 10000);
    CHECK(knows(&rig, 1, "kiwi", "+2-2"));
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void repeated_and_reordered_messages_do_no_harm(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.keep[0][1] = rig.keep[1][0] = true;
    for (int i = 0; i < 6; i++) {
        char client[8];
        snprintf(client, sizeof client, "c%d", i);
        tell_at(&rig, 0, client, i + 1, "+1-1");
        tell_at(&rig, 1, client, 10 - i, "+2-2");
        settle(&rig);
    }
    rig.keep[0][1] = rig.keep[1][0] = false;
    for (int i = 0, j = rig.kept_count - 1; i < j; i++, j--) {
        struct letter letter = rig.kept[i];
        rig.kept[i] = rig.kept[j];
        rig.kept[j] = letter;
    }
    int kept = rig.kept_count;
    for (int i = 0; i < kept; i++)
        post(&rig, rig.kept[i].from, rig.kept[i].to, rig.kept[i].at, rig.kept[i].bytes);
    release(&rig);
    settle(&rig);
    pass(&rig, 10000);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

/* ---- Links that come and go ------------------------------------------------------------- */

static void silence_brings_a_link_down_and_a_word_brings_it_back(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    count_events(&rig, 0, LINK_UP, NULL);
    cut_link(&rig, 0, 1, true);
    pass(&rig, 5999);
    CHECK(link_of(&rig, 0, 1).up);
    pass(&rig, 1);
    CHECK(!link_of(&rig, 0, 1).up);
    tell_at(&rig, 0, "meanwhile", 1, "+1-1");
    tell_at(&rig, 1, "as-well", 1, "+1-1");
    pass(&rig, 60000);
    cut_link(&rig, 0, 1, false);
    pass(&rig, 1100);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    CHECK_INT(count_of(&rig, 0)->incarnation_changes, 0);
    CHECK_INT(count_of(&rig, 0)->locations_sent, 1);
    char reason[LINK_REASON_BYTES_MAX];
    CHECK_INT(count_events(&rig, 0, LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "silence") == 0);
    rig_close(&rig);
}

static void a_refused_message_is_due_again_a_little_later(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.refuse[0][1] = true;
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    settle(&rig);
    char reason[LINK_REASON_BYTES_MAX];
    CHECK(!link_of(&rig, 0, 1).up);
    CHECK_INT(count_events(&rig, 0, LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "no connection") == 0);
    pass(&rig, 3000); /* Bob still speaks; that alone does not bring the link back */
    CHECK(!link_of(&rig, 0, 1).up);
    CHECK_INT(count_events(&rig, 0, LINK_UP, NULL), 0);
    rig.refuse[0][1] = false;
    pass(&rig, 100);
    CHECK(link_of(&rig, 0, 1).up);
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    rig_close(&rig);
}

static void an_absent_neighbour_costs_one_attempt_a_second(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    rig.refuse[0][1] = true;
    pass(&rig, 2000);
    int attempts = 0;
    for (int ms = 0; ms < 10000; ms++) {
        rig.now_ms++;
        static char bytes[WIRE_MESSAGE_BYTES_MAX];
        while (flood_next(rig.node[0], 0, rig.now_ms, bytes) > 0) {
            attempts++;
            flood_refused(rig.node[0], 0, rig.now_ms);
        }
    }
    CHECK_INT(attempts, 10);
    rig_close(&rig);
}

static void a_goodbye_comes_last_and_is_understood(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    fill(&rig, 0, 2000);
    flood_say_goodbye(rig.node[0]);
    CHECK(!flood_is_over(rig.node[0]));
    pass(&rig, 500);
    CHECK(flood_is_over(rig.node[0]));
    CHECK_INT(flood_clients(rig.node[1]), 2000);
    CHECK_INT(rig.messages[0][1][WIRE_GOODBYE], 1);
    CHECK(!link_of(&rig, 1, 0).up);
    char reason[LINK_REASON_BYTES_MAX];
    CHECK_INT(count_events(&rig, 1, LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "goodbye") == 0);
    uint64_t sent = rig.messages[0][1][WIRE_HELLO];
    pass(&rig, 5000);
    CHECK_INT(rig.messages[0][1][WIRE_HELLO], sent);
    restart(&rig, 0);
    pass(&rig, 100);
    CHECK(link_of(&rig, 1, 0).up && all_equal(&rig));
    rig_close(&rig);
}

static void a_goodbye_does_not_wait_for_the_absent(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    fill(&rig, 0, 3);
    settle(&rig);
    CHECK(!flood_is_over(rig.node[0]));
    flood_say_goodbye(rig.node[0]);
    CHECK(flood_is_over(rig.node[0]));
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"a gap is mended without waiting", a_hole_is_mended_without_waiting},
    {"many complaints about one gap rewind once", many_complaints_about_one_hole_rewind_once},
    {"news is gathered while it comes", news_is_gathered_while_it_comes},
    {"for a new neighbour much is found", for_a_new_neighbour_much_is_found},
    {"a closed window gathers nothing", a_closed_window_gathers_nothing},
    {"a flood knows when it is worth asking", a_flood_knows_when_it_is_worth_asking},
    {"a lost last update is sent again after a second",
     a_lost_last_update_is_sent_again_after_a_second},
    {"lost acknowledgements lose no change", lost_acknowledgements_lose_no_change},
    {"a late acknowledgement hides no newer change", a_late_acknowledgement_hides_no_newer_change},
    {"repeated and reordered messages do no harm", repeated_and_reordered_messages_do_no_harm},
    {"silence brings a link down and a word brings it back",
     silence_brings_a_link_down_and_a_word_brings_it_back},
    {"a refused message is due again a little later",
     a_refused_message_is_due_again_a_little_later},
    {"an absent neighbour costs one attempt a second",
     an_absent_neighbour_costs_one_attempt_a_second},
    {"a goodbye comes last and is understood", a_goodbye_comes_last_and_is_understood},
    {"a goodbye does not wait for the absent", a_goodbye_does_not_wait_for_the_absent},
};

CHECK_MAIN(cases)
