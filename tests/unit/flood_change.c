/* Floods whose links, limits and promises change while they run. */
#include "bus/link/herd_time.h"
#include "bus/link/peer.h"
#include "bus/promises.h"
#include "tests/unit/rig.h"

#define WALL_NS   INT64_C(1782864000000000000)
#define NS_PER_MS INT64_C(1000000)
#define NEW       FLOOD_NEW_LINK

/* The file of `node` was read again: its links are those of the rig. What happened to those before
 * is taken; `was` may be NULL. */
static void relink(struct rig *rig, int node, size_t was[NODES_MAX])
{
    struct span peers[NODES_MAX];
    size_t unused[NODES_MAX], count = 0;
    for (int i = 0; i < rig->count; i++)
        if (rig->linked[node][i])
            peers[count++] = span_of(node_names[i]);
    count_events(rig, node, LINK_UP, NULL);
    struct flood_links links = {peers, count, rig->nodes, rig->nodes_count};
    flood_change_links(rig->node[node], &links, was != NULL ? was : unused);
    CHECK(flood_is_sound(rig->node[node]));
    CHECK_INT(flood_links(rig->node[node]), count);
}

static void link_ends(struct rig *rig, int a, int b, bool linked)
{
    rig->linked[a][b] = rig->linked[b][a] = linked;
    relink(rig, a, NULL);
    relink(rig, b, NULL);
}

/* ---- links ---- */

static void a_new_link_is_told_everything(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01");
    fill(&rig, 0, 1000);
    tell_at(&rig, 2, "of-Cy", 1, "+2-2");
    settle(&rig);
    CHECK(!all_equal(&rig));
    link_ends(&rig, 1, 2, true);
    CHECK(flood_is_due(rig.node[1], rig.now_ms));
    pass(&rig, 1000);
    CHECK(all_equal(&rig));
    CHECK(knows(&rig, 0, "of-Cy", "+2-2"));
    CHECK(link_of(&rig, 1, 2).up && link_of(&rig, 2, 1).up);
    rig_close(&rig);
}

static void a_link_that_stays_is_left_alone(void)
{
    struct rig rig;
    size_t was[NODES_MAX];
    rig_open(&rig, 4, "01 02 03");
    fill(&rig, 0, 100);
    pass(&rig, 1000);
    struct flood_link before = link_of(&rig, 0, 3);
    uint64_t hellos = rig.messages[0][3][WIRE_HELLO];
    tell_at(&rig, 0, "due", 1, "+1-1");
    rig.linked[0][1] = rig.linked[1][0] = false;
    relink(&rig, 0, was);
    CHECK_INT(was[0], 1);
    CHECK_INT(was[1], 2);
    struct flood_link after = link_of(&rig, 0, 3);
    CHECK(after.up && span_equals(after.name, span_of("Dee")));
    CHECK_INT(after.their_incarnation, before.their_incarnation);
    CHECK_INT(after.acked, before.acked);
    CHECK_INT(after.due, 1);
    relink(&rig, 1, NULL);
    settle(&rig);
    CHECK(knows(&rig, 3, "due", "+1-1"));
    CHECK_INT(rig.messages[0][3][WIRE_HELLO], hellos);
    CHECK_INT(count_events(&rig, 0, LINK_DOWN, NULL) + count_events(&rig, 3, LINK_DOWN, NULL), 0);
    /* And in the other order of the numbers. */
    rig.linked[0][1] = rig.linked[1][0] = true;
    relink(&rig, 0, was);
    CHECK(was[0] == NEW && was[1] == 0 && was[2] == 1);
    relink(&rig, 1, NULL);
    pass(&rig, 10000);
    CHECK(all_equal(&rig));
    CHECK_INT(count_events(&rig, 0, LINK_DOWN, NULL), 0);
    rig_close(&rig);
}

static void nothing_waits_for_who_is_gone(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 02");
    pass(&rig, 1000);
    cut_link(&rig, 0, 1, true);
    fill(&rig, 0, 500);
    settle(&rig);
    CHECK(link_of(&rig, 0, 1).in_flight > 0);
    rig.linked[0][1] = false;
    relink(&rig, 0, NULL);
    flood_say_goodbye(rig.node[0]);
    pass(&rig, 500);
    CHECK(flood_is_over(rig.node[0]));
    rig_close(&rig);
}

static void one_end_alone_has_read_its_file(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 12");
    pass(&rig, 1000);
    rig.linked[0][1] = false;
    relink(&rig, 0, NULL);
    tell_at(&rig, 1, "of-Bob", 1, "+1-1");
    pass(&rig, 20000);
    CHECK(!link_of(&rig, 1, 0).up);
    CHECK(link_of(&rig, 1, 2).up && knows(&rig, 2, "of-Bob", "+1-1"));
    CHECK(!knows(&rig, 0, "of-Bob", "+1-1"));
    rig.linked[0][1] = true;
    relink(&rig, 0, NULL);
    pass(&rig, 5000);
    CHECK(all_equal(&rig));
    rig_close(&rig);
}

static void the_last_link_goes_and_the_first_one_comes(void)
{
    struct rig rig;
    rig_open(&rig, 2, "01");
    pass(&rig, 1000);
    link_ends(&rig, 0, 1, false);
    CHECK_INT(flood_deadline_ms(rig.node[0]), INT64_MAX);
    tell_at(&rig, 0, "of-Ada", 1, "+1-1");
    tell_at(&rig, 1, "of-Bob", 1, "+2-2");
    pass(&rig, 5000);
    link_ends(&rig, 0, 1, true);
    pass(&rig, 1000);
    CHECK(all_equal(&rig));
    CHECK(knows(&rig, 0, "of-Bob", "+2-2") && knows(&rig, 1, "of-Ada", "+1-1"));
    rig_close(&rig);
}

static void why_a_link_is_down_stays_with_it(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 02");
    pass(&rig, 1000);
    cut_link(&rig, 0, 2, true);
    pass(&rig, 20000);
    count_events(&rig, 0, LINK_UP, NULL);
    CHECK(link_of(&rig, 0, 2).why[0] != '\0' && link_of(&rig, 0, 1).why[0] == '\0');
    rig.linked[0][1] = false;
    relink(&rig, 0, NULL);
    CHECK(link_of(&rig, 0, 2).why[0] != '\0');
    rig_close(&rig);
}

/* Links come and go at random, losses and all; then the herd is in one piece, and alike. */
static void after_any_changes_all_are_alike(void)
{
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct rig rig;
        uint32_t drawn = seed;
        rig_open(&rig, 4, "01 12 23");
        for (int step = 0; step < 60; step++) {
            char client[16], position[16];
            drawn = drawn * 1664525 + 1013904223;
            int a = (int)(drawn >> 8 & 3), b = (int)(drawn >> 12 & 3),
                what = (int)(drawn >> 16 & 3);
            snprintf(client, sizeof client, "c%d", (int)(drawn >> 20 & 15));
            snprintf(position, sizeof position, "+%d-1", step);
            tell_at(&rig, a, client, step + 1, position);
            if (a != b && what < 2) {
                rig.linked[a][b] = what == 0;
                relink(&rig, a, NULL);
            } else if (a != b && what == 2) {
                rig.lose[a][b][WIRE_UPDATE]++;
            }
            pass(&rig, (int64_t)(drawn >> 24));
        }
        memset(rig.lose, 0, sizeof rig.lose);
        for (int a = 0; a < 4; a++) {
            for (int b = 0; b < 4; b++)
                rig.linked[a][b] = a - b == 1 || b - a == 1;
            relink(&rig, a, NULL);
        }
        pass(&rig, 30000);
        CHECK(all_equal(&rig));
        for (int i = 0; i < 4; i++)
            CHECK_INT(count_of(&rig, i)->digest_faults, 0);
        rig_close(&rig);
    }
}

/* ---- who is a node ---- */

static const struct span pair[] = {{"Ada", 3}, {"Bob", 3}};
static const struct span three[] = {{"Ada", 3}, {"Bob", 3}, {"Cy", 2}};

static void know(struct rig *rig, const struct span *nodes, size_t count)
{
    rig->nodes = nodes;
    rig->nodes_count = count;
}

static void an_observer_becomes_a_node(void)
{
    struct rig rig;
    size_t was[NODES_MAX];
    rig_open_unstarted(&rig, 3, "01 12");
    know(&rig, pair, 2);
    for (int i = 0; i < 3; i++)
        start(&rig, i);
    pass(&rig, 1000);
    CHECK(link_of(&rig, 1, 2).is_observer);
    know(&rig, three, 3);
    relink(&rig, 0, NULL);
    relink(&rig, 1, was);
    CHECK(was[0] == 0 && was[1] == NEW);
    CHECK(!link_of(&rig, 1, 2).is_observer);
    relink(&rig, 2, NULL);
    tell_at(&rig, 2, "of-Cy", 1, "+2-2");
    pass(&rig, 10000);
    CHECK(all_equal(&rig) && knows(&rig, 0, "of-Cy", "+2-2"));
    rig_close(&rig);
}

static void set_clocks(struct rig *rig)
{
    for (int i = 0; i < rig->count; i++)
        flood_set_clock(rig->node[i], rig->now_ms, WALL_NS + rig->now_ms * NS_PER_MS);
}

static void votes_of_those_who_stay_count_on(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 3, "01 12");
    know(&rig, three, 3);
    for (int i = 0; i < 3; i++)
        start(&rig, i);
    set_clocks(&rig);
    pass(&rig, 5000);
    for (int i = 0; i < 3; i++)
        CHECK_INT(flood_time(rig.node[i], rig.now_ms).votes, 3);
    rig.cut[0][1] = rig.cut[2][1] = true; /* nobody says anything again */
    rig.linked[1][2] = false;
    relink(&rig, 1, NULL);
    pass(&rig, 3 * HERD_TIME_RECKON_MS);
    CHECK_INT(flood_time(rig.node[1], rig.now_ms).votes, 3);
    rig.cut[0][1] = rig.cut[2][1] = false;
    know(&rig, pair, 2);
    relink(&rig, 1, NULL);
    pass(&rig, 3000);
    CHECK_INT(flood_time(rig.node[1], rig.now_ms).votes, 2); /* and now it is none */
    know(&rig, three, 3);
    rig.linked[1][2] = true;
    relink(&rig, 1, NULL);
    pass(&rig, 5000);
    CHECK_INT(flood_time(rig.node[1], rig.now_ms).votes, 3);
    rig_close(&rig);
}

static void import_of(struct rig *rig, int node, const char *client, const char *origin)
{
    struct location location = place(client, 1, "+1-1");
    flood_know_node(rig->node[node], span_of(origin));
    location.origin = span_of(origin);
    flood_import(rig->node[node], &location);
}

/* A neighbour whose file is another one brings origins of which ours knows nothing, up to
 * PEER_ORIGINS_MAX. One that comes later has as many of its own, and so has the first when it comes
 * back. */
static void a_new_neighbour_has_its_own_room_for_origins(void)
{
    struct rig rig;
    rig_open_unstarted(&rig, 3, "01");
    know(&rig, three, 3);
    for (int i = 0; i < 3; i++)
        start(&rig, i);
    for (int i = 0; i < PEER_ORIGINS_MAX; i++) {
        char origin[16], client[16];
        snprintf(origin, sizeof origin, "old-%d", i);
        snprintf(client, sizeof client, "client-%d", i);
        import_of(&rig, 0, client, origin);
    }
    import_of(&rig, 2, "foreign", "foreign");
    pass(&rig, 1000);
    CHECK_INT(flood_clients(rig.node[1]), PEER_ORIGINS_MAX);
    rig.linked[1][2] = rig.linked[2][1] = true;
    relink(&rig, 1, NULL);
    relink(&rig, 2, NULL);
    pass(&rig, 1000);
    CHECK(knows(&rig, 1, "foreign", "+1-1"));
    rig.linked[1][0] = false;
    relink(&rig, 1, NULL);
    rig.linked[1][0] = true;
    relink(&rig, 1, NULL);
    import_of(&rig, 0, "more", "one-more");
    pass(&rig, 8000);
    CHECK(knows(&rig, 1, "more", "+1-1"));
    CHECK_INT(count_of(&rig, 1)->origins_refused, 0);
    rig_close(&rig);
}

/* ---- limits ---- */

static void other_limits_count_from_now_on(void)
{
    struct rig rig;
    rig_open(&rig, 1, "");
    fill(&rig, 0, 10);
    flood_change_limits(rig.node[0], 11, 0);
    CHECK_INT(tell_at(&rig, 0, "eleven", 1, "+1-1"), FLOOD_STORED);
    CHECK_INT(tell_at(&rig, 0, "twelve", 1, "+1-1"), FLOOD_FULL);
    flood_change_limits(rig.node[0], 5, 0); /* what is there stays */
    CHECK_INT(flood_clients(rig.node[0]), 11);
    CHECK_INT(tell_at(&rig, 0, "twelve", 1, "+1-1"), FLOOD_FULL);
    CHECK_INT(tell_at(&rig, 0, "eleven", 2, "+2-2"), FLOOD_STORED);
    flood_change_limits(rig.node[0], 12, 0);
    CHECK_INT(tell_at(&rig, 0, "twelve", 1, "+1-1"), FLOOD_STORED);
    CHECK_INT(flood_load(rig.node[0]).clients_max, 12);
    flood_change_limits(rig.node[0], 100, 1); /* less than is taken */
    CHECK_INT(tell_at(&rig, 0, "thirteen", 1, "+1-1"), FLOOD_FULL);
    CHECK_INT(tell_at(&rig, 0, "twelve", 2, "+2-2"), FLOOD_STORED);
    CHECK_INT(flood_load(rig.node[0]).bytes_max, 1);
    rig_close(&rig);
}

/* A link has its share of the table's bytes, for each client. */
static void links_have_their_share_of_the_bytes(void)
{
    struct rig rig;
    rig_open(&rig, 3, "01 02");
    fill(&rig, 0, 100);
    uint64_t before = flood_load(rig.node[0]).bytes;
    rig.linked[0][2] = false;
    relink(&rig, 0, NULL);
    CHECK_INT(before - flood_load(rig.node[0]).bytes, 100 * FLOOD_LINK_BYTES_PER_CLIENT);
    rig.linked[0][2] = true;
    relink(&rig, 0, NULL);
    CHECK_INT(flood_load(rig.node[0]).bytes, before);
    rig_close(&rig);
}

/* ---- promises ---- */

static void open_promising(struct rig *rig, int count, const char *links)
{
    rig_open_unstarted(rig, count, links);
    rig->promises = PROMISES_BY_NEIGHBOUR;
    for (int i = 0; i < count; i++)
        start(rig, i);
    pass(rig, 1000);
}

static uint64_t hold(struct rig *rig, const char *client)
{
    CHECK_INT(tell_at(rig, 0, client, 1, "+1-1"), FLOOD_STORED);
    return flood_hold(rig->node[0], span_of(client), rig->now_ms);
}

static bool is_settled(struct rig *rig, uint64_t wanted, enum promises_state state)
{
    uint64_t epoch;
    return flood_next_settled(rig->node[0], rig->now_ms, &epoch) && epoch == wanted &&
           flood_promise(rig->node[0], epoch) == state;
}

/* The neighbour that an answer waits for is gone; one that is new has it, and that is enough. */
static void a_new_neighbour_keeps_what_the_old_one_did_not(void)
{
    struct rig rig;
    uint64_t epoch;
    open_promising(&rig, 3, "01");
    cut_link(&rig, 0, 1, true);
    uint64_t held = hold(&rig, "kiwi");
    settle(&rig);
    CHECK(!flood_next_settled(rig.node[0], rig.now_ms, &epoch));
    rig.linked[0][1] = false;
    rig.linked[0][2] = rig.linked[2][0] = true;
    relink(&rig, 0, NULL);
    relink(&rig, 2, NULL);
    pass(&rig, 500);
    CHECK(is_settled(&rig, held, PROMISES_KEPT));
    rig_close(&rig);
}

/* Without any neighbour it is broken in its time. */
static void without_a_neighbour_it_is_broken(void)
{
    struct rig rig;
    open_promising(&rig, 2, "01");
    cut_link(&rig, 0, 1, true);
    uint64_t held = hold(&rig, "kiwi");
    settle(&rig);
    rig.linked[0][1] = false;
    relink(&rig, 0, NULL);
    CHECK(!is_settled(&rig, held, PROMISES_BROKEN));
    CHECK(flood_holds_in_vain(rig.node[0]));
    rig.now_ms += PROMISES_PATIENCE_MS;
    CHECK(is_settled(&rig, held, PROMISES_BROKEN));
    rig_close(&rig);
}

/* What the second neighbour told us of is remembered when it becomes the first. */
static void what_a_neighbour_told_moves_with_it(void)
{
    struct rig rig;
    open_promising(&rig, 3, "01 02");
    cut_link(&rig, 0, 1, true);
    rig.cut[0][2] = true;
    uint64_t held = hold(&rig, "kiwi");
    CHECK_INT(held, hold(&rig, "emu"));
    settle(&rig);
    tell_at(&rig, 2, "kiwi", 9, "+9-9");
    settle(&rig);
    rig.linked[0][1] = false;
    relink(&rig, 0, NULL);
    tell_at(&rig, 2, "kiwi", 10, "+8-8"); /* of that it has told us already */
    settle(&rig);
    CHECK(!is_settled(&rig, held, PROMISES_KEPT));
    tell_at(&rig, 2, "emu", 9, "+9-9");
    settle(&rig);
    CHECK(is_settled(&rig, held, PROMISES_KEPT));
    rig_close(&rig);
}

static void another_rule_settles_what_waits(void)
{
    struct rig rig;
    uint64_t epoch;
    open_promising(&rig, 2, "01");
    cut_link(&rig, 0, 1, true);
    uint64_t held = hold(&rig, "kiwi");
    flood_end_promises(rig.node[0], PROMISES_BY_DISK);
    CHECK(is_settled(&rig, held, PROMISES_BROKEN));
    flood_begin_promises(rig.node[0], PROMISES_BY_NEIGHBOUR);
    held = hold(&rig, "emu");
    settle(&rig);
    flood_end_promises(rig.node[0], 0);
    CHECK(is_settled(&rig, held, PROMISES_KEPT));
    flood_begin_promises(rig.node[0], 0);
    CHECK(!flood_next_settled(rig.node[0], rig.now_ms, &epoch));
    CHECK_INT(tell_at(&rig, 0, "gnu", 1, "+1-1"), FLOOD_STORED);
    flood_end_promises(rig.node[0], PROMISES_BY_NEIGHBOUR);
    flood_begin_promises(rig.node[0], PROMISES_BY_NEIGHBOUR);
    cut_link(&rig, 0, 1, false);
    held = hold(&rig, "elk");
    CHECK(held != 0);
    rig.now_ms += 5000; /* both look again, and meet */
    settle(&rig);
    CHECK(flood_next_settled(rig.node[0], rig.now_ms, &epoch) && epoch == held);
    rig_close(&rig);
}

static const struct check_case cases[] = {
    {"a new link is told everything", a_new_link_is_told_everything},
    {"a link that stays is left alone", a_link_that_stays_is_left_alone},
    {"nothing waits for who is gone", nothing_waits_for_who_is_gone},
    {"one end alone has read its file", one_end_alone_has_read_its_file},
    {"the last link goes, and the first one comes", the_last_link_goes_and_the_first_one_comes},
    {"why a link is down stays with it", why_a_link_is_down_stays_with_it},
    {"after any changes all are alike", after_any_changes_all_are_alike},
    {"an observer becomes a node", an_observer_becomes_a_node},
    {"votes of those who stay count on", votes_of_those_who_stay_count_on},
    {"a new neighbour has its own room for origins", a_new_neighbour_has_its_own_room_for_origins},
    {"other limits count from now on", other_limits_count_from_now_on},
    {"links have their share of the bytes", links_have_their_share_of_the_bytes},
    {"a new neighbour keeps what the old one did not",
     a_new_neighbour_keeps_what_the_old_one_did_not},
    {"without a neighbour it is broken", without_a_neighbour_it_is_broken},
    {"what a neighbour told moves with it", what_a_neighbour_told_moves_with_it},
    {"another rule settles what waits", another_rule_settles_what_waits},
};

CHECK_MAIN(cases)
