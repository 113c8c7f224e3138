#include "bus/journal/marks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bus/base/bytes.h"

#define WORD  64u
#define GROUP (WORD * WORD)
/* Slots by which a set grows: 8 KiB. */
#define GROWTH (16u * GROUP)

static uint64_t *grow_words(uint64_t *words, size_t before, size_t after)
{
    words = bytes_resize(words, after * sizeof *words);
    memset(words + before, 0, (after - before) * sizeof *words);
    return words;
}

static void make_room(struct slot_set *set, uint32_t slots)
{
    if (slots <= set->room)
        return;
    uint32_t room = (slots + GROWTH - 1) / GROWTH * GROWTH;
    set->words = grow_words(set->words, set->room / WORD, room / WORD);
    set->groups = grow_words(set->groups, set->room / GROUP, room / GROUP);
    set->room = room;
}

static bool holds(const struct slot_set *set, uint32_t slot)
{
    return slot < set->room && (set->words[slot / WORD] >> slot % WORD & 1) != 0;
}

static void put(struct slot_set *set, uint32_t slot)
{
    make_room(set, slot + 1);
    set->count += !holds(set, slot);
    set->words[slot / WORD] |= UINT64_C(1) << slot % WORD;
    set->groups[slot / GROUP] |= UINT64_C(1) << slot / WORD % WORD;
}

static bool remove_from(struct slot_set *set, uint32_t slot)
{
    if (!holds(set, slot))
        return false;
    set->count--;
    set->words[slot / WORD] &= ~(UINT64_C(1) << slot % WORD);
    if (set->words[slot / WORD] == 0)
        set->groups[slot / GROUP] &= ~(UINT64_C(1) << slot / WORD % WORD);
    return true;
}

/* The first bit from `from` on, or WORD. */
static uint32_t first_bit(uint64_t word, uint32_t from)
{
    uint64_t rest = from < WORD ? word >> from << from : 0;
    return rest == 0 ? WORD : (uint32_t)__builtin_ctzll(rest);
}

/* The first slot from set->from on, without going round. */
static bool find(const struct slot_set *set, uint32_t *slot)
{
    uint32_t word = set->from / WORD, group = set->from / GROUP;
    if (set->from >= set->room)
        return false;
    uint32_t bit = first_bit(set->words[word], set->from % WORD);
    if (bit == WORD) {
        uint32_t in_group = first_bit(set->groups[group], word % WORD + 1);
        while (in_group == WORD && ++group < set->room / GROUP)
            in_group = first_bit(set->groups[group], 0);
        if (in_group == WORD)
            return false;
        word = group * WORD + in_group;
        bit = first_bit(set->words[word], 0);
    }
    *slot = word * WORD + bit;
    return true;
}

static bool next(struct slot_set *set, uint32_t *slot)
{
    if (set->count == 0)
        return false;
    if (!find(set, slot)) {
        set->from = 0;
        (void)find(set, slot);
    }
    set->from = *slot;
    return true;
}

/* The search goes on after a slot that it found. */
static void pass(struct slot_set *set, uint32_t slot)
{
    set->from += set->from == slot;
}

static void free_set(struct slot_set *set)
{
    free(set->words);
    free(set->groups);
}

void marks_free(struct marks *marks)
{
    free_set(&marks->due);
    free_set(&marks->batch);
    free_set(&marks->to_go);
    *marks = (struct marks){0};
}

void marks_due(struct marks *marks, uint32_t slot)
{
    put(&marks->due, slot);
}

void marks_forget(struct marks *marks, uint32_t slot)
{
    remove_from(&marks->due, slot);
    remove_from(&marks->batch, slot);
    remove_from(&marks->to_go, slot);
}

void marks_begin(struct marks *marks, uint32_t first, uint32_t end)
{
    struct slot_set *set = &marks->to_go;
    assert(set->count == 0);
    set->from = 0;
    if (first < end)
        make_room(set, end);
    for (uint32_t slot = first; slot < end; slot++)
        put(set, slot);
}

bool marks_next_due(struct marks *marks, uint32_t *slot)
{
    return next(&marks->due, slot);
}

bool marks_next_to_go(struct marks *marks, uint32_t *slot)
{
    return next(&marks->to_go, slot);
}

bool marks_take(struct marks *marks, uint32_t slot)
{
    remove_from(&marks->due, slot);
    put(&marks->batch, slot);
    pass(&marks->due, slot);
    pass(&marks->to_go, slot);
    return remove_from(&marks->to_go, slot);
}

void marks_begin_batch(struct marks *marks)
{
    marks->batches++;
}

void marks_end_batch(struct marks *marks)
{
    marks->complete = marks->batches;
}

void marks_synced(struct marks *marks)
{
    uint32_t slot;
    marks->synced = marks->batches;
    while (next(&marks->batch, &slot))
        remove_from(&marks->batch, slot);
}

void marks_failed(struct marks *marks, bool in_generation)
{
    uint32_t slot;
    marks->failed++;
    while (next(&marks->batch, &slot)) {
        remove_from(&marks->batch, slot);
        put(&marks->due, slot);
        if (in_generation)
            put(&marks->to_go, slot);
    }
}

bool marks_is_due(const struct marks *marks, uint32_t slot)
{
    return holds(&marks->due, slot);
}

bool marks_is_safe(const struct marks *marks, uint32_t slot)
{
    return !holds(&marks->due, slot) && !holds(&marks->batch, slot);
}
