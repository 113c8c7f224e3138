#include <stdlib.h>

#include "bus/base/siphash.h"
#include "bus/base/token.h"
#include "bus/table/table_state.h"

/* An index that may not grow is filled a little more, at longer searches. */
#define INDEX_CROWDED_OF_20 18u
/* Moved buckets whose memory is given back at once, so that an old index shrinks while it is moved
 * and no put has to give back all of it. */
#define BUCKETS_FORGOTTEN 8192u

static_assert(LOCATION_ORIGIN_BYTES_MAX == NAMES_BYTES_MAX, "every origin is a name");

struct table *table_new(const uint8_t key[16])
{
    struct table *table = bytes_zeroed(sizeof *table);
    memcpy(table->key, key, sizeof table->key);
    names_init(&table->names, key);
    table->now = (struct index){bytes_zeroed(index_bytes(INDEX_BUCKETS_MIN)), INDEX_BUCKETS_MIN};
    table->allowance.taken = sizeof *table + NAMES_INDEX_BYTES + index_bytes(INDEX_BUCKETS_MIN) +
                             3 * ALLOWANCE_BLOCK_BYTES;
    table->allowance.max = UINT64_MAX;
    table->ceiling_ns = LOCATION_ORDER_NS_MAX;
    table->horizon_ns = INT64_MIN;
    struct table_room all = {TABLE_CLIENTS_MAX, UINT64_MAX};
    table->limits = (struct table_limits){.own = all, .peers = all};
    return table;
}

void table_limit(struct table *table, const struct table_limits *limits)
{
    assert(limits->own.clients_max <= TABLE_CLIENTS_MAX &&
           limits->peers.clients_max <= TABLE_CLIENTS_MAX);
    table->allowance.taken -= (uint64_t)table->entered * table->limits.beside_bytes;
    table->allowance.taken += (uint64_t)table->entered * limits->beside_bytes;
    table->limits = *limits;
}

void table_make_grid(struct table *table)
{
    assert(table->end == 0);
    table->has_grid = true;
}

bool table_has_grid(const struct table *table)
{
    return table->has_grid;
}

void table_follow(struct table *table, struct changes *changes)
{
    table->changes_noted = changes;
    set_busy(table);
}

void table_expect(struct table *table, uint64_t clients)
{
    const struct table_room *room = &table->limits.peers;
    assert(table->count == 0 && table->old.count == 0);
    uint64_t counted = clients < room->clients_max ? clients : room->clients_max;
    uint64_t buckets = counted * 20 / INDEX_FULL_OF_20 + 1;
    if (buckets <= table->now.count || buckets > UINT32_MAX)
        return;
    table->allowance.max = room->bytes_max;
    void *made = allowance_zeroed(&table->allowance, index_bytes((uint32_t)buckets));
    if (made == NULL)
        return;
    bytes_huge(made, index_bytes((uint32_t)buckets));
    allowance_free(&table->allowance, table->now.buckets, index_bytes(table->now.count));
    table->now = (struct index){made, (uint32_t)buckets};
}

void table_set_ceiling(struct table *table, int64_t ceiling_ns)
{
    int64_t ceiling = ceiling_ns < LOCATION_ORDER_NS_MAX ? ceiling_ns : LOCATION_ORDER_NS_MAX;
    if (ceiling < table->ceiling_ns)
        table->above.is_due = true;
    table->ceiling_ns = ceiling;
}

void table_destroy(struct table **table_p)
{
    struct table *table = *table_p;
    if (table == NULL)
        return;
    for (uint32_t slot = 0; slot < table->end; slot++)
        record_free(record_at(table, slot));
    for (uint32_t i = 0; i < table->chunk_count; i++)
        if (table->chunks[i] != table_no_records)
            free(table->chunks[i]);
    free(table->chunks);
    slots_release(&table->unused);
    grid_free(table);
    free(table->sweep.hashes);
    free(table->now.buckets);
    free(table->old.buckets);
    names_free(&table->names);
    free(table);
    *table_p = NULL;
}

struct table_ref table_ref(const struct table *table, struct span client)
{
    return (struct table_ref){(uint32_t)siphash(client, table->key), 0};
}

__attribute__((always_inline)) static inline bool is_of(const struct table *table, uint32_t slot,
                                                        struct span client)
{
    return token_equals(record_client(record_at(table, slot)), client);
}

/* The client's slot + 1, or 0. */
static uint32_t search(const struct table *table, const struct index *index, struct span client,
                       uint32_t hash)
{
    uint32_t at = place_of(index, hash);
    for (; index->buckets[at].slot_ord != 0; at = place_after(index, at)) {
        const struct bucket *bucket = &index->buckets[at];
        if (bucket->tag == hash && is_of(table, bucket->slot_ord - 1, client))
            return bucket->slot_ord;
    }
    return 0;
}

void table_prefetch_place(const struct table *table, struct table_ref ref)
{
    const struct bucket *group = &table->now.buckets[place_of(&table->now, ref.hash)];
    __builtin_prefetch(group);
    __builtin_prefetch(group + GROUP_BUCKETS - 1);
}

void table_prefetch_slot(const struct table *table, uint32_t slot)
{
    if (slot < table->end)
        __builtin_prefetch(record_at(table, slot));
}

/* Two buckets: eight bits for each, of which the lowest four say whether it has that tag. */
static inline uint64_t match_two(const struct bucket *buckets, uint32_t tag)
{
    simd16_fours tags = {tag, 0, tag, 0};
    return simd16_bits((simd16)((simd16_fours)simd16_load(buckets) == tags));
}

/* The first bucket of a group with that tag, or NULL. */
static inline const struct bucket *match_group(const struct bucket *group, uint32_t tag)
{
    uint64_t matches = 0;
    for (unsigned i = 0; i < GROUP_BUCKETS; i += 2)
        matches |= match_two(group + i, tag) << 8 * i;
    matches &= 0x0f * BYTES_EACH;
    return matches == 0 ? NULL : group + __builtin_ctzll(matches) / 8;
}

/* The first bucket with that tag is nearly always the client's, and nearly always in the first
 * group. Searching one after the other would end where no processor can foresee it. */
void table_prefetch_record(const struct table *table, struct table_ref *ref)
{
    const struct index *index = &table->now;
    const struct bucket *group = index->buckets + place_of(index, ref->hash);
    const struct bucket *end = index->buckets + index->count, *found = NULL;
    for (unsigned i = 0; i < GROUPS_MAX && found == NULL && group < end; i++) {
        found = match_group(group, ref->hash);
        group += GROUP_BUCKETS;
    }
    if (found == NULL || found->slot_ord == 0)
        return;
    ref->slot_ord = found->slot_ord;
    table_prefetch_slot(table, ref->slot_ord - 1);
}

void table_prefetch_digest(const struct table *table, struct table_ref ref)
{
    uint32_t slot = ref.slot_ord - 1;
    if (slot < table->end)
        __builtin_prefetch(&table->ranges[record_at(table, slot)->range], 1);
}

/* Also whom nobody expected. Kept out of find, which is short without it. */
__attribute__((noinline)) uint32_t table_look_up(const struct table *table, struct span client,
                                                 uint32_t hash)
{
    uint32_t slot_ord = search(table, &table->now, client, hash);
    if (slot_ord == 0 && table->old.count > 0)
        slot_ord = search(table, &table->old, client, hash);
    return slot_ord;
}

/* The client's slot + 1, or 0. Whatever a ref says, the record tells whose it is. */
static inline uint32_t find(const struct table *table, struct span client, struct table_ref ref)
{
    uint32_t slot = ref.slot_ord - 1;
    if (slot < table->end && is_of(table, slot, client))
        return ref.slot_ord;
    return table_look_up(table, client, ref.hash);
}

bool table_find(const struct table *table, struct span client, struct table_ref ref, uint32_t *slot)
{
    uint32_t slot_ord = find(table, client, ref);
    *slot = slot_ord - 1;
    return slot_ord != 0 && (!table->is_busy || !is_over(table, record_at(table, *slot)));
}

static void enter(struct index *index, struct bucket bucket)
{
    uint32_t at = place_of(index, bucket.tag);
    while (index->buckets[at].slot_ord != 0)
        at = place_after(index, at);
    index->buckets[at] = bucket;
}

/* Moves whole probe runs, each up to an empty bucket, so that no look-up in the old index needs a
 * bucket that was moved. */
void table_move_some(struct table *table)
{
    struct index *old = &table->old;
    for (uint32_t i = 0; table->moved < old->count; i++, table->moved++) {
        struct bucket bucket = old->buckets[table->moved];
        if (bucket.slot_ord != 0)
            enter(&table->now, bucket);
        else if (i >= BUCKETS_MOVED_PER_PUT)
            break;
    }
    if (table->moved - table->forgotten >= BUCKETS_FORGOTTEN) {
        bytes_forget(old->buckets + table->forgotten, BUCKETS_FORGOTTEN * sizeof *old->buckets);
        table->forgotten += BUCKETS_FORGOTTEN;
    }
    if (table->moved == old->count) {
        allowance_free(&table->allowance, old->buckets, index_bytes(old->count));
        *old = (struct index){0};
        set_busy(table);
    }
}

static bool is_full(const struct table *table, uint64_t of_20)
{
    return table->entered >= table->now.count * of_20 / 20;
}

/* Whether the index takes one more. One that is refused memory goes on as it is for a while. */
static bool grow_if_full(struct table *table)
{
    if (!is_full(table, INDEX_FULL_OF_20))
        return true;
    assert(table->old.count == 0);
    uint32_t count = table->now.count + table->now.count / 4;
    struct bucket *buckets = allowance_zeroed(&table->allowance, index_bytes(count));
    if (buckets == NULL)
        return !is_full(table, INDEX_CROWDED_OF_20);
    table->old = table->now;
    table->moved = table->forgotten = 0;
    table->now = (struct index){buckets, count};
    table->is_busy = true;
    return true;
}

bool table_make_chunk(struct table *table, uint32_t chunk)
{
    struct allowance *allowance = &table->allowance;
    if (chunk == table->chunk_room) {
        uint32_t room = table->chunk_room == 0 ? 1 : 2 * table->chunk_room;
        struct record **chunks = allowance_resize(
            allowance, table->chunks, table->chunk_room * sizeof *chunks, room * sizeof *chunks);
        if (chunks == NULL)
            return false;
        table->chunks = chunks;
        table->chunk_room = room;
    }
    size_t bytes = CHUNK_RECORDS * sizeof(struct record);
    struct record *made = allowance_aligned(allowance, sizeof(struct record), bytes);
    if (made == NULL)
        return false;
    if (chunk == table->chunk_count)
        table->chunk_count++;
    else /* in the midst of others, whose slots are looked at */
        memset(made, 0, bytes);
    table->chunks[chunk] = made;
    return true;
}

/* The slot for one more, the lowest that is free, and its record, as if it were never written; NULL
 * without memory. */
static struct record *find_room(struct table *table, uint32_t *slot)
{
    *slot = table->unused.count > 0 ? slots_lowest(&table->unused) : table->end;
    uint32_t chunk = *slot / CHUNK_RECORDS;
    bool is_there = chunk < table->chunk_count && table->chunks[chunk] != table_no_records;
    if (!is_there && !table_make_chunk(table, chunk))
        return NULL;
    struct record *record = &table->chunks[chunk][*slot % CHUNK_RECORDS];
    *record = (struct record){0};
    return record;
}

static enum table_outcome refuse(const struct table *table)
{
    return table->allowance.by_system ? TABLE_FULL_MEMORY : TABLE_FULL_BYTES;
}

static inline void count_change(struct table *table, const struct record *record,
                                uint64_t difference)
{
    table->digest ^= difference;
    table->ranges[record->range] ^= difference;
    table->blocks[record->range / BLOCK_RANGES] ^= difference;
    table->changes++;
}

static inline void note_change(struct table *table, uint32_t slot, bool stays)
{
    if (table->changes_noted != NULL)
        changes_note(table->changes_noted, slot, stays);
}

static bool takes_no_more(const struct table *table, const struct table_room *room)
{
    return table->count >= room->clients_max;
}

static void count_new(struct table *table, const struct record *record)
{
    table->count++;
    count_change(table, record, record->hash);
    /* Of a client that is known one above the ceiling replaces only what is above, too. */
    if (record_order_ns(record) > table->ceiling_ns)
        table->above.is_due = true;
}

/* `stays`: what stands there stays in its cell of the grid. */
static inline bool stays_in_cell(const struct table *table, const struct record *record,
                                 const struct location *location)
{
    return !table->has_grid || grid_stays(record, location);
}

__attribute__((always_inline)) static inline bool write_record(struct table *table, uint32_t slot,
                                                               struct record *record,
                                                               const struct location *location,
                                                               uint16_t origin, bool stays)
{
    if (!stays)
        return grid_write(table, slot, record, location, origin);
    return record_write(record, location, origin, names_hash(&table->names, origin),
                        &table->allowance);
}

/* Kept out of what is done for the clients that are known. */
__attribute__((noinline)) static enum table_outcome
add(struct table *table, const struct location *location, uint16_t origin, uint32_t hash,
    const struct table_room *room, uint32_t *slot)
{
    if (takes_no_more(table, room))
        return TABLE_FULL_CLIENTS;
    uint32_t range = range_of(table_client_hash(location->client));
    __builtin_prefetch(&table->ranges[range], 1); /* any of half a MiB */
    struct allowance *allowance = &table->allowance;
    uint32_t beside_bytes = table->limits.beside_bytes;
    if (table->old.count > 0)
        table_move_some(table);
    struct record *record = grow_if_full(table) ? find_room(table, slot) : NULL;
    if (record == NULL || !allowance_fits(allowance, beside_bytes))
        return refuse(table);
    allowance->taken += beside_bytes;
    bool stays = stays_in_cell(table, record, location);
    if (!write_record(table, *slot, record, location, origin, stays)) {
        allowance->taken -= beside_bytes;
        return refuse(table);
    }
    if (*slot == table->end)
        table->end++;
    else
        slots_remove(&table->unused, *slot);
    table->entered++;
    enter(&table->now, (struct bucket){hash, *slot + 1});
    record->range = (uint16_t)range;
    table_note(table, *slot, 1);
    count_new(table, record);
    note_change(table, *slot, false);
    return TABLE_NEW;
}

/* What stands there is over: the client counts as one not seen before, and keeps the slot, which
 * was to be freed. */
static enum table_outcome revive(struct table *table, uint32_t slot, struct record *record,
                                 const struct location *location, uint16_t origin,
                                 const struct table_room *room)
{
    if (location->order_ns < table->horizon_ns)
        return TABLE_EXPIRED;
    if (takes_no_more(table, room))
        return TABLE_FULL_CLIENTS;
    bool stays = stays_in_cell(table, record, location);
    if (!write_record(table, slot, record, location, origin, stays))
        return refuse(table);
    count_new(table, record);
    note_change(table, slot, false);
    return TABLE_NEW;
}

__attribute__((always_inline)) static inline enum table_outcome
overwrite(struct table *table, uint32_t slot, struct record *record,
          const struct location *location, uint16_t origin, bool stays)
{
    uint64_t before = record->hash;
    if (!write_record(table, slot, record, location, origin, stays))
        return refuse(table);
    count_change(table, record, before ^ record->hash);
    return TABLE_NEWER;
}

/* The same as replace below where there is more to do. `room` is that of a client
 * that is not known any more; NULL: TABLE_UNKNOWN. */
__attribute__((noinline)) static enum table_outcome
replace_while_busy(struct table *table, uint32_t slot, const struct location *location,
                   uint16_t origin, const struct table_room *room)
{
    struct record *record = record_at(table, slot);
    if (table->old.count > 0)
        table_move_some(table);
    if (is_over(table, record))
        return room == NULL ? TABLE_UNKNOWN : revive(table, slot, record, location, origin, room);
    bool stays = stays_in_cell(table, record, location);
    table_note(table, slot, -1);
    enum table_outcome outcome = overwrite(table, slot, record, location, origin, stays);
    table_note(table, slot, 1);
    if (outcome == TABLE_NEWER)
        note_change(table, slot, stays && table->has_grid);
    return outcome;
}

__attribute__((always_inline)) static inline enum table_outcome
replace(struct table *table, uint32_t slot, struct record *record, const struct location *location,
        uint16_t origin, const struct table_room *room)
{
    if (__builtin_expect(table->is_busy, 0))
        return replace_while_busy(table, slot, location, origin, room);
    bool stays = stays_in_cell(table, record, location);
    return overwrite(table, slot, record, location, origin, stays);
}

uint16_t table_origin(struct table *table, struct span origin)
{
    uint16_t number = names_put(&table->names, origin, &table->allowance);
    assert(number != NAMES_NONE);
    names_own(&table->names, number, NAMES_OWNER_KEPT);
    return number;
}

/* Says yes where the order times alone decide, as they nearly always do: both are believed, for the
 * stored one is less. */
__attribute__((always_inline)) static inline bool is_plainly_newer(const struct table *table,
                                                                   const struct record *record,
                                                                   const struct location *location)
{
    return record_order_ns(record) < location->order_ns && location->order_ns <= table->ceiling_ns;
}

/* Whether an own client's location that is not plainly newer wins all the same; it may get another
 * order time for that. */
static bool wins(const struct table *table, uint32_t slot, struct location *location)
{
    struct location known;
    char text[PACKED_TEXT_BYTES_MAX];
    table_read(table, slot, text, &known);
    int64_t known_ns, ceiling_ns = table->ceiling_ns;
    if (!location_known_order_ns(&known, ceiling_ns, &known_ns))
        return location->order_ns <= ceiling_ns || location->order_ns > known.order_ns;
    if (location->order_ns > known_ns) /* the order of a tombstone was above the ceiling */
        return location->order_ns <= ceiling_ns;
    bool is_later = known_ns < ceiling_ns &&
                    location_stamp_ns(location->stamp) > location_stamp_ns(known.stamp);
    if (is_later)
        location->order_ns = known_ns + 1;
    return is_later;
}

/* Kept out of what nearly always needs only the order times. */
__attribute__((noinline)) static enum table_outcome
put_if_it_wins(struct table *table, uint32_t slot, struct location *location, uint16_t origin)
{
    if (location->order_ns < table->horizon_ns)
        return TABLE_EXPIRED;
    if (is_over(table, record_at(table, slot)))
        return TABLE_UNKNOWN;
    struct record *record = record_at(table, slot);
    return wins(table, slot, location) ? replace(table, slot, record, location, origin, NULL)
                                       : TABLE_OLDER;
}

enum table_outcome table_put_known(struct table *table, struct location *location, uint16_t origin,
                                   struct table_ref ref, uint32_t *slot)
{
    uint32_t slot_ord = find(table, location->client, ref);
    if (slot_ord == 0)
        return location->order_ns < table->horizon_ns ? TABLE_EXPIRED : TABLE_UNKNOWN;
    table->allowance.max = table->limits.own.bytes_max;
    uint32_t found = *slot = slot_ord - 1;
    struct record *record = record_at(table, found);
    if (!is_plainly_newer(table, record, location))
        return put_if_it_wins(table, found, location, origin);
    return replace(table, found, record, location, origin, NULL);
}

enum table_outcome table_put_unknown(struct table *table, struct location *location,
                                     uint16_t origin, struct table_ref ref, uint32_t *slot)
{
    const struct table_room *room = &table->limits.own;
    table->allowance.max = room->bytes_max;
    bool may_be_over = table->sweep.phase == SWEEP_FREES;
    uint32_t over_ord = may_be_over ? table_look_up(table, location->client, ref.hash) : 0;
    if (over_ord == 0)
        return add(table, location, origin, ref.hash, room, slot);
    *slot = over_ord - 1;
    return revive(table, *slot, record_at(table, *slot), location, origin, room);
}

enum table_outcome table_put_tombstone(struct table *table, uint32_t slot,
                                       const struct location *tombstone, uint16_t origin)
{
    assert(table_slot_is_live(table, slot));
    table->allowance.max = table->limits.peers.bytes_max;
    return replace(table, slot, record_at(table, slot), tombstone, origin, NULL);
}

/* Kept out of what nearly always needs only the order time. */
__attribute__((noinline)) static enum table_outcome judge(const struct table *table, uint32_t slot,
                                                          const struct location *location)
{
    struct location known;
    char text[PACKED_TEXT_BYTES_MAX];
    if (location->order_ns < table->horizon_ns)
        return TABLE_EXPIRED;
    table_read(table, slot, text, &known);
    if (known.order_ns < table->horizon_ns)
        return TABLE_NEWER;
    int order = location_compare_at(location, &known, table->ceiling_ns);
    return order > 0 ? TABLE_NEWER : order == 0 ? TABLE_SAME : TABLE_OLDER;
}

static uint16_t number_origin(struct table *table, struct span origin)
{
    return table->origins_closed ? names_find(&table->names, origin)
                                 : names_put(&table->names, origin, &table->allowance);
}

/* Most clients stay with one node. */
static inline uint16_t origin_after(struct table *table, uint16_t before, struct span origin)
{
    return token_equals(names_get(&table->names, before), origin) ? before
                                                                  : number_origin(table, origin);
}

static enum table_outcome refuse_origin(const struct table *table)
{
    if (table->origins_closed)
        return TABLE_NEW_ORIGIN;
    return table->names.count == NAMES_MAX ? TABLE_FULL_ORIGINS : refuse(table);
}

uint16_t table_find_origin(struct table *table, struct span origin)
{
    bool is_name = origin.len > 0 && origin.len <= NAMES_BYTES_MAX;
    return is_name ? names_find(&table->names, origin) : NAMES_NONE;
}

struct span table_origin_name(const struct table *table, uint16_t origin)
{
    return names_get(&table->names, origin);
}

void table_close_origins(struct table *table)
{
    table->origins_closed = true;
}

bool table_add_origin(struct table *table, struct span origin, uint16_t owner)
{
    table->allowance.max = table->limits.peers.bytes_max;
    uint16_t number = names_put(&table->names, origin, &table->allowance);
    if (number != NAMES_NONE)
        names_own(&table->names, number, owner);
    return number != NAMES_NONE;
}

void table_disown_origins(struct table *table, uint16_t owner)
{
    names_disown(&table->names, owner);
}

uint32_t table_count_origins(const struct table *table, uint16_t owner)
{
    return names_count_of(&table->names, owner);
}

/* Of a client that is in no index. */
static enum table_outcome add_of_any(struct table *table, const struct location *location,
                                     struct table_ref ref, uint32_t *slot)
{
    if (location->order_ns < table->horizon_ns)
        return TABLE_EXPIRED;
    uint16_t origin = number_origin(table, location->origin);
    return origin == NAMES_NONE
               ? refuse_origin(table)
               : add(table, location, origin, ref.hash, &table->limits.peers, slot);
}

enum table_outcome table_put_absent(struct table *table, const struct location *location,
                                    struct table_ref ref, uint32_t *slot)
{
    uint32_t slot_ord = find(table, location->client, ref);
    *slot = slot_ord - 1;
    if (slot_ord != 0)
        return is_over(table, record_at(table, *slot)) ? table_put(table, location, ref, slot)
                                                       : TABLE_OLDER;
    table->allowance.max = table->limits.peers.bytes_max;
    return add_of_any(table, location, ref, slot);
}

enum table_outcome table_put(struct table *table, const struct location *location,
                             struct table_ref ref, uint32_t *slot)
{
    const struct table_room *room = &table->limits.peers;
    uint32_t slot_ord = find(table, location->client, ref);
    table->allowance.max = room->bytes_max;
    if (slot_ord == 0)
        return add_of_any(table, location, ref, slot);
    uint32_t found = *slot = slot_ord - 1;
    struct record *record = record_at(table, found);
    if (!is_plainly_newer(table, record, location)) {
        enum table_outcome outcome = judge(table, found, location);
        if (outcome != TABLE_NEWER)
            return outcome;
    }
    uint16_t origin = origin_after(table, record->origin, location->origin);
    return origin == NAMES_NONE ? refuse_origin(table)
                                : replace(table, found, record, location, origin, room);
}

void table_read(const struct table *table, uint32_t slot, char *text, struct location *location)
{
    const struct record *record = record_at(table, slot);
    record_read(record, text, location);
    location->origin = names_get(&table->names, record->origin);
}

uint64_t table_changes(const struct table *table)
{
    return table->changes;
}

uint32_t table_count(const struct table *table)
{
    return table->count;
}

uint32_t table_slots(const struct table *table)
{
    return table->end;
}

uint64_t table_digest(const struct table *table)
{
    return table->digest;
}

uint64_t table_client_hash(struct span client)
{
    return location_hash_client(client);
}

uint64_t table_range_digest(const struct table *table, unsigned level, uint32_t range)
{
    assert(level <= TABLE_RANGE_BITS && range < 1u << level);
    size_t count = (size_t)TABLE_RANGES >> level, first = range * count;
    return count < BLOCK_RANGES ? fold(table->ranges + first, count)
                                : fold(table->blocks + first / BLOCK_RANGES, count / BLOCK_RANGES);
}

const uint64_t *table_ranges(const struct table *table)
{
    return table->ranges;
}

uint64_t table_bytes(const struct table *table)
{
    return table->allowance.taken;
}
