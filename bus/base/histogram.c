#include "bus/base/histogram.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

const int64_t histogram_bounds_ns[HISTOGRAM_BOUNDS] = {
    US,       2500,     5 * US,  10 * US,   25 * US, 50 * US, 100 * US, 250 * US,
    500 * US, MS,       2500000, 5 * MS,    10 * MS, 25 * MS, 50 * MS,  100 * MS,
    250 * MS, 500 * MS, S,       2500 * MS, 5 * S,   10 * S,
};

/* By the bits of a time the first bound that it might not exceed. Bounds are a factor of two apart
 * or more, so there is at most one between two powers of two: one comparison decides. */
static const uint8_t first_bound[65] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  1,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 22, 22, 22, 22, 22, 22, 22, 22,
    22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22};

uint32_t histogram_bucket(int64_t ns)
{
    if (ns <= 0)
        return 0;
    uint32_t bits = 64 - (uint32_t)__builtin_clzll((uint64_t)ns);
    uint32_t bound = first_bound[bits];
    return bound + (bound < HISTOGRAM_BOUNDS && ns > histogram_bounds_ns[bound]);
}
