#include "bus/base/allowance.h"

#include <assert.h>
#include <stdlib.h>

bool allowance_fits(struct allowance *allowance, uint64_t bytes)
{
    allowance->by_system = false;
    return allowance->taken <= allowance->max && bytes <= allowance->max - allowance->taken;
}

/* Counts a block that was asked for, if it was got. */
static void *take(struct allowance *allowance, void *block, size_t bytes)
{
    allowance->by_system = block == NULL;
    if (block != NULL)
        allowance->taken += bytes + ALLOWANCE_BLOCK_BYTES;
    return block;
}

void *allowance_resize(struct allowance *allowance, void *old, size_t old_bytes, size_t bytes)
{
    assert(bytes > 0);
    size_t held = old == NULL ? 0 : old_bytes + ALLOWANCE_BLOCK_BYTES;
    size_t wanted = bytes + ALLOWANCE_BLOCK_BYTES;
    if (wanted > held && !allowance_fits(allowance, wanted - held))
        return NULL;
    void *block = take(allowance, realloc(old, bytes), bytes);
    if (block != NULL)
        allowance->taken -= held;
    return block;
}

void *allowance_zeroed(struct allowance *allowance, size_t bytes)
{
    assert(bytes > 0);
    if (!allowance_fits(allowance, bytes + ALLOWANCE_BLOCK_BYTES))
        return NULL;
    return take(allowance, calloc(1, bytes), bytes);
}

void *allowance_aligned(struct allowance *allowance, size_t alignment, size_t bytes)
{
    assert(bytes > 0 && bytes % alignment == 0);
    if (!allowance_fits(allowance, bytes + ALLOWANCE_BLOCK_BYTES))
        return NULL;
    return take(allowance, aligned_alloc(alignment, bytes), bytes);
}

void allowance_free(struct allowance *allowance, void *block, size_t bytes)
{
    if (block == NULL)
        return;
    assert(allowance->taken >= bytes + ALLOWANCE_BLOCK_BYTES);
    allowance->taken -= bytes + ALLOWANCE_BLOCK_BYTES;
    free(block);
}
