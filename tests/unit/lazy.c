/* Which links carry which origins, as rules L1 to L9 of bus/PROTOCOL.md say. */
#include "bus/link/lazy.h"

#include <stdio.h>

#include "tests/check.h"

enum { ADA, BOB, CAT, ORIGINS };

static const char *const names[ORIGINS] = {"Ada", "Bob", "Cat"};
static struct wire_message out;

/* A node, Ada, with three links. */
struct rig {
    struct table *table;
    struct lazy lazy;
    struct window windows[3];
    int64_t now_ms;
};

static void wait(struct rig *rig, int64_t ms)
{
    rig->now_ms += ms;
    lazy_move(&rig->lazy, rig->now_ms);
}

static void open_rig(struct rig *rig)
{
    static const uint8_t key[16];
    memset(rig, 0, sizeof *rig);
    rig->table = table_new(key);
    rig->now_ms = 1000000;
    struct window *windows[3];
    lazy_init(&rig->lazy, rig->table, table_origin(rig->table, span_of("Ada")));
    for (int i = 0; i < ORIGINS; i++)
        lazy_know(&rig->lazy, table_origin(rig->table, span_of(names[i])), 3);
    for (int i = 0; i < 3; i++)
        windows[i] = &rig->windows[i];
    lazy_set_links(&rig->lazy, windows, 3, NULL, true, rig->now_ms);
    for (size_t i = 0; i < 3; i++)
        lazy_open_link(&rig->lazy, i);
    wait(rig, 10000);
}

static void close_rig(struct rig *rig)
{
    for (int i = 0; i < 3; i++)
        window_free(&rig->windows[i]);
    lazy_free(&rig->lazy);
    table_destroy(&rig->table);
}

/* The slot, now with a location of that origin. */
static uint32_t put(struct rig *rig, const char *client, int origin)
{
    static int64_t order_ns;
    struct location location = {.client = span_of(client),
                                .position = span_of("+1-1"),
                                .stamp = span_of("1"),
                                .origin = span_of(names[origin]),
                                .order_ns = ++order_ns};
    uint32_t slot;
    table_put(rig->table, &location, table_ref(rig->table, location.client), &slot);
    lazy_note(&rig->lazy, slot);
    return slot;
}

/* A change of Bob's comes over the first link and then over the second. */
static uint32_t come_twice(struct rig *rig)
{
    uint32_t slot = put(rig, "c", BOB);
    lazy_take_first(&rig->lazy, 0, BOB, 1);
    lazy_take_copy(&rig->lazy, 1, BOB, slot, 1);
    return slot;
}

static bool declined(const struct rig *rig, size_t link, int origin)
{
    return lazy_is_declined(&rig->lazy, link, (uint16_t)origin);
}

/* What the other end of a link says. */
static void hear(struct rig *rig, size_t link, uint64_t version, const char *origin)
{
    struct wire_message *in = calloc(1, sizeof *in);
    *in = (struct wire_message){.type = WIRE_STATE, .state_version = version};
    if (origin != NULL)
        in->declined[in->declined_count++] = span_of(origin);
    lazy_hear_state(&rig->lazy, link, in);
    free(in);
}

static void hear_lost(struct rig *rig, size_t link, uint64_t version, const char *origin,
                      uint64_t age_ms)
{
    struct wire_message *in = calloc(1, sizeof *in);
    *in = (struct wire_message){.type = WIRE_STATE, .state_version = version, .way_count = 1};
    in->ways[0] = (struct wire_way){span_of(origin), age_ms};
    lazy_hear_state(&rig->lazy, link, in);
    free(in);
}

static void hear_hops(struct rig *rig, size_t link, const char *origin, uint64_t hops)
{
    struct wire_message *in = calloc(1, sizeof *in);
    *in = (struct wire_message){.type = WIRE_HEARTBEAT, .has_state = true};
    if (origin != NULL)
        in->ways[in->way_count++] = (struct wire_way){span_of(origin), hops};
    lazy_hear_heartbeat(&rig->lazy, link, in);
    free(in);
}

static bool is_open(const struct rig *rig, size_t link, int origin)
{
    return (lazy_open(&rig->lazy, (uint16_t)origin, 0) >> link & 1) != 0;
}

static void what_comes_second_is_declined_where_it_came_second(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig);
    CHECK(!declined(&rig, 0, BOB) && declined(&rig, 1, BOB) && !declined(&rig, 2, BOB));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), 0);
    CHECK_INT(lazy_hops(&rig.lazy, BOB), 2);
    CHECK(lazy_has_state(&rig.lazy, 1) && !lazy_has_state(&rig.lazy, 0));
    lazy_write_state(&rig.lazy, 1, &out);
    CHECK(out.type == WIRE_STATE && out.declined_count == 1 && out.way_count == 0);
    CHECK(span_equals(out.declined[0], span_of("Bob")));
    CHECK(!lazy_has_state(&rig.lazy, 1));
    close_rig(&rig);
}

static void a_copy_of_something_old_declines_nothing(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = put(&rig, "c", BOB);
    lazy_take_first(&rig.lazy, 0, BOB, 1);
    wait(&rig, LAZY_RACE_MS);
    lazy_take_copy(&rig.lazy, 1, BOB, slot, 1);
    CHECK(!declined(&rig, 1, BOB));
    put(&rig, "c", BOB);
    wait(&rig, LAZY_RACE_MS - 1);
    lazy_take_copy(&rig.lazy, 1, BOB, slot, 1);
    CHECK(declined(&rig, 1, BOB));
    close_rig(&rig);
}

static void own_changes_that_come_back_are_declined(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = put(&rig, "c", ADA);
    lazy_take_copy(&rig.lazy, 2, ADA, slot, 3);
    CHECK(declined(&rig, 2, ADA));
    CHECK_INT(lazy_hops(&rig.lazy, ADA), 0);
    close_rig(&rig);
}

static void without_a_parent_nothing_is_declined(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = put(&rig, "c", BOB);
    lazy_take_copy(&rig.lazy, 1, BOB, slot, 1);
    CHECK(!declined(&rig, 1, BOB));
    lazy_take_first(&rig.lazy, 0, BOB, 1);
    lazy_take_copy(&rig.lazy, 0, BOB, slot, 1); /* the parent itself */
    CHECK(!declined(&rig, 0, BOB));
    lazy_close_link(&rig.lazy, 0);
    wait(&rig, LAZY_LOST_HOLD_MS);
    lazy_take_copy(&rig.lazy, 1, BOB, slot, 1);
    CHECK(!declined(&rig, 1, BOB));
    close_rig(&rig);
}

/* What is declined elsewhere would stay so when it goes down. */
static void who_knows_no_state_is_no_parent(void)
{
    struct rig rig;
    open_rig(&rig);
    lazy_close_link(&rig.lazy, 2);
    come_twice(&rig);
    lazy_take_first(&rig.lazy, 2, BOB, LAZY_FAR);
    CHECK_INT(lazy_parent(&rig.lazy, BOB), 0);
    CHECK_INT(lazy_hops(&rig.lazy, BOB), 2);
    lazy_close_link(&rig.lazy, 0);
    CHECK(!declined(&rig, 1, BOB));
    close_rig(&rig);
}

static void a_way_of_fewer_hops_becomes_the_parent_unless_it_is_slower(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = put(&rig, "c", BOB);
    lazy_take_first(&rig.lazy, 0, BOB, 3);
    wait(&rig, LAZY_NEARER_MS - 1);
    lazy_take_copy(&rig.lazy, 1, BOB, slot, 0);
    CHECK(declined(&rig, 0, BOB) && !declined(&rig, 1, BOB));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), 1);
    CHECK_INT(lazy_hops(&rig.lazy, BOB), 1);
    put(&rig, "c", CAT);
    lazy_take_first(&rig.lazy, 0, CAT, 3);
    wait(&rig, LAZY_NEARER_MS);
    lazy_take_copy(&rig.lazy, 1, CAT, slot, 0);
    CHECK(!declined(&rig, 0, CAT) && declined(&rig, 1, CAT));
    close_rig(&rig);
}

static void what_the_other_end_declined_is_not_sent_there(void)
{
    struct rig rig;
    open_rig(&rig);
    CHECK(is_open(&rig, 1, BOB));
    hear(&rig, 1, 1, "Bob");
    CHECK(!is_open(&rig, 1, BOB) && is_open(&rig, 0, BOB) && is_open(&rig, 1, CAT));
    CHECK(lazy_is_lazy(&rig.lazy, 1) && !lazy_is_lazy(&rig.lazy, 0));
    hear(&rig, 1, 1, NULL); /* a late copy */
    CHECK(!is_open(&rig, 1, BOB));
    hear(&rig, 1, 2, NULL);
    CHECK(is_open(&rig, 1, BOB));
    wait(&rig, LAZY_LINGER_MS - 1);
    CHECK(lazy_is_lazy(&rig.lazy, 1));
    wait(&rig, 1);
    CHECK(!lazy_is_lazy(&rig.lazy, 1));
    close_rig(&rig);
}

static void what_is_declined_ends_with_the_session(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig);
    hear(&rig, 1, 7, "Cat");
    lazy_close_link(&rig.lazy, 1);
    CHECK(!declined(&rig, 1, BOB) && is_open(&rig, 1, CAT));
    lazy_open_link(&rig.lazy, 1); /* over there it may never have been down */
    CHECK(lazy_is_lazy(&rig.lazy, 1));
    lazy_close_link(&rig.lazy, 1);
    lazy_meet(&rig.lazy, 1);
    lazy_open_link(&rig.lazy, 1);
    CHECK(!lazy_is_lazy(&rig.lazy, 1));
    hear(&rig, 1, 1, "Cat");
    CHECK(!is_open(&rig, 1, CAT));
    close_rig(&rig);
}

static void a_lost_way_is_asked_for_on_all_other_links(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig);
    lazy_write_state(&rig.lazy, 1, &out);
    wait(&rig, 40);
    lazy_close_link(&rig.lazy, 0);
    CHECK(!declined(&rig, 1, BOB));
    CHECK_INT(lazy_hops(&rig.lazy, BOB), LAZY_FAR);
    for (size_t link = 1; link < 3; link++) {
        lazy_write_state(&rig.lazy, link, &out);
        CHECK(out.declined_count == 0 && out.way_count == 1);
        CHECK(span_equals(out.ways[0].node, span_of("Bob")));
        CHECK_INT(out.ways[0].value, 40);
    }
    close_rig(&rig);
}

static void a_way_that_is_lost_soon_after_another_is_asked_for_too(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = come_twice(&rig);
    lazy_close_link(&rig.lazy, 0);
    wait(&rig, LAZY_LOST_HOLD_MS);
    lazy_take_first(&rig.lazy, 1, BOB, 1);
    lazy_take_copy(&rig.lazy, 2, BOB, slot, 1);
    lazy_write_state(&rig.lazy, 2, &out);
    CHECK(declined(&rig, 2, BOB));
    wait(&rig, 1);
    lazy_close_link(&rig.lazy, 1);
    CHECK(!declined(&rig, 2, BOB));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), LAZY_NO_LINK);
    lazy_write_state(&rig.lazy, 2, &out);
    CHECK(out.declined_count == 0 && out.way_count == 1);
    close_rig(&rig);
}

static void who_lost_a_way_is_sent_what_changed_since(void)
{
    struct rig rig;
    open_rig(&rig);
    put(&rig, "old", BOB);
    wait(&rig, 1);
    put(&rig, "new", BOB);
    put(&rig, "another", CAT);
    wait(&rig, 100 + LAZY_LOST_SLACK_MS);
    hear_lost(&rig, 1, 1, "Bob", 100);
    wait(&rig, 0);
    CHECK_INT(ring_due(&rig.windows[1].ring), 1);
    CHECK_INT(ring_due(&rig.windows[0].ring), 0);
    CHECK(!lazy_is_busy(&rig.lazy));
    close_rig(&rig);
}

/* So many clients of that origin. */
static void put_many(struct rig *rig, uint32_t first, uint32_t count, int origin)
{
    for (uint32_t i = first; i < first + count; i++) {
        char client[16];
        snprintf(client, sizeof client, "c%u", i);
        put(rig, client, origin);
    }
}

static void a_millisecond_tells_so_many_and_not_one_more(void)
{
    enum { TOLD = LAZY_STEP_LOOKS / 2 }; /* each is one look, and one at its ask */
    struct rig rig;
    open_rig(&rig);
    put_many(&rig, 0, 2 * TOLD + 1, BOB);
    hear_lost(&rig, 1, 1, "Bob", 0);
    hear_lost(&rig, 1, 2, "Cat", 0); /* costs nothing where no slot is Cat's */
    for (uint32_t told = TOLD; told <= 2 * TOLD; told += TOLD) {
        wait(&rig, 0);
        CHECK_INT(ring_due(&rig.windows[1].ring), told);
        wait(&rig, 0);
        CHECK_INT(ring_due(&rig.windows[1].ring), told);
        CHECK(lazy_is_busy(&rig.lazy));
        wait(&rig, 1);
    }
    CHECK_INT(ring_due(&rig.windows[1].ring), 2 * TOLD + 1);
    CHECK(!lazy_is_busy(&rig.lazy));
    close_rig(&rig);
}

static void what_is_added_meanwhile_hides_nothing(void)
{
    enum { TOLD = LAZY_STEP_LOOKS / 2, ALL = TOLD + TOLD / 2 };
    struct rig rig;
    open_rig(&rig);
    put_many(&rig, 0, ALL, BOB);
    hear_lost(&rig, 1, 1, "Bob", 0);
    wait(&rig, 0);
    hear_lost(&rig, 2, 1, "Bob", 0); /* begins where the other one stands */
    put_many(&rig, ALL, 10, BOB);
    while (lazy_is_busy(&rig.lazy))
        wait(&rig, 1);
    CHECK_INT(ring_due(&rig.windows[1].ring), ALL + 10);
    CHECK_INT(ring_due(&rig.windows[2].ring), ALL + 10);
    close_rig(&rig);
}

static void who_lost_a_way_that_is_ours_loses_it_here_too(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig);
    lazy_write_state(&rig.lazy, 1, &out);
    hear_lost(&rig, 0, 1, "Bob", 5000);
    CHECK(!declined(&rig, 1, BOB));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), LAZY_NO_LINK);
    lazy_write_state(&rig.lazy, 2, &out);
    CHECK(out.way_count == 1 && out.ways[0].value == 5000);
    CHECK(!lazy_has_state(&rig.lazy, 0));
    close_rig(&rig);
}

static void news_on_a_declined_link_opens_it_and_all_that_came_the_same_way(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = come_twice(&rig);
    put(&rig, "d", CAT);
    lazy_take_first(&rig.lazy, 0, CAT, 1);
    lazy_take_copy(&rig.lazy, 1, CAT, slot, 1);
    CHECK(declined(&rig, 1, CAT));
    hear(&rig, 0, 1, "Ada");
    wait(&rig, LAZY_LATE_MS + 1);
    lazy_take_first(&rig.lazy, 1, BOB, 4);
    CHECK(!declined(&rig, 1, BOB) && !declined(&rig, 1, CAT));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), 1);
    CHECK(is_open(&rig, 0, ADA)); /* who is late may lack what it declined */
    lazy_write_state(&rig.lazy, 1, &out);
    CHECK(out.declined_count == 0 && out.way_count == 2);
    CHECK_INT(out.ways[0].value, LAZY_LATE_AGE_MS);
    lazy_take_copy(&rig.lazy, 0, BOB, slot, 1); /* for a while nothing of it is declined */
    CHECK(!declined(&rig, 0, BOB));
    close_rig(&rig);
}

static void news_that_crossed_the_decline_opens_the_link_and_asks_for_nothing(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig);
    wait(&rig, LAZY_LATE_MS);
    lazy_take_first(&rig.lazy, 1, BOB, 4);
    CHECK(!declined(&rig, 1, BOB));
    lazy_write_state(&rig.lazy, 1, &out);
    CHECK_INT(out.way_count, 0);
    close_rig(&rig);
}

static void a_parent_that_is_late_again_is_only_slow(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig);
    wait(&rig, LAZY_LATE_MS + 1);
    lazy_take_first(&rig.lazy, 1, BOB, 4);
    wait(&rig, LAZY_LATE_HOLD_MS);
    uint32_t slot = put(&rig, "c", BOB);
    lazy_take_first(&rig.lazy, 0, BOB, 1);
    lazy_take_copy(&rig.lazy, 1, BOB, slot, 1);
    CHECK(declined(&rig, 1, BOB));
    wait(&rig, LAZY_LATE_MS + 1);
    lazy_take_first(&rig.lazy, 1, BOB, 4); /* within the pause */
    CHECK(declined(&rig, 1, BOB));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), 0);
    wait(&rig, LAZY_PAUSE_MS);
    lazy_take_first(&rig.lazy, 1, BOB, 4);
    CHECK(!declined(&rig, 1, BOB));
    close_rig(&rig);
}

static void a_silent_parent_that_is_no_nearer_is_none(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig); /* two hops */
    wait(&rig, LAZY_IDLE_MS - 1);
    hear_hops(&rig, 0, "Bob", 2);
    CHECK(declined(&rig, 1, BOB));
    wait(&rig, 1);
    hear_hops(&rig, 0, "Bob", 1);
    CHECK(declined(&rig, 1, BOB));
    hear_hops(&rig, 2, "Bob", 9); /* no parent of it */
    CHECK(declined(&rig, 1, BOB));
    hear_hops(&rig, 0, "Bob", 2);
    CHECK(!declined(&rig, 1, BOB));
    CHECK_INT(lazy_hops(&rig.lazy, BOB), LAZY_FAR);
    CHECK(rig.lazy.beat_due);
    close_rig(&rig);
}

static void a_parent_that_knows_no_way_is_none(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig);
    wait(&rig, LAZY_IDLE_MS);
    hear_hops(&rig, 0, NULL, 0);
    CHECK(!declined(&rig, 1, BOB));
    close_rig(&rig);
}

static void what_changed_a_moment_ago_is_young(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = put(&rig, "c", BOB);
    CHECK_INT(lazy_count_young(&rig.lazy, 0), 1);
    CHECK_INT(lazy_young(&rig.lazy, 0), slot);
    wait(&rig, LAZY_YOUNG_MS_MIN);
    CHECK_INT(lazy_count_young(&rig.lazy, 0), 1);
    wait(&rig, 1);
    CHECK_INT(lazy_count_young(&rig.lazy, 0), 0);
    rig.windows[0].took_ms = LAZY_ACK_MS;
    CHECK_INT(lazy_count_young(&rig.lazy, 0), 0);
    rig.windows[0].took_ms = 1000;
    CHECK_INT(lazy_count_young(&rig.lazy, 0), 1);
    wait(&rig, LAZY_YOUNG_MS_MAX - LAZY_YOUNG_MS_MIN - 1);
    CHECK_INT(lazy_count_young(&rig.lazy, 0), 1);
    wait(&rig, 1);
    CHECK_INT(lazy_count_young(&rig.lazy, 0), 0);
    close_rig(&rig);
}

static void beyond_so_many_it_is_not_known_what_is_young(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = put(&rig, "c", BOB);
    for (uint32_t i = 1; i < LAZY_YOUNG_MAX - 1; i++)
        lazy_note(&rig.lazy, slot);
    CHECK_INT(lazy_count_young(&rig.lazy, 0), LAZY_YOUNG_MAX - 1);
    lazy_note(&rig.lazy, slot);
    CHECK_INT(lazy_count_young(&rig.lazy, 0), LAZY_YOUNG_MAX + 1);
    wait(&rig, LAZY_YOUNG_MS_MIN);
    CHECK_INT(lazy_count_young(&rig.lazy, 0), LAZY_YOUNG_MAX);
    close_rig(&rig);
}

static void origins_whose_names_a_heartbeat_has_no_room_for_are_carried_by_all(void)
{
    struct rig rig;
    open_rig(&rig);
    uint16_t number = table_origin(rig.table, span_of("Dee"));
    lazy_know(&rig.lazy, number, LAZY_NAMES_BYTES_MAX);
    lazy_take_first(&rig.lazy, 0, number, 1);
    CHECK_INT(lazy_parent(&rig.lazy, number), LAZY_NO_LINK);
    lazy_know(&rig.lazy, number, LAZY_NAMES_BYTES_MAX - 9);
    lazy_take_first(&rig.lazy, 0, number, 1);
    CHECK_INT(lazy_parent(&rig.lazy, number), 0);
    close_rig(&rig);
}

static void origins_beyond_what_a_message_holds_are_carried_by_all(void)
{
    struct rig rig;
    open_rig(&rig);
    uint16_t number = 0;
    for (int i = ORIGINS; i <= (int)WIRE_ORIGINS_MAX; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        number = table_origin(rig.table, span_of(name));
        lazy_know(&rig.lazy, number, strlen(name));
        lazy_take_first(&rig.lazy, 0, number, 1);
        CHECK_INT(lazy_parent(&rig.lazy, number),
                  i < (int)WIRE_ORIGINS_MAX ? 0 : (int)LAZY_NO_LINK);
    }
    CHECK_INT(number, WIRE_ORIGINS_MAX);
    lazy_write_heartbeat(&rig.lazy, 1, &out);
    CHECK_INT(out.way_count, WIRE_ORIGINS_MAX - 2); /* Bob and Cat have none */
    close_rig(&rig);
}

static void links_that_move_keep_what_is_declined_there(void)
{
    struct rig rig;
    open_rig(&rig);
    come_twice(&rig);
    hear(&rig, 1, 3, "Cat");
    struct window *windows[2] = {&rig.windows[1], &rig.windows[0]};
    const size_t was[2] = {1, 0};
    lazy_set_links(&rig.lazy, windows, 2, was, true, rig.now_ms);
    CHECK(declined(&rig, 0, BOB) && !declined(&rig, 1, BOB) && !is_open(&rig, 0, CAT));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), 1);
    const size_t only[1] = {0};
    lazy_set_links(&rig.lazy, windows, 1, only, true, rig.now_ms); /* the parent's is gone */
    CHECK(!declined(&rig, 0, BOB));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), LAZY_NO_LINK);
    close_rig(&rig);
}

static void who_lost_a_way_is_told_although_its_link_moves(void)
{
    struct rig rig;
    open_rig(&rig);
    put(&rig, "new", BOB);
    hear_lost(&rig, 1, 1, "Bob", 100);
    hear_lost(&rig, 2, 1, "Bob", 100);
    struct window *windows[2] = {&rig.windows[1], &rig.windows[0]};
    const size_t was[2] = {1, 0};
    lazy_set_links(&rig.lazy, windows, 2, was, true, rig.now_ms);
    wait(&rig, 1);
    CHECK_INT(ring_due(&rig.windows[1].ring), 1);
    CHECK_INT(ring_due(&rig.windows[0].ring), 0);
    CHECK(!lazy_is_busy(&rig.lazy));
    close_rig(&rig);
}

static void links_that_move_beyond_the_last_lazy_one_carry_everything(void)
{
    struct rig rig;
    open_rig(&rig);
    static struct window others[LAZY_LINKS_MAX + 1];
    struct window *windows[LAZY_LINKS_MAX + 1];
    size_t was[LAZY_LINKS_MAX + 1] = {SIZE_MAX};
    for (size_t i = 0; i <= LAZY_LINKS_MAX; i++)
        windows[i] = &others[i];
    for (size_t i = 1; i <= LAZY_LINKS_MAX; i++)
        was[i] = i - 1;
    lazy_set_links(&rig.lazy, windows, LAZY_LINKS_MAX, NULL, true, rig.now_ms);
    size_t last = LAZY_LINKS_MAX - 1;
    lazy_open_link(&rig.lazy, 0);
    lazy_open_link(&rig.lazy, last);
    uint32_t slot = put(&rig, "c", BOB);
    lazy_take_first(&rig.lazy, 0, BOB, 1);
    lazy_take_copy(&rig.lazy, last, BOB, slot, 1);
    lazy_take_first(&rig.lazy, last, CAT, 1);
    hear(&rig, last, 3, "Bob");
    CHECK(declined(&rig, last, BOB) && lazy_is_closed(&rig.lazy, last, BOB));

    lazy_set_links(&rig.lazy, windows, LAZY_LINKS_MAX + 1, was, true, rig.now_ms); /* one before */
    last++;
    CHECK(!declined(&rig, last, BOB) && !lazy_is_closed(&rig.lazy, last, BOB));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), 1);
    CHECK_INT(lazy_parent(&rig.lazy, CAT), LAZY_NO_LINK);
    CHECK(lazy_has_state(&rig.lazy, 1));
    lazy_open_link(&rig.lazy, 0);
    lazy_take_copy(&rig.lazy, 0, BOB, slot, 1);
    hear(&rig, last, 4, "Cat"); /* is of nobody else's link */
    CHECK(declined(&rig, 0, BOB) && !lazy_is_closed(&rig.lazy, last, CAT));
    lazy_write_heartbeat(&rig.lazy, last, &out); /* the other end is to hear that nothing is */
    CHECK(out.has_state && out.declined_count == 0 && out.way_count == 0);
    CHECK(rig.lazy.links[last].ways == NULL && rig.lazy.links[0].ways != NULL);

    /* Back before a HEARTBEAT was sent: it says the same. */
    for (size_t i = 0; i < LAZY_LINKS_MAX; i++)
        was[i] = i + 1;
    uint64_t version = out.state_version;
    lazy_set_links(&rig.lazy, windows, LAZY_LINKS_MAX, was, true, rig.now_ms);
    last--;
    lazy_write_heartbeat(&rig.lazy, last, &out);
    CHECK(out.has_state && out.declined_count == 0 && out.way_count == 0);
    CHECK(out.state_version >= version && version > 0);
    lazy_open_link(&rig.lazy, last); /* the next session's changes may be declined there */
    lazy_open_link(&rig.lazy, 0);
    lazy_take_first(&rig.lazy, 0, BOB, 1);
    lazy_take_copy(&rig.lazy, last, BOB, slot, 1);
    CHECK(declined(&rig, last, BOB));
    close_rig(&rig);
}

/* By a file that was read again: the sessions go on. */
static void a_node_that_becomes_an_observer_declines_nothing(void)
{
    struct rig rig;
    open_rig(&rig);
    uint32_t slot = come_twice(&rig);
    hear(&rig, 0, 3, "Ada");
    lazy_write_heartbeat(&rig.lazy, 1, &out);
    uint64_t version = out.state_version;
    CHECK_INT(out.declined_count, 1);
    struct window *windows[3] = {&rig.windows[0], &rig.windows[1], &rig.windows[2]};
    const size_t was[3] = {0, 1, 2};
    lazy_set_links(&rig.lazy, windows, 3, was, false, rig.now_ms);
    CHECK(!declined(&rig, 1, BOB) && is_open(&rig, 0, ADA));
    CHECK_INT(lazy_parent(&rig.lazy, BOB), LAZY_NO_LINK);
    lazy_write_heartbeat(&rig.lazy, 1, &out);
    CHECK(out.has_state && out.declined_count == 0 && out.state_version > version);
    lazy_take_first(&rig.lazy, 0, BOB, 1);
    lazy_take_copy(&rig.lazy, 1, BOB, slot, 1);
    hear(&rig, 0, 4, "Ada");
    CHECK(!declined(&rig, 1, BOB) && is_open(&rig, 0, ADA));
    CHECK(!lazy_has_state(&rig.lazy, 0) && !lazy_has_state(&rig.lazy, 1));
    close_rig(&rig);
}

static const struct check_case cases[] = {
    {"what comes second is declined where it came second",
     what_comes_second_is_declined_where_it_came_second},
    {"a copy of something old declines nothing", a_copy_of_something_old_declines_nothing},
    {"own changes that come back are declined", own_changes_that_come_back_are_declined},
    {"without a parent nothing is declined", without_a_parent_nothing_is_declined},
    {"who knows no STATE is no parent", who_knows_no_state_is_no_parent},
    {"a way of fewer hops becomes the parent unless it is slower",
     a_way_of_fewer_hops_becomes_the_parent_unless_it_is_slower},
    {"what the other end declined is not sent there",
     what_the_other_end_declined_is_not_sent_there},
    {"what is declined ends with the session", what_is_declined_ends_with_the_session},
    {"a lost way is asked for on all other links", a_lost_way_is_asked_for_on_all_other_links},
    {"a way that is lost soon after another is asked for, too",
     a_way_that_is_lost_soon_after_another_is_asked_for_too},
    {"who lost a way is sent what changed since", who_lost_a_way_is_sent_what_changed_since},
    {"a millisecond tells so many, and not one more", a_millisecond_tells_so_many_and_not_one_more},
    {"what is added meanwhile hides nothing", what_is_added_meanwhile_hides_nothing},
    {"who lost a way that is ours loses it here, too",
     who_lost_a_way_that_is_ours_loses_it_here_too},
    {"news on a declined link opens it and all that came the same way",
     news_on_a_declined_link_opens_it_and_all_that_came_the_same_way},
    {"news that crossed the decline opens the link and asks for nothing",
     news_that_crossed_the_decline_opens_the_link_and_asks_for_nothing},
    {"a parent that is late again is only slow", a_parent_that_is_late_again_is_only_slow},
    {"a silent parent that is no nearer is none", a_silent_parent_that_is_no_nearer_is_none},
    {"a parent that knows no way is none", a_parent_that_knows_no_way_is_none},
    {"what changed a moment ago is young", what_changed_a_moment_ago_is_young},
    {"beyond so many it is not known what is young", beyond_so_many_it_is_not_known_what_is_young},
    {"origins whose names a HEARTBEAT has no room for are carried by all",
     origins_whose_names_a_heartbeat_has_no_room_for_are_carried_by_all},
    {"origins beyond what a message holds are carried by all",
     origins_beyond_what_a_message_holds_are_carried_by_all},
    {"links that move keep what is declined there", links_that_move_keep_what_is_declined_there},
    {"who lost a way is told although its link moves",
     who_lost_a_way_is_told_although_its_link_moves},
    {"links that move beyond the last lazy one carry everything",
     links_that_move_beyond_the_last_lazy_one_carry_everything},
    {"a node that becomes an observer declines nothing",
     a_node_that_becomes_an_observer_declines_nothing},
};

CHECK_MAIN(cases)
