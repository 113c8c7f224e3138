/* table_state: what table.c, table_slots.c, table_sweep.c, table_sound.c and the grid share: the
 * first finds and puts, the second answers for a slot alone, the third frees what is over, the
 * fourth looks whether all of it holds (bus/table/table.h), the grid knows who is near
 * (bus/table/grid.h).
 *
 * It is no module: nobody else includes it.
 *
 * Invariant: a record in a slot below `end` is of a client that counts, or its order time is below
 * the horizon and it is in an index still, or it was never written and its slot is unused. */
#ifndef ZHERD_BUS_TABLE_TABLE_STATE_H
#define ZHERD_BUS_TABLE_TABLE_STATE_H

#include <assert.h>

#include "bus/base/allowance.h"
#include "bus/base/simd16.h"
#include "bus/table/changes.h"
#include "bus/table/grid.h"
#include "bus/table/names.h"
#include "bus/table/record.h"
#include "bus/table/slots.h"
#include "bus/table/table.h"

/* Records come in chunks, so none ever moves and growth copies nothing. */
#define CHUNK_RECORDS 256u
/* Stands where a chunk was given back: records that were never written. */
extern struct record table_no_records[CHUNK_RECORDS];

/* An index grows by a quarter when it is 17/20 full: searches stay within two lines of the cache
 * or so, at 9 to 12 bytes a client. */
#define INDEX_BUCKETS_MIN 64u
#define INDEX_FULL_OF_20  17u
/* Buckets moved from the old index to the new one at each put. Five would be enough to be done
 * before the new one is full; with more the time of two indices is shorter, but every put then
 * costs more, and where many new clients come at once they wait for one another. */
#define BUCKETS_MOVED_PER_PUT 96u

/* A bucket's place follows from its tag alone, so growing never touches a record. */
struct bucket {
    uint32_t tag;      /* the client's hash */
    uint32_t slot_ord; /* slot + 1; 0 for an empty bucket */
};

/* Buckets that are looked at side by side; after the last stand as many that stay empty. */
#define GROUP_BUCKETS (4 * SIMD16_BYTES / sizeof(struct bucket))
#define GROUPS_MAX    4u

struct index {
    struct bucket *buckets;
    uint32_t count; /* 0 for no index */
};

/* A count of what is above the ceiling, by and by. */
struct above {
    uint64_t counted; /* by the last count that is through */
    bool is_due;      /* there may be more or less than that */
    bool is_running;
    uint32_t next;  /* of this count: the slot it looks at next, */
    uint64_t found; /* and what it has found before */
};

/* How far what is over is from being freed (rule E1). */
enum sweep_phase {
    SWEEP_IDLE,
    SWEEP_MARKS,  /* looks for what will be over */
    SWEEP_FREES,  /* it is over, and its slots are freed */
    SWEEP_TIDIES, /* what they leave unused is given back */
};

#define SWEEP_BYTES (TABLE_RANGES * sizeof(uint64_t) + (NAMES_MAX + 1) / 8)

struct sweep {
    enum sweep_phase phase;
    uint32_t next;      /* the slot that is looked at next */
    int64_t target_ns;  /* the horizon that will be */
    uint32_t marked;    /* clients below `next` that are below the target, */
    uint64_t *hashes;   /* the XOR of their hashes by range, */
    uint64_t *origins;  /* and a bit for each origin that stands there; of the same block */
    uint32_t gave_back; /* chunks, since memory was last trimmed */
};

/* What is folded for many ranges at once, so that no level costs 65,536 reads. */
#define BLOCK_RANGES (TABLE_RANGES >> TABLE_BLOCK_LEVEL)

/* What a leaf of the grid holds: with the rest, two lines of the cache. */
#define GRID_LEAF_SLOTS 25u

struct grid_leaf {
    uint8_t count;
    /* Of each one's key the GRID_NEXT_BITS after those of the way to the leaf: where in it the
     * client is, without a look at its record. */
    uint8_t nexts[GRID_LEAF_SLOTS];
    uint32_t slots[GRID_LEAF_SLOTS]; /* in any order */
};

/* Where the next bit of a key decides. */
struct grid_fork {
    uint32_t refs[2];
};

/* Blocks of one size, named by numbers from 1 on, in chunks that never move. */
struct grid_pool {
    char **chunks;
    uint32_t chunk_count, chunk_room;
    uint32_t free_ord, free_count; /* the list of those that are free */
};

/* So few that a search looks at them all at once. */
#define GRID_ASTRAY_MAX GRID_SOME_MAX

/* A ref is the number of a leaf times two plus one, or that of a fork times two; 0: nobody. */
struct grid {
    uint32_t root;
    uint32_t count;  /* clients in all leaves */
    uint32_t astray; /* clients at a place that stand in none: memory was refused when they moved */
    uint32_t listed; /* so many of them are listed: all, unless they were more than there is room */
    uint32_t astray_slots[GRID_ASTRAY_MAX];
    uint64_t changes; /* of forks, and of refs to leaves */
    struct grid_pool leaves, forks;
};

struct table {
    uint8_t key[16];
    struct names names;
    struct record **chunks;
    uint32_t chunk_count, chunk_room;
    uint32_t count;      /* clients: what is over is none */
    uint32_t end;        /* above the highest slot in use */
    struct slots unused; /* free slots below it */
    uint32_t entered;    /* clients in the indices: also those that are over */
    uint64_t digest, changes;
    struct index now;   /* every client put since it was made, and the old ones moved so far */
    struct index old;   /* the one before, until all of it is moved */
    uint32_t moved;     /* buckets of `old` moved so far */
    uint32_t forgotten; /* of these, those whose memory was given back */
    struct allowance allowance; /* its limit is that of the last put */
    struct table_limits limits;
    int64_t ceiling_ns; /* at most LOCATION_ORDER_NS_MAX */
    bool origins_closed;
    bool has_grid;
    bool is_busy; /* a put has more to do: an index is moved, a sweep runs, or somebody follows */
    struct changes *changes_noted; /* or NULL */
    int64_t horizon_ns;            /* the least order time that counts; INT64_MIN: any */
    struct sweep sweep;
    struct above above;
    struct grid grid;
    uint64_t ranges[TABLE_RANGES];
    uint64_t blocks[TABLE_RANGES / BLOCK_RANGES]; /* the XOR of as many ranges each */
};

static inline size_t index_bytes(uint32_t buckets)
{
    return ((size_t)buckets + GROUP_BUCKETS) * sizeof(struct bucket);
}

static inline struct record *record_at(const struct table *table, uint32_t slot)
{
    assert(slot < table->end);
    return &table->chunks[slot / CHUNK_RECORDS][slot % CHUNK_RECORDS];
}

/* Where a search begins: hashes are spread over the buckets in their own order, so an index may
 * have any size, and one is moved into the next from front to back. */
static inline uint32_t place_of(const struct index *index, uint32_t tag)
{
    return (uint32_t)((uint64_t)tag * index->count >> 32);
}

static inline uint32_t place_after(const struct index *index, uint32_t place)
{
    return place + 1 == index->count ? 0 : place + 1;
}

/* The first bits of a hash. */
static inline uint32_t range_of(uint64_t client_hash)
{
    return (uint32_t)(client_hash >> (64 - TABLE_RANGE_BITS));
}

/* Below the horizon: it is in no digest, and as if it were not known. */
static inline bool is_over(const struct table *table, const struct record *record)
{
    return record_order_ns(record) < table->horizon_ns;
}

/* Never written, or freed since. */
static inline bool is_blank(const struct record *record)
{
    return record_is_text(record) && record->text.at == NULL;
}

/* Of so many digests as a power of two; four of them side by side. */
static inline uint64_t fold(const uint64_t *digests, size_t count)
{
    uint64_t four[4] = {0};
    if (count < 4)
        return count == 1 ? digests[0] : digests[0] ^ digests[1];
    for (size_t i = 0; i < count; i += 4) {
        four[0] ^= digests[i];
        four[1] ^= digests[i + 1];
        four[2] ^= digests[i + 2];
        four[3] ^= digests[i + 3];
    }
    return four[0] ^ four[1] ^ four[2] ^ four[3];
}

/* The client's slot + 1, or 0: also one that is over. */
uint32_t table_look_up(const struct table *table, struct span client, uint32_t hash);

/* Moves some of the old index to the new one. */
void table_move_some(struct table *table);

/* Gives the last chunk of records, or one that is unused, its memory; false where that is refused.
 */
bool table_make_chunk(struct table *table, uint32_t chunk);

/* What stands in the slot counts once more (1), or once less (-1), to what a sweep has marked; the
 * first one while a sweep marks. */
void table_note_marked(struct table *table, uint32_t slot, int by);
static inline void table_note(struct table *table, uint32_t slot, int by)
{
    if (table->sweep.phase == SWEEP_MARKS)
        table_note_marked(table, slot, by);
}

/* Whether what stands there has a place on the globe and is in no leaf. */
static inline bool grid_is_astray(const struct record *record)
{
    return (record->form & RECORD_IS_ASTRAY) != 0;
}

/* Then a search need not look at all slots for them. */
static inline bool grid_lists_astray(const struct grid *grid)
{
    return grid->listed == grid->astray;
}

/* Whether a client that stands in a leaf stays in its cell, as far as the digits say: false says
 * nothing. */
static inline bool grid_stays(const struct record *record, const struct location *location)
{
    return location->packed != NULL && !record_is_text(record) && !grid_is_astray(record) &&
           degrees_share_hundredths(record->position, location->packed);
}

/* record_write, where there is a grid, after which the client stands in the leaf of its new
 * position. One that is known and whose leaf is refused memory is astray. False where the record is
 * refused memory, or of a client that is new the leaf: then nothing is changed. */
bool grid_write(struct table *table, uint32_t slot, struct record *record,
                const struct location *location, uint16_t origin);

/* What stands in the slot is to be freed. */
void grid_leave(struct table *table, uint32_t slot);

/* The place on the globe of what stands there; false where it has none. */
bool grid_place(const struct record *record, struct degrees *place);

static inline bool grid_is_leaf(uint32_t ref)
{
    return (ref & 1) != 0;
}

struct grid_leaf *grid_leaf_at(const struct grid *grid, uint32_t ref);
struct grid_fork *grid_fork_at(const struct grid *grid, uint32_t ref);

/* The bits of a cell that are of its latitude, and of its longitude. */
#define GRID_LATITUDES  UINT32_C(0x2aaaaaaa)
#define GRID_LONGITUDES UINT32_C(0x55555555)

/* The bits that lead to a client's leaf, of which the first is bit GRID_KEY_BITS - 1. */
uint64_t grid_key(const struct degrees *place, uint32_t slot);

#define GRID_NEXT_BITS 8u

/* Of a key after its first `depth` bits; zeros follow the last. */
static inline uint8_t grid_next(uint64_t key, unsigned depth)
{
    const unsigned last = GRID_KEY_BITS - GRID_NEXT_BITS;
    return (uint8_t)(depth <= last ? key >> (last - depth) : key << (depth - last));
}

/* The first bits of a key, up to what grid_next gave of it, as far as they are of its cell. */
static inline uint64_t grid_key_of_next(uint64_t key, unsigned depth, uint8_t next)
{
    const unsigned last = GRID_KEY_BITS - GRID_NEXT_BITS;
    return depth < GRID_CELL_BITS ? key | (uint64_t)next << (last - depth) : key;
}

/* What of a window those miss whose keys begin with the `depth` bits of this one: true means all of
 * it. The bits of each coordinate keep their order among those of the other one. */
static inline bool grid_misses(const struct grid_window *window, uint64_t key, unsigned depth)
{
    uint32_t first = (uint32_t)(key >> 32), last = first;
    if (depth < GRID_CELL_BITS)
        last |= (UINT32_C(1) << (GRID_CELL_BITS - depth)) - 1;
    return (last & GRID_LATITUDES) < window->south || (first & GRID_LATITUDES) > window->north ||
           (last & GRID_LONGITUDES) < window->west || (first & GRID_LONGITUDES) > window->east;
}

/* The cells of all who are within reach of a point, and more around. */
struct grid_window grid_window(const struct arc_point *centre, const struct arc_reach *reach);

/* Where those are whose keys begin with the `depth` bits of this one. */
struct arc_box grid_box(uint64_t key, unsigned depth);

static inline unsigned grid_bit(uint64_t key, unsigned depth)
{
    return key >> (GRID_KEY_BITS - 1 - depth) & 1;
}

/* Whether the first bits of both are the same. */
static inline bool grid_begin_alike(uint64_t a, uint64_t b, unsigned bits)
{
    return bits == 0 || (a ^ b) >> (GRID_KEY_BITS - bits) == 0;
}

void grid_free(struct table *table);
uint64_t grid_bytes(const struct grid *grid);

static inline void set_busy(struct table *table)
{
    table->is_busy =
        table->old.count > 0 || table->sweep.phase != SWEEP_IDLE || table->changes_noted != NULL;
}

#endif
