/* histogram: how long things took, in bounded memory and to within one percent.
 *
 * Up to 255 every value has a bucket of its own; above, each power of two is cut into 128. So no
 * run is too long to be kept, and nothing is averaged away.
 *
 * Invariant: a quantile is never below the true one, and above it by less than one part in 128. */
#ifndef ZHERD_TESTS_BENCH_HISTOGRAM_H
#define ZHERD_TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 128
/* 64 bits, of which the lowest seven need no cut: the last bucket ends at INT64_MAX. */
#define HISTOGRAM_BUCKETS (57 * HISTOGRAM_STEPS)

/* All zero is an empty one. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count;
    int64_t most;
};

/* Negative values count as 0. */
void histogram_add(struct histogram *histogram, int64_t value);

/* The smallest value that `millionths` of the values do not exceed; 0 for an empty histogram. */
int64_t histogram_quantile(const struct histogram *histogram, uint32_t millionths);

#endif
