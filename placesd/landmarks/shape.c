#include "placesd/landmarks/shape.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* An outline that goes on beyond the antimeridian instead of jumping may do so once around. */
#define LONGITUDE_DEG_MAX 360.0
/* The first and last position of an outline are the same, and there are two more (RFC 7946, 3.1.6).
 */
#define OUTLINE_POSITIONS_MIN 4

static double wrap(double longitude_deg)
{
    return fabs(longitude_deg) <= 180 ? longitude_deg : remainder(longitude_deg, 360);
}

/* A position has longitude, latitude, and perhaps an altitude. */
static bool read_position(const json_t *array, double longitude_deg_max,
                          struct sphere_point *position)
{
    const json_t *longitude = json_array_get(array, 0);
    const json_t *latitude = json_array_get(array, 1);
    if (!json_is_number(longitude) || !json_is_number(latitude))
        return false;
    position->longitude_deg = json_number_value(longitude);
    position->latitude_deg = json_number_value(latitude);
    return fabs(position->longitude_deg) <= longitude_deg_max && fabs(position->latitude_deg) <= 90;
}

/* The centroid of one outline by the shoelace formula, measured from the outline's first position
 * so that small areas keep their digits, and the size of its area. An outline without an area,
 * such as a line there and back, has the middle of its positions. */
static bool read_outline(const json_t *outline, struct sphere_point *centre, double *area)
{
    size_t count = json_array_size(outline);
    struct sphere_point first, before, middle = {0, 0};
    if (count < OUTLINE_POSITIONS_MIN ||
        !read_position(json_array_get(outline, 0), LONGITUDE_DEG_MAX, &first))
        return false;
    double doubled = 0, up = 0, across = 0;
    before = (struct sphere_point){0, 0};
    for (size_t i = 1; i < count; i++) {
        struct sphere_point next;
        if (!read_position(json_array_get(outline, i), LONGITUDE_DEG_MAX, &next))
            return false;
        next.latitude_deg -= first.latitude_deg;
        /* By the shorter way round from one position to the next. */
        next.longitude_deg =
            before.longitude_deg +
            remainder(next.longitude_deg - first.longitude_deg - before.longitude_deg, 360);
        double cross =
            before.longitude_deg * next.latitude_deg - next.longitude_deg * before.latitude_deg;
        doubled += cross;
        up += (before.latitude_deg + next.latitude_deg) * cross;
        across += (before.longitude_deg + next.longitude_deg) * cross;
        middle.latitude_deg += next.latitude_deg / (double)(count - 1);
        middle.longitude_deg += next.longitude_deg / (double)(count - 1);
        before = next;
    }
    *area = fabs(doubled) * cos(first.latitude_deg * (M_PI / 180));
    if (fabs(doubled) > 0)
        middle = (struct sphere_point){up / (3 * doubled), across / (3 * doubled)};
    centre->latitude_deg = fmax(-90, fmin(90, first.latitude_deg + middle.latitude_deg));
    centre->longitude_deg = wrap(wrap(first.longitude_deg) + middle.longitude_deg);
    return true;
}

/* The first outline of an area is its outer one. */
static bool read_area(const json_t *area, struct sphere_point *centre, double *size)
{
    return read_outline(json_array_get(area, 0), centre, size);
}

static bool read_largest(const json_t *areas, struct sphere_point *centre)
{
    double largest = -1;
    for (size_t i = 0; i < json_array_size(areas); i++) {
        struct sphere_point next;
        double size;
        if (!read_area(json_array_get(areas, i), &next, &size))
            return false;
        if (size > largest) {
            largest = size;
            *centre = next;
        }
    }
    return largest >= 0;
}

enum shape_kind shape_read(const json_t *geometry, struct sphere_point *position)
{
    static const char *const others[] = {"MultiPoint", "LineString", "MultiLineString",
                                         "GeometryCollection"};
    if (geometry == NULL || json_is_null(geometry))
        return SHAPE_OTHER;
    const char *type = json_string_value(json_object_get(geometry, "type"));
    const json_t *coordinates = json_object_get(geometry, "coordinates");
    if (type == NULL)
        return SHAPE_BROKEN;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(type, others[i]) == 0)
            return SHAPE_OTHER;
    }
    bool good = false;
    double size;
    if (strcmp(type, "Point") == 0)
        good = read_position(coordinates, 180, position);
    else if (strcmp(type, "Polygon") == 0)
        good = read_area(coordinates, position, &size);
    else if (strcmp(type, "MultiPolygon") == 0)
        good = read_largest(coordinates, position);
    return good ? SHAPE_PLACE : SHAPE_BROKEN;
}
