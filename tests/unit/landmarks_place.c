#include "placesd/landmarks/data/place.h"

#include <math.h>

#include "tests/check.h"

#define GOOD_LINE "92\tRoyce Hall\tmuseum,library\t34.07280\t-118.44220\tDickson Plaza"

static bool read_landmark(const char *line, size_t bytes, struct place *place)
{
    return place_read_landmark((struct span){check_at_page_end(line, bytes), bytes}, place);
}

static bool read_zone(const char *line, struct place *place)
{
    size_t bytes = strlen(line);
    return place_read_zone((struct span){check_at_page_end(line, bytes), bytes}, place);
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void reads_a_landmark(void)
{
    struct place place;
    CHECK(read_landmark(GOOD_LINE, strlen(GOOD_LINE), &place));
    CHECK_INT(place.rank, 92);
    CHECK(strcmp(place.name, "Royce Hall") == 0);
    CHECK(strcmp(place.types, "museum,library") == 0);
    CHECK(strcmp(place.vicinity, "Dickson Plaza") == 0);
    CHECK(is_near(place.position.latitude_deg, 34.0728));
    CHECK(is_near(place.position.longitude_deg, -118.4422));
}

static void refuses_other_lines(void)
{
    static const char *const table[] = {
        "",
        "# rank, name",
        "#92\tA\tpark\t1\t2\tB",
        "\t\t\t\t\t",
        "92\tA\tpark\t1\t2",
        "92\tA\tpark\t1\t2\tB\tC",
        "0\tA\tpark\t1\t2\tB",
        "101\tA\tpark\t1\t2\tB",
        "+5\tA\tpark\t1\t2\tB",
        "9 \tA\tpark\t1\t2\tB",
        "0099\tA\tpark\t1\t2\tB",
        "\tA\tpark\t1\t2\tB",
        "92\t\tpark\t1\t2\tB",
        "92\tA\t\t1\t2\tB",
        "92\tA\tPark\t1\t2\tB",
        "92\tA\tpark,\t1\t2\tB",
        "92\tA\t,park\t1\t2\tB",
        "92\tA\tpark,,zoo\t1\t2\tB",
        "92\tA\tpark zoo\t1\t2\tB",
        "92\tA\tpark\t90.1\t2\tB",
        "92\tA\tpark\t1\t-180.1\tB",
        "92\tA\tpark\tx\t2\tB",
        "92\tA\tpark\t1\t2\t",
        "92\t\xff\tpark\t1\t2\tB",
        "92\tA\tpark\t1\t2\t\xc3",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct place place;
        CHECK(!read_landmark(table[i], strlen(table[i]), &place));
        if (read_landmark(table[i], strlen(table[i]), &place))
            printf("    taken: %s\n", table[i]);
    }
    struct place place;
    static const char nul[] = "92\tA\0B\tpark\t1\t2\tB";
    CHECK(!read_landmark(nul, sizeof nul - 1, &place));
}

static void holds_the_limits(void)
{
    struct place place;
    char line[1024];
    char text[256];
    static const char south[] = "1\tA\tpark\t-90\t180\tB";
    static const char north[] = "100\tA\tpark\t90\t-180\tB";
    memset(text, 'n', sizeof text);
    for (int more = 0; more <= 1; more++) {
        int bytes = snprintf(line, sizeof line, "1\t%.*s\tpark\t1\t2\tB",
                             PLACE_NAME_BYTES_MAX + more, text);
        CHECK_INT(read_landmark(line, (size_t)bytes, &place), more == 0);
        bytes =
            snprintf(line, sizeof line, "1\tA\t%.*s\t1\t2\tB", PLACE_TYPES_BYTES_MAX + more, text);
        CHECK_INT(read_landmark(line, (size_t)bytes, &place), more == 0);
        bytes = snprintf(line, sizeof line, "1\tA\tpark\t1\t2\t%.*s",
                         PLACE_VICINITY_BYTES_MAX + more, text);
        CHECK_INT(read_landmark(line, (size_t)bytes, &place), more == 0);
    }
    CHECK(read_landmark(south, strlen(south), &place));
    CHECK(read_landmark(north, strlen(north), &place));
}

static void stands_every_prefix(void)
{
    size_t vicinity = strlen(GOOD_LINE) - strlen("Dickson Plaza");
    for (size_t bytes = 0; bytes <= strlen(GOOD_LINE); bytes++) {
        struct place place;
        CHECK_INT(read_landmark(GOOD_LINE, bytes, &place), bytes > vicinity);
    }
    static const char zone[] = "US\t+404251-0740023\tAmerica/New_York\tEastern (most areas)";
    for (size_t bytes = 0; bytes < sizeof zone; bytes++) {
        struct place place;
        bool is_zone =
            place_read_zone((struct span){check_at_page_end(zone, bytes), bytes}, &place);
        CHECK_INT(is_zone, bytes > strlen("US\t+404251-0740023\tAmerica/"));
    }
}

static void reads_zones(void)
{
    static const struct {
        const char *line;
        const char *name;
        double latitude_deg, longitude_deg;
    } table[] = {
        {"US\t+404251-0740023\tAmerica/New_York\tEastern (most areas)", "New York",
         40 + 42 / 60.0 + 51 / 3600.0, -(74 + 23 / 3600.0)},
        {"AD\t+4230+00131\tEurope/Andorra", "Andorra", 42.5, 1 + 31 / 60.0},
        {"AR\t-3124-06411\tAmerica/Argentina/Cordoba\tArgentina", "Cordoba", -31.4,
         -(64 + 11 / 60.0)},
        {"CH,DE,LI\t+4723+00832\tEurope/Zurich", "Zurich", 47 + 23 / 60.0, 8 + 32 / 60.0},
        {"XX\t+9000-18000\tX/Y", "Y", 90, -180},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct place place;
        CHECK(read_zone(table[i].line, &place));
        CHECK(strcmp(place.name, table[i].name) == 0);
        CHECK(strcmp(place.vicinity, table[i].name) == 0);
        CHECK(is_near(place.position.latitude_deg, table[i].latitude_deg));
        CHECK(is_near(place.position.longitude_deg, table[i].longitude_deg));
        CHECK(place_is(&place, "locality"));
        CHECK_INT(place.rank, PLACE_ZONE_RANK);
    }
}

static void refuses_other_zones(void)
{
    static const char *const table[] = {
        "",
        "#code\tcoordinates\tTZ",
        "US",
        "US\t+404251-0740023",
        "US\t+404251-0740023\tUTC",
        "US\t+404251-0740023\tAmerica/",
        "US\t404251-0740023\tAmerica/A",
        "US\t+404251\tAmerica/A",
        "US\t+\tAmerica/A",
        "US\t\tAmerica/A",
        "US\t+40-074\tAmerica/A",
        "US\t+4042-07400231\tAmerica/A",
        "US\t+4060-07400\tAmerica/A",
        "US\t+404260-0740023\tAmerica/A",
        "US\t+9001+00000\tAmerica/A",
        "US\t+0000+18001\tAmerica/A",
        "US\t+4x42-07400\tAmerica/A",
        "US\t+4042-07400+1\tAmerica/A",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct place place;
        CHECK(!read_zone(table[i], &place));
        if (read_zone(table[i], &place))
            printf("    taken: %s\n", table[i]);
    }
}

static void knows_types(void)
{
    struct place place = {.types = "museum,art_gallery,park"};
    CHECK(place_is(&place, "museum"));
    CHECK(place_is(&place, "art_gallery"));
    CHECK(place_is(&place, "park"));
    CHECK(!place_is(&place, "art"));
    CHECK(!place_is(&place, "gallery"));
    CHECK(!place_is(&place, "museum,art"));
    CHECK(!place_is(&place, "parking"));
}

static void ids_are_stable_and_tell_places_apart(void)
{
    struct place place = {.name = "Royce Hall", .position = {34.0728, -118.4422}, .rank = 5};
    char id[PLACE_ID_BYTES_MAX + 1];
    char other[PLACE_ID_BYTES_MAX + 1];
    place_write_id(&place, id);
    CHECK_INT(strlen(id), PLACE_ID_BYTES_MAX);
    /* Written down once: a client may have kept it. */
    CHECK_BYTES(id, strlen(id), "zherd-1ce5fd40759f00e7", 22);
    place.rank = 90;
    strcpy(place.types, "museum");
    place_write_id(&place, other);
    CHECK(strcmp(id, other) == 0);
    place.position.latitude_deg = 34.072801;
    place_write_id(&place, other);
    CHECK(strcmp(id, other) != 0);
    place.position.latitude_deg = 34.0728;
    strcpy(place.name, "Royce hall");
    place_write_id(&place, other);
    CHECK(strcmp(id, other) != 0);
}

static const struct check_case cases[] = {
    {"a landmark's line becomes a place", reads_a_landmark},
    {"anything else is no landmark", refuses_other_lines},
    {"texts may be as long as their limit and no longer", holds_the_limits},
    {"every prefix of a line is whole or refused", stands_every_prefix},
    {"a line of the time zone table becomes a city", reads_zones},
    {"anything else is no zone", refuses_other_zones},
    {"types are compared as whole words", knows_types},
    {"an id depends on name and position alone", ids_are_stable_and_tell_places_apart},
};
CHECK_MAIN(cases)
