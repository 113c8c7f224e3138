/* sphere: distances on the Earth taken as a ball.
 *
 * It knows no ellipsoid and no map: against the real Earth these distances are off by up to
 * 0.6 %, which no radius of a nearby search notices, and in return they are the same everywhere.
 *
 * Invariant: sphere_box_m is never greater than sphere_distance_m to any point of the box, over
 * the poles and across the antimeridian too (up to rounding, far below a metre). */
#ifndef ZHERD_BUS_BASE_SPHERE_H
#define ZHERD_BUS_BASE_SPHERE_H

#include <stdbool.h>

/* Mean radius of the Earth (R1 of GRS 80, as the IUGG defines it). */
#define SPHERE_RADIUS_M 6371008.8
/* No two points are further apart: half of the circumference, rounded up. */
#define SPHERE_DISTANCE_M_MAX 20015116.0

struct sphere_point {
    double latitude_deg;  /* -90 to 90 */
    double longitude_deg; /* -180 to 180 */
};

/* A box between two parallels and two meridians. It does not wrap: south <= north and west <=
 * east. Edges may lie a rounding beyond the pole or the antimeridian, as indexes of single
 * precision store them. */
struct sphere_box {
    double south_deg;
    double north_deg;
    double west_deg;
    double east_deg;
};

/* Great-circle distance by the haversine formula (R. W. Sinnott, "Virtues of the Haversine",
 * Sky and Telescope 68, 1984), which keeps its precision for points close together. */
double sphere_distance_m(struct sphere_point a, struct sphere_point b);

/* Distance from `point` to the nearest point of `box`; 0 inside. */
double sphere_box_m(struct sphere_point point, struct sphere_box box);

/* What a circle may reach: the parallels that it touches and how far it goes to the east and to the
 * west. Finding out that a box is not reached takes no trigonometry. */
struct sphere_reach {
    double south_deg, north_deg;
    double longitude_deg,
        across_deg; /* of the centre, and on both sides; 180 or more: all around */
};

struct sphere_reach sphere_reach(struct sphere_point centre, double radius_m);

/* True only where every point of the box is further away than the radius; false says nothing. */
bool sphere_reach_misses(const struct sphere_reach *reach, struct sphere_box box);

#endif
