/* What passes counts with breaker and budget, what was never sent with neither. */
#include "placesd/dispatch/gate.h"

#include "tests/check.h"

/* Where nothing failed. */
#define HERE 1

static void break_it(struct gate *gate, int64_t now_ms)
{
    for (uint64_t i = 0; i < BREAKER_ROW_MAX; i++) {
        CHECK_INT(gate_ask(gate, 100 + i, now_ms), GATE_PASSES);
        gate_tell(gate, 100 + i, BREAKER_BAD, 0, now_ms);
    }
}

static void a_broken_provider_rests_then_one_may_try(void)
{
    struct gate gate = gate_new(0);
    break_it(&gate, 0);
    CHECK_INT(gate_ask(&gate, HERE, BREAKER_PAUSE_MS_MIN - 1), GATE_RESTS);
    CHECK_INT(gate_ask(&gate, HERE, BREAKER_PAUSE_MS_MIN), GATE_PASSES);
    CHECK_INT(gate_ask(&gate, HERE, BREAKER_PAUSE_MS_MIN), GATE_RESTS);
    gate_tell(&gate, HERE, BREAKER_GOOD, 0, BREAKER_PAUSE_MS_MIN);
    CHECK_INT(gate_ask(&gate, HERE, BREAKER_PAUSE_MS_MIN), GATE_PASSES);
}

static void a_budget_is_spent_once(void)
{
    struct gate gate = gate_new(2);
    CHECK_INT(gate_ask(&gate, HERE, 0), GATE_PASSES);
    gate_undo(&gate, HERE, 0); /* never sent: costs nothing */
    CHECK_INT(gate_ask(&gate, HERE, 0), GATE_PASSES);
    CHECK(gate_again(&gate, HERE, 0)); /* sent twice: costs both */
    CHECK(!gate_again(&gate, HERE, 0));
    CHECK_INT(gate_ask(&gate, HERE, 0), GATE_SPENT);
    CHECK_INT(gate_ask(&gate, HERE, QUOTA_DAY_MS), GATE_PASSES);
}

/* Only one attempt is on its way while the breaker is open; each of these ends it. */
static void what_says_nothing_frees_the_way(void)
{
    enum { UNDONE, LOST, SPENT, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct gate gate = gate_new(BREAKER_ROW_MAX + 1);
        int64_t now_ms = BREAKER_PAUSE_MS_MIN;
        break_it(&gate, 0);
        CHECK_INT(gate_ask(&gate, HERE, now_ms), GATE_PASSES);
        if (way == UNDONE)
            gate_undo(&gate, HERE, now_ms);
        else if (way == LOST)
            CHECK(!gate_again(&gate, HERE, now_ms));
        else
            gate_tell(&gate, HERE, BREAKER_UNKNOWN, 0, now_ms);
        CHECK_INT(gate_ask(&gate, HERE, now_ms), way == UNDONE ? GATE_PASSES : GATE_SPENT);
        if (way != UNDONE)
            CHECK_INT(gate_ask(&gate, HERE, now_ms),
                      GATE_SPENT); /* which leaves the way free, too */
    }
}

static void rest_is_granted(void)
{
    struct gate gate = gate_new(0);
    CHECK_INT(gate_ask(&gate, HERE, 0), GATE_PASSES);
    gate_tell(&gate, HERE, BREAKER_BAD, 700, 0);
    CHECK_INT(gate_ask(&gate, HERE, 699), GATE_RESTS);
    CHECK_INT(gate_ask(&gate, HERE, 700), GATE_PASSES);
}

static void a_change_is_news_once(void)
{
    struct gate gate = gate_new(0);
    bool paused;
    int64_t pause_ms;
    CHECK(!gate_news(&gate, 0, &paused, &pause_ms));
    break_it(&gate, 0);
    CHECK(gate_news(&gate, 0, &paused, &pause_ms));
    CHECK(paused);
    CHECK_INT(pause_ms, BREAKER_PAUSE_MS_MIN);
    CHECK(!gate_news(&gate, 1, &paused, &pause_ms));
    CHECK_INT(gate_ask(&gate, HERE, BREAKER_PAUSE_MS_MIN), GATE_PASSES);
    CHECK(!gate_news(&gate, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms)); /* it is still tried */
    gate_tell(&gate, HERE, BREAKER_GOOD, 0, BREAKER_PAUSE_MS_MIN);
    CHECK(gate_news(&gate, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms));
    CHECK(!paused);
    CHECK(!gate_news(&gate, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms));
}

/* One place that fails again and again is left alone, and nobody else pays for it. */
static void one_bad_place_is_nobody_elses(void)
{
    struct gate gate = gate_new(0);
    int64_t now_ms = 0;
    for (int i = 0; i < 3 * BREAKER_WINDOW; i++, now_ms += BREAKER_PAUSE_MS_MAX) {
        CHECK_INT(gate_ask(&gate, 100, now_ms), GATE_PASSES);
        gate_tell(&gate, 100, BREAKER_BAD, 0, now_ms);
        CHECK_INT(gate_ask(&gate, HERE, now_ms), GATE_PASSES);
        gate_undo(&gate, HERE, now_ms);
        CHECK_INT(gate_ask(&gate, 100, now_ms + 1),
                  i + 1 < BREAKER_ROW_MAX ? GATE_PASSES : GATE_RESTS);
        gate_undo(&gate, 100, now_ms + 1);
    }
    bool paused;
    int64_t pause_ms;
    CHECK(!gate_news(&gate, now_ms, &paused, &pause_ms));
    /* Well again, it is like any other. */
    CHECK_INT(gate_ask(&gate, 100, now_ms), GATE_PASSES);
    gate_tell(&gate, 100, BREAKER_GOOD, 0, now_ms);
    CHECK_INT(gate_ask(&gate, 100, now_ms), GATE_PASSES);
    gate_tell(&gate, 100, BREAKER_BAD, 0, now_ms);
    CHECK_INT(gate_ask(&gate, 100, now_ms), GATE_PASSES);
    /* With four others it is the provider that fails. */
    for (uint64_t i = 101; i < 100 + BREAKER_ROW_MAX; i++)
        gate_tell(&gate, i, BREAKER_BAD, 0, now_ms);
    CHECK_INT(gate_ask(&gate, HERE, now_ms), GATE_RESTS);
}

/* While the provider is left alone the bad place's own attempt neither blocks nor blames. */
static void a_bad_place_may_not_try_for_all(void)
{
    struct gate gate = gate_new(0);
    int64_t now_ms = BREAKER_PAUSE_MS_MIN;
    uint64_t last = 100 + BREAKER_ROW_MAX - 1;
    break_it(&gate, 0);
    CHECK_INT(gate_ask(&gate, last, 0), GATE_RESTS);
    CHECK_INT(gate_ask(&gate, last, now_ms), GATE_PASSES);
    CHECK_INT(gate_ask(&gate, HERE, now_ms), GATE_RESTS);
    gate_tell(&gate, last, BREAKER_BAD, 0, now_ms);
    CHECK_INT(gate_ask(&gate, HERE, now_ms), GATE_PASSES);
    gate_tell(&gate, HERE, BREAKER_BAD, 0, now_ms);
    CHECK_INT(gate_ask(&gate, HERE + 1, now_ms), GATE_RESTS);
}

static void who_is_tried_is_not_tried_twice(void)
{
    struct gate gate = gate_new(0);
    CHECK(gate_grants_retry(&gate));
    break_it(&gate, 0);
    CHECK(!gate_grants_retry(&gate));
    CHECK_INT(gate_ask(&gate, HERE, BREAKER_PAUSE_MS_MIN), GATE_PASSES);
    CHECK(!gate_grants_retry(&gate));
    gate_tell(&gate, HERE, BREAKER_GOOD, 0, BREAKER_PAUSE_MS_MIN);
    CHECK(gate_grants_retry(&gate));
}

static const struct check_case cases[] = {
    {"a broken provider rests, then one may try", a_broken_provider_rests_then_one_may_try},
    {"a budget is spent once", a_budget_is_spent_once},
    {"what says nothing frees the way", what_says_nothing_frees_the_way},
    {"rest is granted", rest_is_granted},
    {"a change is news once", a_change_is_news_once},
    {"one bad place is nobody else's affair", one_bad_place_is_nobody_elses},
    {"a bad place's own attempt says nothing for all", a_bad_place_may_not_try_for_all},
    {"who is tried is not tried twice", who_is_tried_is_not_tried_twice},
};

CHECK_MAIN(cases)
