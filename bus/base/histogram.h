/* histogram: how long things took, as counts by upper bound.
 *
 * The bounds are the same for all: 1, 2.5 and 5 of each decade from 1 us to 10 s, so that
 * histograms of several processes add up. To observe is a bit count and one comparison, for loops
 * that do so a million times a second. It reads no clock, writes no text
 * (topology/format/metrics.h) and knows no quantile: whoever reads the counts works that out. One
 * thread owns it.
 *
 * Invariant: each time observed counts in one bucket, and once in the sum, which is exact. */
#ifndef ZHERD_BUS_BASE_HISTOGRAM_H
#define ZHERD_BUS_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 22
/* One per bound and one for what is above all of them. */
#define HISTOGRAM_BUCKETS (HISTOGRAM_BOUNDS + 1)

/* Upper bounds, inclusive, rising. */
extern const int64_t histogram_bounds_ns[HISTOGRAM_BOUNDS];

/* All zero is empty. Nothing in it is ever reset, and no sum overflows: 64 bits of nanoseconds are
 * 584 years, which a million long waits a second would use up within hours. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS]; /* of each bucket alone */
    uint64_t sum_ns;                    /* below HISTOGRAM_CARRY_NS, */
    uint64_t sum_carries;               /* and how often it has reached that */
};

#define HISTOGRAM_CARRY_NS UINT64_C(1000000000000000000)

/* The bucket of a time; one before zero, as clocks that are apart bring about, counts as 0. */
uint32_t histogram_bucket(int64_t ns);

/* As many things took that long. */
static inline void histogram_observe_many(struct histogram *histogram, int64_t ns, uint64_t count)
{
    uint64_t each = ns > 0 ? (uint64_t)ns : 0, all;
    histogram->counts[histogram_bucket(ns)] += count;
    if (__builtin_mul_overflow(each, count, &all) || all > UINT64_MAX - HISTOGRAM_CARRY_NS)
        all = UINT64_MAX - HISTOGRAM_CARRY_NS; /* more than 500 years */
    histogram->sum_ns += all;
    while (__builtin_expect(histogram->sum_ns >= HISTOGRAM_CARRY_NS, 0)) {
        histogram->sum_ns -= HISTOGRAM_CARRY_NS;
        histogram->sum_carries++;
    }
}

static inline void histogram_observe(struct histogram *histogram, int64_t ns)
{
    histogram_observe_many(histogram, ns, 1);
}

#endif
