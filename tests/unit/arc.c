/* Distances in whole millimetres, against the same in numbers of a longer format. */
#include "bus/base/arc.h"

#include <math.h>
#include <stdlib.h>

#include "tests/check.h"

/* What the header promises, of which half a millimetre is the rounding. */
#define ERROR_MM_MAX 0.50002L
#define CASES        400000

static uint64_t state = 7;

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

static struct arc_point point(int64_t latitude_nano, int64_t longitude_nano)
{
    return arc_point((struct degrees){latitude_nano, longitude_nano});
}

static int64_t distance(struct arc_point a, struct arc_point b)
{
    return arc_distance_mm(&a, &b, arc_haversine(&a, &b));
}

/* The sine of half the angle, and its cosine, which is the sine of half of what is left to the
 * antipode. */
static long double refer(struct degrees a, struct degrees b)
{
    const long double nano = acosl(-1) / 180e9L;
    long double up = sinl((long double)(a.latitude_nano - b.latitude_nano) * nano / 2);
    long double over = sinl((long double)(a.latitude_nano + b.latitude_nano) * nano / 2);
    long double across = (long double)(a.longitude_nano - b.longitude_nano) * nano / 2;
    long double cosines = fabsl(cosl((long double)a.latitude_nano * nano) *
                                cosl((long double)b.latitude_nano * nano));
    return 2 * (long double)ARC_RADIUS_MM *
           atan2l(hypotl(up, sqrtl(cosines) * sinl(across)),
                  hypotl(over, sqrtl(cosines) * cosl(across)));
}

static void check_pair(struct degrees a, struct degrees b)
{
    struct arc_point from = arc_point(a), to = arc_point(b);
    int64_t mm = distance(from, to);
    long double wrong = fabsl((long double)mm - refer(a, b));
    if (!(wrong <= ERROR_MM_MAX) || mm != distance(to, from) || mm < 0 ||
        mm > ARC_DISTANCE_MM_MAX) {
        printf("    %+.9f%+.9f to %+.9f%+.9f: %lld mm, off by %Lg\n", (double)a.latitude_nano / 1e9,
               (double)a.longitude_nano / 1e9, (double)b.latitude_nano / 1e9,
               (double)b.longitude_nano / 1e9, (long long)mm, wrong);
        CHECK(false);
    }
    CHECK(arc_haversine(&from, &to) <= arc_haversine_max(mm));
}

static int64_t clamp(int64_t value, int64_t max)
{
    return value > max ? max : value < -max ? -max : value;
}

/* Near to a point: from a billionth of a degree to some degrees. */
static struct degrees near_to(struct degrees at)
{
    int64_t span = INT64_C(1) << roll(34);
    int64_t longitude = at.longitude_nano + between(-span, span);
    if (longitude > DEGREES_LONGITUDE_NANO_MAX)
        longitude -= 2 * DEGREES_LONGITUDE_NANO_MAX;
    if (longitude < -DEGREES_LONGITUDE_NANO_MAX)
        longitude += 2 * DEGREES_LONGITUDE_NANO_MAX;
    return (struct degrees){
        clamp(at.latitude_nano + between(-span, span), DEGREES_LATITUDE_NANO_MAX), longitude};
}

static struct degrees anywhere(void)
{
    struct degrees at = {between(-DEGREES_LATITUDE_NANO_MAX, DEGREES_LATITUDE_NANO_MAX),
                         between(-DEGREES_LONGITUDE_NANO_MAX, DEGREES_LONGITUDE_NANO_MAX)};
    if (roll(8) == 0)
        at.latitude_nano = roll(2) == 0 ? DEGREES_LATITUDE_NANO_MAX : -DEGREES_LATITUDE_NANO_MAX;
    if (roll(8) == 0)
        at.longitude_nano = roll(2) == 0 ? DEGREES_LONGITUDE_NANO_MAX : -DEGREES_LONGITUDE_NANO_MAX;
    return at;
}

static struct degrees antipode(struct degrees at)
{
    int64_t half = DEGREES_LONGITUDE_NANO_MAX;
    return (struct degrees){-at.latitude_nano, at.longitude_nano > 0 ? at.longitude_nano - half
                                                                     : at.longitude_nano + half};
}

static void is_right_everywhere(void)
{
    for (int i = 0; i < CASES; i++) {
        struct degrees a = anywhere();
        check_pair(a, anywhere());
        check_pair(a, near_to(a));
        check_pair(a, near_to(antipode(a)));
        CHECK_INT(distance(arc_point(a), arc_point(a)), 0);
    }
}

static void has_known_distances(void)
{
    /* Half of the circumference, a quarter, and a billionth of a degree: 0.1112 mm. */
    CHECK_INT(distance(point(90 * NANO, 0), point(-90 * NANO, 77 * NANO)), INT64_C(20015114442));
    CHECK_INT(distance(point(0, -180 * NANO), point(0, 0)), INT64_C(20015114442));
    CHECK_INT(distance(point(0, 0), point(0, 90 * NANO)), INT64_C(10007557221));
    CHECK_INT(distance(point(0, 0), point(1, 0)), 0);
    CHECK_INT(distance(point(0, 0), point(4, 0)), 0);
    CHECK_INT(distance(point(0, 0), point(5, 0)), 1);
    CHECK_INT(distance(point(0, 180 * NANO), point(0, -180 * NANO)), 0);
    CHECK_INT(distance(point(90 * NANO, 0), point(90 * NANO, 123 * NANO)), 0);
    CHECK_INT(distance(point(0, 180 * NANO - 5), point(0, -180 * NANO + 5)), 1);
}

static struct arc_box box_of(struct degrees a, struct degrees b)
{
    struct arc_box box = {a, b};
    if (a.latitude_nano > b.latitude_nano) {
        box.south_west.latitude_nano = b.latitude_nano;
        box.north_east.latitude_nano = a.latitude_nano;
    }
    if (a.longitude_nano > b.longitude_nano) {
        box.south_west.longitude_nano = b.longitude_nano;
        box.north_east.longitude_nano = a.longitude_nano;
    }
    return box;
}

/* No point of a box is nearer than the box. */
static void bounds_boxes(void)
{
    for (int i = 0; i < CASES; i++) {
        struct arc_point from = arc_point(anywhere());
        struct degrees a = anywhere(), b = roll(2) == 0 ? anywhere() : near_to(a);
        struct arc_box box = box_of(a, b);
        struct degrees low = box.south_west, high = box.north_east;
        struct arc_point inside = point(between(low.latitude_nano, high.latitude_nano),
                                        between(low.longitude_nano, high.longitude_nano));
        double haversine = arc_haversine(&from, &inside);
        CHECK(arc_haversine_box(&from, &box) <=
              arc_haversine_max(arc_distance_mm(&from, &inside, haversine)));
        CHECK(arc_haversine_box(&inside, &box) == 0);
    }
}

/* Nobody within a distance is beyond its reach, nor is a box that holds one; most others are. */
static void reaches_all_within_a_distance(void)
{
    int far = 0, beyond = 0;
    for (int i = 0; i < CASES; i++) {
        struct degrees a = anywhere(), b = roll(4) == 0 ? anywhere() : near_to(a);
        struct arc_point from = arc_point(a), to = arc_point(b);
        int64_t mm = distance(from, to);
        struct arc_box box = box_of(b, roll(2) == 0 ? anywhere() : near_to(b));
        struct arc_reach reach = arc_reach(&from, between(mm, ARC_DISTANCE_MM_MAX));
        CHECK(arc_may_reach(&reach, &from, &b) && arc_may_reach_box(&reach, &from, &box));
        arc_reach_set(&reach, mm);
        CHECK(arc_may_reach(&reach, &from, &b) && arc_may_reach_box(&reach, &from, &box));
        reach = arc_reach(&from, mm);
        CHECK(arc_may_reach(&reach, &from, &b) && arc_may_reach_box(&reach, &from, &box));
        CHECK(arc_haversine(&from, &to) <= reach.haversine_max);
        far += mm > 1000;
        arc_reach_set(&reach, mm / 4);
        beyond += mm > 1000 && !arc_may_reach(&reach, &from, &b);
    }
    CHECK(beyond > far / 2);
}

static const struct check_case cases[] = {
    {"distances that are known", has_known_distances},
    {"it is right everywhere", is_right_everywhere},
    {"a box is not further than what is in it", bounds_boxes},
    {"it reaches all within a distance", reaches_all_within_a_distance},
};

CHECK_MAIN(cases)
