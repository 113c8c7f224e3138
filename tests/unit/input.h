/* input: what several unit tests feed to the code they test. */
#ifndef ZHERD_TESTS_UNIT_INPUT_H
#define ZHERD_TESTS_UNIT_INPUT_H

#include <stdint.h>

#include "bus/base/bytes.h"

/* The bytes of a literal, with whatever NULs it holds. */
#define SPAN(literal) ((struct span){literal, sizeof(literal) - 1})

/* The next of a series of random numbers that the first state decides: one step of splitmix64
 * (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
static inline uint64_t input_draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The same as a number from `low` up to, but not, `high`. */
static inline double input_draw_between(uint64_t *state, double low, double high)
{
    return low + (high - low) * ((double)(input_draw(state) >> 11) / 9007199254740992.0);
}

#endif
