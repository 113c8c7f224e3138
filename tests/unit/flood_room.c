/* What a herd does when a table is full, of clients or of bytes, or when there is no memory. */
#include "bus/link/peer.h"
#include "tests/unit/no_memory.h"
#include "tests/unit/rig.h"

#define TEXT_BYTES 60000

static char text[TEXT_BYTES + 1];

/* A position of a length of which a few fill a table. */
static const char *long_position(void)
{
    memset(text, '1', TEXT_BYTES);
    return text;
}

static const char *number(int i)
{
    static char name[16];
    snprintf(name, sizeof name, "n%d", i);
    return name;
}

/* Two nodes, of which the second has little room. */
static void open_unequal(struct rig *rig, uint32_t clients_max, uint64_t bytes_max)
{
    rig_open_unstarted(rig, 2, "01");
    start(rig, 0);
    rig->clients_max = clients_max;
    rig->table_bytes_max = bytes_max;
    start(rig, 1);
    settle(rig);
}

static void what_peers_send_is_taken_up_to_twice_the_clients(void)
{
    struct rig rig;
    open_unequal(&rig, 3, 0);
    fill(&rig, 0, 6);
    settle(&rig);
    CHECK_INT(flood_clients(rig.node[1]), 6);
    CHECK_INT(count_of(&rig, 1)->locations_refused, 0);
    CHECK(all_equal(&rig));
    tell_at(&rig, 0, "one-too-many", 1, "+1-1");
    settle(&rig);
    CHECK_INT(flood_clients(rig.node[1]), 6);
    CHECK_INT(count_of(&rig, 1)->locations_refused, 1);
    CHECK_INT(count_of(&rig, 1)->locations_invalid, 0);
    pass(&rig, 100);
    CHECK_INT(link_of(&rig, 0, 1).acked, link_of(&rig, 0, 1).head);
    /* Known clients go on, at both ends. */
    CHECK_INT(tell_at(&rig, 1, "client-1", 999999, "+7-7"), FLOOD_STORED);
    tell_at(&rig, 0, "client-2", 999999, "+8-8");
    settle(&rig);
    CHECK(knows(&rig, 0, "client-1", "+7-7") && knows(&rig, 1, "client-2", "+8-8"));
    rig_close(&rig);
}

/* Until the own clients are refused; how many there are then. */
static int fill_with_texts(struct rig *rig, int node, int first)
{
    int i = first;
    while (tell_at(rig, node, number(i), 1, long_position()) == FLOOD_STORED && i < first + 1000) {
        settle(rig);
        i++;
    }
    return i;
}

static enum flood_outcome tell_known(struct rig *rig, int node, const char *client,
                                     int64_t order_ns, const char *position)
{
    struct location location = place(client, order_ns, position);
    struct table_ref ref;
    flood_prefetch(rig->node[node], &location.client, &ref, 1);
    return flood_local_known(rig->node[node], &location, ref);
}

static void an_unknown_client_is_not_stored_where_known_ones_are_wanted(void)
{
    struct rig rig;
    open_unequal(&rig, 3, 4 << 20);
    uint64_t head = link_of(&rig, 1, 0).head, digest = flood_digest(rig.node[1]);
    struct flood_load before = flood_load(rig.node[1]);
    CHECK_INT(tell_known(&rig, 1, "kiwi", 1, "+1-1"), FLOOD_UNKNOWN);
    settle(&rig);
    struct flood_load after = flood_load(rig.node[1]);
    CHECK(!knows(&rig, 1, "kiwi", "+1-1") && flood_digest(rig.node[1]) == digest);
    CHECK(after.clients == 0 && after.bytes == before.bytes && after.refused == 0);
    CHECK_INT(link_of(&rig, 1, 0).head, head);
    CHECK_INT(tell_at(&rig, 1, "kiwi", 1, "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_known(&rig, 1, "kiwi", 1, "+2-2"), FLOOD_STALE);
    CHECK_INT(tell_known(&rig, 1, "kiwi", 2, "+2-2"), FLOOD_STORED);
    settle(&rig);
    CHECK(knows(&rig, 0, "kiwi", "+2-2"));
    rig_close(&rig);
}

static void a_known_client_without_room_keeps_its_location(void)
{
    struct rig rig;
    open_unequal(&rig, 1000, 4 << 20);
    CHECK_INT(tell_at(&rig, 1, "kiwi", 1, "+1-1"), FLOOD_STORED);
    fill_with_texts(&rig, 1, 0);
    CHECK_INT(count_of(&rig, 1)->bytes_refused, 1);
    uint64_t head = link_of(&rig, 1, 0).head;
    CHECK_INT(tell_known(&rig, 1, "kiwi", 2, long_position()), FLOOD_FULL);
    CHECK_INT(count_of(&rig, 1)->bytes_refused, 2);
    CHECK_INT(link_of(&rig, 1, 0).head, head);
    CHECK(knows(&rig, 1, "kiwi", "+1-1"));
    CHECK_INT(tell_known(&rig, 1, "kiwi", 3, "+3-3"), FLOOD_STORED);
    settle(&rig);
    CHECK(knows(&rig, 0, "kiwi", "+3-3") && all_equal(&rig));
    rig_close(&rig);
}

static void own_clients_leave_an_eighth_to_peers(void)
{
    static const uint64_t bytes_max = 4 << 20;
    struct rig rig;
    open_unequal(&rig, 1000, bytes_max);
    int known = fill_with_texts(&rig, 1, 0);
    struct flood_load load = flood_load(rig.node[1]);
    CHECK(load.bytes_max == bytes_max && load.bytes <= bytes_max - bytes_max / FLOOD_PEERS_PART);
    CHECK(load.bytes + TEXT_BYTES + 100 > bytes_max - bytes_max / FLOOD_PEERS_PART);
    CHECK_INT(count_of(&rig, 1)->bytes_refused, 1);
    CHECK_INT(load.refused, 1);
    CHECK(all_equal(&rig));
    int sent = known;
    while (count_of(&rig, 1)->locations_refused == 0 && sent < known + 1000) {
        tell_at(&rig, 0, number(sent++), 1, long_position());
        settle(&rig);
    }
    load = flood_load(rig.node[1]);
    CHECK(sent - known - 1 >= (int)(bytes_max / FLOOD_PEERS_PART / TEXT_BYTES) - 1);
    CHECK(load.bytes <= bytes_max && load.bytes + TEXT_BYTES + 100 > bytes_max);
    CHECK_INT(load.clients, sent - 1);
    CHECK_INT(load.refused, 2);
    rig_close(&rig);
}

static void a_near_limit_is_reported_once(void)
{
    struct rig rig;
    open_unequal(&rig, 5, 1 << 20);
    fill(&rig, 1, 3);
    CHECK(!flood_next_near(rig.node[1]).clients);
    tell_at(&rig, 1, "one-more", 1, "+1-1");
    struct flood_near near = flood_next_near(rig.node[1]);
    CHECK(near.clients && !near.bytes);
    CHECK(!flood_next_near(rig.node[1]).clients);
    rig_close(&rig);
    open_unequal(&rig, 100, 1 << 20);
    uint64_t at = (UINT64_C(1) << 20) * FLOOD_NEAR_PERCENT / 100;
    for (int i = 0; flood_load(rig.node[1]).bytes < at; i++) {
        CHECK(!flood_next_near(rig.node[1]).bytes);
        CHECK_INT(tell_at(&rig, 1, number(i), 1, long_position()), FLOOD_STORED);
    }
    CHECK(flood_next_near(rig.node[1]).bytes);
    CHECK(!flood_next_near(rig.node[1]).bytes);
    /* One text goes, and comes back. */
    tell_at(&rig, 1, number(0), 2, "+1-1");
    CHECK(!flood_next_near(rig.node[1]).bytes);
    tell_at(&rig, 1, number(0), 3, long_position());
    near = flood_next_near(rig.node[1]);
    CHECK(near.bytes && !near.clients);
    near = flood_next_near(rig.node[0]); /* which has no limit */
    CHECK(!near.bytes && !near.clients);
    rig_close(&rig);
}

/* The same limits everywhere: own clients are refused at each node, and the tables are equal. */
static void equal_limits_keep_the_tables_equal(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 3, "01 12");
    rig.table_bytes_max = 4 << 20;
    for (int i = 0; i < 3; i++)
        start(&rig, i);
    settle(&rig);
    int known = 0;
    for (int i = 0; i < 3; i++)
        known = fill_with_texts(&rig, i, known);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(count_of(&rig, i)->bytes_refused, 1);
        CHECK_INT(count_of(&rig, i)->locations_refused, 0);
        CHECK_INT(tell_at(&rig, i, number(i), 2 + i, "+1-1"), FLOOD_STORED);
    }
    settle(&rig);
    CHECK(all_equal(&rig));
    CHECK_INT(flood_clients(rig.node[0]), known);
    rig_close(&rig);
}

/* Ranges that can never be equal are told now and then, by either end, not all the time; and since
 * it is known why, they are no fault. */
static void tables_that_differ_are_sent_again_seldom(void)
{
    struct rig rig;
    open_unequal(&rig, 3, 0);
    fill(&rig, 0, 10);
    pass(&rig, 3600000);
    CHECK_INT(flood_clients(rig.node[1]), 6);
    CHECK_INT(count_of(&rig, 0)->digest_faults + count_of(&rig, 1)->digest_faults, 0);
    CHECK(count_of(&rig, 1)->locations_refused > 4 * 2 * 10);
    CHECK(count_of(&rig, 1)->locations_refused <= 4 * 2 * (6 + 3600000 / RANGE_PASS_MS_MAX));
    CHECK_INT(count_events(&rig, 1, LINK_DOWN, NULL), 0);
    CHECK_INT(link_of(&rig, 0, 1).acked, link_of(&rig, 0, 1).head);
    rig_close(&rig);
}

static void status_says_how_much_is_taken(void)
{
    struct rig rig;
    open_unequal(&rig, 3, 4 << 20);
    fill(&rig, 1, 3);
    CHECK_INT(tell_at(&rig, 1, "one-too-many", 1, "+1-1"), FLOOD_FULL);
    settle(&rig);
    flood_ask_status(rig.node[0], 0);
    settle(&rig);
    const struct flood_status *status = flood_status(rig.node[0]);
    struct flood_load load = flood_load(rig.node[1]);
    CHECK(status != NULL && status->has_load);
    CHECK_INT(status->load.clients, 3);
    CHECK_INT(status->load.clients_max, 3);
    CHECK_INT(status->load.bytes, load.bytes);
    CHECK_INT(status->load.bytes_max, 4 << 20);
    CHECK_INT(status->load.refused, 1);
    rig_close(&rig);
}

/* A ring that may not grow loses changes, and makes up for them. */
static void changes_that_found_no_memory_are_sent_later(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 64); /* known at both, and the bits of the ring are full */
    settle(&rig);
    rig.refuse[0][1] = true;
    for (int i = 64; i < 127; i++) {
        no_memory_after(2); /* a text, perhaps an index, and no ring */
        tell_at(&rig, 0, number(i), 1, "+1-1");
        no_memory_end();
    }
    CHECK(!all_equal(&rig));
    rig.refuse[0][1] = false;
    pass(&rig, 2 * PEER_FIND_MS);
    CHECK(all_equal(&rig));
    CHECK(flood_clients(rig.node[0]) > 64);
    rig_close(&rig);
}

/* However often an allocation fails: in the end both know all that was accepted. */
static void memory_may_end_at_any_moment(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    settle(&rig);
    int stored = 0;
    for (int i = 0; i < 600; i++) {
        no_memory_after((uint64_t)i % 5);
        stored += tell_at(&rig, i % 2, number(i), 1, "+1-1") == FLOOD_STORED;
        no_memory_end();
        if (i % 50 == 49)
            settle(&rig);
    }
    pass(&rig, 2 * PEER_FIND_MS);
    CHECK(stored > 0 && stored < 600);
    CHECK(all_equal(&rig));
    CHECK_INT(flood_clients(rig.node[0]), stored);
    CHECK(count_of(&rig, 0)->memory_refused + count_of(&rig, 1)->memory_refused ==
          600 - (uint64_t)stored);
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"what peers send is taken up to twice the clients",
     what_peers_send_is_taken_up_to_twice_the_clients},
    {"an unknown client is not stored where known ones are wanted",
     an_unknown_client_is_not_stored_where_known_ones_are_wanted},
    {"a known client without room keeps its location",
     a_known_client_without_room_keeps_its_location},
    {"own clients leave an eighth to peers", own_clients_leave_an_eighth_to_peers},
    {"a near limit is reported once", a_near_limit_is_reported_once},
    {"equal limits keep the tables equal", equal_limits_keep_the_tables_equal},
    {"tables that differ are sent again seldom", tables_that_differ_are_sent_again_seldom},
    {"status says how much is taken", status_says_how_much_is_taken},
    {"changes that found no memory are sent later", changes_that_found_no_memory_are_sent_later},
    {"memory may end at any moment", memory_may_end_at_any_moment},
};

CHECK_MAIN(cases)
