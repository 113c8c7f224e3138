#include "placesd/dispatch/limiter.h"

/* ---- the breaker ---- */

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

/* ---- the quota ---- */

struct quota quota_new(uint32_t budget)
{
    return (struct quota){
        .budget = budget,
        .day_ms = INT64_MIN,
        .shares = QUOTA_RETRIES_MAX * QUOTA_REQUESTS_PER_RETRY,
    };
}

bool quota_take(struct quota *quota, int64_t now_ms)
{
    if (quota->day_ms == INT64_MIN || now_ms - quota->day_ms >= QUOTA_DAY_MS) {
        quota->day_ms = now_ms;
        quota->used = 0;
    }
    if (quota->budget > 0 && quota->used == quota->budget)
        return false;
    quota->used++;
    if (quota->shares < QUOTA_RETRIES_MAX * QUOTA_REQUESTS_PER_RETRY)
        quota->shares++;
    return true;
}

void quota_give_back(struct quota *quota)
{
    if (quota->used > 0)
        quota->used--;
}

bool quota_take_retry(struct quota *quota)
{
    if (quota->shares < QUOTA_REQUESTS_PER_RETRY)
        return false;
    quota->shares -= QUOTA_REQUESTS_PER_RETRY;
    return true;
}

/* ---- the limiter ---- */

struct limiter limiter_new(uint32_t budget)
{
    return (struct limiter){.quota = quota_new(budget)};
}

static bool failed_last(const struct limiter *limiter, uint64_t place)
{
    return limiter->has_place && limiter->place == place;
}

/* The request says nothing about anybody. */
static void tell_nothing(struct limiter *limiter, uint64_t place, int64_t now_ms)
{
    breaker_tell(&limiter->breaker, BREAKER_UNKNOWN, now_ms);
    if (failed_last(limiter, place))
        breaker_tell(&limiter->of_place, BREAKER_UNKNOWN, now_ms);
}

enum limiter_verdict limiter_ask(struct limiter *limiter, uint64_t place, int64_t now_ms)
{
    bool again = failed_last(limiter, place);
    if (again && !breaker_allows(&limiter->of_place, now_ms))
        return LIMITER_RESTS;
    if (!breaker_allows(&limiter->breaker, now_ms)) {
        if (again)
            breaker_tell(&limiter->of_place, BREAKER_UNKNOWN, now_ms);
        return LIMITER_RESTS;
    }
    if (quota_take(&limiter->quota, now_ms))
        return LIMITER_PASSES;
    tell_nothing(limiter, place, now_ms);
    return LIMITER_SPENT;
}

bool limiter_again(struct limiter *limiter, uint64_t place, int64_t now_ms)
{
    if (quota_take(&limiter->quota, now_ms))
        return true;
    tell_nothing(limiter, place, now_ms);
    return false;
}

void limiter_undo(struct limiter *limiter, uint64_t place, int64_t now_ms)
{
    tell_nothing(limiter, place, now_ms);
    quota_give_back(&limiter->quota);
}

static void tell_bad(struct limiter *limiter, uint64_t place, int64_t now_ms)
{
    bool again = failed_last(limiter, place);
    breaker_tell(&limiter->breaker, again ? BREAKER_UNKNOWN : BREAKER_BAD, now_ms);
    if (!again) {
        limiter->of_place = (struct breaker){0};
        limiter->place = place;
        limiter->has_place = true;
    }
    breaker_tell(&limiter->of_place, BREAKER_BAD, now_ms);
}

void limiter_tell(struct limiter *limiter, uint64_t place, enum breaker_outcome outcome,
                  int64_t rest_ms, int64_t now_ms)
{
    if (outcome == BREAKER_UNKNOWN) {
        tell_nothing(limiter, place, now_ms);
    } else if (outcome == BREAKER_BAD) {
        tell_bad(limiter, place, now_ms);
    } else {
        breaker_tell(&limiter->breaker, BREAKER_GOOD, now_ms);
        limiter->has_place = limiter->has_place && limiter->place != place;
    }
    if (rest_ms > 0)
        breaker_rest(&limiter->breaker, rest_ms, now_ms);
}

bool limiter_grants_retry(struct limiter *limiter)
{
    return !limiter->breaker.open && quota_take_retry(&limiter->quota);
}

bool limiter_news(struct limiter *limiter, int64_t now_ms, bool *paused, int64_t *pause_ms)
{
    *pause_ms = breaker_pause_ms(&limiter->breaker, now_ms);
    *paused = limiter->breaker.open || *pause_ms > 0;
    if (*paused == limiter->paused)
        return false;
    limiter->paused = *paused;
    return true;
}
