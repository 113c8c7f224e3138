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
