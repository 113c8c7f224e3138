/* Two floods and what range checks do between them: a difference that nobody told of is found and
 * healed, under load too, and nothing else is told. */
#include "tests/unit/rig.h"

static struct rig rig;

/* A message of the pair, as somebody would have to forge it: no position moves. */
static void address(struct wire_message *message, int from, int to)
{
    message->from_incarnation = link_of(&rig, to, from).their_incarnation;
    message->to_incarnation = link_of(&rig, from, to).their_incarnation;
}

static void forge_update(int from, int to, const char *client, int64_t order_ns)
{
    static struct wire_message update;
    update = (struct wire_message){.type = WIRE_UPDATE, .location_count = 1};
    address(&update, from, to);
    update.locations[0] = place(client, order_ns, "+6-6");
    forge(&rig, from, to, &update);
}

/* ---- Load -------------------------------------------------------------------------------- */

/* Updates at both ends, and messages that take up to 5 ms. */
static struct {
    uint32_t random;
    int64_t order_ns;
    uint32_t clients;
    int per_ms; /* changes in a millisecond at each end */
} load;

static uint32_t draw(uint32_t below)
{
    load.random = load.random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)load.random * below) >> 32);
}

static void one_ms(void)
{
    for (int i = 0; i < 2 * load.per_ms; i++) {
        char client[32];
        snprintf(client, sizeof client, "client-%" PRIu32, draw(load.clients));
        tell_at(&rig, i % 2, client, ++load.order_ns, "+2-2");
    }
    rig.keep[0][1] = rig.keep[1][0] = true;
    collect_all(&rig);
    if (rig.now_ms % 5 == 0)
        release(&rig);
    rig.keep[0][1] = rig.keep[1][0] = false;
    while (deliver_one(&rig))
        ;
    rig.now_ms++;
}

static void run(int64_t ms)
{
    while (ms-- > 0)
        one_ms();
}

static uint64_t faults(void)
{
    return count_of(&rig, 0)->digest_faults + count_of(&rig, 1)->digest_faults;
}

static void open_loaded(uint32_t clients, int per_ms)
{
    rig_open(&rig, 2, "01");
    load.random = 1;
    load.order_ns = 1000000;
    load.clients = clients;
    load.per_ms = 0;
    fill(&rig, 0, (int)clients);
    run(5000);
    load.per_ms = per_ms;
    run(5000);
    CHECK_INT(faults(), 0);
}

static void close_loaded(void)
{
    load.per_ms = 0;
    run(10000);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

/* How long until both ends know of it; and until it is told. */
static int found_after_ms(uint64_t before)
{
    int ms = 0;
    while (faults() == before && ms < 20000) {
        one_ms();
        ms++;
    }
    return ms;
}

/* ---- Cases ------------------------------------------------------------------------------- */

static void a_difference_at_rest_is_found_by_the_next_heartbeat(void)
{
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 3000);
    pass(&rig, 5000);
    uint64_t sent = count_of(&rig, 0)->locations_sent;
    forge_update(0, 1, "flipped", 1);
    CHECK(!all_equal(&rig));
    pass(&rig, 2500);
    CHECK(all_equal(&rig) && knows(&rig, 0, "flipped", "+6-6"));
    CHECK_INT(count_of(&rig, 0)->digest_faults, 1);
    CHECK_INT(count_of(&rig, 1)->digest_faults, 1);
    CHECK_INT(count_of(&rig, 0)->locations_sent + count_of(&rig, 1)->locations_sent, sent + 1);
    struct link_event event = {0};
    while (flood_next_event(rig.node[0], &event) && event.kind != LINK_DIGESTS_DIFFER)
        ;
    CHECK_INT(event.kind, LINK_DIGESTS_DIFFER);
    CHECK_INT(event.ranges, 1);
    CHECK(event.compared_age_ms <= 2000);
    CHECK(link_of(&rig, 0, 1).compared_age_ms <= 2000);
    while (flood_next_event(rig.node[0], &event) && event.kind != LINK_DIGESTS_EQUAL)
        ;
    CHECK_INT(event.kind, LINK_DIGESTS_EQUAL);
    rig_close(&rig);
}

/* What one holds is newer, and the other's own. */
static void an_older_location_is_replaced_wherever_it_stands(void)
{
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 30);
    pass(&rig, 5000);
    for (int to = 0; to < 2; to++) {
        char client[16];
        snprintf(client, sizeof client, "client-%d", 10 + to);
        forge_update(1 - to, to, client, 5000);
        CHECK(knows(&rig, to, client, "+6-6") && !knows(&rig, 1 - to, client, "+6-6"));
        pass(&rig, 2500);
        CHECK(knows(&rig, to, client, "+6-6") && knows(&rig, 1 - to, client, "+6-6"));
    }
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void a_difference_under_load_is_found_within_five_seconds(void)
{
    open_loaded(2000, 4);
    for (int i = 0; i < 12; i++) {
        char client[16];
        snprintf(client, sizeof client, "flipped-%d", i);
        run(draw(1000));
        uint64_t before = faults();
        uint64_t lists = count_of(&rig, 0)->lists_sent + count_of(&rig, 1)->lists_sent;
        forge_update(i % 2, 1 - i % 2, client, 1);
        CHECK(found_after_ms(before) <= 5000);
        run(500);
        CHECK_INT(faults(), before + 2); /* at each end once */
        CHECK(knows(&rig, i % 2, client, "+6-6"));
        CHECK(count_of(&rig, 0)->lists_sent + count_of(&rig, 1)->lists_sent <= lists + 2);
    }
    CHECK_INT(count_of(&rig, 0)->rewinds + count_of(&rig, 1)->rewinds, 0);
    close_loaded();
}

/* A client that never rests, and one of the same range that differs. */
static void a_busy_client_does_not_hide_its_neighbours(void)
{
    open_loaded(50, 0);
    uint32_t range = (uint32_t)(table_client_hash(span_of("client-7")) >> 48);
    char client[32];
    for (uint32_t i = 0;; i++) {
        snprintf(client, sizeof client, "beside-%" PRIu32, i);
        if (table_client_hash(span_of(client)) >> 48 == range)
            break;
    }
    int64_t order_ns = 2000000;
    int ms = -5000;
    for (; ms < 12000 && !knows(&rig, 0, client, "+6-6"); ms++) {
        if (ms == 0)
            forge_update(0, 1, client, 1);
        tell_at(&rig, 0, "client-7", ++order_ns, "+2-2");
        one_ms();
    }
    CHECK(ms <= 10000);
    CHECK(faults() <= 1); /* whether it is one can be known only in a moment of rest */
    close_loaded();
}

static void a_heartbeat_goes_out_every_two_seconds_under_load(void)
{
    open_loaded(100, 1);
    uint64_t before = rig.messages[0][1][WIRE_HEARTBEAT];
    run(20000);
    CHECK_INT(rig.messages[0][1][WIRE_HEARTBEAT] - before, 10);
    close_loaded();
}

static void lost_messages_are_no_fault(void)
{
    open_loaded(500, 1);
    for (int i = 0; i < 300; i++) {
        for (int from = 0; from < 2; from++) {
            rig.lose[from][1 - from][WIRE_UPDATE] += draw(20) == 0;
            rig.lose[from][1 - from][WIRE_ACK] += draw(20) == 0;
            rig.lose[from][1 - from][WIRE_CHECK] += draw(20) == 0;
        }
        run(100);
    }
    CHECK(count_of(&rig, 0)->rewinds > 5);
    CHECK_INT(faults(), 0);
    close_loaded();
}

static void a_restart_is_no_fault(void)
{
    open_loaded(500, 1);
    for (int i = 0; i < 5; i++) {
        restart(&rig, i % 2);
        run(3000);
    }
    CHECK_INT(faults(), 0);
    close_loaded();
}

/* Of the range of a location that was not kept nobody says that it must be equal. */
static void what_is_not_kept_is_not_settled(void)
{
    const int64_t wall_ns = INT64_C(1800000000000000000);
    rig_open(&rig, 2, "01");
    for (int i = 0; i < 2; i++)
        flood_set_clock(rig.node[i], rig.now_ms, wall_ns);
    tell_at(&rig, 0, "kiwi", wall_ns, "+1-1");
    pass(&rig, 5000);
    CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES);
    forge_update(0, 1, "kiwi", wall_ns - 1); /* older */
    CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES);
    forge_update(0, 1, "kiwi", wall_ns + INT64_C(3600000000000)); /* above the ceiling */
    CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES - 1);
    pass(&rig, 5000);
    CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES);
    forge_update(0, 1, "no id", 1);
    CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES - 1);
    CHECK_INT(faults(), 0);
    pass(&rig, 5000); /* and Ada hears that something was not */
    CHECK_INT(link_of(&rig, 0, 1).settled, TABLE_RANGES);
    rig_close(&rig);
}

/* Two locations that cross on the way: the ceiling lies between them when one arrives, and above
 * both when the other does. */
static void what_the_ceiling_decided_at_one_end_alone_is_no_fault(void)
{
    static const struct {
        int64_t above_ns; /* of Ada's, above the ceiling */
        int64_t waits_ms; /* until Bob has it */
    } rows[] = {{1000000, 5}, {100000000, 700}, {600000000, 700}};
    const int64_t wall_ns = INT64_C(1800000000000000000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rig_open(&rig, 2, "01");
        for (int node = 0; node < 2; node++)
            flood_set_clock(rig.node[node], rig.now_ms, wall_ns);
        pass(&rig, 5000);
        CHECK_INT(link_of(&rig, 0, 1).settled, TABLE_RANGES);
        CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES);
        int64_t ceiling_ns = flood_time(rig.node[0], rig.now_ms).ceiling_ns;
        rig.keep[0][1] = true;
        tell_at(&rig, 0, "kiwi", ceiling_ns + rows[i].above_ns, "+1-1");
        collect_all(&rig);
        tell_at(&rig, 1, "kiwi", ceiling_ns - 5000000000, "+2-2");
        settle(&rig);
        CHECK(knows(&rig, 0, "kiwi", "+2-2") && knows(&rig, 1, "kiwi", "+2-2"));
        pass(&rig, rows[i].waits_ms);
        rig.keep[0][1] = false;
        release(&rig);
        while (deliver_one(&rig))
            ;
        CHECK(knows(&rig, 0, "kiwi", "+2-2") && knows(&rig, 1, "kiwi", "+1-1"));
        pass(&rig, 5000);
        CHECK(knows(&rig, 0, "kiwi", "+1-1") && knows(&rig, 1, "kiwi", "+1-1"));
        CHECK_INT(faults(), 0);
        CHECK_INT(link_of(&rig, 0, 1).settled, TABLE_RANGES);
        CHECK_INT(link_of(&rig, 1, 0).settled, TABLE_RANGES);
        rig_close(&rig);
    }
}

/* Bob's key in a stranger's hands: digests that are all wrong, as often as he can. */
static void invented_digests_cost_no_more_than_their_pace(void)
{
    static struct wire_message check;
    static char ones[WIRE_RANGES_MAX * 4], bytes[WIRE_MESSAGE_BYTES_MAX];
    memset(ones, 1, sizeof ones);
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 20000);
    pass(&rig, 5000);
    rig.cut[1][0] = true;
    uint64_t sent = 0, locations = count_of(&rig, 0)->locations_sent;
    for (int ms = 0; ms < 60000; ms += 5, rig.now_ms += 5) {
        check = (struct wire_message){.type = WIRE_CHECK,
                                      .level = (uint64_t)(ms / 5 % 17),
                                      .received = link_of(&rig, 0, 1).acked,
                                      .cut = {.position = link_of(&rig, 0, 1).received,
                                              .met = 1,
                                              .horizon_ns = INT64_MIN,
                                              .ceiling_ns = INT64_MAX}};
        address(&check, 1, 0);
        uint32_t ranges = 1u << check.level;
        check.bin = (struct span){ones, 4 * (size_t)(ranges < 16384 ? ranges : 16384)};
        forge(&rig, 1, 0, &check);
        size_t count;
        while ((count = flood_next(rig.node[0], 0, rig.now_ms, bytes)) > 0)
            sent += count;
        if (ms % 1000 == 0) { /* he answers, else the link goes down */
            check.type = WIRE_HEARTBEAT;
            check.has_checks = true;
            check.whole = 1;
            forge(&rig, 1, 0, &check);
        }
    }
    /* 65,536 ranges in 4 s, 1 KB a second of its own, and each range listed once a minute. */
    uint64_t lists = count_of(&rig, 0)->lists_sent;
    CHECK(lists <= 65536);
    CHECK(sent <= 16 * 65536 * 4 + 60 * (65536 + 1000) + lists * 80 + 20000 * 8);
    CHECK_INT(count_of(&rig, 0)->locations_sent, locations);
    CHECK(count_of(&rig, 0)->checks_dropped > 0);
    rig_close(&rig);
}

/* Of a node that has much on its way: those that come together are paid by one look at it. */
static void checks_that_come_together_are_all_judged(void)
{
    static struct wire_message check;
    static bool waits[TABLE_RANGES];
    char client[32], digest[4] = {99};
    rig_open(&rig, 2, "01");
    fill(&rig, 0, 4000);
    pass(&rig, 5000);
    rig.cut[1][0] = true;
    memset(waits, 0, sizeof waits);
    for (int i = 0; i < 4000; i++) {
        snprintf(client, sizeof client, "client-%d", i);
        waits[table_client_hash(span_of(client)) >> 48] = true;
        tell_at(&rig, 0, client, 5000, "+2-2");
    }
    check = (struct wire_message){.type = WIRE_CHECK,
                                  .level = 16,
                                  .received = link_of(&rig, 0, 1).acked,
                                  .cut = {.position = link_of(&rig, 0, 1).received,
                                          .met = 1,
                                          .horizon_ns = INT64_MIN,
                                          .ceiling_ns = INT64_MAX},
                                  .bin = {digest, sizeof digest}};
    address(&check, 1, 0);
    for (int sent = 0; sent < 60; check.first++)
        if (!waits[check.first]) {
            forge(&rig, 1, 0, &check);
            sent++;
        }
    CHECK_INT(count_of(&rig, 0)->digest_faults, 60);
    CHECK_INT(count_of(&rig, 0)->checks_dropped, 0);
    rig_close(&rig);
}

/* A node of the version before: Bob, by hand. */
static void a_node_of_the_version_before_is_told_nothing_of_it(void)
{
    static struct wire_message message;
    static char bytes[WIRE_MESSAGE_BYTES_MAX];
    rig_open(&rig, 2, "01");
    flood_destroy(&rig.node[1]);
    tell_at(&rig, 0, "kiwi", 1, "+1-1");
    uint64_t ada = 0;
    size_t count;
    while ((count = flood_next(rig.node[0], 0, rig.now_ms, bytes)) > 0) {
        CHECK_INT(wire_read((struct span){bytes, count}, &message), WIRE_GOOD);
        ada = message.from_incarnation;
    }
    message = (struct wire_message){.type = WIRE_HELLO,
                                    .from_incarnation = 77,
                                    .to_incarnation = ada,
                                    .herd = span_of("test"),
                                    .node = span_of("Bob"),
                                    .version = 1,
                                    .version_min = 1};
    forge(&rig, 1, 0, &message);
    CHECK(link_of(&rig, 0, 1).up);
    uint64_t types[WIRE_STATE + 1] = {0};
    for (int ms = 0; ms < 60000; ms += 100, rig.now_ms += 100) {
        while ((count = flood_next(rig.node[0], 0, rig.now_ms, bytes)) > 0)
            types[type_of(bytes, count)]++;
        uint64_t head = link_of(&rig, 0, 1).head;
        message = (struct wire_message){.type = WIRE_HEARTBEAT,
                                        .from_incarnation = 77,
                                        .to_incarnation = ada,
                                        .received = head,
                                        .digest = flood_digest(rig.node[0]) ^ 1,
                                        .clients = 1};
        forge(&rig, 1, 0, &message);
    }
    CHECK(types[WIRE_HEARTBEAT] >= 29);
    CHECK_INT(types[WIRE_CHECK] + types[WIRE_LIST] + types[WIRE_WANT], 0);
    CHECK(types[WIRE_UPDATE] > 1); /* whole tables, as ever */
    CHECK(count_of(&rig, 0)->digest_faults > 1);
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"a difference at rest is found by the next heartbeat",
     a_difference_at_rest_is_found_by_the_next_heartbeat},
    {"an older location is replaced wherever it stands",
     an_older_location_is_replaced_wherever_it_stands},
    {"a difference under load is found within five seconds",
     a_difference_under_load_is_found_within_five_seconds},
    {"a busy client does not hide its neighbours", a_busy_client_does_not_hide_its_neighbours},
    {"a heartbeat goes out every two seconds under load",
     a_heartbeat_goes_out_every_two_seconds_under_load},
    {"lost messages are no fault", lost_messages_are_no_fault},
    {"a restart is no fault", a_restart_is_no_fault},
    {"what is not kept is not settled", what_is_not_kept_is_not_settled},
    {"what the ceiling decided at one end alone is no fault",
     what_the_ceiling_decided_at_one_end_alone_is_no_fault},
    {"invented digests cost no more than their pace",
     invented_digests_cost_no_more_than_their_pace},
    {"checks that come together are all judged", checks_that_come_together_are_all_judged},
    {"a node of the version before is told nothing of it",
     a_node_of_the_version_before_is_told_nothing_of_it},
};

CHECK_MAIN(cases)
