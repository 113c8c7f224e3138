#include "placesd/gate.h"

struct gate gate_new(uint32_t budget)
{
    return (struct gate){.quota = quota_new(budget)};
}

enum gate_verdict gate_ask(struct gate *gate, int64_t now_ms)
{
    if (!breaker_allows(&gate->breaker, now_ms))
        return GATE_RESTS;
    if (quota_take(&gate->quota, now_ms))
        return GATE_PASSES;
    breaker_tell(&gate->breaker, BREAKER_UNKNOWN, now_ms);
    return GATE_SPENT;
}

bool gate_again(struct gate *gate, int64_t now_ms)
{
    if (quota_take(&gate->quota, now_ms))
        return true;
    breaker_tell(&gate->breaker, BREAKER_UNKNOWN, now_ms);
    return false;
}

void gate_undo(struct gate *gate, int64_t now_ms)
{
    breaker_tell(&gate->breaker, BREAKER_UNKNOWN, now_ms);
    quota_give_back(&gate->quota);
}

void gate_tell(struct gate *gate, enum breaker_outcome outcome, int64_t rest_ms, int64_t now_ms)
{
    breaker_tell(&gate->breaker, outcome, now_ms);
    if (rest_ms > 0)
        breaker_rest(&gate->breaker, rest_ms, now_ms);
}

bool gate_grants_retry(struct gate *gate)
{
    return quota_take_retry(&gate->quota);
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
