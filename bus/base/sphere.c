#include "bus/base/sphere.h"

#include <math.h>

static double radians(double degrees)
{
    return degrees * (M_PI / 180.0);
}

double sphere_distance_m(struct sphere_point a, struct sphere_point b)
{
    double up = sin(radians(b.latitude_deg - a.latitude_deg) / 2);
    double across = sin(radians(b.longitude_deg - a.longitude_deg) / 2);
    double h =
        up * up + cos(radians(a.latitude_deg)) * cos(radians(b.latitude_deg)) * across * across;
    return 2 * SPHERE_RADIUS_M * asin(sqrt(fmin(h, 1.0)));
}

/* The distance to the part of one meridian between south and north. Along the whole circle of
 * that meridian the cosine of the distance is a sine wave of the latitude: it has one highest
 * point, and falls off evenly on both sides. So the nearest point of the part is that latitude
 * where the part holds it, and otherwise one of the two ends. */
static double measure_to_meridian(struct sphere_point point, double longitude_deg, double south_deg,
                                  double north_deg)
{
    double latitude = radians(point.latitude_deg);
    double across = radians(longitude_deg - point.longitude_deg);
    double nearest_deg = atan2(sin(latitude), cos(latitude) * cos(across)) * (180.0 / M_PI);
    double south_m = sphere_distance_m(point, (struct sphere_point){south_deg, longitude_deg});
    double north_m = sphere_distance_m(point, (struct sphere_point){north_deg, longitude_deg});
    double distance_m = fmin(south_m, north_m);
    if (nearest_deg > south_deg && nearest_deg < north_deg) {
        struct sphere_point nearest = {nearest_deg, longitude_deg};
        distance_m = fmin(distance_m, sphere_distance_m(point, nearest));
    }
    return distance_m;
}

double sphere_box_m(struct sphere_point point, struct sphere_box box)
{
    if (point.longitude_deg >= box.west_deg && point.longitude_deg <= box.east_deg) {
        double nearest_deg = fmin(fmax(point.latitude_deg, box.south_deg), box.north_deg);
        struct sphere_point nearest = {nearest_deg, point.longitude_deg};
        return sphere_distance_m(point, nearest);
    }
    /* Along a parallel the distance only grows with the difference of longitude, so a point
     * beside the box is nearest to one of its two meridians, whichever way round. */
    double west_m = measure_to_meridian(point, box.west_deg, box.south_deg, box.north_deg);
    double east_m = measure_to_meridian(point, box.east_deg, box.south_deg, box.north_deg);
    return fmin(west_m, east_m);
}

/* Added to both, so that no rounding leaves out what is just reached: a tenth of a millimetre. */
#define REACH_MARGIN_DEG 1e-9

/* A meridian is a great circle: the sine of the distance to one that is d degrees away is
 * cos(latitude) times sin d (right spherical triangles). A circle that holds a pole touches all of
 * them. */
struct sphere_reach sphere_reach(struct sphere_point centre, double radius_m)
{
    double angle = radius_m / SPHERE_RADIUS_M, angle_deg = angle * (180.0 / M_PI);
    bool holds_a_pole = fabs(centre.latitude_deg) + angle_deg + REACH_MARGIN_DEG >= 90;
    double across =
        holds_a_pole ? M_PI : asin(fmin(sin(angle) / cos(radians(centre.latitude_deg)), 1.0));
    return (struct sphere_reach){
        .south_deg = centre.latitude_deg - angle_deg - REACH_MARGIN_DEG,
        .north_deg = centre.latitude_deg + angle_deg + REACH_MARGIN_DEG,
        .longitude_deg = centre.longitude_deg,
        .across_deg = across * (180.0 / M_PI) + REACH_MARGIN_DEG,
    };
}

bool sphere_reach_misses(const struct sphere_reach *reach, struct sphere_box box)
{
    if (box.south_deg > reach->north_deg || box.north_deg < reach->south_deg)
        return true;
    double to_west = box.west_deg - reach->longitude_deg;
    double to_east = reach->longitude_deg - box.east_deg;
    if (to_west <= 0 && to_east <= 0)
        return false;
    to_west += to_west < 0 ? 360 : 0;
    to_east += to_east < 0 ? 360 : 0;
    return to_west > reach->across_deg && to_east > reach->across_deg;
}
