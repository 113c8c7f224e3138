/* arc: the great-circle distance of two points on the Earth taken as a ball, in whole millimetres,
 * the same on every machine.
 *
 * It knows no ellipsoid, and calls no function of a mathematics library, whose last digits differ
 * from one to the next: only + - * / and the square root of IEEE 754 doubles, each of which has one
 * right result. bus/base/sphere.h is for whoever needs metres in doubles and distances to a box.
 *
 * Up to a quarter of the circumference it is the haversine formula (R. W. Sinnott, "Virtues of the
 * Haversine", Sky and Telescope 68, 1984), beyond half of the circumference less the distance to
 * the antipode: there the formula alone is off by up to 0.26 m.
 *
 * Invariant: arc_distance_mm is symmetric, 0 for equal points, and within 0.50002 mm of the exact
 * distance: half a millimetre by rounding, and less than a fiftieth of a micrometre besides. */
#ifndef ZHERD_BUS_BASE_ARC_H
#define ZHERD_BUS_BASE_ARC_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/degrees.h"

/* R1 of GRS 80, as SPHERE_RADIUS_M. */
#define ARC_RADIUS_MM 6371008800.0
/* No two points are further apart: half of the circumference, rounded up. */
#define ARC_DISTANCE_MM_MAX INT64_C(20015114443)

/* A point and the cosine of its latitude, which each distance to it needs. */
struct arc_point {
    struct degrees at;
    double cosine;
};

struct arc_point arc_point(struct degrees at);

/* The square of the sine of half the angle between two points, which grows with the distance:
 * cheaper than that. */
double arc_haversine(const struct arc_point *a, const struct arc_point *b);

/* The distance of two points whose arc_haversine is `haversine`, rounded half up. */
int64_t arc_distance_mm(const struct arc_point *a, const struct arc_point *b, double haversine);

/* A haversine that no point within `mm` (0 to ARC_DISTANCE_MM_MAX) exceeds: a little more than the
 * one of that distance. */
double arc_haversine_max(int64_t mm);

/* Differences of latitude and longitude, in billionths of a degree, that nobody within some
 * distance of a point exceeds, so that most of who is further away needs no sine. */
struct arc_reach {
    double haversine_max; /* arc_haversine_max */
    double stretch;       /* what `across_nano` is to `up_nano` at most */
    int64_t up_nano, across_nano;
};

/* For all distances up to `mm_max` from the point; arc_reach_set chooses one. */
struct arc_reach arc_reach(const struct arc_point *point, int64_t mm_max);
void arc_reach_set(struct arc_reach *reach, int64_t mm);

/* False: further away than that. True says nothing. */
bool arc_may_reach(const struct arc_reach *reach, const struct arc_point *point,
                   const struct degrees *at);

/* A box between two parallels and two meridians: south <= north and west <= east, all on the globe.
 */
struct arc_box {
    struct degrees south_west, north_east;
};

/* At most the haversine of any point of the box, and 0 inside; up to rounding, for which
 * arc_haversine_max leaves room. */
double arc_haversine_box(const struct arc_point *point, const struct arc_box *box);

/* As arc_may_reach, of all points of the box. */
bool arc_may_reach_box(const struct arc_reach *reach, const struct arc_point *point,
                       const struct arc_box *box);

#endif
