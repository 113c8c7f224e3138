#include "placesd/landmarks/data/answer.h"

#include <jansson.h>

#include "tests/check.h"

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
