/* Answers of workers that anybody may have written: what is taken keeps the page's promises. */
#include "placesd/dispatch/foreign.h"

#include <jansson.h>

#include "placesd/providers/results.h"
#include "tests/check.h"

/* What is made of an answer with that code and body; a copy that the caller frees. */
static struct buffer take(enum lookup_code said, struct span body, bool *good,
                          char why[FOREIGN_WHY_BYTES_MAX])
{
    struct buffer message = {0}, json = {0}, copy = {0};
    struct lookup_reply taken;
    lookup_write_reply(&(struct lookup_reply){said, body}, &message);
    struct span walled = {check_at_page_end(message.data, message.len), message.len};
    *good = foreign_take(walled, &taken, &json, why);
    if (*good) {
        CHECK_INT(taken.code, said);
        buffer_append(&copy, taken.body);
        json_t *root = results_load(taken.body);
        CHECK(json_is_array(json_object_get(root, "html_attributions")));
        CHECK(json_is_array(json_object_get(root, "results")));
        CHECK(json_is_string(json_object_get(root, "status")));
        CHECK(said == LOOKUP_OK || json_array_size(json_object_get(root, "results")) == 0);
        CHECK(said == LOOKUP_OK || json_is_string(json_object_get(root, "error_message")));
        json_decref(root);
    }
    buffer_free(&message);
    buffer_free(&json);
    return copy;
}

static void good_answers_stay_as_they_are(void)
{
    static const struct {
        enum lookup_code code;
        const char *body;
    } rows[] = {
        {LOOKUP_OK, "{\"html_attributions\":[],\"results\":[{\"name\":\"x\"}],\"status\":\"OK\"}"},
        {LOOKUP_OK, " { \"status\": \"ZERO_RESULTS\", \"results\": [ ], \"html_attributions\": [ "
                    "\"(c) caf\xc3\xa9\" ], \"next_page_token\": \"more\" }\r\n"},
        {LOOKUP_UNAVAILABLE, "{\"html_attributions\":[],\"results\":[ \n],\"status\":"
                             "\"UNKNOWN_ERROR\",\"error_message\":\"no way\"}"},
        {LOOKUP_REFUSED, "{\"error_message\":\"\",\"html_attributions\":[],\"results\":[],"
                         "\"status\":\"OVER_QUERY_LIMIT\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool good;
        char why[FOREIGN_WHY_BYTES_MAX];
        struct buffer body = take(rows[i].code, span_of(rows[i].body), &good, why);
        CHECK(good);
        CHECK_BYTES(body.data, body.len, rows[i].body, strlen(rows[i].body));
        buffer_free(&body);
    }
}

static void attributions_are_added(void)
{
    bool good;
    char why[FOREIGN_WHY_BYTES_MAX];
    static const char wanted[] = "\n{\"html_attributions\":[], \"results\":[1],\"status\":\"OK\"}";
    struct buffer body =
        take(LOOKUP_OK, span_of("\n{ \"results\":[1],\"status\":\"OK\"}"), &good, why);
    CHECK(good);
    CHECK_BYTES(body.data, body.len, wanted, strlen(wanted));
    buffer_free(&body);
}

#define BODY(members) "{\"html_attributions\":[]," members "}"

static void what_keeps_no_promise_is_nonsense(void)
{
    static const struct {
        enum lookup_code code;
        const char *body, *why;
    } rows[] = {
        {LOOKUP_OK, "", "its body has no object, at byte 0"},
        {LOOKUP_OK, "OK", "its body has no object, at byte 0"},
        {LOOKUP_OK, "[]", "its body has no object, at byte 0"},
        {LOOKUP_OK, BODY("\"results\":[NaN],\"status\":\"OK\""),
         "its body has no value of JSON, at byte 35"},
        {LOOKUP_OK, BODY("\"results\":[\"caf\xe9\"],\"status\":\"OK\""),
         "its body has bytes that are not UTF-8, at byte 39"},
        {LOOKUP_OK, BODY("\"results\":[\"\x1b[2J\"],\"status\":\"OK\""),
         "its body has a control byte in a string, at byte 36"},
        {LOOKUP_OK, BODY("\"results\":[\"a\nb\"],\"status\":\"OK\""),
         "its body has a control byte in a string, at byte 37"},
        {LOOKUP_OK, BODY("\"results\":[],\"status\":\"OK\"") "\nAT Bruin",
         "its body has bytes behind the object, at byte 52"},
        {LOOKUP_OK, BODY("\"results\":[1,],\"status\":\"OK\""),
         "its body has no value of JSON, at byte 37"},
        {LOOKUP_OK, BODY("\"results\":[1],\"status\":\"OK\",\"results\":[1,2,3,4]"),
         "its body has a member that was there before, at byte 52"},
        {LOOKUP_OK, BODY("\"results\":[]"),
         "its body is not for code 0: status is neither OK nor ZERO_RESULTS"},
        {LOOKUP_OK, BODY("\"results\":[],\"status\":1"),
         "its body is not for code 0: status is neither OK nor ZERO_RESULTS"},
        {LOOKUP_OK, BODY("\"results\":[],\"status\":\"REQUEST_DENIED\""),
         "its body is not for code 0: status is neither OK nor ZERO_RESULTS"},
        {LOOKUP_OK, BODY("\"status\":\"OK\""), "its body is not for code 0: results is no array"},
        {LOOKUP_OK, BODY("\"results\":{},\"status\":\"OK\""),
         "its body is not for code 0: results is no array"},
        {LOOKUP_OK, "{\"html_attributions\":\"\",\"results\":[],\"status\":\"OK\"}",
         "its body is not for code 0: html_attributions is no array"},
        {LOOKUP_TIMEOUT, "", "its body has no object, at byte 0"},
        {LOOKUP_UNAVAILABLE, BODY("\"results\":[],\"status\":\"OK\",\"error_message\":\"\""),
         "its body is not for code 1: status is not one of a failure"},
        {LOOKUP_UNAVAILABLE,
         BODY("\"results\":[1],\"status\":\"UNKNOWN_ERROR\",\"error_message\":\"\""),
         "its body is not for code 1: results is not an empty array"},
        {LOOKUP_UNAVAILABLE, BODY("\"results\":[],\"status\":\"UNKNOWN_ERROR\""),
         "its body is not for code 1: error_message is no text"},
        {LOOKUP_INVALID,
         BODY("\"results\":[],\"status\":\"INVALID_REQUEST\",\"error_message\":null"),
         "its body is not for code 6: error_message is no text"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool good;
        char why[FOREIGN_WHY_BYTES_MAX];
        struct buffer body = take(rows[i].code, span_of(rows[i].body), &good, why);
        CHECK(!good);
        CHECK_BYTES(why, strlen(why), rows[i].why, strlen(rows[i].why));
        buffer_free(&body);
    }
    struct lookup_reply taken;
    struct buffer json = {0};
    char why[FOREIGN_WHY_BYTES_MAX];
    CHECK(!foreign_take(span_of("zp\x01\x91"), &taken, &json, why));
    CHECK(strcmp(why, "it is not zp, version 1 and [code, body]") == 0);
    buffer_free(&json);
}

static void a_full_body_has_no_room_for_more(void)
{
    static const char head[] = "{\"status\":\"OK\",\"results\":[]}";
    static const char added[] = "\"html_attributions\":[],";
    for (size_t past = 0; past < 2; past++) {
        struct buffer body = {0};
        size_t count = LOOKUP_BODY_BYTES_MAX - strlen(added) + past;
        buffer_append(&body, span_of(head));
        char *spaces = buffer_reserve(&body, count);
        memset(spaces, ' ', count - body.len);
        body.len = count;
        bool good;
        char why[FOREIGN_WHY_BYTES_MAX];
        struct buffer taken = take(LOOKUP_OK, (struct span){body.data, body.len}, &good, why);
        CHECK_INT(good, past == 0);
        CHECK(past == 1 || taken.len == LOOKUP_BODY_BYTES_MAX);
        buffer_free(&taken);
        buffer_free(&body);
    }
}

static const struct check_case cases[] = {
    {"answers that keep the promises stay as they are", good_answers_stay_as_they_are},
    {"html_attributions is added where it lacks", attributions_are_added},
    {"an answer that keeps no promise is nonsense, and the log hears why",
     what_keeps_no_promise_is_nonsense},
    {"what is added must fit", a_full_body_has_no_room_for_more},
};

CHECK_MAIN(cases)
