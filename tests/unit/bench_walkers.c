/* The walkers of a demonstration: the same ones for a seed, each in its city, none too fast. */
#include <math.h>

#include "tests/bench/walkers.h"
#include "tests/check.h"

#define CITY(name, lat, lon)  "90\t" name "\tlocality,political\t" lat "\t" lon "\t" name "\n"
#define PLACE(name, lat, lon) "50\t" name "\tmuseum\t" lat "\t" lon "\tStreet 1\n"
#define TABLE                                                                                      \
    "# a comment\n" CITY("Alone", "10", "10") CITY("North", "50.00", "8.00")                       \
        PLACE("A", "50.01", "8.00") PLACE("B", "50.00", "8.02") PLACE("C", "50.02", "8.01")        \
            CITY("South", "-33.00", "179.99") PLACE("D", "-33.01", "179.98")

#define WALKERS 40

static void a_seed_decides_every_way(void)
{
    char line[WALKERS_LINE_BYTES_MAX], same[WALKERS_LINE_BYTES_MAX], other[WALKERS_LINE_BYTES_MAX];
    struct walkers *one = walkers_new(span_of(TABLE), WALKERS, 1);
    struct walkers *two = walkers_new(span_of(TABLE), WALKERS, 1);
    struct walkers *three = walkers_new(span_of(TABLE), WALKERS, 2);
    int differ = 0;
    for (int second = 0; second < 1000; second++) {
        walkers_move(one, 1);
        walkers_move(two, 1);
        walkers_move(three, 1);
    }
    for (uint32_t i = 0; i < WALKERS; i++) {
        size_t bytes = walkers_write(one, i, 1, line), same_bytes = walkers_write(two, i, 1, same);
        CHECK_BYTES(line, bytes, same, same_bytes);
        size_t other_bytes = walkers_write(three, i, 1, other);
        differ += other_bytes != bytes || memcmp(line, other, bytes) != 0;
    }
    CHECK(differ > WALKERS / 2);
    walkers_free(&one);
    walkers_free(&two);
    walkers_free(&three);
}

static void nobody_leaves_the_city_or_is_too_fast(void)
{
    struct walkers *walkers = walkers_new(span_of(TABLE), WALKERS, 7);
    struct sphere_point before[WALKERS];
    double far_m = 0;
    int south = 0;
    for (uint32_t i = 0; i < WALKERS; i++)
        before[i] = walkers_position(walkers, i);
    for (int second = 0; second < 2000; second++) {
        walkers_move(walkers, 1);
        for (uint32_t i = 0; i < WALKERS; i++) {
            struct sphere_point at = walkers_position(walkers, i);
            CHECK(sphere_distance_m(before[i], at) <= WALKERS_METRES_PER_S_MAX + 0.001);
            far_m += sphere_distance_m(before[i], at);
            bool is_south = at.latitude_deg < 0;
            CHECK_INT(is_south, i % 4 == 3);
            CHECK(fabs(at.latitude_deg - (is_south ? -33 : 50)) <= 0.021);
            south += is_south;
            before[i] = at;
        }
    }
    CHECK(far_m > 2000.0 * WALKERS * 2);
    CHECK_INT(south, 2000 * WALKERS / 4);
    walkers_free(&walkers);
}

static void a_line_is_an_iamat(void)
{
    static const char wanted[] = "IAMAT kiwi-0 +50.000000+8.000000 1621464827.000000005\n";
    static const char table[] = CITY("North", "50", "8") PLACE("A", "50", "8");
    char line[WALKERS_LINE_BYTES_MAX];
    struct walkers *walkers = walkers_new(span_of(table), 1, 1);
    size_t bytes = walkers_write(walkers, 0, UINT64_C(1621464827000000005), line);
    CHECK_BYTES(line, bytes, wanted, sizeof wanted - 1);
    walkers_free(&walkers);
}

static void a_table_without_ways_has_no_walkers(void)
{
    CHECK(walkers_new((struct span){0}, 1, 1) == NULL);
    CHECK(walkers_new(span_of("nonsense\n"), 1, 1) == NULL);
    CHECK(walkers_new(span_of(CITY("Alone", "10", "10")), 1, 1) == NULL);
    CHECK(walkers_new(span_of(PLACE("A", "10", "10") PLACE("B", "10", "11")), 1, 1) == NULL);
}

static const struct check_case cases[] = {
    {"a seed decides every way", a_seed_decides_every_way},
    {"nobody leaves the city or is too fast", nobody_leaves_the_city_or_is_too_fast},
    {"a line is an IAMAT", a_line_is_an_iamat},
    {"a table without two landmarks of a city has no walkers", a_table_without_ways_has_no_walkers},
};

CHECK_MAIN(cases)
