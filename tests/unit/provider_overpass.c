#include "tests/unit/transform.h"

#define OVERPASS &provider_overpass

#define POWELL                                                                                     \
    "{\"type\":\"way\",\"id\":7,\"center\":{\"lat\":34.0716,\"lon\":-118.4422},\"nodes\":[1,2],"   \
    "\"tags\":{\"name\":\"Powell Library\",\"amenity\":\"library\",\"wikidata\":\"Q1\","           \
    "\"addr:street\":\"Portola Plaza\",\"addr:housenumber\":\"10740\","                            \
    "\"addr:city\":\"Los Angeles\"}}"
#define NODE(id, lat, lon, tags)                                                                   \
    "{\"type\":\"node\",\"id\":" id ",\"lat\":" lat ",\"lon\":" lon ",\"tags\":{" tags "}}"
#define CAFE(id, lat, name) NODE(id, lat, "-118.442", "\"name\":\"" name "\",\"amenity\":\"cafe\"")

/* A form's field, decoded; the caller frees. */
static char *decode(const char *text)
{
    char *out = malloc(strlen(text) + 1), *to = out;
    for (; *text != '\0'; text++) {
        unsigned byte;
        if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return out;
}

static void expect_question(struct lookup lookup, const char *wanted)
{
    struct buffer body = {0};
    provider_overpass.write_body(&lookup, &body);
    buffer_append(&body, (struct span){"", 1});
    CHECK(strncmp(body.data, "data=", 5) == 0);
    CHECK_INT(strspn(body.data + 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789-._~%"),
              strlen(body.data + 5));
    char *text = decode(body.data + 5);
    CHECK_BYTES(text, strlen(text), wanted, strlen(wanted));
    free(text);
    buffer_free(&body);
}

static void writes_questions(void)
{
#define KEYS "[~\"^(tourism|historic|leisure|amenity|shop)$\"~\".\"];out center 100;"
    expect_question(transform_here, "[out:json][timeout:5][maxsize:67108864];"
                                    "nwr(around:2000,34.0728,-118.442)[name][wikidata]" KEYS
                                    "nwr(around:2000,34.0728,-118.442)[name][!wikidata]" KEYS);
    expect_question((struct lookup){-89999999999, -179999999999, 50000, 20, 60000},
                    "[out:json][timeout:60][maxsize:67108864];"
                    "nwr(around:50000,-89.999999999,-179.999999999)[name][wikidata]" KEYS
                    "nwr(around:50000,-89.999999999,-179.999999999)[name][!wikidata]" KEYS);
    expect_question((struct lookup){0, 0, 0, 20, 1}, "[out:json][timeout:1][maxsize:67108864];"
                                                     "nwr(around:1,0,0)[name][wikidata]" KEYS
                                                     "nwr(around:1,0,0)[name][!wikidata]" KEYS);
    struct buffer url = {0};
    provider_overpass.write_url(span_of("https://a.org/x"), span_of(""), &transform_here, &url);
    CHECK_BYTES(url.data, url.len, "https://a.org/x", 15);
    buffer_free(&url);
    CHECK(provider_overpass.write_headers == NULL);
}

static void reads_elements(void)
{
    transform_expect(
        OVERPASS, "{\"version\":0.6,\"elements\":[" POWELL "]}",
        "{\n"
        "   \"html_attributions\": [\n"
        "      \"\xc2\xa9 <a href=\\\"https://www.openstreetmap.org/copyright\\\">OpenStreetMap "
        "contributors</a>\"\n"
        "   ],\n"
        "   \"results\": [\n"
        "      {\n"
        "         \"geometry\": {\n"
        "            \"location\": {\n"
        "               \"lat\": 34.0716,\n"
        "               \"lng\": -118.4422\n"
        "            }\n"
        "         },\n"
        "         \"name\": \"Powell Library\",\n"
        "         \"place_id\": \"osm-W7\",\n"
        "         \"reference\": \"osm-W7\",\n"
        "         \"types\": [\n"
        "            \"library\",\n"
        "            \"point_of_interest\",\n"
        "            \"establishment\"\n"
        "         ],\n"
        "         \"vicinity\": \"Portola Plaza 10740, Los Angeles\"\n"
        "      }\n"
        "   ],\n"
        "   \"status\": \"OK\"\n"
        "}");
}

static void reads_nothing(void)
{
    transform_expect_code(OVERPASS, 200, span_of("{\"elements\":[]}"), LOOKUP_OK, "ZERO_RESULTS");
    transform_expect_code(OVERPASS, 200, span_of("{\"elements\":[]}"), LOOKUP_OK, "OpenStreetMap");
    transform_expect_code(OVERPASS, 200, span_of("{\"remark\":\"all well\",\"elements\":[]}"),
                          LOOKUP_OK, "ZERO_RESULTS");
}

static void orders_by_fame_distance_and_id(void)
{
    const char *bodies[] = {
        "{\"elements\":[" CAFE(
            "9", "34.0730",
            "near") "," POWELL
                    "," CAFE("8", "34.08", "far") "," CAFE("5", "34.0730", "near too") "," NODE(
                        "1", "34.09", "-118.4", "\"name\":\"sight\",\"tourism\":\"museum\"") "]}",
        "{\"elements\":[" NODE("1", "34.09", "-118.4", "\"name\":\"sight\",\"tourism\":\"museum\"") "," CAFE(
            "5", "34.0730", "near too") "," CAFE("8", "34.08", "far") "," POWELL
                                                                      "," CAFE("9", "34.0730",
                                                                               "near") "]}",
    };
    for (size_t i = 0; i < 2; i++)
        transform_expect_names(OVERPASS, bodies[i], &transform_here,
                               "Powell Library,sight,near too,near,far,");
    struct lookup two = transform_here;
    two.bound = 2;
    transform_expect_names(OVERPASS, bodies[0], &two, "Powell Library,sight,");
    two.bound = 0;
    transform_expect_names(OVERPASS, bodies[0], &two, "");
}

/* More tags are a sign of more care; from 99 on they no longer count. */
static void counts_tags(void)
{
    const char *more = "\"name\":\"more\",\"shop\":\"books\",\"phone\":\"1\"";
    const char *less = "\"name\":\"less\",\"shop\":\"books\"";
    char body[16384];
    snprintf(body, sizeof body,
             "{\"elements\":[{\"type\":\"node\",\"id\":1,\"lat\":34.0728,\"lon\":-118.442,"
             "\"tags\":{%s}},{\"type\":\"node\",\"id\":2,\"lat\":34.09,\"lon\":-118.442,"
             "\"tags\":{%s}}]}",
             less, more);
    transform_expect_names(OVERPASS, body, &transform_here, "more,less,");
    size_t used = (size_t)snprintf(body, sizeof body, "{\"elements\":[");
    for (int element = 0; element < 3; element++) { /* 99, 100 and 98 tags, ever farther */
        static const int tags[] = {100, 99, 98};
        used += (size_t)snprintf(body + used, sizeof body - used,
                                 "%s{\"type\":\"node\",\"id\":%d,\"lat\":34.0%d,\"lon\":-118.442,"
                                 "\"tags\":{\"shop\":\"books\",\"name\":\"%d\"",
                                 element > 0 ? "," : "", element + 1, 9 - element, tags[element]);
        for (int i = 2; i < tags[element]; i++)
            used += (size_t)snprintf(body + used, sizeof body - used, ",\"k%d\":\"v\"", i);
        used += (size_t)snprintf(body + used, sizeof body - used, "}}");
    }
    snprintf(body + used, sizeof body - used, "]}");
    transform_expect_names(OVERPASS, body, &transform_here, "99,100,98,");
}

static void says_types_in_googles_words(void)
{
    static const struct {
        const char *tags, *type;
    } all[] = {
        {"\"amenity\":\"fuel\"", "\"gas_station\""},
        {"\"tourism\":\"hotel\"", "\"lodging\""},
        {"\"tourism\":\"museum\",\"amenity\":\"cafe\"", "\"museum\""},
        {"\"shop\":\"bakery\"", "\"bakery\""},
        {"\"tourism\":\"viewpoint\"", "[\n            \"tourist_attraction\""},
        {"\"shop\":\"doityourself\"", "[\n            \"hardware_store\",\n            \"point_"},
        {"\"amenity\":\"theatre\"", "[\n            \"theatre\""}, /* Google has no word */
        {"\"shop\":\"toys\"", "[\n            \"toys\""},
        {"\"shop\":\"vacant\"", "[\n            \"vacant\""},
        {"\"historic\":\"yes\"", "[\n            \"point_of_interest\""},
        {"\"amenity\":\"cafe;bar\"",
         "[\n            \"cafe\",\n            \"bar\",\n            \"poi"},
        {"\"shop\":\" books ; toys;yes; books \"",
         "[\n            \"book_store\",\n            \"toys\",\n            \"poi"},
        {"\"tourism\":\"no; \",\"amenity\":\"fuel\"", "[\n            \"gas_station\""},
        {"\"shop\":\"a;b;c;d;e;f;g;h;i\"", "\"g\",\n            \"h\",\n            \"point_of"},
        {"\"leisure\":\"odd \\\"one\\\"\"", "\"odd \\\"one\\\"\""},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char body[512];
        snprintf(body, sizeof body,
                 "{\"elements\":[{\"type\":\"relation\",\"id\":3,\"lat\":1,\"lon\":2,"
                 "\"tags\":{\"name\":\"x\",%s}}]}",
                 all[i].tags);
        transform_expect_code(OVERPASS, 200, span_of(body), LOOKUP_OK, all[i].type);
        transform_expect_code(OVERPASS, 200, span_of(body), LOOKUP_OK, "\"osm-R3\"");
    }
}

static void writes_addresses(void)
{
    static const struct {
        const char *tags, *vicinity;
    } all[] = {
        {"\"addr:street\":\"Main\"", "\"vicinity\": \"Main\""},
        {"\"addr:city\":\"Ulm\"", "\"vicinity\": \"Ulm\""},
        {"\"addr:street\":\"Main\",\"addr:city\":\"Ulm\"", "\"vicinity\": \"Main, Ulm\""},
        {"\"addr:housenumber\":\"5\",\"addr:city\":\"Ulm\"", "\"vicinity\": \"Ulm\""},
        {"\"addr:housenumber\":\"5\"", "\"establishment\"\n         ]\n"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char body[512];
        snprintf(body, sizeof body,
                 "{\"elements\":[{\"type\":\"node\",\"id\":3,\"lat\":1,\"lon\":2,"
                 "\"tags\":{\"name\":\"x\",\"shop\":\"yes\",%s}}]}",
                 all[i].tags);
        transform_expect_code(OVERPASS, 200, span_of(body), LOOKUP_OK, all[i].vicinity);
    }
}

/* 255 bytes of address are passed on; one more and there is none. */
static void holds_the_address_limit(void)
{
    for (size_t bytes = 255; bytes <= 256; bytes++) {
        char street[257], body[512];
        memset(street, 's', bytes);
        street[bytes] = '\0';
        snprintf(body, sizeof body,
                 "{\"elements\":[{\"type\":\"node\",\"id\":3,\"lat\":1,\"lon\":2,"
                 "\"tags\":{\"name\":\"x\",\"shop\":\"yes\",\"addr:street\":\"%s\"}}]}",
                 street);
        enum lookup_code code;
        struct buffer json = transform_text(OVERPASS, 200, span_of(body), &transform_here, &code);
        CHECK((strstr(json.data, street) != NULL) == (bytes == 255));
        CHECK((strstr(json.data, "vicinity") != NULL) == (bytes == 255));
        buffer_free(&json);
    }
}

static void leaves_out_halves(void)
{
    static const char *const halves[] = {
        "null",
        "7",
        "{}",
        NODE("1", "1", "2", "\"shop\":\"yes\""),
        NODE("1", "1", "2", "\"name\":\"x\""),
        NODE("1", "1", "2", "\"name\":\"x\",\"shop\":\"no\""),
        NODE("1", "1", "2", "\"name\":\"x\",\"shop\":\" ; \""),
        NODE("1", "1", "2", "\"name\":7,\"shop\":\"yes\""),
        NODE("1", "1", "2", "\"name\":\"x\",\"shop\":7"),
        NODE("0", "1", "2", "\"name\":\"x\",\"shop\":\"yes\""),
        NODE("-1", "1", "2", "\"name\":\"x\",\"shop\":\"yes\""),
        NODE("1.5", "1", "2", "\"name\":\"x\",\"shop\":\"yes\""),
        NODE("\"1\"", "1", "2", "\"name\":\"x\",\"shop\":\"yes\""),
        NODE("1", "\"1\"", "2", "\"name\":\"x\",\"shop\":\"yes\""),
        NODE("1", "-90.5", "2", "\"name\":\"x\",\"shop\":\"yes\""),
        NODE("1", "1", "181", "\"name\":\"x\",\"shop\":\"yes\""),
        "{\"type\":\"way\",\"id\":1,\"center\":[],\"tags\":{\"name\":\"x\",\"shop\":\"yes\"}}",
        "{\"type\":\"way\",\"id\":1,\"tags\":{\"name\":\"x\",\"shop\":\"yes\"}}",
        "{\"type\":\"area\",\"id\":1,\"lat\":1,\"lon\":2,\"tags\":{\"name\":\"x\",\"shop\":\"y\"}}",
        "{\"id\":1,\"lat\":1,\"lon\":2,\"tags\":{\"name\":\"x\",\"shop\":\"yes\"}}",
        "{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2,\"tags\":[]}",
    };
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        char body[512];
        snprintf(body, sizeof body, "{\"elements\":[%s," CAFE("2", "34", "whole") "]}", halves[i]);
        transform_expect_names(OVERPASS, body, &transform_here, "whole,");
    }
}

/* The 200th element is still read, the 201st no more: the better one, in this case. */
static void holds_the_places_limit(void)
{
    for (int others = 199; others <= 200; others++) {
        struct buffer body = {0};
        buffer_append(&body, span_of("{\"elements\":["));
        for (int i = 0; i < others; i++) {
            char one[160];
            snprintf(one, sizeof one, CAFE("%d", "34", "cafe") ",", i + 100);
            buffer_append(&body, span_of(one));
        }
        buffer_append(&body, (struct span){POWELL "]}", sizeof POWELL "]}"});
        struct lookup one = transform_here;
        one.bound = 1;
        transform_expect_names(OVERPASS, body.data, &one,
                               others == 199 ? "Powell Library," : "cafe,");
        buffer_free(&body);
    }
}

static void refuses_other_shapes(void)
{
    static const char *const bodies[] = {
        "{}",
        "{\"elements\":{}}",
        "{\"elements\":null}",
        "{\"elements\":[{\"id\":99999999999999999999}]}",
        "{\"elements\":[{\"lat\":1e999}]}",
        "{\"elements\":[{\"lat\":NaN}]}",
        "{\"elements\":[{\"type\":\"\xc3\x28\"}]}",
        "{\"elements\":[{\"type\":\"\\u0000\"}]}",
        "{\"elements\":[" CAFE("1", "34", TRANSFORM_KEY) "]}",
    };
    transform_expect_code(OVERPASS, 200, span_of("{}"), LOOKUP_BAD_REPLY,
                          "The places provider's answer has no list of elements.");
    transform_expect_nonsense(OVERPASS, bodies, sizeof bodies / sizeof *bodies,
                              "{\"version\":0.6,\"elements\":[" POWELL "]}");
}

static void tells_failures(void)
{
    transform_expect_statuses(OVERPASS, "{\"elements\":[" POWELL "]}");
    transform_expect_code(OVERPASS, 200,
                          span_of("{\"elements\":[" POWELL "],\"remark\":\"runtime error: Query "
                                  "timed out in \\\"query\\\" at line 1 after 6 seconds.\"}"),
                          LOOKUP_UNAVAILABLE, "gave up");
    transform_expect_code(OVERPASS, 200,
                          span_of("{\"elements\":[],\"remark\":\"runtime error: open64: 0 Success "
                                  "/osm3s_osm_base Dispatcher_Client::request_read_and_idx::"
                                  "rate_limited. Please check /api/status.\"}"),
                          LOOKUP_REFUSED, "OVER_QUERY_LIMIT");
}

static const struct check_case cases[] = {
    {"a question is Overpass QL in a form, of numbers only", writes_questions},
    {"a way with a centre becomes a result", reads_elements},
    {"nothing near is an answer, with its attribution", reads_nothing},
    {"fame, distance and id make the order, whatever came first", orders_by_fame_distance_and_id},
    {"up to 99 tags count", counts_tags},
    {"types are said in Google's words", says_types_in_googles_words},
    {"an address is as long as it is known", writes_addresses},
    {"an address has at most 255 bytes", holds_the_address_limit},
    {"what is no place is left out alone", leaves_out_halves},
    {"200 places are read of an answer", holds_the_places_limit},
    {"what is not the JSON asked for is nonsense, wherever it ends", refuses_other_shapes},
    {"a question that was too much is a failure, as is any HTTP error", tells_failures},
};

CHECK_MAIN(cases)
