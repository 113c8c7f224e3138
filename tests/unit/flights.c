/* One answer for many, and for each as much of it as he wanted. */
#include "placesd/dispatch/flights.h"

#include "tests/check.h"

#define BODY(results) "{\"html_attributions\":[],\"results\":[" results "],\"status\":\"OK\"}"

static void expect(struct flight_result *result, uint32_t bound, const char *wanted)
{
    struct span body = flight_result_body(result, bound);
    CHECK_BYTES(body.data, body.len, wanted, strlen(wanted));
}

static void each_gets_as_many_as_he_wants(void)
{
    struct flight_result result = {0};
    struct cache_answer answer = {.code = LOOKUP_OK, .body = span_of(BODY("1,2,3"))};
    CHECK(nearby_json_find_offsets(answer.body, &answer.offsets));
    flight_result_set(&result, &answer);
    CHECK_INT(result.code, LOOKUP_OK);
    expect(&result, 2, BODY("1,2"));
    expect(&result, 20, BODY("1,2,3"));
    expect(&result, 1, BODY("1"));
    flight_result_free(&result);
}

static void a_failure_is_the_same_for_all(void)
{
    struct flight_result result = {0};
    struct cache_answer answer = {.code = LOOKUP_OK, .body = span_of(BODY("1,2,3"))};
    CHECK(nearby_json_find_offsets(answer.body,
                                   &answer.offsets)); /* which a failure must not be cut by */
    flight_result_set(&result, &answer);
    answer = (struct cache_answer){.code = LOOKUP_TIMEOUT, .body = span_of("{\"late\":true}")};
    flight_result_set(&result, &answer);
    CHECK_INT(result.code, LOOKUP_TIMEOUT);
    expect(&result, 0, "{\"late\":true}");
    expect(&result, 20, "{\"late\":true}");
    answer = (struct cache_answer){.code = LOOKUP_OK, .body = span_of(BODY("1,2,3"))};
    CHECK(nearby_json_find_offsets(answer.body, &answer.offsets));
    flight_result_set(&result, &answer);
    struct buffer wanted = {0};
    lookup_write_failure(LOOKUP_BUSY, "too many", &wanted);
    flight_result_fail(&result, LOOKUP_BUSY, "too many");
    CHECK_INT(result.code, LOOKUP_BUSY);
    struct span body = flight_result_body(&result, 1);
    CHECK_BYTES(body.data, body.len, wanted.data, wanted.len);
    buffer_free(&wanted);
    flight_result_free(&result);
}

static const struct check_case cases[] = {
    {"each gets as many as he wants", each_gets_as_many_as_he_wants},
    {"a failure is the same for all", a_failure_is_the_same_for_all},
};

CHECK_MAIN(cases)
