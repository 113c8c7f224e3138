#include "bus/table/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BITS 64u
/* What one number of `words` stands for. */
#define ROOM_MIN (BITS * BITS)

static size_t block_bytes(uint32_t room)
{
    return (room / BITS + room / (BITS * BITS)) * sizeof(uint64_t);
}

bool slots_make_room(struct slots *slots, uint32_t end, struct allowance *allowance)
{
    uint32_t room = slots->room == 0 ? ROOM_MIN : slots->room;
    while (room < end)
        room *= 2;
    if (room == slots->room)
        return true;
    uint64_t *bits = allowance_zeroed(allowance, block_bytes(room));
    if (bits == NULL)
        return false;
    uint64_t *words = bits + room / BITS;
    if (slots->room > 0) {
        memcpy(bits, slots->bits, slots->room / BITS * sizeof *bits);
        memcpy(words, slots->words, slots->room / (BITS * BITS) * sizeof *words);
        allowance_free(allowance, slots->bits, block_bytes(slots->room));
    }
    slots->bits = bits;
    slots->words = words;
    slots->room = room;
    return true;
}

uint64_t slots_bytes(const struct slots *slots)
{
    return slots->room == 0 ? 0 : block_bytes(slots->room) + ALLOWANCE_BLOCK_BYTES;
}

void slots_release(struct slots *slots)
{
    free(slots->bits);
    *slots = (struct slots){0};
}

void slots_add(struct slots *slots, uint32_t slot)
{
    assert(slot < slots->room && !slots_has(slots, slot));
    uint32_t word = slot / BITS;
    slots->bits[word] |= UINT64_C(1) << slot % BITS;
    slots->words[word / BITS] |= UINT64_C(1) << word % BITS;
    slots->count++;
    if (word / BITS < slots->first)
        slots->first = word / BITS;
}

void slots_remove(struct slots *slots, uint32_t slot)
{
    assert(slots_has(slots, slot));
    uint32_t word = slot / BITS;
    slots->bits[word] &= ~(UINT64_C(1) << slot % BITS);
    if (slots->bits[word] == 0)
        slots->words[word / BITS] &= ~(UINT64_C(1) << word % BITS);
    slots->count--;
}

bool slots_has(const struct slots *slots, uint32_t slot)
{
    return slot < slots->room && (slots->bits[slot / BITS] >> slot % BITS & 1) != 0;
}

bool slots_has_all(const struct slots *slots, uint32_t first, uint32_t count)
{
    assert(first % BITS == 0 && count % BITS == 0);
    for (uint32_t slot = first; slot < first + count; slot += BITS)
        if (slot >= slots->room || slots->bits[slot / BITS] != UINT64_MAX)
            return false;
    return true;
}

uint32_t slots_lowest(struct slots *slots)
{
    assert(slots->count > 0);
    while (slots->words[slots->first] == 0)
        slots->first++;
    uint32_t word = slots->first * BITS + (uint32_t)__builtin_ctzll(slots->words[slots->first]);
    return word * BITS + (uint32_t)__builtin_ctzll(slots->bits[word]);
}
