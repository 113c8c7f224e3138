/* One answer for many, and for each as much of it as he wanted. */
#include "placesd/dispatch/ending.h"

#include "tests/check.h"

#define BODY(results) "{\"html_attributions\":[],\"results\":[" results "],\"status\":\"OK\"}"

static void expect(struct ending *ending, uint32_t bound, const char *wanted)
{
    struct span body = ending_body(ending, bound);
    CHECK_BYTES(body.data, body.len, wanted, strlen(wanted));
}

static void each_gets_as_many_as_he_wants(void)
{
    struct ending ending = {0};
    struct cache_answer answer = {.code = LOOKUP_OK, .body = span_of(BODY("1,2,3"))};
    CHECK(nearby_mark(answer.body, &answer.marks));
    ending_set(&ending, &answer);
    CHECK_INT(ending.code, LOOKUP_OK);
    expect(&ending, 2, BODY("1,2"));
    expect(&ending, 20, BODY("1,2,3"));
    expect(&ending, 1, BODY("1"));
    ending_free(&ending);
}

static void a_failure_is_the_same_for_all(void)
{
    struct ending ending = {0};
    struct cache_answer answer = {.code = LOOKUP_OK, .body = span_of(BODY("1,2,3"))};
    CHECK(nearby_mark(answer.body, &answer.marks)); /* which a failure must not be cut by */
    ending_set(&ending, &answer);
    answer = (struct cache_answer){.code = LOOKUP_LATE, .body = span_of("{\"late\":true}")};
    ending_set(&ending, &answer);
    CHECK_INT(ending.code, LOOKUP_LATE);
    expect(&ending, 0, "{\"late\":true}");
    expect(&ending, 20, "{\"late\":true}");
    answer = (struct cache_answer){.code = LOOKUP_OK, .body = span_of(BODY("1,2,3"))};
    CHECK(nearby_mark(answer.body, &answer.marks));
    ending_set(&ending, &answer);
    struct buffer wanted = {0};
    lookup_write_failure(LOOKUP_BUSY, "too many", &wanted);
    ending_fail(&ending, LOOKUP_BUSY, "too many");
    CHECK_INT(ending.code, LOOKUP_BUSY);
    struct span body = ending_body(&ending, 1);
    CHECK_BYTES(body.data, body.len, wanted.data, wanted.len);
    buffer_free(&wanted);
    ending_free(&ending);
}

static const struct check_case cases[] = {
    {"each gets as many as he wants", each_gets_as_many_as_he_wants},
    {"a failure is the same for all", a_failure_is_the_same_for_all},
};

CHECK_MAIN(cases)
