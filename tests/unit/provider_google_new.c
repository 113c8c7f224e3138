#include "tests/unit/transform.h"

#define GOOGLE_NEW &provider_google_new

#define ROYCE                                                                                      \
    "{\"id\":\"ChIJ-1\",\"types\":[\"university\",\"point_of_interest\"],"                         \
    "\"location\":{\"latitude\":34.0728,\"longitude\":-118.4421},"                                 \
    "\"businessStatus\":\"OPERATIONAL\","                                                          \
    "\"displayName\":{\"text\":\"Royce Hall\",\"languageCode\":\"en\"},"                           \
    "\"shortFormattedAddress\":\"10745 Dickson Ct, Los Angeles\"}"
#define NAMED(name)                                                                                \
    "{\"id\":\"" name "\",\"displayName\":{\"text\":\"" name                                       \
    "\"},\"location\":{\"latitude\":1,\"longitude\":2}}"

static void writes_requests(void)
{
    transform_expect_request(
        GOOGLE_NEW, &transform_here,
        "https://a.org/x\n"
        "Content-Type: application/json\n"
        "X-Goog-FieldMask: places.id,places.displayName,places.location,places.types,"
        "places.shortFormattedAddress,places.businessStatus,places.attributions\n"
        "X-Goog-Api-Key: CANARY-7f3a\n"
        "{\"maxResultCount\":20,\"rankPreference\":\"POPULARITY\",\"locationRestriction\":"
        "{\"circle\":{\"center\":{\"latitude\":34.0728,\"longitude\":-118.442},"
        "\"radius\":2000}}}");
}

static void writes_extreme_requests(void)
{
    static const struct lookup extremes[] = {
        {-89999999999, -179999999999, 50000, 20, 60000},
        {0, 0, 0, 0, 1},
    };
    static const char *const bodies[] = {
        "{\"latitude\":-89.999999999,\"longitude\":-179.999999999},\"radius\":50000}}}",
        "{\"latitude\":0,\"longitude\":0},\"radius\":1}}}",
    };
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
        struct buffer body = {0};
        provider_google_new.write_body(&extremes[i], &body);
        CHECK(memmem(body.data, body.len, bodies[i], strlen(bodies[i])) != NULL);
        json_error_t error;
        json_t *root = json_loadb(body.data, body.len, 0, &error);
        CHECK(json_is_object(root));
        json_decref(root);
        buffer_free(&body);
    }
}

static void reads_places(void)
{
    transform_expect(GOOGLE_NEW, "{\"places\":[" ROYCE "]}",
                     "{\n"
                     "   \"html_attributions\": [\n"
                     "      \"Google Maps\"\n"
                     "   ],\n"
                     "   \"results\": [\n"
                     "      {\n"
                     "         \"business_status\": \"OPERATIONAL\",\n"
                     "         \"geometry\": {\n"
                     "            \"location\": {\n"
                     "               \"lat\": 34.0728,\n"
                     "               \"lng\": -118.4421\n"
                     "            }\n"
                     "         },\n"
                     "         \"name\": \"Royce Hall\",\n"
                     "         \"place_id\": \"ChIJ-1\",\n"
                     "         \"reference\": \"ChIJ-1\",\n"
                     "         \"types\": [\n"
                     "            \"university\",\n"
                     "            \"point_of_interest\"\n"
                     "         ],\n"
                     "         \"vicinity\": \"10745 Dickson Ct, Los Angeles\"\n"
                     "      }\n"
                     "   ],\n"
                     "   \"status\": \"OK\"\n"
                     "}");
}

static void spells_control_characters(void)
{
    transform_expect_code(GOOGLE_NEW, 200,
                          span_of("{\"places\":[" NAMED("\\u009b31m\xc2\x85\x7f\\n") "]}"),
                          LOOKUP_OK, "\"\\u009b31m\\u0085\\u007f\\n\"");
}

static void reads_nothing(void)
{
    static const char *const bodies[] = {"{}", "{\"places\":[]}", " {\n}\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        transform_expect_code(GOOGLE_NEW, 200, span_of(bodies[i]), LOOKUP_OK, "ZERO_RESULTS");
}

static void keeps_the_order(void)
{
    const char *body = "{\"places\":[" NAMED("c") "," NAMED("a") "," NAMED("b") "]}";
    struct lookup lookup = transform_here;
    transform_expect_names(GOOGLE_NEW, body, &lookup, "c,a,b,");
    lookup.bound = 2;
    transform_expect_names(GOOGLE_NEW, body, &lookup, "c,a,");
    lookup.bound = 0;
    transform_expect_names(GOOGLE_NEW, body, &lookup, "");
}

static void leaves_out_halves(void)
{
    static const char *const halves[] = {
        "null",
        "1",
        "[]",
        "{}",
        "{\"id\":1,\"displayName\":{\"text\":\"x\"},\"location\":{\"latitude\":1,\"longitude\":2}}",
        "{\"id\":\"x\",\"displayName\":\"x\",\"location\":{\"latitude\":1,\"longitude\":2}}",
        "{\"id\":\"x\",\"displayName\":{\"text\":\"x\"}}",
        "{\"id\":\"x\",\"displayName\":{\"text\":\"x\"},\"location\":[1,2]}",
        "{\"id\":\"x\",\"displayName\":{\"text\":\"x\"},\"location\":{\"latitude\":\"1\","
        "\"longitude\":2}}",
        "{\"id\":\"x\",\"displayName\":{\"text\":\"x\"},\"location\":{\"latitude\":90.1,"
        "\"longitude\":2}}",
        "{\"id\":\"x\",\"displayName\":{\"text\":\"x\"},\"location\":{\"latitude\":1,"
        "\"longitude\":-180.1}}",
    };
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        char body[512];
        snprintf(body, sizeof body, "{\"places\":[%s," NAMED("whole") "]}", halves[i]);
        transform_expect_names(GOOGLE_NEW, body, &transform_here, "whole,");
    }
}

static void doubts_members_of_other_types(void)
{
    transform_expect_names(GOOGLE_NEW,
                           "{\"places\":[{\"id\":\"x\",\"displayName\":{\"text\":\"odd\"},"
                           "\"location\":{\"latitude\":1,\"longitude\":2},\"types\":\"bar\","
                           "\"shortFormattedAddress\":7,\"businessStatus\":{},"
                           "\"attributions\":{\"provider\":1}},"
                           "{\"id\":\"y\",\"displayName\":{\"text\":\"odder\"},"
                           "\"location\":{\"latitude\":1,\"longitude\":2},\"types\":[1,\"bar\"],"
                           "\"attributions\":[1,{\"provider\":1},{}]}]}",
                           &transform_here, "odd,odder,");
    transform_expect_code(GOOGLE_NEW, 200,
                          span_of("{\"places\":[{\"id\":\"y\",\"displayName\":{\"text\":\"y\"},"
                                  "\"location\":{\"latitude\":1,\"longitude\":2},"
                                  "\"types\":[1,\"bar\",{}]}]}"),
                          LOOKUP_OK, "[\n            \"bar\"\n         ]");
}

static void names_contributors(void)
{
#define FROM(attributions)                                                                         \
    "{\"id\":\"x\",\"displayName\":{\"text\":\"x\"},\"location\":{\"latitude\":1,\"longitude\":2}" \
    ",\"attributions\":[" attributions "]}"
    const char *ann = "\"Google Maps\",\n      \"<a href=\\\"https://ann.example/?a&amp;b\\\">"
                      "Ann &lt;&amp;&gt; &quot;Co&quot;</a>\",\n      \"Bob\"\n   ]";
    const char *body = "{\"places\":[" FROM(
        "{\"provider\":\"Ann <&> \\\"Co\\\"\","
        "\"providerUri\":\"https://ann.example/?a&b\"}") "," FROM("{\"provider\":\"Ann <&> "
                                                                  "\\\"Co\\\"\",\"providerUri\":"
                                                                  "\"https://ann.example/?a&b\"},"
                                                                  "{\"provider\":\"Bob\","
                                                                  "\"providerUri\":\"javascript:"
                                                                  "alert(1)\"}") "]}";
    transform_expect_code(GOOGLE_NEW, 200, span_of(body), LOOKUP_OK, ann);
}

/* A place may claim any number of contributors; the 50th line of attribution is the last. */
static void names_so_many_contributors(void)
{
    struct buffer body = {0};
    buffer_append(&body, span_of("{\"places\":[{\"id\":\"x\",\"displayName\":{\"text\":\"x\"},"
                                 "\"location\":{\"latitude\":1,\"longitude\":2},"
                                 "\"attributions\":[{}"));
    for (int i = 1; i <= 50; i++) {
        char one[64];
        snprintf(one, sizeof one, ",{\"provider\":\"Ann %d\"}", i);
        buffer_append(&body, span_of(one));
    }
    buffer_append(&body, span_of("]}]}"));
    enum lookup_code code;
    struct buffer json =
        transform_text(GOOGLE_NEW, 200, (struct span){body.data, body.len}, &transform_here, &code);
    CHECK(strstr(json.data, "\"Ann 49\"\n") != NULL);
    CHECK(strstr(json.data, "\"Ann 50\"") == NULL);
    buffer_free(&json);
    buffer_free(&body);
}

/* The 20th place is still read, the 21st no more: nor is its contributor named. */
static void reads_so_many_places(void)
{
    struct buffer body = {0};
    buffer_append(&body, span_of("{\"places\":[null"));
    for (int i = 1; i <= 21; i++) {
        char one[256];
        snprintf(one, sizeof one,
                 ",{\"id\":\"%d\",\"displayName\":{\"text\":\"%d\"},\"location\":{\"latitude\":1,"
                 "\"longitude\":2},\"attributions\":[{\"provider\":\"Ann %d\"}]}",
                 i, i, i);
        buffer_append(&body, span_of(one));
    }
    buffer_append(&body, span_of("]}"));
    enum lookup_code code;
    struct buffer json =
        transform_text(GOOGLE_NEW, 200, (struct span){body.data, body.len}, &transform_here, &code);
    CHECK(strstr(json.data, "\"Ann 20\"\n") != NULL &&
          strstr(json.data, "\"name\": \"20\"") != NULL);
    CHECK(strstr(json.data, "\"Ann 21\"") == NULL && strstr(json.data, "\"name\": \"21\"") == NULL);
    buffer_free(&json);
    buffer_free(&body);
}

static void refuses_other_shapes(void)
{
    static const char *const bodies[] = {
        "{\"places\":{}}",
        "{\"places\":null}",
        "{\"places\":\"none\"}",
        "{\"results\":[],\"status\":\"OK\"}",
        "{\"error\":{\"code\":403,\"message\":\"no\",\"status\":\"PERMISSION_DENIED\"}}",
        "{\"places\":[{\"id\":\"\xff\"}]}",
        "{\"places\":[{\"id\":\"\\ud800\"}]}",
        "{\"places\":[" NAMED(TRANSFORM_KEY) "]}",
        "{\"places\":[" NAMED("\\u0043ANARY-7f3a") "]}",
    };
    transform_expect_nonsense(GOOGLE_NEW, bodies, sizeof bodies / sizeof *bodies,
                              "{\"places\":[" ROYCE "]}");
}

/* A name that fits into the answer once would be said twice in ours, as id and as reference. */
static void refuses_to_write_too_much(void)
{
    size_t half = LOOKUP_BODY_BYTES_MAX / 2;
    char *id = malloc(half + 1), *body = malloc(2 * half);
    memset(id, 'x', half);
    id[half] = '\0';
    snprintf(body, 2 * half,
             "{\"places\":[{\"id\":\"%s\",\"displayName\":{\"text\":\"x\"},"
             "\"location\":{\"latitude\":1,\"longitude\":2}}]}",
             id);
    transform_expect_code(GOOGLE_NEW, 200, span_of(body), LOOKUP_BAD_REPLY, "too long");
    free(body);
    free(id);
}

/* An answer with google.rpc.Status, whose message no client sees. */
static void expect_failure(long http_status, const char *error, enum lookup_code code,
                           const char *status, const char *how)
{
    char body[512];
    snprintf(body, sizeof body, "{\"error\":{\"message\":\"CANARY-7f3a 192.0.2.77\",%s}}", error);
    enum lookup_code got;
    struct buffer json =
        transform_text(GOOGLE_NEW, http_status, span_of(body), &transform_here, &got);
    CHECK_INT(got, code);
    CHECK(strstr(json.data, status) != NULL && strstr(json.data, how) != NULL);
    CHECK(strstr(json.data, "192.0.2.77") == NULL);
    if (strstr(json.data, status) == NULL || strstr(json.data, how) == NULL)
        printf("    %s gave %s\n", body, json.data);
    buffer_free(&json);
}

static void tells_failures(void)
{
    transform_expect_statuses(GOOGLE_NEW, "{\"places\":[" ROYCE "]}");
    expect_failure(403, "\"status\":\"PERMISSION_DENIED\"", LOOKUP_REFUSED, "REQUEST_DENIED",
                   "(HTTP 403, PERMISSION_DENIED).");
    expect_failure(429, "\"status\":\"RESOURCE_EXHAUSTED\"", LOOKUP_REFUSED, "OVER_QUERY_LIMIT",
                   "(HTTP 429, RESOURCE_EXHAUSTED).");
    expect_failure(403,
                   "\"status\":\"PERMISSION_DENIED\",\"details\":[{},{\"reason\":"
                   "\"RATE_LIMIT_EXCEEDED\"}]",
                   LOOKUP_REFUSED, "OVER_QUERY_LIMIT", "(HTTP 403, RATE_LIMIT_EXCEEDED).");
    expect_failure(403, "\"errors\":[{\"reason\":\"userRateLimitExceeded\"}]", LOOKUP_REFUSED,
                   "OVER_QUERY_LIMIT", "(HTTP 403, userRateLimitExceeded).");
    /* A key that is none is a bad argument there, and no fault of the question's. */
    expect_failure(400,
                   "\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":"
                   "\"API_KEY_INVALID\"}]",
                   LOOKUP_REFUSED, "REQUEST_DENIED", "(HTTP 400, API_KEY_INVALID).");
    expect_failure(400, "\"status\":\"INVALID_ARGUMENT\"", LOOKUP_INVALID, "INVALID_REQUEST",
                   "(HTTP 400, INVALID_ARGUMENT).");
    expect_failure(503, "\"status\":\"UNAVAILABLE\"", LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR",
                   "(HTTP 503, UNAVAILABLE).");
    expect_failure(500, "\"status\":\"192.0.2.77\"", LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR",
                   "(HTTP 500).");
    expect_failure(302, "\"status\":\"RESOURCE_EXHAUSTED\"", LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR",
                   "elsewhere, where we do not go (HTTP 302).");
}

static const struct check_case cases[] = {
    {"the key stands in a header, the numbers in the body", writes_requests},
    {"the ends of the Earth and a radius of 0 can be asked", writes_extreme_requests},
    {"a place becomes a result", reads_places},
    {"control characters are spelled", spells_control_characters},
    {"an empty object means that nothing is near", reads_nothing},
    {"Google's order stays, cut to the bound", keeps_the_order},
    {"what lacks id, name or position is left out alone", leaves_out_halves},
    {"members of other types count as missing", doubts_members_of_other_types},
    {"whoever contributed is named once, without dangerous links", names_contributors},
    {"50 lines of attribution and no more", names_so_many_contributors},
    {"20 places are read and no more", reads_so_many_places},
    {"what is not the JSON asked for is nonsense, wherever it ends", refuses_other_shapes},
    {"an answer that grows too long is refused", refuses_to_write_too_much},
    {"a failure is reported in our own words and its status", tells_failures},
};

CHECK_MAIN(cases)
