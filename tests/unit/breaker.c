#include "placesd/dispatch/breaker.h"

#include "tests/check.h"

static void tell(struct breaker *breaker, const char *outcomes, int64_t now_ms)
{
    for (; *outcomes != '\0'; outcomes++)
        breaker_tell(breaker,
                     *outcomes == 'g'   ? BREAKER_GOOD
                     : *outcomes == 'b' ? BREAKER_BAD
                                        : BREAKER_UNKNOWN,
                     now_ms);
}

static void opens_after_a_row(void)
{
    struct breaker breaker = {0};
    CHECK(breaker_allows(&breaker, 0));
    tell(&breaker, "bbbbgbbb?b", 0);
    CHECK(breaker_allows(&breaker, 0));
    CHECK_INT(breaker_pause_ms(&breaker, 0), 0);
    tell(&breaker, "b", 1000);
    CHECK(!breaker_allows(&breaker, 1000));
    CHECK_INT(breaker_pause_ms(&breaker, 1000), BREAKER_PAUSE_MS_MIN);
    CHECK(!breaker_allows(&breaker, 1000 + BREAKER_PAUSE_MS_MIN - 1));
    CHECK(breaker_allows(&breaker, 1000 + BREAKER_PAUSE_MS_MIN));
}

static void opens_when_half_fail(void)
{
    struct breaker breaker = {0};
    tell(&breaker, "bgbgbgbgbgbgbgbgbgbg", 0); /* half is not more than half */
    CHECK(breaker_allows(&breaker, 0));
    tell(&breaker, "bgb", 0);
    CHECK(breaker_allows(&breaker, 0));
    tell(&breaker, "b", 0);
    CHECK(!breaker_allows(&breaker, 0));
    /* With fewer outcomes than a window it is too early to say. */
    breaker = (struct breaker){0};
    tell(&breaker, "bbbgbbbgbbbgbbbgbbb", 0);
    CHECK(breaker_allows(&breaker, 0));
    tell(&breaker, "g", 0);
    CHECK(!breaker_allows(&breaker, 0));
}

static void one_tries_at_a_time(void)
{
    struct breaker breaker = {0};
    tell(&breaker, "bbbbb", 0);
    tell(&breaker, "gggg", 1); /* what was on its way says nothing */
    CHECK(!breaker_allows(&breaker, 4999));
    CHECK(breaker_allows(&breaker, 5000));
    CHECK(!breaker_allows(&breaker, 5000));
    tell(&breaker, "?", 5001); /* never got there: another may try */
    CHECK(breaker_allows(&breaker, 5001));
    tell(&breaker, "g", 5002);
    CHECK(breaker_allows(&breaker, 5002));
    CHECK(breaker_allows(&breaker, 5002));
    tell(&breaker, "bbbb", 5003); /* the row begins anew */
    CHECK(breaker_allows(&breaker, 5003));
}

static void pauses_double_up_to_a_minute(void)
{
    static const int64_t wanted_ms[] = {5000, 10000, 20000, 40000, 60000, 60000};
    struct breaker breaker = {0};
    tell(&breaker, "bbbbb", 0);
    int64_t now_ms = 0;
    for (size_t i = 0; i < sizeof wanted_ms / sizeof *wanted_ms; i++) {
        CHECK_INT(breaker_pause_ms(&breaker, now_ms), wanted_ms[i]);
        now_ms += wanted_ms[i];
        CHECK(!breaker_allows(&breaker, now_ms - 1));
        CHECK(breaker_allows(&breaker, now_ms));
        tell(&breaker, "b", now_ms);
    }
}

static void rests_as_it_is_told(void)
{
    struct breaker breaker = {0};
    breaker_rest(&breaker, 3000, 1000);
    CHECK(!breaker_allows(&breaker, 3999));
    CHECK_INT(breaker_pause_ms(&breaker, 1000), 3000);
    breaker_rest(&breaker, 10, 1000); /* a shorter wish does not shorten it */
    CHECK(!breaker_allows(&breaker, 3999));
    CHECK(breaker_allows(&breaker, 4000));
    tell(&breaker, "g", 4000);
    breaker_rest(&breaker, INT64_C(1) << 40, 5000);
    CHECK(!breaker_allows(&breaker, 5000 + BREAKER_REST_MS_MAX - 1));
    CHECK(breaker_allows(&breaker, 5000 + BREAKER_REST_MS_MAX));
}

static const struct check_case cases[] = {
    {"five failures in a row open it for five seconds", opens_after_a_row},
    {"more than half of twenty open it, too", opens_when_half_fail},
    {"then one request tries at a time", one_tries_at_a_time},
    {"each attempt that fails doubles the pause, up to a minute", pauses_double_up_to_a_minute},
    {"a provider's own wish for rest is kept, up to an hour", rests_as_it_is_told},
};

CHECK_MAIN(cases)
