/* siphash: the keyed hash of J.-P. Aumasson and D. J. Bernstein (131002.net/siphash).
 *
 * Without the key an attacker cannot choose ids that collide in a table. libsodium has the variant
 * with 2 and 4 rounds; this one has 1 and 3, the variant of other hash tables, at half the cost. It
 * is no signature and no digest of a table. */
#ifndef ZHERD_BUS_BASE_SIPHASH_H
#define ZHERD_BUS_BASE_SIPHASH_H

#include <stdint.h>

#include "bus/base/bytes.h"

#define SIPHASH_KEY_BYTES 16

/* SipHash-1-3. */
uint64_t siphash(struct span bytes, const uint8_t key[SIPHASH_KEY_BYTES]);

/* The same with any number of rounds, so that a test can compare it with libsodium's. */
uint64_t siphash_rounds(struct span bytes, const uint8_t key[SIPHASH_KEY_BYTES],
                        unsigned rounds_per_word, unsigned rounds_at_end);

#endif
