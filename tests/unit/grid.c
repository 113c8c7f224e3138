/* Who is near, against a comparison of all clients.
 *
 *     test_unit_grid           some thousand searches
 *     test_unit_grid 1000000   so many, in minutes */
#include "bus/table/grid.h"

#include <stdlib.h>

#include "tests/check.h"

#define CLIENTS_MAX   3000u
#define SEARCHES      10000u
#define TEXT_BYTES    80
#define ROUND         200u
#define STEPS_FOREVER INT64_MAX

static const uint8_t key[16] = {3, 1, 4};
/* Each compiler takes arguments in an order of its own: none has two that roll. */
static uint64_t state = 11;
static uint32_t searches_max = SEARCHES;

static uint64_t roll(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static int64_t between(int64_t low, int64_t high)
{
    return low + (int64_t)roll((uint64_t)(high - low) + 1);
}

struct client {
    char id[24];
    bool is_there;
    struct degrees at;
};

struct world {
    struct table *table;
    struct client clients[CLIENTS_MAX];
    uint32_t count;
    int64_t now_ns;
};

/* ---- places ---- */

static int64_t clamp(int64_t value, int64_t max)
{
    return value > max ? max : value < -max ? -max : value;
}

static int64_t wrap(int64_t longitude_nano)
{
    if (longitude_nano > DEGREES_LONGITUDE_NANO_MAX)
        return longitude_nano - 2 * DEGREES_LONGITUDE_NANO_MAX;
    return longitude_nano < -DEGREES_LONGITUDE_NANO_MAX
               ? longitude_nano + 2 * DEGREES_LONGITUDE_NANO_MAX
               : longitude_nano;
}

static struct degrees about(int64_t latitude, int64_t longitude, int64_t up, int64_t across)
{
    struct degrees place = {.latitude_nano =
                                clamp(latitude + between(-up, up), DEGREES_LATITUDE_NANO_MAX)};
    place.longitude_nano = wrap(longitude + between(-across, across));
    return place;
}

static struct degrees at_one_point(void)
{
    return (struct degrees){34068930000, -118445127000};
}

static struct degrees at_the_antimeridian(void)
{
    return about(between(-89, 89) * NANO, 180 * NANO, NANO, NANO / 50);
}

static struct degrees at_a_pole(void)
{
    return about(roll(2) == 0 ? 90 * NANO : -90 * NANO, 0, NANO / 20, 180 * NANO);
}

static struct degrees in_a_city(void)
{
    return about(48 * NANO, 2 * NANO, NANO / 20, NANO / 15);
}

static struct degrees in_the_ocean(void)
{
    return about(0, 0, 90 * NANO, 180 * NANO);
}

static struct degrees one_rounding_apart(void)
{
    return about(34069999999, -118440000000, 6, 6);
}

static struct degrees around_zero(void)
{
    return about(0, 0, NANO / 60, NANO / 60);
}

static struct degrees on_a_few_cells(void)
{
    struct degrees place = {.latitude_nano = between(0, 3) * NANO / 100};
    place.longitude_nano = between(-3, 3) * NANO / 100;
    return place;
}

static struct degrees in_any_of_them(void);

static struct degrees (*const places[])(void) = {
    at_one_point,       at_the_antimeridian, at_a_pole,      in_a_city,      in_the_ocean,
    one_rounding_apart, around_zero,         on_a_few_cells, in_any_of_them,
};

#define PLACES (sizeof places / sizeof *places)

static struct degrees in_any_of_them(void)
{
    return places[roll(PLACES - 1)]();
}

/* ---- a table and all that stands in it ---- */

static char *write_degrees(char *to, int64_t nano, unsigned decimals)
{
    int64_t size = nano < 0 ? -nano : nano;
    bool is_negative = nano < 0 || (nano == 0 && roll(2) == 0);
    to += sprintf(to, "%c%0*lld", is_negative ? '-' : '+', (int)roll(3), (long long)(size / NANO));
    if (decimals == 0)
        return to;
    char digits[16];
    sprintf(digits, "%09lld", (long long)(size % NANO));
    /* What is beyond the ninth is cut, and makes the location a text. */
    return to + sprintf(to, ".%.*s%s", (int)(decimals < 9 ? decimals : 9), digits,
                        decimals > 9 ? "0" : "");
}

/* Nearly always to the last digit. */
static unsigned choose_decimals(void)
{
    unsigned chosen = (unsigned)roll(30);
    return chosen <= 10 ? chosen : 9;
}

static void put(struct world *world, uint32_t number, const char *position)
{
    struct client *client = &world->clients[number];
    char stamp[24];
    world->now_ns++;
    sprintf(stamp, "%lld.%09lld", (long long)(world->now_ns / NANO),
            (long long)(world->now_ns % NANO));
    struct packed packed;
    struct location location = {.client = span_of(client->id),
                                .position = span_of(position),
                                .stamp = span_of(stamp),
                                .origin = span_of("Ada"),
                                .order_ns = world->now_ns};
    if (roll(2) == 0 && packed_read(location.position, location.stamp, &packed))
        location.packed = &packed;
    uint32_t slot;
    enum table_outcome outcome =
        table_put(world->table, &location, table_ref(world->table, location.client), &slot);
    CHECK(outcome == TABLE_NEW || outcome == TABLE_NEWER);
    client->is_there = degrees_read(location.position, &client->at);
}

static void move(struct world *world, uint32_t number, struct degrees to)
{
    static const char *const nowhere[] = {"",     "+91+0",  "+0+181", "+1-180.0001",
                                          "here", "+090-1", "+1"};
    char text[TEXT_BYTES];
    if (roll(40) == 0) {
        put(world, number, nowhere[roll(sizeof nowhere / sizeof *nowhere)]);
        return;
    }
    char *end = write_degrees(text, to.latitude_nano, choose_decimals());
    write_degrees(end, to.longitude_nano, choose_decimals());
    struct degrees cut;
    if (!degrees_read(span_of(text), &cut))
        sprintf(text, "%+03d%+04d", (int)(to.latitude_nano / NANO),
                (int)(to.longitude_nano / NANO));
    put(world, number, text);
}

static void make(struct world *world, uint32_t count, struct degrees (*place)(void))
{
    static const char *const tails[] = {"", "x", "\xff", "-of-a-long-id"};
    world->table = table_new(key);
    table_make_grid(world->table);
    world->count = count;
    world->now_ns = 1621464827 * NANO;
    for (uint32_t i = 0; i < count; i++) {
        sprintf(world->clients[i].id, "%x%s", (unsigned)(i * 2654435761u), tails[roll(4)]);
        move(world, i, place());
    }
}

/* ---- the answer of all comparisons ---- */

struct found {
    int64_t mm;
    const struct client *client;
};

static int compare(const void *a_p, const void *b_p)
{
    const struct found *a = a_p, *b = b_p;
    if (a->mm != b->mm)
        return a->mm < b->mm ? -1 : 1;
    return span_compare(span_of(a->client->id), span_of(b->client->id));
}

static uint32_t refer(const struct world *world, struct degrees centre, int64_t radius_mm,
                      const struct client *except, struct found *found)
{
    struct arc_point from = arc_point(centre);
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->count; i++) {
        const struct client *client = &world->clients[i];
        struct arc_point to = arc_point(client->at);
        int64_t mm = arc_distance_mm(&from, &to, arc_haversine(&from, &to));
        if (client->is_there && client != except && mm <= radius_mm)
            found[count++] = (struct found){mm, client};
    }
    qsort(found, count, sizeof *found, compare);
    return count;
}

static struct location read_near(const struct world *world, const struct grid_search *search,
                                 uint32_t i, char *text)
{
    struct location location;
    table_read(world->table, search->nears[i].slot, text, &location);
    return location;
}

static bool is_same(const struct world *world, const struct grid_search *search,
                    const struct found *found, uint32_t count)
{
    if (search->near_count != (count < search->bound ? count : search->bound))
        return false;
    for (uint32_t i = 0; i < search->near_count; i++) {
        char text[PACKED_TEXT_BYTES_MAX];
        struct location location = read_near(world, search, i, text);
        if (search->nears[i].mm != found[i].mm ||
            !span_equals(location.client, span_of(found[i].client->id)))
            return false;
    }
    return true;
}

static int64_t choose_radius(const struct found *found, uint32_t count)
{
    switch (roll(4)) {
    case 0:
        return ARC_DISTANCE_MM_MAX + 1;
    case 1: /* the limit is included */
        return count == 0 ? 0 : found[roll(count)].mm - count % 2;
    default:
        return (int64_t)roll(UINT64_C(1) << roll(36));
    }
}

/* Near to somebody, or anywhere. */
static struct degrees choose_centre(const struct world *world)
{
    const struct client *client = &world->clients[roll(world->count)];
    int64_t apart = INT64_C(1) << roll(35);
    return roll(8) == 0 ? in_the_ocean()
                        : about(client->at.latitude_nano, client->at.longitude_nano, apart, apart);
}

/* One search, at once or in turns of so many steps. */
static void search_once(struct world *world, int64_t steps_a_turn)
{
    static struct found found[CLIENTS_MAX];
    static struct grid_search search;
    const struct client *except = NULL;
    struct degrees centre = choose_centre(world);
    if (roll(2) == 0)
        steps_a_turn = STEPS_FOREVER;
    uint32_t slot = 0, number = (uint32_t)roll(world->count);
    struct span id = span_of(world->clients[number].id);
    if (roll(2) == 0 && table_find(world->table, id, table_ref(world->table, id), &slot)) {
        except = &world->clients[number];
        centre = except->is_there ? except->at : centre;
    }
    uint32_t count = refer(world, centre, ARC_DISTANCE_MM_MAX, except, found);
    int64_t radius_mm = choose_radius(found, count), steps = steps_a_turn;
    if (radius_mm < 0)
        radius_mm = 0;
    while (count > 0 && found[count - 1].mm > radius_mm)
        count--;
    uint32_t bound = roll(3) == 0 ? (uint32_t)roll(GRID_BOUND_MAX) + 1 : (uint32_t)roll(12) + 1;
    grid_search_begin(&search, world->table, &centre, radius_mm, bound,
                      except == NULL ? NULL : &slot);
    while (!grid_search_run(&search, world->table, &steps)) {
        CHECK(steps <= 0);
        steps = steps_a_turn;
    }
    if (!is_same(world, &search, found, count)) {
        printf("    around %lld %lld, %lld mm, %u: %u of %u\n", (long long)centre.latitude_nano,
               (long long)centre.longitude_nano, (long long)radius_mm, bound, search.near_count,
               count);
        CHECK(false);
    }
}

static void is_what_all_comparisons_say(void)
{
    static struct world world;
    for (uint32_t done = 0; done < searches_max; done += ROUND) {
        struct degrees (*place)(void) = places[done / ROUND % PLACES];
        uint32_t most = roll(4) == 0 ? CLIENTS_MAX : 300;
        make(&world, 1 + (uint32_t)roll(most), place);
        CHECK(table_is_sound(world.table));
        for (uint32_t i = 0; i < ROUND; i++) {
            search_once(&world, between(1, 90));
            for (uint32_t moves = (uint32_t)roll(8); moves > 0; moves--) {
                uint32_t number = (uint32_t)roll(world.count);
                move(&world, number, roll(4) == 0 ? in_any_of_them() : place());
            }
        }
        CHECK(table_is_sound(world.table));
        table_destroy(&world.table);
    }
}

/* ---- positions that nearly have the same digits ---- */

/* Another cell, or none, though all of the characters up to the hundredths are the same. */
static void digits_that_are_nearly_the_same_are_told_apart(void)
{
    static const char *const pairs[][2] = {
        {"+1+1", "+1+10"},
        {"+34+10", "+34+100"},
        {"+34.5-1", "+34.5-10"},
        {"+1+1.0", "+1+1"},
        {"+1+1.5", "+1+1.50"},
        {"+90.000+10.00", "+90.001+10.00"},
        {"-90.00+10.00", "-90.01+10.00"},
        {"+34.00+180.000", "+34.00+180.001"},
        {"-34.00-180.00", "-34.00-180.01"},
    };
    static struct world world;
    for (uint32_t i = 0; i < 2 * (sizeof pairs / sizeof *pairs); i++) {
        make(&world, 200, in_the_ocean);
        for (uint32_t turn = 0; turn < 8; turn++) {
            put(&world, 0, pairs[i / 2][(i + turn) & 1]);
            CHECK(table_is_sound(world.table));
        }
        table_destroy(&world.table);
    }
}

/* ---- all of a circle ---- */

static void mark_some(const struct world *world, const uint32_t *slots, uint32_t count, bool *seen)
{
    for (uint32_t i = 0; i < count; i++) {
        char text[PACKED_TEXT_BYTES_MAX];
        struct location location;
        unsigned number;
        table_read(world->table, slots[i], text, &location);
        CHECK(sscanf(location.client.data, "%x", &number) == 1);
        for (uint32_t j = 0; j < world->count; j++)
            if ((uint32_t)(j * 2654435761u) == number)
                seen[j] = true;
    }
}

/* Whoever stays inside from the first call to the last, though others come and go. */
static void all_of_a_circle_are_found(void)
{
    static struct world world;
    for (uint32_t i = 0; i < 120; i++) {
        bool seen[300] = {false}, stayed[300];
        struct degrees (*place)(void) = places[i % PLACES];
        make(&world, 1 + (uint32_t)roll(300), place);
        struct arc_point centre = arc_point(choose_centre(&world));
        int64_t radius_mm = (int64_t)roll(UINT64_C(1) << roll(34)), steps;
        uint64_t from = 0;
        uint32_t slots[GRID_SOME_MAX];
        memset(stayed, true, sizeof stayed);
        while (from != GRID_KEYS_END) {
            uint64_t before = from;
            steps = between(0, 80);
            uint32_t count = grid_some(world.table, &centre, radius_mm, &from, &steps, slots);
            CHECK(count <= GRID_SOME_MAX && from > before);
            mark_some(&world, slots, count, seen);
            for (uint32_t moves = (uint32_t)roll(4); moves > 0; moves--) {
                uint32_t number = (uint32_t)roll(world.count);
                stayed[number] = false;
                move(&world, number, place());
            }
        }
        for (uint32_t j = 0; j < world.count; j++) {
            struct arc_point at = arc_point(world.clients[j].at);
            int64_t mm = arc_distance_mm(&centre, &at, arc_haversine(&centre, &at));
            CHECK(!world.clients[j].is_there || !stayed[j] || mm > radius_mm || seen[j]);
        }
        table_destroy(&world.table);
    }
}

/* ---- while others move ---- */

static struct degrees far_away(void)
{
    return about(-48 * NANO, -178 * NANO, 2 * NANO, 2 * NANO);
}

/* In the city of in_a_city, further than 3.3 km from its middle. */
static struct degrees in_the_outskirts(void)
{
    for (;;) {
        struct degrees place = in_a_city();
        int64_t up = place.latitude_nano - 48 * NANO, across = place.longitude_nano - 2 * NANO;
        if (up < -NANO * 3 / 100 || up > NANO * 3 / 100 || across < -NANO / 20 ||
            across > NANO / 20)
            return place;
    }
}

/* All of them out of the city and back, in turn. To the last digit: cut, a place may be in the
 * middle. */
static void move_in_the_outskirts(struct world *world)
{
    static bool is_out;
    is_out = !is_out;
    for (uint32_t i = 0; i < world->count / 2; i++) {
        struct degrees to = is_out ? far_away() : in_the_outskirts();
        char text[TEXT_BYTES];
        write_degrees(write_degrees(text, to.latitude_nano, 9), to.longitude_nano, 9);
        put(world, i, text);
    }
}

static void move_anybody(struct world *world)
{
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t number = (uint32_t)roll(world->count);
        move(world, number, roll(2) == 0 ? far_away() : in_a_city());
    }
}

/* Half of them far away, the others in a city. */
static void make_halves(struct world *world, uint32_t count)
{
    make(world, count, in_a_city);
    for (uint32_t i = 0; i < count / 2; i++)
        move(world, i, far_away());
}

/* Though leaves are parted and joined that hold both. */
static void what_changes_outside_changes_nothing(void)
{
    static struct world world;
    static struct found found[CLIENTS_MAX];
    static struct grid_search search;
    make_halves(&world, 1200);
    for (uint32_t i = 0; i < 600; i++) {
        struct degrees centre = {48 * NANO, 2 * NANO};
        int64_t radius_mm = between(1, 3300000), steps = 0;
        uint32_t bound = (uint32_t)between(1, 400);
        uint32_t count = refer(&world, centre, radius_mm, NULL, found);
        grid_search_begin(&search, world.table, &centre, radius_mm, bound, NULL);
        while (!grid_search_run(&search, world.table, &steps)) {
            steps = between(1, 40);
            move_in_the_outskirts(&world);
        }
        CHECK(is_same(&world, &search, found, count));
    }
    CHECK(table_is_sound(world.table));
    table_destroy(&world.table);
}

/* Each is where it is said to be, the nearest first, and there once. */
static void check_is_true(const struct world *world, const struct grid_search *search)
{
    struct found last = {.mm = -1};
    for (uint32_t i = 0; i < search->near_count; i++) {
        char text[PACKED_TEXT_BYTES_MAX];
        struct location location = read_near(world, search, i, text);
        struct found next = {.mm = search->nears[i].mm};
        for (uint32_t k = 0; k < world->count; k++)
            if (span_equals(location.client, span_of(world->clients[k].id)))
                next.client = &world->clients[k];
        struct arc_point to = arc_point(next.client->at);
        CHECK(next.client->is_there);
        CHECK_INT(next.mm,
                  arc_distance_mm(&search->centre, &to, arc_haversine(&search->centre, &to)));
        CHECK(next.mm <= search->radius_mm && grid_search_holds(search, world->table, i));
        CHECK(last.mm < 0 || compare(&last, &next) < 0);
        last = next;
    }
}

static void what_is_said_is_true_at_the_end(void)
{
    static struct world world;
    static struct grid_search search;
    uint32_t listed = 0;
    make_halves(&world, 600);
    for (uint32_t i = 0; i < 300; i++) {
        struct degrees centre = roll(2) == 0 ? in_a_city() : far_away();
        int64_t steps = 0;
        int64_t radius_mm = between(1, ARC_DISTANCE_MM_MAX);
        grid_search_begin(&search, world.table, &centre, radius_mm, (uint32_t)between(1, 700),
                          NULL);
        while (!grid_search_run(&search, world.table, &steps)) {
            steps = between(1, 100);
            move_anybody(&world);
        }
        CHECK(search.near_count <= search.bound);
        check_is_true(&world, &search);
        listed += search.near_count;
    }
    CHECK(listed > 3000);
    CHECK(table_is_sound(world.table));
    table_destroy(&world.table);
}

/* Of this pair rounding makes a haversine above 1. */
static void an_antipode_stays_where_it_is(void)
{
    static struct world world;
    static struct grid_search search;
    struct degrees centre = {6994783, 4092495133};
    int64_t steps = 1;
    make(&world, 100, in_a_city);
    put(&world, 0, "-0.006994783-175.907504867");
    grid_search_begin(&search, world.table, &centre, ARC_DISTANCE_MM_MAX, 1000, NULL);
    while (!grid_search_run(&search, world.table, &steps)) {
        steps = 1;
        move(&world, 1, in_a_city());
    }
    uint32_t last = search.near_count - 1;
    CHECK_INT(search.nears[last].mm, ARC_DISTANCE_MM_MAX - 1);
    CHECK(grid_search_holds(&search, world.table, last));
    table_destroy(&world.table);
}

/* Clients that are over are not found, from the moment on in which they are, and their slots may be
 * freed amid a search. */
static void who_is_over_is_not_near(void)
{
    static struct world world;
    static struct grid_search search;
    uint32_t freed[64];
    make(&world, 2000, in_a_city);
    for (uint32_t i = 0; i < 2000; i += 2)
        move(&world, i, in_a_city());
    int64_t steps = 200, middle_ns = world.now_ns - 1000;
    struct degrees centre = in_a_city();
    grid_search_begin(&search, world.table, &centre, ARC_DISTANCE_MM_MAX, 1000, NULL);
    CHECK(!grid_search_run(&search, world.table, &steps));
    table_set_horizon(world.table, middle_ns + 1);
    while (table_is_sweeping(world.table)) {
        table_sweep(world.table, freed, 64);
        CHECK(table_is_sound(world.table));
    }
    steps = STEPS_FOREVER;
    CHECK(grid_search_run(&search, world.table, &steps));
    CHECK(search.near_count > 500);
    check_is_true(&world, &search);
    grid_search_begin(&search, world.table, &centre, ARC_DISTANCE_MM_MAX, 1000, NULL);
    CHECK(grid_search_run(&search, world.table, &steps));
    CHECK(search.near_count > 900);
    table_set_horizon(world.table, world.now_ns + 1);
    while (table_is_sweeping(world.table))
        table_sweep(world.table, freed, 64);
    CHECK(table_is_sound(world.table));
    table_destroy(&world.table);
}

/* ---- memory ---- */

static struct table *fill(bool has_grid, uint32_t count, uint64_t bytes_max, uint32_t *taken)
{
    struct table *table = table_new(key);
    struct table_room room = {TABLE_CLIENTS_MAX, bytes_max};
    table_limit(table, &(struct table_limits){room, room, 0});
    if (has_grid)
        table_make_grid(table);
    for (*taken = 0; *taken < count; ++*taken) {
        struct degrees place = *taken % 5 == 0 ? in_the_ocean() : in_a_city();
        char id[16], position[32];
        sprintf(id, "c%u", *taken);
        sprintf(position, "%+010.6f%+011.6f", (double)place.latitude_nano / 1e9,
                (double)place.longitude_nano / 1e9);
        struct location location = {.client = span_of(id),
                                    .position = span_of(position),
                                    .stamp = span_of("1621464827.5"),
                                    .origin = span_of("Ada"),
                                    .order_ns = INT64_C(1621464827500000000)};
        uint32_t slot;
        if (table_put(table, &location, table_ref(table, location.client), &slot) != TABLE_NEW)
            break;
    }
    return table;
}

static void a_client_takes_twelve_bytes_at_most(void)
{
    enum { COUNT = 100000 };
    uint32_t taken;
    struct table *with = fill(true, COUNT, UINT64_MAX, &taken);
    struct table *without = fill(false, COUNT, UINT64_MAX, &taken);
    CHECK(table_bytes(with) - table_bytes(without) <= 12 * COUNT);
    table_destroy(&with);
    table_destroy(&without);
}

/* Whatever the limit is, what it refuses leaves all as it was. */
static void memory_may_be_refused(void)
{
    uint32_t all = 0;
    for (uint64_t bytes_max = 1200000; bytes_max < 2400000; bytes_max += 40000) {
        uint32_t taken;
        struct table *table = fill(true, 20000, bytes_max, &taken);
        CHECK(table_bytes(table) <= bytes_max || taken == 0);
        CHECK(table_is_sound(table) && table_count(table) == taken);
        all = taken > all ? taken : all;
        table_destroy(&table);
    }
    CHECK(all > 1000);
}

/* What a search looks at in whose region is nobody: nobody but those who are astray. */
static int64_t count_steps(const struct world *world)
{
    static struct grid_search search;
    struct degrees nowhere = {-77 * NANO, 77 * NANO};
    int64_t steps = STEPS_FOREVER;
    grid_search_begin(&search, world->table, &nowhere, 0, 1, NULL);
    CHECK(grid_search_run(&search, world->table, &steps));
    return STEPS_FOREVER - steps;
}

static void move_all(struct world *world, const char *position)
{
    for (uint32_t i = 0; i < world->count; i++)
        put(world, i, position);
}

/* All at one point, in a table that may take so many bytes; how many that takes. */
static uint64_t make_at_one_point(struct world *world, uint64_t bytes_max)
{
    struct table_room room = {TABLE_CLIENTS_MAX, bytes_max};
    world->table = table_new(key);
    table_limit(world->table, &(struct table_limits){room, room, 0});
    table_make_grid(world->table);
    move_all(world, "+34.068930-118.445127");
    return table_bytes(world->table);
}

/* Forty to each of some places, for whom alone forks are needed down to their cell. */
static void move_in_swarms(struct world *world)
{
    char text[TEXT_BYTES];
    for (uint32_t i = 0; i < world->count; i++) {
        if (i % 40 == 0) {
            struct degrees to = in_the_ocean();
            write_degrees(write_degrees(text, to.latitude_nano, 6), to.longitude_nano, 6);
        }
        put(world, (i + 7) % world->count, text);
    }
}

/* Moves one after the other far away, until a search looks at all slots or none is left; how many
 * were moved. `before` is what the last search but one looked at, `steps` the last. */
static uint32_t move_until_too_many(struct world *world, int64_t *before, int64_t *steps)
{
    uint32_t moved = 0;
    *steps = 0;
    for (; *steps < world->count && moved < world->count; moved++) {
        char text[TEXT_BYTES];
        struct degrees to = in_the_ocean();
        write_degrees(write_degrees(text, to.latitude_nano, 6), to.longitude_nano, 6);
        put(world, moved, text);
        *before = *steps;
        *steps = count_steps(world);
        if (moved % 8 == 0)
            search_once(world, 50);
    }
    return moved;
}

/* So many of them are found without a look at all slots. In one world of four the leaf that they
 * leave has room for all in time. */
static void few_who_are_in_no_leaf_are_listed(void)
{
    static struct world world;
    make(&world, 2900, at_one_point);
    table_destroy(&world.table);
    uint64_t bytes_max = make_at_one_point(&world, UINT64_MAX);
    int64_t least = 0, steps = 0, before = 0;
    uint32_t moved = 0;
    for (uint32_t worlds = 0; worlds < 16 && steps <= world.count; worlds++) {
        table_destroy(&world.table);
        make_at_one_point(&world, bytes_max);
        least = count_steps(&world);
        moved = move_until_too_many(&world, &before, &steps);
    }
    /* Of as many as are listed; the next one makes it look at all slots. Forks on its way and a
     * leaf take some, too. */
    CHECK(before >= GRID_SOME_MAX && before <= GRID_SOME_MAX + GRID_KEY_BITS + 32);
    CHECK(steps > world.count);
    CHECK(table_is_sound(world.table));
    for (uint32_t i = 0; i < moved; i++)
        put(&world, i, "+91+0");
    for (uint32_t i = 0; i < moved; i++)
        put(&world, i, "+34.068930-118.445127");
    CHECK(count_steps(&world) <= least && table_is_sound(world.table));
    table_destroy(&world.table);
}

/* Also where the grid gets no memory: who is in no leaf then is found all the same. */
static void no_move_of_a_known_client_is_refused(void)
{
    static struct world world;
    make(&world, 2000, at_one_point);
    table_destroy(&world.table);
    uint64_t bytes_max = make_at_one_point(&world, UINT64_MAX);
    for (uint32_t round = 0; round < 5; round++) {
        table_destroy(&world.table);
        CHECK(make_at_one_point(&world, bytes_max) <= bytes_max);
        CHECK_INT(table_count(world.table), world.count);
        for (uint32_t turn = 0; turn < 4; turn++) {
            move_in_swarms(&world);
            CHECK(count_steps(&world) > world.count);
            CHECK(table_is_sound(world.table));
            for (uint32_t i = 0; i < 20; i++) {
                search_once(&world, 50);
                put(&world, (uint32_t)roll(world.count), "+1+1");
            }
        }
        /* From nowhere there is room for all. */
        move_all(&world, "+91+0");
        move_all(&world, "+34.068930-118.445127");
        CHECK(count_steps(&world) < world.count && table_is_sound(world.table));
    }
    table_destroy(&world.table);
}

static const struct check_case cases[] = {
    {"digits that are nearly the same are told apart",
     digits_that_are_nearly_the_same_are_told_apart},
    {"all of a circle are found", all_of_a_circle_are_found},
    {"what changes outside changes nothing", what_changes_outside_changes_nothing},
    {"what is said is true at the end", what_is_said_is_true_at_the_end},
    {"an antipode stays where it is", an_antipode_stays_where_it_is},
    {"who is over is not near", who_is_over_is_not_near},
    {"a client takes twelve bytes at most", a_client_takes_twelve_bytes_at_most},
    {"memory may be refused", memory_may_be_refused},
    {"few who are in no leaf are listed", few_who_are_in_no_leaf_are_listed},
    {"no move of a known client is refused", no_move_of_a_known_client_is_refused},
    {"it is what a comparison of all clients says", is_what_all_comparisons_say},
};

int main(int count, char **values)
{
    if (count == 2)
        searches_max = (uint32_t)strtoul(values[1], NULL, 10);
    return check_run(cases, sizeof cases / sizeof *cases);
}
