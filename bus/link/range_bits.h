/* range_bits: one bit for each range of the table.
 *
 * A set of ranges is RANGE_WORDS words. What is named by its first and its count is a range of a
 * lower level: the count is a power of two and the first a multiple of it, so they share a word or
 * fill several. It knows no table and no link.
 *
 * Invariant: nothing beyond the ranges that a call names is read or changed. */
#ifndef ZHERD_BUS_LINK_RANGE_BITS_H
#define ZHERD_BUS_LINK_RANGE_BITS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/table/table.h"

#define RANGE_COUNT         TABLE_RANGES
#define RANGE_BITS_PER_WORD 64u
#define RANGE_WORDS         (RANGE_COUNT / RANGE_BITS_PER_WORD)

static inline uint64_t range_bits_mask(uint32_t first, uint32_t count)
{
    return count >= RANGE_BITS_PER_WORD
               ? UINT64_MAX
               : ((UINT64_C(1) << count) - 1) << first % RANGE_BITS_PER_WORD;
}

static inline uint32_t range_bits_words(uint32_t count)
{
    return count < RANGE_BITS_PER_WORD ? 1 : count / RANGE_BITS_PER_WORD;
}

/* How many bits are set. Most words are of one kind, and not every processor counts the rest. */
static inline uint32_t range_bits_count(uint64_t word)
{
    if (word == 0)
        return 0;
    return word == UINT64_MAX ? RANGE_BITS_PER_WORD : (uint32_t)__builtin_popcountll(word);
}

/* Makes them all `value`; how many were not. */
static inline uint32_t range_bits_set(uint64_t *bits, uint32_t first, uint32_t count, bool value)
{
    uint64_t mask = range_bits_mask(first, count), wanted = value ? mask : 0;
    uint32_t changed = 0;
    uint64_t *word = bits + first / RANGE_BITS_PER_WORD, *end = word + range_bits_words(count);
    for (; word < end; word++) {
        changed += range_bits_count((*word & mask) ^ wanted);
        *word = (*word & ~mask) | wanted;
    }
    return changed;
}

static inline bool range_bits_all(const uint64_t *bits, uint32_t first, uint32_t count)
{
    uint64_t mask = range_bits_mask(first, count);
    const uint64_t *word = bits + first / RANGE_BITS_PER_WORD,
                   *end = word + range_bits_words(count);
    while (word < end && (*word & mask) == mask)
        word++;
    return word == end;
}

static inline bool range_bits_any(const uint64_t *bits, uint32_t first, uint32_t count)
{
    uint64_t mask = range_bits_mask(first, count);
    const uint64_t *word = bits + first / RANGE_BITS_PER_WORD,
                   *end = word + range_bits_words(count);
    while (word < end && (*word & mask) == 0)
        word++;
    return word < end;
}

#endif
