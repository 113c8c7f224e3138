/* Whole floods whose processes meet with tables: what is told then, and when a node is ready. */
#include "bus/link/peer.h"
#include "tests/unit/rig.h"

#define NS_PER_S INT64_C(1000000000)
#define WALL_NS  (INT64_C(1800000000) * NS_PER_S)

static struct rig rig;

/* As a journal would fill it, or another link: of clients of that node. */
static void load_from(int node, int first, int count, int64_t order_ns, int origin)
{
    struct table *table = flood_table(rig.node[node]);
    for (int i = first; i < first + count; i++) {
        char client[32];
        uint32_t slot;
        snprintf(client, sizeof client, "client-%d", i);
        struct location location = place(client, order_ns + i, "+1-1");
        location.origin = span_of(node_names[origin]);
        CHECK(table_put(table, &location, table_ref(table, location.client), &slot) <= TABLE_NEWER);
    }
}

static void load(int node, int first, int count, int64_t order_ns)
{
    load_from(node, first, count, order_ns, 0);
}

static uint64_t sent_locations(void)
{
    return count_of(&rig, 0)->locations_sent + count_of(&rig, 1)->locations_sent;
}

#define READY_WITHIN_MS 5000

static int64_t ready_within_ms(int node, int64_t start_ms, int64_t within_ms)
{
    return flood_ready_ms(rig.node[node], start_ms, within_ms) - start_ms;
}

static int64_t ready_after_ms(int node, int64_t start_ms)
{
    return ready_within_ms(node, start_ms, READY_WITHIN_MS);
}

/* ---- Cases ------------------------------------------------------------------------------- */

static void equal_tables_cost_a_heartbeat(void)
{
    rig_open(&rig, 2, "01");
    load(0, 0, 3000, 1000);
    load(1, 0, 3000, 1000);
    settle(&rig);
    CHECK_INT(sent_locations(), 0);
    CHECK_INT(rig.messages[0][1][WIRE_CHECK] + rig.messages[1][0][WIRE_CHECK], 0);
    CHECK_INT(link_of(&rig, 0, 1).settled, TABLE_RANGES);
    CHECK_INT(ready_after_ms(0, 7), 0);
    rig_close(&rig);
}

static void only_what_differs_is_told(void)
{
    rig_open(&rig, 2, "01");
    load(0, 0, 3000, 1000);
    load(1, 0, 2990, 1000);
    load(1, 3000, 10, 1000);
    load(1, 0, 20, 5000);
    pass(&rig, 3000);
    CHECK(all_equal(&rig));
    CHECK_INT(flood_clients(rig.node[0]), 3010);
    CHECK(sent_locations() <= 2 * 40);
    CHECK_INT(count_of(&rig, 0)->digest_faults + count_of(&rig, 1)->digest_faults, 0);
    CHECK_INT(count_of(&rig, 0)->resyncs, 1);
    rig_close(&rig);
}

/* What changes between the meeting and the comparison goes out as ever. */
static void new_changes_go_out_from_the_first_moment(void)
{
    rig_open(&rig, 2, "01");
    load(0, 0, 3000, 1000);
    load(1, 0, 3000, 1000);
    load(1, 0, 20, 2000);
    rig.lose[0][1][WIRE_CHECK] = rig.lose[1][0][WIRE_CHECK] = 1000;
    pass(&rig, 50);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 9000, "+7-7"), FLOOD_STORED);
    settle(&rig);
    CHECK(knows(&rig, 1, "kiwi", "+7-7"));
    CHECK(!all_equal(&rig));
    rig_close(&rig);
}

static void a_peer_without_a_table_is_told_everything(void)
{
    rig_open(&rig, 2, "01");
    load(0, 0, 3000, 1000);
    settle(&rig);
    CHECK(all_equal(&rig));
    CHECK_INT(sent_locations(), 3000);
    CHECK_INT(rig.messages[0][1][WIRE_CHECK], 0);
    rig_close(&rig);
}

/* One that has more than a quarter fewer: no CHECK is worth it. */
static void a_much_smaller_table_is_told_everything(void)
{
    for (int few = 0; few < 2; few++) {
        rig_open(&rig, 2, "01");
        load(0, 0, 3000, 1000);
        load(1, 0, 2250 - few, 1000);
        settle(&rig);
        CHECK_INT(count_of(&rig, 0)->resyncs, 1 - few);
        CHECK(few == 0 || all_equal(&rig));
        rig_close(&rig);
    }
}

static void what_a_former_life_held_is_not_settled_for_the_next(void)
{
    rig_open(&rig, 2, "01");
    load(0, 0, 3000, 1000);
    load(1, 0, 3000, 1000);
    settle(&rig);
    CHECK_INT(link_of(&rig, 0, 1).settled, TABLE_RANGES);
    restart(&rig, 1);
    load(1, 0, 2995, 1000);
    pass(&rig, 5000);
    CHECK(all_equal(&rig));
    CHECK_INT(count_of(&rig, 0)->digest_faults + count_of(&rig, 1)->digest_faults, 0);
    rig_close(&rig);
}

static void a_fourth_restart_within_a_minute_is_told_everything(void)
{
    rig_open(&rig, 2, "01");
    load(0, 0, 300, 1000);
    for (uint32_t life = 0; life < 5; life++) {
        restart(&rig, 1);
        load(1, 0, 300, 1000);
        uint64_t sent = count_of(&rig, 0)->locations_sent;
        pass(&rig, 4000);
        CHECK_INT(count_of(&rig, 0)->locations_sent - sent, life < RANGE_RESYNCS_MAX ? 0 : 300);
    }
    rig_close(&rig);
}

/* Bob, by hand: of version 2 as it was, without `clients`. */
static void a_node_of_the_version_before_is_told_everything(void)
{
    static struct wire_message hello;
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    for (int knows_it = 0; knows_it < 2; knows_it++) {
        rig_open(&rig, 2, "01");
        load(0, 0, 300, 1000);
        uint64_t ada = 0;
        size_t count;
        while ((count = flood_next(rig.node[0], 0, rig.now_ms, bytes)) > 0) {
            CHECK_INT(wire_read((struct span){bytes, count}, &hello), WIRE_GOOD);
            CHECK(hello.has_clients && hello.clients == 300);
            ada = hello.from_incarnation;
        }
        hello = (struct wire_message){.type = WIRE_HELLO,
                                      .from_incarnation = 77,
                                      .to_incarnation = ada,
                                      .herd = span_of("test"),
                                      .node = span_of("Bob"),
                                      .version = 2,
                                      .version_min = 1,
                                      .has_checks = true,
                                      .has_clients = knows_it == 1,
                                      .clients = 300};
        hello.from_incarnation = 76; /* one that says it has been there before */
        hello.has_clients = true;
        forge(&rig, 1, 0, &hello);
        hello.from_incarnation = 77;
        hello.has_clients = knows_it == 1;
        forge(&rig, 1, 0, &hello);
        while (flood_next(rig.node[0], 0, rig.now_ms, bytes) > 0)
            continue;
        CHECK_INT(count_of(&rig, 0)->locations_sent, knows_it == 1 ? 0 : 300);
        rig_close(&rig);
    }
}

/* ---- Who is away for long ---------------------------------------------------------------- */

static void move(int node, int count, int64_t order_ns)
{
    for (int i = 0; i < count; i++) {
        char client[32];
        snprintf(client, sizeof client, "client-%d", i);
        CHECK_INT(tell_at(&rig, node, client, order_ns + i, "+1-1"), FLOOD_STORED);
    }
}

static void let_link_go_down(void)
{
    cut_link(&rig, 0, 1, true);
    while (link_of(&rig, 0, 1).up || link_of(&rig, 1, 0).up)
        pass(&rig, 1);
}

#define MANY 70000
#define MOST ((int)PEER_ABSENT_SLOTS_MAX)

/* Both know all of them, and one meanwhile of so many something newer. */
static void open_absent(int node, int moved)
{
    rig_open(&rig, 2, "01");
    load(0, 0, MANY, 1000);
    load(1, 0, MANY, 1000);
    settle(&rig);
    let_link_go_down();
    move(node, moved, 200000);
}

/* What Bob lacks he has heard elsewhere. */
static void what_waits_for_an_absent_neighbour_is_not_kept(void)
{
    for (int past = 0; past < 2; past++) {
        open_absent(0, MOST + past);
        uint64_t sent = sent_locations();
        load(1, 0, MOST + past, 200000);
        pass(&rig, PEER_ABSENT_MS - 1);
        CHECK_INT(link_of(&rig, 0, 1).due, MOST + past);
        pass(&rig, 1);
        CHECK_INT(link_of(&rig, 0, 1).due, past == 0 ? MOST : 0);
        cut_link(&rig, 0, 1, false);
        pass(&rig, 3000);
        CHECK(all_equal(&rig));
        CHECK_INT(sent_locations() - sent, past == 0 ? MOST : 0);
        rig_close(&rig);
    }
}

/* Whatever changes until he is back, and after that; if Ada shows hers first, if she is shown, and
 * where each has left the other. */
static void an_absent_neighbour_is_told_what_he_lacks(void)
{
    for (int variant = 0; variant < 3; variant++) {
        int node = variant % 2, other = 1 - node;
        open_absent(node, MOST + 1);
        load_from(other, 300, MOST - 299, 200000, node);
        if (variant == 2) {
            move(other, MOST + 1, 300000);
            load_from(node, 0, MOST - 299, 300000, other);
        }
        pass(&rig, PEER_ABSENT_MS);
        CHECK_INT(link_of(&rig, node, other).due, 0);
        CHECK_INT(link_of(&rig, other, node).due, 0);
        CHECK_INT(tell_at(&rig, node, "kiwi", 1, "+3-3"), FLOOD_STORED);
        CHECK_INT(link_of(&rig, node, other).due, 0);
        cut_link(&rig, 0, 1, false);
        while (!link_of(&rig, node, other).up)
            pass(&rig, 1);
        uint64_t sent = sent_locations();
        CHECK_INT(tell_at(&rig, node, "client-69999", 400000, "+4-4"), FLOOD_STORED);
        pass(&rig, 5000);
        CHECK(all_equal(&rig));
        CHECK(sent_locations() - sent <= 2 * 302);
        CHECK_INT(count_of(&rig, 0)->digest_faults + count_of(&rig, 1)->digest_faults, 0);
        CHECK_INT(count_of(&rig, node)->resyncs, 2);
        /* Who shows his digests second has been shown something of a round before. */
        CHECK_INT(count_of(&rig, other)->resyncs, variant == 1 ? 1 : 2);
        rig_close(&rig);
    }
}

/* Bob hears her all the time, so his end of the link is up, and all of it settled. */
static void what_was_not_kept_is_no_fault_where_the_link_is_up(void)
{
    rig_open(&rig, 2, "01");
    load(0, 0, MANY, 1000);
    load(1, 0, MANY, 1000);
    settle(&rig);
    rig.cut[1][0] = true;
    while (link_of(&rig, 0, 1).up)
        pass(&rig, 1);
    move(0, MOST + 1, 200000);
    load(1, 10, MOST - 9, 200000);
    pass(&rig, PEER_ABSENT_MS);
    CHECK_INT(link_of(&rig, 0, 1).due, 0);
    CHECK(link_of(&rig, 1, 0).up);
    rig.cut[1][0] = false;
    pass(&rig, 20000);
    CHECK(all_equal(&rig));
    CHECK_INT(count_of(&rig, 0)->digest_faults + count_of(&rig, 1)->digest_faults, 0);
    rig_close(&rig);
}

/* It is held while nothing is put into the ring, and goes out with what is compared. */
static void what_is_promised_while_a_process_is_met_is_told_it(void)
{
    rig_open_unstarted(&rig, 2, "01");
    rig.promises = PROMISES_BY_NEIGHBOUR;
    for (int i = 0; i < 2; i++) {
        start(&rig, i);
        load(i, 0, 300, 1000);
    }
    rig.cut[0][1] = true;
    settle(&rig);
    CHECK(link_of(&rig, 0, 1).their_incarnation != 0 && !link_of(&rig, 0, 1).up);
    CHECK_INT(tell_at(&rig, 0, "kiwi", 9000, "+7-7"), FLOOD_STORED);
    uint64_t epoch = flood_hold(rig.node[0], span_of("kiwi"), rig.now_ms);
    rig.cut[0][1] = false;
    rig.lose[0][1][WIRE_UPDATE] = 1;
    rig.lose[0][1][WIRE_CHECK] = rig.lose[1][0][WIRE_CHECK] = 1000;
    pass(&rig, 900);
    CHECK(link_of(&rig, 0, 1).up && !knows(&rig, 1, "kiwi", "+7-7"));
    CHECK_INT(flood_promise(rig.node[0], epoch), PROMISES_WAITS);
    pass(&rig, 1000);
    CHECK(knows(&rig, 1, "kiwi", "+7-7"));
    CHECK_INT(flood_promise(rig.node[0], epoch), PROMISES_KEPT);
    rig_close(&rig);
}

/* ---- Ready ------------------------------------------------------------------------------- */

static void a_node_is_ready_once_one_link_is_settled(void)
{
    rig_open(&rig, 3, "01 02");
    flood_destroy(&rig.node[2]);
    load(0, 0, 3000, 1000);
    int64_t start_ms = rig.now_ms;
    CHECK_INT(ready_after_ms(1, start_ms), 1000); /* nobody has answered yet */
    CHECK_INT(ready_within_ms(1, start_ms, 999), 999);
    CHECK_INT(ready_within_ms(1, start_ms, 1001), 1000);
    rig.keep[0][1] = true;
    settle(&rig);
    release(&rig); /* a HELLO, and no more */
    settle(&rig);
    CHECK_INT(ready_after_ms(1, start_ms), READY_WITHIN_MS);
    CHECK_INT(ready_within_ms(1, start_ms, 0), 0);
    CHECK_INT(ready_within_ms(1, start_ms, 3600000), 3600000);
    rig.keep[0][1] = false;
    release(&rig);
    pass(&rig, 100);
    CHECK_INT(flood_clients(rig.node[1]), 3000);
    CHECK_INT(ready_after_ms(1, start_ms), 0);
    CHECK_INT(ready_after_ms(0, start_ms), 0); /* the other neighbour is away */
    rig_close(&rig);
}

static void a_node_without_neighbours_is_ready_at_once(void)
{
    rig_open(&rig, 1, "");
    CHECK_INT(ready_after_ms(0, 5), 0);
    rig_close(&rig);
}

/* It neither holds up nor counts. */
static void a_neighbour_that_cannot_be_compared_does_not_count(void)
{
    static struct wire_message hello;
    rig_open(&rig, 2, "01");
    flood_destroy(&rig.node[1]);
    hello = (struct wire_message){.type = WIRE_HELLO,
                                  .from_incarnation = 77,
                                  .herd = span_of("test"),
                                  .node = span_of("Bob"),
                                  .version = 1,
                                  .version_min = 1};
    forge(&rig, 1, 0, &hello);
    CHECK(link_of(&rig, 0, 1).their_incarnation == 77);
    CHECK_INT(ready_after_ms(0, 5), 1000);
    rig_close(&rig);
}

/* ---- What a journal brought -------------------------------------------------------------- */

/* By its own clock, 400 s fast, all of it is over. It frees nothing before it has heard another's
 * clock; then it goes by the herd's. */
static void a_started_node_does_not_free_its_journal_by_its_own_clock(void)
{
    static struct span nodes[3];
    rig_open_unstarted(&rig, 3, "01 12 02");
    for (int i = 0; i < 3; i++)
        nodes[i] = span_of(node_names[i]);
    rig.nodes = nodes;
    rig.nodes_count = 3;
    rig.expire_ms = 300000;
    for (int i = 0; i < 3; i++)
        start(&rig, i);
    load(0, 0, 100, WALL_NS - 10 * NS_PER_S);
    for (int other = 1; other < 3; other++)
        cut_link(&rig, 0, other, true);
    for (int s = 0; s < 120; s++) {
        for (int i = 0; i < 3; i++)
            flood_set_clock(rig.node[i], rig.now_ms, WALL_NS + (s + (i == 0 ? 400 : 0)) * NS_PER_S);
        pass(&rig, 1000);
    }
    CHECK_INT(flood_clients(rig.node[0]), 100);
    CHECK_INT(flood_clients(rig.node[1]), 0);
    for (int other = 1; other < 3; other++)
        cut_link(&rig, 0, other, false);
    for (int s = 120; s < 200; s++) {
        for (int i = 0; i < 3; i++)
            flood_set_clock(rig.node[i], rig.now_ms, WALL_NS + (s + (i == 0 ? 400 : 0)) * NS_PER_S);
        pass(&rig, 1000);
    }
    CHECK_INT(flood_clients(rig.node[0]), 100);
    CHECK_INT(flood_clients(rig.node[1]), 100);
    struct location found;
    CHECK(flood_find(rig.node[1], span_of("client-7"), &found));
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"equal tables cost a HEARTBEAT", equal_tables_cost_a_heartbeat},
    {"only what differs is told", only_what_differs_is_told},
    {"new changes go out from the first moment", new_changes_go_out_from_the_first_moment},
    {"a peer without a table is told everything", a_peer_without_a_table_is_told_everything},
    {"a much smaller table is told everything", a_much_smaller_table_is_told_everything},
    {"what a former life held is not settled for the next",
     what_a_former_life_held_is_not_settled_for_the_next},
    {"a fourth restart within a minute is told everything",
     a_fourth_restart_within_a_minute_is_told_everything},
    {"a node of the version before is told everything",
     a_node_of_the_version_before_is_told_everything},
    {"what waits for an absent neighbour is not kept",
     what_waits_for_an_absent_neighbour_is_not_kept},
    {"an absent neighbour is told what he lacks", an_absent_neighbour_is_told_what_he_lacks},
    {"what was not kept is no fault where the link is up",
     what_was_not_kept_is_no_fault_where_the_link_is_up},
    {"what is promised while a process is met is told it",
     what_is_promised_while_a_process_is_met_is_told_it},
    {"a node is ready once one link is settled", a_node_is_ready_once_one_link_is_settled},
    {"a node without neighbours is ready at once", a_node_without_neighbours_is_ready_at_once},
    {"a neighbour that cannot be compared does not count",
     a_neighbour_that_cannot_be_compared_does_not_count},
    {"a started node does not free its journal by its own clock",
     a_started_node_does_not_free_its_journal_by_its_own_clock},
};

CHECK_MAIN(cases)
