/* What a provider's failure means: every HTTP status, and every word that is known. */
#include "placesd/providers/outcome.h"

#include <jansson.h>

#include "tests/check.h"

/* The status of the failure that stands in `json`. */
static void expect_status(const struct buffer *json, const char *wanted)
{
    json_t *root = json_loadb(json->data, json->len, JSON_REJECT_DUPLICATES, NULL);
    const char *status = json_string_value(json_object_get(root, "status"));
    CHECK(status != NULL && strcmp(status, wanted) == 0);
    CHECK(json_is_string(json_object_get(root, "error_message")));
    CHECK_INT(json_array_size(json_object_get(root, "results")), 0);
    json_decref(root);
}

static void expect(long http_status, const char *body, enum lookup_code code, const char *status)
{
    struct buffer json = {0};
    enum lookup_code got = outcome_write_http(http_status, span_of(body), &json);
    if (got != code)
        printf("    HTTP %ld with %s:\n", http_status, body);
    CHECK_INT(got, code);
    expect_status(&json, status);
    buffer_free(&json);
}

static void every_status_has_a_meaning(void)
{
    for (long http_status = -1; http_status <= 1000; http_status++) {
        if (http_status == 200)
            continue;
        enum lookup_code code = LOOKUP_BAD_REPLY;
        const char *status = "UNKNOWN_ERROR";
        switch (http_status) {
        case 400:
        case 413:
        case 414:
        case 422:
            code = LOOKUP_INVALID;
            status = "INVALID_REQUEST";
            break;
        case 408:
        case 409:
        case 425:
        case 499:
            code = LOOKUP_UNAVAILABLE;
            break;
        case 429:
            code = LOOKUP_REFUSED;
            status = "OVER_QUERY_LIMIT";
            break;
        default:
            if (http_status / 100 == 4) {
                code = LOOKUP_REFUSED;
                status = "REQUEST_DENIED";
            } else if (http_status / 100 == 3 || http_status / 100 == 5) {
                code = LOOKUP_UNAVAILABLE;
            }
        }
        expect(http_status, "", code, status);
        expect(http_status, "{\"status\":\"FINE\",\"error\":{\"status\":7}}", code, status);
    }
}

static void words_say_more(void)
{
    static const struct {
        long http_status;
        const char *body;
        enum lookup_code code;
        const char *status;
    } table[] = {
        /* Google, new: the reason comes before the status, and both before HTTP's. */
        {403, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}", LOOKUP_REFUSED,
         "OVER_QUERY_LIMIT"},
        {503, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}", LOOKUP_REFUSED,
         "OVER_QUERY_LIMIT"},
        {403,
         "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"details\":[1,{\"reason\":\"x\"},"
         "{\"reason\":\"RATE_LIMIT_EXCEEDED\"}]}}",
         LOOKUP_REFUSED, "OVER_QUERY_LIMIT"},
        {400,
         "{\"error\":{\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":"
         "\"API_KEY_INVALID\"}]}}",
         LOOKUP_REFUSED, "REQUEST_DENIED"},
        {400, "{\"error\":{\"status\":\"INVALID_ARGUMENT\"}}", LOOKUP_INVALID, "INVALID_REQUEST"},
        {400, "{\"error\":{\"status\":\"FAILED_PRECONDITION\"}}", LOOKUP_REFUSED, "REQUEST_DENIED"},
        {403, "{\"error\":{\"errors\":[{\"reason\":\"dailyLimitExceeded\"}]}}", LOOKUP_REFUSED,
         "OVER_QUERY_LIMIT"},
        {401, "{\"error\":{\"status\":\"UNAUTHENTICATED\"}}", LOOKUP_REFUSED, "REQUEST_DENIED"},
        {499, "{\"error\":{\"status\":\"CANCELLED\"}}", LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR"},
        /* Google, legacy, where something in front of it changes HTTP's. */
        {403, "{\"status\":\"OVER_QUERY_LIMIT\"}", LOOKUP_REFUSED, "OVER_QUERY_LIMIT"},
        {500, "{\"status\":\"INVALID_REQUEST\"}", LOOKUP_INVALID, "INVALID_REQUEST"},
        /* Anything else says nothing. */
        {403, "{\"error\":\"RESOURCE_EXHAUSTED\"}", LOOKUP_REFUSED, "REQUEST_DENIED"},
        {403, "{\"error\":{\"status\":\"resource_exhausted\"}}", LOOKUP_REFUSED, "REQUEST_DENIED"},
        {403, "{\"status\":\"OK\"}", LOOKUP_REFUSED, "REQUEST_DENIED"},
        {403, "OVER_QUERY_LIMIT", LOOKUP_REFUSED, "REQUEST_DENIED"},
        {302, "{\"status\":\"OVER_QUERY_LIMIT\"}", LOOKUP_UNAVAILABLE, "UNKNOWN_ERROR"},
        {204, "{\"status\":\"OVER_QUERY_LIMIT\"}", LOOKUP_BAD_REPLY, "UNKNOWN_ERROR"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(table[i].http_status, table[i].body, table[i].code, table[i].status);
}

static void good_and_unknown_words_are_no_failure(void)
{
    static const char *const others[] = {"", "OK", "ZERO_RESULTS", "over_query_limit", "REQUEST"};
    enum outcome outcome;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(!outcome_of_word(others[i], &outcome));
    CHECK(!outcome_of_word(NULL, &outcome));
    CHECK(outcome_of_word("OVER_QUERY_LIMIT", &outcome) && outcome == OUTCOME_LIMIT);
}

static const struct check_case cases[] = {
    {"every HTTP status has one meaning", every_status_has_a_meaning},
    {"a known word in the body is more exact", words_say_more},
    {"good and unknown words are no failure", good_and_unknown_words_are_no_failure},
};

CHECK_MAIN(cases)
