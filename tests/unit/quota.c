#include "placesd/dispatch/quota.h"

#include "tests/check.h"

static void a_budget_holds_for_a_day(void)
{
    struct quota quota = quota_new(3);
    for (int i = 0; i < 3; i++)
        CHECK(quota_take(&quota, 5000 + i));
    CHECK(!quota_take(&quota, 5003));
    quota_give_back(&quota);
    CHECK(quota_take(&quota, 5004));
    CHECK(!quota_take(&quota, 5000 + QUOTA_DAY_MS - 1));
    CHECK(quota_take(&quota, 5000 + QUOTA_DAY_MS));
    CHECK(quota_take(&quota, 5000 + QUOTA_DAY_MS));
    CHECK(quota_take(&quota, 5000 + QUOTA_DAY_MS));
    CHECK(!quota_take(&quota, 5000 + QUOTA_DAY_MS));
}

static void without_a_budget_all_pass(void)
{
    struct quota quota = quota_new(0);
    for (int i = 0; i < 100000; i++)
        CHECK(quota_take(&quota, 1));
    quota = quota_new(1);
    quota_give_back(&quota); /* nothing was taken */
    CHECK(quota_take(&quota, 1));
    CHECK(!quota_take(&quota, 1));
}

static void retries_are_a_tenth(void)
{
    struct quota quota = quota_new(0);
    for (int i = 0; i < QUOTA_RETRIES_MAX; i++)
        CHECK(quota_take_retry(&quota));
    CHECK(!quota_take_retry(&quota));
    int retries = 0;
    for (int i = 0; i < 1000; i++) {
        quota_take(&quota, 1);
        retries += quota_take_retry(&quota);
    }
    CHECK_INT(retries, 1000 / QUOTA_REQUESTS_PER_RETRY);
    for (int i = 0; i < 1000; i++)
        quota_take(&quota, 1);
    for (int i = 0; i < QUOTA_RETRIES_MAX; i++)
        CHECK(quota_take_retry(&quota));
    CHECK(!quota_take_retry(&quota));
}

static const struct check_case cases[] = {
    {"a budget holds for a day from its first request", a_budget_holds_for_a_day},
    {"without a budget all pass", without_a_budget_all_pass},
    {"one request in ten may be a second attempt", retries_are_a_tenth},
};

CHECK_MAIN(cases)
