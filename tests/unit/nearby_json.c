#include "placesd/providers/nearby_json.h"

#include <jansson.h>

#include "tests/check.h"

static const struct span no_secret = {"", 0};
static const struct span canary = {"CANARY-7f3a", 11};

/* Reads `text` from where readable memory ends; the answer with a closing NUL. */
static enum lookup_code read_span(struct span text, uint32_t bound, struct span secret,
                                  struct buffer *json)
{
    json->len = 0;
    char *at = check_at_page_end(text.data, text.len);
    enum lookup_code code = nearby_json_read((struct span){at, text.len}, bound, secret, json);
    buffer_append(json, (struct span){"", 1});
    json->len--;
    return code;
}

static void expect(const char *text, uint32_t bound, const char *wanted)
{
    struct buffer json = {0};
    CHECK_INT(read_span(span_of(text), bound, no_secret, &json), LOOKUP_OK);
    CHECK_BYTES(json.data, json.len, wanted, strlen(wanted));
    buffer_free(&json);
}

/* Every failure is itself a Nearby Search object without results. */
static void check_failure(const struct buffer *json, const char *status)
{
    json_error_t error;
    json_t *root = json_loadb(json->data, json->len, 0, &error);
    CHECK(json_is_object(root));
    CHECK(json_is_array(json_object_get(root, "html_attributions")));
    CHECK(json_is_array(json_object_get(root, "results")));
    CHECK_INT(json_array_size(json_object_get(root, "results")), 0);
    const char *got = json_string_value(json_object_get(root, "status"));
    CHECK(got != NULL && strcmp(got, status) == 0);
    CHECK(json_is_string(json_object_get(root, "error_message")));
    json_decref(root);
}

static void expect_nonsense(struct span text)
{
    struct buffer json = {0};
    CHECK_INT(read_span(text, 20, no_secret, &json), LOOKUP_BAD_REPLY);
    check_failure(&json, "UNKNOWN_ERROR");
    buffer_free(&json);
}

#define PRETTY_HEAD                                                                                \
    "{\n   \"html_attributions\" : [],\n   \"next_page_token\" : \"x\",\n   \"results\" : [\n"
#define PRETTY_ONE                                                                                 \
    "      {\n         \"name\" : \"Royce \\\"]}\\\\\",\n         \"types\" : [ \"a\", \"b\" ]\n " \
    "     }"
#define PRETTY_TWO                                                                                 \
    "      {\n         \"name\" : \"Powell\",\n         \"results\" : [ 1, 2, 3 ]\n      }"
#define PRETTY_THREE "      {\n         \"name\" : \"\\u005b\"\n      }"
#define PRETTY_TAIL  "   ],\n   \"status\" : \"OK\"\n}\n"
#define PRETTY       PRETTY_HEAD PRETTY_ONE ",\n" PRETTY_TWO ",\n" PRETTY_THREE "\n" PRETTY_TAIL

static void keeps_bytes(void)
{
    expect(PRETTY, 3, PRETTY);
    expect(PRETTY, 20, PRETTY);
    const char *compact = "{\"html_attributions\":[],\"results\":[1,2],\"status\":\"OK\"}";
    expect(compact, 2, compact);
    const char *empty = "{\"html_attributions\":[],\"results\":[ ],\"status\":\"ZERO_RESULTS\"}";
    expect(empty, 0, empty);
    expect(empty, 20, empty);
    const char *numbers = " {\"html_attributions\":[],\"results\":[34.06893000000001,"
                          "123456789012345678901234567890,1e-7],\"status\":\"OK\"}\r\n";
    expect(numbers, 20, numbers);
}

static void cuts_only_surplus(void)
{
    expect(PRETTY, 2, PRETTY_HEAD PRETTY_ONE ",\n" PRETTY_TWO "\n" PRETTY_TAIL);
    expect(PRETTY, 1, PRETTY_HEAD PRETTY_ONE "\n" PRETTY_TAIL);
    expect("{\"html_attributions\":[],\"results\":[1,2 , 3 ],\"status\":\"OK\",\"results2\":[1,2]}",
           2, "{\"html_attributions\":[],\"results\":[1,2 ],\"status\":\"OK\",\"results2\":[1,2]}");
    expect("{\"status\":\"OK\",\"results\":[[1,[2]],{\"a\":[{}]},\"]\"],\"html_attributions\":[]}",
           1, "{\"status\":\"OK\",\"results\":[[1,[2]]],\"html_attributions\":[]}");
}

static void cuts_all(void)
{
    expect("{\"html_attributions\":[],\"results\":[ 1 , 2 ],\"status\":\"OK\"}", 0,
           "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}");
    expect(PRETTY, 0,
           "{\n   \"html_attributions\" : [],\n   \"next_page_token\" : \"x\",\n   \"results\" : ["
           "],\n   \"status\" : \"OK\"\n}\n");
}

static void finds_top_level_only(void)
{
    expect("{\"a\":{\"results\":[1,2,3]},\"b\":\"results\",\"html_attributions\":[\"\\\"\"],"
           "\"results\":[1,2,3],\"status\":\"OK\"}",
           1,
           "{\"a\":{\"results\":[1,2,3]},\"b\":\"results\",\"html_attributions\":[\"\\\"\"],"
           "\"results\":[1],\"status\":\"OK\"}");
    expect("{\"x\":\"\\\"results\\\":[1]\",\"html_attributions\":[],\"results\":[1,2],"
           "\"status\":\"OK\"}",
           1,
           "{\"x\":\"\\\"results\\\":[1]\",\"html_attributions\":[],\"results\":[1],"
           "\"status\":\"OK\"}");
}

static void finds_escaped_spellings(void)
{
    expect("{\"html_attributions\":[],\"re\\u0073\\u0075lt\\u0073\":[1,2],\"st\\u0061tus\":\"OK\"}",
           1,
           "{\"html_attributions\":[],\"re\\u0073\\u0075lt\\u0073\":[1],\"st\\u0061tus\":\"OK\"}");
    expect("{\"html_attributions\":[],\"result\":[1,2],\"results\\n\":[1,2],\"resu\\/ts\":[3,4],"
           "\"re\\u0053ults\":[5,6],\"result\\u00e9\":[7,8],\"results\":[9,10],\"status\":\"OK\"}",
           1,
           "{\"html_attributions\":[],\"result\":[1,2],\"results\\n\":[1,2],\"resu\\/ts\":[3,4],"
           "\"re\\u0053ults\":[5,6],\"result\\u00e9\":[7,8],\"results\":[9],\"status\":\"OK\"}");
}

static void adds_attributions(void)
{
    expect("{\"results\":[],\"status\":\"OK\"}", 20,
           "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}");
    expect(" {\n \"results\":[1,2],\"status\":\"OK\"}", 1,
           " {\"html_attributions\":[],\n \"results\":[1],\"status\":\"OK\"}");
}

static void refuses_prefixes(void)
{
    struct buffer json = {0};
    size_t whole = strlen(PRETTY) - 1; /* without the last newline, which is no part of it */
    for (size_t bytes = 0; bytes < whole; bytes++) {
        CHECK_INT(read_span((struct span){PRETTY, bytes}, 1, no_secret, &json), LOOKUP_BAD_REPLY);
        check_failure(&json, "UNKNOWN_ERROR");
    }
    CHECK_INT(read_span((struct span){PRETTY, whole}, 1, no_secret, &json), LOOKUP_OK);
    buffer_free(&json);
}

static void survives_flipped_bytes(void)
{
    struct buffer json = {0};
    char text[sizeof PRETTY];
    size_t bytes = sizeof PRETTY - 1;
    for (size_t at = 0; at < bytes; at++) {
        for (const char *other = "\"\\[]{},:u0 \xff"; *other != '\0'; other++) {
            memcpy(text, PRETTY, sizeof PRETTY);
            text[at] = *other;
            json.len = 0;
            enum lookup_code code =
                nearby_json_read((struct span){text, bytes}, 1, no_secret, &json);
            json_error_t error;
            json_t *root = json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, &error);
            CHECK(json_is_object(root));
            CHECK(json_is_array(json_object_get(root, "results")));
            CHECK(json_array_size(json_object_get(root, "results")) <= (code == LOOKUP_OK));
            json_decref(root);
        }
    }
    buffer_free(&json);
}

static void refuses_nonsense(void)
{
    static const char *const bodies[] = {
        "",
        " ",
        "<html>502 Bad Gateway</html>",
        "null",
        "[]",
        "\"OK\"",
        "{}",
        "{\"status\":\"OK\"}",
        "{\"results\":[]}",
        "{\"results\":{},\"status\":\"OK\"}",
        "{\"results\":null,\"status\":\"OK\"}",
        "{\"results\":[],\"status\":0}",
        "{\"results\":[],\"status\":null}",
        "{\"results\":[],\"status\":\"ok\"}",
        "{\"results\":[],\"status\":\"FINE\"}",
        "{\"results\":[],\"status\":\"OK\",\"html_attributions\":\"\"}",
        "{\"results\":[],\"status\":\"OK\"} x",
        "{\"results\":[],\"status\":\"OK\"}{}",
        "{\"results\":[],\"results\":[1],\"status\":\"OK\"}",
        "{\"results\":[],\"re\\u0073ults\":[1],\"status\":\"OK\"}",
        "{\"results\":[{\"a\":1,\"a\":2}],\"status\":\"OK\"}",
        "{\"results\":[\"\xff\"],\"status\":\"OK\"}",
        "{\"results\":[\"\xed\xa0\x80\"],\"status\":\"OK\"}",
        "{\"results\":[\"\\ud800\"],\"status\":\"OK\"}",
        "{\"results\":[NaN],\"status\":\"OK\"}",
        "{\"results\":[1,],\"status\":\"OK\"}",
        "{\"results\":[1e999],\"status\":\"OK\"}",
        "\xef\xbb\xbf{\"results\":[],\"status\":\"OK\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        expect_nonsense(span_of(bodies[i]));
    expect_nonsense((struct span){"{\"results\":[],\"status\":\"OK\"}\0", 29});
}

/* 98 arrays in the `results` of the object are the hundredth level. */
static void nests_a_hundred_deep(void)
{
    for (int more = 0; more <= 1; more++) {
        struct buffer text = {0}, json = {0};
        buffer_append(&text, span_of("{\"html_attributions\":[],\"results\":["));
        for (int i = 0; i < 98 + more; i++)
            buffer_append(&text, span_of("["));
        for (int i = 0; i < 98 + more; i++)
            buffer_append(&text, span_of("]"));
        buffer_append(&text, span_of("],\"status\":\"OK\"}"));
        CHECK_INT(read_span((struct span){text.data, text.len}, 20, no_secret, &json),
                  more == 0 ? LOOKUP_OK : LOOKUP_BAD_REPLY);
        if (more == 1)
            check_failure(&json, "UNKNOWN_ERROR");
        buffer_free(&text);
        buffer_free(&json);
    }
    static char text[200 * 1024];
    size_t half = sizeof text / 2;
    memset(text, '[', half);
    memset(text + half, ']', half);
    expect_nonsense((struct span){text, sizeof text});
}

/* A good body of exactly `bytes` bytes. */
static void fill(struct buffer *text, const char *head, size_t bytes)
{
    const char *tail = "\"],\"status\":\"OK\"}";
    text->len = 0;
    buffer_append(text, span_of(head));
    size_t more = bytes - text->len - strlen(tail);
    memset(buffer_reserve(text, more), 'x', more);
    text->len += more;
    buffer_append(text, span_of(tail));
}

static void holds_size_limit(void)
{
    struct buffer text = {0}, json = {0};
    const char *head = "{\"html_attributions\":[],\"results\":[\"";
    fill(&text, head, LOOKUP_BODY_BYTES_MAX);
    CHECK_INT(read_span((struct span){text.data, text.len}, 1, no_secret, &json), LOOKUP_OK);
    CHECK_INT(json.len, LOOKUP_BODY_BYTES_MAX);
    fill(&text, head, LOOKUP_BODY_BYTES_MAX + 1);
    expect_nonsense((struct span){text.data, text.len});

    /* What is cut away counts, too: it was too much to begin with. */
    head = "{\"html_attributions\":[],\"results\":[1,\"";
    fill(&text, head, LOOKUP_BODY_BYTES_MAX);
    CHECK_INT(read_span((struct span){text.data, text.len}, 1, no_secret, &json), LOOKUP_OK);
    fill(&text, head, LOOKUP_BODY_BYTES_MAX + 1);
    CHECK_INT(read_span((struct span){text.data, text.len}, 1, no_secret, &json), LOOKUP_BAD_REPLY);

    /* So does what is spelled longer than it came. */
    fill(&text, "{\"html_attributions\":[],\"results\":[\"\x7f", LOOKUP_BODY_BYTES_MAX - 5);
    CHECK_INT(read_span((struct span){text.data, text.len}, 1, no_secret, &json), LOOKUP_OK);
    CHECK_INT(json.len, LOOKUP_BODY_BYTES_MAX);
    fill(&text, "{\"html_attributions\":[],\"results\":[\"\x7f", LOOKUP_BODY_BYTES_MAX - 4);
    expect_nonsense((struct span){text.data, text.len});

    /* The member that is added counts as well. */
    size_t added = strlen("\"html_attributions\":[],");
    fill(&text, "{\"results\":[\"", LOOKUP_BODY_BYTES_MAX - added);
    CHECK_INT(read_span((struct span){text.data, text.len}, 1, no_secret, &json), LOOKUP_OK);
    CHECK_INT(json.len, LOOKUP_BODY_BYTES_MAX);
    fill(&text, "{\"results\":[\"", LOOKUP_BODY_BYTES_MAX - added + 1);
    expect_nonsense((struct span){text.data, text.len});
    buffer_free(&json);
    buffer_free(&text);
}

/* The client hears the status and a sentence of ours, whatever the provider says besides. */
static void maps_statuses(void)
{
    static const struct {
        const char *status;
        enum lookup_code code;
        const char *told, *sentence;
    } known[] = {
        {"OVER_QUERY_LIMIT", LOOKUP_REFUSED, "OVER_QUERY_LIMIT",
         "The places provider takes no more requests from us for now (OVER_QUERY_LIMIT)."},
        {"OVER_DAILY_LIMIT", LOOKUP_REFUSED, "OVER_QUERY_LIMIT",
         "The places provider takes no more requests from us for now (OVER_DAILY_LIMIT)."},
        {"REQUEST_DENIED", LOOKUP_REFUSED, "REQUEST_DENIED",
         "The places provider refused the request (REQUEST_DENIED)."},
        {"INVALID_REQUEST", LOOKUP_INVALID, "INVALID_REQUEST",
         "The places provider took the question for an invalid one (INVALID_REQUEST)."},
        {"UNKNOWN_ERROR", LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR",
         "The places provider is out of order (UNKNOWN_ERROR)."},
    };
    struct buffer json = {0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        for (int has_words = 0; has_words <= 1; has_words++) {
            char text[256], wanted[256];
            snprintf(text, sizeof text, "{\"status\":\"%s\"%s}", known[i].status,
                     has_words ? ",\"error_message\":\"192.0.2.77, project 123\"" : "");
            CHECK_INT(read_span(span_of(text), 20, canary, &json), known[i].code);
            check_failure(&json, known[i].told);
            snprintf(wanted, sizeof wanted, "\"error_message\": \"%s\"", known[i].sentence);
            CHECK(strstr(json.data, wanted) != NULL);
            CHECK(strstr(json.data, "192.0.2.77") == NULL && strstr(json.data, "123") == NULL);
        }
    }
    buffer_free(&json);
}

static void results_with_the_secret_are_not_passed_on(void)
{
    struct buffer json = {0};
    const char *text =
        "{\"html_attributions\":[],\"results\":[\"?key=CANARY-7f3a\"],\"status\":\"OK\"}";
    CHECK_INT(read_span(span_of(text), 20, canary, &json), LOOKUP_BAD_REPLY);
    check_failure(&json, "UNKNOWN_ERROR");
    CHECK(strstr(json.data, "CANARY-7f3a") == NULL);
    CHECK_INT(read_span(span_of(text), 0, canary, &json), LOOKUP_OK);
    buffer_free(&json);
}

/* However the provider ends its lines and whatever its names hold. */
static void is_tidy(void)
{
    expect(
        "\r\n{\r\n\r\n \"html_attributions\":[],\r\n \t\r\n \"results\":[\r\n1\r\r],\n\n"
        "\"status\":\"OK\"\r\n}\r\n\r\n",
        20,
        "{\r\n \"html_attributions\":[],\r\n \"results\":[\r\n1\r],\n\"status\":\"OK\"\r\n}\r\n");
    expect("{\"html_attributions\":[],\"results\":[\"\xc2\x9b"
           "31m\x7f\"],\"status\":\"OK\"}",
           20, "{\"html_attributions\":[],\"results\":[\"\\u009b31m\\u007f\"],\"status\":\"OK\"}");
}

static void appends(void)
{
    struct buffer json = {0};
    buffer_append(&json, span_of("before"));
    const char *text = "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}";
    CHECK_INT(nearby_json_read(span_of(text), 20, canary, &json), LOOKUP_OK);
    CHECK_BYTES(json.data, 6, "before", 6);
    CHECK_BYTES(json.data + 6, json.len - 6, text, strlen(text));
    buffer_free(&json);
}

/* What a stranger's worker sends is marked without having been checked. */
static void marks_stay_within_any_text(void)
{
    static const char *const none[] = {"",
                                       " ",
                                       "{",
                                       "}",
                                       "[1]",
                                       "{}",
                                       "{\"results\":1}",
                                       "{\"results\":[",
                                       "{\"results\":[1",
                                       "{\"results\":[}",
                                       "{\"results\":[}}}]",
                                       "{\"results\":[1}",
                                       "{\"results\":[1,",
                                       "{\"results\":[\"",
                                       "{\"results",
                                       "{\"x\":[[]],\"results\""};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct nearby_json_offsets offsets;
        size_t bytes = strlen(none[i]);
        CHECK(!nearby_json_find_offsets((struct span){check_at_page_end(none[i], bytes), bytes},
                                        &offsets));
    }
}

static void cuts_as_marked(void)
{
    static const char text[] = " {\"a\":[9],\"results\" : [ 1, {\"b\":\"]\"} ,\"3\" ],\"z\":0}";
    static const char *const wanted[] = {
        " {\"a\":[9],\"results\" : [],\"z\":0}", " {\"a\":[9],\"results\" : [ 1 ],\"z\":0}",
        " {\"a\":[9],\"results\" : [ 1, {\"b\":\"]\"} ],\"z\":0}", text, text};
    struct nearby_json_offsets offsets;
    CHECK(nearby_json_find_offsets(span_of(text), &offsets));
    CHECK_INT(offsets.count, 3);
    for (uint32_t bound = 0; bound < 5; bound++) {
        struct buffer json = {0};
        nearby_json_cut(span_of(text), &offsets, bound, &json);
        CHECK_BYTES(json.data, json.len, wanted[bound], strlen(wanted[bound]));
        buffer_free(&json);
    }
    struct buffer many = {0};
    buffer_append(&many, span_of("{\"results\":[0"));
    for (int i = 0; i < 29; i++)
        buffer_append(&many, span_of(",0"));
    buffer_append(&many, span_of("]}"));
    CHECK(nearby_json_find_offsets((struct span){many.data, many.len}, &offsets));
    CHECK_INT(offsets.count, 30);
    struct buffer json = {0};
    nearby_json_cut((struct span){many.data, many.len}, &offsets, LOOKUP_BOUND_MAX, &json);
    CHECK_INT(json.len, many.len - 20);
    buffer_free(&many);
    buffer_free(&json);
}

/* ---- in one pass ---- */

static void expect_passed(const char *text, uint32_t bound, const char *wanted)
{
    struct buffer json = {0};
    char *at = check_at_page_end(text, strlen(text));
    CHECK_INT(nearby_json_pass((struct span){at, strlen(text)}, bound, &json), LOOKUP_OK);
    CHECK_BYTES(json.data, json.len, wanted, strlen(wanted));
    buffer_free(&json);
}

#define REST "\"results\":[1,2],\"status\":\"OK\""

/* Wherever the token stands, what is left is the text that had none. */
static void leaves_the_token_out(void)
{
    static const char attributed[] = "{\"html_attributions\":[]," REST "}";
    expect_passed(attributed, 20, attributed);
    expect_passed("{\"html_attributions\":[],\"next_page_token\":\"a\"," REST "}", 20, attributed);
    expect_passed("{\"next_page_token\" : \"a\", \"html_attributions\":[]," REST "}", 20,
                  attributed);
    expect_passed("{\"html_attributions\":[]," REST " , \"next_page_token\":\"a\"}", 20,
                  "{\"html_attributions\":[]," REST " }");
    expect_passed("{\"html_attributions\":[],\"next\\u005fpage_token\":{\"a\":[1,\"}\"]}," REST "}",
                  20, attributed);
    expect_passed("{\n   \"html_attributions\": [],\n   \"next_page_token\": \"a\",\n   " REST
                  "\n}",
                  20, "{\n   \"html_attributions\": [],\n   " REST "\n}");
    expect_passed("{\"next_page_token\":\"a\"," REST "}", 1,
                  "{\"html_attributions\":[],\"results\":[1],\"status\":\"OK\"}");
    expect_passed("{" REST ",\"next_page_token\":\"a\"}", 0,
                  "{\"html_attributions\":[],\"results\":[],\"status\":\"OK\"}");
    expect_passed("{\"html_attributions\":[],\"\":1,\"results\":[{\"next_page_token\":1}],"
                  "\"status\":\"OK\"}",
                  20,
                  "{\"html_attributions\":[],\"\":1,\"results\":[{\"next_page_token\":1}],"
                  "\"status\":\"OK\"}");
    /* Whoever pays for an answer gets it whole. */
    static const char googles[] = "{\"html_attributions\":[],\"next_page_token\":\"a\"," REST "}";
    expect(googles, 20, googles);
}

static void passes_no_nonsense(void)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{" REST,
        "{" REST "}x",
        "{\"status\":\"OK\"}",
        "{\"results\":[]}",
        "{\"results\":{},\"status\":\"OK\"}",
        "{\"results\":[],\"results\":[],\"status\":\"OK\"}",
        "{\"results\":[],\"status\":\"OK\",\"html_attributions\":{}}",
        "{\"results\":[],\"status\":\"FINE\"}",
        "{\"results\":[],\"status\":1}",
        "{\"results\":[NaN],\"status\":\"OK\"}",
        "{\"results\":[\"\xff\"],\"status\":\"OK\"}",
        "{\"results\":[],\"status\":\"THIS_STATUS_IS_LONGER_THAN_ANY_OTHER_ONE\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buffer json = {0};
        char *at = check_at_page_end(texts[i], strlen(texts[i]));
        CHECK_INT(nearby_json_pass((struct span){at, strlen(texts[i])}, 20, &json),
                  LOOKUP_BAD_REPLY);
        check_failure(&json, "UNKNOWN_ERROR");
        buffer_free(&json);
    }
    struct buffer json = {0};
    CHECK_INT(
        nearby_json_pass(span_of("{\"results\":[],\"status\":\"INVALID_REQUEST\"}"), 20, &json),
        LOOKUP_INVALID);
    check_failure(&json, "INVALID_REQUEST");
    buffer_free(&json);
}

static const struct check_case cases[] = {
    {"offsets stay within any text, and find nothing in a broken one", marks_stay_within_any_text},
    {"a marked text is cut to any bound", cuts_as_marked},
    {"an answer with no more results than asked for keeps every byte", keeps_bytes},
    {"only the surplus is cut, pretty-printed or compact", cuts_only_surplus},
    {"a bound of 0 leaves an empty list", cuts_all},
    {"only the top-level results are cut", finds_top_level_only},
    {"a key may be spelled with escapes", finds_escaped_spellings},
    {"missing attributions are added", adds_attributions},
    {"every prefix of an answer is refused", refuses_prefixes},
    {"whatever byte is wrong, what comes out is a sound answer", survives_flipped_bytes},
    {"what is not strict Nearby Search JSON is refused", refuses_nonsense},
    {"a hundred levels are taken and one more is not", nests_a_hundred_deep},
    {"an answer of 1 MiB is taken and one byte more is not", holds_size_limit},
    {"a provider's failure becomes ours, without its words", maps_statuses},
    {"results that hold the key are not passed on", results_with_the_secret_are_not_passed_on},
    {"no line is blank and no control character passes", is_tidy},
    {"the answer is appended", appends},
    {"in one pass the next page's token is left out", leaves_the_token_out},
    {"what one pass finds to be no answer is refused", passes_no_nonsense},
};

CHECK_MAIN(cases)
