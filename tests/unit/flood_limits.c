/* Digests, limits, and nonsense from outside. */
#include "tests/unit/rig.h"

/* ---- Digests ---------------------------------------------------------------------------- */

static void equal_digests_are_seen_soon_and_reported_once(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 100);
    pass(&rig, 500);
    struct link_event event;
    int equal = 0;
    while (flood_next_event(rig.node[1], &event))
        if (event.kind == LINK_DIGESTS_EQUAL && event.clients == 100) {
            equal++;
            CHECK(event.digest == flood_digest(rig.node[0]));
        }
    CHECK_INT(equal, 1);
    pass(&rig, 10000);
    CHECK_INT(count_events(&rig, 1, LINK_DIGESTS_EQUAL, NULL), 0);
    tell_at(&rig, 0, "one-more", 1, "+1-1");
    pass(&rig, 500);
    CHECK_INT(count_events(&rig, 1, LINK_DIGESTS_EQUAL, NULL), 1);
    CHECK_INT(count_events(&rig, 0, LINK_DIGESTS_EQUAL, NULL), 2);
    rig_close(&rig);
}

static void a_quiet_link_carries_heartbeats_only(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 100);
    pass(&rig, 1000);
    memset(rig.messages, 0, sizeof rig.messages);
    pass(&rig, 20000);
    CHECK_INT(rig.messages[0][1][WIRE_HEARTBEAT], 10);
    for (int type = WIRE_HELLO; type <= WIRE_STATUS; type++)
        if (type != WIRE_HEARTBEAT)
            CHECK_INT(rig.messages[0][1][type] + rig.messages[1][0][type], 0);
    rig_close(&rig);
}

static void a_link_with_nothing_to_send_stays_up(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    pass(&rig, 60000);
    CHECK_INT(count_events(&rig, 0, LINK_DOWN, NULL), 0);
    CHECK_INT(rig.messages[0][1][WIRE_HEARTBEAT], 31); /* the first at once */
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 0);
    rig_close(&rig);
}

static void unequal_tables_at_rest_are_a_fault_and_heal(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 10);
    pass(&rig, 1000);
    /* Bob hears from "Ada" what she never said: no position moves, so neither end notices. */
    static struct wire_message update = {.type = WIRE_UPDATE, .location_count = 1};
    update.from_incarnation = link_of(&rig, 1, 0).their_incarnation;
    update.to_incarnation = link_of(&rig, 0, 1).their_incarnation;
    update.locations[0] = place("flipped", 1, "+6-6");
    forge(&rig, 0, 1, &update);
    CHECK(!all_equal(&rig));
    bool differed = false;
    for (int i = 0; i < 100; i++) {
        pass(&rig, 100);
        differed |= link_of(&rig, 1, 0).differs;
    }
    CHECK(differed && !link_of(&rig, 1, 0).differs); /* it is healed */
    CHECK(all_equal(&rig));
    CHECK(knows(&rig, 0, "flipped", "+6-6"));
    CHECK(count_of(&rig, 1)->digest_faults > 0);
    CHECK(count_events(&rig, 1, LINK_DIGESTS_DIFFER, NULL) > 0);
    rig_close(&rig);
}

/* ---- Limits and nonsense ---------------------------------------------------------------- */

static void a_full_table_refuses_new_local_clients_only(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    rig.clients_max = 3;
    start(&rig, 0);
    rig.clients_max = 100;
    start(&rig, 1);
    settle(&rig);
    fill(&rig, 0, 3);
    CHECK_INT(tell_at(&rig, 0, "one-too-many", 1, "+1-1"), FLOOD_FULL);
    CHECK_INT(count_of(&rig, 0)->clients_refused, 1);
    CHECK_INT(tell_at(&rig, 0, "client-1", 999999, "+7-7"), FLOOD_STORED);
    tell_at(&rig, 1, "remote", 1, "+1-1");
    pass(&rig, 100);
    CHECK_INT(flood_clients(rig.node[0]), 4);
    CHECK(all_equal(&rig));
    CHECK_INT(tell_at(&rig, 0, "remote", 2, "+2-2"), FLOOD_STORED);
    rig_close(&rig);
}

static void the_largest_location_travels(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    static char text[LOCATION_TEXT_BYTES_MAX];
    memset(text, 'x', sizeof text);
    for (size_t longest = 0; longest < 3; longest++) {
        struct location location = place("a", 1 + (int64_t)longest, "+1-1");
        struct span *spans[] = {&location.client, &location.position, &location.stamp};
        for (size_t i = 0; i < 3; i++)
            *spans[i] = (struct span){text, i == longest ? sizeof text - 2 : 1};
        CHECK_INT(flood_local(rig.node[0], &location), FLOOD_STORED);
        tell_at(&rig, 0, "small", 1 + (int64_t)longest, "+1-1");
        pass(&rig, 100);
        CHECK(all_equal(&rig));
    }
    rig_close(&rig);
}

static void invalid_locations_are_skipped_and_acknowledged(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    static struct wire_message update = {.type = WIRE_UPDATE, .upto = 5, .location_count = 5};
    update.from_incarnation = link_of(&rig, 1, 0).their_incarnation;
    update.to_incarnation = link_of(&rig, 0, 1).their_incarnation;
    for (int i = 0; i < 5; i++)
        update.locations[i] = place("good", 1 + i, "+1-1");
    update.locations[1].client = span_of("two words");
    update.locations[2].stamp = span_of("");
    update.locations[3].origin = span_of("line\nbreak");
    forge(&rig, 0, 1, &update);
    CHECK_INT(count_of(&rig, 1)->locations_invalid, 3);
    CHECK_INT(count_of(&rig, 1)->locations_received, 5);
    CHECK_INT(count_of(&rig, 1)->locations_news, 2);
    CHECK_INT(flood_clients(rig.node[1]), 1);
    CHECK_INT(link_of(&rig, 1, 0).received, 5);
    rig_close(&rig);
}

static void bytes_that_are_no_message_are_counted(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    static const char *const nonsense[] = {
        "", "z", "zh", "zh\x01", "GET / HTTP/1.0\r\n\r\n", "zh\x01\xc1"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        flood_receive(rig.node[0], 0, span_of(nonsense[i]), rig.now_ms);
    CHECK_INT(count_of(&rig, 0)->messages_malformed, sizeof nonsense / sizeof *nonsense);
    CHECK(link_of(&rig, 0, 1).up);
    rig_close(&rig);
}

static void an_acknowledgement_beyond_what_was_sent_is_ignored(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    struct wire_message ack = {.type = WIRE_ACK, .received = 1};
    ack.from_incarnation = link_of(&rig, 0, 1).their_incarnation;
    ack.to_incarnation = link_of(&rig, 1, 0).their_incarnation;
    forge(&rig, 1, 0, &ack);
    CHECK_INT(count_of(&rig, 0)->messages_strange, 1);
    CHECK_INT(link_of(&rig, 0, 1).acked, 0);
    rig_close(&rig);
}

static void a_stranger_s_words_cannot_forge_a_line_of_a_log(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    struct wire_message refused = {.type = WIRE_REFUSED, .from_incarnation = 9, .code = 99};
    refused.to_incarnation = link_of(&rig, 1, 0).their_incarnation;
    refused.text = span_of("no\nlink Bob up\x1b[0m");
    forge(&rig, 1, 0, &refused);
    char reason[LINK_REASON_BYTES_MAX] = "";
    CHECK_INT(count_events(&rig, 0, LINK_REFUSED, reason), 1);
    CHECK(strcmp(reason, "it refuses us: no?link Bob up?[0m") == 0);
    refused.to_incarnation = 9;
    forge(&rig, 1, 0, &refused);
    CHECK_INT(count_events(&rig, 0, LINK_REFUSED, NULL), 0);
    rig_close(&rig);
}

static void a_burst_of_events_drops_the_oldest(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    for (int i = 0; i < 1200; i++) {
        rig.now_ms += 30000;
        flood_receive(rig.node[0], 0, (struct span){"zh\x02", 3}, rig.now_ms);
    }
    flood_receive(rig.node[0], 0, (struct span){"zh\x09", 3}, rig.now_ms + 30000);
    struct link_event event = {0};
    int count = 0;
    while (flood_next_event(rig.node[0], &event))
        count++;
    CHECK_INT(count, LINK_PEERS_MAX);
    CHECK(strcmp(event.reason, "major version 9 meets major version 1") == 0);
    rig_close(&rig);
}

static void a_node_without_links_is_a_herd_too(void)
{
    struct rig rig;
    rig_open(&rig, 1, "");
    pass(&rig, 10);
    CHECK(flood_deadline_ms(rig.node[0]) == INT64_MAX);
    CHECK_INT(tell_at(&rig, 0, "alone", 1, "+1-1"), FLOOD_STORED);
    CHECK(knows(&rig, 0, "alone", "+1-1"));
    flood_say_goodbye(rig.node[0]);
    CHECK(flood_is_over(rig.node[0]));
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"equal digests are seen soon and reported once",
     equal_digests_are_seen_soon_and_reported_once},
    {"a quiet link carries heartbeats only", a_quiet_link_carries_heartbeats_only},
    {"a link with nothing to send stays up", a_link_with_nothing_to_send_stays_up},
    {"unequal tables at rest are a fault and heal", unequal_tables_at_rest_are_a_fault_and_heal},
    {"a full table refuses new local clients only", a_full_table_refuses_new_local_clients_only},
    {"the largest location travels", the_largest_location_travels},
    {"invalid locations are skipped and acknowledged",
     invalid_locations_are_skipped_and_acknowledged},
    {"bytes that are no message are counted", bytes_that_are_no_message_are_counted},
    {"an acknowledgement beyond what was sent is ignored",
     an_acknowledgement_beyond_what_was_sent_is_ignored},
    {"a stranger's words cannot forge a line of a log",
     a_stranger_s_words_cannot_forge_a_line_of_a_log},
    {"a burst of events drops the oldest", a_burst_of_events_drops_the_oldest},
    {"a node without links is a herd too", a_node_without_links_is_a_herd_too},
};

CHECK_MAIN(cases)
