/* visible: after which delay is an update seen at another node?
 *
 * Each probe is one question, asked once, some time after its update was sent; the answer is yes or
 * no. No connection polls, so measuring does not disturb what is measured. The share of yes, made
 * monotone over the delay (pool adjacent violators: Ayer, Brunk, Ewing, Reid and Silverman, "An
 * empirical distribution function for sampling with incomplete information", 1955), is the
 * distribution of the time an update takes. */
#ifndef ZHERD_TESTS_BENCH_VISIBLE_H
#define ZHERD_TESTS_BENCH_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct visible_probe {
    int64_t delay_ns;
    bool seen;
};

/* The least delay from which on at least `percent` of updates are seen, or -1 where the probes
 * never get that far. Sorts the probes. */
int64_t visible_delay_ns(struct visible_probe *probes, size_t count, unsigned percent);

#endif
