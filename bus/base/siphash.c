#include "bus/base/siphash.h"

#define WORD_BYTES sizeof(uint64_t)

struct state {
    uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

__attribute__((always_inline)) static inline void mix(struct state *state, unsigned rounds)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < rounds; i++) {
        state->a += state->b;
        state->b = rotate(state->b, 13) ^ state->a;
        state->a = rotate(state->a, 32);
        state->c += state->d;
        state->d = rotate(state->d, 16) ^ state->c;
        state->a += state->d;
        state->d = rotate(state->d, 21) ^ state->a;
        state->c += state->b;
        state->b = rotate(state->b, 17) ^ state->c;
        state->c = rotate(state->c, 32);
    }
}

__attribute__((always_inline)) static inline void take_word(struct state *state, uint64_t word,
                                                            unsigned rounds)
{
    state->d ^= word;
    mix(state, rounds);
    state->a ^= word;
}

/* Always inline: the numbers of rounds are then known, and loops become plain code. */
__attribute__((always_inline)) static inline uint64_t compute(struct span bytes, const uint8_t *key,
                                                              unsigned per_word, unsigned at_end)
{
    size_t whole = bytes.len - bytes.len % WORD_BYTES;
    /* The last bytes, fewer than a word, and in the highest byte how many there were in all. */
    uint64_t last = (uint64_t)bytes.len << 56;
    if (whole < bytes.len)
        last |= span_eight(bytes, whole);
    uint64_t low = bytes_load_8(key), high = bytes_load_8(key + WORD_BYTES);
    struct state state = {low ^ UINT64_C(0x736f6d6570736575), high ^ UINT64_C(0x646f72616e646f6d),
                          low ^ UINT64_C(0x6c7967656e657261), high ^ UINT64_C(0x7465646279746573)};
    for (size_t at = 0; at < whole; at += WORD_BYTES)
        take_word(&state, bytes_load_8(bytes.data + at), per_word);
    take_word(&state, last, per_word);
    state.c ^= 0xff;
    mix(&state, at_end);
    return state.a ^ state.b ^ state.c ^ state.d;
}

uint64_t siphash(struct span bytes, const uint8_t key[SIPHASH_KEY_BYTES])
{
    return compute(bytes, key, 1, 3);
}

uint64_t siphash_rounds(struct span bytes, const uint8_t key[SIPHASH_KEY_BYTES],
                        unsigned rounds_per_word, unsigned rounds_at_end)
{
    return compute(bytes, key, rounds_per_word, rounds_at_end);
}
