/* rng: every random decision of the simulator, from one seed.
 *
 * SplitMix64: a counter of odd step and a mixing function (Steele, Lea, Flood: "Fast splittable
 * pseudorandom number generators", OOPSLA 2014; constants as in Sebastiano Vigna's splitmix64.c,
 * prng.di.unimi.it). It is not for secrets.
 *
 * Invariant: the same seed and the same questions give the same answers on every machine. */
#ifndef ZHERD_TESTS_SIM_RNG_H
#define ZHERD_TESTS_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state; /* any value is a good seed */
};

static inline uint64_t rng_next(struct rng *rng)
{
    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = rng->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* From 0 to count - 1; count is not 0. The remainder's bias is far below what a test can see. */
static inline uint32_t rng_below(struct rng *rng, uint32_t count)
{
    return (uint32_t)(rng_next(rng) % count);
}

/* From `least` to `most`, both included. */
static inline int64_t rng_between(struct rng *rng, int64_t least, int64_t most)
{
    return least + (int64_t)(rng_next(rng) % (uint64_t)(most - least + 1));
}

static inline bool rng_chance(struct rng *rng, uint32_t permille)
{
    return permille > 0 && rng_below(rng, 1000) < permille;
}

#endif
