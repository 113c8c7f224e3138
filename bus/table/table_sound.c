/* What must hold in a table at any moment; for tests. */
#include "bus/table/table_state.h"

/* What counts, added up from what is there. */
static uint64_t add_up_bytes(const struct table *table)
{
    const uint64_t blocks[] = {
        sizeof *table,
        NAMES_INDEX_BYTES,
        table->names.room * sizeof *table->names.all,
        table->chunk_room * sizeof *table->chunks,
        index_bytes(table->now.count),
        table->old.count == 0 ? 0 : index_bytes(table->old.count),
        table->sweep.hashes == NULL ? 0 : SWEEP_BYTES,
    };
    uint64_t bytes = slots_bytes(&table->unused) + grid_bytes(&table->grid);
    for (uint32_t i = 0; i < table->chunk_count; i++)
        if (table->chunks[i] != table_no_records)
            bytes += CHUNK_RECORDS * sizeof(struct record) + ALLOWANCE_BLOCK_BYTES;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        bytes += blocks[i] == 0 ? 0 : blocks[i] + ALLOWANCE_BLOCK_BYTES;
    bytes += (uint64_t)table->entered * table->limits.beside_bytes;
    for (uint32_t slot = 0; slot < table->end; slot++)
        bytes += record_beside_bytes(record_at(table, slot));
    return bytes;
}

static uint64_t turn(uint64_t digest, unsigned by)
{
    return by == 0 ? digest : digest << by | digest >> (64 - by);
}

static void sum_up(uint64_t sums[3], uint32_t range, uint64_t digest)
{
    sums[0] ^= turn(digest, range & 63);
    sums[1] ^= turn(digest, range >> 5 & 63);
    sums[2] ^= turn(digest, range >> 10);
}

/* Whether each range's digest is that of its slots, without a second array of them: what the ranges
 * say and what the slots say is summed up three times, turned by other bits of the range each time,
 * so that a digest in the wrong range does not cancel out. */
static bool are_ranges_sound(const struct table *table)
{
    static const uint64_t none[BLOCK_RANGES];
    uint64_t left[3] = {0};
    for (uint32_t first = 0; first < TABLE_RANGES; first += BLOCK_RANGES) {
        uint64_t all = 0;
        bool is_empty = memcmp(table->ranges + first, none, sizeof none) == 0;
        for (uint32_t range = first; !is_empty && range < first + BLOCK_RANGES; range++) {
            all ^= table->ranges[range];
            sum_up(left, range, table->ranges[range]);
        }
        if (table->blocks[first / BLOCK_RANGES] != all)
            return false;
    }
    for (uint32_t slot = 0; slot < table->end; slot++)
        if (table_slot_is_live(table, slot))
            sum_up(left, table_slot_range(table, slot), table_slot_hash(table, slot));
    return (left[0] | left[1] | left[2]) == 0;
}

/* A slot is unused if nothing stands in it; else its client is found there. */
static bool is_slot_sound(const struct table *table, uint32_t slot)
{
    const struct record *record = record_at(table, slot);
    if (slots_has(&table->unused, slot) || is_blank(record))
        return slots_has(&table->unused, slot) && is_blank(record);
    struct location location;
    char text[PACKED_TEXT_BYTES_MAX];
    table_read(table, slot, text, &location);
    uint32_t hash = table_ref(table, location.client).hash;
    return location_is_valid(&location) &&
           table_look_up(table, location.client, hash) == slot + 1 &&
           location_hash(&location) == record->hash &&
           record->range == range_of(table_client_hash(location.client));
}

/* What is marked is what stands below the target in the slots that were passed. */
static bool is_sweep_sound(const struct table *table)
{
    const struct sweep *sweep = &table->sweep;
    uint64_t digest = 0;
    uint32_t marked = 0;
    if (sweep->phase != SWEEP_MARKS)
        return true;
    for (uint32_t slot = 0; slot < sweep->next && slot < table->end; slot++)
        if (table_slot_is_live(table, slot) &&
            table_slot_order_ns(table, slot) < sweep->target_ns) {
            digest ^= table_slot_hash(table, slot);
            marked++;
        }
    return marked == sweep->marked && digest == fold(sweep->hashes, TABLE_RANGES);
}

/* How many clients stand in the leaves below, each where its key leads; UINT32_MAX where one does
 * not, or a fork is not needed. No more calls within one another than a key has bits. */
static uint32_t count_below(const struct table *table, uint32_t ref, uint64_t key, unsigned depth)
{
    if (ref == 0)
        return 0;
    if (!grid_is_leaf(ref)) {
        const uint32_t *refs = grid_fork_at(&table->grid, ref)->refs;
        uint32_t zeros = count_below(table, refs[0], key, depth + 1);
        uint64_t bit = UINT64_C(1) << (GRID_KEY_BITS - 1 - depth);
        uint32_t ones = count_below(table, refs[1], key | bit, depth + 1);
        bool is_good = zeros != UINT32_MAX && ones != UINT32_MAX && zeros + ones > 0;
        return is_good ? zeros + ones : UINT32_MAX;
    }
    const struct grid_leaf *leaf = grid_leaf_at(&table->grid, ref);
    for (uint32_t i = 0; i < leaf->count; i++) {
        struct degrees place;
        if (leaf->slots[i] >= table->end || grid_is_astray(record_at(table, leaf->slots[i])) ||
            !grid_place(record_at(table, leaf->slots[i]), &place) ||
            !grid_begin_alike(grid_key(&place, leaf->slots[i]), key, depth) ||
            leaf->nexts[i] != grid_next(grid_key(&place, leaf->slots[i]), depth))
            return UINT32_MAX;
    }
    return leaf->count == 0 ? UINT32_MAX : leaf->count;
}

static bool is_grid_sound(const struct table *table)
{
    uint32_t placed = 0, astray = 0;
    struct degrees place;
    for (uint32_t slot = 0; slot < table->end && table->has_grid; slot++) {
        placed += grid_place(record_at(table, slot), &place);
        astray += grid_is_astray(record_at(table, slot));
    }
    placed -= astray;
    for (uint32_t i = 0; i < table->grid.listed; i++)
        if (!grid_is_astray(record_at(table, table->grid.astray_slots[i])))
            return false;
    return table->grid.astray == astray && table->grid.listed <= astray &&
           table->grid.count == placed && count_below(table, table->grid.root, 0, 0) == placed;
}

bool table_is_sound(const struct table *table)
{
    uint64_t digest = 0;
    uint32_t live = 0, used = 0;
    for (uint32_t slot = 0; slot < table->end; slot++) {
        if (!is_slot_sound(table, slot))
            return false;
        used += !slots_has(&table->unused, slot);
        if (!table_slot_is_live(table, slot))
            continue;
        live++;
        digest ^= table_slot_hash(table, slot);
    }
    return live == table->count && used == table->entered && digest == table->digest &&
           are_ranges_sound(table) && is_sweep_sound(table) && is_grid_sound(table) &&
           add_up_bytes(table) == table->allowance.taken;
}
