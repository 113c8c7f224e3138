#include "placesd/dispatch/breaker.h"

#define WINDOW_MASK ((UINT32_C(1) << BREAKER_WINDOW) - 1)

bool breaker_allows(struct breaker *breaker, int64_t now_ms)
{
    if (now_ms < breaker->rest_ms)
        return false;
    if (!breaker->open)
        return true;
    if (breaker->trying || now_ms < breaker->again_ms)
        return false;
    breaker->trying = true;
    return true;
}

static void close_breaker(struct breaker *breaker)
{
    *breaker = (struct breaker){.rest_ms = breaker->rest_ms};
}

static void open_breaker(struct breaker *breaker, int64_t now_ms)
{
    int64_t pause_ms = breaker->open ? 2 * breaker->pause_ms : BREAKER_PAUSE_MS_MIN;
    breaker->pause_ms = pause_ms < BREAKER_PAUSE_MS_MAX ? pause_ms : BREAKER_PAUSE_MS_MAX;
    breaker->again_ms = now_ms + breaker->pause_ms;
    breaker->open = true;
    breaker->trying = false;
}

static bool fails_too_often(const struct breaker *breaker)
{
    return breaker->row >= BREAKER_ROW_MAX ||
           (breaker->outcomes >= BREAKER_WINDOW &&
            __builtin_popcount(breaker->window) > BREAKER_WINDOW / 2);
}

void breaker_tell(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_ms)
{
    if (breaker->open) {
        /* What was on its way when it opened says nothing new. */
        if (!breaker->trying)
            return;
        if (outcome == BREAKER_GOOD)
            close_breaker(breaker);
        else if (outcome == BREAKER_BAD)
            open_breaker(breaker, now_ms);
        else
            breaker->trying = false;
        return;
    }
    if (outcome == BREAKER_UNKNOWN)
        return;
    bool bad = outcome == BREAKER_BAD;
    breaker->window = (breaker->window << 1 | bad) & WINDOW_MASK;
    breaker->outcomes += breaker->outcomes < BREAKER_WINDOW;
    breaker->row = bad ? breaker->row + 1 : 0;
    if (fails_too_often(breaker))
        open_breaker(breaker, now_ms);
}

void breaker_rest(struct breaker *breaker, int64_t rest_ms, int64_t now_ms)
{
    int64_t until_ms = now_ms + (rest_ms < BREAKER_REST_MS_MAX ? rest_ms : BREAKER_REST_MS_MAX);
    if (until_ms > breaker->rest_ms)
        breaker->rest_ms = until_ms;
}

int64_t breaker_pause_ms(const struct breaker *breaker, int64_t now_ms)
{
    int64_t until_ms = breaker->open ? breaker->again_ms : now_ms;
    if (breaker->rest_ms > until_ms)
        until_ms = breaker->rest_ms;
    return until_ms > now_ms ? until_ms - now_ms : 0;
}
