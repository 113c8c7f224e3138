/* The histogram: every bound and what is beside it, every power of two, the sum that does not
 * overflow. */
#include "bus/base/histogram.h"

#include "tests/check.h"

/* What the header says, without any table. */
static uint32_t plain_bucket(int64_t ns)
{
    uint32_t bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && ns > histogram_bounds_ns[bucket])
        bucket++;
    return bucket;
}

static void bounds_are_1_and_a_quarter_and_a_half_of_ten_and_at_least_twice_the_one_before(void)
{
    CHECK_INT(histogram_bounds_ns[0], 1000);
    CHECK_INT(histogram_bounds_ns[HISTOGRAM_BOUNDS - 1], INT64_C(10000000000));
    for (uint32_t i = 1; i < HISTOGRAM_BOUNDS; i++)
        CHECK(histogram_bounds_ns[i] >= 2 * histogram_bounds_ns[i - 1]);
    for (uint32_t i = 3; i < HISTOGRAM_BOUNDS; i++)
        CHECK_INT(histogram_bounds_ns[i], 10 * histogram_bounds_ns[i - 3]);
}

static void a_time_at_a_bound_is_below_it_and_one_more_is_not(void)
{
    for (uint32_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        CHECK_INT(histogram_bucket(histogram_bounds_ns[i]), i);
        CHECK_INT(histogram_bucket(histogram_bounds_ns[i] + 1), i + 1);
        CHECK_INT(histogram_bucket(histogram_bounds_ns[i] - 1), i);
    }
}

static void times_around_powers_of_two_are_where_a_search_puts_them(void)
{
    for (int bit = 0; bit < 63; bit++)
        for (int64_t by = -1; by <= 1; by++)
            CHECK_INT(histogram_bucket((INT64_C(1) << bit) + by),
                      plain_bucket((INT64_C(1) << bit) + by));
    CHECK_INT(histogram_bucket(INT64_MAX), HISTOGRAM_BOUNDS);
    CHECK_INT(histogram_bucket(INT64_MIN), 0);
}

static void the_sum_is_exact_and_a_time_before_zero_adds_nothing(void)
{
    struct histogram histogram = {0};
    histogram_observe(&histogram, 1);
    histogram_observe(&histogram, 1500);
    histogram_observe(&histogram, -7);
    CHECK_INT(histogram.sum_ns, 1501);
    CHECK_INT(histogram.counts[0], 2);
    CHECK_INT(histogram.counts[1], 1);
}

static void the_sum_goes_on_where_64_bits_of_nanoseconds_end(void)
{
    struct histogram histogram = {.sum_ns = HISTOGRAM_CARRY_NS - 1};
    histogram_observe(&histogram, 1);
    CHECK(histogram.sum_carries == 1 && histogram.sum_ns == 0);
    /* The longest time on the fullest sum. */
    histogram.sum_ns = HISTOGRAM_CARRY_NS - 1;
    histogram_observe(&histogram, INT64_MAX);
    CHECK_INT(histogram.sum_carries, 11);
    CHECK_INT(histogram.sum_ns, INT64_C(223372036854775806));
    CHECK(histogram.sum_ns < HISTOGRAM_CARRY_NS);
}

static void many_count_as_each_by_itself(void)
{
    struct histogram one = {0}, many = {0};
    for (int i = 0; i < 1000; i++)
        histogram_observe(&one, 2500);
    histogram_observe_many(&many, 2500, 1000);
    histogram_observe_many(&many, 2500, 0);
    CHECK(memcmp(&one, &many, sizeof one) == 0);
    /* The longest time of the most things, on the fullest sum, is cut and leaves the sum sound. */
    many.sum_ns = HISTOGRAM_CARRY_NS - 1;
    histogram_observe_many(&many, INT64_MAX, UINT64_MAX - 1000);
    CHECK(many.sum_ns < HISTOGRAM_CARRY_NS);
    histogram_observe_many(&many, -1, 5);
    CHECK_INT(many.counts[0], 5);
}

static const struct check_case cases[] = {
    {"bounds are 1, 2.5 and 5 of each decade, at least twice the one before",
     bounds_are_1_and_a_quarter_and_a_half_of_ten_and_at_least_twice_the_one_before},
    {"a time at a bound is below it, and one more is not",
     a_time_at_a_bound_is_below_it_and_one_more_is_not},
    {"times around powers of two are where a search puts them",
     times_around_powers_of_two_are_where_a_search_puts_them},
    {"the sum is exact, and a time before zero adds nothing to it",
     the_sum_is_exact_and_a_time_before_zero_adds_nothing},
    {"the sum goes on where 64 bits of nanoseconds end",
     the_sum_goes_on_where_64_bits_of_nanoseconds_end},
    {"many that took the same count as each by itself", many_count_as_each_by_itself},
};

CHECK_MAIN(cases)
