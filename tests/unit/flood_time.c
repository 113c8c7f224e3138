/* Floods with clocks: what of herd time goes over links, and when. */
#include "bus/link/peer.h"
#include "tests/unit/rig.h"

#define TRUE_NS INT64_C(1782864000000000000)
#define MS      INT64_C(1000000)

/* How far each node's clock is off. */
static int64_t off_ms[NODES_MAX];

static int64_t wall_ns(const struct rig *rig, int node)
{
    return TRUE_NS + (rig->now_ms + off_ms[node]) * MS;
}

static void look_at_clocks(struct rig *rig)
{
    for (int i = 0; i < rig->count; i++)
        flood_set_clock(rig->node[i], rig->now_ms, wall_ns(rig, i));
}

/* As daemons do: each second. */
static void live(struct rig *rig, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        look_at_clocks(rig);
        pass(rig, 1000);
    }
}

static void open_with_clocks(struct rig *rig, int count, const char *links)
{
    memset(off_ms, 0, sizeof off_ms);
    rig_open(rig, count, links);
    look_at_clocks(rig);
}

static struct flood_time time_of(const struct rig *rig, int node)
{
    return flood_time(rig->node[node], rig->now_ms);
}

static uint64_t heartbeats(const struct rig *rig, int from, int to)
{
    return rig->messages[from][to][WIRE_HEARTBEAT];
}

static void a_greeting_brings_the_votes_of_all_that_are_known(void)
{
    struct rig rig;
    open_with_clocks(&rig, 3, "01 12");
    off_ms[0] = -5000;
    look_at_clocks(&rig);
    pass(&rig, HERD_TIME_RECKON_MS);
    CHECK_INT(time_of(&rig, 0).votes, 2);
    CHECK_INT(time_of(&rig, 1).votes, 3);
    live(&rig, 3);
    /* Without a list of nodes the ends do not know that the other one votes. */
    CHECK_INT(time_of(&rig, 2).votes, 2);
    struct flood_time time = time_of(&rig, 1);
    int64_t now_ns = TRUE_NS + rig.now_ms * MS;
    CHECK(time.has_clock);
    CHECK_INT(time.offset_ns, 0);
    CHECK_INT(time.accept_ns, now_ns);
    CHECK_INT(time.forget_ns, now_ns);
    CHECK_INT(time.ceiling_ns, now_ns + HERD_TIME_AHEAD_NS);
    CHECK_INT(flood_accept_ns(rig.node[0], wall_ns(&rig, 0), rig.now_ms), now_ns);
    CHECK_INT(flood_accept_ns(rig.node[1], now_ns - 1000 * MS, rig.now_ms), now_ns - 1000 * MS);
    CHECK_INT(time_of(&rig, 0).offset_ns, -5000 * MS);
    rig_close(&rig);
}

static void all_nodes_of_the_topology_vote_and_no_observer(void)
{
    static const char *const herd[] = {"Ada", "Bob", "Cy"};
    struct span nodes[3], peers[3];
    struct rig rig;
    open_with_clocks(&rig, 4, "01 12 13");
    for (int i = 0; i < 3; i++)
        nodes[i] = span_of(herd[i]);
    for (int i = 0; i < rig.count; i++) { /* the same once more, with a list: Dee observes */
        size_t count = 0;
        for (int other = 0; other < rig.count; other++)
            if (rig.linked[i][other])
                peers[count++] = span_of(node_names[other]);
        flood_destroy(&rig.node[i]);
        rig.node[i] = flood_new(&(struct flood_options){.herd = span_of("test"),
                                                        .node = span_of(node_names[i]),
                                                        .peers = peers,
                                                        .peer_count = count,
                                                        .nodes = nodes,
                                                        .node_count = 3,
                                                        .incarnation = 2000 + (uint64_t)i,
                                                        .clients_max = 10});
    }
    off_ms[3] = 7000;
    live(&rig, 5);
    for (int i = 0; i < rig.count; i++) {
        CHECK_INT(time_of(&rig, i).votes, 3);
        CHECK_INT(time_of(&rig, i).ceiling_ns, TRUE_NS + rig.now_ms * MS + HERD_TIME_AHEAD_NS);
    }
    rig_close(&rig);
}

static void a_jump_sends_a_heartbeat_at_once_over_all_links(void)
{
    struct rig rig;
    open_with_clocks(&rig, 3, "01 02");
    live(&rig, 10);
    pass(&rig, 300);
    uint64_t to_bob = heartbeats(&rig, 0, 1), to_cy = heartbeats(&rig, 0, 2);
    off_ms[0] = 100;
    look_at_clocks(&rig);
    CHECK(!flood_is_due(rig.node[0], rig.now_ms));
    settle(&rig);
    CHECK_INT(heartbeats(&rig, 0, 1), to_bob);
    off_ms[0] = 5000;
    look_at_clocks(&rig);
    CHECK(flood_is_due(rig.node[0], rig.now_ms));
    tell_at(&rig, 0, "kiwi", 1, "+1-1"); /* an UPDATE does not put it off */
    settle(&rig);
    CHECK_INT(heartbeats(&rig, 0, 1), to_bob + 1);
    CHECK_INT(heartbeats(&rig, 0, 2), to_cy + 1);
    pass(&rig, HERD_TIME_RECKON_MS);
    CHECK_INT(time_of(&rig, 1).ceiling_ns, TRUE_NS + (rig.now_ms + 5000) * MS + HERD_TIME_AHEAD_NS);
    rig_close(&rig);
}

static void clocks_are_told_every_two_seconds_under_load(void)
{
    struct rig rig;
    open_with_clocks(&rig, 2, "01");
    settle(&rig);
    uint64_t before = heartbeats(&rig, 0, 1);
    for (int i = 0; i < 200; i++) {
        tell_at(&rig, 0, "kiwi", i + 1, "+1-1");
        look_at_clocks(&rig);
        pass(&rig, 50);
    }
    CHECK_INT(heartbeats(&rig, 0, 1) - before, 10000 / PEER_HEARTBEAT_MS);
    rig_close(&rig);
}

static void a_wrong_clock_is_told_at_both_ends(void)
{
    char reason[LINK_REASON_BYTES_MAX];
    struct rig rig;
    open_with_clocks(&rig, 3, "01 12 02");
    off_ms[1] = -4500;
    live(&rig, 8);
    CHECK_INT(count_of(&rig, 0)->peer_clocks_off, 1);
    CHECK_INT(count_of(&rig, 2)->peer_clocks_off, 1);
    CHECK_INT(count_of(&rig, 1)->clocks_off, 1);
    CHECK_INT(count_of(&rig, 1)->peer_clocks_off + count_of(&rig, 0)->clocks_off, 0);
    CHECK_INT(count_events(&rig, 0, LINK_CLOCK_OFF, reason), 1);
    CHECK(strcmp(reason, "Bob's is 4.5 s behind the herd's") == 0);
    CHECK_INT(count_events(&rig, 1, LINK_OWN_CLOCK_OFF, reason), 1);
    CHECK(strcmp(reason, "ours is 4.5 s behind the herd's") == 0);
    off_ms[1] = 0;
    live(&rig, 4);
    CHECK_INT(count_events(&rig, 0, LINK_CLOCK_RIGHT, NULL), 1);
    CHECK_INT(count_events(&rig, 1, LINK_OWN_CLOCK_RIGHT, NULL), 1);
    CHECK_INT(count_events(&rig, 2, LINK_CLOCK_RIGHT, NULL), 1);
    rig_close(&rig);
}

static void a_stranger_with_a_neighbours_name_does_not_vote(void)
{
    static struct wire_message hello = {.type = WIRE_HELLO,
                                        .from_incarnation = 77,
                                        .version = WIRE_VERSION,
                                        .version_min = WIRE_VERSION_MIN,
                                        .has_checks = true,
                                        .clock_count = 1};
    struct rig rig;
    open_with_clocks(&rig, 2, "01");
    live(&rig, 2);
    hello.herd = span_of("test");
    hello.node = span_of("Bob");
    hello.clocks[0] = (struct wire_clock){span_of("Bob"), 77, 0, TRUE_NS * 2, 0};
    forge(&rig, 1, 0, &hello);
    pass(&rig, 1000);
    CHECK_INT(time_of(&rig, 0).ceiling_ns, TRUE_NS + rig.now_ms * MS + HERD_TIME_AHEAD_NS);
    rig_close(&rig);
}

static void any_message_keeps_a_neighbours_word_alive(void)
{
    struct rig rig;
    open_with_clocks(&rig, 3, "01 02");
    off_ms[1] = 5000;
    look_at_clocks(&rig);
    settle(&rig);
    rig.lose[1][0][WIRE_HEARTBEAT] = 1000;
    for (int i = 0; i <= HERD_TIME_LIVE_MS / 1000; i++) {
        tell_at(&rig, 1, "kiwi", i + 1, "+1-1");
        pass(&rig, 1000);
    }
    live(&rig, 5);
    CHECK_INT(count_events(&rig, 0, LINK_CLOCK_OFF, NULL), 1);
    rig_close(&rig);
}

static void the_next_deadline_is_when_a_vote_is_to_be_reckoned_with(void)
{
    struct rig rig;
    open_with_clocks(&rig, 3, "01 02");
    live(&rig, 3);
    off_ms[1] = 3000;
    off_ms[2] = 4000;
    pass(&rig, 50);
    look_at_clocks(&rig);
    settle(&rig);
    CHECK(flood_deadline_ms(rig.node[0]) <= rig.now_ms + HERD_TIME_RECKON_MS);
    pass(&rig, HERD_TIME_RECKON_MS);
    CHECK_INT(time_of(&rig, 0).offset_ns, -3000 * MS);
    rig_close(&rig);
}

static void an_order_above_the_ceiling_loses_to_one_below(void)
{
    struct rig rig;
    open_with_clocks(&rig, 2, "01");
    live(&rig, 2);
    int64_t now_ns = wall_ns(&rig, 0);
    CHECK_INT(tell_at(&rig, 0, "kiwi", now_ns + HERD_TIME_AHEAD_NS + 2000 * MS, "+1-1"),
              FLOOD_STORED);
    settle(&rig);
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    CHECK_INT(tell_at(&rig, 1, "kiwi", now_ns, "+2-2"), FLOOD_STORED);
    settle(&rig);
    CHECK(knows(&rig, 0, "kiwi", "+2-2"));
    CHECK(all_equal(&rig));
    CHECK_INT(tell_at(&rig, 0, "kiwi", now_ns + HERD_TIME_AHEAD_NS + 1000 * MS, "+3-3"),
              FLOOD_STALE);
    pass(&rig, 1000); /* now it is not above any more */
    CHECK_INT(tell_at(&rig, 0, "kiwi", now_ns + HERD_TIME_AHEAD_NS + 1000 * MS, "+3-3"),
              FLOOD_STORED);
    off_ms[1] = 60000; /* half of the herd: the upper median */
    flood_set_clock(rig.node[1], rig.now_ms, wall_ns(&rig, 1));
    collect(&rig, 1, 0);
    while (deliver_one(&rig))
        ;
    CHECK_INT(tell_at(&rig, 0, "kiwi", now_ns + 60000 * MS, "+4-4"), FLOOD_STORED);
    rig_close(&rig);
}

static void without_a_clock_all_is_as_it_was(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    pass(&rig, 5000);
    struct flood_time time = time_of(&rig, 0);
    CHECK(!time.has_clock && time.votes == 0 && time.offset_ns == 0 && time.accept_ns == 0 &&
          time.forget_ns == 0);
    CHECK_INT(time.ceiling_ns, INT64_MAX);
    CHECK_INT(time.floor_ns, INT64_MIN);
    CHECK_INT(flood_accept_ns(rig.node[0], 5, rig.now_ms), 5);
    rig_close(&rig);
}

/* They are counted each second, because the ceiling moves on. */
static void status_says_how_many_locations_are_above_the_ceiling(void)
{
    struct rig rig;
    open_with_clocks(&rig, 2, "01");
    live(&rig, 3);
    int64_t ceiling_ns = time_of(&rig, 1).ceiling_ns;
    CHECK_INT(tell_at(&rig, 0, "kiwi", ceiling_ns + 100000 * MS, "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_at(&rig, 0, "plum", ceiling_ns + 200000 * MS, "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_at(&rig, 0, "fig", ceiling_ns, "+1-1"), FLOOD_STORED);
    for (uint64_t above = 2; above <= 2; above--) {
        live(&rig, 3);
        flood_ask_status(rig.node[0], 0);
        live(&rig, 1);
        CHECK_INT(flood_status(rig.node[0])->above, above);
        live(&rig, 100);
    }
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"a greeting brings the votes of all that are known",
     a_greeting_brings_the_votes_of_all_that_are_known},
    {"all nodes of the topology vote, and no observer",
     all_nodes_of_the_topology_vote_and_no_observer},
    {"a jump sends a heartbeat at once over all links",
     a_jump_sends_a_heartbeat_at_once_over_all_links},
    {"clocks are told every two seconds under load", clocks_are_told_every_two_seconds_under_load},
    {"a wrong clock is told at both ends", a_wrong_clock_is_told_at_both_ends},
    {"a stranger with a neighbour's name does not vote",
     a_stranger_with_a_neighbours_name_does_not_vote},
    {"any message keeps a neighbour's word alive", any_message_keeps_a_neighbours_word_alive},
    {"the next deadline is when a vote is to be reckoned with",
     the_next_deadline_is_when_a_vote_is_to_be_reckoned_with},
    {"an order above the ceiling loses to one below",
     an_order_above_the_ceiling_loses_to_one_below},
    {"without a clock all is as it was", without_a_clock_all_is_as_it_was},
    {"status says how many locations are above the ceiling",
     status_says_how_many_locations_are_above_the_ceiling},
};

CHECK_MAIN(cases)
