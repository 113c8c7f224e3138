/* What is over leaves the table: rule E1 of bus/PROTOCOL.md, mark, turn, free. And what else looks
 * at all slots in slices: the count of what is above the ceiling. */
#include <stdlib.h>

#include "bus/base/siphash.h"
#include "bus/table/table_state.h"

/* The parts of work in a step of a sweep: about a tenth of a millisecond. */
#define STEP_PARTS 8192
/* What is done in one, in parts: a slot that is looked at is one. */
#define TURN_PARTS 4096
#define FREE_PARTS 24
#define MOVE_PARTS BUCKETS_MOVED_PER_PUT
/* After these, 2 MiB of chunks, what is left of their pages goes back, too: all at once that would
 * be a pause. */
#define TRIM_CHUNKS 128u
/* An index that would be less than half as large as it is shrinks. Its new size leaves room for a
 * quarter more clients, and for as many puts as move all of the old one, with as many to spare. */
#define SHRINK_TIMES 2u
#define SPARE_OF_4   1u

struct record table_no_records[CHUNK_RECORDS];

static uint64_t *bits_of(uint64_t *bits, uint32_t number, uint64_t *mask)
{
    *mask = UINT64_C(1) << number % 64;
    return &bits[number / 64];
}

/* ---- Mark -------------------------------------------------------------------------------- */

/* Its memory is counted and never refused by a limit: only what is over makes room. */
static bool begin(struct table *table, int64_t target_ns)
{
    struct sweep *sweep = &table->sweep;
    table->allowance.max = UINT64_MAX;
    uint64_t *block = allowance_zeroed(&table->allowance, SWEEP_BYTES);
    if (block == NULL)
        return false;
    *sweep = (struct sweep){.phase = SWEEP_MARKS,
                            .target_ns = target_ns,
                            .hashes = block,
                            .origins = block + TABLE_RANGES};
    return true;
}

static void end_marks(struct table *table, enum sweep_phase phase)
{
    struct sweep *sweep = &table->sweep;
    allowance_free(&table->allowance, sweep->hashes, SWEEP_BYTES);
    *sweep = (struct sweep){.phase = phase};
    set_busy(table);
}

void table_note_marked(struct table *table, uint32_t slot, int by)
{
    struct sweep *sweep = &table->sweep;
    if (slot >= sweep->next)
        return;
    const struct record *record = record_at(table, slot);
    uint64_t mask, *origins = bits_of(sweep->origins, record->origin, &mask);
    *origins |= mask;
    if (record_order_ns(record) >= sweep->target_ns)
        return;
    sweep->hashes[record->range] ^= record->hash;
    sweep->marked += (uint32_t)by;
}

static void mark_some(struct table *table, int64_t *parts)
{
    struct sweep *sweep = &table->sweep;
    for (; *parts > 0 && sweep->next < table->end; --*parts) {
        uint32_t slot = sweep->next++;
        if (!is_blank(record_at(table, slot)))
            table_note(table, slot, 1);
    }
}

/* ---- Turn -------------------------------------------------------------------------------- */

/* Of digests and horizon it is one instant: two nodes whose horizons are equal leave out the same.
 */
static void turn(struct table *table)
{
    struct sweep *sweep = &table->sweep;
    for (uint32_t range = 0; sweep->marked > 0 && range < TABLE_RANGES; range++) {
        uint64_t hashes = sweep->hashes[range];
        table->digest ^= hashes;
        table->ranges[range] ^= hashes;
        table->blocks[range / BLOCK_RANGES] ^= hashes;
    }
    names_keep(&table->names, sweep->origins);
    table->count -= sweep->marked;
    table->horizon_ns = sweep->target_ns;
    table->changes++;
    end_marks(table, SWEEP_FREES);
}

/* ---- Free -------------------------------------------------------------------------------- */

static uint32_t distance(const struct index *index, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + index->count - from;
}

/* What follows moves up, as far as its own place allows, so that every search still ends at the
 * first empty bucket. */
static void leave_index(struct index *index, uint32_t hash, uint32_t slot_ord)
{
    uint32_t hole = place_of(index, hash);
    while (index->buckets[hole].slot_ord != slot_ord)
        hole = place_after(index, hole);
    for (uint32_t at = place_after(index, hole); index->buckets[at].slot_ord != 0;
         at = place_after(index, at)) {
        uint32_t home = place_of(index, index->buckets[at].tag);
        if (distance(index, home, at) < distance(index, hole, at))
            continue;
        index->buckets[hole] = index->buckets[at];
        hole = at;
    }
    index->buckets[hole] = (struct bucket){0};
}

static void give_back(struct table *table, uint32_t chunk)
{
    size_t bytes = CHUNK_RECORDS * sizeof(struct record);
    struct record *records = table->chunks[chunk];
    if (records == table_no_records)
        return;
    bytes_forget(records, bytes);
    allowance_free(&table->allowance, records, bytes);
    table->chunks[chunk] = table_no_records;
    table->sweep.gave_back++;
}

static void trim(struct table *table, uint32_t chunks_min)
{
    if (table->sweep.gave_back < chunks_min)
        return;
    bytes_trim();
    table->sweep.gave_back = 0;
}

static void free_slot(struct table *table, uint32_t slot)
{
    struct record *record = record_at(table, slot);
    uint32_t hash = table_ref(table, record_client(record)).hash;
    if (table->has_grid)
        grid_leave(table, slot);
    leave_index(&table->now, hash, slot + 1);
    table->entered--;
    table->allowance.taken -= record_beside_bytes(record) + table->limits.beside_bytes;
    record_free(record);
    *record = (struct record){0};
    slots_add(&table->unused, slot);
    uint32_t chunk = slot / CHUNK_RECORDS;
    if (slots_has_all(&table->unused, chunk * CHUNK_RECORDS, CHUNK_RECORDS))
        give_back(table, chunk);
}

/* No bucket is looked for in an index that is moved: first all of it is. */
static bool move_all(struct table *table, int64_t *parts)
{
    for (; table->old.count > 0 && *parts > 0; *parts -= MOVE_PARTS)
        table_move_some(table);
    return table->old.count == 0;
}

/* Whoever follows has taken in what was freed before, or this one waits. */
static bool note_gone(struct table *table, uint32_t slot, const struct record *record)
{
    return table->changes_noted == NULL ||
           changes_note_gone(table->changes_noted, slot, record_client(record));
}

static uint32_t free_some(struct table *table, uint32_t *freed, uint32_t freed_max, int64_t *parts)
{
    struct sweep *sweep = &table->sweep;
    uint32_t count = 0;
    if (!move_all(table, parts))
        return 0;
    for (; *parts > 0 && sweep->next < table->end && count < freed_max; --*parts) {
        uint32_t slot = sweep->next++;
        const struct record *record = record_at(table, slot);
        if (is_blank(record) || !is_over(table, record))
            continue;
        if (!note_gone(table, slot, record)) {
            sweep->next--;
            break;
        }
        free_slot(table, slot);
        freed[count++] = slot;
        *parts -= FREE_PARTS;
    }
    trim(table, TRIM_CHUNKS);
    return count;
}

/* ---- Give back --------------------------------------------------------------------------- */

static void lower_end(struct table *table)
{
    slots_remove(&table->unused, --table->end);
    if (table->end % CHUNK_RECORDS == 0)
        give_back(table, table->end / CHUNK_RECORDS);
}

static void shrink_index(struct table *table)
{
    uint64_t clients = table->entered, spare = clients * SPARE_OF_4 / 4;
    uint64_t puts = 2 * (table->now.count / BUCKETS_MOVED_PER_PUT);
    uint64_t wanted = (clients + (spare > puts ? spare : puts)) * 20 / INDEX_FULL_OF_20;
    uint32_t count = wanted < INDEX_BUCKETS_MIN ? INDEX_BUCKETS_MIN : (uint32_t)wanted;
    if (table->now.count / SHRINK_TIMES < count)
        return;
    struct bucket *buckets = allowance_zeroed(&table->allowance, index_bytes(count));
    if (buckets == NULL)
        return;
    table->old = table->now;
    table->moved = table->forgotten = 0;
    table->now = (struct index){buckets, count};
}

/* What stood above the last client, the chunks in it, and an index that is too large. */
static void tidy_some(struct table *table, int64_t *parts)
{
    table->allowance.max = UINT64_MAX;
    for (; *parts > 0 && table->end > 0 && slots_has(&table->unused, table->end - 1); --*parts)
        lower_end(table);
    if (*parts <= 0 || !move_all(table, parts))
        return;
    shrink_index(table);
    if (table->old.count > 0)
        return;
    trim(table, 1);
    table->sweep = (struct sweep){0};
    set_busy(table);
}

/* ---- Above the ceiling ------------------------------------------------------------------- */

uint64_t table_above(const struct table *table)
{
    return table->above.counted;
}

static bool may_have_above(const struct table *table)
{
    const struct above *above = &table->above;
    return above->is_running || above->is_due || above->counted > 0;
}

bool table_minds_ceiling(const struct table *table, int64_t order_ns)
{
    return order_ns > table->ceiling_ns - TABLE_CEILING_NEAR_NS || may_have_above(table);
}

void table_count_above(struct table *table)
{
    struct above *above = &table->above;
    if (!may_have_above(table))
        return;
    if (!above->is_running)
        *above = (struct above){.counted = above->counted, .is_running = true};
    uint32_t end = table->end;
    if (above->next < end && end - above->next > TABLE_ABOVE_SLOTS)
        end = above->next + TABLE_ABOVE_SLOTS;
    for (; above->next < end; above->next++)
        above->found += record_order_ns(record_at(table, above->next)) > table->ceiling_ns;
    if (above->next >= table->end) {
        above->counted = above->found;
        above->is_running = false;
    }
}

/* ---- All of it --------------------------------------------------------------------------- */

int64_t table_horizon_ns(const struct table *table)
{
    return table->horizon_ns;
}

static bool has_room(struct table *table)
{
    table->allowance.max = UINT64_MAX;
    return slots_make_room(&table->unused, table->end, &table->allowance);
}

bool table_set_horizon(struct table *table, int64_t horizon_ns)
{
    enum sweep_phase phase = table->sweep.phase;
    if (phase == SWEEP_MARKS && horizon_ns < table->sweep.target_ns)
        end_marks(table, SWEEP_IDLE);
    if (phase == SWEEP_FREES || phase == SWEEP_TIDIES)
        return false;
    if (horizon_ns < table->horizon_ns) {
        table->horizon_ns = horizon_ns;
        table->changes++;
        return true;
    }
    if (horizon_ns > table->horizon_ns && table->sweep.phase == SWEEP_IDLE &&
        begin(table, horizon_ns))
        table->is_busy = true;
    return false;
}

bool table_is_sweeping(const struct table *table)
{
    return table->sweep.phase != SWEEP_IDLE;
}

uint32_t table_sweep(struct table *table, uint32_t *freed, uint32_t freed_max)
{
    struct sweep *sweep = &table->sweep;
    int64_t parts = STEP_PARTS;
    uint32_t count = 0;
    if (sweep->phase == SWEEP_MARKS) {
        mark_some(table, &parts);
        if (sweep->next < table->end)
            return 0;
        if (!has_room(table)) {
            end_marks(table, SWEEP_IDLE); /* it is tried again */
            return 0;
        }
        turn(table);
        parts -= TURN_PARTS;
    }
    if (sweep->phase == SWEEP_FREES) {
        count = free_some(table, freed, freed_max, &parts);
        if (sweep->next >= table->end && table->old.count == 0)
            sweep->phase = SWEEP_TIDIES;
    }
    if (sweep->phase == SWEEP_TIDIES)
        tidy_some(table, &parts);
    return count;
}
