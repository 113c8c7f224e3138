#include "placesd/landmarks/server/store.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "placesd/landmarks/data/answer.h"
#include "tests/check.h"

#define LANDMARKS_MIN 300
#define LANDMARKS_MAX 4096
#define CITIES_MIN    21 /* Los Angeles and twenty more */
#define CITY_RADIUS_M 40000.0
#define NEAR_CITY_MIN 19 /* within 10 km, besides the city itself: a page of twenty */

/* Google's legacy types that the table uses. */
static const char *const known_types[] = {
    "airport",
    "amusement_park",
    "aquarium",
    "art_gallery",
    "cafe",
    "cemetery",
    "church",
    "city_hall",
    "courthouse",
    "gym",
    "hindu_temple",
    "hospital",
    "library",
    "locality",
    "lodging",
    "local_government_office",
    "mosque",
    "movie_theater",
    "museum",
    "natural_feature",
    "neighborhood",
    "park",
    "place_of_worship",
    "point_of_interest",
    "political",
    "post_office",
    "restaurant",
    "shopping_mall",
    "stadium",
    "synagogue",
    "tourist_attraction",
    "town_square",
    "train_station",
    "university",
    "zoo",
};

static struct place places[LANDMARKS_MAX];
static size_t place_count;
static size_t bad_lines;
static size_t imprecise_lines;

/* Five or six digits after the point: about a metre, which is as exact as the data are. */
static bool is_precise(struct span line, int field)
{
    const char *at = line.data;
    while (field-- > 0)
        at = (const char *)memchr(at, '\t', (size_t)(line.data + line.len - at)) + 1;
    size_t bytes = strcspn(at, "\t");
    const char *point = memchr(at, '.', bytes);
    size_t digits = point == NULL ? 0 : (size_t)(at + bytes - point - 1);
    return digits == 5 || digits == 6;
}

static void read_table(void)
{
    const char *at = (const char *)store_table;
    const char *end = at + store_table_bytes;
    while (at < end && place_count < LANDMARKS_MAX) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        struct span line = {at, (size_t)(line_end - at)};
        at = line_end + 1;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        if (place_read_landmark(line, &places[place_count])) {
            place_count++;
            imprecise_lines += !is_precise(line, 3) || !is_precise(line, 4);
        } else {
            bad_lines++;
            printf("    no landmark: %.*s\n", (int)line.len, line.data);
        }
    }
}

static bool is_city(const struct place *place)
{
    return place_is(place, "locality");
}

static void every_line_is_a_landmark(void)
{
    read_table();
    CHECK_INT(bad_lines, 0);
    CHECK_INT(imprecise_lines, 0);
    CHECK(place_count >= LANDMARKS_MIN && place_count < LANDMARKS_MAX);
    CHECK(store_table[store_table_bytes - 1] == '\n');
}

static void every_type_is_googles(void)
{
    for (size_t i = 0; i < place_count; i++) {
        const char *at = places[i].types;
        while (*at != '\0') {
            size_t bytes = strcspn(at, ",");
            bool known = false;
            for (size_t k = 0; k < sizeof known_types / sizeof *known_types; k++)
                known |= strlen(known_types[k]) == bytes && memcmp(known_types[k], at, bytes) == 0;
            CHECK(known);
            if (!known)
                printf("    %s: %s\n", places[i].name, places[i].types);
            at += bytes + (at[bytes] == ',');
        }
    }
}

static void every_landmark_lies_in_its_city(void)
{
    CHECK(place_count > 0 && is_city(&places[0]));
    const struct place *city = &places[0];
    size_t cities = 0;
    for (size_t i = 0; i < place_count; i++) {
        if (is_city(&places[i])) {
            city = &places[i];
            cities++;
        }
        double distance_m = sphere_distance_m(city->position, places[i].position);
        CHECK(distance_m < CITY_RADIUS_M);
        if (distance_m >= CITY_RADIUS_M)
            printf("    %s, %s: %.0f m\n", places[i].name, city->name, distance_m);
    }
    CHECK(cities >= CITIES_MIN);
}

/* A city comes first in its own neighbourhood; nothing else shares its rank. */
static void only_cities_have_the_highest_rank(void)
{
    for (size_t i = 0; i < place_count; i++) {
        CHECK_INT(places[i].rank == PLACE_RANK_MAX, is_city(&places[i]));
        CHECK(places[i].rank > PLACE_ZONE_RANK);
    }
}

static void no_place_stands_twice(void)
{
    size_t city = 0;
    for (size_t i = 0; i < place_count; i++) {
        if (is_city(&places[i]))
            city = i;
        for (size_t k = 0; k < i; k++) {
            char id_i[PLACE_ID_BYTES_MAX + 1], id_k[PLACE_ID_BYTES_MAX + 1];
            bool same_name = strcmp(places[i].name, places[k].name) == 0;
            CHECK(!same_name || (k < city && !is_city(&places[i])));
            double apart_m = sphere_distance_m(places[i].position, places[k].position);
            bool one_spot = apart_m < 5 && !is_city(&places[i]) && !is_city(&places[k]);
            CHECK(!one_spot);
            if (one_spot || (same_name && k >= city))
                printf("    %s and %s\n", places[i].name, places[k].name);
            place_write_id(&places[i], id_i);
            place_write_id(&places[k], id_k);
            CHECK(strcmp(id_i, id_k) != 0);
        }
    }
}

static size_t count_within(struct sphere_point centre, double radius_m)
{
    size_t count = 0;
    for (size_t i = 0; i < place_count; i++)
        count += sphere_distance_m(centre, places[i].position) <= radius_m;
    return count;
}

static void cities_fill_a_page(void)
{
    struct sphere_point campus = {34.068930, -118.445127};
    CHECK(count_within(campus, 2000) >= 25);
    CHECK(count_within(campus, 5000) >= 40);
    for (size_t i = 0; i < place_count; i++) {
        /* Los Angeles is as wide as its freeways are long: its places lie around the campus. */
        if (!is_city(&places[i]) || strcmp(places[i].name, "Los Angeles") == 0)
            continue;
        size_t near = count_within(places[i].position, 10000);
        CHECK(near > NEAR_CITY_MIN);
        if (near <= NEAR_CITY_MIN)
            printf("    %s: %zu\n", places[i].name, near);
    }
}

/* ---- answers ---- */

static json_t *make_point(double latitude_deg, double longitude_deg)
{
    return json_pack("{s:f, s:f}", "lat", latitude_deg, "lng", longitude_deg);
}

/* What an answer says of a place, as a tree. */
static json_t *make_result(const struct place *place)
{
    char id[PLACE_ID_BYTES_MAX + 1];
    place_write_id(place, id);
    double latitude_deg = place->position.latitude_deg;
    double longitude_deg = place->position.longitude_deg;
    json_t *types = json_array(), *result = json_object();
    char words[PLACE_TYPES_BYTES_MAX + 1], *rest = words;
    strcpy(words, place->types);
    for (char *word; (word = strsep(&rest, ",")) != NULL;)
        json_array_append_new(types, json_string(word));
    if (!place_is(place, "political") && !place_is(place, "natural_feature"))
        json_object_set_new(result, "business_status", json_string("OPERATIONAL"));
    json_t *viewport = json_pack(
        "{s:o, s:o}", "northeast", make_point(latitude_deg + 0.00135, longitude_deg + 0.00135),
        "southwest", make_point(latitude_deg - 0.00135, longitude_deg - 0.00135));
    json_object_set_new(result, "geometry",
                        json_pack("{s:o, s:o}", "location", make_point(latitude_deg, longitude_deg),
                                  "viewport", viewport));
    json_object_set_new(result, "name", json_string(place->name));
    json_object_set_new(result, "place_id", json_string(id));
    json_object_set_new(result, "reference", json_string(id));
    json_object_set_new(result, "types", types);
    json_object_set_new(result, "vicinity", json_string(place->vicinity));
    return result;
}

static void every_landmark_is_answered_as_jansson_would(void)
{
    for (size_t from = 0; from < place_count; from += ANSWER_RESULTS_MAX) {
        size_t left = place_count - from;
        size_t count = left < ANSWER_RESULTS_MAX ? left : ANSWER_RESULTS_MAX;
        json_t *results = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(results, make_result(&places[from + i]));
        json_t *root =
            json_pack("{s:[], s:o, s:s}", "html_attributions", "results", results, "status", "OK");
        char *wanted = json_dumps(root, JSON_INDENT(3) | JSON_REAL_PRECISION(10));
        struct buffer out = {0};
        CHECK(answer_places(&places[from], count, &(struct answer_notes){0}, &out));
        CHECK_BYTES(out.data, out.len, wanted, strlen(wanted));
        buffer_free(&out);
        free(wanted);
        json_decref(root);
    }
}

/* ---- the store ---- */

static struct store *open_store(void)
{
    struct fault fault;
    struct store *store = store_open(&fault);
    CHECK(store != NULL);
    return store;
}

/* Every place of the circle counts. */
static bool ask(struct store *store, enum store_order order, struct sphere_point centre,
                double radius_m, size_t wanted, struct place *found, size_t *count)
{
    const struct store_question question = {
        .order = order, .centre = centre, .radius_m = radius_m, .wanted = wanted};
    struct store_finding finding;
    bool good = store_nearby(store, &question, found, &finding);
    CHECK(!finding.is_cut_short);
    *count = finding.count;
    return good;
}

static void the_store_takes_the_whole_table(void)
{
    struct store *store = open_store();
    CHECK(store_seed(store));
    struct place found[STORE_FOUND_MAX];
    size_t count = 0;
    struct sphere_point campus = {34.068930, -118.445127};
    CHECK(ask(store, STORE_PROMINENT, campus, 5000, 40, found, &count));
    CHECK_INT(count, 40);
    CHECK(store_has_city(store, "Los Angeles") && store_has_city(store, "Nairobi"));
    store_close(&store);
}

static const char zone_table[] = "# comment\n"
                                 "GB\t+513030-0000731\tEurope/London\n"
                                 "IS\t+6409-02151\tAtlantic/Reykjavik\n"
                                 "nonsense\n"
                                 "IS\t+6409-02151\tAtlantic/Reykjavik\n"
                                 "AQ\t-7824+10654\tAntarctica/Vostok\tVostok";

static size_t find_at(struct store *store, double latitude_deg, double longitude_deg,
                      struct place *found)
{
    size_t count = 0;
    struct sphere_point centre = {latitude_deg, longitude_deg};
    CHECK(ask(store, STORE_PROMINENT, centre, 1000, STORE_FOUND_MAX, found, &count));
    return count;
}

static void zones_fill_the_gaps(void)
{
    char path[] = "/tmp/zherd-zones-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0);
    CHECK_INT(write(file, zone_table, sizeof zone_table - 1), sizeof zone_table - 1);
    close(file);

    struct store *store = open_store();
    struct place found[STORE_FOUND_MAX];
    struct place london = {.name = "London",
                           .types = "locality,political",
                           .vicinity = "London",
                           .position = {51.5073, -0.1276},
                           .rank = PLACE_RANK_MAX};
    CHECK(store_add(store, &london));
    CHECK(store_seed_zones(store, path));
    CHECK_INT(find_at(store, 51.508333, -0.125278, found), 1);
    CHECK_INT(found[0].rank, PLACE_RANK_MAX);
    CHECK_INT(find_at(store, 64.15, -21.85, found), 1);
    CHECK(strcmp(found[0].name, "Reykjavik") == 0);
    CHECK_INT(find_at(store, -78.4, 106.9, found), 1);
    unlink(path);

    CHECK(!store_seed_zones(store, path));
    CHECK(!store_seed_zones(store, "/"));
    store_close(&store);
}

static const struct check_case cases[] = {
    {"every line of the table is a landmark, five or six decimals precise",
     every_line_is_a_landmark},
    {"every type is one of Google's", every_type_is_googles},
    {"every landmark lies within 40 km of its city", every_landmark_lies_in_its_city},
    {"only cities have the highest rank, and all stand before time zone cities",
     only_cities_have_the_highest_rank},
    {"no name twice in a city, no spot twice, no id twice", no_place_stands_twice},
    {"10 km around each city and 2 km around the campus fill a page", cities_fill_a_page},
    {"every landmark is answered as jansson would write it",
     every_landmark_is_answered_as_jansson_would},
    {"the store takes the whole table", the_store_takes_the_whole_table},
    {"time zone cities fill the gaps, once each; a missing table is no success",
     zones_fill_the_gaps},
};
CHECK_MAIN(cases)
