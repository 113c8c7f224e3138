/* What watchers refuse, what they leave for later, and what they cost. */
#include "bus/table/changes.h"
#include "bus/table/grid.h"
#include "tests/unit/watchers_rig.h"

#define FREED_MAX 512

/* ---- limits in number ---- */

static void a_connection_has_so_many_watches(void)
{
    struct rig rig;
    struct watchers_connection one = {0}, other = {0};
    set_up(&rig);
    for (uint32_t i = 0; i < WATCHERS_OF_CONNECTION_MAX; i++)
        CHECK_INT(add(&rig, &one, of("kiwi")), WATCHERS_ADDED);
    CHECK(said(&rig, "WATCH 256 0\n\n"));
    CHECK_INT(add(&rig, &one, of("kiwi")), WATCHERS_FULL_CONNECTION);
    CHECK_INT(one.number, WATCHERS_OF_CONNECTION_MAX);
    CHECK_INT(add(&rig, &other, of("kiwi")), WATCHERS_ADDED);
    CHECK(said(&rig, "WATCH 1 0\n\n"));
    CHECK_INT(watchers_end(rig.watchers, &one, 7), 1);
    CHECK_INT(watchers_end(rig.watchers, &one, 7), 0);
    CHECK_INT(add(&rig, &one, of("kiwi")), WATCHERS_ADDED);
    CHECK(said(&rig, "WATCH 257 0\n\n"));
    put(&rig, span_of("kiwi"), "+1+1");
    CHECK_INT(take(&rig, &one), WATCHERS_OF_CONNECTION_MAX);
    CHECK_INT(watchers_end(rig.watchers, &one, 0), WATCHERS_OF_CONNECTION_MAX);
    CHECK_INT(watchers_end(rig.watchers, &one, 0), 0);
    CHECK_INT(watchers_end(rig.watchers, &other, 0), 1);
    tear_down(&rig);
}

static void a_node_has_so_many_watches(void)
{
    struct rig rig;
    struct watchers_connection one = {0}, other = {0};
    struct watchers_limits limits = {3, 100, UINT64_MAX, 16, 1000};
    set_up(&rig);
    watchers_limit(rig.watchers, &limits);
    CHECK_INT(add(&rig, &one, everything), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &one, around_zero(5)), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &other, of("kiwi")), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &other, of("kiwi")), WATCHERS_FULL_NODE);
    CHECK_INT(watchers_end(rig.watchers, &one, 1), 1);
    CHECK_INT(add(&rig, &other, of("kiwi")), WATCHERS_ADDED);
    CHECK_INT(watchers_count(rig.watchers).watches, 3);
    CHECK_INT(watchers_end(rig.watchers, &one, 0) + watchers_end(rig.watchers, &other, 0), 3);
    tear_down(&rig);
}

static void check_circles(struct rig *rig)
{
    struct watchers_connection one = {0}, other = {0};
    for (uint32_t i = 0; i < WATCHERS_OF_CENTRE_MAX; i++)
        CHECK_INT(add(rig, i % 2 == 0 ? &one : &other, around("kiwi", i)), WATCHERS_ADDED);
    CHECK_INT(add(rig, &one, around("kiwi", 1)), WATCHERS_FULL_CENTRE);
    CHECK_INT(add(rig, &one, around("fig", 1)), WATCHERS_ADDED);
    CHECK_INT(add(rig, &one, of("kiwi")), WATCHERS_ADDED);
    CHECK_INT(watchers_end(rig->watchers, &other, 3), 1);
    CHECK_INT(add(rig, &one, around("kiwi", 1)), WATCHERS_ADDED);
    CHECK_INT(add(rig, &one, around("kiwi", 1)), WATCHERS_FULL_CENTRE);
    watchers_end(rig->watchers, &one, 0);
    watchers_end(rig->watchers, &other, 0);
}

static void one_centre_has_so_many_circles(void)
{
    struct rig rig;
    set_up(&rig);
    check_circles(&rig); /* nobody knows it yet */
    put(&rig, span_of("kiwi"), "+1+1");
    check_circles(&rig);
    put(&rig, span_of("kiwi"), ""); /* forgotten */
    check_circles(&rig);
    tear_down(&rig);
}

static void a_radius_is_inclusive_up_to_a_thousand_km(void)
{
    struct rig rig;
    struct watchers_connection one = {0};
    set_up(&rig);
    put(&rig, span_of("kiwi"), "+0+8.9932");
    put(&rig, span_of("fig"), "+0-8.9933");
    struct arc_point zero = arc_point((struct degrees){0}),
                     kiwi = arc_point((struct degrees){0, 8993200000});
    int64_t mm = arc_distance_mm(&zero, &kiwi, arc_haversine(&zero, &kiwi));
    CHECK(mm <= WATCHERS_RADIUS_MM_MAX && mm + 20000 > WATCHERS_RADIUS_MM_MAX);
    CHECK_INT(add(&rig, &one, around_zero(WATCHERS_RADIUS_MM_MAX)), WATCHERS_ADDED);
    CHECK(rig.out.len > 10 && memcmp(rig.out.data, "WATCH 1 1\n", 10) == 0);
    CHECK_INT(add(&rig, &one, around_zero(mm)), WATCHERS_ADDED);
    CHECK(rig.out.len > 10 && memcmp(rig.out.data, "WATCH 2 1\n", 10) == 0);
    CHECK_INT(add(&rig, &one, around_zero(mm - 1)), WATCHERS_ADDED);
    CHECK(said(&rig, "WATCH 3 0\n\n"));
    put(&rig, span_of("kiwi"), "+0+8.9933");
    CHECK_INT(take(&rig, &one), 2);
    put(&rig, span_of("kiwi"), "+0+8.9932");
    CHECK_INT(take(&rig, &one), 2);
    watchers_end(rig.watchers, &one, 0);
    tear_down(&rig);
}

/* ---- what is left for later ---- */

static void a_reply_has_so_many_lines(void)
{
    struct rig rig;
    struct watchers_connection one = {0};
    set_up(&rig);
    for (uint32_t i = 0; i < WATCHERS_REPLY_LINES_MAX + 500; i++)
        put_number(&rig, i, "+0.5+0.5");
    CHECK_INT(add(&rig, &one, around_zero(100000000)), WATCHERS_ADDED);
    CHECK(rig.out.len > 13 && memcmp(rig.out.data, "WATCH 1 1000\n", 13) == 0);
    CHECK(is_due(&rig, &one));
    CHECK_INT(take(&rig, &one), 500);
    CHECK_BYTES(rig.out.data, 18, "! ENTER 1 78626.3 ", 18);
    CHECK_INT(take(&rig, &one), 0);
    CHECK_INT(one.marks, WATCHERS_REPLY_LINES_MAX + 500);
    watchers_end(rig.watchers, &one, 0);
    tear_down(&rig);
}

static void a_reply_has_so_many_bytes(void)
{
    enum { CLIENTS = 100, ID_BYTES = 9000 };
    struct rig rig;
    struct watchers_connection one = {0};
    static char id[ID_BYTES];
    memset(id, 'x', sizeof id);
    set_up(&rig);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        id[0] = (char)('0' + i);
        put(&rig, (struct span){id, sizeof id}, "+0+0");
    }
    CHECK_INT(add(&rig, &one, around_zero(0)), WATCHERS_ADDED);
    CHECK(rig.out.len > WATCHERS_REPLY_BYTES_MAX);
    CHECK(rig.out.len < WATCHERS_REPLY_BYTES_MAX + 2 * ID_BYTES);
    uint32_t told = one.marks;
    CHECK(told < CLIENTS);
    CHECK_INT(take(&rig, &one), CLIENTS - told);
    watchers_end(rig.watchers, &one, 0);
    tear_down(&rig);
}

static void nothing_comes_before_the_reply(void)
{
    struct rig rig;
    struct watchers_connection one = {0};
    struct watchers_wanted wanted = around_zero(1000);
    set_up(&rig);
    for (uint32_t i = 0; i < 2000; i++)
        put_number(&rig, i, "+0+0");
    CHECK_INT(add(&rig, &one, everything), WATCHERS_ADDED);
    CHECK_INT(take(&rig, &one), 2000);
    CHECK_INT(watchers_add(rig.watchers, &one, &wanted), WATCHERS_ADDED);
    uint32_t turns = 0;
    rig.out.len = 0;
    for (int64_t steps = 100; !watchers_reply(rig.watchers, &one, &steps, &rig.out);
         steps = 100, turns++) {
        put_number(&rig, turns, "+1+1");
        CHECK(is_due(&rig, &one));
        CHECK_INT(rig.out.len, 0);
        CHECK_INT(take(&rig, &one), 0);
    }
    CHECK(turns > 10 && rig.out.len > 1000);
    CHECK(is_due(&rig, &one));
    take(&rig, &one);
    CHECK_INT(one.marks, 2000 - turns);
    watchers_end(rig.watchers, &one, 0);
    tear_down(&rig);
}

static void a_slow_reader_is_told_the_newest_once(void)
{
    struct rig rig;
    struct watchers_connection one = {0};
    set_up(&rig);
    put(&rig, span_of("kiwi"), "+0+0");
    CHECK_INT(add(&rig, &one, of("kiwi")), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &one, around_zero(1000)), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &one, everything), WATCHERS_ADDED);
    CHECK_INT(take(&rig, &one), 1);
    for (uint32_t i = 0; i < 50; i++) {
        put(&rig, span_of("kiwi"), i % 2 == 0 ? "+9+9" : "+0+0");
        watchers_update(rig.watchers);
    }
    CHECK_INT(take(&rig, &one), 3);
    put(&rig, span_of("kiwi"), "");
    watchers_update(rig.watchers);
    put(&rig, span_of("kiwi"), "+9+9");
    take(&rig, &one);
    static const char wanted[] = "! MOVE 1 AT Ada +0.000000000 kiwi +9+9 1000.000000053\n"
                                 "! LEAVE 2 AT Ada +0.000000000 kiwi +9+9 1000.000000053\n"
                                 "! GONE 3 kiwi\n"
                                 "! MOVE 3 AT Ada +0.000000000 kiwi +9+9 1000.000000053\n";
    CHECK_BYTES(rig.out.data, rig.out.len, wanted, sizeof wanted - 1);
    watchers_end(rig.watchers, &one, 0);
    tear_down(&rig);
}

/* Between two reads more changes than the log holds, of clients that come first in the table; and
 * new ones come. */
static void the_slowest_reader_comes_to_the_end_of_the_table(void)
{
    enum { CLIENTS = 300, READS = 100 };
    struct rig rig;
    struct watchers_connection one = {0};
    struct watchers_limits limits = {3, 100, UINT64_MAX, 16, 1000};
    bool is_told = false;
    set_up(&rig);
    watchers_limit(rig.watchers, &limits);
    for (uint32_t i = 0; i < CLIENTS; i++)
        put_number(&rig, i, "+0+0");
    CHECK_INT(add(&rig, &one, everything), WATCHERS_ADDED);
    for (uint32_t i = 0; i < READS && !is_told; i++) {
        int64_t steps = FOREVER;
        rig.out.len = 0;
        CHECK(watchers_write(rig.watchers, &one, &steps, 400, &rig.out));
        buffer_append(&rig.out, (struct span){"", 1});
        is_told = strstr(rig.out.data, " c299 ") != NULL;
        put_number(&rig, CLIENTS + i, "+0+0");
        for (uint32_t j = 0; j < 20; j++)
            put_number(&rig, j, "+1+1");
    }
    CHECK(is_told);
    take(&rig, &one);
    watchers_end(rig.watchers, &one, 0);
    tear_down(&rig);
}

/* ---- very many at once ---- */

#define MANY 100000u

static void expire_all(struct rig *rig)
{
    uint32_t freed[FREED_MAX];
    table_set_horizon(rig->table, rig->now_ns + 1);
    while (table_is_sweeping(rig->table)) {
        table_sweep(rig->table, freed, FREED_MAX);
        watchers_update(rig->watchers);
    }
}

/* In slices, each of which takes about what it may. */
static uint32_t take_in_slices(struct rig *rig, struct watchers_connection *connection,
                               uint32_t *slices)
{
    uint32_t lines = 0;
    bool has_more = true;
    for (*slices = 0; has_more; ++*slices) {
        int64_t steps = 2048;
        rig->out.len = 0;
        has_more = watchers_write(rig->watchers, connection, &steps, 100000, &rig->out);
        CHECK(steps > -200 && rig->out.len < 100200);
        for (size_t i = 0; i < rig->out.len; i++)
            lines += rig->out.data[i] == '\n';
    }
    return lines;
}

static void very_many_change_at_once(void)
{
    struct rig rig;
    struct watchers_connection one = {0}, other = {0};
    uint32_t slices;
    set_up(&rig);
    CHECK_INT(add(&rig, &one, around("centre", 500000000)), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &other, everything), WATCHERS_ADDED);
    for (uint32_t i = 0; i < MANY; i++)
        put_number(&rig, i, i % 2 == 0 ? "+1+1" : "+2-2");
    CHECK_INT(take_in_slices(&rig, &one, &slices), 0);
    put(&rig, span_of("centre"), "+0+0");
    CHECK_INT(take_in_slices(&rig, &one, &slices), MANY);
    CHECK(slices >= MANY / 2048);
    CHECK_INT(one.marks, MANY);
    CHECK_INT(take_in_slices(&rig, &other, &slices), MANY + 1);
    put(&rig, span_of("centre"), "+0.001+0");
    CHECK_INT(take_in_slices(&rig, &one, &slices), 0);
    CHECK(slices >= 2 * MANY / 2048);
    put(&rig, span_of("centre"), "+80+80");
    CHECK_INT(take_in_slices(&rig, &one, &slices), MANY);
    put(&rig, span_of("centre"), "+0+0");
    take_in_slices(&rig, &other, &slices);
    CHECK_INT(take_in_slices(&rig, &one, &slices), MANY);
    expire_all(&rig);
    CHECK(is_due(&rig, &one) && watchers_next_due(rig.watchers) == &other);
    CHECK_INT(take_in_slices(&rig, &one, &slices), 1);
    CHECK_INT(take_in_slices(&rig, &other, &slices), MANY + 1);
    CHECK_INT(one.marks + other.marks, 0);
    watchers_end(rig.watchers, &one, 0);
    watchers_end(rig.watchers, &other, 0);
    tear_down(&rig);
}

/* Who has ended, and who lost its centre, lets go of very many in slices. */
static void very_many_are_let_go_in_slices(void)
{
    struct rig rig;
    struct watchers_connection one = {0}, other = {0};
    uint32_t slices;
    int64_t steps = FOREVER;
    set_up(&rig);
    for (uint32_t i = 0; i < MANY; i++)
        put_number(&rig, i, "+1+1");
    put(&rig, span_of("centre"), "+1+1");
    CHECK_INT(add(&rig, &one, around_zero(500000000)), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &other, around("centre", 0)), WATCHERS_ADDED);
    take_in_slices(&rig, &one, &slices);
    take_in_slices(&rig, &other, &slices);
    CHECK_INT(one.marks + other.marks, 2 * MANY + 1);
    put(&rig, span_of("centre"), ""); /* forgotten */
    CHECK_INT(take_in_slices(&rig, &other, &slices), 1);
    CHECK(slices > MANY / 2048);
    CHECK_INT(other.marks, 0);
    CHECK_INT(watchers_end(rig.watchers, &one, 0), 1);
    CHECK_INT(one.marks, 0);
    CHECK(watchers_is_clearing(rig.watchers) && watchers_is_sound(rig.watchers));
    CHECK(watchers_count(rig.watchers).marks >= MANY);
    put_number(&rig, 7, "+1+2");
    watchers_update(rig.watchers);
    steps = 100;
    CHECK(watchers_clear(rig.watchers, &steps));
    CHECK_INT(steps, 0);
    CHECK_INT(watchers_count(rig.watchers).marks, MANY + 1 - 100);
    put(&rig, span_of("centre"), "+1+1");
    CHECK_INT(take_in_slices(&rig, &other, &slices), MANY - 1);
    steps = FOREVER;
    CHECK(!watchers_clear(rig.watchers, &steps) && !watchers_is_clearing(rig.watchers));
    CHECK_INT(watchers_count(rig.watchers).marks, MANY - 1);
    watchers_end(rig.watchers, &other, 0);
    tear_down(&rig);
}

/* However many watch everything: what is kept of the gone, and what a turn does for them, is the
 * same. */
static void who_is_gone_is_kept_once_for_all(void)
{
    enum { WATCHERS = 50, CLIENTS = 1000 };
    static struct watchers_connection all[WATCHERS];
    struct rig rig;
    set_up(&rig);
    for (uint32_t i = 0; i < CLIENTS; i++)
        put_number(&rig, i, "+1+1");
    for (uint32_t i = 0; i < WATCHERS; i++) {
        CHECK_INT(add(&rig, &all[i], everything), WATCHERS_ADDED);
        CHECK_INT(take(&rig, &all[i]), CLIENTS);
    }
    uint64_t bytes = watchers_count(rig.watchers).bytes;
    expire_all(&rig);
    CHECK_INT(watchers_count(rig.watchers).marks, 0);
    CHECK(watchers_count(rig.watchers).bytes > bytes + CLIENTS * 16);
    CHECK(watchers_count(rig.watchers).bytes < bytes + CLIENTS * 60);
    for (uint32_t i = 0; i < WATCHERS; i++) {
        uint32_t slices;
        CHECK(watchers_is_sound(rig.watchers));
        CHECK_INT(take_in_slices(&rig, &all[i], &slices), CLIENTS);
    }
    put_number(&rig, 1, "+1+1");
    watchers_update(rig.watchers);
    CHECK_INT(watchers_count(rig.watchers).bytes, bytes);
    for (uint32_t i = 0; i < WATCHERS; i++)
        watchers_end(rig.watchers, &all[i], 0);
    tear_down(&rig);
}

static void who_reads_too_little_of_the_gone_is_lost(void)
{
    enum { FIT = 1000 / (16 + 3) };
    struct rig rig;
    struct watchers_connection slow = {0}, fast = {0};
    struct watchers_limits limits = {100, 100, UINT64_MAX, 64, 1000};
    set_up(&rig);
    watchers_limit(rig.watchers, &limits);
    for (uint32_t i = 10; i < 100; i++)
        put_number(&rig, i, "+1+1");
    CHECK_INT(add(&rig, &slow, everything), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &fast, everything), WATCHERS_ADDED);
    CHECK_INT(take(&rig, &slow), 90);
    CHECK_INT(take(&rig, &fast), 90);
    for (uint32_t i = 0; i < FIT; i++) {
        put_number(&rig, 10 + i, ""); /* forgotten */
        CHECK_INT(take(&rig, &fast), 1);
    }
    CHECK(!watchers_is_lost(&slow) && watchers_is_sound(rig.watchers));
    put_number(&rig, 10 + FIT, "");
    CHECK_INT(take(&rig, &fast), 1);
    CHECK(watchers_is_lost(&slow) && !watchers_is_lost(&fast));
    CHECK_INT(watchers_count(rig.watchers).lost, 1);
    CHECK(watchers_is_sound(rig.watchers));
    watchers_end(rig.watchers, &slow, 0);
    watchers_end(rig.watchers, &fast, 0);
    tear_down(&rig);
}

/* The log of the freed has room for so many ids, and a sweep waits for who reads it. */
static void a_sweep_waits_for_who_follows(void)
{
    enum { CLIENTS = 30000 };
    struct table *table = table_new(key);
    struct changes changes;
    uint32_t freed[FREED_MAX], slot, count = 0, told = 0;
    char id[64];
    for (uint32_t i = 0; i < CLIENTS; i++) {
        memset(id, 'x', sizeof id);
        id[sprintf(id, "c%u", i)] = 'x';
        struct location location = {.client = {id, sizeof id},
                                    .position = span_of("+1+1"),
                                    .stamp = span_of("1"),
                                    .origin = span_of("Ada"),
                                    .order_ns = 1};
        CHECK_INT(table_put(table, &location, table_ref(table, location.client), &slot), TABLE_NEW);
    }
    CHECK(changes_init(&changes, 64));
    table_follow(table, &changes);
    table_set_horizon(table, 2);
    while (told < CLIENTS) {
        for (uint32_t i = 0; i < 1000 && table_is_sweeping(table); i++)
            count += table_sweep(table, freed, FREED_MAX);
        CHECK(changes.gone.len < CHANGES_GONE_BYTES_MAX + sizeof id + 16);
        CHECK(count < CLIENTS || changes.gone.len < CHANGES_GONE_BYTES_MAX);
        struct changes_gone gone;
        for (size_t at = 0; changes_next_gone(&changes, &at, &gone); told++) {
            CHECK_INT(gone.client.len, sizeof id);
            CHECK_INT(gone.position, told);
        }
        CHECK_INT(told, count);
        changes_free_gone(&changes);
    }
    CHECK(!table_is_sweeping(table) && changes.end == CLIENTS);
    CHECK(!changes_has(&changes, CLIENTS - 65) && changes_has(&changes, CLIENTS - 64));
    table_follow(table, NULL);
    changes_free(&changes);
    CHECK(table_is_sound(table));
    table_destroy(&table);
}

/* ---- memory ---- */

/* One mark has room for itself, and for three once there was a second one: no more however many
 * there were. */
static void marks_that_go_give_their_memory_back(void)
{
    struct rig rig;
    struct watchers_connection one = {0}, others = {0};
    uint64_t bytes = 0;
    set_up(&rig);
    put(&rig, span_of("kiwi"), "+1+1");
    CHECK_INT(add(&rig, &one, of("kiwi")), WATCHERS_ADDED);
    for (uint32_t count = 1; count < 20; count++) {
        for (uint32_t i = 0; i < count; i++)
            CHECK_INT(add(&rig, &others, of("kiwi")), WATCHERS_ADDED);
        watchers_end(rig.watchers, &others, 0);
        if (count == 1)
            bytes = watchers_count(rig.watchers).bytes;
        CHECK_INT(watchers_count(rig.watchers).bytes, bytes);
    }
    watchers_end(rig.watchers, &one, 0);
    tear_down(&rig);
}

static void a_watch_without_room_is_refused(void)
{
    uint32_t refused = 0;
    for (uint64_t bytes = 0; bytes < 720000; bytes += 3000) {
        struct rig rig;
        struct watchers_connection one = {0};
        struct watchers_limits limits = {100, 100, bytes, 16, 1000};
        set_up(&rig);
        put(&rig, span_of("kiwi"), "+1+1");
        watchers_limit(rig.watchers, &limits);
        bool is_added = add(&rig, &one, around("kiwi", 5000)) == WATCHERS_ADDED;
        if (!is_added)
            CHECK(one.count == 0 && watchers_count(rig.watchers).bytes == 0);
        refused += !is_added;
        CHECK(is_added == (watchers_end(rig.watchers, &one, 0) == 1));
        tear_down(&rig);
    }
    CHECK(refused > 10 && refused < 235);
}

static void other_bytes_count_from_then_on(void)
{
    struct rig rig;
    struct watchers_connection one = {0};
    set_up(&rig);
    CHECK_INT(add(&rig, &one, of("kiwi")), WATCHERS_ADDED);
    watchers_change_bytes(rig.watchers, watchers_count(rig.watchers).bytes);
    CHECK_INT(add(&rig, &one, of("plum")), WATCHERS_FULL_MEMORY);
    CHECK_INT(one.count, 1);
    watchers_change_bytes(rig.watchers, UINT64_MAX);
    CHECK_INT(add(&rig, &one, of("plum")), WATCHERS_ADDED);
    CHECK_INT(watchers_end(rig.watchers, &one, 0), 2);
    tear_down(&rig);
}

static void a_connection_without_room_is_lost(void)
{
    struct rig rig;
    struct watchers_connection one = {0}, other = {0};
    struct watchers_limits limits = {100, 5, UINT64_MAX, 16, 1000};
    set_up(&rig);
    watchers_limit(rig.watchers, &limits);
    CHECK_INT(add(&rig, &one, around_zero(1000)), WATCHERS_ADDED);
    CHECK_INT(add(&rig, &other, around_zero(1000)), WATCHERS_ADDED);
    for (uint32_t i = 0; i < 5; i++)
        put_number(&rig, i, "+0+0");
    CHECK_INT(take(&rig, &one), 5);
    CHECK_INT(watchers_end(rig.watchers, &other, 0), 1);
    CHECK(!watchers_is_lost(&one));
    put_number(&rig, 5, "+0+0");
    CHECK(is_due(&rig, &one) && watchers_is_lost(&one));
    CHECK_INT(take(&rig, &one), 0);
    CHECK_INT(watchers_count(rig.watchers).lost, 1);
    CHECK_INT(watchers_end(rig.watchers, &one, 0), 1);
    CHECK_INT(one.marks, 0);
    tear_down(&rig);
}

static void without_a_watch_there_is_nothing(void)
{
    struct rig rig;
    struct watchers_connection one = {0};
    set_up(&rig);
    put(&rig, span_of("kiwi"), "+1+1");
    watchers_update(rig.watchers);
    CHECK(watchers_next_due(rig.watchers) == NULL);
    CHECK_INT(watchers_count(rig.watchers).bytes, 0);
    CHECK_INT(add(&rig, &one, of("kiwi")), WATCHERS_ADDED);
    CHECK(said(&rig, "WATCH 1 1\nAT Ada +0.000000000 kiwi +1+1 1000.000000001\n\n"));
    CHECK(watchers_count(rig.watchers).bytes > CHANGES_SLOTS * sizeof(uint32_t));
    CHECK_INT(watchers_end(rig.watchers, &one, 0), 1);
    CHECK_INT(watchers_count(rig.watchers).bytes, 0);
    put(&rig, span_of("kiwi"), "+1+1");
    watchers_update(rig.watchers);
    tear_down(&rig);
}

static const struct check_case cases[] = {
    {"other bytes count from then on", other_bytes_count_from_then_on},
    {"a connection has so many watches", a_connection_has_so_many_watches},
    {"a node has so many watches", a_node_has_so_many_watches},
    {"one centre has so many circles", one_centre_has_so_many_circles},
    {"a radius is inclusive, up to a thousand kilometres",
     a_radius_is_inclusive_up_to_a_thousand_km},
    {"a reply has so many lines, and who is inside besides enters", a_reply_has_so_many_lines},
    {"a reply has so many bytes", a_reply_has_so_many_bytes},
    {"nothing comes before the reply", nothing_comes_before_the_reply},
    {"a slow reader is told the newest state once", a_slow_reader_is_told_the_newest_once},
    {"the slowest reader comes to the end of the table",
     the_slowest_reader_comes_to_the_end_of_the_table},
    {"very many change at once", very_many_change_at_once},
    {"very many are let go in slices", very_many_are_let_go_in_slices},
    {"who is gone is kept once for all who watch everything", who_is_gone_is_kept_once_for_all},
    {"who reads too little of the gone is lost", who_reads_too_little_of_the_gone_is_lost},
    {"a sweep waits for who follows", a_sweep_waits_for_who_follows},
    {"marks that go give their memory back", marks_that_go_give_their_memory_back},
    {"a watch without room is refused", a_watch_without_room_is_refused},
    {"a connection without room is lost", a_connection_without_room_is_lost},
    {"without a watch there is nothing", without_a_watch_there_is_nothing},
};

int main(void)
{
    return check_run(cases, sizeof cases / sizeof *cases);
}
