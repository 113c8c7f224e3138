/* What passes counts with breaker and budget, what was never sent with neither. */
#include "placesd/gate.h"

#include "tests/check.h"

static void break_it(struct gate *gate, int64_t now_ms)
{
    for (int i = 0; i < BREAKER_ROW_MAX; i++) {
        CHECK_INT(gate_ask(gate, now_ms), GATE_PASSES);
        gate_tell(gate, BREAKER_BAD, 0, now_ms);
    }
}

static void a_broken_provider_rests_then_one_may_try(void)
{
    struct gate gate = gate_new(0);
    break_it(&gate, 0);
    CHECK_INT(gate_ask(&gate, BREAKER_PAUSE_MS_MIN - 1), GATE_RESTS);
    CHECK_INT(gate_ask(&gate, BREAKER_PAUSE_MS_MIN), GATE_PASSES);
    CHECK_INT(gate_ask(&gate, BREAKER_PAUSE_MS_MIN), GATE_RESTS);
    gate_tell(&gate, BREAKER_GOOD, 0, BREAKER_PAUSE_MS_MIN);
    CHECK_INT(gate_ask(&gate, BREAKER_PAUSE_MS_MIN), GATE_PASSES);
}

static void a_budget_is_spent_once(void)
{
    struct gate gate = gate_new(2);
    CHECK_INT(gate_ask(&gate, 0), GATE_PASSES);
    gate_undo(&gate, 0); /* never sent: costs nothing */
    CHECK_INT(gate_ask(&gate, 0), GATE_PASSES);
    CHECK(gate_again(&gate, 0)); /* sent twice: costs both */
    CHECK(!gate_again(&gate, 0));
    CHECK_INT(gate_ask(&gate, 0), GATE_SPENT);
    CHECK_INT(gate_ask(&gate, QUOTA_DAY_MS), GATE_PASSES);
}

/* Only one attempt is on its way while the breaker is open; each of these ends it. */
static void what_says_nothing_frees_the_way(void)
{
    enum { UNDONE, LOST, SPENT, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct gate gate = gate_new(BREAKER_ROW_MAX + 1);
        int64_t now_ms = BREAKER_PAUSE_MS_MIN;
        break_it(&gate, 0);
        CHECK_INT(gate_ask(&gate, now_ms), GATE_PASSES);
        if (way == UNDONE)
            gate_undo(&gate, now_ms);
        else if (way == LOST)
            CHECK(!gate_again(&gate, now_ms));
        else
            gate_tell(&gate, BREAKER_UNKNOWN, 0, now_ms);
        CHECK_INT(gate_ask(&gate, now_ms), way == UNDONE ? GATE_PASSES : GATE_SPENT);
        if (way != UNDONE)
            CHECK_INT(gate_ask(&gate, now_ms), GATE_SPENT); /* which leaves the way free, too */
    }
}

static void rest_is_granted(void)
{
    struct gate gate = gate_new(0);
    CHECK_INT(gate_ask(&gate, 0), GATE_PASSES);
    gate_tell(&gate, BREAKER_BAD, 700, 0);
    CHECK_INT(gate_ask(&gate, 699), GATE_RESTS);
    CHECK_INT(gate_ask(&gate, 700), GATE_PASSES);
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
    CHECK_INT(gate_ask(&gate, BREAKER_PAUSE_MS_MIN), GATE_PASSES);
    CHECK(!gate_news(&gate, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms)); /* it is still tried */
    gate_tell(&gate, BREAKER_GOOD, 0, BREAKER_PAUSE_MS_MIN);
    CHECK(gate_news(&gate, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms));
    CHECK(!paused);
    CHECK(!gate_news(&gate, BREAKER_PAUSE_MS_MIN, &paused, &pause_ms));
}

static const struct check_case cases[] = {
    {"a broken provider rests, then one may try", a_broken_provider_rests_then_one_may_try},
    {"a budget is spent once", a_budget_is_spent_once},
    {"what says nothing frees the way", what_says_nothing_frees_the_way},
    {"rest is granted", rest_is_granted},
    {"a change is news once", a_change_is_news_once},
};

CHECK_MAIN(cases)
