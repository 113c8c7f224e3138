/* simd16: sixteen bytes, looked at side by side.
 *
 * What gcc and clang call a vector: comparing two pieces compares each byte, and the result is a
 * piece whose bytes are all ones where it is so, and all zeros elsewhere. What is in it means
 * nothing here, and nothing here loops.
 *
 * Invariant: the same on every processor, faster on those that have the instruction. */
#ifndef ZHERD_BUS_BASE_SIMD16_H
#define ZHERD_BUS_BASE_SIMD16_H

#include <stdint.h>
#if defined __SSE2__ && !defined ZHERD_PLAIN_SIMD
#define PIECE_HAS_SSE2
#include <emmintrin.h>
#endif

#include "bus/base/bytes.h"

#define SIMD16_BYTES 16

typedef uint8_t simd16 __attribute__((vector_size(SIMD16_BYTES)));
typedef int8_t simd16_signed __attribute__((vector_size(SIMD16_BYTES)));
typedef uint32_t simd16_fours __attribute__((vector_size(SIMD16_BYTES)));
typedef uint64_t simd16_eights __attribute__((vector_size(SIMD16_BYTES)));

/* All bytes must be there; `at` may be anywhere. */
static inline simd16 simd16_load(const void *at)
{
    simd16 loaded;
    memcpy(&loaded, at, sizeof loaded);
    return loaded;
}

/* A bit for each byte of a comparison's result, the first one lowest. */
static inline uint32_t simd16_bits(simd16 result)
{
#ifdef PIECE_HAS_SSE2
    return (uint32_t)_mm_movemask_epi8((__m128i)result);
#else
    /* The product brings the lowest bits of eight bytes together in the highest byte. */
    const uint64_t together = UINT64_C(0x0102040810204080);
    uint64_t first = bytes_load_8(&result) & BYTES_EACH;
    uint64_t second = bytes_load_8((const char *)&result + 8) & BYTES_EACH;
    return (uint32_t)(first * together >> 56 | second * together >> 56 << 8);
#endif
}

#endif
