#include "bus/table/grid.h"

#include <stdlib.h>

#include "bus/table/table_state.h"

/* A cell: a hundredth of a degree. Those of the first hundredth north or east of zero and south or
 * west of it are one, for digits do not tell -0.001 from -0.000, which is +0.000. */
#define CELL_NANO       (NANO / 100)
#define LATITUDE_CELLS  9000
#define LONGITUDE_CELLS 18000
#define LATITUDE_BITS   15u
#define LONGITUDE_BITS  16u

static_assert(LATITUDE_BITS + LONGITUDE_BITS == GRID_CELL_BITS &&
                  2 * LATITUDE_CELLS < 1 << LATITUDE_BITS &&
                  2 * LONGITUDE_CELLS < 1 << LONGITUDE_BITS,
              "a key has a bit for each bit of a cell");

/* Less than a chunk of records, so that little room suffices for one client more. */
#define CHUNK_BYTES 8192u
/* One client more may have to be told from the others of its leaf by the last bit of a key. */
#define FORKS_SPARE  GRID_KEY_BITS
#define LEAVES_SPARE 2u
/* Two leaves that hold as few become one: not so many that the next client splits it. */
#define MERGED_SLOTS_MAX 16u

static_assert(sizeof(struct grid_leaf) == 128 && sizeof(struct grid_fork) == 8,
              "leaves are two lines of the cache");

/* ---- pools ---- */

static void *block_at(const struct grid_pool *pool, uint32_t ord, size_t bytes)
{
    uint32_t per_chunk = CHUNK_BYTES / (uint32_t)bytes, at = ord - 1;
    assert(at / per_chunk < pool->chunk_count);
    return pool->chunks[at / per_chunk] + at % per_chunk * bytes;
}

struct grid_leaf *grid_leaf_at(const struct grid *grid, uint32_t ref)
{
    return block_at(&grid->leaves, ref >> 1, sizeof(struct grid_leaf));
}

struct grid_fork *grid_fork_at(const struct grid *grid, uint32_t ref)
{
    return block_at(&grid->forks, ref >> 1, sizeof(struct grid_fork));
}

/* The first four bytes of a free block say which one is free, too. */
static void put_back(struct grid_pool *pool, uint32_t ord, size_t bytes)
{
    memcpy(block_at(pool, ord, bytes), &pool->free_ord, sizeof pool->free_ord);
    pool->free_ord = ord;
    pool->free_count++;
}

static uint32_t take_out(struct grid_pool *pool, size_t bytes)
{
    assert(pool->free_count > 0);
    uint32_t ord = pool->free_ord;
    void *block = block_at(pool, ord, bytes);
    memcpy(&pool->free_ord, block, sizeof pool->free_ord);
    memset(block, 0, bytes);
    pool->free_count--;
    return ord;
}

static bool add_chunk(struct grid_pool *pool, size_t bytes, struct allowance *allowance)
{
    if (pool->chunk_count == pool->chunk_room) {
        uint32_t room = pool->chunk_room == 0 ? 1 : 2 * pool->chunk_room;
        char **chunks = allowance_resize(allowance, pool->chunks, pool->chunk_room * sizeof *chunks,
                                         room * sizeof *chunks);
        if (chunks == NULL)
            return false;
        pool->chunks = chunks;
        pool->chunk_room = room;
    }
    char *chunk = allowance_aligned(allowance, sizeof(struct grid_leaf), CHUNK_BYTES);
    if (chunk == NULL)
        return false;
    pool->chunks[pool->chunk_count++] = chunk;
    uint32_t per_chunk = CHUNK_BYTES / (uint32_t)bytes, end = pool->chunk_count * per_chunk;
    for (uint32_t ord = end; ord > end - per_chunk; ord--)
        put_back(pool, ord, bytes);
    return true;
}

/* Whether the grid takes one more client, wherever it is. */
static bool has_room(struct grid *grid, struct allowance *allowance)
{
    return (grid->forks.free_count >= FORKS_SPARE ||
            add_chunk(&grid->forks, sizeof(struct grid_fork), allowance)) &&
           (grid->leaves.free_count >= LEAVES_SPARE ||
            add_chunk(&grid->leaves, sizeof(struct grid_leaf), allowance));
}

static void free_pool(struct grid_pool *pool, struct allowance *allowance)
{
    for (uint32_t i = 0; i < pool->chunk_count; i++)
        allowance_free(allowance, pool->chunks[i], CHUNK_BYTES);
    allowance_free(allowance, pool->chunks, pool->chunk_room * sizeof *pool->chunks);
    *pool = (struct grid_pool){0};
}

void grid_free(struct table *table)
{
    free_pool(&table->grid.forks, &table->allowance);
    free_pool(&table->grid.leaves, &table->allowance);
}

static uint64_t pool_bytes(const struct grid_pool *pool)
{
    return pool->chunk_count * (uint64_t)(CHUNK_BYTES + ALLOWANCE_BLOCK_BYTES) +
           (pool->chunks == NULL ? 0
                                 : pool->chunk_room * sizeof *pool->chunks + ALLOWANCE_BLOCK_BYTES);
}

uint64_t grid_bytes(const struct grid *grid)
{
    return pool_bytes(&grid->forks) + pool_bytes(&grid->leaves);
}

/* ---- keys ---- */

/* The low 16 bits, with a zero before each. */
static uint32_t spread(uint32_t bits)
{
    bits = (bits | bits << 8) & 0x00ff00ff;
    bits = (bits | bits << 4) & 0x0f0f0f0f;
    bits = (bits | bits << 2) & 0x33333333;
    return (bits | bits << 1) & 0x55555555;
}

/* The last bit becomes the first: slots are given in turn, so their last bits differ. */
static uint32_t turn_round(uint32_t bits)
{
    bits = (bits >> 1 & 0x55555555) | (bits & 0x55555555) << 1;
    bits = (bits >> 2 & 0x33333333) | (bits & 0x33333333) << 2;
    bits = (bits >> 4 & 0x0f0f0f0f) | (bits & 0x0f0f0f0f) << 4;
    return __builtin_bswap32(bits);
}

static uint32_t latitude_bits(int64_t latitude_nano)
{
    return spread((uint32_t)(latitude_nano / CELL_NANO + LATITUDE_CELLS)) << 1;
}

static uint32_t longitude_bits(int64_t longitude_nano)
{
    return spread((uint32_t)(longitude_nano / CELL_NANO + LONGITUDE_CELLS));
}

static uint64_t cell_key(const struct degrees *place)
{
    return (uint64_t)(latitude_bits(place->latitude_nano) | longitude_bits(place->longitude_nano))
           << 32;
}

static int64_t within(int64_t value, int64_t max)
{
    return value < -max ? -max : value > max ? max : value;
}

struct grid_window grid_window(const struct arc_point *centre, const struct arc_reach *reach)
{
    const int64_t up_max = DEGREES_LATITUDE_NANO_MAX, across_max = DEGREES_LONGITUDE_NANO_MAX;
    int64_t up = centre->at.latitude_nano, across = centre->at.longitude_nano;
    struct grid_window window = {.south = latitude_bits(within(up - reach->up_nano, up_max)),
                                 .north = latitude_bits(within(up + reach->up_nano, up_max)),
                                 .east = GRID_LONGITUDES};
    /* What reaches over the antimeridian comes from both ends. */
    int64_t west = across - reach->across_nano, east = across + reach->across_nano;
    if (west >= -across_max && east <= across_max) {
        window.west = longitude_bits(west);
        window.east = longitude_bits(east);
    }
    return window;
}

static uint32_t gather(uint32_t bits)
{
    bits &= 0x55555555;
    bits = (bits | bits >> 1) & 0x33333333;
    bits = (bits | bits >> 2) & 0x0f0f0f0f;
    bits = (bits | bits >> 4) & 0x00ff00ff;
    return (bits | bits >> 8) & 0x0000ffff;
}

/* From the first of some cells to the last. */
static void bound(uint32_t first, uint32_t last, int64_t cells, int64_t *low_nano,
                  int64_t *high_nano)
{
    int64_t low = (int64_t)first - cells, high = (int64_t)last - cells, end = cells * CELL_NANO;
    *low_nano = (low > 0 ? low : low - 1) * CELL_NANO;
    *high_nano = (high < 0 ? high : high + 1) * CELL_NANO;
    *low_nano = *low_nano < -end ? -end : *low_nano > end ? end : *low_nano;
    *high_nano = *high_nano > end ? end : *high_nano < -end ? -end : *high_nano;
}

struct arc_box grid_box(uint64_t key, unsigned depth)
{
    uint32_t first = (uint32_t)(key >> 32), last = first;
    if (depth < GRID_CELL_BITS) {
        uint32_t open = (UINT32_C(1) << (GRID_CELL_BITS - depth)) - 1;
        first &= ~open;
        last |= open;
    }
    struct arc_box box;
    bound(gather(first >> 1), gather(last >> 1), LATITUDE_CELLS, &box.south_west.latitude_nano,
          &box.north_east.latitude_nano);
    bound(gather(first), gather(last), LONGITUDE_CELLS, &box.south_west.longitude_nano,
          &box.north_east.longitude_nano);
    return box;
}

uint64_t grid_key(const struct degrees *place, uint32_t slot)
{
    return cell_key(place) | turn_round(slot);
}

bool grid_place(const struct record *record, struct degrees *place)
{
    if (!record_is_text(record))
        return degrees_unpack(record->position, record->form >> RECORD_POSITION_SHIFT & 31, place);
    size_t bytes = record->text.position_bytes;
    return bytes > 0 &&
           degrees_read((struct span){record->text.at + record->text.client_bytes, bytes}, place);
}

static uint64_t key_of(const struct table *table, uint32_t slot)
{
    struct degrees place = {0};
    bool has_place = grid_place(record_at(table, slot), &place);
    assert(has_place);
    return grid_key(&place, slot);
}

/* ---- one client more, one less ---- */

static void put_in(struct grid_leaf *leaf, uint32_t slot, uint8_t next)
{
    leaf->nexts[leaf->count] = next;
    leaf->slots[leaf->count++] = slot;
}

static uint32_t make_leaf(struct grid *grid)
{
    return take_out(&grid->leaves, sizeof(struct grid_leaf)) << 1 | 1;
}

/* A full leaf becomes forks and leaves, down to the first bit in which two of its clients differ,
 * for whom the new one counts. */
static void split(struct table *table, uint32_t *ref, unsigned depth, uint32_t slot, uint64_t key)
{
    struct grid *grid = &table->grid;
    uint32_t sides[2] = {*ref, make_leaf(grid)};
    struct grid_leaf *zeros = grid_leaf_at(grid, sides[0]), *ones = grid_leaf_at(grid, sides[1]);
    uint64_t keys[GRID_LEAF_SLOTS], differ = 0;
    /* Any records of the table: side by side they take as long as few of them in turn. */
    for (uint32_t i = 0; i < GRID_LEAF_SLOTS; i++)
        __builtin_prefetch(record_at(table, zeros->slots[i]));
    for (uint32_t i = 0; i < GRID_LEAF_SLOTS; i++) {
        keys[i] = key_of(table, zeros->slots[i]);
        differ |= keys[i] ^ key;
    }
    unsigned last = GRID_KEY_BITS - 64 + (unsigned)__builtin_clzll(differ);
    for (; depth <= last; depth++) {
        uint32_t fork = take_out(&grid->forks, sizeof(struct grid_fork)) << 1;
        *ref = fork;
        if (depth == last)
            memcpy(grid_fork_at(grid, fork)->refs, sides, sizeof sides);
        ref = &grid_fork_at(grid, fork)->refs[grid_bit(key, depth)];
    }
    zeros->count = 0;
    for (uint32_t i = 0; i < GRID_LEAF_SLOTS; i++)
        put_in(grid_bit(keys[i], last) ? ones : zeros, zeros->slots[i],
               grid_next(keys[i], last + 1));
    put_in(grid_bit(key, last) ? ones : zeros, slot, grid_next(key, last + 1));
    grid->changes++;
}

/* Below a part whose ref stands at `ref`, so many steps from the root. */
static void enter(struct table *table, uint32_t *ref, unsigned depth, uint32_t slot, uint64_t key)
{
    struct grid *grid = &table->grid;
    for (; *ref != 0 && !grid_is_leaf(*ref); depth++)
        ref = &grid_fork_at(grid, *ref)->refs[grid_bit(key, depth)];
    if (*ref == 0) {
        *ref = make_leaf(grid);
        grid->changes++;
    }
    struct grid_leaf *leaf = grid_leaf_at(grid, *ref);
    if (leaf->count == GRID_LEAF_SLOTS)
        split(table, ref, depth, slot, key);
    else
        put_in(leaf, slot, grid_next(key, depth));
    grid->count++;
}

static uint32_t count_in(const struct grid *grid, uint32_t ref)
{
    return ref == 0 ? 0 : grid_leaf_at(grid, ref)->count;
}

/* The last bit of the way to it becomes the first of those after. */
static void shorten_way(struct grid_leaf *leaf, unsigned bit)
{
    for (uint32_t i = 0; i < leaf->count; i++)
        leaf->nexts[i] = (uint8_t)(bit << (GRID_NEXT_BITS - 1) | leaf->nexts[i] >> 1);
}

/* The fork's leaves become one, or none, in its place, where they hold few enough. */
static bool merge(struct grid *grid, uint32_t *ref)
{
    uint32_t sides[2];
    memcpy(sides, grid_fork_at(grid, *ref)->refs, sizeof sides);
    bool has_fork =
        (sides[0] != 0 && !grid_is_leaf(sides[0])) || (sides[1] != 0 && !grid_is_leaf(sides[1]));
    if (has_fork || count_in(grid, sides[0]) + count_in(grid, sides[1]) > MERGED_SLOTS_MAX)
        return false;
    for (unsigned bit = 0; bit < 2; bit++)
        if (sides[bit] != 0)
            shorten_way(grid_leaf_at(grid, sides[bit]), bit);
    put_back(&grid->forks, *ref >> 1, sizeof(struct grid_fork));
    *ref = sides[0] != 0 ? sides[0] : sides[1];
    if (sides[0] != 0 && sides[1] != 0) {
        struct grid_leaf *to = grid_leaf_at(grid, sides[0]), *from = grid_leaf_at(grid, sides[1]);
        for (uint32_t i = 0; i < from->count; i++)
            put_in(to, from->slots[i], from->nexts[i]);
        put_back(&grid->leaves, sides[1] >> 1, sizeof(struct grid_leaf));
    }
    grid->changes++;
    return true;
}

static uint32_t find_slot(const struct grid_leaf *leaf, uint32_t slot)
{
    uint32_t i = 0;
    while (i < leaf->count && leaf->slots[i] != slot)
        i++;
    assert(i < leaf->count);
    return i;
}

static void take_slot(struct grid_leaf *leaf, uint32_t slot)
{
    uint32_t i = find_slot(leaf, slot);
    leaf->nexts[i] = leaf->nexts[--leaf->count];
    leaf->slots[i] = leaf->slots[leaf->count];
}

static void leave(struct table *table, uint32_t *ref, unsigned depth, uint32_t slot, uint64_t key)
{
    struct grid *grid = &table->grid;
    uint32_t *way[GRID_KEY_BITS + 1];
    unsigned steps = 0;
    way[0] = ref;
    for (; *way[steps] != 0 && !grid_is_leaf(*way[steps]); steps++)
        way[steps + 1] = &grid_fork_at(grid, *way[steps])->refs[grid_bit(key, depth + steps)];
    assert(*way[steps] != 0);
    struct grid_leaf *leaf = grid_leaf_at(grid, *way[steps]);
    take_slot(leaf, slot);
    grid->count--;
    /* One of two that are few enough is half of that at most: another leaf is not looked at. */
    bool is_small = leaf->count <= MERGED_SLOTS_MAX / 2;
    if (leaf->count == 0) {
        put_back(&grid->leaves, *way[steps] >> 1, sizeof(struct grid_leaf));
        *way[steps] = 0;
        grid->changes++;
    }
    if (is_small)
        while (steps > 0 && merge(grid, way[steps - 1]))
            steps--;
}

/* Nothing changes above the fork at which the two keys part. */
static void move(struct table *table, uint32_t slot, uint64_t from, uint64_t to)
{
    struct grid *grid = &table->grid;
    uint32_t *ref = &grid->root;
    unsigned depth = 0, parted = (unsigned)__builtin_clzll(from ^ to) - (64 - GRID_KEY_BITS);
    for (; depth < parted && !grid_is_leaf(*ref); depth++)
        ref = &grid_fork_at(grid, *ref)->refs[grid_bit(to, depth)];
    if (grid_is_leaf(*ref)) {
        struct grid_leaf *leaf = grid_leaf_at(grid, *ref);
        leaf->nexts[find_slot(leaf, slot)] = grid_next(to, depth);
        return;
    }
    leave(table, ref, depth, slot, from);
    enter(table, ref, depth, slot, to);
}

static void note_astray(struct grid *grid, uint32_t slot)
{
    if (grid_lists_astray(grid) && grid->listed < GRID_ASTRAY_MAX)
        grid->astray_slots[grid->listed++] = slot;
    grid->astray++;
}

static void forget_astray(struct grid *grid, uint32_t slot)
{
    for (uint32_t i = grid->listed; i-- > 0;)
        if (grid->astray_slots[i] == slot)
            grid->astray_slots[i] = grid->astray_slots[--grid->listed];
    grid->astray--;
}

void grid_leave(struct table *table, uint32_t slot)
{
    const struct record *record = record_at(table, slot);
    struct degrees place;
    if (grid_is_astray(record))
        forget_astray(&table->grid, slot);
    else if (grid_place(record, &place))
        leave(table, &table->grid.root, 0, slot, grid_key(&place, slot));
    if (table->grid.count == 0)
        grid_free(table);
}

/* A client that comes, goes, changes its cell or is astray, or whose digits do not tell. */
static bool write_and_move(struct table *table, uint32_t slot, struct record *record,
                           const struct location *location, uint16_t origin)
{
    struct grid *grid = &table->grid;
    const struct packed *packed = location->packed;
    struct degrees before, after;
    bool was_astray = grid_is_astray(record);
    bool was_there = !was_astray && grid_place(record, &before);
    bool is_there = packed == NULL ? degrees_read(location->position, &after)
                                   : degrees_unpack(packed->position,
                                                    packed->position[PACKED_BYTES - 1], &after);
    uint64_t from = was_there ? grid_key(&before, slot) : 0;
    uint64_t to = is_there ? grid_key(&after, slot) : 0;
    bool stays = was_there == is_there && from == to;
    bool goes_astray = is_there && !stays && !has_room(grid, &table->allowance);
    if (goes_astray && is_blank(record))
        return false;
    if (!record_write(record, location, origin, names_hash(&table->names, origin),
                      &table->allowance))
        return false;
    if (was_astray)
        forget_astray(grid, slot);
    if (goes_astray)
        note_astray(grid, slot);
    record->form |= goes_astray ? RECORD_IS_ASTRAY : 0;
    is_there &= !goes_astray;
    if (was_there && is_there && !stays)
        move(table, slot, from, to);
    else if (was_there && !is_there)
        leave(table, &grid->root, 0, slot, from);
    else if (is_there && !was_there)
        enter(table, &grid->root, 0, slot, to);
    if (grid->count == 0)
        grid_free(table);
    return true;
}

/* What record_write would read, the grid wants to know before. */
bool grid_write(struct table *table, uint32_t slot, struct record *record,
                const struct location *location, uint16_t origin)
{
    struct packed packed;
    struct location read = *location;
    if (location->packed == NULL && packed_read(location->position, location->stamp, &packed))
        read.packed = &packed;
    return grid_stays(record, &read)
               ? record_write(record, &read, origin, names_hash(&table->names, origin),
                              &table->allowance)
               : write_and_move(table, slot, record, &read, origin);
}
