#include "placesd/providers/provider.h"

#include "tests/check.h"

#define BASE "https://maps.googleapis.com/maps/api/place/nearbysearch/json"
#define GOOD "{\"html_attributions\":[],\"results\":[1,2],\"status\":\"OK\"}"

static void expect_url(const struct provider *provider, struct lookup lookup, const char *wanted)
{
    struct buffer url = {0};
    provider->write_url(span_of(BASE), span_of("CANARY-7f3a"), &lookup, &url);
    CHECK_BYTES(url.data, url.len, wanted, strlen(wanted));
    buffer_free(&url);
}

static void writes_urls(void)
{
    struct lookup royce = {34068930000, -118445127000, 10000, 5, 4500};
    expect_url(&provider_google, royce,
               BASE "?location=34.06893,-118.445127&radius=10000&key=CANARY-7f3a");
    expect_url(&provider_landmarks, royce, BASE "?location=34.06893,-118.445127&radius=10000");
}

static void writes_degrees(void)
{
    static const struct {
        int64_t latitude, longitude;
        const char *text;
    } places[] = {
        {0, 0, "0,0"},
        {1, -1, "0.000000001,-0.000000001"},
        {-500000000, 500000000, "-0.5,0.5"},
        {90000000000, -180000000000, "90,-180"},
        {-90000000000, 180000000000, "-90,180"},
        {10000000000, 100000000000, "10,100"},
        {89999999999, 179999999990, "89.999999999,179.99999999"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char wanted[128];
        snprintf(wanted, sizeof wanted, BASE "?location=%s&radius=50000", places[i].text);
        struct lookup lookup = {places[i].latitude, places[i].longitude, 50000, 20, 1};
        expect_url(&provider_landmarks, lookup, wanted);
    }
}

static void asks_for_a_metre_at_least(void)
{
    expect_url(&provider_landmarks, (struct lookup){0, 0, 0, 20, 1}, BASE "?location=0,0&radius=1");
    expect_url(&provider_landmarks, (struct lookup){0, 0, 1, 20, 1}, BASE "?location=0,0&radius=1");
    expect_url(&provider_landmarks, (struct lookup){0, 0, 2, 20, 1}, BASE "?location=0,0&radius=2");
}

static void reads_statuses(void)
{
    static const struct {
        long http_status;
        enum lookup_code code;
    } answers[] = {
        {200, LOOKUP_OK},          {301, LOOKUP_UNAVAILABLE}, {302, LOOKUP_UNAVAILABLE},
        {400, LOOKUP_INVALID},     {403, LOOKUP_REFUSED},     {404, LOOKUP_REFUSED},
        {429, LOOKUP_REFUSED},     {500, LOOKUP_UNAVAILABLE}, {503, LOOKUP_UNAVAILABLE},
        {599, LOOKUP_UNAVAILABLE}, {204, LOOKUP_BAD_REPLY},   {0, LOOKUP_BAD_REPLY},
        {999, LOOKUP_BAD_REPLY},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct buffer json = {0};
        CHECK_INT(provider_google.read_answer(answers[i].http_status, span_of(GOOD),
                                              &(struct lookup){.bound = 20}, span_of("k"), &json),
                  answers[i].code);
        buffer_append(&json, (struct span){"", 1});
        char number[16];
        snprintf(number, sizeof number, "HTTP %ld", answers[i].http_status);
        CHECK((strstr(json.data, number) != NULL) == (answers[i].code != LOOKUP_OK));
        CHECK((strstr(json.data, "[1,2]") != NULL) == (answers[i].code == LOOKUP_OK));
        buffer_free(&json);
    }
}

static void cuts_and_censors(void)
{
    struct buffer json = {0};
    struct lookup one = {.bound = 1};
    CHECK_INT(provider_google.read_answer(200, span_of(GOOD), &one, span_of("k"), &json),
              LOOKUP_OK);
    const char *wanted = "{\"html_attributions\":[],\"results\":[1],\"status\":\"OK\"}";
    CHECK_BYTES(json.data, json.len, wanted, strlen(wanted));
    json.len = 0;
    const char *denied = "{\"status\":\"REQUEST_DENIED\",\"error_message\":\"CANARY-7f3a: no\"}";
    for (long http_status = 200; http_status <= 400; http_status += 200) {
        json.len = 0;
        CHECK_INT(provider_google.read_answer(http_status, span_of(denied), &one,
                                              span_of("CANARY-7f3a"), &json),
                  LOOKUP_REFUSED);
        CHECK(memmem(json.data, json.len, "CANARY-7f3a", 11) == NULL);
        CHECK(memmem(json.data, json.len, ": no", 4) == NULL);
        CHECK(memmem(json.data, json.len, "REQUEST_DENIED", 14) != NULL);
    }
    buffer_free(&json);
}

static void knows_keys(void)
{
    char key[PROVIDER_KEY_BYTES_MAX + 1];
    memset(key, 'k', sizeof key);
    CHECK(provider_key_is_valid(span_of("AIzaSy-_.~09")));
    CHECK(provider_key_is_valid((struct span){key, PROVIDER_KEY_BYTES_MAX}));
    CHECK(!provider_key_is_valid((struct span){key, PROVIDER_KEY_BYTES_MAX + 1}));
    static const char *const wrong[] = {"",    "a b", "a\n", "a&b", "a=b",  "a#b",
                                        "a%b", "a/b", "a*b", "a+b", "\x7f", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!provider_key_is_valid(span_of(wrong[i])));
    CHECK(!provider_key_is_valid((struct span){"a\0b", 3}));
}

static void hides_queries(void)
{
    struct span shown = provider_public_url(span_of(BASE "?location=0,0&key=CANARY?x"));
    CHECK_BYTES(shown.data, shown.len, BASE, strlen(BASE));
    shown = provider_public_url(span_of(BASE));
    CHECK_BYTES(shown.data, shown.len, BASE, strlen(BASE));
    CHECK_INT(provider_public_url((struct span){NULL, 0}).len, 0);
}

/* Each names the row that leads to it. */
static void every_row_has_its_provider(void)
{
    for (int i = TOPOLOGY_NO_PROVIDER + 1; i < TOPOLOGY_PROVIDERS; i++) {
        enum topology_provider id = (enum topology_provider)i;
        CHECK_INT(provider_of(id)->id, id);
        CHECK_INT(topology_provider_find(topology_provider_name(id)), id);
    }
    CHECK_INT(topology_provider_find(""), TOPOLOGY_NO_PROVIDER);
}

static const struct check_case cases[] = {
    {"every row has its provider", every_row_has_its_provider},
    {"google gets the key, landmarks does not", writes_urls},
    {"degrees are exact, with no plus and no needless zeros", writes_degrees},
    {"a radius of 0 is asked as one metre", asks_for_a_metre_at_least},
    {"only HTTP 200 carries an answer", reads_statuses},
    {"an answer is cut to the bound, and the key never leaves", cuts_and_censors},
    {"a key is 1 to 256 characters that need no escaping", knows_keys},
    {"a URL is shown without its query", hides_queries},
};

CHECK_MAIN(cases)
