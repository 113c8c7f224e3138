/* What is over: when nobody is shown it any more, and when it leaves all tables. */
#include "bus/link/peer.h"
#include "tests/unit/forget_rig.h"

#define EXPIRE_MS 100000
/* A 64th of it, as the horizon moves. */
#define GRANULE_NS (EXPIRE_MS * MS / 64)

static uint64_t messages_but_heartbeats(const struct rig *rig)
{
    uint64_t count = 0;
    for (int from = 0; from < rig->count; from++)
        for (int to = 0; to < rig->count; to++)
            for (int type = WIRE_HELLO; type <= WIRE_STATE; type++)
                count += type == WIRE_HEARTBEAT ? 0 : rig->messages[from][to][type];
    return count;
}

static void a_client_is_gone_everywhere_at_its_time_and_no_message_says_so(void)
{
    struct rig rig;
    open_live(&rig, 3, "01 12", EXPIRE_MS);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    live(&rig, 10);
    CHECK_INT(report(&rig, 2, "plum", 0), FLOOD_STORED);
    live(&rig, 10);
    uint64_t messages = messages_but_heartbeats(&rig);
    live(&rig, 79);
    CHECK(is_known_everywhere(&rig, "kiwi"));
    pass(&rig, 750);
    CHECK(is_known_everywhere(&rig, "kiwi"));
    pass(&rig, 750);
    CHECK(!is_known_anywhere(&rig, "kiwi"));
    CHECK(is_known_everywhere(&rig, "plum"));
    live(&rig, 4);
    CHECK_INT(messages_but_heartbeats(&rig), messages);
    for (int node = 0; node < 3; node++) {
        CHECK_INT(flood_clients(rig.node[node]), 1);
        CHECK_INT(count_of(&rig, node)->digest_faults, 0);
    }
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void the_horizon_moves_in_steps_and_is_the_same_at_all_nodes(void)
{
    struct rig rig;
    open_live(&rig, 3, "01 12", EXPIRE_MS);
    off_ms[1] = 700;
    off_ms[2] = -600;
    int64_t before_ns = horizon_of(&rig, 0);
    CHECK_INT(before_ns % GRANULE_NS, 0);
    int moves = 0;
    for (int i = 0; i < 100; i++) {
        live(&rig, 1);
        int64_t now_ns = horizon_of(&rig, 0);
        CHECK(now_ns == before_ns || now_ns == before_ns + GRANULE_NS);
        CHECK(now_ns <= true_ns(&rig) - EXPIRE_MS * MS);
        moves += now_ns != before_ns;
        before_ns = now_ns;
        for (int node = 1; node < 3; node++) /* their floors are within two seconds */
            CHECK(llabs(horizon_of(&rig, node) - now_ns) <= 2 * GRANULE_NS);
    }
    CHECK(moves >= 60);
    rig_close(&rig);
}

/* An expire of a second still moves by a second. */
static void a_step_is_a_second_at_least(void)
{
    struct rig rig;
    open_live(&rig, 1, "", 1000);
    off_ms[0] = -300;
    for (int i = 0; i < 10; i++) {
        CHECK_INT(horizon_of(&rig, 0) % SECOND, 0);
        live(&rig, 1);
    }
    rig_close(&rig);
}

/* By less than two steps nothing moves back, so that jitter cannot; by more it does. */
static void the_horizon_goes_back_by_more_than_two_steps_only(void)
{
    struct rig rig;
    open_live(&rig, 1, "", EXPIRE_MS);
    live(&rig, 10);
    int64_t before_ns = horizon_of(&rig, 0);
    off_ms[0] = -3000;
    live(&rig, 1);
    CHECK_INT(horizon_of(&rig, 0), before_ns);
    off_ms[0] = -10000;
    live(&rig, 1);
    CHECK(horizon_of(&rig, 0) < before_ns - 3 * GRANULE_NS);
    rig_close(&rig);
}

/* What was left out by one node and not by the other is no fault: all clocks are set back bit by
 * bit, by less at once than counts as a jump. */
/* From after the year 2220 to before 1970: farther than a time in nanoseconds can be. */
static void the_horizon_goes_back_from_any_time_to_any(void)
{
    struct rig rig;
    open_live(&rig, 1, "", 1000);
    off_ms[0] = INT64_C(6300000000000); /* two hundred years */
    live(&rig, 70);
    CHECK(horizon_of(&rig, 0) > TRUE_NS + off_ms[0] * MS);
    off_ms[0] = 0;
    flood_set_expire(rig.node[0], INT64_C(3153600000000), false);
    live(&rig, 1);
    CHECK(horizon_of(&rig, 0) < 0);
    rig_close(&rig);
}

static void nothing_is_settled_where_the_horizon_went_back(void)
{
    struct rig rig;
    open_live(&rig, 2, "01", EXPIRE_MS);
    live(&rig, 10);
    int64_t before_ns = horizon_of(&rig, 0);
    cut_link(&rig, 0, 1, true); /* else they would be found equal again at once */
    off_ms[0] = off_ms[1] = -1900;
    look_at_clocks(&rig);
    pass(&rig, 1100);
    CHECK_INT(horizon_of(&rig, 0), before_ns);
    CHECK_INT(link_of(&rig, 0, 1).settled, TABLE_RANGES);
    for (int i = 0; i < 3; i++) {
        off_ms[0] = off_ms[1] -= 1900;
        look_at_clocks(&rig);
        pass(&rig, 10);
    }
    pass(&rig, 1100);
    CHECK(horizon_of(&rig, 0) < before_ns);
    CHECK_INT(link_of(&rig, 0, 1).settled, 0);
    cut_link(&rig, 0, 1, false);
    live(&rig, 5);
    CHECK_INT(link_of(&rig, 0, 1).settled, TABLE_RANGES);
    rig_close(&rig);
}

/* E3: for a minute; after that no rule can know better. */
/* Two of three clocks are set back one after the other. Where the first one is, the horizon goes
 * back earlier, and there nothing is freed that the neighbour has freed meanwhile. */
static void nothing_is_settled_where_the_other_ends_horizon_went_back(void)
{
    struct rig rig;
    open_live(&rig, 3, "01 12", 20000);
    for (int second = 0; second < 60; second++) {
        off_ms[0] = second < 5 ? 0 : -3000;
        off_ms[1] = second < 26 ? 0 : -3000;
        for (int i = 0; i < 8; i++) {
            char client[32];
            snprintf(client, sizeof client, "client-%d-%d", second, i);
            CHECK_INT(report(&rig, i % 3, client, -i * SECOND / 8), FLOOD_STORED);
        }
        live(&rig, 1);
    }
    for (int node = 0; node < 3; node++)
        CHECK_INT(count_of(&rig, node)->digest_faults, 0);
    off_ms[0] = off_ms[1] = 0;
    live(&rig, 10);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void a_jump_of_all_clocks_frees_nothing_for_a_minute(void)
{
    struct rig rig;
    open_live(&rig, 2, "01", EXPIRE_MS);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    live(&rig, 1);
    off_ms[0] = off_ms[1] = 3600000;
    live(&rig, 55);
    CHECK(is_known_everywhere(&rig, "kiwi"));
    off_ms[0] = off_ms[1] = 0; /* a glitch */
    live(&rig, 20);
    CHECK(is_known_everywhere(&rig, "kiwi"));
    off_ms[0] = off_ms[1] = 3600000;
    live(&rig, 65);
    CHECK(!is_known_anywhere(&rig, "kiwi"));
    CHECK_INT(flood_clients(rig.node[0]), 0);
    rig_close(&rig);
}

/* Half against half: two nodes, one a day ahead. */
static void the_slower_half_says_what_is_over(void)
{
    struct rig rig;
    open_live(&rig, 2, "01", EXPIRE_MS);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    off_ms[1] = 86400000;
    live(&rig, 80);
    CHECK(is_known_everywhere(&rig, "kiwi"));
    CHECK_INT(flood_clients(rig.node[1]), 1);
    live(&rig, 25);
    CHECK(!is_known_anywhere(&rig, "kiwi"));
    rig_close(&rig);
}

static void who_has_met_nobody_only_hides(void)
{
    struct rig rig;
    open_live(&rig, 2, "01", EXPIRE_MS);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    live(&rig, 1);
    cut_link(&rig, 0, 1, true);
    restart(&rig, 1);
    off_ms[1] = 400000;
    live(&rig, 3);
    struct location old = place("old", true_ns(&rig), "+1-1");
    CHECK_INT(flood_local(rig.node[1], &old), FLOOD_STORED);
    live(&rig, 62);
    CHECK(!is_known(&rig, 1, "old"));
    CHECK_INT(flood_clients(rig.node[1]), 1);
    CHECK(horizon_of(&rig, 1) == INT64_MIN);
    cut_link(&rig, 0, 1, false);
    live(&rig, 5);
    CHECK(is_known_everywhere(&rig, "old")); /* only that one had it */
    rig_close(&rig);
}

static void unless_its_table_is_more_than_half_full(void)
{
    struct rig rig;
    memset(off_ms, 0, sizeof off_ms);
    rig_open_unstarted(&rig, 2, "01");
    rig.expire_ms = EXPIRE_MS;
    rig.clients_max = 4;
    start(&rig, 0);
    start(&rig, 1);
    cut_link(&rig, 0, 1, true);
    live(&rig, 1);
    CHECK_INT(report(&rig, 0, "a", 0), FLOOD_STORED);
    CHECK_INT(report(&rig, 0, "b", 0), FLOOD_STORED);
    live(&rig, 110);
    CHECK_INT(flood_clients(rig.node[0]), 2);
    CHECK_INT(report(&rig, 0, "c", 0), FLOOD_STORED);
    live(&rig, 1);
    CHECK_INT(flood_clients(rig.node[0]), 1);
    CHECK(is_known(&rig, 0, "c"));
    rig_close(&rig);
}

static void a_report_below_the_horizon_is_not_stored(void)
{
    struct rig rig;
    open_live(&rig, 2, "01", EXPIRE_MS);
    CHECK_INT(report(&rig, 0, "kiwi", -(EXPIRE_MS + 10000) * MS), FLOOD_EXPIRED);
    CHECK_INT(count_of(&rig, 0)->reports_expired, 1);
    CHECK_INT(flood_clients(rig.node[0]), 0);
    CHECK_INT(flood_load(rig.node[0]).refused, 0);
    CHECK_INT(report(&rig, 0, "kiwi", -(EXPIRE_MS - 10000) * MS), FLOOD_STORED);
    CHECK_INT(report(&rig, 0, "kiwi", -(EXPIRE_MS + 10000) * MS), FLOOD_EXPIRED);
    CHECK_INT(count_of(&rig, 0)->reports_expired, 2);
    live(&rig, 1);
    CHECK(is_known_everywhere(&rig, "kiwi"));
    rig_close(&rig);
}

/* Its sender must not take the acknowledgement for a copy. */
static void what_a_peer_tells_below_the_horizon_is_not_taken(void)
{
    static struct wire_message update = {
        .type = WIRE_UPDATE, .upto = 2, .location_count = 2, .has_checks = true};
    struct rig rig;
    open_live(&rig, 2, "01", EXPIRE_MS);
    update.from_incarnation = link_of(&rig, 1, 0).their_incarnation;
    update.to_incarnation = link_of(&rig, 0, 1).their_incarnation;
    update.locations[0] = place("old", horizon_of(&rig, 1) - 1, "+1-1");
    update.locations[1] = place("young", horizon_of(&rig, 1), "+1-1");
    CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES);
    forge(&rig, 0, 1, &update);
    CHECK_INT(flood_clients(rig.node[1]), 1);
    CHECK_INT(count_of(&rig, 1)->locations_expired, 1);
    CHECK_INT(count_of(&rig, 1)->locations_refused, 0);
    CHECK_INT(link_of(&rig, 1, 0).received, 2);
    CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES - 1);
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    static struct wire_message ack;
    rig.now_ms += PEER_ACK_MS;
    size_t count = flood_next(rig.node[1], 0, rig.now_ms, bytes);
    CHECK_INT(wire_read((struct span){bytes, count}, &ack), WIRE_GOOD);
    CHECK_INT(ack.type, WIRE_ACK);
    CHECK_INT(ack.refused_here, 1);
    rig_close(&rig);
}

static void tombstones_are_over_as_anything_else(void)
{
    struct rig rig;
    struct location made;
    open_live(&rig, 2, "01", EXPIRE_MS);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    CHECK_INT(forget(&rig, 0, "kiwi", &made), FLOOD_STORED);
    live(&rig, EXPIRE_MS / 1000);
    CHECK_INT(flood_clients(rig.node[1]), 1); /* its order is five seconds ahead */
    live(&rig, 10);
    CHECK_INT(flood_clients(rig.node[1]), 0);
    CHECK_INT(flood_clients(rig.node[0]), 0);
    rig_close(&rig);
}

/* A node that was away for less than expire brings nothing back: the tombstone is still there. One
 * that was away for longer has nothing that counts. */
static void nobody_brings_the_forgotten_back(void)
{
    static const int away[] = {EXPIRE_MS / 2000, EXPIRE_MS / 1000 - 3, EXPIRE_MS / 1000 + 30};
    for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
        struct rig rig;
        struct location made;
        open_live(&rig, 3, "01 12", EXPIRE_MS);
        CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
        live(&rig, 1);
        cut_link(&rig, 1, 2, true);
        live(&rig, 1);
        CHECK_INT(forget(&rig, 0, "kiwi", &made), FLOOD_STORED);
        live(&rig, away[i]);
        CHECK(!is_known(&rig, 0, "kiwi"));
        cut_link(&rig, 1, 2, false);
        live(&rig, 5);
        CHECK(!is_known_anywhere(&rig, "kiwi"));
        CHECK(all_equal(&rig));
        for (int node = 0; node < 3; node++)
            CHECK_INT(count_of(&rig, node)->digest_faults, 0);
        rig_close(&rig);
    }
}

/* What waited for a neighbour that is away is not sent when it comes back, nor what takes its slot
 * twice. */
static void a_slot_is_forgotten_in_all_rings_before_it_is_freed(void)
{
    struct rig rig;
    open_live(&rig, 2, "01", EXPIRE_MS);
    cut_link(&rig, 0, 1, true);
    for (int i = 0; i < 100; i++) { /* half of them are sent, and lost */
        char client[16];
        snprintf(client, sizeof client, "old-%d", i);
        CHECK_INT(report(&rig, 0, client, 0), FLOOD_STORED);
        if (i == 50)
            live(&rig, 8);
    }
    live(&rig, 1);
    struct flood_link link = link_of(&rig, 0, 1);
    CHECK(link.head - link.acked >= 100);
    CHECK_INT(report(&rig, 0, "stay", 0), FLOOD_STORED);
    live(&rig, 60);
    CHECK_INT(report(&rig, 0, "stay", 0), FLOOD_STORED); /* in the highest slot */
    live(&rig, EXPIRE_MS / 1000 - 60 + 2);
    CHECK_INT(flood_clients(rig.node[0]), 1);
    link = link_of(&rig, 0, 1);
    CHECK(link.head - link.sent <= 20); /* blanks of those that waited are closed */
    CHECK_INT(report(&rig, 0, "new", 0), FLOOD_STORED);
    uint64_t sent = count_of(&rig, 0)->locations_sent;
    cut_link(&rig, 0, 1, false);
    live(&rig, 5);
    CHECK(is_known(&rig, 1, "new"));
    CHECK(all_equal(&rig));
    CHECK(count_of(&rig, 0)->locations_sent - sent <= 3);
    rig_close(&rig);
}

static void nobody_listening_hears_of_what_is_over(void)
{
    struct rig rig;
    struct location news;
    open_live(&rig, 1, "", EXPIRE_MS);
    flood_listen(rig.node[0]);
    CHECK_INT(report(&rig, 0, "old", 0), FLOOD_STORED);
    live(&rig, 50);
    CHECK_INT(report(&rig, 0, "new", 0), FLOOD_STORED);
    live(&rig, 60);
    CHECK(flood_next_news(rig.node[0], &news));
    CHECK(span_equals(news.client, span_of("new")));
    CHECK(!flood_next_news(rig.node[0], &news));
    rig_close(&rig);
}

static void limits_count_the_living(void)
{
    struct rig rig;
    memset(off_ms, 0, sizeof off_ms);
    rig_open_unstarted(&rig, 2, "01");
    rig.expire_ms = EXPIRE_MS;
    rig.clients_max = 2;
    start(&rig, 0);
    start(&rig, 1);
    live(&rig, 3);
    CHECK_INT(report(&rig, 0, "a", 0), FLOOD_STORED);
    CHECK_INT(report(&rig, 0, "b", 0), FLOOD_STORED);
    live(&rig, 1);
    CHECK_INT(report(&rig, 0, "c", 0), FLOOD_FULL);
    CHECK_INT(report(&rig, 1, "c", 0), FLOOD_FULL);
    live(&rig, EXPIRE_MS / 1000 + 5);
    CHECK_INT(flood_load(rig.node[0]).clients, 0);
    CHECK_INT(report(&rig, 0, "c", 0), FLOOD_STORED);
    CHECK_INT(report(&rig, 1, "d", 0), FLOOD_STORED);
    live(&rig, 1);
    CHECK(is_known_everywhere(&rig, "c") && is_known_everywhere(&rig, "d"));
    rig_close(&rig);
}

static void another_expire_is_refused_until_a_file_is_read_again(void)
{
    struct rig rig;
    char reason[LINK_REASON_BYTES_MAX];
    memset(off_ms, 0, sizeof off_ms);
    rig_open_unstarted(&rig, 2, "01");
    rig.expire_ms = EXPIRE_MS;
    start(&rig, 0);
    rig.expire_ms = 0;
    start(&rig, 1);
    live(&rig, 5);
    for (int node = 0; node < 2; node++) {
        CHECK(!link_of(&rig, node, 1 - node).up);
        CHECK(count_events(&rig, node, LINK_REFUSED, reason) > 0);
        CHECK(strstr(reason, "herd/expire") != NULL && strstr(reason, "100s") != NULL &&
              strstr(reason, "off") != NULL);
    }
    flood_set_expire(rig.node[1], EXPIRE_MS, false);
    live(&rig, 2);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    live(&rig, EXPIRE_MS / 1000 + 5);
    CHECK_INT(flood_clients(rig.node[1]), 0);
    flood_set_expire(rig.node[0], 0, false); /* a link that is up stays up */
    flood_set_expire(rig.node[1], 0, false);
    live(&rig, 10);
    CHECK(link_of(&rig, 0, 1).up && link_of(&rig, 1, 0).up);
    CHECK(horizon_of(&rig, 0) == INT64_MIN && horizon_of(&rig, 1) == INT64_MIN);
    rig_close(&rig);
}

/* Thousands that are over at one moment, with reports in between: no fault, and equal tables. */
static void many_are_over_at_once_without_a_fault(void)
{
    enum { CLIENTS = 40000 };
    struct rig rig;
    open_live(&rig, 2, "01", EXPIRE_MS);
    for (int i = 0; i < CLIENTS; i++) {
        char client[32];
        snprintf(client, sizeof client, "client-%d", i);
        CHECK_INT(report(&rig, 0, client, 0), FLOOD_STORED);
    }
    live(&rig, 20);
    for (int second = 0; second < 90; second++) {
        for (int i = 0; i < 10; i++) {
            char client[32];
            snprintf(client, sizeof client, "client-%d", second * 40 + i);
            CHECK_INT(report(&rig, i % 2, client, 0), FLOOD_STORED);
        }
        live(&rig, 1);
    }
    CHECK(all_equal(&rig));
    CHECK_INT(flood_clients(rig.node[0]), 900);
    for (int node = 0; node < 2; node++)
        CHECK_INT(count_of(&rig, node)->digest_faults, 0);
    rig_close(&rig);
}

/* Nor is there anything to write of it for a journal. */
static void a_journal_has_no_mark_of_a_freed_slot(void)
{
    struct rig rig;
    struct marks marks = {0};
    open_live(&rig, 2, "01", EXPIRE_MS);
    flood_mark(rig.node[1], &marks);
    CHECK_INT(report(&rig, 0, "kiwi", 0), FLOOD_STORED);
    live(&rig, 60);
    CHECK_INT(report(&rig, 0, "plum", 0), FLOOD_STORED);
    live(&rig, 1);
    CHECK_INT(marks.due.count, 2);
    live(&rig, 60);
    CHECK(!is_known_anywhere(&rig, "kiwi"));
    CHECK_INT(marks.due.count, 1);
    CHECK(!marks.has_tombstone);
    flood_mark(rig.node[1], NULL);
    live(&rig, 60);
    CHECK(!is_known_anywhere(&rig, "plum"));
    CHECK_INT(marks.due.count, 1);
    marks_free(&marks);
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"a client is gone everywhere at its time, and no message says so",
     a_client_is_gone_everywhere_at_its_time_and_no_message_says_so},
    {"the horizon moves in steps, and is the same at all nodes",
     the_horizon_moves_in_steps_and_is_the_same_at_all_nodes},
    {"a step is a second at least", a_step_is_a_second_at_least},
    {"the horizon goes back by more than two steps only",
     the_horizon_goes_back_by_more_than_two_steps_only},
    {"the horizon goes back from any time to any", the_horizon_goes_back_from_any_time_to_any},
    {"nothing is settled where the horizon went back",
     nothing_is_settled_where_the_horizon_went_back},
    {"nothing is settled where the other end's horizon went back",
     nothing_is_settled_where_the_other_ends_horizon_went_back},
    {"a jump of all clocks frees nothing for a minute",
     a_jump_of_all_clocks_frees_nothing_for_a_minute},
    {"the slower half says what is over", the_slower_half_says_what_is_over},
    {"who has met nobody only hides", who_has_met_nobody_only_hides},
    {"unless its table is more than half full", unless_its_table_is_more_than_half_full},
    {"a report below the horizon is not stored", a_report_below_the_horizon_is_not_stored},
    {"what a peer tells below the horizon is not taken",
     what_a_peer_tells_below_the_horizon_is_not_taken},
    {"tombstones are over as anything else", tombstones_are_over_as_anything_else},
    {"nobody brings the forgotten back", nobody_brings_the_forgotten_back},
    {"a slot is forgotten in all rings before it is freed",
     a_slot_is_forgotten_in_all_rings_before_it_is_freed},
    {"nobody listening hears of what is over", nobody_listening_hears_of_what_is_over},
    {"limits count the living", limits_count_the_living},
    {"another expire is refused until a file is read again",
     another_expire_is_refused_until_a_file_is_read_again},
    {"a journal has no mark of a freed slot", a_journal_has_no_mark_of_a_freed_slot},
    {"many are over at once without a fault", many_are_over_at_once_without_a_fault},
};

CHECK_MAIN(cases)
