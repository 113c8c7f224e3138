#include "bus/base/sphere.h"

#include <math.h>

#include "tests/check.h"
#include "tests/unit/input.h"

#define RANDOM_ROUNDS 20000
#define BOX_ROUNDS    1500
#define BOX_STEPS     24

static uint64_t random_state = 0x9e3779b97f4a7c15u;

/* The same numbers in every run. */
static double draw(double low, double high)
{
    return input_draw_between(&random_state, low, high);
}

static void check_distance(double lat_a, double lng_a, double lat_b, double lng_b, double wanted_m)
{
    double got_m =
        sphere_distance_m((struct sphere_point){lat_a, lng_a}, (struct sphere_point){lat_b, lng_b});
    CHECK(fabs(got_m - wanted_m) < 0.01);
    if (fabs(got_m - wanted_m) >= 0.01)
        printf("    got %.3f m, not %.3f m\n", got_m, wanted_m);
}

static void knows_plain_distances(void)
{
    double degree_m = SPHERE_RADIUS_M * M_PI / 180;
    check_distance(12, 34, 12, 34, 0);
    check_distance(0, 0, 1, 0, degree_m);
    check_distance(0, 10, 0, 11, degree_m);
    check_distance(60, 0, 60, 0.0002, 0.0002 * degree_m * 0.5);
    check_distance(0, 0, 90, 0, 90 * degree_m);
    check_distance(-90, 0, 90, 0, 180 * degree_m);
}

static void crosses_poles_and_antimeridian(void)
{
    double degree_m = SPHERE_RADIUS_M * M_PI / 180;
    check_distance(0, 179.9995, 0, -179.9995, 0.001 * degree_m);
    check_distance(0, 180, 0, -180, 0);
    check_distance(90, 10, 90, -170, 0);
    check_distance(89.999, 0, 89.999, 180, 0.002 * degree_m);
    check_distance(-89.999, -90, -89.999, 90, 0.002 * degree_m);
}

/* The same distance by other means: the straight line through the ball. */
static double measure_chord_m(struct sphere_point a, struct sphere_point b)
{
    double k = M_PI / 180;
    double x = cos(a.latitude_deg * k) * cos(a.longitude_deg * k) -
               cos(b.latitude_deg * k) * cos(b.longitude_deg * k);
    double y = cos(a.latitude_deg * k) * sin(a.longitude_deg * k) -
               cos(b.latitude_deg * k) * sin(b.longitude_deg * k);
    double z = sin(a.latitude_deg * k) - sin(b.latitude_deg * k);
    return 2 * SPHERE_RADIUS_M * asin(fmin(1, sqrt(x * x + y * y + z * z) / 2));
}

static void agrees_with_the_chord(void)
{
    int wrong = 0;
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        double spread_deg = pow(10, draw(-5, 2));
        struct sphere_point a = {draw(-90, 90), draw(-180, 180)};
        struct sphere_point b = {
            fmax(-90, fmin(90, a.latitude_deg + draw(-spread_deg, spread_deg))),
            fmax(-180, fmin(180, a.longitude_deg + draw(-spread_deg, spread_deg)))};
        double distance_m = sphere_distance_m(a, b);
        wrong += fabs(distance_m - measure_chord_m(a, b)) > 0.001 + distance_m * 1e-6;
        wrong += distance_m > SPHERE_DISTANCE_M_MAX;
    }
    CHECK_INT(wrong, 0);
}

/* The shortest distance to any of a grid of points in the box. */
static double measure_samples_m(struct sphere_point point, struct sphere_box box)
{
    double least_m = SPHERE_DISTANCE_M_MAX;
    for (int i = 0; i <= BOX_STEPS; i++) {
        for (int j = 0; j <= BOX_STEPS; j++) {
            struct sphere_point sample = {
                box.south_deg + (box.north_deg - box.south_deg) * i / BOX_STEPS,
                box.west_deg + (box.east_deg - box.west_deg) * j / BOX_STEPS};
            least_m = fmin(least_m, sphere_distance_m(point, sample));
        }
    }
    return least_m;
}

static double draw_latitude(void)
{
    double pick = draw(0, 4);
    return pick < 1 ? draw(89, 90) : pick < 2 ? draw(-90, -89) : draw(-90, 90);
}

static double draw_longitude(void)
{
    double pick = draw(0, 4);
    return pick < 1 ? draw(179, 180) : pick < 2 ? draw(-180, -179) : draw(-180, 180);
}

/* Never above the nearest sample, and below it by no more than half a cell of the grid. */
static void bounds_boxes_from_below_and_closely(void)
{
    int above = 0;
    int loose = 0;
    for (int i = 0; i < BOX_ROUNDS; i++) {
        double lat_a = draw_latitude(), lat_b = draw(0, 2) < 1 ? draw_latitude() : lat_a + 0.01;
        double lng_a = draw_longitude(), lng_b = draw(0, 2) < 1 ? draw_longitude() : lng_a + 0.01;
        lat_b = fmin(lat_b, 90);
        lng_b = fmin(lng_b, 180);
        struct sphere_box box = {fmin(lat_a, lat_b), fmax(lat_a, lat_b), fmin(lng_a, lng_b),
                                 fmax(lng_a, lng_b)};
        struct sphere_point point = {draw_latitude(), draw_longitude()};
        double bound_m = sphere_box_m(point, box);
        double nearest_m = measure_samples_m(point, box);
        double cell_deg = (box.north_deg - box.south_deg + box.east_deg - box.west_deg) / BOX_STEPS;
        above += bound_m > nearest_m + 0.5;
        loose += bound_m < nearest_m - cell_deg * 111200 - 0.5;
    }
    CHECK_INT(above, 0);
    CHECK_INT(loose, 0);
}

/* A box that is missed is beyond the radius; and most boxes beyond it are missed. */
static void reaches_all_that_is_within(void)
{
    int wrong = 0, beyond = 0, missed = 0;
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        struct sphere_point point = {draw_latitude(), draw_longitude()};
        double radius_m = pow(10, draw(0, 7.4));
        double south = draw_latitude(), west = draw_longitude(), size_deg = pow(10, draw(-6, 1));
        struct sphere_box box = {south, fmin(south + size_deg, 90), west,
                                 fmin(west + size_deg, 180)};
        struct sphere_reach reach = sphere_reach(point, radius_m);
        bool is_beyond = sphere_box_m(point, box) > radius_m;
        bool is_missed = sphere_reach_misses(&reach, box);
        wrong += is_missed && !is_beyond;
        beyond += is_beyond;
        missed += is_missed;
    }
    CHECK_INT(wrong, 0);
    CHECK(beyond > RANDOM_ROUNDS / 2 && missed > beyond * 9 / 10);

    struct sphere_reach across = sphere_reach((struct sphere_point){0, 180}, 1000);
    CHECK(!sphere_reach_misses(&across, (struct sphere_box){0, 0, -180, -180}));
    CHECK(!sphere_reach_misses(&across, (struct sphere_box){0, 0, 180.00001, 180.00001}));
    CHECK(sphere_reach_misses(&across, (struct sphere_box){0, 0, -179.9, 179.9}));
    struct sphere_reach pole = sphere_reach((struct sphere_point){90, 0}, 1);
    CHECK(!sphere_reach_misses(&pole, (struct sphere_box){90, 90, 177, 178}));
    CHECK(sphere_reach_misses(&pole, (struct sphere_box){89, 89.9999, -180, 180}));
}

static void check_box(struct sphere_point point, struct sphere_box box, double wanted_m)
{
    double got_m = sphere_box_m(point, box);
    CHECK(fabs(got_m - wanted_m) < 0.01);
    if (fabs(got_m - wanted_m) >= 0.01)
        printf("    got %.3f m, not %.3f m\n", got_m, wanted_m);
}

static void knows_plain_boxes(void)
{
    double degree_m = SPHERE_RADIUS_M * M_PI / 180;
    struct sphere_box box = {10, 20, 30, 40};
    check_box((struct sphere_point){15, 35}, box, 0);
    check_box((struct sphere_point){20, 40}, box, 0);
    check_box((struct sphere_point){25, 35}, box, 5 * degree_m);
    check_box((struct sphere_point){5, 35}, box, 5 * degree_m);
    /* Seen over the pole, a corner is nearer than the middle of the northern edge. */
    double over_pole = sin(85 * M_PI / 180) * sin(20 * M_PI / 180) +
                       cos(85 * M_PI / 180) * cos(20 * M_PI / 180) * cos(175 * M_PI / 180);
    check_box((struct sphere_point){85, -145}, box, SPHERE_RADIUS_M * acos(over_pole));
    /* A box that reaches the antimeridian is near from the other side of it. */
    check_box((struct sphere_point){0, -179.999}, (struct sphere_box){-1, 1, 179, 180},
              0.001 * degree_m);
    check_box((struct sphere_point){0, 179.999}, (struct sphere_box){-1, 1, -180, -179},
              0.001 * degree_m);
    /* All meridians meet at the pole. */
    check_box((struct sphere_point){90, 0}, (struct sphere_box){80, 90, 100, 110}, 0);
}

/* Beside a tall box the nearest point lies between its corners, and is not at our latitude. */
static void finds_the_nearest_point_of_a_meridian(void)
{
    struct sphere_point point = {60, 0};
    struct sphere_box box = {0, 89, 60, 70};
    double corner_m = sphere_distance_m(point, (struct sphere_point){89, 60});
    double level_m = sphere_distance_m(point, (struct sphere_point){60, 60});
    double wanted_m = SPHERE_RADIUS_M * asin(cos(60 * M_PI / 180) * sin(60 * M_PI / 180));
    check_box(point, box, wanted_m);
    CHECK(wanted_m < corner_m && wanted_m < level_m);
}

static void stands_edges_rounded_beyond_the_earth(void)
{
    struct sphere_box north = {89.99999, 90.00001, -180.00002, 180.00002};
    CHECK(sphere_box_m((struct sphere_point){90, 0}, north) < 0.5);
    CHECK(sphere_box_m((struct sphere_point){89.99999, 180}, north) < 0.5);
    struct sphere_box south = {-90.00001, -89.99999, 10, 10};
    CHECK(sphere_box_m((struct sphere_point){-90, 0}, south) < 0.5);
    struct sphere_box seam = {0, 0, 180.00001, 180.00001};
    CHECK(sphere_box_m((struct sphere_point){0, -180}, seam) < 2);
}

static const struct check_case cases[] = {
    {"plain distances come out right", knows_plain_distances},
    {"poles and antimeridian are no borders", crosses_poles_and_antimeridian},
    {"20,000 random distances equal those of the chord", agrees_with_the_chord},
    {"plain boxes have the right distance, 0 inside", knows_plain_boxes},
    {"the nearest point may lie inside an edge", finds_the_nearest_point_of_a_meridian},
    {"no box is said to be further than its nearest point, nor much nearer",
     bounds_boxes_from_below_and_closely},
    {"what a circle is said to miss lies beyond it", reaches_all_that_is_within},
    {"edges a rounding beyond the Earth do no harm", stands_edges_rounded_beyond_the_earth},
};
CHECK_MAIN(cases)
