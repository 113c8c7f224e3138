/* A million positions that clients and gateways might send: whatever is taken becomes requests of
 * one strict pattern for each provider, and nothing else. */
#include "bus/base/degrees.h"
#include "gateway/text/command.h"
#include "placesd/providers/provider.h"
#include "tests/check.h"
#include "tests/unit/input.h"

#define BASE "https://maps.googleapis.com/maps/api/place/nearbysearch/json"
#define KEY  "CANARY-7f3a"

static uint64_t state = 11;

static uint32_t roll(uint32_t sides)
{
    return (uint32_t)(input_draw(&state) % sides);
}

/* ---- the pattern ---- */

static const char *after_digits(const char *at, size_t max)
{
    size_t digits = at != NULL ? strspn(at, "0123456789") : 0;
    return digits >= 1 && digits <= max ? at + digits : NULL;
}

/* -?[0-9]{1,3}(\.[0-9]{1,9})? of at most `max` degrees */
static const char *after_degrees(const char *at, double max)
{
    if (at == NULL)
        return NULL;
    double degrees = atof(at);
    at = after_digits(*at == '-' ? at + 1 : at, 3);
    if (at != NULL && *at == '.')
        at = after_digits(at + 1, 9);
    return degrees >= -max && degrees <= max ? at : NULL;
}

/* Characters of a pattern that stand for what is free; all others stand for themselves. */
#define LAT    "\1"
#define LON    "\2"
#define NUMBER "\3"

static bool matches(struct buffer text, const char *pattern)
{
    buffer_append(&text, (struct span){"", 1});
    const char *at = text.data;
    for (; *pattern != '\0' && at != NULL; pattern++) {
        if (*pattern == *LAT)
            at = after_degrees(at, 90);
        else if (*pattern == *LON)
            at = after_degrees(at, 180);
        else if (*pattern == *NUMBER)
            at = after_digits(at, 5);
        else
            at = *at == *pattern ? at + 1 : NULL;
    }
    bool good = at != NULL && at + 1 == text.data + text.len;
    buffer_free(&text);
    return good;
}

#define OVERPASS_SORT(wikidata)                                                                    \
    "nwr%28around%3A" NUMBER "%2C" LAT "%2C" LON "%29%5Bname%5D%5B" wikidata                       \
    "%5D%5B~%22%5E%28tourism%7Chistoric%7Cleisure%7Camenity%7Cshop%29%24%22~%22.%22%5D%3Bout%20"   \
    "center%20100%3B"

static void check_requests(const struct lookup *lookup)
{
    static const struct {
        const struct provider *provider;
        const char *url, *body;
    } patterns[] = {
        {&provider_google, BASE "?location=" LAT "," LON "&radius=" NUMBER "&key=" KEY, ""},
        {&provider_landmarks, BASE "?location=" LAT "," LON "&radius=" NUMBER, ""},
        {&provider_google_new, BASE,
         "{\"maxResultCount\":20,\"rankPreference\":\"POPULARITY\",\"locationRestriction\":"
         "{\"circle\":{\"center\":{\"latitude\":" LAT ",\"longitude\":" LON "},\"radius\":" NUMBER
         "}}}"},
        {&provider_overpass, BASE,
         "data=%5Bout%3Ajson%5D%5Btimeout%3A" NUMBER
         "%5D%5Bmaxsize%3A67108864%5D%3B" OVERPASS_SORT("wikidata") OVERPASS_SORT("%21wikidata")},
        {&provider_photon,
         BASE "?lat=" LAT "&lon=" LON "&radius=" NUMBER "." NUMBER
              "&limit=40&osm_tag=tourism&osm_tag=historic&osm_tag=leisure&osm_tag=amenity"
              "&osm_tag=shop",
         ""},
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct buffer url = {0}, body = {0};
        patterns[i].provider->write_url(span_of(BASE), span_of(KEY), lookup, &url);
        if (patterns[i].provider->write_body != NULL)
            patterns[i].provider->write_body(lookup, &body);
        CHECK(matches(url, patterns[i].url));
        CHECK(matches(body, patterns[i].body));
    }
}

/* ---- what is sent ---- */

/* Bytes that mean something in a URL, in HTTP, in a number or to a terminal. */
static const char evil[] = "&?#=%/\\:@;,+-.eE_x'\"<>[]{}|^`~!$()* \t\r\n\0\x7f\x80\xc2\xa0\xff"
                           "0123456789";

static size_t write_position(char *text, size_t room)
{
    int length =
        snprintf(text, room, "%c%0*u.%u%c%0*u.%u", "+-"[roll(2)], (int)roll(3) + 1, roll(91),
                 roll(1000000000), "+-"[roll(2)], (int)roll(4) + 1, roll(181), roll(1000000000));
    size_t bytes = (size_t)length;
    static const char *const tails[] = {"&key=mine", "%0d%0aHost: x", "#",  "?radius=1", "\r\nX: y",
                                        "/../..",    "&radius=99999", "\0", "e9",        "nan"};
    switch (roll(4)) {
    case 0:
        return bytes;
    case 1:
        text[roll((uint32_t)bytes)] = evil[roll(sizeof evil - 1)];
        return bytes;
    case 2:
        text[bytes] = evil[roll(sizeof evil - 1)];
        return bytes + 1;
    default:
        return bytes + (size_t)snprintf(text + bytes, room - bytes, "%s", tails[roll(10)]);
    }
}

static void clients_reach_no_request(void)
{
    size_t taken = 0, refused = 0;
    for (int i = 0; i < 700000; i++) {
        char line[256] = "IAMAT kiwi ";
        size_t bytes = strlen(line);
        bytes += write_position(line + bytes, 128);
        bytes += (size_t)sprintf(line + bytes, " 1.0");
        struct command command;
        struct lookup lookup = {.radius_m = roll(LOOKUP_RADIUS_KM_MAX + 1) * 1000};
        command_parse((struct span){line, bytes}, 0, &command);
        struct degrees at;
        if (command.kind == COMMAND_IAMAT && degrees_read(command.position, &at)) {
            lookup.latitude_nanodeg = at.latitude_nano;
            lookup.longitude_nanodeg = at.longitude_nano;
            check_requests(&lookup);
            taken++;
        } else {
            refused++;
        }
    }
    CHECK(taken > 100000 && refused > 100000);
}

/* Nor do they by the places service's own front: a program that reaches it may send any bytes. */
static void gateways_reach_no_request(void)
{
    size_t taken = 0, refused = 0;
    for (int i = 0; i < 300000; i++) {
        struct lookup lookup = {(int64_t)input_draw(&state) >> roll(40),
                                (int64_t)input_draw(&state) >> roll(40), roll(60000), roll(30),
                                roll(70000)};
        char request[LOOKUP_REQUEST_BYTES_MAX];
        size_t bytes = lookup_write_request(&lookup, request);
        for (uint32_t changes = roll(3); changes > 0; changes--)
            request[roll((uint32_t)bytes)] = (char)roll(256);
        if (lookup_read_request((struct span){request, bytes}, &lookup)) {
            check_requests(&lookup);
            taken++;
        } else {
            refused++;
        }
    }
    CHECK(taken > 10000 && refused > 10000);
}

static void the_pattern_is_strict(void)
{
    static const char *const wrong[] = {BASE "?location=1,2&radius=3&key=mine",
                                        BASE "?location=+1,2&radius=3",
                                        BASE "?location=1,2&radius=3 ",
                                        BASE "?location=1,181&radius=3",
                                        BASE "?location=91,2&radius=3",
                                        BASE "?location=1.,2&radius=3",
                                        BASE "?location=1,2&radius=123456",
                                        BASE "?location=1e1,2&radius=3",
                                        BASE "?location=,&radius=3",
                                        BASE "?location=1,2.0123456789&radius=3",
                                        "http://elsewhere?location=1,2&radius=3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buffer url = {0};
        buffer_append(&url, span_of(wrong[i]));
        CHECK(!matches(url, BASE "?location=" LAT "," LON "&radius=" NUMBER));
    }
    struct buffer url = {0};
    buffer_append(&url, span_of(BASE "?location=-1.5,2&radius=3"));
    CHECK(matches(url, BASE "?location=" LAT "," LON "&radius=" NUMBER));
}

static const struct check_case cases[] = {
    {"the pattern refuses what differs by a byte", the_pattern_is_strict},
    {"700,000 lines of clients: only numbers reach a request", clients_reach_no_request},
    {"300,000 messages to the front: only numbers reach a request", gateways_reach_no_request},
};

CHECK_MAIN(cases)
