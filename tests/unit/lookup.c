#include "placesd/lookup.h"

#include <jansson.h>

#include "tests/check.h"
#include "tests/unit/floats.h"

static const struct lookup royce = {34068930000, -118445127000, 10000, 5, 4500};

static struct lookup round_trip(struct lookup lookup)
{
    char bytes[LOOKUP_REQUEST_BYTES_MAX];
    size_t count = lookup_write_request(&lookup, bytes);
    struct lookup got = {0};
    CHECK(lookup_read_request((struct span){check_at_page_end(bytes, count), count}, &got));
    return got;
}

static bool is_taken(struct lookup lookup)
{
    char bytes[LOOKUP_REQUEST_BYTES_MAX];
    size_t count = lookup_write_request(&lookup, bytes);
    struct lookup got;
    return lookup_read_request((struct span){bytes, count}, &got);
}

static void requests_return(void)
{
    struct lookup got = round_trip(royce);
    CHECK_INT(got.latitude_nanodeg, royce.latitude_nanodeg);
    CHECK_INT(got.longitude_nanodeg, royce.longitude_nanodeg);
    CHECK_INT(got.radius_m, royce.radius_m);
    CHECK_INT(got.bound, royce.bound);
    CHECK_INT(got.deadline_ms, royce.deadline_ms);
}

static void request_bytes_are_fixed(void)
{
    char bytes[LOOKUP_REQUEST_BYTES_MAX];
    size_t count = lookup_write_request(&royce, bytes);
    static const char wanted[] = "zp\x01\x95"
                                 "\xcf\x00\x00\x00\x07\xee\xaa\x9d\xd0"
                                 "\xd3\xff\xff\xff\xe4\x6c\x1e\xca\xa8"
                                 "\xcd\x27\x10\x05\xcd\x11\x94";
    CHECK_BYTES(bytes, count, wanted, sizeof wanted - 1);
}

static void holds_request_limits(void)
{
    static const struct {
        struct lookup at, past;
    } limits[] = {
        {{90000000000, 0, 0, 0, 1}, {90000000001, 0, 0, 0, 1}},
        {{-90000000000, 0, 0, 0, 1}, {-90000000001, 0, 0, 0, 1}},
        {{0, 180000000000, 0, 0, 1}, {0, 180000000001, 0, 0, 1}},
        {{0, -180000000000, 0, 0, 1}, {0, -180000000001, 0, 0, 1}},
        {{0, 0, 50000, 0, 1}, {0, 0, 50001, 0, 1}},
        {{0, 0, 0, 20, 1}, {0, 0, 0, 21, 1}},
        {{0, 0, 0, 0, 1}, {0, 0, 0, 0, 0}},
        {{0, 0, 0, 0, 60000}, {0, 0, 0, 0, 60001}},
        {{0, 0, 0, 0, 1}, {INT64_MAX, INT64_MIN, UINT32_MAX, UINT32_MAX, UINT32_MAX}},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        CHECK(is_taken(limits[i].at));
        CHECK(!is_taken(limits[i].past));
    }
}

static void refuses_other_requests(void)
{
    static const struct {
        const char *bytes;
        size_t count;
    } others[] = {
        {"zp\x02\x95\x00\x00\x00\x00\x01", 9},                  /* another version */
        {"zh\x01\x95\x00\x00\x00\x00\x01", 9},                  /* another protocol */
        {"zp\x01\x94\x00\x00\x00\x01", 8},                      /* a field short */
        {"zp\x01\x96\x00\x00\x00\x00\x01\x00", 10},             /* a field long */
        {"zp\x01\x95\x00\x00\x00\x00\x01\x00", 10},             /* bytes after the end */
        {"zp\x01\x95\x00\x00\x00\xff\x01", 9},                  /* a negative bound */
        {"zp\x01\x95\xa1\x30\x00\x00\x00\x01", 10},             /* a text for a number */
        {"zp\x01\x95\xca\x3f\x00\x00\x00\x00\x00\x00\x01", 13}, /* half a number */
        {"zp\x01\x85\x00\x00\x00\x00\x01", 9},                  /* a map */
        {"WHATSAT kiwi 10 5\n", 18},
    };
    struct lookup got;
    CHECK(lookup_read_request((struct span){"zp\x01\x95\x00\x00\x00\x00\x01", 9}, &got));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(!lookup_read_request((struct span){others[i].bytes, others[i].count}, &got));
    CHECK(!lookup_read_request((struct span){NULL, 0}, &got));
}

#define WRONG(bytes, reason)                                                                       \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, reason                                                           \
    }

/* Every way to be no question has a sentence of its own. */
static void explains_other_requests(void)
{
    static const struct {
        const char *bytes;
        size_t count;
        const char *reason;
    } wrong[] = {
        WRONG("", "It is empty."),
        WRONG("z", "It begins with the bytes 7a: 7a 70 01 (zp, version 1) are needed."),
        WRONG("zp", "It begins with the bytes 7a 70: 7a 70 01 (zp, version 1) are needed."),
        WRONG("\x95\x00\x00\x00\x00\x01",
              "It begins with the bytes 95 00 00: 7a 70 01 (zp, version 1) are needed."),
        WRONG("{\"latitude\": 34}",
              "It begins with the bytes 7b 22 6c: 7a 70 01 (zp, version 1) are needed."),
        WRONG("zh\x01\x95\x00\x00\x00\x00\x01",
              "It begins with the bytes 7a 68 01: 7a 70 01 (zp, version 1) are needed."),
        WRONG("zp1[34,-118,10000,5,4000]", "Its version is 49: version 1 is spoken here."),
        WRONG("zp\x02\x95\x00\x00\x00\x00\x01", "Its version is 2: version 1 is spoken here."),
        WRONG("zp\x01", "It is nothing: an array of 5 is needed."),
        WRONG("zp\x01\x85\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00",
              "It is a map of 5: an array of 5 is needed."),
        WRONG("zp\x01\x07", "It is 7: an array of 5 is needed."),
        WRONG("zp\x01\xa5\x95\x1b\x00\x00\x01",
              "It is the text \"?????\": an array of 5 is needed."),
        WRONG("zp\x01\xc4\x01\x95", "It is binary data of 1 bytes: an array of 5 is needed."),
        WRONG("zp\x01\x95\x00", "It is an object that is cut short: an array of 5 is needed."),
        WRONG("zp\x01\x94\x00\x00\x00\x01", "It has 4 fields: 5 are needed."),
        WRONG("zp\x01\x96\x00\x00\x00\x00\x01\x00", "It has 6 fields: 5 are needed."),
        WRONG("zp\x01\x95\x00\x00\x00\x00\x01\x00\x00",
              "Behind its fields it goes on, 2 bytes long: nothing is allowed."),
        WRONG("zp\x01\x95\xcf\x00\x00\x00\x14\xf4\x6b\x04\x01\x00\x00\x00\x01",
              "latitude_nanodeg is 90000000001: -90000000000 to 90000000000 is allowed."),
        WRONG("zp\x01\x95\xd3\xff\xff\xff\xeb\x0b\x94\xfb\xff\x00\x00\x00\x01",
              "latitude_nanodeg is -90000000001: -90000000000 to 90000000000 is allowed."),
        WRONG("zp\x01\x95\xcb\x40\x41\x08\xd2\xb2\xbf\xdb\x4d\x00\x00\x00\x01",
              "latitude_nanodeg is the float 34.06893: a whole number, -90000000000 to 90000000000 "
              "is allowed."),
        WRONG("zp\x01\x95\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
              "latitude_nanodeg is the float nan: a whole number, -90000000000 to 90000000000 is "
              "allowed."),
        WRONG("zp\x01\x95\xa5"
              "34.07\x00\x00\x00\x01",
              "latitude_nanodeg is the text \"34.07\": a whole number, -90000000000 to 90000000000 "
              "is allowed."),
        WRONG("zp\x01\x95\x00\xcf\x00\x00\x00\x29\xe8\xd6\x08\x01\x00\x00\x01",
              "longitude_nanodeg is 180000000001: -180000000000 to 180000000000 is allowed."),
        WRONG("zp\x01\x95\x00\xcb\xff\xf0\x00\x00\x00\x00\x00\x00\x00\x00\x01",
              "longitude_nanodeg is the float -inf: a whole number, -180000000000 to 180000000000 "
              "is allowed."),
        WRONG(
            "zp\x01\x95\x00\xc0\x00\x00\x01",
            "longitude_nanodeg is nil: a whole number, -180000000000 to 180000000000 is allowed."),
        WRONG("zp\x01\x95\x00\x00\xcd\xea\x60\x05\x01",
              "radius_m is 60000: 0 to 50000 is allowed."),
        WRONG("zp\x01\x95\x00\x00\xff\x05\x01", "radius_m is -1: 0 to 50000 is allowed."),
        WRONG("zp\x01\x95\x00\x00\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x05\x01",
              "radius_m is 18446744073709551615: 0 to 50000 is allowed."),
        WRONG("zp\x01\x95\x00\x00\xca\x3f\x00\x00\x00\x05\x01",
              "radius_m is the float 0.5: a whole number, 0 to 50000 is allowed."),
        WRONG("zp\x01\x95\x00\x00\xcb\x43\x40\x00\x00\x00\x00\x00\x00\x05\x01",
              "radius_m is the float 9007199254740992 (beyond 2^53): a whole number, 0 to 50000 is "
              "allowed."),
        WRONG("zp\x01\x95\x00\x00\x00\x15\x01", "bound is 21: 0 to 20 is allowed."),
        WRONG("zp\x01\x95\x00\x00\x00\xc3\x01",
              "bound is true: a whole number, 0 to 20 is allowed."),
        WRONG("zp\x01\x95\x00\x00\x00\x91\x05\x01",
              "bound is an array of 1: a whole number, 0 to 20 is allowed."),
        WRONG("zp\x01\x95\x00\x00\x00\x05\x00", "deadline_ms is 0: 1 to 60000 is allowed."),
        WRONG("zp\x01\x95\x00\x00\x00\x05\xcd\xea\x61",
              "deadline_ms is 60001: 1 to 60000 is allowed."),
        WRONG("zp\x01\x95\x00\x00\x00\x05\xd6\xff\x00\x00\x00\x00",
              "deadline_ms is an extension: a whole number, 1 to 60000 is allowed."),
        WRONG("zp\x01\x95\x00\x00\xcd\x27\x10\x05",
              "deadline_ms is missing: the question ends before it."),
        WRONG("zp\x01\x95\x00\x00\x00\x05\xcd\x0f",
              "deadline_ms is an object that is cut short: a whole number, 1 to 60000 is allowed."),
    };
    static const char first[] = "The question is not a look-up. ";
    struct lookup got;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char reason[LOOKUP_REASON_BYTES_MAX], wanted[LOOKUP_REASON_BYTES_MAX];
        struct span bytes = {check_at_page_end(wrong[i].bytes, wrong[i].count), wrong[i].count};
        CHECK(!lookup_read_request(bytes, &got));
        lookup_explain_request(bytes, reason);
        snprintf(wanted, sizeof wanted, "%s%s", first, wrong[i].reason);
        CHECK_BYTES(reason, strlen(reason), wanted, strlen(wanted));
    }
}

/* The longest reason, and a request of the greatest size and one byte more. */
static void explains_within_bounds(void)
{
    char bytes[LOOKUP_REQUEST_BYTES_MAX + 1] = "zp\x01\x95\x00\xd9";
    char reason[LOOKUP_REASON_BYTES_MAX];
    size_t text = LOOKUP_REQUEST_BYTES_MAX - 10;
    bytes[6] = (char)text;
    memset(bytes + 7, 'x', sizeof bytes - 7);
    lookup_explain_request((struct span){bytes, LOOKUP_REQUEST_BYTES_MAX}, reason);
    const char *end = "...: a whole number, -180000000000 to 180000000000 is allowed.";
    CHECK(strlen(reason) > strlen(end) && strcmp(reason + strlen(reason) - strlen(end), end) == 0);
    lookup_explain_request((struct span){bytes, LOOKUP_REQUEST_BYTES_MAX + 1}, reason);
    CHECK(strcmp(reason, "The question is not a look-up. It has 129 bytes: 128 are allowed.") == 0);
}

/* All messages, as languages of doubles write them. */
static void whole_floats_are_numbers(void)
{
    char bytes[LOOKUP_REQUEST_BYTES_MAX], floats[LOOKUP_REQUEST_BYTES_MAX];
    size_t converted;
    size_t count = lookup_write_request(&royce, bytes);
    count = floats_of((struct span){bytes, count}, 3, floats, &converted);
    CHECK_INT(converted, 5);
    struct lookup lookup = {0};
    CHECK(lookup_read_request((struct span){floats, count}, &lookup));
    CHECK(memcmp(&lookup, &royce, sizeof lookup) == 0);

    struct buffer reply = {0};
    struct lookup_reply got = {0};
    lookup_write_reply(&(struct lookup_reply){LOOKUP_TIMEOUT, span_of("{}")}, &reply);
    count = floats_of((struct span){reply.data, reply.len}, 3, floats, &converted);
    CHECK_INT(converted, 1);
    CHECK(lookup_read_reply((struct span){floats, count}, &got));
    CHECK_INT(got.code, LOOKUP_TIMEOUT);
    buffer_free(&reply);

    uint32_t number = 0;
    count = lookup_write_ready(LOOKUP_CREDITS_MAX, bytes);
    count = floats_of((struct span){bytes, count}, 3, floats, &converted);
    CHECK(lookup_read_ready((struct span){floats, count}, &number));
    CHECK_INT(number, LOOKUP_CREDITS_MAX);
    count = lookup_write_rest(UINT32_MAX, bytes);
    count = floats_of((struct span){bytes, count}, 3, floats, &converted);
    CHECK(lookup_read_rest((struct span){floats, count}, &number));
    CHECK(number == UINT32_MAX);
}

static void refuses_request_prefixes(void)
{
    char bytes[LOOKUP_REQUEST_BYTES_MAX];
    size_t count = lookup_write_request(&royce, bytes);
    for (size_t part = 0; part < count; part++) {
        struct lookup got;
        CHECK(!lookup_read_request((struct span){check_at_page_end(bytes, part), part}, &got));
    }
}

static void replies_return(void)
{
    for (int code = LOOKUP_OK; code <= LOOKUP_INVALID; code++) {
        struct buffer bytes = {0};
        struct lookup_reply reply = {(enum lookup_code)code, span_of("{\"status\":\"OK\"}")};
        lookup_write_reply(&reply, &bytes);
        struct lookup_reply got = {0};
        CHECK(lookup_read_reply((struct span){bytes.data, bytes.len}, &got));
        CHECK_INT(got.code, code);
        CHECK_BYTES(got.body.data, got.body.len, reply.body.data, reply.body.len);
        for (size_t part = 0; part < bytes.len; part++)
            CHECK(
                !lookup_read_reply((struct span){check_at_page_end(bytes.data, part), part}, &got));
        buffer_append(&bytes, span_of("x"));
        CHECK(!lookup_read_reply((struct span){bytes.data, bytes.len}, &got));
        buffer_free(&bytes);
    }
}

static void replies_may_be_text(void)
{
    struct lookup_reply got;
    CHECK(lookup_read_reply((struct span){"zp\x01\x92\x00\xa2{}", 8}, &got));
    CHECK_BYTES(got.body.data, got.body.len, "{}", 2);
    CHECK(lookup_read_reply((struct span){"zp\x01\x92\x06\xc4\x02{}", 9}, &got));
    CHECK(!lookup_read_reply((struct span){"zp\x01\x92\x07\xa2{}", 8}, &got)); /* unknown code */
    CHECK(!lookup_read_reply((struct span){"zp\x01\x92\x00\x02", 6}, &got));
    CHECK(!lookup_read_reply((struct span){"zp\x01\x93\x00\xa2{}\x00", 9}, &got));
    CHECK(!lookup_read_reply((struct span){"zp\x02\x92\x00\xa2{}", 8}, &got));
}

static void holds_body_limit(void)
{
    char *body = calloc(1, LOOKUP_BODY_BYTES_MAX + 1);
    struct buffer bytes = {0};
    lookup_write_reply(&(struct lookup_reply){LOOKUP_OK, {body, LOOKUP_BODY_BYTES_MAX}}, &bytes);
    CHECK(bytes.len <= LOOKUP_REPLY_BYTES_MAX);
    struct lookup_reply got;
    CHECK(lookup_read_reply((struct span){bytes.data, bytes.len}, &got));
    CHECK_INT(got.body.len, LOOKUP_BODY_BYTES_MAX);

    /* One past it, by hand: the writer would not. */
    bytes.len = 0;
    buffer_append(&bytes, (struct span){"zp\x01\x92\x00\xc6\x00\x10\x00\x01", 10});
    buffer_append(&bytes, (struct span){body, LOOKUP_BODY_BYTES_MAX + 1});
    CHECK(!lookup_read_reply((struct span){bytes.data, bytes.len}, &got));
    buffer_free(&bytes);
    free(body);
}

static void greetings_return(void)
{
    static const uint32_t credits[] = {0, 1, 64, LOOKUP_CREDITS_MAX};
    char bytes[LOOKUP_READY_BYTES_MAX];
    uint32_t got = 7;
    for (size_t i = 0; i < sizeof credits / sizeof *credits; i++) {
        size_t count = lookup_write_ready(credits[i], bytes);
        CHECK(lookup_read_ready((struct span){bytes, count}, &got));
        CHECK_INT(got, credits[i]);
        for (size_t part = 0; part < count; part++)
            CHECK(!lookup_read_ready((struct span){check_at_page_end(bytes, part), part}, &got));
    }
    size_t count = lookup_write_ready(LOOKUP_CREDITS_MAX + 1, bytes);
    CHECK(!lookup_read_ready((struct span){bytes, count}, &got));
    CHECK(!lookup_read_ready((struct span){"zp\x01\x91\x01\x01", 6}, &got));
}

static void failures_are_answers(void)
{
    static const struct {
        enum lookup_code code;
        const char *status;
    } failures[] = {
        {LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR"}, {LOOKUP_TIMEOUT, "UNKNOWN_ERROR"},
        {LOOKUP_BUSY, "OVER_QUERY_LIMIT"},     {LOOKUP_REFUSED, "REQUEST_DENIED"},
        {LOOKUP_BAD_REPLY, "UNKNOWN_ERROR"},   {LOOKUP_INVALID, "INVALID_REQUEST"},
    };
    const char *reason = "a \"quote\", a \\ and\na line, caf\xc3\xa9";
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct buffer json = {0};
        lookup_write_failure(failures[i].code, reason, &json);
        json_error_t error;
        json_t *root = json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, &error);
        CHECK_INT(json_object_size(root), 4);
        CHECK_INT(json_array_size(json_object_get(root, "results")), 0);
        CHECK(json_is_array(json_object_get(root, "html_attributions")));
        CHECK(strcmp(json_string_value(json_object_get(root, "status")), failures[i].status) == 0);
        CHECK(strcmp(json_string_value(json_object_get(root, "error_message")), reason) == 0);
        json_decref(root);
        buffer_free(&json);
    }
}

static void figures_return(void)
{
    static struct lookup_figures figures, got;
    figures = (struct lookup_figures){
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, UINT64_MAX, 2, {{"192.0.2.1", 3}, {"::1", 3}}};
    char bytes[LOOKUP_FIGURES_BYTES_MAX + 1];
    size_t count = lookup_write_figures(&figures, bytes);
    CHECK(lookup_read_figures((struct span){check_at_page_end(bytes, count), count}, &got));
    CHECK(memcmp(&figures, &got, sizeof got) == 0);
    for (size_t i = 0; i < count; i++)
        CHECK(!lookup_read_figures((struct span){check_at_page_end(bytes, i), i}, &got));
    bytes[count] = 9;
    CHECK(!lookup_read_figures((struct span){bytes, count + 1}, &got));
    bytes[3]++; /* one more element, of a later version */
    CHECK(lookup_read_figures((struct span){bytes, count + 1}, &got));
    bytes[0] = 'x';
    CHECK(!lookup_read_figures((struct span){bytes, count + 1}, &got));
    memset(&figures, 0xff, sizeof figures);
    figures.host_count = LOOKUP_HOSTS_MAX;
    for (size_t i = 0; i < LOOKUP_HOSTS_MAX; i++)
        figures.hosts[i].address[LOOKUP_HOST_BYTES_MAX - 1] = '\0';
    count = lookup_write_figures(&figures, bytes);
    CHECK(count <= LOOKUP_FIGURES_BYTES_MAX);
    CHECK(lookup_read_figures((struct span){bytes, count}, &got));
    /* Nobody asks about a place with what asks for them. */
    struct lookup lookup;
    CHECK(!lookup_read_request(LOOKUP_FIGURES_QUESTION, &lookup));
}

static const struct check_case cases[] = {
    {"figures return, and may be more of a later version", figures_return},
    {"a request returns as it was written", requests_return},
    {"a request's bytes are the same for ever", request_bytes_are_fixed},
    {"each number is taken at its limit and refused one past it", holds_request_limits},
    {"what is not exactly a request is refused", refuses_other_requests},
    {"each wrong question hears what came and what is allowed", explains_other_requests},
    {"the explanation is bounded, and so is the question", explains_within_bounds},
    {"whole floats are numbers in every message", whole_floats_are_numbers},
    {"every prefix of a request is refused", refuses_request_prefixes},
    {"a reply returns, and none of its prefixes does", replies_return},
    {"a reply's body may be text or bytes", replies_may_be_text},
    {"a body of 1 MiB is taken and one byte more is not", holds_body_limit},
    {"a worker's greeting returns, within the limit of credits", greetings_return},
    {"a failure is a Nearby Search object with its reason", failures_are_answers},
};

CHECK_MAIN(cases)
