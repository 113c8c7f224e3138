/* Every parameter or its fault, and every byte of an answer. */
#include "placesd/landmarks/data/nearby_search.h"

#include <jansson.h>
#include <math.h>

#include "tests/check.h"

/* ---- the query ---- */

/* Takes "name=value&name=value" as a server would hand it over; no decoding happens here. */
static struct query take(const char *text)
{
    struct query query = {0};
    while (*text != '\0') {
        size_t pair = strcspn(text, "&");
        size_t name = strcspn(text, "=&");
        const char *value = name < pair ? text + name + 1 : text + pair;
        size_t value_bytes = (size_t)(text + pair - value);
        query_take(&query, (struct span){check_at_page_end(text, name), name},
                   (struct span){check_at_page_end(value, value_bytes), value_bytes});
        text += pair + (text[pair] == '&');
    }
    return query;
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void reads_a_plain_question(void)
{
    struct query query = take("location=34.068930,-118.445127&radius=10000");
    CHECK(query_fault(&query) == NULL);
    CHECK(is_near(query.centre.latitude_deg, 34.06893));
    CHECK(is_near(query.centre.longitude_deg, -118.445127));
    CHECK(is_near(query.radius_m, 10000));
}

static void takes_any_order_and_ignores_keys(void)
{
    static const char *const table[] = {
        "radius=10&location=1,2",
        "key=AIza&location=1,2&radius=10&language=de",
        "location=1,2&radius=10&rankby=prominence",
        "location=1,2&radius=10&=&x&sensor=false&LOCATION=9",
        "location=90,180&radius=0.001",
        "location=-90,-180&radius=1",
        "location=+1,+2&radius=+10",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct query query = take(table[i]);
        CHECK(query_fault(&query) == NULL);
        if (query_fault(&query) != NULL)
            printf("    %s: %s\n", table[i], query_fault(&query));
    }
}

static void names_every_fault(void)
{
    static const struct {
        const char *text;
        const char *word; /* that the sentence must hold */
    } table[] = {
        {"", "location is missing"},
        {"radius=5", "location is missing"},
        {"location=1,2", "radius is missing"},
        {"location=1,2&radius", "radius must be"},
        {"location=1,2&radius=", "radius must be"},
        {"location=1,2&radius=0", "radius must be"},
        {"location=1,2&radius=-1", "radius must be"},
        {"location=1,2&radius=ten", "radius must be"},
        {"location=1,2&radius=1e3", "radius must be"},
        {"location=1,2&radius=10000000000", "radius must be"},
        {"location=1,2&radius=5&radius=5", "radius is given twice"},
        {"location&radius=5", "location must be"},
        {"location=&radius=5", "location must be"},
        {"location=1&radius=5", "location must be"},
        {"location=,&radius=5", "location must be"},
        {"location=1,&radius=5", "location must be"},
        {"location=,2&radius=5", "location must be"},
        {"location=1,2,3&radius=5", "location must be"},
        {"location=1, 2&radius=5", "location must be"},
        {"location=nan,2&radius=5", "location must be"},
        {"location=90.000001,2&radius=5", "not on the Earth"},
        {"location=-90.000001,2&radius=5", "not on the Earth"},
        {"location=1,180.000001&radius=5", "not on the Earth"},
        {"location=1,-180.000001&radius=5", "not on the Earth"},
        {"location=1,2&location=1,2&radius=5", "location is given twice"},
        {"location=1,2&radius=5&rankby=fame", "rankby"},
        {"location=1,2&radius=5&rankby=Distance", "rankby"},
        {"location=1,2&radius=5&rankby=", "rankby"},
        {"location=1,2&rankby=distance&radius=0", "radius must be"},
        {"location=1,2&rankby=distance&rankby=prominence", "radius is missing"},
        {"rankby=distance", "location is missing"},
        {"location=1,2&radius=5&type=museum", "Only location, radius"},
        {"location=1,2&radius=5&keyword=x", "Only location, radius"},
        {"pagetoken=x", "Only location, radius"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct query query = take(table[i].text);
        const char *fault = query_fault(&query);
        CHECK(fault != NULL && strstr(fault, table[i].word) != NULL);
        if (fault == NULL || strstr(fault, table[i].word) == NULL)
            printf("    %s: %s\n", table[i].text, fault == NULL ? "no fault" : fault);
    }
}

static void clamps_the_radius(void)
{
    struct query at = take("location=1,2&radius=50000");
    struct query beyond = take("location=1,2&radius=50000.001");
    struct query far = take("location=1,2&radius=999999999");
    CHECK(query_fault(&at) == NULL && is_near(at.radius_m, QUERY_RADIUS_M_MAX));
    CHECK(query_fault(&beyond) == NULL && is_near(beyond.radius_m, QUERY_RADIUS_M_MAX));
    CHECK(query_fault(&far) == NULL && is_near(far.radius_m, QUERY_RADIUS_M_MAX));
}

static void knows_two_orders(void)
{
    struct query query = take("location=1,2&radius=5");
    CHECK(query_fault(&query) == NULL && !query.nearest_first);
    query = take("location=1,2&radius=5&rankby=prominence");
    CHECK(query_fault(&query) == NULL && !query.nearest_first);
    query = take("location=1,2&radius=5&rankby=distance");
    CHECK(query_fault(&query) == NULL && query.nearest_first && is_near(query.radius_m, 5));
    query = take("rankby=distance&radius=5&location=1,2");
    CHECK(query_fault(&query) == NULL && query.nearest_first && is_near(query.radius_m, 5));
    query = take("location=1,2&rankby=distance");
    CHECK(query_fault(&query) == NULL && query.nearest_first);
    CHECK(is_near(query.radius_m, QUERY_RADIUS_M_MAX));
}

static void keeps_the_first_fault(void)
{
    struct query query = take("location=x&radius=5&radius=5");
    CHECK(strstr(query_fault(&query), "location must be") != NULL);
}

static void stands_every_prefix(void)
{
    static const char location[] = "-34.068930,+118.445127";
    for (size_t bytes = 0; bytes < sizeof location; bytes++) {
        struct query query = {0};
        query_take(&query, span_of("location"),
                   (struct span){check_at_page_end(location, bytes), bytes});
        query_take(&query, span_of("radius"), span_of("5"));
        /* Good from the first digit of the longitude on, but not right after its point. */
        bool wanted = bytes >= 13 && bytes != 16;
        CHECK_INT(query_fault(&query) == NULL, wanted && bytes < sizeof location);
        if (bytes == sizeof location - 1)
            CHECK(is_near(query.centre.longitude_deg, 118.445127));
    }
}

/* ---- the answer ---- */

static const struct place royce = {
    .name = "Royce Hall",
    .types = "tourist_attraction,university",
    .vicinity = "Dickson Plaza, Los Angeles",
    .position = {34.06893, -118.445127},
    .rank = 72,
};

static void check_text(char *text, const char *wanted)
{
    CHECK(text != NULL);
    if (text != NULL)
        CHECK_BYTES(text, strlen(text), wanted, strlen(wanted));
    free(text);
}

static void writes_one_place(void)
{
    char id[PLACE_ID_BYTES_MAX + 1];
    char wanted[2048];
    place_write_id(&royce, id);
    snprintf(wanted, sizeof wanted,
             "{\n"
             "   \"html_attributions\": [],\n"
             "   \"results\": [\n"
             "      {\n"
             "         \"business_status\": \"OPERATIONAL\",\n"
             "         \"geometry\": {\n"
             "            \"location\": {\n"
             "               \"lat\": 34.06893,\n"
             "               \"lng\": -118.445127\n"
             "            },\n"
             "            \"viewport\": {\n"
             "               \"northeast\": {\n"
             "                  \"lat\": 34.07028,\n"
             "                  \"lng\": -118.443777\n"
             "               },\n"
             "               \"southwest\": {\n"
             "                  \"lat\": 34.06758,\n"
             "                  \"lng\": -118.446477\n"
             "               }\n"
             "            }\n"
             "         },\n"
             "         \"name\": \"Royce Hall\",\n"
             "         \"place_id\": \"%s\",\n"
             "         \"reference\": \"%s\",\n"
             "         \"types\": [\n"
             "            \"tourist_attraction\",\n"
             "            \"university\"\n"
             "         ],\n"
             "         \"vicinity\": \"Dickson Plaza, Los Angeles\"\n"
             "      }\n"
             "   ],\n"
             "   \"status\": \"OK\"\n"
             "}",
             id, id);
    check_text(answer_places(&royce, 1, NULL), wanted);
}

static void says_zero_results(void)
{
    check_text(answer_places(NULL, 0, NULL), "{\n"
                                             "   \"html_attributions\": [],\n"
                                             "   \"results\": [],\n"
                                             "   \"status\": \"ZERO_RESULTS\"\n"
                                             "}");
}

static void says_what_is_invalid(void)
{
    check_text(answer_invalid("radius is \"missing\"."),
               "{\n"
               "   \"error_message\": \"radius is \\\"missing\\\".\",\n"
               "   \"html_attributions\": [],\n"
               "   \"results\": [],\n"
               "   \"status\": \"INVALID_REQUEST\"\n"
               "}");
}

static void keeps_order_and_number(void)
{
    struct place places[ANSWER_RESULTS_MAX];
    for (size_t i = 0; i < ANSWER_RESULTS_MAX; i++) {
        places[i] = royce;
        snprintf(places[i].name, sizeof places[i].name, "Straße %zu \"x\"\n\n\x01", i);
    }
    char *text = answer_places(places, ANSWER_RESULTS_MAX, NULL);
    CHECK(text != NULL);
    CHECK(strstr(text, "\n\n") == NULL);
    CHECK(text[strlen(text) - 1] == '}');
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *results = json_object_get(root, "results");
    CHECK_INT(json_array_size(results), ANSWER_RESULTS_MAX);
    for (size_t i = 0; i < json_array_size(results); i++) {
        json_t *name = json_object_get(json_array_get(results, i), "name");
        CHECK(json_is_string(name) && strcmp(json_string_value(name), places[i].name) == 0);
    }
    json_decref(root);
    free(text);
}

static double corner(json_t *root, const char *which, const char *axis)
{
    json_t *result = json_array_get(json_object_get(root, "results"), 0);
    json_t *viewport = json_object_get(json_object_get(result, "geometry"), "viewport");
    return json_real_value(json_object_get(json_object_get(viewport, which), axis));
}

static void viewports_stay_on_the_earth(void)
{
    struct place place = royce;
    place.position = (struct sphere_point){90, 180};
    char *text = answer_places(&place, 1, NULL);
    json_t *root = json_loads(text, 0, NULL);
    CHECK(corner(root, "northeast", "lat") <= 90);
    CHECK(corner(root, "northeast", "lng") < -179.9);
    CHECK(corner(root, "southwest", "lng") > 179.9);
    json_decref(root);
    free(text);

    place.position = (struct sphere_point){-90, -180};
    text = answer_places(&place, 1, NULL);
    root = json_loads(text, 0, NULL);
    CHECK(corner(root, "southwest", "lat") >= -90);
    CHECK(corner(root, "southwest", "lng") > 179.9);
    CHECK(corner(root, "northeast", "lng") < -179.9);
    json_decref(root);
    free(text);
}

static void a_city_is_no_business(void)
{
    struct place city = royce;
    strcpy(city.types, "locality,political");
    char *text = answer_places(&city, 1, NULL);
    CHECK(text != NULL && strstr(text, "business_status") == NULL);
    CHECK(text != NULL && strstr(text, "\"political\"") != NULL);
    free(text);
}

static void shows_whose_places_they_are(void)
{
    char *text = answer_places(NULL, 0, "\xc2\xa9 <a href=\"x\">Somebody</a>");
    check_text(text, "{\n"
                     "   \"html_attributions\": [\n"
                     "      \"\xc2\xa9 <a href=\\\"x\\\">Somebody</a>\"\n"
                     "   ],\n"
                     "   \"results\": [],\n"
                     "   \"status\": \"ZERO_RESULTS\"\n"
                     "}");
}

static void leaves_out_what_it_does_not_know(void)
{
    struct place peak = {.name = "Peak", .types = "natural_feature", .rank = 3};
    char *text = answer_places(&peak, 1, NULL);
    CHECK(text != NULL && strstr(text, "vicinity") == NULL);
    CHECK(text != NULL && strstr(text, "business_status") == NULL);
    free(text);
}

static const struct check_case cases[] = {
    {"location and radius become numbers", reads_a_plain_question},
    {"order does not matter; a key and strangers are ignored", takes_any_order_and_ignores_keys},
    {"each fault has its own sentence", names_every_fault},
    {"a radius above 50,000 m counts as 50,000 m", clamps_the_radius},
    {"rankby is prominence or distance, and distance needs no radius", knows_two_orders},
    {"the first fault is the one reported", keeps_the_first_fault},
    {"every prefix of a location is good or a fault", stands_every_prefix},
    {"the places' owner is named", shows_whose_places_they_are},
    {"what is not known is left out", leaves_out_what_it_does_not_know},
    {"one place is this text, byte for byte", writes_one_place},
    {"no place is ZERO_RESULTS", says_zero_results},
    {"a fault is INVALID_REQUEST with its reason", says_what_is_invalid},
    {"twenty places keep their order, and no line is empty", keeps_order_and_number},
    {"viewports wrap at the antimeridian and end at the poles", viewports_stay_on_the_earth},
    {"a city has no business status", a_city_is_no_business},
};
CHECK_MAIN(cases)
