#include "placesd/landmarks/data/feature.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "placesd/landmarks/data/tally.h"
#include "tests/check.h"

#define POINT "\"geometry\":{\"type\":\"Point\",\"coordinates\":[-118.4422,34.0728]}"
#define HALL                                                                                       \
    "{\"type\":\"Feature\",\"id\":\"n1\"," POINT                                                   \
    ",\"properties\":{\"name\":\"Royce \\\"Hall\\\" \xc3\xa9\",\"amenity\":\"theatre\"}}"

static char why[FEATURE_WHY_BYTES_MAX + 1];

static enum feature_kind read_bytes(const char *text, size_t bytes, struct place *place,
                                    uint64_t *key)
{
    return feature_read((struct span){check_at_page_end(text, bytes), bytes}, place, key, why);
}

static void becomes_a_place(void)
{
    struct place place;
    uint64_t key;
    CHECK_INT(read_bytes(HALL, strlen(HALL), &place, &key), FEATURE_PLACE);
    CHECK(strcmp(place.name, "Royce \"Hall\" \xc3\xa9") == 0);
    CHECK(strcmp(place.types, "point_of_interest") == 0);
    CHECK(fabs(place.position.latitude_deg - 34.0728) < 1e-12);
    CHECK(fabs(place.position.longitude_deg + 118.4422) < 1e-12);
}

static void every_record_is_of_one_kind(void)
{
    static const struct {
        const char *text;
        enum feature_kind kind;
    } table[] = {
        {" \n" HALL "\r\n", FEATURE_PLACE},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":{\"n\\u0061me\":\"A\",\"shop\":\"x\"}}",
         FEATURE_PLACE},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":{\"shop\":\"x\"}}", FEATURE_NAMELESS},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":null}", FEATURE_NAMELESS},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":{\"name\":\" \",\"shop\":\"x\"}}",
         FEATURE_NAMELESS},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":{\"name\":7,\"shop\":\"x\"}}",
         FEATURE_NAMELESS},
        {"{\"type\":\"Feature\",\"name\":\"A\"," POINT ",\"properties\":{\"shop\":\"x\"}}",
         FEATURE_NAMELESS},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":{\"name\":\"A\",\"highway\":\"x\"}}",
         FEATURE_OTHER_KIND},
        {"{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"name\":\"A\",\"shop\":\"x\"}}",
         FEATURE_OTHER_SHAPE},
        {"{\"type\":\"Feature\",\"properties\":{\"name\":\"A\",\"shop\":\"x\"}}",
         FEATURE_OTHER_SHAPE},
        {"{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,91]},"
         "\"properties\":{\"name\":\"A\",\"shop\":\"x\"}}",
         FEATURE_BROKEN},
        {"{\"type\":\"FeatureCollection\",\"features\":[]}", FEATURE_BROKEN},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":[\"name\"]}", FEATURE_BROKEN},
        {"{\"type\":\"Feature\"," POINT ",\"x\":\"\\u0061\"}", FEATURE_BROKEN},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":{\"name\":\"\xff\"}}", FEATURE_BROKEN},
        {"{\"type\":\"Feature\"," POINT ",\"properties\":{\"name\":\"a\\u0000b\"}}",
         FEATURE_BROKEN},
        {"{\"name\":\"A\"}", FEATURE_BROKEN},
        {HALL "}", FEATURE_BROKEN},
        {HALL HALL, FEATURE_BROKEN},
        {"null", FEATURE_BROKEN},
        {"[1]", FEATURE_BROKEN},
        {"", FEATURE_BROKEN},
        {"some words", FEATURE_BROKEN},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct place place;
        uint64_t key;
        why[0] = '\0';
        enum feature_kind kind = read_bytes(table[i].text, strlen(table[i].text), &place, &key);
        CHECK_INT(kind, table[i].kind);
        CHECK((why[0] != '\0') == (kind == FEATURE_BROKEN));
        if (kind != table[i].kind)
            printf("    %s\n", table[i].text);
    }
}

static void stands_every_prefix(void)
{
    for (size_t bytes = 0; bytes < strlen(HALL); bytes++) {
        struct place place;
        uint64_t key;
        enum feature_kind kind = read_bytes(HALL, bytes, &place, &key);
        /* Without its name's member it need not be parsed to be useless. */
        CHECK(kind == FEATURE_BROKEN || kind == FEATURE_NAMELESS);
    }
}

static uint64_t read_key(const char *id, const char *name, const char *longitude)
{
    char text[512];
    struct place place;
    uint64_t key = 0;
    snprintf(text, sizeof text,
             "{\"type\":\"Feature\",%s\"geometry\":{\"type\":\"Point\",\"coordinates\":[%s,2]},"
             "\"properties\":{\"name\":\"%s\",\"shop\":\"x\"}}",
             id, longitude, name);
    CHECK_INT(read_bytes(text, strlen(text), &place, &key), FEATURE_PLACE);
    return key;
}

static void is_known_by_its_id(void)
{
    /* A text id is the place, whatever else changes. */
    CHECK(read_key("\"id\":\"n1\",", "A", "1") == read_key("\"id\":\"n1\",", "B", "3"));
    CHECK(read_key("\"id\":\"n1\",", "A", "1") != read_key("\"id\":\"w1\",", "A", "1"));
    /* Without one, name and position are. A number is none. */
    CHECK(read_key("", "A", "1") == read_key("\"id\":7,", "A", "1.00000001"));
    CHECK(read_key("", "A", "1") != read_key("", "B", "1"));
    CHECK(read_key("\"id\":7,", "A", "1") != read_key("\"id\":7,", "A", "1.00001"));
    CHECK(read_key("\"id\":\"\",", "A", "1") != read_key("\"id\":\"\",", "B", "1"));
}

/* What makes a place, however an exporter puts it. */
static void reads_tags_of_every_exporter(void)
{
    static const struct {
        const char *properties, *types;
    } table[] = {
        /* osmium, osmtogeojson */
        {"\"name\":\"A\",\"amenity\":\"cafe\"", "cafe,food"},
        {"\"@id\":5,\"@type\":\"node\",\"name\":\"A\",\"amenity\":\"cafe\"", "cafe,food"},
        /* ogr2ogr */
        {"\"osm_id\":\"5\",\"name\":\"A\",\"other_tags\":\"\\\"amenity\\\"=>\\\"cafe\\\"\"",
         "cafe,food"},
        {"\"name\":\"A\",\"shop\":\"books\",\"other_tags\":\"\\\"shop\\\"=>\\\"pet\\\","
         "\\\"tourism\\\"=>"
         "\\\"museum\\\"\"",
         "museum,book_store,store"},
        {"\"name\":\"A\",\"other_tags\":{\"amenity\":\"cafe\"}", "cafe,food"},
        {"\"osm_id\":\"5\",\"all_tags\":\"\\\"name\\\"=>\\\"A\\\",\\\"amenity\\\"=>\\\"cafe\\\"\"",
         "cafe,food"},
        /* osmtogeojson -e */
        {"\"type\":\"node\",\"id\":5,\"tags\":{\"name\":\"A\",\"amenity\":\"cafe\"},\"relations\":["
         "],"
         "\"meta\":{\"timestamp\":\"2020\"}",
         "cafe,food"},
        /* A tag of that name is one like any other. */
        {"\"name\":\"A\",\"tags\":\"x\",\"amenity\":\"cafe\"", "cafe,food"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[512];
        struct place place;
        uint64_t key;
        snprintf(text, sizeof text, "{\"type\":\"Feature\"," POINT ",\"properties\":{%s}}",
                 table[i].properties);
        enum feature_kind kind = read_bytes(text, strlen(text), &place, &key);
        CHECK_INT(kind, FEATURE_PLACE);
        if (kind != FEATURE_PLACE) {
            printf("    %s\n", text);
            continue;
        }
        CHECK(strcmp(place.name, "A") == 0);
        CHECK_BYTES(place.types, strlen(place.types), table[i].types, strlen(table[i].types));
    }
}

static void is_one_element_however_it_is_said(void)
{
#define AREA                                                                                       \
    "\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[[[[2,1],[3,1],[3,2],[2,1]]]]}"
    static const struct {
        const char *id, *geometry, *properties, *same;
    } table[] = {
        {"\"n5\"", POINT, "", "n5"},
        {"\"node/5\"", POINT, "", "n5"},
        {"7", POINT, "\"@type\":\"node\",\"@id\":5", "n5"},
        {"7", POINT, "\"osm_id\":\"5\"", "n5"},
        {"7", POINT, "\"osm_type\":\"node\",\"osm_id\":5", "n5"},
        {"\"a14\"", AREA, "", "a14"},
        {"\"w7\"", AREA, "", "a14"},
        {"\"way/7\"", AREA, "", "a14"},
        {"null", AREA, "\"@id\":\"way/7\"", "a14"},
        {"null", AREA, "\"@type\":\"way\",\"@id\":7", "a14"},
        {"null", AREA, "\"osm_way_id\":\"7\"", "a14"},
        {"\"a149\"", AREA, "", "a149"},
        {"\"relation/74\"", AREA, "\"@id\":\"way/7\"", "a149"},
        {"\"r74\"", AREA, "", "a149"},
        {"1", AREA, "\"@type\":\"relation\",\"@id\":\"74\"", "a149"},
        {"1", AREA, "\"osm_id\":\"74\",\"osm_way_id\":null", "a149"},
        /* Whatever is no element's is itself, or name and position. */
        {"\"b1\"", AREA, "\"@id\":\"way/7\"", "b1"},
        {"\"a0\"", AREA, "", "a0"},
        {"1", AREA, "\"osm_id\":74", NULL},
        {"1", AREA, "\"osm_id\":\"-74\"", NULL},
        {"1", AREA, "\"@id\":74", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char text[512];
        struct place place;
        uint64_t key;
        snprintf(text, sizeof text,
                 "{\"type\":\"Feature\",\"id\":%s,%s,\"properties\":{\"name\":\"A\",\"shop\":\"x\"%"
                 "s%s}}",
                 table[i].id, table[i].geometry, table[i].properties[0] != '\0' ? "," : "",
                 table[i].properties);
        CHECK_INT(read_bytes(text, strlen(text), &place, &key), FEATURE_PLACE);
        uint64_t wanted = table[i].same == NULL ? place_key(&place)
                                                : XXH3_64bits(table[i].same, strlen(table[i].same));
        CHECK(key == wanted);
        if (key != wanted)
            printf("    %s\n", text);
    }
}

static void names_are_cut_to_the_limit(void)
{
    for (size_t more = 0; more <= 1; more++) {
        char name[PLACE_NAME_BYTES_MAX + 2];
        char text[PLACE_NAME_BYTES_MAX + 256];
        struct place place;
        uint64_t key;
        memset(name, 'n', sizeof name);
        name[PLACE_NAME_BYTES_MAX + more] = '\0';
        snprintf(text, sizeof text,
                 "{\"type\":\"Feature\"," POINT ",\"properties\":{\"name\":\"%s\",\"shop\":\"x\"}}",
                 name);
        CHECK_INT(read_bytes(text, strlen(text), &place, &key), FEATURE_PLACE);
        CHECK_INT(strlen(place.name), PLACE_NAME_BYTES_MAX);
    }
}

static void the_tally_adds_up(void)
{
    struct tally tally = {.kinds = {11, 22, 33, 44, 55}, .too_long = 66, .replaced = 7};
    struct buffer out = {0};
    static const char wanted[] = "taken              11  places\n"
                                 "                    7  of them instead of one that was known "
                                 "already\n"
                                 "skipped           220  records\n"
                                 "                   22  without a name\n"
                                 "                   33  neither point nor area\n"
                                 "                   44  without a tag that makes a place\n"
                                 "                   55  broken\n"
                                 "                   66  longer than 8 MiB\n";
    CHECK_INT(tally_records(&tally), 231);
    tally_write_report(&tally, &out);
    CHECK_BYTES(out.data, out.len, wanted, sizeof wanted - 1);
    out.len = 0;
    tally.bytes = 123456789;
    tally_write_progress(&tally, 0, &out);
    static const char open[] = "123.5 MB, 231 records, 11 places";
    CHECK_BYTES(out.data, out.len, open, sizeof open - 1);
    out.len = 0;
    tally_write_progress(&tally, 987654321000, &out);
    static const char known[] = "123.5 MB of 987654.3 MB, 231 records, 11 places";
    CHECK_BYTES(out.data, out.len, known, sizeof known - 1);
    buffer_free(&out);
}

/* ---- elements ---- */

static void spellings_become_one(void)
{
    static const struct {
        const char *text, *element;
    } table[] = {
        {"n5", "n5"},
        {"node/5", "n5"},
        {"n0005", "n5"},
        {"w7", "a14"},
        {"way/7", "a14"},
        {"a14", "a14"},
        {"r74", "a149"},
        {"relation/74", "a149"},
        {"a149", "a149"},
        {"n999999999999999999", "n999999999999999999"},
        {"r999999999999999999", "a1999999999999999999"},
        {"a999999999999999999", "a999999999999999999"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char element[FEATURE_ELEMENT_BYTES_MAX + 1] = "";
        CHECK(feature_read_element(table[i].text, element));
        CHECK_BYTES(element, strlen(element), table[i].element, strlen(table[i].element));
    }
}

static void other_texts_are_none(void)
{
    static const char *const texts[] = {
        "",
        "5",
        "n",
        "n0",
        "n-5",
        "n+5",
        "n 5",
        "n5 ",
        "n5a",
        "N5",
        "nn5",
        "node5",
        "node/",
        "node/0",
        "/5",
        "way//7",
        "area/7",
        "relation/7/2",
        "n1000000000000000000",
        "ways/7",
        "n5\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char element[FEATURE_ELEMENT_BYTES_MAX + 1];
        CHECK(!feature_read_element(texts[i], element));
        if (feature_read_element(texts[i], element))
            printf("    taken: %s\n", texts[i]);
    }
}

static void members_say_it_too(void)
{
    static const char point[] = "{\"type\":\"Point\"}", area[] = "{\"type\":\"Polygon\"}";
    static const struct {
        const char *properties, *geometry, *element; /* NULL: none */
    } table[] = {
        {"{\"@id\":\"relation/74\"}", area, "a149"},
        {"{\"@id\":74,\"@type\":\"relation\"}", area, "a149"},
        {"{\"@id\":\"74\",\"@type\":\"relation\"}", area, "a149"},
        {"{\"@id\":5,\"@type\":\"node\",\"osm_id\":\"6\"}", point, "n5"},
        {"{\"@id\":5,\"@type\":\"area\"}", area, NULL},
        {"{\"@id\":-5,\"@type\":\"node\"}", point, NULL},
        {"{\"@id\":5.0,\"@type\":\"node\"}", point, NULL},
        {"{\"@id\":5}", point, NULL},
        {"{\"osm_id\":38862723,\"osm_type\":\"W\"}", point, "a77725446"},
        {"{\"osm_id\":\"7\",\"osm_type\":\"way\"}", area, "a14"},
        {"{\"osm_way_id\":\"7\"}", area, "a14"},
        {"{\"osm_way_id\":\"7\",\"osm_id\":\"74\"}", area, "a14"},
        {"{\"osm_id\":\"74\"}", area, "a149"},
        {"{\"osm_id\":\"5\"}", point, "n5"},
        {"{\"osm_id\":5}", point, NULL},
        {"{\"osm_id\":\"5x\"}", point, NULL},
        {"{\"osm_id\":\"5\"}", "{}", NULL},
        {"{\"osm_id\":\"5\"}", "null", NULL},
        {"{}", point, NULL},
        {"null", point, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        json_t *properties = json_loads(table[i].properties, JSON_DECODE_ANY, NULL);
        json_t *geometry = json_loads(table[i].geometry, JSON_DECODE_ANY, NULL);
        char element[FEATURE_ELEMENT_BYTES_MAX + 1] = "";
        bool found = feature_find_element(properties, geometry, element);
        CHECK_INT(found, table[i].element != NULL);
        if (found && table[i].element != NULL)
            CHECK_BYTES(element, strlen(element), table[i].element, strlen(table[i].element));
        if (found != (table[i].element != NULL))
            printf("    %s\n", table[i].properties);
        json_decref(properties);
        json_decref(geometry);
    }
}

static void a_terminal_shows_the_pace(void)
{
    static const struct {
        uint64_t bytes, total;
        int64_t elapsed_ms;
        const char *wanted;
    } table[] = {
        {50, 100, 999, ""},
        {50, 100, 1000, ", 231 a second, 50 %, 0:01 left"},
        {25, 100, 30000, ", 8 a second, 25 %, 1:30 left"},
        {1, 1000, 10000, ", 23 a second, 0 %, 166:30 left"},
        {100, 100, 10000, ", 23 a second, 100 %, 0:00 left"},
        {50, 0, 10000, ", 23 a second"},
        {101, 100, 10000, ", 23 a second"},
        {0, 100, 10000, ", 23 a second"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct tally tally = {
            .kinds = {11, 22, 33, 44, 55}, .too_long = 66, .bytes = table[i].bytes};
        struct buffer out = {0};
        tally_write_pace(&tally, table[i].total, table[i].elapsed_ms, &out);
        CHECK_BYTES(out.data, out.len, table[i].wanted, strlen(table[i].wanted));
        buffer_free(&out);
    }
}

static const struct check_case cases[] = {
    {"a feature with a name and a tag becomes a place", becomes_a_place},
    {"every other record is of exactly one kind", every_record_is_of_one_kind},
    {"no prefix of a feature is one", stands_every_prefix},
    {"a place is known by its id, or by name and position", is_known_by_its_id},
    {"tags are read as every exporter writes them", reads_tags_of_every_exporter},
    {"an element is one, however an exporter says which", is_one_element_however_it_is_said},
    {"a name is cut to its limit", names_are_cut_to_the_limit},
    {"a terminal shows how fast it goes and what is left", a_terminal_shows_the_pace},
    {"the tally's lines say what was taken and skipped", the_tally_adds_up},
    {"all spellings of an element become one", spellings_become_one},
    {"other texts are no element", other_texts_are_none},
    {"members of a feature say it, too", members_say_it_too},
};
CHECK_MAIN(cases)
