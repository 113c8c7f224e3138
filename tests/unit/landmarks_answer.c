/* Every byte of an answer. */
#include "placesd/landmarks/data/answer.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/sim/rng.h"

static const struct place royce = {
    .name = "Royce Hall",
    .types = "tourist_attraction,university",
    .vicinity = "Dickson Plaza, Los Angeles",
    .position = {34.06893, -118.445127},
    .rank = 72,
};

/* The answer as a C string, or NULL. */
static char *write_places(const struct place *places, size_t count, const char *attribution)
{
    struct buffer out = {0};
    if (!answer_places(places, count, &(struct answer_notes){.attribution = attribution}, &out)) {
        CHECK_INT(out.len, 0);
        buffer_free(&out);
        return NULL;
    }
    buffer_append(&out, (struct span){"", 1});
    return out.data;
}

static char *write_invalid(const char *reason)
{
    struct buffer out = {0};
    answer_invalid(reason, &out);
    buffer_append(&out, (struct span){"", 1});
    return out.data;
}

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
    check_text(write_places(&royce, 1, NULL), wanted);
}

static void says_zero_results(void)
{
    check_text(write_places(NULL, 0, NULL), "{\n"
                                            "   \"html_attributions\": [],\n"
                                            "   \"results\": [],\n"
                                            "   \"status\": \"ZERO_RESULTS\"\n"
                                            "}");
}

static void says_what_is_invalid(void)
{
    check_text(write_invalid("radius is \"missing\"."),
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
    char *text = write_places(places, ANSWER_RESULTS_MAX, NULL);
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
    char *text = write_places(&place, 1, NULL);
    json_t *root = json_loads(text, 0, NULL);
    CHECK(corner(root, "northeast", "lat") <= 90);
    CHECK(corner(root, "northeast", "lng") < -179.9);
    CHECK(corner(root, "southwest", "lng") > 179.9);
    json_decref(root);
    free(text);

    place.position = (struct sphere_point){-90, -180};
    text = write_places(&place, 1, NULL);
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
    char *text = write_places(&city, 1, NULL);
    CHECK(text != NULL && strstr(text, "business_status") == NULL);
    CHECK(text != NULL && strstr(text, "\"political\"") != NULL);
    free(text);
}

static void shows_whose_places_they_are(void)
{
    char *text = write_places(NULL, 0, "\xc2\xa9 <a href=\"x\">Somebody</a>");
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
    char *text = write_places(&peak, 1, NULL);
    CHECK(text != NULL && strstr(text, "vicinity") == NULL);
    CHECK(text != NULL && strstr(text, "business_status") == NULL);
    free(text);
}

static void says_what_a_person_should_know_and_the_next_page(void)
{
    struct buffer out = {0};
    const struct answer_notes notes = {.info = "not all", .next_page_token = span_of("a-B_9")};
    CHECK(answer_places(NULL, 0, &notes, &out));
    static const char wanted[] = "{\n"
                                 "   \"html_attributions\": [],\n"
                                 "   \"info_messages\": [\n"
                                 "      \"not all\"\n"
                                 "   ],\n"
                                 "   \"next_page_token\": \"a-B_9\",\n"
                                 "   \"results\": [],\n"
                                 "   \"status\": \"ZERO_RESULTS\"\n"
                                 "}";
    CHECK_BYTES(out.data, out.len, wanted, sizeof wanted - 1);
    buffer_free(&out);
}

static void writes_no_text_that_is_not_utf8(void)
{
    struct place place = royce;
    static const char *const bad[] = {"\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        strcpy(place.name, bad[i]);
        CHECK(write_places(&place, 1, NULL) == NULL);
    }
    strcpy(place.name, "\xf4\x8f\xbf\xbf");
    char *text = write_places(&place, 1, NULL);
    CHECK(text != NULL);
    free(text);
}

/* jansson spells the same texts and numbers: byte 7f stays, and so does every byte beyond. */
static void spells_as_jansson_does(void)
{
    struct place place = royce;
    for (int byte = 1; byte < 0x80; byte++) {
        snprintf(place.name, sizeof place.name, "a%cb%c", byte, byte);
        json_t *wanted = json_string(place.name);
        char *spelled = json_dumps(wanted, JSON_ENCODE_ANY), *text = write_places(&place, 1, NULL);
        CHECK(text != NULL && strstr(text, spelled) != NULL);
        json_decref(wanted);
        free(spelled);
        free(text);
    }
}

static void check_latitude(double degrees)
{
    struct place place = royce;
    place.position.latitude_deg = degrees;
    json_t *wanted = json_real(degrees);
    char *number = json_dumps(wanted, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
    char *text = write_places(&place, 1, NULL), line[64];
    snprintf(line, sizeof line, "\"lat\": %s,\n", number);
    CHECK(text != NULL && strstr(text, line) != NULL);
    if (text == NULL || strstr(text, line) == NULL)
        printf("    %.17g: not %s\n", degrees, number);
    json_decref(wanted);
    free(number);
    free(text);
}

static void writes_numbers_of_ten_digits(void)
{
    static const double edges[] = {
        0,
        -0.0,
        1,
        -1,
        10,
        99.99999999499999,
        100,
        179.99999995,
        180,
        -180,
        9.9999999995,
        0.99999999995,
        0.1,
        0.0001,
        0.00009,
        1e-7,
        1e-300,
        34.06893,
        34.5,
        0.5,
        0.05,
        12.345678905,
        1.2345678905,
        123.45678905,
        0.12345678905,
        5e-324,
    };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        check_latitude(edges[i]);
        check_latitude(nextafter(edges[i], 1000));
        check_latitude(nextafter(edges[i], -1000));
    }
    /* The middle of two numbers of ten digits, and its neighbours; and numbers of any size. */
    struct rng rng = {.state = 7};
    for (int i = 0; i < 3000; i++) {
        double middle = (double)(rng_below(&rng, 1800000000)) / 1e7 + 5e-8;
        check_latitude(middle);
        check_latitude(nextafter(middle, 0));
        check_latitude(-middle / 10);
        check_latitude(nextafter(middle / 1000, 1000));
        check_latitude((double)rng_next(&rng) / 1.03e17);
    }
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
    {"what a person should know and the next page stand before the results",
     says_what_a_person_should_know_and_the_next_page},
    {"a text that is not UTF-8 is in no answer", writes_no_text_that_is_not_utf8},
    {"texts are spelled as jansson does", spells_as_jansson_does},
    {"numbers have the ten digits that printf gives them", writes_numbers_of_ten_digits},
};
CHECK_MAIN(cases)
