#include "placesd/landmarks/data/feature.h"

#include <math.h>

#include "tests/check.h"
#include "tests/unit/input.h"

#define OUTLINES      20000
#define POSITIONS_MAX 12

static enum feature_kind read_text(const char *text, struct sphere_point *position)
{
    json_t *geometry = json_loads(text, JSON_DECODE_ANY, NULL);
    CHECK(geometry != NULL);
    enum feature_kind kind = feature_read_geometry(geometry, position);
    json_decref(geometry);
    return kind;
}

static void finds_positions(void)
{
    static const struct {
        const char *text;
        double latitude_deg, longitude_deg;
    } table[] = {
        {"{\"type\":\"Point\",\"coordinates\":[-118.4422,34.0728]}", 34.0728, -118.4422},
        {"{\"type\":\"Point\",\"coordinates\":[180,-90,1200]}", -90, 180},
        {"{\"type\":\"Point\",\"coordinates\":[0,0]}", 0, 0},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[10,20],[12,20],[12,22],[10,22],[10,20]]]}", 21,
         11},
        /* The other way round, and with a hole, which does not count. */
        {"{\"type\":\"Polygon\",\"coordinates\":[[[10,20],[10,22],[12,22],[12,20],[10,20]],"
         "[[10,20],[11,20],[11,21],[10,20]]]}",
         21, 11},
        /* A triangle, and an L: centroids, not middles of corners. */
        {"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[3,0],[0,3],[0,0]]]}", 1, 1},
        {"{\"type\":\"Polygon\",\"coordinates\":"
         "[[[0,0],[2,0],[2,1],[1,1],[1,3],[0,3],[0,0]]]}",
         1.25, 0.75},
        /* No area at all. */
        {"{\"type\":\"Polygon\",\"coordinates\":[[[1,1],[2,2],[3,3],[2,2],[1,1]]]}", 2, 2},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[7,8],[7,8],[7,8],[7,8]]]}", 8, 7},
        /* The largest of several. */
        {"{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0],[1,0],[1,1],[0,0]]],"
         "[[[50,50],[60,50],[60,60],[50,60],[50,50]]],[[[2,2],[3,2],[3,3],[2,2]]]]}",
         55, 55},
        /* Size counts on the sphere: in the north a degree of longitude is short. */
        {"{\"type\":\"MultiPolygon\",\"coordinates\":"
         "[[[[0,80],[5,80],[5,82],[0,82],[0,80]]],[[[0,0],[4,0],[4,2],[0,2],[0,0]]]]}",
         1, 2},
        /* Over the antimeridian, going on and jumping. */
        {"{\"type\":\"Polygon\",\"coordinates\":[[[179,0],[183,0],[183,2],[179,2],[179,0]]]}", 1,
         -179},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[179,0],[-177,0],[-177,2],[179,2],[179,0]]]}", 1,
         -179},
        {"{\"type\":\"Polygon\",\"coordinates\":[[[-179,0],[-183,0],[-183,2],[-179,2],[-179,0]]]}",
         1, 179},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct sphere_point at = {99, 999};
        CHECK_INT(read_text(table[i].text, &at), FEATURE_PLACE);
        bool is_right = fabs(at.latitude_deg - table[i].latitude_deg) < 1e-9 &&
                        fabs(at.longitude_deg - table[i].longitude_deg) < 1e-9;
        CHECK(is_right);
        if (!is_right)
            printf("    %s: %g %g\n", table[i].text, at.latitude_deg, at.longitude_deg);
    }
}

/* The shoelace formula on whole coordinates would lose the last four digits of a building. */
static void keeps_the_digits_of_small_areas(void)
{
    struct sphere_point at;
    CHECK_INT(read_text("{\"type\":\"Polygon\",\"coordinates\":[[[-118.4422,34.0728],"
                        "[-118.4421,34.0728],[-118.4421,34.0729],[-118.4422,34.0729],"
                        "[-118.4422,34.0728]]]}",
                        &at),
              FEATURE_PLACE);
    CHECK(fabs(at.latitude_deg - 34.07285) < 1e-10);
    CHECK(fabs(at.longitude_deg + 118.44215) < 1e-10);
}

/* ---- outlines that cross themselves ---- */

static uint64_t state = 17;

/* A number from 0 to 1. */
static double draw(void)
{
    return (double)(input_draw(&state) >> 11) * 0x1p-53;
}

/* Where an outline lies, and its longitudes as they go on. */
struct drawn {
    double longitudes_deg[POSITIONS_MAX], latitudes_deg[POSITIONS_MAX];
    size_t count;
    double west_deg, east_deg, south_deg, north_deg;
};

/* Any positions within a box of `size_deg`, in any order: nearly all such outlines cross
 * themselves. With `decimals` the positions have seven, as OpenStreetMap's do. */
static struct drawn draw_outline(double west_deg, double south_deg, double size_deg, bool decimals)
{
    struct drawn drawn = {.count = 4 + input_draw(&state) % (POSITIONS_MAX - 3),
                          .west_deg = 999,
                          .east_deg = -999,
                          .south_deg = 999,
                          .north_deg = -999};
    for (size_t i = 0; i < drawn.count; i++) {
        double longitude = west_deg + size_deg * draw(), latitude = south_deg + size_deg * draw();
        if (decimals) {
            longitude = rint(longitude * 1e7) / 1e7;
            latitude = rint(latitude * 1e7) / 1e7;
        }
        if (i + 1 == drawn.count) {
            longitude = drawn.longitudes_deg[0];
            latitude = drawn.latitudes_deg[0];
        }
        drawn.longitudes_deg[i] = longitude;
        drawn.latitudes_deg[i] = latitude;
        drawn.west_deg = fmin(drawn.west_deg, longitude);
        drawn.east_deg = fmax(drawn.east_deg, longitude);
        drawn.south_deg = fmin(drawn.south_deg, latitude);
        drawn.north_deg = fmax(drawn.north_deg, latitude);
    }
    return drawn;
}

/* With `jumps` longitudes beyond 180 degrees are written as those of the other side. */
static void write_outline(const struct drawn *drawn, bool jumps, struct buffer *text)
{
    for (size_t i = 0; i < drawn->count; i++) {
        double longitude = drawn->longitudes_deg[i];
        if (jumps && fabs(longitude) > 180)
            longitude -= copysign(360, longitude);
        char pair[80];
        snprintf(pair, sizeof pair, "%s[%.17g,%.17g]", i > 0 ? "," : "[", longitude,
                 drawn->latitudes_deg[i]);
        buffer_append(text, span_of(pair));
    }
    buffer_append(text, span_of("]"));
}

/* As an answer shows it. */
static double show(double degrees)
{
    char text[32];
    snprintf(text, sizeof text, "%.10g", degrees);
    return strtod(text, NULL);
}

static bool is_within(const struct drawn *drawn, double longitude_deg, double latitude_deg,
                      double slack_deg)
{
    /* Round the Earth to where the outline lies. */
    longitude_deg += 360 * rint((drawn->west_deg - longitude_deg) / 360);
    return longitude_deg >= drawn->west_deg - slack_deg &&
           longitude_deg <= drawn->east_deg + slack_deg &&
           latitude_deg >= drawn->south_deg - slack_deg &&
           latitude_deg <= drawn->north_deg + slack_deg;
}

/* However an outline crosses itself, what stands for it lies within its own box, and is shown so.
 */
static void stays_within_its_box(void)
{
    static const double wests_deg[] = {-118.4422, 0, 13.37, -0.00005, 179.9999, -180.0001, 120};
    static const double souths_deg[] = {34.0728, -0.00005, 52.5, -89.99, 89.9, -33.9};
    static const double sizes_deg[] = {0, 1e-12, 1e-8, 1e-6, 1e-4, 1e-3, 0.1};
    for (int i = 0; i < OUTLINES; i++) {
        double west_deg = wests_deg[input_draw(&state) % 7];
        struct drawn drawn =
            draw_outline(west_deg, souths_deg[input_draw(&state) % 6],
                         sizes_deg[input_draw(&state) % 7], input_draw(&state) % 2 == 0);
        /* Crossing the antimeridian a longitude is written otherwise, and loses its last bit. */
        double slack_deg = drawn.east_deg > 180 || drawn.west_deg < -180 ? 1e-12 : 0;
        bool is_shown = floor(drawn.east_deg * 1e7) >= ceil(drawn.west_deg * 1e7) &&
                        floor(drawn.north_deg * 1e7) >= ceil(drawn.south_deg * 1e7);
        for (int jumps = 0; jumps <= 1; jumps++) {
            struct buffer text = {0};
            buffer_append(&text, span_of("{\"type\":\"Polygon\",\"coordinates\":["));
            write_outline(&drawn, jumps == 1, &text);
            buffer_append(&text, (struct span){"]}", 3});
            struct sphere_point at;
            CHECK_INT(read_text(text.data, &at), FEATURE_PLACE);
            CHECK(fabs(at.longitude_deg) <= 180 && fabs(at.latitude_deg) <= 90);
            bool is_right = is_within(&drawn, at.longitude_deg, at.latitude_deg, slack_deg);
            CHECK(is_right);
            CHECK(!is_shown ||
                  is_within(&drawn, show(at.longitude_deg), show(at.latitude_deg), slack_deg));
            if (!is_right)
                printf("    %s: %.10g %.10g\n", text.data, at.longitude_deg, at.latitude_deg);
            buffer_free(&text);
        }
    }
}

/* Of several areas the position lies within one, whatever their holes are. */
static void stays_within_one_of_several(void)
{
    for (int i = 0; i < OUTLINES / 10; i++) {
        struct drawn drawn[3];
        struct buffer text = {0};
        buffer_append(&text, span_of("{\"type\":\"MultiPolygon\",\"coordinates\":["));
        for (size_t k = 0; k < 3; k++) {
            drawn[k] = draw_outline(10 + 5 * (double)k, 50, 1e-4, true);
            struct drawn hole = draw_outline(-70, -20, 3, true);
            buffer_append(&text, span_of(k > 0 ? ",[" : "["));
            write_outline(&drawn[k], false, &text);
            buffer_append(&text, span_of(","));
            write_outline(&hole, false, &text);
            buffer_append(&text, span_of("]"));
        }
        buffer_append(&text, (struct span){"]}", 3});
        struct sphere_point at;
        CHECK_INT(read_text(text.data, &at), FEATURE_PLACE);
        CHECK_INT(is_within(&drawn[0], at.longitude_deg, at.latitude_deg, 0) +
                      is_within(&drawn[1], at.longitude_deg, at.latitude_deg, 0) +
                      is_within(&drawn[2], at.longitude_deg, at.latitude_deg, 0),
                  1);
        buffer_free(&text);
    }
}

/* Two lobes of the same size, one turned round: together they have no area. */
static void a_figure_of_eight_is_at_its_middle(void)
{
    struct sphere_point at;
    CHECK_INT(read_text("{\"type\":\"Polygon\",\"coordinates\":[[[10,20],[10.0002,20.0002],"
                        "[10.0002,20],[10,20.0002],[10,20]]]}",
                        &at),
              FEATURE_PLACE);
    CHECK(fabs(at.longitude_deg - 10.0001) < 1e-9 && fabs(at.latitude_deg - 20.0001) < 1e-9);
    CHECK_INT(read_text("{\"type\":\"Polygon\",\"coordinates\":[[[10,20],[10.0002,20.0002],"
                        "[10.0002,20],[10,20.0002001],[10,20]]]}",
                        &at),
              FEATURE_PLACE);
    CHECK(fabs(at.longitude_deg - 10.0001) < 1e-9 && fabs(at.latitude_deg - 20.000100025) < 1e-9);
    /* A line there and back has nothing but its rounding for an area. */
    for (int i = 0; i < OUTLINES / 10; i++) {
        double west_deg = 13 + draw(), south_deg = 52 + draw(), step_deg = draw();
        char text[512];
        snprintf(
            text, sizeof text,
            "{\"type\":\"Polygon\",\"coordinates\":[[[%.17g,%.17g],[%.17g,%.17g],[%.17g,%.17g],"
            "[%.17g,%.17g],[%.17g,%.17g]]]}",
            west_deg, south_deg, west_deg + step_deg, south_deg + step_deg, west_deg + 3 * step_deg,
            south_deg + 3 * step_deg, west_deg + 2 * step_deg, south_deg + 2 * step_deg, west_deg,
            south_deg);
        CHECK_INT(read_text(text, &at), FEATURE_PLACE);
        CHECK(fabs(at.longitude_deg - west_deg - 1.5 * step_deg) < 1e-9);
        CHECK(fabs(at.latitude_deg - south_deg - 1.5 * step_deg) < 1e-9);
    }
}

static void passes_over_other_shapes(void)
{
    static const char *const table[] = {
        "null",
        "{\"type\":\"LineString\",\"coordinates\":[[1,2],[3,4]]}",
        "{\"type\":\"MultiLineString\",\"coordinates\":[]}",
        "{\"type\":\"MultiPoint\",\"coordinates\":[[1,2]]}",
        "{\"type\":\"GeometryCollection\",\"geometries\":[]}",
    };
    struct sphere_point at;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        CHECK_INT(read_text(table[i], &at), FEATURE_OTHER_SHAPE);
    CHECK_INT(feature_read_geometry(NULL, &at), FEATURE_OTHER_SHAPE);
}

static void refuses_broken_ones(void)
{
    static const char *const table[] = {
        "1",
        "[]",
        "{}",
        "{\"type\":7}",
        "{\"type\":\"Circle\",\"coordinates\":[1,2]}",
        "{\"type\":\"Point\"}",
        "{\"type\":\"Point\",\"coordinates\":[]}",
        "{\"type\":\"Point\",\"coordinates\":[1]}",
        "{\"type\":\"Point\",\"coordinates\":{\"0\":1}}",
        "{\"type\":\"Point\",\"coordinates\":[\"1\",\"2\"]}",
        "{\"type\":\"Point\",\"coordinates\":[1,90.0001]}",
        "{\"type\":\"Point\",\"coordinates\":[180.0001,1]}",
        "{\"type\":\"Point\",\"coordinates\":[1,-1e300]}",
        "{\"type\":\"Polygon\",\"coordinates\":[]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,4],[1,2]]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,4],[5,null],[1,2]]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,4],[5,91],[1,2]]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[[1,2],[3,4],[361,9],[1,2]]]}",
        "{\"type\":\"Polygon\",\"coordinates\":[[1,2],[3,4],[5,6],[1,2]]}",
        "{\"type\":\"MultiPolygon\",\"coordinates\":[]}",
        "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0],[1,0],[1,1],[0,0]]],7]}",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct sphere_point at;
        CHECK_INT(read_text(table[i], &at), FEATURE_BROKEN);
        if (read_text(table[i], &at) != FEATURE_BROKEN)
            printf("    taken: %s\n", table[i]);
    }
}

static const struct check_case cases[] = {
    {"points and centroids of areas, also over the antimeridian", finds_positions},
    {"a small area's centroid is as exact as its corners", keeps_the_digits_of_small_areas},
    {"20000 outlines that cross themselves: each is found within its box", stays_within_its_box},
    {"of several areas it is one of them, holes do not count", stays_within_one_of_several},
    {"a figure of eight and a line there and back are found at their middles",
     a_figure_of_eight_is_at_its_middle},
    {"lines, several points and nothing are no position", passes_over_other_shapes},
    {"what is no geometry or not on the Earth is broken", refuses_broken_ones},
};
CHECK_MAIN(cases)
