/* What the landmarks server answers about a circle, made of what it has answered about a larger
 * one: byte for byte, or not at all. */
#include "placesd/providers/provider.h"

#include <math.h>
#include <stdlib.h>

#include "bus/base/sphere.h"
#include "placesd/landmarks/data/answer.h"
#include "tests/check.h"
#include "tests/sim/rng.h"

static struct lookup lookup_at(struct sphere_point centre, uint32_t radius_m)
{
    return (struct lookup){.latitude_nanodeg = llround(centre.latitude_deg * 1e9),
                           .longitude_nanodeg = llround(centre.longitude_deg * 1e9),
                           .radius_m = radius_m,
                           .bound = LOOKUP_BOUND_MAX};
}

/* The answer of the server about the circle, of which these are all places in its order. */
static void answer(struct sphere_point centre, double radius_m, const struct place *places,
                   size_t count, struct buffer *out)
{
    struct place within[LOOKUP_BOUND_MAX];
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (sphere_distance_m(centre, places[i].position) <= radius_m)
            within[found++] = places[i];
    const struct answer_notes notes = {.attribution = "\xc2\xa9 somebody"};
    CHECK(answer_places(within, found, &notes, out));
}

static bool narrow(struct span body, const struct lookup *lookup, struct buffer *out)
{
    struct nearby_json_offsets offsets;
    CHECK(nearby_json_find_offsets(body, &offsets));
    return provider_landmarks.narrow(body, &offsets, lookup, out);
}

static double draw(struct rng *rng, double low, double high)
{
    return low + (high - low) * ((double)(rng_next(rng) >> 11) / 9007199254740992.0);
}

static struct place draw_place(struct rng *rng, struct sphere_point centre)
{
    struct place place = {.name = "A \"], \\ place", .types = "park,museum", .rank = 5};
    place.position.latitude_deg = centre.latitude_deg + draw(rng, -0.2, 0.2);
    double longitude_deg = centre.longitude_deg + draw(rng, -0.2, 0.2);
    place.position.longitude_deg = remainder(longitude_deg, 360);
    return place;
}

static void a_smaller_circle_has_the_bytes_of_its_own_answer(void)
{
    struct rng rng = {.state = 3};
    size_t made = 0, empty = 0, cut = 0;
    for (int round = 0; round < 2000; round++) {
        struct sphere_point centre = {draw(&rng, -60, 60), 0};
        centre.longitude_deg = round % 5 == 0 ? 179.99 : draw(&rng, -179, 179);
        centre.latitude_deg = round % 7 == 0 ? 34.06893 : centre.latitude_deg;
        size_t count = rng_below(&rng, LOOKUP_BOUND_MAX);
        struct place places[LOOKUP_BOUND_MAX];
        for (size_t i = 0; i < count; i++)
            places[i] = draw_place(&rng, centre);
        uint32_t radius_m = 1 + rng_below(&rng, 30000);
        struct lookup lookup = lookup_at(centre, radius_m);
        struct buffer large = {0}, small = {0}, wanted = {0};
        answer(centre, 50000, places, count, &large);
        answer(centre, radius_m, places, count, &wanted);
        if (narrow((struct span){large.data, large.len}, &lookup, &small)) {
            CHECK_BYTES(small.data, small.len, wanted.data, wanted.len);
            made++;
            empty += memmem(wanted.data, wanted.len, "ZERO_RESULTS", 12) != NULL;
            cut += small.len < large.len;
        } else {
            CHECK_INT(small.len, 0);
        }
        buffer_free(&large);
        buffer_free(&small);
        buffer_free(&wanted);
    }
    CHECK(made > 1900 && empty > 100 && cut > 1000);
}

/* One place due north of the centre: within half a metre of the edge nobody knows. */
static void the_edge_is_asked_about(void)
{
    struct sphere_point centre = {10, 20};
    double degree_m = SPHERE_RADIUS_M * M_PI / 180;
    static const struct {
        double off_m;
        bool made;
    } table[] = {{-2, true},   {-1.1, true}, {-0.9, false}, {0, false},
                 {0.9, false}, {1.1, true},  {2, true}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct place place = {.name = "x", .types = "park", .rank = 1};
        place.position = (struct sphere_point){10 + (5000 + table[i].off_m) / degree_m, 20};
        struct lookup lookup = lookup_at(centre, 5000);
        struct buffer large = {0}, small = {0};
        answer(centre, 50000, &place, 1, &large);
        CHECK_INT(narrow((struct span){large.data, large.len}, &lookup, &small), table[i].made);
        buffer_free(&large);
        buffer_free(&small);
    }
}

static void a_full_page_or_a_strange_text_says_nothing(void)
{
    struct sphere_point centre = {10, 20};
    struct place places[LOOKUP_BOUND_MAX];
    for (size_t i = 0; i < LOOKUP_BOUND_MAX; i++)
        places[i] = (struct place){.name = "x", .types = "park", .rank = 1, .position = {10, 20}};
    struct lookup lookup = lookup_at(centre, 5000);
    struct buffer large = {0}, small = {0};
    answer(centre, 50000, places, LOOKUP_BOUND_MAX, &large);
    CHECK(!narrow((struct span){large.data, large.len}, &lookup, &small));
    large.len = 0;
    answer(centre, 50000, places, LOOKUP_BOUND_MAX - 1, &large);
    CHECK(narrow((struct span){large.data, large.len}, &lookup, &small));
    CHECK_BYTES(small.data, small.len, large.data, large.len);
    buffer_free(&large);
    buffer_free(&small);

    static const char *const strange[] = {
        "{\"html_attributions\":[],\"results\":[1],\"status\":\"OK\"}",
        "{\n   \"results\": [\n      {}\n   ],\n   \"status\": \"OK\"\n}",
        "{\n   \"results\": [\n      1 , 2\n   ],\n   \"status\": \"OK\"\n}",
        "{\n   \"results\": [\n      {\"geometry\": {\"location\": {\"lat\": 10}}}\n   ],\n"
        "   \"status\": \"OK\"\n}",
        "{\n   \"results\": [\n      {\"geometry\": {\"location\": {\"lat\": \"10\", \"lng\": "
        "20}}}\n   ],\n"
        "   \"status\": \"OK\"\n}",
    };
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        small = (struct buffer){0};
        CHECK(!narrow(span_of(strange[i]), &lookup, &small));
        CHECK_INT(small.len, 0);
        buffer_free(&small);
    }
}

static const struct check_case cases[] = {
    {"a smaller circle has the bytes of its own answer",
     a_smaller_circle_has_the_bytes_of_its_own_answer},
    {"a place at the edge may be on either side", the_edge_is_asked_about},
    {"a full page or a strange text says nothing", a_full_page_or_a_strange_text_says_nothing},
};
CHECK_MAIN(cases)
