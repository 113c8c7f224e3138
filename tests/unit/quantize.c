#include "placesd/dispatch/quantize.h"

#include <math.h>

#include "tests/check.h"

static uint64_t rng = 7;

static uint64_t roll(uint64_t sides)
{
    rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (rng >> 20) % sides;
}

static struct lookup anywhere(uint32_t radius_m)
{
    return (struct lookup){
        .latitude_nanodeg = (int64_t)roll(180000000001) - 90000000000,
        .longitude_nanodeg = (int64_t)roll(360000000001) - 180000000000,
        .radius_m = radius_m,
    };
}

/* More than the true distance between two close points: a degree is nowhere longer than at the
 * poles (WGS 84), and its share along a parallel is the cosine of the latitude. */
static double distance_m(const struct lookup *a, const struct lookup *b)
{
    double to_radians = acos(-1) / 180e9;
    double lowest = fmin(fabs((double)a->latitude_nanodeg), fabs((double)b->latitude_nanodeg));
    double north = (double)(a->latitude_nanodeg - b->latitude_nanodeg);
    double east = (double)(a->longitude_nanodeg - b->longitude_nanodeg) * cos(lowest * to_radians);
    return hypot(north, east) * 111694 / 1e9;
}

static void moves_no_place_too_far(void)
{
    static const uint32_t radii_m[] = {1, 2, 19, 100, 999, 1000, 10000, 50000};
    static const uint32_t grids_m[] = {1, 10, 100, 500, 2500};
    double farthest = 0;
    for (int i = 0; i < 200000; i++) {
        struct lookup asked = anywhere(radii_m[i % 8]);
        struct lookup rounded = asked;
        quantize(&rounded, grids_m[i / 8 % 5]);
        double moved_m = distance_m(&asked, &rounded);
        double allowed_m = (double)asked.radius_m * 0.05;
        CHECK(moved_m <= allowed_m);
        CHECK(moved_m <= grids_m[i / 8 % 5] * 0.7075);
        CHECK(llabs(rounded.latitude_nanodeg) <= 90000000000);
        CHECK(llabs(rounded.longitude_nanodeg) <= 180000000000);
        if (moved_m / allowed_m > farthest)
            farthest = moved_m / allowed_m;
        struct lookup again = rounded;
        quantize(&again, grids_m[i / 8 % 5]);
        CHECK(again.latitude_nanodeg == rounded.latitude_nanodeg &&
              again.longitude_nanodeg == rounded.longitude_nanodeg);
    }
    CHECK(farthest > 0.9); /* what is allowed is used */
}

static void leaves_exact_places_alone(void)
{
    for (int i = 0; i < 1000; i++) {
        struct lookup asked = anywhere(i % 2 == 0 ? 0 : 10000), rounded = asked;
        quantize(&rounded, i % 2 == 0 ? 100 : 0);
        CHECK(memcmp(&asked, &rounded, sizeof asked) == 0);
    }
}

static void neighbours_are_one_question(void)
{
    struct lookup a = {34068930000, -118445127000, 10000, 5, 1000}, b = a, c = a;
    b.latitude_nanodeg += 1000; /* a tenth of a millimetre */
    c.longitude_nanodeg += 20000000;
    quantize(&a, 100);
    quantize(&b, 100);
    quantize(&c, 100);
    CHECK(a.latitude_nanodeg == b.latitude_nanodeg && a.longitude_nanodeg == b.longitude_nanodeg);
    CHECK(a.longitude_nanodeg != c.longitude_nanodeg);
    CHECK_INT(a.radius_m, 10000);
    CHECK_INT(a.bound, 5);
}

static const struct check_case cases[] = {
    {"no place moves by more than 5 % of the radius", moves_no_place_too_far},
    {"without a grid or a radius a place stays as it is", leaves_exact_places_alone},
    {"neighbouring places become one", neighbours_are_one_question},
};

CHECK_MAIN(cases)
