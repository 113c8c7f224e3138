/* How much range checks may cost: C8 and C9. */
#include "bus/link/range_pace.h"

#include "tests/check.h"

static void a_bucket_gives_what_it_holds_and_what_time_adds(void)
{
    static const struct range_rate rate = {10, 60}; /* one a second */
    struct range_bucket bucket;
    range_bucket_fill(&bucket, &rate, 1000);
    CHECK(!range_bucket_take(&bucket, &rate, 11, 1000));
    CHECK(range_bucket_take(&bucket, &rate, 10, 1000));
    CHECK(!range_bucket_take(&bucket, &rate, 1, 1000));
    CHECK(!range_bucket_take(&bucket, &rate, 1, 1999));
    CHECK(range_bucket_take(&bucket, &rate, 1, 2000));
    CHECK(!range_bucket_take(&bucket, &rate, 1, 500)); /* no time goes back */
    CHECK(range_bucket_take(&bucket, &rate, 10, 100000000));
    CHECK(!range_bucket_take(&bucket, &rate, 1, 100000000));
}

static void a_bucket_in_debt_waits_until_it_is_paid(void)
{
    static const struct range_rate rate = {10, 60};
    struct range_bucket bucket = {0};
    CHECK(range_bucket_has(&bucket, &rate, 9, INT64_C(1) << 50)); /* far from the first moment */
    CHECK(!range_bucket_has(&bucket, &rate, 10, INT64_C(1) << 50));
    range_bucket_fill(&bucket, &rate, 0);
    range_bucket_charge(&bucket, 13);
    CHECK(!range_bucket_has(&bucket, &rate, 0, 3000));
    CHECK(range_bucket_has(&bucket, &rate, 0, 3001));
}

static uint32_t spend_all(struct range_budget *budget, enum range_reason reason, int64_t now_ms)
{
    uint32_t count = 0;
    while (count < 100000 && range_budget_spend(budget, reason, now_ms))
        count++;
    return count;
}

static void lists_of_what_was_equal_are_a_bucket_full_and_one_a_minute(void)
{
    struct range_budget budget;
    range_budget_init(&budget, 0);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 0), 1310);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 59999), 0);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 60000), 1);
}

static void lists_that_heal_are_twenty_two_a_second(void)
{
    struct range_budget budget;
    range_budget_init(&budget, 0);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 0), 1310);
    for (int i = 0; i < 50; i++) /* half of the last hundred are not enough */
        range_budget_heal(&budget);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 1000), 0);
    range_budget_heal(&budget);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 2000), 22);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 3000), 22);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 4000), 22); /* 66 of which nobody says so */
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 5000), 0);
}

static void what_starves_has_a_bucket_of_its_own(void)
{
    struct range_budget budget;
    range_budget_init(&budget, 0);
    CHECK_INT(spend_all(&budget, RANGE_STARVES, 0), 512);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 0), 1310);
    for (int i = 0; i < 51; i++)
        range_budget_heal(&budget);
    CHECK_INT(spend_all(&budget, RANGE_STARVES, 4000), 256);
    CHECK_INT(spend_all(&budget, RANGE_DIFFERS, 5000), 110); /* they still heal, 22 a second */
    CHECK_INT(spend_all(&budget, RANGE_UNSETTLED, 5000), 100000);
}

static void a_pass_in_vain_makes_the_next_one_twice_as_long(void)
{
    struct range_budget budget;
    range_budget_init(&budget, 0);
    int64_t now_ms = 0;
    static const int64_t pauses_ms[] = {60000,  60000,  120000, 240000, 300000,
                                        300000, 300000, 60000,  60000};
    for (int i = 0; i < 9; i++) {
        CHECK(!range_budget_turn(&budget, now_ms + pauses_ms[i] - 1));
        CHECK(range_budget_turn(&budget, now_ms + pauses_ms[i]));
        now_ms += pauses_ms[i];
        CHECK(range_budget_spend(&budget, RANGE_UNSETTLED, now_ms));
        CHECK(range_budget_spend(&budget, RANGE_UNSETTLED, now_ms));
        if (i >= 5) /* half of them */
            range_budget_heal(&budget);
    }
}

static void a_link_is_a_new_pair_once_in_ten_minutes_then_less_often(void)
{
    const int64_t minute_ms = 60000;
    struct range_budget budget;
    range_budget_init(&budget, 0);
    CHECK(range_budget_resync(&budget, 0));
    CHECK(!range_budget_resync(&budget, 10 * minute_ms - 1));
    CHECK(range_budget_resync(&budget, 10 * minute_ms));
    CHECK(!range_budget_resync(&budget, 30 * minute_ms - 1));
    CHECK(range_budget_resync(&budget, 30 * minute_ms));
    CHECK(!range_budget_resync(&budget, 70 * minute_ms - 1));
    CHECK(range_budget_resync(&budget, 70 * minute_ms));
    CHECK(!range_budget_resync(&budget, 130 * minute_ms - 1));
    CHECK(range_budget_resync(&budget, 130 * minute_ms)); /* an hour is the most */
    CHECK(range_budget_resync(&budget, 190 * minute_ms)); /* a clean hour: as at first */
    CHECK(range_budget_resync(&budget, 200 * minute_ms));
}

static void what_is_received_has_a_pace(void)
{
    struct range_pace pace;
    range_pace_init(&pace, 0);
    int checks = 0, lists = 0, unsettled = 0;
    while (range_pace_takes_check(&pace, 0))
        checks++;
    CHECK_INT(checks, 64);
    while (range_pace_takes_check(&pace, 1000))
        checks++;
    CHECK_INT(checks, 128);
    CHECK(range_pace_answers(&pace, 65536, 0));
    CHECK(!range_pace_answers(&pace, 1, 0));
    CHECK(!range_pace_answers(&pace, 65536, 3999));
    CHECK(range_pace_answers(&pace, 65536, 4000));
    while (range_pace_takes_list(&pace, true, 0))
        lists++;
    CHECK_INT(lists, 1310 + 512);
    while (range_pace_takes_list(&pace, true, 1000))
        lists++;
    CHECK_INT(lists, 1310 + 512 + 22 + 64);
    while (range_pace_takes_list(&pace, false, 0))
        unsettled++;
    CHECK_INT(unsettled, 65536);
    CHECK(!range_pace_takes_ids(&pace, 1));
    pace.ids = 5;
    CHECK(!range_pace_takes_ids(&pace, 6));
    CHECK(range_pace_takes_ids(&pace, 5));
    CHECK(!range_pace_takes_ids(&pace, 1));
}

static const struct check_case cases[] = {
    {"a bucket gives what it holds and what time adds",
     a_bucket_gives_what_it_holds_and_what_time_adds},
    {"a bucket in debt waits until it is paid", a_bucket_in_debt_waits_until_it_is_paid},
    {"lists of what was equal are a bucket full, and one a minute",
     lists_of_what_was_equal_are_a_bucket_full_and_one_a_minute},
    {"lists that heal are 22 a second", lists_that_heal_are_twenty_two_a_second},
    {"what starves has a bucket of its own", what_starves_has_a_bucket_of_its_own},
    {"a pass in vain makes the next one twice as long",
     a_pass_in_vain_makes_the_next_one_twice_as_long},
    {"a link is a new pair once in ten minutes, then less often",
     a_link_is_a_new_pair_once_in_ten_minutes_then_less_often},
    {"what is received has a pace", what_is_received_has_a_pace},
};

CHECK_MAIN(cases)
