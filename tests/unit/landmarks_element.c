/* One element of OpenStreetMap in all of its spellings. */
#include "placesd/landmarks/data/element.h"

#include <string.h>

#include "tests/check.h"

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
        char element[ELEMENT_BYTES_MAX + 1] = "";
        CHECK(element_read(table[i].text, element));
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
        char element[ELEMENT_BYTES_MAX + 1];
        CHECK(!element_read(texts[i], element));
        if (element_read(texts[i], element))
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
        char element[ELEMENT_BYTES_MAX + 1] = "";
        bool found = element_find(properties, geometry, element);
        CHECK_INT(found, table[i].element != NULL);
        if (found && table[i].element != NULL)
            CHECK_BYTES(element, strlen(element), table[i].element, strlen(table[i].element));
        if (found != (table[i].element != NULL))
            printf("    %s\n", table[i].properties);
        json_decref(properties);
        json_decref(geometry);
    }
}

static const struct check_case cases[] = {
    {"all spellings of an element become one", spellings_become_one},
    {"other texts are no element", other_texts_are_none},
    {"members of a feature say it, too", members_say_it_too},
};

CHECK_MAIN(cases)
