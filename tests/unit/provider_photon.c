#include "tests/unit/transform.h"

#define PHOTON &provider_photon

#define STADIUM                                                                                    \
    "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[13.2395,52.5147]},"   \
    "\"properties\":{\"name\":\"Olympiastadion\",\"osm_key\":\"leisure\","                         \
    "\"osm_value\":\"stadium\",\"osm_type\":\"W\",\"osm_id\":38862723,"                            \
    "\"street\":\"Olympischer Platz\",\"housenumber\":\"3\",\"state\":\"Berlin\"}}"
#define FEATURE(id, coordinates, properties)                                                       \
    "{\"geometry\":{\"coordinates\":" coordinates "},\"properties\":{\"osm_type\":\"N\","          \
    "\"osm_id\":" id "," properties "}}"
#define BAR(id, lat, name)                                                                         \
    FEATURE(id, "[-118.442," lat "]", "\"name\":\"" name "\",\"osm_value\":\"bar\"")

#define TAGS                                                                                       \
    "&limit=40&osm_tag=tourism&osm_tag=historic&osm_tag=leisure&osm_tag=amenity&osm_tag=shop"

static void writes_requests(void)
{
    struct lookup lookup = transform_here;
    transform_expect_request(PHOTON, &lookup,
                             "https://a.org/x?lat=34.0728&lon=-118.442&radius=2.000" TAGS "\n");
    lookup = (struct lookup){-89999999999, -179999999999, 50000, 0, 1};
    transform_expect_request(
        PHOTON, &lookup,
        "https://a.org/x?lat=-89.999999999&lon=-179.999999999&radius=50.000" TAGS "\n");
    lookup = (struct lookup){0, 0, 0, 20, 1};
    transform_expect_request(PHOTON, &lookup, "https://a.org/x?lat=0&lon=0&radius=0.001" TAGS "\n");
    lookup.radius_m = 1234;
    transform_expect_request(PHOTON, &lookup, "https://a.org/x?lat=0&lon=0&radius=1.234" TAGS "\n");
}

static void reads_features(void)
{
    transform_expect(
        PHOTON, "{\"type\":\"FeatureCollection\",\"features\":[" STADIUM "]}",
        "{\n"
        "   \"html_attributions\": [\n"
        "      \"\xc2\xa9 <a href=\\\"https://www.openstreetmap.org/copyright\\\">OpenStreetMap "
        "contributors</a>\"\n"
        "   ],\n"
        "   \"results\": [\n"
        "      {\n"
        "         \"geometry\": {\n"
        "            \"location\": {\n"
        "               \"lat\": 52.5147,\n"
        "               \"lng\": 13.2395\n"
        "            }\n"
        "         },\n"
        "         \"name\": \"Olympiastadion\",\n"
        "         \"place_id\": \"osm-W38862723\",\n"
        "         \"reference\": \"osm-W38862723\",\n"
        "         \"types\": [\n"
        "            \"stadium\",\n"
        "            \"point_of_interest\",\n"
        "            \"establishment\"\n"
        "         ],\n"
        "         \"vicinity\": \"Olympischer Platz 3, Berlin\"\n"
        "      }\n"
        "   ],\n"
        "   \"status\": \"OK\"\n"
        "}");
}

static void reads_nothing(void)
{
    transform_expect_code(PHOTON, 200, span_of("{\"features\":[]}"), LOOKUP_OK, "ZERO_RESULTS");
}

static void puts_the_nearest_first(void)
{
    const char *bodies[] = {
        "{\"features\":[" BAR("3", "34.09", "far") "," BAR("2", "34.08", "mid") "," BAR(
            "1", "34.0729", "near") "]}",
        "{\"features\":[" BAR("1", "34.0729", "near") "," BAR("3", "34.09", "far") "," BAR(
            "2", "34.08", "mid") "]}",
    };
    struct lookup lookup = transform_here;
    for (size_t i = 0; i < 2; i++)
        transform_expect_names(PHOTON, bodies[i], &lookup, "near,mid,far,");
    lookup.bound = 1;
    transform_expect_names(PHOTON, bodies[0], &lookup, "near,");
    /* Over the antimeridian the way is short. */
    lookup = (struct lookup){0, 179999000000, 2000, 20, 1};
    transform_expect_names(
        PHOTON,
        "{\"features\":[" FEATURE(
            "1", "[179.99,0]",
            "\"name\":\"west\",\"osm_value\":\"bar\"") "," FEATURE("2", "[-179.999,0]",
                                                                   "\"name\":\"east\",\"osm_"
                                                                   "value\":\"bar\"") "]}",
        &lookup, "east,west,");
}

static void prefers_the_city(void)
{
    transform_expect_code(
        PHOTON, 200,
        span_of("{\"features\":[" FEATURE("1", "[1,2]",
                                          "\"name\":\"x\",\"osm_value\":\"bar\",\"city\":\"Ulm\","
                                          "\"state\":\"Swabia\"") "]}"),
        LOOKUP_OK, "\"vicinity\": \"Ulm\"");
}

static void says_types_in_googles_words(void)
{
    static const struct {
        const char *tag, *type;
    } all[] = {
        {"\"osm_key\":\"amenity\",\"osm_value\":\"fuel\"", "[\n            \"gas_station\""},
        {"\"osm_key\":\"amenity\",\"osm_value\":\"new\"", "[\n            \"new\""},
        {"\"osm_key\":\"shop\",\"osm_value\":\"fuel\"", "[\n            \"fuel\""},
        {"\"osm_key\":\"historic\",\"osm_value\":\"yes\"", "[\n            \"point_of_interest\""},
        {"\"osm_value\":\"fuel\"", "[\n            \"fuel\""},
        {"\"osm_key\":\"amenity\",\"osm_value\":\"cafe; fuel\"",
         "[\n            \"cafe\",\n            \"gas_station\",\n            \"point_of"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char body[256];
        snprintf(body, sizeof body,
                 "{\"features\":[" FEATURE("1", "[1,2]", "\"name\":\"x\",%s") "]}", all[i].tag);
        transform_expect_code(PHOTON, 200, span_of(body), LOOKUP_OK, all[i].type);
    }
}

static void leaves_out_halves(void)
{
#define GOOD "\"name\":\"x\",\"osm_value\":\"bar\""
    static const char *const halves[] = {
        "null",
        "[]",
        "{}",
        "{\"geometry\":{\"coordinates\":[1,2]}}",
        FEATURE("1", "[1,2]", "\"osm_value\":\"bar\""),
        FEATURE("1", "[1,2]", "\"name\":\"x\""),
        FEATURE("1", "[1,2]", "\"name\":\"x\",\"osm_value\":\"no\""),
        FEATURE("1", "[1,2]", "\"name\":null,\"osm_value\":\"bar\""),
        FEATURE("0", "[1,2]", GOOD),
        FEATURE("\"1\"", "[1,2]", GOOD),
        FEATURE("1", "[]", GOOD),
        FEATURE("1", "[1]", GOOD),
        FEATURE("1", "{}", GOOD),
        FEATURE("1", "[[1,2],[1,2]]", GOOD),
        FEATURE("1", "[\"1\",\"2\"]", GOOD),
        FEATURE("1", "[1,91]", GOOD),
        FEATURE("1", "[-181,1]", GOOD),
        "{\"geometry\":{\"coordinates\":[1,2]},\"properties\":{\"osm_type\":\"X\",\"osm_id\":"
        "1," GOOD "}}",
        "{\"geometry\":{\"coordinates\":[1,2]},\"properties\":{\"osm_type\":\"NW\",\"osm_id\":"
        "1," GOOD "}}",
        "{\"geometry\":{\"coordinates\":[1,2]},\"properties\":{\"osm_type\":\"\",\"osm_id\":1," GOOD
        "}}",
        "{\"geometry\":[],\"properties\":{\"osm_type\":\"N\",\"osm_id\":1," GOOD "}}",
    };
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        char body[512];
        snprintf(body, sizeof body, "{\"features\":[%s," BAR("2", "34", "whole") "]}", halves[i]);
        transform_expect_names(PHOTON, body, &transform_here, "whole,");
    }
}

static void refuses_other_shapes(void)
{
    static const char *const bodies[] = {
        "{}",
        "{\"features\":{}}",
        "{\"features\":\"none\"}",
        "{\"message\":\"missing parameter\"}",
        "{\"features\":[" BAR("1", "34", "\xed\xa0\x80") "]}",
        "{\"features\":[" BAR("1", "34", "caf\xe9") "]}",
        "{\"features\":[" BAR("1", "34", TRANSFORM_KEY) "]}",
    };
    transform_expect_code(PHOTON, 200, span_of("{}"), LOOKUP_BAD_REPLY,
                          "The places provider's answer has no list of features.");
    transform_expect_nonsense(PHOTON, bodies, sizeof bodies / sizeof *bodies,
                              "{\"features\":[" STADIUM "]}");
}

static void tells_failures(void)
{
    transform_expect_statuses(PHOTON, "{\"features\":[" STADIUM "]}");
}

static const struct check_case cases[] = {
    {"a request has its radius in kilometres, and numbers only", writes_requests},
    {"a feature becomes a result, longitude first", reads_features},
    {"nothing near is an answer", reads_nothing},
    {"the nearest comes first, also over the antimeridian", puts_the_nearest_first},
    {"a city says more than a state", prefers_the_city},
    {"types are said in Google's words", says_types_in_googles_words},
    {"what is no place is left out alone", leaves_out_halves},
    {"what is not the JSON asked for is nonsense, wherever it ends", refuses_other_shapes},
    {"any HTTP error is a failure", tells_failures},
};

CHECK_MAIN(cases)
