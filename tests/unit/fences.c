/* Which circles may hold a point, against a comparison with all circles.
 *
 *     test_unit_fences           some thousand points
 *     test_unit_fences 1000000   so many */
#include "gateway/text/fences.h"

#include "tests/check.h"

#define FENCES 400u
#define POINTS 20000u
#define NODES  5000u

static uint64_t state = 5;
static uint32_t points_max = POINTS;

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

static int64_t clamp(int64_t value, int64_t max)
{
    return value > max ? max : value < -max ? -max : value;
}

/* Both poles, the antimeridian, zero, borders of cells, and anywhere. */
static struct degrees choose_place(void)
{
    static const int64_t latitudes[] = {90, -90, 0, 60, -60, 75, 45, 89, -89};
    static const int64_t longitudes[] = {180, -180, 0, 90, -90, 179, -179};
    int64_t apart = INT64_C(1) << roll(36);
    if (roll(3) == 0)
        return (struct degrees){between(-90 * NANO, 90 * NANO), between(-180 * NANO, 180 * NANO)};
    int64_t latitude = latitudes[roll(9)] * NANO + between(-2, 2) * (NANO / 100);
    int64_t longitude = longitudes[roll(7)] * NANO + between(-2, 2) * (NANO / 100);
    latitude += roll(2) == 0 ? between(-apart, apart) : between(-1, 1);
    longitude += roll(2) == 0 ? between(-apart, apart) : between(-1, 1);
    return (struct degrees){clamp(latitude, 90 * NANO), clamp(longitude, 180 * NANO)};
}

static int64_t choose_radius(void)
{
    int64_t radius_mm = (int64_t)roll(UINT64_C(1) << roll(31));
    return roll(20) == 0                     ? FENCE_RADIUS_MM_MAX
           : radius_mm > FENCE_RADIUS_MM_MAX ? FENCE_RADIUS_MM_MAX
                                             : radius_mm;
}

struct world {
    struct fences fences;
    struct fence all[FENCES];
    uint32_t found[FENCES];
    struct allowance allowance;
};

static struct degrees near_to(const struct fence *fence)
{
    int64_t apart = fence->radius_mm * 10 + 10;
    return (struct degrees){
        clamp(fence->centre.at.latitude_nano + between(-apart, apart), 90 * NANO),
        clamp(fence->centre.at.longitude_nano + between(-apart, apart), 180 * NANO)};
}

static void look_for(struct world *world, struct degrees at)
{
    struct fences_walk walk;
    struct fence *fence;
    struct arc_point point = arc_point(at);
    memset(world->found, 0, sizeof world->found);
    fences_begin(&walk, &world->fences, &at);
    while ((fence = fences_next(&walk)) != NULL)
        world->found[fence - world->all]++;
    for (uint32_t i = 0; i < FENCES; i++) {
        int64_t mm;
        fence = &world->all[i];
        bool holds = fence->cells != NULL && fence_distance(fence, &point, &mm);
        CHECK(world->found[i] <= 1);
        if (holds && world->found[i] == 0) {
            printf("    a circle of %lld mm around %lld %lld does not find %lld %lld\n",
                   (long long)fence->radius_mm, (long long)fence->centre.at.latitude_nano,
                   (long long)fence->centre.at.longitude_nano, (long long)at.latitude_nano,
                   (long long)at.longitude_nano);
            CHECK(false);
        }
        if (fence->cells != NULL)
            CHECK(fence->cell_count > 0 && fence->cell_count <= FENCE_CELLS_MAX);
    }
}

/* In the hundredths of a degree that the digits of this one name, its edges included. */
static int64_t of_same_digits(int64_t nano)
{
    int64_t size = nano < 0 ? -nano : nano, rest = roll(3) == 0 ? 0 : between(0, NANO / 100 - 1);
    int64_t same = size / (NANO / 100) * (NANO / 100) + rest;
    return nano < 0 || (size < NANO / 100 && roll(2) == 0) ? -same : same;
}

#define WIDE_NANO ((NANO / 100) << 2 * FENCES_WIDE_LEVEL)
static uint32_t far_points;

/* Who is far from all circles at one point of its hundredths is so in all of them. */
static void look_at_what_is_far(struct world *world, struct degrees at)
{
    struct degrees other = {clamp(of_same_digits(at.latitude_nano), 90 * NANO),
                            clamp(of_same_digits(at.longitude_nano), 180 * NANO)};
    bool is_at_edge = at.latitude_nano == 90 * NANO || at.latitude_nano == -90 * NANO ||
                      at.longitude_nano == 180 * NANO || at.longitude_nano == -180 * NANO;
    if (world->fences.cells.nodes == 0 || is_at_edge || !fences_are_far(&world->fences, &at))
        return;
    struct arc_point point = arc_point(other);
    for (uint32_t i = 0; i < FENCES; i++) {
        int64_t mm;
        const struct fence *fence = &world->all[i];
        CHECK(fence->cells == NULL || !fence_distance(fence, &point, &mm));
    }
    far_points++;
}

/* A large circle comes and goes as any other: then nobody is far. */
static void who_is_far_is_far_until_a_circle_comes(void)
{
    static struct world world;
    world = (struct world){.allowance.max = UINT64_MAX, .fences.cells.seed = 78};
    for (uint32_t i = 0; i < points_max; i++) {
        struct fence *fence = &world.all[roll(FENCES)];
        struct degrees place = choose_place(), at = choose_place();
        bool was_far = world.fences.cells.nodes > 0 && fences_are_far(&world.fences, &at);
        uint32_t came = world.fences.came;
        int64_t radius_mm = roll(200) == 0 ? FENCE_RADIUS_MM_MAX : between(0, 20000000);
        if (roll(4) == 0) { /* at the southern edge of a wide cell, and south of that */
            at.latitude_nano = -90 * NANO + (int64_t)roll(140) * WIDE_NANO;
            place = (struct degrees){at.latitude_nano - between(1, NANO / 5), at.longitude_nano};
            place.latitude_nano = clamp(place.latitude_nano, 90 * NANO);
            was_far = false;
        }
        if (roll(8) == 0 || fence->level > FENCES_WIDE_LEVEL)
            fences_remove(&world.fences, fence, &world.allowance);
        else
            CHECK(fences_put(&world.fences, fence, &place, radius_mm, &world.allowance));
        if (was_far && world.fences.came == came && world.fences.cells.nodes > 0)
            CHECK(fences_are_far(&world.fences, &at));
        look_at_what_is_far(&world, at);
    }
    printf("    %u points far away\n", far_points);
    CHECK(far_points > points_max / 100);
    for (uint32_t i = 0; i < FENCES; i++)
        fences_remove(&world.fences, &world.all[i], &world.allowance);
    CHECK_INT(world.allowance.taken, 0);
}

static void every_circle_around_a_point_is_found(void)
{
    static struct world world;
    world = (struct world){.allowance.max = UINT64_MAX, .fences.cells.seed = 77};
    for (uint32_t i = 0; i < points_max; i++) {
        struct fence *fence = &world.all[roll(FENCES)];
        struct degrees place =
            roll(4) == 0 && fence->cells != NULL ? near_to(fence) : choose_place();
        if (roll(8) == 0)
            fences_remove(&world.fences, fence, &world.allowance);
        else
            CHECK(fences_put(&world.fences, fence, &place, choose_radius(), &world.allowance));
        look_for(&world, roll(2) == 0 ? near_to(&world.all[roll(FENCES)]) : choose_place());
        if (i % 500 == 0)
            CHECK(chains_is_sound(&world.fences.cells));
    }
    for (uint32_t i = 0; i < FENCES; i++)
        fences_remove(&world.fences, &world.all[i], &world.allowance);
    CHECK_INT(world.allowance.taken, 0);
    for (uint32_t level = 0; level < FENCES_LEVELS; level++)
        CHECK_INT(world.fences.of_level[level], 0);
}

static struct fences_calm calm_at(struct world *world, const struct degrees *at)
{
    struct fences_walk walk;
    struct fence *fence;
    struct arc_point point = arc_point(*at);
    struct fences_calm calm = fences_calm_around(&world->fences, at);
    int64_t mm;
    fences_begin(&walk, &world->fences, at);
    while ((fence = fences_next(&walk)) != NULL)
        if (!fence_distance(fence, &point, &mm))
            fences_calm_beside(&calm, fence, &point);
    return calm;
}

static int64_t edge_or_within(uint32_t low, uint32_t high)
{
    return roll(3) == 0 ? low : roll(2) == 0 || high < low ? high : between(low, high);
}

static uint32_t calm_points;

/* Circles that hold another point of it hold the one for which it is calm. */
static void look_at_what_is_calm(struct world *world, struct degrees at)
{
    struct fences_calm calm = calm_at(world, &at);
    struct arc_point point = arc_point(at);
    for (uint32_t i = 0; i < 8; i++) {
        int64_t mm, up = edge_or_within(calm.south_nano, calm.north_nano);
        int64_t across = edge_or_within(calm.west_nano, calm.east_nano);
        struct degrees other = {calm.latitude_unit * (NANO / 100) - 90 * NANO + up +
                                    (roll(4) == 0 ? between(-1, 1) : 0),
                                calm.longitude_unit * (NANO / 100) - 180 * NANO + across};
        if (i == 0)
            other = at;
        if (!fences_are_calm(&world->fences, &calm, &other))
            continue;
        struct arc_point there = arc_point(other);
        calm_points++;
        for (uint32_t k = 0; k < FENCES; k++) {
            const struct fence *fence = &world->all[k];
            if (fence->cells != NULL && fence_distance(fence, &there, &mm))
                CHECK(fence_distance(fence, &point, &mm));
        }
    }
}

/* Until a circle comes, or moves within its cells. */
static void no_other_circle_is_where_it_is_calm(void)
{
    static struct world world;
    world = (struct world){.allowance.max = UINT64_MAX, .fences.cells.seed = 79};
    for (uint32_t i = 0; i < points_max; i++) {
        struct fence *fence = &world.all[roll(FENCES)];
        struct degrees place = choose_place(), at = choose_place();
        int64_t radius_mm = choose_radius();
        if (roll(2) == 0) { /* some hundred metres to either side of an edge */
            int64_t apart = between(-3000000, 3000000);
            place = (struct degrees){clamp(at.latitude_nano + radius_mm * 9 + apart, 90 * NANO),
                                     at.longitude_nano};
        }
        struct fences_calm calm = fences_calm_around(&world.fences, &at);
        CHECK(fences_put(&world.fences, fence, &place, radius_mm, &world.allowance));
        CHECK(!fences_are_calm(&world.fences, &calm, &at));
        look_at_what_is_calm(&world, at);
    }
    printf("    %u calm points\n", calm_points);
    CHECK(calm_points > points_max / 4);
    for (uint32_t i = 0; i < FENCES; i++)
        fences_remove(&world.fences, &world.all[i], &world.allowance);
}

/* Whoever is far away looks at none of them, and a step within cells costs no change. */
static void circles_far_away_are_not_looked_at(void)
{
    static struct world world;
    struct fences_walk walk;
    world = (struct world){.allowance.max = UINT64_MAX};
    for (uint32_t i = 0; i < FENCES; i++) {
        struct degrees place = {48 * NANO + between(-NANO / 20, NANO / 20), 2 * NANO};
        CHECK(fences_put(&world.fences, &world.all[i], &place, between(2000, 10000000),
                         &world.allowance));
    }
    struct degrees away = {47 * NANO, 2 * NANO}, middle = {48 * NANO, 2 * NANO};
    fences_begin(&walk, &world.fences, &away);
    CHECK(fences_next(&walk) == NULL);
    fences_begin(&walk, &world.fences, &middle);
    CHECK(fences_next(&walk) != NULL);
    struct fence_place *cells = world.all[0].cells;
    struct degrees step = world.all[0].centre.at;
    step.latitude_nano++;
    CHECK(
        fences_put(&world.fences, &world.all[0], &step, world.all[0].radius_mm, &world.allowance));
    CHECK(world.all[0].cells == cells);
    for (uint32_t i = 0; i < FENCES; i++)
        fences_remove(&world.fences, &world.all[i], &world.allowance);
}

static void memory_that_is_refused_leaves_a_circle_nowhere(void)
{
    static struct world world;
    uint32_t refused = 0;
    for (uint64_t max = 620000; max < 660000; max += 200) {
        world = (struct world){.allowance.max = max};
        struct degrees place = {0};
        bool is_there = fences_put(&world.fences, &world.all[0], &place, 1000000, &world.allowance);
        refused += !is_there;
        CHECK(is_there == (world.all[0].cells != NULL));
        CHECK_INT(world.fences.cells.nodes, world.all[0].cell_count);
        fences_remove(&world.fences, &world.all[0], &world.allowance);
        CHECK_INT(world.allowance.taken, 0);
    }
    CHECK(refused > 3 && refused < 197);
}

/* ---- chains ---- */

static void nodes_are_found_by_their_numbers(void)
{
    static struct chains_node nodes[NODES];
    struct chains chains = {.seed = 1234};
    struct allowance allowance = {.max = UINT64_MAX};
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].number = i / 2;
        CHECK(chains_add(&chains, &nodes[i], &allowance));
        if (i % 100 == 0)
            CHECK(chains_is_sound(&chains));
    }
    CHECK_INT(chains.count, NODES);
    for (uint32_t i = 0; i < NODES / 2; i++) {
        uint32_t count = 0;
        for (const struct chains_node *node = chains_find(&chains, i); node != NULL;
             node = chains_after(node), count++)
            CHECK_INT(node->number, i);
        CHECK_INT(count, 2);
    }
    CHECK(chains_find(&chains, NODES) == NULL);
    for (uint32_t i = 0; i < NODES; i++) {
        chains_remove(&chains, &nodes[(i * 7u) % NODES], &allowance);
        if (i % 100 == 0)
            CHECK(chains_is_sound(&chains));
    }
    CHECK_INT(allowance.taken, 0);
    CHECK(chains_find(&chains, 0) == NULL);
}

static const struct check_case cases[] = {
    {"every circle around a point is found", every_circle_around_a_point_is_found},
    {"who is far is far until a circle comes", who_is_far_is_far_until_a_circle_comes},
    {"no other circle is where it is calm", no_other_circle_is_where_it_is_calm},
    {"circles far away are not looked at", circles_far_away_are_not_looked_at},
    {"memory that is refused leaves a circle nowhere",
     memory_that_is_refused_leaves_a_circle_nowhere},
    {"nodes are found by their numbers", nodes_are_found_by_their_numbers},
};

int main(int count, char **values)
{
    if (count == 2)
        points_max = (uint32_t)strtoul(values[1], NULL, 10);
    return check_run(cases, sizeof cases / sizeof *cases);
}
