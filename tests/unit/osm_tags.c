/* Tags one by one: what has a row of its own, what has its key's, and what is no place. */
#include "placesd/providers/osm_tags.h"

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
        const struct osm_tag *tag = osm_tags_find(rows[i].key, span_of(rows[i].value));
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
        CHECK(osm_tags_find(tags[i][0], span_of(tags[i][1])) == NULL);
}

static void lists_are_taken_apart(void)
{
    static const struct {
        const char *list, *values; /* with a '|' after each */
    } lists[] = {
        {"cafe", "cafe|"},
        {"cafe;bar", "cafe|bar|"},
        {" cafe ;\tbar\n", "cafe|bar|"},
        {"a b; c", "a b|c|"},
        {";;a;; ;b;", "a|b|"},
        {"", ""},
        {" ; ", ""},
        {"caf\xc3\xa9;\xc2\xa0", "caf\xc3\xa9|\xc2\xa0|"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char got[64] = "";
        struct span value;
        size_t used = 0;
        for (const char *list = lists[i].list; osm_tags_next(&list, &value);)
            used += (size_t)snprintf(got + used, sizeof got - used, "%.*s|", (int)value.len,
                                     value.data);
        CHECK_BYTES(got, used, lists[i].values, strlen(lists[i].values));
    }
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
    {"a list's values are taken one by one, trimmed", lists_are_taken_apart},
    {"each key is named once", each_key_is_named_once},
};

CHECK_MAIN(cases)
