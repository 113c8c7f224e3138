/* Tags one by one: what has a row of its own, what has its key's, and what is no place. */
#include "placesd/osm_tags.h"

#include "tests/check.h"

static void finds_the_row_of_a_tag(void)
{
    static const struct {
        const char *key, *value, *own, *types;
        uint32_t rank;
    } rows[] = {
        {"place", "city", "city", "locality,political", 40},
        {"amenity", "cafe", "cafe", "cafe,food", 11},
        {"amenity", "", NULL, "point_of_interest", 5},
        {"amenity", "cafes", NULL, "point_of_interest", 5},
        {"amenity", "books", NULL, "point_of_interest", 5}, /* of another key */
        {"shop", "books", "books", "book_store,store", 11},
        {"shop", "yes", NULL, "store", 6},
        {"shop", "vacant", "vacant", "", 0},
        {"historic", "castle", "castle", "tourist_attraction", 32},
        {"historic", "ship", NULL, "tourist_attraction", 16},
        {"building", "yes", NULL, "point_of_interest", 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct osm_tag *tag = osm_tags_find(rows[i].key, rows[i].value);
        CHECK(tag != NULL);
        if (tag == NULL)
            continue;
        CHECK(strcmp(tag->key, rows[i].key) == 0);
        CHECK((tag->value == NULL) == (rows[i].own == NULL));
        CHECK(tag->value == NULL || strcmp(tag->value, rows[i].own) == 0);
        CHECK(strcmp(tag->types, rows[i].types) == 0);
        CHECK_INT(tag->rank, rows[i].rank);
    }
}

static void what_says_no_or_is_not_known_is_no_place(void)
{
    static const char *const tags[][2] = {
        {"shop", "no"},         {"building", "no"}, {"leisure", "bench"}, {"tourism", "yes"},
        {"highway", "primary"}, {"", "cafe"},       {"amenit", "cafe"},   {"amenity2", "cafe"},
    };
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        CHECK(osm_tags_find(tags[i][0], tags[i][1]) == NULL);
}

static void each_key_is_named_once(void)
{
    for (size_t i = 0; i < OSM_TAGS_KEYS; i++) {
        CHECK(osm_tags_keys[i] != NULL);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(osm_tags_keys[i], osm_tags_keys[j]) != 0);
    }
    CHECK(strcmp(osm_tags_keys[0], "place") == 0);
    CHECK(strcmp(osm_tags_keys[OSM_TAGS_KEYS - 1], "building") == 0);
}

static const struct check_case cases[] = {
    {"finds the row of a tag", finds_the_row_of_a_tag},
    {"what says no or is not known is no place", what_says_no_or_is_not_known_is_no_place},
    {"each key is named once", each_key_is_named_once},
};

CHECK_MAIN(cases)
