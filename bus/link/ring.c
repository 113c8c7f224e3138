#include "bus/link/ring.h"

#include <assert.h>
#include <stdlib.h>

#define CAPACITY_MIN 16u
/* Beyond this an empty ring gives its memory back: sending a new neighbour a whole table should not
 * cost its size for ever. */
#define CAPACITY_KEPT_MAX 65536u
#define BITS_PER_WORD     64u
/* Blanks that stay although they are more than half of a queue: closing costs as much as is there.
 */
#define GAPS_FREE 16u

/* Of a position from `stored` on. */
static uint32_t *place(const struct ring *ring, uint64_t position)
{
    return &ring->slots[position & (ring->capacity - 1)];
}

static uint32_t slot_at(const struct ring *ring, uint64_t position)
{
    return position < ring->run_end ? (uint32_t)(position - ring->run) : *place(ring, position);
}

static bool is_due(const struct ring *ring, uint32_t slot)
{
    uint64_t word = slot / BITS_PER_WORD;
    return word < ring->due_words && (ring->due[word] >> slot % BITS_PER_WORD & 1) != 0;
}

static void clear_due(struct ring *ring, uint32_t slot)
{
    ring->due_count -= is_due(ring, slot);
    ring->due[slot / BITS_PER_WORD] &= ~(UINT64_C(1) << slot % BITS_PER_WORD);
}

/* The slot is not due. */
static void set_due(struct ring *ring, uint32_t slot)
{
    ring->due_count++;
    ring->due[slot / BITS_PER_WORD] |= UINT64_C(1) << slot % BITS_PER_WORD;
}

/* Bits for every slot below `count`; false without memory. */
static bool make_bits(struct ring *ring, uint64_t count)
{
    uint64_t wanted = (count + BITS_PER_WORD - 1) / BITS_PER_WORD;
    if (wanted <= ring->due_words)
        return true;
    uint64_t words = ring->due_words == 0 ? 1 : ring->due_words;
    while (words < wanted)
        words *= 2;
    uint64_t *due = realloc(ring->due, words * sizeof *due);
    if (due == NULL)
        return false;
    memset(due + ring->due_words, 0, (words - ring->due_words) * sizeof *due);
    ring->due = due;
    ring->due_words = words;
    return true;
}

/* Room for `more` positions after the head; false without memory. */
static bool make_room(struct ring *ring, uint64_t more)
{
    uint64_t wanted = ring->head - ring->stored + more;
    if (wanted <= ring->capacity)
        return true;
    uint64_t capacity = ring->capacity == 0 ? CAPACITY_MIN : ring->capacity;
    while (capacity < wanted)
        capacity *= 2;
    uint32_t *slots = malloc(capacity * sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint64_t position = ring->stored; position < ring->head; position++)
        slots[position & (capacity - 1)] = *place(ring, position);
    free(ring->slots);
    ring->slots = slots;
    ring->capacity = capacity;
    return true;
}

/* Takes blanks at the end back: where there is anything, the last of it waits. */
static void trim(struct ring *ring)
{
    while (ring->head > ring->sent && !is_due(ring, slot_at(ring, ring->head - 1)))
        ring->head--;
    if (ring->head < ring->stored)
        ring->stored = ring->run_end = ring->head;
}

/* The first position that was never sent and takes memory. */
static uint64_t first_stored(const struct ring *ring)
{
    return ring->sent > ring->stored ? ring->sent : ring->stored;
}

static bool is_due_in_run(const struct ring *ring, uint32_t slot)
{
    uint64_t position = ring->run + slot;
    return position >= ring->sent && position < ring->run_end;
}

/* A slot may stand here twice, forgotten and then changed again: the first place is its own. Blanks
 * of the run take no memory. */
static void close_blanks(struct ring *ring)
{
    uint64_t first = first_stored(ring), head = first;
    for (uint64_t position = first; position < ring->head; position++) {
        uint32_t slot = *place(ring, position);
        if (!is_due(ring, slot) || is_due_in_run(ring, slot))
            continue;
        clear_due(ring, slot);
        *place(ring, head++) = slot;
    }
    ring->head = head;
    for (uint64_t position = first; position < head; position++)
        set_due(ring, *place(ring, position));
    trim(ring);
}

/* Kept out of what is done for every change. */
__attribute__((noinline)) static bool make_both(struct ring *ring, uint32_t slot)
{
    if (ring->lost)
        return false;
    ring->lost = !make_bits(ring, (uint64_t)slot + 1) || !make_room(ring, 1);
    return !ring->lost;
}

static void give_back(struct ring *ring)
{
    if (ring->kept < ring->head || ring->capacity <= CAPACITY_KEPT_MAX)
        return;
    free(ring->slots);
    ring->slots = NULL;
    ring->capacity = 0;
}

void ring_push(struct ring *ring, uint32_t slot)
{
    if (is_due(ring, slot))
        return;
    bool is_full =
        slot / BITS_PER_WORD >= ring->due_words || ring->head - ring->stored == ring->capacity;
    if (is_full && !make_both(ring, slot))
        return;
    set_due(ring, slot);
    *place(ring, ring->head++) = slot;
}

bool ring_forget(struct ring *ring, uint32_t slot)
{
    if (!is_due(ring, slot))
        return false;
    clear_due(ring, slot);
    trim(ring);
    if (ring->head - first_stored(ring) > 2 * ring->due_count + GAPS_FREE)
        close_blanks(ring);
    return true;
}

/* From a blank to where the next slot may wait; in the run past all of a word of bits. */
static uint64_t pass_blank(const struct ring *ring, uint64_t position)
{
    if (position >= ring->run_end)
        return position + 1;
    uint64_t slot = position - ring->run;
    uint64_t rest = ring->due[slot / BITS_PER_WORD] >> slot % BITS_PER_WORD;
    position += rest == 0 ? BITS_PER_WORD - slot % BITS_PER_WORD : (uint64_t)__builtin_ctzll(rest);
    return position < ring->run_end ? position : ring->run_end;
}

bool ring_peek(struct ring *ring, uint32_t *slot)
{
    /* To be sent again, but changed since: it also waits at or after `sent`, and goes out there. */
    while (ring->next < ring->sent && is_due(ring, slot_at(ring, ring->next)))
        ring->next++;
    if (ring->next == ring->head)
        return false;
    /* Forgotten while it waited. The last one was not, so this ends. */
    while (ring->next == ring->sent && !is_due(ring, slot_at(ring, ring->next)))
        ring->next = ring->sent = pass_blank(ring, ring->sent);
    *slot = slot_at(ring, ring->next);
    return true;
}

uint64_t ring_due(const struct ring *ring)
{
    return ring->sent - ring->next + ring->due_count;
}

bool ring_at(const struct ring *ring, uint64_t position, uint32_t *slot)
{
    assert(position >= ring->kept && position < ring->head);
    *slot = slot_at(ring, position);
    return position < ring->sent || is_due(ring, *slot);
}

bool ring_look_ahead(const struct ring *ring, uint32_t distance, uint32_t *slot)
{
    if (ring->head - ring->next <= distance)
        return false;
    *slot = slot_at(ring, ring->next + distance);
    return true;
}

bool ring_is_next(const struct ring *ring, const uint32_t *slots, uint32_t count)
{
    if (ring->next != ring->sent || ring->head - ring->next < count)
        return false;
    if (count == 0)
        return true;
    if (ring->next < ring->run_end) {
        for (uint32_t i = 0; i < count; i++)
            if (slot_at(ring, ring->next + i) != slots[i])
                return false;
        return true;
    }
    /* Past the end of the memory the queue goes on at its beginning. */
    const uint32_t *first = place(ring, ring->next);
    uint64_t to_end = (uint64_t)(ring->slots + ring->capacity - first);
    uint64_t before = count < to_end ? count : to_end;
    return memcmp(first, slots, before * sizeof *slots) == 0 &&
           memcmp(ring->slots, slots + before, (count - before) * sizeof *slots) == 0;
}

void ring_take(struct ring *ring)
{
    assert(ring->next < ring->head);
    if (ring->next++ < ring->sent)
        return;
    clear_due(ring, slot_at(ring, ring->sent++));
    trim(ring);
}

void ring_take_news(struct ring *ring, uint32_t count)
{
    assert(ring->next == ring->sent && ring->head - ring->sent >= count);
    for (uint32_t i = 0; i < count; i++)
        clear_due(ring, slot_at(ring, ring->sent + i));
    ring->sent += count;
    ring->next = ring->sent;
    trim(ring);
}

void ring_confirm(struct ring *ring, uint64_t position)
{
    assert(position <= ring->sent);
    if (position > ring->kept)
        ring->kept = position;
    if (position > ring->next)
        ring->next = position;
    if (position > ring->stored)
        ring->stored = position;
    give_back(ring);
}

void ring_rewind(struct ring *ring)
{
    ring->rewinds += ring->next > ring->kept;
    ring->next = ring->kept;
}

void ring_clear(struct ring *ring)
{
    free(ring->slots);
    free(ring->due);
    ring->slots = NULL;
    ring->due = NULL;
    ring->capacity = ring->due_words = ring->due_count = 0;
    ring->kept = ring->next = ring->sent = ring->stored = ring->head;
    ring->fills++;
}

void ring_begin_at(struct ring *ring, uint64_t position)
{
    assert(ring->head == 0);
    ring->kept = ring->next = ring->sent = ring->stored = ring->head = position;
}

void ring_fill(struct ring *ring, uint32_t count)
{
    ring_clear(ring);
    ring->lost = !make_bits(ring, count);
    if (ring->lost || count == 0)
        return;
    memset(ring->due, 0xff, count / BITS_PER_WORD * sizeof *ring->due);
    if (count % BITS_PER_WORD != 0)
        ring->due[count / BITS_PER_WORD] = (UINT64_C(1) << count % BITS_PER_WORD) - 1;
    ring->due_count = count;
    ring->run = ring->head;
    ring->head += count;
    ring->run_end = ring->stored = ring->head;
}

void ring_free(struct ring *ring)
{
    free(ring->slots);
    free(ring->due);
    *ring = (struct ring){0};
}

static uint64_t count_bits(const struct ring *ring)
{
    uint64_t count = 0;
    for (uint64_t word = 0; word < ring->due_words; word++)
        count += (uint64_t)__builtin_popcountll(ring->due[word]);
    return count;
}

/* Each position takes its slot's bit out of a copy: a bit that remains breaks the rule. */
static bool bits_match(const struct ring *ring, uint64_t *bits)
{
    for (uint64_t position = ring->sent; position < ring->head; position++) {
        uint32_t slot = slot_at(ring, position);
        bits[slot / BITS_PER_WORD] &= ~(UINT64_C(1) << slot % BITS_PER_WORD);
    }
    for (uint64_t word = 0; word < ring->due_words; word++)
        if (bits[word] != 0)
            return false;
    return ring->sent == ring->head || is_due(ring, slot_at(ring, ring->head - 1));
}

bool ring_is_sound(const struct ring *ring)
{
    if (ring->kept > ring->next || ring->next > ring->sent || ring->sent > ring->head ||
        ring->stored != (ring->kept > ring->run_end ? ring->kept : ring->run_end) ||
        ring->stored > ring->head || ring->head - ring->stored > ring->capacity)
        return false;
    if (ring->due_words == 0)
        return ring->sent == ring->head;
    uint64_t bytes = ring->due_words * sizeof *ring->due;
    uint64_t *bits = bytes_resize(NULL, bytes);
    memcpy(bits, ring->due, bytes);
    bool sound = count_bits(ring) == ring->due_count && bits_match(ring, bits);
    free(bits);
    return sound;
}
