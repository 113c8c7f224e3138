#include "placesd/landmarks/data/feature.h"

#include <string.h>

#include "tests/check.h"

static bool read_text(const char *text, struct place *place)
{
    json_t *tags = json_loads(text, 0, NULL);
    CHECK(tags != NULL);
    strcpy(place->name, "Name");
    bool is_place = feature_read_tags(tags, place);
    json_decref(tags);
    return is_place;
}

struct example {
    const char *tags;
    const char *types;
    const char *vicinity;
    uint32_t rank;
};

static void gives_types_and_ranks(void)
{
    static const struct example table[] = {
        {"{\"amenity\":\"restaurant\"}", "restaurant,food", "", 12},
        {"{\"amenity\":\"university\"}", "university", "", 36},
        {"{\"amenity\":\"something new\"}", "point_of_interest", "", 5},
        {"{\"shop\":\"books\"}", "book_store,store", "", 11},
        {"{\"shop\":\"yes\"}", "store", "", 6},
        {"{\"building\":\"yes\"}", "point_of_interest", "", 8},
        {"{\"place\":\"city\"}", "locality,political", "Name", 40},
        {"{\"place\":\"suburb\",\"addr:city\":\"X\"}", "sublocality,political", "Name", 20},
        {"{\"natural\":\"peak\"}", "natural_feature", "", 18},
        /* Several tags: all types once, the most specific first, and the highest rank. */
        {"{\"amenity\":\"restaurant\",\"tourism\":\"hotel\"}", "lodging,restaurant,food", "", 18},
        {"{\"shop\":\"bakery\",\"amenity\":\"cafe\"}", "cafe,food,bakery,store", "", 11},
        {"{\"station\":\"subway\",\"railway\":\"station\"}",
         "subway_station,transit_station,train_station", "", 26},
        /* Lists. */
        {"{\"amenity\":\"cafe;bar\"}", "cafe,food,bar", "", 11},
        {"{\"tourism\":\"hotel; museum\"}", "lodging,museum", "", 35},
        {"{\"leisure\":\" park ;playground\"}", "park", "", 22},
        {"{\"railway\":\"station;halt\"}", "train_station,transit_station", "", 26},
        {"{\"shop\":\"vacant;books\"}", "book_store,store", "", 11},
        {"{\"amenity\":\";no; pub;\"}", "bar", "", 12},
        {"{\"amenity\":\"place_of_worship\",\"religion\":\"christian;jewish\"}",
         "church,synagogue,place_of_worship", "", 20},
        /* Attributes and what ogr2ogr adds are no tags: there are three, then four. */
        {"{\"amenity\":\"bar\",\"a\":\"\",\"b\":\"\",\"@id\":7,\"@type\":\"way\",\"@version\":"
         "\"1\"}",
         "bar", "", 11},
        {"{\"amenity\":\"bar\",\"a\":\"\",\"b\":\"\",\"osm_id\":\"7\",\"osm_way_id\":\"7\",\"other_"
         "tags\":\"\","
         "\"all_tags\":\"\",\"n\":1,\"x\":null}",
         "bar", "", 11},
        {"{\"amenity\":\"bar\",\"a\":\"\",\"b\":\"\",\"c\":\"\",\"@id\":7}", "bar", "", 12},
        /* Faiths. */
        {"{\"amenity\":\"place_of_worship\"}", "place_of_worship", "", 20},
        {"{\"amenity\":\"place_of_worship\",\"religion\":\"jewish\"}", "synagogue,place_of_worship",
         "", 20},
        {"{\"amenity\":\"place_of_worship\",\"religion\":\"pastafarian\"}", "place_of_worship", "",
         20},
        /* Fame. */
        {"{\"tourism\":\"attraction\",\"wikidata\":\"Q243\"}", "tourist_attraction", "", 49},
        {"{\"tourism\":\"attraction\",\"wikidata\":\"Q243\",\"wikipedia\":\"fr:X\"}",
         "tourist_attraction", "", 64},
        {"{\"historic\":\"fort\",\"heritage\":\"1\"}", "tourist_attraction", "", 38},
        {"{\"place\":\"town\",\"population\":\"12345\"}", "locality,political", "Name", 45},
        {"{\"place\":\"town\",\"population\":\"about 9\"}", "locality,political", "Name", 30},
        {"{\"place\":\"city\",\"population\":\"12345678901234567890\",\"wikidata\":\"Q\","
         "\"wikipedia\":\"en:Q\",\"heritage\":\"1\"}",
         "locality,political", "Name", PLACE_RANK_MAX},
        {"{\"amenity\":\"bar\",\"a\":\"\",\"b\":\"\",\"c\":\"\"}", "bar", "", 12},
        {"{\"amenity\":\"bar\",\"a\":\"\",\"b\":\"\"}", "bar", "", 11},
        /* Addresses. */
        {"{\"amenity\":\"bar\",\"addr:housenumber\":\"405\",\"addr:street\":\"Hilgard Avenue\","
         "\"addr:city\":\"Los Angeles\"}",
         "bar", "405 Hilgard Avenue, Los Angeles", 12},
        {"{\"amenity\":\"bar\",\"addr:street\":\"Kai\",\"addr:city\":\"Ulm\"}", "bar", "Kai, Ulm",
         11},
        {"{\"amenity\":\"bar\",\"addr:housenumber\":\"7\",\"addr:city\":\"Ulm\"}", "bar", "Ulm",
         11},
        {"{\"amenity\":\"bar\",\"addr:housenumber\":\"7\",\"addr:place\":\"Alm\"}", "bar", "7 Alm",
         11},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct place place = {0};
        CHECK(read_text(table[i].tags, &place));
        CHECK_BYTES(place.types, strlen(place.types), table[i].types, strlen(table[i].types));
        CHECK_BYTES(place.vicinity, strlen(place.vicinity), table[i].vicinity,
                    strlen(table[i].vicinity));
        CHECK_INT(place.rank, table[i].rank);
    }
}

static void what_is_no_place(void)
{
    static const char *const table[] = {
        "{}",
        "{\"highway\":\"primary\"}",
        "{\"boundary\":\"administrative\"}",
        "{\"amenity\":\"no\"}",
        "{\"amenity\":\" no ;; \"}",
        "{\"tourism\":\"information;yes\"}",
        "{\"@amenity\":\"cafe\"}",
        "{\"building\":\"no\"}",
        "{\"amenity\":\"\"}",
        "{\"amenity\":7}",
        "{\"shop\":\"vacant\"}",
        "{\"place\":\"country\"}",
        "{\"tourism\":\"information\"}",
        "{\"disused:shop\":\"books\"}",
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct place place = {0};
        CHECK(!read_text(table[i], &place));
        if (read_text(table[i], &place))
            printf("    taken: %s\n", table[i]);
    }
}

static void cuts_between_letters(void)
{
    static const struct {
        const char *text;
        size_t bytes_max;
        const char *wanted;
    } table[] = {
        {"abc", 3, "abc"},
        {"abc", 2, "ab"},
        {"abc", 0, ""},
        {"a\xc3\xa9", 3, "a\xc3\xa9"},
        {"a\xc3\xa9", 2, "a"},
        {"a\xc3\xa9", 1, "a"},
        {"\xe0\xb8\x81x", 3, "\xe0\xb8\x81"},
        {"\xe0\xb8\x81x", 2, ""},
        {"\xf0\x9f\x8c\x8dx", 4, "\xf0\x9f\x8c\x8d"},
        {"\xf0\x9f\x8c\x8dx", 3, ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char out[16];
        feature_copy_text(table[i].text, out, table[i].bytes_max);
        CHECK_BYTES(out, strlen(out), table[i].wanted, strlen(table[i].wanted));
    }
}

static void long_addresses_are_cut(void)
{
    char text[8192];
    for (size_t bytes = 120; bytes <= 2000; bytes += 47) {
        snprintf(text, sizeof text,
                 "{\"shop\":\"x\",\"addr:housenumber\":\"%0*d\",\"addr:street\":\"%0*d\","
                 "\"addr:city\":\"%0*d\"}",
                 (int)bytes, 1, (int)bytes, 2, (int)bytes, 3);
        struct place place = {0};
        CHECK(read_text(text, &place));
        CHECK_INT(strlen(place.vicinity), PLACE_VICINITY_BYTES_MAX);
    }
}

/* ---- tags in one text ---- */

static void expect(const char *text, const char *had, const char *wanted)
{
    json_t *tags = json_loads(had, 0, NULL);
    feature_add_hstore(check_at_page_end(text, strlen(text) + 1), tags);
    char *got = json_dumps(tags, JSON_COMPACT);
    CHECK_BYTES(got, strlen(got), wanted, strlen(wanted));
    free(got);
    json_decref(tags);
}

static void reads_pairs(void)
{
    static const struct {
        const char *text, *tags;
    } table[] = {
        {"", "{}"},
        {"\"amenity\"=>\"cafe\"", "{\"amenity\":\"cafe\"}"},
        {"\"a\"=>\"1\",\"b\"=>\"2\"", "{\"a\":\"1\",\"b\":\"2\"}"},
        {" \"a\" => \"1\" ,\n\"b\"=>\"\" ", "{\"a\":\"1\",\"b\":\"\"}"},
        {"\"a\"=>\"x \\\"y\\\", \\\\ \\\"k\\\"=>\\\"v\\\"\",\"b\"=>\"2\"",
         "{\"a\":\"x \\\"y\\\", \\\\ \\\"k\\\"=>\\\"v\\\"\",\"b\":\"2\"}"},
        {"\"\\\"q\\\"\"=>\"1\"", "{\"\\\"q\\\"\":\"1\"}"},
        {"\"a\"=>NULL,\"b\"=>\"2\"", "{\"b\":\"2\"}"},
        {"\"name:de\"=>\"B\xc3\xbchne;\xe2\x82\xac\"",
         "{\"name:de\":\"B\xc3\xbchne;\xe2\x82\xac\"}"},
        {"\"a\"=>\"1\",\"a\"=>\"2\"", "{\"a\":\"1\"}"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(table[i].text, "{}", table[i].tags);
}

static void ends_before_what_is_none(void)
{
    static const char *const tails[] = {
        "",
        "x",
        ",",
        ",x",
        ",\"b",
        ",\"b\"",
        ",\"b\"=",
        ",\"b\"=>",
        ",\"b\"=>x",
        ",\"b\"=>\"",
        ",\"b\"=>\"2",
        ",\"b\"=>\"2\\",
        ",\"b\\",
        " \"b\"=>\"2\"",
        ";\"b\"=>\"2\"",
        ",\"b\"->\"2\"",
        ",\"b\",\"c\"=>\"3\"",
    };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        char text[64];
        snprintf(text, sizeof text, "\"a\"=>\"1\"%s", tails[i]);
        expect(text, "{}", "{\"a\":\"1\"}");
    }
    expect("amenity=>cafe", "{}", "{}");
    expect("{\"a\":1}", "{}", "{}");
}

static void spares_what_is_there(void)
{
    expect("\"a\"=>\"1\",\"b\"=>\"2\"", "{\"a\":\"0\"}", "{\"a\":\"0\",\"b\":\"2\"}");
}

static const struct check_case cases[] = {
    {"tags become types, rank and vicinity", gives_types_and_ranks},
    {"roads, borders and what is gone are no places", what_is_no_place},
    {"a text is cut between letters", cuts_between_letters},
    {"an address is cut to its limit", long_addresses_are_cut},
    {"pairs are read, whatever they hold", reads_pairs},
    {"reading ends before what is no pair", ends_before_what_is_none},
    {"members that are there stay", spares_what_is_there},
};
CHECK_MAIN(cases)
