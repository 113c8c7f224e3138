/* allowance: the memory of one use, under a limit.
 *
 * What is taken through it is counted, and what would be too much is refused before the allocator
 * is asked, so that what would have grown is refused and the process goes on. It owns no memory and
 * keeps no list of blocks: who gives one back says how large it was.
 *
 * Invariant: `taken` is the bytes of all blocks that are held, each with ALLOWANCE_BLOCK_BYTES, and
 * what was counted by hand. It grows beyond `max` only by hand, or where `max` was lowered. */
#ifndef ZHERD_BUS_BASE_ALLOWANCE_H
#define ZHERD_BUS_BASE_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the allocator keeps beside a block, and loses by rounding up. */
#define ALLOWANCE_BLOCK_BYTES 16

struct allowance {
    uint64_t taken, max; /* bytes; may be changed between two calls */
    bool by_system;      /* the last refusal was the allocator's, not that of `max` */
};

/* Whether `bytes` more are within the limit. False is a refusal. */
bool allowance_fits(struct allowance *allowance, uint64_t bytes);

/* realloc(3): NULL where that is refused, and `old`, of `old_bytes` or NULL with 0, stays as it is.
 * A smaller block is never refused by the limit. */
void *allowance_resize(struct allowance *allowance, void *old, size_t old_bytes, size_t bytes);

/* calloc(3) and aligned_alloc(3) of one block, on the same terms. */
void *allowance_zeroed(struct allowance *allowance, size_t bytes);
void *allowance_aligned(struct allowance *allowance, size_t alignment, size_t bytes);

/* Gives a block of `bytes` bytes back. Accepts NULL. */
void allowance_free(struct allowance *allowance, void *block, size_t bytes);

#endif
