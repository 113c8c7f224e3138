#include "placesd/dispatch/quota.h"

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
