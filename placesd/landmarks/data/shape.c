#include "placesd/landmarks/data/shape.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* An outline that goes on beyond the antimeridian instead of jumping may do so once around. */
#define LONGITUDE_DEG_MAX 360.0
/* The first and last position of an outline are the same, and there are two more (RFC 7946, 3.1.6).
 */
#define OUTLINE_POSITIONS_MIN 4

/* Of its box: a smaller share is what rounding leaves of areas that cancel. */
#define AREA_SHARE_MIN 1e-9
/* Seven decimals, about a centimetre (placesd/landmarks/data/nearby_search.h). */
#define SHOWN_UNITS 1e7

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

/* ---- an outline ---- */

/* What its positions add up to; longitudes go on over the antimeridian. Sums are measured from the
 * first position, so that small areas keep their digits. */
struct outline {
    struct sphere_point first, before;
    struct sphere_box box;
    size_t count;
    double doubled;    /* twice the area: the shoelace formula */
    double up, across; /* the moments of the area */
    struct sphere_point sum;
};

/* The same longitude, by the shorter way round from the one before. */
static double go_on(double before_deg, double longitude_deg)
{
    return longitude_deg - 360 * rint((longitude_deg - before_deg) / 360);
}

static void begin(struct outline *outline, struct sphere_point first)
{
    *outline = (struct outline){
        .first = first,
        .before = first,
        .box = {first.latitude_deg, first.latitude_deg, first.longitude_deg, first.longitude_deg},
    };
}

static void add(struct outline *outline, struct sphere_point next)
{
    next.longitude_deg = go_on(outline->before.longitude_deg, next.longitude_deg);
    double from_up = outline->before.latitude_deg - outline->first.latitude_deg;
    double from_across = outline->before.longitude_deg - outline->first.longitude_deg;
    double to_up = next.latitude_deg - outline->first.latitude_deg;
    double to_across = next.longitude_deg - outline->first.longitude_deg;
    double cross = from_across * to_up - to_across * from_up;
    outline->doubled += cross;
    outline->up += (from_up + to_up) * cross;
    outline->across += (from_across + to_across) * cross;
    outline->sum.latitude_deg += to_up;
    outline->sum.longitude_deg += to_across;
    outline->count++;
    struct sphere_box *box = &outline->box;
    box->south_deg = fmin(box->south_deg, next.latitude_deg);
    box->north_deg = fmax(box->north_deg, next.latitude_deg);
    box->west_deg = fmin(box->west_deg, next.longitude_deg);
    box->east_deg = fmax(box->east_deg, next.longitude_deg);
    outline->before = next;
}

/* Both halves of a figure of eight nearly cancel: what is left of the area says nothing about where
 * it lies, and dividing by it leads anywhere. */
static bool has_area(const struct outline *outline)
{
    const struct sphere_box *box = &outline->box;
    double whole = (box->north_deg - box->south_deg) * (box->east_deg - box->west_deg);
    return fabs(outline->doubled) > AREA_SHARE_MIN * whole;
}

static bool is_within(struct sphere_point at, const struct sphere_box *box)
{
    return at.latitude_deg >= box->south_deg && at.latitude_deg <= box->north_deg &&
           at.longitude_deg >= box->west_deg && at.longitude_deg <= box->east_deg;
}

/* Answers show seven decimals or a few more, and round what has more, even over the edge of the
 * box. So what lies next to an edge becomes a number of seven decimals on this side of it, if there
 * is one. */
static double keep_shown(double degrees, double least, double most)
{
    double half = 0.5 / SHOWN_UNITS;
    if (degrees - half >= least && degrees + half <= most)
        return degrees;
    double shown = rint(degrees * SHOWN_UNITS) / SHOWN_UNITS;
    if (shown > most)
        shown = floor(most * SHOWN_UNITS) / SHOWN_UNITS;
    else if (shown < least)
        shown = ceil(least * SHOWN_UNITS) / SHOWN_UNITS;
    return shown >= least && shown <= most ? shown : degrees;
}

/* The centroid of the area where that lies within the outline's own box, else the middle of its
 * positions. */
static struct sphere_point centre_of(const struct outline *outline)
{
    const struct sphere_box *box = &outline->box;
    double count = (double)outline->count;
    struct sphere_point first = outline->first;
    struct sphere_point centre = {
        first.latitude_deg + outline->sum.latitude_deg / count,
        first.longitude_deg + outline->sum.longitude_deg / count,
    };
    if (has_area(outline)) {
        struct sphere_point centroid = {
            first.latitude_deg + outline->up / (3 * outline->doubled),
            first.longitude_deg + outline->across / (3 * outline->doubled),
        };
        if (is_within(centroid, box))
            centre = centroid;
    }
    centre.latitude_deg = keep_shown(centre.latitude_deg, box->south_deg, box->north_deg);
    centre.longitude_deg = keep_shown(centre.longitude_deg, box->west_deg, box->east_deg);
    return centre;
}

/* Where an outline lies, and the size of its area. */
static bool read_outline(const json_t *positions, struct sphere_point *centre, double *area)
{
    size_t count = json_array_size(positions);
    struct sphere_point next;
    struct outline outline;
    if (count < OUTLINE_POSITIONS_MIN ||
        !read_position(json_array_get(positions, 0), LONGITUDE_DEG_MAX, &next))
        return false;
    begin(&outline, next);
    for (size_t i = 1; i < count; i++) {
        if (!read_position(json_array_get(positions, i), LONGITUDE_DEG_MAX, &next))
            return false;
        add(&outline, next);
    }
    *area = fabs(outline.doubled) * cos(outline.first.latitude_deg * (M_PI / 180));
    *centre = centre_of(&outline);
    centre->longitude_deg = wrap(centre->longitude_deg);
    return true;
}

/* ---- areas ---- */

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
