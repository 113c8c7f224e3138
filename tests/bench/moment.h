/* moment: the bench's clock, in nanoseconds, which never runs backwards. */
#ifndef ZHERD_TESTS_BENCH_MOMENT_H
#define ZHERD_TESTS_BENCH_MOMENT_H

#include <stdint.h>
#include <time.h>

#define MOMENT_NS_PER_S INT64_C(1000000000)

static inline int64_t moment_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * MOMENT_NS_PER_S + now.tv_nsec;
}

static inline int64_t moment_now_ns(void)
{
    return moment_of(CLOCK_MONOTONIC);
}

static inline int64_t moment_of_seconds(double seconds)
{
    return (int64_t)(seconds * (double)MOMENT_NS_PER_S);
}

#endif
