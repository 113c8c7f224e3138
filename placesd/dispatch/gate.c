#include "placesd/dispatch/gate.h"

struct gate gate_new(uint32_t budget)
{
    return (struct gate){.quota = quota_new(budget)};
}

static bool failed_last(const struct gate *gate, uint64_t place)
{
    return gate->has_place && gate->place == place;
}

/* The request says nothing about anybody. */
static void tell_nothing(struct gate *gate, uint64_t place, int64_t now_ms)
{
    breaker_tell(&gate->breaker, BREAKER_UNKNOWN, now_ms);
    if (failed_last(gate, place))
        breaker_tell(&gate->of_place, BREAKER_UNKNOWN, now_ms);
}

enum gate_verdict gate_ask(struct gate *gate, uint64_t place, int64_t now_ms)
{
    bool again = failed_last(gate, place);
    if (again && !breaker_allows(&gate->of_place, now_ms))
        return GATE_RESTS;
    if (!breaker_allows(&gate->breaker, now_ms)) {
        if (again)
            breaker_tell(&gate->of_place, BREAKER_UNKNOWN, now_ms);
        return GATE_RESTS;
    }
    if (quota_take(&gate->quota, now_ms))
        return GATE_PASSES;
    tell_nothing(gate, place, now_ms);
    return GATE_SPENT;
}

bool gate_again(struct gate *gate, uint64_t place, int64_t now_ms)
{
    if (quota_take(&gate->quota, now_ms))
        return true;
    tell_nothing(gate, place, now_ms);
    return false;
}

void gate_undo(struct gate *gate, uint64_t place, int64_t now_ms)
{
    tell_nothing(gate, place, now_ms);
    quota_give_back(&gate->quota);
}

static void tell_bad(struct gate *gate, uint64_t place, int64_t now_ms)
{
    bool again = failed_last(gate, place);
    breaker_tell(&gate->breaker, again ? BREAKER_UNKNOWN : BREAKER_BAD, now_ms);
    if (!again) {
        gate->of_place = (struct breaker){0};
        gate->place = place;
        gate->has_place = true;
    }
    breaker_tell(&gate->of_place, BREAKER_BAD, now_ms);
}

void gate_tell(struct gate *gate, uint64_t place, enum breaker_outcome outcome, int64_t rest_ms,
               int64_t now_ms)
{
    if (outcome == BREAKER_UNKNOWN) {
        tell_nothing(gate, place, now_ms);
    } else if (outcome == BREAKER_BAD) {
        tell_bad(gate, place, now_ms);
    } else {
        breaker_tell(&gate->breaker, BREAKER_GOOD, now_ms);
        gate->has_place = gate->has_place && gate->place != place;
    }
    if (rest_ms > 0)
        breaker_rest(&gate->breaker, rest_ms, now_ms);
}

bool gate_grants_retry(struct gate *gate)
{
    return !gate->breaker.open && quota_take_retry(&gate->quota);
}

bool gate_news(struct gate *gate, int64_t now_ms, bool *paused, int64_t *pause_ms)
{
    *pause_ms = breaker_pause_ms(&gate->breaker, now_ms);
    *paused = gate->breaker.open || *pause_ms > 0;
    if (*paused == gate->paused)
        return false;
    gate->paused = *paused;
    return true;
}
