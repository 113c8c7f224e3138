/* A breaker alone, and with a quota. */
#include "placesd/dispatch/limiter.h"

#include "tests/check.h"

/* ---- the breaker ---- */

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
    tell(&breaker, "bbbb", 5003); /* the row begins again */
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

/* ---- the limiter ---- */

/* Where nothing failed. */
#define HERE 1
#define NODE 7

static void break_it(struct limiter *limiter, int64_t now_ms)
{
    for (uint64_t i = 0; i < BREAKER_ROW_MAX; i++) {
        CHECK_INT(limiter_ask(limiter, NODE, 100 + i, now_ms), LIMITER_PASSES);
        limiter_tell(limiter, 100 + i, BREAKER_BAD, 0, now_ms);
    }
}

static void a_broken_provider_rests_then_one_may_try(void)
{
    struct limiter limiter = limiter_new(0, 1);
    break_it(&limiter, 0);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, BREAKER_PAUSE_MS_MIN - 1), LIMITER_RESTS);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, BREAKER_PAUSE_MS_MIN), LIMITER_PASSES);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, BREAKER_PAUSE_MS_MIN), LIMITER_RESTS);
    limiter_tell(&limiter, HERE, BREAKER_GOOD, 0, BREAKER_PAUSE_MS_MIN);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, BREAKER_PAUSE_MS_MIN), LIMITER_PASSES);
}

static void a_budget_is_spent_once(void)
{
    struct limiter limiter = limiter_new(2 * QUOTA_HOUR_PARTS, 1);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 0), LIMITER_PASSES);
    limiter_undo(&limiter, NODE, HERE, 0, 0); /* never sent: costs nothing */
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 0), LIMITER_PASSES);
    CHECK(limiter_again(&limiter, NODE, HERE, 0)); /* sent twice: costs both */
    CHECK(!limiter_again(&limiter, NODE, HERE, 0));
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 0), LIMITER_HOUR_SPENT);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, QUOTA_HOUR_MS), LIMITER_PASSES);
}

static void an_hour_and_a_day_are_told_apart(void)
{
    struct limiter limiter = limiter_new(1, 1);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 0), LIMITER_PASSES);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 0), LIMITER_DAY_SPENT);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, QUOTA_DAY_MS), LIMITER_PASSES);
    limiter = limiter_new(2, 1);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 0), LIMITER_PASSES);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 0), LIMITER_HOUR_SPENT);
}

/* Only one attempt is on its way while the breaker is open; each of these ends it. */
static void what_says_nothing_frees_the_way(void)
{
    enum { UNDONE, LOST, SPENT, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct limiter limiter = limiter_new((BREAKER_ROW_MAX + 1) * QUOTA_HOUR_PARTS, 1);
        int64_t now_ms = BREAKER_PAUSE_MS_MIN;
        break_it(&limiter, 0);
        CHECK_INT(limiter_ask(&limiter, NODE, HERE, now_ms), LIMITER_PASSES);
        if (way == UNDONE)
            limiter_undo(&limiter, NODE, HERE, now_ms, now_ms);
        else if (way == LOST)
            CHECK(!limiter_again(&limiter, NODE, HERE, now_ms));
        else
            limiter_tell(&limiter, HERE, BREAKER_UNKNOWN, 0, now_ms);
        CHECK_INT(limiter_ask(&limiter, NODE, HERE, now_ms),
                  way == UNDONE ? LIMITER_PASSES : LIMITER_HOUR_SPENT);
        if (way != UNDONE)
            CHECK_INT(limiter_ask(&limiter, NODE, HERE, now_ms),
                      LIMITER_HOUR_SPENT); /* which leaves the way free, too */
    }
}

static void rest_is_granted(void)
{
    struct limiter limiter = limiter_new(0, 1);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 0), LIMITER_PASSES);
    limiter_tell(&limiter, HERE, BREAKER_BAD, 700, 0);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 699), LIMITER_RESTS);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, 700), LIMITER_PASSES);
}

static void a_change_is_news_once(void)
{
    struct limiter limiter = limiter_new(0, 1);
    bool paused;
    int64_t pause_ms;
    CHECK(!limiter_news(&limiter, 0, &paused, &pause_ms));
    break_it(&limiter, 0);
    CHECK(limiter_news(&limiter, 0, &paused, &pause_ms));
    CHECK(paused);
    CHECK_INT(pause_ms, BREAKER_PAUSE_MS_MIN);
    CHECK(!limiter_news(&limiter, 1, &paused, &pause_ms));
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, BREAKER_PAUSE_MS_MIN), LIMITER_PASSES);
    CHECK(
        !limiter_news(&limiter, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms)); /* it is still tried */
    limiter_tell(&limiter, HERE, BREAKER_GOOD, 0, BREAKER_PAUSE_MS_MIN);
    CHECK(limiter_news(&limiter, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms));
    CHECK(!paused);
    CHECK(!limiter_news(&limiter, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms));
}

/* One place that fails again and again is left alone, and no other place is. */
static void one_bad_place_is_nobody_elses(void)
{
    struct limiter limiter = limiter_new(0, 1);
    int64_t now_ms = 0;
    for (int i = 0; i < 3 * BREAKER_WINDOW; i++, now_ms += BREAKER_PAUSE_MS_MAX) {
        CHECK_INT(limiter_ask(&limiter, NODE, 100, now_ms), LIMITER_PASSES);
        limiter_tell(&limiter, 100, BREAKER_BAD, 0, now_ms);
        CHECK_INT(limiter_ask(&limiter, NODE, HERE, now_ms), LIMITER_PASSES);
        limiter_undo(&limiter, NODE, HERE, now_ms, now_ms);
        CHECK_INT(limiter_ask(&limiter, NODE, 100, now_ms + 1),
                  i + 1 < BREAKER_ROW_MAX ? LIMITER_PASSES : LIMITER_RESTS);
        limiter_undo(&limiter, NODE, 100, now_ms + 1, now_ms + 1);
    }
    bool paused;
    int64_t pause_ms;
    CHECK(!limiter_news(&limiter, now_ms, &paused, &pause_ms));
    /* Well again, it is like any other. */
    CHECK_INT(limiter_ask(&limiter, NODE, 100, now_ms), LIMITER_PASSES);
    limiter_tell(&limiter, 100, BREAKER_GOOD, 0, now_ms);
    CHECK_INT(limiter_ask(&limiter, NODE, 100, now_ms), LIMITER_PASSES);
    limiter_tell(&limiter, 100, BREAKER_BAD, 0, now_ms);
    CHECK_INT(limiter_ask(&limiter, NODE, 100, now_ms), LIMITER_PASSES);
    /* With four others it is the provider that fails. */
    for (uint64_t i = 101; i < 100 + BREAKER_ROW_MAX; i++)
        limiter_tell(&limiter, i, BREAKER_BAD, 0, now_ms);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, now_ms), LIMITER_RESTS);
}

/* While the provider is left alone the bad place's own attempt neither blocks nor blames. */
static void a_bad_place_may_not_try_for_all(void)
{
    struct limiter limiter = limiter_new(0, 1);
    int64_t now_ms = BREAKER_PAUSE_MS_MIN;
    uint64_t last = 100 + BREAKER_ROW_MAX - 1;
    break_it(&limiter, 0);
    CHECK_INT(limiter_ask(&limiter, NODE, last, 0), LIMITER_RESTS);
    CHECK_INT(limiter_ask(&limiter, NODE, last, now_ms), LIMITER_PASSES);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, now_ms), LIMITER_RESTS);
    limiter_tell(&limiter, last, BREAKER_BAD, 0, now_ms);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, now_ms), LIMITER_PASSES);
    limiter_tell(&limiter, HERE, BREAKER_BAD, 0, now_ms);
    CHECK_INT(limiter_ask(&limiter, NODE, HERE + 1, now_ms), LIMITER_RESTS);
}

static void who_is_tried_is_not_tried_twice(void)
{
    struct limiter limiter = limiter_new(0, 1);
    CHECK(limiter_grants_retry(&limiter, HERE));
    break_it(&limiter, 0);
    CHECK(!limiter_grants_retry(&limiter, HERE));
    CHECK_INT(limiter_ask(&limiter, NODE, HERE, BREAKER_PAUSE_MS_MIN), LIMITER_PASSES);
    CHECK(!limiter_grants_retry(&limiter, HERE));
    limiter_tell(&limiter, HERE, BREAKER_GOOD, 0, BREAKER_PAUSE_MS_MIN);
    CHECK(limiter_grants_retry(&limiter, HERE));
}

/* The trial of a place is one request, too: a second one would wait for the first one's outcome. */
static void the_trial_of_a_place_fails_and_is_told(void)
{
    struct limiter limiter = limiter_new(0, 1);
    int64_t now_ms = 0;
    for (int i = 0; i < BREAKER_ROW_MAX; i++) {
        CHECK(limiter_grants_retry(&limiter, 100));
        CHECK_INT(limiter_ask(&limiter, NODE, 100, now_ms), LIMITER_PASSES);
        limiter_tell(&limiter, 100, BREAKER_BAD, 0, now_ms);
        limiter_tell(&limiter, HERE, BREAKER_GOOD, 0, now_ms);
    }
    now_ms += BREAKER_PAUSE_MS_MIN;
    CHECK_INT(limiter_ask(&limiter, NODE, 100, now_ms), LIMITER_PASSES);
    CHECK(!limiter_grants_retry(&limiter, 100));
    CHECK(limiter_grants_retry(&limiter, HERE));
    limiter_tell(&limiter, 100, BREAKER_BAD, 0, now_ms);
    CHECK(!limiter_grants_retry(&limiter, 100));
    now_ms += 2 * BREAKER_PAUSE_MS_MIN;
    CHECK_INT(limiter_ask(&limiter, NODE, 100, now_ms), LIMITER_PASSES);
    limiter_tell(&limiter, 100, BREAKER_GOOD, 0, now_ms);
    CHECK(limiter_grants_retry(&limiter, 100));
}

static const struct check_case cases[] = {
    {"five failures in a row open it for five seconds", opens_after_a_row},
    {"more than half of twenty open it, too", opens_when_half_fail},
    {"then one request tries at a time", one_tries_at_a_time},
    {"each attempt that fails doubles the pause, up to a minute", pauses_double_up_to_a_minute},
    {"a provider's own wish for rest is kept, up to an hour", rests_as_it_is_told},
    {"a broken provider rests, then one may try", a_broken_provider_rests_then_one_may_try},
    {"a budget is spent once", a_budget_is_spent_once},
    {"an hour that is spent is not a day that is", an_hour_and_a_day_are_told_apart},
    {"what says nothing frees the way", what_says_nothing_frees_the_way},
    {"rest is granted", rest_is_granted},
    {"a change is news once", a_change_is_news_once},
    {"one bad place is nobody else's affair", one_bad_place_is_nobody_elses},
    {"a bad place's own attempt says nothing for all", a_bad_place_may_not_try_for_all},
    {"who is tried is not tried twice", who_is_tried_is_not_tried_twice},
    {"the trial of a place fails and is told", the_trial_of_a_place_fails_and_is_told},
};

CHECK_MAIN(cases)
