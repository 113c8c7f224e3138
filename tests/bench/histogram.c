#include "tests/bench/histogram.h"

#define MILLION 1000000u

/* By how many bits a value is shortened to lie within two times HISTOGRAM_STEPS. */
static unsigned shift_of(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return bits > 8 ? bits - 8 : 0;
}

void histogram_add(struct histogram *histogram, int64_t value)
{
    uint64_t size = value < 0 ? 0 : (uint64_t)value;
    unsigned shift = shift_of(size);
    histogram->counts[shift * HISTOGRAM_STEPS + (size >> shift)]++;
    histogram->count++;
    if (value > histogram->most)
        histogram->most = value;
}

/* The greatest value of a bucket. */
static int64_t end_of(unsigned bucket)
{
    unsigned shift = bucket < 2 * HISTOGRAM_STEPS ? 0 : bucket / HISTOGRAM_STEPS - 1;
    uint64_t start = (uint64_t)(bucket - shift * HISTOGRAM_STEPS) << shift;
    return (int64_t)(start + (UINT64_C(1) << shift) - 1);
}

int64_t histogram_quantile(const struct histogram *histogram, uint32_t millionths)
{
    /* Rounded up, without overflow for any count. */
    uint64_t whole = histogram->count / MILLION, rest = histogram->count % MILLION;
    uint64_t wanted = whole * millionths + (rest * millionths + MILLION - 1) / MILLION;
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen > 0 && seen >= wanted) {
            int64_t end = end_of(bucket);
            return end < histogram->most ? end : histogram->most;
        }
    }
    return 0;
}
