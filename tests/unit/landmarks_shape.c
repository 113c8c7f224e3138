#include "placesd/landmarks/shape.h"

#include <math.h>

#include "tests/check.h"

static enum shape_kind read_text(const char *text, struct sphere_point *position)
{
    json_t *geometry = json_loads(text, JSON_DECODE_ANY, NULL);
    CHECK(geometry != NULL);
    enum shape_kind kind = shape_read(geometry, position);
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
        CHECK_INT(read_text(table[i].text, &at), SHAPE_PLACE);
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
              SHAPE_PLACE);
    CHECK(fabs(at.latitude_deg - 34.07285) < 1e-10);
    CHECK(fabs(at.longitude_deg + 118.44215) < 1e-10);
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
        CHECK_INT(read_text(table[i], &at), SHAPE_OTHER);
    CHECK_INT(shape_read(NULL, &at), SHAPE_OTHER);
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
        CHECK_INT(read_text(table[i], &at), SHAPE_BROKEN);
        if (read_text(table[i], &at) != SHAPE_BROKEN)
            printf("    taken: %s\n", table[i]);
    }
}

static const struct check_case cases[] = {
    {"points and centroids of areas, also over the antimeridian", finds_positions},
    {"a small area's centroid is as exact as its corners", keeps_the_digits_of_small_areas},
    {"lines, several points and nothing are no position", passes_over_other_shapes},
    {"what is no geometry or not on the Earth is broken", refuses_broken_ones},
};
CHECK_MAIN(cases)
