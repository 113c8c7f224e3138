/* Tags in one text. */
#include "placesd/landmarks/data/hstore.h"

#include <string.h>

#include "tests/check.h"

static void expect(const char *text, const char *had, const char *wanted)
{
    json_t *tags = json_loads(had, 0, NULL);
    hstore_read(check_at_page_end(text, strlen(text) + 1), tags);
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
    {"pairs are read, whatever they hold", reads_pairs},
    {"reading ends before what is no pair", ends_before_what_is_none},
    {"members that are there stay", spares_what_is_there},
};

CHECK_MAIN(cases)
