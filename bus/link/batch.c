#include "bus/link/batch.h"

#include <assert.h>

/* The number of records that are prefetched while one is written: they may have left the cache
 * since they changed. */
#define LOOK_AHEAD 8u

/* Slots of clients that are over and are passed over in one. */
#define PASSED_MAX 4096u

static_assert(BATCH_BYTES_MAX >= BATCH_BYTES_AIM, "a full batch has room");

bool batch_is_good(const struct batch *batch, const struct ring *ring, const struct table *table)
{
    return batch->count > 0 && batch->changes == table_changes(table) &&
           ring_is_next(ring, batch->slots, batch->count) &&
           (batch->is_full || ring->head - ring->next == batch->count);
}

static void prefetch(const struct ring *ring, uint32_t distance, const struct table *table)
{
    uint32_t slot;
    if (ring_look_ahead(ring, distance, &slot))
        table_prefetch_slot(table, slot);
}

/* What waits are the next positions, each of another slot, and nothing is sent again. */
static bool is_plain(const struct ring *ring)
{
    return ring->next == ring->sent && ring->head - ring->sent == ring->due_count;
}

/* The slot after the `taken` ones that the ring is not told of yet. */
static inline bool next_slot(struct ring *ring, bool plain, uint32_t taken, uint32_t *slot)
{
    return plain ? ring_look_ahead(ring, taken, slot) : ring_peek(ring, slot);
}

static inline void take(struct ring *ring, bool plain, uint32_t *taken)
{
    if (plain)
        ++*taken;
    else
        ring_take(ring);
}

void batch_write(struct batch *batch, struct ring *ring, const struct table *table,
                 const struct lazy *lazy)
{
    char *end = batch->at;
    const char *origin = NULL;
    uint8_t hops = LAZY_FAR;
    uint32_t slot;
    batch->changes = table_changes(table);
    batch->count = 0;
    for (uint32_t distance = 0; distance < LOOK_AHEAD; distance++)
        prefetch(ring, distance, table);
    uint32_t passed = 0, taken = 0, slots = table_slots(table);
    bool has_free = table_count(table) < slots, plain = is_plain(ring);
    while (batch->count < WIRE_LOCATIONS_MAX && passed < PASSED_MAX &&
           next_slot(ring, plain, taken, &slot)) {
        prefetch(ring, taken + LOOK_AHEAD, table);
        if (slot >= slots || (has_free && !table_slot_is_live(table, slot))) {
            take(ring, plain, &taken);
            passed++;
            continue;
        }
        struct location location;
        char text[PACKED_TEXT_BYTES_MAX];
        table_read(table, slot, text, &location);
        size_t more = wire_location_bytes_max(&location);
        if (batch->count > 0 && (size_t)(end - batch->at) + more > BATCH_BYTES_AIM)
            break;
        assert((size_t)(end - batch->at) + more <= sizeof batch->at);
        char *start = end;
        if (location.origin.data != origin) { /* of one origin it is one text */
            origin = location.origin.data;
            hops = lazy_hops(lazy, table_slot_origin(table, slot));
        }
        end = wire_write_location(&location, start);
        if (hops < LAZY_FAR)
            end = wire_write_hops(start, end, hops);
        batch->slots[batch->count++] = slot;
        take(ring, plain, &taken);
    }
    if (plain)
        ring_take_news(ring, taken);
    batch->bytes = (size_t)(end - batch->at);
    batch->is_full = ring_peek(ring, &slot);
}

void batch_take(const struct batch *batch, struct ring *ring)
{
    ring_take_news(ring, batch->count);
}
