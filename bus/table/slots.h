/* slots: which slots of a table are free, of which the lowest is taken first.
 *
 * A bit for each slot, and a bit for each 64 of those, so that the lowest is found in a few reads
 * however many are taken. It holds memory from the first call of slots_make_room on, and knows
 * nothing of what stands in a slot.
 *
 * Invariant: `count` bits are set, and none of them is below `first`. */
#ifndef ZHERD_BUS_TABLE_SLOTS_H
#define ZHERD_BUS_TABLE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/base/allowance.h"

/* All zero is an empty set that holds no memory. */
struct slots {
    uint64_t *bits;
    uint64_t *words; /* a bit for each of `bits` that is not 0; of the same block */
    uint32_t room;   /* slots that there are bits for */
    uint32_t count;
    uint32_t first; /* of `words`, where the search for the lowest begins */
};

/* Every slot below `end` can be in the set from now on; false without memory. Never less room. The
 * allowance counts it. */
bool slots_make_room(struct slots *slots, uint32_t end, struct allowance *allowance);
/* Bytes that it holds, as the allowance counts them. */
uint64_t slots_bytes(const struct slots *slots);
void slots_release(struct slots *slots);

/* `slot` is below the room. It is not in the set before the first, and is before the second. */
void slots_add(struct slots *slots, uint32_t slot);
void slots_remove(struct slots *slots, uint32_t slot);

bool slots_has(const struct slots *slots, uint32_t slot);
/* Whether all `count` slots from `first` on are in the set; both are multiples of 64. */
bool slots_has_all(const struct slots *slots, uint32_t first, uint32_t count);

/* The lowest one; there is one. */
uint32_t slots_lowest(struct slots *slots);

#endif
