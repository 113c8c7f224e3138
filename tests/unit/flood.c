/* Floods that meet, send each other what changes, and restart. */
#include "tests/unit/rig.h"

/* ---- First contact ---------------------------------------------------------------------- */

static void two_nodes_meet_and_send_all_they_know(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 1000);
    CHECK_INT(tell_at(&rig, 1, "bob", 5, "+2+2"), FLOOD_STORED);
    settle(&rig);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    CHECK_INT(flood_clients(rig.node[0]), 1001);
    CHECK(knows(&rig, 0, "bob", "+2+2"));
    CHECK_INT(count_events(&rig, 0, LINK_UP, NULL), 1);
    CHECK_INT(count_events(&rig, 1, LINK_UP, NULL), 1);
    rig_close(&rig);
}

static void a_late_starter_is_linked_in_the_moment_it_speaks(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    fill(&rig, 0, 3);
    pass(&rig, 60000);
    start(&rig, 1);
    settle(&rig);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void a_stranger_is_greeted_often_at_first_and_then_every_second(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 2, "01");
    start(&rig, 0);
    pass(&rig, 1999);
    CHECK_INT(rig.messages[0][1][WIRE_HELLO], 20);
    pass(&rig, 10000);
    CHECK_INT(rig.messages[0][1][WIRE_HELLO], 30);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 0);
    rig_close(&rig);
}

static void nothing_is_taken_from_a_incarnation_that_never_said_hello(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    static struct wire_message update = {.type = WIRE_UPDATE,
                                         .from_incarnation = 77,
                                         .to_incarnation = 1001,
                                         .upto = 1,
                                         .location_count = 1};
    update.locations[0] = place("mallory", 1, "+6-6");
    forge(&rig, 1, 0, &update);
    CHECK_INT(flood_clients(rig.node[0]), 0);
    CHECK_INT(count_of(&rig, 0)->messages_strange, 1);
    settle(&rig);
    update.to_incarnation = 999;
    update.from_incarnation = link_of(&rig, 0, 1).their_incarnation;
    forge(&rig, 1, 0, &update);
    CHECK_INT(flood_clients(rig.node[0]), 0);
    CHECK_INT(count_of(&rig, 0)->messages_strange, 2);
    update.to_incarnation = link_of(&rig, 1, 0).their_incarnation;
    update.from_incarnation = 77;
    forge(&rig, 1, 0, &update);
    CHECK_INT(flood_clients(rig.node[0]), 0);
    CHECK_INT(count_of(&rig, 0)->messages_strange, 3);
    update.from_incarnation = link_of(&rig, 0, 1).their_incarnation;
    forge(&rig, 1, 0, &update); /* the same with both incarnations right */
    CHECK_INT(flood_clients(rig.node[0]), 1);
    rig_close(&rig);
}

/* The second node is started with the wrong file. */
static void join_another_herd(struct rig *rig)
{
    flood_destroy(&rig->node[1]);
    struct span peer = span_of("Ada");
    rig->node[1] = flood_new(&(struct flood_options){.herd = span_of("other"),
                                                     .node = span_of("Bob"),
                                                     .peers = &peer,
                                                     .peer_count = 1,
                                                     .incarnation = 5,
                                                     .clients_max = 10});
}

static void another_herd_is_refused_on_both_sides_and_left_in_peace(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    join_another_herd(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 29000);
    char reason[LINK_REASON_BYTES_MAX];
    CHECK(!link_of(&rig, 0, 1).up && !link_of(&rig, 1, 0).up);
    CHECK_INT(flood_clients(rig.node[1]), 0);
    CHECK(count_events(&rig, 0, LINK_REFUSED, reason) > 0);
    CHECK(strstr(reason, "herd") != NULL);
    CHECK(count_events(&rig, 1, LINK_REFUSED, NULL) > 0);
    CHECK(rig.messages[0][1][WIRE_HELLO] <= 2);
    uint64_t before = rig.messages[0][1][WIRE_HELLO];
    pass(&rig, 31000);
    CHECK(rig.messages[0][1][WIRE_HELLO] > before);
    rig_close(&rig);
}

static void a_refused_node_that_comes_back_right_is_taken_at_once(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    join_another_herd(&rig);
    pass(&rig, 1000);
    restart(&rig, 1);
    settle(&rig);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    rig_close(&rig);
}

static void a_node_that_hears_itself_refuses(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    char reason[LINK_REASON_BYTES_MAX];
    struct wire_message hello = {.type = WIRE_HELLO,
                                 .from_incarnation = 1001,
                                 .herd = span_of("test"),
                                 .node = span_of("Bob"),
                                 .version = 1,
                                 .version_min = 1};
    forge(&rig, 1, 0, &hello);
    CHECK_INT(count_events(&rig, 0, LINK_REFUSED, reason), 1);
    CHECK(strstr(reason, "same process") != NULL);
    hello.from_incarnation = 5;
    hello.version = 9;
    hello.version_min = 8;
    forge(&rig, 1, 0, &hello);
    CHECK_INT(count_of(&rig, 0)->refusals, 2);
    hello.version_min = hello.version = 1;
    hello.node = span_of("Mal");
    forge(&rig, 1, 0, &hello);
    CHECK_INT(count_of(&rig, 0)->refusals, 3);
    CHECK_INT(link_of(&rig, 0, 1).their_incarnation, 0);
    rig_close(&rig);
}

static void another_major_version_is_an_event_and_nothing_else(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    count_events(&rig, 0, LINK_UP, NULL);
    for (int i = 0; i < 3; i++)
        flood_receive(rig.node[0], 0, (struct span){"zh\x02whatever", 11}, rig.now_ms);
    CHECK_INT(count_of(&rig, 0)->refusals, 3);
    CHECK_INT(count_of(&rig, 0)->messages_malformed, 0);
    CHECK_INT(count_events(&rig, 0, LINK_REFUSED, NULL), 1);
    CHECK(link_of(&rig, 0, 1).up);
    rig_close(&rig);
}

/* ---- Changes ---------------------------------------------------------------------------- */

static void a_change_walks_along_a_chain(void)
{
    struct rig rig;
    rig_open(&rig, 4, "01 12 23");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    settle(&rig);
    CHECK(knows(&rig, 3, "kiwi", "+1-1"));
    tell_at(&rig, 3, "kiwi", 2, "+2-2");
    settle(&rig);
    CHECK(knows(&rig, 0, "kiwi", "+2-2"));
    rig_close(&rig);
}

static void a_change_is_not_sent_back_where_it_came_from(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 10000);
    CHECK_INT(rig.messages[0][1][WIRE_UPDATE], 1);
    CHECK_INT(rig.messages[1][0][WIRE_UPDATE], 0);
    CHECK_INT(link_of(&rig, 0, 1).acked, 1);
    rig_close(&rig);
}

/* What Ada still has to send Bob of kiwi, after Bob sent Ada a location of it. */
static uint64_t due_after_hearing(int64_t order_ns, const char *position)
{
    static struct wire_message update;
    struct rig rig;
    rig_open(&rig, 3, "01 02");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 10, "+1-1");
    update = (struct wire_message){.type = WIRE_UPDATE,
                                   .from_incarnation = link_of(&rig, 0, 1).their_incarnation,
                                   .to_incarnation = link_of(&rig, 1, 0).their_incarnation,
                                   .upto = 1,
                                   .location_count = 1};
    update.locations[0] = place("kiwi", order_ns, position);
    forge(&rig, 1, 0, &update);
    uint64_t known = count_of(&rig, 0)->locations_known;
    struct flood_link bob = link_of(&rig, 0, 1), cy = link_of(&rig, 0, 2);
    CHECK_INT(cy.head - cy.sent, 1); /* who must hear of it either way */
    CHECK_INT(bob.head - bob.sent, 1 - known);
    settle(&rig);
    pass(&rig, 5000);
    CHECK(link_of(&rig, 0, 1).acked == link_of(&rig, 0, 1).head);
    rig_close(&rig);
    return bob.head - bob.sent;
}

static void what_a_neighbour_sends_first_is_not_sent_back(void)
{
    CHECK_INT(due_after_hearing(10, "+1-1"), 0); /* the same */
    CHECK_INT(due_after_hearing(11, "+1-1"), 0); /* something newer */
    CHECK_INT(due_after_hearing(9, "+1-1"), 1);  /* something older: it must hear of ours */
    CHECK_INT(due_after_hearing(10, "+1-2"), 0); /* the greater of two equally new */
    CHECK_INT(due_after_hearing(10, "+1-0"), 1);
}

static void a_change_ends_its_walk_in_a_mesh(void)
{
    struct rig rig;
    rig_open(&rig, 4, "01 02 03 12 13 23");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    pass(&rig, 1000);
    CHECK(all_equal(&rig));
    uint64_t locations = 0;
    for (int i = 0; i < 4; i++)
        locations += count_of(&rig, i)->locations_sent;
    CHECK(locations >= 3 && locations <= 2 * 6 - 4 + 1);
    rig_close(&rig);
}

static void what_changes_while_it_waits_goes_out_once(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    for (int i = 1; i <= 1000; i++)
        tell_at(&rig, 0, "busy", i, i == 1000 ? "+9-9" : "+1-1");
    CHECK_INT(link_of(&rig, 0, 1).head, 1);
    settle(&rig);
    CHECK_INT(count_of(&rig, 0)->locations_sent, 1);
    CHECK(knows(&rig, 1, "busy", "+9-9"));
    rig_close(&rig);
}

static void a_busy_client_does_not_push_others_back(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    rig.keep[0][1] = true;
    for (int i = 0; i < 50; i++) {
        tell_at(&rig, 0, "busy", 1 + i, "+1-1");
        settle(&rig);
    }
    CHECK_INT(link_of(&rig, 0, 1).in_flight, 32);
    tell_at(&rig, 0, "quiet", 1, "+2-2");
    tell_at(&rig, 0, "busy", 1000, "+3-3");
    CHECK_INT(link_of(&rig, 0, 1).head - link_of(&rig, 0, 1).sent, 2);
    rig.keep[0][1] = false;
    release(&rig);
    settle(&rig);
    pass(&rig, 100);
    CHECK(knows(&rig, 1, "quiet", "+2-2") && knows(&rig, 1, "busy", "+3-3"));
    rig_close(&rig);
}

static void an_equal_or_older_stamp_changes_nothing(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 10, "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 10, "+9-9"), FLOOD_STALE);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 9, "+9-9"), FLOOD_STALE);
    settle(&rig);
    CHECK_INT(tell_at(&rig, 1, "kiwi", 10, "+9-9"), FLOOD_STALE);
    CHECK_INT(tell_at(&rig, 1, "kiwi", 11, "+2-2"), FLOOD_STORED);
    settle(&rig);
    CHECK(knows(&rig, 0, "kiwi", "+2-2") && knows(&rig, 1, "kiwi", "+2-2"));
    rig_close(&rig);
}

static void equal_stamps_at_two_nodes_end_equal_everywhere(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 12 02");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 10, "+1-1");
    tell_at(&rig, 2, "kiwi", 10, "+2-2");
    tell_at(&rig, 1, "kiwi", 10, "+3-3");
    settle(&rig);
    CHECK(all_equal(&rig));
    CHECK(knows(&rig, 0, "kiwi", "+2-2")); /* Cy is the greatest name */
    rig_close(&rig);
}

/* ---- Restarts --------------------------------------------------------------------------- */

static void a_restarted_receiver_gets_everything_again(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 600);
    pass(&rig, 1000);
    restart(&rig, 1);
    CHECK_INT(flood_clients(rig.node[1]), 0);
    pass(&rig, 100);
    CHECK(all_equal(&rig));
    CHECK_INT(count_of(&rig, 0)->incarnation_changes, 1);
    char reason[LINK_REASON_BYTES_MAX];
    CHECK_INT(count_events(&rig, 0, LINK_DOWN, reason), 1);
    CHECK(strcmp(reason, "restarted") == 0);
    rig_close(&rig);
}

static void a_restarted_sender_gets_its_own_locations_back(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 600);
    pass(&rig, 1000);
    restart(&rig, 0);
    pass(&rig, 100);
    CHECK_INT(flood_clients(rig.node[0]), 600);
    CHECK(all_equal(&rig));
    tell_at(&rig, 0, "new", 1, "+1-1");
    pass(&rig, 100);
    CHECK(knows(&rig, 1, "new", "+1-1"));
    rig_close(&rig);
}

static void what_a_restarted_node_sent_once_is_sent_to_it_again(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 12");
    settle(&rig);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    settle(&rig);
    restart(&rig, 0);
    pass(&rig, 100);
    CHECK(knows(&rig, 0, "kiwi", "+1-1"));
    rig_close(&rig);
}

static void a_late_hello_of_an_older_incarnation_heals(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    rig.keep[1][0] = true;
    settle(&rig); /* Bob's first HELLO is held back */
    rig.keep[1][0] = false;
    restart(&rig, 1);
    fill(&rig, 0, 300);
    tell_at(&rig, 1, "bob", 5, "+2+2");
    pass(&rig, 1000);
    CHECK(all_equal(&rig));
    release(&rig);
    settle(&rig);
    tell_at(&rig, 0, "after", 1, "+3-3");
    tell_at(&rig, 1, "after-too", 1, "+3-3");
    CHECK(count_of(&rig, 0)->incarnation_changes > 0);
    pass(&rig, 2000);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(all_equal(&rig));
    CHECK_INT(flood_clients(rig.node[0]), 303);
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"two nodes meet and send all they know", two_nodes_meet_and_send_all_they_know},
    {"a late starter is linked in the moment it speaks",
     a_late_starter_is_linked_in_the_moment_it_speaks},
    {"a stranger is greeted often at first and then every second",
     a_stranger_is_greeted_often_at_first_and_then_every_second},
    {"nothing is taken from an incarnation that never said hello",
     nothing_is_taken_from_a_incarnation_that_never_said_hello},
    {"another herd is refused on both sides and left in peace",
     another_herd_is_refused_on_both_sides_and_left_in_peace},
    {"a refused node that comes back right is taken at once",
     a_refused_node_that_comes_back_right_is_taken_at_once},
    {"a node that hears itself refuses", a_node_that_hears_itself_refuses},
    {"another major version is an event and nothing else",
     another_major_version_is_an_event_and_nothing_else},
    {"a change walks along a chain", a_change_walks_along_a_chain},
    {"a change is not sent back where it came from", a_change_is_not_sent_back_where_it_came_from},
    {"what a neighbour sends first is not sent back",
     what_a_neighbour_sends_first_is_not_sent_back},
    {"a change ends its walk in a mesh", a_change_ends_its_walk_in_a_mesh},
    {"what changes while it waits goes out once", what_changes_while_it_waits_goes_out_once},
    {"a busy client does not push others back", a_busy_client_does_not_push_others_back},
    {"an equal or older stamp changes nothing", an_equal_or_older_stamp_changes_nothing},
    {"equal stamps at two nodes end equal everywhere",
     equal_stamps_at_two_nodes_end_equal_everywhere},
    {"a restarted receiver gets everything again", a_restarted_receiver_gets_everything_again},
    {"a restarted sender gets its own locations back",
     a_restarted_sender_gets_its_own_locations_back},
    {"what a restarted node sent once is sent to it again",
     what_a_restarted_node_sent_once_is_sent_to_it_again},
    {"a late hello of an older incarnation heals", a_late_hello_of_an_older_incarnation_heals},
};

CHECK_MAIN(cases)
