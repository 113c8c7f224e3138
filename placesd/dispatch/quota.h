/* quota: how many requests a provider may still get.
 *
 * Two limits: a budget per day, because some providers bill, and a share for second attempts,
 * because a provider in trouble must not be asked twice as often. It counts; it asks nobody. Time
 * is an argument.
 *
 * Invariant: within a day no more than the budget passes. */
#ifndef ZHERD_PLACESD_DISPATCH_QUOTA_H
#define ZHERD_PLACESD_DISPATCH_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#define QUOTA_DAY_MS INT64_C(86400000)
/* One second attempt per so many requests ... */
#define QUOTA_REQUESTS_PER_RETRY 10
/* ... and as many in a row where none was needed for long. */
#define QUOTA_RETRIES_MAX 10

struct quota {
    uint32_t budget; /* requests a day, 0 for no limit */
    uint32_t used;
    int64_t day_ms;  /* when this day began: with its first request */
    uint32_t shares; /* tenths of retries */
};

struct quota quota_new(uint32_t budget);

/* One request more. False where today's budget is used up. */
bool quota_take(struct quota *quota, int64_t now_ms);

/* That request was not made after all. */
void quota_give_back(struct quota *quota);

/* Whether this failure may be followed by a second attempt. The request itself is quota_take's. */
bool quota_take_retry(struct quota *quota);

#endif
